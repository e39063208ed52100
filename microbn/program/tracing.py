"""A watch that stops a function which uses values that a compiled program would freeze."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..engine.functions import getitem, scatter
from ..engine.mode import Watch
from ..engine.names import describe
from ..engine.node import has_history, is_node
from ..errors import GraphError, ShapeError

FROZEN = (
    "f asks for {what} of {node}, which every run of the program would take from the example; "
    "choose with np.where and np.maximum instead of if and max, or decide before compiling"
)
SENTENCES = {
    "new data": "f replaces the data of {node}, which a program cannot; return the new value, and "
    "pass it the next time",
    "a gradient": "this gradient would be a constant of the program; take it by "
    "grad(..., create_graph=True), which records it",
    "no_grad": "what no_grad() does not record would be a constant of the program; use "
    "microbn.functional.stop_gradient",
    "a program's result": "a program gives numbers, which would be constants of this one; call "
    "the function that it was compiled from",
    "a draw": "Dropout would drop the same entries in every run of the program; train eagerly, "
    "as fit does with compiled=False, or compile it in eval()",
    "running statistics": "in training BatchNorm moves its running statistics, which a program "
    "would not record; use lab's CompiledStep, eval(), or track_running_stats=False",
    "a buffer": "f assigns the buffer {node}, which a program would not record; use lab's "
    "CompiledStep, or eval()",
}


class Tracing(Watch):
    """Raises GraphError or ShapeError at whatever a program could not repeat.

    ``operands`` are the numbers of the program's operands.
    """

    def __init__(self, operands: Collection[int]) -> None:
        self.operands = operands

    def made(self, node: Any) -> None:
        """Raise ShapeError for ``x[mask]``, even if only its size is used."""
        masks = [x for x in node.inputs[1:] if is_node(x) and x.dtype == bool]
        if masks and node.function in (getitem, scatter):
            raise ShapeError(
                "compile: the shape of x[mask] depends on values; use np.where(mask, x, 0)"
            )

    def sent(self, node: Any, position: int, operand: Any, part: Any, earlier: Any) -> None:
        """Raise GraphError if a backward starts that is not recorded itself."""
        if node is None and not is_node(part):
            self.lost("a gradient", None)

    def lost(self, what: str, node: Any) -> None:
        """Raise GraphError, unless a value is asked for that is the same in every run."""
        if what in SENTENCES or (
            is_node(node) and (node.number in self.operands or has_history(node))
        ):
            told = describe(node) if is_node(node) else node
            words = SENTENCES.get(what, FROZEN).format(what=what, node=told)
            raise GraphError(f"compile: {words}")
