"""What JSON can be is asked in one place."""

import ast
from pathlib import Path

import pytest

from esld import jsonfile
from tests.reports import ROOT

OWN = {  # what this package says to itself through a pipe, or has just made
    "esld/jsonfile.py", "esld/pipeline/provisioner.py", "esld/pipeline/kernel_parent.py", "esld/pipeline/simulation.py",
    "esld/data/frames.py", "esld/operating/characteristics.py",
}  # fmt: skip


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"a":' * 100_000, "9" * 5_000, b"\xff", "\x00"])
def test_whatever_cannot_be_read_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        jsonfile.loads(text)


def test_no_module_reads_json_by_itself():
    found = set()
    for path in sorted((ROOT / "esld").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in ("load", "loads")
                and ast.unparse(node.value) == "json"
            ):
                found.add(Path(path).relative_to(ROOT).as_posix())
    assert found == OWN
