"""A course: every hand-in has its marks, and only what is new is run."""

import json
import os
import sys
from pathlib import Path

import pytest

from microbn.cli import commands as cli
from microbn.cli.grading import course
from microbn.cli.grading.course import grade_folder, hand_ins
from microbn.cli.grading.marks import Grader, Mark
from microbn.cli.grading.sheet import read_sheet
from microbn.lab.results import Results

pytest.importorskip("joblib", reason="joblib is not installed: courses unchecked")
SHEET = "imports = ['os']\n[[exercise]]\ntarget = 'square'\ninputs = ['2']\npoints = { x = 2 }\n"
LINKS = pytest.mark.skipif(sys.platform == "win32", reason="Windows makes no such links")
RIGHT = """
def square_forward(x): return x * x, x
def square_backward(dout, x): return 2 * dout * x
"""
FILES = {
    "anna.py": RIGHT,
    "ben/layers.py": RIGHT.replace("2 *", "3 *"),
    "=clara.py": "raise ValueError('=1 + 1')",
    "dora.py": "import os; os._exit(0)",
    "notes.txt": "",
    "_helper.py": "",
    "empty/notes.txt": "",
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sheet.toml").write_text(SHEET)
    for name, text in FILES.items():
        file = tmp_path / "class" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


@pytest.fixture
def marked(monkeypatch):
    """Mark by what a file says, without a process, and remember which files were marked."""
    marked = []

    def marks(self, file):
        marked.append(file.stem)
        earned = 2.0 if "2 *" in file.read_text() else 0.0
        return [Mark("square", {"x": earned}, {"x": 2}, "" if earned else "=no")]

    monkeypatch.setattr(Grader, "marks", marks)
    return marked


def grade(folder):
    sheet = read_sheet(folder / "sheet.toml")
    return grade_folder(sheet, folder / "class", folder / "marks.csv", jobs=2)


def test_folder_of_hand_ins_becomes_a_table(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    assert cli.main(["grade", "sheet.toml", "class", "--jobs", "2"]) == 0
    said = "5 hand-ins, 0.4 of 2 points on average\nWritten: marks.csv\n"
    assert capsys.readouterr() == (said, "")
    rows = {row["student"]: row for row in Results.load("marks.csv").rows}
    assert [*rows] == ["'=clara", "anna", "ben", "dora", "empty"]
    assert "\nanna,2,2," in Path("marks.csv").read_text()  # whole marks have no decimals
    assert [row["square"] for row in rows.values()] == [0, 2, 0, 0, 0]
    assert [row["total"] for row in rows.values()] == [0, 2, 0, 0, 0]
    assert rows["anna"]["reasons"] == ""
    assert "square: input 'x'" in rows["ben"]["reasons"]
    assert "every entry is 1.5 times what it should be" in rows["ben"]["reasons"]
    assert "line 1: ValueError: =1 + 1" in rows["'=clara"]["reasons"]
    assert "its process ended, with status 0" in rows["dora"]["reasons"]


def test_only_what_is_new_or_has_changed_is_marked_again(folder, marked):
    assert grade(folder).median("total", student="anna") == 2
    assert sorted(marked) == ["=clara", "anna", "dora", "layers"]
    marked.clear()
    assert len(grade(folder).rows) == 5
    assert marked == []
    (folder / "class" / "dora.py").write_text(RIGHT)
    (folder / "class" / "emil.py").write_text("")
    assert grade(folder).median("total", student="dora") == 2
    assert sorted(marked) == ["dora", "emil"]
    marked.clear()
    (folder / "sheet.toml").write_text(SHEET.replace("x = 2", "x = 3"))
    grade(folder)
    assert sorted(marked) == ["=clara", "anna", "dora", "emil", "layers"]


@LINKS
@pytest.mark.parametrize(
    ("link", "to", "why"),
    [
        ("eve.py", "nothing.py", "eve.py cannot be read: No such file or directory"),
        ("eve", "nothing", "eve cannot be read: No such file or directory"),
        ("eve.py", "eve.py", "eve.py cannot be read: Too many levels of symbolic links"),
        ("eve", "eve", "eve cannot be read: Too many levels of symbolic links"),
        ("eve/a.py", "b.py", "a.py cannot be read: No such file or directory"),
        ("eve/a.py", "../empty", "a.py cannot be read: it is not a file"),
        ("eve/a.py", "a.py", "a.py cannot be read: Too many levels of symbolic links"),
    ],
)
def test_link_that_leads_nowhere_costs_its_student_the_points_alone(link, to, why, folder, marked):
    (folder / "class" / "eve").mkdir() if "/" in link else None
    (folder / "class" / link).symlink_to(to)
    rows = {row["student"]: row for row in grade(folder).rows}
    assert (rows["eve"]["total"], rows["eve"]["reasons"]) == (0, f"square: {why}")
    assert rows["anna"]["total"] == 2


@LINKS
def test_pipe_is_no_hand_in(folder, marked):
    os.mkfifo(folder / "class" / "eve.py")
    rows = {row["student"]: row for row in grade(folder).rows}
    assert rows["eve"]["reasons"] == "square: eve.py cannot be read: it is not a file"


def test_file_that_must_not_be_read_costs_its_student_the_points_alone(folder, marked, monkeypatch):
    opened = Path.open

    def denied(path, *mode, **how):
        if path.name == "dora.py":
            raise PermissionError(13, "Permission denied")
        return opened(path, *mode, **how)

    monkeypatch.setattr(Path, "open", denied)
    rows = {row["student"]: row for row in grade(folder).rows}
    assert rows["dora"]["reasons"] == "square: dora.py cannot be read: Permission denied"
    assert rows["anna"]["total"] == 2


def test_one_hand_in_is_one(folder, marked, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "alone").mkdir()
    (folder / "alone" / "anna.py").write_text(RIGHT)
    assert cli.main(["grade", "sheet.toml", "alone", "-o", "one.csv"]) == 0
    said = "1 hand-in, 2 of 2 points on average\nWritten: one.csv\n"
    assert capsys.readouterr().out == said


def test_interrupted_class_is_resumed(folder, marked, monkeypatch):
    def interrupted(runs, title, total):
        yield next(iter(runs))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(course, "track", interrupted)
        with pytest.raises(KeyboardInterrupt):
            grade(folder)
    assert not (folder / "marks.csv").exists()
    (line,) = (folder / "marks.csv.kept").read_text().splitlines()
    done = json.loads(line)
    marked.clear()
    assert len(grade(folder).rows) == 5
    assert len(marked) == 3
    kept = (folder / "marks.csv.kept").read_text().splitlines()
    assert (len(kept), json.loads(kept[0])) == (4, done)


def test_line_that_was_cut_off_is_marked_again(folder, marked):
    grade(folder)
    kept = folder / "marks.csv.kept"
    kept.write_bytes(b"[1]\nno json\n" + kept.read_bytes()[:-20])
    marked.clear()
    assert len(grade(folder).rows) == 5
    assert len(marked) == 1
    marked.clear()
    grade(folder)
    assert marked == []


def test_words_of_a_table_are_no_formulas(folder, marked):
    (row,) = (row for row in grade(folder).rows if "clara" in row["student"])
    assert (row["student"], row["reasons"]) == ("'=clara", "square: =no")


def test_hand_ins_are_found_by_student_and_neither_sheet_nor_reference_is_one(folder):
    (folder / "class" / "right.py").write_text(RIGHT)
    (folder / "class" / "ben" / "right.py").write_text(RIGHT)
    (folder / "class" / "sheet.toml").write_text(f"reference = 'right.py'\n{SHEET}")
    found = hand_ins(folder / "class", read_sheet(folder / "class" / "sheet.toml"))
    assert {name: getattr(file, "name", file) for name, file in found.items()} == {
        "=clara": "=clara.py",
        "anna": "anna.py",
        "ben": "right.py",
        "dora": "dora.py",
        "empty": "the folder empty has no Python file",
    }


@pytest.mark.parametrize(
    ("file", "student", "said"),
    [
        ("ben/other.py", "ben", "the folder ben has 2 Python files; leave one of them"),
        ("ben.py", "ben", "there are two hand-ins of ben; leave one of them"),
        ("eve.ipynb", "eve", "eve.ipynb is not a Python file; save its code as .py"),
        ("empty/more.txt", "empty", "the folder empty has no Python file"),
    ],
)
def test_student_whose_hand_in_is_not_clear_has_the_reason_and_the_others_have_marks(
    file, student, said, folder, marked
):
    (folder / "class" / file).write_text("")
    rows = {row["student"]: row for row in grade(folder).rows}
    assert (rows[student]["square"], rows[student]["total"]) == (0, 0)
    assert rows[student]["reasons"] == f"square: {said}"
    assert rows["anna"]["total"] == 2
