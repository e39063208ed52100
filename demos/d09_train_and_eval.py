"""
Train and eval are two functions
================================

In training a batch norm uses the batch's own mean and variance; at inference, where there is one
example and no batch, running averages. Look at what becomes of one and the same net when somebody
forgets to switch: next to nothing on shuffled batches, and ruin on sorted ones.
"""

# %%
from functools import partial

import numpy as np

from microbn import no_grad
from microbn.errors import ShapeError
from microbn.lab import demo, figures
from microbn.lab.data import load
from microbn.lab.train import accuracy, fit, mlp
from microbn.nn import BatchNorm
from microbn.optim import SGD

args = demo.options("d09_train_and_eval")


def trained(seed, steps, data, momentum=0.1):
    norm = partial(BatchNorm, momentum=momentum)
    model = mlp([data.features, 64, 64, 64, data.classes], seed=seed, norm=norm)
    fit(model, SGD(model.parameters(), 0.1), data, steps=steps, seed=seed, compiled=True)
    return model


def forgotten(model, x, y, size):
    """The accuracy in batches of this size, in training mode."""
    with no_grad():
        parts = np.split(x, range(size, len(x), size))
        logits = np.concatenate([model.train()(part).data for part in parts])
    return np.mean(np.argmax(logits, axis=1) == y)


# %%
# One net, tested in four ways.
def experiment(seed, steps, data):
    data = load(data, seed)
    model, x, y = trained(seed, steps, data), data.x_test, data.y_test
    by_class = np.argsort(y, kind="stable")
    with no_grad():
        alone, together = model(x[:1]).data, model(x).data[:1]
    return {
        "eval()": accuracy(model, x, y),
        "forgotten, shuffled batches of 64": forgotten(model, x, y, 64),
        "forgotten, batches of 2": forgotten(model, x, y, 2),
        "forgotten, sorted batches of 64": forgotten(model, x[by_class], y[by_class], 64),
        "alone, off": np.max(np.abs(alone - together)),
    }


runs = {"seed": args.seeds, "data": [args.data]}
results = demo.run(experiment, runs | {"steps": [300]}, args)
ways = [name for name in results.rows[0] if name.startswith(("eval", "forgotten"))]
tall = results.long(ways, "tested", "test accuracy")
demo.summary(tall, ["tested"], {"test accuracy": "{:.3f}"})

# %%
# In training mode one example alone has no variance.
refused = ""
try:
    mlp([64, 64, 10], seed=0, norm=BatchNorm)(np.ones((1, 64)))
except ShapeError as error:
    refused = str(error)
print("one example in training mode:", refused)


# %%
# Running averages lag behind weights that change: soon after the start, with a momentum of 0.01,
# they are not what a pass over the training set gives.
def lag(seed, steps, momentum, data):
    data = load(data, seed)
    model = trained(seed, steps, data, momentum)
    running = accuracy(model, data.x_test, data.y_test)
    for layer in model.modules():
        layer.momentum = 1.0  # the next batch's statistics alone
    with no_grad():
        model.train()(data.x_train)
    return {"running": running, "recomputed": accuracy(model, data.x_test, data.y_test)}


late = demo.run(lag, runs | {"momentum": [0.01], "steps": [50]}, args, "lag")
demo.summary(late, ["momentum", "steps"], {"running": "{:.3f}", "recomputed": "{:.3f}"})

# %%
medians = {way: tall.median("test accuracy", tested=way) for way in ways}
notes = {way: f"{median:.0%}" for way, median in medians.items()}
title = "Forget eval(), and one and the same net may be ruined"
how = {"rows": "tested", "notes": notes, "title": title, "show": args.show}
demo.present(figures.ranges(tall, "test accuracy", **how), args)

# %%
right, shuffled, two, ordered = medians.values()
running, recomputed = (late.median(c) for c in ("running", "recomputed"))
off = max(results["alone, off"])
demo.conclude(
    args,
    demo.Claim(
        "forgetting eval() can ruin a net",
        textbook="a discrepancy that can cause bugs",
        here=f"{right:.3f} becomes {ordered:.3f} on sorted batches, {two:.3f} on batches of 2, "
        f"and {shuffled:.3f} on shuffled ones, where nobody would notice",
        held=right - ordered >= 0.3,
        gate="≥ 0.3 lower",
    ),
    demo.Claim(
        "one example needs the running statistics",
        textbook="no minibatch to compute statistics from",
        here=f"an error in training mode; with eval() what a batch gives, to {off:.0e}",
        held=bool(refused) and off <= 1e-12,
        gate="an error, and ≤ 1e-12",
    ),
    demo.Claim(
        "running averages lag behind the weights",
        textbook="moving averages are no true averages (Wu & Johnson 2021, section 3)",
        here=f"momentum 0.01, step 50: {running:.3f} running, {recomputed:.3f} recomputed",
        held=recomputed > running,
        gate="recomputed > running",
    ),
)
