"""The parts of the book that the build makes, so that they cannot be out of date.

They are the live steppers, batch norm's stages, rows of the measured claims, the help of the
commands, and the notebook of the start page.
"""

import re
from ast import get_docstring, parse
from contextlib import chdir, redirect_stdout, suppress
from importlib.util import find_spec
from io import StringIO
from itertools import chain, cycle
from os import environ
from pathlib import Path
from typing import ClassVar
from unittest.mock import patch

import jupytext
from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective
from stages import stages

from microbn.cli import commands as cli
from microbn.cli.targets import told
from microbn.view.phrases import greek

HERE = Path(__file__).parent
FRAME = """\
<iframe class="stepper" sandbox="allow-scripts allow-downloads" loading="lazy"
 src="{page}#step={step}" title="Step through {target}"></iframe>
<p class="stepper"><a href="{page}#step={step}">The same on a page of its own</a>, for a projector;
<code>microbn step {target} --html {name}</code> writes it.</p>
"""
DEPENDS = """

† This [depends on the processor](/learn/purpose.md#what-depends-on-the-processor).
"""
SENTENCE = 40  # a cell with more characters is no word or number
FULL_RUN = """\
.. figure:: /images/{demo}.png
   :alt: The figure of a full run of this demo

   From a full run. Below, the demo ran in its quick form, with fewer seeds and settings.
"""


class Stepper(SphinxDirective):
    """Show the live page of a target. It opens at the step in ``:step:``.

    A target is built in, or a net of PyTorch's in learn/libraries. Where PyTorch is not installed,
    the ``:picture:`` of that net's page is shown.
    """

    required_arguments = 1
    option_spec: ClassVar = {"step": int, "picture": str}

    def run(self):
        self.env.note_reread()
        target, step = self.arguments[0], self.options.get("step", 0)
        if (picture := self.options.get("picture")) and not find_spec("torch"):
            return self.parse_text_to_nodes(f"![The page of {target}]({picture})")
        page, name = stepper_page(self.env, target), page_name(target)
        frame = FRAME.format(page=page, target=target, step=step, name=name)
        return [nodes.raw("", frame, format="html")]


def stepper_page(env, target):
    """Write the story of a target. Return its address, seen from the page that is being read."""
    folder = Path(env.app.outdir) / "steppers"
    folder.mkdir(parents=True, exist_ok=True)
    with chdir(HERE / "learn" / "libraries"):  # so that the page's title is the target alone
        story = told(target)
    story.save(folder / page_name(target))
    return f"{'../' * env.docname.count('/')}steppers/{page_name(target)}"


def page_name(target):
    """Return the name of a target's page: ``net.html`` for ``net.py:model``."""
    return f"{target.partition('.py:')[0]}.html"


class Claims(SphinxDirective):
    """Show the rows of measured/claims.md for a demo, such as ``d05``; ``all``; or ``not held``.

    Where several demos have rows, each row links to its demo. If a row has a mark, a line below the
    table explains it.
    """

    required_arguments, final_argument_whitespace = 1, True

    def run(self):
        self.env.note_dependency(file := str(HERE / "measured" / "claims.md"))
        lines = Path(file).read_text(encoding="utf-8").split("\n## ")[0].splitlines()
        cells = [line[2:-2].split(" | ") for line in lines if line[:3] == "| d"]
        wanted, (head, *rows) = self.arguments[0], cells
        held, missed = head.index("held"), wanted == "not held"
        rows = [r for r in rows if wanted in ("all", r[0]) or (missed and r[held] != "yes")]
        if not rows:
            raise self.error(f"there is no claim of {wanted!r}")
        several = missed or wanted == "all"
        rows = [[linked(demo), *rest] for demo, *rest in rows] if several else rows
        shown = (row[0 if several else 1 :] for row in (head, [":--"] * 6, *rows))
        text = "\n".join(f"| {' | '.join(row)} |" for row in shown)
        return self.parse_text_to_nodes(text + DEPENDS * ("†" in text))


def linked(demo):
    """Return a link to the gallery's page of a demo, such as ``d05``, from a page beside it."""
    (page,) = (HERE.parent / "demos").glob(f"{demo}_*.py")
    return f"[{demo}](../gallery/{page.stem})"


class Commands(SphinxDirective):
    """Show the help that ``microbn COMMAND --help`` prints, for every command."""

    def run(self):
        self.env.note_reread()
        commands = ("tour", "step", "lecture", "playground", "workshop", "draw", "check", "grade")
        text = "\n".join(f"## {name}\n\n```text\n{usage(name)}```\n" for name in commands)
        return self.parse_text_to_nodes(text, allow_section_headings=True)


