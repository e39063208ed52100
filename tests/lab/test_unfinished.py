"""The file of an interrupted grid: it resumes its own runs only, and names a damaged line."""

import json
import os
import re
import signal
import subprocess
import sys
from functools import partial

import pytest

from microbn import errors
from microbn.lab import sweep
from microbn.lab.unfinished import Unfinished

pytest.importorskip("joblib", reason="joblib is not installed: sweeps unchecked")

AXES = {"seed": [0, 1, 2]}


LEFT: list[int] = []


def interrupted(after, factor=1.0):
    LEFT[:] = range(after)  # a global, which is not a part of what the experiment is

    def experiment(seed):
        if not LEFT:
            raise KeyboardInterrupt
        LEFT.pop()
        return {"score": seed * factor}

    return experiment


def run(save, experiment):
    return sweep.run_grid(experiment, AXES, "runs", save=save, jobs=1)


@pytest.fixture
def save(tmp_path):
    """Where a grid was interrupted after two of three runs."""
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "runs.csv", interrupted(after=2))
    return tmp_path / "runs.csv"


def part(save):
    return save.with_name("runs.csv.part")


def refused(save, message, experiment=None):
    """Running again raises an error that names the file, and leaves the file as it is."""
    before = part(save).read_bytes()
    with pytest.raises(errors.ArgumentError, match=message) as caught:
        run(save, experiment or interrupted(after=9))
    assert f"{part(save)}" in str(caught.value)
    assert "nothing in it was changed" in str(caught.value)
    assert part(save).read_bytes() == before
    assert not save.exists()


def test_runs_of_another_experiment_do_not_mix(save):
    refused(save, "holds runs of another experiment: its code,", lambda seed: {"score": 7.0})
    refused(save, "or a value that it uses", interrupted(after=9, factor=2.0))
    assert run(save, interrupted(after=1))["score"].tolist() == [0, 1, 2]


def test_runs_of_another_version_do_not_mix(save):
    head, *runs = part(save).read_text().splitlines(keepends=True)
    part(save).write_text("".join([json.dumps(json.loads(head) | {"microbn": "0.0"}), "\n", *runs]))
    refused(save, "runs of microbn 0.0, and this is")


def test_runs_that_do_not_say_whose_they_are_do_not_mix(save):
    _, *runs = part(save).read_text().splitlines(keepends=True)
    part(save).write_text("".join(runs))
    refused(save, "is damaged, its first line is")


def test_two_grids_that_write_the_same_file_at_once_do_not_mix(tmp_path):
    save = tmp_path / "runs.csv"

    def slow(seed):
        if seed == 1:  # another grid begins, which gets no further
            part(save).unlink()
            with pytest.raises(ZeroDivisionError):
                run(save, lambda seed: {"score": 1 / 0})
        return {"score": seed}

    with pytest.raises(errors.ArgumentError, match="was begun anew meanwhile"):
        run(save, slow)
    assert len(part(save).read_text().splitlines()) == 1


def test_file_without_runs_is_begun_anew(tmp_path):
    save = tmp_path / "runs.csv"
    with pytest.raises(ZeroDivisionError):
        run(save, lambda seed: {"score": 1 / seed})
    assert run(save, lambda seed: {"score": seed})["score"].tolist() == [0, 1, 2]
    part(save).touch()
    assert run(save, lambda seed: {"score": seed})["score"].tolist() == [0, 1, 2]


RUN = b'["{\\"seed\\": 7}", {"seed": 7, "score": 1.0}]'
DAMAGES = {
    "garbage": b"\x00\x01garbage",
    "no text": b'["\xff\xfe", {}]',
    "an empty line": b"",
    "a list": b"[]",
    "three things": b'["{}", {}, {}]',
    "one thing": b'["{}"]',
    "a number": b"5",
    "a word": b'"ab"',
    "a dict": b'{"a": 1, "b": 2}',
    "settings that are a list": b'["[1]", {"seed": 7}]',
    "a row that is a list": RUN.replace(b'{"seed": 7, "score": 1.0}', b'["seed"]'),
    "other settings": RUN.replace(b'"seed": 7,', b'"seed": 8,'),
    "settings that are missing": RUN.replace(b'"seed": 7,', b""),
    "other columns": RUN.replace(b"score", b"power"),
    "brackets": b"[" * 100_000,
    "cut off in the middle": RUN[:-5],
}


