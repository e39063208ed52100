"""The page's Python is Pyodide, which is CPython and NumPy for a browser.

Its files are taken from a folder and put into the page, or the page fetches them itself. Then it
compares each with its SHA-256, which stands here.
"""

from __future__ import annotations

import gzip
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ArgumentError, listed

# The version that the tests run. The hashes of Pyodide's own files are those of the npm package
# pyodide of this version; that of NumPy's wheel stands in the pyodide-lock.json of that package.
PYODIDE = "0.28.3"
PYODIDE_ADDRESS = f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE}/full/"
LOCK_FILE = "pyodide-lock.json"
PYTHON_FILES = {  # the bytes, by which the page says how far it is, and the SHA-256
    "pyodide.js": (
        17_331,
        "24a458425dcb4ea9836eb5ce26701d18cb769374e2b79247602ba605bf093278",
    ),
    "pyodide.asm.js": (
        1_073_033,
        "b22e5831eade9ff10e6fe2c811c68688cd91f10154377b4f80debcf5bafa1e56",
    ),
    "pyodide.asm.wasm": (
        8_645_967,
        "5effb6a1a6cc4a1a85bec4622701aa797c031e1de923cbbaf2ad47abdc4ab325",
    ),
    "python_stdlib.zip": (
        2_416_866,
        "71fee17f88a6260ec8c9c7c063533ee59c021fdc88a1ce76247378d3c4a35f4c",
    ),
}
NUMPY_BYTES = 3_109_648  # of the wheel that the lock file names
LOCK: dict[str, Any] = {
    "info": {
        "abi_version": "2025_0",
        "arch": "wasm32",
        "platform": "emscripten_4_0_9",
        "python": "3.13.2",
        "version": "0.28.0.dev0",  # so it stands in the lock file of 0.28.3
    },
    "packages": {
        "numpy": {
            "name": "numpy",
            "version": "2.2.5",
            "file_name": "numpy-2.2.5-cp313-cp313-pyodide_2025_0_wasm32.whl",
            "install_dir": "site",
            "sha256": "3db3c4f3e0448f4d62a85c262692f1260ccd8a91335442bd2442f21ffeddb558",
            "package_type": "package",
            "imports": ["numpy"],
            "depends": [],
            "unvendored_tests": False,
        }
    },
}
LICENCES = {"Pyodide": "MPL-2.0", "CPython": "PSF-2.0", "NumPy": "BSD-3-Clause"}


class Distribution(NamedTuple):
    """A Pyodide with NumPy, as the page's script takes it."""

    address: str  # where the page fetches the files, or "" if it carries them
    lock: Mapping[str, Any]  # Pyodide's list of packages, with NumPy alone
    files: list[dict[str, Any]]  # name, size, and the sha256 to compare or the content

    @property
    def versions(self) -> str:
        """Return the versions of Python and NumPy, in words."""
        return f"Python {self.lock['info']['python']}, NumPy {_numpy_of(self.lock)['version']}"


def distribution(place: str | Path | None = None) -> Distribution:
    """Return the Pyodide of a folder, of an address, or without either that of its public CDN.

    Raises ArgumentError for a folder that lacks one of the files, naming it, and for an address
    that is none.
    """
    if place is None:
        return _fetched(PYODIDE_ADDRESS)
    if str(place).startswith(("https://", "http://")):
        return _fetched(f"{str(place).rstrip('/')}/")
    return _carried(Path(place))


def _fetched(address: str) -> Distribution:
    if not re.fullmatch(r"https?://[\w.:\[\]-]+(/[\w.~%/-]*)?", address, re.ASCII):
        raise ArgumentError(
            f"workshop: {address!r} is not a server's address; write it as in {PYODIDE_ADDRESS}"
        )
    numpy = _numpy_of(LOCK)
    known = PYTHON_FILES | {numpy["file_name"]: (NUMPY_BYTES, numpy["sha256"])}
    files = [{"name": name, "size": size, "sha256": sum_} for name, (size, sum_) in known.items()]
    return Distribution(address, LOCK, files)


def _carried(folder: Path) -> Distribution:
    """Return a distribution whose files stand in the page, packed."""
    lock = _lock_of(folder)
    names = [*PYTHON_FILES, _numpy_of(lock)["file_name"]]
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise ArgumentError(
            f"workshop: {str(folder)!r} has no {listed(missing)}; --pyodide needs a folder of "
            f"Pyodide with {listed(names)}"
        )
    return Distribution("", lock, [_packed(name, (folder / name).read_bytes()) for name in names])


def _lock_of(folder: Path) -> dict[str, Any]:
    """Return the folder's list of packages, with NumPy alone."""
    try:
        lock = json.loads((folder / LOCK_FILE).read_bytes())
        return {"info": lock["info"], "packages": {"numpy": lock["packages"]["numpy"]}}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArgumentError(
            f"workshop: {str(folder)!r} has no {LOCK_FILE} that lists NumPy "
            f"({type(error).__name__}: {error}); --pyodide needs a folder of Pyodide with NumPy"
        ) from error


def _numpy_of(lock: Mapping[str, Any]) -> Mapping[str, Any]:
    return lock["packages"]["numpy"]


def _packed(name: str, content: bytes) -> dict[str, Any]:
    packed = gzip.compress(content, 9, mtime=0)
    return {"name": name, "size": len(content), "content": b64encode(packed).decode()}
