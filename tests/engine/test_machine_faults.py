"""The state machine of ``test_machine.py`` sees the faults that are planted in the engine."""

import functools
import inspect
import textwrap
from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from test_machine import Machine

import microbn as mb
from microbn import Tensor
from microbn.engine import backward, record, tensor
from microbn.engine import functions as primitives
from microbn.engine import mode as context
from microbn.engine.primitive import RULES

# Most faults show within 20 examples; the rest is for another version's draws.
QUICK = settings(
    max_examples=200,
    stateful_step_count=20,
    phases=[Phase.generate],
    derandomize=True,
    database=None,
    report_multiple_bugs=False,
)
# Wrong values and lifetimes, an error that does not come, one that comes, and 0 / 0.
SEEN = AssertionError, pytest.fail.Exception, mb.MicrobnError, RuntimeWarning


def rewritten(module, name, old, new):
    """A function of the engine with another expression in the place of one."""

    def plant(patch):
        function = getattr(module, name)
        source = textwrap.dedent(inspect.getsource(function))
        assert source.count(old), f"{name} does not say {old!r} any more: plant the fault anew"
        planted = {}
        exec(source.replace(old, new), inspect.unwrap(function).__globals__, planted)
        patch.setattr(module, name, planted[name])

    return plant


def replaced(module, name, new):
    return lambda patch: patch.setattr(module, name, new)


def together(*plants):
    return lambda patch: [plant(patch) for plant in plants]


def spoilt(function, position, spoil):
    """A rule whose result is spoilt."""

    def plant(patch):
        vjps = list(RULES[function])
        right = vjps[position]
        wrong = functools.wraps(right)(lambda *args, **kwargs: spoil(right(*args, **kwargs)))
        patch.setitem(RULES, function, (*vjps[:position], wrong, *vjps[position + 1 :]))

    return plant


def overwrite(leaf, new):
    """``p.data = ...`` into the array that the graphs hold."""
    if not leaf.shape:
        leaf.value = np.float64(new)
        return
    for array in (leaf.value.base, leaf.value):
        array.setflags(write=True)
    leaf.value[...] = new


# fmt: off
FAULTS = {
    "a rule 1.0005 times":
        spoilt(np.multiply, 1, lambda g: g * 1.0005),
    "a rule negated":
        spoilt(np.subtract, 1, lambda g: -g),
    "a rule left out":
        lambda patch: patch.setitem(RULES, np.subtract, (RULES[np.subtract][0], None)),
    "broadcasting undone by the mean":
        rewritten(backward, "_unbroadcast", ".sum(", ".mean("),
    "the last way to a node counts alone":
        rewritten(backward, "_send", "earlier + part", "part"),
    "nodes out of order":
        rewritten(backward, "_steps", "-heappop(numbers)", "-numbers.pop()"),
    "the last backward counts alone":
        rewritten(backward, "backward", "node.grad is None", "True"),
    "a .grad is the sweep's own array":
        rewritten(backward, "backward", "np.array(gradient)", "np.asarray(gradient)"),
    "two .grad are one array":
        together(rewritten(backward, "backward", "np.array(gradient)", "np.asarray(gradient)"),
                 replaced(backward, "shown", lambda value: value)),
    "retain_grads retains nothing":
        rewritten(backward, "backward", "retain_grads or ", ""),
    "every gradient is retained":
        rewritten(backward, "backward", "retain_grads or ", "True or "),
    "grad() leaves a .grad behind":
        rewritten(mb, "grad", "= gradient\n", "= gradient; node.grad = np.zeros(node.shape)\n"),
    "rules read a leaf as it is now":
        rewritten(backward, "_send", "node.args",
                  "[getattr(x, 'out', x) if getattr(x, 'function', x) is None else seen"
                  " for x, seen in zip(node.inputs, node.args)]"),
    "a replaced leaf goes unnoticed":
        rewritten(backward, "_send", "replaced(whole)", "False"),
    "new data is written into the old":
        replaced(Tensor, "data", Tensor.data.setter(overwrite)),
    "a leaf's data is not copied":
        replaced(tensor, "as_floats", lambda data, dtype: np.asarray(data, dtype)),
    "a constant is not copied":
        replaced(tensor, "operand", lambda array: array),
    "data can be written into":
        replaced(tensor, "read_only", np.array),
    "no_grad records":
        replaced(mb, "no_grad", nullcontext),
    "no_grad stays":
        rewritten(context, "_set_back", "mode.set(now", "(now"),
    "no_grad stays after an error":
        rewritten(context, "switched", "finally:", "except IndexError: raise\n    else:"),
    "a node holds itself":
        rewritten(tensor, "recorded", "for watch in", "node.scope = (node,)\n    for watch in"),
    "a value is computed again from the leaf as it is now":
        rewritten(record, "_drop_unread", 'getattr(x, "out", x) is None', 'hasattr(x, "out")'),
    "a constant holds what it was made from":
        rewritten(tensor, "recorded", "made.inputs = (value,)", "made.inputs = inputs"),
}
# fmt: on
DRIVEN = [
    *(np.add, np.subtract, np.multiply, np.divide, np.where, np.matmul, np.square, np.tanh),
    *(primitives.relu, np.sum, np.mean, np.max, np.reshape, np.transpose, primitives.getitem),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_machine_sees_a_planted_fault(fault, monkeypatch):
    FAULTS[fault](monkeypatch)
    with pytest.raises(SEEN):
        run_state_machine_as_test(Machine, settings=QUICK)


@pytest.mark.parametrize(
    ("function", "position"),
    [(f, i) for f in DRIVEN for i, vjp in enumerate(RULES[f]) if vjp],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_the_machine_sees_a_fault_in_every_rule_it_drives(function, position, monkeypatch):
    spoilt(function, position, lambda g: g * 1.0005)(monkeypatch)
    with pytest.raises(SEEN):
        run_state_machine_as_test(Machine, settings=QUICK)


def test_the_machine_has_nothing_to_say_where_nothing_was_planted(monkeypatch):
    """The planting itself is no fault: not a rule wrapped, not a function compiled again."""
    for function in DRIVEN:
        for position in (i for i, vjp in enumerate(RULES[function]) if vjp):
            spoilt(function, position, lambda g: g)(monkeypatch)
    for module, name in [
        *((backward, name) for name in ("_unbroadcast", "_steps", "_send", "backward")),
        *((mb, "grad"), (context, "switched"), (tensor, "recorded")),
    ]:
        rewritten(module, name, "=", "=")(monkeypatch)
    run_state_machine_as_test(Machine, settings=settings(QUICK, max_examples=50))
