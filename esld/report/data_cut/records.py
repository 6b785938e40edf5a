"""What a cut holds: records, follow-up and data queries, as results and tables."""

from collections.abc import Iterator

import pandas as pd

from esld.data.account import ABSENT, NOT_NEEDED, UNKNOWN, USED
from esld.data.cutfile import ALL, previous_cut
from esld.data.overrides import UNTOLD
from esld.data.queries.answers import ANSWERED, NEW, with_status
from esld.data.store import stored_study
from esld.data.study import Study
from esld.protocol.translated import as_stated, title_of
from esld.reasons import Why, because
from esld.report import needs, numbers
from esld.report.cells import Cell, Count, Data, Estimate, Label, NotEstimable, Number, arm, several
from esld.report.known import judged, known, watched, watched_words
from esld.report.phrases import Sentence, as_told, whole, worded
from esld.report.rates import FEWEST, of_several
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import capitalised, in_prose
from esld.survival import median_follow_up

_SHOWN_QUERIES = 40


def cut_table(study: Study) -> Table:
    """The facts of the cut, two columns."""
    cut, protocol = study.cut, study.protocol
    facts: dict[str, Cell | str] = {
        "trial": message("cut.trial.named", id=protocol.id, title=protocol.short_title),
        "cutoff": cut.cutoff,
        "snapshot": cut.snapshot,
        "status": Label(message(f"cut.status.{cut.status}"), cut.status),
        "view": Label(message(f"cut.view.{cut.view}"), cut.view),
    }
    if cut.unblinding:
        facts["unblinding"] = cut.unblinding
    lines = [{"item": Label(message(f"cut.{code}"), code), "this_cut": fact} for code, fact in facts.items()]
    return Table("data_cut", message("cut.title"), lines)


def records_table(study: Study) -> Table:
    """Records by domain: exported, kept, and what the cut took."""
    report = study.cut_report
    lines = [
        {"domain": Label(own["domain"])}
        | {what: Number(own[what]) for what in ("exported", "kept", "after", "undecided", "blanked")}
        | {"encoding": Label(study.tables[own["domain"]].attrs.get("encoding", ""))}
        for own in report.records.to_dict("records")
    ]
    notes = [message(f"records.{what}") for what in ("exported", "undecided", "blanked")]
    if report.undated:
        notes.append(message("records.undated", domains=message("list.comma").join(report.undated)))
    return Table("records_by_domain", message("records.title"), lines, footnotes=tuple(notes))


def account_table(study: Study) -> Table:
    """What of the export was used, and what was not: every record once, by domain."""
    account = study.account
    records = account[account["what"].eq("records")]
    lines = []
    for domain, own in records.groupby("domain", sort=False):
        of_use = own.assign(place=own["use"].where(own["why"].eq("") | own["use"].ne(USED), "life"))
        count = of_use.groupby("place")["records"].sum()
        why = [
            message("account.why", count=c, why=in_prose(as_told(w)))
            for c, w in own.loc[own["use"].ne(USED), ["records", "why"]].to_numpy()
        ]
        places = {"used": USED, "life": "life", "not_used": NOT_NEEDED}
        line = {"domain": Label(str(domain)), "exported": Number(int(own["records"].sum()))}
        line |= {code: Number(int(count.get(place, 0))) for code, place in places.items()}
        lines.append(line | {"why_not": Data(message("reasons.list").join(why))})
    notes = tuple(_account_notes(account))
    return Table("account", message("account.title"), lines, footnotes=notes)


def _account_notes(account: pd.DataFrame) -> Iterator[str]:
    """What else the account says: words, variables and files."""
    yield message("account.life")
    words = account[account["what"].eq("word") & account["why"].ne("")]
    if len(words):
        told = [
            message("account.word", name=r["name"], why=in_prose(as_told(r["why"])))
            for r in words.to_dict("records")
        ]
        yield message("account.words", words=message("reasons.list").join(told))
    for use, what, key in (
        (ABSENT, "variable", "account.absent"),
        (NOT_NEEDED, "variable", "account.unread"),
        (NOT_NEEDED, "file", "account.files"),
        (UNKNOWN, "file", "account.unknown"),
    ):
        own = account[account["use"].eq(use) & account["what"].eq(what)]
        names = own["name"].where(own["domain"].eq("") | (what == "file"), own["domain"] + "." + own["name"])
        if len(own):
            yield message(key, names=message("list.comma").join(names))


