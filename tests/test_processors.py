"""Test the imitated processors: switched-off features are off, and a skip gives its reason."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import processors
import pytest

ROOT = Path(__file__).parents[1]
NEW = {"baseline": ["X86_V2"], "found": ["X86_V3", "X86_V4", "AVX512_ICL"]}
OLD = {  # the names of NumPy 2.2 and 2.3
    "baseline": ["SSE", "SSE2", "SSE3"],
    "found": ["SSSE3", "SSE41", "SSE42", "AVX", "F16C", "FMA3", "AVX2", "AVX512F", "AVX512_SKX"],
}
VARIABLES = processors.FEATURES, processors.CORE


@pytest.mark.bits
def test_what_the_environment_switches_off_is_off_in_this_process():
    assert processors.disobeyed(os.environ, processors.arithmetic()) == []


def test_a_processor_with_avx512_imitates_them_all():
    assert processors.imitations(NEW, "x86_64") == {
        "baseline": {processors.FEATURES: "X86_V3 X86_V4 AVX512_ICL"},
        "haswell": {processors.FEATURES: "X86_V4 AVX512_ICL", processors.CORE: "Haswell"},
        "avx512": {processors.CORE: "SkylakeX"},
    }
    old = processors.imitations(OLD, "AMD64")
    assert old["baseline"] == {processors.FEATURES: " ".join(OLD["found"])}
    assert old["haswell"][processors.FEATURES] == "AVX512F AVX512_SKX"
    assert old["avx512"] == {processors.CORE: "SkylakeX"}


@pytest.mark.parametrize(
    ("found", "machine", "skipped"),
    [
        (["X86_V3"], "x86_64", {"avx512": "NumPy finds no AVX-512 here"}),
        (["AVX", "AVX2"], "x86_64", {"haswell": "NumPy finds no AVX2 here"}),
        ([], "x86_64", {"haswell": "NumPy finds no AVX2 here"}),
        (["ASIMDDP"], "arm64", {"baseline": "arm64 is no x86-64 processor"}),
    ],
)
def test_a_processor_that_cannot_be_imitated_has_a_reason(found, machine, skipped, capfd):
    settings = processors.imitations({"baseline": ["SSE2"], "found": found}, machine)
    for name, reason in skipped.items():
        assert settings[name] == reason
        assert processors.compare_bits(name, settings[name]) == 0
        assert capfd.readouterr().out == f"\n{name}: skipped, as {reason}\n"


def test_the_processor_at_hand_is_skipped(monkeypatch, capfd):
    monkeypatch.setattr(processors, "BITS", ["false"])
    setting = {key: os.environ[key] for key in VARIABLES if key in os.environ}
    assert processors.compare_bits("mine", setting) == 0
    assert "mine: skipped, as this is the processor at hand\n" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("found", "kernels", "fault"),
    [
        (["X86_V3", "X86_V4"], ["Haswell"], "NumPy still uses X86_V4"),
        (["X86_V3"], ["SkylakeX"], "the kernel of OpenBLAS is SkylakeX, not Haswell"),
    ],
)
def test_what_stays_on_is_a_fault(monkeypatch, found, kernels, fault):
    seen = {"baseline": ["X86_V2"], "found": found, "kernels": kernels}
    setting = {processors.FEATURES: "X86_V4, AVX512_ICL", processors.CORE: "Haswell"}
    assert processors.disobeyed(setting, seen) == [fault]
    assert processors.disobeyed(setting, {**seen, "found": [], "kernels": ["Haswell"]}) == []
    monkeypatch.setattr(processors, "ask", lambda setting: seen)
    with pytest.raises(SystemExit, match=f"haswell: {fault}"):
        processors.confirmed("haswell", setting)


def command(*words):
    """Return the output of ``python -m tests.processors``, and its status."""
    line = [sys.executable, "-m", "tests.processors", *words]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr, done.returncode


def test_a_command_runs_on_the_processor_that_is_named_and_its_status_is_kept():
    whole = processors.ask({})
    setting = processors.imitations(whole, processors.platform.machine())["baseline"]
    asked = f"{processors.ASK}; raise SystemExit(3)"
    code = f"import sys; sys.path.append({str(ROOT / 'tests')!r}); {asked}"
    output, status = command("baseline", sys.executable, "-c", code)
    if isinstance(setting, str):
        assert output.endswith(f"baseline: {setting}; the command was not run\n")
        assert status == 1
    else:
        assert f'baseline: {processors.FEATURES}="{" ".join(whole["found"])}"' in output
        assert '"found": []' in output
        assert f"NumPy {np.__version__} uses none above its baseline" in output
        assert status == 3


@pytest.mark.parametrize("words", [["pentium", "true"], ["haswell"]])
def test_other_words_are_told_the_usage(words):
    output, status = command(*words)
    assert "usage: python -m tests.processors [baseline|haswell|avx512 COMMAND ...]" in output
    assert status == 1


def test_a_failure_on_any_processor_is_the_status(monkeypatch):
    outcomes = {"baseline": -11, "haswell": 0, "avx512": 0}
    asked = []
    monkeypatch.setattr(
        processors, "compare_bits", lambda name, _: asked.append(name) or outcomes[name]
    )
    assert processors.main([]) == 1
    assert asked == [*processors.NAMES]
    outcomes["baseline"] = 0
    assert processors.main([]) == 0
