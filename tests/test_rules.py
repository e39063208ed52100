"""Every rule of the calculus against finite differences; every check shown to fail."""

import functools

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import broadcastable_shapes

import microbn as mb
from microbn import Tensor, errors
from microbn.primitives import (
    astype,
    concatenate,
    gate,
    getitem,
    relu,
    scatter,
    spread,
    stack,
    stop_gradient,
)
from microbn.rules import RULES
from microbn.testing import assert_gradients
from microbn.testing.strategies import arrays, axes, broadcastable, distinct, indices, shapes

# For each function a strategy of (f, arrays): a call to check, and the arrays to call it with.


@st.composite
def binary(draw, function, positive=False):
    x, y = draw(distinct(*draw(broadcastable(2))))
    return function, [np.abs(x) if positive else x, y]


@st.composite
def unary(draw, function, positive=False):
    x = draw(arrays(shapes()))
    return function, [np.abs(x) if positive else x]


@st.composite
def choice(draw):
    c, x, y = draw(distinct(*draw(broadcastable(3))))
    return (lambda x, y: np.where(c > 0, x, y)), [x, y]


@st.composite
def products(draw):
    n, k, m = (draw(st.sampled_from([2, 3, 1, 0])) for _ in range(3))
    batch = draw(st.sampled_from([((2,), ()), ((), (2,)), ((2,), (2,)), ((1,), (2,)), ((), ())]))
    left = draw(st.sampled_from([(*batch[0], n, k), (k,)]))
    right = draw(st.sampled_from([(*batch[1], k, m), (k,)]))
    return np.matmul, draw(distinct(left, right))


@st.composite
def reduction(draw, function, of_nothing=True):
    x = draw(arrays(shapes()))
    axis, keepdims = draw(axes(x.ndim)), draw(st.booleans())
    if not of_nothing:
        assume(0 not in np.take(x.shape, range(x.ndim) if axis is None else axis).reshape(-1))
    return (lambda x: function(x, axis=axis, keepdims=keepdims)), [x]


@st.composite
def structural(draw, name):
    least = {"mT": 2, "swapaxes": 1}.get(name, 0)
    x = draw(arrays(shapes(min_dims=least)))
    axis = st.integers(-x.ndim, x.ndim - 1)
    if name == "reshape":
        known = x.size and x.ndim
        shape = draw(st.sampled_from([x.shape[::-1], (1, *x.shape)] + [(-1,), -1] * bool(known)))
        return (lambda x: np.reshape(x, shape)), [x]
    if name == "expand_dims":
        where = draw(st.integers(-x.ndim - 1, x.ndim) | st.just((0, -1)))
        return (lambda x: np.expand_dims(x, where)), [x]
    if name == "squeeze":
        where = draw(st.sampled_from([None, 0, -1, (0, -1)]))
        return (lambda x: np.squeeze(x, axis=where)), [x.reshape(1, *x.shape, 1)]
    if name in ("broadcast_to", "spread"):
        shape = draw(broadcastable_shapes(x.shape, min_side=0, max_side=3, max_dims=3))
        wide = np.broadcast_shapes(shape, x.shape)
        function = np.broadcast_to if name == "broadcast_to" else spread
        return (lambda x: function(x, wide)), [x]
    if name == "transpose":
        order = draw(st.none() | st.permutations(range(x.ndim)))
        order = order and [a - draw(st.sampled_from([0, x.ndim])) for a in order]
        return (lambda x: np.transpose(x, order)), [x]
    if name == "mT":
        return np.matrix_transpose, [x]
    a, b = draw(axis), draw(axis)
    return (lambda x: np.swapaxes(x, a, b)), [x]


@st.composite
def joined(draw, function):
    shape = draw(shapes(min_dims=1 if function is np.concatenate else 0, max_dims=2))
    extra = function is np.stack
    axis = draw(st.integers(-len(shape) - extra, len(shape) - 1 + extra))
    parts = draw(distinct(shape, shape, shape))
    if function is np.concatenate:
        parts[1] = np.delete(parts[1], 0, axis=axis) if shape[axis] else parts[1]
        axis = draw(st.sampled_from([axis, None]))
    return (lambda *xs: function(list(xs), axis=axis)), parts


