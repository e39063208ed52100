"""Calls of NumPy's functions as people write them, by the room of their composition.

A room's CALLS map each call, written as code, to the arrays that it names.
"""

import importlib
import pkgutil
import re
from operator import attrgetter

import numpy as np

ROOMS = [
    importlib.import_module(f"{__name__}.{room.name}") for room in pkgutil.iter_modules(__path__)
]
CALLS = {call: arrays for room in ROOMS for call, arrays in room.CALLS.items()}
# What cannot be asked of a box of scalars, and what has no second derivative to be seen.
WHOLE = {call for room in ROOMS for call in getattr(room, "NOT_OF_SCALARS", ())}
FLAT = {call for room in ROOMS for call in getattr(room, "WITHOUT_SECOND", ())}


def function_of(call):
    """Return the call as a function of the arrays that it names, and these arrays.

    The function takes another engine's namespace as ``np``.
    """
    arrays = CALLS[call]
    code = compile(f"lambda {', '.join(arrays)}: {call}\n", call, "eval")
    return lambda *values, np=np, **_: eval(code, {"np": np})(*values), [*arrays.values()]


def whole(call):
    """Return the call as a function with one result, and its arrays. Several become one row."""
    f, arrays = function_of(call)
    several = isinstance(f(*arrays), (tuple, list))

    def one(*values, np=np, **_):
        result = f(*values, np=np)
        if several:
            return np.concatenate([np.reshape(part, (-1,)) for part in result])
        return 1.0 * result  # recorded, even if the call returns its operand

    return one, arrays


def called(call):
    """Return the function of NumPy that a call is about: the first one in it."""
    return attrgetter(re.search(r"np\.([\w.]+)\(", call)[1])(np)


def calls_of(function):
    return [call for call in CALLS if called(call) is function]
