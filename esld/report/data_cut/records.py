"""What a cut holds: records, follow-up and data queries, as results and tables."""

from collections.abc import Iterator

import pandas as pd

from esld.data.account import ABSENT, NOT_NEEDED, UNKNOWN, USED
from esld.data.cutfile import previous_cut
from esld.data.queries.answers import ANSWERED, NEW, Answers, with_status
from esld.data.store import stored_study
from esld.data.study import Study
from esld.data.views import ALL
from esld.report import numbers
from esld.report.cells import Cell, Count, Data, Estimate, Label, Number
from esld.report.phrases import Sentence, span
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.report.words.grammar import period
from esld.survival import median_follow_up

_SHOWN_QUERIES = 40


def cut_table(study: Study) -> Table:
    """The facts of the cut, two columns."""
    cut, protocol = study.cut, study.protocol
    facts: dict[str, Cell | str] = {
        "Trial": f"{protocol.id}: {protocol.short_title}",
        "Cut-off": cut.cutoff,
        "Export made on": cut.snapshot,
        "Status": cut.status,
        "Planned number of patients": Number(protocol.target_enrolment),
        "Masking": protocol.masking.value + (" (assumed)" if protocol.masking.assumed else ""),
    }
    facts["View"] = cut.view
    if cut.unblinding:
        facts["Unmasked by record"] = cut.unblinding
    lines = [{"Item": item, "This cut": fact} for item, fact in facts.items()]
    return Table("data_cut", "The data cut", lines)


def records_table(study: Study) -> Table:
    """Records by domain: exported, kept, and what the cut took."""
    report = study.cut_report
    counts = {
        "exported": "Exported",
        "kept": "Kept",
        "after": "After the cut-off",
        "undecided": "Date unclear",
    }
    counts |= {"blanked": "Later news blanked"}
    lines = [
        {"Domain": Label(own["domain"])}
        | {head: Number(own[what]) for what, head in counts.items()}
        | {"Encoding": Label(study.tables[own["domain"]].attrs.get("encoding", ""))}
        for own in report.records.to_dict("records")
    ]
    notes = [
        "Exported: without records of what was not done or did not occur, which the next table counts.",
        "Date unclear: a missing date, or a partial one that may lie after the cut-off; such records are left out.",
        "Later news blanked: end, outcome and grade of events not known to have ended, death and end of participation "
        "after the cut-off.",
    ]
    if report.undated:
        notes.append(f"Kept whole because they hold no dates: {', '.join(report.undated)}.")
    return Table("records_by_domain", "Records by domain", lines, footnotes=tuple(notes))


def account_table(study: Study) -> Table:
    """What of the export was used, and what was not: every record once, by domain."""
    account = study.account
    records = account[account["what"].eq("records")]
    lines = []
    for domain, own in records.groupby("domain", sort=False):
        of_use = own.assign(place=own["use"].where(own["why"].eq("") | own["use"].ne(USED), "life"))
        count = of_use.groupby("place")["records"].sum()
        why = [
            f"{c} {w[:1].lower()}{w[1:]}"
            for c, w in own.loc[own["use"].ne(USED), ["records", "why"]].to_numpy()
        ]
        columns = {"Used": USED, "As a sign of life alone": "life", "Not used": NOT_NEEDED}
        line = {"Domain": Label(str(domain)), "Exported": Number(int(own["records"].sum()))}
        line |= {head: Number(int(count.get(place, 0))) for head, place in columns.items()}
        lines.append(line | {"Why not": Data("; ".join(why))})
    notes = tuple(_account_notes(account))
    return Table("account", "What was used, and what was not", lines, footnotes=notes)


def _account_notes(account: pd.DataFrame) -> Iterator[str]:
    """What else the account says: words, variables and files."""
    yield "As a sign of life alone: no analysis means the record; its date is a day on which the patient lived."
    words = account[account["what"].eq("word") & account["why"].ne("")]
    if len(words):
        told = "; ".join(
            f"{r['name']}: {r['why'][:1].lower()}{r['why'][1:]}" for r in words.to_dict("records")
        )
        yield f"Read as a code: {told}."
    for use, what, said in (
        (ABSENT, "variable", "Not in the export, and not needed"),
        (NOT_NEEDED, "variable", "Variables that no analysis reads"),
        (NOT_NEEDED, "file", "Files and columns that are not read"),
        (UNKNOWN, "file", "Not understood"),
    ):
        own = account[account["use"].eq(use) & account["what"].eq(what)]
        names = own["name"].where(own["domain"].eq("") | (what == "file"), own["domain"] + "." + own["name"])
        if len(own):
            yield f"{said}: {', '.join(names)}."


def follow_up(study: Study, *, horizon_days: float) -> pd.DataFrame:
    """Completeness of follow-up.

    Returns
    -------
    DataFrame
        Long form by arm and for all: ``complete`` (dead, or followed to the horizon), ``median_follow_up`` (reverse
        Kaplan–Meier, days, with 95 % interval) and ``person_days``.
    """
    os = study.adtte[study.adtte["PARAMCD"].eq("OS")]
    rows = []
    for label in study.groups:
        own = os if label == ALL else os[os["ARMCD"].eq(label)]
        if own.empty:
            continue
        dead = own["CNSR"].eq(0)
        complete = int(((dead & (own["AVAL"] <= horizon_days)) | (own["AVAL"] >= horizon_days)).sum())
        median = median_follow_up(own["AVAL"], dead)
        common = {"group": label, "n": len(own), "events": int(dead.sum())}
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
                "method": "reverse Kaplan–Meier",
                "reason": median.reason,
            },
            {
                **common,
                "statistic": "person_days",
                "value": float(own["AVAL"].sum()),
                "unit": "days",
                "method": "sum",
            },
        ]
    return pd.DataFrame(rows)


