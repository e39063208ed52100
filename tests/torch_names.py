"""PyTorch's functions under NumPy's names, with NumPy's keywords and defaults.

PyTorch takes axis= for dim= and keepdims= for keepdim= itself. Names that are absent here are those
of functions that PyTorch does not have.
"""

from functools import cache
from types import SimpleNamespace

import numpy as np

# Functions of each entry, which take numbers and lists as well.
ENTRYWISE = (
    "positive negative square sqrt exp log tanh abs sin cos arcsin arccos arctan sinh cosh "
    "arcsinh arccosh arctanh log1p expm1 logaddexp arctan2 maximum minimum tan sinc log2 log10 "
    "exp2 logaddexp2 float_power ldexp hypot fmax fmin copysign remainder fmod reciprocal deg2rad "
    "rad2deg conj"
)
OTHER_NAMES = {
    "mod": "remainder",
    "fabs": "abs",
    "conjugate": "conj",
    "degrees": "rad2deg",
    "radians": "deg2rad",
    "power": "pow",
}
SAME = (
    "where nan_to_num swapaxes broadcast_to stack hstack vstack dstack column_stack moveaxis "
    "flipud fliplr atleast_1d atleast_2d atleast_3d cumsum cumprod diff inner kron matmul argmax "
    "argsort argmin"
)
OF_MATRICES = (
    "inv solve eigvalsh det slogdet svdvals cond matrix_norm vector_norm norm matrix_power "
    "multi_dot tensorinv cross vecdot matmul cholesky"
)


@cache
def numpy_names(torch):
    """Return the namespace that a function uses as ``np`` with PyTorch's tensors."""
    names = {name: getattr(torch, name) for name in SAME.split()}
    for room in (_reductions, _orders, _places, _joins, _copies, _products):
        names |= room(torch)
    matrices = {name: getattr(torch.linalg, name) for name in OF_MATRICES.split()}
    matrices |= _of_matrices(torch, names)
    both = dict(zip(ENTRYWISE.split(), ENTRYWISE.split(), strict=True)) | OTHER_NAMES
    entrywise = {
        name: _taking(torch, getattr(torch, their), numbers=True) for name, their in both.items()
    }
    plain = {name: getattr(np, name) for name in ("pi", "inf", "nan", "float32", "zeros")}
    return SimpleNamespace(
        **entrywise,
        **plain,
        **{name: _taking(torch, function) for name, function in names.items()},
        **_constants(torch),
        lib=SimpleNamespace(stride_tricks=SimpleNamespace(sliding_window_view=_windows)),
        linalg=SimpleNamespace(**{name: _taking(torch, f) for name, f in matrices.items()}),
    )


def _taking(torch, function, numbers=False):
    """Let a function take arrays and lists of numbers, and perhaps single numbers."""

    def call(*args, **kwargs):
        return function(*(_tensor(torch, x, numbers) for x in args), **kwargs)

    return call


def _tensor(torch, x, numbers=False):
    if isinstance(x, (np.ndarray, np.floating)) or (numbers and isinstance(x, (int, float, list))):
        x = np.asarray(x)
        return torch.as_tensor(x.astype(float) if x.dtype.kind == "f" or numbers else x)
    if isinstance(x, (list, tuple)) and any(isinstance(y, (np.ndarray, np.floating)) for y in x):
        return [_tensor(torch, y) for y in x]
    if isinstance(x, list) and x and all(isinstance(y, float) for y in x):
        return torch.tensor(x, dtype=torch.float64)
    return x


def _constants(torch):
    def constant(function):  # of float64, as PyTorch's products take one dtype
        return lambda *args, **kwargs: _tensor(torch, function(*args, **kwargs))

    names = ("array", "eye", "ones", "arange")
    return {name: constant(getattr(np, name)) for name in names} | {
        "array": lambda x, dtype=None: (
            x if isinstance(x, torch.Tensor) else _tensor(torch, np.array(x, dtype))
        )
    }


def _axes(x, axis):  # PyTorch knows no axis=None
    return tuple(range(x.ndim)) if axis is None else axis


def _windows(x, shape, axis=None):
    sizes, axes = ([i] if isinstance(i, int) else i for i in (shape, _axes(x, axis)))
    for size, i in zip(sizes, axes, strict=True):
        x = x.unfold(i, size, 1)
    return x


