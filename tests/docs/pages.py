"""Runs a page of the documentation as its reader would: from an empty folder, from the top, what each fence says.

- ``sh``: each line in turn, ``cd``, ``mkdir``, or ``esld`` in this process; nothing else is known.
- ``python``: one cell of a notebook, in the names of the page; the value of a last expression is shown.
- ``text``: right below one of these, and nowhere else: what it shows, to the letter; ``...`` stands for what may differ.
- ``yaml``, ``csv``: below a path and a colon, ```params/first.yaml`:``, written there; elsewhere read only.
- ``diff``: the same, of a file that is there: each ``-`` lines, found once, become the ``+`` lines below them.
- ``csv``: below ``Sheet **Visit** of `data/trial.xlsx`:``, typed into that sheet, under its headings.

A command ends with exit code 0 unless the paragraph above says "exit code 1". A fence with ``esld run`` makes a whole report.
"""

import ast
import csv
import doctest
import io
import os
import re
import shlex
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import openpyxl
import pytest

from esld.cli import main

DOCS = Path(__file__).parents[2] / "docs"
_FENCE = re.compile(
    r"(?P<above>(?:(?!```).*\n)*)```(?P<kind>\w*)\n(?P<body>(?:(?!```).*\n)*)```\n(?:\n```text\n(?P<shown>(?:(?!```).*\n)*)```\n)?"
)
_SHOWN = doctest.OutputChecker()
_NAMED = re.compile(r"`(?P<path>[^`\n]+)`:\n*\Z")
_SHEET = re.compile(r"Sheet\s+\*\*(?P<sheet>[^*]+)\*\*\s+of\s+`(?P<path>[^`]+)`:\n*\Z")


def run_page(page: Path, *, whole: bool) -> int:
    """Run the page in the working folder, if not ``whole`` up to its first report; the number of fences that were run."""
    names, done = {"__name__": "__main__"}, 0
    for fence in _FENCE.finditer(page.read_text(encoding="utf-8")):
        above, kind, body, shown = fence.group("above", "kind", "body", "shown")
        where = f"{page.name}, below {above.strip()[-60:]!r}:\n{body}"
        if kind == "sh" and "esld run" in body and not whole:
            return done
        if kind in ("sh", "python"):
            told = io.StringIO()
            with redirect_stdout(told), redirect_stderr(told):
                code = _shell(body) if kind == "sh" else _cell(body, names, where)
            allowed = re.findall(r"exit code (\d)", above)
            assert str(code) == (allowed[-1] if allowed else "0"), (
                f"{where}exit code {code}\n{told.getvalue()}"
            )
            if shown is not None:
                got = "".join(f"{line.rstrip()}\n" for line in told.getvalue().splitlines())
                assert _SHOWN.check_output(shown, got, doctest.ELLIPSIS), f"{where}shows\n{got}"
        elif kind == "text":
            raise AssertionError(f"{where}is the output of nothing")
        elif not _written(kind, above, body):
            continue
        done += 1
    return done


def _shell(body: str) -> int:
    code = 0
    for words in map(shlex.split, body.replace("\\\n", " ").splitlines()):
        match words:
            case ["cd", folder]:
                os.chdir(folder)
            case ["mkdir", folder]:
                Path(folder).mkdir()
            case ["esld", *_]:
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr(sys, "argv", words)
                    try:
                        code = main() or 0
                    except SystemExit as ended:
                        code = ended.code or 0
            case _:
                raise AssertionError(f"not known to a reader's shell: {words}")
    return int(code)


def _cell(body: str, names: dict[str, object], where: str) -> int:
    tree = ast.parse(body)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, where, "exec"), names)
    if (
        last is not None
        and (value := eval(compile(ast.Expression(last.value), where, "eval"), names)) is not None
    ):
        print(value)
    return 0


def _written(kind: str, above: str, body: str) -> bool:
    """Whether a fence is put into a file, and that done."""
    if kind == "csv" and (named := _SHEET.search(above)):
        _typed(body, named["sheet"], Path(named["path"]))
    elif kind == "diff" and (named := _NAMED.search(above)):
        path = Path(named["path"])
        text = path.read_text(encoding="utf-8")
        for change in re.findall(r"(?:^-.*\n)+(?:^\+.*\n)*", body, re.MULTILINE):
            old, new = (
                "".join(line[1:] for line in change.splitlines(True) if line[0] == sign) for sign in "-+"
            )
            assert text.count(old) == 1, f"{text.count(old)} times in {path}:\n{old}"
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    elif kind in ("yaml", "csv") and (named := _NAMED.search(above)):
        Path(named["path"]).write_text(body, encoding="utf-8")
    else:
        return False
    return True


def _typed(body: str, sheet: str, path: Path) -> None:
    book = openpyxl.load_workbook(path)
    places = {cell.value: cell.column for cell in book[sheet][1]}
    for row, record in enumerate(csv.DictReader(io.StringIO(body)), start=2):
        for heading, value in record.items():
            book[sheet].cell(row, places[heading]).value = value or None
    book.save(path)
