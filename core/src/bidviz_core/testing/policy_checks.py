"""Tries named policies: a preview over 1,000 steps in a real session, and armed for a few."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from bidviz_core.description import Sample
from bidviz_core.errors import BidvizError
from bidviz_core.policies.definition import ARGUMENTS, Policy
from bidviz_core.policies.formula import compile_formula
from bidviz_core.testing.chart_checks import BUILT_IN
from bidviz_core.testing.finding import Finding, note
from bidviz_core.testing.learners import sample_learner
from bidviz_core.testing.running import seeded, watched

if TYPE_CHECKING:
    from bidviz_core.session import Session

#: How far policies are looked at.
STEPS = 1000
_ARMED_STEPS = 8
_POINTS = 200


class PolicyTrial(Struct, frozen=True, omit_defaults=True):
    """What came of a policy.

    Args:
        name: the policy.
        target: the hyperparameter on which it was tried.
        least: the smallest value of its preview.
        greatest: the largest.
        sample: the preview.
        findings: what is to be mended, or known.
    """

    name: str
    target: str = ""
    least: float | None = None
    greatest: float | None = None
    sample: Sample | None = None
    findings: tuple[Finding, ...] = ()


def try_policy(policy: Policy) -> PolicyTrial:
    """Previews a policy over 1,000 steps, and arms it, on the sample learner mlp."""
    findings = list(_defaults(policy))
    if findings:
        return PolicyTrial(policy.name, findings=tuple(findings))
    with seeded(0, "mlp"):
        sample = sample_learner("mlp")
        # `progress` needs to know how long the run is.
        with watched(sample, config={"steps": STEPS}) as session:
            target = policy.target or "lr"
            _give_what_it_reads(session, policy, target)
            sample.run(session, 2)
            try:
                curve = session.policies.preview(target, policy, STEPS)
                step, value = curve.step, curve.value
            except BidvizError as error:
                mend = "It has to give a number for every step: run it over range(1000) by hand."
                return PolicyTrial(
                    policy.name, target, findings=(Finding(policy.name, f"it cannot be previewed: {error}", mend),)
                )
            findings += _curve(policy.name, step.tolist(), value.tolist(), curve.note)
            if not findings:
                session.policies.add(target, policy)
                sample.run(session, _ARMED_STEPS)
                info = session.policies[target]
                if info.state != "armed":
                    findings.append(
                        Finding(
                            policy.name,
                            f"armed on {target}, it was disarmed within {_ARMED_STEPS} steps: {info.note}",
                            "Mend what its note says.",
                        )
                    )
    finite = value[np.isfinite(value)]
    every = max(1, len(step) // _POINTS)
    return PolicyTrial(
        name=policy.name,
        target=target,
        least=float(finite.min()) if len(finite) else None,
        greatest=float(finite.max()) if len(finite) else None,
        sample=Sample("scalar", tuple(step[::every].tolist()), tuple(_plain(one) for one in value[::every].tolist())),
        findings=tuple(findings),
    )


def _give_what_it_reads(session: Session, policy: Policy, target: str) -> None:
    """A policy for another run reads and turns what the sample learner lacks; there it is held at 1."""
    held: dict[str, float] = {}

    def expose(name: str) -> None:
        if name not in session.hyperparameters:
            held[name] = 1.0
            session.expose(name, lambda: held[name], lambda value: held.__setitem__(name, value))

    expose(target)
    for one in compile_formula(policy.formula, target).inputs if policy.formula else ():
        if one.kind == "hyperparameter":
            expose(one.name)
        elif one.kind in ("series", "name") and one.name not in BUILT_IN and one.name not in session.hyperparameters:
            session.log(one.name, 1.0)


def _plain(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _defaults(policy: Policy) -> Iterator[Finding]:
    if not policy.help:
        yield Finding(
            policy.name, "it does not say what it does.", 'Give its function a docstring: """Falls along a cosine.""".'
        )
    if not policy.target:
        yield note(policy.name, "it names no target; it was tried on lr.", 'Say target="lr".')
    known = {*ARGUMENTS, *policy.parameters}
    for argument in policy.arguments:
        if argument not in known:
            yield Finding(
                policy.name,
                f"its parameter {argument!r} has no default.",
                f"Give it one: @bidviz.policy(params={{{argument!r}: …}}).",
            )


def _curve(name: str, steps: Sequence[int], values: Sequence[float], told: str) -> Iterator[Finding]:
    bad = [step for step, value in zip(steps, values, strict=True) if not math.isfinite(value)]
    if bad:
        yield Finding(
            name,
            f"its value is not finite at {len(bad)} of {len(steps)} steps, first at step {bad[0]}.",
            "Guard against divisions by zero, logarithms of zero and readings that are not there yet.",
        )
    elif "disarmed there" in told:
        yield Finding(name, told, "It has to give a number for every step.")
