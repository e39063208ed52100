"""BatchNorm's semantics, by hand and beside PyTorch's, and those of its sisters."""

import inspect
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microbn import Tensor, errors, grad, nn, no_grad, optim, story
from microbn import functional as F
from microbn.lab import train
from microbn.lab.compiled import CompiledStep
from microbn.testing import assert_gradients, gradcheck
from microbn.testing.strategies import batches

RNG = np.random.default_rng(0)


def test_batch_norm_in_training_normalizes_and_moves_its_statistics():
    bn, x = nn.BatchNorm(3), RNG.normal(2, 3, size=(8, 3))
    y = bn(x)
    np.testing.assert_allclose(y.data, (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5), rtol=1e-12)
    np.testing.assert_allclose(bn.running_mean, 0.1 * x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(bn.running_var, 0.9 + 0.1 * x.var(0, ddof=1), rtol=1e-12)
    assert bn.num_batches_tracked == 1


def test_in_eval_it_calls_what_it_centers_centered():
    y = nn.BatchNorm(3).eval()(Tensor(RNG.normal(size=(8, 3)), "x"))
    assert "centered" in story(y, RNG.normal(size=(8, 3))).names.values()


def test_momentum_none_is_the_cumulative_average():
    bn = nn.BatchNorm(3, momentum=None)
    batches = RNG.normal(size=(4, 8, 3))
    for x in batches:
        bn(x)
    np.testing.assert_allclose(bn.running_mean, batches.mean((0, 1)), rtol=1e-12)
    np.testing.assert_allclose(bn.running_var, batches.var(1, ddof=1).mean(0), rtol=1e-12)


def test_momentum_0_keeps_the_statistics_and_1_takes_the_batchs():
    still, new = nn.BatchNorm(3, momentum=0), nn.BatchNorm(3, momentum=1)
    x = RNG.normal(2, 3, size=(8, 3))
    for each in (still, new):
        each(RNG.normal(size=(8, 3)))
        each(x)
    assert (still.running_mean.tolist(), still.running_var.tolist()) == ([0] * 3, [1] * 3)
    np.testing.assert_allclose(new.running_mean, x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(new.running_var, x.var(0, ddof=1), rtol=1e-12)
    assert still.num_batches_tracked == new.num_batches_tracked == 2


@pytest.mark.bits
def test_eval_takes_samples_one_by_one_and_changes_nothing():
    bn = nn.BatchNorm(3)
    bn(RNG.normal(size=(8, 3)))
    state = bn.state_dict()
    bn.eval()
    x = RNG.normal(size=(5, 3))
    np.testing.assert_array_equal(bn(x).data[2:3], bn(x[2:3]).data)
    assert all(np.array_equal(a, bn.state_dict()[k]) for k, a in state.items())


@pytest.mark.parametrize("shape", [(5, 3), (5, 3, 4), (5, 3, 3, 3), (5, 3, 2, 2, 2)], ids=str)
def test_eval_normalizes_each_feature_by_its_own_statistics(shape):
    bn, x = nn.BatchNorm(3).eval(), RNG.normal(size=shape)
    bn.running_mean[:], bn.running_var[:] = [1.0, 2.0, 3.0], [0.5, 1.0, 2.0]
    y = bn(x).data
    for c, (mean, var) in enumerate(zip(bn.running_mean, bn.running_var, strict=True)):
        np.testing.assert_allclose(y[:, c], (x[:, c] - mean) / np.sqrt(var + 1e-5), rtol=1e-12)


def test_training_forward_under_no_grad_still_moves_the_statistics():
    bn = nn.BatchNorm(3)
    with no_grad():
        bn(RNG.normal(size=(8, 3)))
    assert bn.num_batches_tracked == 1


@pytest.mark.bits
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


def set_alike(torch, pairs):
    """Give our layer and theirs the same random parameters."""
    for mine, their in pairs:
        mine.data = RNG.normal(size=mine.shape)
        their.data = torch.tensor(np.array(mine.data))


def assert_alike(torch, ours, theirs, shape, pairs):
    """Check that output and gradients are the same, for a random batch and cotangent."""
    x, dy = RNG.normal(1, 2, size=shape), RNG.normal(size=shape)
    mine, their = Tensor(x), torch.tensor(x, requires_grad=True)
    y, theirs_y = ours(mine), theirs(their)
    y.backward(dy), theirs_y.backward(torch.tensor(dy))
    np.testing.assert_allclose(y.data, theirs_y.detach().numpy(), rtol=1e-10, atol=1e-12)
    for a, b in [(mine, their), *pairs]:
        np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-9, atol=1e-11)


TORCH_CASES = [
    {},
    {"momentum": None},
    {"momentum": 0.3, "eps": 1e-2},
    {"affine": False},
    {"track_running_stats": False},
    {"bias": False},
    {"bias": False, "affine": False},
    {"momentum": 0.0},
    {"momentum": 1.0},
]


@pytest.mark.parametrize("options", TORCH_CASES, ids=str)
@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 4), (6, 3, 4, 5), (6, 3, 2, 2, 2)], ids=str)
def test_batch_norm_is_pytorchs(shape, options):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: BatchNorm unchecked")
    kind = {2: "BatchNorm1d", 3: "BatchNorm1d", 4: "BatchNorm2d", 5: "BatchNorm3d"}[len(shape)]
    if "bias" in options and "bias" not in inspect.signature(torch.nn.BatchNorm1d).parameters:
        pytest.skip("this PyTorch's BatchNorm has no bias=")
    theirs = getattr(torch.nn, kind)(3, dtype=torch.float64, **options)
    ours = nn.BatchNorm(3, **options)
    pairs = [(ours.gamma, theirs.weight), (ours.beta, theirs.bias)]
    assert [a is None for a, _ in pairs] == [b is None for _, b in pairs]
    pairs = [pair for pair in pairs if pair[0] is not None]
    set_alike(torch, pairs)
    for training in (True, True, True, False):
        ours.train(training), theirs.train(training)
        assert_alike(torch, ours, theirs, shape, pairs)
    if ours.running_mean is not None:
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name).numpy())


