"""How often limits of survival at a year and of the mean time alive hold the truth at 11 v 11, up to three lost.

``python -m tests.bench.simulate_limits`` writes esld/data/coverage.csv anew: about two minutes. A year is 1.
Of each group some patients, the leavers, are lost on a day that is uniform over the year, unless they die
before. For survival deaths are uniform over the year as well; an interval depends only on the order of deaths
and losses, and the probability of each order is computed exactly. For the mean time alive the hazard is
constant, and trials are drawn.
"""

import sys
from collections.abc import Callable, Iterator
from itertools import product
from math import exp, log
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.polynomial import polynomial
from scipy.special import expit, logit, ndtri

from esld.survival import beta_product, kaplan_meier, risk_difference, rmst

RECORD = Path(__file__).parents[2] / "esld" / "data" / "coverage.csv"
PATIENTS, LEVEL = 11, 0.95
SURVIVAL = (0.95, 0.9, 0.8, 0.6, 0.5)
LOST = ((0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0))
Z = float(ndtri(0.5 + LEVEL / 2))
CHOSEN = "MOVER, mid-p beta product, never shorter"


def scenarios() -> Iterator[tuple[float, float, int, int]]:
    """Survival and leavers of both groups; what mirrors another scenario is left out."""
    for (k1, k2), p1, p2 in product(LOST, SURVIVAL, SURVIVAL):
        if k1 != k2 or p1 >= p2:
            yield p1, p2, k1, k2


def courses(n: int, leavers: int, dying: float) -> dict[str, float]:
    """The orders of deaths (D) and losses (L) in a group, first to last, and the exact probability of each.

    Walks through the year: the density of the next observed death or loss is a polynomial in time, and its
    integral from 0 is again one. `dying` is the chance to die within the year.
    """
    found: dict[str, float] = {}

    def walk(order: str, by_gone: dict[int, np.ndarray]) -> None:
        # by_gone: of the leavers that many are dead or lost already; each with the density so far.
        others = n - leavers
        if leavers in by_gone and len(order) - leavers <= others:
            alive = others - (len(order) - leavers)
            found[order] = float(polynomial.polyval(1.0, by_gone[leavers])) * (1 - dying) ** alive
        following: dict[str, dict[int, np.ndarray]] = {"D": {}, "L": {}}
        for gone, density in by_gone.items():
            left, staying = leavers - gone, others - (len(order) - gone)
            steps = [
                ("D", gone, staying, [dying]),
                ("D", gone + 1, left, [dying, -dying]),  # dead at s, and not lost before
                ("L", gone + 1, left, [1, -dying]),  # lost at s, and not dead before
            ]
            for what, then, count, factor in steps:
                if count > 0:
                    more = count * polynomial.polyint(polynomial.polymul(density, factor))
                    following[what][then] = polynomial.polyadd(following[what].get(then, [0.0]), more)
        for what, then in following.items():
            if then:
                walk(order + what, then)

    walk("", {0: np.ones(1)})
    return found


