"""Modules: paths, modes, state; BatchNorm's semantics, by hand and beside PyTorch's."""

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


def test_linear_is_a_product_and_a_bias():
    layer = nn.Linear(4, 3, rng=0)
    layer.bias.data = [1.0, 2.0, 3.0]
    x = RNG.normal(size=(5, 4))
    assert np.array_equal(layer(x).data, x @ layer.weight.data + layer.bias.data)
    assert nn.Linear(4, 3, rng=0, bias=False).bias is None


@pytest.mark.parametrize(("init", "variance"), [(nn.he, 2 / 400), (nn.xavier, 2 / 1000)])
def test_initial_weights_have_the_promised_variance(init, variance):
    weight = nn.Linear(400, 600, rng=0, init=init).weight.data
    assert weight.var() == pytest.approx(variance, rel=0.02)


def test_same_seed_gives_the_same_weights():
    one, other = nn.Linear(4, 3, rng=5), nn.Linear(4, 3, rng=np.random.default_rng(5))
    assert np.array_equal(one.weight.data, other.weight.data)


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


def test_batch_norm_in_training_normalizes_and_moves_its_statistics():
    bn, x = nn.BatchNorm(3), RNG.normal(2, 3, size=(8, 3))
    y = bn(x)
    np.testing.assert_allclose(y.data, (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5), rtol=1e-12)
    np.testing.assert_allclose(bn.running_mean, 0.1 * x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(bn.running_var, 0.9 + 0.1 * x.var(0, ddof=1), rtol=1e-12)
    assert bn.num_batches_tracked == 1


def test_momentum_none_is_the_cumulative_average():
    bn = nn.BatchNorm(3, momentum=None)
    batches = RNG.normal(size=(4, 8, 3))
    for x in batches:
        bn(x)
    np.testing.assert_allclose(bn.running_mean, batches.mean((0, 1)), rtol=1e-12)
    np.testing.assert_allclose(bn.running_var, batches.var(1, ddof=1).mean(0), rtol=1e-12)


def test_eval_takes_samples_one_by_one_and_changes_nothing():
    bn = nn.BatchNorm(3)
    bn(RNG.normal(size=(8, 3)))
    state = bn.state_dict()
    bn.eval()
    x = RNG.normal(size=(5, 3))
    np.testing.assert_array_equal(bn(x).data[2:3], bn(x[2:3]).data)
    assert all(np.array_equal(a, bn.state_dict()[k]) for k, a in state.items())


def test_training_forward_under_no_grad_still_moves_the_statistics():
    bn = nn.BatchNorm(3)
    with no_grad():
        bn(RNG.normal(size=(8, 3)))
    assert bn.num_batches_tracked == 1


def test_statistics_stay_out_of_the_graph():
    bn, fresh = nn.BatchNorm(3), nn.BatchNorm(3)
    values, dy = RNG.normal(size=(8, 3)), RNG.normal(size=(8, 3))
    x, again = Tensor(values), Tensor(values)
    y = bn(x)
    bn(RNG.normal(size=(8, 3)))  # moves the statistics between forward and backward
    y.backward(dy)
    fresh(again).backward(dy)
    assert np.array_equal(x.grad, again.grad)
    assert type(bn.running_mean) is np.ndarray


def test_statistics_stay_where_they_are_when_the_forward_fails():
    bn = nn.BatchNorm(3)
    bn.beta = Tensor(np.ones(2))
    with pytest.raises(errors.ShapeError):
        bn(RNG.normal(size=(8, 3)))
    assert bn.num_batches_tracked == 0


def test_single_sample_with_several_values_per_channel_is_a_batch():
    assert nn.BatchNorm(3)(RNG.normal(size=(1, 3, 4))).shape == (1, 3, 4)


def test_module_that_holds_its_parent_ends():
    parent, child = nn.Module(), nn.Module()
    parent.weight, parent.child, child.parent = Tensor(1.0), child, parent
    assert [path for path, _ in parent.named_parameters()] == ["weight"]
    assert len(parent.modules()) == 2


def test_without_tracking_eval_uses_the_batch():
    bn = nn.BatchNorm(3, track_running_stats=False, affine=False).eval()
    x = RNG.normal(size=(8, 3))
    np.testing.assert_allclose(bn(x).mean(0), 0, atol=1e-12)
    assert bn.state_dict() == {}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_batch_that_is_not_finite_leaves_the_statistics_unchanged(bad):
    bn, x = nn.BatchNorm(3), RNG.normal(size=(8, 3))
    x[2, 1] = bad
    before = bn.state_dict()
    with (
        np.errstate(invalid="ignore"),
        pytest.raises(errors.NonFiniteError, match=rf"input is {bad} at \[2, 1\]; running stat"),
    ):
        bn(x)
    assert all(np.array_equal(before[k], v) for k, v in bn.state_dict().items())


def test_batch_too_large_for_the_dtype_of_the_statistics_is_refused():
    bn = nn.BatchNorm(1, dtype=np.float32)
    with pytest.raises(errors.NonFiniteError, match="overflow; running statistics left unchanged"):
        bn(np.array([[1e30], [-1e30]]))
    assert (bn.running_var.tolist(), int(bn.num_batches_tracked)) == ([1], 0)


def test_float32_batch_norm_stays_float32():
    bn = nn.BatchNorm(3, dtype=np.float32)
    x = RNG.normal(size=(8, 3)).astype(np.float32)
    assert bn(x).dtype == bn.eval()(x).dtype == np.float32
    assert bn.running_mean.dtype == bn.running_var.dtype == np.float32


def test_running_statistics_keep_their_dtype():
    bn = nn.BatchNorm(3, dtype=np.float32, momentum=np.float64(0.1), eps=np.float64(1e-5))
    assert bn(RNG.normal(size=(8, 3)).astype(np.float32)).dtype == np.float32
    bn(RNG.normal(size=(8, 3)))
    assert bn.running_mean.dtype == bn.running_var.dtype == np.float32


TORCH_CASES = [
    {},
    {"momentum": None},
    {"momentum": 0.3, "eps": 1e-2},
    {"affine": False},
    {"track_running_stats": False},
]


@pytest.mark.parametrize("options", TORCH_CASES, ids=str)
@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 4), (6, 3, 4, 5), (6, 3, 2, 2, 2)], ids=str)
def test_batch_norm_is_pytorchs(shape, options):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: BatchNorm unchecked")
    kind = {2: "BatchNorm1d", 3: "BatchNorm1d", 4: "BatchNorm2d", 5: "BatchNorm3d"}[len(shape)]
    theirs = getattr(torch.nn, kind)(3, dtype=torch.float64, **options)
    ours = nn.BatchNorm(3, **options)
    pairs = [(ours.gamma, theirs.weight), (ours.beta, theirs.bias)] if theirs.affine else []
    for mine, their in pairs:
        mine.data = RNG.normal(size=3)
        their.data = torch.tensor(np.array(mine.data))
    for training in (True, True, True, False):
        ours.train(training), theirs.train(training)
        x, dy = RNG.normal(1, 2, size=shape), RNG.normal(size=shape)
        mine, their = Tensor(x), torch.tensor(x, requires_grad=True)
        y, theirs_y = ours(mine), theirs(their)
        y.backward(dy), theirs_y.backward(torch.tensor(dy))
        np.testing.assert_allclose(y.data, theirs_y.detach().numpy(), rtol=1e-10, atol=1e-12)
        for a, b in [(mine, their), *pairs]:
            np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-9, atol=1e-11)
    if ours.running_mean is not None:
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name).numpy())


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


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (lambda: nn.BatchNorm(0), errors.ArgumentError, "num_features must be a positive integer"),
        (lambda: nn.BatchNorm(3, eps=0), errors.ArgumentError, "eps must be positive, got 0"),
        (lambda: nn.BatchNorm(3, momentum=2), errors.ArgumentError, r"in \[0, 1\] or None, got 2"),
        (lambda: nn.BatchNorm(3)(np.ones(3)), errors.ShapeError, r"got shape \(3,\)"),
        (
            lambda: nn.BatchNorm(3)(np.ones((2, 4))),
            errors.ShapeError,
            r"BatchNorm\(3\): axis 1 of \(2, 4\) has 4 features, expected 3",
        ),
        (lambda: nn.BatchNorm(3)(np.ones((1, 3))), errors.ShapeError, "one value per channel"),
        (lambda: nn.Linear(2.5, 3, rng=0), errors.ArgumentError, "in_features must be a positive"),
        (lambda: nn.Linear(4, 3, rng=0)(np.ones((5, 3))), errors.ShapeError, "4 features"),
        (lambda: nn.BatchNorm(3)(np.ones((0, 3))), errors.ShapeError, "no values in training"),
        (
            lambda: nn.BatchNorm(3)([[1.0]]),
            errors.DTypeError,
            "needs an array or a Tensor, got list",
        ),
        (lambda: nn.BatchNorm(3, eps="a"), errors.ArgumentError, "eps must be positive, got 'a'"),
        (lambda: nn.Sequential(nn.ReLU), errors.DTypeError, "layer 0 is <class.*not a Module"),
        (lambda: nn.Module()(1), NotImplementedError, "Module has no forward"),
    ],
)
def test_faults_name_the_facts(fault, error, message):
    with pytest.raises(error, match=message):
        fault()


def test_activations_are_their_functions():
    x = np.array([-1.0, 0.5])
    assert nn.ReLU()(x).tolist() == [0, 0.5]
    assert np.array_equal(nn.Tanh()(x), np.tanh(x))
    assert nn.Sigmoid()(np.zeros(1)).tolist() == [0.5]


def test_what_a_module_holds_is_a_parameter_and_so_are_its_copies():
    model = net()
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model.layers[0]))]
    assert all(p.held for m in (model, *copies[:1]) for p in m.parameters())
    assert copies[1].weight.held
    model.seen = Tensor(1.0) * 2.0
    assert not model.seen.held
    assert not Tensor(1.0).held
