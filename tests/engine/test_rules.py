"""Every rule of the calculus against finite differences; every check shown to fail."""

import functools
import inspect

import numpy as np
import pytest
from examples import CASES, EXAMPLES, LARGE, ROW, X, Y, name
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import microbn as mb
from microbn import Tensor, errors, grad
from microbn.engine.functions import astype, eigenvectors, relu, stop_gradient
from microbn.engine.primitive import RULES
from microbn.testing import assert_gradients


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


VECTORS = [((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((3,), (4, 3, 2)), ((4, 2, 3), (3,))]
STACKS = [((2, 3), (4, 3, 2)), ((4, 2, 3), (3, 2)), ((1, 2, 3), (4, 3, 2))]


@pytest.mark.parametrize(("left", "right"), VECTORS + STACKS, ids=str)
def test_product_of_vectors_matrices_and_stacks(left, right):
    rng = np.random.default_rng(0)
    assert_gradients(np.matmul, rng.normal(size=left), rng.normal(size=right), order=2)


def test_no_rule_goes_unchecked():
    assert set(CASES) == set(EXAMPLES) == differentiable()


TWO = [f for f, (_, arrays) in EXAMPLES.items() if len(arrays) == 2]


@pytest.mark.parametrize(
    "function", [f for f in TWO if f not in (np.maximum, np.minimum, np.remainder)], ids=name
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


@pytest.mark.parametrize("data", [[1.0, 2.0], 1.0], ids=str)
@pytest.mark.parametrize(("own", "other"), [(np.float32, np.float64), (np.float64, np.float32)])
def test_astype_brings_the_gradient_back_in_its_own_dtype(own, other, data):
    x = Tensor(data, dtype=own)
    (x.astype(other) * 3).sum().backward()
    assert x.grad.dtype == own
    assert (x.grad == 3).all()


def test_conventions_at_kinks():
    x = Tensor([0.0, 1.0, 1.0], name="x")
    assert mb.grad(relu(x).sum(), x).tolist() == [0, 1, 1]
    assert mb.grad(np.max(x), x).tolist() == [0, 0.5, 0.5]
    assert mb.grad(np.maximum(x, 1.0).sum(), x).tolist() == [0, 0.5, 0.5]
    assert mb.grad(np.minimum(x, 1.0).sum(), x).tolist() == [1, 0.5, 0.5]
    assert mb.grad(np.abs(x).sum(), x).tolist() == [0, 1, 1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_flows_through_relu_where_its_operand_is_not_above_zero(dtype):
    x = Tensor([np.nan, -np.inf, -1.0, -0.0, 0.0, 5e-324, np.inf], dtype=dtype)
    g = np.random.default_rng(0).normal(size=7).astype(dtype)
    given = mb.grad(relu(x), x, g)
    assert given.tolist() == np.where(x.data > 0, g, 0).tolist()
    again = mb.grad(relu(x), x, g, create_graph=True)
    assert again.data.tolist() == given.tolist()


def test_tie_of_maximum_and_minimum_is_halved_for_either_operand():
    x, y, g = Tensor([0.0, 1.0, 2.0]), Tensor([1.0, 1.0, 1.0]), [3.0, 5.0, 7.0]
    low, high = [3, 2.5, 0], [0, 2.5, 7]  # of x where it is the smaller, where it is the larger
    assert [part.tolist() for part in mb.grad(np.maximum(x, y), [x, y], g)] == [high, low]
    assert [part.tolist() for part in mb.grad(np.minimum(x, y), [x, y], g)] == [low, high]


def test_arctan2_has_the_gradient_zero_at_the_origin():
    y, x, g = Tensor([0.0, 1.0, 0.0, 3.0]), Tensor([0.0, 0.0, -2.0, 4.0]), [7.0, 3.0, 5.0, 25.0]
    dy, dx = mb.grad(np.arctan2(y, x), [y, x], g, create_graph=True)
    assert dy.data.tolist() == [0, 0, -2.5, 4]  # g · x / (x² + y²)
    assert dx.data.tolist() == [0, -3, 0, -3]  # -g · y / (x² + y²)
    second = mb.grad(dy, [y, x], np.ones(4))
    assert [part[0] for part in second] == [0, 0]


def test_logaddexp_of_nothing_and_nothing_shares_the_gradient_equally():
    x, y, g = (
        Tensor([-np.inf, -np.inf, 0.0, 1.0]),
        Tensor([-np.inf, 2.0, -np.inf, 1.0]),
        np.arange(4),
    )
    dx, dy = mb.grad(np.logaddexp(x, y), [x, y], 1.0 + g, create_graph=True)
    assert np.allclose(dx.data, [0.5, 0, 3, 2], rtol=1e-15)
    assert np.allclose(dy.data, [0.5, 2, 0, 2], rtol=1e-15)
    second = mb.grad(dx, [x, y], np.ones(4))
    assert np.allclose(second, [[0, 0, 0, 1], [0, 0, 0, -1]], atol=1e-15)


@pytest.mark.parametrize("function", [np.logaddexp, np.logaddexp2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_operands_of_logaddexp_share_by_their_difference_however_large_they_are(
    function, dtype
):
    base = np.log(2) if function is np.logaddexp2 else 1.0
    for large in (0.0, 1e4, -1e7, 1e8, -1e8):
        gaps = np.spacing(dtype(max(abs(large), 1))) * np.array([0, 1, -3, 2])
        x = Tensor(np.full(4, large, dtype))
        y = Tensor((x.data + gaps).astype(dtype))
        g = np.random.default_rng(7).normal(size=4).astype(dtype)
        ratio = np.exp(base * (y.data.astype(float) - x.data))
        for whole in (False, True):
            found = mb.grad(function(x, y), [x, y], g, create_graph=whole)
            dx, dy = (part.data if whole else part for part in found)
            assert dx.dtype == dtype
            np.testing.assert_allclose(dx, g / (1 + ratio), rtol=4e-6)
            np.testing.assert_allclose(dy, g * ratio / (1 + ratio), rtol=4e-6)
        second = mb.grad(found[0], [x, y], np.ones(4))
        bend = base * g * ratio / (1 + ratio) ** 2
        np.testing.assert_allclose(second, [bend, -bend], rtol=1e-5)


def test_logaddexp_of_something_and_an_infinity_gives_all_to_the_larger():
    x = Tensor([np.inf, np.inf, 1.0, -np.inf, 800.0, -800.0])
    y = Tensor([1.0, -np.inf, np.inf, 1.0, -800.0, 800.0])
    g = np.random.default_rng(7).normal(size=6)
    for function in (np.logaddexp, np.logaddexp2):
        dx, dy = mb.grad(function(x, y), [x, y], g)
        assert dx.tolist() == (g * [1, 1, 0, 0, 1, 0]).tolist()
        assert dy.tolist() == (g * [0, 0, 1, 1, 0, 1]).tolist()


def test_a_sum_of_no_dimension_and_of_all_entries_runs_up():
    assert mb.grad(np.cumsum(x := Tensor(2.0)), x, [3.0]) == 3
    x = Tensor(X[:2, :2])
    assert mb.grad(np.cumsum(x), x, [1.0, 10, 100, 1000]).tolist() == [[1111, 1110], [1100, 1000]]


def test_the_gradient_of_a_symmetric_matrix_lies_in_the_triangle_that_numpy_reads():
    x = Tensor(LARGE)
    for function in (np.linalg.cholesky, np.linalg.eigvalsh, eigenvectors):
        out = function(x)
        gradient = mb.grad(out, x, np.random.default_rng(0).normal(size=out.shape))
        assert np.array_equal(gradient, np.tril(gradient))
        assert np.all(gradient[np.tril_indices(3)] != 0)


LISTS = {
    "solve": lambda x: np.linalg.solve(x, [1.0, -2.0, 3.0]),
    "solve, for a tuple of rows": lambda x: np.linalg.solve(x, ((1.0, 2), (0, 1), (3, 1))),
    "solve, of a list": lambda x: np.linalg.solve([[2, 1, 0], [0, 3, 1], [1, 0, 4]], x),
    "solve, of a list and a vector": lambda x: np.linalg.solve(
        [[2, 1, 0], [0, 3, 1], [1, 0, 4]], x[0]
    ),
    "solve, of a stack": lambda x: np.linalg.solve(np.stack([x, x.mT + 1]), [1.0, -2.0, 3.0]),
    "matmul": lambda x: np.matmul([1.0, 2.0, 3.0], x) @ [[1.0], [2.0], [-1.0]],
    "where": lambda x: np.where([True, False, True], x, [1.0, 2.0, 3.0]),
    "power": lambda x: np.power(x, [1, 2, 3]) * np.power([1, 2, 3], x),
    "concatenate": lambda x: np.concatenate([x, [[1.0, 2.0, 3.0]]]),
    "stack": lambda x: np.stack([x[0], [1.0, 2.0, 3.0]]),
    "an index": lambda x: x[[0, 2, 0]],
}


@pytest.mark.parametrize("f", LISTS.values(), ids=LISTS)
def test_a_list_is_an_operand_like_an_array(f):
    x = np.random.default_rng(4).uniform(0.5, 2, (3, 3)) + 3 * np.eye(3)
    assert_gradients(f, x, order=2)
    g = np.random.default_rng(5).normal(size=f(x).shape)
    value, (slope,) = mb.compile(f, Tensor(x), cotangent=g)(x, g)
    np.testing.assert_allclose(value, f(x), rtol=1e-13)
    np.testing.assert_allclose(slope, mb.grad(f(t := Tensor(x)), t, g), rtol=1e-12)


def test_a_matrix_that_numpy_repeats_for_a_stack_of_others_gets_the_sum():
    rng = np.random.default_rng(2)
    b = rng.normal(size=(4, 3, 5))
    assert_gradients(np.linalg.solve, LARGE, b, order=2)
    assert_gradients(np.linalg.solve, LARGE[None], b)
    assert_gradients(np.linalg.solve, LARGE + rng.normal(size=(4, 1, 1)), ROW, order=2)
    x, g = Tensor(LARGE), rng.normal(size=b.shape)
    single = [mb.grad(np.linalg.solve(x, one), x, part) for one, part in zip(b, g, strict=True)]
    np.testing.assert_allclose(mb.grad(np.linalg.solve(x, b), x, g), sum(single), rtol=1e-12)


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


def test_a_rule_of_ones_own():
    @mb.primitive
    def softplus(x):
        return np.logaddexp(0, x)

    with pytest.raises(
        errors.RuleError, match=r"softplus has no gradient rule; add one with defvjp"
    ):
        softplus(Tensor(1.0))
    mb.defvjp(softplus, lambda g, out, x: g * mb.functional.sigmoid(x))
    assert_gradients(softplus, X)
    assert softplus(X).tolist() == np.logaddexp(0, X).tolist()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda g, out, x: np.sum(g), r"rule of 'custom', operand 0: gradient has shape \(\), its"),
        (lambda g, out, x: g[:1], r"gradient has shape \(1,\), its input \(2,\)"),
        (lambda g, out, x: 1.0, r"gradient has shape \(\), its input \(2,\)"),
        (lambda g, out, x: g[None], r"gradient has shape \(1, 2\), its input \(2,\)"),
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


def test_a_rule_of_a_ufunc_that_gives_too_few_axes_is_named(monkeypatch):
    monkeypatch.setitem(RULES, np.exp, (lambda g, out, x: np.sum(g),))
    with pytest.raises(errors.RuleError, match=r"'exp', .*gradient has shape \(\), its"):
        np.exp(Tensor([1.0, 2.0])).sum().backward()


def test_a_rule_that_crashes_is_named(monkeypatch):
    monkeypatch.setitem(RULES, np.exp, (lambda g, out, x: g / None,))
    with pytest.raises(TypeError) as caught:
        np.exp(Tensor(1.0)).backward()
    assert caught.value.__notes__ == ["in the rule of exp, operand 0"]


@pytest.mark.parametrize(
    ("function", "rules", "message"),
    [
        (np.sinc, ["g * cosh(x)"], "each rule is a function or None"),
        (np.sinc, [np.cosh], r"defvjp\(np.sinc, ...\): rules are called as rule\(g, out, x, ...\)"),
        (np.sinc, [dict], r"defvjp\(np.sinc, ...\): rules are called as rule\(g, out, x, ...\)"),
        (np.sinc, [lambda g, x: g * np.cosh(x)], r"rules are called as rule\(g, out, x, ...\)"),
        (lambda x: x, [lambda g, out, x: g], r"is never recorded; make it a primitive\(\) first"),
    ],
)
def test_defvjp_refuses_what_could_not_work(function, rules, message):
    with pytest.raises(errors.RuleError, match=message):
        mb.defvjp(function, *rules)
    assert function not in RULES


def test_operand_without_a_rule_is_not_silently_constant():
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


def test_an_operand_that_only_the_star_of_a_function_takes_is_refused():
    weighted = mb.primitive(lambda x, *w: x * sum(w))
    mb.defvjp(weighted, lambda g, out, x, *w: g * sum(w))
    with pytest.raises(errors.RuleError, match="no rule for operand 1"):
        weighted(Tensor(1.0), Tensor(2.0))
    x = Tensor([1.0, 3.0])
    assert grad(x[x.argmax()], x).tolist() == [0, 1]  # nothing can flow into an index


def test_an_operand_that_is_left_out_needs_no_rule():
    scaled = mb.primitive(lambda x, y=2.0: x * y)
    mb.defvjp(scaled, lambda g, out, x, y=2.0: g * y, lambda g, out, x, y=2.0: g * x)
    assert grad(scaled(Tensor(1.0)), x := Tensor(1.0)) == 0
    assert grad(scaled(x), x) == 2


def own_keywords(function):
    """Return the keywords that a function takes; a ufunc's own are never recorded."""
    named = {} if isinstance(function, np.ufunc) else inspect.signature(function).parameters
    return {*named} - {"out", "where"}


@pytest.mark.parametrize(
    ("function", "key"),
    [
        (function, key)
        for function, vjps in RULES.items()
        for key in ("axis", "decimals", "rtol", "where", "dim")
        if not vjps and key not in own_keywords(function)
    ],
    ids=name,
)
def test_a_function_without_a_gradient_names_a_keyword_that_it_does_not_take(function, key):
    count = getattr(function, "nin", 2 if {"b", "kth", "v", "a2"} & own_keywords(function) else 1)
    with pytest.raises(TypeError, match=rf"{function.__name__}.*\b{key}\b"):
        function(*[Tensor(ROW)] * count, **{key: None})


def test_methods_and_primitives_without_a_gradient_name_such_a_keyword_too():
    above = mb.primitive(lambda x, threshold=0.0: x > threshold)
    mb.defvjp(above)
    x = Tensor([1.0, 2.0])
    assert above(x, threshold=1.5).data.tolist() == [False, True]
    for call, key in ((above, "axis"), (above, "dim"), (Tensor.argmax, "decimals")):
        with pytest.raises(errors.RuleError, match=f": {key}= cannot be recorded, as it takes no"):
            call(x, **{key: 0})


def test_every_rule_is_looked_at():
    function = mb.primitive(lambda x, y: x * y)
    with pytest.raises(errors.RuleError, match=r"called as rule\(g, out, x, ...\)"):
        mb.defvjp(function, lambda g, out, x, y: g * y, lambda g: g)
    several = mb.primitive(lambda *xs: sum(xs))
    with pytest.raises(errors.RuleError, match="the one rule for any number of operands"):
        mb.defvjp(several, None, lambda g, out, *xs, position: g)


def test_an_operand_may_be_called_position():
    moved = mb.primitive(lambda x, position=0: x + position)
    mb.defvjp(moved, lambda g, out, x, position=0: g)
    assert grad(moved(x := Tensor(1.0), 3), x) == 1


def test_a_rule_that_returns_a_tensor_for_arrays_is_named():
    w, function = Tensor(3.0), mb.primitive(lambda x: 3 * x)
    mb.defvjp(function, lambda g, out, x: g * w)
    with pytest.raises(errors.RuleError, match="operand 0: it returned a Tensor"):
        function(Tensor(1.0)).backward()


def test_an_error_in_a_users_function_keeps_its_line():
    broken = mb.primitive(lambda x: x * [][5])
    mb.defvjp(broken, lambda g, out, x: g)
    with pytest.raises(errors.RangeError) as caught:
        broken(Tensor(1.0))
    assert isinstance(caught.value.__cause__, IndexError)


def test_a_function_that_gives_a_masked_array_is_refused():
    masked = mb.primitive(lambda x: np.ma.masked_array(x, [True, False]))
    mb.defvjp(masked, lambda g, out, x: g)
    with pytest.raises(errors.DTypeError, match="carries more than numbers"):
        masked(Tensor([1.0, 2.0]))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint64", "int8"])
def test_an_exponent_of_any_integer_type_has_the_slope_of_the_same_float(dtype):
    exponents = np.array([0, 1, 3, np.iinfo(dtype).min], dtype)
    cotangent = np.random.default_rng(0).normal(size=4)
    slopes = []
    for y in (exponents, exponents.astype(float)):
        x = Tensor([1000.0, 2.0, 3.0, 1.5])
        slopes.append(mb.grad(np.power(x, y), x, cotangent))
    assert np.allclose(*slopes, rtol=1e-12, atol=0)


def test_an_entrywise_function_of_several_operands_is_called_entry_by_entry():
    scaled = mb.primitive(lambda x, by, shift=0.0: x * by + shift, entrywise=True)
    mb.defvjp(
        scaled, lambda g, out, x, by, shift=0.0: g * by, lambda g, out, x, by, shift=0.0: g * x
    )
    x, by = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    xs, bys = mb.scalars(x, "x"), mb.scalars(by, "by")
    for result in scaled(xs, bys), scaled(x, bys), scaled(xs, 3.0), scaled(xs, bys, shift=1.0):
        assert all(isinstance(entry, Tensor) for entry in result)
    assert [entry.item() for entry in scaled(xs, bys, shift=1.0)] == [4.0, 9.0]
    dx, dby = mb.grad(scaled(xs, bys)[1], [xs[1], bys[1]], 0.7)
    assert np.allclose([dx, dby], [0.7 * 4.0, 0.7 * 2.0])


def test_a_rule_that_gives_a_constant_is_recorded_as_any_other():
    tripled = mb.primitive(lambda x: 3.0 * x)
    mb.defvjp(tripled, lambda g, out, x: np.full(np.shape(x), 3.0))
    x = Tensor([1.0, 2.0], "x")
    inner = tripled(np.square(x))
    mb.label({"inner": inner})  # a gradient with a name
    first = mb.grad(np.sum(tripled(inner)), x, create_graph=True)
    assert isinstance(first, Tensor)
    assert first.data.tolist() == [6.0, 12.0]
    v = np.random.default_rng(0).normal(size=2)
    assert np.allclose(mb.grad(first, x, v), 6.0 * v)


@pytest.mark.parametrize("base", [np.uint8(3), np.array([2, 3], "uint8"), np.int16(3), 2**70])
def test_slope_of_an_exponent_is_exact_for_any_integer_base(base):
    y, dy = Tensor([0.5, 1.5]), np.random.default_rng(0).normal(size=2)
    there = np.asarray(base, float)
    assert np.allclose(grad(base**y, y, dy), dy * there**y.data * np.log(there), rtol=1e-14)
