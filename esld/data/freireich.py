"""The trial of 6-mercaptopurine of Freireich and others (1963) as SDTM tables, from the file that travels with lifelines.

``python -m esld.data.freireich SOURCE_FILE OUT_FOLDER`` reads ``anderson.csv`` and writes the tables that lie under
``esld/data/examples/freireich-6mp``. The file has weeks and no calendar date: every date here is fictitious.
"""

import hashlib
from pathlib import Path

import pandas as pd

from esld.data.tables import write_tables
from esld.errors import told_in_one_line
from esld.targets import empty_folder

STUDY = "FREIREICH-6MP"
FIRST_RANDOMISATION = pd.Timestamp("1959-04-01")
LAST_RANDOMISATION = pd.Timestamp("1960-03-31")
DAYS_OF_A_WEEK = 7

_COLUMNS = ["t", "status", "sex", "logWBC", "Rx"]
_ARMS = {"0": ("6MP", "6-Mercaptopurine"), "1": ("PLACEBO", "Placebo")}
_SEXES = {"0": "F", "1": "M"}
# How follow-up ended, by status.
_ENDS = {"0": "FOLLOW-UP IN THE FILE ENDS, IN REMISSION", "1": "FOLLOW-UP IN THE FILE ENDS AT RELAPSE"}


def read_source(file: Path) -> pd.DataFrame:
    """Read ``anderson.csv``, columns apart by blanks, as text, so that every number stays as the source prints it."""
    return pd.read_csv(file, sep=" ", dtype=str, keep_default_na=False)


def convert(source: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The 42 children as SDTM tables.

    Parameters
    ----------
    source : DataFrame
        One row a child, text as :func:`read_source` gives it: ``t`` in weeks, ``status`` 1 at a relapse, ``sex`` 1 of a boy,
        ``logWBC``, ``Rx`` 1 of placebo.

    Returns
    -------
    dict of str to DataFrame
        DM, DS, LB and CE, all text. Children are numbered as the file lists them. The day of randomisation is fictitious
        (:func:`randomisation_dates`); the end of remission or of follow-up is that day plus 7 days for each week of the source.

    Raises
    ------
    ValueError
        The columns are others.
    """
    if list(source.columns) != _COLUMNS:
        raise ValueError(f"the file must have the columns {_COLUMNS}, got {list(source.columns)}")
    children = _children(source)
    return {"DM": _dm(children), "DS": _ds(children), "LB": _lb(children), "CE": _ce(children)}


def randomisation_dates(subjects: pd.Series) -> pd.Series:
    """Fictitious days of randomisation: evenly over a year, in an order that has nothing to do with what happened.

    The file lists one group after the other, the longest time first; entry in that order would make a trend of it.

    Parameters
    ----------
    subjects : Series of str
        Subject identifiers, each once.

    Returns
    -------
    Series of Timestamp
        1 April 1959 to 31 March 1960, in the order of the SHA-256 of the identifiers.
    """
    order = subjects.map(lambda name: hashlib.sha256(name.encode()).hexdigest()).rank().astype(int)
    span = (LAST_RANDOMISATION - FIRST_RANDOMISATION).days
    return FIRST_RANDOMISATION + pd.to_timedelta((order - 1) * span // (len(order) - 1), unit="D")


def _children(source: pd.DataFrame) -> pd.DataFrame:
    number = pd.Series(range(1, len(source) + 1), source.index).map("{:02d}".format)
    subject = f"{STUDY}-" + number
    start = randomisation_dates(subject)
    end = start + pd.to_timedelta(source["t"].astype(int) * DAYS_OF_A_WEEK, unit="D")
    return source.assign(
        SUBJID=number,
        USUBJID=subject,
        RANDDTC=start.dt.strftime("%Y-%m-%d"),
        ENDDTC=end.dt.strftime("%Y-%m-%d"),
    )


def _dm(children: pd.DataFrame) -> pd.DataFrame:
    empty = dict.fromkeys(("SITEID", "AGE", "AGEU"))
    return pd.DataFrame(
        {
            "STUDYID": STUDY,
            "DOMAIN": "DM",
            "USUBJID": children["USUBJID"],
            "SUBJID": children["SUBJID"],
            **empty,
            "SEX": children["sex"].map(_SEXES),
            "RACE": None,
            "COUNTRY": "USA",
            "ARMCD": children["Rx"].map({rx: code for rx, (code, _) in _ARMS.items()}),
            "ARM": children["Rx"].map({rx: name for rx, (_, name) in _ARMS.items()}),
            "ACTARMCD": None,
            "ACTARM": None,
            "ARMNRS": "EXPOSURE NOT RECORDED",
            "RFICDTC": children["RANDDTC"],
            "RFSTDTC": children["RANDDTC"],
            "RFENDTC": children["ENDDTC"],
        }
    )


def _ds(children: pd.DataFrame) -> pd.DataFrame:
    start, end = children["RANDDTC"], children["ENDDTC"]
    records = (
        ("INFORMED CONSENT OBTAINED", "INFORMED CONSENT OBTAINED", "PROTOCOL MILESTONE", start),
        ("RANDOMIZED", "RANDOMIZED", "PROTOCOL MILESTONE", start),
        (children["status"].map(_ENDS), "COMPLETED", "DISPOSITION EVENT", end),
    )
    parts = [
        pd.DataFrame(
            {
                "STUDYID": STUDY,
                "DOMAIN": "DS",
                "USUBJID": children["USUBJID"],
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


def _lb(children: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "STUDYID": STUDY,
            "DOMAIN": "LB",
            "USUBJID": children["USUBJID"],
            "LBSEQ": 1,
            "LBTESTCD": "LOGWBC",
            "LBTEST": "Logarithm of Leukocytes",
            "LBCAT": "HEMATOLOGY",
            "LBORRES": children["logWBC"],
            "LBORRESU": "log",
            "VISITNUM": 0,
            "VISIT": "BASELINE",
            "LBDTC": children["RANDDTC"],
        }
    )


def _ce(children: pd.DataFrame) -> pd.DataFrame:
    relapsed = children[children["status"].eq("1")].reset_index(drop=True)
    return pd.DataFrame(
        {
            "STUDYID": STUDY,
            "DOMAIN": "CE",
            "USUBJID": relapsed["USUBJID"],
            "CESEQ": 1,
            "CETERM": "RELAPSE",
            "CEDECOD": "RELAPSE",
            "CECAT": "RELAPSE OF LEUKAEMIA",
            "CEPRESP": "Y",
            "CEOCCUR": "Y",
            "CESTDTC": relapsed["ENDDTC"],
        }
    )


def main(arguments: list[str] | None = None) -> None:
    """Command line: ``SOURCE_FILE OUT_FOLDER``."""
    import argparse

    parser = argparse.ArgumentParser(
        prog="python -m esld.data.freireich", description="Trial of 6-mercaptopurine as SDTM tables."
    )
    parser.add_argument("source", type=Path, help="anderson.csv, as lifelines has it")
    parser.add_argument("out", type=Path, help="new or empty folder for dm.csv, ds.csv, lb.csv and ce.csv")
    chosen = parser.parse_args(arguments)
    if not chosen.source.is_file():
        parser.error(f"{chosen.source} must be a file")
    with told_in_one_line():
        folder = empty_folder(chosen.out, command=parser.prog, inputs=[chosen.source])
        write_tables(convert(read_source(chosen.source)), folder)


if __name__ == "__main__":
    main()


__all__ = ["convert", "randomisation_dates", "read_source"]
