"""What sealing takes of a protocol."""

from pathlib import Path

import pytest

from esld.allocation.design_file import trial_of
from esld.protocol import read_protocol

PROTOCOLS = Path(__file__).parents[2] / "params" / "protocols"


def test_the_trial_of_the_protocol():
    trial = trial_of(read_protocol(PROTOCOLS / "nct06167473.yaml"))
    assert (trial.id, trial.masked, trial.infusions) == ("NCT06167473", False, 3)
    assert [(a.code, a.dose, a.unit) for a in trial.arms] == [
        ("LOW", "1", "10^6 cells/kg"),
        ("MEDHIGH", "3", "10^6 cells/kg"),
    ]
    assert len(trial.criteria) == 14
    assert trial.criteria[0] == "IN01"


@pytest.mark.parametrize(
    ("masking", "masked"),
    [("None (open label)", False), ("Open label", False), ("Double-blind", True), ("Quadruple", True)],
)
def test_masking(masking, masked):
    protocol = read_protocol(PROTOCOLS / "nct06167473.yaml")
    stated = protocol.masking.model_copy(update={"value": masking})
    assert trial_of(protocol.model_copy(update={"masking": stated})).masked is masked


def test_a_trial_without_doses():
    trial = trial_of(read_protocol(PROTOCOLS / "mayo-pbc.yaml"))
    assert [arm.dose for arm in trial.arms] == ["", ""]
    assert trial.infusions == 0
