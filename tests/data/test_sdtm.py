"""Validation: every structural fault is found in one pass and told with file, row and subject."""

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.sdtm import DOMAINS, Tables, date_columns, known_unit, read_tables, validate
from esld.data.standard import standardise, unknown_codes
from esld.errors import InputErrors
from esld.protocol import Source, read_protocol
from tests.data.small_trial import PROTOCOL, ROOT, event, lb, patient, rs, trial
from tests.examples import few

EXAMPLES = ROOT / "esld" / "data" / "examples"


def small() -> Tables:
    return trial(
        patient("S-1", arm="LOW"),
        patient("S-2", arm="MEDHIGH", died="2025-06-01"),
        patient("S-3", randomised=None),
        LB=[
            lb("S-1", "ALT", "30", "2025-01-05", LBORNRLO="9", LBORNRHI="50"),
            lb("S-1", "BILI", "30", "2025-01-05"),
            lb("S-2", "INR", "1.5", "2025-01-05"),
            lb("S-2", "INR", None, "2025-02-05", LBSTAT="NOT DONE", LBORRESU=None),
        ],
        RS=[rs("S-1", "ASCITES", "2", "2025-01-05"), rs("S-1", "ASCDIUR", "1", "2025-01-05")],
        VS=[event("VS", "S-1", "2025-01-05", VSTESTCD="WEIGHT", VSORRES="70.5", VSORRESU="kg")],
        AE=[event("AE", "S-1", "2025-01-20", AETERM="发热", AETOXGR="1", AESER="N", AEENDTC="2025-01")],
        CM=[event("CM", "S-1", "2025", CMTRT="x")],
        MH=[event("MH", "S-1", "", MHTERM="x") | {"MHSTDTC": None}],
    )


def faults(tables: Tables, protocol=PROTOCOL) -> list[str]:
    made = standardise(tables, protocol)
    try:
        validate(made.tables, protocol, unknown_codes(made, tables, protocol))
    except InputErrors as errors:
        return str(errors).splitlines()
    return []


def changed(name: str, row: int, column: str, value: Any) -> Tables:
    tables = small()
    tables[name].loc[row, column] = value
    return tables


class TestCleanData:
    @pytest.mark.parametrize(
        ("example", "protocol"),
        [
            ("demo", "nct06167473.yaml"),
            ("mayo-pbc", "mayo-pbc.yaml"),
            ("freireich-6mp", "freireich-6mp.yaml"),
            ("tablets", "tablets-three-arms.yaml"),
        ],
    )
    def test_both_examples(self, example, protocol):
        tables = read_tables(EXAMPLES / example)
        assert faults(tables, read_protocol(ROOT / "params" / "protocols" / protocol)) == []

    def test_small_trial(self):
        assert faults(small()) == []

    def test_tables_are_not_modified(self):
        tables = changed("LB", 0, "LBORRES", "-1")
        before = {name: table.copy(deep=True) for name, table in tables.items()}
        faults(tables)
        for name, table in tables.items():
            pd.testing.assert_frame_equal(table, before[name])
            assert table.attrs == before[name].attrs


