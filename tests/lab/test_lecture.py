"""A lecture's script: what it may hold, what is wrong in it, and the lecture of 50 minutes."""

import re
import tomllib
from functools import cache
from html import unescape
from itertools import accumulate
from pathlib import Path

import pytest
import stories
from browser import SIZE
from shown import run, same

import microbn
from microbn import errors
from microbn.cli.targets import told
from microbn.lab.lecture import ANY, DEFAULT, KINDS, lecture, telling_steps
from microbn.lab.lecture_bodies import shipped

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
    assert presses == [0, 0, 1, 0, 2, 0, 0]
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
    ("first", "last", "printed"),
    [
        (0, 10, [0, 3, 7, 10]),  # at equal distances in the forward
        (11, 14, [11, 12, 13, 14]),
        (15, 20, [15, 17, 18, 20]),  # "centered" is complete at 18
        (0, 20, [0, 10, 18, 20]),  # and the forward ends at 10
        (4, 4, [4]),
        (4, 5, [4, 5]),
    ],
)
def test_the_handout_of_a_story_has_its_first_and_last_step_its_result_and_its_sums(
    first, last, printed
):
    assert telling_steps(told("batchnorm").steps, first, last) == printed


def test_a_framed_story_has_its_telling_steps_as_pictures(tmp_path, graphviz):
    html = made(tmp_path, 'title="x"\n[[slide]]\ntitle="d"\nstory="fork"\nlive=true\nsteps=[1,3]\n')
    sentences = [stories.fork()[number].sentence for number in (1, 2, 3)]
    pictures = re.findall(r'class="handout"><svg [^>]*aria-label="([^"]*)"', html)
    assert [unescape(said) for said in pictures] == sentences


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("title = x", "own.toml is no TOML: .*line 1"),
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
            r"figure = 'own.toml' is no picture; it ends with one of \.png",
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
    with pytest.raises(errors.ArgumentError, match=r"slide 1 \(a\): 'batchnrm' is no target.*did"):
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


# --- the lecture of 50 minutes


def test_lecture_of_50_minutes_leaves_some_to_spare_and_asks_three_predictions():
    planned = sum(slide["minutes"] for slide in SCRIPT["slide"])
    assert 40 <= planned <= 46
    assert sum("vote" in slide for slide in SCRIPT["slide"]) == 3
    assert all(slide.get("notes", "").strip() for slide in SCRIPT["slide"])


def test_its_code_runs_as_it_stands_and_prints_what_is_shown(capsys):
    coded = [slide for slide in SCRIPT["slide"] if "code" in slide]
    for slide in coded:
        run(slide["code"].strip(), {})
        assert same(capsys.readouterr().out, slide["prints"].strip() + "\n")
    assert coded


def test_its_story_has_the_steps_that_the_slides_speak_of():
    story = told("batchnorm")
    asked = [slide["steps"] for slide in SCRIPT["slide"] if "story" in slide]
    assert [n for first, last in asked for n in range(first, last + 1)] == [*range(len(story))]
    turn = story.starts["backward"]
    assert [first for first, _ in asked][:2] == [0, turn]
    counts = {last: [p.count for p in story[last].parts] for _, last in asked}
    assert "1 of 2" in counts[asked[1][1]]
    assert "2 of 2" in counts[asked[2][1]]
    assert "2 of 2" in counts[asked[3][1]]
    assert "0 apart" in story[asked[3][1]].sentence


def test_its_figures_come_with_the_package():
    figures = {slide["figure"] for slide in SCRIPT["slide"] if "figure" in slide}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {
        f"docs/images/{name}.png": f"microbn/lab/pictures/{name}.png" for name in sorted(figures)
    }
    assert all((ROOT / path).exists() for path in included)
    assert all((shipped() / f"{name}.png").is_file() for name in figures)


def test_its_claims_are_those_of_the_measured_tables():
    claims = (ROOT / "docs" / "measured" / "claims.md").read_text(encoding="utf-8")
    answers = {slide["title"]: slide["answer"] for slide in SCRIPT["slide"] if "vote" in slide}
    (rate,) = (answer for title, answer in answers.items() if "rate" in title)
    row = r"larger learning rates: 10 relu \| [^|]*: (\d+) times"
    (measured,) = re.findall(row, claims.split("\n## ")[0])
    assert f"{measured} times" in rate


def test_reference_page_explains_every_key():
    page = (ROOT / "docs" / "teach" / "lecture.md").read_text(encoding="utf-8")
    for key in {*ANY, *(key for keys in KINDS.values() for key in keys)}:
        assert f"`{key}`" in page, key


def test_page_of_the_lecture_has_its_slides_at_the_minutes_that_are_planned():
    page = (ROOT / "docs" / "teach" / "lecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (\d+) \|", page, re.MULTILINE)
    begins = accumulate((slide["minutes"] for slide in SCRIPT["slide"][:-1]), initial=0)
    assert [(int(minute), int(number)) for minute, number in rows] == [
        (minute, number) for number, minute in enumerate(begins, 1)
    ]


def test_script_that_the_page_shows_makes_a_lecture(graphviz):
    html = lecture(
        lambda target, inputs: told(target, inputs), ROOT / "docs" / "teach" / "talk.toml"
    )
    assert [kind for kind, *_ in slides_of(html)] == ["framed", "vote", "figure", "text"]


SIZES = """() => {
  const slide = document.querySelector(".slide.now");
  const walk = document.createTreeWalker(slide.querySelector(".paper"), NodeFilter.SHOW_TEXT);
  const sizes = [];
  while (walk.nextNode()) {
    const { parentElement } = walk.currentNode;
    if (!walk.currentNode.textContent.trim() || !parentElement.checkVisibility()) continue;
    if (parentElement.closest(".unseen, svg")) continue;
    sizes.push(parseFloat(getComputedStyle(parentElement).fontSize));
  }
  return sizes;
}"""
OVER = """() => [...document.querySelectorAll(".slide.now .body, .slide.now pre")]
  .filter((part) => part.scrollHeight > part.clientHeight + 1
    || part.scrollWidth > part.clientWidth + 1)
  .map((part) => part.className)"""


def test_every_slide_can_be_read_from_the_back_and_nothing_is_cut_off(opened, graphviz):
    page = opened(stories.fork(), text=lecture(lambda target, inputs: told(target, inputs)))
    for number in range(len(SCRIPT["slide"])):
        page.evaluate("number => go(number, Infinity)", number)
        assert page.locator(".now .paper").bounding_box()["width"] > 0.94 * SIZE["width"]
        assert min(page.evaluate(SIZES), default=99) >= 17 * 4 / 3
        assert page.evaluate(OVER) == []
        if page.locator(".now .paper > img").count():
            assert page.evaluate("document.querySelector('.now img').naturalWidth") == 1280