def _reductions(torch):
    def over(function):
        return lambda x, axis=None, keepdims=False: function(x, _axes(x, axis), keepdims)

    def spread(function):
        def call(x, axis=None, *, ddof=0, keepdims=False, correction=None):
            less = ddof if correction is None else correction
            return function(x, _axes(x, axis), correction=less, keepdim=keepdims)

        return call

    def together(function):
        def call(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None):
            if function is torch.corrcoef:
                options = {}
            else:
                options = {"correction": int(not bias) if ddof is None else ddof}
                for name, weights in (("fweights", fweights), ("aweights", aweights)):
                    options[name] = weights if weights is None else torch.as_tensor(weights)
            m = m if y is None else torch.stack([m, y])
            return function(m if rowvar else m.mT, **options)

        return call

    def prod(x, axis=None, keepdims=False):
        axes = _axes(x, axis)
        for i in reversed(axes if isinstance(axes, tuple) else (axes,)):
            x = torch.prod(x, i, keepdim=keepdims)
        return x

    names = {"sum": "sum", "mean": "mean", "max": "amax", "min": "amin", "amax": "amax"}
    names |= {"amin": "amin", "nansum": "nansum", "nanmean": "nanmean"}
    return {name: over(getattr(torch, their)) for name, their in names.items()} | {
        "var": spread(torch.var),
        "std": spread(torch.std),
        "cov": together(torch.cov),
        "corrcoef": together(torch.corrcoef),
        "prod": prod,
        "ptp": lambda x, axis=None, keepdims=False: (
            torch.amax(x, _axes(x, axis), keepdims) - torch.amin(x, _axes(x, axis), keepdims)
        ),
        "cbrt": lambda x: x ** (1 / 3),  # of positive numbers
        "cumulative_sum": lambda x, axis=0: torch.cumsum(x, axis),
        "cumulative_prod": lambda x, axis=0: torch.cumprod(x, axis),
        "clip": lambda x, a_min=None, a_max=None, min=None, max=None: torch.clip(
            x, a_min if min is None else min, a_max if max is None else max
        ),
        "gradient": lambda x, step=1.0, *, axis=None, edge_order=1: _one(
            torch.gradient(x, spacing=step, dim=_axes(x, axis), edge_order=edge_order)
        ),
        "trapezoid": lambda y, x=None, dx=1.0, axis=-1: (
            torch.trapezoid(y, dx=dx, dim=axis)
            if x is None
            else torch.trapezoid(y, torch.as_tensor(x), dim=axis)
        ),
    }


def _one(parts):
    return parts[0] if len(parts) == 1 else parts


def _along(torch, x, axis, places):
    if isinstance(places, int):
        return torch.select(x, axis, places)
    return torch.index_select(x, axis, torch.as_tensor(places))


def _orders(torch):
    def quantile(function, whole=1):
        def call(x, q, axis=None, method="linear", keepdims=False):
            q = torch.as_tensor(q, dtype=torch.float64) / whole
            return function(x, q, dim=axis, keepdim=keepdims, interpolation=method)

        return call

    return {
        "sort": lambda x, axis=-1, stable=False: torch.sort(x, dim=axis, stable=stable).values,
        "median": lambda x, axis=None, keepdims=False: torch.quantile(
            x, 0.5, dim=axis, keepdim=keepdims
        ),
        "quantile": quantile(torch.quantile),
        "percentile": quantile(torch.quantile, 100),
        "nanquantile": quantile(torch.nanquantile),
        "nanpercentile": quantile(torch.nanquantile, 100),
        "take_along_axis": lambda x, places, axis: torch.take_along_dim(x, places, axis),
        "take": lambda x, places, axis=None: (
            torch.take(x, torch.as_tensor(places))
            if axis is None
            else _along(torch, x, axis, places)
        ),
    }


