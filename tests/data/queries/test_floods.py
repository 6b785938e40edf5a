"""What is wrong on most records of a test, a date variable or a visit is one line; what is wrong on few is one query each."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.translation import untranslated
from tests.data.queries.asking import asked, clean, on
from tests.data.small_trial import event, lb
from tests.examples import few

# What is asked about: rule, a record that is fine, one that is not; of LB and VS a record a day.
KINDS = {
    "albumin": ("implausible value", "LB", lambda day, bad: lb("S", "ALB", "70" if bad else "40", on(day), LBORRESU="g/L")),
    "height": ("implausible value", "VS", lambda day, bad: height(day, "1.71" if bad else "171")),
    "no number": ("implausible value", "VS", lambda day, bad: height(day, "x" if bad else "171")),
    "year": ("implausible date", "LB", lambda day, bad: lb("ST"[day % 2], "ALT", "30", on(day - 3650 * bad))),
    "visit": (
        *("visit outside its allowed window", "LB"),
        lambda day, bad: lb("S", "ALT", "30", on(100 + day if bad else 24 + day % 10), VISIT="WEEK 4"),
    ),
}  # fmt: skip


def height(day: int, value: str) -> dict:
    return event("VS", "S", on(day), VSTESTCD="HEIGHT", VSORRES=value, VSORRESU="cm")


def queries(kind: str, bad: int, fine: int) -> pd.DataFrame:
    rule, name, made = KINDS[kind]
    tables = clean()
    rows = [made(day, n < bad) for n, day in enumerate(range(60, 60 + bad + fine))]
    tables[name] = pd.DataFrame(rows, dtype=object).assign(**{f"{name}SEQ": range(1, len(rows) + 1)})
    tables[name] = tables[name].astype({f"{name}SEQ": str}).astype(object)
    tables[name].attrs = {"file": f"{name.lower()}.csv"}
    found = asked(tables)
    return found[found["rule"].eq(rule) & ~found["message"].str.startswith("The baseline value")]


@few(4)
@given(kind=st.sampled_from(sorted(KINDS)), bad=st.integers(10, 20), fine=st.integers(0, 20))
def test_most_of_a_kind_is_one_line_that_keeps_its_id_while_it_grows(kind, bad, fine):
    (query,) = queries(kind, bad, fine).to_dict("records")
    assert f"{bad} of " in query["message"] and query["message"].count(", ") >= 2
    assert untranslated([query["message"]], "zh") == []
    (later,) = queries(kind, bad + 3, fine).to_dict("records")
    assert later["id"] == query["id"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_few_are_asked_one_by_one_of_dates_by_patient(kind):
    few_of_them = queries(kind, 9, 0 if kind != "visit" else 30)
    assert len(few_of_them) == (2 if kind == "year" else 9)
    assert untranslated(few_of_them["message"], "zh") == []
    if kind != "visit":  # whose window has too few days to be a third of
        assert len(queries(kind, 10, 30)) == (2 if kind == "year" else 10)
