"""A lecture's script: what it may hold, what is wrong in it, and the lecture of 50 minutes."""

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
import stories

import microbn
from microbn import errors
from microbn.cli.targets import told
from microbn.lab.lecture import ANY, DEFAULT, KINDS, lecture

ROOT = Path(microbn.__file__).parents[1]
SCRIPT = tomllib.loads(DEFAULT.read_text(encoding="utf-8"))
VOTE = 'title="t"\nvote="q"\noptions=["a","b"]\nright=2\nanswer="b"\n'


@cache
def fork(target, inputs=()):
    assert target == "fork"
    return stories.fork()


def made(tmp_path, text, name="own.toml"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return lecture(lambda target, inputs: fork(Path(target).name), tmp_path / name)


def slides_of(html):
    return re.findall(r'<article class="slide (\w+)" aria-label="([^"]*)"([^>]*)>', html)


# --- scripts of one's own


def test_each_kind_of_slide_is_made_in_the_order_of_the_script(tmp_path, graphviz):
    (tmp_path / "own.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    html = made(
        tmp_path,
        'title="Mine"\n[[slide]]\ntitle="a"\ntext="hello"\nnotes="say it"\nminutes=1.5\n'
        '[[slide]]\ntitle="b"\nfigure="own.svg"\nalt="a picture"\n'
        f"[[slide]]\n{VOTE}"
        '[[slide]]\ntitle="c"\ncode="1 + 1"\nprints="2"\n'
        '[[slide]]\ntitle="d"\nstory="fork"\nlive=true\nsteps=[1,3]\n'
        '[[slide]]\ntitle="e"\nstory="fork"\nsteps=[1,2]\nminutes=3\n',
    )
    assert [(kind, name) for kind, name, _ in slides_of(html)] == [
        ("text", "a"),
        ("figure", "b"),
        ("vote", "t"),
        ("code", "c"),
        ("framed", "d"),
        ("still", "e: step 1, forward"),
        ("still", "e: step 2, forward"),
    ]
    presses = [int(re.search(r'data-presses="(\d+)"', more)[1]) for *_, more in slides_of(html)]
    assert presses == [0, 0, 1, 1, 2, 0, 0]
    minutes = re.findall(r'data-minutes="([\d.]+)"', html)
    assert minutes == ["1.5", "1.5", "1.5"]
    assert "<title>Mine</title>" in html
    assert "data:image/svg+xml;base64," in html
    assert "<p>say it</p>" in html


def test_a_story_that_is_shown_twice_is_in_the_page_once(tmp_path, graphviz):
    entry = '[[slide]]\ntitle="d"\nstory="fork"\nlive=true\n'
    once, twice = (made(tmp_path, f'title="x"\n{entry * n}') for n in (1, 2))
    assert len(twice) < 1.5 * len(once)
    assert twice.count('data-page="0"') == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("title = x", "own.toml is not TOML: .*line 1"),
        ("[[slide]]\ntitle='a'", "own.toml needs a title in its first line"),
        ("title = 'x'", r"own.toml has no slides; begin each with \[\[slide\]\]"),
        ("title = 'x'\nslide = 3", "own.toml has no slides"),
        ("title='x'\nauthor='y'\n[[slide]]", "has the key 'author'; a script has a title, and"),
        ("title='x'\n[[slide]]\ntext='a'", "slide 1 needs title, a text in quotes: title = …"),
        (
            "title='x'\n[[slide]]\ntitle='a'\n[[slide]]\ntitle='b'\nminutes=-1",
            r"slide 2 \(b\): minutes = -1 must be a number, 0 or more",
        ),
        ("title='x'\n[[slide]]\ntitle='a'\nminutes=true", "minutes = True must be a number"),
        ("title='x'\n[[slide]]\ntitle='a'\nminutes=inf", "minutes = inf must be a number"),
        ("title='x'\n[[slide]]\ntitle=3", "slide 1: title = 3 must be a text in quotes"),
        (
            "title='x'\n[[slide]]\ntitle='a'\nminuts=1",
            "there is no key 'minuts'; a slide with text has text, .*; did you mean 'minutes'",
        ),
        (
            "title='x'\n[[slide]]\ntitle='a'\nright=1",
            "the key 'right' belongs to a slide with vote, and this is one with text",
        ),
        (
            "title='x'\n[[slide]]\ntitle='a'\nfigure='f'\ncode='c'",
            r"slide 1 \(a\) is both figure and code; make a slide of each",
        ),
        ("title='x'\n[[slide]]\ntitle='a'\nfigure='d06_learning_rates'", "needs alt, a text"),
        (
            "title='x'\n[[slide]]\ntitle='a'\nfigure='d99'\nalt='a'",
            "figure = 'd99': there is no such picture; .* d99.png, or one of .*d06_learning_rates",
        ),
        (
            "title='x'\n[[slide]]\ntitle='a'\nfigure='no.png'\nalt='a'",
            "figure = 'no.png': there is no such picture",
        ),
        (
            "title='x'\n[[slide]]\ntitle='a'\nfigure='own.toml'\nalt='a'",
            r"figure = 'own.toml' is not a picture; end it with one of \.png",
        ),
        (f"title='x'\n[[slide]]\n{VOTE}".replace("right=2", "right=3"), "numbers 1 to 2"),
        (f"title='x'\n[[slide]]\n{VOTE}".replace("right=2\n", ""), "needs right, the number"),
        (f"title='x'\n[[slide]]\n{VOTE}".replace(',"b"]', "]"), "a list of two texts or more"),
        (
            "title='x'\n[[slide]]\ntitle='a'\nstory='fork'\nsteps=[0, 99]",
            r"steps = \[0, 99\], but fork has the steps 0 to 4",
        ),
        ("title='x'\n[[slide]]\ntitle='a'\nstory='fork'\nsteps=[3, 1]", "has the steps 0 to 4"),
        ("title='x'\n[[slide]]\ntitle='a'\nstory='fork'\nsteps=[1]", "the first and the last step"),
        ("title='x'\n[[slide]]\ntitle='a'\nstory='fork'\nlive='yes'", "must be true or false"),
    ],
    ids=lambda value: value[:40] if "\n" not in value else "",
)
def test_what_is_wrong_in_a_script_is_named_with_its_slide(tmp_path, text, sentence):
    with pytest.raises(errors.ArgumentError, match=f"^lecture: .*{sentence}"):
        made(tmp_path, text)


