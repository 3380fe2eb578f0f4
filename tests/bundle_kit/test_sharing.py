"""What lives in a session becomes a bundle that passes the check, whose tests pass and fail when they should."""

from __future__ import annotations

import json
import math
import shutil
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import bidviz_core as bidviz
from bidviz_core.description import FILE, PageFile, decode_description
from bidviz_core.errors import BidvizError
from bidviz_core.sharing.gathering import gather
from bidviz_core.sharing.naming import bundle_name
from bidviz_core.sharing.project import set_aside
from bidviz_core.specs import chart_from_dict
from bidviz_core.testing import CheckProcess, check_bundle

from .conftest import run_own_tests

#: Each of these runs checks and tests of whole bundles, which take their time on a busy machine.
pytestmark = pytest.mark.timeout(900)

FACTOR = 2.0
NAMES = {"a": (1, 2)}
DATA = torch.zeros(3)

TYPED_BODY = """x = grads.norm()
# half of what is large
if x > 1:
    x = x / 2
x * 2"""
TYPED_MODULE = '''from collections import deque

SPAN = 3


@bidviz.metric(every=5)
def loss_range(loss, state):
    """Between the least and the greatest of the last few losses."""
    recent = state.setdefault("recent", deque(maxlen=SPAN))
    recent.append(float(loss))
    return max(recent) - min(recent)
'''


@lru_cache
def roots(count: int) -> list[float]:
    return [math.sqrt(number) for number in range(count)]


def scaled(value: Any, by: float = FACTOR) -> Any:
    return value * by + roots(3)[1] - 1


class Shift:
    amount = 3


def closed(k: float) -> Any:
    def inner(grads):
        # a comment that stays
        return scaled(grads.norm()) * k + NAMES["a"][0] + Shift.amount - 4

    return inner


@bidviz.metric(every=5, chart=bidviz.Line(title="Mean weight", y_scale="log"))
def mean_weight(params):
    """Mean of the absolute weights (in their unit)."""
    return float(np.mean([float(tensor.float().abs().mean()) for tensor in params.tensors]))


@bidviz.policy(target="weight_decay", params={"rate": 0.5})
def decaying(step, base, rate):
    """Falls with the root of the step."""
    return base + scaled(rate) / math.sqrt(1 + step)


