"""Repeated screening: a patient who failed, or left, before the trial began may be screened again under the same id."""

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


def consented_on(tables: "Tables") -> pd.DataFrame:
    """Every consent: ``USUBJID`` and ``day``, the first that its date can mean, of DM and DS."""
    dm, ds = tables["DM"], tables["DS"]
    signed = ds[ds["DSDECOD"].eq("INFORMED CONSENT OBTAINED")]
    parts = [(dm["USUBJID"], dm["RFICDTC"]), (signed["USUBJID"], signed["DSSTDTC"])]
    frames = [pd.DataFrame({"USUBJID": who, "day": dates.earliest(text)}) for who, text in parts]
    return pd.concat(frames, ignore_index=True).dropna(subset=["day"])


def of_earlier_screening(tables: "Tables") -> "pd.Series[bool]":
    """Whether a record of DS ended a screening that was followed by another one, and so ended no participation.

    It is a screen failure not after the randomisation, or any end but a death before a later consent that is not after it.

    Returns
    -------
    Series of bool
        Aligned with DS.
    """
    ds, randomised, consents = tables["DS"], randomised_on(tables), consented_on(tables)
    began = consents["USUBJID"].map(randomised)
    consents = consents[~(consents["day"] > began)]
    day, consented = dates.earliest(ds["DSSTDTC"]), consents.groupby("USUBJID")["day"].max()
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
