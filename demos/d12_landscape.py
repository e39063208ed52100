"""
Batch norm smooths the landscape, where it does
===============================================

On the way along a gradient, how fast does the gradient itself change? Look at how much lower the
line with batch norm is in the relu nets, so that a longer step can be trusted; and at the sigmoids,
where it is hardly lower. Without batch norm these sit on a plateau: a plateau looks smooth.
"""

# %%
# A walk from the weights of a step, down its gradient, by half to four learning rates. The change
# of the gradient over the way is the "effective β-smoothness" of Santurkar et al. 2018.
import numpy as np

from microbn import functional
from microbn.lab import demo, figures
from microbn.lab.curvature import along_gradient, top_eigenvalue
from microbn.lab.data import load
from microbn.lab.train import fit, mlp
from microbn.nn import BatchNorm, ReLU, Sigmoid, Tanh, he, xavier
from microbn.optim import SGD

args = demo.options("d12_landscape", seeds=3)
NETS = {"plain": None, "batch norm": BatchNorm}
KINDS = {"relu": (ReLU, he), "tanh": (Tanh, xavier), "sigmoid": (Sigmoid, xavier)}
RATE = 0.1


def make(hidden, net, seed, data):
    """A net, and its loss on the first n images, in training mode."""
    layers, kind = hidden.split()
    (activation, init), sizes = KINDS[kind], [data.features, *[64] * int(layers), data.classes]
    model = mlp(sizes, seed=seed, norm=NETS[net], activation=activation, init=init)

    def loss(n):
        return functional.cross_entropy(model.train()(data.x_train[:n]), data.y_train[:n])

    return model, loss


def experiment(hidden, net, seed, steps, data):
    data = load(data, seed)
    model, loss = make(hidden, net, seed, data)

    def walk(n):
        rates = RATE * np.array([0.5, 1, 2, 4])
        along = along_gradient(lambda: loss(n), model.parameters(), rates)
        return np.max(along.smoothness), np.ptp(along.losses)

    often = {"every": 20, "compiled": True, "measure": lambda: [*walk(500), *walk(64)]}
    history = fit(model, SGD(model.parameters(), RATE), data, steps=steps, seed=seed, **often)
    of_500, ranges, of_64, _ = np.transpose(history.measured)
    return {
        "training step": history.steps,
        "change of gradient ÷ way": of_500,
        "500 images": np.median(of_500),
        "64 images": np.median(of_64),
        "loss range": np.median(ranges),
        "final accuracy": history.accuracies[-1],
    }


HIDDEN = ["3 relu"] if args.quick else ["3 relu", "5 relu", "10 tanh", "3 sigmoid"]
axes = {"net": NETS, "seed": args.seeds, "data": [args.data]}
steps = {"steps": [60 if args.quick else 300]}
results = demo.run(experiment, {"hidden": HIDDEN} | steps | axes, args)
forms = dict.fromkeys(["500 images", "64 images", "loss range", "final accuracy"], "{:.3g}")
demo.summary(results, ["hidden", "net"], forms)


# %%
# The largest eigenvalue of the Hessian, soon after the start.
def hessian(net, seed, data):
    data = load(data, seed)
    model, loss = make("3 relu", net, seed, data)
    fit(model, SGD(model.parameters(), 0.05), data, steps=100, seed=seed, compiled=True)
    top = top_eigenvalue(loss(1000), model.parameters(), seed=seed)
    return {"top eigenvalue": top.value if top.converged else np.nan}


curved = demo.run(hessian, axes, args, "hessian")
demo.summary(curved, ["net"], {"top eigenvalue": "{:.2f}"})

# %%
title = f"With batch norm a gradient holds for longer ({len(args.seeds)} seeds)"
how = {"lines": "net", "panels": "hidden", "title": title, "yscale": "log", "show": args.show}
demo.present(figures.curves(results, "training step", "change of gradient ÷ way", **how), args)

# %%
claims = []
for kind in HIDDEN:
    plain, normed = ({c: results.median(c, hidden=kind, net=net) for c in forms} for net in NETS)
    lower, on_64 = (plain[c] / normed[c] for c in ("500 images", "64 images"))
    claims.append(
        demo.Claim(
            f"batch norm smooths the landscape: {kind}",
            textbook="more effective β-smoothness (Santurkar et al. 2018, figure 4)",
            here=f"{lower:.1f} times lower (on a batch of 64 {on_64:.1f} times); loss range "
            f"{normed['loss range']:.2g} instead of {plain['loss range']:.2g}; accuracy "
            f"{normed['final accuracy']:.2f} instead of {plain['final accuracy']:.2f}",
            held=lower >= 2,
            gate="≥ 2 times lower",
            shown="relu" not in kind,
        )
    )
plain, normed = (curved.median("top eigenvalue", net=net) for net in NETS)
claims.append(
    demo.Claim(
        "batch norm lowers the Hessian's top eigenvalue: 3 relu, step 100",
        textbook="without it large eigenvalues appear (Ghorbani et al. 2019)",
        here=f"{normed:.1f} instead of {plain:.1f}",
        held=plain / normed >= 5,
        gate="≥ 5 times lower",
    )
)
demo.conclude(args, *claims)
