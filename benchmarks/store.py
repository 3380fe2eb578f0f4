"""What the store costs: bytes on disk, records a second, reads and zooms, and the load on the training's process.

Run `python benchmarks/store.py` (about a minute; `--quick` leaves out the ten million). Each figure is given with its
ratio to what it should reach; medians over repetitions, with the least and the greatest beside them.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from bidviz_core.messages.notifications import RunInfo, Status
from bidviz_core.records import Batch, ScalarBlock
from bidviz_core.store import StoreReader, StoreWriter

START = 1.79e9


def main() -> None:
    """Runs every measurement and prints a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the ten million records")
    parser.add_argument("--folder", type=Path, help="where to write; the disk under it is what is measured")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        os.environ["BIDVIZ_STATE_DIR"] = f"{folder}/state"
        place = Path(folder)
        disk(place)
        written(place)
        read_million(place)
        pump_load(place)
        if not given.quick:
            zooms(place)


def disk(folder: Path) -> None:
    """Bytes a record after 200,000, at 1,000 steps a second and at one a second, one series and twenty."""
    for rate, most in ((1000.0, 11.0), (1.0, 20.0)):
        for series in (1, 20):
            length = 200_000 // series
            run = folder / f"disk-{rate}-{series}"
            writer = StoreWriter(run, info(run))
            for batch in batches(length, series, rate, each=max(1, round(rate / 20))):
                writer.append(batch)
                if rate == 1.0 or batch.sequence % 10 == 0:
                    writer.commit(Status(step=batch.sequence))
            writer.commit(Status(step=length))
            live = sum(path.stat().st_size for path in run.iterdir()) / (length * series)
            writer.close(Status(state="ended", step=length))
            closed = sum(path.stat().st_size for path in run.iterdir()) / (length * series)
            say(f"disk, {rate:g} steps/s, {series} series", f"{closed:.2f} bytes a record", closed / most)
            print(f"{'':44}{live:.2f} while it runs, log and index included")


def written(folder: Path) -> None:
    """Records a second: 20 series, 50 steps to a batch, a commit every ten batches as the pump makes them."""
    rates = []
    for repetition in range(5):
        run = folder / f"written-{repetition}"
        many = list(batches(100_000, 20, 1000.0, each=50))
        writer = StoreWriter(run, info(run))
        begun = time.perf_counter()
        for batch in many:
            writer.append(batch)
            if batch.sequence % 10 == 0:
                writer.commit(Status(step=batch.sequence))
        writer.close(Status(state="ended"))
        rates.append(2_000_000 / (time.perf_counter() - begun))
    say("written, with the close", f"{spread(rates, 1e6)} million records/s", 1e6 / statistics.median(rates))


def read_million(folder: Path) -> None:
    """Every record of a series of a million."""
    run = folder / "million"
    fill(run, 1_000_000, 1)
    reader = StoreReader(run)
    times = timed(lambda: reader.history("series0"), 15)
    say("read 1,000,000 records", f"{spread(times, 1e-3)} ms", statistics.median(times) / 0.020)


def zooms(folder: Path) -> None:
    """Zooms of ten million records to 1,000 points, at all scales and places."""
    run = folder / "ten-million"
    fill(run, 10_000_000, 1)
    reader = StoreReader(run)
    rng = np.random.default_rng(1)
    for length in (10_000_000, 5_000_000, 1_000_000, 300_000, 250_000, 100_000, 10_000, 1_000):
        times = []
        for start in rng.integers(1, 10_000_002 - length, 15).tolist():
            times += timed(lambda: reader.history("series0", start, start + length, 1000), 1)  # noqa: B023
        say(f"zoom of {length:,} of 10,000,000", f"{spread(times, 1e-3)} ms", statistics.median(times) / 0.020)


