"""`fluid.nets`: layers that are often used together."""

from __future__ import annotations

from typing import Any

from . import layers
from .data_feeder import check_variable_and_dtype, convert_dtype

__all__ = ["glu", "img_conv_group", "scaled_dot_product_attention", "sequence_conv_pool", "simple_img_conv_pool"]


def simple_img_conv_pool(
    input: Any,
    num_filters: int,
    filter_size: Any,
    pool_size: Any,
    pool_stride: Any,
    pool_padding: Any = 0,
    pool_type: str = "max",
    global_pooling: bool = False,
    conv_stride: Any = 1,
    conv_padding: Any = 0,
    conv_dilation: Any = 1,
    conv_groups: int = 1,
    param_attr: Any = None,
    bias_attr: Any = None,
    act: str | None = None,
    use_cudnn: bool = True,
) -> Any:
    """Return a convolution of images [N, C, H, W], its activation, and a pooling of that."""
    convolved = layers.conv2d(
        input=input,
        num_filters=num_filters,
        filter_size=filter_size,
        stride=conv_stride,
        padding=conv_padding,
        dilation=conv_dilation,
        groups=conv_groups,
        param_attr=param_attr,
        bias_attr=bias_attr,
        act=act,
        use_cudnn=use_cudnn,
    )
    return layers.pool2d(
        input=convolved,
        pool_size=pool_size,
        pool_type=pool_type,
        pool_stride=pool_stride,
        pool_padding=pool_padding,
        global_pooling=global_pooling,
        use_cudnn=use_cudnn,
    )


def img_conv_group(
    input: Any,
    conv_num_filter: Any,
    pool_size: Any,
    conv_padding: Any = 1,
    conv_filter_size: Any = 3,
    conv_act: str | None = None,
    param_attr: Any = None,
    conv_with_batchnorm: Any = False,
    conv_batchnorm_drop_rate: Any = 0.0,
    pool_stride: Any = 1,
    pool_type: str = "max",
    use_cudnn: bool = True,
) -> Any:
    """Return images [N, C, H, W] after one convolution after the other, each with what follows it, and a pooling.

    Args:
        conv_num_filter: the filters of each convolution, a list.
        conv_padding, conv_filter_size, param_attr, conv_with_batchnorm, conv_batchnorm_drop_rate: one for all
            convolutions, or a list with one for each.
    """
    assert isinstance(conv_num_filter, list | tuple), f"conv_num_filter is a list, not {conv_num_filter!r}"
    number = len(conv_num_filter)

    def one_each(given: Any) -> Any:
        if not hasattr(given, "__len__"):
            return [given] * number
        assert len(given) == number, f"{given!r} has one item for each of {number} convolutions"
        return given

    out = input
    for filters, padding, size, attr, is_normalised, drop_rate in zip(
        conv_num_filter,
        one_each(conv_padding),
        one_each(conv_filter_size),
        one_each(param_attr),
        one_each(conv_with_batchnorm),
        one_each(conv_batchnorm_drop_rate),
        strict=True,
    ):
        out = layers.conv2d(
            input=out,
            num_filters=filters,
            filter_size=size,
            padding=padding,
            param_attr=attr,
            act=None if is_normalised else conv_act,
            use_cudnn=use_cudnn,
        )
        if is_normalised:
            out = layers.batch_norm(input=out, act=conv_act)
            if abs(drop_rate) > 1e-5:
                out = layers.dropout(x=out, dropout_prob=drop_rate)
    return layers.pool2d(
        input=out, pool_size=pool_size, pool_type=pool_type, pool_stride=pool_stride, use_cudnn=use_cudnn
    )


def sequence_conv_pool(
    input: Any,
    num_filters: int,
    filter_size: int,
    param_attr: Any = None,
    act: str = "sigmoid",
    pool_type: str = "max",
    bias_attr: Any = None,
) -> Any:
    """Return a convolution of sequences [T, D], its activation, and a pooling over each sequence, [N, num_filters]."""
    check_variable_and_dtype(input, "input", ["float32", "float64"], "sequence_conv_pool")
    convolved = layers.sequence_conv(
        input=input,
        num_filters=num_filters,
        filter_size=filter_size,
        param_attr=param_attr,
        bias_attr=bias_attr,
        act=act,
    )
    return layers.sequence_pool(input=convolved, pool_type=pool_type)


