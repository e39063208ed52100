"""A workshop's script: what it may hold, what is wrong in it, and the exercises of the lab."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

import microbn
from microbn import errors
from microbn.workshop.building import workshop
from microbn.workshop.exercises import LAB, TAB, exercises_from

TEACH = Path(microbn.__file__).parents[1] / "docs" / "teach"
LAYERS = ast.parse((TEACH / "exercises.py").read_text("utf-8"))
LESSON = (TEACH / "lab.md").read_text("utf-8")
STARTER = re.search(r"## 2\..*?```python\n(.*?)```", LESSON, re.DOTALL)[1]
ONE = "title='x'\n[[exercise]]\ntitle='a'\n"
GOOD = f"{ONE}code='1'\n"


def made(tmp_path, text):
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    return exercises_from(tmp_path / "own.toml")


def functions(code):
    """Return the functions in some code, by their names, as text without comments."""
    tree = ast.parse(code) if isinstance(code, str) else code
    return {f.name: ast.unparse(f) for f in tree.body if isinstance(f, ast.FunctionDef)}


# --- scripts of one's own


def test_an_exercise_has_all_keys_and_the_name_of_its_file(tmp_path):
    title, tabs = made(tmp_path, f"{GOOD}text='t'\ncheck='f'\ninputs=['3']\nhints=1\nstages=true")
    assert (title, tabs) == (
        "x",
        [
            {"title": "a", "name": "a.py", "text": "t", "code": "1\n", "check": "f"}
            | {"inputs": ["3"], "hints": 1, "stages": True}
        ],
    )
    _, (tab,) = made(tmp_path, GOOD)
    assert tab | {"text": "", "check": "", "inputs": [], "hints": 2, "stages": False} == tab


def test_code_may_stand_in_a_file_beside_the_script(tmp_path):
    (tmp_path / "start.py").write_text("print('é')\n\n", encoding="utf-8-sig")
    _, (tab,) = made(tmp_path, f"{ONE}file='start.py'")
    assert tab["code"] == "print('é')\n"
    assert "file" not in tab


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Write batch norm's backward", "write_batch_norms_backward.py"),
        ("1. Größe, and  more!", "1_größe_and_more.py"),
        ("batch_norm", "batch_norm.py"),
    ],
)
def test_a_title_gives_the_name_of_the_file(tmp_path, title, name):
    assert made(tmp_path, GOOD.replace("'a'", f'"{title}"'))[1][0]["name"] == name


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("title = x", "own.toml is not TOML: .*line 1"),
        ("[[exercise]]\ntitle='a'", "own.toml needs title, a text in quotes: title = …"),
        ("title='x'", r"own.toml has no exercises; begin each with \[\[exercise\]\] on a line"),
        ("title='x'\nexercise = 3", "own.toml has no exercises"),
        ("title='x'\nseeds=[1]", "own.toml: there is no key 'seeds'; a script has title"),
        (
            f"{GOOD}hint=1",
            r"own.toml: exercise 1 \(a\): there is no key 'hint'; an exercise has title, text, "
            "code, file, check, inputs, hints, stages; did you mean 'hints'",
        ),
        ("title='x'\n[[exercise]]\ncode='1'", "exercise 1 needs title, a text in quotes"),
        ("title='x'\n[[exercise]]\ntitle=3", "exercise 1: title = 3 must be a text in quotes"),
        (f"{GOOD}check='f'\nhints=3", r"exercise 1 \(a\): hints = 3 must be 0, 1 or 2"),
        (f"{GOOD}check='f'\nstages=1", "stages = 1 must be true or false"),
        (f"{GOOD}check='f'\ninputs='3'", "inputs = '3' must be a list of texts"),
        (
            f"{GOOD}check='f'\ninputs=['8y3']",
            r"exercise 1 \(a\): inputs: '8y3' is not a shape; write",
        ),
        (f"{GOOD}check='f'\ninputs=[]", "inputs = .. needs a shape for each input"),
        (f"{GOOD}check='f'\ninputs=['9x999999']", "'9x999999' has 9e.06 entries"),
        (f"{GOOD}inputs=['3']", "has inputs and checks nothing; name a function or a layer"),
        (f"{GOOD}stages=true", "has stages and checks nothing"),
        (ONE, r"\(a\) needs either the code to begin with, code = \"…\", or a file beside"),
        (f"{GOOD}file='a.py'", "needs either the code to begin with"),
        (f"{ONE}file='no.py'", "file = 'no.py' cannot be read: .*; put it beside the script"),
        (GOOD.replace("'a'", "'?!'"), "the title names the tab's file too; write a letter"),
        (GOOD.replace("'a'", "'NumPy'"), "would be numpy.py and hide the module numpy"),
        (GOOD.replace("'a'", "'Random!'"), "would be random.py and hide the module random"),
        (GOOD + GOOD[10:], "has the exercises 'a' and 'a'; give one of them another title"),
        (
            GOOD + GOOD[10:].replace("'a'", "'A!'"),
            "has the exercises 'a' and 'A!', which share the file a.py; give one",
        ),
    ],
    ids=lambda value: value[:40] if "\n" not in value else "",
)
def test_what_is_wrong_in_a_script_is_named_with_its_exercise(tmp_path, text, sentence):
    with pytest.raises(errors.ArgumentError, match=f"^workshop: .*{sentence}"):
        made(tmp_path, text)


def test_a_script_that_is_wrong_leaves_no_page(tmp_path):
    (tmp_path / "own.toml").write_text(f"{GOOD}hint=1")
    with pytest.raises(errors.ArgumentError, match="exercise 1"):
        workshop(tmp_path / "x.html", tmp_path / "own.toml")
    assert [file.name for file in tmp_path.iterdir()] == ["own.toml"]
    with pytest.raises(errors.ArgumentError, match=r"no\.toml.* cannot be read"):
        workshop(tmp_path / "x.html", tmp_path / "no.toml")


# --- the exercises of the lab

TITLE, TABS = exercises_from()
BY_TITLE = {tab["title"]: tab for tab in TABS}
OF_LAYERS = [tab for tab in TABS if f"{tab['title']}_forward" in functions(LAYERS)]


def test_the_lab_plays_then_finds_mistakes_then_writes_a_backward_and_breaks_it():
    first, *rest = [tab["title"] for tab in TABS]
    layers = [tab["title"] for tab in OF_LAYERS]
    assert first == "Play"
    assert rest == [*layers, "Write batch norm's backward", "Break it"]
    assert len(layers) == 9
    assert LESSON.startswith(f"# {TITLE}:")


def test_the_nine_layers_are_those_of_the_lab():
    shown = [pair for tab in OF_LAYERS for pair in functions(tab["code"]).items()]
    assert shown == [*functions(LAYERS).items()]


@pytest.mark.parametrize("tab", OF_LAYERS, ids=lambda tab: tab["title"])
def test_a_layer_is_checked_as_in_the_lab(tab):
    command = f"microbn check exercises.py:{tab['check']} {' '.join(tab['inputs'])}"
    assert f"{command} --hints 1\n" in LESSON
    assert tab["check"] == tab["title"]


@pytest.mark.parametrize("title", ["Write batch norm's backward", "Break it"])
def test_the_backward_to_write_begins_as_in_the_lab(title):
    tab = BY_TITLE[title]
    assert tab["code"].startswith(STARTER)
    assert f"microbn check mine.py:{tab['check']} {' '.join(tab['inputs'])}\n" in LESSON


def test_the_backward_to_write_is_compared_stage_by_stage():
    assert [tab["title"] for tab in TABS if tab["stages"]] == ["Write batch norm's backward"]


def test_no_text_of_the_lab_gives_an_answer_away():
    told = ("variance", "shortcut", "wrong because", "instead of", "random", "in place")
    texts = " ".join(tab["text"] for tab in OF_LAYERS)
    assert [word for word in told if word in texts] == []


def test_each_text_says_what_to_do_in_whole_sentences():
    for tab in TABS:
        assert len(tab["text"].split()) > 4, tab["title"]
        assert tab["text"].strip()[-1] in ".?", tab["title"]


def test_the_lab_uses_every_key_but_a_file_and_fewer_hints():
    script = tomllib.loads(LAB.read_text(encoding="utf-8"))
    assert {key for entry in script["exercise"] for key in entry} == {*TAB} - {"file", "hints"}
