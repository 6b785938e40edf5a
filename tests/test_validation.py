"""What was measured is what the tests compare now, and nothing of the references is passed over in silence."""

import json
import re
import subprocess
import sys
from fnmatch import fnmatchcase
from math import inf, isnan, nan

import pandas as pd
import pytest

from esld.report.validation.agreement import NOT_COMPARED, agreement
from tests.validation import (
    METHODS,
    QUESTIONS,
    README,
    ROOT,
    Comparison,
    compare,
    difference,
    numbers,
    read_references,
    reference_files,
    rounded_up,
    summary,
    with_table,
    worst,
)


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """What the reference tests compare, measured in a process of its own, so that no choice of tests falsifies it."""
    file = tmp_path_factory.mktemp("validation") / "comparisons.json"
    run = subprocess.run(
        [sys.executable, "-m", "tests.validation", str(file)], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    content = json.loads(file.read_text(encoding="utf-8"))
    return [Comparison(c["method"], c["path"], tuple(c["differences"])) for c in content]


@pytest.fixture(scope="module")
def leaves():
    """Path and position of every number of the references."""
    found = set()
    for file in reference_files():
        for results in read_references(file.name).values():
            found |= {(path, i) for path, size in results.leaves() for i in range(size)}
    return found


class TestTheRecord:
    def test_counts_what_is_compared_now(self, compared):
        now, recorded = summary(compared), agreement()
        exact = ["method", "oracle", "values", "tolerance"]
        pd.testing.assert_frame_equal(recorded[exact], now[exact])

    def test_every_method_is_within_its_tolerance(self):
        recorded = agreement()
        assert (recorded["largest_relative_difference"] <= recorded["tolerance"]).all()
        assert (recorded["values"] > 0).all()
        assert set(recorded["tolerance"]) <= {1e-5, 1e-6, 1e-8, 1e-11}

    def test_oracles_have_the_version_of_the_references(self, compared):
        """Every version that an oracle is quoted with is the one of each file that was compared."""
        software = {}
        for file in reference_files():
            for reference in json.loads(file.read_text(encoding="utf-8"))["references"]:
                software[f"{file.name}/{reference['id']}"] = reference["software"]
        for comparison in compared:
            own = software["/".join(comparison.path.split("/")[:2])]
            quoted = re.findall(r"\b([A-Za-z]+) (\d[\d.-]*\d)", METHODS[comparison.method].oracle)
            assert quoted
            for name, version in quoted:
                assert version.replace("-", ".") in own[name], comparison

    def test_the_readme_shows_it(self):
        text = README.read_text(encoding="utf-8")
        assert "## What is compared\n" in text
        assert with_table(text, agreement()) == text, "run python -m tests.validation"


class TestNothingIsPassedOver:
    def test_every_number_is_compared_or_listed(self, compared, leaves):
        seen = {(path, i) for _, path, i in worst(compared)}
        assert seen <= leaves
        listed = [*QUESTIONS, *(p for item in NOT_COMPARED for p in item.patterns)]
        left = {path for path, _ in leaves - seen if not any(fnmatchcase(path, p) for p in listed)}
        assert sorted(left) == []

    @pytest.mark.parametrize("pattern", [*QUESTIONS, *(p for item in NOT_COMPARED for p in item.patterns)])
    def test_what_is_listed_is_not_compared(self, compared, leaves, pattern):
        seen = {(path, i) for _, path, i in worst(compared)}
        own = {leaf for leaf in leaves if fnmatchcase(leaf[0], pattern)}
        assert own - seen, "nothing of it is left to list"
        if not pattern.endswith("/etm_*_cloglog"):  # left out only where the incidence is 0
            assert not own & seen

    def test_limits_of_an_incidence_are_left_out_only_where_it_is_0(self, compared, leaves):
        seen = {(path, i) for _, path, i in worst(compared)}
        for path, i in leaves - seen:
            if path.endswith("_cloglog"):
                file, name, *keys, _ = path.split("/")
                node = read_references(file)[name]
                for key in keys:
                    node = node[key]
                assert node["etm_cif"][i] == 0

    def test_names_once_with_a_reason(self):
        names = [item.name for item in NOT_COMPARED]
        assert len(set(names)) == len(names)
        assert all(item.reason.endswith(".") for item in NOT_COMPARED)


class TestTheComparison:
    def test_what_counts_as_a_difference(self):
        assert difference(1.1, 1) == pytest.approx(0.1)
        assert difference(-1, 1) == 2
        assert difference(nan, nan) == difference(inf, inf) == difference(5e-15, 0) == 0
        assert difference(nan, 1) == difference(1, nan) == difference(1, inf) == difference(1e-9, 0) == inf
        assert difference(2e-13, 1e-13) == pytest.approx(1)
        assert difference(2e-13, 1e-13, rounding=2e-13) == 0

    def test_numbers_of_r(self):
        found = list(numbers([1, [2.5, None], "Inf", "undefined (one margin is zero)"]))
        assert found[:2] == [1, 2.5] and isnan(found[2]) and found[3] == inf and isnan(found[4])

    @pytest.mark.parametrize(("value", "wanted"), [(4.1e-15, 5e-15), (9.5e-9, 1e-8), (3e-7, 3e-7), (0, 0)])
    def test_rounded_up(self, value, wanted):
        assert rounded_up(value) == wanted

    def test_a_number_counts_once_with_its_largest_difference(self):
        one, two = Comparison("Cox", "f/i/se", (1e-9, None)), Comparison("Cox", "f/i/se", (2e-9, 0.0))
        table = summary([one, two]).set_index("method")
        assert table.loc["Cox", ["values", "largest_relative_difference"]].tolist() == [2, 2e-9]
        assert table["values"].sum() == 2

    def test_it_tells_what_was_compared(self):
        wanted = read_references("g_rates.json")["g.rate.1"]
        found = compare([[7 / 10.4, 7], 12], wanted, ["group1/rate", "x1", "x2"], method="Rate")
        assert [c.path for c in found] == [f"g_rates.json/g.rate.1/{k}" for k in ("group1/rate", "x1", "x2")]
        assert [len(c.differences) for c in found] == [1, 1, 1]
        left = compare([0, 7], wanted, ["group1/rate", "x1"], method="Rate", where=[False, True])
        assert [c.differences for c in left] == [(None,), (0.0,)]

    @pytest.mark.parametrize(
        ("ours", "keys", "message"),
        [
            (7 / 10.4 * (1 + 2e-8), ["group1/rate"], "must agree to 1e-08"),
            (nan, ["group1/rate"], "must agree to 1e-08"),
            ([1, 2], ["ratio"], "2 numbers beside 1"),
            ([], [], "0 numbers beside 0"),
        ],
    )
    def test_it_fails(self, ours, keys, message):
        wanted = read_references("g_rates.json")["g.rate.1"]
        with pytest.raises(AssertionError, match=message):
            compare(ours, wanted, keys, method="Rate")

    def test_nothing_used_is_nothing_compared(self):
        wanted = read_references("g_rates.json")["g.rate.1"]
        with pytest.raises(AssertionError):
            compare([7], wanted, ["x1"], method="Rate", where=[False])
