"""Data queries: each rule finds its fault, names the record, and is silent on clean data."""

from datetime import date, timedelta
from functools import cache

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data import queries, views
from esld.data.cutfile import read_cut
from esld.data.queries.ask import ASIDE, Evidence
from esld.data.sdtm import DOMAINS
from esld.data.standard import OTHER_TREATMENT, standardise
from tests.data.queries.asking import CUTOFF, asked, changed, clean, found, on, visit, with_more
from tests.data.small_trial import KEY, PROTOCOL, ROOT, ds, event, lb, patient, rs, trial
from tests.data.small_trial import table as records_of
from tests.examples import few
from tests.loaded import loaded_once

DEATH = "death missing in a form"
S = {"USUBJID": "S"}
T = {"USUBJID": "T"}


def treated(*records: dict) -> dict[str, pd.DataFrame]:
    """The clean trial with further records of treatment of one patient, on days of visits."""
    usual = clean()["EX"].iloc[0].drop("EXSEQ").to_dict()
    days = zip(records, (34, 50, 6, 40), strict=False)
    return with_more(
        "EX", *(usual | {"EXSTDTC": on(day), "EXENDTC": on(day)} | record for record, day in days)
    )


# rule, severity, tables with one fault, subject, record, words of the message
STANDARD = {"LBSTRESN": "1.2", "LBSTRESU": "umol/L"}


def dose(subject: str, day: int, **cells: str) -> dict:
    """A further infusion as the patient's first."""
    first = clean()["EX"].set_index("USUBJID").loc[subject].drop("EXSEQ")
    return {"USUBJID": subject, **first, "EXSTDTC": on(day), "EXENDTC": on(day)} | cells


def at(day: int) -> dict:
    """What makes a visit of patient T of a day."""
    return event("VS", "T", on(day), VSTESTCD="TEMP", VSORRES="37", VSORRESU="C")


def more_doses(*days: int):
    """The clean trial with further infusions of T, each at a visit."""
    tables = with_more("EX", *(dose("T", day) for day in days))
    return tables | {"VS": with_more("VS", *map(at, days))["VS"]}


def ascites(**cells: str) -> dict:
    """A moderate episode of S around the visit of week 1."""
    return (
        event("CE", "S", on(5), CEDECOD="ASCITES", CETERM="Ascites", CESEV="MODERATE", CEENDTC=on(7)) | cells
    )


def without(name: str, where: dict[str, str]):
    """The clean trial without a record."""
    tables = clean()
    gone = pd.Series(True, tables[name].index)
    for column, value in where.items():
        gone &= tables[name][column].eq(value)
    assert gone.sum() == 1
    attrs, tables[name] = tables[name].attrs, tables[name][~gone].reset_index(drop=True)
    tables[name][f"{name}SEQ"] = (tables[name].groupby("USUBJID").cumcount() + 1).map(str)
    tables[name].attrs = attrs
    return tables


def more_patients(measured: str = "STU"):
    """Three who were followed for two months, and results of some."""
    return trial(
        *map(patient, "STU"),
        LB=[lb(who, "ALT", "30", on(day)) for who in measured for day in (1, 60)],
        VS=[at(1) | {"USUBJID": who} for who in "STU"],
        AE=[
            event("AE", who, on(60), AETERM="x", AEDECOD="x", AEOUT="RECOVERED", AEENDTC=on(60))
            for who in "STU"
        ],
    )


def partly(dm: str, disposition: str):
    """The clean trial with a death that two forms date, each perhaps in part, and no event."""
    tables = changed("DS", S | {"DSDECOD": "DEATH"}, DSSTDTC=disposition)
    tables["DM"].loc[tables["DM"]["USUBJID"].eq("S"), "DTHDTC"] = dm
    tables["AE"].loc[tables["AE"]["USUBJID"].eq("S"), "AEENDTC"] = None
    return tables


def fatal(who: str) -> dict:
    return event("AE", who, "2025-11-20", AETERM="x", AEDECOD="x", AEOUT="FATAL", AEENDTC="2025-12-01")


def coagulation(spoilt: dict[int, tuple[str, str]], isi: float = 1.1) -> list[dict]:
    """PT and INR of one patient on nine days, as one laboratory with a normal PT of 13 s and this ISI gives them."""
    right = {1 + 7 * n: (f"{13 + n}", f"{((13 + n) / 13) ** isi:.2f}") for n in range(9)}
    pairs = (right | spoilt).items()
    return [
        lb("S", code, cell, on(day))
        for day, pair in pairs
        for code, cell in zip(("PT", "INR"), pair, strict=True)
    ]


def visits_of(patients: str, spread: float = 0.03) -> list[dict]:
    """Results of patients every four weeks, each patient's a third higher than those of the one before, a day later."""
    return [
        lb(who, code, f"{level * 1.33**n * (1 + spread * (-1) ** (k + day // 28)):.1f}", on(day + n))
        for n, who in enumerate(patients)
        for day in range(1, 150, 28)
        for k, (code, level) in enumerate({"ALT": 60, "AST": 50, "ALB": 20, "ALP": 90}.items())
    ]


