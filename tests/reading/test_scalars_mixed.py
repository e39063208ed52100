"""Scalars beside a 0-d Tensor, a Tensor of an array or an array: values and gradients are right."""

import numpy as np
import pytest
from compositions import CALLS, WHOLE, function_of

import microbn as mb
from microbn import Tensor, scalars
from microbn.engine.composed import COMPOSED
from microbn.engine.functions import stop_gradient
from microbn.engine.node import is_node, plain
from microbn.reading.scalars import values_of
from microbn.testing import numeric_vjp

MASK, ROW = np.array([True, False, True, False]), np.array([1.0, 2.5, 4.0, 0.5])
RISING, HOLES = np.array([-1.0, 0.5, 2.0, 3.5]), np.array([1.0, np.nan, -np.inf, 0.5])
# s is an array that becomes scalars, t a number that becomes a 0-d Tensor.
# fmt: off
BESIDE_A_NUMBER = {
    "np.where, last":          (lambda s, t: np.where(MASK, s, t), ROW),
    "np.where, first":         (lambda s, t: np.where(MASK, t, s), ROW),
    "np.where, condition":     (lambda s, t: np.where(t > 2, s, t * s), ROW),
    "np.select, default":      (lambda s, t: np.select([MASK], [s * s], default=t), ROW),
    "np.select, choice":       (lambda s, t: np.select([MASK, s > 2], [t, s], -1.5), ROW),
    "np.append":               (lambda s, t: np.append(s, t), ROW),
    "np.append, first":        (lambda s, t: np.append(t, s), ROW),
    "np.concatenate":          (lambda s, t: np.concatenate([s, np.reshape(t, 1)]), ROW),
    "np.insert":               (lambda s, t: np.insert(s, 1, t), ROW),
    "np.pad":                  (lambda s, t: np.pad(s, 1, constant_values=t), ROW),
    "np.pad, two values":      (lambda s, t: np.pad(s, (2, 1), constant_values=(t, 0.5)), ROW),
    "np.pad, of a Tensor":     (lambda s, t: np.pad(t * [1, 1], 1, constant_values=s[:2]), ROW),
    "np.nan_to_num":           (lambda s, t: np.nan_to_num(s, nan=t), HOLES[:2]),
    "np.nan_to_num, infinity": (lambda s, t: np.nan_to_num(s, nan=2 * t, neginf=t), HOLES),
    "np.quantile":             (lambda s, t: np.quantile(s, t / 10), ROW),
    "np.percentile":           (lambda s, t: np.percentile(s, 10 * t), ROW),
    "np.interp, x":            (lambda s, t: np.interp(t, s, s * s), RISING),
    "np.interp, fp":           (lambda s, t: np.interp([0.1, 1.0], s, [t, 1, t * t, 2]), RISING),
    "np.interp, left":         (lambda s, t: np.interp([-2.0, 1.0], s, s, left=t), RISING),
    "np.full_like":            (lambda s, t: np.full_like(s, t) * s, ROW),
    "np.full_like, of t":      (lambda s, t: np.full_like(t, s[1]), ROW),
    "np.clip":                 (lambda s, t: np.clip(s, -t, t / 2), ROW),
    "np.var":                  (lambda s, t: np.var(s, mean=t), ROW),
    "np.diff":                 (lambda s, t: np.diff(s, prepend=t), ROW),
    "np.trapezoid":            (lambda s, t: np.trapezoid(s, dx=t), ROW),
    "np.fmax":                 (lambda s, t: np.fmax(s, t), ROW),
    "np.hypot":                (lambda s, t: np.hypot(t, s), ROW),
    "np.take":                 (lambda s, t: t * np.take(s, np.argmax(np.stack([t, 2 * t]))), ROW),
}
# fmt: on


def leaves_of(*given):
    """Return all leaves, those of scalars one by one."""
    rows = [x.ravel().tolist() if isinstance(x, np.ndarray) else [x] for x in given]
    return [leaf for row in rows for leaf in row if is_node(leaf)]


def gradients(roots, leaves, weights):
    """Return the gradients of the weighted sum of several results, in one row."""
    root = sum(np.sum(part * w) for part, w in zip(roots, weights, strict=True))
    if not is_node(root):  # no gradient flows back from a constant
        return np.zeros(sum(leaf.size for leaf in leaves))
    return np.concatenate([np.ravel(part) for part in mb.grad(root, leaves)])


