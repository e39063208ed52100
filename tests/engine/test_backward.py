"""The sweep: its order, its sums, what it keeps apart, and what it costs in depth and memory."""

import gc
import weakref

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors
from microbn.engine import backward, functions
from microbn.engine.primitive import RULES
from microbn.reading.tape import history
from microbn.testing import assert_gradients

RNG = np.random.default_rng(0)


def test_fork_adds_up():
    x = Tensor(3.0)
    y = x * x + x * 2.0 + x
    y.backward()
    assert x.grad == 2 * 3 + 2 + 1


def test_steps_come_in_reverse_order_of_creation_each_once():
    x = Tensor(RNG.normal(size=(3, 2)), name="x")
    hidden = np.exp(x)
    root = (hidden * x + hidden).sum()
    numbers = [step.node.number for step in mb.sweep(root)]
    assert numbers == sorted(set(numbers), reverse=True)
    assert len(numbers) == 5


def test_an_edge_for_every_operand_position():
    x = Tensor(2.0)
    (step, _leaf) = mb.sweep(x * x)
    assert [(m.operand is x, m.position, float(m.gradient)) for m in step.messages] == [
        (True, 0, 2.0),
        (True, 1, 2.0),
    ]


@pytest.mark.bits
def test_message_shows_the_gradient_before_and_after_broadcasting_is_undone():
    x, row = Tensor(np.ones((2, 3))), Tensor(np.ones(3))
    g = RNG.normal(size=(2, 3))
    step = next(mb.sweep(x + row, g))
    assert np.array_equal(step.messages[1].product, g)
    assert np.array_equal(step.messages[1].gradient, g.sum(0))


def test_step_prints_as_sentences():
    x = Tensor(2.0, name="x")
    first, last = map(str, mb.sweep(x * 3.0))
    assert first == "multiply has gradient 1.\n  sends 3. to 'x' (leaf)"
    assert last == "'x' (leaf) has gradient 3."


@pytest.mark.parametrize("shape", [(2, 3), (1, 3), (3,), (2, 1), (1, 1), (1,), ()])
def test_unbroadcasting_left_out_is_rejected(shape, monkeypatch):
    arrays = RNG.normal(size=(2, 3)), RNG.normal(size=shape)
    assert_gradients(np.multiply, *arrays)
    monkeypatch.setattr(backward, "_fit", lambda product, value, node, position: product)
    if shape == (2, 3):
        assert_gradients(np.multiply, *arrays)
    else:
        with pytest.raises(AssertionError):
            assert_gradients(np.multiply, *arrays)


FLOATS = [np.float32, np.float64]


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("shape", [(), (3,), (2, 1)], ids=str)
@pytest.mark.parametrize("of_rule", FLOATS)
@pytest.mark.parametrize("own", FLOATS)
def test_gradient_has_the_dtype_of_its_operand_whatever_its_rule_gives(
    own, of_rule, shape, create_graph
):
    triple = mb.primitive(lambda x, y: 3 * x + 0 * y)
    mb.defvjp(triple, lambda g, out, x, y: (3 * g).astype(of_rule), None)
    x = Tensor(np.full(shape, 2.0), dtype=own)
    y = triple(x, np.zeros((2, 3), own))
    g = np.arange(6.0).reshape(2, 3)
    dx = mb.grad(y, x, g, create_graph=create_graph)
    assert (dx.dtype, dx.shape) == (own, shape)
    assert dx.sum().item() == 3 * g.sum()


@pytest.mark.parametrize("shape", [(), (3,)], ids=str)
def test_operands_of_two_dtypes_each_receive_their_own(shape):
    x, y = Tensor(np.full(shape, 2.0)), Tensor(np.full(shape, 3.0), dtype=np.float32)
    for one, other in ((x, y), (y, x)):
        first, second = mb.grad(one * other, [one, other], np.full(shape, 5.0))
        assert (first.dtype, second.dtype) == (one.dtype, other.dtype)
        assert (first / other.data == 5).all()
        assert (second / one.data == 5).all()


def test_gradients_add_up_over_backward_calls():
    x = Tensor([1.0, 2.0])
    (x * 3.0).sum().backward()
    (x * 4.0).sum().backward()
    assert x.grad.tolist() == [7, 7]


@pytest.mark.bits
def test_backward_twice_gives_the_same_gradients_again():
    x = Tensor(RNG.normal(size=4))
    y = np.exp(x).sum()
    y.backward()
    first, x.grad = x.grad, None
    y.backward()
    assert np.array_equal(x.grad, first)


