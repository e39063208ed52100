"""Looking at a graph: a snapshot, the pictures and the story that are told from it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..engine.backward import sweep
from ..engine.tensor import Tensor
from .dot import Drawing as Drawing
from .dot import to_dot as to_dot
from .graph import Graph as Graph
from .graph import snapshot as snapshot
from .story import Story as Story
from .story import story as story


def draw(
    root: Tensor,
    cotangent: Any = None,
    *,
    values: bool = True,
    grads: bool = True,
    collapse: Collection[str] = (),
    depth: int | None = None,
    direction: str = "LR",
    suspect: Tensor | None = None,
) -> Drawing:
    """Draw what ``root`` was made from, each node with its name, shape, value and gradient.

    ``cotangent`` is where the gradients start, as for `sweep`; a root of one element needs none.
    Groups, made by Modules and `scope`, are framed; those in ``collapse``, such as "0.norm", and
    all that lie more than ``depth`` groups deep are one box. ``direction`` is "LR", left to right,
    or "TB", top to bottom. The drawing shows itself in a notebook and is saved with
    ``.save("x.svg")``. A ``suspect`` among the nodes is red. What `grad` made with
    ``create_graph`` is drawn beside the forward, the other way. No ``.grad`` is touched.

    Raises ArgumentError for a group that is not there; errors as for `sweep`, unless
    ``grads=False``.
    """
    steps = sweep(root, cotangent) if grads else ()
    gradients = {step.node.number: step.gradient for step in steps}
    graph = snapshot(root, gradients, suspect).folded(collapse, depth)
    return to_dot(graph, values=values, grads=grads, direction=direction)
