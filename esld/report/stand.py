"""The sentence that says where a trial stands between the boundaries of its planned looks, from what was handed over of them."""

from esld.data.study import Study
from esld.report import numbers
from esld.report.event import Event
from esld.report.looks import Looks
from esld.report.phrases import span, whole
from esld.report.results import Reported
from esld.report.words.catalogue import message
from esld.report.words.grammar import in_words, of_group, period


def where(looks: Looks, rows: Reported, event: Event, study: Study) -> str:
    """Where a trial of two arms stands, in one sentence.

    Parameters
    ----------
    looks : Looks
    rows : Reported
        Of :func:`esld.report.design.monitoring.stand_rows`.
    event : Event
        Of the primary outcome.
    study : Study
    """
    words, total = event.html, in_words(len(looks.numbers))
    if not looks.due:
        return message(
            "monitoring.not_due", which=message("monitoring.nth.1"), looks=total, needed=looks.numbers[0],
            horizon=period(study.protocol.horizon_days), reached=whole(rows.row("reached")),
            missing=whole(rows.row("missing")),
        )  # fmt: skip
    crossed = {k: found for k in range(1, looks.due + 1) if (found := found_at(k, rows))}
    first = min(crossed, default=looks.due)
    if first < looks.due:
        which, arm = message(f"monitoring.nth.{first}"), of_group(crossed[first])
        return message("monitoring.crossed.before", which=which, looks=total, arm=arm, **words)
    last = ".last" if looks.is_last else ""
    futile = not crossed and (rows.row(f"look_{looks.due}_futile").value or 0) > 0
    key = "crossed" if crossed else "futility" if futile else "inside"
    look = message(
        f"monitoring.look{last}", which=message(f"monitoring.nth.{looks.due}"), looks=total,
        n=whole(rows.row(f"look_{looks.due}_evaluable")), planned=study.protocol.target_enrolment,
    )  # fmt: skip
    about = {"arm": of_group(crossed[looks.due])} if crossed else {}
    statistic = _statistic(looks, rows, event, study.pairs[0][1])
    return message(f"monitoring.{key}{last}", look=look, statistic=statistic, **about, **words)


def found_at(look: int, rows: Reported) -> str:
    """The arm in whose favour a look that was due crosses its boundary; nothing where it does not."""
    own = (row for row in rows.rows if row.statistic == f"look_{look}_crossed" and row.value)
    return next((row.arm for row in own), "")


def _statistic(looks: Looks, rows: Reported, event: Event, arm: str) -> str:
    """What was observed at the look that is due."""
    if looks.plan.boundary == "bayesian":
        row = rows.row(f"look_{looks.due}_probability")
        value = span(row, numbers.fixed(row.value, 3))
        return message("monitoring.probability", value=value, arm=of_group(arm), **event.html)
    row = rows.row(f"look_{looks.due}_z")
    return message("monitoring.z", value=span(row, numbers.fixed(row.value, 2)))
