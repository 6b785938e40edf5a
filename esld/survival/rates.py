"""Events per time at risk, exactly Poisson: one rate, and the ratio of two."""

from dataclasses import dataclass
from math import inf, isfinite, nan
from operator import index

import pandas as pd
from scipy.special import bdtr, bdtrc, betaincinv, gammaincinv

from esld.longform import About, Estimate, Shown, estimate_rows, long_frame, row
from esld.methods import made_by
from esld.reasons import Why, because
from esld.survival._data import two_sided_z


@dataclass(frozen=True, kw_only=True)
class Rate(Estimate, Shown):
    """`events` in `time` at risk, per `per` units of it.

    Attributes
    ----------
    events : int
        Events, repeated ones of a subject included.
    time : float
        Time at risk of all subjects together, in `time_unit`.
    per : float
        How much time `value` and its limits refer to.
    time_unit : str
        Unit of `time` and `per`.
    """

    events: int
    time: float
    per: float
    time_unit: str

    def to_frame(self, *, n: int, group: str = "") -> pd.DataFrame:
        """Long form: rate and time_at_risk; `n` are the subjects, which a rate does not know."""
        one = self.time_unit.removesuffix("s")
        unit = f"per {one}" if self.per == 1 else f"per {self.per:g} {self.time_unit}"
        about: About = {"n": n, "events": self.events, "group": group, "unit": unit}
        whole: About = {**about, "unit": self.time_unit}
        return long_frame([*estimate_rows("rate", self, **about), row("time_at_risk", self.time, **whole)])

    def _told(self) -> pd.DataFrame:
        return self.to_frame(n=0).drop(columns="n")


@dataclass(frozen=True, kw_only=True)
class RateRatio(Estimate, Shown):
    """Rate of `x1` in `t1` over that of `x2` in `t2`, in [0, inf].

    ``p_value`` is two-sided by point probability: of all divisions of the events no likelier than the one
    observed. It may disagree with the limits; `p_central` does not.

    Attributes
    ----------
    p_central : float
        Two-sided: twice the smaller one-sided p-value, at most 1.
    p_less, p_greater : float
        One-sided, that the first rate is the lower one, or the higher one.
    mid_p : float
        As `p_central`, with half of the probability of what was observed.
    x1, t1, x2, t2 : int, float, int, float
        Events and time at risk.
    """

    p_central: float
    p_less: float
    p_greater: float
    mid_p: float
    x1: int
    t1: float
    x2: int
    t2: float

    def to_frame(self, *, n: int, group: str = "") -> pd.DataFrame:
        """Long form: rate_ratio, its p-value, then the other p-values; `n` are the subjects of both groups."""
        about: About = {"n": n, "events": self.x1 + self.x2, "group": group}
        rows = estimate_rows("rate_ratio", self, **about)
        about["reason"] = self.reason
        for name, rule in (
            ("p_central", "twice-smaller"),
            ("p_less", "one-sided"),
            ("p_greater", "one-sided"),
            ("mid_p", "twice-smaller-mid-p"),
        ):
            about["method"] = made_by("conditional-binomial", rule)
            rows.append(row(f"rate_ratio_{name}", getattr(self, name), **about))
        return long_frame(rows)

    def _told(self) -> pd.DataFrame:
        return self.to_frame(n=0).drop(columns="n")


def rate(
    events: int, time: float, *, conf_level: float = 0.95, per: float = 1.0, time_unit: str = "years"
) -> Rate:
    """Events over time at risk, with exact (central) Poisson limits.

    Events that repeat within a subject are rarely independent, and the limits are too narrow then: the
    robust limits of `mean_cumulative_function` are not.

    Parameters
    ----------
    events : int
        Number of events, 0 or more.
    time : float
        Time at risk of all subjects together, above 0, in `time_unit`.
    conf_level : float in (0, 1), default 0.95
    per : float, above 0, default 1
        The rate is given per this much time: 100 for events per 100 years.
    time_unit : str, default 'years'
        Unit of `time` and `per`, carried to the long form.

    Returns
    -------
    Rate
        With 0 events the value and the lower limit are 0.

    Raises
    ------
    ValueError
        Events that are no integer or below 0; time or `per` that is not finite and above 0.

    References
    ----------
    Garwood (1936), Biometrika 28:437-442.

    Examples
    --------
    >>> from esld.survival import rate
    >>> found = rate(9, 10.5, per=100)
    >>> round(found.value, 1), round(found.lower, 1), round(found.upper, 1)
    (85.7, 39.2, 162.7)
    """
    x, t = _events(events, "events"), _time(time, "time")
    scale = _time(per, "per") / t
    two_sided_z(conf_level)  # checks the level
    tail = (1 - conf_level) / 2
    lower = 0.0 if x == 0 else float(gammaincinv(x, tail)) * scale
    upper = float(gammaincinv(x + 1, 1 - tail)) * scale
    return Rate(
        value=x * scale, lower=lower, upper=upper, conf_level=conf_level, method="exact-poisson, garwood",
        events=x, time=t, per=float(per), time_unit=time_unit,
    )  # fmt: skip


