"""Changes at the visit that answers, together: every difference on one scale, and the change of every patient."""

from collections.abc import Mapping
from math import isfinite, nan
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.methods import made_by
from esld.protocol import Analysis, Parameter
from esld.report import needs, numbers
from esld.report.cells import estimate
from esld.report.change import pairs as compared
from esld.report.change.one_visit import at_visit
from esld.report.change.pairs import Pair, difference_label
from esld.report.change.repeated import Results
from esld.report.drawing.figures import ENDS, INK, Picture, arm_style, new_figure, settled
from esld.report.drawing.forest import ForestLine, forest
from esld.report.parameters import analysed, entered, not_over, parameters_of, unrecorded, visit_of
from esld.report.phrases import Sentence
from esld.report.randomised import patient_numbers
from esld.report.results import Reported, slug
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import arm_in_prose, counted, in_prose, joined

if TYPE_CHECKING:
    from matplotlib.lines import Line2D

_NUMBERED = 36  # bars side by side, at most, under which the numbers of the patients have room
GAP = "ls_mean_difference"


def _shown(study: Study) -> list[tuple[Analysis, Parameter]]:
    """The quantities of the models by visit of which one way is better, each once."""
    plans = study.protocol.of_kind("mmrm")
    found = {p.paramcd: (plan, p) for plan in reversed(plans) for p in parameters_of(study, plan) if p.better}
    order = [p.paramcd for plan in plans for p in parameters_of(study, plan)]
    return [found[code] for code in dict.fromkeys(order) if code in found]


def standardised_rows(study: Study, changes: Results) -> pd.DataFrame:
    """Differences of the models at the visit that answers, in SDs of the baseline values of the two arms; long form.

    Positive is better with the arm that is compared with the control. Statistics are the codes of the parameters.
    """
    rows = []
    for pair in study.pairs:
        for plan, parameter in _shown(study):
            visit = visit_of(study, plan)
            row = changes[plan.id, parameter.paramcd].find(GAP, difference_label(pair), visit.number)
            if row is None:
                continue
            values = analysed(study, parameter.paramcd, plan)
            before = values.loc[values["ABLFL"].eq("Y") & values["ARMCD"].isin(pair), "AVAL"].to_numpy(float)
            unit = float(np.std(before, ddof=1)) if len(before) > 1 else nan
            unit = unit if isfinite(unit) and unit > 0 else nan
            sign = 1.0 if parameter.better == "higher" else -1.0
            limits = (row.lower, row.upper)[:: int(sign)]
            of = {"value": row.value, "lower": limits[0], "upper": limits[1]}
            made = {name: nan if x is None else sign * x / unit for name, x in of.items()}
            about = {
                "group": difference_label(pair),
                "statistic": slug(parameter.paramcd),
                "time": visit.number,
                "n": row.n,
            }
            rows.append(
                {
                    **about,
                    **made,
                    "unit": "SD",
                    "method": made_by(row.method, "baseline-sd"),
                    "reason": row.reason,
                }
            )
    return pd.DataFrame(
        rows,
        columns=["group", "statistic", "time", "n", "value", "lower", "upper", "unit", "method", "reason"],
    )


def standardised_figures(study: Study, reported: Reported, *, level: str) -> list[Picture]:
    """A forest plot a comparison: a line a quantity, on the scale of its SD at baseline."""
    return [own for pair in study.pairs if (own := _forest(study, reported, pair, level)) is not None]


def _forest(study: Study, reported: Reported, pair: Pair, level: str) -> Picture | None:
    lines = []
    shown = _shown(study)
    for _, parameter in shown:
        row = reported.find(slug(parameter.paramcd), difference_label(pair))
        if row is None or row.value is None:
            continue
        lines.append(
            ForestLine(
                label=parameter.param, n=row.n or 0, value=row.value, lower=row.lower, upper=row.upper,
                text=estimate(row, 2, "signed").text,
            )
        )  # fmt: skip
    if not lines:
        return None
    first, second = map(arm_in_prose, pair)
    plan = shown[0][0]
    visit = in_prose(visit_of(study, plan).label)
    patients = entered(study, plan, pair)["USUBJID"]
    values = pd.concat([analysed(study, p.paramcd, own) for own, p in shown])
    there = values[values["AVISITN"].eq(visit_of(study, plan).number) & values["CHG"].notna()]["USUBJID"]
    about = {"first": first, "second": second, "visit": visit, "level": level}
    title = message("together.title", count=int((~patients.isin(set(there))).sum()), n=len(patients), **about)
    id = f"standardised_{slug(pair[1])}" if compared.several(study) else "standardised"
    alt = message("together.alt", quantities=joined(line.label for line in lines), **about)
    return forest(
        lines, id=id, title=title, alt=alt, legend=message("legend.standardised", **about),
        axis=message("together.axis", **about), ratios=False,
    )  # fmt: skip


