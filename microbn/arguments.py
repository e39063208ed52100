"""Checks that public functions make of their arguments, and the error for a misplaced name."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import numpy as np

from .errors import ArgumentError, MissingPackageError

HAS_ALONE = (
    "this page has only NumPy, microbn and the code on it; install microbn on your computer for "
    "the rest"
)
PLACES = {  # the public names of each module, so that no room has to be loaded to find one
    "microbn": "Tensor scalars grad jvp jacobian hessian hvp sweep Step Message story draw compile "
    "Program formula defvjp primitive no_grad no_lines scope trace label MicrobnError functional "
    "closed_form nn optim testing view lab elsewhere",
    "microbn.functional": "batch_norm layer_norm group_norm moments normalize affine batch_axes "
    "conv2d max_pool2d avg_pool2d relu sigmoid softmax log_softmax cross_entropy mse "
    "stop_gradient",
    "microbn.nn": "Module Linear Conv2d MaxPool2d AvgPool2d Flatten ReLU Tanh Sigmoid Dropout "
    "Sequential BatchNorm GhostBatchNorm GroupNorm LayerNorm he xavier",
    "microbn.optim": "Optimizer SGD Adam",
    "microbn.testing": "gradcheck assert_gradients given_gradients HandWritten Report Compared "
    "Suspect CheckedStage numeric_vjp slopes Slopes replay programs strategies",
    "microbn.elsewhere": "TorchFunction from_torch state Convention CONVENTIONS",
    "microbn.view": "draw story beside widget Story Beside snapshot Graph to_dot Drawing",
}


def declared_parameters(function: Callable) -> list[inspect.Parameter]:
    """Return the parameters of a function, or none for a built-in without a signature."""
    try:
        return [*inspect.signature(function).parameters.values()]
    except ValueError:
        return []


def not_here(
    module: str, name: str, instead: Mapping[str, str] | None = None, otherwise: str = ""
) -> AttributeError:
    """Return the error for a name that a module lacks.

    It gives the advice for this name in ``instead``, or says which module has the name, in capitals
    or not. If no module has it, it says the sentence ``otherwise``.
    """
    public = [(place, own) for place, names in PLACES.items() for own in names.split()]
    exact = (f"it is {place}.{own}" for place, own in public if own == name)
    alike = (f"it is {place}.{own}" for place, own in public if own.lower() == name.lower())
    advice = (instead or {}).get(name) or next(exact, "") or next(alike, otherwise)
    said = f"module {module!r} has no attribute {name!r}"
    return AttributeError(f"{said}; {advice}" if advice else said)


def is_real(x: Any) -> bool:
    """Return whether x is a single real number, of Python or of NumPy."""
    return isinstance(x, (int, float, np.integer, np.floating))


def check_counts(owner: str, least: int = 1, /, **counts: Any) -> None:
    """Raise ArgumentError, with the argument's name, unless each count is an integer >= least.

    ``least`` is 0 or 1.
    """
    for name, count in counts.items():
        if not isinstance(count, (int, np.integer)) or isinstance(count, bool) or count < least:
            allowed = "a positive integer" if least else "0 or a positive integer"
            raise ArgumentError(f"{owner}: {name} must be {allowed}, got {count!r:.60}")


_LIMITS = {
    "positive and finite": lambda x: 0 < x < np.inf,
    "0 or positive, and finite": lambda x: 0 <= x < np.inf,
    "in [0, 1)": lambda x: 0 <= x < 1,
}


def check_numbers(owner: str, limits: str, **numbers: Any) -> None:
    """Raise ArgumentError, with the argument's name, unless each number is within the limits."""
    for name, number in numbers.items():
        if not (is_real(number) and _LIMITS[limits](number)):
            raise ArgumentError(f"{owner}: {name} must be {limits}, got {number!r:.60}")


def generator(owner: str, seed: Any) -> np.random.Generator:
    """Return the NumPy generator that a seed starts, or the generator that was given.

    Raises ArgumentError for anything else.
    """
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"{owner}: a seed is an integer from 0 on, or a NumPy generator, got {seed!r:.60}"
        ) from None


def read_toml(owner: str, place: Any) -> dict[str, Any]:
    """Return what a file in TOML holds. Raises ArgumentError if it cannot be read, or is not TOML.

    ``place`` is a path, or a resource of a package.
    """
    from tomllib import TOMLDecodeError, loads  # on first need

    try:
        return loads(place.read_bytes().decode("utf-8-sig"))  # some editors write a BOM
    except (OSError, UnicodeDecodeError) as error:
        raise ArgumentError(f"{owner}: {str(place)!r} cannot be read: {error}") from error
    except TOMLDecodeError as error:
        raise ArgumentError(f"{owner}: {place.name} is not TOML: {error}") from error


def check_keys(
    where: str,
    entry: Mapping[str, Any],
    keys: Mapping[str, str],
    fits: Mapping[str, Callable[[Any], bool]],
    kind: str,
    needed: Sequence[str] = (),
) -> None:
    """Raise ArgumentError for a key that an entry in TOML may not have, or lacks, or has wrong.

    ``keys`` says in words what each key holds, and ``fits`` has a function for each of these words.
    ``where`` begins the sentence, and ``kind`` says what the entry is: "a slide with text".
    """
    for key, value in entry.items():
        if key not in keys:
            alike = get_close_matches(key, keys, 1)
            meant = f"; did you mean {alike[0]!r}?" if alike else ""
            raise ArgumentError(
                f"{where}: there is no key {key!r}; {kind} has {', '.join(keys)}{meant}"
            )
        if not fits[keys[key]](value):
            raise ArgumentError(f"{where}: {key} = {value!r:.60} must be {keys[key]}")
    if missing := [key for key in needed if key not in entry]:
        raise ArgumentError(f"{where} needs {missing[0]}, {keys[missing[0]]}: {missing[0]} = …")


def need_package(package: str, extra: str, purpose: str) -> Any:
    """Import a package that not everybody has, and return it.

    Raises MissingPackageError if it is not installed. ``purpose`` says who needs it. ``extra`` is
    the part of microbn that installs it, "" for a package that comes with microbn or has no part.
    """
    try:
        return import_module(package)
    except ImportError as error:
        name = package.split(".")[0]
        raise MissingPackageError(
            f"{purpose} needs {name}; {way_to_install(name, extra)}"
        ) from error


def way_to_install(package: str, extra: str = "") -> str:
    """Say how a package is installed. In a page it cannot be."""
    if sys.platform == "emscripten":
        return HAS_ALONE
    wanted = f"'microbn[{extra}]'" if extra else package
    return f"install it with: pip install {wanted}"
