"""Saving over a file: the old file stays whole until the new one is complete."""

import os
import re
import signal
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

import microbn as mb
from microbn.lab import figures, results
from microbn.view import dot, saving

OTHER_USER = hasattr(os, "geteuid") and os.geteuid() != 0


def figure():
    rows = results.Results([{"x": x, "score": x} for x in (1, 2)])
    return figures.curves(rows, "x", "score", title="scores")


class Drawn(dot.Drawing):
    """A drawing that needs no Graphviz."""

    def render(self, format):
        return b"a picture"


# fmt: off
SAVERS = {
    "bn.html":   lambda path: mb.story(mb.Tensor(1.0, name="x") * 2.0).save(path),
    "runs.csv":  lambda path: results.Results([{"a": 1}]).save(path),
    "curve.png": lambda path: figures.save(figure(), path),
    "curve.pdf": lambda path: figures.save(figure(), path),
    "bn.svg":    lambda path: Drawn("graph {}").save(path),
}
# fmt: on
EVERY_SAVER = pytest.mark.parametrize(("name", "save"), SAVERS.items(), ids=SAVERS)


@contextmanager
def full_disk():
    """Act as a full disk: no file may have more than four bytes."""
    resource = pytest.importorskip("resource", reason="files cannot be limited here")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@EVERY_SAVER
def test_save_that_fails_halfway_leaves_the_old_file_whole_and_nothing_beside_it(
    name, save, tmp_path
):
    path = tmp_path / name
    path.write_bytes(b"old")
    with full_disk(), pytest.raises(OSError, match=re.escape(f"File too large: '{path}'")):
        save(path)
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


@EVERY_SAVER
def test_save_that_is_interrupted_leaves_the_old_file_whole_and_nothing_beside_it(
    name, save, tmp_path, monkeypatch
):
    path = tmp_path / name
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(path)
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


def interrupt(number):
    raise KeyboardInterrupt


@EVERY_SAVER
def test_save_replaces_the_old_file(name, save, tmp_path):
    path = tmp_path / name
    path.write_bytes(b"old" * 1_000_000)
    save(path)
    content = path.read_bytes()
    assert content
    assert b"oldold" not in content
    assert [*tmp_path.iterdir()] == [path]


KILLED = """
import os, signal, sys
from microbn.lab.results import Results
os.fsync = lambda number: os.kill(os.getpid(), signal.SIGKILL)  # just before replacing
Results([{"a": "new"}]).save(sys.argv[1])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
def test_process_that_is_killed_while_it_saves_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "runs.csv"
    results.Results([{"a": "old"}]).save(path)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)])
    assert killed.returncode == -signal.SIGKILL
    assert results.Results.load(path).rows == [{"a": "old"}]


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has these permissions")
def test_new_file_has_the_usual_permissions_and_a_replaced_one_keeps_its_own(tmp_path):
    usual, path = tmp_path / "usual", tmp_path / "bn.csv"
    usual.write_bytes(b"")
    saving.write_whole(path, b"1")
    assert path.stat().st_mode == usual.stat().st_mode
    path.chmod(0o640)
    saving.write_whole(path, b"2")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(not OTHER_USER, reason="root may write into everything")
def test_file_that_may_not_be_written_into_is_not_replaced(tmp_path):
    path = tmp_path / "bn.csv"
    path.write_bytes(b"old")
    path.chmod(0o444)
    with pytest.raises(PermissionError, match=re.escape(str(path))):
        saving.write_whole(path, b"new")
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nothing"])
def test_link_stays_a_link_and_its_file_is_replaced(tmp_path, there):
    target, link = tmp_path / "real" / "bn.csv", tmp_path / "bn.csv"
    target.parent.mkdir()
    if there:
        target.write_bytes(b"old")
    link.symlink_to(target)
    assert saving.write_whole(link, b"new") == link
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert len([*tmp_path.rglob("*")]) == 3


def test_pipe_is_written_into_and_stays_one():
    out, into = os.pipe()
    try:
        saving.write_whole(f"/dev/fd/{into}", b"new")
        assert os.read(out, 10) == b"new"
    finally:
        os.close(out)
        os.close(into)


def test_path_that_cannot_be_written_is_named_as_the_user_wrote_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder.csv").mkdir()
    Path("file").write_bytes(b"")
    for path, error in {
        "missing/bn.csv": FileNotFoundError,
        "folder.csv": IsADirectoryError,
        "file/bn.csv": NotADirectoryError,
    }.items():
        with pytest.raises(error, match=rf"\[Errno \d+\] .*: '{path}'$"):
            saving.write_whole(path, b"new")
    assert len([*tmp_path.iterdir()]) == 2


def test_figure_is_saved_in_the_format_of_its_suffix(tmp_path):
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    for suffix, start in starts.items():
        assert figures.save(figure(), tmp_path / f"f.{suffix}").read_bytes().startswith(start)
    with pytest.raises(mb.MicrobnError, match="'gif' is not a format; the formats are svg"):
        figures.save(figure(), tmp_path / "f.gif")


def test_table_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "runs.csv"
    results.Results([{"a": 1}]).save(path)
    with pytest.raises(mb.MicrobnError, match="is not a number"):
        results.Results([{"a": 2}, {"a": object()}]).save(path)
    assert results.Results.load(path).rows == [{"a": 1}]
