"""
Batch norm lets deep sigmoids learn
===================================

The five layers of sigmoids that the first demo saw from inside. Look at the left: the gradient
comes back from the output, the sixth layer, and without batch norm it gets about four times smaller
at every layer. So the first layers do not learn, and what they send up stays nearly the same for
every digit. With batch norm the gradient stays large on all its way, and the net learns.
"""

# %%
# The gradient of each layer's weights at the start; and the share of sigmoids that are saturated,
# with an input beyond 4, where the slope is below 0.018, a fourteenth of its largest.
import numpy as np

from microbn import functional
from microbn.lab import demo, figures
from microbn.lab.data import dataset
from microbn.lab.train import fit, mlp, received, trained, weights_and_gradients
from microbn.nn import BatchNorm, Sigmoid, xavier
from microbn.optim import Adam

args = demo.options("d08_deep_sigmoids")
NETS = {"plain": None, "batch norm": BatchNorm}
SCALES = {"Xavier's": 1, "ten times as large": 10}
LAYER, SIZE = "layer, from the last to the first", "size of the gradient"


def experiment(weights, net, seed, steps, data):
    data = dataset(data, seed)
    x, y = data.x_train[:500], data.y_train[:500]

    def init(rng, fan_in, fan_out):
        return SCALES[weights] * xavier(rng, fan_in, fan_out)

    def look(model):
        pairs = weights_and_gradients(model.train(), x, y)
        saturated = np.mean(np.abs(received(model, Sigmoid, x)) > 4)
        return saturated, [np.linalg.norm(gradient) for _, gradient in pairs[::-1]]

    how = {"norm": NETS[net], "activation": Sigmoid, "init": init, "measure": look}
    how |= {"seed": seed, "steps": steps, "every": max(steps // 100, 10), "from_start": True}
    _, history = trained(data, [64] * 5, 0.5, **how)
    (saturated, sizes), *_, (at_the_end, _) = history.measured
    found = {"saturated": saturated, "at the end": at_the_end, LAYER: [6, 5, 4, 3, 2, 1]}
    found |= {SIZE: sizes, "shrinks": sizes[0] / sizes[-1], "training step": history.steps}
    return found | {"test accuracy": history.accuracies, "final accuracy": history.accuracies[-1]}


axes = {"weights": SCALES, "net": NETS, "steps": [100 if args.quick else 300]}
results = demo.run(experiment, axes, args)
forms = dict.fromkeys(["shrinks", "saturated", "at the end", "final accuracy"], "{:.2f}")
demo.summary(results, ["weights", "net"], forms)
usual, large = (results.where(weights=weights) for weights in SCALES)

# %%
before = (usual, LAYER, SIZE, {"yscale": "log", "xlim": (6.2, 0.8), "xticks": range(1, 7)})
after = (usual, "training step", "test accuracy", {"ylim": (0, 1.02)})
title = "Deep sigmoids: the gradient dies on its way back; batch norm keeps it alive"
how = {"lines": "net", "title": title, "show": args.show}
panels = {"at the start": before, "in training": after}
demo.present(figures.beside(panels, **how), args)

# %%
# Does the plain net only need more steps?
axes = {"weights": ["Xavier's"], "net": ["plain"], "steps": [500 if args.quick else 10_000]}
long = demo.run(experiment, axes | {"seed": args.seeds[:3]}, args, "long")


# Is it the size of the gradient? Adam divides each gradient by its own usual size.
def by_adam(seed, data):
    data = dataset(data, seed)
    sizes = [data.features, *[64] * 5, data.classes]
    model = mlp(sizes, seed=seed, activation=Sigmoid, init=xavier)
    fitted = fit(model, Adam(model.parameters(), 0.01), data, seed=seed, steps=300, compiled=True)
    return {"adam": fitted.accuracies[-1]}


# %%
# Gamma and beta can undo the normalization: γ = √(σ² + ε) does, and the textbook's γ = σ almost.
z = np.random.default_rng(args.seeds[0]).normal(1, 2, (64, 32))
undone = [functional.batch_norm(z, np.sqrt(z.var(0) + eps), z.mean(0)) for eps in (1e-5, 0)]
measured = dict(zip(["exact", "nearly"], (np.abs(y - z).max() for y in undone), strict=True))
measured |= usual.medians("net", "shrinks", "final accuracy")
measured |= large.medians("net", "saturated", "at the end")
measured |= {"best": long["test accuracy"].max(), "last": long.median("final accuracy")}
measured |= {"steps": long["steps"][0], "nets": len(long.rows)}
of_large = large.medians("net", "shrinks", "final accuracy")
measured |= {f"{name}, large": value for name, value in of_large.items()}
demo.conclude(args, measured | {"adam": demo.run(by_adam, {}, args, "adam").median("adam")})