def exchanged(rows: list[dict], one: tuple[str, int], other: tuple[str, int]) -> list[dict]:
    """Results with those of two visits, patient and day, in each other's place."""
    places = [(who, on(day)) for who, day in (one, other)]
    held = {place: [row for row in rows if (row["USUBJID"], row["LBDTC"]) == place] for place in places}
    new = {places[0]: held[places[1]], places[1]: held[places[0]]}
    kept = [row for row in rows if (row["USUBJID"], row["LBDTC"]) not in places]
    return kept + [row | {"USUBJID": who, "LBDTC": day} for (who, day), own in new.items() for row in own]


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
    "the name of another arm": (
        "arm named otherwise than by its code", "critical",
        lambda: changed("DM", T, ARM="LOW"),
        "T", "DM", "ARM is 'LOW', in the protocol file the name of another arm than ARMCD MEDHIGH.",
    ),
    "a death in words": (
        "death in words alone", "critical",
        lambda: changed("DS", T | {"DSDECOD": "COMPLETED"}, DSTERM="Patient died at home"),
        "T", "DS 3", "DSTERM is 'Patient died at home', and no form states a death.",
    ),
    "a grade above the severity of the event": (
        "severity of an event and grade disagree", "major",
        lambda: changed("RS", S | {"RSTESTCD": "ASCITES"}, RSORRES="3") | {"CE": with_more("CE", ascites())["CE"]},
        "S", "CE 1 / RS 1", "CESEV is MODERATE, read as grade 2; while it lasted, RS 1 has ASCITES 3 on 2025-01-16.",
    ),
    "a visit after death": (
        "record after death", "critical",
        lambda: with_more("LB", lb("S", "ALT", "30", "2025-12-02")),
        "S", "LB 11", "LBDTC is 2025-12-02, after the patient's death on 2025-12-01.",
    ),
    "an event that ends after death": (
        "record after death", "critical",
        lambda: changed("CM", S, CMENDTC="2026"),
        "S", "CM 1", "CMENDTC is 2026, after the patient's death on 2025-12-01.",
    ),
    "participation that ends after death": (
        "record after death", "critical",
        lambda: changed("DM", S, RFENDTC="2025-12-09"),
        "S", "DM", "RFENDTC is 2025-12-09, after the patient's death on 2025-12-01.",
    ),
    "a value long after the end of participation": (
        "record after the end of participation", "major",
        lambda: with_more("LB", lb("T", "ALT", "30", "2026-03-10"), lb("T", "ALT", "30", "2026-03-20")),
        "T", "LB 1", "LBDTC is 2026-03-10 (2 records), but participation ended on 2026-02-01: did it go on",
    ),
    "a completed participation without its record": (
        "end of participation not recorded", "major",
        lambda: without("DS", T | {"DSDECOD": "COMPLETED"}),
        "T", "DS", "Last seen alive on 2026-01-01, and no record of DS ends the participation, which was planned to 2026-01-10",
    ),
    "the dose of another arm": (
        "dose below the arm's, and no reason", "critical",
        lambda: changed("EX", T, EXDOSE="1"),
        "T", "EX", "Dose 1 10^6 cells/kg on 2025-01-11 is below the arm's 3, and no reason in EXADJ",
    ),
    "bags that come to more": (
        "treated otherwise than randomised", "critical",
        lambda: with_more("EX", dose("T", 1, EXDOSE="2")),
        "T", "EX", "Dose 5 10^6 cells/kg on 2025-01-11, of 2 records together, is above the arm's.",
    ),
    "one name for two arms": (
        "arm named otherwise than by its code", "critical",
        lambda: clean() | {"DM": clean()["DM"].replace({"ARM": dict.fromkeys(("LOW", "MEDHIGH"), "Group 1")})},
        "T", "DM", "ARM is 'Group 1', elsewhere the name of another arm than ARMCD MEDHIGH.",
    ),
    "a transplant before randomisation": (
        "milestones in the wrong order", "critical",
        lambda: changed("PR", T, PRSTDTC="2025-01-09"),
        "T", "PR", "Liver transplantation on 2025-01-09 is before randomisation.",
    ),
    "an infusion before randomisation": (
        "milestones in the wrong order", "critical",
        lambda: changed("EX", T, EXSTDTC="2025-01-09", EXENDTC="2025-01-09") | {"VS": changed("VS", T, VSDTC="2025-01-09")["VS"]},
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
        "S", "LB 11", "WEEK 1 took place on day 5; the protocol file gives days 6 to 10 (assumed).",
    ),
    "week 1 too late, in any case of letters": (
        "visit outside its allowed window", "minor",
        lambda: with_more("VS", event("VS", "S", on(11), VSTESTCD="TEMP", VISIT="Week 1")),
        "S", "VS 1", "Week 1 took place on day 11; the protocol file gives days 6 to 10 (assumed).",
    ),
    "a baseline of long ago": (
        "visit outside its allowed window", "minor",
        lambda: with_more("LB", lb("T", "ALT", "30", on(-15))),
        "T", "LB 1", "The baseline value of ALT is of day -15; the protocol file gives days -14 to 1.",
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
        "unit missing or unknown", "minor",
        lambda: with_more("LB", visit(6, "WEEK 1", code="HGB", value="100")),
        "S", "LB 11", "1 record of 1 test that no analysis uses: no unit, or one that is not known: HGB (none) (S LB 11).",
    ),
    "an unknown unit": (
        "unit missing or unknown", "minor",
        lambda: with_more("LB", visit(6, "WEEK 1", code="HGB", value="100", LBORRESU="odd")),
        "S", "LB 11", "HGB ('odd')",
    ),
    "a temperature without a unit": (
        "unit missing or unknown", "major",
        lambda: with_more("VS", event("VS", "S", on(6), VSTESTCD="TEMP", VSORRES="37")),
        "S", "VS 1", "Temperature has no unit on 1 record (S VS 1).",
    ),
    "a height in metres, said to be centimetres": (
        "implausible value", "major",
        lambda: with_more("VS", event("VS", "S", on(6), VSTESTCD="HEIGHT", VSORRES="1.71", VSORRESU="cm")),
        "S", "VS 1", "Height is 1.71 cm; plausible is 100 to 230 cm. It would be in m.",
    ),
    "ten times the weight": (
        "implausible value", "major",
        lambda: changed("VS", T, VSORRES="700"),
        "T", "VS 1", "Weight is 700 kg; plausible is 25 to 300 kg.",
    ),
    "a temperature in Fahrenheit, said to be Celsius": (
        "implausible value", "major",
        lambda: with_more("VS", event("VS", "S", on(6), VSTESTCD="TEMP", VSORRES="98.6", VSORRESU="C")),
        "S", "VS 1", "Temperature is 98.6 C; plausible is 32 to 43 °C. It would be in °F.",
    ),
    "a vital sign that is no number": (
        "implausible value", "major",
        lambda: with_more("VS", event("VS", "S", on(6), VSTESTCD="TEMP", VSORRES="37,2", VSORRESU="C")),
        "S", "VS 1", "Temperature is '37,2', which is no number.",
    ),
    "a standard result in another unit than it says": (
        "original and standard result disagree", "major",
        lambda: with_more("LB", visit(6, "WEEK 1", code="BILI", value="1.2", LBORRESU="mg/dL", **STANDARD)),
        "S", "LB 11", "BILI: LBORRES 1.2 mg/dL is not LBSTRESN 1.2 umol/L on 1 of 1 record that have both (S LB 11).",
    ),
    "a weight that its standard result is not": (
        "original and standard result disagree", "major",
        lambda: changed("VS", T, VSSTRESN="70", VSSTRESU="kg", VSORRES="71", VSORRESU="kg"),
        "T", "VS 1", "WEIGHT: VSORRES 71 kg is not VSSTRESN 70 kg on 1 of",
    ),
    "a grade that its standard result is not": (
        "original and standard result disagree", "major",
        lambda: with_more("RS", rs("S", "WHAVEN", "2", on(6), VISIT="Week 1", RSSTRESN="3")),
        "S", "RS 3", "WHAVEN: RSORRES 2 is not RSSTRESN 3 on 1 of 1 record that have both",
    ),
    "limits in each other's place": (
        "limits of normal swapped", "major",
        lambda: with_more("LB", visit(6, "WEEK 1", code="AST", LBORNRLO="40", LBORNRHI="9")),
        "S", "LB 11", "AST: LBORNRLO 40 is above LBORNRHI 9 on 1 of 1 record (S LB 11).",
    ),
    "limits in each other's place, of a test that nothing uses": (
        "limits of normal swapped", "minor",
        lambda: with_more("LB", visit(6, "WEEK 1", code="WBC", value="5", LBORRESU="10^9/L", LBORNRLO="10", LBORNRHI="4")),
        "S", "LB 11", "1 record of 1 test that no analysis uses: LBORNRLO is above LBORNRHI (S LB 11).",
    ),
    "no specimen, where others have one": (
        "specimen not stated", "major",
        lambda: with_more("LB", visit(6, "WEEK 1", code="AST", LBSPEC="SERUM"), visit(34, "WEEK 4", code="AST")),
        "S", "LB 12", "AST: LBSPEC is empty on 1 of 2 records; analysed as the specimen of the protocol file (S LB 12).",
    ),
    "a category of several specimens": (
        "specimen not stated", "major",
        lambda: with_more("LB", visit(6, "WEEK 1", code="AST", LBCAT="Chemistry and urinalysis")),
        "S", "LB 11", "AST: LBCAT 'Chemistry and urinalysis' may mean another specimen, and LBSPEC is empty on 1 record",
    ),
    "a visit that the protocol does not have": (
        "visit unknown to the protocol", "minor",
        lambda: with_more("LB", visit(6, "Week 2", code="AST")),
        "S", "LB 11", "'Week 2' is no visit of the protocol file: 1 record of LB (S LB 11).",
    ),
    "an infusion on a day of no visit": (
        "dose on a day without a visit", "minor",
        lambda: with_more("EX", {**clean()["EX"].iloc[0].drop("EXSEQ"), "EXSTDTC": on(35), "EXENDTC": on(35)}),
        "S", "EX 2", f"No visit is recorded on {on(35)}, the day of an infusion.",
    ),
    "an infusion that ends before it begins, by the clock": (
        "end before start", "major",
        lambda: changed("EX", S, EXSTDTC=f"{on(1)}T10:30", EXENDTC=f"{on(1)}T09:45:00"),
        "S", "EX 1", f"EXENDTC {on(1)}T09:45:00 is before EXSTDTC {on(1)}T10:30.",
    ),
    "a serious criterion of an event that is not serious": (
        "seriousness and its criteria disagree", "major",
        lambda: changed("AE", T, AESHOSP="Y", AESER="N"),
        "T", "AE 1", "AESHOSP is Y, but AESER is N.",
    ),
    "a serious criterion, and nothing said of seriousness": (
        "seriousness and its criteria disagree", "major",
        lambda: changed("AE", T, AESMIE="Y"),
        "T", "AE 1", "AESMIE is Y, but AESER is empty.",
    ),
    "a serious event without a criterion": (
        "seriousness and its criteria disagree", "major",
        lambda: changed("AE", T, AESHOSP="N", AESLIFE="N", AESER="Y"),
        "T", "AE 1", "AESER is Y, but none of AESLIFE, AESHOSP is.",
    ),
    "an event of grade 5 that is over": (
        "fatal in one variable and not in another", "major",
        lambda: changed("AE", S, AEOUT="RECOVERED", AETOXGR="5"),
        "S", "AE 1", "AETOXGR is 5, but AEOUT RECOVERED/RESOLVED.",
    ),
    "an event twice in other spelling": (
        "event recorded twice", "major",
        lambda: with_more("AE", event("AE", "T", "2025-11-20", AETERM="X.", AEDECOD="y")),
        "T", "AE 2", "'X.' of 2025-11-20 seems to be 'x', AE 1.",
    ),
    "an event twice under one code": (
        "event recorded twice", "major",
        lambda: with_more("AE", event("AE", "T", "2025-11-20", AETERM="发热", AEDECOD="Ｘ")),
        "T", "AE 2", "'发热' of 2025-11-20 seems to be 'x', AE 1.",
    ),
    "one medication not coded": (
        "not coded", "major",
        lambda: with_more("CM", event("CM", "S", "2020", CMTRT="白蛋白")),
        "S", "CM 2", "'白蛋白' has no CMDECOD: nothing that selects by it counts it.",
    ),
    "no medication coded": (
        "not coded", "major",
        lambda: changed("CM", S, CMDECOD=None),
        "S", "CM 1", "CMDECOD is empty on 1 of 1 record of CM with a CMTRT: nothing that selects by it counts them (S CM 1).",
    ),
    "a word that is nearly the one of a rescue": (
        "word close to one that is looked for", "major",
        lambda: with_more("CM", *(event("CM", who, "2020", CMTRT="y", CMDECOD="Albumin") for who in "ST")),
        "", "CM", "CMDECOD 'Albumin' is close to 'ALBUMIN HUMAN', and not counted as it; say in the protocol file "
        'what it is: codes: {CMDECOD: {"Albumin": ALBUMIN HUMAN}}, or OTHER if it is not; on 2 records (S CM 2, T CM 1).',
    ),
    "an infusion of something else": (
        "treatment not named in the protocol", "critical",
        lambda: treated({"EXTRT": "CELLS"}, {"EXTRT": "SALINE 0.9%"}),
        "S", "EX 3", "EXTRT 'SALINE 0.9%', beside 'CELLS', 'cells', counts as study treatment; if it is none, say "
        'in the protocol file codes: {EXTRT: {"SALINE 0.9%": OTHER}}, else the name that it has there; on 1 record (S EX 3).',
    ),
    "an event of an endpoint not coded": (
        "not coded", "critical",
        lambda: {**clean(), "CE": trial(CE=[
            event("CE", "S", "2025-06-01", CETERM="a", CEDECOD="ASCITES"), event("CE", "S", "2025-07-01", CETERM="腹水")
        ])["CE"]},
        "S", "CE 2", "'腹水' has no CEDECOD",
    ),
    "an adverse event not coded": (
        "not coded", "minor",
        lambda: changed("AE", T, AEDECOD=None),
        "T", "AE 1", "AEDECOD is empty on 1 of 2 records of AE with a AETERM (T AE 1).",
    ),
    "a record twice": (
        "duplicate record", "major",
        lambda: with_more("LB", clean()["LB"].iloc[1].drop("LBSEQ").to_dict()),
        "S", "LB 11", "The record stands twice, word for word.",
    ),
    "a status by another test": (
        "test code not known", "minor",
        lambda: clean() | {"SS": records_of("SS", [event("SS", "T", "2026-01-30", SSTESTCD="QQQ", SSORRES="ALIVE")])},
        "T", "SS 1", "SSTESTCD 'QQQ' is not known, and nothing uses it",
    ),
    "a number left out": (
        "sequence with a gap", "minor",
        lambda: changed("LB", {"LBTESTCD": "WBC"}, LBSEQ="11"),
        "", "LB", "LBSEQ leaves out 1 number (8): were records deleted",
    ),
    "a number twice": (
        "duplicate record", "major",
        lambda: with_more("LB", visit(6, "WEEK 1", code="AST") | {"LBSEQ": "3"}),
        "S", "LB 3", "LBSEQ is used twice for this subject.",
    ),
    "the other arm": (
        "treated otherwise than randomised", "critical",
        lambda: changed("DM", T, ACTARMCD="LOW", ACTARM="LOW"),
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
    "a randomisation twice": (
        "randomised twice", "critical",
        lambda: with_more("DS", ds("T", "RANDOMIZED", "2025-01-17") | {"DSCAT": "PROTOCOL MILESTONE"}),
        "T", "DS 2 / DS 4",
        "Randomised 2 times, 2025-01-10 and 2025-01-17: which is right? The earliest counts, 2025-01-10.",
    ),
    "a patient who completed and was lost": (
        "participation ends in two ways", "major",
        lambda: with_more("DS", ds("T", "LOST TO FOLLOW-UP", "2026-01-01")),
        "T", "DS 4 / DS 3",
        "2 times: LOST TO FOLLOW-UP of 2026-01-01 and COMPLETED of 2026-02-01: which is right? The last counts, COMPLETED of",
    ),
    "two results of one day": (
        "results of one day disagree", "major",
        lambda: with_more("LB", visit(6, "WEEK 1", value="90")),
        "S", "LB 3 / LB 11", f"ALT of {on(6)} is 30 U/L and 90 U/L: which is right? Now their mean counts.",
    ),
    "two grades of one day": (
        "results of one day disagree", "major",
        lambda: with_more("RS", rs("S", "ASCITES", "3", on(6), VISIT="WEEK 1")),
        "S", "RS 1 / RS 3", f"ASCITES of {on(6)} is 2 and 3: which is right? Now the highest counts.",
    ),
    "a test under the name of a parameter of the protocol": (
        "test code and test name disagree", "major",
        lambda: with_more("LB", visit(6, "WEEK 1", code="AST", LBTEST="alanine  AMINOTRANSFERASE")),
        "S", "LB 11", "LBTESTCD is AST and LBTEST 'alanine  AMINOTRANSFERASE', the name of ALT: which is right? The code counts.",
    ),
    "a test under the usual name of another": (
        "test code and test name disagree", "major",
        lambda: with_more("LB", *(visit(d, None, code=c, LBTEST="SGOT") for d, c in ((6, "AST"), (7, "AST"), (8, "ALT")))),
        "S", "LB 13", "LBTESTCD is ALT and LBTEST 'SGOT', the name of AST",
    ),
    "a vital sign under the usual name of another": (
        "test code and test name disagree", "minor",
        lambda: with_more("VS", *(
            event("VS", "T", on(1), VSTESTCD=c, VSTEST="Pulse", VSORRES=v, VSORRESU=f"{what}/min")
            for c, v, what in (("PULSE", "70", "beats"), ("PULSE", "71", "beats"), ("RESP", "20", "breaths"))
        )),
        "T", "VS 4", "VSTESTCD is RESP and VSTEST 'Pulse', the name of PULSE",
    ),
    "a dose of nothing without a reason": (
        "not given, and no reason", "major",
        lambda: with_more("EX", dose("T", 29, EXDOSE="0")) | {"VS": with_more("VS", at(29))["VS"]},
        "T", "EX 2", f"Dose 0 10^6 cells/kg on {on(29)}, and no reason in EXADJ",
    ),
    "an event of an endpoint before randomisation": (
        "milestones in the wrong order", "critical",
        lambda: {**clean(), "CE": trial(CE=[event("CE", "T", "2024-12-01", CETERM="a", CEDECOD="ASCITES")])["CE"]},
        "T", "CE 1", "Ascites on 2024-12-01 is before randomisation: it counts on the day of randomisation.",
    ),
    "a unit that its own range contradicts": (
        "unit and normal range disagree", "major",
        lambda: with_more("LB", *(
            visit(d, None, code="BILI", value=v, LBORRESU=u, LBORNRHI=h)
            for d, v, u, h in ((6, "18", "umol/L", "20.5"), (20, "19", "umol/L", "20.5"), (40, "19", "mg/dL", "20.5"))
        )),
        "S", "LB 13",
        "BILI: the upper limit of normal 20.5 mg/dL, that is 350.55 umol/L, is far from the usual 20.5: are the unit and",
    ),
    "a range that leaps": (
        "normal range changes", "major",
        lambda: with_more("LB", *(
            visit(d, None, code="AST", LBORNRLO=low, LBORNRHI=high) for d, low, high in ((6, "9", "40"), (20, "50", "90"))
        )),
        "S", "LB 12", f"The normal range of AST changes from 9-40 to 50-90 on {on(20)}: which is right?",
    ),
    "a result and its limit exchanged": (
        "normal range changes", "major",
        lambda: with_more("LB", *(
            visit(d, None, code="AST", value=v, LBORNRLO="9", LBORNRHI=high)
            for d, v, high in ((6, "85", "40"), (20, "40", "85"), (30, "70", "40"))
        )),
        "S", "LB 12",
        f"AST of {on(20)} is 40, at other visits a limit of normal, and the range is 9-85: were the result and the limit",
    ),
    "a value that jumps": (
        "value far from those before and after", "minor",
        lambda: with_more("LB", *(visit(d, None, code="AST", value=v) for d, v in ((6, "30"), (20, "310"), (30, "25")))),
        "S", "LB 12", f"AST of {on(20)} is 310 U/L, 30 before and 25 after: is that right?",
    ),
    "a last value with a lost decimal point": (
        "value far from those before and after", "minor",
        lambda: with_more("LB", *(visit(d, None, code="AST", value=v) for d, v in ((6, "39.7"), (20, "35"), (30, "397")))),
        "S", "LB 13", f"AST of {on(30)}, the last, is 397 U/L, 35 before: are its decimal point and its unit right?",
    ),
    "several values in another unit": (
        "several values far from those before and after", "major",
        lambda: with_more("LB", *(
            visit(d, None, code="BILI", value=v)
            for d, v in ((6, "300"), (20, "18"), (30, "15"), (40, "280"), (60, "350"))
        )),
        "S", "LB", f"BILI of {on(20)} to {on(30)} is 15 to 18 umol/L, 300 before and 280 after: is that right?",
    ),
    "several values in another unit, as many as before and after them": (
        "several values far from those before and after", "major",
        lambda: with_more("LB", *(
            visit(d, None, code="BILI", value=v)
            for d, v in ((6, "300"), (13, "310"), (20, "18"), (30, "15"), (40, "280"), (60, "350"))
        )),
        "S", "LB", f"BILI of {on(20)} to {on(30)} is 15 to 18 umol/L, 310 before and 280 after: is that right?",
    ),
    "a last weight in pounds": (
        "value far from those before and after", "minor",
        lambda: with_more("VS", event("VS", "T", on(50), VSTESTCD="WEIGHT", VSORRES="152", VSORRESU="kg"),
            event("VS", "T", on(20), VSTESTCD="WEIGHT", VSORRES="69", VSORRESU="kg")),
        "T", "VS 2", f"WEIGHT of {on(50)}, the last, is 152 kg, 69 before: are its decimal point and its unit right?",
    ),
    "a code for missing on one record": (
        "result may be a code for missing", "major",
        lambda: with_more("LB", *(visit(d, None, code="AST", value=v) for d, v in ((6, "39.7"), (20, "35"), (30, "999")))),
        "S", "LB 13", f"AST of {on(30)} is 999, and other values of the patient are 35 to 39.7 U/L: does it mean that none",
    ),
    "all of a patient's values below what its range allows": (
        "values of a patient far from those of the others", "major",
        lambda: with_more("LB", *(
            visit(d, None, code="BILI", value=v, LBORNRLO="9", LBORNRHI="21") for d, v in ((6, "2.2"), (20, "2.4"))
        )),
        "S", "LB", "BILI is 2.2 to 2.4 umol/L, less than a third of the lower limit of normal 9: is the unit right? On 2 records",
    ),
    "a height that belongs to no such weight": (
        "weight and height disagree", "major",
        lambda: with_more("VS", event("VS", "T", on(1), VSTESTCD="HEIGHT", VSORRES="107", VSORRESU="cm")),
        "T", "VS 1", "Weight 70 kg and height 107 cm, the medians, give a body mass index of 61.1 kg/m2; plausible is",
    ),
    "a code for missing": (
        "result may be a code for missing", "major",
        lambda: with_more("LB", *(lb("T", c, "999", on(1)) for c in ("AST", "ALP"))),
        "T", "LB", "999 is the result on 2 records of 2 tests: does it mean that none is known? It is analysed (T LB 1, T LB 2).",
    ),
    "an administration too many": (
        "more administrations than planned", "major",
        lambda: more_doses(29, 57, 85),
        "T", "EX", "4 infusions are recorded; the protocol file gives 3 (assumed): were all given?",
    ),
    "an administration too soon": (
        "administrations close together", "minor",
        lambda: more_doses(14),
        "T", "EX", f"Infusions on {on(1)} and {on(14)} are 13 days apart; the protocol file gives 28 (assumed): are both right?",
    ),
    "a date of another century": (
        "implausible date", "major",
        lambda: with_more("LB", *(
            lb("T", code, "50", "1925-02-03", LBORRESU=unit) for code, unit in (("WBC", "10^9/L"), ("HGB", "g/L"))
        )),
        "T", "LB 1", "LBDTC is 1925-02-03, more than 5 years before consent on 2025-01-01 (2 records): is the year right?",
    ),
    "a transplantation told as an adverse event": (
        "endpoint event in words alone", "critical",
        lambda: with_more("AE", event("AE", "S", "2025-06-01", AETERM="肝移植", AEDECOD="Liver transplant")),
        "S", "AE 2", "AETERM of 2025-06-01 is '肝移植', and no record of PR LIVER TRANSPLANTATION: it is not counted.",
    ),
    "a death of which no form knows the day": (
        "day of death not known", "critical",
        lambda: partly("2025-12", "2025"),
        "S", "DM", "DTHDTC is 2025-12, and no form gives the day of death: it counts on 2025-12-01.",
    ),
    "a completion that is no disposition event": (
        "end of participation under another category", "critical",
        lambda: changed("DS", T | {"DSDECOD": "COMPLETED"}, DSCAT="OTHER EVENT"),
        "T", "DS 3", "COMPLETED of 2026-02-01 stands under DSCAT OTHER EVENT and ends no participation",
    ),
    "an event long after a screening failed": (
        "record after a participation without randomisation", "major",
        lambda: with_more("CE", event("CE", "F", "2025-06-01", CETERM="a", CEDECOD="ASCITES")),
        "F", "CE 1", "CESTDTC is 2025-06-01 (1 record), but the patient was never randomised and participation ended on",
    ),
    "the results of another patient": (
        "one patient under two ids", "critical",
        lambda: with_more("LB", *(row | {"USUBJID": "T"} for row in clean()["LB"].drop(columns="LBSEQ").to_dict("records"))),
        "S", "LB", "8 of 8 laboratory results are those of T, of the same days: are they one patient?",
    ),
    "direct bilirubin under the code of the total": (
        "test name says another test", "major",
        lambda: with_more("LB", visit(6, "WEEK 1", code="BILI", value="18", LBTEST="Bilirubin, direct")),
        "S", "LB 11", "LBTESTCD is BILI, 'Total bilirubin', and LBTEST 'Bilirubin, direct' says direct: which is right?",
    ),
    "a column under another name": (
        "variable close to one without a value", "major",
        lambda: {**clean(), "AE": clean()["AE"].drop(columns="AETOXGR").assign(AETOXGRADE="1")},
        "", "AE", "AETOXGRADE is no variable that is known, and AETOXGR has no value: did you mean it? It is for grades of",
    ),
    "treated in DM alone": (
        "exposure in DM and EX disagree", "critical",
        lambda: changed("DM", {"USUBJID": "F"}, RFXSTDTC="2025-01-12"),
        "F", "DM", "DM has RFXSTDTC 2025-01-12, but EX has no record of the patient, who counts as never treated",
    ),
    "treated from another day on": (
        "exposure in DM and EX disagree", "critical",
        lambda: changed("DM", T, RFXSTDTC="2025-01-12"),
        "T", "DM", "RFXSTDTC is 2025-01-12, and the first day of EX 2025-01-11: which is right? That of EX counts.",
    ),
    "treated to another day": (
        "exposure in DM and EX disagree", "critical",
        lambda: changed("DM", T, RFXENDTC="2025-02-12"),
        "T", "DM", "RFXENDTC is 2025-02-12, and the last day of EX 2025-01-11",
    ),
    "treated in EX alone": (
        "exposure in DM and EX disagree", "critical",
        lambda: {**more_patients(), "DM": more_patients()["DM"].assign(RFXSTDTC=["2025-01-11", "2025-01-11", None])},
        "U", "DM", "EX has records of treatment, and RFXSTDTC is empty",
    ),
    "a patient whose results are gone": (
        "patient without a record of a domain", "major",
        lambda: more_patients("ST"),
        "U", "LB", f"LB has no record of the patient, followed to {on(60)}, but of 2 patients: was nothing done",
    ),
    "the year of an event alone": (
        "day of an endpoint event not known", "critical",
        lambda: with_more("CE", ascites(USUBJID="T", CESTDTC="2025", CEENDTC="2025-07-01")),
        "T", "CE 1", "CESTDTC of Ascites is 2025: which day was it? It counts on 2025-01-10.",
    ),
    "a failed screening of who was treated": (
        "participation cannot have ended so", "critical",
        lambda: changed("DS", T | {"DSDECOD": "COMPLETED"}, DSDECOD="SCREEN FAILURE"),
        "T", "DS 3", "SCREEN FAILURE of 2026-02-01 ends the participation, but the patient was treated: which is right?",
    ),
    "no treatment of who was treated": (
        "participation cannot have ended so", "critical",
        lambda: changed("DM", T, ARMNRS="Assigned, not treated"),
        "T", "DM", "ARMNRS is Assigned, not treated, but the patient was treated: which is right?",
    ),
    "one episode with two beginnings": (
        "event recorded twice", "major",
        lambda: with_more("CE", ascites(), ascites(CESTDTC=on(6))),
        "S", "CE 2", f"'Ascites' of {on(6)} and CE 1 of {on(5)} overlap in time: are they one event?",
    ),
    "a death without its event, where others have one": (
        "death without a fatal adverse event", "major",
        lambda: trial(*(patient(who, died="2025-12-01") for who in "STU"), AE=[fatal(who) for who in "SU"]),
        "T", "AE", "Death on 2025-12-01, and no adverse event of the patient is fatal, but of 2 patients: was it reported?",
    ),
    "a death without its event, the only one": (
        "death without a fatal adverse event", "major",
        lambda: changed("AE", S, AEOUT="RECOVERED"),
        "S", "AE", "No adverse event is fatal of 1 of 1 patient who died during participation (S): are deaths adverse events",
    ),
    "a prothrombin time that its INR does not know": (
        "tests that tell the same disagree", "major",
        lambda: trial(patient("S"), LB=coagulation({22: ("68", "1.4")})),
        "S", "LB 7 / LB 8", f"PT of {on(22)} is 68 s and INR 1.4 ratio; in the trial PT 68 goes with INR 6.2, and INR 1.4 with",
    ),
    "results of two patients exchanged": (
        "results of two patients exchanged", "critical",
        lambda: trial(
            *(patient(who, infused=(on(1 + n),)) for n, who in enumerate("STUV")),
            LB=exchanged(visits_of("STUV"), ("S", 29), ("V", 32)),
        ),
        "S", "LB", f"ALB, ALP, ALT, AST of {on(29)} are near the values of V, and of V of {on(32)} near those of S, and far from",
    ),
    "a unit that changes for all at once": (
        "results of a test change for good", "critical",
        lambda: trial(*(patient(who) for who in "STU"), LB=[
            lb(who, "AST", value, on(day)) for who in "STU" for day, value in ((1, "20"), (30, "21"), (60, "350"), (90, "360"))
        ]),
        "", "LB", f"AST is 16.7 times higher from about {on(60)} on in 3 of 3 patients with values before and after",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("result", "unit", "standard", "standard_unit"),
    [
        ("1.2", "mg/dL", "20.5", "umol/L"),
        ("1.2", "mg/dL", "21", "umol/L"),  # of 1.2 before it was rounded
        ("20.52", "µmol/L", "1.2", "mg/dl"),
        ("1.2", "mg/dL", "12", "mg/L"),
        ("1.24", "mg/dL", "1.2", "mg/dL"),
        ("1.20", "mg/dL", "1.2", "mg/dL"),
        ("1.2", "mg/dL", "5", "mg/hl"),  # a unit that nobody knows
        ("1.2", "mg/dL", "5", None),
        ("1.2", "mg/dL", None, "umol/L"),
    ],
)
def test_results_that_agree_but_for_rounding_raise_no_query(result, unit, standard, standard_unit):
    both = {"LBORRESU": unit, "LBSTRESN": standard, "LBSTRESU": standard_unit}
    assert found(with_more("LB", visit(6, "WEEK 1", code="BILI", value=result, **both))).empty


def test_clean_data_raises_no_query():
    assert found(clean(), cutoff=CUTOFF).to_dict("records") == []


OF_NO_END = (
    "a unit that changes for all at once",
    "a prothrombin time that its INR does not know",
    "results of two patients exchanged",
    "treated in EX alone",
    "a patient whose results are gone",
)  # trials of their own, in which nobody has left yet


@cache
def found_in_seed(name: str) -> pd.DataFrame:
    return found(SEEDED[name][2](), cutoff=None if name in OF_NO_END else CUTOFF)


@pytest.mark.parametrize("name", SEEDED)
def test_a_seeded_fault_raises_its_query_and_no_other(name):
    rule, severity, _, subject, record, words = SEEDED[name]
    (query,) = found_in_seed(name).to_dict("records")
    assert [query[c] for c in ("USUBJID", "record", "rule", "severity")] == [subject, record, rule, severity]
    assert words in query["message"]


def test_every_rule_has_a_seeded_fault_of_its_severity():
    seeded = {(rule, severity) for rule, severity, *_ in SEEDED.values()}
    seeded.add(("visits in the wrong order", "major"))  # below: no such visit is within its window
    seeded.add(("result where nothing was done", "major"))  # below: of what is no longer in the tables
    seeded |= {
        ("value of no visit", "minor"),
        ("stratum not known", "major"),
    }  # of other protocols: test_visits, test_factors
    seeded |= {
        ("death of the previous cut taken back", "critical"),
        ("patient of the previous cut gone", "critical"),
        ("record of the previous cut gone", "major"),
        ("value of the previous cut changed", "major"),
    }  # test_gone
    seeded |= {("results of a test far from their normal range", "major")}  # test_far_from_range
    seeded |= {
        ("treatment without an end", "major"),
        ("periods of treatment overlap", "minor"),
    }  # test_treatment
    seeded |= {
        ("data and allocation list disagree", "critical"),
        ("allocation list altered", "critical"),
    }  # test_allocation
    assert {(rule, severity) for rule, (severity, _) in queries.RULES.items()} <= seeded
    assert {rule for rule, _ in seeded} == set(queries.RULES)


BESIDE = {
    n for n, (_, f) in queries.RULES.items() if f.__module__.endswith((".series", ".disposition", ".pairs"))
}


@few(8)
@given(name=st.sampled_from([n for n, seed in SEEDED.items() if seed[0] in BESIDE]), data=st.data())
def test_the_order_and_the_numbers_of_records_do_not_matter(name, data):
    tables = SEEDED[name][2]()
    shuffled = {}
    for domain, table in tables.items():
        order = data.draw(st.permutations(range(len(table)))) if domain in ("DS", "EX", "LB", "RS") else None
        shuffled[domain] = table if order is None else table.iloc[order].reset_index(drop=True)
        if order is not None:
            shuffled[domain][f"{domain}SEQ"] = [str(n) for n in range(1, len(table) + 1)]
        shuffled[domain].attrs = table.attrs
    assert (
        asked(shuffled, cutoff=None if name in OF_NO_END else CUTOFF)["id"].tolist()
        == found_in_seed(name)["id"].tolist()
    )


def test_a_view_that_hides_doses_asks_for_no_reason():
    # a second bag, which the view shows as one administration with the first, and one that was not given
    tables = with_more("EX", dose("T", 1, EXDOSE="2"), dose("T", 29, EXDOSE="0"))
    tables["VS"] = with_more("VS", at(29))["VS"]
    asked_of_all = ["treated otherwise than randomised", "not given, and no reason"]
    for view, rules in (("unblinded", asked_of_all), ("masked", []), ("blinded", [])):
        shown, protocol = views.seen(standardise(tables, PROTOCOL).tables, PROTOCOL, view, KEY)
        assert found(shown, protocol)["rule"].tolist() == rules, view


@pytest.mark.parametrize(
    "tables",
    [
        lambda: with_more("LB", visit(6, "WEEK 1", value="36")),  # a fifth more
        lambda: with_more(
            "LB", *(lb("T", "ALT", value, on(300)) for value in ("30", "90"))
        ),  # of another liver
        lambda: with_more("EX", dose("T", 1, EXDOSE="0", EXADJ="stopped")),
        lambda: with_more("CE", ascites()),  # of the grade that was found
        lambda: with_more("CE", ascites(CESEV="SEVERE")),  # found lower than it once was
        lambda: with_more("CE", ascites(CEENDTC=on(6)), ascites(CESTDTC=on(6))),  # one after the other
    ],
)
def test_what_is_usual_is_not_asked(tables):
    assert found(tables()).empty


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
    messages = found(with_more("EX", dose))["message"].tolist()[:2]
    assert messages == ["Infused, but DM names no actual arm.", "Infused, but not randomised."]


def test_a_death_before_randomisation_is_asked_about():
    tables = trial(patient("S", died="2025-01-05", infused=()))
    assert "Death on 2025-01-05 is before randomisation." in found(tables)["message"].tolist()


@pytest.mark.parametrize("forms", [("2025-12", "2025-12-01"), ("2025", "2025-12-31"), ("2025-12", "2025")])
def test_partial_dates_that_can_mean_one_day_agree(forms):
    unknown = ["day of death not known"] * all(len(day) < 10 for day in forms)
    assert found(partly(forms[1], forms[0]))["rule"].tolist() == unknown


def test_a_record_in_the_month_of_death_may_be_before_it():
    tables = trial(patient("S", died="2025-12", infused=()), LB=[lb("S", "ALT", "30", "2025-12-31")])
    query = found(tables)
    assert query["rule"].tolist() == ["day of death not known"]
    assert query["message"].item().endswith("it counts on 2025-12-31.")  # seen alive on that day


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


def test_the_evidence_is_not_modified():
    tables = changed("DM", T, AGE="17")
    before = {name: table.copy(deep=True) for name, table in tables.items()}
    found(tables)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, before[name])


