"""Other ways to read the same code: as words, as scalars, under a watch, or on other values."""
