"""What a data manager is told: everything at once, and nothing that the view must not say."""

import csv
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld import cli
from esld.data.check import FAULT_COLUMNS, Checked, check_cut, check_data, report_text
from esld.data.cutfile import read_cut
from esld.data.sdtm import find_faults
from esld.data.study import load_study
from esld.errors import InputError, InputErrors, together
from esld.protocol import read_protocol
from tests.data.small_trial import ROOT
from tests.data.spoilt import demo_tables
from tests.examples import few
from tests.loaded import loaded_once

PROTOCOL = ROOT / "params" / "protocols" / "nct06167473.yaml"
EXAMPLE = ROOT / "esld" / "data" / "examples" / "demo"
Edit = Callable[[list[dict[str, str]]], None]


@pytest.fixture
def export(tmp_path):
    """A copy of the demonstration export, with a way to spoil a table."""
    folder = tmp_path / "export"
    folder.mkdir()
    for path in EXAMPLE.glob("*.csv"):
        (folder / path.name).write_bytes(path.read_bytes())

    def spoil(name: str, edit: Edit) -> None:
        path = folder / f"{name}.csv"
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
        columns = list(rows[0])
        edit(rows)
        with path.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(lines, columns)
            writer.writeheader()
            writer.writerows(rows)

    return folder, spoil


def put(position: int, **cells: str) -> Edit:
    return lambda rows: rows[position].update(cells)


def faults(checked) -> list[tuple[str, str]]:
    return list(zip(checked.faults["domain"], checked.faults["variable"], strict=True))


class TestFaults:
    def test_the_example_has_none_and_the_queries_of_its_report(self):
        file = read_cut(ROOT / "params" / "demo-final.yaml")
        checked = check_cut(file)
        assert checked.faults.empty
        assert checked.queries["message"].tolist() == loaded_once(file).queries["message"].tolist()
        assert report_text(checked).splitlines()[-1].startswith("0 faults, 7 open queries (1 critical")

    def test_everything_at_once(self, export):
        folder, spoil = export
        spoil("dm", put(0, SEX="W"))
        spoil("dm", put(1, ARMCD="HIGH"))
        spoil("dm", put(2, AGE="abc"))
        spoil("dm", lambda rows: rows.append(dict(rows[3])))
        spoil("lb", lambda rows: [row.update(LBORRES="<5") for row in rows[5:12]])
        spoil("lb", put(20, LBORRESU="mg"))
        spoil("lb", put(30, LBDTC="2024-13-01"))
        spoil("lb", put(40, USUBJID="NCT06167473-999"))
        spoil("ae", put(0, AETOXGR="6"))
        spoil("ae", put(3, AETERM=""))
        (folder / "cm.csv").write_bytes(b"\xff\xfe\x00broken")
        with (folder / "pr.csv").open("a", encoding="utf-8") as lines:
            lines.write("a,b\n")
        checked = check_data(folder, PROTOCOL)
        assert sorted(set(faults(checked))) == [
            *[
                ("AE", "AETERM"),
                ("AE", "AETOXGR"),
                ("CM", "cm.csv"),
                ("DM", "AGE"),
                ("DM", "ARMCD"),
                ("DM", "SEX"),
            ],
            *[("DM", "USUBJID"), ("LB", "LBDTC"), ("LB", "LBORRES"), ("LB", "LBORRESU"), ("LB", "USUBJID")],
            ("PR", "every row"),
        ]
        assert faults(checked).count(("LB", "LBORRES")) == 7  # every record, and not the first three
        text = report_text(checked)
        assert "got '<5' (7 places, such as lb.csv, row 7, subject NCT06167473-001; lb.csv, row 8, " in text
        assert "Data queries were looked for without PR, CM." in text
        assert (
            "got 'W' (1 record) (dm.csv, row 2, subject NCT06167473-001)." in text
        )  # of a word that nobody knows
        assert not checked.queries.empty  # of what is sound

    def test_a_missing_domain_and_a_missing_column(self, export):
        folder, _ = export
        (folder / "ds.csv").unlink()
        text = (folder / "rs.csv").read_text(encoding="utf-8-sig")
        (folder / "rs.csv").write_text(
            text.replace("RSORRES", "RSOTHER").replace("RSSTRESN", "RSELSE"), encoding="utf-8"
        )
        checked = check_data(folder, PROTOCOL)
        assert ("DS", "domain DS") in faults(checked)
        assert ("RS", "RSORRES") in faults(checked)
        assert "Data queries were not looked for: DS is missing or faulty." in checked.notes

    def test_a_cut_compares_dates_too(self, export, tmp_path):
        folder, spoil = export
        spoil("ae", put(1, AESTDTC="2031-01-01", AEENDTC=""))
        cut = (ROOT / "params" / "demo-final.yaml").read_text(encoding="utf-8")
        cut = cut.replace("protocols/", f"{ROOT}/params/protocols/").replace("example:demo", str(folder))
        kept = [line for line in cut.splitlines() if not line.startswith("previous")]
        path = tmp_path / "cut.yaml"
        path.write_text("\n".join(kept), encoding="utf-8")
        assert ("AE", "AESTDTC") in faults(check_cut(read_cut(path)))
        assert faults(check_data(folder, PROTOCOL)) == []

    def test_a_table_that_is_missing_is_named_among_what_the_queries_lack(self, export):
        folder, _ = export
        (folder / "ex.csv").unlink()
        assert "Data queries were looked for without EX." in check_data(folder, PROTOCOL).notes

    def test_every_unreadable_table_is_told_when_none_can_be_read(self, export):
        folder, _ = export
        for path in folder.glob("*.csv"):
            path.write_bytes(b"\xff\xfe")
        checked = check_data(folder, PROTOCOL)
        (named,) = checked.faults["variable"]
        assert all(path.name in named for path in folder.glob("*.csv"))
        assert checked.queries.empty

    def test_where_no_query_is_looked_for_no_record_is_said_to_be_left_out(self, export):
        folder, spoil = export
        spoil(
            "ds", lambda rows: [row.update(DSDECOD=row["DSDECOD"].replace("RANDOMIZED", "X")) for row in rows]
        )
        notes = check_data(folder, PROTOCOL).notes
        told = "nobody had been randomised by the cut-off of those whose records of DM and DS have no fault"
        assert f"Data queries were not looked for: {told}." in notes
        assert not any("looked for without" in note for note in notes)

    def test_one_workbook_that_is_none_is_one_mistake(self, tmp_path):
        (tmp_path / "export.xlsx").write_bytes(b"x")
        with pytest.raises(InputError, match=r"export\.xlsx must be an Excel workbook"):
            check_data(tmp_path / "export.xlsx", PROTOCOL)

    def test_nothing_there_is_a_users_mistake(self, tmp_path):
        with pytest.raises(InputError, match="must be an existing folder or file"):
            check_data(tmp_path / "none", PROTOCOL)


