"""Tables as bytes and back: identical to the cell, or refused."""

import math
import struct

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.frames import UnknownKindError, frames_from_bytes, frames_to_bytes

MIXED = st.one_of(
    st.none(),
    st.just(np.nan),
    st.text(max_size=3),
    st.integers(),
    st.booleans(),
    st.floats(allow_infinity=False),
)
NUMBERS = st.one_of(st.floats(width=64), st.just(-0.0))
MOMENTS = st.one_of(st.none(), st.datetimes(pd.Timestamp(1700, 1, 1), pd.Timestamp(2200, 1, 1)))


def same(one: object, two: object) -> bool:
    """Of one type, and to the bit."""
    if type(one) is float and type(two) is float:
        return struct.pack("d", one) == struct.pack("d", two)
    return type(one) is type(two) and (one == two or (one is pd.NaT and two is pd.NaT))


def assert_same(one: pd.DataFrame, two: pd.DataFrame) -> None:
    kinds = {"check_column_type": "exact", "check_index_type": "exact", "check_exact": True}
    pd.testing.assert_frame_equal(one, two, **kinds)
    assert (type(one.index), one.attrs) == (type(two.index), two.attrs)
    for name in one:
        for ours, theirs in zip(one[name].tolist(), two[name].tolist(), strict=True):
            assert same(ours, theirs), (name, ours, theirs)


def back(**frames: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return frames_from_bytes(*frames_to_bytes(frames))


@given(data=st.data(), rows=st.integers(0, 6))
def test_what_is_written_is_read(data, rows):
    def column(cells, dtype):
        return pd.Series(data.draw(st.lists(cells, min_size=rows, max_size=rows)), dtype=dtype)

    frame = pd.DataFrame({
        "mixed": column(MIXED, object), "empty": column(st.none(), object), "real": column(NUMBERS, "float64"),
        "whole": column(st.integers(-(2**63), 2**63 - 1), "int64"), "flag": column(st.booleans(), "bool"),
        "day": column(MOMENTS, "datetime64[ns]"), "单位": column(st.text(max_size=2), object),
    })  # fmt: skip
    frame.attrs = {"file": "dm.csv", "n": 1}
    found = back(a=frame, none=frame[[]], b=frame.iloc[:, ::-1])
    assert list(found) == ["a", "none", "b"]
    assert_same(found["a"], frame)
    assert_same(found["none"], frame[[]])
    assert_same(found["b"], frame.iloc[:, ::-1])


def test_the_missing_values_of_a_column_of_objects_stay_apart():
    values = [None, np.nan, "", "NaN", "None", 0, 0.0, -0.0, False]
    found = back(a=pd.DataFrame({"x": pd.Series(values, dtype=object)}))["a"]["x"].tolist()
    assert found[0] is None
    assert type(found[1]) is float
    assert math.isnan(found[1])
    assert [(type(v), str(v)) for v in found[2:]] == [(type(v), str(v)) for v in values[2:]]


def test_what_is_read_can_be_changed():
    """And does not change what another table holds."""
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": pd.Series(["a", "a"], dtype=object)})
    found = back(a=frame, b=frame)
    found["a"].loc[0, ["x", "y"]] = [7.0, "z"]
    assert found["a"].to_numpy().tolist() == [[7.0, "z"], [2.0, "a"]]
    assert_same(found["b"], frame)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"x": pd.Series([(1,)], dtype=object)}),
        pd.DataFrame({"x": pd.Series([math.inf], dtype=object)}),
        pd.DataFrame({"x": pd.Series([pd.NaT], dtype=object)}),
        pd.DataFrame({"x": pd.Series([np.float64(1)], dtype=object)}),
        pd.DataFrame({"x": pd.Categorical(["a"])}),
        pd.DataFrame({"x": pd.array(["a"], dtype="string")}),
        pd.DataFrame({"x": pd.to_datetime(["2025-01-01T00:00Z"])}),
        pd.DataFrame({"x": [1]}, index=[1]),
        pd.DataFrame({"x": [1]}, index=pd.RangeIndex(1, name="n")),
        pd.DataFrame([[1, 2]], columns=["x", "x"]),
        pd.DataFrame({1: [1]}),
    ],
)
def test_what_would_not_come_back_is_refused(frame):
    with pytest.raises(UnknownKindError):
        frames_to_bytes({"a": frame})


@pytest.mark.parametrize("attrs", [{"file": ("a",)}, {1: "a"}, {"file": {"a"}}])
def test_so_are_attributes(attrs):
    frame = pd.DataFrame({"x": [1]})
    frame.attrs = attrs
    with pytest.raises(UnknownKindError):
        frames_to_bytes({"a": frame})


def test_bytes_too_many_or_too_few_are_no_tables():
    described, content = frames_to_bytes({"a": pd.DataFrame({"x": [1.0, 2.0]})})
    for wrong in (content[:-1], content + b"x", b""):
        with pytest.raises(ValueError):
            frames_from_bytes(described, wrong)