@st.composite
def indexed(draw):
    x = draw(arrays(shapes()))
    index = draw(indices(x.shape))
    return (lambda x: x[index]), [x]


@st.composite
def scattered(draw):
    rows = draw(st.lists(st.integers(0, 2), min_size=1, max_size=4))
    g = draw(arrays((len(rows), 2)))
    return (lambda g: scatter(g, (3, 2), np.array(rows))), [g]


@st.composite
def gated(draw):
    g = draw(arrays(shapes()))
    return (lambda g: gate(g, g > 0.5)), [g]


CASES = {
    np.add: binary(np.add),
    np.subtract: binary(np.subtract),
    np.multiply: binary(np.multiply),
    np.divide: binary(np.divide),
    np.power: binary(np.power, positive=True),
    np.maximum: binary(np.maximum),
    np.minimum: binary(np.minimum),
    np.where: choice(),
    np.matmul: products(),
    np.positive: unary(np.positive),
    np.negative: unary(np.negative),
    np.square: unary(np.square),
    np.sqrt: unary(np.sqrt, positive=True),
    np.exp: unary(np.exp),
    np.log: unary(np.log, positive=True),
    np.tanh: unary(np.tanh),
    np.abs: unary(np.abs),
    relu: unary(relu),
    gate: gated(),
    astype: unary(lambda x: astype(x, np.float64)),
    np.sum: reduction(np.sum),
    np.mean: reduction(np.mean, of_nothing=False),
    np.max: reduction(np.max, of_nothing=False),
    np.min: reduction(np.min, of_nothing=False),
    np.reshape: structural("reshape"),
    np.expand_dims: structural("expand_dims"),
    np.squeeze: structural("squeeze"),
    np.broadcast_to: structural("broadcast_to"),
    np.transpose: structural("transpose"),
    spread: structural("spread"),
    np.matrix_transpose: structural("mT"),
    np.swapaxes: structural("swapaxes"),
    concatenate: joined(np.concatenate),
    stack: joined(np.stack),
    getitem: indexed(),
    scatter: scattered(),
}

# For each function a call in which every operand gets a gradient that is nowhere 0.
_RNG = np.random.default_rng(7)
X, Y, ROW = _RNG.uniform(0.5, 2, (3, 3)), _RNG.uniform(2.5, 4, (3, 3)), _RNG.uniform(2.5, 4, 3)
EXAMPLES = {
    **{f: (f, [X, ROW]) for f in (np.add, np.subtract, np.multiply, np.divide, np.power)},
    **{f: (f, [X, 4.5 - ROW]) for f in (np.maximum, np.minimum)},
    **{f: (f, [X]) for f in (np.negative, np.square, np.sqrt, np.exp, np.log, np.tanh, np.abs)},
    **{f: (f, [X]) for f in (relu, np.positive, np.transpose, np.matrix_transpose)},
    **{f: ((lambda x, f=f: f(x, axis=0)), [X]) for f in (np.sum, np.mean, np.max, np.min)},
    **{f: (f, [X, Y]) for f in (concatenate, stack)},
    np.where: (lambda x, y: np.where(np.eye(3) > 0, x, y), [X, Y]),
    np.matmul: (np.matmul, [X, Y]),
    np.reshape: (lambda x: np.reshape(x, 9), [X]),
    np.expand_dims: (lambda x: np.expand_dims(x, 1), [X]),
    np.squeeze: (lambda x: np.squeeze(x), [X[None]]),
    **{f: ((lambda x, f=f: f(x, (2, 3))), [ROW]) for f in (np.broadcast_to, spread)},
    np.swapaxes: (lambda x: np.swapaxes(x, 0, 1), [X]),
    gate: (lambda g: gate(g, X > 0.5), [X]),
    astype: (lambda x: astype(x, np.float64), [X]),
    getitem: (lambda x: x[[2, 0, 2]], [X]),
    scatter: (lambda g: scatter(g, (2, 3), np.array([1, 1, 0])), [X]),
}
FAULTS = {
    "doubled": lambda gradient: 2 * gradient,
    "1.0005 times": lambda gradient: 1.0005 * gradient,
    "negated": lambda gradient: -gradient,
    "zeroed": lambda gradient: 0 * gradient,
}


