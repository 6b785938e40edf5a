"""What an export holds that a protocol can be drafted from: its tables in the usual codes, and the days of each patient."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from esld.data import dates, sdtm
from esld.data.codes import usual_code
from esld.data.declared import Reading
from esld.data.mapping import map_source
from esld.data.reading import Tables, read_export
from esld.data.template import is_template
from esld.errors import InputError, InputErrors

DESIGN = ("TA", "TV", "TI", "TS")  # tables of the trial's design, which no analysis reads
_CODED: tuple[str, ...] = (
    "ARMCD",
    "ACTARMCD",
    "DSDECOD",
    "PRDECOD",
    "LBTESTCD",
    "RSTESTCD",
    "LBSPEC",
    "DTHFL",
)
_CODED += ("AEOUT", "AESDTH", "AETOXGR", "AESEV", "CEOUT", "SSTESTCD", "SSORRES", "SSSTRESC", "SEX")


@dataclass(frozen=True)
class Found:
    """An export as a draft sees it.

    Attributes
    ----------
    tables : dict of str to DataFrame
        By domain, only what was done and did occur; the words of `_CODED` are codes.
    name : str
        What the export is called.
    """

    tables: Tables
    name: str

    def column(self, name: str, variable: str) -> pd.Series:
        """A variable of a domain; empty where there is none."""
        table = self.tables.get(name)
        return table[variable] if table is not None and variable in table else pd.Series(dtype=object)

    def texts(self, name: str, variable: str) -> list[str]:
        """The values of a variable, each once, the most frequent first."""
        counts = self.column(name, variable).dropna().value_counts(sort=False)
        return [str(value) for value in counts.sort_values(ascending=False, kind="stable").index]

    def records(self, name: str, *variables: str) -> pd.DataFrame:
        """Records of a domain that have the variables; without records where there is no such domain or variable."""
        table = self.tables.get(name)
        if table is None or not {"USUBJID", *variables} <= set(table):
            return pd.DataFrame(columns=["USUBJID", *variables], dtype=object)
        return table.dropna(subset=["USUBJID"])

    @cached_property
    def randomised(self) -> pd.Series:
        """The day of randomisation by patient, as DS has it."""
        ds = self.records("DS", "DSDECOD", "DSSTDTC")
        return _first(ds[ds["DSDECOD"].eq("RANDOMIZED")], "DSSTDTC")

    @cached_property
    def treated(self) -> pd.Series:
        """The day of the first administration by patient."""
        return _first(self.records("EX", "EXSTDTC"), "EXSTDTC")

    @cached_property
    def anchor(self) -> pd.Series:
        """Day 1 by patient: of the first administration, else of randomisation."""
        return self.treated.combine_first(self.randomised)

    def study_day(self, table: pd.DataFrame, date: str) -> pd.Series:
        """The study day of each record, without day 0; missing where its date or the anchor is not known."""
        elapsed = (dates.whole(table[date]) - table["USUBJID"].map(self.anchor)).dt.days
        return elapsed + elapsed.ge(0)


def _first(table: pd.DataFrame, date: str) -> pd.Series:
    return dates.whole(table[date]).groupby(table["USUBJID"]).min().dropna().astype("datetime64[ns]")


def find(data: Path, mapping: Path | None, how: Reading) -> Found:
    """Read an export as :func:`esld.data.sdtm.read_export` does, with the tables of the trial's design.

    Raises
    ------
    esld.errors.InputError
        There is no export, something of it cannot be read, or it names no patient with an arm.
    """
    if mapping is not None:
        made = map_source(data, mapping, how)
        if made.faults:
            raise InputErrors(made.faults)
        tables = made.tables
    elif is_template(data):
        rule = "must be an export: a workbook of 'esld template' has a protocol, of which it was made"
        raise InputError(str(data), rule, remedy="Use that one.")
    else:
        export = read_export(data, [*sdtm.DOMAINS, *DESIGN], how)
        if export.faults:
            raise InputErrors(fault.error for fault in export.faults)
        tables = export.tables
    for name, variables in (("DM", ("USUBJID", "ARMCD")), ("DS", ("USUBJID", "DSDECOD", "DSSTDTC"))):
        if name not in tables:
            raise InputError(f"domain {name}", "must be present", None, str(data), "Export it too.")
        for variable in variables:
            if variable not in tables[name]:
                where = str(tables[name].attrs["file"])
                raise InputError(f"{name}.{variable}", "must be a column", None, where, "Export it too.")
    found = Found({name: _coded(name, table) for name, table in tables.items()}, data.name)
    if not len(found.column("DM", "ARMCD").dropna()):
        where, remedy = str(tables["DM"].attrs["file"]), "Export it with the arms."
        raise InputError("DM.ARMCD", "must name the arm of a patient", "none", where, remedy)
    return found


def _coded(name: str, table: pd.DataFrame) -> pd.DataFrame:
    made = table.copy()
    for variable in _CODED:
        if variable in made:
            words = {value: usual_code(variable, value) for value in made[variable].dropna().unique()}
            made[variable] = made[variable].map(words)
    done = pd.Series(True, made.index)
    for variable, no in ((f"{name}STAT", ("NOT DONE",)), (f"{name}OCCUR", ("N", "U", "NA"))):
        if variable in made:
            words = {value: usual_code(variable, value) for value in made[variable].dropna().unique()}
            done &= ~made[variable].map(words).isin(no)
    return made[done]
