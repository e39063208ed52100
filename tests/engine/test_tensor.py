"""Tensor: what is copied, what is frozen, what is recorded; what is refused, and how."""

import copy
import pickle

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors
from microbn.engine import tensor
from microbn.engine.composed.refused import INSTEAD
from microbn.engine.functions import stop_gradient


def test_leaf_copies_its_data():
    array = np.array([1.0, 2.0])
    x = Tensor(array)
    array[0] = 9.0
    assert x.data.tolist() == [1, 2]


def test_constants_are_copied_when_they_are_recorded():
    x, mask, index = Tensor([1.0, 2.0]), np.array([3.0, 4.0]), np.array([1])
    y = (x * mask).sum() + x[index].sum() + x[(index,)].sum()
    mask[:], index[:] = 0.0, 0
    assert mb.grad(y, x).tolist() == [3, 6]


def test_views_of_what_may_still_change_are_copied():
    signal, x = np.arange(6.0), Tensor([1.0, 2.0, 3.0])
    windows = np.lib.stride_tricks.sliding_window_view(signal, 3)
    y = np.sum(windows @ x) + np.sum(np.broadcast_to(signal[:3], (2, 3)) * x)
    view = signal[:3]
    frozen = signal[3:].copy()
    alias = frozen[:]
    frozen.flags.writeable = False
    y = y + np.sum(x * frozen)
    signal[:] = view[:] = alias[:] = 0.0
    assert mb.grad(y, x).tolist() == [6 + 3, 12 + 4, 18 + 5]


def test_data_cannot_be_written_into():
    x = Tensor([1.0, 2.0])
    for made in (x, x * 2, x.sum()):
        with pytest.raises(errors.GraphError, match=r"t.data is read-only.* p.data = ..."):
            made.data[0] = 5.0
    copied = x.data.copy()
    copied[0] = 5.0
    with pytest.raises(ValueError, match="read-only"):
        x.value[0] = 5.0


def test_data_is_rebound_by_an_augmented_assignment():
    for start in (2.0, [2.0, 4.0]):
        p = Tensor(start)
        old = p.data
        p.data -= 0.5 * np.asarray(start)
        p.data *= 2.0
        p.data += 1.0
        p.data /= 1.0
        assert np.array_equal(p.data, np.asarray(start) + 1)
        assert np.array_equal(old, start)


def test_results_of_data_are_plain_arrays():
    x = Tensor([1.0, 2.0])
    assert isinstance(x.data, np.ndarray)
    assert type(x.data * 2) is np.ndarray
    assert type(x.data.sum()) is np.float64


def test_replacing_a_parameter_cannot_falsify_an_older_graph():
    w = Tensor([1.0, 2.0])
    y = (w * w).sum()
    w.data -= 10.0
    y.backward()
    assert w.grad.tolist() == [2, 4]


def test_replaced_data_keeps_shape_and_dtype():
    w = Tensor([1.0, 2.0], dtype=np.float32)
    w.data = np.array([3.0, 4.0])
    assert w.dtype == np.float32
    with pytest.raises(errors.ShapeError, match=r"new data has shape \(3,\), the Tensor \(2,\)"):
        w.data = [1.0, 2.0, 3.0]
    with pytest.raises(errors.GraphError, match="multiply was computed"):
        (w * 2).data = [1.0, 2.0]
    assert w.data.tolist() == [3, 4]


def test_python_numbers_never_widen():
    x = Tensor([1.0, 2.0], dtype=np.float32)
    scalar = Tensor(1.0, dtype=np.float32)
    for t in (x, scalar):
        for y in (t * 2, 2 * t, t + 1.5, 1.5 - t, t / 3, 1 / t, t**2, t**0.5, -t, abs(t)):
            assert y.dtype == np.float32


