"""The pages that pip and uv read, by the letter of the standards."""

from __future__ import annotations

import hashlib
import re
import zipfile
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import pytest
from flask.testing import FlaskClient
from packaging.version import Version
from support.registries import decode, make_sdist, make_wheel

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"
PIP = f"{JSON}, {HTML}; q=0.1, text/html; q=0.01"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
NAME = "bidviz-metric-weights"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (PIP, JSON),
        (BROWSER, "text/html; charset=utf-8"),
        (None, "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        (HTML, f"{HTML}; charset=utf-8"),
        ("application/vnd.pypi.simple.latest+json", JSON),
        (f"application/vnd.pypi.simple.v2+json, {JSON};q=0.5", JSON),
    ],
)
@pytest.mark.parametrize("page", ["/simple/", f"/simple/{NAME}/"])
def test_the_client_chooses_the_form(client: FlaskClient, folder: Path, page: str, accept: str, kind: str) -> None:
    make_wheel(folder)
    response = client.get(page, headers={"Accept": accept} if accept else {})
    assert response.status_code == 200
    assert response.content_type == kind
    assert response.headers["Vary"] == "Accept"


def test_a_form_that_does_not_exist_is_refused(client: FlaskClient) -> None:
    response = client.get("/simple/", headers={"Accept": "application/vnd.pypi.simple.v9+json"})
    assert response.status_code == 406
    assert JSON in response.text


def test_json_says_what_the_standards_ask_for(client: FlaskClient, folder: Path) -> None:
    wheels = [make_wheel(folder, version=version) for version in ("0.10.0", "0.9.0", "0.11.0rc1")]
    sdist = make_sdist(folder, version="0.9.0")
    said = decode(client.get(f"/simple/{NAME}/", headers={"Accept": PIP}).data)
    assert said["meta"]["api-version"] == "1.1"
    assert said["name"] == NAME
    assert said["versions"] == ["0.9.0", "0.10.0", "0.11.0rc1"] == sorted(said["versions"], key=Version)
    files = {one["filename"]: one for one in said["files"]}
    assert files.keys() == {path.name for path in (*wheels, sdist)}
    for path in (*wheels, sdist):
        one = files[path.name]
        data = path.read_bytes()
        assert one["hashes"] == {"sha256": hashlib.sha256(data).hexdigest()}
        assert one["size"] == len(data)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", one["upload-time"])
        assert one["yanked"] is False
        got = client.get(urljoin(f"/simple/{NAME}/", one["url"]))
        assert got.data == data
        got.close()
    with zipfile.ZipFile(wheels[0]) as wheel:
        metadata = wheel.read(f"{NAME.replace('-', '_')}-0.10.0.dist-info/METADATA")
    one = files[wheels[0].name]
    assert one["requires-python"] == ">=3.11"
    assert one["core-metadata"] == one["dist-info-metadata"] == {"sha256": hashlib.sha256(metadata).hexdigest()}
    assert client.get(f"/files/{wheels[0].name}.metadata").data == metadata
    assert "core-metadata" not in files[sdist.name]
    assert client.get(f"/files/{sdist.name}.metadata").status_code == 404


def test_html_says_the_same(client: FlaskClient, folder: Path) -> None:
    path = make_wheel(folder)
    (folder / f"{path.name}.yanked").write_text('it counts <b>"twice"</b>\n')
    text = client.get(f"/simple/{NAME}/").text
    [link] = re.findall(r"<a .*?</a>", text)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    assert f'href="../../files/{path.name}#sha256={sha256}"' in link
    assert 'data-requires-python="&gt;=3.11"' in link
    assert re.search(r'data-core-metadata="sha256=[0-9a-f]{64}"', link)
    assert unescape(re.search(r'data-yanked="([^"]*)"', link)[1]) == 'it counts <b>"twice"</b>'  # type: ignore[index]
    assert link.endswith(f">{path.name}</a>")
    assert '<meta name="pypi:repository-version" content="1.1">' in text
    listed = client.get("/simple/").text
    assert f'<a href="{NAME}/">{NAME}</a>' in listed


def test_names_are_normalized(client: FlaskClient, folder: Path) -> None:
    make_wheel(folder, "BIDViz_Metric.Weights")
    response = client.get("/simple/BIDViz_Metric.Weights/")
    assert response.status_code == 301
    assert client.get(urljoin("/simple/BIDViz_Metric.Weights/", response.headers["Location"])).status_code == 200
    assert [
        one["name"] for one in decode(client.get("/simple/?format=" + JSON.replace("+", "%2B")).data)["projects"]
    ] == [NAME]


def test_what_was_read_need_not_be_sent_again(client: FlaskClient, folder: Path) -> None:
    path = make_wheel(folder)
    for page in ("/simple/", f"/simple/{NAME}/", f"/files/{path.name}", f"/files/{path.name}.metadata"):
        first = client.get(page)
        again = client.get(page, headers={"If-None-Match": first.headers["ETag"]})
        assert (first.status_code, again.status_code) == (200, 304), page
        first.close()
        again.close()
    make_wheel(folder, version="0.2.0")
    assert client.get("/simple/bidviz-metric-weights/", headers={"If-None-Match": "x"}).status_code == 200


def test_a_part_of_a_file_can_be_had(client: FlaskClient, folder: Path) -> None:
    path = make_wheel(folder)
    response = client.get(f"/files/{path.name}", headers={"Range": "bytes=-22"})
    assert (response.status_code, response.data) == (206, path.read_bytes()[-22:])
    response.close()


@pytest.mark.parametrize(
    "page",
    [
        "/simple/bidviz-metric-nothing/",
        "/simple/..%2F..%2Fetc/",
        "/files/nothing-1.0-py3-none-any.whl",
        "/files/..%2Ftoken",
        "/files/%2e%2e/token",
        "/files/.bidviz-registry.sqlite",
        "/files/../token",
        "/drawer/../../__init__.py",
        "/drawer/%2e%2e/__init__.py",
        "/assets/..%2Fgallery.py",
        "/files/%00",
        "/files/" + "a" * 5000,
    ],
)
def test_nothing_but_what_is_listed_is_given_out(client: FlaskClient, folder: Path, page: str) -> None:
    make_wheel(folder)
    response = client.get(page)
    assert response.status_code == 404
    assert "Traceback" not in response.text


def test_every_answer_forbids_what_is_not_ours(client: FlaskClient, folder: Path) -> None:
    make_wheel(folder)
    for page in ("/", "/simple/", f"/bundles/{NAME}/", "/api/search", "/nothing", "/assets/gallery.js"):
        response = client.get(page)
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        response.close()
