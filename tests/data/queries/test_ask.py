"""Ids of queries: they last from cut to cut, follow the content in question, and hold neither arm nor place."""

from functools import cache

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.cut import apply_cut
from esld.data.queries.ask import _TOPICS
from esld.data.sdtm import DOMAINS
from esld.data.views import COLUMNS
from tests.data.queries.asking import CUTOFF, asked, changed, found, on, visit, with_more
from tests.data.small_trial import event, lb
from tests.examples import few

T = {"USUBJID": "T"}


def spoilt():
    """Several faults of several rules, some of them twice."""
    tables = changed("DM", T, AGE="17", ACTARMCD="LOW", DTHFL="Y", DTHDTC="2026-03-01")
    more = [
        visit(6, "WEEK 1", code="INR", value="99"),
        visit(
            6, "WEEK 1", code="INR", value="99"
        ),  # word for word: two queries of one content, and one of the record
        visit(5, "WEEK 1", code="AST", LBORNRLO="40", LBORNRHI="9"),
        visit(60, "Visit 9", code="HGB", value="100", LBORRESU="odd"),
        lb("S", "ALT", "31", "2025-12-03"),
    ]
    tables["LB"] = with_more("LB", *more)["LB"]
    tables["CM"] = with_more("CM", event("CM", "T", "2026-05-01", CMTRT="y", CMENDTC="2026-04-01"))["CM"]
    tables["AE"] = with_more("AE", event("AE", "T", "2025-11-20", AETERM="X", AEDECOD="x"))["AE"]
    return tables


@cache
def known() -> pd.DataFrame:
    """Its queries; not to be changed."""
    return asked(spoilt())


def renumbered(table: pd.DataFrame, name: str, order: list[int]) -> pd.DataFrame:
    """The records in another order, and numbered anew in it."""
    made = table.iloc[order].reset_index(drop=True)
    if name != "DM":
        made[f"{name}SEQ"] = (made.groupby("USUBJID").cumcount() + 1).astype(str)
    made.attrs = table.attrs
    return made


