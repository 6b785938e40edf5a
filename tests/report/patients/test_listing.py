"""A line a patient: what a cell says is what its row says, and what is not known is empty."""

import pandas as pd
import pytest

from esld.reasons import Why, because
from esld.report import numbers
from esld.report.patients import courses as patients
from esld.report.patients.listing import listing_rows, listing_table
from esld.report.results import rows_of
from esld.report.words.catalogue import Reader, read_by
from tests.report.builders import HIGH, LABELS, LOW, TERMS, cells, study_of
from tests.report.patients.test_courses import EX, one, trial

CODES = ["MELD", "CPSCORE"]


def listed(own, codes=CODES, endpoints=()):
    found = patients.courses(own, endpoints)
    rows = rows_of("patients", listing_rows(own, found, codes), analysis="LISTING", chapter="07")
    return rows, listing_table(own, found, rows, codes)


@pytest.fixture(scope="module")
def demonstration(study):
    own = study("demo-final")
    with read_by(Reader("en", LABELS, TERMS)):
        return (own, *listed(own, endpoints=patients.conditions(own.protocol)))


def test_a_line_a_patient_and_a_block_an_arm(demonstration):
    own, _, table = demonstration
    assert sorted(table.frame["Patient"]) == sorted(own.randomised["SUBJID"])
    arm_of = own.randomised.set_index("SUBJID")["ARMCD"]
    assert [cell.code for cell in table.cells["group"]] == table.frame["Patient"].map(arm_of).tolist()
    assert table.frame["Group"].drop_duplicates().tolist() == [LABELS[arm] for arm in own.arms]


def test_values_are_those_of_adlb(demonstration):
    own, _, table = demonstration
    meld = own.adlb.query("PARAMCD == 'MELD' and ANL01FL == 'Y'")
    frame = table.frame.set_index("Patient")
    for patient in own.randomised.itertuples():
        mine = meld[meld["USUBJID"].eq(patient.USUBJID)].sort_values("ADY")
        line = frame.loc[patient.SUBJID]
        assert line["MELD at baseline"] == numbers.fixed(mine.loc[mine["ABLFL"].eq("Y"), "AVAL"].item(), 0)
        day = (mine["ADT"].iloc[-1] - patient.RANDDT).days
        assert line["MELD last (day)"] == f"{mine['AVAL'].iloc[-1]:.0f} ({day})"
        assert line["Age, sex"] == f"{patient.AGE:.0f} {patient.SEX}"
        assert line["Infusions"].split()[0] == f"{patient.NADMIN:.0f}"


def test_lines_of_the_demonstration(demonstration):
    """Read off the forms by eye: two bleedings of 021, the transplant of 003, the infusion of 016 that was stopped."""
    frame = demonstration[2].frame.set_index("Patient")
    assert frame.loc["021", ["Decompensation", "Serious adverse events", "Outcome (day)"]].tolist() == [
        "Gastrointestinal bleeding (2)",
        "1",
        "Died (247)",
    ]
    assert frame.loc["003", ["Outcome (day)"]].tolist() == ["Transplanted (134)"]
    assert frame.loc["003", "Decompensation"] == "Ascites; hepatic encephalopathy"
    assert frame.loc["027", ["Decompensation", "Serious adverse events"]].tolist() == ["None", "1"]
    assert frame.loc["016", "Infusions"] == "3 (1)"
    assert frame.loc["019", "Infusions"] == "0"
    assert frame.loc["002", "Child-Pugh at baseline"] == "8 (B)"
    assert frame.loc["002", "Decompensation"] == "None"


def test_conditions_have_codes_in_the_results(demonstration):
    _, rows, table = demonstration
    assert rows.row("TTGIB", "021").result_id == "patients.021.ttgib"
    head = table.to_csv().splitlines()[0]
    episodes = ",".join(f'"on_the_way, {code}"' for code in ("TTGIB", "TTASC", "TTHE"))
    assert head.startswith("group,patient,")
    assert episodes in head
    assert '"outcome, outcome","outcome, day"' in head


def test_the_page_shows_the_same_cells(demonstration):
    _, _, table = demonstration
    shown = cells(table)
    assert shown == table.frame[["Group", *[c for c in table.frame if c != "Group"]]].to_numpy().tolist()


def test_what_is_not_known_is_empty_and_has_its_reason():
    given_ = pd.DataFrame([("P-001", "2024-01-01", "1", None)], columns=EX)
    own = study_of(
        [one(1, age=float("nan")), one(2, HIGH)],
        values=[(2, "MELD", 0, 17)],
        trial=trial(),
        tables={"EX": given_},
    )
    rows, table = listed(own)
    first, second = table.frame.to_dict("records")
    assert first["Age, sex"] == "M"
    assert first["MELD at baseline"] == ""
    assert second["MELD at baseline"] == "17"
    lacking = ["Child-Pugh at baseline", "MELD last (day)"]
    assert not {*lacking} & {*table.frame}
    assert f"no column is shown: {' and '.join(lacking)}." in table.footnotes[-1]
    assert rows.row("age", "001").reason == because(Why.NOT_RECORDED, what="age")
    assert rows.row("MELD_last", "002").reason == because(Why.NOTHING_AFTER)
    assert rows.row("transplant_day", "001").value is None


def test_a_death_after_a_transplant_says_both():
    own = study_of(
        [one(1, days=300, dead=True, transplant_day=100)],
        trial=trial(),
        tables={"EX": pd.DataFrame(columns=EX)},
    )
    _, table = listed(own)
    line = table.frame.iloc[0]
    assert line["Outcome (day)"] == "Died, transplanted (300)"


def test_a_trial_without_infusions_or_scores_has_no_such_column(study):
    own = study("mayo-pbc")
    _, table = listed(own, ["BILI", "ALBI"], patients.conditions(own.protocol))
    assert "Infusions" not in table.frame
    assert len(table.frame) == 312
    assert any("only the first counts" in note for note in table.footnotes)
    assert not any("Infusions" in note for note in table.footnotes)


def test_classes_of_child_pugh():
    values = [(n, "CPSCORE", 0, score) for n, score in ((1, 5), (2, 6), (3, 7), (4, 9), (5, 10), (6, 15))]
    own = study_of(
        [one(n) for n in range(1, 7)], values=values, trial=trial(), tables={"EX": pd.DataFrame(columns=EX)}
    )
    _, table = listed(own, ["CPSCORE"])
    said = table.frame["Child-Pugh at baseline"].tolist()
    assert said == ["5 (A)", "6 (A)", "7 (B)", "9 (B)", "10 (C)", "15 (C)"]
    assert set(table.frame["Group"]) == {LABELS[LOW]}
