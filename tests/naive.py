"""An engine that is too plain to have a quick engine's faults: it walks every path by itself.

It shares nothing and orders nothing. A gradient is the sum over all paths from the root, so the
walk visits a node once for each path to it. The rules are written by hand.
"""

import numpy as np

from microbn.engine.functions import relu

BOUND, MOST_VISITS = 30, 100  # a larger value, or more steps of a walk, are refused


class Node:
    """A value and, for each parent, its position, its node, and the vjp at its value then."""

    def __init__(self, value, parents=(), seen=(), leaf=False):
        self.value, self.parents, self.seen, self.leaf = value, parents, seen, leaf
        self.visits = 1 + sum(parent.visits for _, parent, _ in parents)
        self.grad, self.scale = None, 0.0


def compute(name, *operands):
    """Return a node, or None if NumPy refuses to compute it or the walk would be too long."""
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
    """Yield each visit to a node: the node, the path's gradient, and the largest number on it."""
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
    """Return the gradient in each node of ``wanted``, and the scale of the terms in its sum."""
    found = [(np.zeros(node.value.shape), 0.0) for node in wanted]
    for node, part, scale in walk(root, g):
        for i, each in enumerate(wanted):
            if each is node:
                found[i] = found[i][0] + part, found[i][1] + scale
    return found


def stale(root):
    """Tell whether a leaf's data was replaced after a node on the way to the root saw it."""
    return any(
        parent.value is not node.seen[i] or stale(parent)
        for node in [root]
        for i, parent, _ in node.parents
    )


def moved(f):
    """Make the vjp of an f that moves, repeats or drops entries: they go back to their places."""

    def vjp(g, x):
        origin = f(np.arange(x.size).reshape(x.shape))
        return np.bincount(np.ravel(origin), np.ravel(g), x.size).reshape(x.shape)

    return vjp


def back(g, x):
    """Undo the broadcasting of x."""
    return moved(lambda entries: np.broadcast_to(entries, g.shape))(g, x)


def fill(g, x, axis):
    """Undo a reduction of x: all entries that went into one number get the same."""
    if axis is not None and x.ndim:  # of a number, NumPy reduces an axis that is not there
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, x.shape)


def highest(g, x, axis):
    hits = x == fill(np.max(x, axis), x, axis)
    return fill(g, x, axis) * hits / fill(hits.sum(axis), x, axis)


def left(g, x, y):
    """Return the vjp of x @ y for x. A vector is a row on the left, and a column on the right."""
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
