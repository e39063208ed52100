"""An error names the function that the user called, and not one that a composed function calls."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors, nn, optim, scalars
from microbn import functional as F
from microbn.reading.symbol import Symbol

RNG = np.random.default_rng(4)
X, V, BOX = (
    Tensor(RNG.normal(size=(3, 4))),
    Tensor(RNG.normal(size=4)),
    scalars(RNG.normal(size=(3, 4))),
)
SEVEN = RNG.normal(size=7)
SIGN = np.linalg.slogdet(Tensor(np.eye(2)))
# fmt: off
IN_THE_FORWARD = {
    "np.var":          (lambda x: np.var(x, axis=5), "np.var: mean: axis 5 is out of range"),
    "np.std":          (lambda x: np.std(x, axis=5), "np.std: mean: axis 5 is out of range"),
    "np.median":       (lambda x: np.median(x, axis=5), "np.median: axis 5 is out of range"),
    "np.quantile":     (lambda x: np.quantile(x, 1.5), "np.quantile: q=.*1.5.* is outside 0 to 1"),
    "np.linalg.norm":  (lambda x: np.linalg.norm(x, axis=5), "np.linalg.norm: axis 5 is out of"),
    "np.hypot":        (lambda x: np.hypot(x, SEVEN), "np.hypot: maximum: shapes .* and .7,. do"),
    "np.trapezoid":    (lambda x: np.trapezoid(x, SEVEN), "np.trapezoid: multiply: shapes"),
    "softmax":         (lambda x: F.softmax(x, axis=5), "softmax: max: axis 5 is out of range"),
    "log_softmax":     (lambda x: F.log_softmax(x, 5), "log_softmax: max: axis 5 is out of range"),
}
IN_THE_BACKWARD = {
    "np.var":          lambda x: np.var(x, axis=0),
    "np.std":          lambda x: np.std(x, axis=0),
    "np.median":       lambda x: np.median(x, axis=0),
    "np.quantile":     lambda x: np.quantile(x, 0.3, axis=0),
    "np.linalg.norm":  lambda x: np.linalg.norm(x, axis=0),
    "np.hypot":        lambda x: np.hypot(x, x),
    "np.cov":          np.cov,
    "softmax":         F.softmax,
}
# fmt: on


@pytest.mark.parametrize("case", IN_THE_FORWARD)
def test_an_error_inside_a_composed_function_opens_with_its_name(case):
    f, words = IN_THE_FORWARD[case]
    with pytest.raises(errors.MicrobnError, match=f"^{words}"):
        f(X)


@pytest.mark.parametrize("case", IN_THE_BACKWARD)
def test_a_wrong_cotangent_is_set_beside_the_composed_function_that_was_called(case):
    out, name = IN_THE_BACKWARD[case](X), case.split(".")[-1]
    with pytest.raises(errors.ShapeError) as raised:
        out.backward(SEVEN)
    who = f"'{out.name}' ({name})" if out.name else name
    assert str(raised.value) == f"the cotangent has shape (7,), {who} {out.shape}"


def test_inside_its_call_a_node_goes_by_its_own_function_and_a_gradient_always_does():
    def f(row):
        with pytest.raises(errors.DTypeError, match=r"^sum does not become a number"):
            float(np.sum(row))
        return np.sum(row)

    with pytest.raises(errors.DTypeError, match=r"^apply_along_axis does not become a number"):
        float(np.apply_along_axis(f, 0, V))
    gradient = mb.grad(np.var(V), V, create_graph=True)
    with pytest.raises(errors.ShapeError) as raised:
        gradient.backward(SEVEN)
    assert "var" not in str(raised.value)


def test_an_optimizer_and_a_module_name_the_composed_function_that_made_a_tensor():
    with pytest.raises(errors.GraphError, match="parameter 0 was computed by std;"):
        optim.SGD([np.std(X)], 0.1)


WRONG_CALLS = {
    "three pairs for two axes": (
        lambda: np.pad(X, [(1, 1)] * 3),
        "np.pad: pad_width=.* gives no pair .before, after. for each of 2 axes; write .* 2 pairs",
    ),
    "three numbers": (lambda: np.pad(X, (1, 2, 3)), "np.pad: pad_width=.1, 2, 3. gives"),
    "pairs for scalars": (lambda: np.pad(BOX, [(1, 1)] * 3), "np.pad: pad_width=.* 2 axes"),
    "pairs of constants": (
        lambda: np.pad(X, 1, constant_values=[(1, 1)] * 3),
        "np.pad: constant_values=.* gives no pair",
    ),
    "svdvals of a vector": (
        lambda: np.linalg.svdvals(V),
        r"np.linalg.svdvals: shape \(4,\) is not that of .*; x.reshape\(1, -1\) is a row",
    ),
    "svdvals of scalars": (lambda: np.linalg.svdvals(BOX[0]), "np.linalg.svdvals: shape"),
    "cond of a vector": (lambda: np.linalg.cond(V), r"np.linalg.cond: shape \(4,\) is not"),
    "cond of a number": (lambda: np.linalg.cond(V[0]), r"np.linalg.cond: shape \(\) is not"),
    "cond by another norm": (lambda: np.linalg.cond(V, 1), r"np.linalg.cond: shape \(4,\) is"),
    "matrix_norm of a vector": (lambda: np.linalg.matrix_norm(V), "np.linalg.matrix_norm: shape"),
    "where with a condition": (lambda: np.where(X > 0), r"np.where: .* np.nonzero\(condition.data"),
    "a remainder by None": (lambda: np.fmod(X, None), "np.fmod: .*it computes with .*, not with N"),
    "matrix_norm of a number": (
        lambda: np.linalg.matrix_norm(Tensor(2.0), ord=1),
        r"np.linalg.matrix_norm: shape",
    ),
    "a Symbol modulo None": (
        lambda: Symbol("x") % None,
        "formula: np.remainder computes with numbers and arrays, not with None; got x and None",
    ),
    "None @ Symbol": (lambda: None @ Symbol("x"), "formula: np.matmul .*; got None and x"),
    "no row": (
        lambda: np.apply_along_axis(np.sum, 0, X[:, :0]),
        r"np.apply_along_axis: shape \(3, 0\) has no row .*; write .* np.sum\(x, axis=0\)",
    ),
    "draw a named tuple": (
        lambda: mb.draw(SIGN),
        "draw starts from a Tensor, not from SlogdetResult; take .* fields: sign and logabsdet",
    ),
    "draw it without grads": (lambda: mb.draw(SIGN, grads=False), "draw starts from a Tensor"),
    "story of a named tuple": (lambda: mb.story(SIGN), "story starts from .*: sign and logabsdet"),
    "grad of a named tuple": (lambda: mb.grad(SIGN, X), "grad starts from .*: sign and logabsdet"),
    "draw a list of leaves": (lambda: mb.draw([X, V]), r"'X' \(leaf\) has no history"),
    "story of a tuple of others": (
        lambda: mb.story((X * 2, 3)),
        "story starts from .*, not from int",
    ),
    "grad of a list": (lambda: mb.grad([X, V], X), r"grad .* not from list; .* \[0\]"),
    "no kernel": (
        lambda: nn.Conv2d(3, 2),
        "Conv2d: missing a required argument: 'kernel_size'; it takes in_channels, .*kernel_size,",
    ),
    "another word": (lambda: nn.Conv2d(3, 2, kernel=3), "Conv2d: missing .*'kernel_size'"),
    "another word in a pool": (
        lambda: nn.MaxPool2d(2, step=1),
        "MaxPool2d: got an unexpected keyword argument 'step'; it takes kernel_size and stride",
    ),
}


@pytest.mark.parametrize("case", WRONG_CALLS)
def test_a_wrong_call_is_told_which_function_which_values_and_the_way_out(case):
    call, words = WRONG_CALLS[case]
    with pytest.raises(errors.MicrobnError, match=f"^{words}"):
        call()


def test_scalars_and_tensors_whose_shapes_differ_get_an_error_of_ours():
    for call in (lambda: np.where(V > 0, BOX[:, :3], V), lambda: np.where(V > 0, V, BOX[:, :3])):
        with pytest.raises(errors.ShapeError, match=r"^where: "):
            call()


def test_layers_of_images_take_the_name_that_pytorch_has_for_the_size():
    layer = nn.Conv2d(in_channels=3, out_channels=2, kernel_size=3, stride=2, rng=0)
    assert layer.weight.shape == (2, 3, 3, 3)
    assert nn.MaxPool2d(kernel_size=2).stride == nn.AvgPool2d(kernel_size=2).stride == 2
    images = RNG.normal(size=(1, 2, 4, 4))
    np.testing.assert_array_equal(F.max_pool2d(images, kernel_size=2), nn.MaxPool2d(2)(images))
