"""New events, and those worse than at baseline: cumulative incidence with what competes, differences, and Gray's test."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan

import pandas as pd

from esld.data.adam.adce import not_at_risk, prevalent_subjects
from esld.data.study import Study
from esld.methods import made_by
from esld.multiplicity import fixed_sequence, holm
from esld.protocol import Analysis, Endpoint
from esld.report.survival_times import endpoint_times
from esld.survival import (
    CumulativeIncidence,
    Estimate,
    GrayTest,
    cumulative_incidence,
    gray,
    incidence_at,
    incidence_difference,
)

EVENT, COMPETING = "event", "competing"
Pair = tuple[str, str]
RULES = {"holm": holm, "fixed sequence": fixed_sequence}


@dataclass(frozen=True, eq=False)
class FirstEvents:
    """First new or worse events of one endpoint among those who can have one.

    Attributes
    ----------
    endpoint : Endpoint
        The condition.
    prevalent : dict of str to int
        Patients of each arm who had it at baseline.
    excluded : dict of str to int
        Those of them who cannot have a worse one.
    curves : dict of str to CumulativeIncidence
        Of each arm with somebody at risk, causes `EVENT` and `COMPETING`.
    test : GrayTest or None
        Of the event by `at` between all arms; None unless two arms or more have somebody at risk.
    at : float
        The day that the result is given for.
    lost : dict of str to set of str
        Whom of the arm follow-up left before that day, by USUBJID.
    worse : dict of str to int
        Patients of each arm with a first event by that day who had the condition at baseline.
    grade : str
        What the parameter is called that tells who had it at baseline.
    against : tuple of tuple
        The pairs of arms of which the difference is given.
    pairs : dict of tuple to GrayTest
        Of three arms or more: of the control with each other one, where both have somebody at risk.
    sharing : str
        How these share an error of 5 %: none, holm or fixed sequence.
    """

    endpoint: Endpoint
    prevalent: dict[str, int]
    excluded: dict[str, int]
    curves: dict[str, CumulativeIncidence]
    test: GrayTest | None
    at: float
    lost: dict[str, set[str]]
    worse: dict[str, int] = field(default_factory=dict)
    grade: str = ""
    against: tuple[Pair, ...] = ()
    pairs: dict[Pair, GrayTest] = field(default_factory=dict)
    sharing: str = "none"

    @property
    def name(self) -> str:
        """The condition, as tables call it."""
        return self.endpoint.param

    def to_frame(self) -> pd.DataFrame:
        """Long form: patients with the condition at baseline, those with a worse one, incidence; then differences and tests."""
        rows = []
        for arm, had in self.prevalent.items():
            rows.append(
                {"group": arm, "statistic": "prevalent", "value": had, "unit": "patients", "method": "count"}
            )
            if arm not in self.curves:
                continue
            curve = self.curves[arm]
            for cause, name in ((EVENT, "incidence"), (COMPETING, "competing_incidence")):
                rows.append({"group": arm, "statistic": name} | incidence(curve, self.at, cause))
            about = {"group": arm, "statistic": "worse", "unit": "patients", "method": "count"}
            rows.append({**about, "value": self.worse.get(arm, 0), "time": self.at, "n": curve.n})
        rows += incidence_differences(self.curves, self.against, self.at, "incidence_difference")
        frame = pd.DataFrame(rows)
        tests = {"": self.test} if self.test else {}
        tests |= {group_of(pair): test for pair, test in self.pairs.items()}
        tested = [t.to_frame().query("statistic == 'p_value'").assign(group=g) for g, t in tests.items()]
        return pd.concat([frame, *tested, *self._adjusted()], ignore_index=True)

    def _adjusted(self) -> Iterator[pd.DataFrame]:
        """Adjusted p-values of the pairs, of which those that could not be tested count too."""
        rule = RULES.get(self.sharing)
        if rule is None or not self.pairs:
            return
        control, *others = self.prevalent
        found = [self.pairs.get((control, arm)) for arm in others]
        values = rule([nan if test is None else test.p_value for test in found])
        for arm, test, value in zip(others, found, values, strict=True):
            if test is None:
                continue
            row = test.to_frame().query("statistic == 'p_value'")
            how = made_by(test.method, self.sharing.replace(" ", "-"))
            group = group_of((control, arm))
            yield row.assign(statistic="p_value_adjusted", value=value, group=group, method=how)


def incidence(curve: CumulativeIncidence, at: float, cause: str) -> dict[str, object]:
    """The incidence of a cause by a day with its limits, as a row without its name."""
    counts = curve.counts([at])
    events = int(counts.loc[counts["cause"].eq(cause), "events"].sum())
    return {"time": at, "n": curve.n, "events": events} | _parts(incidence_at(curve, at, cause))


def incidence_differences(
    curves: Mapping[str, CumulativeIncidence], pairs: Sequence[Pair], at: float, statistic: str
) -> list[dict[str, object]]:
    """The difference of the incidence of the event by a day, of each pair with somebody at risk in both, as rows."""
    rows: list[dict[str, object]] = []
    for control, arm in (pair for pair in pairs if {*pair} <= set(curves)):
        first, second = curves[control], curves[arm]
        about = {"group": group_of((control, arm)), "statistic": statistic, "unit": "proportion"}
        found = _parts(incidence_difference(first, second, at, EVENT))
        rows.append({**about, "time": at, "n": first.n + second.n, **found})
    return rows


def _parts(found: Estimate) -> dict[str, object]:
    return {key: getattr(found, key) for key in ("value", "lower", "upper", "method", "reason")}


def group_of(pair: Pair) -> str:
    """The group of a row that compares a pair: ``HIGH v LOW``."""
    return f"{pair[1]} v {pair[0]}"


def estimate(study: Study, plan: Analysis, paramcd: str, *, conf_level: float) -> FirstEvents:
    """First events of one endpoint of a planned analysis by arm."""
    endpoint, at = study.protocol.endpoint(paramcd), plan.horizon_days or 0.0
    times = endpoint_times(study, plan, paramcd)
    had = prevalent_subjects(endpoint, study.adlb)
    had_before = times["USUBJID"].isin(had)
    left_out = times["USUBJID"].isin(not_at_risk(endpoint, study.adlb))
    prevalent, excluded = (
        {arm: int((own & times["arm"].eq(arm)).sum()) for arm in study.arms} for own in (had_before, left_out)
    )
    times = times[~left_out]
    times = times.assign(state=times["EVTYPE"].map({"EVENT": EVENT, "COMPETING": COMPETING}))
    curves, lost = {}, {}
    for arm in study.arms:
        own = times[times["arm"].eq(arm)]
        if len(own):
            curves[arm] = cumulative_incidence(
                own["time"], own["state"], causes=[EVENT, COMPETING], conf_level=conf_level, group=arm
            )
            lost[arm] = set(own.loc[own["state"].isna() & own["time"].lt(at), "USUBJID"])
    first = times["EVTYPE"].eq("EVENT") & times["time"].le(at) & times["USUBJID"].isin(had)
    worse = {arm: int((first & times["arm"].eq(arm)).sum()) for arm in study.arms}
    # What is estimated is the incidence by that day: what happens later is none of the test's business.
    times = times.assign(state=times["state"].where(times["time"].le(at)), time=times["time"].clip(upper=at))
    test = _gray(times, list(curves)) if len(curves) > 1 else None
    pairs = [pair for pair in study.pairs if len(study.pairs) > 1 and {*pair} <= set(curves)]
    tests = {pair: _gray(times, list(pair)) for pair in pairs}
    sharing = study.protocol.multiplicity
    grade = study.protocol.parameter(endpoint.prevalent.paramcd).param if endpoint.prevalent else ""
    return FirstEvents(
        endpoint,
        prevalent,
        excluded,
        curves,
        test,
        at,
        lost,
        worse,
        grade,
        tuple(study.pairs),
        tests,
        sharing,
    )


def _gray(times: pd.DataFrame, arms: list[str]) -> GrayTest:
    own = times[times["arm"].isin(arms)]
    return gray(own["time"], own["state"], own["arm"], cause=EVENT, causes=[EVENT, COMPETING], groups=arms)


def at_risk_key(endpoints: Sequence[Endpoint]) -> str:
    """What those are called who can have the event: nobody is at risk of a good one."""
    good = all(endpoint.better == "earlier" for endpoint in endpoints)
    return "events.without" if good else "events.at_risk"


def worse_key(key: str, endpoints: Sequence[Endpoint]) -> str:
    """An entry, or the one of events that may be worse than at baseline."""
    worse = any(endpoint.prevalent and endpoint.prevalent.worse for endpoint in endpoints)
    return f"{key}.worse" if worse else key
