"""Write a file completely, or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def write_whole(path: str | Path, content: bytes | Iterable[bytes]) -> Path:
    """Write a file and return its path. If anything goes wrong, the old file stays as it was.

    The content, piece by piece, is written to a new file in the same folder, which then replaces
    the old one and keeps its permissions. A process that is killed may leave the unfinished new
    file behind. A link stays a link, and the file it points to is replaced. A pipe or a device
    cannot be replaced, so it is written to directly.

    Raises OSError, which names ``path``, for example if the disk is full or the folder is missing.
    """
    path, pieces = Path(path), [content] if isinstance(content, bytes) else content
    target = Path(os.path.realpath(path))
    new = target.parent / f".{secrets.token_hex(8)}.tmp"
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:
                file.writelines(pieces)
        else:
            _replace(target, new, pieces)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
    return path


def _replace(target: Path, new: Path, pieces: Iterable[bytes]) -> None:
    if target.exists():
        target.open("r+b").close()  # raises if the file is read-only, which a rename would ignore
    with new.open("xb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())  # some disks report only here that they are full
    if target.exists():
        shutil.copymode(target, new)
    os.replace(new, target)
