"""Participant flow: counts that add up at every step, or no table at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from esld.data.columns import first_known
from esld.data.study import Study
from esld.data.views import ALL
from esld.report.cells import Cell, Empty, Label, Number
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import capitalised, period

OF = ": "  # between a step and a reason for it, in the name of a step


@dataclass(frozen=True)
class Flow:
    """Counts by step and arm.

    Attributes
    ----------
    counts : DataFrame of int
        One row a step, one column an arm and ``All``; steps before randomisation have only ``All``, other cells missing.
        A step that the data cannot tell has no row. ``lost: Withdrawal by subject`` is a reason for ``lost``.
    horizon_days : float
        Day to which follow-up is judged.
    """

    counts: pd.DataFrame
    horizon_days: float

    @property
    def arms(self) -> list[str]:
        """Labels of the arms, in the protocol's order; that of all patients where the view shows no arm."""
        return [str(column) for column in self.counts.columns if column != ALL] or [ALL]

    def __contains__(self, step: str) -> bool:
        return step in self.counts.index

    def count(self, step: str, arm: str = ALL) -> int:
        """Patients of an arm at a step; a KeyError where the data cannot tell."""
        return int(self.counts[arm].to_dict()[step])

    def reasons(self, step: str) -> dict[str, str]:
        """Rows with the reasons for a step, and the words of each."""
        start = step + OF
        return {
            str(name): str(name).removeprefix(start)
            for name in self.counts.index
            if str(name).startswith(start)
        }

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
        "complete": "… every planned infusion",
        "partial": "… fewer by the cut-off",
        "untreated": "Never infused",
    },
    "Follow-up": {
        "dead": "Dead by {horizon}",
        "followed": "Alive and followed to {horizon}",
        "transplanted": "… with a liver transplant",
        "lost": "Follow-up ended before {horizon}",
        "open": "Under observation, {horizon} not yet reached",
        "overdue": "Under observation, {horizon} reached, not seen since",
    },
    "Analysis": {
        "analysed": "Analysed for the primary outcome",
        "safety": "Analysed for safety, by the dose received",
    },
}
_BEFORE_RANDOMISATION = ("assessed", "excluded", "ineligible", "other", "waiting")
_SPLITS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("assessed", ("excluded", "waiting", "randomised")),
    ("excluded", ("ineligible", "other")),
    ("randomised", ("treated", "untreated")),
    ("treated", ("complete", "partial")),
    ("randomised", ("dead", "followed", "lost", "open", "overdue")),
    ("randomised", ("analysed",)),
)
_WITH_REASONS = ("ineligible", "untreated", "lost")
ONLY_IF_ANY = ("overdue", "transplanted")  # steps that need no line for nobody


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
        ``lost`` counts those with a disposition event, whatever its reason, or censored by a rule of the endpoint before the
        horizon; ``open`` and ``overdue`` those for whom no end is recorded, before and after the day of the horizon has
        come. ``transplanted`` are those of ``followed`` who had a new liver by then. Steps that the data cannot tell are
        left out: those before randomisation when nobody but the randomised is in the data, the infusions without an EX
        domain, ``safety`` without that set. Somebody who failed several criteria counts under the first recorded.

    Raises
    ------
    ValueError
        A split does not add up to what was split, or the analysed are not the randomised.
    """
    adsl = study.adsl
    randomised = adsl["RANDFL"].eq("Y")
    failed = ~randomised & adsl["DCSREAS"].notna()
    criteria = _first_criterion(study)
    ineligible = failed & criteria.notna()
    os = study.adtte[study.adtte["PARAMCD"].eq("OS")].set_index("USUBJID")
    time, censored = adsl["USUBJID"].map(os["AVAL"]), adsl["USUBJID"].map(os["CNSR"])
    dead = randomised & censored.eq(0) & (time <= horizon_days)
    followed = randomised & ~dead & (time >= horizon_days)
    ended = censored.eq(2) | adsl["EOSSTT"].ne("ONGOING")
    lost = randomised & ~dead & ~followed & ended
    watched = randomised & ~dead & ~followed & ~lost
    day = adsl["RANDDT"] + pd.Timedelta(days=horizon_days)
    reached = day <= pd.Timestamp(study.cut.cutoff)
    treated = randomised & adsl["TRTSDT"].notna()
    steps = {
        "assessed": pd.Series(True, adsl.index),
        "excluded": failed,
        "ineligible": ineligible,
        "other": failed & ~ineligible,
        "waiting": ~randomised & ~failed,
        "randomised": randomised,
        "treated": treated,
        "untreated": randomised & ~treated,
        "dead": dead,
        "followed": followed,
        "transplanted": followed & (adsl["LTDT"] <= day),
        "lost": lost,
        "open": watched & ~reached,
        "overdue": watched & reached,
        "analysed": adsl["USUBJID"].isin(os.index[os["AVAL"].notna()]),
    }
    if study.protocol.administrations and "NINFUS" in adsl:
        every = adsl["NINFUS"] >= len(study.protocol.administrations.value)
        steps |= {"complete": treated & every, "partial": treated & ~every}
    if not (~randomised).any() and "IE" not in study.tables:
        steps = {name: members for name, members in steps.items() if name not in _BEFORE_RANDOMISATION}
    if "EX" not in study.tables:
        steps = {name: members for name, members in steps.items() if name not in _STAGES["Treatment"]}
    left = adsl["DCSREAS"].map(lambda term: str(term).lower(), na_action="ignore").astype(object)
    rules = adsl["USUBJID"].map(os["CNSDTDSC"]).where(censored.eq(2)).astype(object)
    reasons = {
        "ineligible": criteria,
        "untreated": first_known("participation ended: " + left, "reason not recorded"),
        "lost": first_known(rules, left, "completed before that day").map(capitalised),
    }
    for step in [name for name in _WITH_REASONS if name in steps]:
        for reason, members in reasons[step][steps[step]].groupby(reasons[step], sort=True):
            steps[f"{step}{OF}{reason}"] = pd.Series(adsl.index.isin(members.index), adsl.index)
    counts = _counted(steps, adsl["ARMCD"], study.arms)
    if {"SAFFL", "ACTARMCD"} <= set(adsl) and adsl["SAFFL"].notna().any():
        safe = {"safety": randomised & adsl["SAFFL"].eq("Y")}
        counts = pd.concat([counts, _counted(safe, adsl["ACTARMCD"], study.arms)])
    _reconcile(counts)
    return Flow(counts, horizon_days)


def flow_of(reported: Reported, *, arms: Sequence[str], horizon_days: float) -> Flow:
    """The flow again, from the rows that :meth:`Flow.to_frame` made; refused like any other if it does not add up."""
    cells: dict[str, dict[str, int]] = {ALL: {}, **{arm: {} for arm in arms}}
    for row in reported.rows:
        cells[row.arm][row.statistic] = int(row.value or 0)
    columns = {name: pd.Series(own, list(cells[ALL]), dtype=object) for name, own in cells.items()}
    counts = pd.DataFrame(columns)[list(dict.fromkeys([*arms, ALL]))]
    counts = counts.where(counts.notna(), None)
    _reconcile(counts)
    return Flow(counts, horizon_days)


def _first_criterion(study: Study) -> pd.Series:
    """The criterion that each subject failed, in the protocol's words where it knows it; the first of several."""
    if "IE" not in study.tables:
        return pd.Series(None, study.adsl.index, dtype=object)
    wanted = {c.id: f"Not {c.text[:1].lower()}{c.text[1:]}" for c in study.protocol.eligibility.inclusion}
    unwanted = {c.id: c.text for c in study.protocol.eligibility.exclusion}
    ie = study.tables["IE"].drop_duplicates("USUBJID").set_index("USUBJID")
    texts = ie["IETESTCD"].map(lambda code: (wanted | unwanted).get(code, f"Criterion {code}"))
    return study.adsl["USUBJID"].map(texts)


