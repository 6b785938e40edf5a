"""Early cuts of the demonstration trial through the pipeline to whole reports: pages, Word file, record."""

import re

import docx
import pytest
from bs4 import BeautifulSoup

from esld.data.cutfile import read_cut
from esld.pipeline.how import How
from esld.pipeline.run import run_cut
from tests.report.builders import ROOT

NONSENSE = re.compile(r"\bnan\b|NaN|NE \(NE\)|\b0 of 0\b|\b1 (?:patients|days|events)\b|Traceback")
DAYS = ("2024-01-15", "2024-01-16", "2024-02-10", "2024-04-03")


def report_of(tmp_path, day, view):
    """The published folder of a cut at that day."""
    params = tmp_path / "params"
    (params / "protocols").mkdir(parents=True)
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    name = "nct06167473.yaml"
    (params / "protocols" / name).write_bytes((ROOT / "params" / "protocols" / name).read_bytes())
    text = (ROOT / "params" / "demo-interim.yaml").read_text(encoding="utf-8")
    text = text.replace("2025-06-30", day).replace("view: unblinded", f"view: {view}")
    (params / "early.yaml").write_text(text, encoding="utf-8")
    file = read_cut(params / "early.yaml")
    run_cut(file, How(tmp_path / "outputs"))
    return tmp_path / "outputs" / "early"


def check(folder):
    pages = [path for path in folder.glob("*.html") if path.name != "report.html"]
    chapters = {f"{path.stem}.html" for path in (folder / "notebooks").glob("*.ipynb")}
    assert {"index.html", "03_survival.html", *chapters} <= {path.name for path in pages}
    for page in (
        path for path in pages if not path.name.endswith(".records.html")
    ):  # there a unit has its own column
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        for code in soup.select("pre, script, style"):
            code.decompose()
        found = NONSENSE.search(soup.get_text(" ", strip=True))
        assert not found, f"{page.name}: {found}"
    word = docx.Document(str(folder / "report.docx"))
    texts = [p.text for p in word.paragraphs]
    texts += [cell.text for table in word.tables for row in table.rows for cell in row.cells]
    assert not [text for text in texts if NONSENSE.search(text)]


@pytest.mark.slow
@pytest.mark.parametrize("view", ["unblinded", "masked", "blinded"])
@pytest.mark.parametrize("day", DAYS)
def test_a_whole_report(tmp_path, day, view):
    check(report_of(tmp_path, day, view))
