"""
The gradient nobody wrote
=========================

Batch norm is nine small operations, and each of them has a rule of a line or two. Look for the
two forks, x and "centered", which is x − μ: each is used twice, and its gradient is the sum of the
two parts that come back. Nothing else happens in batch norm's backward, and no rule says it.
"""

# %%
# Batch norm of a few digits, recorded: the graph grows while NumPy computes.
import numpy as np
from rich import print as show

from microbn import draw, grad, story, sweep, trace
from microbn.lab import demo, heat, tour
from microbn.lab.data import digits
from microbn.nn import BatchNorm, Linear
from microbn.view.words import greek

args = demo.options("d02_gradient_emerges", data=False)
with trace():  # remembers the lines inside of microbn too
    y = tour.batch_norm_on_digits(digits(args.seeds[0]), samples=4, features=2)
dy = tour.cotangent(y)

# %%
# The sweep walks back from y. Every node's gradient is complete before the node sends it on.
for step in sweep(y, dy):
    print(step)

# %%
# The same steps on a page: press → and see each message go, and add up at the forks.
demo.keep(story(y, dy, title="Batch norm of four digits"), "html", args)

# %%
# The two forks: the part that comes back on each of the two ways, and their sum, all rounded.
forks = {"centered": {}, "x": {}}
for step in sweep(y, dy):
    for message in step.messages:
        if message.operand.name in forks:
            forks[message.operand.name][f"through {greek(step.node.name)}"] = message.gradient
title = "At each fork the gradient is the sum of the parts that come back (all rounded)"
demo.present(heat.sums(forks, title, args.show), args)

# %%
# Everything at once, drawn: the value of each node beside its gradient.
demo.keep(draw(y, dy, direction="TB"), "svg", args)

# %%
# People derive this gradient by hand, stage by stage. Here is the difference, node by node.
show(tour.agreement_table(tour.agreement(y, dy)))

# %%
# The same comparison for larger batches, by seed. And a bias before batch norm: it moves x and the
# mean alike, so it changes nothing, and all that it gets as a gradient is rounding.
worst, of_bias, of_weight = 0.0, 0.0, np.inf
for seed in args.seeds:
    y = tour.batch_norm_on_digits(digits(seed), samples=16, features=4, seed=seed)
    dy = np.random.default_rng(seed).normal(size=y.shape)
    worst = max(worst, *(row["staged"] for row in tour.agreement(y, dy)))
    linear, norm = Linear(64, 4, rng=seed), BatchNorm(4)
    y = norm(linear(digits(seed).x_train[:16]))
    bias, weight = (np.abs(g).max() for g in grad(y, [linear.bias, linear.weight], dy))
    of_bias, of_weight = max(of_bias, bias), min(of_weight, weight)
demo.conclude(args, {"apart": worst, "bias": of_bias, "weight": of_weight})
