"""
Covariate shift, and the debate
===============================

The input of a sigmoid of the last layer, while the layers below it learn: its median, and the band
from the 15th to the 85th percentile. Look at how the band moves and widens at the left, and stays
at the right, as in Ioffe & Szegedy (2015, figure 1). But is that why batch norm works? With noise
after it the inputs shift more than in the plain net, and it trains as fast (Santurkar et al. 2018).
"""

import numpy as np

from microbn.lab import demo, figures
from microbn.lab.data import dataset
from microbn.lab.train import received, trained
from microbn.nn import BatchNorm, Module, Sequential, Sigmoid, xavier

args = demo.options("d13_covariate_shift", seeds=3)
NETS = {"plain": None, "batch norm": BatchNorm}


# %%
# After Ioffe & Szegedy, section 4.1: three layers of 100 sigmoids, batches of 60. N(0, 0.1²) for
# the weights, the rate 0.5 and 2,000 steps are ours. The percentiles are over training images.
def experiment(net, seed, steps, data):
    data = dataset(data, seed)

    def normal(rng, fan_in, fan_out):
        return rng.normal(0, 0.1, (fan_in, fan_out))

    def percentiles(model):
        z = received(model.train(), Sigmoid, data.x_train[:500])[-1]
        return np.percentile(z, [15, 50, 85], axis=0)

    how = {"norm": NETS[net], "activation": Sigmoid, "init": normal, "measure": percentiles}
    how |= {"seed": seed, "steps": steps, "every": 20, "batch_size": 60, "from_start": True}
    _, history = trained(data, [100] * 3, 0.5, **how)
    low, middle, high = np.stack(history.measured, axis=1)  # (times, neurons)
    width, first = high - low, {"low": low[:, 0], "middle": middle[:, 0], "high": high[:, 0]}
    growth = {"growth of the band": np.median(width[-1] / width[0])}
    return growth | {"its width": np.median(width[-1]), "training step": history.steps} | first


results = demo.run(experiment, {"net": NETS, "steps": [400 if args.quick else 2000]}, args)
demo.summary(results, ["net"], {"growth of the band": "{:.2f}", "its width": "{:.2f}"})

# %%
# One neuron of the first seed, as in the original figure.
first, y = results.where(seed=args.seeds[0]), "input of the sigmoid"
one = first.long(["low", "middle", "high"], "line", y)
title = "Without batch norm the inputs of a sigmoid move (median, 15% to 85%)"
how = {"panels": "net", "title": title, "show": args.show}
demo.present(figures.curves(one, "training step", y, **how), args)


# %%
# The debate: noise scales and shifts each feature of a batch by chance, after batch norm. The shift
# of an input is how far its mean strays while the net learns.
class Noise(Module):
    def __init__(self, rng):
        self.rng = rng

    def forward(self, x):
        if not self.training:
            return x
        return x * self.rng.uniform(0.5, 1.5, x.shape[1]) + self.rng.normal(0, 0.5, x.shape[1])


def debated(net, seed, steps, data):
    data, rng = dataset(data, seed), np.random.default_rng(seed)
    noisy = NETS | {"noisy batch norm": lambda n: Sequential(BatchNorm(n), Noise(rng))}

    def mean(model):
        return received(model.train(), Sigmoid, data.x_train[:500])[-1].mean(axis=0)

    how = {"norm": noisy[net], "activation": Sigmoid, "init": xavier, "measure": mean}
    how |= {"steps": steps, "compiled": False}  # chance cannot be compiled
    _, history = trained(data, [64] * 3, 0.5, seed=seed, **how)
    shift = np.median(np.std(history.measured, axis=0))
    return {"steps to 90%": history.steps_to(0.9), "shift of the inputs": shift}


axes = {"net": [*NETS, "noisy batch norm"], "steps": [60 if args.quick else 300]}
debate = demo.run(debated, axes, args, "debate")
demo.summary(debate, ["net"], {"steps to 90%": "{:.0f}", "shift of the inputs": "{:.2f}"})
measured = debate.medians("net", "steps to 90%", "shift of the inputs")
plain, normed = (results.median("growth of the band", net=net) for net in NETS)
measured |= results.medians("net", "growth of the band", "its width")
demo.conclude(args, measured | {"times less": plain / normed})
