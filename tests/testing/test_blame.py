"""Reports of the gradient checker: who is to blame, what is said, and what is refused."""

import io
import re

import numpy as np
import pytest

import microbn as mb
from microbn import closed_form, errors, nn
from microbn import functional as F
from microbn.engine.primitive import RULES
from microbn.testing import HandWritten, assert_gradients, gradcheck

RNG = np.random.default_rng(0)
X, GAMMA, BETA = RNG.normal(size=(8, 3)), RNG.normal(size=3), RNG.normal(size=3)
LAYER = HandWritten(closed_form.forward, closed_form.backward)


def net(dtype=np.float64):
    layers = [nn.Linear(4, 3, rng=0, dtype=dtype), nn.BatchNorm(3, dtype=dtype), nn.Tanh()]
    return nn.Sequential(*layers)


def test_the_suspect_is_the_node_whose_own_rule_fails_and_its_line_is_shown():
    mb.defvjp(np.sqrt, lambda g, out, x: g / out)

    def normalized(x):
        centered = x - x.mean(0)
        std = np.sqrt(np.square(centered).mean(0) + 1e-5)
        return centered / std

    report = gradcheck(normalized, X)
    assert report.suspect.node.function is np.sqrt
    assert report.suspect.node.line.file == __file__
    assert "std = np.sqrt(np.square(centered)" in str(report.suspect)
    assert str(report.suspect).endswith("its own rule, g / out, is off by 2.0000")


def test_the_suspect_tells_which_operand_is_wrong():
    mb.defvjp(np.multiply, lambda g, out, x, y: g * y, lambda g, out, x, y: -g * x)
    report = gradcheck(lambda x, y: np.tanh(x * y), X, X[::-1] + 1)
    assert "its own rule for operand 1, -g · x, is off by -1.0000" in str(report)


def test_the_suspect_names_the_layer_that_it_belongs_to():
    mb.defvjp(np.tanh, lambda g, out, x: g * (1 - out))
    assert "tanh in layers.2 (node " in str(gradcheck(net(), RNG.normal(size=(5, 4))))


def test_a_cut_path_is_blamed_where_all_rules_are_right():
    def detached(x):
        mean = F.stop_gradient(x.mean(0))
        return F.softmax(x - mean, axis=0) * mean  # softmax has a constant of its own, rightly

    report = gradcheck(detached, X)
    assert "x.mean(0)" in str(report.suspect)
    assert str(report.suspect).endswith(
        "the result depends on it, and nothing flows back through it"
    )


def test_inputs_of_one_name_are_told_apart():
    one, other = mb.Tensor([1.0, 2.0], "x"), mb.Tensor([[1.0, 2.0], [3.0, 4.0]], "x")
    report = gradcheck(lambda a, b: a * F.stop_gradient(b), one, other)
    assert "Hint for 'x (2)': it is 0 everywhere" in str(report)


def test_an_infinity_on_the_way_keeps_nobody_from_being_told():
    with np.errstate(all="ignore"):
        report = gradcheck(lambda x: 1 / np.exp(x + 800) + x * F.stop_gradient(x), np.ones(2))
    assert "Hint for 'x': it is not finite" in str(report)


def test_what_was_computed_under_no_grad_is_blamed():
    def f(x):
        with mb.no_grad():
            scale = np.exp(x)
        return x * scale

    report = gradcheck(f, X)
    assert "scale = np.exp(x)" in str(report.suspect)


LEFT = "all rules are right: a number left the graph (t.data, t.item()); it comes back as operand"


def out_of_the_graph(t):
    return getattr(t, "value", t)


def test_where_a_number_that_left_the_graph_comes_back_is_the_suspect():
    report = gradcheck(lambda x: x - out_of_the_graph(x.mean(0)), X)
    assert not report
    assert report.suspect.node.function is np.subtract
    assert report.suspect.why == f"{LEFT} 1, which follows 'x'"
    assert "the same all along axis 0" in str(report)


@pytest.mark.parametrize(
    ("f", "function", "why"),
    [
        (lambda x, y: x * np.exp(out_of_the_graph(y)) + y, np.multiply, "1, which follows 'y'"),
        (lambda x, y: mb.Tensor(2 * out_of_the_graph(x)) * y, np.multiply, "0, which follows 'x'"),
        (lambda x, y: x / np.abs(out_of_the_graph(x)).max() * y, np.divide, "1, which follows 'x'"),
    ],
)
def test_a_number_that_left_is_found_wherever_it_comes_back(f, function, why):
    report = gradcheck(f, X, X[::-1] + 0.5)
    assert report.suspect.node.function is function
    assert report.suspect.why == f"{LEFT} {why}"


def test_a_shift_that_left_the_graph_and_changes_nothing_is_not_blamed():
    def f(x):
        shifted = x - out_of_the_graph(np.max(x))  # as in softmax, which does not mind
        powers = np.exp(shifted)
        return powers / powers.sum() * out_of_the_graph(np.sum(x))

    report = gradcheck(f, X)
    assert report.suspect.node.function is np.multiply
    assert report.suspect.why.startswith(LEFT)


