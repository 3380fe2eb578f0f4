"""Pages that a bundle brings: read when it is loaded, judged against the model's modules, told in the catalogue."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

import bidviz_core as bidviz
from bidviz_core.description import PageFile
from bidviz_core.errors import SpecError
from bidviz_core.plugins.pages import MOST_BYTES, class_names, decode_page, fitting, pages_of

CHART = {"bidviz_chart": 1, "kind": "Line", "title": "Loss", "series": ["loss"]}


def page(**about: Any) -> dict[str, Any]:
    return {"bidviz_page": 1, "title": "T", "panels": [{"chart": CHART, "x": 0, "y": 0, "w": 6, "h": 4}], **about}


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A package with pages, imported as a bundle's is."""
    package = tmp_path / "paged_bundle"
    (package / "pages").mkdir(parents=True)
    hook = "import bidviz_core as bidviz\n\n@bidviz.hookimpl\ndef register_metrics():\n    return []\n"
    (package / "__init__.py").write_text(hook)
    monkeypatch.syspath_prepend(str(tmp_path))
    import paged_bundle

    yield paged_bundle
    sys.modules.pop("paged_bundle")


def write(bundle: ModuleType, name: str, content: Any) -> None:
    text = content if isinstance(content, str) else json.dumps(content)
    Path(bundle.__path__[0], "pages", name).write_text(text)


def test_pages_are_read_in_order_and_one_that_is_wrong_says_so(bundle: ModuleType) -> None:
    write(bundle, "b.json", page(title="B"))
    write(bundle, "a.json", page(title="A", when=["*.Linear"]))
    write(bundle, "c.json", page(panels=[{"chart": CHART, "x": 10, "w": 6}]))
    write(bundle, "d.json", "{")
    write(bundle, "notes.txt", "no page")
    first, second, third, fourth = pages_of([bundle])
    assert [one.file for one in (first, second, third, fourth)] == ["a.json", "b.json", "c.json", "d.json"]
    assert first.page is not None
    assert first.page.when == ("*.Linear",)
    assert second.page is not None
    assert second.page.title == "B"
    assert (third.page, fourth.page) == (None, None)
    assert "Panel 1 of the page c.json: a place is" in third.error
    assert "d.json cannot be read" in fourth.error


def test_only_modules_bring_pages_and_never_our_own(bundle: ModuleType) -> None:
    from bidviz_core.default_plugins import metrics

    assert pages_of([object(), metrics]) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "cannot be read"),
        ('{"bidviz_page": 2, "title": "T"}', "cannot be read"),
        (json.dumps(page(panels=[{"x": 0}])), "Panel 1"),
        (json.dumps(page(panels=[{"chart": {**CHART, "y_scale": "cubic"}}])), "is not valid"),
        (json.dumps(page(panels=[{"chart": CHART, "x": 0.5}])), "whole cells of 12 columns"),
        (" " * (MOST_BYTES + 1), "at most"),
    ],
)
def test_what_is_no_page_is_refused_with_a_sentence(content: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        decode_page(content.encode(), "p.json")


class Attention(torch.nn.MultiheadAttention):
    """An attention of somebody's own."""


def test_a_page_fits_by_the_classes_of_modules_and_by_those_they_inherit_from() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), Attention(2, 1))
    classes = class_names(model)
    wanted = PageFile(bidviz_page=1, title="T", when=("*.MultiheadAttention", "nobody.*"))
    assert fitting(wanted, classes) == ["torch.nn.modules.activation.MultiheadAttention"]
    assert fitting(PageFile(bidviz_page=1, title="T", when=("*.Conv2d",)), classes) == []
    assert fitting(PageFile(bidviz_page=1, title="T"), classes) == []


def test_a_learner_that_is_no_torch_module_has_its_own_class() -> None:
    class KMeans:
        pass

    [name] = class_names(KMeans())
    assert name.endswith("KMeans")


def test_the_catalogue_offers_pages_of_what_is_loaded_and_takes_them_back(bundle: ModuleType, tmp_path: Path) -> None:
    write(bundle, "mine.json", page(title="Mine", when=["*.Linear"]))
    write(bundle, "other.json", page(title="Other", when=["*.Conv2d"]))
    write(bundle, "all.json", page(title="All"))
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with bidviz.watch(model, optimizer, dashboard=None, plugins=None, run_dir=tmp_path / "runs") as session:
        session.plugins.register(bundle, "paged", origin="bidviz-metric-paged 1.0")
        told = {one.file: one for one in session.report.catalogue({}).pages}
        assert told["mine.json"].fits
        assert told["mine.json"].because == ["torch.nn.modules.linear.Linear"]
        assert told["mine.json"].origin == "bidviz-metric-paged 1.0"
        assert not told["other.json"].fits
        assert told["all.json"].fits
        assert told["all.json"].because == []
        session.plugins.unload("paged")
        assert session.report.catalogue({}).pages == []


def test_charts_of_bundles_say_whose_they_are(tmp_path: Path) -> None:
    class Given:
        @bidviz.hookimpl
        def register_charts(self) -> list[bidviz.Line]:
            return [bidviz.Line(title="One", series=("loss",)), bidviz.Line(title="Two", series=("loss",))]

    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with bidviz.watch(model, optimizer, dashboard=None, plugins=None, run_dir=tmp_path / "runs") as session:
        session.plugins.register(Given(), "given", origin="bidviz-metric-given 2.0")
        catalogue = session.report.catalogue({})
        assert [chart["title"] for chart in catalogue.charts] == ["One", "Two"]
        assert catalogue.chart_origins == ["bidviz-metric-given 2.0"] * 2
