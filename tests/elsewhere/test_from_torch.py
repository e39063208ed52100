"""A PyTorch module as a function: values, gradients, second derivatives and buffers agree."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor
from microbn.cli.commands import main
from microbn.errors import ArgumentError, DTypeError, GraphError, ShapeError

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


def test_lines_are_told_in_a_folder_called_torch_and_never_those_of_the_command(tmp_path, capsys):
    file = tmp_path / "torch" / "their_net.py"
    file.parent.mkdir()
    file.write_text(THEIR_NET.read_text())
    assert main(["step", f"{file}:model", "--all"]) == 0
    said = capsys.readouterr().out
    assert "their_net.py:17" in said
    assert "hidden = relu(" in said
    assert "targets.py" not in said  # of the layers in a row, for which there is no line


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


THEIR_NET = Path(__file__).parents[2] / "docs" / "learn" / "libraries" / "their_net.py"


@pytest.mark.parametrize("command", ["step", "check"])
def test_commands_take_a_module_of_a_file(command, capsys):
    status = main([command, f"{THEIR_NET}:model", *["--all"][: command == "step"]])
    said = capsys.readouterr().out
    assert status == 0
    assert ("hidden = relu(" if command == "step" else "all 69 slopes agree") in said


def test_a_module_of_a_file_without_inputs_is_refused(tmp_path, capsys):
    file = tmp_path / "net.py"
    file.write_text("import torch\nmodel = torch.nn.Linear(3, 2)\n")
    assert main(["step", f"{file}:model"]) == 2
    assert "example_inputs = (torch.randn(5, 3),)" in capsys.readouterr().err


CLASS = (
    "import torch\n"
    "class Net(torch.nn.Linear):\n"
    "    def __init__(self, width):\n"
    "        super().__init__(width, 2)\n"
)


@pytest.mark.parametrize(
    ("code", "name", "said"),
    [
        (CLASS, "Net", r"Net is a class; write model = Net(width) and example_inputs = "),
        (
            CLASS + "model, example_inputs = Net(3), torch.randn(5, 3)\n",
            "model",
            "example_inputs is a tensor; write a tuple: example_inputs = (torch.randn(...),)",
        ),
    ],
    ids=["class", "tensor"],
)
def test_a_class_and_a_tensor_in_a_file_are_refused_with_a_way_out(
    code, name, said, tmp_path, capsys
):
    file = tmp_path / "net.py"
    file.write_text(code)
    assert main(["step", f"{file}:{name}", "5x3"[: 3 * (name == "Net")] or "--all"]) == 2
    assert said in capsys.readouterr().err


def test_check_covers_the_parameters_and_tokens_are_constants(tmp_path, capsys, monkeypatch):
    from microbn.elsewhere import aten

    file = tmp_path / "net.py"
    file.write_text(
        "import torch\n"
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.table, self.head = nn.Embedding(5, 3), nn.Linear(3, 5)\n"
        "        self.head.weight = self.table.weight\n"
        "    def forward(self, tokens):\n"
        "        return self.head(self.table(tokens))\n"
        "model, example_inputs = Net(), (torch.tensor([1, 2, 1]),)\n"
    )
    assert main(["check", f"{file}:model"]) == 0
    said = capsys.readouterr().out
    assert "all 20 slopes agree" in said  # the weight is shared
    assert "'tokens' (int64) is a constant" in said
    wrong = lambda x, weight, bias: x @ weight.T + mb.functional.stop_gradient(bias)  # noqa: E731
    monkeypatch.setitem(aten.ATEN, "linear", wrong)
    assert main(["check", f"{file}:model"]) == 1


def test_pytorchs_tensors_can_be_checked():
    function, _ = from_torch(nn.Tanh(), torch.randn(4))
    report = mb.testing.gradcheck(function, torch.randn(4, requires_grad=True))
    assert "all 4 slopes agree" in str(report)


def test_weights_are_drawn_from_the_seed_also_in_a_file_that_is_imported(tmp_path, capsys):
    (tmp_path / "seeded_net.py").write_text(
        "import torch\nmodel, example_inputs = torch.nn.Linear(3, 2), (torch.randn(5, 3),)\n"
    )
    file = tmp_path / "net.py"
    file.write_text("from seeded_net import example_inputs, model\n")

    def told(*seed):
        sys.modules.pop("seeded_net", None)
        assert main(["step", f"{file}:model", "--all", *seed]) == 0
        return capsys.readouterr().out.partition("\n")[2]

    assert told() == told("--seed", "0") != told("--seed", "1")


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
        (nn.MaxPool2d(2, ceil_mode=True), (1, 1, 5, 5), "ceil_mode"),
    ],
    ids=["dropout", "ceil"],
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


def test_a_branch_by_values_is_one_sentence_with_its_line(tmp_path, capfd):
    file = tmp_path / "net.py"
    file.write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        if x.sum() > 0:\n"
        "            return x\n"
        "        return -x\n"
        "model, example_inputs = Net(), (torch.ones(3),)\n"
    )
    assert main(["step", f"{file}:model", "--all"]) == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "write torch.where" in said
    assert "(net.py:4: if x.sum() > 0:)" in said


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


def test_frozen_parameters_are_constants():
    module, x = net()
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


def test_a_file_may_name_its_inputs(tmp_path, capsys):
    file = tmp_path / "net.py"
    file.write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def forward(self, x, scale=None, twice=False):\n"
        "        return x * scale * (2 if twice else 1)\n"
        "model = Net()\n"
        "example_inputs = {'x': torch.ones(3), 'scale': torch.ones(3), 'twice': True}\n"
    )
    assert main(["step", f"{file}:model", "--all"]) == 0
    assert "scale" in capsys.readouterr().out


def test_an_input_in_half_precision_is_refused():
    function, _ = from_torch(nn.Linear(3, 2), torch.randn(5, 3))
    with pytest.raises(DTypeError, match=r"input is float16; convert it to float32, with astype"):
        function(np.ones((5, 3), np.float16))
    with pytest.raises(GraphError, match="microbn has no float16"):
        function(torch.ones(5, 3).half())


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
