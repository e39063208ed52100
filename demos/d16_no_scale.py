"""
How smooth is a landscape? It depends on the unit
=================================================

Batch norm undoes any scale of the weights before it. So we make the hidden weights of a trained net
smaller or larger, and it computes the same as before. Look at the two lines that move all the same:
they call one net rough or smooth, as we like. A number for roughness says something about a net
only if it has no unit, or if the scale of the weights is given with it.
"""

# %%
# The net has three layers of relu, and has trained for 100 steps. Its roughness is the "effective
# β-smoothness" of Santurkar et al. 2018: a large β is rough. Like the Hessian's top eigenvalue, β
# has a unit, one over that of the squared weights. The turn of the gradient has none: each weight
# matrix goes down its gradient by 1% of its length, and we measure an angle.
import numpy as np

from microbn import functional
from microbn.lab import demo, figures
from microbn.lab.curvature import along_gradient, gradient_turn, top_eigenvalue
from microbn.lab.data import dataset
from microbn.lab.train import trained
from microbn.nn import BatchNorm

args = demo.options("d16_no_scale", seeds=3)
SCALES = [0.1, 1 / 3, 1, 3, 10]
SIZE, VALUE = (f"{what} (1 = as trained)" for what in ("size of the hidden weights", "value"))


def net(norm, seed, data):
    """Return a trained net's parameters, its weight matrices, and a function for the loss."""
    data = dataset(data, seed)
    model, _ = trained(data, [64] * 3, 0.1, seed=seed, steps=100, norm=norm)

    def loss():
        return functional.cross_entropy(model.train()(data.x_train[:500]), data.y_train[:500])

    return model.parameters(), [p for p in model.parameters() if p.ndim == 2], loss


def roughness(parameters, matrices, loss):
    return np.max(along_gradient(loss, parameters, [0.05, 0.1, 0.2, 0.4]).smoothness)


MEASURES = {
    "roughness β": roughness,
    "Hessian's top eigenvalue": lambda parameters, _, f: top_eigenvalue(f(), parameters).value,
    "loss": lambda parameters, _, loss: loss().item(),
    "turn of the gradient": lambda _, matrices, loss: np.mean(gradient_turn(loss, matrices, 0.01)),
}


def experiment(measure, seed, data):
    parameters, matrices, loss = net(BatchNorm, seed, data)
    hidden, values = [(p, p.data) for p in matrices[:-1]], []
    for scale in SCALES:
        for p, start in hidden:
            p.data = scale * start
        values.append(MEASURES[measure](parameters, matrices, loss))
    smallest, _, trained_at, _, largest = values
    return {
        SIZE: SCALES,
        VALUE: np.array(values) / trained_at,
        "as trained": trained_at,
        "a tenth": smallest,
        "ten times": largest,
        "apart": max(values) / min(values),
    }


results = demo.run(experiment, {"measure": MEASURES}, args)
forms = dict.fromkeys(["a tenth", "as trained", "ten times"], "{:.3g}")
demo.summary(results, ["measure"], forms)

# %%
title = "One net with batch norm: small weights make it look rough, large ones smooth"
how = {"lines": "measure", "title": title, "xscale": "log", "yscale": "log", "show": args.show}
demo.present(figures.curves(results, SIZE, VALUE, **how), args)


# %%
# How rough does the net without batch norm look, at the scale that it has trained at?
def plain(seed, data):
    return {"roughness": roughness(*net(None, seed, data))}


measured = results.medians("measure", *forms, "apart")
measured["plain"] = demo.run(plain, {}, args, "plain").median("roughness")
demo.conclude(args, measured)
