"""The page in Firefox: it shows every step, obeys the keys, and asks for nothing."""

import pytest
import stories
from firefox import running

# The driver leaves sockets open while it waits for Firefox to start.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
LAST = len(stories.batch_norm()) - 1


@pytest.fixture(scope="module")
def firefox():
    with running() as firefox:
        yield firefox


@pytest.fixture
def opened(firefox, tmp_path):
    """Open the page of a story. Firefox may have reported nothing of it by the end."""
    file = tmp_path / "story.html"

    def open(story, address=""):
        firefox.open(story.save(file), address)
        return firefox

    yield open
    assert firefox.troubles(file) == []


@pytest.mark.parametrize("told", [stories.batch_norm, stories.scalar_batch_norm, stories.mlp])
def test_every_step_shows_its_sentence_and_its_numbers(opened, told):
    story = told()
    page = opened(story)
    tables = story.data()["tables"]
    for step, data in zip(story, story.data()["steps"], strict=True):
        seen = page.look(step.number)
        assert seen.sentence == step.sentence
        assert {box["id"] for box in seen.boxes if box["now"]} >= {*step.nodes[:1]}
        if step.phase == "backward":
            assert seen.tables[0]["rows"] == tables[data["gradient"]]["rows"]


def test_keys_lead_through_the_story(opened):
    page = opened(stories.batch_norm())
    for key, number in {"END": LAST, "HOME": 0, "ARROW_RIGHT": 1, "PAGE_DOWN": 2}.items():
        page.press(key)
        assert page.look().at == number
    page.press("b")
    assert page.look().where.startswith("Backward")


def test_the_address_names_a_step(opened):
    assert opened(stories.batch_norm(), "#step=7").look().at == 7


def test_what_firefox_reports_is_noticed(firefox, tmp_path):
    file = stories.fork().save(tmp_path / "planted.html")
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace("</main>", "</main><script>alert(1)</script>"), encoding="utf-8")
    firefox.open(file)
    assert any("blocked an inline script" in said for said in firefox.troubles(file))
