"""The public report of the final demonstration data: what a journal would print, and nobody in it."""

import json
import re
import zipfile
from dataclasses import replace

import pytest

from esld.data.cutfile import ALL, Disclosure, read_cut
from esld.errors import InputError, RunError
from esld.pipeline.disclosed import _pattern, require_nobody, secrets, texts
from esld.pipeline.sections import fitted
from esld.report import disclosure
from esld.report.chapter import Chapter
from esld.report.drawing.figures import new_figure
from esld.report.sections import public_cells
from esld.report.survival import exhibits
from esld.survival import kaplan_meier
from tests.report import in_process
from tests.report.builders import ROOT

CUT = "demo-public"
MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
DAY = re.compile(rf"\b(?:19|20)\d\d-\d\d-\d\d\b|\b\d{{1,2}} (?:{MONTHS}) \d{{4}}\b")


@pytest.fixture(scope="module")
def public(study):
    return study(CUT)


@pytest.fixture(scope="module")
def report(public):
    return in_process.run(public, public.cut.chapters)


@pytest.fixture(scope="module")
def rows(report):
    return {
        row.result_id: row for own in report.chapters.values() for row in in_process.rows_handed_over(own)
    }


@pytest.fixture(scope="module")
def record():
    """What the unblinded report of the same data gives."""
    records = json.loads((ROOT / "outputs" / "demo-final" / "results.json").read_text(encoding="utf-8"))
    return {own["result_id"]: own for own in records}


@pytest.mark.always
def test_every_chapter_is_made_and_holds_no_nonsense(report):
    assert report.failed == []
    assert in_process.nonsense(report) == []
    assert "07_patients" not in report.shown


def test_no_text_tells_of_anybody(report, public):
    found = {kind: _pattern(words) for kind, words in secrets(public).items()}
    assert all(found.values())
    for chapter, text in report.texts():
        for kind, pattern in found.items():
            assert not pattern.search(text), (chapter, kind, text)
        assert not set(DAY.findall(text)) - {public.cut.cutoff}, (chapter, text)


def test_every_number_that_is_shown_was_handed_over(report, rows):
    shown = {
        id
        for items in report.shown.values()
        for item in items
        for id in re.findall(r'data-result="([^"]+)"', getattr(item, "html", ""))
    }
    assert len(shown) > 50
    assert shown <= set(rows)


def test_the_outcomes_are_those_of_the_unblinded_report(rows, record):
    exact = [
        row
        for row in rows.values()
        if disclosure.is_exact(row) and row.result_id in record and row.chapter != "08_summary"
    ]
    same = ("value", "lower", "upper", "n", "events", "arm", "statistic")
    for row in exact:
        assert {name: row.to_record()[name] for name in same} == {
            name: record[row.result_id][name] for name in same
        }
    kept = {(row.chapter, row.statistic) for row in exact}
    assert {
        ("03_survival", "dead"),
        ("03_survival", "survival_difference"),
        ("05_events", "patients"),
        ("06_safety", "serious"),
    } <= kept
    assert {
        ("03_survival", "proportion"),
        ("06_safety", "died"),
        ("00_data_cut", "randomised"),
        ("05_events", "incidence"),
    } <= kept


def test_every_kept_id_is_that_of_the_unblinded_report(rows, record):
    merged = [id for id in rows if id not in record]
    assert {id for id in merged if "other_terms" not in id} == {
        "baseline.all.cpclass_count_a_b",
        "baseline.all.ascites_count_0_1",
    }


def test_the_rest_is_rounded_and_no_category_is_small(rows, record):
    of_patients = [id for id, row in rows.items() if row.chapter != "09_design"]  # there of simulated trials
    assert not any(re.search(r"\.(min|max|\w*std_err)\b|_(min|max)$|missing$", id) for id in of_patients)
    for row in rows.values():
        if " count " in row.statistic:
            assert row.arm == ALL  # of 11 patients no category could be told by group
            assert row.value % 5 == 0
            assert row.value >= 5
        if row.statistic.startswith("AGE "):
            assert row.value % 5 == 0
    changed = [row for row in rows.values() if row.statistic in ("mean", "ls_mean")]
    assert all(
        record[row.result_id]["value"] != row.value for row in changed if record[row.result_id]["value"] % 1
    )


def test_nothing_of_survival_tells_an_age(rows, public):
    """Of a model that is adjusted for age, whoever knew all ages but one would find that one: nothing depends on any of them."""
    assert any(plan.covariates for plan in public.protocol.analyses if plan.chapter == "03_survival")
    moved = replace(public, adsl=public.adsl.assign(AGE=public.adsl["AGE"].to_numpy()[::-1]))
    found = in_process.handed_over(moved, "03_survival", {"none, so that every cell is run"})
    assert found == {id: row for id, row in rows.items() if row.chapter == "03_survival"}


