"""Gradient checkers on wrong gradients and on right ones: how often each is mistaken.

``python -m tests.acceptance`` from the root of a clone prints the tables. Every checker is given
the same plain NumPy functions, ``forward(*inputs)`` and ``backward(g, *inputs)``, at the same
inputs. A peer's rule has the peer's own constants; a peer that is not installed is named.
"""

from __future__ import annotations

import argparse
import inspect
import platform
import random
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from microbn import closed_form
from microbn.testing import HandWritten, gradcheck

PACKAGES = ["microbn", "numpy", "autograd", "torch"]
SHAPE = (8, 3)


class Case(NamedTuple):
    """A function, a gradient of it, right or wrong, and where to check it."""

    forward: Callable[..., np.ndarray]
    backward: Callable[..., tuple]
    inputs: Callable[[np.random.Generator], tuple]


# Functions, and their gradients.


def batch_norm(x, gamma, beta):
    return closed_form.forward(x, gamma, beta)[0]


def batch_norm_back(g, x, gamma, beta):
    return closed_form.backward(g, closed_form.forward(x, gamma, beta)[1])


def no_variance_path(g, x, gamma, beta):
    """As if the standard deviation were a constant."""
    _, dgamma, dbeta = batch_norm_back(g, x, gamma, beta)
    std = np.sqrt(np.var(x, axis=0) + 1e-5)
    return gamma / std * (g - np.mean(g, axis=0)), dgamma, dbeta


def softmax(x):
    powers = np.exp(x - np.max(x, axis=1, keepdims=True))
    return powers / np.sum(powers, axis=1, keepdims=True)


def softmax_back(g, x):
    y = softmax(x)
    return (y * (g - np.sum(g * y, axis=1, keepdims=True)),)


def no_row_term(g, x):
    return (softmax(x) * g,)


def unweighted_row_term(g, x):
    """The row term is the mean of g, not weighted by y."""
    return (softmax(x) * (g - np.mean(g, axis=1, keepdims=True)),)


def tiny_square(x):
    return 1e-6 * x**2


def tiny_square_back(g, x):
    return (g * 2e-6 * x,)


def too_large(factor, backward):
    return lambda g, *inputs: tuple(factor * gradient for gradient in backward(g, *inputs))


def relu(x):
    return np.maximum(x, 0)


def relu_back(g, x):
    return (g * (x > 0),)


def log_back(g, x):
    return (g / x,)


def masked(x):
    """Beside a row that an attention mask has set to -1e9."""
    return np.concatenate([np.exp(x), np.full((1, x.shape[1]), -1e9)])


def masked_back(g, x):
    return (g[:-1] * np.exp(x),)


def loss(x):
    """The cross-entropy of targets that are all class 0."""
    shifted = x - np.max(x, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(shifted), axis=1)) - shifted[:, 0])


def loss_back(g, x):
    y = softmax(x)
    y[:, 0] = -np.sum(y[:, 1:], axis=1)  # y - 1, without the 1
    return (g * y / len(x),)


# Where they are checked.


def normal(rng):
    return (rng.normal(size=SHAPE),)


def normal_with_parameters(rng):
    return rng.normal(size=SHAPE), rng.normal(size=SHAPE[1]), rng.normal(size=SHAPE[1])


def confident(rng):
    x = rng.normal(size=SHAPE)
    x[:, 0] += 12
    return (x,)


def close_to_the_kink(rng):
    return (_one_of(rng.normal(size=SHAPE), 1e-7, rng),)


def close_to_the_pole(rng):
    return (_one_of(rng.uniform(0.5, 2, size=SHAPE), 1e-5, rng),)


def _one_of(x, value, rng):
    """x, one of its entries replaced."""
    x.flat[rng.integers(x.size)] = value
    return x


