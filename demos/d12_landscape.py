"""
Batch norm smooths the landscape, where it does
===============================================

After a small step, does the gradient still point the same way? Look at the nets of relu: the plain
net's gradient turns around, and with batch norm it turns less. The tanhs gain little, if anything.
The plain sigmoids do not learn. They sit on a plateau, and a plateau looks smooth.
"""

# %%
# Every weight matrix goes down its gradient by 1% of its length. How far has the gradient turned
# then? An angle has no unit. The "effective β-smoothness" of Santurkar et al. 2018 has one: it is
# the change of the gradient over the distance, and a large β is rough. It depends on the scale of
# the weights, which is He's or Xavier's at the start. The demo d16 looks at other scales.
import numpy as np

from microbn import functional
from microbn.lab import demo, figures
from microbn.lab.curvature import along_gradient, gradient_turn, top_eigenvalue
from microbn.lab.data import dataset
from microbn.lab.train import trained
from microbn.nn import BatchNorm, ReLU, Sigmoid, Tanh, he, xavier

args = demo.options("d12_landscape", seeds=3)
NETS = {"plain": None, "batch norm": BatchNorm}
KINDS = {"relu": (ReLU, he), "tanh": (Tanh, xavier), "sigmoid": (Sigmoid, xavier)}


def loss_and_matrices(model, data, n):
    """Return a function for the loss on n images, in training mode, and the weight matrices."""
    x, y = data.x_train[:n], data.y_train[:n]
    matrices = [p for p in model.parameters() if p.ndim == 2]
    return lambda: functional.cross_entropy(model.train()(x), y), matrices


def experiment(hidden, net, seed, steps, data):
    data, (layers, kind) = dataset(data, seed), hidden.split()

    def look(model):
        of_500, of_64 = (loss_and_matrices(model, data, n) for n in (500, 64))
        turns = [np.mean(gradient_turn(*of, 0.01)) for of in (of_500, of_64)]
        along = along_gradient(of_500[0], model.parameters(), [0.05, 0.1, 0.2, 0.4])
        return [*turns, np.max(along.smoothness)]

    how = dict(zip(("activation", "init"), KINDS[kind], strict=True)) | {"norm": NETS[net]}
    how |= {"seed": seed, "steps": steps, "every": 20, "from_start": True, "measure": look}
    _, history = trained(data, [64] * int(layers), 0.1, **how)
    turn, *_ = np.transpose(history.measured)
    medians = zip(("turn", "on 64", "roughness"), np.median(history.measured, axis=0), strict=True)
    found = {"accuracy": history.accuracies[-1], "first": turn[0], **dict(medians)}
    return found | {"training step": history.steps, "the gradient turns by": turn}


HIDDEN = ["3 relu"] if args.quick else ["3 relu", "5 relu", "10 tanh", "3 sigmoid"]
axes = {"hidden": HIDDEN, "steps": [60 if args.quick else 300], "net": NETS}
results = demo.run(experiment, axes, args)
forms = dict.fromkeys(["first", "turn", "on 64"], "{:.0f}°") | {"roughness": "{:.1f}"}
demo.summary(results, ["hidden", "net"], forms)

# %%
how = {"title": "A step of 1% turns a relu net's gradient around; with batch norm, far less"}
how |= {"yticks": [0, 90, 180], "yticklabels": ["0°:\nsame way", "90°", "180°:\nopposite"]}
how |= {"lines": "net", "panels": "hidden", "ylim": (0, 180), "show": args.show}
figure = figures.curves(results, "training step", "the gradient turns by", **how)
figure.axes[-1].text(15, 130, "" if args.quick else "the plain net\ndoes not learn")
demo.present(figure, args)


# %%
# The Hessian's top eigenvalue, soon after the start, and with each matrix in units of its length.
def hessian(net, seed, data):
    data = dataset(data, seed)
    model, _ = trained(data, [64] * 3, 0.05, seed=seed, steps=100, norm=NETS[net])
    loss, matrices = loss_and_matrices(model, data, 1000)
    top = top_eigenvalue(loss(), model.parameters(), seed=seed)
    tops = {"top": top, "relative": top_eigenvalue(loss(), matrices, seed=seed, relative=True)}
    return {name: top.value if top.converged else np.nan for name, top in tops.items()}


def compared(results, *columns):
    m = results.medians("net", *columns)
    return m | {f"{c} ratio": m[f"plain {c}"] / m[f"batch norm {c}"] for c in columns}


curved = demo.run(hessian, {"net": NETS}, args, "hessian")
measured = {h: compared(results.where(hidden=h), *forms, "accuracy") for h in HIDDEN}
demo.conclude(args, measured | compared(curved, "top", "relative"))
