"""How each name of fluid 1.8 is covered, and why where it is not as it was: the one place that says so.

The code refuses by these tables, `docs/compatibility.md` is made from them and from the record of 1.8.5's names, and
`python -m legacy_fluid --check` reads them: nothing here imports paddle. Names are written as programs write them,
without `paddle.` before `fluid`; a row holds for everything below its name too.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """Why a name cannot be had, and what to use instead."""

    why: str
    instead: str

    def __str__(self) -> str:
        return f"{self.why}; {self.instead}"


_OF_SERVERS = "parameter servers held the table, and the operators that asked them are gone from Paddle 2.6"

REFUSED = {
    "fluid.contrib.Compressor": Refusal(why="it became a project of its own", instead="use paddleslim"),
    "fluid.contrib.convert_dist_to_sparse_program": Refusal(
        why=_OF_SERVERS,
        instead="build the network with layers.embedding(is_distributed=False), and load its parameters",
    ),
    "fluid.contrib.load_persistables_for_increment": Refusal(why=_OF_SERVERS, instead="use io.load_persistables"),
    "fluid.contrib.load_persistables_for_inference": Refusal(why=_OF_SERVERS, instead="use io.load_persistables"),
    "fluid.layers.roi_perspective_transform": Refusal(
        why="its operator is gone from Paddle 2.6", instead="rectify the regions with layers.grid_sampler"
    ),
    "fluid.load_op_library": Refusal(
        why="a library compiled for Paddle 1.8 cannot be loaded by 2.6",
        instead="build the operator anew with paddle.utils.cpp_extension.load",
    ),
    "fluid.profiler.cuda_profiler": Refusal(
        why="it drove nvprof, which CUDA has dropped", instead="run the program under `nsys profile`"
    ),
}
"""Names that are there and raise NotImplementedError."""

_SERVERS = "it served parameter servers of 1.8"

ABSENT = {
    **{
        f"fluid.contrib.slim.{name}": Refusal("it became a project of its own", "use paddleslim")
        for name in ("core", "distillation", "graph", "nas", "prune", "searcher")
    },
    "fluid.contrib.slim.quantization": Refusal("2.x has it elsewhere", "use paddle.static.quantization"),
    "fluid.communicator": Refusal(_SERVERS, "use paddle.distributed"),
    "fluid.distribute_lookup_table": Refusal(_SERVERS, "use paddle.distributed"),
    "fluid.distributed": Refusal(_SERVERS, "use paddle.distributed"),
    "fluid.incubate.fleet.parameter_server.pslib": Refusal(
        "it takes PSLib, which Paddle's packages have not", "use distribute_transpiler.fleet beside it, with one worker"
    ),
    **{
        f"fluid.incubate.fleet.utils.{name}": Refusal("it served clusters", "use paddle.distributed.fleet.utils")
        for name in ("fleet_barrier_util", "fleet_util", "http_server", "utils")
    },
    "fluid.layers.collective": Refusal(
        "its operators went over NCCL", "use paddle.distributed.all_reduce and its like"
    ),
    "fluid.op": Refusal("it was internal to 1.8", "use Block.append_op"),
    "fluid.transpiler.details.ufind": Refusal(_SERVERS, "use paddle.distributed"),
    "fluid.transpiler.details.vars_distributed": Refusal(_SERVERS, "use paddle.distributed"),
    "fluid.transpiler.geo_sgd_transpiler": Refusal(_SERVERS, "use paddle.distributed"),
    **{
        f"paddle.complex.{name}": Refusal("2.x has complex tensors of its own", f"use them with paddle.{name}")
        for name in ("kron", "matmul", "reshape", "sum", "trace", "transpose")
    },
    **{
        f"paddle.complex.elementwise_{name}": Refusal("2.x has complex tensors of its own", f"use them with {sign}")
        for name, sign in {"add": "+", "sub": "-", "mul": "*", "div": "/"}.items()
    },
    "paddle.dataset.mq2007": Refusal("2.x has dropped it", "read the data set's text files"),
    "paddle.dataset.sentiment": Refusal("2.x has dropped it", "use paddle.dataset.imdb, or nltk.corpus.movie_reviews"),
    "paddle.incubate.hapi": Refusal("it became paddle.Model and paddle.vision", "use those"),
    "paddle.distributed.launch_ps": Refusal("parameter servers take several processes", "use paddle.distributed"),
    "paddle.v2": Refusal("it is the interface before fluid, and 1.8 had dropped it too", "port the program to fluid"),
    "paddle.utils.plotcurve": Refusal("it read the logs of Paddle's first version", "draw with matplotlib"),
    "paddle.utils.preprocess_img": Refusal("it fed Paddle's first version", "use paddle.vision.transforms"),
    "paddle.utils.preprocess_util": Refusal("it fed Paddle's first version", "use paddle.vision.datasets"),
    "paddle.utils.show_pb": Refusal("it read the files of Paddle's first version", "use fluid.debugger"),
    "paddle.utils.torch2paddle": Refusal("it wrote the files of Paddle's first version", "convert by way of NumPy"),
}
"""Modules and internal names that are not there at all."""

DEVIATES = {
    "fluid.contrib.mixed_precision.decorate": "everything computes in float32; the loss is scaled as it was",
    "fluid.contrib.sequence_topk_avg_pooling": "it calls a function of Python: a saved program that has it runs in the "
    "process that built it only",
    "fluid.DistributeTranspiler": "one trainer keeps its program; several that update parameters, and their servers, "
    "are refused: use paddle.distributed.fleet",
    **{
        f"fluid.incubate.fleet.{kind}.fleet": "one worker trains as the optimizer alone does; several, and parameter "
        "servers, are refused: use paddle.distributed.fleet"
        for kind in ("collective", "parameter_server.distribute_transpiler")
    },
    **{
        f"fluid.transpiler.collective.{name}": "transpile is refused, it is for several processes: "
        "use paddle.distributed.fleet"
        for name in ("GradAllReduce", "LocalSGD")
    },
    "fluid.dygraph.BackwardStrategy": "sort_sum_gradient has no effect: the 2.6 core adds gradients in one order",
    "fluid.dygraph.GRUUnit": "no gradient flows back through its second output, the reset hidden state",
    "fluid.layers.hard_swish": "in dygraph mode, where scale is not threshold, its slope above is threshold / scale, not 1",
    "fluid.layers.leaky_relu": "in dygraph mode its slope at 0 itself is 1, not alpha",
    "fluid.contrib.model_stat.summary": "FLOPs of an unknown batch size are counted for a batch of one, not negative",
    **{
        f"fluid.layers.{name}": "for a seed it draws other numbers than 1.8 did"
        for name in ("nce", "random_crop", "randperm", "sampled_softmax_with_cross_entropy", "sampling_id")
    },
    "fluid.dygraph.to_variable": "the array is always copied: zero_copy has no effect",
}
"""Names that are there and mean something else in some respect, which the note tells."""

EARLIER = {
    "fluid.dygraph.FC": "of 1.5 and 1.6",
    "fluid.dygraph.nn.FC": "of 1.5 and 1.6",
    "fluid.dygraph.save_persistables": "of 1.5",
    "fluid.dygraph.load_persistables": "of 1.5",
    "fluid.dygraph_grad_clip.GradClipByValue": "of 1.6 and 1.7",
    "fluid.dygraph_grad_clip.GradClipByNorm": "of 1.6 and 1.7",
    "fluid.dygraph_grad_clip.GradClipByGlobalNorm": "of 1.6 and 1.7",
    "fluid.initializer.init_on_cpu": "of 1.5 and 1.6",
    "fluid.initializer.force_init_on_cpu": "of 1.5 and 1.6",
}
"""Names that 1.8 had dropped, and that are here for the programs of before."""


@dataclass(frozen=True)
class Coverage:
    """What becomes of a name: `status` is one of supported, deviates, refused, unknown; `note` says more."""

    status: str
    note: str = ""


def covered(name: str) -> Coverage:
    """Say how `name`, as in `fluid.layers.fc` or `paddle.dataset.mnist.train`, is covered."""
    known = {**record(), **EARLIER}
    found = next((prefix for prefix in prefixes(name) if prefix in known or prefix in modules()), None)
    refusals, notes = _by_canonical_name()
    for prefix in [*prefixes(name), *prefixes(canonical(found or name))]:
        if refusal := refusals.get(canonical(prefix)):
            return Coverage("refused", str(refusal))
        if prefix in internals_absent():
            return Coverage("refused", "it was internal to 1.8.5, and is not here")
        if note := notes.get(canonical(prefix)):
            return Coverage("deviates", note)
    if found is None or (found != name and found in modules()):
        return Coverage("unknown", f"1.8.5 has no such public name{_closest(name, known)}")
    return Coverage("supported", EARLIER.get(found, ""))


@functools.cache
def _by_canonical_name() -> tuple[dict[str, Refusal], dict[str, str]]:
    refusals = {canonical(name): refusal for name, refusal in (REFUSED | ABSENT).items()}
    return refusals, {canonical(name): note for name, note in DEVIATES.items()}


def as_written(full: str) -> str:
    """Return the full name `paddle.fluid.layers.fc`, or `legacy_fluid.layers.fc`, as `fluid.layers.fc`."""
    for root in ("paddle.fluid", "legacy_fluid"):
        if full == root or full.startswith(f"{root}."):
            return "fluid" + full[len(root) :]
    return full


def canonical(name: str) -> str:
    """Return the name that the object called `name` goes by."""
    description = record().get(name, "")
    return description.removeprefix("~ ").removeprefix("= ") if "= " in description[:4] else name


def prefixes(name: str) -> list[str]:
    """Return `name`, and the names of what holds it, innermost first."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]


