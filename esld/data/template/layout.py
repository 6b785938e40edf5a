"""The data-entry workbook of a protocol, before it is a file: its sheets, their columns, and the words of each list."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from esld.protocol import Protocol
from esld.yamlfile import read_model

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
FORMAT = "esld-workbook-1"
_NO_TITLE = str.maketrans(
    "", "", "[]:*?/\\'"
)  # what the title of a sheet, or a formula that names it, may not hold
_TITLE = 31  # characters
MARK = "_esld"  # the hidden sheet that says which workbook this is, and holds the lists


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Frozen):
    """A text in each language."""

    en: str
    zh: str

    def of(self, language: Language) -> str:
        """The text in one of them."""
        return self.en if language == "en" else self.zh


class _Several(_Frozen):
    en: tuple[str, ...]
    zh: tuple[str, ...]


class ColumnFile(Words):
    """A column as the file of forms has it."""

    key: str
    kind: Literal["subject", "text", "date", "partial_date", "time", "number", "list"]
    help: Words
    list: str = ""
    open: bool = False
    required: bool = False
    unmasked: bool = False
    each: str = ""
    low: Annotated[str, BeforeValidator(str)] = ""
    high: Annotated[str, BeforeValidator(str)] = ""


class FormFile(Words):
    """A form as the file of forms has it, and the domains of which one must be the trial's."""

    domains: tuple[str, ...]
    columns: tuple[ColumnFile, ...]


class BookFile(_Frozen):
    """Words of the sheet that explains the workbook."""

    help: Words
    columns: _Several
    rules: _Several
    allowed: dict[str, Words]
    must: Words
    look: Words
    look_text: Words


class LayoutFile(_Frozen):
    """``forms.yaml``."""

    workbook: BookFile
    lists: dict[str, dict[str, Words]]
    terms: dict[str, str]
    forms: dict[str, FormFile]


@cache
def layout_file() -> LayoutFile:
    """The file of forms that travels in the package."""
    return read_model(LayoutFile, Path(str(resources.files("esld.data.template"))) / "forms.yaml")


@dataclass(frozen=True)
class Column:
    """A column of a sheet: its key for the mapping, its name, and what it takes."""

    key: str
    kind: str
    header: str
    help: str
    required: bool = False
    open: bool = False
    low: float | None = None
    high: float | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, str] = field(default_factory=dict)

    def code(self, text: str) -> str | None:
        """What a word of the list stands for, in whatever language and letter case it is written; None for a strange one."""
        return self.known.get(folded(text))


@dataclass(frozen=True)
class SheetLayout:
    """A sheet of the workbook."""

    key: str
    title: str
    columns: tuple[Column, ...]