UNKNOWN = "must be a code that the protocol or esld knows"
# domain, row, column, value, rule with offender, where; row 0 of a table is row 2 of its file
SEEDED = [
    ("DM", 0, "USUBJID", None, "DM.USUBJID must be filled, got nothing", "row 2, subject unknown"),
    ("DM", 1, "USUBJID", "S-1", "DM.USUBJID must be unique, got 'S-1'", "row 3, subject S-1"),
    ("DM", 0, "SEX", "X", f"DM.SEX {UNKNOWN}, got 'X' (1 record)", "row 2, subject S-1"),
    ("DM", 0, "AGE", "fifty", "DM.AGE must be a positive number, got 'fifty'", "row 2, subject S-1"),
    ("DM", 0, "AGE", "0", "DM.AGE must be a positive number, got '0'", "row 2, subject S-1"),
    ("DM", 0, "ARMCD", "HIGH", f"DM.ARMCD {UNKNOWN}, got 'HIGH' (1 record)", "row 2, subject S-1"),
    ("DM", 0, "ACTARMCD", "X", f"DM.ACTARMCD {UNKNOWN}, got 'X' (1 record)", "row 2, subject S-1"),
    ("DM", 0, "ARMCD", None, "DM.ARMCD must be filled for a subject with a RANDOMIZED", "row 2, subject S-1"),
    ("DM", 2, "ARMCD", "LOW", "DM.ARMCD must be empty without a RANDOMIZED record", "row 4, subject S-3"),
    ("DM", 0, "DTHFL", "Y", "DM.DTHDTC must be given where no other record dates", "row 2, subject S-1"),
    ("DM", 1, "DTHFL", "1", f"DM.DTHFL {UNKNOWN}, got '1' (1 record)", "row 3, subject S-2"),
    ("DM", 1, "DTHDTC", "2025-06-31", "DM.DTHDTC must be a calendar date", "row 3, subject S-2"),
    ("DS", 0, "DSSTDTC", "01.01.2025", "DS.DSSTDTC must be a calendar date", "row 2, subject S-1"),
    ("DS", 0, "DSDECOD", None, "DS.DSDECOD must be filled, got nothing", "row 2, subject S-1"),
    ("DS", 1, "DSSTDTC", "2025-01", "DS.DSSTDTC must be a whole date for RANDOMIZED", "row 3, subject S-1"),
    ("EX", 0, "EXSTDTC", "2025-01", "EX.EXSTDTC must be a whole date, got '2025-01'", "row 2, subject S-1"),
    ("EX", 0, "EXDOSE", "-1", "EX.EXDOSE must be a number, not negative, got '-1'", "row 2, subject S-1"),
    ("EX", 0, "EXDOSU", "mg", "EX.EXDOSU must be one of ['10^6 cells/kg'], got 'mg'", "row 2, subject S-1"),
    ("EX", 0, "EXDOSU", None, "EX.EXDOSU must be filled, got nothing", "row 2, subject S-1"),
    ("LB", 0, "LBORRES", "-3", "LB.LBORRES must be a positive number, got '-3'", "row 2, subject S-1"),
    ("LB", 0, "LBORRES", "<3", "LB.LBORRES must not be beyond a limit, got '<3'", "row 2, subject S-1"),
    ("LB", 0, "LBORRES", "3,5", "LB.LBORRES must be a positive number, got '3,5'", "row 2, subject S-1"),
    ("LB", 0, "LBORRES", "NaN", "LB.LBORRES must be a positive number, got 'NaN'", "row 2, subject S-1"),
    ("LB", 0, "LBORRES", "inf", "LB.LBORRES must be a positive number, got 'inf'", "row 2, subject S-1"),
    ("LB", 0, "LBORRES", "溶血", "LB.LBORRES must be a positive number, got '溶血'", "row 2, subject S-1"),
    ("LB", 0, "LBORNRHI", "<50", "LB.LBORNRHI must be a number, not negative, got '<50'", "row 2, subject S-1"),
    ("LB", 1, "LBORRESU", None, "LB.LBORRESU must be a unit of BILI, one of ['umol/L', 'mg/dL', 'mg/L'], got nothing", "row 3"),
    ("LB", 1, "LBORRESU", "mg", "LB.LBORRESU must be a unit of BILI", "row 3, subject S-1"),
    ("LB", 1, "LBORRESU", "g/L", "LB.LBORRESU must be a unit of BILI", "row 3, subject S-1"),
    ("LB", 0, "LBDTC", "2025-02-30", "LB.LBDTC must be a calendar date", "row 2, subject S-1"),
    ("LB", 0, "LBDTC", None, "LB.LBDTC must be filled, got nothing", "row 2, subject S-1"),
    ("LB", 0, "USUBJID", "S-9", "LB.USUBJID must be a subject of DM, got 'S-9'", "row 2, subject S-9"),
    ("RS", 0, "RSORRES", "4", "RS.RSORRES must be a whole number from 0 to 3 for ASCITES, got '4'", "row 2"),
    ("RS", 0, "RSORRES", "1.5", "RS.RSORRES must be a whole number from 0 to 3 for ASCITES", "row 2"),
    ("RS", 1, "RSORRES", "2", "RS.RSORRES must be a whole number from 0 to 1 for ASCDIUR", "row 3"),
    ("VS", 0, "VSORRES", "seventy", "VS.VSORRES must be a positive number for WEIGHT", "row 2, subject S-1"),
    ("VS", 0, "VSORRESU", None, "VS.VSORRESU must be kg for WEIGHT, got nothing", "row 2, subject S-1"),
    ("VS", 0, "VSORRESU", "lb", "VS.VSORRESU must be kg for WEIGHT, got 'lb'", "row 2, subject S-1"),
    ("AE", 0, "AETOXGR", "6", f"AE.AETOXGR {UNKNOWN}, got '6' (1 record)", "row 2"),
    ("AE", 0, "AEENDTC", "later", "AE.AEENDTC must be a calendar date", "row 2, subject S-1"),
    ("CM", 0, "CMSTDTC", "2025-13", "CM.CMSTDTC must be a calendar date", "row 2, subject S-1"),
    ("MH", 0, "MHSTDTC", "old", "MH.MHSTDTC must be a calendar date", "row 2, subject S-1"),
]  # fmt: skip


