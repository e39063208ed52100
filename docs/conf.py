"""Sphinx: the book, and the demos run as its gallery. Built with warnings as errors."""

import sys
from pathlib import Path

import microbn

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # for book.py, composed.py, mathematics.py and running.py

project = "microbn"
author = copyright = "the microbn contributors"
release = microbn.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "book",
    "composed",
    "mathematics",
    "running",
]
html_math_renderer = "mathml"
exclude_patterns = ["_build", "measured"]  # pages include its tables
if not tags.has("instructors"):  # noqa: F821, Sphinx defines it
    exclude_patterns.append("teach/solutions.md")
myst_heading_anchors = 3
html_theme = "pydata_sphinx_theme"
html_title = "microbn"
html_static_path = ["book.css"]
html_css_files = ["book.css"]
html_sidebars = {"index": []}
html_copy_source = False
html_theme_options = {
    "show_prev_next": True,
    "show_nav_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "navbar_align": "left",
    "footer_start": ["copyright"],
    "footer_end": [],
}

default_role = "py:obj"
nitpicky = True  # a name in a docstring that leads nowhere is a warning too
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_preserve_defaults = True

sphinx_gallery_conf = {
    "examples_dirs": "../demos",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/d\d\d_",
    "reset_argv": lambda gallery_conf, script_vars: ["--quick"],
    "default_thumb_file": str(HERE / "images" / "step_forward.png"),
    "within_subsection_order": "FileNameSortKey",
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,  # that page asks the network for its scripts
}
# The gallery's configuration holds a function, which Sphinx cannot keep between builds.
suppress_warnings = ["config.cache"]
