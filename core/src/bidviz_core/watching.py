"""`watch`: the one line in a training script."""

from __future__ import annotations

import atexit
import dataclasses
import os
import platform
import re
import sys
import threading
import time
import uuid
import weakref
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from bidviz_core import children
from bidviz_core.errors import BidvizError, WatchError
from bidviz_core.inert import InertSession
from bidviz_core.learners.plain_learner import PlainLearner
from bidviz_core.messages.notifications import RunInfo
from bidviz_core.metrics.collection import LIVE_FILE
from bidviz_core.notices import notice
from bidviz_core.plugins.host import NothingFits
from bidviz_core.session import Session

_sessions: weakref.WeakValueDictionary[int, Session] = weakref.WeakValueDictionary()
_open: set[Session] = set()
_said_why_not: set[str] = set()
_lock = threading.Lock()


def watch(
    model: Any = None,
    optimizer: Any = None,
    *,
    loss_fn: Any = None,
    schedulers: Any = (),
    name: str | None = None,
    config: Any = None,
    metrics: Iterable[Any] = (),
    plugins: Literal["installed"] | Iterable[Any] = "installed",
    run_dir: str | os.PathLike[str] = "bidviz-runs",
    dashboard: str | None = "auto",
    allow_code: bool = True,
    paused: bool = False,
    budget: float | None = 0.05,
    restore_metrics: bool = False,
    resume: str | os.PathLike[str] | None = None,
) -> Session:
    """Watches a training from here on; the loop stays as it is.

    Args:
        model: the model (a `torch.nn.Module`, compiled or not), or any object when the script calls
            `session.step_done` itself.
        optimizer: one `torch.optim.Optimizer`, or a sequence whose first is the clock.
        loss_fn: the loss module, where targets cannot be found otherwise.
        schedulers: learning-rate schedulers; found by themselves where they are left out.
        name: the run's name; the script's by default.
        config: a mapping or dataclass that is kept with the run.
        metrics: functions, `Metric`s, or mappings of names to typed code, beside the built-in ones.
        plugins: `"installed"` for every installed bundle, or names of those to load and plugins themselves
            (objects with hooks, such as `bidviz.replay(path)`).
        run_dir: where the run's own folder is made.
        dashboard: `"auto"`, a URL, or none to run without.
        allow_code: whether the session takes code from the browser at all.
        paused: wait at the first step boundary for the user.
        budget: the share of the step time that one metric may take before it is run more seldom; none for no limit.
        resume: the file of a checkpoint to go on from: model and optimizers have its state when this returns, and with
            `session.batches` the position in the data and the random states are taken up when the loop begins.
        restore_metrics: bring back the metrics that were added live in the last run of this name.

    Returns:
        The session. In DataLoader workers, spawned children and ranks above 0 it is an inert one.

    Raises:
        WatchError: the model or the optimizer is nothing that can be watched, with what to do.
        MetricError: one of `metrics` is wrong.
        CommandError: the checkpoint to resume from is damaged, or from another model.
    """
    reason = children.why_not()
    if reason:
        if reason not in _said_why_not:
            _said_why_not.add(reason)
            notice(f"watch does nothing here: {reason}.")
        return cast(Session, InertSession(reason))
    optimizers = _optimizers(optimizer)
    torch_model = _check_model(model, optimizers)
    _close_former(optimizers, model)
    info = _run_info(name, config, Path(run_dir), allow_code)
    former = _former_live_metrics(Path(run_dir), info) if restore_metrics else None
    endpoint, make_link = _connect(dashboard, Path(run_dir), info)
    session = Session(
        info,
        lambda session: _make_learner(
            session, model if torch_model or not optimizers else None, model, optimizers, loss_fn
        ),
        endpoint=endpoint,
        make_link=make_link,
        random_guard=_random_guard(),
        model_guard=_model_guard(model if torch_model else None),
        budget=budget,
        no_steering=children.why_no_steering(),
    )
    try:
        _fill(session, None if torch_model or optimizers else model, metrics, plugins, former)
        session.checkpoints.companions.give(_schedulers(schedulers))
    except BaseException:
        session.learner.detach()
        raise
    session.hyperparameters.holding.schedulers.given = _schedulers(schedulers)
    session.boundary.pause_wanted = paused
    session.boundary.paused_by = "script" if paused else ""
    with _lock:
        _open.add(session)
        for key in _keys(optimizers, model):
            _sessions[key] = session
    session.start()
    if resume is not None:
        try:
            session.checkpoints.restore(os.fspath(resume))
        except BaseException as error:
            session.close(error)
            raise
    if session.url:
        print(f"BIDViz: {info.name} at {session.url}", file=sys.stderr, flush=True)
    return session