def silence_rows(study: Study) -> pd.DataFrame:
    """For how many days nothing has been heard of those under observation, at the longest; of nobody, no row."""
    own = study.randomised
    own = own[own["DTHDT"].isna() & own["EOSSTT"].eq("ONGOING")]
    days = (pd.Timestamp(study.cut.cutoff) - own["LSTALVDT"]).dt.days
    row = {"statistic": "longest", "value": days.max(), "unit": "days", "method": "count", "n": len(own)}
    return pd.DataFrame([row] if len(own) else [], columns=list(row))


def follow_up(study: Study, *, horizon_days: float) -> pd.DataFrame:
    """Completeness of follow-up for what the primary analysis is of.

    Returns
    -------
    DataFrame
        Long form by arm and for all: ``complete`` (had the event, or was followed to the day), ``median_follow_up`` (reverse
        Kaplan–Meier, days, with 95 % interval) and ``person_days``.
    """
    state, day = known(study), judged(study.protocol, horizon_days)
    rows = []
    for group in study.groups:
        own = state if group == ALL else state[state["ARMCD"].eq(group)]
        if own.empty:
            continue
        happened = own["CNSR"].eq(0)
        ended = happened | own["CNSR"].eq(3)
        complete = int(((ended & (own["time"] <= day.days)) | (own["time"] >= day.since)).sum())
        median = median_follow_up(own["time"], ended)
        common = {"group": group, "n": len(own), "events": int(happened.sum())}
        rows += [
            {
                **common,
                "statistic": "complete",
                "time": horizon_days,
                "value": complete,
                "unit": "patients",
                "method": "count",
            },
            {
                **common,
                "statistic": "median_follow_up",
                "value": median.value,
                "lower": median.lower,
                "upper": median.upper,
                "unit": "days",
                "method": "reverse, kaplan-meier",
                "reason": median.reason,
            },
            {
                **common,
                "statistic": "person_days",
                "value": float(own["time"].sum()),
                "unit": "days",
                "method": "sum",
            },
        ]
    return of_several(pd.DataFrame(rows), "median_follow_up")


def follow_up_table(study: Study, rows: pd.DataFrame, *, horizon_days: float) -> Table:
    """Follow-up by arm, made from the rows of :func:`follow_up`."""
    event, day = watched_words(study), judged(study.protocol, horizon_days)
    lines = []
    for group in rows["group"].unique():
        own = rows[rows["group"].eq(group)].set_index("statistic")
        by = {str(statistic): values for statistic, values in own.to_dict("index").items()}
        complete, median = by["complete"], by["median_follow_up"]
        lines.append(
            {
                "group": arm(group),
                "randomised": Number(complete["n"]),
                "events": Number(complete["events"]),
                "complete": Count(int(complete["value"]), complete["n"]),
                "median": (
                    NotEstimable()
                    if median["n"] < FEWEST
                    else Estimate(median["value"], median["lower"], median["upper"], style="days")
                ),
                "patient_years": Number(by["person_days"]["value"] / 365.25, 1),
            }
        )
    notes = [message("follow_up.reversed")]
    if rows["n"].lt(FEWEST).any():
        notes.append(message("reasons.note", reason=worded(because(Why.FEWER_THAN_TWO))))
    if any(numbers.days(None) in line["median"].text for line in lines):
        notes.append(message("follow_up.not_reached"))
    code = watched(study.protocol)
    if code and study.protocol.endpoint(code).competing:
        notes.append(message("follow_up.competing"))
    heads = {
        "events": capitalised(event["events"]),
        "complete": message("follow_up.complete", had=capitalised(event["had"]), horizon=day.words),
        "median": message("follow_up.median", level=numbers.level(0.95)),
    }
    return Table("follow_up", message("follow_up.title"), lines, footnotes=tuple(notes), heads=heads)


def listed_queries(study: Study) -> pd.DataFrame:
    """The data queries with what became of them: open, new since the previous cut, answered; the open ones first.

    Returns
    -------
    DataFrame
        As :func:`esld.data.queries.answers.with_status` gives it. The queries of the previous cut are those that the rules of
        today ask of it; where the cut file names none, no query is new.
    """
    previous = previous_cut(study.file)
    before = None if previous is None else set(stored_study(previous).queries["id"])
    return with_status(study.queries, study.answers, before)


