"""Whether two metrics are the same code: the one that was typed, and the one that a shared bundle made of it.

*Share…* writes an expression as a function with a docstring, in a module that imports what was in scope. So texts are
not compared, but what is left of them without docstrings, decorators, annotations and the function's own name; and what
every free name stands for, through helper functions and constants.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from types import FunctionType, ModuleType
from typing import Any

from bidviz_core.metrics.definition import Metric, Observe
from bidviz_core.metrics.source import returns
from bidviz_core.sharing.names import free_names, literal, namespace_of, source_of
from bidviz_core.sharing.sources import lambda_body

_NAME = "compared"


def same_code(one: Metric, other: Metric) -> bool:
    """Whether two metrics compute the same, by their source; false wherever that cannot be told."""
    looks = (one.modules, other.modules)
    if all(isinstance(look, Observe) for look in looks):
        if not looks[0].is_like(looks[1]):  # type: ignore[union-attr, arg-type]
            return False
    elif looks[0] != looks[1]:
        return False
    try:
        return _Comparison().metrics(one, other)
    except (SyntaxError, ValueError, TypeError, OSError, RecursionError):
        return False  # a source that cannot be read by itself says nothing


class _Comparison:
    """Compares two functions with all that they read; pairs that are being compared count as the same."""

    def __init__(self) -> None:
        self._met: set[tuple[int, int]] = set()

    def metrics(self, one: Metric, other: Metric) -> bool:
        self._met.add((id(one), id(other)))
        functions = [inspect.unwrap(metric.function) for metric in (one, other)]
        trees = [_metric_tree(metric, function) for metric, function in zip((one, other), functions, strict=True)]
        return self._sources(trees[0], trees[1], namespace_of(functions[0]), namespace_of(functions[1]))

    def _sources(
        self, one: ast.stmt | None, other: ast.stmt | None, scope: dict[str, Any], other_scope: dict[str, Any]
    ) -> bool:
        if one is None or other is None or ast.dump(one) != ast.dump(other):
            return False
        names = free_names(ast.unparse(one)) - {_NAME}
        return all(
            name in scope and name in other_scope and self._values(scope[name], other_scope[name]) for name in names
        )

    def _values(self, one: Any, other: Any) -> bool:
        if one is other or (id(one), id(other)) in self._met:
            return True
        self._met.add((id(one), id(other)))
        if isinstance(one, ModuleType) or isinstance(other, ModuleType):
            return getattr(one, "__name__", "") == getattr(other, "__name__", None)
        if isinstance(one, Metric) and isinstance(other, Metric):
            return self.metrics(one, other)
        inner, other_inner = (inspect.unwrap(value) if callable(value) else value for value in (one, other))
        if isinstance(inner, FunctionType) and isinstance(other_inner, FunctionType):
            scopes = (namespace_of(inner), namespace_of(other_inner))
            return self._sources(_helper_tree(one), _helper_tree(other), *scopes)
        if inspect.isclass(one) and inspect.isclass(other):
            trees = (_helper_tree(one), _helper_tree(other))
            return self._sources(*trees, *(vars(inspect.getmodule(each)) for each in (one, other)))
        text = literal(one)
        return text is not None and type(one) is type(other) and text == literal(other)


def _metric_tree(metric: Metric, function: Any) -> ast.stmt | None:
    """A metric's function, whatever way it was written, as a `def` with sorted arguments and nothing else."""
    code = textwrap.dedent(metric.code)
    if function.__name__ == "<lambda>":
        expression = lambda_body(code, tuple(inspect.signature(function).parameters))
        if expression is None:
            return None
        return _plain(metric.arguments, [ast.Return(ast.parse(expression, mode="eval").body)])
    body = ast.parse(code).body
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__:
            # A default is a value of the metric's own, and would be lost among the names.
            defaults = [ast.Expr(value) for value in (*node.args.defaults, *node.args.kw_defaults) if value is not None]
            return _plain(metric.arguments, [*defaults, *node.body])
    if body and isinstance(body[-1], ast.Expr) and not returns(body):
        body[-1] = ast.Return(body[-1].value)
    return _plain(metric.arguments, body)


def _plain(arguments: tuple[str, ...], body: list[ast.stmt]) -> ast.stmt:
    head = ast.parse(f"def {_NAME}({', '.join(sorted(arguments))}): pass").body[0]
    assert isinstance(head, ast.FunctionDef)
    head.body = body
    tree = ast.fix_missing_locations(_Bare().visit(head))
    assert isinstance(tree, ast.FunctionDef)
    return tree


def _helper_tree(value: Any) -> ast.stmt | None:
    source = source_of(value)
    if not source:
        return None
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.stmt)
    bare = ast.fix_missing_locations(_Bare().visit(node))
    assert isinstance(bare, ast.stmt)
    return bare


class _Bare(ast.NodeTransformer):
    """Takes away what computes nothing: docstrings and annotations of functions."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        self.generic_visit(node)
        node.returns = None
        node.body = [one for one in node.body if not _is_text(one)] or [ast.Pass()]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.generic_visit(node)
        node.body = [one for one in node.body if not _is_text(one)] or [ast.Pass()]
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
