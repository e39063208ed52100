"""A film: one graph that moves from training step to training step, and its page."""

from functools import cache

import numpy as np
import pytest
from browser import AXE, PHONE, RULES, SIZE, at, await_that, look, with_axe
from stories import shown

import microbn as mb
from microbn import functional as F
from microbn import nn, optim
from microbn.errors import ArgumentError, GraphError
from microbn.lab.data import spirals
from microbn.view.film import Film, Shot
from microbn.view.values import table

STEPS = 6


@cache
def film():
    model = nn.Sequential(
        nn.Linear(2, 4, rng=0), nn.BatchNorm(4), nn.ReLU(), nn.Linear(4, 2, rng=1)
    )
    optimizer = optim.SGD(model.parameters(), 0.3)
    return mb.lab.film(model, optimizer, spirals(0, n=60, test=20), steps=STEPS, batch_size=10)


def shot(f, *shape):
    x = mb.Tensor(np.linspace(-1, 1, np.prod(shape)).reshape(shape), "x")
    told = mb.story(np.sum(f(x)))
    return Shot(told, told, {}, {})


# --- the film


def test_a_film_is_the_stories_of_its_training_steps():
    assert len(film()) == len([*film()]) == STEPS
    assert [str(story) for story in film()[1:3]] == [str(film()[1]), str(film()[2])]
    ids = [[node.id for node in story.graph.nodes] for story in film()]
    assert ids == [ids[0]] * STEPS
    weights = [story.graph.nodes[0].value for story in film()]
    gradients = [story.graph.nodes[0].gradient for story in film()]
    np.testing.assert_allclose(weights[3], weights[2] - 0.3 * gradients[2])
    assert repr(film()).startswith("Film('training': 6 training steps of ")


def test_eval_reads_the_statistics_from_before_the_step_and_training_moves_them():
    for this, following in zip(film().shots, film().shots[1:], strict=False):
        mean, *_ = (node for node in this.eval.graph.nodes if node.name == "running_mean")
        before, after = (each["layers.1.running_mean"] for each in (this.before, this.after))
        np.testing.assert_array_equal(mean.value.ravel(), before)
        of_batch, *_ = (n.value for n in this.train.graph.nodes if this.train.names[n.id] == "μ")
        np.testing.assert_allclose(after, 0.9 * before + 0.1 * of_batch.ravel())
        np.testing.assert_array_equal(after, following.before["layers.1.running_mean"])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (shot(np.tanh, 2, 3), r"it has tanh\(x\) .* = tanh\(x\), where step 0 has exp\(x\)"),
        (shot(np.exp, 3, 3), r"it has x \(3, 3\), where step 0 has x \(2, 3\)"),
        (shot(lambda x: np.exp(x) * 2, 2, 3), "differs from that of step 0: it has"),
        (shot(lambda x: x, 2, 3), "differs from that of step 0: it has"),
    ],
    ids=["function", "shape", "longer", "shorter"],
)
def test_a_step_with_another_graph_is_named_with_the_difference(other, message):
    first = shot(np.exp, 2, 3)
    with pytest.raises(GraphError, match=f"training step 1, in training, .*{message}"):
        Film("two graphs", [first, other])


def test_a_film_needs_a_step_and_the_suffix_of_a_page(tmp_path):
    with pytest.raises(ArgumentError, match="no shots"):
        Film("nothing", [])
    with pytest.raises(ArgumentError, match=r"a film is saved as a page, film\.html"):
        film().save(tmp_path / "film.gif")


# --- its page


def play(opened, address="", **options):
    page = opened(film(), address, **options)
    page.wait_for_selector("#trained:has-text('loss')")
    return page


def training(page):
    return int(page.input_value("#training"))


def cells(array):
    return [text for row in table(array).rows for text in row]


