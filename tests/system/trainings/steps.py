"""A learner without torch: its loss at a step is the step's number, so that what is lost or doubled is seen.

Given the options of `watch` as JSON, it goes on until its standard input ends. A line there makes it hang: `sleep` in
Python, `lock` with the interpreter lock held. With the option `wait` it begins at the first key.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
import time

import bidviz_core as bidviz


def wait_for_data() -> None:
    """Hangs as a data loader does whose disk is gone."""
    while True:
        time.sleep(1.0)


def hold_the_lock() -> None:
    """Hangs as an extension does that never gives the interpreter lock back."""
    while True:
        ctypes.PyDLL(None).sleep(600)


def main(options: dict) -> None:
    pace = options.pop("pace", 0.005)
    if options.pop("wait", False):
        print("ready", flush=True)
        os.read(0, 1)
    asked: list[str] = []

    def listen() -> None:
        # Read without Python's buffer, whose lock would be held when the interpreter ends.
        while chunk := os.read(0, 4096):
            asked.extend(chunk.decode().split())
        asked.append("end")

    threading.Thread(target=listen, name="listen", daemon=True).start()
    with bidviz.watch(**options) as session:
        print(f"run {session.id} {session.run_dir} {session.url}", flush=True)
        step = 0
        while "end" not in asked:
            if "sleep" in asked:
                wait_for_data()
            if "lock" in asked:
                hold_the_lock()
            step += 1
            session.step_done(loss=float(step))
            print(f"step {step} {time.time()}", flush=True)
            time.sleep(pace)
    print(f"finished after step {step}", flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
