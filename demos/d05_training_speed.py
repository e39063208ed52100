"""
Batch norm trains faster
========================

Relu nets on handwritten digits, with batch norm and without. Look at when each line crosses 90%,
and at the right, where the learning rate is ten times as high. The textbook: Inception reached
72.2% in 31.0 million steps, with batch norm in 13.3 million, and in 2.1 million at five times the
rate (Ioffe & Szegedy 2015, figure 3).
"""

# %%
import numpy as np

from microbn.lab import demo, figures
from microbn.lab.data import load
from microbn.lab.train import accuracy, fit, mlp
from microbn.nn import BatchNorm
from microbn.optim import SGD

args = demo.options("d05_training_speed", seeds=10)
NETS = {"plain": None, "batch norm": BatchNorm}
SPEED = {
    "5 layers, rate 0.1": ([64] * 5, 0.1),
    "10 layers, rate 0.1": ([64] * 10, 0.1),
    "5 layers, rate 1": ([64] * 5, 1.0),
}
RATES = [0.3] if args.quick else [0.1, 0.3]
ACCURACY = {f"2 wide layers, rate {rate}": ([128] * 2, rate) for rate in RATES}


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
        "in training": accuracy(model, data.x_train, data.y_train),
        "training step": history.steps,
        "test accuracy": history.accuracies,
    }


runs = {"net": NETS, "data": [args.data]}
forms = {"steps to 90%": "{:.0f}", "final accuracy": "{:.3f}", "in training": "{:.3f}"}
few, settings = args.seeds[:5], [s for s in SPEED if not (args.quick and "10" in s)]
speed = demo.run(
    experiment, {"setting": settings, "steps": [300], "seed": few} | runs, args, "speed"
)
demo.summary(speed, ["setting", "net"], forms)

# %%
# The line is the median over seeds, the band their range.
title = f"With batch norm in fewer steps, and at ten times the rate ({len(few)} seeds)"
how = {"lines": "net", "panels": "setting", "title": title, "ylim": (0, 1.02)}
demo.present(figures.curves(speed, "training step", "test accuracy", show=args.show, **how), args)

# %%
# Wider nets, trained to their ends, where both know the training set by heart. Seed by seed, and
# rate by rate, batch norm's accuracy on the test set less the plain net's.
long = {"steps": [200 if args.quick else 1000], "seed": args.seeds}
final = demo.run(experiment, {"setting": ACCURACY} | long | runs, args, "accuracy")
demo.summary(final, ["setting", "net"], forms)
plain, normed = (final.where(net=net)["final accuracy"] for net in NETS)
share = np.mean(normed >= plain)
claims = [
    demo.Claim(
        "batch norm regularizes, mildly",
        textbook="72.7% instead of 72.2% at the same rate (Inception)",
        here=f"{np.median(normed):.3f} instead of {np.median(plain):.3f}, as good or better in "
        f"{share:.0%} of the pairs; in training {final.median('in training'):.3f}",
        held=np.median(normed - plain) > 0 and share >= (0.5 if args.quick else 0.8),
        gate=f"median above, and ≥ {'50%' if args.quick else '80%'} of the pairs",
    )
]

# %%
for setting in settings[:-1]:
    gate = 1.2 if args.quick else 2 if "10" in setting else 1.5
    plain, normed = (speed.median("steps to 90%", setting=setting, net=net) for net in NETS)
    claims.append(
        demo.Claim(
            f"batch norm trains faster: {setting}",
            textbook="2.3 times fewer steps at the same rate (Inception)",
            here=f"90% after {normed:.0f} steps instead of {plain:.0f}, on {len(few)} seeds",
            held=plain / normed >= gate,
            gate=f"≥ {gate} times fewer",
        )
    )
plain, normed = (speed.median("final accuracy", setting="5 layers, rate 1", net=n) for n in NETS)
claims.append(
    demo.Claim(
        "batch norm does not diverge at ten times the rate",
        textbook="5 and 30 times the rate (Ioffe & Szegedy 2015, 4.2.2)",
        here=f"accuracy {normed:.3f} instead of {plain:.3f}, on {len(few)} seeds",
        held=plain <= 0.3 and normed >= 0.92,
        gate="≥ 0.92, and ≤ 0.30 without",
    )
)
demo.conclude(args, *claims)
