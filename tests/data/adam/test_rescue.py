"""CRIT1FL: which laboratory values are flagged after albumin or plasma, and that nothing else changes."""

from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from esld.data.adam import derive_adlb, derive_adsl
from esld.data.sdtm import Tables
from esld.errors import InputError
from esld.protocol import Protocol, Rescue, Source
from esld.report.assumptions import assumptions
from tests.data.small_trial import PROTOCOL, event, lb, patient, rs, trial, with_parameters

CUTOFF = pd.Timestamp("2026-12-31")
ALB = with_parameters("ALB")
ALBUMIN = {"CMTRT": "Albumin 20%", "CMDECOD": "ALBUMIN HUMAN"}
GIVEN = "2025-03-10"


def derived(tables: Tables, protocol: Protocol = ALB) -> pd.DataFrame:
    return derive_adlb(tables, derive_adsl(tables, protocol, CUTOFF), protocol)


def measured(*days: str, id: str = "S") -> list[dict]:
    return [lb(id, "ALB", "30", day) for day in days]


def flagged(*medicines: dict, days: tuple[str, ...], **options) -> list[str]:
    """Days, of those on which albumin is measured, with the flag."""
    frame = derived(trial(patient("S"), LB=measured(*days), CM=list(medicines)), **options)
    chosen = frame.loc[frame["CRIT1FL"].eq("Y"), "ADT"]
    return [f"{day:%Y-%m-%d}" for day in chosen]


def albumin(start: str | None, end: str | None = None, **others) -> dict:
    return {"USUBJID": "S", "CMSTDTC": start, "CMENDTC": end, **ALBUMIN, **others}


class TestDays:
    def test_the_day_itself_and_seven_days_after(self):
        days = ("2025-03-09", GIVEN, "2025-03-17", "2025-03-18")
        assert flagged(albumin(GIVEN), days=days) == [GIVEN, "2025-03-17"]

    @given(st.integers(-20, 40), st.integers(0, 10), st.integers(0, 14))
    def test_from_the_first_day_to_so_many_after_the_last(self, offset, lasts, days):
        assert PROTOCOL.rescue
        rescue = PROTOCOL.rescue.model_copy(update={"days": days})
        start = date.fromisoformat(GIVEN)
        day, end = start + timedelta(days=offset), start + timedelta(days=lasts)
        found = flagged(
            albumin(GIVEN, end.isoformat()), days=(day.isoformat(),), protocol=ALB.model_copy(update={"rescue": rescue})
        )  # fmt: skip
        assert bool(found) == (0 <= offset <= lasts + days)

    def test_a_value_between_two_infusions_is_after_the_first_only(self):
        medicines = (albumin("2025-03-01"), albumin("2025-03-20"))
        assert flagged(*medicines, days=("2025-03-05", "2025-03-15", "2025-03-20")) == [
            "2025-03-05",
            "2025-03-20",
        ]

    @pytest.mark.parametrize(
        ("start", "end", "first", "last"),
        [
            ("2025-03", None, "2025-03-01", "2025-04-07"),  # some day of March
            ("2025-03", "2025-03-20", "2025-03-01", "2025-03-27"),
            (GIVEN, "2025-03", GIVEN, "2025-04-07"),
            (None, "2025-03-20", "2025-03-20", "2025-03-27"),
            (f"{GIVEN}T23:30", f"{GIVEN}T23:50", GIVEN, "2025-03-17"),
            (GIVEN, "2025-03-01", GIVEN, "2025-03-17"),  # an end before the start
            ("2025-03", "2025-02-20", "2025-03-01", "2025-03-08"),
        ],
    )
    def test_what_is_not_wholly_dated_is_read_widely(self, start, end, first, last):
        one = timedelta(days=1)
        before, after = date.fromisoformat(first) - one, date.fromisoformat(last) + one
        days = (before.isoformat(), first, last, after.isoformat())
        assert flagged(albumin(start, end), days=days) == [first, last]

    def test_an_infusion_without_any_date_flags_nothing(self):
        assert flagged(albumin(None), days=(GIVEN,)) == []