def test_the_demonstration_trial_raises_the_planted_ones():
    # as its README lists them: a death date, a doubled record, five visits off target; and ascites of grade 3 called moderate
    study = loaded_once(read_cut(ROOT / "params" / "demo-final.yaml"))
    rules = study.queries.groupby("rule")["USUBJID"].agg(lambda ids: sorted(i[-3:] for i in ids)).to_dict()
    assert rules.pop("death dates disagree") == ["021"]
    assert rules.pop("duplicate record") == ["005"]
    assert rules.pop("severity of an event and grade disagree") == ["007"]
    assert set(rules) == {"visit outside its allowed window"}
    assert "001" in rules["visit outside its allowed window"]


class TestWhatIsGone:
    """Of any patient and any domain that is needed, and of any endpoint's date a part: it is asked for, and by name."""

    def of(self, rule, tables, **others):
        own = pd.DataFrame({"USUBJID": list("PQRST"), "RANDFL": "Y", "EOSSTT": "COMPLETED"})
        days = {"RANDDT": "2025-01-10", "TRTSDT": "2025-01-11", "TRTEDT": "2025-01-11", "DTHDT": None}
        days |= {"LSTALVDT": "2025-06-01"} | others
        adsl = own.assign(**{name: pd.to_datetime(pd.Series([day] * 5)) for name, day in days.items()})
        return list(queries.RULES[rule][1](Evidence(tables, adsl, pd.DataFrame(), PROTOCOL)))

    @few(8)
    @given(
        domain=st.sampled_from(["LB", "RS", "VS", "EX"]),
        gone=st.sets(st.sampled_from("PQRST"), max_size=2),
        dated=st.booleans(),
    )
    def test_all_records_of_a_patient(self, domain, gone, dated):
        dm = [
            {"USUBJID": who, "RFXSTDTC": "2025-01-11" if dated else None, "ARMNRS": None} for who in "PQRST"
        ]
        tables = {"DM": pd.DataFrame(dm, dtype=object)}
        for name in ("LB", "RS", "VS", "EX"):
            rows = [event(name, who, "2025-01-11") for who in "PQRST" if name != domain or who not in gone]
            tables[name] = records_of(name, rows)
        rules = ("patient without a record of a domain", "exposure in DM and EX disagree")
        asked = [query for rule in rules for query in self.of(rule, tables)]
        assert sorted(query.subject for query in asked) == sorted(gone)
        assert all(f"{domain} has no record of the patient" in query.message for query in asked)
        by_end = len(gone) == 2 and gone == set("ST") and not (domain == "EX" and dated)
        assert all(("was the file cut off?" in query.message) == by_end for query in asked)

    @few(8)
    @given(
        dead=st.sets(st.sampled_from("PQRST"), min_size=1),
        gone=st.sets(st.sampled_from("PQRST"), min_size=1),
        by=st.sampled_from([("AEOUT", "FATAL"), ("AESDTH", "Y"), ("AETOXGR", "5")]),
        ended=st.sampled_from(["2025-05-01", "2025-04-01", None]),
    )
    def test_the_fatal_event_of_a_death(self, dead, gone, by, ended):
        dm = [{"USUBJID": who, "DTHFL": "Y" if who in dead else None} for who in "PQRST"]
        told = {who: by for who in dead - gone}
        rows = [
            event("AE", who, "2025-04-20", **dict([told.get(who, ("AEOUT", "RECOVERED"))])) for who in "PQRST"
        ]
        tables = {"DM": pd.DataFrame(dm, dtype=object), "AE": records_of("AE", rows)}
        asked = self.of("death without a fatal adverse event", tables, DTHDT="2025-05-01", EOSDT=ended)
        # of() says of all five that they died on that day: those of whom no form does have no event either
        lacking = set("PQRST") - set(told)
        each = [query.subject for query in asked if "Death on 2025-05-01" in query.message]
        if ended == "2025-04-01" or not lacking:  # after participation an event need not be reported
            assert asked == []
        elif len(lacking) < 3:
            assert sorted(each) == sorted(lacking)
        else:
            (query,) = asked
            assert f"of {len(lacking)} of 5 patients" in query.message and each == []

    @few(8)
    @given(
        source=st.sampled_from(PROTOCOL.decisive_sources),
        day=st.dates(date(2025, 1, 10), date(2026, 6, 30)),
        length=st.sampled_from([4, 7, 10]),
    )
    def test_a_part_of_a_date_that_an_endpoint_needs(self, source, day, length):
        row = event(source.domain, "S", "") | source.where | {source.date: str(day)[:length]}
        asked = self.of(
            "day of an endpoint event not known", {source.domain: records_of(source.domain, [row])}
        )
        counts = max(str(day)[:length] + "-01-01"[length - 10 :], "2025-01-10") if length < 10 else ""
        assert [query.message.rpartition(" on ")[2] for query in asked] == [f"{counts}."] * (length < 10)


