"""Frames one under the other: empty and blank ones decide on no type, and warn of nothing."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from esld.longform import stacked

DAY = pd.Timestamp("2026-01-01")
KINDS = {
    "day": lambda n: pd.Series([DAY] * n, dtype="datetime64[ns]"),
    "number": lambda n: pd.Series(np.arange(n, dtype=float)),
    "word": lambda n: pd.Series(["a"] * n, dtype=object),
    "no day": lambda n: pd.Series([pd.NaT] * n, dtype="datetime64[ns]"),
    "no number": lambda n: pd.Series([np.nan] * n),
    "no word": lambda n: pd.Series([None] * n, dtype=object),
}
FRAME = st.tuples(st.integers(0, 2), st.sampled_from([*KINDS]), st.sampled_from([*KINDS]))


@given(st.lists(FRAME, min_size=1, max_size=3))
def test_every_row_is_there_and_what_holds_nothing_changes_no_type(made):
    frames = [
        pd.DataFrame({"x": KINDS[x](n), f"y{place}": KINDS[y](n)}) for place, (n, x, y) in enumerate(made)
    ]
    found = stacked(frames)
    assert len(found) == sum(map(len, frames))
    assert list(found) == ["x", *(f"y{place}" for place in range(len(frames)))]
    assert list(found.index) == list(range(len(found)))
    held = [frame["x"] for frame in frames if frame["x"].notna().any()]
    assert found["x"].dropna().tolist() == [value for own in held for value in own]
    if held and len({own.dtype for own in held}) == 1:
        assert found["x"].dtype == held[0].dtype
