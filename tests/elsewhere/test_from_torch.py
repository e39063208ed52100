"""A PyTorch module as a function: values, gradients, second derivatives and buffers agree."""

import re

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor
from microbn.errors import ArgumentError

torch = pytest.importorskip("torch", reason="PyTorch is not installed: from_torch unchecked")

from torch import nn  # noqa: E402

from elsewhere import modules  # noqa: E402
from microbn.elsewhere import from_torch  # noqa: E402

# PyTorch has no second derivative of these on a CPU.
ONCE = {"TransformerEncoderLayer", "vision transformer"}


def first(outputs):
    """Return the first of nested outputs."""
    return first(outputs[0]) if isinstance(outputs, (tuple, list)) else outputs


def both(name):
    """Return a module's first output and its floats, in PyTorch and here, and the function."""
    module, inputs = modules.made(name)
    function, leaves = from_torch(module, *inputs)
    flat = torch.utils._pytree.tree_leaves(inputs)
    given = [x.requires_grad_() for x in flat if x.is_floating_point()]
    theirs = [*given, *module.parameters()]
    names = [name for name, _ in module.named_parameters()]
    ours = [x for x in function.examples if isinstance(x, Tensor)] + [leaves[n] for n in names]
    return (
        first(module(*inputs)),
        theirs,
        first(function(*function.examples)),
        ours,
        function,
        module,
    )


def gap(one, other):
    """Return how far two lists of gradients are apart. What is missing is 0."""
    found = [0.0]
    for a, b in zip(one, other, strict=True):
        a = 0.0 if a is None else a.detach().numpy()
        found.append(np.max(np.abs(a - np.asarray(getattr(b, "data", b))), initial=0.0))
    return max(found)


@pytest.mark.parametrize("name", modules.MODULES)
def test_values_gradients_second_derivatives_and_buffers_agree(name):
    out, theirs, y, ours, function, module = both(name)
    rng = np.random.default_rng(0)
    dy = rng.normal(size=y.shape)
    assert np.max(np.abs(out.detach().numpy() - y.data)) < 1e-12
    for buffer, value in module.named_buffers():
        assert np.max(np.abs(value.numpy() - function.updated[buffer])) < 1e-12

    options = {"allow_unused": True, "materialize_grads": True}
    cotangent = torch.tensor(dy)
    gradients = torch.autograd.grad(out, theirs, cotangent, create_graph=True, **options)
    emerged = mb.grad(y, ours, dy, create_graph=True)
    assert gap(gradients, emerged) < 1e-12

    directions = [rng.normal(size=x.shape) for x in ours]
    pairs = zip(gradients, directions, strict=True)
    slope = sum(torch.sum(g * torch.tensor(d)) for g, d in pairs)
    along = sum(np.sum(g * d) for g, d in zip(emerged, directions, strict=True))
    if slope.requires_grad and name not in ONCE:
        second = torch.autograd.grad(slope, theirs, **options)
        assert gap(second, mb.grad(along, ours)) < 1e-11


def test_a_wrong_operation_is_seen(monkeypatch):
    from microbn.elsewhere import aten

    monkeypatch.setitem(aten.ATEN, "linear", lambda x, weight, bias: x @ weight.T + 1.0005 * bias)
    out, _, y, *_ = both("Linear")
    assert np.max(np.abs(out.detach().numpy() - y.data)) > 1e-6


def net():
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    return module.double(), torch.randn(5, 3, dtype=torch.float64)


def test_the_function_is_pure_and_its_buffers_go_on_when_they_are_told_to():
    module, x = net()
    function, _ = from_torch(module, x)
    for _ in range(2):
        once = function(x)
        assert np.array_equal(function(x).data, once.data)
        module(x)
        function.buffers.update(function.updated)
    for name, value in module.named_buffers():
        assert np.max(np.abs(value.numpy() - function.buffers[name])) < 1e-14


def test_other_leaves_can_be_given_by_name():
    module, x = net()
    function, leaves = from_torch(module, x)
    other = Tensor(leaves["3.bias"].data + 1.0, "other")
    y = function(x, **{"3.bias": other})
    assert np.allclose(y.data, function(x).data + 1.0)
    y.backward(np.ones(y.shape))
    assert other.grad is not None
    assert leaves["3.bias"].grad is None
    with pytest.raises(ArgumentError, match=r"no parameter '3.offset'; it has 0.weight, .* input"):
        function(x, **{"3.offset": other})


def test_it_can_be_told_drawn_compiled_and_checked(graphviz):
    module, x = net()
    function, leaves = from_torch(module, x)
    y = function(Tensor(x.numpy(), "x"))
    dy = np.random.default_rng(0).normal(size=y.shape)
    story = mb.story(y, dy)
    assert {node.scope for node in story.graph.nodes if node.role == "parameter"} == {
        *(("0",), ("1",), ("3",))
    }
    assert "cluster" in mb.draw(y, dy).source

    def of(x, *values):
        return function(x, **dict(zip(leaves, values, strict=True)))

    tensors = [Tensor(x.numpy(), "x"), *leaves.values()]
    mb.testing.gradcheck(of, *tensors)
    exact = mb.compile(of, *tensors, cotangent=dy, passes=())
    assert np.array_equal(exact(*(t.data for t in tensors), dy)[0], of(*tensors).data)
    program = mb.compile(of, *tensors, cotangent=dy)
    value, gradients = program(*(t.data for t in tensors), dy)
    assert np.allclose(value, of(*tensors).data, rtol=0, atol=1e-13)
    emerged = mb.grad(of(*tensors), tensors, dy)
    assert all(
        np.allclose(*pair, rtol=0, atol=1e-13) for pair in zip(gradients, emerged, strict=True)
    )