def glu(input: Any, dim: int = -1) -> Any:
    """Return the first half of input along `dim` times the sigmoid of the second (arXiv:1612.08083)."""
    check_variable_and_dtype(input, "input", ["float16", "float32", "float64"], "glu")
    passed, gate = layers.split(input, num_or_sections=2, dim=dim)
    return layers.elementwise_mul(x=passed, y=layers.sigmoid(x=gate))


def scaled_dot_product_attention(
    queries: Any, keys: Any, values: Any, num_heads: int = 1, dropout_rate: float = 0.0
) -> Any:
    """Return, for each query, the values weighted by the softmax of its products with the keys (arXiv:1706.03762).

    Args:
        queries: [N, length, D].
        keys, values: [N, other length, ...]; D of keys is that of queries.
        num_heads: with more than one, each input goes through a fully connected layer first.
        dropout_rate: of the weights.
    """
    _check_attention(queries, keys, values, num_heads)
    width = keys.shape[-1]
    if num_heads > 1:
        queries, keys, values = (
            layers.fc(input=x, size=x.shape[-1], num_flatten_dims=2) for x in (queries, keys, values)
        )
    q, k, v = (_split_heads(x, num_heads) for x in (queries, keys, values))
    product = layers.matmul(x=layers.scale(x=q, scale=(width // num_heads) ** -0.5), y=k, transpose_y=True)
    rows = layers.reshape(x=product, shape=[-1, product.shape[-1]], act="softmax")
    weights = layers.reshape(x=rows, shape=product.shape)
    if dropout_rate:
        weights = layers.dropout(weights, dropout_prob=dropout_rate, is_test=False)
    return _combine_heads(layers.matmul(weights, v))


def _check_attention(queries: Any, keys: Any, values: Any, num_heads: int) -> None:
    layer = "scaled_dot_product_attention"
    inputs = {"queries": queries, "keys": keys, "values": values}
    for argument, variable in inputs.items():
        check_variable_and_dtype(variable, argument, ["float32", "float64"], layer)
    if not queries.dtype == keys.dtype == values.dtype:
        dtypes = ", ".join(convert_dtype(variable.dtype) for variable in inputs.values())
        raise TypeError(f"{layer}: queries, keys and values have one dtype, not {dtypes}")
    shapes = f"(shapes {queries.shape}, {keys.shape}, {values.shape})"
    if any(len(variable.shape) != 3 for variable in inputs.values()):
        raise ValueError(f"{layer}: queries, keys and values have 3 dimensions {shapes}")
    if queries.shape[-1] != keys.shape[-1]:
        raise ValueError(f"{layer}: queries and keys have one width {shapes}")
    if keys.shape[-2] != values.shape[-2]:
        raise ValueError(f"{layer}: keys and values have one length {shapes}")
    for variable in (keys, values):
        if variable.shape[-1] % num_heads != 0:
            raise ValueError(f"{layer}: a width of {variable.shape[-1]} is not a multiple of {num_heads} heads")


def _split_heads(x: Any, num_heads: int) -> Any:
    """Return x [N, length, D] as [N, heads, length, D / heads]; as it is for one head."""
    if num_heads == 1:
        return x
    split = layers.reshape(x=x, shape=[*x.shape[:-1], num_heads, x.shape[-1] // num_heads])
    return layers.transpose(x=split, perm=[0, 2, 1, 3])


def _combine_heads(x: Any) -> Any:
    """Undo `_split_heads`."""
    if len(x.shape) == 3:
        return x
    x = layers.transpose(x, perm=[0, 2, 1, 3])
    return layers.reshape(x=x, shape=[x.shape[0], x.shape[1], x.shape[2] * x.shape[3]])
