"""A text that begins with TODO is told as a gap wherever it stands, and before anything else."""

import pytest

from esld.errors import InputErrors
from esld.protocol import read_protocol
from esld.protocol.gaps import gaps
from tests.reports import ROOT

OWN = (ROOT / "params" / "protocols" / "mayo-pbc.yaml").read_text(encoding="utf-8")


def test_gaps_are_found_at_any_depth_with_what_belongs_there():
    content = {"a": "TODO", "b": [{"c": "TODO: a  day"}, "x TODO", 1, None], "d": {"e": ("TODO x",)}}
    assert [(gap.place, gap.rule) for gap in gaps(content)] == [
        (("a",), "must be filled in"),
        (("b", 0, "c"), "must be filled in: a day"),
        (("d", "e", 0), "must be filled in: x"),
    ]


def test_each_is_a_line_with_its_key_and_no_other_fault_beside_it(tmp_path):
    text = OWN.replace("sponsor: Mayo Clinic", "sponsor: TODO who pays\nsponser: Mayo Clinic")
    text = text.replace("component_days: 7", "component_days: TODO days")
    (tmp_path / "trial.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(InputErrors) as told:
        read_protocol(tmp_path / "trial.yaml")
    lines = str(told.value).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("key 'sponsor' must be filled in: who pays (trial.yaml, line ")
    assert "schedule.component_days). Replace the text." in lines[1]
