"""What lies in an export is read or named: no file, sheet or folder is passed over."""

import re
from pathlib import Path

import openpyxl
import openpyxl.chart
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from esld.data import reading
from esld.data.declared import TABLE_SUFFIXES, Reading
from esld.data.reading.export import READ
from esld.data.reading.names import UNREAD, meaning_of
from esld.data.sdtm import DOMAINS, read_export, read_tables
from esld.errors import InputError
from tests.data.reading.writers import as_csv, as_xlsx, write_all
from tests.data.spoilt import demo_tables
from tests.examples import few

DM = pd.DataFrame({"USUBJID": ["S-1", "S-2"], "AGE": ["5", "6"]}, dtype=object)


def lb(*tests: str, domain: str | None = "LB") -> pd.DataFrame:
    rows = [
        {
            "DOMAIN": domain,
            "USUBJID": f"S-{n}",
            "LBSEQ": str(n * 10 + m),
            "LBTESTCD": test,
            "LBORRES": str(n + m),
        }
        for n in (1, 2)
        for m, test in enumerate(tests)
    ]
    frame = pd.DataFrame(rows, dtype=object)
    return frame.drop(columns="DOMAIN") if domain is None else frame


def export_of(folder: Path, **tables: pd.DataFrame) -> Path:
    folder.mkdir(exist_ok=True)
    for name, table in {"dm": DM, **tables}.items():
        as_csv(table, folder / f"{name}.csv")
    return folder


def told(path: Path, **how) -> str:
    """Everything that is said of an export: faults and notes."""
    export = read_export(path, Reading(**how))
    return "\n".join([*(str(fault.error) for fault in export.faults), *export.notes])


def why(path: Path) -> dict[str, str]:
    files = read_export(path).files
    return dict(
        zip(files["file"] + files["sheet"].map(lambda s: f"/{s}" if s else ""), files["why"], strict=True)
    )


NAMES = st.one_of(
    st.sampled_from(
        [*(f"{n.lower()}{x}" for n in ("dm", "lb", "eg", "supplb", "ta", "adsl") for x in (*TABLE_SUFFIXES, *UNREAD))]
    ),
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["", "NCT_", "old ", "~$", ".", "copy of "]),
        st.sampled_from(["lb", "LB", "lbch", "dm", "vs2", "eg", "ledger", "README", "notes", "relrec", "suppae"]),
        st.sampled_from([".csv", " (1).csv", "_old.xlsx", ".csv.bak", "", ".json", ".md", ".xpt", ".bin"]),
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="/\\\x00", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12),
)  # fmt: skip


