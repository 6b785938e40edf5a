"""Responders: who changed by a threshold or more, counted under each rule for those without a change."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from esld.longform import Shown
from esld.longitudinal._columns import group_codes, group_labels, numbers, require, require_one_row
from esld.longitudinal._covariance import Bools, Floats
from esld.longitudinal.means import long_frame
from esld.methods import made_by, step
from esld.reasons import Why, because

Rule = Literal["non-responder", "dead", "left out"]
RULES: dict[Rule, str] = {
    "non-responder": "without-value-or-dead-non-responder",
    "dead": "dead-non-responder",
    "left out": "without-value-or-dead-left-out",
}
"""What becomes of a subject without a change, by the name of the rule."""

Scale = Literal["absolute", "per cent"]
Direction = Literal["decrease", "increase"]
# Differences of printed numbers carry binary noise: a change this near the threshold, against the values, is at it.
_NOISE = 1e-9


@dataclass(frozen=True, kw_only=True)
class Response:
    """Counts of one group; the last four add up to `subjects`.

    Attributes
    ----------
    group : str
    subjects : int
        All rows of the group.
    responders, others : int
        With a change: at or beyond the threshold, and not.
    dead : int
        Without a change, and dead.
    absent : int
        Without a change, and not dead: no value, or no baseline to change from.
    """

    group: str
    subjects: int
    responders: int
    others: int
    dead: int
    absent: int

    def of(self, rule: Rule) -> tuple[int, int]:
        """Responders, and those of whom they are counted, under a rule of `RULES`."""
        if rule not in RULES:
            raise ValueError(f"rule must be one of {list(RULES)}, got {rule!r}")
        measured = self.responders + self.others
        added = {"non-responder": self.dead + self.absent, "dead": self.dead, "left out": 0}
        return self.responders, measured + added[rule]


@dataclass(frozen=True, kw_only=True)
class Responders(Shown):
    """Responders of each group. Limits and comparisons of the shares are the caller's: these are counts.

    Attributes
    ----------
    groups : tuple of Response
        In the order of the labels.
    rule : str
        The rule named beforehand; the long form gives the others beside it.
    definition : str
        The response, as a step of a method: ``fall:2:g/L``.
    """

    groups: tuple[Response, ...]
    rule: Rule
    definition: str

    def counts(self, rule: Rule | None = None) -> dict[str, tuple[int, int]]:
        """Responders, and those of whom they are counted, by group; under `rule` if another one is given."""
        return {group.group: group.of(rule or self.rule) for group in self.groups}

    def to_frame(self) -> pd.DataFrame:
        """Long form: of each group the share of responders (``n`` is its denominator) under every rule, the named rule
        first, with the number of responders; then the subjects, the dead and the absent.
        """
        rows = []
        for group in self.groups:
            for rule in dict.fromkeys((self.rule, *RULES)):
                x, n = group.of(rule)
                about = {"group": group.group, "unit": "", "n": n}
                about["method"] = made_by(self.definition, RULES[rule])
                reason = None if n else because(Why.NOBODY_COUNTED)
                share = x / n if n else float("nan")
                rows.append({**about, "statistic": "response_rate", "value": share, "reason": reason})
                rows.append({**about, "statistic": "responders", "value": x})
            for statistic in ("subjects", "dead", "absent"):
                about = {
                    "group": group.group,
                    "unit": "",
                    "n": group.subjects,
                    "method": self.definition,
                }
                rows.append({**about, "statistic": statistic, "value": getattr(group, statistic)})
        return long_frame(rows)


def responders(
    frame: pd.DataFrame,
    *,
    subject: str,
    group: str,
    outcome: str,
    baseline: str,
    threshold: float,
    direction: Direction,
    scale: Scale = "absolute",
    rule: Rule = "non-responder",
    dead: str | None = None,
    groups: Sequence[Hashable] | None = None,
    unit: str = "",
) -> Responders:
    """Count who changed from baseline by at least a threshold.

    A subject with a change is judged by it, dead later or not. One without is judged by the rule: leaving the dead
    out compares survivors, who are no longer the groups that were randomised.

    Only counts are returned. The interval of a share and the difference of two belong to `esld.survival.proportions`,
    to which this package has no way: give it the pairs of `Responders.counts`.

    Parameters
    ----------
    frame : DataFrame
        One row a subject, those without a value included: they are the denominator.
    subject, group : str
        Columns; never missing.
    outcome, baseline : str
        Numeric columns: the value at the visit and before treatment, in one unit; missing values are allowed.
    threshold : float
        Size of the change, above 0: in the unit of the values, or per cent of the baseline. The threshold itself is a
        response; values that miss it by binary noise are at it.
    direction : {'decrease', 'increase'}
        Which way a response goes.
    scale : {'absolute', 'per cent'}
        In per cent, a baseline of 0 or below has no change: the subject is absent.
    rule : {'non-responder', 'dead', 'left out'}
        What becomes of a subject without a change: see `RULES`. The others are reported beside it.
    dead : str, optional
        Column of truth values, missing meaning alive: dead by the visit. Without it nobody is known to be dead.
    groups : sequence, optional
        Labels in the order wanted, which may name a group without subjects. Default: the order of the categories, else
        sorted.
    unit : str
        Unit of the values, for the words.

    Returns
    -------
    Responders

    Raises
    ------
    ValueError
        A column is absent; two rows of one subject; a missing subject or group; values that are not finite numbers; a
        threshold that is not finite and above 0; an unknown direction, scale or rule.

    References
    ----------
    ICH E9(R1) (2019), section A.3.2: composite variable strategies, of which "non-responder" is one.

    Examples
    --------
    >>> from esld.data.datasets import demo_by_week
    >>> from esld.longitudinal import responders
    >>> patients = demo_by_week("albumin_g_l")
    >>> columns = {"subject": "subject", "group": "arm", "baseline": "week_0", "outcome": "week_24"}
    >>> found = responders(patients, threshold=2, direction="increase", unit="g/L", **columns)
    >>> found.counts(), found.counts("left out")
    ({'LOW': (2, 11), 'MEDHIGH': (3, 11)}, {'LOW': (2, 10), 'MEDHIGH': (3, 10)})
    """
    for name, value, allowed in (
        ("direction", direction, ("decrease", "increase")),
        ("scale", scale, ("absolute", "per cent")),
        ("rule", rule, tuple(RULES)),
    ):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {list(allowed)}, got {value!r}")
    if not (np.isfinite(threshold) and threshold > 0):
        raise ValueError(f"threshold must be finite and above 0, got {threshold!r}")
    require(frame, subject, group, outcome, baseline, *([dead] if dead else []))
    require_one_row(frame, subject)
    labels = group_labels(frame, group, groups)
    codes = group_codes(frame, group, labels)
    if missing := int(np.count_nonzero(codes < 0)):
        raise ValueError(f"{group} must not be missing, got {missing} missing of {len(frame)}")
    beyond = _beyond(
        numbers(frame, outcome), numbers(frame, baseline), threshold, direction=direction, per_cent=scale == "per cent"
    )  # fmt: skip
    died = numbers(frame, dead) if dead else np.zeros(len(frame))
    if strange := sorted(set(died[~np.isnan(died)].tolist()) - {0.0, 1.0}):
        raise ValueError(f"{dead} must be true or false, got {strange[0]!r}")
    found = [
        counted(beyond[codes == place], died[codes == place] == 1, group=str(label))
        for place, label in enumerate(labels)
    ]
    size = (f"{threshold:g}", "percent" if scale == "per cent" else unit)
    return Responders(groups=tuple(found), rule=rule, definition=step(direction, *filter(None, size)))


def counted(judged: Floats, dead: Bools, *, group: str) -> Response:
    """Counts of one group from what each subject is.

    Parameters
    ----------
    judged : ndarray of shape (n,)
        1 of a responder, 0 of another, NaN of whoever has nothing to be judged by.
    dead : ndarray of bool of shape (n,)
        Whether the subject is dead; of who is judged it does not count.
    group : str
        Label.
    """
    known = ~np.isnan(judged)
    return Response(
        group=group, subjects=judged.size, responders=int(np.sum(judged == 1)), others=int(np.sum(judged == 0)),
        dead=int(np.sum(~known & dead)), absent=int(np.sum(~known & ~dead)),
    )  # fmt: skip


def _beyond(
    value: Floats, baseline: Floats, threshold: float, *, direction: Direction, per_cent: bool
) -> Floats:
    """1 where the change is at or beyond the threshold, 0 where it is not, NaN where there is none."""
    change = value - baseline if direction == "increase" else baseline - value
    noise = _NOISE * np.maximum(np.abs(value), np.abs(baseline))
    needed = threshold * baseline / 100 if per_cent else np.full(value.shape, float(threshold))
    known = ~np.isnan(change) & (~per_cent | (baseline > 0))
    return np.where(known, (change >= needed - noise).astype(float), np.nan)