def pump_load(folder: Path, seconds: float = 40.0) -> None:
    """What 20 series at 1,000 steps a second cost: processor time of the writing thread, and the lock it holds.

    The lock is seen from beside: a thread that counts in Python, with the writer at work and with it asleep in turns.
    """
    run = folder / "load"
    many = list(batches(int(1000 * seconds), 20, 1000.0, each=50))
    writer = StoreWriter(run, info(run))
    begun = time.perf_counter()
    processor = time.thread_time()
    longest = 0.0
    for batch in many:
        writer.append(batch)
        if batch.sequence % 10 == 0:
            before = time.perf_counter()
            writer.commit(Status(step=batch.sequence))
            longest = max(longest, time.perf_counter() - before)
    used = time.thread_time() - processor
    wall = time.perf_counter() - begun
    writer.close(Status(state="ended"))
    say("processor time, 20 series at 1,000 steps/s", f"{100 * used / seconds:.2f} % of a core", used / seconds / 0.01)
    print(f"{'':44}{100 * wall / seconds:.2f} % of the time in the writer, {1e3 * longest:.1f} ms the longest commit")
    held = lock_held(folder, many)
    say("interpreter lock held, the same", f"{100 * held / seconds:.2f} % of the time", held / seconds / 0.01)


def lock_held(folder: Path, many: list[Batch]) -> float:
    """Seconds that a thread counting in Python loses while the writer carries out `many` beside it."""
    losses = []
    for repetition in range(3):
        run = folder / f"lock-{repetition}"
        writer = StoreWriter(run, info(run))
        alone = count_for(1.0)
        done = threading.Event()

        def work(writer: StoreWriter = writer, done: threading.Event = done) -> None:
            for batch in many:
                writer.append(batch)
                if batch.sequence % 10 == 0:
                    writer.commit(Status(step=batch.sequence))
            done.set()

        thread = threading.Thread(target=work, name="bidviz-benchmark", daemon=True)
        begun = time.perf_counter()
        thread.start()
        counted = 0
        while not done.is_set():
            counted += count_for(0.01)
        wall = time.perf_counter() - begun
        thread.join()
        writer.close(Status(state="ended"))
        losses.append(wall - counted / alone)
    return statistics.median(losses)


def count_for(seconds: float) -> int:
    """How far plain Python counts in that time."""
    until = time.perf_counter() + seconds
    count = 0
    while time.perf_counter() < until:
        count += 1
    return count


def batches(length: int, series: int, rate: float, each: int) -> Iterator[Batch]:
    """Batches of random values at steps whose times jitter by a tenth."""
    rng = np.random.default_rng(0)
    names = tuple(f"series{index}" for index in range(series))
    times = START + np.cumsum(rng.normal(1.0, 0.1, length) / rate)
    steps = np.arange(1, length + 1)
    for sequence, at in enumerate(range(0, length, each), 1):
        part = slice(at, min(at + each, length))
        count = part.stop - at
        block = ScalarBlock(names, steps[part], times[part], rng.normal(size=(series, count)))
        yield Batch(sequence, [block])


def fill(run: Path, length: int, series: int) -> None:
    """Writes a run and closes it."""
    writer = StoreWriter(run, info(run))
    for batch in batches(length, series, 1000.0, each=5000):
        writer.append(batch)
        writer.commit()
    writer.close(Status(state="ended"))


def info(run: Path) -> RunInfo:
    """A run's description."""
    return RunInfo(
        id=run.name, name=run.name, folder=str(run), started=START, pid=os.getpid(), host=socket.gethostname()
    )


def timed(work: Callable[[], object], repetitions: int) -> list[float]:
    """Seconds that each repetition took."""
    times = []
    for _ in range(repetitions):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return times


def spread(values: list[float], unit: float) -> str:
    """The median, and the range."""
    return f"{statistics.median(values) / unit:.2f} ({min(values) / unit:.2f} to {max(values) / unit:.2f})"


def say(what: str, figure: str, ratio: float) -> None:
    """Prints a line; a ratio of at most 1 reaches what was asked."""
    print(f"{what:<44}{figure:<44}{ratio:.2f} of what is allowed", flush=True)


if __name__ == "__main__":
    main()