class TestEndBeforeStart:
    """In every domain that has an end, and only where no reading of the dates allows it."""

    @few(8)
    @given(
        name=st.sampled_from([d.name for d in DOMAINS.values() if d.end]),
        start=st.dates(date(2024, 1, 1), date(2026, 6, 30)),
        days=st.integers(-500, 500),
        parts=st.tuples(st.sampled_from([4, 7, 10]), st.sampled_from([4, 7, 10])),
    )
    def test_is_asked_in_every_domain(self, name, start, days, parts):
        domain = DOMAINS[name]
        end = start + timedelta(days=days)
        texts = {domain.date: str(start)[: parts[0]], domain.end: str(end)[: parts[1]]}
        row = pd.DataFrame([{"USUBJID": "S", f"{name}SEQ": "1"} | texts], dtype=object)
        adsl = pd.DataFrame({"USUBJID": [], "RANDFL": []})
        (rule,) = [function for key, (_, function) in queries.RULES.items() if key == "end before start"]
        found = list(rule(Evidence({name: row}, adsl, pd.DataFrame(), PROTOCOL)))
        shared = min(parts)
        assert len(found) == (str(end)[:shared] < str(start)[:shared])
        assert all(query.record == f"{name} 1" and texts[domain.end] in query.message for query in found)

    @pytest.mark.parametrize(
        ("start", "end", "asked"),
        [
            ("T09:00", "T08:59", True),
            ("T09:00", "T09:00", False),
            ("T09:00:30", "T09:00", False),  # the minute is one
            ("T09", "T08:59", False),
            ("", "T08:59", False),
            ("T09:00+08:00", "T08:59", False),  # two clocks
        ],
    )
    def test_on_one_day_the_time_decides_where_both_have_one(self, start, end, asked):
        tables = changed("EX", S, EXSTDTC=on(1) + start, EXENDTC=on(1) + end)
        assert (found(tables)["rule"].eq("end before start").sum() == 1) == asked


