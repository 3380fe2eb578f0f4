"""Turns code that a person typed into a metric: an expression, a function body, or a module with one metric."""

from __future__ import annotations

import ast
import builtins
import linecache
import math
import symtable
import sys
import traceback
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from bidviz_core import specs
from bidviz_core.errors import MetricError
from bidviz_core.metrics.arguments import ARGUMENTS, MODULES, check_arguments
from bidviz_core.metrics.definition import Charts, Metric, Where, charts_of, from_function, metric

MAX_SOURCE = 256 * 1024


def compile_metric(
    code: str,
    *,
    name: str,
    every: int = 1,
    chart: Charts = None,
    where: Where = "training",
    origin: str = "person",
    type: str = "",  # noqa: A002
    namespace: Mapping[str, Any] | None = None,
) -> Metric:
    """Compiles typed code to a metric.

    Args:
        code: an expression (`grads.norm()`), a function body that returns, or a module with one `@metric` function.
        name: the metric's name; a module's own name and cadence give way to what is given here.
        every: the cadence in steps.
        chart: how it is drawn.
        where: where it runs.
        origin: who brought it.
        type: the word for a chart that a version-1 client gave.
        namespace: globals in which it is run, beside the names that are always in scope.

    Raises:
        MetricError: it does not compile, names something unknown, or holds no metric; with the line and column.
    """
    if len(code) > MAX_SOURCE:
        raise MetricError(f"Metric code has at most {MAX_SOURCE:,} characters, got {len(code):,}.")
    if not code.strip():
        raise MetricError("There is no code yet: write an expression, for example grads.norm().", line=1)
    filename = f"<metric {name}>"
    tree = _parse(code, filename)
    scope = _scope(code, namespace)
    linecache.cache[filename] = (len(code), None, code.splitlines(True), filename)
    functions = metric_functions(tree)
    if functions:
        made = _from_module(tree, functions, scope, filename, code)
        made = made.with_(
            name=name or made.name, every=every if every != 1 else made.every, charts=charts_of(chart) or made.charts
        )
    else:
        made = _from_body(tree, scope, filename, name, code)
        made = made.with_(every=every, charts=charts_of(chart))
    check_arguments(made.name, made.arguments)
    place = where if where != "training" else made.where
    return made.with_(
        code=code, origin=origin, type=type, where=place, namespace=dict(namespace) if namespace else None
    )


class Place(NamedTuple):
    """Where in a metric's own source an error was raised: a line and columns from 1, none where it is not known.

    Args:
        line: the line.
        column: where what failed begins.
        end_column: behind its last character, where it ends in the same line.
    """

    line: int | None = None
    column: int | None = None
    end_column: int | None = None


def source_place(error: BaseException, name: str) -> Place:
    """The place in a metric's own source where an error was raised; of an attribute that is missing, its name."""
    filename = f"<metric {name}>"
    if isinstance(error, SyntaxError) and error.filename == filename:
        return Place(error.lineno, error.offset)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == filename]
    if not frames:
        return Place()
    last = frames[-1]
    if last.colno is None or last.end_colno is None or last.end_lineno != last.lineno or not last.lineno:
        return Place(last.lineno)
    # What traceback tells are bytes of the line as UTF-8.
    line = linecache.getline(filename, last.lineno).encode()
    start, end = (len(line[:column].decode(errors="replace")) for column in (last.colno, last.end_colno))
    text = line.decode(errors="replace")[start:end]
    if isinstance(error, AttributeError) and error.name and text.endswith(f".{error.name}"):
        start = end - len(error.name)
    return Place(last.lineno, start + 1, end + 1)


def suggestion(error: BaseException) -> str:
    """The name that an error's unknown name was probably meant to be, or nothing."""
    if not isinstance(error, AttributeError) or not error.name:
        return ""
    try:
        there = [name for name in dir(error.obj) if not name.startswith("_")]
    except Exception:  # noqa: BLE001 - the object's own code, asked for a courtesy
        return ""
    near = get_close_matches(error.name, there, 1)
    return near[0] if near else ""


