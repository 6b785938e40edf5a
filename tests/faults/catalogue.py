# ruff: noqa: E501 - a case a line
"""The catalogue of faults: for each table and each class of fault what happens, and the test that shows it.

A case is a change of one cell that is tried here, or a test that exists elsewhere, by its node (in brackets a text that stands in
it). ``python -m tests.faults`` prints the table.
"""

from collections import Counter
from typing import NamedTuple

REFUSED, ASKED, ACCEPTED = "refused", "query", "accepted"
CLASSES = (
    *(
        "value",
        "unit",
        "date form",
        "missing",
        "duplicate",
        "case or blank",
        "code",
        "contradiction",
        "order",
    ),
    *("encoding", "moved column", "another name", "extra record", "lost record"),
)
TABLES = ("DM", "DS", "EX", "AE", "CE", "LB", "RS", "VS", "SS", "DD", "PR", "IE", "CM", "MH")
FILES = ("protocol", "cut", "corrections", "mapping")


class Case(NamedTuple):
    """What happens: `outcome` with the key words, the rule of the query, or why it is accepted."""

    outcome: str
    words: str
    node: str = ""  # of a test elsewhere
    cell: tuple[str, str | None] = (
        "",
        None,
    )  # or column and value that are put into the first record of the table


_RULES, _HERE = "tests/data/queries/test_rules.py", "tests/faults/test_catalogue.py::"
_SEEDED = f"{_RULES}::test_a_seeded_fault_raises_its_query_and_no_other"
_BAD = "tests/test_bad_input.py::test_one_line_exit_code_2_and_the_published_report_untouched"
_FUZZ = "tests/faults/mutations.py::"

