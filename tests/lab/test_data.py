"""Data: by seed, from MNIST's own files whole or damaged, and from a network that may be down."""

import gzip
import re
import tracemalloc
from importlib.util import find_spec
from urllib.error import HTTPError, URLError

import numpy as np
import pytest

from microbn import errors
from microbn.lab import data

needs_sklearn = pytest.mark.skipif(not find_spec("sklearn"), reason="scikit-learn is not installed")


@needs_sklearn
def test_digits_are_split_by_seed():
    one, same, other = data.digits(0), data.digits(0), data.digits(1)
    assert one.x_train.shape == (1297, 64)
    assert (one.x_test.shape, one.classes) == ((500, 64), 10)
    assert (one.x_train.min(), one.x_train.max()) == (0, 1)
    assert np.array_equal(one.x_test, same.x_test)
    assert not np.array_equal(one.x_test, other.x_test)
    rows = {row.tobytes() for row in one.x_train} & {row.tobytes() for row in one.x_test}
    assert len(rows) == 0


def test_spirals_are_two_classes_wound_around_each_other():
    spirals = data.spirals(0, n=400, test=100)
    assert spirals.x_train.shape == (300, 2)
    assert set(spirals.y_train) == {0, 1}
    linear = np.linalg.lstsq(np.c_[spirals.x_train, np.ones(300)], spirals.y_train * 2 - 1)[0]
    guess = np.c_[spirals.x_test, np.ones(100)] @ linear > 0
    assert np.mean(guess == spirals.y_test) < 0.75  # no straight line parts them


def test_batches_are_whole_shuffled_by_seed_and_cover_an_epoch():
    order = data.minibatches(10, 3, seed=0)
    epoch = [next(order) for _ in range(3)]
    assert [len(rows) for rows in epoch] == [3, 3, 3]
    assert len(set(np.concatenate(epoch))) == 9
    again = data.minibatches(10, 3, seed=0)
    assert np.array_equal(epoch[0], next(again))


XS, YS = np.ones((3, 2)), np.array([0, 1, 1])


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda: data.split(np.ones(3), np.ones(3), 0, 3), "test=3 of 3 samples leaves an empty"),
        (lambda: data.split(np.ones(3), np.ones(2), 0, 1), "3 samples and 2 class numbers"),
        (lambda: data.minibatches(10, 11, 0), r"size must be in 1..10, got 11"),
        (lambda: data.dataset("minst", 0), "'minst' is neither 'digits' nor 'mnist', nor a folder"),
        (lambda: data.mnist("nowhere"), "no folder '.*nowhere'"),
        (lambda: data.dataset(5, 0), "dataset: needs 'digits', 'mnist' or a folder, got 5"),
        (lambda: data.mnist(5), "mnist: needs a folder, got 5"),
        (lambda: data.split(5, 5, 0, 1), r"split: needs arrays of samples, got the shapes \(\)"),
        (lambda: data.split(XS, YS, 0, 1.5), "test must be a positive integer, got 1.5"),
        (lambda: data.split(XS, YS, "a", 1), "split: a seed is an integer from 0 on, .* got 'a'"),
        (lambda: data.split(XS, YS - 1, 0, 1), r"integers from 0 on, got array\(\[-1"),
        (lambda: data.split(XS, YS + 0.5, 0, 1), r"integers from 0 on, got array\(\[0.5"),
        (lambda: data.split(XS, ["a", "b", "c"], 0, 1), "integers from 0 on, got array"),
        (lambda: data.minibatches(10.0, 3, 0), "minibatches: n must be a positive .* 10.0"),
        (lambda: data.minibatches(10, 3.5, 0), "minibatches: size must be a positive .* 3.5"),
        (lambda: data.minibatches(10, 3, -1), "minibatches: a seed is an integer .* got -1"),
        (lambda: data.spirals(0, n=-1), "spirals: n must be a positive integer, got -1"),
        (lambda: data.spirals(1.5), "spirals: a seed is an integer from 0 on, .* got 1.5"),
        (lambda: data.spirals(0, noise=np.nan), "noise must be 0 or a positive number, got nan"),
        (lambda: data.spirals(0, noise=-1), "noise must be 0 or a positive number, got -1"),
    ],
)
def test_faults_name_the_facts(fault, message):
    with pytest.raises(errors.ArgumentError, match=message):
        fault()


