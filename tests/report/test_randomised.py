"""The order of entry, and the design that a randomisation test repeats."""

from dataclasses import replace

import pytest

from esld.data.pseudonyms import pseudonyms, read_key
from esld.protocol import Factor, Protocol, RandomisationDesign
from esld.randomisation import (
    CompleteRandomisation,
    Conditioned,
    PermutedBlocks,
    SimpleRandomisation,
    Stratified,
)
from esld.report import randomised
from esld.report.randomisation import entry
from esld.report.results import rows_of
from tests.report.builders import HIGH, LOW, patient, plain, study_of, unspanned_numbers


def with_design(study, design):
    plan = study.protocol.randomisation.model_copy(update={"design": design})
    return replace(study, protocol=study.protocol.model_copy(update={"randomisation": plan}))


@pytest.fixture(scope="module")
def small():
    days = ["2024-03-01", "2024-01-01", "2024-02-01", "2024-01-01"]
    return study_of([patient(i + 1, arm, randomised=days[i]) for i, arm in enumerate((LOW, HIGH, HIGH, LOW))])


def test_pseudonyms_do_not_change_who_of_one_day_came_first(study):
    """The example has days with two patients; a randomisation test must not depend on the key of a masked view."""
    whole, masked = study("tablets-three-arms"), study("tablets-three-arms-masked")
    order = randomised.order_of_entry(whole)["USUBJID"]
    named = pseudonyms(order, read_key(masked.file.pseudonyms_path))
    assert randomised.order_of_entry(masked)["USUBJID"].tolist() == order.map(named).tolist()
    by_pseudonym = masked.randomised.sort_values(["RANDDT", "USUBJID"])["USUBJID"].tolist()
    assert by_pseudonym != order.map(named).tolist()


def test_order_of_entry_is_by_day_then_number(small):
    assert randomised.order_of_entry(small)["USUBJID"].tolist() == ["P-002", "P-004", "P-003", "P-001"]


@pytest.mark.parametrize(
    ("design", "wanted"),
    [
        (None, CompleteRandomisation(sizes=(2, 2))),
        (RandomisationDesign(kind="complete"), CompleteRandomisation(sizes=(2, 2))),
        (RandomisationDesign(kind="permuted blocks"), CompleteRandomisation(sizes=(2, 2))),
        (
            RandomisationDesign(kind="permuted blocks", block_sizes=(2, 4)),
            Conditioned(design=PermutedBlocks(n=4, sizes=(2, 4)), sizes=(2, 2)),
        ),
        (
            RandomisationDesign(kind="simple", ratio=(1, 1)),
            Conditioned(design=SimpleRandomisation(n=4), sizes=(2, 2)),
        ),
    ],
    ids=["none", "complete", "blocks of hidden sizes", "blocks", "simple"],
)  # fmt: skip
def test_reference_set_is_that_of_the_protocol_given_the_sizes(small, design, wanted):
    assert randomised.reference_design(with_design(small, design), (LOW, HIGH)) == wanted


def test_within_strata_every_stratum_has_the_sizes_that_came_about(small):
    """In order of entry: P-002 high, P-004 low, P-003 high, P-001 low; P-004 and P-003 are of the second site."""
    site = small.adsl["USUBJID"].isin(["P-003", "P-004"]).map({True: "2", False: "1"})
    without = with_design(small, None)
    protocol = without.protocol.model_copy(update={"strata": (Factor(name="Site", variable="SITEID"),)})
    own = replace(without, protocol=protocol, adsl=small.adsl.assign(STRATAR=site))
    one = CompleteRandomisation(sizes=(1, 1))
    assert randomised.reference_design(own, (LOW, HIGH)) == Stratified(
        designs={"1": one, "2": one}, strata=["1", "2", "2", "1"]
    )
    assert randomised.planned_design(own, 4) is None


def test_a_design_that_cannot_have_given_the_arms_is_not_repeated(small):
    """In order of entry: high, low, high, low. Blocks of two give that; the two highs first they cannot give."""
    own = with_design(small, RandomisationDesign(kind="permuted blocks", block_sizes=(2,)))
    assert isinstance(randomised.reference_design(own, (LOW, HIGH)), Conditioned)
    arms = dict(zip(randomised.order_of_entry(own)["USUBJID"], [HIGH, HIGH, LOW, LOW], strict=True))
    other = replace(own, adsl=own.adsl.assign(ARMCD=own.adsl["USUBJID"].map(arms)))
    assert randomised.reference_design(other, (LOW, HIGH)) == CompleteRandomisation(sizes=(2, 2))


def test_a_part_of_the_patients_keeps_nothing_but_its_sizes(small):
    design = with_design(small, RandomisationDesign(kind="permuted blocks", block_sizes=(2,)))
    found = randomised.reference_design(design, (LOW, HIGH), ["P-001", "P-002", "P-003"])
    assert found == CompleteRandomisation(sizes=(1, 2))


def test_a_ratio_is_that_of_the_pair_whichever_arm_the_protocol_names_first(small):
    own = with_design(small, RandomisationDesign(kind="simple", ratio=(1, 2)))
    turned = replace(own, protocol=Protocol.model_validate(own.protocol.model_dump() | {"control": HIGH}))
    assert own.protocol.ratio == (1, 2)
    assert turned.protocol.ratio == (2, 1)
    assert turned.arms == [HIGH, LOW]
    found = randomised.reference_design(turned, (HIGH, LOW))
    assert found == Conditioned(design=SimpleRandomisation(n=4, probability_second=1 / 3), sizes=(2, 2))


def test_the_example_could_have_come_about(study):
    """The demonstration trial's allocation is one that its protocol can yield."""
    own = study("demo-final")
    codes = randomised.order_of_entry(own)["ARMCD"].eq(own.arms[1]).to_numpy(dtype=int)
    assert randomised.reference_design(own, own.pairs[0]).admits(codes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ratio": (0, 1)}, "greater than or equal to 1"),
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
    picture = entry.entry_figure(small)
    steps = {line.get_label(): list(line.get_ydata()) for line in picture.figure.axes[0].get_lines()}
    assert steps == {"Low dose (2)": [0, 1, 2, 2], "Medium-high dose (2)": [0, 1, 2, 2]}