def test_retain_grads_keeps_every_nodes_gradient():
    x = Tensor([1.0, 2.0])
    hidden = x * 3.0
    root = hidden.sum()
    root.backward()
    assert hidden.grad is None
    root.backward(retain_grads=True)
    assert hidden.grad.tolist() == [1, 1]
    assert root.grad == 1


def test_grad_is_an_array_that_shares_memory_with_nothing():
    x, y, cotangent = Tensor([1.0, 2.0]), Tensor([3.0, 4.0]), np.ones(2)
    (x + y).backward(cotangent)
    for array in (x.grad, y.grad):
        assert type(array) is np.ndarray
        array[0] = 99.0
    assert cotangent.tolist() == [1, 1]
    assert x.data.tolist() == [1, 2]
    assert (x.grad.tolist(), y.grad.tolist()) == ([99, 1], [99, 1])
    assert not np.shares_memory(x.grad, y.grad)
    scalar = Tensor(2.0)
    (scalar * 3.0).backward()
    assert type(scalar.grad) is np.ndarray


def test_sum_of_three_contributions_leaves_each_message_as_it_was():
    x = Tensor([1.0, 2.0])
    a, b, c = x * 2.0, x * 3.0, x * 4.0
    steps = list(mb.sweep(a + b + c, np.ones(2)))
    sent = [m.gradient.tolist() for s in steps for m in s.messages if m.operand is x]
    assert sent == [[4, 4], [3, 3], [2, 2]]
    assert steps[-1].gradient.tolist() == [9, 9]


def test_what_a_step_shows_cannot_be_written_into():
    x = Tensor([1.0, 2.0])
    for step in mb.sweep(x * x + x, np.ones(2)):
        shown = [array for m in step.messages for array in (m.product, m.gradient)]
        for array in (step.gradient, *shown):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 5.0


def test_array_that_a_primitive_or_a_rule_returns_is_still_the_users_and_falsifies_nothing():
    table, jacobian = np.array([1.0, 2.0]), np.array([3.0, 4.0])

    @mb.primitive
    def look_up(x):
        return table

    mb.defvjp(look_up, lambda g, out, x: jacobian)
    x = Tensor([0.0, 0.0])
    y = look_up(-x)
    root = (y * y).sum()
    assert mb.grad(root, x).tolist() == [-3, -4]
    table[0] = jacobian[0] = 5.0
    assert y.data.tolist() == [1, 2]
    assert mb.grad(root, y).tolist() == [2, 4]
    assert mb.grad(root, x).tolist() == [-5, -4]


def test_primitive_may_use_its_buffer_again_give_a_view_or_keep_what_it_gave():
    buffer, kept = np.zeros(2), []

    @mb.primitive
    def twice(x):
        return np.multiply(x, 2, out=buffer)

    @mb.primitive
    def part(x):
        return buffer[:]

    @mb.primitive
    def keeping(x):
        kept.append(x * 3)
        return kept[0]

    for function in (twice, part, keeping):
        mb.defvjp(function, lambda g, out, x: g)
    x = Tensor([1.0, 2.0])
    results = [twice(x), part(x), keeping(x)]
    before = [result.data.tolist() for result in results]
    buffer[:] = kept[0][:] = 9.0
    assert [result.data.tolist() for result in results] == before == [[2, 4], [2, 4], [3, 6]]


def test_nothing_flows_into_a_mask_whose_rule_would_fail():
    x = Tensor([1.0, 2.0, 3.0])
    assert mb.grad((x / (x > 0)).sum(), x).tolist() == [1, 1, 1]
    negative = Tensor([-1.0, 2.0])
    assert mb.grad((negative ** (negative < 0)).sum(), negative).tolist() == [1, 0]


def test_sweep_with_a_graph_sees_no_grad_when_it_is_consumed():
    x = Tensor(2.0)
    steps = mb.sweep(x**3, create_graph=True)
    with mb.no_grad(), pytest.raises(errors.GraphError, match=r"which no_grad\(\) forbids"):
        list(steps)


def test_one_rule_for_any_number_of_operands_is_told_their_positions():
    @mb.primitive
    def total(*xs):
        return sum(i * x for i, x in enumerate(xs))

    with pytest.raises(errors.RuleError, match=r"called as rule\(g, out, \*xs, position=0\)"):
        mb.defvjp(total, lambda g, out, *xs: [g for _ in xs])
    with pytest.raises(errors.RuleError, match=r"called as rule\(g, out, x, ...\)"):
        mb.defvjp(total, lambda g, out, x, *, position: g)
    mb.defvjp(total, lambda g, out, *xs, position: g * position)
    x, mask = Tensor([1.0, 2.0]), Tensor([1.0, 2.0]) > 1
    assert mb.grad(total(np.ones(2), x, mask, x), x, np.ones(2)).tolist() == [4, 4]


