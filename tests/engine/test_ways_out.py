"""What is said of calls that a Tensor refuses leads to code that runs, and gives what was meant."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors, scalars
from microbn.engine.composed.refused import INSTEAD
from microbn.testing import assert_gradients

RNG = np.random.default_rng(7)
A = RNG.normal(size=(4, 3))
X, T = Tensor(A, "x"), Tensor([1.0, 2.0], "t")
MASK = A > 0


def special(x):
    """Stand in for a function that another package makes a ufunc of."""
    return x


REFUSED = [
    (lambda: np.linalg.norm(X, ord=Tensor(2.0)), errors.RuleError, "ord= is a Tensor", "t.item()"),
    (lambda: np.linalg.norm(T, ord=Tensor(2.0)), errors.RuleError, "ord= is a Tensor"),
    (lambda: np.linalg.matrix_norm(X, ord=Tensor(2.0)), errors.RuleError, "ord= is a Tensor"),
    (lambda: np.linalg.cond(X, Tensor(1.0)), errors.RuleError, "p= is a Tensor"),
    (lambda: np.tile(X, Tensor(2.0)), errors.RuleError, "np.tile: reps= is a Tensor"),
    (lambda: np.delete(X, np.argmax(T)), errors.RuleError, "np.delete: obj= is a Tensor"),
    (lambda: np.insert(T, np.argmax(T), 1.0), errors.RuleError, "np.insert: obj= is a Tensor"),
    (
        lambda: np.lib.stride_tricks.sliding_window_view(X, T),
        errors.RuleError,
        "window_shape= is a Tensor",
    ),
    (lambda: np.cov(X, "rows"), errors.DTypeError, "np.cov: ", "'rows'"),
    (lambda: np.trapezoid(T, "rows"), errors.DTypeError, "np.trapezoid: ", "'rows'"),
    (lambda: np.trim_zeros(T, None), errors.DTypeError, "np.trim_zeros: ", "None"),
    (lambda: np.select([T > 1], [T], None), errors.DTypeError, "np.select: ", "None"),
    (lambda: np.where(X > 0, X, None), errors.DTypeError, "gives object", "np.nan for None"),
    (lambda: np.where(X > 0, "a", "b"), errors.DTypeError, "gives <U1", "give it numbers"),
    (lambda: np.sum(X, axis=[0, 1]), errors.DTypeError, "write integers, or a tuple of them"),
    (lambda: X.mean([0, 1]), errors.DTypeError, "write integers, or a tuple of them"),
    (lambda: np.var(X, axis="rows"), errors.DTypeError, "np.var: ", "or a tuple of them"),
    (lambda: np.squeeze(X, axis=[0]), errors.DTypeError, "or a tuple of them"),
    (lambda: np.mean(X, where=MASK), errors.RuleError, "np.nanmean(np.where(mask, t, np.nan))"),
    (lambda: np.var(X, where=MASK), errors.RuleError, "np.nanvar(np.where(mask, t, np.nan))"),
    (lambda: np.std(X, where=MASK), errors.RuleError, "np.nanstd(np.where(mask, t, np.nan))"),
    (lambda: np.sum(X, where=MASK), errors.RuleError, "np.sum(np.where(mask, t, 0))"),
    (lambda: np.prod(X, where=MASK), errors.RuleError, "np.prod(np.where(mask, t, 1))"),
    (lambda: np.frompyfunc(special, 1, 1)(X), errors.RuleError, "use special (vectorized)(t.data)"),
    (lambda: np.maximum.reduce(X), errors.RuleError, "np.maximum.reduce: ", "np.max(t, axis)"),
    (lambda: np.multiply.accumulate(X), errors.RuleError, "np.cumprod(t, axis)"),
    (lambda: np.add.outer(T, T), errors.RuleError, "write np.add(x[:, np.newaxis], y)"),
    (lambda: np.multiply.outer(T, T), errors.RuleError, "write np.outer(x, y)"),
    (lambda: np.add.at(np.zeros(2), [0], T[0]), errors.RuleError, "functions of whole arrays"),
    (lambda: np.reshape(X, (3, 4), order="F"), errors.RuleError, "np.reshape(t.T, shape[::-1]).T"),
    (lambda: X.reshape(3, 4, order="F"), errors.RuleError, "np.reshape(t.T, shape[::-1]).T"),
    (lambda: X.astype(complex), errors.DTypeError, "complex128", "real and imaginary parts"),
    (lambda: scalars(A) + 1j, errors.DTypeError, "complex128", "real and imaginary parts"),
    (lambda: X.astype(np.float16), errors.DTypeError, "float16", "convert with astype"),
    (lambda: np.add(X, None), errors.DTypeError, "add: ", "not with None"),
    (lambda: np.maximum(None, X), errors.DTypeError, "maximum: ", "not with None"),
    (lambda: scalars(A) + None, errors.DTypeError, "add: ", "not with None"),
    (lambda: X[T], errors.RuleError, "getitem: no rule for operand 1", "as an index, integers"),
    (lambda: scalars(X), errors.DTypeError, "scalars(t.data)"),
    (lambda: Tensor(scalars(A)), errors.DTypeError, "np.stack([*box.flat])"),
    (lambda: scalars(A).astype(float), errors.DTypeError, "np.stack", "t.data"),
    (lambda: np.stack([[T[0]], [1.0]]), errors.DTypeError, "[np.stack(row) for row in rows]"),
    (lambda: X.tolist(), AttributeError, "write t.data.tolist()"),
    (lambda: X.flags, AttributeError, "write t.data.flags"),
]


@pytest.mark.parametrize(("fault", "error", "facts"), [(f, e, w) for f, e, *w in REFUSED])
def test_a_call_that_is_refused_names_the_function_and_the_way_out(fault, error, facts):
    with pytest.raises(error) as caught:
        fault()
    for fact in facts:
        assert fact in str(caught.value)


@pytest.mark.parametrize("x", ["x", None, 2.0])
def test_only_an_array_of_scalars_is_told_to_become_a_list(x):
    with pytest.raises(errors.DTypeError, match=r"only Tensors get gradients$"):
        mb.grad(np.sum(X), x)
    with pytest.raises(errors.DTypeError, match=r"list\(box\.flat\)$"):
        mb.grad(np.sum(X), scalars(A))


def _masked(function, filled, fill):
    return (
        lambda x: filled(np.where(MASK, x, fill), axis=0),
        lambda x: function(x, where=MASK, axis=0),
    )


WAYS = {
    "where of a mean": _masked(np.mean, np.nanmean, np.nan),
    "where of a variance": _masked(np.var, np.nanvar, np.nan),
    "where of a deviation": _masked(np.std, np.nanstd, np.nan),
    "where of a sum": _masked(np.sum, np.sum, 0),
    "where of a product": _masked(np.prod, np.prod, 1),
    "order of a reshape": (
        lambda x: np.reshape(x.T, (3, 4)[::-1]).T,
        lambda x: np.reshape(x, (3, 4), order="F"),
    ),
    "reduce": (lambda x: np.max(x, 0), np.maximum.reduce),
    "accumulate": (lambda x: np.cumprod(x, 0), np.multiply.accumulate),
    "outer": (lambda x: np.add(x[0][:, np.newaxis], x[1]), lambda x: np.add.outer(x[0], x[1])),
    "round": (lambda x: round(x, 2), lambda x: np.round(x, 2)),
    "nested rows": (
        lambda x: np.stack([np.stack(row) for row in [[x[0, 0], 1.0], [x[1, 0], x[0, 1]]]]),
        lambda x: np.array([[x[0, 0], 1.0], [x[1, 0], x[0, 1]]]),
    ),
}


@pytest.mark.parametrize(("way_out", "meant"), WAYS.values(), ids=WAYS)
def test_the_way_out_computes_what_was_meant(way_out, meant):
    np.testing.assert_allclose(way_out(X).data, meant(A), rtol=1e-14)
    if way_out is not WAYS["round"][0]:
        assert_gradients(way_out, A)


@pytest.mark.parametrize("name", INSTEAD)
def test_a_way_out_through_the_data_is_called_if_it_is_a_method(name):
    if INSTEAD[name].startswith("write t.data.") and hasattr(np.ndarray, name):
        assert callable(getattr(np.ndarray, name)) == INSTEAD[name].endswith(")")


IDLE = {
    "dtype of a mean": lambda x: np.mean(x, dtype=None),
    "out of a mean": lambda x: np.mean(x, out=None),
    "all that a mean has": lambda x: np.mean(x, axis=0, dtype=None, out=None, keepdims=True),
    "dtype of a variance": lambda x: np.var(x, 0, dtype=None, ddof=1),
    "where of a sum": lambda x: np.sum(x, where=True),
    "overwrite_input of a median": lambda x: np.median(x, overwrite_input=False),
    "where of a ufunc": lambda x: np.multiply(x, x, where=True, dtype=None),
    "where of a composed ufunc": lambda x: np.tan(x, where=True),
}


@pytest.mark.parametrize("call", IDLE.values(), ids=IDLE)
def test_a_keyword_that_says_what_numpy_does_without_it_is_left_out(call):
    np.testing.assert_allclose(call(Tensor(A)).data, call(A), rtol=1e-14)
    assert_gradients(call, A)


def test_a_keyword_of_a_primitive_is_never_left_out():
    @mb.primitive
    def scaled(x, where=False):
        return 2 * x if where else x

    mb.defvjp(scaled, lambda g, out, x: g)
    with pytest.raises(errors.RuleError, match="scaled: where= cannot be recorded"):
        scaled(X, where=True)


def _into_the_gradient(g, out, x):
    g *= 2
    return g


def _into_an_entry(g, out, x):
    g[0] = 2
    return g


def _into_the_operand(g, out, x):
    x[...] = 0
    return g


@pytest.mark.parametrize("rule", [_into_the_gradient, _into_an_entry, _into_the_operand])
def test_a_rule_that_writes_into_what_it_is_given_is_named(rule):
    @mb.primitive
    def doubled(x):
        return 2 * x

    mb.defvjp(doubled, rule)
    with pytest.raises(
        errors.ArgumentError, match=r"^rule of .doubled., operand 0: it writes"
    ) as e:
        doubled(X).backward(A)
    assert e.traceback[-1].name == rule.__name__
    assert e.value.__context__.__notes__ == ["in the rule of doubled, operand 0"]
