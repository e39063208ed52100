"""The parts of a Module: their paths, what each of them is, and what may take its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ..engine.arrays import check_plain
from ..engine.functions import astype, stop_gradient
from ..engine.mode import lost
from ..engine.tensor import Tensor
from ..errors import DTypeError, GraphError, ShapeError
from ..reading.scalars import values_of

CONTAINERS = (list, tuple, dict)
_NUMBERS = (int, float, np.generic)
KINDS = "_kinds"  # in a Module's vars: what each path is: a parameter, a buffer, a call's note


def walk(path: str, root: Any, into: tuple[type, ...]) -> Iterator[tuple[str, Any]]:
    """The root, and the parts of everything of the types ``into``, with their paths.

    What is looked into comes once, so that a list that contains itself ends.
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
    """Return the attributes of a Module by name."""
    return {name: value for name, value in vars(module).items() if name != KINDS}


def kind_of(part: Any) -> str | None:
    """Return "parameter" or "buffer", or None for anything else."""
    if isinstance(part, Tensor):
        return "parameter" if part.function is None else None
    return "buffer" if isinstance(part, np.ndarray) and part.dtype.kind in "fiubc" else None


def has_values(part: Any) -> bool:
    """Return whether this would be taken for numbers: an array, a computed Tensor, or lists."""
    if isinstance(part, (Tensor, np.ndarray, *_NUMBERS)):
        return kind_of(part) != "parameter"
    if not (isinstance(part, (list, tuple)) and part):
        return False
    inside = [one for _, one in walk("", part, (list, tuple))]
    numbers = (list, tuple, Tensor, np.ndarray, *_NUMBERS)
    return all(isinstance(one, numbers) and kind_of(one) != "parameter" for one in inside)


def check_kept(owner: Any, path: str, kind: str | None, part: Any) -> None:
    """Raise GraphError if a parameter or a buffer would be lost to what is in its place now."""
    if kind in (None, "note", kind_of(part)) or not has_values(part):
        return
    place = "self." + re.sub(r"\.(\d+)", r"[\1]", path)
    what = "an array" if isinstance(part, np.ndarray) else f"a {type(part).__name__}"
    if isinstance(part, Tensor) and part.function:
        what = f"a Tensor computed by {part.function.__name__}"
    way_out = f"write the values into the array that was there: {place}[...] = values"
    if kind == "parameter":
        way_out = f"set its values, {place}.data = ..., or make a new leaf, Tensor(values)"
    raise GraphError(
        f"{type(owner).__name__}: {path!r} is a {kind}, and with {what} in its place state_dict() "
        f"would lose it; {way_out}"
    )


def taken(owner: Any, name: str, held: Any, value: Any) -> Any:
    """A new array of what is assigned to a buffer, in the shape and dtype of the one it held.

    While `CompiledStep` records, a Tensor stands in the buffer's place, and one takes it.
    """
    if value is held:
        return value
    if not isinstance(held, Tensor):
        lost("a buffer")
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
            "values, or give it that shape in __init__"
        )
    if not recorded:
        return new  # which astype has copied
    return stop_gradient(new if new.dtype == held.dtype else astype(new, held.dtype))


def kinds_of(parts: Iterable[tuple[str, Any]]) -> dict[str, str]:
    """Return the kinds of those paths that are parameters or buffers."""
    return {path: kind for path, part in parts if (kind := kind_of(part))}


def paths_of(kinds: Mapping[str, str], name: str) -> list[str]:
    """The known paths of an attribute: its name, or those in the list or dict that it holds."""
    return [path for path in kinds if path == name or path.startswith(f"{name}.")]
