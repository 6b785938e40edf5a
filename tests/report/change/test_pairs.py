"""The comparisons with the control: their names, and p-values that share an error."""

from dataclasses import replace

import pandas as pd
import pytest

from esld.report.change import pairs
from esld.report.phrases import reader_of
from esld.report.words.catalogue import read_by
from tests.report.change import trials
from tests.report.change.trials import trial


def rows(own, values):
    names = [pairs.difference_label(pair) for pair in own.pairs]
    made = [
        {"group": g, "statistic": "p_value", "value": p, "time": 4.0}
        for g, p in zip(names, values, strict=True)
    ]
    return pd.DataFrame(made)


@pytest.mark.parametrize(
    ("rule", "wanted"), [("holm", [0.04, 0.03, 0.04]), ("fixed sequence", [0.02, 0.02, 0.04])]
)
def test_adjusted_as_the_protocol_says(rule, wanted):
    """Holm: 3 x 0.01, 2 x 0.02, and 0.04. In sequence: the largest so far."""
    own = trials.study(trial(4, multiplicity=rule))
    found = pairs.with_adjusted(own, rows(own, [0.02, 0.01, 0.04]), "p_value", time=4)
    adjusted = found[found["statistic"].eq("p_value_adjusted")]
    assert adjusted["value"].tolist() == pytest.approx(wanted)
    assert adjusted["group"].tolist() == ["LO - PBO", "HI - PBO", "MAX - PBO"]
    assert pairs.note(own)[0].startswith("Adjusted p-values")


def test_nothing_is_adjusted_where_nothing_says_so():
    own = trials.study(trial(3))
    frame = rows(own, [0.02, 0.01])
    assert pairs.with_adjusted(own, frame, "p_value") is frame
    assert pairs.note(own) == ["No p-value is corrected for the 2 comparisons with the control."]


def test_of_two_arms_there_is_one_comparison():
    own = trials.study(trial(2, multiplicity="holm"))
    frame = rows(own, [0.02])
    assert pairs.with_adjusted(own, frame, "p_value") is frame
    assert pairs.note(own) == []
    with read_by(reader_of(own)):
        assert pairs.minus(own) == "lo tablets minus pbo tablets"


def test_a_masked_view_leaves_adjustment_to_the_unblinded_report():
    own = trials.study(trial(3))
    masked = replace(own, file=replace(own.file, cut=own.cut.model_copy(update={"view": "masked"})))
    with read_by(reader_of(masked)):
        (said,) = pairs.note(masked)
    assert "which need not be the control" in said
    assert "left to the unblinded report" in said
