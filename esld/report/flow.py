"""Participant flow: counts that add up at every step, or no table at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from esld.data.columns import first_known
from esld.data.cutfile import ALL
from esld.data.study import Study
from esld.protocol.design import Eligibility
from esld.report import flow_reasons
from esld.report.cells import Cell, Empty, Label, Number
from esld.report.flow_reasons import CODES, COMPLETED, NOT_RECORDED
from esld.report.known import Day, judged, known, watched, watched_words
from esld.report.needs import AT_VISITS
from esld.report.phrases import disposition
from esld.report.planned import is_death
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, has, message
from esld.report.words.grammar import as_prose, capitalised, in_prose

OF = ": "  # between a step and a reason for it, in the name of a step


@dataclass(frozen=True)
class Flow:
    """Counts by step and arm.

    Attributes
    ----------
    counts : DataFrame of int
        One row a step, one column an arm and ``ALL``; steps before randomisation have only ``ALL``, other cells missing.
        A step that the data cannot tell has no row. ``ineligible: EX07`` is a reason for ``ineligible``.
    day : Day
        Day to which follow-up is judged.
    eligibility : Eligibility
        The criteria that may not have been met.
    event : dict of str to str
        How sentences speak of what patients are followed for: ``had`` and ``free``.
    """

    counts: pd.DataFrame
    day: Day
    eligibility: Eligibility
    event: Mapping[str, str]

    @property
    def arms(self) -> list[str]:
        """The arms, in the protocol's order; all patients where the view shows no arm."""
        return [str(column) for column in self.counts.columns if column != ALL] or [ALL]

    def __contains__(self, step: str) -> bool:
        return step in self.counts.index

    def count(self, step: str, arm: str = ALL) -> int:
        """Patients of an arm at a step; a KeyError where the data cannot tell."""
        return int(self.counts[arm].to_dict()[step])

    def words(self, step: str, place: str = "step") -> str:
        """What a step is called; in the place that has words of its own for it, by those."""
        own = f"flow.{place}.{step}"
        words = {"horizon": self.day.words, **{word: capitalised(said) for word, said in self.event.items()}}
        return message(own if has(own) else f"flow.step.{step}", **words)

    def reasons(self, step: str) -> dict[str, str]:
        """Rows with the reasons for a step, and the words of each, in the order of the words."""
        start = step + OF
        names = [str(name) for name in self.counts.index if str(name).startswith(start)]
        words = {name: self._reason(step, name.removeprefix(start)) for name in names}
        return dict(sorted(words.items(), key=lambda item: item[1]))

    def _reason(self, step: str, reason: str) -> str:
        if reason in CODES:
            return message(f"flow.reason.{reason}")
        if step == "partial":
            return message("flow.reason.stopped", reason=disposition(reason))
        if step == "untreated":
            return message("flow.reason.ended", reason=disposition(reason))
        if step in ("lost", "other"):
            return capitalised(disposition(reason))
        wanted = {c.id: in_prose(c.text) for c in self.eligibility.inclusion}
        if reason in wanted:
            return message("flow.reason.not_met", criterion=wanted[reason])
        unwanted = {c.id: c.text for c in self.eligibility.exclusion}
        return unwanted.get(reason) or message("flow.reason.criterion", code=reason)

    def to_frame(self) -> pd.DataFrame:
        """Long form: group, statistic (the step), value, n (randomised)."""
        frame = self.counts.rename_axis("statistic").reset_index().melt("statistic", var_name="group")
        totals = frame["group"].map(self.counts.loc["randomised"].to_dict())
        return frame.assign(n=totals, method="count", unit="patients").dropna(subset=["value"])