def _parse(code: str, filename: str) -> ast.Module:
    try:
        return ast.parse(code, filename)
    except SyntaxError as error:
        raise MetricError(
            f"The code does not compile: {error.msg} (line {error.lineno}).", line=error.lineno, column=error.offset
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise MetricError(f"The code does not compile: {error}.", line=1) from None


def _scope(code: str, namespace: Mapping[str, Any] | None) -> dict[str, Any]:
    import numpy

    scope: dict[str, Any] = {**specs.KINDS, "metric": metric}
    scope.update(namespace or {})
    scope.update(
        {"np": numpy, "numpy": numpy, "math": math, "bidviz": sys.modules["bidviz_core"], "__builtins__": builtins}
    )
    if "torch" in code:  # a learner that is not torch must work without importing it
        import torch

        scope["torch"] = torch
    return scope


def metric_functions(tree: ast.Module) -> list[ast.FunctionDef]:
    """The function of a module that is its metric: the marked one, or the only one; none of an expression or a body."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    marked = [node for node in functions if any(names_metric(mark) for mark in node.decorator_list)]
    if len(marked) > 1:
        raise MetricError(
            f"A module holds one metric, this one has {len(marked)}: add them one by one.", line=marked[1].lineno
        )
    if marked:
        return marked
    rest = [node for node in tree.body if not isinstance(node, (ast.FunctionDef, ast.Import, ast.ImportFrom))]
    only_docstring = all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in rest)
    return functions if len(functions) == 1 and only_docstring else []


def names_metric(node: ast.expr) -> bool:
    """Whether a decorator is `@metric`, in any of its spellings."""
    if isinstance(node, ast.Call):
        node = node.func
    return (isinstance(node, ast.Name) and node.id == "metric") or (
        isinstance(node, ast.Attribute) and node.attr == "metric"
    )


def _from_module(
    tree: ast.Module, functions: list[ast.FunctionDef], scope: dict[str, Any], filename: str, code: str
) -> Metric:
    scope["__name__"] = filename.strip("<>").replace(" ", "_")
    try:
        exec(compile(tree, filename, "exec"), scope)
    except Exception as error:  # noqa: BLE001 - a fence: it is reported, and the training goes on
        lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == filename]
        raise MetricError(
            f"The module does not load: {type(error).__name__}: {error}.",
            line=lines[-1] if lines else getattr(error, "lineno", None),
            traceback=traceback.format_exc(),
        ) from None
    found = scope[functions[0].name]
    made = found if isinstance(found, Metric) else from_function(found)
    _check_names(code, filename, scope)
    return made


def _from_body(tree: ast.Module, scope: dict[str, Any], filename: str, name: str, code: str) -> Metric:
    body = list(tree.body)
    if not returns(body):
        if not body or not isinstance(body[-1], ast.Expr):
            raise MetricError(
                "The code gives no value: end it with an expression or with return.",
                line=body[-1].lineno if body else 1,
            )
        last = body[-1]
        body[-1] = ast.copy_location(ast.Return(last.value), last)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    arguments = tuple(argument for argument in ARGUMENTS if argument in used)
    function = ast.FunctionDef(
        name="metric_function",
        args=ast.arguments(
            posonlyargs=[],
            args=[ast.arg(argument) for argument in arguments],
            kwonlyargs=[],
            kw_defaults=[],
            defaults=[],
        ),
        body=body,
        decorator_list=[],
    )
    function.lineno, function.col_offset, function.end_lineno, function.end_col_offset = 1, 0, 1, 0
    module = ast.fix_missing_locations(ast.Module([function], []))
    try:
        exec(compile(module, filename, "exec"), scope)
    except SyntaxError as error:
        raise MetricError(
            f"The code does not compile: {error.msg} (line {error.lineno}).", line=error.lineno, column=error.offset
        ) from None
    made = scope["metric_function"]
    # `state` and the rest are arguments here, so only what is left over can be unknown.
    _check_names(
        f"def metric_function({', '.join(arguments)}):\n" + ast.unparse(_indented(body)), filename, scope, tree
    )
    return Metric(name=name, function=made, arguments=arguments, code=code)


def _indented(body: list[ast.stmt]) -> ast.AST:
    return ast.If(test=ast.Constant(True), body=body, orelse=[])


def returns(body: list[ast.stmt]) -> bool:
    """Whether statements return, functions inside left out."""
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Return):
            return True
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            pending.extend(ast.iter_child_nodes(node))
    return False


def _check_names(code: str, filename: str, scope: dict[str, Any], original: ast.Module | None = None) -> None:
    """Finds names that nothing defines, before step 10,000 does."""
    if "\n" in code and code.startswith("def metric_function"):
        head, rest = code.split("\n", 1)
        code = head + "\n" + "\n".join(" " + line for line in rest.splitlines())
    unknown = unknown_globals(symtable.symtable(code, filename, "exec"), scope)
    if not unknown:
        return
    tree = original or ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in unknown:
            known = [*ARGUMENTS, *MODULES, *scope]
            near = get_close_matches(node.id, known, 1)
            guess = f" Did you mean {near[0]!r}?" if near else f" In scope are: {', '.join([*ARGUMENTS, *MODULES])}."
            raise MetricError(
                f"The name {node.id!r} in line {node.lineno} is not known.{guess}",
                line=node.lineno,
                column=node.col_offset + 1,
            )


def unknown_globals(table: symtable.SymbolTable, scope: Mapping[str, Any]) -> set[str]:
    """The names that code reads and nothing defines: not the code, nor the scope, nor Python."""
    unknown: set[str] = set()
    module_level = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
    pending = [table]
    while pending:
        inner = pending.pop()
        for symbol in inner.get_symbols():
            name = symbol.get_name()
            is_global = symbol.is_global() if inner is not table else not (symbol.is_assigned() or symbol.is_imported())
            known = name in scope or name in module_level or hasattr(builtins, name)
            if symbol.is_referenced() and is_global and not known:
                unknown.add(name)
        pending.extend(inner.get_children())
    return unknown
