"""Other readings of the same code: as words, as scalars, with an eye on every value, once more."""
