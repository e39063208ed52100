"""Marks for hand-ins: a sheet of exercises, each hand-in in a process of its own."""
