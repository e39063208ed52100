"""The mathematics of a story: well formed, true in numbers, and text wherever it cannot be read."""

import json
import operator
from xml.etree import ElementTree

import numpy as np
import pytest
import stories
from examples import EXAMPLES

import microbn as mb
from microbn import Tensor
from microbn.engine.functions import relu
from microbn.engine.primitive import RULES
from microbn.view import typesetting
from microbn.view.mathematics import gradient_pattern
from microbn.view.mathml import mathml, name_tree
from microbn.view.typesetting import Typeset, UnreadableError, typeset

TAGS = {
    *("math", "mrow", "mi", "mn", "mo", "mtext", "msup", "msub", "msubsup", "mfrac", "msqrt"),
    *("mover", "munder", "mtable", "mtr", "mtd"),
}
ATTRIBUTES = {"class", "accent", "stretchy", "mathvariant"}
CHILDREN = {"mfrac": 2, "msup": 2, "msub": 2, "msubsup": 3, "mover": 2, "munder": 2}


def example(function):
    """Tell the story of a plain call of a function, with a random cotangent."""
    call, arrays = EXAMPLES[function]
    return stories.told(call(*map(Tensor, arrays, "abc")))


def check_form(tree):
    """Raise unless a tree has tags and attributes of MathML, each tag with its children."""
    tag, attributes, *children = tree
    assert tag in TAGS
    assert attributes.keys() <= ATTRIBUTES
    assert {type(value) for value in attributes.values()} <= {str}
    assert len(children) == CHILDREN.get(tag, len(children))
    if tag in ("mi", "mn", "mo", "mtext"):
        assert [type(child) for child in children] == [str]
    else:
        for child in children:
            check_form(child)


def lines(story):
    return [line for step in story for line in step.math]


def text(tree):
    return tree if isinstance(tree, str) else "".join(map(text, tree[2:]))


@pytest.mark.parametrize("function", [f for f in RULES if any(RULES[f])], ids=lambda f: f.__name__)
def test_every_rule_is_typeset(function):
    story = example(function)
    assert len(lines(story)) >= 3
    for line in lines(story):
        assert line[0] == "math"
        check_form(line)
        ElementTree.fromstring(mathml(line))
    assert "the rule of" not in "".join(map(text, lines(story)))


@pytest.mark.parametrize("seed", range(20))
def test_every_program_is_typeset(seed):
    for line in lines(stories.random_program(seed)):
        check_form(line)
        ElementTree.fromstring(mathml(line))


SIGNS = {"=": operator.eq, ">": operator.gt, "<": operator.lt}
SUMS = {"3 rows": 0, "4 rows": 0, "6 rows": 0, "3 columns": 1, "all entries": None}


def key(tree):
    """Return the text of a tree with its fractions, roots and powers, which may be a name."""
    if isinstance(tree, str):
        return tree
    tag, _, *children = tree
    mark = {"mfrac": "/", "msqrt": "√", "msup": "^"}.get(tag, "")
    return mark + "".join(map(key, children))


class Read:
    """Computes what the lines of a story say, from its values and gradients."""

    def __init__(self, story):
        self.values, self.gradients = {}, {}
        computed = {step.nodes[0]: step.math[0] for step in story if step.phase == "forward"}
        for node in story.graph.nodes:
            name = key(name_tree(story.names[node.id]))
            if (line := computed.get(node.id)) and not node.name:
                name = key(line).partition("=")[0] if self.named(line) else key(line)
            self.values[name], self.gradients[name] = node.value, node.gradient

    def named(self, line):
        return ["mo", {}, "="] in line[2][2:]

    def check(self, line):
        """Raise unless the two sides of a line are equal; one that has no sides says nothing."""
        if not self.named(line) or "⋯" in text(line):
            return False
        left, _, right = line[2][2:]
        left, right = self.of(left), np.asarray(self.of(right))
        same = right.reshape(left.shape) if right.size == left.size else right
        np.testing.assert_allclose(np.broadcast_to(same, left.shape), left, rtol=1e-12)
        return True

    def of(self, tree):
        tag, _, *children = tree
        if key(tree) in self.values and tag != "mn":
            return self.values[key(tree)]
        match tag:
            case "mn":
                return float(text(tree).replace("−", "-"))
            case "mfrac" if text(children[0]) == "∂L":
                name = key(children[1])[1:]
                known = self.gradients
                return known[name] if name in known else known[name[1:-1]]
            case "mfrac":
                return self.of(children[0]) / self.of(children[1])
            case "msqrt":
                return np.sqrt(self.of(children[0]))
            case "msup" if text(children[1]) == "T":
                return self.of(children[0]).T
            case "msup":
                base = np.e if text(children[0]) == "e" else self.of(children[0])
                return base ** self.of(children[1])
            case "mrow":
                return self.row(children)
        raise AssertionError(tree)

    def row(self, children):
        for sign, compare in SIGNS.items():
            if ["mo", {}, sign] in children:
                place = children.index(["mo", {}, sign])
                return compare(self.row(children[:place]), self.row(children[place + 1 :]))
        total, factors, sign = 0, [], 1
        for child in [*children, ["mo", {}, "+"]]:
            if child in (["mo", {}, "+"], ["mo", {}, "−"]):
                total = total + sign * self.product(factors) if factors else total
                sign, factors = 1 if text(child) == "+" else -1, []
            else:
                factors.append(child)
        return total

    def product(self, factors):
        first, *rest = factors
        if first[0] == "munder":
            axis = SUMS[text(first[3])]
            found = {"∑": np.sum, "max": np.max, "min": np.min}[text(first[2])]
            return found(self.product(rest), axis=axis, keepdims=True)
        if text(first) in "([|{":
            inner, _, *rest = [*rest, None] if text(first) == "{" else rest
            read = {"{": self.cases, "|": lambda tree: abs(self.of(tree))}
            value = read.get(text(first), self.of)(inner)
        elif first[0] == "mi" and rest and text(rest[0])[0] == "(":
            value = {**vars(np), "relu": relu}[text(first)](self.arguments(rest.pop(0)))
        else:
            value = self.of(first)
        if not rest or rest == [None]:
            return value
        if text(rest[0]) == "\u2005":
            return value @ self.product(rest[1:])
        return value * self.product(rest[text(rest[0]) == "·" :])

    def arguments(self, tree):
        return self.row(tree[3:-1])

    def cases(self, table):
        *rows, (_, _, last, _) = table[2:]
        value = self.of(last[2])
        for _, _, then, where in reversed(rows):
            value = np.where(self.of(where[2][3]), self.of(then[2]), value)
        return value


