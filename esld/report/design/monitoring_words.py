"""Words and tables of monitoring: where the trial stands, its boundaries, what may come, and the rules for harm."""

from collections.abc import Iterator
from html import escape
from typing import Any

from esld.data.cutfile import ALL
from esld.data.study import Study
from esld.operating import BinaryDesign
from esld.report import numbers
from esld.report.cells import Cell, Empty, Label, Number, arm, number
from esld.report.chapter import Chapter
from esld.report.design import monitoring, safety_rules
from esld.report.design.monitoring import BELIEVED, RESULT, SAME, SEEN, Stand
from esld.report.design.monitoring_figure import monitoring_figure
from esld.report.event import Event, event_of
from esld.report.looks import Looks, looks_of
from esld.report.phrases import method_words, points, span, view_name, whole
from esld.report.results import Reported
from esld.report.stand import where
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import arm_in_prose, capitalised, joined, of_group, period


def told(chapter: Chapter) -> Iterator[Any]:
    """All of the section, for whom the view lets see it."""
    study = chapter.study
    looks = looks_of(study)
    if looks is None:
        return
    event = event_of(study, str(study.protocol.primary.endpoint))
    if looks.plan.sided == 1 and study.cut.view == "masked":
        yield chapter.say(message("monitoring.masked_side"))
    elif study.pairs and (stand := monitoring.stand_of(study)):
        rows = chapter.hand_over(RESULT, monitoring.stand_rows(stand), analysis=study.protocol.primary.id)
        yield chapter.say(where(looks, rows, event, study), *beside(stand, rows, event, study))
        yield chapter.figure(monitoring_figure(stand.design, looks, event, stand))
        yield chapter.table(boundary_table(stand.design, looks, rows, event, stand))
        yield chapter.say(interval(stand, rows, event, study), ahead(stand, rows))
        yield chapter.table(power_table(stand, rows))
    elif study.pairs:
        yield chapter.say(message("monitoring.no_group"))
    else:
        design = monitoring.planned_design(study, looks)
        frame = monitoring.planned_rows(design, looks)
        rows = chapter.hand_over(RESULT, frame, analysis=study.protocol.primary.id)
        yield chapter.say(pooled(looks, rows, study))
        yield chapter.figure(monitoring_figure(design, looks, event))
        yield chapter.table(boundary_table(design, looks, rows, event))


def beside(stand: Stand, rows: Reported, event: Event, study: Study) -> Iterator[str]:
    """What a reader must know of that sentence: a look that is not as planned, and events that do not count yet."""
    looks, horizon = stand.looks, period(study.protocol.horizon_days)
    if looks.due:
        groups = [
            message("monitoring.counts.group", x=whole(row), n=span(row, str(row.n)), arm=of_group(code))
            for code in stand.arms[::-1]
            if (row := rows.row(f"look_{looks.due}_free", code))
        ]
        yield message("monitoring.counts", horizon=horizon, groups=joined(groups), **event.html)
        planned, own = looks.numbers[looks.due - 1], len(looks.reached)
        if own != planned:
            yield message("monitoring.off_plan", planned=planned, reached=whole(rows.row("reached")))
        if stand.unknown:
            unknown = rows.row("unknown")
            yield message("monitoring.unknown", count=stand.unknown, unknown=whole(unknown), **event.html)
        if (own != planned or stand.unknown) and not stand.bayesian:
            yield message("monitoring.as_they_are")
        if not looks.is_last and not stand.crossed:
            coming = looks.numbers[looks.due]
            which = message(f"monitoring.nth.{looks.due + 1}")
            yield message("monitoring.next", which=which, needed=coming, missing=whole(rows.row("missing")))
    if stand.early:
        early = rows.row("early")
        yield message("monitoring.early", count=stand.early, n=whole(early), horizon=horizon, **event.html)


def pooled(looks: Looks, rows: Reported, study: Study) -> str:
    """Of a view without groups."""
    return message(
        "monitoring.pooled", view=view_name(study), reached=whole(rows.row("reached")),
        planned=study.protocol.target_enrolment, numbers=looks.told,
    )  # fmt: skip


