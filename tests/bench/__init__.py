"""Measure how fast microbn is beside its peers: ``python -m tests.bench``.

This file limits NumPy to one thread, because that must be set before NumPy is loaded.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
