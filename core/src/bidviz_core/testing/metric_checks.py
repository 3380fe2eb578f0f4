"""Tries one metric on the sample learners: does it give values, what does it cost, does it leave the training alone."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from bidviz_core.description import Sample
from bidviz_core.messages.notifications import FailureContent
from bidviz_core.metrics.definition import Metric
from bidviz_core.metrics.slot import CHEAP_SECONDS
from bidviz_core.samples import sample_of
from bidviz_core.testing.finding import Finding, note
from bidviz_core.testing.learners import STRANGE, Strange
from bidviz_core.testing.recording import differing
from bidviz_core.testing.running import STEPS, Run, bare_state, same_state, try_metric
from bidviz_core.values import HostValue, kind_of, to_parts

#: The learners that every metric is tried on; `wide` is for its cost.
TRIED = ("mlp", "cnn", "transformer", "lstm", "kmeans", "sparse")
_DENSE = ("mlp", "cnn", "transformer", "lstm")
#: Where a metric for usual nets may have nothing to say.
_UNUSUAL = ("kmeans", "sparse", "words")
#: The learners on which a metric is tried that gave nothing on those.
_RARE = ("words",)
#: A session's budget is 5 % of a step; a metric is found dear from twice that, for a busy machine measures badly.
_DEAR = 0.10
_BUDGET = 0.05
#: Samples travel in a file that people download before they decide: the last few arrays, and not too long ones.
_SAMPLED_ARRAYS, _SAMPLED_NUMBERS = 6, 4096


#: The note on a metric that gave nothing.
NOTHING = "it gave no value on any sample learner, so that nothing more could be checked."


class Trial(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of a metric.

    Args:
        name: the metric.
        learners: the sample learners on which it gave a value.
        refused: those that cannot give what it asks for, with the reason.
        kind: the kind of its values.
        shape: their shape; of a mapping, how many series it makes.
        series: the names of its series on all learners.
        cost: microseconds that one value took, the median; none if it gave none.
        share: the same as a share of the learner's step.
        cost_on: the learner on which both were measured.
        together: where it gave nothing alone, the learner on which it gave something beside the rest of its bundle.
        memory: bytes at most at once.
        steps: for how many steps each learner was trained.
        first: the series on the first learner that it works on.
        varying: series that had other values when the same was done again: they measure time, or draw numbers.
        samples: its series on the learner on which it gave most of them.
        findings: what is to be mended, or known.
    """

    name: str
    learners: tuple[str, ...] = ()
    refused: dict[str, str] = {}
    kind: str = ""
    shape: tuple[int, ...] = ()
    series: tuple[str, ...] = ()
    cost: float | None = None
    share: float | None = None
    cost_on: str = ""
    together: str = ""
    memory: int = 0
    steps: int = 0
    first: tuple[str, ...] = ()
    varying: tuple[str, ...] = ()
    samples: dict[str, Sample] = {}
    findings: tuple[Finding, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether something is to be mended."""
        return any(one.level == "finding" for one in self.findings)


class Item(NamedTuple):
    """One run of a metric.

    Args:
        learner: on which learner.
        strange: what is strange about that.
    """

    learner: str
    strange: Strange = ""

    def __str__(self) -> str:
        return f"{self.learner}, {self.strange}" if self.strange else self.learner


def try_on_all(metric: Metric, skip: Sequence[str] = (), told: Callable[[str], None] = lambda item: None) -> Trial:
    """Runs a metric on every sample learner, strange ones too.

    Args:
        metric: the metric.
        skip: runs that are left out, as `str(Item)` writes them: they brought the process down.
        told: told of each run before it begins.
    """
    runs: dict[Item, Run] = {}

    def run(item: Item, steps: int = STEPS) -> Run | None:
        if str(item) in skip:
            return None
        told(str(item))
        runs[item] = try_metric(metric, item.learner, steps=steps, strange=item.strange)
        return runs[item]

    for learner in TRIED:
        run(Item(learner))
    working = [item.learner for item, one in runs.items() if one.series]
    if not working:
        working = [learner for learner in _RARE if (rare := run(Item(learner))) is not None and rare.series]
    dense = next((learner for learner in working if learner in _DENSE), None)
    varying: tuple[str, ...] = ()
    if working and str(Item(working[0])) not in skip:
        told(str(Item(working[0])))
        varying = differing(runs[Item(working[0])].series, try_metric(metric, working[0]).series, 1e-5)
    for strange in STRANGE:
        if dense is not None:
            run(Item(dense, strange))
        elif "kmeans" in working and strange in ("nan", "empty"):
            run(Item("kmeans", strange))
        elif working and working[0] in ("sparse", "words") and strange == "nan":
            run(Item(working[0], strange))
    measured = None
    if dense is not None and (wide := run(Item("wide"), STEPS + 8)) is not None and wide.series:
        measured = Item("wide")
    elif working:
        measured = Item(working[0])
    findings = [*_failures(metric, runs, working), *_changes(metric, runs), *_cost(metric, runs, measured)]
    if not working and not any(one.level == "finding" for one in findings):
        findings.append(note(metric.name, NOTHING))
    return _trial(metric, runs, working, measured, varying, findings)


def _trial(
    metric: Metric,
    runs: Mapping[Item, Run],
    working: Sequence[str],
    measured: Item | None,
    varying: tuple[str, ...],
    findings: list[Finding],
) -> Trial:
    first = runs[Item(working[0])] if working else Run()
    # Charts are drawn from where there is most to see.
    fullest = max((runs[Item(one)] for one in working), key=lambda run: len(run.series), default=first)
    kind, shape = _looks(metric.name, first)
    seconds = _usual(runs[measured]) if measured is not None else None
    step = runs[measured].step_seconds if measured is not None else 0.0
    return Trial(
        name=metric.name,
        learners=tuple(working),
        refused={item.learner: one.refused for item, one in runs.items() if one.refused},
        kind=kind,
        shape=shape,
        series=tuple(dict.fromkeys(name for one in runs.values() for name in one.series)),
        cost=None if seconds is None else round(seconds * 1e6, 1),
        share=None if seconds is None or not step else round(seconds / step, 5),
        cost_on="" if measured is None else measured.learner,
        memory=max((one.memory for one in runs.values()), default=0),
        steps=STEPS,
        first=tuple(first.series),
        varying=varying,
        samples={name: sampled(fullest.steps[name], values) for name, values in fullest.series.items()},
        findings=tuple(findings),
    )


_STRANGELY: Mapping[Strange, str] = {
    "": "",
    "nan": ", whose loss becomes NaN,",
    "empty": ", which has an empty layer,",
    "frozen": ", which has a frozen layer and one that is never used,",
    "bf16": " in bfloat16",
}
_MEND: Mapping[Strange, str] = {
    "": "Run it by itself with bidviz_core.testing.run_metric to see the traceback.",
    "nan": "NaN and Inf are values: let them through (a histogram counts them), or return None.",
    "empty": "Leave out tensors without values (tensor.numel() == 0), or return None.",
    "frozen": "Look only at what is there: not every parameter has a gradient, and names come and go.",
    "bf16": "Compute in float32 (tensor.float()) before numpy() and before operations that bfloat16 lacks.",
}


def _failures(metric: Metric, runs: Mapping[Item, Run], working: Sequence[str]) -> Iterator[Finding]:
    """One finding for each way in which a metric fails, however many learners show it."""
    plain = {item.learner: run.failure for item, run in runs.items() if run.failure is not None and not item.strange}
    usual = [learner for learner in plain if learner not in _UNUSUAL] or (list(plain) if not working else [])
    if usual:
        yield _failure(metric, plain[usual[0]], f"on the sample learner{'s' * (len(usual) > 1)} {', '.join(usual)}", "")
    for learner, failure in plain.items():
        if learner not in usual and not usual:
            told = _failure(metric, failure, f"on the sample learner {learner}", "")
            yield note(told.about, told.what, "Where it has nothing to say it may return None.")
    for item, run in runs.items():
        if run.failure is None or not item.strange:
            continue
        where = f"on the sample learner {item.learner}{_STRANGELY[item.strange]}"
        if item == ("kmeans", "empty"):
            where = "on the sample learner kmeans, which has an empty cluster,"
        yield _failure(metric, run.failure, where, item.strange)


def _failure(metric: Metric, failure: FailureContent, where: str, strange: Strange) -> Finding:
    message = failure.message.rstrip(".")
    mend = _MEND[strange]
    if "changed the training" in message:
        mend = "A metric may only look: work on a copy (tensor.clone()), and leave modes and switches alone."
    return Finding(metric.name, f"it fails {where.rstrip(',')}: {message}.", mend)


def _changes(metric: Metric, runs: Mapping[Item, Run]) -> Iterator[Finding]:
    drawn = sorted({name for run in runs.values() for name in run.drawn})
    # The model's own dropout draws in a second pass; no metric can help that.
    if drawn and "second_pass" not in metric.arguments:
        yield Finding(
            metric.name,
            f"it draws from the training's own random generators ({', '.join(drawn)}), which are put back each time.",
            "Draw from a generator of its own, kept in state: torch.Generator().manual_seed(0).",
        )
    for item, run in runs.items():
        if run.failure is None and run.series and not same_state(run.state, _bare(item)):
            yield Finding(
                metric.name,
                f"after {STEPS} steps the sample learner {item} is another than it is without the metric.",
                "A metric may only look: work on copies, and never write through .data.",
            )
            return


def _bare(item: Item) -> Sequence[Any]:
    key = (item.learner, item.strange)
    if key not in _bare_states:
        steps = STEPS + 8 if item.learner == "wide" else STEPS
        _bare_states[key] = bare_state(item.learner, steps=steps, strange=item.strange)
    return _bare_states[key]


#: What the learners become by themselves is the same for every metric.
_bare_states: dict[tuple[str, str], Sequence[Any]] = {}


def _cost(metric: Metric, runs: Mapping[Item, Run], measured: Item | None) -> Iterator[Finding]:
    if measured is None or metric.where == "worker":
        return
    # Other programs make both longer, and not by the same factor: the shortest say what the code costs by itself.
    later = runs[measured].seconds[len(runs[measured].seconds) // 4 :]
    seconds, step = min(later, default=0.0), runs[measured].least_step
    if seconds < CHEAP_SECONDS or not step or seconds / (metric.every * step) <= _DEAR:
        return
    cadence = math.ceil(seconds / (_BUDGET * step))
    wanted = next(even for even in (2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10**9) if even >= cadence)
    yield Finding(
        metric.name,
        f"one value takes {seconds * 1e3:.2g} ms, {seconds / (metric.every * step):.0%} of a step "
        f"of the sample learner {measured.learner} at its cadence every={metric.every}; the budget is {_BUDGET:.0%}.",
        f'Begin with every={wanted}, make it cheaper, or run it in the worker (where="worker").',
    )


def _usual(run: Run) -> float | None:
    # The first calls carry imports and cold caches, as they do in a training.
    later = run.seconds[len(run.seconds) // 4 :]
    return statistics.median(later) if later else None


def _looks(name: str, run: Run) -> tuple[str, tuple[int, ...]]:
    """The kind of a metric's values, and their shape."""
    if not run.series:
        return "", ()
    if name not in run.series or len(run.series) > 1:
        kinds = {kind_of(values[-1]) for values in run.series.values()}
        return ("scalars" if kinds == {"scalar"} else "mapping"), (len(run.series),)
    value = run.series[name][-1]
    if isinstance(value, (int, float)):
        return "scalar", ()
    header, buffers = to_parts(value)
    return str(header["kind"]), tuple(buffers[0].shape) if buffers else ()


def sampled(steps: Sequence[int], values: Sequence[HostValue]) -> Sample:
    """A series as it travels in a bundle's description: all numbers, or the last few values that are small."""
    if isinstance(values[-1], (int, float)):
        return sample_of(steps, values)
    last = list(zip(steps, values, strict=True))[-_SAMPLED_ARRAYS:]
    small = [one for one in last if _numbers(one[1]) <= _SAMPLED_NUMBERS] or last[-1:]
    kind = kind_of(small[-1][1])
    alike = [(step, value) for step, value in small if kind_of(value) == kind]
    return sample_of([step for step, _ in alike], [value for _, value in alike])


def _numbers(value: HostValue) -> int:
    return sum(buffer.size for buffer in to_parts(value)[1])
