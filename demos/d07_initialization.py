"""
Batch norm forgives the initialization
======================================

He's weights, times a scale from 0.1 to 10. Look at the left: without batch norm, from five layers
on, only the middle column learns. At the right all of them do, if not equally well: that is
"trainable everywhere", and less than "insensitive".
"""

# %%
# With batch norm, weights that are ten times as large have a gradient a tenth as large, so that a
# step turns them a hundred times less: hence the lower numbers at the right end.
import numpy as np

from microbn.lab import demo, figures
from microbn.lab.data import load
from microbn.lab.train import fit, mlp
from microbn.nn import BatchNorm, he
from microbn.optim import SGD

args = demo.options("d07_initialization", seeds=3)
NETS = {"plain": None, "batch norm": BatchNorm}
SCALES = [0.1, 1.0, 10.0] if args.quick else [0.1, 0.3, 1.0, 3.0, 10.0]


def experiment(layers, scale, net, seed, steps, data):
    def init(rng, fan_in, fan_out):
        return scale * he(rng, fan_in, fan_out)

    data = load(data, seed)
    sizes = [data.features, *[64] * layers, data.classes]
    model = mlp(sizes, seed=seed, norm=NETS[net], init=init)
    optimizer = SGD(model.parameters(), lr=0.1)
    history = fit(model, optimizer, data, steps=steps, seed=seed, every=steps, compiled=True)
    return {"test accuracy": history.accuracies[-1]}


layers = [5] if args.quick else [3, 5, 10]
axes = {"layers": layers, "scale": SCALES, "net": NETS, "seed": args.seeds, "steps": [300]}
results = demo.run(experiment, axes | {"data": [args.data]}, args)
demo.summary(results, ["layers", "net", "scale"], {"test accuracy": "{:.3f}"})

# %%
figure = figures.heatmaps(
    results,
    "test accuracy",
    rows="layers",
    columns="scale",
    panels="net",
    title="With batch norm a net trains from any initial weights (test accuracy)",
    show=args.show,
)
demo.present(figure, args)

# %%
# At the scale of 1 both learn.
medians = {
    net: [results.median("test accuracy", layers=5, net=net, scale=scale) for scale in SCALES]
    for net in NETS
}
least, spread = min(medians["batch norm"]), np.ptp(medians["batch norm"])
most = max(np.delete(medians["plain"], SCALES.index(1)))
demo.conclude(
    args,
    demo.Claim(
        f"batch norm trains from any initial weights: 5 layers, times {SCALES[0]} to {SCALES[-1]}",
        textbook="less careful about initialization (Ioffe & Szegedy 2015, abstract)",
        here=f"accuracy {least:.3f} or more, instead of {most:.3f} or less",
        held=bool(least >= 0.8 and most <= 0.3),
        gate="≥ 0.80 at every scale, and ≤ 0.30 without",
    ),
    demo.Claim(
        "batch norm makes a net insensitive to its initial weights",
        textbook="reducing sensitivity, insensitivity",
        here=f"it depends on the scale by {spread:.3f}",
        held=bool(spread <= 0.02),
        gate="accuracies within 0.02",
        shown=True,
    ),
)
