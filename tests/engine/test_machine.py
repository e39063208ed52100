"""The engine beside a naive one, through whatever a user may do in whatever order.

A Hypothesis state machine keeps pairs: a Tensor, and its twin in the engine of ``naive.py``. After
each step all values, gradients and lifetimes must be the same. That it would see a fault is shown
in ``test_machine_faults.py``.
"""

import gc
import itertools
import weakref
from contextlib import contextmanager, nullcontext, suppress

import naive
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import microbn as mb
from microbn import Tensor, errors
from microbn.engine import mode as context
from microbn.engine.primitive import CALLS
from microbn.reading.tape import history

SHAPES = st.sampled_from([(3,), (2, 3), (2, 1), ()])
SEEDS = st.integers(0, 2**16)
# Twice those of two operands: from them come the forks.
NAMES = st.lists(
    st.sampled_from([name for name, row in naive.OPERATIONS.items() for _ in row[1:]]),
    min_size=2,
    max_size=6,
)
MOST = 10  # pairs at a time
# Counted from the newest, which comes up most; no Tensors, as Hypothesis would keep them alive.
PICKS = st.sampled_from([0, 0, 0, 1, 1, *range(MOST)])


def spoil(*arrays):
    """Write into what was handed over or handed out: it is the caller's, and nobody may notice."""
    for array in arrays:
        array[...] = np.nan


@contextmanager
def no_grad_left_by_an_error():
    with suppress(KeyError), mb.no_grad():
        yield
        raise KeyError


MODES = {
    "recording": nullcontext,
    "no_grad": lambda: mb.no_grad(),  # looked up when it is used: it may be a planted one
    "no_grad left by an error": no_grad_left_by_an_error,
}
HOW = st.sampled_from([*["recording"] * 6, *MODES])


def assert_close(mine, theirs, scale):
    assert type(mine) is np.ndarray
    assert (mine.shape, mine.dtype) == (theirs.shape, np.float64)
    assert np.all(np.abs(mine - theirs) <= 1e-12 * scale)


