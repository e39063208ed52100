"""Try the checkers of the world on gradients, wrong and right: ``python -m tests.acceptance``.

Each library runs in an environment of its own, with pinned versions. The environments are made in
``--cache DIR`` and kept there for the next run. All verdicts go to docs/measured/checkers.json, and
the tables of them to docs/measured/checkers.md.
"""

from __future__ import annotations

from elsewhere.environments import MEASURED, Inquiry, Library, main

from .tables import page

JAX = "jax==0.10.2"
SCIPY = "scipy==1.17.1"
LIBRARIES = {
    "microbn": Library("microbn"),
    "PyTorch": Library("pytorch", "torch==2.13.0"),
    "JAX, float32": Library("jax", JAX),
    "JAX, float64": Library("jax", JAX, variables="JAX_ENABLE_X64=1"),
    "HIPS autograd": Library("hips_autograd", "autograd==1.9.1"),
    "TensorFlow": Library("tensorflow", "tensorflow==2.21.0"),
    "pytensor": Library("pytensor", "pytensor==3.0.7"),
    "SciPy, check_grad": Library("scipy_check_grad", SCIPY),
    "SciPy, differentiate": Library("scipy_differentiate", SCIPY),
    "numdifftools": Library("numdifftools", "numdifftools==0.11.2"),
    "jacobi": Library("jacobi", "jacobi==0.9.2"),
    "findiff": Library("findiff", "findiff==0.16.0"),
    "minitorch": Library("minitorch"),
    "CS231n": Library("cs231n"),
}
INQUIRY = Inquiry("acceptance.verdicts", LIBRARIES, MEASURED / "checkers.json", page)

if __name__ == "__main__":
    main("python -m tests.acceptance", __doc__, INQUIRY)
