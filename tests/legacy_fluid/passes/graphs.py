"""Graphs that the passes are proved on, and a command that trains them with and without passes.

    python graphs.py NAME... prints JSON: for each how far loss and gradients, and parameters, are apart.

It is a process of its own because oneDNN's failures are those of processes: it can hang, and die.
"""

import json
import sys
import zlib  # noqa: F401  before paddle
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np

import legacy_fluid as fluid
from legacy_fluid import passes

layers = fluid.layers
CLASSES = 10


def softmax(img: Any) -> Any:
    return img


def mlp(img: Any) -> Any:
    return layers.fc(layers.fc(img, 20, act="relu"), 20, act="tanh")


def lenet(img: Any) -> Any:
    x = fluid.nets.simple_img_conv_pool(img, filter_size=5, num_filters=8, pool_size=2, pool_stride=2, act="relu")
    x = layers.batch_norm(x)
    return fluid.nets.simple_img_conv_pool(x, filter_size=5, num_filters=16, pool_size=2, pool_stride=2, act="relu")


def lenet_without_norm(img: Any) -> Any:
    x = fluid.nets.simple_img_conv_pool(img, filter_size=5, num_filters=8, pool_size=2, pool_stride=2, act="tanh")
    return fluid.nets.simple_img_conv_pool(x, filter_size=5, num_filters=16, pool_size=2, pool_stride=2, act="sigmoid")


