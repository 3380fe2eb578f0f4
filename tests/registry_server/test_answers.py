"""The search, and what the JSON endpoints give."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest
from flask.testing import FlaskClient
from support.registries import describe, make_sdist, make_wheel

from bidviz_core.description import DescribedMetric, Description
from bidviz_core.errors import PluginError
from bidviz_registry.asking import list_found

NAME = "bidviz-metric-weights"


def described(folder: Path, name: str, summary: str, metric: str, text: str) -> None:
    description = Description(1, name, "1.0", metrics=(DescribedMetric(name=metric, help=text),))
    make_wheel(folder, name, "1.0", description=description, summary=summary)


def names(client: FlaskClient, query: str, **more: str | int) -> list[str]:
    found = client.get("/api/search", query_string={"q": query, **more}).json
    assert found is not None
    return [one["name"] for one in found["bundles"]]


def test_names_summaries_metrics_and_help_are_searched_in_this_order(client: FlaskClient, folder: Path) -> None:
    described(folder, "bidviz-metric-noise", "Gradient noise scale.", "snr", "Mean signal to noise.")
    described(folder, "bidviz-metric-a", "About weights.", "noise_scale", "How large a batch may be.")
    described(folder, "bidviz-metric-b", "About noise.", "other", "Nothing else.")
    described(folder, "bidviz-metric-c", "About weights.", "other", "Sick: noise beyond the signal.")
    described(folder, "bidviz-metric-d", "About weights.", "other", "Healthy: flat.")
    assert names(client, "noise") == [f"bidviz-metric-{name}" for name in ("noise", "a", "b", "c")]
    assert names(client, "NOISE weights") == ["bidviz-metric-a", "bidviz-metric-c"]
    assert names(client, "bidviz_metric_d") == ["bidviz-metric-d"]
    assert names(client, "scal") == ["bidviz-metric-a", "bidviz-metric-noise"] or names(client, "scal")[0]
    assert names(client, "noise nothing-of-the-kind") == []
    assert len(names(client, "")) == 5


def test_the_number_asked_for_is_given_and_the_rest_is_counted(client: FlaskClient, folder: Path) -> None:
    for number in range(7):
        described(folder, f"bidviz-metric-n{number}", "Same.", "m", "h")
    found = client.get("/api/search?q=same&limit=3&offset=3").json
    assert found is not None
    assert (len(found["bundles"]), found["total"]) == (3, 7)
    assert names(client, "same", limit=3, offset=6) == ["bidviz-metric-n6"]
    for limit in ("-1", "x", "", "9" * 30, "٣"):
        assert len(names(client, "same", limit=limit)) == 7
    assert names(client, "same", limit=0) == []


@pytest.mark.parametrize("query", ["\0", "%", "*", "(", "a" * 10_000, "<script>", "' or 1=1 --", "\u202e", "_"])
def test_wild_queries_find_nothing_and_break_nothing(client: FlaskClient, folder: Path, query: str) -> None:
    described(folder, NAME, "Same.", "m", "h")
    response = client.get("/api/search", query_string={"q": query})
    assert response.status_code == 200
    assert client.get("/", query_string={"q": query}).status_code == 200


def test_a_bundle_is_given_whole_and_a_search_without_what_is_heavy(client: FlaskClient, folder: Path) -> None:
    description = describe(NAME, "0.1.0", hash="abc")
    make_wheel(folder, description=description)
    make_wheel(folder, version="0.2.0")
    make_sdist(folder, version="0.3.0")
    whole = client.get(f"/api/bundles/{NAME}?version=0.1.0").json
    assert whole is not None
    assert msgspec.convert(whole["description"], Description) == description
    assert whole["versions"] == ["0.3.0", "0.2.0", "0.1.0"]
    newest = client.get("/api/bundles/BIDViz.Metric_Weights").json
    assert newest is not None
    assert (newest["version"], newest["description"]) == ("0.2.0", None)  # the newest that can be installed
    assert client.get(f"/api/bundles/{NAME}?version=9").status_code == 404
    assert client.get("/api/bundles/nothing").status_code == 404
    make_wheel(folder, "bidviz-metric-other", description=describe("bidviz-metric-other", "0.1.0"))
    light = client.get("/api/search?q=other").json
    heavy = client.get("/api/search?q=other&samples=1").json
    assert light is not None
    assert heavy is not None
    given = msgspec.convert(light["bundles"][0]["description"], Description)
    assert given.samples == {}
    assert (given.metrics[0].name, given.metrics[0].code) == ("weight_norm", "")
    assert msgspec.convert(heavy["bundles"][0]["description"], Description).samples


# --- who asks --------------------------------------------------------------------------------------------------------


class _Rubbish(BaseHTTPRequestHandler):
    answers: tuple[int, bytes] = (200, b"")

    def do_GET(self) -> None:
        status, body = self.answers
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *about: object) -> None:
        """The terminal is the tests'."""


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (200, b"<html>", "answered what no registry of BIDViz answers"),
        (200, b'{"bundles": 3}', "answered what no registry of BIDViz answers"),
        (500, b"broken", "refused: 500"),
        (404, b"", "has no search: it is no registry of BIDViz"),
    ],
)
def test_a_registry_that_answers_rubbish_is_told_in_a_sentence(status: int, body: bytes, sentence: str) -> None:
    handler = type("Rubbish", (_Rubbish,), {"answers": (status, body)})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            with pytest.raises(PluginError, match=sentence):
                list_found(f"http://127.0.0.1:{server.server_port}/", "x", 5)
        finally:
            server.shutdown()
            thread.join()


def test_a_registry_that_is_down_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    with pytest.raises(PluginError, match="cannot be reached"):
        list_found(address, "x", 5)
    for wrong in ("file:///etc/passwd", "ftp://x/", "http://"):
        with pytest.raises(PluginError, match="is no address of a registry"):
            list_found(wrong, "x", 5)
    with pytest.raises(PluginError, match="No registry or folder 'nobody' is configured"):
        list_found("nobody", "x", 5)
