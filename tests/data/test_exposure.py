"""Administrations: what is treatment, and which records are one."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data import exposure, sdtm, views
from esld.data.adam import derive_adlb, derive_adsl
from esld.data.adam.adae import derive_adae
from esld.data.pseudonyms import pseudonyms
from esld.data.standard import standardise
from esld.protocol import StatedDays, Treatment
from esld.protocol.design import Dose
from tests.data.small_trial import KEY, PROTOCOL, ds, event, lb, patient, trial, with_parameters
from tests.examples import few

CUTOFF = pd.Timestamp("2026-12-31")
HOURS, DAYS = "within 24 hours after an infusion", "on the day of an infusion or the next"
PLACEBO = PROTOCOL.model_copy(
    update={"arms": (PROTOCOL.arms[0].model_copy(update={"dose": None}), PROTOCOL.arms[1])}
)
OF_NOTHING = PROTOCOL.model_copy(
    update={
        "arms": (
            PROTOCOL.arms[0].model_copy(
                update={"dose": Dose(amount=0, unit="mL", treatment="saline", route="iv")}
            ),
            PROTOCOL.arms[1],
        )
    }
)


SOON = {
    "hours": "within 24 hours after an infusion",
    "days": "on the day of an infusion or the next",
    "mixed": "within 24 hours after an infusion or, where an hour is not recorded, on the day of an infusion or the next",
}


def ex(day, amount="1", **others):
    record = {"USUBJID": "S", "EXTRT": "cells", "EXDOSE": amount, "EXDOSU": "10^6 cells/kg", "EXSTDTC": day}
    return record | others


def given_of(*records, protocol=PROTOCOL, **person):
    return exposure.administrations(trial(patient("S", infused=(), **person), EX=list(records)), protocol)


def adsl_of(*records, protocol=PROTOCOL):
    tables = trial(patient("S", infused=()), EX=list(records), LB=[lb("S", "ALT", "1", "2025-12-01")])
    tables["DM"]["ACTARMCD"] = tables["DM"]["ARMCD"]
    return derive_adsl(tables, protocol, CUTOFF).iloc[0]


@pytest.mark.parametrize("protocol", [PLACEBO, OF_NOTHING])
@pytest.mark.parametrize("amount", ["0", None])
def test_in_an_arm_without_substance_every_record_is_treatment(protocol, amount):
    days = ("2025-01-11", "2025-02-08", "2025-03-08")
    row = adsl_of(*(ex(day, amount) for day in days), protocol=protocol)
    assert (row["SAFFL"], row["PPROTFL"], row["NADMIN"]) == ("Y", "Y", 3)
    assert adsl_of(*(ex(day, "0") for day in days))["SAFFL"] == "N"  # in an active arm nothing was given


def test_a_dose_is_demanded_where_one_is_due():
    tables = trial(patient("S"), patient("T", "MEDHIGH"))
    tables["EX"][["EXDOSE", "EXDOSU"]] = None
    faults = [str(fault) for fault in sdtm.find_faults(tables, PLACEBO)]
    assert [fault.split(",")[0] for fault in faults] == [
        f"EX.{column} must be filled" for column in ("EXDOSE", "EXDOSU")
    ]
    assert all("subject T" in fault for fault in faults)


@few(6)
@given(
    parts=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    which=st.integers(0, 2),
    timed=st.booleans(),
)
def test_splitting_a_dose_over_a_day_changes_nothing(parts, which, timed):
    days = ["2025-01-11", "2025-02-08", "2025-03-08"]
    whole = [ex(day) for day in days]
    clock = [f"T{9 + n:02}:00" if timed else "" for n in range(len(parts))]
    bags = [ex(days[which] + time, str(part / sum(parts))) for part, time in zip(parts, clock, strict=True)]
    split = [*whole[:which], *bags[::-1], *whole[which + 1 :]]
    pd.testing.assert_series_equal(adsl_of(*split), adsl_of(*whole))
    assert given_of(*split)["DOSE"].tolist() == pytest.approx([1, 1, 1])


def test_the_bags_of_a_visit_around_midnight_are_one():
    bags = [ex("2025-01-11T23:30", "0.5", VISIT="D1"), ex("2025-01-12T00:15", "0.5", VISIT="D1")]
    frame = given_of(*bags)
    assert frame[["NUMBER", "DOSE", "RECORDS"]].to_numpy().tolist() == [[1, 1, 2]]
    assert frame.loc[0, ["ADTM", "AENDTM"]].tolist() == [
        pd.Timestamp("2025-01-11T23:30"), pd.Timestamp("2025-01-12T00:15")
    ]  # fmt: skip
    daily = PROTOCOL.model_copy(update={"administrations": None})
    assert len(given_of(*bags, protocol=daily)) == 2  # nobody says that they are not one a day
    apart = [bag | {"VISIT": visit} for bag, visit in zip(bags, ("D1", "D2"), strict=True)]
    assert len(given_of(*apart)) == 2


def test_the_last_exposure_is_the_end_of_the_last_record():
    row = adsl_of(ex("2025-01-11", EXENDTC="2025-06-30"), ex("2025-03-01", EXENDTC="2025-03-02"))
    assert (row["TRTSDT"], row["TRTEDT"]) == (pd.Timestamp("2025-01-11"), pd.Timestamp("2025-06-30"))
    assert adsl_of(ex("2025-01-11"))["TRTEDT"] == pd.Timestamp("2025-01-11")
    slip = adsl_of(ex("2025-01-11", EXENDTC="2025-01-01"))
    assert slip["TRTEDT"] == pd.Timestamp("2025-01-11")


def test_what_was_not_given_is_counted_by_no_number():
    frame = given_of(ex("2025-01-11"), ex("2025-02-08", "0", EXADJ="Fever"), ex("2025-03-08"))
    assert frame["NUMBER"].tolist()[0::2] == [1, 2]
    assert pd.isna(frame["NUMBER"][1])
    assert frame["EXADJ"].tolist() == [None, "Fever", None]


def test_without_a_record_or_a_domain():
    assert given_of().empty
    tables = trial(patient("S"))
    del tables["EX"]
    assert list(exposure.administrations(tables, PROTOCOL)) == list(given_of())


@pytest.mark.parametrize("view", ["blinded", "masked"])
def test_a_view_shows_what_was_given_and_no_dose(view):
    """Placebo, two bags, and an infusion that was not given, by the same function as unblinded."""
    doses = (("2025-02-08", "0.5"), ("2025-02-08", "2.5"), ("2025-03-08", "0"))
    two = [ex(day, amount, USUBJID="T") for day, amount in doses]
    tables = trial(
        patient("S", infused=()), patient("T", "MEDHIGH", infused=()), EX=[ex("2025-01-11", "0"), *two]
    )
    shown, protocol = views.seen(tables, PLACEBO, view, KEY)
    own, seen = (
        exposure.administrations(t, p)[["USUBJID", "NUMBER", "ADT", "AENDT"]]
        for t, p in ((tables, PLACEBO), (shown, protocol))
    )
    seen = seen.replace({"USUBJID": {name: who for who, name in pseudonyms("ST", KEY).items()}})
    pd.testing.assert_frame_equal(own, seen.sort_values("USUBJID", kind="stable", ignore_index=True))
    assert shown["EX"]["EXDOSE"].tolist() == ["1", "1", "0"]


DAILY = PROTOCOL.model_copy(
    update={
        "administrations": None,
        "treatment": Treatment(one="dose", many="doses", given="treated", regimen="continuous"),
    }
)
CALENDAR = pd.date_range("2025-01-11", "2025-03-21").strftime("%Y-%m-%d").tolist()


class TestContinuous:
    def row(self, *records, protocol=DAILY, seen="2025-03-21", **domains):
        tables = trial(
            patient("S", infused=(), ACTARMCD="LOW"),
            EX=list(records),
            LB=[lb("S", "ALT", "1", seen)],
            **domains,
        )
        return derive_adsl(tables, protocol, CUTOFF).iloc[0]

    @few(8)
    @given(
        spans=st.lists(st.tuples(st.integers(0, 69), st.integers(0, 69)).map(sorted), min_size=1, max_size=5),
        order=st.randoms(use_true_random=False),
    )
    def test_days_treated_are_the_days_of_any_record(self, spans, order):
        order.shuffle(spans)
        row = self.row(*(ex(CALENDAR[a], EXENDTC=CALENDAR[b]) for a, b in spans))
        covered = {day for a, b in spans for day in range(a, b + 1)}
        assert row["TRTDURD"] == len(covered)
        assert (row["TRTSDT"], row["TRTEDT"]) == tuple(pd.Timestamp(CALENDAR[f(covered)]) for f in (min, max))
        assert (row["SAFFL"], row["PPROTFL"]) == ("Y", "Y")

    def test_a_period_without_an_end_lasts_to_the_next_and_the_last_to_the_last_sign_of_life(self):
        row = self.row(ex("2025-01-11"), ex("2025-02-01", "0", EXENDTC="2025-02-10"), ex("2025-02-11"))
        assert (row["TRTDURD"], row["TRTEDT"]) == (21 + 39, pd.Timestamp("2025-03-21"))

    @pytest.mark.parametrize("category", ["STUDY TREATMENT", "STUDY PARTICIPATION"])
    def test_nor_longer_than_treatment_or_participation(self, category):
        end = ds("S", "ADVERSE EVENT", "2025-02-09") | {"DSSCAT": category}
        assert self.row(ex("2025-01-11"), DS=[end])["TRTDURD"] == 30

    def test_what_is_given_one_by_one_lasts_its_own_days(self):
        row = self.row(ex("2025-01-11"), ex("2025-02-08"), protocol=PROTOCOL)
        assert (row["NADMIN"], row["TRTDURD"], row["TRTEDT"]) == (2, 2, pd.Timestamp("2025-02-08"))

    @pytest.mark.parametrize(("end", "as_planned"), [("2025-02-07", "N"), ("2025-02-08", "Y")])
    def test_on_a_day_that_is_planned_treatment_lasts(self, end, as_planned):
        planned = DAILY.model_copy(update={"administrations": StatedDays(value=(1, 29))})
        assert self.row(ex("2025-01-11", EXENDTC=end), protocol=planned)["PPROTFL"] == as_planned
        assert self.row(ex("2025-01-11", EXENDTC=end))["PPROTFL"] == "Y"

    def test_without_treatment_there_is_no_day(self):
        row = self.row()
        assert (row["TRTDURD"], row["NADMIN"], row["PPROTFL"]) == (0, 0, "N")

    @pytest.mark.parametrize("view", ["blinded", "masked"])
    def test_a_view_counts_the_same_days(self, view):
        records = [ex("2025-01-11", EXENDTC="2025-01-20"), ex("2025-02-01")]
        tables = trial(
            patient("S", infused=(), ACTARMCD="LOW"), EX=records, LB=[lb("S", "ALT", "1", "2025-03-01")]
        )
        shown, protocol = views.seen(tables, DAILY, view, KEY)
        assert derive_adsl(shown, protocol, CUTOFF)["TRTDURD"].tolist() == [10 + 29]


class TestReactions:
    """Within so many hours as the protocol says, in its own word for what is given."""

    def frame(self, onset, hours, dose="2025-01-11T09:00"):
        treatment = Treatment(one="patch", many="patches", given="treated", reaction_hours=hours)
        protocol = PROTOCOL.model_copy(update={"treatment": treatment})
        tables = trial(patient("S", infused=(dose,)), AE=[event("AE", "S", onset, AETERM="x", AETOXGR="1")])
        return derive_adae(tables, derive_adsl(tables, protocol, CUTOFF), protocol).iloc[0]

    @pytest.mark.parametrize(
        ("onset", "hours", "near", "words"),
        [
            ("2025-01-11T14:00", 6, "Y", "Begins within 6 hours after a patch"),
            ("2025-01-11T16:00", 6, None, "Begins within 6 hours after a patch"),
            ("2025-01-13", 48, "Y", "Begins on the day of a patch or up to 2 days later"),
            ("2025-01-13", 24, None, "Begins on the day of a patch or the next"),
        ],
    )
    def test_hours(self, onset, hours, near, words):
        row = self.frame(onset, hours)
        assert (row["CRIT1FL"], row["CRIT1"]) == (near, words)

    def test_none_where_the_protocol_knows_none(self):
        assert self.frame("2025-01-11T09:30", None)[["CRIT1", "CRIT1FL"]].isna().all()
        assert self.frame("2025-01-11T09:30", None)["LDOSEDY"] == 0


class TestTimesOfDay:
    PROTOCOL = with_parameters("ALT")

    @few(6)
    @given(dose=st.integers(0, 23 * 60), sample=st.integers(0, 23 * 60), zone=st.sampled_from(["", "+08:00"]))
    def test_a_value_later_than_the_first_dose_is_never_baseline(self, dose, sample, zone):
        def at(minute):
            return f"2025-01-11T{minute // 60:02}:{minute % 60:02}{zone}"

        values = [lb("S", "ALT", "30", "2025-01-05"), lb("S", "ALT", "400", at(sample))]
        tables = trial(patient("S", infused=(at(dose),)), LB=values)
        adlb = derive_adlb(tables, derive_adsl(tables, self.PROTOCOL, CUTOFF), self.PROTOCOL)
        assert adlb.loc[adlb["ABLFL"].eq("Y"), "AVAL"].tolist() == [30 if sample > dose else 400]
        assert adlb["AVISIT"].isna().sum() == int(sample > dose)

    @pytest.mark.parametrize(
        ("dose", "sample"),
        [("2025-01-11", "2025-01-11T16:00"), ("2025-01-11T09:00", "2025-01-11"), ("2025-01-11T09:00", "2025-01-11T16:00Z")],
    )  # fmt: skip
    def test_without_both_times_on_one_clock_the_day_decides(self, dose, sample):
        tables = trial(patient("S", infused=(dose,)), LB=[lb("S", "ALT", "400", sample)])
        adlb = derive_adlb(tables, derive_adsl(tables, self.PROTOCOL, CUTOFF), self.PROTOCOL)
        assert adlb["ABLFL"].tolist() == ["Y"]

    def test_values_before_and_after_the_dose_of_a_day_are_not_averaged(self):
        values = [
            lb("S", "ALT", v, f"2025-01-11T{h}:00") for v, h in (("30", "07"), ("34", "08"), ("400", "16"))
        ]
        tables = trial(patient("S", infused=("2025-01-11T09:00",)), LB=values)
        adlb = derive_adlb(tables, derive_adsl(tables, self.PROTOCOL, CUTOFF), self.PROTOCOL)
        assert adlb.loc[adlb["ABLFL"].eq("Y"), "AVAL"].tolist() == [32]
        assert adlb["BASE"].eq(32).all()

    @pytest.mark.parametrize(
        ("onset", "emergent"),
        [
            ("2025-01-11T08:00", None),
            ("2025-01-11T09:00", "Y"),
            ("2025-01-11T10:00", "Y"),
            ("2025-01-11", "Y"),
        ],
    )
    def test_what_began_before_the_first_dose_of_its_day_is_not_emergent(self, onset, emergent):
        assert self.adae((onset,), "2025-01-11T09:00")["TRTEMFL"].tolist() == [emergent]

    def adae(self, onsets, dose, end=None):
        events = [event("AE", "S", onset, AETERM="x", AETOXGR="1") for onset in onsets]
        tables = trial(patient("S", infused=(dose,)), AE=events)
        tables["EX"]["EXENDTC"] = end
        return derive_adae(tables, derive_adsl(tables, PROTOCOL, CUTOFF), PROTOCOL)

    @pytest.mark.parametrize(
        ("onsets", "dose", "how"),
        [
            (("2025-01-11T10:00", "2025-01-12T10:00", "2025-06-01"), "2025-01-11T09:00", HOURS),
            (
                ("2025-01-11T10:00", "2025-01-12"),
                "2025-01-11T09:00",
                f"{HOURS} or, where an hour is not recorded, {DAYS}",
            ),
            (("2025-01-11T10:00", "2025-01-12"), "2025-01-11", DAYS),
            (("2025-06-01T10:00",), "2025-01-11T09:00", DAYS),
        ],
    )
    def test_hours_are_spoken_of_only_where_both_times_are_recorded(self, onsets, dose, how):
        assert self.adae(onsets, dose)["CRIT1"].unique().tolist() == [f"Begins {how}"]

    @pytest.mark.parametrize(
        ("hours", "soon"), [(None, []), (6, [0, 1]), (24, [0, 1]), (25, [0, 1, 2]), (72, [0, 1, 2, 3])],
    )  # fmt: skip
    def test_without_times_the_days_on_which_the_hours_may_end(self, hours, soon):
        """Six hours after an administration of unknown hour may lie on the next day, 25 on the day after that."""
        treatment = PROTOCOL.treatment.model_copy(update={"one": "patch", "reaction_hours": hours})
        protocol = PROTOCOL.model_copy(update={"treatment": treatment})
        onsets = [f"2025-01-{11 + later}" for later in range(5)]
        people = [patient("S", infused=("2025-01-11",))]
        tables = trial(*people, AE=[event("AE", "S", day, AETERM="Rash") for day in onsets])
        frame = derive_adae(tables, derive_adsl(tables, protocol, CUTOFF), protocol)
        assert frame.loc[frame["CRIT1FL"].eq("Y"), "LDOSEDY"].tolist() == soon
        assert (
            frame["CRIT1"].isna().all()
            if hours is None
            else frame["CRIT1"].str.contains("day of a patch or ").all()
        )

    def test_hours_are_counted_from_the_end(self):
        frame = self.adae(
            ("2025-01-11T10:00", "2025-01-12T11:00"), "2025-01-11T09:00", end="2025-01-11T12:00"
        )
        assert frame["LDOSEHR"].tolist() == [0, 23]
        assert frame["CRIT1FL"].tolist() == ["Y", "Y"]

    def test_during_a_record_of_months_no_day_has_passed(self):
        frame = self.adae(("2025-03-01", "2025-05-03"), "2025-01-11", end="2025-05-01")
        assert frame["LDOSEDY"].tolist() == [0, 2]


@pytest.mark.parametrize("unit", ["10^6 CELLS/KG", " 10^6  cells/kg", "１０^6 Cells/kg", "10⁶ cells/kg"])
def test_a_unit_of_doses_is_the_protocols_however_it_is_written(unit):
    tables = trial(
        patient("S", infused=()), EX=[ex("2025-01-11", EXDOSU=unit), ex("2025-02-11", EXDOSU="mg")]
    )
    made = standardise(tables, PROTOCOL).tables
    assert made["EX"]["EXDOSU"].tolist() == ["10^6 cells/kg", "mg"]
    assert [fault.offender for fault in sdtm.find_faults(made, PROTOCOL)] == ["'mg'"]
