"""
Batch norm smooths the landscape, where it does
===============================================

On the way along a gradient, how fast does the gradient itself change? Look at how much lower the
line with batch norm is in the relu nets, so that a longer step can be trusted; and at the sigmoids,
where it is hardly lower. Without batch norm these sit on a plateau, and a plateau looks smooth.
"""

# %%
# From the weights of a step we walk down the gradient, by half to four learning rates. The change
# of the gradient over the distance is the "effective β-smoothness" of Santurkar et al. 2018.
import numpy as np

from microbn import functional
from microbn.lab import demo, figures
from microbn.lab.curvature import along_gradient, top_eigenvalue
from microbn.lab.data import dataset
from microbn.lab.train import trained
from microbn.nn import BatchNorm, ReLU, Sigmoid, Tanh, he, xavier

args = demo.options("d12_landscape", seeds=3)
NETS = {"plain": None, "batch norm": BatchNorm}
KINDS = {"relu": (ReLU, he), "tanh": (Tanh, xavier), "sigmoid": (Sigmoid, xavier)}
RATE = 0.1


def loss_of(model, data, n):
    """Return the loss on the first n images, in training mode."""
    return functional.cross_entropy(model.train()(data.x_train[:n]), data.y_train[:n])


def experiment(hidden, net, seed, steps, data):
    data, (layers, kind) = dataset(data, seed), hidden.split()
    activation, init = KINDS[kind]

    def walk(model):
        rates, found = RATE * np.array([0.5, 1, 2, 4]), []
        for n in (500, 64):
            along = along_gradient(lambda n=n: loss_of(model, data, n), model.parameters(), rates)
            found += [np.max(along.smoothness), np.ptp(along.losses)]
        return found

    how = {"norm": NETS[net], "activation": activation, "init": init, "measure": walk, "every": 20}
    _, history = trained(data, [64] * int(layers), RATE, seed=seed, steps=steps, **how)
    of_500, ranges, of_64, _ = np.transpose(history.measured)
    return {
        "training step": history.steps,
        "change of gradient ÷ way": of_500,
        "500 images": np.median(of_500),
        "64 images": np.median(of_64),
        "loss range": np.median(ranges),
        "final accuracy": history.accuracies[-1],
    }


HIDDEN, steps = ["3 relu", "5 relu", "10 tanh", "3 sigmoid"], 300
if args.quick:
    HIDDEN, steps = ["3 relu"], 60
results = demo.run(experiment, {"hidden": HIDDEN, "steps": [steps], "net": NETS}, args)
forms = dict.fromkeys(["500 images", "64 images", "loss range", "final accuracy"], "{:.3g}")
demo.summary(results, ["hidden", "net"], forms)

# %%
title = f"With batch norm a gradient holds for longer ({len(args.seeds)} seeds)"
how = {"lines": "net", "panels": "hidden", "title": title, "yscale": "log", "show": args.show}
demo.present(figures.curves(results, "training step", "change of gradient ÷ way", **how), args)


# %%
# The largest eigenvalue of the Hessian, soon after the start.
def hessian(net, seed, data):
    data = dataset(data, seed)
    model, _ = trained(data, [64] * 3, 0.05, seed=seed, steps=100, norm=NETS[net])
    top = top_eigenvalue(loss_of(model, data, 1000), model.parameters(), seed=seed)
    return {"top eigenvalue": top.value if top.converged else np.nan}


curved = demo.run(hessian, {"net": NETS}, args, "hessian")
demo.summary(curved, ["net"], {"top eigenvalue": "{:.2f}"})

# %%
measured = curved.medians("net", "top eigenvalue")
measured["ratio"] = measured["plain top eigenvalue"] / measured["batch norm top eigenvalue"]
for hidden in HIDDEN:
    measured[hidden] = m = results.where(hidden=hidden).medians("net", *forms)
    for images in ("500 images", "64 images"):
        m[f"ratio on {images}"] = m[f"plain {images}"] / m[f"batch norm {images}"]
demo.conclude(args, measured)
