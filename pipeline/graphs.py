"""The three graphs of the book: `img` [N, 1, 28, 28] float32 in [-1, 1] to probabilities [N, classes].

Source: "Recognize digits" in the PaddlePaddle book, release 1.8; each layer is as it is there.
"""

from __future__ import annotations

from typing import Any

import legacy_fluid as fluid


def softmax(img: Any, classes: int = 10) -> Any:
    """One layer: softmax regression on the pixels."""
    return fluid.layers.fc(input=img, size=classes, act="softmax")


def mlp(img: Any, classes: int = 10) -> Any:
    """Two hidden layers of 200 with relu."""
    hidden = fluid.layers.fc(input=img, size=200, act="relu")
    hidden = fluid.layers.fc(input=hidden, size=200, act="relu")
    return fluid.layers.fc(input=hidden, size=classes, act="softmax")


def lenet(img: Any, classes: int = 10) -> Any:
    """Two convolutions of 5x5 with 20 and 50 filters, each pooled 2x2, batch_norm between them."""
    conv_pool_1 = fluid.nets.simple_img_conv_pool(
        input=img, filter_size=5, num_filters=20, pool_size=2, pool_stride=2, act="relu"
    )
    conv_pool_1 = fluid.layers.batch_norm(conv_pool_1)
    conv_pool_2 = fluid.nets.simple_img_conv_pool(
        input=conv_pool_1, filter_size=5, num_filters=50, pool_size=2, pool_stride=2, act="relu"
    )
    return fluid.layers.fc(input=conv_pool_2, size=classes, act="softmax")