class TestEverythingIsAccountedFor:
    @few(20)
    @given(
        st.lists(NAMES, max_size=4, unique_by=str.casefold),
        st.sampled_from([b"", b"x", b"USUBJID,LBSEQ\nS-1,1\n"]),
    )
    @example(["lb (1).csv"], b"USUBJID,LBSEQ\nS-1,1\n")
    def test_a_file_that_lies_there_is_read_or_named(self, tmp_path_factory, names, content):
        folder = tmp_path_factory.mktemp("export")
        names = [name for name in names if name not in (".", "..")]
        for name in names:
            (folder / name).write_bytes(content)
        if not any(name.lower().startswith("dm.") for name in names):
            export_of(folder)
        export = read_export(folder)
        lying = sorted(path.name for path in folder.iterdir())
        assert sorted(export.files["file"].str.partition("/")[0].unique()) == lying
        assert export.files["why"].str.len().gt(0).all()
        said = " ".join([*(str(fault.error) for fault in export.faults), *export.notes])
        for row in export.files.to_dict("records"):
            if row["use"] != READ and not row["why"].startswith("not needed"):  # told, and not only listed
                assert row["file"] in said
        for name in set(lying) - {*export.files.loc[export.files["use"].eq(READ), "file"]}:
            if (
                re.fullmatch(r"(.*[^a-z])?lb([^a-z].*)?", name.partition(".")[0].lower())
                and Path(name).suffix in TABLE_SUFFIXES
            ):
                assert "$" in name or name in " ".join(str(fault.error) for fault in export.faults)

    def test_sheets_too(self, tmp_path):
        book = openpyxl.Workbook()
        book.active.title = "DM"
        for row in [["USUBJID"], ["S-1"]]:
            book.active.append(row)
        for name in ("Notes", "EG", "LB (2)", "Sheet1"):
            book.create_sheet(name).append(["a"])
        book.create_chartsheet("Curve").add_chart(openpyxl.chart.LineChart())
        book.save(tmp_path / "export.xlsx")
        assert why(tmp_path / "export.xlsx") == {
            "export.xlsx/DM": "domain DM",
            "export.xlsx/Notes": "not understood: its name is no SDTM domain's",
            "export.xlsx/EG": "not needed: ECG test results, not analysed",
            "export.xlsx/LB (2)": "not understood: it looks like LB",
            "export.xlsx/Sheet1": "not understood: its name is no SDTM domain's",
            "export.xlsx/Curve": "not understood: its name is no SDTM domain's",
        }
        assert "sheet LB (2) must be named as its domain, such as LB" in told(tmp_path / "export.xlsx")

    def test_a_chart_in_the_place_of_a_domain_is_refused(self, tmp_path):
        book = openpyxl.Workbook()
        book.active.title = "DM"
        book.active.append(["USUBJID"])
        book.create_chartsheet("LB").add_chart(openpyxl.chart.LineChart())
        book.save(tmp_path / "export.xlsx")
        line = "export.xlsx, sheet LB must be a sheet of cells, got a chart. Rename or remove it."
        assert line in told(tmp_path / "export.xlsx")

    def test_what_is_known_and_not_needed_is_no_query(self, tmp_path):
        folder = export_of(tmp_path, eg=DM, ta=DM, adsl=DM, suppeg=DM, relrec=DM, qsph=DM)
        for name in ("README.md", "define.xml", "acrf.pdf", "ledger.json", "overrides.yaml", "queries.yaml"):
            (folder / name).write_text("x", encoding="utf-8")
        assert told(folder) == ""
        assert all(text.startswith("not needed: ") for name, text in why(folder).items() if name != "dm.csv")

    def test_what_nobody_knows_is_told(self, tmp_path):
        folder = export_of(tmp_path, patients=pd.DataFrame({"a": ["1"]}))
        (folder / "dm.csv.bak").write_text("x", encoding="utf-8")
        (folder / "~$lb.xlsx").write_text("x", encoding="utf-8")
        (folder / "more").mkdir()
        (folder / "more" / "lb.csv").write_text("x", encoding="utf-8")
        notes = told(folder)
        for words in (
            "Not read: patients.csv (not understood: its name is no SDTM domain's).",
            "Not read: dm.csv.bak (not understood: its name is no table's).",
            "Not read: ~$lb.xlsx (not understood: the mark of Excel that lb.xlsx is open: what is not saved is not read).",
            "Not read: more/ (not understood: a folder that holds lb.csv).",
        ):
            assert words in notes
        assert not read_export(folder).faults


class TestLookAlikes:
    """Where a name looks like a domain that is analysed, and it is not read, an analysis would miss it."""

    @pytest.mark.parametrize(
        "other",
        ["lb (1)", "lb-copy", "lb_old", "LB 2026", "NCT06167473_lb", "lb.final", "laboratory", "labs1"],
    )
    def test_beside_the_one_that_is_read(self, tmp_path, other):
        folder = export_of(tmp_path, lb=lb("ALT"), **{other: lb("ALT", "AST")})
        with pytest.raises(InputError, match=r"domain LB must be one file, got lb\.csv and") as caught:
            read_tables(folder)
        assert f"{other}.csv" in str(caught.value)

    def test_alone(self, tmp_path):
        folder = export_of(tmp_path, NCT_lb=lb("ALT"))
        assert "file NCT_lb.csv must be named as its domain, such as lb.csv" in told(folder)

    def test_a_format_that_is_not_read(self, tmp_path):
        (export_of(tmp_path) / "lb.sas7bdat").write_bytes(b"x")
        assert "lb.sas7bdat must be a file of one of the kinds" in told(tmp_path)


