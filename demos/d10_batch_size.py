"""
Batch norm needs a batch
========================

The same net with no norm, batch norm, layer norm and group norm, from batches of 2 to 256. Look at
the left end, where batch norm's statistics are those of two samples, and it fails; at the right it
is as good as any. Layer and group norm look at one sample at a time. (All nets take 300 steps, so
small batches see fewer images, and all do worse on them.)
"""

# %%
from functools import partial

import numpy as np

from microbn.lab import demo, figures
from microbn.lab.data import load
from microbn.lab.train import fit, mlp
from microbn.nn import BatchNorm, GroupNorm, LayerNorm
from microbn.optim import SGD

args = demo.options("d10_batch_size")
NETS = {
    "plain": None,
    "batch norm": BatchNorm,
    "layer norm": LayerNorm,
    "group norm": partial(GroupNorm, 8),  # of 64 features
}


def experiment(net, batch_size, seed, steps, data):
    data = load(data, seed)
    model = mlp([data.features, 64, 64, 64, data.classes], seed=seed, norm=NETS[net])
    optimizer = SGD(model.parameters(), lr=0.05)
    sizes = {"batch_size": batch_size, "steps": steps, "every": steps}
    history = fit(model, optimizer, data, seed=seed, compiled=True, **sizes)
    return {"test accuracy": history.accuracies[-1]}


sizes = [2, 32] if args.quick else [2, 4, 8, 16, 32, 64, 256]
axes = {"batch_size": sizes, "net": NETS, "seed": args.seeds, "steps": [300]}
results = demo.run(experiment, axes | {"data": [args.data]}, args)
demo.summary(results, ["batch_size", "net"], {"test accuracy": "{:.3f}"})

# %%
figure = figures.curves(
    results,
    "batch_size",
    "test accuracy",
    lines="net",
    title="Batch norm fails where the batch is tiny (three relu layers, 300 steps)",
    show=args.show,
    xscale="log",
    xticks=sizes,
    xticklabels=sizes,
)
demo.present(figure, args)

# %%
two, many = (
    {net: results.median("test accuracy", batch_size=size, net=net) for net in NETS}
    for size in (2, 32)
)
others = np.array([two["layer norm"], two["group norm"]])
demo.conclude(
    args,
    demo.Claim(
        "batch norm fails on tiny batches",
        textbook="ResNet-50, batches of 2: error 34.7%, group norm 24.1% (Wu & He 2018)",
        here=f"accuracy with batches of 2: {two['batch norm']:.3f} instead of {two['plain']:.3f}; "
        f"with batches of 32: {many['batch norm']:.3f} instead of {many['plain']:.3f}",
        held=two["batch norm"] < two["plain"] and many["batch norm"] >= many["plain"],
        gate="worse than plain at 2, not at 32",
    ),
    demo.Claim(
        "layer and group norm fail less on tiny batches",
        textbook="group norm's error is stable (Wu & He 2018)",
        here=f"batches of 2: layer norm {others[0]:.3f}, group norm {others[1]:.3f}",
        held=bool(min(others) > two["batch norm"]),
        gate="better than batch norm",
        shown=True,
    ),
)
