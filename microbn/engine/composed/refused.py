"""Functions of NumPy and attributes of arrays that a Tensor refuses, each with the way out.

A function in REFUSED gets no gradient because it writes into an array, makes a choice, returns text
or complex numbers, or takes nothing but integers. INSTEAD has the attributes: those of an array
whose result would be no Tensor, and those that only PyTorch's tensors have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from inspect import signature as signature_of

import numpy as np

from ...errors import DTypeError, GraphError, MicrobnError, RuleError
from ..names import spelled

_OF_VALUES = "no gradient flows through it: call it with t.data, on purpose"
_IN_PLACE = "what is recorded never changes; write np.where(mask, value, t), which makes a new one"
_BY_ORDER = "sort with np.sort, which has a gradient, or call it with t.data"
_BITS = "floats have no bits to work on; combine masks with np.logical_and, np.logical_or"
_INTEGERS = "it takes integers, which are constants: keep them an array"
_COMPLEX = "its numbers are complex, and a Tensor is real; call it with t.data"
_FOURIER = "its numbers are complex; multiply by matrices of np.cos and np.sin, or use t.data"
_FITTED = "solve the normal equations: np.linalg.solve(a.T @ a, a.T @ b)"
_DATES = "it takes dates, which are constants: keep them an array"
_OF_DATA = "write t.data.{}"
_BY_DATA = "write t.data.{}()"
_DATA_WITH = "write t.data.{}(...)"
_ITSELF = "it is real, and never changes: write t itself"

# The way out for functions, by their names in NumPy, and for the attributes t.name of a Tensor.
_WAYS_OUT: dict[str, str] = {
    "array2string array_repr array_str": "print the Tensor, f'{t}', or its values, t.data",
    "save savetxt savez savez_compressed datetime_as_string": "give it t.data",
    "copyto fill_diagonal place put put_along_axis putmask t.fill t.put": _IN_PLACE,
    "argwhere flatnonzero nonzero t.nonzero": "its shape depends on values; write it with t.data",
    "bincount digitize histogram histogram2d histogram_bin_edges histogramdd": _OF_VALUES,
    "in1d intersect1d isin setdiff1d setxor1d union1d": _OF_VALUES,
    "unique unique_all unique_counts unique_inverse unique_values lexsort sort_complex": _BY_ORDER,
    "real real_if_close t.real t.conj t.conjugate t.copy t.clone": _ITSELF,
    "imag t.imag": "its numbers are real: write np.zeros_like(t)",
    "angle iscomplex isreal": "its numbers are real: leave it out",
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
    "t.detach t.numpy": "write t.data",
    "t.base t.ctypes t.device t.flags t.itemsize t.nbytes t.strides": _OF_DATA,
    "t.byteswap t.dumps t.tobytes t.tolist": _BY_DATA,
    "t.dump t.getfield t.setfield t.setflags t.to_device t.tofile": _DATA_WITH,
    "t.tostring": "write t.data.tobytes()",
    "t.sort t.partition t.resize": "write np.{}(t, ...), which makes a new one",
    "t.abs": "write np.abs(t)",
    "t.matmul t.mm": "write t @ other",
    "t.relu t.sigmoid t.softmax": "write microbn.functional.{}(t)",
    "t.view": "write t.reshape(...)",
    "t.permute": "write t.transpose(...)",
    "t.unsqueeze": "write np.expand_dims(t, axis)",
    "t.flat": "write t.ravel()",
    "t.zero_grad": "write t.grad = None",
    "t.requires_grad": "write an array where no gradient is wanted: every Tensor gets one",
}
_WAYS_OUT |= {f"fft.{name}": _FOURIER for name in np.fft.__all__}
_PAIRS = [(name, way_out) for names, way_out in _WAYS_OUT.items() for name in names.split()]


def _numpys(name: str) -> Callable | None:
    """Return NumPy's function of this name, if this NumPy has it."""
    *room, last = name.split(".")
    return getattr(getattr(np, room[0], None) if room else np, last, None)


REFUSED = {function: way_out for name, way_out in _PAIRS if (function := _numpys(name))}
INSTEAD = {name[2:]: way.format(name[2:]) for name, way in _PAIRS if name.startswith("t.")}


_KEYWORDS = {
    "dim": "write axis=",
    "keepdim": "write keepdims=",
    "where": "choose with np.where first",
    "out": "use the result",
}
_NANS = "write np.nan{0}(np.where(mask, t, np.nan))"
_OF_ONE = {  # the ways out that only one function has
    (np.mean, "where"): _NANS.format("mean"),
    (np.var, "where"): _NANS.format("var"),
    (np.std, "where"): _NANS.format("std"),
    (np.sum, "where"): "write np.sum(np.where(mask, t, 0))",
    (np.prod, "where"): "write np.prod(np.where(mask, t, 1))",
    (np.reshape, "order"): "in order 'C' leave it out, in 'F' np.reshape(t.T, shape[::-1]).T",
}
_IDLE = {"dtype": None, "out": None, "where": True, "overwrite_input": False}