def test_the_page_shows_the_story_of_the_training_step_in_training_and_in_eval(opened):
    page = play(opened)
    for number, mode in [(STEPS - 1, "train"), (2, "eval"), (0, "train"), (3, "train")]:
        page.click(f"#{mode}")
        page.fill("#training", str(number))
        told = getattr(film().shots[number], mode)
        assert page.get_attribute("#slider", "max") == str(len(told) - 1)
        for step in told:
            seen = look(page, step.number)
            assert seen.sentence == shown(step.sentence)
            rows = [text.strip() for each in seen.tables for row in each["rows"] for text in row]
            if step.phase == "forward":
                value = next(n.value for n in told.graph.nodes if n.id == step.nodes[0])
                assert rows[-len(cells(value)) :] == cells(value)
            if step.gradient is not None:
                assert rows[: len(cells(step.gradient))] == cells(step.gradient)


def test_jacobians_move_with_the_training(opened):
    page = play(opened)
    names = film()[0].names
    look(page, next(step.number for step in film()[0] if names[step.nodes[0]] == "σ"))
    page.keyboard.press("j")
    for number in (3, 0):
        page.fill("#training", str(number))
        sigma = next(n.value for n in film()[number].graph.nodes if names[n.id] == "σ")
        for entry in sigma.ravel():
            assert f"{0.5 / entry:.3g}" in page.inner_text("#tables")


def test_keys_and_buttons_move_the_training_and_leave_the_step_alone(opened):
    page = play(opened, "#step=4")
    for key, number in [
        ("]", 1), ("Shift+ArrowRight", 2), ("[", 1), ("Shift+ArrowLeft", 0), ("[", 0),
    ]:  # fmt: skip
        page.keyboard.press(key)
        assert (training(page), at(page)) == (number, 4)
    page.click("#later")
    page.keyboard.press("ArrowRight")
    assert (training(page), at(page)) == (1, 5)
    page.focus("#training")
    page.keyboard.press("End")
    assert (training(page), at(page)) == (STEPS - 1, 5)
    assert page.is_disabled("#later")
    page.keyboard.press("t")
    assert training(page) == 0
    assert page.inner_text("#playFilm") == "Pause training"
    page.select_option("#pace", "400")
    await_that(page, lambda: training(page) == STEPS - 1)
    assert page.inner_text("#playFilm") == "Play training"


def test_the_list_has_the_keys_of_a_film_and_none_that_change_a_number(opened):
    page = play(opened)
    page.keyboard.press("?")
    keys = page.locator("#keys kbd").all_inner_texts()
    assert {"t", "e", "]", "["} <= {*keys}
    assert not {"c", "r"} & {*keys}


def test_the_address_names_both_steps_and_the_mode(opened):
    page = play(opened, "#step=5&training=3&mode=eval")
    assert (training(page), at(page)) == (3, 5)
    assert page.get_attribute("#eval", "aria-pressed") == "true"
    page.keyboard.press("e")
    page.keyboard.press("]")
    assert page.evaluate("location.hash").endswith("&training=4")
    page.evaluate("location.hash = '#step=2&training=1'")
    await_that(page, lambda: (training(page), at(page)) == (1, 2))


def test_the_switch_stays_at_the_value_that_both_modes_have(opened):
    page = play(opened)
    names = [film()[0].names[step.nodes[0]] for step in film()[0]]
    look(page, names.index("scaled"))
    before = look(page).sentence
    page.keyboard.press("e")
    assert look(page).sentence.startswith("scaled = ")
    page.keyboard.press("e")
    assert look(page).sentence == before
    look(page, names.index("σ²"))  # eval does not compute it
    page.keyboard.press("e")
    assert look(page).where.startswith("Forward")


def test_boxes_of_the_running_statistics_say_which_mode_moves_and_which_reads_them(opened):
    page = play(opened, "#step=5&training=2")
    first = "#statistics .statistic >> nth=0"
    now = film().shots[2]
    before, after = (each["layers.1.running_mean"] for each in (now.before, now.after))
    labels = [f"running_mean: {', '.join(cells(before))}"]
    labels += [f"running_mean after the step: {', '.join(cells(after))}"]
    strips = page.locator(first).locator("svg")
    assert strips.evaluate_all("all => all.map((one) => one.ariaLabel)") == labels
    assert "moves" in page.inner_text(first)
    assert page.locator(first).evaluate("box => box.classList.contains('now')")
    page.keyboard.press("e")
    assert strips.evaluate_all("all => all.map((one) => one.ariaLabel)") == labels[:1]
    assert "is read" in page.inner_text(first)