@pytest.mark.parametrize("case", BESIDE_A_NUMBER)
def test_a_tensor_of_one_number_goes_with_scalars_in(case):
    f, values = BESIDE_A_NUMBER[case]
    number, rng = np.array(3.0), np.random.default_rng(8)
    s, t = scalars(values), Tensor(number)
    found, expected = f(s, t), f(values, number)
    np.testing.assert_allclose(values_of(found), expected, rtol=1e-12, atol=0, strict=True)
    g = rng.normal(size=np.shape(expected))
    there = np.isfinite(values)
    by_entry = gradients([found], [*s[there], t], [g])

    def of_finite(entries):
        whole = values.copy()
        whole[there] = entries
        return f(whole, number)

    slopes = (
        numeric_vjp(of_finite, values[there], g),
        numeric_vjp(lambda t: f(values, t), number, g),
    )
    np.testing.assert_allclose(by_entry, np.append(*slopes), rtol=1e-6, atol=1e-8)
    assert by_entry.any()


# NumPy asks these operands only, which are arrays, and never sees that another one is a Tensor.
NOT_ASKED = {(call, 1) for call in CALLS if "np.nanvar(" in call and "mean=mean" in call}
NOT_ASKED |= {("np.polyval([a, b, b], x)", i) for i in (0, 1)} | {("np.polyint(p, 2, q)", 1)}
SEVERAL = [call for call in CALLS if len(function_of(call)[1]) > 1 and call not in WHOLE]
KINDS = {"array": lambda x: x, "Tensor": Tensor, "0-d Tensor": Tensor}


def parts(result):
    return result if isinstance(result, (tuple, list)) else [result]


def takes(f, given):
    """Return whether a function takes these arrays, and gives finite numbers."""
    try:
        f(*map(Tensor, given))
        return all(np.isfinite(part).all() for part in parts(f(*given)))
    except (ValueError, TypeError, IndexError, ZeroDivisionError):
        return False


def mixtures(call, kind):
    """Yield a position and the arrays with which an operand there is scalars, the others a kind."""
    f, arrays = function_of(call)
    for position, one in enumerate(arrays):
        given = [x if x is one or kind != "0-d Tensor" else x.reshape(-1)[0] for x in arrays]
        if kind == "0-d Tensor" and not takes(f, given):
            continue
        if kind != "array" or (call, position) not in NOT_ASKED:
            yield position, given


def check_mixtures(call, kind):
    (f, _), rng = function_of(call), np.random.default_rng(9)
    for position, given in mixtures(call, kind):
        wrap = [scalars if i == position else KINDS[kind] for i in range(len(given))]
        boxes = [of(x) for of, x in zip(wrap, given, strict=True)]
        tensors = [Tensor(x) if of is scalars else of(x) for of, x in zip(wrap, given, strict=True)]
        whole, entries = parts(f(*tensors)), parts(f(*boxes))
        for one, other in zip(entries, whole, strict=True):
            np.testing.assert_allclose(values_of(one), plain(other), 1e-12, 1e-12)
            assert np.shape(one) == np.shape(other)
        weights = [rng.normal(size=np.shape(part)) for part in whole]
        by_entry = gradients(entries, leaves_of(*boxes), weights)
        by_array = gradients(whole, leaves_of(*tensors), weights)
        np.testing.assert_allclose(by_entry, by_array, rtol=1e-10, atol=1e-12)


@pytest.mark.filterwarnings("ignore:.*encountered")  # a number in an array's place divides by 0
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", SEVERAL)
def test_scalars_go_with_other_operands_of_a_composed_function(call, kind):
    check_mixtures(call, kind)


def test_a_composition_that_loses_a_gradient_or_a_value_beside_scalars_is_seen(monkeypatch):
    call, right = "np.hypot(x, y)", COMPOSED[np.hypot]
    for change in (stop_gradient, lambda x: 2 * x):

        def wrong(x, y, change=change):
            return right.function(change(x) if x.dtype == object else x, y)

        monkeypatch.setitem(COMPOSED, np.hypot, right._replace(function=wrong))
        with pytest.raises(AssertionError):
            check_mixtures(call, "Tensor")


def test_a_plain_array_of_objects_goes_with_tensors_as_scalars_do():
    s, t = scalars([1.0, 2.0]).view(np.ndarray), Tensor(3.0)
    for result in (np.where([True, False], s, t), np.append(s[:1], t)):
        assert [x.item() for x in result] == [1, 3]
        assert mb.grad(np.sum(result * result), [*s, t]) == (2, 0, 6)