def waterfall_figure(study: Study, headline: str) -> Picture | Sentence | None:
    """The change of every patient at the visit that answers, the worst first: before them who died or was transplanted.

    Parameters
    ----------
    study : Study
    headline : str
        The parameter; else the first of the models of which one way is better.
    """
    needs.require(study, "single_patients")
    own = [(plan, p) for plan, p in _shown(study) if headline in ("", p.paramcd)] or _shown(study)
    if not own:
        return None
    plan, parameter = own[0]
    arms = study.arms
    frame = at_visit(study, plan, parameter, arms).frame
    if frame["CHG"].isna().all():
        return unrecorded(parameter) if analysed(study, parameter.paramcd).empty else None
    visit = in_prose(visit_of(study, plan).label)
    frame = frame.assign(number=frame["USUBJID"].map(patient_numbers(study)))
    kinds = _kinds(frame)
    later = kinds.eq("other") & frame["USUBJID"].isin(not_over(study, visit_of(study, plan)))
    kinds = kinds.mask(later, "later")
    counts = {kind: int(kinds.eq(kind).sum()) for kind in ("death", "transplant", "later", "other")}
    said = [message(f"course.missing.{kind}", count=count) for kind, count in counts.items() if count]
    about = {
        "parameter": in_prose(parameter.param),
        "visit": visit,
        "patients": counted("patient", len(frame)),
    }
    missing = message("list.comma").join(said)
    title = message("waterfall.title" if said else "waterfall.title.all", missing=missing, **about)
    return _waterfall(
        {arm: frame[frame["ARMCD"].eq(arm)].assign(kind=kinds) for arm in arms},
        id=f"waterfall_{slug(parameter.paramcd)}", title=title, alt=message("waterfall.alt", **about),
        legend=message("legend.waterfall"),
        label=message("waterfall.axis", parameter=numbers.with_unit(parameter.param, parameter.unit)),
        worse=1.0 if parameter.better == "lower" else -1.0,
    )  # fmt: skip


def _kinds(frame: pd.DataFrame) -> pd.Series:
    """Of each patient ``value``, ``transplant``, ``death`` or ``other``: alive, and without a change."""
    kind = pd.Series("other", frame.index).mask(frame["death"].notna(), "death")
    return kind.mask(frame["transplant"].notna(), "transplant").mask(frame["CHG"].notna(), "value")


def _waterfall(
    arms: Mapping[str, pd.DataFrame], *, id: str, title: str, alt: str, legend: str, label: str, worse: float
) -> Picture:
    """A panel an arm on one scale; a bar a patient, and the marks of the house where there is no value to draw."""
    figure = new_figure(3.0)
    panels = np.atleast_1d(figure.subplots(1, len(arms), sharey=True))
    reach = max(float(own["CHG"].abs().max()) for own in arms.values() if own["CHG"].notna().any()) or 1.0
    key: dict[str, Line2D] = {}
    order = {"death": 0, "transplant": 1, "value": 2, "other": 3}
    marks = {"death": ENDS["death"], "transplant": ENDS["transplant"], "other": ("o", INK, False)}
    names = {kind: message("waterfall.unknown" if kind == "other" else f"end.{kind}") for kind in marks}
    for position, (axes, (arm, own)) in enumerate(zip(panels, arms.items(), strict=True)):
        colour = arm_style(position)["color"]
        bad = own["CHG"].fillna(0) * -worse
        own = own.assign(rank=own["kind"].map(order), bad=bad, early=own["death"].fillna(own["transplant"]))
        own = own.sort_values(["rank", "bad", "early"], kind="stable").reset_index(drop=True)
        axes.bar(own.index, own["CHG"].fillna(0), color=colour, width=0.8)
        beside: dict[str, Any] = {
            "transform": axes.get_xaxis_transform(),
            "clip_on": False,
            "linestyle": "none",
        }
        for kind, (marker, ink, filled) in marks.items():
            at = own.index[own["kind"].eq(kind)]
            if len(at):  # below the axis: on the scale a mark would be a value
                look = {
                    "marker": marker,
                    "color": ink,
                    "markerfacecolor": ink if filled else "white",
                    **beside,
                }
                key[kind] = axes.plot(at, [-0.06] * len(at), label=names[kind], markersize=6, **look)[0]
        zero = own.index[own["kind"].eq("value") & own["CHG"].eq(0)]
        axes.plot(zero, [0] * len(zero), "_", color=colour, markersize=7)
        axes.axhline(0, color="#888888", linewidth=0.7)
        numbered = max(map(len, arms.values())) * len(arms) <= _NUMBERED
        axes.set_xticks(
            own.index if numbered else [], own["number"] if numbered else [], fontsize=8, rotation=90
        )
        axes.tick_params(axis="x", length=0, pad=17)
        axes.set_title(message("course.panel", arm=arm_label(arm), n=len(own)), fontsize=9.5, color=colour)
    panels[0].set_ylabel(label)
    panels[0].set_ylim(-1.1 * reach, 1.1 * reach)
    if shown := [key[kind] for kind in marks if kind in key]:
        figure.legend(handles=shown, loc="outside lower left", ncols=len(shown), fontsize=8)
    return settled(id, figure, alt, title=title, legend=legend)
