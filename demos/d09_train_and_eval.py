"""
Train and eval are two functions
================================

In training a batch norm uses the batch's own mean and variance. At inference there may be one
example and no batch, so it uses running averages. Look at one and the same net after somebody
forgets to switch: on shuffled batches almost nothing happens, and sorted batches ruin it.
"""

# %%
from functools import partial

import numpy as np

from microbn import no_grad
from microbn.errors import ShapeError
from microbn.lab import demo, figures
from microbn.lab.data import dataset
from microbn.lab.train import accuracy, mlp, trained
from microbn.nn import BatchNorm

args = demo.options("d09_train_and_eval")


def forgotten(model, x, y, size):
    """Return the accuracy in batches of this size, in training mode."""
    with no_grad():
        parts = np.split(x, range(size, len(x), size))
        logits = np.concatenate([model.train()(part).data for part in parts])
    return np.mean(np.argmax(logits, axis=1) == y)


# %%
# One net, tested in four ways.
def experiment(seed, steps, data):
    data = dataset(data, seed)
    model, _ = trained(data, [64] * 3, 0.1, seed=seed, steps=steps, norm=BatchNorm)
    x, y, by_class = data.x_test, data.y_test, np.argsort(data.y_test, kind="stable")
    with no_grad():
        alone, together = model(x[:1]).data, model(x).data[:1]
    return {
        "eval()": accuracy(model, x, y),
        "forgotten, shuffled batches of 64": forgotten(model, x, y, 64),
        "forgotten, batches of 2": forgotten(model, x, y, 2),
        "forgotten, 64 sorted by class": forgotten(model, x[by_class], y[by_class], 64),
        "alone, off": np.max(np.abs(alone - together)),
    }


results = demo.run(experiment, {"steps": [300]}, args)
ways = [name for name in results.rows[0] if name.startswith(("eval", "forgotten"))]
tall = results.long(ways, "tested", "test accuracy")
demo.summary(tall, ["tested"], {"test accuracy": "{:.3f}"})

# %%
medians = [tall.median("test accuracy", tested=way) for way in ways]
notes = {way: f"{median:.0%}" for way, median in zip(ways, medians, strict=True)}
title = "Forget eval(), and one and the same net with batch norm may be ruined"
how = {"rows": "tested", "notes": notes, "title": title, "show": args.show}
demo.present(figures.ranges(tall, "test accuracy", **how), args)
measured = dict(zip(["eval()", "shuffled", "twos", "sorted"], medians, strict=True))
measured |= {"lost": medians[0] - medians[-1], "alone": max(results["alone, off"]), "errors": 0}

# %%
# In training mode one example alone has no variance.
try:
    mlp([64, 64, 10], seed=0, norm=BatchNorm)(np.ones((1, 64)))
except ShapeError as error:
    measured["errors"] += 1
    print("one example in training mode:", error)


# %%
# Running averages begin at a mean of 0 and a variance of 1, and follow slowly. After 50 steps with
# a momentum of 0.01, most of them is still that, and not the statistics of the training set.
def lag(seed, steps, momentum, data):
    data, norm = dataset(data, seed), partial(BatchNorm, momentum=momentum)
    model, history = trained(data, [64] * 3, 0.1, seed=seed, steps=steps, norm=norm)
    for layer in model.modules():
        layer.momentum = 1.0  # keep only the next batch's statistics
    with no_grad():
        model.train()(data.x_train)
    found = {"running": history.accuracies[-1], "initial": (1 - momentum) ** steps}
    return found | {"recomputed": accuracy(model, data.x_test, data.y_test)}


late = demo.run(lag, {"momentum": [0.01], "steps": [50]}, args, "lag")
forms = {"running": "{:.3f}", "recomputed": "{:.3f}", "initial": "{:.0%}"}
demo.summary(late, ["momentum", "steps"], forms)
demo.conclude(args, measured | {name: late.median(name) for name in forms})
