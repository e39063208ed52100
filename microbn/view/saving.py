"""Write a file completely, or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path


def write_whole(path: str | Path, content: bytes) -> Path:
    """Write a file and return its path. If anything goes wrong, the old file stays as it was.

    The content is written to a new file in the same folder, which then replaces the old one and
    keeps its permissions. A process that is killed may leave the unfinished new file behind. A
    link stays a link, and the file it points to is replaced. A pipe or a device cannot be
    replaced, so it is written to directly.

    Raises OSError, which names ``path``, for example if the disk is full or the folder is missing.
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
        target.open("r+b").close()  # raises if the file is read-only, which a rename would ignore
    with new.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # some disks report only here that they are full
    if target.exists():
        shutil.copymode(target, new)
    os.replace(new, target)