def folded(text: str) -> str:
    """A word without letter case, width and blanks."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def is_masked(protocol: Protocol) -> bool:
    """Whether those who fill the workbook must not know the arms."""
    if protocol.allocation is not None:
        return protocol.allocation.masked
    stated = protocol.masking.value.casefold()
    return not (stated.startswith("none") or "open" in stated)


def layout(protocol: Protocol, language: Language) -> tuple[SheetLayout, ...]:
    """Every sheet in which data are entered.

    Parameters
    ----------
    protocol : Protocol
        The trial: its domains decide the sheets, its tests, grades, criteria, visits, arms and events the columns and lists.
    language : {"en", "zh"}
        Of the names of sheets and columns, and the words of lists.
    """
    file, masked = layout_file(), is_masked(protocol)
    lists = {**file.lists, **_lists(protocol)}
    rows = rows_of(protocol)
    sheets = []
    for key, form in file.forms.items():
        if not set(form.domains) & set(protocol.domains):
            continue
        columns = [
            _column(column, row, lists, language)
            for column in form.columns
            if not (masked and column.unmasked)
            for row in (rows[column.each] if column.each else [_fixed(protocol)])
        ]
        title = _filled(form.of(language), _fixed(protocol), language).translate(_NO_TITLE)[:_TITLE]
        sheets.append(SheetLayout(key, title, tuple(columns)))
    return tuple(sheets)


def _filled(text: str, row: Mapping[str, Words], language: Language) -> str:
    for name, words in row.items():
        text = text.replace("{" + name + "}", words.of(language))
    return text


def _column(
    file: ColumnFile, row: Mapping[str, Words], lists: Mapping[str, Mapping[str, Words]], language: Language
) -> Column:
    def filled(text: str) -> str:
        return _filled(text, row, language)

    own = lists.get(filled(file.list), {})
    known = {folded(code): code for code in own}
    for code, words in own.items():
        known |= {folded(words.of(each)): code for each in LANGUAGES}
    low, high = filled(file.low), filled(file.high)
    return Column(
        key=filled(file.key),
        kind="text" if file.kind == "list" and not own else file.kind,
        header=filled(file.of(language)),
        help=filled(file.help.of(language)),
        required=file.required,
        open=file.open,
        low=float(low) if low else None,
        high=float(high) if high else None,
        words={code: words.of(language) for code, words in own.items()},
        known=known,
    )


# --- what the protocol gives --------------------------------------------------------------------------------------


def rows_of(protocol: Protocol) -> dict[str, list[dict[str, Words]]]:
    """Of what there is a column each: tests, grades and criteria, with the texts for ``{name}``."""
    rows: dict[str, list[dict[str, Words]]] = {"laboratory": [], "grades": []}
    for parameter in protocol.parameters:
        kind = {"laboratory": "laboratory", "grade": "grades"}.get(parameter.kind)
        if kind is None:
            continue
        words = term(parameter.paramcd, parameter.param)
        with_code = Words(
            en=words.en, zh=words.zh if words.zh == words.en else f"{words.zh} {parameter.paramcd}"
        )
        low, high = (f"{bound:g}" for bound in parameter.plausible) if parameter.plausible else ("", "")
        texts = {
            "code": parameter.paramcd,
            "name": parameter.param,
            "unit": parameter.unit,
            "low": low,
            "high": high,
        }
        same = {name: Words(en=text, zh=text) for name, text in texts.items()}
        rows[kind].append(same | {"words": with_code if kind == "laboratory" else words})
    for kind, category in (("inclusion", "INCLUSION"), ("exclusion", "EXCLUSION")):
        rows[kind] = [
            {n: Words(en=t, zh=t) for n, t in (("code", c.id), ("text", c.text), ("category", category))}
            for c in getattr(protocol.eligibility, kind)
        ]
    return rows


def _fixed(protocol: Protocol) -> dict[str, Words]:
    units = " / ".join(dict.fromkeys(arm.dose.unit for arm in protocol.arms if arm.dose))
    one, terms = protocol.treatment.one, layout_file().terms
    zh = terms.get(one, terms["administration"])
    return {
        "dose_unit": Words(en=units or "-", zh=units or "-"),
        "administration": Words(en=one, zh=zh),
        "Administration": Words(en=one[:1].upper() + one[1:], zh=zh),
    }


def _lists(protocol: Protocol) -> dict[str, dict[str, Words]]:
    """Lists that the protocol gives."""
    lists = {
        "arm": {arm.code: Words(en=arm.label, zh=arm.label) for arm in protocol.arms},
        "visit": {code: words for code, words, _ in visits(protocol)},
        "event": dict(_coded(protocol, "CE", "CEDECOD")),
        "procedure": dict(_coded(protocol, "PR", "PRDECOD")),
        "medicine": dict(_coded(protocol, "CM", "CMDECOD")),
    }
    lists["test"] = {
        p.paramcd: term(p.paramcd, p.param) for p in protocol.parameters if p.kind == "laboratory"
    }
    for parameter in protocol.parameters:
        if parameter.kind == "grade" and parameter.plausible:
            low, high = map(round, parameter.plausible)
            numbers = {str(n): Words(en=str(n), zh=str(n)) for n in range(low, high + 1)}
            yes_or_no = (low, high) == (0, 1)
            lists[f"grade_{parameter.paramcd}"] = layout_file().lists["controlled"] if yes_or_no else numbers
    return lists


def _coded(protocol: Protocol, domain: str, variable: str) -> Iterator[tuple[str, Words]]:
    for source in protocol.sources:
        if source.domain == domain and variable in source.where:
            code = source.where[variable]
            words = code.capitalize()
            yield code, term(code, words)


def visits(protocol: Protocol) -> Iterator[tuple[str, Words, str | None]]:
    """Every visit that a sheet may name: its code in SDTM, its words, and its number."""
    yield "SCREENING", term("SCREENING", "Screening"), "0"
    taken = any(visit.number <= 1 for visit in protocol.schedule.visits)
    yield "DAY 1", term("DAY 1", "Day 1"), None if taken else "1"
    week = layout_file().terms["week"]
    for visit in protocol.schedule.visits:
        named = visit.label.casefold() == f"week {visit.week:g}"
        zh = week.replace("{week}", f"{visit.week:g}") if named else visit.label
        yield visit.label.upper(), Words(en=visit.label, zh=zh), f"{visit.number:g}"
    yield "UNSCHEDULED", term("UNSCHEDULED", "Unscheduled"), None


def term(code: str, words: str) -> Words:
    """Words for a code, Chinese where they are known."""
    return Words(en=words, zh=layout_file().terms.get(code, words))
