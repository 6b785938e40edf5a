"""One trial, nine doors: the results are the same as those on record. What a run takes, times nine: left to `make soak`."""

import pytest

from esld.data.cutfile import read_cut
from esld.pipeline.agreement import files_agree
from esld.pipeline.how import How
from esld.pipeline.run import run_cuts
from tests.data.doors import DOORS, working_copy


@pytest.mark.slow
@pytest.mark.parametrize("door", DOORS)
def test_the_results_are_the_same(published, tmp_path, door):
    (outcome,) = run_cuts([read_cut(working_copy(door, tmp_path / "copy"))], How())
    results = outcome.index.parent / "results.json"
    assert files_agree(
        published("demo-final") / "results.json", results
    )  # another processor, another last digit
