"""How well assignments could be guessed: designs beside one another, and what came about."""

from dataclasses import replace

import pytest

from esld.randomisation import CompleteRandomisation, PermutedBlocks
from esld.report import numbers
from esld.report.randomisation import predictability
from esld.report.randomised import PLANNED, designs_beside
from esld.report.results import rows_of
from tests.report.builders import HIGH, LOW, footnotes, patient, plain, study_of, unspanned_numbers


@pytest.fixture(scope="module")
def small():
    days = [f"2024-0{i}-01" for i in range(1, 7)]
    arms = [LOW, HIGH, HIGH, LOW, LOW, HIGH]
    return study_of([patient(i + 1, arm, randomised=days[i]) for i, arm in enumerate(arms)])


def test_designs_are_the_planned_one_and_the_usual_ones(small):
    designs = designs_beside(small, len(small.randomised))
    assert designs[PLANNED] == PermutedBlocks(n=6, sizes=(2, 4, 6))
    assert designs["complete"] == CompleteRandomisation(sizes=(3, 3))
    assert {d.n for d in designs.values()} == {6}


def test_table_is_the_rows(small):
    designs = designs_beside(small, len(small.randomised))
    reported = rows_of("designs", predictability.design_rows(designs, seed="x"), analysis="A", chapter="c")
    table = predictability.design_table(designs, reported)
    frame = table.frame.set_index("Design")
    assert list(frame.index) == ["This trial", "Complete", "Simple", "Blocks of 4", "Efron's biased coin"]
    assert [cell.values()["text"] for cell in table.cells["design"]] == list(designs)
    for name, shown in zip(designs, frame["Guessed by counting"], strict=True):
        assert shown == numbers.percent(reported.row("predictability", name).value)
    assert frame.loc["Simple", "Guessed by counting"] == "50 %"
    assert "draws" not in " ".join(footnotes(table))  # six patients are listed


def test_what_came_about_by_hand(small):
    """L H H L L H: coin, right, coin, right, coin, right."""
    guesses = rows_of("guessed", predictability.guess_rows(small), analysis="A", chapter="c")
    assert (guesses.row("guessed").value, guesses.row("guessed").n) == (4.5, 6)
    designs = designs_beside(small, len(small.randomised))
    reported = rows_of("designs", predictability.design_rows(designs, seed="x"), analysis="A", chapter="c")
    html = predictability.guess_sentence(guesses, reported)
    assert "right in 4.5 of 6 assignments" in plain(html)
    assert "The expected proportion under this design is" in plain(html)
    assert not unspanned_numbers(html)


def test_a_design_that_cannot_be_repeated_is_left_out(small):
    plan = small.protocol.randomisation
    hidden = plan.model_copy(update={"design": plan.design.model_copy(update={"block_sizes": ()})})
    own = replace(small, protocol=small.protocol.model_copy(update={"randomisation": hidden}))
    designs = designs_beside(own, len(own.randomised))
    assert PLANNED not in designs
    reported = rows_of("designs", predictability.design_rows(designs, seed="x"), analysis="A", chapter="c")
    guesses = rows_of("guessed", predictability.guess_rows(own), analysis="A", chapter="c")
    assert "The expected proportion" not in predictability.guess_sentence(guesses, reported)
