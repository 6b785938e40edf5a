"""A value that a decimal point or a unit makes wrong is asked about, wherever it stands in its patient's course."""

from functools import cache

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.cutfile import read_cut
from esld.data.queries.series import unit_factors
from esld.data.queries.weights import POUNDS
from tests.data.queries.asking import asked, on
from tests.data.small_trial import PROTOCOL, ROOT, event, patient, trial
from tests.examples import few
from tests.loaded import loaded_once

FACTORS = {p.paramcd: unit_factors(p) for p in PROTOCOL.parameters if p.kind == "laboratory"}
OF_UNITS = sorted((code, times) for code, own in FACTORS.items() for times in own)
OF_ANY = OF_UNITS + [(code, times) for code in FACTORS for times in (10.0, 100.0)] + [("WEIGHT", POUNDS)]


@cache
def demonstration() -> tuple[dict[str, pd.DataFrame], pd.DataFrame, pd.DataFrame]:
    """Tables; its results and weights with the days to the neighbours; and what is asked of it as it is."""
    tables = loaded_once(read_cut(ROOT / "params" / "demo-final.yaml")).tables
    parts = []
    for name in ("LB", "VS"):
        columns = {
            f"{name}TESTCD": "test",
            f"{name}SEQ": "number",
            f"{name}DTC": "day",
            f"{name}ORRES": "value",
        }
        rows = tables[name].rename(columns=columns)[["USUBJID", *columns.values()]]
        parts.append(rows.assign(name=name, row=rows.index))
    own = pd.concat(parts, ignore_index=True)
    own = own[own["value"].notna() & own["test"].isin({code for code, _ in OF_ANY})]
    own = own.assign(day=pd.to_datetime(own["day"])).drop_duplicates(["USUBJID", "test", "day"])
    own = own.sort_values(["USUBJID", "test", "day"], ignore_index=True)
    transplanted = tables["PR"].set_index("USUBJID")["PRSTDTC"].map(pd.Timestamp)
    own = own[~(own["day"] > own["USUBJID"].map(transplanted.groupby(level=0).min()))]
    return tables, own, asked(tables)


@few(50)
@given(
    st.sampled_from(OF_ANY),
    st.booleans(),
    st.sampled_from(["first", "middle", "run", "last", "all"]),
    st.data(),
)
def test_a_value_wrong_by_a_factor_is_asked_about(of, up, where, data):
    tables, own, before = demonstration()
    code, times = (
        of if where != "all" or of in (*OF_UNITS, OF_ANY[-1]) else data.draw(st.sampled_from(OF_UNITS))
    )
    of_test = own[own["test"].eq(code)]
    days = of_test.groupby("USUBJID")["day"].diff().dt.days
    far = of_test[days > 180]["USUBJID"]  # with a gap a neighbour is too far to tell anything
    numbers = of_test[~of_test["USUBJID"].isin(far)].groupby("USUBJID")["test"].transform("size")
    subject = data.draw(st.sampled_from(sorted(of_test.loc[numbers.index[numbers >= 3], "USUBJID"].unique())))
    rows = of_test[of_test["USUBJID"].eq(subject)]
    middle = rows.iloc[[data.draw(st.integers(1, len(rows) - 2))]]
    some = data.draw(st.integers(2, max(2, (len(rows) - 1) // 2)))
    start = data.draw(st.integers(0, len(rows) - some))
    run = rows.iloc[start : start + some] if len(rows) > 4 else middle
    rows = {"first": rows.head(1), "middle": middle, "run": run, "last": rows.tail(1), "all": rows}[where]
    name = rows["name"].iloc[0]
    spoilt = tables[name].copy()
    value = spoilt.loc[rows["row"], f"{name}ORRES"].astype(float) * (times if up else 1 / times)
    spoilt.loc[rows["row"], f"{name}ORRES"] = value.map("{:.4g}".format)
    spoilt.attrs = tables[name].attrs
    found = asked(tables | {name: spoilt})
    new = found[~found["id"].isin(before["id"])]
    label = PROTOCOL.parameter(code).param if code in FACTORS else "Weight"
    named = new["message"].str.contains(f"{code}|{label}", regex=True) & new["USUBJID"].eq(subject)
    assert named.any(), (code, times, up, where, subject, new["message"].tolist())
    inside = where == "run" and start > 0 and start + some < len(of_test[of_test["USUBJID"].eq(subject)])
    if inside and len(rows) > 1:  # beside values that are right on both sides none of these is blamed
        several = new[named & new["rule"].eq("several values far from those before and after")]
        days = f"{rows['day'].iloc[0]:%Y-%m-%d} to {rows['day'].iloc[-1]:%Y-%m-%d}"
        assert several["message"].str.contains(days).all(), (
            code,
            times,
            up,
            days,
            several["message"].tolist(),
        )


@pytest.mark.parametrize(("height", "said"), [("170", "body mass index"), (None, "weight")])
def test_weights_of_all_in_pounds_are_one_line(height, said):
    rows = [event("VS", who, on(1), VSTESTCD="WEIGHT", VSORRES="150", VSORRESU="kg") for who in "STUVWX"]
    if height:
        rows += [
            event("VS", who, on(1), VSTESTCD="HEIGHT", VSORRES=height, VSORRESU="cm") for who in "STUVWX"
        ]
    found = asked(trial(*(patient(who) for who in "STUVWX"), VS=rows)).set_index("rule")
    query = found.loc["weight and height disagree"]
    assert query["message"].startswith(f"The median {said} of 6 patients is")
