"""What other engines do, run and printed as tables."""
