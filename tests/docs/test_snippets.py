"""Every Python snippet of the README and the documentation runs, page by page and in its order."""

from __future__ import annotations

import ast
import linecache
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch import nn

import bidviz_core as bidviz
from bidviz_core.metrics.source import compile_metric
from bidviz_core.specs import chart_from_dict

from .snippets import PAGES, Snippet, snippets

#: Typed in the browser: metric code, not a script.
TYPED = ("typed in the browser", "an expression", "a function body that returns", "a module with one metric")


def page_scope() -> dict[str, Any]:
    """What a reader of the documentation has: a classifier of 8 × 8 images, its optimizer, and its data."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    generator = torch.Generator().manual_seed(0)
    loader = [(torch.rand(8, 64, generator=generator), torch.randint(10, (8,), generator=generator)) for _ in range(12)]
    return {
        "__name__": "snippet",
        "bidviz": bidviz,
        "torch": torch,
        "np": np,
        "model": model,
        "optimizer": torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
        "criterion": nn.CrossEntropyLoss(),
        "loader": loader,
    }


def train(scope: dict[str, Any]) -> None:
    """A pass over the data, so that whatever a snippet added is computed."""
    for inputs, targets in scope["loader"]:
        loss = scope["criterion"](scope["model"](inputs), targets)
        scope["optimizer"].zero_grad()
        loss.backward()
        scope["optimizer"].step()


def run(snippet: Snippet, scope: dict[str, Any]) -> None:
    name = f"{snippet.page.name}:{snippet.line}"
    linecache.cache[name] = (len(snippet.code), None, snippet.code.splitlines(True), name)
    tree = ast.increment_lineno(ast.parse(snippet.code, name), 0)
    exec(compile(tree, name, "exec"), scope)


@pytest.fixture
def closing() -> Iterator[list[bidviz.Session]]:
    sessions: list[bidviz.Session] = []
    yield sessions
    for session in sessions:
        session.close()


@pytest.mark.parametrize("document", [page for page in PAGES if snippets(page, "python")], ids=lambda page: page.name)
def test_python_of_a_page_runs(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closing: list[bidviz.Session]
) -> None:
    monkeypatch.chdir(tmp_path)
    scope = page_scope()
    for snippet in snippets(document, "python"):
        if 'test="skip"' in snippet.options:
            compile(snippet.code, str(document), "exec")
            continue
        if any(title in snippet.options for title in TYPED):
            compile_metric(snippet.code, name="typed")
            continue
        run(snippet, scope)
        session = scope.get("session")
        if session is None or session.closed:
            continue
        if session not in closing:
            closing.append(session)
        if session.learner.optimizers:
            train(scope)
        expected = {"broken"}  # the page shows what becomes of a metric that raises
        failures = [failure for failure in session.failures if failure.name not in expected]
        assert not failures, f"{document.name}:{snippet.line}: {failures[0].message}\n{failures[0].traceback}"


@pytest.mark.parametrize("document", PAGES, ids=lambda page: page.name)
def test_data_of_a_page_parses(document: Path) -> None:
    for snippet in snippets(document, "toml"):
        tomllib.loads(snippet.code)
    for snippet in snippets(document, "json"):
        data = msgspec.json.decode(snippet.code)
        if isinstance(data, dict) and "bidviz_chart" in data:
            chart_from_dict(data)
