"""The command line, `bidviz`: each command imports what it needs when it runs, so that all of them start at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bidviz_core.cli_bundle import app as bundle_app
from bidviz_core.cli_registry import app as registry_app
from bidviz_core.demos import DEMOS, run_demo
from bidviz_core.errors import BidvizError

app = typer.Typer(
    name="bidviz",
    help="Look into a training that is running, and put it right, without stopping it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(bundle_app)
app.add_typer(registry_app)

DEMO_HELP = "; ".join(f"{name}: {what}" for name, (what, _) in DEMOS.items())


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def demo(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=DEMO_HELP, metavar=f"[{'|'.join(DEMOS)}]")] = "digits",
) -> None:
    """Run a demo, a real training, and print the dashboard's address; what follows the name goes to the script."""
    if name not in DEMOS:
        raise typer.BadParameter(f"there is no demo {name!r}; choose one of {', '.join(DEMOS)}.", param_hint="'NAME'")
    run_demo(name, context.args)


@app.command()
def dashboard(
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1 by default.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 10001 by default.", min=0, max=65535)] = None,
    run_dir: Annotated[Path | None, typer.Option(help="Show the runs of this folder too.")] = None,
    no_code: Annotated[bool, typer.Option("--no-code", help="Let nobody send code to a training.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop your dashboards, or the one that listens there.")] = False,
) -> None:
    """Show runs in a browser, those that have ended as well."""
    try:
        from bidviz_dashboard.main import main as dashboard_main
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("bidviz_dashboard"):
            raise
        raise BidvizError("The dashboard is not installed: pip install bidviz-dashboard") from None
    arguments: list[str] = []
    if host is not None:
        arguments += ["--host", host]
    if port is not None:
        arguments += ["--port", str(port)]
    if run_dir is not None:
        arguments += ["--run-dir", str(run_dir)]
    arguments += ["--no-code"] * no_code + ["--stop"] * stop
    raise typer.Exit(dashboard_main(arguments) or 0)


@app.command()
def runs(
    limit: Annotated[int, typer.Option("--limit", "-n", help="Show at most so many, newest first.", min=1)] = 20,
) -> None:
    """List runs, newest first: state, last step, when it began, and its folder."""
    from bidviz_core.listings import list_runs

    print(list_runs(limit))


@app.command()
def plugins() -> None:
    """List the bundles installed here, with what each would bring to a session."""
    from bidviz_core.listings import list_plugins

    print(list_plugins())


@app.command()
def doctor() -> None:
    """Check this installation and say how to mend what is wrong; the exit status is 1 if something is."""
    from bidviz_core.doctor import examine

    findings = examine()
    for finding in findings:
        print(finding)
    raise typer.Exit(1 if any(finding.wrong for finding in findings) else 0)


@app.callback(invoke_without_command=True)
def version_option(
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)] = False,
) -> None:
    """Look into a training that is running, and put it right, without stopping it."""
    if version:
        from bidviz_core import __version__

        print(f"bidviz-core {__version__}")
        raise typer.Exit


def main() -> None:
    """The command's entry point: an error of ours is one sentence with its hint, never a traceback."""
    try:
        app()
    except BidvizError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - a fault of ours; the sentence says where the traceback is
        print(f"Error: {type(error).__name__}: {error}. This is a fault of BIDViz{_kept_traceback()}.", file=sys.stderr)
        sys.exit(1)


def _kept_traceback() -> str:
    """Writes the traceback beside the dashboard's logs; gives the end of a sentence that says where."""
    import traceback

    from bidviz_core.identity import state_folder

    try:
        folder = state_folder() / "logs"
        folder.mkdir(mode=0o700, exist_ok=True)
        file = folder / "bidviz.log"
        with file.open("a", encoding="utf-8") as log:
            print(" ".join(sys.argv), traceback.format_exc(), sep="\n", file=log)
    except OSError:
        return ""  # the state folder is what is broken: bidviz doctor says so
    return f"; its traceback is in {file}"


if __name__ == "__main__":
    main()
