"""The agreement with other software as results, tables and words."""

import re

import pandas as pd
import pytest

from esld.methods import step
from esld.report import numbers
from esld.report.phrases import method_words
from esld.report.results import rows_of, slug
from esld.report.validation import agreement as validation
from esld.report.words.catalogue import PSEUDO, Reader, message, read_by
from tests.report.builders import plain, spans

AGREED = pd.DataFrame(
    {
        "method": ["Kaplan–Meier", "Cox"],
        "oracle": ["R survival 3.5-3, survfit", "R survival 3.5-3, coxph"],
        "values": [1200, 34],
        "largest_relative_difference": [0.0, 5e-10],
        "tolerance": [1e-8, 1e-6],
    }
)


@pytest.fixture
def reported():
    return rows_of("validation", validation.agreement_rows(AGREED), analysis="V", chapter="c")


def test_a_row_a_method_and_the_totals(reported):
    row = reported.row("largest_relative_difference_cox")
    assert (row.value, row.n, row.method, row.result_id) == (
        5e-10,
        34,
        "reference:cox",
        "validation.largest_relative_difference_cox",
    )
    assert reported.row("values_compared").value == 1234
    assert reported.row("largest_relative_difference").value == 5e-10
    assert reported.row("methods_beyond_tolerance").value == 0
    assert len(reported.rows) == 5


def test_the_sentence_carries_its_results(reported):
    text = validation.agreement_sentence(reported)
    assert plain(text) == (
        "1,234 values were compared with another implementation: all agree as closely as is asked. "
        "The largest relative difference is 5 × 10⁻¹⁰."
    )
    assert [id for id, _ in spans(text)] == [
        "validation.values_compared",
        "validation.methods_beyond_tolerance",
        "validation.largest_relative_difference",
    ]


def test_the_sentence_hides_no_disagreement():
    worse = AGREED.assign(largest_relative_difference=[1e-7, 5e-10])
    rows = rows_of("validation", validation.agreement_rows(worse), analysis="V", chapter="c")
    text = plain(validation.agreement_sentence(rows))
    assert "1 method differs by more than is allowed" in text
    assert "all agree" not in text


def test_the_table():
    table = validation.agreement_table(AGREED)
    assert table.frame.to_dict("list") == {
        "Method": ["Kaplan–Meier", "Cox"],
        "Compared with": ["R survival 3.5-3, survfit", "R survival 3.5-3, coxph"],
        "Values": ["1200", "34"],
        "Largest relative difference": ["none", "5 × 10⁻¹⁰"],
        "Allowed": ["10⁻⁸", "10⁻⁶"],
    }
    assert "10⁻¹⁴" in " ".join(table.footnotes)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "none"), (1e-8, "10⁻⁸"), (5e-15, "5 × 10⁻¹⁵"), (0.3, "3 × 10⁻¹")]
)
def test_powers_of_ten(value, text):
    assert numbers.power(value) == text


def test_what_is_not_compared_has_a_reason():
    table = validation.not_compared_table()
    assert len(table.frame) == len(validation.NOT_COMPARED)
    told = dict(zip(table.frame["Not compared"], table.frame["Why"], strict=True))
    assert "regression of counts" in told["Negative binomial and Poisson regression"]


def test_the_record_lies_in_the_package():
    agreed = validation.agreement()
    assert list(agreed.columns) == list(AGREED.columns)
    assert agreed["method"].is_unique
    for method, oracle in zip(agreed["method"], agreed["oracle"], strict=True):
        assert message(f"agreement.method.{slug(method)}") == method
        assert message(f"agreement.oracle.{slug(method)}") == oracle
    assert (
        len(rows_of("v", validation.agreement_rows(agreed), analysis="V", chapter="c").rows)
        == len(agreed) + 3
    )


def test_every_word_is_of_the_catalogue(reported):
    with read_by(Reader(PSEUDO)):
        tables = [validation.agreement_table(validation.agreement()), validation.not_compared_table()]
        said = [plain(validation.agreement_sentence(reported))]
        for table in tables:
            said += [table.title, *table.frame.columns, *table.frame.to_numpy().ravel(), *table.footnotes]
    assert not [text for text in said if re.search("[a-z]{2}", text)]


def test_the_reference_is_told_in_the_words_of_the_reader():
    with read_by(Reader("zh")):
        for code in (slug(name) for name in validation.agreement()["method"]):
            assert method_words(step("reference", code)) == message(f"agreement.oracle.{code}")
            assert "written" not in method_words(step("reference", code))
