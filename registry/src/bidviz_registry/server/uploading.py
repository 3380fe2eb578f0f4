"""Uploads, in the form in which twine and uv make them (the legacy upload API of PyPI)."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import hmac
import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import flask
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge

from bidviz_registry.server.checking import check_archive
from bidviz_registry.server.held import Held
from bidviz_registry.server.reading import parse_filename, read_file
from bidviz_registry.server.refusals import Refused
from bidviz_registry.server.settings import UPLOADS, Settings
from bidviz_registry.server.shelf import Shelf

_LOG = logging.getLogger("bidviz.registry")
#: Metadata travels as fields of the form, a README among them.
MOST_FIELD_BYTES = 16 * 2**20
#: What is over the limit is read and dropped up to so many times it, so that the sentence arrives.
_DRAINED_TIMES = 4
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_HASHES: dict[str, Callable[[], Any]] = {
    "sha256_digest": hashlib.sha256,
    "md5_digest": lambda: hashlib.md5(usedforsecurity=False),
    "blake2_256_digest": lambda: hashlib.blake2b(digest_size=32),
}


class Request(flask.Request):
    """A request whose uploaded file grows in the registry's own folder, so that publishing it moves nothing."""

    max_form_memory_size = MOST_FIELD_BYTES
    max_form_parts = 5_000

    def _get_file_stream(self, *about: Any, **more: Any) -> IO[bytes]:
        folder: Path = flask.current_app.config["BIDVIZ_FOLDER"] / UPLOADS
        folder.mkdir(mode=0o700, exist_ok=True)
        return tempfile.NamedTemporaryFile("w+b", dir=folder, prefix="upload-")  # the request closes it


def make_uploads(shelf: Shelf, settings: Settings) -> flask.Blueprint:
    """The address that uploads go to.

    Args:
        shelf: where they are put.
        settings: how the registry is run.
    """
    pages = flask.Blueprint("uploads", __name__)

    @pages.post("/legacy/")
    @pages.post("/")
    def upload() -> tuple[str, int]:
        request = flask.request
        try:
            _refuse_browsers(request.headers)
            _refuse_strangers(settings)
            if request.form.get(":action") != "file_upload":
                raise Refused("Expected an upload as twine makes it (:action is file_upload): twine upload FILES.")
            sent = request.files.getlist("content")
            if len(sent) != 1:
                raise Refused(f"Got {len(sent)} files in the field content, expected one.")
            draft = sent[0].stream
            if draft.seek(0, os.SEEK_END) > settings.most_bytes:
                raise RequestEntityTooLarge
            draft.flush()
            os.fsync(draft.fileno())
            held = publish(shelf, settings, Path(draft.name), sent[0].filename or "", request.form)
        except RequestEntityTooLarge:
            _drain(settings.most_bytes)
            raise Refused(
                f"The upload is larger than {settings.most_bytes / 2**20:,.0f} MiB, the most this registry takes.", 413
            ) from None
        except Refused:
            _drain(settings.most_bytes)
            raise
        except OSError as error:
            if error.errno in _FULL:
                raise Refused("The registry's disk is full; nothing was published. Tell who runs it.", 507) from error
            raise
        return f"Published {held.project} {held.version}: sha256 {held.sha256}\n", 200

    return pages


def publish(shelf: Shelf, settings: Settings, draft: Path, filename: str, said: Mapping[str, str]) -> Held:
    """Publishes a file that has been received, if all that was said of it is true.

    Args:
        shelf: where it is put.
        settings: how the registry is run.
        draft: the file, in the shelf's folder.
        filename: the name it is to have.
        said: the form's fields: `name`, `version`, digests.

    Raises:
        Refused: it is not published, and why.
        OSError: the disk is full, or the file system is broken.
    """
    parse_filename(filename)
    _compare_hashes(draft, filename, said)
    held = read_file(draft, filename)
    _compare_name(held, said)
    check_archive(draft, held)
    if held.problem:
        raise Refused(f"{filename}: {held.problem}")
    known = shelf.snapshot().projects.get(held.project)
    is_of_bundle = held.kind == "sdist" and known is not None and known.is_bundle
    if not (held.bundle or is_of_bundle or settings.any_package):
        raise Refused(
            f"{filename} has no entry point in the group 'bidviz', so it is no bundle: add it, or have the registry "
            "started with --any-package."
        )
    draft.chmod(0o644)
    shelf.publish(draft, held)
    _LOG.info("Published %s: sha256 %s", held.filename, held.sha256)
    return held


def sweep(folder: Path, older: float) -> None:
    """Removes what broken uploads left behind.

    Args:
        folder: the registry's.
        older: seconds since 1970; what is younger may be another server's and is left.
    """
    with contextlib.suppress(OSError):
        for path in (folder / UPLOADS).iterdir():
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < older:
                    path.unlink()


def _compare_hashes(draft: Path, filename: str, said: Mapping[str, str]) -> None:
    for field, make in _HASHES.items():
        expected = said.get(field, "").strip().lower()
        if not expected:
            continue
        with draft.open("rb") as file:
            got = hashlib.file_digest(file, make).hexdigest()
        if not hmac.compare_digest(got.encode(), expected.encode()):
            kind = field.removesuffix("_digest")
            raise Refused(
                f"{filename} arrived with {kind} {got}, expected {expected[:128]}: it was damaged on its way, or "
                "changed. Upload it again."
            )


def _compare_name(held: Held, said: Mapping[str, str]) -> None:
    name, version = said.get("name", ""), said.get("version", "")
    if canonicalize_name(name) != held.project:
        raise Refused(f"The upload is named {name[:100]!r}, but {held.filename} holds {held.name}.")
    try:
        fits = Version(version) == Version(held.version)
    except InvalidVersion:
        fits = False
    if not fits:
        raise Refused(f"The upload is of version {version[:100]!r}, but {held.filename} holds {held.version}.")


def _refuse_browsers(headers: Headers) -> None:
    """A page of a stranger's in a browser that knows a token must not upload with it; no page of ours does."""
    if "Origin" in headers or headers.get("Sec-Fetch-Site", "none") != "none":
        raise Refused("Uploads come from twine or uv, not from a page in a browser.", 403)


def _refuse_strangers(settings: Settings) -> None:
    given = flask.request.authorization
    if given is None or given.type != "basic":
        raise Refused("Uploading needs a token: user name __token__, and the token as the password.", 401)
    if given.username != "__token__" or not settings.tokens.holds(given.password or ""):
        raise Refused(
            "The user name is not __token__, or the token is wrong: it stands in the registry's token file.", 403
        )


def _drain(most: int) -> None:
    """Reads what is still being sent, so that the sender reads the sentence; not without end."""
    left = most * _DRAINED_TIMES
    stream = flask.request.environ["wsgi.input"]
    length = flask.request.content_length
    left = min(left, length) if length is not None else left
    while left > 0 and (chunk := stream.read(min(left, 2**18))):
        left -= len(chunk)
