"""The tour: batch norm's gradient emerges, nets train with and without it, its graph is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from .. import closed_form
from .. import functional as F
from ..arguments import check_counts, generator, need_package
from ..engine.backward import sweep
from ..engine.tensor import Tensor
from ..nn import BatchNorm, Linear
from ..reading.replay import replay
from ..reading.tape import history
from ..reading.trace import trace
from ..testing import numeric_vjp
from ..view import draw, story
from ..view.dot import check_renderers
from ..view.names import greek
from ..view.values import printable
from . import figures
from .data import Split, digits
from .demo import summary
from .results import Results
from .sweep import run_grid
from .train import trained

RATES = (0.1, 1.0)
NETS = {"without batch norm": None, "with batch norm": BatchNorm}


def tour(out: Path | str, seeds: int, quick: bool) -> None:
    """Run all three parts, print their tables and write their pictures into ``out``.

    Raises MissingPackageError for a package of the extra ``lab`` or for Graphviz, OSError for a
    folder that cannot be written into, and ArgumentError for no seeds: all before any work is done.
    """
    from rich.console import Console

    check_counts("tour", seeds=seeds)
    out = Path(out)
    for package in ("sklearn", "joblib"):
        need_package(package, "lab", "the tour")
    check_renderers()
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=out):
        pass
    console = Console(highlight=False, markup=False)
    data = digits(seed=0)
    _gradient_nobody_wrote(console, data)
    results = _what_it_is_for(console, seeds, steps=150 if quick else 300)
    _see_it(console, data, results, out)


def _gradient_nobody_wrote(console: Any, data: Split) -> None:
    console.rule("1. The gradient nobody wrote")
    y = batch_norm_on_digits(data, samples=32, features=8)
    console.print(agreement_table(agreement(y, cotangent(y))))
    console.print(
        "This is batch norm of 32 digits with 8 features (seed 0). microbn has no rule for batch "
        "norm: the gradient emerges from the rules of mean, −, ², √, ÷, × and +. The zeros are no "
        "accident: the derivation and the graph do the same operations in the same order.\n"
    )


def _what_it_is_for(console: Any, seeds: int, steps: int) -> Results:
    console.rule("2. Nets learn faster with it")
    results = train_both(range(seeds), steps)
    summary(
        results,
        ["learning_rate", "net"],
        {"steps to 90%": "{:.0f}", "final test accuracy": "{:.3f}"},
    )
    console.print(
        "The nets have five hidden layers of 64 with relu. They learn 8 × 8 handwritten digits by "
        f"{steps} steps of SGD in batches of 64, and are tested at every tenth step. "
        f"Shown is {'seed 0' if seeds == 1 else f'the median [range] of seeds 0 to {seeds - 1}'}.\n"
    )
    return results


def _see_it(console: Any, data: Split, results: Results, out: Path) -> None:
    console.rule("3. See it")
    figure = figures.save(comparison_figure(results), out / "comparison.png")
    console.print(f"{printable(str(figure))}: test accuracy over training, with and without")
    with trace():
        y = batch_norm_on_digits(data, samples=4, features=2)
    graph = draw(y, cotangent(y), direction="TB").save(out / "batchnorm.svg")
    shown = printable(str(graph))
    console.print(f"{shown}: the recorded graph, each node with its value and gradient")
    derived = {"x": derived_by_stages(y, cotangent(y))["x"]}
    told = story(y, cotangent(y), title="Batch norm of four digits", derived=derived)
    page = printable(str(told.save(out / "batchnorm.html")))
    console.print(f"{page}: the same graph, step by step; open it in a browser and press →")
    console.print(
        "\nTry next: write step batchnorm in place of tour; then README.md's code; then demos/."
    )


def batch_norm_on_digits(data: Split, samples: int, features: int, seed: int = 0) -> Tensor:
    """Record the first batch norm of a fresh net on digits, and return its output.

    The output has shape (samples, features). The leaves of its graph are gamma, beta and x, the
    digits times random weights.
    """
    check_counts("batch_norm_on_digits", samples=samples, features=features)
    rng = generator("batch_norm_on_digits", seed)
    weights = Linear(data.x_train.shape[1], features, rng=rng).weight
    x = Tensor(data.x_train[:samples] @ weights.data, name="x")
    gamma = Tensor(rng.uniform(0.5, 1.5, features), name="gamma")
    beta = Tensor(rng.normal(size=features), name="beta")
    return F.batch_norm(x, gamma, beta)


def cotangent(y: Tensor) -> np.ndarray:
    """Return a random gradient to start from. From ones, x would have the gradient 0."""
    return np.random.default_rng(1).normal(size=y.shape)


def agreement(y: Tensor, dy: np.ndarray) -> list[dict[str, Any]]:
    """Compare each named node's emergent gradient with three others, by the largest difference.

    The keys of a row are name, shape and size, the gradient's largest entry; and the differences
    from the derivation by stages (staged), from the one-line formula (one_line; None except for x,
    gamma and beta) and from central differences through the rest of the graph (numeric).
    """
    staged = derived_by_stages(y, dy)
    one_line = dict(zip(("x", "gamma", "beta"), closed_form.backward(dy, _cache(y)), strict=True))
    rows = []
    for node, gradient, _ in sweep(y, dy):
        if node.name in staged and node is not y:
            numeric = numeric_vjp(replay(y, node), node.value, dy)
            others = {"staged": staged[node.name], "one_line": one_line.get(node.name)}
            rows.append(
                {"name": node.name, "shape": node.shape, "size": np.max(np.abs(gradient))}
                | {kind: _distance(gradient, g) for kind, g in others.items()}
                | {"numeric": _distance(gradient, numeric)}
            )
    return rows


def derived_by_stages(y: Tensor, dy: np.ndarray) -> dict[str, np.ndarray]:
    """Return the gradient of every intermediate value of y, derived by hand."""
    return closed_form.backward_staged(dy, _cache(y))


def _cache(y: Tensor) -> dict[str, np.ndarray]:
    """Return the arrays of y's batch norm that its backward by hand needs."""
    leaves = {node.name: node.value for node in history(y) if node.function is None}
    return closed_form.forward(leaves["x"], leaves["gamma"], leaves["beta"])[1]