class Machine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.pairs, self.lives, self.arrays = [], [], 0
        gc.disable()

    def teardown(self):
        gc.enable()
        context.mode.set(context.Mode())  # should a step have left another

    def keep(self, *pair):
        """Remember a Tensor and its twin; where there are many, the oldest result has to go."""
        if len(self.pairs) == MOST:
            self.pairs.pop(next(i for i, (_, node) in enumerate(self.pairs) if not node.leaf))
        self.pairs.append(pair)
        mine, twin = pair
        self.lives.append((weakref.ref(mine.record), weakref.ref(twin)))
        return pair

    def fresh(self, shape, seed):
        """An array whose entries all differ, none of them 0, and which no other seed repeats."""
        self.arrays += 1
        entries = (np.random.default_rng([seed, self.arrays]).permutation(48) - 23.5) / 8
        return entries[: int(np.prod(shape))].reshape(shape)

    def picked(self, pick, wanted=lambda node: True):
        pairs = [pair for pair in self.pairs if wanted(pair[1])] or self.pairs
        return pairs[-1 - pick % len(pairs)]

    @initialize(shape=SHAPES, seed=SEEDS)
    def first_leaf(self, shape, seed):
        self.leaf(shape, seed)

    @precondition(lambda self: sum(node.leaf for _, node in self.pairs) < 3)
    @rule(shape=SHAPES, seed=SEEDS)
    def leaf(self, shape, seed):
        array = self.fresh(shape, seed)
        self.keep(Tensor(array), naive.Node(array.copy(), leaf=True))
        spoil(array)

    @rule(names=NAMES, pick=PICKS, seed=SEEDS, mode=HOW)
    def compute(self, names, pick, seed, mode):
        self.compare_grad(self.chain(names, pick, seed, self.pairs, mode), seed)

    @rule(names=NAMES, pick=PICKS, seed=SEEDS, shape=SHAPES)
    def compute_with_a_constant(self, names, pick, seed, shape):
        array = self.fresh(shape, seed)
        last = self.chain(names, pick, seed, [(array, array.copy())])
        spoil(array)
        self.compare_grad(last, seed)

    def chain(self, names, pick, seed, others, mode="recording"):
        """A few operations, each on the last result: alone, twice, or beside another that fits."""
        last = self.picked(pick)
        for name in names:
            function, *vjps = naive.OPERATIONS[name]
            choices = itertools.product([last, *others], repeat=len(vjps))
            choices = [chosen for chosen in choices if any(each is last for each in chosen)]
            start = seed % len(choices)
            for chosen in choices[start:] + choices[:start]:
                if node := naive.compute(name, *(twin for _, twin in chosen)):
                    break
            else:
                continue
            with MODES[mode]():
                result = function(*(mine for mine, _ in chosen))
            last = self.keep(result, node if mode == "recording" else naive.Node(node.value))
        return last

    @rule(pick=PICKS, seed=st.none() | SEEDS, retain=st.booleans(), times=st.integers(1, 2))
    def backward(self, pick, seed, retain, times):
        root, node = self.picked(pick, lambda node: node.parents)
        cotangent, g = self.cotangents(root, seed)
        if not node.parents:
            with pytest.raises(errors.GraphError, match="nothing here was recorded"):
                root.backward(cotangent, retain_grads=retain)
            return
        for _ in range(times):
            root.backward(cotangent, retain_grads=retain)
            naive.backward(node, g, retain)
        if cotangent is not None:
            spoil(cotangent)

    @rule(pick=PICKS, seed=st.none() | SEEDS)
    def grad(self, pick, seed):
        self.compare_grad(self.picked(pick, lambda node: node.parents), seed)

    def compare_grad(self, pair, seed):
        """The gradient in every Tensor there is, as an array and with a graph of its own."""
        root, node = pair
        if not node.parents:
            return
        inputs, twins = zip(*self.pairs, strict=True)
        cotangent, g = self.cotangents(root, seed)
        expected = naive.grad(node, twins, g)
        results = mb.grad(root, inputs, cotangent)
        for i, (mine, theirs) in enumerate(zip(results, expected, strict=True)):
            assert_close(mine, *theirs)
            assert not any(np.shares_memory(mine, other) for other in results[:i])
        if naive.stale(node):
            with pytest.raises(errors.GraphError, match="was replaced since the forward ran"):
                mb.grad(root, inputs, cotangent, create_graph=True)
        else:
            recorded = mb.grad(root, inputs, cotangent, create_graph=True)
            for mine, theirs in zip(recorded, expected, strict=True):
                assert_close(np.array(mine.data), *theirs)
        spoil(*results, *([] if cotangent is None else [cotangent]))

    def cotangents(self, root, seed):
        """What the engine is given, and what that means: of one element, None means 1."""
        if seed is None and root.size == 1:
            return None, np.ones(root.shape)
        cotangent = np.asarray(np.random.default_rng(seed or 0).normal(size=root.shape))
        return cotangent, cotangent.copy()

    @precondition(lambda self: any(node.leaf for _, node in self.pairs))
    @rule(pick=PICKS, seed=SEEDS, descend=st.booleans())
    def replace_data(self, pick, seed, descend):
        leaf, node = self.picked(pick, lambda node: node.leaf)
        if descend and leaf.grad is not None:
            step = leaf.grad / (1 + np.abs(leaf.grad).max())
            leaf.data -= step
            node.value = node.value - step
        else:
            array = self.fresh(leaf.shape, seed)
            leaf.data, node.value = array, array.copy()
            spoil(array)
        self.compare_grad(self.picked(pick, naive.stale), seed)

    @precondition(lambda self: any(node.grad is not None for _, node in self.pairs))
    @rule(pick=PICKS, scale=st.sampled_from([None, 0.5]))
    def change_grad(self, pick, scale):
        """A .grad is its Tensor's alone, to be reset or to be written into."""
        mine, node = self.picked(pick, lambda node: node.grad is not None)
        if scale is None:
            mine.grad = node.grad = None
            node.scale = 0.0
        else:
            mine.grad *= scale
            node.grad = node.grad * scale

    @precondition(lambda self: len(self.pairs) > 4)
    @rule(pick=PICKS)
    def drop(self, pick):
        self.pairs.pop(pick % len(self.pairs))

    @rule(pick=PICKS)
    def look_back(self, pick):
        """Values that nobody holds any more are computed again."""
        for node in history(self.picked(pick)[0]):
            if node.function:
                again = CALLS[node.function].compute(*node.args, **node.kwargs)
                assert np.array_equal(again, node.value)

    @invariant()
    def values_and_gradients_are_the_same(self):
        for mine, node in self.pairs:
            assert (mine.shape, mine.dtype) == (node.value.shape, np.float64)
            assert np.array_equal(mine.data, node.value)
            assert (mine.grad is None) == (node.grad is None)
            if node.grad is not None:
                assert_close(mine.grad, node.grad, node.scale)

    @invariant()
    def data_cannot_be_written_into_and_grad_shares_memory_with_nothing(self):
        values = [mine.data for mine, _ in self.pairs]
        grads = [mine.grad for mine, _ in self.pairs if mine.grad is not None]
        assert not any(value.flags.writeable for value in values)
        assert all(gradient.flags.writeable for gradient in grads)
        for i, gradient in enumerate(grads):
            assert not any(np.shares_memory(gradient, other) for other in values + grads[:i])

    @invariant()
    def a_record_lives_as_long_as_its_twin(self):
        """The collector is off, and the twins hold no cycles: what nobody needs is gone at once."""
        assert all((mine() is None) == (twin() is None) for mine, twin in self.lives)

    @invariant()
    def no_mode_is_left_behind(self):
        assert context.mode.get() == context.Mode()


def test_the_engine_agrees_with_a_naive_one_whatever_is_done_in_whatever_order():
    run_state_machine_as_test(Machine, settings=settings(stateful_step_count=30))
