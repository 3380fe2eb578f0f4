"""The sample learners that are torch models."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from bidviz_core.testing.learners import SampleLearner, Strange

if TYPE_CHECKING:
    from bidviz_core.session import Session

_CLASSES = 4
#: The step after which the loss is NaN, where it is to become so.
_NAN_AFTER = 2


def make(name: str, seed: int, strange: Strange) -> SampleLearner:
    """Makes a learner; the generators of the program are as they were afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        parts = _MAKERS[name]()
        data = parts.data()
        loss_fn = nn.CrossEntropyLoss()
        model = _made_strange(parts.model, strange)
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer, scheduler = parts.optimizer(trained), None
        if name == "transformer":
            scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 4))
    batches = torch.Generator().manual_seed(seed)
    made = 0

    def train(session: Session | None) -> None:
        nonlocal made
        made += 1
        chosen = torch.randint(len(data[0]), (parts.batch,), generator=batches)
        inputs, targets = data[0][chosen], data[1][chosen]
        if name == "words":
            inputs = inputs.to_sparse()
        if strange == "bf16" and inputs.is_floating_point():
            inputs = inputs.bfloat16()
        optimizer.zero_grad()
        loss = loss_fn(model(inputs), targets)
        if strange == "nan" and made > _NAN_AFTER:
            loss = loss * math.nan
        loss.backward()
        if name == "mlp":
            nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()

    return SampleLearner(name, model, optimizer, loss_fn, train, strange)


class _Parts:
    def __init__(
        self,
        model: nn.Module,
        data: Callable[[], tuple[Tensor, Tensor]],
        optimizer: Callable[[Any], torch.optim.Optimizer],
        batch: int = 16,
    ) -> None:
        self.model, self.data, self.optimizer, self.batch = model, data, optimizer, batch


class _Strange(nn.Module):
    """A model beside which stands something that real models have now and then."""

    def __init__(self, inner: nn.Module, kind: Strange) -> None:
        super().__init__()
        self.inner = inner
        if kind == "empty":
            self.empty = nn.ParameterDict({"weight": torch.zeros(0, 4)})
        else:
            self.unused = nn.Linear(3, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.inner(inputs)
        return outputs + self.empty["weight"].sum() if hasattr(self, "empty") else outputs


def _made_strange(model: nn.Module, strange: Strange) -> nn.Module:
    if strange == "bf16":
        return model.bfloat16()
    if strange == "frozen":
        leaves = (module for module in model.modules() if not list(module.children()))
        next(module for module in leaves if list(module.parameters())).requires_grad_(False)
    return _Strange(model, strange) if strange in ("empty", "frozen") else model


def _points(width: int) -> Callable[[], tuple[Tensor, Tensor]]:
    def data() -> tuple[Tensor, Tensor]:
        targets = torch.randint(_CLASSES, (256,))
        return torch.randn(_CLASSES, width)[targets] + torch.randn(256, width), targets

    return data


def _mlp() -> _Parts:
    model = nn.Sequential(
        nn.Linear(16, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, _CLASSES)
    )
    return _Parts(model, _points(16), lambda trained: torch.optim.Adam(trained, lr=1e-2, weight_decay=1e-4))


def _wide() -> _Parts:
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, _CLASSES))
    # A batch as large as trainings of such a model have: what a metric costs is judged by this learner's step.
    return _Parts(model, _points(784), lambda trained: torch.optim.SGD(trained, lr=1e-2, momentum=0.9), batch=256)


def _cnn() -> _Parts:
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(128, _CLASSES),
    )

    def stripes() -> tuple[Tensor, Tensor]:
        targets = torch.randint(_CLASSES, (256,))
        across = torch.arange(8.0)
        waves = torch.sin(across[None] * (targets[:, None] + 1) * math.pi / 4)  # (256, 8)
        return (waves[:, None, None] + 0.3 * torch.randn(256, 1, 8, 8)), targets

    return _Parts(model, stripes, lambda trained: torch.optim.SGD(trained, lr=0.05, momentum=0.9))


class _Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(12, 16)
        self.position = nn.Parameter(torch.randn(6, 16) * 0.1)
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(16, 12)

    def forward(self, tokens: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.encoder(self.embedding(tokens) + self.position)[:, -1])
        return outputs


def _transformer() -> _Parts:
    def repeats() -> tuple[Tensor, Tensor]:
        tokens = torch.randint(12, (256, 6))
        return tokens, tokens[:, 0]

    return _Parts(_Transformer(), repeats, lambda trained: torch.optim.AdamW(trained, lr=3e-3, weight_decay=0.01))


class _Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(2, 16, batch_first=True)
        self.bend = nn.Tanh()
        self.head = nn.Linear(16, _CLASSES)

    def forward(self, inputs: Tensor) -> Tensor:
        states, _ = self.lstm(inputs)
        outputs: Tensor = self.head(self.bend(states[:, -1]))
        return outputs


def _lstm() -> _Parts:
    def sums() -> tuple[Tensor, Tensor]:
        inputs = torch.rand(256, 5, 2)
        return inputs, (inputs.sum((1, 2)) / 10 * _CLASSES).long().clamp(0, _CLASSES - 1)

    return _Parts(_Recurrent(), sums, lambda trained: torch.optim.RMSprop(trained, lr=1e-2))


def _sparse() -> _Parts:
    model = nn.Sequential(nn.EmbeddingBag(1000, _CLASSES, sparse=True))

    def bags() -> tuple[Tensor, Tensor]:
        targets = torch.randint(_CLASSES, (256,))
        # Words are as unequal as in a text: few are seen often, most never.
        words = (torch.rand(256, 5) ** 3 * 250).long() + 250 * targets[:, None]
        return words, targets

    return _Parts(model, bags, lambda trained: torch.optim.SparseAdam(trained, lr=1e-2))


class _Linear(nn.Module):
    """What torch's own linear layer does, for batches that are sparse matrices."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(words, _CLASSES))
        self.bias = nn.Parameter(torch.zeros(_CLASSES))

    def forward(self, counts: Tensor) -> Tensor:
        outputs: Tensor = torch.sparse.mm(counts, self.weight) + self.bias
        return outputs


def _words() -> _Parts:
    def texts() -> tuple[Tensor, Tensor]:
        targets = torch.randint(_CLASSES, (256,))
        # Words are as unequal as in a text: few are seen often, most never.
        words = (torch.rand(256, 8) ** 3 * 250).long() + 250 * targets[:, None]
        return torch.zeros(256, 1000).scatter_add_(1, words, torch.ones(256, 8)), targets

    return _Parts(_Linear(1000), texts, lambda trained: torch.optim.SGD(trained, lr=0.5))


_MAKERS: dict[str, Callable[[], _Parts]] = {
    "mlp": _mlp,
    "cnn": _cnn,
    "transformer": _transformer,
    "lstm": _lstm,
    "sparse": _sparse,
    "words": _words,
    "wide": _wide,
}
