"""The solutions of the lab are in a book for instructors, and in no other."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed: the book for instructors unchecked")
DOCS = Path(__file__).parents[1] / "docs"
EXTENSIONS = "extensions=myst_parser,book,mathematics"  # without the gallery, which runs the demos

ANSWER = "The bias was added to every row"


@pytest.fixture(scope="module", params=[(), ("-t", "instructors")], ids=["students", "instructors"])
def built(request, tmp_path_factory):
    """Build the pages for teaching alone. Give the tags, the folder and the warnings."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("out")
    shutil.copytree(DOCS / "teach", source / "teach")
    (source / "index.md").write_text("# Book\n\n```{toctree}\nteach/index\n```\n")
    command = ["sphinx", "-q", *request.param, "-c", DOCS, "-D", EXTENSIONS, source, out]
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return request.param, out, done.stderr


def test_solutions_are_only_in_the_book_for_instructors(built):
    tags, out, _ = built
    pages = [page for page in out.rglob("*") if page.is_file() and page.suffix in (".html", ".js")]
    holding = [page.name for page in pages if ANSWER in page.read_text("utf-8")]
    assert holding == ["solutions.html"] * bool(tags)
    links = (out / "teach" / "index.html").read_text("utf-8").count('href="solutions.html"')
    assert bool(links) == bool(tags)


def test_no_book_warns_of_the_solutions(built):
    _, _, warnings = built
    # The pages that are not there, and their terms.
    missing = ("xref_missing", "not in glossary", "not_readable", "not readable", "file not found")
    assert [line for line in warnings.splitlines() if not any(w in line for w in missing)] == []
    assert "solutions.md'" not in warnings
    assert "instructors" not in warnings
