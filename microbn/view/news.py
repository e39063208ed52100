"""The sentences above the numbers of a step say what is new in it, in the backward."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..engine.backward import Step
from ..errors import listed
from .links import Links
from .noise import largest_entry
from .values import number
from .words import Words

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_MOST = 4  # sentences of one kind in a step
CANCELS = "{} is 0: its terms cancel.", "{} is 0, up to rounding: its terms cancel."


class News:
    """Says where a gradient goes, what is complete with that, and what the numbers show.

    The ``parts`` are those of `microbn.view.steps`, which imports this file.
    """

    def __init__(self, links: Links, words: Words, swept: Sequence[Step]) -> None:
        self.words, self.links = words, links
        self.root, first = swept[0].node, np.asarray(swept[0].gradient)
        self.is_loss = first.size == 1 and bool(np.all(first == 1))
        # Whose gradient is explained in full. Of a root that sends nothing it is the root itself.
        self.explained = swept[: 2 if self.is_loss else 1][-1].node

    def of_step(
        self, step: Step, parts: Sequence[Any], count: int, derived: Mapping[str, np.ndarray]
    ) -> str:
        """Say all of it, for a gradient that is the sum of ``count`` parts."""
        complete = [part for part in parts if part.received == part.expected]
        said = [self.of_flow(step, parts, count), *self._of_rounding(complete)]
        return " ".join([*said, *self._of_comparison(complete, derived)])

    def of_flow(self, step: Step, parts: Sequence[Any], count: int) -> str:
        """Say what holds for any numbers: whose gradient it is, and where it goes."""
        complete = [part for part in parts if part.received == part.expected]
        said = [self._head(step, parts, count), *self._of_parts(parts), *self._of_leaves(complete)]
        return " ".join(said)

    def _head(self, step: Step, parts: Sequence[Any], count: int) -> str:
        """Say whose gradient is complete, and to which values it goes on."""
        id = self.links.ids[step.node.number]
        name, own = self.words.names[id], self.words.gradient_names[id]
        loss = self.words.names[self.links.root] if self.is_loss else "loss"
        loss = "the loss" if loss == "loss" else loss
        if step.node is self.root and self.is_loss:
            head = f"The backward starts with {own} = 1, the gradient of {loss} itself"
        elif step.node is self.root:
            head = f"The backward starts with {own}, the gradient of {loss} with respect to {name}"
        elif step.node is self.explained:
            head = f"{own}, the gradient of {loss} with respect to {name}, is complete"
        else:
            head = f"The gradient of {name} is complete"
        head += f", the sum of {count} parts" if count > 1 else ""
        if len(parts) == 1 and parts[0].count:
            return f"{head}."  # the next sentence says where it goes
        goes = f"on to {self._receivers(parts)}" if parts else "no further"
        return f"{head}: it goes {goes}."

    def _receivers(self, parts: Iterable[Any]) -> str:
        """List the receivers: ``γ (summed over the 4 rows) and x̂``."""
        said = {self.words.names[part.receiver]: _on_the_way(part) for part in parts}
        if len(said) == 1:
            return "".join(f"{name}, {way}" if way else name for name, way in said.items())
        return listed(f"{name} ({way})" if way else name for name, way in said.items())

    def _of_parts(self, parts: Sequence[Any]) -> Iterator[str]:
        """Say which part a value receives that is used more than once."""
        counted = [part for part in parts if part.count]
        for part in counted if len(counted) <= _MOST else ():
            nth = part.received
            said = f"{self.words.names[part.receiver]} receives its {_ordinal(nth)} part"
            if nth == 1:
                yield f"{said} of {part.expected}."
            else:
                way = _on_the_way(part) if len(parts) == 1 else ""
                earlier = "the first" if nth == 2 else "the sum so far"
                yield f"{said}{f', {way}' if way else ''}: it is added to {earlier}."

    def _of_leaves(self, complete: Iterable[Any]) -> Iterator[str]:
        """Say which leaves have their whole gradient now."""
        leaves = [
            part.receiver for part in complete if not self.links.nodes[part.receiver].function
        ]
        names, gradients = self.words.names, self.words.gradient_names
        if len(leaves) > _MOST:
            yield f"{len(leaves)} gradients are complete: backward() adds each to a .grad."
        elif leaves:
            verb, them = ("are", "them") if len(leaves) > 1 else ("is", "it")
            yield (
                f"{listed(gradients[id] for id in leaves)} {verb} complete: backward() adds {them} "
                f"to {listed(f'{names[id]}.grad' for id in leaves)}."
            )

    def _of_rounding(self, complete: Iterable[Any]) -> Iterator[str]:
        """Say which gradients are 0 because the terms cancel that they are the sum of."""
        for part in complete:
            entry = largest_entry(part.total)
            if entry <= part.noise < part.largest and np.isfinite(part.total).all():
                own = self.words.gradient_names[part.receiver]
                yield CANCELS[entry > 0].format(own) + self.taken_away(part.receiver)

    def taken_away(self, id: str) -> str:
        """Say so if a mean takes away again what a bias adds, as a batch norm after it does."""
        users, nodes = self.links.users, self.links.nodes
        if len(users[id]) != 1 or nodes[total := users[id][0]].function != "add":
            return ""
        named = {nodes[user].function: user for user in users[total]}
        mean, centered = named.get("mean", ""), named.get("subtract", "")
        subtracted = [edge.source for edge in self.links.into(centered)]
        if len(users[total]) != 2 or subtracted != [total, mean]:
            return ""
        if users[mean] != [centered]:  # any other user of the mean has the bias in it too
            return ""
        if not self._is_kept_by(mean, nodes[id].value, nodes[total].value.shape):
            return ""
        names = self.words.names
        return f" {names[id]} changes nothing: the mean, {names[mean]}, takes it away again."

    def _is_kept_by(self, mean: str, bias: np.ndarray, shape: tuple[int, ...]) -> bool:
        """Return whether the mean of a bias, broadcast to this shape, is that bias.

        Distinct numbers take the place of the bias, whose entries may happen to be equal.
        """
        tensor: Any = self.words.tensors[mean]
        wide = np.broadcast_to(np.arange(bias.size, dtype=float).reshape(bias.shape), shape)
        kept = tensor.function(wide, *tensor.args[1:], **tensor.kwargs)
        return bool(np.all(wide == kept))

    def _of_comparison(
        self, complete: Iterable[Any], derived: Mapping[str, np.ndarray]
    ) -> Iterator[str]:
        """Say how far gradients that are complete are from those that were derived by hand."""
        for part in complete:
            if part.receiver in derived:
                own = self.words.gradient_names[part.receiver]
                gap = _gap(part.total, derived[part.receiver])
                yield f"{own} and the one derived by hand {gap}."


def _on_the_way(part: Any) -> str:
    """Say what happens to a message on its way: it is summed, or copied."""
    return part.summed or part.copied


def _gap(one: np.ndarray, other: np.ndarray) -> str:
    """Say how far two arrays are apart: ``are 0.25 apart``. A NaN equals a NaN."""
    finite = np.isfinite(one) & np.isfinite(other)
    if not np.all(finite | (one == other) | (np.isnan(one) & np.isnan(other))):
        return "differ where one of them is not finite"
    with np.errstate(all="ignore"):
        apart = np.abs(one - other).max(initial=0.0, where=finite)
    return f"are {number(apart)} apart"


def _ordinal(nth: int) -> str:
    """Return ``first``, or from 10 on ``10th`` and ``21st``."""
    if nth <= len(_ORDINALS):
        return _ORDINALS[nth - 1]
    teens = 10 < nth % 100 < 20
    return f"{nth}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(nth % 10, 'th')}"