# The sisters

SISTERS = {
    "layer": (partial(nn.LayerNorm, 6), [(4, 6), (4, 3, 6), (1, 6)]),
    "group": (partial(nn.GroupNorm, 2, 6), [(4, 6), (4, 6, 3), (4, 6, 2, 3)]),
    "ghost": (partial(nn.GhostBatchNorm, 6, 4), [(8, 6), (8, 6, 3), (4, 6, 2, 2)]),
}
SHAPES = [(name, shape) for name, (_, shapes) in SISTERS.items() for shape in shapes]


def detached_mean(x, axis):
    mean = np.mean(x, axis=axis, keepdims=True)
    centered = x - F.stop_gradient(mean)
    return mean, centered, np.mean(np.square(centered), axis=axis, keepdims=True)


def unbiased_variance(x, axis, moments=F.moments):
    mean, centered, var = moments(x, axis)
    return mean, centered, var * (x.size / (x.size - var.size))


def is_pytorchs(torch, name, shape, **options):
    batch_norm = torch.nn.BatchNorm2d if len(shape) == 4 else torch.nn.BatchNorm1d
    made = {"layer": torch.nn.LayerNorm, "group": partial(torch.nn.GroupNorm, 2)}
    ours = SISTERS[name][0](**options)
    theirs = made.get(name, batch_norm)(6, dtype=torch.float64, **options)
    pairs = [(ours.gamma, theirs.weight), (ours.beta, theirs.bias)]
    set_alike(torch, pairs)
    ghosts = (lambda x: torch.cat([*map(theirs, x.split(4))])) if name == "ghost" else theirs
    assert_alike(torch, ours, ghosts, shape, pairs)


@pytest.mark.parametrize(("name", "shape"), SHAPES, ids=str)
def test_sister_is_pytorchs(name, shape, monkeypatch):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: sisters unchecked")
    is_pytorchs(torch, name, shape)
    is_pytorchs(torch, name, shape, eps=0.3)
    for mistake in (detached_mean, unbiased_variance):
        monkeypatch.setattr(F, "moments", mistake)
        with pytest.raises(AssertionError):
            is_pytorchs(torch, name, shape)


@pytest.mark.parametrize(("name", "shape"), SHAPES, ids=str)
def test_sister_passes_the_check_of_its_gradients(name, shape, monkeypatch):
    layer, x = SISTERS[name][0](), RNG.normal(size=shape)
    assert_gradients(layer, x, order=2)
    monkeypatch.setattr(F, "moments", detached_mean)
    assert not gradcheck(layer, x)


