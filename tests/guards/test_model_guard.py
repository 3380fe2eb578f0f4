"""What a metric changes on a model is found, named and put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from bidviz_core.guards import ModelGuard
from bidviz_core.model_copy import same_bytes


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 6)
        self.norm = nn.BatchNorm1d(6)
        self.drop = nn.Dropout(0.5)
        self.last = nn.Linear(6, 3)
        self.register_buffer("wide", torch.ones(1, 3).expand(5, 3))
        self.register_buffer("odd", torch.tensor([float("nan"), -0.0, 0.0, float("inf")]))
        self.register_buffer("phases", torch.tensor([1 + 2j], dtype=torch.complex128))

    def forward(self, values: Tensor) -> Tensor:
        out: Tensor = self.last(self.drop(torch.relu(self.norm(self.first(values)))))
        return out


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    net = Net()
    net(torch.randn(8, 4)).sum().backward()
    return net


@pytest.fixture(autouse=True)
def switches() -> Iterator[None]:
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic)
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)


def bits(model: nn.Module) -> dict[str, bytes]:
    named = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    gradients = {f"{n}.grad": p.grad for n, p in model.named_parameters() if p.grad is not None}
    return {name: tensor.detach().numpy().tobytes() for name, tensor in {**named, **gradients}.items()}


def write_weight(net: Net) -> None:
    with torch.no_grad():
        net.first.weight.mul_(2)


def write_data(net: Net) -> None:
    net.first.weight.data[0, 0] = 5.0


def replace_data(net: Net) -> None:
    net.first.weight.data = torch.zeros(6, 4)


def write_buffer(net: Net) -> None:
    net.norm.running_mean.add_(1)  # type: ignore[union-attr, operator]


def flip_a_zero(net: Net) -> None:
    net.odd.copy_(torch.tensor([float("nan"), 0.0, 0.0, float("inf")]))  # type: ignore[operator]


def zero_gradient(net: Net) -> None:
    net.last.weight.grad.zero_()  # type: ignore[union-attr]


def drop_gradient(net: Net) -> None:
    net.last.weight.grad = None


def freeze(net: Net) -> None:
    net.last.bias.requires_grad_(False)


def replace_parameter(net: Net) -> None:
    net.last.bias = nn.Parameter(torch.ones(3))


def remove_buffer(net: Net) -> None:
    del net.odd


def replace_module(net: Net) -> None:
    net.first = nn.Linear(4, 6)


def halve(net: Net) -> None:
    net.last.half()


def write_complex(net: Net) -> None:
    net.phases.mul_(1j)  # type: ignore[operator]


def forward_in_training_mode(net: Net) -> None:
    net(torch.randn(3, 4))  # batch norm's statistics move


CHANGES: list[tuple[Callable[[Net], None], set[str]]] = [
    (write_weight, {"first.weight"}),
    (write_data, {"first.weight"}),
    (replace_data, {"first.weight"}),
    (write_buffer, {"norm.running_mean"}),
    (flip_a_zero, {"odd"}),
    (zero_gradient, {"the gradient of last.weight"}),
    (drop_gradient, {"the gradient of last.weight"}),
    (freeze, {"requires_grad of last.bias"}),
    (replace_parameter, {"last.bias"}),
    (remove_buffer, {"odd"}),
    (replace_module, {"first"}),
    (halve, {"last.weight", "last.bias"}),
    (write_complex, {"phases"}),
    (forward_in_training_mode, {"norm.running_mean", "norm.running_var", "norm.num_batches_tracked"}),
]


@pytest.mark.parametrize(("change", "names"), CHANGES, ids=[change.__name__ for change, _ in CHANGES])
def test_full_mode_puts_back_to_the_bit_and_names(net: Net, change: Callable[[Net], None], names: set[str]) -> None:
    guard = ModelGuard(net)
    expected, objects = bits(net), dict(net.named_parameters())
    storages = {name: tensor.data_ptr() for name, tensor in objects.items()}
    versions = {name: tensor._version for name, tensor in objects.items()}
    kept = guard.before(full=True)
    change(net)
    assert set(guard.after(kept)) >= names
    assert bits(net) == expected
    now = dict(net.named_parameters())
    assert list(now) == list(objects)
    assert all(now[name] is objects[name] for name in objects)
    assert {name: tensor.data_ptr() for name, tensor in now.items()} == storages
    assert {name: tensor._version for name, tensor in now.items()} == versions
    assert all(parameter.requires_grad for parameter in net.parameters())
    assert guard.after(guard.before(full=True)) == []


def test_a_metric_that_changes_nothing_is_not_blamed(net: Net) -> None:
    guard = ModelGuard(net)
    for full in (True, False):
        kept = guard.before(full)
        assert sum(parameter.detach().norm() for parameter in net.parameters()) > 0
        net.eval()(torch.randn(2, 4))
        net.train()
        assert guard.after(kept) == []


def test_a_graph_the_script_still_holds_goes_backward_after_a_write_was_undone(net: Net) -> None:
    loss = net(torch.randn(8, 4)).square().sum()
    guard = ModelGuard(net)
    kept = guard.before(full=True)
    with torch.no_grad():
        net.last.weight.mul_(3)
    assert guard.after(kept) == ["last.weight"]
    loss.backward()  # refuses where a version counter moved


def test_tied_weights_are_put_back_once_and_named_by_their_first_name() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    net[1].weight = net[0].weight
    guard = ModelGuard(net)
    before = net[0].weight.detach().clone()
    kept = guard.before(full=True)
    net[1].weight.data.zero_()
    assert guard.after(kept) == ["0.weight"]
    assert torch.equal(net[0].weight, before)


def test_sparse_gradients_are_covered() -> None:
    net = nn.Embedding(10, 4, sparse=True)
    net(torch.tensor([1, 2, 2])).sum().backward()
    guard = ModelGuard(net)
    assert net.weight.grad is not None
    expected = net.weight.grad.to_dense().clone()
    kept = guard.before(full=True)
    net.weight.grad._values().zero_()
    assert guard.after(kept) == ["the gradient of weight"]
    assert torch.equal(net.weight.grad.to_dense(), expected)


def test_watching_names_writes_it_cannot_undo(net: Net) -> None:
    guard = ModelGuard(net)
    kept = guard.before(full=False)
    write_weight(net)
    write_buffer(net)
    assert guard.after(kept) == ["first.weight", "norm.running_mean"]
    kept = guard.before(full=False)
    write_data(net)  # the one way in that leaves no mark, as documented
    assert guard.after(kept) == []


@pytest.mark.parametrize("full", [True, False])
def test_modes_are_put_back(net: Net, full: bool) -> None:
    net.norm.eval()
    guard = ModelGuard(net)
    kept = guard.before(full)
    net.eval()
    changes = guard.after(kept)
    assert "the mode of drop" in changes
    assert "the mode of the model" in changes
    assert "the mode of norm" not in changes
    assert [net.training, net.drop.training, net.norm.training] == [True, True, False]


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize(
    ("switch", "name"),
    [
        (lambda: torch.set_grad_enabled(False), "the grad mode"),
        (lambda: torch.set_default_dtype(torch.float64), "the default data type"),
        (lambda: torch.set_num_threads(torch.get_num_threads() + 1), "the number of threads"),
        (lambda: torch.use_deterministic_algorithms(True), "the deterministic algorithms"),
        (lambda: torch.set_autocast_enabled("cpu", True), "autocast"),
        (lambda: torch.set_autocast_dtype("cpu", torch.float16), "autocast"),
        (lambda: torch.autograd.set_detect_anomaly(True), "the anomaly mode"),
    ],
)
def test_switches_are_put_back(net: Net, full: bool, switch: Callable[[], object], name: str) -> None:
    guard = ModelGuard(net)
    kept = guard.before(full)
    switch()
    assert guard.after(kept) == [name]
    assert guard.after(kept) == []


def test_plain_tensors_can_be_guarded() -> None:
    tensors = [torch.zeros(3), torch.ones(2, requires_grad=True)]
    guard = ModelGuard(tensors)
    kept = guard.before(full=True)
    tensors[0][1] = 4
    assert guard.after(kept) == ["tensor 0"]
    assert tensors[0].tolist() == [0, 0, 0]


def test_lazy_and_meta_parameters_are_left_alone() -> None:
    net = nn.Sequential(nn.LazyLinear(3), nn.Linear(2, 2, device="meta"))
    guard = ModelGuard(net)
    assert guard.after(guard.before(full=True)) == []
    assert guard.after(guard.before(full=False)) == []


def test_where_there_is_no_memory_for_a_copy_it_watches(net: Net, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(tensor: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    guard = ModelGuard(net)
    monkeypatch.setattr(Tensor, "clone", no_memory)
    kept = guard.before(full=True)
    assert not kept.full
    write_weight(net)
    assert guard.after(kept) == ["first.weight"]


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 64, 65])
@pytest.mark.parametrize("start", [0, 1])
def test_bytes_are_compared_to_the_last_one(length: int, start: int) -> None:
    one = torch.arange(length + 1, dtype=torch.uint8)[start : start + length]
    assert same_bytes(one, one.clone())
    for at in range(length):
        other = one.clone()
        other[at] += 1
        assert not same_bytes(one, other)
