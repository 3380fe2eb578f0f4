"""Uploads: what is published, what is refused and in which words, and that nothing is ever half there."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import threading
import zipfile
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from support.registries import TOKEN, Registry, describe, make_sdist, make_wheel
from werkzeug.test import TestResponse

from bidviz_registry.server.app import create_app
from bidviz_registry.server.settings import UPLOADS, Settings
from bidviz_registry.server.shelf import Shelf
from bidviz_registry.server.tokens import TokenFile

NAME = "bidviz-metric-weights"


def basic(token: str, user: str = "__token__") -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'{user}:{token}'.encode()).decode()}"}


def post(
    client: FlaskClient, content: bytes, filename: str, headers: dict[str, str] | None = None, **fields: Any
) -> TestResponse:
    """Uploads as twine does; a field of None is left out."""
    digests = {"sha256_digest": hashlib.sha256(content).hexdigest(), "md5_digest": hashlib.md5(content).hexdigest()}
    given = {":action": "file_upload", "protocol_version": "1", "name": NAME, "version": "0.1.0", **digests, **fields}
    data: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    data["content"] = (io.BytesIO(content), filename)
    return client.post("/legacy/", data=data, headers=basic(TOKEN) if headers is None else headers)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    return make_wheel(tmp_path / "dist", description=describe(NAME, "0.1.0"))


def test_what_is_uploaded_is_there_byte_for_byte(client: FlaskClient, folder: Path, wheel: Path) -> None:
    response = post(client, wheel.read_bytes(), wheel.name)
    assert response.status_code == 200, response.text
    assert (folder / wheel.name).read_bytes() == wheel.read_bytes()
    assert (folder / wheel.name).stat().st_mode & 0o777 == 0o644
    assert list((folder / UPLOADS).iterdir()) == []
    assert client.get(f"/simple/{NAME}/").text.count("<a ") == 1


def test_every_digest_that_is_sent_is_compared(client: FlaskClient, folder: Path, wheel: Path) -> None:
    data = wheel.read_bytes()
    blake = hashlib.blake2b(data, digest_size=32).hexdigest()
    for digest in ("sha256_digest", "md5_digest", "blake2_256_digest"):
        response = post(client, data, wheel.name, **{"blake2_256_digest": blake, digest: "0" * 32})
        assert response.status_code == 400
        assert "expected 00000" in response.text
        assert "Upload it again" in response.text
    assert list(folder.glob("*.whl")) == []
    assert post(client, data, wheel.name, blake2_256_digest=blake).status_code == 200


def test_a_published_version_never_changes(client: FlaskClient, folder: Path, tmp_path: Path, wheel: Path) -> None:
    assert post(client, wheel.read_bytes(), wheel.name).status_code == 200
    again = post(client, wheel.read_bytes(), wheel.name)
    assert again.status_code == 409
    assert "already published as a wheel with the very same content" in again.text
    other = make_wheel(tmp_path / "other", files={"bidviz_metric_weights/more.py": "more = 1\n"})
    changed = post(client, other.read_bytes(), other.name)
    assert changed.status_code == 409
    assert "with another content" in changed.text
    assert "raise the version" in changed.status
    spelled = make_wheel(tmp_path / "spelled", version="0.1", filename="bidviz_metric_weights-0.1-py3-none-any.whl")
    assert post(client, spelled.read_bytes(), spelled.name, version="0.1").status_code == 409
    assert (folder / wheel.name).read_bytes() == wheel.read_bytes()
    sdist = make_sdist(tmp_path / "dist")
    assert post(client, sdist.read_bytes(), sdist.name).status_code == 200
    assert post(client, sdist.read_bytes(), sdist.name).status_code == 409


@pytest.mark.parametrize(
    "filename",
    [
        "../bidviz_metric_weights-0.1.0-py3-none-any.whl",
        "..",
        "",
        "/etc/passwd",
        "a/b-1.0-py3-none-any.whl",
        "a\\b-1.0-py3-none-any.whl",
        "bidviz_metric_weights-0.1.0-py3-none-any.whl\0.txt",
        "bidviz_metric_weights-0.1.0.zip",
        "bidviz_metric_weights.whl",
        ".hidden-1.0-py3-none-any.whl",
        "Ω-0.1.0-py3-none-any.whl",
        "a" * 400 + "-0.1.0-py3-none-any.whl",
        "x..y-0.1.0-py3-none-any.whl",
    ],
)
def test_wild_file_names_are_refused(client: FlaskClient, folder: Path, wheel: Path, filename: str) -> None:
    before = sorted(path for path in folder.parent.rglob("*") if path.is_file())
    response = post(client, wheel.read_bytes(), filename)
    assert response.status_code == 400
    assert "\n" not in response.text.strip()
    assert sorted(path for path in folder.parent.rglob("*") if path.is_file()) == before


def test_names_and_versions_must_be_those_of_the_file(client: FlaskClient, tmp_path: Path, wheel: Path) -> None:
    data = wheel.read_bytes()
    assert "is named 'bidviz-metric-other'" in post(client, data, wheel.name, name="bidviz-metric-other").text
    assert "is of version '0.2.0'" in post(client, data, wheel.name, version="0.2.0").text
    assert "is of version 'x'" in post(client, data, wheel.name, version="x").text
    assert post(client, data, wheel.name, name=None).status_code == 400
    renamed = "bidviz_metric_other-0.1.0-py3-none-any.whl"
    response = post(client, data, renamed, name="bidviz-metric-other")
    assert "holds bidviz-metric-weights 0.1.0, expected bidviz-metric-other" in response.text


def rewrite(path: Path, change: dict[str, bytes | None]) -> bytes:
    """A wheel with other members; None takes one out."""
    made = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            if member.filename not in change:
                new.writestr(member, old.read(member))
        for name, data in change.items():
            if data is not None:
                new.writestr(name, data)
    return made.getvalue()


INFO = "bidviz_metric_weights-0.1.0.dist-info"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({f"{INFO}/METADATA": None}, "has no bidviz_metric_weights-0.1.0.dist-info/METADATA"),
        ({f"{INFO}/RECORD": None}, "no WHEEL or no RECORD"),
        ({f"{INFO}/entry_points.txt": b""}, "has no entry point in the group 'bidviz'"),
        ({f"{INFO}/entry_points.txt": b"\xff\x00[["}, "has no entry point in the group 'bidviz'"),
        ({"other-1.0.dist-info/METADATA": b""}, "has 2 folders *.dist-info"),
        ({"../outside.py": b"x = 1"}, "lies outside of it"),
        ({"/absolute.py": b"x = 1"}, "lies outside of it"),
        ({"bidviz.pth": b"import os"}, "would run at every start of Python"),
        ({"bidviz_metric_weights/bidviz-bundle.json": b"{}"}, "cannot be read"),
        ({"bidviz_metric_weights/bidviz-bundle.json": b"\0" * (5 * 2**20)}, "at most 4,194,304 are read"),
        ({"zeros.bin": b"\0" * (65 * 2**20)}, "unpacks to more than"),
        ({f"{INFO}/METADATA": b"Name: <script>\nVersion: 0.1.0\n"}, "expected bidviz-metric-weights 0.1.0"),
    ],
)
def test_a_wheel_that_is_none_is_refused_in_a_sentence(
    client: FlaskClient, folder: Path, wheel: Path, change: dict[str, bytes | None], sentence: str
) -> None:
    response = post(client, rewrite(wheel, change), wheel.name)
    assert response.status_code == 400
    assert sentence in response.text
    assert list(folder.glob("*.whl")) == []


def test_damage_anywhere_in_the_archive_is_found(client: FlaskClient, folder: Path, wheel: Path) -> None:
    data = bytearray(wheel.read_bytes())
    with zipfile.ZipFile(wheel) as archive:
        member = archive.getinfo("bidviz_metric_weights/__init__.py")
    data[member.header_offset + 30 + len(member.filename) + 3] ^= 0xFF
    for broken in (bytes(data), wheel.read_bytes()[:-10], b"", b"no archive"):
        response = post(client, broken, wheel.name)
        assert response.status_code == 400
        assert "broken" in response.text
    sdist = make_sdist(folder.parent / "dist", version="0.3.0")
    cut = post(client, sdist.read_bytes()[:-30], sdist.name, version="0.3.0")
    assert (cut.status_code, "broken" in cut.text) == (400, True)
    assert list(folder.glob("*.whl")) + list(folder.glob("*.gz")) == []


def test_packages_that_are_no_bundles_come_only_when_they_are_wanted(
    client: FlaskClient, shelf: Shelf, settings: Settings, tmp_path: Path
) -> None:
    plain = make_wheel(tmp_path / "dist", "torch", "9.0.0", entry_points="")
    sdist = make_sdist(tmp_path / "dist", "torch", "9.0.0", bundle=False)
    for path in (plain, sdist):
        response = post(client, path.read_bytes(), path.name, name="torch", version="9.0.0")
        assert response.status_code == 400
        assert "--any-package" in response.text
    open_client = create_app(shelf, Settings(settings.folder, settings.tokens, any_package=True)).test_client()
    assert post(open_client, plain.read_bytes(), plain.name, name="torch", version="9.0.0").status_code == 200
    assert client.get("/api/search").json == {"bundles": [], "total": 0}


def test_without_the_token_nothing_is_taken(client: FlaskClient, folder: Path, settings: Settings, wheel: Path) -> None:
    data = wheel.read_bytes()
    missing = post(client, data, wheel.name, headers={})
    assert (missing.status_code, missing.headers["WWW-Authenticate"].split()[0]) == (401, "Basic")
    assert post(client, data, wheel.name, headers=basic("wrong")).status_code == 403
    assert post(client, data, wheel.name, headers=basic("")).status_code == 403
    assert post(client, data, wheel.name, headers=basic(TOKEN, "somebody")).status_code == 403
    assert post(client, data, wheel.name, headers=basic("# of the tests")).status_code == 403
    assert post(client, data, wheel.name, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 401
    for header in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert post(client, data, wheel.name, headers=basic(TOKEN) | header).status_code == 403
    settings.tokens.path.chmod(0o644)  # others can read it: it is no secret any more
    assert post(client, data, wheel.name).status_code == 403
    settings.tokens.path.chmod(0o600)
    assert list(folder.glob("*.whl")) == []
    settings.tokens.path.write_text("another-token-0123456789\n")
    assert post(client, data, wheel.name).status_code == 403
    assert post(client, data, wheel.name, headers=basic("another-token-0123456789")).status_code == 200


def test_uploads_of_another_form_are_refused(client: FlaskClient) -> None:
    for data in ({}, {":action": "submit"}, {":action": "file_upload"}, {":action": "file_upload", "content": "text"}):
        response = client.post("/legacy/", data=data, headers=basic(TOKEN))
        assert response.status_code == 400, data
    assert client.post("/legacy/", data=b"\xff" * 100, headers=basic(TOKEN)).status_code == 400
    broken = client.post("/", data=b"--x", headers=basic(TOKEN), content_type="multipart/form-data; boundary=y")
    assert broken.status_code == 400
    assert client.delete("/legacy/").status_code == 405


# --- a registry in a process of its own ------------------------------------------------------------------------------


def test_twine_and_uv_upload_and_are_told_why_not(registry: Registry, tmp_path: Path) -> None:
    import uv

    wheel = make_wheel(tmp_path / "dist", description=describe(NAME, "0.1.0"))
    sdist = make_sdist(tmp_path / "dist")
    done = registry.twine(wheel, sdist)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (registry.folder / wheel.name).read_bytes() == wheel.read_bytes()
    assert (registry.folder / sdist.name).read_bytes() == sdist.read_bytes()
    again = registry.twine(wheel)
    said = " ".join((again.stdout + again.stderr).split())
    assert again.returncode == 1
    assert "409 Conflict" in said
    assert "bidviz-metric-weights 0.1.0 is already published as a wheel" in said
    wrong = registry.twine(wheel, token="wrong-token-0123456789")
    assert "the token is wrong" in " ".join((wrong.stdout + wrong.stderr).split())
    newer = make_wheel(tmp_path / "newer", version="0.2.0", description=describe(NAME, "0.2.0"))
    line = [uv.find_uv_bin(), "publish", "--no-config", "--publish-url", f"{registry.url}legacy/", "-t", TOKEN]
    published = subprocess.run([*line, str(newer)], capture_output=True, text=True, timeout=150)
    assert published.returncode == 0, published.stderr
    refused = subprocess.run([*line, str(newer)], capture_output=True, text=True, timeout=150)
    assert "already published as a wheel with the very same content" in " ".join(refused.stderr.split())
    assert sorted(path.name for path in registry.folder.glob("[!.]*")) == sorted([wheel.name, sdist.name, newer.name])


def test_what_is_too_large_is_refused_in_a_sentence(tmp_path: Path) -> None:
    registry = Registry(tmp_path, "--max-upload", "1")
    try:
        # More than the limit and what the form's fields may take beside it.
        large = make_wheel(tmp_path / "dist", files={"bidviz_metric_weights/noise.bin": os.urandom(20 * 2**20)})
        stranger = registry.twine(
            make_wheel(tmp_path / "large", files={"noise.bin": os.urandom(3 * 2**20)}), token="x" * 20
        )
        assert "the token is wrong" in " ".join((stranger.stdout + stranger.stderr).split())
        done = registry.twine(large)
        assert "larger than 1 MiB, the most this registry takes" in " ".join((done.stdout + done.stderr).split())
        medium = make_wheel(tmp_path / "medium", files={"bidviz_metric_weights/noise.bin": os.urandom(2 * 2**20)})
        done = registry.twine(medium)
        assert "larger than 1 MiB, the most this registry takes" in " ".join((done.stdout + done.stderr).split())
        assert [path.name for path in registry.folder.glob("*.whl")] == []
        assert list((registry.folder / UPLOADS).glob("*")) == []
    finally:
        registry.close()


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    # A limit on the size of files that its process may write: the write fails in the middle, as on a full disk.
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))"
    registry = Registry(tmp_path, before=limit)
    try:
        small = make_wheel(tmp_path / "dist")
        assert registry.twine(small).returncode == 0
        large = make_wheel(tmp_path / "dist", "bidviz-metric-large", files={"noise.bin": os.urandom(1_000_000)})
        done = registry.twine(large)
        assert done.returncode == 1
        assert "disk is full; nothing was published" in " ".join((done.stdout + done.stderr).split())
        assert [path.name for path in registry.folder.glob("*.whl")] == [small.name]
        assert list((registry.folder / UPLOADS).glob("*")) == []
        assert registry.twine(make_wheel(tmp_path / "dist", version="0.2.0")).returncode == 0
    finally:
        registry.close()


def test_of_uploads_of_one_version_at_once_one_wins(client: FlaskClient, folder: Path, tmp_path: Path) -> None:
    contents = [
        make_wheel(tmp_path / str(number), files={"bidviz_metric_weights/n.py": f"n = {number}\n"}).read_bytes()
        for number in range(8)
    ]
    answers: list[int] = []
    ready = threading.Barrier(8)
    app = client.application

    def upload(content: bytes) -> None:
        ready.wait(60)
        name = "bidviz_metric_weights-0.1.0-py3-none-any.whl"
        answers.append(post(app.test_client(), content, name).status_code)

    threads = [threading.Thread(target=upload, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == [200] + [409] * 7
    [published] = folder.glob("*.whl")
    assert published.read_bytes() in contents
    assert list((folder / UPLOADS).iterdir()) == []


def test_a_token_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    TokenFile(path).prepare()
    assert path.stat().st_mode & 0o777 == 0o600
    assert TokenFile(path).holds(path.read_text().strip())
    made = path.read_text()
    TokenFile(path).prepare()
    assert path.read_text() == made