def test_the_loss_is_drawn_with_a_mark_and_said_in_words(opened):
    page = play(opened, "#step=0&training=4")
    losses = [f"{loss:.3g}" for loss in film().losses]
    said = page.get_attribute("#losses svg", "aria-label")
    assert f"in training from {losses[0]} to {losses[-1]}, now {losses[4]}" in said
    value = page.get_attribute("#training", "aria-valuetext")
    assert value == f"Training step 4 of {STEPS - 1}, loss {losses[4]}"
    mark = page.get_attribute("#losses .mark", "d")
    page.keyboard.press("]")
    assert page.get_attribute("#losses .mark", "d") != mark
    assert page.inner_text("#trained") == f"5 of {STEPS - 1} · loss {losses[5]}"


RIMS = "all => all.map((rim) => Number(rim.getAttribute('width')))"
WIDTHS = """() => Object.fromEntries([...document.querySelectorAll("#graph .box")].map((box) => [
  box.querySelector("title").textContent.split(" ")[0],
  Number(box.querySelector("rect").getAttribute("width"))]))"""


def with_a_row(size):
    """Film a sum in which a parameter is one row, and another one a vector."""
    row, bias = mb.Tensor(np.linspace(-1, 1, size)[None], "row"), mb.Tensor(np.ones(size), "bias")
    row.role = bias.role = "parameter"
    told = mb.story(np.sum(np.ones((3, size)) * row + bias))
    moving = {"l.running_mean": np.linspace(0, 1, size)}
    return Film("rows", [Shot(told, told, moving, moving)] * 2)


def test_a_row_of_many_numbers_makes_no_box_and_no_statistic_wide(opened):
    strips = []
    for size in (8, 64, 512):
        page = opened(with_a_row(size), "#step=1")
        page.wait_for_selector("#trained:has-text('loss')")
        widths = page.evaluate(WIDTHS)
        assert max(widths["row"], widths["bias"]) < 300
        assert max(page.locator("#graph .rim").evaluate_all(RIMS)) <= 72
        strips.append(page.locator("#statistics svg").first.bounding_box()["width"])
    assert strips[1:] == strips[:1] * 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SIZE, PHONE], ids=["1280x720", "phone"])
def test_axe_finds_nothing_in_a_film(opened, size, scheme):
    page = with_axe(play(opened, viewport=size, color_scheme=scheme))
    for key in ("]", "e"):
        page.keyboard.press(key)
        assert page.evaluate(AXE, RULES) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_fifty_steps_of_three_layers_are_a_page_of_five_megabytes_at_most(tmp_path):
    rng = np.random.default_rng(0)
    sizes = [(64, 64), (64, 64), (64, 10)]
    layers = [
        part for a, b in sizes for part in (nn.Linear(a, b, rng=rng), nn.BatchNorm(b), nn.ReLU())
    ]
    model = nn.Sequential(*layers[:-2])
    few = [one_step(model, rng) for _ in range(3)]
    sizes = [Film("net", few[:n]).save(tmp_path / "x.html").stat().st_size for n in (2, 3)]
    assert sizes[0] + 48 * (sizes[1] - sizes[0]) <= 5e6


def one_step(model, rng):
    x, targets = rng.normal(size=(32, 64)), rng.integers(0, 10, 32)
    with mb.trace():
        losses = [F.cross_entropy(model.train(mode)(x), targets) for mode in (True, False)]
    return Shot(*(mb.story(loss) for loss in losses), {}, {})


def test_a_notebook_shows_the_film_in_a_frame():
    assert "sandbox" in film()._repr_html_()
