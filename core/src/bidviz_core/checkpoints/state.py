"""The whole state of a session's training: taken as one tree, checked against the living training, and put back."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from bidviz_core.checkpoints.holds import (
    held_state,
    let_go_all,
    put_back_holds,
    put_back_values,
    settable_values,
)
from bidviz_core.control.kept_changes import changes_state, put_back_changes
from bidviz_core.errors import CommandError
from bidviz_core.looping.randomness import put_back_states, take_states

if TYPE_CHECKING:
    from bidviz_core.checkpoints.collection import Checkpoints
    from bidviz_core.session import Session

VERSION = 1


def collect(session: Session, checkpoints: Checkpoints) -> dict[str, Any]:
    """The state as it is now; its tensors are the living ones, to be copied before the training goes on.

    Raises:
        CommandError: nothing is known of this training that could be kept.
    """
    learner = session.learner
    loop = session.control.loop
    state: dict[str, Any] = {
        "version": VERSION,
        "step": session.step,
        "epoch": session.epoch,
        "optimizers": [],
        "model": None,
        "schedulers": [_named(one) for one in checkpoints.companions.schedulers()],
        "scalers": [one.state_dict() for one in checkpoints.companions.scalers()],
        "included": {name: get() for name, (get, _) in checkpoints.included.items()},
        "metrics": _metrics(session),
        "series": session.engine.series.state(),
        "holds": held_state(session),
        "changes": changes_state(session),
        "exposed": settable_values(session),
        "policies": session.policies.state(),
        "position": loop.place() if loop is not None else None,
        "random": take_states(loop.feed.own_generators if loop is not None else ()),
    }
    if learner.optimizers or _is_module(learner.model):
        from bidviz_core.checkpoints import torch_state

        state["model"] = torch_state.model_state(learner.model)
        state["optimizers"] = [torch_state.optimizer_state(one) for one in learner.optimizers]
    elif hasattr(learner.model, "state_dict"):
        state["model"] = learner.model.state_dict()
    elif not checkpoints.included:
        raise CommandError(
            "Nothing is known of this learner's state. Give it with session.checkpoints.include(name, object), where "
            "the object has state_dict and load_state_dict, or with include(name, get, set)."
        )
    return state


def check(session: Session, checkpoints: Checkpoints, state: dict[str, Any], partly: bool = False) -> None:
    """Refuses a state that does not fit the living training, before anything is changed.

    Args:
        session: the session.
        checkpoints: its checkpoints.
        state: what `collect` gave.
        partly: the script is still being set up: schedulers may come later.

    Raises:
        CommandError: naming the first difference.
    """
    if state.get("version") != VERSION:
        raise CommandError(f"The checkpoint is of version {state.get('version')}; this bidviz-core reads {VERSION}.")
    learner = session.learner
    if len(learner.optimizers) != len(state["optimizers"]):
        raise CommandError(
            f"The checkpoint has {len(state['optimizers'])} optimizers, the script {len(learner.optimizers)}. "
            "Nothing was changed."
        )
    if learner.optimizers or _is_module(learner.model):
        from bidviz_core.checkpoints import torch_state

        torch_state.check_model(learner.model, state["model"])
        for optimizer, kept in zip(learner.optimizers, state["optimizers"], strict=True):
            torch_state.check_optimizer(optimizer, kept)
    missing = state["included"].keys() - checkpoints.included.keys()
    if missing and not partly:
        raise CommandError(
            f"The checkpoint holds {', '.join(sorted(missing))}: include the same with session.checkpoints.include. "
            "Nothing was changed."
        )
    present = [type(one).__name__ for one in checkpoints.companions.schedulers()]
    kept_names = [one["kind"] for one in state["schedulers"]]
    if present != kept_names and not partly:
        raise CommandError(
            f"The checkpoint has the schedulers {', '.join(kept_names) or 'none'}, the script has "
            f"{', '.join(present) or 'none'}: give them in the same order with watch(schedulers=…). "
            "Nothing was changed."
        )


def put_back(session: Session, checkpoints: Checkpoints, state: dict[str, Any], partly: bool = False) -> None:
    """Puts a state that was checked back into the living training, the random states last."""
    learner = session.learner
    let_go_all(session)
    if learner.optimizers or _is_module(learner.model):
        from bidviz_core.checkpoints import torch_state

        if learner.model is not None:
            torch_state.put_back_model(learner.model, state["model"])
            learner.renew()
        for optimizer, kept in zip(learner.optimizers, state["optimizers"], strict=True):
            torch_state.put_back_optimizer(optimizer, kept)
    elif hasattr(learner.model, "load_state_dict"):
        learner.model.load_state_dict(owned(state["model"]))
    _put_back_companions(checkpoints, state, strict=not partly)
    _put_back_metrics(session, state["metrics"])
    session.engine.series.load_state(state["series"])
    session.count_from(state["step"], state["epoch"])
    put_back_values(session, state["exposed"])
    put_back_holds(session, owned(state["holds"]))
    put_back_changes(session, state.get("changes", {"leases": [], "to_come": []}))
    session.policies.restore(owned(state["policies"]))
    loop = session.control.loop
    put_back_states(state["random"], loop.feed.own_generators if loop is not None else ())


def put_back_rest(session: Session, checkpoints: Checkpoints, state: dict[str, Any]) -> None:
    """Puts back what the script has made, or used up, since `put_back`: schedulers, scalers, random states.

    What was changed in between, by a person or a replay, stays: weights, and whatever is held.
    """
    if session.learner.optimizers:
        from bidviz_core.checkpoints import torch_state

        # A scheduler writes into the groups when it is made.
        for optimizer, kept in zip(session.learner.optimizers, state["optimizers"], strict=True):
            torch_state.put_back_groups(optimizer, kept)
    _put_back_companions(checkpoints, state, strict=True)
    loop = session.control.loop
    put_back_states(state["random"], loop.feed.own_generators if loop is not None else ())


def _put_back_companions(checkpoints: Checkpoints, state: dict[str, Any], strict: bool) -> None:
    for scheduler, kept in zip(checkpoints.companions.schedulers(), state["schedulers"], strict=strict):
        scheduler.load_state_dict(owned(kept["state"]))
    for scaler, kept in zip(checkpoints.companions.scalers(), state["scalers"], strict=False):
        scaler.load_state_dict(owned(kept))
    for name, (_, put) in checkpoints.included.items():
        if name in state["included"]:
            put(owned(state["included"][name]))


def _named(scheduler: Any) -> dict[str, Any]:
    return {"kind": type(scheduler).__name__, "state": scheduler.state_dict()}


def _metrics(session: Session) -> dict[str, bytes]:
    """Each metric's own state, where it can be kept; one that cannot begins anew after a restore."""
    kept = {}
    for name, slot in list(session.engine.slots.items()):
        if slot.state:
            try:
                kept[name] = pickle.dumps(slot.state, pickle.HIGHEST_PROTOCOL)
            except Exception:  # noqa: BLE001 - whatever a person keeps there
                continue
    return kept


def _put_back_metrics(session: Session, kept: dict[str, bytes]) -> None:
    for name, slot in list(session.engine.slots.items()):
        if name in kept or slot.state:
            slot.state.clear()
        if name in kept:
            slot.state.update(pickle.loads(kept[name]))


def owned(value: Any) -> Any:
    """The same in memory of its own: torch reads some states wrongly where they are a part of a larger piece."""
    import sys

    if "torch" not in sys.modules:
        return value
    from bidviz_core.checkpoints.torch_state import own_copy

    return own_copy(value)


def _is_module(model: Any) -> bool:
    import sys

    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)
