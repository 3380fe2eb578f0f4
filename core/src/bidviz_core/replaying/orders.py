"""How each kind of entry is done again: as the command it once was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bidviz_core.errors import BidvizError
from bidviz_core.messages.commands import (
    EvaluateCommand,
    Method,
    ModifyParam,
    Order,
    ReleaseHyperparameter,
    SetHyperparameter,
)
from bidviz_core.messages.contents import EvaluateCommandContent, KeyValue
from bidviz_core.messages.notifications import Entry
from bidviz_core.messages.steering import NameContent, SetHyperparameterContent
from bidviz_core.replaying.file import ReplayEntry

if TYPE_CHECKING:
    from bidviz_core.session import Session

#: Kinds that change what is computed; of the others nothing is done again.
_DONE_AGAIN = frozenset({"hyperparameters", "policies", "model"})


#: Of those kinds, what only says what is to come, or that something stays: it took hold in an entry of its own.
_NOTHING_DONE = frozenset({"keepChange", "scheduleHyperparameter", "overwritten"})


class CannotReplay(Exception):
    """An entry does not fit this run; the text says why."""


def to_skip(entry: ReplayEntry, *, console: bool, metrics: bool, script: bool) -> bool:
    """Whether an entry is no business of this replay."""
    if entry.author == "script" and not script:
        return True
    if entry.kind == "console":
        return not console
    if entry.kind == "metrics":
        return not metrics or entry.action not in _METRICS
    if entry.action == "skipUpdate":
        return False
    return entry.kind not in _DONE_AGAIN or entry.action in _NOTHING_DONE


def policy_mode(entry: ReplayEntry) -> tuple[str, str] | None:
    """The target and the mode of a policy that was armed; none for any other entry."""
    if entry.action != "armPolicy":
        return None
    return str(entry.detail.get("target", "")), str(entry.detail.get("mode") or "override")


def ends_policy(entry: ReplayEntry) -> str:
    """The target whose policy was taken away; else empty. One that failed leaves its last value in force."""
    return str(entry.detail.get("target", "")) if entry.action == "disarmPolicy" else ""


def same_thing(entry: ReplayEntry, other: Entry) -> bool:
    """Whether an entry of this run did what one of the file's did."""
    keys = ("name", "value", "action", "pattern", "target", "formula")
    return entry.action == other.action and all(entry.detail.get(key) == other.detail.get(key) for key in keys)


def carry_out(session: Session, entry: ReplayEntry, numbers: dict[int, int]) -> None:
    """Does an entry again.

    Args:
        session: the session of this run.
        entry: the entry.
        numbers: the numbers that changes of the model have in this run, by those they had; added to.

    Raises:
        CannotReplay: it does not fit this run.
    """
    work = _WORK.get(entry.action)
    if work is None:
        raise CannotReplay(f"this bidviz-core does not know how to do {entry.action!r} again.")
    try:
        work(session, entry, numbers)
    except KeyError as error:
        raise CannotReplay(f"its detail has no {error}; the file was changed.") from None


def _set(session: Session, entry: ReplayEntry, numbers: dict[int, int]) -> None:
    detail = entry.detail
    mode: Any = detail.get("mode") or "override"
    name, value = str(detail["name"]), detail["value"]
    if mode == "override" and entry.action == "modifyParam":
        _order(session, entry, ModifyParam([KeyValue(name, value)]))
    else:
        reason = str(detail.get("reason") or "")
        _order(session, entry, SetHyperparameter(SetHyperparameterContent(name, value, mode, reason=reason)))


def _propose(session: Session, entry: ReplayEntry, numbers: dict[int, int]) -> None:
    """What a plugin proposed is held as a policy's value: a person's stands over it."""
    try:
        name = str(entry.detail["name"])
        if session.hyperparameters.owner(name) != "person":
            session.hyperparameters.hold(name, entry.detail["value"], author=entry.author)
    except BidvizError as error:
        raise CannotReplay(str(error)) from None


def _release(session: Session, entry: ReplayEntry, numbers: dict[int, int]) -> None:
    _order(session, entry, ReleaseHyperparameter(NameContent(name=str(entry.detail["name"]))))


def _change_model(session: Session, entry: ReplayEntry, numbers: dict[int, int]) -> None:
    detail = entry.detail
    _same_model(session, detail)
    reply = session.model_changes.apply(
        detail["action"], detail["pattern"], detail.get("value"), detail.get("seed"), entry.author
    )
    if not reply.success:
        raise CannotReplay(str(reply.data))
    numbers[entry.number] = reply.data["number"]
    if reply.data["names"] != detail["names"]:
        raise CannotReplay(
            f"{detail['pattern']} meant {', '.join(detail['names'])} and means {', '.join(reply.data['names'])} here, "
            "which was changed: this is another model."
        )


def _same_model(session: Session, detail: Mapping[str, Any]) -> None:
    try:
        present = {one["name"]: one["shape"] for one in session.model_changes.parameters()}
    except BidvizError as error:
        raise CannotReplay(str(error)) from None
    for name, shape in zip(detail["names"], detail["shapes"], strict=True):
        if name not in present:
            raise CannotReplay(f"there is no {name} here: this is another model.")
        if present[name] != shape:
            here, there = tuple(present[name]), tuple(shape)
            raise CannotReplay(f"{name} is {here} here and was {there} there: this is another model.")


def _undo(session: Session, entry: ReplayEntry, numbers: dict[int, int]) -> None:
    number = numbers.get(entry.detail["number"])
    if number is None:
        raise CannotReplay(f"the change it undoes, entry {entry.detail['number']}, was not done here.")
    reply = session.model_changes.undo(number, entry.author)
    if not reply.success:
        raise CannotReplay(str(reply.data))


def _skip_update(session: Session, entry: ReplayEntry, numbers: dict[int, int]) -> None:
    session.learner.drop_gradients()


def _console(session: Session, entry: ReplayEntry, numbers: dict[int, int]) -> None:
    try:
        _order(session, entry, EvaluateCommand(EvaluateCommandContent(code=entry.detail["code"])))
    except CannotReplay:
        if entry.success:  # else it raised back then, too
            raise


def _metric(session: Session, entry: ReplayEntry, numbers: dict[int, int]) -> None:
    detail = entry.detail
    name = str(detail["name"])
    try:
        if name in session.metrics:
            session.metrics.remove(name)
        if entry.action != "removeMetric":
            every, where = int(detail.get("every", 1)), detail.get("where", "training")
            session.metrics.add(detail["code"], name=name, every=every, where=where)
    except BidvizError as error:
        raise CannotReplay(str(error)) from None


def _order(session: Session, entry: ReplayEntry, command: Method) -> None:
    order = Order(id=0, author=entry.author, right="code", command=command)  # type: ignore[arg-type]
    reply = session.dispatcher.carry_out(order)
    if not reply.success:
        raise CannotReplay(str(reply.data))


_Work = Callable[["Session", ReplayEntry, "dict[int, int]"], None]

_METRICS: Mapping[str, _Work] = dict.fromkeys(("addFunction", "addMetric", "replaceMetric", "removeMetric"), _metric)
_WORK: Mapping[str, _Work] = {
    "modifyParam": _set,
    "setHyperparameter": _set,
    "proposeHyperparameters": _propose,
    "releaseHyperparameter": _release,
    "changeModel": _change_model,
    "undoModelChange": _undo,
    "skipUpdate": _skip_update,
    "evaluateCommand": _console,
    **_METRICS,
}
