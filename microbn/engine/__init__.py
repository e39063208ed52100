"""The engine: what is recorded, and how gradients flow back through it."""
