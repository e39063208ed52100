"""Modules: the paths of their parts, training and eval, state_dict and repr."""

import copy
import inspect
import pickle

import numpy as np
import pytest

from microbn import Tensor, errors, formula, nn, no_grad

RNG = np.random.default_rng(0)


def net(rng=0):
    rng = np.random.default_rng(rng)
    return nn.Sequential(
        nn.Linear(4, 3, rng=rng), nn.BatchNorm(3), nn.ReLU(), nn.Linear(3, 2, rng=rng)
    )


def nested(depth):
    model = nn.Linear(3, 2, rng=0)
    for _ in range(depth):
        model = nn.Sequential(model)
    return model


def test_parameters_are_found_once_with_their_paths():
    model = net()
    assert [path for path, _ in model.named_parameters()] == [
        *("layers.0.weight", "layers.0.bias", "layers.1.gamma", "layers.1.beta"),
        *("layers.3.weight", "layers.3.bias"),
    ]
    model.tied = model.layers[0]
    assert len(model.parameters()) == 6


def test_parts_in_lists_and_dicts_are_found():
    model = nn.Module()
    model.scales = [Tensor(1.0), Tensor(2.0)]
    model.heads = {"a": nn.Linear(2, 1, rng=0, bias=False), "b": [nn.BatchNorm(1, affine=False)]}
    assert list(model.state_dict()) == [
        *("scales.0", "scales.1", "heads.a.weight"),
        *(f"heads.b.0.{n}" for n in ("running_mean", "running_var", "num_batches_tracked")),
    ]
    assert not model.eval().heads["b"][0].training


def test_computed_tensor_kept_in_a_module_is_no_parameter():
    model = nn.Module()
    model.weight = Tensor(2.0)
    model.hidden = model.weight * 3.0
    with no_grad():
        model.seen = model.weight * 3.0
    assert [path for path, _ in model.named_parameters()] == ["weight"]


def test_forward_takes_keywords():
    class Flip(nn.Module):
        def forward(self, x, flip=False):
            return -x if flip else x

    assert Flip()(1.0, flip=True) == -1.0


def test_results_carry_the_path_of_their_module_as_scope():
    y = net()(Tensor(RNG.normal(size=(5, 4)), name="x"))
    assert y.scope == ("layers.3",)
    outer = nn.Sequential(net())
    assert outer(RNG.normal(size=(5, 4))).scope == ("layers.0", "layers.3")


def test_train_and_eval_reach_every_module():
    model = net()
    assert all(m.training for m in model.modules())
    assert not any(m.training for m in model.eval().modules())
    assert all(m.training for m in model.train().modules())


def test_a_state_with_equal_paths_or_a_read_only_buffer_is_refused():
    model = nn.Module()
    model.both = {1: Tensor(1.0), "1": Tensor(2.0)}
    with pytest.raises(errors.ArgumentError, match="two parts have the same path"):
        model.state_dict()
    model = nn.Module()
    model.weight, model.buffer = Tensor([1.0]), Tensor([2.0]).data
    with pytest.raises(errors.ArgumentError, match="the buffer 'buffer' is read-only"):
        model.load_state_dict({"weight": [5.0], "buffer": [6.0]})
    assert model.weight.data.tolist() == [1]


def test_module_that_holds_its_parent_ends():
    parent, child = nn.Module(), nn.Module()
    parent.weight, parent.child, child.parent = Tensor(1.0), child, parent
    assert [path for path, _ in parent.named_parameters()] == ["weight"]
    assert len(parent.modules()) == 2


@pytest.mark.bits
def test_state_dict_makes_the_round_trip():
    model, twin, x = net(), net(rng=1), RNG.normal(size=(5, 4))
    for p in model.parameters():  # so that none equals its twin
        p.data += 1.0
    model(RNG.normal(size=(8, 4)))
    held = twin.parameters()
    twin.load_state_dict(model.state_dict())
    assert np.array_equal(model.eval()(x).data, twin.eval()(x).data)
    for (path, array), (same, loaded) in zip(
        model.state_dict().items(), twin.state_dict().items(), strict=True
    ):
        assert path == same
        np.testing.assert_array_equal(array, loaded, strict=True)
    assert all(p is q for p, q in zip(held, twin.parameters(), strict=True))


