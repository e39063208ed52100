"""Looking at a graph: a snapshot of it, its picture, and its story."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ..engine.backward import sweep
from ..engine.tensor import Tensor
from .beside import Beside as Beside
from .beside import beside as beside
from .dot import Drawing as Drawing
from .dot import to_dot as to_dot
from .graph import Graph as Graph
from .graph import snapshot as snapshot
from .outputs import one_root
from .story import Story as Story
from .story import story as story
from .widget import widget as widget


def draw(
    root: Tensor | Sequence[Tensor],
    cotangent: Any = None,
    *,
    values: bool = True,
    grads: bool = True,
    collapse: Collection[str] = (),
    depth: int | None = None,
    direction: str | None = None,
    suspect: Tensor | None = None,
) -> Drawing:
    """Draw the graph of ``root``: each node with its name, shape, value and gradient.

    The gradients start with ``cotangent``, as for `sweep`; a root of one element needs none.
    Several outputs come in a list, with a list of their cotangents; the group outputs joins them.
    Modules and `scope` make groups, which are framed. A group in ``collapse``, such as "0.norm",
    or deeper than ``depth`` groups, is drawn as one box. ``direction`` is "LR", left to right, or
    "TB", top to bottom; by default it is the one in which the text is larger on a screen of
    1280 × 720. The drawing shows itself in a notebook, and ``.save("x.svg")`` writes it.
    A node that is the ``suspect`` is red. The graph that `grad` recorded with ``create_graph``
    stands beside the forward and runs the other way. No ``.grad`` is touched.

    Raises ArgumentError for a group that does not exist, and the errors of `sweep` unless
    ``grads=False``.
    """
    one: Any = root
    if grads or isinstance(root, (tuple, list)):
        one, cotangent = one_root("draw", root, cotangent)
    steps = sweep(one, cotangent) if grads else ()
    gradients = {step.node.number: step.gradient for step in steps}
    graph = snapshot(one, gradients, suspect).folded(collapse, depth)
    return to_dot(graph, values=values, grads=grads, direction=direction)
