"""What the previous cut held and this one does not: whatever is taken away is asked about, and what came is not."""

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from esld.data.check import check_cut
from esld.data.sdtm import Tables
from esld.data.store import study_key
from esld.data.study import load_study
from esld.errors import InputError
from tests.data.queries.asking import asked, changed, clean, found
from tests.data.queries.test_rules import S
from tests.data.spoilt import demo_tables, put, spoilt
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

        def made(changes: dict, **cut: object) -> None:
            spoilt(tmp_path, changes, cutoff="2026-03-30", **cut)
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

    def test_arms_of_a_masked_view_that_are_called_otherwise_now_are_no_change(self, tmp_path, cuts):
        """They are called by the order of entry: where the first patient of the other arm now comes first, A is B of before."""
        arms = demo_tables()["DM"].set_index("USUBJID")["ARMCD"]
        entered = demo_tables()["DS"].query("DSDECOD == 'RANDOMIZED'").sort_values(["DSSTDTC", "USUBJID"])
        first = entered["USUBJID"].iloc[0]
        other = next(who for who in entered["USUBJID"] if arms[who] != arms[first])

        def earlier(ds: pd.DataFrame) -> pd.DataFrame:
            own = ds["DSDECOD"].eq("RANDOMIZED")
            swap = dict(
                zip((first, other), ds.loc[own].set_index("USUBJID")["DSSTDTC"][[other, first]], strict=True)
            )
            day = ds["USUBJID"].map(swap).where(own)
            return ds.assign(DSSTDTC=day.where(day.notna(), ds["DSSTDTC"]))

        cuts({}, view="masked")
        asked_of = of_before(
            load_study(spoilt(tmp_path, {"DS": earlier}, view="masked", previous="before")).queries
        )
        assert [q["message"].split(" is ")[0] for q in asked_of] == ["DS.DSSTDTC"]

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ((None, "31.37"), ("99", "31.37")),
            (("99", "31.37"), ("99", "31.37")),
            (("98", "31.37"), ("99", "31.37")),
            (("99", "31.37"), (None, "99")),
        ],
        ids=[
            "in the new cut",
            "in both alike",
            "in both otherwise",
            "in the old one, and the export is mended",
        ],
    )
    def test_what_is_declared_as_a_correction_is_no_change(self, tmp_path, cuts, old, new):
        """Each cut: what its corrections make of a result, and what its export holds; numbered otherwise in the new one."""
        lb = demo_tables()["LB"]
        row = lb.index[lb["LBTESTCD"].eq("ALT")][5]
        who, number = lb.loc[row, ["USUBJID", "LBSEQ"]]

        def declared(folder: str, to: str | None, held: str, seq: str) -> None:
            record = {
                "domain": "LB",
                "key": {"USUBJID": who, "LBSEQ": seq},
                "variable": "LBORRES",
                "old": held,
                "new": to,
            }
            record |= {"who": "A", "when": "2026-01-01", "why": "a slip"}
            text = yaml.safe_dump({"overrides": [record] if to else []})
            (tmp_path / "data" / folder / "overrides.yaml").write_text(text, encoding="utf-8")

        def holding(value: str, shift: int):
            def change(table: pd.DataFrame) -> pd.DataFrame:
                table = put(table, table.index == row, LBORRES=value)
                return table.assign(LBSEQ=[str(int(each) + shift) for each in table["LBSEQ"]])

            return {"LB": change}

        cuts(holding(old[1], 0))
        declared("before", *old, number)
        file = spoilt(tmp_path, holding(new[1], 1000), previous="before")
        declared("spoilt", *new, str(int(number) + 1000))
        assert of_before(check_cut(file).queries) == []

    def test_a_correction_that_is_withdrawn_is_a_change(self, tmp_path, cuts):
        row = demo_tables()["LB"].query("LBTESTCD == 'ALT'").iloc[5]
        cuts({})
        record = {
            "domain": "LB",
            "key": {"USUBJID": row["USUBJID"], "LBSEQ": row["LBSEQ"]},
            "variable": "LBORRES",
        }
        record |= {"old": row["LBORRES"], "new": "77", "who": "A", "when": "2026-01-01", "why": "a slip"}
        text = yaml.safe_dump({"overrides": [record]})
        (tmp_path / "data" / "before" / "overrides.yaml").write_text(text, encoding="utf-8")
        (query,) = of_before(check_cut(spoilt(tmp_path, {}, previous="before")).queries)
        assert f"77 → {row['LBORRES']}" in query["message"]


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


