"""The inputs and parameters of a PyTorch module, and the gradients that they get."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor
from microbn.errors import ArgumentError, GraphError

torch = pytest.importorskip("torch", reason="PyTorch is not installed: from_torch unchecked")

from torch import nn  # noqa: E402

from elsewhere import modules  # noqa: E402
from microbn.elsewhere import from_torch  # noqa: E402


class Of(nn.Module):
    """A function of inputs, and of one parameter."""

    def __init__(self, function, weight=2.0):
        super().__init__()
        self.function, self.weight = function, nn.Parameter(torch.tensor(weight))

    def forward(self, *inputs):
        return self.function(self.weight, *inputs)


def without_gradient(weight, x):
    with torch.no_grad():
        mean = x.mean()
    return weight * (x - mean)


X = torch.tensor([0.3, -0.5, 2.0])


def test_a_learned_exponent_of_two_has_a_gradient():
    module = Of(lambda w, x: (x * x) ** w)
    function, leaves = from_torch(module, X)
    function(X).backward(np.ones(3, np.float32))
    module(X).sum().backward()
    assert abs(leaves["weight"].grad - module.weight.grad.item()) < 1e-6


@pytest.mark.parametrize(
    "function",
    [
        lambda w, x: w * x * torch.arange(3),
        lambda w, x: w * x + torch.arange(0, 3.0),
        lambda w, x: w * x / (x > 0).sum(),
        lambda w, x: w * x + torch.arange(3) * 0.5,
        lambda w, x: w * x * torch.tensor(3.0, dtype=torch.float64),
        lambda w, x: w * (x > 0).float().mean() * x,
    ],
    ids=["whole", "range", "count", "half", "float64", "cast"],
)
def test_whole_and_single_numbers_leave_float32_as_it_is(function):
    module = Of(function)
    function, _ = from_torch(module, X)
    for x in (X, Tensor(X.numpy())):
        y = function(x)
        assert y.dtype == np.float32
        assert np.allclose(y.data, module(X).detach().numpy(), rtol=1e-6)


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, x, *, mask=None, sign=1, double=False):
        y = self.linear(x)
        y = y if mask is None else y * mask
        return sign * y * 2 if double else sign * y


def test_inputs_may_have_names_and_settings():
    module, x = Masked().double(), torch.randn(5, 3, dtype=torch.float64)
    mask = torch.rand(5, 1, dtype=torch.float64)
    function, _ = from_torch(module, x, double=True, mask=mask, sign=-1)
    right = module(x, mask=mask, double=True, sign=-1).detach().numpy()
    assert np.allclose(function(x, mask=mask, double=True, sign=-1).data, right, atol=1e-14)
    assert np.allclose(function(*function.examples).data, right, atol=1e-14)
    leaf = Tensor(mask.numpy(), "mask")
    function(x, sign=-1, mask=leaf, double=True).backward(right)
    assert leaf.grad.shape == (5, 1)
    with pytest.raises(ArgumentError, match=r"double was True when .* exported, got False; call"):
        function(x, mask=mask, double=False, sign=-1)
    with pytest.raises(ArgumentError, match="not built as in the example"):
        function(x, mask=mask)
    with pytest.raises(
        ArgumentError, match=r"no parameter 'masks'; .* takes x, double, mask and sign"
    ):
        function(x, masks=mask, mask=mask, double=True, sign=-1)


def test_an_input_that_is_called_like_a_parameter_is_refused():
    with pytest.raises(ArgumentError, match="'weight' is an input and a parameter; give the input"):
        from_torch(Of(lambda w, x: w * x), X, weight=X)


def test_an_input_that_was_given_twice_is_two_inputs():
    function, _ = from_torch(Of(lambda w, x, y: w * x - y), X, X)
    assert np.allclose(function(X, 0 * X).data, 2 * X.numpy())


def test_a_dict_may_have_another_order_than_in_the_example():
    module = Of(lambda w, given: w * given["a"] - given["b"])
    function, _ = from_torch(module, {"b": X, "a": X})
    assert np.allclose(function({"a": X, "b": 0 * X}).data, 2 * X.numpy())
    with pytest.raises(ArgumentError, match="not built as in the example"):
        function({"a": X, "c": X})


def test_a_shared_weight_is_replaced_in_all_its_places():
    module, (x,) = modules.made("one weight, used twice")
    function, _ = from_torch(module, x)
    zero = Tensor(np.zeros((4, 4)), "zero")
    both = function(x, **{"first.weight": zero, "second.weight": zero}).data
    assert np.array_equal(function(x, **{"first.weight": zero}).data, both)
    assert np.array_equal(function(x, **{"second.weight": zero}).data, both)


def test_a_padding_of_an_embedding_learns_nothing():
    index = torch.tensor([[0, 4], [1, 1]])
    function, leaves = from_torch(nn.Embedding(5, 3, padding_idx=1), index)
    function(index).backward(np.ones((2, 2, 3), np.float32))
    assert np.array_equal(leaves["weight"].grad[:, 0], [1, 0, 0, 0, 1])


def test_a_part_without_gradients_is_refused():
    with pytest.raises(GraphError, match=r"under torch.no_grad\(\).* write x.detach\(\)"):
        from_torch(Of(without_gradient), X)


def test_frozen_parameters_are_constants():
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2)).double()
    x = torch.randn(5, 3, dtype=torch.float64)
    module[0].requires_grad_(False)
    function, leaves = from_torch(module, x)
    assert [*leaves] == ["1.weight", "1.bias", "3.weight", "3.bias"]
    assert [*function.frozen] == ["0.weight", "0.bias"]
    y = function(Tensor(x.numpy(), "x"))
    inputs = {
        leaf for leaf in mb.story(y, np.ones(y.shape)).graph.nodes if leaf.role == "parameter"
    }
    assert len(inputs) == 4
    thawed = Tensor(function.frozen["0.weight"], "weight")
    function(x, **{"0.weight": thawed}).backward(np.ones((5, 2)))
    assert thawed.grad.shape == (4, 3)