# fmt: off
WRONG = {
    "batch norm, no path through the variance":
        Case(batch_norm, no_variance_path, normal_with_parameters),
    "softmax, no row term":
        Case(softmax, no_row_term, normal),
    "softmax, mean of g as the row term":
        Case(softmax, unweighted_row_term, normal),
    "1e-6 x², gradient 50% too large":
        Case(tiny_square, too_large(1.5, tiny_square_back), normal),
    "batch norm, gradients 0.05% too large":
        Case(batch_norm, too_large(1.0005, batch_norm_back), normal_with_parameters),
    "exp beside a mask of -1e9, gradient 1% too large":
        Case(masked, too_large(1.01, masked_back), normal),
}
RIGHT = {
    "relu, one entry at 1e-7":  Case(relu, relu_back, close_to_the_kink),
    "log, one entry at 1e-5":   Case(np.log, log_back, close_to_the_pole),
    "batch norm":               Case(batch_norm, batch_norm_back, normal_with_parameters),
    "softmax":                  Case(softmax, softmax_back, normal),
    "1e-6 x²":                  Case(tiny_square, tiny_square_back, normal),
    "exp beside a mask of -1e9": Case(masked, masked_back, normal),
    "cross-entropy, 12 ahead":  Case(loss, loss_back, confident),
}
# fmt: on


# Checkers: whether they accept a gradient. Their docstrings are printed below the tables.


def microbn(forward, backward, inputs, rng):
    """`microbn.testing.gradcheck` of a `HandWritten` layer, as it comes."""
    layer = HandWritten(lambda *xs: (forward(*xs), xs), lambda g, xs: backward(g, *xs))
    return bool(gradcheck(layer, *inputs, seed=int(rng.integers(2**31))))


def minitorch(forward, backward, inputs, rng):
    """re-implemented from `grad_check` in minitorch/tensor_functions.py, commit 246f231: central
    differences of the plain sum at one entry of each input, which `random.seed(10)` chooses;
    epsilon 1e-6, tolerance 1e-2 relative and 1e-2 absolute.
    """
    gradients = backward(np.ones_like(forward(*inputs)), *inputs)
    choice = random.Random(10)
    for i, (x, gradient) in enumerate(zip(inputs, gradients, strict=True)):
        index = tuple(choice.randint(0, n - 1) for n in x.shape)
        slope = _difference(forward, inputs, i, index, 1e-6).sum()
        if not np.allclose(gradient[index], slope, rtol=1e-2, atol=1e-2):
            return False
    return True


def hips_autograd(forward, backward, inputs, rng):
    """`autograd.test_util.check_grads` itself, with `modes=["rev"]` and `order=1`, for which
    a backward in plain NumPy will do: central differences along one random direction, from one
    random cotangent; the step is 1e-6 from side to side, the tolerance 1e-6 absolute or relative.
    """
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    def rule(i):
        return lambda out, *xs: lambda g: backward(g, *xs)[i]

    planted = primitive(forward)
    defvjp(planted, *map(rule, range(len(inputs))))
    np.random.seed(int(rng.integers(2**31)))  # noqa: NPY002, it draws from there
    try:
        check_grads(planted, tuple(range(len(inputs))), modes=["rev"], order=1)(*inputs)
    except AssertionError:
        return False
    return True


def jax(forward, backward, inputs, rng):
    """re-implemented from `check_vjp` in jax/_src/public_test_util.py, commit 055a883, in float64:
    central differences along one direction, from one cotangent, both normal from
    `RandomState(0)`; step 1e-4, tolerance 1e-5 relative and 1e-5 absolute.
    """
    stream = np.random.RandomState(0)
    direction = [stream.randn(*x.shape) for x in inputs]
    ends = [
        forward(*(x + step * d for x, d in zip(inputs, direction, strict=True)))
        for step in (1e-4, -1e-4)
    ]
    cotangent = stream.randn(*ends[0].shape)
    slope = np.vdot(cotangent, (ends[0] - ends[1]) * (0.5 / 1e-4))
    gradients = backward(cotangent, *inputs)
    given = sum(np.vdot(d, g) for d, g in zip(direction, gradients, strict=True))
    return bool(np.allclose(given, slope, rtol=1e-5, atol=1e-5))


def cs231n(forward, backward, inputs, rng):
    """re-implemented from `eval_numerical_gradient_array` in cs231n/gradient_check.py and
    `rel_error` in the notebooks of Stanford's assignments: central differences at every entry, h
    1e-5, from one random cotangent; the largest `|a - b| / max(1e-8, |a| + |b|)` has to be
    below 1e-7, of which the course notes say "1e-7 and less you should be happy".
    """
    g = rng.normal(size=forward(*inputs).shape)
    errors = []
    for i, gradient in enumerate(backward(g, *inputs)):
        for index in np.ndindex(gradient.shape):
            a, b = gradient[index], np.vdot(g, _difference(forward, inputs, i, index, 1e-5))
            errors.append(np.abs(a - b) / max(1e-8, np.abs(a) + np.abs(b)))
    return bool(np.max(errors) < 1e-7)


