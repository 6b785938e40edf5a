"""What stands for a missing value, a decimal point or a separator is declared, or asked for once and not once a record."""

from itertools import combinations

import pandas as pd
import pytest
import yaml

from esld.data.check import check_cut
from esld.data.cutfile import read_cut
from esld.data.declared import Reading
from esld.data.sdtm import read_export, read_tables
from esld.errors import InputError
from tests.data.reading.writers import as_csv, as_xlsx, write_all
from tests.data.spoilt import cut_of, demo_tables

WORDS = ["NA", ".", "NULL", "NaN", "N/A", ".A", "UNK", "未知", "-"]


def refusals(path, **how) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_tables(path, Reading(**how))
    return str(caught.value).split("\n")


def assert_same(got, expected) -> None:
    assert set(got) == set(expected)
    for name, table in expected.items():
        pd.testing.assert_frame_equal(got[name], table, check_index_type=False)


@pytest.fixture(scope="module")
def tables():
    whole = demo_tables()
    return {name: whole[name].head(60) for name in ("DM", "AE", "LB", "EX", "DS")}


class TestMissing:
    @pytest.mark.parametrize("word", WORDS)
    def test_a_word_everywhere_is_one_message_and_read_where_declared(self, tables, tmp_path, word):
        write_all({name: table.fillna(word) for name, table in tables.items()}, tmp_path)
        (message,) = refusals(tmp_path)
        assert message.startswith("every date and number must be one or empty, got ")
        assert all(f"{name.lower()}.csv" in message for name in ("DM", "AE", "LB"))
        declared = yaml.safe_load(message.partition("set '")[2].partition("' in the cut file")[0])
        assert declared == {"missing": [word]}
        assert_same(read_tables(tmp_path, Reading(missing=("NA", word))), tables)

    def test_the_check_asks_once_and_goes_on_as_if_it_were_declared(self, tmp_path):
        write_all({n: t.fillna("NA") for n, t in demo_tables().items()}, tmp_path / "data" / "na")
        checked = check_cut(cut_of(tmp_path, "data/na"))
        assert len(checked.faults) == 1
        assert checked.faults["remedy"][0].startswith("If it stands for a missing value, set 'missing: [NA]'")
        assert len(checked.queries) == 7  # as of the export itself

    def test_a_result_that_is_a_word_is_none(self, tmp_path):
        frame = pd.DataFrame({"USUBJID": ["S-1"], "DOMAIN": ["RS"], "RSSEQ": ["1"], "RSORRES": ["NA"]})
        as_csv(pd.DataFrame({"USUBJID": ["S-1"], "COUNTRY": ["NA"]}), tmp_path / "dm.csv")
        as_csv(frame, tmp_path / "rs.csv")
        got = read_tables(tmp_path)
        assert (got["DM"]["COUNTRY"][0], got["RS"]["RSORRES"][0]) == ("NA", "NA")  # Namibia; not applicable

    @pytest.mark.parametrize("value", [[None], [1], "", [""], [" "]])
    def test_what_is_no_word_is_refused_in_the_cut_file(self, tmp_path, value):
        with pytest.raises(InputError, match="missing"):
            cut_of(tmp_path, "data", missing=value)


