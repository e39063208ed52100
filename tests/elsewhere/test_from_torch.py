"""A PyTorch module as a function: values, gradients, second derivatives and buffers agree."""

from pathlib import Path

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor
from microbn.cli.commands import main
from microbn.errors import ArgumentError, GraphError, ShapeError

torch = pytest.importorskip("torch", reason="PyTorch is not installed: from_torch unchecked")

from torch import nn  # noqa: E402

from elsewhere import modules  # noqa: E402
from microbn.elsewhere import from_torch  # noqa: E402

# PyTorch has no second derivative of these on a CPU.
ONCE = {"TransformerEncoderLayer"}


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
    with pytest.raises(ArgumentError, match=r"no parameter '3.offset'; it has 0.weight, 0.bias"):
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
    program = mb.compile(of, *tensors, cotangent=dy)
    value, gradients = program(*(t.data for t in tensors), dy)
    assert np.array_equal(value, of(*tensors).data)
    emerged = mb.grad(of(*tensors), tensors, dy)
    assert all(
        np.allclose(*pair, rtol=0, atol=1e-13) for pair in zip(gradients, emerged, strict=True)
    )


def test_values_have_the_names_of_the_variables_in_the_modules_code():
    module, inputs = modules.made("residual net")
    function, _ = from_torch(module, *inputs)
    names = mb.story(y := function(*inputs), np.ones(y.shape)).names.values()
    assert [*names].count("hidden") == 2


def test_float32_stays_float32():
    module, x = net()
    function, leaves = from_torch(module.float(), x.float())
    assert function(x.float()).dtype == np.float32
    assert {leaf.dtype for leaf in leaves.values()} == {np.dtype(np.float32)}


THEIR_NET = Path(__file__).parents[2] / "docs" / "learn" / "libraries" / "their_net.py"


@pytest.mark.parametrize("command", ["step", "check"])
def test_commands_take_a_module_of_a_file(command, capsys):
    status = main([command, f"{THEIR_NET}:model", *["--all"][: command == "step"]])
    said = capsys.readouterr().out
    assert status == 0
    assert ("hidden = relu(" if command == "step" else "all 15 slopes agree") in said


def test_a_module_of_a_file_without_inputs_is_refused(tmp_path, capsys):
    file = tmp_path / "net.py"
    file.write_text("import torch\nmodel = torch.nn.Linear(3, 2)\n")
    assert main(["step", f"{file}:model"]) == 2
    assert "example_inputs = (torch.randn(5, 3),)" in capsys.readouterr().err


class Dropped(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        kept = self.drop(x)
        return torch.fft.fft(kept).real


def test_all_that_has_no_counterpart_is_named_with_its_line():
    with pytest.raises(GraphError, match=r"no counterpart for _fft_r2c.*torch\.fft\.fft\(kept\)"):
        from_torch(Dropped(), torch.randn(3, 2))


@pytest.mark.parametrize(
    ("module", "inputs", "said"),
    [
        (
            nn.Sequential(nn.Dropout(0.5)),
            (3, 2),
            r"native_dropout.*, in 0 .*call module.eval",
        ),
        (nn.ConvTranspose1d(1, 1, 2), (1, 1, 4), "a transposed convolution"),
        (nn.MaxPool2d(2, ceil_mode=True), (1, 1, 5, 5), "ceil_mode"),
    ],
    ids=["dropout", "transposed", "ceil"],
)
def test_arguments_without_a_counterpart_are_refused_with_a_way_out(module, inputs, said):
    function, _ = from_torch(module, torch.randn(inputs))
    with pytest.raises(GraphError, match=said):
        function(np.zeros(inputs, np.float32))


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_what_cannot_be_exported_is_said():
    with pytest.raises(GraphError, match=r"torch.export cannot export this Branching: "):
        from_torch(Branching(), torch.randn(3))


def test_half_precision_is_refused():
    with pytest.raises(GraphError, match=r"microbn has no bfloat16; convert .* \.float\(\)"):
        from_torch(nn.Linear(2, 2).bfloat16(), torch.randn(3, 2).bfloat16())


def test_inputs_that_do_not_fit_are_refused():
    module, x = net()
    function, _ = from_torch(module, x)
    with pytest.raises(ShapeError, match=r"input has shape \(4, 3\), and .* exported for \(5, 3\)"):
        function(x[:4])
    with pytest.raises(ArgumentError, match="the module takes input, got 2 inputs"):
        function(x, x)
    with pytest.raises(ArgumentError, match=r"needs a torch.nn.Module, .* got builtin_function"):
        from_torch(torch.relu, x)


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


@pytest.mark.parametrize("pool", [nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(3, 2, 1, False, False)])
def test_one_image_is_pooled_like_many(pool):
    x = torch.randn(2, 6, 5)
    assert np.allclose(from_torch(pool, x)[0](Tensor(x.numpy())).data, pool(x), atol=1e-6)


def test_a_part_without_gradients_is_refused():
    with pytest.raises(GraphError, match=r"under torch.no_grad\(\).* write x.detach\(\)"):
        from_torch(Of(without_gradient), X)
