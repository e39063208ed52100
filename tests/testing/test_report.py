"""The report of the gradient checker: its sentences, its table and its picture."""

import io
import re

import numpy as np
import pytest

import microbn as mb
from microbn import closed_form, errors
from microbn import functional as F
from microbn.testing import HandWritten, assert_gradients, gradcheck

RNG = np.random.default_rng(0)
X, GAMMA, BETA = RNG.normal(size=(8, 3)), RNG.normal(size=3), RNG.normal(size=3)
LAYER = HandWritten(closed_form.forward, closed_form.backward)


def test_the_message_says_how_to_see_it_again():
    report = gradcheck(HandWritten(closed_form.forward, by_wrong), X, GAMMA, BETA, seed=5)
    again = "gradcheck(HandWritten(forward, by_wrong), x, gamma, beta, seed=5)"
    assert str(report).endswith(f"Again: {again}")
    assert f"of {X.size} entries differ" in str(report)
    assert "(ratio 2); " in str(report)


def by_wrong(dy, cache):
    dx, dgamma, dbeta = closed_form.backward(dy, cache)
    return 2 * dx, dgamma, dbeta


@pytest.mark.parametrize("off", [1e-5, 3e-6])
def test_a_small_difference_is_printed_with_as_many_digits_as_show_it(off):
    report = gradcheck(HandWritten(lambda x: (x**2, x), lambda dy, x: 2 * x * dy * (1 + off)), X)
    analytic, numeric, ratio = re.search(
        r"analytic (\S+), numeric (\S+) ± .* \(ratio (\S+)\)", str(report)
    ).groups()
    assert float(analytic) / float(numeric) == pytest.approx(1 + off, rel=off / 5)
    assert float(ratio) == pytest.approx(1 + off, rel=off / 5)
    mb.defvjp(np.exp, lambda g, out, x: g * out * (1 + off))
    why = gradcheck(np.exp, X).suspect.why
    assert float(why.rpartition(" ")[2]) == pytest.approx(1 + off, rel=off / 5)


def test_a_closed_form_that_is_hardly_off_is_printed_so_that_it_shows():
    report = gradcheck(np.exp, X, closed_form=lambda dy, x: dy * np.exp(x) * (1 + 1e-8))
    mine, graphs = re.search(r"is (\S+), that of the graph is (\S+);", str(report)).groups()
    assert mine != graphs


def test_the_slopes_on_both_sides_of_a_kink_are_told_from_the_gradient():
    mb.defvjp(F.relu, lambda g, out, x: g * np.where(x == 0, 1 + 1e-5, x > 0))
    said = str(gradcheck(F.relu, np.array([0.0, 1.0])))
    analytic, low, high = re.search(
        r"analytic (\S+), numeric between (\S+) and (\S+) ±", said
    ).groups()
    assert analytic not in (low, high)


def test_assert_gradients_raises_an_assertion_error_with_the_report():
    assert_gradients(F.batch_norm, X, GAMMA, BETA, order=2)
    with pytest.raises(
        AssertionError, match=r"gradcheck of HandWritten\(forward, by_wrong\): input 'x' \["
    ) as caught:
        assert_gradients(HandWritten(closed_form.forward, by_wrong), X, GAMMA, BETA)
    assert isinstance(caught.value, errors.GradientError)


def test_the_report_is_a_table_and_a_picture():
    rich = pytest.importorskip("rich.console")
    mb.defvjp(np.sqrt, lambda g, out, x: g / out)
    report = gradcheck(F.batch_norm, X, GAMMA, BETA)
    console = rich.Console(width=100, record=True, file=io.StringIO())
    console.print(report)
    text = console.export_text()
    assert "differs" in text
    assert "Suspect: sqrt" in text
    assert report.draw().source.count("#f4a09a") == 1


HOSTILE = {"[/b]x": "[/b]x", "w[out]": "w[out]", "\x1b[31mw": r"\x1b[31mw", "\u202ew": r"\u202ew"}


@pytest.mark.parametrize(("name", "shown"), HOSTILE.items())
def test_names_in_a_report_are_shown_and_not_obeyed(name, shown):
    rich = pytest.importorskip("rich.console")

    def f(x):
        return F.stop_gradient(x) * 2.0

    f.__name__ = name
    report = gradcheck(f, mb.Tensor(X, name))
    console = rich.Console(width=200, file=io.StringIO(), force_terminal=True, color_system=None)
    console.print(report)
    printed = console.file.getvalue()
    assert f"gradcheck of {shown}" in printed.splitlines()[0]
    assert f"│ {shown} " in printed
    for text in (printed, str(report), repr(report)):
        assert shown in text
        assert all(c.isprintable() or c == "\n" for c in text)


def test_the_report_loses_no_word_on_a_narrow_terminal():
    rich = pytest.importorskip("rich.console")
    console = rich.Console(width=60, record=True, file=io.StringIO())
    report = gradcheck(HandWritten(closed_form.forward, by_wrong), X, GAMMA, BETA)
    console.print(report)
    assert " ".join(str(report).split()) in " ".join(console.export_text().split())


def test_a_graph_that_is_right_can_be_drawn_too_but_not_what_has_none():
    assert "#f4a09a" not in gradcheck(np.exp, X).draw().source
    with pytest.raises(errors.GraphError, match="has no graph to draw"):
        gradcheck(LAYER, X, GAMMA, BETA).draw()