def test_a_script_that_begins_with_a_byte_order_mark_is_read(tmp_path):
    assert "byte order" in made(tmp_path, "\ufefftitle='byte order'\n[[slide]]\ntitle='a'")


def test_a_script_that_is_not_there_and_a_story_that_is_not_there_are_named(tmp_path):
    with pytest.raises(errors.ArgumentError, match=r"no\.toml.* cannot be read"):
        lecture(told, tmp_path / "no.toml")
    text = "title='x'\n[[slide]]\ntitle='a'\nstory='batchnrm'"
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(
        errors.ArgumentError, match=r"slide 1 \(a\): 'batchnrm' is not a target.*did"
    ):
        lecture(lambda target, inputs: told(target, inputs), tmp_path / "own.toml")


def test_files_of_ones_own_stand_beside_the_script(tmp_path, graphviz):
    asked = []

    def tell(target, inputs):
        asked.append((Path(target), inputs))
        return stories.fork()

    (tmp_path / "own.toml").write_text(
        "title='x'\n[[slide]]\ntitle='a'\nstory='own.py:net'\ninputs=['4x3']\nsteps=[0, 0]"
    )
    lecture(tell, tmp_path / "own.toml")
    assert asked == [(tmp_path / "own.py:net", ["4x3"])]


def test_reference_page_explains_every_key():
    page = (ROOT / "docs" / "teach" / "lecture.md").read_text(encoding="utf-8")
    for key in {*ANY, *(key for keys in KINDS.values() for key in keys)}:
        assert f"`{key}`" in page, key


def test_script_that_the_page_shows_makes_a_lecture(graphviz):
    html = lecture(
        lambda target, inputs: told(target, inputs), ROOT / "docs" / "teach" / "talk.toml"
    )
    assert [kind for kind, *_ in slides_of(html)] == ["framed", "vote", "figure", "text"]
