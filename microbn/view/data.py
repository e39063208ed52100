"""A story as lists, dicts, numbers and text that JSON can hold. The page is made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .graph import Graph
from .steps import Part, StoryStep, first_steps
from .values import MOST_BOXES, MOST_LEAVES, NEAR_BOXES, ROLE_COLOURS, Tables


def data_of_story(
    title: str,
    graph: Graph,
    names: Mapping[str, str],
    gradient_names: Mapping[str, str],
    steps: Sequence[StoryStep],
) -> dict[str, Any]:
    """Return all of a story. An array is given by its number among the ``tables``."""
    tables = Tables()
    noise = {part.receiver: part.noise for step in steps for part in step.parts}  # the last one's
    found = {node.role for node in graph.nodes}
    return {
        "title": title,
        "starts": first_steps(steps),
        "roles": [role for role in ROLE_COLOURS if role in found],
        "composed": [[path, function] for path, function in graph.composed.items()],
        "most": {"boxes": MOST_BOXES, "near": NEAR_BOXES, "leaves": MOST_LEAVES},
        "nodes": [
            {
                **{word: getattr(node, word) for word in ("id", "sign", "role", "scope")},
                "name": names[node.id],
                "gradientName": gradient_names.get(node.id),
                "value": tables.add(node.value),
            }
            for node in graph.nodes
        ],
        "edges": [asdict(edge) for edge in graph.edges],
        "steps": [_data_of_step(step, tables, noise) for step in steps],
        "tables": tables.rows,
    }


def _data_of_step(step: StoryStep, tables: Tables, noise: Mapping[str, float]) -> dict[str, Any]:
    words = ("phase", "nodes", "edges", "reads", "sentence", "code", "math")
    return {
        **{word: getattr(step, word) for word in words},
        "gradient": tables.add(step.gradient, noise.get(step.nodes[0], 0.0)),
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
        **{number: tables.add(terms.get(number), noise[part.receiver]) for number in numbers},
    }


def _where_it_ran(step: StoryStep) -> str:
    """Say where the line is that ran, and where it was called, if it is microbn's own."""
    lines = dict.fromkeys(line for line in (step.ran, step.line) if line)
    return ", called at ".join(f"{Path(line.file).name}:{line.number}" for line in lines)
