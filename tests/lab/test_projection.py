"""dx as a projection: the parts that are drawn are those of the gradient that emerges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mistakes import detached_mean, detached_variance

from microbn import Tensor, functional, grad
from microbn.lab import figures, projection
from microbn.lab.projection import parts_of_dx
from microbn.testing.strategies import distinct

EPS = (0.0, 1e-5, 1.0)


def gradients(batch_norm, x, dy, gamma, eps):
    """Return dx and dγ of one feature, as an engine finds them."""
    leaves = [Tensor(x[:, None]), Tensor([gamma])]
    dx, dgamma = grad(batch_norm(*leaves, np.zeros(1), eps), leaves, dy[:, None])
    return dx[:, 0], dgamma[0]


def check_parts(batch_norm, x, dy, gamma, eps):
    """Raise unless γ/σ · dy less its mean, less its component along x̂ is the gradient."""
    dx, _ = gradients(batch_norm, x, dy, gamma, eps)
    np.testing.assert_allclose(parts_of_dx(x, dy, gamma, eps)["dx"], dx, atol=1e-9)


def features(most=6):
    """Draw x and dy of one feature, for 3 samples or up to ``most``."""
    return st.integers(3, most).flatmap(lambda n: distinct(n, n))


@given(features(), st.sampled_from([1.5, -0.5]), st.sampled_from(EPS))
def test_dx_is_scaled_dy_less_its_mean_less_its_component_along_x_hat(pair, gamma, eps):
    check_parts(functional.batch_norm, *pair, gamma, eps)


@pytest.mark.parametrize("mistake", [detached_mean, detached_variance])
def test_a_batch_norm_that_takes_one_direction_less_is_seen(mistake):
    x, dy = np.array([1.0, 2.0, 6.0, 4.0]), np.array([2.0, -2.0, 4.0, 1.0])
    with pytest.raises(AssertionError):
        check_parts(mistake, x, dy, 1.5, 1e-5)


@given(features(), st.sampled_from(EPS))
def test_the_parts_are_orthogonal_but_for_eps(pair, eps):
    x, dy = pair
    parts = parts_of_dx(x, dy, 1.5, eps)
    size = 1 + np.sum(parts["γ/σ · dy"] ** 2)
    assert abs(np.sum(parts["along 1"] * parts["along x̂"])) < 1e-12 * size
    assert abs(np.sum(parts["along 1"] * parts["dx"])) < 1e-12 * size
    std = np.sqrt(x.var() + eps)
    x_hat, (_, dgamma) = (x - x.mean()) / std, gradients(functional.batch_norm, x, dy, 1.5, eps)
    share = eps / std**2
    assert abs(x_hat @ parts["dx"] - share * 1.5 / std * dgamma) < 1e-12 * size


@given(features(most=3), st.floats(-2, 2))
def test_for_three_samples_one_direction_is_left(pair, other):
    x, dy = pair
    first, second = (parts_of_dx(x, d)["dx"] for d in (dy, dy[::-1] + other * x**2))
    size = 1 + np.linalg.norm(first) * np.linalg.norm(second)
    assert np.max(np.abs(np.cross(first, second))) < 1e-9 * size


def test_the_figure_shows_a_right_angle_at_every_corner(tmp_path):
    parts = parts_of_dx(projection.BATCH, projection.COTANGENT)
    corner, top, tip = projection._corners(parts)
    edges = np.array([tip - top, top - corner, corner])
    lengths = [np.linalg.norm(parts[name]) for name in ("along 1", "along x̂", "dx")]
    assert min(lengths) > 1
    np.testing.assert_allclose(edges @ edges.T, np.diag(np.square(lengths)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(tip), np.linalg.norm(parts["γ/σ · dy"]))
    file = figures.save(projection.projection_figure(), tmp_path / "projection.png")
    size = np.frombuffer(file.read_bytes()[16:24], ">u4")
    assert [*size] == [1280, 720]
