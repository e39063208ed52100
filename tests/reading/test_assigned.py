"""A value is called by the variable that the user's code assigns it to."""

import functools
import operator
import subprocess
import sys

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, nn
from microbn import functional as F
from microbn.reading.assigned import called, names_of
from microbn.reading.lines import line_of
from microbn.reading.tape import history

CODE = {
    "y = x * 2": ["y"],
    "y: object = x * 2": ["y"],
    "y = x.mean()": ["y"],
    "y = np.exp(x)": ["y"],
    "y = x[0]": ["y"],
    "y = x.T": ["y"],
    "y = -x": ["y"],
    "y = x > 0": ["y"],
    "y = (x - 1) / 2": ["", "y"],
    "y = np.sqrt(x * x + 1)": ["", "", "y"],
    "y = x * 2 if True else x * 3": ["y"],
    "y = x * 2 if x.size else x * 3": ["y"],
    "y = z = x * 2": ["y"],
    "y, z = x * 2, x * 3": ["y", "z"],
    "y, z, w = x * 2, x * 3, np.exp(x)": ["y", "z", "w"],
    "a, b, c, d = x * 2, x * 3, -x, x + 1": ["a", "b", "c", "d"],
    "y, _ = x * 2 + 1, [x * 3]": ["", "y", ""],
    "(y, z), w = (x * 2, x * 3), x * 4": ["y", "z", "w"],
    "y, z = x": ["y", "z"],
    "y, *z = x": ["y", ""],
    "for y in x: pass": ["y", "y"],
    "for i in range(2): y = x * i": ["y", "y"],
    "print(y := x * 2)": ["y"],
    "box.y = x * 2": ["y"],
    "box.inner.y = x * 2": ["y"],
    "box.h = -x; box.h += 1": ["h", "h"],
    "y = x * 2; y += 1; y = y ** 2": ["y", "y", "y"],
    "table['y'] = x * 2": [""],
    "x * 2": [""],
    "y = [x * 2]": [""],
    "y = [x * i for i in range(2)]": ["", ""],
    "y = f(x * 2)": [""],
    "y = (x * 2, 1)": [""],
    "y = (lambda t: t * 2)(x)": ["y"],
    "y = sum([x, x, x])": ["", "", "y"],
    "y = functools.reduce(operator.mul, [x, x, x])": ["", "y"],
    "y = np.var(x) + 1": ["center", "", "square", "", "y"],
    "y = x\nfor i in range(2): y = np.exp(y)": ["y", "y"],
    "y = x\nfor i in range(2): y = F.sigmoid(y)": ["", "", "", "y", "", "", "", "y"],
    "y = Tensor([1.0])": ["y"],
    "y = max(x[0], x[1])": ["", "", ""],  # of which one is y
}


def made_by(code, **more):
    """Run code in a function, and return all Tensors that it made, in their order."""
    made = []

    class Maker(mb.engine.mode.Watch):
        def made(self, node):
            made.append(node)

    inner = type("Box", (), {})()
    space = {"np": np, "F": F, "Tensor": Tensor, "f": lambda y: y, "table": {}, **more}
    space |= {"functools": functools, "operator": operator}
    space["box"] = type("Box", (), {"inner": inner})()
    lines = "".join(f"    {line}\n" for line in code.split("\n"))
    exec(f"def run(x, box):\n{lines}    return", space)
    x = Tensor(np.array([1.0, 2.0]))
    with mb.engine.mode.switched("watches", (Maker(),)):
        space["run"](x, space["box"])
    return made


@pytest.mark.parametrize("code", CODE)
def test_the_target_of_an_assignment_names_what_it_stores(code):
    made = made_by(code)
    names = names_of(made)
    assert [names[node.number] for node in made] == CODE[code]