class TestTwice:
    @pytest.mark.parametrize(
        ("one", "other"), [("lb.csv", "LB.CSV"), ("lb.csv", "lb.xpt"), ("lb.json", "lb.parquet")]
    )
    def test_two_files(self, tmp_path, one, other):
        export_of(tmp_path)
        for name in (one, other):
            write_all({Path(name).stem: lb("ALT")}, tmp_path / name, Path(name).suffix.lower())
            made = next((tmp_path / name).iterdir())
            made.rename(tmp_path / f"made{name}")
            (tmp_path / name).rmdir()
            (tmp_path / f"made{name}").rename(tmp_path / name)
        message = told(tmp_path)
        assert message.startswith("domain LB must be one file, got ")
        assert one in message and other in message

    def test_two_sheets(self, tmp_path):
        as_xlsx({"DM": DM, "LB": lb("ALT"), "LB ": lb("AST")}, tmp_path / "export.xlsx")
        message = told(tmp_path / "export.xlsx")
        assert "domain LB must be one file, got export.xlsx, sheet LB and export.xlsx, sheet 'LB '" in message


class TestNothingThere:
    def refusal(self, path: Path) -> str:
        with pytest.raises(InputError) as caught:
            read_tables(path)
        return str(caught.value)

    def test_nothing_at_all(self, tmp_path):
        assert "data must be an existing folder or file" in self.refusal(tmp_path / "export")
        assert "data must hold SDTM domains such as dm.csv, got nothing" in self.refusal(tmp_path)

    def test_tables_one_folder_deeper(self, tmp_path):
        export_of(tmp_path / "tabulations")
        message = self.refusal(tmp_path)
        assert "got only tabulations/dm.csv" in message
        assert "Name the folder that holds the tables ('data' in the cut file): tabulations/" in message

    def test_names_with_something_before_them(self, tmp_path):
        as_csv(DM, tmp_path / "NCT_dm.csv")
        as_csv(lb("ALT"), tmp_path / "NCT_lb.csv")
        message = self.refusal(tmp_path)
        assert "file NCT_dm.csv must be named as its domain, such as dm.csv" in message
        assert "NCT_lb.csv" in message

    def test_something_else(self, tmp_path):
        as_csv(DM, tmp_path / "eg.csv")
        assert "data must hold SDTM domains such as dm.csv, got only eg.csv" in self.refusal(tmp_path)


class TestSplit:
    """One domain in several files is one table, whose rows keep their places."""

    def test_parts_are_read_together(self, tmp_path):
        folder = export_of(
            tmp_path, lb=lb("ALT"), lbhm=lb("PLAT", "INR").assign(LBSPEC="BLOOD"), LBUR=lb("PROT")
        )
        table = read_tables(folder)["LB"]
        assert len(table) == 2 + 4 + 2
        assert table["LBSPEC"].notna().sum() == 4
        assert table["LBTESTCD"].tolist() == ["PROT", "PROT", "ALT", "ALT", "PLAT", "INR", "PLAT", "INR"]
        assert table.index.is_unique
        places = [reading.place(table, row) for row in table.index]
        assert places == [
            *[("LBUR.csv", n) for n in (2, 3)],
            *[("lb.csv", n) for n in (2, 3)],
            *[("lbhm.csv", n) for n in (2, 3, 4, 5)],
        ]
        assert why(folder)["lbhm.csv"] == "part of domain LB"

    def test_the_demonstration_trial_in_parts(self, tmp_path):
        whole = demo_tables()
        lab = whole["LB"]
        blood = lab["LBTESTCD"].isin(["PLAT", "INR"])
        write_all({**whole, "LB": lab[~blood], "LBHM": lab[blood].drop(columns="DOMAIN")}, tmp_path)
        got = read_tables(tmp_path)["LB"].sort_values(["USUBJID", "LBSEQ"])
        expected = lab.sort_values(["USUBJID", "LBSEQ"])
        assert got["LBORRES"].tolist() == expected["LBORRES"].tolist()

    def test_sheets_and_files_of_one_workbook(self, tmp_path):
        as_xlsx({"DM": DM, "LBCH": lb("ALT"), "LBHM": lb("INR")}, tmp_path / "export.xlsx")
        table = read_tables(tmp_path / "export.xlsx")["LB"]
        assert reading.place(table, table.index[-1]) == ("export.xlsx, sheet LBHM", 3)

    @pytest.mark.parametrize(
        ("part", "words"),
        [
            (lb("INR", domain="AE"), "column DOMAIN must be LB as the name says, got 'AE' (lbhm.csv, row 2)"),
            (lb("ALT"), "domain LB must stand once: 2 records of lb.csv and lbhm.csv are the same"),
        ],
    )
    def test_a_part_that_is_none(self, tmp_path, part, words):
        assert words in told(export_of(tmp_path, lb=lb("ALT"), lbhm=part))

    def test_another_table_whose_name_begins_so(self, tmp_path):
        folder = export_of(tmp_path, cell=pd.DataFrame({"lot": ["1"]}))
        assert "Not read: cell.csv" in told(folder)
        assert not read_export(folder).faults

    def test_the_name_of_every_domain_is_known_whatever_its_case(self):
        for name in DOMAINS:
            for word in (name, name.lower(), f" {name.title()} "):
                assert meaning_of(word, DOMAINS).domain == name


