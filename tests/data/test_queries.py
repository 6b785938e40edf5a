"""Data queries: each rule finds its fault, names the record, and is silent on clean data."""

import pandas as pd
import pytest

from esld.data import queries
from esld.data.adam import derive_adlb, derive_adsl
from esld.data.queries import Evidence, find_queries
from esld.data.sdtm import Tables, validate
from esld.data.study import load_study, read_cut
from tests.data.small_trial import PROTOCOL, ROOT, ds, event, lb, patient, rs, trial

CUTOFF = pd.Timestamp("2026-12-31")
DAY_1 = pd.Timestamp("2025-01-11")
DEATH = "death missing in a form"


def on(day: int) -> str:
    return f"{DAY_1 + pd.Timedelta(days=day - (day > 0)):%Y-%m-%d}"


def visit(day: int, label: str | None, code: str = "ALT", value: str = "30", **others: str | None) -> dict:
    return lb("S", code, value, on(day), VISIT=label, **others)


def clean() -> Tables:
    """A patient who dies, one who lives, one who fails screening: no form contradicts another."""
    return trial(
        patient("S", died="2025-12-01"),
        patient("T", arm="MEDHIGH"),
        patient("F", randomised=None, AGE="17"),
        DS=[ds("F", "SCREEN FAILURE", "2025-01-20"), ds("T", "COMPLETED", "2026-02-01")],
        LB=[
            visit(-14, "SCREENING"),
            visit(1, "DAY 1"),
            visit(6, "WEEK 1"),  # days 6 to 10 are allowed
            visit(34, "WEEK 4"),
            visit(40, "UNSCHEDULED"),
            visit(50, "WEEK 8"),
            visit(50, "WEEK 8", value="31"),
            visit(55, "WEEK 8", code="WBC", value="5", LBORRESU="10^9/L"),
            visit(55, "WEEK 8", code="HBSAG", value="阴性"),
            visit(200, "WEEK 24", LBORRES=None, LBSTAT="NOT DONE", LBORRESU=None),
        ],
        RS=[rs("S", "ASCITES", "2", on(6), VISIT="WEEK 1"), rs("S", "ASCDIUR", "1", on(6), VISIT="WEEK 1")],
        VS=[event("VS", "T", on(1), VSTESTCD="WEIGHT", VSORRES="70", VSORRESU="kg")],
        AE=[
            event("AE", "S", "2025-11-20", AETERM="x", AEDECOD="x", AEOUT="FATAL", AEENDTC="2025-12-01"),
            event("AE", "T", "2025-11-20", AETERM="x", AEDECOD="x", AEOUT="RECOVERED", AEENDTC="2026-01-01"),
        ],
        PR=[event("PR", "T", "2025-06-01", PRDECOD="LIVER TRANSPLANTATION")],
        CM=[event("CM", "S", "2020", CMTRT="x") | {"CMENDTC": "2025-12"}],
        MH=[event("MH", "S", "2030", MHTERM="x")],
    )


def found(tables: Tables, protocol=PROTOCOL) -> pd.DataFrame:
    validate(tables, protocol)  # a fault that the export is refused for is no query
    adsl = derive_adsl(tables, protocol, CUTOFF)
    return find_queries(Evidence(tables, adsl, derive_adlb(tables, adsl, protocol), protocol))


def changed(name: str, where: dict[str, str], **values: str | None) -> Tables:
    """The clean trial with one record changed."""
    tables = clean()
    chosen = pd.Series(True, tables[name].index)
    for column, value in where.items():
        chosen &= tables[name][column].eq(value)
    assert chosen.sum() == 1
    for column, value in values.items():
        tables[name].loc[chosen, column] = value
    return tables


