"""
What happens inside
===================

Five layers of sigmoids, before any training. Look at the first row, without batch norm. The signal,
by which a layer tells digits apart, gets four times weaker at every layer on its way up. The
gradient gets four times smaller at every layer on its way back down. So a step of training hardly
moves the first layers. In the second row, with batch norm, neither of them fades.
"""

# %%
# A look inside a net, on 500 digits. A sigmoid that gives the same for every digit says nothing
# about them, whatever it gives. So the signal is its output, less its mean over the digits.
import numpy as np

from microbn.lab import demo, histograms
from microbn.lab.data import dataset
from microbn.lab.results import Results
from microbn.lab.train import mlp, passed_on, received, weights_and_gradients
from microbn.nn import BatchNorm, Sigmoid, xavier

args = demo.options("d00_inside")
NETS = {"plain": None, "batch norm": BatchNorm}
RATE = 0.5  # batch norm trains this net at this rate


def look(net, seed):
    data = dataset(args.data, seed)
    x, y = data.x_train[:500], data.y_train[:500]
    sizes = [data.features, *[64] * 5, data.classes]
    model = mlp(sizes, seed=seed, norm=NETS[net], activation=Sigmoid, init=xavier)
    outputs, gradients = passed_on(model, Sigmoid, x, y)
    pairs = weights_and_gradients(model, x, y)[:5]
    steps = [RATE * np.linalg.norm(g) / np.linalg.norm(w) for w, g in pairs]
    signals = [output - output.mean(0) for output in outputs]
    return outputs, signals, received(model, Sigmoid, x), gradients, steps


looks = {(net, seed): look(net, seed) for net in NETS for seed in args.seeds}
rows = [
    {
        "net": net,
        "layer": layer,
        "output": np.std(output),
        "signal": np.std(signal),
        "saturated": np.mean(np.abs(z) > 4),
        "gradient": np.linalg.norm(gradient),
        "step": step,
    }
    for (net, _), seen in looks.items()
    for layer, (output, signal, z, gradient, step) in enumerate(zip(*seen, strict=True), 1)
]
results = Results(rows)
forms = dict.fromkeys(["output", "signal", "saturated", "gradient", "step"], "{:.2g}")
demo.summary(results, ["net", "layer"], forms)

# %%
# The first seed. A step of training is the rate times the gradient of the weights.
columns = "signal, on its way up", "gradient, on its way down", "step, as a share of weights"
drawn = {}
for net in NETS:
    _, signals, _, gradients, steps = looks[net, args.seeds[0]]
    drawn[net] = dict(zip(columns, (signals, gradients, steps), strict=True))
title = "Five sigmoid layers: signal and gradient fade; with batch norm neither does"
marks = {columns[2]: (1e-3, "a thou-\nsandth")}
demo.present(histograms.by_layer(drawn, title, marks, args.show), args)

# %%
# Xavier's weights keep sizes, and a sigmoid's slope is at most 1/4. So a layer leaves a quarter of
# what passes through it. Batch norm divides by the standard deviation, which undoes the loss.
first, fifth = (results.where(layer=n).medians("net", *forms) for n in (1, 5))
measured = {f"{name} at the fifth": value for name, value in fifth.items()} | first
for net in NETS:
    measured[f"{net} fades"] = (first[f"{net} signal"] / fifth[f"{net} signal"]) ** (1 / 4)
    measured[f"{net} dies"] = (fifth[f"{net} gradient"] / first[f"{net} gradient"]) ** (1 / 4)
measured["most saturated"] = results.where(net="plain")["saturated"].max()
demo.conclude(args, measured)
