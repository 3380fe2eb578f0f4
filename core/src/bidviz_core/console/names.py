"""What the session gives to a console line by name."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bidviz_core.metrics.failure import NotYet, Unavailable
from bidviz_core.views import TensorView

if TYPE_CHECKING:
    from bidviz_core.session import Session

#: What is kept of a step only where somebody has asked for it before.
_KEPT = re.compile(r"\b(?:batch|minibatch|inputs|outputs|targets|raw_grads|updates|activations|second_pass)\b")
#: What belongs to the step that the training thread computes.
OF_THE_STEP = frozenset(
    {
        *("batch", "minibatch", "inputs", "outputs", "targets", "loss"),
        *("grads", "raw_grads", "updates", "activations", "second_pass"),
    }
)


def names_for(session: Session, *, boundary: bool) -> dict[str, Callable[[], Any]]:
    """For each name what gives its value; on a thread beside the training the step's tensors are refused.

    Args:
        session: the session.
        boundary: whether the lines run on the training thread.
    """
    given: dict[str, Callable[[], Any]] = {}
    for name, get in session.engine.sources.items():
        if not boundary and name in OF_THE_STEP:
            given[name] = _refusal(name)
        else:
            given[name] = _getter(name, get)
    modules = {"np": "numpy", "math": "math", "bidviz": "bidviz_core"}
    if "torch" in sys.modules:
        modules["torch"] = "torch"
    given.update({name: _module(module) for name, module in modules.items()})
    given["session"] = lambda: session
    return given


def kept_later(code: str, names: Mapping[str, Callable[[], Any]]) -> frozenset[str]:
    """What has to be kept of the next step for a line; nothing where this step has all that it uses."""
    here, later = set(), set()
    for name in set(_KEPT.findall(code)) & names.keys():
        try:
            names[name]()
            here.add(name)
        except NameError as error:
            if isinstance(error.__context__, NotYet):
                later.add(name)
        except Exception:  # noqa: BLE001 - the line itself will meet it, if it gets that far
            continue
    # What is here by chance, because a metric runs at this step, need not be at the next.
    return frozenset(here | later) if later else frozenset()


def beside(session: Session) -> dict[str, Any]:
    """What may be looked at from another thread than the training's, for completions."""
    found: dict[str, Any] = {"session": session}
    for name, get in session.engine.sources.items():
        if name not in OF_THE_STEP and name != "params":
            with contextlib.suppress(Exception):  # what this learner cannot give is simply not there
                found[name] = get()
    return found


def _getter(name: str, get: Callable[..., Any]) -> Callable[[], Any]:
    def give() -> Any:
        try:
            value = get(None) if name == "activations" else get()
        except Unavailable as error:
            raise NameError(f"{name}: {error}") from None
        # A view remembers norms for the metrics of the step; a line may have changed the tensors since.
        return TensorView(value.names, value.tensors) if isinstance(value, TensorView) else value

    return give


def _module(name: str) -> Callable[[], Any]:
    def give() -> Any:
        import importlib

        return importlib.import_module(name)

    return give


def _refusal(name: str) -> Callable[[], Any]:
    def refuse() -> Any:
        raise NameError(
            f"{name} belongs to the step that the training thread computes meanwhile: "
            "run the line at the step boundary to look at it."
        )

    return refuse