READ = [
    np.add, np.subtract, np.multiply, np.divide, np.negative, np.square, np.sqrt, np.exp, np.log,
    np.tanh, np.abs, relu, np.sum, np.mean, np.max, np.min, np.matmul, np.transpose,
    np.maximum, np.minimum, np.matrix_transpose,
]  # fmt: skip


@pytest.mark.parametrize("function", READ, ids=lambda f: f.__name__)
def test_the_lines_of_a_rule_are_true_in_numbers(function):
    story = example(function)
    read = Read(story)
    assert any([*map(read.check, lines(story))])


@pytest.mark.parametrize("told", [stories.batch_norm, stories.mlp])
def test_the_lines_of_a_story_are_true_in_numbers(told):
    read = Read(told())
    assert sum(map(read.check, lines(told()))) > 15


def test_a_lost_sign_is_seen(monkeypatch):
    factors = typesetting.as_product
    monkeypatch.setattr(typesetting, "as_product", lambda node: (1, *factors(node)[1:]))
    stories.batch_norm.cache_clear()
    story = stories.batch_norm()
    stories.batch_norm.cache_clear()
    with pytest.raises(AssertionError):
        [*map(Read(story).check, lines(story))]


def test_a_fraction_upside_down_is_seen():
    def turned(tree):
        if isinstance(tree, str):
            return tree
        tag, attributes, *children = tree
        parts = children[::-1] if tag == "mfrac" and text(children[0]) == "1" else children
        return [tag, attributes, *map(turned, parts)]

    read = Read(stories.batch_norm())
    with pytest.raises(AssertionError):
        [*map(read.check, map(turned, lines(stories.batch_norm())))]


def test_batch_norm_is_written_as_in_a_textbook():
    forward, backward = {}, {}
    for step in stories.batch_norm():
        kept = forward if step.phase == "forward" else backward
        kept[stories.batch_norm().names[step.nodes[0]]] = [*map(text, step.math)]
    assert forward["x̂"] == ["x^=centeredσ"]
    assert forward["σ²"] == ["σ2=14∑4 rowssquare"]
    assert backward["x̂"] == [
        "x^=centeredσ",
        "∂L∂centered=∂L∂x^·1σ+⋯",
        "∂L∂σ=−∑4 rows∂L∂x^·x^σ",
    ]
    assert backward["square"][1] == "∂L∂centered=∂L∂x^·1σ+∂L∂square·2·centered"
    assert backward["μ"][-1] == "∂L∂x=∂L∂centered+∂L∂μ·14"


def test_names_have_the_class_of_their_role_and_one_gradient_is_now():
    def classes(tree):
        _, attributes, *children = tree
        if "class" in attributes:
            yield text(tree), attributes["class"]
        for child in children:
            if not isinstance(child, str):
                yield from classes(child)

    step = next(s for s in stories.batch_norm() if s.phase == "backward" and len(s.parts) == 2)
    found = {pair for line in step.math for pair in classes(line)}
    assert {("y", "result"), ("scaled", "computed"), ("∂L∂y", "now")} <= found
    last = stories.batch_norm()[-1].math[-1]
    assert [kind for _, kind in classes(last)].count("now") == 1


def test_more_than_three_parts_are_cut_short():
    x = Tensor(2.0, "x")
    story = stories.told(x + x * x + x * x * x)
    assert any(text(line).startswith("∂L∂x=⋯+") for line in lines(story))


