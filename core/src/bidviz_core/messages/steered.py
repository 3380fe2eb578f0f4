"""What a page is told of what it steers: hyperparameters, policies, checkpoints, what the loop allows, the console."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class HyperparameterInfo(Struct, frozen=True, kw_only=True):
    """A hyperparameter as the page shows it.

    Args:
        name: its name; `lr[1]` for one group where there are several.
        value: the value in force.
        kind: the name of its type.
        low: the least value allowed.
        high: the greatest.
        owner: `"script"`, `"scheduler"`, `"person"` or `"policy"`.
        unit: its unit.
        requested: the value asked for by the person or policy that holds it, or none.
        mode: `"override"` or `"scale"` where somebody holds it, else empty.
        base: what the script and its scheduler say.
        used: the value that the last update used, read back; none before the first.
        author: who holds it.
        since: the step since which its owner holds it.
        lease: what ends the change unless it is kept, as a sentence; empty without a lease.
        settable: empty, or why it can only be read.
        scale: `"log"`, `"unit"` (0 to 1), `"linear"` or empty: the scale that fits a slider.
        scheduled: whether `base` is a scheduler's, whoever holds the value.
    """

    name: str
    value: Any
    kind: str = "float"
    low: float | None = None
    high: float | None = None
    owner: str = "script"
    unit: str = ""
    requested: Any = None
    mode: str = ""
    base: Any = None
    used: Any = None
    author: str = ""
    since: int = 0
    lease: str = ""
    settable: str = ""
    scale: str = ""
    scheduled: bool = False


class PolicyInfo(Struct, frozen=True, kw_only=True):
    """A policy as the page shows it: armed on a target, or offered by name with an empty target.

    Args:
        target: the hyperparameter; empty for a named policy that is offered.
        formula: its expression, empty for a named one.
        policy: the named policy, empty for a formula.
        parameters: of a named policy: each parameter's name and value (for an offered one its default).
        mode: `"override"` or `"scale"`.
        low: the least value it may give.
        high: the greatest.
        inputs: the hyperparameters and series it reads.
        value: what it gave last.
        author: who armed it.
        since: the step at which it was armed.
        state: `"armed"`, `"pinned"` (a person has set the target by hand), `"disarmed"` or `"offered"`.
        note: a sentence about it (why it was disarmed).
        help: what the policy does.
        parameter_help: what each parameter of a named policy is for, as far as its author says so.
        origin: the bundle and version it comes from.
    """

    target: str = ""
    formula: str = ""
    policy: str = ""
    parameters: dict[str, Any] = {}
    mode: str = "override"
    low: float | None = None
    high: float | None = None
    inputs: list[str] = []
    value: float | None = None
    author: str = ""
    since: int = 0
    state: str = "armed"
    note: str = ""
    help: str = ""
    parameter_help: dict[str, str] = {}
    origin: str = ""


class CheckpointInfo(Struct, frozen=True, kw_only=True):
    """A checkpoint as the page shows it.

    Args:
        id: its name among the run's checkpoints.
        step: the step after which it was taken.
        epoch: the epoch, or none.
        time: seconds since the epoch.
        label: a person's word for it.
        size: bytes on disk.
        state: `"writing"`, `"ready"` or `"failed"`.
        reason: `"person"`, `"every"`, `"condition"` or `"start"`.
        position: empty where the position in the data is kept, or why it is not.
        how: of a run whose training is not there any more: why nothing can go back to it, and how to go on from it.
    """

    id: str
    step: int
    epoch: int | None = None
    time: float = 0.0
    label: str = ""
    size: int = 0
    state: str = "ready"
    reason: str = "person"
    position: str = ""
    how: str = ""


class Abilities(Struct, frozen=True, kw_only=True):
    """What can be done with this run's loop: each is empty, or the reason why not and what to change."""

    stop: str = ""
    restart: str = ""
    restore: str = ""
    branch: str = ""
    what_if: str = ""
    stop_note: str = ""  # what a stop does to the rest of the script
    bad_gradients: bool = False  # whether it pauses before an update with gradients that are not finite


class ConsoleContent(Struct, frozen=True, kw_only=True):
    """What a console line gives while it runs.

    Args:
        run: the run.
        cell: the client's name for the line.
        kind: `"stdout"`, `"stderr"`, `"display"` or `"waits"` (the training waits for the line).
        text: what was printed.
        data: of a display: its forms by media type (`image/png` in base64, a Plotly figure,
            `text/html`); the value of the line's last expression has `text/plain` alone, or more.
        id: of the request that the line came with; between session and dashboard the order's number.
    """

    run: str
    cell: str
    kind: str
    text: str = ""
    data: dict[str, Any] = {}
    id: Any = None


class HyperparametersContent(Struct, frozen=True):
    run: str
    step: int
    hyperparameters: list[HyperparameterInfo]
    policies: list[PolicyInfo]