def test_array_and_tensor_meet_either_way_round():
    x, a = Tensor([1.0, 2.0]), np.array([3.0, 5.0])
    cases = {
        (x + a, a + x): [4, 7],
        (x * a, a * x): [3, 10],
        (x - a,): [-2, -3],
        (a - x,): [2, 3],
        (a / x,): [3, 2.5],
        (x @ a, a @ x): 13,
        (x * [3.0, 5.0], [3.0, 5.0] * x): [3, 10],
        (np.float64(2) * x, x * np.float64(2)): [2, 4],
        (a**x,): [3, 25],
    }
    for results, expected in cases.items():
        for result in results:
            assert isinstance(result, Tensor)
            assert result.data.tolist() == expected


def test_primitives_take_the_data_of_a_tensor_and_masked_arrays():
    x = Tensor([-1.0, 1.0])
    for given in (x.data, np.ma.array([-1.0, 1.0])):
        assert np.asarray(mb.functional.relu(given)).tolist() == [0, 1]
        assert np.asarray(stop_gradient(given)).tolist() == [-1, 1]
        assert np.asarray(mb.nn.ReLU()(given)).tolist() == [0, 1]


@pytest.mark.bits
def test_powers_are_those_of_numpys_operator_or_function_whichever_is_written():
    base = np.float64(-np.inf)
    with np.errstate(invalid="ignore"):
        for mine, theirs in (
            (Tensor(base) ** 0.5, base**0.5),
            (np.power(Tensor(base), 0.5), np.power(base, 0.5)),
        ):
            assert mine.value.tobytes() == theirs.tobytes()


def test_masks_are_combined_by_their_operators_without_a_gradient():
    x = Tensor([1.0, 5.0, -2.0])
    low, high = x > 0, x < 4
    assert (~low).data.tolist() == [False, False, True]
    assert (low & high).data.tolist() == [True, False, False]
    assert (low | high).data.tolist() == [True, True, True]
    assert (low ^ high).data.tolist() == [False, True, True]
    assert (np.array([True, True, False]) & high).data.tolist() == [True, False, False]
    assert mb.grad((x * (low & high).astype(float)).sum(), x).tolist() == [1, 0, 0]
    with pytest.raises(errors.DTypeError, match="invert"):
        np.invert(x)


