"""A REDCap project as forms: its data dictionary, and an export with raw codes or with labels.

Whatever the export holds, a form holds names of fields and raw codes. An export is of one kind throughout: which one, its
values tell, or the mapping's ``export`` where they do not.
"""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from esld.data.declared import Reading
from esld.data.mapping.engine import EVENT
from esld.data.mapping.forms import Form, faulty
from esld.data.mapping.model import MappingFile
from esld.data.reading import decode
from esld.data.reading.encoding import DECLARE
from esld.errors import InputError, InputErrors, did_you_mean

INSTRUMENT, INSTANCE = "redcap_repeat_instrument", "redcap_repeat_instance"
# Columns that REDCap itself writes, with the heading that an export of labels gives each.
OWN = {
    EVENT: "Event Name",
    INSTRUMENT: "Repeat Instrument",
    INSTANCE: "Repeat Instance",
    "redcap_data_access_group": "Data Access Group",
    "redcap_survey_identifier": "Survey Identifier",
}
_NAME, _FORM, _TYPE = "Variable / Field Name", "Form Name", "Field Type"
_LABEL, _CHOICES = "Field Label", "Choices, Calculations, OR Slider Labels"
_VALIDATION = "Text Validation Type OR Show Slider Number"
# The dictionary as REDCap names its columns in a download, and through its interface for programs.
_HEADINGS = {
    _NAME: "field_name",
    _FORM: "form_name",
    _TYPE: "field_type",
    _LABEL: "field_label",
    _CHOICES: "select_choices_or_calculations",
    _VALIDATION: "text_validation_type_or_show_slider_number",
}
_CHOSEN = {"radio", "dropdown", "checkbox", "yesno", "truefalse"}
_STATES = {"0": "Incomplete", "1": "Unverified", "2": "Complete"}
_BOX = {"0": "Unchecked", "1": "Checked"}
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}(:\d{2})?)")


@dataclass(frozen=True)
class Column:
    """A column that an export can have: the form it belongs to, its heading in an export of labels, its codes."""

    name: str
    form: str
    heading: str
    codes: Mapping[str, str] = field(default_factory=dict)
    is_box: bool = False
    is_state: bool = False


@dataclass(frozen=True)
class Dictionary:
    """A data dictionary: the field that holds the record's id, the forms in order, and every column that an export can have."""

    record: str
    forms: tuple[str, ...]
    columns: Mapping[str, Column]


def read_dictionary(path: Path) -> Dictionary:
    """Read a data dictionary.

    Raises
    ------
    esld.errors.InputError
        The file is missing, no table, lacks one of its columns, or has a field twice.
    """
    if not path.is_file():
        raise InputError(str(path), "must be an existing data dictionary", remedy="Check the mapping.")
    rows = list(csv.reader(io.StringIO(decode(path)[0], newline="")))
    header = [cell.strip() for cell in rows[0]] if rows else []
    at = {}
    for heading, short in _HEADINGS.items():
        found = next((i for i, cell in enumerate(header) if cell in (heading, short)), None)
        if found is None and heading != _VALIDATION:
            rule = "must be a column of the data dictionary"
            raise InputError(heading, rule, None, path.name, "Download the dictionary from REDCap again.")
        at[heading] = found
    columns: dict[str, Column] = {}
    forms: list[str] = []
    record = ""
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        cells = {h: row[i].strip() if i is not None and i < len(row) else "" for h, i in at.items()}
        name, form = cells[_NAME], cells[_FORM]
        record = record or name
        if form not in forms:
            if forms:
                columns |= _state(forms[-1])
            forms.append(form)
        if name in columns or f"{name}___" in {c.rpartition("___")[0] + "___" for c in columns}:
            raise InputError(
                f"field {name}", "must stand once", None, f"{path.name}, row {number}", "Rename it."
            )
        if cells[_TYPE] == "descriptive":
            continue
        label = _plain(cells[_LABEL])
        codes = _choices(cells[_TYPE], cells[_CHOICES])
        if cells[_TYPE] != "checkbox":
            columns[name] = Column(name, form, label, codes)
            continue
        for code, words in codes.items():
            box = f"{name}___{code.lower().replace('-', '_')}"
            columns[box] = Column(box, form, f"{label} (choice={words})", _BOX, is_box=True)
    if not record:
        raise InputError(path.name, "must list the fields of a project", "none", remedy="Download it again.")
    return Dictionary(record, tuple(forms), columns | _state(forms[-1]))


def _state(form: str) -> dict[str, Column]:
    name = f"{form}_complete"
    return {name: Column(name, form, "Complete?", _STATES, is_state=True)}


