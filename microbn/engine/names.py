"""Names for the nodes of a graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import ArgumentError
from .node import is_node


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
