"""Gathers what is to be shared from a session: the code of metrics and policies, charts, pages, what they need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from bidviz_core.description import PageFile
from bidviz_core.errors import BidvizError
from bidviz_core.metrics.definition import Metric
from bidviz_core.metrics.slot import Slot
from bidviz_core.policies.rules import Rule
from bidviz_core.sharing.naming import BundleName, identifier
from bidviz_core.sharing.pages import needed_by, without_metrics
from bidviz_core.sharing.panels import charts_for
from bidviz_core.sharing.sources import Module, metric_module, policy_module

if TYPE_CHECKING:
    from bidviz_core.session import Session


@dataclass
class Gathered:
    """What a bundle is made of.

    Args:
        modules: the text of each module, by its name below the package.
        metrics: metric names, and where each function is: `(module, function)`.
        policies: policy names, and where each is.
        charts: the charts of each metric, as JSON.
        pages: pages by their file's name.
        requirements: the distributions that are needed besides bidviz-core.
        help: what each metric and policy is, by name.
    """

    modules: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, tuple[str, str]] = field(default_factory=dict)
    policies: dict[str, tuple[str, str]] = field(default_factory=dict)
    charts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    pages: dict[str, PageFile] = field(default_factory=dict)
    requirements: dict[str, None] = field(default_factory=dict)
    help: dict[str, str] = field(default_factory=dict)


def gather(
    session: Session, name: BundleName, metrics: Sequence[str], policies: Sequence[str], page: PageFile | None
) -> Gathered:
    """Gathers metrics, policies and a page; nothing is written yet.

    Args:
        session: the session.
        name: what the bundle is called.
        metrics: names of metrics; those that the page shows and that are in no bundle come by themselves.
        policies: hyperparameters whose policies are shared.
        page: the page, or none.

    Raises:
        BidvizError: something is not there, or cannot be put in a package; with what to do.
    """
    gathered = Gathered()
    wanted = dict.fromkeys(metrics)
    for slot in needed_by(page, session.metrics.slots) if page is not None else ():
        if origin := bundle_of(session, slot.metric.origin):
            gathered.requirements[origin] = None
        elif slot.metric.origin != "built-in":
            wanted.setdefault(slot.metric.name)
    for metric in wanted:
        _take_metric(session, session.engine.slot(metric), gathered)
    for target in dict.fromkeys(policies):
        own = name.short if len(policies) == 1 else f"{name.short}-{identifier(target).replace('_', '-')}"
        _take_policy(session, target, session.policies.armed(target), own, gathered)
    if page is not None:
        gathered.pages[identifier(page.title)] = without_metrics(page, wanted)
    if not (gathered.metrics or gathered.policies or gathered.pages):
        raise BidvizError("There is nothing to share: name a metric, the target of a policy, or a page.")
    return gathered


def bundle_of(session: Session, origin: str) -> str:
    """What one installs to have a metric of this origin; empty for what comes from no bundle."""
    for plugin in session.plugins:
        if plugin.distribution and origin == f"{plugin.name} {plugin.version}":
            return f"{plugin.name}>={plugin.version}"
    return ""


def _take_metric(session: Session, slot: Slot, gathered: Gathered) -> None:
    metric = slot.metric
    if metric.origin == "built-in":
        raise BidvizError(f"Every run has the metric {metric.name!r}: leave it out.")
    changed = getattr(metric.function, "__code__", None)
    typed = changed is not None and changed.co_filename.startswith("<metric ")
    if (needed := bundle_of(session, metric.origin)) and not typed:
        raise BidvizError(
            f"{metric.name!r} comes from {metric.origin}, which others install as it is ({needed}): leave it out."
        )
    name = _free(identifier(metric.name), gathered)
    help = metric.help or _told(metric, typed, session.name)  # noqa: A001
    marked = [f"name={metric.name!r}"]
    marked += [f"every={metric.every}"] * (metric.every != 1)
    marked += [f"where={metric.where!r}"] * (metric.where != "training")
    marked += [f"modules={metric.modules!r}"] * (metric.modules is not None)
    marked.append(f"chart=charts_of({metric.name!r})")
    module = metric_module(metric, name, help, marked, f"The metric {metric.name}.")
    _keep(gathered, f"metrics.{name}", module)
    gathered.metrics[metric.name] = (f"metrics.{name}", name)
    gathered.charts[metric.name] = charts_for(session, slot)
    gathered.help[metric.name] = help


def _take_policy(session: Session, target: str, rule: Rule, own: str, gathered: Gathered) -> None:
    name = _free(identifier(own), gathered)
    place = f"policies.{name}"
    bounds = [f"{key}={value!r}" for key, value in (("low", rule.low), ("high", rule.high)) if value is not None]
    mode = [f"mode={rule.mode!r}"] * (rule.mode != "override")
    if rule.formula is not None:
        help = f"{target} = {rule.formula.text}, as it was armed in the run {session.name!r}."  # noqa: A001
        marked = [
            repr(own),
            repr(rule.formula.text),
            f"target={target!r}",
            f"help={help!r}",
        ]
        inner = "".join(f"    {one},\n" for one in (*marked, *mode, *bounds))
        source = (
            f'"""The policy {own}."""\n\nimport bidviz_core as bidviz\n\n{name} = bidviz.formula_policy(\n{inner})\n'
        )
        _keep(gathered, place, Module(source, ()))
    else:
        policy = rule.policy
        assert policy is not None
        help = policy.help or f"The policy {policy.name}, as it was armed in the run {session.name!r}."  # noqa: A001
        parameters = dict(policy.parameters)
        if needed := bundle_of(session, policy.origin):
            marked = [f"name={own!r}", f"target={target!r}", f"parameters={parameters!r}", *mode, *bounds]
            source = _again(policy.function, name, own, marked)
            _keep(gathered, place, Module(source, (needed,)))
        else:
            marked = [f"target={target!r}", f"name={own!r}", f"params={parameters!r}", *mode, *bounds]
            decorator = f"@bidviz.policy({', '.join(marked)})"
            _keep(
                gathered,
                place,
                policy_module(policy.function, policy.name, name, help, decorator, f"The policy {own}."),
            )
    gathered.policies[own] = (place, name)
    gathered.help[own] = help


def _again(function: Any, name: str, own: str, marked: Sequence[str]) -> str:
    """A policy of another bundle with the parameters, the mode and the bounds that it was armed with."""
    module, original = function.__module__, function.__qualname__
    if not original.isidentifier():
        raise BidvizError(f"The policy {original} lies inside a function of {module}, and cannot be imported.")
    return (
        f'"""The policy {own}."""\n\nfrom {module} import {original} as given\n\n'
        f"{name} = given.with_({', '.join(marked)})\n"
    )


def _keep(gathered: Gathered, place: str, module: Module) -> None:
    gathered.modules[place] = module.source
    gathered.requirements |= dict.fromkeys(module.requirements)


def _free(name: str, gathered: Gathered) -> str:
    taken = {function for _, function in (*gathered.metrics.values(), *gathered.policies.values())}
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _told(metric: Metric, typed: bool, run: str) -> str:
    lines = metric.code.strip().splitlines()
    if typed and len(lines) == 1 and len(lines[0]) <= 80:
        return f"{lines[0]}, as it was typed in the run {run!r}."
    return f"{metric.name}, computed from {' and '.join(metric.arguments) or 'nothing'}; written in the run {run!r}."


def page_json(page: PageFile) -> str:
    """A page as its file."""
    return msgspec.json.format(msgspec.json.encode(page), indent=1).decode() + "\n"
