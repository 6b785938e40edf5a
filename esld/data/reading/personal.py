"""What tells who a patient is has no place in an export: found at the door, by the name of a column or by what a cell holds.

The value itself is never repeated. While any is there nothing else is read, so that no other message, query or listing can
quote it either. A key of the cut file, ``personal``, lets a column in by its name.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import pandas as pd

from esld.data import days
from esld.data.declared import how_to_state
from esld.errors import InputError, InputErrors

# Names of columns, without case and without what stands between words.
_COLUMNS = {
    "a name": re.compile(
        r"(?:(?:PATIENT|PAT|SUBJECT|SUBJ|PARTICIPANT|FIRST|LAST|FAMILY|GIVEN|FULL|SUR|FORE|MAIDEN)S?(?:NAME|NAM|NM)|INITIALS"
        r"|(?:PAT|SUBJ|PATIENT|SUBJECT)INIT(?:IALS)?)(?:EN|CN|\d)?|.*(?:患者|受试者|病人)?姓名.*"
    ),
    "a telephone number": re.compile(
        r"(?:.*(?:TELE|MOBILE|CELL|HOME|WORK|CONTACT))?(?:PHONE|TEL|MOBILE|FAX)(?:NO|NUM|NUMBER|\d)?|TELEPHONE.*|.*(?:电话|手机|联系方式).*"
    ),
    "an e-mail address": re.compile(r".*EMAIL.*|.*(?:邮箱|电子邮件).*"),
    "an address": re.compile(
        r"(?:HOME|POSTAL|STREET|PATIENT|MAIL(?:ING)?)*(?:ADDRESS|ADDR)(?:LINE)?\d?|STREET|ZIP(?:CODE)?|POST(?:AL)?CODE|.*(?:住址|地址|邮编).*"
    ),
    "a personal number": re.compile(
        r"SSN|.*PASSPORT.*|NATIONALID.*|(?:CITIZEN|RESIDENT|IDENTITY)?IDCARD.*|IDENTITYCARD.*|IDNUMBER|IDNO|NHS(?:NO|NUMBER)|MRN"
        r"|(?:HOSPITAL|MEDICALRECORD|INPATIENT|OUTPATIENT)(?:NO|NUM|NUMBER|ID)|.*(?:身份证|住院号|病历号|病案号|门诊号|医保).*"
    ),
}  # fmt: skip
# A bare "name" is a patient's where the table has a row a patient, and a drug's or a procedure's elsewhere.
_OF_PATIENTS = re.compile(
    r"DM|.*(?:DEMO|PATIENT|SUBJECT|PARTICIPANT|SCREEN|ENROL|BASELINE|患者|受试者|筛选|入组).*"
)
_BIRTH = re.compile(r"BRTHDTC?|.*BIRTH(?:DATE|DAY|DT)|DATEOFBIRTH|DOB|.*(?:出生日期|生日).*")
# What a cell holds. Numbers stand alone: within a longer one they are part of something else. A pattern takes a time that grows
# as the text does: no part of it is looked for from the middle of itself, and no two blanks of any number follow each other.
_HELD = {
    "an e-mail address": r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[A-Za-z]{2,}",
    "a telephone number": (
        r"(?<![\w.+-])(?:\+\d{1,3}[ -]?(?:\(\d+\)[ -]?)?\d(?:[ -]?\d){6,12}|(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}"
        r"|0\d{2,3}-\d{7,8}|\(\d{3}\) ?\d{3}[ -]\d{4}|\d{3}[.-]\d{3}[.-]\d{4})(?![\w-]|\.\d)"
    ),
    "a personal number": r"(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w.-])",
    "a name": (
        r"(?:(?i:patient|subject|participant)(?:'s)? (?i:name)|(?:患者|病人|受试者)?姓名)(?:\s*(?i:is|was))?\s*(?:[:=：]\s*)?\w"
        r"|\b(?:Mr|Mrs|Ms|Miss|Herr|Frau|Mme|Señora?)\b\.? [A-Z]\w+|(?:患者|病人|受试者)\s*[\u4e00-\u9fff]某"
    ),
    "an address": (
        r"\b\d{1,5} (?:[A-Z][a-z]+ ){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Boulevard|Blvd|Close|Court)\b"
        r"|[\u4e00-\u9fff]{1,12}(?:路|街|巷|弄)[\u4e00-\u9fff]{0,4}\d+\s*(?:号|弄|室|栋)|(?:住址|地址)\s*[:：]\s*\S"
    ),
    "a date of birth": (
        r"(?i:date of birth|d\.?o\.?b\.?|born(?: on)?)\s*(?:[:=]\s*)?"
        r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/. ]\w{1,9}[-/. ]\d{2,4})"
        r"|(?:出生日期|生日|生于)\s*(?:[:：]\s*)?\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}"
    ),
}  # fmt: skip
_PATTERNS = {what: re.compile(pattern) for what, pattern in _HELD.items()}
_RESIDENT = re.compile(r"(?<![0-9A-Za-z.])(\d{6})(?:(\d{8})\d{3}([0-9Xx])|(\d{6})\d{3})(?![0-9A-Za-z]|\.\d)")
_WEIGHTS = tuple(2**place % 11 for place in range(17, 0, -1))
_FULL_DATE = re.compile(r"\d{8}|\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}.*|\d{1,2}[-/. ]\w{1,9}[-/. ]\d{2,4}.*")
_NAMED = 5  # rows that a message names


def refuse(
    tables: Mapping[str, pd.DataFrame],
    allowed: Collection[str],
    place: Callable[[str, int], str],
) -> None:
    """Refuse tables that tell who a patient is.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Text by name of the table.
    allowed : collection of str
        ``TABLE.COLUMN`` of those that are let in.
    place : callable
        Table and row label to words.

    Raises
    ------
    esld.errors.InputErrors
        A line for each column, with the rows and without the value.
    """
    let_in = {name.upper() for name in allowed}
    found = []
    for name, table in tables.items():
        for column in table.columns:
            called = f"{name}.{column}"
            if called.upper() in let_in:
                continue
            of_patients = str(column).upper() == "NAME" and _OF_PATIENTS.fullmatch(name.upper())
            what, rows = identifying("patient name" if of_patients else str(column), table[column])
            if rows:
                at = "; ".join(place(name, row) for row in rows[:_NAMED])
                more = f", and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
                rule = f"must not hold {what}, which tells who a patient is; it is not repeated here"
                remedy = f"Leave it out of the export, or write {how_to_state('personal', f'[{called}]')}."
                found.append(InputError(called, rule, None, f"{at}{more}", remedy))
    if found:
        raise InputErrors(found)


def identifying(column: str, cells: "pd.Series[str]") -> tuple[str, Sequence[int]]:
    """What of a column tells who a patient is, and the labels of its rows; none where nothing does.

    Parameters
    ----------
    column : str
        Its name.
    cells : Series of str
        Text; missing where empty.

    Returns
    -------
    what : str
        "a name", "a telephone number" …
    rows : sequence of int
        Labels of the rows that hold it.

    Notes
    -----
    Numbers of residents of China are known by their date and check digit (GB 11643-1999; those of 15 digits by their date alone),
    telephone numbers and addresses by their form. A name in free text is found only beside a word that announces it.
    """
    bare = re.sub(r"[\W_]+", "", column.upper())
    for what, names in _COLUMNS.items():
        if names.fullmatch(bare) and len(filled := cells.dropna()):
            return what, list(filled.index)
    if _BIRTH.fullmatch(bare):
        filled = cells.dropna()
        whole = filled[[bool(_FULL_DATE.fullmatch(text)) for text in filled]]
        if len(whole):
            return "a date of birth", list(whole.index)
    values = [value for value in dict.fromkeys(cells.to_numpy(dtype=object)) if isinstance(value, str)]
    together = "\n".join(values)
    kinds = [what for what, pattern in _PATTERNS.items() if pattern.search(together)]
    if _RESIDENT.search(together):
        kinds.append("a personal number")
    held = {value: what for value in values for what in kinds if _holds(value, what)} if kinds else {}
    if not held:
        return "", []  # as nearly always
    return next(iter(held.values())), list(cells.index[cells.isin(list(held))])


def _holds(text: str, what: str) -> bool:
    return bool(_PATTERNS[what].search(text)) or (what == "a personal number" and any(_residents(text)))


def _residents(text: str) -> Iterator[bool]:
    """Whether each number that looks like a Chinese resident's is one."""
    for found in _RESIDENT.finditer(text):
        born, check, short = found[2], found[3], found[4]
        if short:
            yield days.is_day(f"19{short[:2]}-{short[2:4]}-{short[4:]}")
        else:
            total = sum(int(digit) * weight for digit, weight in zip(found[0][:17], _WEIGHTS, strict=True))
            day = f"{born[:4]}-{born[4:6]}-{born[6:]}"
            yield days.is_day(day) and "10X98765432"[total % 11] == check.upper()
