"""Planted faults: each of our rules spoiled in each way, alone and in a chain, and all named."""

import numpy as np
import pytest
from examples import EXAMPLES, LARGE, ROW, X, Y, name

from microbn import errors
from microbn.engine import backward
from microbn.engine.functions import spread
from microbn.engine.primitive import CALLS, RULES
from microbn.testing import assert_gradients, gradcheck

# Each makes a wrong gradient for operand i out of the right ones for all operands.
FAULTS = {
    "doubled": lambda parts, i: 2 * parts[i],
    "1.0005 times": lambda parts, i: 1.0005 * parts[i],
    "negated": lambda parts, i: -parts[i],
    "zeroed": lambda parts, i: 0 * parts[i],
    "transposed": lambda parts, i: np.swapaxes(parts[i], -1, -2),
    "swapped": lambda parts, i: parts[1 - i],
    "kept float32": lambda parts, i: np.asarray(parts[i]).astype(np.float32),
}
# "swapped" takes two operands; nothing else is left out but this:
NO_FAULT = {(np.add, "swapped"): "both of its rules are g"}


def operands(function):
    """Which operands have a rule."""
    if CALLS[function].every:
        return [*range(len(EXAMPLES[function][1]))]
    return [i for i, vjp in enumerate(RULES[function]) if vjp]


def plant(function, operand, fault):
    """Spoil the rule of one operand; all rules are set back after the test."""
    vjps, every, i = RULES[function], CALLS[function].every, operands(function).index(operand)

    def right(*args, **kwargs):
        if every:
            return [vjps[0](*args, **kwargs, position=k) for k in operands(function)]
        return [vjp(*args, **kwargs) for vjp in filter(None, vjps)]

    def one(*args, **kwargs):
        return FAULTS[fault](right(*args, **kwargs), i)

    def its(*args, position, **kwargs):
        if position == operand:
            return one(*args, **kwargs)
        return vjps[0](*args, **kwargs, position=position)

    RULES[function] = (its,) if every else (*vjps[:operand], one, *vjps[operand + 1 :])


def alone(function, f):
    return f


def chained(function, f):
    """f between two others, so that not only the node at fault has a wrong gradient."""
    before, after = [g for g in (np.sqrt, np.exp, np.square) if g is not function][:2]
    return lambda *arrays: after(f(*map(before, arrays)))


PLANTS = [
    pytest.param(function, operand, fault, id=f"{name(function)}-{operand}-{fault}")
    for function in EXAMPLES
    for operand in operands(function)
    for fault in FAULTS
    if (function, fault) not in NO_FAULT and (fault != "swapped" or len(operands(function)) == 2)
]


@pytest.mark.parametrize("place", [alone, chained], ids=name)
@pytest.mark.parametrize(("function", "operand", "fault"), PLANTS)
def test_planted_fault_is_rejected_and_its_rule_named(function, operand, fault, place):
    f, arrays = EXAMPLES[function]
    f = place(function, f)
    assert_gradients(f, *arrays)
    plant(function, operand, fault)
    report = gradcheck(f, *arrays)
    assert not report
    assert report.suspect.node.function is function
    if len(operands(function)) > 1:
        assert f"operand {operand}" in report.suspect.why
    if fault == "kept float32":
        gives = f"the rule of {name(function)} for operand {operand} gives float32"
        assert report.faults == (f"{gives}, the operand is float64",)


@pytest.mark.parametrize("place", [alone, chained], ids=name)
@pytest.mark.parametrize(("function", "fault"), NO_FAULT)
def test_what_is_not_planted_would_change_nothing(function, fault, place):
    f, arrays = EXAMPLES[function]
    for operand in operands(function):
        plant(function, operand, fault)
    assert_gradients(place(function, f), *arrays)


# Undoing broadcasting is no rule's own: the sweep does it. Here it gives the right shape, made in
# another way than by the sum over the new axes and over the repeated ones.
UNSUMMED = {
    "the first": lambda g, new, repeated: _first(g, new + repeated),
    "the mean": lambda g, new, repeated: g.mean(axis=new + repeated, keepdims=True),
    "the first new": lambda g, new, repeated: _first(g, new).sum(axis=repeated, keepdims=True),
    "the first repeated": lambda g, new, repeated: _first(g, repeated).sum(axis=new, keepdims=True),
}
THIN, WIDE = (4.5 - ROW)[:, None], np.stack([X, 4.5 - Y])  # (3, 1), and (2, 3, 3)
PAIR = [THIN, WIDE]
BROADCASTS = {
    **{f: (f, PAIR) for f in (np.add, np.subtract, np.multiply, np.divide, np.power)},
    **{f: (f, PAIR) for f in (np.maximum, np.minimum, np.logaddexp, np.arctan2)},
    np.remainder: (np.remainder, PAIR),
    np.where: (lambda x, y: np.where(np.tri(3) > 0, x, y), PAIR),
    np.matmul: (np.matmul, [X[None], np.stack([WIDE, WIDE + 0.5])]),
    np.linalg.solve: (np.linalg.solve, [LARGE[None], LARGE + np.stack([WIDE, WIDE + 0.5])]),
    np.broadcast_to: (lambda x: np.broadcast_to(x, WIDE.shape), [THIN]),
    spread: (lambda x: spread(x, WIDE.shape), [THIN]),
}


def _first(g, axes):
    return g[tuple(slice(1) if axis in axes else slice(None) for axis in range(g.ndim))]


def unsummed(how):
    """Another `_unbroadcast`."""

    def unbroadcast(gradient, shape):
        new, repeated = backward.repeated(gradient.shape, shape)
        repeated = tuple(len(new) + axis for axis in repeated)
        return UNSUMMED[how](gradient, new, repeated).reshape(shape)

    return unbroadcast


@pytest.mark.parametrize("place", [alone, chained], ids=name)
@pytest.mark.parametrize("how", UNSUMMED)
@pytest.mark.parametrize("function", BROADCASTS, ids=name)
def test_unbroadcasting_without_the_sum_is_rejected_and_named(function, how, place, monkeypatch):
    f, arrays = BROADCASTS[function]
    f = place(function, f)
    for values in (arrays, arrays[::-1]):  # what is repeated stands on the left, or on the right
        assert_gradients(f, *values)
        with monkeypatch.context() as patch:
            patch.setattr(backward, "_unbroadcast", unsummed(how))
            report = gradcheck(f, *values)
        assert not report
        assert report.suspect.node.function is function


@pytest.mark.parametrize("function", BROADCASTS, ids=name)
def test_unbroadcasting_left_out_altogether_raises_and_names_the_function(function, monkeypatch):
    f, arrays = BROADCASTS[function]
    monkeypatch.setattr(backward, "_unbroadcast", lambda gradient, shape: gradient)
    with pytest.raises(errors.RuleError, match=f"rule of '{name(function)}', operand"):
        gradcheck(f, *arrays)


def test_no_other_function_is_unbroadcast(monkeypatch):
    def unbroadcast(gradient, shape):
        assert gradient.shape == shape, function
        return gradient

    monkeypatch.setattr(backward, "_unbroadcast", unbroadcast)
    for function in EXAMPLES.keys() - BROADCASTS.keys():
        f, arrays = EXAMPLES[function]
        assert_gradients(f, *arrays)
