"""What each view loads, and what it calls the arms."""

from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data import sdtm, views
from esld.data.adam import derive_adsl
from esld.data.codes import code_lists
from esld.data.cutfile import read_cut
from esld.data.intake import Intake, take_in
from esld.data.pseudonyms import pseudonyms, read_key
from esld.data.study import load_study
from esld.errors import InputErrors
from esld.protocol import Protocol
from esld.protocol.design import Dose
from tests.data.queries.asking import asked
from tests.data.small_trial import KEY, PROTOCOL, ROOT, lb, patient, trial
from tests.examples import few
from tests.loaded import loaded_once

EXAMPLE = ROOT / "esld" / "data" / "examples" / "demo"
HIDDEN = ("masked", "blinded")
SWAPPED = {"LOW": "MEDHIGH", "MEDHIGH": "LOW"}


def example() -> sdtm.Tables:
    return sdtm.read_tables(EXAMPLE)


def with_arms(tables: sdtm.Tables, arms: dict[str, str]) -> sdtm.Tables:
    """The trial with another allocation, told in every column that tells it."""
    dm, ex = tables["DM"].copy(), tables["EX"].copy()
    own = dm["USUBJID"].map(arms).where(dm["ARMCD"].notna(), None)
    dm["ARMCD"], dm["ARM"] = own, own
    dm["ACTARMCD"] = own.where(dm["ACTARMCD"].notna(), None)
    dm["ACTARM"] = dm["ACTARMCD"]
    ex["EXDOSE"] = ex["USUBJID"].map(arms).map({"LOW": "1", "MEDHIGH": "3"})
    ex["EXLOT"] = ex["EXTRT"] = "lot of " + ex["EXDOSE"]
    return tables | {"DM": dm, "EX": ex}


def arms_of(tables: sdtm.Tables) -> dict[str, str]:
    return tables["DM"].dropna(subset="ARMCD").set_index("USUBJID")["ARMCD"].to_dict()


def small() -> sdtm.Tables:
    """S-2 is randomised first, to medium-high; S-3 on the same day as S-1."""
    return trial(
        patient("S-1", "LOW", randomised="2025-01-10"),
        patient("S-2", "MEDHIGH", randomised="2025-01-05"),
        patient("S-3", "MEDHIGH", randomised="2025-01-10", infused=()),
        patient("S-4", randomised=None),
    )


class TestUnblinded:
    def test_nothing_is_changed(self):
        tables = small()
        shown, protocol = views.seen(tables, PROTOCOL, "unblinded")
        assert shown is tables
        assert protocol is PROTOCOL


