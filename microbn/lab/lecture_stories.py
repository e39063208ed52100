"""The stories of a lecture: a page in a frame that keys lead through, or a picture of each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import ArgumentError
from ..view.beside import Beside
from ..view.film import Film
from ..view.slides import Slide
from ..view.stills import Stills
from ..view.story import Story
from ..view.teller import Steps
from .lecture_bodies import framed_body

Shown = Story | Film | Beside

_MOST_PRINTED = 4  # pictures of a story in a frame


def stops_of(entry: Mapping[str, Any], shown: Shown) -> list[int]:
    """Return the steps that a slide shows, one for each press. Of a film, they are training steps.

    Raises ArgumentError for a step that is not there.
    """
    if "steps" in entry and "stops" in entry:
        raise ArgumentError("it has both steps and stops; steps are all from the first to the last")
    first, last = entry.get("steps", (0, len(shown) - 1))
    stops = entry.get("stops", [*range(first, last + 1)])
    if not stops or min(first, *stops) < 0 or max(last, *stops) >= len(shown):
        given = f"stops = {stops}" if "stops" in entry else f"steps = [{first}, {last}]"
        kind = "training steps" if isinstance(shown, Film) else "steps"
        raise ArgumentError(f"{given}, but {entry['story']} has the {kind} 0 to {len(shown) - 1}")
    return stops


def is_live(entry: Mapping[str, Any], shown: Shown) -> bool:
    """Return whether a slide holds a page that keys lead through.

    Raises ArgumentError for what a picture cannot show.
    """
    live = entry.get("live", not isinstance(shown, Story))
    if not live and not isinstance(shown, Story):
        raise ArgumentError("a training and two stories in step are live; leave out live = false")
    if not live and "jacobian" in entry:
        raise ArgumentError("jacobian needs the story's own page: live = true")
    if "opens" in entry and not isinstance(shown, Film):
        raise ArgumentError("opens is for a training; a story begins at the first of its steps")
    return live


def story_frame(entry: Mapping[str, Any], page: int, shown: Shown, stops: Sequence[int]) -> str:
    """Return a frame for a page, which each press leads to the next of the ``stops``."""
    leads = [{"at": stop} for stop in stops]
    if isinstance(shown, Film):
        leads = [{"at": _opening(entry, shown), "training": stop} for stop in stops]
    opens = {"jacobian": True} if entry.get("jacobian") else {}
    return framed_body(entry["title"], page, leads, **opens)


def handout(entry: Mapping[str, Any], shown: Shown, stops: Sequence[int]) -> list[str]:
    """Return the pictures that are printed in the place of a frame, four at most."""
    if isinstance(shown, Film):
        at = _opening(entry, shown)
        return [stills_of(shown[n]).svg(at) for n in _few_of(stops, _MOST_PRINTED)]
    if isinstance(shown, Beside):
        sides = stills_of(shown.left), stills_of(shown.right)
        pairs = [shown.pairs[n] for n in _few_of(stops, _MOST_PRINTED // 2)]
        return [side.svg(n) for pair in pairs for side, n in zip(sides, pair[:2], strict=True)]
    if "stops" in entry:
        numbers = _few_of(stops, _MOST_PRINTED)
    else:
        numbers = telling_steps(shown.steps, stops[0], stops[-1])
    stills = stills_of(shown)
    return [stills.svg(number) for number in numbers]


def _opening(entry: Mapping[str, Any], film: Film) -> int:
    """Return the step that a film opens at: by default the one that computes the loss."""
    at, last = entry.get("opens", film[0].starts["backward"] - 1), len(film[0]) - 1
    if not 0 <= at <= last:
        raise ArgumentError(f"opens = {at}, but {entry['story']} has the steps 0 to {last}")
    return at


def stills_of(story: Story) -> Stills:
    """Return the pictures of a story."""
    return Stills(story.graph, story.names, story.gradient_names, story.steps)


def _few_of(stops: Sequence[int], most: int) -> list[int]:
    """Return the first stop and the last, and others at equal distances, ``most`` at most."""
    many = min(most, len(stops))
    return [stops[round(n * (len(stops) - 1) / max(1, many - 1))] for n in range(many)]


def telling_steps(steps: Steps, first: int, last: int) -> list[int]:
    """Return the steps that a handout shows of a part of a story, four at most.

    These are the first step and the last, the one that computes the result, those that complete a
    sum of several parts, and if there is room, others at equal distances.
    """
    between = range(first + 1, last)
    result = steps.starts["backward"] - 1
    sums = (n for n in between if any(p.received == p.expected > 1 for p in steps[n].parts))
    others = (first + round((last - first) * share) for share in (1 / 3, 2 / 3, 1 / 2, 1 / 4))
    wanted = dict.fromkeys([first, last, result, *sums, *others])
    return sorted([n for n in wanted if first <= n <= last][:_MOST_PRINTED])


def still_slides(entry: Mapping[str, Any], story: Story, stops: Sequence[int]) -> Iterator[Slide]:
    """Yield a slide for each step, which share the minutes. The notes stand with the first."""
    minutes = entry["minutes"] / len(stops) if "minutes" in entry else None
    stills = stills_of(story)
    for number in stops:
        made = stills.slide(number, minutes)
        own = entry.get("notes", "") if number == stops[0] else ""
        yield Slide(f"{entry['title']}: {made.name}", made.body, f"{own}\n\n{made.notes}", minutes)
