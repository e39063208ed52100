"""Experiments that the demos share: data, training, figures."""
