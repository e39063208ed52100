"""The variables of a function that returned, and the lines of the user's code that set them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import CodeType
from typing import Any

from ...reading.instructions import stores
from ...reading.lines import Line, is_ours, place_in_file

_MOST_LINES = 3  # of a variable that is set more often, none is named


class Variables(dict[str, Any]):
    """Variables by name, but for parameters, of the function that has this code."""

    code: CodeType | None = None

    def lines(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Return the lines that set those variables which hold these values, by name."""
        found: dict[str, list[str]] = {}
        if not (code := self.code):
            return {}
        for name, at in stores(code):
            number = place_in_file(code, at)[0]
            if number and name in self and self[name] is values.get(name):
                found.setdefault(name, []).append(Line(code.co_filename, number).place)
        each = {name: [*dict.fromkeys(places)] for name, places in found.items()}
        return {name: ", ".join(p) for name, p in each.items() if len(p) <= _MOST_LINES}


@contextmanager
def variables_of_last() -> Iterator[Variables]:
    """Yield a dict for the variables, but for parameters, of the last function that returns."""
    found = Variables()

    def note(frame: Any, event: str, _: Any) -> None:
        if event == "return" and not is_ours(frame.f_code.co_filename):
            found.clear()
            found.code = frame.f_code
            took = frame.f_code.co_varnames[: frame.f_code.co_argcount]
            found.update({key: x for key, x in frame.f_locals.items() if key not in took})

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(before)
