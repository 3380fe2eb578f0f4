"""`session.checkpoints`: saves the whole state of a training, lists what was saved, goes back, and branches off."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bidviz_core.checkpoints.file import SUFFIX, Contents, read_file, write_file
from bidviz_core.checkpoints.finding import Companions
from bidviz_core.checkpoints.restoring import InMemory, Loaded, restore_here
from bidviz_core.checkpoints.ring import AutoSave, surplus
from bidviz_core.checkpoints.state import check, collect, owned, put_back, put_back_rest
from bidviz_core.checkpoints.writing import Writer
from bidviz_core.control.reply import Reply
from bidviz_core.errors import BidvizError, CommandError
from bidviz_core.messages.notifications import FailureContent
from bidviz_core.messages.steered import CheckpointInfo
from bidviz_core.replaying.kinds import kind_of

if TYPE_CHECKING:
    from bidviz_core.looping.loop import Loop
    from bidviz_core.session import Session

FOLDER = "checkpoints"


class Checkpoints:
    """The checkpoints of a run, oldest first when iterated over.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.companions = Companions(session.learner.optimizers)
        #: More that belongs to the state: by name, what gives and what takes it.
        self.included: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {}
        self.auto = AutoSave(session)
        #: Read from a file before a loop began: its position is taken when one does.
        self.pending: Loaded | None = None
        self._infos: dict[str, CheckpointInfo] = {}
        self._calls: dict[str, int] = {}
        self._memory: Any = None
        self._writer = Writer()
        self._lock = threading.Lock()
        self._count = 0

    # --- what there is -----------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[CheckpointInfo]:
        return iter(self.infos())

    def __len__(self) -> int:
        return len(self._infos)

    def infos(self) -> list[CheckpointInfo]:
        """The checkpoints as they are shown, oldest first."""
        return [self._shown(one) for one in list(self._infos.values())]

    def info(self, name: str) -> CheckpointInfo:
        """One checkpoint.

        Raises:
            CommandError: there is none of that id.
        """
        info = self._infos.get(name)
        if info is None:
            raise CommandError(f"There is no checkpoint {name!r}; there are: {', '.join(self._infos) or 'none'}.")
        return info

    def path(self, name: str) -> Path:
        """The file of a checkpoint."""
        return self._session.run_dir / FOLDER / (name + SUFFIX)

    def include(self, name: str, get: Any, put: Callable[[Any], None] | None = None) -> None:
        """Has more kept with each checkpoint: a moving average, a counter of the script's.

        Args:
            name: what it is called in the checkpoint.
            get: an object with `state_dict` and `load_state_dict`, or a function that gives what is to be kept.
            put: a function that takes it back, beside a `get` that is a function.

        Raises:
            CommandError: it is neither.
        """
        if put is None and hasattr(get, "state_dict") and hasattr(get, "load_state_dict"):
            self.included[name] = get.state_dict, get.load_state_dict
        elif callable(get) and callable(put):
            self.included[name] = get, put
        else:
            raise CommandError(
                f"include({name!r}, …) takes an object with state_dict and load_state_dict, or two functions; got "
                f"{type(get).__name__} and {type(put).__name__}."
            )

    # --- saving ------------------------------------------------------------------------------------------------------

    def save(self, label: str | None = None) -> CheckpointInfo:
        """Keeps the whole state: at once, or in `session.batches` as soon as the iteration is over; the file is written
        behind.

        Raises:
            CommandError: it cannot be taken now.
        """
        name = self._next_name()
        reply = self._session.control.call_at_loop(lambda: self.save_now(label or "", "script", name=name))
        if not reply.success:
            raise CommandError(str(reply.data))
        if isinstance(reply.data, CheckpointInfo):
            return reply.data
        return CheckpointInfo(
            id=name, step=self._session.step, epoch=self._session.epoch, state="writing", label=label or ""
        )

    def save_here(self, reason: str, label: str) -> None:
        """At a step boundary: saves by itself, as soon as it can be done; what goes wrong is told."""

        def work() -> Reply:
            try:
                return self.save_now(label, "session", reason)
            except BidvizError as error:
                self._fail(f"No checkpoint was taken at step {self._session.step:,}: {error}")
                return Reply(False, str(error))

        self._session.control.call_at_loop(work)

    def save_now(self, label: str, author: str, reason: str = "person", name: str = "") -> Reply:
        """Takes a checkpoint here and now, and has it written.

        Raises:
            CommandError: an update waits, two are still being written, or the state cannot be kept.
        """
        session = self._session
        if session.control.before_update:
            raise CommandError(
                "The training waits in the middle of a step, which cannot be taken up again from a file: skip the "
                "update or resume, and save at the next step."
            )
        state, held = self._take()
        loop = session.control.loop
        name = name or self._next_name()
        info = CheckpointInfo(
            id=name,
            step=session.step,
            epoch=session.epoch,
            time=time.time(),
            label=label,
            state="writing",
            reason=reason,
            position=loop.feed.doubt() if loop is not None else session.control.needs_loop("going back in the data"),
        )
        self._infos[name] = info
        self._calls[name] = loop.call if loop is not None else 0
        about = {**msgspec.to_builtins(info), "run": session.id, "name": session.name, "tensors": held and held.specs}
        self._writer.put(lambda: self._write(info, about, state, held))
        detail = {"id": name, "label": label, "reason": reason}
        summary = f"checkpoint of step {info.step:,} saved" + (f" as {label!r}" if label else "")
        session.journal.add(session.step, author, "saveCheckpoint", summary, detail)
        session.renew_catalogue()
        return Reply(True, info, session.step)

    def _next_name(self) -> str:
        self._count += 1
        return f"{self._session.step:09d}-{self._count}"

    def _take(self) -> tuple[bytes, Any]:
        """The state taken apart, and a copy of its tensors."""
        if not self.companions.looked:
            self.companions.look()
        state = collect(self._session, self)
        if "torch" not in sys.modules:
            import pickle

            return pickle.dumps(state, pickle.HIGHEST_PROTOCOL), None
        from bidviz_core.checkpoints.memory import Memory
        from bidviz_core.checkpoints.packing import pack

        if self._memory is None:
            self._memory = Memory()
        try:
            packed = pack(state)
        except Exception as error:
            raise CommandError(f"The state cannot be kept: {type(error).__name__}: {error}") from error
        return packed.state, self._memory.hold(packed.tensors)

    def _write(self, info: CheckpointInfo, about: dict[str, Any], state: bytes, held: Any) -> None:
        """On the writer's thread."""
        path = self.path(info.id)
        try:
            if held is not None:
                held.wait()
            size = write_file(path, Contents(about, state, held.as_bytes() if held is not None else b""))
        except (OSError, ValueError) as error:
            self._infos[info.id] = msgspec.structs.replace(info, state="failed")
            self._fail(f"The checkpoint of step {info.step:,} could not be written: {error}. The training goes on.")
        else:
            self._infos[info.id] = msgspec.structs.replace(info, state="ready", size=size)
            self._shrink()
        finally:
            if held is not None:
                held.let_go()
        self._session.renew_catalogue()

    def _shrink(self) -> None:
        for one in surplus(list(self._infos.values()), self.auto.limit_bytes):
            self._delete(one.id)

    def delete(self, name: str, author: str = "script") -> None:
        """Deletes a checkpoint and its file.

        Raises:
            CommandError: there is none of that id, it is being written, or its file cannot be deleted.
        """
        info = self.info(name)
        if info.state == "writing":
            raise CommandError(f"The checkpoint {name} is being written.")
        try:
            self._delete(name)
        except OSError as error:
            raise CommandError(f"The checkpoint {name} cannot be deleted: {error}") from error
        session = self._session
        summary = f"checkpoint of step {info.step:,} deleted" + (f", {info.label!r}" if info.label else "")
        session.journal.add(session.step, author, "deleteCheckpoint", summary, {"id": name})
        session.renew_catalogue()

    def _delete(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)
        self._infos.pop(name, None)

    def flush(self, timeout: float | None = 60.0) -> bool:
        """Waits until every checkpoint is on the disk; false if that took too long."""
        return self._writer.flush(timeout)

    # --- going back --------------------------------------------------------------------------------------------------

    def load(self, source: str | Path) -> Loaded:
        """Reads a checkpoint, by its id or from a file, and checks its bytes; on any thread, nothing is changed.

        Raises:
            CommandError: it is not there, not written yet, or damaged.
        """
        known = str(source) in self._infos
        if known and self.info(str(source)).state == "writing":
            self._writer.flush(60.0)
        if known and (state := self.info(str(source)).state) != "ready":
            raise CommandError(f"The checkpoint {source} is not to be had: it is {state}.")
        if not known and not Path(source).is_file():
            self.info(str(source))  # says which there are
        path = self.path(str(source)) if known else Path(source)
        if "torch" not in sys.modules:
            return Loaded.plain(path, read_file(path, bytearray))
        from bidviz_core.checkpoints.memory import read_into

        return Loaded.of_tensors(path, read_file(path, read_into))

    def restore(self, source: str | Path) -> Reply:
        """Goes back to a checkpoint of this run, by its id, or takes up one from a file, before the first step.

        Returns:
            Whether it took hold; on the training thread, in the middle of an iteration, it does when that is over.

        Raises:
            CommandError: it does not fit, or this loop cannot go back; nothing is changed.
        """
        session = self._session
        loaded = self.load(source)
        reply = session.control.call_at_loop(lambda: self.restore_here(loaded, "script", {}))
        if not reply.success:
            raise CommandError(str(reply.data))
        return reply

    def restore_here(self, loaded: Loaded, author: str, values: dict[str, Any]) -> Reply:
        """Goes back to what was loaded; between two batches, or before the first step."""
        return restore_here(self._session, self, loaded, author, values)

    def branch(self, source: str, name: str, values: dict[str, Any] | None = None) -> Reply:
        """Goes on from a checkpoint as a run of another name; this run ends as stopped, the session is the new run's.

        Raises:
            CommandError: it does not fit, or this loop cannot go back; nothing is changed.
        """
        from bidviz_core.checkpoints.branching import branch_here

        loaded = self.load(source)
        reply = self._session.control.call_at_loop(
            lambda: branch_here(self._session, self, loaded, name, "script", values or {}, None)
        )
        if not reply.success:
            raise CommandError(str(reply.data))
        return reply

    # --- for our own parts -------------------------------------------------------------------------------------------

    def loop_begins(self, loop: Loop) -> None:
        """A loop of ours begins: what was taken up from a file gets its position, and the start is kept."""
        session = self._session
        self.companions.look()
        pending, self.pending = self.pending, None
        if pending is not None and session.step == pending.step:
            state = pending.state()
            check(session, self, state)
            if state["position"] is not None:
                loop.go_to(owned(state["position"]))
            if self._changed_since_then():
                put_back_rest(session, self, state)
            else:
                put_back(session, self, state)
        if loop.call == 1 and not session.control.stop_wanted and not loop.feed.cannot_go_back():
            session.control.at_point = True
            try:
                self.save_here("start", "")
            finally:
                session.control.at_point = False

    def _changed_since_then(self) -> bool:
        """Whether something was changed since a checkpoint was taken up, so that it must not be put back once more."""
        entries = list(self._session.journal)
        taken_up = max((one.number for one in entries if one.action == "restoreCheckpoint"), default=0)
        return any(kind_of(one.action) in ("hyperparameters", "policies", "model") for one in entries[taken_up:])

    def start(self) -> str:
        """The id of the state before the first step; empty where it was not kept."""
        return next((one.id for one in list(self._infos.values()) if one.reason == "start"), "")

    def hold(self) -> InMemory:
        """Keeps the state in memory for a while; what this gives puts it back, as often as it is called."""
        state, held = self._take()
        return InMemory(self._session, self, state, held)

    def forget(self) -> None:
        """The session has become another run, which has no checkpoints yet."""
        self._writer.flush()
        self._infos.clear()
        self._calls.clear()

    def close(self) -> None:
        """Writes what waits and lets memory go."""
        self._writer.close(60.0)
        if self._memory is not None:
            self._memory.close()

    def _shown(self, info: CheckpointInfo) -> CheckpointInfo:
        """With what has become of its position since."""
        control = self._session.control
        call = self._calls.get(info.id, 0)
        if info.position or not call or call == control.calls:
            return info
        passes = control.calls - call
        return msgspec.structs.replace(
            info,
            position=f"It was taken {passes} calls of session.batches ago, and the script's own loop over epochs "
            f"cannot be turned back: it ends {passes} passes early. session.batches(loader, epochs=n) can.",
        )

    def _fail(self, message: str) -> None:
        self._session.fail(FailureContent(source="checkpoint", name="checkpoints", message=message, time=time.time()))
