"""
Test your own batch norm
========================

A layer with its backward written by hand, as in a course, and the mistakes that people make in it,
planted one at a time. Look at the checker's report on each. Seven mistakes leave four patterns in
the gradient: the pattern tells what kind of mistake it was, and its size tells which. In your own
tests, one line does it all: ``assert_gradients(HandWritten(forward, backward), x, gamma, beta)``.
"""

# %%
# The layer, on plain arrays. It does not need to know microbn.
from functools import partial

import numpy as np

from microbn.lab import demo, heat
from microbn.lab.patterns import NONE, pattern_of
from microbn.lab.sweep import track
from microbn.testing import HandWritten, gradcheck

args = demo.options("d04_test_your_batch_norm", seeds=3, data=False)


def forward(x, gamma, beta, ddof=0):
    s = np.sqrt(x.var(0, ddof=ddof) + 1e-5)
    x_hat = (x - x.mean(0)) / s
    return gamma * x_hat + beta, (gamma, s, x_hat)


def dx(dy, gamma, s, x_hat, axis=0):
    return gamma / s * (dy - dy.mean(axis, keepdims=True) - x_hat * (dy * x_hat).mean(0))


# The mistakes: each is a different line for dx.
MISTAKES = {
    "no path through the mean": lambda dy, g, s, h: g / s * (dy - h * (dy * h).mean(0)),
    "no path through the variance": lambda dy, g, s, h: g / s * (dy - dy.mean(0)),
    "ε outside the root": lambda dy, g, s, h: dx(dy, g, np.sqrt(s**2 - 1e-5) + 1e-5, h),
    "the unbiased variance": lambda dy, g, s, h: dx(dy, g, s * np.sqrt(len(h) / (len(h) - 1)), h),
    "γ forgotten": lambda dy, g, s, h: dx(dy, 1.0, s, h),
    "mean over the wrong axis": lambda dy, g, s, h: dx(dy, g, s, h, axis=1),
    "N instead of N−1": dx,  # it is right if the forward divides by N
}
FORWARDS = {"N instead of N−1": partial(forward, ddof=1)}
DRAWN = {seed: np.random.default_rng(seed).normal(size=(10, 4)) for seed in args.seeds}
INPUTS = {seed: (rows[:8], rows[8], rows[9]) for seed, rows in DRAWN.items()}


def check(dx, seed, forward=forward):
    def backward(dy, cache):
        return dx(dy, *cache), (dy * cache[2]).sum(0), dy.sum(0)

    return gradcheck(HandWritten(forward, backward), *INPUTS[seed], seed=seed)


# %%
# The checker's words: first on the layer without a mistake, then on each mistake (first seed).
print(check(dx, args.seeds[0]))
reports = {}
for mistake, wrong in track(MISTAKES.items(), "checking", len(MISTAKES)):
    own = FORWARDS.get(mistake, forward)
    reports[mistake] = [check(wrong, seed, own) for seed in args.seeds]
    print(f"\n{mistake}:\n{reports[mistake][0]}")

# %%
# The error of each gradient: rows are samples, columns are features.
demo.present(heat.fingerprints({m: of[0] for m, of in reports.items()}, args.show), args)
patterns = [{pattern_of(report)[0] for report in of_seed} for of_seed in reports.values()]


# %%
# Would a check from dy = 1, the sum of the outputs, do as well? The right dx is zero then. So is a
# wrong one, unless it lacks the path through the mean.
def from_ones(mistake, seed):
    y, cache = FORWARDS.get(mistake, forward)(*INPUTS[seed])
    return np.abs(MISTAKES[mistake](np.ones_like(y), *cache)).max()


ones = {mistake: [from_ones(mistake, seed) for seed in args.seeds] for mistake in MISTAKES}
seen = [mistake for mistake, largest in ones.items() if min(largest) > 1e-9]

# %%
# Every mistake is found, and the layer without one is not accused.
found = sum(not any(of_seed) for of_seed in reports.values())
measured = {"planted": len(MISTAKES), "found": found, "patterns": len(set.union(*patterns))}
measured["alarms"] = sum(not check(dx, seed) for seed in args.seeds)
measured["odd"] = sum(len(kinds) > 1 or NONE in kinds for kinds in patterns)
measured |= {"seen": len(seen), "missed": len(ones) - len(seen), "which": " and ".join(seen)}
demo.conclude(args, measured)
