"""A session from attach to close: what is found, recorded and left behind."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.warm import TRAININGS
from torch import nn

import bidviz_core as bidviz
from bidviz_core.report import Report


def test_loss_and_learning_rate_are_recorded_at_every_step(train: Callable[..., Any]) -> None:
    training = train()
    training.run(20)
    history = training.session.history("loss")
    assert history.step.tolist() == list(range(1, 21))
    assert np.isfinite(history.value).all()
    assert training.session.history("lr").value.tolist() == [0.1] * 20
    assert training.session.history("accuracy").step.tolist() == [10, 20]


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        (lambda outputs: nn.functional.mse_loss(outputs, torch.zeros(4, 2)), "No accuracy: the outputs are not scores"),
        (lambda outputs: outputs.sum(), "No accuracy: the targets cannot be found"),
    ],
)
def test_a_training_without_classes_is_told_why_it_has_no_accuracy(
    tmp_path: Path, loss: Callable[[torch.Tensor], torch.Tensor], says: str
) -> None:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with bidviz.watch(model, optimizer, dashboard=None, plugins=(), run_dir=tmp_path) as session:
        for _ in range(10):
            optimizer.zero_grad()
            loss(model(torch.randn(4, 3))).backward()
            optimizer.step()
        assert says in session.metrics.slots["accuracy"].info(0.01).note
        assert session.failures == []


def test_a_page_is_told_where_the_bundles_of_a_checkout_lie(train: Callable[..., Any]) -> None:
    checkout = Path(train().session.report.catalogue({}).checkout)
    assert (checkout / "bidviz-metric-clustering" / "pyproject.toml").is_file()


def test_a_run_that_goes_back_is_never_told_as_negative_in_speed(train: Callable[..., Any]) -> None:
    report = Report(train().session)
    assert report._speed(1.0, 100, False) == 0.0
    assert report._speed(2.0, 200, False) == 100.0
    assert report._speed(2.5, 40, False) == 0.0
    assert report._speed(3.0, 60, False) == 40.0


def test_logged_values_belong_to_the_step_that_is_computed(train: Callable[..., Any]) -> None:
    training = train()
    session, model, optimizer = training.session, training.model, training.optimizer
    for number in range(1, 6):
        optimizer.zero_grad()
        outputs = model(torch.randn(2, 4))
        session.log("after_forward", float(number))
        outputs.sum().backward()
        session.log({"after_backward": number, "as_tensor": torch.tensor(float(number))})
        optimizer.step()
        session.log("after_step", number)
    for name in ("after_backward", "as_tensor", "after_step", "after_forward"):
        history = session.history(name)
        assert history.value.tolist() == history.step.tolist() == [1, 2, 3, 4, 5], name


def test_close_leaves_nothing_behind(train: Callable[..., Any]) -> None:
    backward, scale = torch.autograd.backward, torch.amp.GradScaler.scale
    training = train()
    training.session.metrics.add("updates.norm() + raw_grads.norm()", name="hooks")
    training.session.metrics.add(
        "@metric(modules='0')\ndef outputs_of(activations):\n    return activations['0'].mean()\n", name="outputs_of"
    )
    training.run(3)
    assert training.session.engine.slots["hooks"].failure is None
    assert len(training.session.history("outputs_of").step) >= 2
    training.session.close()
    training.session.close()
    assert training.session.state == "ended"
    for module in training.model.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    for parameter in training.model.parameters():
        assert not parameter._post_accumulate_grad_hooks
        assert not parameter._backward_hooks
    assert not training.optimizer._optimizer_step_post_hooks
    assert not training.optimizer._optimizer_step_pre_hooks
    assert torch.autograd.backward is backward
    assert torch.amp.GradScaler.scale is scale
    training.run(2)
    assert training.session.step == 3


def test_copies_and_saved_models_do_not_report_and_load_without_bidviz(
    train: Callable[..., Any], tmp_path: Path
) -> None:
    training = train()
    training.session.metrics.add("outputs.mean() + raw_grads.norm()", name="hooked")
    training.run(1)
    twin = copy.deepcopy(training.model)
    average = torch.optim.swa_utils.AveragedModel(training.model)
    optimizer = copy.deepcopy(training.optimizer)
    file = tmp_path / "model.pt"
    torch.save(training.model, file)
    pickle.dumps(training.optimizer)
    before = training.session.learner._passes
    twin(torch.randn(2, 4)).sum().backward()
    average(torch.randn(2, 4))
    optimizer.step()
    assert training.session.learner._passes == before
    assert training.session.step == 1
    code = (
        f"import torch, sys; torch.load({str(file)!r}, weights_only=False)(torch.ones(1, 4)); "
        "assert 'bidviz_core' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_model_compiled_after_watch_keeps_its_full_graph(train: Callable[..., Any]) -> None:
    training = train()
    training.session.metrics.add("outputs.mean()", name="outputs_mean")
    training.run(1)
    compiled = torch.compile(training.model, fullgraph=True, backend="eager")
    for _ in range(3):
        training.optimizer.zero_grad()
        nn.functional.cross_entropy(compiled(torch.randn(8, 4)), torch.randint(0, 3, (8,))).backward()
        training.optimizer.step()
    assert training.session.step == 4
    assert len(training.session.history("loss").step) == 4


def test_two_watches_on_one_optimizer_close_the_first(
    train: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    training = train()
    second = bidviz.watch(training.model, training.optimizer, dashboard=None, plugins=(), run_dir=tmp_path)
    assert training.session.closed
    assert "watched already" in caplog.text
    training.run(2)
    assert (training.session.step, second.step) == (0, 2)
    second.close()


def test_a_model_that_moves_or_freezes_goes_on(train: Callable[..., Any]) -> None:
    training = train()
    training.session.metrics.add("float(len(grads))", name="tensors")
    training.run(2)
    training.model.double()
    for parameter in training.model[0].parameters():
        parameter.requires_grad_(False)
        parameter.grad = None
    inputs = torch.randn(8, 4, dtype=torch.float64)
    for _ in range(120):
        training.optimizer.zero_grad()
        training.model(inputs).pow(2).mean().backward()
        training.optimizer.step()
    values = training.session.history("tensors").value
    assert (values[0], values[-1]) == (4, 2)


def test_history_of_a_run_on_disk(train: Callable[..., Any]) -> None:
    training = train(name="on disk", config={"lr": 0.1, "layers": [4, 8]})
    training.run(5)
    folder = training.session.run_dir
    running = bidviz.open_run(folder)
    assert running.state == "running"
    training.session.close()
    ended = bidviz.open_run(folder)
    assert (ended.name, ended.step, ended.state) == ("on disk", 5, "ended")
    assert ended.history("loss").step.tolist() == [1, 2, 3, 4, 5]


def test_the_end_by_an_exception_is_told_once(train: Callable[..., Any]) -> None:
    told: list[Any] = []

    class Observer:
        @bidviz.hookimpl
        def run_ended(self, session: Any, error: BaseException | None) -> None:
            told.append(error)

    training = train()
    training.session.plugins.register(Observer(), "observer")

    def fail() -> None:
        with training.session:
            training.run(1)
            raise ValueError("bad data")

    with pytest.raises(ValueError, match="bad data"):
        fail()
    assert training.session.state == "failed"
    assert [str(error) for error in told] == ["bad data"]
    assert bidviz.open_run(training.session.run_dir).state == "failed"


@pytest.mark.parametrize(
    ("ending", "state"),
    [
        ("", "ended"),
        ("raise ValueError('x')", "failed"),
        ("raise KeyboardInterrupt", "failed"),
        ("sys.exit(3)", "ended"),
    ],
)
def test_a_script_that_never_closes_ends_truthfully(tmp_path: Path, ending: str, state: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, torch, bidviz_core as bidviz\n"
        "model = torch.nn.Linear(2, 1)\n"
        "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
        f"session = bidviz.watch(model, optimizer, dashboard=None, plugins=(), run_dir={str(tmp_path)!r})\n"
        "for _ in range(5):\n    optimizer.zero_grad(); model(torch.ones(1, 2)).sum().backward(); optimizer.step()\n"
        f"{ending}\n"
    )
    TRAININGS.run([sys.executable, str(script)], timeout=60)
    run = bidviz.open_run(next(tmp_path.glob("script-*")))
    assert (run.state, run.step) == (state, 5)


def test_a_learner_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys, bidviz_core as bidviz\n"
        f"session = bidviz.watch(name='plain', dashboard=None, plugins=(), run_dir={str(tmp_path)!r})\n"
        "session.metrics.add('loss * 2', name='twice')\n"
        "for number in range(4):\n    session.step_done(loss=float(number), moved=number)\n"
        "assert session.history('twice').value.tolist() == [0, 2, 4, 6]\n"
        "assert session.history('moved').step.tolist() == [1, 2, 3, 4]\n"
        "try:\n    session.metrics.add('grads.norm()', name='no')\n"
        "except bidviz.MetricError as error:\n    assert 'session.step_done' in str(error)\n"
        "else:\n    raise AssertionError('grads were given')\n"
        "session.close()\n"
        "assert 'torch' not in sys.modules\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


def test_epochs_and_batches(train: Callable[..., Any]) -> None:
    training = train()
    assert training.session.epoch is None
    seen = [(training.session.epoch, batch) for batch in training.session.batches([1, 2, 3], epochs=2)]
    assert seen == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]
    assert training.session.epoch == 2


def test_the_report_s_own_spelling(tmp_path: Path) -> None:
    class Learner:
        def __init__(self) -> None:
            self.model = [0.0]
            self.opts = type("Options", (), {})()

        def train(self) -> None:
            for ipass in range(2):
                for minibatch in range(3):
                    self.opts.observer.notify(ipass, self.model, minibatch)
            self.opts.observer.notify(self.model)

    learner = Learner()
    learner.opts.observer = bidviz.WebServerChannel(learner, dashboard=None, plugins=(), run_dir=tmp_path)
    session = learner.opts.observer.session
    session.metrics.add("float(minibatch)", name="batch_number")
    learner.train()
    assert (session.step, session.epoch) == (7, 1)
    assert session.history("batch_number").value.tolist() == [0, 1, 2, 0, 1, 2]
    session.close()


def test_a_full_channel_drops_and_counts(train: Callable[..., Any]) -> None:
    training = train()
    channel = training.session.channel
    channel._max_values = 0
    training.session.log("x", 1.0)
    assert channel.dropped == 1


def test_what_log_cannot_record_is_said_once(train: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    training = train()
    for _ in range(3):
        training.session.log("words", "text")
    assert caplog.text.count("was not recorded") == 1
    assert "got a str" in caplog.text


def test_images_and_tables_are_kept(train: Callable[..., Any]) -> None:
    training = train()
    training.session.log("image", bidviz.Image(np.zeros((2, 4, 4))))
    training.session.log("table", bidviz.Table(["a", "b"], [[1, "x"]]))
    training.run(1)
    training.session.close()
    assert {"image", "table"} <= set(bidviz.open_run(training.session.run_dir).series)


def test_plugins_propose_hyperparameters_and_are_told(train: Callable[..., Any]) -> None:
    told: list[Any] = []

    class Halving:
        @bidviz.hookimpl
        def propose_hyperparameters(self, step: int, hyperparameters: Any) -> dict[str, float] | None:
            return {"lr": 0.05} if step == 2 else None

        @bidviz.hookimpl
        def hyperparameters_changed(self, changes: Any) -> None:
            told.extend(changes)

    training = train()
    training.session.plugins.register(Halving(), "halving")
    training.run(4)
    assert training.session.history("lr").value.tolist() == [0.1, 0.1, 0.05, 0.05]
    assert [(change["old"], change["value"], change["step"]) for change in told] == [(0.1, 0.05, 2)]


def test_hyperparameters_are_set_checked_and_read_back(train: Callable[..., Any]) -> None:
    training = train()
    held = training.session.hyperparameters
    assert held["lr"] == 0.1
    reply = held.set("lr", 0.2, author="me")
    assert (reply.success, held.effective("lr"), training.optimizer.param_groups[0]["lr"]) == (True, 0.2, 0.2)
    for value, words in ((-1, "at least 0"), ("fast", "is float"), (float("nan"), "finite")):
        assert words in held.set("lr", value).data
    assert "Did you mean 'lr'" in held.set("lrr", 1).data
    torch.optim.lr_scheduler.StepLR(training.optimizer, 10)
    assert "scheduler" in held.set("lr", 0.3).data["note"]
    assert [entry.author for entry in training.session.journal] == ["me", "script"]


def test_what_the_script_exposes_is_a_hyperparameter(train: Callable[..., Any]) -> None:
    training = train()
    training.session.expose("dropout", training.model[1], "p", low=0, high=1)
    assert training.session.hyperparameters.set("dropout", 0.5).success
    assert training.model[1].p == 0.5
    assert "at most 1" in training.session.hyperparameters.set("dropout", 2).data


def test_metrics_added_live_come_back_when_the_next_run_asks(train: Callable[..., Any], tmp_path: Path) -> None:
    from bidviz_core.metrics.source import compile_metric

    first = train(name="again")
    first.session.metrics.add(compile_metric("grads.norm() * 2", name="live", every=3))
    first.run(3)
    first.session.close()
    plain = train(name="again")
    assert "live" not in plain.session.metrics
    plain.session.close()
    second = train(name="again", restore_metrics=True)
    assert (second.session.metrics["live"].code, second.session.metrics["live"].every) == ("grads.norm() * 2", 3)
    second.session.metrics.save(tmp_path / "set.json")
    third = train(name="other")
    third.session.metrics.load(tmp_path / "set.json")
    third.run(3)
    assert third.session.history("live").step.tolist() == [3]


def test_series_of_a_removed_metric_are_retired_until_it_comes_back(train: Callable[..., Any]) -> None:
    training = train()
    session = training.session
    session.metrics.add("1", name="m")
    training.run(2)
    session.metrics.remove("m")
    assert session.report.catalogue({}).retired == ["m"]
    session.metrics.add("2", name="m")
    training.run(1)
    assert session.report.catalogue({}).retired == []
    assert session.history("m").value.tolist() == [1, 1, 2]


def test_all_metrics_of_a_step_see_its_update(train: Callable[..., Any]) -> None:
    training = train(budget=None)
    for number in (1, 2, 5):
        training.session.metrics.add("updates.norm()", name=f"moved{number}", every=number)
    training.run(20)
    seen = {number: training.session.history(f"moved{number}") for number in (1, 2, 5)}
    found = {number: dict(zip(one.step.tolist(), one.value.tolist(), strict=True)) for number, one in seen.items()}
    assert sorted(found[5]) == [5, 10, 15, 20]
    assert sorted(found[2]) == list(range(2, 21, 2))
    assert sorted(found[1])[-19:] == list(range(2, 21))
    assert found[1][10] == found[2][10] == found[5][10] > 0
