"""Models as scripts for Paddle 2 save them: layers through paddle.jit.to_static and paddle.jit.save."""

from __future__ import annotations

import warnings
import zlib  # noqa: F401  before paddle, whose own inflate would take its place
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# isort: split
import paddle
from paddle.static import InputSpec

Spec = tuple[Sequence[int | None], str, str]


@contextmanager
def dynamic_mode():
    """Be in Paddle's dynamic mode, in which layers are trained and saved; afterwards as before."""
    was_dynamic = paddle.in_dynamic_mode()
    paddle.disable_static()
    try:
        yield
    finally:
        if not was_dynamic:
            paddle.enable_static()


def save(prefix: Path, layer: Callable[[], Any], *specs: Spec, training: bool = False) -> Path:
    """Make a layer, stir its batch_norms, and save it with these inputs: shape, dtype and name of each."""
    with dynamic_mode():
        paddle.seed(3)
        made = layer()
        for name, value in made.named_buffers():
            if "_mean" in name or "_variance" in name:
                value.set_value(paddle.uniform(value.shape, min=0.5, max=1.5))
        made.train() if training else made.eval()
        write(prefix, made, *specs)
    return prefix


def write(prefix: Path, layer: Any, *specs: Spec) -> None:
    """Save a layer as it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a network without parameters, and of Paddle's own syntax trees
        paddle.jit.save(layer, str(prefix), input_spec=[InputSpec(list(shape), *rest) for shape, *rest in specs])


class LeNet(paddle.nn.Layer):
    """Two convolutions with batch_norm and dropout; it ends in logits, as Paddle's loss takes them."""

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = paddle.nn.Sequential(
            *(paddle.nn.Conv2D(1, 6, 5), paddle.nn.BatchNorm2D(6), paddle.nn.ReLU(), paddle.nn.MaxPool2D(2, 2)),
            *(paddle.nn.Conv2D(6, 12, 5), paddle.nn.ReLU(), paddle.nn.MaxPool2D(2, 2)),
        )
        self.dropout = paddle.nn.Dropout(0.3)
        self.linear = paddle.nn.Linear(12 * 4 * 4, classes)

    def forward(self, images: Any) -> Any:
        return self.linear(self.dropout(paddle.flatten(self.features(images), 1)))


class TwoEnds(paddle.nn.Layer):
    """Two inputs, of which one has a free length, and two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = paddle.nn.Embedding(50, 8)
        self.linear = paddle.nn.Linear(8, 3)

    def forward(self, words: Any, mask: Any) -> Any:
        mean = (self.embedding(words) * mask.unsqueeze(-1)).mean(axis=1)
        return paddle.nn.functional.softmax(self.linear(mean)), mean.argmax(axis=1)


class Sum(paddle.nn.Layer):
    """No parameters, and as its answer a single number without dimensions."""

    def forward(self, x: Any) -> Any:
        return (x * x).sum()


class Branch(paddle.nn.Layer):
    """A condition on the data, and a loop over it."""

    def forward(self, x: Any) -> Any:
        if x.sum() > 0:
            x = x + 1
        else:
            x = x - 1
        count = paddle.zeros([1], "int32")
        while count < 3:
            x = x * 2
            count += 1
        return x


class Recurrent(paddle.nn.Layer):
    """An LSTM over any length, whose first state is as large as the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = paddle.nn.LSTM(4, 5)

    def forward(self, x: Any) -> Any:
        return self.lstm(x)[0][:, -1]


class Steps(paddle.nn.Layer):
    """A loop of Python's, which is unrolled when the layer is saved, with a list."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = paddle.nn.GRUCell(3, 4)

    def forward(self, x: Any) -> Any:
        state, seen = paddle.zeros([x.shape[0], 4]), []
        for step in range(5):
            _, state = self.cell(x[:, step], state)
            seen.append(state)
        return paddle.stack(seen, axis=1)
