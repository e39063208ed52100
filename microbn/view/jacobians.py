"""Jacobians of small values, as matrices: those of each use of a value, and those of whole nets.

The Jacobian of y with respect to x has a row for each entry of y and a column for each entry of x.
It holds how fast the one grows with the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from ..engine.backward import Step, sweep
from ..engine.mode import Mode, mode
from ..errors import listed
from .graph import Vertex
from .links import Links
from .values import number

MOST_IN_JACOBIAN = 24  # that a value may have, so that a page holds its Jacobian
_MOST_IN_GRAPH = 500  # that a graph may have, so that a page holds any
_DIGITS, _MOST_COLUMNS = 3, 8  # a matrix with more columns has a digit less
_MOST_LISTED = 8  # different singular values in a sentence
_NEARLY_ZERO = 1e-3  # as a part of the largest singular value
_ZERO = 1e-12  # the same, up to rounding


class Whole(NamedTuple):
    """The Jacobian of a value y with respect to an input x, both by id, and a sentence about it."""

    y: str
    x: str
    matrix: np.ndarray
    sentence: str


def data_of_jacobians(
    links: Links, swept: Sequence[Step], names: Mapping[str, str]
) -> dict[str, Any]:
    """Return all Jacobians of a story, as the page takes them.

    A matrix is a text of its numbers, row by row; a diagonal matrix of more than one row is given
    by its diagonal alone.
    """
    with np.errstate(all="ignore"):  # an infinity may be among the numbers
        uses = jacobians_of_uses(links, swept)
        wholes = [*whole_jacobians(links, uses, names)]
        return {
            "most": MOST_IN_JACOBIAN,
            "uses": {edge: None if m is None else _as_text(m) for edge, m in uses.items()},
            "wholes": [
                {"y": one.y, "x": one.x, "entries": _as_text(one.matrix), "said": one.sentence}
                for one in wholes
            ],
        }


def _as_text(matrix: np.ndarray) -> str:
    """Write a matrix for the page. A number that is small beside the largest becomes ``~``."""
    entries, columns = matrix, matrix.shape[1]
    if len(matrix) == columns and not np.any(matrix[~np.eye(columns, dtype=bool)]):
        entries = np.diag(matrix)
    digits = _DIGITS if columns <= _MOST_COLUMNS else _DIGITS - 1
    limit = _NEARLY_ZERO * np.max(np.abs(entries), where=np.isfinite(entries), initial=0.0)
    return " ".join(
        "~" if 0 < abs(value) < limit else f"{value + 0.0:.{digits}g}"  # no -0
        for value in entries.ravel().tolist()
    )


def jacobians_of_uses(links: Links, swept: Sequence[Step]) -> dict[str, np.ndarray | None]:
    """Return the Jacobian of each use that a gradient flows through, by the id of its edge.

    The rule that the backward runs gives each row, for a cotangent that is 1 in one entry and 0 in
    the others. A value of more than 24 entries has None, and so has all of a large graph.
    """
    found: dict[str, np.ndarray | None] = {}
    small = len(links.nodes) <= _MOST_IN_GRAPH
    for step in swept:
        edges = {edge.position: edge.id for edge in links.into(links.ids[step.node.number])}
        used = {edges[message.position]: message.operand for message in step.messages}
        found |= dict.fromkeys(used)
        if small and 0 < step.node.size <= MOST_IN_JACOBIAN and _any_small(used.values()):
            rows = _rows_of_rules(step.node)
            for (edge, operand), *columns in zip(used.items(), *rows, strict=True):
                if 0 < operand.size <= MOST_IN_JACOBIAN:
                    found[edge] = np.array(columns, float)
    return found


def _any_small(operands: Any) -> bool:
    return any(0 < operand.size <= MOST_IN_JACOBIAN for operand in operands)


def _rows_of_rules(node: Any) -> list[list[np.ndarray]]:
    """Return a row of the Jacobian with respect to each operand, for each entry of a node."""
    rows, before = [], mode.get()
    try:
        mode.set(Mode())  # nobody watches these gradients
        for one in np.eye(node.size, dtype=node.dtype):
            step = next(iter(sweep(node, one.reshape(node.shape))))
            rows.append([np.ravel(message.gradient) for message in step.messages])
    finally:
        mode.set(before)
    return rows


def whole_jacobians(
    links: Links, uses: Mapping[str, np.ndarray | None], names: Mapping[str, str]
) -> Iterator[Whole]:
    """Yield the Jacobians with respect to inputs from which more than one use leads on.

    Each input gives one for every value of its own shape, and one for the result. They are sums of
    products of the Jacobians of the ``uses``, as the chain rule says. A value of a single entry has
    none, because its Jacobian is a gradient.
    """
    nodes = [node for node in links.nodes.values() if 1 < node.value.size <= MOST_IN_JACOBIAN]
    for x in (node for node in nodes if node.role == "input"):
        found = _chained(links, uses, x)
        for y in nodes:
            told = y.value.shape == x.value.shape or y.id == links.root
            edges = [edge for edge in links.into(y.id) if edge.id in uses]
            direct = len(edges) == 1 and edges[0].source == x.id
            if told and not direct and y is not x and (matrix := found.get(y.id)) is not None:
                yield Whole(y.id, x.id, matrix, _seen_and_blind(matrix, y, x, nodes, names))


def _chained(
    links: Links, uses: Mapping[str, np.ndarray | None], x: Vertex
) -> dict[str, np.ndarray | None]:
    """Return the Jacobian of everything that depends on x, by id; None if a part is unknown."""
    found: dict[str, np.ndarray | None] = {x.id: np.eye(x.value.size)}
    for id in links.nodes:
        edges = [e for e in links.into(id) if e.id in uses and e.source in found]
        parts = [_one_way(uses[edge.id], found[edge.source]) for edge in edges]
        if parts:
            known = [part for part in parts if part is not None]
            found[id] = sum(known[1:], known[0]) if len(known) == len(parts) else None
    return found


def _one_way(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    return None if a is None or b is None else a @ b


def _seen_and_blind(
    matrix: np.ndarray, y: Vertex, x: Vertex, nodes: Sequence[Vertex], names: Mapping[str, str]
) -> str:
    """Say what the singular values are, and in which directions y does not see x."""
    if not np.all(np.isfinite(matrix)):
        return ""
    sizes = np.linalg.svd(matrix, compute_uv=False)
    texts = [number(size if size > _ZERO * sizes[0] else 0.0) for size in sizes]
    counts = [(text, len([*same])) for text, same in groupby(texts)]
    shown = listed(f"{text} ({n} times)" if n > 1 else text for text, n in counts)
    if len(counts) > _MOST_LISTED:
        shown = f"{len(sizes)} from {texts[0]} down to {texts[-1]}"
    said = f"Singular values: {shown}."
    blind = x.value.size - int(np.sum(sizes > _NEARLY_ZERO * sizes[0]))
    if not blind:
        return said
    where = _blind_directions(matrix, x, nodes, names, blind)
    name, other = names[y.id], names[x.id]
    ways = f"{blind} of {x.value.size} directions"
    return f"{said} In {ways} {name} hardly moves with {other}{where}."


def _blind_directions(
    matrix: np.ndarray, x: Vertex, nodes: Sequence[Vertex], names: Mapping[str, str], blind: int
) -> str:
    """Name directions of x that the matrix sends to (nearly) 0: 1, and values of the same shape.

    They are directions of the whole of x, or those of each column, or of each row.
    """
    alike = [node for node in nodes if node.name and node.function]
    alike = [node for node in alike if node.value.shape == x.value.shape]
    known = {"1 (all entries alike)": np.ones(x.value.shape)}
    known |= {names[node.id]: node.value for node in sorted(alike, key=lambda n: len(names[n.id]))}
    best: tuple[list[str], int, str] = [], 0, ""
    for place, masks in _masks_of(x.value.shape).items():
        chosen: list[str] = []
        vectors = np.empty((0, x.value.size))
        for name, value in known.items():
            more = np.array([np.ravel(value * mask) for mask in masks], float)
            more /= np.linalg.norm(more, axis=1, keepdims=True) + (more == 0).all(1, keepdims=True)
            if _are_blind(matrix, more) and np.all(np.abs(vectors @ more.T) < _NEARLY_ZERO):
                chosen, vectors = [*chosen, f"along {name}"], np.vstack([vectors, more])
        if len(vectors) > best[1]:
            best = chosen, len(vectors), place
    if not best[0]:
        return ""
    return f"{':' if best[1] == blind else ', such as'} {listed(best[0])}{best[2]}"


def _are_blind(matrix: np.ndarray, directions: np.ndarray) -> bool:
    """Return whether the matrix sends all these directions, each of length 1, to (nearly) 0."""
    sent = np.linalg.norm(directions @ matrix.T, axis=1)
    return bool(
        directions.any(1).all() and np.all(sent <= _NEARLY_ZERO * np.linalg.norm(matrix, 2))
    )


def _masks_of(shape: tuple[int, ...]) -> dict[str, list[np.ndarray]]:
    """Return the masks of the whole of an array, and of each column and row of a matrix."""
    whole = {"": [np.ones(shape)]}
    if len(shape) != 2:
        return whole
    rows, columns = np.eye(shape[0])[:, :, None], np.eye(shape[1])[:, None, :]
    return whole | {", in each column": [*columns], ", in each row": [*rows]}
