"""A column that the program reads and that holds nothing, or no number where it numbers: what is derived stays, or it is told."""

from functools import cache

import pandas as pd
from hypothesis import example, given
from hypothesis import strategies as st

from esld.data import account, adam, queries
from esld.data.cut import apply_cut
from esld.data.intake import take_in
from esld.data.reading.export import COLUMNS
from esld.data.sdtm import DOMAINS, Tables, find_faults
from esld.translation import untranslated
from tests.data.small_trial import PROTOCOL
from tests.data.spoilt import demo_tables
from tests.examples import few

DAY = pd.Timestamp("2026-03-31")
NO_FILES = pd.DataFrame(columns=list(COLUMNS), dtype=object)
PLACES = sorted((name, str(column)) for name, table in demo_tables().items() for column in table)
NUMBERS = sorted(
    (name, domain.sequence) for name, domain in DOMAINS.items() if name in demo_tables() and name != "DM"
)


def told(tables: Tables) -> tuple[set[str], dict[str, pd.DataFrame], pd.DataFrame, pd.DataFrame | None]:
    """The variables at fault; else what is derived, the queries and the account."""
    took = take_in(tables, NO_FILES, PROTOCOL, "unblinded")
    if faults := [*took.faults, *find_faults(took.tables, took.protocol)]:
        return {fault.subject for fault in faults}, {}, pd.DataFrame({"record": [], "message": []}), None
    cut, report = apply_cut(took.tables, DAY, DAY)
    adsl = adam.derive_adsl(cut, PROTOCOL, DAY)
    adlb = adam.derive_adlb(cut, adsl, PROTOCOL)
    derived = {
        "adsl": adsl, "adlb": adlb, "adtte": adam.derive_adtte(cut, adsl, adlb, PROTOCOL, DAY),
        "adce": adam.derive_adce(cut, adsl, PROTOCOL), "adae": adam.derive_adae(cut, adsl, PROTOCOL),
    }  # fmt: skip
    aside = took.aside_by(DAY, cut)
    evidence = queries.Evidence(cut, adsl, adlb, PROTOCOL, aside, took.numbers, DAY, took.numbering)
    return set(), derived, queries.find_queries(evidence), account.account_of(took, report, cut, aside)


whole = cache(lambda: told(demo_tables()))


def is_told(name: str, column: str, found: tuple) -> bool:
    """Whether something that is told of the column is not told of the whole export."""
    faults, derived, asked, used = found
    if used is None:
        return f"{name}.{column}" in faults
    new = asked[~asked["message"].isin(whole()[2]["message"])]
    lines = used[used["domain"].eq(name) & used["name"].eq(column) & used["use"].eq(account.ABSENT)]
    assert untranslated([*new["message"], *lines["why"], account.totals(used)], "zh") == []
    named = new["record"].str.startswith(name) & new["message"].str.contains(column)
    same = all(own.equals(whole()[1][frame]) for frame, own in derived.items())
    return same or named.any() or len(lines) == 1


@few(12)
@given(st.sampled_from(PLACES), st.booleans())
@example(("DM", "AGE"), False)
def test_a_column_without_a_value_or_that_is_not_there_is_told_or_changes_nothing(place, gone):
    name, column = place
    tables = demo_tables()
    attrs = tables[name].attrs
    tables[name] = tables[name].drop(columns=column) if gone else tables[name].assign(**{column: None})
    tables[name].attrs = attrs
    found = told(tables)
    # Whether an event occurred, and what a dose was changed for: of each record there is a query of its own.
    assert is_told(name, column, found) or (column == "CEOCCUR" and len(found[2]) > len(whole()[2]))


@few(6)
@given(st.sampled_from(NUMBERS), st.integers(1, 4))
@example(("LB", "LBSEQ"), 1)
def test_a_number_of_records_that_is_none_is_one_line(place, every):
    name, column = place
    tables = demo_tables()
    rows = tables[name].index[::every]
    tables[name].loc[rows, column] = [f"x{row}" for row in rows]
    *_, asked, used = told(tables)
    assert used is not None
    (message,) = asked.loc[asked["message"].str.startswith(f"{column} is no number in "), "message"]
    assert message.startswith(f"{column} is no number in {len(rows):,} record") or len(rows) > 20
    assert untranslated([message], "zh") == []


def test_what_an_export_must_have_and_holds_nowhere_is_in_the_sentence_about_all_of_it():
    tables = demo_tables()
    tables["DM"]["AGE"] = tables["LB"]["LBORRES"] = None
    *_, used = told(tables)
    assert used is not None
    assert account.totals(used).endswith(" No record has a value of DM.AGE, LB.LBORRES, which analyses read.")
    assert "No record has" not in account.totals(whole()[3])


def test_what_must_be_there_is_not_said_to_be_optional():
    for domain in DOMAINS.values():
        assert set(domain.empty) <= set(domain.required) - set(domain.filled)
        assert not set(domain.empty) & set(domain.optional)
