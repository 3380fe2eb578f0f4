"""The source of a live metric or policy as a module of its own: typed code, functions of a script, lambdas."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from bidviz_core.errors import BidvizError
from bidviz_core.metrics.definition import Metric
from bidviz_core.metrics.source import metric_functions, names_metric, returns
from bidviz_core.sharing.names import TYPED_SCOPE, Surroundings, namespace_of

_INDENT = "    "


class Module(NamedTuple):
    """A module that is written.

    Args:
        source: its text.
        requirements: the distributions that it needs besides bidviz-core.
    """

    source: str
    requirements: tuple[str, ...]


def metric_module(metric: Metric, name: str, told: str, marked: Sequence[str], doc: str) -> Module:
    """Writes a metric as a module.

    Args:
        metric: the metric.
        name: what its function is called there.
        told: its docstring, where it has none.
        marked: the arguments of `@bidviz.metric`, as source.
        doc: the module's docstring.

    Raises:
        BidvizError: its source is not to be found, or needs something that cannot be put in a package.
    """
    about = Surroundings(f"The metric {metric.name!r}")
    about.imports["import bidviz_core as bidviz"] = None
    decorator = f"@bidviz.metric({', '.join(marked)})"
    function = inspect.unwrap(metric.function)
    if not hasattr(function, "__code__") or not metric.code:
        raise BidvizError(f"The source of the metric {metric.name!r} is not to be found: define it in a file.")
    typed = function.__code__.co_filename.startswith("<metric ")
    if typed:
        tree = ast.parse(metric.code)
        found = metric_functions(tree)
        if found:
            return _from_module(metric.code, tree, found[0], about, function, name, told, decorator, doc)
        source = _function_of_body(metric.code, tree, name, metric.arguments, told, decorator)
    elif function.__name__ == "<lambda>":
        expression = lambda_body(metric.code, tuple(inspect.signature(function).parameters))
        if expression is None:
            raise BidvizError(f"The metric {metric.name!r} is a lambda among others on its line: write it with def.")
        head = f"def {name}{inspect.signature(function)}:"
        source = f'{decorator}\n{head}\n{_INDENT}"""{_doc(told)}"""\n{_INDENT}return {expression}\n'
    else:
        source = _marked_anew(metric.code, name, told, decorator, names_metric)
    about.bring(source, {**namespace_of(function), name: metric}, typed=typed)
    return _assembled(doc, about, source)


def policy_module(function: Callable[..., Any], label: str, name: str, told: str, decorator: str, doc: str) -> Module:
    """Writes a script's policy function as a module; see `metric_module`."""
    about = Surroundings(f"The policy {label!r}")
    about.imports["import bidviz_core as bidviz"] = None
    inner = inspect.unwrap(function)
    try:
        code = textwrap.dedent(inspect.getsource(inner))
    except (OSError, TypeError):
        raise BidvizError(f"The source of the policy {label!r} is not to be found: define it in a file.") from None
    source = _marked_anew(code, name, told, decorator, _names_policy)
    about.bring(source, {**namespace_of(inner), name: function})
    return _assembled(doc, about, source)


def _assembled(doc: str, about: Surroundings, source: str) -> Module:
    pieces = [*about.blocks, source.strip()]
    text = pieces[0]
    for former, piece in pairwise(pieces):
        both_short = "\n" not in former and "\n" not in piece
        text += ("\n" if both_short else "\n\n\n") + piece
    head = f'"""{_doc(doc)}"""\n\nfrom __future__ import annotations\n\n'
    return Module(f"{head}{_imports(about.imports)}\n\n{text}\n", tuple(about.requirements))


def _imports(lines: Iterable[str]) -> str:
    """Import statements as they are usually sorted: Python's own first, plain ones before chosen names."""
    groups: tuple[list[str], list[str]] = ([], [])
    for line in lines:
        groups[line.split()[1].partition(".")[0] not in sys.stdlib_module_names].append(line)
    ordered = (sorted(group, key=_place) for group in groups)
    return "\n".join("".join(f"{line}\n" for line in group) for group in ordered if group)


def _place(line: str) -> tuple[bool, bool, str]:
    return "bidviz" in line.split()[1], line.startswith("from "), line