def _fill(session: Session, learner: Any, metrics: Iterable[Any], plugins: Any, former: Path | None) -> None:
    given: list[Any] = [plugins] if isinstance(plugins, str) else list(plugins or ())
    names = [one for one in given if isinstance(one, str)]
    session.load_plugins("installed" if names == ["installed"] else names)
    for number, one in enumerate(one for one in given if not isinstance(one, str)):
        try:
            session.plugins.register(one, name=f"{getattr(one, '__name__', type(one).__name__)}-{number + 1}")
        except NothingFits as error:  # no reason to keep a training from its start
            notice(str(error))
    if learner is not None:
        _adapt(session, learner)
    items = metrics.items() if isinstance(metrics, Mapping) else [(None, one) for one in metrics]
    for key, one in items:
        session.metrics.add(one, name=key)
    if former is not None:
        loaded, refused = session.metrics.load(former)
        for name, why in refused.items():
            notice(f"the metric {name!r} of the last run does not come back: {why}")
        if loaded:
            session.journal.add(0, "script", "restoreMetrics", f"brought back: {', '.join(loaded)}", {"names": loaded})


def _adapt(session: Session, learner: Any) -> None:
    """Attaches to a learner that some plugin knows, or says that its script tells of its steps, which is no trouble."""
    known = session.plugins.learners
    for kind in type(learner).__mro__:
        adapter = known.get(f"{kind.__module__}.{kind.__qualname__}")
        if adapter is not None:
            adapter(session, learner)
            return
    others = f" (installed bundles watch {', '.join(known)} by themselves)" if known else ""
    notice(
        f"the steps of this {type(learner).__name__} are those that the script tells with session.step_done(loss=…)"
        f"{others}."
    )


def _optimizers(optimizer: Any) -> tuple[Any, ...]:
    if optimizer is None:
        return ()
    optimizers = tuple(optimizer) if isinstance(optimizer, (list, tuple)) else (optimizer,)
    import torch

    for one in optimizers:
        if not isinstance(one, torch.optim.Optimizer):
            raise WatchError(
                f"watch expects a torch.optim.Optimizer (or several), got {type(one).__name__}. For a learner without "
                "one, leave it out and call session.step_done() after each update."
            )
    return optimizers


def _schedulers(schedulers: Any) -> tuple[Any, ...]:
    given = schedulers if isinstance(schedulers, (list, tuple)) else (schedulers,)
    return tuple(one for one in given if one is not None)


def _check_model(model: Any, optimizers: Sequence[Any]) -> bool:
    torch = sys.modules.get("torch")
    is_module = torch is not None and isinstance(model, torch.nn.Module)
    if optimizers and model is not None and not is_module:
        raise WatchError(
            f"watch expects a torch.nn.Module beside an optimizer, got {type(model).__name__}: watch(model, optimizer)."
        )
    return is_module


