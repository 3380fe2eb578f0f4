"""`bidviz bundle`: begins, checks, builds and publishes bundles. Each command imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bidviz_core.description import Description
    from bidviz_core.publishing.building import NotChecked
    from bidviz_core.testing.checking import Draw
    from bidviz_core.testing.finding import Finding

app = typer.Typer(
    name="bundle",
    help="Write, check, build and publish bundles.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_PATH = typer.Argument(help="A folder with a pyproject.toml (this one by default), or a wheel.", show_default=False)

_FOLDER = typer.Argument(help="The bundle's folder; this one by default.", show_default=False)


@app.command()
def check(
    path: Annotated[Path, _PATH] = Path("."),
    write: Annotated[bool, typer.Option("--write", help="Write bidviz-bundle.json into the bundle's package.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    pictures: Annotated[Path | None, typer.Option(help="Draw every chart into this folder, as PNG.")] = None,
) -> None:
    """Check a bundle on the sample learners, in a process of its own; exit status 1 if something is to be mended."""
    from bidviz_core.testing.checking import check_bundle
    from bidviz_core.testing.telling import form_of, lines_of

    _must_be_a_bundle(path)
    if write and path.is_file():
        raise typer.BadParameter("a wheel is not changed any more: give the folder.", param_hint="'--write'")
    report = check_bundle(path, write=write, draw=_drawing(pictures) if pictures is not None else None)
    if json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(form_of(report)), indent=1).decode())
    else:
        for line in lines_of(report):
            print(line)
    raise typer.Exit(1 if report.wrong else 0)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Its name, such as sharpness; bidviz-metric- is put before it.")],
    policy: Annotated[bool, typer.Option("--policy", help="It holds a policy: bidviz-policy-NAME.")] = False,
    folder: Annotated[Path, typer.Option(help="Where its folder is made; here by default.")] = Path("."),
    author: Annotated[str, typer.Option(help="Whose it is: Ada Lovelace <ada@example.org>.")] = "",
    licence: Annotated[str, typer.Option("--license", help="Its licence, by SPDX's name.")] = "Apache-2.0",
) -> None:
    """Begin a bundle: a folder with code, charts, tests and licence that passes the check as it comes."""
    from bidviz_core.errors import BidvizError
    from bidviz_core.sharing.naming import bundle_name
    from bidviz_core.sharing.scaffold import new_bundle

    try:
        bundle_name(name)
    except BidvizError as error:
        raise typer.BadParameter(str(error), param_hint="'NAME'") from None
    made = new_bundle(name, folder, policy=policy, author=author, licence=licence)
    print(f"{made} is made. Write your code there, then:  bidviz bundle check {made}")


@app.command()
def build(
    path: Annotated[Path, _FOLDER] = Path("."),
    out: Annotated[Path | None, typer.Option(help="Where wheel and sdist go; PATH/dist by default.")] = None,
) -> None:
    """Check a bundle, write its description, and build its wheel and sdist."""
    from bidviz_core.publishing.building import NotChecked, build_bundle

    _must_be_a_bundle(path, folder=True)
    try:
        built = build_bundle(path, out)
    except NotChecked as error:
        _say_what_to_mend(error)
        raise
    print(f"{built.wheel}\n{built.sdist}")


@app.command()
def publish(
    path: Annotated[Path, _PATH] = Path("."),
    repository: Annotated[
        str,
        typer.Option(
            help="An address for uploads, or the name of a registry in registries.toml or ~/.pypirc.",
            metavar="URL|NAME",
        ),
    ] = "pypi",
    token: Annotated[str, typer.Option(help="The token; better TWINE_PASSWORD, the keyring or ~/.pypirc.")] = "",
    user: Annotated[str, typer.Option(help="The user name that goes with the token.")] = "__token__",
) -> None:
    """Upload a bundle: a folder is checked and built first, a wheel goes as it is, with the sdist beside it."""
    from bidviz_core.publishing.building import NotChecked
    from bidviz_core.publishing.publishing import publish_bundle

    _must_be_a_bundle(path)
    try:
        published = publish_bundle(path, _address(repository), token, user)
    except NotChecked as error:
        _say_what_to_mend(error)
        raise
    for file in published.files:
        print(f"{file.name} is published at {published.repository}.")


def _address(repository: str) -> str:
    """The address for uploads of a registry that is configured by name; anything else is twine's to know."""
    if "://" in repository:
        return repository
    try:
        from bidviz_registry.sources import configured
    except ModuleNotFoundError:
        return repository
    for source in configured():
        if source.name == repository and source.kind == "registry":
            return f"{source.address.rstrip('/')}/legacy/"
    return repository


def _say_what_to_mend(error: NotChecked) -> None:
    for finding in error.report.wrong:
        print(finding)


def _must_be_a_bundle(path: Path, folder: bool = False) -> None:
    if not path.exists():
        raise typer.BadParameter(f"there is nothing at {path}.", param_hint="'PATH'")
    if folder and path.is_file():
        raise typer.BadParameter("a wheel is built already: give the folder.", param_hint="'PATH'")
    if path.is_file() and path.suffix != ".whl":
        raise typer.BadParameter(f"{path} is neither a folder nor a wheel.", param_hint="'PATH'")
    if path.is_dir() and not (path / "pyproject.toml").is_file():
        raise typer.BadParameter(
            f"{path} has no pyproject.toml; `bidviz bundle new NAME` begins a bundle.", param_hint="'PATH'"
        )


def _drawing(folder: Path) -> Draw:
    """What draws charts: the dashboard's own renderers in a Chromium, where both are here."""

    def draw(description: Description) -> tuple[list[Path], list[Finding]]:
        from bidviz_core.errors import BidvizError
        from bidviz_core.testing.finding import Finding, note

        try:
            from bidviz_dashboard.pictures import draw_bundle
        except ModuleNotFoundError as error:
            if not (error.name or "").startswith("bidviz_dashboard"):
                raise
            mend = "Install it: pip install bidviz-dashboard."
            return [], [note("pictures", "none were drawn, for bidviz-dashboard is not installed.", mend)]
        undrawn: list[Finding] = []
        silent = [metric.name for metric in description.metrics if not metric.learners]

        def told(panel: str, sentence: str) -> None:
            about = f"chart {panel.partition(':')[2] or panel}"
            what = f"it was not drawn: {sentence}"
            if any(name in panel or name in sentence for name in silent):
                undrawn.append(note(about, what))  # the metric had nothing to give, which is said already
            else:
                undrawn.append(Finding(about, what, "Look at its kind and its series."))

        try:
            return draw_bundle(description, folder, told=told), undrawn
        except BidvizError as error:
            return [], [note("pictures", str(error))]

    return draw
