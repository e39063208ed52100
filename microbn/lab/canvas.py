"""An empty figure in the style of a lecture: 1280 × 720 pixels, to be read from the back row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from ..arguments import need_package

STYLE = str(files(__package__) / "lecture.mplstyle")


@contextmanager
def canvas(title: str, show: bool, style: Any = None) -> Iterator[Any]:
    """Make a figure in the style of a lecture, and lay it out while that style holds."""
    mpl = need_package("matplotlib", "", "a figure")
    from matplotlib.figure import Figure

    with mpl.rc_context(fname=STYLE, rc=style):
        if show:
            import matplotlib.pyplot as plt  # it looks for a screen, and so it waits until asked

            figure: Any = plt.figure()
        else:
            figure = Figure()
        figure.suptitle(title)
        yield figure
        figure.draw_without_rendering()
