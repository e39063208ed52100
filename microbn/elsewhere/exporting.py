"""The program that PyTorch's export makes of a module, of the operations that aten.py has."""

from __future__ import annotations

import warnings
from typing import Any

from ..errors import GraphError

# PyTorch would take these apart into parts that say less: x @ W.T + b is three of them.
KEPT_WHOLE = (
    *("linear", "addmm", "softmax", "log_softmax", "_softmax", "_log_softmax", "embedding"),
    "detach",  # as an alias it would let gradients through
)
# It leaves these whole unless it is told to take them apart.
TAKEN_APART = (
    *("native_batch_norm", "_native_batch_norm_legit_functional", "_native_batch_norm_legit"),
    *("_native_batch_norm_legit_no_training", "native_layer_norm", "native_group_norm"),
    *("gelu", "elu", "leaky_relu", "linalg_vector_norm"),
)


def exported_program(module: Any, inputs: tuple) -> Any:
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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch warns of its own code
            exported = torch.export.export(module, inputs)
            _refuse_no_grad(exported)
            return exported.run_decompositions(table)
    except GraphError:
        raise
    except Exception as error:
        said = str(error).strip().split("\n")[0]
        raise GraphError(
            f"from_torch: torch.export cannot export this {type(module).__name__}: {said}"
        ) from error


def _refuse_no_grad(exported: Any) -> None:
    """Raise GraphError for a part under no_grad(), which PyTorch would forget from here on."""
    for part in exported.graph_module.modules():
        for node in part.graph.nodes:
            if str(node.target) == "wrap_with_set_grad_enabled" and not node.args[0]:
                raise GraphError(
                    "from_torch: a part of the module runs under torch.no_grad(), which the export "
                    "does not keep; write x.detach() for what should receive no gradient"
                )