_CODE, _DAY, _FILLED = (
    "must be a code that the protocol or esld knows",
    "must be a calendar date",
    "must be filled",
)
# What is put into the first record of a table of the clean trial of tests/data, the words that refuse it, and where it is tried.
_PUT: list[tuple[str, str | None, str, str]] = [
    ("value", "-9", "must be a positive number", "DM.AGE LB.LBORRES"),
    ("value", "-9", "must be a positive number for WEIGHT", "VS.VSORRES"),
    ("value", "-9", "must be a number, not negative", "EX.EXDOSE"),
    ("value", "-9", "must be a whole number from 0 to 3", "RS.RSORRES"),
    ("value", "-9", _CODE, "SS.SSORRES IE.IEORRES"),
    ("value", "6", _CODE, "AE.AETOXGR"),
    ("unit", "mg", "must be one of", "EX.EXDOSU"),
    ("unit", "g/L", "must be a unit of ALT", "LB.LBORRESU"),
    ("unit", "lb", "must be kg for WEIGHT", "VS.VSORRESU"),
    ("date form", "15/06/2025", _DAY, "DM.DTHDTC DS.DSSTDTC AE.AEENDTC CE.CESTDTC LB.LBDTC RS.RSDTC VS.VSDTC SS.SSDTC DD.DDDTC"),
    ("date form", "15/06/2025", _DAY, "PR.PRSTDTC IE.IEDTC CM.CMSTDTC MH.MHSTDTC"),
    ("date form", "2025-01", "must be a whole date", "EX.EXSTDTC"),
    ("missing", None, "must be filled for a subject with a RANDOMIZED record", "DM.ARMCD"),
    ("missing", None, _FILLED, "DS.DSSTDTC EX.EXSTDTC AE.AETERM CE.CESTDTC LB.LBDTC RS.RSTESTCD SS.SSDTC DD.DDTESTCD"),
    ("missing", None, _FILLED, "PR.PRSTDTC IE.IETESTCD"),
    ("code", "QQQ", _CODE, "DM.ARMCD DS.DSDECOD AE.AEOUT CE.CEDECOD LB.LBTESTCD RS.RSTESTCD VS.VSTESTCD PR.PRDECOD"),
    ("extra record", "NOBODY", "must be a subject of DM", " ".join(f"{name}.USUBJID" for name in TABLES[1:])),
]  # fmt: skip
_OF_QUERIES: dict[tuple[str, str], tuple[str, str]] = {
    ("DM", "contradiction"): ("treated otherwise than randomised", "the other arm"),
    ("DS", "contradiction"): ("participation ends in two ways", "a patient who completed and was lost"),
    ("EX", "contradiction"): ("milestones in the wrong order", "an infusion before randomisation"),
    ("AE", "contradiction"): ("fatal in one variable and not in another", "an event of grade 5 that is over"),
    ("CE", "contradiction"): (
        "milestones in the wrong order",
        "an event of an endpoint before randomisation",
    ),
    ("LB", "contradiction"): ("results of one day disagree", "two results of one day"),
    ("RS", "contradiction"): ("results of one day disagree", "two grades of one day"),
    ("VS", "contradiction"): (
        "test code and test name disagree",
        "a vital sign under the usual name of another",
    ),
    ("PR", "contradiction"): ("milestones in the wrong order", "a transplant before randomisation"),
    ("CM", "contradiction"): ("record after death", "an event that ends after death"),
    ("CM", "missing"): ("not coded", "no medication coded"),
    ("CM", "code"): ("word close to one that is looked for", "a word that is nearly the one of a rescue"),
    ("EX", "code"): ("treatment not named in the protocol", "an infusion of something else"),
    ("DS", "lost record"): (
        "end of participation not recorded",
        "a completed participation without its record",
    ),
    **{(name, "duplicate"): ("duplicate record", "a record twice") for name in TABLES[1:]},
}
# Every table is read by the same code: what holds of one holds of all.
_OF_ALL: dict[str, Case] = {
    "case or blank": Case(ACCEPTED, "words are looked up without case, width and blanks", "tests/data/test_standard.py::TestCodes::test_case_width_and_blanks_never_matter_in_any_coding_column"),
    "order": Case(ACCEPTED, "neither rows nor numbers tell anything", f"{_RULES}::test_the_order_and_the_numbers_of_records_do_not_matter"),
    "encoding": Case(REFUSED, "must be encoded as UTF-8 or GB18030", "tests/data/reading/test_encoding.py::test_text_of_another_encoding_is_refused"),
    "another name": Case(REFUSED, "must be a column", f"{_HERE}test_a_required_column_under_another_name"),
    "lost record": Case(ASKED, "record of the previous cut gone", "tests/data/queries/test_gone.py::test_whatever_record_is_taken_away_is_asked_about_and_counted_though_all_are_numbered_anew"),
}  # fmt: skip
# In each table two columns that a program may have exchanged; both are then refused. MH has none that must be read.
EXCHANGED = {
    **{
        "DM": ("ARMCD", "DTHDTC"),
        "DS": ("DSDECOD", "DSSTDTC"),
        "EX": ("EXTRT", "EXSTDTC"),
        "AE": ("AEOUT", "AEENDTC"),
    },
    **{"CE": ("CEDECOD", "CESTDTC"), "PR": ("PRDECOD", "PRSTDTC"), "CM": ("CMTRT", "CMSTDTC")},
    **{name: (f"{name}TESTCD", f"{name}DTC") for name in ("LB", "RS", "VS", "SS", "DD", "IE")},
}
_PROTOCOL = "tests/test_protocol_faults.py::test_one_spoilt_place_is_told_with_its_line"
_CORRECTED = "tests/data/test_overrides.py"
_MAPPED = "tests/data/mapping/test_redcap.py::TestFaults::test_each_is_one_line"
_YAML = "tests/test_yamlfile.py::test_what_nobody_writes_by_hand_is_refused_with_its_line"
_ELSEWHERE: dict[tuple[str, str], Case] = {
    **{(name, "moved column"): Case(REFUSED, _DAY, f"{_HERE}test_two_columns_exchanged") for name in EXCHANGED},
    ("DM", "duplicate"): Case(REFUSED, "must be unique", f"{_BAD}[duplicate subject]"),
    ("DM", "extra record"): Case(ACCEPTED, "somebody in screening has no other record yet", f"{_FUZZ}_patient_of_no_other_table"),
    ("DM", "lost record"): Case(REFUSED, "must be a subject of DM", f"{_BAD}[unknown subject]"),
    ("VS", "missing"): Case(ASKED, "dose on a day without a visit", f"{_SEEDED}[an infusion on a day of no visit]"),
    ("SS", "contradiction"): Case(REFUSED, "dates the patient's death", "tests/data/test_deaths.py::TestAFormThatDatesNoDeath::test_alone_it_is_a_fault_that_asks_for_the_day"),
    ("DD", "contradiction"): Case(REFUSED, "dates the patient's death", "tests/data/test_deaths.py::TestAFormThatDatesNoDeath::test_alone_it_is_a_fault_that_asks_for_the_day"),
    ("IE", "contradiction"): Case(ACCEPTED, "a criterion that was met is no deviation", "tests/data/test_standard.py::TestWhatHappened::test_a_criterion_that_was_met_is_no_deviation"),
    ("protocol", "value"): Case(REFUSED, "wrong type", _PROTOCOL),
    ("protocol", "missing"): Case(REFUSED, "missing key", _PROTOCOL),
    ("protocol", "duplicate"): Case(REFUSED, "key twice", _PROTOCOL),
    ("protocol", "code"): Case(REFUSED, "unknown id", _PROTOCOL),
    ("protocol", "another name"): Case(REFUSED, "unknown key", _PROTOCOL),
    ("protocol", "contradiction"): Case(REFUSED, "all that does not go together", "tests/test_protocol_faults.py::test_all_that_does_not_go_together_is_told_at_once"),
    ("cut", "value"): Case(REFUSED, "must be 'draft' or 'final'", f"{_BAD}[mistyped value]"),
    ("cut", "date form"): Case(REFUSED, "must be a calendar day", f"{_BAD}[cut-off that is no day]"),
    ("cut", "another name"): Case(REFUSED, "is not known", f"{_BAD}[mistyped key]"),
    ("cut", "contradiction"): Case(REFUSED, "must not be after the snapshot", f"{_BAD}[cut-off after the snapshot]"),
    ("cut", "code"): Case(REFUSED, "must name files of notebooks/", f"{_BAD}[unknown chapter]"),
    ("cut", "encoding"): Case(REFUSED, "must be UTF-8 text", "tests/test_yamlfile.py::test_what_is_no_such_file_is_refused_in_one_line"),
    ("corrections", "value"): Case(REFUSED, "must be text in quotes", f"{_CORRECTED}::TestFile::test_refused_in_one_line"),
    ("corrections", "date form"): Case(REFUSED, "must be a calendar day", f"{_CORRECTED}::TestFile::test_refused_in_one_line"),
    ("corrections", "missing"): Case(REFUSED, "must be given", f"{_CORRECTED}::TestFile::test_refused_in_one_line"),
    ("corrections", "contradiction"): Case(REFUSED, "as the correction says", f"{_CORRECTED}::TestApply::test_refused_in_one_line"),
    ("corrections", "another name"): Case(REFUSED, "must be a column", f"{_CORRECTED}::TestApply::test_refused_in_one_line"),
    ("corrections", "duplicate"): Case(REFUSED, "must fit one record", f"{_CORRECTED}::TestApply::test_a_key_of_two_records"),
    ("mapping", "value"): Case(REFUSED, "must be text in quotes", _MAPPED),
    ("mapping", "date form"): Case(REFUSED, "calendar date", _MAPPED),
    ("mapping", "code"): Case(REFUSED, "must be one of", _MAPPED),
    ("mapping", "another name"): Case(REFUSED, "must be a field of the data dictionary", _MAPPED),
    ("mapping", "missing"): Case(REFUSED, "must be an existing data dictionary", _MAPPED),
    **{(file, "order"): Case(ACCEPTED, "keys may stand in any order", "tests/test_yamlfile.py::test_all_faults_at_once") for file in FILES},
    **{(file, "extra record"): Case(REFUSED, "must be valid YAML", _YAML) for file in FILES},
}  # fmt: skip
# Why a cell has no case, by class and table; "*" is of every other table.
WHY_EMPTY: dict[str, dict[str, str]] = {
    "unit": {"*": "it holds nothing that is measured in a unit"},
    "value": {"*": "it holds words and dates, and no number that an analysis reads"},
    "code": {
        "MH": "no analysis selects by its words",
        "corrections": "they hold no codes but ids, which are another name",
        "*": "only the test code that is looked for counts; what another says is in the account",
    },
    "missing": {
        "MH": "no variable of it must be filled",
        "cut": "a key without a default is told like one of another name",
    },
    "contradiction": {
        "MH": "it is older than the trial, and no other form says the same",
        "mapping": "a field is mapped once",
    },
    "moved column": {"MH": "no variable of it must be filled", "*": "a file of keys has no columns"},
    "date form": {"protocol": "it holds days as numbers, and no date"},
    "case or blank": {"*": "keys and ids are read as they stand: another spelling is another name"},
    "encoding": {"*": "read by the same code as the cut"},
    "duplicate": {"*": "a key twice is refused by the same code as in the protocol"},
    "lost record": {"*": "a key that is not there has its default, or is missing"},
}


