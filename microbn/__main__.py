"""``python -m microbn`` is ``microbn``."""

import sys

from .cli.commands import main

sys.exit(main())
