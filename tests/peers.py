"""Other engines behind NumPy's names, so that one function or program runs on each of them.

An engine is a function ``(f, arrays, cotangent, directions)``, which calls f as
``f(*operands, np=..., F=...)``. It returns the value of f, the gradients of <cotangent, f> in the
arrays and, if directions are given, those of <gradients, directions>.
"""

from types import SimpleNamespace

import numpy as np
import pytest
from torch_names import numpy_names

import microbn as mb


class Unable(Exception):
    """The other engine has a fault of its own here."""


def microbn(f, arrays, cotangent, directions=None):
    leaves = [mb.Tensor(a) for a in arrays]
    out = f(*leaves)
    if directions is None:
        return out.data, mb.grad(out, leaves, cotangent), []
    first = mb.grad(out, leaves, cotangent, create_graph=True)
    slope = sum(np.sum(g * d) for g, d in zip(first, directions, strict=True))
    return out.data, [g.data for g in first], mb.grad(slope, leaves)


def pytorch(f, arrays, cotangent, directions=None):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: unchecked")
    names = {"np": numpy_names(torch), "F": _pytorch_functional(torch)}
    leaves = [torch.tensor(a, requires_grad=True) for a in arrays]
    out = f(*leaves, **names)

    def gradients(loss, **options):
        return torch.autograd.grad(loss, leaves, materialize_grads=True, **options)

    slope = torch.sum(out * torch.tensor(cotangent))
    first = gradients(slope, create_graph=directions is not None)
    second = ()
    if directions is not None:
        slope = sum(torch.sum(g * torch.tensor(d)) for g, d in zip(first, directions, strict=True))
        second = gradients(slope)
    return out.detach().numpy(), [g.detach().numpy() for g in first], [g.numpy() for g in second]


def _pytorch_functional(torch):
    return SimpleNamespace(
        relu=torch.relu,
        gate=lambda g, mask: torch.where(mask, g, 0.0),
        spread=torch.broadcast_to,
        softmax=torch.softmax,
        astype=lambda x, dtype: x.to(torch.float64),
        scatter=lambda g, shape, index: torch.zeros(shape, dtype=g.dtype).index_put(
            (torch.as_tensor(index),), g, accumulate=True
        ),
        eigenvectors=lambda x: torch.linalg.eigh(x)[1],
        **_sliding(torch.stack, torch.concatenate, torch.zeros_like),
    )


def _sliding(stack, concatenate, zeros_like):
    """Return windows and overlap_add along the last axis, made of slices."""

    def windows(x, shape):
        (size,) = shape
        return stack([x[..., i : x.shape[-1] - size + 1 + i] for i in range(size)], -1)

    def overlap_add(g, shape):
        size = g.shape[-1]
        padding = zeros_like(g[..., 0, :])[..., 1:]  # size - 1 zeros, on either side together
        parts = ([padding[..., :i], g[..., i], padding[..., i:]] for i in range(size))
        return sum(concatenate(part, -1) for part in parts)

    return {"windows": windows, "overlap_add": overlap_add}


def hips_autograd(f, arrays, cotangent, directions=None):
    autograd = pytest.importorskip("autograd", reason="HIPS autograd is not installed: unchecked")
    import autograd.numpy as anp

    names = {"np": _hips_numpy(anp), "F": _hips_functional(anp)}

    def slope(arrays):
        return anp.sum(f(*arrays, **names) * cotangent)

    def again(arrays):
        pairs = zip(autograd.grad(slope)(arrays), directions, strict=True)
        return sum(anp.sum(gradient * direction) for gradient, direction in pairs)

    arrays = list(arrays)
    try:
        second = [] if directions is None else autograd.grad(again)(arrays)
        return f(*arrays, **names), autograd.grad(slope)(arrays), second
    except TypeError as error:
        if "first operand must be array" not in str(error):
            raise
        raise Unable("HIPS autograd fails on some entries of a 0-d array") from error


def _hips_numpy(anp):
    def where(condition, x, y):  # its own rule does not undo broadcasting
        zeros = np.zeros(np.broadcast_shapes(*map(np.shape, (condition, x, y))))
        return anp.where(condition, x + zeros, y + zeros)

    def broadcast_to(x, shape):  # its own rule knows no new axes
        return anp.broadcast_to(anp.reshape(x, (1,) * (len(shape) - x.ndim) + x.shape), shape)

    linalg = {"eigvalsh": lambda x: anp.linalg.eigh(x)[0]}  # it knows eigh alone
    mine = {
        "linalg": SimpleNamespace(**{**vars(anp.linalg), **linalg}),
        "cbrt": lambda x: x ** (1 / 3),  # of positive numbers
        "where": where,
        "broadcast_to": broadcast_to,
        "matrix_transpose": lambda x: anp.swapaxes(x, -1, -2),
        "transpose": lambda x, axes=None: anp.transpose(  # its own rule mixes up negative axes
            x, axes and tuple(axis % x.ndim for axis in axes)
        ),
    }
    return SimpleNamespace(**{**vars(anp), **mine})


def _hips_functional(anp):
    def softmax(x, axis):
        powers = anp.exp(x - anp.max(x, axis, keepdims=True))
        return powers / anp.sum(powers, axis, keepdims=True)

    return SimpleNamespace(
        relu=lambda x: anp.maximum(x, 0.0),
        gate=lambda g, mask: anp.where(mask, g, 0.0),
        spread=_hips_numpy(anp).broadcast_to,
        softmax=softmax,
        astype=lambda x, dtype: x.astype(dtype),
        eigenvectors=lambda x: anp.linalg.eigh(x)[1],
        **_sliding(anp.stack, anp.concatenate, lambda x: np.zeros(x.shape)),
    )
