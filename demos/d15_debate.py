"""
The debate: noise after batch norm
==================================

Batch norm keeps a layer's inputs in place. Is this why a net learns sooner with it? Santurkar et
al. (2018) put noise after each batch norm, so that the inputs move again. Look at the left: with
noise they move more than in the plain net. And at the right: the noisy net still learns sooner.
"""

import numpy as np

from microbn.lab import demo, figures
from microbn.lab.data import dataset
from microbn.lab.results import Results
from microbn.lab.train import received, trained
from microbn.nn import BatchNorm, Module, Sequential, Sigmoid, xavier

args = demo.options("d15_debate")
DRAWN = PLAIN, NORMED, NOISY = "plain", "batch norm", "noisy batch norm"
SCALES = {PLAIN: 5, NORMED: 1, NOISY: 1}
OTHERS = {} if args.quick else {"plain, Xavier × 1": 1, "plain, Xavier × 10": 10}


# %%
# The noise scales and shifts each feature of a batch by chance. In evaluation there is none.
class Noise(Module):
    def __init__(self, rng):
        self.rng = rng

    def forward(self, x):
        if not self.training:
            return x
        return x * self.rng.uniform(0.5, 1.5, x.shape[1]) + self.rng.normal(0, 1.5, x.shape[1])


# %%
# Three layers of 64 sigmoids. With Xavier's weights the plain net does not learn in 300 steps, so
# the plain net that we compare with has five times these weights. The shift of a sigmoid's inputs
# is the standard deviation of their mean over the training. We measure it in widths of their band
# at the end as well, from 15% to 85% of the images.
def experiment(net, seed, data):
    data, rng = dataset(data, seed), np.random.default_rng(seed)
    norms = {NORMED: BatchNorm, NOISY: lambda n: Sequential(BatchNorm(n), Noise(rng))}

    def init(rng, fan_in, fan_out):
        return (SCALES | OTHERS)[net] * xavier(rng, fan_in, fan_out)

    def place(model):
        z = received(model.train(), Sigmoid, data.x_train[:500])[-1]
        return z.mean(axis=0), np.ptp(np.percentile(z, [15, 85], axis=0), axis=0)

    how = {"norm": norms.get(net), "activation": Sigmoid, "init": init, "measure": place}
    how |= {"steps": 300, "from_start": True, "compiled": net != NOISY}  # chance is not compiled
    _, history = trained(data, [64] * 3, 0.5, seed=seed, **how)
    means, widths = np.stack(history.measured, axis=1)  # (times, sigmoids)
    shifts = np.std(means, axis=0)
    typical = means[:, np.argsort(shifts)[len(shifts) // 2]]
    return {
        "shift": np.median(shifts),
        "in widths": np.median(shifts / widths[-1]),
        "steps to 90%": history.steps_to(0.9),
        "final accuracy": history.accuracies[-1],
        "training step": history.steps[:16],  # the figure goes to step 150
        "input": (typical - typical.mean())[:16],
        "accuracy": history.accuracies[:16],
    }


results = demo.run(experiment, {"net": SCALES | OTHERS}, args)
forms = {"shift": "{:.2f}", "in widths": "{:.2f}", "steps to 90%": "{:.0f}"}
demo.summary(results, ["net"], forms | {"final accuracy": "{:.3f}"})

# %%
measured = results.medians("net", *forms, "final accuracy")
drawn = Results([row for row in results.rows if row["net"] in DRAWN])
shift, sooner, x = "mean input of one sigmoid", "test accuracy", "training step"
one, bare = drawn.where(seed=args.seeds[0]), {"ylabel": ""}
panels = {shift: (one, x, "input", bare), sooner: (drawn, x, "accuracy", bare)}
ends = {
    shift: {net: f"shift {measured[f'{net} shift']:.2f}" for net in DRAWN},
    sooner: {net: f"90% at step {measured[f'{net} steps to 90%']:.0f}" for net in DRAWN},
}
title = "Noise moves the inputs more than in the plain net, and batch norm still learns sooner"
figure = figures.beside(panels, lines="net", title=title, ends=ends, show=args.show)
demo.present(figure, args)

# %%
for unit in ("shift", "in widths"):
    measured[f"times the {unit}"] = measured[f"{NOISY} {unit}"] / measured[f"{PLAIN} {unit}"]
demo.conclude(args, measured)
