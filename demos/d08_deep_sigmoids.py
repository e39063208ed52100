"""
Batch norm lets deep sigmoids learn
===================================

Five hidden layers of sigmoids. Look at the left: as they are usually initialized, without batch
norm nothing is learned for 300 steps. At the right the weights are ten times as large. Half of the
plain net's sigmoids are saturated then, where their slope is next to 0, and with batch norm none
is; but it is this net that learns, slowly: here the trouble is not saturation.
"""

# %%
# z is what a sigmoid is given. Beyond 4 its slope is below 0.018, a fourteenth of its largest.
import numpy as np

from microbn import functional
from microbn.lab import demo, figures
from microbn.lab.data import load
from microbn.lab.train import fit, mlp, received
from microbn.nn import BatchNorm, Sigmoid, xavier
from microbn.optim import SGD

args = demo.options("d08_deep_sigmoids")
NETS = {"plain": None, "batch norm": BatchNorm}
SCALES = {"Xavier's weights": 1, "ten times as large": 10}


def experiment(weights, net, seed, steps, data):
    def init(rng, fan_in, fan_out):
        return SCALES[weights] * xavier(rng, fan_in, fan_out)

    data = load(data, seed)
    sizes = [data.features, *[64] * 5, data.classes]
    model = mlp(sizes, seed=seed, norm=NETS[net], activation=Sigmoid, init=init)

    def saturated():
        return np.mean(np.abs(received(model.train(), Sigmoid, data.x_train[:500])) > 4)

    before, optimizer = saturated(), SGD(model.parameters(), lr=0.5)
    history = fit(model, optimizer, data, steps=steps, seed=seed, compiled=True)
    return {
        "saturated": before,
        "at the end": saturated(),
        "final accuracy": history.accuracies[-1],
        "training step": history.steps,
        "test accuracy": history.accuracies,
    }


steps = [100 if args.quick else 300]
axes = {"weights": SCALES, "net": NETS, "seed": args.seeds, "steps": steps, "data": [args.data]}
results = demo.run(experiment, axes, args)
measured = ["saturated", "at the end", "final accuracy"]
demo.summary(results, ["weights", "net"], dict.fromkeys(measured, "{:.2f}"))

# %%
title = f"With batch norm five layers of sigmoids learn ({len(args.seeds)} seeds)"
how = {"lines": "net", "panels": "weights", "title": title, "ylim": (0, 1.02)}
demo.present(figures.curves(results, "training step", "test accuracy", show=args.show, **how), args)

# %%
# What gamma and beta are for: they can undo the normalization. γ = √(σ² + ε) does so exactly,
# the textbook's γ = σ all but.
z = np.random.default_rng(args.seeds[0]).normal(1, 2, (64, 32))
mean, var = z.mean(0), z.var(0)
exact = np.max(np.abs(functional.batch_norm(z, np.sqrt(var + 1e-5), mean) - z))
nearly = np.max(np.abs(functional.batch_norm(z, np.sqrt(var), mean) - z))

# %%
plain, normed = (results.where(weights="Xavier's weights", net=net) for net in NETS)
gate = 0.8 if args.quick else 0.9
large = [results.where(weights="ten times as large", net=net) for net in NETS]
first, last = ([runs.median(c) for runs in large] for c in ("saturated", "at the end"))
demo.conclude(
    args,
    demo.Claim(
        "batch norm lets deep sigmoids learn",
        textbook="Inception with sigmoids: 69.8% instead of chance (Ioffe & Szegedy 2015, 4.2.2)",
        here=f"accuracy {normed.median('final accuracy'):.3f} instead of "
        f"{plain.median('final accuracy'):.3f}",
        held=plain.median("final accuracy") <= 0.12 and normed.median("final accuracy") >= gate,
        gate=f"≥ {gate:.2f}, and ≤ 0.12 without",
    ),
    demo.Claim(
        "batch norm keeps sigmoids out of saturation",
        textbook="less likely to get stuck in the saturated regime (Ioffe & Szegedy 2015, 1)",
        here=f"weights ten times as large: {first[1]:.0%} saturated instead of {first[0]:.0%}, "
        f"{last[1]:.0%} instead of {last[0]:.0%} at the end",
        held=first[1] < first[0] and last[1] < last[0],
        gate="fewer",
    ),
    demo.Claim(
        "batch norm can be the identity",
        textbook="γ = σ, β = μ (Ioffe & Szegedy 2015, section 3)",
        here=f"γ = √(σ² + ε) gives z back to {exact:.0e}, γ = σ to {nearly:.0e}",
        held=exact <= 1e-12,
        gate="≤ 1e-12",
    ),
)
