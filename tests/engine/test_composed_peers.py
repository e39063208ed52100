"""The gradients of composed functions are those of other engines, where these have them."""

from operator import attrgetter

import numpy as np
import peers
import pytest
from compositions import calls_of, whole
from derivatives import derivatives, name

from microbn.engine.composed import COMPOSED

# The functions that a peer differentiates, at least in some of the calls.
KNOWN = {
    peers.hips_autograd: (
        "append array_split astype atleast_1d atleast_2d atleast_3d average block choose clip "
        "column_stack concatenate conjugate cross deg2rad degrees diag diff dot dsplit dstack "
        "einsum exp2 fabs fliplr flipud fmax fmin gradient hsplit hstack inner kron linalg.det "
        "linalg.eigh linalg.multi_dot linalg.norm linalg.slogdet linalg.svd linspace log10 log2 "
        "logaddexp2 amax amin hypot moveaxis nan_to_num outer pad poly prod rad2deg radians ravel "
        "reciprocal repeat roll rollaxis rot90 select sinc split stack std tan tensordot "
        "tile trace tril triu var vsplit vstack"
    ),
    peers.pytorch: (
        "amax amin array_split astype atleast_1d atleast_2d atleast_3d broadcast_arrays clip "
        "column_stack concatenate conjugate convolve copy copysign corrcoef correlate cov cross "
        "cumprod cumulative_prod cumulative_sum deg2rad degrees diag diagflat diagonal diff dot "
        "dsplit dstack einsum exp2 fabs flip fliplr flipud fmax fmin fmod gradient hsplit hstack "
        "hypot inner kron ldexp lib.stride_tricks.sliding_window_view linalg.cond linalg.cross "
        "linalg.det linalg.diagonal linalg.matmul linalg.matrix_norm linalg.matrix_power "
        "linalg.matrix_transpose linalg.multi_dot linalg.norm linalg.outer linalg.slogdet "
        "linalg.svd linalg.svdvals linalg.tensordot linalg.tensorinv linalg.tensorsolve "
        "linalg.trace linalg.vecdot linalg.vector_norm log10 log2 logaddexp2 median meshgrid "
        "moveaxis nan_to_num nanmean nanpercentile nanquantile nansum outer pad percentile prod "
        "ptp quantile rad2deg radians ravel reciprocal repeat roll rot90 sinc sort split "
        "stack std take take_along_axis tan tensordot tile trace trapezoid tril triu unstack var "
        "vdot vecdot vsplit vstack"
    ),
}
# Calls in which a peer is wrong, each with the gradient for the cotangent 1, 2, 3, ...
DIFFERENT = [
    # A product with a zero is divided by it.
    (peers.hips_autograd, "np.prod(x)", [2, 0, 3], [0, 6, 0]),
    (peers.hips_autograd, "np.prod(x)", [0, 0, 3], [0, 0, 0]),
    # The largest entry to the power of infinity is divided by itself.
    (peers.hips_autograd, "np.linalg.norm(x, np.inf)", [3, -4, 1], [0, -1, 0]),
    # An axis that was kept is put in once more.
    (
        peers.hips_autograd,
        "np.linalg.norm(1 * x, axis=1, keepdims=True)",
        [[3, 4], [6, -8]],
        [[0.6, 0.8], [1.2, -1.6]],
    ),
    # The value is divided by N - 1, its gradient by N.
    (peers.hips_autograd, "np.var(x, correction=1)", [1, 2, 6], [-2, -1, 3]),
    # A bound gets no gradient if it is given by name.
    (peers.hips_autograd, "np.clip(2 + 0 * x, a_min=None, a_max=x)", [1, 3], [1, 0]),
    # By another convention here an entry at its bound gets half.
    (peers.hips_autograd, "np.clip(x, 0, 1)", [0, 0.5], [0.5, 2]),
    # Zero over zero.
    (peers.hips_autograd, "np.linalg.norm(x)", [0, 0], [0, 0]),
    (peers.hips_autograd, "np.std(x)", [1, 1], [0, 0]),
    (peers.hips_autograd, "np.sinc(x)", [0, 1], [0, -2]),
    # Two to the power of an integer below 0 is taken for the integer 0.
    (peers.pytorch, "np.ldexp(x, np.array([-2, 0, 1]))", [1, 3, 5], [0.25, 2, 6]),
]
# Calls of CALLS in which that shows. Eigenvectors may have another sign.
WRONG = {
    (peers.hips_autograd, "np.clip(x, a_min=None, a_max=y)"),
    (peers.hips_autograd, "np.var(x, axis=1, correction=1)"),
    (peers.pytorch, "np.ldexp(x, np.array([-2, 0, 1, 5]))"),
    (peers.pytorch, "np.linalg.eigh(x + np.swapaxes(x, -1, -2))"),
    (peers.pytorch, "np.linalg.eigh(x, UPLO='U')"),
    (peers.pytorch, "np.linalg.eigh(x, 'l')"),
}
PAIRS = [
    pytest.param(peer, attrgetter(function)(np), id=f"{name(peer)}-{function}")
    for peer, functions in KNOWN.items()
    for function in functions.split()
]


def compared(peer, function):
    """Compare the calls that a peer can compute, and return how many they are."""
    count = 0
    for call in calls_of(function):
        one, arrays = whole(call)
        try:
            theirs = derivatives(peer, one, arrays)
        except Exception:  # it lacks a keyword, or stumbles
            continue
        if (peer, call) not in WRONG:
            assert_same(derivatives(peers.microbn, one, arrays), theirs)
            count += 1
    return count


def assert_same(mine, theirs):
    pairs = [mine[:1] + theirs[:1], *zip(mine[1], theirs[1], strict=True)]
    for one, other in pairs:
        other = np.asarray(other)
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12, strict=True)


@pytest.mark.parametrize(("peer", "function"), PAIRS)
def test_gradients_are_those_of_a_peer(peer, function):
    assert compared(peer, function)


@pytest.mark.parametrize(("peer", "function"), PAIRS)
def test_a_composition_whose_gradient_is_doubled_is_not_that_of_a_peer(peer, function, monkeypatch):
    right = COMPOSED[function]

    def doubled(*args, **kwargs):
        result = right.function(*args, **kwargs)
        if isinstance(result, (tuple, list)):
            return [2 * part for part in result]
        return 2 * result

    monkeypatch.setitem(COMPOSED, function, right._replace(function=doubled))
    with pytest.raises(AssertionError):
        compared(peer, function)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("peer", "call", "values", "right"), DIFFERENT)
def test_known_differences(peer, call, values, right):
    def f(x, np=np, **_):
        return eval(call, {"np": np, "x": x})

    x = np.array(values, float)
    shape = np.shape(f(x))
    cotangent = 1.0 + np.arange(np.prod(shape, dtype=int)).reshape(shape)
    _, (mine,), _ = peers.microbn(f, [x], cotangent)
    np.testing.assert_allclose(mine, right, rtol=1e-14, atol=1e-14)
    _, (their,), _ = peer(f, [x], cotangent)
    assert not np.allclose(their, right)
