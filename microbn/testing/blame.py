"""Who is to blame for a wrong gradient: every node of the graph, checked by itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import NonFiniteError
from ..nodes import has_history, history
from ..rules import RULES
from ..symbol import formula
from ..tensor import Tensor
from .comparison import FAINT, compare
from .differences import norm, slopes
from .replay import replay
from .report import Suspect
from .subjects import Subject


def suspect(root: Tensor, order: int, rng: np.random.Generator) -> Suspect | None:
    """The first node that ``root`` was made from whose own rule fails, from a random cotangent.

    If all rules are right, it is the first node through which nothing flows although it should.
    """
    computed = [(i, node) for i, node in enumerate(history(root)) if node.function and node.flows]
    for number, node in computed:
        if RULES.get(node.function) and (why := _fault(node, order, rng)):
            return Suspect(node, number, why)
    for number, node in computed:
        if not RULES.get(node.function) and _cut(node, root, rng):
            return Suspect(
                node, number, "the result depends on it, and nothing flows back through it"
            )
    return None


def _cut(node: Tensor, root: Tensor, rng: np.random.Generator) -> bool:
    """Whether a path ends here: the result depends on this node, as it does on its operand."""
    cotangent = rng.normal(size=root.shape)
    found = slopes(replay(root, node), node.value, cotangent, norm(cotangent * root.value))
    matters = np.any(np.abs(found.value) > FAINT * found.rounding)
    unknown = not has_history(node)  # computed under no_grad
    return bool(matters and (unknown or _fault(node, 1, rng)))


def _fault(node: Tensor, order: int, rng: np.random.Generator) -> str | None:
    """What is wrong with a node's rule, found by calling its function alone."""
    function: Any = node.function
    inputs: list[Any] = [*node.inputs]
    places = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.flows]
    if not places or not all(np.isfinite(node.args[i]).all() for i in places):
        return None

    def alone(*operands: Any) -> Any:
        args: list[Any] = [*node.args]
        for place, operand in zip(places, operands, strict=True):
            args[place] = operand
        return function(*args, **node.kwargs)

    by_itself = Subject(alone, [node.args[place] for place in places])
    by_itself.names, by_itself.on_arrays = [f"operand {place}" for place in places], True
    try:
        report = compare(by_itself, rng, order)
    except NonFiniteError:  # on the way to a result that is finite
        return None
    if report.faults:
        return report.faults[0]
    for place, part in zip(places, report.inputs, strict=True):
        if part.verdict == "differs":
            which = f" for {part.name}" if len(places) > 1 else ""
            return f"its own rule{which}{_in_words(function, place)} is {part.off()}"
    return None


def _in_words(function: Any, place: int) -> str:
    """What the rule for an operand says, where it can be read."""
    try:
        return f", {formula(function)[place]},"
    except Exception:  # a rule may be any code, and not all of it can be read
        return ""
