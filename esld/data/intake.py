"""From the files of an export to the tables that a cut may see, and the account of what was not understood on the way.

One road for a run, for the editor and for ``esld check``: read, correct, standardise, show what the view holds.
"""

from dataclasses import dataclass
from functools import partial

import pandas as pd

from esld.data import dates, sdtm, standard, views
from esld.data.cutfile import View
from esld.data.overrides import Override, Overrides
from esld.errors import InputError
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
        Records by domain, as read; without those of EX that a view which hides the arms sets aside.
    files : DataFrame
        What lies in the export: ``file sheet domain records use why`` (:func:`esld.data.reading.read_export`).
    overrides : Overrides
        The recorded corrections of what the view shows.
    faults : tuple of InputError
        Words that nobody knows.
    """

    tables: sdtm.Tables
    protocol: Protocol
    aside: pd.DataFrame
    coding: pd.DataFrame
    exported: dict[str, int]
    files: pd.DataFrame
    overrides: Overrides
    faults: tuple[InputError, ...]

    def aside_by(self, cutoff: pd.Timestamp, tables: sdtm.Tables) -> pd.DataFrame:
        """The records of ``aside`` that a cut knows: of its patients, and not dated after the cut-off."""
        known = set(tables["DM"]["USUBJID"])
        later = dates.earliest(self.aside["date"]) > cutoff
        return self.aside[self.aside["USUBJID"].isin(known) & ~later].reset_index(drop=True)


def take_in(
    tables: sdtm.Tables,
    files: pd.DataFrame,
    protocol: Protocol,
    view: View,
    corrections: tuple[Override, ...] = (),
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
    shown, seen_protocol = views.seen(made.tables, protocol, view)
    visible = [loads(d, v) for d, v in zip(made.coding["domain"], made.coding["variable"], strict=True)]
    hidden = made.aside["domain"].eq("EX") & (view != "unblinded")
    exported = {name: len(table) for name, table in tables.items()}
    if hidden.any():  # what the view does not hold, its account does not count
        exported["EX"] -= int(hidden.sum())
    aside = made.aside[~hidden]
    return Intake(
        shown,
        seen_protocol,
        aside.reset_index(drop=True),
        made.coding[visible].reset_index(drop=True),
        exported,
        files,
        Overrides(corrections).of(loads),
        tuple(faults),
    )