def _places(torch):
    def diagonal(x, offset=0, axis1=0, axis2=1):
        return torch.diagonal(x, offset, axis1, axis2)

    return {
        "copy": torch.clone,
        "astype": lambda x, dtype: x.to(dtype),
        "ravel": torch.ravel,
        "reshape": lambda x, shape: torch.reshape(x, (shape,) if shape == -1 else tuple(shape)),
        "transpose": lambda x, axes=None: x.permute(axes or tuple(range(x.ndim))[::-1]),
        "permute_dims": lambda x, axes: x.permute(axes),
        "matrix_transpose": lambda x: x.mT,
        "expand_dims": lambda x, axis: torch.unsqueeze(x, axis),
        "squeeze": lambda x, axis=None: torch.squeeze(x, _axes(x, axis)),
        "flip": lambda x, axis=None: torch.flip(
            x, (axis,) if isinstance(axis, int) else _axes(x, axis)
        ),
        "rot90": lambda x, k=1, axes=(0, 1): torch.rot90(x, k, axes),
        "roll": lambda x, shift, axis=None: torch.roll(x, shift, axis),
        "diag": lambda x, k=0: torch.diag(x, k),
        "diagflat": lambda x, k=0: torch.diagflat(x, k),
        "diagonal": diagonal,
        "trace": lambda x, *where, **named: torch.sum(diagonal(x, *where, **named), -1),
        "tril": lambda x, k=0: torch.tril(x, k),
        "triu": lambda x, k=0: torch.triu(x, k),
        "broadcast_arrays": torch.broadcast_tensors,
        "meshgrid": lambda *xs, indexing="xy", copy=True: torch.meshgrid(*xs, indexing=indexing),
    }


def _joins(torch):
    def split(x, indices_or_sections, axis=0):
        return torch.tensor_split(x, indices_or_sections, axis)

    return {
        "concatenate": lambda xs, axis=0: torch.concatenate(xs, axis),
        "concat": lambda xs, axis=0: torch.concat(xs, axis),
        "split": split,
        "array_split": split,
        "hsplit": torch.hsplit,
        "vsplit": torch.vsplit,
        "dsplit": torch.dsplit,
        "unstack": lambda x, axis=0: torch.unbind(x, axis),
    }


MODES = {"edge": "replicate", "reflect": "reflect", "wrap": "circular"}


def _copies(torch):
    def pad(x, pad_width, mode="constant", constant_values=0):
        widths = np.broadcast_to(pad_width, (x.ndim, 2))[::-1].ravel().tolist()
        if mode == "constant":
            return torch.nn.functional.pad(x, widths, value=constant_values)
        return torch.nn.functional.pad(x[None, None], widths, MODES[mode])[0, 0]

    return {
        "pad": pad,
        "tile": lambda x, reps: torch.tile(x, (reps,) if isinstance(reps, int) else reps),
        "repeat": lambda x, repeats, axis=None: torch.repeat_interleave(
            x, torch.as_tensor(repeats), axis
        ),
        "vander": lambda x, N=None, increasing=False: torch.vander(x, N, increasing),
    }


def _products(torch):
    def convolve(x, y, mode="full"):
        x, y = torch.atleast_1d(x), torch.atleast_1d(y)
        border = {"full": len(y) - 1, "valid": 0}[mode]
        rows = x[None, None], y.flip(0)[None, None]
        return torch.nn.functional.conv1d(*rows, padding=border)[0, 0]

    return {
        "convolve": convolve,
        "correlate": lambda x, y, mode="valid": convolve(x, y.flip(0), mode),
        "dot": lambda x, y: torch.matmul(x, y),
        "vdot": lambda x, y: torch.dot(torch.ravel(x), torch.ravel(y)),
        "vecdot": lambda x, y, axis=-1: torch.linalg.vecdot(x, y, dim=axis),
        "outer": lambda x, y: torch.outer(torch.ravel(x), torch.ravel(y)),
        "cross": lambda x, y, axis=-1: torch.linalg.cross(x, y, dim=axis),
        "tensordot": lambda x, y, axes=2: torch.tensordot(x, y, axes),
        "einsum": lambda *given, optimize=None: torch.einsum(*given),
    }


def _of_matrices(torch, names):
    shared = ("outer", "tensordot", "matrix_transpose")
    return {name: names[name] for name in shared} | {
        "eigh": torch.linalg.eigh,
        "svd": lambda x, full_matrices=True, compute_uv=True: torch.linalg.svdvals(x),
        "tensorsolve": lambda x, y, axes=None: torch.linalg.tensorsolve(x, y, axes),
        "diagonal": lambda x, offset=0: torch.diagonal(x, offset, -2, -1),
        "trace": lambda x, offset=0: torch.sum(torch.diagonal(x, offset, -2, -1), -1),
    }