@pytest.mark.parametrize("name", SISTERS)
def test_sister_stays_float32(name):
    make, shapes = SISTERS[name]
    layer, x = make(dtype=np.float32), Tensor(RNG.normal(size=shapes[1]), dtype=np.float32)
    y = layer(x)
    gradients = grad(y, [x, layer.gamma, layer.beta], np.ones_like(y.data))
    assert {part.dtype for part in (y, *gradients)} == {np.dtype(np.float32)}
    assert make()(x).dtype == np.float64


def rows_have_mean_zero_and_variance_one_but_for_eps(layer_norm, x, eps):
    n = x.shape[1]
    x_hat, share = layer_norm(x, np.ones(n), np.zeros(n), eps), eps / (x.var(1) + eps)
    np.testing.assert_allclose(x_hat.mean(1), 0, atol=1e-11)
    np.testing.assert_allclose(x_hat.var(1), 1 - share, atol=1e-11)


@given(batches(), st.sampled_from([1e-5, 1.0]))
def test_rows_of_layer_norm_have_mean_zero_and_variance_one_but_for_eps(x, eps):
    rows_have_mean_zero_and_variance_one_but_for_eps(F.layer_norm, x, eps)


def test_rows_of_other_norms_are_seen(monkeypatch):
    x = RNG.normal(size=(4, 6))
    with pytest.raises(AssertionError):
        rows_have_mean_zero_and_variance_one_but_for_eps(F.batch_norm, x, 1e-5)
    monkeypatch.setattr(F, "moments", unbiased_variance)
    with pytest.raises(AssertionError):
        rows_have_mean_zero_and_variance_one_but_for_eps(F.layer_norm, x, 1e-5)


def groups_are_layers_of_their_own(group_norm, x, groups):
    features = x.shape[1]
    gamma, beta = RNG.normal(size=(2, features))
    parts = zip(*(np.split(v, groups, -1) for v in (x, gamma, beta)), strict=True)
    expected = np.concatenate([F.layer_norm(*part) for part in parts], axis=1)
    assert np.allclose(group_norm(x, groups, gamma, beta), expected, rtol=1e-12, atol=1e-12)


def interleaved_groups(x, groups, gamma, beta):
    order = np.arange(x.shape[1]).reshape(-1, groups).T.reshape(-1)
    y = F.group_norm(x[:, order], groups, gamma[order], beta[order])
    return y[:, np.argsort(order)]


