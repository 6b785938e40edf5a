"""Fixtures: the numbers of tests/reference, and the one comparison with them, which is counted (tests/validation.py)."""

from functools import cache

import pytest

from tests.validation import compare, property_of, read_references

_references = cache(read_references)


@pytest.fixture(scope="session")
def oracle():
    """``oracle("a_km.json", "a.aml.by_x")``: the results of one reference."""
    return lambda file, name: _references(file)[name]


@pytest.fixture
def agrees(request):
    """``agrees([km.n, km.events], wanted, "n", "events", method="Kaplan–Meier")``: :func:`tests.validation.compare`, kept.

    What was compared travels with the test's report, so that it can be counted.
    """

    def check(ours, wanted, *keys, method, where=None):
        found = compare(ours, wanted, keys, method=method, where=where)
        request.node.user_properties.extend(property_of(comparison) for comparison in found)

    return check
