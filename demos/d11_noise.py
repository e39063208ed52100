"""
Batch norm's noise regularizes
==============================

600 digits, of which nearly a third have a wrong label, and a net that can learn them by heart. Look
at batch norm: it learns faster, the digits at the left and the wrong labels at the right. Each
wrong label learned costs accuracy, so the net has to stop early. The mean and variance of a "ghost"
batch of 4 are noisier: with this noise the net is better at every stop from step 100 on. Dropout is
slower, and better still. A top of a curve is a little too high, as the test set chose its step.
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
GHOST = "ghost batches of 4"
NORMS = {"plain": None, "batch norm": BatchNorm}
NORMS |= {GHOST: partial(GhostBatchNorm, size=4), "dropout": None}
STOPS = [10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000, 3000]
STOPS = STOPS[:8] if args.quick else STOPS
TEST, WRONG = "test accuracy", "wrong labels learned"


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

    def learned(model):
        return accuracy(model, data.x_train[wrong], data.y_train[wrong])

    how = {"norm": NORMS[net], "seed": seed, "steps": steps, "every": 10, "measure": learned}
    if net == "dropout":
        how |= {"activation": dropping, "compiled": False}  # a program would repeat one mask
    _, history = trained(data, [128] * 2, 0.1, **how)
    tests = zip(history.steps, history.accuracies, history.measured, strict=True)
    kept = zip(*(test for test in tests if test[0] in STOPS), strict=True)
    found = dict(zip(["training step", TEST, WRONG], map(list, kept), strict=True))
    halves = (s for s, m in zip(history.steps, history.measured, strict=True) if m >= 0.5)
    return found | {"to 85%": history.steps_to(0.85), "to half": next(halves, np.inf)}


results = demo.run(experiment, {"net": NORMS, "steps": [STOPS[-1]]}, args)
demo.summary(results, ["net"], {"to 85%": "{:.0f}", "to half": "{:.0f}"})

# %%
title = "30% wrong labels: batch norm learns all faster, these too; noise of ghost batches helps"
left = (results, "training step", TEST, {"xscale": "log", "ylim": (0.3, 1)})
right = (results, "training step", WRONG, {"xscale": "log", "ylim": (0, 1.02)})
panels = {"new digits recognized": left, "wrong labels learned by heart": right}
demo.present(figures.beside(panels, lines="net", title=title, show=args.show), args)

# %%
# Medians over the seeds at steps 300, 1000 and 3000 (200, 300 and 500 if quick), and at each
# net's best stop.
places = {"early": 5, "late": 6} if args.quick else {"early": 6, "late": 8}
measured = {name: STOPS[at] for name, at in (places | {"end": -1}).items()}
curves = {}
for net in NORMS:
    curves[net], learned = (np.median(results.where(net=net)[c], axis=0) for c in (TEST, WRONG))
    for name, at in (places | {"end": -1, "best": np.argmax(curves[net])}).items():
        measured |= {f"{net} {name}": curves[net][at], f"{net} learned {name}": learned[at]}
        measured[f"{net} {name} step"] = STOPS[at]
gain = curves[GHOST] - curves["batch norm"]
measured |= {f"gain {name}": gain[at] for name, at in places.items()}
measured["behind"] = max((s for s, g in zip(STOPS, gain, strict=True) if not g >= 0), default=0)
measured |= results.medians("net", "to 85%", "to half")
sooner = measured["plain to half"] / measured["batch norm to half"]
demo.conclude(args, measured | {"times sooner": sooner})
