"""A story's page as a widget, whose traits are what its reader does; it needs anywidget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import need_package
from ..errors import ArgumentError, RangeError, ShapeError, listed
from .live import Live
from .page import encodable, page_in_pieces
from .story import Story

AnyWidget: Any = need_package("anywidget", "notebook", "microbn.view.widget").AnyWidget
traitlets = need_package("traitlets", "notebook", "microbn.view.widget")
_FRONT_END = Path(__file__).with_name("page") / "widget.js"


class StoryWidget(AnyWidget):
    """The page of a story in a notebook. The page counts: the traits are what it shows."""

    _esm = _FRONT_END.read_text(encoding="utf-8")
    _page = traitlets.Unicode().tag(sync=True)
    step = traitlets.Int().tag(sync=True)
    selected = traitlets.Unicode().tag(sync=True)
    inputs = traitlets.Dict().tag(sync=True)

    def __init__(self, story: Story) -> None:
        live = Live(story.steps)
        data: dict[str, Any] = {
            name: [*value] if isinstance(value, Iterator) else value
            for name, value in story.pieces(live)
        }
        self.story, self._called = story, Called(story, data["live"])
        data["widget"] = {"values": self._called.values, "inputs": [*self._called.inputs]}
        pieces = page_in_pieces(story.title, data.items(), live.script, "notebook.js")
        super().__init__(_page="".join(pieces))

    def __repr__(self) -> str:
        return f"StoryWidget({self.story!r}: step {self.step})"

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the widget, and the frame of a story for whoever cannot show a widget."""
        data, metadata = super()._repr_mimebundle_(**options)
        return {**data, "text/html": self.story._repr_html_()}, metadata

    @traitlets.validate("step")
    def _check_step(self, proposal: Any) -> int:
        if 0 <= (step := proposal["value"]) < len(self.story):
            return step
        raise RangeError(
            f"widget: there is no step {step}; the story has steps 0 to {len(self.story) - 1}"
        )

    @traitlets.validate("selected")
    def _check_selected(self, proposal: Any) -> str:
        return self._called.value(proposal["value"])

    @traitlets.validate("inputs")
    def _check_inputs(self, proposal: Any) -> dict[str, Any]:
        given = proposal["value"].items()
        return {name: self._called.numbers(name, array) for name, array in given}


class Called:
    """Name the values of a story, and the leaves that can be changed, as the widget calls them.

    A value that shares its name with another is called by its id, such as n3. ``values`` are the
    names by the ids, and ``inputs`` are the leaves by their names, as the page has them.
    """

    def __init__(self, story: Story, live: Mapping[str, Any]) -> None:
        root = story.graph.nodes[-1].id
        words = {id: name.split(" = ")[0] for id, name in story.names.items()}  # as its cells say
        if root in story.gradient_names:
            words[f"d{root}"] = story.gradient_names[root]
        times = Counter(words.values())
        own = {id for id, word in words.items() if times[word] == 1 and word not in words}
        called = {id: encodable(word) if id in own else id for id, word in words.items()}
        self.values = {node.id: called[node.id] for node in story.graph.nodes}
        self.why = live["why"]
        self.inputs = {
            called[f"d{one['node']}" if one["kind"] == "cotangent" else one["node"]]: one
            for one in live.get("inputs", ())
        }

    def value(self, name: str) -> str:
        """Return the name of a value that is given by its name or id; "" is none."""
        if name and name not in self.values.values():
            if name not in self.values:
                some = listed([*self.values.values()][:12])
                raise ArgumentError(f"widget: no value is called {name!r}; there are {some}")
            return self.values[name]
        return name

    def numbers(self, name: str, given: Any) -> Any:
        """Return new numbers for a leaf as nested lists, as the page takes them."""
        if name not in self.inputs:
            why = self.why or f"these can be: {listed(self.inputs)}"
            raise ArgumentError(f"widget: {name!r} cannot be changed; {why}")
        leaf, array = self.inputs[name], _checked_numbers(name, given)
        if leaf["refused"]:
            raise ArgumentError(f"widget: {name} stays as it is: {leaf['refused']}")
        if array.shape != (shape := tuple(leaf["shape"])):
            raise ShapeError(f"widget: {name} has shape {shape}, but {array.shape} was given")
        return array.tolist()


def _checked_numbers(name: str, given: Any) -> np.ndarray:
    with suppress(TypeError, ValueError):
        array = np.array(given)
        if array.dtype.kind in "fiu" and np.isfinite(array).all():
            return array.astype(float)
    raise ArgumentError(f"widget: {name} takes an array of finite real numbers, got {given!r:.60}")
