"""Planted faults: each composition doubled, or with a path detached, is rejected by its tests."""

import numpy as np
import peers
import pytest
from compositions import FLAT, calls_of, whole
from derivatives import derivatives, name
from test_composed import (
    test_a_composition_has_the_values_of_numpy_and_their_shape as values_are_checked,
)
from test_composed import test_a_composition_keeps_float32 as dtypes_are_checked
from test_composed import test_the_gradients_of_a_composition_emerge as gradients_are_checked

from microbn import errors
from microbn.engine.composed import COMPOSED, sizes
from microbn.engine.functions import astype, stop_gradient
from microbn.engine.mode import Watch, mode
from microbn.engine.node import is_node, plain
from microbn.engine.primitive import RULES
from microbn.testing import gradcheck

FUNCTIONS = [f for f in COMPOSED if calls_of(f)]
functions = pytest.mark.parametrize("function", FUNCTIONS, ids=name)


def test_no_composition_is_without_a_call():
    constants = {f for f in COMPOSED if COMPOSED[f].function.__module__ == sizes.__name__}
    assert set(FUNCTIONS) == COMPOSED.keys() - constants


def changed(monkeypatch, function, change):
    """Let a composition return something else, for the time of a test."""
    right = COMPOSED[function]

    def wrong(*args, **kwargs):
        result = right.function(*args, **kwargs)
        if not isinstance(result, (tuple, list)):
            return change(result)
        parts = map(change, result)
        return result._make(parts) if hasattr(result, "_make") else [*parts]

    monkeypatch.setitem(COMPOSED, function, right._replace(function=wrong))


def rejected(test, function):
    """Return whether a test rejects some call of a function."""
    for call in calls_of(function):
        try:
            test(call)
        except AssertionError:
            return True
    return False


@functions
def test_doubled_values_are_rejected(function, monkeypatch):
    changed(monkeypatch, function, lambda x: 2 * x)
    assert rejected(values_are_checked, function)


@functions
def test_another_shape_is_rejected(function, monkeypatch):
    changed(monkeypatch, function, lambda x: np.expand_dims(x, 0))
    assert rejected(values_are_checked, function)


@functions
def test_another_dtype_is_rejected(function, monkeypatch):
    changed(monkeypatch, function, lambda x: astype(x, np.float64))
    assert rejected(dtypes_are_checked, function)


@functions
def test_doubled_gradients_are_rejected(function, monkeypatch):
    changed(monkeypatch, function, lambda x: 2 * x - stop_gradient(x))
    assert not rejected(values_are_checked, function)
    assert rejected(gradients_are_checked, function)


@functions
def test_a_gradient_that_is_missing_is_rejected(function, monkeypatch):
    changed(monkeypatch, function, lambda x: stop_gradient(x) + 0 * x)
    assert rejected(gradients_are_checked, function)


class Detaching(Watch):
    """Makes a constant of an operand, so that one path is missing. It counts nodes from 0."""

    def __init__(self, place=None):
        self.place, self.places, self.count = place, [], 0

    def made(self, node):
        for i, operand in enumerate(node.inputs):
            if is_node(operand) and operand.flows and node.flows and RULES.get(node.function):
                self.places.append((self.count, i))
                if self.place == (self.count, i):
                    node.record.inputs = [*node.record.inputs]
                    node.record.inputs[i] = plain(operand)
        self.count += 1


def detached(f, place=None):
    """Return f with this path missing, and the places of all its paths once it is called."""
    watch = Detaching(place)

    def g(*arrays, **names):
        watch.count, before = 0, mode.get()
        mode.set(before._replace(watches=(watch,)))
        try:
            return f(*arrays, **names)
        finally:
            mode.set(before)

    return g, watch.places


def differ(mine, theirs):
    return not all(
        np.allclose(a, b, rtol=1e-7, atol=1e-9)
        for each in zip(mine[1:], theirs[1:], strict=True)
        for a, b in zip(*each, strict=True)
    )


def rejected_paths(call):
    """Detach some paths of a call, one at a time, and return how many carry a derivative.

    Each of these is rejected. None flows through a branch that np.where leaves out, for example.
    """
    f, arrays = whole(call)
    twice = call not in FLAT
    recorded, places = detached(f)
    right = derivatives(peers.microbn, recorded, arrays, twice)
    count = 0
    for place in places[:: len(places) // 8 + 1]:
        g, _ = detached(f, place)
        try:
            wrong = derivatives(peers.microbn, g, arrays, twice)
        except errors.GraphError:  # nothing is left
            count += 1
            continue
        if differ(right, wrong):
            assert not gradcheck(g, *arrays, order=1 + twice)
            count += 1
    return count


@functions
def test_a_path_that_is_detached_is_rejected(function):
    assert any(map(rejected_paths, calls_of(function)))
