"""
Batch norm lets deep sigmoids learn
===================================

Nets with five hidden layers of sigmoids. Look at the left: with the usual initial weights, and
without batch norm, nothing is learned for 300 steps. At the right the weights are ten times as
large. Half of the plain net's sigmoids are saturated then, where their slope is almost 0, and with
batch norm none are. But this plain net learns, slowly: so saturation is not the trouble here.
"""

# %%
# z is the input of a sigmoid. Beyond 4 its slope is below 0.018, a fourteenth of its largest.
import numpy as np

from microbn import functional
from microbn.lab import demo, figures
from microbn.lab.data import dataset
from microbn.lab.train import received, trained
from microbn.nn import BatchNorm, Sigmoid, xavier

args = demo.options("d08_deep_sigmoids")
NETS = {"plain": None, "batch norm": BatchNorm}
SCALES = {"Xavier's weights": 1, "ten times as large": 10}


def experiment(weights, net, seed, steps, data):
    data = dataset(data, seed)

    def init(rng, fan_in, fan_out):
        return SCALES[weights] * xavier(rng, fan_in, fan_out)

    def saturated(model):
        return np.mean(np.abs(received(model.train(), Sigmoid, data.x_train[:500])) > 4)

    how = {"norm": NETS[net], "activation": Sigmoid, "init": init, "measure": saturated}
    _, history = trained(data, [64] * 5, 0.5, seed=seed, steps=steps, from_start=True, **how)
    return {
        "saturated": history.measured[0],
        "at the end": history.measured[-1],
        "final accuracy": history.accuracies[-1],
        "training step": history.steps,
        "test accuracy": history.accuracies,
    }


axes = {"weights": SCALES, "net": NETS, "steps": [100 if args.quick else 300]}
results = demo.run(experiment, axes, args)
forms = dict.fromkeys(["saturated", "at the end", "final accuracy"], "{:.2f}")
demo.summary(results, ["weights", "net"], forms)

# %%
title = f"With batch norm five layers of sigmoids learn ({len(args.seeds)} seeds)"
how = {"lines": "net", "panels": "weights", "title": title, "ylim": (0, 1.02)}
demo.present(figures.curves(results, "training step", "test accuracy", show=args.show, **how), args)

# %%
# Gamma and beta have a purpose: they can undo the normalization. γ = √(σ² + ε) undoes it exactly,
# and the textbook's γ = σ almost.
z = np.random.default_rng(args.seeds[0]).normal(1, 2, (64, 32))
mean, var = z.mean(0), z.var(0)
exact = np.max(np.abs(functional.batch_norm(z, np.sqrt(var + 1e-5), mean) - z))
nearly = np.max(np.abs(functional.batch_norm(z, np.sqrt(var), mean) - z))

# %%
usual, large = (results.where(weights=weights) for weights in SCALES)
measured = usual.medians("net", "final accuracy") | large.medians("net", "saturated", "at the end")
demo.conclude(args, measured | {"exact": exact, "nearly": nearly})
