"""The lecture of 50 minutes: its plan, its claims, and every slide as the back row sees it."""

import re
import tomllib
from itertools import accumulate
from pathlib import Path

import numpy as np
import stories
from browser import SIZE
from shown import run, same

import microbn
from microbn.cli.targets import filmed, told
from microbn.lab import lecture_layers
from microbn.lab.lecture import DEFAULT, lecture
from microbn.lab.lecture_bodies import shipped
from microbn.view import beside

ROOT = Path(microbn.__file__).parents[1]
SCRIPT = tomllib.loads(DEFAULT.read_text(encoding="utf-8"))
PAGE = (ROOT / "docs" / "teach" / "lecture.md").read_text(encoding="utf-8")
LAYERS = "layer", "layer_of_larger_weights"


def shown(target, inputs):
    return filmed() if target == "training" else told(target, inputs)


def test_lecture_of_50_minutes_leaves_some_to_spare_and_asks_three_predictions():
    planned = sum(slide["minutes"] for slide in SCRIPT["slide"])
    assert 38 <= planned <= 42
    assert len(SCRIPT["slide"]) <= 12
    assert min(slide["minutes"] for slide in SCRIPT["slide"]) >= 2
    assert sum("vote" in slide for slide in SCRIPT["slide"]) == 3
    assert all(slide.get("notes", "").strip() for slide in SCRIPT["slide"])
    words = " ".join(PAGE.split())
    assert f"{len(SCRIPT['slide'])} slides and takes {planned} minutes, so {50 - planned}" in words


def test_its_code_runs_as_it_stands_and_prints_what_is_shown(capsys):
    coded = [slide for slide in SCRIPT["slide"] if "code" in slide]
    for slide in coded:
        run(slide["code"].strip(), {})
        assert same(capsys.readouterr().out, slide["prints"].strip() + "\n")
    assert coded


def test_its_story_has_the_steps_that_the_slides_speak_of():
    story = told("batchnorm")
    walked, back, seen = (s for s in SCRIPT["slide"] if s.get("story") == "batchnorm")
    steps = [range(slide["steps"][0], slide["steps"][1] + 1) for slide in (walked, back)]
    assert [n for part in steps for n in part] == [*range(len(story))]
    assert story[walked["steps"][1]].parts[0].count == "1 of 2"
    assert "2 of 2" in [part.count for part in story[back["steps"][1]].parts]
    assert "0 apart" in story[back["steps"][1]].sentence
    assert story.starts["backward"] == 11  # "Step 11: the loss is ..."
    assert story[6].sentence.startswith("σ =")  # "Step 6: every σ is 2"
    assert story[seen["steps"][0]].sentence.startswith("y =")
    values = {story.names[node.id]: node.value for node in story.graph.nodes}
    np.testing.assert_allclose(values["x̂"][0], [1, 1, 1], atol=1e-5)
    (x,) = (node for node in story.graph.nodes if node.name == "x")
    np.testing.assert_allclose(x.gradient[:, 0], [2, -2, 1, -1], atol=1e-5)
    np.testing.assert_allclose(x.gradient.sum(axis=0), 0, atol=1e-12)


def test_its_layers_in_step_show_a_tenth_of_the_gradient_and_the_same_output():
    sides = [told(f"{lecture_layers.__file__}:{name}") for name in LAYERS]
    both = beside(*sides)
    (slide,) = (slide for slide in SCRIPT["slide"] if "beside" in slide)
    assert [both.pairs[stop][:2] for stop in slide["stops"]] == [(n, n) for n in slide["stops"]]
    found = [{node.name: node for node in side.graph.nodes} for side in sides]
    for name, factor in {"h": 10, "std": 10, "x_hat": 1, "y": 1}.items():
        small, large = (np.asarray(side[name].value) for side in found)
        np.testing.assert_allclose(large, factor * small, rtol=2e-6)
    small, large = (side["w"].gradient for side in found)
    np.testing.assert_allclose(small[:, 0], [2.5, -2.5], rtol=1e-5)
    np.testing.assert_allclose(large[:, 0], [0.25, -0.25], rtol=1e-5)


