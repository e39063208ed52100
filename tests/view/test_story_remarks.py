"""Remarks on gradients that were derived by hand, and the page, which opens at a step."""

import numpy as np
import pytest
from browser import at, look, with_axe

import microbn as mb
from microbn import Tensor
from microbn.view.steps import Remark


@pytest.fixture
def told():
    """A story of which a step in the backward, the one that it opens at, has a remark."""
    x = Tensor([[0.5, 2.0], [1.0, -1.0]], "x")
    h = x * 2.0
    story = mb.story(h * h + h, np.ones((2, 2)))
    remark = Remark("Your dh lacks a part.", {"your dh": np.full((2, 2), 7.0), "dh": np.ones(2)})
    return story.with_remarks({len(story) - 2: [remark]}, len(story) - 2)


def test_a_remark_stands_at_its_step_behind_the_sentence_with_its_arrays(told):
    step = told[told.opens]
    assert step.sentence.endswith(" Your dh lacks a part.")
    assert [*step.beside] == ["your dh", "dh"]
    assert sum("lacks a part" in one.sentence for one in told) == 1
    assert not any(one.beside for one in told if one.number != told.opens)


def test_remarks_leave_derived_gradients_where_they_were():
    x = Tensor([1.0, 2.0], "x")
    story = mb.story(x * x, np.ones(2), derived={"x": np.ones(2)})
    told = story.with_remarks({len(story) - 1: [Remark("A remark.")]}, 0)
    assert "derived by hand are 3 apart. A remark." in told[-1].sentence
    assert [*told[-1].beside] == ["dx by hand"]


def test_a_story_opens_at_its_start_unless_told_otherwise(told):
    assert mb.story(Tensor([1.0], "x") * 2.0, [1.0]).opens == 0
    assert told.data()["opens"] == told.opens > 0


def test_the_page_opens_there_with_both_gradients_first(told, opened):
    page = opened(told)
    assert at(page) == told.opens
    assert [table["caption"] for table in look(page).tables][:2] == ["your dh (2, 2)", "dh (2,)"]
    assert (
        with_axe(page).evaluate("() => axe.run().then(({ violations }) => violations.length)") == 0
    )
    elsewhere = look(page, told.opens - 1)
    assert "your dh (2, 2)" not in [table["caption"] for table in elsewhere.tables]
    page.keyboard.press("Home")
    assert at(page) == 0


def test_the_address_counts_more_than_where_the_story_opens(told, opened):
    assert at(opened(told, "#step=1")) == 1
