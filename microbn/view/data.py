"""A story as lists, dicts, numbers and text that JSON can hold. The page is made from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..reading.signs import BOX_SIGNS
from .glossary import glossary
from .graph import Graph, Vertex
from .jacobians import data_of_jacobians
from .live import Live
from .steps import Part, StoryStep
from .teller import Steps
from .values import MOST_BOXES, MOST_LEAVES, MOST_OPEN, NEAR_BOXES, ROLE_COLOURS, SHOWN, Tables


def data_of_story(
    title: str,
    graph: Graph,
    names: Mapping[str, str],
    gradient_names: Mapping[str, str],
    steps: Steps,
    live: Live | None = None,
) -> Iterator[tuple[str, Any]]:
    """Yield all of a story in named pieces. An array is given by its number among the ``tables``.

    With ``live`` the page can change its numbers. The long pieces are iterators, so that no large
    story has to be in memory as a whole. They have to be read in order.
    """
    tables = Tables()
    found = {node.role for node in graph.nodes}
    yield "title", title
    yield "starts", steps.starts
    yield "roles", [role for role in ROLE_COLOURS if role in found]
    yield "composed", [[path, function] for path, function in graph.composed.items()]
    boxes = {"boxes": MOST_BOXES, "near": NEAR_BOXES, "open": MOST_OPEN}
    yield "most", {**boxes, "leaves": MOST_LEAVES, **SHOWN}
    yield "words", glossary()
    yield "operators", BOX_SIGNS
    called = ((node, names[node.id], gradient_names.get(node.id)) for node in graph.nodes)
    yield "nodes", (_data_of_node(*one, tables) for one in called)
    yield "edges", (_words_of(edge, "id source target position uses") for edge in graph.edges)
    yield "jacobians", data_of_jacobians(steps.links, steps.swept, names)
    yield "steps", (_data_of_step(step, tables, steps.noise) for step in steps)
    yield "tables", iter(tables)
    if live:
        yield "live", live.data(tables.numbers)


def _words_of(one: Any, words: str) -> dict[str, Any]:
    return {word: getattr(one, word) for word in words.split()}


def _data_of_node(
    node: Vertex, name: str, gradient_name: str | None, tables: Tables
) -> dict[str, Any]:
    return {
        **_words_of(node, "id sign role scope"),
        "name": name,
        "gradientName": gradient_name,
        "value": tables.add(node.value, what=("value", node.id)),
    }


def _data_of_step(step: StoryStep, tables: Tables, noise: Mapping[str, float]) -> dict[str, Any]:
    return {
        **_words_of(step, "phase nodes edges reads sentence code math"),
        "gradient": tables.add(
            step.gradient, noise.get(step.nodes[0], 0.0), ("gradient", step.nodes[0])
        ),
        "parts": [_data_of_part(part, tables, noise) for part in step.parts],
        "gradients": {
            id: tables.add(array, noise.get(id, 0.0)) for id, array in step.gradients.items()
        },
        "beside": [[title, tables.add(array)] for title, array in step.beside.items()],
        "place": _where_it_ran(step),
        "ran": step.ran and step.ran.number,
    }


def _data_of_part(part: Part, tables: Tables, noise: Mapping[str, float]) -> dict[str, Any]:
    numbers, terms = ("earlier", "product", "gradient", "total"), part.terms()
    return {
        **_words_of(part, "edge receiver rule summed received expected count pattern"),
        **{
            word: tables.add(terms.get(word), noise[part.receiver], (word, part.edge))
            for word in numbers
        },
    }


def _where_it_ran(step: StoryStep) -> str:
    """Say where the line is that ran, and where it was called, if it is microbn's own."""
    lines = dict.fromkeys(line for line in (step.ran, step.line) if line)
    return ", called at ".join(line.place for line in lines)