def test_state_dict_goes_to_disk_and_back_without_another_package(tmp_path):
    model, twin = net(), net(rng=1)
    model(RNG.normal(size=(8, 4)))
    np.savez(tmp_path / "net.npz", **model.state_dict())
    with np.load(tmp_path / "net.npz") as state:
        twin.load_state_dict(state)
    for path, array in model.state_dict().items():
        np.testing.assert_array_equal(array, twin.state_dict()[path], strict=True)


def test_state_dict_is_a_copy():
    model = net()
    state = model.state_dict()
    state["layers.1.gamma"][:] = 99.0
    state["layers.1.running_mean"][:] = 99.0
    assert model.layers[1].gamma.data.tolist() == [1, 1, 1]
    assert model.layers[1].running_mean.tolist() == [0, 0, 0]


def test_state_dict_is_laid_out_row_by_row_for_writers_that_ignore_strides():
    model = nn.Sequential(nn.Linear(4, 3, rng=0))
    theirs = {"layers.0.weight": np.arange(12.0).reshape(3, 4).T, "layers.0.bias": np.ones(3)}
    model.load_state_dict(theirs)
    model.layers[0].running_mean = np.arange(12.0).reshape(3, 4).T
    assert all(array.flags.c_contiguous for array in model.state_dict().values())
    assert np.array_equal(model.state_dict()["layers.0.weight"], theirs["layers.0.weight"])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"layers.1.gamma": np.ones(4)},
            errors.ShapeError,
            r"'layers.1.gamma' has shape \(4,\), exp",
        ),
        ({"layers.1.gamma": np.ones(1)}, errors.ShapeError, r"gamma' has shape \(1,\), expected"),
        ({"layers.1.gamma": 1.0}, errors.ShapeError, r"gamma' has shape \(\), expected \(3,\)"),
        (
            {"layers.1.running_mean": np.ones(1)},
            errors.ShapeError,
            r"mean' has shape \(1,\), expected \(3,\)",
        ),
        (
            {"layers.1.num_batches_tracked": np.ones(1, int)},
            errors.ShapeError,
            r"tracked' has shape \(1,\), expected \(\)",
        ),
        ({"zz": 1, 0: 2}, errors.ArgumentError, "0 is unknown"),
        ({("a", 1): 2, None: 3}, errors.ArgumentError, r"\('a', 1\) is unknown"),
        ({"layers.9.gamma": np.ones(3)}, errors.ArgumentError, "'layers.9.gamma' is unknown"),
        ({"layers.1.gamma": None}, errors.ArgumentError, "'layers.1.gamma' is missing"),
        ({"layers.1.num_batches_tracked": 2.7}, errors.DTypeError, "tracked' does not fit int64"),
        (
            {"layers.1.gamma": ["a", "b", "c"]},
            errors.DTypeError,
            "'layers.1.gamma' does not fit float64",
        ),
    ],
)
def test_state_dict_that_does_not_fit_loads_nothing(change, error, message):
    model = net()
    state = {k: v + 1 for k, v in model.state_dict().items()} | change
    state = {k: v for k, v in state.items() if v is not None}
    before = model.state_dict()
    with pytest.raises(error, match=message + ".*nothing was loaded"):
        model.load_state_dict(state)
    assert all(np.array_equal(before[k], v) for k, v in model.state_dict().items())


def test_what_a_module_holds_is_a_parameter_and_so_are_its_copies():
    model = net()
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model.layers[0]))]
    assert all(p.role for m in (model, *copies[:1]) for p in m.parameters())
    assert copies[1].weight.role
    model.seen = Tensor(1.0) * 2.0
    assert not model.seen.role
    assert not Tensor(1.0).role


def test_a_module_without_a_forward_says_so():
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        nn.Module()(1)


def test_zero_grad_forgets_all_gradients():
    model = net()
    np.sum(model(RNG.normal(size=(5, 4))) ** 2).backward()
    assert all(p.grad is not None for p in model.parameters())
    model.zero_grad()
    assert all(p.grad is None for p in model.parameters())


# Deep ones


def test_modules_within_modules_by_the_thousand_are_found_saved_and_shown():
    model, twin = nested(1000), nested(1000)
    path = "layers.0." * 1000 + "weight"
    assert len(model.modules()) == 1001
    assert next(iter(model.named_parameters()))[0] == path
    twin.load_state_dict({name: array + 1 for name, array in model.state_dict().items()})
    assert np.array_equal(twin.parameters()[0].data, model.parameters()[0].data + 1)
    assert not model.eval().modules()[-1].training
    assert repr(model).count("Sequential") == 1000


