"""Places of entries, inputs that the module changes, and inputs that it returns."""

import numpy as np
import pytest

import microbn as mb
from microbn.errors import GraphError

torch = pytest.importorskip("torch", reason="PyTorch is not installed: from_torch unchecked")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from elsewhere.test_ties import IMAGE, TABLE, Of  # noqa: E402
from microbn.elsewhere import from_torch  # noqa: E402

CONSTANTS = torch.arange(12.0).reshape(3, 4).double()
LOW = torch.tensor([[-torch.inf, -torch.inf, -torch.inf, 1.0]])  # of infinities, not the padding


def same(function, x):
    """Compare all results and the gradient of the first with PyTorch's."""
    x = x.double()
    theirs = x.clone().requires_grad_()
    # What changes its input gets a copy, because PyTorch lets no leaf be changed.
    right = torch.utils._pytree.tree_leaves(function(theirs.clone()))
    ours, _ = from_torch(Of(function), x)
    leaf = mb.Tensor(x.numpy().copy(), "x")
    found = torch.utils._pytree.tree_leaves(ours(leaf))
    for one, other in zip(found, right, strict=True):
        assert one.dtype == other.detach().numpy().dtype
        np.testing.assert_allclose(one.data, other.detach().numpy(), rtol=0, atol=1e-12)
    assert np.array_equal(leaf.data, x.numpy())  # the function changes no input
    if right[0].requires_grad:
        dy = np.random.default_rng(0).normal(size=right[0].shape)
        (gradient,) = torch.autograd.grad(right[0], theirs, torch.tensor(dy))
        found[0].backward(dy)
        np.testing.assert_allclose(leaf.grad, gradient.numpy(), rtol=0, atol=1e-12)
    return ours


PLACES = {
    "max": (lambda x: x.max(1), TABLE),
    "min, kept": (lambda x: x.min(0, keepdim=True), TABLE),
    "max, by names": (lambda x: torch.max(x, dim=-1, keepdim=True), TABLE),
    "argmax": (lambda x: x.argmax(1), TABLE),
    "argmin of all": (lambda x: x.argmin(), TABLE),
    "argmax, kept": (lambda x: x.argmax(0, keepdim=True), TABLE),
    "NaN": (lambda x: x.max(0), torch.tensor([[1.0, 2.0], [torch.nan, 3.0]])),
    "pool of a line": (lambda x: F.max_pool1d(x, 2, return_indices=True), TABLE),
    "pool, padded": (lambda x: F.max_pool2d(x, 3, 2, 1, return_indices=True), IMAGE),
    "pool, dilated": (lambda x: F.max_pool2d(x, 2, 1, 0, 2, return_indices=True), IMAGE),
    "pool of a solid": (lambda x: F.max_pool3d(x[None], 2, return_indices=True), IMAGE),
    "pool of infinities": (lambda x: F.max_pool1d(x, 3, 1, 1, return_indices=True)[1], LOW),
    "adaptive": (lambda x: F.adaptive_max_pool2d(x, (2, 3), return_indices=True), IMAGE),
    "adaptive, of a line": (lambda x: F.adaptive_max_pool1d(x, 3, return_indices=True), TABLE),
    "nothing dropped": (lambda x: torch.native_dropout(x, 0.5, False), TABLE),
}


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("name", PLACES)
def test_places_are_those_of_pytorch(name):
    function, x = PLACES[name]
    x = x.double()
    ours, _ = from_torch(Of(function), x)
    pairs = [torch.utils._pytree.tree_leaves(of(x)) for of in (function, ours)]
    for right, found in zip(*pairs, strict=True):
        right = right.numpy()
        assert found.dtype == right.dtype
        np.testing.assert_array_equal(found, right)
    if name not in ("NaN", "pool of infinities"):
        same(function, x)


def picked(x):
    _, i = x.max(1)
    return x[torch.arange(3), i]


USES = {
    "index": picked,
    "gather": lambda x: x.gather(1, x.max(1).indices[:, None]),
    "pooled": lambda x: x[None].gather(2, F.max_pool1d(x[None], 2, return_indices=True)[1]),
    "rows of constants": lambda x: x * CONSTANTS[x.argmax(1) % 3],
    "entries of constants": lambda x: x * CONSTANTS.gather(1, x.argmin(1, keepdim=True)),
    "rows of an embedding": lambda x: x * F.embedding(x.argmax(1), CONSTANTS[:, :1].repeat(2, 4)),
    "factor": lambda x: x * x.argmax(1, keepdim=True) + x.min(0).indices,
    "condition": lambda x: torch.where(x.argmax(1, keepdim=True) > 0, x, -x),
    "hot": lambda x: x * (torch.arange(4) == x.argmax(1)[:, None]),
}