class TestDecimalComma:
    def test_one_among_points_is_told_with_its_row(self, tables, tmp_path):
        """A slip of one cell: the whole export is not to be declared otherwise for it."""
        results = tables["LB"]["LBORRES"].copy()
        slip = results.index[results.str.fullmatch(r"[0-9]+\.[0-9]{1,2}", na=False)][0]
        results[slip] = results[slip].replace(".", ",")
        write_all(tables | {"LB": tables["LB"].assign(LBORRES=results)}, tmp_path)
        (message,) = refusals(tmp_path)
        assert f"(lb.csv, row {slip + 2})" in message
        assert "Write it with a point; if the whole export has decimal commas, set" in message

    def commas(self, tables, *, dates: bool = False):
        """Numbers as a German Excel writes them."""
        turned = {}
        for name, table in tables.items():
            columns = [
                c for c in table if c.endswith(("ORRES", "STRESN", "ORNRLO", "ORNRHI", "DOSE")) or c == "AGE"
            ]
            turned[name] = table.assign(**{c: table[c].str.replace(".", ",", regex=False) for c in columns})
        return turned

    def test_declared_it_is_a_point_and_text_stays_text(self, tables, tmp_path):
        source = {**tables, "LB": tables["LB"].assign(LBORRES="<0.2", LBTEST="a,b 1,5 1,2")}
        write_all(self.commas(source), tmp_path)
        assert_same(read_tables(tmp_path, Reading(decimal=",")), source)
        as_xlsx(self.commas(source), tmp_path / "export.xlsx")
        assert_same(read_tables(tmp_path / "export.xlsx", Reading(decimal=",")), source)

    def test_undeclared_it_is_asked_for_once(self, tables, tmp_path):
        write_all(self.commas(tables), tmp_path)
        (message,) = refusals(tmp_path)
        assert message.startswith("every number must have a decimal point, got ")
        assert "set 'decimal: \",\"' in the cut file" in message

    @pytest.mark.parametrize("value", ["1,046", "12,345,678", ">1,000"])
    def test_a_comma_that_parts_thousands_is_told_with_its_record(self, tables, tmp_path, value):
        """The other numbers have decimal points, so that no declaration would be right."""
        lb = tables["LB"].copy()
        lb.loc[4, "LBORRES"] = value
        write_all({**tables, "LB": lb}, tmp_path)
        (message,) = refusals(tmp_path)
        assert message.startswith("column LBORRES must be a number, without a comma that parts thousands")
        assert f"got '{value}' (lb.csv, row 6)" in message

    @pytest.mark.parametrize("value", ["1.234", "12.345,6", "<1.234"])
    def test_a_point_that_may_part_thousands_is_refused(self, tmp_path, value):
        as_csv(pd.DataFrame({"USUBJID": ["S-1"], "VSORRES": [value]}), tmp_path / "vs.csv")
        as_csv(pd.DataFrame({"USUBJID": ["S-1"], "AGE": ["5.5"], "VISITNUM": ["0.125"]}), tmp_path / "dm.csv")
        (message,) = refusals(tmp_path, decimal=",")
        assert f"and no point that may part thousands, got '{value}' (vs.csv, row 2)" in message


