"""Repeated screening: a patient who failed, or left, before the trial began may be screened again under the same id."""

from collections.abc import Callable
from typing import TYPE_CHECKING

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
    dm, ds, randomised = tables["DM"], tables["DS"], randomised_on(tables)
    signed = pd.concat(
        [consents(tables), dm[["USUBJID", "RFICDTC"]].set_axis(["USUBJID", "DSSTDTC"], axis=1)]
    )
    on = dates.earliest(signed["DSSTDTC"].reset_index(drop=True)).set_axis(signed["USUBJID"])
    on = on[~(on > on.index.to_series().map(randomised))]
    day, consented = dates.earliest(ds["DSSTDTC"]), on.groupby(level=0).max()
    again = day < ds["USUBJID"].map(consented)
    failed = ds["DSDECOD"].eq("SCREEN FAILURE") & (day <= ds["USUBJID"].map(randomised))
    return ds["DSCAT"].eq("DISPOSITION EVENT") & ds["DSDECOD"].ne("DEATH") & (failed | again)


def unmet(tables: "Tables") -> set[str]:
    """Patients with a criterion of eligibility that was not met, but for those of an earlier screening."""
    if "IE" not in tables:
        return set()
    ds, ie = tables["DS"], tables["IE"]
    ended = ds[of_earlier_screening(tables)]
    over = dates.earliest(ended["DSSTDTC"]).groupby(ended["USUBJID"]).max()
    day = dates.latest(ie["IEDTC"]) if "IEDTC" in ie else pd.Series(pd.NaT, ie.index)
    return set(ie.loc[~(day <= ie["USUBJID"].map(over)), "USUBJID"])