class TestSeededFaults:
    @pytest.mark.parametrize(("name", "row", "column", "value", "rule", "where"), SEEDED)
    def test_one_fault_is_found_and_placed(self, name, row, column, value, rule, where):
        found = faults(changed(name, row, column, value))
        (message,) = [m for m in found if m.startswith(rule)]
        assert f"({name.lower()}.csv, {where}" in message
        assert message.endswith(".")
        if column != "USUBJID":  # a lost subject is missed by every other form
            assert len(found) == 1

    def test_all_of_them_at_once(self):
        # one fault a cell, the last stated; those that a second one hides are left out
        cells = {(name, row, column): (value, rule) for name, row, column, value, rule, _ in SEEDED}
        for hidden in (("DM", 0, "USUBJID"), ("DM", 1, "USUBJID"), ("LB", 0, "USUBJID"), ("DM", 0, "DTHFL")):
            del cells[hidden]
        tables = small()
        for (name, row, column), (value, _) in cells.items():
            tables[name].loc[row, column] = value
        found = faults(tables)
        for _, rule in cells.values():
            assert [m for m in found if m.startswith(rule)], rule
        assert len({m.split(".")[0] for m in found}) == len({name for name, *_ in cells})

    def test_missing_domain_and_column_and_cell_faults_together(self):
        tables = changed("LB", 0, "LBORRES", "-3")
        del tables["CM"]
        tables["RS"] = tables["RS"].drop(columns="RSORRES")
        found = faults(tables)
        only = "AE, CE, DM, DS, EX, IE, LB, MH, PR, RS, VS"
        assert found[0] == (
            f"domain CM must be present, got only {only}. Export cm.csv; the protocol lists it under 'domains'."
        )
        assert "RS.RSORRES must be a column (rs.csv). Export it again." in found
        assert any(m.startswith("LB.LBORRES must be a positive number") for m in found)
        assert len(found) == 3

    def test_without_dm_or_ds_the_rest_is_still_checked(self):
        for lost in ("DM", "DS"):
            tables = changed("LB", 0, "LBORRES", "-3")
            del tables[lost]
            found = faults(tables)
            assert [m[: len("domain XX")] for m in found] == [f"domain {lost}", "LB.LBORRE"]

    def test_an_extra_domain_is_checked_too(self):
        protocol = PROTOCOL.model_copy(update={"domains": tuple(d for d in PROTOCOL.domains if d != "CM")})
        assert len(faults(changed("CM", 0, "CMSTDTC", "x"), protocol)) == 1

    @pytest.mark.parametrize("missing", [c for d in ("DM", "LB", "AE") for c in DOMAINS[d].required])
    def test_every_required_column(self, missing):
        name = next(d for d in ("DM", "LB", "AE") if missing in DOMAINS[d].required)
        tables = small()
        tables[name] = tables[name].drop(columns=missing)
        [fault] = [text for text in faults(tables) if text.startswith(f"{name}.{missing} ")]
        assert fault.startswith(f"{name}.{missing} must be a column ({name.lower()}.csv). Export it again")
        assert ("the blinded view alone" in fault) is (missing in ("ARMCD", "ACTARMCD"))

    def test_the_columns_that_an_endpoint_reads(self):
        source = Source(domain="DS", where={"DSTERM": "x"}, date="DSDTC", description="x")
        endpoint = PROTOCOL.endpoint("OS").model_copy(update={"events": (source,)})
        protocol = PROTOCOL.model_copy(update={"endpoints": (endpoint,)})
        tables = small()
        assert [m.split(" ")[0] for m in faults(tables, protocol)] == ["DS.DSDTC", "DS.DSTERM"]
        tables["DS"] = tables["DS"].assign(DSTERM="x", DSDTC="never")
        assert {m.split(", got")[0] for m in faults(tables, protocol)} == {
            "DS.DSDTC must be a calendar date, YYYY-MM-DD or partial"
        }

    def test_the_columns_that_rescue_reads(self):
        tables = small()
        tables["CM"] = tables["CM"].drop(columns="CMDECOD")
        assert "CM.CMDECOD must be a column (cm.csv). Export it again." in faults(tables)

    def test_of_many_the_first_three_are_named_and_the_others_counted(self):
        rows = [lb("S-1", "ALT", f"-{n}", "2025-01-05") for n in range(1, 11)]
        found = faults(trial(patient("S-1"), LB=rows))
        assert [m.split(", got ")[1].split(")")[0] for m in found] == [
            "'-1', '-2', '-3' (10 places, such as "
            + "; ".join(f"lb.csv, row {row}, subject S-1" for row in (2, 3, 4))
        ]

    def test_rows_are_those_of_the_file_with_its_blank_rows(self, tmp_path):
        for path in (EXAMPLES / "demo").glob("*.csv"):
            (tmp_path / path.name).write_bytes(path.read_bytes())
        lines = (tmp_path / "ex.csv").read_text(encoding="utf-8").splitlines()
        lines[5] = lines[5].replace("10^6 cells/kg", "mg")
        (tmp_path / "ex.csv").write_text("\n".join([lines[0], "", *lines[1:]]), encoding="utf-8")
        (message,) = faults(read_tables(tmp_path))
        # line 6 of the file, moved by one blank row
        assert f"(ex.csv, row 7, subject {lines[5].split(',')[2]})" in message


