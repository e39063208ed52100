"""Looking at a graph: a snapshot of it, its picture, and its story."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..engine.backward import sweep
from ..engine.tensor import Tensor
from .dot import Drawing as Drawing
from .dot import to_dot as to_dot
from .graph import Graph as Graph
from .graph import check_root
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
    """Draw the graph of ``root``: each node with its name, shape, value and gradient.

    The gradients start with ``cotangent``, as for `sweep`; a root of one element needs none.
    Modules and `scope` make groups, which are framed. A group in ``collapse``, such as "0.norm",
    or deeper than ``depth`` groups, is drawn as one box. ``direction`` is "LR", left to right, or
    "TB", top to bottom. The drawing shows itself in a notebook, and ``.save("x.svg")`` writes it.
    A node that is the ``suspect`` is red. The graph that `grad` recorded with ``create_graph``
    stands beside the forward and runs the other way. No ``.grad`` is touched.

    Raises ArgumentError for a group that does not exist, and the errors of `sweep` unless
    ``grads=False``.
    """
    if grads or isinstance(root, (tuple, list)):
        check_root("draw", root)
    steps = sweep(root, cotangent) if grads else ()
    gradients = {step.node.number: step.gradient for step in steps}
    graph = snapshot(root, gradients, suspect).folded(collapse, depth)
    return to_dot(graph, values=values, grads=grads, direction=direction)
