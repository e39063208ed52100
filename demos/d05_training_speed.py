"""
Batch norm trains faster
========================

Relu nets on handwritten digits, with batch norm and without. Look at when each line crosses 90%,
and at the right, where the learning rate is ten times as high. The textbook: Inception reached
72.2% in 31.0 million steps, and 73.0% in 2.1 million with batch norm at five times the rate
(Ioffe & Szegedy 2015, figure 3).
"""

# %%
import numpy as np

from microbn.lab import demo, figures
from microbn.lab.data import load
from microbn.lab.train import fit, mlp
from microbn.nn import BatchNorm
from microbn.optim import SGD

args = demo.options("d05_training_speed", seeds=10)
NETS = {"plain": None, "batch norm": BatchNorm}
SPEED = {
    "5 layers, rate 0.1": ([64] * 5, 0.1),
    "10 layers, rate 0.1": ([64] * 10, 0.1),
    "5 layers, rate 1": ([64] * 5, 1.0),
}
ACCURACY = {f"2 wide layers, rate {rate}": ([128] * 2, rate) for rate in (0.1, 0.3)}


# %%
# One fit. The seed changes the split of the data, the weights and the order of the batches.
def experiment(setting, net, seed, steps, data):
    (hidden, rate), data = (SPEED | ACCURACY)[setting], load(data, seed)
    model = mlp([data.features, *hidden, data.classes], seed=seed, norm=NETS[net])
    optimizer = SGD(model.parameters(), rate)
    history = fit(model, optimizer, data, steps=steps, seed=seed, compiled=True)
    return {
        "steps to 90%": history.steps_to(0.9),
        "final accuracy": history.accuracies[-1],
        "training step": history.steps,
        "test accuracy": history.accuracies,
    }


runs = {"net": NETS, "data": [args.data]}
forms = {"steps to 90%": "{:.0f}", "final accuracy": "{:.3f}"}
few, settings = args.seeds[:5], [s for s in SPEED if not (args.quick and "10" in s)]
speed = demo.run(
    experiment, {"setting": settings, "steps": [300], "seed": few} | runs, args, "speed"
)
demo.summary(speed, ["setting", "net"], forms)

# %%
# The line is the median over seeds, the band their range.
title = f"Relu nets on handwritten digits: median and range of {len(few)} seeds"
how = {"lines": "net", "panels": "setting", "title": title, "ylim": (0, 1.02)}
demo.present(figures.curves(speed, "training step", "test accuracy", show=args.show, **how), args)

# %%
# Wider nets, trained to their ends; each is given its better rate of two.
long = {"steps": [100 if args.quick else 1000], "seed": args.seeds}
final = demo.run(experiment, {"setting": ACCURACY} | long | runs, args, "accuracy")
demo.summary(final, ["setting", "net"], forms)
plain, normed = (
    np.max([final.where(net=net, setting=s)["final accuracy"] for s in ACCURACY], axis=0)
    for net in NETS
)
share = np.mean(normed >= plain)
claims = [
    demo.Claim(
        "regularizes, mildly",
        textbook="73.0% instead of 72.2% (Inception)",
        here=f"{np.median(normed):.3f} instead of {np.median(plain):.3f}; as good or better for "
        f"{share:.0%} of the seeds",
        held=bool(share >= (0.5 if args.quick else 0.8)),
        gate=f"for {'50%' if args.quick else '80%'}",
    )
]

# %%
for setting in settings[:-1]:
    gate = 1.2 if args.quick else 2.0 if "10" in setting else 1.5
    plain, normed = (speed.median("steps to 90%", setting=setting, net=net) for net in NETS)
    claims.append(
        demo.Claim(
            f"trains faster: {setting}",
            textbook="14 times fewer steps (Inception)",
            here=f"90% after {normed:.0f} steps instead of {plain:.0f}, on {len(few)} seeds",
            held=plain / normed >= gate,
            gate=f"≥ {gate:g} times fewer",
        )
    )
plain, normed = (speed.median("final accuracy", setting="5 layers, rate 1", net=n) for n in NETS)
claims.append(
    demo.Claim(
        "does not diverge at ten times the rate",
        textbook="5 and 30 times the rate (Ioffe & Szegedy 2015, 4.2.2)",
        here=f"accuracy {normed:.3f} instead of {plain:.3f}, on {len(few)} seeds",
        held=plain <= 0.3 and normed >= 0.92,
        gate="≥ .92, and ≤ .30 without",
    )
)
demo.conclude(args, *claims)
