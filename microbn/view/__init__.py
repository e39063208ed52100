"""Looking at a graph: a snapshot of it, and the pictures drawn from the snapshot."""

from __future__ import annotations

from typing import Any

from ..backward import sweep
from ..tensor import Tensor
from .dot import Drawing as Drawing
from .dot import to_dot as to_dot
from .graph import Graph as Graph
from .graph import snapshot as snapshot


def draw(
    root: Tensor,
    cotangent: Any = None,
    *,
    values: bool = True,
    grads: bool = True,
    direction: str = "LR",
    suspect: Tensor | None = None,
) -> Drawing:
    """Draw what ``root`` was made from, each node with its name, shape, value and gradient.

    ``cotangent`` is where the gradients start, as for `sweep`; a root of one element needs none.
    ``direction`` is "LR", left to right, or "TB", top to bottom. The drawing shows itself in a
    notebook and is saved with ``.save("x.svg")``. A ``suspect`` among the nodes is red. No
    ``.grad`` is touched. Errors as for `sweep`, unless ``grads=False``.
    """
    steps = sweep(root, cotangent) if grads else ()
    gradients = {step.node.number: step.gradient for step in steps}
    return to_dot(
        snapshot(root, gradients, suspect), values=values, grads=grads, direction=direction
    )