def rate_ratio(x1: int, t1: float, x2: int, t2: float, *, conf_level: float = 0.95) -> RateRatio:
    """Ratio (x1 / t1) / (x2 / t2), exactly: given x1 + x2 events, x1 is binomial.

    Parameters
    ----------
    x1, x2 : int
        Events in the first and the second group, 0 or more.
    t1, t2 : float
        Time at risk in each, above 0, in one unit.
    conf_level : float in (0, 1), default 0.95
        Level of the limits: Clopper-Pearson limits of the binomial share, as odds times t2 / t1.

    Returns
    -------
    RateRatio
        0 or infinite where one group has no event; NaN, with limits 0 and infinity and p-values of 1,
        where none has.

    Raises
    ------
    ValueError
        As for `rate`.

    References
    ----------
    Przyborowski and Wilenski (1940), Biometrika 31:313-323. R stats, ``poisson.test``, for the two-sided
    rule of ``p_value``. Lancaster (1961), JASA 56:223-234, for the mid-p.

    Examples
    --------
    >>> from esld.survival import rate_ratio
    >>> found = rate_ratio(5, 10.5, 12, 9.8)
    >>> round(found.value, 3), round(found.upper, 3), round(found.p_central, 3)
    (0.389, 1.186, 0.108)
    """
    from scipy.stats import binom, binomtest  # slow to import

    x1, x2 = _events(x1, "x1"), _events(x2, "x2")
    t1, t2 = _time(t1, "t1"), _time(t2, "t2")
    two_sided_z(conf_level)
    tail, m, share, fold = (1 - conf_level) / 2, x1 + x2, t1 / (t1 + t2), t2 / t1
    value, lower, upper, reason = nan, 0.0, inf, None
    if m == 0:
        p_value = p_less = p_greater = 1.0
        inside, reason = 1.0, because(Why.NO_EVENTS)
    else:
        value = x1 / x2 * fold if x2 else inf
        # The limits of the other share, not 1 minus those of this one, keep the odds exact near 1.
        if x1:
            lower = fold * float(betaincinv(x1, x2 + 1, tail) / betaincinv(x2 + 1, x1, 1 - tail))
        if x2:
            upper = fold * float(betaincinv(x1 + 1, x2, 1 - tail) / betaincinv(x2, x1 + 1, tail))
        p_value = float(binomtest(x1, m, share).pvalue)
        p_less = float(bdtr(x1, m, share))
        p_greater = float(bdtrc(x1 - 1, m, share)) if x1 else 1.0
        inside = float(binom.pmf(x1, m, share))
    return RateRatio(
        value=value, lower=lower, upper=upper, p_value=p_value, conf_level=conf_level,
        method="conditional-binomial, exact", reason=reason, p_central=min(2 * min(p_less, p_greater), 1.0),
        p_less=p_less, p_greater=p_greater, mid_p=min(2 * min(p_less, p_greater) - inside, 1.0), x1=x1, t1=t1,
        x2=x2, t2=t2,
    )  # fmt: skip


def _events(value: int, name: str) -> int:
    try:
        count = index(value)
    except TypeError:
        raise ValueError(f"{name} must be an integer, got {value!r}") from None
    if count < 0:
        raise ValueError(f"{name} must be 0 or more, got {count}")
    return count


def _time(value: float, name: str) -> float:
    if not (isfinite(value) and value > 0):
        raise ValueError(f"{name} must be finite and above 0, got {value!r}")
    return float(value)
