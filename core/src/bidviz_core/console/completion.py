"""Completions for a console line, made on a thread of the console's own and without touching the step's tensors."""

from __future__ import annotations

import contextlib
import re
import warnings
from typing import Any

from msgspec import Struct

#: So many are given at most.
MOST = 200
#: What IPython does not evaluate, and jedi reads: attributes of what a call gives, and names of modules.
_JEDIS = re.compile(r"[)\]]\s*\.\w*$|^\s*(?:from|import)\s[^()]*$", re.MULTILINE)


class Completions(Struct, frozen=True):
    """What a name may be completed to.

    Args:
        matches: the texts, best first.
        start: where the text that they stand for begins; it ends at the position that was asked about.
    """

    matches: list[str]
    start: int


def complete(completer: Any, names: dict[str, Any], code: str, position: int) -> Completions:
    """Completes code at a position.

    Args:
        completer: IPython's, or none.
        names: what is in scope.
        code: the line or lines.
        position: a character of it; the cursor stands before it.
    """
    position = max(0, min(position, len(code)))
    if completer is not None:
        found = _by_ipython(completer, names, code, position)
        if not _JEDIS.search(code[:position]):
            return found
    with contextlib.suppress(Exception):  # jedi may stumble over what is half written
        return _by_jedi(names, code, position)
    return Completions([], position)


def _by_ipython(completer: Any, names: dict[str, Any], code: str, position: int) -> Completions:
    from IPython.core.completer import provisionalcompleter

    completer.namespace, completer.global_namespace = names, {}
    with warnings.catch_warnings(), provisionalcompleter():
        warnings.simplefilter("ignore")
        found = list(completer.completions(code, position))[:MOST]
    if not found:
        return Completions([], position)
    start = min(one.start for one in found)
    if code[start : start + 1] == "." and all(one.text.startswith(".") for one in found if one.start == start):
        start += 1  # some of IPython's completions bring the dot, some do not
    texts = [(code[: one.start] + one.text + code[one.end : position])[start:] for one in found]
    return Completions(list(dict.fromkeys(texts)), start)


def _by_jedi(names: dict[str, Any], code: str, position: int) -> Completions:
    import jedi

    before = code[:position]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1)
    found = jedi.Interpreter(code, [names]).complete(line, column)[:MOST]
    typed = len(before) - len(before.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"))
    return Completions([one.name for one in found], position - typed)
