"""The book's mathematics: LaTeX becomes MathML when the book is built. No fonts, no scripts."""

from docutils.nodes import SkipNode
from latex2mathml.converter import convert
from sphinx.errors import ExtensionError


def typeset(latex, display):
    """Return MathML for LaTeX, or raise ExtensionError if latex2mathml does not know a command."""
    try:
        made = convert(latex, display=display)
    except Exception as error:
        raise ExtensionError(f"mathematics: {latex!r} cannot be typeset: {error}") from error
    if "\\" in made:  # a command that it does not know is left as it stands
        raise ExtensionError(f"mathematics: {latex!r} has a command that latex2mathml lacks")
    return made


def visit_inline(translator, node):
    translator.body.append(typeset(node.astext(), "inline"))
    raise SkipNode


def visit_block(translator, node):
    """Write a block. Its lines are those between blank lines, one below the other."""
    lines = filter(str.strip, node.astext().split("\n\n"))
    shown = "".join(typeset(" ".join(line.split()), "block") for line in lines)
    translator.body.append(f'<div class="mathematics">{shown}</div>\n')
    raise SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
