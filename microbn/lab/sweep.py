"""The same experiment over a grid of settings, on all cores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import need_package
from .train import track


def run_grid(
    experiment: Callable, grid: Sequence[Mapping[str, Any]], title: str, jobs: int = -1
) -> list:
    """``[experiment(**settings) for settings in grid]``, in parallel behind a progress bar.

    ``experiment`` is a function of a module, so that other processes find it. ``jobs`` counts
    them; -1 takes all cores. Raises MissingPackageError without joblib.
    """
    joblib = need_package("joblib", "lab", "a sweep over several cores")
    parallel = joblib.Parallel(n_jobs=jobs, return_as="generator")
    results = parallel(joblib.delayed(experiment)(**settings) for settings in grid)
    return list(track(results, title, total=len(grid)))
