"""This error refuses an operation of PyTorch's."""


class Refused(Exception):
    """Raised for arguments that an operation has no counterpart for. It says the way out."""
