"""The graphs of the tutorials: a variable of samples to probabilities [N, outputs], or to one number [N, 1].

With a rate of `dropout` above 0, those that have one drop that share of what their last layers are given, in one of
fluid's two ways (`dropout_mode`): what is left is scaled up in training, or scaled down when the model is used.

Sources: softmax, mlp and lenet from "Recognize digits" in the PaddlePaddle book, release 1.8, each layer as it is there;
the others as Baidu's course on handwritten digits has them.
"""

from __future__ import annotations

from typing import Any

import legacy_fluid as fluid

UPSCALE = "upscale_in_train"


def softmax(img: Any, outputs: int = 10) -> Any:
    """One layer: softmax regression on the pixels, or a linear one where one number is asked for."""
    return _answer(img, outputs)


def mlp(img: Any, outputs: int = 10, dropout: float = 0.0, dropout_mode: str = UPSCALE) -> Any:
    """Two hidden layers of 200 with relu."""
    hidden = fluid.layers.fc(input=img, size=200, act="relu")
    hidden = _dropped(hidden, dropout, dropout_mode)
    hidden = fluid.layers.fc(input=hidden, size=200, act="relu")
    return _answer(_dropped(hidden, dropout, dropout_mode), outputs)


def sigmoid_mlp(img: Any, outputs: int = 10) -> Any:
    """Two hidden layers of 10 with sigmoid."""
    hidden = fluid.layers.fc(input=img, size=10, act="sigmoid")
    hidden = fluid.layers.fc(input=hidden, size=10, act="sigmoid")
    return _answer(hidden, outputs)


def lenet(img: Any, outputs: int = 10, dropout: float = 0.0, dropout_mode: str = UPSCALE) -> Any:
    """Two convolutions of 5x5 with 20 and 50 filters, each pooled 2x2, batch_norm between them."""
    conv_pool_1 = fluid.nets.simple_img_conv_pool(
        input=img, filter_size=5, num_filters=20, pool_size=2, pool_stride=2, act="relu"
    )
    conv_pool_1 = fluid.layers.batch_norm(conv_pool_1)
    conv_pool_2 = fluid.nets.simple_img_conv_pool(
        input=conv_pool_1, filter_size=5, num_filters=50, pool_size=2, pool_stride=2, act="relu"
    )
    return _answer(_dropped(conv_pool_2, dropout, dropout_mode), outputs)


def cnn20(img: Any, outputs: int = 10, dropout: float = 0.0, dropout_mode: str = UPSCALE) -> Any:
    """Two convolutions of 5x5 with 20 filters each, padded to keep the size, each pooled 2x2."""
    hidden = img
    for _ in range(2):
        hidden = fluid.nets.simple_img_conv_pool(
            input=hidden, filter_size=5, num_filters=20, pool_size=2, pool_stride=2, conv_padding=2, act="relu"
        )
    return _answer(_dropped(hidden, dropout, dropout_mode), outputs)


def _answer(hidden: Any, outputs: int) -> Any:
    return fluid.layers.fc(input=hidden, size=outputs, act="softmax" if outputs > 1 else None)


def _dropped(hidden: Any, rate: float, mode: str) -> Any:
    if not rate:
        return hidden
    return fluid.layers.dropout(hidden, dropout_prob=rate, dropout_implementation=mode)
