"""``python -m microbn`` is ``microbn``."""

import sys

from .cli import main

sys.exit(main())
