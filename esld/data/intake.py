"""From the files of an export to the tables that a cut may see, and the account of what was not understood on the way.

One road for a run, for the editor and for ``esld check``: read, correct, standardise, show what the view holds.
"""

from dataclasses import dataclass, field
from functools import partial

import pandas as pd

from esld.data import dates, sdtm, standard, views
from esld.data.cutfile import View
from esld.data.overrides import Override, Overrides
from esld.data.pseudonyms import pseudonym
from esld.errors import InputError
from esld.longform import stacked
from esld.protocol import Protocol


@dataclass(frozen=True)
class Intake:
    """What a view shows of an export, before validation and cut.

    Attributes
    ----------
    tables : dict of str to DataFrame
        In codes; see :func:`esld.data.standard.standardise`.
    protocol : Protocol
        With the arms of the view.
    aside, coding : DataFrame
        Records that are not analysed, and what each word was taken for, without what the view does not load.
    exported : dict of str to int
        Records by domain, as read; of EX in a view that hides the arms those that it shows.
    files : DataFrame
        What lies in the export: ``file sheet domain records use why`` (:func:`esld.data.reading.read_export`), in such a view
        without what would count the records of EX.
    overrides : Overrides
        The recorded corrections of what the view shows; none in a masked view, where each is of a single patient.
    faults : tuple of InputError
        Words that nobody knows.
    key : bytes or None
        Of the pseudonyms of a masked view.
    numbers : dict of str to str
        Study numbers by pseudonym; empty where the tables hold them themselves. No study holds them.
    entry : tuple of str
        Pseudonyms in the order of entry; see :func:`esld.data.views.order_of_entry`.
    """

    tables: sdtm.Tables
    protocol: Protocol
    aside: pd.DataFrame
    coding: pd.DataFrame
    exported: dict[str, int]
    files: pd.DataFrame
    overrides: Overrides
    faults: tuple[InputError, ...]
    key: bytes | None = field(default=None, repr=False)
    numbers: dict[str, str] = field(default_factory=dict, repr=False)
    entry: tuple[str, ...] = ()

    def query_id(self, id: str) -> str:
        """The id of a query as the view shows it: a masked one must not lead to the study number in another list of queries."""
        return id if self.key is None else pseudonym(id, self.key, "Q")

    def with_ids(self, queries: pd.DataFrame) -> pd.DataFrame:
        """Queries with the ids that the view shows."""
        return queries.assign(id=queries["id"].map(self.query_id).astype(object))

    @property
    def numbering(self) -> pd.DataFrame:
        """``domain``, ``USUBJID`` and ``number`` of every record that has a number, those set aside too."""
        return numbering(self.tables, self.aside)

    def aside_by(self, cutoff: pd.Timestamp, tables: sdtm.Tables) -> pd.DataFrame:
        """The records of ``aside`` that a cut knows: of its patients, and not dated after the cut-off."""
        known = set(tables["DM"]["USUBJID"])
        later = dates.earliest(self.aside["date"]) > cutoff
        return self.aside[self.aside["USUBJID"].isin(known) & ~later].reset_index(drop=True)


def numbering(tables: sdtm.Tables, aside: pd.DataFrame) -> pd.DataFrame:
    """See :attr:`Intake.numbering`."""
    rows = [aside[["domain", "USUBJID", "seq"]]]
    for name, table in tables.items():
        if name != "DM" and (sequence := sdtm.DOMAINS[name].sequence) in table:
            own = {"domain": name, "USUBJID": table["USUBJID"], "seq": table[sequence]}
            rows.append(pd.DataFrame(own, dtype=object))
    found = stacked(rows)
    found["number"] = pd.to_numeric(found["seq"], errors="coerce")
    return found.dropna(subset=["number"]).drop_duplicates(["domain", "USUBJID", "number"])


def take_in(
    tables: sdtm.Tables,
    files: pd.DataFrame,
    protocol: Protocol,
    view: View,
    corrections: tuple[Override, ...] = (),
    *,
    key: bytes | None = None,
) -> Intake:
    """Standardise corrected tables and show what a view holds of them.

    Parameters
    ----------
    tables : dict of str to DataFrame
        As read, after the recorded corrections.
    files : DataFrame
        See `Intake`.
    protocol : Protocol
        The trial's own.
    view : {"unblinded", "masked", "blinded"}
    corrections : tuple of Override
        Those that were applied.
    key : bytes, optional
        Of the pseudonyms of a masked view, which needs one.

    Raises
    ------
    esld.errors.InputErrors
        The protocol's codes are wrong, or it needs what the view does not load.
    """
    made = standard.standardise(tables, protocol)
    loads = partial(views.loads, view=view)
    faults = [
        fault if loads(*fault.subject.split(".")) else standard.unseen(fault)
        for fault in standard.unknown_codes(made, tables, protocol)
    ]
    shown, seen_protocol = views.seen(made.tables, protocol, view, key)
    named = views.names(made.tables, view, key)
    visible = [loads(d, v) for d, v in zip(made.coding["domain"], made.coding["variable"], strict=True)]
    hidden = made.aside["domain"].eq("EX") & (view != "unblinded")
    exported = {name: len(table) for name, table in tables.items()}
    if view != "unblinded" and "EX" in shown:  # what the view does not hold, its account does not count
        exported["EX"] = len(shown["EX"])
    aside = made.aside[~hidden].reset_index(drop=True)
    if named:
        views.rename(aside, named)
    told = Overrides(corrections).of(partial(views.tells_correction, view=view))
    return Intake(
        shown,
        seen_protocol,
        aside,
        made.coding[visible].reset_index(drop=True),
        exported,
        views.counts(files, view),
        told,
        tuple(faults),
        key if view == "masked" else None,
        {pseudonym: number for number, pseudonym in named.items()},
        views.order_of_entry(made.tables, named),
    )
