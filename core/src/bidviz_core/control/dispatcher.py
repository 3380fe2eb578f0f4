"""Finds who carries an order out, checks who may give it, and turns whatever happens into a reply."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bidviz_core.control.reply import Later, Reply
from bidviz_core.errors import BidvizError, MetricError, TrainingStopped
from bidviz_core.messages.commands import RIGHTS, AddFunction, Method, Order, method_name

if TYPE_CHECKING:
    from bidviz_core.session import Session

Handler = Callable[["Session", Order], Reply]
_RANK = {"view": 0, "tune": 1, "code": 2}


class Dispatcher:
    """Carries orders out by the handlers that plugins registered.

    Args:
        session: the session.
        allow_code: whether commands with the right *code* are taken at all.
        no_steering: why nothing may be steered, or an empty text.
    """

    def __init__(self, session: Session, allow_code: bool, no_steering: str = "") -> None:
        self._session = session
        #: What plugins registered, by command; renewed by the session when plugins change.
        self.handlers: Mapping[type[Method], Handler] = {}
        self.allow_code = allow_code
        self.no_steering = no_steering

    def carry_out(self, order: Order) -> Reply:
        """Carries an order out.

        Returns:
            The reply, whatever happened.

        Raises:
            Later: it needs something of the coming step.
            TrainingStopped: the order was to stop.
        """
        kind = type(order.command)
        refusal = self._refusal(order, kind)
        if refusal:
            return Reply(False, refusal)
        try:
            answer = self._session.plugins.first("handle_command", session=self._session, command=order.command)
            if answer is not None:
                return answer if isinstance(answer, Reply) else Reply(True, answer, self._session.step)
            return self.handlers[kind](self._session, order)
        except (Later, TrainingStopped):
            raise
        except MetricError as error:
            return Reply(False, str(error) if kind is AddFunction else _metric_error(error))
        except BidvizError as error:
            return Reply(False, str(error))
        except Exception as error:  # noqa: BLE001 - a fence: it is reported, and the training goes on
            return Reply(False, f"{method_name(order.command)} failed: {type(error).__name__}: {error}")

    def _refusal(self, order: Order, kind: type[Method]) -> str:
        needed = RIGHTS[kind]
        if _RANK[order.right] < _RANK[needed]:
            return f"{method_name(order.command)} needs the right {needed!r}; you have {order.right!r}."
        if needed == "code" and not self.allow_code:
            return "This run takes no code: it was started with watch(allow_code=False)."
        if needed != "view" and self.no_steering:
            return self.no_steering
        if kind not in self.handlers:
            name = method_name(order.command)
            return f"This session knows no command {name!r}: upgrade bidviz-core in the training's environment."
        return ""


def _metric_error(error: MetricError) -> dict[str, Any]:
    return {
        "message": str(error),
        "line": error.line,
        "column": error.column,
        "end_column": error.end_column,
        "traceback": error.traceback,
    }