def _from_module(
    code: str,
    tree: ast.Module,
    node: ast.FunctionDef,
    about: Surroundings,
    function: Any,
    name: str,
    told: str,
    decorator: str,
    doc: str,
) -> Module:
    """A module typed in the browser stays as it is, but for the mark of its metric."""
    lines = code.splitlines()
    start, end = _first_line(node) - 1, node.end_lineno or len(lines)
    imports = [one for one in tree.body if isinstance(one, (ast.Import, ast.ImportFrom))]
    taken = {at for one in imports for at in range(one.lineno - 1, one.end_lineno or one.lineno)}
    about.imports |= {ast.unparse(one): None for one in imports if getattr(one, "module", "") != "__future__"}
    own = "\n".join(lines[start:end])
    before = [line for at, line in enumerate(lines[:start]) if at not in taken]
    anew = _marked_anew(own, name, told, decorator, names_metric)
    after = [line for at, line in enumerate(lines[end:], end) if at not in taken]
    parts = ("\n".join(part).strip("\n") for part in (before, [anew], after))
    source = "\n\n\n".join(part for part in parts if part) + "\n"
    namespace = {key: value for key, value in namespace_of(function).items() if key not in TYPED_SCOPE}
    about.bring(source, {**namespace, name: function}, typed=True)
    return _assembled(doc, about, source)


def _function_of_body(
    code: str,
    tree: ast.Module,
    name: str,
    arguments: Sequence[str],
    told: str,
    decorator: str,
) -> str:
    """An expression or a body as a function with a docstring."""
    body = list(tree.body)
    last = body[-1]
    lines = code.splitlines()
    # Text in quotes over several lines would be another text where it is indented.
    texts = (one for one in ast.walk(tree) if isinstance(one, (ast.Constant, ast.JoinedStr)))
    if any(one.end_lineno != one.lineno for one in texts) or last.col_offset:
        if not returns(body) and isinstance(last, ast.Expr):
            body[-1] = ast.copy_location(ast.Return(last.value), last)
        lines = ast.unparse(ast.fix_missing_locations(ast.Module(body, []))).splitlines()
    elif not returns(body):
        lines[last.lineno - 1] = f"return {lines[last.lineno - 1]}"
    inside = textwrap.indent("\n".join(lines).strip("\n"), _INDENT)
    return f'{decorator}\ndef {name}({", ".join(arguments)}):\n{_INDENT}"""{_doc(told)}"""\n{inside}\n'


def _marked_anew(
    code: str,
    name: str,
    told: str,
    decorator: str,
    is_mark: Callable[[ast.expr], bool],
) -> str:
    """A function's own text, with our decorator in place of its own mark, our name, and a docstring."""
    code = textwrap.dedent(code)
    try:
        tree = ast.parse(code)
        node = next(one for one in tree.body if isinstance(one, ast.FunctionDef))
    except (SyntaxError, StopIteration):
        raise BidvizError(f"The source of {name!r} cannot be read by itself: define it with def, in a file.") from None
    lines = code.splitlines()
    kept = ["\n".join(lines[mark.lineno - 1 : mark.end_lineno]) for mark in node.decorator_list if not is_mark(mark)]
    own = lines[node.lineno - 1 : node.end_lineno]
    if ast.get_docstring(node) is None:
        first = min([node.body[0].lineno, *(one.lineno for one in getattr(node.body[0], "decorator_list", ()))])
        if first == node.lineno:  # all on one line
            node.decorator_list = []
            own = ast.unparse(node).splitlines()
            own.insert(1, f'{_INDENT}"""{_doc(told)}"""')
        else:
            at = first - node.lineno
            while own[at - 1].lstrip().startswith("#") or not own[at - 1].strip():
                at -= 1
            line = own[first - node.lineno]
            indent = line[: len(line) - len(line.lstrip())]
            own.insert(at, f'{indent}"""{_doc(told)}"""')
    head = own[0]
    own[0] = head.replace(f"def {node.name}", f"def {name}", 1)
    return "\n".join([decorator, *kept, *own]) + "\n"


def _first_line(node: ast.FunctionDef) -> int:
    return min([node.lineno, *(mark.lineno for mark in node.decorator_list)])


def _names_policy(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    return (isinstance(called, ast.Name) and called.id == "policy") or (
        isinstance(called, ast.Attribute) and called.attr == "policy"
    )


def lambda_body(code: str, arguments: tuple[str, ...]) -> str | None:
    """The expression of the only lambda with these arguments in a piece of source, which need not be whole."""
    found = set()
    start = code.find("lambda")
    while start >= 0:
        for end in range(len(code), start, -1):
            try:
                node = ast.parse(code[start:end], mode="eval").body
            except SyntaxError:
                continue
            if not isinstance(node, ast.Lambda):  # the longest that can be read may be a tuple
                continue
            if tuple(one.arg for one in node.args.args) == arguments:
                found.add(ast.unparse(node.body))
            break
        start = code.find("lambda", start + 1)
    return found.pop() if len(found) == 1 else None


def _doc(text: str) -> str:
    plain = text.strip().replace("\\", "\\\\").replace('"""', "'''")
    return plain + (" " if plain.endswith('"') else "")
