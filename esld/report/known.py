"""What is known of each patient on the day of the primary outcome: had the event, was followed to it, or neither."""

from dataclasses import dataclass

import pandas as pd

from esld.data.study import Study
from esld.protocol import Protocol
from esld.report.needs import AT_VISITS
from esld.report.phrases import event_words
from esld.report.planned import is_death
from esld.report.words.catalogue import message
from esld.report.words.grammar import in_prose, period


@dataclass(frozen=True)
class Day:
    """A day after randomisation on which the state of patients is judged.

    Attributes
    ----------
    days : float
        Days after randomisation.
    since : float
        Days after randomisation from which a patient counts as followed to it: of a visit, the first of its window.
    visit : str
        Label of the visit, where the day is that of one.
    """

    days: float
    since: float
    visit: str = ""

    @property
    def words(self) -> str:
        """What a sentence calls it, as plain text: ``one year``, ``week 24``."""
        return in_prose(self.visit) if self.visit else period(self.days)


def judged(protocol: Protocol, horizon_days: float | None = None) -> Day:
    """The day of the primary outcome; another one, where it is given."""
    days, primary, visits = protocol.horizon_days, protocol.primary, protocol.schedule.visits
    if horizon_days is not None and horizon_days != days:
        return Day(horizon_days, horizon_days)
    if primary.kind not in AT_VISITS or not visits:
        return Day(days, days)
    visit = {visit.code: visit for visit in visits}.get(primary.visit or "", visits[-1])
    return Day(days, min(days, float(visit.window[0] - 1)), visit.label)


def has_day(protocol: Protocol) -> bool:
    """Whether the primary outcome has a day of its own: a time as a whole has none."""
    primary = protocol.primary
    return bool(primary.milestones_days or primary.horizon_days or primary.kind in AT_VISITS)


def day_words(protocol: Protocol) -> str:
    """When the primary outcome is judged, a sentence; that of a time without a day of its own is judged at none."""
    primary, day = protocol.primary, judged(protocol)
    key = ("visit" if primary.kind in AT_VISITS else "day") if has_day(protocol) else "none"
    return message(f"known.{key}", horizon=day.words)


def watched(protocol: Protocol) -> str:
    """Code of the endpoint by which follow-up is judged: that of the primary analysis, else a death; empty for neither."""
    endpoint = protocol.primary.endpoint
    return endpoint or next((e.paramcd for e in protocol.endpoints if is_death(e)), "")


def watched_words(study: Study) -> dict[str, str]:
    """How sentences speak of what follow-up is for: as :func:`esld.report.phrases.event_words`, of death without an endpoint."""
    if code := watched(study.protocol):
        return event_words(study, code)
    return {word: message(f"event.death.{word}") for word in ("event", "events", "had", "free")}


def known(study: Study) -> pd.DataFrame:
    """How far each randomised patient was followed, and how that ended.

    Returns
    -------
    DataFrame
        ``USUBJID ARMCD time CNSR rule``: ``time`` in days after randomisation; ``CNSR`` as in ADTTE, 0 for the event of
        :func:`watched` and 3 for one that competes with it; ``rule`` says which rule of the endpoint censored it (``CNSR`` 2).
        Without an endpoint the time ends with death, or the last day known alive.
    """
    if code := watched(study.protocol):
        rows = study.adtte[study.adtte["PARAMCD"].eq(code)]
        found = rows[["USUBJID", "ARMCD", "CNSR"]].assign(time=rows["AVAL"])
        rule = rows["CNSDTDSC"].where(rows["CNSR"].eq(2)).astype(object)
        return found.assign(rule=rule).reset_index(drop=True)
    own = study.randomised
    end = (own["DTHDT"].fillna(own["LSTALVDT"]) - own["RANDDT"]).dt.days.clip(lower=0)
    found = own[["USUBJID", "ARMCD"]].assign(CNSR=own["DTHDT"].isna().astype(int), time=end, rule=None)
    return found.reset_index(drop=True)
