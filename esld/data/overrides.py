"""Recorded corrections: cells of an export that are read as something else, with who, when and why.

An export is never edited by hand. A file ``overrides.yaml`` beside its tables says what is corrected; it is applied as the
tables are read, before they are validated and cut.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from esld.data import days
from esld.data.codes import CodeList, fold, list_of
from esld.data.cutfile import OVERRIDES
from esld.data.reading import Tables
from esld.errors import InputError, InputErrors, did_you_mean
from esld.yamlfile import read_model

Allowed = Callable[[str, str], bool]
UNTOLD = "…"  # in the place of what somebody typed
_NUMBER = re.compile(r"[0-9]+([.,][0-9]+)?")


def _text(value: object) -> object:
    """YAML reads 007 as 7, 1.20 as 1.2 and NO as false: what is compared with a cell is written as text."""
    if not isinstance(value, str):
        raise ValueError("must be text in quotes")
    return value.strip()


def _text_or_empty(value: object) -> object:
    return (_text(value) or None) if value is not None else None


Text = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Cell = Annotated[str | None, BeforeValidator(_text_or_empty)]


class Override(BaseModel):
    """One corrected cell: the record (``domain``, ``key``), the variable, the value before and after, who, when and why.

    ``key`` names variables and values that only this record has: ``USUBJID``, and where a subject has several records ``LBSEQ``
    or another. ``old`` and ``new`` are the cell's text; ``null`` is an empty cell.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    domain: Text
    key: Annotated[dict[Text, Text], Field(min_length=1)]
    variable: Text
    old: Cell
    new: Cell
    who: Text
    when: Text
    why: Text

    @property
    def key_after(self) -> dict[str, str]:
        """The key by which the record is found once it is corrected."""
        return {name: self.new or "" if name == self.variable else value for name, value in self.key.items()}


