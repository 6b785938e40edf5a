"""Every analysis of a time to an event, in one table: which answers, how far each looks, and why they differ."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from esld.protocol import ROLES, Kind
from esld.report import needs, numbers
from esld.report.cells import Cell, Empty, Label, Number, estimate, number
from esld.report.chapter import Chapter
from esld.report.phrases import method, notes_of, standing
from esld.report.results import Row, difference_row
from esld.report.survival import analyses
from esld.report.survival.analyses import AtHorizon, Found
from esld.report.survival.paragraphs import COMPARING
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import period

# Of each kind the measure, its decimals and how it is written; and what holds its p-value.
_MEASURES = {
    "risk_difference": ("points", 0, "points"),
    "survival_difference": ("points", 0, "points"),
    "stratified_difference": ("points", 0, "points"),
    "cumulative_hazard_ratio": ("cumulative", 2, "fixed"),
    "hazard_ratio": ("hazard", 2, "fixed"),
    "rmst_difference": ("days", 0, "fixed"),
}
_MEANS = "mean_permutation"  # the difference in mean time over the allocations, which the same analysis may ask for
_KIND = {_MEANS: "permutation"}
_P_VALUES = (
    "fisher_p_value",
    "boschloo_p_value",
    "cumulative_hazard_ratio_p_value",
    "p_value",
    "hazard_ratio_p_value",
)


@dataclass(frozen=True, eq=False)
class Every:
    """What the planned analyses found, by kind.

    Attributes
    ----------
    chapter : Chapter
    found : dict of str to sequence of Found
        Of the kinds that are planned, and that compare only where groups are compared.
    """

    chapter: Chapter
    found: dict[str, Sequence[Found]] = field(default_factory=dict)

    def of(self, kind: Kind) -> Sequence[Any]:
        """What the analyses of a kind found; where there is nothing, the error that says why."""
        self.chapter.planned(kind)
        if kind in COMPARING:
            needs.pairs(self.chapter.study)
        return self.found.get(kind, ())

    @property
    def curves(self) -> Sequence[Found]:
        """The curves, none where none are planned."""
        return self.found.get("survival_curve", ())

    @property
    def means(self) -> Sequence[Found]:
        """The comparisons of mean times over the allocations; where no groups are compared, the error that says why."""
        needs.pairs(self.chapter.study)
        return self.found.get(_MEANS, ())


def computed(chapter: Chapter, *, conf_level: float, seed: str) -> Every:
    """Every planned analysis of a time to an event, computed and handed over."""
    level = {"conf_level": conf_level}
    made: dict[str, Callable[[], Sequence[Found]]] = {
        "milestone": lambda: analyses.at_horizon(chapter, **level),
        "milestone_test": lambda: analyses.horizon_tests(chapter, **level),
        "log_rank": lambda: analyses.log_ranks(chapter),
        "permutation": lambda: analyses.permutations(chapter, seed=seed),
        _MEANS: lambda: analyses.mean_permutations(chapter, seed=seed),
        "cox": lambda: analyses.hazard_ratios(chapter, **level),
        "firth": lambda: analyses.penalised_ratios(chapter, **level),
        "rmst": lambda: analyses.means(chapter, **level),
        "survival_curve": lambda: analyses.curves(chapter, **level),
    }
    planned = {kind for kind in made if chapter.study.protocol.of_kind(_KIND.get(kind, kind))}  # type: ignore[arg-type]
    if needs.why_not(chapter.study, "comparison"):
        planned -= {*COMPARING, _MEANS}
    return Every(chapter, {kind: make() for kind, make in made.items() if kind in planned})


def table(every: Every, *, conf_level: float) -> Table | None:
    """Every comparison of the groups: the primary analysis first, then by role; None where no groups are compared."""
    lines, rows = [], list[Row]()
    for one, reported, pair in _comparisons(every):
        value = next((row for row in reported if row.statistic in _MEASURES and "-" in f"{row.arm}-"), None)
        value = value if value is None or value.arm else None
        p_value = next((row for row in reported if row.statistic in _P_VALUES), None)
        told = value or p_value
        if told is None:
            continue
        line: dict[str, Cell] = {
            "analysis": Label(one.title, one.code),
            "role": Label(message(f"estimands.role.{one.of.plan.role}"), one.of.plan.role),
            "span": _span(one),
        }
        if len(every.chapter.study.pairs) > 1:
            named = (
                message("sensitivity.pair", first=arm_label(pair[0]), second=arm_label(pair[1]))
                if pair
                else None
            )
            line["group"] = Label(
                named or message("sensitivity.groups.all"), " v ".join(pair[::-1]) if pair else "all"
            )
        line |= {"patients": Number(told.n or 0), "events": Number(_events(one, told))}
        line["measure"], line["estimate"] = Empty(), Empty()
        if value is not None:
            measure, decimals, style = _MEASURES[value.statistic]
            measure = "days" if one.of.plan.kind == "rmst" else measure
            style = "fixed" if one.of.plan.kind == "rmst" else style
            line["measure"] = Label(message(f"every.measure.{measure}"), measure)
            line["estimate"] = estimate(value, decimals, style)  # type: ignore[arg-type]
        line["test"] = Empty() if p_value is None else _test(one, p_value)
        line["p"] = Empty() if p_value is None else number(p_value, style="p")
        lines.append(line)
        rows += [row for row in (value, p_value) if row]
    if not lines:
        return None
    level = numbers.level(conf_level)
    methods = message("reasons.list").join(dict.fromkeys(method(row) for row in rows))
    event = next(one.of.event for one, _, _ in _comparisons(every))
    notes = [
        *filter(None, [standing(every.chapter.study)]),
        message("every.note.answer"),
        message("every.note.differ"),
        message("every.note.direction"),
        message("milestone.methods", methods=methods),
        *notes_of(rows, "survival", group=message("reasons.one_group"), **event.plain),
    ]
    heads = {"estimate": message("every.estimate", level=level), "events": message("sensitivity.events")}
    return Table(
        "survival_analyses", message("every.title"), lines, {}, tuple(notes), heads=heads, group="role"
    )


def _comparisons(every: Every) -> list[tuple[Found, Sequence[Row], tuple[str, str] | None]]:
    """Each comparison with its rows and its pair, by role: of the same role in the order of the protocol."""
    made: list[tuple[Found, Sequence[Row], tuple[str, str] | None]] = []
    for kind, found in every.found.items():
        for one in found:
            if isinstance(one, AtHorizon):
                for result, reported in one.pairs:
                    pair = (result.groups[0].group, result.groups[1].group)
                    made.append((one, [difference_row(reported)], pair))
            elif one.pair or kind == "log_rank":
                boschloo = [row for row in one.reported.rows if row.statistic == "boschloo_p_value"]
                made.append((one, one.reported.rows, one.pair))
                made += [(one, boschloo, one.pair)] if boschloo else []
    order = [plan.id for plan in every.chapter.study.protocol.analyses]
    return sorted(made, key=lambda own: (ROLES.index(own[0].of.plan.role), order.index(own[0].of.plan.id)))


def _test(one: Found, p_value: Row) -> Label:
    """Which test gave a p-value."""
    code = p_value.statistic.partition("_p_value")[0]
    if code in ("p_value", "hazard_ratio"):
        code = str(one.of.plan.kind)
    if code == "permutation":
        code = "exact_log_rank" if "log-rank" in p_value.method else "exact_mean"
    return Label(message(f"every.test.{code}"), code)


def _span(one: Found) -> Label:
    """How far an analysis looks: to a day, or over all follow-up."""
    plan = one.of.plan
    at = one.at if isinstance(one, AtHorizon) else plan.day
    if at is None or (plan.kind == "permutation" and "log-rank" in one.reported.rows[0].method):
        return Label(message("every.span.all"), "all")
    return Label(message("every.span.to", horizon=period(at)), f"{at:g}")


def _events(one: Found, row: Row) -> int:
    """Events that the analysis sees: up to its day where it has one."""
    if row.events is not None and one.of.plan.kind != "rmst":
        return row.events
    times, at = one.of.times, one.of.plan.horizon_days
    own = times["event"] if at is None else times["event"] & times["time"].le(at)
    return int(own[times["arm"].isin(one.pair or one.of.arms)].sum())
