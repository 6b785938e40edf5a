"""Differences within the strata of the randomisation, put together by Mantel and Haenszel's weights."""

from collections.abc import Sequence

import pandas as pd

from esld.longform import About, Estimate, estimate_rows, long_frame
from esld.methods import made_by
from esld.report.survival_times import STRATUM, of_arms
from esld.survival import Milestone, milestone, rmst_compare, stratified_risk_difference, weighted_difference

NAME = "stratified_difference"


def milestone_rows(times: pd.DataFrame, pair: Sequence[str], *, at: float, conf_level: float) -> pd.DataFrame:
    """The difference of two arms in who is free of the event at the horizon, over the strata, in long form.

    Score limits where everybody's state is known in both arms, else the strata's own limits by MOVER. No rows where no stratum
    holds both arms.
    """
    own, sizes = _strata(times, pair)
    if not own:
        return long_frame([])
    found = [
        milestone(part["time"], part["event"], part["arm"], at=at, groups=pair, conf_level=conf_level)
        for part in own
    ]
    if all(each.complete for each in found):
        counts = [(g.alive, g.n) for each in found for g in reversed(each.groups)]
        (x2, n2), (x1, n1) = (zip(*counts[start::2], strict=True) for start in (0, 1))
        difference: Estimate = stratified_risk_difference(x2, n2, x1, n1, conf_level=conf_level)
    else:
        each = [result.survival_difference for result in found]
        difference = _weighted([one for one in each if one is not None], sizes)
    return _rows(difference, found, pair, at)


def rmst_rows(times: pd.DataFrame, pair: Sequence[str], *, tau: float, conf_level: float) -> pd.DataFrame:
    """The difference of two arms in mean time free of the event, over the strata, in long form; no rows where none holds both."""
    own, sizes = _strata(times, pair)
    if not own:
        return long_frame([])
    found = [
        rmst_compare(part["time"], part["event"], part["arm"], tau=tau, groups=pair, conf_level=conf_level)
        for part in own
    ]
    difference = _weighted([each.difference for each in found], sizes)
    about: About = {
        "n": sum(map(sum, sizes)),
        "events": sum(arm.events for each in found for arm in each.arms),
        "group": f"{pair[1]} - {pair[0]}",
        "time": tau,
        "unit": "days",
    }
    return long_frame(estimate_rows(NAME, difference, **about))


def _strata(times: pd.DataFrame, pair: Sequence[str]) -> tuple[list[pd.DataFrame], list[tuple[int, int]]]:
    """The times of each stratum that holds both arms, and the patients of the two in each."""
    parts = [part for _, part in of_arms(times, pair).groupby(STRATUM)]
    sizes = [(int(part["arm"].eq(pair[0]).sum()), int(part["arm"].eq(pair[1]).sum())) for part in parts]
    both = [all(size) for size in sizes]
    kept = [part for part, there in zip(parts, both, strict=True) if there]
    return kept, [size for size, there in zip(sizes, both, strict=True) if there]


def _weighted(differences: Sequence[Estimate], sizes: Sequence[tuple[int, int]]) -> Estimate:
    return weighted_difference(differences, sizes, method=made_by(differences[0].method))


def _rows(difference: Estimate, found: Sequence[Milestone], pair: Sequence[str], at: float) -> pd.DataFrame:
    groups = [group for each in found for group in each.groups]
    about: About = {
        "n": sum(group.n for group in groups),
        "events": sum(group.dead for group in groups),
        "group": f"{pair[1]} - {pair[0]}",
        "time": at,
    }
    return long_frame(estimate_rows(NAME, difference, **about))
