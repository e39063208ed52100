"""A playground: a page on which runs are chosen by their settings. It trains them beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import need_package
from ..errors import ArgumentError, NonFiniteError
from ..nn import BatchNorm, LayerNorm, ReLU, Sigmoid, Tanh, he
from ..view.page import encodable, json_in_pieces, shell
from ..view.saving import write_whole
from .data import Split, digits
from .digest import digest
from .results import Results, as_json
from .sweep import run_grid
from .train import passed_on, trained, weights_and_gradients

LAYER_WIDTH, PLAYED_BATCH = 32, 64
PROBE = 128  # samples whose activations the histograms show
BINS = 21  # an odd number, so that 0 is in the middle of one
PLAYED_NORMS = {"none": None, "batch": BatchNorm, "layer": LayerNorm}
ACTIVATIONS = {"relu": ReLU, "tanh": Tanh, "sigmoid": Sigmoid}
GRID: dict[str, list] = {
    "depth": [1, 3, 8],
    "rate": [0.01, 0.03, 0.1, 0.3, 1.0, 3.0],
    "norm": [*PLAYED_NORMS],
    "activation": [*ACTIVATIONS],
    "scale": [0.2, 1.0, 5.0],
    "seed": [0, 1],
}
QUICK: dict[str, list] = GRID | {
    "depth": [2],
    "rate": [0.1, 3.0],
    "activation": ["relu"],
    "scale": [1.0],
}
OF_EACH_RUN = ("end", "accuracy", "loss", "reach", "bars", "deviation", "gradient")
PLAYGROUND_SCRIPTS = "elements.js", "key_list.js", "curves.js", "playground.js"
_STYLES = "page.css", "keys.css", "playground.css"
STEPS, FRAMES = 72, 8  # steps of a training, and pictures of it, besides the one at the start


def playground(path: Path | str, *, quick: bool = False, jobs: int = -1) -> Path:
    """Train many small nets on the digits, and write a page on which a reader chooses among them.

    On the page you choose the number of hidden layers, the learning rate, the norm, the activation
    and the scale of the initial weights, in multiples of He's. It shows the loss, histograms of the
    activations and the norms of the gradients, layer by layer and step by step. Each setting was
    run from two seeds. ``quick`` trains few nets, for a test. ``jobs`` is that of `run_grid`.

    The runs stand beside the page as CSV, ``playground.csv``, and are read from there the next
    time; an interrupted grid resumes.

    Raises ArgumentError unless the path ends with .html, MissingPackageError without scikit-learn
    or joblib, and OSError if nothing can be written.
    """
    if (path := Path(path)).suffix.lower() != ".html":
        raise ArgumentError(f"playground: a page ends with .html, not as {str(path)!r} does")
    for package in ("sklearn", "joblib"):
        need_package(package, "lab", "the playground")
    axes = QUICK if quick else GRID
    runs = _runs(path.with_suffix(".csv"), axes, jobs)
    data = {
        "title": "A playground of training",
        "axes": axes,
        "steps": STEPS,
        "frames": FRAMES,
        "guess": _log_level(np.log(10)),
        "runs": ([row[name] for name in OF_EACH_RUN] for row in runs.rows),
    }
    before, after = playground_shell()
    pieces = (before, *json_in_pieces(data.items()), after)
    return write_whole(path, (encodable(piece).encode() for piece in pieces))


def playground_shell() -> tuple[str, ...]:
    """Return the page of a playground: the text before its data, and the text after."""
    return shell("A playground of training", "playground.html", PLAYGROUND_SCRIPTS, _STYLES)


def _runs(file: Path, axes: Mapping[str, Sequence], jobs: int) -> Results:
    """Return the runs of a grid, from their file if it holds just these."""
    made_by = digest(play)
    grid = {as_json(dict(zip(axes, run, strict=True))) for run in product(*axes.values())}
    if file.is_file():
        kept = Results.load(file)
        settings = {as_json({name: row.get(name) for name in axes}) for row in kept.rows}
        if settings == grid and {row.get("made_by") for row in kept.rows} == {made_by}:
            return kept
    title = "training the nets of the playground"
    return run_grid(play, {**axes, "made_by": [made_by]}, title, save=file, jobs=jobs)


def play(
    depth: int, rate: float, norm: str, activation: str, scale: float, seed: int, made_by: str
) -> dict[str, Any]:
    """Train one net, and return its losses and what its layers passed on, as whole numbers.

    ``made_by`` changes nothing. It stands in the file of the runs, and says which code made them.
    """
    data, kind = _digits(seed), ACTIVATIONS[activation]
    x, y = data.x_train[:PROBE], data.y_train[:PROBE]

    def init(rng: np.random.Generator, fan_in: int, fan_out: int) -> np.ndarray:
        return scale * he(rng, fan_in, fan_out)

    def look(model: Any) -> tuple[list, list] | None:
        try:
            outputs, _ = passed_on(model.train(), kind, x, y)
        except NonFiniteError:  # batch norm refuses to go on
            return None
        return outputs, [gradient for _, gradient in weights_and_gradients(model, x, y)]

    how: dict[str, Any] = {"every": STEPS // FRAMES, "from_start": True, "measure": look}
    how |= {"norm": PLAYED_NORMS[norm], "activation": kind, "init": init, "compiled": False}
    with np.errstate(all="ignore"):
        _, history = trained(
            data,
            [LAYER_WIDTH] * depth,
            rate,
            seed=seed,
            steps=STEPS,
            batch_size=PLAYED_BATCH,
            **how,
        )
        frames = [_frame(depth, *(measured or ([], []))) for measured in history.measured]
    columns = (list(column) for column in zip(*frames, strict=True))
    found = dict(zip(("reach", "bars", "deviation", "gradient"), columns, strict=True))
    losses = [_log_level(loss) for loss in history.losses]
    accuracy = round(100 * history.accuracies[-1])
    return {"end": end_of(history.losses), "accuracy": accuracy, "loss": losses, **found}


def end_of(losses: Sequence[float]) -> str:
    """Say how a training ended: "diverged", "learns", or "does not learn".

    It diverged if a loss is not finite, or if the last nine are on average above the first. It
    learns if they are below nine tenths of ln 10, the loss of a guess among ten digits.
    """
    last = np.mean(losses[-9:])
    if not np.isfinite(losses).all() or last > losses[0]:
        return "diverged"
    return "learns" if last < 0.9 * np.log(10) else "does not learn"


def _frame(depth: int, outputs: Sequence[np.ndarray], gradients: Sequence[np.ndarray]) -> tuple:
    """Return half the width of the histograms, and for each layer its bars, its deviation, and the
    norm of its gradient. What is not finite is None.
    """
    finite = [output for output in outputs if np.isfinite(output).all()]
    largest = max((np.percentile(np.abs(output), 99) for output in finite), default=0.0)
    reach = _round_up(largest or 1.0)
    bars: list = [None] * depth
    for layer, output in enumerate(outputs):
        if np.isfinite(output).all():
            inside = np.clip(output, -reach, reach)
            counts = np.histogram(inside, BINS, (-reach, reach))[0]
            bars[layer] = np.round(100 * counts / output.size).astype(int).tolist()
    deviations = [_log_level(output.std()) for output in outputs] or [None] * depth
    norms = [_log_level(np.linalg.norm(gradient)) for gradient in gradients] or [None] * (depth + 1)
    return _log_level(reach), bars, deviations, norms


def _round_up(number: float) -> float:
    """Return the next of 1, 2, 5, 10, 20, ..., so that an axis seldom changes."""
    power = 10.0 ** np.floor(np.log10(number))
    return float(next(n * power for n in (1, 2, 5, 10) if n * power >= number * 0.9999))


def _log_level(number: Any) -> int | None:
    """Return a hundred times the logarithm to base 10: -3000 for 0, None for what is not finite."""
    if not np.isfinite(number):
        return None
    return round(100 * np.log10(max(float(number), 1e-30)))


@lru_cache(maxsize=2)
def _digits(seed: int) -> Split:
    return digits(seed)
