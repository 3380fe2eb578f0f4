"""Turns what lives in a session into a bundle on the disk, checked and with its tests: `session.share`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from bidviz_core.description import FILE, Description, PageFile, Sample, decode_description
from bidviz_core.errors import BidvizError
from bidviz_core.metrics.slot import seconds_text
from bidviz_core.sharing.gathering import Gathered, gather
from bidviz_core.sharing.licences import licence_of
from bidviz_core.sharing.naming import BundleName, bundle_name
from bidviz_core.sharing.picture import draw_samples
from bidviz_core.sharing.project import set_aside, write_files
from bidviz_core.sharing.writing import files_of, readme, tests_of

if TYPE_CHECKING:
    from bidviz_core.session import Session

#: Seconds after which a check has gone wrong for certain.
_PATIENCE = 1800


class Shared(NamedTuple):
    """A bundle that was written.

    Args:
        folder: its folder.
        files: its files, relative to it.
        check: what `bidviz bundle check` says of it: `about`, `what`, `mend` and `level` (`"finding"` or `"note"`).
        aside: where a bundle of the same name, which was in its folder, is now; none where there was none.
    """

    folder: Path
    files: list[str]
    check: list[dict[str, Any]]
    aside: Path | None = None


def share(
    session: Session,
    name: str,
    *,
    metrics: Sequence[str] = (),
    policies: Sequence[str] = (),
    page: PageFile | None = None,
    folder: str | os.PathLike[str] = "",
    author: str = "",
    licence: str = "",
    replace: bool = False,
    progress: Callable[[str], None] = lambda text: None,
) -> Shared:
    """Writes metrics, policies and a page of a session as a bundle, and checks it.

    The check runs in a process of its own, at the lowest priority; whoever calls this waits for it (usually under a
    minute, minutes on a busy machine).

    Args:
        session: the session.
        name: what the bundle is called, whole or its own part.
        metrics: names of metrics.
        policies: hyperparameters whose policies are shared.
        page: a page of panels; the metrics that it shows come with it.
        folder: where the bundle's own folder is made; by default in the run's folder, under `bundles`.
        author: whose it is.
        licence: its licence, SPDX's name; Apache-2.0 by default.
        replace: whether a bundle of that name that is in its folder is put aside; it keeps all it holds, under another
            name. Otherwise a folder that is there is an error.
        progress: is given a line of text now and then.

    Raises:
        BidvizError: something cannot be shared, or the folder cannot be written; with what to do.
    """
    called = _called(name, metrics, policies, page)
    licence = licence_of(licence)
    progress("Gathering code and charts.")
    gathered = gather(session, called, metrics, policies, page)
    parent = Path(folder).expanduser() if str(folder) else session.run_dir / "bundles"
    place = parent.absolute() / called.distribution
    files = files_of(called, gathered, author=author, licence=licence, run=session.name)
    aside = set_aside(place, called.distribution) if replace else None
    try:
        write_files(place, files)
    except BidvizError:
        if aside is not None and not place.exists():
            aside.rename(place)
        raise
    if aside is not None:
        progress(f"What was there is now in {aside.name}.")
    progress(f"Checking {called.distribution} on the sample learners.")
    report = _check(place)
    progress("Writing its tests from what was recorded.")
    _finish(place, called, gathered, session.name, report)
    written = sorted(one.relative_to(place).as_posix() for one in place.rglob("*") if one.is_file())
    return Shared(place, [one for one in written if "__pycache__" not in one], report["findings"], aside)


def distribution_of(name: str, metrics: Sequence[str], policies: Sequence[str], page: PageFile | None) -> str:
    """What the bundle of that name is called as a distribution; the name itself where it is none."""
    try:
        return _called(name, metrics, policies, page).distribution
    except BidvizError:
        return name


def _called(name: str, metrics: Sequence[str], policies: Sequence[str], page: PageFile | None) -> BundleName:
    only_policies = bool(policies) and not metrics and page is None
    return bundle_name(name, "policy" if only_policies else "metric")


def _check(place: Path) -> dict[str, Any]:
    """Runs `bidviz bundle check --write` where it cannot disturb the training."""
    line = [sys.executable, "-m", "bidviz_core.cli", "bundle", "check", str(place)]
    line += ["--write", "--json", "--pictures", str(place / "docs")]
    if nice := shutil.which("nice"):
        line = [nice, "-n", "19", *line]
    # The training's cores are the training's.
    quiet = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "BIDVIZ_DASHBOARD": "off"}
    environment = {key: value for key, value in os.environ.items() if key not in ("RANK", "LOCAL_RANK", "WORLD_SIZE")}
    said = ""
    try:
        done = subprocess.run(
            line,
            capture_output=True,
            text=True,
            env={**environment, **quiet},
            timeout=_PATIENCE,
            cwd=place,
            check=False,
        )
        said = done.stderr
        report: dict[str, Any] = msgspec.json.decode(done.stdout.encode())
    except (subprocess.TimeoutExpired, msgspec.DecodeError, OSError) as error:
        last = said.strip().splitlines()[-1:] or [str(error)]
        raise BidvizError(
            f"{place} is written, but its check did not end well ({last[0][:300]}): run `bidviz bundle check {place}`."
        ) from None
    return report


def _finish(place: Path, name: BundleName, gathered: Gathered, run: str, report: dict[str, Any]) -> None:
    """What only the check can say: recorded values with their tests, pictures, costs."""
    file = place / "src" / name.package / FILE
    said = decode_description(file.read_bytes()) if file.is_file() else Description(1, name.distribution, "0.1.0")
    tests = place / "tests"
    tests.mkdir(exist_ok=True)
    (tests / "recorded.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(_recorded(said, report)), indent=1) + b"\n"
    )
    (tests / "test_recorded.py").write_text(tests_of(name, gathered), "utf-8")
    pictures = [Path(one).relative_to(place).as_posix() for one in report["pictures"]]
    if not pictures and (drawn := draw_samples(said)):
        (place / "docs").mkdir(exist_ok=True)
        (place / "docs" / "samples.svg").write_text(drawn, "utf-8")
        pictures = ["docs/samples.svg"]
    costs = {
        one["name"]: f"{seconds_text(one['cost'] / 1e6)} on the sample learner {one['cost_on']}"
        for one in report["metrics"]
        if one.get("cost") is not None
    }
    (place / "README.md").write_text(readme(name, gathered, run, pictures, costs), "utf-8")


def _recorded(said: Description, report: dict[str, Any]) -> dict[str, Any]:
    """What `bidviz_core.testing.read_recorded` reads."""
    metrics = []
    for trial in report["metrics"]:
        if not trial.get("learners"):
            continue
        own = [one for one in said.samples if one == trial["name"] or one.startswith(f"{trial['name']}/")]
        series: dict[str, Sample] = {one: said.samples[one] for one in own if one not in trial.get("varying", ())}
        metrics.append(
            {
                "metric": trial["name"],
                "learner": trial["learners"][0],
                "steps": trial["steps"],
                "names": trial["first"],
                "series": series,
            }
        )
    policies = {name.removeprefix("policy/"): one for name, one in said.samples.items() if name.startswith("policy/")}
    return {"names": [one.name for one in said.metrics], "metrics": metrics, "policies": policies}
