"""The page can be told again with other numbers and sentences, at the step it shows."""

import stories
from browser import look

TELL_AGAIN = """([before, after]) => {
  const tables = {};
  const renamed = (rows) => rows.map((row) => row.map((text) => (text === before ? after : text)));
  for (const [number, { rows, ...rest }] of story.tables.entries())
    tables[number] = { ...rest, rows: renamed(rows) };
  retell({ tables, sentences: { [state.at]: "Another sentence." } });
}"""


def numbers(page):
    return [
        number for card in page.cards for table in card for row in table["rows"] for number in row
    ]


def test_a_story_told_again_shows_other_numbers_at_the_same_step(opened):
    story = stories.fork()
    page = opened(story, f"#step={len(story) - 1}")
    before = look(page)
    *_, total = numbers(before)
    page.evaluate(TELL_AGAIN, [total, "77"])
    after = look(page)
    assert after.at == before.at
    assert after.sentence == "Another sentence."
    assert numbers(after) == ["77" if number == total else number for number in numbers(before)]
    (root,) = [box["texts"] for box in after.boxes if box["texts"][0] == "x"]
    assert "77" in root
