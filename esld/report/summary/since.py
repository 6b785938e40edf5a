"""What changed since the last cut: the data record by record, the key estimates before and after, the methods."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from esld.data import dates
from esld.data.account import variables_read
from esld.data.changes import record_changes
from esld.data.cutfile import ALL, previous_cut
from esld.data.store import stored_study
from esld.data.study import Study
from esld.errors import InputError, RefusedError
from esld.report import needs, numbers
from esld.report.additional import name_of, words
from esld.report.cells import Cell, Data, Label, Number, number
from esld.report.chapter import Others
from esld.report.difference import (
    FLOW,
    Change,
    Difference,
    decimals_of,
    difference,
    in_cells,
    result_name,
)
from esld.report.front import ADVERSE_EVENTS
from esld.report.headlines import HEADLINES
from esld.report.phrases import method, ties, whole
from esld.report.results import Reported, Row, read_rows
from esld.report.roles import READERS
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, has, message
from esld.report.words.grammar import arm_in_prose, as_prose, capitalised, counted, in_prose, on_day, period

_SHOWN = 40
_CHANGES = {
    "late": "late record",
    "filled_in": "value filled",
    "changed": "value changed",
    "emptied": "value gone",
}


@dataclass(frozen=True, kw_only=True)
class SinceLastCut:
    """What a cut holds that its previous one did not.

    Attributes
    ----------
    previous, study : Study
        The two cuts.
    records : DataFrame
        See :func:`esld.data.changes.record_changes`; of the variables that an analysis can read, so that it does not depend on
        what else an export holds. ``esld diff`` tells all.
    estimates : Difference or None
        Results as then reported and now, the summary's own aside; None where the cut file names no kept results.
    """

    previous: Study
    study: Study
    records: pd.DataFrame
    estimates: Difference | None

    def to_frame(self) -> pd.DataFrame:
        """Long form: patients then and now, records by domain, and how many results are of each status.

        The records of one domain add up: those now are those then, and the new and the late, without the gone.
        """
        rows = [
            _count(f"{what}{when}", count, "patients")
            for when, own in (("_then", self.previous), ("", self.study))
            for what, count in _patients(own).items()
        ]
        for name in dict.fromkeys([*self.previous.tables, *self.study.tables]):
            rows += [_count(what, n, "records", name) for what, n in self._records(name).items()]
        frame = pd.DataFrame(rows)
        if self.estimates is None:
            return frame
        return pd.concat([frame, self.estimates.to_frame().assign(group="")], ignore_index=True)

    def _records(self, domain: str) -> dict[str, int]:
        """Counts of one domain; the records of a patient who came or went are counted with the others."""
        then, now = (own.tables.get(domain, _NOTHING)["USUBJID"] for own in (self.previous, self.study))
        patients = [set(own.tables["DM"]["USUBJID"]) for own in (self.previous, self.study)]
        own = self.records.loc[self.records["domain"].eq(domain), "change"]
        changed = {name: int(own.eq(kind).sum()) for name, kind in _CHANGES.items()}
        new = own.eq("new record").sum() + (~now.isin(patients[0])).sum()
        gone = own.eq("gone record").sum() + (~then.isin(patients[1])).sum()
        return {"then": len(then), "now": len(now), "new": int(new), "gone": int(gone), **changed}


_NOTHING = pd.DataFrame({"USUBJID": []}, dtype=object)


def _count(statistic: str, value: int, unit: str, group: str = "") -> dict[str, object]:
    return {"group": group, "statistic": statistic, "value": value, "unit": unit, "method": "count"}


def _patients(study: Study) -> dict[str, int]:
    own = study.randomised
    return {"randomised": len(own), "died": int(own["DTHDT"].notna().sum())}


def since_last_cut(study: Study, others: Others) -> SinceLastCut:
    """Compare a cut with the one that its file names as the previous.

    Parameters
    ----------
    study : Study
        The later cut.
    others : Others
        What its other chapters handed over.

    Returns
    -------
    SinceLastCut
        Both cuts are made from their data by the rules of today; the
        earlier estimates are read as they were kept, never computed anew, so that a method that changed shows.

    Raises
    ------
    esld.errors.InputError
        The previous cut, its data or its kept results are faulty.
    esld.errors.RefusedError
        The cut file names no previous cut, or one of another view, or its kept results are of groups that this view does not
        show.
    """
    file = previous_cut(study.file)
    if file is None:
        raise needs.unmet(study, "previous")
    previous = stored_study(file)
    changes = record_changes(previous.tables, study.tables, since=dates.as_date(file.cut.cutoff))
    read = {name: variables_read(name, study.protocol) for name in changes["domain"].unique()}
    pairs = zip(changes["domain"], changes["variable"], strict=True)
    changes = changes[[not v or v in read[d] for d, v in pairs]].reset_index(drop=True)
    found = None
    if kept := study.file.previous_results_path:
        primary = study.protocol.primary.id
        found = difference(kept_results(kept, study), others.rows.rows, primary=primary)
    return SinceLastCut(previous=previous, study=study, records=changes, estimates=found)


def kept_results(path: Path, study: Study) -> Sequence[Row]:
    """Results of an earlier report, but those of chapters that read others.

    Raises
    ------
    esld.errors.InputError
        The file holds no results.
    esld.errors.RefusedError
        They are of groups that this cut's view does not show.
    """
    try:
        rows = read_rows(path)
    except InputError as error:
        remedy = "Run that cut again, and keep the results.json of its report."
        raise InputError("previous_results", error.rule, path.name, study.file.path.name, remedy) from None
    groups = {r.arm for r in rows if result_name(r) == FLOW}
    if hidden := sorted(groups - {*study.arms, ALL}):
        raise RefusedError(
            f"the results kept in {path.name} are of groups that the view '{study.cut.view}' of cut {study.file.id} does not "
            f"show: {len(hidden)} of {len(groups)}."
        )
    return [row for row in rows if row.chapter not in READERS]


def tables(since: SinceLastCut, reported: Reported) -> list[Table]:
    """Every table of the comparison that has something to show, in the order of a reader's questions."""
    found = (records_table(reported), recoded_table(since), estimate_table(since), method_table(since))
    return [table for table in found if table is not None]