def edited(tables: Tables, name: str, **cells) -> Tables:
    """Every filled cell of columns after a function of it."""
    for column, make in cells.items():
        tables[name][column] = [None if cell is None else make(cell) for cell in tables[name][column]]
    return tables


class TestOrdinary:
    """What happens between two cuts though nobody changed what a record says, or one thing alone was changed."""

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({}, {"LB": {"LBORRES": lambda cell: f"{cell}.0" if cell.isdecimal() else cell}}),
            ({}, {"LB": {"LBDTC": lambda cell: f"{cell}T08:00"}}),
            ({"LB": {"LBDTC": lambda cell: f"{cell}T08:00"}}, {}),
            ({"AE": {"AESTDTC": lambda cell: cell[:7]}, "DS": {"DSSTDTC": lambda cell: cell[:7]}}, {}),
            ({}, {"LB": {"VISIT": str.title}, "AE": {"AEDECOD": str.upper}}),
            ({}, {"LB": {"VISIT": lambda cell: f"{cell} "}, "DM": {"ARM": lambda cell: f" {cell}"}}),
        ],
        ids=[
            "decimals",
            "a time",
            "no time",
            "a day of what was a month",
            "case",
            "blanks",
        ],
    )
    def test_what_is_written_otherwise_is_not_asked_about(self, before, after):
        one, other = clean(), clean()
        for tables, changes_of in ((one, before), (other, after)):
            for name, cells in changes_of.items():
                edited(tables, name, **cells)
        assert of_before(asked(other, before=one)) == []

    @pytest.mark.parametrize("column", ["LBORNRHI", "LBNAM", "AESEV"])
    def test_a_column_that_is_new_is_not_asked_about(self, column):
        tables = clean()
        tables[column[:2]][column] = "90"
        assert of_before(asked(tables, before=clean())) == []

    def test_a_new_site_is_not_asked_about(self):
        tables = {
            name: table[~table["USUBJID"].isin(["T"])].reset_index(drop=True)
            for name, table in clean().items()
        }
        for name, table in clean().items():
            tables[name].attrs = table.attrs
        assert of_before(asked(clean(), before=tables)) == []

    @pytest.mark.parametrize(
        ("name", "cells", "what"),
        [
            (
                "LB",
                {
                    "LBORRES": lambda cell: f"{cell}7",
                    "LBORRESU": lambda cell: "ukat/L",
                    "LBORNRHI": lambda cell: "1",
                },
                "LB",
            ),
            ("LB", {"LBORNRLO": lambda cell: "2", "LBORNRHI": lambda cell: "45"}, "LB.LBORNRLO/LBORNRHI"),
            ("LB", {"LBDTC": lambda cell: cell[:7]}, "LB.LBDTC"),
            ("LB", {"VISIT": lambda cell: f"V {cell}"}, "LB.VISIT"),
            (
                "AE",
                {"AEDECOD": lambda cell: "Pyrexia", "AEBODSYS": lambda cell: "General"},
                "AE.AEDECOD/AEBODSYS",
            ),
            ("DM", {"RFICDTC": lambda cell: "2025-01-02"}, "DM.RFICDTC"),
        ],
        ids=[
            "results and unit",
            "limits",
            "a month of what was a day",
            "visits",
            "dictionary",
            "consent",
        ],
    )
    @pytest.mark.parametrize("times", [1, 3])
    def test_what_is_one_matter_is_one_line_and_not_critical_where_no_outcome_changes(
        self, name, cells, what, times
    ):
        one, other = clean(), clean()
        for tables in (one, other):
            rows = [
                tables[name].assign(**{f"{name}TERM": f"x{n}"} if name == "AE" else {}) for n in range(times)
            ]
            tables[name] = pd.concat(rows[: times if name == "AE" else 1], ignore_index=True)
            tables[name].attrs = {"file": f"{name.lower()}.csv"}
            for column in {"LBORNRLO", "LBORNRHI", "AEBODSYS"} & set(cells):
                tables[name][column] = "90"
            if name == "LB":  # of one test alone
                tables[name] = tables[name][tables[name]["LBTESTCD"].eq("ALT")].reset_index(drop=True)
                tables[name].attrs = {"file": "lb.csv"}
        (query,) = of_before(asked(edited(numbered(other), name, **cells), before=numbered(one)))
        assert query["message"].startswith(what if what != "LB" else "ALT (LBORRES/LBORRESU/LBORNRHI) is ")
        if what != "LB":
            assert query["severity"] == "major"

    @pytest.mark.parametrize(
        ("cells", "severity"),
        [
            ({"LBORRES": lambda cell: f"{float(cell) / 60:.6g}", "LBORRESU": lambda cell: "ukat/L"}, "major"),
            ({"LBORRES": lambda cell: f"{float(cell) / 60:.6g}"}, "critical"),
            ({"LBORRESU": lambda cell: "ukat/L"}, "critical"),
        ],
        ids=["converted", "results alone", "unit alone"],
    )
    def test_results_or_their_unit_alone_are_critical_where_it_is_the_whole_test(self, cells, severity):
        one, other = clean(), clean()
        for tables in (one, other):
            tables["LB"] = tables["LB"][tables["LB"]["LBTESTCD"].eq("ALT")].reset_index(drop=True)
            tables["LB"].attrs = {"file": "lb.csv"}
        (query,) = of_before(asked(edited(numbered(other), "LB", **cells), before=numbered(one)))
        assert query["message"].startswith("ALT (")
        assert query["severity"] == severity

    @pytest.mark.parametrize("old", [1, 2, 3])
    @pytest.mark.parametrize("new", [1, 2, 3])
    @pytest.mark.parametrize("name", ["LB", "AE", "DS", "PR"])
    def test_how_often_a_record_stands_there_word_for_word_is_no_change(self, name, old, new):
        sides = []
        for times in (old, new):
            tables = clean()
            tables[name] = pd.concat([tables[name]] * times, ignore_index=True)[::-1]
            tables[name].attrs = {"file": f"{name.lower()}.csv"}
            sides.append(numbered(tables))
        assert of_before(asked(sides[1], before=sides[0])) == []

    @pytest.mark.parametrize("old", [1, 2])
    @pytest.mark.parametrize("new", [1, 2])
    def test_a_record_that_stands_there_twice_and_changed_is_one_change(self, old, new):
        sides = []
        for times, value in ((old, "30"), (new, "99")):
            tables = changed("LB", {"VISIT": "WEEK 4"}, LBORRES=value)
            tables["LB"] = pd.concat([tables["LB"]] * times, ignore_index=True)
            tables["LB"].attrs = {"file": "lb.csv"}
            sides.append(numbered(tables))
        (query,) = of_before(asked(sides[1], before=sides[0]))
        assert "30 → 99" in query["message"]
        assert query["message"].startswith("LB.LBORRES is not what it was on 1 of ")

    @pytest.mark.parametrize(
        ("name", "where", "values"),
        [
            ("AE", {"USUBJID": "T"}, {"AEOUT": "FATAL"}),
            ("DM", {"USUBJID": "T"}, {"ARMCD": "LOW", "ARM": "LOW", "ACTARMCD": "LOW", "ACTARM": "LOW"}),
        ],
    )
    def test_who_is_dead_and_who_had_which_arm_is_critical_and_one_line(self, name, where, values):
        (query,) = of_before(asked(changed(name, where, **values), before=clean()))
        assert query["severity"] == "critical"
