"""IPython in the training process: its transformations, magics, tracebacks and displays, and none of what it does to
the process around it (modules, hooks, builtins, prompts, files at exit)."""

# mypy: disallow-untyped-calls=False

from __future__ import annotations

import asyncio
import atexit
import contextlib
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import traitlets
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.history import HistoryManager
from IPython.core.inputtransformer2 import TransformerManager
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.profiledir import ProfileDir

from bidviz_core.console import figures, history
from bidviz_core.console.commands import run_command
from bidviz_core.console.output import Output
from bidviz_core.console.plain import EXIT, Outcome
from bidviz_core.console.scope import Scope
from bidviz_core.console.traces import where_interrupted, without_ours
from bidviz_core.console.waiting import Awaiting
from bidviz_core.identity import state_folder
from bidviz_core.metrics.interrupt import AWHILE, INTERRUPTS

#: Lines that wait to be written into the history in memory, which is brought up to date whenever it is searched.
_WAITING_LINES = 100
#: Where Python keeps what was raised last and caught by nobody.
_LAST = ("last_exc", "last_type", "last_value", "last_traceback")
#: What every magic, `!command`, `/call` and `help?` of IPython has in it; in plain Python only `%` is common.
_SPECIAL = re.compile(r"[%?]|!(?!=)|^\s*[!/,;]", re.MULTILINE)


class _Transformers(TransformerManager):
    """IPython's, without its look for special syntax where there is none: it reads each line as tokens."""

    def __init__(self) -> None:
        super().__init__()
        self._usual = [*self.token_transformers]

    def do_token_transforms(self, lines: list[str]) -> list[str]:
        """Turns special syntax into Python."""
        if self.token_transformers == self._usual and not _SPECIAL.search("".join(lines)):
            return lines
        transformed: list[str] = super().do_token_transforms(lines)
        return transformed


class _Hook(DisplayHook):
    """Gives the value of a line to its output."""

    shell: Any

    def flush(self) -> None:
        """Forgets the values of former lines, without IPython's full garbage collection: the training waits for it."""
        names, hidden = self.shell.user_ns, self.shell.user_ns_hidden
        for number in range(1, self.prompt_count + 1):
            hidden.pop(f"_{number}", None)
            if dict.__contains__(names, name := f"_{number}"):
                del names[name]
        names.get("_oh", {}).clear()
        self._ = self.__ = self.___ = ""
        for where in (names, hidden):
            where.update({"_": "", "__": "", "___": ""})

    def check_for_underscore(self) -> None:
        """`_` is the console's own, whatever stands among the builtins."""

    def write_output_prompt(self) -> None:
        """There is none."""

    def finish_displayhook(self) -> None:
        """Nothing follows a value."""
        self._is_active = False

    def write_format_data(self, format_dict: dict[str, Any], md_dict: Any = None) -> None:
        """Shows the value in all its forms."""
        self.shell.output.show(figures.sendable(format_dict))

    def log_output(self, format_dict: dict[str, Any]) -> None:
        """The output is kept by nobody: it may hold a picture of megabytes."""


class _Publisher(DisplayPublisher):
    """Gives what is displayed to the output of the line."""

    shell: Any

    def publish(self, data: dict[str, Any], metadata: Any = None, *_: Any, **__: Any) -> None:
        """Shows something in all its forms."""
        shown = figures.sendable(data)
        if "text/plain" in shown:
            shown["text/plain"] += "\n"
        self.shell.output.show(shown)