def test_an_evening_of_debugging_becomes_a_bundle(session: Any, tmp_path: Path) -> None:
    session.metrics.add("grads.norm()", name="typed norm")
    session.metrics.add(TYPED_BODY, name="typed_body", every=2)
    session.metrics.add(TYPED_MODULE, name="loss_range")
    session.metrics.add(closed(3.5), name="closed")
    session.metrics.add(mean_weight)
    session.metrics.add(lambda params: params.norm() * FACTOR, name="shown")
    session.metrics.add("bidviz.Histogram.of(params[list(params)[0]], 8)", name="weights")
    session.policies.add("lr", "0.01 * 0.5 ** (step / 1000)", low=1e-5)
    session.policies.add("weight_decay", decaying, parameters={"rate": 0.25})
    session.train(20)
    panels = (
        {"chart": {"kind": "Line", "series": ["loss", "gradnorm/norm/*"]}, "x": 0, "y": 0, "w": 4, "h": 3},
        {"chart": {"kind": "Line", "series": ["shown"]}, "x": 4, "y": 0, "w": 4, "h": 3},
    )
    told: list[str] = []
    shared = session.share(
        "evening",
        metrics=["typed norm", "typed_body", "loss_range", "closed", "mean_weight", "weights"],
        policies=["lr", "weight_decay"],
        page=PageFile(1, "My page", "Look here first.", ("*Linear",), panels),
        folder=tmp_path / "written",
        author="A. Person",
        licence="MIT",
        progress=told.append,
    )
    assert len(told) == 3
    assert shared.folder == tmp_path / "written" / "bidviz-metric-evening"
    package = shared.folder / "src" / "bidviz_metric_evening"
    # It passes as it comes, and so do its own tests.
    assert [one for one in shared.check if one["level"] == "finding"] == []
    own = run_own_tests(shared.folder)
    assert own.returncode == 0, own.stdout + own.stderr
    # What the page shows came with it: the metric of the script, and the bundle by its name.
    said = decode_description((package / FILE).read_bytes())
    assert [one.name for one in said.metrics][-1] == "shown"
    assert [(page.title, page.when) for page in said.pages] == [("My page", ("*Linear",))]
    project = (shared.folder / "pyproject.toml").read_text()
    assert '"bidviz-metric-gradnorm>=0.1.0"' in project
    # Charts are JSON, with help; cadences and titles are those of the session.
    charts = json.loads((package / "charts.json").read_text())
    assert chart_from_dict(charts["mean_weight"][0]).y_scale == "log"
    assert charts["weights"][0]["kind"] == "HistogramChart"
    # What was seen is told as that; nobody but the author says what is healthy, and the check asks for it.
    told_of_it = charts["typed norm"][0]["help"]
    assert "In the run 'evening', up to step 20, it lay between" in told_of_it
    assert told_of_it.endswith("Its author has not said yet what is healthy and sick.")
    asked = [one["about"] for one in shared.check if "does not say yet what is healthy and sick" in one["what"]]
    assert "typed norm, chart 'typed norm'" in asked
    assert {one.name: one.every for one in said.metrics} | {"typed_body": 2, "loss_range": 5, "mean_weight": 5} == {
        one.name: one.every for one in said.metrics
    }
    # Comments stay, a README shows a picture, the licence names its holder.
    assert "# a comment that stays" in (package / "metrics" / "closed.py").read_text()
    readme = (shared.folder / "README.md").read_text()
    [picture, *_] = [line[line.index("(") + 1 : -1] for line in readme.splitlines() if line.startswith("![")]
    assert (shared.folder / picture).stat().st_size > 200
    # What its author has yet to do is not for those who install it.
    assert "publish" not in readme
    to_do = (shared.folder / "PUBLISHING.md").read_text()
    assert to_do.index("pip install -e .") < to_do.index("python -m pytest tests")
    assert "bidviz bundle publish . --repository" in to_do
    assert "Without `--repository` it goes to PyPI" in to_do
    assert "A. Person" in (shared.folder / "LICENSE").read_text()
    # The tests fail when a value changes: of a metric …
    body = package / "metrics" / "typed_body.py"
    body.write_text(body.read_text().replace("x * 2", "x * 2.01"))
    # … and of a policy.
    policy = package / "policies" / "evening_lr.py"
    policy.write_text(policy.read_text().replace("0.5 **", "0.51 **"))
    own = run_own_tests(shared.folder)
    assert own.returncode == 1
    assert "test_a_metric_gives_what_it_gave[typed_body on mlp]" in own.stdout
    assert "test_a_policy_gives_what_it_gave[evening-lr]" in own.stdout
    assert "2 failed" in own.stdout


