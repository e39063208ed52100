"""The words of ours that a story uses, and what they mean, for the page to explain."""

from __future__ import annotations

# Functions that NumPy lacks or writes otherwise, as rules and boxes name them.
OWN_FUNCTIONS = {
    "spread": "copies a number to each entry of a shape, as all entries that a sum took together "
    "get the same gradient",
    "scatter": "puts numbers back into zeros, each at the place that an index took it from, and "
    "adds them up where one was taken twice",
    "gate": "lets the gradient through where the condition holds, and sends 0 elsewhere",
    "getitem": "takes entries out by an index, as in x[index]",
    "windows": "lays out the windows that slide over an array, side by side",
    "overlap_add": "adds windows up where they overlap",
    "stop_gradient": "hands its operand on as a constant, so that no gradient flows back",
    "astype": "turns numbers into another dtype",
    "relu": "keeps what is positive, and makes the rest 0",
    "expand_dims": "adds an axis of size 1, so that the shapes fit again",
}
# What a class says of a gradient that comes back.
GRADIENT_PATTERNS = {
    "add distributes": "a sum or a difference sends its gradient on to each of its operands",
    "mul swaps": "a product sends to each operand its gradient times the other operand",
    "max routes": "a maximum, a minimum or a relu sends its gradient to the numbers it let through",
    "broadcast sums": "an operand that was copied along an axis gets the sum over this axis",
}
# Values inside a function that is one box, by the function and by their names.
INSIDE = {
    "nanvar": {"left": "what is left of each number when the mean is taken away; 0 for a NaN"},
    "nanstd": {"left": "what is left of each number when the mean is taken away; 0 for a NaN"},
    "var": {"center": "the mean, which is taken away"},
    "std": {"center": "the mean, which is taken away"},
    "softmax": {
        "largest": "the largest number of each row",
        "shifted": "x less its largest number, so that exp cannot overflow",
        "powers": "exp of the shifted numbers",
        "total": "the sum of the powers",
    },
    "log_softmax": {
        "largest": "the largest number of each row",
        "shifted": "x less its largest number, so that exp cannot overflow",
    },
    "cross_entropy": {
        "largest": "the largest number of each row",
        "shifted": "the logits less the largest of each row, so that exp cannot overflow",
        "log_p": "the logarithm of the probability of each class",
    },
    "median": {
        "ordered": "the numbers in order",
        "middle": "the mean of the one or two numbers in the middle",
    },
    "trapezoid": {
        "left": "the height at the left of each strip",
        "right": "the height at the right of each strip",
    },
}
PART = "a value that is used several times gets one part of its gradient from each use; they add up"
UNNAMED = "a value that the code gives no name: its function, and its place in the graph"


def glossary() -> dict[str, object]:
    """Return all of it for the page."""
    return {
        "functions": OWN_FUNCTIONS,
        "patterns": GRADIENT_PATTERNS,
        "inside": INSIDE,
        "part": PART,
        "unnamed": UNNAMED,
    }
