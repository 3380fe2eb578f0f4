"""A bundle's panels as pictures: drawn from its samples, by the page's own renderers, in a real Chromium."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import bidviz_core as bidviz
from bidviz_core.description import DescribedMetric, Description, decode_description, encode_description
from bidviz_core.errors import SpecError
from bidviz_core.samples import sample_of, value_from_json, value_to_json
from bidviz_core.values import Histogram, Image, Matrix, Table, Text, to_parts
from bidviz_dashboard import pictures
from bidviz_dashboard.chromium import NoPicture, find_chromium, window

STEPS = list(range(1, 201))
VALUES = [
    3.5,
    float("nan"),
    float("-inf"),
    np.array([[1.0, np.nan], [np.inf, -np.inf]]),
    Histogram(np.array([1, 5, 2]), np.array([0.0, 1, 2, 3]), nan=4),
    Matrix(np.eye(2), ("a", "b"), ("x", "y")),
    Image(np.arange(12, dtype=np.uint8).reshape(2, 2, 3), ("one",)),
    Table(("layer", "norm"), [["conv", 0.5], ["head", None], ["NaN", float("nan")], ["low", float("-inf")]]),
    Text("the cat"),
]


@pytest.fixture
def preview(built: Path, monkeypatch: pytest.MonkeyPatch, chromium: str) -> Path:
    """Pictures are drawn by the sources' preview and the tests' Chromium."""
    monkeypatch.setattr(pictures, "STATIC", built)
    monkeypatch.setenv("BIDVIZ_CHROMIUM", chromium)
    return built


@pytest.fixture
def description() -> Description:
    """A bundle with several panels, one of which names a series that is not there."""
    loss = [float("nan") if step == 150 else float(np.exp(-step / 50)) for step in STEPS]
    shift = [
        Histogram(*np.histogram(np.random.default_rng(step).normal(step / 50, 1, 500), 20)) for step in STEPS[::20]
    ]
    return Description(
        1,
        "bidviz-metric-tried",
        "1.0",
        metrics=(
            DescribedMetric(
                "loss",
                help="What is made small </script><b>&amp;",
                arguments=("loss",),
                charts=(bidviz.Line(title="Loss", y_scale="log"), bidviz.Line(series=("nowhere",))),
                cost=12.5,
                share=0.01,
                cost_on="mlp",
            ),
            DescribedMetric("weights", charts=(bidviz.Ridge(title="Weights"),)),
            DescribedMetric("layers"),
        ),
        charts=(bidviz.Line(title="Both", series=("loss", "other")),),
        samples={
            "loss": sample_of(STEPS, loss),
            "other": sample_of(STEPS, [1.0] * 200),
            "weights": sample_of(STEPS[::20], shift),
            "layers": sample_of([200], [Table(("layer", "norm"), [["conv", 0.5], ["head", float("nan")]])]),
        },
    )


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_is_the_same_after_the_way_through_json(value: bidviz.Histogram) -> None:
    again = value_from_json(value_to_json(value))
    if isinstance(value, float):
        assert np.array_equal(value, again, equal_nan=True)
        return
    (header, buffers), (other, others) = to_parts(value), to_parts(again)
    assert header == other
    for one, two in zip(buffers, others, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_sample_of_several_kinds_is_refused() -> None:
    with pytest.raises(SpecError, match="one kind, got scalar, text"):
        sample_of([1, 2], [1.0, Text("two")])
    with pytest.raises(SpecError, match="a step for each value"):
        sample_of([1], [])
    with pytest.raises(SpecError, match="kind with its buffers"):
        value_from_json({"kind": "histogram", "buffers": []})


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_each_panel_of_a_bundle_gets_a_picture(
    theme: str, preview: Path, description: Description, tmp_path: Path
) -> None:
    told: dict[str, str] = {}
    again = decode_description(encode_description(description))
    files = pictures.draw_bundle(again, tmp_path, theme=theme, told=told.__setitem__)  # type: ignore[arg-type]
    assert [file.name for file in files] == ["loss.png", "loss-1.png", "weights.png", "layers.png", "both.png"]
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)
    assert told == {"metric:loss:1": "There is no series “nowhere” in this run yet."}
    # A chart takes many more bytes than the sentence that stands in place of one.
    said = files[1].stat().st_size
    assert files[0].stat().st_size > 1.5 * said < files[2].stat().st_size


@pytest.mark.browser
def test_the_page_says_what_a_metric_is_and_costs(preview: Path, description: Description, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    page.write_text(pictures.preview_page(description, "dark"), encoding="utf-8")
    with window() as chromium_window:
        chromium_window.open(page.as_uri(), 900, 4000)
        chromium_window.evaluate(pictures._READY)
        words = chromium_window.evaluate("document.querySelector('[data-metric=loss]').innerText")
        ink = chromium_window.evaluate("getComputedStyle(document.querySelector('.bvp')).color")
    assert "What is made small </script><b>&amp;" in words
    assert "12.5 µs a value, 1.0 % of a step on the sample mlp" in words
    assert ink == "rgb(228, 232, 238)"


def test_without_a_browser_it_says_where_it_looked(
    description: Description, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIDVIZ_CHROMIUM", str(tmp_path / "nothing"))
    with pytest.raises(NoPicture, match=r"BIDVIZ_CHROMIUM is '.*nothing', which cannot be run"):
        pictures.draw_bundle(description, tmp_path)
    monkeypatch.delenv("BIDVIZ_CHROMIUM")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoPicture, match="looked for chromium"):
        find_chromium()


def test_a_browser_that_does_not_start_is_said(
    description: Description, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho 'a library is missing' >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setenv("BIDVIZ_CHROMIUM", str(broken))
    with pytest.raises(NoPicture, match=r"did not start: a library is missing"):
        pictures.draw_bundle(description, tmp_path)
