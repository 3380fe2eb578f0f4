"""Writes a gathered bundle as a folder: code, charts as JSON, pages, README with pictures, tests, licence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from bidviz_core.sharing.gathering import Gathered, page_json
from bidviz_core.sharing.naming import BundleName
from bidviz_core.sharing.project import licence_file, pyproject


def files_of(name: BundleName, gathered: Gathered, *, author: str, licence: str, run: str) -> dict[str, str]:
    """Every file of the bundle but what only the check can say: recorded values, pictures, the description.

    Args:
        name: what the bundle is called.
        gathered: what it is made of.
        author: whose it is.
        licence: its licence.
        run: the run that it comes from.
    """
    package = f"src/{name.package}"
    summary = summary_of(name, gathered)
    files = {
        "pyproject.toml": pyproject(name, summary, licence, author, list(gathered.requirements)),
        "LICENSE": licence_file(licence, author),
        "README.md": readme(name, gathered, run),
        "PUBLISHING.md": PUBLISHING,
        f"{package}/__init__.py": _init(name, gathered, summary),
    }
    if gathered.metrics:
        files[f"{package}/metrics/__init__.py"] = '"""The metrics, one a module."""\n'
        files[f"{package}/charts.json"] = json.dumps(gathered.charts, indent=1, ensure_ascii=False) + "\n"
        files[f"{package}/charts.py"] = _CHARTS
    if gathered.policies:
        files[f"{package}/policies/__init__.py"] = '"""The policies, one a module."""\n'
    for place, source in gathered.modules.items():
        files[f"{package}/{place.replace('.', '/')}.py"] = (
            _with_charts(source, name) if place.startswith("metrics.") else source
        )
    for title, page in gathered.pages.items():
        files[f"{package}/pages/{title}.json"] = page_json(page)
    return files


def summary_of(name: BundleName, gathered: Gathered) -> str:
    """What the bundle is, in a sentence."""
    parts = [*gathered.metrics, *gathered.policies, *(page.title for page in gathered.pages.values())]
    told = ", ".join(parts[:4]) + (", …" if len(parts) > 4 else "")
    return f"{told}, for BIDViz."


def readme(
    name: BundleName, gathered: Gathered, run: str, pictures: Sequence[str] = (), costs: Mapping[str, str] = {}
) -> str:
    """The README.

    Args:
        name: what the bundle is called.
        gathered: what it is made of.
        run: the run that it comes from.
        pictures: paths of pictures, relative to it.
        costs: what each metric costs, where it is known.
    """
    rows = [f"| `{one}` | {_cell(gathered.help[one])} | {(costs or {}).get(one, '')} |" for one in gathered.metrics]
    rows += [f"| `{one}` (policy) | {_cell(gathered.help[one])} | |" for one in gathered.policies]
    rows += [f"| {page.title} (page) | {_cell(page.help)} | |" for page in gathered.pages.values()]
    shown = "".join(f"![{_title(one)}]({one})\n\n" for one in pictures)
    helps = [
        f"- **{chart.get('title') or metric}**: {_cell(str(chart.get('help', '')))}\n"
        for metric, charts in gathered.charts.items()
        for chart in charts
    ]
    table = "\n".join(["| name | what it is | one value costs |", "|---|---|---|", *rows])
    return f"""# {name.distribution}

{summary_of(name, gathered)} It was shared from the run {run!r}.

{shown}{table}

```console
$ pip install {name.distribution}
```

A run that is going on offers it at once.

{"## Charts" + chr(10) + chr(10) + "".join(helps) if helps else ""}"""


#: For its author alone: the README is what others read.
PUBLISHING = """# Before you publish it

Say in the help texts what healthy and sick look like (what the run was like that it comes from does not tell), in the
README what it is for, and look at the licence. Then:

```console
$ pip install -e .
$ python -m pytest tests
$ bidviz bundle check .
```

