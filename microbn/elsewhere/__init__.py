"""Other people's nets, read into a graph of microbn's, and the state of their batch norms."""

from .pytorch import TorchFunction as TorchFunction
from .pytorch import from_torch as from_torch
from .states import CONVENTIONS as CONVENTIONS
from .states import Convention as Convention
from .states import state as state