def groups_and_their_size_swapped(x, groups, gamma, beta):
    return F.group_norm(x, x.shape[1] // groups, gamma, beta)


def test_group_norm_is_layer_norm_of_each_group_by_itself():
    x = RNG.normal(size=(4, 6))
    for groups in (1, 2, 3, 6):
        groups_are_layers_of_their_own(F.group_norm, x, groups)
    for mistake in (interleaved_groups, groups_and_their_size_swapped):
        with pytest.raises(AssertionError):
            groups_are_layers_of_their_own(mistake, x, 2)


@pytest.mark.bits
@pytest.mark.parametrize("name", ["layer", "group"])
def test_layer_and_group_norm_take_samples_one_by_one_in_training_as_in_eval(name):
    layer, x = SISTERS[name][0](), RNG.normal(size=(4, 6))
    y = layer(x).data
    assert np.array_equal(y[2:3], layer.eval()(x[2:3]).data)
    assert list(layer.state_dict()) == ["gamma", "beta"]


class Pooled(nn.GhostBatchNorm):
    _normalized = nn.BatchNorm._normalized


class Interleaved(nn.GhostBatchNorm):
    def _normalized(self, x):
        mean, centered, var = F.moments(x.reshape(self.size, -1, self.num_features), 0)
        x_hat = F.normalize(centered, var, self.eps).reshape(x.shape)
        return x_hat, mean[0], var[0], self.size


class LastGhost(nn.GhostBatchNorm):
    def _moved(self, mean, var, n):
        return super()._moved(mean[-1:], var[-1:], n)


class CountOfTheBatch(nn.GhostBatchNorm):
    def _moved(self, mean, var, n):
        return super()._moved(mean, var, n * len(mean))


def ghosts_are_batches_of_their_own(layer, x):
    ghost, parts = layer(3, 4, momentum=1.0), [nn.BatchNorm(3, momentum=1.0) for _ in x[::4]]
    alone = [part(rows).data for part, rows in zip(parts, np.split(x, len(parts)), strict=True)]
    assert np.allclose(ghost(x).data, np.concatenate(alone), rtol=1e-12, atol=1e-12)
    for name in ("running_mean", "running_var"):
        average = np.mean([getattr(part, name) for part in parts], axis=0)
        assert np.allclose(getattr(ghost, name), average, rtol=1e-12)


@pytest.mark.parametrize("shape", [(8, 3), (12, 3, 2)], ids=str)
def test_ghosts_are_batches_of_their_own(shape):
    ghosts_are_batches_of_their_own(nn.GhostBatchNorm, RNG.normal(size=shape))


@pytest.mark.parametrize("mistake", [Pooled, Interleaved, LastGhost, CountOfTheBatch])
def test_wrong_ghosts_are_seen(mistake):
    with pytest.raises(AssertionError):
        ghosts_are_batches_of_their_own(mistake, RNG.normal(size=(8, 3)))


def a_sample_moves_its_own_ghost_alone(layer):
    ghost, x = layer(3, 4), RNG.normal(size=(12, 3))
    before = ghost(x).data
    x[5] += 1.0
    assert (ghost(x).data != before).any(1).tolist() == [False] * 4 + [True] * 4 + [False] * 4


def test_ghosts_do_not_mix():
    a_sample_moves_its_own_ghost_alone(nn.GhostBatchNorm)
    for mistake in (Pooled, Interleaved):
        with pytest.raises(AssertionError):
            a_sample_moves_its_own_ghost_alone(mistake)


@pytest.mark.bits
def test_ghost_of_the_size_of_the_batch_is_batch_norm():
    ghost, whole = nn.GhostBatchNorm(3, 8), nn.BatchNorm(3)
    for x in RNG.normal(size=(2, 8, 3)):
        assert np.array_equal(ghost(x).data, whole(x).data)
    for path, array in whole.state_dict().items():
        assert np.array_equal(ghost.state_dict()[path], array)


@pytest.mark.bits
def test_ghost_batch_norm_in_eval_is_batch_norm_with_its_statistics():
    ghost, twin = nn.GhostBatchNorm(3, 4), nn.BatchNorm(3)
    ghost(RNG.normal(size=(8, 3)))
    twin.load_state_dict(ghost.state_dict())
    x = RNG.normal(size=(5, 3))
    assert np.array_equal(ghost.eval()(x).data, twin.eval()(x).data)
    assert ghost.num_batches_tracked == 1


def test_ghost_batch_norm_without_beta_is_batch_norm_without_beta():
    ghost, whole = nn.GhostBatchNorm(3, 8, bias=False), nn.BatchNorm(3, bias=False)
    x = RNG.normal(size=(8, 3))
    assert np.array_equal(ghost(x).data, whole(x).data)
    assert [*ghost.state_dict()][:2] == ["gamma", "running_mean"]
    assert (ghost.beta, whole.beta) == (None, None)


@pytest.mark.parametrize("shape", [(6, 3), (6, 3, 4)], ids=str)
def test_batch_norm_without_beta_passes_the_check_of_its_gradients(shape):
    assert_gradients(nn.BatchNorm(3, bias=False), RNG.normal(size=shape), order=2)


NORMS = {
    "layer": lambda: nn.LayerNorm(8),
    "group": lambda: nn.GroupNorm(2, 8),
    "ghost": lambda: nn.GhostBatchNorm(8, 4),
    "ghost, cumulative": lambda: nn.GhostBatchNorm(8, 4, momentum=None),
    "batch, no beta": lambda: nn.BatchNorm(8, bias=False),
    "layer, eps": lambda: nn.LayerNorm(8, eps=0.5),
}


@pytest.mark.bits
@pytest.mark.parametrize("norm", NORMS.values(), ids=NORMS)
def test_compiled_step_gives_the_bits_of_the_eager_one(norm):
    layers = [(nn.Linear(2, 8, rng=0), norm(), nn.ReLU(), nn.Linear(8, 3, rng=1)) for _ in "ab"]
    models = [nn.Sequential(*each) for each in layers]
    one, other = (optim.SGD(model.parameters(), 0.1) for model in models)
    eager, compiled = partial(train.step, models[0], one), CompiledStep(models[1], other)
    for x in RNG.normal(size=(5, 12, 2)):
        assert eager(x, np.arange(12) % 3) == compiled(x, np.arange(12) % 3)
    states = [model.state_dict().items() for model in models]
    for (path, array), (_, again) in zip(*states, strict=True):
        assert np.array_equal(array, again), path


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        (lambda: nn.BatchNorm(0), errors.ArgumentError, "num_features must be a positive integer"),
        (
            lambda: nn.BatchNorm(3, eps=0),
            errors.ArgumentError,
            "eps must be positive and finite, got 0",
        ),
        (lambda: nn.BatchNorm(3, momentum=2), errors.ArgumentError, r"in \[0, 1\] or None, got 2"),
        (lambda: nn.BatchNorm(3)(np.ones(3)), errors.ShapeError, r"got shape \(3,\)"),
        (
            lambda: nn.BatchNorm(3)(np.ones((2, 4))),
            errors.ShapeError,
            r"BatchNorm\(3\): expected 3 features on axis 1, got shape \(2, 4\)",
        ),
        (lambda: nn.BatchNorm(3)(np.ones((1, 3))), errors.ShapeError, "one value per channel"),
        (lambda: nn.BatchNorm(3)(np.ones((0, 3))), errors.ShapeError, "no values in training"),
        (
            lambda: nn.BatchNorm(3)([[1.0]]),
            errors.DTypeError,
            "needs an array or a Tensor, got list",
        ),
        (
            lambda: nn.BatchNorm(3, eps="a"),
            errors.ArgumentError,
            "must be positive and finite, got 'a'",
        ),
        (lambda: nn.GhostBatchNorm(3, 1), errors.ArgumentError, "size must be 2 or more, got 1"),
        (lambda: nn.GhostBatchNorm(3, 2.0), errors.ArgumentError, "size must be a positive int"),
        (
            lambda: nn.GhostBatchNorm(3, 4)(np.ones((11, 3))),
            errors.ShapeError,
            r"GhostBatchNorm\(3\): 11 samples are not a multiple of size 4; leave 3 out, or choose",
        ),
        (
            lambda: nn.GhostBatchNorm(3, 4)(np.ones((0, 3))),
            errors.ShapeError,
            r"BatchNorm\(3\): no v",
        ),
        (lambda: nn.LayerNorm(0), errors.ArgumentError, "LayerNorm: num_features must be a pos"),
        (
            lambda: nn.LayerNorm(3)(np.ones((3, 4))),
            errors.ShapeError,
            r"LayerNorm\(3\): expected 3 features on axis -1, got shape \(3, 4\)",
        ),
        (lambda: nn.LayerNorm(3)(np.ones(3)), errors.ShapeError, r"layer norm .*got shape \(3,\)"),
        (lambda: nn.GroupNorm(0, 3), errors.ArgumentError, "num_groups must be a positive int"),
        (lambda: nn.GroupNorm(4, 6), errors.ArgumentError, "4 groups do not .* 6 features; use 2"),
        (
            lambda: nn.GroupNorm(2, 6)(np.ones((6, 2))),
            errors.ShapeError,
            r"GroupNorm\(6\): expected",
        ),
    ],
)
def test_faults_name_the_facts(fault, error, message):
    with pytest.raises(error, match=message):
        fault()


