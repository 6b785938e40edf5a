"""The arms that are compared with the control: what a difference is called, and p-values that share one error."""

import pandas as pd

from esld.data.study import Study
from esld.multiplicity import fixed_sequence, holm
from esld.report.phrases import masked_words
from esld.report.results import Reported
from esld.report.words.catalogue import message
from esld.report.words.grammar import arm_in_prose, treatment_in_title

ADJUSTED = "_adjusted"  # how the statistic of an adjusted p-value ends
Pair = tuple[str, str]


def difference_label(pair: Pair) -> str:
    """How rows call the difference: the other arm minus the control."""
    control, arm = pair
    return f"{arm} - {control}"


def several(study: Study) -> bool:
    """Whether more than one arm is compared with the control."""
    return len(study.pairs) > 1


def shares_error(study: Study) -> bool:
    """Whether the protocol adjusts the p-values of these comparisons."""
    return several(study) and study.protocol.multiplicity != "none"


def with_adjusted(
    study: Study, rows: pd.DataFrame, statistic: str, *, time: float | None = None
) -> pd.DataFrame:
    """Rows in long form, and after them the adjusted p-value of each comparison, where the protocol adjusts.

    Parameters
    ----------
    study : Study
    rows : DataFrame
        With a p-value called ``statistic`` of each pair.
    statistic : str
        The p-value.
    time : float, optional
        The visit of which it is meant, where there are several.
    """
    if not shares_error(study):
        return rows
    own = rows[rows["statistic"].eq(statistic)]
    if time is not None:
        own = own[own["time"].astype(float).eq(time)]
    own = own.set_index("group").reindex([difference_label(pair) for pair in study.pairs]).reset_index()
    adjust = holm if study.protocol.multiplicity == "holm" else fixed_sequence
    shared = own.assign(value=adjust(own["value"].tolist()), statistic=statistic + ADJUSTED)
    shared["lower"] = shared["upper"] = float("nan")
    return pd.concat([rows, shared], ignore_index=True)


def note(study: Study) -> list[str]:
    """How the p-values of the comparisons share an error, as a footnote; nothing of one comparison."""
    if not several(study):
        return []
    if said := masked_words(study):
        return [said]
    rule = study.protocol.multiplicity.replace(" ", "_")
    return [message(f"change.note.adjusted.{rule}", count=len(study.pairs))]


def against(pair: Pair) -> str:
    """A heading over what compares an arm with the control: ``the high dose minus placebo``."""
    control, arm = pair
    return message("change.against", first=treatment_in_title(control), second=treatment_in_title(arm))


def minus(study: Study) -> str:
    """What a difference is, as plain text: the arm minus the control, or each other arm minus it."""
    control, *others = study.arms
    if len(others) > 1:
        return message("change.minus.several", first=arm_in_prose(control))
    return message("change.minus", first=arm_in_prose(control), second=arm_in_prose(others[0]))


def p_of(reported: Reported, statistic: str, pair: Pair, time: float | None = None) -> tuple[str, ...]:
    """Statistics of the p-value of a pair that are there: as it is, and adjusted."""
    own = (statistic, statistic + ADJUSTED)
    return tuple(name for name in own if reported.find(name, difference_label(pair), time))
