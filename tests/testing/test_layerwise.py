"""Hints in a layer's own words, on mistakes that people make; and no hint says anything untrue."""

import re
from functools import wraps
from inspect import signature

import mistakes
import numpy as np
import pytest

import microbn as mb
from microbn.testing import HandWritten, gradcheck

N, C, SEEDS = 8, 4, range(3)
FIRST_ROW_0 = np.minimum(np.arange(N), 1)[:, None]
MASK = np.random.default_rng(5).random((N, C)) < 0.5


def softmax(x):
    powers = np.exp(x - x.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def norm(x, axis=0, ddof=0):
    std = np.sqrt(x.var(axis, ddof=ddof, keepdims=True) + 1e-5)
    return (x - x.mean(axis, keepdims=True)) / std, std


def norm_dx(d, x, axis=0, mean=True, variance=True, of=None):
    """The gradient of a norm, with or without the paths through its mean and its variance."""
    h, std = norm(x, axis)
    paths = mean * d.mean(axis if of is None else of, keepdims=True)
    return (d - paths - variance * h * (d * h).mean(axis, keepdims=True)) / std


def unbiased_dx(d, h, std, count=N - 1):
    return (d - d.mean(0) - h * (d * h).sum(0) / count) / std


W = np.random.default_rng(6).normal(size=(C, C))
# Each layer: its forward, and the right gradient of each input.
LAYERS = {
    "relu": (lambda x: np.maximum(x, 0), {"x": lambda d, x: d * (x > 0)}),
    "leaky": (
        lambda x: np.where(x > 0, x, 0.1 * x), {"x": lambda d, x: d * np.where(x > 0, 1, 0.1)},
    ),
    "abs": (lambda x: np.abs(x), {"x": lambda d, x: d * np.sign(x)}),
    "clip": (lambda x: np.clip(x, -1, 1), {"x": lambda d, x: d * (np.abs(x) < 1)}),
    "mask": (lambda x: x * MASK / 0.5, {"x": lambda d, x: d * MASK / 0.5}),
    "tanh": (lambda x: np.tanh(x), {"x": lambda d, x: d * (1 - np.tanh(x) ** 2)}),
    "sigmoid": (lambda x: sigmoid(x), {"x": lambda d, x: d * sigmoid(x) * (1 - sigmoid(x))}),
    "exp": (lambda z: np.exp(z), {"z": lambda d, z: d * np.exp(z)}),
    "square": (lambda x: x**2, {"x": lambda d, x: d * 2 * x}),
    "softplus": (lambda z: np.logaddexp(0, z), {"z": lambda d, z: d * sigmoid(z)}),
    "cube": (lambda x: x**3, {"x": lambda d, x: d * 3 * x**2}),
    "softmax": (
        lambda x: softmax(x),
        {"x": lambda d, x: softmax(x) * (d - (d * softmax(x)).sum(1)[:, None])},
    ),
    "block": (
        lambda x: x + np.tanh(x @ W), {"x": lambda d, x: d + (d * (1 - np.tanh(x @ W) ** 2)) @ W.T},
    ),
    "layer norm": (lambda x: norm(x, 1)[0], {"x": lambda d, x: norm_dx(d, x, 1)}),
    "batch norm": (
        lambda x, gamma: gamma * norm(x)[0],
        {"x": lambda d, x, gamma: norm_dx(d * gamma, x),
         "gamma": lambda d, x, gamma: (d * norm(x)[0]).sum(0)},
    ),
    "unbiased": (
        lambda x: norm(x, ddof=1)[0], {"x": lambda d, x: unbiased_dx(d, *norm(x, ddof=1))},
    ),
    "affine": (
        lambda x, w, b: x @ w + b,
        {"x": lambda d, x, w, b: d @ w.T, "w": lambda d, x, w, b: x.T @ d,
         "b": lambda d, x, w, b: d.sum(0)},
    ),
    "cumsum": (lambda x: x.cumsum(0), {"x": lambda d, x: d[::-1].cumsum(0)[::-1]}),
    "flip": (lambda x: x[::-1].copy(), {"x": lambda d, x: d[::-1].copy()}),
    "center": (lambda x: x - x.mean(0), {"x": lambda d, x: d - d.mean(0)}),
}  # fmt: skip
SHAPES = {"x": (N, C), "z": (N, C), "gamma": C, "w": (C, C), "b": C}


def with_statistics_of(mistake):
    """The dx of a batch norm whose author thought that the forward was this one."""

    def dx(d, x, gamma):
        leaf = mb.Tensor(x)
        return mb.grad(mistake(leaf, gamma, np.zeros(C)), leaf, d)

    return dx


HANDED_ON = "dout is handed on where x < 0, and should be stopped there"
TANH = "tanh' is 1 - out², and yours is "
VARIANCE = "a path through a variance is missing, or wrong?"
MEAN = "axis 0: a path through a mean or a sum is missing, or wrong"
BOTH = VARIANCE[:-1] + ", and so is one through a mean?"
ROWS = "each row of softmax's gradient sums to 0, and yours does not"
COLUMNS = "each column of it should sum to 0, and does not"
WRONG = [  # a layer, the wrong gradient of its first input, and the hint; None is no hint
    ("relu", lambda d, x: d * (np.maximum(x, 0) >= 0), HANDED_ON),
    ("relu", lambda d, x: d + 0, HANDED_ON),
    ("relu", lambda d, x: d * (x < 0), HANDED_ON + "; dout is stopped where x ≥ 0, and should be"),
    ("relu", lambda d, x: d * (x > 0) * 2, "every entry is 2 times what it should be"),
    ("relu", lambda d, x: d * np.where(x > 0, 1, 0.1), "where x < 0 it is 0.1 · dout, and should "),
    ("relu", lambda d, x: d * (x > 1), None),
    ("leaky", lambda d, x: d * (x > 0), "where x < 0 it is 0, and should be 0.1 · dout"),
    ("leaky", lambda d, x: d * np.where(x > 0, 0.1, 1), "where x < 0 it is dout, and should be 0.1 "
     "· dout; where x ≥ 0 it is 0.1 · dout, and should be dout"),
    ("abs", lambda d, x: d + 0, "where x < 0 it is dout, and should be -dout"),
    ("clip", lambda d, x: d + 0, "dout is handed on where |x| ≥ 1, and should be stopped there"),
    ("clip", lambda d, x: d * (x < 1), None),
    ("mask", lambda d, x: d * MASK, "every entry is 0.5 times what it should be"),
    ("mask", lambda d, x: d / 0.5, "where out = 0 it is 2 · dout, and should be 0"),
    ("mask", lambda d, x: d * ~MASK / 0.5, "; where out ≠ 0 it is 0, and should be 2 · dout"),
    ("tanh", lambda d, x: d * (1 - np.tanh(x)) ** 2, TANH + "(1 - out)²"),
    ("tanh", lambda d, x: d * (1 - x**2), TANH + "1 - x²"),
    ("tanh", lambda d, x: d * (1 - np.tanh(x)), TANH + "1 - out"),
    ("tanh", lambda d, x: d * (1 - np.tanh(np.tanh(x)) ** 2), TANH + "1 - tanh(out)²"),
    ("tanh", lambda d, x: d * np.cosh(x), "tanh' is 1 - out², and yours is not"),
    ("tanh", lambda d, x: d * (np.tanh(x) ** 2 - 1), "every entry is -1 times"),
    ("tanh", lambda d, x: d * -(np.tanh(x) ** 2), TANH + "-out²"),
    ("sigmoid", lambda d, x: d * x * (1 - x), "sigmoid' is out · (1 - out), and yours is x · (1 -"),
    ("sigmoid", lambda d, x: d * sigmoid(x), "sigmoid' is out · (1 - out), and yours is out"),
    ("exp", lambda d, z: d * z, "exp' is out, and yours is z"),
    ("exp", lambda d, z: d * z * np.exp(z - 1), "exp' is out, and yours is not"),
    ("square", lambda d, x: d * x, "every entry is 0.5 times what it should be"),
    ("square", lambda d, x: d * x**2, "square' is 2 · x, and yours is out"),
    ("square", lambda d, x: d * (2 * x - 1), "with dout added it is right: is the shortcut's"),
    ("softplus", lambda d, z: d * np.exp(z), "softplus' is sigmoid(z), and yours is exp(z)"),
    ("cube", lambda d, x: d * 2 * x, "it should be dout times 3 · x², and is dout times 2 · x"),
    ("softmax", lambda d, x: d * softmax(x) * (1 - softmax(x)), ROWS + ": it is dout times out · "),
    ("softmax", lambda d, x: d * softmax(x), "the error follows the output along axis 1: a path t"),
    ("softmax", lambda d, x: softmax(x) * (d - (d * softmax(x)).sum(0)), ROWS),
    ("softmax", lambda d, x: softmax(x) * (d - (d * softmax(x)).mean(1)[:, None]), "follows the o"),
    ("softmax", lambda d, x: d + 0, ROWS + ": it is dout times 1, as if"),
    ("block", lambda d, x: (d * (1 - np.tanh(x @ W) ** 2)) @ W.T, "is the shortcut's dout missing"),
    ("block", lambda d, x: d + 0, None),
    ("block", lambda d, x: 2 * d + (d * (1 - np.tanh(x @ W) ** 2)) @ W.T, "dout added once too of"),
    ("block", lambda d, x: d / 4 + (d * (1 - np.tanh(x @ W) ** 2)) @ W.T, "with 0.75 · dout added"),
    ("block", lambda d, x: d * (x / 1e3 + 0.25) + (d * (1 - np.tanh(x @ W) ** 2)) @ W.T, None),
    ("block", lambda d, x: d + d @ W.T, None),
    ("layer norm", lambda d, x: norm_dx(d, x, 1, mean=False), "is the same all along axis 1: a pa"),
    ("layer norm", lambda d, x: norm_dx(d, x, 1, variance=False), VARIANCE),
    ("layer norm", lambda d, x: norm_dx(d, x, 0), "each row of it should sum to 0, and does not"),
    ("batch norm", lambda d, x, gamma: norm_dx(d * gamma, x, mean=False), MEAN),
    ("batch norm", lambda d, x, gamma: norm_dx(d * gamma, x, variance=False), VARIANCE),
    ("batch norm", lambda d, x, gamma: norm_dx(d * gamma, x, mean=0, variance=0), BOTH),
    ("batch norm", lambda d, x, gamma: norm_dx(d, x), "it lacks the factor 'gamma'"),
    ("batch norm", lambda d, x, gamma: norm_dx(d * gamma, x) * np.sqrt(7 / 8), "√((n - 1) / n) wi"),
    ("batch norm", lambda d, x, gamma: norm_dx(d * gamma, x) * (1 + 1e-5), "every entry is 1.0000"),
    ("batch norm", lambda d, x, gamma: norm_dx(d * gamma, x, of=1), "sum over the wrong axis"),
    ("batch norm", lambda d, x, gamma: norm_dx(d * gamma, x) * FIRST_ROW_0, COLUMNS),
    ("unbiased", lambda d, x: unbiased_dx(d, *norm(x, ddof=1), N), VARIANCE),
    ("affine", lambda d, x, w, b: d @ w, None),
    ("affine", lambda d, x, w, b: d, None),
    ("affine", lambda d, x, w, b: d @ w.T / N, "1 / the length of axis 0 of 'x'"),
    ("cumsum", lambda d, x: d.cumsum(0), None),
    ("flip", lambda d, x: d + 0, None),
    ("center", lambda d, x: d + 0, "is the same all along axis 0: a path through a mean"),
    ("center", lambda d, x: d - d.mean(1)[:, None], "sum over the wrong axis"),
    ("center", lambda d, x: d - 2 * d.mean(0), "is the same all along axis 0: a path through a me"),
    ("batch norm", with_statistics_of(mistakes.detached_mean), MEAN),
    ("batch norm", with_statistics_of(mistakes.detached_variance), VARIANCE),
    ("batch norm", with_statistics_of(mistakes.unbiased_variance), None),
    ("batch norm", with_statistics_of(mistakes.eps_outside), "nearly right: a small constant such"),
    ("batch norm", with_statistics_of(mistakes.eps_forgotten), "nearly right: a small constant su"),
    ("batch norm", with_statistics_of(mistakes.gamma_forgotten), "it lacks the factor 'gamma'"),
    ("batch norm", with_statistics_of(mistakes.mean_forgotten), COLUMNS),
    ("batch norm", with_statistics_of(mistakes.wrong_axis), COLUMNS),
    ("batch norm", with_statistics_of(mistakes.first_half), None),
    ("batch norm", with_statistics_of(mistakes.pooled_variance), None),
]  # fmt: skip
IDS = [f"{i}, {layer}" for i, (layer, *_) in enumerate(WRONG)]


def drawn(layer, seed):
    """Draw the inputs of a layer."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=SHAPES[name]) for name in signature(LAYERS[layer][0]).parameters}


def checked(layer, wrong, seed):
    """Check a layer with this gradient for its first input, which may be wrong."""
    forward, right = LAYERS[layer]
    others = [*right.values()][1:]
    remembering = wraps(forward)(lambda *inputs: (forward(*inputs), inputs))
    by_hand = HandWritten(remembering, lambda d, c: (wrong(d, *c), *(f(d, *c) for f in others)))
    return gradcheck(by_hand, *drawn(layer, seed).values(), seed=seed)


@pytest.mark.parametrize("layer", LAYERS)
def test_the_right_gradients_are_right(layer):
    first, *_ = LAYERS[layer][1].values()
    assert checked(layer, first, 0)


@pytest.mark.parametrize(("layer", "wrong", "words"), WRONG, ids=IDS)
def test_a_mistake_gets_its_hint_whatever_is_drawn(layer, wrong, words):
    for seed in SEEDS:
        report = checked(layer, wrong, seed)
        assert not report
        (found,) = report.hints().values() or [None]
        assert words in found if words else found is None


HAS_PATH = {  # the words of a path, and the layers that have one
    "variance": {"layer norm", "batch norm", "unbiased"},
    "mean": {"layer norm", "batch norm", "unbiased", "center"},
    "sum": {"softmax"},
}
F64 = r"-?[\d.]+(?:e-?\d+)?"
EQUATIONS = [  # what a hint says of the gradient "yours" and the right one, "due", as Python
    (rf"every entry is ({F64}) times .*", "yours == {0} * due"),
    (r"\w+' is (.+), and yours is not", "due == dout * ({0})"),
    (r"\w+' is (.+), and yours is (.+)", "due == dout * ({0}), yours == dout * ({1})"),
    (r"it should be dout times (.+), and is dout times (.+)",
     "due == dout * ({0}), yours == dout * ({1})"),
    (r"dout is handed on where (.+), and .*", "yours == dout if {0}, due == 0 if {0}"),
    (r"dout is stopped where (.+), and .*", "yours == 0 if {0}, due == dout if {0}"),
    (r"where (.+) it is (.+), and should be (.+)", "yours == {1} if {0}, due == {2} if {0}"),
    (r"with dout added it is right.*", "yours + dout == due"),
    (r"with dout subtracted it is right.*", "yours - dout == due"),
    (r"with (.+) added it is right", "yours + {0} == due"),
    (r"it lacks the factor '(\w+)'", "yours * {0} == due"),
    (r"each (row|column) of .+ sums? to 0, and .*", "due.sum('{0}') == 0"),
    (r".+: it is dout times (.+), as if each output .*", "yours == dout * ({0})"),
    (r"it is nearly right: .*", "yours / abs(due).max() == due / abs(due).max()"),
]  # fmt: skip


def equations(said):
    """Yield the equations that a hint states."""
    for part in said.split("; "):
        matches = ((re.fullmatch(pattern, part), stated) for pattern, stated in EQUATIONS)
        first = next(((match, stated) for match, stated in matches if match), None)
        if first:
            yield from first[1].format(*first[0].groups()).split(", ")


def evaluated(formula, known):
    """Evaluate a formula as a hint writes it."""
    for mark, python in {"²": "**2", "·": "*", "≥": ">=", "≠": "!=", "out = 0": "out == 0"}.items():
        formula = formula.replace(mark, python)
    formula = re.sub(r"\|(\w)\|", r"abs(\1)", formula)
    formula = formula.replace("'row'", "1").replace("'column'", "0")
    functions = {name: getattr(np, name) for name in ("tanh", "exp", "sin", "cos")}
    return eval(formula, {**functions, "sigmoid": sigmoid, **known})


def is_true(equation, known):
    sides, _, region = equation.partition(" if ")
    left, right = (evaluated(side, known) for side in sides.split(" == "))
    where = evaluated(region, known) if region else True
    return np.allclose(np.where(where, left - right, 0), 0, atol=1e-3 if "max" in sides else 1e-5)


def untrue(said, layer, wrong, seed):
    """Return what a hint says that does not hold at inputs that the check has not seen."""
    inputs = drawn(layer, seed)
    out = LAYERS[layer][0](*inputs.values())
    dout = np.random.default_rng([seed, 1]).normal(size=out.shape)
    right, *_ = LAYERS[layer][1].values()
    known = {"yours": wrong(dout, *inputs.values()), "due": right(dout, *inputs.values())}
    stated = [*equations(said)]
    paths = re.findall(r"through a (\w+)", said)
    assert stated or paths or "wrong axis" in said, f"nobody knows what this says: {said}"
    several = "a mean or a sum" in said  # then one of the two
    lies = [path for path in paths if layer not in HAS_PATH[path] and not several]
    return lies + [
        e for e in stated if not is_true(e, {**known, **inputs, "out": out, "dout": dout})
    ]


@pytest.mark.parametrize(("layer", "wrong", "words"), [w for w in WRONG if w[2]])
def test_what_a_hint_says_holds_wherever_one_looks(layer, wrong, words):
    (said,) = checked(layer, wrong, 0).hints().values()
    assert [untrue(said, layer, wrong, seed) for seed in range(10, 13)] == [[]] * 3


@pytest.mark.parametrize(
    "said",
    [
        "dout is handed on where x > 0, and should be stopped there",
        "dout is stopped where x < 0, and should be handed on there",
        "tanh' is 1 - out², and yours is not",
        "exp' is out, and yours is x",
        "every entry is 2 times what it should be",
        "with dout added it is right: is it?",
        "each row of it should sum to 0, and does not",
        "the error follows the input along axis 0: a path through a variance is missing, or wrong",
    ],
)
def test_a_hint_that_says_something_untrue_is_seen(said):
    assert untrue(said, *WRONG[0][:2], 10)