def _choices(kind: str, text: str) -> dict[str, str]:
    if kind == "yesno":
        return {"1": "Yes", "0": "No"}
    if kind == "truefalse":
        return {"1": "True", "0": "False"}
    if kind not in _CHOSEN:
        return {}
    pairs = (part.partition(",") for part in text.split("|") if part.strip())
    return {code.strip(): _plain(words) for code, _, words in pairs}


def _plain(text: str) -> str:
    """A label without the formatting that REDCap lets people give it."""
    return " ".join(re.sub(r"<[^>]+>", "", text).split())


def read_project(
    path: Path, dictionary: Dictionary, mapping: MappingFile, faults: list[InputError], how: Reading
) -> dict[str, Form]:
    """Read an export as forms.

    Parameters
    ----------
    path : Path
        CSV with the project's records.
    dictionary : Dictionary
        See :func:`read_dictionary`.
    mapping : MappingFile
        Its events, instruments, missing-data codes and kind of values.
    faults : list of InputError
        Gets unknown codes.
    how : Reading
        Its encoding and separator.

    Raises
    ------
    esld.errors.InputError
        The file is missing or no table, or its columns are not those of the dictionary.
    """
    if not path.is_file() or path.suffix.lower() != ".csv":
        rule, got = "must be an existing export of REDCap, a CSV file", "a folder" if path.is_dir() else None
        remedy = "Name the file in it." if got else "Check the path, and 'source' of the mapping."
        raise InputError(str(path), rule, got, remedy=remedy)
    text, _ = decode(path, how.encoding, remedy=DECLARE)
    rows = list(csv.reader(io.StringIO(text, newline=None), delimiter=how.separator or ","))
    header = [cell.strip() for cell in rows[0]] if rows else []
    names = _names(header, dictionary, path.name)
    known_missing = set(mapping.missing)
    cells: list[list[str | None]] = []
    index: list[int] = []
    padded: dict[str, int] = {}
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(header):
            rule, where = f"must fit its header of {len(header)} columns", f"{path.name}, row {number}"
            raise InputError("every row", rule, f"{len(row)} cells", where, "Export it again.")
        own = [cell.strip() for cell in row]
        for name, cell, text in zip(names, row, own, strict=True):
            if text and text != cell:
                padded.setdefault(name, number)
        cells.append([None if not cell or cell in known_missing else cell for cell in own])
        index.append(number)
    table = pd.DataFrame(cells, columns=names, index=index, dtype=object)
    whole = Form("export", table, f"{path.name}|row {{row}}, field {{column}}", {n: n for n in names})
    table = _coded(whole, _lists(table, dictionary, mapping), mapping, faults)
    table.attrs["padded"] = padded
    for name in names:
        table[name] = table[name].str.replace(_MOMENT, r"\1T\2", regex=True) if len(table) else table[name]
    return {form: _form(form, table, whole, dictionary, mapping.events) for form in dictionary.forms}


def _names(header: list[str], dictionary: Dictionary, file: str) -> list[str]:
    """The field of each column, whether the header holds names or labels."""
    known = {**dict.fromkeys(OWN, ""), **dictionary.columns}
    if header and header[0] == dictionary.record:
        strange = [name for name in header if name not in known and not name.endswith("_timestamp")]
        faults = [_strange(name, known, file) for name in strange]
    else:
        names, faults = _of_labels(header, dictionary, file)
        header = names
    faults += [
        InputError(f"column {name}", "must stand once", None, file, "Export it again.")
        for name in dict.fromkeys(header)
        if header.count(name) > 1
    ]
    if faults:
        raise InputErrors(faults)
    return header


def _strange(name: str, known: Mapping[str, object], file: str) -> InputError:
    near = did_you_mean(name, known)
    remedy = f"{near if near.startswith('Did') else ''} Download the dictionary and the data on the same day."
    return InputError(f"column {name!r}", "must be a field of the data dictionary", None, file, remedy)


def _of_labels(header: list[str], dictionary: Dictionary, file: str) -> tuple[list[str], list[InputError]]:
    """Fields by their labels; of several with one label, each by its place among these."""
    own = {heading: name for name, heading in OWN.items()}
    named: dict[str, list[str]] = {}
    for column in dictionary.columns.values():
        named.setdefault(column.heading, []).append(column.name)
    names, faults = [], []
    seen: dict[str, int] = {}
    for label in map(_plain, header):
        if label in own and label not in named:
            names.append(own[label])
            continue
        fields, number = named.get(label, []), seen.get(label, 0)
        seen[label] = number + 1
        if not fields:
            names.append(label)
            faults.append(_strange(label, {**named, **own}, file))
        else:
            names.append(fields[min(number, len(fields) - 1)])
    for label, count in seen.items():
        if 1 < len(named.get(label, ())) != count:
            rule = f"must stand {len(named[label])} times, as in the dictionary"
            remedy = "Export it with the names of the variables as headers."
            faults.append(InputError(f"column {label!r}", rule, f"{count} times", file, remedy))
    return names, faults


