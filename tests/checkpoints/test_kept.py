"""The checkpoints of a run that has ended are listed from its folder, with the way to go on from each."""

from __future__ import annotations

from pathlib import Path

import torch
from support.dashboards import running_dashboard

import bidviz_core as bidviz
from bidviz_core.checkpoints.kept import kept_in


def trained(folder: Path, **options: object) -> Path:
    """A short training with two checkpoints; gives its folder when it is over."""
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    given = {"dashboard": None, "plugins": (), **options}
    with bidviz.watch(model, optimizer, run_dir=folder, **given) as session:  # type: ignore[arg-type]
        for number in range(4):
            optimizer.zero_grad()
            model(torch.ones(4, 2)).sum().backward()
            optimizer.step()
            if number % 2:
                session.checkpoints.save(f"number {number}")
        assert session.checkpoints.flush()
        return Path(session.run_dir)


def test_what_lies_in_the_folder_is_listed_and_how_to_go_on_from_it_holds(tmp_path: Path) -> None:
    folder = trained(tmp_path)
    first, second = kept_in(folder, "ended")
    assert [(one.step, one.label, one.state) for one in (first, second)] == [
        (2, "number 1", "ready"),
        (4, "number 3", "ready"),
    ]
    path = folder / "checkpoints" / f"{first.id}.checkpoint"
    assert first.size == path.stat().st_size
    assert "(it is ended). To go on from this checkpoint start the script again" in first.how
    assert f"bidviz.watch(…, resume={str(path)!r})" in first.how
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with bidviz.watch(model, optimizer, dashboard=None, plugins=(), run_dir=tmp_path, resume=path) as session:
        assert session.step == 2


def test_a_damaged_one_says_so_and_a_run_without_any_has_none(tmp_path: Path) -> None:
    folder = trained(tmp_path)
    [first, _] = kept_in(folder, "ended")
    path = folder / "checkpoints" / f"{first.id}.checkpoint"
    path.write_bytes(path.read_bytes()[:-5])
    damaged = next(one for one in kept_in(folder, "ended") if one.id == first.id)
    assert (damaged.step, damaged.state) == (2, "failed")
    assert "bytes instead of" in damaged.how
    assert kept_in(tmp_path / "nowhere", "ended") == []


def test_the_dashboard_answers_for_a_run_that_has_ended(tmp_path: Path) -> None:
    folder = trained(tmp_path / "runs")
    run = folder.name.rpartition("-")[2]
    with running_dashboard(tmp_path / "runs") as dashboard, dashboard.browser(run, "view") as browser:
        reply = browser.ask("listCheckpoints", {"run": run})
    assert reply["success"], reply
    assert [one["step"] for one in reply["data"]] == [2, 4]
    assert all("resume=" in one["how"] for one in reply["data"])
