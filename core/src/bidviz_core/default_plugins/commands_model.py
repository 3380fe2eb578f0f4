"""What the browser asks about the model and the code around it: the graph of modules, completions, interrupts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bidviz_core.control.reply import Reply
from bidviz_core.hookspecs import hookimpl
from bidviz_core.messages.commands import Complete, GetModelGraph, InterruptMetric, Method, Order
from bidviz_core.metrics.arguments import ARGUMENTS, MODULES

if TYPE_CHECKING:
    from bidviz_core.session import Session


def model_graph(session: Session, order: Order) -> Reply:
    """The modules with their dimensions, as JSON text."""
    model = session.learner.model
    layers: list[dict[str, Any]] = []
    if hasattr(model, "named_modules"):
        for name, module in model.named_modules():
            weights = [list(parameter.shape) for parameter in module.parameters(recurse=False)]
            layers.append(
                {
                    "name": name or type(module).__name__,
                    "inputDim": _dimension(module, "in_features", "in_channels", "num_embeddings", "input_size"),
                    "outputDim": _dimension(module, "out_features", "out_channels", "embedding_dim", "hidden_size"),
                    "modelDim": weights,
                    "internalLayers": [f"{name}.{child}" if name else child for child, _ in module.named_children()],
                    "type": type(module).__name__,
                    "parameters": sum(parameter.numel() for parameter in module.parameters(recurse=False)),
                }
            )
    elif model is not None:
        values = vars(model) if hasattr(model, "__dict__") else {}
        for name, value in values.items():
            if hasattr(value, "shape"):
                layers.append(
                    {"name": name, "inputDim": 0, "outputDim": 0, "modelDim": list(value.shape), "internalLayers": []}
                )
    return Reply(True, json.dumps({"model": type(model).__name__, "layers": layers}))


def _dimension(module: Any, *names: str) -> int:
    for name in names:
        value = getattr(module, name, None)
        if isinstance(value, int):
            return value
    return 0


def complete(session: Session, order: Order) -> Reply:
    """Completions at a position of metric code: names in scope, and jedi's where it is installed."""
    assert isinstance(order.command, Complete)
    content = order.command.content
    try:
        import jedi
    except ImportError:
        return Reply(
            True, [{"name": name, "kind": "name", "help": text} for name, text in {**ARGUMENTS, **MODULES}.items()]
        )
    before = content.code[: max(0, content.position)]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1)
    found = jedi.Interpreter(content.code, [session.report.completion_scope()]).complete(line, column)
    known = {**ARGUMENTS, **MODULES}
    answers = [
        {"name": one.name, "kind": one.type, "help": known.get(one.name, "")}
        for one in found[:200]
        if not one.name.startswith("_") or before.endswith("_")
    ]
    typed = before[len(before.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")) :]
    if not before[: len(before) - len(typed)].endswith("."):
        seen = {answer["name"] for answer in answers}
        extra = [{"name": name, "kind": "name", "help": text} for name, text in known.items() if name.startswith(typed)]
        answers = [one for one in extra if one["name"] not in seen] + answers
    return Reply(True, answers)


def interrupt(session: Session, order: Order) -> Reply:
    """Interrupts the metric or console line that does not return, or the console line that is named."""
    assert isinstance(order.command, InterruptMetric)
    cell = order.command.content.cell
    if cell:
        done = session.console.interrupt(cell)
        if done:
            session.journal.add(session.step, order.author, "interruptMetric", "console interrupted", {"cell": cell})
        return Reply(bool(done), done or "That line is not running: it is over.")
    name = session.interrupt()
    if not name:
        return Reply(False, "No metric is running at this moment.")
    session.journal.add(session.step, order.author, "interruptMetric", f"{name} interrupted", {"name": name})
    return Reply(True, f"{name} was interrupted.")


@hookimpl
def register_commands() -> dict[type[Method], Any]:
    """The handlers of this module."""
    return {GetModelGraph: model_graph, Complete: complete, InterruptMetric: interrupt}
