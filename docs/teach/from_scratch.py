"""An autograd from an empty file, typed live in six steps. It needs NumPy alone."""

# %% Step 1: a tensor
from itertools import count

import numpy as np

clock = count()


class Tensor(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that remembers how it was made."""

    def __init__(self, value, function=None, operands=(), how=None):
        self.number, self.value, self.grad = next(clock), np.array(value, float), None
        self.function, self.operands, self.how = function, operands, how or {}

    def __array_ufunc__(self, function, method, *operands, **how):
        assert method == "__call__", f"{function.__name__}.{method} is not recorded"
        return record(function, *operands, **how)

    def __array_function__(self, function, types, operands, how):
        return record(function, *operands, **how)


a, b = Tensor(3), Tensor(4)
c = Tensor(a.value * b.value, np.multiply, (a, b))
print(c.value, c.function.__name__, [t.value.item() for t in c.operands])


# %% Step 2: record
def plain(operand):
    return operand.value if isinstance(operand, Tensor) else operand


def record(function, *operands, **how):
    value = function(*map(plain, operands), **how)
    return Tensor(value, function, operands, how)


node = np.mean(Tensor([[1, 2], [3, 4]]) * 2 + 1, axis=0)
while node.operands:
    print(node.number, node.function.__name__, node.value.tolist())
    node = node.operands[0]


# %% Step 3: backward
def unbroadcast(g, shape):
    """Sum g over all axes along which NumPy has repeated an operand of this shape."""
    g = np.sum(g, axis=tuple(range(np.ndim(g) - len(shape))))
    return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)


def backward(root, g):
    root.grad, waiting = np.broadcast_to(g, root.value.shape), {root.number: root}
    while waiting:
        node = waiting.pop(max(waiting))
        for operand, rule in zip(node.operands, RULES[node.function], strict=True):
            if isinstance(operand, Tensor):
                g = rule(node.grad, node.value, *map(plain, node.operands), **node.how)
                g = unbroadcast(g, operand.value.shape)
                operand.grad = operand.grad + g if operand.number in waiting else g
                waiting[operand.number] = operand


RULES = {
    None: [],  # a leaf
    np.add: [lambda g, out, x, y: g, lambda g, out, x, y: g],
    np.multiply: [lambda g, out, x, y: g * y, lambda g, out, x, y: g * x],
}

x, w = Tensor(3), Tensor([10, 20])
backward(x * x + x, 1)
print(x.grad)
backward(x * w, np.ones(2))
print(x.grad, w.grad)


# %% Step 4: rules
def spread(g, x, axis=None, keepdims=False):
    """Give each entry of x the gradient of the number that it went into."""
    return np.broadcast_to(np.reshape(g, x.sum(axis, keepdims=True).shape), x.shape)


# fmt: off
RULES |= {
    np.subtract: [lambda g, out, x, y: g,       lambda g, out, x, y: -g],
    np.divide:   [lambda g, out, x, y: g / y,   lambda g, out, x, y: -g * out / y],
    np.matmul:   [lambda g, out, x, y: g @ y.T, lambda g, out, x, y: x.T @ g],
    np.power:    [lambda g, out, x, y: g * y * x**(y - 1),
                  lambda g, out, x, y: g * out * np.log(x)],
    np.negative: [lambda g, out, x: -g],
    np.square:   [lambda g, out, x: g * 2 * x],
    np.sqrt:     [lambda g, out, x: g / (2 * out)],
    np.exp:      [lambda g, out, x: g * out],
    np.log:      [lambda g, out, x: g / x],
    np.tanh:     [lambda g, out, x: g * (1 - out**2)],
    np.sum:      [lambda g, out, x, **how: spread(g, x, **how)],
    np.mean:     [lambda g, out, x, **how: spread(g * out.size / x.size, x, **how)],
}
# fmt: on
rng = np.random.default_rng(0)


def check(function, *inputs):
    """Compare a gradient with the slope of a random mix of the outputs."""
    pairs = [(Tensor(x), 1e-6 * rng.normal(size=x.shape)) for x in inputs]
    out = function(*(t for t, _ in pairs))
    dy = rng.normal(size=out.value.shape)
    backward(out, dy)
    ahead, behind = (function(*(t.value + s * h for t, h in pairs)) for s in (1, -1))
    slope = np.sum(dy * (ahead - behind)) / 2
    emerged = sum(np.sum(t.grad * h) for t, h in pairs)
    return abs(emerged - slope) < 1e-5 * abs(slope)


x, y = rng.uniform(1, 2, size=(2, 3, 3))
wrong = [f.__name__ for f in RULES if f and not check(f, *(x, y)[: len(RULES[f])])]
print(len(RULES) - 1, "functions, wrong:", wrong)


# %% Step 5: composed
def softmax(x):
    exps = np.exp(x)
    return exps / np.sum(exps, axis=1, keepdims=True)


labels, logits = np.eye(3), Tensor(x)
backward(-np.sum(labels * np.log(softmax(logits))), 1)
print(check(softmax, x), np.abs(logits.grad - (softmax(x) - labels)).max().round(12))


# %% Step 6: batch norm
def batch_norm(x, gamma, beta, eps=1e-5):
    mean = np.mean(x, axis=0)
    centered = x - mean
    var = np.mean(np.square(centered), axis=0)
    std = np.sqrt(var + eps)
    x_hat = centered / std
    return gamma * x_hat + beta


def derived(x, gamma, dy, eps=1e-5):
    std = np.sqrt(np.var(x, axis=0) + eps)
    x_hat = (x - np.mean(x, axis=0)) / std
    return gamma / std * (dy - dy.mean(axis=0) - x_hat * (dy * x_hat).mean(axis=0))


x, gamma, beta = Tensor(rng.normal(size=(8, 3))), Tensor([1, 2, 3]), Tensor([0, 0, 0])
y = batch_norm(x, gamma, beta)
for dy in (rng.normal(size=(8, 3)), np.ones((8, 3))):
    backward(y, dy)
    off = np.abs(x.grad - derived(x.value, gamma.value, dy)).max()
    print(np.abs(x.grad).max().round(12), off.round(12))
