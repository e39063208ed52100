"""Call every public function with arguments that make no sense: it raises our error, or returns."""

import re
from pathlib import Path

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors, nn, optim
from microbn import functional as F
from microbn.lab import curvature
from microbn.testing import HandWritten, given_gradients, gradcheck, slopes
from microbn.testing.strategies import arrays

PACKAGE = Path(mb.__file__).parent
RNG = np.random.default_rng(0)


def x():
    return Tensor(RNG.normal(size=(4, 3)))


def v():
    return Tensor(np.ones(3))


def images():
    return Tensor(RNG.normal(size=(2, 3, 4, 4)))


def filters():
    return Tensor(RNG.normal(size=(2, 3, 2, 2)))


def loss():
    return (x() ** 2).sum()


def net():
    return nn.Sequential(nn.Linear(3, 2, rng=0), nn.BatchNorm(2))


JUNK = {
    "None": None,
    "text": "text",
    "an empty list": [],
    "a dict": {},
    "an empty array": np.ones(0),
    "nan": float("nan"),
    "a complex number": 1j,
    "an object": object(),
    "integers": np.array([1, 2]),
    "True": True,
    "an array of objects": np.array([None, 1], object),
    "an array of four axes": np.ones((1, 1, 1, 1)),
    "-1": -1,
    "an array of nan": np.full((4, 3), np.nan),
    "a function": len,
    "a module": nn.ReLU(),
    "a Tensor": v(),
}
# For each function how to call it, and good arguments, made anew for each call; junk takes the
# place of one after the other.
CALLS = {
    "Tensor": (Tensor, lambda: [[1.0]]),
    "Tensor(name=)": (lambda name: Tensor([1.0], name), lambda: ["n"]),
    "Tensor(dtype=)": (lambda dtype: Tensor([1.0], dtype=dtype), lambda: [float]),
    "Tensor.data =": (lambda new: setattr(x(), "data", new), lambda: [np.ones((4, 3))]),
    "Tensor.backward": (lambda g: loss().backward(g), lambda: [None]),
    "Tensor[index]": (lambda index: x()[index], lambda: [0]),
    "Tensor.sum": (lambda axis: x().sum(axis=axis), lambda: [0]),
    "Tensor.mean": (lambda axis: x().mean(axis), lambda: [0]),
    "Tensor.max": (lambda axis: x().max(axis), lambda: [0]),
    "Tensor.reshape": (lambda shape: x().reshape(shape), lambda: [12]),
    "Tensor.transpose": (lambda axes: x().transpose(axes), lambda: [(1, 0)]),
    "Tensor.swapaxes": (lambda a, b: x().swapaxes(a, b), lambda: [0, 1]),
    "Tensor.squeeze": (lambda axis: Tensor(np.ones((1, 3))).squeeze(axis), lambda: [0]),
    "Tensor.astype": (lambda dtype: x().astype(dtype), lambda: [float]),
    "np.expand_dims": (lambda axis: np.expand_dims(x(), axis), lambda: [0]),
    "np.broadcast_to": (lambda shape: np.broadcast_to(x(), shape), lambda: [(4, 3)]),
    "np.concatenate": (lambda other, axis: np.concatenate([x(), other], axis), lambda: [x(), 0]),
    "np.stack": (lambda other, axis: np.stack([x(), other], axis), lambda: [x(), 0]),
    "np.where": (lambda c, other: np.where(c, x(), other), lambda: [True, x()]),
    "grad": (mb.grad, lambda: [loss(), [x()]]),
    "sweep": (lambda root, g: list(mb.sweep(root, g)), lambda: [loss(), None]),
    "defvjp": (mb.defvjp, lambda: [np.sinh, lambda g, out, x: g]),
    "primitive": (mb.primitive, lambda: [lambda x: x]),
    "compile": (
        lambda f, given: mb.compile(np.sum if callable(f) else f, given),
        lambda: [np.sum, x()],
    ),
    "compile(cotangent=)": (
        lambda g: mb.compile(F.relu, x(), cotangent=g),
        lambda: [np.ones((4, 3))],
    ),
    "compile(passes=)": (lambda some: mb.compile(np.sum, x(), passes=some), lambda: [["dead"]]),
    "Program": (lambda *given: mb.compile(np.sum, x())(*given), lambda: [np.ones((4, 3))]),
    "formula": (mb.formula, lambda: [np.multiply, "x"]),
    "scalars": (mb.scalars, lambda: [[1.0], "x"]),
    "scope": (lambda name: mb.scope(name).__enter__(), lambda: ["s"]),
    "label": (mb.label, lambda: [{}]),
    "draw": (mb.draw, lambda: [loss()]),
    "story": (mb.story, lambda: [loss()]),
    "batch_norm": (F.batch_norm, lambda: [x(), v(), v(), 1e-5]),
    "layer_norm": (F.layer_norm, lambda: [x(), v(), v(), 1e-5]),
    "group_norm": (F.group_norm, lambda: [x(), 3, v(), v(), 1e-5]),
    "moments": (lambda axis: F.moments(x(), axis), lambda: [0]),
    "normalize": (lambda eps: F.normalize(x(), np.ones((1, 3)), eps), lambda: [1e-5]),
    "affine": (F.affine, lambda: [x(), v(), v()]),
    "softmax": (lambda axis: F.softmax(x(), axis), lambda: [-1]),
    "cross_entropy": (F.cross_entropy, lambda: [x(), [0, 1, 2, 0]]),
    "mse": (F.mse, lambda: [x(), np.ones((4, 3))]),
    "Linear": (lambda i, o, rng: nn.Linear(i, o, rng=rng), lambda: [3, 2, 0]),
    "Linear(init=)": (  # another function is called, whatever it does
        lambda init: nn.Linear(3, 2, rng=0, init=nn.he if callable(init) else init),
        lambda: [nn.he],
    ),
    "Linear()": (lambda x: nn.Linear(3, 2, rng=0)(x), lambda: [x()]),
    "conv2d": (F.conv2d, lambda: [images(), filters(), np.ones(2), 1, 0]),
    "max_pool2d": (F.max_pool2d, lambda: [images(), 2, 1]),
    "avg_pool2d": (F.avg_pool2d, lambda: [images(), 2, 1]),
    "Conv2d": (lambda *given: nn.Conv2d(*given, rng=0), lambda: [3, 2, 2, 1, 0]),
    "Conv2d()": (lambda x: nn.Conv2d(3, 2, 2, rng=0)(x), lambda: [images()]),
    "MaxPool2d": (nn.MaxPool2d, lambda: [2, 1]),
    "AvgPool2d": (nn.AvgPool2d, lambda: [2, 1]),
    "Flatten()": (lambda x: nn.Flatten()(x), lambda: [images()]),
    "BatchNorm": (nn.BatchNorm, lambda: [3, 1e-5, 0.1]),
    "BatchNorm()": (lambda x: nn.BatchNorm(3)(x), lambda: [x()]),
    "BatchNorm.eval": (lambda x: nn.BatchNorm(3).eval()(x), lambda: [x()]),
    "GhostBatchNorm": (nn.GhostBatchNorm, lambda: [3, 2]),
    "GhostBatchNorm()": (lambda x: nn.GhostBatchNorm(3, 2)(x), lambda: [x()]),
    "LayerNorm": (nn.LayerNorm, lambda: [3]),
    "LayerNorm()": (lambda x: nn.LayerNorm(3)(x), lambda: [x()]),
    "GroupNorm": (nn.GroupNorm, lambda: [3, 3]),
    "GroupNorm()": (lambda x: nn.GroupNorm(3, 3)(x), lambda: [x()]),
    "Dropout": (lambda p, rng: nn.Dropout(p, rng=rng), lambda: [0.5, 0]),
    "Sequential": (nn.Sequential, lambda: [nn.ReLU()]),
    "load_state_dict": (lambda state: net().load_state_dict(state), lambda: [net().state_dict()]),
    "SGD": (optim.SGD, lambda: [[x()], 0.1, 0.9]),
    "Adam": (optim.Adam, lambda: [[x()], 0.1, (0.9, 0.999), 1e-8]),
    "gradcheck": (gradcheck, lambda: [np.exp, np.ones(3)]),
    "gradcheck(order=)": (lambda order: gradcheck(np.exp, v(), order=order), lambda: [2]),
    "gradcheck(stages=)": (
        lambda stages: gradcheck(
            HandWritten(lambda x: (2 * x, x), lambda dy, x: 2 * dy), np.ones(3), stages=stages
        ),
        lambda: [True],
    ),
    "gradcheck(seed=)": (lambda seed: gradcheck(np.exp, v(), seed=seed), lambda: [0]),
    "gradcheck(closed_form=)": (
        lambda form: gradcheck(np.exp, v(), closed_form=None if callable(form) else form),
        lambda: [None],
    ),
    "slopes": (lambda x, dy: slopes(np.cos, x, dy), lambda: [np.ones(3), np.ones(3)]),
    "HandWritten": (
        lambda forward: gradcheck(HandWritten(forward, lambda dy, cache: 2 * dy), np.ones(3)),
        lambda: [lambda x: (2 * x, None)],
    ),
    "given_gradients": (
        lambda f, strategy: given_gradients(f, x=strategy)(lambda x: None),
        lambda: [np.exp, arrays(3)],
    ),
    "jacobian": (mb.jacobian, lambda: [np.square, v()]),
    "hessian": (mb.hessian, lambda: [np.sum, v()]),
    "jvp": (mb.jvp, lambda: [np.square, v(), v()]),
    "hvp": (mb.hvp, lambda: [np.sum, v(), v()]),
    "curvature.hvp": (curvature.hvp, lambda: [loss(), [x()], [np.ones((4, 3))]]),
    "top_eigenvalue": (curvature.top_eigenvalue, lambda: [loss(), [x()]]),
    "top_eigenvalue(tol=)": (
        lambda tol: curvature.top_eigenvalue(loss(), [x()], tol=tol),
        lambda: [0.1],
    ),
    "top_eigenvalue(max_iterations=)": (
        lambda n: curvature.top_eigenvalue(loss(), [x()], max_iterations=n),
        lambda: [3],
    ),
}


