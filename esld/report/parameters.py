"""The parameters of an analysis: which values of one are analysed, and what is said of one without any."""

from collections.abc import Sequence
from html import escape

import pandas as pd

from esld.data.study import Study
from esld.protocol import Analysis, Parameter
from esld.report.phrases import Sentence, prose
from esld.report.words.catalogue import message
from esld.report.words.grammar import arm_in_prose, joined


def parameters_of(study: Study, analysis: Analysis) -> list[Parameter]:
    """Parameters of an analysis."""
    return [study.protocol.parameter(code) for code in analysis.parameters]


def planned_among(study: Study, codes: Sequence[str]) -> list[Parameter]:
    """Those of the parameters that the protocol has, in the order given."""
    planned = {parameter.paramcd: parameter for parameter in study.protocol.parameters}
    return [planned[code] for code in codes if code in planned]


def counted_from(study: Study) -> str:
    """What day 1 is, as the catalogue names it: ``randomisation``, or the first ``treatment``."""
    return "randomisation" if study.protocol.schedule.from_randomisation else "treatment"


def analysed(study: Study, paramcd: str) -> pd.DataFrame:
    """Rows of one parameter that are analysed: one a patient and visit, baseline included."""
    adlb = study.adlb
    return adlb[adlb["PARAMCD"].eq(paramcd) & adlb["ANL01FL"].eq("Y")]


def unrecorded(parameter: Parameter) -> Sentence:
    """What is said in place of a table or a figure of a parameter without any value."""
    return Sentence(message("change.unrecorded", parameter=escape(parameter.param)))


def unrecorded_words(study: Study, parameters: Sequence[Parameter]) -> str:
    """Which of the parameters have no value at all up to the data cut; nothing if each has one."""
    without = [prose(p.param) for p in parameters if analysed(study, p.paramcd).empty]
    return message("change.unrecorded.all", parameters=joined(without)) if without else ""


CLASSES = {"A": (5, 6), "B": (7, 9), "C": (10, 15)}


def lowered(rows: pd.DataFrame, arms: Sequence[str]) -> str:
    """In how many of each arm a value is below that at baseline, as text: ``3 of 9 (low dose) and 7 of 8 (high dose)``.

    Parameters
    ----------
    rows : DataFrame
        ``ARMCD`` and ``CHG``, one row a patient, none missing; an arm without rows is not named.
    arms : sequence of str
        In the protocol's order.
    """
    changes = {arm: rows.loc[rows["ARMCD"].eq(arm), "CHG"] for arm in arms}
    return joined(
        message("lowered.arm", count=int((own < 0).sum()), n=len(own), arm=arm_in_prose(arm))
        for arm, own in changes.items()
        if len(own)
    )