PIXELS = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3) * 8
LABELS = np.array([3, 1, 4, 1, 9], np.uint8)
IMAGES_FILE, LABELS_FILE = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def idx(array):
    """An array as the bytes of an IDX file: two zeros, unsigned bytes, the axes and their sizes."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4) for n in array.shape)
    return header + array.tobytes()


@pytest.fixture
def folder(tmp_path):
    """Five images of 2 × 3 pixels to train on, and the last two of them to test on."""
    data._mnist.cache_clear()
    (tmp_path / IMAGES_FILE).write_bytes(idx(PIXELS))
    (tmp_path / LABELS_FILE).write_bytes(idx(LABELS))
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(PIXELS[3:]))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(LABELS[3:]))
    yield tmp_path
    data._mnist.cache_clear()


def check_split(split):
    assert split.x_train.dtype == split.x_test.dtype == np.float64
    assert np.array_equal(split.x_train, PIXELS.reshape(5, 6) / 255)
    assert np.array_equal(split.x_test, PIXELS[3:].reshape(2, 6) / 255)
    assert (split.y_train.tolist(), split.y_test.tolist()) == ([3, 1, 4, 1, 9], [1, 9])
    assert split.classes == 10


def test_mnist_is_read_from_its_files(folder):
    check_split(data.mnist(folder))
    check_split(data.mnist(str(folder)))


def test_mnist_is_read_from_its_files_gzipped(folder):
    for path in list(folder.iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    check_split(data.mnist(folder))


def test_a_file_that_was_unpacked_and_kept_its_name_is_read(folder):
    (folder / IMAGES_FILE).rename(folder / f"{IMAGES_FILE}.gz")
    check_split(data.mnist(folder))


def test_mnist_is_read_once_and_cannot_be_written_into(folder):
    first = data.dataset(str(folder), seed=0)
    assert data.dataset(str(folder), seed=1) is first
    for array in (first.x_train, first.y_train, first.x_test, first.y_test):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_missing_file_names_the_folder_the_file_and_the_other_way(folder):
    (folder / LABELS_FILE).unlink()
    message = (
        rf"in {re.escape(str(folder))} there is no {LABELS_FILE}, .*; mnist\(\) without a folder"
    )
    with pytest.raises(FileNotFoundError, match=message):
        data.mnist(folder)


ZIPPED = gzip.compress(idx(PIXELS))
# fmt: off
DAMAGES = {
    "another file's images": (LABELS_FILE, idx(PIXELS), "starts with the number 2051, not 2049"),
    "another file's labels": (IMAGES_FILE, idx(LABELS), "starts with the number 2049, not 2051"),
    "an empty file":         (IMAGES_FILE, b"", "starts with the number 0, not 2051"),
    "a web page":            (IMAGES_FILE, b"<!DOCTYPE html>", "starts with the number 1008813135"),
    "cut in the header":     (IMAGES_FILE, idx(PIXELS)[:10], "has 10 bytes where 16 are due"),
    "cut in the pixels":     (IMAGES_FILE, idx(PIXELS)[:-1], r"45 .* 46 .* shape \(5, 2, 3\)"),
    "too long":              (LABELS_FILE, idx(LABELS) + b"0", r"at least 14 .* 13 .* \(5,\)"),
    "gzip, too long":        (LABELS_FILE, gzip.compress(idx(LABELS) + b"00"), "at least 14 .* 13"),
    "gzip, pixels missing":  (IMAGES_FILE, gzip.compress(idx(PIXELS)[:-1]), r"has 45 .* 46"),
    "a size out of reach":   (LABELS_FILE, idx(LABELS)[:4] + b"\xff" * 4, r"8 bytes, too few"),
    "gzip, cut short":       (IMAGES_FILE, ZIPPED[:-9], "is damaged, .*: get it anew"),
    "gzip, a wrong sum":     (IMAGES_FILE, ZIPPED[:-8] + b"8" * 8, "is damaged, CRC check failed"),
    "gzip of noise":         (IMAGES_FILE, ZIPPED[:10] + b"\xff" * 30, "is damaged, Error -3"),
    "a label too few":       (LABELS_FILE, idx(LABELS[1:]), "5 images, .* 4 labels: they do not"),
    "no images":             (IMAGES_FILE, idx(PIXELS[:0]), r"holds nothing, .* \(0, 2, 3\)"),
    "images of other sizes": ("t10k-images-idx3-ubyte", idx(PIXELS[3:, :1]), "have 3 pixels, .* 6"),
    "a label over 9":        (LABELS_FILE, idx(LABELS + 1), r"label 10 at \[4\] of train-labels"),
}
# fmt: on


@pytest.mark.parametrize(("name", "content", "message"), DAMAGES.values(), ids=DAMAGES)
def test_damaged_file_is_named_with_what_is_wrong(folder, name, content, message):
    (folder / name).write_bytes(content)
    with pytest.raises(errors.ArgumentError, match=message) as caught:
        data.mnist(folder)
    assert str(folder) in str(caught.value)
    assert name in str(caught.value)


def bomb(shape, held):
    """A gzip file whose header promises a shape; it holds so many megabytes of zeros instead."""
    header = idx(np.empty((0, 0, 0), np.uint8))[:4] + b"".join(n.to_bytes(4) for n in shape)
    return gzip.compress(header + bytes(held << 20), compresslevel=1)


@pytest.mark.parametrize(
    ("shape", "megabytes", "message"),
    [
        ((10, 1, 1), 2, "has at least 27 bytes where 26 are due"),
        ((2**32 - 1,) * 3, 2, "too few to hold the 79,228,"),
        ((15, 1024, 1024), 14, "has 8,388,624 bytes where 15,728,656 are due"),
    ],
    ids=["promises less", "promises the absurd", "promises more"],
)
def test_no_more_is_unpacked_than_the_header_promises(folder, shape, megabytes, message):
    (folder / IMAGES_FILE).write_bytes(bomb(shape, 8))
    tracemalloc.start()
    try:
        with pytest.raises(errors.ArgumentError, match=message):
            data.mnist(folder)
        assert tracemalloc.get_traced_memory()[1] < megabytes << 20
    finally:
        tracemalloc.stop()


@pytest.fixture
def datasets(monkeypatch, tmp_path):
    """The module that MNIST is fetched by, its cache empty, and ours."""
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    data._mnist.cache_clear()
    yield pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    data._mnist.cache_clear()


def test_mnist_without_a_folder_is_fetched_once_and_split_as_its_makers_did(datasets, monkeypatch):
    calls = []

    def fetch(*args, **kwargs):
        calls.append((args, kwargs))
        labels = np.array([str(i % 10) for i in range(70_000)], object)
        return np.arange(140_000.0).reshape(-1, 2) % 256, labels

    monkeypatch.setattr(datasets, "fetch_openml", fetch)
    split = data.dataset("mnist", seed=0)
    assert data.dataset("mnist", seed=1) is split
    wanted = {"version": 1, "return_X_y": True, "as_frame": False, "parser": "liac-arff"}
    assert calls == [(("mnist_784",), {**wanted, "n_retries": 1})]
    assert (split.x_train.shape, split.x_test.shape) == ((60_000, 2), (10_000, 2))
    assert (split.x_train.min(), split.x_train.max()) == (0, 1)
    assert split.x_test[0].tolist() == [120_000 % 256 / 255, 120_001 % 256 / 255]
    assert split.y_train.dtype == np.int64
    assert split.y_train[:12].tolist() == [*range(10), 0, 1]


def test_without_a_network_mnist_says_so_and_names_the_folder(datasets, monkeypatch):
    def fetch(*args, **kwargs):
        raise URLError("Name or service not known")

    monkeypatch.setattr(datasets, "fetch_openml", fetch)
    with pytest.raises(OSError, match=r"Name or service.*without a network, give a folder .*\.gz"):
        data.mnist()


def test_scikit_learn_takes_the_arguments_and_is_answered_by_the_network_alone(
    datasets, monkeypatch
):
    def urlopen(request):
        raise HTTPError(request.full_url, 412, "there is no such data set", {}, None)

    monkeypatch.setattr("sklearn.datasets._openml.urlopen", urlopen)
    with pytest.raises(OSError, match=r"mnist_784 with version 1 not found.*give a folder"):
        data.mnist()


@needs_sklearn
def test_digits_are_loaded_by_name():
    assert np.array_equal(data.dataset("digits", seed=2).x_test, data.digits(2).x_test)
