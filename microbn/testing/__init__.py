"""Checking gradients against finite differences; ``programs`` are random ones to check."""

from .gradcheck import downstream as downstream
from .gradcheck import numeric_vjp as numeric_vjp
