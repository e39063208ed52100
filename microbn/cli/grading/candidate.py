"""The process of one hand-in: it loads the file, checks one exercise, and says what it found.

``python -P -m microbn.cli.grading.candidate`` reads the exercise from stdin. It takes stdout for
itself before the hand-in is loaded, so that nothing that the hand-in prints can be taken for a
result. Each line begins with a token that only the parent knows.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ...errors import ArgumentError, MicrobnError, listed
from ...testing import HandWritten, Report, gradcheck
from ...testing.checker.inputs import Inputs
from ..finding import named, parameters
from ..loading import load_file, users_code
from ..targets import with_values
from .guard import Muted, exchanged, functions_now, limit, watch_files, watch_imports

OF_A_GRADIENT = re.compile(r"the gradient for '([^']*)'")
REASON_LENGTH = 1500  # characters of a reason, so that a hand-in's own words cannot fill a table


class Channel:
    """The way to the parent: lines of JSON that begin with its token."""

    def __init__(self) -> None:
        self.job = json.loads(sys.stdin.buffer.readline())
        self._token = self.job.pop("token")
        self._file = os.fdopen(os.dup(1), "wb")
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)

    def send(self, **said: Any) -> None:
        """Send a message as a whole line."""
        self._file.write(f"{self._token} {json.dumps(said)}\n".encode())
        self._file.flush()

    def refuse(self, why: str) -> NoReturn:
        """Say why the exercise earns nothing, and end the process before the hand-in goes on."""
        self.send(refused=why, ends=True)
        os._exit(0)


def serve() -> NoReturn:
    """Check the exercises that stdin names. What the hand-in left for the end is not run."""
    channel = Channel()
    exercises, path = channel.job["exercises"], Path(channel.job["file"]).resolve()
    try:
        examples = [*map(_examples, exercises)]
    except Exception as error:
        channel.send(sheet=str(error))
        os._exit(1)
    intact = _guarded(channel, path)
    channel.send(ready=True)
    run = partial(_run, channel, path, intact)
    module = run(lambda: load_file(path), exercises[0], ends=True)
    channel.send(loaded=True)
    for exercise, drawn in zip(exercises, examples, strict=True):
        found = run(partial(_checks, module, exercise, drawn), exercise)
        if found is not None:
            channel.send(checked=found)
    os._exit(0)


def _guarded(channel: Channel, path: Path) -> Callable[[], None]:
    """Watch what the hand-in does. Return a function that refuses it if it exchanged another's."""
    muted: Any = Muted(channel.refuse)
    sys.stdout = sys.stderr = TextIOWrapper(muted, "utf-8", "backslashreplace", write_through=True)
    watch_imports(channel.refuse, channel.job["imports"], path)
    functions = functions_now()
    watch_files(channel.refuse, channel.job["kept"], path.parent)

    def need_intact() -> None:
        if name := exchanged(functions):
            channel.refuse(f"it replaces the function {name}; give yours another name")

    return need_intact


def _run(
    channel: Channel,
    path: Path,
    intact: Callable[[], None],
    work: Callable[[], Any],
    exercise: dict[str, Any],
    ends: bool = False,
) -> Any:
    """Run the hand-in's code within the limits of an exercise, and say what it raises."""
    megabytes, within = channel.job["megabytes"], f"{path.name}:{exercise['target']}"
    where = str(path.with_name(within))
    limit(exercise["seconds"], megabytes)
    try:
        with users_code(where):
            result = work()
        intact()
        return result
    except BaseException as error:
        intact()
        words = _raised(error, megabytes).replace(where, path.name if ends else within)
        channel.send(refused=words[:REASON_LENGTH], ends=ends)
        if ends:
            os._exit(1)


def _checks(module: Any, exercise: dict[str, Any], drawn: list) -> list[dict[str, Any]]:
    """Check an exercise at all its inputs, and return what each check found."""
    np.random.seed(0)  # noqa: NPY002 (for hand-ins that draw numbers)
    f: Any = named(module, exercise["target"])
    f = HandWritten(*f) if type(f) is tuple else f
    found = []
    for seed, draw in drawn or [(seed, _by_shapes(exercise)) for seed in exercise["seeds"]]:
        layer, inputs = draw(f, seed)
        report = gradcheck(layer, *inputs, seed=seed, hints=exercise["hints"])
        found.append(_found(report, layer, inputs))
    return found