def pytorch(forward, backward, inputs, rng):
    """`torch.autograd.gradcheck` itself, of a `torch.autograd.Function`, as it comes: central
    differences of every output along every entry; eps 1e-6, tolerance 1e-3 relative and 1e-5
    absolute.
    """
    import torch

    class Planted(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *xs):
            ctx.save_for_backward(*xs)
            return torch.as_tensor(np.asarray(forward(*(x.detach().numpy() for x in xs))))

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, g):
            arrays = [x.detach().numpy() for x in (g, *ctx.saved_tensors)]
            return tuple(map(torch.from_numpy, backward(*arrays)))

    leaves = [torch.tensor(x, requires_grad=True) for x in inputs]
    return torch.autograd.gradcheck(Planted.apply, leaves, raise_exception=False)


def _difference(forward, inputs, i, index, step):
    """The central difference of the output along one entry of input i."""
    ends = []
    for move in (step, -step):
        moved = [x.copy() for x in inputs]
        moved[i][index] += move
        ends.append(forward(*moved))
    return (ends[0] - ends[1]) / (2 * step)


CHECKERS = {
    "microbn": microbn,
    "minitorch": minitorch,
    "HIPS autograd": hips_autograd,
    "JAX": jax,
    "CS231n": cs231n,
    "PyTorch": pytorch,
}


# The tables.


def accepted(checker: Callable, case: Case, draws: int, seed: int) -> float:
    """The share of draws in which the gradient is accepted."""
    verdicts = []
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        with np.errstate(all="ignore"):  # a step beyond a pole
            verdicts.append(checker(case.forward, case.backward, case.inputs(rng), rng))
    return sum(verdicts) / draws


def mistaken(name: str, row: str, draws: int, seed: int) -> str:
    """The share of draws in which a checker accepts what is wrong, or rejects what is right."""
    try:
        if row in WRONG:
            return f"{accepted(CHECKERS[name], WRONG[row], draws, seed):.2f}"
        return f"{1 - accepted(CHECKERS[name], RIGHT[row], draws, seed):.2f}"
    except ImportError:
        return "not installed"


def table(title: str, rows: Any, draws: int, seed: int) -> str:
    """The shares of all checkers, in markdown."""
    cells = [["", *CHECKERS], [":--", *["--:"] * len(CHECKERS)]]
    cells += [[row, *(mistaken(name, row, draws, seed) for name in CHECKERS)] for row in rows]
    return "\n".join([f"## {title}", "", *(f"| {' | '.join(row)} |" for row in cells)])


def notes() -> str:
    """What each column is."""
    return "\n".join(
        f"- {name}: {' '.join(inspect.getdoc(checker).split())}"
        for name, checker in CHECKERS.items()
    )


def page(draws: int, seed: int) -> str:
    command = f"`python -m tests.acceptance --draws {draws} --seed {seed}`"
    found = [f"Python {platform.python_version()}", *map(installed, PACKAGES)]
    parts = [
        f"{command}: {draws} draws for each number, seed {seed}. {', '.join(found)}.",
        table("Wrong gradients: the share of draws accepted", WRONG, draws, seed),
        table("Right gradients: the share of draws rejected", RIGHT, draws, seed),
        f"Arrays of shape {SHAPE}; batch norm with its scale and shift. The columns:",
        notes(),
    ]
    return "\n\n".join(parts) + "\n"


def installed(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} not installed"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance", description=__doc__)
    parser.add_argument("--draws", type=int, default=20, metavar="N", help="default: 20")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables there too")
    args = parser.parse_args()
    if args.draws < 1 or args.seed < 0:
        parser.error("--draws must be at least 1, and --seed at least 0")
    if args.markdown and not args.markdown.parent.is_dir():
        parser.error(f"--markdown: there is no directory {args.markdown.parent}")
    text = page(args.draws, args.seed)
    print(text, end="")
    if args.markdown:
        args.markdown.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
