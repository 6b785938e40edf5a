"""Events per patient-year and other summaries, of what is enough to be summarised.

A rate of less than a patient-year tells of more time than anybody was seen in, and a mean or a median of one patient is that
patient's own number.
"""

from collections.abc import Mapping
from math import nan

import pandas as pd

from esld.reasons import Why, because
from esld.report import numbers
from esld.report.phrases import worded
from esld.report.words.catalogue import message
from esld.report.words.grammar import joined, of_group
from esld.survival import rate

LEAST = 1.0  # patient-years
FEWEST = 2  # patients


def of_several(rows: pd.DataFrame, *statistics: str) -> pd.DataFrame:
    """Rows in long form, in which these statistics are not estimable of fewer than :data:`FEWEST` patients (``n``)."""
    rows = rows.reindex(columns=list(dict.fromkeys([*rows, "lower", "upper", "reason"])))
    few = rows["statistic"].isin(statistics) & rows["n"].lt(FEWEST) & rows["value"].notna()
    own = rows[["value", "lower", "upper"]].astype(float).mask(few)
    return rows.assign(**own, reason=rows["reason"].astype(object).mask(few, because(Why.FEWER_THAN_TWO)))


def yearly(events: int, years: float, *, n: int, group: str, conf_level: float) -> pd.DataFrame:
    """Rate and time at risk in long form, exact Poisson; of less than :data:`LEAST` the rate is not estimable.

    One event in eight days is 46 a year, and nobody was seen for a year: the events and the time say what is known.

    Parameters
    ----------
    events, n : int
        Events, and the patients.
    years : float
        Patient-years, above 0.
    group : str
    conf_level : float
    """
    found = rate(events, years, conf_level=conf_level).to_frame(n=n, group=group)
    own = found["statistic"].eq("rate") & (years < LEAST)
    found.loc[own, ["value", "lower", "upper"]] = nan
    return of_several(found.assign(reason=found["reason"].mask(own, because(Why.TOO_LITTLE_TIME))), "rate")


def short_note(observed: Mapping[str, tuple[int, float]]) -> tuple[str, ...]:
    """Why there is no rate, by the patients and the years of each group: in how little time its events were, or of how few."""
    short = {arm: years for arm, (_, years) in observed.items() if 0 < years < LEAST}
    arms = joined(
        message("safety.events.years.arm", years=numbers.positive(years, 2), arm=of_group(arm))
        for arm, years in short.items()
    )
    notes = [message("rates.short", arms=arms)] if short else []
    if any(n < FEWEST and years >= LEAST for n, years in observed.values()):
        notes.append(message("reasons.note", reason=worded(because(Why.FEWER_THAN_TWO))))
    return tuple(notes)
