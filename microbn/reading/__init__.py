"""Other ways to read the same code: as words, as scalars, under a watch, or on other values."""

from . import assigned as assigned  # the engine's records get their names from it
from . import lines as lines  # and their code
from . import tape as tape  # and it notes what Python reads
