"""The report of the gradient checker: its sentences, its table and its picture."""

import io
import re
from dataclasses import replace

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


def at(level, f=None, *inputs):
    """Check by_wrong, or another function, at a level of hints."""
    f = f or HandWritten(closed_form.forward, by_wrong)
    return gradcheck(f, *(inputs or (X, GAMMA, BETA)), hints=level)


def test_level_0_is_the_verdict_level_1_where_and_level_2_why():
    title = "gradcheck of HandWritten(forward, by_wrong): "
    assert str(at(0)) == f"{title}wrong"
    where, again = str(at(1)).splitlines()
    assert where.startswith(f"{title}input 'x' [")
    assert where.endswith("; 24 of 24 entries differ")
    assert "ratio" not in where
    assert again.endswith("x, gamma, beta, hints=1, seed=0)")
    assert "(ratio 2); 24 of 24 entries differ\n  Hint for 'x': every entry is 2 times" in str(
        at(2)
    )
    assert str(at(2)) == str(gradcheck(HandWritten(closed_form.forward, by_wrong), X, GAMMA, BETA))
    assert [at(level).hints() for level in (0, 1)] == [{}, {}]
    assert [bool(at(level)) for level in (0, 1, 2)] == [False] * 3


def test_the_verdict_of_level_0_is_right_wrong_or_neither():
    assert str(at(0, LAYER)) == "gradcheck of HandWritten(forward, backward): right"
    assert str(at(1, LAYER)) == str(at(2, LAYER))
    said = [
        str(at(0, HandWritten(forward, lambda dy, c: dy * 2), X)).rpartition(": ")[2]
        for forward in (
            lambda x: (x * 2, None),
            lambda x: (np.floor(x) + 2 * x, None),
            lambda x: (x + RNG.normal(size=x.shape), None),
        )
    ]
    assert said == ["right", "right", "it cannot be checked as it stands"]
    jump = HandWritten(lambda x: (np.floor(x), None), lambda dy, c: 0 * dy)
    assert str(at(0, jump, np.array([1.0, 2.5]))).endswith(": inconclusive")
    shape = HandWritten(lambda x: (x * 2, None), lambda dy, c: 2 * dy[0])
    assert str(at(0, shape, X)).endswith(": wrong")


def test_below_level_2_a_suspect_is_a_place_and_a_fault_has_no_reason():
    mb.defvjp(np.sqrt, lambda g, out, x: g / out)
    full, place = (at(level, F.batch_norm).suspect for level in (2, 1))
    assert str(full) == f"{place.place()}: its own rule, g / out, is off by a factor of 2"
    said = str(at(1, F.batch_norm))
    assert f"\n  Suspect: {place.place()}\n" in said
    assert "rule" not in said
    writes = HandWritten(lambda x: (2 * x, None), lambda dy, c: np.multiply(dy, 2, out=dy))
    said = [str(at(level, writes, X)).splitlines()[0] for level in (1, 2)]
    assert said[1] == f"{said[0]}; let it work on a copy"


def test_the_columns_of_the_table_are_explained_below_it_and_level_0_has_no_table():
    rich = pytest.importorskip("rich.console")
    texts = []
    for report in (at(0), at(1), at(2), at(1, F.relu, np.array([0.0, 1.0]))):
        console = rich.Console(width=100, file=io.StringIO())
        console.print(report)
        texts.append(console.file.getvalue())
    assert texts[0].splitlines() == ["gradcheck of HandWritten(forward, by_wrong): wrong"]
    for text in texts[1:]:
        below = text.split("┘\n")[1]
        assert below.startswith("off by: how far the gradient is, at most, from the slope that fin")
        assert "\n± bar: how far that slope itself may be off; " in below
    assert ["\nkinks: points with a slope on each side" in text for text in texts] == [0, 0, 0, 1]


@pytest.mark.parametrize("level", [3, -1, "why", 1.0, None])
def test_a_level_of_hints_is_0_1_or_2(level):
    with pytest.raises(errors.ArgumentError, match=r"hints is 0 \(the verdict\), 1 \(and where\)"):
        at(level)


def test_a_hint_of_dout_says_what_dout_is_to_somebody_who_wrote_no_backward():
    mb.defvjp(F.relu, lambda g, out, x: g * np.where(x < 0, 1, x > 0))
    said = str(gradcheck(F.relu, X))
    assert "Hint for 'x': dout is handed on where x < 0, and should be stopped there\n" in said
    assert "\n  (dout is the gradient of the output, which the check draws)\n" in said


def test_of_a_second_derivative_nothing_is_said_in_the_words_of_a_layer():
    cubed = mb.primitive(lambda x: x**3)
    mb.defvjp(cubed, lambda g, out, x: g * 3 * x * F.stop_gradient(x))
    report = gradcheck(cubed, X[0], order=2)
    assert report.order == 2
    assert report.hints()["x"].startswith("every entry is 0.5 times what it should be")
    mb.defvjp(F.relu, lambda g, out, x: g * np.where(x < 0, 1, x > 0))
    assert "dout" in gradcheck(F.relu, X).hints()["x"]
    assert replace(gradcheck(F.relu, X), order=2).hints() == {}
    softmax = HandWritten(lambda x: (F.softmax(x, axis=1), x), lambda dy, x: dy * x)
    assert gradcheck(softmax, X).hints()["x"].startswith("each row of softmax's gradient sums to")
    second = replace(gradcheck(softmax, X), order=2)
    assert second.hints() == {"x": "each row of it should sum to 0, and does not"}


def test_at_a_kink_no_right_slope_is_taken_for_an_error_and_no_wrong_one_is_explained():
    x = np.array([[0.0, -1.0, -2.0, 3.0], [1.0, 2.0, -3.0, 0.0]])
    share = np.ones(x.shape)  # of dout; where x is 0, any from 0 to 1 is right
    hint = {"x": "dout is handed on where x < 0, and should be stopped there"}
    layer = HandWritten(lambda x: (np.maximum(x, 0), None), lambda dy, _: dy * share)
    assert gradcheck(layer, x).hints() == hint
    x = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 0.5]])
    doubled = HandWritten(lambda x: (np.abs(x), x), lambda dy, x: dy * np.where(x == 0, 2, 1))
    report = gradcheck(doubled, x)
    assert (report.inputs[0].wrong == (x == 0)).all()
    assert report.hints() == {}
