"""`fluid.graphviz`: drawings in Graphviz's language, rendered by its program `dot` where it is installed."""

from __future__ import annotations

import logging
import random
import subprocess
from pathlib import Path
from typing import Any


def crepr(v: Any) -> str:
    """Return a value as Graphviz writes it: strings in quotes."""
    return f'"{v}"' if isinstance(v, str) else str(v)


class Rank:
    """Nodes that are drawn side by side."""

    def __init__(self, kind: str, name: str, priority: int) -> None:
        self.kind = kind
        self.name = name
        self.priority = priority
        self.nodes: list[Node] = []

    def __str__(self) -> str:
        if not self.nodes:
            return ""
        return f"{{rank={self.kind};{','.join(node.name for node in self.nodes)}}}"


class Graph:
    """A directed graph; `str()` of it is its description."""

    rank_counter = 0

    def __init__(self, title: str, **attrs: Any) -> None:
        self.title = title
        self.attrs = attrs
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.rank_groups: dict[str, Rank] = {}

    def code(self) -> str:
        """Return the description."""
        return str(self)

    def rank_group(self, kind: str, priority: int) -> str:
        """Add a Rank; return its name, for `node(rank=...)`."""
        name = f"rankgroup-{Graph.rank_counter}"
        Graph.rank_counter += 1
        self.rank_groups[name] = Rank(kind, name, priority)
        return name

    def node(self, label: str, prefix: str, description: str = "", **attrs: Any) -> Node:
        """Add a Node."""
        node = Node(label, prefix, description, **attrs)
        if "rank" in attrs:
            self.rank_groups[attrs["rank"]].nodes.append(node)
            del node.attrs["rank"]
        self.nodes.append(node)
        return node

    def edge(self, source: Node, target: Node, **attrs: Any) -> Edge:
        """Add an Edge."""
        edge = Edge(source, target, **attrs)
        self.edges.append(edge)
        return edge

    def compile(self, dot_path: str) -> str:
        """Write the description, and a PDF beside it where `dot` is installed; return the PDF's path."""
        Path(dot_path).write_text(str(self), encoding="utf-8")
        image_path = dot_path[:-3] + "pdf"
        try:
            subprocess.run(["dot", "-Tpdf", dot_path, "-o", image_path], capture_output=True, check=True)
            logging.warning("wrote the graph to %s", image_path)
        except (OSError, subprocess.CalledProcessError) as error:
            logging.warning("wrote the graph to %s alone (%s); install Graphviz to draw it", dot_path, error)
        return image_path

    def show(self, dot_path: str) -> None:
        """Write the graph as `compile` does, and open the PDF with the desktop's viewer."""
        subprocess.run(["open", self.compile(dot_path)], capture_output=True, check=False)

    def __str__(self) -> str:
        ranks = sorted(self.rank_groups.values(), key=lambda rank: rank.priority)
        random.shuffle(self.nodes)
        return "\n".join(
            [
                "digraph G {",
                f"title = {crepr(self.title)}",
                *(f"{key}={crepr(value)};" for key, value in self.attrs.items()),
                "\n".join(map(str, ranks)) + "\n",
                *map(str, self.nodes),
                *map(str, self.edges),
                "}",
            ]
        )


class Node:
    """A node; its name is made of `prefix` and a number."""

    counter = 1

    def __init__(self, label: str, prefix: str, description: str = "", **attrs: Any) -> None:
        self.label = label
        self.name = f"{prefix}_{Node.counter}"
        self.description = description
        self.attrs = attrs
        Node.counter += 1

    def __str__(self) -> str:
        extra = "," + _listed(self.attrs) if self.attrs else ""
        return f"{self.name} [label={self.label} {extra} ];"


class Edge:
    """An edge from `source` to `target`."""

    def __init__(self, source: Node, target: Node, **attrs: Any) -> None:
        self.source = source
        self.target = target
        self.attrs = attrs

    def __str__(self) -> str:
        extra = f"[{_listed(self.attrs)}]" if self.attrs else ""
        return f"{self.source.name} -> {self.target.name} {extra}"


def _listed(attrs: dict[str, Any]) -> str:
    return ",".join(f"{key}={crepr(value)}" for key, value in attrs.items())


class GraphPreviewGenerator:
    """Draws operators, parameters and other variables; what is highlighted is orange. Calling it writes the graph."""

    def __init__(self, title: str) -> None:
        self.graph = Graph(title, layout="dot", concentrate="true", rankdir="TB")
        self.op_rank = self.graph.rank_group("same", 2)
        self.param_rank = self.graph.rank_group("same", 1)
        self.arg_rank = self.graph.rank_group("same", 0)

    def __call__(self, path: str = "temp.dot", show: bool = False) -> None:
        (self.graph.show if show else self.graph.compile)(path)

    def add_param(self, name: str, data_type: Any, highlight: bool = False) -> Node:
        """Add a parameter."""
        rows = f'<tr><td bgcolor="#2b787e"><b>{name}</b></td></tr><tr><td>{data_type}</td></tr>'
        style = {"shape": "none", "style": "rounded,filled,bold", "width": "1.3", "fontcolor": "#ffffff"}
        label = f'<<table cellpadding="5">{rows}</table>>'
        return self._node(label, "param", name, _color("#148b97", highlight), **style)

    def add_op(self, opType: str, **kwargs: Any) -> Node:
        """Add an operator; `highlight` may be given."""
        color = _color("#303A3A", kwargs.get("highlight", False))
        style = {
            "shape": "box",
            "style": "rounded, filled, bold",
            "fontcolor": "#ffffff",
            "width": "1.3",
            "height": "0.84",
        }
        return self._node(f"<<B>{opType}</B>>", "op", opType, color, **style)

    def add_arg(self, name: str, highlight: bool = False) -> Node:
        """Add a variable that is no parameter."""
        style = {"shape": "box", "style": "rounded,filled,bold", "fontcolor": "#999999"}
        return self._node(crepr(name), "arg", name, _color("#dddddd", highlight), **style)

    def add_edge(self, source: Node, target: Node, **kwargs: Any) -> Edge:
        """Add an edge; `highlight` may be given."""
        highlight = kwargs.pop("highlight", False)
        return self.graph.edge(source, target, color=_color("#00000", highlight), **kwargs)

    def _node(self, label: str, prefix: str, description: str, color: str, **style: str) -> Node:
        return self.graph.node(label, prefix=prefix, description=description, color=color, fontname="Arial", **style)


def _color(usual: str, highlight: bool) -> str:
    return "orange" if highlight else usual
