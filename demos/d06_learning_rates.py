"""
Batch norm allows larger learning rates
=======================================

For each net we find the largest rate at which it still reaches 90% on its training set, in 300
steps of plain SGD. Look at how the gap grows with depth; then at the last row: ten layers of tanh
gain less than half of what ten layers of relu do. The rates that we try are a factor of 10^⅛ = 1.33
apart, so a ratio is right give or take a third. At the edge of divergence the last bits decide: ten
layers of relu end at 3.16 and 0.13 on a processor with AVX2 (Haswell), at 2.37 and 0.10 with
AVX-512, and at 3.16 and 0.10 with neither; 3 and 5 layers end at the same rates on all of them.
"""

# %%
# By bisection we find the largest rate at which a net does not fail, up to a factor of 10^⅛.
from bisect import bisect_left

import numpy as np

from microbn.lab import demo, figures
from microbn.lab.data import dataset
from microbn.lab.train import accuracy, trained
from microbn.nn import BatchNorm, ReLU, Tanh, he, xavier

args = demo.options("d06_learning_rates", seeds=3)
NETS = {"plain": None, "batch norm": BatchNorm}
KINDS = {
    "relu": {"activation": ReLU, "init": he},
    "tanh": {"activation": Tanh, "init": xavier},
}
RATES = 10 ** (np.arange(-10, 9) / 8)  # 0.06 to 10


def experiment(hidden, net, seed, steps, data):
    data, (layers, kind) = dataset(data, seed), hidden.split()
    how = KINDS[kind] | {"norm": NETS[net], "seed": seed, "steps": steps, "every": steps}

    def fails(rate):
        model, _ = trained(data, [64] * int(layers), rate, **how)
        return accuracy(model, data.x_train, data.y_train) < 0.9

    too_large = bisect_left(RATES, True, key=fails)
    return {"largest learning rate": RATES[too_large - 1] if too_large else np.nan}


hidden = ["3 relu"] if args.quick else ["3 relu", "5 relu", "10 relu", "10 tanh"]
results = demo.run(experiment, {"hidden": hidden, "net": NETS, "steps": [300]}, args)
demo.summary(results, ["hidden", "net"], {"largest learning rate": "{:.2f}"})

# %%
# A dot is the median over seeds, and a bar is their range.
measured = {}
for h in hidden:
    rates = results.where(hidden=h).medians("net", "largest learning rate")
    plain, normed = rates.values()
    measured[h] = rates | {"ratio": normed / plain}
figure = figures.ranges(
    results,
    "largest learning rate",
    rows="hidden",
    kinds="net",
    notes={h: f"{measured[h]['ratio']:.0f}×" for h in hidden},
    title="Batch norm allows larger learning rates, the more so the deeper a relu net is",
    show=args.show,
    xlabel="largest learning rate that trains",
    xscale="log",
    xticks=[0.1, 0.2, 0.5, 1, 2, 5],
)
demo.present(figure, args)
demo.conclude(args, measured)
