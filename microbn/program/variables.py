"""The variables of a program: a name in Python for each node of a graph."""

from __future__ import annotations

import keyword
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any

from ..engine.names import OneCall
from ..engine.node import is_node
from ..reading.tape import places
from .literals import identifier


def variables(
    nodes: Sequence, named: Mapping[int, str], taken: Collection[str] = keyword.kwlist
) -> dict[int, str]:
    """Map the number of each node to its variable: its name or, without one, a numbered word.

    ``x_hat2`` is the second value of that name, and ``x_hat_1`` is a value on the way to the first.
    A value on the way to several things is numbered within its group, ``layers_1_2``. Without a
    group it is ``v_2``, or ``g_2`` in a gradient.
    """
    words = _words_for(nodes, named)
    names, used = {}, {*taken}
    numbers: dict[tuple, Iterator[int]] = defaultdict(partial(count, 1))
    for node in sorted(nodes, key=lambda node: node.number not in named):
        word = name = words[node.number]
        while name in used or (name == word and node.number not in named):
            number = next(numbers[word, node.number in named])
            name = f"{word}{number + 1}" if node.number in named else f"{word}_{number}"
        used.add(name)
        names[node.number] = name
    return names


def _words_for(nodes: Sequence, named: Mapping[int, str]) -> dict[int, str]:
    """Map each node to its name, to the word of the one thing it leads to, or to its group."""
    words: dict[int, str] = {}
    users: dict[int, set[str]] = defaultdict(set)
    for node in reversed(nodes):
        ways = users[node.number]
        word = named.get(node.number) or (ways.pop() if len(ways) == 1 else _group(node))
        words[node.number] = identifier(word)
        for x in filter(is_node, node.inputs):
            users[x.number].add(words[node.number])
    return words


def _group(node: Any) -> str:
    if node.role == "gradient":
        return ".".join(("d", *node.scope[1:])) if node.scope[1:] else "g"
    return ".".join(node.scope) or "v"


def paths(nodes: Sequence) -> dict[int, str]:
    """Map each node that has a name to that name, with its groups in front: ``layers.1.x_hat``.

    A parameter is in the group of the first node that uses it. The gradient of layers.1.x_hat is
    called d.layers.1.x_hat.
    """
    scopes, found = places(nodes), {}
    for node in nodes:
        if node.name:
            scope = scopes.get(node.number, node.scope)
            path = [*(part for part in scope if not isinstance(part, OneCall)), node.name]
            if node.role == "gradient":
                path = ["d", *path[1:-1], node.name.removeprefix("d_")]
            found[node.number] = ".".join(path)
    return found