def test_the_shared_code_gives_what_the_session_gave(session: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """Loaded into the same run, each shared metric records the same numbers as the one that it came from."""
    session.metrics.add(closed(3.5), name="closed")
    session.metrics.add(TYPED_BODY, name="typed_body")
    session.train(3)
    shared = session.share("again", metrics=["closed", "typed_body"], folder=tmp_path / "written")
    for name in ("closed", "typed_body"):
        session.metrics.remove(name)
    site = tmp_path / "site"
    shutil.copytree(shared.folder / "src", site)
    monkeypatch.syspath_prepend(str(site))
    import bidviz_metric_again

    for metric in bidviz_metric_again.register_metrics():
        session.metrics.add(metric.with_(name=f"again/{metric.name}", every=1))
    session.metrics.add(closed(3.5), name="closed")
    session.metrics.add(TYPED_BODY, name="typed_body")
    session.train(4)
    for name in ("closed", "typed_body"):
        ours, theirs = session.history(f"again/{name}").value, session.history(name).value[-4:]
        assert len(ours) == 4
        assert ours.tolist() == theirs.tolist()
    for module in [name for name in sys.modules if name.startswith("bidviz_metric_again")]:
        del sys.modules[module]


def test_a_formula_alone_makes_a_policy_bundle_and_another_bundles_policy_stays_its_own(
    session: Any, tmp_path: Path
) -> None:
    session.policies.add("lr", session.policies.named("warmup", {"steps": 50}))
    session.policies.add("weight_decay", "0.1 * lr")
    session.train(3)
    curve = session.policies.preview("weight_decay", "0.1 * lr", 100)
    shared = session.share("evening", policies=["lr", "weight_decay"], folder=tmp_path)
    assert shared.folder.name == "bidviz-policy-evening"
    assert [one for one in shared.check if one["level"] == "finding"] == []
    assert '"bidviz-policy-schedules>=0.1.0"' in (shared.folder / "pyproject.toml").read_text()
    source = (shared.folder / "src" / "bidviz_policy_evening" / "policies" / "evening_weight_decay.py").read_text()
    scope: dict[str, Any] = {}
    exec(source, scope)
    again = session.policies.preview("weight_decay", scope["evening_weight_decay"], 100)
    assert again.value.tolist() == curve.value.tolist()


@bidviz.policy(target="lr", params={"rate": 0.5})
def halving(step, rate):
    """Falls by half and half."""
    return rate**step


def test_a_named_policy_is_shared_with_its_mode_and_bounds(session: Any, tmp_path: Path) -> None:
    session.policies.add("lr", halving, mode="scale", low=0.001, high=0.5)
    warmup = session.policies.named("warmup", {"steps": 50})
    session.policies.add("weight_decay", warmup, low=0.25, high=0.75)
    session.train(1)
    gathered = gather(session, bundle_name("bounded", "policy"), [], ["lr", "weight_decay"], None)
    for target, options in (("lr", {"mode": "scale", "low": 0.001, "high": 0.5}), ("weight_decay", {"low": 0.25})):
        armed = session.policies[target]
        curve = session.policies.preview(target, halving if target == "lr" else warmup, 60, **options)
        place, function = gathered.policies[f"bounded-{target.replace('_', '-')}"]
        scope: dict[str, Any] = {}
        exec(compile(gathered.modules[place], place, "exec"), scope)
        policy = scope[function]
        assert (policy.mode, policy.low, policy.high) == (armed.mode, armed.low, armed.high)
        again = session.policies.preview(target, policy, 60)
        assert again.value.tolist() == np.clip(curve.value, None, armed.high if target != "lr" else None).tolist()
        session.policies.add(target, policy)
        now = session.policies[target]
        assert (now.mode, now.low, now.high) == (armed.mode, armed.low, armed.high)
        # Whoever arms it may choose other bounds.
        session.policies.add(target, policy, low=0.3, high=0.4)
        assert (session.policies[target].low, session.policies[target].high) == (0.3, 0.4)


BUILT_IN = "Every run has the metric 'loss'"


@pytest.mark.parametrize(
    ("add", "name", "sentence"),
    [
        (lambda grads: grads.norm() * DATA.sum(), "tensor", "uses 'DATA', a Tensor of the script"),
        (None, "loss", BUILT_IN),
        (None, "gradnorm/norm", "comes from bidviz-metric-gradnorm 0.1.0, which others install"),
        (None, "nowhere", "There is no metric 'nowhere'"),
        (eval("lambda params: params.norm()"), "eval", "whose source|source of the metric 'eval' is not to be found"),
    ],
)
def test_what_cannot_be_shared_is_refused_with_the_reason(
    session: Any, tmp_path: Path, add: Any, name: str, sentence: str
) -> None:
    if add is not None:
        session.metrics.add(add, name=name)
    session.train(1)
    with pytest.raises(BidvizError, match=sentence):
        session.share("refused", metrics=[name], folder=tmp_path / "written")
    assert not (tmp_path / "written").exists()
    session.train(1)  # the training goes on


def test_nothing_to_share_and_a_folder_that_is_there_are_refused(session: Any, tmp_path: Path) -> None:
    with pytest.raises(BidvizError, match="There is nothing to share"):
        session.share("none")
    (tmp_path / "bidviz-metric-taken").mkdir()
    (tmp_path / "bidviz-metric-taken" / "mine").write_text("mine")
    session.metrics.add("grads.norm()", name="mine")
    with pytest.raises(BidvizError, match="is there already"):
        session.share("taken", metrics=["mine"], folder=tmp_path)
    assert (tmp_path / "bidviz-metric-taken" / "mine").read_text() == "mine"


def test_code_may_look_as_people_write_it(session: Any) -> None:
    """Text over several lines, two statements on a line, decorators of others, a docstring with quotes."""
    session.metrics.add('"""a\nb"""; x = 1; float(len("""a\n  b""")) * x', name="texts")
    session.metrics.add("torch.no_grad()(lambda: grads.norm())()", name="inline")
    session.train(2)
    gathered = gather(session, bundle_name("odd"), ["texts", "inline"], [], None)
    for name, (place, function) in gathered.metrics.items():
        scope: dict[str, Any] = {"charts_of": lambda metric: []}
        exec(compile(gathered.modules[place], place, "exec"), scope)
        metric = scope[function]
        assert metric.name == name
        session.metrics.add(metric.with_(name=f"again/{name}"))
    session.train(2)
    for name in gathered.metrics:
        assert session.history(f"again/{name}").value.tolist() == session.history(name).value[-2:].tolist()


def test_from_a_page_the_command_writes_the_same(session: Any, tmp_path: Path, check_process: CheckProcess) -> None:
    """`shareBundle` as the page asks for it, carried out while the training goes on."""
    from bidviz_core.default_plugins.commands_sharing import share_bundle
    from bidviz_core.messages.commands import OUT_OF_BAND, RIGHTS, ShareBundle, decode_order

    assert ShareBundle in OUT_OF_BAND
    assert RIGHTS[ShareBundle] == "code"
    session.metrics.add("grads.norm()", name="mine")
    session.train(2)
    content = {"run": session.id, "name": "mine", "metrics": ["mine"], "folder": str(tmp_path / "written")}
    command = {"methodName": "shareBundle", "content": content}
    order = decode_order(json.dumps({"id": 7, "author": "person", "right": "code", "command": command}))
    reply = share_bundle(session, order)
    assert reply.success
    assert reply.data["folder"] == str(tmp_path / "written" / "bidviz-metric-mine")
    assert {"README.md", "tests/test_recorded.py", "src/bidviz_metric_mine/charts.json"} <= set(reply.data["files"])
    assert [one for one in reply.data["check"] if one["level"] == "finding"] == []
    assert list(session.journal)[-1].action == "shareBundle"
    [note] = check_bundle(tmp_path / "written" / "bidviz-metric-mine", process=check_process).findings
    assert (note.level, note.what) == ("note", "its help does not say yet what is healthy and sick.")


def test_what_failed_from_a_page_is_in_the_journal_too(session: Any, tmp_path: Path) -> None:
    from bidviz_core.default_plugins.commands_sharing import share_bundle
    from bidviz_core.messages.commands import decode_order

    session.metrics.add("grads.norm()", name="mine")
    session.train(2)
    (tmp_path / "file").write_text("no folder")
    content = {"run": session.id, "name": "mine", "metrics": ["mine"], "folder": str(tmp_path / "file")}
    command = {"methodName": "shareBundle", "content": content}
    order = decode_order(json.dumps({"id": 7, "author": "person", "right": "code", "command": command}))
    with pytest.raises(BidvizError) as raised:
        share_bundle(session, order)
    last = list(session.journal)[-1]
    assert (last.action, last.success, last.summary) == ("shareBundle", False, str(raised.value))
    assert last.detail["name"] == "bidviz-metric-mine"


def test_a_bundle_that_is_there_is_put_aside_and_nothing_else_is(tmp_path: Path) -> None:
    place = tmp_path / "bidviz-metric-x"
    assert set_aside(place, place.name) is None
    place.mkdir()
    assert set_aside(place, place.name) is None
    (place / "notes.txt").write_text("mine")
    with pytest.raises(BidvizError, match="holds no bundle bidviz-metric-x, and is left as it is"):
        set_aside(place, place.name)
    (place / "pyproject.toml").write_text('[project]\nname = "bidviz-metric-y"\n')
    with pytest.raises(BidvizError, match="left as it is"):
        set_aside(place, place.name)
    assert (place / "notes.txt").read_text() == "mine"
    for number in (1, 2):
        place.mkdir(exist_ok=True)
        (place / "pyproject.toml").write_text('[project]\nname = "bidviz-metric-x"\n')
        (place / "notes.txt").write_text(str(number))
        assert set_aside(place, place.name) == tmp_path / f"bidviz-metric-x.{number}"
        assert not place.exists()
    assert (tmp_path / "bidviz-metric-x.1" / "notes.txt").read_text() == "1"
