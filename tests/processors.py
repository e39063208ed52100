"""Run a command with another processor's arithmetic: ``python -m tests.processors``.

NumPy chooses its loops by the processor's features, and OpenBLAS chooses its products of matrices
in the same way, so results differ in their last bits. We imitate three processors, as far as this
one can: ``baseline`` uses nothing that NumPy finds above its baseline, ``haswell`` has AVX2, and
``avx512`` has AVX-512. Without arguments, the tests that compare bits (``pytest -m bits``) run on
each of them, except on the machine's own. ``python -m tests.processors haswell COMMAND`` runs any
command.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

FEATURES, CORE = "NPY_DISABLE_CPU_FEATURES", "OPENBLAS_CORETYPE"
CORES = {"haswell": "Haswell", "avx512": "SkylakeX"}
NAMES = ("baseline", *CORES)
BITS = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "-m", "bits"]
ASK = "import json, processors; print(json.dumps(processors.arithmetic()))"

Arithmetic = dict[str, Any]
Setting = dict[str, str] | str  # environment variables, or the reason why there are none


def main(words: list[str]) -> int:
    print(f"At hand: {said(arithmetic())}")
    settings = imitations(ask({}), platform.machine())
    if not words:
        return int(any([compare_bits(name, settings[name]) for name in NAMES]))
    name, *command = words
    if name not in NAMES or not command:
        raise SystemExit(f"usage: python -m tests.processors [{'|'.join(NAMES)} COMMAND ...]")
    if isinstance(setting := settings[name], str):
        raise SystemExit(f"{name}: {setting}; the command was not run")
    confirmed(name, setting)
    return run(setting, command)


def imitations(whole: Arithmetic, machine: str) -> dict[str, Setting]:
    """Return, for each processor, the environment in which this machine computes like it.

    ``whole`` is the machine's own arithmetic, with nothing switched off.
    """
    if machine.lower() not in ("x86_64", "amd64"):
        return dict.fromkeys(NAMES, f"{machine} is no x86-64 processor")
    found, able = whole["found"], {*whole["found"], *whole["baseline"]}
    younger = [name for name in found if name.startswith(("AVX512", "X86_V4"))]
    haswell = {FEATURES: " ".join(younger), CORE: CORES["haswell"]}
    avx2, avx512 = "X86_V3" in able or {"AVX2", "FMA3"} <= able, able & {"X86_V4", "AVX512_SKX"}
    return {
        "baseline": {FEATURES: " ".join(found)},
        "haswell": haswell if avx2 else "NumPy finds no AVX2 here",
        "avx512": {CORE: CORES["avx512"]} if avx512 else "NumPy finds no AVX-512 here",
    }


def compare_bits(name: str, setting: Setting) -> int:
    """Run the tests that compare bits on that processor. Return their status, 0 if skipped."""
    if isinstance(setting, str):
        print(f"\n{name}: skipped, as {setting}", flush=True)
        return 0
    if confirmed(name, setting) == arithmetic():
        print(f"{name}: skipped, as this is the processor at hand", flush=True)
        return 0
    return run(setting, BITS)


def confirmed(name: str, setting: dict[str, str]) -> Arithmetic:
    """Print the setting, and the arithmetic that a fresh process reports in it."""
    there = ask(setting)
    words = " ".join(f'{key}="{value}"' for key, value in setting.items())
    print(f"\n{name}: {words}\n{name}: {said(there)}", flush=True)
    if faults := disobeyed(setting, there):
        raise SystemExit(f"{name}: {'; '.join(faults)}")
    return there


def arithmetic() -> Arithmetic:
    """Return NumPy's baseline in this process, the features above it, and OpenBLAS's kernels.

    The kernels are None if threadpoolctl is not installed.
    """
    simd = np.show_config(mode="dicts")["SIMD Extensions"]
    return {
        "baseline": simd.get("baseline", []),
        "found": simd.get("found", []),
        "kernels": kernels() if find_spec("threadpoolctl") else None,
    }


def kernels() -> list[str]:
    from threadpoolctl import threadpool_info

    libraries = [each for each in threadpool_info() if each["internal_api"] == "openblas"]
    return sorted({each["architecture"] for each in libraries})


def disobeyed(setting: Mapping[str, str], seen: Arithmetic) -> list[str]:
    """Return a sentence for each part of a setting that a process in it does not obey."""
    off = re.split(r"[,\s]+", setting.get(FEATURES, ""))
    faults = [f"NumPy still uses {name}" for name in seen["found"] if name in off]
    core = setting.get(CORE)
    if core in CORES.values() and seen["kernels"] and seen["kernels"] != [core]:
        faults.append(f"the kernel of OpenBLAS is {listed(seen['kernels'])}, not {core}")
    return faults


def ask(setting: Mapping[str, str]) -> Arithmetic:
    """Return the `arithmetic` of a fresh process in that setting."""
    asked = subprocess.run(
        [sys.executable, "-W", "error", "-c", ASK],
        cwd=Path(__file__).parent,
        env=environment(setting),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(asked.stdout)


def run(setting: Mapping[str, str], command: list[str]) -> int:
    return subprocess.run(command, env=environment(setting), check=False).returncode


def environment(setting: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment with the setting's processor and no other."""
    kept = {key: value for key, value in os.environ.items() if key not in (FEATURES, CORE)}
    return {**kept, **setting}


def said(seen: Arithmetic) -> str:
    """Return a process's `arithmetic` as a sentence."""
    kernels = seen["kernels"]
    blas = "unknown without threadpoolctl" if kernels is None else listed(kernels)
    return (
        f"NumPy {np.__version__} uses {listed(seen['found'])} above its baseline, "
        f"{listed(seen['baseline'])}; the kernel of OpenBLAS is {blas}."
    )


def listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
