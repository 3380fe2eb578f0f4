"""What a checkpoint holds beside weights: leases, changes to come, held values, policies, scalers, all optimizers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import bidviz_core as bidviz
from bidviz_core.errors import CommandError
from tests.support.rewound import Training


def there_and_back(
    training: Training, save_at: int, back_at: int, hand: Callable[[Any, int], None], epochs: int = 4
) -> list[Any]:
    """Trains and goes back once; gives the learning rate that each step used, with those of both passes."""
    used: list[tuple[int, float]] = []
    done = False
    with training.session as session:
        for batch in session.batches(training.loader, epochs=epochs):
            training.step(batch)
            used.append((session.step, session.hyperparameters.effective("lr")))
            if not done:
                hand(session, session.step)
            if session.step == save_at and not done:
                session.checkpoints.save("here")
            if session.step == back_at and not done:
                done = True
                session.checkpoints.restore(training.saved("here").id)
    return used


def both_passes(used: list[tuple[int, float]], first: int, last: int) -> tuple[list[float], list[float]]:
    """The rates of the steps that were made twice."""
    passes: dict[int, list[float]] = {}
    for step, rate in used:
        passes.setdefault(step, []).append(rate)
    steps = range(first, last + 1)
    assert all(len(passes[step]) == 2 for step in steps)
    return [passes[step][0] for step in steps], [passes[step][1] for step in steps]


def test_a_lease_that_runs_ends_in_the_second_pass_too(tmp_path: Path) -> None:
    training = Training(tmp_path, workers=0)

    def hand(session: Any, step: int) -> None:
        if step == 5:
            assert session.hyperparameters.set("lr", 0.5, lease={"steps": 10}).success

    first, second = both_passes(there_and_back(training, 8, 25, hand), 9, 25)
    assert first == second
    assert first.count(0.5) == 7, "steps 9 to 15; the boundary of step 15 gives it back"
    entries = [entry.action for entry in training.session.journal if entry.author == "bidviz"]
    assert entries.count("releaseHyperparameter") == 2


def test_a_lease_outlives_a_what_if(tmp_path: Path) -> None:
    training = Training(tmp_path, workers=0)
    with training.session as session:
        for batch in session.batches(training.loader, epochs=4):
            training.step(batch)
            if session.step == 5:
                session.hyperparameters.set("lr", 0.5, lease={"steps": 10})
            if session.step == 8:
                session.control.call_at_loop(lambda: keep_and_put_back(session))
            if session.step in (10, 15, 16):
                assert (session.hyperparameters.effective("lr") == 0.5) is (session.step < 16)


def keep_and_put_back(session: Any) -> Any:
    """Keeps the state in memory and puts it back at once, as a what-if does."""
    from bidviz_core.control.reply import Reply

    kept = session.checkpoints.hold()
    kept()
    kept.drop()
    return Reply(True)


def test_a_change_that_is_to_come_comes_in_the_second_pass_too(tmp_path: Path) -> None:
    training = Training(tmp_path, workers=0)

    def hand(session: Any, step: int) -> None:
        if step == 5:
            assert session.hyperparameters.set("lr", 0.25, at=12).success

    first, second = both_passes(there_and_back(training, 8, 20, hand), 9, 20)
    assert first == second
    assert first.index(0.25) == 4, "step 13 is the first update after the boundary of step 12"


def test_a_factor_and_a_policy_are_in_force_again(tmp_path: Path) -> None:
    training = Training(tmp_path, workers=0)

    def hand(session: Any, step: int) -> None:
        if step == 3:
            session.hyperparameters.set("lr", 0.5, mode="scale", author="me")
            session.policies.add("weight_decay", "0.01 * step")
        if step == 15:
            session.hyperparameters.release("lr")
            session.policies.remove("weight_decay")

    used = there_and_back(training, 10, 20, hand, epochs=3)
    # The first pass releases both at step 15; the second, which nobody touches, holds them to its end.
    first, second = both_passes(used, 11, 20)
    assert first[:5] == second[:5]
    assert all(one == pytest.approx(2 * other) for one, other in zip(first[5:], second[5:], strict=True))
    # The policy was removed at step 15 of the first pass alone: what it wrote last stays when the session ends.
    assert training.optimizer.param_groups[0]["weight_decay"] == pytest.approx(0.01 * training.session.step)


def data() -> DataLoader[Any]:
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(48, 6, generator=generator)
    return DataLoader(TensorDataset(inputs, inputs @ torch.ones(6, 1)), batch_size=8, shuffle=True)


def twice(folder: Path, make: Callable[[], tuple[nn.Module, Any, Callable[[Any], None], Callable[[], Any]]]) -> None:
    """Trains, goes back, and compares everything that `state` gives after each step of the two passes."""
    torch.manual_seed(0)
    model, optimizers, step, state = make()
    seen: dict[int, list[Any]] = {}
    done = False
    with bidviz.watch(model, optimizers, dashboard=None, plugins=(), run_dir=folder) as session:
        for batch in session.batches(data(), epochs=8):
            step(batch)
            seen.setdefault(session.step, []).append(state())
            if session.step == 10 and not done:
                session.checkpoints.save("here")
            if session.step == 25 and not done:
                done = True
                assert session.checkpoints.flush()
                session.checkpoints.restore(next(one.id for one in session.checkpoints if one.label == "here"))
    pairs = [values for at, values in sorted(seen.items()) if 10 < at <= 25]
    assert len(pairs) == 15
    assert all(len(values) == 2 and values[0] == values[1] for values in pairs)


def bits(*models: nn.Module) -> list[bytes]:
    return [value.detach().numpy().tobytes() for model in models for value in model.state_dict().values()]


def test_no_update_that_was_left_behind_is_said_to_have_been_the_last(tmp_path: Path) -> None:
    training = Training(tmp_path, workers=0)
    told = []
    with training.session as session:
        for batch in session.batches(training.loader, epochs=1):
            if session.step == 5 and 8 in training.digests:  # it has gone back, and no update has been since
                told = [one for one in session.hyperparameters.infos() if one.name in ("lr", "weight_decay")]
                told.append(session.hyperparameters.used("lr"))
                break
            training.step(batch)
            if session.step == 3:
                session.hyperparameters.set("lr", 0.2)
            elif session.step == 5:
                session.checkpoints.save("here")
            elif session.step == 6:
                session.hyperparameters.set("lr", 1e30)
                session.hyperparameters.set("weight_decay", 0.5)
            elif session.step == 8:
                session.hyperparameters.holding.sample()  # as for a page
                session.checkpoints.restore(training.saved("here").id)
    rate, decay, used = told
    assert (rate.value, rate.owner, rate.used in (None, 0.2), used) == (0.2, "person", True, 0.2)
    assert (decay.value, decay.used in (None, 0.0)) == (0.0, True)


def test_lbfgs(tmp_path: Path) -> None:
    def make() -> Any:
        model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
        optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=3, history_size=4)

        def step(batch: Any) -> None:
            def closure() -> torch.Tensor:
                optimizer.zero_grad()
                loss = nn.functional.mse_loss(model(batch[0]), batch[1])
                loss.backward()
                return loss

            optimizer.step(closure)

        return model, optimizer, step, lambda: bits(model)

    twice(tmp_path, make)


def test_several_optimizers(tmp_path: Path) -> None:
    def make() -> Any:
        first, second = nn.Linear(6, 4), nn.Linear(4, 1)
        model = nn.Sequential(first, nn.Dropout(0.2), second)
        optimizers = [torch.optim.SGD(first.parameters(), lr=0.05, momentum=0.9), torch.optim.Adam(second.parameters())]

        def step(batch: Any) -> None:
            for one in optimizers:
                one.zero_grad()
            nn.functional.mse_loss(model(batch[0]), batch[1]).backward()
            for one in reversed(optimizers):  # the first is the clock: its update ends the step
                one.step()

        return model, optimizers, step, lambda: bits(model)

    twice(tmp_path, make)


def test_a_grad_scaler_with_a_step_that_is_skipped(tmp_path: Path) -> None:
    def make() -> Any:
        model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=4)
        count = iter(range(10**6))

        def step(batch: Any) -> None:
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(batch[0]), batch[1])
            scaler.scale(loss).backward()
            if next(count) == 5:
                next(model.parameters()).grad.mul_(float("inf"))  # this update is skipped, and the scale halved
            scaler.step(optimizer)
            scaler.update()

        return model, optimizer, step, lambda: [*bits(model), scaler.get_scale()]

    twice(tmp_path, make)


def test_a_checkpoint_is_deleted_and_can_be_had_no_more(tmp_path: Path) -> None:
    training = Training(tmp_path, workers=0)
    with training.session as session:
        for batch in session.batches(training.loader, epochs=1):
            training.step(batch)
            if session.step in (3, 6):
                assert session.checkpoints.flush()  # two at a time may wait to be written
                session.checkpoints.save("kept" if session.step == 3 else "gone")
            elif session.step == 5:
                session.checkpoints.save()
        gone = training.saved("gone")
        assert session.checkpoints.path(gone.id).is_file()
        session.checkpoints.delete(gone.id, author="me")
        assert not session.checkpoints.path(gone.id).exists()
        assert "gone" not in {one.label for one in session.checkpoints}
        assert training.saved("kept")
        with pytest.raises(CommandError, match="There is no checkpoint"):
            session.checkpoints.delete(gone.id)
        with pytest.raises(CommandError, match="There is no checkpoint"):
            session.checkpoints.load(gone.id)
        assert [(one.action, one.author) for one in session.journal if one.action.startswith("delete")] == [
            ("deleteCheckpoint", "me")
        ]
        told = [one.summary for one in session.journal if one.action in ("saveCheckpoint", "deleteCheckpoint")]
        assert f"checkpoint of step {gone.step} saved as 'gone'" in told
        assert f"checkpoint of step {gone.step} deleted, 'gone'" in told
        assert "checkpoint of step 5 saved" in told, "an id says nothing to people"
