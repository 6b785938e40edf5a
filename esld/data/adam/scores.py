"""Liver scores as rows of ADLB: components of one visit, at most a stated number of days apart."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from esld import scoring
from esld.data import dates
from esld.data.sdtm import Tables
from esld.errors import InputError, did_you_mean
from esld.protocol import Protocol
from esld.scoring import units

_SESSIONS = ("DIALYSIS", "HAEMODIALYSIS", "HEMODIALYSIS")
_CONTINUOUS = ("CVVHD",)


@dataclass(frozen=True)
class Score:
    """A score: the parameters that it needs with the unit each is handed over in, the function of the wide visit
    frame, and further parameters that are read on the very day of one of those.
    """

    needs: Mapping[str, str]
    compute: Callable[[pd.DataFrame], object]
    with_day_of: Mapping[str, str] = field(default_factory=dict)


def _meld(visit: pd.DataFrame) -> object:
    return scoring.meld(
        bilirubin_mg_dl=visit["BILI"],
        creatinine_mg_dl=visit["CREAT"],
        inr=visit["INR"],
        dialysis=visit["dialysis"],
    )


def _meld_na(visit: pd.DataFrame) -> object:
    return scoring.meld_na(
        bilirubin_mg_dl=visit["BILI"],
        creatinine_mg_dl=visit["CREAT"],
        inr=visit["INR"],
        sodium_mmol_l=visit["SODIUM"],
        dialysis=visit["dialysis"],
    )


def _meld_3(visit: pd.DataFrame) -> object:
    return scoring.meld_3(
        bilirubin_mg_dl=visit["BILI"],
        creatinine_mg_dl=visit["CREAT"],
        inr=visit["INR"],
        sodium_mmol_l=visit["SODIUM"],
        albumin_g_dl=visit["ALB"],
        female=visit["female"],
        dialysis=visit["dialysis"],
    )


def _child_pugh(visit: pd.DataFrame) -> object:
    return scoring.child_pugh(
        bilirubin_umol_l=visit["BILI"],
        albumin_g_l=visit["ALB"],
        inr=visit["INR"],
        ascites_ica_grade=visit["ASCITES"],
        ascites_controlled_by_diuretics=visit["ASCDIUR"],
        west_haven_grade=visit["WHAVEN"],
    ).total


def _albi(visit: pd.DataFrame) -> object:
    return scoring.albi(bilirubin_umol_l=visit["BILI"], albumin_g_l=visit["ALB"]).score


_MG_DL = {"BILI": "mg/dL", "CREAT": "mg/dL", "INR": "ratio"}
SCORES: Mapping[str, Score] = {
    "MELD": Score(_MG_DL, _meld),
    "MELDNA": Score({**_MG_DL, "SODIUM": "mmol/L"}, _meld_na),
    "MELD3": Score({**_MG_DL, "SODIUM": "mmol/L", "ALB": "g/dL"}, _meld_3),
    # Grade 2 scores 2 points when diuretics control that ascites: the record of the same day says so.
    "CPSCORE": Score(
        {"BILI": "umol/L", "ALB": "g/L", "INR": "ratio", "ASCITES": "", "WHAVEN": ""},
        _child_pugh,
        with_day_of={"ASCDIUR": "ASCITES"},
    ),
    "ALBI": Score({"BILI": "umol/L", "ALB": "g/L"}, _albi),
}


def missing_components(protocol: Protocol) -> dict[str, list[str]]:
    """For each known score that the protocol cannot compute, the components that it does not collect."""
    collected = {p.paramcd for p in protocol.parameters}
    lacking = {code: [c for c in score.needs if c not in collected] for code, score in SCORES.items()}
    return {code: missing for code, missing in lacking.items() if missing}


def derive_scores(
    adlb: pd.DataFrame, tables: Tables, subjects: pd.DataFrame, protocol: Protocol
) -> pd.DataFrame:
    """Rows of every score among the protocol's parameters.

    Parameters
    ----------
    adlb : DataFrame
        Measured parameters with ``ANL01FL`` set.
    tables : dict of str to DataFrame
        SDTM tables; PR tells of dialysis.
    subjects : DataFrame
        Randomised subjects of ADSL, indexed by ``USUBJID``.
    protocol : Protocol
        Parameters and the largest number of days between components.

    Returns
    -------
    DataFrame
        Columns of ``adlb``; one row a subject, visit and score whose components are all there and near enough
        in time. ``ADT`` and ``ADY`` are those of the latest component.

    Raises
    ------
    esld.errors.InputError
        A score is not known, or needs what is no parameter of the protocol.
    """
    wanted = [parameter.paramcd for parameter in protocol.parameters if parameter.kind == "score"]
    lacking = missing_components(protocol)
    for paramcd in wanted:
        if paramcd not in SCORES:
            remedy = did_you_mean(paramcd, SCORES)
            raise InputError(f"parameter {paramcd}", "must be a known score", None, protocol.id, remedy)
        if paramcd in lacking:
            rule = f"must have its components among the parameters; missing: {', '.join(lacking[paramcd])}"
            raise InputError(
                f"parameter {paramcd}", rule, None, protocol.id, "Add them or leave the score out."
            )
    parts = [_score_rows(paramcd, adlb, tables, subjects, protocol) for paramcd in wanted]
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else adlb.iloc[:0]


def _score_rows(
    paramcd: str, adlb: pd.DataFrame, tables: Tables, subjects: pd.DataFrame, protocol: Protocol
) -> pd.DataFrame:
    score, keys = SCORES[paramcd], ["USUBJID", "AVISITN"]
    chosen = adlb[adlb["ANL01FL"].eq("Y") & adlb["PARAMCD"].isin(score.needs)].sort_values(
        "ADT", kind="stable"
    )
    by_visit = chosen.groupby(keys)
    last = by_visit[[*keys, "ADT", "ADY", "AVISIT", "AWTARGET", "AWLO", "AWHI", "AWTDIFF", "ABLFL"]].tail(1)
    apart = by_visit["ADT"].max() - by_visit["ADT"].min()
    near = apart <= pd.Timedelta(days=protocol.schedule.component_days)
    whole = by_visit.size().eq(len(score.needs)) & near
    visits = chosen.set_index([*keys, "PARAMCD"])["AVAL"].unstack("PARAMCD")[whole]  # noqa: PD010
    if visits.empty:
        return adlb.iloc[:0]
    for component, unit in score.needs.items():
        own = protocol.parameter(component).unit
        if unit and own != unit:
            visits[component] = units.convert(
                visits[component], analyte=component, from_unit=own, to_unit=unit
            )
    who = visits.index.get_level_values("USUBJID")

    def days_of(component: str) -> pd.Series:
        days = chosen[chosen["PARAMCD"].eq(component)].set_index(keys)["ADT"]
        return pd.Series(days.reindex(visits.index).to_numpy(), who)

    for component, other in score.with_day_of.items():
        visits[component] = _on_day(adlb, component, days_of(other))
    visits["female"] = subjects["SEX"].reindex(who).eq("F").to_numpy()
    if "CREAT" in score.needs:
        visits["dialysis"] = on_dialysis(tables, days_of("CREAT"))
    rows = last.set_index(keys).reindex(visits.index)
    rows = rows.assign(AVAL=np.asarray(score.compute(visits), dtype=float), PARAMCD=paramcd, ANL01FL="Y")
    return rows.dropna(subset=["AVAL"]).reset_index().reindex(columns=adlb.columns)


def _on_day(adlb: pd.DataFrame, paramcd: str, days: pd.Series) -> np.ndarray:
    """Lowest value of a parameter recorded on each subject's day; NaN where none was."""
    recorded = adlb[adlb["PARAMCD"].eq(paramcd)].groupby(["USUBJID", "ADT"])["AVAL"].min()
    return recorded.reindex(pd.MultiIndex.from_arrays([days.index, days.to_numpy()])).to_numpy()