class TestColumns:
    @pytest.mark.parametrize("view", HIDDEN)
    def test_what_is_not_named_is_not_loaded(self, view):
        tables = example()
        tables["AE"]["SECRET"] = "arm"
        shown, _ = views.seen(tables, PROTOCOL, view, KEY)
        put_back = {"DM": {"ARMCD", "ARM", "ACTARMCD", "ACTARM"}, "EX": {"EXTRT", "EXDOSE", "EXDOSU"}}
        for name, table in shown.items():
            assert set(table) <= {*views.COLUMNS[name], *put_back.get(name, ())}
        assert set(shown) == set(tables)

    def test_nothing_that_tells_an_arm_is_on_the_list(self):
        """Arm, dose, volume, lot, and free text about exposure, as the design of views names them."""
        named = {column for columns in views.COLUMNS.values() for column in columns}
        telling = {
            "ARM",
            "ARMCD",
            "ACTARM",
            "ACTARMCD",
            "ARMNRS",
            "EXTRT",
            "EXDOSE",
            "EXDOSU",
            "EXVOL",
            "EXLOT",
            "EXADJ",
        }
        assert not named & telling
        assert {c for c in named if c.startswith("EX")} == {"EXSEQ", "EXSTDTC"}
        assert "RFXENDTC" not in named
        assert views.COLUMNS["EX"] == ("USUBJID", "EXSEQ", "EXSTDTC")

    def test_a_domain_that_nobody_knows_is_left_out(self):
        shown, _ = views.seen(small() | {"SUPPEX": pd.DataFrame({"QVAL": ["3"]})}, PROTOCOL, "blinded")
        assert "SUPPEX" not in shown

    @pytest.mark.parametrize("view", HIDDEN)
    def test_what_scores_and_endpoints_need_is_on_it(self, view):
        """Whatever an unblinded cut derives apart from arms, doses and study numbers, the view derives as well."""
        file = read_cut(ROOT / "params" / f"demo-interim-{view}.yaml")
        whole = loaded_once(read_cut(ROOT / "params" / "demo-interim.yaml"))
        own = load_study(file)
        arms = ["ARMCD", "TRT01P", "TRT01PN", "ACTARMCD", "TRT01A", "TRT01AN"]
        named = pseudonyms(whole.adsl["USUBJID"], read_key(file.pseudonyms_path)) if view == "masked" else {}
        for name in ("adsl", "adlb", "adtte", "adce", "adae"):
            one, other = (getattr(s, name) for s in (whole, own))
            kept = [c for c in one if c not in arms and (c != "SUBJID" or not named)]
            one = one.assign(USUBJID=one["USUBJID"].replace(named))
            one, other = (
                f[kept].sort_values("USUBJID", kind="stable", ignore_index=True) for f in (one, other)
            )
            pd.testing.assert_frame_equal(one, other, obj=name)
        assert len(own.queries) == len(whole.queries)

    @pytest.mark.parametrize("view", HIDDEN)
    def test_inputs_are_unchanged(self, view):
        tables = small()
        before = {name: table.copy() for name, table in tables.items()}
        views.seen(tables, PROTOCOL, view, KEY)
        for name, table in before.items():
            pd.testing.assert_frame_equal(tables[name], table)

    def test_a_protocol_that_needs_more_is_refused(self):
        assert PROTOCOL.rescue
        source = PROTOCOL.rescue.sources[0].model_copy(
            update={"domain": "EX", "date": "EXSTDTC", "where": {"EXLOT": "1"}}
        )
        spoilt = PROTOCOL.model_copy(
            update={"rescue": PROTOCOL.rescue.model_copy(update={"sources": (source,)})}
        )
        with pytest.raises(
            InputErrors, match=r"EX\.EXLOT must not be needed by the protocol: the blinded view"
        ):
            views.seen(small(), spoilt, "blinded")


