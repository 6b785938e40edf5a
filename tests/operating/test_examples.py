"""The examples in the docstrings of the package are true."""

import doctest
import importlib
import pkgutil

import pytest

from esld import operating

MODULES = [found.name for found in pkgutil.iter_modules(operating.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name):
    found = doctest.testmod(importlib.import_module(f"esld.operating.{name}"))
    assert found.failed == 0