def _counted(steps: Mapping[str, pd.Series], arm: pd.Series, arms: Sequence[str]) -> pd.DataFrame:
    counts = pd.DataFrame({ALL: {name: int(members.sum()) for name, members in steps.items()}}, dtype=object)
    for label in (each for each in arms if each != ALL):
        own = arm.eq(label)
        found = {name: int((members & own).sum()) for name, members in steps.items()}
        counts[label] = pd.Series(found, dtype=object)
        counts.loc[[name for name in found if name.split(OF)[0] in _BEFORE_RANDOMISATION], label] = None
    return counts[list(dict.fromkeys([*arms, ALL]))]


def _reconcile(counts: pd.DataFrame) -> None:
    """Refuse counts that do not add up, by column and over the arms."""
    names = [str(name) for name in counts.index]
    splits = [(whole, parts) for whole, parts in _SPLITS if {whole, *parts} <= set(names)]
    for step in _WITH_REASONS:
        if parts := tuple(name for name in names if name.startswith(step + OF)):
            splits.append((step, parts))
    for column in counts.columns:
        cells = counts[column].to_dict()
        for whole, parts in splits:
            found = [cells[part] for part in parts]
            total = cells[whole]
            if total is not None and total != sum(x for x in found if x is not None):
                said = ", ".join(f"{part} {x}" for part, x in zip(parts, found, strict=True))
                raise ValueError(f"participant flow must add up: {column}: {whole} {total}, but {said}")
        if cells["transplanted"] > cells["followed"]:
            said = f"transplanted {cells['transplanted']} of followed {cells['followed']}"
            raise ValueError(f"participant flow must add up: {column}: {said}")
    for step in names:
        by_arm = counts.loc[step].to_dict()
        total = by_arm.pop(ALL)
        if (
            by_arm
            and step.split(OF)[0] not in _BEFORE_RANDOMISATION
            and total != (added := sum(by_arm.values()))
        ):
            raise ValueError(f"participant flow must add up: {step} is {total}, but the arms give {added}")
    if {"safety", "treated"} <= set(names) and (of := counts[ALL].to_dict())["safety"] != of["treated"]:
        said = f"treated {of['treated']}, but safety {of['safety']}"
        raise ValueError(f"participant flow must add up: {ALL}: {said}")


