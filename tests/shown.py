"""What a page shows: its Python blocks, and what they are said to print."""

import linecache
import re

import numpy as np

_DECIMAL = r"(?<![\w.])-?(?:\d+\.\d*(?:e[-+]?\d+)?|\d+e[-+]?\d+)"


def blocks(text):
    """The code of each Python block, and what a text block right below says that it prints."""
    fences = r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?"
    return re.findall(fences, text, re.DOTALL | re.MULTILINE)


def run(code, namespace):
    """Run a block as if it stood in a file, whose lines tracebacks and traces can quote."""
    linecache.cache["example.py"] = (len(code), None, code.splitlines(keepends=True), "example.py")
    exec(compile(code, "example.py", "exec"), namespace)


def same(printed, shown):
    """Whether two texts have the same words, and decimals that differ by rounding: by a thousandth,
    or by a millionth, as do magnitudes of errors.
    """
    words = [re.sub(_DECIMAL, "#", text).split() for text in (printed, shown)]
    numbers = [np.array(re.findall(_DECIMAL, text), float) for text in (printed, shown)]
    return words[0] == words[1] and np.allclose(*numbers, rtol=1e-3, atol=1e-6)
