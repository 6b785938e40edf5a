"""What the previous cut held and this one does not: whatever is taken away is asked about, and what came is not."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.data.check import check_cut
from esld.data.sdtm import Tables
from esld.data.store import study_key
from esld.data.study import load_study
from esld.errors import InputError
from tests.data.queries.asking import asked, changed, clean, found
from tests.data.queries.test_rules import S
from tests.data.spoilt import spoilt
from tests.examples import few

BEFORE = "previous cut"
PLACES = [(name, row) for name, table in clean().items() if name != "DM" for row in range(len(table))]


def of_before(queries: pd.DataFrame) -> list[dict]:
    return queries[queries["rule"].str.contains(BEFORE)].to_dict("records")


def numbered(tables: Tables) -> Tables:
    """Numbered anew, as an export does that knows nothing of what is gone."""
    for name, table in tables.items():
        attrs, tables[name] = table.attrs, table.reset_index(drop=True)
        if name != "DM":
            tables[name][f"{name}SEQ"] = (tables[name].groupby("USUBJID").cumcount() + 1).map(str)
        tables[name].attrs = attrs
    return tables


def without(*places: tuple[str, int]) -> Tables:
    tables = clean()
    for name in {name for name, _ in places}:
        attrs = tables[name].attrs
        tables[name] = tables[name].drop(index=[row for own, row in places if own == name])
        tables[name].attrs = attrs
    return numbered(tables)


@few(8)
@given(places=st.lists(st.sampled_from(PLACES), min_size=1, max_size=3, unique=True))
def test_whatever_record_is_taken_away_is_asked_about_and_counted_though_all_are_numbered_anew(places):
    told = {q["record"]: q["message"] for q in of_before(asked(without(*places), before=clean()))}
    for name in {name for name, _ in places}:
        count = sum(own == name for own, _ in places)
        assert told[name].startswith(
            f"{count} record{'s' * (count > 1)} of the previous cut cannot be found ("
        )
    assert {name for name in told if " " not in name} == {name for name, _ in places}


@few(3)
@given(places=st.lists(st.sampled_from(PLACES), min_size=1, max_size=3, unique=True))
def test_what_came_since_is_not_asked_about(places):
    assert of_before(found(clean(), before=without(*places))) == []


def test_a_death_that_is_taken_out_of_every_form():
    tables = changed("DM", S, DTHFL=None, DTHDTC=None)
    tables["DS"] = tables["DS"][~tables["DS"]["DSDECOD"].eq("DEATH")].reset_index(drop=True)
    tables["AE"].loc[tables["AE"]["USUBJID"].eq("S"), ["AEOUT", "AEENDTC"]] = None
    death, record = of_before(found(tables, before=clean()))
    assert (death["USUBJID"], death["record"], death["severity"]) == ("S", "DM / DS 3 / AE 1", "critical")
    assert death["message"] == "The previous cut states a death, and no form does so any more."
    assert (record["USUBJID"], record["record"]) == ("S", "DS")
    assert "(S DS 3 2025-12-01)" in record["message"]


def test_a_patient_who_is_gone_is_one_query():
    tables = {}
    for name, table in clean().items():
        tables[name] = table[table["USUBJID"].ne("F")].reset_index(drop=True)
        tables[name].attrs = table.attrs
    (query,) = of_before(found(numbered(tables), before=clean()))
    assert (query["USUBJID"], query["record"], query["severity"]) == ("F", "DM", "critical")
    assert query["message"] == "The previous cut holds 3 records of this patient, who is not in DM."


class TestOnTheRoad:
    """From the files of two cuts to the queries of the report and to those of ``esld check``."""

    @pytest.fixture
    def cuts(self, tmp_path):
        """Changes of an export give the cut of the day before."""

        def made(changes: dict) -> None:
            spoilt(tmp_path, changes, cutoff="2026-03-30")
            for folder, kind in (("data", ""), ("params", ".yaml")):
                (tmp_path / folder / f"spoilt{kind}").rename(tmp_path / folder / f"before{kind}")
            path = tmp_path / "params" / "before.yaml"
            path.write_text(
                path.read_text(encoding="utf-8").replace("data/spoilt", "data/before"), encoding="utf-8"
            )

        return made

    def test_the_report_and_the_check_ask_the_same(self, tmp_path, cuts):
        cuts({})
        file = spoilt(tmp_path, {"PR": lambda table: table.iloc[:-1]}, previous="before")
        study, checked = load_study(file), check_cut(file)
        for queries in (study.queries, checked.queries):
            (query,) = of_before(queries)
            assert query["message"].startswith("1 record of the previous cut cannot be found (")
        assert set(study.queries["id"]) == set(checked.queries["id"])
        key = study_key(file)
        (tmp_path / "data" / "before" / "pr.csv").write_bytes(
            (tmp_path / "data" / "spoilt" / "pr.csv").read_bytes()
        )
        assert study_key(file) != key

    def test_one_that_is_refused_is_told_before_any_chapter_and_noted_by_the_check(self, tmp_path, cuts):
        cuts({"PR": lambda table: table.assign(PRSTDTC="x")})
        file = spoilt(tmp_path, {}, previous="before")
        with pytest.raises(InputError, match=r"PR\.PRSTDTC must be a calendar date"):
            load_study(file)
        assert any("not compared with those of the previous cut" in note for note in check_cut(file).notes)


CHANGED = "value of the previous cut changed"


def changes(queries: pd.DataFrame) -> list[dict]:
    return queries[queries["rule"].eq(CHANGED)].to_dict("records")


class TestChanged:
    """Values that are others in place."""

    @few(8)
    @given(rows=st.sets(st.integers(0, 6), min_size=1), by=st.sampled_from(["1", "77"]), turn=st.booleans())
    def test_results_are_one_line_a_variable_though_records_are_numbered_anew(self, rows, by, turn):
        tables = clean()
        attrs = tables["LB"].attrs
        tables["LB"].loc[sorted(rows), "LBORRES"] += by
        if turn:
            tables["LB"] = tables["LB"].iloc[::-1]
            tables["LB"].attrs = attrs
            tables = numbered(tables)
        asked_of = changes(asked(tables, before=clean()))
        assert sum(q["record"] == "LB" for q in asked_of) == len(asked_of) > 0
        assert all("which is right, and why was it changed?" in q["message"] for q in asked_of)
        told = sum(int(q["message"].split(" on ")[1].split(" of ")[0]) for q in asked_of)
        assert told >= len(rows - {5, 6})

    def test_a_factor_on_a_whole_test_is_one_critical_line_with_its_factor(self):
        tables = clean()
        own = tables["LB"]["LBTESTCD"].eq("ALT") & tables["LB"]["LBORRES"].notna()
        tables["LB"].loc[own, "LBORRES"] += "0"
        (query,) = changes(asked(tables, before=clean()))
        assert query["severity"] == "critical"
        assert query["message"].startswith("ALT (LBORRES) is 10 times what it was on ")
        assert "(such as S LB 1 2024-12-28 30 → 300;" in query["message"]

    @pytest.mark.parametrize(
        ("name", "where", "values", "what"),
        [
            ("DM", S, {"DTHDTC": "2025-11-01"}, "DM.DTHDTC"),
            ("DS", {"USUBJID": "T", "DSDECOD": "COMPLETED"}, {"DSDECOD": "LOST TO FOLLOW-UP"}, "DS.DSDECOD"),
            ("DS", {"USUBJID": "S", "DSDECOD": "DEATH"}, {"DSSTDTC": "2025-11-01"}, "DS.DSSTDTC"),
        ],
    )
    def test_a_death_or_disposition_is_critical(self, name, where, values, what):
        (query,) = changes(asked(changed(name, where, **values), before=clean()))
        assert query["severity"] == "critical"
        assert query["message"].startswith(f"{what} is not what it was on 1 of ")

    def test_what_was_open_may_end_and_change_its_course(self):
        before = changed("AE", {"USUBJID": "T"}, AEENDTC=None, AEOUT="NOT RECOVERED/NOT RESOLVED")
        assert changes(asked(clean(), before=before)) == []
        other = changed("AE", {"USUBJID": "T"}, AEOUT="RECOVERED WITH SEQUELAE")
        (query,) = changes(asked(other, before=clean()))
        assert (query["USUBJID"], query["severity"]) == ("T", "major")