class TestView:
    """Faults quote what was found: who must not know the arms is shown those of the view alone."""

    @pytest.fixture
    def blinded(self, export, tmp_path):
        folder, spoil = export
        text = (ROOT / "params" / "demo-interim-blinded.yaml").read_text(encoding="utf-8")
        text = text.replace("protocols/", f"{ROOT}/params/protocols/").replace("example:demo", str(folder))
        path = tmp_path / "cut.yaml"
        path.write_text(text, encoding="utf-8")
        return folder, spoil, path

    def correction(self, folder: Path, variable: str, old: str, new: str) -> None:
        (folder / "overrides.yaml").write_text(
            f"overrides:\n- domain: DM\n  key: {{USUBJID: NCT06167473-001}}\n  variable: {variable}\n  old: {old}\n"
            f'  new: {new}\n  who: A\n  when: "2025-01-01"\n  why: wrong\n',
            encoding="utf-8",
        )

    def test_an_arm_is_not_quoted(self, blinded):
        _, spoil, path = blinded
        spoil("dm", put(1, ACTARMCD="HIGH-DOSE"))
        spoil("dm", put(2, AGE="abc"))
        checked = check_cut(read_cut(path))
        assert faults(checked) == [("DM", "ACTARMCD"), ("DM", "AGE")]
        assert "HIGH-DOSE" not in report_text(checked)
        assert any(note.startswith("Checked as the blinded view") for note in checked.notes)

    def test_a_wrong_correction_is_not_quoted(self, blinded):
        folder, _, path = blinded
        self.correction(folder, "ARMCD", "LOW", "MEDHIGH")  # the export says MEDHIGH
        with pytest.raises(InputError, match="the recorded corrections must fit the export") as caught:
            load_study(read_cut(path))
        assert "MEDHIGH" not in str(caught.value)
        assert "MEDHIGH" not in report_text(check_cut(read_cut(path)))

    def test_a_right_one_of_what_the_view_does_not_load_is_neither_shown_nor_counted(self, blinded):
        folder, _, path = blinded
        self.correction(folder, "ARMCD", "MEDHIGH", "LOW")
        study = load_study(read_cut(path))
        assert (study.overrides.shown, study.overrides.hidden) == ((), 0)

    def test_a_right_one_of_what_it_loads_is_shown(self, blinded):
        folder, _, path = blinded
        self.correction(folder, "AGE", '"64"', '"46"')
        study = load_study(read_cut(path))
        assert [o.new for o in study.overrides.shown] == ["46"]
        assert study.adsl.set_index("USUBJID").loc["NCT06167473-001", "AGE"] == 46


