"""Trainings that are sick in one way each, and beside each the same training without what ails it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

#: What a script would call `bidviz.watch`.
Attach = Callable[..., Any]
Training = Callable[[Attach, bool], None]

TRAININGS: dict[str, Training] = {}


def of(rule: str) -> Callable[[Training], Training]:
    """Marks the training that makes a rule fire."""

    def keep(training: Training) -> Training:
        TRAININGS[rule] = training
        return training

    return keep


def data(count: int = 256, seed: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Points of 16 numbers in four classes that a small net learns."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.arange(count) % 4
    centres = torch.randn(4, 16, generator=generator)
    return centres[targets] + 0.5 * torch.randn(count, 16, generator=generator), targets


def net(*between: Callable[[], nn.Module], width: int = 32) -> nn.Sequential:
    """Layers of one width with something between them."""
    layers: list[nn.Module] = [nn.Linear(16, width)]
    for make in between:
        layers += [make(), nn.Linear(width, width)]
    return nn.Sequential(*layers[:-1], nn.Linear(width, 4))


def train(model: nn.Module, optimizer: Any, steps: int, **options: Any) -> None:
    """A plain loop over random batches of 32."""
    inputs, targets = options.get("data") or data()
    after = options.get("after") or (lambda step: None)
    for step in range(1, steps + 1):
        chosen = torch.randint(len(inputs), (32,))
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(inputs[chosen]), targets[chosen])
        (options.get("loss") or (lambda loss, step: loss))(loss, step).backward()
        optimizer.step()
        after(step)


@of("NanLoss")
def nan_loss(attach: Attach, sick: bool) -> None:
    model = net(nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    attach(model, optimizer)
    train(model, optimizer, 60, loss=lambda loss, step: loss * float("nan") if sick and step == 35 else loss)


@of("LossNotDecreasing")
def loss_not_decreasing(attach: Attach, sick: bool) -> None:
    model = net(nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0 if sick else 0.05)
    attach(model, optimizer)
    train(model, optimizer, 560)


@of("LossNotDecreasing when it is lost again")
def loss_lost(attach: Attach, sick: bool) -> None:
    model = net(nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    attach(model, optimizer)

    def after(step: int) -> None:
        if sick and step >= 200:
            with torch.no_grad():  # as if somebody had scrambled the weights
                for parameter in model.parameters():
                    parameter.copy_(torch.randn_like(parameter) * 0.05)

    train(model, optimizer, 350, after=after)


@of("Plateau")
def plateau(attach: Attach, sick: bool) -> None:
    model = nn.Linear(16, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.002)
    attach(model, optimizer)
    inputs, targets = data()
    noisy = torch.randint(4, targets.shape, generator=torch.Generator().manual_seed(1))
    mixed = torch.where(torch.arange(len(targets)) % 2 == 0, noisy, targets)

    def after(step: int) -> None:
        if sick and step == 600:
            optimizer.param_groups[0]["lr"] = 0.0

    train(model, optimizer, 5000, data=(inputs, mixed), after=after)


def with_validation(attach: Attach, optimizer: Any, model: nn.Module, steps: int, labels: torch.Tensor) -> None:
    session = attach(model, optimizer)
    inputs, _ = data(64)
    other, truth = data(256)

    def after(step: int) -> None:
        if step % 20 == 0:
            with torch.no_grad():
                session.log("loss/val", functional.cross_entropy(model(other), truth).item())

    train(model, optimizer, steps, data=(inputs, labels), after=after)


@of("Overfit")
def overfit(attach: Attach, sick: bool) -> None:
    model = net(nn.ReLU, nn.ReLU, width=128)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    labels = torch.randint(4, (64,), generator=torch.Generator().manual_seed(2)) if sick else data(64)[1]
    with_validation(attach, optimizer, model, 400, labels)


@of("Overtraining")
def overtraining(attach: Attach, sick: bool) -> None:
    model = net(nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05 if sick else 0.01)
    labels = torch.randint(4, (64,), generator=torch.Generator().manual_seed(2)) if sick else data(64)[1]
    with_validation(attach, optimizer, model, 500, labels)


@of("VanishingGradient")
def vanishing(attach: Attach, sick: bool) -> None:
    model = net(*[nn.Sigmoid if sick else nn.Tanh] * 12)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    attach(model, optimizer)
    train(model, optimizer, 60)


@of("ExplodingTensor")
def exploding(attach: Attach, sick: bool) -> None:
    model = net(nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    attach(model, optimizer)

    def after(step: int) -> None:
        if sick and step == 49:
            with torch.no_grad():
                model[0].weight[0, 0] = float("inf")

    train(model, optimizer, 60, after=after)


@of("ExplodingTensor by a jump")
def jumping(attach: Attach, sick: bool) -> None:
    model = net(nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-9)
    attach(model, optimizer)
    train(model, optimizer, 80, loss=lambda loss, step: loss * (1e6 if sick and step == 70 else 1.0))


@of("AllZero")
def all_zero(attach: Attach, sick: bool) -> None:
    model = net(nn.ReLU, nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    if sick:
        with torch.no_grad():
            model[2].bias.fill_(-1000.0)  # nothing passes the second ReLU: what lies before it gets nothing
    attach(model, optimizer)
    train(model, optimizer, 60)


@of("DeadRelu")
def dead_relu(attach: Attach, sick: bool) -> None:
    model = net(nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    if sick:
        with torch.no_grad():
            model[0].bias[:24] = -1000.0
    attach(model, optimizer)
    train(model, optimizer, 130)


class Functional(nn.Module):
    """A net whose ReLU no module shows."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(16, 32), nn.Linear(32, 4)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.out(self.hidden(inputs).relu())


