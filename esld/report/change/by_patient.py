"""Parameters by patient: which values are analysed, every patient's course, and what is left out or not collected."""

from collections.abc import Mapping, Sequence
from functools import reduce
from html import escape

import pandas as pd

from esld.data.adam.adsl import anchor_days
from esld.data.adam.scores import missing_components
from esld.data.study import Study
from esld.protocol import Parameter, Rescue
from esld.report import needs, numbers
from esld.report.change import courses
from esld.report.drawing import figures
from esld.report.drawing.axes import time_axis
from esld.report.parameters import analysed, counted_from, not_over, unrecorded, unrecorded_words
from esld.report.phrases import Sentence, prose, span, whole
from esld.report.results import Reported
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, counted, in_prose, joined, of_group


def trajectory_figure(study: Study, every: Sequence[Parameter]) -> figures.Picture | Sentence:
    """Every patient's course of each parameter, small multiples on one page; how it ended is marked at the last value.

    A sentence where no parameter has a value.
    """
    needs.require(study, "single_patients")
    shown = {p: rows for p in every if len(rows := analysed(study, p.paramcd))}
    if not shown:
        return Sentence(unrecorded_words(study, every))
    drawn = [_course(study, parameter, rows) for parameter, rows in shown.items()]
    visit = study.protocol.schedule.visits[-1]
    return courses.trajectories(
        drawn,
        arms=study.arms,
        id="every_course",
        title=_course_title(study, shown),
        legend=message("legend.courses"),
        alt=message(
            "course.alt",
            parameters=joined(
                message(
                    "course.alt.log" if course.log else "course.alt.one",
                    parameter=numbers.with_unit(p.param, p.unit),
                )
                for p, course in zip(shown, drawn, strict=True)
            ),
            visit=in_prose(visit.label),
        ),
        time=time_axis(visit.target - 1),
        since=counted_from(study),
    )


def undrawn_words(study: Study, every: Sequence[Parameter]) -> str:
    """Which parameters :func:`trajectory_figure` leaves out because they have no value; nothing where it draws none."""
    without = [p for p in every if analysed(study, p.paramcd).empty]
    return as_prose(unrecorded(p).html for p in without) if len(without) < len(every) else ""


def _course(study: Study, parameter: Parameter, rows: pd.DataFrame) -> courses.Course:
    bound, name = ("ANRLO", "lower") if parameter.better == "higher" else ("ANRHI", "upper")
    limits = rows[bound].dropna()
    normal = sorted({float(limits.min()), float(limits.max())}) if len(limits) else []
    return courses.Course(
        rows=rows,
        name=parameter.param,
        label=numbers.unit(parameter.unit),
        ends=_ends(study, rows),
        normal=normal,
        normal_label=message(f"course.normal.{name}", count=len(normal)),
        log=bool(rows["AVAL"].min() > 0 and rows["AVAL"].max() / rows["AVAL"].min() > 30),
    )


