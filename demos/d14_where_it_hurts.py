"""
Where batch norm can hurt: depth without skips
==============================================

Fifty hidden layers of 256 with relu, before any training. Look at the gradient on its way back:
without batch norm it keeps its size. With batch norm it grows by a
fifth in every layer, and some ten thousand times over all fifty.
"""

# %%
# The size of the gradient in every layer's weights. The layers in the middle have one shape.
import numpy as np

from microbn import functional, grad
from microbn.lab import demo, figures
from microbn.lab.data import dataset
from microbn.lab.train import mlp
from microbn.nn import BatchNorm, Linear

args = demo.options("d14_where_it_hurts")
NETS = {"plain": None, "batch norm": BatchNorm}
LAYER = "layer, from the last to the first"


def experiment(net, seed, layers, data):
    data = dataset(data, seed)
    model = mlp([data.features, *[256] * layers, data.classes], seed=seed, norm=NETS[net])
    weights = [layer.weight for layer in model.layers if isinstance(layer, Linear)]
    loss = functional.cross_entropy(model(data.x_train[:128]), data.y_train[:128])
    sizes = [np.linalg.norm(g) for g in grad(loss, weights)][1:-1]
    return {
        "growth per layer": (sizes[0] / sizes[-1]) ** (1 / (len(sizes) - 1)),
        LAYER: np.arange(layers, 1, -1),
        "size of the gradient": sizes[::-1],
    }


results = demo.run(experiment, {"net": NETS, "layers": [50]}, args)
demo.summary(results, ["net"], {"growth per layer": "{:.3f}"})

# %%
title = "Fifty relu layers, before training: with batch norm the gradient explodes on its way back"
how = {"lines": "net", "title": title, "yscale": "log"}
how |= {"xlim": (52, 0), "xticks": [50, 40, 30, 20, 10]}
demo.present(figures.curves(results, LAYER, "size of the gradient", show=args.show, **how), args)

# %%
# For relu, with infinitely wide layers and large batches, Yang et al. 2019 find that the square of
# the norm grows π / (π − 1) = 1.47 times a layer, and so the norm 1.21 times.
demo.conclude(args, results.medians("net", "growth per layer"))
