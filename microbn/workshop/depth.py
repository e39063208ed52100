"""Keep Python within the stack that a browser has. This runs in the page."""

from __future__ import annotations

import sys

C_LIMIT = 10_000  # calls of C code inside each other: where CPython 3.13 stops
PAGE_LIMIT = 500
STATE = 24  # numbers at the beginning of a thread's state, among which we look


def keep_within_the_stack() -> bool:
    """Let C code call itself 500 times at most, and say whether that could be set.

    CPython allows 10,000, and a browser's stack holds 1,000 to 4,000: a graph of 2,000 nodes ended
    Python when it was freed, and so did a list nested 4,000 times. Beyond the limit CPython frees
    objects one after another, or raises RecursionError. It counts down in its thread's state, where
    the number stands behind the limit of Python's own recursion. If it is not there, in another
    version of CPython, all stays as it is.
    """
    import ctypes

    state = ctypes.pythonapi.PyThreadState_Get
    state.restype = ctypes.c_void_p
    numbers = (ctypes.c_int * STATE).from_address(state())
    for i in range(1, STATE - 1):
        left, limit, left_in_c = numbers[i - 1 : i + 2]
        if 0 < left <= limit == sys.getrecursionlimit() and C_LIMIT - 500 < left_in_c <= C_LIMIT:
            numbers[i + 1] -= C_LIMIT - PAGE_LIMIT
            return True
    return False