class Rooms(SphinxDirective):
    """A table of a folder's files, in the order of the names, with the purpose that each states."""

    required_arguments, has_content = 1, True

    def run(self):
        self.env.note_reread()
        folder, names = HERE.parent / self.arguments[0], " ".join(self.content).split()
        rows = (f"| `{room(folder / name)}` | {purpose(folder / name)} |" for name in names)
        return self.parse_text_to_nodes("\n".join(["| room | purpose |", "|:--|:--|", *rows]))


def room(place):
    """Return how a file or a folder of files is called in the table of the folder that holds it."""
    return f"{place.name}/" if (place / "__init__.py").exists() else f"{place.name}.py"


def purpose(place):
    """Return the first paragraph of the docstring of a file or a folder, on one line."""
    inside = place / "__init__.py"
    file = inside if inside.exists() else place.with_suffix(".py")
    text = get_docstring(parse(file.read_text(encoding="utf-8")))
    return " ".join(text.partition("\n\n")[0].split())


def usage(command):
    """Return the help that ``microbn COMMAND --help`` prints, 80 columns wide."""
    printed = StringIO()
    with patch.dict(environ, COLUMNS="80"), redirect_stdout(printed), suppress(SystemExit):
        cli.main([command, "--help"])
    return printed.getvalue()


class Stages(SphinxDirective):
    """Show a section for each gradient of batch norm: by hand, on the graph, in the program."""

    def run(self):
        self.env.note_reread()
        page = stepper_page(self.env, "batchnorm")
        text = "\n".join(section(page, *stage) for stage in stages())
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def section(page, name, rows):
    """Return a stage in Markdown. Every step is a link to it on the page of the stepper."""
    steps = (
        f'{said} <a href="{page}#step={n}" target="stepper">(step {n})</a>'
        for n, said in rows["on the graph"]
    )
    cells = rows | {"on the graph": "<br>".join(steps)}
    cells["in the program"] = "<br>".join(rows["in the program"])
    head, *table = (f"| {kind} | {text} |" for kind, text in cells.items())
    return "\n".join([f"### d{greek(name)}\n", head, "|:--|:--|", *table, ""])


class Instructors(SphinxDirective):
    """Show the content only in a book for instructors: ``sphinx-build -t instructors``."""

    has_content = True

    def run(self):
        self.env.note_reread()
        if not self.env.app.tags.has("instructors"):
            return []
        return self.parse_content_to_nodes(allow_section_headings=True)


def find_anywhere(app, doctree):
    """Let a short name in a docstring, such as `grad`, be found wherever it is documented."""
    for reference in doctree.findall(addnodes.pending_xref):
        reference["refspecific"] = reference["reftype"] == "obj"


def stack(app, doctree, docname):
    """Let a table of sentences stand cell below cell on a phone: each cell is told its column.

    A first column without a name gets one for readers who hear the page.
    """
    for table in doctree.findall(nodes.table):
        head, *rows = ([*row.findall(nodes.entry)] for row in table.findall(nodes.row))
        if len(head) > 2 and any(len(c.astext()) > SENTENCE for row in rows for c in row[1:]):
            table["classes"].append("stacked")
            for cell, column in zip(chain(*rows), cycle(c.astext() for c in head)):
                if cell.astext() and column:
                    cell[0].insert(0, nodes.inline("", f"{column}: ", classes=["column"]))
        if [*table.findall(nodes.thead)] and not head[0].astext():
            head[0] += nodes.inline("", "row", classes=["visually-hidden"])


def show_full_run(app, docname, source):
    """Put the figure of a full run on a demo's page, since its text describes that figure."""
    demo = docname.removeprefix("gallery/")
    if docname.startswith("gallery/d") and (HERE / "images" / f"{demo}.png").exists():
        figure = FULL_RUN.format(demo=demo)
        source[0] = re.sub(r"(?<=\n)(=+\n)", rf"\1\n{figure}\n", source[0], count=1)


def write_notebook(app):
    """Write the start page as a notebook, without the parts that are marked for the page alone."""
    page = HERE / "learn" / "start.md"
    text = re.sub(r"<!-- page -->.*?<!-- /page -->\n", "", page.read_text("utf-8"), flags=re.DOTALL)
    text = re.sub(r"\[([^\]]+)\]\(\S+\.md\)", r"\1", text)  # links to other pages
    text = re.sub(r"{term}`([^`<]+?)(?: <[^`]+>)?`", r"\1", text)  # and into the glossary
    jupytext.write(jupytext.reads(text, fmt="md"), page.with_suffix(".ipynb"))


def setup(app):
    for directive in (Stepper, Claims, Commands, Rooms, Stages, Instructors):
        app.add_directive(directive.__name__.lower(), directive)
    app.connect("builder-inited", write_notebook)
    app.connect("doctree-read", find_anywhere)
    app.connect("doctree-resolved", stack)
    app.connect("source-read", show_full_run)
