"""`fluid.net_drawer`: the first block of a program as a graph; fluid.debugger draws any block."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from paddle.base.proto import framework_pb2

from .graphviz import Graph

OP_STYLE = {"shape": "oval", "color": "#0F9D58", "style": "filled", "fontcolor": "#FFFFFF"}
VAR_STYLE: dict[str, Any] = {}
GRAPH_STYLE = {"rankdir": "TB"}

_numbers = itertools.count(1)


def unique_id() -> Callable[[], int]:
    """Return a function that counts up."""
    return lambda: next(_numbers)


def draw_node(op: Any) -> dict[str, Any]:
    """Return the attributes of an operator's node."""
    return {**OP_STYLE, "name": op.type, "label": op.type}


def draw_edge(var_parent: dict[str, str], op: Any, var: Any, arg: str) -> dict[str, Any]:
    """Return the attributes of the edge along which `arg` reaches an operator's slot."""
    return {**VAR_STYLE, "label": f"{var.parameter}({arg})", "head_name": op.type, "tail_name": var_parent[arg]}


def parse_graph(program: Any, graph: Graph, var_dict: dict[str, str], **kwargs: Any) -> None:
    """Add a program's first block to `graph`.

    Args:
        var_dict: variable -> the node that it comes from; is added to.
    """
    for name in program.global_block().vars:
        var_dict.setdefault(name, "Feed")
    nodes = {node.description: node for node in graph.nodes}
    block = framework_pb2.ProgramDesc.FromString(program.desc.serialize_to_string()).blocks[0]
    for index, op in enumerate(block.ops):
        op.type = f"{op.type}_{index}"
        attributes = draw_node(op)
        nodes[op.type] = graph.node(attributes.pop("label"), "op", attributes.pop("name"), **attributes)
        for slot in op.inputs:
            for arg in slot.arguments:
                if arg in var_dict:
                    edge = draw_edge(var_dict, op, slot, arg)
                    source = edge.pop("tail_name")
                    if source not in nodes:
                        nodes[source] = graph.node(source, "var", source)
                    graph.edge(nodes[source], nodes[edge.pop("head_name")], **edge)
        for slot in op.outputs:
            var_dict.update(dict.fromkeys(slot.arguments, op.type))


def draw_graph(startup_program: Any, main_program: Any, **kwargs: Any) -> Graph:
    """Return the graph of both programs, and write it to `filename` where given.

    Args:
        kwargs: `graph_attr`, `node_attr`, `edge_attr`: styles that join the defaults; `filename`.
    """
    GRAPH_STYLE.update(kwargs.get("graph_attr", {}))
    OP_STYLE.update(kwargs.get("node_attr", {}))
    VAR_STYLE.update(kwargs.get("edge_attr", {}))
    graph = Graph(str(unique_id()()), **GRAPH_STYLE)
    var_dict: dict[str, str] = {}
    parse_graph(startup_program, graph, var_dict)
    parse_graph(main_program, graph, var_dict)
    if filename := kwargs.get("filename"):
        graph.compile(filename)
    return graph
