"""Small changes of a module's code, each of which a good test should notice."""

from __future__ import annotations

import ast
import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Mutant", "mutants", "sampled"]

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change of one module.

    Attributes:
        place: the function or class it lies in, dotted, or ``"<module>"``.
        line: of the source, from 1.
        text: of that line.
        before: the expression as it was.
        after: the expression as it is in the mutant.
        source: the whole module, changed.
    """

    place: str
    line: int
    text: str
    before: str
    after: str
    source: str

    @property
    def name(self) -> str:
        """What is changed and where, whatever the number of its line."""
        return f"{self.place}: {self.before} -> {self.after} in {self.text}"


def _changed(node: ast.AST) -> Iterator[ast.expr]:
    """What an expression may be replaced by."""
    new: ast.expr
    if isinstance(node, ast.Compare):
        for k, operator in enumerate(node.ops):
            new = copy.deepcopy(node)
            new.ops[k] = _COMPARISONS[type(operator)]()
            yield new
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        new = copy.deepcopy(node)
        new.op = _OPERATORS[type(node.op)]()
        yield new
    elif isinstance(node, ast.BoolOp):
        new = copy.deepcopy(node)
        new.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield new
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield copy.deepcopy(node.operand)
    elif isinstance(node, ast.IfExp):
        yield ast.IfExp(test=node.test, body=node.orelse, orelse=node.body)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(value=not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield ast.Constant(value=node.value + 1 if isinstance(node.value, int) else node.value * 2 + 0.1)


def _skipped(node: ast.AST, parent: ast.AST, field: str) -> bool:
    """Whether what a field holds is no behaviour: a message, a type, a text of help, or the list of public names."""
    if field in ("annotation", "returns", "exc", "msg", "decorator_list") or isinstance(node, ast.JoinedStr):
        return True
    if isinstance(parent, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in parent.targets):
        return True
    return isinstance(parent, ast.Return) and node is None


def _sites(node: ast.AST, place: tuple[str, ...] = ()) -> Iterator[tuple[ast.AST, str, int | None, ast.expr, str]]:
    """Every expression: its parent, field and index in it, the expression, and the function it lies in."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        place = (*place, node.name)
    for field, value in ast.iter_fields(node):
        for k, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if not isinstance(child, ast.AST) or _skipped(child, node, field):
                continue
            if isinstance(child, ast.expr):
                yield node, field, k, child, ".".join(place) or "<module>"
            yield from _sites(child, place)


def mutants(source: str) -> Iterator[Mutant]:
    """All mutants of a module, in the order of its lines.

    Args:
        source: of the module.
    """
    tree, lines = ast.parse(source), source.splitlines()
    for parent, field, k, child, place in list(_sites(tree)):
        # What a function returns may also be nothing at all.
        is_nothing = isinstance(child, ast.Constant) and child.value is None
        nothing = [ast.Constant(value=None)] if isinstance(parent, ast.Return) and not is_nothing else []
        for new in (*_changed(child), *nothing):
            ast.copy_location(new, child)
            _put(parent, field, k, new)
            changed, text = ast.unparse(ast.fix_missing_locations(tree)), lines[child.lineno - 1].strip()
            yield Mutant(place, child.lineno, text, ast.unparse(child), ast.unparse(new), changed)
        _put(parent, field, k, child)


def _put(parent: ast.AST, field: str, k: int | None, node: ast.expr) -> None:
    if k is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[k] = node


def sampled(sources: dict[str, str], count: int, seed: int) -> list[tuple[str, Mutant]]:
    """So many mutants of some modules, drawn at random, the same for the same seed; all where there are fewer.

    Args:
        sources: of each module, by its dotted name.
        count: how many.
        seed: of the draw.
    """
    every = [(module, mutant) for module, source in sources.items() for mutant in mutants(source)]
    return random.Random(seed).sample(every, min(count, len(every)))