def test_rare_terms_have_no_name(report, public, rows):
    patients = public.adae[public.adae["TRTEMFL"].eq("Y")].groupby("AEDECOD")["USUBJID"].nunique()
    rare, often = patients[patients < 5].index, patients[patients >= 5].index
    told = " ".join(row.statistic for row in rows.values() if row.chapter == "06_safety")
    assert len(rare) > 5
    assert all(term in told for term in often)
    assert not any(term in told for term in rare)
    said = " ".join(text for chapter, text in report.texts() if chapter == "06_safety")
    assert not any(term in said for term in rare if term not in ("Hepatic failure",))


def test_a_chapter_that_says_nothing_of_the_public_is_refused(public):
    with pytest.raises(InputError, match="07_patients must say which of its cells are public"):
        fitted(in_process.source_of("07_patients"), public)


def test_a_plain_table_or_figure_is_refused(public, tmp_path):
    chapter = Chapter("99_mine", public, tmp_path)
    with pytest.raises(InputError, match=r"chapter\.table must be made of results"):
        chapter.table(public.adsl, id="mine", title="Mine")
    with pytest.raises(InputError, match=r"chapter\.figure must be made of results"):
        chapter.figure(new_figure(2), id="mine", title="Mine", alt="Mine")


def test_a_cell_that_is_not_declared_is_not_there(public):
    cells = in_process.source_of("06_safety").notebook.cells
    kept = "\n".join(cell.source for cell in public_cells(cells))
    for word in (
        "death_table",
        "lot_table",
        "case_table",
        "deviations",
        "edish_figure",
        "dot_figure",
        "### Laboratory values",
    ):
        assert word in "\n".join(cell.source for cell in cells)
        assert word not in re.sub(r"(?s)from .*?import .*?\n\)?", "", kept)


def test_a_curve_is_known_at_its_points_alone():
    curve = kaplan_meier([17, 101, 200, 230, 400, 410], [1, 1, 0, 1, 0, 0])
    moved = kaplan_meier([80, 93, 250, 180, 400, 410], [1, 1, 0, 1, 0, 0])
    days = disclosure.points(365, 90)
    drawn = exhibits._at(curve, days)
    assert drawn.times.tolist() == days.tolist()
    assert drawn.survival.tolist() == curve.at(days)["survival"].tolist()
    assert drawn.n_event.sum() == 3
    assert drawn.counts([365])["censored"].item() == 1
    other = exhibits._at(kaplan_meier([80, 93, 250, 230, 400, 410], [1, 1, 0, 1, 0, 0]), days)
    assert drawn.step()["time"].tolist() == other.step()["time"].tolist()
    assert drawn.step()["time"].tolist() != exhibits._at(moved, days).step()["time"].tolist()


def cut_file(tmp_path, **changes):
    text = (ROOT / "params" / f"{CUT}.yaml").read_text(encoding="utf-8")
    for old, new in changes.items():
        text = (
            text.replace(f"{old}:", new, 1)
            if new.endswith(":")
            else re.sub(rf"^{old}: .*$", new, text, flags=re.MULTILINE)
        )
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_only_what_is_final_is_public(tmp_path):
    with pytest.raises(InputError, match="'status' must be final in a public cut"):
        read_cut(cut_file(tmp_path, status="status: draft"))


def test_the_rule_belongs_to_the_public_view_and_has_a_default(tmp_path):
    with pytest.raises(InputError, match="must come with 'view: public'"):
        read_cut(cut_file(tmp_path, view="view: unblinded"))
    assert read_cut(cut_file(tmp_path, disclosure="")).cut.published == Disclosure()
    with pytest.raises(InputError, match="round_to"):
        read_cut(cut_file(tmp_path, disclosure="disclosure: {round_to: 1}"))


@pytest.mark.parametrize(
    "text", ["NCT06167473-003", "on 10 April 2024", "2024-04-10", "fever after infusion"]
)
@pytest.mark.parametrize("name", ["page.html", "figures/a.svg", "report.docx"])
def test_the_last_look_finds_anybody_in_any_file(tmp_path, public, name, text):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if name.endswith("docx"):
        with zipfile.ZipFile(path, "w") as parts:
            parts.writestr("word/document.xml", f"<w:t>{text}</w:t>")
    else:
        path.write_text(f"<p title='{text}'>2 of 11</p>", encoding="utf-8")
    with pytest.raises(RunError, match=f"must name nobody: {name}.* holds"):
        require_nobody(tmp_path, public)
    blinded = replace(
        public, file=replace(public.file, cut=public.cut.model_copy(update={"view": "unblinded"}))
    )
    require_nobody(tmp_path, blinded)


@pytest.mark.slow
def test_no_byte_of_the_published_report_tells_of_anybody(published, public):
    folder = published(CUT)
    require_nobody(folder, public)
    own = {public.cut.cutoff, public.cut.snapshot}
    for name, text in texts(folder):
        if name not in ("run.json", "report.docx/docProps/core.xml"):
            assert not set(DAY.findall(text)) - own, name
    assert not (folder / "07_patients.html").exists()
    inputs = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))["inputs"]
    assert [name for name in inputs if "demo" in name and "params" not in name] == ["example:demo, public"]
