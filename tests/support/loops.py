"""Training loops as people write them, each a function of the number of steps and of a way to attach.

`attach(model, optimizer, **options)` is what a script would call `bidviz.watch`; it is called where a script would.
Each loop returns everything that has to be the same to the bit: weights, buffers, optimizer states.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits  # here, so that its import draws nothing in the middle of a loop
from torch import nn
from torch.nn import functional

Attach = Callable[..., Any]
Loop = Callable[[int, Attach], list[Any]]

LOOPS: dict[str, Loop] = {}


def loop(function: Loop) -> Loop:
    LOOPS[function.__name__] = function
    return function


def seed() -> None:
    torch.set_num_threads(1)  # sums of several threads need not be the same twice
    torch.manual_seed(7)
    np.random.seed(7)
    random.seed(7)


def digits(count: int = 256) -> tuple[torch.Tensor, torch.Tensor]:
    data = load_digits()
    return torch.tensor(data.data[:count] / 16, dtype=torch.float32), torch.tensor(data.target[:count])


def random_states() -> list[Any]:
    kind, keys, position, has_gauss, gauss = np.random.get_state()
    words = torch.tensor(keys.astype(np.int64))
    return [torch.get_rng_state(), words, (kind, position, has_gauss, gauss), random.getstate()]


def state_of(*things: Any) -> list[Any]:
    return [*random_states(), *(copy.deepcopy(thing.state_dict()) for thing in things)]


def batches(steps: int, size: int = 32) -> Any:
    inputs, targets = digits()
    for _ in range(steps):
        # Every source of random numbers a script uses takes part, so that a stray draw of ours is seen.
        chosen = torch.randperm(len(inputs))[:size]
        noise = float(np.random.randn()) * 1e-3 + random.random() * 1e-3
        yield inputs[chosen] + noise, targets[chosen]


@loop
def mlp_with_dropout(steps: int, attach: Attach) -> list[Any]:
    seed()
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    attach(model, optimizer)
    for inputs, targets in batches(steps):
        optimizer.zero_grad()
        functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    return state_of(model, optimizer)


@loop
def cnn_with_batch_norm(steps: int, attach: Attach) -> list[Any]:
    seed()
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    attach(model, optimizer, loss_fn=criterion)
    for inputs, targets in batches(steps):
        optimizer.zero_grad()
        criterion(model(inputs.view(-1, 1, 8, 8)), targets).backward()
        optimizer.step()
        scheduler.step()
    return state_of(model, optimizer)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 16, batch_first=True)
        self.head = nn.Linear(16, 10)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        output, _ = self.lstm(inputs)
        return self.head(output[:, -1])


@loop
def lstm(steps: int, attach: Attach) -> list[Any]:
    seed()
    model = Recurrent()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    attach(model, optimizer)
    for inputs, targets in batches(steps):
        optimizer.zero_grad()
        functional.cross_entropy(model(inputs.view(-1, 8, 8)), targets).backward()
        optimizer.step()
    return state_of(model, optimizer)


@loop
def transformer_with_bf16_autocast(steps: int, attach: Attach) -> list[Any]:
    seed()
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
    model = nn.Sequential(nn.TransformerEncoder(layer, 1, enable_nested_tensor=False), nn.Flatten(), nn.Linear(64, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    attach(model, optimizer)
    for inputs, targets in batches(steps):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = functional.cross_entropy(model(inputs.view(-1, 8, 8)), targets)
        loss.backward()
        optimizer.step()
    return state_of(model, optimizer)


@loop
def accumulation_with_clipping(steps: int, attach: Attach) -> list[Any]:
    seed()
    model = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    attach(model, optimizer)
    for number, (inputs, targets) in enumerate(batches(2 * steps), 1):
        (functional.cross_entropy(model(inputs), targets) / 2).backward()
        if number % 2 == 0:
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            optimizer.zero_grad()
    return state_of(model, optimizer)


@loop
def two_optimizers(steps: int, attach: Attach) -> list[Any]:
    seed()
    generator, critic = nn.Linear(8, 64), nn.Sequential(nn.Linear(64, 16), nn.LeakyReLU(), nn.Linear(16, 1))
    first = torch.optim.Adam(critic.parameters(), lr=1e-3)
    second = torch.optim.Adam(generator.parameters(), lr=1e-3)
    model = nn.ModuleDict({"generator": generator, "critic": critic})
    attach(model, [first, second])
    for inputs, _ in batches(steps):
        fake = generator(torch.randn(len(inputs), 8))
        first.zero_grad()
        (critic(fake.detach()).mean() - critic(inputs).mean()).backward()
        first.step()
        second.zero_grad()
        (-critic(fake).mean()).backward()
        second.step()
    return state_of(model, first, second)


@loop
def lbfgs(steps: int, attach: Attach) -> list[Any]:
    seed()
    model = nn.Linear(64, 10)
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=3)
    attach(model, optimizer)
    for inputs, targets in batches(steps):

        def closure(inputs: torch.Tensor = inputs, targets: torch.Tensor = targets) -> torch.Tensor:
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(inputs), targets)
            loss.backward()
            return loss

        optimizer.step(closure)
    return state_of(model, optimizer)


@loop
def grad_scaler_with_a_skipped_step(steps: int, attach: Attach) -> list[Any]:
    seed()
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=50)
    attach(model, optimizer)
    for number, (inputs, targets) in enumerate(batches(steps)):
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(inputs), targets)
        if number % 40 == 20:
            loss = loss * float("inf")
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    return [*state_of(model, optimizer), scaler.state_dict()]


@loop
def moving_average_by_deepcopy(steps: int, attach: Attach) -> list[Any]:
    seed()
    model = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    attach(model, optimizer)
    average = copy.deepcopy(model)
    swa = torch.optim.swa_utils.AveragedModel(model)
    for inputs, targets in batches(steps):
        optimizer.zero_grad()
        functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
        swa.update_parameters(model)
        with torch.no_grad():
            for kept, new in zip(average.parameters(), model.parameters(), strict=True):
                kept.lerp_(new, 0.1)
            average(inputs)
    return state_of(model, optimizer, average, swa)


@loop
def compiled_fullgraph(steps: int, attach: Attach) -> list[Any]:
    seed()
    torch._dynamo.reset()
    inner = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 10))
    optimizer = torch.optim.Adam(inner.parameters(), lr=1e-3)
    attach(inner, optimizer)
    model = torch.compile(inner, fullgraph=True, backend="aot_eager")
    for inputs, targets in batches(steps):
        optimizer.zero_grad()
        functional.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
    return state_of(inner, optimizer)


@loop
def embedding_with_sparse_gradients(steps: int, attach: Attach) -> list[Any]:
    seed()
    model = nn.Sequential(nn.EmbeddingBag(1000, 10, sparse=True))
    optimizer = torch.optim.SparseAdam(model.parameters(), lr=1e-2)
    attach(model, optimizer)
    for _, targets in batches(steps):
        optimizer.zero_grad()
        words = torch.randint(0, 1000, (len(targets), 5))
        functional.cross_entropy(model(words), targets).backward()
        optimizer.step()
    return state_of(model, optimizer)
