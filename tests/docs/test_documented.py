"""Everything that a person can type or send stands in the documentation, and nothing stands there that is not."""

from __future__ import annotations

import ast
import re
import typing
from pathlib import Path

import msgspec
import pytest

import bidviz_core
from bidviz_core import hookspecs, specs
from bidviz_core.messages import commands, notifications
from bidviz_core.metrics.arguments import ARGUMENTS, MODULES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(name: str, heading: str) -> str:
    """The text below a heading, up to the next one of its level."""
    level = heading.split(" ")[0]
    found = re.search(rf"^{re.escape(heading)}$(.*?)(?=^{level} |\Z)", read(name), re.MULTILINE | re.DOTALL)
    assert found, f"{name} has no heading {heading!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of every row of the tables in a text, heads left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [
        row
        for row, following in zip(cells, [*cells[1:], []], strict=True)
        if not set(row[0]) <= set("-: ") and not (following and following[0] and set(following[0]) <= set("-: "))
    ]


def names(text: str) -> set[str]:
    """The names in code spans."""
    return {name for span in re.findall(r"`([^`]+)`", text) for name in re.findall(r"\w+", span)}


def first_names(text: str) -> list[str]:
    return [name for row in rows(text) for name in re.findall(r"`(\w+)`", row[0])]


# --- hooks -----------------------------------------------------------------------------------------------------------


def hook_signatures() -> dict[str, str]:
    """Each hook's signature as it stands in the source."""
    tree = ast.parse(Path(hookspecs.__file__).read_text(encoding="utf-8"))
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and any("hookspec" in ast.unparse(mark) for mark in node.decorator_list):
            assert node.returns is not None
            found[node.name] = f"{node.name}({ast.unparse(node.args)}) -> {ast.unparse(node.returns)}"
    return found


@pytest.mark.parametrize(("hook", "signature"), hook_signatures().items(), ids=lambda value: str(value).split("(")[0])
def test_each_hook_stands_with_its_exact_signature(hook: str, signature: str) -> None:
    text = section("hooks.md", f"### {hook}")
    assert f"```text\n{signature}\n```" in text


def test_no_hook_is_documented_that_is_not() -> None:
    headings = re.findall(r"^### (\w+)$", read("hooks.md"), re.MULTILINE)
    assert sorted(headings) == sorted(hook_signatures())


# --- protocol --------------------------------------------------------------------------------------------------------


def members(union: object) -> dict[str, type[msgspec.Struct]]:
    return {str(kind.__struct_config__.tag): kind for kind in typing.get_args(union)}


def content_fields(kind: type[msgspec.Struct]) -> set[str]:
    """The fields of a message's content, where it is an object of ours."""
    content = typing.get_type_hints(kind)["content"]
    fields: set[str] = set()
    for part in (content, *typing.get_args(content)):
        if isinstance(part, type) and issubclass(part, msgspec.Struct):
            fields |= set(part.__struct_fields__)
    return fields


def test_all_commands_are_listed_and_no_others() -> None:
    listed = first_names(section("protocol.md", "## Commands"))
    assert sorted(listed) == sorted(members(commands.Command))


def test_all_notifications_are_listed_and_no_others() -> None:
    listed = first_names(section("protocol.md", "## Notifications"))
    assert sorted(listed) == sorted(members(notifications.NotificationMessage))


@pytest.mark.parametrize(("name", "kind"), members(commands.Command).items(), ids=lambda value: str(value))
def test_a_command_stands_with_its_right_and_its_fields(name: str, kind: type[commands.Method]) -> None:
    (row,) = (row for row in rows(section("protocol.md", "## Commands")) if row[0] == f"`{name}`")
    assert row[1] == commands.RIGHTS[kind]
    missing = content_fields(kind) - names(row[2])
    assert not missing, f"{name} takes {missing}"


@pytest.mark.parametrize(
    ("name", "kind"), members(notifications.NotificationMessage).items(), ids=lambda value: str(value)
)
def test_a_notification_stands_with_its_fields(name: str, kind: type[notifications.Notification]) -> None:
    (row,) = (row for row in rows(section("protocol.md", "## Notifications")) if row[0] == f"`{name}`")
    missing = content_fields(kind) - names(row[1])
    assert not missing, f"{name} has {missing}"


def test_every_command_has_a_right() -> None:
    assert set(commands.RIGHTS) == set(typing.get_args(commands.Command))


# --- charts, metrics, names, words -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", specs.KINDS)
def test_each_chart_kind_has_its_place_and_an_example(kind: str) -> None:
    text = section("charts.md", f"### {kind}")
    assert "```python" in text
    assert kind in text


def test_no_chart_kind_is_documented_that_is_not() -> None:
    assert re.findall(r"^### (\w+)$", read("charts.md"), re.MULTILINE) == list(specs.KINDS)