class TestWhatIsAllowed:
    def test_tests_that_no_analysis_uses_may_hold_any_text(self):
        rows = [
            lb("S-1", "HBSAG", "阳性", "2025-01-05"),
            lb("S-1", "BASEEXC", "-2", "2025-01-05", LBORNRLO="-3"),
            lb("S-1", "FIBRINO", "<2", "2025-01-05", LBORRESU="odd"),
        ]
        assert faults(trial(patient("S-1"), LB=rows, RS=[rs("S-1", "ECOG", "mild", "2025-01-05")])) == []

    def test_a_test_that_was_not_done_needs_no_unit(self):
        row = lb("S-1", "ALT", None, "2025-01-05", LBORRESU=None, LBORNRHI="see above")
        assert faults(trial(patient("S-1"), LB=[row])) == []

    @pytest.mark.parametrize("unit", ["umol/L", "μmol/L", "µmol/L", "UMOL/L", "mg/dl"])
    def test_any_known_spelling_of_a_unit(self, unit):
        assert faults(changed("LB", 1, "LBORRESU", unit)) == []

    @pytest.mark.parametrize(
        ("name", "column", "value"),
        [
            ("DM", "DTHDTC", "2025-06"),
            ("LB", "LBDTC", "2025-01"),
            ("LB", "LBDTC", "2025-01-05T08:00"),
            ("AE", "AESTDTC", "2025"),
            ("LB", "LBORRES", "1e2"),
            ("LB", "LBORNRLO", "0"),
            ("EX", "EXDOSE", "0"),
            ("VS", "VSORRESU", "KG"),
        ],
    )
    def test_other_good_values(self, name, column, value):
        row = 1 if column == "DTHDTC" else 0
        assert faults(changed(name, row, column, value)) == []

    @few(5)
    @given(st.lists(st.floats(min_value=1e-300, max_value=1e300), min_size=1))
    def test_any_positive_number(self, values):
        rows = [lb("S-1", "ALT", repr(value), "2025-01-05") for value in values]
        assert faults(trial(patient("S-1"), LB=rows)) == []


class TestVocabulary:
    @pytest.mark.parametrize(("text", "unit"), [("μmol/L", "umol/L"), ("x10^9/L", "10^9/L"), ("odd", None)])
    def test_known_unit(self, text, unit):
        assert known_unit(text) == unit

    def test_dates_of_a_domain(self):
        assert date_columns(DOMAINS["AE"]) == ("AESTDTC", "AEENDTC")
        assert date_columns(DOMAINS["LB"]) == ("LBDTC", "LBENDTC")
        assert "DTHDTC" in date_columns(DOMAINS["DM"])

    def test_required_variables_belong_to_their_domain(self):
        for name, domain in DOMAINS.items():
            strange = [
                c
                for c in domain.required
                if not c.startswith(name) and c not in ("USUBJID", "VISIT", "VISITNUM")
            ]
            assert name == "DM" or strange == []
            assert set(domain.filled) | set(domain.numeric) <= {*domain.required, *domain.optional}
            assert domain.sequence == ("VISITNUM" if name == "SV" else f"{name}SEQ")


def test_a_unit_is_read_as_its_analyte_has_it():
    """G/L of platelets is 10^9/L; of albumin it is grams in capitals; a small g of platelets is a fault."""

    def tables(unit):
        rows = [
            lb("S", "PLAT", "150", "2025-01-10", LBORRESU=unit),
            lb("S", "ALB", "35", "2025-01-10", LBORRESU="G/L"),
            lb("S", "HGB", "8", "2025-01-10", LBORRESU="mmol/L"),
        ]
        return trial(patient("S"), LB=rows)

    validate(tables("G/L"), PROTOCOL)
    with pytest.raises(InputErrors, match="must be a unit of PLAT"):
        validate(tables("g/L"), PROTOCOL)