def test_infusions_on_days_that_hardly_ever_have_a_visit_are_one_line():
    query = found(with_more("EX", dose("S", 36), dose("S", 64), dose("T", 36)))
    assert query["message"].tolist() == [
        "No visit is recorded on the day of 3 of 5 infusions (S EX 2, S EX 3, T EX 2)."
    ]
    without = {
        name: table.iloc[:0] if name in ("LB", "RS", "VS") else table for name, table in clean().items()
    }
    assert found(without).empty  # visits are not recorded at all


def test_no_fatal_event_is_missed_whatever_says_so():
    for column, value in (("AEOUT", "FATAL"), ("AESDTH", "Y"), ("AETOXGR", "5")):
        tables = changed("AE", T, AEOUT=None, **{}) if column != "AEOUT" else clean()
        tables["AE"] = tables["AE"].assign(**{c: tables["AE"].get(c) for c in ("AESDTH", "AETOXGR")})
        tables["AE"].loc[tables["AE"]["USUBJID"].eq("T"), column] = value
        messages = found(tables).query(f"rule == '{DEATH}'")["message"].tolist()
        assert messages == [f"Death is recorded in AE but not in {form}." for form in ("DM", "DS")]


def test_a_result_that_was_left_over_where_nothing_was_done():
    rows = [
        ("LB", "S", "7", 6, on(6), "NOT_DONE", "45", "ALT"),
        ("LB", "S", "8", 7, on(6), "NOT_DONE", "", "ALT"),
        ("CE", "S", "1", 0, on(6), "DID_NOT_OCCUR", "CEOUT RECOVERED", None),
        ("CE", "S", "2", 1, on(6), "DID_NOT_OCCUR", "", None),
        ("PR", "S", "1", 0, on(6), "NOT_KNOWN", "PRSTDTC 2025-01-01", None),
        ("LB", "S", "9", 8, on(6), "SPECIMEN", "URINE", "CREAT"),
    ]
    query = found(clean(), aside=pd.DataFrame(rows, columns=list(ASIDE), dtype=object))
    assert query["record"].tolist() == ["CE 1", "LB 7", "PR 1"]
    assert set(query["rule"]) == {"result where nothing was done"}
    assert query["message"].tolist() == [
        "'CEOUT RECOVERED' stands on a record of what did not occur; it is not analysed.",
        "The result '45' stands on a record that was not done; it is not analysed.",
        "'PRSTDTC 2025-01-01' stands on a record of what is not known to have occurred; it is not analysed.",
    ]