class TestSeparator:
    @pytest.mark.parametrize(
        ("separator", "words"),
        [
            (
                ";",
                "got a semicolon. Set 'separator: \";\"' in the cut file (without one: the option --separator).",
            ),
            ("\t", "got a tab. Set 'separator: tab'"),
            ("|", "a bar"),
        ],
    )
    def test_one_message_says_what_it_is(self, tables, tmp_path, separator, words):
        for name, table in tables.items():
            as_csv(table, tmp_path / f"{name.lower()}.csv", separator=separator)
        (message,) = refusals(tmp_path)
        assert message.startswith("dm.csv, ds.csv, ex.csv, lb.csv and ae.csv must be separated by a comma")
        assert words in message
        assert_same(read_tables(tmp_path, Reading(separator=separator)), tables)
        (back,) = refusals(tmp_path, separator=":")
        assert "must be separated by" in back

    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_excels_line_is_understood_where_it_is_declared(self, tables, tmp_path, separator):
        for name, table in tables.items():
            text = f"sep={separator}\r\n" + table.to_csv(index=False, sep=separator, lineterminator="\r\n")
            (tmp_path / f"{name.lower()}.csv").write_bytes(text.encode())
        (message,) = refusals(tmp_path)
        assert "must begin with its header, got Excel's line 'sep=" in message
        got = read_tables(tmp_path, Reading(separator=separator))
        assert [len(got[name]) for name in tables] == [len(table) for table in tables.values()]
        assert got["DM"].index[0] + 2 == 3  # as a person counts

    @pytest.mark.parametrize(
        "start",
        ["<!DOCTYPE html>\n<html>", "\n<html lang='zh'>", '<?xml version="1.0"?>', "<TABLE border=0>"],
    )
    def test_a_page_saved_under_the_name_of_a_table(self, tables, tmp_path, start):
        (tmp_path / "dm.csv").write_text(start + tables["DM"].to_html(), encoding="utf-8")
        (message,) = refusals(tmp_path)
        assert message.startswith("dm.csv must be a table of separated cells, got a page of HTML or XML (<")
        assert message.endswith("save it as CSV, or export it again.")

    def test_a_title_above_the_header(self, tables, tmp_path):
        as_csv(tables["DM"], tmp_path / "dm.csv")
        as_csv(tables["AE"], tmp_path / "ae.csv")
        text = (tmp_path / "ae.csv").read_text(encoding="utf-8")
        (tmp_path / "ae.csv").write_text(f"Listing of adverse events,\n\n{text}", encoding="utf-8")
        (message,) = refusals(tmp_path)
        assert message == (
            "ae.csv must have its header in row 1, got 'Listing of adverse events' there and the header in row 3. "
            "Remove what stands above the header."
        )

    def test_and_in_a_sheet(self, tmp_path):
        import openpyxl

        book = openpyxl.Workbook()
        book.active.title = "DM"
        for row in [["Demographics"], [None], ["USUBJID"], ["S-1"]]:
            book.active.append(row)
        book.save(tmp_path / "export.xlsx")
        assert "export.xlsx, sheet DM must have its header in row 1" in refusals(tmp_path / "export.xlsx")[0]

    @pytest.mark.parametrize("value", ["ab", "a", '"', "\n", "5"])
    def test_what_separates_nothing_is_refused_in_the_cut_file(self, tmp_path, value):
        with pytest.raises(InputError, match="separator"):
            cut_of(tmp_path, "data", separator=value)

    def test_tab_may_be_written_as_a_word(self, tmp_path):
        file = cut_of(tmp_path, "data", separator="tab", encoding="cp1252", decimal=",", missing=["NA", "."])
        assert read_cut(file.path).reading == Reading(
            encoding="cp1252", separator="\t", decimal=",", missing=("NA", ".")
        )

    def test_an_encoding_that_nobody_knows_is_refused_in_the_cut_file(self, tmp_path):
        with pytest.raises(InputError, match=r"encoding.*must be an encoding such as cp1252"):
            cut_of(tmp_path, "data", encoding="windows")


KEYS = {
    "encoding": ("cp1252", "must be encoded as UTF-8 or GB18030"),
    "separator": (";", "must be separated by a comma, got a semicolon"),
    "decimal": (",", "every number must have a decimal point"),
    "missing": (["NA"], "every date and number must be one or empty, got 'NA'"),
}


class TestAllAtOnce:
    """Everything that has to be declared is told in one go, whatever else is; with all of it, the export is read."""

    @pytest.mark.parametrize("keys", [c for n in (1, 2, 3, 4) for c in combinations(KEYS, n)])
    def test_of_every_combination(self, tables, tmp_path, keys):
        made = {name: table.copy() for name, table in tables.items()}
        if "encoding" in keys:
            made["AE"]["AETERM"] = "Fièvre élevée"
            made["LB"]["LBORRESU"] = made["LB"]["LBORRESU"].str.replace("μ", "µ")  # cp1252 has the micro sign
        if "decimal" in keys:
            made["LB"]["LBORRES"] = made["LB"]["LBORRES"].str.replace(".", ",")
            made["LB"].loc[made["LB"].index[0], "LBORRES"] = "0,5"
        if "missing" in keys:
            made["LB"] = made["LB"].fillna("NA")
        how = {key: KEYS[key][0] for key in keys}
        for name, table in made.items():
            encoding, separator = how.get("encoding", "utf-8"), how.get("separator", ",")
            as_csv(table, tmp_path / f"{name.lower()}.csv", encoding=encoding, separator=separator)
        told = refusals(tmp_path)
        assert len(told) == len(keys)
        for key in keys:
            assert sum(KEYS[key][1] in line and f"--{key}" in line for line in told) == 1
        assert set(read_tables(tmp_path, Reading(**how))) == set(tables)