class TestArms:
    def test_blinded_patients_are_one_group(self):
        shown, protocol = views.seen(small(), PROTOCOL, "blinded")
        assert protocol.arm_labels == {"ALL": "All patients"}
        assert shown["DM"]["ARMCD"].tolist() == ["ALL", "ALL", "ALL", None]
        assert shown["DM"]["ACTARMCD"].tolist() == ["ALL", "ALL", None, None]

    def test_masked_a_is_the_arm_of_the_first_randomised(self):
        shown, protocol = views.seen(small(), PROTOCOL, "masked", KEY)
        assert protocol.arm_labels == {"A": "A", "B": "B"}
        assert shown["DM"]["ARMCD"].tolist() == ["B", "A", "A", None]

    def test_of_one_day_the_lower_id_is_first(self):
        tables = small()
        tables["DS"]["DSSTDTC"] = "2025-01-10"
        shown, _ = views.seen(tables, PROTOCOL, "masked", KEY)
        assert shown["DM"]["ARMCD"].tolist() == ["A", "B", "B", None]

    @pytest.mark.parametrize("view", HIDDEN)
    def test_no_error_is_shared_among_comparisons_that_are_not_with_the_control(self, view):
        own = PROTOCOL.model_copy(update={"multiplicity": "fixed sequence"})
        _, protocol = views.seen(small(), own, view, KEY)
        assert (protocol.control, protocol.multiplicity) == (None, "none")

    def test_an_arm_without_a_patient_is_last(self):
        tables = trial(patient("S-1", "MEDHIGH"))
        shown, protocol = views.seen(tables, PROTOCOL, "masked", KEY)
        assert list(protocol.arm_labels) == ["A", "B"]
        assert shown["DM"]["ARMCD"].tolist() == ["A"]

    @pytest.mark.parametrize("view", HIDDEN)
    def test_every_arm_of_the_view_has_the_same_dose(self, view):
        _, protocol = views.seen(small(), PROTOCOL, view, KEY)
        assert {(arm.dose.amount, arm.dose.unit) for arm in protocol.arms if arm.dose} == {
            (1, "administration")
        }
        assert all(arm.dose and not arm.description for arm in protocol.arms)

    @pytest.mark.parametrize("view", HIDDEN)
    def test_labels_remembered_from_the_trial_are_forgotten(self, view):
        assert set(PROTOCOL.arm_labels) == {"LOW", "MEDHIGH"}  # remembered from here on
        _, protocol = views.seen(small(), PROTOCOL, view, KEY)
        assert set(protocol.arm_labels) == {arm.code for arm in protocol.arms}

    def test_an_unknown_arm_is_not_quoted(self):
        tables = small()
        tables["DM"].loc[0, "ARMCD"] = "MEDHIHG"
        shown, protocol = views.seen(tables, PROTOCOL, "blinded")
        assert shown["DM"]["ARMCD"].isna().tolist() == [True, False, False, True]
        with pytest.raises(InputErrors) as caught:
            sdtm.validate(shown, protocol)
        assert "MEDHIHG" not in str(caught.value)

    def test_a_ratio_follows_its_arms(self):
        plan = PROTOCOL.randomisation
        assert plan.design
        uneven = plan.model_copy(
            update={"design": plan.design.model_copy(update={"ratio": (1, 2), "block_sizes": ()})}
        )
        protocol = PROTOCOL.model_copy(update={"randomisation": uneven})
        _, shown = views.seen(small(), protocol, "masked", KEY)
        assert shown.randomisation.design
        assert shown.randomisation.design.ratio == (2, 1)  # A is medium-high

    @given(
        sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4),
        first=st.permutations(range(4)),
        control=st.integers(0, 3),
        equal=st.booleans(),
    )
    @few(8)
    def test_no_view_tells_the_control_of_any_number_of_arms(self, sizes, first, control, equal):
        """A is the arm of the first patient, B of the second; the ratio follows, and is equal where none is stated."""
        arms = tuple(
            PROTOCOL.arms[0].model_copy(update={"code": f"ARM{n}", "label": f"Arm {n}", "number": n + 1})
            for n in range(len(sizes))
        )
        order = [n for n in first if n < len(arms)]
        design = PROTOCOL.randomisation.design.model_copy(update={"ratio": () if equal else tuple(sizes)})
        randomisation = PROTOCOL.randomisation.model_copy(update={"design": design})
        code = f"ARM{control % len(arms)}"
        protocol = PROTOCOL.model_copy(update={"arms": arms, "control": code, "randomisation": randomisation})
        assert (next(iter(protocol.arm_labels)), len(protocol.ratio)) == (code, len(arms))
        days = {n: f"2025-01-{10 + place}" for place, n in enumerate(order)}
        people = [patient(f"S{n}", f"ARM{n}", randomised=day, infused=()) for n, day in days.items()]
        _, shown = views.seen(trial(*people), protocol, "masked", KEY)
        assert shown.control is None
        assert list(shown.arm_labels) == list("ABCD")[: len(arms)]
        assert shown.ratio == tuple(1 if equal else sizes[n] for n in order)
        _, hidden = views.seen(trial(*people), protocol, "blinded")
        assert (hidden.control, hidden.ratio, list(hidden.arm_labels)) == (None, (1,), ["ALL"])

    @pytest.mark.parametrize("view", ["unblinded", *HIDDEN])
    def test_a_trial_of_one_arm(self, view):
        """Valid, derived and without a query, in every view."""
        protocol = PROTOCOL.model_copy(update={"arms": PROTOCOL.arms[:1]})
        tables = trial(patient("S"), LB=[lb("S", "ALT", "30", "2025-01-11")])
        shown, seen = views.seen(tables, protocol, view, KEY)
        sdtm.validate(shown, seen)
        adsl = derive_adsl(shown, seen, pd.Timestamp("2026-12-31"))
        assert adsl[["ITTFL", "SAFFL", "PPROTFL"]].to_numpy().tolist() == [["Y"] * 3]
        assert asked(shown, seen).empty


class TestInfusions:
    @pytest.mark.parametrize("view", HIDDEN)
    def test_only_whether_one_held_anything(self, view):
        tables = small()
        tables["EX"]["EXDOSE"] = ["1", "3.5"]
        shown, _ = views.seen(tables, PROTOCOL, view, KEY)
        assert shown["EX"]["EXDOSE"].tolist() == ["1", "1"]
        tables["EX"]["EXDOSE"] = ["0", None]
        shown, _ = views.seen(tables, PROTOCOL, view, KEY)
        assert shown["EX"]["EXDOSE"].tolist() == ["0", None]
        assert shown["EX"]["EXDOSU"].eq("administration").all()
        assert shown["EX"]["EXTRT"].eq("study treatment").all()