def _by_shapes(exercise: dict[str, Any]) -> Callable[[Any, int], tuple[Any, list]]:
    """Return a function that draws inputs of the shapes of an exercise."""
    target, shapes = exercise["target"], exercise["inputs"]

    def draw(f: Any, seed: int) -> tuple[Any, list]:
        if not isinstance(f, type):
            _need_as_many(target, f, shapes)
        layer, drawn = with_values(target, f, shapes, np.random.default_rng(seed))
        return layer, [*drawn.values()]

    return draw


def _need_as_many(target: str, f: Any, given: Sequence[str]) -> None:
    """Raise ArgumentError for a forward that takes more or fewer inputs than the exercise has."""
    needed = [p.name for p in parameters(f) if p.default is p.empty]
    by_name = {text.partition("=")[0] for text in given if "=" in text}
    shapes = sum("=" not in text for text in given)
    if shapes != len({*needed} - by_name):
        raise ArgumentError(
            f"{target} takes ({', '.join(needed)}), and the exercise gives it {len(given)} "
            f"input{'s' * (len(given) != 1)}"
        )


def _examples(exercise: dict[str, Any]) -> list[tuple[int, Callable]]:
    """Draw all inputs of the strategies, before the hand-in is loaded. Without any, return []."""
    if not exercise["strategies"]:
        return []
    drawn = []
    try:
        for seed in exercise["seeds"]:
            for inputs in _drawn(exercise["strategies"], exercise["examples"], seed):
                _need_floats(inputs)
                drawn.append((seed, lambda f, seed, inputs=inputs: (f, inputs)))
    except Exception as error:
        given = ", ".join(f"{key} = {text!r}" for key, text in exercise["strategies"].items())
        words = f"{type(error).__name__}: {error}".replace(f"{ArgumentError.__name__}: ", "")
        raise ArgumentError(f"{exercise['target']}, {given}: {words}") from error
    return drawn


def _need_floats(inputs: Sequence) -> None:
    """Raise ArgumentError unless one of the inputs has a gradient."""

    def strategies(*_: Any) -> None: ...

    if not Inputs(strategies, inputs).values:
        raise ArgumentError(
            f"none of the inputs is an array of floats, got {listed(map(repr, inputs))[:60]}; "
            "write arrays((4, 3)) for one that gets a gradient"
        )


def _drawn(strategies: dict[str, str], count: int, seed: int) -> list[list]:
    import hypothesis

    from ...testing import strategies as ours
    from ...testing.given import drawn_inputs

    names = {**vars(hypothesis.strategies), **vars(ours), "np": np}
    wanted = {name: eval(text, names) for name, text in strategies.items()}
    found: list[list] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=[*hypothesis.HealthCheck],
    )
    @hypothesis.given(drawn_inputs(wanted))
    def keep(inputs: dict[str, Any]) -> None:
        found.append([*inputs.values()])

    keep()
    return found


def _found(report: Report, f: Any, inputs: Sequence) -> dict[str, Any]:
    """Say of each gradient, in the order of the inputs, whether it is right, and what is wrong."""
    right = {part.name: part.verdict == "agrees" and not part.bent for part in report.inputs}
    unfit = [name for fault in report.faults for name in OF_A_GRADIENT.findall(fault)]
    names = Inputs(f, inputs).names if isinstance(f, HandWritten) else right and [*right, *unfit]
    return {
        "gradients": {name: right.get(name, False) for name in names},
        "habits": all(OF_A_GRADIENT.search(fault) for fault in report.faults),
        "words": "" if report else _worded(report)[:REASON_LENGTH],
        "output": np.asarray(report.output).tolist() if report.output is not None else None,
    }


def _worded(report: Report) -> str:
    """Return the report in words, without the call that repeats it, which has the seed."""
    words = str(replace(report, again="")).removeprefix(f"gradcheck of {report.name}: ")
    bad = [repr(part.name) for part in report.inputs if part.verdict != "agrees"]
    which = f": {listed(bad)}" * (report.level == 0 and bool(bad))
    return "\n".join(line.strip() for line in words.splitlines()) + which


def _raised(error: BaseException, megabytes: int) -> str:
    """Say in a sentence what a hand-in raised."""
    cause = error.__cause__ or error
    words = str(error) if isinstance(error, MicrobnError) else f"{type(error).__name__}: {error}"
    words = words.replace("gradcheck: ", "")
    if isinstance(cause, MemoryError):
        return f"{words} (it may use {megabytes} MB)"
    if isinstance(cause, (SystemExit, KeyboardInterrupt)):
        return f"{words} (a hand-in must not end the program)"
    return words


if __name__ == "__main__":
    serve()
