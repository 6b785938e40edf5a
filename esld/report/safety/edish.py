"""Liver injury: peak ALT against peak bilirubin (eDISH), and potential Hy's law, by normal limits and by baseline."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from esld.data.study import Study
from esld.reasons import Why, because
from esld.report import needs
from esld.report.drawing import figures
from esld.report.phrases import Sentence, worded
from esld.report.results import Reported, Row
from esld.report.safety.counted import SafetySet, share
from esld.report.safety.laboratory import own_values
from esld.report.words.catalogue import arm_label, message
from esld.report.words.grammar import as_prose, capitalised, counted, joined
from esld.scoring.liver_injury import QUADRANTS, edish, hys_law

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

ULN, BASELINE = "limit_of_normal", "baseline"
_DIVISORS = {ULN: "ANRHI", BASELINE: "BASE"}  # what a value is divided by
HIGH, JAUNDICE, CHOLESTASIS = 3.0, 2.0, 2.0
_WITHIN = 14  # days after a raised aminotransferase in which a bilirubin belongs to it
_NAMES = {
    "normal": "neither",
    "hyperbilirubinaemia": "bilirubin_alone",
    "temples_corollary": "alt_alone",
    "hys_law_quadrant": "both",
}
_MARKERS = ("o", "s", "v", "P")


@dataclass(frozen=True, eq=False)
class LiverInjury:
    """Peaks and potential Hy's law of the safety set.

    Attributes
    ----------
    peaks : DataFrame
        One row a patient and scale with both peaks: ``USUBJID GROUP scale alt bili quadrant``; multiples, > 0.
    cases : DataFrame
        One row a patient and scale with a potential case: ``USUBJID GROUP scale day high bili alp``, of the day with the
        highest aminotransferase among those that qualify; ``alp`` is missing where it was not measured that day.
    met_before : frozenset of str
        Patients whose baseline values qualify by the limits of normal.
    assessed : dict of str to DataFrame
        ``USUBJID GROUP`` of the patients who have an aminotransferase and a bilirubin to compare, by scale.
    arms : tuple of str
    conf_level : float
    scales : tuple of str
        What values are multiples of: of the limit of normal and, where the protocol says so, of baseline.
    organ : bool
        Whether values after a transplantation were left out.
    """

    peaks: pd.DataFrame
    cases: pd.DataFrame
    met_before: frozenset[str]
    assessed: Mapping[str, pd.DataFrame]
    arms: tuple[str, ...]
    conf_level: float
    scales: tuple[str, ...] = (ULN, BASELINE)
    organ: bool = False

    def to_frame(self) -> pd.DataFrame:
        """Long form: by scale and group, patients in each quadrant and with a potential case."""
        parts = []
        for scale in self.scales:
            peaks, cases = (f[f["scale"].eq(scale)] for f in (self.peaks, self.cases))
            for arm in self.arms:
                own = peaks[peaks["GROUP"].eq(arm)]
                counts = {
                    f"{scale}.{_NAMES[q]}": (int(own["quadrant"].eq(q).sum()), len(own)) for q in QUADRANTS
                }
                n = int(self.assessed[scale]["GROUP"].eq(arm).sum())
                counts[f"{scale}.potential_case"] = (int(cases["GROUP"].eq(arm).sum()), n)
                parts += [
                    share(name, arm, x, m, conf_level=self.conf_level, nobody=Why.NOBODY_WITH_VALUES)
                    for name, (x, m) in counts.items()
                ]
        return pd.concat(parts, ignore_index=True)


def liver_injury(study: Study, group: SafetySet, *, conf_level: float) -> LiverInjury:
    """Peaks after baseline, and potential Hy's law; where nobody has the values, an error that says why.

    Each value is divided by the upper limit on its own record, and where the protocol judges against baseline also by the
    patient's baseline value. Values after a transplantation are not looked at. A potential case
    has ALT or AST of 3 times or more on a day, bilirubin of 2 times or more on it or within 14 days after, and no ALP of 2
    times or more on that day; where ALP was not measured it excludes nothing.
    """
    needs.require(study, "liver_injury")
    wanted = study.protocol.liver_injury
    scales = (ULN, BASELINE) if wanted and wanted.against == "baseline" else (ULN,)
    values = {code: _multiples(own_values(study, group, code)) for code in ("ALT", "AST", "BILI", "ALP")}
    later = {code: frame[frame["ADY"] > 1] for code, frame in values.items()}
    people = group.people[["USUBJID", "GROUP"]].reset_index(drop=True)
    days = {scale: _qualifying(later, scale) for scale in scales}
    first = {code: frame[frame["ABLFL"].eq("Y")].assign(ADY=0) for code, frame in values.items()}
    before = _qualifying(first, ULN)
    cases = [
        found[found["potential"]]
        .sort_values(["high", "ADY"], ascending=[False, True], kind="stable")
        .assign(scale=scale)
        for scale, found in days.items()
    ]
    listed = pd.concat(cases).drop_duplicates(["USUBJID", "scale"]).rename(columns={"ADY": "day"})
    return LiverInjury(
        peaks=pd.concat([_peaks(later, scale, people) for scale in scales], ignore_index=True),
        cases=listed.merge(people, on="USUBJID").sort_values(["USUBJID", "scale"], ignore_index=True),
        met_before=frozenset(before.loc[before["potential"], "USUBJID"]),
        assessed={scale: people[people["USUBJID"].isin(found["USUBJID"])] for scale, found in days.items()},
        arms=group.arms,
        conf_level=conf_level,
        scales=scales,
        organ=study.protocol.transplant is not None,
    )


def _multiples(own: pd.DataFrame) -> pd.DataFrame:
    """Values of one parameter over each denominator."""
    bounds = {scale: own[column].where(own[column] > 0) for scale, column in _DIVISORS.items()}
    return own[["USUBJID", "ADY", "ABLFL"]].assign(
        **{scale: own["AVAL"] / bound for scale, bound in bounds.items()}
    )


def _peaks(values: Mapping[str, pd.DataFrame], scale: str, people: pd.DataFrame) -> pd.DataFrame:
    peak = {
        name: values[code].groupby("USUBJID")[scale].max()
        for name, code in (("alt", "ALT"), ("bili", "BILI"))
    }
    frame = people.assign(scale=scale, **{name: people["USUBJID"].map(own) for name, own in peak.items()})
    frame = frame.dropna(subset=["alt", "bili"])
    lines = {"aminotransferase_line": HIGH, "bilirubin_line": JAUNDICE}
    quadrant = edish(
        aminotransferase_multiple=frame["alt"].to_numpy(float),
        bilirubin_multiple=frame["bili"].to_numpy(float),
        **lines,
    )
    return frame.assign(quadrant=np.asarray(quadrant, dtype=object))


def _qualifying(values: Mapping[str, pd.DataFrame], scale: str) -> pd.DataFrame:
    """Each day with an aminotransferase and a bilirubin on it or soon after: ``USUBJID ADY high bili alp potential``."""
    by_day = {code: frame.groupby(["USUBJID", "ADY"])[scale].max() for code, frame in values.items()}
    days = pd.concat({code: by_day[code] for code in ("ALT", "AST")}, axis=1).dropna(how="all")
    days = days.assign(high=days.max(axis=1), alp=by_day["ALP"].reindex(days.index)).reset_index()
    bilirubin = by_day["BILI"].dropna().rename("bili").reset_index().rename(columns={"ADY": "then"})
    pairs = days.merge(bilirubin, on="USUBJID")
    pairs = pairs[(pairs["then"] - pairs["ADY"]).between(0, _WITHIN)]
    soon = pairs.groupby(["USUBJID", "ADY"], as_index=False).agg(
        high=("high", "first"), alp=("alp", "first"), bili=("bili", "max")
    )
    if soon.empty:
        return soon.assign(potential=pd.Series(dtype=bool))
    high, bili, alp = (soon[c].to_numpy(float) for c in ("high", "bili", "alp"))
    alp = np.where(np.isnan(alp), CHOLESTASIS / 2, alp)
    # Multiples over 1: only the ratio counts.
    law = hys_law(
        alt_u_l=high, alt_uln_u_l=1, ast_u_l=high, ast_uln_u_l=1, bilirubin_umol_l=bili, bilirubin_uln_umol_l=1,
        alp_u_l=alp, alp_uln_u_l=1,
    )  # fmt: skip
    return soon.assign(potential=np.asarray(law.potential_hys_law) == 1.0)


def edish_figure(found: LiverInjury, reported: Reported) -> figures.Picture | Sentence:
    """Each patient's peaks, a panel in multiples of the upper limit of normal and, where wanted, one of baseline."""
    if found.peaks.empty:
        return Sentence(message("safety.no_liver.peaks"))
    figure = figures.new_figure(3.5)
    panels = figure.subplots(1, len(found.scales), squeeze=False)[0]
    for axes, scale in zip(panels, found.scales, strict=True):
        own = found.peaks[found.peaks["scale"].eq(scale)]
        for position, arm in enumerate(found.arms):
            mine, colour = own[own["GROUP"].eq(arm)], figures.arm_style(position)["color"]
            axes.plot(
                mine["alt"], mine["bili"], linestyle="none", marker=_MARKERS[position % len(_MARKERS)], markersize=5.5,
                color=colour, markerfacecolor=colour if position == 0 else "none", markeredgewidth=1.3,
                label=arm_label(arm),
            )  # fmt: skip
        for line, draw in ((HIGH, axes.axvline), (JAUNDICE, axes.axhline)):
            draw(line, color="#888888", linewidth=0.8, linestyle=(0, (3, 2)))
        axes.set(xscale="log", yscale="log", xlim=_span(own["alt"], HIGH), ylim=_span(own["bili"], JAUNDICE))
        axes.grid(False)
        axes.set(xlabel=message("safety.edish.alt_axis"), ylabel=message("safety.edish.bilirubin_axis"))
        axes.set_title(message(f"safety.edish.panel.{scale}"), fontsize=9.5)
        for axis in (axes.xaxis, axes.yaxis):
            _plain_ticks(axis)
        if own.empty:
            said = capitalised(worded(because(Why.NOBODY_WITH_VALUES)))
            axes.text(0.5, 0.5, said, transform=axes.transAxes, fontsize=8, ha="center", va="bottom")
            continue
        for quadrant, name in _NAMES.items():
            _quadrant_label(
                axes,
                quadrant,
                name,
                sum(_count(reported, scale, name, arm).events or 0 for arm in found.arms),
            )
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=min(len(found.arms), 2 * len(panels)), fontsize=8.5
    )
    legend = message("safety.edish.legend", alt=HIGH, bilirubin=JAUNDICE)
    return figures.settled(
        "liver_injury_peaks", figure, _alt(found, reported), title=_title(found, reported), legend=legend
    )


