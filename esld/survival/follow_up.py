"""How long subjects were followed: the median by the reverse Kaplan-Meier method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longform import About, Shown, estimate_rows, long_frame
from esld.methods import made_by
from esld.survival._data import checked_times
from esld.survival.kaplan_meier import ConfType, Quantile, kaplan_meier


@dataclass(frozen=True, kw_only=True)
class MedianFollowUp(Quantile, Shown):
    """Median time under observation, had nobody had the event; NaN means not reached.

    Attributes
    ----------
    n, events : int
        Subjects, and those whose observation ended in the event.
    group, time_unit : str
        Label of the sample and unit of the times, as the caller gave them.
    """

    n: int
    events: int
    group: str
    time_unit: str

    def to_frame(self) -> pd.DataFrame:
        """Long form: median_follow_up."""
        about: About = {"n": self.n, "events": self.events, "group": self.group, "unit": self.time_unit}
        return long_frame(estimate_rows("median_follow_up", self, **about))


def median_follow_up(
    time: ArrayLike,
    event: ArrayLike,
    *,
    conf_level: float = 0.95,
    conf_type: ConfType = "log-log",
    group: str = "",
    time_unit: str = "days",
) -> MedianFollowUp:
    """Median follow-up: the Kaplan-Meier median of the time to censoring, which the event cuts short.

    The median of the observed times is shorter the more subjects die early, though nobody stopped looking. Here the
    roles are changed: the end of observation is what is waited for, and whoever has the event before it is censored.

    Parameters
    ----------
    time, event, conf_level, conf_type
        As for `kaplan_meier`; `event` is the event, not its absence.
    group, time_unit : str
        Label of the sample and unit of `time`, carried to the long form.

    Returns
    -------
    MedianFollowUp
        With the limits and the reasons of `KaplanMeier.quantile`. NaN, not reached, if so many had the event that
        the reverse curve does not come down to one half, as when everybody had it.

    Raises
    ------
    ValueError
        As for `kaplan_meier`.

    Notes
    -----
    An event at a time at which others end observation counts as followed up to that time and still at risk there: R
    survival's ``survfit(Surv(time, 1 - event) ~ 1)``. R prodlim's ``reverse = TRUE`` takes the events of a time out
    first; the two differ where both happen at one time.

    References
    ----------
    Schemper and Smith (1996), Control Clin Trials 17:343-346.

    Examples
    --------
    >>> from esld.data.datasets import freireich
    >>> from esld.survival import median_follow_up
    >>> children = freireich()
    >>> found = median_follow_up(children["weeks"], children["relapse"], time_unit="weeks")
    >>> found.value, found.lower
    (32.0, 19.0)
    """
    _, happened = checked_times(time, event)
    curve = kaplan_meier(time, ~happened, conf_level=conf_level, conf_type=conf_type)
    median = vars(curve.median) | {"method": made_by("reverse", curve.method)}
    return MedianFollowUp(
        **median, n=curve.n, events=int(np.count_nonzero(happened)), group=group, time_unit=time_unit
    )
