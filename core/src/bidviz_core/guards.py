"""Guards that keep a metric from changing the training: its random numbers, its weights, its modes.

`RandomGuard` stands around every metric, `ModelGuard` in its full mode around a *Try* and a metric's first runs and in
its watching mode around the rest. What they find changed they put back, and name.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from bidviz_core.generators import Generator, NumpyGenerator, PythonGenerator, TorchGenerator

if TYPE_CHECKING:
    from torch import Tensor, nn


class RandomGuard:
    """Gives the training's random generators back as they were.

    It covers the generators that a training draws from without naming them: `random`'s, numpy's legacy global one, and
    torch's default ones on the CPU and on CUDA. numpy and torch are covered from when the program has imported them.
    Generators that a script made itself belong to the script, and to whatever metric it hands them to.

    `save()` and `restore()` together cost about 3 µs when nothing was drawn. They may be nested. As a context manager
    it does the one at the beginning and the other at the end.
    """

    def __init__(self) -> None:
        self._generators: list[Generator] = [PythonGenerator()]
        self._later: dict[str, Callable[[], Generator]] = {"numpy.random": NumpyGenerator, "torch": TorchGenerator}
        self._saved: list[list[tuple[Generator, object]]] = []

    def save(self) -> None:
        """Remembers every generator's state."""
        if self._later:
            self._find()
        self._saved.append([(generator, generator.take()) for generator in self._generators])

    def restore(self) -> tuple[str, ...]:
        """Puts back what was drawn from since the last `save`.

        Returns:
            The names of the generators that were drawn from or seeded: of `"random"`, `"numpy"`, `"torch"`.
        """
        drawn = self.put_back()
        self._saved.pop()
        return drawn

    def put_back(self) -> tuple[str, ...]:
        """The same as `restore`, and what was saved stays saved: for several looks at one state.

        Returns:
            The names of the generators that were drawn from or seeded since the last look.
        """
        return tuple([generator.name for generator, taken in self._saved[-1] if generator.put_back(taken)])

    def __enter__(self) -> RandomGuard:
        self.save()
        return self

    def __exit__(self, *error: object) -> None:
        self.restore()

    def _find(self) -> None:
        for module in [module for module in self._later if module in sys.modules]:
            # A module that another thread is still importing shows up early, without its functions.
            specification = getattr(sys.modules[module], "__spec__", None)
            if not getattr(specification, "_initializing", False):
                self._generators.append(self._later.pop(module)())


class Kept(NamedTuple):
    """What `ModelGuard.before` remembers; only meant to be handed to `after`.

    Args:
        full: whether tensors were copied.
        switches: torch's process-wide switches.
        training: each module's mode.
        versions: each tensor's count of in-place changes.
        copies: what the full mode keeps, or none.
    """

    full: bool
    switches: tuple[Any, ...]
    training: list[bool]
    versions: list[int]
    copies: Any


class ModelGuard:
    """Notices what a metric changed on a model, and puts back what can be put back.

    Args:
        model: the model, or the tensors to guard where there is no module.

    The full mode copies parameters, buffers and gradients, compares them to the bit afterwards, and puts back values,
    data types, storage, `requires_grad`, and parameters and buffers that were replaced. The watching mode reads version
    counters (about 10 µs for 148 tensors): it names what was written in place but cannot put it back, and misses what
    was written through `.data`. Both put back modules' modes and torch's switches (grad mode, autocast, default data
    type, number of threads, deterministic algorithms).
    """

    def __init__(self, model: nn.Module | Sequence[Tensor]) -> None:
        from bidviz_core import model_copy  # imports torch, which only a model's owner has

        self._copy = model_copy
        self._model = model
        self._versions = attrgetter("_version")
        self._training = attrgetter("training")
        self._switches = model_copy.switches
        self._spare: dict[int, list[Tensor]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Lists the model's modules and tensors anew; the full mode does it by itself."""
        self._modules, self._named = self._copy.contents(self._model)
        self._names = list(self._named)
        # Tensors made in inference mode have no version counter.
        self._watched = [name for name in self._names if not self._named[name].is_inference()]
        self._tensors = [self._named[name] for name in self._watched]

    def before(self, full: bool) -> Kept:
        """Remembers how things are.

        Args:
            full: copy every tensor, so that it can be compared and put back; where there is no memory for the copy,
                it watches instead, and `Kept.full` says so.
        """
        copies = None
        if full:
            self.refresh()
            copies = self._copy.copy_of(self._model, self._named, self._spare)
        return Kept(
            copies is not None,
            self._switches(),
            [*map(self._training, self._modules.values())],
            [*map(self._versions, self._tensors)],
            copies,
        )

    def give_up(self, kept: Kept) -> None:
        """Ends what `before` remembered; the memory of its copies is kept for the next, until `forget`."""
        if kept.copies is not None:
            self._spare = kept.copies.give_up()

    def forget(self) -> None:
        """Lets go of the memory that is kept for copies."""
        self._spare = {}

    def moved(self, kept: Kept) -> bool:
        """Whether version counters have moved, as `before` or the last look at them left them.

        Writing the same values again moves them too: it takes the copies to say whether anything changed.
        """
        versions = [*map(self._versions, self._tensors)]
        moved = versions != kept.versions
        kept.versions[:] = versions
        return moved

    def put_back_modes(self, kept: Kept) -> list[str]:
        """Puts back modes and torch's switches alone, which is quickly done; names what was changed of them."""
        return [*self._put_back_switches(kept), *self._put_back_modes(kept)]

    def after(self, kept: Kept) -> list[str]:
        """Puts back what changed since `before`.

        Returns:
            What was changed, one phrase each (`"fc1.weight"`, `"the mode of dropout1"`, `"the number of threads"`).
        """
        changes = self._put_back_switches(kept)
        if kept.full:
            changes += kept.copies.put_back()
        else:
            versions = [*map(self._versions, self._tensors)]
            if versions != kept.versions:
                pairs = zip(self._watched, kept.versions, versions, strict=True)
                changes += [name for name, old, new in pairs if old != new]
        return changes + self._put_back_modes(kept)

    def _put_back_switches(self, kept: Kept) -> list[str]:
        return self._copy.put_back_switches(kept.switches) if self._switches() != kept.switches else []

    def _put_back_modes(self, kept: Kept) -> list[str]:
        changes: list[str] = []
        if [*map(self._training, self._modules.values())] != kept.training:
            for (name, module), mode in zip(self._modules.items(), kept.training, strict=True):
                if module.training != mode:
                    module.training = mode
                    changes.append(f"the mode of {name or 'the model'}")
        return changes
