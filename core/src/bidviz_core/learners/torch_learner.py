"""Watches a torch model: what every metric argument is, and when a step is over."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bidviz_core.learners.targets import targets_in_graph
from bidviz_core.learners.tensors import detached, same_layout, same_tensors, trained_tensors
from bidviz_core.learners.torch_hooks import ForwardHook, GradientHook, Listening
from bidviz_core.metrics.failure import NotYet, Unavailable
from bidviz_core.views import TensorView

#: Names and tensors are read from the model again after so many steps: layers may be added or frozen meanwhile.
_RENEW_EVERY = 100
#: Arguments for which the tensors of the forward pass are kept until the step boundary.
_OF_THE_MODEL = frozenset({"batch", "minibatch", "inputs", "outputs"})
#: Arguments for which `backward` and the loss module are listened to.
_OF_THE_LOSS = frozenset({"loss", "targets", "raw_grads"})


class TorchLearner:
    """The learner of a torch session: model, optimizers, and what the present step offers to metrics.

    Args:
        model: the model, or none.
        optimizers: the optimizers; the first is the clock.
        loss_fn: the loss module, if the script gave one.
        boundary: called at each step boundary, after the update.
        before_update: called after backward, before the update.
    """

    def __init__(
        self,
        model: nn.Module | None,
        optimizers: Sequence[Optimizer],
        loss_fn: Any,
        boundary: Callable[[], None],
        before_update: Callable[[], None],
    ) -> None:
        self.model = model
        self.optimizers = tuple(optimizers)
        self.loss_fn = loss_fn if isinstance(loss_fn, nn.Module) else None
        self.in_step = False  # a forward or backward pass of the coming step has been seen
        self._boundary = boundary
        self._before_update = before_update
        self._wanted: frozenset[str] = frozenset()
        self._keeps_pass = False
        self._inputs: tuple[tuple[Any, ...], dict[str, Any]] | None = None
        self._outputs: Any = None
        self._targets: Tensor | None = None
        self._root: Tensor | None = None
        self._loss: Tensor | None = None
        self._scaled: tuple[Tensor, Tensor] | None = None
        self._scaler: Any = None
        self._before: list[Tensor] | None = None
        self._before_is_fresh = False
        self._raw_hooks: dict[str, GradientHook] = {}
        self._activation_hooks: dict[str, ForwardHook] = {}
        self._activations: dict[str, Tensor] = {}
        self._passes = 0
        self._hooked_at = 0  # the step after which hooks were last put on
        self._steps = 0
        self._named: tuple[list[str], list[Tensor]] = ([], [])
        self._views: dict[str, TensorView] = {}
        self._handles: list[Any] = []
        self._hooks: dict[str, Any] = {}
        self._detached = False
        self._attach()

    # --- attaching ---------------------------------------------------------------------------------------------------

    def _attach(self) -> None:
        if self.optimizers:
            self._handles.append(self.optimizers[0].register_step_post_hook(self._post_step))
        self._renew_names()

    def require(self, ever: frozenset[str], *, logs: bool, gradients_ready: bool) -> None:
        """Puts on the hooks that somebody needs at any step, and takes away the others: each costs about 1 µs.

        Args:
            ever: the arguments that some metric asks for, at whatever cadence.
            logs: whether the script logs values itself, so that it matters when a step has begun.
            gradients_ready: whether a plugin wants to be told before the update.
        """
        if self._detached:
            return
        model, loss_fn = self.model, self.loss_fn
        pass_wanted = logs or not _OF_THE_MODEL.isdisjoint(ever)
        self._hook("forward", pass_wanted and model is not None, lambda: ForwardHook(model, self._forward_seen))  # type: ignore[arg-type]
        loss_wanted = not _OF_THE_LOSS.isdisjoint(ever)
        self._hook(
            "loss",
            loss_wanted and loss_fn is not None,
            lambda: ForwardHook(loss_fn, self._loss_seen),  # type: ignore[arg-type]
        )
        self._hook("backward", logs or loss_wanted, lambda: Listening(self))
        before_wanted = gradients_ready or "updates" in ever
        self._hook(
            "before",
            before_wanted and bool(self.optimizers),
            lambda: self.optimizers[0].register_step_pre_hook(self._pre_step),
        )

    def _hook(self, name: str, wanted: bool, put_on: Callable[[], Any]) -> None:
        if wanted and name not in self._hooks:
            self._hooks[name] = put_on()
            self._passes, self._hooked_at = 0, self._steps
        elif not wanted and name in self._hooks:
            self._hooks.pop(name).remove()

    def detach(self) -> None:
        """Takes every hook away and lets every tensor go."""
        self._detached = True
        for handle in (
            *self._handles,
            *self._hooks.values(),
            *self._raw_hooks.values(),
            *self._activation_hooks.values(),
        ):
            handle.remove()
        self._handles.clear()
        self._hooks.clear()
        self._raw_hooks.clear()
        self._activation_hooks.clear()
        self.release()
        self._before = None

    def prepare(self, wanted: frozenset[str], patterns: Iterable[str]) -> None:
        """Says what the coming step has to keep for its metrics."""
        if self._detached:
            return
        self._wanted = wanted
        self._keeps_pass = not _OF_THE_MODEL.isdisjoint(wanted)
        if "raw_grads" in wanted or self._raw_hooks:
            self._hook_gradients("raw_grads" in wanted)
        if "activations" in wanted or self._activation_hooks:
            self._hook_activations(tuple(patterns) if "activations" in wanted else ())

    def release(self) -> None:
        """Lets the tensors of the step go; the coming pass brings new ones."""
        self._root = None
        if self._keeps_pass or self._inputs is not None:
            self._inputs = self._outputs = None
        if self._targets is not None or self._loss is not None or self._scaled is not None:
            self._targets = self._loss = self._scaled = None
        if self._activations:
            self._activations.clear()
        if self._views:
            self._views.clear()

    # --- what hooks tell ---------------------------------------------------------------------------------------------

    def _forward_seen(self, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        self.in_step = True
        self._passes += 1
        if self._keeps_pass:  # or the batch would live longer than the script means it to
            self._inputs = (args, kwargs)
            self._outputs = output

    def _loss_seen(self, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        if isinstance(output, Tensor):
            self._loss = output.detach()
        target = args[1] if len(args) > 1 else kwargs.get("target")
        if isinstance(target, Tensor):
            self._targets = target.detach()

    def loss_scaled(self, loss: Any, scaled: Any, scaler: Any) -> None:
        """A `GradScaler` scaled a loss: the root of backward will be the scaled one."""
        self._scaler = scaler
        if isinstance(loss, Tensor) and isinstance(scaled, Tensor):
            self._scaled = (loss.detach(), scaled)

    def backward_begins(self, tensors: Any) -> None:
        """Backward is about to run from these roots."""
        root = tensors if isinstance(tensors, Tensor) else next(iter(tensors), None)
        if not isinstance(root, Tensor):
            return
        self.in_step = True
        if self._scaled is not None and self._scaled[1] is root:
            self._root = self._scaled[0]
        else:
            self._root = root.detach()
        if self._wanted and "targets" in self._wanted and self._targets is None and root.grad_fn is not None:
            self._targets = targets_in_graph(root)

    def _pre_step(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if "updates" in self._wanted:
            self._keep_before()
        if not ((args and callable(args[0])) or callable(kwargs.get("closure"))):
            self._before_update()  # with a closure there is no gradient yet

    def _post_step(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        found = getattr(optimizer, "found_inf", None)
        # A fused optimizer under GradScaler skips the update on the device. Asking a GPU would make the training wait.
        if found is not None and found.device.type == "cpu" and bool(found):
            self.release()
            self.in_step = False
            return
        self._steps += 1
        self._boundary()
        self._before_is_fresh = False

    # --- hooks put on demand -----------------------------------------------------------------------------------------

    def _hook_gradients(self, wanted: bool) -> None:
        if wanted and not self._raw_hooks:
            names, tensors = self.named()
            self._raw_hooks = {name: GradientHook(tensor) for name, tensor in zip(names, tensors, strict=True)}
        for hook in self._raw_hooks.values():
            hook.wanted = wanted

    def _hook_activations(self, patterns: tuple[str, ...]) -> None:
        if self.model is None:
            return
        wanted = {
            name: module
            for name, module in self.model.named_modules()
            if name and any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
        }
        for name in set(self._activation_hooks) - set(wanted):
            self._activation_hooks.pop(name).remove()
        for name in set(wanted) - set(self._activation_hooks):
            self._activation_hooks[name] = ForwardHook(wanted[name], self._keep_activation(name))

    def _keep_activation(self, name: str) -> Callable[[tuple[Any, ...], dict[str, Any], Any], None]:
        def keep(args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            first = output[0] if isinstance(output, (tuple, list)) and output else output
            if isinstance(first, Tensor):
                self._activations[name] = first.detach()

        return keep

    def _keep_before(self) -> None:
        _, tensors = self.named()
        with torch.no_grad():
            kept = self._before
            same = kept is not None and same_layout(kept, tensors)
            if same and kept is not None:
                torch._foreach_copy_(kept, [tensor.detach() for tensor in tensors])
            else:
                self._before = [tensor.detach().clone() for tensor in tensors]
        self._before_is_fresh = True

    def named(self) -> tuple[list[str], list[Tensor]]:
        """Qualified names and tensors of everything that is trained."""
        if self._steps % _RENEW_EVERY == 1:
            self._renew_names()
        return self._named

    def _renew_names(self) -> None:
        named = trained_tensors(self.model, self.optimizers)
        if not same_tensors(named[1], self._named[1]):
            self._before = None
            for hook in self._raw_hooks.values():
                hook.remove()
            self._raw_hooks.clear()
        self._named = named

    # --- what metrics ask for ----------------------------------------------------------------------------------------

    def sources(self) -> dict[str, Callable[..., Any]]:
        """For each argument that a torch learner can give, what gives it at this step."""
        return {
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
        }

    def never(self, argument: str) -> str:
        """Why an argument can never be had here; torch gives them all."""
        return f"{argument!r} is not known here."

    def _optimizer(self) -> Any:
        return self.optimizers[0] if len(self.optimizers) == 1 else list(self.optimizers)

    def loss(self) -> Tensor:
        """The loss of the step, detached and unscaled."""
        if self._loss is not None:
            return self._loss
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
        if self._passes == 0 and self._steps > self._hooked_at + 1:
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
        if "targets" not in self._wanted:
            raise NotYet("targets come with the next step.")
        raise Unavailable(
            "the targets cannot be found in the loss' graph. Give the loss module: watch(…, loss_fn=criterion), "
            "or log what you want to see with session.log(name, value)."
        )

    def _params(self) -> TensorView:
        return self._view("params", self._make_params)

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
        if not self._before_is_fresh or self._before is None:
            raise NotYet("updates come with the next step.")
        return self._view("updates", self._make_updates)

    def _make_updates(self) -> tuple[list[str], list[Tensor]]:
        names, tensors = self.named()
        assert self._before is not None
        with torch.no_grad():
            return names, list(torch._foreach_sub([tensor.detach() for tensor in tensors], self._before))

    def _selected_activations(self, pattern: str | None) -> dict[str, Tensor]:
        if not self._activations:
            raise NotYet("activations come with the next forward pass.")
        chosen = pattern or "*"
        return {name: value for name, value in self._activations.items() if fnmatch.fnmatchcase(name, chosen)}

    def _view(self, name: str, make: Callable[[], tuple[list[str], list[Tensor]]]) -> TensorView:
        view = self._views.get(name)
        if view is None:
            view = self._views[name] = TensorView((), make)
        return view
