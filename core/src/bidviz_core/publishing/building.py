"""`bidviz bundle build`: a wheel and an sdist of a bundle that was checked, with its description inside."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from bidviz_core.description import description_of_wheel
from bidviz_core.errors import BidvizError
from bidviz_core.plugins.contents import content_hash, contents_of
from bidviz_core.testing.checking import Report, check_bundle
from bidviz_core.testing.finding import Finding
from bidviz_core.testing.metadata_checks import check_metadata
from bidviz_core.testing.placing import place
from bidviz_core.testing.process import CheckProcess

EXTRA = "pip install 'bidviz-core[publish]'"


class Built(NamedTuple):
    """What was built.

    Args:
        wheel: the wheel.
        sdist: the source distribution.
        report: what the check found before.
    """

    wheel: Path
    sdist: Path
    report: Report


class NotChecked(BidvizError):
    """There is something to mend, so that nothing was built.

    Args:
        report: what the check found.
    """

    def __init__(self, report: Report) -> None:
        count = len(report.wrong)
        things = f"{count} things are" if count > 1 else "one thing is"
        super().__init__(f"{report.name} was not built: {things} to be mended first.")
        self.report = report


def build_bundle(path: Path, out: Path | None = None, *, process: CheckProcess | None = None) -> Built:
    """Checks a bundle, writes its description, and builds it.

    What its `[build-system]` needs is taken from here where it is installed; elsewhere `build` makes an environment for
    it and asks the package index.

    Args:
        path: its folder.
        out: where wheel and sdist go; `dist` in its folder by default.
        process: where its code is checked, if it is not the only bundle: by default in a process of its own.

    Raises:
        NotChecked: there is something to mend.
        BidvizError: `build` is missing, or the build failed; with what to do.
    """
    need("build")
    report = check_bundle(path, write=True, process=process)
    if report.wrong:
        raise NotChecked(report)
    out = out if out is not None else path / "dist"
    out.mkdir(parents=True, exist_ok=True)
    sdist = _built(path, "sdist", out)
    wheel = _built(path, "wheel", out)
    _look_inside(wheel, report)
    return Built(wheel, sdist, report)


def need(module: str) -> None:
    """Says how to get what is only needed here.

    Raises:
        BidvizError: it is not installed.
    """
    if find_spec(module) is None:
        doing = "Building" if module == "build" else "Publishing"
        raise BidvizError(f"{doing} a bundle needs {module}, which is not installed here: {EXTRA}")


def _built(path: Path, kind: Any, out: Path) -> Path:
    import pyproject_hooks
    from build import BuildBackendException, BuildException, FailedProcessError, ProjectBuilder
    from build.env import DefaultIsolatedEnv

    quiet: Callable[..., None] = pyproject_hooks.quiet_subprocess_runner
    try:
        here = ProjectBuilder(path, runner=quiet)
        if not here.check_dependencies(kind):
            return Path(here.build(kind, out))
        with DefaultIsolatedEnv() as environment:
            builder = ProjectBuilder.from_isolated_env(environment, path, quiet)
            environment.install(builder.build_system_requires)
            environment.install(builder.get_requires_for_build(kind))
            return Path(builder.build(kind, out))
    except (BuildException, BuildBackendException, FailedProcessError, OSError) as error:
        output = getattr(getattr(error, "exception", None), "output", None) or b""
        last = output.decode(errors="replace").strip().splitlines()[-1:] or [str(error)]
        raise BidvizError(
            f"{path.name} could not be built ({kind}): {last[0]}. Mend pyproject.toml, then try again."
        ) from None


def _look_inside(wheel: Path, report: Report) -> None:
    """The wheel holds what was checked, and no more."""
    with tempfile.TemporaryDirectory(prefix="bidviz-built-") as folder:
        placed = place(wheel, Path(folder))
        findings = [one for one in check_metadata(placed) if one.level == "finding"]
        said = description_of_wheel(wheel)
        files = contents_of(placed.bundle()).files if placed.entry_points else {}
        if said is None or said.hash != content_hash(files):
            findings.append(
                Finding(
                    wheel.name,
                    "it does not hold the files that were checked.",
                    "See to it that the build takes the whole import package: packages = ['src/…'].",
                )
            )
    if findings:
        raise NotChecked(Report(report.name, report.version, findings))