def test_results_of_grad_share_nothing():
    a, b, v = Tensor([1.0, 2.0]), Tensor([3.0, 4.0]), Tensor([1.0, 1.0])
    plain = mb.grad(a + b, [a, b], v.data)
    plain[0][0] = 9.0
    assert plain[1].tolist() == [1, 1]
    recorded = mb.grad(a + b, [a, b], v, create_graph=True)
    assert recorded[0] is not recorded[1]
    assert all(result is not v for result in recorded)
    with pytest.raises(errors.GraphError):
        recorded[0].data = [9.0, 9.0]


def test_tensor_as_cotangent_counts_as_its_values_unless_a_graph_is_wanted():
    x = Tensor([1.0, 2.0], dtype=np.float32)
    v = Tensor([1.0, 1.0])
    assert mb.grad(x * x, x, v).dtype == np.float32
    assert mb.grad(x * x, x, v, create_graph=True).dtype == np.float32


def test_gradient_with_a_graph_needs_recording():
    x = Tensor(2.0)
    y = x**3
    with mb.no_grad(), pytest.raises(errors.GraphError, match=r"which no_grad\(\) forbids"):
        mb.grad(y, x, create_graph=True)


def test_leaf_replaced_inside_a_sequence_is_seen():
    w = Tensor([1.0, 2.0], name="w")
    y = np.stack([w, w]).sum()
    w.data = [5.0, 5.0]
    with pytest.raises(errors.GraphError, match="'w'"):
        mb.grad(y, w, create_graph=True)


def test_history_is_in_order_of_creation():
    x, y = Tensor(1.0), Tensor(2.0)
    root = np.stack([x, y * x])[1]
    assert [n.function for n in history(root)] == [
        *(None, None, np.multiply, functions.stack, functions.getitem)
    ]


def test_grad_of_several_inputs_touches_no_grad_attribute():
    x, y, other = Tensor([1.0, 2.0]), Tensor([3.0, 4.0]), Tensor([5.0])
    hidden = x * y
    results = mb.grad(hidden.sum(), [x, y, hidden, other])
    assert [r.tolist() for r in results] == [[3, 4], [1, 2], [1, 1], [0]]
    assert x.grad is None


def test_gradient_with_a_graph_is_differentiated_again():
    x = Tensor(2.0)
    first = mb.grad(x**4, x, create_graph=True)
    second = mb.grad(first, x, create_graph=True)
    third = mb.grad(second, x)
    assert (first.item(), second.item(), third.item()) == (32, 48, 48)


def test_gradients_that_are_recorded_have_names_and_the_groups_of_the_forward():
    x = Tensor([1.0, 2.0], "x")
    with mb.scope("inner"):
        y = np.exp(x)
    mb.label({"y": y})
    first = mb.grad(y, x, [1.0, 1.0], create_graph=True)
    made = {node.name: node.scope for node in history(first) if node.name}
    assert made == {"x": (), "y": ("inner",), "d_y": (), "d_x": ("gradient", "inner")}
    second = mb.grad(first, x, [1.0, 1.0], create_graph=True)
    scopes = {node.scope for node in history(second)}
    assert ("gradient", "gradient", "inner") in scopes


