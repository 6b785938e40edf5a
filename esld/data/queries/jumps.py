"""Values far from those before and after: a decimal point or a unit that is wrong on some records of a patient alone."""

from collections.abc import Collection, Iterator, Mapping
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from esld.data.queries.ask import Evidence, Query, Row, line, records, rule, text
from esld.data.queries.series import (
    lone_codes,
    of_value,
    results,
    unit_factors,
    unit_or_range_asked,
    with_unit,
)
from esld.data.queries.weights import POUNDS, plausible

_JUMP = 10.0
_DECIMAL = (10.0, 100.0)
_COURSE, _BODY = 1.9, 1.2  # by which a result, or a weight, may change beside a factor that it is wrong by
_MOSTLY = 0.95  # of the steps of other patients at the same end or in the middle: twice as far is no course
_NEAR = pd.Timedelta(days=180)  # between visits further apart a value may well have changed tenfold


class _Measures(NamedTuple):
    """Values in order of time, by how much they are wrong that have a mistake, and how much they change without one."""

    frame: pd.DataFrame
    factors: Mapping[str, Collection[float]]
    tolerance: float

    @property
    def lowest(self) -> float:
        """The smallest step, a logarithm, that any mistake makes."""
        every = (factor for own in self.factors.values() for factor in own)
        return float(np.log10(min(every, default=np.inf) / self.tolerance))

    def near(self, code: str, beyond: float, least: float, most: float) -> bool:
        """Whether two steps, logarithms, lie about a factor of a test that is larger than what its values do by themselves."""
        around = float(np.log10(self.tolerance))
        factors = (float(np.log10(factor)) for factor in self.factors.get(code, ()))
        return any(f > beyond and f - around <= least and most <= f + around for f in factors)


def _measures(evidence: Evidence) -> tuple[_Measures, _Measures]:
    """Results and weights, plausible, in a unit that nothing contradicts; a code for missing is asked about as such."""
    own = results(evidence)
    own = own[~own.index.isin([*evidence.once(lone_codes).index, *unit_or_range_asked(evidence)])]
    factors = {p.paramcd: {*_DECIMAL, *unit_factors(p)} for p in evidence.protocol.parameters}
    weights = plausible(evidence, "WEIGHT").dropna(subset=["ADT"])
    return _Measures(own, factors, _COURSE), _Measures(weights, {"WEIGHT": {*_DECIMAL, POUNDS}}, _BODY)


def _together(evidence: Evidence) -> list[list[pd.DataFrame]]:
    return [list(_several(of)) for of in evidence.once(_measures)]


@rule("value far from those before and after", "minor", whole="PR")
def _jumps(evidence: Evidence) -> Iterator[Query]:
    """One query a value, but none where several are asked about together."""
    for of, several in zip(evidence.once(_measures), evidence.once(_together), strict=True):
        found = _jumping(of)
        together = {rows["series"].iloc[0] for rows in several}
        for row in records(found[~found["series"].isin(together)]):
            message = _asked(row, f"{row['ADT']:%Y-%m-%d}", with_unit(row))
            yield of_value(row, message, f"{row['AVAL']:g}")


@rule("several values far from those before and after", "major", whole="PR")
def _runs(evidence: Evidence) -> Iterator[Query]:
    """One query about all values of a patient and test that another unit would bring back among the rest."""
    for rows in (rows for several in evidence.once(_together) for rows in several):
        row = records(rows.head(1))[0] | {"after": rows["after"].iloc[-1]}
        days = f"{row['ADT']:%Y-%m-%d} to {rows['ADT'].iloc[-1]:%Y-%m-%d}"
        values = f"{rows['AVAL'].min():g} to {rows['AVAL'].max():g} {text(row['AVALU'])}"
        message, name = _asked(row, days, values), row["SRCDOM"]
        rows = rows.rename(columns={"SRCSEQ": f"{name}SEQ"})
        yield line(name, rows, message, row["PARAMCD"], row["USUBJID"], days, values)


def _asked(row: Row, days: str, values: str) -> str:
    code, before, after = row["PARAMCD"], f"{row['before']:g}", f"{row['after']:g}"
    if pd.isna(row["before"]):
        return f"{code} of {days}, the first, is {values}, {after} after: are its decimal point and its unit right?"
    if pd.isna(row["after"]):
        return f"{code} of {days}, the last, is {values}, {before} before: are its decimal point and its unit right?"
    return f"{code} of {days} is {values}, {before} before and {after} after: is that right?"