def test_hostile_names_stay_text():
    story = stories.hostile()
    for line in lines(story):
        check_form(line)
        parsed = ElementTree.fromstring(mathml(line))
        assert {tag.tag.partition("}")[2] for tag in parsed.iter()} <= TAGS
        assert "".join(parsed.itertext()) == text(line)
    assert "<img" in "".join(map(text, lines(story)))


OTHERS = ["sum(x, axis=y)", "f(*x)", "{x}", "x\0"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "lambda: x",
        "the rule of f",
        "x if y else z",
        "(" * 90,
        "x" * 2000,
        *OTHERS,
    ],
)
def test_what_cannot_be_read_says_so(text):
    with pytest.raises(UnreadableError):
        typeset(text, {"x": Typeset(["mi", {}, "x"], shape=(2, 2))})


def test_a_function_that_cannot_be_read_is_shown_in_words():
    @mb.primitive
    def shouted(x):
        return np.asarray(x, float) * 2

    mb.defvjp(shouted, lambda g, out, x: np.asarray(g, float) * 2)
    story = stories.told(shouted(Tensor([1.0, 2.0], "x")))
    said = [*map(text, lines(story))]
    assert any(line.startswith("∂L∂x=the rule of shouted") for line in said)


def test_the_data_of_the_page_has_it():
    steps = json.loads(json.dumps(stories.batch_norm().data()))["steps"]
    assert [len(step["math"]) for step in steps[:3]] == [0, 1, 1]
    assert {line[0] for step in steps for line in step["math"]} == {"math"}
    assert max(len(step["math"]) for step in steps) == 3
    patterns = {part["pattern"] for step in steps for part in step["parts"]}
    assert {"add distributes", "mul swaps, broadcast sums"} <= patterns


@pytest.mark.parametrize(
    ("function", "summed", "pattern"),
    [
        (np.add, "", "add distributes"),
        (np.multiply, "", "mul swaps"),
        (np.max, "", "max routes"),
        (relu, "", "max routes"),
        (np.multiply, "summed over the 4 rows", "mul swaps, broadcast sums"),
        (np.divide, "summed over the 4 rows", "broadcast sums"),
        (np.exp, "", ""),
    ],
)
def test_a_pattern_has_a_name(function, summed, pattern):
    assert gradient_pattern(function, summed) == pattern


def test_a_function_of_the_users_own_is_typeset_as_what_it_does():
    @mb.primitive
    def squared_distance(y, target):
        return np.sum(np.square(y - target))

    mb.defvjp(squared_distance, lambda g, out, y, target: g * (2 * (y - target)), None)
    y = Tensor([1.0, 2.0], "y")
    loss = squared_distance(y, np.zeros(2))
    mb.label({"loss": loss})
    story = stories.told(loss)
    said = [*map(text, lines(story))]
    assert said[:1] == ["L=∑2 entries(y−[0,0])2"]
    assert "∂L∂y=∂L∂L·2·(y−[0,0])" in said


def test_a_comparison_with_a_name_is_in_brackets_beside_the_sign_of_its_equation():
    x = Tensor([1.0, 0.0], "x")
    mask = x == 0
    mb.label({"m": mask})
    said = [*map(text, lines(stories.told(mask * x)))]
    assert said[0] == "m=(x=0)"
    assert said[-1] == "∂L∂x=∂L∂(m·x)·m"


@pytest.mark.parametrize(
    ("exponent", "forward", "backward"),
    [
        (1, "x1", "∂L∂x=∂L∂x1·1·x0"),
        (1.00001, "x1.00001", "∂L∂x=∂L∂x1.00001·1.00001·x10−5"),
        (2.0, "x2", "∂L∂x=∂L∂x2·2·x"),
    ],
)
def test_a_power_is_not_called_by_its_base(exponent, forward, backward):
    story = stories.told(Tensor([1.0, 2.0], "x") ** exponent)
    assert [*map(text, lines(story))] == [forward, forward, backward]


def test_a_constant_near_1_is_not_shown_as_1():
    story = stories.told(Tensor([1.0, 2.0], "x") * 0.99999)
    assert next(map(text, lines(story))) == "x·0.99999"
    assert any("x times 0.99999, " in step.sentence for step in story)
    small = Tensor(np.ones(2, np.float32), "x") * np.float32(0.1)
    assert next(map(text, lines(stories.told(small)))) == "small=x·0.1"


@pytest.mark.parametrize(
    "code",
    ["x[x > 1].sum()", "np.sum(x % 2)", "np.sum(np.hypot(x, 3))", "np.median(x)", "np.sum(x // y)"],
)
def test_every_mark_gives_way_to_a_name(code):
    x = Tensor([[1.0, 5.0], [3.0, 2.0]], "x")
    told = mb.story(eval(code, {"x": x, "np": np, "y": np.array([2.0, 3.0])})).data()
    assert "mark" not in str([step["math"] for step in told["steps"]])