def name(value):
    return getattr(value, "__name__", value)


def differentiable():
    return {function for function, vjps in RULES.items() if vjps}


@pytest.mark.parametrize("function", CASES, ids=name)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1))
def test_rule_agrees_with_finite_differences(function, data, seed):
    f, arrays = data.draw(CASES[function])
    assert_gradients(f, *arrays, seed=seed)


@pytest.mark.parametrize("function", CASES, ids=name)
def test_property_test_rejects_a_planted_fault(function, monkeypatch):
    def doubled(vjp):
        @functools.wraps(vjp)
        def wrong(*args, **kwargs):
            gradient = vjp(*args, **kwargs)
            return [2 * g for g in gradient] if isinstance(gradient, list) else 2 * gradient

        return wrong

    monkeypatch.setitem(RULES, function, tuple(vjp and doubled(vjp) for vjp in RULES[function]))

    @settings(max_examples=100, phases=[Phase.generate], database=None, derandomize=True)
    @given(data=st.data())
    def property_test(data):
        f, arrays = data.draw(CASES[function])
        assert_gradients(f, *arrays)

    with pytest.raises(AssertionError):
        property_test()


def test_no_rule_goes_unchecked():
    assert set(CASES) == set(EXAMPLES) == differentiable()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("function", EXAMPLES, ids=name)
def test_planted_fault_in_any_rule_is_rejected(function, fault, monkeypatch):
    f, arrays = EXAMPLES[function]
    assert_gradients(f, *arrays)
    spoil = FAULTS[fault]
    for i, vjp in enumerate(RULES[function]):
        if vjp is None:
            continue

        @functools.wraps(vjp)
        def wrong(*args, vjp=vjp, **kwargs):
            gradient = vjp(*args, **kwargs)
            parts = isinstance(gradient, list)
            return [spoil(part) for part in gradient] if parts else spoil(gradient)

        faulty = (*RULES[function][:i], wrong, *RULES[function][i + 1 :])
        with monkeypatch.context() as patch:
            patch.setitem(RULES, function, faulty)
            with pytest.raises(AssertionError):
                assert_gradients(f, *arrays)


def test_two_rules_swapped_are_rejected(monkeypatch):
    for function in (np.subtract, np.divide, np.power, np.multiply):
        f, arrays = function, [X, Y]
        monkeypatch.setitem(RULES, function, RULES[function][::-1])
        with pytest.raises(AssertionError):
            assert_gradients(f, *arrays)


TWO = [f for f, (_, arrays) in EXAMPLES.items() if len(arrays) == 2]


@pytest.mark.parametrize(
    "function", [f for f in TWO if f not in (np.maximum, np.minimum)], ids=name
)
def test_operand_used_twice_receives_both_gradients(function):
    f, _ = EXAMPLES[function]
    assert_gradients(lambda x: f(x, x), X)


