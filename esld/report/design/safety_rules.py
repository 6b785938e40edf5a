"""Rules for harm: how likely a proportion is above its limit now, and what the rule does at true proportions."""

import numpy as np
import pandas as pd

from esld.data.cutfile import ALL
from esld.data.study import Study
from esld.longform import Row, long_frame, row
from esld.protocol import SERIOUS, SafetyRule
from esld.report.needs import counted_for_safety
from esld.report.survival_times import endpoint_times

RESULT = "safety_rules"
METHOD = "beta-binomial"
TRIED = (0.5, 1.0, 1.5, 2.0)  # true proportions as multiples of the limit
_HIGHEST = 0.95


def shown(study: Study, rule: SafetyRule) -> list[str]:
    """The groups that a rule is applied to in a view; none where it is by arm and the view shows no arm."""
    if not rule.by_arm:
        return [ALL]
    return [arm for arm in study.arms if arm != ALL] if study.shows_arms else []


def counts(study: Study, rule: SafetyRule, group: str) -> tuple[int, int]:
    """Patients with the event so far, and patients of whom it is known."""
    people = study.randomised
    if rule.event == SERIOUS:
        people = people[counted_for_safety(study)]
        serious = (
            study.adae[study.adae["AESER"].eq("Y") & study.adae["TRTEMFL"].eq("Y")]
            if len(study.adae)
            else study.adae
        )
        had = people["USUBJID"].isin(serious["USUBJID"] if len(serious) else ())
    else:
        plan = study.protocol.primary.model_copy(update={"covariates": (), "analysis_set": "ITTFL"})
        times = endpoint_times(study, plan, rule.event).set_index("USUBJID")
        had = people["USUBJID"].map(times["event"]).fillna(value=False).astype(bool)
    own = people["ARMCD"].eq(group) | (group == ALL)
    return int((had & own).sum()), int(own.sum())


def planned(study: Study, group: str) -> int:
    """Patients whom a group is to have."""
    labels, ratio, n = list(study.protocol.arm_labels), study.protocol.ratio, study.protocol.target_enrolment
    if group == ALL:
        return n
    control = n * ratio[0] // sum(ratio)
    return control if labels.index(group) == 0 else n - control


def rule_rows(study: Study) -> pd.DataFrame:
    """Of each rule and group: the probability now, the fewest events that stop, and what the rule does at true proportions."""
    rows: list[Row] = []
    for safety in study.protocol.monitoring.safety if study.protocol.monitoring else ():
        tried = [rate for share in TRIED if (rate := round(share * safety.limit, 6)) <= _HIGHEST]
        for group in shown(study, safety):
            x, n = counts(study, safety, group)
            most = max(planned(study, group), n)
            rule = safety.rule(most)
            code = safety.event
            rows.append(row(f"{code}.events", x, group=group, n=n, events=x, method="count"))
            if n:
                chance = rule.probability(x, n)
                rows.append(row(f"{code}.probability", chance, group=group, n=n, events=x, method=METHOD))
            for at, known in (("now", n), ("end", most)):
                if (found := fewest(rule.looks, rule.boundary, known)) is not None:
                    rows.append(
                        row(f"{code}.stops_{at}", found, group=group, n=known, events=x, method=METHOD)
                    )
            does = rule.properties(tried)
            for rate, stopped, subjects in zip(tried, does.stopped, does.subjects, strict=True):
                for name, value in (("stopped", stopped), ("subjects", subjects)):
                    rows.append(
                        row(
                            f"{code}.{name}_at_{100 * rate:g}",
                            value,
                            group=group,
                            n=most,
                            events=x,
                            method=METHOD,
                        )
                    )
    return long_frame(rows)


def fewest(looks: np.ndarray, boundary: np.ndarray, known: int) -> int | None:
    """Events of so many patients that stop; None where the rule is not applied to so many, or none do."""
    at = np.flatnonzero(looks == known)
    bound = int(boundary[at[0]]) if at.size else known + 1
    return bound if bound <= known else None
