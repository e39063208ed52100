"""
Covariate shift, and the debate
===============================

What a sigmoid of the last layer is given while the layers below it learn: its median, and the band
from the 15th to the 85th percentile. Look at how it moves and widens at the left, and stays at the
right, as in Ioffe & Szegedy (2015, figure 1). But is that why batch norm works? Noise put after it
shifts the inputs again, more than in the plain net, and it trains as fast (Santurkar et al. 2018).
"""

# %%
import numpy as np

from microbn.lab import demo, figures
from microbn.lab.data import load
from microbn.lab.train import fit, mlp, received
from microbn.nn import BatchNorm, Module, Sequential, Sigmoid, xavier
from microbn.optim import SGD

args = demo.options("d13_covariate_shift", seeds=3)
NETS = {"plain": None, "batch norm": BatchNorm}


# %%
# After Ioffe & Szegedy, section 4.1: three layers of 100 sigmoids, batches of 60. N(0, 0.1²) for
# the weights, the rate 0.5 and 2,000 steps are ours. The percentiles are over training images.
def normal(rng, fan_in, fan_out):
    return rng.normal(0, 0.1, (fan_in, fan_out))


def experiment(net, seed, steps, data):
    data = load(data, seed)
    sizes = [data.features, 100, 100, 100, data.classes]
    model = mlp(sizes, seed=seed, norm=NETS[net], activation=Sigmoid, init=normal)

    def percentiles():
        z = received(model.train(), Sigmoid, data.x_train[:500])[-1]
        return np.percentile(z, [15, 50, 85], axis=0)

    before, optimizer = percentiles(), SGD(model.parameters(), lr=0.5)
    often = {"every": 20, "batch_size": 60, "measure": percentiles}
    history = fit(model, optimizer, data, steps=steps, seed=seed, compiled=True, **often)
    seen = np.array([before, *history.measured])  # (times, 3, neurons)
    widths = seen[:, 2] - seen[:, 0]
    growth = {
        "growth of the band": np.median(widths[-1] / widths[0]),
        "its width": np.median(widths[-1]),
    }
    one = {name: seen[:, i, 0] for i, name in enumerate(["low", "middle", "high"])}
    return growth | {"training step": [0, *history.steps]} | one


runs = {"seed": args.seeds, "data": [args.data]}
steps = [400 if args.quick else 2000]
results = demo.run(experiment, {"net": NETS, "steps": steps} | runs, args)
demo.summary(results, ["net"], {"growth of the band": "{:.2f}", "its width": "{:.2f}"})

# %%
# One neuron of the first seed, as in the original figure.
first, y = results.where(seed=args.seeds[0]), "input of the sigmoid"
one = first.long(["low", "middle", "high"], "line", y)
title = "Without batch norm the inputs of a sigmoid move (median, 15% to 85%)"
how = {"panels": "net", "title": title, "show": args.show}
demo.present(figures.curves(one, "training step", y, **how), args)


# %%
# The debate. The shift of an input is how far its mean strays while the net learns.
class Noise(Module):
    """Scales and shifts each feature of a batch by chance, in training."""

    def __init__(self, rng):
        self.rng = rng

    def forward(self, x):
        if not self.training:
            return x
        return x * self.rng.uniform(0.5, 1.5, x.shape[1]) + self.rng.normal(0, 0.5, x.shape[1])


def debated(net, seed, steps, data):
    data, rng = load(data, seed), np.random.default_rng(seed)
    noisy = NETS | {"noisy batch norm": lambda n: Sequential(BatchNorm(n), Noise(rng))}
    sizes = [data.features, 64, 64, 64, data.classes]
    model = mlp(sizes, seed=seed, norm=noisy[net], activation=Sigmoid, init=xavier)

    def mean():
        return received(model.train(), Sigmoid, data.x_train[:500])[-1].mean(axis=0)

    optimizer = SGD(model.parameters(), lr=0.5)
    history = fit(model, optimizer, data, steps=steps, seed=seed, measure=mean)
    shift = np.median(np.std(history.measured, axis=0))
    return {"steps to 90%": history.steps_to(0.9), "shift of the inputs": shift}


names = [*NETS, "noisy batch norm"]
steps = [60 if args.quick else 300]
debate = demo.run(debated, {"net": names, "steps": steps} | runs, args, "debate")
demo.summary(debate, ["net"], {"steps to 90%": "{:.0f}", "shift of the inputs": "{:.2f}"})

# %%
plain, normed = (results.median("growth of the band", net=net) for net in NETS)
wide = [results.median("its width", net=net) for net in NETS]
reached = [debate.median("steps to 90%", net=net) for net in names]
shifts = [debate.median("shift of the inputs", net=net) for net in names]
gate = 3 if args.quick else 10
demo.conclude(
    args,
    demo.Claim(
        "batch norm keeps the distribution of a layer's inputs",
        textbook="more stable (Ioffe & Szegedy 2015, figure 1)",
        here=f"the band grows {normed:.1f} times, to {wide[1]:.1f}, instead of {plain:.0f} times, "
        f"to {wide[0]:.1f}",
        held=plain / normed >= gate,
        gate=f"≥ {gate} times less",
    ),
    demo.Claim(
        "batch norm trains faster than a plain net even where noise shifts its inputs more",
        textbook="it does, so that the shift is not what matters (Santurkar et al. 2018, figure 2)",
        here=f"with noise: shift {shifts[2]:.2f}, 90% after {reached[2]:.0f} steps; plain: "
        f"{shifts[0]:.2f}, {demo.spread([reached[0]], '{:.0f}')}; "
        f"batch norm: {shifts[1]:.2f}, {reached[1]:.0f}",
        held=reached[2] < reached[0] and shifts[2] > shifts[0],
        gate="sooner, and more shift",
    ),
)
