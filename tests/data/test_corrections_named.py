"""Whatever a correction names must be there: patient, domain, variable, record, value; each slip is one line with its remedy."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.overrides import Override, apply_overrides
from esld.errors import InputErrors
from tests.data.spoilt import demo_tables
from tests.examples import few

TABLES = demo_tables()
# A name of nothing in each place, what is told of it, and the remedy.
NAMES = {
    "domain": (r"key 'domain' must be a domain of the data, got \S+", "Did you mean '|Known: "),
    "variable": (r"\w\w\.\S+ must be a column", "Did you mean '|Known: "),
    "column of the key": (r"\w\w\.\S+ must be a column", "Did you mean '|Known: "),
    "patient": (r"key 'key' must fit a record of \w\w, got USUBJID \S+", "Correct the key"),
    "record": (r"key 'key' must fit a record of \w\w, got USUBJID \S+, \w\wSEQ \S+", "Correct the key"),
    "value": (
        r"\w\w\.\w+ must be .+ for USUBJID \S+, as the correction says, got",
        "If so correct 'old', or remove",
    ),
    "no patient": (r"key 'key' must name the USUBJID", "Add it"),
}


@few(20)
@given(st.sampled_from(sorted(NAMES)), st.sampled_from(sorted(set(TABLES) - {"DM"})), st.data())
def test_a_name_of_nothing_in_a_correction_is_one_line_with_its_remedy(place, name, data):
    table = TABLES[name]
    cells = table.iloc[data.draw(st.integers(0, len(table) - 1))]
    variable = data.draw(st.sampled_from([c for c in table if c not in ("USUBJID", f"{name}SEQ")]))
    key = {"USUBJID": cells["USUBJID"], f"{name}SEQ": cells[f"{name}SEQ"]}
    held = cells[variable] if isinstance(cells[variable], str) else None
    given_ = {"domain": name, "key": key, "variable": variable, "old": held, "new": "another"}
    given_ |= {"who": "A", "when": "2026-01-01", "why": "a slip"}
    apply_overrides(
        TABLES, [Override.model_validate(given_)], file="mine.yaml"
    )  # it is right but for one place
    match place:
        case "domain":
            given_["domain"] = f"{name}X"
        case "variable":
            given_["variable"] = f"{variable}X9"
        case "column of the key":
            given_["key"] = key | {f"{name}SEQX": "1"}
        case "patient":
            given_["key"] = key | {"USUBJID": "NOBODY"}
        case "record":
            given_["key"] = key | {f"{name}SEQ": "99999"}
        case "no patient":
            given_["key"] = {f"{name}SEQ": cells[f"{name}SEQ"]}
        case "value":
            given_["old"] = f"{held}X"
    with pytest.raises(InputErrors) as refused:
        apply_overrides(TABLES, [Override.model_validate(given_)], file="mine.yaml")
    (line,) = str(refused.value).splitlines()
    told, remedy = NAMES[place]
    told = told.replace(", as the", r", \w+ \S+, as the")
    assert re.match(told, line), line
    assert "(mine.yaml, correction 1). " in line
    assert re.search(remedy, line.partition("correction 1). ")[2]), line
