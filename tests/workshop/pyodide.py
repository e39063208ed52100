"""Fetch the Pyodide with NumPy that the workshop's tests run: ``python -m tests.workshop.pyodide``.

Neither npm nor PyPI has NumPy for a browser by itself. A wheel of open-webui carries both: pip
fetches it (152 MB), without what it depends on, and compares its hash. The files that the workshop
needs are kept in ``~/.cache/microbn``, or in the folder that MICROBN_PYODIDE names; each has the
hash that ``microbn/workshop/distribution.py`` has for it. If they are there, nothing is fetched.
"""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from microbn.errors import ArgumentError
from microbn.workshop.distribution import LOCK_FILE, PYODIDE, distribution

WHEEL = "open-webui==0.9.6"
WHEEL_HASH = "ce5fdd1b8acf2b823c87417242dea4e6686d6130a98e766954ec6f04e5e146ed"
INSIDE = "open_webui/frontend/pyodide"  # where the wheel keeps Pyodide
HASHES = {file["name"]: file["sha256"] for file in distribution().files}
COMMAND = "python -m tests.workshop.pyodide"


def main() -> None:
    place = folder()
    if wrong := unusable(place):
        print(f"{wrong}; fetching {WHEEL}")
        with TemporaryDirectory() as room:
            unpack(fetched(Path(room)), place)
        if wrong := unusable(place):
            raise SystemExit(f"{wrong}, although it was just unpacked from {WHEEL}")
    print(place)


def folder() -> Path:
    """Return the folder in which the files are kept."""
    if named := os.environ.get("MICROBN_PYODIDE"):
        return Path(named)
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "microbn" / f"pyodide-{PYODIDE}"


def unusable(place: Path) -> str:
    """Say why the folder cannot be used. Return "" if it has every file as pinned."""
    for name, known in HASHES.items():
        if not (place / name).is_file():
            return f"{place} has no {name}"
        if sha256((place / name).read_bytes()).hexdigest() != known:
            return f"{place / name} has another hash than distribution.py"
    try:
        same = distribution(place).lock == distribution().lock
    except ArgumentError as error:
        return str(error)
    return "" if same else f"{place / LOCK_FILE} lists other versions than distribution.py"


def fetched(room: Path) -> Path:
    """Return the wheel, which pip puts into a folder after it has compared its hash."""
    wanted = room / "wanted.txt"
    wanted.write_text(f"{WHEEL} --hash=sha256:{WHEEL_HASH}\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps"]
    # The wheel is only unpacked, so it may ask for another Python than this one.
    kind = ["--only-binary", ":all:", "--ignore-requires-python", "--no-cache-dir"]
    if subprocess.run([*pip, *kind, "-d", str(room), "-r", str(wanted)]).returncode:
        raise SystemExit(f"pip could not fetch {WHEEL}; the workshop's tests need it")
    (wheel,) = room.glob("*.whl")
    return wheel


def unpack(wheel: Path, place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    with ZipFile(wheel) as archive:
        for name in (*HASHES, LOCK_FILE):
            content = archive.read(f"{INSIDE}/{name}")
            print(f"unpacking {name}, {len(content) / 1e6:.1f} MB", flush=True)
            (place / name).write_bytes(content)


if __name__ == "__main__":
    main()
