"""Death: every form that states one, and the day that counts.

Demographics, disposition, events, subject status and death details state a death each in its own way, and a form that was not
brought up to date is no sign of life. Whoever one form calls dead is dead, from the earliest whole date that any of them gives.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import pandas as pd

from esld.data import dates
from esld.longform import stacked

if TYPE_CHECKING:
    from esld.data.sdtm import Tables

# What states a death: by domain, its words in a listing, the variable that dates it, and which records do.
FORMS: Mapping[str, str] = {
    "DM": "Death (demographics)",
    "DS": "Death (disposition)",
    "AE": "Death (fatal adverse event)",
    "CE": "Death (fatal clinical event)",
    "SS": "Death (subject status)",
    "DD": "Death (death details)",
}
# SS and DD are dated when somebody asked, which is no day of death.
_DATES: Mapping[str, str] = {
    "DM": "DTHDTC",
    "DS": "DSSTDTC",
    "AE": "AEENDTC",
    "CE": "CEENDTC",
    "SS": "",
    "DD": "",
}
_COLUMNS = ["USUBJID", "form", "record", "variable", "seq", "row", "first", "last", "partial", "wrong"]


def fatal(ae: pd.DataFrame) -> pd.Series:
    """Whether each adverse event ended in death: its outcome, seriousness, grade or severity says so; any of them is enough."""
    return _fatal(ae, "AE") | _says(ae, "AESDTH", "Y")


def _fatal(table: pd.DataFrame, name: str) -> pd.Series:
    graded = _says(table, f"{name}TOXGR", "5") | _says(table, f"{name}SEV", "FATAL")
    return _says(table, f"{name}OUT", "FATAL") | graded


def _stated(table: pd.DataFrame) -> pd.Series:
    dated = table["DTHDTC"].notna() if "DTHDTC" in table else False
    return _says(table, "DTHFL", "Y") | dated


def _disposition(table: pd.DataFrame) -> pd.Series:
    return _says(table, "DSDECOD", "DEATH")


def status(ss: pd.DataFrame, what: str) -> pd.Series:
    """Whether each record of subject status says of the survival that it is so: ALIVE or DEAD."""
    return _says(ss, "SSTESTCD", "SURVSTAT") & (_says(ss, "SSSTRESC", what) | _says(ss, "SSORRES", what))


_STATES: Mapping[str, Callable[[pd.DataFrame], pd.Series]] = {
    "DM": _stated,
    "DS": _disposition,
    "AE": fatal,
    "CE": lambda table: _fatal(table, "CE"),
    "SS": lambda table: status(table, "DEAD"),
    "DD": lambda table: table["USUBJID"].notna(),
}


def _says(table: pd.DataFrame, column: str, value: str) -> pd.Series:
    return table[column].eq(value) if column in table else pd.Series(False, table.index)


def statements(tables: "Tables") -> pd.DataFrame:
    """Every statement of a death.

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables with canonical codes; a domain or variable that is not there states nothing.

    Returns
    -------
    DataFrame
        One row a statement: ``USUBJID``; ``form``, a key of :data:`FORMS`; ``record`` (``DM``, ``DS 3``); ``variable`` and
        ``seq``, which date it and where; ``row``, its index label; ``first`` and ``last``, the days that its date can mean,
        missing without one; ``partial``; ``wrong`` where it is no date. In order of form, as :data:`FORMS`, then of the table.
    """
    parts = []
    for form, states in _STATES.items():
        table = tables.get(form)
        if table is None or table.empty or "USUBJID" not in table:
            continue
        own = table[states(table)]
        if own.empty:
            continue  # as nearly always
        none = pd.Series(None, own.index, dtype=object)
        seq = own.get(f"{form}SEQ", none) if form != "DM" else none
        day = own.get(_DATES[form], none)
        parts.append(
            pd.DataFrame(
                {
                    "USUBJID": own["USUBJID"],
                    "form": form,
                    "record": form
                    if form == "DM"
                    else form + seq.map(lambda number: "" if pd.isna(number) else f" {number}"),
                    "variable": _DATES[form],
                    "seq": seq,
                    "row": own.index,
                    "first": dates.earliest(day),
                    "last": dates.latest(day),
                    "partial": dates.is_partial(day),
                    "wrong": ~dates.is_iso(day),
                }
            )
        )
    if not parts:
        empty = pd.DataFrame(columns=_COLUMNS, dtype=object)
        return empty.astype(
            {"first": "datetime64[ns]", "last": "datetime64[ns]", "partial": bool, "wrong": bool}
        )
    return stacked(parts)


def died(tables: "Tables", stated: pd.DataFrame | None = None) -> pd.DataFrame:
    """The statement that dates each death.

    Parameters
    ----------
    tables : dict of str to DataFrame
        As for :func:`statements`.
    stated : DataFrame, optional
        What that finds in them, where it is known.

    Returns
    -------
    DataFrame
        One row of :func:`statements` for each patient whom any form calls dead, indexed by ``USUBJID``: of its whole dates the
        earliest, else of its partial ones the most exact and then the earliest, and on one day the first form. A statement
        without a date takes that of another; ``first`` is missing where none has one.
    """
    found = statements(tables) if stated is None else stated
    if found.empty:
        return found[_COLUMNS].set_index("USUBJID")
    months = (found["last"] - found["first"]).dt.days // 31  # 0 for a day or a month, 11 for a year
    ranked = found.assign(_undated=found["first"].isna(), _width=months)
    ranked = ranked.sort_values(["_undated", "partial", "_width", "first"], kind="stable")
    return ranked[_COLUMNS].drop_duplicates("USUBJID").set_index("USUBJID").sort_index()


def undated(tables: "Tables") -> pd.DataFrame:
    """Rows of :func:`statements` of patients of whom no form gives a day, nor a date that is none, which is a fault by itself."""
    found = statements(tables)
    given = found["first"].notna() | found["wrong"]
    return found[~given.groupby(found["USUBJID"]).transform("any")]
