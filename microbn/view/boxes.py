"""The boxes of a drawing: their texts, how large they are, and which way the graph reads best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .graph import Vertex
from .names import greek
from .phrases import constant_in_words
from .values import lined_up, low_mean_high, number

# The texts of a box side by side: its title alone, then below it the value and the gradient.
Columns = list[list[str]]
Room = list[tuple[int, int]]  # for each column how many characters and lines it takes


class Size(NamedTuple):
    """A size in points."""

    width: float
    height: float


SCREEN = Size(1280, 720)
CAPTION_LINE = 18  # points that a line of the caption takes
_GAPS = Size(18, 22)  # between the boxes of a rank, and between two ranks; as in dot.py


def box_columns(node: Vertex, values: bool, grads: bool) -> Columns:
    """Return the text of a box: a title, and below it the value and the gradient side by side."""
    if node.role == "group" and not node.function:
        count = len(node.members)
        return [[f"▸ {greek(node.name)}   {count} value{'s' * (count != 1)}"]]
    if node.role == "constant" and node.value.ndim == 0:
        return [[constant_in_words(node)]]
    name = greek(node.name) or ("" if node.sign else node.role)
    name = constant_in_words(node) if node.role == "constant" else name
    name = f"▸ {name}".rstrip() if node.members else name
    shape = "" if node.value is None else str(node.value.shape)
    title = "   ".join(dict.fromkeys(part for part in (name, node.sign, shape) if part))
    columns = [["value", *_rows(node.value)]] if values else []
    if grads and node.role != "constant":
        columns.append(["gradient", *_rows(node.gradient)])
    return [[title], *columns]


def room_of(columns: Columns) -> Room:
    """Return the room that the columns of a box take."""
    return [(max(map(len, column)), len(column)) for column in columns]


def room_for_all(rooms: Iterable[Room]) -> Room:
    """Return the room that is enough for the same box at every step."""
    return [tuple(map(max, zip(*sizes, strict=True))) for sizes in zip(*rooms, strict=True)]


def box_lines(columns: Columns, room: Room | None = None) -> list[str]:
    """Set the columns of a box side by side. With a room they are padded to fill it."""
    [[title], *numbers], [(widest, _), *rooms] = columns, room or room_of(columns)
    height = max((lines for _, lines in rooms), default=0)
    padded = [
        [cell.ljust(width) for cell in [*column, *[""] * (height - len(column))]]
        for column, (width, _) in zip(numbers, rooms, strict=True)
    ]
    lines = [title, *map(" │ ".join, zip(*padded, strict=True))]
    whole = max(widest, *map(len, lines))
    return [line.ljust(whole) if room else line.rstrip() for line in lines]


def size_of_box(lines: Sequence[str]) -> Size:
    """Return about how large Graphviz makes a box with these lines."""
    return Size(max(map(len, lines)) * 6.6 + 15, len(lines) * 13 + 9)


def sizes_by_direction(
    boxes: Mapping[str, Size], ends: Iterable[tuple[str, str]]
) -> dict[str, Size]:
    """Estimate how large the graph becomes from left to right, "LR", and from top to bottom, "TB".

    ``ends`` are the sources and targets of the arrows, and sources come first among the boxes. The
    graph is as long as all ranks, and as broad as the broadest.
    """
    ranks = _ranks(boxes, ends)
    members: dict[int, list[Size]] = {}
    for id, rank in ranks.items():
        members.setdefault(rank, []).append(boxes[id])
    found = {}
    for direction, along, across in (("LR", 0, 1), ("TB", 1, 0)):
        length = sum(max(box[along] for box in rank) + _GAPS.height for rank in members.values())
        breadth = max(sum(box[across] + _GAPS.width for box in rank) for rank in members.values())
        found[direction] = Size(*(length, breadth)[:: 1 - 2 * along])
    return found


def _ranks(boxes: Iterable[str], ends: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Return the rank of each box: one after the last of its sources.

    A box with no more sources than users stands just before the first of its users, as in Graphviz,
    which makes the arrows short.
    """
    sources: dict[str, list[str]] = {id: [] for id in boxes}
    users: dict[str, list[str]] = {id: [] for id in boxes}
    for source, target in ends:
        sources[target].append(source)
        users[source].append(target)
    ranks: dict[str, int] = {}
    for id in sources:
        ranks[id] = 1 + max((ranks.get(source, 0) for source in sources[id]), default=0)
    for id in reversed(sources):
        if len(sources[id]) <= len(users[id]) > 0:
            ranks[id] = max(ranks[id], min(ranks[user] for user in users[id]) - 1)
    return ranks


def larger_direction(sizes: Mapping[str, Size], lines: int) -> str:
    """Return the direction in which the text is larger on a screen of 1280 × 720.

    ``lines`` is how many lines the caption has, which stands below.
    """
    return max(
        sizes,
        key=lambda direction: min(
            1.0,
            SCREEN.width / sizes[direction].width,
            SCREEN.height / (sizes[direction].height + lines * CAPTION_LINE),
        ),
    )


def _rows(array: np.ndarray | None) -> list[str]:
    """Write up to a dozen entries, a line for each row; of a larger array its mean and range."""
    if array is None:
        return ["–"]
    if not array.size:
        return ["empty"]
    if array.size > 12 or array.ndim > 2:
        low, mean, high = low_mean_high(array)
        return [f"mean {mean}", f"{low} … {high}"]
    cells = lined_up([[number(v) for v in row] for row in np.atleast_2d(array)])
    width = max(len(cell) for row in cells for cell in row)
    return ["  ".join(cell.rjust(width) for cell in row) for row in cells]
