"""A recorded graph runs again, from other values of any of its nodes."""

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors, functional, grad
from microbn.reading.replay import call_again, replay, rerun
from microbn.reading.tape import history

RNG = np.random.default_rng(4)
X, OTHER, DY = RNG.normal(size=(3, 5, 4))
GAMMA, BETA = RNG.normal(size=(2, 4))


def recorded():
    leaves = Tensor(X, "x"), Tensor(GAMMA, "gamma"), Tensor(BETA, "beta")
    return functional.batch_norm(*leaves), leaves


@pytest.mark.bits
def test_a_graph_gives_what_its_code_gives_for_other_values():
    y, (x, gamma, beta) = recorded()
    assert np.array_equal(replay(y, x)(OTHER), functional.batch_norm(OTHER, GAMMA, BETA))
    found = replay(y, beta, x, gamma)(GAMMA, OTHER, BETA)
    assert np.array_equal(found, functional.batch_norm(OTHER, BETA, GAMMA))


@pytest.mark.bits
def test_a_node_on_the_way_may_change_by_itself():
    y, _ = recorded()
    x_hat = next(node for node in history(y) if node.name == "x_hat")
    assert np.array_equal(replay(y, x_hat)(OTHER), GAMMA * OTHER + BETA)
    assert np.array_equal(replay(y, y)(OTHER), OTHER)


@pytest.mark.bits
def test_a_replay_of_tensors_is_recorded():
    y, (x, *_) = recorded()
    again, fresh = Tensor(OTHER), Tensor(OTHER)
    expected = grad(functional.batch_norm(fresh, GAMMA, BETA), fresh, DY)
    assert np.array_equal(grad(replay(y, x)(again), again, DY), expected)


def test_only_calls_that_depend_on_the_nodes_run_again():
    ran = []

    @mb.primitive
    def seen(x):
        ran.append(x)
        return x * 2

    mb.defvjp(seen, lambda g, out, x: g * 2)
    a, b = Tensor(X), Tensor(OTHER)
    root = seen(a) + seen(b)
    ran.clear()
    assert np.array_equal(replay(root, b)(X), seen(X) + seen(X))
    assert len(ran) == 3  # one in the replay, two in the expected value


def test_other_leaves_keep_the_values_that_the_graph_saw():
    a, b = Tensor(X), Tensor(OTHER)
    root = a * b
    a.data = np.zeros_like(X)
    assert np.array_equal(replay(root, b)(DY), X * DY)


def test_a_node_from_elsewhere_is_refused():
    y, (x, *_) = recorded()
    with pytest.raises(errors.ArgumentError, match="replay: node 1 is not in the root's history"):
        replay(y, x, Tensor(X))


def test_a_tape_may_be_walked_with_other_calls():
    y, (x, *_) = recorded()
    tape = [node for node in history(y) if node.function]

    def negated(node, operands):
        value = call_again(node, operands)
        return -value if node.name == "scaled" else value

    found = rerun(tape, {x.number: OTHER}, negated)[y.number]
    expected = functional.batch_norm(OTHER, -GAMMA, BETA)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
