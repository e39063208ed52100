"""The target of a command: an example by its name, or a function in a file of one's own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from .. import nn
from ..engine.backward import grad
from ..engine.tensor import Tensor
from ..errors import ArgumentError
from ..reading.replay import replay
from ..reading.scalars import scalars
from ..reading.tape import history
from ..reading.trace import trace
from ..testing import HandWritten
from ..testing.checker.inputs import required
from ..view import Story, snapshot, story
from ..view.film import Film
from ..view.outputs import one_root
from .examples import BUILT_IN, SCALARS, TRAINING, batchnorm_of_small_numbers, training
from .finding import matched, named, of_instances, parameters, with_options
from .loading import load_file, seed_torch


def find(target: str, inputs: Sequence[str] = (), seed: int | None = None) -> tuple[Any, list[Any]]:
    """Return the function or layer that ``target`` names, and inputs to call or check it with.

    A target is the name of an example, or ``file.py:name``. In the file the name stands for a
    function, a Module, a HandWritten, a layer with forward and backward, or a class of such layers,
    which is then made. ``file.py:layer`` may also stand for two functions, layer_forward and
    layer_backward. A PyTorch module is called with the file's ``example_inputs``, and
    `find` gives its parameters as inputs too. An input such as
    ``8x3``, ``3`` or ``()`` (a number) is a shape, and its values are drawn from N(0, 1), from seed
    0 if ``seed`` is None; ``name=[0, 2]`` is a value. A function without parameters is called: it
    returns a function with its inputs, or what it computed from Tensors.

    Raises ArgumentError if the target is not there, or if the inputs do not fit.
    """
    if target == SCALARS:
        raise ArgumentError(f"{SCALARS} is there to be looked at; check the same code as batchnorm")
    f, drawn = _with_inputs(target, inputs, np.random.default_rng(seed or 0))
    return (f, [*drawn.values()]) if drawn else _checked_result(f(), target)


def graph(target: str, inputs: Sequence[str] = (), seed: int | None = None) -> tuple[Tensor, Any]:
    """Return the root of the graph that ``target`` makes, and a cotangent, for `story` and `draw`.

    Targets, inputs and errors are those of `find`. Arrays of floats become Tensors with the names
    of the parameters. A function without parameters returns its root, or the root and a cotangent.
    Where a root of several numbers has no cotangent, one is drawn from N(0, 1). For an array of
    scalars the root is their sum, weighted by such a cotangent. Batch norm shows small numbers of
    its own, see `draws_nothing`.
    """
    if draws_nothing(target, inputs, seed):
        with trace():
            return batchnorm_of_small_numbers(), None
    rng = np.random.default_rng(seed or 0)
    f, drawn = _with_inputs(target, inputs, rng)
    leaf = scalars if target == SCALARS else _leaf
    _need_graph(f, target)
    with trace():
        given = f(*(leaf(value, name) for name, value in drawn.items()))
    if isinstance(given, (tuple, list)) and given and _checkable(given[0]):
        _need_graph(given[0], target)
        y = given[0](*map(_leaf, given[1:]))  # so that a story calls it y
        given = y
    root, cotangent = given if isinstance(given, tuple) and len(given) == 2 else (given, None)
    cotangent = cotangent.data if isinstance(cotangent, Tensor) else cotangent
    if isinstance(root, (tuple, list)) and root and all(isinstance(x, Tensor) for x in root):
        root, _ = one_root("the target", root, [rng.normal(size=x.shape) for x in root])
    if isinstance(root, np.ndarray) and root.dtype == object:
        root = np.sum(root * rng.normal(size=root.shape))
    _check_root(root, cotangent, target)
    if cotangent is None and root.size != 1:
        cotangent = rng.normal(size=root.shape)
    return root, cotangent


def draws_nothing(target: str, inputs: Sequence[str] = (), seed: int | None = None) -> bool:
    """Return whether `graph` shows the small numbers of batchnorm: without inputs and a seed."""
    return target == "batchnorm" and not inputs and seed is None


def told(target: str, inputs: Sequence[str] = (), seed: int | None = None) -> Story:
    """Tell the story of the graph that ``target`` makes. Targets and errors are those of `graph`.

    The dx of batchnorm is set beside the one that is derived by hand.
    """
    root, cotangent = graph(target, inputs, seed)
    derived = {}
    if target == "batchnorm":
        from ..lab.tour import derived_by_stages  # lab is slow to load

        y = next(node for node in history(root) if node.name == "y")
        if y.ndim == 2:
            derived = {"x": derived_by_stages(y, grad(root, y, cotangent))["x"]}
    return story(root, cotangent, title=target, derived=derived)


def filmed(inputs: Sequence[str] = (), seed: int | None = None) -> Film:
    """Film a training on the digits. Raises ArgumentError for inputs, which it does not take."""
    if inputs:
        raise ArgumentError(
            f"{TRAINING} learns from the digits and takes no input, got {inputs[0]}"
        )
    return training(seed or 0)


def gradients_graph(root: Tensor, cotangent: Any, seed: int | None = None) -> tuple[Tensor, Any]:
    """Return the gradient of ``root`` for the first input, with its graph, and a cotangent."""
    leaves = [tensor for tensor in history(root) if tensor.function is None]
    x = next((leaf for leaf in leaves if leaf.role != "parameter"), leaves[0])
    gradient = grad(root, x, cotangent, create_graph=True)
    return gradient, np.random.default_rng(seed or 0).normal(size=gradient.shape)


def closes_nothing(root: Tensor, depth: int) -> str:
    """Say why no group of this graph is closed at a depth, or return "" if one is."""
    deepest = max(map(len, snapshot(root).groups()), default=0)
    if deepest > depth:
        return ""
    if not deepest:
        return "this graph has no groups; scope and Modules make groups"
    return f"its groups are {deepest} deep; --depth {deepest - 1} closes the innermost"


def by_hand(f: Any) -> bool:
    """Return whether this is a layer with a backward of its own, and so without a graph."""
    return hasattr(f, "backward") and not isinstance(f, (Tensor, nn.Module))


def _with_inputs(
    target: str, given: Sequence[str], rng: np.random.Generator
) -> tuple[Any, dict[str, Any]]:
    """Return the function or layer of a target, and a value by name for each parameter."""
    f, usual = _named_by(target, rng)
    return with_values(target, f, given or usual, rng)


def with_values(
    target: str, f: Any, given: Sequence[str], rng: np.random.Generator
) -> tuple[Any, dict[str, Any]]:
    """Return the layer of a function, or of a class, and a value by name for each parameter."""
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


def _named_by(target: str, rng: np.random.Generator) -> tuple[Any, list[str]]:
    """Return the thing that a target names, and the usual inputs of an example."""
    if target == TRAINING:
        raise ArgumentError(f"{TRAINING} is there to be stepped through: microbn step {TRAINING}")
    if target in BUILT_IN:
        make, usual = BUILT_IN[target]
        return make(), usual
    path, colon, name = target.rpartition(":")
    if not (colon and name):
        alike = get_close_matches(target, BUILT_IN, cutoff=0.5)
        meant = f"; did you mean {alike[0]}?" if alike else ""
        raise ArgumentError(
            f"{target!r} is not a target; write one of {', '.join(BUILT_IN)}, or "
            f"file.py:function{meant}"
        )
    own = rng.spawn(1)[0].integers(2**32)  # so that the file draws the same numbers again
    np.random.seed(own)  # noqa: NPY002
    seed_torch(Path(path), int(own))
    module = load_file(Path(path))
    f = named(module, name)
    if _is_torch_module(f):
        return _of_pytorch(f, module, target), []
    return HandWritten(*f) if type(f) is tuple else f, []


def _is_torch_module(f: Any) -> bool:
    """Return whether this is a PyTorch module, or a class of them."""
    if "torch" not in sys.modules:
        return False
    made = sys.modules["torch"].nn.Module
    return isinstance(f, made) or (isinstance(f, type) and issubclass(f, made))


def _of_pytorch(net: Any, file: ModuleType, target: str) -> Callable:
    """Return a function without parameters that gives PyTorch's net and the file's inputs."""
    from ..elsewhere import from_torch  # torch is loaded: the file imports it

    path, _, name = target.rpartition(":")
    if isinstance(net, type):
        raise ArgumentError(
            f"{name} is a class; write model = {name}({', '.join(required(net))}) and "
            f"example_inputs = (torch.randn(...),) into the file, and give {path}:model"
        )
    inputs = getattr(file, "example_inputs", None)
    if hasattr(inputs, "detach"):
        raise ArgumentError(
            "example_inputs is a tensor; write a tuple: example_inputs = (torch.randn(...),)"
        )
    if not (isinstance(inputs, (tuple, dict)) and inputs):
        raise ArgumentError(
            f"{name} is a PyTorch module; write the inputs to call it with into the file, as a "
            "tuple: example_inputs = (torch.randn(5, 3),), or as a dict of inputs by name"
        )
    if isinstance(inputs, dict):
        function, _ = from_torch(net, **inputs)
    else:
        function, _ = from_torch(net, *inputs)
    return lambda: (function, *function.examples)


def _leaf(value: Any, name: str | None = None) -> Any:
    """Make a Tensor of an array of floats, and leave labels and options as they are."""
    floats = isinstance(value, (np.ndarray, float, list)) and np.asarray(value).dtype.kind == "f"
    return Tensor(value, name) if floats else value


def _need_graph(f: Any, target: str) -> None:
    if by_hand(f):
        raise ArgumentError(f"{target} has no graph, its backward is by hand: use microbn check")


def _check_root(root: Any, cotangent: Any, target: str) -> None:
    """Raise unless a target returned a Tensor, alone or with a cotangent."""
    number = (np.ndarray, np.generic, float, int, list, type(None))
    if not (isinstance(root, Tensor) and isinstance(cotangent, number)):
        found = " and ".join(type(part).__name__ for part in (root, cotangent) if part is not None)
        raise ArgumentError(
            f"{target}() returned {found}; return the Tensor that was computed, or the Tensor and "
            "its cotangent, an array: return y, dy"
        )


def _checkable(f: Any) -> bool:
    return callable(f) or by_hand(f)


def _checked_result(given: Any, target: str) -> tuple[Any, list[Any]]:
    """Return a function and its inputs, also for a graph, which is a function of its leaves."""
    if by_hand(given):
        raise ArgumentError(f"{target}() gives a layer alone; return it with its inputs: layer, x")
    if isinstance(given, (tuple, list)) and given and _checkable(given[0]):
        if hasattr(given[0], "of_all"):  # PyTorch's modules are checked with their parameters
            return given[0].of_all()
        return given[0], [*given[1:]]
    if isinstance(given, Tensor):
        leaves = [tensor for tensor in history(given) if tensor.function is None]
        return replay(given, *leaves), leaves
    raise ArgumentError(
        f"{target}() returned {type(given).__name__}; return a function and its inputs, as in "
        "return f, x, y, or a Tensor that was computed"
    )
