"""
Batch norm's noise regularizes
==============================

600 digits, of which nearly a third have a wrong label, and a net that can learn them by heart. A
batch's mean and variance are noisy estimates, and the smaller the "ghost" batch they are taken
over, the noisier they are. Look at how much ghost batches of 4 gain, where ghost batches of 16 are
still too large; at the plain net, which does better than batch norm here; and at dropout, the best.
"""

# %%
from dataclasses import replace
from functools import partial

import numpy as np

from microbn.lab import demo, figures
from microbn.lab.data import dataset
from microbn.lab.train import accuracy, trained
from microbn.nn import BatchNorm, Dropout, GhostBatchNorm, ReLU, Sequential

args = demo.options("d11_noise")
NORMS = {
    "plain": None,
    "batch norm (of 64)": BatchNorm,
    "ghost batches of 16": partial(GhostBatchNorm, size=16),
    "ghost batches of 4": partial(GhostBatchNorm, size=4),
    "dropout": None,
}


def mislabelled(data, seed, n=600, share=0.3):
    """Return n samples of the training set, and which of them have another class's label."""
    rng = np.random.default_rng(seed)
    y = data.y_train[:n].copy()
    wrong = rng.random(n) < share
    y[wrong] = (y[wrong] + rng.integers(1, data.classes, wrong.sum())) % data.classes
    return replace(data, x_train=data.x_train[:n], y_train=y), wrong


def experiment(net, seed, steps, data):
    data, wrong = mislabelled(dataset(data, seed), seed)
    rng = np.random.default_rng(seed)

    def dropping():
        return Sequential(ReLU(), Dropout(0.5, rng=rng))

    how = {"norm": NORMS[net], "seed": seed, "steps": steps, "every": steps}
    if net == "dropout":
        how |= {"activation": dropping, "compiled": False}  # a program would repeat one mask
    model, _ = trained(data, [128] * 2, 0.1, **how)
    return {
        "test accuracy": accuracy(model, data.x_test, data.y_test),
        "wrong labels learned": accuracy(model, data.x_train[wrong], data.y_train[wrong]),
    }


results = demo.run(experiment, {"net": NORMS, "steps": [400 if args.quick else 1000]}, args)
columns = ["test accuracy", "wrong labels learned"]
demo.summary(results, ["net"], dict.fromkeys(columns, "{:.3f}"))

# %%
medians = results.medians("net", *columns)
learned = {net: medians[f"{net} wrong labels learned"] for net in NORMS}
figure = figures.ranges(
    results,
    "test accuracy",
    rows="net",
    notes={net: f"{learned[net]:.0%} of the wrong\nlabels learned" for net in NORMS},
    title="30% of the labels are wrong: noise helps, batch norm alone does not",
    show=args.show,
)
demo.present(figure, args)

# %%
compared = "ghost batches of 4", "batch norm (of 64)"
ghost, full = (medians[f"{net} test accuracy"] for net in compared)
demo.conclude(args, medians | {"gain": ghost - full})