class TestSpreadsheet:
    """What a workbook stores is read; a formula that nobody calculated, or an error, is no value."""

    def book(self, tmp_path, *rows, merged: str = ""):
        import openpyxl

        book = openpyxl.Workbook()
        book.active.title = "DM"
        for row in [["USUBJID", "AGE", "X"], *rows]:
            book.active.append(row)
        if merged:
            book.active.merge_cells(merged)
        path = tmp_path / "export.xlsx"
        book.save(path)
        return path

    def test_a_formula_without_its_value(self, tmp_path):
        path = self.book(tmp_path, ["S-1", "=1+1", None], ["S-2", 5, "=A1"], ["S-3", 6, None])
        (message,) = refusals(path)
        assert message == (
            "export.xlsx, sheet DM must hold values, got a formula without its value in cells B2 and C3. Open the workbook in "
            "Excel or LibreOffice, recalculate and save it, or paste the values instead of the formulas."
        )

    def test_a_formula_with_its_value_is_that_value(self, tmp_path):
        import zipfile

        path = self.book(tmp_path, ["S-1", "=1+1", "=B1"])
        stored = tmp_path / "stored.xlsx"
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(stored, "w") as new:
            for item in old.namelist():
                content = old.read(item)
                content = content.replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>").replace(
                    b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>"
                )
                # an empty text is a value too
                content = content.replace(b'<c r="C2"><f>B1</f><v />', b'<c r="C2" t="str"><f>B1</f><v></v>')
                content = content.replace(
                    b'<c r="C2"><f>B1</f><v></v>', b'<c r="C2" t="str"><f>B1</f><v></v>'
                )
                new.writestr(item, content)
        assert read_tables(stored)["DM"].to_numpy().tolist() == [["S-1", "2", None]]

    @pytest.mark.parametrize("error", ["#REF!", "#DIV/0!", "#NAME?", "#VALUE!"])
    def test_an_error_in_any_format(self, tmp_path, error):
        path = self.book(tmp_path, ["S-1", 5, "x"], ["S-2", 5, error])
        assert refusals(path) == [
            f"column X must hold values and no error of a spreadsheet, got '{error}' (export.xlsx, sheet DM, row 3). "
            "Correct the formula."
        ]
        as_csv(pd.DataFrame({"USUBJID": ["S-1"], "X": [error]}), tmp_path / "dm.csv")
        (tmp_path / "export.xlsx").unlink()
        assert f"got '{error}' (dm.csv, row 2)" in refusals(tmp_path)[0]

    def test_digits_that_excel_has_lost(self, tmp_path):
        path = self.book(tmp_path, [330106199001011008, 5, "x"])
        assert "got more in cell A2. Enter it as text" in refusals(path)[0]
        assert read_tables(self.book(tmp_path, ["330106199001011008", 5, "x"]))["DM"]["USUBJID"][0].endswith(
            "008"
        )

    def test_merged_cells(self, tmp_path):
        path = self.book(tmp_path, ["S-1", 5, "x"], ["S-2", 5, None], merged="C2:C3")
        assert (
            "export.xlsx, sheet DM must hold a value a cell, got merged cells in C2:C3" in refusals(path)[0]
        )


def test_a_cell_that_is_wrong_in_one_table_leaves_the_others(tmp_path, tables):
    write_all({**tables, "AE": tables["AE"].assign(AETERM="#REF!")}, tmp_path)
    export = read_export(tmp_path)
    assert set(export.tables) == set(tables) - {"AE"}
    assert [fault.domain for fault in export.faults] == ["AE"]
