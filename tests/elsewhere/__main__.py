"""Ask the batch norms of other libraries: ``python -m tests.elsewhere``.

Each library runs in an environment of its own, with pinned versions. The environments are made in
``--cache DIR`` and kept there for the next run. The answers go to docs/measured/elsewhere.json, and
the tables of them to docs/measured/elsewhere.md.
"""

from __future__ import annotations

from typing import Any

from .environments import MEASURED, Inquiry, Library, main
from .tables import LOADED, page
from .trained import apart

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


def loaded(library: Library, found: dict[str, Any]) -> dict[str, Any]:
    """Return a library's answers with one of ours: how far its eval is from that of its state."""
    kept = found.pop("trained")
    found["cells"][LOADED] = f"{apart(library.adapter, kept):.0e}" if kept else "–"
    return found


INQUIRY = Inquiry("elsewhere.questions", LIBRARIES, MEASURED / "elsewhere.json", page, loaded)

if __name__ == "__main__":
    main("python -m tests.elsewhere", __doc__, INQUIRY)
