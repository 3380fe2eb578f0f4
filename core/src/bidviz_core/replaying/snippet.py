"""The journal as a Python snippet of schedules, to be pasted into a script."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Any

from bidviz_core.replaying.expressions import FUNCTIONS, as_python
from bidviz_core.replaying.file import ReplayFile
from bidviz_core.replaying.timeline import Stretch, timelines

#: A hyperparameter with more stretches than this, or a stretch with more values, is written as a table.
_MOST_BRANCHES = 12
_MOST_POINTS = 3
_WIDTH = 100

_TABLE = '''
def _used(table, step):
    """The value of the last row that begins at or before `step`."""
    row = bisect_right(table, step, key=lambda row: row[0]) - 1
    return table[row][1] if row >= 0 else None
'''


def snippet_of(file: ReplayFile) -> str:
    """Python source with a function `schedule(step)`; and `factors(step)` where a scheduler's value was scaled."""
    found = timelines(file)
    tables: list[str] = []
    held = _function(
        "schedule",
        "The values that update `step` used, the first being 1; what is missing was left to the script.",
        _of_mode(found, "override"),
        file.last_step,
        tables,
    )
    scales = _of_mode(found, "scale")
    words = "What the scheduler's values are multiplied by at update `step`; what is missing is left as it is."
    scaled = _function("factors", words, scales, file.last_step, tables) if scales else ""
    body = held + scaled
    imports = []
    if tables:
        imports.append("from bisect import bisect_right")
    calls = set(re.findall(r"(?<![\w\"'.])(\w+)\(", re.sub(r"#.*", "", body)))
    used = [name for name in FUNCTIONS if name in calls and name not in ("abs", "min", "max", "clip")]
    used += ["pi"] if re.search(r"(?<![\w\"'.])pi\b", re.sub(r"#.*", "", body)) else []
    if used:
        imports.append(f"from math import {', '.join(used)}")
    clip = "\n\ndef clip(value, low, high):\n    return min(max(value, low), high)\n" if "clip" in calls else ""
    parts = [_head(file), "\n".join(imports), "\n".join(tables), _TABLE if tables else "", clip, held, scaled]
    return "\n".join(part.rstrip() + "\n" for part in parts if part).replace("\n\n\n\n", "\n\n\n")


def _head(file: ReplayFile) -> str:
    lines = [
        f"# What was done to the run {file.name!r} ({file.run}) in its first {file.last_step} steps, as schedules.",
        "# In the training loop, before optimizer.step() of update number step (the first is 1):",
        '#     for group in optimizer.param_groups: group["lr"] = schedule(step).get("lr", group["lr"])',
    ]
    changes = [entry for entry in file.entries if entry.kind == "model"]
    if changes:
        lines.append("# Not in here are the changes of the model itself; the replay file does them:")
        lines += [f"#     after step {entry.step}: {_one_line(entry.summary)}" for entry in changes]
    return "\n".join(lines)


def _of_mode(found: dict[str, list[Stretch]], mode: str) -> dict[str, list[Stretch]]:
    chosen = {name: [one for one in stretches if one.mode == mode] for name, stretches in found.items()}
    return {name: stretches for name, stretches in chosen.items() if stretches}


def _function(name: str, words: str, found: dict[str, list[Stretch]], last_step: int, tables: list[str]) -> str:
    lines = [f"\ndef {name}(step):", f'    """{words}"""', "    values = {}"]
    body: list[str] = []
    for target, stretches in found.items():
        body += _target(target, stretches, last_step, tables)
    if any("at" in re.findall(r"\b\w+\b", line.split("#")[0]) for line in body):
        lines.append("    at = float(step - 1)  # the step boundary before the update")
    return "\n".join([*lines, *body, "    return values"]) + "\n"


def _target(target: str, stretches: Sequence[Stretch], last_step: int, tables: list[str]) -> list[str]:
    if len(stretches) > _MOST_BRANCHES:
        rows: list[tuple[int, Any]] = []
        for index, one in enumerate(stretches):
            rows += one.points
            if one.stop is not None and (index + 1 == len(stretches) or stretches[index + 1].start != one.stop):
                rows.append((one.stop, None))
        table = _table(target, rows, tables)
        return [
            f"    if (value := _used({table}, step)) is not None:",
            f"        values[{target!r}] = value",
        ]
    lines: list[str] = []
    for index, one in enumerate(stretches):
        word = "elif" if index else "if"
        upper = f" < {one.stop}" if one.stop is not None else ""
        condition = f"{one.start} <= step{upper}" if upper else f"step >= {one.start}"
        lines.append(f"    {word} {condition}:  # {_one_line(one.words)}")
        lines.append(f"        values[{target!r}] = {_value(target, one, last_step, tables)}")
    return lines


def _value(target: str, one: Stretch, last_step: int, tables: list[str]) -> str:
    if one.formula:
        expression = as_python(one.formula, one.points, one.stop if one.stop is not None else last_step + 1)
        if expression:
            return expression
    if len(one.points) == 1:
        return repr(one.points[0][1])
    if len(one.points) <= _MOST_POINTS:
        earlier = "".join(
            f"{value!r} if step < {one.points[index + 1][0]} else " for index, (_, value) in enumerate(one.points[:-1])
        )
        return f"{earlier}{one.points[-1][1]!r}"
    return f"_used({_table(target, one.points, tables)}, step)"


def _table(target: str, rows: Sequence[tuple[int, Any]], tables: list[str]) -> str:
    name = f"{re.sub(r'[^A-Z0-9]+', '_', target.upper()).strip('_') or 'VALUES'}_{len(tables) + 1}"
    text = textwrap.wrap(" ".join(f"({update}, {value!r}),".replace(" ", "\0") for update, value in rows), _WIDTH - 4)
    body = "\n".join(f"    {line}".replace("\0", " ") for line in text)
    tables.append(f"#: From which update on, and the value that was used.\n{name} = (\n{body}\n)")
    return name


def _one_line(text: str) -> str:
    return " ".join(text.split())[:80]