def _ends(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """What ended each patient's course before the last planned visit was over: a transplant, else death, else loss."""
    schedule = study.protocol.schedule
    seen = study.randomised.set_index("USUBJID")
    seen = seen[seen.index.isin(rows["USUBJID"])]
    over = anchor_days(seen, schedule) + pd.Timedelta(days=schedule.visits[-1].window[1] - 1)
    lost = seen["EOSDT"].where(seen["EOSSTT"].eq("DISCONTINUED") & seen["DCSREAS"].ne("DEATH"))
    kind = pd.Series(None, seen.index, dtype=object)
    for name, day in (("lost", lost), ("death", seen["DTHDT"]), ("transplant", seen["TRPLDT"])):
        kind[day <= over] = name
    return kind.rename("kind").rename_axis("USUBJID").dropna().reset_index()


def _course_title(study: Study, shown: Mapping[Parameter, pd.DataFrame]) -> str:
    """What is shown, of how many patients, and how many of them have no value of any of it at the last visit."""
    visit = study.protocol.schedule.visits[-1]
    seen = set().union(*(rows["USUBJID"] for rows in shown.values()))
    there = set().union(*(rows.loc[rows["AVISITN"].eq(visit.number), "USUBJID"] for rows in shown.values()))
    ends = _ends(study, pd.concat(list(shown.values())))
    ends = ends[~ends["USUBJID"].isin(there)]
    counts = {kind: int(ends["kind"].eq(kind).sum()) for kind in ("death", "transplant", "lost")}
    counts["later"] = len((seen - there - set(ends["USUBJID"])) & not_over(study, visit))
    counts["other"] = len(seen - there) - sum(counts.values())
    said = [message(f"course.missing.{kind}", count=count) for kind, count in counts.items() if count]
    about = {"patients": counted("patient", len(seen)), "visit": in_prose(visit.label)}
    if not said:
        return message("course.title.all", **about)
    return message("course.title", count=len(seen - there), why=message("list.comma").join(said), **about)


def not_computed(study: Study) -> list[tuple[str, str]]:
    """Quantities that the trial does not give, with the reason: a sentence each, never a guess."""
    stated = study.protocol.not_collected
    planned = {parameter.paramcd for parameter in study.protocol.parameters}
    lacking = {code: parts for code, parts in missing_components(study.protocol).items() if code in planned}
    needs = {code: message("not_collected.needs", code=code, parts=joined(p)) for code, p in lacking.items()}
    told = {
        code: reason if reason.endswith(".") else message("not_collected.stated", code=code, reason=reason)
        for code, reason in stated.items()
    }
    return list((told | needs | told).items())


def not_collected_words(study: Study, parameters: Sequence[Parameter]) -> str:
    """What the trial does not give, a line each, and of which parameters no value is recorded yet; or that all are there."""
    lines = "\n".join(f"- {reason}" for _, reason in not_computed(study))
    none = unrecorded_words(study, parameters)
    said = [message("not_collected"), lines] if lines else []
    return "\n\n".join([*said, *filter(None, [none])]) or message("not_collected.none")


def after_transplant(study: Study) -> pd.DataFrame:
    """Laboratory values left out because they were measured after a transplant: their number, in long form; none without one."""
    if study.protocol.transplant is None:
        return pd.DataFrame(columns=["statistic", "value"])
    adlb = study.adlb
    own = adlb["POSTTPFL"].eq("Y") & adlb["PARCAT1"].eq("LABORATORY") & adlb["DTYPE"].isna()
    count = {"statistic": "excluded_values", "value": int(own.sum()), "unit": "values", "method": "count"}
    return pd.DataFrame([count])


def left_out(study: Study, excluded: Reported) -> str:
    """What :func:`after_transplant` counted, in words; nothing in a trial without transplantation."""
    if study.protocol.transplant is None:
        return ""
    row, organ = excluded.row("excluded_values"), escape(study.protocol.transplant.organ)
    if not row.value:
        return message("transplant.none", organ=organ)
    return message("transplant", count=row.value, values=whole(row), organ=organ)


def selection(study: Study, parameters: Sequence[Parameter]) -> str:
    """Which of several records is analysed, and of which values a score is made."""
    schedule = study.protocol.schedule
    said = [message(f"selection.{schedule.selection}"), message(f"selection.ties.{schedule.ties}")]
    if any(parameter.kind == "score" for parameter in parameters):
        said.append(message("selection.score", days=counted("day", schedule.component_days)))
    return as_prose(said)


def not_needed(study: Study) -> str:
    """Which scores were made without which component, since it could not have changed them; nothing if none was."""
    scores = study.adlb[study.adlb["CRIT2FL"].eq("Y")]
    found = {
        message("score.without", score=escape(study.protocol.parameter(code).param), component=prose(without))
        for code, what in zip(scores["PARAMCD"], scores["CRIT2"], strict=True)
        for without in [what.rpartition(": ")[2]]
    }
    return message("score.not_needed", scores=message("reasons.list").join(sorted(found))) if found else ""


def near_rescue(study: Study) -> pd.DataFrame:
    """Analysed laboratory values within days of a rescue treatment: by arm, of how many, in long form; none if not planned."""
    if study.protocol.rescue is None:
        return pd.DataFrame(columns=["group", "statistic", "value", "n"])
    adlb = study.adlb
    own = adlb[adlb["ANL01FL"].eq("Y") & adlb["PARCAT1"].eq("LABORATORY") & adlb["AVISITN"].gt(0)]
    rows = [
        {
            "group": arm, "statistic": "flagged_values", "value": int(values["CRIT1FL"].eq("Y").sum()), "unit": "values",
            "n": len(values), "method": "rescue-criterion",
        }
        for arm in study.arms
        for values in [own[own["ARMCD"].eq(arm)]]
    ]  # fmt: skip
    return pd.DataFrame(rows)


def flagged(study: Study, near: Reported) -> str:
    """What :func:`near_rescue` counted, in words; nothing if the protocol names no rescue."""
    rescue = study.protocol.rescue
    if rescue is None:
        return ""
    if not any(row.n for row in near.rows):
        return message("rescue.none")
    arms = [
        message("rescue.arm", count=whole(row), n=span(row, str(row.n)), arm=of_group(row.arm))
        for row in near.rows
        if row.n
    ]
    return message("rescue", days=rescue.days, given=_rescued(rescue), arms=joined(arms))


def rescue_caution(study: Study) -> str:
    """What values near a rescue treatment do to the results; nothing if the protocol names none."""
    rescue = study.protocol.rescue
    return message("rescue.caution", given=_rescued(rescue)) if rescue else ""


def _rescued(rescue: Rescue) -> str:
    given = [escape(source.description) for source in rescue.sources]
    return reduce(lambda one, other: message("list.or", most=one, last=other), dict.fromkeys(given))
