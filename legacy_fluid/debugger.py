"""`fluid.debugger`: programs as text and as drawings."""

from __future__ import annotations

import random
import re
from typing import Any

from paddle.base.proto import framework_pb2

from . import core, io, unique_name
from .framework import default_main_program
from .graphviz import GraphPreviewGenerator

_TYPES = framework_pb2.VarType


def repr_data_type(type: int) -> str:
    """Return a dtype's name, as in "float32"."""
    return {"fp16": "float16", "fp32": "float32", "fp64": "float64"}.get(name := _TYPES.Type.Name(type).lower(), name)


def repr_tensor(proto: Any) -> str:
    """Return dtype and shape of a TensorDesc message."""
    return f"tensor(type={repr_data_type(int(proto.data_type))}, shape={proto.dims})"


def repr_lodtensor(proto: Any) -> str | None:
    """Return the text of a VarDesc message; None where it is no LoDTensor."""
    if proto.type.type != _TYPES.LOD_TENSOR:
        return None
    level, tensor = proto.type.lod_tensor.lod_level, repr_tensor(proto.type.lod_tensor.tensor)
    return f"LoDTensor {proto.name} (level={level}, {tensor})" if level > 0 else f"Tensor {proto.name} ({tensor})"


def repr_selected_rows(proto: Any) -> str | None:
    """Return the text of a VarDesc message; None where it is no SelectedRows."""
    if proto.type.type != _TYPES.SELECTED_ROWS:
        return None
    return f"SelectedRows {proto.name} ({repr_tensor(proto.type.selected_rows)})"


def repr_tensor_array(proto: Any) -> str | None:
    """Return the text of a VarDesc message; None where it is no array of tensors."""
    if proto.type.type != _TYPES.LOD_TENSOR_ARRAY:
        return None
    array = proto.type.tensor_array
    return f"TensorArray {proto.name} (level={array.lod_level}, {repr_tensor(proto.type.lod_tensor.tensor)})"


def repr_var(vardesc: Any) -> str | None:
    """Return the text of a VarDesc message; None where it holds no tensors."""
    return repr_lodtensor(vardesc) or repr_selected_rows(vardesc) or repr_tensor_array(vardesc)


def repr_attr(desc: Any) -> tuple[str, tuple[str, Any]]:
    """Return the text of an attribute's message, and its (name, value)."""
    value = getattr(desc, _ATTRIBUTE_FIELDS[framework_pb2.AttrType.Name(desc.type)])
    if desc.name == "dtype":
        value = repr_data_type(value)
    return f"{desc.name}={value}", (desc.name, value)


_ATTRIBUTE_FIELDS = {
    "INT": "i",
    "FLOAT": "f",
    "STRING": "s",
    "INTS": "ints",
    "FLOATS": "floats",
    "STRINGS": "strings",
    "BOOLEAN": "b",
    "BOOLEANS": "bools",
    "BLOCK": "block_idx",
    "LONG": "l",
    "BLOCKS": "blocks_idx",
    "LONGS": "longs",
    "FLOAT64": "float64",
    "FLOAT64S": "float64s",
    "VAR": "var_name",
    "VARS": "vars_name",
    "SCALAR": "scalar",
    "SCALARS": "scalars",
}


def repr_op(opdesc: Any) -> str:
    """Return the text of an OpDesc message."""
    outputs = [_repr_names(var.arguments) for var in opdesc.outputs]
    attrs = [repr_attr(attr) for attr in opdesc.attrs]
    if opdesc.type == "fill_constant":
        values = dict(pair for _, pair in attrs)
        return f"{','.join(outputs)} = {values['value']} [shape={values['shape']}]"
    inputs = ", ".join(f"{var.parameter}={_repr_names(var.arguments)}" for var in opdesc.inputs)
    target = ", is_target" if opdesc.is_target else ""
    listed = ",".join(text for text, _ in attrs)
    return f"{', '.join(outputs)} = {opdesc.type}({inputs}{target}) [{{{listed}}}]"


def _repr_names(names: Any) -> str:
    return names[0] if len(names) == 1 else str(list(names))


def pprint_program_codes(program_desc: Any) -> str:
    """Return the text of a Program's blocks."""
    return "\n".join(pprint_block_codes(block) for block in program_desc.blocks)


