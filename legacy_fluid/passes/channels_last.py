"""Convolutions and what stands around them by oneDNN, with the channels of an image side by side (N, H, W, C).

Paddle's own kernels for convolution, pooling, batch_norm and relu are several times slower than those of oneDNN. Which
of these fit together is the trouble: oneDNN lays its results out as each convolution likes best, and a pool's gradient
is refused (or the process dies) where the gradient that comes in lies otherwise than the pool's own result. Here every
value between convolutions lies in one way, the one that its forward convolutions like best:

- a convolution takes whatever lies there, and its results are laid out anew ("settled") where another kind reads them
- pool, batch_norm, relu and their gradients by oneDNN, bias and sums by Paddle's kernels, read and write (N, H, W, C)
- what is read by any other operator, fetched, or used in a sub-block is put back to (N, C, H, W) under its own name

Values of (N, H, W, C) have names of their own, `name@NHWC`, also because oneDNN remembers convolutions by the names of
their inputs. All operators run on one thread, since what oneDNN remembers it remembers for a thread.
"""

from __future__ import annotations

from functools import cache
from itertools import count
from typing import Any

from paddle.base import core
from paddle.base.framework import get_flags

from .block import Block, Uses, first
from .images import CONVOLUTIONS, KINDS, Kind

_NHWC, _NCHW, _ONEDNN = 1, 2, 5  # how the core numbers its layouts
_FROM_FIRST, _TO_FIRST = {"src_layout": _NCHW, "dst_layout": _ONEDNN}, {"src_layout": _ONEDNN, "dst_layout": _NCHW}
_FROM_LAST, _TO_LAST = {"src_layout": _NHWC, "dst_layout": _ONEDNN}, {"src_layout": _ONEDNN, "dst_layout": _NHWC}
_BEGINNINGS = frozenset({*CONVOLUTIONS, "pool2d"})
_LAST, _FIRST = [0, 2, 3, 1], [0, 3, 1, 2]
_numbers = count()


def apply(block: Block) -> bool:
    """Rewrite the operators around convolutions; return whether there were any."""
    members = _members(block)
    if not members:
        return False
    _Rewriting(block, members).run()
    return True


def can_run() -> bool:
    """Whether oneDNN's kernels are there, fast, and right."""
    # With garbage collection off they are not: tensors are kept that oneDNN has laid out for another step.
    return _is_fast() and get_flags(_COLLECTS)[_COLLECTS] >= 0 and not get_flags(_ONEDNN_FLAG)[_ONEDNN_FLAG]


_COLLECTS, _ONEDNN_FLAG = "FLAGS_eager_delete_tensor_gb", "FLAGS_use_mkldnn"


@cache
def _is_fast() -> bool:
    from numpy._core._multiarray_umath import __cpu_features__ as features

    return core.is_compiled_with_mkldnn() and bool(features.get("AVX2"))


def _members(block: Block) -> dict[int, Kind]:
    """Return the operators that go over to (N, H, W, C), by index."""
    uses, members = Uses(block), {}
    region: set[str] = set()
    keys: set[tuple[str, ...]] = set()  # of the operators of the forward pass
    for index, op in enumerate(block.ops()):
        kind = KINDS.get(op.type())
        if kind is None or not kind.fits(block, op):
            continue
        inputs, outputs = kind.images_in(block, op), kind.images_out(block, op)
        if not all(map(uses.is_written_once, (*inputs, *outputs))):
            continue
        if op.type().endswith("_grad"):
            joins = kind.key_of(op) in keys
        else:
            joins = op.type() in _BEGINNINGS or not region.isdisjoint(inputs)
        if joins:
            members[index] = kind
            region.update(outputs)
            keys.add(kind.key_of(op))
    return members


