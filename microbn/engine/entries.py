"""A function that is called with a Tensor and an array of objects goes entry by entry.

This file is loaded when the first such call is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..errors import faults
from .node import is_node, plain


def of_entries(ufunc: np.ufunc, method: str, operands: Any, kwargs: Any) -> Any:
    """Call a ufunc's method on object arrays: it goes entry by entry, and each call is recorded."""
    function, boxes = getattr(ufunc, method), [*map(boxed, operands)]
    try:
        return (mixed(function, operands, kwargs) or partial(function, *boxes, **kwargs))()
    except (ValueError, TypeError) as error:
        raise faults.explain(ufunc, operands, kwargs, error) from None


def boxed(thing: Any, kind: type = np.ndarray) -> Any:
    """Return a node as an object array of its entries. The nodes in a list become such arrays too.

    A node through which no gradient flows, such as a mask, becomes a plain array. Anything else
    stays as it is.
    """
    if type(thing) in (list, tuple):
        return type(thing)(boxed(one, kind) for one in thing)
    if not (is_node(thing) and thing.flows):
        return plain(thing)
    box: Any = np.empty(thing.value.shape, object)
    for index in np.ndindex(box.shape):
        box[index] = thing[index] if index else thing
    return box.view(kind)


def mixed(function: Callable, args: Sequence, kwargs: Mapping) -> Callable | None:
    """Return the same call with its nodes boxed, if nodes and object arrays meet in it; else None.

    The boxes are of the same class as the object arrays: for `scalars`, they are Scalars.
    """
    given = [*args, *kwargs.values()]
    for x in given:  # it grows by what stands in lists
        given += x if type(x) in (list, tuple) else ()
    arrays = [x for x in given if isinstance(x, np.ndarray) and x.dtype == object]
    kinds = [type(x) for x in arrays if not x.size or any(map(is_node, x.flat))]
    if not (kinds and any(map(is_node, given))):
        return None
    args, *values = boxed([[*args], *kwargs.values()], kinds[-1])
    return partial(function, *args, **dict(zip(kwargs, values, strict=True)))
