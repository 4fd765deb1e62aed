"""Inference models as fluid scripts save them, built and saved with legacy_fluid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from export.conversion.paddle_model import static_mode

Network = Callable[[], tuple[list[Any], list[Any]]]


@static_mode()
def save(folder: Path, network: Network, **names: str) -> Path:
    """Build `network`, which returns inputs and outputs, give it parameters, and save it for inference in `folder`."""
    import legacy_fluid as fluid

    main, startup = fluid.Program(), fluid.Program()
    main.random_seed = startup.random_seed = 5
    with fluid.program_guard(main, startup), fluid.unique_name.guard():
        inputs, outputs = network()
    executor = fluid.Executor(fluid.CPUPlace())
    with fluid.scope_guard(fluid.Scope()):
        executor.run(startup)
        _stir_statistics(main, fluid)
        inputs_names = [variable.name for variable in inputs]
        fluid.io.save_inference_model(str(folder), inputs_names, outputs, executor, main_program=main, **names)
    return folder


def _stir_statistics(program: Any, fluid: Any) -> None:
    """Give biases and the statistics of batch_norm values that are not trivial: a fold of zeros proves nothing."""
    random = np.random.default_rng(6)
    for parameter in program.all_parameters():
        if parameter.name.startswith("batch_norm") or ".b_" in parameter.name:
            values = random.uniform(0.5, 1.5, parameter.shape).astype(np.float32)
            fluid.global_scope().find_var(parameter.name).get_tensor().set(values, fluid.CPUPlace())


def two_ends() -> tuple[list[Any], list[Any]]:
    """Two inputs of different ranks, two outputs."""
    import legacy_fluid as fluid

    left = fluid.data("left", [-1, 8], "float32")
    right = fluid.data("right", [-1, 4, 6], "float32")
    hidden = fluid.layers.fc(left, 16, act="tanh") + fluid.layers.fc(right, 16, act="sigmoid")
    return [left, right], [
        fluid.layers.fc(hidden, 3, act="softmax"),
        fluid.layers.reduce_mean(hidden, 1, keep_dim=True),
    ]


def recommender() -> tuple[list[Any], list[Any]]:
    """Embeddings of integers with small tables, in the old [N, 1] form."""
    import legacy_fluid as fluid

    inputs, features = [], []
    for name, entries in (("user", 50), ("gender", 2), ("movie", 30)):
        inputs.append(fluid.data(name, [-1, 1], "int64"))
        features.append(fluid.layers.fc(fluid.layers.embedding(inputs[-1], [entries, 8]), 8))
    taste = fluid.layers.fc(fluid.layers.concat(features[:2], axis=1), 16, act="tanh")
    movie = fluid.layers.fc(features[2], 16, act="tanh")
    return inputs, [fluid.layers.scale(fluid.layers.cos_sim(taste, movie), 5.0)]


def residual() -> tuple[list[Any], list[Any]]:
    """Images of any size through convolutions with batch_norm and a shortcut."""
    import legacy_fluid as fluid

    image = fluid.data("image", [-1, 3, -1, -1], "float32")

    def normed(x: Any, channels: int, act: str | None = None) -> Any:
        return fluid.layers.batch_norm(fluid.layers.conv2d(x, channels, 3, padding=1, bias_attr=False), act=act)

    stem = normed(image, 8, "relu")
    block = fluid.layers.elementwise_add(stem, normed(normed(stem, 8, "relu"), 8), act="relu")
    pooled = fluid.layers.pool2d(block, pool_type="avg", global_pooling=True)
    return [image], [fluid.layers.fc(fluid.layers.dropout(pooled, 0.4), 5, act="softmax"), block]


def text() -> tuple[list[Any], list[Any]]:
    """Sentences of any length, a mask of the same length, and integers among the outputs."""
    import legacy_fluid as fluid

    words = fluid.data("words", [-1, -1], "int64")
    mask = fluid.data("mask", [-1, -1, 1], "float32")
    masked = fluid.layers.elementwise_mul(fluid.embedding(words, [100, 16], padding_idx=0), mask)
    convolved = fluid.layers.conv2d(fluid.layers.unsqueeze(masked, [1]), 8, [3, 16], act="relu")
    prediction = fluid.layers.fc(fluid.layers.reduce_max(convolved, [2, 3]), 4, act="softmax")
    return [words, mask], [prediction, fluid.layers.argmax(prediction, axis=1)]


def recurrent() -> tuple[list[Any], list[Any]]:
    """Five steps forth and, by another network, five steps back."""
    import legacy_fluid as fluid

    x = fluid.data("x", [-1, 5, 3], "float32")
    by_step = fluid.layers.transpose(x, [1, 0, 2])
    steps = fluid.layers.StaticRNN()
    with steps.step():
        row = steps.step_input(by_step)
        before = steps.memory(shape=[-1, 4], batch_ref=row, init_value=0.5)
        after = fluid.layers.fc([row, before], 4, act="tanh")
        steps.update_memory(before, after)
        steps.step_output(after)
    back, _ = fluid.layers.rnn(fluid.layers.GRUCell(hidden_size=4), x, is_reverse=True)
    return [x], [fluid.layers.transpose(steps(), [1, 0, 2]), back]


def sentiment() -> tuple[list[Any], list[Any]]:
    """Sentences as LoD sequences through windows, and through an LSTM and a GRU in both directions."""
    import legacy_fluid as fluid

    words = fluid.data("words", [-1, 1], "int64", lod_level=1)
    embedded = fluid.layers.embedding(words, [50, 8])
    windows = fluid.nets.sequence_conv_pool(embedded, 6, 3, act="tanh", pool_type="sqrt")
    lstm, _ = fluid.layers.dynamic_lstm(fluid.layers.fc(embedded, 16), 16)
    gru = fluid.layers.dynamic_gru(fluid.layers.fc(embedded, 12), 4, is_reverse=True)
    pooled = [windows, fluid.layers.sequence_pool(lstm, "max"), fluid.layers.sequence_last_step(gru)]
    return [words], [fluid.layers.fc(pooled, 2, act="softmax"), lstm]


def tagging() -> tuple[list[Any], list[Any]]:
    """Two inputs for each word of a sentence, and a tag for each by a CRF."""
    import legacy_fluid as fluid

    inputs = [fluid.data(name, [-1, 1], "int64", lod_level=1) for name in ("words", "marks")]
    features = [fluid.layers.fc(fluid.layers.embedding(ids, [50, 8]), 8, act="tanh") for ids in inputs]
    emission = fluid.layers.fc(fluid.layers.sums(features), 4)
    fluid.layers.create_parameter([6, 4], "float32", name="transition")
    tags = fluid.layers.crf_decoding(emission, param_attr=fluid.ParamAttr(name="transition"))
    return inputs, [tags, emission]


def joined() -> tuple[list[Any], list[Any]]:
    """Two inputs of sequences, joined end to end, which no ONNX operators match."""
    import legacy_fluid as fluid

    sequences = [fluid.data(name, [-1, 4], "float32", lod_level=1) for name in ("left", "right")]
    both = fluid.layers.sequence_concat(sequences)
    return sequences, [fluid.layers.fc(fluid.layers.sequence_pool(both, "sum"), 2)]
