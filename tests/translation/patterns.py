"""The patterns of messages that stand in the source: every text in prose of the modules that tell a data manager something."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.reports import ROOT

# What speaks of data, cut, corrections, answers, forms and YAML. Other parts of the package speak to developers, or in a report.
_ELSEWHERE = re.compile(
    r"/(demo|tablets|examples|drafting|adam|terms)/|/(freireich|mayo_pbc|simulated|score_file|store|frames|fingerprint|export)\.py$"
)
SPEAKING = [
    path
    for path in [
        *sorted((ROOT / "esld/data").rglob("*.py")),
        ROOT / "esld/yamlfile.py",
        ROOT / "esld/errors.py",
        ROOT / "esld/identifying.py",
    ]
    if not _ELSEWHERE.search(path.relative_to(ROOT).as_posix())
    or path.as_posix().endswith("reading/export.py")
]
HOLE = "{}"
_FORMAT = re.compile(r"\{\{\}(?:![rs])?\}|\{[A-Za-z_][\w.\[\]]*(?:![rs])?(?::[^{}]*)?\}")
_NO_MESSAGE = re.compile(  # patterns, types, styles, code, and names of columns
    r"\\[(.d]|\[[^\]]*\]\|?|\(\?|^\s+\.|</?\w+>|table\{|import |\bpd\.|\bnp\.|^[A-Z0-9_ {}]+$|^[A-Z]\w+\[| \| "
)


def _canonical(parts: list[str]) -> str:
    text = _FORMAT.sub(HOLE, "".join(parts))
    while HOLE * 2 in text:
        text = text.replace(HOLE * 2, HOLE)
    return text


def patterns_of(path: Path) -> Iterator[str]:
    """Texts of a module with ``{}`` for what they hold: of two words or more, no docstring and no type."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    passed: set[int] = set()
    for node in ast.walk(tree):
        inner: list[ast.AST] = []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inner = [node.value]
        elif isinstance(node, ast.JoinedStr):
            inner = list(node.values)
            inner += [own for value in node.values for own in _formats(value)]
        elif isinstance(node, ast.AnnAssign | ast.arg) and node.annotation:
            inner = list(ast.walk(node.annotation))
        passed |= set(map(id, inner))
    for node in ast.walk(tree):
        if id(node) in passed:
            continue
        if isinstance(node, ast.JoinedStr):
            parts = [str(v.value) if isinstance(v, ast.Constant) else HOLE for v in node.values]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            parts = [node.value]
        else:
            continue
        text = _canonical(parts)
        words = text.replace(HOLE, "")
        if re.search(r"[a-z]{2}", words) and " " in words.strip() and not _NO_MESSAGE.search(text):
            yield text


def _formats(value: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(value):
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            yield from ast.walk(node.format_spec)


def every_pattern() -> dict[str, str]:
    """Every pattern, and the file that it was first met in."""
    found: dict[str, str] = {}
    for path in SPEAKING:
        for text in patterns_of(path):
            found.setdefault(text, path.relative_to(ROOT).as_posix())
    return found
