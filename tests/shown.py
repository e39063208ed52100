"""Read a page's Python blocks and the output that it shows for them."""

import itertools
import linecache
import re

import numpy as np

_DECIMAL = r"(?<![\w.])-?(?:\d+\.\d*(?:e[-+]?\d+)?|\d+e[-+]?\d+)"


def blocks(text):
    """Return the code of each Python block, and the output in a text block right below it."""
    fences = r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?"
    return re.findall(fences, text, re.DOTALL | re.MULTILINE)


def run(code, namespace):
    """Run a block as if it stood in a file, so that tracebacks and traces can quote its lines.

    Each block has a folder of its own, as a later one must not stand in the place of its lines.
    """
    file = f"{next(_blocks)}/example.py"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    exec(compile(code, file, "exec"), namespace)


_blocks = itertools.count()


def same(printed, shown):
    """Tell whether two texts have the same words, and decimals that differ by rounding alone.

    Rounding may change a decimal by a thousandth, or by a millionth, like the size of an error.
    """
    words = [re.sub(_DECIMAL, "#", text).split() for text in (printed, shown)]
    numbers = [np.array(re.findall(_DECIMAL, text), float) for text in (printed, shown)]
    return words[0] == words[1] and np.allclose(*numbers, rtol=1e-3, atol=1e-6)
