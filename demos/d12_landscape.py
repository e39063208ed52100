"""
Batch norm smooths the landscape, where it does
===============================================

On the way along a gradient, how fast does the gradient itself change? Look at how much lower the
line with batch norm is in the relu nets, so that a longer step can be trusted; and at how little it
helps at the right. Without batch norm that net of sigmoids sits on a plateau: a plateau is smooth.
"""

# %%
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


def make(hidden, net, seed, data):
    """A net, and its loss on a batch."""
    layers, kind = hidden.split()
    (activation, init), sizes = KINDS[kind], [data.features, *[64] * int(layers), data.classes]
    model = mlp(sizes, seed=seed, norm=NETS[net], activation=activation, init=init)
    return model, lambda n: functional.cross_entropy(
        model.train()(data.x_train[:n]), data.y_train[:n]
    )


# %%
# Every ten steps a walk along the gradient, of half to four learning rates (Santurkar et al. 2018).
def experiment(hidden, net, seed, steps, data):
    data, rate = load(data, seed), 0.1
    model, loss = make(hidden, net, seed, data)

    def walk():
        along = along_gradient(
            lambda: loss(64), model.parameters(), rate * np.array([0.5, 1, 2, 4])
        )
        return np.max(along.smoothness), np.ptp(along.losses)

    optimizer = SGD(model.parameters(), rate)
    history = fit(model, optimizer, data, steps=steps, seed=seed, compiled=True, measure=walk)
    smoothness, ranges = np.transpose(history.measured)
    return {
        "training step": history.steps,
        "effective β": smoothness,
        "median β": np.median(smoothness),
        "loss range": np.median(ranges),
        "final accuracy": history.accuracies[-1],
    }


GATES = {"3 relu": 2, "5 relu": 2, "10 tanh": None, "3 sigmoid": None}  # None: only shown
hidden = ["3 relu"] if args.quick else list(GATES)
axes = {"net": NETS, "seed": args.seeds, "data": [args.data]}
results = demo.run(
    experiment, {"hidden": hidden, "steps": [100 if args.quick else 300]} | axes, args
)
forms = {"median β": "{:.2f}", "loss range": "{:.3f}", "final accuracy": "{:.3f}"}
demo.summary(results, ["hidden", "net"], forms)


# %%
# The largest eigenvalue of the Hessian, soon after the start.
def hessian(net, seed, data):
    data = load(data, seed)
    model, loss = make("3 relu", net, seed, data)
    fit(model, SGD(model.parameters(), 0.05), data, steps=100, seed=seed, compiled=True)
    return {"top eigenvalue": top_eigenvalue(loss(1000), model.parameters(), seed=seed).value}


curved = demo.run(hessian, axes, args, "hessian")
demo.summary(curved, ["net"], {"top eigenvalue": "{:.2f}"})

# %%
title = f"How fast the gradient changes along itself: median and range of {len(args.seeds)} seeds"
how = {"lines": "net", "panels": "hidden", "title": title, "yscale": "log"}
demo.present(figures.curves(results, "training step", "effective β", show=args.show, **how), args)

# %%
claims = []
for kind in hidden:
    plain, normed = (results.where(hidden=kind, net=net) for net in NETS)
    lower, narrower = (plain.median(c) / normed.median(c) for c in ("median β", "loss range"))
    learned = " and ".join(f"{runs.median('final accuracy'):.2f}" for runs in (plain, normed))
    claims.append(
        demo.Claim(
            f"smoother landscape: {kind}",
            textbook="smoother (Santurkar et al. 2018, figure 4)",
            here=f"effective β {lower:.2f} times lower, loss range {narrower:.1f} times narrower; "
            f"accuracies {learned}",
            held=lower >= (GATES[kind] or 2),
            gate=f"≥ {GATES[kind]} times lower" if GATES[kind] else "",
        )
    )
plain, normed = (curved.median("top eigenvalue", net=net) for net in NETS)
claims.append(
    demo.Claim(
        "lower curvature: top eigenvalue of the Hessian, 3 relu, step 100",
        textbook="without batch norm, large eigenvalues appear (Ghorbani et al. 2019)",
        here=f"{normed:.1f} instead of {plain:.1f}",
        held=plain / normed >= 5,
        gate="≥ 5 times lower",
    )
)
demo.conclude(args, *claims)