def _jumping(of: _Measures) -> pd.DataFrame:
    """Values that are far from all their neighbours, of which a first and a last value have one, with these beside them.

    More than tenfold from two; from two or one by near a factor, unless what other patients show from one value to the next
    comes near it as well. Beside a value that jumps neither is the odd one, and of two values alone the odder.
    """
    own = of.frame
    by_patient = own.groupby("series")[["AVAL", "ADT"]]
    before, after = by_patient.shift(1), by_patient.shift(-1)
    days = (own["ADT"] - before["ADT"], after["ADT"] - own["ADT"])
    near = (days[0].isna() | (days[0] <= _NEAR)) & (days[1].isna() | (days[1] <= _NEAR))
    own = own.assign(before=before["AVAL"], after=after["AVAL"])
    one, other = (_log(own["AVAL"] / own[column]) for column in ("before", "after"))
    first, end = one.isna(), one.isna() | other.isna()
    one, other = one.fillna(other), other.fillna(one)  # of an end both are its one neighbour
    steps = pd.concat([one.abs(), other.abs()], axis=1)
    own = own.assign(first=first, end=end, least=steps.min(axis=1), most=steps.max(axis=1))
    near &= one * other > 0
    jumps = (near & ~end & (own["least"] > np.log10(_JUMP))) | _near_a_factor(own, near, of)
    beside = (jumps & ~end).groupby(own["series"])
    jumps &= ~(end & (beside.shift(1, fill_value=False) | beside.shift(-1, fill_value=False)))
    middle = own["AVAL"] / own.groupby("PARAMCD")["AVAL"].transform("median")
    two = own.groupby("series")["AVAL"].transform("size").eq(2)
    found: pd.DataFrame = own.assign(odd=_log(middle).abs(), two=two)[jumps].sort_values("odd", kind="stable")
    less_odd = found["two"] & found.duplicated("series", keep="last")
    return found.loc[~less_odd].sort_index()


def _log(ratio: pd.Series) -> pd.Series:
    return pd.Series(np.log10(ratio.astype(float)), ratio.index)


def _near_a_factor(steps: pd.DataFrame, near: pd.Series, of: _Measures) -> pd.Series:
    """Which `steps`, logarithms, lie about a factor that is twice as far as others change in the same place."""
    found = pd.Series(False, steps.index)
    for row in records(steps[near & (steps["least"] > of.lowest)].reset_index(names="at")):
        place = ["PARAMCD", "first", "end"]
        others = steps[steps[place].eq([row[c] for c in place]).all(axis=1)]
        usual = _beyond(others.loc[others["USUBJID"].ne(row["USUBJID"]), "least"])
        found.loc[row["at"]] = of.near(row["PARAMCD"], usual, row["least"], row["most"])
    return found


def _beyond(steps: pd.Series) -> float:
    """What no course of a patient comes to, by the steps of the others; 0 where there are none."""
    usual = steps.quantile(_MOSTLY)
    return 0.0 if pd.isna(usual) else float(2 * usual)


def _several(of: _Measures) -> Iterator[pd.DataFrame]:
    """Two values and more of a series, no more than the rest of it, near a factor from both neighbours, or from one at an end.

    Within them nothing steps so far, and other patients come nowhere near the factor in a step.
    """
    own = of.frame.assign(level=_log(of.frame["AVAL"]))
    by_series = own.groupby("series")
    own = own.assign(step=by_series["level"].diff(), days=by_series["ADT"].diff())
    own = own.assign(before=by_series["AVAL"].shift(1), after=by_series["AVAL"].shift(-1))
    far = own.loc[own["step"].abs() > of.lowest, "series"]
    for _, rows in own[own["series"].isin(far)].groupby("series", sort=False):
        code, who = rows["PARAMCD"].iloc[0], rows["USUBJID"].iloc[0]
        beyond = _beyond(own.loc[own["PARAMCD"].eq(code) & own["USUBJID"].ne(who), "step"].abs())
        if run := _run(rows, of, beyond):
            yield rows.iloc[slice(*run)]


def _run(rows: pd.DataFrame, of: _Measures, beyond: float) -> tuple[int, int] | None:
    """Where such values begin, and where they are over: within the series rather than at its end, then few, then late."""
    code, steps, near = rows["PARAMCD"].iloc[0], rows["step"].to_numpy(), (rows["days"] <= _NEAR).to_numpy()
    n, found = len(rows), []
    for start, stop in combinations(range(n + 1), 2):
        ends = [at for at in (start, stop) if 0 < at < n]
        if stop - start < 2 or 2 * (stop - start) > n or not near[ends].all():
            continue
        away = [steps[at] if at == start else -steps[at] for at in ends]
        same = min(away) * max(away) > 0 and np.abs(steps[start + 1 : stop]).max() <= of.lowest
        least, most = sorted(map(abs, (min(away), max(away))))
        if same and of.near(code, beyond, least, most):
            found.append((len(ends), start - stop, start, stop))
    return max(found)[2:] if found else None
