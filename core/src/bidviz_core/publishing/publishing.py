"""`bidviz bundle publish`: uploads what was built with twine, and says in a sentence what an index answers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from packaging.utils import parse_wheel_filename

from bidviz_core.errors import BidvizError
from bidviz_core.publishing.building import build_bundle, need

#: What an index answers to a file that it has already: PyPI 400, others 409.
_TAKEN = ("already exists", "already published", "is already", "has already been")
_LONGEST = 300


class Published(NamedTuple):
    """What was uploaded.

    Args:
        files: the files.
        repository: where to.
    """

    files: list[Path]
    repository: str


def publish_bundle(path: Path, repository: str = "pypi", token: str = "", user: str = "__token__") -> Published:
    """Uploads a bundle.

    Args:
        path: its folder, which is checked and built first, or a wheel, which is uploaded with the sdist beside it.
        repository: a URL, or a name in `~/.pypirc` (`"pypi"` and `"testpypi"` are always known).
        token: the token for uploads; by default that of `TWINE_PASSWORD`, the keyring or `~/.pypirc`.
        user: the user name that goes with it.

    Raises:
        NotChecked: there is something to mend.
        BidvizError: `twine` is missing, or the index refused; with what to do.
    """
    need("twine")
    if path.is_dir():
        built = build_bundle(path)
        files = [built.wheel, built.sdist]
    else:
        files = _with_sdist(path)
    _upload(files, repository, token, user)
    return Published(files, repository)


def _with_sdist(wheel: Path) -> list[Path]:
    name, version, _, _ = parse_wheel_filename(wheel.name)
    beside = wheel.parent / f"{name.replace('-', '_')}-{version}.tar.gz"
    return [wheel, *([beside] if beside.is_file() else [])]


def _upload(files: Sequence[Path], repository: str, token: str, user: str) -> None:
    import requests
    from twine.commands.upload import upload
    from twine.exceptions import TwineException
    from twine.settings import Settings

    where: dict[str, Any] = {"repository_name": repository}
    if "://" in repository:
        where = {"repository_name": None, "repository_url": repository}
    # twine's own command reads these; the keyring is asked for the user's password where there is none.
    token = token or os.environ.get("TWINE_PASSWORD", "")
    user = os.environ.get("TWINE_USERNAME", "") or user
    if token or "://" in repository:
        where |= {"username": user, "password": token or None}
    try:
        settings = Settings(non_interactive=True, disable_progress_bar=True, **where)
        upload(settings, [str(file) for file in files])
    except requests.HTTPError as error:
        raise BidvizError(_refused(files[0], repository, error.response)) from None
    except requests.RequestException as error:
        host = urlsplit(repository).netloc or repository
        raise BidvizError(
            f"{host} could not be reached ({type(error).__name__}): nothing was published. Look at the address, and "
            "try again."
        ) from None
    except KeyError:
        raise BidvizError(
            f"There is no repository {repository!r} in ~/.pypirc: give its address, --repository https://…."
        ) from None
    except TwineException as error:
        if "NonInteractive" in type(error).__name__ or "Credential" in str(error):
            raise BidvizError(_no_token(repository)) from None
        raise BidvizError(f"{files[0].name} was not published: {_first_line(str(error))}") from None


def _refused(file: Path, repository: str, response: Any) -> str:
    """What an index's refusal means, and what to do about it."""
    status = response.status_code if response is not None else 0
    said = _first_line(f"{getattr(response, 'reason', '') or ''}: {getattr(response, 'text', '') or ''}")
    name, version, _, _ = parse_wheel_filename(file.name)
    if status == 409 or any(word in said.lower() for word in _TAKEN):
        return (
            f"{name} {version} is published already at {repository}, and a version is never replaced: raise the "
            "version in pyproject.toml, then publish that."
        )
    if status in (401, 403):
        return f"{repository} does not take this token ({status}): {said} {_no_token(repository)}"
    return f"{repository} refused {file.name} ({status}): {said}"


def _no_token(repository: str) -> str:
    return (
        f"Give a token for uploads to {repository}: --token, TWINE_PASSWORD in the environment, the keyring "
        "(keyring set ADDRESS __token__), or ~/.pypirc."
    )


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.replace("<", "\n<").splitlines() if line.strip() and "<" not in line]
    return " ".join(lines)[:_LONGEST]
