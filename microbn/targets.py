"""What a command works on: a built-in example, or a function in a file of one's own."""

from __future__ import annotations

import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from . import functional, nn
from .backward import grad
from .context import trace
from .errors import ArgumentError, MicrobnError
from .nodes import history
from .scalar import scalars
from .tensor import Tensor


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


def find(target: str, shapes: Sequence[str] = (), seed: int = 0) -> tuple[Any, list[Any]]:
    """What ``target`` names, to be called or checked, and inputs for it.

    A target is a built-in or ``file.py:function``. Its inputs are drawn from N(0, 1) in the
    ``shapes`` given, ``8x3`` or ``3``, or ``()`` for a number. A function without parameters is
    called: it gives a tuple, a function with its inputs, or what it computed from Tensors. For
    ``file.py:layer`` two functions may stand, layer_forward and layer_backward; or a Module.

    Raises ArgumentError for what is not there, and for shapes that are missing or no shapes.
    """
    if target == SCALARS:
        raise ArgumentError(f"{SCALARS} is there to be looked at; check the same code as batchnorm")
    f, drawn = _with_inputs(target, shapes, np.random.default_rng(seed))
    return (f, [*drawn.values()]) if drawn else _result(f(), target)


def graph(target: str, shapes: Sequence[str] = (), seed: int = 0) -> tuple[Tensor, Any]:
    """The root of the graph that ``target`` makes, and a cotangent, for `story` and `draw`.

    Targets and shapes are those of `find`, and so are errors; the inputs are Tensors with the
    names of the parameters. A function without parameters gives its root itself, or the root and
    a cotangent. Where a root of more than one number has none, it is drawn from N(0, 1); of an
    array of scalars the root is the sum, weighted with it.
    """
    rng = np.random.default_rng(seed)
    f, drawn = _with_inputs(target, shapes, rng)
    if not callable(f):
        raise ArgumentError(f"{target} has no graph, its backward is by hand: use microbn check")
    leaf = scalars if target == SCALARS else Tensor
    leaves = [leaf(value, name) for name, value in drawn.items()]
    with trace():
        given = f(*leaves)
    if isinstance(given, tuple) and given and callable(given[0]):
        given = given[0](*map(Tensor, given[1:]))
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
    x = next((leaf for leaf in leaves if not leaf.held), leaves[0])
    gradient = grad(root, x, cotangent, create_graph=True)
    return gradient, np.random.default_rng(seed).normal(size=gradient.shape)


def _with_inputs(
    target: str, shapes: Sequence[str], rng: np.random.Generator
) -> tuple[Any, dict[str, np.ndarray]]:
    """What a target names, and an array for each of its parameters, by their names."""
    wanted = [_shape(text) for text in shapes]
    path, colon, name = target.rpartition(":")
    if target in BUILT_IN:
        make, usual = BUILT_IN[target]
        f = make()
        wanted = wanted or usual
    elif colon and name:
        f = _function(_load(Path(path)), name)
    else:
        known = ", ".join(BUILT_IN)
        alike = get_close_matches(target, BUILT_IN, cutoff=0.5)
        meant = f"; did you mean {alike[0]}?" if alike else ""
        raise ArgumentError(
            f"{target!r} is no target; it is one of {known}, or file.py:function{meant}"
        )
    if len(wanted) != len(parameters := _parameters(f)):
        example = " ".join(["8x3", *["3"] * len(parameters)][: len(parameters)])
        if not parameters:
            raise ArgumentError(f"{target} takes no shapes: it has no parameters")
        raise ArgumentError(
            f"{target} takes {len(parameters)} shape{'s' * (len(parameters) != 1)}, one for each "
            f"parameter without a default ({', '.join(parameters)}): {target} {example}"
        )
    return f, {p: rng.normal(size=shape) for p, shape in zip(parameters, wanted, strict=True)}


@contextmanager
def users_code(target: str) -> Iterator[None]:
    """What goes wrong in the file of a target is one sentence, with the line."""
    path = target.rpartition(":")[0]
    try:
        yield
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        here = Path(path).resolve()
        lines = [f.lineno for f in frames if path and Path(f.filename).resolve() == here]
        what = f"{type(error).__name__}: {error}"
        if isinstance(error, SyntaxError):
            lines, what = [error.lineno], f"SyntaxError: {error.msg}"
        if isinstance(error, MicrobnError):
            if not lines:
                raise
            what = str(error)
        where = f"{target}, line {lines[-1]}" if lines else target
        raise ArgumentError(f"{where}: {what}") from error


def _load(path: Path) -> ModuleType:
    spec = spec_from_file_location(f"target_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ArgumentError(f"there is no Python file {str(path)!r}")
    module = sys.modules[spec.name] = module_from_spec(spec)
    sys.path.insert(0, str(path.parent))  # as for a script, for what it imports from beside it
    spec.loader.exec_module(module)
    return module


def _function(module: ModuleType, name: str) -> Any:
    """The function or Module of that name, or the pair of functions, as HandWritten."""
    forward, backward = (getattr(module, f"{name}_{way}", None) for way in ("forward", "backward"))
    if callable(found := getattr(module, name, None)):
        return found
    if callable(forward) and callable(backward):
        from .testing import HandWritten

        return HandWritten(forward, backward)
    there = [key for key, value in vars(module).items() if inspect.isfunction(value)]
    alike = get_close_matches(name, [key.removesuffix("_forward") for key in there], cutoff=0.4)
    raise ArgumentError(
        f"{Path(module.__file__ or '').name} has no function {name!r}, nor {name}_forward and "
        f"{name}_backward" + (f"; did you mean {alike[0]}?" if alike else "")
    )


def _parameters(f: Any) -> list[str]:
    """The parameters that have no default."""
    called = getattr(f, "forward", f)  # of a Module or HandWritten
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(called).parameters.values()
    return [p.name for p in parameters if p.default is p.empty and p.kind in kinds]


def _result(given: Any, target: str) -> tuple[Any, list[Any]]:
    """What a function without parameters gave: a function and inputs, or a graph to replay."""
    if isinstance(given, tuple) and given and callable(given[0]):
        return given[0], list(given[1:])
    if isinstance(given, Tensor):
        from .testing import replay

        leaves = [tensor for tensor in history(given) if tensor.function is None]
        return replay(given, *leaves), leaves
    raise ArgumentError(
        f"{target}() gives {type(given).__name__}; it has to give a function and its inputs, "
        "return f, x, y, or a Tensor that was computed"
    )


def _shape(text: str) -> tuple[int, ...]:
    sides = [] if text == "()" else text.split("x")
    if not all(side.isdecimal() for side in sides):
        raise ArgumentError(f"{text!r} is no shape; write 8x3, 3, or () for a number")
    return tuple(map(int, sides))