@functools.cache
def record() -> dict[str, str]:
    """Return the names of genuine 1.8.5 with their signatures, as tools/record_names.py describes them."""
    return {name: how for name, how in _read("names_1_8_5.json").items() if not name.endswith(".__all__")}


def exports(module: str) -> list[str]:
    """Return the names that a star import from a module of 1.8.5 gives."""
    listed = _read("names_1_8_5.json").get(f"{module}.__all__")
    if listed is not None:
        return listed.split()
    return [
        name.rpartition(".")[2]
        for name, how in record().items()
        if name.rpartition(".")[0] == module and not how.startswith("~ ")
    ]


@functools.cache
def internals_absent() -> frozenset[str]:
    """Return the recorded names, not meant for users, that are not here, as tools/compatibility.py found them."""
    return frozenset(_read("internals_absent.json"))


@functools.cache
def _read(file: str) -> Any:
    return json.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))


@functools.cache
def modules() -> frozenset[str]:
    """Return the names of the modules and packages that the recorded names are in."""
    holders = {name.rpartition(".")[0] for name in [*record(), *EARLIER]}
    return frozenset(prefix for holder in holders for prefix in prefixes(holder)) - record().keys()


def _closest(name: str, known: Iterable[str]) -> str:
    holder, _, last = name.rpartition(".")
    elsewhere = [other for other in known if other.endswith(f".{last}")]
    beside = {other.rpartition(".")[2]: other for other in known if other.rpartition(".")[0] == holder}
    match = elsewhere or [beside[close] for close in difflib.get_close_matches(last, beside, n=1, cutoff=0.75)]
    return f" (did you mean {canonical(match[0])}?)" if match else ""


def tell_absent(module: str) -> Callable[[str], Any]:
    """Make the `__getattr__` of a module: an AttributeError that says what becomes of a name that is not here."""

    def tell(name: str) -> Any:
        note = "" if name.startswith("__") else covered(f"{as_written(module)}.{name}").note
        raise AttributeError(f"module '{module}' has no attribute '{name}'" + (f": {note}" if note else ""))

    return tell


def refused(name: str) -> Callable[[Any], Any]:
    """Make a function, or a class's constructor, raise NotImplementedError with what REFUSED says of `name`.

        @refused("fluid.load_op_library")
        def load_op_library(lib_filename): ...

    What is decorated gives the signature and the documentation only.
    """
    refusal = REFUSED[name]

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{name}: {refusal}")

    def decorate(stub: Any) -> Any:
        if isinstance(stub, type):
            stub.__init__ = functools.wraps(stub.__init__)(refuse)
            return stub
        return functools.wraps(stub)(refuse)

    return decorate
