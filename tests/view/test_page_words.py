"""The words of ours are explained on the page where they show up."""

import numpy as np
import pytest
import stories
from browser import PHONE, look
from test_page_readers import AXE, RULES, with_axe

import microbn as mb
from microbn import Tensor, functional
from microbn.engine import functions
from microbn.view import glossary, mathematics, story

SHOWN = """() => Object.fromEntries([...document.querySelectorAll("#words dt")].map((dt) =>
  [dt.textContent, dt.nextElementSibling.textContent]))"""
MARKED = """() => Object.fromEntries([...document.querySelectorAll("#step abbr")].map((one) =>
  [one.textContent, one.title]))"""
X = Tensor(np.linspace(-1, 1, 12).reshape(3, 4), "x")


def of_gradient(y):
    return stories.told(mb.grad(np.sum(y), X, create_graph=True))


def words(page, told):
    """Return all words that are explained at any step, and those that are marked."""
    listed, marked = {}, {}
    for step in told:
        look(page, step.number)
        here = page.evaluate(SHOWN)
        assert page.is_visible("#words") == bool(here)
        found = page.evaluate(MARKED)
        assert found.items() <= here.items()
        listed |= here
        marked |= found
    return listed, marked


@pytest.mark.parametrize(
    ("word", "made"),
    [
        ("scatter", lambda: stories.told(X[1:] * 2.0)),
        ("gate", lambda: stories.told(functional.relu(X))),
        ("spread", lambda: of_gradient(np.square(X))),
        ("scatter", lambda: of_gradient(np.square(X[1:]))),
        ("left", lambda: stories.told(np.nanvar(X) * 2.0)),
        ("shifted", lambda: stories.told(functional.softmax(X) * 2.0)),
        ("mul swaps", stories.batch_norm),
        ("broadcast sums", stories.batch_norm),
        ("part", stories.batch_norm),
    ],
)
def test_a_word_is_explained_at_the_steps_that_use_it(opened, word, made):
    told = made()
    page = opened(told)
    listed, marked = words(page, told)
    assert word in listed
    assert word in marked or word in ("part", "spread", "shifted", "left")


def test_a_gradient_is_explained_by_the_value_that_it_belongs_to(opened):
    told = stories.batch_norm()
    listed, marked = words(opened(told), told)
    assert listed["dx̂"] == marked["dx̂"] == "the gradient of the loss with respect to x̂"


def test_a_value_without_a_name_is_explained(opened):
    z = X * 2.0 + 1.5
    made = (z * z * z * z + np.exp(z * z * z)) @ np.ones((4, 1))
    listed, _ = words(opened(told := stories.told(made)), told)
    unnamed = [word for word, said in listed.items() if said == glossary.UNNAMED]
    assert unnamed
    assert {*unnamed} <= {*told.names.values()}


def test_names_of_the_readers_own_are_not_taken_for_ours(opened):
    x, left = Tensor([1.0, 2.0], "spread"), Tensor([3.0, 4.0], "left")
    told = stories.told(x * left + Tensor([1.0, 1.0], "x1"))
    listed, _ = words(opened(told), told)
    assert not {"spread", "left", "x1"} & {*listed}


def test_every_pattern_and_every_function_of_ours_has_a_meaning():
    said = {name for text in mathematics._PATTERNS.values() for name in text.split(", ")}
    assert {*glossary.GRADIENT_PATTERNS} == said | {"broadcast sums"}
    ours = {n for n, f in vars(functions).items() if hasattr(f, "compute")}
    known = {"concatenate", "stack", "eigenvectors"}  # NumPy's words
    assert ours - known == {*glossary.OWN_FUNCTIONS} - {"expand_dims"}


@pytest.mark.parametrize("function", glossary.INSIDE)
def test_values_inside_a_function_have_the_names_that_are_explained(function):
    f = getattr(functional, function, None) or getattr(np, function)
    arguments = [np.array([0, 1, 2])] * (function == "cross_entropy")
    made = story(np.sum(f(X, *arguments)) * 2.0)
    names = {node.name for node in made.graph.nodes if function in node.scope}
    assert {*glossary.INSIDE[function]} <= names


@pytest.mark.parametrize("size", [PHONE, None], ids=["phone", "1280x720"])
def test_the_list_is_opened_by_a_key_and_by_a_click_and_is_in_sight(opened, size):
    page = with_axe(
        opened(stories.batch_norm(), "#step=12", **({"viewport": size} if size else {}))
    )
    page.keyboard.press("w")
    place = page.locator("#words dl").bounding_box()
    assert place["x"] >= 0
    assert place["x"] + place["width"] <= (size or {"width": 1280})["width"]
    assert page.evaluate(AXE, RULES) == []
    page.keyboard.press("Escape")
    assert page.is_hidden("#words dl")
    page.click("#words summary")
    assert page.is_visible("#words dl")
