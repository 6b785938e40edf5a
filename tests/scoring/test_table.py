"""All scores of a table: what is computed, what is counted, and that one bad cell stops nothing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld import scoring
from esld.scoring import plausible
from esld.scoring._arguments import RULES
from esld.scoring._rules import FINITE, NOT_NEGATIVE, POSITIVE
from esld.scoring.catalogue import SCORES
from esld.scoring.table import score_table

LABS = pd.DataFrame(
    {
        "bilirubin_umol_l": [34.0, 60.0, 200.0],
        "creatinine_mg_dl": [1.0, 1.4, 3.0],
        "inr": [1.2, 1.8, 2.4],
        "sodium_mmol_l": [140.0, 130.0, 124.0],
    },
    index=["S1", "S2", "S3"],
)


def row_of(frame, **where):
    ((name, value),) = where.items()
    return frame[frame[name].eq(value)].iloc[0]


def test_each_score_is_what_its_function_gives():
    scored = score_table(LABS)
    arguments = {name: LABS[name] for name in LABS}
    expected = scoring.meld_na(**arguments)
    pd.testing.assert_series_equal(scored.table["meld_na"], expected, check_names=False)
    meld = {name: values for name, values in arguments.items() if name != "sodium_mmol_l"}
    assert scored.table["meld"].tolist() == scoring.meld(**meld).tolist()
    assert scored.table["ukeld"].tolist() == scoring.ukeld(**arguments).tolist()
    assert scored.table.index.equals(LABS.index)


def test_what_came_in_comes_out_unchanged_and_first():
    before = LABS.assign(note=["007", "NA", ""])
    copy = before.copy()
    scored = score_table(before)
    pd.testing.assert_frame_equal(before, copy)
    pd.testing.assert_frame_equal(scored.table.iloc[:, : before.shape[1]], copy)


def test_a_score_feeds_the_next_and_a_column_of_that_name_is_taken_instead():
    scored = score_table(LABS.assign(age_years=60))
    expected = scoring.imeld(meld=scored.table["meld"], age_years=60, sodium_mmol_l=LABS["sodium_mmol_l"])
    assert scored.table["imeld"].tolist() == expected.tolist()
    own = score_table(LABS.assign(age_years=60, meld=[10, 20, 30]))
    # 10 + 18 - 98 + 100
    assert own.table["imeld"].tolist()[0] == pytest.approx(30)
    assert row_of(own.not_computed, score="meld")["reason"] == "the table has a column meld already"
    assert own.table["meld"].tolist() == [10, 20, 30]


def test_a_bad_value_makes_its_row_missing_and_is_counted():
    table = LABS.astype(object)
    table.loc["S1", "inr"] = "<1"
    table.loc["S2", "inr"] = 0
    table.loc["S3", "creatinine_mg_dl"] = ""
    scored = score_table(table)
    assert scored.table["meld"].isna().tolist() == [True, True, True]
    counts = row_of(scored.scores, column="meld")
    assert (counts["rows"], counts["missing"], counts["bad"]) == (0, 1, 2)
    bad = row_of(scored.bad_values, column="inr")
    assert (bad["count"], bad["rule"], bad["first"], bad["row"]) == (
        2,
        "a positive finite number",
        "<1",
        "S1",
    )
    counts = row_of(scored.scores, column="meld_xi")  # it has no INR
    assert (counts["rows"], counts["missing"], counts["bad"]) == (2, 1, 0)


@pytest.mark.parametrize("text", ["", " ", ".", "-", "NA", "n/a", "NaN", "null", "None"])
def test_these_are_missing_and_not_bad(text):
    scored = score_table(LABS.astype(object).assign(inr=[text, "1.8", " 2.4 "]))
    assert scored.bad_values.empty
    assert scored.table["meld"].isna().tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        (["yes", "No", "Y"], [True, False, True]),
        (["TRUE", "false", "1"], [True, False, True]),
        ([1, 0, 1.0], [True, False, True]),
        ([True, False, True], [True, False, True]),
    ],
)
def test_flags_in_words(words, flags):
    scored = score_table(LABS.assign(dialysis=words))
    given = {name: LABS[name] for name in ("bilirubin_umol_l", "creatinine_mg_dl", "inr")}
    assert scored.table["meld"].tolist() == scoring.meld(**given, dialysis=flags).tolist()
    assert row_of(scored.scores, column="meld")["assumed"] == ""


def test_a_flag_that_is_none_is_bad():
    scored = score_table(LABS.assign(dialysis=["maybe", "2", "no"]))
    assert row_of(scored.bad_values, column="dialysis")["count"] == 2
    assert scored.table["meld"].notna().tolist() == [False, False, True]


def test_sex_in_words_stands_for_female_and_codes_are_not_guessed():
    table = LABS.assign(albumin_g_l=30, sex=["F", "male", "1"])
    scored = score_table(table)
    given = {name: table[name] for name in (*LABS, "albumin_g_l")}
    expected = scoring.meld_3(**given, female=[True, False, None])
    np.testing.assert_array_equal(scored.table["meld_3"], expected)
    assert row_of(scored.bad_values, column="sex")["rule"] == "one of F, female, 女, M, male, 男"
    assert "age_years: adult" in row_of(scored.scores, column="meld_3")["assumed"]


def test_ascites_in_words_where_none_is_a_word():
    table = pd.DataFrame(
        {
            "bilirubin_mg_dl": 1.0,
            "albumin_g_dl": 4.0,
            "inr": 1.0,
            "ascites": ["none", "MILD", "x", ""],
            "west_haven_grade": 0,
        }
    )
    scored = score_table(table, components=True)
    np.testing.assert_array_equal(scored.table["child_pugh"], [5, 6, np.nan, np.nan])
    assert scored.table["child_pugh_class"].tolist() == ["A", "A", None, None]
    assert row_of(scored.bad_values, column="ascites")["count"] == 1
    # control by diuretics belongs to the grades and is not handed over with words
    with_control = score_table(table.assign(ascites_controlled_by_diuretics=1))
    np.testing.assert_array_equal(with_control.table["child_pugh"], [5, 6, np.nan, np.nan])
    graded = table.drop(columns="ascites").assign(
        ascites_ica_grade=2, ascites_controlled_by_diuretics=[1, 0, None, 1]
    )
    np.testing.assert_array_equal(score_table(graded).table["child_pugh"], [6, 7, np.nan, 6])


def test_of_two_units_the_first_is_used_and_the_report_says_which():
    scored = score_table(LABS.assign(bilirubin_mg_dl=[1.0, 2.0, 3.0]))
    assert row_of(scored.scores, column="meld")["inputs"] == "bilirubin_mg_dl, creatinine_mg_dl, inr"


def test_components_are_columns_on_request():
    plain, full = score_table(LABS), score_table(LABS, components=True)
    assert set(plain.table) < set(full.table)
    assert full.table["meld_input_creatinine_mg_dl"].tolist() == [1.0, 1.4, 3.0]
    assert full.table["meld_na_input_sodium_mmol_l"].tolist() == [137.0, 130.0, 125.0]


def test_names_in_any_case_with_spaces_or_hyphens():
    renamed = LABS.rename(columns={"bilirubin_umol_l": " Bilirubin umol-L ", "inr": "INR"})
    assert score_table(renamed).table["meld"].tolist() == score_table(LABS).table["meld"].tolist()
    with pytest.raises(ValueError, match="columns must have different names, got 'inr' and 'INR'"):
        score_table(LABS.assign(INR=1.0))


def test_columns_that_no_score_takes_are_listed_with_a_hint():
    scored = score_table(LABS.assign(id=1, bilirubin=1.0, sodium_mmoll=140, age=50))
    hints = dict(zip(scored.unknown["column"], scored.unknown["hint"], strict=True))
    assert hints == {
        "id": "",
        "bilirubin": "name it with its unit: bilirubin_mg_dl or bilirubin_umol_l",
        "sodium_mmoll": "did you mean sodium_mmol_l?",
        "age": "name it with its unit: age_years",
    }


def test_every_score_is_computed_or_has_its_reason():
    scored = score_table(LABS)
    assert set(scored.scores["score"]) | set(scored.not_computed["score"]) == {score.name for score in SCORES}
    assert not set(scored.scores["score"]) & set(scored.not_computed["score"])
    assert (
        row_of(scored.not_computed, score="fib_4")["reason"]
        == "no age_years, no ast_u_l, no alt_u_l, no platelets_10_9_l"
    )
    assert row_of(scored.not_computed, score="albi")["reason"] == "no albumin_g_dl or albumin_g_l"


def test_a_table_that_has_everything_gets_every_score():
    table = pd.DataFrame(
        {
            name: [1.0]
            for score in SCORES
            for choice in score.needs
            for name in choice[:1]
            if name not in {s.name for s in SCORES}
        }
    )
    table = table.assign(ascites="none", female=True, age_years=60)
    scored = score_table(table, components=True)
    assert scored.not_computed.empty
    assert scored.bad_values.empty
    assert scored.scores["rows"].eq(1).all()


def test_no_rows_and_repeated_index():
    assert score_table(LABS.iloc[:0]).table["meld"].empty
    twice = pd.concat([LABS, LABS])
    assert score_table(twice).table["meld"].tolist() == 2 * score_table(LABS).table["meld"].tolist()


cell = st.one_of(
    st.floats(0.5, 9).map(lambda x: round(x, 2)),
    st.sampled_from([None, "NA", "<1", "-3", 0, "1.5", float("inf")]),
)


@given(st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=8))
def test_rows_do_not_touch_one_another(rows):
    table = pd.DataFrame(rows, columns=["bilirubin_mg_dl", "creatinine_mg_dl", "inr"], dtype=object)
    whole = score_table(table).table["meld"]
    alone = [score_table(table.iloc[[i]]).table["meld"].iloc[0] for i in range(len(table))]
    np.testing.assert_array_equal(whole, alone)
    counts = score_table(table).scores.set_index("column").loc["meld", ["rows", "missing", "bad"]]
    assert counts.sum() == len(table)


def test_an_absurd_cell_stops_nothing():
    table = pd.DataFrame(
        {
            "age_years": [60, 60],
            "ast_u_l": [1e300, 58],
            "alt_u_l": [1e-300, 64],
            "platelets_10_9_l": [1e-300, 250],
        }
    )
    scored = score_table(table)
    assert scored.table["fib_4"].tolist() == [np.inf, pytest.approx(60 * 58 / 2000)]
    assert scored.table["fib_4_category"].tolist() == [None, "indeterminate"]
    assert row_of(scored.scores, column="fib_4_category")["bad"] == 1


class TestNotNeeded:
    TABLE = pd.DataFrame(
        {
            "bilirubin_mg_dl": [2.0, 2.0, 2.0],
            "creatinine_mg_dl": [None, None, 1.0],
            "inr": [1.2, 1.2, 1.2],
            "dialysis": ["yes", "no", ""],
        }
    )

    def test_a_score_that_what_is_missing_could_not_change_is_given_and_said(self):
        scored = score_table(self.TABLE)
        np.testing.assert_array_equal(scored.table["meld"], [24, np.nan, np.nan])
        about = row_of(scored.scores, column="meld")
        assert (about["rows"], about["missing"], about["bad"]) == (1, 2, 0)
        assert about["not_needed"] == "creatinine_mg_dl (1 rows)"

    def test_a_bad_cell_is_as_a_missing_one(self):
        table = self.TABLE.astype(object)
        table.loc[[0, 1], "creatinine_mg_dl"] = "<1"
        scored = score_table(table)
        np.testing.assert_array_equal(scored.table["meld"], [24, np.nan, np.nan])
        about = row_of(scored.scores, column="meld")
        assert (about["rows"], about["missing"], about["bad"]) == (1, 1, 1)
        assert row_of(scored.bad_values, column="creatinine_mg_dl")["count"] == 2


class TestImplausible:
    """Each a query that names the column, how many, the range and the units that would fit; the value is used."""

    @pytest.mark.parametrize(
        ("column", "value", "likely"),
        [
            ("creatinine_mg_dl", 88, "umol/L or mg/L"),
            ("creatinine_umol_l", 1.1, "mg/dL"),
            ("platelets_10_9_l", 150_000, "/uL"),
            ("wbc_10_9_l", 7200, "/uL"),
            ("albumin_g_dl", 35, "g/L"),
            ("albumin_g_l", 3.5, "g/dL"),
            ("haemoglobin_g_l", 13, "g/dL or mmol/L"),
            ("bilirubin_mg_dl", 120, "umol/L or mg/L"),
            ("bilirubin_uln_mg_dl", 21, "umol/L or mg/L"),
            ("alt_u_l", 0.7, "ukat/L"),
            ("alt_ukat_l", 900, "U/L"),
            ("urea_nitrogen_mg_dl", 0.7, "mmol/L"),
            ("inr", 80, ""),
            ("age_years", 1957, ""),
        ],
    )
    def test_is_a_query(self, column, value, likely):
        scored = score_table(pd.DataFrame({column: [value, None]}, index=["S1", "S2"]))
        query = row_of(scored.queries, column=column)
        assert (query["count"], query["first"], query["row"]) == (1, str(float(value)), "S1")
        assert query["likely"] == likely
        assert not query["low"] <= value <= query["high"]
        assert scored.bad_values.empty

    def test_what_stands_there_is_computed(self):
        table = LABS.assign(creatinine_mg_dl=[88.0, 1.4, 3.0])
        scored = score_table(table)
        expected = scoring.meld_real(**{name: table[name] for name in LABS if name != "sodium_mmol_l"})
        pd.testing.assert_series_equal(scored.table["meld_real"], expected)

    def test_the_sick_are_no_query(self):
        sick = {
            "bilirubin_mg_dl": 45, "creatinine_mg_dl": 9, "albumin_g_dl": 1.4, "platelets_10_9_l": 6, "inr": 9,
            "sodium_mmol_l": 112, "alt_u_l": 9000, "haemoglobin_g_dl": 4.1, "wbc_10_9_l": 55, "age_years": 91,
        }  # fmt: skip
        assert score_table(pd.DataFrame({name: [value] for name, value in sick.items()})).queries.empty

    def test_every_argument_that_is_a_quantity_has_a_range(self):
        without = {"meld", "meld_3", "fib_4", "apri", "clif_c_ad", "cossh_aclf_2", "lille"}
        for name, rule in RULES.items():
            if rule in (POSITIVE, NOT_NEGATIVE, FINITE) and name not in without:
                low, high, unit = plausible.range_of(name)
                assert low < high, name
                assert unit, name


class TestOtherUnits:
    @pytest.mark.parametrize(
        ("column", "value", "argument", "converted"),
        [
            ("alt_ukat_l", 1.5, "alt_u_l", 90.0),
            ("alt_uln_ukat_l", 0.7, "alt_uln_u_l", 42.0),
            ("haemoglobin_mmol_l", 8.0, "haemoglobin_g_l", 128.912),
            ("bilirubin_mg_l", 20.0, "bilirubin_mg_dl", 2.0),
            ("creatinine_mg_l", 20.0, "creatinine_mg_dl", 2.0),
            ("platelets_gi_l", 90.0, "platelets_10_9_l", 90.0),
            ("platelets_nl", 90.0, "platelets_10_9_l", 90.0),
            ("platelets_10_3_ul", 90.0, "platelets_10_9_l", 90.0),
            ("sodium_meq_l", 130.0, "sodium_mmol_l", 130.0),
        ],
    )
    def test_is_converted_and_said(self, column, value, argument, converted):
        everything = {
            "alt_u_l": 80.0, "alt_uln_u_l": 40.0, "haemoglobin_g_l": 120.0, "haemoglobin_lln_g_l": 130.0, "inr": 1.2,
            "bilirubin_mg_dl": 1.0, "creatinine_mg_dl": 1.0, "platelets_10_9_l": 100.0, "platelets_lln_10_9_l": 150.0,
            "sodium_mmol_l": 140.0, "sodium_lln_mmol_l": 135.0, "albumin_g_l": 40.0,
        }  # fmt: skip
        others = {name: [v] for name, v in everything.items() if name != argument}
        theirs = score_table(pd.DataFrame(others | {argument: [converted]}))
        ours = score_table(pd.DataFrame(others | {column: [value]}))
        assert list(ours.scores["column"]) == list(theirs.scores["column"])
        for name in ours.scores["column"]:
            if ours.table[name].dtype == object:
                assert ours.table[name].tolist() == theirs.table[name].tolist()
            else:
                np.testing.assert_allclose(ours.table[name], theirs.table[name], rtol=1e-12)
        assert ours.scores["inputs"].str.contains(f"{argument} (of {column})", regex=False).any()

    def test_a_second_column_of_the_quantity_is_not_used_and_said(self):
        table = pd.DataFrame({"alt_u_l": [80.0], "alt_ukat_l": [9.0], "alt_uln_u_l": [40.0]})
        scored = score_table(table)
        assert scored.table["ctcae_alt"].tolist() == [1]
        assert row_of(scored.unknown, column="alt_ukat_l")["hint"] == "not used: another column gives alt_u_l"


class TestSexBesideFemale:
    def scored(self, **columns):
        return score_table(
            pd.DataFrame([LABS.loc["S2"]] * 5).reset_index(drop=True).assign(albumin_g_l=30, **columns)
        )

    @pytest.mark.parametrize("order", [("sex", "female"), ("female", "sex")])
    def test_where_they_disagree_neither_is_used(self, order):
        columns = {"sex": ["F", "M", "F", None, "2"], "female": ["1", "no", "0", "yes", "0"]}
        scored = self.scored(**{name: columns[name] for name in order})
        woman, man = (
            scoring.meld_3(**LABS.loc["S2"], albumin_g_l=30, female=female) for female in (True, False)
        )
        np.testing.assert_array_equal(scored.table["meld_3"], [woman, man, np.nan, woman, man])
        said = scored.bad_values[scored.bad_values["rule"].str.contains("neither")].iloc[0]
        assert said["rule"] == f"the same as {order[0]}; neither is used there"
        assert (said["column"], said["count"], said["row"]) == (order[1], 1, 2)
        assert row_of(scored.scores, column="meld_3")["bad"] == 1
        assert scored.table["meld"].notna().all()  # it does not ask for sex
        assert row_of(scored.bad_values, column="sex")["rule"].startswith(("one of F", "the same"))

    def test_only_a_score_that_is_the_same_for_both_is_given_where_they_disagree(self):
        table = pd.DataFrame(
            {"sex": ["F"], "female": [0], "bilirubin_mg_dl": [40.0], "creatinine_mg_dl": [3.0]}
        )
        scored = score_table(table.assign(inr=5.0, sodium_mmol_l=125.0, albumin_g_l=20.0))
        assert scored.table["meld_3"].tolist() == [40]
        assert row_of(scored.scores, column="meld_3")["not_needed"] == "female (1 rows)"
        assert scored.table["meld_3_uncapped"].isna().all()
