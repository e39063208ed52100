"""A story follows the engine's own sweep: its steps, its messages, and the sums that they make."""

import json
import re

import numpy as np
import pytest
from spoken import DY, batch_norm, told

import microbn as mb
from microbn import Tensor, closed_form, errors
from microbn.testing.programs import program


def test_each_gradient_told_is_the_one_derived_by_hand():
    y = batch_norm()
    story = mb.story(y, DY)
    x, gamma, beta = (node.value for node in story.graph.nodes[:3])
    by_hand = closed_form.backward_staged(DY, closed_form.forward(x, gamma, beta)[1])
    names = {node.id: node.name for node in story.graph.nodes}
    told = {names[id]: array for step in story for id, array in step.gradients.items()}
    for name, expected in by_hand.items():
        np.testing.assert_allclose(told[name], expected, rtol=0, atol=1e-12)


@pytest.mark.bits
@pytest.mark.parametrize("seed", range(20))
def test_backward_steps_are_the_engines_own_sweep(seed):
    made = program(seed)
    root = made.run([*map(Tensor, made.inputs)])
    cotangent = np.random.default_rng(seed).normal(size=root.shape)
    story = mb.story(root, cotangent)
    backward = [step for step in story if step.phase == "backward"]
    numbers = {node.id: node.number for node in story.graph.nodes}
    senders = [step for step in mb.sweep(root, cotangent) if step.node.function]
    for ours, engines in zip(backward, senders, strict=True):
        assert numbers[ours.nodes[0]] == engines.node.number
        assert np.array_equal(ours.gradient, engines.gradient)
        sent = [(numbers[p.receiver], np.asarray(p.gradient).tolist()) for p in ours.parts]
        assert sent == [
            (m.operand.number, np.asarray(m.gradient).tolist()) for m in engines.messages
        ]


@pytest.mark.bits
@pytest.mark.parametrize("seed", range(20))
def test_parts_add_up_to_the_gradient_and_are_counted(seed):
    made = program(seed)
    root = made.run([*map(Tensor, made.inputs)])
    cotangent = np.random.default_rng(seed).normal(size=root.shape)
    story = mb.story(root, cotangent)
    last = {part.receiver: part for step in story for part in step.parts}
    assert all(part.received == part.expected for part in last.values())
    ids = {node.number: node.id for node in story.graph.nodes}
    whole = {ids[step.node.number]: step.gradient for step in mb.sweep(root, cotangent)}
    for id, part in last.items():
        assert np.array_equal(part.total, whole[id])


def test_edges_of_messages_lead_from_the_receiver_to_the_sender():
    story = mb.story(batch_norm(), DY)
    edges = {edge.id: edge for edge in story.graph.edges}
    sent = [(step, part) for step in story for part in step.parts]
    assert len({part.edge for _, part in sent}) == len(sent)
    for step, part in sent:
        assert (edges[part.edge].source, edges[part.edge].target) == (part.receiver, *step.nodes)


def test_terms_of_parts_are_the_sum_at_the_receiver():
    story = mb.story(batch_norm(), DY)
    first, last = (part for step in story for part in step.parts if part.receiver == "n0")
    assert (first.count, [*first.terms()]) == ("1 of 2", ["gradient"])
    assert (last.count, [*last.terms()]) == ("2 of 2", ["earlier", "gradient", "total"])
    assert last.earlier is first.total
    _, to_beta = next(step.parts for step in story if step.parts)
    assert (to_beta.count, [*to_beta.terms()]) == ("", ["product", "gradient"])


def test_gradients_of_a_step_are_its_own_and_the_sums_that_it_reaches():
    story = mb.story(batch_norm(), DY)
    step = next(step for step in story if step.nodes == ("n4",) and step.parts)  # centered
    assert [*step.gradients] == ["n0", "n3", "n4"]
    assert step.gradients["n4"] is step.gradient
    assert story[0].gradients == {}


def test_story_refuses_what_a_sweep_refuses():
    with pytest.raises(errors.ShapeError, match="Pass the cotangent"):
        mb.story(batch_norm())
    with pytest.raises(errors.DTypeError, match="starts from a Tensor"):
        mb.story(3.0)


def test_story_touches_no_grad():
    x = Tensor(2.0)
    mb.story(x * x)
    assert x.grad is None


def test_a_root_that_sends_nothing_is_told():
    story = mb.story(np.where(Tensor(1.0, "x"), 1.0, 2.0))
    assert story[-1].sentence == (
        "The backward starts with d(where(x, 1.0, 2.0)) = 1, the gradient of where(x, 1.0, 2.0) "
        "itself: it goes no further."
    )
    assert "it goes no further" in json.dumps(story.data())


def test_parts_are_numbered_as_they_are_spoken():
    x = Tensor(1.0, "x")
    root = x * 1.0
    for _ in range(112):
        root = root + x
    said = " ".join(step.sentence for step in mb.story(root))
    numbers = ["first", "ninth", "10th", "11th", "12th", "13th", "21st", "22nd", "23rd", "24th"]
    for number in [*numbers, "101st", "102nd", "111th", "112th", "113th"]:
        assert f"x receives its {number} part" in said


def test_each_step_says_which_values_it_reads():
    story = mb.story(batch_norm(), DY)
    reads = {step.number: [story.names[id] for id in step.reads] for step in story}
    assert reads[7] == ["centered", "σ"]
    assert reads[5] == ["σ²"]  # the formula shows a constant number
    assert reads[10] == []  # the rule of a sum uses no values
    assert reads[11] == ["x̂", "γ"]
    assert reads[12] == ["σ", "x̂"]  # a rule may use the result, too
    assert reads[16] == ["centered"]


def test_messages_in_a_picture_go_against_the_arrow_even_from_closed_groups():
    with mb.scope("inside"):
        x = Tensor(2.0, "x")
        z = (x * x) * x
    story = mb.story(z + x)
    forward, backward = story.starts["forward"], story.starts["backward"]
    assert "penwidth=3" in story.drawing(forward + 2, depth=0).source
    closed = story.drawing(backward, depth=0).source
    against = r"dir=back id=e\d+ penwidth=3"
    assert len(re.findall(against, closed)) == 1
    assert len(re.findall(against, story.drawing(backward).source)) == 2


def test_replaced_leaf_is_told_with_the_value_that_was_seen():
    a = Tensor(2.0, "a")
    y = a * 3.0
    a.data = 50.0
    assert told(mb.story(y))[0] == "Given: a = 2."


def test_leaves_are_complete_in_the_step_that_sends_their_last_part():
    story = mb.story(batch_norm(), DY)
    assert {name for step in story if step.phase == "backward" for name in step.nodes} == {
        node.id for node in story.graph.nodes if node.function
    }
    leaves = [Tensor([1.0], f"v{i}") for i in range(6)]
    *_, last = mb.story(np.concatenate(leaves), np.ones(6))
    assert "6 gradients are complete: backward() adds each to a .grad." in last.sentence
