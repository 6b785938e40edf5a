"""Events per patient-year, of a patient-year or more: a rate of less tells of more time than anybody was seen in."""

from collections.abc import Mapping
from math import nan

import pandas as pd

from esld.reasons import Why, because
from esld.report import numbers
from esld.report.words.catalogue import message
from esld.report.words.grammar import joined, of_group
from esld.survival import rate

LEAST = 1.0  # patient-years


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
    return found.assign(reason=found["reason"].mask(own, because(Why.TOO_LITTLE_TIME)))


def short_note(years: Mapping[str, float]) -> tuple[str, ...]:
    """By group in how little time its events were, and the rule that no rate is made of it; nothing where none is so short."""
    short = {arm: own for arm, own in years.items() if 0 < own < LEAST}
    arms = joined(
        message("safety.events.years.arm", years=numbers.positive(own, 2), arm=of_group(arm))
        for arm, own in short.items()
    )
    return (message("rates.short", arms=arms),) if short else ()