@of("DeadRelu by gradients")
def dead_function(attach: Attach, sick: bool) -> None:
    model = Functional()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    if sick:
        with torch.no_grad():
            model.hidden.bias[:24] = -1000.0
    attach(model, optimizer)
    train(model, optimizer, 80)


@of("SaturatedActivation")
def saturated(attach: Attach, sick: bool) -> None:
    model = net(nn.Tanh)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    if sick:
        with torch.no_grad():
            model[0].weight.mul_(30)
    attach(model, optimizer)
    train(model, optimizer, 80)


@of("PoorWeightInitialization")
def badly_begun(attach: Attach, sick: bool) -> None:
    model = net(nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    if sick:
        nn.init.constant_(model[0].weight, 0.1)
        nn.init.zeros_(model[0].bias)
        nn.init.constant_(model[2].weight, 0.1)
    attach(model, optimizer)
    train(model, optimizer, 20)


@of("PoorWeightInitialization by size")
def begun_too_large(attach: Attach, sick: bool) -> None:
    model = net(nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    nn.init.normal_(model[0].weight, std=5.0 if sick else 0.25)
    attach(model, optimizer)
    train(model, optimizer, 20)


@of("WeightUpdateRatio")
def large_updates(attach: Attach, sick: bool) -> None:
    model = net(nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    attach(model, optimizer)

    def after(step: int) -> None:
        optimizer.param_groups[0]["lr"] = 1e4 if sick and step % 50 == 49 else 1e-2
        if sick:
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.clamp_(-0.3, 0.3)

    train(model, optimizer, 220, after=after)


@of("WeightUpdateRatio when they are small")
def small_updates(attach: Attach, sick: bool) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        model = net(nn.ReLU)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-9 if sick else 1e-2)
        attach(model, optimizer)
        inputs, targets = data()
        train(model, optimizer, 220, data=(inputs.double(), targets))
    finally:
        torch.set_default_dtype(torch.float32)


@of("UnchangedTensor")
def unchanged(attach: Attach, sick: bool) -> None:
    model = net(nn.ReLU)
    trained = model[2].parameters() if sick else model.parameters()
    optimizer = torch.optim.SGD(trained, lr=0.05)
    attach(model, optimizer)
    train(model, optimizer, 220)


@of("ClassImbalance")
def imbalance(attach: Attach, sick: bool) -> None:
    model = net(nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    attach(model, optimizer)
    inputs, targets = data()
    if sick:
        generator = torch.Generator().manual_seed(1)
        targets = torch.where(torch.rand(len(targets), generator=generator) < 0.9, 0, targets)
    train(model, optimizer, 400, data=(inputs, targets))


@of("StalledDataLoader")
def stalled(attach: Attach, sick: bool) -> None:
    model = net(nn.ReLU)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    attach(model, optimizer)

    nothing = threading.Event()

    def after(step: int) -> None:
        nothing.wait(0.04 if sick else 0.0)

    train(model, optimizer, 210, after=after)
