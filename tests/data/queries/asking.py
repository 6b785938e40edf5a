"""A trial of three patients in which nothing contradicts, ways to change it, and what is then asked."""

import pandas as pd

from esld.data.adam import derive_adlb, derive_adsl
from esld.data.intake import numbering
from esld.data.queries import Evidence, find_queries, unscored
from esld.data.sdtm import Tables, validate
from esld.data.standard import standardise
from tests.data.small_trial import PROTOCOL, ds, event, lb, patient, rs, trial

CUTOFF = pd.Timestamp("2026-12-31")
DAY_1 = pd.Timestamp("2025-01-11")


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
        CM=[event("CM", "S", "2020", CMTRT="x", CMDECOD="x") | {"CMENDTC": "2025-12"}],
        MH=[event("MH", "S", "2030", MHTERM="x")],
    )


def found(
    tables: Tables,
    protocol=PROTOCOL,
    aside: pd.DataFrame | None = None,
    *,
    cutoff: pd.Timestamp | None = None,
    before: Tables | None = None,
) -> pd.DataFrame:
    """The queries of tables without a fault: what an export is refused for is no query."""
    return asked(tables, protocol, aside, cutoff=cutoff, before=before, sound=True)


def asked(
    tables: Tables,
    protocol=PROTOCOL,
    aside: pd.DataFrame | None = None,
    *,
    cutoff: pd.Timestamp | None = None,
    before: Tables | None = None,
    sound: bool = False,
) -> pd.DataFrame:
    """The queries, whatever the tables hold, or only if they are `sound`; of what is overdue with a `cutoff`.

    And with the tables of the cut `before`, of what it held and these do not.
    """
    made = standardise(tables, protocol)
    if sound:
        validate(made.tables, protocol)
    tables, aside = made.tables, made.aside if aside is None else aside
    adsl = derive_adsl(tables, protocol, CUTOFF)
    adlb = derive_adlb(tables, adsl, unscored(protocol))
    numbers = numbering(made.tables, made.aside)
    earlier = standardise(before, protocol).tables if before else {}
    return find_queries(
        Evidence(tables, adsl, adlb, protocol, aside, cutoff=cutoff, numbering=numbers, before=earlier)
    )


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