def _make_learner(session: Session, plain: Any, model: Any, optimizers: Sequence[Any], loss_fn: Any) -> Any:
    torch = sys.modules.get("torch")
    if optimizers or (torch is not None and isinstance(model, torch.nn.Module)):
        from bidviz_core.learners.torch_learner import TorchLearner

        return TorchLearner(model, optimizers, loss_fn, session.before_update)
    return PlainLearner(plain)


def _run_info(name: str | None, config: Any, run_dir: Path, allow_code: bool) -> RunInfo:
    script = Path(sys.argv[0]).stem if sys.argv and sys.argv[0] not in ("", "-c", "-m") else ""
    if script == "__main__":  # python -m package
        script = Path(sys.argv[0]).parent.name
    if "ipykernel" in sys.modules or not script:
        script = "notebook" if "ipykernel" in sys.modules else "run"
    chosen = name or script
    run_id = uuid.uuid4().hex[:8]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", chosen).strip("-.") or "run"
    folder = run_dir.absolute() / f"{plain[:60]}-{time.strftime('%Y%m%d-%H%M%S')}-{run_id}"
    from bidviz_core import __version__

    versions = {"bidviz-core": __version__, "python": platform.python_version()}
    if "torch" in sys.modules:
        versions["torch"] = str(sys.modules["torch"].__version__)
    return RunInfo(
        id=run_id,
        name=chosen,
        folder=str(folder),
        started=time.time(),
        pid=os.getpid(),
        host=platform.node(),
        program=script,
        allow_code=allow_code,
        config=_config(config),
        versions=versions,
    )


def _config(config: Any) -> dict[str, Any]:
    if config is None:
        return {}
    if dataclasses.is_dataclass(config) and not isinstance(config, type):
        config = dataclasses.asdict(config)
    elif not isinstance(config, Mapping):
        config = vars(config) if hasattr(config, "__dict__") else {"config": config}
    return {str(key): _plain(value) for key, value in config.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, (str, bool, int, float, type(None))):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return str(value)


def _connect(dashboard: str | None, run_dir: Path, info: RunInfo) -> tuple[Any, Any]:
    if dashboard is None:
        return None, None
    from bidviz_core.launch import find_or_start

    endpoint, sentence = find_or_start(dashboard, run_dir.absolute())
    if sentence:
        notice(sentence)
    if endpoint is None:
        return None, None
    from bidviz_core.link import Link

    return endpoint, lambda greeting, on_order: Link(endpoint, info, greeting, on_order)


def _random_guard() -> Any:
    from bidviz_core.guards import RandomGuard

    return RandomGuard()


def _model_guard(model: Any) -> Any:
    if model is None:
        return None
    from bidviz_core.guards import ModelGuard

    return ModelGuard(model)


def _keys(optimizers: Sequence[Any], model: Any) -> list[int]:
    return [id(one) for one in (optimizers or (model,)) if one is not None]


def _close_former(optimizers: Sequence[Any], model: Any) -> None:
    with _lock:
        former = {_sessions[key] for key in _keys(optimizers, model) if key in _sessions}
    for session in former:
        if not session.closed:
            name = session.name
            notice(f"this optimizer was watched already by {name!r}; that run is closed and a new one begins.")
            session.close()


def _former_live_metrics(run_dir: Path, info: RunInfo) -> Path | None:
    prefix = Path(info.folder).name.rsplit("-", 3)[0]
    found = [path for path in run_dir.glob(f"{prefix}-*/{LIVE_FILE}") if path.parent.name.rsplit("-", 3)[0] == prefix]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def _end_all() -> None:
    """At the interpreter's end: a run that was not closed has ended, or failed if an exception got out."""
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    if "ipykernel" in sys.modules:
        error = None  # a cell that failed hours ago is not what ended the kernel
    for session in list(_open):
        if session.info.pid != os.getpid():
            continue  # a forked child ends; the run goes on in its parent
        try:
            session.close(error)
        except BidvizError as problem:
            notice(f"the run {session.name!r} could not be closed well: {problem}")


atexit.register(_end_all)
