"""Numerics at the edges: large offsets in float32, large logits, large batches, powers at 0."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, nn
from microbn import functional as F
from microbn.reading.tape import history

OFFSETS = [0.0, 1e2, 1e4, 1e6]


def batch(offset, n=64, seed=0):
    """Draw x with sigma 1 at an offset, gamma, beta and a cotangent, all in float32."""
    rng = np.random.default_rng(seed)
    parts = rng.normal(size=(n, 8)) + offset, rng.normal(size=8), rng.normal(size=8)
    return [a.astype(np.float32) for a in (*parts, rng.normal(size=(n, 8)))]


def microbn_batch_norm(x, gamma, beta, g, dtype=np.float32):
    leaves = [Tensor(a, dtype=dtype) for a in (x, gamma, beta)]
    y = F.batch_norm(*leaves)
    return [y.data, *mb.grad(y, leaves, g.astype(dtype))]


def torch_batch_norm(torch, x, gamma, beta, g):
    leaves = [torch.tensor(a, requires_grad=True) for a in (x, gamma, beta)]
    y = torch.nn.functional.batch_norm(leaves[0], None, None, *leaves[1:], training=True)
    return [
        y.detach().numpy(),
        *(p.numpy() for p in torch.autograd.grad(y, leaves, torch.tensor(g))),
    ]


def errors_of(results, exact):
    """Return the largest errors of y, dx, dgamma and dbeta, relative to their largest entries."""
    pairs = zip(results, exact, strict=True)
    return np.array([np.max(np.abs(a - b)) / np.max(np.abs(b)) for a, b in pairs])


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("n", [8, 64, 4096])
def test_float32_batch_norm_does_not_lose_digits_to_an_offset(offset, n):
    given = batch(offset, n)
    exact = microbn_batch_norm(*given, dtype=np.float64)
    assert max(errors_of(microbn_batch_norm(*given), exact)) < 3e-6


@pytest.mark.parametrize("offset", OFFSETS[1:])
def test_float32_batch_norm_is_no_less_exact_than_pytorchs(offset):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: unchecked")
    mine, theirs = [], []
    for seed in range(5):
        given = batch(offset, seed=seed)
        exact = microbn_batch_norm(*given, dtype=np.float64)
        mine.append(errors_of(microbn_batch_norm(*given), exact))
        theirs.append(errors_of(torch_batch_norm(torch, *given), exact))
    y_dx_dgamma, dbeta = slice(0, 3), 3
    assert (np.array(mine)[:, y_dx_dgamma] <= np.array(theirs)[:, y_dx_dgamma]).all()
    assert np.max(np.array(mine)[:, dbeta]) < 1e-6  # a plain sum of the cotangent, for both


def test_the_check_sees_a_variance_in_one_pass():
    x, gamma, beta, g = batch(1e4)
    one_pass = np.mean(x * x, axis=0) - np.mean(x, axis=0) ** 2
    with np.errstate(invalid="ignore"):
        y = gamma * (x - x.mean(0)) / np.sqrt(one_pass + np.float32(1e-5)) + beta
    exact = microbn_batch_norm(x, gamma, beta, g, dtype=np.float64)
    assert not errors_of([y], exact[:1])[0] < 0.1


def test_the_node_named_mean_is_the_mean_in_float32_too():
    x = batch(1e2)[0]
    mean, centered, _ = F.moments(Tensor(x))
    assert [node.name for node in history(mean)][-1] == "mean"
    np.testing.assert_allclose(mean.data[0], x.mean(0), rtol=1e-6)
    (correction,) = [node for node in history(centered) if node.name == "correction"]
    assert np.abs(correction.data).max() < 1e-4  # the mean after the offset has another name


def test_running_statistics_keep_the_offset():
    x, *_ = batch(1e4)
    norm = nn.BatchNorm(8, momentum=1.0, dtype=np.float32)
    norm(Tensor(x))
    np.testing.assert_allclose(norm.running_mean, x.astype(float).mean(0), rtol=1e-7)
    np.testing.assert_allclose(norm.running_var, x.astype(float).var(0, ddof=1), rtol=1e-5)


def test_the_constant_that_centers_float32_changes_no_second_derivative():
    given = batch(1e2)

    def second(dtype):
        x, gamma, beta = (Tensor(a, dtype=dtype) for a in given[:3])
        y = F.batch_norm(x, gamma, beta)
        first = mb.grad(y, x, given[3].astype(dtype), create_graph=True)
        return mb.grad((first * given[3]).sum(), x)

    np.testing.assert_allclose(second(np.float32), second(np.float64), rtol=1e-3, atol=1e-5)


def test_means_over_many_rows_keep_their_digits_in_float32():
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(200_000, 2)) + 1e3).astype(np.float32)
    mean, _, var = F.moments(x)
    np.testing.assert_allclose(mean[0], x.astype(float).mean(0), rtol=1e-6)
    np.testing.assert_allclose(var[0], x.astype(float).var(0), rtol=1e-4)
    losses = rng.uniform(size=200_000).astype(np.float32)
    assert F.mse(Tensor(losses), 0 * losses).item() == pytest.approx(
        np.mean(losses.astype(float) ** 2), rel=1e-6
    )


def test_softmax_and_cross_entropy_at_logits_of_ten_thousand():
    logits = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]])
    for dtype in (np.float32, np.float64):
        x = Tensor(logits, dtype=dtype)
        assert F.softmax(x).data.tolist() == [[1, 0, 0], [0, 0.5, 0.5]]
        loss = F.cross_entropy(x, np.array([0, 0]))
        assert loss.item() == pytest.approx((0 + 2e4 + np.log(2)) / 2)
        assert mb.grad(loss, x).tolist() == [[0, 0, 0], [-0.5, 0.25, 0.25]]


def test_sigmoid_at_a_thousand():
    x = Tensor([-1e3, 0.0, 1e3])
    y = F.sigmoid(x)
    assert y.data.tolist() == [0, 0.5, 1]
    assert mb.grad(y.sum(), x).tolist() == [0, 0.25, 0]


POWERS = [  # base, exponent, derivative in the base
    *[(0.0, 0, 0.0), (0.0, 1, 1.0), (0.0, 2, 0.0), (0.0, 3, 0.0)],
    *[(-2.0, 0, 0.0), (-2.0, 1, 1.0), (-2.0, 2, -4.0), (-2.0, 3, 12.0), (-2.0, -1, -0.25)],
    *[(0.0, 0.5, np.inf), (4.0, 0.5, 0.25)],
]


@pytest.mark.parametrize(("base", "exponent", "slope"), POWERS)
def test_power_at_zero_and_with_negative_bases(base, exponent, slope):
    x = Tensor(base)
    with np.errstate(divide="ignore"):
        assert mb.grad(x**exponent, x) == slope
        assert mb.grad(x ** np.float64(exponent), x) == slope


def test_root_and_logarithm_at_zero_give_what_ieee_gives():
    x = Tensor([0.0])
    with np.errstate(divide="ignore"):
        assert (np.sqrt(x).data[0], np.log(x).data[0]) == (0, -np.inf)
        assert mb.grad(np.sqrt(x), x, [1.0])[0] == np.inf
        assert mb.grad(np.log(x), x, [1.0])[0] == np.inf


def test_every_node_and_gradient_of_float32_batch_norm_is_float32():
    given = batch(0.0)
    y = F.batch_norm(*(Tensor(a) for a in given[:3]))
    for step in mb.sweep(y, given[3]):
        assert step.node.dtype == step.gradient.dtype == np.float32
