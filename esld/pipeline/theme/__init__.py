"""How the report looks: templates, stylesheet, and the code that makes a notebook fit them."""

from pathlib import Path

THEME = Path(__file__).parent
PAGE_IDS = frozenset(
    {"main", "top", "contents", "chapters", "assumptions", "files", "glossary", "appendix", "made-with"}
)
