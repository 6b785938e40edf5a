"""Forms to SDTM tables, as a mapping says: every mistake of the mapping and of the forms told, and every column accounted for."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from esld.data import dates, places, sdtm
from esld.data.mapping.forms import SHOWN, Form, faulty
from esld.data.mapping.model import Codes, MappingFile, Part, Value
from esld.data.orders import Order
from esld.data.reading import personal
from esld.data.reading.words import dated
from esld.errors import InputError, did_you_mean

EVENT = "redcap_event_name"  # the column that holds the event of a form's row, where a source has events
_Parts = Mapping[str, tuple[tuple[int, int, Part], ...]]  # by domain, see :meth:`MappingFile.parts`
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")


@dataclass(frozen=True)
class Mapped:
    """What a mapping made of forms.

    Attributes
    ----------
    tables : dict of str to DataFrame
        Domain code to table, all text, rows numbered from 0, records numbered by ``--SEQ`` within a subject by day.
        ``attrs["file"]`` names the source, and :func:`esld.data.mapping.place` tells where a cell was filled in.
    faults : tuple of InputError
        Everything that is wrong, one line each; a cell at fault is in the tables as it was filled in.
    unused : DataFrame
        ``form column filled``: the columns that nothing is made of, and how many of their cells are filled.
    notes : tuple of str
        What else a person should know: rows of which no record was made.
    """

    tables: dict[str, pd.DataFrame]
    faults: tuple[InputError, ...]
    unused: pd.DataFrame
    notes: tuple[str, ...] = ()


def map_forms(
    forms: Mapping[str, Form],
    mapping: MappingFile,
    *,
    file: str,
    source: str,
    let_in: Collection[str] = (),
    declared: Collection[Order] = (),
) -> Mapped:
    """Make SDTM tables of forms.

    Parameters
    ----------
    forms : mapping of str to Form
        By the name that the mapping has for each.
    mapping : MappingFile
        See :mod:`esld.data.mapping.model`.
    file : str
        What an error calls the mapping.
    source : str
        What an error calls the file or folder of the forms.
    let_in : collection of str
        ``form.column`` of what tells who a patient is and may be there.
    declared : collection of str
        How dates are written that are not ISO 8601.

    Returns
    -------
    Mapped

    Raises
    ------
    esld.errors.InputErrors
        A form tells who a patient is.
    """
    parts = {domain: tuple(mapping.parts(domain)) for domain in mapping.domains}
    forms = _dated(forms, parts, declared) if declared else forms
    personal.refuse({n: form.table for n, form in forms.items()}, let_in, lambda n, row: forms[n].place(row))
    faults = list(_static(forms, mapping, parts, file))
    if faults:
        return Mapped({}, tuple(faults), pd.DataFrame(columns=["form", "column", "filled"]))
    work = _Work(forms, mapping)
    tables = {}
    for domain in mapping.domains:
        table = _domain(domain, parts[domain], work)
        table.attrs |= {"file": source, "encoding": "Forms"} | ({"dates": ""} if declared else {})
        tables[domain] = table
    called = {n: t[t.columns.intersection([*personal.CALLED_BY])] for n, t in tables.items()}
    personal.refuse(called, (), lambda n, row: str(places.place(tables[n], row, "USUBJID")))
    return Mapped(
        tables,
        tuple(work.faults),
        _unused(forms, work.used),
        (*_without_record(forms, work), *_otherwise(forms, mapping)),
    )


def _dated(forms: Mapping[str, Form], parts: _Parts, declared: Collection[Order]) -> dict[str, Form]:
    """Forms with dates in declared orders as ISO 8601, in the columns that give a variable its date or put records in order."""
    every = [item for own in parts.values() for _, _, part in own for item in _steps(part)]
    columns = {(form, step.column) for form, variable, step in every if variable.endswith("DTC")}
    columns |= {(form, step.order) for form, _, step in every}
    return {
        name: _in_order(form, {c for key, c in columns if key == name}, declared)
        for name, form in forms.items()
    }


def _steps(part: Part) -> Iterator[tuple[str, str, Value]]:
    """Every place that a variable may come from: form, variable, place."""
    for variable, value in part.set.items():
        for step in _chain(value):
            yield step.form or part.form, variable, step


def _in_order(form: Form, columns: Collection[str | None], declared: Collection[Order]) -> Form:
    there = [column for column in map(str, form.table) if column in columns]
    return replace(form, table=dated(form.table, there, declared, form.told.partition("|")[0]))


# --- the mapping against the forms -----------------------------------------------------------------------------


def _static(
    forms: Mapping[str, Form], mapping: MappingFile, parts: _Parts, file: str
) -> Iterator[InputError]:
    """What a mapping names that is not there."""
    told: set[str] = set()
    for error in _named(forms, mapping, parts, file):
        if str(error) not in told:
            told.add(str(error))
            yield error


def _named(forms: Mapping[str, Form], mapping: MappingFile, parts: _Parts, file: str) -> Iterator[InputError]:
    for domain in mapping.domains:
        key = f"key 'domains.{domain}'"
        if domain not in sdtm.DOMAINS:
            yield InputError(
                key, "must be an SDTM domain that is read", None, file, did_you_mean(domain, sdtm.DOMAINS)
            )
        for place, part in enumerate(mapping.domains[domain]):
            if isinstance(part.each, str) and part.each not in mapping.lists:
                rule = "must be a list of the mapping"
                remedy = did_you_mean(part.each, mapping.lists)
                yield InputError(f"{key}[{place}].for", rule, part.each, file, remedy)
        for place, _, part in parts[domain]:
            where = f"{file}, {domain}, part {place + 1}"
            if part.form not in forms:
                yield _unknown("form", part.form, forms, where)
                continue
            form = forms[part.form]
            for column in part.when:
                yield from _column_faults(form, column, where)
            for column, wanted in part.when.items():
                known = _known_codes(form, column)
                for code in wanted if known else ():
                    if code not in {*known, "filled", "empty"}:
                        yield _unknown(f"code of {form.name}.{column}", code, known, where)
            if part.events and EVENT not in form.table:
                yield _unknown(f"column of {form.name}", EVENT, map(str, form.table.columns), where)
            for event in part.events:
                if (
                    mapping.events and event not in mapping.events
                ):  # without any, the reader tells all at once
                    yield _unknown("event", event, mapping.events, where)
            for variable, value in part.set.items():
                yield from _value_faults(forms, form, value, mapping, f"{where}, {variable}")
    needed = _forms_of(parts)
    for form in forms.values():
        if form.name in needed:
            yield from _value_faults(forms, form, mapping.subject, mapping, f"{file}, subject")


def _forms_of(parts: _Parts) -> set[str]:
    every = [part for own in parts.values() for _, _, part in own]
    values = [v for part in every for value in part.set.values() for v in _chain(value)]
    return {*(part.form for part in every), *(value.form for value in values if value.form)}


def _chain(value: Value | None) -> Iterator[Value]:
    while value is not None:
        yield value
        value = value.otherwise


def _value_faults(
    forms: Mapping[str, Form], own: Form, value: Value, mapping: MappingFile, where: str
) -> Iterator[InputError]:
    for step in _chain(value):
        if isinstance(step.codes, str) and step.codes not in mapping.codes:
            yield _unknown("code list", step.codes, mapping.codes, where)
        if step.form is not None and step.form not in forms:
            yield _unknown("form", step.form, forms, where)
            continue
        form = forms[step.form] if step.form else own
        for column in (step.column, step.time, step.order):
            if column is not None:
                yield from _column_faults(form, column, where)
        known = _known_codes(form, step.column or "")
        if known and isinstance(step.codes, dict):
            for code in step.codes:
                if code not in known:
                    yield _unknown(f"code of {form.name}.{step.column}", code, known, where)


def _column_faults(form: Form, column: str, where: str) -> Iterator[InputError]:
    if column not in form.table:
        yield _unknown(f"column of {form.name}", column, map(str, form.table.columns), where)


def _known_codes(form: Form, column: str) -> Mapping[str, str]:
    return (form.codes or {}).get(column, {})


def _unknown(what: str, got: str, known: "Mapping[str, object] | Iterator[str]", where: str) -> InputError:
    return InputError(what, "must be one that the source has", got, where, did_you_mean(got, list(known)))


# --- records -----------------------------------------------------------------------------------------------------


Cells = list[str | None]  # a column of a form, row by row
_Places = dict[int, str]  # by place in such a column, where a cell stands that came from another form


@dataclass
class _Work:
    """What is known while tables are made: faults so far, columns used, rows that gave a record."""

    forms: Mapping[str, Form]
    mapping: MappingFile
    faults: list[InputError] = field(default_factory=list)
    used: set[tuple[str, str]] = field(default_factory=set)
    gave: dict[str, set[int]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    _read: dict[tuple[str, str], tuple[Cells, _Places]] = field(default_factory=dict)

    def tell(self, faults: Iterable[InputError]) -> None:
        """Keep faults, each once: several variables may come from one cell."""
        for fault in faults:
            if str(fault) not in self.told:
                self.told.add(str(fault))
                self.faults.append(fault)

    def tell_cells(self, form: Form, column: str, bad: Mapping[int, str], rule: str, remedy: str) -> None:
        """Keep a fault of some cells of a column, by their place in it."""
        if bad:
            found = pd.Series({form.table.index[place]: text for place, text in bad.items()}, dtype=object)
            self.tell(faulty(form, column, found, rule, remedy))

    def column(self, form: Form, name: str) -> Cells:
        """A column of a form, which is used."""
        self.used.add((form.name, name))
        cells: Cells = form.table[name].tolist()
        return cells

    def subject(self, form: Form) -> Cells:
        """The patient of each row of a form."""
        return self.read(self.mapping.subject, form)[0]

    def read(self, value: Value, form: Form) -> tuple[Cells, _Places]:
        """The text of a variable for each row of a form, and the places of what comes from another one."""
        key = (form.name, str(value))  # the same for every test of a panel: its date and visit
        if key not in self._read:
            self._read[key] = self._read_anew(value, form)
        return self._read[key]

    def _read_anew(self, value: Value, form: Form) -> tuple[Cells, _Places]:
        elsewhere: _Places = {}
        if value.constant is not None:
            cells: Cells = [value.constant] * len(form.table)
        elif value.form is None:
            cells = self._coded(self._timed(value, form), value, form)
        else:
            cells, elsewhere = self._looked_up(value, form)
        if value.before:
            cells = [None if cell is None else f"{value.before}{cell}" for cell in cells]
        if value.otherwise is not None:
            second, places_of_second = self.read(value.otherwise, form)
            elsewhere |= {n: told for n, told in places_of_second.items() if cells[n] is None}
            cells = [b if a is None else a for a, b in zip(cells, second, strict=True)]
        return cells, elsewhere

    def _timed(self, value: Value, form: Form) -> Cells:
        """A column, dates with their times of day."""
        cells = self.column(form, str(value.column))
        if value.time is None:
            return cells
        bad, alone = {}, {}
        for n, (day, raw) in enumerate(zip(cells, self.column(form, value.time), strict=True)):
            if raw is None:
                continue
            time = _time_of_day(raw)
            if time is None:
                bad[n] = raw
            elif day is None or len(day) != len("2024-03-15"):
                alone[n] = raw
            else:
                cells[n] = f"{day}T{time}"
        self.tell_cells(form, value.time, bad, "must be a time of day, HH:MM", "Correct the time.")
        rule, remedy = "must stand beside a whole date", "Give the day, or clear the time."
        self.tell_cells(form, value.time, alone, rule, remedy)
        return cells

    def _coded(self, cells: Cells, value: Value, form: Form) -> Cells:
        if value.codes is None:
            return cells
        own: Codes = self.mapping.codes[value.codes] if isinstance(value.codes, str) else value.codes
        if value.others == "fault":
            # What the source's own list does not have was told when the form was read.
            known = _known_codes(form, str(value.column))
            listed = bool(known) or value.column == EVENT
            strange = {
                n: cell
                for n, cell in enumerate(cells)
                if cell is not None and cell not in own and (not listed or cell in known)
            }
            remedy = "Add it to the codes of the mapping, or correct it."
            self.tell_cells(form, str(value.column), strange, f"must be one of {list(own)}", remedy)
        keeps = value.others != "empty"
        return [None if cell is None else own.get(cell, cell if keeps else None) for cell in cells]

    def _looked_up(self, value: Value, form: Form) -> tuple[Cells, _Places]:
        """A column of another form, by patient and, where asked, event."""
        other, column = self.forms[str(value.form)], str(value.column)
        raw = self._timed(value, other)
        order = self.column(other, value.order) if value.order else raw
        found: dict[str, list[int]] = {}
        for n, (key, cell) in enumerate(zip(self._keys(other, value.by), raw, strict=True)):
            if key is not None and cell is not None:
                found.setdefault(key, []).append(n)
        rule = f"must be one for a {'patient' if value.by == 'subject' else 'patient and event'}"
        for several in found.values():
            if value.take != "only":
                several.sort(key=lambda n: order[n] or "", reverse=value.take == "latest")
            elif len({raw[n] for n in several}) > 1:
                where = "; ".join(other.place(int(other.table.index[n]), column) for n in several[:SHOWN])
                got = " and ".join(dict.fromkeys(repr(raw[n]) for n in several))
                remedy = "Keep the one that is right."
                self.tell([InputError(f"{other.name}.{column}", rule, got, where, remedy)])
        coded = self._coded(raw, value, other)
        cells: Cells = []
        elsewhere: _Places = {}
        for n, key in enumerate(self._keys(form, value.by)):
            own = found.get(key or "")
            cells.append(coded[own[0]] if own else None)
            if own:
                elsewhere[n] = other.place(int(other.table.index[own[0]]), column)
        return cells, elsewhere

    def _keys(self, form: Form, by: str) -> Cells:
        subjects = self.subject(form)
        if by == "subject" or EVENT not in form.table:
            return subjects
        events = form.table[EVENT]
        return [s and e and f"{s}\n{e}" for s, e in zip(subjects, events, strict=True)]

    def fitting(self, part: Part, form: Form) -> list[int]:
        """Places of the rows of a form that give a record of a part."""
        fits = [True] * len(form.table)
        wanted = {**part.when, **({EVENT: part.events} if part.events else {})}
        for column, codes in wanted.items():
            known = set(codes)
            for n, cell in enumerate(self.column(form, column)):
                fits[n] &= cell in known or ("filled" if cell is not None else "empty") in known
        return [n for n, fit in enumerate(fits) if fit]


def _time_of_day(text: str) -> str | None:
    found = _TIME.fullmatch(text.strip())
    if found is None or int(found[1]) > 23 or int(found[2]) > 59 or int(found[3] or 0) > 59:
        return None
    seconds = f":{found[3]}" if found[3] and found[3] != "00" else ""
    return f"{int(found[1]):02d}:{found[2]}{seconds}"


def _domain(name: str, parts: tuple[tuple[int, int, Part], ...], work: _Work) -> pd.DataFrame:
    """All records of a domain, ordered by subject and day, then as the mapping and the forms have them."""
    domain, mapping = sdtm.DOMAINS[name], work.mapping
    kinds: list[tuple[str, Mapping[str, str]]] = []
    records: list[dict[str, str | None]] = []
    made_of: list[tuple[int, int, dict[str, str]]] = []  # of each record: kind, row, places elsewhere
    ranks: list[tuple[str, str, int, int, int, int]] = []
    variables: list[str] = []
    firsts: dict[str, int] = {}
    for place, number, part in parts:
        form = work.forms[part.form]
        variables += part.set
        first = firsts.setdefault(form.name, place)  # parts of one form come row by row
        read = {variable: work.read(value, form) for variable, value in part.set.items()}
        subjects, index = work.subject(form), form.table.index.tolist()
        own = {variable: str(value.column) for variable, value in part.set.items() if not value.form}
        own["USUBJID"] = str(mapping.subject.column)
        columns = {v: form.columns[column] for v, column in own.items() if column in form.columns}
        gave = work.gave.setdefault(form.name, set())
        for n in work.fitting(part, form):
            record = {"USUBJID": subjects[n]} | {variable: cells[n] for variable, (cells, _) in read.items()}
            day = record.get(domain.date or "") or ""
            ranks.append((record["USUBJID"] or "\uffff", day, first, index[n], number, len(kinds)))
            elsewhere = {variable: told[n] for variable, (_, told) in read.items() if n in told}
            made_of.append((len(kinds), index[n], elsewhere))
            records.append(record)
            gave.add(index[n])
        kinds.append((form.told, columns))
    order = sorted(range(len(records)), key=ranks.__getitem__)
    numbered = name != "DM" and domain.sequence not in variables
    keys = ["STUDYID", "DOMAIN", "USUBJID", *([domain.sequence] if numbered else [])]
    names = [*keys, *(v for v in dict.fromkeys(variables) if v not in keys)]
    counts: dict[str | None, int] = {}
    rows = []
    for n in order:
        record = {"STUDYID": mapping.study, "DOMAIN": name, **records[n]}
        if numbered:
            count = counts[record["USUBJID"]] = counts.get(record["USUBJID"], 0) + 1
            record[domain.sequence] = str(count)
        rows.append([record.get(column) for column in names])
    table = pd.DataFrame(rows, columns=names, dtype=object)
    of, at, others = zip(*(made_of[n] for n in order), strict=True) if order else ((), (), ())
    places.keep(table, kinds, list(of), list(at), {n: own for n, own in enumerate(others) if own})
    return table


# --- what was not used ---------------------------------------------------------------------------------------------


def _unused(forms: Mapping[str, Form], used: set[tuple[str, str]]) -> pd.DataFrame:
    rows = [
        (form.name, str(column), int(form.table[column].notna().sum()))
        for form in forms.values()
        for column in form.table.columns
        if (form.name, column) not in used and column not in form.keys
    ]
    return pd.DataFrame(rows, columns=["form", "column", "filled"])


def _without_record(forms: Mapping[str, Form], work: _Work) -> Iterator[str]:
    for name, form in forms.items():
        gave = work.gave.get(name)
        if gave is None:
            continue
        left = [int(str(row)) for row in form.table.index if row not in gave]
        if left:
            shown = ", ".join(map(str, left[:10])) + (f" and {len(left) - 10} more" if len(left) > 10 else "")
            where = form.told.partition("|")[0]
            yield f"{where}: no record was made of row{'s' if len(left) > 1 else ''} {shown}."


def _otherwise(forms: Mapping[str, Form], mapping: MappingFile) -> Iterator[str]:
    """What was read otherwise than it is written: ids without the blanks around them, dates in a declared order."""
    for where, attrs in {f.told.partition("|")[0]: f.table.attrs for f in forms.values()}.items():
        if row := attrs.get("padded", {}).get(mapping.subject.column):
            yield f"{where}: ids are read without the blanks around them, the first in row {row}."
        if told := attrs.get("dates"):
            yield str(told)


def summary(mapped: Mapped) -> pd.DataFrame:
    """What each domain got: ``domain records subjects``."""
    rows = [(n, len(t), int(t["USUBJID"].nunique())) for n, t in mapped.tables.items()]
    return pd.DataFrame(rows, columns=["domain", "records", "subjects"])


def date_faults(tables: Mapping[str, pd.DataFrame]) -> Iterator[InputError]:
    """Every date that is none, each cell once; of a cut or a check the rules of the domains tell these with all others."""
    told: set[str] = set()
    for name, table in tables.items():
        for column in table.columns:
            if str(column).endswith("DTC"):
                bad = table.loc[~dates.is_iso(table[column]), column]
                rule = "must be a calendar date, YYYY-MM-DD or partial"
                for fault in sdtm.record_faults(name, table, str(column), bad, rule, dates.remedy):
                    if fault.where not in told:
                        told.add(fault.where)
                        yield fault
