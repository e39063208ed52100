"""The guard keeps a hand-in within its limits, imports and files, and NumPy as it was."""

from __future__ import annotations

import builtins
import io
import math
import os
import signal
import sys
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from ...errors import listed

Refuse = Callable[[str], NoReturn]

PRINTED = 20 << 20  # bytes that a hand-in may print; its forward may print in each call
WAITS = 6  # a busy machine may take so many times the seconds that a hand-in may compute
WATCHED = ("numpy", "microbn", "builtins", "math", "json", "os", "io", "copy")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
PROGRAMS = "subprocess.Popen os.system os.exec os.fork os.forkpty os.posix_spawn os.spawn pty.spawn"
NETWORK = "socket.connect socket.bind socket.sendto socket.getaddrinfo"
EVENTS = {
    **dict.fromkeys(f"{PROGRAMS} os.startfile".split(), "it starts another program"),
    **dict.fromkeys(("os.kill", "os.killpg"), "it sends a signal to a process"),
    **dict.fromkeys(NETWORK.split(), "it uses the network"),
}
CHANGES = "os.remove os.rename os.rmdir os.truncate os.mkdir os.link os.symlink os.chmod os.chown"


def limit(seconds: int, megabytes: int) -> None:
    """Limit what this process may use from now on: time, memory, and the size of its files.

    Windows has no such limits, and macOS none of memory. The parent's own clock stays.
    """
    with suppress(ImportError):
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        ends = math.ceil(usage.ru_utime + usage.ru_stime + seconds)
        for kind, most in (
            (resource.RLIMIT_CPU, ends),
            (resource.RLIMIT_AS, megabytes << 20),
            (resource.RLIMIT_FSIZE, 1 << 20),
            (resource.RLIMIT_CORE, 0),
        ):
            with suppress(ValueError, OSError):  # the system has a lower limit, or none
                resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))
        signal.alarm(WAITS * seconds)  # if the parent is gone, the process ends nevertheless


def watch_files(refuse: Refuse, kept: Collection[str], own: Path) -> None:
    """Refuse a hand-in that opens a file of the grader, or changes one outside its own folder.

    It may start no other program, and not use the network. A library that tries this, as matplotlib
    does to find fonts, is told that it must not. The hook stays until the process ends.
    """

    def hook(event: str, args: tuple) -> None:
        if event in EVENTS:
            if _of_library(own):
                raise PermissionError(EVENTS[event])
            refuse(EVENTS[event])
        if event != "open" and event not in CHANGES.split():
            return
        paths = [p for p in args[: 1 + (event != "open")] if isinstance(p, (str, bytes, Path))]
        for path in map(os.path.realpath, map(os.fsdecode, paths)):
            if path in kept:
                refuse("it opens a file that belongs to the grader, or to another hand-in")
            writes = event != "open" or (isinstance(args[2], int) and args[2] & WRITES)
            if writes and not Path(path).is_relative_to(own):
                refuse("it writes or changes a file outside its own folder")

    sys.addaudithook(hook)


def _of_library(own: Path) -> bool:
    """Return whether the nearest code that is not Python's own is an installed library's."""
    frame = sys._getframe(2)
    names = sys.stdlib_module_names
    while frame and str(frame.f_globals.get("__name__")).partition(".")[0] in names:
        frame = frame.f_back  # type: ignore[assignment]
    file = Path(frame.f_code.co_filename) if frame else own
    return file.is_file() and not file.is_relative_to(own)


def watch_imports(refuse: Refuse, allowed: Sequence[str], file: Path) -> None:
    """Refuse a hand-in that imports anything but the packages that its sheet allows."""
    import_any = builtins.__import__
    names = {*allowed, "__future__"}

    def import_allowed(
        name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
    ) -> Any:
        place = (globals or {"__file__": ""}).get("__file__")  # code in C has no globals
        own = place is None or (place and Path(place).parent == file.parent)
        if own and (level or name.partition(".")[0] not in names):
            line = f"line {sys._getframe(1).f_lineno}: "
            what = f"it imports {'a neighbour of its file' if level else name}"
            refuse(f"{line}{what}; this sheet allows {listed(allowed) or 'no imports'}")
        return import_any(name, globals, locals, fromlist, level)

    builtins.__import__ = import_allowed


class Muted(io.RawIOBase):
    """The bytes of a stdout. They are dropped, and a hand-in that never stops is refused."""

    def __init__(self, refuse: Refuse) -> None:
        self.refuse, self.printed = refuse, 0

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1  # where nobody reads

    def write(self, content: Any) -> int:
        size = memoryview(content).nbytes
        self.printed += size
        if self.printed > PRINTED:
            self.refuse(f"it prints more than {PRINTED >> 20} megabytes")
        return size


def functions_now() -> dict[tuple[str, str], tuple[Any, Any]]:
    """Return the functions of NumPy, Python and the checker by name, each with its owner."""
    found = {}
    for name, module in [*sys.modules.items()]:
        if module is None or name.partition(".")[0] not in WATCHED:
            continue
        owners: list[tuple[str, Any]] = [(name, module)]
        if name.startswith("microbn"):
            owners += [(f"{name}.{key}", v) for key, v in vars(module).items() if type(v) is type]
        for place, owner in owners:
            for key, value in [*vars(owner).items()]:
                if callable(value):
                    found[place, key] = owner, value
    return found


def exchanged(before: dict[tuple[str, str], tuple[Any, Any]]) -> str:
    """Return the name of a function that is another one than before, or ""."""
    for (place, key), (owner, value) in before.items():
        if vars(owner).get(key) is not value:
            return f"{place}.{key}"
    return ""