_STAGES = {
    "enrolment": ("assessed", "excluded", "ineligible", "other", "waiting", "randomised"),
    "treatment": ("treated", "complete", "partial", "untreated"),
    "follow_up": ("dead", "event", "competing", "followed", "transplanted", "lost", "open", "overdue"),
    "analysis": ("analysed", "valued", "unanalysed", "safety"),
}
_PARTS = (
    "ineligible",
    "other",
    "complete",
    "partial",
    "transplanted",
    "valued",
)  # of the step before them
_BEFORE_RANDOMISATION = ("assessed", "excluded", "ineligible", "other", "waiting")
_SPLITS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("assessed", ("excluded", "waiting", "randomised")),
    ("excluded", ("ineligible", "other")),
    ("randomised", ("treated", "untreated")),
    ("treated", ("complete", "partial")),
    ("randomised", ("dead", "event", "competing", "followed", "lost", "open", "overdue")),
    ("randomised", ("analysed", "unanalysed")),
)
_OF = {"transplanted": "followed", "valued": "analysed"}  # steps that are some of another one
_WITH_REASONS = ("ineligible", "other", "partial", "untreated", "lost")
ONLY_IF_ANY = ("overdue", "transplanted", "competing", "unanalysed")  # steps that need no line for nobody


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
        Patients have had the event of the primary analysis by the day (``dead`` where that is death, else ``event``), or one
        after which it cannot happen (``competing``), or were followed to the day. ``lost`` counts those with a disposition
        event, whatever its reason, or censored by a rule of the endpoint before the day; ``open`` and ``overdue`` those for
        whom no end is recorded, before and after the day has come. ``transplanted`` are those of ``followed`` who had a new
        organ by then. ``analysed`` are in the primary analysis's set; of them ``valued`` have a value at its visit. Steps that
        the data cannot tell are left out: those before randomisation when nobody but the randomised is in the data, the
        treatment without an EX domain, ``safety`` without that set. Somebody who failed several criteria counts under the
        first recorded.

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
    day, protocol = judged(study.protocol, horizon_days), study.protocol
    state = known(study).set_index("USUBJID")
    time, censored = adsl["USUBJID"].map(state["time"]), adsl["USUBJID"].map(state["CNSR"])
    by_then = randomised & (time <= day.days)
    happened, competing = by_then & censored.eq(0), by_then & censored.eq(3)
    followed = randomised & ~happened & ~competing & (time >= day.since)
    ended = censored.eq(2) | adsl["EOSSTT"].ne("ONGOING")
    lost = randomised & ~happened & ~competing & ~followed & ended
    watching = randomised & ~happened & ~competing & ~followed & ~lost
    date = adsl["RANDDT"] + pd.Timedelta(days=horizon_days)
    reached = date <= pd.Timestamp(study.cut.cutoff)
    treated = randomised & adsl["TRTSDT"].notna()
    code = watched(protocol)
    event = "dead" if not code or is_death(protocol.endpoint(code)) else "event"
    steps = {
        "assessed": pd.Series(True, adsl.index),
        "excluded": failed,
        "ineligible": ineligible,
        "other": failed & ~ineligible,
        "waiting": ~randomised & ~failed,
        "randomised": randomised,
        "treated": treated,
        "untreated": randomised & ~treated,
        event: happened,
        **({"competing": competing} if code and protocol.endpoint(code).competing else {}),
        "followed": followed,
        **({"transplanted": followed & (adsl["TRPLDT"] <= date)} if protocol.transplant else {}),
        "lost": lost,
        "open": watching & ~reached,
        "overdue": watching & reached,
        **_analysed(study, time),
    }
    if protocol.administrations and protocol.treatment.regimen == "administrations" and "NADMIN" in adsl:
        every = adsl["NADMIN"] >= len(protocol.administrations.value)
        steps |= {"complete": treated & every, "partial": treated & ~every}
    if not (~randomised).any() and "IE" not in study.tables:
        steps = {name: members for name, members in steps.items() if name not in _BEFORE_RANDOMISATION}
    if "EX" not in study.tables:
        steps = {name: members for name, members in steps.items() if name not in _STAGES["treatment"]}
    left = flow_reasons.ended(study)
    rules = adsl["USUBJID"].map(state["rule"]).astype(object)
    reasons = {
        "ineligible": criteria,
        "other": first_known(left, NOT_RECORDED),
        "partial": flow_reasons.stopped(study, adsl["DTHDT"].notna()),
        "untreated": first_known(left, NOT_RECORDED),
        "lost": first_known(rules, left, COMPLETED),
    }
    for step in [name for name in _WITH_REASONS if name in steps]:
        for reason, members in reasons[step][steps[step]].groupby(reasons[step], sort=True):
            steps[f"{step}{OF}{reason}"] = pd.Series(adsl.index.isin(members.index), adsl.index)
    counts = _counted(steps, adsl["ARMCD"], study.arms)
    if {"SAFFL", "ACTARMCD"} <= set(adsl) and adsl["SAFFL"].notna().any():
        safe = {"safety": randomised & adsl["SAFFL"].eq("Y")}
        counts = pd.concat([counts, _counted(safe, adsl["ACTARMCD"], study.arms)])
    _reconcile(counts)
    return Flow(counts, day, protocol.eligibility, watched_words(study))