def records_table(reported: Reported) -> Table:
    """Records of each domain then and now, and what became of them."""
    records, values = ["then", "now", "new", "late", "gone"], ["filled_in", "changed", "emptied"]
    domains = dict.fromkeys(row.arm for row in reported.rows if row.arm)
    lines = [
        {"domain": Label(_domain(name), name)}
        | {key: number(reported.row(key, name)) for key in (*records, *values)}
        for name in domains
    ]
    spanners = {message("diff.over.records"): records, message("diff.over.values"): values}
    notes = (message("diff.records.note"), message("diff.records.late"))
    return Table("since_records", message("diff.records.title"), lines, spanners=spanners, footnotes=notes)


def _domain(name: str) -> str:
    known = f"diff.domain.{name}"
    return message("diff.domain", what=message(known) if has(known) else name, name=name)


# Columns of the table by those of the changes.
_RECODED = {"patient": "USUBJID", "record": "record", "about": "what", "variable": "variable"}


def recoded_table(since: SinceLastCut) -> Table | None:
    """What the last cut held and this one holds otherwise or not at all, one line a value.

    None where there is nothing, or where the view shows no single patients.
    """
    kinds = ("gone patient", "gone record", "value gone", "value changed")
    own = since.records[since.records["change"].isin(kinds)]
    if own.empty or needs.why_not(since.study, "single_patients"):
        return None
    lines: list[dict[str, Cell]] = [
        {
            **{key: Data(r[name]) for key, name in _RECODED.items()},
            "then": Data(
                r["before"] if r["change"] != "gone patient" else counted("record", int(r["before"]))
            ),
            "now": Data(r["after"]),
            "change": Label(message(f"diff.change.{r['change'].replace(' ', '_')}"), r["change"]),
        }
        for r in own.head(_SHOWN).to_dict("records")
    ]
    notes = _more(len(own))
    return Table("since_recoded", message("diff.recoded.title"), lines, footnotes=notes)


