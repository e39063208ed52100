"""The same batch norm in other libraries, beside microbn's: ``python compare.py`` prints a table.

Each file beside this one, in_pytorch.py and so on, is run as it stands, in a process of its own; a
library that is not installed is named.
"""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
LIBRARIES = {"PyTorch": "torch", "Keras": "keras", "Flax": "flax"}
RUN = """
import json, runpy, sys
import numpy as np
found = runpy.run_path(sys.argv[1])
names = "dx", "y", "running_mean", "running_var"
def array(x): return np.asarray(x.detach() if hasattr(x, "detach") else getattr(x, "data", x))
print(json.dumps({name: array(found[name]).tolist() for name in names}))
"""
HEADER = """\
`python docs/learn/libraries/compare.py`: {versions}.

| | dx | output, third batch | running mean | running variance | the same, times n / (n − 1) |
|:--|--:|--:|--:|--:|--:|
"""
NOTE = """
The numbers are the largest differences from microbn in float64. Keras and Flax compute in float32.
For the last column their running variance v, after k batches of n samples, was replaced by
(v − 0.9ᵏ) · n / (n − 1) + 0.9ᵏ.
"""


def outcome(library):
    """Return the arrays that a library's file computes."""
    file = HERE / f"in_{library.lower()}.py"
    run = subprocess.run(
        [sys.executable, "-c", RUN, str(file)], cwd=HERE, capture_output=True, text=True, check=True
    )
    return {name: np.array(rows) for name, rows in json.loads(run.stdout.splitlines()[-1]).items()}


def differences(theirs, ours, batches=3, samples=8):
    """Say how far a library is from microbn. The last entry makes its running variance unbiased."""
    rest = 0.9**batches  # the share left of the 1 that it starts with
    unbiased = (theirs["running_var"] - rest) * samples / (samples - 1) + rest
    pairs = [(theirs[name], ours[name]) for name in ours] + [(unbiased, ours["running_var"])]
    return [float(np.max(np.abs(a - b))) for a, b in pairs]


def main():
    ours, rows, versions = outcome("microbn"), [], [f"numpy {version('numpy')}"]
    for library, package in LIBRARIES.items():
        try:
            versions.append(f"{package} {version(package)}")
        except ImportError:
            rows.append(f"| {library} | not installed | | | | |\n")
            continue
        *cells, unbiased = (f"{d:.1e}" for d in differences(outcome(library), ours))
        last = "–" if library == "PyTorch" else unbiased
        rows.append(f"| {library} | {' | '.join([*cells, last])} |\n")
    print(HEADER.format(versions=", ".join(versions)) + "".join(rows) + NOTE, end="")


if __name__ == "__main__":
    main()
