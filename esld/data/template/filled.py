"""The data-entry workbook read back: is it the one of this protocol, unchanged, and what do its sheets say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from esld.data.declared import Reading
from esld.data.mapping import Mapped, MappingFile, map_forms, read_mapping
from esld.data.mapping.forms import Form, faulty
from esld.data.mapping.model import Part, Value, written
from esld.data.mapping.sheets import Sheet, form_of, has_sheet, letter, read_sheets
from esld.data.template.layout import (
    FORMAT,
    LANGUAGES,
    MARK,
    Language,
    SheetLayout,
    is_masked,
    layout,
    layout_file,
    rows_of,
    visits,
)
from esld.errors import InputError, InputErrors, did_you_mean
from esld.protocol import Protocol


@dataclass(frozen=True)
class Mark:
    """What the hidden sheet says: format, protocol, study as STUDYID holds it, language."""

    format: str
    protocol: str
    study: str
    language: Language


def is_template(path: Path) -> bool:
    """Whether a file is a data-entry workbook."""
    return has_sheet(path, MARK)


def read_template(path: Path, protocol: Protocol, how: Reading | None = None) -> Mapped:
    """SDTM tables of a filled data-entry workbook.

    Parameters
    ----------
    path : Path
        The workbook, one of :func:`is_template`.
    protocol : Protocol
        The trial that it was made for.
    how : Reading, optional
        Whose ``personal`` lets columns in, and whose ``dates`` says how dates are written.

    Returns
    -------
    Mapped
        A table for each domain of the protocol that has a sheet. Every fault names the sheet and cell in which it was entered.

    Raises
    ------
    esld.errors.InputError
        It is a workbook of another trial or another version, its structure was changed, or nobody is in it.
    """
    return tables_of(read_sheets(path), path.name, protocol, how)


def tables_of(
    sheets: Mapping[str, Sheet], file: str, protocol: Protocol, how: Reading | None = None
) -> Mapped:
    """What :func:`read_template` makes of a workbook's sheets; ``file`` is what an error calls it."""
    how, mark = how or Reading(), _mark(sheets, file, protocol)
    faults: list[InputError] = []
    forms: dict[str, Form] = {}
    own = layout(protocol, mark.language)
    for planned in own:
        sheet = sheets.get(planned.title)
        if sheet is None:
            known = [s.title for s in sheets.values() if s.title not in {p.title for p in own}]
            near = did_you_mean(planned.title, known) if known else ""
            remedy = f"{near if near.startswith('Did') else ''} Enter the data into an unchanged workbook."
            rule = "must be there as in the template"
            faults.append(InputError(f"sheet {planned.title!r}", rule, None, file, remedy))
            continue
        places = _places(planned, sheet, file, faults)
        if places is not None:
            forms[planned.key] = form_of(sheet, planned.key, file, places, faults)
    if len(forms) < len(own):
        raise InputErrors(faults)
    forms = {p.key: _coded(forms[p.key], p, faults) for p in own}
    if forms["screening"].table.empty:
        title = own[0].title
        rule, remedy = "must hold at least one patient", "Fill it."
        raise InputErrors([*faults, InputError(f"sheet {title!r}", rule, "nobody", file, remedy)])
    mapping = mapping_of(protocol, own, mark.study)
    mapped = map_forms(
        forms, mapping, file="mapping.yaml", source=file, let_in=how.personal, declared=how.dates
    )
    titles = {p.key: p.title for p in own}
    headers = {(p.key, c.key): c.header for p in own for c in p.columns}
    unused = mapped.unused.assign(
        column=[headers[f, c] for f, c in zip(mapped.unused["form"], mapped.unused["column"], strict=True)],
        form=mapped.unused["form"].map(titles),
    )
    ours = {p.title for p in own} | {MARK, layout_file().workbook.help.of(mark.language)}
    others = [s.title for s in sheets.values() if s.title not in ours and any(map(any, s.rows))]
    notes = (*(f"{file}, sheet {title} is none of the workbook's and was not read." for title in others),)
    return Mapped(mapped.tables, (*faults, *mapped.faults), unused, (*notes, *mapped.notes))


def _mark(sheets: Mapping[str, Sheet], file: str, protocol: Protocol) -> Mark:
    rows = {row[0]: row[1] for row in sheets[MARK].rows if len(row) > 1 and row[0] and row[1]}
    remedy = "Make a workbook with 'esld template' and move the data there."
    faults = []
    if rows.get("format") != FORMAT:
        faults.append(
            InputError(
                "the workbook", f"must be of version {FORMAT}", rows.get("format", "none"), file, remedy
            )
        )
    if rows.get("protocol") != protocol.id:
        faults.append(
            InputError(
                "the workbook", f"must be of {protocol.id}", rows.get("protocol", "none"), file, remedy
            )
        )
    language = next((each for each in LANGUAGES if each == rows.get("language")), None)
    if language is None:
        got = rows.get("language", "none")
        faults.append(
            InputError("the language of the workbook", f"must be one of {list(LANGUAGES)}", got, file, remedy)
        )
    if faults:
        raise InputErrors(faults)
    assert language is not None
    return Mark(FORMAT, protocol.id, rows.get("study") or protocol.id, language)


