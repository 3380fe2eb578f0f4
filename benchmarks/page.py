"""How quickly the page draws: 50 charts at 10 Hz, from a batch's arrival (or a metric's return) to pixels.

A Chromium without a graphics card shows the charts; each record's age is taken in the animation frame after the one in
which it was drawn, so that painting is in it. Beside it stands the same browser with nothing to draw.

    python benchmarks/page.py                    # the charts alone: a worker in the page sends batches
    python benchmarks/page.py --tall             # all 50 in sight at once
    python benchmarks/page.py --whole            # a real training, the dashboard, its run page
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
UI = ROOT / "dashboard" / "ui"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]
CHARTS = 50
POINTS = 5  # records a chart and batch
KEPT = 2000  # records a chart has at the start

#: A worker that sends a batch of all charts each tenth of a second, as the socket would: as bytes, from another thread.
FEED = """
const charts = CHARTS, points = POINTS, kept = KEPT;
let step = 0, sequence = 0;
function batch(count, begin, spacing) {
    const names = Array.from({length: charts}, (_, i) => 'series' + i);
    const buffers = [['<f8', [count]], ['<f8', [count]], ['<f8', [charts, count]]];
    const header = {type: 'batch', run: 'run', sequence: ++sequence, blocks: [{names, at: 0}], buffers};
    let text = JSON.stringify(header);
    text += ' '.repeat((8 - text.length % 8) % 8);
    const bytes = new ArrayBuffer(8 + text.length + 8 * count * (charts + 2));
    new Uint8Array(bytes).set(new TextEncoder().encode('BV01'));
    new DataView(bytes).setUint32(4, text.length, true);
    new Uint8Array(bytes).set(new TextEncoder().encode(text), 8);
    const numbers = new Float64Array(bytes, 8 + text.length);
    for (let i = 0; i < count; i++) {
        step++;
        numbers[i] = step;
        numbers[count + i] = begin + i * spacing;
        for (let k = 0; k < charts; k++) numbers[(k + 2) * count + i] = Math.exp(-step / 3000) + 0.1 * Math.random();
    }
    postMessage(bytes, [bytes]);
}
const now = () => (performance.timeOrigin + performance.now()) / 1000;
batch(kept, now() - kept * 0.02, 0.02);
setInterval(() => batch(points, now(), 0), 100);
"""

PAGE = """([feed, charts, columns]) => {
    const grid = document.createElement('div');
    grid.style.cssText = `display:grid;grid-template-columns:repeat(${columns},1fr);gap:8px`;
    document.body.append(grid);
    const nothing = async () => [];
    window.store = new window.charts.SeriesStore({run: 'run', requestHistory: nothing, requestArrays: nothing});
    for (let i = 0; i < charts; i++) {
        const box = document.createElement('div');
        box.style.cssText = 'height:190px;display:flex;flex-direction:column;position:relative;overflow:hidden';
        grid.append(box);
        window.charts.createPanel(box, {spec: {kind: 'Line', series: ['series' + i]}, store});
    }
    const worker = new Worker(URL.createObjectURL(new Blob([feed])));
    worker.onmessage = ({data}) => store.applyFrame(data);
    window.chartScheduler = window.charts.scheduler;
}"""

#: Ages of records as they become pixels, frames a second, and how long the main thread was held at once.
MEASURE = """async (seconds) => {
    const ages = [], draws = [0], gaps = [], seen = new Map();
    const now = () => (performance.timeOrigin + performance.now()) / 1000;
    const stop = window.chartScheduler?.watch((panels) => {
        draws[0] += panels.length;
        const fresh = panels.flatMap((panel) => {
            const columns = panel.store.scalars.get(panel.names[0])?.recent;
            if (!columns?.length) return [];
            const newest = columns.time[columns.length - 1];
            const before = seen.get(panel);
            seen.set(panel, newest);
            if (before === undefined) return [];
            const times = [];
            for (let i = columns.length - 1; i >= 0 && columns.time[i] > before; i--) times.push(columns.time[i]);
            return times;
        });
        requestAnimationFrame(() => { const moment = now(); for (const time of fresh) ages.push(moment - time); });
    });
    const begin = performance.now();
    let last = begin, frames = 0;
    while (last - begin < seconds * 1000) {
        const moment = await new Promise(requestAnimationFrame);
        if (frames++) gaps.push(moment - last);
        last = moment;
    }
    stop?.();
    const at = (list, part) => list.sort((a, b) => a - b)[Math.floor(part * (list.length - 1))];
    return {fps: frames / ((last - begin) / 1000), frame95: at(gaps, 0.95), draws: draws[0] / seconds,
            records: ages.length, median: at(ages, 0.5) * 1000, p95: at(ages, 0.95) * 1000};
}"""


def bundle(folder: Path) -> None:
    """Builds the charts as the dashboard's page builds them."""
    options = ["--bundle", "--minify", "--format=iife", f"--outdir={folder}", "--log-level=warning"]
    harness = ROOT / "tests" / "charts" / "harness.js"
    subprocess.run([str(UI / "node_modules" / ".bin" / "esbuild"), str(harness), *options], cwd=UI, check=True)