@pytest.mark.parametrize("function", EXAMPLES, ids=name)
def test_second_derivative_agrees_with_finite_differences(function):
    f, arrays = EXAMPLES[function]
    rng = np.random.default_rng(3)

    def gradients(*values):  # a smooth function of the first gradients
        tensors = [v if isinstance(v, Tensor) else Tensor(v) for v in values]
        out = np.square(f(*tensors))
        cotangent = np.random.default_rng(1).normal(size=out.shape)
        parts = mb.grad(out, tensors, cotangent, create_graph=True)
        total = sum((part * w).sum() for part, w in zip(parts, weights, strict=True))
        return total if isinstance(values[0], Tensor) else total.data

    weights = [rng.normal(size=a.shape) for a in arrays]
    tensors = [Tensor(a) for a in arrays]
    second = mb.grad(gradients(*tensors), tensors)
    for i, array in enumerate(arrays):
        numeric = mb.testing.numeric_vjp(
            lambda a, i=i: gradients(*arrays[:i], a, *arrays[i + 1 :]), array, 1.0
        )
        np.testing.assert_allclose(second[i], numeric, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("function", EXAMPLES, ids=name)
def test_float32_stays_float32(function):
    f, arrays = EXAMPLES[function]
    if function is astype:
        f = lambda x: x.astype(np.float32)  # noqa: E731
    tensors = [Tensor(a, dtype=np.float32) for a in arrays]
    out = f(*tensors)
    assert out.dtype == np.float32
    steps = list(mb.sweep(out, np.ones(out.shape)))
    assert {step.gradient.dtype for step in steps} == {np.dtype(np.float32)}


def test_astype_brings_the_gradient_back_in_its_own_dtype():
    x = Tensor([1.0, 2.0], dtype=np.float32)
    (x.astype(np.float64) * 3).sum().backward()
    assert x.grad.dtype == np.float32
    assert x.grad.tolist() == [3.0, 3.0]


def test_conventions_at_kinks():
    x = Tensor([0.0, 1.0, 1.0], name="x")
    assert mb.grad(relu(x).sum(), x).tolist() == [0, 1, 1]
    assert mb.grad(np.max(x), x).tolist() == [0, 0.5, 0.5]
    assert mb.grad(np.maximum(x, 1.0).sum(), x).tolist() == [0, 0.5, 0.5]
    assert mb.grad(np.minimum(x, 1.0).sum(), x).tolist() == [1, 0.5, 0.5]
    assert mb.grad(np.abs(x).sum(), x).tolist() == [0, 1, 1]


def test_mixed_second_derivatives_of_power_agree_at_the_exponent_zero():
    x, y = Tensor(2.0), Tensor(0.0)
    by_x = mb.grad(x**y, x, create_graph=True)
    by_y = mb.grad(x**y, y, create_graph=True)
    assert (mb.grad(by_x, y), mb.grad(by_y, x)) == (0.5, 0.5)


def test_power_with_a_boolean_exponent():
    x = Tensor([0.0, -2.0])
    assert mb.grad((x ** np.array([True, False])).sum(), x).tolist() == [1, 0]


def test_infinite_gradient_does_not_pass_where_nothing_flows():
    x = Tensor([-1.0, 1.0])
    for y in (relu(x), np.maximum(x, 0.0)):
        assert mb.grad(y, x, [np.inf, np.inf]).tolist() == [0, np.inf]
    assert mb.grad(np.max(x), x, np.inf).tolist() == [0, np.inf]
    assert mb.grad(np.minimum(x, 0.0), x, [np.inf, np.inf]).tolist() == [np.inf, 0]


def test_exponent_of_zero_to_a_tensor_has_the_gradient_zero():
    y = Tensor([1.0, 2.0])
    assert mb.grad((np.zeros(2) ** y).sum(), y).tolist() == [0, 0]


def test_gradient_flows_through_a_primitive_that_gives_a_number_of_pythons():
    @mb.primitive
    def total(x):
        return float(np.sum(x))

    mb.defvjp(total, lambda g, out, x: g * np.ones(x.shape))
    x = Tensor([1.0, 2.0])
    assert mb.grad(total(x * 3.0) * 2.0, x).tolist() == [6, 6]


def test_functions_without_a_gradient_are_recorded_and_pass_nothing_on():
    x = Tensor([1.5, -0.5])
    for flat in (np.sign, np.floor, np.ceil, stop_gradient):
        y = flat(x)
        assert y.function is flat
        assert mb.grad((y * x).sum(), x).tolist() == y.data.tolist()
    assert (x > 0).data.tolist() == [True, False]
    assert np.logical_not(np.logical_or(np.isnan(x), np.logical_and(x > 0, np.isfinite(x)))).data[1]
    assert np.argmin(x).item() == 1
    assert np.argmax(x).item() == 0
    assert mb.grad(np.where(x > 0, x, 0.0).sum(), x).tolist() == [1, 0]


def test_a_rule_of_ones_own(monkeypatch):
    with pytest.raises(
        errors.RuleError, match=r"np.sinh has no gradient rule; add one with defvjp"
    ):
        np.sinh(Tensor(1.0))
    mb.defvjp(np.sinh, lambda g, out, x: g * np.cosh(x))
    assert_gradients(np.sinh, X)


def test_a_primitive_of_ones_own(monkeypatch):
    @mb.primitive
    def softplus(x):
        return np.logaddexp(0, x)

    mb.defvjp(softplus, lambda g, out, x: g * mb.functional.sigmoid(x))
    assert_gradients(softplus, X)
    assert softplus(X).tolist() == np.logaddexp(0, X).tolist()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda g, out, x: np.sum(g), r"rule of 'custom', operand 0: gradient has shape \(\), its"),
        (lambda g, out, x: g[:1], r"gradient has shape \(1,\), its input \(2,\)"),
        (lambda g, out, x: 1.0, r"gradient has shape \(\), its input \(2,\)"),
        (lambda g, out, x: None, "it returned None"),
    ],
)
def test_a_rule_that_gives_no_gradient_is_named(rule, message, monkeypatch):
    @mb.primitive
    def custom(x):
        return x + 1

    mb.defvjp(custom, rule)
    x = Tensor([1.0, 2.0])
    with pytest.raises(errors.RuleError, match=message):
        custom(x).sum().backward()
    assert x.grad is None


