"""Participant flow: counts that add up at every step, or no table at all."""

from dataclasses import dataclass

import pandas as pd

from esld.data.study import Study
from esld.report.numbers import horizon as in_words
from esld.report.tables import Table

_LOST = ("LOST TO FOLLOW-UP", "WITHDRAWAL BY SUBJECT")
ALL = "All"


@dataclass(frozen=True)
class Flow:
    """Counts by step and arm.

    Attributes
    ----------
    counts : DataFrame of int
        One row a step, one column an arm and ``All``; steps before randomisation have only ``All``, other cells missing.
    horizon_days : float
        Day to which follow-up is judged.
    """

    counts: pd.DataFrame
    horizon_days: float

    def to_frame(self) -> pd.DataFrame:
        """Long form: group, statistic (the step), value, n (randomised)."""
        frame = self.counts.rename_axis("statistic").reset_index().melt("statistic", var_name="group")
        totals = frame["group"].map(self.counts.loc["randomised"].to_dict())
        return frame.assign(n=totals, method="count", unit="patients").dropna(subset=["value"])


_STAGES = {
    "Enrolment": {
        "assessed": "Assessed for eligibility (consented)",
        "excluded": "Excluded before randomisation",
        "ineligible": "… did not meet the criteria",
        "other": "… other reasons",
        "waiting": "Not yet randomised at the cut-off",
        "randomised": "Randomised",
    },
    "Treatment": {
        "treated": "Received at least one infusion",
        "untreated": "Never infused",
    },
    "Follow-up": {
        "dead": "Dead by {horizon}",
        "followed": "Alive and followed to {horizon}",
        "lost": "Follow-up ended before {horizon}",
        "open": "Under observation, {horizon} not yet reached",
        "overdue": "Under observation, {horizon} reached, not seen since",
    },
    "Analysis": {"analysed": "Analysed for the primary outcome"},
}
_BEFORE_RANDOMISATION = ["assessed", "excluded", "ineligible", "other", "waiting"]


def participant_flow(study: Study, *, horizon_days: float) -> Flow:
    """Count the participants of a cut.

    Parameters
    ----------
    study : Study
        The cut.
    horizon_days : float
        Day of the primary outcome.

    Returns
    -------
    Flow
        ``lost`` counts those lost, withdrawn, through with the study or censored by a rule of the endpoint before the
        horizon; ``open`` and ``overdue`` those for whom no end is recorded, before and after the day of the horizon has
        come. A trial without an EX domain has no ``treated`` and ``untreated``.

    Raises
    ------
    ValueError
        A split does not add up to what was split, or the analysed are not the randomised.
    """
    adsl = study.adsl
    randomised = adsl["RANDFL"].eq("Y")
    failed = ~randomised & adsl["DCSREAS"].notna()
    ineligible = failed & adsl["USUBJID"].isin(study.tables["IE"]["USUBJID"] if "IE" in study.tables else [])
    os = study.adtte[study.adtte["PARAMCD"].eq("OS")].set_index("USUBJID")
    time, censored = adsl["USUBJID"].map(os["AVAL"]), adsl["USUBJID"].map(os["CNSR"])
    dead = randomised & censored.eq(0) & (time <= horizon_days)
    followed = randomised & ~dead & (time >= horizon_days)
    ended = censored.eq(2) | adsl["DCSREAS"].isin(_LOST) | adsl["EOSSTT"].eq("COMPLETED")
    lost = randomised & ~dead & ~followed & ended
    watched = randomised & ~dead & ~followed & ~lost
    reached = adsl["RANDDT"] + pd.Timedelta(days=horizon_days) <= pd.Timestamp(study.cut.cutoff)
    steps = {
        "assessed": pd.Series(True, adsl.index),
        "excluded": failed,
        "ineligible": ineligible,
        "other": failed & ~ineligible,
        "waiting": ~randomised & ~failed,
        "randomised": randomised,
        "treated": randomised & adsl["TRTSDT"].notna(),
        "untreated": randomised & adsl["TRTSDT"].isna(),
        "dead": dead,
        "followed": followed,
        "lost": lost,
        "open": watched & ~reached,
        "overdue": watched & reached,
        "analysed": adsl["USUBJID"].isin(os.index[os["AVAL"].notna()]),
    }
    if "EX" not in study.tables:
        steps = {name: members for name, members in steps.items() if name not in _STAGES["Treatment"]}
    counts = pd.DataFrame({ALL: {name: int(members.sum()) for name, members in steps.items()}}, dtype=object)
    for arm in study.arms:
        own = adsl["TRT01P"].eq(arm)
        counts[arm] = pd.Series(
            {name: int((members & own).sum()) for name, members in steps.items()}, dtype=object
        )
        counts.loc[_BEFORE_RANDOMISATION, arm] = None
    counts = counts[[*study.arms, ALL]]
    _reconcile(counts)
    return Flow(counts, horizon_days)


def _reconcile(counts: pd.DataFrame) -> None:
    """Refuse counts that do not add up, by column and over the arms."""
    splits = [
        ("assessed", ["excluded", "waiting", "randomised"]),
        ("excluded", ["ineligible", "other"]),
        ("randomised", ["dead", "followed", "lost", "open", "overdue"]),
        ("randomised", ["analysed"]),
    ]
    if "treated" in counts.index:
        splits.append(("randomised", ["treated", "untreated"]))
    for column in counts.columns:
        cells = counts[column].to_dict()
        for whole, parts in splits:
            found = [cells[part] for part in parts]
            total = cells[whole]
            if total is not None and total != sum(x for x in found if x is not None):
                said = ", ".join(f"{part} {x}" for part, x in zip(parts, found, strict=True))
                raise ValueError(f"participant flow must add up: {column}: {whole} {total}, but {said}")
    for step in counts.index.drop(_BEFORE_RANDOMISATION):
        by_arm = counts.loc[step].to_dict()
        if (total := by_arm.pop(ALL)) != (added := sum(by_arm.values())):
            raise ValueError(f"participant flow must add up: {step} is {total}, but the arms give {added}")


def flow_table(flow: Flow) -> Table:
    """The flow as a table, a block a stage."""
    horizon = in_words(flow.horizon_days)
    rows = []
    for stage, steps in _STAGES.items():
        for name, label in steps.items():
            if name not in flow.counts.index or (name == "overdue" and not flow.counts.loc[name, ALL]):
                continue
            counts = flow.counts.loc[name].to_dict()
            cells = {column: "" if x is None else str(x) for column, x in counts.items()}
            rows.append({"Stage": stage, "Patients": label.format(horizon=horizon), **cells})
    notes = (
        "Excluded, not yet randomised and randomised add up to those assessed; treatment and follow-up each add up to the "
        "randomised. All randomised patients are analysed, in the group to which they were randomised.",
    )
    return Table(
        "participant_flow",
        "Participants from consent to analysis",
        pd.DataFrame(rows),
        footnotes=notes,
        group="Stage",
    )
