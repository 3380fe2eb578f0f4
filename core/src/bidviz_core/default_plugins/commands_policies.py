"""Policies from the browser: arm, preview and disarm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bidviz_core.control.reply import Reply
from bidviz_core.errors import CommandError, FormulaError
from bidviz_core.hookspecs import hookimpl
from bidviz_core.messages.commands import ArmPolicy, DisarmPolicy, DryRunPolicy, Method, Order, PreviewPolicy

if TYPE_CHECKING:
    from bidviz_core.messages.steering import PolicyContent
    from bidviz_core.policies.definition import Policy
    from bidviz_core.session import Session


def arm_policy(session: Session, order: Order) -> Reply:
    """Arms a formula or a named policy."""
    assert isinstance(order.command, ArmPolicy)
    content = order.command.content
    try:
        info = session.policies.add(
            content.target,
            _given(session, content),
            mode=content.mode,
            low=content.low,
            high=content.high,
            author=order.author,
            release=content.release,
        )
    except CommandError as error:
        return _refused(error)
    return Reply(True, info, session.step)


def preview_policy(session: Session, order: Order) -> Reply:
    """The curve over the coming steps; nothing is armed."""
    assert isinstance(order.command, PreviewPolicy)
    content = order.command.content
    try:
        curve = session.policies.preview(
            content.target,
            _given(session, content),
            content.steps,
            mode=content.mode,
            low=content.low,
            high=content.high,
        )
    except CommandError as error:
        return _refused(error)
    return Reply(True, curve.columns())


def dry_run_policy(session: Session, order: Order) -> Reply:
    """A named policy over the recorded history: the dashboard answers for formulas, but has no code of bundles."""
    assert isinstance(order.command, DryRunPolicy)
    content = order.command.content
    try:
        curve = session.policies.dry_run(
            content.target, _given(session, content), mode=content.mode, low=content.low, high=content.high
        )
    except CommandError as error:
        return _refused(error)
    return Reply(True, curve.columns())


def disarm_policy(session: Session, order: Order) -> Reply:
    """Disarms the policy of a target."""
    assert isinstance(order.command, DisarmPolicy)
    session.policies.remove(order.command.content.name, author=order.author)
    return Reply(True, "", session.step)


def _given(session: Session, content: PolicyContent) -> str | Policy:
    if content.policy and content.formula:
        raise FormulaError("Either a formula or a named policy is expected, got both: leave one of them empty.")
    return session.policies.named(content.policy, content.parameters) if content.policy else content.formula


def _refused(error: CommandError) -> Reply:
    detail: dict[str, Any] = {"message": str(error), "column": getattr(error, "column", None)}
    return Reply(False, detail)


@hookimpl
def register_commands() -> dict[type[Method], Any]:
    """The handlers of this module."""
    return {
        ArmPolicy: arm_policy,
        PreviewPolicy: preview_policy,
        DryRunPolicy: dry_run_policy,
        DisarmPolicy: disarm_policy,
    }