@pytest.mark.parametrize("name", USES)
def test_places_can_be_used_and_compile_for_other_inputs(name):
    ours = same(USES[name], TABLE)
    first, second = (mb.Tensor(x.double().numpy()) for x in (TABLE, TABLE.flip(1)))
    dy = np.random.default_rng(0).normal(size=ours(first).shape)
    value, gradients = mb.compile(ours, first, cotangent=dy)(second.data, dy)
    y = ours(second)
    gradient = gradients[0] if isinstance(gradients, (tuple, list)) else gradients
    np.testing.assert_allclose(value, y.data, rtol=1e-14)
    np.testing.assert_allclose(gradient, mb.grad(y, second, dy), rtol=0, atol=1e-14)


def test_a_wrong_place_is_seen(monkeypatch):
    from microbn.elsewhere import aten, ties

    def last(x, axis, keepdims):
        return x.shape[axis] - 1 - np.argmax(np.flip(x, axis), axis=axis, keepdims=keepdims)

    wrong = ties.with_places(ties.first_max, ties.place_by(last))
    monkeypatch.setitem(aten.ATEN, "max.dim", wrong)
    with pytest.raises(AssertionError):
        test_places_are_those_of_pytorch("max")


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda x: torch.native_layer_norm(x, [4], None, None, 1e-5), "native_layer_norm"),
        (lambda x: x * torch.native_layer_norm(x, [4], None, None, 1e-5)[2], "native_layer_norm"),
        (
            lambda x: torch.native_batch_norm(x, None, None, None, None, True, 0.1, 1e-5),
            "native_batch_norm",
        ),
    ],
    ids=["returned", "used", "batch norm"],
)
def test_an_output_without_a_counterpart_is_refused_with_its_line(function, name):
    ours, _ = from_torch(Of(function), TABLE)
    said = rf"{name}.*\(test_ties.py:\d+: .*\): its output \d has no counterpart; compute"
    with pytest.raises(GraphError, match=said):
        ours(TABLE)


def doubled(x):
    x.mul_(2)
    return x.sin() * x


CHANGES = {
    "product": doubled,
    "changed and returned": lambda x: x.mul_(2),
    "relu": lambda x: F.relu(x, inplace=True) * x,
    "two results": lambda x: (x.add_(1).exp(), x),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_its_input_is_computed_and_changes_none_here(name):
    same(CHANGES[name], TABLE)


class Counting(nn.Module):
    """A module that changes a buffer and its input."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()).double())

    def forward(self, x, y):
        y.mul_(3)
        self.calls.add_(1)
        x.add_(self.calls)
        return x * y


def test_a_buffer_and_inputs_may_change_together():
    x = TABLE.double()
    function, _ = from_torch(Counting(), x, x)
    y = function(mb.Tensor(x.numpy()), mb.Tensor(x.numpy()))
    np.testing.assert_allclose(y.data, (x + 1) * 3 * x, rtol=1e-15)
    assert {name: float(value) for name, value in function.updated.items()} == {"calls": 1.0}


def test_a_row_of_modules_may_begin_with_one_that_changes_its_input():
    torch.manual_seed(0)
    module = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 2)).double()
    same(module, TABLE - 1)


def test_a_row_of_modules_that_changes_its_input_learns_as_there():
    torch.manual_seed(0)
    module, x = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 2)).double(), TABLE.double() - 1
    function, leaves = from_torch(module, x)
    dy = np.random.default_rng(0).normal(size=(3, 2))
    function(x).backward(dy)
    module(x.clone()).backward(torch.tensor(dy))
    for name, parameter in module.named_parameters():
        np.testing.assert_allclose(leaves[name].grad, parameter.grad, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    "function", [nn.Identity(), lambda x: [x, x], lambda x: (x, x * x)], ids=["one", "two", "more"]
)
def test_a_backward_pass_starts_from_an_input_that_is_returned(function):
    same(function, TABLE)


def test_a_backward_pass_starts_from_a_parameter_that_is_returned():
    module = Of(lambda x: module.weight)
    module.weight = nn.Parameter(TABLE.double())
    function, leaves = from_torch(module, TABLE)
    function(TABLE).backward(TABLE.double().numpy())
    assert np.array_equal(leaves["weight"].grad, TABLE)
