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
from .errors import ArgumentError, MicrobnError
from .nodes import history
from .tensor import Tensor


def neuron(w: Any, x: Any, b: Any) -> Any:
    """One neuron: ``tanh(w · x + b)``."""
    return np.tanh(w @ x + b)


def mlp() -> nn.Module:
    """A net of two layers, with batch norm between them."""
    return nn.Sequential(nn.Linear(4, 3, rng=0), nn.BatchNorm(3), nn.Tanh(), nn.Linear(3, 2, rng=1))


# What makes the function or Module, and the shapes of its inputs.
BUILT_IN: dict[str, tuple[Callable, list[tuple[int, ...]]]] = {
    "neuron": (lambda: neuron, [(3,), (3,), ()]),
    "softmax": (lambda: functional.softmax, [(4, 3)]),
    "batchnorm": (lambda: functional.batch_norm, [(6, 3), (3,), (3,)]),
    "mlp": (mlp, [(6, 4)]),
}


def find(target: str, shapes: Sequence[str] = (), seed: int = 0) -> tuple[Any, list[Any]]:
    """What ``target`` names, to be called or checked, and inputs for it.

    A target is a built-in or ``file.py:function``. Its inputs are drawn from N(0, 1) in the
    ``shapes`` given, ``8x3`` or ``3``, or ``()`` for a number. A function without parameters is
    called: it gives a tuple, a function with its inputs, or what it computed from Tensors. For
    ``file.py:layer`` two functions may stand, layer_forward and layer_backward; or a Module.

    Raises ArgumentError for what is not there, and for shapes that are missing or no shapes.
    """
    rng = np.random.default_rng(seed)
    wanted = [_shape(text) for text in shapes]
    if target in BUILT_IN:
        make, usual = BUILT_IN[target]
        if wanted and len(wanted) != len(usual):
            raise ArgumentError(f"{target} has {len(usual)} inputs; {len(wanted)} shapes are given")
        return make(), [rng.normal(size=shape) for shape in wanted or usual]
    path, colon, name = target.rpartition(":")
    if not (colon and name):
        known = ", ".join(BUILT_IN)
        raise ArgumentError(f"{target!r} is no target; it is one of {known}, or file.py:function")
    f, parameters = _function(_load(Path(path)), name)
    if len(wanted) != len(parameters):
        example = " ".join(["8x3", *["3"] * len(parameters)][: len(parameters)])
        raise ArgumentError(
            f"{name} takes {len(parameters)} shape{'s' * (len(parameters) != 1)}, one for each "
            f"parameter without a default ({', '.join(parameters)}): {target} {example}".rstrip()
        )
    return (f, [rng.normal(size=shape) for shape in wanted]) if wanted else _result(f(), name)


@contextmanager
def users_code(target: str) -> Iterator[None]:
    """What goes wrong in the file of a target is one sentence, with the line."""
    path = target.rpartition(":")[0]
    try:
        yield
    except MicrobnError:
        raise
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [f.lineno for f in frames if path and Path(f.filename) == Path(path)]
        if isinstance(error, SyntaxError):
            lines = [error.lineno]
        where = f"{target}, line {lines[-1]}" if lines else target
        raise ArgumentError(f"{where}: {type(error).__name__}: {error}") from error


def _load(path: Path) -> ModuleType:
    spec = spec_from_file_location(f"target_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ArgumentError(f"there is no Python file {str(path)!r}")
    module = sys.modules[spec.name] = module_from_spec(spec)
    sys.path.insert(0, str(path.parent))  # as for a script, for what it imports from beside it
    spec.loader.exec_module(module)
    return module


def _function(module: ModuleType, name: str) -> tuple[Any, list[str]]:
    """The function, Module or pair of functions, with the parameters that have no default."""
    forward, backward = (getattr(module, f"{name}_{way}", None) for way in ("forward", "backward"))
    if callable(found := getattr(module, name, None)):
        called = found.forward if isinstance(found, nn.Module) else found
    elif callable(forward) and callable(backward):
        from .testing import HandWritten

        found, called = HandWritten(forward, backward), forward
    else:
        there = [key for key, value in vars(module).items() if inspect.isfunction(value)]
        alike = get_close_matches(name, [key.removesuffix("_forward") for key in there], cutoff=0.4)
        raise ArgumentError(
            f"{Path(module.__file__ or '').name} has no function {name!r}, nor {name}_forward and "
            f"{name}_backward" + (f"; did you mean {alike[0]}?" if alike else "")
        )
    parameters = inspect.signature(called).parameters.values()
    drawn = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return found, [p.name for p in parameters if p.default is p.empty and p.kind in drawn]


def _result(given: Any, name: str) -> tuple[Any, list[Any]]:
    """What a function without parameters gave: a function and inputs, or a graph to replay."""
    if isinstance(given, tuple) and given and callable(given[0]):
        return given[0], list(given[1:])
    if isinstance(given, Tensor):
        from .testing import replay

        leaves = [tensor for tensor in history(given) if tensor.function is None]
        return replay(given, *leaves), leaves
    raise ArgumentError(
        f"{name}() gives {type(given).__name__}; it has to give a function and its inputs, "
        "return f, x, y, or a Tensor that was computed"
    )


def _shape(text: str) -> tuple[int, ...]:
    sides = [] if text == "()" else text.split("x")
    if not all(side.isdecimal() for side in sides):
        raise ArgumentError(f"{text!r} is no shape; write 8x3, 3, or () for a number")
    return tuple(map(int, sides))