def follow_up_table(rows: pd.DataFrame, *, horizon_days: float) -> Table:
    """Follow-up by arm, made from the rows of :func:`follow_up`."""
    horizon = period(horizon_days)
    lines = []
    for label in rows["group"].unique():
        own = rows[rows["group"].eq(label)].set_index("statistic")
        by = {str(statistic): values for statistic, values in own.to_dict("index").items()}
        complete, median = by["complete"], by["median_follow_up"]
        lines.append(
            {
                "Group": Label(str(label)),
                "Randomised": Number(complete["n"]),
                "Deaths": Number(complete["events"]),
                f"Dead, or followed for {horizon}": Count(int(complete["value"]), complete["n"]),
                "Median follow-up, days (95 % CI)": Estimate(
                    median["value"], median["lower"], median["upper"], style="days"
                ),
                "Patient-years": Number(by["person_days"]["value"] / 365.25, 1),
            }
        )
    notes = ["Median follow-up by the reverse Kaplan–Meier method: death ends observation like a censoring."]
    if any("not reached" in line["Median follow-up, days (95 % CI)"].text for line in lines):
        notes.append(
            "Not reached: the curve of follow-up, or its limit, does not come down to one half, because too many died or too few "
            "are followed."
        )
    return Table("follow_up", "Follow-up for survival", lines, footnotes=tuple(notes))


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
    asked, answered = reported.row("queries open"), reported.row("queries answered")
    words = f"Open queries: {span(asked, f'{asked.value:.0f}')}"
    if study.cut.previous:
        new = reported.row("queries new")
        words += f", of which not asked at the previous cut: {span(new, f'{new.value:.0f}')}"
    return f"{words}. Seen and found correct: {span(answered, f'{answered.value:.0f}')}."


def query_table(listed: pd.DataFrame, answers: Answers) -> Table | Sentence:
    """The queries themselves, the open ones first and of these the most severe; a sentence when there is none."""
    if listed.empty:
        return Sentence(answers.note or message("queries.none"))
    columns = {
        "id": "Query",
        "USUBJID": "Subject",
        "record": "Record",
        "severity": "Severity",
        "rule": "Rule",
        "message": "What was found",
        "status": "Status",
    }
    shown = listed.head(_SHOWN_QUERIES)
    status = shown["status"].mask(shown["answer"].ne(""), shown["status"] + ": " + shown["answer"])
    subject = shown["USUBJID"].mask(shown["USUBJID"].eq(""), "several")
    shown = shown.assign(status=status, USUBJID=subject)[list(columns)].rename(columns=columns).map(Data)
    more = len(listed) - len(shown)
    notes = [
        "A query changes no value: the analysis uses the data as exported. Its number stays from cut to cut."
    ]
    if more > 0:
        notes.append(f"{more} further {numbers.noun(more, 'query is', 'queries are')} not shown.")
    if answers.note:
        notes.append(answers.note)
    return Table("data_queries", "Data queries", shown, footnotes=tuple(notes))


def correction_table(study: Study) -> Table | Sentence:
    """The recorded corrections of what the cut shows; a sentence when there is none."""
    if not study.overrides.shown:
        return Sentence(hidden_corrections(study))
    rows = [
        {
            "Record": Data(f"{correction.domain} {', '.join(correction.key.values())}"),
            "Variable": Data(correction.variable),
            "Exported": Data(correction.old or "(empty)"),
            "Corrected": Data(correction.new or "(empty)"),
            "By": Data(correction.who),
            "On": Data(correction.when),
            "Why": Data(correction.why),
        }
        for correction in study.overrides.shown
    ]
    notes = [message("override.applied")]
    if study.overrides.hidden:
        notes.append(hidden_corrections(study))
    return Table("corrections", "Recorded corrections", rows, footnotes=tuple(notes))


def hidden_corrections(study: Study) -> str:
    """What is said in place of a table of corrections, or below it about those that it leaves out."""
    count = study.overrides.hidden
    if not count:
        return message("override.none")
    key = "override.hidden" if study.overrides.shown else "override.only_hidden"
    return message(
        key, count=count, corrections=numbers.noun(count, "correction concerns", "corrections concern")
    )


def assumption_table(study: Study) -> Table | Sentence:
    """What was assumed about the data: subject, choice, reason; a sentence when nothing was."""
    assumed = {name: stated for name, stated in study.protocol.data_assumptions.items() if stated.assumed}
    if not assumed:
        return Sentence(message("assumptions.none"))
    rows = [
        {"Subject": name.replace("_", " ").capitalize(), "Choice": stated.value, "Reason": stated.reason}
        for name, stated in assumed.items()
    ]
    return Table("data_assumptions", "Assumptions about the data", rows)
