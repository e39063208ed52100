"""How `gradcheck` works inside."""
