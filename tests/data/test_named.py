"""Whatever a cut file names must be there: a domain, column, chapter, file or cut that is not is refused, with the nearest."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from esld.data.cutfile import DataCut, read_cut
from esld.data.declared import Reading
from esld.data.reading import personal
from esld.data.study import load_study
from esld.errors import InputError, InputErrors
from esld.pipeline.fitness import unrunnable
from tests.data.spoilt import demo_tables, spoilt
from tests.examples import few
from tests.reports import ROOT

# Keys of a cut file that name something, each with a name of nothing and what is told of it.
NAMES = {
    "protocol": "protocols/none.yaml",
    "data": "data/none",
    "mapping": "none.yaml",
    "overrides": "none.yaml",
    "answers": "none.yaml",
    "previous": "none",
    "previous_results": "none.json",
    "chapters": ["03_surviva"],
    "parameters": {"03_surviva": {"x": 1}},
    "personal": ["DM.BRTHDT"],
    "languages": ["xx"],
    "translations": {"zh": {"no such title": "x"}},
}
VALUES = {
    *("cutoff", "snapshot", "title", "status", "view", "pseudonyms", "unblinding", "notice", "simulated"),
    *("disclosure", "encoding", "separator", "decimal", "dates", "missing"),
}  # they name nothing of the export; the key of the pseudonyms is read in a masked view alone


def test_every_key_is_one_or_the_other():
    assert set(NAMES) | VALUES == set(DataCut.model_fields) >= set(Reading.model_fields)


@pytest.mark.parametrize("key", NAMES)
def test_a_name_of_nothing_is_refused(tmp_path, key):
    with pytest.raises(InputError):
        file = spoilt(tmp_path, {})
        record = yaml.safe_load(file.path.read_text(encoding="utf-8")) | {key: NAMES[key]}
        file.path.write_text(yaml.safe_dump(record, allow_unicode=True), encoding="utf-8")
        file = read_cut(file.path)
        (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
        if key in ("chapters", "parameters") and (faults := unrunnable(file)):
            raise InputErrors(faults)
        load_study(file)


COLUMNS = sorted(f"{name}.{column}" for name, table in demo_tables().items() for column in table)


@few(30)
@given(st.sampled_from(COLUMNS), st.booleans(), st.data())
def test_a_column_let_in_by_a_slip_is_told_with_its_right_name(column, lower, data):
    tables = demo_tables()
    personal.refuse(tables, [column.lower() if lower else column], lambda name, row: "")
    at = data.draw(st.integers(column.index(".") + 1, len(column)))
    slip = f"{column[:at]}X{column[at:]}"
    if slip in COLUMNS:
        return
    with pytest.raises(InputErrors, match=r"key 'personal' must name a column of the export") as refused:
        personal.refuse(tables, [slip], lambda name, row: "")
    assert "Did you mean '" in str(refused.value)
    with pytest.raises(InputError, match="Did you mean 'DM'"):
        personal.refuse(tables, ["DMM.AGE"], lambda name, row: "")
