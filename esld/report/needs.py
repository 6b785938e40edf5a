"""What a section of a chapter may need of a study, and the one sentence that says why a study does not have it.

A chapter's heading or cell names its needs in tags, ``needs:comparison`` or ``needs:kind=cox``; a chapter that is run as
it stands, in an editor, meets them in what its cells use: that raises :class:`UnmetNeedError`.
"""

from collections.abc import Callable, Collection, Mapping
from html import unescape

import pandas as pd

from esld.data.cutfile import ALL
from esld.data.study import Study
from esld.errors import RefusedError
from esld.protocol import Analysis, Kind, Protocol
from esld.report.phrases import not_compared, reader_of, view_name
from esld.report.planned import planned_share, planned_sizes, trial_of
from esld.report.words.catalogue import has, message, read_by
from esld.report.words.grammar import joined

PUBLIC, NOT_PUBLIC = (
    "public",
    "not-public",
)  # tags of a code cell that a public report has, and of prose that it has not
TAG = "needs:"  # how the tag of a need begins
AT_VISITS: tuple[Kind, ...] = ("mmrm", "ancova", "worst_rank", "responder")  # kinds of analyses of parameters
_SAFETY = ("EX", "AE")  # domains
_PART = "part="
_SAID_ABOVE = ("believed",)
_AMINOTRANSFERASES, _BILIRUBIN = ("ALT", "AST"), "BILI"


class UnmetNeedError(RefusedError):
    """A study does not have what a section needs; a notebook shows the sentence alone, without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def why_not(study: Study, need: str) -> str:
    """Why a study does not have what a section needs, HTML; empty where it has it."""
    name, _, value = need.partition("=")
    with read_by(reader_of(study)):
        return _not_planned(study.protocol, name, value) if value else NEEDS[name](study)


def is_silent(need: str) -> bool:
    """Whether nothing is said where a study does not have it, the heading included: a trial of another kind has no such thing, or
    the answer above has just said why.
    """
    return need.startswith(_PART) or need in _SAID_ABOVE


def is_known(need: str) -> bool:
    """Whether a tag names something of which it is known when a study has it."""
    name, _, value = need.partition("=")
    return (value in PARTS if is_silent(need) else name in PLANNED) if value else name in NEEDS


def planned(study: Study, kind: Kind) -> tuple[Analysis, ...]:
    """The planned analyses of a kind; raises :class:`UnmetNeedError` where the protocol plans none."""
    require(study, f"kind={kind}")
    return study.protocol.of_kind(kind)


def unmet(study: Study, need: str) -> UnmetNeedError:
    """What a cell ends with that uses what a study does not have."""
    return UnmetNeedError(unescape(why_not(study, need)))


def require(study: Study, need: str) -> None:
    """Let through a study that has what a section needs; else raise :class:`UnmetNeedError`."""
    if why_not(study, need):
        raise unmet(study, need)


def pairs(study: Study) -> list[tuple[str, str]]:
    """The control with each arm that is compared with it; raises :class:`UnmetNeedError` where none is."""
    require(study, "comparison")
    return study.pairs


def _not_planned(protocol: Protocol, kind: str, name: str) -> str:
    """Why a part is not here that is of one kind of analysis, or of one score; empty where the protocol has it."""
    if name in PLANNED[kind](protocol):
        return ""
    own = f"needs.{kind}.{name}"
    return message("needs.unplanned", what=message(own) if has(own) else name)


def _no_ledger(study: Study) -> str:
    if study.cut.hides:
        return message("ledger.hidden", view=view_name(study))
    return "" if study.file.ledger_path.is_file() else message("ledger.none")


def counted_for_safety(study: Study) -> pd.Series:
    """Whether each of the randomised was treated; where no record says what was given, everybody counts."""
    people = study.randomised
    return people["TRTSDT"].notna() | ("EX" not in study.tables)


def _no_safety_set(study: Study) -> str:
    """Nothing collected, nothing planned, or nobody treated."""
    if not any(name in study.tables for name in _SAFETY):
        lacking = joined(message(f"needs.lacking.{name}") for name in _SAFETY)
        return message("safety.not_collected", lacking=lacking)
    if not study.protocol.of_kind("safety"):
        return message("safety.not_planned")
    return "" if counted_for_safety(study).any() else message("safety.nobody")


def _no_exposure(study: Study) -> str:
    return "" if "EX" in study.tables else message("safety.not_held", lacking=message("needs.lacking.EX"))


def _no_adverse_events(study: Study) -> str:
    return "" if "AE" in study.tables else message("safety.not_held", lacking=message("needs.lacking.AE"))


def _no_liver_injury(study: Study) -> str:
    """Not looked for, ALT or bilirubin not collected, or nobody counted has an aminotransferase and bilirubin after baseline."""
    if study.protocol.liver_injury is None:
        return message("safety.no_liver.unplanned")
    counted = study.randomised.loc[counted_for_safety(study), "USUBJID"]
    adlb = study.adlb[study.adlb["AVAL"].notna()]
    own = adlb[adlb["ADY"].gt(1) & adlb["POSTTPFL"].isna() & adlb["USUBJID"].isin(counted)]
    later = set(own["PARAMCD"])
    if (
        {"ALT", _BILIRUBIN} <= set(study.adlb["PARAMCD"])
        and _BILIRUBIN in later
        and later & {*_AMINOTRANSFERASES}
    ):
        return ""
    planned = {parameter.paramcd for parameter in study.protocol.parameters}
    return message("safety.no_liver.yet" if planned >= {"ALT", _BILIRUBIN} else "safety.no_liver")


def _no_single_patients(study: Study) -> str:
    """A masked view keeps apart what shows a patient line by line: whoever knows one patient's arm would know all. A public
    one shows nobody.
    """
    key = {"masked": "needs.single_patients", "public": "needs.published"}.get(study.cut.view)
    return message(key) if key else ""


def _not_two_alike(study: Study) -> str:
    """How well assignments can be guessed is known of two groups of one size; of a pooled view, as far as the protocol says."""
    design = study.protocol.randomisation.design
    ratio = (design.ratio or (1, 1)) if design and study.arms == [ALL] else study.protocol.ratio
    two = len(ratio) == 2 or (study.arms == [ALL] and not design)
    return "" if two and len(set(ratio)) == 1 else message("guessed.not_two")


def _no_planned_share(study: Study) -> str:
    """Power is worked out for a share of the patients in the control and in arms of one size."""
    protocol = trial_of(study)
    if len(protocol.arms) == 1:
        return message("arms.one_only")
    if planned_sizes(protocol) is None:
        return message("could.unequal")
    return "" if planned_share(protocol) else message("could.no_share")


def _no_share_by_day(study: Study) -> str:
    """Of a response nobody knows here what share has it in all groups together."""
    plan = planned_share(trial_of(study))
    return "" if plan is None or plan.endpoint else message("could.no_day")


def _no_assumptions(study: Study) -> str:
    return "" if trial_of(study).design_assumptions else message("could.no_assumptions")


def _no_parameters(study: Study) -> str:
    kinds = {analysis.kind for analysis in study.protocol.analyses}
    return "" if kinds & {*AT_VISITS} else message("needs.parameters")


def _no_belief(study: Study) -> str:
    return "" if study.protocol.belief else message("needs.belief")


def _nobody_counts(study: Study) -> str:
    """Of no comparison is it known in both groups who had the outcome on its day; that there is none is another need's."""
    from esld.report.survival_times import times_to_day  # it reads this module

    if study.protocol.belief is None or not study.pairs:
        return ""
    times = times_to_day(study, study.protocol.believed)
    known = set(times.loc[times["had"] | times["free"], "arm"])
    return "" if any(known.issuperset(pair) for pair in study.pairs) else message("needs.believed")


