"""What metrics keep of modules' calls: looked at while they are called, let go at the step boundary."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from bidviz_core.learners.torch_hooks import EntryHook, ForwardHook
from bidviz_core.metrics.definition import Observe
from bidviz_core.metrics.failure import NotYet
from bidviz_core.metrics.results import Observed

#: Modules are listed again after so many looks in a row: some may have been added, or put in place of others.
_RENEW_EVERY = 100


class Observations:
    """The hooks of metrics that look at modules while they run, and what they kept of the present step.

    Hooks are put on for the steps at which a metric is due, and taken away again: to register one and take it away
    costs about 6 µs, to leave it on about 2 µs a call.

    Args:
        model: the model, or none.
    """

    def __init__(self, model: nn.Module | None) -> None:
        self._model = model
        self._hooks: dict[Observe, list[ForwardHook]] = {}
        self._kept: dict[Observe, Observed] = {}
        self._failed: dict[Observe, Exception] = {}
        self._looks: dict[Observe, int] = {}

    def __bool__(self) -> bool:
        return bool(self._hooks)

    def want(self, observers: tuple[Observe, ...]) -> None:
        """Says what is looked at in the coming step."""
        if not observers and not self._hooks:
            return
        for one in [one for one in self._hooks if one not in observers]:
            self._take_away(one)
        for one in observers:
            if one not in self._hooks:
                self._put_on(one)

    def release(self) -> None:
        """Lets go of what was kept of the step."""
        if self._kept or self._failed:
            self._kept.clear()
            self._failed.clear()

    def of(self, observe: Observe) -> Observed:
        """What was kept of the step's calls; empty where no module that was chosen has been called.

        Raises:
            NotYet: nothing was looked at in this step.
            Exception: what `look` raised.
        """
        if observe not in self._hooks:
            observe = next((known for known in self._hooks if known.is_like(observe)), observe)
        if observe in self._failed:
            raise self._failed[observe]
        if observe not in self._hooks:
            raise NotYet("activations come with the next forward pass.")
        self._looks[observe] = looks = self._looks.get(observe, 0) + 1
        if looks % _RENEW_EVERY == 0:
            self._take_away(observe)
            self._put_on(observe)
        return self._kept.get(observe) or Observed()

    def _put_on(self, observe: Observe) -> None:
        self._hooks[observe] = []
        if self._model is None:
            return
        before = observe.before
        try:
            for name, module in self._model.named_modules():
                if observe.select(name, module):
                    plain = name.replace("_orig_mod.", "") or "model"
                    kind = EntryHook if (before(module) if callable(before) else before) else ForwardHook
                    self._hooks[observe].append(kind(module, self._looking(observe, plain, module)))
        except Exception as error:  # noqa: BLE001 - a fence: it is reported, and the training goes on
            self._failed[observe] = error

    def _take_away(self, observe: Observe) -> None:
        self._looks.pop(observe, None)
        for hook in self._hooks.pop(observe):
            hook.remove()

    def _looking(
        self, observe: Observe, name: str, module: nn.Module
    ) -> Callable[[tuple[Any, ...], dict[str, Any], Any], None]:
        def look(args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            began = time.perf_counter()
            kept = self._kept.get(observe)
            if kept is None:
                kept = self._kept[observe] = Observed()
            try:
                with torch.no_grad():
                    kept[name] = observe.look(module, args, kwargs, output, kept.get(name))
            except Exception as error:  # noqa: BLE001 - a fence: it is reported, and the training goes on
                self._failed[observe] = error
            kept.seconds += time.perf_counter() - began

        return look