class TestNothingLeaks:
    """What a view shows is a function of what it may know."""

    @few(15)
    @given(st.randoms(use_true_random=False))
    def test_another_allocation_shows_the_same_blinded(self, random):
        tables = example()
        subjects = list(arms_of(tables))
        codes = [random.choice(("LOW", "MEDHIGH")) for _ in subjects]
        other = with_arms(tables, dict(zip(subjects, codes, strict=True)))
        one, two = (views.seen(t, PROTOCOL, "blinded") for t in (tables, other))
        assert one[1] == two[1]
        for name in one[0]:
            pd.testing.assert_frame_equal(one[0][name], two[0][name])

    def test_exchanged_doses_show_the_same_masked(self):
        tables = example()
        other = with_arms(tables, {who: SWAPPED[arm] for who, arm in arms_of(tables).items()})
        one, two = (views.seen(t, PROTOCOL, "masked", KEY) for t in (tables, other))
        assert one[1] == two[1]
        for name in one[0]:
            pd.testing.assert_frame_equal(one[0][name], two[0][name])

    def test_the_masked_view_does_tell_the_arms_apart(self):
        """A test that two things are the same needs one in which they are not."""
        tables = example()
        arms = arms_of(tables)
        last = list(arms)[-1]
        other = with_arms(tables, arms | {last: SWAPPED[arms[last]]})
        one, two = (views.seen(t, PROTOCOL, "masked", KEY)[0]["DM"] for t in (tables, other))
        assert (one["ARMCD"].fillna("") != two["ARMCD"].fillna("")).sum() == 1


DAILY = PROTOCOL.model_copy(
    update={
        "administrations": None,
        "treatment": PROTOCOL.treatment.model_copy(update={"regimen": "continuous"}),
    }
)
CALENDAR = pd.date_range("2025-01-11", "2025-03-21").strftime("%Y-%m-%d").tolist()
WORDS = st.text(st.characters(codec="ascii", exclude_categories=["C"]), max_size=6)
# Of one more bag: minutes after the first, or none recorded; how long it ran, or not recorded; what somebody wrote.
BAG = st.tuples(
    st.none() | st.integers(0, 600), st.none() | st.integers(0, 900), WORDS, st.sampled_from("019")
)


def taken(ex: list[dict[str, str | None]], view: str, protocol: Protocol = PROTOCOL) -> Intake:
    """All that a study is made from, of a trial of which EX holds these records, and the account of its files."""
    people = (patient("S", "LOW", infused=()), patient("T", "MEDHIGH", infused=()))
    made = trial(*people, EX=ex)
    made["DM"]["RFXENDTC"] = (
        made["EX"].groupby("USUBJID")["EXSTDTC"].max().reindex(["S", "T"]).to_numpy(object)
    )
    rows = [(f"{n.lower()}.csv", "", n, len(table), "read", "") for n, table in made.items()]
    rows.append(("suppex.csv", "", "EX", len(ex), "read", f"joined to EX; {len(ex)} of no record of EX"))
    rows.append(("lots.csv", "", "", len(ex), "not read", "not understood: no domain"))
    files = pd.DataFrame(rows, columns=["file", "sheet", "domain", "records", "use", "why"], dtype=object)
    return take_in(made, files, protocol, view, key=KEY)


def assert_same_intake(one: Intake, two: Intake) -> None:
    """But for where a record stood in its file, which an error alone tells."""
    for field in fields(Intake):
        own, other = (getattr(each, field.name) for each in (one, two))
        own, other = ({field.name: each} if isinstance(each, pd.DataFrame) else each for each in (own, other))
        if field.name in ("tables", "aside", "coding", "files"):
            assert list(own) == list(other)
            for name in own:
                pd.testing.assert_frame_equal(*(each[name].reset_index(drop=True) for each in (own, other)))
                assert own[name].attrs == other[name].attrs
        else:
            assert own == other


