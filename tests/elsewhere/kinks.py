"""Print what engines give at kinks and zeros: ``python -m tests.elsewhere.kinks``.

Each engine runs in a process of its own. One that is not installed here is looked for among the
environments of ``--environments DIR``, by the name of its package: DIR/jax.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .engines import ROWS

NAMES = {
    "microbn": "microbn",
    "torch": "PyTorch",
    "jax": "JAX",
    "tensorflow": "TensorFlow",
    "mlx": "MLX",
    "paddle": "Paddle",
    "autograd": "HIPS autograd",
    "mygrad": "MyGrad",
}
FRACTIONS = {0.5: "½", 1 / 3: "⅓"}
NOTES = """\
Each cell has the gradient of the sum of the result, with an entry for each entry of the operands,
in float32 (tests/elsewhere/engines.py). "–" means that the engine's main module has no such
function, "none" that the function has no gradient, and "refused" that an error says so. For an
engine without relu we ran maximum(x, 0). The standard deviation of [1, 1]
divides by N."""
ABSENT = "{} is not installed and was not run."


def outcome(package: str, environments: Path | None = None) -> dict[str, Any] | None:
    """Run an engine, here or in its own environment; None if it is not installed."""
    python = sys.executable
    if find_spec(package) is None:
        places = [environments / package / "bin" / "python"] if environments else []
        found = next((place for place in places if place.exists()), None)
        if found is None:
            return None
        python = str(found)
    file = Path(__file__).with_name("engines.py")
    run = subprocess.run([python, str(file), package], capture_output=True, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def cell(found: list[float] | str) -> str:
    """Write the gradients of a row as people do."""
    return found if isinstance(found, str) else " ".join(map(number, found))


def number(x: float) -> str:
    for value, sign in FRACTIONS.items():
        if math.isclose(x, value, rel_tol=1e-6):
            return sign
    return "NaN" if math.isnan(x) else f"{x + 0:g}"  # + 0: no sign at 0


def table(environments: Path | None = None) -> str:
    """Return the page: the versions, a row for each point, and notes."""
    runs = {package: outcome(package, environments) for package in NAMES}
    ran = {package: run for package, run in runs.items() if run}
    versions = ", ".join(f"{NAMES[package]} {run['version']}" for package, run in ran.items())
    rows = [["at", *(NAMES[package] for package in ran)], [":--"] * (1 + len(ran))]
    rows += [[label, *(cell(run["cells"][label]) for run in ran.values())] for label in ROWS]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    absent = [ABSENT.format(NAMES[package]) for package in runs if package not in ran]
    option = " --environments DIR" if environments else ""
    head = f"`python -m tests.elsewhere.kinks{option}` ran {versions}."
    return "\n".join([head, "", *lines, "", " ".join([NOTES, *absent]), ""])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.elsewhere.kinks", description=__doc__)
    parser.add_argument("--environments", type=Path, metavar="DIR", help="one for each engine")
    sys.stdout.write(table(parser.parse_args().environments))


if __name__ == "__main__":
    main()
