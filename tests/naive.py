"""An engine too plain to be wrong in the ways of a quick one: it walks every path by itself.

Nothing is shared and nothing is ordered. A gradient is the sum over all paths from the root, so
that a node is walked through as often as there are ways to it. The rules are written by hand.
"""

import numpy as np

from microbn.engine.functions import relu

BOUND, MOST_VISITS = 30, 100  # a larger value, or more steps of a walk, are refused


class Node:
    """A value and, for each parent: its position, the node, and the vjp of what it was then."""

    def __init__(self, value, parents=(), seen=(), leaf=False):
        self.value, self.parents, self.seen, self.leaf = value, parents, seen, leaf
        self.visits = 1 + sum(parent.visits for _, parent, _ in parents)
        self.grad, self.scale = None, 0.0


def compute(name, *operands):
    """A node, or None where NumPy refuses to compute it, or it would be too much to walk."""
    function, *vjps = OPERATIONS[name]
    seen = [x.value if isinstance(x, Node) else x for x in operands]
    try:
        value = np.asarray(function(*seen))
    except (ValueError, IndexError):
        return None
    parents = [
        (i, x, vjp)
        for i, (x, vjp) in enumerate(zip(operands, vjps, strict=True))
        if isinstance(x, Node)
    ]
    node = Node(value, parents, seen)
    fits = value.size and np.abs(value).max() < BOUND and node.visits <= MOST_VISITS
    return node if fits else None


def walk(node, g, scale=0.0):
    """Every visit to a node: it, what one path brings, and the largest number on that path."""
    scale = max(scale, np.abs(g).max())
    yield node, g, scale
    for _, parent, vjp in node.parents:
        yield from walk(parent, vjp(g, *node.seen), scale)


def backward(root, g, retain_grads):
    for node, part, scale in walk(root, g):
        if node.leaf or retain_grads:
            node.grad = part if node.grad is None else node.grad + part
            node.scale += scale


def grad(root, wanted, g):
    """The gradient in each of the nodes wanted, and the scale of what it was summed from."""
    found = [(np.zeros(node.value.shape), 0.0) for node in wanted]
    for node, part, scale in walk(root, g):
        for i, each in enumerate(wanted):
            if each is node:
                found[i] = found[i][0] + part, found[i][1] + scale
    return found


def stale(root):
    """Whether the data of a leaf was replaced after something on the way to the root saw it."""
    return any(
        parent.value is not node.seen[i] or stale(parent)
        for node in [root]
        for i, parent, _ in node.parents
    )


def moved(f):
    """The vjp where entries only move, repeat or drop out: each goes back to where it was."""

    def vjp(g, x):
        origin = f(np.arange(x.size).reshape(x.shape))
        return np.bincount(np.ravel(origin), np.ravel(g), x.size).reshape(x.shape)

    return vjp


def back(g, x):
    """Undo the broadcasting of x."""
    return moved(lambda entries: np.broadcast_to(entries, g.shape))(g, x)


def fill(g, x, axis):
    """Undo a reduction of x: the same for all the entries that went into one."""
    if axis is not None and x.ndim:  # of a number, NumPy reduces an axis that is not there
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, x.shape)


def highest(g, x, axis):
    hits = x == fill(np.max(x, axis), x, axis)
    return fill(g, x, axis) * hits / fill(hits.sum(axis), x, axis)


def left(g, x, y):
    """Of x @ y, with a vector as a matrix of one row on the left, of one column on the right."""
    rows, columns = np.atleast_2d(x), y.reshape(len(y), -1)
    return (g.reshape(len(rows), -1) @ columns.T).reshape(x.shape)


def right(g, x, y):
    rows = np.atleast_2d(x)
    return (rows.T @ g.reshape(len(rows), -1)).reshape(y.shape)


MOVES = {
    "reshape": lambda x: np.reshape(x, -1),
    "reshape to (3, 2)": lambda x: x.reshape(3, 2),
    "transpose": lambda x: np.transpose(x),
    "[0]": lambda x: x[0],
    "[..., 1:]": lambda x: x[..., 1:],
    "[[1, 0, 1]]": lambda x: x[[1, 0, 1]],
}
# fmt: off
OPERATIONS = {
    "add":      (lambda x, y: x + y,    lambda g, x, y: back(g, x),
                                        lambda g, x, y: back(g, y)),
    "subtract": (np.subtract,           lambda g, x, y: back(g, x),
                                        lambda g, x, y: back(-g, y)),
    "multiply": (lambda x, y: x * y,    lambda g, x, y: back(g * y, x),
                                        lambda g, x, y: back(g * x, y)),
    # Divided by something away from 0.
    "divide":   (lambda x, y: x / (np.square(y) + 0.5),
                                        lambda g, x, y: back(g / (y * y + 0.5), x),
                                        lambda g, x, y: back(-2 * g * x * y / (y * y + 0.5)**2, y)),
    "where":    (lambda x, y: np.where(x > y, x, y),
                                        lambda g, x, y: back(g * (x > y), x),
                                        lambda g, x, y: back(g * (x <= y), y)),
    "matmul":   (lambda x, y: x @ y,    left, right),
    "square":   (np.square,             lambda g, x: g * x * 2),
    "tanh":     (np.tanh,               lambda g, x: g / np.cosh(x) ** 2),
    "relu":     (relu,                  lambda g, x: g * (x > 0)),
    "sum":      (lambda x: x.sum(axis=0),   lambda g, x: fill(g, x, 0)),
    "mean":     (lambda x: np.mean(x),  lambda g, x: fill(g, x, None) / x.size),
    "max":      (lambda x: np.max(x, axis=-1),  lambda g, x: highest(g, x, -1)),
    **{name: (f, moved(f)) for name, f in MOVES.items()},
}
# fmt: on
