"""What a person has changed of the rules: thresholds, actions, and which are on."""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from bidviz_core.errors import CommandError
from bidviz_metric_health.rules import RULES, Rule

if TYPE_CHECKING:
    from bidviz_core.session import Session

ACTIONS = ("", "notify", "pause", "checkpoint", "roll back")

#: By rule, what differs from its defaults; of the whole process. Replaced as a whole, so that it can be read anywhere.
_changed: dict[str, dict[str, Any]] = {}


def configure(**rules: dict[str, Any] | bool) -> None:
    """Changes rules, now and for the rest of this process: `configure(DeadRelu={"share": 0.8, "action": "pause"})`.

    Args:
        **rules: by the rule's name `False` to turn it off, `True` to turn it on, or a mapping of thresholds, and of
            `action`: `""`, `"notify"` (a line at the terminal), `"pause"`, `"checkpoint"` or `"roll back"`.

    Raises:
        CommandError: there is no such rule, threshold or action, or a value is no positive number; nothing is changed.
    """
    global _changed
    new = {name: dict(values) for name, values in _changed.items()}
    for name, given in rules.items():
        rule = _rule(name)
        values = new.setdefault(name, {})
        for key, value in ({"on": given} if isinstance(given, bool) else given).items():
            values[key] = _checked(rule, key, value)
    _changed = new


def reset() -> None:
    """Everything is as the rules say."""
    global _changed
    _changed = {}


def settings_of(name: str) -> dict[str, Any]:
    """What holds for a rule now: its thresholds, `action` and `on`.

    Raises:
        CommandError: there is no such rule.
    """
    rule = _rule(name)
    defaults = {key: threshold.default for key, threshold in rule.thresholds.items()}
    return {"action": "", "on": rule.on, **defaults, **_changed.get(name, {})}


def threshold(name: str, key: str) -> float:
    """A threshold as it is now."""
    value = _changed.get(name, {}).get(key)
    return RULES[name].thresholds[key].default if value is None else float(value)


def is_on(name: str) -> bool:
    """Whether a rule is on."""
    return bool(_changed.get(name, {}).get("on", RULES[name].on))


def action_of(name: str) -> str:
    """What is done when a rule fires."""
    return str(_changed.get(name, {}).get("action", ""))


def expose(session: Session, *names: str) -> None:
    """Makes thresholds hyperparameters of a session, `health/DeadRelu/share`, to be turned on its page.

    Args:
        session: the session.
        *names: the rules; all, if none is named.

    Raises:
        CommandError: there is no such rule.
    """
    for name in names or RULES:
        for key in _rule(name).thresholds:
            session.expose(f"health/{name}/{key}", _getter(name, key), _setter(name, key), low=0.0)


def _getter(name: str, key: str) -> Any:
    return lambda: threshold(name, key)


def _setter(name: str, key: str) -> Any:
    return lambda value: configure(**{name: {key: value}})


def _rule(name: str) -> Rule:
    rule = RULES.get(name)
    if rule is None:
        near = get_close_matches(name, RULES, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(RULES)}."
        raise CommandError(f"There is no rule {name!r}; {hint}")
    return rule


def _checked(rule: Rule, key: str, value: Any) -> Any:
    if key == "on":
        return bool(value)
    if key == "action":
        if value not in ACTIONS:
            actions = ", ".join(map(repr, ACTIONS))
            raise CommandError(f"{rule.name} got the action {value!r}; expected one of {actions}.")
        return value
    if key not in rule.thresholds:
        known = ", ".join((*rule.thresholds, "action", "on"))
        raise CommandError(f"The rule {rule.name} has no {key!r}; it has {known}.")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not (0 <= value < math.inf):
        raise CommandError(f"{rule.name} got {key}={value!r}; expected a number from 0.")
    return float(value)
