"""Names: what functional.py computes is called what its variables are called."""

import inspect
import traceback

import numpy as np
import pytest

from microbn import Tensor, label, scalars
from microbn import functional as F
from microbn.engine.names import labelled
from microbn.reading.tape import history

X = np.random.default_rng(0).normal(size=(4, 3))
OF_MOMENTS = ["mean", "centered", "square", "var"]
NAMES = {
    "moments": (F.moments, OF_MOMENTS),
    "normalize": (lambda x: F.normalize(x, x * x), ["std", "x_hat"]),
    "affine": (lambda x: F.affine(x, np.ones(3), np.ones(3)), ["scaled", "y"]),
    "affine without beta": (lambda x: F.affine(x, np.ones(3), None), ["y"]),
    "softmax": (F.softmax, ["largest", "shifted", "powers", "total"]),
    "cross_entropy": (
        lambda x: F.cross_entropy(x, [0, 1, 2, 1]),
        ["largest", "shifted", "log_p", "loss"],
    ),
    "batch_norm": (
        lambda x: F.batch_norm(x, np.ones(3), np.ones(3)),
        [*OF_MOMENTS, "std", "x_hat", "scaled", "y"],
    ),
}


def named(results):
    roots = results if isinstance(results, (tuple, list)) else [results]
    return {node.name for node in history(*roots)} - {None}


@pytest.mark.parametrize("function", NAMES)
def test_tensors_are_named_after_the_variables_of_the_formula(function):
    f, names = NAMES[function]
    assert named(f(Tensor(X, "mine"))) == {"mine", *names}
    assert named(f(Tensor(X))) == {*names}  # an argument stays without a name


def test_a_mean_of_float32_is_the_offset_and_a_correction():
    nodes = history(*F.moments(Tensor(X, dtype=np.float32)))
    assert [node.name for node in nodes if node.name] == [
        *("rough_mean", "offset", "shifted", "correction", "mean", "centered", "square", "var")
    ]


def test_entries_are_named_with_their_index():
    y = F.batch_norm(scalars(X, "mine"), np.ones(3), np.ones(3))
    assert [t.name for t in y[0]] == ["y[0, 0]", "y[0, 1]", "y[0, 2]"]
    assert {"mine[3, 2]", "mean[0, 2]", "x_hat[3, 0]"} <= named([*y[3]])


def test_an_object_array_of_no_axes_stays_without_a_name():
    box = np.empty((), object)
    box[()] = Tensor(1.0)
    label({"box": box})
    assert box[()].name is None


def test_a_labelled_function_stands_where_it_was_written():
    source, first = inspect.getsourcelines(F.normalize)
    with pytest.raises(TypeError) as caught:
        F.normalize("abc", 1.0)
    frame = traceback.extract_tb(caught.tb)[-1]
    assert (frame.filename, frame.line) == (F.__file__, "x_hat = centered / std")
    lines = [line for *_, line in F.normalize.__code__.co_lines()]
    assert set(lines) <= set(range(first, first + len(source)))
    assert lines.count(first) == 1  # nothing but the call itself stands at the decorator
    assert F.normalize.__doc__.startswith("Return ``centered")


def test_a_function_without_its_source_stays_as_it_is():
    made = {}
    exec("def double(x):\n    y = x + x\n    return y", made)
    assert labelled(made["double"]) is made["double"]
    assert made["double"](Tensor(1.0)).name is None


@labelled
def doubled(x, *, seen):
    first = second = x + x
    seen += [first, second]
    if seen:
        return


def test_the_variable_that_comes_first_names_what_two_variables_hold():
    doubled(Tensor(1.0), seen=(seen := []))
    assert seen[0].name == "first"
