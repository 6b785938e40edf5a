"""The queries of `tests/reference/cases/exports.md`: the demonstration export with one change each, and what is asked then.

The exports are cut on the day of the demonstration's own cut-off; what the demonstration asks without a change is left out.
"""

from functools import cache

import pandas as pd
import pytest

from esld.data.adam import derive_adlb, derive_adsl
from esld.data.cut import apply_cut
from esld.data.queries import Evidence, find_queries, unscored
from tests.data.small_trial import PROTOCOL
from tests.data.spoilt import demo_tables, put

DAY = pd.Timestamp("2026-03-31")
TWELVE = "NCT06167473-012"


def asked(**changes) -> pd.DataFrame:
    tables = demo_tables() | {name: change(demo_tables()[name]) for name, change in changes.items()}
    tables, _ = apply_cut(tables, DAY, DAY)
    adsl = derive_adsl(tables, PROTOCOL, DAY)
    return find_queries(Evidence(tables, adsl, derive_adlb(tables, adsl, unscored(PROTOCOL)), PROTOCOL))


@cache
def usual() -> pd.DataFrame:
    return asked()


def new(**changes) -> pd.DataFrame:
    """What is asked besides; of what is asked as a rule nothing falls away but what is of the changed domains."""
    found = asked(**changes)
    of_others = ~usual()["record"].fillna("").str.contains("|".join(changes))
    assert set(usual()["id"][of_others]) <= set(found["id"])
    return found[~found["id"].isin(usual()["id"])]


def of(table: pd.DataFrame, subject: str) -> pd.Series:
    return table["USUBJID"].eq(subject)


def test_2_a_death_that_demographics_do_not_know():
    found = new(DM=lambda dm: put(dm, of(dm, TWELVE), DTHFL=None, DTHDTC=None))
    assert found["message"].tolist() == ["Death is recorded in AE, DS but not in DM."]
    assert found[["USUBJID", "severity"]].iloc[0].tolist() == [TWELVE, "critical"]


def test_4_events_that_are_not_coded_yet():
    found = new(CE=lambda ce: put(ce, slice(None), CEDECOD=None))
    assert found["severity"].tolist() == ["critical"]
    assert (
        found["message"]
        .item()
        .startswith("CEDECOD is empty on 17 of 17 records of CE with a CETERM: nothing that")
    )
    one = new(CE=lambda ce: put(ce, ce.index[:1], CEDECOD=None))
    assert one["record"].tolist() == ["CE 1"]


def test_15_a_fatal_event_of_a_patient_who_lives_in_every_other_form():
    living = "NCT06167473-001"
    found = new(AE=lambda ae: put(ae, ae.index[of(ae, living)][:1], AETOXGR="5", AESDTH="Y", AESER="Y"))
    messages = found.set_index("rule")["message"]
    assert messages["death missing in a form"].tolist() == [
        "Death is recorded in AE but not in DM.",
        "Death is recorded in AE but not in DS.",
    ]
    assert "AEOUT RECOVERED/RESOLVED" in messages["fatal in one variable and not in another"]
    assert set(found["USUBJID"]) == {living}


@pytest.mark.parametrize(
    ("name", "start", "end"), [(n, f"{n}STDTC", f"{n}ENDTC") for n in ("AE", "CE", "EX", "CM")]
)
def test_16_an_end_before_its_start(name, start, end):
    def swap(table):
        (row,) = table.index[table[start].str.len().eq(10)][:1]
        early = f"{pd.Timestamp(table.loc[row, start]) - pd.Timedelta(days=1):%Y-%m-%d}"
        return put(table, [row], **{end: early})

    found = new(**{name: swap})
    assert found["rule"].tolist() == ["end before start"]
    assert found["message"].item().startswith(f"{end} ")


def test_24_limits_swapped_on_every_record_of_a_test():
    def swap(lb):
        own = lb["LBTESTCD"].eq("ALT")
        low, high = lb["LBORNRLO"].copy(), lb["LBORNRHI"].copy()
        return put(lb, own, LBORNRLO=high[own], LBORNRHI=low[own].fillna("1"))

    found = new(LB=swap)
    assert found["rule"].tolist() == ["limits of normal swapped"]
    assert found["message"].item().startswith("ALT: LBORNRLO ")
    assert found["message"].item().count("NCT06167473-") == 3


def test_31_units_of_what_no_analysis_uses():
    def more(lb):
        units = {"MCV": "fL-odd", "MCH": "pg!", "HCT": None, "RDW": "?"}
        others = [
            lb.assign(LBTESTCD=code, LBTEST=code, LBORRESU=unit, LBSEQ=f"9{n}" + lb["LBSEQ"].str.zfill(3))
            for n, (code, unit) in enumerate(units.items())
        ]
        return pd.concat([lb, *others], ignore_index=True)

    found = new(LB=more)
    units = found[found["rule"].eq("unit missing or unknown")]
    assert len(units) == 1
    assert "of 4 tests that no analysis uses" in units["message"].item()
    assert units["severity"].item() == "minor"
    assert len(found) <= 2  # the record that stands twice does so in each of them too: one line
