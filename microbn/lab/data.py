"""Data to learn from: handwritten digits, few or many, and two spirals."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPException
from io import BufferedReader
from pathlib import Path

import numpy as np

from ..arguments import check_counts, generator, is_real, need_package
from ..errors import ArgumentError


@dataclass(frozen=True)
class Split:
    """A training set and a test set: x (N, features) in float64, y with N class numbers."""

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int

    @property
    def features(self) -> int:
        """The number of values in a sample."""
        return self.x_train.shape[1]


def dataset(name: str, seed: int) -> Split:
    """Return the data that a demo's ``--data`` names: "digits", "mnist" or a folder with MNIST.

    The seed chooses the digits that are held out; MNIST's test set is always the same.

    Raises ArgumentError for any other name, and the errors of `digits` and `mnist`.
    """
    if not isinstance(name, (str, Path)):
        raise ArgumentError(f"dataset: needs 'digits', 'mnist' or a folder, got {name!r:.60}")
    if name == "digits":
        return digits(seed)
    if name == "mnist":
        return mnist()
    if not Path(name).is_dir():
        raise ArgumentError(f"dataset: {name!r} is neither 'digits' nor 'mnist', nor a folder")
    return mnist(name)


def digits(seed: int, test: int = 500) -> Split:
    """Return 1797 handwritten digits of 8 × 8 pixels in 0..1, ``test`` of them held out by seed.

    Raises MissingPackageError without scikit-learn, which contains the digits.

    Source: Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits (UCI).
    """
    datasets = need_package("sklearn.datasets", "lab", "the digits data set")
    x, y = datasets.load_digits(return_X_y=True)
    return split(x / 16, y, seed, test)


def mnist(folder: Path | str | None = None) -> Split:
    """Return MNIST: 60,000 handwritten digits and 10,000 to test on, 28 × 28 pixels in 0..1.

    It is read from a ``folder`` with its four files, gzipped or not; the files say how many images
    they hold, and of what size. Without a folder, scikit-learn fetches MNIST from openml.org and
    keeps it for the next time. The arrays are read-only, and a second call returns the same ones.

    Raises FileNotFoundError for a missing file, ArgumentError for a damaged one,
    MissingPackageError without scikit-learn, and OSError if nothing can be fetched.

    Source: LeCun, Bottou, Bengio & Haffner 1998, Gradient-based learning applied to document
    recognition.
    """
    if not isinstance(folder, (str, Path, type(None))):
        raise ArgumentError(f"mnist: needs a folder, got {folder!r:.60}")
    return _mnist(None if folder is None else Path(folder).expanduser().resolve())


@lru_cache(maxsize=1)
def _mnist(folder: Path | None) -> Split:
    x_train, y_train, x_test, y_test = _read_mnist(folder) if folder else _fetch_mnist()
    split = Split(x_train / 255, y_train, x_test / 255, y_test, 10)
    for array in (split.x_train, split.y_train, split.x_test, split.y_test):
        array.setflags(write=False)
    return split


def spirals(seed: int, n: int = 1000, test: int = 200, noise: float = 0.1) -> Split:
    """Return two spirals in the plane, a class each, wound around each other. Needs only NumPy."""
    check_counts("spirals", n=n, test=test)
    if not is_real(noise) or not 0 <= noise < math.inf:
        raise ArgumentError(f"spirals: noise must be 0 or a positive number, got {noise!r:.60}")
    rng = generator("spirals", seed)
    y = np.arange(n) % 2
    turn = 3 * np.pi * np.sqrt(rng.uniform(0.02, 1, n))
    angle = turn + np.pi * y
    x = np.stack([turn * np.cos(angle), turn * np.sin(angle)], axis=1) / (3 * np.pi)
    return split(x + rng.normal(0, noise / 3, x.shape), y, seed, test)


def split(x: np.ndarray, y: np.ndarray, seed: int, test: int) -> Split:
    """Hold out ``test`` samples, chosen by seed.

    Raises ArgumentError if one of the sets would be empty, and if y does not number the classes
    from 0 on.
    """
    x, y = np.asarray(x), np.asarray(y)
    if not x.ndim or not y.ndim:
        raise ArgumentError(f"split: needs arrays of samples, got the shapes {x.shape}, {y.shape}")
    check_counts("split", test=test)
    if len(x) != len(y):
        raise ArgumentError(f"split: {len(x)} samples and {len(y)} class numbers")
    if not 0 < test < len(x):
        raise ArgumentError(f"split: test={test} of {len(x)} samples leaves an empty set")
    if y.ndim != 1 or y.dtype.kind not in "iu" or y.min() < 0:
        raise ArgumentError(f"split: class numbers are integers from 0 on, got {y!r:.60}")
    order = generator("split", seed).permutation(len(x))
    held, kept = order[:test], order[test:]
    return Split(x[kept], y[kept], x[held], y[held], int(y.max()) + 1)


def minibatches(n: int, size: int, seed: int) -> Iterator[np.ndarray]:
    """Yield index arrays of ``size`` without end. Every epoch is a new shuffle of the n samples.

    If the last batch of an epoch would be shorter, it is left out.

    Raises ArgumentError unless 1 <= size <= n.
    """
    check_counts("minibatches", n=n, size=size)
    if not 1 <= size <= n:
        raise ArgumentError(f"minibatches: size must be in 1..{n}, got {size}")
    return _shuffled(n, size, generator("minibatches", seed))


def _shuffled(n: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    while True:
        order = rng.permutation(n)
        yield from (order[i : i + size] for i in range(0, n - size + 1, size))


_FILES = (
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)
_DENSEST = 1032  # gzip packs at most so many bytes into one
_PIECE = 2**20  # bytes read at a time, so that memory grows with the content, not the header


def _fetch_mnist() -> tuple[np.ndarray, ...]:
    datasets = need_package("sklearn.datasets", "lab", "the MNIST data set")
    try:
        x, y = datasets.fetch_openml(
            "mnist_784", version=1, return_X_y=True, as_frame=False, n_retries=1,
            parser="liac-arff",  # the other one needs pandas
        )  # fmt: skip
    except (OSError, HTTPException, EOFError, ValueError) as error:
        raise OSError(
            f"mnist: openml.org returned nothing usable ({error}); without a network, give a "
            f"folder with {_FILES[0][0]}.gz and the three other files of MNIST"
        ) from error
    y = y.astype(int)
    return x[:60_000], y[:60_000], x[60_000:], y[60_000:]


def _read_mnist(folder: Path) -> tuple[np.ndarray, ...]:
    """Return the images (N, pixels) and labels of both sets, checked."""
    if not folder.is_dir():
        raise ArgumentError(f"mnist: there is no folder {str(folder)!r}")
    arrays: list[np.ndarray] = []
    for of_images, of_labels in _FILES:
        images, labels = _idx(folder, of_images, axes=3), _idx(folder, of_labels, axes=1)
        if len(images) != len(labels):
            raise ArgumentError(
                f"mnist: in {folder} {of_images} holds {len(images)} images, {of_labels} "
                f"{len(labels)} labels: they do not belong together"
            )
        if len(wrong := np.flatnonzero(labels > 9)):
            raise ArgumentError(
                f"mnist: label {labels[wrong[0]]} at [{wrong[0]}] of {of_labels} in {folder} is "
                "not one of 10 digits"
            )
        if arrays and arrays[0].shape[1:] != (images[0].size,):
            raise ArgumentError(
                f"mnist: in {folder} the images of {of_images} have {images[0].size} pixels, but "
                f"in {_FILES[0][0]} they have {arrays[0].shape[1]}: they do not belong together"
            )
        arrays += [images.reshape(len(images), math.prod(images.shape[1:])), labels.astype(int)]
    return tuple(arrays)


def _idx(folder: Path, name: str, axes: int) -> np.ndarray:
    """Read an IDX file. It begins with its kind and the size of each axis; the rest is bytes."""
    path = next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)
    if path is None:
        raise FileNotFoundError(
            f"mnist: in {folder} there is no {name}, nor {name}.gz; mnist() without a folder "
            "fetches MNIST from openml.org"
        )
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"  # gzip's mark; browsers may unpack, and keep the name
    try:
        with gzip.open(path) if packed else path.open("rb") as file:
            return _idx_content(path, file, axes)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ArgumentError(f"mnist: {path} is damaged, {error}: get it anew") from error


def _idx_content(path: Path, file: gzip.GzipFile | BufferedReader, axes: int) -> np.ndarray:
    """Read the header, and then at most one byte more than the header promises.

    A small gzip file can unpack to any size.
    """
    start = 4 + 4 * axes
    header = file.read(start)
    magic, *shape = (int.from_bytes(header[i : i + 4]) for i in range(0, start, 4))
    if magic != 2048 + axes:
        raise ArgumentError(
            f"mnist: {path} starts with the number {magic}, not {2048 + axes}: it is another file"
        )
    due, size = math.prod(shape), path.stat().st_size
    if due > _DENSEST * size:
        raise ArgumentError(
            f"mnist: {path} has {size:,} bytes, too few to hold the {due:,} that are due for shape "
            f"{tuple(shape)}: get it anew"
        )
    content = _at_most(file, due + 1)
    if len(header) < start or len(content) != due:
        held = f"{'at least ' * (len(content) > due)}{len(header) + len(content):,}"
        raise ArgumentError(
            f"mnist: {path} has {held} bytes where {start + due:,} are due for shape "
            f"{tuple(shape)}: get it anew"
        )
    if 0 in shape:
        raise ArgumentError(f"mnist: {path} holds nothing, its shape is {tuple(shape)}")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _at_most(file: gzip.GzipFile | BufferedReader, size: int) -> bytearray:
    content = bytearray()
    while piece := file.read(min(size - len(content), _PIECE)):
        content += piece
    return content