and publish it. Without `--repository` it goes to PyPI, where everybody sees it and a name is taken once and for all;
with it, to a registry of your own (`bidviz registry serve` prints its address) or to one that `registries.toml` names:

```console
$ bidviz bundle publish . --repository http://127.0.0.1:10002/legacy/
```
"""


def tests_of(name: BundleName, gathered: Gathered) -> str:
    """The tests, which compare with `recorded.json`."""
    imports = ["read_recorded"]
    tests = ""
    if gathered.metrics:
        imports.append("assert_as_recorded")
        tests += _METRIC_TEST
    if gathered.policies:
        imports.append("assert_policy_as_recorded")
        tests += _POLICY_TEST
    if gathered.pages:
        tests += _PAGE_TEST
    text = _TESTS.replace("@IMPORTS@", ", ".join(sorted(imports))) + tests
    page = "from bidviz_core.description import PageFile\n" if gathered.pages else ""
    msgspec = "import msgspec\n" if gathered.pages else ""
    return text.replace("@PAGE@", page).replace("@MSGSPEC@", msgspec).replace("@PACKAGE@", name.package)


def _init(name: BundleName, gathered: Gathered, summary: str) -> str:
    text = f'"""{summary}"""\n\nimport bidviz_core as bidviz\n'
    for place, function in sorted((*gathered.metrics.values(), *gathered.policies.values())):
        text += f"from {name.package}.{place} import {function}\n"
    for hook, what, given in (
        ("register_metrics", "metrics", gathered.metrics),
        ("register_policies", "policies", gathered.policies),
    ):
        if given or (hook == "register_metrics" and not gathered.policies):
            functions = ", ".join(function for _, function in given.values())
            text += (
                f'\n\n@bidviz.hookimpl\ndef {hook}():\n    """The {what} of this bundle."""\n    return [{functions}]\n'
            )
    return text


def _with_charts(source: str, name: BundleName) -> str:
    return source.replace(
        "import bidviz_core as bidviz\n",
        f"import bidviz_core as bidviz\nfrom {name.package}.charts import charts_of\n",
        1,
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _title(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0].replace("-", " ")


_CHARTS = '''"""How the metrics are drawn: `charts.json` holds the specs, each with a help text."""

import json
from importlib.resources import files

_SPECS = json.loads((files(__package__) / "charts.json").read_text("utf-8"))


def charts_of(metric):
    """The charts of a metric."""
    return _SPECS.get(metric, [])
'''

_TESTS = '''"""What the bundle gives on the sample learners, against what it gave when it was shared."""

from pathlib import Path

@MSGSPEC@import pytest

import @PACKAGE@
@PAGE@from bidviz_core.testing import @IMPORTS@

RECORDED = read_recorded(Path(__file__).with_name("recorded.json"))
'''

_METRIC_TEST = """

@pytest.mark.parametrize("recorded", RECORDED.metrics, ids=lambda one: f"{one.metric} on {one.learner}")
def test_a_metric_gives_what_it_gave(recorded):
    assert_as_recorded(recorded, @PACKAGE@.register_metrics())


def test_no_metric_is_missing():
    assert {metric.name for metric in @PACKAGE@.register_metrics()} == set(RECORDED.names)
"""

_POLICY_TEST = """

@pytest.mark.parametrize("name", RECORDED.policies)
def test_a_policy_gives_what_it_gave(name):
    (policy,) = (one for one in @PACKAGE@.register_policies() if one.name == name)
    assert_policy_as_recorded(RECORDED.policies[name], policy)
"""

_PAGE_TEST = """

PAGES = sorted(Path(@PACKAGE@.__file__).parent.glob("pages/*.json"))


@pytest.mark.parametrize("path", PAGES, ids=lambda one: one.stem)
def test_a_page_can_be_read(path):
    page = msgspec.json.decode(path.read_bytes(), type=PageFile)
    assert page.title
    assert page.panels
"""