def test_its_figures_come_with_the_package():
    figures = {slide["figure"] for slide in SCRIPT["slide"] if "figure" in slide}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    shipped_names = {Path(path).stem for path in included}
    assert figures <= shipped_names
    assert included == {
        f"docs/images/{name}.png": f"microbn/lab/pictures/{name}.png" for name in shipped_names
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


def test_the_page_says_how_many_presses_show_everything(graphviz):
    html = lecture(shown)
    presses = [int(n) for n in re.findall(r'data-presses="(\d+)"', html)]
    assert len(presses) == len(SCRIPT["slide"])
    (said,) = re.findall(r"(\d+) presses show everything", PAGE)
    assert int(said) == sum(presses) + len(presses) - 1


def test_what_its_code_prints_waits_for_a_press(opened, graphviz):
    page = opened(stories.fork(), text=lecture(shown))
    number = next(n for n, slide in enumerate(SCRIPT["slide"]) if "prints" in slide)
    page.evaluate("number => go(number)", number)
    assert not page.locator(".now .printed").is_visible()
    page.keyboard.press("PageDown")
    assert page.locator(".now .printed").is_visible()


def test_it_names_the_steps_in_which_a_broadcast_becomes_a_sum():
    story = told("batchnorm")
    (notes,) = (s["notes"] for s in SCRIPT["slide"] if "Steps 12 and 13" in s.get("notes", ""))
    assert "so dβ and dγ are sums" in notes
    for number, name in ((12, "β"), (13, "γ")):
        assert f"{name} (summed over the 4 rows)" in story[number].sentence


def plan():
    """Return the rows of the page's plan, a cell for each column."""
    lines = [line for line in PAGE.splitlines() if re.match(r"\| \d+ \| ", line)]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_page_of_the_lecture_has_its_slides_at_the_minutes_that_are_planned():
    begins = accumulate((slide["minutes"] for slide in SCRIPT["slide"]), initial=0)
    numbers = [*map(str, range(1, len(SCRIPT["slide"]) + 1)), ""]
    assert [row[:2] for row in plan()] == [
        [str(minute), number] for minute, number in zip(begins, numbers, strict=True)
    ]
    assert all(len(row) == 6 and all(row) for row in plan()[:-1])


KIND = {"figure": "Figure", "code": "Code", "vote": "**Vote", "beside": "Two layers in step"}
KIND |= {"jacobian": "Live: the Jacobian", "story": "(Live|Film)", "text": "Three sentences"}


def test_page_of_the_lecture_says_what_is_on_the_screen():
    for row, slide in zip(plan(), SCRIPT["slide"], strict=False):
        kind = next(kind for kind in KIND if kind in slide)
        assert re.match(KIND[kind].replace("*", r"\*"), row[2]), (slide["title"], row[2])
        stops = re.findall(r"training steps ([\d, and]+)", row[2]) if "opens" in slide else []
        assert [[int(n) for n in re.findall(r"\d+", said)] for said in stops] == (
            [slide["stops"]] if "opens" in slide else []
        )


def test_the_exam_has_five_questions_and_its_answers_are_for_instructors():
    public, hidden = re.split(r"^~~~\{instructors\}\n", PAGE, maxsplit=1, flags=re.MULTILINE)
    questions = re.findall(r"^(\d)\. ", public.split("for an exam\n")[1], re.MULTILINE)
    answers = re.findall(r"^(\d)\. ", hidden.split("These lines check")[0], re.MULTILINE)
    assert questions == answers == [*"12345"]
    for number in ("0.271", "(0.5, -0.5, 0, 0)"):
        assert number in hidden
        assert number not in public


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
    page = opened(stories.fork(), text=lecture(shown))
    for number in range(len(SCRIPT["slide"])):
        page.evaluate("number => go(number, Infinity)", number)
        assert page.locator(".now .paper").bounding_box()["width"] > 0.94 * SIZE["width"]
        assert min(page.evaluate(SIZES), default=99) >= 17 * 4 / 3
        assert page.evaluate(OVER) == []
        if page.locator(".now .paper > img").count():
            assert page.evaluate("document.querySelector('.now img').naturalWidth") == 1280
