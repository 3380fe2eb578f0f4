"""An entry of the journal is in the run's file as soon as it is told: a page that is opened then reads the file."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import torch

import bidviz_core as bidviz
from bidviz_core import pump
from bidviz_core.store import StoreReader


def test_an_entry_is_in_the_file_long_before_the_records_around_it_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIDVIZ_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(pump, "COMMIT_EVERY", 1_000.0)
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with bidviz.watch(model, optimizer, dashboard=None, run_dir=tmp_path, plugins=()) as session:
        session.journal.add(session.step, "person", "shareBundle", "could not be written", {}, success=False)
        reader = StoreReader(session.run_dir)
        patience = time.monotonic() + 60
        while not any(entry.action == "shareBundle" for entry in reader.journal()):
            assert time.monotonic() < patience, "the entry waits for the records"
            threading.Event().wait(0.01)