class _Rewriting:
    """One walk over the operators, in which the members get inputs and outputs of (N, H, W, C)."""

    def __init__(self, block: Block, members: dict[int, Kind]) -> None:
        self.block = block
        self.members = members
        self.uses = Uses(block)
        self.suffix = f"@NHWC_{next(_numbers)}"
        self.last: set[str] = set()  # there as (N, H, W, C), under name + suffix
        self.first: set[str] = set()  # there under their own names
        self.tagged: set[str] = set()  # of `last`, those that come from oneDNN's kernels
        self.ops = block.ops()
        self.at = 0

    def run(self) -> None:
        made = {name for index, kind in self.members.items() for name in kind.images_out(self.block, self.ops[index])}
        self.first = {name for op in self.ops for name in op.input_arg_names()} - made
        self._prime()
        for index, op in enumerate(self.ops):
            if kind := self.members.get(index):
                self._take(op, kind)
            else:
                for name in set(op.input_arg_names()) & self.last:
                    self._put_back(name)
            self.at += 1
            if kind:
                self._give(op, kind, index)

    def _prime(self) -> None:
        """Show the thread an image of (N, H, W, C), by which it knows how to read those that do not say."""
        name = f"image{self.suffix}"
        for var in (name, f"{name}@ONEDNN"):
            made = self.block.desc.var(var.encode())
            made.set_shape([1, 1, 1, 1])
            made.set_dtype(self.block.find(next(iter(self._images()))).dtype())
        self._insert("fill_constant", [], name, {"shape": [1, 1, 1, 1], "value": 0.0, "dtype": 5})
        self._insert("transfer_layout", [name], f"{name}@ONEDNN", _FROM_LAST)

    def _images(self) -> list[str]:
        index, kind = next(iter(self.members.items()))
        return kind.images_in(self.block, self.ops[index])

    def _take(self, op: Any, kind: Kind) -> None:
        """Give a member its inputs."""
        for slot in kind.inputs:
            names = op.input(slot) if slot in op.input_names() else []
            if slot == "Input" and names[0] not in self.last:
                op.set_input(slot, [self._tag(names[0], names[0], _FROM_FIRST)])
            elif any(self.block.is_image(name) for name in names):
                op.set_input(slot, [self._as_last(name) for name in names])
        kind.set_last(op)

    def _give(self, op: Any, kind: Kind, index: int) -> None:
        """Name the outputs of a member, and hand out those that others read."""
        is_convolution = op.type() in CONVOLUTIONS
        for name in kind.images_out(self.block, op):
            source = target = self._declare(name)
            if settles := is_convolution and self._is_read_by_others(name):
                source = self.block.declare(f"{target}@ONEDNN", like=target)
            op._rename_output(name, source)
            if settles:
                self._insert("transfer_layout", [source], target, _TO_LAST)
            elif kind.by_onednn(op):
                self.tagged.add(name)
            self.last.add(name)
            if self.block.is_held(name):
                self._put_back(name)
        if name := first(op, "Filter@GRAD"):
            source = self.block.declare(f"{name}{self.suffix}", like=name)
            op._rename_output(name, source)
            self._insert("transfer_layout", [source], name, _TO_FIRST)

    def _is_read_by_others(self, name: str) -> bool:
        """Whether a member that is no convolution reads an image."""
        readers = [reader for reader in self.uses.readers[name] if reader in self.members]
        return any(self.ops[reader].type() not in CONVOLUTIONS for reader in readers)

    def _as_last(self, name: str) -> str:
        """Return the name under which an image lies as (N, H, W, C), laying it out so where it does not yet."""
        target = self._declare(name)
        if name not in self.last:
            if self._moves(name):
                self._insert("transfer_layout", [self._tag(name, name, _FROM_FIRST)], target, _TO_LAST)
            else:
                self._insert("transpose", [name], target, {"axis": _LAST})
            self.last.add(name)
        return target

    def _put_back(self, name: str) -> None:
        """Lay an image out as (N, C, H, W) under its own name."""
        if name in self.first:
            return
        source = self._declare(name)
        if name in self.tagged or self._moves(name):
            tagged = source if name in self.tagged else self._tag(name, source, _FROM_LAST)
            self._insert("transfer_layout", [tagged], name, _TO_FIRST)
        else:
            self._insert("transpose", [source], name, {"axis": _FIRST})
        self.first.add(name)

    def _moves(self, name: str) -> bool:
        """Whether the two layouts of an image differ. Where they do not, a reorder would share its memory."""
        _, channels, height, width = self.block.shape(name)
        return channels > 1 and height > 0 and width > 0 and height * width > 1

    def _tag(self, name: str, source: str, attrs: dict[str, int]) -> str:
        """Return what is the same image to oneDNN's kernels."""
        tagged = f"{name}{self.suffix}@ONEDNN_{attrs['src_layout']}"
        if self.block.find(tagged) is None:
            self._insert("transfer_layout", [source], self.block.declare(tagged, like=source), attrs)
        return tagged

    def _declare(self, name: str) -> str:
        return self.block.declare(f"{name}{self.suffix}", like=name, order=_LAST)

    def _insert(self, op_type: str, inputs: list[str], output: str, attrs: dict[str, Any]) -> None:
        self.block.insert(self.at, op_type, {"X": inputs} if inputs else {}, {"Out": [output]}, attrs)
        self.at += 1
