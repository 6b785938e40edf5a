"""What tells who a patient is has no place in an export: found at the door, by the name of a column or by what a cell holds.

The value itself is never repeated. While any is there nothing else is read, so that no other message, query or listing can
quote it either. A key of the cut file, ``personal``, lets a column in by its name; what is recognised in it stays out of every
message all the same (:mod:`esld.identifying`). No key lets in a number by which reports call a patient.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import pandas as pd

from esld.data.declared import how_to_state
from esld.errors import InputError, InputErrors, did_you_mean
from esld.identifying import plain, tells

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
# A part of a date of birth: a number, or a word that may be its month.
_NUMBER = re.compile(r"\d+|[〇零一二三四五六七八九十]+")
_WORD = re.compile(r"(?!(?i:unk|not|nan))[^\W\d_]{3,}")
_MONTH_OF_YEAR = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])")
CALLED_BY = ("USUBJID", "SUBJID")  # reports name a patient by these
_IS_NAME = re.compile(r"[^\W\d_]+(?:(?:, ?|[ ·])[^\W\d_]+)+|[\u4e00-\u9fff]{2,4}")
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
        A line for each column, with the rows and without the value; and one for each that is let in and is not there.
    """
    let_in = {name.upper() for name in allowed}
    found = [*_strangers(tables, allowed)]
    for name, table in tables.items():
        for column in table.columns:
            called = f"{name}.{column}"
            calls = str(column).upper() in CALLED_BY
            if called.upper() in let_in and not calls:
                continue
            of_patients = _OF_PATIENTS.fullmatch(name.upper()) is not None
            what, rows = identifying(str(column), table[column], of_patients=of_patients)
            if rows:
                at = "; ".join(place(name, row) for row in rows[:_NAMED])
                more = f", and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
                rule = f"must not hold {what}, which tells who a patient is; it is not repeated here"
                remedy = f"Leave it out of the export, or write {how_to_state('personal', f'[{called}]')}."
                if calls:
                    remedy = "Call the patients by other numbers: reports list these, so that nothing lets them in."
                found.append(InputError(called, rule, None, f"{at}{more}", remedy))
    if found:
        raise InputErrors(found)


def _strangers(tables: Mapping[str, pd.DataFrame], allowed: Collection[str]) -> Iterator[InputError]:
    """What is let in and is no column: a slip would let in nothing now, and whatever is so called one day."""
    columns = {name.upper(): [f"{name}.{column}" for column in table] for name, table in tables.items()}
    for name in allowed:
        own = columns.get(name.upper().partition(".")[0], ())
        if name.upper() not in map(str.upper, own):
            remedy = did_you_mean(name, own) if own else did_you_mean(name.partition(".")[0], columns)
            yield InputError("key 'personal'", "must name a column of the export", name, remedy=remedy)


def identifying(
    column: str, cells: "pd.Series[str]", *, of_patients: bool = False
) -> tuple[str, Sequence[int]]:
    """What of a column tells who a patient is, and the labels of its rows; none where nothing does.

    Parameters
    ----------
    column : str
        Its name.
    cells : Series of str
        Text; missing where empty.
    of_patients : bool, default False
        Whether the table has a row a patient, so that a bare "name" is theirs.

    Returns
    -------
    what : str
        "a name", "a telephone number" …
    rows : sequence of int
        Labels of the rows that hold it.
    """
    bare = re.sub(r"[\W_]+", "", column.upper())
    bare = "PATIENTNAME" if of_patients and bare == "NAME" else bare
    for what, names in _COLUMNS.items():
        if names.fullmatch(bare) and len(filled := cells.dropna()):
            return what, list(filled.index)
    values = [value for value in dict.fromkeys(cells.to_numpy(dtype=object)) if isinstance(value, str)]
    held = {}
    if _BIRTH.fullmatch(bare):
        held = dict.fromkeys(filter(_is_whole, values), "a date of birth")
    elif bare in CALLED_BY:
        held = dict.fromkeys(filter(_IS_NAME.fullmatch, values), "a name")
    if not held and tells("\n".join(values)):
        held = {value: what for value in values if (what := tells(value))}
    if not held:
        return "", []  # as nearly always
    return next(iter(held.values())), list(cells.index[cells.isin(list(held))])


def _is_whole(text: str) -> bool:
    """Whether what stands in a column of dates of birth may tell the day: three known parts, or too many digits in one."""
    clear = plain(text)
    parts = [number for number in _NUMBER.findall(clear) if number.strip("0")]
    return len(parts) + bool(_WORD.search(clear)) > 2 or any(
        len(part) > 4 and not _MONTH_OF_YEAR.fullmatch(part) for part in parts
    )
