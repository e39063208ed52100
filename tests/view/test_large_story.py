"""The story of a large graph: it is cheap, and its steps can be told at any time, in any order."""

import gc
import tracemalloc
import weakref
from itertools import chain

import numpy as np
import pytest
import stories as told

import microbn as mb
from microbn import Tensor, nn, primitive
from microbn import functional as F
from microbn.testing.programs import program

MOST = 4000  # bytes for a value of the graph, in the story; and as many in writing its page


def products(values=2000):
    rng = np.random.default_rng(0)
    factors = [Tensor(factor) for factor in rng.normal(1, 0.01, 50)]
    node = Tensor(1.0, "x")
    for place in range(values):
        node = node * factors[place % 50]
    return node


def scalar_batch_norm():
    rng = np.random.default_rng(1)
    gamma, beta = (Tensor(rng.normal(size=4), name) for name in ("gamma", "beta"))
    out = F.batch_norm(mb.scalars(rng.normal(size=(45, 4)), "x"), gamma, beta)
    return np.sum(out * rng.normal(size=out.shape))


def net():
    rng = np.random.default_rng(2)
    layers = (
        nn.Sequential(nn.Linear(4, 4, rng=rng), nn.BatchNorm(4), nn.Tanh()) for _ in range(120)
    )
    return F.cross_entropy(nn.Sequential(*layers)(rng.normal(size=(6, 4))), [0, 1, 2, 3, 0, 1])


def peak(act):
    """Return the most bytes that Python and NumPy had during a call.

    It is the smaller of two, because Python enlarges its own tables once in a while.
    """
    peaks = []
    for _ in range(2):
        gc.collect()
        tracemalloc.start()
        kept = act()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        del kept
    return min(peaks)


@pytest.mark.parametrize("made", [products, scalar_batch_norm, net])
def test_a_story_takes_4_kilobytes_for_a_value(made):
    root = made()
    count = len(mb.story(root).graph.nodes)
    assert 1900 < count < 2300
    assert peak(lambda: mb.story(root)) < MOST * count


def test_writing_its_page_takes_as_little(tmp_path):
    story = mb.story(products(800))
    assert peak(lambda: story.save(tmp_path / "page.html")) < MOST * len(story.graph.nodes)


def test_only_the_last_steps_that_were_told_are_kept():
    story = mb.story(scalar_batch_norm())
    assert story[5] is story[5]
    alive = [weakref.ref(story[number].gradient) for number in range(-300, 0)]
    assert sum(gradient() is not None for gradient in alive) < 150


def everything(step):
    """Return all that a step says and holds, as text."""
    arrays = [step.gradient, *step.gradients.values(), *step.beside.values()]
    arrays += chain.from_iterable((p.product, p.gradient, p.earlier, p.total) for p in step.parts)
    numbers = [None if array is None else array.tolist() for array in arrays]
    words = (step.number, step.phase, step.nodes, step.edges, step.reads, step.code, step.math)
    parts = [(p.edge, p.receiver, p.rule, p.count, p.pattern, p.noise) for p in step.parts]
    return f"{step}\n{words}\n{parts}\n{numbers}"


@pytest.mark.parametrize("seed", range(10))
def test_steps_are_the_same_in_any_order(seed):
    made = program(seed)
    root = made.run([Tensor(array, f"v{i}") for i, array in enumerate(made.inputs)])
    rng = np.random.default_rng(seed)
    cotangent = rng.normal(size=root.shape)
    ahead = [everything(step) for step in mb.story(root, cotangent)]
    story = mb.story(root, cotangent)
    for number in rng.permutation(len(ahead)):
        assert everything(story[int(number)]) == ahead[number]


@pytest.mark.parametrize("made", [told.batch_norm, told.scalar_batch_norm, told.residual])
def test_what_is_known_at_a_step_is_what_the_steps_until_then_have_told(made):
    story = made()
    nodes, gradients = set(), {}
    for step in story:
        nodes.update(step.nodes)
        gradients.update(step.gradients)
        known, so_far = story.steps.known(step.number)
        assert known == nodes
        assert {id: array.tolist() for id, array in so_far.items()} == {
            id: array.tolist() for id, array in gradients.items()
        }


def changing():
    """Return a story of a user's function, and all that could be changed after it was told."""
    cubed = primitive(lambda x: x * x * x)
    mb.defvjp(cubed, lambda g, out, x: 3 * g * x * x)
    x, w = Tensor([1.0, -2.0], "x"), Tensor([0.5, 3.0], "w")
    by_hand = np.array([1.5, 12.25])
    middle = x * w
    story = mb.story(cubed(middle) + x, [0.5, 2.0], derived={"x": by_hand})
    return story, cubed, (x, w, middle), by_hand


def test_a_story_does_not_follow_what_is_changed_after_it():
    expected = [everything(step) for step in changing()[0]]
    story, cubed, (x, w, middle), by_hand = changing()
    mb.defvjp(cubed, lambda g, out, x: g / x)
    by_hand[:] = 7.0
    x.data, w.data = np.array([5.0, 6.0]), np.array([7.0, 8.0])
    x.name, middle.name = "renamed", "late"
    assert [everything(step) for step in story] == expected


def test_a_story_that_is_dropped_frees_its_graph_at_once():
    root = products()
    story, alive = mb.story(root), weakref.ref(root)
    gc.disable()
    try:
        str(story[len(story) - 1])
        story.steps.known(7)
        del root, story
        assert alive() is None
    finally:
        gc.enable()


def test_steps_are_counted_from_either_end_and_cut_like_a_tuple():
    story = told.fork()
    assert story[-1].number == len(story) - 1
    assert [step.number for step in story.steps[1:3]] == [1, 2]
    with pytest.raises(IndexError):
        story[len(story)]