def test_a_quotient_that_is_rounded_down_passes_nothing_on():
    x = Tensor([5.0, -3.0])
    for quotient, expected in ((x // 2, [2, -2]), (7 // x, [1, -3]), (x // x, [1, 1])):
        assert quotient.data.tolist() == expected
        assert mb.grad((quotient * x).sum(), x).tolist() == expected


def test_a_comparison_without_parentheses_is_told_to_have_them():
    x = Tensor([1.0, 2.0])
    with pytest.raises(errors.DTypeError, match=r"parentheses: \(x > 1\) & \(x < 3\)"):
        x > 1 & x < 3  # noqa: B015


@pytest.mark.parametrize("code", ["x %= 1.0", "x //= 2"])
def test_a_leaf_is_not_replaced_by_its_remainder(code):
    with pytest.raises(errors.GraphError, match=r"p\.data -= "):
        exec(code, {"x": Tensor([1.0, 2.0])})


def test_a_remainder_passes_on_what_its_quotient_leaves():
    x, y, g = Tensor([5.0, -3.0]), Tensor([2.0, 2.0]), [7.0, 3.0]
    assert (x % y).data.tolist() == [1, 1]
    dx, dy = mb.grad(x % y, [x, y], g)
    assert (dx.tolist(), dy.tolist()) == ([7, 3], [-14, 6])  # -g · (x // y) for y
    assert mb.grad(x % 2, x, g).tolist() == [7, 3]
    assert (7 % x).data.tolist() == [2, -2]
    assert mb.grad(7 % x, x, g).tolist() == [-7, 9]
    for quotient, rest in (divmod(x, y), divmod(x, 2.0), divmod(x, [2.0, 2.0])):
        assert (quotient.data.tolist(), rest.data.tolist()) == ([2, -2], [1, 1])
        assert mb.grad(quotient + rest, x, g).tolist() == [7, 3]
    quotient, rest = divmod(7, x)
    assert (quotient.data.tolist(), rest.data.tolist()) == ([1, -3], [2, -2])
    assert mb.grad(rest, x, g).tolist() == [-7, 9]


def test_methods_that_choose_entries_give_their_gradient_back():
    x, g = Tensor([[1.0, 2.0], [4.0, 9.0]]), [7.0, 3.0]
    calls = {
        x.compress([False, True]): [[0, 7], [0, 0]],
        x.compress([False, True], axis=0): [[0, 0], [7, 3]],
        x.compress([False, True], 1): [[0, 7], [0, 3]],
        x.diagonal(): [[7, 0], [0, 3]],
        x.ravel()[1:3]: [[0, 7], [3, 0]],
        x.flatten()[::3]: [[7, 0], [0, 3]],
        x.take([3, 3]): [[0, 0], [0, 10]],
        x.repeat(2)[3:5]: [[0, 7], [3, 0]],
        x.clip(2.0, 4.0)[1]: [[0, 0], [3.5, 0]],
        x.prod(axis=0): [[28, 27], [7, 6]],
        x.cumprod(axis=0)[1]: [[28, 27], [7, 6]],
        x.dot([1.0, 2.0]): [[7, 14], [3, 6]],
    }
    for out, expected in calls.items():
        given = np.reshape(g[: out.size], out.shape)
        assert mb.grad(out, x, given).tolist() == expected
    assert mb.grad(x.trace(), x).tolist() == [[1, 0], [0, 1]]


def test_variance_and_running_sum_are_methods():
    x, g = Tensor([[1.0, 2.0], [4.0, 9.0]]), [7.0, 3.0]
    assert x.var().data == 9.5
    assert x.var(axis=0, ddof=1).data.tolist() == [4.5, 24.5]
    assert mb.grad(x.var(axis=0), x, g).tolist() == [[-10.5, -10.5], [10.5, 10.5]]
    assert x.std(axis=0).data.tolist() == [1.5, 3.5]
    assert x.cumsum(axis=1).data.tolist() == [[1, 3], [4, 13]]
    assert mb.grad(x.cumsum(0)[0], x, g).tolist() == [[7, 3], [0, 0]]


@pytest.mark.bits
def test_functions_and_methods_record_the_same_call():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    pairs = [
        (np.mean(x, axis=0), x.mean(axis=0)),
        (np.max(x, axis=1, keepdims=True), x.max(axis=1, keepdims=True)),
        (np.exp(x), x.exp()),
        (np.sqrt(x), x.sqrt()),
        (np.cumsum(x, axis=1), x.cumsum(axis=1)),
        (np.argsort(x), x.argsort()),
        (np.floor_divide(x, 2.0), x // 2.0),
        (np.reshape(x, (4,)), x.reshape(4)),
        (np.reshape(x, (1, 4)), x.reshape(1, 4)),
        (np.transpose(x), x.T),
        (np.transpose(x, (1, 0)), x.transpose(1, 0)),
        (np.matrix_transpose(x), x.mT),
        (np.multiply(x, x), x * x),
        (np.abs(x), abs(x)),
        (np.matmul(x, x), x @ x),
        (np.greater(x, 2.0), x > 2.0),
        (np.equal(x, 2.0), x == 2.0),
    ]
    for one, other in pairs:
        assert one.function is other.function
        assert np.array_equal(one.data, other.data)


def test_shape_questions_are_answered_without_recording():
    x = Tensor([[1.0, 2.0, 3.0]])
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((1, 3), 2, 3)
    assert type(np.zeros_like(x)) is np.ndarray
    assert np.shape(a=x) == (1, 3)


def test_zero_d_tensor_is_a_scalar():
    x = Tensor(3.0)
    assert (x.shape, x.item(), f"{x:.1f}") == ((), 3.0, "3.0")
    assert bool(x > 2)
    with pytest.raises(TypeError, match="0-d tensor has no length"):
        len(x)
    with pytest.raises(TypeError, match="0-d tensor has no length"):
        list(x)


def test_iterating_gives_recorded_entries():
    x = Tensor([1.0, 2.0])
    first, second = x
    (first * second).backward()
    assert x.grad.tolist() == [2, 1]


def test_object_array_of_scalars_meets_a_tensor():
    entries = np.empty(2, object)
    entries[0], entries[1] = Tensor(1.0), Tensor(2.0)
    weight = Tensor(3.0)
    for result in (entries * weight, weight * entries, np.exp(entries) * 0 + weight * entries):
        assert [entry.item() for entry in result] == [3, 6]
    total = np.sum(np.tanh(entries) * weight)
    total.backward()
    assert weight.grad == pytest.approx(np.tanh(1.0) + np.tanh(2.0))


def test_functions_of_scalars_keep_to_the_conventions():
    for f, expected in ((mb.functional.relu, [0, 0, 1]), (stop_gradient, [0, 0, 0])):
        entries = np.empty(3, object)
        for i, value in enumerate((-1.0, 0.0, 1.0)):
            entries[i] = Tensor(value)
        np.sum(f(entries) + 0 * entries).backward()
        assert [entry.grad for entry in entries] == expected


def test_names_and_labels():
    x, given = Tensor(1.0), Tensor(1.0, name="given")
    y = x * 2.0
    mb.label({"x": x, "y": y, "other": given, "number": 3.0})
    assert (x.name, y.name, given.name) == ("x", "y", "given")


def test_scopes_nest_and_end():
    x = Tensor(1.0)
    with mb.scope("net"), mb.scope("layer"):
        inside = x * 2.0
    assert inside.scope == ("net", "layer")
    assert (x * 2.0).scope == ()

    @mb.scope("inner")
    def double():
        return x * 2.0

    with mb.scope("outer"):
        assert double().scope == ("outer", "inner")


def test_no_grad_computes_constants_and_ends_after_an_exception():
    x = Tensor([1.0, 2.0])
    made = []
    with pytest.raises(ZeroDivisionError), mb.no_grad():
        made.append(x * 2.0) or 1 / 0
    assert made[0].function is stop_gradient
    assert (x * 2.0).function is np.multiply

    @mb.no_grad()
    def predict():
        return x * 2.0

    assert predict().function is predict().function is stop_gradient


def test_backward_under_no_grad_says_why_nothing_was_recorded():
    with mb.no_grad():
        y = Tensor(1.0) * 2.0
    with pytest.raises(errors.GraphError, match=r"made outside no_grad\(\)"):
        y.backward()


def test_leaf_is_copied_and_pickled_and_a_result_says_why_not():
    x = Tensor([1.0, 2.0], name="x", dtype=np.float32)
    for twin in (copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert (twin.data.tolist(), twin.name, twin.dtype) == ([1, 2], "x", np.float32)
        assert twin.number != x.number
    with mb.no_grad():
        assert copy.copy(x * 2.0).data.tolist() == [2, 4]
    with pytest.raises(errors.GraphError, match="multiply has a history"):
        copy.copy(x * 2.0)


def test_number_is_formatted_as_one():
    loss = Tensor(0.12345) * 1.0
    assert f"{loss:.3f}" == "0.123"
    assert f"{loss}" == repr(loss)


def test_a_gradient_can_be_replaced_and_has_the_dtype_of_its_tensor():
    x = Tensor(np.ones(2, np.float32))
    x.grad = [1, 2]
    assert (x.grad.dtype, x.grad.tolist()) == (np.float32, [1, 2])
    mine = np.ones(2, np.float32)
    x.grad = mine
    x.grad *= 3
    assert x.grad is mine
    x.grad = None
    assert x.grad is None


def test_what_completion_offers_is_there():
    offered = dir(M)
    assert {"argmax", "mean", "data", "grad", "name"} <= {*offered}
    assert all(hasattr(M, name) for name in offered)
    assert {"var", "std", "clip", "cumsum", "ravel", "argsort"} <= {*offered}
    assert not {"sort", "detach", "relu"} & {*offered}


def test_argmax_and_argmin_are_methods_too():
    x = Tensor([[1.0, 5.0, 2.0], [4.0, 0.0, 3.0]])
    assert x.argmax().item() == 1
    assert x.argmax(axis=1).data.tolist() == [1, 0]
    assert x.argmin(axis=0, keepdims=True).data.tolist() == [[0, 1, 0]]


def test_repr_shows_values_name_and_origin():
    assert repr(Tensor([1.0, 2.0], name="x")) == "Tensor([1., 2.], name='x')"
    assert repr(Tensor(2.0) * 3.0) == "Tensor(6., from multiply)"


X, Y = Tensor([1.0, 2.0]), Tensor([1.0, 2.0, 3.0])
M = Tensor(np.ones((2, 3)))
EMPTY = Tensor(np.ones(0))
BOX = mb.scalars([[1.0, 2.0], [3.0, 4.0]])
FAULTS = [
    (lambda: Tensor([1, 2]), errors.DTypeError, "got int64; write [1., 2.]", "dtype=float"),
    (lambda: Tensor([True]), errors.DTypeError, "got bool"),
    (lambda: Tensor(np.float16(1)), errors.DTypeError, "float32 or float64, got float16; pass"),
    (lambda: Tensor([[1.0, 2.0], [1.0]]), errors.ShapeError, "rows have lengths 2 and 1"),
    (lambda: Tensor("abc"), errors.DTypeError, "cannot make a tensor from text"),
    (lambda: Tensor(None), errors.DTypeError, "cannot make a tensor from objects"),
    (lambda: Tensor(X), errors.DTypeError, "is a Tensor already"),
    (lambda: Tensor([X, X]), errors.DTypeError, "np.stack"),
    (lambda: X + Y, errors.ShapeError, "add: shapes (2,) and (3,)", "axis -1 has 2 and 3"),
    (lambda: np.where(M > 0, X, Y), errors.ShapeError, "where", "(2,) and (3,)"),
    (lambda: M @ M, errors.ShapeError, "(2, 3) @ (2, 3): 3 columns on the left, 2 rows on"),
    (lambda: M @ Tensor(1.0), errors.ShapeError, "(2, 3) @ (): a 0-d operand"),
    (lambda: M @ 2.0, errors.ShapeError, "(2, 3) @ (): a 0-d operand"),
    (lambda: Tensor(1), errors.DTypeError, "write 1. instead of 1"),
    (lambda: X.__isub__(0.5), errors.GraphError, "write p.data -= ..."),
    (lambda: X.__iadd__(np.ones(2)), errors.GraphError, "p.data"),
    (lambda: X.var(ddof=2), errors.RangeError, "np.var: 2 values leave no degree of freedom"),
    (lambda: X.var(dim=0), errors.RuleError, "np.var: dim= cannot be composed; write axis="),
    (lambda: M.sum(dim=0), errors.RuleError, "np.sum: dim= cannot be recorded", "write axis="),
    (lambda: M.mean(0, keepdim=True), errors.RuleError, "write keepdims="),
    (lambda: X.clone(), AttributeError, "t itself"),
    (lambda: X.detach(), AttributeError, "write t.data"),
    (lambda: X.sort(), AttributeError, "write np.sort(t, ...), which makes a new one"),
    (lambda: X.flat, AttributeError, "write t.ravel()"),
    (lambda: mb.grad(lambda t: t, X), errors.DTypeError, "not from a function", "grad(f(x), x)"),
    (lambda: mb.grad(mb.scalars([1.0, 2.0]), X), errors.DTypeError, "np.sum"),
    (lambda: mb.grad((X * X).sum(), np.ones(2)), errors.DTypeError, "list(box.flat)"),
    (lambda: X.__setitem__(0, 5.0), errors.GraphError, "p.data = ...", "np.where"),
    (lambda: mb.primitive(abs)(X), errors.RuleError, "abs has no gradient rule; add one with"),
    (lambda: M.reshape(4, 2), errors.ShapeError, "6 elements do not fill shape (4, 2), which", "8"),
    (lambda: np.stack([M, X]), errors.ShapeError, "(called with shapes (2, 3) and (2,)"),
    (lambda: M[0, 1, 2], errors.RangeError, "(called with shape (2, 3), 0, 1, 2)"),
    (lambda: M.reshape(0, 0), errors.ShapeError, "6 elements do not fill shape (0, 0), which", "0"),
    (lambda: M.reshape(4, -1), errors.ShapeError, "6 elements do not fill shape (4, -1)"),
    (lambda: Tensor(2.0) @ Tensor(3.0), errors.ShapeError, "() @ (): a 0-d operand"),
    (lambda: np.argmax(X) ** -1, errors.ShapeError, "power: Integers to negative integer powers"),
    (lambda: X * 1j, TypeError, "unsupported operand"),
    (
        lambda: np.multiply(X, 1j),
        errors.DTypeError,
        "multiply: it gives complex128; a tensor needs",
    ),
    (lambda: X * np.complex128(1j), errors.DTypeError, "multiply: it gives complex128"),
    (lambda: Tensor([1j], dtype=float), errors.DTypeError, "cannot make a tensor from complex128"),
    (lambda: np.sum(X, out=np.ones(())), errors.RuleError, "np.sum: out= cannot be recorded"),
    (lambda: X.astype("U3"), errors.DTypeError, "astype: it gives <U3"),
    (lambda: np.where(X > 1), errors.RuleError, "np.where", "np.nonzero(condition.data)"),
    (
        lambda: mb.functional.relu(x=X),
        errors.RuleError,
        "relu: x= is a Tensor; pass it by position",
    ),
    (lambda: Tensor(None, dtype=float), errors.DTypeError, "cannot make a tensor from objects"),
    (lambda: Tensor(1.0, dtype="none"), errors.ShapeError, "cannot make a tensor", "none"),
    (lambda: setattr(Tensor(1.0), "data", None), errors.DTypeError, "from objects"),
    (lambda: Tensor(np.ones((0, 3))).mean(axis=5), errors.RangeError, "axis 5", "(0, 3)"),
    (lambda: M.sum(axis=2), errors.RangeError, "sum: axis 2 is out of range", "use -2..1"),
    (lambda: M.sum(axis=(0, 0)), errors.ShapeError, "sum", "duplicate"),
    (lambda: M.sum(axis="rows"), errors.DTypeError, "sum", "(2, 3)"),
    (lambda: M[5], errors.RangeError, "index 5 is out of bounds", "(2, 3)"),
    (lambda: EMPTY.mean(), errors.ShapeError, "mean: the tensor is empty, shape (0,)"),
    (lambda: EMPTY.max(), errors.ShapeError, "max: the tensor is empty, shape (0,)"),
    (lambda: bool(X), errors.ShapeError, "truth of a tensor of shape (2,) is ambiguous"),
    (lambda: X.item(), errors.ShapeError, "shape (2,) is not one number"),
    (lambda: M.reshape(-1, -1), errors.ShapeError, "(-1, -1) leaves several sides open"),
    (lambda: M.reshape(""), errors.ShapeError, "a shape is an integer or a tuple", "got ''"),
    (lambda: M.sum(axis=1.0), errors.DTypeError, "sum", "axis=1.0"),
    (lambda: M.transpose(0, 0), errors.ShapeError, "axes (0, 0) do not name each axis of shape"),
    (lambda: M.transpose(0), errors.ShapeError, "axes (0,) do not name", "as (1, 0) does"),
    (lambda: np.squeeze(M, 0), errors.ShapeError, "squeeze", "(2, 3), 0"),
    (lambda: M["a"], errors.RangeError, "(2, 3), 'a'"),
    (
        lambda: np.var(X, where=[True, False]),
        errors.RuleError,
        "np.nanvar(np.where(mask, t, np.nan))",
    ),
    (lambda: np.linalg.qr(M), errors.RuleError, "no gradient; np.linalg.cholesky(x.mT @ x).mT is"),
    (lambda: X.relu(), AttributeError, "write microbn.functional.relu(t)"),
    (lambda: X.abs(), AttributeError, "write np.abs(t)"),
    (lambda: np.add(X, [[1.0], [1.0, 2.0]]), errors.ShapeError, "rows have lengths 1 and 2"),
    (lambda: X == [[1.0], [1.0, 2.0]], errors.ShapeError, "rows have lengths 1 and 2"),
    (lambda: np.concatenate([M, [[1.0], [1.0, 2.0]]]), errors.ShapeError, "lengths 1 and 2"),
    (lambda: np.where([[1], [1, 2]], X, 0), errors.ShapeError, "where: rows have lengths 1 and 2"),
    (lambda: X[[[0], [0, 1]]], errors.ShapeError, "getitem: rows have lengths 1 and 2"),
    (lambda: BOX @ Y, errors.ShapeError, "matmul: (2, 2) @ (3,): 2 columns on the left, 3 rows"),
    (lambda: np.add(M, BOX), errors.ShapeError, "add: shapes (2, 3) and (2, 2) do not broadcast"),
    (lambda: EMPTY.argmax(), errors.ShapeError, "argmax: the tensor is empty"),
    (lambda: setattr(Tensor([1.0]), "data", [[1], [1, 2]]), errors.ShapeError, "lengths 1 and 2"),
    (lambda: (X * 1.0).backward([[1], [1, 2]]), errors.ShapeError, "lengths 1 and 2"),
    (lambda: setattr(X, "name", 5), errors.DTypeError, "a Tensor's name is text, got 5"),
    (lambda: setattr(X, "grad", np.ones(3)), errors.ShapeError, ".grad of a leaf has shape (3,)"),
    (lambda: setattr(X, "grad", Y), errors.DTypeError, "give the gradient's .data"),
    (lambda: setattr(X, "grad", "a"), errors.DTypeError, "an array of numbers, got 'a'"),
    (
        lambda: setattr(X, "grad", [[1], [1, 2]]),
        errors.ShapeError,
        ".grad of a leaf is not an array",
    ),
    (lambda: np.unique(X), errors.RuleError, "np.unique has no gradient; sort with np.sort"),
    (lambda: np.add(X, X, out=np.ones(2)), errors.RuleError, "out=", "a = a + t"),
    (lambda: np.ones(2).__iadd__(X), errors.RuleError, "+= into an ndarray"),
    (lambda: np.add.reduce(X), errors.RuleError, "np.add", "np.sum"),
    (lambda: np.sum(X, where=[True, False]), errors.RuleError, "np.sum: where= cannot be recorded"),
    (lambda: np.add(X, X, where=[True, False]), errors.RuleError, "np.add: where= cannot be"),
    (
        lambda: np.sum(X, 0, float),
        errors.RuleError,
        "np.sum: its rules take 2 operands at most, this call has",
    ),
    (lambda: np.asarray(X), errors.DTypeError, "history would be lost", "t.data"),
    (lambda: np.concatenate([X, M]), errors.ShapeError, "concatenate", "(2,) and (2, 3)"),
    (lambda: np.add(X, "a"), errors.DTypeError, "add"),
    (lambda: X + None, TypeError, "unsupported operand"),
]


@pytest.mark.parametrize(("fault", "error", "facts"), [(f, e, w) for f, e, *w in FAULTS])
def test_fault_raises_where_it_is_made_and_names_the_facts(fault, error, facts):
    with pytest.raises(error) as caught:
        fault()
    for fact in facts:
        assert fact in str(caught.value)


KINDS = [
    e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.MicrobnError)
]


@pytest.mark.parametrize("kind", [e for e in KINDS if e is not errors.MicrobnError])
def test_every_error_is_of_the_tree_and_also_a_built_in_one(kind):
    built_in = (ValueError, IndexError, TypeError, RuntimeError, ArithmeticError)
    built_in += (ImportError, AssertionError)
    assert issubclass(kind, errors.MicrobnError)
    assert issubclass(kind, built_in)


def test_in_place_powers_and_products_of_a_leaf_are_refused():
    with pytest.raises(errors.GraphError, match="leave the leaf as it is"):
        exec("p **= 2", {"p": Tensor([1.0])})
    with pytest.raises(errors.GraphError, match="leave the leaf as it is"):
        exec("p @= [1.0]", {"p": Tensor([1.0])})


def test_axes_may_be_integers_of_numpy():
    x = Tensor(np.arange(6.0).reshape(1, 2, 3))
    assert x.transpose(*np.array([2, 0, 1])).shape == (3, 1, 2)
    assert x.transpose(np.array([2, 0, 1])).shape == (3, 1, 2)


def test_every_absent_attribute_says_what_to_write_instead():
    assert {*tensor._ABSENT} == {*INSTEAD}