class TestRecords:
    @pytest.mark.parametrize(
        ("name", "record", "counts"),
        [
            ("CM", ALBUMIN, True),
            ("CM", {"CMTRT": "血浆", "CMDECOD": "FRESH FROZEN PLASMA"}, True),
            ("PR", {"PRTRT": "ALSS", "PRDECOD": "PLASMA EXCHANGE"}, True),
            ("CM", {"CMTRT": "FUROSEMIDE", "CMDECOD": "FUROSEMIDE"}, False),
            ("CM", {"CMTRT": "ALBUMIN HUMAN", "CMDECOD": None}, False),
        ],
    )
    def test_sources_of_the_protocol(self, name, record, counts):
        tables = trial(patient("S"), LB=measured(GIVEN), **{name: [event(name, "S", GIVEN, **record)]})
        assert derived(tables)["CRIT1FL"].eq("Y").tolist() == [counts]

    def test_another_patient_s_infusion_is_not_one_s_own(self):
        tables = trial(
            patient("S"), patient("T"), LB=measured(GIVEN) + measured(GIVEN, id="T"), CM=[albumin(GIVEN)]
        )
        frame = derived(tables)
        assert frame.loc[frame["CRIT1FL"].eq("Y"), "USUBJID"].tolist() == ["S"]

    @pytest.mark.parametrize("absent", ["CM", "PR"])
    def test_a_form_that_was_never_filled_in(self, absent):
        tables = trial(patient("S"), LB=measured(GIVEN))
        del tables[absent]
        assert derived(tables)["CRIT1FL"].isna().all()

    def test_a_variable_that_is_not_there(self):
        source = Source(domain="CM", date="CMSTDTC", where={"CMCLAS": "B05AA"}, description="plasma proteins")
        protocol = ALB.model_copy(update={"rescue": Rescue(days=7, sources=(source,))})
        with pytest.raises(InputError, match=r"CM\.CMCLAS must be a column \(cm\.csv\)"):
            derived(trial(patient("S"), LB=measured(GIVEN)), protocol)

    def test_a_source_that_names_the_end_counts_from_it(self):
        source = Source(
            domain="CM", date="CMENDTC", where={"CMDECOD": "ALBUMIN HUMAN"}, description="albumin"
        )
        protocol = ALB.model_copy(update={"rescue": Rescue(days=1, sources=(source,))})
        days = ("2025-03-10", "2025-03-12", "2025-03-13", "2025-03-14")
        assert flagged(albumin(GIVEN, "2025-03-12"), days=days, protocol=protocol) == list(days[1:3])


class TestRows:
    def test_laboratory_values_only_and_all_of_them(self):
        rows = [lb("S", code, "2", GIVEN) for code in ("ALT", "INR")]
        tables = trial(patient("S"), LB=rows, RS=[rs("S", "ASCITES", "2", GIVEN)], CM=[albumin(GIVEN)])
        frame = derived(tables, with_parameters("ALT", "INR", "ASCITES")).set_index("PARAMCD")
        assert frame.loc[["ALT", "INR"], "CRIT1FL"].tolist() == ["Y", "Y"]
        assert set(frame.loc[["ALT", "INR"], "CRIT1"]) == {"Within 7 days after albumin or plasma"}
        assert frame.loc["ASCITES", ["CRIT1", "CRIT1FL"]].isna().all()

    def test_the_mean_of_a_day_is_flagged_like_its_records(self):
        frame = derived(trial(patient("S"), LB=measured(GIVEN, GIVEN), CM=[albumin(GIVEN)]))
        assert frame["DTYPE"].tolist().count("AVERAGE") == 1
        assert frame["CRIT1FL"].tolist() == ["Y"] * 3

    def test_a_value_without_its_day_is_not_flagged(self):
        frame = derived(trial(patient("S"), LB=measured("2025-03"), CM=[albumin(GIVEN)]))
        assert frame["CRIT1"].notna().all()
        assert frame["CRIT1FL"].isna().all()

    def test_the_flag_changes_no_other_column_and_no_analysis(self):
        tables = trial(patient("S"), LB=measured("2025-01-11", GIVEN, "2025-03-15"), CM=[albumin(GIVEN)])
        with_flag, without = derived(tables), derived(tables, ALB.model_copy(update={"rescue": None}))
        assert with_flag["CRIT1FL"].tolist() == [None, "Y", "Y"]
        assert without[["CRIT1", "CRIT1FL"]].isna().all().all()
        columns = [c for c in with_flag.columns if not c.startswith("CRIT1")]
        pd.testing.assert_frame_equal(with_flag[columns], without[columns])
        assert with_flag["ANL01FL"].eq("Y").sum() == 2

    def test_nothing_measured(self):
        assert list(derived(trial(patient("S"), CM=[albumin(GIVEN)]))["CRIT1FL"]) == []

    def test_the_tables_are_not_modified(self):
        tables = trial(patient("S"), LB=measured(GIVEN), CM=[albumin("2025-03", None)])
        before = {name: table.copy(deep=True) for name, table in tables.items()}
        derived(tables)
        for name, table in tables.items():
            pd.testing.assert_frame_equal(table, before[name])


class TestProtocol:
    def test_it_is_an_assumption_with_its_words(self):
        listed = {where: choice for where, choice, _ in assumptions(PROTOCOL)}
        assert listed["rescue"] == "Laboratory values flagged: within 7 days after albumin or plasma"

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"days": -1}, "greater than or equal to 0"),
            ({"sources": []}, "at least 1 item"),
            ({"day": 7}, "rescue.day"),
        ],
    )
    def test_refused(self, change, words):
        content = PROTOCOL.model_dump(mode="json")
        content["rescue"] |= change
        with pytest.raises(ValidationError, match=words):
            Protocol.model_validate(content)

    def test_its_domains_must_be_listed(self):
        content = PROTOCOL.model_dump(mode="json")
        content["domains"].remove("CM")
        with pytest.raises(ValidationError, match="domains must list CM, for rescue"):
            Protocol.model_validate(content)