def reason(name: str, kind: str) -> str:
    """Why a cell of the table has no case; empty where nobody has said."""
    own = WHY_EMPTY.get(kind, {})
    return own.get(name) or own.get("*", "")


def catalogue() -> dict[tuple[str, str], Case]:
    """The case of every cell that has one; what stands first here goes before what follows."""
    found = {
        (name, kind): Case(REFUSED, words, cell=(column, value))
        for kind, value, words, places in _PUT
        for name, column in (place.split(".") for place in places.split())
    }
    found = {
        cell: Case(ASKED, rule, f"{_SEEDED}[{seed}]") for cell, (rule, seed) in _OF_QUERIES.items()
    } | found
    found = {(name, kind): case for kind, case in _OF_ALL.items() for name in TABLES} | found
    return found | _ELSEWHERE


def table() -> str:
    """Table by class, in Markdown, with the counts: R refused, Q a query, A accepted; * where it is tried in this folder."""
    known = catalogue()
    lines = [f"| table | {' | '.join(CLASSES)} |", f"|---|{'---|' * len(CLASSES)}"]
    for name in (*TABLES, *FILES):
        cells = [known.get((name, kind)) for kind in CLASSES]
        signs = [
            ""
            if c is None
            else {REFUSED: "R", ASKED: "Q", ACCEPTED: "A"}[c.outcome] + "*" * (c.cell[0] != "")
            for c in cells
        ]
        lines.append(f"| {name} | {' | '.join(signs)} |")
    counts = Counter(case.outcome for case in known.values())
    said = ", ".join(f"{count} {what}" for what, count in counts.items())
    own = sum(case.cell[0] != "" for case in known.values())
    return "\n".join(
        [
            *lines,
            "",
            f"{len(known)} cells: {said}; {own} of them tried here, the others by the tests that they name; an empty cell has its reason in `WHY_EMPTY`.",
        ]
    )
