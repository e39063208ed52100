"""A recorded graph as a program in plain NumPy."""

from .compile import ALL_PASSES as ALL_PASSES
from .compile import PASSES as PASSES
