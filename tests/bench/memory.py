"""What a training step takes at its peak, in a process of its own: prints the bytes.

``python -m tests.bench.memory CONTENDER``. Where the system can forget a peak, as Linux can, that
of making the contender is forgotten. Elsewhere there is ``ru_maxrss`` alone, which a process takes
over from the one that started it, and that may be large: `measured` goes by way of a small one.
"""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
from pathlib import Path

from .contenders import CONTENDERS, Setting, problem

ROOT = Path(__file__).parents[2]
# A batch that makes the activations (2 MB an array) dwarf what an allocator keeps in reserve.
SETTING, STEPS = Setting(256, 2048, "float32"), 5
RESET = Path("/proc/self/clear_refs")  # a 5 written there: VmHWM starts anew
VIA = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, *sys.argv[1:]]).returncode)"


def measured(name: str) -> int:
    """The bytes of one contender's step, from a fresh process."""
    command = [sys.executable, "-c", VIA, "-m", "tests.bench.memory", name]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"the step of {name} failed: {run.stderr}")
    return int(run.stdout)


def growth(name: str) -> int:
    """The peak of some steps, above the level after import and a step with two samples.

    What the contender holds on to is above it too; what making it took and gave back is not, if
    the peak can be forgotten. Raises RuntimeError where the steps stay below what came before.
    """
    given = problem(SETTING, 0)
    CONTENDERS[name](*problem(SETTING._replace(batch=2), 0))()  # loads what is loaded late
    tidy()
    before = level()
    step = CONTENDERS[name](*given)
    tidy()
    if RESET.exists():
        RESET.write_text("5")
    highest = peak()
    for _ in range(STEPS):
        step()
    if peak() <= highest:
        raise RuntimeError(f"{name}: the steps took no more than the set-up; enlarge {SETTING}")
    return peak() - before


def tidy() -> None:
    """Give back what is no longer in use; glibc keeps some of it for later, unless it is told."""
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


def peak() -> int:
    """The most bytes this process has had in memory, since that was forgotten."""
    if RESET.exists():
        return status("VmHWM")
    import resource  # which Windows has not

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def level() -> int:
    """The bytes it has now; where nothing tells, the most it has had."""
    return status("VmRSS") if RESET.exists() else peak()


def status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    print(growth(sys.argv[1]))