# Functions of the user's, then code that calls them, and the names of all values that are made.
RETURNED = {
    ("def f(t): return t * 2", "y = f(x)"): ["y"],
    ("def f(t): return (t - 1) / 2", "y = f(x)"): ["", "y"],
    ("def f(t): return np.var(t)", "y = f(x)"): ["center", "", "square", "y"],
    ("def f(t): return F.sigmoid(t)", "y = f(x)"): ["", "", "", "y"],
    ("def f(t):\n out = t * 2\n return out", "y = f(x)"): ["out"],
    ("def f(t): return t * 2 if t.size else t * 3", "y = f(x)"): ["y"],
    ("def f(t):\n with mb.scope('s'): return t * 2", "y = f(x)"): ["y"],
    ("def f(t):\n try: return t * 2\n finally: print(t)", "y = f(x)"): ["y"],
    ("@mb.scope('s')\ndef f(t): return t * 2", "y = f(x)"): ["y"],
    ("@mb.no_grad()\ndef f(t): return t * 2", "y = f(x)"): ["y"],
    ("def g(t): return t * 2\ndef f(t): return g(t)", "y = f(x)"): ["y"],
    ("def g(t): return t * 2\ndef f(t): return g(t) + 1", "y = f(x)"): ["", "y"],
    ("def f(t): return t * 2, t * 3", "y, z = f(x)"): ["y", "z"],
    ("def f(t): return t * 2, t * 3", "y = f(x)"): ["", ""],
    ("def f(t): return t * 2, t * 3", "y, *z = f(x)"): ["", ""],
    ("def g(t): return t * 2, -t\ndef f(t): return g(t)", "y, z = f(x)"): ["y", "z"],
    ("def g(t): return t * 2, -t\ndef f(t): return g(t), 1", "(y, z), w = f(x)"): ["", ""],
    ("def f(t): return t * 2", "for i in range(3): x = f(x)"): ["x", "x", "x"],
    ("def f(t): return t * 2", "y = x; y += f(x)"): ["", "y"],
    ("def f(t): return t * 2", "print(y := f(x))"): ["y"],
    ("def f(t): return t * 2", "box.y = f(x)"): ["y"],
    ("def f(t): return t * 2", "f(x)"): [""],
    ("def f(t): return t * 2", "y = [f(x)]"): [""],
    ("def f(t): return t * 2", "y = f(x) + 1"): ["", "y"],
    ("def f(t): return t * 2", "y = list(map(f, [x, x]))"): ["", ""],
    ("def f(t): return t * 2", "y = [*map(f, [x, x])]"): ["", ""],
    ("def f(t): return t * 2\ndef g(a, b): return a * b", "y = g(*map(f, [x, x]))"): ["", "", "y"],
    ("def f(t): return t * 2", "y, z = map(f, [x, x])"): ["", ""],
    ("def f(a, b): return a * b", "y = functools.reduce(f, [x, x, x])"): ["", ""],
    ("def f(t): yield t * 2\ndef g(t): return next(f(t))", "y = g(x)"): [""],
    ("def f(t):\n yield 1\n return t * 2", "for y in f(x): pass"): [""],
    ("async def f(t): return t * 2", "try: f(x).send(None)\nexcept StopIteration: pass"): [""],
    ("def f(t, n): return f(t, n - 1) if n else t * 2", "y = f(x, 3)"): ["y"],
    ("class A:\n b = property(lambda self: x * 2)\nx = Tensor(1.0)", "y = A().b"): ["y"],
    ("class M(nn.Module):\n def forward(self, t): return t * 2", "y = M()(x)"): ["y"],
    (
        "class M(nn.Module):\n def forward(self, t): return t * 2",
        "y = nn.Sequential(M(), nn.ReLU())(x)",
    ): ["", "y"],
    (
        "class M(nn.Module):\n def forward(self, t): return nn.ReLU()(t * 2)",
        "for layer in [M(), M()]: x = layer(x)",
    ): ["", "x", "", "x"],
}


@pytest.mark.parametrize(("functions", "code"), RETURNED)
def test_a_returned_value_is_called_by_the_variable_of_its_caller(functions, code):
    space = {"np": np, "F": F, "Tensor": Tensor, "nn": nn, "mb": mb}
    exec(functions, space)
    made = made_by(code, **space)
    names = names_of(made)
    assert [names[node.number] for node in made] == RETURNED[functions, code]
    assert {called(node) for node in made} <= {*names.values(), ""}


def test_a_function_that_is_called_in_two_places_names_each_result():
    def twice(t):
        return t * 2

    y = twice(Tensor(1.0))
    for _ in range(2):
        z = twice(twice(y))
        w = twice(z)
    assert [called(node) for node in history(w)] == ["", "y", "", "z", "w"]


def test_a_function_that_microbn_called_names_its_result_when_the_user_calls_it():
    def twice(t):
        return t * 2

    def again(t):
        return twice(t)

    mb.jacobian(again, np.ones(2))
    y = again(Tensor(1.0))
    assert called(y) == "y"


def test_a_returned_value_keeps_the_line_of_its_return():
    def half(t):
        return t / 2  # here

    y = half(Tensor(1.0))
    assert str(line_of(y)).endswith("return t / 2  # here")


BATCH_NORM_IN_STEPS = """
def forward(x, gamma, beta, eps):
    N, D = x.shape
    mu = 1./N * np.sum(x, axis=0)
    xmu = x - mu
    sq = xmu ** 2
    var = 1./N * np.sum(sq, axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1./sqrtvar
    xhat = xmu * ivar
    gammax = gamma * xhat
    out = gammax + beta
    cache = (xhat, gamma, xmu, ivar, sqrtvar, var, eps)
    return out, cache
"""


