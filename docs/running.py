"""A chapter's blocks of Python get a "Run" button, and the book holds the workshop as a file.

The build decides which blocks can run in a page, where there are only NumPy and microbn. A
chapter's script is small. It fetches the rest when a reader presses the first button.
"""

import ast
import re
import sys
from functools import partial
from hashlib import sha256
from pathlib import Path

from docutils import nodes

from microbn.errors import listed
from microbn.view.page import json_text, script_of
from microbn.workshop.building import setup as parts
from microbn.workshop.building import workshop
from microbn.workshop.distribution import distribution

HERE = Path(__file__).parent
CHAPTERS = "learn/"
THERE = {"numpy", "microbn", *sys.stdlib_module_names}
NEEDED = {  # what these functions of microbn need besides NumPy
    "draw": "graphviz",
    "film": "rich",
    "fit": "rich",
    "run_grid": "joblib",
    "widget": "anywidget",
}
INSIDE = "microbn.workshop.blocks"  # the room whose functions the page calls
PYTHON, RUN, STYLE = "running_python.js", "running.js", "running.css"


def lacking(blocks):
    """Return for each block of a page the packages that it needs and that the page does not have.

    A block also needs the packages of an earlier block that made one of its names.
    """
    made, found = {}, []
    for block in blocks:
        tree = [*ast.walk(ast.parse(block))]
        bound = {*bound_in(tree)}
        read = {node.id for node in tree if isinstance(node, ast.Name)} - bound
        lacks = {*imported(tree)} - THERE | {NEEDED[n] for n in called(tree) if n in NEEDED}
        lacks = lacks.union(*(made.get(name, ()) for name in read))
        made |= dict.fromkeys(bound, lacks)
        found.append(sorted(lacks))
    return found


def imported(tree):
    """Yield the package of every import."""
    for node in tree:
        if isinstance(node, ast.ImportFrom):
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)


def called(tree):
    """Yield the name of every function or method that the code calls."""
    for node in tree:
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", None))


def bound_in(tree):
    """Yield every name that the code makes."""
    for node in tree:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.alias):
            yield node.asname or node.name.partition(".")[0]


def offer(app, doctree, docname):
    """Put an element behind each block of a chapter. It says what the block lacks, in a sentence.

    A block that stands in another file, such as the engine's code, is a part and does not run.
    """
    if app.builder.format != "html" or not docname.startswith(CHAPTERS):
        return
    text = Path(app.env.doc2path(docname)).read_text(encoding="utf-8")
    own = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    own = [block.rstrip() for block in own]
    blocks = [b for b in doctree.findall(nodes.literal_block) if b.astext().rstrip() in own]
    for block, lacks in zip(blocks, lacking(b.astext() for b in blocks), strict=True):
        mark = (
            f'<div class="run" data-lacks="{listed(lacks)}"></div>'
            if lacks
            else '<div class="run"></div>'
        )
        place = block.parent.index(block) + 1
        block.parent.insert(place, nodes.raw("", mark, format="html"))


def scripts(place):
    """Return the files of the buttons by name: a script and a style for every chapter, and a script
    that the first press of a button fetches.

    A page that came from the disk may load scripts, and no data, so the data are a script too.
    """
    data = json_text(parts(distribution(place), INSIDE))
    own = (HERE / RUN).read_text(encoding="utf-8")
    shared = script_of(["elements.js", "failures.js", "output.js"])
    return {
        RUN: f"(() => {{\n{shared}\n{own}}})();\n",
        PYTHON: f"globalThis.microbnPython = (() => {{\n{script_of(['python.js'])}\n"
        f"return {{ makePython, setup: {data} }};\n}})();\n",
        STYLE: (HERE / STYLE).read_text(encoding="utf-8"),
    }


def write(app):
    """Write the scripts and the workshop, and tell the chapters where the scripts are."""
    if app.builder.format != "html":
        return
    place, out = app.config.microbn_pyodide or None, Path(app.outdir)
    (out / "_static").mkdir(parents=True, exist_ok=True)
    for name, text in (made := scripts(place)).items():
        (out / "_static" / name).write_text(text, encoding="utf-8")
    workshop(out / "workshop.html", pyodide=place)
    address = f"{PYTHON}?v={sha256(made[PYTHON].encode()).hexdigest()[:8]}"
    app.connect("html-page-context", partial(load, address))


def load(address, app, pagename, templatename, context, doctree):
    """Give a chapter that has blocks its script, which is told where to find the rest."""
    if '<div class="run"' in context.get("body", ""):
        app.add_css_file(STYLE)
        app.add_js_file(RUN, loading_method="defer", **{"data-python": address})


def setup(app):
    app.add_config_value("microbn_pyodide", "", "html")
    app.connect("builder-inited", write)
    app.connect("doctree-resolved", offer)
