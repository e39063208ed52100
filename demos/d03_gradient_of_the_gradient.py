"""
The gradient of the gradient
============================

A gradient rule is plain NumPy, so the backward can be recorded as the forward was, and
differentiated again. Look at the violet nodes: they are the gradient's own graph. Then look at a
mistake that only a second derivative shows: a batch norm in which one of the means is detached.
"""

# %%
# tanh, and its gradient, whose graph goes back the way the forward came.
import numpy as np

from microbn import Tensor, draw, functional, grad, label
from microbn.engine.functions import stop_gradient
from microbn.lab import demo, figures
from microbn.lab.curvature import hvp
from microbn.lab.data import digits

args = demo.options("d03_gradient_of_the_gradient", data=False)
w = Tensor(0.5, "w")
y = np.tanh(w)
label(locals())
dw = grad(y, w, create_graph=True)
print(f"dy/dw   = {dw.item():.3f}; by hand 1 − y² = {1 - y.data**2:.3f}")
print(f"d²y/dw² = {grad(dw, w):.3f}; by hand −2 y (1 − y²) = {-2 * y.data * (1 - y.data**2):.3f}")
demo.keep(draw(dw, direction="TB"), "graph.png", args)


# %%
# Batch norm with one mean detached: inside the variance it counts as a constant. All that would
# flow back through it sums to zero, so the gradient is the same. Its own gradient is not.
def detached(x, gamma, beta):
    mean = np.mean(x, axis=0)
    var = np.mean(np.square(x - stop_gradient(mean)), axis=0)
    return functional.affine(functional.normalize(x - mean, var), gamma, beta)


# %%
# A net on 64 digits, and the Hessian H of its loss times a random vector v: once as the gradient of
# a gradient, and once as a difference of gradients, h ahead and h behind along v.
NORMS = {"batch norm": functional.batch_norm, "one mean detached": detached}
STEPS = np.logspace(-10, -2, 17)
H, ERROR = "step h of the finite differences", "second derivative, relative error"


def apart(a, b):
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def experiment(norm, seed):
    data, rng = digits(seed), np.random.default_rng(seed)
    start, u, v = rng.normal(size=(3, 2432))

    def at(h, norm=NORMS[norm]):
        theta = Tensor(0.2 * start + h * v)
        w, out = theta[:2048].reshape(64, 32), theta[2048:2368].reshape(32, 10)
        normed = norm(data.x_train[:64] @ w, 1 + theta[2368:2400], theta[2400:])
        return functional.cross_entropy(np.tanh(normed) @ out, data.y_train[:64]), [theta]

    hu, hv = hvp(*at(0), [u])[0], hvp(*at(0), [v])[0]
    off = [apart(hv, (grad(*at(h))[0] - grad(*at(-h))[0]) / (2 * h)) for h in STEPS]
    return {
        "gradient, off": apart(grad(*at(0))[0], grad(*at(0, functional.batch_norm))[0]),
        "Hv, off": min(off),
        "u·Hv − v·Hu": abs(u @ hv - v @ hu) / np.linalg.norm(u) / np.linalg.norm(hv),
        H: STEPS,
        ERROR: off,
    }


results = demo.run(experiment, {"norm": NORMS}, args)
columns = ["gradient, off", "Hv, off", "u·Hv − v·Hu"]
demo.summary(results, ["norm"], dict.fromkeys(columns, "{:.0e}"))

# %%
# Differences have errors of their own, and so a best h. No h brings them close to the wrong Hv.
title = "Detach one mean, and the second derivative is wrong (the first one is still right)"
how = {"lines": "norm", "title": title, "xscale": "log", "yscale": "log"}
figure = figures.curves(results, H, ERROR, show=args.show, **how)
demo.present(figure, args)

# %%
right, wrong = (results.where(norm=norm) for norm in NORMS)
measured = {"Hv": max(right["Hv, off"]), "asymmetry": max(right["u·Hv − v·Hu"])}
measured |= {"detached gradient": max(wrong["gradient, off"]), "detached Hv": min(wrong["Hv, off"])}
demo.conclude(args, measured)