def test_a_call_that_is_too_deep_for_python_says_so():
    x = RNG.normal(size=(5, 3))
    deep = r"too deep for Python, whose limit is \d+ calls; set layers beside each other"
    with pytest.raises(errors.GraphError, match=deep):
        nested(1000)(x)
    assert nested(100)(x).shape == (5, 2)


# Seen from outside


def test_repr_shows_the_layers_their_settings_and_the_shapes():
    model = nn.Sequential(
        nn.Linear(64, 32, rng=0, bias=False),
        nn.BatchNorm(32, momentum=None),
        nn.Sequential(nn.ReLU(), nn.Dropout(0.5, rng=0)),
        nn.GroupNorm(2, 32),
    )
    assert (
        repr(model)
        == """Sequential(
  layers.0: Linear(weight (64, 32), bias=None)
  layers.1: BatchNorm(num_features=32, eps=1e-05, momentum=None, gamma (32,), beta (32,))
  layers.2: Sequential(
    layers.0: ReLU()
    layers.1: Dropout(p=0.5)
  )
  layers.3: GroupNorm(num_groups=2, num_features=32, eps=1e-05, gamma (32,), beta (32,))
)"""
    )


def test_repr_of_a_module_of_ones_own():
    class Own(nn.Module):
        def __init__(self):
            self.scales, self.rate, self.kind = [Tensor([1.0]), Tensor(2.0)], 0.5, "x" * 99
            self.head, self.huge, self._hidden, self.f = nn.ReLU(), 10**9999, 3, np.sin
            self.seen = Tensor(1.0) * 2.0

    model = Own()
    model.tied = model.head
    model.whole = model
    assert (
        repr(model)
        == f"""Own(scales.0 (1,), scales.1 (), rate=0.5, kind='{"x" * 39}, huge=...
  head: ReLU()
  tied: the same ReLU as head
  whole: the same Own as the whole
)"""
    )


def test_repr_raises_for_nothing_that_a_module_holds():
    class Hostile(str):
        def __repr__(self):
            raise ZeroDivisionError

    class Bare(nn.Module):
        def __init__(self):
            assert repr(self) == "Bare()"
            self.text, self.list = Hostile("a"), [Hostile("b"), {Hostile("c"): None}]

    assert repr(Bare()) == "Bare(list.1.c=None)"


@pytest.mark.parametrize("name", ["to", "cuda", "register_buffer", "children", "apply", "half"])
def test_a_method_of_pytorchs_modules_says_what_to_write_instead(name):
    with pytest.raises(AttributeError, match=f"Sequential has no '{name}'; [a-z]"):
        getattr(net(), name)
    assert name not in dir(net())


def test_a_missing_attribute_raises_pythons_own_error():
    class Broken(nn.Module):
        @property
        def scale(self):
            return self.log_scale

    with pytest.raises(AttributeError, match="'Sequential' object has no attribute 'layer'"):
        _ = net().layer
    with pytest.raises(AttributeError, match="'Broken' object has no attribute 'log_scale'"):
        _ = Broken().scale


def test_a_module_is_read_as_a_formula_by_its_forward():
    assert formula(nn.ReLU()) == formula(nn.ReLU(), "x") == "relu(x)"
    assert formula(nn.Linear(3, 2, rng=0)) == "x @ weight + bias"
    assert list(inspect.signature(nn.ReLU()).parameters) == ["x"]
    assert list(inspect.signature(nn.Sequential).parameters) == ["layers"]


def test_a_modules_name_is_text():
    with pytest.raises(errors.ArgumentError, match="ReLU: a name is text, got 5"):
        nn.ReLU().name = 5


def test_a_parameter_may_have_a_name_that_begins_with_a_capital():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.W, self.z = Tensor([1.0]), Tensor([2.0])

    assert [*Own().state_dict()] == ["W", "z"]


def test_repr_shortens_integers_of_more_than_64_bits():
    module = nn.Module()
    module.long, module.longer = 2**64 - 1, 2**64
    assert repr(module) == f"Module(long={2**64 - 1}, longer=...)"
