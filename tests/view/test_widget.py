"""The widget of a story: its traits, and its front end in a browser beside a model."""

import json
import re
from functools import reduce

import numpy as np
import pytest
import stories
from browser import SIZE, await_step, await_that, watch
from stories import told

import microbn as mb
from microbn import Tensor, errors
from microbn.view import widget
from microbn.view.page import notebook_frame

WHY = "anywidget is not installed: the widget unchecked"


@pytest.fixture(scope="module")
def made():
    """Make the widget of a story, without a kernel."""
    pytest.importorskip("anywidget", reason=WHY)
    return widget


# Stands for a notebook: a model as a front end knows it, and cells that show it.
NOTEBOOK = """<!doctype html><title>notebook</title><div id="cell"></div><script type="module">
%s
const traits = %s, hearers = new Map();
window.saved = [];
window.model = {
  get: (name) => traits[name],
  set: (name, value) => {
    const same = JSON.stringify(traits[name]) === JSON.stringify(value);
    traits[name] = value;
    if (!same) for (const hear of hearers.get(`change:${name}`) ?? []) hear();
  },
  save_changes: () => saved.push(JSON.parse(JSON.stringify(traits))),
  on: (change, hear) => hearers.set(change, [...(hearers.get(change) ?? []), hear]),
  off: (change, hear) => hearers.set(change, hearers.get(change).filter((one) => one !== hear)),
};
window.cell = (id) => render({ model, el: document.getElementById(id) });
window.leave = cell("cell");
</script>"""


def literal(data):
    """Return data as a literal of JavaScript that can stand in a script of a page."""
    return json.dumps(data).replace("<", "\\u003c")


class Notebook:
    """A page that shows a widget, and the widget's traits as a kernel would have them."""

    def __init__(self, browser, shown, troubles):
        self.page = browser.new_page(viewport=SIZE)
        watch(self.page, troubles.append, "about:")
        traits = {name: getattr(shown, name) for name in ("_page", "step", "selected", "inputs")}
        front_end = shown._esm.replace("export default", "window.front =")
        self.page.set_content(NOTEBOOK % (front_end, literal(traits)))
        self.shown = shown

    def frame(self, place=0):
        found = self.page.frames[1 + place]
        found.wait_for_selector("#sentence:not(:empty)")
        return found

    def traits(self):
        """Give what the page has said to the widget in Python, which checks it, and return it."""
        for name in ("step", "selected", "inputs"):
            text = self.page.evaluate("(name) => JSON.stringify(model.get(name))", name)
            setattr(self.shown, name, json.loads(text))
        return self.shown.step, self.shown.selected, self.shown.inputs

    def await_traits(self, *wanted):
        await_that(self.page, lambda: self.traits() == wanted)

    def assign(self, **traits):
        """Assign traits in Python, which the model then has too."""
        for name, value in traits.items():
            setattr(self.shown, name, value)
            text = json.dumps(getattr(self.shown, name))
            self.page.evaluate("([name, text]) => model.set(name, JSON.parse(text))", [name, text])


@pytest.fixture
def notebook(made, browser):
    """Open notebooks that show a story's widget. None may have reported anything by the end."""
    opened, troubles = [], []

    def show(story, **traits):
        shown = made(story)
        for name, value in traits.items():
            setattr(shown, name, value)
        opened.append(Notebook(browser, shown, troubles))
        return opened[-1]

    yield show
    for each in opened:
        each.page.close()
    assert troubles == []


def type_into(notebook, name, text):
    notebook.frame().locator(f'td[aria-label^="{name}:"]').click()
    notebook.page.keyboard.type(text)
    notebook.page.keyboard.press("Enter")


# --- from the page to Python


def test_a_click_on_next_and_a_key_change_the_step(notebook):
    shown = notebook(stories.batch_norm())
    shown.frame().click("#next")
    shown.await_traits(1, "", {})
    shown.page.keyboard.press("End")
    shown.await_traits(len(stories.batch_norm()) - 1, "", {})