def estimate_table(since: SinceLastCut) -> Table | None:
    """The key estimates then and now, in the order of the plan; None where neither report holds one.

    Key are what the front page shows of the primary analysis and of serious adverse events, and of each secondary
    analysis the comparisons of the arms, or the one group where there are none, at their latest time.
    """
    if since.estimates is None:
        return None
    own = _key(since.estimates, since.study)
    if not own:
        return None
    columns = ["analysis", "estimate", "then", "now", "change"]
    lines = [dict(zip(columns, _line(change, since.study), strict=True)) for change in own]
    notes = [message("diff.estimates.note")]
    if len(since.study.arms) == 2:
        first, second = since.study.arms
        notes.append(message("diff.estimates.arms", first=arm_label(first), second=arm_label(second)))
    if any(change.method_changed for change in own):
        notes.append(message("diff.estimates.method"))
    title = message("diff.estimates.title")
    return Table("since_estimates", title, lines, footnotes=tuple(notes), group="analysis")


def _key(found: Difference, study: Study) -> list[Change]:
    own = [c for c in found.changes if _is_key(c.row, study) and _is_estimate(c)]
    latest: dict[str, float] = {}
    for row in (c.row for c in own):
        latest[result_name(row)] = max(latest.get(result_name(row), 0), row.time or 0)
    own = [c for c in own if c.row.time is None or c.row.time == latest[result_name(c.row)]]
    order = [analysis.id for analysis in study.protocol.analyses]
    return sorted(own, key=lambda c: order.index(c.row.analysis_id))


def _is_key(row: Row, study: Study) -> bool:
    roles = {analysis.id: analysis.role for analysis in study.protocol.analyses}
    match roles.get(row.analysis_id):
        case "primary":
            return row.statistic in _headlines(study)
        case "safety":
            return result_name(row) == ADVERSE_EVENTS and row.statistic == "serious"
        case "secondary":
            return len(study.arms) < 2 or row.arm not in study.arms
    return False


def _headlines(study: Study) -> set[str]:
    """Statistics of the primary analysis that the cards of the front page show."""
    kind = study.protocol.primary.kind
    shown = HEADLINES.get(kind, ()) if kind else ()
    return {name for headline in shown if not headline.of for name in headline.statistics}


def _is_estimate(change: Change) -> bool:
    return any(row is not None and row.lower is not None for row in (change.before, change.after))


def _line(change: Change, study: Study) -> list[Cell | str]:
    mark: Cell | str = ""
    if change.method_changed:
        mark = _mark("method_changed")
    elif change.status in ("new", "gone", "unchanged"):
        mark = _mark(change.status)
    elif change.absolute is not None:
        mark = Number(change.absolute, decimals_of(change), "signed")
    row = change.row
    title = study.protocol.analysis(row.analysis_id).title
    what = capitalised(_what(row, study))
    if len(study.arms) > 2 or (
        len(study.arms) == 2 and row.arm in study.arms
    ):  # two are compared in one way only
        arms = message("diff.minus").join(map(arm_in_prose, row.arm.split(" - ")))
        what = message("diff.estimate.arm", what=what, arm=arms)
    return [title, what, *in_cells(change), mark]


def _mark(code: str) -> Label:
    return Label(message(f"diff.mark.{code}"), code)


def _what(row: Row, study: Study) -> str:
    """An estimate in words: the parameter or the endpoint that it is of, the statistic, and when."""
    protocol, code = study.protocol, result_name(row).rpartition("_")[2].upper()
    known = f"diff.statistic.{row.statistic}"
    statistic = message(known) if has(known) else row.statistic.replace("_", " ")
    names = _names(study)
    about = message("diff.estimate", of=names[code], what=statistic) if code in names else statistic
    scaled = {
        p.paramcd: p.param for p in protocol.parameters
    }  # of which a result has a line each, in standard deviations
    if (own := row.statistic.upper()) in scaled:
        about = message("diff.estimate", of=scaled[own], what=message("diff.standardised"))
    if row.time is None:
        return about
    if protocol.analysis(row.analysis_id).parameters:  # measured at visits, which have numbers
        labels = {float(visit.number): visit.label for visit in protocol.schedule.visits}
        visit = labels.get(row.time) or message("diff.visit", number=f"{row.time:g}")
        return message("diff.estimate.visit", what=about, visit=visit)
    return message("diff.estimate.at", what=about, horizon=period(row.time))


