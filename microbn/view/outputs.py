"""Several outputs, looked at together: a group joins them, and gives each its own cotangent."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np

from ..engine.backward import start
from ..engine.names import one_box
from ..engine.tensor import Tensor
from ..errors import ArgumentError
from .graph import check_root


@one_box
def outputs(*pairs: Any) -> Any:
    """Return the sum of all outputs, each times its cotangent.

    The gradient of this number with respect to an output is the output's cotangent.
    """
    return reduce(np.add, [np.sum(output * cotangent) for output, cotangent in pairs])


def one_root(who: str, root: Any, cotangent: Any = None) -> tuple[Any, Any]:
    """Return a root and its cotangent; of several outputs, the number that joins them, and None.

    Raises DTypeError for an output that is no Tensor, ArgumentError for another number of
    cotangents than outputs, and the errors of `sweep` for a cotangent that does not fit.
    """
    if type(root) not in (tuple, list) or not any(isinstance(x, Tensor) for x in root):
        check_root(who, root)
        return root, cotangent
    for output in root:
        check_root(who, output)
    given = [None] * len(root) if cotangent is None else cotangent
    if not isinstance(given, (tuple, list)) or len(given) != len(root):
        raise ArgumentError(
            f"{who}: {len(root)} outputs need {len(root)} cotangents, in a list: [dy, dz]"
        )
    pairs = zip(root, map(start, root, given), strict=True)
    joined = outputs(*pairs)
    joined.name = joined.name or "outputs"
    return joined, None
