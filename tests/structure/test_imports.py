"""Who may import whom: between distributions, between the layers of core, and torch and the web in particular."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "core/src/bidviz_core"

#: From the bottom up; a module imports from its own layer or from those below it.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"errors"}),
    frozenset(
        {"values", "frames", "specs", "grammars", "notices", "children", "identity", "processes", "wire", "pulse"}
    ),
    frozenset(
        {
            "records",
            "messages",
            "hookspecs",
            "extensions",
            "views",
            "transfer",
            "generators",
            "histograms",
            "model_copy",
            "handshake",
            "outbox",
            "ring",
            "binning",
            "counting_together",
            "stacks",
            "terminated",
            "replaying",
            "description",
            "samples",
        }
    ),
    frozenset(
        {
            "metrics",
            "policies",
            "channel",
            "store",
            "plugins",
            "learners",
            "endpoint",
            "link",
            "launch",
            "probe",
            "guards",
        }
    ),
    frozenset(
        {
            "console",
            "control",
            "pump",
            "worker",
            "boundary",
            "orders",
            "report",
            "health",
            "hyperparameters",
            "model_changes",
            "snapshots",
            "sharing",
            "hosting",
            "inert",
            "recorder",
            "steering",
            "looping",
            "checkpoints",
        }
    ),
    frozenset({"session", "default_plugins"}),
    frozenset({"watching", "observer"}),
    frozenset({"testing", "publishing", "demos", "listings", "doctor"}),
    frozenset({"cli_bundle", "cli_registry"}),
    frozenset({"cli"}),
)

#: Where tensors are touched; anywhere else a learner without torch must get by.
TORCH = {
    "counting_together.py",
    "generators.py",
    "guards.py",
    "histograms.py",
    "model_copy.py",
    "testing/torch_learners.py",
    "transfer.py",
    "views.py",
    "watching.py",
    "metrics/source.py",
    "metrics/results.py",
    "doctor.py",
}
TORCH_FOLDERS = ("learners/", "worker/", "model_changes/")
#: Of the checkpoints, those that are imported where there is a torch model.
TORCH |= {f"checkpoints/{name}.py" for name in ("memory", "packing", "torch_state")}

#: Names that belong to a lower layer and are made by an upper one, imported when they are asked for.
LAZY = {("values", "histograms")}

WEB = {"dash", "plotly", "flask", "flask_sock", "werkzeug", "simple_websocket", "dash_ag_grid"}


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Dotted names that a file imports when it runs (not for type checking alone), with their lines."""

    def walk(node: ast.AST) -> Iterator[tuple[str, int]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}:{child.lineno}: write the import in full"
                yield from ((f"{child.module}.{alias.name}", child.lineno) for alias in child.names)
            elif isinstance(child, ast.Import):
                yield from ((alias.name, child.lineno) for alias in child.names)
            yield from walk(child)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")))


def sources(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found, f"{folder} has no Python files"
    return [path for path in found if not {"node_modules", "examples"} & set(path.parts)]


@pytest.mark.parametrize(
    ("folder", "forbidden"),
    [
        ("core/src", {"bidviz_dashboard", "bidviz_registry", "bidviz_metric_gradnorm", *WEB}),
        ("registry/src", {"bidviz_dashboard", "bidviz_metric_gradnorm", *WEB}),
        ("dashboard/src", {"bidviz_registry", "bidviz_metric_gradnorm", "torch"}),
        ("plugins", {"bidviz_dashboard", "bidviz_registry", *WEB}),
        ("examples", {"bidviz_dashboard", "bidviz_registry", "bidviz_metric_gradnorm", *WEB}),
    ],
)
def test_distributions_import_only_what_they_may(folder: str, forbidden: set[str]) -> None:
    allowed = {
        ROOT / "core/src/bidviz_core/cli.py",  # `bidviz dashboard` hands over to it
        ROOT / "core/src/bidviz_core/cli_bundle.py",  # charts are drawn by it
        ROOT / "core/src/bidviz_core/cli_registry.py",  # `bidviz registry` likewise
        *sources("registry/src/bidviz_registry/pages"),  # the gallery draws with the dashboard's files
        *sources("registry/src/bidviz_registry/server"),  # imported by `bidviz registry serve` alone
    }
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sources(folder)
        if path not in allowed
        for name, line in imports(path)
        if name.split(".")[0] in forbidden
    ]
    assert not wrong, "\n".join(wrong)


def layer_of(top: str) -> int:
    for number, layer in enumerate(LAYERS):
        if top in layer:
            return number
    raise AssertionError(f"bidviz_core.{top} stands in no layer: put it into LAYERS, as low as it can go")


def core_imports() -> Iterator[tuple[str, str, str]]:
    for path in sources("core/src"):
        inside = path.relative_to(CORE).with_suffix("")
        top = inside.parts[0]
        if top == "__init__":
            continue
        for name, line in imports(path):
            parts = name.split(".")
            if (
                parts[0] == "bidviz_core"
                and len(parts) > 1
                and (CORE / parts[1]).with_suffix(".py").exists() | (CORE / parts[1]).is_dir()
            ):
                yield top, parts[1], f"{path.relative_to(ROOT)}:{line} imports {name}"


def test_inside_core_imports_go_down() -> None:
    wrong = [
        where for top, other, where in core_imports() if layer_of(other) > layer_of(top) and (top, other) not in LAZY
    ]
    assert not wrong, "\n".join(wrong)


def test_inside_core_no_imports_go_round() -> None:
    graph: dict[str, set[str]] = {}
    for top, other, _ in core_imports():
        if top != other and (top, other) not in LAZY:
            graph.setdefault(top, set()).add(other)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_torch_is_imported_only_where_tensors_are_touched() -> None:
    wrong = []
    for path in sources("core/src"):
        inside = path.relative_to(CORE).as_posix()
        if inside in TORCH or inside.startswith(TORCH_FOLDERS):
            continue
        wrong += [f"{inside}:{line}" for name, line in imports(path) if name.split(".")[0] == "torch"]
    assert not wrong, "torch is imported in " + ", ".join(wrong)


@pytest.mark.parametrize(
    "code",
    [
        "import bidviz_core",
        "import bidviz_core as bidviz; bidviz.metric; bidviz.Line; bidviz.hookimpl; bidviz.Histogram",
        "import bidviz_core as bidviz; bidviz.watch; bidviz.open_run",
        "import bidviz_core.cli",
    ],
)
def test_importing_core_brings_in_neither_torch_nor_the_web(code: str) -> None:
    heavy = sorted({"torch", "sklearn", "IPython", *WEB})
    program = f"{code}\nimport sys\nprint([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
