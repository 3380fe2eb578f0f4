"""A script that somebody ends with SIGTERM, in one of several situations.

Given the situation and the options of `watch` as JSON. It prints `ready` when the signal may come.
"""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import signal
import sys
import threading
import types

import bidviz_core as bidviz


def handle(number: int, frame: types.FrameType | None) -> None:
    print("the script's own handler", flush=True)
    sys.exit(3)


def wait_as_a_child(ready: object) -> None:
    print(f"in the child: {signal.getsignal(signal.SIGTERM)!r}", flush=True)
    ready.set()  # type: ignore[attr-defined]
    threading.Event().wait()


def main(situation: str, options: dict) -> None:
    if situation == "handler before":
        signal.signal(signal.SIGTERM, handle)
    with bidviz.watch(**options) as session:
        print(f"run {session.id} {session.run_dir} {session.url}", flush=True)
        if situation == "handler after":
            signal.signal(signal.SIGTERM, handle)
        for step in range(1, 101):
            session.step_done(loss=float(step))
        if situation == "batches":
            print("ready", flush=True)
            for _ in session.batches(range(10**8)):
                session.step_done(loss=0.0)
            print("after the loop", flush=True)
        if situation == "child":
            context = multiprocessing.get_context("fork")
            ready = context.Event()
            child = context.Process(target=wait_as_a_child, args=(ready,))
            child.start()
            ready.wait()
            child.terminate()
            child.join()
            print(f"the child ended with {child.exitcode}", flush=True)
        print("ready", flush=True)
        if situation == "hangs":
            ctypes.CDLL(None).sleep(600)  # far from Python, without its lock
        if situation != "closed":
            threading.Event().wait()
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("bidviz")]
    print(f"over, and left is: {left} {signal.getsignal(signal.SIGTERM)!r}", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
