"""Type I error at n = 22 of the model that the protocol names, with Kenward-Roger, by simulation."""

from math import sqrt
from pathlib import Path

import pytest

from esld.protocol import read_protocol
from tests.bench.simulate_mmrm import simulate

PROTOCOL = Path(__file__).parents[2] / "params" / "protocols" / "nct06167473.yaml"
NOMINAL, LARGEST = 0.05, 0.06


@pytest.mark.parametrize(
    ("trials", "errors"),
    [pytest.param(20_000, 0, marks=pytest.mark.slow), (300, 3)],  # a few trials see a gross error only
    ids=["slow", "few"],
)
def test_is_not_above_six_per_cent(trials, errors, record_property):
    model = read_protocol(PROTOCOL).analysis("LFT").model
    found = simulate(model.covariance, trials)
    for what in ("week 48", "arm by visit"):
        share = float((found[what] < NOMINAL).mean())
        record_property(
            what, f"{share:.4f}, Monte Carlo standard error {sqrt(share * (1 - share) / trials):.4f}"
        )
        assert share <= LARGEST + errors * sqrt(LARGEST * (1 - LARGEST) / trials), what
        assert share > 0.02 - errors * sqrt(0.02 * 0.98 / trials), f"{what}: a test that never rejects"
    assert (found["covariance"] == model.covariance).mean() > 0.99
