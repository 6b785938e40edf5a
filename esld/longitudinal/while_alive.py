"""A value averaged over the time alive: what death cuts short is not filled in."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from esld.longform import About, Estimate, Row, Shown, estimate_rows, long_frame, row
from esld.longitudinal._columns import group_codes, group_labels, numbers, require
from esld.longitudinal._covariance import Floats
from esld.longitudinal._pairs import NOISE, check_level, exact_rows, exact_test
from esld.randomisation.inference import DRAWS, LIMIT, RandomisationTest
from esld.reasons import Why, because
from esld.times import aligned, with_horizon

METHOD = "while-alive-mean, student"
WELCH = "while-alive-difference, welch"
EXACT = "while-alive-difference"


@dataclass(frozen=True, eq=False, kw_only=True)
class WhileAlive(Shown):
    """Averages over the time alive, by subject and by arm.

    Attributes
    ----------
    groups : tuple of 2 str
        The arms; the difference is second minus first.
    averages : DataFrame
        A row a subject, in the order in which they first appear: subject, group, `average` (NaN without a value),
        `observed` (time from the first to the last value used, 0 for one value), `values` (used), `after` (not used,
        later than the subject's `until`).
    means : tuple of 2 Estimate
        Of each arm, with t limits.
    difference : Estimate
        Second minus first, with Welch's limits and p-value.
    exact : RandomisationTest
        The same difference against every allocation of the subjects that have an average.
    n : tuple of 2 int
        Subjects with an average.
    tau : float
        Horizon.
    unit : str
        Unit of the value, for the words.
    """

    groups: tuple[str, str]
    averages: pd.DataFrame
    means: tuple[Estimate, Estimate]
    difference: Estimate
    exact: RandomisationTest
    n: tuple[int, int]
    tau: float
    unit: str

    def to_frame(self) -> pd.DataFrame:
        """Long form: of each arm the subjects, those without an average or with one value only, and the mean; then the
        difference and the exact test. `time` is the horizon, `n` counts subjects with an average, `events` is 0.
        """
        rows: list[Row] = []
        for label, n, mean in zip(self.groups, self.n, self.means, strict=True):
            own: About = {"group": label, "n": n, "events": 0, "time": self.tau}
            frame = self.averages[self.averages["group"].eq(label)]
            rows.append(row("subjects", len(frame), **own))
            rows.append(row("without_value", int(frame["values"].eq(0).sum()), **own))
            rows.append(row("one_value", int(frame["values"].eq(1).sum()), **own))
            rows.append(row("values_after", int(frame["after"].sum()), **own))
            own["unit"] = self.unit
            rows += estimate_rows("while_alive_mean", mean, **own)
        first, second = self.groups
        about: About = {"group": f"{second} - {first}", "n": sum(self.n), "events": 0, "time": self.tau}
        with_unit: About = {**about, "unit": self.unit}
        rows += estimate_rows("while_alive_difference", self.difference, **with_unit)
        return long_frame([*rows, *exact_rows(self.exact, about)])


def while_alive_mean(
    frame: pd.DataFrame,
    *,
    subject: str,
    group: str,
    value: str,
    time: str,
    until: str,
    tau: float,
    groups: Sequence[Hashable] | None = None,
    conf_level: float = 0.95,
    unit: str = "",
    limit: int = LIMIT,
    draws: int = DRAWS,
    seed: str | int = "esld while alive",
) -> WhileAlive:
    """Average of a value over each subject's time alive, up to a horizon, compared between two arms.

    Of each subject the area under the straight lines through its values (trapezoidal rule), from the first to the last
    value no later than the earlier of `until` and `tau`, divided by the time between the two. Nothing is carried
    forward and nothing is imputed after death. A subject with one value has it as its average.

    A subject who dies early counts with a short time, so an arm can look better by losing its sickest: the average
    tells about the time alive and never stands without a comparison of survival.

    Parameters
    ----------
    frame : DataFrame
        One row a subject and visit; a subject without any value has one row with the value missing.
    subject, group : str
        Columns; never missing. One group a subject.
    value : str
        Column of finite numbers, for instance change from baseline; missing rows are left out.
    time : str
        Column of times of the values, 0 or more; missing only where the value is.
    until : str
        Column, the same number in every row of a subject, never missing: end of its time alive and observed (death,
        transplantation, last contact), 0 or more, in the unit of `time`. Later values are left out and counted.
    tau : float
        Horizon, finite and above 0, in the unit of `time`.
    groups : sequence of 2, optional
        The labels, first the one to compare with; may name an arm without subjects. Default: the order of the
        categories, else sorted.
    conf_level : float, default 0.95
        Level of the limits, in (0, 1).
    unit : str
        Unit of the value, for the words.
    limit, draws, seed
        As for `randomisation_test`.

    Returns
    -------
    WhileAlive
        NaN with the reason where an arm has no average, or too few or too equal ones for limits.

    Raises
    ------
    ValueError
        A column is absent or not numeric; a missing key; two values of a subject at one time; a subject in two groups
        or with two `until`; not two labels; times below 0; `tau` or `conf_level` out of range.

    References
    ----------
    ICH E9(R1) (2019), section A.3.2: while on treatment strategies, of which "while alive" is one. Welch (1947),
    Biometrika 34:28-35.

    Examples
    --------
    >>> from esld.data.datasets import demo
    >>> from esld.longitudinal import while_alive_mean
    >>> visits = demo().assign(day=lambda one: 7 * one["week"])
    >>> found = while_alive_mean(
    ...     visits, subject="subject", group="arm", value="albumin_g_l", time="day", until="days", tau=336, unit="g/L"
    ... )
    >>> round(found.difference.value, 2), round(found.exact.p_value, 3)
    (1.66, 0.278)
    """
    check_level(conf_level)
    if not (np.isfinite(tau) and tau > 0):
        raise ValueError(f"tau must be finite and above 0, got {tau!r}")
    require(frame, subject, group, value, time, until)
    labels = group_labels(frame, group, groups)
    if len(labels) != 2:
        raise ValueError(f"{group} must have two labels, got {labels}")
    pair = (str(labels[0]), str(labels[1]))
    rows = _rows(frame, subject=subject, value=value, time=time, until=until, tau=tau)
    rows["code"] = group_codes(frame, group, labels)
    averages = _averages(rows, tau, names={"code": group, "until": until})
    codes, found = averages.pop("code").to_numpy(), averages["average"].to_numpy()
    averages.insert(1, "group", [pair[code] for code in codes])
    used = ~np.isnan(found)
    arms = (found[used & (codes == 0)], found[used & (codes == 1)])
    n = (arms[0].size, arms[1].size)
    noise = NOISE * np.max(np.abs(found[used]), initial=0.0)
    means = [_mean(own, label, noise, conf_level) for own, label in zip(arms, pair, strict=True)]
    centred = found[used] - (found[used].mean() if used.any() else 0.0)
    # Centred, they sum to 0: the difference in means is the sum of the second arm times 1 / n1 + 1 / n2.
    factor = 1 / n[0] + 1 / n[1] if all(n) else 1.0
    exact = exact_test(
        EXACT, centred, codes[used] == 1, groups=pair, scale=1 / factor, resolution=noise * factor,
        limit=limit, draws=draws, seed=seed,
    )  # fmt: skip
    return WhileAlive(
        groups=pair, averages=averages, means=(means[0], means[1]),
        difference=_welch(arms, pair, noise, conf_level), exact=exact, n=n, tau=float(tau), unit=unit,
    )  # fmt: skip


def _rows(
    frame: pd.DataFrame, *, subject: str, value: str, time: str, until: str, tau: float
) -> pd.DataFrame:
    """The columns under names of our own, checked."""
    rows = pd.DataFrame({"subject": frame[subject].to_numpy(dtype=object)})
    if absent := int(rows["subject"].isna().sum()):
        raise ValueError(f"{subject} must not be missing, got {absent} missing of {len(frame)}")
    for name, source in (("value", value), ("time", time), ("until", until)):
        rows[name] = numbers(frame, source)
        if (rows[name] < 0).any() and name != "value":
            raise ValueError(f"{source} must be 0 or more, got {rows[name].min():g}")
    for source, gone in ((time, rows["time"].isna() & rows["value"].notna()), (until, rows["until"].isna())):
        if absent := int(gone.sum()):
            raise ValueError(f"{source} must not be missing, got {absent} missing of {len(frame)}")
    times = aligned(rows["time"].to_numpy(), rows["until"].to_numpy())
    rows["time"], rows["until"] = (with_horizon(found, tau) for found in times)
    known = rows[rows["value"].notna()]
    twice = known.duplicated(["subject", "time"])
    if twice.any():
        first = tuple(known.loc[twice, name].tolist()[0] for name in ("subject", "time"))
        raise ValueError(
            f"a subject must have one value at a time, got {int(twice.sum())} more, the first at {first}"
        )
    return rows


def _averages(rows: pd.DataFrame, tau: float, names: dict[str, str]) -> pd.DataFrame:
    """A row a subject."""
    if (rows["code"] < 0).any():
        raise ValueError(
            f"{names['code']} must not be missing, got {int((rows['code'] < 0).sum())} missing of {len(rows)}"
        )
    found = []
    for who, own in rows.groupby("subject", sort=False):
        for column, name in names.items():
            if (own[column] != own[column].iloc[0]).any():
                raise ValueError(
                    f"{name} must be the same in every row of a subject, got two values for {who!r}"
                )
        known = own[own["value"].notna()].sort_values("time")
        used = known[known["time"] <= min(own["until"].iloc[0], tau)]
        at, values = used["time"].to_numpy(), used["value"].to_numpy()
        span = float(at[-1] - at[0]) if at.size else nan
        average = nan
        if at.size:
            average = float(np.trapezoid(values, at)) / span if at.size > 1 else float(values[0])
        found.append(
            {
                "subject": who, "code": own["code"].iloc[0], "average": average, "observed": span,
                "values": at.size, "after": int((known["time"] > known["until"]).sum()),
            }
        )  # fmt: skip
    columns = ["subject", "code", "average", "observed", "values", "after"]
    kinds = {"code": int, "average": float, "observed": float, "values": int, "after": int}
    return pd.DataFrame(found, columns=columns).astype(kinds)


def _mean(own: Floats, label: str, noise: float, conf_level: float) -> Estimate:
    if not own.size:
        return Estimate(
            value=nan, conf_level=conf_level, method=METHOD, reason=because(Why.NO_VALUES, group=label)
        )
    return _student(float(own.mean()), *_squared_error(own, noise), method=METHOD, conf_level=conf_level)


def _welch(arms: tuple[Floats, Floats], groups: tuple[str, str], noise: float, conf_level: float) -> Estimate:
    for own, label in zip(arms, groups, strict=True):
        if not own.size:
            return Estimate(
                value=nan, conf_level=conf_level, method=WELCH, reason=because(Why.NO_VALUES, group=label)
            )
    (one, df_one), (other, df_other) = (_squared_error(own, noise) for own in arms)
    total, df = one + other, nan
    if total > 0:
        df = total**2 / (one**2 / df_one + other**2 / df_other)
    gap = float(arms[1].mean() - arms[0].mean())
    return _student(gap, total, df, method=WELCH, conf_level=conf_level, tested=True)


def _squared_error(own: Floats, noise: float) -> tuple[float, float]:
    """Variance of the mean, exactly 0 if the values are equal but for noise, and its degrees of freedom."""
    if own.size < 2:
        return nan, nan
    spread = float(np.ptp(own)) > noise
    return float(np.var(own, ddof=1)) / own.size if spread else 0.0, float(own.size - 1)


def _student(
    value: float, variance: float, df: float, *, method: str, conf_level: float, tested: bool = False
) -> Estimate:
    """Limits of Student's t, and its p-value if it is `tested` against 0."""
    if not variance > 0:
        reason = because(Why.ONE_SUBJECT if np.isnan(variance) else Why.NO_SPREAD)
        return Estimate(value=value, conf_level=conf_level, method=method, reason=reason)
    std_err = sqrt(variance)
    half = float(stdtrit(df, 0.5 + conf_level / 2)) * std_err
    p_value = 2 * float(stdtr(df, -abs(value / std_err))) if tested else nan
    return Estimate(
        value=value, std_err=std_err, lower=value - half, upper=value + half, p_value=p_value,
        conf_level=conf_level, method=method,
    )  # fmt: skip