def _lists(table: pd.DataFrame, dictionary: Dictionary, mapping: MappingFile) -> dict[str, Mapping[str, str]]:
    """The codes of every column that has some, with the words of each."""
    instruments = {form: form.replace("_", " ").title() for form in dictionary.forms} | mapping.instruments
    lists: dict[str, Mapping[str, str]] = {c.name: c.codes for c in dictionary.columns.values() if c.codes}
    lists |= {EVENT: mapping.events, INSTRUMENT: instruments}
    return {name: codes for name, codes in lists.items() if name in table}


def _coded(
    whole: Form, lists: Mapping[str, Mapping[str, str]], mapping: MappingFile, faults: list[InputError]
) -> pd.DataFrame:
    """The export with raw codes."""
    table = whole.table.copy()
    if EVENT in table:
        labels = (
            table[EVENT].str.replace(r" \(Arm \d+: .*\)$", "", regex=True) if len(table) else table[EVENT]
        )
        table[EVENT] = labels.astype(object)
    to_code = {name: {words: code for code, words in codes.items()} for name, codes in lists.items()}
    held = {name: set(table[name].dropna()) for name in lists}
    strange = {
        "raw": sum(len(held[name] - set(codes)) for name, codes in lists.items()),
        "labels": sum(len(held[name] - set(to_code[name])) for name in lists),
    }
    differ = any(to_code[name].get(text, text) != text for name in lists for text in held[name])
    kind = mapping.export
    if kind is None and strange["raw"] == strange["labels"] and differ:
        rule = "must be told with 'export: raw' or 'export: labels' in the mapping: its values can be either"
        faults.append(InputError("the export", rule, None, whole.told.partition("|")[0], "Add the key."))
    kind = kind or ("labels" if strange["labels"] < strange["raw"] else "raw")
    for name, codes in lists.items():
        known = to_code[name] if kind == "labels" else codes
        if len(set(codes.values())) < len(codes) and kind == "labels":
            shared = {w for w in codes.values() if list(codes.values()).count(w) > 1} & held[name]
            rule, remedy = "must be the label of one choice", "Export raw values."
            faults += faulty(whole, name, table.loc[table[name].isin(shared), name], rule, remedy, name)
        bad = table.loc[table[name].notna() & ~table[name].isin(list(known)), name]
        if name == EVENT and len(bad):
            faults.append(_unnamed_events(bad, mapping, whole))
        elif len(bad):
            rule = f"must be one of {list(known)}, from the data dictionary"
            remedy = "Download the dictionary again, or correct it in REDCap."
            faults += faulty(whole, name, bad, rule, remedy, name)
        if kind == "labels":
            coded = table[name].map(known)
            table[name] = coded.where(coded.notna(), table[name]).astype(object)
    return table.where(table.notna(), None)


def _unnamed_events(bad: pd.Series, mapping: MappingFile, whole: Form) -> InputError:
    """One fault for all events that the mapping does not name."""
    told = ", ".join(map(repr, dict.fromkeys(bad)))
    rule = "must name every event of the export" + ("" if mapping.events else ", and is not there")
    remedy = "Add each as 'unique name: label' (docs/how-to/redcap.md)."
    more = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
    return InputError(
        "'events' of the mapping", rule, told, whole.place(int(bad.index[0]), EVENT) + more, remedy
    )


def _form(
    name: str, table: pd.DataFrame, whole: Form, dictionary: Dictionary, events: Mapping[str, str]
) -> Form:
    """The rows and columns of one form: those in which somebody entered something."""
    own = [c for c in dictionary.columns.values() if c.form == name and c.name in table]
    keys = [dictionary.record, *(key for key in OWN if key in table)]
    fields = [c.name for c in own if c.name not in keys]
    entered = pd.DataFrame(
        {
            c.name: table[c.name].ne("0") & table[c.name].notna() if c.is_box else table[c.name].notna()
            for c in own
            if not c.is_state and c.name not in keys
        },
        index=table.index,
    ).any(axis=1)
    fits = entered
    if INSTRUMENT in table:
        fits &= table[INSTRUMENT].isna() | table[INSTRUMENT].eq(name)
    codes = {c.name: c.codes for c in own if c.codes} | {EVENT: events}
    states = tuple(c.name for c in own if c.is_state)
    columns = [*(k for k in keys if k in table), *fields]
    return Form(
        name, table.loc[fits, columns].copy(), whole.told, {c: c for c in columns}, (*keys, *states), codes
    )
