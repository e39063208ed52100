"""
Batch norm's noise regularizes
==============================

600 digits, of which nearly a third have a wrong label, and a net that can learn them by heart. A
batch's mean and variance are noisy estimates, and the smaller the "ghost" batch over which they are
taken, the noisier. Look at what ghost batches of 4 are worth, where 16 are still too many; at the
plain net, which does better than batch norm here; and at dropout, which does best.
"""

# %%
from dataclasses import replace
from functools import partial

import numpy as np

from microbn.lab import demo, figures
from microbn.lab.data import load
from microbn.lab.train import accuracy, fit, mlp
from microbn.nn import BatchNorm, Dropout, GhostBatchNorm, ReLU, Sequential
from microbn.optim import SGD

args = demo.options("d11_noise")
NORMS = {
    "plain": None,
    "batch norm (of 64)": BatchNorm,
    "ghost batches of 16": partial(GhostBatchNorm, size=16),
    "ghost batches of 4": partial(GhostBatchNorm, size=4),
    "dropout": None,
}


def mislabelled(data, seed, n=600, share=0.3):
    """n samples of the training set, and which of them have another class's label."""
    rng = np.random.default_rng(seed)
    y = data.y_train[:n].copy()
    wrong = rng.random(n) < share
    y[wrong] = (y[wrong] + rng.integers(1, data.classes, wrong.sum())) % data.classes
    return replace(data, x_train=data.x_train[:n], y_train=y), wrong


def experiment(net, seed, steps, data):
    data, wrong = mislabelled(load(data, seed), seed)
    rng = np.random.default_rng(seed)

    def activation():
        return Sequential(ReLU(), Dropout(0.5, rng=rng)) if net == "dropout" else ReLU()

    sizes = [data.features, 128, 128, data.classes]
    model = mlp(sizes, seed=seed, norm=NORMS[net], activation=activation)
    optimizer = SGD(model.parameters(), lr=0.1)
    compiled = net != "dropout"  # a program would repeat one mask
    fit(model, optimizer, data, steps=steps, seed=seed, every=steps, compiled=compiled)
    return {
        "test accuracy": accuracy(model, data.x_test, data.y_test),
        "wrong labels learned": accuracy(model, data.x_train[wrong], data.y_train[wrong]),
    }


axes = {"net": NORMS, "seed": args.seeds, "steps": [400 if args.quick else 1000]}
results = demo.run(experiment, axes | {"data": [args.data]}, args)
measured = ["test accuracy", "wrong labels learned"]
demo.summary(results, ["net"], dict.fromkeys(measured, "{:.3f}"))

# %%
test, learned = ({net: results.median(c, net=net) for net in NORMS} for c in measured)
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
compared = "batch norm (of 64)", "ghost batches of 4", "dropout"
full, ghost, dropout = (test[net] for net in compared)
demo.conclude(
    args,
    demo.Claim(
        "the noise of small ghost batches regularizes",
        textbook="noisy estimates, randomness similar to dropout; ghost batches (Hoffer 2017)",
        here=f"ghost batches of 4: {ghost:.3f}, batches of 64: {full:.3f}",
        held=ghost >= full + 0.05,
        gate="≥ 0.05 better",
    ),
    demo.Claim(
        "batch norm alone, over batches of 64, regularizes",
        textbook="it also acts as a regularizer (Ioffe & Szegedy 2015, abstract)",
        here=f"{full:.3f}, with {learned['batch norm (of 64)']:.0%} of the wrong labels learned; "
        f"plain {test['plain']:.3f}, with {learned['plain']:.0%}",
        held=full >= test["plain"],
        gate="≥ plain",
        shown=True,
    ),
    demo.Claim(
        "batch norm replaces dropout",
        textbook="in some cases (Ioffe & Szegedy 2015, abstract)",
        here=f"{full:.3f}, with {learned['batch norm (of 64)']:.0%} of the wrong labels learned; "
        f"dropout {dropout:.3f}, with {learned['dropout']:.0%}",
        held=full >= dropout,
        gate="≥ dropout",
        shown=True,
    ),
)
