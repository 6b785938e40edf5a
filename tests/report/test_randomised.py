"""The order of entry, and the design that a randomisation test repeats."""

import pytest

from esld.protocol import RandomisationDesign
from esld.randomisation import CompleteRandomisation, Conditioned, PermutedBlocks, SimpleRandomisation
from esld.report import randomised
from esld.report.randomisation import entry
from esld.report.results import rows_of
from tests.report.builders import HIGH, LOW, patient, plain, study_of, unspanned_numbers


def with_design(study, design):
    plan = study.protocol.randomisation.model_copy(update={"design": design})
    return study.__class__(
        **{**study.__dict__, "protocol": study.protocol.model_copy(update={"randomisation": plan})}
    )


@pytest.fixture(scope="module")
def small():
    days = ["2024-03-01", "2024-01-01", "2024-02-01", "2024-01-01"]
    return study_of([patient(i + 1, arm, randomised=days[i]) for i, arm in enumerate((LOW, HIGH, HIGH, LOW))])


def test_order_of_entry_is_by_day_then_number(small):
    assert randomised.order_of_entry(small)["USUBJID"].tolist() == ["P-002", "P-004", "P-003", "P-001"]


@pytest.mark.parametrize(
    ("design", "wanted"),
    [
        (None, CompleteRandomisation(sizes=(2, 2))),
        (RandomisationDesign(kind="complete"), CompleteRandomisation(sizes=(2, 2))),
        (RandomisationDesign(kind="permuted blocks"), CompleteRandomisation(sizes=(2, 2))),
        (
            RandomisationDesign(kind="permuted blocks", block_sizes=(2,), strata=("SITE",)),
            CompleteRandomisation(sizes=(2, 2)),
        ),
        (
            RandomisationDesign(kind="permuted blocks", block_sizes=(2, 4)),
            Conditioned(design=PermutedBlocks(n=4, sizes=(2, 4)), sizes=(2, 2)),
        ),
        (
            RandomisationDesign(kind="simple", ratio=(1, 1)),
            Conditioned(design=SimpleRandomisation(n=4), sizes=(2, 2)),
        ),
    ],
    ids=["none", "complete", "blocks of hidden sizes", "strata", "blocks", "simple"],
)  # fmt: skip
def test_reference_set_is_that_of_the_protocol_given_the_sizes(small, design, wanted):
    assert randomised.reference_design(with_design(small, design)) == wanted


def test_the_example_could_have_come_about(study):
    """The demonstration trial's allocation is one that its protocol can yield."""
    own = study("demo-final")
    codes = randomised.order_of_entry(own)["ARMCD"].eq(own.arms[1]).to_numpy(dtype=int)
    assert randomised.reference_design(own).admits(codes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ratio": (0, 1)}, "ratio must be whole numbers above 0"),
        ({"block_sizes": (2, 3)}, r"block_sizes must be multiples of 2, got \[3\]"),
        ({"kind": "simple", "block_sizes": (2,)}, "block_sizes belong to permuted blocks, not to simple"),
    ],
)
def test_designs_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        RandomisationDesign(**({"kind": "permuted blocks"} | change))


def test_entry_by_hand(small):
    """In order of entry: high, low, high, low."""
    rows = rows_of("entry", entry.entry_rows(small), analysis="A", chapter="c")
    assert rows.row("largest gap").value == 1
    html = entry.entry_sentence(small, rows)
    assert plain(html) == (
        "4 patients were randomised, 2 to low dose and 2 to medium-high dose. At no moment did the groups differ by more than 1."
    )
    assert not unspanned_numbers(html)
    picture = entry.entry_figure(small, title=entry.headline(small, rows))
    steps = {line.get_label(): list(line.get_ydata()) for line in picture.figure.axes[0].get_lines()}
    assert steps == {"Low dose (2)": [0, 1, 2, 2], "Medium-high dose (2)": [0, 1, 2, 2]}
