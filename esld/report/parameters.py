"""The parameters of analyses: of whom and when one is analysed, and what is said of one without any value."""

from collections.abc import Sequence
from html import escape

import pandas as pd

from esld.data.adam.adsl import anchor_days
from esld.data.study import Study
from esld.protocol import Analysis, Kind, Parameter, Visit
from esld.report import needs
from esld.report.phrases import Sentence, prose
from esld.report.randomised import order_of_entry
from esld.report.words.catalogue import message
from esld.report.words.grammar import joined


def parameters_of(study: Study, analysis: Analysis) -> list[Parameter]:
    """Parameters of an analysis."""
    return [study.protocol.parameter(code) for code in analysis.parameters]


def each(study: Study, *kinds: Kind) -> list[tuple[Analysis, Parameter]]:
    """Analyses of some kinds with each of their parameters, in the order of the plan, sensitivity analyses among them."""
    plans = (analysis for analysis in study.protocol.analyses if analysis.kind in kinds)
    return [(plan, parameter) for plan in plans for parameter in parameters_of(study, plan)]


def each_compared(study: Study, *kinds: Kind) -> list[tuple[Analysis, Parameter]]:
    """What :func:`each` gives, where arms are compared; else nothing."""
    return each(study, *kinds) if study.compares else []


def planned_at_visits(study: Study) -> list[Analysis]:
    """Planned analyses of parameters at visits; raises :class:`UnmetNeedError` where there are none."""
    needs.require(study, "parameters")
    return list(study.protocol.of_kind(*needs.AT_VISITS))


def at_visits(study: Study) -> list[Parameter]:
    """Every parameter that is analysed at visits, once; raises :class:`UnmetNeedError` where none is."""
    needs.require(study, "parameters")
    found = {parameter.paramcd: parameter for _, parameter in each(study, *needs.AT_VISITS)}
    return list(found.values())


def visit_of(study: Study, analysis: Analysis) -> Visit:
    """The visit that answers: the one of the analysis, without it the last one."""
    schedule = study.protocol.schedule
    return schedule.visit(analysis.visit) if analysis.visit else schedule.visits[-1]


def entered(study: Study, analysis: Analysis, arms: Sequence[str]) -> pd.DataFrame:
    """ADSL of the analysis's set in some arms, in the order of entry."""
    order = order_of_entry(study)
    own = order[analysis.analysis_set].eq("Y") & order["ARMCD"].isin(arms)
    return order[own].reset_index(drop=True)


def planned_among(study: Study, codes: Sequence[str]) -> list[Parameter]:
    """Those of the parameters that the protocol has, in the order given."""
    planned = {parameter.paramcd: parameter for parameter in study.protocol.parameters}
    return [planned[code] for code in codes if code in planned]


def counted_from(study: Study) -> str:
    """What day 1 is, as the catalogue names it: ``randomisation``, or the first ``treatment``."""
    return "randomisation" if study.protocol.schedule.from_randomisation else "treatment"


def analysed(study: Study, paramcd: str, analysis: Analysis | None = None) -> pd.DataFrame:
    """Rows of one parameter that are analysed: one a patient and visit, baseline included; of an analysis those of its set."""
    adlb = study.adlb
    own = adlb[adlb["PARAMCD"].eq(paramcd) & adlb["ANL01FL"].eq("Y")]
    if analysis is None:
        return own
    return own[own["USUBJID"].isin(entered(study, analysis, study.arms)["USUBJID"])]


def unrecorded(parameter: Parameter) -> Sentence:
    """What is said in place of a table or a figure of a parameter without any value."""
    return Sentence(message("change.unrecorded", parameter=escape(parameter.param)))


def unrecorded_words(study: Study, parameters: Sequence[Parameter]) -> str:
    """Which of the parameters have no value at all up to the data cut; nothing if each has one."""
    without = [prose(p.param) for p in parameters if analysed(study, p.paramcd).empty]
    return message("change.unrecorded.all", parameters=joined(without)) if without else ""


CLASSES = {"A": (5, 6), "B": (7, 9), "C": (10, 15)}


def not_over(study: Study, visit: Visit) -> set[str]:
    """Who may still come to a visit: its days are not over at the cut-off."""
    days = anchor_days(study.randomised.set_index("USUBJID"), study.protocol.schedule)
    over = days + pd.Timedelta(days=visit.window[1] - 1)
    return set(over.index[over >= pd.Timestamp(study.cut.cutoff)])
