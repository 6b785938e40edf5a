"""The PyPI package *survival*, a port of R's: a second oracle, on random data that no file of references holds."""

from math import isnan

import numpy as np
import pandas as pd
import pytest
import survival as port
from hypothesis import given
from hypothesis import strategies as st

from esld.survival import cox, logrank
from tests.examples import few

patients = st.lists(
    st.tuples(st.integers(1, 9), st.booleans(), st.booleans(), st.integers(0, 3), st.booleans()),
    min_size=6,
    max_size=22,
)


def table(rows):
    frame = pd.DataFrame(rows, columns=["t", "e", "x", "y", "s"])
    return frame.astype({"t": float, "e": int, "x": float, "y": float, "s": int})


def as_columns(frame):
    return {name: frame[name].tolist() for name in frame}


@few(60)
@given(patients, st.sampled_from(["efron", "breslow", "exact"]), st.booleans())
def test_cox(rows, ties, stratified):
    frame = table(rows)
    ours = cox(
        frame, duration="t", event="e", covariates=["x", "y"], ties=ties, strata="s" if stratified else None
    )
    if ours.reason or np.max(np.abs(ours.coef)) > 5:
        return  # the port goes on where there is no maximum, and stops early where it is nearly flat
    formula = f"Surv(t, e) ~ x + y{' + strata(s)' if stratified else ''}"
    theirs = port.coxph(formula, as_columns(frame), ties=ties, eps=1e-11, iter_max=100)
    np.testing.assert_allclose(ours.coef, port.coef(theirs), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(ours.vcov, port.vcov(theirs), rtol=1e-5, atol=1e-8)


@few(60)
@given(patients)
def test_log_rank(rows):
    frame = table(rows)
    if frame["x"].nunique() < 2:
        return
    ours = logrank(frame["t"], frame["e"], frame["x"])
    if not isnan(ours.chisq):
        theirs = port.survdiff("Surv(t, e) ~ x", as_columns(frame))
        assert ours.chisq == pytest.approx(theirs.chisq, rel=1e-9, abs=1e-12)
