"""A recorded graph, computed again from other values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.tensor import Tensor
from ..errors import ArgumentError
from ..reading.tape import history


def replay(root: Tensor, *nodes: Tensor) -> Callable:
    """``root`` as a function of the values of these nodes: what comes after them is run again.

    The rest of the graph keeps its values. The function takes arrays, or Tensors, which are
    recorded. Raises ArgumentError if root was not made from one of the nodes.
    """
    tape = history(root)
    numbers = {tensor.number for tensor in tape}
    for i, node in enumerate(nodes):
        if node.number not in numbers:
            raise ArgumentError(f"replay: node {i} is not part of the root's history")

    def function(*values: Any) -> Any:
        new = {node.number: value for node, value in zip(nodes, values, strict=True)}
        for tensor in tape:
            moved = any(x.number in new for x in tensor.inputs if isinstance(x, Tensor))
            if moved and tensor.number not in new:
                args = [
                    new.get(x.number, seen) if isinstance(x, Tensor) else seen
                    for x, seen in zip(tensor.inputs, tensor.args, strict=True)
                ]
                new[tensor.number] = tensor.function(*args, **tensor.kwargs)
        return new.get(root.number, root.value)

    function.__name__ = root.name or "the graph"
    return function