class TestNobodyCounts:
    """What an administration was given in is not told by any number of records, times, durations or words."""

    @few(12)
    @given(
        view=st.sampled_from(HIDDEN),
        begin=st.sampled_from(["", "T09:00"]),
        bags=st.lists(st.lists(BAG, max_size=3), min_size=3, max_size=3),
        order=st.randoms(use_true_random=False),
    )
    def test_however_an_administration_was_given(self, view, begin, bags, order):
        whole, split = [], []
        for (who, day), more in zip((("S", 0), ("S", 30), ("T", 0)), bags, strict=True):
            first = record(who, CALENDAR[day] + begin)
            whole.append(first)
            split.append(first | {"EXLOT": "MEDHIGH", "EXENDTC": CALENDAR[day + 1]})
            for after, ran, word, amount in more:
                at = pd.Timestamp(CALENDAR[day] + "T09:00") + pd.Timedelta(minutes=after or 0)
                timed = after is not None and begin
                text = f"{at:%Y-%m-%dT%H:%M}" if timed else CALENDAR[day]
                end = None if ran is None else f"{at + pd.Timedelta(minutes=ran):%Y-%m-%dT%H:%M}"
                typed = {"EXTRT": word, "EXADJ": word, "VISIT": word, "EXVAMT": amount}
                split.append(record(who, text, EXDOSE=amount, EXENDTC=end, **typed))
        order.shuffle(split)
        assert_same_intake(taken(whole, view), taken(split, view))

    @few(12)
    @given(
        view=st.sampled_from(HIDDEN),
        spans=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(sorted), min_size=1, max_size=3),
        cuts=st.lists(st.tuples(st.integers(0, 60), st.sampled_from("123"), st.booleans()), max_size=6),
        order=st.randoms(use_true_random=False),
    )
    def test_however_days_on_end_were_recorded(self, view, spans, cuts, order):
        whole, split = [], []
        for first, last in spans:
            whole.append(record("S", CALENDAR[first], EXENDTC=CALENDAR[last]))
            inside = sorted({day for day, *_ in cuts if first < day <= last})
            told = {day: (amount, dated) for day, amount, dated in cuts}
            for start, after in pairwise([first, *inside, last + 1]):
                amount, dated = told.get(start, ("1", True))
                # An end that is not recorded is the day before the next begins, if there is such a one.
                end = CALENDAR[after - 1] if after == last + 1 or dated or len(spans) > 1 else None
                split.append(record("S", CALENDAR[start], EXENDTC=end, EXDOSE=amount))
        order.shuffle(split)
        assert_same_intake(taken(whole, view, DAILY), taken(split, view, DAILY))

    @pytest.mark.parametrize("view", HIDDEN)
    def test_what_the_view_tells_it_does_tell(self, view):
        """A test that two things are the same needs one in which they are not."""
        base = [record("S", day) for day in CALENDAR[:30:10]]
        shown = taken(base, view)
        for other in (base[1:], [base[0] | {"EXDOSE": "0"}, *base[1:]], [*base, record("S", CALENDAR[40])]):
            assert not taken(other, view).tables["EX"].equals(shown.tables["EX"])
        apart = [record("S", CALENDAR[a], EXENDTC=CALENDAR[b]) for a, b in ((0, 9), (11, 20))]
        assert taken(apart, view, DAILY).tables["EX"]["EXENDTC"].tolist() == [CALENDAR[9], CALENDAR[20]]

    @pytest.mark.parametrize("view", HIDDEN)
    def test_a_fault_is_told_where_it_stands(self, view):
        """A bag without a dose, and one without a day, among others of their day."""
        days = [record("S", CALENDAR[0]), record("S", CALENDAR[0], EXDOSE=None), record("S", "2025-01")]
        took = taken([*days, record("S", CALENDAR[0])], view)
        faults = [str(fault) for fault in sdtm.find_faults(took.tables, took.protocol)]
        assert [fault.partition(", subject")[0] for fault in faults] == [
            "EX.EXSTDTC must be a whole date, got '2025-01' (ex.csv, row 4",
            "EX.EXDOSE must be filled, got nothing (ex.csv, row 3",
        ]


def record(who: str, start: str, **others: str | None) -> dict[str, str | None]:
    own = {"USUBJID": who, "EXTRT": "cells", "EXDOSE": "1", "EXDOSU": "10^6 cells/kg", "EXSTDTC": start}
    every = dict.fromkeys(("EXENDTC", "EXLOT", "EXADJ", "VISIT", "EXVAMT"))
    return own | every | others


def test_doses_exist_to_be_hidden():
    assert all(isinstance(arm.dose, Dose) for arm in PROTOCOL.arms)
    assert Path(EXAMPLE / "ledger.json").is_file()


@pytest.mark.parametrize("view", ["blinded", "masked"])
def test_a_trials_words_for_its_arms_and_treatments_stay_behind(view):
    own = {"ARMCD": {"1": "LOW"}, "EXTRT": {"UC": PROTOCOL.arms[0].name}, "CEDECOD": {"x": "OTHER"}}
    _, shown = views.seen(small(), PROTOCOL.model_copy(update={"codes": own}), view, KEY)
    assert set(shown.codes) == {"CEDECOD"} and code_lists(shown)