def times(order: str, n: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Data with such a course: time, event, and the horizon, which the others reach."""
    horizon = float(n + 1)
    time = np.concatenate((np.arange(1.0, len(order) + 1), np.full(n - len(order), horizon)))
    return time, np.array([what == "D" for what in order] + [False] * (n - len(order))), horizon


class Groups:
    """Limits of the groups with each course, computed once."""

    def __init__(self, n: int) -> None:
        self.n = n
        self._found: dict[str, dict[str, tuple[float, float, float]]] = {}

    def of(self, order: str) -> dict[str, tuple[float, float, float]]:
        """By kind of limits: value, lower, upper."""
        if order not in self._found:
            time, event, at = times(order, self.n)
            curve = kaplan_meier(time, event, conf_level=LEVEL)
            survival = curve.estimate(at)
            found = {"log-log": (survival.value, survival.lower, survival.upper)}
            for name, mid_p in (("beta product", False), ("mid-p", True)):
                own = beta_product(curve, at=[at], mid_p=mid_p)
                found[name] = (survival.value, float(own.lower[0]), float(own.upper[0]))
            found["wilson"] = _wilson(survival.value, survival.std_err, self.n - len(order), order.count("D"))
            found["greenwood"] = (survival.value, survival.std_err, survival.std_err)
            self._found[order] = found
        return self._found[order]


def _wilson(value: float, std_err: float, at_risk: int, deaths: int) -> tuple[float, float, float]:
    """Wilson's limits with the size at which a binomial share would have the standard error of Greenwood."""
    size = value * (1 - value) / std_err**2 if 0 < value < 1 else at_risk if value == 1 else deaths
    if np.isnan(value) or size == 0:
        return value, np.nan, np.nan
    centre, half = value + Z * Z / (2 * size), Z * np.sqrt(value * (1 - value) / size + (Z / (2 * size)) ** 2)
    lower, upper = ((centre + side * half) / (1 + Z * Z / size) for side in (-1, 1))
    return value, max(float(lower), 0.0), min(float(upper), 1.0)


def milestone_coverage(
    p1: float, p2: float, k1: int, k2: int, groups: Groups, score: Callable[..., tuple[float, float]]
) -> pd.DataFrame:
    """Exact coverage, mean width and share without an interval of the difference, a row a method."""
    n = groups.n
    orders = [courses(n, k, 1 - p) for k, p in ((k1, p1), (k2, p2))]
    chance = np.outer(*(list(own.values()) for own in orders))

    def arm(kind: str, side: int, *, alive: bool = False) -> np.ndarray:
        """Value, lower, upper of each course of one group, along its axis; `alive`: whoever is lost is alive."""
        rows = [groups.of(o.replace("L", "") if alive else o)[kind] for o in orders[side]]
        columns = np.array(rows).T
        return columns[:, :, np.newaxis] if side == 0 else columns[:, np.newaxis, :]

    intervals = {}
    (s1, e1, _), (s2, e2, _) = (arm("greenwood", side) for side in (0, 1))
    with np.errstate(invalid="ignore"):
        error = np.hypot(e1, e2)
        error = np.where(error > 0, Z * error, np.nan)
    intervals["Greenwood, normal"] = (s2 - s1 - error, s2 - s1 + error)
    kinds = {"log-log": "log-log", "beta product": "beta product", "mid-p beta product": "mid-p"}
    for name, kind in {**kinds, "Wilson, effective size": "wilson"}.items():
        intervals[f"MOVER, {name}"] = _mover(arm(kind, 0), arm(kind, 1))
    deaths = [np.array([o.count("D") for o in own]) for own in orders]
    binomial = np.array([[score(n - a, n - b) for b in deaths[1]] for a in deaths[0]])
    if k1 == k2 == 0:
        intervals["Miettinen–Nurminen"] = chosen = binomial[..., 0], binomial[..., 1]
    else:
        lower = _mover(arm("mid-p", 0, alive=True), arm("mid-p", 1))[0]
        upper = _mover(arm("mid-p", 0), arm("mid-p", 1, alive=True))[1]
        chosen = np.minimum(lower, binomial[..., 0]), np.maximum(upper, binomial[..., 1])
    intervals[CHOSEN] = chosen
    none = np.isnan(s1 + s2)
    rows = []
    for name, (low, high) in intervals.items():
        low, high = (np.where(none, np.nan, limit) for limit in (low, high))
        rows.append((name, *_held(low, high, p2 - p1, chance)))
    return pd.DataFrame(rows, columns=["method", "coverage", "none", "width"])


def _mover(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    (s1, l1, u1), (s2, l2, u2) = first, second
    return s2 - s1 - np.hypot(s2 - l2, u1 - s1), s2 - s1 + np.hypot(u2 - s2, s1 - l1)


def _held(low: np.ndarray, high: np.ndarray, truth: float, chance: np.ndarray) -> tuple[float, float, float]:
    """Share of trials whose interval holds the truth (without one it does not), share without, mean width."""
    there = ~np.isnan(low + high)
    inside = there & (low <= truth + 1e-12) & (high >= truth - 1e-12)
    width = float((chance * np.where(there, high - low, 0.0)).sum() / (chance * there).sum())
    return float((chance * inside).sum()), float((chance * ~there).sum()), width


def score_interval(n: int) -> Callable[[int, int], tuple[float, float]]:
    """Miettinen-Nurminen limits of x2 of n minus x1 of n, each table once."""
    found: dict[tuple[int, int], tuple[float, float]] = {}

    def interval(x1: int, x2: int) -> tuple[float, float]:
        if (x1, x2) not in found:
            own = risk_difference(x2, n, x1, n, conf_level=LEVEL)
            found[x1, x2] = own.lower, own.upper
        return found[x1, x2]

    return interval


def survival_table() -> pd.DataFrame:
    """Every scenario of the difference at one year."""
    groups, score = Groups(PATIENTS), score_interval(PATIENTS)
    return pd.concat(
        [_scenario(milestone_coverage(*s, groups, score), "survival difference", s, 0) for s in scenarios()]
    )


def mean_limits(survival: float, leavers: int, trials: int, seed: str) -> dict[str, np.ndarray]:
    """Limits of the mean time alive of one group by kind: value, lower, upper, each of shape (trials,)."""
    rng = np.random.default_rng(list(f"{seed} {survival} {leavers}".encode()))
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(trials):
        death = rng.exponential(-1 / log(survival), PATIENTS)
        end = np.ones(PATIENTS)
        end[:leavers] = rng.random(leavers)
        time, event = np.minimum(death, end), death <= end
        own = rmst(time, event, tau=1, conf_level=LEVEL)
        value, error = own.value, own.std_err
        found = {kind: (np.nan, np.nan) for kind in ("plain", "log-log", "logit")}
        found["mid-p beta product"] = own.lower, own.upper
        if error > 0:
            found["plain"] = value - Z * error, value + Z * error
            step = Z * error / (value * log(value))
            found["log-log"] = value ** exp(-step), value ** exp(step)
            step = Z * error / (value * (1 - value))
            found["logit"] = tuple(expit(logit(value) + side * step) for side in (-1, 1))
        for kind, (one, other) in found.items():
            rows.setdefault(kind, []).append((value, min(one, other), max(one, other)))
    return {kind: np.array(own).T for kind, own in rows.items()}


def rmst_table(trials: int, *, seed: str = "limits of a mean") -> pd.DataFrame:
    """Every scenario of the mean time alive in a year: one group, and the difference of two."""
    pools = {
        (p, k): mean_limits(p, k, trials, seed) for p in SURVIVAL for k in range(1 + max(map(max, LOST)))
    }
    chance, found = np.full(trials, 1 / trials), []
    for (p, k), own in pools.items():
        rows = [(kind, *_held(*limits[1:], _mean(p), chance)) for kind, limits in own.items()]
        found.append(_scenario(_frame(rows), "mean", (p, np.nan, k, 0), trials))
    for p1, p2, k1, k2 in scenarios():
        rows = []
        for kind in pools[p1, k1]:
            # Trials are paired with those one place on: also in one pool the two groups are then independent.
            first, second = pools[p1, k1][kind], np.roll(pools[p2, k2][kind], 1, axis=1)
            low, high = _mover(first, second)
            if kind == "plain":
                gap = second[0] - first[0]
                half = np.hypot(*(np.nan_to_num(own[2] - own[0]) for own in (first, second)))
                half = np.where((half > 0) & ~np.isnan(gap), half, np.nan)
                low, high = gap - half, gap + half
            name = "plain" if kind == "plain" else f"MOVER, {kind}"
            rows.append((name, *_held(low, high, _mean(p2) - _mean(p1), chance)))
        found.append(_scenario(_frame(rows), "mean difference", (p1, p2, k1, k2), trials))
    return pd.concat(found)


def _mean(survival: float) -> float:
    """Mean time alive in a year at a constant hazard."""
    return (1 - survival) / -log(survival)


def _frame(rows: list[tuple[str, float, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["method", "coverage", "none", "width"])


def _scenario(
    rows: pd.DataFrame, quantity: str, scenario: tuple[float, float, int, int], trials: int
) -> pd.DataFrame:
    """The rows with what they are of; 0 trials: computed exactly."""
    about = dict(zip(("survival_1", "survival_2", "lost_1", "lost_2"), scenario, strict=True))
    frame = rows.assign(quantity=quantity, trials=trials, **about)
    return frame[["quantity", *about, "trials", "method", "coverage", "none", "width"]]


def main(trials: int = 10_000) -> None:
    """Write the record."""
    table = pd.concat([survival_table(), rmst_table(trials)])
    table.to_csv(RECORD, index=False, lineterminator="\n", float_format="%.4g")
    print(
        table.groupby(["quantity", "method"])[["coverage", "none", "width"]].agg(["min", "mean"]).to_string()
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
