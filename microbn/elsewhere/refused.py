"""What an operation of PyTorch's is refused with."""


class Refused(Exception):
    """Raised for arguments that an operation has no counterpart for. It says the way out."""
