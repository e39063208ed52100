"""Programs run in several threads, in a forked process and within themselves; and Python cannot
decide anything by values while a function is compiled.
"""

import multiprocessing
import sys
import threading

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors
from microbn.program.compile import PASSES, compile

X = np.arange(1.0, 13).reshape(4, 3)


def repeated(x):
    for _ in range(20):
        x = np.tanh(x * 1.01) + 0.1 * x
    return np.sum(x)


@pytest.mark.bits
def test_threads_that_share_a_program_get_right_results():
    program = compile(repeated, Tensor(X))
    inputs = [X + i for i in range(4)]
    expected = [program(x) for x in inputs]
    wrong, start = [], threading.Barrier(4)

    def work(i):
        start.wait()
        for _ in range(300):
            value, (gradient,) = program(inputs[i])
            if value != expected[i][0] or not np.array_equal(gradient, expected[i][1][0]):
                wrong.append(i)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert wrong == []


@mb.primitive
def watched(x):
    """Return x, and do first what a test asks for."""
    while doing:
        doing.pop()()
    return x * 1


doing = []


@pytest.fixture(autouse=True)
def _with_a_rule():
    mb.defvjp(watched, lambda g, out, x: g)


def test_a_program_that_calls_itself_is_told_so_and_goes_on_working():
    program = compile(lambda x: np.sum(watched(x * 2)), Tensor(X))
    doing.append(lambda: program(X))
    with pytest.raises(errors.GraphError, match=r"it is running, and one of its own calls"):
        program(X)
    assert program(X)[0] == 2 * X.sum()


def test_another_program_may_run_within_one():
    outer, inner = (compile(lambda x: np.sum(watched(x * 2)), Tensor(X)) for _ in range(2))
    results = []
    doing.append(lambda: results.append(inner(X + 1)[0]))
    assert (outer(X)[0], results) == (2 * X.sum(), [2 * (X + 1).sum()])


def test_an_exception_lets_a_program_go():
    program = compile(lambda x: np.sum(watched(x)), Tensor(X))

    def fail():
        raise KeyboardInterrupt

    for _ in range(2):
        doing.append(fail)
        with pytest.raises(KeyboardInterrupt):
            program(X)
    results = []
    thread = threading.Thread(target=lambda: results.append(program(X)[0]))
    thread.start()
    thread.join(timeout=60)
    assert results == [X.sum()]


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="nothing forks")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # threads and forks meet here on purpose
def test_a_process_forked_while_another_thread_runs_a_program_can_run_it():
    program = compile(lambda x: np.sum(watched(x * 2)), Tensor(X))
    inside, go_on = threading.Event(), threading.Event()
    doing.append(lambda: (inside.set(), go_on.wait()))
    thread = threading.Thread(target=lambda: program(X))
    thread.start()
    inside.wait()
    fork = multiprocessing.get_context("fork")
    queue = fork.SimpleQueue()
    child = fork.Process(target=lambda: queue.put(float(program(X + 1)[0])))
    child.start()
    child.join(timeout=60)
    alive = child.is_alive()
    if alive:
        child.kill()
    go_on.set()
    thread.join()
    assert not alive
    assert queue.get() == 2 * (X + 1).sum()


# A decision that Python makes while f runs would be made for good.


def loop(x):
    loss = np.sum(x)
    while loss > 1:
        loss = loss / 2
    return loss


BRANCHES = {
    "if of an entry": lambda x: x * 2 if x[0, 0] > 0 else x * 3,
    "if of one number": lambda x: x * 2 if np.sum(x) else x * 3,
    "while": loop,
    "not": lambda x: x * (not np.sum(x)),
    "and": lambda x: x * 2 if (x[0, 0] > 0 and x[0, 1] > 0) else x,
    "max of a list": lambda x: max(list(x[0])) * x,
    "min of a row": lambda x: min(x[0]) * x,
    "sorted": lambda x: sorted(x[0])[0] * x,
    "in": lambda x: x * 2 if 3.0 in list(x[0]) else x,
    "item": lambda x: x * np.sum(x).item(),
    "a branch on item": lambda x: x * 2 if np.sum(x).item() > 1 else x,
    "bool": lambda x: x * bool(np.sum(x)),
}
NUMBERS = {
    "float": lambda x: x * float(np.sum(x)),
    "int": lambda x: x * int(np.sum(x)),
}


@pytest.mark.parametrize("f", BRANCHES.values(), ids=BRANCHES)
def test_what_python_would_decide_by_values_is_refused(f):
    for examples in ([Tensor(X)], [X]):  # data is not constant either
        with pytest.raises(errors.GraphError, match="compile"):
            compile(f, *examples, gradients=False)


@pytest.mark.parametrize("f", NUMBERS.values(), ids=NUMBERS)
def test_a_number_does_not_leave_what_is_compiled(f):
    with pytest.raises(errors.MicrobnError, match=r"in passing|compile: f asks"):
        compile(f, Tensor(X), gradients=False)


def test_shapes_and_what_is_decided_by_them_are_no_values():
    f = lambda x: x * 2 if len(x) > 3 and x.shape[1] == 3 and x.ndim == 2 else x  # noqa: E731
    assert np.array_equal(compile(f, X, gradients=False)(X), 2 * X)


WRAPPING = {
    "its sign": lambda u, i: np.sum(np.exp(-(u * i) / 100)),
    "a number": lambda u, i: np.sum((u * i) * 200),
    "a large number": lambda u, i: np.sum((u * i) * 300),
    "rows": lambda u, i: np.sum((u * i) * (u * i), axis=0).sum(),
    "a product": lambda u, i: np.sum(u * (i * i * 200)),
    "a mask": lambda u, i: np.sum(-(u * (u > 0.5)) * i),
}


@pytest.mark.parametrize("name", WRAPPING)
def test_integers_are_multiplied_as_the_engine_multiplies_them(name):
    u, i = Tensor([[1.0, 0.5, 2.0], [3.0, 1.0, 0.25]]), np.array([100, 20, 3], np.uint8)
    y = WRAPPING[name](u, i)
    value, (slopes,) = compile(WRAPPING[name], u, i)(u.data, i)
    assert value == pytest.approx(y.data, rel=1e-12)
    assert slopes == pytest.approx(mb.grad(y, u), rel=1e-12)


def test_a_rule_may_give_an_axis_by_position():
    doubled = mb.primitive(lambda x: np.stack([x, 2 * x]))
    mb.defvjp(doubled, lambda g, out, x: (g * np.array([[1.0], [2.0]])).sum(0))
    x = Tensor([1.0, 2.0, 3.0])
    _, (slopes,) = compile(lambda x: np.sum(doubled(x) ** 2), x)(x.data)
    assert slopes.tolist() == [10, 20, 30]


@pytest.mark.parametrize("passes", [(), PASSES], ids=["no passes", "all passes"])
def test_a_result_that_its_function_keeps_is_copied(passes):
    kept = np.empty(())
    total = mb.primitive(lambda x: np.sum(x, out=kept))
    mb.defvjp(total, lambda g, out, x: np.broadcast_to(g, x.shape))
    x, y = Tensor([1.0]), Tensor([5.0])
    value, _ = compile(lambda x, y: total(x) * total(y), x, y, passes=passes)(x.data, y.data)
    assert value == 5