@pytest.mark.parametrize("name, test", [("LB", "WBC"), ("VS", "TEMP"), ("RS", "ECOG")])
def test_results_left_over_of_tests_that_nothing_uses_are_one_line(name, test):
    cells = {f"{name}TESTCD": test, f"{name}ORRES": "5", f"{name}STAT": "NOT DONE"}
    query = found(with_more(name, *(event(name, "S", on(day), **cells) for day in (20, 21, 22, 23))))
    assert query["severity"].tolist() == ["minor"]
    told = (
        "4 records of 1 test that no analysis uses: a result stands on a record that was put aside (such as S"
    )
    assert query["message"].item().startswith(told)


def test_specimens_are_not_asked_for_where_none_of_the_test_has_one_or_nothing_uses_it():
    serum = visit(6, "WEEK 1", code="WBC", value="5", LBORRESU="10^9/L", LBSPEC="BLOOD")
    urine = [visit(34, "WEEK 4", code=code, LBSPEC="URINE") for code in ("ALT", "AST")]
    assert found(with_more("LB", serum, *urine)).empty


TREATMENT = "umbilical cord-mesenchymal stem cells"


class TestNamesOfTreatments:
    def asked(self, *words: str, protocol=PROTOCOL, **cells: str) -> list[str]:
        tables = treated(*({"EXTRT": word} | cells for word in words[1:]))
        tables["EX"].loc[tables["EX"]["USUBJID"].eq("S") & tables["EX"]["EXSEQ"].eq("1"), "EXTRT"] = words[0]
        result = found(tables, protocol)
        result = result[result["rule"].eq("treatment not named in the protocol")]
        return [message.split("'")[1] for message in result["message"]]

    def test_one_word_of_an_arm_is_its_treatment(self):
        assert self.asked("UC-MSC", " uc-msc", "ＵＣ-ＭＳＣ") == []
        assert self.asked(TREATMENT, TREATMENT.upper()) == []

    def test_the_protocols_name_is_the_usual_one_however_rare_it_is(self):
        assert self.asked(TREATMENT, "saline", "saline", "saline") == ["saline"]

    def test_of_two_words_alike_neither_is_usual(self):
        assert self.asked("a", "b") == ["a", "b"]

    def test_what_was_not_given_is_no_treatment(self):
        assert self.asked("cells", "saline", EXDOSE="0") == []

    def test_a_trial_says_what_its_words_are(self):
        for word, kept in ((TREATMENT, 4), ("OTHER", 3)):
            protocol = PROTOCOL.model_copy(update={"codes": {"EXTRT": {"UC": TREATMENT, "SALINE": word}}})
            assert self.asked("UC", "saline", protocol=protocol) == []
            made = standardise(treated({"EXTRT": "Uc"}, {"EXTRT": "saline"}), protocol)
            assert len(made.tables["EX"]) == kept
            aside = made.aside[made.aside["domain"].eq("EX")]
            assert aside["reason"].tolist() == [OTHER_TREATMENT] * (4 - kept)

    def test_all_other_words_at_once(self):
        protocol = PROTOCOL.model_copy(update={"codes": {"EXTRT": {"cells": TREATMENT, "*": "OTHER"}}})
        made = standardise(treated({"EXTRT": "albumin"}, {"EXTRT": None}), protocol)
        assert made.aside["detail"].tolist()[:1] == ["albumin"] and len(made.tables["EX"]) == 3

    def test_the_treatment_of_another_arm_is_asked_about_though_it_is_the_only_word(self):
        low, high = PROTOCOL.arms
        placebo = low.dose.model_copy(update={"treatment": "saline"})
        protocol = PROTOCOL.model_copy(update={"arms": (low, high.model_copy(update={"dose": placebo}))})
        assert self.asked("saline", "SALINE", protocol=protocol) == ["saline"]


