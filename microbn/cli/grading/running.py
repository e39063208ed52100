"""Run a hand-in in processes of its own, and take from them only what the checker says."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from typing import Any

from ...errors import ArgumentError
from .guard import WAITS
from .sheet import Exercise, Sheet

LONGEST_LINE = 16 << 20  # bytes of a line that a process says
STARTS_WITHIN = 120  # seconds in which a process has to start, before it loads the hand-in
VARIABLES = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL")
FOLDERS = ("HOME", "USERPROFILE", "TEMP", "TMP", "TMPDIR", "MPLCONFIGDIR", "XDG_CACHE_HOME")
RUNNING: set[subprocess.Popen] = set()


@dataclass(frozen=True)
class Outcome:
    """The outcome of an exercise: a dict for each check, or the reason for having no result."""

    checked: tuple[dict[str, Any], ...] = ()
    refused: str = ""


def run_hand_in(
    sheet: Sheet, exercises: Sequence[Exercise], file: Path, kept: Sequence[Path] = ()
) -> list[Outcome]:
    """Check exercises of a hand-in. Whatever the hand-in does, this returns an outcome for each.

    Its process sees a copy of the file in an empty folder and few variables of our environment,
    and must not open the files in ``kept``. If an exercise ends the process, the next one begins
    in a new process. A file that cannot be loaded is not run again. Raises ArgumentError if a
    strategy of the sheet cannot be drawn from, or if the process does not start.
    """
    outcomes: list[Outcome] = []
    while todo := exercises[len(outcomes) :]:
        with TemporaryDirectory(prefix="hand-in-", ignore_cleanup_errors=True) as folder:
            copy = shutil.copyfile(file, Path(folder, file.name))
            with _Process(sheet, todo, copy, kept) as process:
                found = [*process.outcomes(todo)]
        if not process.loaded:
            why = f"its file cannot be loaded: {found[0].refused}"
            found = [Outcome(refused=why)] * len(todo)
        outcomes += found
    return outcomes


def stop_running() -> None:
    """End all hand-ins that run, after an interruption."""
    for process in [*RUNNING]:
        _stop(process)


class _Process:
    """A process that checks exercises of a hand-in, and what it says."""

    def __init__(
        self, sheet: Sheet, todo: Sequence[Exercise], file: Path, kept: Sequence[Path]
    ) -> None:
        self.token, self.loaded = secrets.token_hex(16), False
        job: dict[str, Any] = {"token": self.token, "file": str(file), "kept": [*map(str, kept)]}
        job |= {"imports": sheet.imports, "megabytes": sheet.megabytes}
        job["exercises"] = [_without_points(exercise) for exercise in todo]
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-m", f"{__package__}.candidate"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=file.parent,
            env=_environment(file.parent),
            start_new_session=True,
        )
        RUNNING.add(self._popen)
        self._late = False
        with suppress(BrokenPipeError), self._popen.stdin as stdin:  # type: ignore[union-attr]
            stdin.write(json.dumps(job).encode() + b"\n")

    def __enter__(self) -> _Process:
        return self

    def __exit__(self, *_: Any) -> None:
        _stop(self._popen)
        self._popen.wait()
        self._popen.stdout.close()  # type: ignore[union-attr]
        RUNNING.discard(self._popen)

    def outcomes(self, todo: Sequence[Exercise]) -> Iterator[Outcome]:
        """Yield the outcome of each exercise, until one ends the process."""
        with self._within(STARTS_WITHIN):
            if "ready" not in self._said(todo[0]):
                raise ArgumentError(
                    f"grade: the checker is not ready after {STARTS_WITHIN} s, or was ended; let "
                    "the strategies of the sheet draw fewer or smaller examples"
                )
        for exercise in todo:
            with self._within(WAITS * exercise.seconds):
                outcome, goes_on = self._outcome(exercise)
            yield outcome
            if not goes_on:
                return

    def _outcome(self, exercise: Exercise) -> tuple[Outcome, bool]:
        """Return the outcome of an exercise, and whether the process goes on to the next one."""
        said = self._said(exercise)
        if "loaded" in said:
            self.loaded = True
            said = self._said(exercise)
        if "checked" in said:
            return Outcome(tuple(said["checked"])), True
        return Outcome(refused=str(said.get("refused"))), not said.get("ends", True)

    def _said(self, exercise: Exercise) -> dict[str, Any]:
        """Return the next message. What has no token, or ends without a word, is refused."""
        assert self._popen.stdout
        line, token = self._popen.stdout.readline(LONGEST_LINE), f"{self.token} ".encode()
        if line and not line.startswith(token):
            return {"refused": "it writes where only the checker may write", "ends": True}
        if not line.endswith(b"\n"):  # a process without its channel is late in the end
            status = self._popen.wait()
            return {"refused": _why_ended(None if self._late else status, exercise), "ends": True}
        message: dict[str, Any] = json.loads(line.removeprefix(token))
        if "sheet" in message:
            raise ArgumentError(
                f"grade: a strategy of the sheet cannot be drawn from: {message['sheet']}"
            )
        return message

    @contextmanager
    def _within(self, seconds: int) -> Iterator[None]:
        """Stop the process if this takes longer."""
        clock = Timer(seconds, self._stop_late)
        clock.start()
        try:
            yield
        finally:
            clock.cancel()

    def _stop_late(self) -> None:
        self._late = True
        _stop(self._popen)


def _without_points(exercise: Exercise) -> dict[str, Any]:
    """Return what a process has to know of an exercise."""
    left_out = ("name", "points", "own_forward")
    return {key: value for key, value in asdict(exercise).items() if key not in left_out}


def _stop(process: subprocess.Popen) -> None:
    """End a process, and all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _environment(own: Path) -> dict[str, str]:
    """Return the variables of the process, whose libraries may write into its own folder.

    One thread is enough for a layer, and needs less.
    """
    threads = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    path = [str(Path(__file__).parents[3]), *filter(None, sys.path)]
    fixed = {"PYTHONPATH": os.pathsep.join(path), "PYTHONHASHSEED": "0"}
    fixed["PYTHONDONTWRITEBYTECODE"] = "1"
    kept = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    kept |= dict.fromkeys(FOLDERS, str(own))
    return kept | fixed | dict.fromkeys(threads, "1")


def _why_ended(status: int | None, exercise: Exercise) -> str:
    """Say why a process gave no result."""
    name = signal.Signals(-status).name if status is not None and status < 0 else ""
    if status is None or name in ("SIGXCPU", "SIGKILL", "SIGALRM"):
        most = f"{exercise.seconds} s of computing, or {WAITS * exercise.seconds} s in all"
        return f"it takes too long: more than {most}"
    if name:
        return f"it crashes: its process was ended by {name}"
    return f"its process ended, with status {status}, before the check was done"
