"""`given_gradients`: property tests of gradients from a function and strategies."""

import inspect
import subprocess
import sys
from textwrap import dedent

import numpy as np
import pytest
from hypothesis import Phase, settings

from microbn import closed_form, errors
from microbn import functional as F
from microbn.testing import HandWritten, given_gradients
from microbn.testing.strategies import arrays, batches

VECTORS = {"gamma": lambda x: arrays(x.shape[1]), "beta": lambda x: arrays(x.shape[1])}
QUICK = settings(max_examples=100, phases=[Phase.generate], database=None, derandomize=True)


def by_hand(dy, x, gamma, beta):
    return closed_form.backward(dy, closed_form.forward(x, gamma, beta)[1])


@given_gradients(F.batch_norm, closed_form=by_hand, x=batches(), **VECTORS)
def test_batch_norm(x, gamma, beta):
    assert gamma.shape == beta.shape == x.shape[1:]
    np.testing.assert_allclose(F.batch_norm(x, gamma, beta).mean(0), beta, rtol=0, atol=1e-12)


@given_gradients(F.batch_norm, order=2, x=batches(), **VECTORS)
def test_second_derivatives_of_batch_norm(x, gamma, beta):
    pass


@given_gradients(HandWritten(closed_form.forward, closed_form.backward), x=batches(), **VECTORS)
def test_batch_norm_by_hand(x, gamma, beta):
    pass


def without_the_variance(dy, cache):
    dx = cache["gamma"] / cache["std"] * (dy - dy.mean(0))
    return dx, *closed_form.backward(dy, cache)[1:]


def test_a_wrong_backward_fails_with_inputs_and_report():
    @settings(QUICK, phases=[Phase.generate, Phase.shrink])
    @given_gradients(HandWritten(closed_form.forward, without_the_variance), x=batches(), **VECTORS)
    def property_test(x, gamma, beta):
        raise ZeroDivisionError("the body comes after the gradients")

    with pytest.raises(errors.GradientError, match="a path through a variance") as caught:
        property_test()
    notes = "\n".join(caught.value.__notes__)
    simplest = "array([[0.0625], [0.1875], [0.3125]])"
    assert simplest.replace(" ", "") in notes.replace(" ", "").replace("\n", "")
    assert "seed=0" in notes


def test_what_the_body_asserts_counts_too():
    @QUICK
    @given_gradients(np.exp, x=arrays((2,)))
    def property_test(x):
        assert x[0] < 1

    with pytest.raises(AssertionError, match="assert"):
        property_test()


def test_it_looks_like_the_test_it_decorates():
    @given_gradients(np.exp, x=arrays((2,)))
    def test_exp(x):
        """The exponential."""

    assert (test_exp.__name__, test_exp.__doc__) == ("test_exp", "The exponential.")
    assert not inspect.signature(test_exp).parameters


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "no inputs"),
        ({"x": np.ones(3)}, "x= is array.* it takes a strategy such as"),
        ({"x": lambda y: arrays(2)}, "x= depends on 'y', which is no input before it"),
        ({"z": arrays(2)}, r"<lambda>\(x\) cannot be called with z"),
    ],
)
def test_what_cannot_be_drawn_is_refused(inputs, message):
    with pytest.raises(errors.ArgumentError, match=message):
        given_gradients(np.exp, **inputs)(lambda x: None)()


def test_inputs_go_by_their_names_not_by_their_order():
    @QUICK
    @given_gradients(by_name, w=arrays((3, 2)), x=arrays((4, 3)))
    def property_test(x, w):
        pass

    property_test()
    with pytest.raises(errors.ArgumentError, match=r"by_name\(x, w\) cannot be called with x, v"):
        given_gradients(by_name, x=arrays((4, 3)), v=arrays((3, 2)))


def by_name(x, w):
    assert x.shape == (4, 3)
    return x @ w


def test_hypothesis_reads_the_constants_of_the_code_before_the_first_draw(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        dedent("""
        from hypothesis.internal.conjecture import providers
        from hypothesis.internal.constants_ast import Constants

        read = []
        providers.constants_from_module = lambda module: read.append(module) or Constants()

        import numpy as np
        from microbn.testing import given_gradients
        from microbn.testing.strategies import arrays

        given_gradients(np.exp, x=arrays(3))(lambda x: None)
        print("__main__" in [module.__name__ for module in read])
        """)
    )
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("True\n", "")
