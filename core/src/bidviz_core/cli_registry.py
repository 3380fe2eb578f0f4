"""`bidviz registry`: runs a registry of bundles, searches one, and withdraws what was published."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bidviz_core.errors import BidvizError

app = typer.Typer(
    name="registry",
    help="Run a registry of bundles, or search one.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def serve(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where its wheels lie; made where it is not there.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port; 0 takes a free one.", min=0, max=65535)] = 10002,
    token_file: Annotated[
        Path | None, typer.Option(help="Tokens for uploads, one a line; made where it is not there.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Ask for a token for reading too.")] = False,
    read_token_file: Annotated[Path | None, typer.Option(help="Tokens that can read alone, with --private.")] = None,
    max_upload: Annotated[int, typer.Option(help="The most MiB of an upload.", min=1)] = 100,
    any_package: Annotated[
        bool, typer.Option("--any-package", help="Take packages that are no bundles as well.")
    ] = False,
    url: Annotated[str, typer.Option(help="The address people use, where a proxy stands before it.")] = "",
) -> None:
    """Serve a folder of bundles: pip and uv install from it, twine uploads to it, a browser shows it."""
    try:
        from bidviz_registry.server.serving import serve as run
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    run(
        folder,
        host=host,
        port=port,
        token_file=token_file,
        private=private,
        read_token_file=read_token_file,
        most_megabytes=max_upload,
        any_package=any_package,
        url=url,
    )


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="Words; all bundles without any.")] = "",
    registry: Annotated[
        str, typer.Option(help="An address, or a name of registries.toml; by default all of those, or the one here.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many.", min=1, max=100)] = 20,
) -> None:
    """Search a registry: names, summaries, metrics and their help."""
    try:
        from bidviz_registry.asking import list_found
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    print(list_found(registry, query, limit))


@app.command()
def yank(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The registry's folder.")],
    name: Annotated[str, typer.Argument(help="The bundle.")],
    version: Annotated[str, typer.Argument(help="Its version.")],
    reason: Annotated[str, typer.Option(help="Why; it is shown to who installs it all the same.")] = "",
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
) -> None:
    """Withdraw a version: it stays for those that name it exactly, and nobody else is given it."""
    try:
        from bidviz_registry.server.withdrawing import withdraw
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    for filename in withdraw(folder, name, version, reason, undo):
        print(f"{filename} is {'offered again' if undo else 'withdrawn'}.")


def _missing(error: ModuleNotFoundError) -> BidvizError:
    """A sentence in place of the import that failed, where what is missing is optional."""
    missing = (error.name or "").split(".")[0]
    if missing == "bidviz_registry":
        return BidvizError("The registry is not installed: pip install 'bidviz-registry[server]'")
    if missing in ("flask", "werkzeug", "cheroot", "bidviz_dashboard"):
        return BidvizError(
            f"A registry needs {missing}, which is not installed here: pip install 'bidviz-registry[server]'"
        )
    raise error
