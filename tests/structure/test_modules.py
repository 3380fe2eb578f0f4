"""What a module may look like: its size, its name, and that nothing sleeps."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("core", "dashboard/src", "registry", "plugins", "examples", "benchmarks", "tests")
PYTHON = sorted(path for folder in SOURCES for path in (ROOT / folder).rglob("*.py"))
SCRIPTS = sorted(path for path in (ROOT / "dashboard/ui").rglob("*.js") if "node_modules" not in path.parts)
LONGEST = 400
#: Wait for another process, which has no event to give.
POLLS = {
    "core/src/bidviz_core/stacks.py",
    "core/src/bidviz_core/store/writer.py",
    "dashboard/src/bidviz_dashboard/main.py",
}
SLEEPS = ("time.sleep", "sleep")
DRAWERS = {"utils", "util", "helpers", "helper", "common", "base", "misc", "tools"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    sizes = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in (*PYTHON, *SCRIPTS)}
    too_long = {name: size for name, size in sizes.items() if size > LONGEST}
    assert not too_long, f"over {LONGEST} lines, ask which two things they do: {too_long}"


def test_no_module_is_a_drawer() -> None:
    drawers = [relative(path) for path in (*PYTHON, *SCRIPTS) if path.stem in DRAWERS or path.parent.name in DRAWERS]
    assert not drawers, f"name them after what they hold: {drawers}"


def test_nothing_of_ours_sleeps() -> None:
    """A sleep is a race in a test and a delay in the product: wait for an event or a condition."""
    naps = []
    for path in PYTHON:
        text = path.read_text(encoding="utf-8")
        is_watched = "tests" in path.parts and not path.stem.startswith(("test_", "conftest"))
        # A training that a test watches may take its time, and so may a benchmark.
        if "sleep" not in text or relative(path) in POLLS or "benchmarks" in path.parts or is_watched:
            continue
        calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
        naps += [
            f"{relative(path)}:{call.lineno}" for call in calls if ast.unparse(call.func) in ("time.sleep", "sleep")
        ]
    assert not naps, f"wait for an event or a condition instead of time.sleep: {naps}"


@pytest.mark.parametrize(
    "package", ["core/src/bidviz_core", "dashboard/src/bidviz_dashboard", "registry/src/bidviz_registry"]
)
def test_an_init_holds_a_docstring_and_names_alone(package: str) -> None:
    for path in sorted((ROOT / package).rglob("__init__.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), f"{relative(path)} does not say what its package is for"
        classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
        assert not classes, f"{relative(path)} defines {classes}: give them a module"


def test_every_module_says_what_it_is_for() -> None:
    silent = [relative(path) for path in PYTHON if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert not silent, f"no docstring: {silent}"


def test_no_path_of_one_machine_is_committed() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    homes = ("/" + "work/", "/" + "home/", "/" + "Users/")
    wrong = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if not path.is_file() or path.suffix in {".png", ".whl", ".gz", ".js", ".css"}:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        wrong += [f"{name}: {home}" for home in homes if home in text]
    assert not wrong, "\n".join(wrong)
