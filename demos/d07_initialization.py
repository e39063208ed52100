"""
Batch norm forgives the initialization
======================================

We multiply He's weights by a scale from 0.1 to 10. Look at the left: without batch norm, from five
layers on, only the middle column learns. At the right all columns learn, if not equally well: that
is "trainable everywhere", and less than "insensitive".
"""

# %%
# With batch norm, weights that are ten times as large have a gradient a tenth as large, so that a
# step turns them a hundred times less: a likely reason for the lower numbers at the right end. And
# the last layer, which has no batch norm after it, starts ten times as large there too.
import numpy as np

from microbn.lab import demo, figures
from microbn.lab.data import dataset
from microbn.lab.train import trained
from microbn.nn import BatchNorm, he

args = demo.options("d07_initialization", seeds=3)
NETS = {"plain": None, "batch norm": BatchNorm}
SCALES = [0.1, 1.0, 10.0] if args.quick else [0.1, 0.3, 1.0, 3.0, 10.0]


def experiment(layers, initial_weights_times, net, seed, steps, data):
    def init(rng, fan_in, fan_out):
        return initial_weights_times * he(rng, fan_in, fan_out)

    how = {"norm": NETS[net], "init": init, "seed": seed, "steps": steps, "every": steps}
    _, history = trained(dataset(data, seed), [64] * layers, 0.1, **how)
    return {"test accuracy": history.accuracies[-1]}


axes = {
    "layers": [5] if args.quick else [3, 5, 10],
    "initial_weights_times": SCALES,
    "net": NETS,
    "steps": [300],
}
results = demo.run(experiment, axes, args)
demo.summary(results, ["layers", "net", "initial_weights_times"], {"test accuracy": "{:.3f}"})

# %%
figure = figures.heatmaps(
    results,
    "test accuracy",
    rows="layers",
    columns="initial_weights_times",
    panels="net",
    title="With batch norm a net learns at every scale of its weights, if not equally well",
    xlabel="initial weights, in multiples of He's",
    show=args.show,
)
demo.present(figure, args)

# %%
# At the scale of 1 both nets learn, so the plain net is judged by the other scales.
plain, normed = (
    [
        results.median("test accuracy", layers=5, net=net, initial_weights_times=times)
        for times in SCALES
    ]
    for net in NETS
)
best_plain = max(np.delete(plain, SCALES.index(1)))
measured = {"worst normed": min(normed), "best plain": best_plain, "range": np.ptp(normed)}
demo.conclude(args, measured)
