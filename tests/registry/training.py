"""A training that knows nothing of any bundle; a program at its standard input asks it things, line by line.

Run by `test_live_install.py` with the interpreter of an environment of its own.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from typing import Any

import msgspec
import torch
from torch import nn

import bidviz_core as bidviz


def code_of(session: Any, metric: str) -> dict[str, str]:
    """What the function that the engine runs is made of."""
    code = session.metrics[metric].function.__code__
    text = repr((code.co_code, code.co_consts, code.co_names))
    return {"file": code.co_filename, "hash": hashlib.sha256(text.encode()).hexdigest()}


def answer(session: Any, question: dict[str, Any]) -> Any:
    """Carries one request out, on the thread that reads them."""
    what = question["what"]
    match question["do"]:
        case "step":
            return session.step
        case "code":
            return code_of(session, what or "live_value")
        case "bundles":
            return {info.name: [info.state, info.version, info.outdated] for info in session.plugins}
        case "info":
            info = next(info for info in session.plugins if info.name == what)
            return {name: getattr(info, name) for name in info.__struct_fields__}
        case "modules":
            return sorted(name for name in sys.modules if name.startswith("bidviz_metric_live"))
        case "metrics":
            return [metric.name for metric in session.metrics]
        case "pins":
            return {name: [pin.version, pin.source, pin.hash, pin.folder] for name, pin in pins_of(session).items()}
        case "ran":
            return [[one.name, one.version, one.hash, one.source] for one in session.plugins.pins.ran]
        case "path":
            return sys.path
        case "failures":
            return [failure.message for failure in session.failures]
        case "find":
            return [{name: getattr(row, name) for name in row.__struct_fields__} for row in session.plugins.find(what)]
        case "inspect":
            return msgspec.to_builtins(session.plugins.inspect(what))
        case "install":
            lines: list[str] = []
            wish = what if isinstance(what, dict) else {"requirement": what}
            return [str(session.plugins.install(wish.pop("requirement"), lines.append, **wish)), lines]
        case method:
            info = getattr(session.plugins, method)(what)
            return {name: getattr(info, name) for name in info.__struct_fields__}


def pins_of(session: Any) -> dict[str, Any]:
    """What the run has installed for itself."""
    return dict(session.plugins.pins.current())


def main() -> None:
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    stopped = threading.Event()
    with bidviz.watch(model, optimizer, dashboard=None, run_dir=sys.argv[1], plugins=["bidviz-registry"]) as session:

        def converse() -> None:
            for line in sys.stdin:
                try:
                    reply = {"ok": answer(session, json.loads(line))}
                except bidviz.BidvizError as error:
                    reply = {"error": str(error)}
                print(json.dumps(reply, default=str), flush=True)
            stopped.set()

        threading.Thread(target=converse, name="conversation", daemon=True).start()
        print(json.dumps({"ok": str(session.run_dir)}), flush=True)
        while not stopped.is_set():
            optimizer.zero_grad()
            model(torch.randn(4, 3)).square().mean().backward()
            optimizer.step()
            stopped.wait(0.02)


if __name__ == "__main__":
    main()
