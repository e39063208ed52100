"""
Batch norm in a convolutional net
=================================

Three layers of filters look at handwritten digits, with a norm after each of them or with none.
Batch norm takes the mean and the variance of a channel over all images of the batch and all their
pixels. Look at where each line falls: with batch norm the net trains at more than twice the rate of
the plain net. Layers without filters gain more, and so did Inception, which trained at five times
the rate of the plain one (Ioffe & Szegedy 2015). The rates that we try are a factor of 10^⅛ = 1.33
apart, so the ratio is right give or take a third.
"""

# %%
# The filters are 3 × 3, and the pooling halves the images twice. Layer norm of images is over all
# channels and pixels of one image, which is group norm with a single group.
from dataclasses import replace
from functools import partial
from itertools import pairwise
from math import isqrt

import numpy as np

from microbn.lab import demo, figures
from microbn.lab.data import dataset
from microbn.lab.train import accuracy, fit
from microbn.nn import BatchNorm, Conv2d, Flatten, GroupNorm, Linear, MaxPool2d, ReLU, Sequential
from microbn.optim import SGD

args = demo.options("d17_images", seeds=3)
NETS = {
    "plain": None,
    "batch norm": BatchNorm,
    "layer norm": partial(GroupNorm, 1),
    "group norm": partial(GroupNorm, 4),  # of 8 and 16 channels
}
RATE, ACCURACY = "learning rate", "accuracy on the training set"
RATES = 10 ** (np.array([-4, 0] if args.quick else np.arange(-8, 7)) / 8)  # 0.1 to 5.6


def net(norm, side, classes, rng):
    layers = []
    for before, channels in pairwise([1, 8, 16, 16]):
        layers.append(Conv2d(before, channels, 3, padding=1, rng=rng))
        layers += [norm(channels)] if norm else []
        layers += [ReLU()] if before == channels else [ReLU(), MaxPool2d(2)]
    return Sequential(*layers, Flatten(), Linear(16 * (side // 4) ** 2, classes, rng=rng))


def experiment(seed, steps, data, **setting):
    data, norm, rate = dataset(data, seed), NETS[setting["net"]], setting[RATE]
    side = isqrt(data.features)
    x_train, x_test = (x.reshape(-1, 1, side, side) for x in (data.x_train, data.x_test))
    images = replace(data, x_train=x_train, x_test=x_test)
    model = net(norm, side, data.classes, np.random.default_rng(seed))
    how = {"seed": seed, "steps": steps, "every": steps, "compiled": True}
    fit(model, SGD(model.parameters(), rate), images, **how)
    return {ACCURACY: accuracy(model, x_train[:1000], data.y_train[:1000])}


axes = {"net": NETS, RATE: RATES, "steps": [200 if args.quick else 300]}
results = demo.run(experiment, axes, args)

# %%
# A line is the median over seeds, and the band around it is their range.
title = "A small convolutional net trains at over twice the rate with batch norm"
how = {"lines": "net", "title": title, "xscale": "log", "ylim": (0, 1.02), "show": args.show}
how |= {"xticks": [0.3, 1] if args.quick else [0.1, 0.2, 0.5, 1, 2, 5]}
demo.present(figures.curves(results, RATE, ACCURACY, **how), args)


# %%
# The largest rate at which a net still reaches 90%.
def largest(net, seed):
    rows = results.where(net=net, seed=seed).rows
    return max((row[RATE] for row in rows if row[ACCURACY] >= 0.9), default=np.nan)


measured = {net: np.median([largest(net, seed) for seed in args.seeds]) for net in NETS}
demo.conclude(args, measured | {"ratio": measured["batch norm"] / measured["plain"]})
