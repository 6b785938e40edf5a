"""The data-entry workbook as a file: locked names of columns, open cells, drop-down lists, warnings, a sheet that explains."""

import io
from collections.abc import Sequence
from typing import Any

from esld.data.template.layout import (
    FORMAT,
    MARK,
    Column,
    Language,
    SheetLayout,
    layout,
    layout_file,
)
from esld.data.workbook import timeless
from esld.protocol import Protocol

PRACTICE = "-SIM"  # how the STUDYID of data ends that are of nobody; see esld.data.study.SIMULATED
_ROWS = 2000  # to which lists and warnings reach; entries further down are read as well
_LISTS_FROM = 4  # column of the hidden sheet from which lists stand
_WIDEST = 34


def template_bytes(protocol: Protocol, language: Language = "en", *, practice: bool = False) -> bytes:
    """The data-entry workbook of a trial; the same bytes for the same protocol and language.

    Parameters
    ----------
    protocol : Protocol
        The trial.
    language : {"en", "zh"}
        Of everything that a person reads in it.
    practice : bool
        For training: the study's name ends in ``-SIM``, so that a report of what is entered is called simulated.
    """
    from openpyxl import Workbook

    sheets = layout(protocol, language)
    book = Workbook()
    book.remove(book.active)
    for planned in sheets:
        book.create_sheet(planned.title)
    _explain(book.create_sheet(layout_file().workbook.help.of(language), 0), sheets, language)
    mark = book.create_sheet(MARK)
    mark.sheet_state = "hidden"
    mark.protection.sheet = True
    study = f"{protocol.id}{PRACTICE}" if practice else protocol.id
    for row in (("format", FORMAT), ("protocol", protocol.id), ("study", study), ("language", language)):
        mark.append(row)
    lists: dict[tuple[str, ...], str] = {}
    for planned in sheets:
        _fill(book[planned.title], planned, sheets[0], mark, lists, language)
    book.active = 1
    content = io.BytesIO()
    book.save(content)
    return timeless(content.getvalue())


def _fill(
    sheet: Any,
    planned: SheetLayout,
    first: SheetLayout,
    mark: Any,
    lists: dict[tuple[str, ...], str],
    language: Language,
) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill, Protection
    from openpyxl.utils import get_column_letter

    for number, column in enumerate(planned.columns, start=1):
        letter = get_column_letter(number)
        head = sheet.cell(1, number, column.header)
        head.font = Font(bold=True)
        head.fill = PatternFill("solid", fgColor="DDE8F0" if column.required else "F2F2F2")
        head.alignment = Alignment(wrap_text=True, vertical="top")
        head.protection = Protection(locked=True)
        own = sheet.column_dimensions[letter]
        own.width = min(max(12, _width(column.header) * 0.7 + 2), _WIDEST)
        own.protection = Protection(locked=False)
        own.number_format = _FORMATS.get(column.kind, "General")
        rule = _rule(column, letter, first, mark, lists, language)
        if rule is not None:
            rule.add(f"{letter}2:{letter}{_ROWS}")
            sheet.add_data_validation(rule)
    last = get_column_letter(len(planned.columns))
    sheet.row_dimensions[1].height = 48
    sheet.freeze_panes = "B2"
    sheet.auto_filter.ref = f"A1:{last}{_ROWS}"
    protection = sheet.protection
    protection.sheet = True
    for allowed in ("formatColumns", "formatRows", "formatCells", "sort", "autoFilter"):
        setattr(protection, allowed, False)  # of this attribute false is what lets people do it
    _print(sheet, planned.title)


_FORMATS = {"subject": "@", "text": "@", "date": "yyyy-mm-dd", "partial_date": "yyyy-mm-dd", "time": "hh:mm"}


def _width(text: str) -> int:
    """How wide a text is in letters; a Chinese character takes the room of two."""
    return sum(2 if ord(character) > 0x2E7F else 1 for character in text)


def _print(sheet: Any, title: str) -> None:
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = sheet.PAPERSIZE_A4
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = "1:1"
    sheet.oddHeader.left.text, sheet.oddFooter.right.text = title, "&P / &N"


