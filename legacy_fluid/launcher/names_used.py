"""Which names of fluid a program uses, found in its syntax tree: through imports, aliases and star imports."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

from ..coverage import ABSENT, as_written, exports, modules, prefixes, record

_WHOLE = ("fluid", "paddle.dataset", "paddle.reader", "paddle.compat")
"""Namespaces in which a name that 1.8.5 did not have is worth telling; elsewhere it is one of Paddle 2."""


@dataclass(frozen=True)
class Use:
    """A name of fluid, or of what 1.8 had beside it, at a line."""

    name: str
    line: int


@dataclass
class Found:
    """What a program uses, in the order of its lines, and the line at which it first imports each top-level module."""

    uses: list[Use] = field(default_factory=list)
    imports: dict[str, int] = field(default_factory=dict)


def names_used(tree: ast.Module) -> Found:
    """Return what a program uses.

    A `fluid` that the program itself does not give a meaning is Paddle's: a star import, or a cell before, gave it.
    """
    found = Found()
    _Scope(found, {"fluid": "paddle.fluid"}).read(tree)
    found.uses.sort(key=lambda use: use.line)
    return found


class _Scope(ast.NodeVisitor):
    """Reads the statements of one scope, knowing what each name stands for; then the functions and classes in it."""

    def __init__(self, found: Found, meanings: dict[str, str]) -> None:
        self.found = found
        self.meanings = meanings
        self.inner: list[ast.AST] = []
        self.branches = 0  # that the statement is in: what one takes away, another may have given

    def read(self, node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            self.visit(child)
        for inner in self.inner:  # last, for a function sees what its module binds below it
            _Scope(self.found, dict(self.meanings)).read(inner)

    def _defer(self, node: ast.AST) -> None:
        self._forget(getattr(node, "name", ""))
        self.inner.append(node)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = _defer

    def _branch(self, node: ast.AST) -> None:
        self.branches += 1
        self.generic_visit(node)
        self.branches -= 1

    visit_If = visit_Try = _branch

    # --- what gives names a meaning, or takes it ---

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            self.found.imports.setdefault(top, node.lineno)
            self.meanings[alias.asname or top] = alias.name if alias.asname else top
            self._use(alias.name, node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level or node.module is None:
            for alias in node.names:  # from the program's own package
                self._forget(alias.asname or alias.name)
            return
        self.found.imports.setdefault(node.module.partition(".")[0], node.lineno)
        for alias in node.names:
            if alias.name == "*":
                module = as_written(node.module)
                self.meanings |= {name: f"{module}.{name}" for name in exports(module)}
            else:
                self.meanings[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                self._use(f"{node.module}.{alias.name}", node.lineno)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        meaning = self._meaning(node.value)
        for target in node.targets:
            if isinstance(target, ast.Name) and meaning:
                self.meanings[target.id] = meaning
            else:
                self.visit(target)

    def visit_arg(self, node: ast.arg) -> None:
        self._forget(node.arg)
        self.generic_visit(node)

    def _forget(self, name: str) -> None:
        if not self.branches:
            self.meanings.pop(name, None)

    # --- what uses them ---

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self._forget(node.id)
        elif node.id in self.meanings:
            self._use(self.meanings[node.id], node.lineno)

    def _use_or_look_inside(self, node: ast.Attribute | ast.Call) -> None:
        if meaning := self._meaning(node):
            self._use(meaning, node.lineno)
        else:
            self.generic_visit(node)

    visit_Attribute = visit_Call = _use_or_look_inside

    def _meaning(self, node: ast.AST) -> str | None:
        """Return the full name that an expression spells, be it as `getattr(module, "name")`."""
        match node:
            case ast.Name(id=name):
                return self.meanings.get(name)
            case ast.Attribute(value=holder, attr=name):
                pass
            case ast.Call(func=ast.Name(id="getattr"), args=[holder, ast.Constant(value=str(name)), *_]):
                pass
            case _:
                return None
        held_by = self._meaning(holder)
        return f"{held_by}.{name}" if held_by else None

    def _use(self, full: str, line: int) -> None:
        name = as_written(full)
        if _is_told(name):
            self.found.uses.append(Use(name, line))


def _is_told(name: str) -> bool:
    """Say whether a name is worth telling: not a mere namespace on the way to one, and not of Paddle 2."""
    holders = prefixes(name)
    if any(holder in ABSENT for holder in holders):
        return True
    return name not in modules() and (name in record() or any(holder in _WHOLE for holder in holders))
