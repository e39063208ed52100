"""Stories that the tests of the page and the notebook show."""

import linecache
from functools import cache

import numpy as np

import microbn as mb
from microbn import Tensor, nn, scalars
from microbn import functional as F
from microbn.testing.programs import program
from microbn.view import Story, story

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"'`&quot;&lt;",
    "a\nb",
    "[x]",
    "$script ${policy}",
    "a\u2028b\u2029c",
    "constructor",
    "__proto__",
]


def told(root: Tensor, title: str | None = None) -> Story:
    """Tell a story with a random cotangent: plain sums of batch norm have a gradient of zero."""
    return story(root, np.random.default_rng(7).normal(size=root.shape), title=title)


@cache
def batch_norm() -> Story:
    rng = np.random.default_rng(0)
    shapes = {"x": (4, 3), "gamma": 3, "beta": 3}
    leaves = [Tensor(rng.normal(size=shape), name) for name, shape in shapes.items()]
    with mb.trace():
        return told(F.batch_norm(*leaves), "Batch norm")


@cache
def fork() -> Story:
    """A small story, in which x is used three times, twice by the same product."""
    x = Tensor(3.0, "x")
    return told(x * x + x, "fork")


@cache
def mlp() -> Story:
    rng = np.random.default_rng(1)
    layers = nn.Linear(4, 5, rng=rng), nn.BatchNorm(5), nn.ReLU(), nn.Linear(5, 3, rng=rng)
    net = nn.Sequential(*layers)
    return told(net(Tensor(rng.normal(size=(6, 4)), "x")), "mlp")


@cache
def residual(blocks: int = 4) -> Story:
    """Groups inside blocks, and each block is added to its own input."""
    x = Tensor(np.linspace(-1, 1, 6).reshape(2, 3), "x")
    weight = Tensor(np.eye(3), "weight")
    for number in range(blocks):
        with mb.scope(f"block{number}"):
            with mb.scope("norm"):
                scaled = x / np.sqrt(np.square(x).mean() + 1.0)
            with mb.scope("inner"):
                x = x + F.relu(scaled @ weight)
    return told(x, "residual")


@cache
def cycle() -> Story:
    """A group whose value is used outside and then inside again: closing it makes a cycle."""
    a = Tensor(1.5, "a")
    with mb.scope("G"):
        inside = a * 2.0
    b = np.exp(inside)
    with mb.scope("G"):
        return told(b * inside, "cycle")


@cache
def twice() -> Story:
    """One Module that is called twice, so that an edge leaves its group and enters it again."""
    halve = nn.Sequential(nn.Tanh())
    halve.name = "halve"
    return told(np.sum(halve(halve(Tensor([[1.0, 2.0]], "x")) * 2.0) + 1.0), "twice")


@cache
def chain(length: int) -> Story:
    x = Tensor(1.0, "x")
    for _ in range(length):
        x = -x
    return told(x, "chain")


@cache
def scalar_batch_norm() -> Story:
    box = scalars(np.array([[1.0, 2.0], [4.0, -1.0]]), "x")
    out = F.batch_norm(box, Tensor([1.5, 2.0], "gamma"), Tensor([0.5, 0.0], "beta"))
    return told(np.sum(out * np.array([[1.0, -2.0], [0.5, 3.0]])), "scalars")


@cache
def random_program(seed: int) -> Story:
    grown = program(seed)
    leaves = [Tensor(array, f"v{i}") for i, array in enumerate(grown.inputs)]
    return told(grown.run(leaves), f"program {seed}")


@cache
def hostile() -> Story:
    """Every hostile name, as a value, as a group, in the title and in a line of code."""
    total = Tensor(1.0, "total")
    for number, name in enumerate(HOSTILE):
        file, source = f"<b>'\"&{number}.py", f"made = total * 2.0 + other  # {shown(name)}"
        linecache.cache[file] = (len(source), None, [source], file)
        space = {"total": total, "other": Tensor(2.0, name)}
        with mb.trace(), mb.scope(name):
            exec(compile(source, file, "exec"), space)
        total = space["made"]
    return told(total, " ".join(HOSTILE))


def shown(text: str) -> str:
    """Return a text as a reader sees it: white space of all kinds looks the same."""
    return " ".join(text.split())
