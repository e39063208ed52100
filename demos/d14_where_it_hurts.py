"""
Where batch norm can hurt: depth without skips
==============================================

Fifty hidden layers of 256 with relu, before any training. Look at the gradient on its way back,
from the right to the left: without batch norm it keeps its size; with it, it grows by a fifth in
every layer, to some ten thousand times in fifty.
"""

# %%
# The size of the gradient in every layer's weights. The layers in the middle have one shape.
import numpy as np

from microbn import functional, grad
from microbn.lab import demo, figures
from microbn.lab.data import load
from microbn.lab.train import mlp
from microbn.nn import BatchNorm, Linear

args = demo.options("d14_where_it_hurts")
NETS = {"plain": None, "batch norm": BatchNorm}


def experiment(net, seed, layers, data):
    data = load(data, seed)
    model = mlp([data.features, *[256] * layers, data.classes], seed=seed, norm=NETS[net])
    weights = [layer.weight for layer in model.layers if isinstance(layer, Linear)]
    loss = functional.cross_entropy(model(data.x_train[:128]), data.y_train[:128])
    sizes = [np.linalg.norm(g) for g in grad(loss, weights)][1:-1]
    return {
        "growth per layer": (sizes[0] / sizes[-1]) ** (1 / (len(sizes) - 1)),
        "layer": np.arange(2, layers + 1),
        "norm of the gradient": sizes,
    }


axes = {"net": NETS, "seed": args.seeds, "layers": [50], "data": [args.data]}
results = demo.run(experiment, axes, args)
demo.summary(results, ["net"], {"growth per layer": "{:.3f}"})

# %%
title = "Batch norm lets gradients explode, on their way back through fifty layers"
how = {"lines": "net", "title": title, "yscale": "log"}
demo.present(figures.curves(results, "layer", "norm of the gradient", show=args.show, **how), args)

# %%
# Yang et al. find √(π / (π − 1)) = 1.21 for relu, infinitely wide, in large batches.
growth = {net: results.median("growth per layer", net=net) for net in NETS}
demo.conclude(
    args,
    demo.Claim(
        "gradients explode in a deep net with batch norm",
        textbook=f"{np.sqrt(np.pi / (np.pi - 1)):.2f} per layer (Yang et al. 2019)",
        here=f"{growth['batch norm']:.2f} per layer, {growth['plain']:.2f} without",
        held=1.15 <= growth["batch norm"] <= 1.25 and 0.95 <= growth["plain"] <= 1.05,
        gate="1.15 to 1.25, and 0.95 to 1.05 without",
    ),
)