@pytest.mark.parametrize("line", DAMAGES.values(), ids=DAMAGES)
def test_line_that_no_run_wrote_is_named_and_left(save, line):
    head, first, second, _ = part(save).read_bytes().split(b"\n")
    part(save).write_bytes(b"\n".join([head, first, line, second, b""]))
    refused(save, rf"line 3 of {re.escape(str(part(save)))} is damaged, no run .*Remove the line")


@pytest.mark.parametrize("line", DAMAGES.values(), ids=DAMAGES)
def test_first_line_that_says_nothing_is_named_and_left(save, line):
    _, *runs = part(save).read_bytes().split(b"\n")
    part(save).write_bytes(b"\n".join([line, *runs]))
    refused(save, r"Remove the file to start anew")


@pytest.mark.parametrize("content", [b"no newline", b"\xff", b"\n", b"text\n", b"\x00" * 50])
def test_another_file_by_that_name_is_left(save, content):
    part(save).write_bytes(content)
    refused(save, "is damaged, its first line is ")


def test_garbage_at_the_end_is_not_taken_for_a_line_that_was_cut_off(save):
    with part(save).open("ab") as file:
        file.write(b"\x00\x00")
    refused(save, r"line 4 of .* is damaged")


@pytest.mark.parametrize("length", [*range(1, 30, 4), len(RUN)])
def test_last_line_that_was_cut_off_is_dropped(save, length):
    with part(save).open("ab") as file:
        file.write(RUN[:length])
    assert run(save, interrupted(after=1))["score"].tolist() == [0, 1, 2]


def test_damaged_line_that_is_removed_is_run_again(save):
    head, _, second, _ = part(save).read_bytes().split(b"\n")
    part(save).write_bytes(b"\n".join([head, second, b""]))
    assert run(save, interrupted(after=2))["score"].tolist() == [0, 1, 2]


def test_line_ends_of_windows_are_read(save):
    part(save).write_bytes(part(save).read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(KeyboardInterrupt):
        run(save, interrupted(after=0))
    assert run(save, interrupted(after=1))["score"].tolist() == [0, 1, 2]


def test_file_that_cannot_be_written_into_is_found_out_before_the_work(tmp_path):
    part(tmp_path / "runs.csv").mkdir()
    with pytest.raises(IsADirectoryError, match=r"runs.csv.part"):
        run(tmp_path / "runs.csv", interrupted(after=0))


INTERRUPTED = """
import signal, sys, time
from microbn.lab import sweep

signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it

def experiment(seed):
    if seed == int(sys.argv[2]):
        print("now", flush=True)
        time.sleep(60)
    return {"score": seed}

if __name__ == "__main__":
    axes = {"seed": range(4)}
    print(sweep.run_grid(experiment, axes, "runs", save=sys.argv[1], jobs=1)["score"])
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGINT is POSIX's")
def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(tmp_path):
    (tmp_path / "script.py").write_text(INTERRUPTED)
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "runs.csv")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*command, "2"], **pipes) as process:
        assert process.stdout.readline() == "now\n"
        process.send_signal(signal.SIGINT)
        process.communicate()
    assert process.returncode == -signal.SIGINT
    again = subprocess.run([*command, "-1"], **pipes, check=True).stdout
    assert "holds 2 runs, which are kept" in again
    assert again.endswith("[0 1 2 3]\n")


def test_run_is_added_as_one_line(tmp_path):
    experiment = partial(max, 1)
    Unfinished(tmp_path / "p", experiment).add('{"a": 1}', {"a": 1, "b": "\n"})
    assert Unfinished(tmp_path / "p", experiment).rows == {'{"a": 1}': {"a": 1, "b": "\n"}}
