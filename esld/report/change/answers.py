"""The chapter's answer, of the primary analysis or the first one; and sensitivity analyses beside the one that they are of."""

from collections.abc import Iterable, Sequence

from esld.data.study import Study
from esld.protocol import Analysis, Kind
from esld.report import needs, numbers
from esld.report.cells import Cell, Empty, Estimate, Label, NotEstimable, Number, Style, estimate, number
from esld.report.change import pairs as compared
from esld.report.change.hierarchy import pairs_sentence
from esld.report.change.one_visit import RANDOMISATION_P
from esld.report.change.pairs import difference_label
from esld.report.change.ranked import SHARE, ranked_sentence
from esld.report.change.repeated import P, Results
from esld.report.change.response import DIFFERENCE, response_sentence
from esld.report.change.response import P as FISHER_P
from esld.report.change.sentences import change_sentence
from esld.report.parameters import visit_of
from esld.report.phrases import notes_of, prose
from esld.report.planned import result_name
from esld.report.results import Row
from esld.report.tables import Table
from esld.report.words.catalogue import message

COMPARED: tuple[Kind, ...] = ("worst_rank", "hierarchy")  # kinds that say nothing where no arms are compared


def answering(study: Study, headline: str) -> tuple[Analysis, str] | None:
    """The analysis that answers, and the parameter of which it does: the primary one, else the first that is planned.

    Parameters
    ----------
    study : Study
    headline : str
        A parameter, if the answer shall be of it; then analyses of others are passed over.

    Returns
    -------
    tuple of Analysis and str, or None
        The parameter is empty of a hierarchy. None where nothing is planned that this study can show.
    """
    kinds: Sequence[Kind] = needs.AT_VISITS if headline else (*needs.AT_VISITS, "hierarchy")
    shown = [kind for kind in kinds if study.compares or kind not in COMPARED]
    plans = sorted(study.protocol.of_kind(*shown), key=lambda plan: plan is not study.protocol.primary)
    for plan in plans:
        if headline in ("", *plan.parameters):
            return plan, headline or next(iter(plan.parameters), "")
    return None


def first_answering(study: Study, headline: str, plans: Sequence[Analysis]) -> list[Analysis]:
    """Analyses, the one that gives the chapter's answer first."""
    own = answering(study, headline)
    return sorted(plans, key=lambda plan: own is None or plan != own[0])


def lead_words(study: Study, headline: str) -> str:
    """Of which quantity the answer is, and whether that is a rule of the protocol or a choice of whoever made the report."""
    own = answering(study, headline)
    if own is None or not own[1]:
        return ""
    why = "chosen" if headline else "primary" if own[0] is study.protocol.primary else "first"
    return message(f"change.lead.{why}", parameter=prose(study.protocol.parameter(own[1]).param))


def answer(study: Study, headline: str, results: Results, *, level: str) -> str:
    """The answer in words, HTML; why there is none where there is none."""
    found = answering(study, headline)
    if found is None:
        return needs.why_not(study, "parameters") or needs.why_not(study, "comparison")
    plan, code = found
    reported = results[plan.id, code]
    if plan.kind == "hierarchy":
        return pairs_sentence(study, plan, reported, level=level)
    said = {"worst_rank": ranked_sentence, "responder": response_sentence}.get(
        str(plan.kind), change_sentence
    )
    return said(study, plan, study.protocol.parameter(code), reported, level=level)


# By kind: the estimate of a comparison, its p-value, and how it is written; decimals of a mean are the parameter's.
_SHOWN: dict[str, tuple[str, str, Style]] = {
    "mmrm": ("ls_mean_difference", P, "signed"),
    "ancova": ("ls_mean_difference", P, "signed"),
    "worst_rank": (SHARE, RANDOMISATION_P, "percent"),
    "responder": (DIFFERENCE, FISHER_P, "points"),
    "hierarchy": ("net_benefit", "p_value", "points"),
}


def sensitivity_tables(
    study: Study, analyses: Iterable[Analysis], results: Results, *, level: str
) -> list[Table]:
    """Of each analysis with sensitivity analyses a table, for each parameter and comparison a line each, its own first."""
    planned = [(plan, study.protocol.variants(plan)) for plan in analyses]
    return [
        table
        for plan, variants in planned
        if variants and study.compares and (table := _table(study, (plan, *variants), results, level=level))
    ]


def _table(study: Study, plans: Sequence[Analysis], results: Results, *, level: str) -> Table | None:
    lines, rows, own = [], list[Row](), plans[0]
    statistic, p, style = _SHOWN[str(own.kind)]
    time = visit_of(study, own).number if own.kind == "mmrm" else None
    codes = dict.fromkeys(code for plan in plans for code in plan.parameters) or [""]
    for code in codes:
        for pair in study.pairs:
            for plan in plans:
                if code in plan.parameters or not code:
                    found = results[plan.id, code]
                    gap, test = (found.find(name, difference_label(pair), time) for name in (statistic, p))
                    line: dict[str, Cell] = _about(study, code, pair, several=len(codes) > 1)
                    line["analysis"] = Label(plan.title, plan.id)
                    line["n"] = Empty() if gap is None or gap.n is None else Number(gap.n)
                    line["estimate"] = _estimate(study, code, gap, style)
                    line["p"] = number(test, style="p")
                    lines.append(line)
                    rows += [row for row in (gap, test) if row]
    if all(row.value is None for row in rows):
        return None
    heads = {"estimate": message(f"change.sensitivity.{own.kind}", level=level)}
    title = message("change.sensitivity.title", title=own.title)
    notes = (message("change.sensitivity.note", difference=compared.minus(study)), *notes_of(rows))
    id = result_name(study.protocol, f"sensitivity_{own.kind}", own)
    return Table(id, title, lines, footnotes=notes, heads=heads)


def _about(study: Study, code: str, pair: tuple[str, str], *, several: bool) -> dict[str, Cell]:
    about: dict[str, Cell] = {}
    if several:
        about["quantity"] = Label(study.protocol.parameter(code).param, code)
    if compared.several(study):
        about["comparison"] = Label(compared.against(pair), pair[1])
    return about


def _estimate(study: Study, code: str, row: Row | None, style: Style) -> Estimate | NotEstimable | Empty:
    if style == "signed":
        return estimate(row, numbers.of_mean(study.protocol.parameter(code).decimals), style)
    return estimate(row, 0, style)
