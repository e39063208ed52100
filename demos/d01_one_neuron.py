"""
One neuron, step by step
========================

A neuron that meets two numbers with the same weight, as a convolution does: tanh(w·x₀ + w·x₁ + b).
Every product and every sum is a node of the graph, and each node knows only its own slope. Look at
w: it is used twice, and the two parts that come back add up.
"""

# %%
# The forward: NumPy computes, and the graph remembers. The numbers are simple enough to follow.
import numpy as np

from microbn import Tensor, draw, label, scalars, story, sweep, trace
from microbn.lab import demo
from microbn.testing import gradcheck

args = demo.options("d01_one_neuron", seeds=3, data=False)


def neuron(w, x, b):
    first, second = w * x[0], w * x[1]
    both = first + second
    z = both + b
    y = np.tanh(z)
    label(locals())  # the nodes get the names of the variables
    return y


with trace():  # remembers the lines inside of microbn too
    y = neuron(Tensor(0.5, "w"), scalars([1.0, 2.0], "x"), Tensor(-1.0, "b"))


# %%
# By hand we apply the chain rule, from y back: the incoming gradient, times the local slope.
def by_hand(w, x, b):
    dz = 1 - np.tanh(w * x[0] + w * x[1] + b) ** 2
    return {
        "y": ("the backward starts here, with 1", 1.0),
        "z": ("1, times the slope of tanh, 1 − y²", dz),
        "both": ("a sum has the slope 1: the gradient goes on unchanged", dz),
        "second": ("a sum sends the same to each of its parts", dz),
        "first": ("a sum sends the same to each of its parts", dz),
        "b": ("a sum sends the same to each of its parts", dz),
        "x[1]": ("the incoming gradient, times w", dz * w),
        "x[0]": ("the incoming gradient, times w", dz * w),
        "w": ("the incoming gradient times x₀, plus the one times x₁", dz * x[0] + dz * x[1]),
    }


expected = by_hand(0.5, [1.0, 2.0], -1.0)
for step in sweep(y):
    words, number = expected[step.node.name]
    print(f"{step}\n    by hand: {words} = {number:.3f}")

# %%
# The same steps on a page, where → goes to the next one; and all of them in one picture.
demo.keep(draw(y, direction="TB"), "png", args)
demo.keep(story(y, title="One neuron"), "html", args)

# %%
# Other numbers, drawn by seed, and a second opinion from finite differences.
off_hand, off_numeric = [], []
for seed in args.seeds:
    w, b, *x = np.random.default_rng(seed).normal(size=4)
    steps = sweep(neuron(Tensor(w, "w"), scalars(x, "x"), Tensor(b, "b")))
    expected = by_hand(w, x, b)
    off_hand += [abs(step.gradient - expected[step.node.name][1]) for step in steps]
    report = gradcheck(neuron, w, x, b, seed=seed)
    off_numeric += [np.max(np.abs(i.analytic - i.numeric.value)) for i in report.inputs]
    print(f"seed {seed}: {report}")

demo.conclude(args, {"by hand": max(off_hand), "numeric": max(off_numeric)})