def needed(function: Callable, kwargs: Mapping) -> Mapping:
    """Leave out the keywords whose value says what NumPy does without them.

    Only the author of a primitive knows what it does without a keyword.
    """
    if hasattr(function, "compute"):
        return kwargs
    return {key: x for key, x in kwargs.items() if key not in _IDLE or x is not _IDLE[key]}


def unknown_keyword(function: Callable, key: str, done: str) -> RuleError:
    """A call has a keyword that the function does not take, or that cannot be ``done``."""
    way_out = _OF_ONE.get((function, key)) or _KEYWORDS.get(key, "leave it out")
    way_out = "pass it by position" if _is_needed(function, key) else way_out
    return RuleError(f"{spelled(function)}: {key}= cannot be {done}; {way_out}")


_METHODS = {
    "add.reduce": "np.sum(t, axis)",
    "add.accumulate": "np.cumsum(t, axis)",
    "multiply.reduce": "np.prod(t, axis)",
    "multiply.accumulate": "np.cumprod(t, axis)",
    "maximum.reduce": "np.max(t, axis)",
    "minimum.reduce": "np.min(t, axis)",
    "logical_and.reduce": "np.all(t, axis)",
    "logical_or.reduce": "np.any(t, axis)",
}


def ufunc_method(ufunc: np.ufunc, method: str = "__call__") -> RuleError:
    """A ufunc's method is called, or ``out=`` is given."""
    name = spelled(ufunc)
    if method == "__call__":
        return RuleError(
            f"{name}: writing into an array that exists (out=, or += into an ndarray) cannot be "
            "recorded; write a = a + t"
        )
    way_out = _METHODS.get(f"{ufunc.__name__}.{method}", "it with functions of whole arrays")
    if method == "outer":
        vectors = "np.outer(x, y)" if ufunc is np.multiply else f"{name}(x[:, np.newaxis], y)"
        way_out = f"{vectors} of vectors"
    return RuleError(f"{name}.{method}: a ufunc's methods cannot be recorded; write {way_out}")


def array_in_passing() -> DTypeError:
    """An array would leave its graph in passing, as by ``np.asarray(t)``."""
    return DTypeError(
        "a Tensor does not become an array in passing, where its history would be lost; take its "
        "values with t.data, or t.item() of each in a list, join Tensors with np.stack, rows of "
        "them with np.stack([np.stack(row) for row in rows]), and take the mean of an array of "
        "scalars by np.sum(a) / a.size"
    )


def set_entries() -> GraphError:
    """Entries of a Tensor are assigned."""
    return GraphError(
        "what is recorded never changes, so a Tensor's entries cannot be set; choose entry by "
        "entry with np.where, or replace a leaf's data whole: p.data = ..."
    )


def in_place() -> GraphError:
    """``leaf -= numbers`` would bind a new Tensor, and leave the leaf unchanged."""
    return GraphError(
        "this would make a new Tensor and leave the leaf as it is; to update a parameter write "
        "p.data -= ..., and t = t - ... where a new Tensor is meant"
    )


def absent(name: str) -> AttributeError:
    """A Tensor lacks an attribute that arrays or PyTorch's tensors have."""
    return AttributeError(f"a Tensor has no {name!r}; {INSTEAD[name]}")


def called_by(function: Callable, error: MicrobnError) -> MicrobnError:
    """Put the name of the composed function before an error from inside it.

    If one calls another, only the name of the outermost is there: the one that the user called.
    """
    name, said = spelled(function), vars(error).setdefault("said", str(error))
    error.args = (said if said.startswith(f"{name}: ") else f"{name}: {said}",)
    return error


def unruled(function: Callable) -> RuleError:
    """Return the error for a function that has no rule."""
    name = spelled(function)
    if function in REFUSED:
        return RuleError(f"{name} has no gradient; {REFUSED[function]}")
    return RuleError(
        f"{name} has no gradient rule; add one with defvjp({name}, ...), compose it from "
        f"functions that have one, or use {name}(t.data) on purpose, as a constant"
    )


def uncomposed(
    function: Callable, signature: Signature, kwargs: Mapping, error: Exception
) -> RuleError:
    """Return the error for a call with arguments that the function's composition does not take."""
    for key in kwargs:
        if key not in signature.parameters:
            return unknown_keyword(function, key, "composed")
    takes = [str(p.replace(annotation=p.empty)) for p in signature.parameters.values()]
    name = spelled(function)
    return RuleError(f"{name}: {error}; it takes ({', '.join(takes)}), the last ones by keyword")


def _is_needed(function: Callable, key: str) -> bool:
    """Return whether NumPy's function has to be given this argument, as it is an operand."""
    try:
        parameter = signature_of(function).parameters.get(key)
    except ValueError:  # NumPy's ufuncs have no signature in some versions
        return False
    if parameter is None or parameter.kind is not Parameter.POSITIONAL_OR_KEYWORD:
        return False
    return parameter.default is Parameter.empty