def test_scope_is_what_it_was_after_a_rule_that_fails():
    x = Tensor(1.0)
    y = x * 2.0
    with pytest.raises(errors.ShapeError):
        mb.grad(y, x, [1.0, 2.0], create_graph=True)
    broken = mb.primitive(lambda x: 2 * x)
    mb.defvjp(broken, lambda g, out, x: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        mb.grad(broken(x), x, create_graph=True)
    assert (x * 2.0).scope == ()


def test_second_derivative_of_a_linear_function_is_zero():
    x = Tensor([1.0, 2.0])
    first = mb.grad((3.0 * x).sum(), x, create_graph=True)
    assert mb.grad((first * x.data).sum(), x).tolist() == [0, 0]


def test_gradient_with_a_graph_that_is_zero_can_be_differentiated_too():
    x, other = Tensor([1.0, 2.0]), Tensor([3.0])
    zero = mb.grad((x * x).sum(), other, create_graph=True)
    assert (zero.data.tolist(), mb.grad(zero, other).tolist()) == ([0], [0])
    by_x, by_mask = mb.grad(np.where(m := x > 1, x, 0).sum(), [x, m], create_graph=True)
    assert (by_x.data.tolist(), by_mask.data.tolist()) == ([0, 1], [0, 0])


def test_cotangent_may_itself_be_differentiated():
    x, v = Tensor([1.0, 2.0]), Tensor([3.0, 4.0])
    product = mb.grad(x * x, x, v, create_graph=True)  # 2 x v
    assert mb.grad(product.sum(), v).tolist() == [2, 4]


def test_leaf_replaced_since_the_forward_is_an_error_with_create_graph_only():
    w = Tensor([1.0, 2.0], name="w")
    y = (w * w).sum()
    w.data = [5.0, 5.0]
    assert mb.grad(y, w).tolist() == [2, 4]
    with pytest.raises(errors.GraphError, match="the data of 'w' \\(leaf\\) was replaced"):
        mb.grad(y, w, create_graph=True)


def test_chain_of_100_000_nodes_runs_backward_and_is_freed():
    gc.disable()
    try:
        x = node = Tensor(1.0)
        for i in range(100_000):
            node = node * 1.0
            if i == 50_000:
                middle = weakref.ref(node.record)
        node.backward()
        assert x.grad == 1
        assert middle() is not None
        del node
        assert middle() is None
    finally:
        gc.enable()


def test_chain_of_a_million_nodes_runs_forward_and_backward():
    x = node = Tensor(1.0)
    for _ in range(1_000_000):
        node = node * 1.0
    assert mb.grad(node, x) == 1


def test_one_tensor_used_100_000_times():
    x, total = Tensor(1.0), 0.0
    for _ in range(100_000):
        total = total + x
    assert mb.grad(total, x) == 100_000


def test_a_stack_adds_up_the_parts_of_10_000_uses():
    # Each of the n rules is given all n operands, so this costs n²: 100,000 take half a minute.
    x = Tensor(1.0)
    np.stack([x] * 10_000).sum().backward()
    assert x.grad == 10_000


def test_graphs_hold_no_cycles():
    gc.collect()
    gc.disable()
    try:
        x = Tensor(RNG.normal(size=(4, 3)), name="x")
        y = mb.functional.batch_norm(x, Tensor(np.ones(3)), Tensor(np.ones(3)))
        y.backward(RNG.normal(size=(4, 3)), retain_grads=True)
        mb.grad(mb.grad(y.sum(), x, create_graph=True).sum(), x)
        list(mb.sweep(y, np.ones((4, 3))))
        del y
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_dropping_the_root_frees_the_graph_with_the_collector_off():
    gc.disable()
    try:
        x = Tensor(RNG.normal(size=(4, 3)))
        hidden = np.exp(x) * x
        root = hidden.sum()
        root.backward(retain_grads=True)
        gradient = mb.grad(root, x, create_graph=True)
        refs = [weakref.ref(t.record) for t in (hidden, root, gradient)]
        del hidden, root, gradient
        assert [ref() for ref in refs] == [None] * 3
    finally:
        gc.enable()


def test_failure_in_a_rule_leaves_every_grad_as_it_was(monkeypatch):
    x, y = Tensor(1.0), Tensor(2.0)
    late = Tensor(3.0)
    root = np.exp(x * y) + late
    monkeypatch.setitem(RULES, np.multiply, (lambda *_: 1 / 0, lambda *_: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        root.backward()
    assert (x.grad, y.grad, late.grad) == (None, None, None)


def test_rules_cannot_write_into_what_they_are_given(monkeypatch):
    def greedy(g, out, x):
        g *= 2
        return g

    monkeypatch.setitem(RULES, np.negative, (greedy,))
    with pytest.raises(ValueError, match="read-only"):
        (-Tensor([1.0, 2.0])).backward(np.ones(2))


@pytest.mark.parametrize(
    ("root", "cotangent", "error", "message"),
    [
        (Tensor(1.0), None, errors.GraphError, "nothing here was recorded"),
        (Tensor([1.0, 2.0]) * 2, None, errors.ShapeError, r"has shape \(2,\). Pass the cotangent"),
        (Tensor([1.0, 2.0]) * 2, [1.0], errors.ShapeError, r"cotangent has shape \(1,\), multiply"),
        (Tensor(1.0) * 2, "1", errors.DTypeError, "the cotangent is an array of numbers, got '1'"),
        (Tensor([1.0]) > 2, None, errors.DTypeError, "holds bool: no gradient flows back"),
    ],
)
def test_sweeps_that_cannot_start(root, cotangent, error, message):
    with pytest.raises(error, match=message):
        mb.sweep(root, cotangent)
    with pytest.raises(error, match=message):
        root.backward(cotangent)


def test_second_derivative_without_create_graph_says_what_is_missing():
    x = Tensor(2.0)
    with pytest.raises(errors.DTypeError, match=r"not from ndarray; .*create_graph=True"):
        mb.grad(mb.grad(x**3, x), x)


def test_grad_wants_tensors():
    with pytest.raises(errors.DTypeError, match="grad: input 1 is a float"):
        mb.grad(Tensor(1.0) * 2, [Tensor(1.0), 2.0])
