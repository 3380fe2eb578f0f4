"""While a bundle is being shared, whose check takes long, everything else is answered."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

import bidviz_core as bidviz
from bidviz_core.messages.bundles import PackBundle, PackContent
from bidviz_core.messages.commands import ListBundles, Order, ShareBundle
from bidviz_core.messages.contents import RunContent, ShareBundleContent


@pytest.mark.timeout(600)
def test_a_list_is_answered_while_a_bundle_is_checked_and_the_bundle_is_packed_afterwards(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    answers: dict[int, object] = {}
    came = threading.Condition()
    with bidviz.watch(model, optimizer, dashboard=None, plugins=None, run_dir=tmp_path / "runs") as session:
        plain = session.reply

        def reply(order: Order, answer: object) -> None:
            with came:
                answers[order.id] = answer
                came.notify_all()
            plain(order, answer)  # type: ignore[arg-type]

        session.reply = reply  # type: ignore[method-assign]
        session.metrics.add("params.norm()", name="norm")
        for _ in range(3):
            optimizer.zero_grad()
            model(torch.ones(4, 2)).sum().backward()
            optimizer.step()
        content = ShareBundleContent(run=session.id, name="norm", metrics=["norm"], author="Ada", license="MIT")
        assert session.service.take(Order(1, "person", "code", ShareBundle(content)))
        assert session.service.take(Order(2, "person", "code", ListBundles(RunContent(session.id))))
        with came:
            assert came.wait_for(lambda: 2 in answers, 60.0)
            assert 1 not in answers
            assert came.wait_for(lambda: 1 in answers, 500.0)
        shared = answers[1]
        assert shared.success, shared.data  # type: ignore[attr-defined]
        folder = shared.data["folder"]  # type: ignore[attr-defined]
        assert session.service.take(Order(3, "person", "code", PackBundle(PackContent(folder))))
        with came:
            assert came.wait_for(lambda: 3 in answers, 60.0)
        assert answers[3].data["name"] == "bidviz-metric-norm.zip"  # type: ignore[attr-defined]