def test_a_rule_that_crashes_is_named(monkeypatch):
    monkeypatch.setitem(RULES, np.exp, (lambda g, out, x: g / None,))
    with pytest.raises(TypeError) as caught:
        np.exp(Tensor(1.0)).backward()
    assert caught.value.__notes__ == ["in the rule of exp, operand 0"]


@pytest.mark.parametrize(
    ("function", "rules", "message"),
    [
        (np.sinh, ["g * cosh(x)"], "each rule is a function or None"),
        (np.sinh, [np.cosh], r"defvjp\(np.sinh, ...\): rules are called as rule\(g, out, x, ...\)"),
        (np.sinh, [lambda g, x: g * np.cosh(x)], r"rules are called as rule\(g, out, x, ...\)"),
        (lambda x: x, [lambda g, out, x: g], r"is never recorded; make it a primitive\(\) first"),
    ],
)
def test_defvjp_refuses_what_could_not_work(function, rules, message):
    with pytest.raises(errors.RuleError, match=message):
        mb.defvjp(function, *rules)
    assert function not in RULES


def test_operand_without_a_rule_is_not_silently_constant(monkeypatch):
    mb.defvjp(np.hypot, lambda g, out, x, y: g * x / out)
    x = Tensor(X)
    assert_gradients(lambda x: np.hypot(x, Y), X)
    with pytest.raises(errors.RuleError, match=r"np.hypot: no rule for operand 1; give defvjp one"):
        np.hypot(x, x)
    mb.defvjp(np.hypot, lambda g, out, x, y: g * x / out, None)
    assert mb.grad(np.hypot(Y, x).sum(), x).tolist() == np.zeros((3, 3)).tolist()


def test_jacobian_returned_for_a_gradient_is_not_taken_for_broadcasting(monkeypatch):
    @mb.primitive
    def softmax(x):
        return np.exp(x) / np.sum(np.exp(x))

    mb.defvjp(softmax, lambda g, out, x: np.diag(out) - np.outer(out, out))
    with pytest.raises(errors.RuleError, match=r"gradient has shape \(3, 3\), its input \(3,\)"):
        softmax(Tensor(ROW)).backward(np.ones(3))


def test_list_of_constants_is_a_constant():
    x = Tensor(ROW)
    assert mb.grad(np.where(ROW > 3, x, [0.0, 0.0, 5.0]).sum(), x).tolist() == (ROW > 3).tolist()
    assert mb.grad(np.concatenate([x, [1.0, 2.0]]).sum(), x).tolist() == [1, 1, 1]


def test_axes_of_transpose_may_be_an_array_or_one_number():
    x = Tensor(X)
    g = np.arange(9.0).reshape(3, 3)
    assert mb.grad(np.transpose(x, np.array([1, 0])), x, g).tolist() == g.T.tolist()
    assert (
        mb.grad(np.transpose(Tensor(ROW) * 1.0, 0).sum(), x).tolist() == np.zeros((3, 3)).tolist()
    )


def test_index_made_of_tensors_is_recorded_without_a_gradient():
    x = Tensor(X)
    chosen = x[x > 1.2].sum() + x[np.argmax(x, axis=0), np.arange(3)].sum()
    expected = np.add(X > 1.2, np.equal(X, X.max(0)), dtype=float)
    assert mb.grad(chosen, x).tolist() == expected.tolist()
