"""The report's main results beside the same results of other programs: see :mod:`esld.double_programming`."""

from collections.abc import Sequence
from math import isnan

import pandas as pd

from esld.data.study import Study
from esld.errors import RunError
from esld.reasons import Why, because
from esld.report import cells, numbers
from esld.report.cells import Cell, Label, Number
from esld.report.difference import result_name
from esld.report.phrases import Sentence, method_words, whole, worded
from esld.report.results import Reported, slug
from esld.report.tables import Table
from esld.report.validation import second
from esld.report.validation.pair import CLOSED_FORM, OF_A_STANDARD_ERROR, SEARCHED, Pair, Rows
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import as_prose


def pairs(study: Study, reported: Reported) -> list[Pair]:
    """The main results of a report, each with its second computation.

    Parameters
    ----------
    study : Study
        The cut; only its protocol and its analysis data ADTTE and ADLB are read.
    reported : Reported
        What the chapters handed over. A result of a chapter that the report does not hold is left out.

    Returns
    -------
    list of Pair
        Of every planned analysis of these kinds: who is free of the event at the horizon, by arm, and the differences, limits of
        curves, log-rank tests, Cox models, restricted means, Fisher's test where everybody's state is known, cumulative incidence
        of each first event, every LS mean, and of changes at one visit the differences too.
    """
    return [pair for pair in second.every(study, Rows(reported, study)) if pair is not None]


def require_agreement(compared: Sequence[Pair]) -> None:
    """Stop the run where a number of the report is not the other program's.

    Raises
    ------
    esld.errors.RunError
        Names the result, both numbers and what is allowed.
    """
    apart = [pair for pair in compared if not pair.agrees]
    if apart:
        worst = apart[0]
        more = f", and {len(apart) - 1} more" if len(apart) > 1 else ""
        raise RunError(
            f"double programming: {worst.row.result_id} ({worst.part}) is {worst.first:.12g} here and {worst.second:.12g} by "
            f"{worst.by}; allowed is a difference of {worst.allowed:.1g}{more}."
        )


def pair_rows(compared: Sequence[Pair]) -> pd.DataFrame:
    """What the other programs found, in long form, and how many numbers were compared, left out and apart."""
    rows = [
        {
            "group": pair.row.arm, "time": pair.row.time, "value": pair.second, "unit": pair.row.unit, "method": pair.by,
            "statistic": slug(f"{result_name(pair.row)} {pair.row.statistic} {pair.part}"), "n": pair.row.n,
            "reason": pair.unfit or (because(Why.NEITHER_PROGRAM) if isnan(pair.second) else None),
        }
        for pair in compared
    ]  # fmt: skip
    counts = {
        "numbers_compared": sum(pair.compared for pair in compared),
        "numbers_not_compared": sum(not pair.compared for pair in compared),
        "numbers_apart": sum(not pair.agrees for pair in compared),
    }
    totals = [
        {"statistic": name, "value": value, "unit": "numbers", "method": "count"}
        for name, value in counts.items()
    ]
    return pd.DataFrame([*rows, *totals])


def pair_table(compared: Sequence[Pair]) -> Table | Sentence:
    """Both numbers side by side with their distance; of the LS means of a parameter, and of what is said of their differences,
    the one with the largest distance.
    """
    if not compared:
        return Sentence(message("double.none"))
    lines = [_line(pair) for pair in compared if not pair.row.statistic.startswith("ls_mean")]
    means: dict[tuple[str, bool], list[Pair]] = {}
    for pair in (p for p in compared if p.row.statistic.startswith("ls_mean")):
        means.setdefault((result_name(pair.row), pair.row.statistic == "ls_mean"), []).append(pair)
    for own in means.values():
        worst = max(own, key=lambda p: -1.0 if isnan(p.gap) else p.gap / p.allowed)
        lines.append(_line(worst, len(own)))
    allowed = {"formula": CLOSED_FORM, "fit": SEARCHED, "mean": OF_A_STANDARD_ERROR}
    unfit = (message("double.note.unfit", reason=worded(pair.unfit)) for pair in compared if pair.unfit)
    footnotes = (
        *([message("double.note.means")] if means else []),
        message("double.note.allowed", **{name: numbers.power(gap) for name, gap in allowed.items()}),
        message("double.note.once"),
        *dict.fromkeys(unfit),
    )
    return Table("double_programming", message("double.title"), lines, footnotes=footnotes)


def _line(pair: Pair, count: int = 1) -> dict[str, Cell]:
    gap: Cell = Number(pair.gap, style="power")
    if not pair.compared or isnan(pair.gap):
        why = "neither" if pair.compared else "unfit"
        gap = Label(message(f"double.{why}"), why)
    said = message(f"double.number.{pair.name}", of=pair.of, count=count)
    return {
        "result": Label(said, f"{pair.row.result_id}.{pair.part}"), "group": _groups(pair.row.arm),
        "this_report": Number(pair.first, 6, "digits", pair.row.result_id), "other_program": Number(pair.second, 6, "digits"),
        "difference": gap, "allowed": Number(pair.allowed, style="power"), "computed_by": Label(method_words(pair.by), pair.by),
    }  # fmt: skip


def _groups(arm: str) -> Label:
    """An arm, or two that are compared."""
    for sign, key in ((" - ", "double.difference"), (" v ", "double.ratio")):
        second, found, first = arm.partition(sign)
        if found:
            return Label(message(key, second=arm_label(second), first=arm_label(first)), arm)
    return cells.arm(arm)


def pair_sentence(rows: Reported, found: Sequence[Pair], reported: Reported, primary: str) -> str:
    """How many numbers of this report two programs agree on, and whether the limits of the primary analysis are among them."""
    compared, left = rows.row("numbers_compared"), rows.row("numbers_not_compared")
    said = message("double", count=compared.value, compared=whole(compared))
    if left.value:
        said = as_prose([said, message("double.left", count=left.value, left=whole(left))])
    limits = any(row.analysis_id == primary and row.lower is not None for row in reported.rows)
    twice = any(pair.row.analysis_id == primary and pair.part != "value" for pair in found)
    return as_prose([said, message("double.once.primary" if limits and not twice else "double.once")])