@pytest.mark.parametrize(
    "word, asked",
    [
        ("ALBUMIN", True),
        ("albumin human 20%", True),
        ("HUMAN-ALBUMIN", True),
        ("ALBUMIN HUMANN", True),
        ("人血白蛋白注射液", True),
        ("WARFARIN POTASSIUM", True),
        ("PLASMA", True),
        ("Human  Albumin", False),
        ("INSULIN HUMAN", False),
        ("WARMTH", False),
        ("SPIRONOLACTONE", False),
    ],
)
def test_words_that_are_close_to_what_is_looked_for(word, asked):
    rows = found(with_more("CM", event("CM", "S", "2020", CMTRT="y", CMDECOD=word)))
    assert rows["rule"].tolist() == ["word close to one that is looked for"] * asked
    declared = PROTOCOL.model_copy(update={"codes": {"CMDECOD": {word: "OTHER"}}})
    assert found(with_more("CM", event("CM", "S", "2020", CMTRT="y", CMDECOD=word)), declared).empty


class TestVisitNames:
    @pytest.mark.parametrize(
        "name", ["week 1", "ＷＥＥＫ  1", "w1", "Unscheduled 4.1", "baseline", "End of Study", "SCREENING"]
    )
    def test_in_any_spelling_are_known(self, name):
        assert found(with_more("LB", visit(6, name, code="AST"))).empty

    def test_are_one_line_a_name_over_every_form(self):
        tables = with_more("LB", visit(6, "V77", code="AST"), visit(7, "v77", code="AST"))
        tables["VS"] = with_more("VS", event("VS", "T", on(6), VSTESTCD="TEMP", VISIT="V77"))["VS"]
        query = found(tables)
        assert query["message"].tolist() == [
            "'V77' is no visit of the protocol file: 1 record of VS and 2 records of LB (T VS 2)."
        ]


