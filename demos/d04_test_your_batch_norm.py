"""
Test your own batch norm
========================

A layer with its backward written by hand, as in a course, and the mistakes that people make in it,
planted one at a time. Look at the checker's report on each: most mistakes leave a pattern of their
own, and the pattern tells which mistake it was. In your own tests, one line does it all:
``assert_gradients(HandWritten(forward, backward), x, gamma, beta)``.
"""

# %%
# The layer, on plain arrays. It does not need to know microbn.
import numpy as np

from microbn.lab import demo, figures
from microbn.lab.sweep import track
from microbn.testing import HandWritten, gradcheck

args = demo.options("d04_test_your_batch_norm", seeds=3, data=False)


def forward(x, gamma, beta, ddof=0):
    s = np.sqrt(x.var(0, ddof=ddof) + 1e-5)
    x_hat = (x - x.mean(0)) / s
    return gamma * x_hat + beta, (gamma, s, x_hat)


def unbiased_forward(x, gamma, beta):
    return forward(x, gamma, beta, ddof=1)


def dx(dy, gamma, s, x_hat):
    return gamma / s * (dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0))


# %%
# The mistakes: each is a different line for dx.
MISTAKES = {
    "no path through the mean": lambda dy, g, s, h: g / s * (dy - h * (dy * h).mean(0)),
    "no path through the variance": lambda dy, g, s, h: g / s * (dy - dy.mean(0)),
    "ε outside the root": lambda dy, g, s, h: dx(dy, g, np.sqrt(s**2 - 1e-5) + 1e-5, h),
    "the unbiased variance": lambda dy, g, s, h: dx(dy, g, s * np.sqrt(len(h) / (len(h) - 1)), h),
    "γ forgotten": lambda dy, g, s, h: dx(dy, 1.0, s, h),
    "the mean over the wrong axis": lambda dy, g, s, h: (
        g / s * (dy - dy.mean(1, keepdims=True) - h * (dy * h).mean(0))
    ),
    "N instead of N−1": dx,  # it is right if the forward divides by N
}
FORWARDS = {"N instead of N−1": unbiased_forward}


def check(dx, seed, forward=forward):
    def backward(dy, cache):
        return dx(dy, *cache), (dy * cache[2]).sum(0), dy.sum(0)

    x, gamma, beta = (np.random.default_rng(seed).normal(size=n) for n in ((8, 4), 4, 4))
    return gradcheck(HandWritten(forward, backward), x, gamma, beta, seed=seed)


# %%
# The checker's words: first on the layer without a mistake, then on each mistake (first seed).
print(check(dx, seed=0))
reports = {}
for mistake, wrong in track(MISTAKES.items(), "checking", len(MISTAKES)):
    used = FORWARDS.get(mistake, forward)
    reports[mistake] = [check(wrong, seed, used) for seed in args.seeds]
    print(f"\n{mistake}:\n{reports[mistake][0]}")

# %%
# The error of each gradient: rows are samples, columns are features.
drawn = {mistake: of_seed[0] for mistake, of_seed in reports.items()}
demo.present(figures.fingerprints(drawn, args.show), args)

# %%
# Every mistake is found, and the layer without one is not accused.
found = sum(not any(of_seed) for of_seed in reports.values())
alarms = sum(not check(dx, seed) for seed in args.seeds)
demo.conclude(args, {"found": found, "planted": len(MISTAKES), "alarms": alarms})