def query_counts(study: Study, listed: pd.DataFrame) -> pd.DataFrame:
    """Open data queries by severity; all that are open, answered and, where the cut file names a previous cut, new. Long form."""
    answered = listed["status"].eq(ANSWERED)
    by_severity = listed.loc[~answered, "severity"].value_counts()
    counts = {severity: by_severity.get(severity, 0) for severity in ("critical", "major", "minor")}
    counts |= {"open": int((~answered).sum()), "answered": int(answered.sum())}
    if study.cut.previous:
        counts["new"] = int(listed["status"].eq(NEW).sum())
    common = {"unit": "queries", "method": "count"}
    return pd.DataFrame(
        [{"statistic": f"queries {what}", "value": int(n), **common} for what, n in counts.items()]
    )


def query_words(study: Study, reported: Reported) -> str:
    """How many queries are open, new and answered; made from the rows of :func:`query_counts`."""
    counts = {row.statistic.removeprefix("queries "): whole(row) for row in reported.rows}
    return message("queries.counts.since" if study.cut.previous else "queries.counts", **counts)


def critical_words(reported: Reported) -> str:
    """How many open queries touch the outcome; nothing where queries are not told of."""
    row = reported.find("queries critical")
    return message("queries.critical", critical=whole(row)) if row else ""


def query_table(study: Study, listed: pd.DataFrame) -> Table | Sentence:
    """The queries themselves, the open ones first and of these the most severe; a sentence when there is none."""
    needs.require(study, "single_patients")
    answers = study.answers
    if listed.empty:
        return Sentence(as_told(answers.note) or message("queries.none"))
    lines = []
    for query in listed.head(_SHOWN_QUERIES).to_dict("records"):
        status: Cell = Label(message(f"queries.status.{query['status']}"), query["status"])
        if query["answer"]:
            form = message("queries.status.why", status="{}", answer="{}")
            status = several(form, status=status, answer=Data(query["answer"]))
        lines.append(
            {
                "query": Data(query["id"]),
                "subject": Data(query["USUBJID"]) if query["USUBJID"] else message("queries.several"),
                "record": Data(query["record"]),
                "severity": Label(message(f"queries.severity.{query['severity']}"), query["severity"]),
                "rule": Data(as_told(query["rule"])),
                "found": Data(as_told(query["message"])),
                "status": status,
            }
        )
    notes = [message("queries.change_nothing")]
    if more := len(listed) - len(lines):
        notes.append(message("queries.more", count=more))
    if answers.note:
        notes.append(as_told(answers.note))
    return Table("data_queries", message("queries.title"), lines, footnotes=tuple(notes))


def correction_table(study: Study) -> Table | Sentence:
    """The recorded corrections of what the cut shows; a sentence when there is none."""
    if not study.overrides.shown:
        return Sentence(hidden_corrections(study))
    in_words = {"": message("corrections.empty"), UNTOLD: message("corrections.untold")}
    rows: list[dict[str, Cell | str]] = []
    for correction in study.overrides.shown:
        cells = [cell or "" for cell in (correction.old, correction.new)]
        exported, corrected = (in_words.get(cell, cell) for cell in cells)
        row = {
            "record": f"{correction.domain} {', '.join(correction.key.values())}",
            "variable": correction.variable,
            "exported": exported,
            "corrected": corrected,
            "by": correction.who,
            "on": correction.when,
        }
        row |= {"why": correction.why} if study.shows_dose else {}
        rows.append({name: Data(cell) for name, cell in row.items()})
    notes = [message("override.applied")]
    if study.overrides.hidden or not study.shows_dose:
        notes.append(hidden_corrections(study))
    return Table("corrections", message("corrections.title"), rows, footnotes=tuple(notes))


def hidden_corrections(study: Study) -> str:
    """What is said in place of a table of corrections, or below it about those that it leaves out."""
    if not study.shows_dose:
        return message("override.of_view")
    if not study.overrides.hidden:
        return message("override.none")
    if not study.overrides.shown:
        return message("override.only_hidden")
    return message("override.hidden", count=study.overrides.hidden)


def assumption_table(study: Study) -> Table | Sentence:
    """What was assumed about the data: subject, choice, reason; a sentence when nothing was."""
    assumed = {name: stated for name, stated in study.protocol.data_assumptions.items() if stated.assumed}
    if not assumed:
        return Sentence(message("assumptions.none"))
    rows: list[dict[str, Cell | str]] = []
    for name, stated in assumed.items():
        rows.append(
            {
                "subject": Label(title_of(name), as_stated(name)),
                "choice": stated.value,
                "reason": stated.reason,
            }
        )
    return Table("data_assumptions", message("data_assumptions.title"), rows)
