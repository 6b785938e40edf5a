"""Summaries of few patients: not made of one, and rates not of less than a year."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from esld.reasons import Why, because
from esld.report.rates import LEAST, of_several, short_note, yearly

SIZES = st.integers(1, 4)
YEARS = st.floats(0.01, 5)


@given(SIZES, YEARS, st.integers(0, 9))
def test_there_is_a_rate_of_two_patients_and_a_year_or_the_note_says_why_not(n, years, events):
    row = yearly(events, years, n=n, group="LOW", conf_level=0.95).set_index("statistic").loc["rate"]
    assert pd.notna(row["value"]) == (n > 1 and years >= LEAST) == (not short_note({"LOW": (n, years)}))
    assert (row["reason"] == because(Why.FEWER_THAN_TWO)) == (n == 1 and years >= LEAST)


@given(st.lists(st.tuples(st.sampled_from(["median", "n_risk"]), SIZES), min_size=1))
def test_only_the_named_statistics_of_one_patient_are_taken_away(rows):
    frame = pd.DataFrame(rows, columns=["statistic", "n"]).assign(value=1, lower=0, upper=2, reason=None)
    found = of_several(frame, "median")
    gone = frame["statistic"].eq("median") & frame["n"].eq(1)
    assert found["value"].isna().equals(gone) and found["upper"].isna().equals(gone)
    assert found["reason"].eq(because(Why.FEWER_THAN_TWO)).equals(gone)
