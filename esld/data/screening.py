"""Repeated screening: a patient who failed, or left, before the trial began may be screened again under the same id."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from esld.data import dates

if TYPE_CHECKING:
    from esld.data.sdtm import Tables


def randomised_on(tables: "Tables") -> pd.Series:
    """The day of randomisation of each patient who was randomised, by ``USUBJID``; of several the earliest."""
    ds = tables["DS"]
    chosen = ds[ds["DSDECOD"].eq("RANDOMIZED")]
    return dates.earliest(chosen["DSSTDTC"]).groupby(chosen["USUBJID"]).min()


def consents(tables: "Tables") -> pd.DataFrame:
    """Every consent of DS: ``USUBJID`` and ``DSSTDTC``."""
    ds = tables["DS"]
    return ds.loc[ds["DSDECOD"].eq("INFORMED CONSENT OBTAINED"), ["USUBJID", "DSSTDTC"]]


def first_consent(tables: "Tables", read: Callable[[pd.Series], pd.Series] = dates.earliest) -> pd.Series:
    """The day of consent of each row of DM, missing without RFICDTC.

    Who is screened again, or agrees to an amendment, consents again. Where DM has the date of such a consent, because DS has it
    and an earlier one, the first of DS counts.

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables.
    read : callable
        :func:`esld.data.dates.earliest` or :func:`esld.data.dates.latest`: what a partial date means.
    """
    dm, signed = tables["DM"], consents(tables)
    stated = read(dm["RFICDTC"])
    own = pd.DataFrame({"USUBJID": signed["USUBJID"], "day": read(signed["DSSTDTC"])})
    known = set(own.itertuples(index=False, name=None))
    again = [pair in known for pair in zip(dm["USUBJID"], stated, strict=True)]
    first = dm["USUBJID"].map(own.groupby("USUBJID")["day"].min())
    return stated.mask(pd.Series(again, dm.index, dtype=bool), first)


def of_earlier_screening(tables: "Tables") -> "pd.Series[bool]":
    """Whether a record of DS ended a screening that was followed by another one, and so ended no participation.

    It is a screen failure not after the randomisation, or any end but a death before a later consent that is not after it.

    Returns
    -------
    Series of bool
        Aligned with DS.
    """
    dm, ds, randomised, agreed = tables["DM"], tables["DS"], randomised_on(tables), consents(tables)
    day, ended = (
        dates.earliest(ds["DSSTDTC"]),
        ds["DSCAT"].eq("DISPOSITION EVENT") & ds["DSDECOD"].ne("DEATH"),
    )
    failed = ds["DSDECOD"].eq("SCREEN FAILURE") & (day <= ds["USUBJID"].map(randomised))
    who = pd.Series(np.concatenate([agreed["USUBJID"], dm["USUBJID"]]), dtype=object)
    on = dates.earliest(pd.Series(np.concatenate([agreed["DSSTDTC"], dm["RFICDTC"]]), dtype=object))
    on = on.mask(on > who.map(randomised))
    again = day < ds["USUBJID"].map(on.groupby(who).max())
    return ended & (failed | again)


def unmet(tables: "Tables") -> set[str]:
    """Patients with a criterion of eligibility that was not met, but for those of an earlier screening."""
    if "IE" not in tables or tables["IE"].empty:
        return set()
    ds, ie = tables["DS"], tables["IE"]
    ended = ds[of_earlier_screening(tables)]
    over = dates.earliest(ended["DSSTDTC"]).groupby(ended["USUBJID"]).max()
    day = dates.latest(ie["IEDTC"]) if "IEDTC" in ie else pd.Series(pd.NaT, ie.index)
    return set(ie.loc[~(day <= ie["USUBJID"].map(over)), "USUBJID"])
