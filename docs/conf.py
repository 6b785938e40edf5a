"""The documentation: ``make docs`` writes it to ``docs/_build``. Offline, and what it writes asks for nothing."""

import logging
import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

import esld

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
import generate  # noqa: E402

generate.write(HERE / "reference" / "generated")

project = "esld"
author = "The esld developers"
version = release = esld.__version__
language = "en"
extensions = ["sphinx.ext.autodoc", "numpydoc", "myst_parser"]
exclude_patterns = ["_build"]

# A signature shows names and defaults; types, shapes and units stand with each parameter.
autodoc_typehints = "none"
numpydoc_show_class_members = False  # autodoc has them

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 4

# Every reference must lead somewhere. These are of what the site has no page for: classes of other packages, and
# what a docstring names of the package's inside.
nitpick_ignore_regex = [
    (r"py:.*", r"(?!esld\.(scoring|survival|longitudinal|randomisation|operating)\.[A-Za-z_]+$).*")
]

# Tutorials and explanations are whatever lies in their folders: the patterns of their lists may find nothing.
logging.getLogger("sphinx.sphinx.directives.other").addFilter(
    lambda record: "glob pattern" not in str(record.msg)
)

html_theme = "pydata_sphinx_theme"
html_title = "esld"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {
    "navigation_with_keys": False,
    "navbar_align": "left",
    "footer_start": ["copyright"],
    "footer_end": [],
    "collapse_navigation": True,
    "header_links_before_dropdown": 6,
}
copyright = "The esld developers, Apache-2.0"


# A header cell without words is no header for a screen reader, and a row of such cells nothing at all.
EMPTY_HEAD = re.compile(r'<th class="[^"]*"><p></p></th>')
EMPTY_ROW = re.compile(r"<thead>\s*<tr[^>]*>(?:\s*<td></td>)+\s*</tr>\s*</thead>")


def accessible(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """What axe finds in pages as the theme writes them."""
    if "body" in context:
        context["body"] = EMPTY_ROW.sub("", EMPTY_HEAD.sub("<td></td>", context["body"]))
    lists = context["generate_toctree_html"]

    def named(*args: Any, **options: Any) -> Any:
        found = lists(*args, **options)
        for fold in found.select("summary") if found else ():
            fold["aria-label"] = "pages below"
        return found

    context["generate_toctree_html"] = named


def formula(translator: HTML5Translator, node: nodes.Element) -> None:
    """Formulas as MathML, which browsers draw by themselves: no script, and no font from elsewhere."""
    block = isinstance(node, nodes.math_block)
    mathml = convert(node.astext(), display="block" if block else "inline")
    translator.body.append(f'<div class="math" tabindex="0">{mathml}</div>' if block else mathml)
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.add_lexer("csv", TextLexer)  # a fence that says what it holds
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
    app.connect("html-page-context", accessible, priority=900)  # after the theme's own
