"""The program that PyTorch's export makes of a module, of the operations that aten.py has."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from functools import partial
from io import StringIO
from typing import Any

from ..errors import GraphError
from .origins import said_line_of
from .whole import ATEN_WHOLE

# PyTorch would take these apart into parts that say less: x @ W.T + b is three of them.
KEPT_WHOLE = (
    *(
        "linear",
        "matmul",
        "addmm",
        "softmax",
        "log_softmax",
        "_softmax",
        "_log_softmax",
        "embedding",
    ),
    *ATEN_WHOLE,
    "detach",  # as an alias it would let gradients through
    # The parts of these have other gradients at the bounds, or none at 0.
    *("hardtanh", "hardsigmoid", "hardswish", "linalg_vector_norm", "std"),
)
# It leaves these whole unless it is told to take them apart.
TAKEN_APART = (
    *("elu", "leaky_relu"),
    *("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d", "upsample_linear1d"),
    *("upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d"),
)


def exported_program(module: Any, inputs: tuple, keywords: dict) -> Any:
    """Export a module, and take its operations apart into those of the table."""
    import torch
    from torch._decomp import core_aten_decompositions, get_decompositions

    aten = torch.ops.aten
    table = dict(core_aten_decompositions())
    table.update(get_decompositions([getattr(aten, name) for name in TAKEN_APART]))
    for name in KEPT_WHOLE:
        for overload in getattr(aten, name).overloads():
            table.pop(getattr(getattr(aten, name), overload), None)
    try:
        with _in_silence(), _counting_in_tensors(module):
            exported = torch.export.export(module, inputs, keywords)
            _refuse_no_grad(exported)
            return exported.run_decompositions(table)
    except GraphError:
        raise
    except Exception as error:
        said = str(error).strip().split("\n")[0]
        if "data-dependent" in said:
            said = (
                "what it does depends on the values in a tensor, and a graph does the same for all "
                "values; write torch.where, or leave it out"
            )
        raise GraphError(
            f"from_torch: torch.export cannot export this {type(module).__name__}: {said}"
            f"{said_line_of(error)}"
        ) from error


@contextmanager
def _in_silence() -> Iterator[None]:
    """Keep what PyTorch logs, prints and warns of while it exports: it is about its own code."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


@contextmanager
def _counting_in_tensors(module: Any) -> Iterator[None]:
    """Let batch norms with momentum=None average in a way that can be exported.

    PyTorch's reads the number of batches as a Python number, which an export cannot follow.
    """
    from torch.nn.modules.batchnorm import _BatchNorm

    layers: list[Any] = [
        layer
        for layer in module.modules()
        if isinstance(layer, _BatchNorm) and layer.momentum is None and layer.training
    ]
    layers = [layer for layer in layers if layer.track_running_stats]
    for layer in layers:
        layer.forward = partial(_cumulative_average, layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward


def _cumulative_average(layer: Any, x: Any) -> Any:
    """Compute a batch norm whose statistics are averages over all batches."""
    import torch

    layer._check_input_dim(x)
    layer.num_batches_tracked.add_(1)
    share = 1 / layer.num_batches_tracked.to(layer.running_mean.dtype)
    var, mean = torch.var_mean(x.detach(), [0, *range(2, x.ndim)])
    layer.running_mean.copy_((1 - share) * layer.running_mean + share * mean)
    layer.running_var.copy_((1 - share) * layer.running_var + share * var)
    parameters = None, None, layer.weight, layer.bias
    return torch.nn.functional.batch_norm(x, *parameters, training=True, eps=layer.eps)


def _refuse_no_grad(exported: Any) -> None:
    """Raise GraphError for a part under no_grad(), which PyTorch would forget from here on."""
    for part in exported.graph_module.modules():
        for node in part.graph.nodes:
            if str(node.target) == "wrap_with_set_grad_enabled" and not node.args[0]:
                raise GraphError(
                    "from_torch: a part of the module runs under torch.no_grad(), which the export "
                    "does not keep; write x.detach() for what should receive no gradient"
                )