class TestIds:
    def test_each_query_has_its_own(self):
        assert known()["id"].is_unique
        assert known()["id"].str.fullmatch(r"Q-[A-Z2-7]{8}(-2)?").all()
        assert (
            known()["id"].str.endswith("-2").sum() == 1
        )  # of the record that stands twice, both values are implausible
        assert len(set(known()["rule"])) >= 10

    @few(4)
    @given(data=st.data())
    def test_order_and_numbers_of_records_do_not_matter(self, data):
        tables = spoilt()
        for name, table in tables.items():
            order = data.draw(st.permutations(range(len(table))), label=name)
            tables[name] = renumbered(table, name, order)
        assert set(asked(tables)["id"]) == set(known()["id"])

    @few(4)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["ALT", "AST", "INR", "HGB"]),
                st.integers(100, 300),
                st.sampled_from(["1", "2", "900"]),
                st.sampled_from(["", "odd"]),
            ),
            max_size=4,
        ),
        st.booleans(),
    )
    def test_records_of_later_days_add_queries_and_take_none(self, later, event_too):
        tables = spoilt()
        rows = [
            visit(day, "UNSCHEDULED", code=code, value=value, **({"LBORRESU": unit} if code == "HGB" else {}))
            for code, day, value, unit in later
        ]
        tables["LB"] = pd.concat([tables["LB"], with_more("LB", *rows)["LB"].iloc[10:]], ignore_index=True)
        tables["LB"] = renumbered(tables["LB"], "LB", list(range(len(tables["LB"]))))
        if event_too:
            new = event("AE", "T", "2025-12-20", AETERM="z", AEDECOD="z", AEENDTC="2025-12-01")
            tables["AE"] = pd.concat([tables["AE"], with_more("AE", new)["AE"].tail(1)], ignore_index=True)
        assert set(known()["id"]) <= set(asked(tables)["id"])

    def test_a_later_cut_off_takes_none_of_what_was_over(self):
        early, late = (
            apply_cut(spoilt(), pd.Timestamp(day), CUTOFF)[0] for day in ("2025-12-31", "2026-12-31")
        )
        before, after = set(asked(early)["id"]), set(asked(late)["id"])
        assert len(before & after) >= 8
        assert len(after - before) >= 2  # the medication of 2026, and a death that was not yet known

    @pytest.mark.parametrize(("before", "after"), [("99", "98"), ("99", "0.1")])
    def test_another_wrong_value_is_another_question(self, before, after):
        one, other = (
            asked(with_more("LB", visit(6, "WEEK 1", code="INR", value=v))) for v in (before, after)
        )
        assert not set(one["id"]) & set(other["id"])

    def test_one_more_record_of_a_kind_leaves_the_id_of_its_line(self):
        def rows(count):
            return [visit(6, "WEEK 1", code=f"X{n}", value="1", LBORRESU="odd") for n in range(count)]

        one, many = (found(with_more("LB", *rows(count))) for count in (1, 40))
        assert (len(one), len(many)) == (1, 1)
        assert one["id"].tolist() == many["id"].tolist()
        assert many["message"].item().startswith("40 records of 40 tests that no analysis uses: ")

    def test_what_makes_an_id_is_loaded_by_every_view(self):
        for name, topics in _TOPICS.items():
            if name in COLUMNS:
                assert {*topics, DOMAINS[name].date} <= set(COLUMNS[name])

    def test_arms_do_not_matter(self):
        tables = changed("DM", T, ACTARMCD="LOW", ACTARM="LOW")
        ids = found(tables)["id"]
        for column in ("ARMCD", "ARM", "ACTARMCD", "ACTARM"):
            tables["DM"][column] = tables["DM"][column].map({"LOW": "MEDHIGH", "MEDHIGH": "LOW"})
        tables["EX"]["EXDOSE"] = tables["EX"]["EXDOSE"].map({"1": "3", "3": "1"})
        assert found(tables)["id"].tolist() == ids.tolist()


class TestLines:
    def test_nothing_that_no_analysis_uses_is_asked_record_by_record(self):
        """Whatever the rule: of such tests each rule has one line."""
        rows = [
            visit(6, "WEEK 1", code=code, value="5", LBORRESU="odd", LBORNRLO="9", LBORNRHI="1")
            for code in ("MCV", "MCH", "MCV")
        ]
        tables = with_more("LB", *rows, rows[0], rows[1])
        result = found(tables)
        of_rule = result["rule"].value_counts()
        assert set(of_rule.index) == {
            "unit missing or unknown",
            "limits of normal swapped",
            "duplicate record",
        }
        assert set(of_rule) == {1}
        assert set(result["severity"]) == {"minor"}

    def test_a_line_about_several_patients_names_three_records(self):
        rows = [lb(id, "AST", "30", on(6), LBORNRLO="40", LBORNRHI="9") for id in ("S", "T", "S", "S")]
        query = found(with_more("LB", *[row | {"LBORRES": str(n + 30)} for n, row in enumerate(rows)]))
        assert query["message"].item() == (
            "AST: LBORNRLO 40 is above LBORNRHI 9 on 4 of 4 records (such as S LB 11, T LB 1, S LB 12)."
        )
        assert query[["USUBJID", "record"]].iloc[0].tolist() == ["", "LB"]


def test_the_most_severe_come_first_then_by_rule_subject_and_number():
    tables = with_more("LB", *(visit(6, "WEEK 1", code="INR", value=f"9{n}") for n in range(3)))
    assert found(tables)["record"].tolist() == ["LB 11", "LB 12", "LB 13"]
    order = known()["severity"].map({"critical": 0, "major": 1, "minor": 2})
    assert order.is_monotonic_increasing
    again = asked({name: table.iloc[::-1] for name, table in spoilt().items()})
    assert again["id"].tolist() == known()["id"].tolist()