def interval(stand: Stand, rows: Reported, event: Event, study: Study) -> str:
    """The repeated interval of the difference at the look that is due; nothing without one."""
    if not stand.counts:
        return ""
    if stand.bayesian:
        return message("monitoring.interval.none")
    row = rows.row("repeated_difference")
    value, lower, upper = (span(row, points(row, each)) for each in (row.value, row.lower, row.upper))
    level = numbers.level(1 - 2 * stand.design.boundaries.spent_a_side[-1])
    return message(
        "monitoring.interval", points=value, lower=lower, upper=upper, level=level,
        arm=of_group(stand.arms[0]), control=of_group(stand.arms[1]),
        horizon=period(study.protocol.horizon_days), **event.html,
    )  # fmt: skip


def ahead(stand: Stand, rows: Reported) -> str:
    """Predictive power; nothing where nothing is to come."""
    found = {arm: row for arm in stand.arms if (row := rows.find(f"power_{BELIEVED}", arm))}
    each = [
        message(
            "monitoring.ahead.arm", chance=span(row, numbers.percent(row.value, row.n)), arm=of_group(arm)
        )
        for arm, row in found.items()
    ]
    return message("monitoring.ahead", chances=joined(each)) if each else ""


def boundary_table(
    design: BinaryDesign, looks: Looks, rows: Reported, event: Event, stand: Stand | None = None
) -> Table:
    """A line a look: patients, the boundary, what it spends, and what was observed."""
    bayesian = looks.plan.boundary == "bayesian"
    decimals = 3 if bayesian else 2
    both = design.boundaries.sided == 2
    even = both and all(
        abs(a + b) < 1e-6 for a, b in zip(design.critical, design.critical_lower, strict=True)
    )
    lines = []
    for k in range(1, design.looks + 1):

        def cell(name: str, decimals: int = 0, *, k: int = k) -> Cell:
            return number(rows.find(f"look_{k}_{name}"), decimals)

        line: dict[str, Cell] = {
            "look": Label(capitalised(message(f"monitoring.nth.{k}")), str(k)),
            "look_planned": cell("planned"),
        }
        if stand:
            for code in stand.arms[::-1]:
                line[f"{code}.evaluable"] = number(rows.row(f"look_{k}_patients", code))
            observed = rows.find(f"look_{k}_{'probability' if bayesian else 'z'}")
            line["observed_probability" if bayesian else "observed_z"] = number(observed, decimals)
        if bayesian:
            line["threshold"] = cell("threshold", 3)
        else:
            line["boundary_even" if even else "boundary_upper"] = cell("critical", 2)
            line |= {"boundary_lower": cell("critical_lower", 2)} if both and not even else {}
        if looks.plan.futility is not None:
            line["futility"] = cell("futility", decimals)
        line |= (
            {} if bayesian else {"nominal_p": cell("nominal_p", 4), "level_allowed": cell("level_allowed", 4)}
        )
        line["level_spent"] = cell("level_spent", 4)
        line["against_none"] = cell("against_none")
        lines.append(line)
    method = capitalised(method_words(design.boundaries.method))
    notes = [
        message("monitoring.boundaries.believed" if bayesian else "monitoring.boundaries.note", method=method)
    ]
    if bayesian and looks.plan.threshold is None:
        notes.append(message("monitoring.boundaries.calibrated", alpha=f"{looks.plan.level:g}"))
    if stand:
        own = {"arm": of_group(stand.arms[0]), "control": of_group(stand.arms[1])}
        key = "probability" if bayesian else "z" if both else "one"
        notes.append(message(f"monitoring.boundaries.{key}", **own, **event.plain))
        if stand.looks.due < design.looks:
            notes.append(message("monitoring.boundaries.coming"))
    if looks.plan.futility is not None:
        notes.append(message("monitoring.boundaries.futility"))
    notes.append(message("monitoring.boundaries.fewest", **event.plain))
    heads = {"against_none": message("monitoring.against", events=capitalised(event.events))}
    for code in stand.arms if stand else ():
        heads[f"{code}.evaluable"] = message("monitoring.evaluable", arm=arm_in_prose(code))
    return Table(RESULT, message("monitoring.boundaries"), lines, footnotes=tuple(notes), heads=heads)


def power_table(stand: Stand, rows: Reported) -> Table | None:
    """A line a supposition: the chance of crossing the boundary later on, in favour of each arm."""
    lines = []
    for name in (SEEN, SAME, BELIEVED):
        line: dict[str, Cell] = {"supposition": Label(message(f"monitoring.power.{name}"), name)}
        own = {code: row for code in stand.arms[::-1] if (row := rows.find(f"power_{name}", code))}
        lines += [line | {code: number(row, 1, "percent") for code, row in own.items()}] if own else []
    heads = {code: arm(code).text for code in stand.arms}
    note = message("monitoring.power.note")
    title = message("monitoring.power")
    return Table("monitoring_power", title, lines, footnotes=(note,), heads=heads) if lines else None


