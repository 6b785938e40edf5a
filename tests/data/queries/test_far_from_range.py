"""A test that is wrong by one factor on every record, the normal ranges beside it as they were."""

import pandas as pd
import pytest

from esld.data.sdtm import Tables
from tests.data.queries.asking import asked
from tests.data.queries.test_factors_of_units import demonstration

RULE = "results of a test far from their normal range"


def times(code: str, factor: float) -> Tables:
    tables = dict(demonstration()[0])
    attrs, lb = tables["LB"].attrs, tables["LB"].copy()
    own = lb["LBTESTCD"].eq(code) & lb["LBORRES"].notna()
    lb.loc[own, "LBORRES"] = (pd.to_numeric(lb.loc[own, "LBORRES"]) * factor).map("{:.6g}".format)
    lb.attrs = attrs
    return tables | {"LB": lb}


def of_test(queries: pd.DataFrame, code: str) -> pd.DataFrame:
    """Lines of the whole test that ask for its unit."""
    unit = queries["rule"].isin([RULE, "implausible value"]) & queries["USUBJID"].eq("")
    return queries[unit & queries["message"].str.contains("unit", regex=False)]


@pytest.mark.parametrize(
    ("code", "factor"),
    [
        *((code, factor) for code in ("CREAT", "ALT", "INR", "AST") for factor in (5.0, 10.0)),
        *((code, 0.1) for code in ("CREAT", "ALB", "PLAT")),
        ("CREAT", 88.42),
    ],
)
def test_a_factor_on_every_record_is_one_line(code, factor):
    before = asked(demonstration()[0])
    found = asked(times(code, factor))
    new = found[~found["id"].isin(before["id"])]
    assert len(of_test(new, code)) == 1
    assert not new["rule"].eq("values of a patient far from those of the others").any()


def test_what_lies_as_the_range_does_or_has_none_is_not_asked():
    tables = demonstration()[0]
    assert not asked(tables)["rule"].eq(RULE).any()
    assert not asked(times("CREAT", 2.0))["rule"].eq(RULE).any()  # a factor of two is told from no disease
    lb = times("CREAT", 5.0)["LB"]
    bare = lb.drop(columns=["LBORNRLO", "LBORNRHI"])
    bare.attrs = lb.attrs
    assert not asked(tables | {"LB": bare})["rule"].eq(RULE).any()
