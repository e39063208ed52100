"""A recorded graph as a straight-line NumPy program."""