def _span(values: pd.Series, line: float) -> tuple[float, float]:
    """Limits of an axis that hold every value and leave room on both sides of the line."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (1.0, 1.0)
    return min(low / 1.3, line / 8), max(high * 1.5, line * 3)


def _plain_ticks(axis: "Axis") -> None:
    from matplotlib.ticker import FixedLocator, NullLocator

    axis.set_major_locator(FixedLocator([0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50, 100]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda value, position: f"{value:g}")


def _quadrant_label(axes: "Axes", quadrant: str, name: str, count: int) -> None:
    """What a quadrant means and how many are in it, in its outer corner."""
    said = message(f"safety.edish.quadrant.{name}", count=count)
    right, top = (
        quadrant in ("temples_corollary", "hys_law_quadrant"),
        quadrant in ("hyperbilirubinaemia", "hys_law_quadrant"),
    )
    axes.text(
        0.98 if right else 0.02, 0.98 if top else 0.02, said, transform=axes.transAxes, fontsize=8,
        ha="right" if right else "left", va="top" if top else "bottom", color="#666666",
    )  # fmt: skip


def _count(reported: Reported, scale: str, name: str, arm: str) -> Row:
    return reported.row(f"{scale}.{name}", arm)


def _title(found: LiverInjury, reported: Reported) -> str:
    parts = []
    for scale in _of_somebody(found):
        rows = [_count(reported, scale, "both", arm) for arm in found.arms]
        x, n = sum(r.events or 0 for r in rows), sum(r.n or 0 for r in rows)
        parts.append(message(f"safety.edish.title.{scale}", x=x, patients=counted("patient", n)))
    return message("safety.edish.title", scales=joined(parts))


def _of_somebody(found: LiverInjury) -> list[str]:
    """The scales by which anybody has both peaks."""
    return [scale for scale in found.scales if found.peaks["scale"].eq(scale).any()]


def _alt(found: LiverInjury, reported: Reported) -> str:
    parts = []
    for scale in _of_somebody(found):
        rows = {name: [_count(reported, scale, name, arm) for arm in found.arms] for name in _NAMES.values()}
        said = [
            message(f"safety.edish.alt.{name}", count=sum(r.events or 0 for r in own))
            for name, own in rows.items()
        ]
        parts.append(message(f"safety.edish.alt.{scale}", counts=joined(said)))
    own = "two_panels" if BASELINE in found.scales else "one_panel"
    return message(f"safety.edish.alt.{own}", scales=message("reasons.list").join(parts))


def caution_words(study: Study) -> str:
    """What the disease does to such values, as the protocol says it, and what the second panel is for."""
    wanted = study.protocol.liver_injury
    if wanted is None:
        return ""
    beside = message("safety.edish.beside") if wanted.against == "baseline" else ""
    return as_prose((escape(wanted.caution), beside))
