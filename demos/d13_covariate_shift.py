"""
Covariate shift: the inputs of a layer move
===========================================

While a net learns, the layers below a sigmoid change, and so its inputs move. Each grey line is the
median input of one sigmoid of the last layer, over 500 images. Look at the left: without batch norm
the medians move down and apart, while the net has learned next to nothing. At the right, with batch
norm, they stay in place. Ioffe & Szegedy (2015) show this in their figure 1.
"""

import numpy as np

from microbn.lab import demo, figures
from microbn.lab.data import dataset
from microbn.lab.train import received, trained
from microbn.nn import BatchNorm, Sigmoid

args = demo.options("d13_covariate_shift")
NETS = {"plain": None, "batch norm": BatchNorm}


# %%
# After Ioffe & Szegedy, section 4.1: three layers of 100 sigmoids, batches of 60. N(0, 0.1²) for
# the weights, the rate 0.5 and 2,000 steps are ours.
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
    return {"training step": history.steps, **moved(np.stack(history.measured, axis=1))}


# %%
# The band of a sigmoid's inputs goes from their 15th to their 85th percentile. It hardly has a
# width at the start, without batch norm, so we measure everything in widths of the band at the end.
# The shift is the standard deviation of a median over the training.
def moved(percentiles):
    """Return how far each sigmoid's inputs move; percentiles are (3, times, sigmoids)."""
    width = percentiles[2, -1] - percentiles[0, -1]
    moves = (percentiles - percentiles[1, 0]) / width
    shifts = np.std(moves[1], axis=0)
    typical = np.argsort(shifts)[len(shifts) // 2]
    band = dict(zip(("low", "middle", "high"), moves[:, :, typical], strict=True))
    whole = {"shift of the inputs": np.median(shifts), "width of the band": np.median(width)}
    return whole | {"medians": np.round(moves[1].T, 3)} | band


results = demo.run(experiment, {"net": NETS, "steps": [1000 if args.quick else 2000]}, args)
columns = ["shift of the inputs", "width of the band"]
demo.summary(results, ["net"], {columns[0]: "{:.3f}", columns[1]: "{:.1f}"})

# %%
# The first seed. The sigmoid in blue is one whose shift is the median of the layer's.
note = "grey: the median inputs of 100 sigmoids\nblue: one of them, with its band,\n"
figure = figures.crowds(
    results.where(seed=args.seeds[0]),
    "training step",
    "medians",
    one=("low", "middle", "high"),
    panels="net",
    title="Without batch norm the inputs of a layer move; with it they stay in place",
    ylabel="shift of an input, in widths of its final band",
    note=note + "from 15% to 85% of the images",
    show=args.show,
)
demo.present(figure, args)

# %%
plain, normed = (results.median("shift of the inputs", net=net) for net in NETS)
demo.conclude(args, results.medians("net", *columns) | {"times less": plain / normed})