def test_a_click_on_a_box_selects_its_value_and_goes_there(notebook):
    story = stories.batch_norm()
    shown = notebook(story)
    [box] = [node.id for node in story.graph.nodes if story.names[node.id] == "x̂"]
    at = next(step.number for step in story if box in step.nodes)
    shown.frame().click(f'.box[data-id="{box}"]')
    shown.await_traits(at, "x̂", {})
    assert len(shown.page.evaluate("saved")) == 1


def test_a_changed_number_is_told_with_its_whole_leaf(notebook):
    story = stories.batch_norm()
    values = {story.names[node.id]: node.value.tolist() for node in story.graph.nodes}
    x, gamma = values["x"], values["γ"]
    shown = notebook(story)
    type_into(shown, "x[0, 1]", "2.5")
    x[0][1] = 2.5
    shown.await_traits(0, "x", {"x": x})
    type_into(shown, "γ[2]", "-1")
    gamma[2] = -1.0
    shown.await_traits(0, "γ", {"x": x, "γ": gamma})
    shown.frame().click("body", position={"x": 2, "y": 2})
    shown.page.keyboard.press("Escape")
    shown.page.keyboard.press("r")
    shown.await_traits(0, "γ", {})


def test_leaves_of_any_shape_are_told_in_it(notebook):
    x, y = Tensor(np.arange(12.0).reshape(2, 2, 3), "x"), Tensor(3.0, "y")
    shown = notebook(told(x * y))
    type_into(shown, "x[1, 0, 1]", "70")
    type_into(shown, "y", "5")
    changed = np.arange(12.0).reshape(2, 2, 3)
    changed[1, 0, 1] = 70
    shown.await_traits(0, "y", {"x": changed.tolist(), "y": 5.0})


# --- from Python to the page


def test_traits_that_were_set_before_are_shown_at_first(notebook):
    shown = notebook(stories.fork(), step=2, selected="x", inputs={"x": 2.0})
    await_step(shown.frame(), 2)
    assert shown.frame().inner_text("#sentence").endswith("which is 6.")
    shown.await_traits(2, "x", {"x": 2.0})


def test_a_value_that_was_selected_before_does_not_move_the_page(notebook):
    shown = notebook(stories.batch_norm(), selected="x̂")
    page = shown.frame()
    shown.await_traits(0, "x̂", {})
    page.click("#change")
    assert page.inner_text("#changed") == ""
    shown.assign(selected="σ")
    shown.await_traits(6, "σ", {})


def test_step_selection_and_numbers_are_set_from_python(notebook):
    shown = notebook(stories.batch_norm())
    frame = shown.frame()
    shown.assign(step=3)
    await_step(frame, 3)
    shown.assign(selected="x̂")
    shown.await_traits(7, "x̂", {})
    shown.assign(inputs={"γ": np.array([1, 2, 3])}, step=0)
    await_step(frame, 0)
    cells = frame.locator('td[aria-label^="γ["]')
    await_that(shown.page, lambda: cells.all_text_contents() == ["1", "2", "3"])
    assert frame.text_content("#changed") == "The notebook has changed the numbers."
    shown.await_traits(0, "x̂", {"γ": [1.0, 2.0, 3.0]})
    shown.assign(inputs={})
    await_that(shown.page, lambda: cells.all_text_contents() != ["1", "2", "3"])
    assert frame.is_disabled("#reset")


def test_numbers_that_are_those_of_the_start_are_no_change(notebook):
    shown = notebook(stories.fork())
    shown.frame()
    shown.assign(inputs={"x": 3.0})
    shown.await_traits(0, "", {})


