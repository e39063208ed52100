"""Write a file whole, or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path


def write_whole(path: str | Path, content: bytes) -> Path:
    """Write a file and return its path. Whatever goes wrong, the file that was there stays whole.

    The content goes into a new file in the same folder, which then takes the old one's place and
    its permissions; a process that is killed leaves it there, unfinished. A link stays a link: the
    file it points to is replaced. A pipe or a device cannot be replaced, and is written into.

    Raises OSError, which names ``path``, as for a full disk or a folder that is not there.
    """
    path = Path(path)
    target = Path(os.path.realpath(path))
    new = target.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)
        else:
            _replace(target, new, content)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
    return path


def _replace(target: Path, new: Path, content: bytes) -> None:
    if target.exists():
        target.open("r+b").close()  # a file that may not be written into is not replaced either
    with new.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # some disks say only here that they are full
    if target.exists():
        shutil.copymode(target, new)
    os.replace(new, target)