def _no_previous(study: Study) -> str:
    return "" if study.cut.previous else message("diff.none")


# By what a tag gives with a name, ``needs:kind=cox`` or ``needs:subgroups=03_survival``: those that a protocol has.
PLANNED: Mapping[str, Callable[[Protocol], Collection[str]]] = {
    "kind": lambda protocol: [analysis.kind for analysis in protocol.analyses if analysis.kind],
    "subgroups": lambda protocol: [analysis.chapter for analysis in protocol.analyses if analysis.subgroups],
    "score": lambda protocol: [p.paramcd for p in protocol.parameters if p.kind == "score"],
    "part": lambda protocol: [name for name, there in PARTS.items() if there(protocol)],
}
# Parts that a protocol may not have, ``needs:part=liver_injury``: what is only of them vanishes without a word.
PARTS: Mapping[str, Callable[[Protocol], bool]] = {
    "administrations": lambda protocol: protocol.treatment.regimen == "administrations",
    "allocations": lambda protocol: bool(protocol.of_kind("permutation")),
    "harm_rules": lambda protocol: bool(protocol.monitoring and protocol.monitoring.safety),
    "belief": lambda protocol: protocol.belief is not None,
    "liver_injury": lambda protocol: protocol.liver_injury is not None,
    "monitoring": lambda protocol: protocol.monitoring is not None,
    "reactions": lambda protocol: protocol.treatment.reaction_hours is not None,
    "strata": lambda protocol: bool(protocol.strata),
}
# By the name that a tag gives: why a study does not have it, or nothing.
NEEDS: Mapping[str, Callable[[Study], str]] = {
    "comparison": not_compared,
    "ledger": _no_ledger,
    "planned_share": _no_planned_share,
    "share_by_day": _no_share_by_day,
    "assumptions": _no_assumptions,
    "safety_set": _no_safety_set,
    "exposure": _no_exposure,
    "adverse_events": _no_adverse_events,
    "liver_injury": _no_liver_injury,
    "parameters": _no_parameters,
    "belief": _no_belief,
    "believed": _nobody_counts,
    "previous": _no_previous,
    "single_patients": _no_single_patients,
    "two_alike": _not_two_alike,
}