def test_numbers_that_the_program_cannot_take_leave_all_as_it_was(notebook):
    shown = notebook(stories.batch_norm(), inputs={"γ": [1, 2, 3]})
    frame = shown.frame()
    shown.await_traits(0, "", {"γ": [1.0, 2.0, 3.0]})
    cells = frame.locator('td[aria-label^="γ["]')
    await_that(shown.page, lambda: cells.all_text_contents() == ["1", "2", "3"])
    frame.evaluate("""() => {
      const own = compute;
      window.compute = () => {
        window.compute = own;
        throw new RangeError("index 9 is out of bounds");
      };
    }""")
    shown.assign(inputs={"γ": [7, 8, 9]})
    shown.await_traits(0, "", {"γ": [1.0, 2.0, 3.0]})
    assert cells.all_text_contents() == ["1", "2", "3"]
    assert (
        frame.text_content("#changed") == "The numbers stay as they are: index 9 is out of bounds."
    )


# --- two views, and a frame that is loaded again


CLICKS = """async ([id, times]) => {
  for (let i = 0; i < times; i++) {
    document.getElementById(id).click();
    await new Promise((done) => setTimeout(done));
  }
}"""


def test_two_cells_follow_each_other_and_none_leads_the_other_back(notebook):
    shown = notebook(stories.batch_norm())
    first = shown.frame()
    shown.page.evaluate("""() => {
      document.body.append(Object.assign(document.createElement("div"), { id: "second" }));
      cell("second");
    }""")
    second = shown.frame(1)
    last = len(stories.batch_norm()) - 1
    first.evaluate(CLICKS, ["next", last])
    await_step(second, last)
    second.evaluate(CLICKS, ["previous", 5])
    await_step(first, last - 5)
    steps = shown.page.evaluate("saved.map(({ step }) => step)")
    assert steps == [*range(1, last + 1), *range(last - 1, last - 6, -1)]


def test_a_frame_that_is_loaded_again_shows_the_same(notebook):
    shown = notebook(stories.fork())
    shown.frame().click("#next")
    shown.await_traits(1, "", {})
    shown.page.evaluate("() => document.body.append(document.getElementById('cell'))")
    await_step(shown.page.frame_locator("iframe"), 1)


# Stands for a notebook that is slow: it answers when the test does.
SLOW = """<!doctype html><iframe sandbox="allow-scripts"></iframe><script>
const heard = [];
addEventListener("message", ({ data }) => heard.push(data));
const answer = (data) => frames[0].postMessage(data, "*");
document.querySelector("iframe").srcdoc = %s;
</script>"""


def test_what_a_reader_does_before_the_notebook_answers_stays(made, browser):
    page = browser.new_page(viewport=SIZE)
    page.set_content(SLOW % literal(made(stories.batch_norm())._page))
    frame = page.frames[1]
    frame.wait_for_selector("#sentence:not(:empty)")
    frame.click("#next")
    await_that(page, lambda: page.evaluate("heard") == [{"ready": True}, {"at": 1}])
    page.evaluate('answer({ at: 0, selected: "x̂", inputs: {} })')
    page.evaluate("answer({ inputs: { γ: [1, 2, 3] } })")
    frame.wait_for_selector("#changed:not(:empty)", state="attached")
    assert frame.input_value("#slider") == "1"
    assert page.evaluate("heard") == [{"ready": True}, {"at": 1}]
    page.evaluate("answer({ at: 0 })")  # from now on the page follows
    await_step(frame, 0)
    page.close()


def test_a_cell_that_is_gone_listens_no_more(notebook):
    shown = notebook(stories.fork())
    frame = shown.frame()
    shown.page.evaluate("leave()")
    frame.click("#next")
    await_step(frame, 1)
    assert shown.page.evaluate("saved") == []


# --- who is heard


def test_the_page_obeys_its_parent_alone_and_the_front_end_its_frame_alone(notebook):
    shown = notebook(stories.fork())
    frame = shown.frame()
    frame.evaluate("""() => new Promise((done) => {
      addEventListener("message", () => setTimeout(done));
      window.postMessage({ at: 2 }, "*");
    })""")
    shown.page.evaluate("""() => new Promise((done) => {
      addEventListener("message", () => setTimeout(done));
      window.postMessage({ at: 2 }, "*");
    })""")
    assert frame.input_value("#slider") == "0"
    assert shown.page.evaluate("saved") == []


