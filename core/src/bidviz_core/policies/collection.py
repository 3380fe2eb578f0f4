"""`session.policies`: puts hyperparameters under formulas and named policies, and shows what they would do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bidviz_core.errors import BidvizError, CommandError, FormulaError
from bidviz_core.messages.steered import PolicyInfo
from bidviz_core.policies.curve import Curve
from bidviz_core.policies.definition import Policy
from bidviz_core.policies.formula import compile_condition, unknown
from bidviz_core.policies.rules import Rule, make_rule
from bidviz_core.policies.stepping import Stepping
from bidviz_core.policies.surroundings import Scope, Surroundings, WatchedCondition

if TYPE_CHECKING:
    from bidviz_core.session import Session


class Policies:
    """The policies of a session; iterating gives a `PolicyInfo` for each, armed, disarmed by an error, or offered.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._around = Surroundings(session)
        self._stepping = Stepping(session, self._around)

    # --- what a script calls -----------------------------------------------------------------------------------------

    def add(
        self,
        target: str,
        policy: str | Policy,
        mode: str = "override",
        low: float | None = None,
        high: float | None = None,
        *,
        parameters: Mapping[str, Any] | None = None,
        author: str = "script",
        release: bool = False,
    ) -> PolicyInfo:
        """Arms a policy; its value is in force from the next update on, and it replaces the one before.

        Args:
            target: the hyperparameter.
            policy: a formula (`"0.1 * 0.5 ** (step / 1000)"`), or a named policy.
            mode: `"override"`, or `"scale"`: it gives a factor on what the script and its scheduler say.
            low: the least value it may give.
            high: the greatest.
            parameters: of a named policy.
            author: who arms it, for the journal.
            release: gives up a value that a person set by hand; otherwise the policy waits until that is released.

        Raises:
            FormulaError: something is wrong with it; with the column where it belongs to one.
            CommandError: the run cannot be steered, or the value does not fit.
        """
        if self._session.dispatcher.no_steering:
            raise CommandError(self._session.dispatcher.no_steering)
        if isinstance(policy, Policy) and parameters:
            policy = policy.filled_in(parameters)

        def arm() -> PolicyInfo:
            rule = self.rule(target, policy, mode=mode, low=low, high=high)
            return self._stepping.arm(rule, author, release).info()

        info: PolicyInfo = self._session.boundary.call(arm)
        return info

    def remove(self, target: str, author: str = "script") -> None:
        """Disarms a policy and releases its target.

        Raises:
            FormulaError: the target is under no policy.
        """
        self._stepping.known(target)
        self._session.boundary.call(lambda: self._stepping.remove(target, author))

    def preview(self, target: str, policy: str | Policy, steps: int = 1000, **options: Any) -> Curve:
        """The values a policy would give over the coming steps, as columns `step` and `value`, with a `note`.

        Args:
            target: the hyperparameter.
            policy: a formula or a named policy.
            steps: how far to look.
            options: `mode`, `low`, `high` as of `add`.

        Raises:
            FormulaError: something is wrong with it; with the column where it belongs to one.
        """
        from bidviz_core.policies.preview import preview

        rule = self.rule(target, policy, **options)
        curve: Curve = self._session.boundary.call(
            lambda: preview(self._session, self._around, rule, self._stepping.live(), steps)
        )
        return curve

    def dry_run(self, target: str, policy: str | Policy, **options: Any) -> Curve:
        """What a policy would have given over the run's recorded history, as columns `step` and `value`, with a `note`.

        Raises:
            FormulaError: something is wrong with it; with the column where it belongs to one.
            StoreError: the run's file cannot be read.
        """
        from bidviz_core.policies.dry_run import dry_run
        from bidviz_core.store import StoreReader

        self._session.pump.flush()
        return dry_run(StoreReader(self._session.run_dir), target, policy, length=self._around.length, **options)

    def armed(self, target: str) -> Rule:
        """What the policy of a target computes.

        Raises:
            FormulaError: it is under none.
        """
        return self._stepping.known(target).rule

    def named(self, name: str, parameters: Mapping[str, Any] | None = None) -> Policy:
        """A named policy that some plugin brings, its parameters filled in.

        Raises:
            FormulaError: there is none of that name, or a parameter does not fit.
        """
        offered: dict[str, Policy] = {policy.name: policy for policy in self._session.plugins.policies}
        if name in offered:
            return offered[name].filled_in(parameters or {})
        if offered:
            raise unknown(name, None, offered)
        raise FormulaError(
            f"There is no policy {name!r}: no loaded plugin brings any. bidviz-policy-schedules is one that does."
        )

    def scope(self) -> Scope:
        """Everything that a condition may name, at the present step."""
        return Scope(self._around)

    def condition(self, text: str) -> WatchedCondition:
        """Compiles a condition to be asked at step boundaries until it is closed; call it on the training thread.

        Raises:
            FormulaError: it is no condition, or names something unknown; with the column.
        """
        condition = compile_condition(text)
        scope = self.scope()
        if any(name not in scope for name in condition.names):
            self._session.pump.flush()  # a series that came a moment ago
        condition.check(scope)
        return WatchedCondition(condition, self._around, self._stepping.keep_for)

    def infos(self) -> list[PolicyInfo]:
        """All policies as the page shows them."""
        offered = [
            PolicyInfo(
                policy=policy.name,
                target="",
                parameters=dict(policy.parameters),
                inputs=[policy.target] if policy.target else [],
                state="offered",
                help=policy.help,
                parameter_help=dict(policy.parameter_help),
                origin=policy.origin,
            )
            for policy in self._session.plugins.policies
        ]
        return [*(one.info() for one in list(self._stepping.armed.values())), *offered]

    def __iter__(self) -> Iterator[PolicyInfo]:
        return iter(self.infos())

    def __len__(self) -> int:
        return len(self._stepping.armed)

    def __contains__(self, target: object) -> bool:
        return target in self._stepping.armed

    def __getitem__(self, target: str) -> PolicyInfo:
        return self._stepping.known(target).info()

    def look_for_bundles(self) -> None:
        """A bundle was unloaded or upgraded: at the next boundary its policies go on with the code that is there now.

        Where there is none they are disarmed, and their last values stay.
        """
        if any(one.rule.policy is not None for one in list(self._stepping.armed.values())):
            self._session.boundary.soon(self._renew_named)

    def _renew_named(self) -> None:
        offered: dict[str, Policy] = {policy.name: policy for policy in self._session.plugins.policies}
        for one in list(self._stepping.armed.values()):
            former = one.rule.policy
            if former is None or former.origin == "script" or one.state == "disarmed":
                continue
            now = offered.get(former.name)
            if now is None:
                self._stepping.disarm(one, f"{former.origin}, which brought it, was unloaded")
            elif now.function is not former.function:
                known = {name: value for name, value in former.parameters.items() if name in now.parameters}
                rule, author = one.rule, one.author
                try:
                    limits = {"mode": rule.mode, "low": rule.low, "high": rule.high}
                    self._stepping.arm(self.rule(one.target, now.filled_in(known), **limits), author)
                except BidvizError as error:
                    self._stepping.disarm(one, f"{now.origin} has other code, which cannot be armed: {error}")

    def beside(self, watchers: Collection[Callable[[int], None]]) -> Callable[[int, float], bool] | None:
        """What does at a calm step all that these watchers of step boundaries would do; none if only they can."""
        return self._stepping.beside(watchers)

    def advance(self, step: int) -> None:
        """A step was made that is only tried out: policies go on as they would."""
        self._stepping.advance(step)

    # --- for checkpoints ---------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """The policies in force with all that they have gathered, to be kept in a checkpoint; at a step boundary."""
        policies = [
            {
                **one.rule.detail(one.author),
                "since": one.since,
                "state": one.state,
                "note": one.note,
                "value": one.value,
                "own": one.own,
                "used": list(one.used),
            }
            for one in self._stepping.armed.values()
        ]
        return {"policies": policies, "readings": self._around.readings.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Puts the policies of a checkpoint in the place of the present ones; at a step boundary."""
        stepping = self._stepping
        for one in list(stepping.armed.values()):
            stepping.take_away(one, drop=one.state != "pinned")
        for kept in state["policies"]:
            given = self.named(kept["policy"], kept["parameters"]) if kept["policy"] else kept["formula"]
            stepping.put_back(
                self.rule(kept["target"], given, **{key: kept[key] for key in ("mode", "low", "high")}), kept
            )
        self._around.readings.restore(state["readings"])
        stepping.renew()

    def detach(self) -> None:
        """The session ends: nothing is computed any more, and no hook of ours is left on the optimizer."""
        self._stepping.detach()

    # --- inside -------------------------------------------------------------------------------------------------------

    def rule(self, target: str, policy: str | Policy, **options: Any) -> Rule:
        """Makes a rule of what a person gave; see `make_rule`."""
        around = self._around
        names = around.names()
        if target not in names and target in self._session.hyperparameters:
            names.append(target)  # `lr[0]` where there is one group

        def make() -> Rule:
            return make_rule(
                target,
                policy,
                hyperparameters=names,
                series=around.series,
                trusting=self._session.step == 0,
                **options,
            )

        try:
            return make()
        except FormulaError:
            self._session.pump.flush()  # a series that came a moment ago
            return make()