EPS = {
    "BatchNorm": nn.BatchNorm,
    "GhostBatchNorm": partial(nn.GhostBatchNorm, size=2),
    "LayerNorm": nn.LayerNorm,
    "GroupNorm": partial(nn.GroupNorm, 1),
}


@pytest.mark.parametrize("eps", [0, -1e-5, np.inf, -np.inf, np.nan, "a", None, [1e-5]])
@pytest.mark.parametrize("name", EPS)
def test_eps_is_positive_and_finite(name, eps):
    owner = "BatchNorm" if "Batch" in name else name
    with pytest.raises(errors.ArgumentError, match=f"{owner}: eps must be positive and finite"):
        EPS[name](num_features=3, eps=eps)
    assert EPS[name](num_features=3, eps=np.float32(0.5)).eps == 0.5
    assert EPS[name](num_features=3).eps == 1e-5


@pytest.mark.parametrize("momentum", [-0.1, 1.5, np.inf, -np.inf, np.nan, "a", [0.1]])
def test_momentum_of_batch_norm_is_in_0_to_1(momentum):
    for make in (nn.BatchNorm, partial(nn.GhostBatchNorm, size=2)):
        with pytest.raises(errors.ArgumentError, match=r"momentum must be in \[0, 1\] or None"):
            make(num_features=3, momentum=momentum)
