"""A script with an interrupt handler of its own, that waits in the middle of its fifth step to be interrupted."""

from __future__ import annotations

import json
import sys
import threading
import time

import bidviz_core as bidviz


def main(options: dict) -> None:
    done = 0
    try:
        with bidviz.watch(**options) as session:
            print(f"run {session.id} {session.run_dir} {session.url}", flush=True)
            for step in range(1, 100):
                if step == 5:
                    print(f"in the middle of step {step}", flush=True)
                    while True:
                        time.sleep(60)
                session.step_done(loss=float(step))
                done = step
    except KeyboardInterrupt:
        print(f"the script cleans up after step {done}", flush=True)
        left = [thread.name for thread in threading.enumerate() if thread.name.startswith("bidviz")]
        print(f"nothing of the session is left: {not left}", flush=True)
        sys.exit(130)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
