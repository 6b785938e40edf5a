"""The pages of the methods: each module has one, what a page names is there, and what it shows is what its code gives."""

import re

import pytest

from tests.docs.pages import DOCS, run_page
from tests.validation import ROOT

PACKAGES = ("survival", "longitudinal", "randomisation", "scoring", "operating")
PAGES = sorted((DOCS / "explanation").glob("*/*.md"))
MODULES = {
    path.relative_to(ROOT).as_posix()
    for package in PACKAGES
    for path in (ROOT / "esld" / package).glob("[a-z]*.py")
}


def named(page, kind: str) -> list[str]:
    """The files of the line on which a page says where its method and its tests are."""
    (line,) = re.findall(rf"^\*\*{kind}\*\*: (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return re.findall(r"`([^`]+)`", line)


def test_every_module_has_one_page_that_bears_the_name_of_its_first():
    claimed = [module for page in PAGES for module in named(page, "Module")]
    assert sorted(claimed) == sorted(MODULES)
    first = {page: f"esld/{page.relative_to(DOCS / 'explanation').with_suffix('.py')}" for page in PAGES}
    assert first == {page: named(page, "Module")[0] for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_it_names_the_tests_that_are_there(page):
    tests = named(page, "Tests")
    assert tests
    assert [name for name in tests if not (ROOT / name).is_file()] == []


def test_what_a_page_says_of_a_reference_is_what_was_compared():
    compared = dict(
        re.findall(
            r"^\| ([^|]+) \| ([^|]+ \| [^|]+ \| [^|]+ \| [^|]+) \|$",
            (ROOT / "tests" / "reference" / "README.md").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
    )
    said = {}
    for page in PAGES:
        for row, oracle, allowed in re.findall(
            r"^- Row \*\*(.+?)\*\* of `tests/reference/README.md`: (.+); equal to (\S+)\.$",
            page.read_text(encoding="utf-8"),
            re.MULTILINE,
        ):
            parts = compared[row].split(" | ")
            assert (parts[0], parts[3]) == (oracle, allowed), page.stem
            said[row] = page
    assert set(compared) - {"method", "---"} == set(said)  # and no comparison is left without a page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_it_shows_is_what_its_code_gives(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_page(page, whole=True) >= 1
