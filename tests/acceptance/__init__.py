"""Gradient checkers on wrong gradients and on right ones: ``python -m tests.acceptance``."""