def _distance(a: np.ndarray, b: np.ndarray | None) -> float | None:
    return None if b is None else float(np.max(np.abs(a - b)))


def agreement_table(rows: Sequence[dict[str, Any]]) -> Any:
    """Lay out the rows of `agreement` as a rich Table, from the output back to the input."""
    from rich.table import Table

    table = Table(title="The gradient that emerges, and its largest difference from three others")
    for heading in ("node", "shape", "largest entry", "by stages", "in one line", "numeric"):
        table.add_column(heading, justify="left" if heading in ("node", "shape") else "right")
    for row in rows:
        differences = (row[kind] for kind in ("staged", "one_line", "numeric"))
        cells = ["–" if d is None else "0" if d == 0 else f"{d:.1e}" for d in differences]
        name = greek(row["name"])
        table.add_row(name, str(row["shape"]), f"{row['size']:.3f}", *cells)
    return table


def train_once(seed: int, learning_rate: float, net: str, steps: int) -> dict:
    """Train a net with five hidden layers of 64 once, and return its results."""
    _, history = trained(
        digits(seed), [64] * 5, learning_rate, seed=seed, steps=steps, norm=NETS[net]
    )
    return {
        "steps to 90%": history.steps_to(0.9),
        "final test accuracy": history.accuracies[-1],
        "training step": history.steps,
        "test accuracy": history.accuracies,
    }


def train_both(seeds: Sequence[int], steps: int) -> Results:
    """Train nets with and without batch norm, at two learning rates, with each seed."""
    axes = {"learning_rate": RATES, "net": NETS, "seed": seeds, "steps": [steps]}
    return run_grid(train_once, axes, "training")


def comparison_figure(results: Results) -> Any:
    """Draw the curves of `train_both`, in a panel for each learning rate."""
    seeds = len(results.distinct("seed"))
    return figures.curves(
        results,
        "training step",
        "test accuracy",
        lines="net",
        panels="learning_rate",
        title=f"At ten times the learning rate only the net with batch norm learns ({seeds} seeds)",
        ylim=(0, 1.02),
    )
