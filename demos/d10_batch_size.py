"""
Batch norm needs a batch
========================

The same net with no norm, batch norm, layer norm and group norm, and batches of 2 to 256. Look at
the left end, where batch norm takes its statistics from two samples, and fails; at the right it is
as good as any. Layer and group norm look at one sample at a time. (All nets take 300 steps, so
with small batches they see fewer images, and all of them do worse.)
"""

# %%
from functools import partial

from microbn.lab import demo, figures
from microbn.lab.data import dataset
from microbn.lab.train import trained
from microbn.nn import BatchNorm, GroupNorm, LayerNorm

args = demo.options("d10_batch_size")
NETS = {
    "plain": None,
    "batch norm": BatchNorm,
    "layer norm": LayerNorm,
    "group norm": partial(GroupNorm, 8),  # of 64 features
}


def experiment(net, batch_size, seed, steps, data):
    how = {"norm": NETS[net], "batch_size": batch_size, "seed": seed, "every": steps}
    _, history = trained(dataset(data, seed), [64] * 3, 0.05, steps=steps, **how)
    return {"test accuracy": history.accuracies[-1]}


sizes = [2, 32] if args.quick else [2, 4, 8, 16, 32, 64, 256]
results = demo.run(experiment, {"batch_size": sizes, "net": NETS, "steps": [300]}, args)
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
two, many = (results.where(batch_size=size).medians("net", "test accuracy") for size in (2, 32))
demo.conclude(args, two | {f"{name} in 32": median for name, median in many.items()})
