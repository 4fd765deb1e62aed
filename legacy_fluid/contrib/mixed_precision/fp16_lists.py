"""`fluid.contrib.mixed_precision.fp16_lists`: which operators may compute in float16."""

from __future__ import annotations

from collections.abc import Collection

__all__ = ["AutoMixedPrecisionLists"]

white_list = {"conv2d", "matmul", "mul"}
black_list = {
    *("cos_sim", "cross_entropy", "cross_entropy2", "exp", "log", "mean", "sigmoid_cross_entropy_with_logits"),
    *("softmax", "softmax_with_cross_entropy", "square", "sum"),
}
_GRAY = """
    batch_norm cast dropout elementwise_add elementwise_div elementwise_floordiv elementwise_max elementwise_min
    elementwise_mod elementwise_mul elementwise_pow elementwise_sub fill_constant flatten2 gather gaussian_random
    gaussian_random_batch_size_like get_tensor_from_selected_rows leaky_relu lookup_table pool2d pool3d rank relu
    relu6 reshape2 scale sigmoid sign slice soft_relu stack tanh top_k transpose2 uniform_random_batch_size_like
    unstack
"""
gray_list = set(_GRAY.split())


class AutoMixedPrecisionLists:
    """Operators that compute in float16 (white), in float32 (black), and in what their inputs have (gray).

    Args:
        custom_white_list, custom_black_list: operators that move to these lists.
        custom_black_varnames: variables whose operators compute in float32.

    Raises:
        ValueError: an operator is in both.
    """

    def __init__(
        self,
        custom_white_list: Collection[str] | None = None,
        custom_black_list: Collection[str] | None = None,
        custom_black_varnames: Collection[str] | None = None,
    ) -> None:
        white, black = set(custom_white_list or ()), set(custom_black_list or ())
        if both := white & black:
            raise ValueError(f"an operator is on one list: {', '.join(sorted(both))} stand in both custom lists")
        self.white_list = white_list - black | white
        self.black_list = black_list - white | black
        self.gray_list = gray_list - white - black
        self.black_varnames = custom_black_varnames
