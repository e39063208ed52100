"""What a training step takes at its peak, in a process of its own: prints the bytes.

``python -m tests.bench.memory CONTENDER``. A process takes over the ``ru_maxrss`` of the one that
started it, which may have been large: so `measured` starts it by way of a small one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .contenders import CONTENDERS, Setting, problem

ROOT = Path(__file__).parents[2]
# A batch that makes the activations (2 MB an array) dwarf what an allocator keeps in reserve.
SETTING, STEPS = Setting(256, 2048, "float32"), 5
VIA = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, *sys.argv[1:]]).returncode)"


def measured(name: str) -> int:
    """The bytes of one contender's step, from a fresh process."""
    command = [sys.executable, "-c", VIA, "-m", "tests.bench.memory", name]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"the step of {name} failed: {run.stderr}")
    return int(run.stdout)


def peak() -> int:
    """The most bytes this process has had in memory."""
    import resource  # which Windows has not

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def level() -> int:
    """The bytes it has now; where nothing tells, the most it has had."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return peak()
    return pages * os.sysconf("SC_PAGE_SIZE")


def growth(name: str) -> int:
    """The peak of some steps, above the level after import, set-up and a step with two samples.

    Raises RuntimeError where the steps stay below what import and set-up had taken.
    """
    step = CONTENDERS[name](*problem(SETTING, 0))
    CONTENDERS[name](*problem(SETTING._replace(batch=2), 0))()  # loads what is loaded late
    before, highest = level(), peak()
    for _ in range(STEPS):
        step()
    if peak() <= highest:
        raise RuntimeError(f"{name}: the steps took no more than the imports; enlarge {SETTING}")
    return peak() - before


if __name__ == "__main__":
    print(growth(sys.argv[1]))
