"""A Paddle inference program with its parameters: read, run and written, apart from Paddle's global scope and mode."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from export.conversion.signature import TensorSpec

_FEED_FETCH = ("feed", "fetch")


@contextmanager
def static_mode() -> Iterator[None]:
    """Be in Paddle's static mode, where programs are built and run; afterwards as before. Serves as a decorator too."""
    import legacy_fluid  # noqa: F401, I001  turns static mode on when it is first imported, and imports paddle safely
    import paddle

    was_dynamic = paddle.in_dynamic_mode()
    paddle.enable_static()
    try:
        yield
    finally:
        if was_dynamic:
            paddle.disable_static()


@dataclass(frozen=True)
class PaddleModel:
    """A program from `inputs` to `outputs`, without feed and fetch operators, and the scope with its parameters.

    A dimension that the program leaves open (-1) stands as `NAME.AXIS` in the specs, until it is measured. An input that
    fluid fed as sequences (a LoDTensor) is in `sequences`, with the name of the input that says how long they are.
    Operators mean what they did in fluid, or, where not `is_fluid`, what they do in Paddle 2.
    """

    program: Any
    scope: Any
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    sequences: Mapping[str, str] = field(default_factory=dict)
    is_fluid: bool = True

    @property
    def block(self) -> Any:
        return self.program.global_block()

    @property
    def operators(self) -> list[Any]:
        """Every operator, those of sub-blocks included."""
        return [op for block in self.program.blocks for op in block.ops]

    @static_mode()
    def run(self, feed: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Return the executor's outputs, in order. Whatever Paddle raises comes through."""
        import paddle

        import legacy_fluid as fluid

        place = fluid.CPUPlace()
        executor = fluid.Executor(place) if self.is_fluid else paddle.static.Executor(place)
        fed = {name: value for name, value in feed.items() if name not in self.sequences.values()}
        for name, lengths in self.sequences.items():
            fed[name] = fluid.create_lod_tensor(feed[name], [feed[lengths].tolist()], place)
        names = [output.name for output in self.outputs]
        tensors = executor.run(self.program, feed=fed, fetch_list=names, scope=self.scope, return_numpy=False)
        return [np.array(tensor) for tensor in tensors]


def make_model(program: Any, inputs: Sequence[str], outputs: Sequence[str], scope: Any) -> PaddleModel:
    """Return the model of a program without feed and fetch operators; the specs come from its variables."""
    block = program.global_block()

    def spec(name: str) -> TensorSpec:
        variable = block.var(name)
        shape = tuple(f"{name}.{axis}" if size < 0 else size for axis, size in enumerate(variable.shape))
        return TensorSpec(name, _dtype(variable), shape)

    return PaddleModel(program, scope, tuple(map(spec, inputs)), tuple(map(spec, outputs)))


@static_mode()
def with_softmax(model: PaddleModel) -> PaddleModel:
    """Return the model with its first output turned into probabilities, along the last dimension."""
    program = model.program.clone()
    block, logits = program.global_block(), model.outputs[0]
    made = block.create_var(name="probabilities", shape=block.var(logits.name).shape, dtype=logits.dtype)
    block.append_op(type="softmax", inputs={"X": [logits.name]}, outputs={"Out": [made.name]}, attrs={"axis": -1})
    return replace(model, program=program, outputs=(logits.renamed(made.name), *model.outputs[1:]))


def parameter_names(program: Any) -> list[str]:
    """Return the names of the variables that must be loaded before `program` can run, sorted."""
    used = {name for block in program.blocks for op in block.ops for name in op.input_arg_names}
    return sorted(variable.name for variable in program.list_vars() if variable.persistable and variable.name in used)


def strip_feed_fetch(program: Any) -> tuple[list[str], list[str]]:
    """Remove the feed and fetch operators of `program`; return the names that they fed and fetched, in order."""
    block = program.global_block()
    ends: dict[str, dict[int, str]] = {kind: {} for kind in _FEED_FETCH}
    for index in reversed(range(len(block.ops))):
        op = block.ops[index]
        if op.type in _FEED_FETCH:
            name = op.output("Out")[0] if op.type == "feed" else op.input("X")[0]
            ends[op.type][op.attr("col")] = name
            block._remove_op(index)
    feeds, fetches = ([names for _, names in sorted(ends[kind].items())] for kind in _FEED_FETCH)
    return feeds, fetches


def telling_line(error: Exception) -> str:
    """Return the line of Paddle's long message that says what was wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "Error: " in line]
    return (telling or lines or [type(error).__name__])[-1]


def _dtype(variable: Any) -> str:
    from paddle.base.data_feeder import convert_dtype

    return str(convert_dtype(variable.dtype))