def on_dialysis(tables: Tables, creatinine_day: pd.Series) -> np.ndarray:
    """Two sessions, or continuous dialysis, within the 7 days before a creatinine (the OPTN rule).

    Parameters
    ----------
    tables : dict of str to DataFrame
        SDTM tables; without PR nobody is on dialysis. Sessions are counted by the day; one whose day is not
        known does not count.
    creatinine_day : Series of datetime64
        Days of the creatinine, indexed by ``USUBJID``, in the order of the result.

    Returns
    -------
    ndarray of bool, same length
    """
    if "PR" not in tables:
        return np.zeros(len(creatinine_day), dtype=bool)
    pr = tables["PR"].assign(day=dates.whole(tables["PR"]["PRSTDTC"]))
    weight = pr["PRDECOD"].isin(_SESSIONS) + 2 * pr["PRDECOD"].isin(_CONTINUOUS)
    by_day = pr.assign(sessions=weight).groupby(["USUBJID", "day"], as_index=False)["sessions"].max()
    asked = pd.DataFrame(
        {
            "USUBJID": creatinine_day.index,
            "asked": creatinine_day.to_numpy(),
            "place": range(len(creatinine_day)),
        }
    )
    pairs = asked.merge(by_day, on="USUBJID")
    within = pairs[(pairs["asked"] - pairs["day"]).dt.days.between(0, 7)]
    sessions = within.groupby("place")["sessions"].sum()
    return (sessions.reindex(asked["place"], fill_value=0) >= 2).to_numpy()
