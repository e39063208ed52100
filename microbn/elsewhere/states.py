"""The state of another library's batch norm, as `nn.BatchNorm` takes it; and its conventions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..errors import ArgumentError, DTypeError, ShapeError, listed


class Convention(NamedTuple):
    """A convention names the arrays of a library's batch norm, and its settings by default.

    ``momentum`` is the library's own: it weights the ``momentum_of`` statistics, the "new" or the
    "old"; None means that it has to be given. ``running_var`` is "biased" or "unbiased", and
    ``axis`` that of the features. Each of the next five fields holds one or more names, separated
    by a space. ``beside`` has names that are known but not needed.
    """

    eps: float
    momentum: float | None
    momentum_of: str
    running_variance: str
    axis: int
    gamma: str
    beta: str
    running_mean: str
    running_var: str
    num_batches_tracked: str = ""
    beside: str = ""

    def options(self, **given: float | None) -> dict[str, float | None]:
        """Return ``eps`` and ``momentum`` for a ``BatchNorm``, from the library's own settings.

        A setting that is not given has the library's default. Raises ArgumentError if there is no
        default.
        """
        if unknown := given.keys() - {"eps", "momentum"}:
            raise ArgumentError(f"options: takes eps and momentum, got {min(unknown)!r}")
        momentum = given.get("momentum", self.momentum)
        if momentum is None and self.momentum_of == "old":
            raise ArgumentError("options: the library has no default; give momentum=...")
        if momentum is not None and self.momentum_of == "old":
            momentum = round(1 - momentum, 15)  # 1 - 0.9 is 0.1 and not 0.09999999999999998
        return {"eps": given.get("eps", self.eps), "momentum": momentum}


# fmt: off
#: The conventions of each library that `state` knows, by its name.
CONVENTIONS = {  # ε, momentum, of, running variance, axis, and the names
    "pytorch": Convention(1e-5, 0.1, "new", "unbiased", 1,
        "weight", "bias", "running_mean", "running_var", "num_batches_tracked"),
    "keras": Convention(1e-3, 0.99, "old", "biased", -1,
        "gamma", "beta", "moving_mean", "moving_variance"),
    "flax": Convention(1e-5, 0.99, "old", "biased", -1,
        "scale", "bias", "mean", "var"),
    "haiku": Convention(1e-5, None, "old", "biased", -1,
        "scale", "offset", "mean_ema.average", "var_ema.average", "mean_ema.counter",
        "mean_ema.hidden var_ema.hidden var_ema.counter"),
    "equinox": Convention(1e-5, 0.99, "old", "biased", 1,
        "weight", "bias", "ema_state_index.0 batch_state_index.0",
        "ema_state_index.1 batch_state_index.1", "batch_counter", "ema_first_time_index"),
    "mlx": Convention(1e-5, 0.1, "new", "unbiased", -1,
        "weight", "bias", "running_mean", "running_var"),
    "paddle": Convention(1e-5, 0.9, "old", "biased", 1,
        "weight", "bias", "_mean", "_variance"),
    "onnx": Convention(1e-5, 0.9, "old", "biased", 1,
        "scale", "B", "input_mean mean", "input_var var"),
    "mindspore": Convention(1e-5, 0.9, "old", "unbiased", 1,
        "gamma", "beta", "moving_mean mean", "moving_variance variance"),
    "tinygrad": Convention(1e-5, 0.1, "new", "unbiased", 1,
        "weight", "bias", "running_mean", "running_var", "num_batches_tracked"),
}
# fmt: on
LAYER_NAMES = ("gamma", "beta", "running_mean", "running_var", "num_batches_tracked")
COLLECTIONS = {"params", "batch_stats", "~", ""}  # parts of a path that no layer has for its own


def state(
    library: str, arrays: Mapping[str, Any], momentum: float | None = None
) -> dict[str, np.ndarray]:
    """Return the arrays of another library's batch norms for ``load_state_dict``.

    ``arrays`` has the arrays by the library's own names: of one layer, or of several, whose paths
    become prefixes (``"net/bn/gamma"`` is ``"net.bn.gamma"``). It may be nested. Each array comes
    out with shape (C,) and its dtype. A layer without a gamma but with a beta gets a gamma of ones,
    and one that does not count its batches has counted 0.

    `CONVENTIONS` has what the layer must be told besides: ``nn.BatchNorm(C, dtype=...,
    **CONVENTIONS[library].options())``. The arrays contain no settings, so the running statistics
    go on as ours do, with the unbiased variance. For Haiku, the averages are the ones that it has
    corrected for their start. Equinox corrects in mode "batch" only when it is asked, with its
    ``momentum``, so give that here if it is not the default.

    Raises ArgumentError for an unknown library and for a name that is unknown or missing,
    ShapeError for arrays that do not have one entry for each feature, and DTypeError for anything
    but numbers.
    """
    known = CONVENTIONS.get(library) if isinstance(library, str) else None
    if known is None:
        raise ArgumentError(f"state: knows {listed(CONVENTIONS)}, got {library!r:.60}")
    if not isinstance(arrays, Mapping):
        raise DTypeError(f"state: needs a dict of arrays by name, got {type(arrays).__name__}")
    layers: dict[str, dict[str, Any]] = {}
    for path, value in _each_array("", arrays):
        prefix, ours = _placed(library, path)
        layer = layers.setdefault(prefix, {})
        if ours and ours in layer:
            raise ArgumentError(f"state: two arrays for {prefix + ours!r}, one of them {path!r}")
        layer[ours] = value
    found: dict[str, np.ndarray] = {}
    for prefix, layer in (layers or {"": {}}).items():
        layer.pop("", None)
        whole = _filled(library, prefix, layer, momentum)
        found |= {prefix + ours: whole[ours] for ours in LAYER_NAMES if ours in whole}
    return found


def _each_array(path: str, held: Any) -> Iterator[tuple[str, Any]]:
    """Yield what dicts, lists and tuples hold, with its path. None is left out."""
    if isinstance(held, Mapping):
        for name, part in held.items():
            yield from _each_array(f"{path}.{name}" if path else str(name), part)
    elif isinstance(held, (list, tuple)) and any(np.ndim(part) for part in held):
        for i, part in enumerate(held):
            yield from _each_array(f"{path}.{i}", part)
    elif held is not None:
        yield path, held


def _placed(library: str, path: str) -> tuple[str, str]:
    """Return the prefix of a path and our name for it, which is empty for what is not needed."""
    known = CONVENTIONS[library]
    plain = ".".join(part for part in re.split(r"[./]", path) if part not in COLLECTIONS)
    for ours in (*LAYER_NAMES, "beside"):
        for theirs in getattr(known, ours).split():
            if plain == theirs or plain.endswith(f".{theirs}"):
                return plain.removesuffix(theirs), "" if ours == "beside" else ours
    raise ArgumentError(f"state: {path!r} is unknown; {_names_said(library)}")


def _filled(library: str, prefix: str, layer: dict, momentum: float | None) -> dict[str, Any]:
    """Return a layer with all it needs: checked, in shape (C,), and corrected for the start."""
    known = CONVENTIONS[library]
    for ours in ("running_mean", "running_var"):
        if ours not in layer:
            theirs = " or ".join(getattr(known, ours).split())
            raise ArgumentError(f"state: {prefix + theirs!r} is missing; {_names_said(library)}")
    batches = np.array(_numbers(prefix, layer.pop("num_batches_tracked", 0)), np.int64).reshape(())
    arrays = {ours: _numbers(prefix + ours, array) for ours, array in layer.items()}
    shapes = {ours: array.shape for ours, array in arrays.items()}
    if (
        any(max(s, default=0) != np.prod(s) for s in shapes.values())
        or len({array.size for array in arrays.values()}) > 1
    ):
        said = listed(f"{prefix}{ours} {shape}" for ours, shape in shapes.items())
        raise ShapeError(f"state: needs one entry for each feature, got {said}")
    arrays = {ours: array.reshape(-1).copy() for ours, array in arrays.items()}
    if "beta" in arrays:
        arrays.setdefault("gamma", np.ones_like(arrays["beta"]))
    if library == "equinox" and batches:
        old = float(known.momentum or 0.0) if momentum is None else momentum
        for ours in ("running_mean", "running_var"):
            arrays[ours] = (arrays[ours] / (1 - old ** float(batches))).astype(arrays[ours].dtype)
    return arrays | {"num_batches_tracked": batches}


def _numbers(path: str, array: Any) -> np.ndarray:
    found = np.asarray(array)
    if found.dtype.kind not in "fiu":
        raise DTypeError(f"state: {path} must hold numbers, got {found.dtype}; convert it before")
    return found


def _names_said(library: str) -> str:
    """Say what a library's batch norm has."""
    known = CONVENTIONS[library]
    names = [name for ours in LAYER_NAMES for name in getattr(known, ours).split()]
    return f"a batch norm of {library} has {listed(names)}; give those of batch norms alone"
