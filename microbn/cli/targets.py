"""What a command works on: a built-in example, or a function in a file of one's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from .. import functional, nn
from ..engine.backward import grad
from ..engine.tensor import Tensor
from ..errors import ArgumentError
from ..reading.replay import replay
from ..reading.scalars import scalars
from ..reading.tape import history
from ..reading.trace import trace
from ..testing import HandWritten
from .finding import matched, named, of_instances, parameters, with_options
from .loading import load


def neuron(w: Any, x: Any, b: Any) -> Any:
    """One neuron: ``tanh(w · x + b)``."""
    return np.tanh(w @ x + b)


def batchnorm(x: Any, gamma: Any, beta: Any) -> Any:
    """Batch norm of a batch (N, C)."""
    return functional.batch_norm(x, gamma, beta)


def softmax(x: Any) -> Any:
    """Softmax of every row of (N, C)."""
    return functional.softmax(x)


class MLP(nn.Module):
    """A net of two layers with batch norm between them, and its loss on two classes by turns."""

    def __init__(self) -> None:
        self.hidden, self.norm = nn.Linear(4, 3, rng=0), nn.BatchNorm(3)
        self.out = nn.Linear(3, 2, rng=1)

    def forward(self, x: Any) -> Any:
        hidden = np.tanh(self.norm(self.hidden(x)))
        return functional.cross_entropy(self.out(hidden), np.arange(x.shape[0]) % 2)


SCALARS = "batchnorm-scalars"  # the same code on 0-d Tensors: to be looked at, not to be checked
# What makes the function or Module, and the shapes of its inputs.
BUILT_IN: dict[str, tuple[Callable, list[tuple[int, ...]]]] = {
    "neuron": (lambda: neuron, [(3,), (3,), ()]),
    "softmax": (lambda: softmax, [(4, 3)]),
    "batchnorm": (lambda: batchnorm, [(4, 3), (3,), (3,)]),
    SCALARS: (lambda: batchnorm, [(3, 1), (1,), (1,)]),
    "mlp": (MLP, [(6, 4)]),
}


def find(target: str, inputs: Sequence[str] = (), seed: int = 0) -> tuple[Any, list[Any]]:
    """What ``target`` names, to be called or checked, and inputs for it.

    A target is a built-in or ``file.py:name``: a function, a Module, a HandWritten, a layer with
    forward and backward, or the class of one, which is made; ``file.py:layer`` may also stand for
    two functions, layer_forward and layer_backward. Of the ``inputs``, ``8x3``, ``3`` or ``()``,
    for a number, is a shape, drawn from N(0, 1); ``name=[0, 2]`` is a value. A function without
    parameters is called: it gives a tuple, a function with its inputs, or what it computed from
    Tensors.

    Raises ArgumentError for what is not there, and for inputs that are missing or no inputs.
    """
    if target == SCALARS:
        raise ArgumentError(f"{SCALARS} is there to be looked at; check the same code as batchnorm")
    f, drawn = _with_inputs(target, inputs, np.random.default_rng(seed))
    return (f, [*drawn.values()]) if drawn else _result(f(), target)


def graph(target: str, inputs: Sequence[str] = (), seed: int = 0) -> tuple[Tensor, Any]:
    """The root of the graph that ``target`` makes, and a cotangent, for `story` and `draw`.

    Targets and inputs are those of `find`, and so are errors; arrays of floats are Tensors with
    the names of the parameters. A function without parameters gives its root itself, or the root
    and a cotangent. Where a root of more than one number has none, it is drawn from N(0, 1); of an
    array of scalars the root is the sum, weighted with it.
    """
    rng = np.random.default_rng(seed)
    f, drawn = _with_inputs(target, inputs, rng)
    leaf = scalars if target == SCALARS else _leaf
    _need_graph(f, target)
    with trace():
        given = f(*(leaf(value, name) for name, value in drawn.items()))
    if isinstance(given, (tuple, list)) and given and _checkable(given[0]):
        _need_graph(given[0], target)
        given = given[0](*map(_leaf, given[1:]))
    root, cotangent = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
    cotangent = cotangent.data if isinstance(cotangent, Tensor) else cotangent
    if isinstance(root, np.ndarray) and root.dtype == object:
        root = np.sum(root * rng.normal(size=root.shape))
    number = (np.ndarray, np.generic, float, int, list, type(None))
    if not (isinstance(root, Tensor) and isinstance(cotangent, number)):
        found = " and ".join(type(part).__name__ for part in (root, cotangent) if part is not None)
        raise ArgumentError(
            f"{target}() gives {found}; it has to give the Tensor that was computed, "
            "or that and a cotangent, an array: return y, dy"
        )
    if cotangent is None and root.size != 1:
        cotangent = rng.normal(size=root.shape)
    return root, cotangent


def gradients_graph(root: Tensor, cotangent: Any, seed: int = 0) -> tuple[Tensor, Any]:
    """The gradient of ``root`` for the first input, as a root with its graph, and a cotangent."""
    leaves = [tensor for tensor in history(root) if tensor.function is None]
    x = next((leaf for leaf in leaves if leaf.role != "parameter"), leaves[0])
    gradient = grad(root, x, cotangent, create_graph=True)
    return gradient, np.random.default_rng(seed).normal(size=gradient.shape)


def _leaf(value: Any, name: str | None = None) -> Any:
    """A Tensor of an array of floats; labels and options as they are."""
    floats = isinstance(value, (np.ndarray, float, list)) and np.asarray(value).dtype.kind == "f"
    return Tensor(value, name) if floats else value


def by_hand(f: Any) -> bool:
    """Return whether this is a layer that has a backward of its own, and so no graph."""
    return hasattr(f, "backward") and not isinstance(f, (Tensor, nn.Module))


def _need_graph(f: Any, target: str) -> None:
    if by_hand(f):
        raise ArgumentError(f"{target} has no graph, its backward is by hand: use microbn check")


def _with_inputs(
    target: str, given: Sequence[str], rng: np.random.Generator
) -> tuple[Any, dict[str, Any]]:
    """Return what a target names, and a value for each of its parameters by name."""
    path, colon, name = target.rpartition(":")
    if target in BUILT_IN:
        make, usual = BUILT_IN[target]
        f = make()
        given = given or ["x".join(map(str, shape)) or "()" for shape in usual]
    elif colon and name:
        own = rng.spawn(1)[0].integers(2**32)  # so that what the file draws is the same again
        np.random.seed(own)  # noqa: NPY002
        f = named(load(Path(path)), name)
        f = HandWritten(*f) if type(f) is tuple else f
    else:
        known = ", ".join(BUILT_IN)
        alike = get_close_matches(target, BUILT_IN, cutoff=0.5)
        meant = f"; did you mean {alike[0]}?" if alike else ""
        raise ArgumentError(
            f"{target!r} is no target; it is one of {known}, or file.py:function{meant}"
        )
    if not isinstance(f, type):
        drawn, options = matched(target, parameters(f), given, rng)
        bound = with_options(f, options)
        return HandWritten(*bound) if isinstance(bound, tuple) else bound, drawn
    made = parameters(f)
    drawn, options = matched(target, [*made, *of_instances(f)], given, rng)
    names = {p.name for p in made}
    f = with_options(f, {name: options.pop(name) for name in options.keys() - names})
    layer = f(*(drawn.pop(p.name) for p in made if p.name in drawn), **options)
    return layer, drawn


def _checkable(f: Any) -> bool:
    return callable(f) or by_hand(f)


def _result(given: Any, target: str) -> tuple[Any, list[Any]]:
    """What a function without parameters gave: a function and inputs, or a graph to replay."""
    if by_hand(given):
        raise ArgumentError(f"{target}() gives a layer alone; return it with its inputs: layer, x")
    if isinstance(given, (tuple, list)) and given and _checkable(given[0]):
        return given[0], [*given[1:]]
    if isinstance(given, Tensor):
        leaves = [tensor for tensor in history(given) if tensor.function is None]
        return replay(given, *leaves), leaves
    raise ArgumentError(
        f"{target}() gives {type(given).__name__}; it has to give a function and its inputs, "
        "return f, x, y, or a Tensor that was computed"
    )
