"""Change from baseline by visit: how many, the mean with its t interval, and the spread."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

_COLUMNS = ["group", "time", "statistic", "value", "lower", "upper", "unit", "method", "n", "reason"]
# Differences of printed numbers carry binary noise: a spread this small against the values is no spread.
_NO_SPREAD = 1e-9


def mean_change(
    change: ArrayLike,
    visit: ArrayLike,
    group: ArrayLike,
    *,
    conf_level: float = 0.95,
    unit: str = "",
) -> pd.DataFrame:
    """Mean change with a Student t interval, in each group at each visit.

    The interval describes one group at a time and is no comparison of groups: without an untreated arm, change from
    baseline mixes treatment, natural course and regression to the mean.

    Parameters
    ----------
    change : array-like of shape (n,)
        Change from baseline; missing values are left out.
    visit : array-like of shape (n,)
        Visit number of each change; must not be missing where the change is known.
    group : array-like of shape (n,)
        Group of each change; must not be missing where the change is known.
    conf_level : float in (0, 1)
        Level of the interval.
    unit : str
        Unit of the change, carried to the result.

    Returns
    -------
    DataFrame
        Long form: a row a group, visit (``time``) and statistic, ``mean_change`` (value, lower, upper; limits NaN with a
        reason below two values, and when all values are equal) and ``sd_change`` (NaN below two values); ``n`` counts
        the values.

    Raises
    ------
    ValueError
        The three arguments differ in length, a visit or group is missing, a change is infinite, or ``conf_level`` is
        not between 0 and 1.

    References
    ----------
    Student (1908), Biometrika 6:1-25.
    """
    from scipy import stats

    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must be between 0 and 1, got {conf_level!r}")
    values, visits, groups = (np.asarray(a) for a in (change, visit, group))
    if not len(values) == len(visits) == len(groups):
        lengths = f"{len(values)}, {len(visits)}, {len(groups)}"
        raise ValueError(f"change, visit and group must have one length, got {lengths}")
    frame = pd.DataFrame({"change": values.astype(float), "time": visits, "group": groups})
    frame = frame.dropna(subset=["change"])
    for what, column in (("visit", "time"), ("group", "group")):
        if absent := int(frame[column].isna().sum()):
            raise ValueError(f"{what} must not be missing, got {absent} missing of {len(frame)}")
    if endless := int(np.isinf(frame["change"]).sum()):
        raise ValueError(f"change must be finite, got {endless} infinite of {len(frame)}")
    rows = []
    for (name, time), own in frame.groupby(["group", "time"], sort=True)["change"]:
        n, mean = len(own), float(own.mean())
        sd = float(own.std(ddof=1)) if n > 1 else float("nan")
        half, reason = float("nan"), ""
        if n < 2:
            reason = "an interval needs two values"
        elif sd <= _NO_SPREAD * float(own.abs().max()):
            sd, reason = 0.0, "all values are equal, so there is no spread to make an interval of"
        else:
            half = float(stats.t.ppf(0.5 + conf_level / 2, n - 1)) * sd / np.sqrt(n)
        about = {"group": name, "time": time, "unit": unit, "n": n}
        limits = {"lower": mean - half, "upper": mean + half}
        method = "Student t"
        rows.append(
            {**about, "statistic": "mean_change", "value": mean, **limits, "method": method, "reason": reason}
        )
        reason = "" if n > 1 else "a standard deviation needs two values"
        method = "sample standard deviation"
        rows.append({**about, "statistic": "sd_change", "value": sd, "method": method, "reason": reason})
    return pd.DataFrame(rows, columns=_COLUMNS).astype(dict.fromkeys(("value", "lower", "upper"), float))
