"""How much there is to read, as README says it."""

import re

import pytest
from bench.imports import AT_IMPORT, PACKAGE, path_of, reached
from bench.lines import PAGES, code_lines, files_in, lines_of, recounted

ON_FIRST_NEED = ["engine.faults", "engine.call_faults", "engine.entries", "engine.composed"]
EVENING = 1_680
README = PAGES[0].read_text("utf-8")
WINGS = [row for row in README.splitlines() if row.startswith("| `")]


def test_what_a_tensor_needs_is_at_most_950_lines():
    needed = reached("engine.tensor", AT_IMPORT, but=ON_FIRST_NEED)
    assert lines_of(*map(path_of, needed)) <= 950


def test_sentences_and_composed_functions_load_on_first_need():
    assert {*reached("engine.tensor", AT_IMPORT)} & {*ON_FIRST_NEED} == set()


def test_the_engine_and_the_subject_are_an_evenings_reading():
    assert 500 < lines_of(*files_in("| `engine/`, `functional.py`, `closed_form.py` |")) <= EVENING
    assert f"together to at most {EVENING:,} lines of code" in README.replace("\n", " ")


def test_the_compiler_is_read_in_one_sitting():
    assert len((PACKAGE / "program" / "compile.py").read_text("utf-8").splitlines()) <= 350


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_lines_that_a_page_gives_are_counted(page):
    text = page.read_text("utf-8")
    assert text == recounted(text), "run python -m tests.bench.lines"


def test_a_number_of_lines_that_is_not_counted_is_put_right():
    cell = r"(?:^\| `.*|record and differentiate) \| ([\d,]+) \|"
    found = [*re.finditer(cell, README, re.MULTILINE)]
    assert len(found) == 1 + len(WINGS)
    for number in found:
        assert recounted(README[: number.start(1)] + "7" + README[number.end(1) :]) == README
    speed = PAGES[1].read_text("utf-8")
    assert recounted(speed.replace(", engine/backward.py", "")) == speed


def test_readme_counts_every_file_once():
    counted = sorted(file for row in WINGS for file in files_in(row))
    assert counted == sorted(f.relative_to(PACKAGE).as_posix() for f in PACKAGE.rglob("*.py"))


def test_lines_of_code_are_neither_blank_nor_a_comment_nor_a_docstring():
    text = '"""A page\nof two lines."""\n\nx = (  # here\n    1,\n    # there\n)\ny = """a\nb"""\n'
    assert code_lines(text) == 5