def test_batch_norm_in_steps_has_the_names_of_its_steps():
    space = {"np": np}
    exec(BATCH_NORM_IN_STEPS, space)
    given = [Tensor(values, name) for values, name in ((np.eye(3), "x"), ([1.0] * 3, "gamma"))]
    y, cache = space["forward"](*given, Tensor([0.0] * 3, "beta"), 1e-5)
    names = names_of(history(y))
    steps = ["mu", "xmu", "sq", "var", "sqrtvar", "ivar", "xhat", "gammax", "out"]
    assert [name for name in names.values() if name in steps] == steps
    assert [names[node.number] for node in (y, *cache[:-1])] == [
        *("out", "xhat", "gamma", "xmu", "ivar", "sqrtvar", "var")
    ]
    assert [called(node) for node in (y, *cache[:-1])] == [
        *("out", "xhat", "gamma", "xmu", "ivar", "sqrtvar", "var")
    ]


def test_a_name_that_the_user_gave_counts_more():
    given = Tensor([1.0], "mine")
    labelled = given * 2
    mb.label({"hers": labelled})
    renamed = np.exp(given)
    renamed.name = "theirs"
    assert [called(node) for node in (given, labelled, renamed)] == ["mine", "hers", "theirs"]
    assert {*names_of([given, labelled, renamed]).values()} == {"mine", "hers", "theirs"}


def test_a_result_of_microbns_own_function_is_called_by_the_users_variable():
    out = F.batch_norm(Tensor(np.eye(2), "x"), np.ones(2), np.ones(2))
    names = names_of(history(out))
    assert names[out.number] == "out"
    assert out.name == "y"  # as functional.py calls it
    assert [*names.values()].count("out") == 1
    assert {"mean", "centered", "var", "std", "x_hat"} <= {*names.values()}


def test_each_layer_of_a_loop_gives_a_result():
    h, layers = Tensor(np.eye(2), "x"), [nn.Linear(2, 2, rng=i) for i in range(3)]
    for layer in layers:
        h = layer(h)
    made = [node for node in history(h) if node.function]
    assert [names_of(made)[node.number] for node in made] == ["", "h"] * 3
    assert [called(node) for node in made] == ["", "h"] * 3


def test_a_layer_that_returns_its_input_renames_nothing():
    class Same(nn.Module):
        def forward(self, x):
            return x

    z = Tensor([1.0]) * 2
    other = Same()(z)
    assert other is z
    assert called(z) == "z"


def test_parameters_keep_the_names_of_their_module():
    layer = nn.Linear(2, 2, rng=0)
    assert {*names_of(history(layer(np.eye(2)).sum())).values()} >= {"weight", "bias"}


def test_the_user_who_is_called_back_names_the_value():
    class Half(nn.Module):
        def forward(self, x):
            half = x / 2
            return half

    out = nn.Sequential(Half(), nn.Linear(2, 2, rng=0))(Tensor(np.eye(2), "x"))
    assert {"half", "out"} <= {*names_of(history(out)).values()}


def test_a_gradients_own_graph_is_called_after_the_variables():
    x = Tensor([1.0, 2.0], "x")
    mu = x * 3
    total = (mu * mu).sum()
    names = {node.name for node in history(mb.grad(total, x, create_graph=True))}
    assert {"d_mu", "d_total"} <= names


def test_an_error_and_a_step_call_a_value_by_its_variable():
    mu = Tensor([1.0, 2.0]) * 3
    with pytest.raises(mb.MicrobnError, match="'mu' \\(multiply\\)"):
        mu.backward()
    first = next(iter(mb.sweep(mu, [1.0, 1.0])))
    assert str(first).startswith("'mu' (multiply) has gradient [1., 1.]")


def test_in_the_middle_of_a_call_no_value_has_the_name_of_its_result():
    with pytest.raises(mb.MicrobnError) as caught:
        y = F.affine(Tensor(np.eye(2)) * 2, np.ones(3), np.ones(3))
    assert "'y'" not in str(caught.value)
    assert "y" not in locals()


def test_code_without_its_source_names_values_too():
    space = {"x": Tensor([1.0], "x")}
    exec(compile("mu = x * 2", "there is no such file", "exec"), space)
    assert called(space["mu"]) == "mu"


def test_a_name_does_not_outlive_the_switch():
    with mb.no_lines():
        mu = Tensor([1.0]) * 2
    assert called(mu) == ""
    assert names_of([mu]) == {mu.number: ""}
    nu = mu * 2
    assert called(nu) == "nu"


ALONE = """
import numpy as np
import microbn
x = microbn.Tensor([1.0, 2.0], "x")
y = (x**3).sum()
print(microbn.grad(y, x, create_graph=True).data)
try:
    x.backward()
except microbn.MicrobnError as error:
    print(error)
"""


def test_values_have_names_where_nothing_but_microbn_is_imported():
    alone = [sys.executable, "-c", ALONE]
    said = subprocess.run(alone, capture_output=True, text=True, check=True).stdout
    assert said.startswith("[ 3. 12.]\n'x' (leaf) has no history")
