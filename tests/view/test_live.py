"""Numbers that are changed on the page: it shows what Python tells of the same numbers."""

import derivatives
import numpy as np
import pytest
import stories
from browser import look
from derivatives import ARRAYS, CALLS
from scripts import Scripts, as_array, gap
from stories import told

import microbn as mb
from microbn import Tensor, scalars
from microbn import functional as F
from microbn.engine import functions as primitives
from microbn.view.live import Live
from microbn.view.replayed import Replayed

FACTORIZED = {
    *(np.linalg.inv, np.linalg.solve, np.linalg.cholesky, np.linalg.eigvalsh),
    primitives.eigenvectors,
}
PUT = """(changes) => {
  for (const input of live.inputs) {
    const name = nodes.get(input.node).name.split(" = ")[0];
    const [, word, place] = /^(\\w+?)(\\[.*)?$/u.exec(name) ?? [];
    const values = changes[name] ?? (place && changes[word].splice(0, 1));
    if (values && input.kind !== "cotangent") input.now.set(values);
  }
  compute();
}"""

NOISE = "story.tables.map((table) => table.noise)"


@pytest.fixture
def run(browser, tmp_path):
    scripts = Scripts(browser, tmp_path)
    yield scripts
    scripts.context.close()


def arrays(story):
    """Return every array that a page of the story shows, by what it is."""
    found = {("value", node.id): node.value for node in story.graph.nodes}
    for step in story:
        if step.phase == "backward":
            found["gradient", step.nodes[0]] = step.gradient
        for part in step.parts:
            terms = {"product": part.product, "total": part.total, "earlier": part.earlier}
            found |= {(word, part.edge): x for word, x in terms.items() if x is not None}
            found["gradient", part.edge] = part.gradient
    return found


def nudged(values, seed=0):
    rng = np.random.default_rng(seed)
    return {name: x * rng.uniform(0.9, 1.1, np.shape(x)) for name, x in values.items()}


def check_programs(run, cases):
    """Check that each story's program gives the arrays of the story that is told of other numbers.

    A case is a name, what tells the story of given leaves, and these leaves.
    """
    made = [Replayed(tell(leaves).steps.teller) for _, tell, leaves in cases]
    given = [nudged(leaves) for _, _, leaves in cases]
    answers = run([(one.script, [*operands(one, x)]) for one, x in zip(made, given, strict=True)])
    wrong = {}
    for one, leaves, answer, (name, tell, first) in zip(made, given, answers, cases, strict=True):
        assert isinstance(answer, list), (name, answer)
        expected, before = arrays(tell(leaves)), arrays(tell(first))
        still = {key for key in expected if key not in one.outputs}
        moved = {k for k in still if not np.array_equal(expected[k], before[k], equal_nan=True)}
        assert moved == set(), name
        found = {key: answer[at] for key, at in one.outputs.items() if key in expected}
        far = gap(found.values(), [expected[key] for key in found])
        wrong |= {} if far <= 1e-12 else {name: far}
    assert wrong == {}


def operands(one, leaves):
    """Yield the operands of a program: the leaves that are given, all else as it was."""
    for x in one.inputs:
        if not x.refused:
            yield np.asarray(leaves.get(x.node.name, x.value))


def of_call(expression):
    code = compile(expression, expression, "eval")
    space = {"np": np, "F": primitives, "ridge": np.diag([9.0, 16.0, 25.0])}

    def tell(leaves):
        tensors = {name: Tensor(x, name) for name, x in leaves.items()}
        return told(np.square(eval(code, {**space, **tensors})))

    return tell


def test_every_array_of_every_function_and_its_rules_is_numpys(run):
    check_programs(run, [(e, of_call(e), ARRAYS) for f, e in CALLS.items() if f not in FACTORIZED])


def of_seed(seed):
    grown = derivatives.program(seed)
    leaves = {f"v{i}": x for i, x in enumerate(grown.inputs)}
    return (
        f"seed {seed}",
        lambda given: told(grown.run([Tensor(x, name) for name, x in given.items()])),
        leaves,
    )


def test_every_array_of_random_programs_is_numpys(run):
    check_programs(run, [of_seed(seed) for seed in range(60)])


def test_every_array_follows_a_constant(run):
    def tell(leaves):
        x, eps, two, third = Tensor(leaves["x"], "x"), *(float(leaves[n]) for n in "abc")
        return told(np.maximum((x * two - third) ** 2.5 / (x + eps), 0.125) + 3)

    first = {"x": ARRAYS["x"], "a": 1e-5, "b": 2.0, "c": 0.25}
    one = Replayed(tell(first).steps.teller)
    constants = [x for x in one.inputs if x.node.role == "constant"]
    assert [float(x.value) for x in constants] == [2.0, 0.25, 2.5, 1e-5, 0.125, 3.0]
    second = first | {"a": 0.5, "b": 3.0, "c": -1.0}
    given = [first["x"], 3.0, -1.0, 2.5, 0.5, 0.125, 3.0, *cotangent(one)]
    (answer,) = run([(one.script, [*map(np.asarray, given)])])
    expected = arrays(tell(second))
    found = {key: answer[at] for key, at in one.outputs.items() if key in expected}
    assert len(found) == len(expected)
    assert gap(found.values(), [expected[key] for key in found]) <= 1e-12


def cotangent(one):
    return [x.value for x in one.inputs if x.is_cotangent]


