"""Try gradient checkers on wrong and on right gradients: ``python -m tests.acceptance``."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # where the folder elsewhere is found
