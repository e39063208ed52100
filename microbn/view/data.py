"""A story as lists, dicts, numbers and text: what the page is given."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ..reading.trace import Line
from .graph import Node
from .values import Tables
from .words import SIGNS

if TYPE_CHECKING:
    from .steps import Part, StoryStep
    from .story import Story


def data(story: Story) -> dict[str, Any]:
    """All of a story, for JSON. An array is its number among the ``tables``, each a `Table`."""
    tables = Tables()
    return {
        "title": story.title,
        "starts": story.starts,
        "nodes": [_node(story, node, tables) for node in story.graph.nodes],
        "edges": [asdict(edge) for edge in story.graph.edges],
        "steps": [_step(step, tables) for step in story],
        "tables": tables.rows,
    }


def _node(story: Story, node: Node, tables: Tables) -> dict[str, Any]:
    return {
        "id": node.id,
        "name": story.names[node.id],
        "gradientName": story.gradient_names.get(node.id),
        "sign": SIGNS.get(node.function, node.function),
        "role": node.role,
        "scope": node.scope,
        "value": tables.add(node.value),
    }


def _step(step: StoryStep, tables: Tables) -> dict[str, Any]:
    return {
        "phase": step.phase,
        "nodes": step.nodes,
        "reads": step.reads,
        "sentence": step.sentence,
        "gradient": tables.add(step.gradient),
        "parts": [_part(part, tables) for part in step.parts],
        "line": step.line and _line(step.line),
        "code": step.code,
    }


def _part(part: Part, tables: Tables) -> dict[str, Any]:
    words = ("edge", "receiver", "rule", "summed", "received", "expected")
    return {
        **{word: getattr(part, word) for word in words},
        "product": tables.add(part.product if part.summed else None),
        "gradient": tables.add(part.gradient),
        "total": tables.add(part.total if part.received > 1 else None),
    }


def _line(line: Line) -> dict[str, Any]:
    inside = line.inside and _line(line.inside)
    return {"file": line.file, "number": line.number, "inside": inside}