def _places(planned: SheetLayout, sheet: Sheet, file: str, faults: list[InputError]) -> dict[int, str] | None:
    """The place of each column, wherever it was moved; None where one is gone or renamed."""
    where = f"{file}, sheet {sheet.title}"
    header = sheet.rows[0] if sheet.rows else []
    at = {text: place for place, text in enumerate(header) if text}
    keys = {column.header: column.key for column in planned.columns}
    remedy = "Give the columns the names that they had; esld template makes an unchanged workbook."
    own: list[InputError] = []
    for text in keys:
        if text not in at:
            own.append(InputError(f"column {text!r}", "must be in the first row", None, where, remedy))
    for place, found in enumerate(header):
        text = found or ""
        if text and (text not in keys or at[text] != place):
            cell = f"{where}, cell {letter(place)}1"
            rule = "must be a column of the template" if text not in keys else "must stand once"
            own.append(InputError(f"column {text!r}", rule, None, cell, remedy))
    faults += own
    return None if own else {place: keys[str(text)] for place, text in enumerate(header) if text}


def _coded(form: Form, planned: SheetLayout, faults: list[InputError]) -> Form:
    """A form with codes for the words of its lists."""
    codes = {}
    table = form.table
    for column in planned.columns:
        if not column.words:
            continue
        found = table[column.key].map(column.code, na_action="ignore").astype(object)
        if not column.open:
            bad = table.loc[table[column.key].notna() & found.isna(), column.key]
            rule = f"must be one of {list(column.words.values())}"
            faults += faulty(form, column.key, bad, rule, "Choose from the list.", column.header)
            codes[column.key] = column.words
        table = table.assign(**{column.key: found.where(found.notna(), table[column.key])})
    return Form(form.name, table.where(table.notna(), None), form.told, form.columns, form.keys, codes)


def mapping_of(protocol: Protocol, sheets: tuple[SheetLayout, ...], study: str) -> MappingFile:
    """The mapping of a protocol's workbook: the one of the package, with what the protocol gives, and without what it has not."""
    path = Path(str(resources.files("esld.data.template"))) / "mapping.yaml"
    plain = read_mapping(path).model_dump(by_alias=True, exclude_unset=True)
    plain = written(plain, {"study": study, "protocol": protocol.id})
    units = [arm.dose.unit for arm in protocol.arms if arm.dose]
    plain["codes"] = {
        "arm_name": {arm.code: arm.name for arm in protocol.arms},
        "treatment": {arm.code: arm.dose.treatment if arm.dose else arm.name for arm in protocol.arms},
        "dose_unit": {
            arm.code: arm.dose.unit if arm.dose else next(iter(units), None) for arm in protocol.arms
        },
        "route": {arm.code: arm.dose.route if arm.dose else None for arm in protocol.arms},
        "visit_number": {code: number for code, _, number in visits(protocol)},
    }
    given = rows_of(protocol)
    plain["lists"] |= {
        name: [{key: words.en for key, words in row.items() if words.en} for row in rows]
        for name, rows in given.items()
    }
    mapping = MappingFile.model_validate(plain)
    columns = {sheet.key: {column.key for column in sheet.columns} for sheet in sheets}
    domains = {
        name: tuple(_fitting(parts, columns, masked=is_masked(protocol)))
        for name, parts in mapping.domains.items()
        if name in protocol.domains
    }
    return mapping.model_copy(update={"domains": {name: parts for name, parts in domains.items() if parts}})


def _fitting(parts: tuple[Part, ...], columns: Mapping[str, set[str]], *, masked: bool) -> Iterator[Part]:
    """Parts of the sheets that there are, without variables of what the workbook has no column for."""
    left_out = {
        (key, column.key)
        for key, form in layout_file().forms.items()
        for column in form.columns
        if key not in columns or (masked and column.unmasked)
    }
    for part in parts:
        if part.form in columns:
            kept = {
                variable: own
                for variable, value in part.set.items()
                if (own := _without(value, part.form, left_out)) is not None
            }
            yield part.model_copy(update={"set": kept})


def _without(value: Value | None, form: str, left_out: set[tuple[str, str]]) -> Value | None:
    if value is None:
        return None
    otherwise = _without(value.otherwise, form, left_out)
    if (value.form or form, value.column or "") in left_out:
        return otherwise
    return value.model_copy(update={"otherwise": otherwise})