def test_a_number_that_left_is_not_blamed_for_a_wrong_rule():
    mb.defvjp(np.exp, lambda g, out, x: 2 * g * out)
    report = gradcheck(lambda x: np.exp(x) * out_of_the_graph(x.sum()), X)
    assert report.suspect.node.function is np.exp
    assert "own rule" in report.suspect.why


@pytest.mark.parametrize("function", [np.exp, np.subtract, np.sum, np.where])
def test_a_mask_of_infinities_hides_no_suspect(function):
    def attention(q, k):
        scores = np.where(np.tri(8) > 0, q @ k.T, -np.inf)
        powers = np.exp(scores - scores.max(1, keepdims=True))
        return powers / np.sum(powers, axis=1, keepdims=True)

    assert gradcheck(attention, X, X[::-1])
    right = RULES[function]
    wrong = [vjp and (lambda *args, vjp=vjp, **kwargs: 2 * vjp(*args, **kwargs)) for vjp in right]
    mb.defvjp(function, *wrong)
    report = gradcheck(attention, X, X[::-1])
    assert report.suspect.node.function is function
    assert "off by 2.0000" in report.suspect.why


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
    mine, graphs = re.search(r"is (\S+), that of the graph (\S+);", str(report)).groups()
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


class Dense:
    """A layer with a backward of its own."""

    def forward(self, x):
        return 2.0 * x

    def backward(self, dout):
        return 2.0 * dout


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


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: gradcheck(Dense, X), errors.DTypeError, "Dense is a class; check what it makes"),
        (lambda: gradcheck(nn.Tanh, X), errors.DTypeError, "Tanh is a class; check what it makes"),
        (lambda: gradcheck(np.exp, X, order=3), errors.ArgumentError, "order is 1 or 2, got 3"),
        (lambda: gradcheck(np.exp), errors.ArgumentError, "exp is given no inputs"),
        (
            lambda: gradcheck(F.batch_norm, X, GAMMA, BETA, eps=1e-3),
            errors.ArgumentError,
            r"eps= is no option of gradcheck; an input of batch_norm is given by position, or with"
            r"in a function: gradcheck\(lambda x: batch_norm\(x, eps=...\), x\)",
        ),
        (
            lambda: assert_gradients(LAYER, X, bn_param={}),
            errors.ArgumentError,
            "bn_param= is no option",
        ),
        (lambda: gradcheck("exp", X), errors.DTypeError, "not 'exp'"),
        (lambda: gradcheck(np.exp, X.astype(complex)), errors.DTypeError, "input 0 of exp holds c"),
        (lambda: gradcheck(np.exp, [1, 2]), errors.DTypeError, "floats: write 1.0, not 1"),
        (
            lambda: gradcheck(np.add, X, np.full(3, np.inf)),
            errors.NonFiniteError,
            "keep a mask out",
        ),
        (lambda: gradcheck(np.exp, "text"), errors.DTypeError, "input 0 of exp holds"),
        (lambda: gradcheck(np.exp, np.array([np.nan])), errors.NonFiniteError, "is not finite"),
        (lambda: gradcheck(np.log, np.array([-1.0])), errors.NonFiniteError, "log gives nan at"),
        (
            lambda: gradcheck(lambda x: (x, 1), X),
            errors.DTypeError,
            "tuple of Tensor and int. A la",
        ),
        (
            lambda: gradcheck(lambda x: None, X),
            errors.RuleError,
            "<lambda> is unfinished: it gives",
        ),
        (
            lambda: gradcheck(lambda x: x.item(), np.array(2.0)),
            errors.GraphError,
            "gives float, although",
        ),
        (lambda: gradcheck(LAYER, X, GAMMA, BETA, order=2), errors.ArgumentError, "needs a graph"),
        (lambda: gradcheck(net(np.float32), X[:, [0, 1, 2, 0]]), errors.DTypeError, "is float32"),
        (
            lambda: gradcheck(HandWritten(np.exp, lambda dy, c: dy), X),
            errors.RuleError,
            "forward gives a pair",
        ),
        (
            lambda: gradcheck(HandWritten(lambda x: (x, x), lambda dy, c: (dy, dy)), X),
            errors.RuleError,
            "backward gave 2 gradients for 1 inputs",
        ),
        (
            lambda: gradcheck(np.exp, lambda dy: dy, X),
            errors.DTypeError,
            "input 0 of exp is a func",
        ),
        (lambda: gradcheck(np.exp, [[1.0], [1.0, 2.0]]), errors.ShapeError, "input 0 of exp is no"),
        (lambda: gradcheck(np.exp, X, seed=-1), errors.ArgumentError, "seed is an integer from 0"),
        (lambda: gradcheck(np.exp, X, closed_form=3), errors.DTypeError, "closed_form is a func"),
        (
            lambda: gradcheck(HandWritten(lambda x: (x, x), lambda dy, c: None), X),
            errors.RuleError,
            "backward gave None; return a tuple, one for each input: <lambda> is unfinished",
        ),
        (
            lambda: gradcheck(HandWritten(lambda x: (x, x), lambda dy, c: {"x": dy}), X),
            errors.RuleError,
            "backward gave a dict; return a tuple",
        ),
        (lambda: gradcheck(lambda x: np.sinh(x), X), errors.RuleError, "np.sinh has no gradient"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_cannot_be_checked_is_refused(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
