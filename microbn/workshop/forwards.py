"""This runs in the page: it tells where a forward computes something else than the starter's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from copy import deepcopy
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from ..cli.targets import by_hand, find
from ..testing.checker.inputs import name_of
from ..testing.checker.report import told_apart
from ..testing.checker.variables import variables_of_last

Values = tuple[Mapping[str, Any], Mapping[str, Any]]  # variables and outputs, by name


def change_since(
    starter: str, f: Any, where: Path, inputs: Sequence[str], given: Sequence[Any]
) -> str:
    """Return a sentence if the forward of ``f`` computes something else than the starter's, or "".

    A check cannot tell: it compares a backward with the forward that stands there. The sentence
    names the first value that differs. Nothing is said of a starter that cannot be run, or that
    draws random numbers. ``where`` is FILE:NAME, as the starter's file is to be called.
    """
    if not (starter and by_hand(f)):
        return ""
    file = where.with_name(where.name.partition(":")[0])
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        try:
            file.parent.mkdir(exist_ok=True)
            file.write_text(starter, encoding="utf-8")
            first, _ = find(str(where), inputs)
            old, once_more, new = (_computed_by(g.forward, given) for g in (first, first, f))
        except (Exception, SystemExit):
            return ""
    if _difference(old, once_more) or not (words := _difference(old, new)):
        return ""
    return (
        f"Your {name_of(f.forward)} computes something else than at the beginning: {words}. "
        "The check compares your backward with your own forward."
    )


def _computed_by(forward: Any, given: Sequence[Any]) -> Values:
    """Run a forward on copies of its inputs. Return what it computes."""
    with variables_of_last() as variables:
        result = forward(*deepcopy([*given]))
    outputs = result[:-1] if isinstance(result, tuple) and len(result) > 1 else (result,)
    names = ["output"] if len(outputs) == 1 else [f"output {i + 1}" for i in range(len(outputs))]
    return variables, dict(zip(names, outputs, strict=True))


def _difference(old: Values, new: Values) -> str:
    """Name the first value that differs, or return "" if the outputs agree."""
    if len(old[1]) != len(new[1]):
        return f"the number of outputs was {len(old[1])} and is {len(new[1])}"
    on_the_way, at_the_end = (
        [words for name in was if name in now and (words := _of_two(name, was[name], now[name]))]
        for was, now in zip(old, new, strict=True)
    )
    return [*on_the_way, *at_the_end][0] if at_the_end else ""


def _of_two(name: str, old: Any, new: Any) -> str:
    old, new = np.asarray(old), np.asarray(new)
    if old.dtype.kind not in "fiub" or new.dtype.kind not in "fiub":
        return ""
    if old.shape != new.shape:
        return f"the shape of {name} was {old.shape} and is {new.shape}"
    far = ~np.isclose(new, old, rtol=1e-9, atol=1e-12, equal_nan=True)
    if not far.any():
        return ""
    if old.dtype != new.dtype:
        return f"{name} was {old.dtype} and is {new.dtype}"
    at = tuple(int(i) for i in np.argwhere(far)[0])
    was, now = told_apart(float(old[at]), float(new[at]), least=6)
    return f"{name}{[*at] if at else ''} was {was} and is {now}"