def with_more(name: str, *rows: dict) -> Tables:
    """The clean trial with further records, numbered on."""
    tables = clean()
    sequence = f"{name}SEQ"
    for row in rows:
        number = str(tables[name]["USUBJID"].eq(row["USUBJID"]).sum() + 1)
        full = pd.DataFrame([{sequence: number} | row], dtype=object)
        tables[name] = pd.concat([tables[name], full], ignore_index=True).astype(object)
        tables[name] = tables[name].where(tables[name].notna(), None)
        tables[name].attrs = {"file": f"{name.lower()}.csv"}
    return tables


S = {"USUBJID": "S"}
T = {"USUBJID": "T"}

# rule, severity, tables with one fault, subject, record, words of the message
SEEDED = {
    "DS gives another day of death": (
        "death dates disagree", "critical",
        lambda: changed("DS", S | {"DSDECOD": "DEATH"}, DSSTDTC="2025-12-02"),
        "S", "DM / DS 3 / AE 1", "(DM: 2025-12-01, DS 3: 2025-12-02, AE 1: 2025-12-01)",
    ),
    "a partial date that cannot mean that day": (
        "death dates disagree", "critical",
        lambda: changed("DS", S | {"DSDECOD": "DEATH"}, DSSTDTC="2025-11"),
        "S", "DM / DS 3 / AE 1", "different days of death",
    ),
    "death in DM alone": (
        DEATH, "critical",
        lambda: changed("DM", T, DTHFL="Y", DTHDTC="2026-03-01"),
        "T", "DS", "Death is recorded in DM but not in DS.",
    ),
    "death not in DM": (
        DEATH, "critical",
        lambda: changed("DM", S, DTHFL=None, DTHDTC=None),
        "S", "DM", "Death is recorded in AE, DS but not in DM.",
    ),
    "a visit after death": (
        "record after death", "critical",
        lambda: with_more("LB", lb("S", "ALT", "30", "2025-12-02")),
        "S", "LB 11", "LBDTC is 2025-12-02, after the patient's death.",
    ),
    "an event that ends after death": (
        "record after death", "critical",
        lambda: changed("CM", S, CMENDTC="2026"),
        "S", "CM 1", "CMENDTC is 2026, after the patient's death.",
    ),
    "a transplant before randomisation": (
        "milestones in the wrong order", "critical",
        lambda: changed("PR", T, PRSTDTC="2025-01-09"),
        "T", "PR", "Liver transplantation on 2025-01-09 is before randomisation.",
    ),
    "an infusion before randomisation": (
        "milestones in the wrong order", "critical",
        lambda: changed("EX", T, EXSTDTC="2025-01-09", EXENDTC="2025-01-09"),
        "T", "EX", "First infusion on 2025-01-09 is before randomisation.",
    ),
    "consent after randomisation": (
        "milestones in the wrong order", "critical",
        lambda: changed("DM", T, RFICDTC="2025-01-12"),
        "T", "DM", "Consent on 2025-01-12 is after randomisation on 2025-01-10.",
    ),
    "too young": (
        "age outside the protocol", "major",
        lambda: changed("DM", T, AGE="17"),
        "T", "DM", "AGE is 17; criterion IN01 says: 18-80 years old.",
    ),
    "too old": (
        "age outside the protocol", "major",
        lambda: changed("DM", T, AGE="81"),
        "T", "DM", "AGE is 81; criterion IN01",
    ),
    "week 1 too early": (
        "visit outside its allowed window", "minor",
        lambda: with_more("LB", visit(5, "WEEK 1")),
        "S", "LB 11", "WEEK 1 took place on day 5; the protocol allows days 6 to 10.",
    ),
    "week 1 too late, in any case of letters": (
        "visit outside its allowed window", "minor",
        lambda: with_more("VS", event("VS", "S", on(11), VSTESTCD="TEMP", VISIT="Week 1")),
        "S", "VS 1", "Week 1 took place on day 11; the protocol allows days 6 to 10.",
    ),
    "a baseline of long ago": (
        "visit outside its allowed window", "minor",
        lambda: with_more("LB", lb("T", "ALT", "30", on(-15))),
        "T", "LB 1", "The baseline value of ALT is of day -15; the protocol allows days -14 to 1.",
    ),
    "a decimal point lost": (
        "implausible value", "major",
        lambda: with_more("LB", visit(6, "WEEK 1", code="INR", value="18")),
        "S", "LB 11", "International normalized ratio (ratio) is 18; plausible is 0.7 to 15.",
    ),
    "a unit mistaken": (
        "implausible value", "major",
        lambda: with_more("LB", visit(6, "WEEK 1", code="ALB", value="35", LBORRESU="g/dL")),
        "S", "LB 11", "Serum albumin (g/L) is 350; plausible is 10 to 60.",
    ),
    "no day": (
        "day of a measurement missing", "major",
        lambda: with_more("LB", lb("S", "ALT", "30", "2025-02")),
        "S", "LB 11", "The date of ALT names no day",
    ),
    "no unit": (
        "unit missing or unknown", "major",
        lambda: with_more("LB", visit(6, "WEEK 1", code="HGB", value="100")),
        "S", "LB 11", "HGB has no unit.",
    ),
    "an unknown unit": (
        "unit missing or unknown", "major",
        lambda: with_more("LB", visit(6, "WEEK 1", code="HGB", value="100", LBORRESU="odd")),
        "S", "LB 11", "HGB has the unit 'odd', which is not known.",
    ),
    "a record twice": (
        "duplicate record", "major",
        lambda: with_more("LB", clean()["LB"].iloc[1].drop("LBSEQ").to_dict()),
        "S", "LB 11", "The record stands twice, word for word.",
    ),
    "a number twice": (
        "duplicate record", "major",
        lambda: with_more("LB", visit(6, "WEEK 1", code="AST") | {"LBSEQ": "3"}),
        "S", "LB 3", "LBSEQ is used twice for this subject.",
    ),
    "the other arm": (
        "treated otherwise than randomised", "critical",
        lambda: changed("DM", T, ACTARMCD="LOW"),
        "T", "DM", "Randomised to Medium-high dose, treated as Low dose.",
    ),
    "no actual arm": (
        "treated otherwise than randomised", "critical",
        lambda: changed("DM", T, ACTARMCD=None),
        "T", "DM", "Infused, but DM names no actual arm.",
    ),
    "too high a dose": (
        "treated otherwise than randomised", "critical",
        lambda: changed("EX", S, EXDOSE="3"),
        "S", "EX 1", "Dose 3 10^6 cells/kg is above the arm's.",
    ),
}  # fmt: skip


