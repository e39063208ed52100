"""
Batch norm trains faster
========================

Relu nets learn handwritten digits, with batch norm and without. Look at where each line comes to
90% (the table has the median of the seeds' own steps); and at the right panel, where the rate is
ten times as high. In the textbook, Inception
reached 72.2% in 31.0 million steps, with batch norm in 13.3 million. At five times the rate, and
with other changes besides, it took 2.1 million (Ioffe & Szegedy 2015, figure 3 and section 4.2.1).
"""

# %%
import numpy as np

from microbn.lab import demo, figures
from microbn.lab.data import dataset
from microbn.lab.train import accuracy, trained
from microbn.nn import BatchNorm

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
    (hidden, rate), data = (SPEED | ACCURACY)[setting], dataset(data, seed)
    model, history = trained(data, hidden, rate, seed=seed, steps=steps, norm=NETS[net])
    return {
        "steps to 90%": history.steps_to(0.9),
        "final accuracy": history.accuracies[-1],
        "in training": accuracy(model, data.x_train, data.y_train),
        "training step": history.steps,
        "test accuracy": history.accuracies,
    }


forms = {"steps to 90%": "{:.0f}", "final accuracy": "{:.3f}", "in training": "{:.3f}"}
few, settings = args.seeds[:5], [s for s in SPEED if not (args.quick and "10" in s)]
axes = {"setting": settings, "net": NETS, "seed": few, "steps": [300]}
speed = demo.run(experiment, axes, args, "speed")
demo.summary(speed, ["setting", "net"], forms)

# %%
# A line is the median over seeds, and the band around it is their range.
title = f"With batch norm a net learns in fewer steps, and at ten times the rate ({len(few)} seeds)"
how = {"lines": "net", "panels": "setting", "title": title, "ylim": (0, 1.02)}
demo.present(figures.curves(speed, "training step", "test accuracy", show=args.show, **how), args)

# %%
# Wider nets, trained until both know the training set by heart. Seed by seed, and rate by rate, we
# compare the accuracy on the test set.
axes = {"setting": ACCURACY, "net": NETS, "steps": [200 if args.quick else 1000]}
final = demo.run(experiment, axes, args, "accuracy")
demo.summary(final, ["setting", "net"], forms)

# %%
plain, normed = (final.where(net=net)["final accuracy"] for net in NETS)
measured = {"plain": np.median(plain), "normed": np.median(normed), "seeds": len(few)}
measured |= {"gain": np.median(normed - plain), "share": np.mean(normed >= plain)}
measured |= {"pairs": len(normed), "in training": final.median("in training")}
for setting in settings[:-1]:
    steps = speed.where(setting=setting).medians("net", "steps to 90%")
    plain, normed = steps.values()
    measured[setting] = steps | {"times fewer": plain / normed}
measured |= speed.where(setting="5 layers, rate 1").medians("net", "final accuracy")
demo.conclude(args, measured)
