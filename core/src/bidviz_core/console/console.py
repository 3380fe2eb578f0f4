"""`session.console`: runs lines at the step boundary or on a thread of its own, completes them, interrupts them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bidviz_core.console import history
from bidviz_core.console.completion import Completions, complete
from bidviz_core.console.names import beside, kept_later, names_for
from bidviz_core.console.output import Output
from bidviz_core.console.plain import Outcome, PlainShell
from bidviz_core.console.result import ConsoleResult
from bidviz_core.console.routing import forget, routed
from bidviz_core.console.scope import Scope
from bidviz_core.console.threads import Attendant, Line
from bidviz_core.control.reply import Later, Reply
from bidviz_core.errors import CommandError, TrainingStopped
from bidviz_core.messages.commands import CompleteConsole, ConsoleHistory, EvaluateCommand, Order
from bidviz_core.messages.notifications import ConsoleMessage
from bidviz_core.messages.steered import ConsoleContent
from bidviz_core.metrics.interrupt import Interruptible, MetricInterrupted

if TYPE_CHECKING:
    from bidviz_core.session import Session

#: Seconds that an interrupted line on its own thread has to end before it is given up.
_PATIENCE = 1.0
_NAME = "console"
_INTERRUPTED = "Interrupted"


class Console:
    """Lines of Python inside the training process.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._making = threading.Lock()
        self._completing = threading.Lock()
        self._running = False
        self._shells: dict[bool, Any] = {}  # by whether their lines run at the boundary
        self._beside = Line("bidviz-console")  # makes shells ready, completes, reads the history
        self._service = Line("bidviz-console-lines")
        self._service_line = Interruptible()
        self._serving: _Serving | None = None
        self._attendant = Attendant()
        self._coming: dict[str, None] = {}  # cells that were sent and have not begun
        self._called_off: set[str] = set()
        self._cell = ""  # that of the line at the boundary
        self._put_off: set[int] = set()

    # --- for scripts -------------------------------------------------------------------------------------------------

    def run(self, code: str) -> ConsoleResult:
        """Runs a line or several: at once on the training thread, at its next step boundary from any other.

        Args:
            code: Python, IPython's magics and `!commands` included where IPython is installed.
        """
        if not self._session.dispatcher.allow_code:
            raise CommandError("This run takes no code: it was started with watch(allow_code=False).")
        result: ConsoleResult = self._session.boundary.call(
            lambda: self._run(code, "script", boundary=True, output=Output(None))
        )
        return result

    def complete(self, code: str, position: int | None = None) -> Completions:
        """What the name before a position may become.

        Args:
            code: the line or lines.
            position: a character of it; its end by default.
        """
        shell = self._shell(boundary=True)
        names = {**shell.scope.plain(), **self._session.report.completion_scope(), **beside(self._session)}
        with self._completing:
            return complete(shell.completer(), names, code, len(code) if position is None else position)

    def __repr__(self) -> str:
        return f"<Console of {self._session.name!r}>"

    # --- orders ------------------------------------------------------------------------------------------------------

    def take(self, order: Order, submit: Callable[[Order], None]) -> bool:
        """Takes an order of the console's; false for any other. It never waits.

        Args:
            order: the order.
            submit: gives it to the training thread.
        """
        command = order.command
        if isinstance(command, EvaluateCommand):
            if command.content.cell:
                self._coming[command.content.cell] = None
            if command.content.where == "service":
                self._service.put(lambda: self._serve(order))
            elif True in self._shells and self._session.dispatcher.allow_code:
                submit(order)
            else:
                # IPython's import takes a while: on the training thread the training would wait for it.
                self._beside.put(lambda: self._prepare_and_submit(order, submit))
            return True
        if isinstance(command, CompleteConsole | ConsoleHistory):
            self._beside.put(lambda: self._session.reply(order, self._session.dispatcher.carry_out(order)))
            return True
        return False

    def evaluate(self, order: Order) -> Reply:
        """Carries an `evaluateCommand` out on the thread that it is for, which is this one."""
        assert isinstance(order.command, EvaluateCommand)
        content = order.command.content
        boundary = content.where != "service"
        if content.cell in self._called_off:
            self._called_off.discard(content.cell)
            self._coming.pop(content.cell, None)
            return Reply(False, "Interrupted before it began.")
        if boundary:
            self._put_off_if_needed(order, content.code)
        self._coming.pop(content.cell, None)
        output = Output(self._teller(order, content.cell) if content.cell else None)
        if boundary:
            self._cell = content.cell
        elif self._serving is not None:
            self._serving.output = output
        try:
            result = self._run(content.code, order.author, boundary=boundary, output=output)
        finally:
            self._cell = ""
        return Reply(result.success, result.text, result.step)

    def history(self, count: int) -> list[str]:
        """The last lines of this user's, oldest first."""
        return history.read(max(0, min(count, history.KEPT)))

    def prepare(self) -> None:
        """Makes the shell for lines at the boundary ready, off the training thread."""
        self._beside.put(lambda: self._shell(boundary=True))

    def interrupt(self, cell: str = "") -> str:
        """Interrupts a line.

        Args:
            cell: the client's name for it; with none, the one on the console's own thread.

        Returns:
            What was done, as a sentence; empty where there is nothing to interrupt.
        """
        if cell and cell in self._coming:
            self._called_off.add(cell)
            return "The line is called off: it had not begun."
        if cell and cell == self._cell and self._session.interruptible.name == _NAME:
            return "The line was interrupted." if self._session.interruptible.interrupt() else ""
        serving = self._serving
        if serving is None or (cell and _cell_of(serving.order) != cell) or not self._service_line.interrupt():
            return ""
        shell = self._shells.get(False)
        if shell is not None:
            shell.awaiting.wake()
        self._beside.put(lambda: self._give_up_if_stuck(serving))
        return "The line was interrupted."

    def close(self) -> None:
        """Ends the console's threads and lets go of what lines held."""
        if self._serving is not None:
            self._service_line.interrupt()
        self._service.close(_PATIENCE, drop=True)
        if self._serving is not None:
            forget(self._service.ident)
        self._beside.close(_PATIENCE)
        self._attendant.close()
        busy = {True: bool(self._cell) or self._running, False: self._serving is not None}
        shells, self._shells = self._shells, {}
        for boundary, shell in shells.items():
            if not busy[boundary]:  # a line may have closed the session
                shell.close()

    # --- inside ------------------------------------------------------------------------------------------------------

    def _run(self, code: str, author: str, *, boundary: bool, output: Output) -> ConsoleResult:
        session = self._session
        shell = self._shell(boundary=boundary)
        interruptible = session.interruptible if boundary else self._service_line
        outcomes: list[Outcome] = []
        error: BaseException | None = None
        self._attendant.begin(output, waits=boundary)
        self._running, outer = True, self._running
        try:
            with routed(output, shell.displayhook), interruptible.breakable():
                interruptible.call(_NAME, lambda: outcomes.append(shell.run(code, output, boundary=boundary)))
            error = outcomes[0].error
        except MetricInterrupted as interrupt:
            error = interrupt
            if not outcomes or outcomes[0].error is None:
                output.write("stderr", "Interrupted.\n")
        except (TrainingStopped, KeyboardInterrupt) as raised:
            error = raised
        except Exception as raised:  # noqa: BLE001 - a form that cannot be made must not end the training
            output.write("stderr", f"{type(raised).__name__}: {raised}\n")
            error = raised
        finally:
            self._attendant.end(output)
            self._running = outer
        text = output.close()
        if boundary or interruptible is self._service_line:  # it was not given up meanwhile
            self._note(code, author, boundary, _sentence(error))
        if shell is not self._shells.get(boundary) and not outer:
            shell.close()  # the line was given up meanwhile, or has closed the session
        if isinstance(error, TrainingStopped | KeyboardInterrupt) and boundary:
            raise error  # a stop, or a Ctrl-C at the training's own terminal: both are the script's
        return ConsoleResult(
            success=error is None,
            text=text,
            value=outcomes[0].value if outcomes else None,
            error=_sentence(error),
            displays=output.displays,
            step=session.step,
        )

    def _note(self, code: str, author: str, boundary: bool, error: str) -> None:
        first = code.strip().split("\n")[0][:120]
        detail = {"code": code, "where": "boundary" if boundary else "service"}
        if error:
            detail["error"] = error
        self._session.journal.add(self._session.step, author, "evaluateCommand", first, detail, not error)
        self._beside.put(lambda: history.append(code))

    def _put_off_if_needed(self, order: Order, code: str) -> None:
        if order.id in self._put_off:
            self._put_off.discard(order.id)
            return
        if self._session.boundary.paused:
            return
        later = kept_later(code, self._shell(boundary=True).scope.ours)
        if later:
            self._put_off.add(order.id)
            raise Later(later, f"{', '.join(sorted(later))}: it comes with the next step.")

    def _prepare_and_submit(self, order: Order, submit: Callable[[Order], None]) -> None:
        try:
            if self._session.dispatcher.allow_code:
                self._shell(boundary=True)
        finally:
            submit(order)

    def _shell(self, *, boundary: bool) -> Any:
        shell = self._shells.get(boundary)
        if shell is None:
            with self._making:
                shell = self._shells.get(boundary)
                if shell is None:
                    shell = self._shells[boundary] = _make_shell(self._session, boundary)
        return shell

    def _teller(self, order: Order, cell: str) -> Callable[[str, str, dict[str, Any]], None]:
        def tell(kind: str, text: str, data: dict[str, Any]) -> None:
            content = ConsoleContent(run=self._session.id, cell=cell, kind=kind, text=text, data=data, id=order.id)
            self._session.tell(ConsoleMessage(content))

        return tell

    # --- the console's own thread ------------------------------------------------------------------------------------

    def _serve(self, order: Order) -> None:
        serving = self._serving = _Serving(order)
        reply = self._session.dispatcher.carry_out(order)
        if self._let_go(serving):
            self._session.reply(order, reply)

    def _let_go(self, serving: _Serving) -> bool:
        with self._lock:
            mine = self._serving is serving
            if mine:
                self._serving = None
        serving.over.set()
        return mine

    def _give_up_if_stuck(self, serving: _Serving) -> None:
        """A line on a thread that is not the main one cannot be woken from a sleep: it is left to itself."""
        if serving.over.wait(_PATIENCE) or not self._let_go(serving):
            return
        with self._lock:
            self._service_line = Interruptible()
            self._shells.pop(False, None)
        forget(self._service.ident)
        self._service.give_up()
        text = "Interrupted. The line is in a call that does not return; it was given up, and ends when that returns.\n"
        output = serving.output
        output.write("stderr", text)
        command = serving.order.command
        assert isinstance(command, EvaluateCommand)
        self._note(command.content.code, serving.order.author, False, _INTERRUPTED)
        self._session.reply(serving.order, Reply(False, output.close(), self._session.step))


class _Serving:
    """A line on the console's own thread.

    Args:
        order: the order that it came with.
    """

    def __init__(self, order: Order) -> None:
        self.order = order
        self.output = Output(None)
        self.over = threading.Event()


def _make_shell(session: Session, boundary: bool) -> Any:
    main = sys.modules.get("__main__")
    scope = Scope(vars(main) if main is not None else {}, names_for(session, boundary=boundary))
    shell: Any
    try:
        import IPython  # noqa: F401
    except ImportError:
        shell = PlainShell(scope)
    else:
        from bidviz_core.console.shell import Shell

        shell = Shell(scope)
    scope.offer("display", shell.show)
    return shell


def _cell_of(order: Order) -> str:
    command = order.command
    return command.content.cell if isinstance(command, EvaluateCommand) else ""


def _sentence(error: BaseException | None) -> str:
    if error is None:
        return ""
    if isinstance(error, MetricInterrupted):
        return _INTERRUPTED
    return f"{type(error).__name__}: {error}"
