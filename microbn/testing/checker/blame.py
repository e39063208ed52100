"""Find who is to blame for a wrong gradient, by checking every node of the graph by itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from ...engine.functions import gate
from ...engine.node import has_history, is_node
from ...engine.primitive import RULES
from ...engine.tensor import Tensor
from ...errors import NonFiniteError
from ...reading.formula import formula
from ...reading.replay import call_again, replay
from ...reading.tape import history
from .chords import extent, norm
from .comparison import FAINT, compare
from .differences import slopes
from .inputs import Inputs
from .report import Suspect
from .subjects import Subject


def suspect(subject: Subject, root: Tensor, order: int, rng: np.random.Generator) -> Suspect | None:
    """Return the first node on the way to ``root`` whose own rule fails.

    If all rules are right, return the first node that the result depends on although no gradient
    flows through it. If there is none, return the node where a number that left the graph comes
    back. Each node is checked from a random cotangent.
    """
    computed = [(i, node) for i, node in enumerate(history(root)) if node.function and node.flows]
    for number, node in computed:
        if RULES.get(node.function) and (why := _rule_fault(node, order, rng)):
            return Suspect(node, number, why)
    for number, node in computed:
        if not RULES.get(node.function) and _is_cut(node, root, rng):
            why = "the result depends on it, and nothing flows back through it"
            return Suspect(node, number, why)
    return _returning(subject, root, rng) if order == 1 else None


def _returning(subject: Subject, root: Tensor, rng: np.random.Generator) -> Suspect | None:
    """Return the node that takes a number which depends on an input, but not through the graph.

    The function is recorded again with each input moved a little, and the two tapes are compared.
    """
    tape = history(root)
    for i, (name, value) in enumerate(zip(subject.names, subject.values, strict=True)):
        moved = value + 1e-4 * extent(value) * rng.normal(size=value.shape)
        try:
            out, leaves = subject.record([*subject.values[:i], moved, *subject.values[i + 1 :]])
        except (ValueError, ArithmeticError):  # the function is not defined there
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


def _from_outside(node: Any, leaves: Collection[int]) -> list[int]:
    """Return the positions of the operands that do not come from an input."""
    operands = enumerate(node.inputs)
    return [i for i, x in operands if not (is_node(x) and (x.function or x.number in leaves))]


def _follows(root: Tensor, node: Tensor, position: int, now: Any) -> bool:
    """Return whether an operand has changed, and the result depends on the change."""
    was: Any = node.args[position]
    if np.asarray(now).dtype.kind != "f" or np.shape(was) != np.shape(now):
        return False
    args = [*node.args[:position], now, *node.args[position + 1 :]]
    change = replay(root, node)(call_again(node, args)) - root.value
    return norm(change) > 1e-9 * norm(root.value)


def _is_cut(node: Tensor, root: Tensor, rng: np.random.Generator) -> bool:
    """Return whether a path is cut here: the result depends on the node, which passes nothing back.

    A node without a history was computed under no_grad.
    """
    cotangent = rng.normal(size=root.shape)
    found = slopes(replay(root, node), node.value, cotangent, norm(cotangent * root.value))
    matters = np.any(np.abs(found.value) > FAINT * found.rounding)
    return bool(matters and (not has_history(node) or _rule_fault(node, 1, rng)))


def _rule_fault(node: Any, order: int, rng: np.random.Generator) -> str | None:
    """Check a node's rule by itself, and say what is wrong with it, if anything is."""
    places = [i for i, x in enumerate(node.inputs) if is_node(x) and x.flows]
    if not places:
        return None
    try:
        report = compare(_by_itself(node, places), rng, order)
    except NonFiniteError:  # an infinity comes up in the rule, although the result is finite
        return None
    if report.faults:
        return report.faults[0]
    for place, part in zip(places, report.inputs, strict=True):
        if part.verdict == "differs":
            which = f" for {part.name}" if len(places) > 1 else ""
            return f"its own rule{which}{_as_formula(node.function, place)} is {part.off()}"
    return None


def _by_itself(node: Tensor, places: Sequence[int]) -> Subject:
    """Return a node's function alone as a subject, at the operands in these places.

    Infinite entries, as in a mask, are left out of the operands and of the result.
    """
    finite = [np.isfinite(node.args[place]) for place in places]
    kept = np.isfinite(node.value)

    def alone(*operands: Any) -> Any:
        args: list[Any] = [*node.args]
        for place, operand, known in zip(places, operands, finite, strict=True):
            infinite = np.where(known, 0.0, args[place])
            args[place] = operand if known.all() else gate(operand, known) + infinite
        out = call_again(node, args)
        return out if kept.all() else gate(out, kept)

    values = [np.where(known, node.args[p], 0.0) for p, known in zip(places, finite, strict=True)]
    subject = Subject(alone, Inputs(alone, values, names=[f"operand {p}" for p in places]))
    subject.on_arrays = True
    return subject


def _as_formula(function: Any, place: int) -> str:
    """Return the rule for an operand as a formula, or "" if it cannot be read."""
    try:
        return f", {formula(function)[place]},"
    except Exception:  # a rule may be any code
        return ""
