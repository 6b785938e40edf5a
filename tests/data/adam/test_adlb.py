"""ADLB: which value belongs to which visit, in which unit, and how it changed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.adam import derive_adlb, derive_adsl
from esld.data.adam.adlb import range_indicator, study_day
from esld.data.sdtm import Tables
from esld.protocol import Protocol
from tests.data.small_trial import PROTOCOL, event, lb, patient, rs, trial, with_parameters
from tests.examples import few

CUTOFF = pd.Timestamp("2026-12-31")
DAY_1 = pd.Timestamp("2025-01-11")
ALT = with_parameters("ALT")
# Only the days that the protocol allows are of a visit; the third visit is number 8.5.
_NUMBERS = (2, 3, 8.5, 9, 10, 11)
_NARROW = tuple(
    visit.model_copy(update={"window": visit.allowed, "number": number})
    for visit, number in zip(PROTOCOL.schedule.visits, _NUMBERS, strict=True)
)
GAPS = with_parameters("ALT", visits=_NARROW)
BY_NUMBER = with_parameters("ALT", visits=_NARROW, selection="visit")


def on(day: int) -> str:
    """Date of a study day; there is no day 0."""
    return f"{DAY_1 + pd.Timedelta(days=day - (day > 0)):%Y-%m-%d}"


def adlb(tables: Tables, protocol: Protocol = ALT) -> pd.DataFrame:
    return derive_adlb(tables, derive_adsl(tables, protocol, CUTOFF), protocol)


def of_days(*values: tuple[int, str], protocol: Protocol = ALT, **domains) -> pd.DataFrame:
    """ADLB of one patient with an ALT on each study day."""
    rows = [lb("S", "ALT", value, on(day)) for day, value in values]
    return adlb(trial(patient("S"), LB=rows, **domains), protocol)


def analysed(frame: pd.DataFrame) -> dict[str, float]:
    """Analysed value by visit."""
    chosen = frame[frame["ANL01FL"].eq("Y")]
    assert not chosen.duplicated(["USUBJID", "PARAMCD", "AVISIT"]).any()
    return dict(zip(chosen["AVISIT"], chosen["AVAL"], strict=True))


class TestRangeOfTheBaseline:
    def test_each_record_carries_the_baseline_s_own_range(self):
        first = {"LBORNRLO": "7", "LBORNRHI": "40"}
        later = {"LBORNRLO": "9", "LBORNRHI": "60"}
        rows = [lb("S", "ALT", "50", on(-3), **first), lb("S", "ALT", "70", on(30), **later)]
        frame = adlb(trial(patient("S"), LB=rows))
        assert frame["ANRHI"].tolist() == [40, 60]
        assert frame["BNRLO"].tolist() == [7, 7]
        assert frame["BNRHI"].tolist() == [40, 40]
        assert frame["BNRIND"].tolist() == ["HIGH", "HIGH"]

    def test_in_the_unit_of_the_analysis(self):
        about = {"LBORRESU": "mg/dL", "LBORNRLO": "0.2", "LBORNRHI": "1.2"}
        frame = adlb(trial(patient("S"), LB=[lb("S", "BILI", "2", on(-3), **about)]), with_parameters("BILI"))
        assert frame["BNRHI"].tolist() == pytest.approx([1.2 * 17.1])

    def test_without_a_baseline_there_is_none(self):
        rows = [lb("S", "ALT", "70", on(30), LBORNRLO="9", LBORNRHI="60")]
        assert adlb(trial(patient("S"), LB=rows))[["BNRLO", "BNRHI", "BNRIND"]].isna().all().all()


class TestStudyDay:
    def test_the_anchor_is_day_1_and_the_day_before_it_minus_1(self):
        days = pd.to_datetime(pd.Series(["2025-01-10", "2025-01-11", "2025-01-12", None]))
        anchor = pd.Series(pd.Timestamp("2025-01-11"), days.index)
        assert study_day(days, anchor).tolist()[:3] == [-1, 1, 2]
        assert np.isnan(study_day(days, anchor)[3])

    @given(st.integers(-500, 500))
    def test_there_is_no_day_0_and_no_gap_otherwise(self, elapsed):
        dates = DAY_1 + pd.to_timedelta(pd.Series([elapsed, elapsed + 1]), unit="D")
        first, second = study_day(dates, pd.Series(DAY_1, dates.index))
        assert 0 not in (first, second)
        assert second - first == (2 if first == -1 else 1)

    def test_never_infused_counts_from_randomisation(self):
        tables = trial(patient("S", infused=()), LB=[lb("S", "ALT", "1", "2025-01-10")])
        assert adlb(tables)["ADY"].tolist() == [1]

    def test_an_anchor_at_randomisation_holds_for_the_infused_too(self):
        anchor = PROTOCOL.schedule.anchor.model_copy(update={"value": "randomisation"})
        assert of_days((1, "1"), protocol=with_parameters("ALT", anchor=anchor))["ADY"].tolist() == [2]


class TestWindows:
    @given(st.integers(2, 393))
    def test_every_day_after_baseline_belongs_to_exactly_one_visit(self, day):
        inside = [v.label for v in PROTOCOL.schedule.visits if v.window[0] <= day <= v.window[1]]
        assert len(inside) == 1

    # the edges of the windows in clinical/trial_conventions.md §8
    @pytest.mark.parametrize(
        ("day", "visit"),
        [
            *((-30, "Baseline"), (-1, "Baseline"), (1, "Baseline"), (2, "Week 1"), (18, "Week 1")),
            *((19, "Week 4"), (43, "Week 4"), (44, "Week 8"), (71, "Week 8"), (72, "Week 12")),
            *((127, "Week 12"), (128, "Week 24"), (253, "Week 24"), (254, "Week 48"), (393, "Week 48")),
            (394, None),
        ],
    )
    def test_edges(self, day, visit):
        (row,) = of_days((day, "1")).to_dict("records")
        assert (row["AVISIT"] if visit else None) == visit
        assert row["ADY"] == day
        assert (row["ANL01FL"] == "Y") == (visit is not None)

    def test_window_target_and_distance_are_stated(self):
        (row,) = of_days((20, "1")).to_dict("records")
        assert [row[c] for c in ("AVISITN", "AWTARGET", "AWLO", "AWHI", "AWTDIFF")] == [3, 29, 19, 43, 9]

    def test_baseline_has_no_window(self):
        (row,) = of_days((-3, "1")).to_dict("records")
        assert row["AVISITN"] == 0
        assert all(np.isnan(row[c]) for c in ("AWTARGET", "AWLO", "AWHI", "AWTDIFF"))


class TestWindowsWithGaps:
    @few(25)
    @given(st.lists(st.integers(-30, 420), min_size=1, max_size=10, unique=True))
    def test_a_value_is_of_the_visit_whose_window_holds_its_day_or_of_none(self, days):
        frame = of_days(*((day + (day == 0), "1") for day in set(days)), protocol=GAPS)
        windows = {v.label: v.allowed for v in _NARROW} | {"Baseline": (-999, 1)}
        for row in frame.to_dict("records"):
            inside = [label for label, (first, last) in windows.items() if first <= row["ADY"] <= last]
            assert inside == ([] if pd.isna(row["AVISIT"]) else [row["AVISIT"]])
            assert inside or (pd.isna(row["ANL01FL"]) and np.isnan(row["AVISITN"]) and row["AVAL"] == 1)
        assert len(frame) == len({day + (day == 0) for day in days})

    def test_a_number_is_no_whole_one(self):
        assert of_days((57, "1"), protocol=GAPS)["AVISITN"].tolist() == [8.5]

    def test_several_values_of_a_day_between_windows_have_a_mean_that_is_not_analysed(self):
        frame = of_days((15, "1"), (15, "3"), protocol=GAPS)
        assert frame.loc[frame["DTYPE"].notna(), "AVAL"].tolist() == [2]
        assert frame["ANL01FL"].isna().all()


class TestVisitsByNumber:
    def of(self, *records: tuple[int, str | None], protocol=BY_NUMBER):
        rows = [
            lb("S", "ALT", str(n), on(day), VISITNUM=number) for n, (day, number) in enumerate(records, 1)
        ]
        return adlb(trial(patient("S"), LB=rows), protocol)

    @few(25)
    @given(
        st.lists(
            st.tuples(
                st.integers(-30, 420).filter(bool),
                st.sampled_from([None, "0", "1", "2", "2.0", "3", "8.5", "8.50", "8.25", "99", "x"]),
            ),
            min_size=1,
            max_size=8,
        )
    )
    def test_a_value_is_of_the_visit_that_its_record_names(self, records):
        """Whatever its day after baseline; what no planned visit has is of none."""
        visits = {str(float(v.number)): v for v in _NARROW}
        frame = self.of(*records)
        measured = frame[frame["DTYPE"].isna()]
        for row in measured.to_dict("records"):
            day, number = records[int(row["AVAL"]) - 1]
            named = visits.get(str(float(number))) if number not in (None, "x") else None
            expected = "Baseline" if day <= 1 else named.label if named else None
            assert (row["AVISIT"] if pd.notna(row["AVISIT"]) else None) == expected
        chosen = frame[frame["ANL01FL"].eq("Y")]
        assert not chosen.duplicated("AVISIT").any()
        for visit, own in frame[frame["AVISIT"].notna() & frame["ADY"].gt(1)].groupby("AVISIT"):
            assert chosen.loc[chosen["AVISIT"].eq(visit), "AWTDIFF"].tolist() == [own["AWTDIFF"].min()]
        assert frame[["AWLO", "AWHI"]].isna().all().all()

    def test_the_day_of_another_visit_does_not_matter(self):
        frame = self.of((-5, "0"), (40, "2"), (8, "99"), (9, None))
        assert analysed(frame) == {"Baseline": 1, "Week 1": 2}
        assert frame["CHG"].tolist()[-1] == 1

    def test_values_of_one_day_and_two_visits_are_not_averaged(self):
        assert analysed(self.of((57, "8.5"), (57, "99"))) == {"Week 8": 1}
        assert analysed(self.of((57, "8.5"), (57, "8.5"))) == {"Week 8": 1.5}

    def test_a_value_without_a_day_is_of_no_visit(self):
        rows = [lb("S", "ALT", "1", "2025-03", VISITNUM="8.5")]
        assert adlb(trial(patient("S"), LB=rows), BY_NUMBER)["AVISIT"].isna().all()


class TestChoice:
    def test_the_nearest_to_the_target_counts_and_the_others_stay(self):
        frame = of_days((-1, "9"), (25, "1"), (28, "2"), (40, "3"))
        assert analysed(frame) == {"Baseline": 9, "Week 4": 2}
        assert len(frame) == 4

    # week 4 is day 29: days 27 and 31 are equally near
    @pytest.mark.parametrize(("ties", "value"), [("later", 2), ("earlier", 1)])
    @pytest.mark.parametrize("order", [1, -1])
    def test_a_tie_goes_as_the_protocol_says(self, ties, value, order):
        values = [(27, "1"), (31, "2")][::order]
        assert analysed(of_days(*values, protocol=with_parameters("ALT", ties=ties))) == {"Week 4": value}

    def test_each_parameter_and_patient_for_itself(self):
        rows = [
            *(lb(id, code, "1", on(day)) for id in ("S", "T") for code, day in (("ALT", 8), ("AST", 9))),
            lb("T", "ALT", "2", on(10)),
        ]
        frame = adlb(trial(patient("S"), patient("T"), LB=rows), with_parameters("ALT", "AST"))
        assert frame["ANL01FL"].eq("Y").sum() == 4

    @few(25)
    @given(
        st.lists(st.tuples(st.integers(-20, 420), st.integers(1, 99)), min_size=1, max_size=12),
        st.sampled_from(["later", "earlier"]),
        st.randoms(use_true_random=False),
    )
    def test_the_order_of_the_records_does_not_matter(self, values, ties, rnd):
        # written by hand: of each visit the day nearest to the target, the mean of its values
        protocol = with_parameters("ALT", ties=ties)
        by_day: dict[int, list[int]] = {}
        for day, value in values:
            by_day.setdefault(day or 1, []).append(value)
        expected = {}
        for visit in protocol.schedule.visits:
            days = [d for d in by_day if visit.window[0] <= d <= visit.window[1]]
            if days:
                sign = -1 if ties == "later" else 1
                best = min(days, key=lambda d, target=visit.target: (abs(d - target), sign * d))
                expected[visit.label] = np.mean(by_day[best])
        if before := [d for d in by_day if d <= 1]:
            expected["Baseline"] = np.mean(by_day[max(before)])
        shuffled = rnd.sample(values, len(values))
        got = analysed(of_days(*((day or 1, str(value)) for day, value in shuffled), protocol=protocol))
        assert got == pytest.approx(expected)


class TestSameDay:
    def test_laboratory_values_give_their_mean(self):
        frame = of_days((8, "10"), (8, "20"), (8, "60"))
        assert frame["AVAL"].tolist() == [10, 20, 60, 30]
        assert frame["DTYPE"].isna().tolist() == [True, True, True, False]
        derived = frame.iloc[3]
        assert (derived["DTYPE"], derived["ANL01FL"], derived["SRCDOM"]) == ("AVERAGE", "Y", "LB")
        assert pd.isna(derived["SRCSEQ"])
        assert analysed(frame) == {"Week 1": 30}

    def test_different_units_are_averaged_in_one(self):
        # 1 mg/dL of bilirubin is 17.1 umol/L: the mean of 17.1 and 34.2 is 25.65
        rows = [lb("S", "BILI", "1", on(8), LBORRESU="mg/dL"), lb("S", "BILI", "34.2", on(8))]
        frame = adlb(trial(patient("S"), LB=rows), with_parameters("BILI"))
        assert analysed(frame)["Week 1"] == pytest.approx(25.65)

    def test_grades_give_the_worst(self):
        rows = [
            rs("S", code, grade, on(8))
            for code, grade in (("ASCITES", "1"), ("ASCITES", "3"), ("WHAVEN", "2"))
        ]
        frame = adlb(trial(patient("S"), RS=rows), with_parameters("ASCITES", "WHAVEN"))
        assert frame["AVAL"].tolist() == [1, 3, 3, 2]
        assert frame["DTYPE"].dropna().tolist() == ["MAXIMUM"]

    def test_where_higher_is_better_the_worst_is_the_lowest(self):
        protocol = with_parameters("ASCDIUR")
        better = tuple(p.model_copy(update={"better": "higher"}) for p in protocol.parameters)
        rows = [rs("S", "ASCDIUR", grade, on(8)) for grade in ("1", "0")]
        frame = adlb(trial(patient("S"), RS=rows), protocol.model_copy(update={"parameters": better}))
        assert frame[["AVAL", "DTYPE"]].to_numpy().tolist()[2] == [0.0, "MINIMUM"]

    def test_the_baseline_of_a_day_with_two_values_is_their_mean(self):
        frame = of_days((-2, "10"), (-2, "20"), (8, "30"))
        assert frame[frame["ABLFL"].eq("Y")]["AVAL"].tolist() == [15]
        assert frame[frame["AVISIT"].eq("Week 1")]["CHG"].tolist() == [15]

    def test_two_times_of_one_day_are_one_day(self):
        rows = [
            lb("S", "ALT", value, f"{on(8)}T{hour}") for value, hour in (("10", "08:00"), ("20", "20:00"))
        ]
        assert analysed(adlb(trial(patient("S"), LB=rows))) == {"Week 1": 15}


class TestBaselineAndChange:
    def test_the_last_value_on_or_before_day_1(self):
        frame = of_days((-14, "10"), (-1, "20"), (1, "40"), (2, "50"))
        assert frame[frame["ABLFL"].eq("Y")]["ADY"].tolist() == [1]
        assert frame["BASE"].tolist() == [40] * 4
        assert frame["CHG"].tolist()[3] == 10
        assert frame["CHG"].isna().tolist() == [True, True, True, False]
        assert frame["PCHG"].tolist()[3] == 25

    def test_without_a_baseline_there_is_no_change(self):
        frame = of_days((8, "10"), (29, "20"))
        assert frame[["BASE", "CHG", "PCHG", "ABLFL"]].isna().all().all()

    def test_records_that_are_not_analysed_change_too(self):
        frame = of_days((1, "10"), (400, "30"))
        assert frame.iloc[1][["AVISIT", "ANL01FL"]].isna().all()
        assert frame.iloc[1]["CHG"] == 20

    def test_no_percentage_of_nothing(self):
        rows = [rs("S", "ASCITES", grade, on(day)) for grade, day in (("0", 1), ("2", 8))]
        frame = adlb(trial(patient("S"), RS=rows), with_parameters("ASCITES"))
        assert frame["CHG"].tolist()[1] == 2
        assert frame["PCHG"].isna().all()

    def test_no_percentage_of_a_negative_score(self):
        rows = [
            lb("S", code, value, on(day))
            for day, bili, alb in ((1, "20", "40"), (8, "30", "40"))
            for code, value in (("BILI", bili), ("ALB", alb))
        ]
        frame = adlb(trial(patient("S"), LB=rows), with_parameters("BILI", "ALB", "ALBI"))
        albi = frame[frame["PARAMCD"].eq("ALBI")]
        # ALBI = 0.66 log10(bilirubin) − 0.085 albumin: the change is 0.66 log10(30/20)
        assert albi["BASE"].lt(0).all()
        assert albi["CHG"].tolist()[1] == pytest.approx(0.66 * np.log10(1.5))
        assert albi["PCHG"].isna().all()


class TestTransplant:
    LT = (event("PR", "S", "2025-02-08", PRDECOD="LIVER TRANSPLANTATION"),)  # study day 29

    def test_values_of_another_liver_are_flagged_and_never_analysed(self):
        frame = of_days((1, "10"), (29, "20"), (30, "30"), (57, "40"), (57, "50"), PR=list(self.LT))
        flagged = frame[frame["POSTTPFL"].eq("Y")]
        assert flagged["ADY"].tolist() == [30, 57, 57, 57]
        assert flagged["ANL01FL"].isna().all()
        assert analysed(frame) == {"Baseline": 10, "Week 4": 20}

    def test_the_old_liver_s_value_counts_even_if_it_is_further_from_the_target(self):
        # day 19 is ten days before the target of week 4 and day 30 one after it
        assert analysed(of_days((19, "1"), (30, "2"), PR=list(self.LT))) == {"Week 4": 1}

    def test_no_score_is_made_of_another_liver(self):
        rows = [lb("S", code, "1", on(day)) for day in (8, 57) for code in ("BILI", "ALB")]
        frame = adlb(trial(patient("S"), LB=rows, PR=list(self.LT)), with_parameters("BILI", "ALB", "ALBI"))
        assert frame[frame["PARAMCD"].eq("ALBI")]["AVISIT"].tolist() == ["Week 1"]

    def test_a_transplant_before_randomisation_leaves_nothing_to_analyse(self):
        early = [event("PR", "S", "2024-06-01", PRDECOD="LIVER TRANSPLANTATION")]
        assert analysed(of_days((-1, "1"), (8, "2"), PR=early)) == {}


class TestUnitsAndRanges:
    # bilirubin 17.1 umol/L, albumin 10 g/L, creatinine 88.4 umol/L for 1 mg/dL, 1 g/dL, 1 mg/dL
    @pytest.mark.parametrize(
        ("code", "unit", "factor", "analysis_unit"),
        [
            ("BILI", "mg/dL", 17.1, "umol/L"),
            ("BILI", "μmol/L", 1, "umol/L"),
            ("ALB", "g/dl", 10, "g/L"),
            ("CREAT", "mg/dL", 88.4, "umol/L"),
            ("PLAT", "×10^9/L", 1, "10^9/L"),
        ],
    )
    def test_values_and_limits_come_in_the_analysis_unit(self, code, unit, factor, analysis_unit):
        row = lb("S", code, "2", on(8), LBORRESU=unit, LBORNRLO="1", LBORNRHI="3")
        (got,) = adlb(trial(patient("S"), LB=[row]), with_parameters(code)).to_dict("records")
        assert [got[c] for c in ("AVAL", "ANRLO", "ANRHI")] == pytest.approx([2 * factor, factor, 3 * factor])
        assert (got["AVALU"], got["ANRIND"]) == (analysis_unit, "NORMAL")

    @pytest.mark.parametrize(
        ("value", "low", "high", "indicator"),
        [
            *((8.9, 9, 50, "LOW"), (9, 9, 50, "NORMAL"), (50, 9, 50, "NORMAL"), (50.1, 9, 50, "HIGH")),
            *(
                (60, np.nan, 50, "HIGH"),
                (5, np.nan, 50, "NORMAL"),
                (5, 9, np.nan, "LOW"),
                (5, np.nan, np.nan, None),
            ),
            ((1.1 + 1.3) / 2, 0.5, 1.2, "NORMAL"),  # 1.2000000000000002
        ],
    )
    def test_range_indicator(self, value, low, high, indicator):
        got = range_indicator(*(pd.Series([x], dtype=float) for x in (value, low, high)))[0]
        assert got == indicator or (indicator is None and pd.isna(got))

    def test_the_baseline_indicator_follows_the_parameter(self):
        limits = {"LBORNRLO": "9", "LBORNRHI": "50"}
        rows = [lb("S", "ALT", "60", on(1), **limits), lb("S", "ALT", "40", on(8), **limits)]
        frame = adlb(trial(patient("S"), LB=rows))
        assert frame["BNRIND"].tolist() == ["HIGH", "HIGH"]
        assert frame["ANRIND"].tolist() == ["HIGH", "NORMAL"]


class TestRows:
    def test_only_the_randomised_and_the_parameters_of_the_protocol(self):
        rows = [lb("S", "ALT", "1", on(1)), lb("S", "WBC", "5", on(1)), lb("F", "ALT", "1", on(1))]
        assert adlb(trial(patient("S"), patient("F", randomised=None), LB=rows))["USUBJID"].tolist() == ["S"]

    def test_what_was_not_done_has_no_row(self):
        row = lb("S", "ALT", None, on(1), LBSTAT="NOT DONE", LBORRESU=None)
        assert adlb(trial(patient("S"), LB=[row])).empty

    def test_a_partial_date_belongs_to_no_visit(self):
        rows = [lb("S", "ALT", value, "2025-01") for value in ("1", "2")]
        frame = adlb(trial(patient("S"), LB=rows))
        assert len(frame) == 2
        assert frame[["ADT", "ADY", "AVISIT", "ANL01FL", "DTYPE"]].isna().all().all()

    def test_each_row_says_where_it_comes_from(self):
        rows = [lb("S", "ALT", "1", on(1)), lb("S", "ALT", "2", on(8))]
        frame = adlb(
            trial(patient("S"), LB=rows, RS=[rs("S", "ASCITES", "1", on(8))]),
            with_parameters("ALT", "ASCITES"),
        )
        assert frame[["SRCDOM", "SRCSEQ"]].to_numpy().tolist() == [["LB", "1"], ["LB", "2"], ["RS", "1"]]
        assert frame["PARCAT1"].tolist() == ["LABORATORY", "LABORATORY", "GRADE"]
        assert frame["PARAM"].tolist()[0] == "Alanine aminotransferase (U/L)"
        assert set(frame["TRT01P"]) == {"Low dose"}

    @pytest.mark.parametrize("absent", ["LB", "RS"])
    def test_a_trial_without_laboratory_or_grades(self, absent):
        tables = trial(patient("S"), LB=[lb("S", "ALT", "1", on(1))], RS=[rs("S", "ASCITES", "1", on(1))])
        del tables[absent]
        frame = adlb(tables, with_parameters("ALT" if absent == "RS" else "ASCITES"))
        assert len(frame) == 1

    def test_nothing_measured_yet(self):
        assert adlb(trial(patient("S")), PROTOCOL).empty

    def test_the_tables_are_not_modified(self):
        tables = trial(patient("S"), LB=[lb("S", "ALT", "1", on(8))] * 2)
        before = {name: table.copy(deep=True) for name, table in tables.items()}
        adlb(tables)
        for name, table in tables.items():
            pd.testing.assert_frame_equal(table, before[name])