class OverrideFile(BaseModel):
    """What ``overrides.yaml`` holds: the corrections, in the order in which they are applied."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    overrides: tuple[Override, ...]


@dataclass(frozen=True)
class Overrides:
    """The corrections that a reader may see, and how many there are besides.

    Attributes
    ----------
    shown : tuple of Override
        In the order in which they were applied; in a view that hides the arms :meth:`without_words`.
    hidden : int
        Corrections that were applied as well, of what the cut does not show; not counted in such a view.
    """

    shown: tuple[Override, ...] = ()
    hidden: int = 0

    def of(self, allowed: Allowed) -> "Overrides":
        """Without the corrections that touch a variable for which ``allowed(domain, variable)`` is false.

        The variables of a key count as well, because the table of corrections shows them.
        """
        kept = [o for o in self.shown if all(allowed(o.domain, name) for name in (o.variable, *o.key))]
        return Overrides(tuple(kept), self.hidden + len(self.shown) - len(kept))

    def within(self, tables: Tables) -> "Overrides":
        """Without the corrections of what the tables after the cut no longer hold: news of a later day.

        A record that is gone, or a cell that the cut has blanked, hides its corrections.
        """
        kept = [o for o in self.shown if _holds(tables, o)]
        return Overrides(tuple(kept), self.hidden + len(self.shown) - len(kept))

    def without_words(self, lists: Mapping[str, CodeList]) -> "Overrides":
        """Without whatever somebody typed: the reasons, and each cell that is no number, date or word of a code list.

        Parameters
        ----------
        lists : mapping of str to CodeList
            See :func:`esld.data.codes.code_lists`.

        Returns
        -------
        Overrides
            ``why`` is empty, and :data:`UNTOLD` stands in the place of such a cell, but for the patient in the key. What is
            hidden is not counted: it may be what was given.
        """
        return Overrides(tuple(_without_words(each, lists) for each in self.shown))


def _without_words(correction: Override, lists: Mapping[str, CodeList]) -> Override:
    def told(variable: str, cell: str | None) -> str | None:
        entry = list_of(lists, variable)
        coded = cell is not None and entry is not None and fold(cell) in entry.codes
        return cell if cell is None or coded or days.is_date(cell) or _NUMBER.fullmatch(cell) else UNTOLD

    key = {name: cell if name == "USUBJID" else told(name, cell) for name, cell in correction.key.items()}
    cells = {side: told(correction.variable, getattr(correction, side)) for side in ("old", "new")}
    return correction.model_copy(update={"key": key, **cells, "why": ""})


def read_overrides(path: Path) -> tuple[Override, ...]:
    """Read ``overrides.yaml``.

    Parameters
    ----------
    path : Path
        The file, UTF-8: one key ``overrides`` with a list.

    Returns
    -------
    tuple of Override
        In the order of the file.

    Raises
    ------
    esld.errors.InputError
        No such file, no YAML, a key missing or mistyped, a value that is not text, ``when`` no day, or a new value
        that is the old one.
    """
    corrections = read_model(OverrideFile, path).overrides
    faults = []
    for number, correction in enumerate(corrections, 1):
        where = f"{path.name}, correction {number}"
        if not days.is_day(correction.when):
            rule = "must be a calendar day written YYYY-MM-DD"
            faults.append(InputError("key 'when'", rule, correction.when, where, "Correct it."))
        if correction.new == correction.old:
            remedy = "Correct it or remove the correction."
            faults.append(InputError("key 'new'", "must not be the old value", correction.new, where, remedy))
    if faults:
        raise InputErrors(faults)
    return corrections


def apply_overrides(
    tables: Tables, corrections: Sequence[Override], *, file: str = OVERRIDES, fitting: bool = False
) -> Tables:
    """Correct the tables, one correction after the other.

    Parameters
    ----------
    tables : dict of str to DataFrame
        As read from the export; not modified.
    corrections : sequence of Override
        See :func:`read_overrides`. A later one meets what an earlier one left.
    file : str
        What an error calls the file.
    fitting : bool
        Whether to leave out what does not fit, of an earlier export; what it numbers otherwise fits by what it holds.

    Returns
    -------
    dict of str to DataFrame
        New tables where something is corrected, the same objects elsewhere.

    Raises
    ------
    esld.errors.InputErrors
        An unknown domain or variable, a key that fits no record or several, or a cell that does not hold the old
        value: all of them at once.
    """
    result, faults = dict(tables), []
    for number, correction in enumerate(corrections, 1):
        fault = _fault(result, correction, f"{file}, correction {number}")
        if fault is not None and fitting and correction.old is not None:  # it may be numbered otherwise
            key = {name: cell for name, cell in correction.key.items() if name != f"{correction.domain}SEQ"}
            correction = correction.model_copy(update={"key": key | {correction.variable: correction.old}})
            fault = _fault(result, correction, "")
        if fault is not None:
            faults.append(fault)
            continue
        table = result[correction.domain].copy()
        table.loc[_matches(table, correction.key), correction.variable] = correction.new
        result[correction.domain] = table
    if faults and not fitting:
        raise InputErrors(faults)
    return result


def _fault(tables: Tables, correction: Override, where: str) -> InputError | None:
    """Why a correction cannot be applied, or ``None``."""
    name = correction.domain
    if name not in tables:
        return InputError(
            "key 'domain'", "must be a domain of the data", name, where, did_you_mean(name, tables)
        )
    table = tables[name]
    for column in (correction.variable, *correction.key):
        if column not in table:
            remedy = did_you_mean(column, map(str, table.columns))
            return InputError(f"{name}.{column}", "must be a column", None, where, remedy)
    if "USUBJID" not in correction.key:
        return InputError("key 'key'", "must name the USUBJID", None, where, "Add it.")
    found = table.loc[_matches(table, correction.key), correction.variable]
    told = ", ".join(f"{key} {value}" for key, value in correction.key.items())
    if found.empty:
        return InputError("key 'key'", f"must fit a record of {name}", told, where, "Correct the key.")
    if len(found) > 1:
        rule, remedy = f"must fit one record of {name}", "Add a variable that tells them apart."
        return InputError("key 'key'", rule, f"{len(found)} records with {told}", where, remedy)
    held = None if pd.isna(found.iloc[0]) else str(found.iloc[0])
    if held != correction.old:
        rule = f"must be {in_words(correction.old)} for {told}, as the correction says"
        remedy = (  # whoever overwrote 'old' of records that are numbered otherwise now would alter another one
            "Is it the same record still? If so correct 'old', or remove the correction if the export has been corrected; "
            "if not, correct the key."
        )
        return InputError(f"{name}.{correction.variable}", rule, in_words(held), where, remedy)
    return None


def in_words(cell: str | None) -> str:
    """A cell as an error tells it."""
    return "empty" if cell is None else repr(cell)


def _matches(table: pd.DataFrame, key: dict[str, str]) -> "pd.Series[Any]":
    found = pd.Series(True, table.index)
    for column, value in key.items():
        found &= table[column].eq(value)
    return found


def _holds(tables: Tables, correction: Override) -> bool:
    table, key = tables.get(correction.domain), correction.key_after
    if table is None or not {correction.variable, *key} <= set(table.columns):
        return False
    cells = table.loc[_matches(table, key), correction.variable]
    return bool(len(cells)) and (correction.new is None or bool(cells.notna().any()))
