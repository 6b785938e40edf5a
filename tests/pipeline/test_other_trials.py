"""Two trials outside the liver, from the export to the reader: whole in every view, in their own words alone.

The one is real, of 1963: its event is a relapse, and nobody was seen at visits. The other one is simulated: three arms, a daily
tablet, a continuous primary outcome.
"""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from esld.data.cutfile import read_cut
from esld.report.results import read_rows
from tests.pipeline.conftest import ROOT
from tests.pipeline.texts import READ
from tests.reports import pages_of

pytestmark = (
    pytest.mark.slow
)  # tests/report runs their chapters in its own process, and test_any_trial.py reads the same words
CUTS = [
    f"{cut}{view}" for cut in ("freireich-6mp", "tablets-three-arms") for view in ("", "-masked", "-blinded")
]
# Words of a trial of cells that are infused into patients whose liver fails.
WORDS_OF_ANOTHER_TRIAL = re.compile(
    r"\bliver|hepat|infus|\bcells?\b|\bstem\b|transplant|decompensat|ascit|\bMELD|child-pugh|encephalopath|varic(?:es|eal)|cirrho"
    r"|(?:/|per |a )kg\b|\bnative organ\b",
    re.IGNORECASE,
)


@pytest.fixture(scope="module", params=CUTS)
def report(request, published) -> Path:
    """The published folder of a cut; read it only."""
    return published(request.param)


def texts_of_tables(report: Path) -> Iterator[tuple[str, str]]:
    """Every cell of the tables that a reader may download."""
    for path in sorted((report / "tables").glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from ((path.name, cell) for row in csv.reader(file) for cell in (path.stem, *row))


def texts(report: Path) -> Iterator[tuple[str, str]]:
    """What is read and heard of a report, each text with its file."""
    for pattern, read in READ.values():
        for path in sorted(report.glob(pattern)):
            yield from ((path.name, text) for text in dict.fromkeys(read(path)))
    yield from texts_of_tables(report)


def foreign(text: str) -> list[str]:
    """Words of another trial in a text, with what stands around them."""
    found = WORDS_OF_ANOTHER_TRIAL.finditer(text)
    return [" ".join(text[max(0, own.start() - 50) : own.end() + 50].split()) for own in found]


def test_no_word_of_another_trial_is_read(report):
    found = dict.fromkeys(f"{name}: {piece}" for name, text in texts(report) for piece in foreign(text))
    assert not found, f"{len(found)}:\n" + "\n".join(found)


def test_it_is_whole_and_silent(report):
    """Every chapter of the cut has its page with its answer, and the run warned of nothing."""
    pages = {
        path.stem: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in report.glob("*.html")
    }
    assert set(pages) == pages_of(report)
    for chapter in read_cut(ROOT / "params" / f"{report.name}.yaml").cut.chapters:
        assert pages[chapter].select_one(".answer").get_text(strip=True), chapter
    assert json.loads((report.parent / "warnings.json").read_text(encoding="utf-8")) == []


def test_the_front_page_asks_and_answers_in_the_words_of_the_trial(report):
    page = BeautifulSoup((report / "index.html").read_text(encoding="utf-8"), "html.parser")
    said = " ".join(page.get_text(" ").split())
    words = {"freireich-6mp": ["relapse", "in remission"], "tablets-three-arms": ["HbA1c", "week 24"]}
    for cut, own in words.items():
        if report.name.startswith(cut):
            assert [word for word in own if word.casefold() not in said.casefold()] == []


@pytest.fixture(scope="module")
def value(published):
    """``value("freireich-6mp", "log", "chisq")``: of the results whose id holds the first word, those of a statistic."""

    def found(cut: str, id: str, statistic: str) -> list[float]:
        rows = read_rows(published(cut) / "results.json")
        return [
            r.value for r in rows if id in r.result_id and r.statistic == statistic and r.value is not None
        ]

    return found


def test_the_report_of_1963_holds_the_published_numbers(value):
    """Log-rank 16.79; hazard ratio exp(-1.5721), 6-mercaptopurine over placebo."""
    assert "16.79" in {f"{x:.2f}" for x in value("freireich-6mp", "logrank", "chisq")}
    assert "0.208" in {f"{x:.3f}" for x in value("freireich-6mp", "cox", "hazard_ratio")}


class TestTheWords:
    """What the list finds, and what it lets pass."""

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "Liver injury",
                "hepatic",
                "24 hours after an infusion",
                "infused",
                "10⁶ cells/kg",
                "a stem cell",
                "Child-Pugh",
            ),
            *("transplant-free", "decompensation", "ascites", "MELD-Na", "mg/kg", "mg per kg"),
        ],
    )
    def test_found(self, text):
        assert foreign(text)

    @pytest.mark.parametrize("text", ["delivered", "cancelled", "Excel", "system", "in kg", "diffusion"])
    def test_passed(self, text):
        assert foreign(text) == []