def flow_table(flow: Flow) -> Table:
    """The flow as a table, a block a stage."""
    horizon = period(flow.horizon_days)
    lines: list[dict[str, Cell]] = []
    for stage, steps in _STAGES.items():
        for step, label in steps.items():
            if step not in flow or (step in ONLY_IF_ANY and not flow.count(step)):
                continue
            indent = "… … " if label.startswith("…") else "… "
            reasons = {name: indent + words for name, words in flow.reasons(step).items()}
            for name, text in {step: label.format(horizon=horizon), **reasons}.items():
                counts = flow.counts.loc[name].to_dict()
                own = {str(column): Empty() if x is None else Number(x) for column, x in counts.items()}
                lines.append({"Stage": Label(stage), "Patients": Label(text), **own})
    blocks = "Treatment and follow-up each add up" if "treated" in flow else "Follow-up adds up"
    everybody = "All randomised patients are analysed, in the group to which they were randomised."
    notes = [f"{blocks} to the randomised. {everybody}"]
    if "assessed" in flow:
        notes.append("Excluded, not yet randomised and randomised add up to those assessed.")
    if flow.reasons("ineligible"):
        notes.append("Who failed several criteria is counted under the first that is recorded.")
    return Table(
        "participant_flow",
        "Participants from consent to analysis",
        lines,
        footnotes=tuple(notes),
        group="Stage",
    )


def absent_words(flow: Flow) -> str:
    """What the flow cannot show because the data do not hold it, a sentence each; empty when it shows everything."""
    keys = {"assessed": "flow.absent.screening", "treated": "flow.absent.treatment"}
    return " ".join(message(key) for step, key in keys.items() if step not in flow)