class TestSupplements:
    def supp(self, *rows: tuple[str, str, str, str, str], domain: str = "LB") -> pd.DataFrame:
        columns = ["USUBJID", "IDVAR", "IDVARVAL", "QNAM", "QVAL"]
        return pd.DataFrame(
            [dict(zip(columns, row, strict=True)) | {"RDOMAIN": domain} for row in rows], dtype=object
        )

    def test_they_become_columns_of_their_records(self, tmp_path):
        supp = self.supp(("S-1", "LBSEQ", "11", "LBFAST", "Y"), ("S-2", "LBSEQ", "20.0", "LBFAST", "N"))
        person = self.supp(("S-2", "", "", "REGION", "East"), domain="DM")
        folder = export_of(tmp_path, lb=lb("ALT", "AST"), supplb=supp, suppdm=person)
        tables = read_tables(folder)
        assert tables["LB"]["LBFAST"].tolist() == [None, "Y", "N", None]
        assert tables["DM"]["REGION"].tolist() == [None, "East"]
        assert why(folder)["supplb.csv"] == "joined to LB"

    def test_of_no_record_they_are_told(self, tmp_path):
        supp = self.supp(("S-1", "LBSEQ", "99", "LBFAST", "Y"), ("S-9", "LBSEQ", "10", "LBFAST", "Y"))
        assert "2 of its records are of no record of LB)." in told(
            export_of(tmp_path, lb=lb("ALT"), supplb=supp)
        )
        lonely = export_of(
            tmp_path / "lonely", suppae=self.supp(("S-1", "AESEQ", "1", "X", "Y"), domain="AE")
        )
        assert "suppae.csv (not understood: supplement of AE; its domain is not there)" in told(lonely)

    @pytest.mark.parametrize(
        ("rows", "domain", "words"),
        [
            (
                [("S-1", "LBSEQ", "10", "LBORRES", "1")],
                "LB",
                "must not be a variable that LB has already, got 'LBORRES'",
            ),
            ([("S-1", "LBNO", "10", "X", "1")], "LB", "column IDVAR must be a variable of LB, got 'LBNO'"),
            (
                [("S-1", "LBSEQ", "10", "X", "1")],
                "AE",
                "column RDOMAIN must be LB as the name says, got 'AE'",
            ),
            (
                [("S-1", "LBSEQ", "10", "X", v) for v in "12"],
                "LB",
                "LB.X must have one value a record, got several",
            ),
        ],
    )
    def test_what_cannot_be_joined(self, tmp_path, rows, domain, words):
        folder = export_of(tmp_path, lb=lb("ALT"), supplb=self.supp(*rows, domain=domain))
        assert words in told(folder)