class Shell(InteractiveShell):
    """One IPython for one thread's lines; never the process's `get_ipython()` but while a line runs at the boundary.

    Args:
        scope: the names that lines find.
    """

    builtin_trap: Any = traitlets.Any()
    display_trap: Any = traitlets.Any()
    display_formatter: Any

    def __init__(self, scope: Scope) -> None:
        self.output = Output(None)
        self.on_training_thread = False
        self._last_error: dict[str, Any] = {}
        self.awaiting = Awaiting()
        folder = _folder()
        super().__init__(
            ipython_dir=str(folder),
            profile_dir=ProfileDir(location=str(folder)),
            user_ns=scope,
            displayhook_class=_Hook,
            display_pub_class=_Publisher,
            loop_runner=self.awaiting.run,
            colors="neutral",
            history_length=history.KEPT,
            cache_size=50,
        )
        self.input_transformer_manager = _Transformers()
        # jedi takes seconds to look at a large library for the first time, and the training feels it.
        self.Completer.use_jedi = False
        atexit.unregister(self.atexit_operations)
        self.scope = scope
        del scope["open"]  # IPython's would stand for the builtin
        scope.ready()
        figures.register(self)

    def run(self, code: str, output: Output, *, boundary: bool) -> Outcome:
        """Runs a line.

        Args:
            code: the line, magics and all.
            output: what takes what it shows.
            boundary: whether this is the training thread, whose `get_ipython()` the line may find.
        """
        self.output = output
        self.on_training_thread = boundary
        self.scope.begin()
        figures.import_early(code)
        with figures.shown_afterwards(self), self._findable(boundary), self._own_last_error():
            result = self.run_cell(code, store_history=True)
        self.scope.end()
        return Outcome(result.result, result.error_before_exec or result.error_in_exec)

    def completer(self) -> Any:
        """IPython's, with no names of its own."""
        return self.Completer

    def show(self, *objects: Any, **_: Any) -> None:
        """`display(…)` in a line."""
        for one in objects:
            data, metadata = self.display_formatter.format(one)
            if data:
                self.display_pub.publish(data, metadata)

    def close(self) -> None:
        """Lets go of everything that lines held."""
        self.awaiting.close()
        self.displayhook.flush()
        if self.history_manager is not None:
            self.history_manager.end_session()
            self.history_manager.close()
            self.history_manager = None

    @contextlib.contextmanager
    def _own_last_error(self) -> Iterator[None]:
        """`%tb` finds what the last line raised; at the process's end nobody takes that for the script's own end."""
        former = _last_error()
        _put_last_error(self._last_error)
        try:
            yield
        finally:
            self._last_error = _last_error()
            _put_last_error(former)

    @contextlib.contextmanager
    def _findable(self, wanted: bool) -> Iterator[None]:
        if not wanted:
            yield
            return
        former, holder = InteractiveShell._instance, InteractiveShell  # type: Any, Any
        holder._instance = self
        try:
            yield
        finally:
            holder._instance = former

    # --- what IPython would do to the process ------------------------------------------------------------------------

    def init_sys_modules(self) -> None:
        """`__main__` stays the script."""

    def init_virtualenv(self) -> None:
        """`sys.path` stays the script's."""

    def init_prompts(self) -> None:
        """`sys.ps1` would make libraries think that the training is interactive."""

    def init_builtins(self) -> None:
        """Nothing is put among the builtins: `display` and `get_ipython` are names of a line alone."""
        self.builtin_trap = contextlib.nullcontext()

    def init_displayhook(self) -> None:
        """`sys.displayhook` is set for each thread by `routing`."""
        super().init_displayhook()
        self.display_trap = contextlib.nullcontext()

    def init_history(self) -> None:
        """A history in memory, with the lines of former sessions in it."""
        self.history_manager = HistoryManager(
            shell=self, parent=self, hist_file=":memory:", db_cache_size=_WAITING_LINES
        )
        with contextlib.suppress(Exception):  # `%history -g` then finds this session alone
            _fill(self.history_manager, history.read())

    def _tee(self, channel: Any) -> Any:
        """IPython would keep everything that was ever printed."""
        return contextlib.nullcontext()

    def should_run_async(self, raw_cell: str, *, transformed_cell: Any = None, **more: Any) -> bool:
        """Whether a line waits for something; without the word for it, it need not be compiled to know."""
        if transformed_cell is not None and "await" not in transformed_cell and "async" not in transformed_cell:
            return False
        return bool(super().should_run_async(raw_cell, transformed_cell=transformed_cell, **more))

    async def run_code(self, code_obj: Any, result: Any = None, *, async_: bool = False) -> bool:
        """Runs compiled code, and leaves `sys.excepthook` where it is."""
        error: BaseException | None = None
        try:
            try:
                if async_:
                    await eval(code_obj, self.scope, self.scope)
                else:
                    exec(code_obj, self.scope, self.scope)
            except BaseException as raised:  # noqa: BLE001 - whoever ran the line looks at an interrupt or a stop
                error = raised
                if isinstance(raised, INTERRUPTS):
                    for _ in range(AWHILE):  # its other half, which may come between any two lines
                        pass
        except INTERRUPTS as second:
            error = error or second
        if error is None:
            return False
        if result is not None:
            result.error_in_exec = error
        if not (self.awaiting.ending and isinstance(error, asyncio.CancelledError)):  # the interrupt was told already
            error.__traceback__ = without_ours(error.__traceback__)
            self.showtraceback((type(error), error, error.__traceback__), tb_offset=0, running_compiled_code=True)
        return True

    runcode = run_code

    def reset(self, new_session: bool = True, aggressive: bool = False) -> None:
        """`%reset` takes away what lines made; the script's own names stay, or its loop would stop."""
        self.displayhook.flush()
        self.scope.reset()

    def showtraceback(self, exc_tuple: Any = None, *arguments: Any, **more: Any) -> None:
        """Shows an error; of an interrupt, where it came."""
        _, error, trace = exc_tuple or sys.exc_info()
        if isinstance(error, INTERRUPTS):
            self.output.write("stderr", where_interrupted(trace))
        else:
            super().showtraceback(exc_tuple, *arguments, **more)

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        if etype is SystemExit:
            code = evalue.code if evalue.args else 0
            text = f"SystemExit: {code} — the training goes on; session.stop() ends it.\n"
        else:
            text = self.InteractiveTB.stb2text(stb) + "\n"
        self.output.write("stderr", text)

    def system(self, cmd: str) -> None:
        """`!command`: its output comes as it is printed, and an interrupt ends it."""
        self.user_ns["_exit_code"] = run_command(self.var_expand(cmd, depth=1), sys.stdout.write)

    def enable_gui(self, gui: Any = None) -> None:
        """There is no window here: figures are shown on the page."""

    def ask_exit(self) -> None:
        """`%exit` and the like do not end a training."""
        self.output.write("stderr", EXIT + "\n")


def _last_error() -> dict[str, Any]:
    return {name: getattr(sys, name) for name in _LAST if hasattr(sys, name)}


def _put_last_error(error: dict[str, Any]) -> None:
    for name in _LAST:
        if name in error:
            setattr(sys, name, error[name])
        elif hasattr(sys, name):
            delattr(sys, name)


def _folder() -> Path:
    """Where `%store` and the like may write."""
    try:
        folder = state_folder() / "ipython"
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="bidviz-ipython-"))
    return folder


def _fill(manager: HistoryManager, lines: list[str]) -> None:
    number = manager.session_number
    if not lines or manager.db is None:
        return
    with manager.db:
        manager.db.executemany(
            "INSERT OR IGNORE INTO history VALUES (?, ?, ?, ?)",
            [(number - 1, place, line, line) for place, line in enumerate(lines, 1)],
        )