def test_float32_stays_float32(run):
    def tell(leaves):
        x = Tensor(leaves["x"], "x", dtype=np.float32)
        return told(np.square(x) / (x + 1e-5))

    one = Replayed(tell(ARRAYS).steps.teller)
    given = nudged({"x": ARRAYS["x"]})
    (answer,) = run([(one.script, [*operands(one, given)])])
    expected = arrays(tell(given))
    found = {key: answer[at] for key, at in one.outputs.items() if key in expected}
    assert gap(found.values(), [expected[key] for key in found]) <= 1e-6
    values = as_array(found["value", one.inputs[0].node.id])
    np.testing.assert_array_equal(values, values.astype(np.float32))


def test_what_a_rule_decides_by_values_is_not_changed_on_a_page():
    @mb.primitive
    def half(x):
        return x / 2

    mb.defvjp(half, lambda g, out, x: g / 2 if np.sum(x) > 0 else -g)
    live = Live(told(half(Tensor([1.0, 2.0], "x"))).steps)
    assert live.script == ""
    assert live.why.startswith("a rule of this graph cannot be recorded: ")


def test_a_primitive_of_ones_own_follows_by_the_calls_that_it_makes(run):
    def tell(leaves):
        @mb.primitive
        def cube(x):
            return x * x * x

        mb.defvjp(cube, lambda g, out, x: g * 3 * np.square(x))
        return told(cube(Tensor(leaves["x"], "x")) + 1.0)

    check_programs(run, [("cube", tell, {"x": ARRAYS["x"]})])


# --- the page


def batch_norm(leaves, eps=1e-5):
    tensors = [Tensor(x, name) for name, x in leaves.items()]
    with mb.trace():
        return told(F.batch_norm(*tensors, eps=eps), "Batch norm")


def with_epsilon(leaves):
    """Tell a batch norm with an ε among the leaves; it is a constant."""
    return batch_norm({n: x for n, x in leaves.items() if n != "ε"}, leaves.get("ε", 1e-5))


def scalar_batch_norm(leaves):
    x = scalars(leaves["x"], "x")
    out = F.batch_norm(x, Tensor(leaves["gamma"], "gamma"), Tensor(leaves["beta"], "beta"))
    return told(np.sum(out * np.array([[1.0], [-2.0], [0.5], [3.0]])), "scalars")


def neuron(leaves):
    w, x, b = (Tensor(value, name) for name, value in leaves.items())
    y = np.tanh(w @ x + b)
    y.name = "y"
    return mb.story(y)


def biased(leaves):
    """A bias before a batch norm, whose gradient is 0 up to rounding."""
    x, b, gamma, beta = (Tensor(value, name) for name, value in leaves.items())
    return told(F.batch_norm(x + b, gamma, beta))


NORMED = {
    name: np.asarray(x)
    for name, x in zip(
        ("x", "gamma", "beta"), (n.value for n in stories.batch_norm().graph.nodes[:3]), strict=True
    )
}
EQUAL_ROWS = NORMED | {"x": NORMED["x"][[0, 0, 1, 3]]}
CONSTANT = NORMED | {"x": NORMED["x"] * [1, 0, 1] + [0, 0.5, 0]}
COLUMN = {
    "x": np.array([[1.0], [2.0], [4.0], [-1.0]]),
    "gamma": np.array([1.5]),
    "beta": np.array([0.5]),
}
NERVES = {"w": np.array([0.5, -1.0, 2.0]), "x": np.array([1.0, 0.25, -0.5]), "b": np.array(0.1)}
BIAS = {"x": NORMED["x"], "b": np.array([0.5, -1.0, 2.0]), **NORMED}
CHANGES = {
    "two equal rows": (batch_norm, NORMED, EQUAL_ROWS),
    "a constant feature": (batch_norm, NORMED, CONSTANT),
    "gamma": (batch_norm, NORMED, NORMED | {"gamma": np.array([0.0, 2.0, -3.5])}),
    "a scalar batch norm": (scalar_batch_norm, COLUMN, COLUMN | {"x": COLUMN["x"][[1, 0, 3, 3]]}),
    "a neuron": (neuron, NERVES, nudged(NERVES)),
    "a bias": (biased, BIAS, nudged(BIAS)),
    "epsilon": (with_epsilon, NORMED | {"ε": 1e-5}, NORMED | {"ε": 0.25}),
    "a bias that no longer cancels": (biased, BIAS, BIAS | {"x": 1e-8 * BIAS["x"]}),
}


def put(page, leaves):
    """Change leaves on a page; each number of a scalar graph is a leaf of its own."""
    names = {"gamma": "γ", "beta": "β"}
    values = {names.get(name, name): np.ravel(x).tolist() for name, x in leaves.items()}
    page.evaluate(PUT, values)


def shown(page, numbers):
    """Return what a page shows at these steps: sentence, rules, tables, and its boxes' texts."""
    steps = [look(page, number) for number in numbers]
    return [(s.sentence, s.words, s.tables, [box["texts"] for box in s.boxes]) for s in steps]


@pytest.mark.parametrize("change", CHANGES)
def test_a_page_with_other_numbers_shows_what_a_page_made_of_them_shows(opened, change):
    tell, before, after = CHANGES[change]
    page, other = opened(tell(before)), opened(tell(after))
    few = [0, len(tell(before)) // 2, len(tell(before)) - 1]
    first = shown(page, few)
    put(page, after)
    steps = range(len(tell(after)))
    assert shown(page, steps) == shown(other, steps)
    found, expected = page.evaluate(NOISE), other.evaluate(NOISE)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    put(page, before)
    assert shown(page, few) == first
    assert page.is_disabled("#reset")
