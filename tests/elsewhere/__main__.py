"""Ask the batch norms of other libraries: ``python -m tests.elsewhere``.

Each library runs in an environment of its own, with pinned versions. The environments are made in
``--cache DIR`` and kept there for the next run. The answers go to docs/measured/elsewhere.json, and
the tables of them to docs/measured/elsewhere.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from .tables import page

TESTS = Path(__file__).parents[1]
MEASURED = TESTS.parent / "docs" / "measured"
MINUTES = 15  # for an environment, and for a library's answers


class Library(NamedTuple):
    """Where a library runs: the adapter that asks it, its environment, and its variables."""

    adapter: str
    packages: str = ""  # with their versions; microbn runs where this runs
    beside: str = ""  # what they need and do not say
    variables: str = ""


JAX = "jax==0.10.2"
LIBRARIES = {
    "microbn": Library("microbn"),
    "PyTorch": Library("pytorch", "torch==2.13.0"),
    "Keras on PyTorch": Library(
        "keras", "keras==3.15.1 torch==2.13.0", variables="KERAS_BACKEND=torch"
    ),
    "Keras on JAX": Library("keras", f"keras==3.15.1 {JAX}", variables="KERAS_BACKEND=jax"),
    "Keras on TensorFlow": Library(
        "keras", "keras==3.15.1 tensorflow==2.21.0", variables="KERAS_BACKEND=tensorflow"
    ),
    "Flax": Library("flax", f"flax==0.12.8 {JAX}"),
    "Haiku": Library("haiku", f"dm-haiku==0.0.17 {JAX}"),
    "Equinox, ema": Library("equinox_ema", f"equinox==0.13.8 {JAX}"),
    "Equinox, batch": Library("equinox_batch", f"equinox==0.13.8 {JAX}"),
    "MLX": Library("mlx", "mlx==0.32.4", "mlx[cpu]==0.32.4"),
    "Paddle": Library("paddle", "paddlepaddle==3.3.1", "setuptools"),
    "MindSpore": Library("mindspore", "mindspore==2.10.0", "numpy<2"),
    "tinygrad": Library("tinygrad", "tinygrad==0.14.0", variables="DEV=PYTHON"),
    "ONNX Runtime": Library("onnx_runtime", "onnxruntime==1.32.0 onnx==1.23.2"),
    "ONNX reference": Library("onnx_reference", "onnx==1.23.2"),
}


def interpreter(library: Library, cache: Path) -> str:
    """Return the Python of a library's environment, which is made if it is not there."""
    if not library.packages:
        return sys.executable
    place = cache / library.packages.replace("==", "-").replace(" ", "_")
    python = str(place / "bin" / "python")
    if not (place / "whole").exists():  # or it was left half made
        run([sys.executable, "-m", "venv", "--clear", str(place)])
        wanted = [*library.packages.split(), *library.beside.split(), "numpy"]
        run([python, "-m", "pip", "install", "-q", *wanted])
        (place / "whole").touch()
    return python


def run(command: list[str], **variables: str) -> str:
    """Run a command in the folder of the tests, and return what it prints."""
    paths = os.pathsep.join([str(TESTS.parent), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    environment = {**os.environ, "PYTHONPATH": paths, **variables}
    options: dict[str, Any] = {"capture_output": True, "text": True, "check": True}
    return subprocess.run(
        command, cwd=TESTS, env=environment, timeout=60 * MINUTES, **options
    ).stdout


def asked(library: Library, cache: Path) -> dict[str, Any]:
    """Return a library's versions and its answers, by question."""
    python = interpreter(library, cache)
    names = [pin.split("==")[0] for pin in library.packages.split()]
    variables = dict(pair.split("=") for pair in library.variables.split())
    command = [python, "-m", "elsewhere.questions", library.adapter, *names]
    return json.loads(run(command, **variables).splitlines()[-1])


def answers(cache: Path, wanted: list[str]) -> dict[str, Any]:
    """Ask libraries, and tell how far it is. One that does not run has None for its answers."""
    found: dict[str, Any] = {}
    for name in wanted:
        try:
            found[name], said = asked(LIBRARIES[name], cache), "ran"
        except (subprocess.SubprocessError, OSError) as error:
            found[name], said = None, f"did not run: {getattr(error, 'stderr', None) or error}"
        print(f"{name} {said}", file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.elsewhere", description=__doc__)
    kept = Path(tempfile.gettempdir()) / "microbn-elsewhere"
    parser.add_argument("--cache", type=Path, metavar="DIR", default=kept)
    parser.add_argument("--only", nargs="+", metavar="LIBRARY", choices=[*LIBRARIES])
    given = parser.parse_args()
    file = MEASURED / "elsewhere.json"
    known = json.loads(file.read_text("utf-8")) if given.only and file.exists() else {}
    known |= answers(given.cache.resolve(), given.only or [*LIBRARIES])
    known = {name: known.get(name) for name in LIBRARIES}
    file.write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n", "utf-8")
    (MEASURED / "elsewhere.md").write_text(page(known), "utf-8")


if __name__ == "__main__":
    main()