def test_values_have_the_names_of_the_variables_in_the_modules_code():
    module, inputs = modules.made("residual net")
    function, _ = from_torch(module, *inputs)
    names = mb.story(y := function(*inputs), np.ones(y.shape)).names.values()
    assert {"hidden₁", "hidden₂"} <= {*names}
    assert "hidden" not in names


class Hiding(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.tril(torch.ones(5, 5)))
        self.register_buffer("hidden", torch.triu(torch.ones(3, 3), 1).bool())
        self.register_buffer("shift", torch.randn(3))

    def forward(self, x, y):
        x = torch.tanh(x)
        x = x.masked_fill(self.hidden, -1.0) + y
        x = x.masked_fill(self.seen[:3, :3] == 0, -2.0)
        x = self.shift - x
        return x


def test_a_variable_is_numbered_and_constants_are_called_like_the_buffers_and_inputs():
    x, y = torch.randn(2, 3, 3)
    function, _ = from_torch(Hiding(), x, y)
    out = function(Tensor(x.numpy(), "x"), y)
    graph = mb.story(out, np.ones(out.shape)).graph
    names = {n.name for n in graph.nodes if n.role == "constant"} - {""}
    assert names == {"hidden", "seen == 0", "shift", "y"}
    numbered = [n.name for n in graph.nodes if n.function]
    assert numbered == ["x₁", "", "x₂", "x₃", "x₄"]


def test_a_statement_names_what_it_computes_and_nothing_on_the_way():
    function, _ = from_torch(nn.Sequential(modules.Encoder()), torch.randn(2, 3, 4))
    y = function(*function.examples)
    story = mb.story(y, np.ones(y.shape))
    named = [n.sign for n in story.graph.nodes if re.fullmatch("x[₀-₉]*", story.names[n.id])]
    assert named == ["+"]  # x = x + self.attention(self.before(x))
    assert story.names[next(n.id for n in story.graph.nodes if n.role == "input")] == "input"


def test_the_line_of_the_module_is_told():
    module, inputs = modules.made("residual net")
    function, _ = from_torch(module, *inputs)
    y = function(*inputs)
    lines = {n.name: n.line for n in mb.story(y, np.ones(y.shape)).graph.nodes if n.function}
    assert str(lines["hidden₁"]).endswith("hidden = self.norm(self.linear(x))")
    assert lines["hidden₁"].place.startswith("modules.py:")
    assert lines["y"].place.startswith("test_from_torch.py:")  # of a row of modules


def test_two_calls_of_a_module_are_two_groups():
    act = nn.Tanh()
    function, _ = from_torch(nn.Sequential(act, nn.Linear(3, 3), act), torch.randn(2, 3))
    y = function(*function.examples)
    groups = mb.story(y, np.ones(y.shape)).graph.groups()
    assert len(groups) == 3


class Looking(nn.Module):
    def __init__(self, options):
        super().__init__()
        self.options = options

    def forward(self, x):
        return nn.functional.scaled_dot_product_attention(x, x, x, **self.options)


HIDDEN = torch.tensor([[True, False, True], [False, False, False], [True, True, True]])


@pytest.mark.parametrize(
    "options",
    [
        {"attn_mask": HIDDEN},
        {"attn_mask": torch.zeros(3, 3).masked_fill(~HIDDEN, -torch.inf).double()},
        {"attn_mask": torch.randn(3, 3).double(), "scale": 0.3},
        {"is_causal": True},
    ],
    ids=["hidden", "infinite", "added", "causal"],
)
def test_attention_takes_masks_even_those_that_hide_all(options):
    x = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    right, dy = Looking(options)(x), torch.randn(2, 3, 4, dtype=torch.float64)
    (gradient,) = torch.autograd.grad(right, x, dy)
    function, _ = from_torch(Looking(options), x)
    leaf = Tensor(x.detach().numpy(), "x")
    y = function(leaf)
    assert np.allclose(y.data, right.detach().numpy(), rtol=0, atol=1e-14)
    assert np.allclose(mb.grad(y, leaf, dy.numpy()), gradient.numpy(), rtol=0, atol=1e-14)


def test_float32_stays_float32():
    module, x = net()
    function, leaves = from_torch(module.float(), x.float())
    assert function(x.float()).dtype == np.float32
    assert {leaf.dtype for leaf in leaves.values()} == {np.dtype(np.float32)}


def test_pytorchs_tensors_can_be_checked():
    function, _ = from_torch(nn.Tanh(), torch.randn(4))
    report = mb.testing.gradcheck(function, torch.randn(4, requires_grad=True))
    assert "all 4 slopes agree" in str(report)


def test_a_cumulative_average_goes_on():
    module = nn.BatchNorm1d(3, momentum=None).double()
    batches = [torch.randn(n, 3, dtype=torch.float64) for n in (4, 4, 4)]
    function, _ = from_torch(module, batches[0])
    assert "forward" not in vars(module)
    for x in batches:
        assert np.allclose(function(x).data, module(x).detach().numpy(), atol=1e-14)
        function.buffers.update(function.updated)
    for name, value in module.named_buffers():
        assert np.max(np.abs(value.numpy() - function.buffers[name])) < 1e-14
    assert function.buffers["num_batches_tracked"] == 3


@pytest.mark.parametrize("pool", [nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(3, 2, 1, False, False)])
def test_one_image_is_pooled_like_many(pool):
    x = torch.randn(2, 6, 5)
    assert np.allclose(from_torch(pool, x)[0](Tensor(x.numpy())).data, pool(x), atol=1e-6)