def method_table(since: SinceLastCut) -> Table | None:
    """Which results were made by another method than then; None where none was."""
    changed = since.estimates.by_another_method if since.estimates else ()
    if not changed:
        return None
    made: dict[tuple[Label, Label, Label], int] = {}
    for change in changed:
        key = (_called(change.row, since.study), _how(change.before), _how(change.after))
        made[key] = made.get(key, 0) + 1
    lines = [
        {"result_id": name, "numbers": Number(n), "method_then": then, "method_now": now}
        for (name, then, now), n in made.items()
    ]
    return Table("since_methods", message("diff.methods.title"), lines[:_SHOWN], footnotes=_more(len(lines)))


def _called(row: Row, study: Study) -> Label:
    """What a result is of, in words: an additional one its own, else the analysis and its endpoint or parameter."""
    name = result_name(row)
    if extra := name_of(name):
        return Label(capitalised(words(extra)), name)
    titles = {analysis.id: analysis.title for analysis in study.protocol.analyses}
    of, what = _names(study).get(name.rpartition("_")[2].upper()), titles.get(row.analysis_id, name)
    return Label(message("diff.estimate", of=of, what=in_prose(what)) if of else what, name)


def _names(study: Study) -> dict[str, str]:
    """What the codes of endpoints and parameters say."""
    names = {e.paramcd: e.param for e in study.protocol.endpoints}
    return names | {p.paramcd: numbers.with_unit(p.param, p.unit) for p in study.protocol.parameters}


def _how(row: Row | None) -> Label:
    if row is None:
        return Label("")
    by = message("diff.method.ties", ties=ties(row)) if row.ties else ""
    said = message("list.comma").join(filter(None, (method(row), by, numbers.unit(row.unit))))
    return Label(said, "; ".join(filter(None, (row.method, row.ties, row.unit))))


def _more(count: int) -> tuple[str, ...]:
    more = count - _SHOWN
    return (message("diff.more", count=more),) if more > 0 else ()


def data_sentence(since: SinceLastCut, reported: Reported) -> str:
    """Patients, events and values, in one paragraph; every number a span with its result."""
    parts = [message("diff.since", since=on_day(dates.as_date(since.previous.cut.cutoff)))]
    for what in ("randomised", "died"):
        then, now = reported.row(f"{what}_then"), reported.row(what)
        parts.append(message(f"diff.{what}", then=whole(then), now=whole(now)))
    events = [reported.row("new", name) for name in ("AE", "CE") if name in since.study.tables]
    parts += [message(f"diff.new.{row.arm.lower()}", new=whole(row), count=row.value or 0) for row in events]
    return as_prose(parts)


def recoded_sentence(since: SinceLastCut) -> str:
    """That nothing was changed afterwards; nothing where the table lists what was."""
    masked = needs.why_not(since.study, "single_patients")
    return masked or ("" if recoded_table(since) else message("diff.recoded.none"))


def estimate_sentence(since: SinceLastCut, reported: Reported) -> str:
    """How many results changed and how many were made otherwise, or why estimates are not compared."""
    if since.estimates is None:
        return message("diff.estimates.none")
    keys = ("compared", "changed", "new", "gone")
    said = message("diff.results", **{key: whole(reported.row(f"results_{key}")) for key in keys})
    methods = reported.row("methods_changed")
    if not methods.value:
        return as_prose([said, message("diff.methods.none")])
    return as_prose([said, message("diff.methods", number=whole(methods), count=methods.value)])
