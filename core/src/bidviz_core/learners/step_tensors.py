"""What a torch learner keeps of the present step, and how it gives that to metrics."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bidviz_core.learners import differences
from bidviz_core.learners.observations import Observations
from bidviz_core.learners.second_pass import SecondPass, Seen
from bidviz_core.learners.tensors import detached, same_tensors, trained_tensors
from bidviz_core.learners.torch_hooks import ForwardHook, GradientHook
from bidviz_core.metrics.definition import Observe
from bidviz_core.metrics.failure import NotYet, Unavailable
from bidviz_core.pulse import Pulse
from bidviz_core.views import TensorView

if TYPE_CHECKING:
    from bidviz_core.learners.phases import PhaseClock, PhaseTimes

#: Names and tensors are read from the model again after so many steps: layers may be added or frozen meanwhile.
_RENEW_EVERY = 100


class StepTensors:
    """The tensors of one step: filled by hooks, read by metrics, let go at the step boundary.

    Args:
        model: the model, or none.
        optimizers: the optimizers.
        criterion: the loss function, or none.
    """

    def __init__(
        self, model: nn.Module | None, optimizers: Sequence[Optimizer], criterion: Callable[..., Any] | None = None
    ) -> None:
        self.model = model
        self._criterion = criterion
        self._loss_call: tuple[tuple[Any, ...], dict[str, Any]] | None = None
        self._second_pass: SecondPass | None = None
        self.optimizers = tuple(optimizers)
        self._wanted: frozenset[str] = frozenset()
        self._keeps_pass = False
        self._inputs: tuple[tuple[Any, ...], dict[str, Any]] | None = None
        self._outputs: Any = None
        self._targets: Tensor | None = None
        self._root: Tensor | None = None
        #: The root's, where it could be read without waiting.
        self.number: float | None = None
        self._dtype: torch.dtype | None = None
        self._loss: Tensor | None = None
        self._scaled: tuple[Tensor, Tensor] | None = None
        self._scaler: Any = None
        self._before: list[Tensor] | None = None
        self._before_is_fresh = False
        #: The norms of the updates and of the parameters, where they were taken while subtracting.
        self._pair_norms: tuple[list[float], list[float]] | None = None
        self._both_norms = False  # whether metrics asked for both when there were updates last
        self._raw_hooks: dict[str, GradientHook] = {}
        self._activation_hooks: dict[str, ForwardHook] = {}
        self._activations: dict[str, Tensor] = {}
        #: What metrics keep of modules' calls.
        self.observations = Observations(model)
        self._passes = 0
        self._hooked_at = 0  # the step after which passes were last begun to be listened to
        self._unheard: set[int] = set()  # steps that were listened to from their beginning and brought no pass
        #: What changes at each step.
        self.pulse = Pulse()
        self._named: tuple[list[str], list[Tensor]] = ([], [])
        self._views: dict[str, TensorView] = {}
        #: The account of where the time goes, while somebody asks for it.
        self.phases: PhaseClock | None = None

    @property
    def made(self) -> int:
        """The updates so far."""
        return self.pulse.step + self.pulse.offset

    def release(self) -> None:
        """Lets the tensors of the step go; the coming pass brings new ones."""
        self._root = self.number = None
        if self._keeps_pass or self._inputs is not None:
            self._inputs = self._outputs = None
        if self._targets is not None or self._loss is not None or self._scaled is not None:
            self._targets = self._loss = self._scaled = None
        self._loss_call = self._second_pass = None
        if self._activations:
            self._activations.clear()
        if self._views:
            updates, params = self._views.get("updates"), self._views.get("params")
            if updates is not None:
                self._both_norms = updates.has_norms and params is not None and params.has_norms
            self._views.clear()
        self._pair_norms = None
        self.observations.release()
        self._before_is_fresh = False

    def named(self) -> tuple[list[str], list[Tensor]]:
        """Qualified names and tensors of everything that is trained."""
        if self.made % _RENEW_EVERY == 1:
            self._renew_names()
        return self._named

    def renew(self) -> None:
        """Lists anew what is trained; called when layers were frozen or are trained again."""
        self._renew_names()
        self._views.clear()

    def _renew_names(self) -> None:
        named = trained_tensors(self.model, self.optimizers)
        if not same_tensors(named[1], self._named[1]):
            self._before = None
            for hook in self._raw_hooks.values():
                hook.remove()
            self._raw_hooks.clear()
        self._named = named

    def sources(self) -> dict[str, Callable[..., Any]]:
        """For each argument that a torch learner can give, what gives it at this step."""
        again = {"second_pass": self._pass_again} if self.model is not None and self._criterion is not None else {}
        return {
            **again,
            "model": lambda: self.model,
            "optimizer": self._optimizer,
            "batch": self._batch,
            "minibatch": self._batch,
            "inputs": self._first_input,
            "outputs": self._detached_outputs,
            "targets": self._found_targets,
            "loss": self.loss,
            "params": self._params,
            "grads": self._grads,
            "raw_grads": self._raw_grads,
            "updates": self._updates,
            "activations": self._selected_activations,
            "phases": self._phase_times,
        }

    def readers(self) -> dict[str, Callable[[], float | None]]:
        """Series that are read as plain numbers without a metric's machinery."""
        return {"loss": self._loss_number}

    def _loss_number(self) -> float | None:
        return self.number if self._loss is None and type(self.number) is float else None

    def never(self, argument: str) -> str:
        """Why an argument can never be had here."""
        if argument == "second_pass":
            return "a second pass needs the model and its loss function: watch(model, optimizer, loss_fn=criterion)."
        return f"{argument!r} is not known here."

    def _optimizer(self) -> Any:
        return self.optimizers[0] if len(self.optimizers) == 1 else list(self.optimizers)

    def loss(self) -> Tensor:
        """The loss of the step, detached and unscaled."""
        if self._loss is not None:
            return self._loss
        if self.number is not None:
            return torch.tensor(self.number, dtype=self._dtype)
        if self._root is None:
            raise Unavailable(
                "no backward pass was seen in this step, so there is no loss. Give it with session.log('loss', value)."
            )
        if self._root.numel() != 1:
            raise Unavailable(
                "backward began at a tensor of several numbers, so there is no one loss. "
                "Give it with watch(…, loss_fn=criterion) or session.log('loss', value)."
            )
        return self._root

    def _pass(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if self._inputs is not None:
            return self._inputs
        if self.model is None:
            raise Unavailable("no model was given: watch(model, optimizer).")
        if self._keeps_pass and self._passes == 0 and self.made > self._hooked_at:
            self._unheard.add(self.made)
        if len(self._unheard) > 1:  # the first one may have begun before
            raise Unavailable(
                "the model's forward pass was not seen. If the script calls a wrapped or compiled model, "
                "give that one: watch(torch.compile(model), optimizer)."
            )
        raise NotYet("it comes with the next forward pass.")

    def _batch(self) -> Any:
        args, kwargs = self._pass()
        if kwargs and not args:
            return detached(kwargs)
        return detached(args[0] if len(args) == 1 and not kwargs else (*args, kwargs) if kwargs else args)

    def _first_input(self) -> Any:
        args, kwargs = self._pass()
        first = args[0] if args else next(iter(kwargs.values()), None)
        return detached(first)

    def _detached_outputs(self) -> Any:
        self._pass()
        return detached(self._outputs)

    def _found_targets(self) -> Tensor:
        if self._targets is not None:
            return self._targets
        if not {"targets", "second_pass"} & self._wanted:
            raise NotYet("targets come with the next step.")
        raise Unavailable(
            "the targets cannot be found in the loss' graph. Give the loss module: watch(…, loss_fn=criterion), "
            "or log what you want to see with session.log(name, value)."
        )

    def _pass_again(self) -> SecondPass:
        if self._second_pass is None:
            args, kwargs = self._pass()
            loss_args, loss_kwargs = self._loss_call or (None, {})
            targets = self._found_targets() if loss_args is None else None
            assert self.model is not None
            assert self._criterion is not None
            seen = Seen(args, kwargs, self._outputs, loss_args, loss_kwargs, targets, self.loss())
            self._second_pass = SecondPass(self.model, self._criterion, seen)
        return self._second_pass

    def _params(self) -> TensorView:
        return self._view("params", self._make_params, self._norms_of_params)

    def _make_params(self) -> tuple[list[str], list[Tensor]]:
        names, tensors = self.named()
        return names, [tensor.detach() for tensor in tensors]

    def _grads(self) -> TensorView:
        return self._view("grads", self._make_grads)

    def _make_grads(self) -> tuple[list[str], list[Tensor]]:
        names, tensors = self.named()
        found = [(name, tensor.grad) for name, tensor in zip(names, tensors, strict=True) if tensor.grad is not None]
        return [name for name, _ in found], [gradient.detach() for _, gradient in found]

    def _raw_grads(self) -> TensorView:
        if not self._raw_hooks or all(hook.copy is None for hook in self._raw_hooks.values()):
            raise NotYet("gradients before clipping come with the next backward pass.")
        return self._view("raw_grads", self._make_raw_grads)

    def _make_raw_grads(self) -> tuple[list[str], list[Tensor]]:
        found = {name: hook.copy for name, hook in self._raw_hooks.items() if hook.copy is not None}
        copies = list(found.values())
        if self._scaler is not None and self._scaled is not None:
            # Backward ran from the scaled loss: scaled = loss × scale.
            scale = self._scaler.get_scale()
            copies = [copy / scale for copy in copies]
        return list(found), copies

    def _updates(self) -> TensorView:
        if "updates" not in self._views and (not self._before_is_fresh or self._before is None):
            raise NotYet("updates come with the next step.")
        return self._view("updates", self._make_updates, self._norms_of_updates)

    def _make_updates(self) -> tuple[list[str], list[Tensor]]:
        names, tensors = self.named()
        assert self._before is not None
        if not tensors:
            return [], []  # all is frozen; torch's fused operations take no empty lists
        # In the place of what was kept: new memory for as many values costs more than the subtraction.
        self._before_is_fresh = False
        if self._both_norms and differences.fits(tensors) and differences.fits(self._before):
            self._pair_norms = differences.subtract_with_norms(tensors, self._before)
            return names, list(self._before)
        with torch.no_grad():
            for after, before in zip(tensors, self._before, strict=True):
                torch.sub(after.detach(), before, out=before)
        return names, list(self._before)

    def _norms_of_updates(self) -> list[float] | None:
        len(self._updates())  # makes them
        return None if self._pair_norms is None else self._pair_norms[0]

    def _norms_of_params(self) -> list[float] | None:
        if self._both_norms and "updates" in self._wanted and self._before_is_fresh and self._before is not None:
            len(self._updates())  # metrics are going to ask for their norms too: together they are cheaper
        return None if self._pair_norms is None else self._pair_norms[1]

    def _selected_activations(self, pattern: str | Observe | None) -> dict[str, Any]:
        if isinstance(pattern, Observe):
            return self.observations.of(pattern)
        if not self._activations:
            raise NotYet("activations come with the next forward pass.")
        chosen = pattern or "*"
        return {name: value for name, value in self._activations.items() if fnmatch.fnmatchcase(name, chosen)}

    def _phase_times(self) -> PhaseTimes:
        if self.phases is None:
            raise NotYet("phases come with the next step.")
        return self.phases.times()

    def _view(
        self,
        name: str,
        make: Callable[[], tuple[list[str], list[Tensor]]],
        known: Callable[[], list[float] | None] | None = None,
    ) -> TensorView:
        view = self._views.get(name)
        if view is None:
            view = self._views[name] = TensorView((), make, known)
        return view