def fault(name):
    """Describe an error that a call with junk raised and that is not ours."""
    call, arguments = CALLS[name]
    for position in range(len(arguments())):
        for junk, value in JUNK.items():
            given = arguments()
            given[position] = value
            try:
                call(*given)
            except errors.MicrobnError:
                pass
            except Exception as error:
                yield f"{junk} for argument {position}: {type(error).__name__}: {error}"


@pytest.mark.parametrize("name", CALLS)
def test_junk_gets_an_error_of_ours(name):
    call, arguments = CALLS[name]
    with np.errstate(all="ignore"):
        call(*arguments())
        assert [*fault(name)] == []


def test_the_check_sees_an_error_that_is_not_ours(monkeypatch):
    monkeypatch.setitem(CALLS, "numpy", (np.linalg.inv, lambda: [np.eye(2)]))
    assert any("LinAlgError" in words for words in fault("numpy"))


HARMLESS = {
    "no_grad",
    "no_lines",
    "trace",
    "Step",
    "Message",
    "MicrobnError",
}  # nothing to give them


def test_no_public_function_goes_untried():
    tried = {re.split(r"\W", name)[0] for name in CALLS}
    public = {name for name in mb.__all__ if callable(getattr(mb, name))}
    assert public - HARMLESS <= tried


def test_every_sentence_that_a_room_raises_is_there():
    asked = {
        name
        for file in PACKAGE.rglob("*.py")
        for name in re.findall(r"raise faults\.(\w+)", file.read_text("utf-8"))
    }
    assert len(asked) > 20
    assert not [name for name in asked if not hasattr(errors.faults, name)]