def _conv_norm(x: Any, filters: int, size: int = 3, stride: int = 1, act: str | None = None) -> Any:
    x = layers.conv2d(x, filters, size, stride=stride, padding=size // 2, bias_attr=False)
    return layers.batch_norm(x, act=act)


def resnet(img: Any) -> Any:
    x = _conv_norm(img, 8, act="relu")
    x = layers.pool2d(x, 3, "max", 2, 1)
    for filters, stride in ((8, 1), (16, 2)):
        shortcut = x if stride == 1 else _conv_norm(x, filters, 1, stride)
        main = _conv_norm(_conv_norm(x, filters, stride=stride, act="relu"), filters)
        x = layers.elementwise_add(shortcut, main, act="relu")
    return layers.pool2d(x, pool_type="avg", global_pooling=True)


def pool_next_to_convolution(img: Any) -> Any:
    x = layers.pool2d(layers.conv2d(img, 6, 3, bias_attr=False), 2, "max", 2)
    return layers.pool2d(layers.conv2d(x, 12, 3, bias_attr=False), 2, "avg", 2)


def convolution_after_convolution(img: Any) -> Any:
    x = layers.conv2d(layers.conv2d(img, 6, 3, bias_attr=False), 12, 3, bias_attr=False)
    return layers.conv2d(x, 4, 1, act="relu")


def two_readers(img: Any) -> Any:
    x = layers.conv2d(img, 6, 3, act="relu")
    a, b = layers.pool2d(x, 2, "max", 2), layers.pool2d(x, 2, "avg", 2)
    return layers.conv2d(layers.elementwise_add(a, b), 5, 3)


def inception(img: Any) -> Any:
    x = layers.conv2d(img, 6, 3, padding=1, act="relu")
    parts = [layers.conv2d(x, 4, size, padding=size // 2, act="relu") for size in (1, 3, 5)]
    return layers.pool2d(layers.concat([*parts, layers.pool2d(x, 3, "max", 1, 1)], axis=1), 2, "max", 2)


def odd_convolutions(img: Any) -> Any:
    x = layers.conv2d(img, 6, 3, padding="SAME", act="relu")
    x = layers.conv2d(x, 6, 3, dilation=2, groups=2, padding=[1, 0])
    x = layers.conv2d(x, 6, 3, groups=6, padding=[[0, 0], [0, 0], [2, 1], [0, 3]], act="relu")
    return layers.conv2d(x, 7, (2, 3), stride=(2, 1), padding="VALID")


def small_images(img: Any) -> Any:
    x = layers.pool2d(layers.conv2d(img, 12, 3, padding=1, act="tanh"), 2, "avg", 2)  # 12 x 12
    x = layers.conv2d(x, 10, 5, act="tanh")  # 8 x 8, one tile
    x = layers.conv2d(x, 18, 5, padding=[[0, 0], [0, 0], [1, 2], [0, 2]], bias_attr=False)  # 7 x 6
    return layers.conv2d(x, 9, 5, padding=4)  # 11 x 10, four tiles, of which the upper ones are larger


def small_images_without_gradients(img: Any) -> Any:
    frozen = {"param_attr": fluid.ParamAttr(trainable=False), "bias_attr": False, "act": "tanh"}
    x = layers.pool2d(layers.conv2d(img, 12, 3, padding=1, **frozen), 2, "avg", 2)
    x.stop_gradient = True
    return layers.conv2d(layers.conv2d(x, 10, 5, act="tanh"), 10, 5, **frozen)


def depthwise(img: Any) -> Any:
    x = layers.conv2d(img, 8, 3, act="relu")
    return layers.conv2d(layers.conv2d(x, 8, 3, groups=8, use_cudnn=False, act="relu6"), 4, 1)


def odd_pools(img: Any) -> Any:
    x = layers.conv2d(img, 6, 3, act="relu")
    x = layers.pool2d(x, 3, "max", 2, 1, ceil_mode=True)
    x = layers.pool2d(layers.conv2d(x, 6, 3, act="relu"), 3, "avg", 2, 1, exclusive=False)
    return layers.adaptive_pool2d(layers.conv2d(x, 6, 3, act="relu"), [2, 3], "max")


def pools_apart_from_convolutions(img: Any) -> Any:
    small, same = layers.pool2d(img, 2, "max", 2), layers.pool2d(img, 3, "avg", 1, 1, exclusive=False)
    x = layers.transpose(layers.conv2d(small, 6, 3, act="tanh", bias_attr=False), [0, 2, 3, 1])
    x = layers.transpose(x, [0, 3, 1, 2])  # where channels last end
    parts = [layers.pool2d(x, pool_type=kind, global_pooling=True) for kind in ("max", "avg")]
    parts += [layers.adaptive_pool2d(x, [3, 5], "avg"), layers.pool2d(x, 3, "max", 2, 1, ceil_mode=True), same]
    return layers.concat([layers.flatten(part) for part in parts], axis=1)


def shared_filter(img: Any) -> Any:
    attr = fluid.ParamAttr(name="shared")
    x = layers.conv2d(img, 4, 3, padding=1, act="relu")
    for _ in range(2):
        x = layers.conv2d(x, 4, 3, padding=1, act="relu", param_attr=attr)
    return layers.pool2d(x, 2, "max", 2)


def frozen(img: Any) -> Any:
    x = layers.conv2d(img, 6, 3, act="relu", param_attr=fluid.ParamAttr(trainable=False), bias_attr=False)
    x = layers.pool2d(x, 2, "max", 2)
    x.stop_gradient = True
    return layers.pool2d(layers.conv2d(x, 6, 3, act="relu"), 2, "max", 2)


def inside_a_block(img: Any) -> Any:
    x = layers.conv2d(img, 4, 3, act="relu")
    flag = layers.fill_constant([1], "bool", True)
    return layers.cond(flag, lambda: layers.conv2d(layers.pool2d(x, 2, "max", 2), 4, 3), lambda: x[:, :, :9, :9])


def in_float64(img: Any) -> Any:
    fixed = fluid.ParamAttr(trainable=False)  # the learning rate is a float32
    x = layers.conv2d(layers.cast(img, "float64"), 4, 3, act="relu", param_attr=fixed, bias_attr=fixed)
    return layers.cast(layers.pool2d(x, 2, "max", 2), "float32")


GRAPHS: dict[str, Callable[[Any], Any]] = {
    graph.__name__: graph
    for graph in (
        softmax,
        mlp,
        lenet,
        lenet_without_norm,
        resnet,
        pool_next_to_convolution,
        convolution_after_convolution,
        two_readers,
        inception,
        odd_convolutions,
        small_images,
        small_images_without_gradients,
        depthwise,
        odd_pools,
        pools_apart_from_convolutions,
        shared_filter,
        frozen,
        inside_a_block,
        in_float64,
    )
}
TEXT_CNN = "text_cnn"
BATCH = {"resnet": 32}
"""Of 8 images, the batch_norms of the resnet have so few numbers that inputs times 1 + 1e-7 end 2e-3 apart, too."""


def build(name: str, channels: int = 3) -> tuple[Any, Any, Any]:
    """Return the program that trains a graph, its startup program and the loss."""
    main, startup = fluid.Program(), fluid.Program()
    main.random_seed = startup.random_seed = 5
    with fluid.program_guard(main, startup), fluid.unique_name.guard():
        label = layers.data(name="label", shape=[1], dtype="int64")
        if name == TEXT_CNN:
            words = layers.data(name="words", shape=[1], dtype="int64", lod_level=1)
            vectors = layers.embedding(words, [50, 12])
            parts = [fluid.nets.sequence_conv_pool(vectors, 8, size, act="tanh", pool_type="max") for size in (3, 4)]
            features = layers.concat(parts, axis=1)
        else:
            features = GRAPHS[name](layers.data(name="img", shape=[channels, 24, 24], dtype="float32"))
        prediction = layers.fc(features, CLASSES, act="softmax")
        loss = layers.mean(layers.cross_entropy(prediction, label))
        fluid.optimizer.Momentum(learning_rate=0.01, momentum=0.9).minimize(loss)
    return main, startup, loss


def batches(name: str, channels: int = 3, sizes: tuple[int, ...] = ()) -> Any:
    """Yield feeds without end: images of which each class has its own, under noise."""
    random = np.random.RandomState(1)
    patterns = random.rand(CLASSES, channels, 24, 24)
    while True:
        for size in sizes or (BATCH.get(name, 8),):
            label = random.randint(0, CLASSES, (size, 1))
            if name == TEXT_CNN:
                lengths = random.randint(1, 9, size).tolist()
                words = random.randint(0, 50, (sum(lengths), 1)).astype("int64")
                place = fluid.CPUPlace()
                yield {"words": fluid.create_lod_tensor(words, [lengths], place), "label": label.astype("int64")}
            else:
                img = patterns[label[:, 0]] + random.rand(size, channels, 24, 24)
                yield {"img": (img - 1).astype("float32"), "label": label.astype("int64")}


def train(name: str, steps: int, sizes: tuple[int, ...] = (), channels: int = 3) -> tuple[list[Any], list[Any]]:
    """Return what a first step fetches (loss and gradients) and all parameters after the last."""
    main, startup, loss = build(name, channels)
    trained = [p.name for p in main.all_parameters() if p.trainable]
    executor, scope, source = fluid.Executor(fluid.CPUPlace()), fluid.Scope(), batches(name, channels, sizes)
    with fluid.scope_guard(scope):
        executor.run(startup)
        first = executor.run(main, feed=next(source), fetch_list=[loss, *(f"{name}@GRAD" for name in trained)])
        for _ in range(steps - 1):
            executor.run(main, feed=next(source), fetch_list=[loss])
        return first, [np.array(scope.find_var(p.name).get_tensor()) for p in main.all_parameters()]


def apart(ours: list[Any], plain: list[Any]) -> float:
    """Return the distance of two lists of arrays, relative to the length of the second."""
    assert [array.shape for array in ours] == [array.shape for array in plain]
    ours, plain = (np.concatenate([array.astype("float64").ravel() for array in arrays]) for arrays in (ours, plain))
    return float(np.linalg.norm(ours - plain) / np.linalg.norm(plain))


def compare(name: str, *used: str) -> dict[str, Any]:
    """Train a graph without passes and with these."""
    with passes.using("none"):
        plain = train(name, steps=50)
    with passes.using(*used):
        first, last = train(name, steps=50)
    return {"first": apart(first, plain[0]), "last": apart(last, plain[1])}


if __name__ == "__main__":
    print(json.dumps({name: compare(name, "all") for name in sys.argv[1:]}))
