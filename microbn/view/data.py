"""A story as lists, dicts, numbers and text that JSON can hold. The page is made from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..reading.signs import BOX_SIGNS
from .glossary import glossary
from .graph import Graph
from .jacobians import data_of_jacobians
from .live import Live
from .steps import Part, StoryStep
from .teller import Steps
from .values import MOST_BOXES, MOST_LEAVES, NEAR_BOXES, ROLE_COLOURS, SHOWN, Tables


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
    yield "most", {"boxes": MOST_BOXES, "near": NEAR_BOXES, "leaves": MOST_LEAVES, **SHOWN}
    yield "words", glossary()
    yield "operators", BOX_SIGNS
    yield (
        "nodes",
        (
            {
                **{word: getattr(node, word) for word in ("id", "sign", "role", "scope")},
                "name": names[node.id],
                "gradientName": gradient_names.get(node.id),
                "value": tables.add(node.value, what=("value", node.id)),
            }
            for node in graph.nodes
        ),
    )
    uses = ("id", "source", "target", "position", "uses")
    yield "edges", ({word: getattr(edge, word) for word in uses} for edge in graph.edges)
    yield "jacobians", data_of_jacobians(steps.links, steps.swept, names)
    yield "steps", (_data_of_step(step, tables, steps.noise) for step in steps)
    yield "tables", iter(tables)
    if live:
        yield "live", live.data(tables.numbers)


def _data_of_step(step: StoryStep, tables: Tables, noise: Mapping[str, float]) -> dict[str, Any]:
    words = ("phase", "nodes", "edges", "reads", "sentence", "code", "math")
    return {
        **{word: getattr(step, word) for word in words},
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
    words = ("edge", "receiver", "rule", "summed", "received", "expected", "count", "pattern")
    numbers, terms = ("earlier", "product", "gradient", "total"), part.terms()
    return {
        **{word: getattr(part, word) for word in words},
        **{
            word: tables.add(terms.get(word), noise[part.receiver], (word, part.edge))
            for word in numbers
        },
    }


def _where_it_ran(step: StoryStep) -> str:
    """Say where the line is that ran, and where it was called, if it is microbn's own."""
    lines = dict.fromkeys(line for line in (step.ran, step.line) if line)
    return ", called at ".join(line.place for line in lines)