def test_the_frame_is_as_closed_as_that_of_a_story_and_the_page_as_strict(made):
    shown = made(stories.fork())
    frame = notebook_frame("", "")
    for part in (r'sandbox="(.+?)"', r'title="(.+?)"', r'style="(width.+?)"'):
        assert re.search(part, frame)[1] in shown._esm
    policy = r'Content-Security-Policy" content="(.+?)sha256-.+?(\'; .+?)"'
    story_page = "".join(stories.fork()._page())
    assert re.search(policy, shown._page).groups() == re.search(policy, story_page).groups()


def test_only_the_page_of_the_widget_tells_a_notebook(made):
    assert "tellNotebook" not in "".join(stories.fork()._page())
    assert "tellNotebook" in made(stories.fork())._page


# --- names, and what is refused


def test_values_that_share_a_name_are_called_by_their_ids(made):
    x, other, third = Tensor([1.0, 2.0], "x"), Tensor([3.0, 4.0], "x"), Tensor(2.0, "n0")
    story = told(x * other + third)
    shown = made(story)
    ids = [node.id for node in story.graph.nodes if story.names[node.id] in ("x", "n0")]
    for name in ids:
        shown.selected = name
        assert shown.selected == name
        shown.inputs = {name: [5.0, 6.0] if name != story.graph.nodes[2].id else 1.0}


def test_a_hostile_name_is_a_name(notebook):
    leaves = [Tensor([1.0, 2.0], name) for name in stories.HOSTILE]
    story = told(reduce(np.add, leaves))
    shown = notebook(story)
    frame = shown.frame()
    names = [*story.names.values()][: len(leaves)]
    wanted = {name: [10.0 + place, 1.0] for place, name in enumerate(names)}
    shown.assign(inputs={names[0]: [5.0, 6.0]})
    shown.await_traits(0, "", {names[0]: [5.0, 6.0]})  # what every object has is no leaf's number
    shown.assign(inputs=wanted, selected="__proto__")
    shown.await_traits(0, "__proto__", wanted)
    assert {"__proto__", "constructor"} < {*wanted}
    firsts = frame.locator('td[aria-label*="[0]:"]')
    tens = [f"{10 + place}" for place in range(len(names))]
    await_that(shown.page, lambda: firsts.all_text_contents()[: len(tens)] == tens)  # taken
    for name in names[:2]:
        type_into(shown, re.sub(r'(["\\\\])', r"\\\\\1", f"{name}[0]"), "7")
        wanted[name][0] = 7.0
        shown.await_traits(0, name, wanted)
    assert frame.locator("img, iframe").count() == 0


