"""Sphinx: the docs, and the demos run as a gallery. Built with warnings as errors."""

import microbn

project = "microbn"
author = copyright = "the microbn contributors"
release = microbn.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "acceptance.md", "claims.md", "measured.md"]
html_theme = "pydata_sphinx_theme"
html_static_path = ["images"]
html_title = "microbn"
html_sidebars = {"*": []}  # these pages have no sections to navigate
html_theme_options = {"navigation_with_keys": True, "show_prev_next": True}

default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_typehints = "none"

sphinx_gallery_conf = {
    "examples_dirs": "../demos",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/d\d\d_",
    "reset_argv": lambda gallery_conf, script_vars: ["--quick"],
    "within_subsection_order": "FileNameSortKey",
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1000,
}
# The gallery's configuration holds a function, which Sphinx cannot keep between builds.
suppress_warnings = ["config.cache"]