def pprint_block_codes(block_desc: Any, show_backward: bool = False) -> str:
    """Return the text of a Block, or of a BlockDesc message; gradients on request."""
    if not isinstance(block_desc, framework_pb2.BlockDesc):
        block_desc = framework_pb2.BlockDesc.FromString(block_desc.desc.serialize_to_string())
    variables = [repr_var(var) for var in block_desc.vars if show_backward or "@GRAD" not in var.name]
    operators = [repr_op(op) for op in block_desc.ops if show_backward or not _is_backward(op)]
    return "\n".join(
        [
            f"// block-{block_desc.idx}  parent-{block_desc.parent_idx}",
            "// variables",
            *filter(None, variables),
            "",
            "// operators",
            *operators,
            "",
        ]
    )


def _is_backward(op: Any) -> bool:
    names = [name for var in [*op.inputs, *op.outputs] for name in [var.parameter, *var.arguments]]
    return op.type.endswith("_grad") or any("@GRAD" in name for name in names)


def draw_block_graphviz(block: Any, highlights: list[str] | None = None, path: str = "./temp.dot") -> None:
    """Write a block's graph to `path`, in Graphviz's language.

    Args:
        highlights: patterns of names of operators and variables that are drawn in orange.
    """
    graph = GraphPreviewGenerator("some graph")
    desc = framework_pb2.BlockDesc.FromString(block.desc.serialize_to_string())

    def is_marked(name: str) -> bool:
        return any(re.match(pattern, name) for pattern in highlights or [])

    nodes = {}
    for var in desc.vars:
        if var.persistable:
            data_type = str(var.type).replace("\n", "<br />", 1)
            nodes[var.name] = graph.add_param(var.name, data_type, highlight=is_marked(var.name))
        else:
            nodes[var.name] = graph.add_arg(var.name, highlight=is_marked(var.name))
    for op in desc.ops:
        op_node = graph.add_op(op.type, highlight=is_marked(op.type))
        for slots, is_output in ((op.inputs, False), (op.outputs, True)):
            for name in [name for slot in slots for name in slot.arguments]:
                node = nodes.get(name) or nodes.setdefault(name, graph.add_arg(name, highlight=is_marked(name)))
                ends = (op_node, node) if is_output else (node, op_node)
                graph.add_edge(*ends, highlight=is_marked(op.type) or is_marked(name))
    graph(path, show=False)


def prepare_fast_nan_inf_debug(_program: Any) -> None:
    """Add a `sum` of each variable to the program, which FLAGS_check_nan_inf then finds wrong values in."""
    for block in (_program or default_main_program()).blocks:
        for name, var in list(block.vars.items()):
            if var.type != core.VarDesc.VarType.LOD_TENSOR:
                continue
            copy = block.create_var(
                name=unique_name.generate(f"debug_var_{name}"), dtype=var.dtype, persistable=False, stop_gradient=True
            )
            block.append_op(type="sum", inputs={"X": [var]}, outputs={"Out": copy})


def run_fast_nan_inf_debug(
    executor: Any,
    program: Any = None,
    feed: Any = None,
    fetch_list: Any = None,
    feed_var_name: str = "feed",
    fetch_var_name: str = "fetch",
    scope: Any = None,
    return_numpy: bool = True,
    use_program_cache: bool = False,
    dump_core: bool = True,
) -> Any:
    """Run a program; where that fails, print why, and save its persistable variables as core<number>.pdckpt."""
    assert executor is not None, "run_fast_nan_inf_debug takes an Executor"
    try:
        return executor.run(
            program=program,
            feed=feed,
            fetch_list=fetch_list,
            feed_var_name=feed_var_name,
            fetch_var_name=fetch_var_name,
            scope=scope,
            return_numpy=return_numpy,
            use_program_cache=use_program_cache,
        )
    except Exception as error:  # whatever stopped it, its state is what is wanted
        print(f"catch an exception:\n{error}")
        filename = f"core{random.randrange(10000)}.pdckpt"
        io.save_persistables(executor, "./", main_program=program, filename=filename)
        print(f"dumping a core into ./{filename}")