@pytest.mark.parametrize(
    ("trait", "value", "kind", "told_so"),
    [
        ("step", 99, errors.RangeError, "there is no step 99; the story has steps 0 to "),
        ("step", -1, errors.RangeError, "there is no step -1"),
        ("selected", "z", errors.ArgumentError, "no value is called 'z'; there are x, "),
        ("inputs", {"z": 1.0}, errors.ArgumentError, "'z' cannot be changed; these can be: x, "),
        ("inputs", {"x": [1.0]}, errors.ShapeError, r"x has shape \(4, 3\), but \(1,\) was given"),
        (
            "inputs",
            {"γ": [1, 2, np.nan]},
            errors.ArgumentError,
            "γ takes an array of finite",
        ),
        (
            "inputs",
            {"γ": "two"},
            errors.ArgumentError,
            "γ takes an array .* got 'two'",
        ),
        (
            "inputs",
            {"γ": [[1], [2, 3]]},
            errors.ArgumentError,
            "γ takes an array of finite",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_the_traits_stay(made, trait, value, kind, told_so):
    shown = made(stories.batch_norm())
    before = getattr(shown, trait)
    with pytest.raises(kind, match=f"widget: {told_so}"):
        setattr(shown, trait, value)
    assert getattr(shown, trait) == before


def test_what_the_page_cannot_compute_is_refused_with_its_reason(made):
    a = Tensor([[2.0, 1.0], [0.5, 3.0]], "A")
    shown = made(told(np.linalg.inv(a) * Tensor([1.0, 2.0], "b")))
    with pytest.raises(errors.ArgumentError, match=r"A stays as it is: .*np\.linalg\.inv"):
        shown.inputs = {"A": np.eye(2)}
    shown.inputs = {"b": [1, 1]}


def test_a_graph_that_is_too_large_to_be_changed_can_be_stepped(notebook):
    x = Tensor(1.0, "x")
    y = x
    for _ in range(700):
        y = y + 1.0
    shown = notebook(told(y))
    shown.frame().click("#next")
    shown.await_traits(1, "", {})
    with pytest.raises(errors.ArgumentError, match="'x' cannot be changed; the graph has"):
        shown.assign(inputs={"x": 1.0})


def test_a_widget_is_made_of_a_story_alone():
    with pytest.raises(errors.DTypeError, match=r"widget: takes a story, .* not a Tensor"):
        widget(Tensor(1.0))


# --- without a widget


def test_without_anywidget_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.delitem(__import__("sys").modules, "microbn.view.synced", raising=False)
    monkeypatch.setitem(__import__("sys").modules, "anywidget", None)
    way_out = r"microbn.view.widget needs anywidget; .*'microbn\[notebook\]'"
    with pytest.raises(errors.MissingPackageError, match=way_out):
        mb.view.widget(stories.fork())


def test_who_cannot_show_a_widget_shows_the_frame_of_the_story(made):
    data, _ = made(stories.fork())._repr_mimebundle_()
    assert data["text/html"] == stories.fork()._repr_html_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert data["text/plain"] == f"StoryWidget({stories.fork()!r}: step 0)"


# --- a notebook without a kernel


@pytest.fixture(scope="module")
def executed(made, tmp_path_factory):
    """Run a notebook that shows a widget, moves it and prints its traits."""
    nbformat = pytest.importorskip("nbformat", reason="no Jupyter is installed")
    nbclient = pytest.importorskip("nbclient", reason="no Jupyter is installed")
    pytest.importorskip("ipykernel", reason="no Jupyter is installed")
    folder = tmp_path_factory.mktemp("notebook")
    cells = [*map(nbformat.v4.new_code_cell, CELLS)]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
            patch.setenv(name, str(folder / name.lower()))
        notebook = nbformat.v4.new_notebook(cells=cells)
        client = nbclient.NotebookClient(notebook, timeout=300, store_widget_state=False)
        yield client.execute()


CELLS = [
    "import microbn as mb\nx = mb.Tensor(3.0, 'x')\nw = mb.view.widget(mb.story(x * x + x))",
    "w",
    "w.step = 2\nw.inputs = {'x': 2}\nprint(w.step, w.inputs)",
]


def test_the_traits_are_set_in_a_kernel(executed):
    [printed] = executed.cells[2].outputs
    assert printed.text == "2 {'x': 2.0}\n"


def test_an_exported_notebook_shows_the_page_without_a_kernel(executed, browser, tmp_path):
    exporters = pytest.importorskip("nbconvert.exporters", reason="no Jupyter is installed")
    text, _ = exporters.HTMLExporter(template_name="lab").from_notebook_node(executed)
    (file := tmp_path / "notebook.html").write_text(text, encoding="utf-8")
    page = browser.new_page(viewport=SIZE)
    page.route(lambda address: not address.startswith("file:"), lambda route: route.abort())
    page.goto(file.as_uri())
    [_, frame] = page.frames
    assert frame.text_content("#sentence") == "Given: x = 3."
    frame.click("#next")
    await_step(frame, 1)
    page.close()