def test_the_fields_of_charts_are_listed_and_no_others() -> None:
    listed = first_names(section("charts.md", "## Fields that all kinds have"))
    assert listed == list(specs.Chart.__struct_fields__)


def test_metric_arguments_are_listed_and_no_others() -> None:
    listed = first_names(section("metrics.md", "## Arguments"))
    assert sorted(listed) == sorted(ARGUMENTS)
    typed = section("metrics.md", "## Code typed in the browser")
    assert all(f"`{name}`" in typed for name in MODULES)


def test_public_names_are_listed_and_no_others() -> None:
    text = read("reference.md").split("## Members of a session")[0]
    listed = [name for name in first_names(text) if name != "session"]
    assert sorted([*listed, "__version__"]) == sorted(bidviz_core.__all__)
    assert "`__version__`" in text


def test_public_names_are_there_in_whatever_order_they_are_asked_for() -> None:
    """A submodule of the same name would take a public name's place as soon as somebody imports it."""
    package = Path(bidviz_core.__file__).parent
    modules = {path.stem for path in package.glob("*.py")} | {
        path.parent.name for path in package.glob("*/__init__.py")
    }
    assert not modules & set(bidviz_core.__all__)


def test_arguments_of_watch_are_listed_and_no_others() -> None:
    import inspect

    listed = first_names(section("attaching.md", "## A loop in PyTorch").split("###")[0])
    assert listed == list(inspect.signature(bidviz_core.watch).parameters)


def test_states_are_told_apart() -> None:
    listed = {row[0] for row in rows(section("dashboard.md", "## The pages"))} & set(
        typing.get_args(notifications.State)
    )
    assert listed == set(typing.get_args(notifications.State))


WORDS = """
run session learner step epoch observer metric record series hyperparameter change policy schedule dependency
command journal channel pump worker link store sink bundle registry quarantined
"""


@pytest.mark.parametrize("word", [*WORDS.split(), "step boundary", "chart spec"])
def test_the_glossary_has_each_word(word: str) -> None:
    assert any(row[0] == word for row in rows(read("glossary.md")))


# --- the command line ------------------------------------------------------------------------------------------------


def test_commands_and_options_of_the_command_line_are_listed() -> None:
    import typer

    from bidviz_core.cli import app

    text = read("command-line.md")
    command = typer.main.get_command(app)
    for name, sub in command.commands.items():  # type: ignore[attr-defined]
        assert re.search(rf"^## `bidviz {name}\b", text, re.MULTILINE), f"bidviz {name} is not documented"
        for parameter in sub.params:
            for option in parameter.opts:
                if option.startswith("--") and option != "--help":
                    assert f"`{option}`" in text, f"bidviz {name} {option} is not documented"
    headings = re.findall(r"^## `bidviz (\w+)", text, re.MULTILINE)
    assert sorted(headings) == sorted(command.commands)  # type: ignore[attr-defined]


# --- the README and links --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(name: str) -> None:
    """Those inside the documentation are checked when it is built."""
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) if "://" not in target]
    assert targets
    missing = [target for target in targets if not (ROOT / target).exists()]
    assert not missing


def test_the_readme_is_one_screen_and_shows_the_page() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120
    assert "docs/images/run-page.png" in text


def test_the_cost_that_is_never_backed_off_is_the_one_that_is_told() -> None:
    from bidviz_core.metrics.slot import CHEAP_SECONDS

    told = re.sub(r"\s+", " ", section("metrics.md", "## Cadence, cost and budget"))
    assert f"takes less than {CHEAP_SECONDS * 1e3:g} ms is left alone" in told


def test_all_distributions_share_one_version() -> None:
    import tomllib

    projects = [*ROOT.glob("*/pyproject.toml"), *ROOT.glob("plugins/*/pyproject.toml")]
    versions = {path: tomllib.loads(path.read_text(encoding="utf-8"))["project"]["version"] for path in projects}
    assert set(versions.values()) == {bidviz_core.__version__}, versions


def test_the_changelog_keeps_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", heading) for heading in headings[1:])
    kinds = set(re.findall(r"^### (.*)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "To come"}


# --- bundles ---------------------------------------------------------------------------------------------------------


def test_the_bundles_that_come_along_stand_in_one_table() -> None:
    named = [row[0].strip("`") for row in rows(section("bundles.md", "## Bundles that come with BIDViz"))]
    assert named == sorted(path.name for path in (ROOT / "plugins").iterdir() if (path / "pyproject.toml").is_file())


def test_the_share_that_built_in_metrics_are_kept_to_is_that_of_the_engine() -> None:
    from bidviz_core.metrics.engine import _BUILT_IN_SHARE

    assert f"kept to {100 * _BUILT_IN_SHARE:g} % of the step time" in read("metrics.md")
