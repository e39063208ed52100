"""A story in a notebook that the notebook's code follows, and can move."""

from __future__ import annotations

from typing import Any

from ..errors import DTypeError
from .story import Story


def widget(story: Story) -> Any:
    """Return the page of a story as a widget for Jupyter, marimo and VS Code.

    The widget has three traits. Each follows the page, and the page follows each:

    - ``step`` is the number of the step that is shown.
    - ``selected`` is the name of the value that was chosen last, by a click on its box or in a cell
      of its table, or "" if none was. If it is set, the page goes to the step of that value.
    - ``inputs`` has the numbers of each leaf that was changed, as nested lists by the leaf's name:
      ``{"γ": [2.0, 1.0, 1.0]}``. If it is set, to lists or arrays, the page changes these leaves,
      and all others are as at first. ``{}`` resets the page. Set it as a whole: what is
      assigned to one of its entries reaches no page.

    A value that shares its name with another is called by its id, such as "n3". ``observe`` calls
    a function when a trait changes, as for every widget.

    Raises MissingPackageError without anywidget, and DTypeError for anything but a story. A trait
    raises RangeError for a step that does not exist, ArgumentError for an unknown name and for what
    cannot be changed, and ShapeError for an array that does not fit.
    """
    if not isinstance(story, Story):
        raise DTypeError(
            "widget: takes a story, as microbn.story(root) returns it, not a "
            f"{type(story).__name__}"
        )
    from .synced import StoryWidget  # on first need, because it needs anywidget

    return StoryWidget(story)