def _analysed(study: Study, time: pd.Series) -> dict[str, pd.Series]:
    """Who is in the set of the primary analysis, and of an outcome at a visit, who has a value there."""
    adsl, primary = study.adsl, study.protocol.primary
    analysed = time.notna()
    found = {"analysed": analysed}
    if primary.analysis_set != "ITTFL":
        inside = adsl[primary.analysis_set].eq("Y")
        found = {"analysed": analysed & inside, "unanalysed": adsl["RANDFL"].eq("Y") & ~inside}
    if primary.kind in AT_VISITS:
        visits = study.protocol.schedule.visits
        number = {visit.code: visit.number for visit in visits}.get(primary.visit or "", visits[-1].number)
        adlb = study.adlb[study.adlb["PARAMCD"].isin(primary.parameters) & study.adlb["ANL01FL"].eq("Y")]
        own = adlb.loc[adlb["AVISITN"].eq(number) & adlb["AVAL"].notna(), "USUBJID"]
        found["valued"] = found["analysed"] & adsl["USUBJID"].isin(own)
    return found


def flow_of(reported: Reported, study: Study, *, horizon_days: float) -> Flow:
    """The flow again, from the rows that :meth:`Flow.to_frame` made; refused like any other if it does not add up."""
    arms = study.arms
    cells: dict[str, dict[str, int]] = {ALL: {}, **{arm: {} for arm in arms}}
    for row in reported.rows:
        cells[row.arm][row.statistic] = int(row.value or 0)
    columns = {name: pd.Series(own, list(cells[ALL]), dtype=object) for name, own in cells.items()}
    counts = pd.DataFrame(columns)[list(dict.fromkeys([*arms, ALL]))]
    counts = counts.where(counts.notna(), None)
    _reconcile(counts)
    day = judged(study.protocol, horizon_days)
    return Flow(counts, day, study.protocol.eligibility, watched_words(study))


def _first_criterion(study: Study) -> pd.Series:
    """The criterion that each subject failed, by its id; the first of several."""
    if "IE" not in study.tables:
        return pd.Series(None, study.adsl.index, dtype=object)
    ie = study.tables["IE"].drop_duplicates("USUBJID").set_index("USUBJID")
    return study.adsl["USUBJID"].map(ie["IETESTCD"])


def _counted(steps: Mapping[str, pd.Series], arm: pd.Series, arms: Sequence[str]) -> pd.DataFrame:
    counts = pd.DataFrame({ALL: {name: int(members.sum()) for name, members in steps.items()}}, dtype=object)
    for code in (each for each in arms if each != ALL):
        own = arm.eq(code)
        found = {name: int((members & own).sum()) for name, members in steps.items()}
        counts[code] = pd.Series(found, dtype=object)
        counts.loc[[name for name in found if name.split(OF)[0] in _BEFORE_RANDOMISATION], code] = None
    return counts[list(dict.fromkeys([*arms, ALL]))]


def _reconcile(counts: pd.DataFrame) -> None:
    """Refuse counts that do not add up, by column and over the arms."""
    names = [str(name) for name in counts.index]
    splits = [
        (whole, own)
        for whole, parts in _SPLITS
        if whole in names and (own := tuple(part for part in parts if part in names))
    ]
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
        for part, whole in _OF.items():
            if part in cells and cells[part] > cells[whole]:
                said = f"{part} {cells[part]} of {whole} {cells[whole]}"
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
    lines: list[dict[str, Cell]] = []
    for stage, steps in _STAGES.items():
        for step in steps:
            if step not in flow or (step in ONLY_IF_ANY and not flow.count(step)):
                continue
            texts = {step: flow.words(step)}
            texts |= {name: message("flow.under", what=words) for name, words in flow.reasons(step).items()}
            if step in _PARTS:
                texts = {name: message("flow.under", what=words) for name, words in texts.items()}
            for name, text in texts.items():
                counts = flow.counts.loc[name].to_dict()
                own = {str(column): Empty() if x is None else Number(x) for column, x in counts.items()}
                block = Label(message(f"flow.stage.{stage}"), stage)
                lines.append({"stage": block, "patients": Label(text, name), **own})
    notes = ["flow.adds_up.treated" if "treated" in flow else "flow.adds_up"]
    left_out = "unanalysed" in flow and flow.count("unanalysed")
    notes.append("flow.analysed.some" if left_out else "flow.analysed.all")
    if "assessed" in flow:
        notes.append("flow.adds_up.assessed")
    if flow.reasons("ineligible"):
        notes.append("flow.first_criterion")
    return Table(
        "participant_flow",
        message("flow.table"),
        lines,
        footnotes=tuple(map(message, notes)),
        group="stage",
        heads={str(column): arm_label(str(column)) for column in flow.counts.columns},
    )


def absent_words(flow: Flow) -> str:
    """What the flow cannot show because the data do not hold it, a sentence each; empty when it shows everything."""
    keys = {"assessed": "flow.absent.screening", "treated": "flow.absent.treatment"}
    return as_prose(message(key) for step, key in keys.items() if step not in flow)
