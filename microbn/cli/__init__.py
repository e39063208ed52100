"""The command line: commands, the targets they work on, and the examples that come with them."""

from .commands import main as main