class TestNotAsked:
    """What is right, or is not known to be wrong."""

    @pytest.mark.parametrize(
        ("name", "where", "cells"),
        [
            ("AE", T, {"AESER": "Y", "AESHOSP": "Y"}),
            ("AE", T, {"AESER": "N", "AESHOSP": "N"}),
            ("AE", T, {"AESER": "Y"}),  # no criterion is collected
            ("VS", T, {"VSTESTCD": "TEMP", "VSORRES": "98.6", "VSORRESU": "°F"}),
            ("VS", T, {"VSTESTCD": "HEIGHT", "VSORRES": "1.71", "VSORRESU": "M"}),
            ("VS", T, {"VSTESTCD": "ODD", "VSORRES": "9999", "VSORRESU": None}),
            ("LB", S | {"LBSEQ": "1"}, {"LBORNRLO": "9", "LBORNRHI": "9"}),
            ("LB", S | {"LBSEQ": "1"}, {"LBORNRLO": None, "LBORNRHI": "9"}),
            ("EX", S, {"EXENDTC": "2025"}),
        ],
    )
    def test_(self, name, where, cells):
        assert found(changed(name, where, **cells)).empty


@pytest.mark.parametrize("name", sorted(set(DOMAINS) - {"DM", "IE"}))
def test_a_record_of_any_domain_can_be_asked_about(name):
    """Each has a number of its own kind: SV that of the visit."""
    domain = DOMAINS[name]
    record = dict.fromkeys(domain.filled, "x") | {
        "USUBJID": "S",
        domain.sequence: "7",
        domain.date: "2030-01-01",
        "DSDECOD": "OTHER",
        "DSCAT": "OTHER EVENT",
        "LBTESTCD": "HBSAG",
        "RSTESTCD": "EDEMA",
        "SSTESTCD": "SURVSTAT",
        "SSORRES": "ALIVE",
        "EXDOSE": "1",
        "EXDOSU": "10^6 cells/kg",
    }
    columns = {*domain.required, *domain.filled, *domain.optional}
    record = {column: cell for column, cell in record.items() if column in columns}
    tables = clean()
    own = pd.DataFrame([record], dtype=object)
    tables[name] = pd.concat([tables[name], own], ignore_index=True) if name in tables else own
    late = found(tables)
    late = late[late["rule"].eq("record after death")]
    assert bool(late["record"].eq(f"{name} 7").any()) is (name not in ("MH", "DD"))


def test_a_wrong_day_of_death_is_one_query_a_patient_and_domain():
    """However many days show the patient alive; its id stays while they grow more."""
    tables = clean()
    tables |= with_more("LB", *(lb("S", "ALT", "30", f"2025-12-{day:02}") for day in range(2, 14)))
    late = found(tables)
    (query,) = late[late["rule"].eq("record after death")].to_dict("records")
    assert query["message"] == (
        "LBDTC is 2025-12-02, after the patient's death on 2025-12-01 (12 records on 12 days, the last 2025-12-13): "
        "is the date of death wrong?"
    )
    one = found(clean() | with_more("LB", lb("S", "ALT", "30", "2025-12-02")))
    assert query["id"] in set(one["id"])


@pytest.mark.parametrize(
    ("number", "begins"),
    [
        (None, "LBSEQ is no number in "),
        ("a", "LBSEQ is no number in "),
        ("1", "LBSEQ is no number of one record alone in "),
    ],
)
def test_a_column_that_numbers_nothing_is_one_line(number, begins):
    tables = clean()
    tables["LB"] = tables["LB"].assign(LBSEQ=number)
    twice = found(tables)
    (message,) = twice.loc[twice["rule"].eq("duplicate record"), "message"]
    assert message.startswith(begins)
    assert not twice["record"].str.contains("None").any()