class TestCommand:
    @pytest.fixture
    def check(self, capsys, monkeypatch):
        def call(*arguments: object) -> tuple[int, str, str]:
            monkeypatch.setattr(sys, "argv", ["esld", "check", *map(str, arguments)])
            with pytest.raises(SystemExit) as left:
                cli.main()
            out, err = capsys.readouterr()
            return int(left.value.code or 0), out, err

        return call

    def test_nothing_found_is_zero(self, check):
        code, out, _ = check(ROOT / "params" / "demo-final.yaml", "--json")
        assert code == 0
        assert len(json.loads(out)["queries"]) == 7

    def test_faults_are_one_and_the_workbook_holds_them(self, check, export, tmp_path):
        folder, spoil = export
        spoil("dm", put(0, SEX="W"))
        book = tmp_path / "q.xlsx"
        code, out, _ = check(folder, "--protocol", PROTOCOL, "-o", book)
        assert (code, "DM.SEX must be a code that the protocol or esld knows" in out) == (1, True)
        first = book.read_bytes()
        check(folder, "--protocol", PROTOCOL, "-o", book)
        assert book.read_bytes() == first
        sheet = openpyxl.load_workbook(book)["Faults"]
        rows = list(sheet.iter_rows(values_only=True))
        assert rows[1][rows[0].index("found")] == "'W' (1 record)"

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            ((EXAMPLE,), "--protocol must be given with an export"),
            ((ROOT / "params" / "demo-final.yaml", "--protocol", PROTOCOL), "and not with a cut file"),
            ((EXAMPLE, "--protocol", PROTOCOL, "-o", "x.doc"), "must be a table of one of the kinds"),
        ],
    )
    def test_a_mistake_is_two(self, check, arguments, complaint):
        code, _, err = check(*arguments)
        assert (code, complaint in err) == (2, True)


_SPOILT = {"none": "", "x": "x", "another order": "13/02/2024", "below zero": "-1"}


@few(4)
@given(st.data())
def test_no_share_of_a_column_that_is_spoilt_is_a_flood(drawn):
    """A line a variable, rule and remedy; and what the lines count are all records at fault."""
    tables = demo_tables()
    name = drawn.draw(st.sampled_from(sorted(tables)))
    column = drawn.draw(st.sampled_from(sorted(tables[name])))
    bad = drawn.draw(st.sampled_from(sorted(_SPOILT.values())))
    step = drawn.draw(st.integers(1, 5))
    table = tables[name]
    table.iloc[::step, table.columns.get_loc(column)] = bad or None
    found = find_faults(tables, read_protocol(PROTOCOL))
    told = together(found)
    assert len(str(InputErrors(found)).splitlines() if found else []) == len(told)
    assert len(told) == len({(fault.subject, fault.rule, fault.remedy) for fault in found}) <= 15
    counts = [re.match(r"([\d,]+) (?:places, such as|times)", fault.where) for fault in told]
    assert sum(
        int(n[1].replace(",", "")) if n else max(1, len(f.where.split("; ")))
        for n, f in zip(counts, told, strict=True)
    ) == len(found)


def test_a_column_of_dates_in_another_order_is_one_line(export):
    folder, spoil = export
    spoil("lb", lambda rows: [r.update(LBDTC="/".join(reversed(r["LBDTC"][:10].split("-")))) for r in rows])
    checked = check_data(folder, PROTOCOL)
    (line,) = [line for line in report_text(checked).splitlines() if line.startswith("LB.LBDTC")]
    assert len(checked.faults) == 1624  # the file has each of them
    assert f"({len(checked.faults):,} places, such as lb.csv, row 2, " in line
    assert re.search(r"1,624 of 1,624 read as day/month/year, \d+ of them also as month/day/year", line)
    assert "Each place is a row of the file that --output writes." in report_text(checked)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=3))
def test_of_a_rule_the_terminal_lists_twenty_queries_and_counts_the_others(sizes):
    """So that no rule hides what another one asks; the file has them all."""
    asked = [(f"rule {rule}", f"Q-{rule}-{n}") for rule, size in enumerate(sizes) for n in range(size)]
    queries = pd.DataFrame(asked, columns=["rule", "id"]).assign(
        subject="S", record="LB 1", severity="major", message="m.", status="open", answer="", remark=""
    )
    checked = Checked(
        faults=pd.DataFrame(columns=list(FAULT_COLUMNS)),
        queries=queries,
        counts=pd.DataFrame(),
        account=None,
        notes=(),
    )
    lines = report_text(checked).splitlines()
    listed = [line.split()[0] for line in lines if line.startswith("  Q-")]
    assert listed == [f"Q-{rule}-{n}" for rule, size in enumerate(sizes) for n in range(min(size, 20))]
    more = [line for line in lines if "more are in the file that --output writes." in line]
    assert more == [
        f"  {size - 20} more are in the file that --output writes." for size in sizes if size > 20
    ]
    assert lines[-1].startswith(f"0 faults, {len(asked)} open quer")
