"""The parts of a Module: where they are, what each of them is, and what may take its place."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any

import numpy as np

from ..engine.arrays import check_plain
from ..engine.functions import astype, stop_gradient
from ..engine.mode import lost
from ..engine.names import maker
from ..engine.tensor import Tensor
from ..errors import DTypeError, GraphError, ShapeError, listed
from ..reading.scalars import values_of

CONTAINERS = (list, tuple, dict)
_VALUES = (Tensor, np.ndarray, np.generic, int, float, list, tuple)


def walk(path: str, root: Any, into: tuple[type, ...] = CONTAINERS) -> Iterator[tuple[str, Any]]:
    """Yield the root and everything inside it, each with its path: ``("layers.0", Linear)``.

    Only objects of the types ``into`` are opened, and each of them once, so that a list that
    contains itself comes to an end.
    """
    seen: set[int] = set()
    waiting = [(path, root)]
    while waiting:
        path, part = waiting.pop()
        if id(part) in seen:
            continue
        yield path, part
        if isinstance(part, into):
            seen.add(id(part))
            dot = f"{path}." if path else ""
            waiting += [(f"{dot}{key}", item) for key, item in reversed(_items(part))]


def _items(part: Any) -> list[tuple[Any, Any]]:
    if isinstance(part, (list, tuple)):
        return list(enumerate(part))
    return list((part if isinstance(part, dict) else attributes(part)).items())


def attributes(module: Any) -> dict[str, Any]:
    """Return the attributes of a Module by name, without the one in which it keeps their kinds."""
    return {name: value for name, value in vars(module).items() if name != "_kinds"}


def kind_of(part: Any) -> str | None:
    """Return "parameter" for a leaf Tensor, "buffer" for an array of numbers, and else None."""
    if isinstance(part, Tensor):
        return "parameter" if part.function is None else None
    return "buffer" if isinstance(part, np.ndarray) and part.dtype.kind in "fiubc" else None


def kinds_of(owner: Any, inside: Iterable, known: Mapping[str, str]) -> dict[str, str]:
    """Return the kinds of the parameters and buffers among parts with their paths, by path.

    ``known`` has the kinds of the parts that stood there before. Raises GraphError if one of these
    would be lost, because there are values in its place that `state_dict` does not find.
    """
    found = {}
    for path, part in inside:
        kind = kind_of(part)
        if kind:
            found[path] = kind
        if known.get(path) not in (None, "note", kind) and has_values(part):
            raise GraphError(_loss(owner, path, known[path], part))
    return found


def has_values(part: Any) -> bool:
    """Return whether somebody may mean this as values: numbers, an array or a computed Tensor.

    Lists of them count too. A leaf Tensor does not, because it is a parameter itself.
    """
    if isinstance(part, (list, tuple)) and not part:
        return False
    inside = (one for _, one in walk("", part, (list, tuple)))
    return all(isinstance(one, _VALUES) and kind_of(one) != "parameter" for one in inside)


def listing_its_arguments(init: Callable) -> Callable:
    """Decorate an ``__init__``: an error for wrong arguments lists those that it takes."""
    signature = inspect.signature(init)
    named = [
        p.name
        for p in signature.parameters.values()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]

    @wraps(init)
    def call(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            signature.bind(self, *args, **kwargs)
        except TypeError as error:
            takes = f"it takes {listed(named[1:]) or 'no arguments'}"
            raise DTypeError(f"{type(self).__name__}: {error}; {takes}") from None
        init(self, *args, **kwargs)

    return call


def _loss(owner: Any, path: str, kind: str, part: Any) -> str:
    """Say which parameter or buffer is lost, to what, and what to write instead."""
    place = "self." + re.sub(r"\.(\d+)", r"[\1]", path)
    what = "an array" if isinstance(part, np.ndarray) else f"a value of type {type(part).__name__}"
    if isinstance(part, Tensor) and part.function:
        what = f"a Tensor computed by {maker(part)}"
    way_out = f"write the values into the array that was there: {place}[...] = values"
    if kind == "parameter":
        way_out = f"set its values, {place}.data = ..., or make a new leaf, Tensor(values)"
    return (
        f"{type(owner).__name__}: {path!r} is a {kind}; with {what} in its place, state_dict() "
        f"would lose it; {way_out}"
    )


def taken(owner: Any, name: str, held: Any, value: Any) -> Any:
    """Return a new array for a buffer: the assigned values, in the shape and dtype it has had.

    While `CompiledStep` records, a Tensor stands in the buffer's place, and a Tensor replaces it.
    """
    if value is held:
        return value
    if not isinstance(held, Tensor):
        lost("a buffer", f"{type(owner).__name__}.{name}")
    check_plain(value)
    buffer = f"{type(owner).__name__}: the buffer {name!r}"
    recorded = isinstance(held, Tensor) and isinstance(value, Tensor)
    try:
        new = value if recorded else values_of(value).astype(held.dtype, casting="same_kind")
    except (TypeError, ValueError) as error:
        raise DTypeError(f"{buffer} of {held.dtype} does not take {value!r:.60}") from error
    if new.shape != held.shape:
        raise ShapeError(
            f"{buffer} has shape {held.shape} and is assigned shape {new.shape}; reshape the "
            "values, or give the buffer that shape in __init__"
        )
    if not recorded:
        return new
    return stop_gradient(new if new.dtype == held.dtype else astype(new, held.dtype))
