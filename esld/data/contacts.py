"""Signs of life: every dated record that shows a patient alive, and the last of them."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from esld.data import dates, deaths
from esld.data.sdtm import DOMAINS, Domain, Tables, date_columns

# Medical history is of before the trial; an eligibility form and the details of a death are dated when somebody filled them in.
_NO_CONTACT = ("MH", "IE", "DD")
_OF_SUBJECT = ("RFICDTC", "RFSTDTC", "RFXSTDTC", "RFXENDTC", "RFENDTC", "RFPENDTC")
# What may have been closed because the patient died: no sign of life on the day of the death itself.
_ENDS = ("RFXENDTC", "RFENDTC", "RFPENDTC")
_COLUMNS = ["USUBJID", "day", "domain", "variable", "seq"]


def signs_of_life(tables: Tables, died: pd.DataFrame | None = None) -> pd.DataFrame:
    """Every dated sign of life.

    The start and the end of every record is one: visits, samples, examinations, treatments, events and their ends, dispositions,
    a status that says ALIVE, and the reference dates of DM; not medical history, eligibility, or the death itself. A partial date
    shows life on its first possible day. What lies after the death is none; nor is an end on its day, which the death may have
    brought. What is planned has no date in SDTM, and what lies after a cut-off is no longer in the tables of a cut.

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables after the cut, with canonical codes.
    died : DataFrame, optional
        What :func:`esld.data.deaths.died` finds in them, where it is known.

    Returns
    -------
    DataFrame
        ``USUBJID day domain variable seq``; the domains in the order of :data:`esld.data.sdtm.DOMAINS` but DM last, whose dates
        others have been the source of; within a domain the start before the end.
    """
    died = deaths.died(tables) if died is None else died
    parts = [part for name in [*(n for n in DOMAINS if n != "DM"), "DM"] for part in _of_domain(name, tables)]
    if not parts:
        return pd.DataFrame(columns=_COLUMNS, dtype=object).astype({"day": "datetime64[ns]"})
    found = pd.DataFrame({column: np.concatenate([part[column] for part in parts]) for column in parts[0]})
    last = found["USUBJID"].map(died["last"])
    known_day = ~found["USUBJID"].map(died["partial"]).eq(True)
    of_death = found["end"] & known_day & found["day"].eq(last)
    return found.loc[~(found["day"] > last) & ~of_death, _COLUMNS].reset_index(drop=True)


def last_contact(tables: Tables, died: pd.DataFrame | None = None) -> pd.DataFrame:
    """The last sign of life of each patient, indexed by ``USUBJID``; of several on one day the first in their order."""
    ordered = signs_of_life(tables, died).sort_values("day", ascending=False, kind="stable")
    return ordered.drop_duplicates("USUBJID").set_index("USUBJID")


def _of_domain(name: str, tables: Tables) -> Iterator[dict[str, "np.ndarray[Any, Any]"]]:
    """Of each dated variable the columns of its signs; as arrays, of which there are many, and few rows in each."""
    table = tables.get(name)
    if table is None or table.empty or name in _NO_CONTACT:
        return
    domain = DOMAINS[name]
    if name == "DS":
        table = table[table["DSDECOD"].ne("DEATH")]
    if name == "SS":  # that nobody could be reached is no sign of life
        table = table[deaths.status(table, "ALIVE")]
    for column in (c for c in _variables(domain) if c in table):
        day = dates.earliest(table[column]).to_numpy()
        dated = np.flatnonzero(~np.isnat(day))
        if not len(dated):
            continue
        number = np.full(len(table), None) if name == "DM" else table[domain.sequence].to_numpy(object)
        yield {
            "USUBJID": table["USUBJID"].to_numpy(object)[dated],
            "day": day[dated],
            "domain": np.full(len(dated), name, dtype=object),
            "variable": np.full(len(dated), column, dtype=object),
            "seq": number[dated],
            "end": np.full(len(dated), column == domain.end or column in _ENDS),
        }


def _variables(domain: Domain) -> tuple[str, ...]:
    return _OF_SUBJECT if domain.name == "DM" else date_columns(domain)
