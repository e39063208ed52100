"""How fast microbn is beside its peers: ``python -m tests.bench``.

On one thread, which has to be said before NumPy is loaded, and so here.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