def test_clean_data_raises_no_query():
    assert found(clean()).to_dict("records") == []


@pytest.mark.parametrize("name", SEEDED)
def test_a_seeded_fault_raises_its_query_and_no_other(name):
    rule, severity, tables, subject, record, words = SEEDED[name]
    (query,) = found(tables()).to_dict("records")
    assert [query[c] for c in ("USUBJID", "record", "rule", "severity")] == [subject, record, rule, severity]
    assert words in query["message"]


def test_every_rule_has_a_seeded_fault_of_its_severity():
    seeded = {rule: severity for rule, severity, *_ in SEEDED.values()}
    seeded["visits in the wrong order"] = "major"  # the next test: no such visit is within its window
    assert seeded == {rule: severity for rule, (severity, _) in queries._RULES.items()}


def test_week_8_before_week_4():
    result = found(with_more("LB", visit(33, "WEEK 8", code="AST")))
    order, window = result.to_dict("records")
    assert [order[c] for c in ("rule", "severity", "record")] == [
        "visits in the wrong order",
        "major",
        "LB 11",
    ]
    assert order["message"] == "Week 8 on 2025-02-12 is dated before Week 4 on 2025-02-13."
    assert window["rule"] == "visit outside its allowed window"


def test_infused_without_randomisation():
    dose = {"USUBJID": "F", "EXTRT": "x", "EXDOSE": "1", "EXDOSU": "10^6 cells/kg", "EXSTDTC": "2025-01-11"}
    messages = found(with_more("EX", dose))["message"].tolist()
    assert messages == ["Infused, but DM names no actual arm.", "Infused, but not randomised."]


