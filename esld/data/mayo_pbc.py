"""The Mayo Clinic PBC trial as SDTM tables, from the two files of the R package survival.

``python -m esld.data.mayo_pbc SOURCE_FOLDER OUT_FOLDER`` reads ``pbc.csv`` and ``pbcseq.csv`` and writes the
tables that lie under ``esld/data/examples/mayo-pbc``. Follow-up, transplantation and death come from ``pbc``;
visits from ``pbcseq``, as far as they are not after the end of follow-up in ``pbc``. Neither file has a
calendar date: every date here is fictitious.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from esld.data.tables import write_tables
from esld.errors import told_in_one_line
from esld.targets import empty_folder

STUDY = "MAYO-PBC"
FIRST_RANDOMISATION = pd.Timestamp("1974-01-01")
LAST_RANDOMISATION = pd.Timestamp("1984-05-31")

_ARMS = {"1": ("DPCA", "D-penicillamine"), "2": ("PLACEBO", "Placebo")}
_TRANSPLANT = "LIVER TRANSPLANTATION"
# How follow-up ended, by pbc.status: term, decoded term.
_ENDS = {
    "0": ("FOLLOW-UP IN THE FILE ENDS, ALIVE WITHOUT TRANSPLANTATION", "COMPLETED"),
    "1": ("FOLLOW-UP IN THE FILE ENDS AT LIVER TRANSPLANTATION", "COMPLETED"),
    "2": ("DEATH", "DEATH"),
}


@dataclass(frozen=True)
class _Test:
    """A column of pbcseq as SDTM names it."""

    column: str
    code: str
    name: str
    category: str
    unit: str = ""


_LABORATORY = (
    _Test("bili", "BILI", "Bilirubin", "CHEMISTRY", "mg/dL"),
    _Test("albumin", "ALB", "Albumin", "CHEMISTRY", "g/dL"),
    # The source labels AST "U/ml": see data_assumptions in the protocol.
    _Test("ast", "AST", "Aspartate Aminotransferase", "CHEMISTRY", "U/L"),
    _Test("alk.phos", "ALP", "Alkaline Phosphatase", "CHEMISTRY", "U/L"),
    _Test("chol", "CHOL", "Cholesterol", "CHEMISTRY", "mg/dL"),
    _Test("protime", "PT", "Prothrombin Time", "COAGULATION", "s"),
    _Test("platelet", "PLAT", "Platelets", "HEMATOLOGY", "10^9/L"),
)
_GRADES = (
    _Test("ascites", "ASCYN", "Ascites Present", "CLINICAL EXAMINATION"),
    _Test("edema", "EDEMA", "Edema Grade", "CLINICAL EXAMINATION"),
    _Test("hepato", "HEPATOM", "Hepatomegaly Present", "CLINICAL EXAMINATION"),
    _Test("spiders", "SPIDERS", "Spider Angiomas Present", "CLINICAL EXAMINATION"),
    _Test("stage", "STAGE", "Histologic Stage", "LIVER BIOPSY"),
)


def read_source(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read ``pbc.csv`` and ``pbcseq.csv`` as text, so that every number stays as the source prints it."""
    pbc, pbcseq = (
        pd.read_csv(folder / name, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8")
        for name in ("pbc.csv", "pbcseq.csv")
    )
    return pbc, pbcseq


def convert(pbc: pd.DataFrame, pbcseq: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The 312 randomised patients as SDTM tables.

    Parameters
    ----------
    pbc : DataFrame
        One row a patient, text as :func:`read_source` gives it. Patients without ``trt`` (not randomised) go.
    pbcseq : DataFrame
        One row a visit, text. Visits later than ``pbc.time`` are after the end of follow-up: left out.

    Returns
    -------
    dict of str to DataFrame
        DM, DS, LB, RS and PR; values as text as the source prints them, missing ones without a record. The
        day of randomisation is fictitious (:func:`randomisation_dates`); every other date is that day plus
        the source's days, so that end of follow-up minus randomisation is ``pbc.time``.

    Raises
    ------
    ValueError
        The randomised patients of ``pbc`` are not those of ``pbcseq``.
    """
    patients = _patients(pbc)
    if set(patients["id"]) != set(pbcseq["id"]):
        stray = sorted(set(patients["id"]) ^ set(pbcseq["id"]), key=int)
        raise ValueError(
            f"pbc and pbcseq must hold the same randomised patients, got ids {stray} in only one"
        )
    visits = _visits(patients, pbcseq)
    return {
        "DM": _dm(patients),
        "DS": _ds(patients),
        "LB": _lb(visits),
        "RS": _rs(visits),
        "PR": _pr(patients),
    }


def randomisation_dates(ids: pd.Series) -> pd.Series:
    """Fictitious days of randomisation: in the order of the ids, evenly from January 1974 to May 1984.

    Parameters
    ----------
    ids : Series of int
        Case numbers 1 to n, each once.

    Returns
    -------
    Series of Timestamp
        1 January 1974 plus (id − 1) × 3803 // (n − 1) days; 3803 days later is 31 May 1984.
    """
    span = (LAST_RANDOMISATION - FIRST_RANDOMISATION).days
    return FIRST_RANDOMISATION + pd.to_timedelta((ids - 1) * span // (len(ids) - 1), unit="D")


def _patients(pbc: pd.DataFrame) -> pd.DataFrame:
    chosen = pbc[pbc["trt"].notna()].reset_index(drop=True)
    number = chosen["id"].astype(int)
    start = randomisation_dates(number)
    subject = number.map("{:03d}".format)
    return chosen.assign(
        SUBJID=subject,
        USUBJID=STUDY + "-" + subject,
        randomised=start,
        RANDDTC=_iso(start),
        ENDDTC=_iso(start + _days(chosen["time"])),
    )


def _visits(patients: pd.DataFrame, pbcseq: pd.DataFrame) -> pd.DataFrame:
    """Visits up to the end of follow-up, in the order of patient and day."""
    followed = patients[["id", "USUBJID", "time", "randomised"]]
    visits = pbcseq.merge(followed, on="id", validate="many_to_one")
    visits = visits[visits["day"].astype(int) <= visits["time"].astype(int)]
    date = visits["randomised"] + _days(visits["day"])
    visits = visits.assign(day_number=visits["day"].astype(int), DTC=_iso(date))
    at_baseline = visits["day_number"].eq(0)
    return visits.assign(
        VISITNUM=at_baseline.map({True: "0", False: None}),
        VISIT=at_baseline.map({True: "BASELINE", False: "UNSCHEDULED"}),
    ).sort_values(["USUBJID", "day_number"], kind="stable", ignore_index=True)


def _dm(patients: pd.DataFrame) -> pd.DataFrame:
    died = patients["status"].eq("2")
    return pd.DataFrame(
        {
            "STUDYID": STUDY,
            "DOMAIN": "DM",
            "USUBJID": patients["USUBJID"],
            "SUBJID": patients["SUBJID"],
            "SITEID": "MAYO",
            "AGE": patients["age"],
            "AGEU": "YEARS",
            "SEX": patients["sex"].str.upper(),
            "RACE": None,
            "COUNTRY": "USA",
            "ARMCD": patients["trt"].map({k: code for k, (code, _) in _ARMS.items()}),
            "ARM": patients["trt"].map({k: name for k, (_, name) in _ARMS.items()}),
            "ACTARMCD": None,
            "ACTARM": None,
            "ARMNRS": "EXPOSURE NOT RECORDED",
            "RFICDTC": patients["RANDDTC"],
            "RFSTDTC": patients["RANDDTC"],
            "RFXSTDTC": None,
            "RFXENDTC": None,
            "RFENDTC": patients["ENDDTC"],
            "DTHDTC": patients["ENDDTC"].where(died),
            "DTHFL": died.map({True: "Y", False: None}),
        }
    )


def _ds(patients: pd.DataFrame) -> pd.DataFrame:
    terms, decoded = ({status: end[i] for status, end in _ENDS.items()} for i in (0, 1))
    start, status = patients["RANDDTC"], patients["status"]
    records = (
        ("INFORMED CONSENT OBTAINED", "INFORMED CONSENT OBTAINED", "PROTOCOL MILESTONE", start),
        ("RANDOMIZED", "RANDOMIZED", "PROTOCOL MILESTONE", start),
        (status.map(terms), status.map(decoded), "DISPOSITION EVENT", patients["ENDDTC"]),
    )
    parts = [
        pd.DataFrame(
            {
                "STUDYID": STUDY,
                "DOMAIN": "DS",
                "USUBJID": patients["USUBJID"],
                "DSSEQ": sequence,
                "DSTERM": term,
                "DSDECOD": decod,
                "DSCAT": category,
                "DSSTDTC": date,
            }
        )
        for sequence, (term, decod, category, date) in enumerate(records, start=1)
    ]
    return pd.concat(parts).sort_values(["USUBJID", "DSSEQ"], ignore_index=True)


def _pr(patients: pd.DataFrame) -> pd.DataFrame:
    transplanted = patients[patients["status"].eq("1")].reset_index(drop=True)
    return pd.DataFrame(
        {
            "STUDYID": STUDY,
            "DOMAIN": "PR",
            "USUBJID": transplanted["USUBJID"],
            "PRSEQ": "1",
            "PRTRT": _TRANSPLANT,
            "PRDECOD": _TRANSPLANT,
            "PRSTDTC": transplanted["ENDDTC"],
        }
    )


def _lb(visits: pd.DataFrame) -> pd.DataFrame:
    found = _findings(visits, _LABORATORY)
    return pd.DataFrame(
        {
            "STUDYID": STUDY,
            "DOMAIN": "LB",
            "USUBJID": found["USUBJID"],
            "LBSEQ": found["sequence"],
            "LBTESTCD": found["code"],
            "LBTEST": found["name"],
            "LBCAT": found["category"],
            "LBORRES": found["value"],
            "LBORRESU": found["unit"],
            "LBORNRLO": None,
            "LBORNRHI": None,
            "LBSTAT": None,
            "LBREASND": None,
            "VISITNUM": found["VISITNUM"],
            "VISIT": found["VISIT"],
            "LBDTC": found["DTC"],
        }
    )


def _rs(visits: pd.DataFrame) -> pd.DataFrame:
    found = _findings(visits, _GRADES)
    return pd.DataFrame(
        {
            "STUDYID": STUDY,
            "DOMAIN": "RS",
            "USUBJID": found["USUBJID"],
            "RSSEQ": found["sequence"],
            "RSTESTCD": found["code"],
            "RSTEST": found["name"],
            "RSCAT": found["category"],
            "RSORRES": found["value"],
            "RSSTRESN": found["value"],
            "RSSTAT": None,
            "VISITNUM": found["VISITNUM"],
            "VISIT": found["VISIT"],
            "RSDTC": found["DTC"],
        }
    )


def _findings(visits: pd.DataFrame, tests: tuple[_Test, ...]) -> pd.DataFrame:
    """One row a recorded value, by patient, day and the order of the tests, numbered within the patient."""
    keys = visits[["USUBJID", "day_number", "VISITNUM", "VISIT", "DTC"]]
    parts = [
        keys.assign(
            code=t.code, name=t.name, category=t.category, unit=t.unit, value=visits[t.column], place=i
        )
        for i, t in enumerate(tests)
    ]
    found = pd.concat(parts).dropna(subset=["value"])
    found = found.sort_values(["USUBJID", "day_number", "place"], ignore_index=True)
    return found.assign(sequence=found.groupby("USUBJID").cumcount() + 1)


def _days(count: pd.Series) -> pd.Series:
    days: pd.Series = pd.to_timedelta(count.astype(int), unit="D")
    return days


def _iso(date: pd.Series) -> pd.Series:
    text: pd.Series = date.dt.strftime("%Y-%m-%d")
    return text


def main(arguments: list[str] | None = None) -> None:
    """Command line: ``SOURCE_FOLDER OUT_FOLDER``."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="python -m esld.data.mayo_pbc", description="Mayo PBC trial as SDTM tables."
    )
    parser.add_argument("source", type=Path, help="folder with pbc.csv and pbcseq.csv")
    parser.add_argument(
        "out", type=Path, help="new or empty folder for dm.csv, ds.csv, lb.csv, rs.csv and pr.csv"
    )
    chosen = parser.parse_args(arguments)
    missing = [name for name in ("pbc.csv", "pbcseq.csv") if not (chosen.source / name).is_file()]
    if missing:
        parser.error(f"{chosen.source} must hold {' and '.join(missing)}")
    with told_in_one_line():
        folder = empty_folder(chosen.out, command=parser.prog, inputs=[chosen.source])
        write_tables(convert(*read_source(chosen.source)), folder)


if __name__ == "__main__":
    main()


__all__ = ["convert", "randomisation_dates", "read_source"]
