"""Modules: paths, modes, state."""

import copy
import pickle

import numpy as np
import pytest

from microbn import Tensor, errors, nn, no_grad

RNG = np.random.default_rng(0)


def net():
    return nn.Sequential(nn.Linear(4, 3, rng=0), nn.BatchNorm(3), nn.ReLU(), nn.Linear(3, 2, rng=1))


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


def test_state_that_cannot_be_kept_apart_or_set_is_refused():
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
    model, twin = net(), net()
    model(RNG.normal(size=(8, 4)))
    twin.load_state_dict(model.state_dict())
    x = RNG.normal(size=(5, 4))
    assert np.array_equal(model.eval()(x).data, twin.eval()(x).data)
    assert twin.state_dict().keys() == model.state_dict().keys()


def test_state_dict_is_a_copy():
    model = net()
    state = model.state_dict()
    state["layers.1.gamma"][:] = 99.0
    state["layers.1.running_mean"][:] = 99.0
    assert model.layers[1].gamma.data.tolist() == [1, 1, 1]
    assert model.layers[1].running_mean.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"layers.1.gamma": np.ones(4)},
            errors.ShapeError,
            r"'layers.1.gamma' has shape \(4,\), exp",
        ),
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
    assert all(p.held for m in (model, *copies[:1]) for p in m.parameters())
    assert copies[1].weight.held
    model.seen = Tensor(1.0) * 2.0
    assert not model.seen.held
    assert not Tensor(1.0).held


def test_a_module_without_a_forward_says_so():
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        nn.Module()(1)
