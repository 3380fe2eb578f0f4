"""The charts in a real browser, bundled as the dashboard's page bundles them, with frames that core packed."""

from __future__ import annotations

import base64
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import plotly
import pytest
from playwright.sync_api import ConsoleMessage, Error, Page, Route
from support.node_modules import UI, bring
from support.tabs import Listener, Tabs

from bidviz_core.frames import pack_frame

HERE = Path(__file__).parent
#: Of the pages, which show few tiles.
SIZE = {"width": 1280, "height": 720}
PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
#: What the dashboard sends with its pages, but for the hashes of its inline scripts.
POLICY = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:"
POLICY += "; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'"
#: Gives a page a run to be told of (`apply`), tiles of it (`tile`), and whether one has drawn anything (`inked`).
SETUP = """() => {
    window.asked = [];
    window.store = new charts.SeriesStore({run: 'run', requestArrays: async () => [],
        requestHistory: async (query) => { asked.push(query); return window.answer?.(query) ?? []; }});
    window.apply = (text) => store.applyFrame(frameOf(text));
    window.tile = (spec, names, options = {}) => {
        const box = document.createElement('div');
        box.style.cssText = 'width:480px;height:220px;display:flex;flex-direction:column;position:relative';
        document.body.append(box);
        box.panel = charts.createPanel(box, {spec, metric: {name: names[0], series: names}, store, ...options});
        return box;
    };
    const pixels = (canvas) => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    window.inked = (box) => [...box.querySelectorAll('canvas')].some((canvas) => canvas.width &&
        new Uint32Array(pixels(canvas).buffer).some(Boolean));
}"""


@pytest.fixture(scope="session")
def base_url() -> None:
    """In place of pytest-base-url's own, which pytest 9 warns about."""


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with `harness.js` and its style sheet, built by the esbuild that the page is built with."""
    esbuild = bring() / "node_modules" / ".bin" / "esbuild"
    out = tmp_path_factory.mktemp("bundle")
    options = ["--bundle", "--format=iife", f"--outdir={out}", "--log-level=warning"]
    subprocess.run([str(esbuild), str(HERE / "harness.js"), *options], cwd=UI, check=True)
    return out


@pytest.fixture(scope="session")
def built(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the dashboard serves, as the sources have it now: the folder with `preview.js`, `vega.js` and the rest."""
    out = tmp_path_factory.mktemp("static")
    subprocess.run(["node", "build.mjs", "--out", str(out)], cwd=UI, check=True, capture_output=True)
    return out


@pytest.fixture(scope="session")
def site(bundle: Path, built: Path) -> Iterator[str]:
    """The address of a server of what the charts need: megabytes of Plotly come faster from it than by interception."""
    head = '<!doctype html><link rel="icon" href="data:,"><link rel="stylesheet" href="harness.css">'
    head += '<script src="harness.js"></script>'
    served = {
        "/": ("text/html", f"{head}<body></body>".encode()),
        "/harness.js": ("text/javascript", (bundle / "harness.js").read_bytes()),
        "/harness.css": ("text/css", (bundle / "harness.css").read_bytes()),
        "/bidviz/plotly.min.js": ("text/javascript", PLOTLY.read_bytes()),
        "/bidviz/vega.js": ("text/javascript", (built / "vega.js").read_bytes()),
    }
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Files, served))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="charts-site", daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


class _Files(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, served: Mapping[str, tuple[str, bytes]], *about: Any) -> None:
        self._served = served
        super().__init__(*about)

    def do_GET(self) -> None:
        kind, data = self._served.get(self.path, ("", b""))
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(data)))
        if kind == "text/html":
            self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *about: object) -> None:
        """The terminal is the tests'."""


@pytest.fixture(scope="module")
def kept_page(tabs: Tabs, site: str) -> Iterator[tuple[Page, list[str]]]:
    """A page with the charts on it for a whole module, and what it complains of; the libraries are read once."""
    complaints: list[str] = []
    with tabs.lent() as lend:
        page = lend(_listeners(complaints), viewport=SIZE)
        page.goto(site)
        yield page, complaints


def _listeners(complaints: list[str]) -> tuple[Listener, Listener]:
    def failed(error: Error) -> None:
        complaints.append(str(error))

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    return ("pageerror", failed), ("console", heard)


@pytest.fixture
def open_page(tabs: Tabs, site: str) -> Iterator[Callable[..., Page]]:
    """Opens a page with the charts on it; fails the test when the page reports an error."""
    complaints: list[str] = []
    lenient = False

    def opened(
        theme: str = "light",
        plotly: bool = True,
        allow_errors: bool = False,
        files: Mapping[str, str] | None = None,
        fresh: bool = False,
    ) -> Page:
        nonlocal lenient
        lenient = allow_errors
        page = lend(_listeners(complaints), fresh=fresh or bool(files) or not plotly, viewport=SIZE)
        if not plotly:
            page.route(f"{site}bidviz/plotly.min.js", lambda route: route.fulfill(status=404))
        for path, text in (files or {}).items():
            kind = "text/javascript" if path.endswith("js") else "text/css"
            page.route(f"{site}{path}", partial(_fulfil, text, kind))
        page.goto(site)
        page.evaluate("theme => charts.chooseTheme(theme)", theme)
        return page

    with tabs.lent() as lend:
        yield opened
    if not lenient:
        assert complaints == []


def _fulfil(text: str, kind: str, route: Route) -> None:
    route.fulfill(body=text, content_type=kind)


def frame_text(header: Mapping[str, Any], buffers: Sequence[Any] = ()) -> str:
    """A frame as text that `frameOf` in the page turns back into bytes."""
    return base64.b64encode(pack_frame(header, [np.asarray(buffer) for buffer in buffers])).decode()


@pytest.fixture
def batch() -> Callable[..., str]:
    """Makes a live batch: `batch(1, steps, loss=values, …)`."""

    def make(sequence: int, steps: Any, run: str = "run", **series: Any) -> str:
        steps = np.asarray(steps, dtype=np.float64)
        header = {"type": "batch", "run": run, "sequence": sequence, "blocks": [{"names": list(series), "at": 0}]}
        values = np.array([np.broadcast_to(np.asarray(row, dtype=np.float64), steps.shape) for row in series.values()])
        return frame_text(header, [steps, 1.7e9 + steps, values])

    return make


@pytest.fixture
def history() -> Callable[..., str]:
    """Makes an answer of history at full resolution: `history("loss", steps, values, sequence)`."""

    def make(name: str, steps: Any, values: Any, sequence: int, per: int = 1, **columns: Any) -> str:
        steps = np.asarray(steps, dtype=np.float64)
        values = np.broadcast_to(np.asarray(values, dtype=np.float64), steps.shape)
        header = {"type": "history", "run": "run", "id": 1, "series": name, "sequence": sequence}
        header["total"] = len(steps) * per
        low, high = columns.get("low", values), columns.get("high", values)
        nan = columns.get("nan", np.isnan(values).astype(float))
        return frame_text(header, [steps, values, low, high, nan, 1.7e9 + steps])

    return make


@pytest.fixture
def array_frame() -> Callable[..., str]:
    """Makes an array record's frame from a value that core knows."""
    from bidviz_core.values import to_parts

    def make(name: str, step: int, value: Any, sequence: int = 1) -> str:
        header, buffers = to_parts(value)
        full = {"type": "array", "run": "run", "sequence": sequence, "name": name, "step": step, "time": 1.7e9 + step}
        return frame_text({**full, "value": header}, buffers)

    return make
