"""Who is to blame for a wrong gradient: every node of the graph, checked by itself."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from ...engine.functions import gate
from ...engine.node import has_history
from ...engine.primitive import RULES
from ...engine.tensor import Tensor
from ...errors import NonFiniteError
from ...reading.replay import call_again, replay
from ...reading.symbol import formula
from ...reading.tape import history
from .comparison import FAINT, compare
from .differences import norm, slopes, spread
from .inputs import Inputs
from .report import Suspect
from .subjects import Subject


def suspect(subject: Subject, root: Tensor, order: int, rng: np.random.Generator) -> Suspect | None:
    """The first node that ``root`` was made from whose own rule fails, from a random cotangent.

    If all rules are right, it is the first node through which nothing flows although it should;
    and if there is none, the node where a number comes back that had left the graph.
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
    return _left(subject, root, rng) if order == 1 else None


def _left(subject: Subject, root: Tensor, rng: np.random.Generator) -> Suspect | None:
    """The node that takes a number which follows an input, though no graph leads to it."""
    tape = history(root)
    for i, (name, value) in enumerate(zip(subject.names, subject.values, strict=True)):
        moved = value + 1e-4 * spread(value) * rng.normal(size=value.shape)
        try:
            out, leaves = subject.record([*subject.values[:i], moved, *subject.values[i + 1 :]])
        except (ValueError, ArithmeticError):  # beyond where the function is defined
            continue
        again, known = history(out), {leaf.number for leaf in leaves}
        if [node.function for node in again] != [node.function for node in tape]:
            continue  # another branch was taken
        for number, (node, now) in enumerate(zip(tape, again, strict=True)):
            for position in _from_outside(now, known):
                if _follows(root, node, position, now.args[position]):
                    left = "all rules are right: a number left the graph (t.data, t.item())"
                    back = f"it comes back as operand {position}, which follows {name!r}"
                    return Suspect(node, number, f"{left}; {back}")
    return None


def _from_outside(node: Tensor, leaves: Collection[int]) -> list[int]:
    """Return the operands of a node that come from no input."""
    inputs: list[Any] = [*node.inputs]
    return [
        i
        for i, x in enumerate(inputs)
        if not isinstance(x, Tensor) or (x.function is None and x.number not in leaves)
    ]


def _follows(root: Tensor, node: Tensor, position: int, now: Any) -> bool:
    """Return whether an operand has changed, and the result with it."""
    was: Any = node.args[position]
    if np.asarray(now).dtype.kind != "f" or np.shape(was) != np.shape(now):
        return False
    args = [*node.args[:position], now, *node.args[position + 1 :]]
    change = replay(root, node)(call_again(node, args)) - root.value
    return norm(change) > 1e-9 * norm(root.value)


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
    if not places:
        return None
    finite = [np.isfinite(node.args[place]) for place in places]
    shown = np.isfinite(node.value)  # what is infinite, as in a mask, is left out

    def alone(*operands: Any) -> Any:
        args: list[Any] = [*node.args]
        for place, operand, told in zip(places, operands, finite, strict=True):
            infinite = np.where(told, 0.0, args[place])
            args[place] = operand if told.all() else gate(operand, told) + infinite
        out = call_again(node, args)
        return out if shown.all() else gate(out, shown)

    values = [np.where(told, node.args[p], 0.0) for p, told in zip(places, finite, strict=True)]
    names = [f"operand {place}" for place in places]
    by_itself = Subject(alone, Inputs(alone, values, names=names))
    by_itself.on_arrays = True
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