def harms(chapter: Chapter) -> Iterator[Any]:
    """The rules for harm: where each stands, and what it does; nothing where none is planned."""
    study = chapter.study
    plan = study.protocol.monitoring
    if plan is None or not plan.safety:
        return
    frame = safety_rules.rule_rows(study)
    rows = chapter.hand_over(safety_rules.RESULT, frame, analysis=_safety_id(study))
    yield chapter.say(*harm_sentences(study, rows))
    yield chapter.table(harm_table(study, rows))


def _safety_id(study: Study) -> str:
    """The analysis beside which harms stand: that of safety, or the primary one."""
    own = study.protocol.of_kind("safety")
    return own[0].id if own else study.protocol.primary.id


def harm_sentences(study: Study, rows: Reported) -> Iterator[str]:
    """Of each rule and group, whether it asks for stopping."""
    for rule in study.protocol.monitoring.safety if study.protocol.monitoring else ():
        groups = safety_rules.shown(study, rule)
        if not groups:
            yield message("monitoring.safety.hidden", event=escape(rule.name), view=view_name(study))
        for group in groups:
            events, chance = (rows.find(f"{rule.event}.{name}", group) for name in ("events", "probability"))
            if events is None:
                continue
            key = "everybody" if group == ALL else "group"
            of = message(f"monitoring.safety.{key}", **({} if group == ALL else {"arm": of_group(group)}))
            about = {
                "x": whole(events),
                "n": span(events, str(events.n)),
                "group": of,
                "event": escape(capitalised(rule.name)),
            }
            if chance is None or (events.n or 0) < rule.after:
                yield message("monitoring.safety.too_few", after=rule.after, **about)
                continue
            key = "crossed" if (chance.value or 0) > rule.probability else "inside"
            if key == "inside" and (stops := rows.find(f"{rule.event}.stops_now", group)):
                about["stops"] = whole(stops)
                key = "inside.until"
            yield message(
                f"monitoring.safety.{key}", p=span(chance, numbers.fixed(chance.value, 2)),
                limit=numbers.percent(rule.limit), threshold=numbers.fixed(rule.probability, 2), **about,
            )  # fmt: skip


def harm_table(study: Study, rows: Reported) -> Table | None:
    """What each rule does at true proportions: one line a proportion, groups of one size together."""
    lines, notes = [], [message("monitoring.safety.note")]
    for rule in study.protocol.monitoring.safety if study.protocol.monitoring else ():
        groups = safety_rules.shown(study, rule)
        had, others = rule.prior
        prior = {"event": rule.name, "with_it": f"{had:g}", "patients": f"{had + others:g}"}
        notes += [message("monitoring.safety.prior", **prior)] if groups else []
        for share in safety_rules.TRIED if groups else ():
            rate = f"{100 * round(share * rule.limit, 6):g}"
            stops = {g: rows.find(f"{rule.event}.stopped_at_{rate}", g) for g in groups}
            if not all(stops.values()):
                continue
            name = message("monitoring.safety.rule", event=rule.name, limit=numbers.percent(rule.limit))
            stub = Label(capitalised(name), rule.event)
            line: dict[str, Cell] = {
                "safety_rule": stub,
                "true_rate": Number(share * rule.limit, 0, "percent"),
            }
            for group in groups:
                line[f"{group}.stops"] = number(stops[group], style="percent")
                line[f"{group}.expected_patients"] = number(
                    rows.find(f"{rule.event}.subjects_at_{rate}", group), 1
                )
            lines.append(line)
    if not lines:
        return None
    groups = list(dict.fromkeys(key.split(".")[0] for line in lines for key in line if "." in key))
    keys = ("stops", "expected_patients")
    spanners = {arm(group).text: [f"{group}.{key}" for key in keys] for group in groups}
    filled = [
        {key: line.get(key, Empty()) for key in dict.fromkeys(k for each in lines for k in each)}
        for line in lines
    ]
    return Table(
        safety_rules.RESULT,
        message("monitoring.safety"),
        filled,
        footnotes=tuple(notes),
        group="safety_rule",
        spanners=spanners,
    )