def _rule(
    column: Column,
    letter: str,
    first: SheetLayout,
    mark: Any,
    lists: dict[tuple[str, ...], str],
    language: Language,
) -> Any:
    """What a spreadsheet itself says to an entry; it stops only what could not be read back."""
    from openpyxl.worksheet.datavalidation import DataValidation

    words = layout_file().workbook
    options: dict[str, Any] = {"allow_blank": True}
    strict = False
    match column.kind:
        case "list":
            options |= {"type": "list", "formula1": _listed(tuple(column.words.values()), mark, lists)}
            strict = not column.open
        case "subject":
            options |= {"type": "list", "formula1": f"'{first.title}'!$A$2:$A${_ROWS}"}
        case "date" | "partial_date":
            options |= {"type": "date", "operator": "between", "formula1": "DATE(1900,1,1)"}
            options |= {"formula2": "DATE(2199,12,31)"}
            strict = column.kind == "date"
        case "time":
            options |= {"type": "time", "operator": "between", "formula1": "0", "formula2": "0.999988426"}
            strict = True
        case "number" if column.low is not None and column.high is not None:
            options |= {"type": "decimal", "operator": "between"}
            options |= {"formula1": f"{column.low:g}", "formula2": f"{column.high:g}"}
        case "number":
            options |= {"type": "decimal", "operator": "greaterThanOrEqual", "formula1": "0"}
        case _:
            return None
    rule = DataValidation(**options)
    rule.errorStyle = "stop" if strict else "warning"
    rule.showErrorMessage = rule.showInputMessage = True
    rule.errorTitle = words.look.of(language)
    rule.error = _allowed(column, language)[:225] if strict else words.look_text.of(language)
    rule.promptTitle = column.header[:32]
    rule.prompt = column.help[:250]
    return rule


def _listed(words: tuple[str, ...], mark: Any, lists: dict[tuple[str, ...], str]) -> str:
    """Where the words of a list stand in the hidden sheet; each list once."""
    from openpyxl.utils import get_column_letter

    if words not in lists:
        number = _LISTS_FROM + len(lists)
        letter = get_column_letter(number)
        for row, word in enumerate(words, start=1):
            cell = mark.cell(row, number, word)
            cell.data_type = "s"
        lists[words] = f"{MARK}!${letter}$1:${letter}${len(words)}"
    return lists[words]


def _allowed(column: Column, language: Language) -> str:
    """What a column takes, in words."""
    words = layout_file().workbook.allowed
    if column.kind == "list":
        told = "; ".join(column.words.values())
        return f"{told}; {words['others'].of(language)}" if column.open else told
    if column.low is not None and column.high is not None:
        told = words["between"].of(language)
        told = told.replace("{low}", f"{column.low:g}").replace("{high}", f"{column.high:g}")
    else:
        told = words[column.kind].of(language)
    return "; ".join([told, *column.words.values()])


def _explain(sheet: Any, planned: Sequence[SheetLayout], language: Language) -> None:
    """The sheet that says how to fill the others."""
    from openpyxl.styles import Alignment, Font

    words = layout_file().workbook
    rules = words.rules.en if language == "en" else words.rules.zh
    heads = words.columns.en if language == "en" else words.columns.zh
    for rule in rules:
        sheet.append([rule])
    sheet.append([])
    sheet.append(list(heads))
    start = sheet.max_row
    for form in planned:
        for column in form.columns:
            must = words.must.of(language) if column.required else ""
            sheet.append([form.title, column.header, column.help, _allowed(column, language), must])
    for cell in sheet[start]:
        cell.font = Font(bold=True)
    for letter, width in zip("ABCDE", (20, 34, 60, 60, 16), strict=True):
        sheet.column_dimensions[letter].width = width
    for row in sheet.iter_rows(min_row=start):
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    sheet.protection.sheet = True
    _print(sheet, sheet.title)
    sheet.print_title_rows = f"{start}:{start}"
