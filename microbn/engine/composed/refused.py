"""NumPy's functions that get no gradient here, each with the way out.

There is none because they write into an array, return a choice, a text or complex numbers, or take
nothing but integers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

_OF_VALUES = "call it with t.data, on purpose, as no gradient flows through it"
_IN_PLACE = "what is recorded never changes; choose entry by entry with np.where"
_BY_ORDER = "sort with np.sort, which has a gradient, or call it with t.data"
_BITS = "floats have no bits to work on; combine masks with np.logical_and, np.logical_or"
_INTEGERS = "it takes integers, which are constants: keep them an array"
_COMPLEX = "its numbers are complex, and a Tensor is real; call it with t.data"
_FOURIER = "its numbers are complex; multiply by matrices of np.cos and np.sin, or use t.data"
_FITTED = "solve the normal equations: np.linalg.solve(a.T @ a, a.T @ b)"
_DATES = "it takes dates, which are constants: keep them an array"

_WAYS_OUT: dict[str, str] = {
    "array2string array_repr array_str": "print the Tensor, f'{t}', or its values, t.data",
    "save savetxt savez savez_compressed datetime_as_string": "give it t.data",
    "copyto fill_diagonal place put put_along_axis putmask": _IN_PLACE,
    "argwhere flatnonzero nonzero": "the shape depends on the values; call it with t.data",
    "bincount digitize histogram histogram2d histogram_bin_edges histogramdd": _OF_VALUES,
    "in1d intersect1d isin setdiff1d setxor1d union1d": _OF_VALUES,
    "unique unique_all unique_counts unique_inverse unique_values lexsort sort_complex": _BY_ORDER,
    "angle imag iscomplex isreal real real_if_close": "a Tensor is real: leave it out",
    "roots linalg.eig linalg.eigvals": _COMPLEX + "; a symmetric matrix has np.linalg.eigh",
    "polyfit linalg.lstsq linalg.pinv": _FITTED,
    "polydiv": "divide the values: np.polydiv(p.data, q.data)",
    "linalg.qr": "np.linalg.cholesky(x.mT @ x).mT is R, and x @ np.linalg.inv(R) is Q",
    "linalg.matrix_rank": _OF_VALUES,
    "bitwise_count left_shift right_shift packbits unpackbits": _BITS,
    "gcd lcm ix_ ravel_multi_index unravel_index": _INTEGERS,
    "isnat busday_count busday_offset is_busday": _DATES,
    "frexp": "x = m * 2**e is np.ldexp(m, e); call it with t.data for both",
    "nextafter spacing": "it looks at the bits of a float; call it with t.data",
    "i0 apply_over_axes": _OF_VALUES,
    "einsum_path": "ask with arrays: np.einsum_path(subscripts, x.data, y.data)",
}
_WAYS_OUT |= {f"fft.{name}": _FOURIER for name in np.fft.__all__}


def _of_names(names: str) -> list[Callable]:
    """Return NumPy's functions of these names, as far as this NumPy has them."""
    found = []
    for name in names.split():
        *room, last = name.split(".")
        home = getattr(np, room[0]) if room else np
        if hasattr(home, last):
            found.append(getattr(home, last))
    return found


REFUSED = {f: way_out for names, way_out in _WAYS_OUT.items() for f in _of_names(names)}
