"""Checking gradients against finite differences."""

from .gradcheck import downstream as downstream
from .gradcheck import numeric_vjp as numeric_vjp
