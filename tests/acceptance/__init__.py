"""Try gradient checkers on wrong and on right gradients: ``python -m tests.acceptance``."""
