"""What the nodes of a graph are called: `label` names them, and they are described by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import ArgumentError
from .node import is_node, plain


def label(names: Mapping[str, Any]) -> None:
    """Name Tensors by their variables: ``label(locals())``. A name once given stays.

    Those in an object array, as `scalars` makes, are named by their index: ``x[0, 1]``.
    Raises ArgumentError for anything but a dict of names.
    """
    if not isinstance(names, (dict, Mapping)):  # dict first: the other one is slow to ask
        raise ArgumentError(f"label: takes a dict such as locals(), got {names!r:.60}")
    for name, value in names.items():
        if is_node(value) and value.name is None:
            value.name = name
        elif isinstance(value, np.ndarray) and value.dtype == object and value.ndim:
            for place in np.ndindex(value.shape):
                entry: Any = value[place]
                if is_node(entry) and entry.name is None:
                    entry.name = f"{name}[{', '.join(map(str, place))}]"


def describe(node: Any) -> str:
    """Return a node in words: its name, and the function that made it."""
    made = node.function.__name__ if node.function else "leaf"
    return f"{node.name!r} ({made})" if node.name else f"a {made}" if made == "leaf" else made


def step_in_words(step: Any) -> str:
    """Return a step of the sweep in words: a line for its node, and one for each message."""
    sent = [f"  sends {brief(m.gradient)} to {describe(m.operand)}" for m in step.messages]
    return "\n".join([f"{describe(step.node)} has gradient {brief(step.gradient)}", *sent])


def brief(gradient: Any) -> str:
    """Return a gradient in one line: up to a dozen entries in full, the shape if there are more."""
    array = np.asarray(plain(gradient))
    if array.size > 12:
        return f"an array of shape {array.shape}"
    return np.array2string(array, precision=3, separator=", ").replace("\n", "")