def test_a_death_before_randomisation_is_asked_about():
    tables = trial(patient("S", died="2025-01-05", infused=()))
    assert "Death on 2025-01-05 is before randomisation." in found(tables)["message"].tolist()


@pytest.mark.parametrize("forms", [("2025-12", "2025-12-01"), ("2025", "2025-12-31"), ("2025-12", "2025")])
def test_partial_dates_that_can_mean_one_day_agree(forms):
    tables = changed("DS", S | {"DSDECOD": "DEATH"}, DSSTDTC=forms[0])
    tables["DM"].loc[tables["DM"]["USUBJID"].eq("S"), "DTHDTC"] = forms[1]
    tables["AE"].loc[tables["AE"]["USUBJID"].eq("S"), "AEENDTC"] = None
    assert found(tables).empty


def test_a_record_in_the_month_of_death_may_be_before_it():
    tables = trial(patient("S", died="2025-12"), LB=[lb("S", "ALT", "30", "2025-12-31")])
    assert found(tables).empty


def test_one_query_a_visit_however_many_forms():
    rows = [visit(5, "WEEK 1", code=code) for code in ("ALT", "AST")]
    tables = with_more("LB", *rows)
    tables["RS"] = with_more("RS", rs("S", "WHAVEN", "0", on(5), VISIT="Week 1"))["RS"]
    assert found(tables)["record"].tolist() == ["LB 11"]


def test_a_visit_at_which_nothing_was_done_did_not_take_place():
    row = visit(5, "WEEK 1", LBORRES=None, LBORRESU=None, LBSTAT="NOT DONE")
    assert found(with_more("LB", row)).empty


def test_windows_are_those_of_the_protocol_for_subjects_never_infused_too():
    rows = [lb("S", "ALT", "30", f"2025-01-{day}", VISIT="WEEK 1") for day in ("14", "15", "19", "20")]
    tables = trial(patient("S", infused=()), LB=rows)  # day 1 is the 10th: days 6 to 10 are the 15th to 19th
    assert found(tables)["record"].tolist() == ["LB 1", "LB 4"]


def test_a_trial_without_optional_domains():
    kept = ("DM", "DS")
    protocol = PROTOCOL.model_copy(update={"domains": kept, "parameters": (), "endpoints": ()})
    tables = {name: table for name, table in clean().items() if name in kept}
    assert found(tables, protocol).empty


def test_the_most_severe_come_first_and_the_order_is_fixed():
    tables = changed("DM", T, AGE="17", ACTARMCD="LOW")
    tables["LB"] = with_more(
        "LB", visit(5, "WEEK 1"), visit(11, "WEEK 1"), visit(6, "WEEK 1", code="INR", value="99")
    )["LB"]
    shuffled = {name: table.iloc[::-1] for name, table in tables.items()}
    result = found(tables)
    assert result["severity"].tolist() == ["critical", "major", "major", "minor", "minor"]
    pd.testing.assert_frame_equal(found(shuffled), result)
    assert list(result.columns) == list(queries.COLUMNS)


def test_the_evidence_is_not_modified():
    tables = changed("DM", T, AGE="17")
    before = {name: table.copy(deep=True) for name, table in tables.items()}
    found(tables)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, before[name])


def test_the_demonstration_trial_raises_the_planted_ones():
    # as its README lists them: a death date, a doubled record, five visits off target
    study = load_study(read_cut(ROOT / "params" / "demo-final.yaml"))
    rules = study.queries.groupby("rule")["USUBJID"].agg(lambda ids: sorted(i[-3:] for i in ids)).to_dict()
    assert rules.pop("death dates disagree") == ["021"]
    assert rules.pop("duplicate record") == ["005"]
    assert set(rules) == {"visit outside its allowed window"}
    assert "001" in rules["visit outside its allowed window"]