def charts_alone(page: Page, columns: int) -> None:
    """Puts the charts on an empty page and begins to feed them."""
    folder = Path(tempfile.mkdtemp(prefix="bidviz-bench-"))
    bundle(folder)

    def serve(route: Route) -> None:
        name = route.request.url.rsplit("/", 1)[1]
        if name:
            route.fulfill(path=folder / name)
        else:
            head = '<!doctype html><link rel="stylesheet" href="harness.css"><script src="harness.js"></script>'
            route.fulfill(body=head, content_type="text/html")

    page.route("http://charts.test/**", serve)
    page.goto("http://charts.test/")
    feed = FEED.replace("CHARTS", str(CHARTS)).replace("POINTS", str(POINTS)).replace("KEPT", str(KEPT))
    page.evaluate(PAGE, [feed, CHARTS, columns])


TRAINING = """
import math, random, sys, time
import bidviz_core as bidviz

session = bidviz.watch(name="page-benchmark", plugins=())
print(session.url, flush=True)
for step in range(1, 1_000_000):
    session.log({f"series{i}": math.exp(-step / 3000) + 0.1 * random.random() for i in range(int(sys.argv[1]))})
    session.step_done()
    time.sleep(0.1)
"""


def whole_way(page: Page) -> Callable[[], None]:
    """Starts a training and its dashboard, and opens the run's page."""
    state = tempfile.mkdtemp(prefix="bidviz-bench-")
    environment = {**os.environ, "BIDVIZ_STATE_DIR": state, "BIDVIZ_DASHBOARD": "http://127.0.0.1:10951"}
    command = [sys.executable, "-c", TRAINING, str(CHARTS)]
    training = subprocess.Popen(command, env=environment, cwd=state, stdout=subprocess.PIPE, text=True)
    assert training.stdout is not None
    url = training.stdout.readline().strip()
    if not url:
        raise SystemExit(f"The training ended with status {training.wait()} before it said where its page is.")
    page.goto(url)
    page.wait_for_selector(".bvc-panel canvas", timeout=60_000)
    page.evaluate("() => { window.chartScheduler = bidviz_ui.scheduler; }")

    def stop() -> None:
        training.terminate()
        training.wait()
        command = [sys.executable, "-P", "-m", "bidviz_dashboard", "--stop"]
        subprocess.run(command, env=environment, check=False, capture_output=True)

    return stop


def main() -> None:
    """Measures and prints one line of JSON a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--tall", action="store_true", help="a window that shows all charts at once")
    parser.add_argument("--whole", action="store_true", help="a real training, dashboard and run page")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    given = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.chromium, args=QUIET)
        size = {"width": 1600, "height": 3000 if given.tall else 1000}
        page = browser.new_page(viewport=size)
        page.goto("about:blank")
        report("nothing to draw", page, 3)
        stop = whole_way(page) if given.whole else charts_alone(page, 5)
        time.sleep(3)
        report("whole way" if given.whole else "charts alone", page, given.seconds)
        if stop:
            stop()
        browser.close()


def report(what: str, page: Page, seconds: float) -> None:
    """Measures a page and prints the figures."""
    measured: dict[str, Any] = page.evaluate(MEASURE, seconds)
    rounded = {name: round(value, 1) for name, value in measured.items() if value is not None}
    print(json.dumps({"page": what, "load": round(os.getloadavg()[0], 1), **rounded}))


if __name__ == "__main__":
    main()
