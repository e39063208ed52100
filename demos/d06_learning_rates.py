"""
Batch norm allows larger learning rates
=======================================

For each net, the largest rate at which it still reaches 90% on its training set, in 300 steps of
plain SGD. Look at how the gap grows with depth; then at the last line: ten layers of tanh gain
less than half of what ten layers of relu do. The largest rate is read at the edge of divergence,
where last bits decide: for ten layers, other processors put it a step of 10^⅛ higher or lower.
"""

# %%
# Whether a net trains at a rate; and by bisection the largest such rate, up to a factor of 10^⅛.
from bisect import bisect_left

import numpy as np

from microbn.lab import demo, figures
from microbn.lab.data import load
from microbn.lab.train import accuracy, fit, mlp
from microbn.nn import BatchNorm, ReLU, Tanh, he, xavier
from microbn.optim import SGD

args = demo.options("d06_learning_rates", seeds=3)
NETS = {"plain": None, "batch norm": BatchNorm}
KINDS = {"relu": (ReLU, he), "tanh": (Tanh, xavier)}
RATES = 10 ** (np.arange(-10, 9) / 8)  # 0.06 to 10


def trains(rate, data, layers, kind, norm, seed, steps):
    (activation, init), sizes = KINDS[kind], [data.features, *[64] * layers, data.classes]
    model = mlp(sizes, seed=seed, norm=norm, activation=activation, init=init)
    optimizer = SGD(model.parameters(), rate)
    fit(model, optimizer, data, steps=steps, seed=seed, every=steps, compiled=True)
    return accuracy(model, data.x_train, data.y_train) >= 0.9


def experiment(hidden, net, seed, steps, data):
    layers, kind = hidden.split()
    setting = load(data, seed), int(layers), kind, NETS[net], seed, steps
    too_large = bisect_left(RATES, True, key=lambda rate: not trains(rate, *setting))
    return {"largest learning rate": RATES[too_large - 1] if too_large else np.nan}


# %%
GATES = {"3 relu": 5, "5 relu": 7, "10 relu": 15, "10 tanh": 5}
hidden = ["3 relu"] if args.quick else list(GATES)
axes = {"hidden": hidden, "net": NETS, "seed": args.seeds, "steps": [300], "data": [args.data]}
results = demo.run(experiment, axes, args)
demo.summary(results, ["hidden", "net"], {"largest learning rate": "{:.2f}"})

# %%
# A dot is the median over seeds, a bar their range.
rates = {
    h: [results.median("largest learning rate", hidden=h, net=net) for net in NETS] for h in hidden
}
ratios = {h: normed / plain for h, (plain, normed) in rates.items()}
figure = figures.ranges(
    results,
    "largest learning rate",
    rows="hidden",
    kinds="net",
    notes={h: f"{ratio:.1f}×" for h, ratio in ratios.items()},
    title="Batch norm allows larger learning rates, the more so the deeper a relu net is",
    show=args.show,
    xscale="log",
    xticks=[0.1, 0.2, 0.5, 1, 2, 5],
)
demo.present(figure, args)

# %%
demo.conclude(
    args,
    *(
        demo.Claim(
            f"batch norm allows larger learning rates: {h}",
            textbook="often 5 to 10 times; Inception 5 and 30 (Ioffe & Szegedy 2015, 4.2.2)",
            here=f"{rates[h][1]:.2f} instead of {rates[h][0]:.2f}: {ratio:.1f} times",
            held=ratio >= GATES[h],
            gate=f"≥ {GATES[h]} times",
            shown="tanh" in h,
        )
        for h, ratio in ratios.items()
    ),
)
