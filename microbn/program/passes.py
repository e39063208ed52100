"""The passes of `compile`: from a recorded graph to one that computes the same with less work.

A rewrite looks at one call, and may return what should stand in its place. In each round the graph
is recorded anew, with every call replaced by what the first rewrite returned for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np

from ..engine.mode import Mode, Watch, mode
from ..engine.node import is_node
from ..reading.replay import rerun
from ..reading.tape import history
from .algebra import Stage, by_matmul, cheaper
from .cancelled import without_bias, without_zeros
from .once import Seen, computed_before, computed_now, fingerprint, handed_on

REWRITES: dict[str, Callable] = {  # in the order in which they are asked
    "constants": computed_now,
    "common": computed_before,
    "algebra": cheaper,
}
LOOKING = (Watch(),)  # what is watched keeps its values, which tell what shares memory
ROUNDS = 12  # at most: in a long chain of products a number moves by one factor in each round


def simplified(outputs: Sequence, inputs: Sequence, passes: Collection[str]) -> list:
    """Return the same outputs of the same inputs, by the `REWRITES` that ``passes`` names.

    The rounds end when nothing changes, or after `ROUNDS`. Calls that no output needs are left out.
    BLAS comes last, because the algebra knows sums and not the products that replace them.
    """
    rewrites = [handed_on, *(rewrite for name, rewrite in REWRITES.items() if name in passes)]
    if "stages" in passes:
        for node in made_from(outputs, inputs):
            node.name = node.name and Stage(node.name)
        rewrites = [without_bias, without_zeros, *rewrites]
    known: list[list] = []
    while len(known) < 2 or (known[-1] not in known[:-1] and len(known) < ROUNDS):
        outputs = _rewritten(outputs, inputs, rewrites)
        known.append(fingerprint(made_from(outputs, inputs)))
    last = [one for one in rewrites if one is not cheaper]
    if "blas" in passes:
        outputs = _rewritten(outputs, inputs, [*last, by_matmul])
    return _rewritten(outputs, inputs, last)


def _rewritten(outputs: Sequence, inputs: Sequence, rewrites: Sequence[Callable]) -> list:
    """Record the outputs anew; the first rewrite that returns something for a call replaces it."""
    seen = Seen(made_from(outputs, inputs))

    def make(node: Any, args: list) -> Any:
        for rewrite in rewrites:
            if (found := rewrite(node, args, seen)) is not None:
                return found
        return seen.record(node, args)

    return rebuilt(outputs, inputs, inputs, make)


def made_from(outputs: Iterable, inputs: Iterable) -> list[Any]:
    """Return the nodes that outputs are made from, down to the inputs, in the order of the tape."""
    return history(*filter(is_node, outputs), leaves=inputs)


def rebuilt(outputs: Sequence, inputs: Sequence, anew: Sequence, make: Callable) -> list:
    """Record the outputs once more, from other inputs, and return them.

    ``make(node, operands)`` returns the replacement for each node on the way. A leaf that is not an
    input becomes a constant. Names and scopes stay.
    """
    known = {x.number: y for x, y in zip(inputs, anew, strict=True)}
    tape = [x for x in made_from(outputs, inputs) if x.function and x.number not in known]

    def named(node: Any, operands: list) -> Any:
        mode.set(Mode(scope=node.scope, role=node.role, watches=LOOKING))
        made = make(node, operands)
        if is_node(made) and made.name is None:
            made.name = node.name
        return made

    before = mode.get()
    try:
        with np.errstate(all="ignore"):
            rerun(tape, known, named)
    finally:
        mode.set(before)
    return [known.get(x.number, x.value) if is_node(x) else x for x in outputs]
