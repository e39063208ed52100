"""Print the bytes that a training step takes at its peak, in a process of its own.

Run ``python -m tests.bench.memory CONTENDER``. Some systems, such as Linux, can reset a peak. There
the peak of making the contender is reset. Other systems have ``ru_maxrss`` alone. A process
inherits it from the process that started it, which may be large, so `measured` starts a small one
in between.
"""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
from pathlib import Path

from .contenders import CONTENDERS
from .net import Setting, problem

ROOT = Path(__file__).parents[2]
# A batch that makes the activations (2 MB an array) dwarf what an allocator keeps in reserve.
SETTING, STEPS = Setting(256, 2048, "float32"), 5
RESET = Path("/proc/self/clear_refs")  # a 5 written there: VmHWM starts anew
VIA = "import subprocess, sys; sys.exit(subprocess.run([sys.executable, *sys.argv[1:]]).returncode)"


def measured(name: str) -> int:
    """Return the bytes of one contender's step, from a fresh process."""
    command = [sys.executable, "-c", VIA, "-m", "tests.bench.memory", name]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(f"the step of {name} failed: {run.stderr}")
    return int(run.stdout)


def growth(name: str) -> int:
    """Return the peak of some steps, above the level after import and a step with two samples.

    This includes the memory that the contender keeps. It leaves out the memory that making it took
    and gave back, if the peak can be reset. Raises RuntimeError if the steps stay below an earlier
    peak.
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
    """Give back unused memory. glibc keeps some of it for later, unless it is told not to."""
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


def peak() -> int:
    """Return the most bytes that this process has had in memory since its peak was reset."""
    if RESET.exists():
        return status("VmHWM")
    import resource  # which Windows has not

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def level() -> int:
    """Return the bytes that it has now or, if nothing tells, the most that it has had."""
    return status("VmRSS") if RESET.exists() else peak()


def status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    print(growth(sys.argv[1]))
