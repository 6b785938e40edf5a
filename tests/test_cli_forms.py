"""``esld template`` and ``esld import``: what they write, what they refuse, what they say."""

import json
import sys
from pathlib import Path

import pytest

from esld import cli
from esld.data.mapping import map_source
from esld.data.sdtm import read_tables

ROOT = Path(__file__).parents[1]
PROTOCOL = str(ROOT / "params" / "protocols" / "nct06167473.yaml")
PROJECT = ROOT / "esld" / "data" / "examples" / "redcap-demo"


@pytest.fixture
def esld(monkeypatch, capsys):
    """Run the command line here; exit code, stdout, stderr."""

    def call(*arguments: object):
        monkeypatch.setattr(sys, "argv", ["esld", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


def test_a_template_is_written_and_nothing_else_is_written_over(esld, tmp_path):
    book = tmp_path / "w.xlsx"
    code, out, _ = esld("template", PROTOCOL, "-o", book, "--language", "zh")
    assert code == 0 and f"esld check {book} --protocol" in out
    first = book.read_bytes()
    assert esld("template", PROTOCOL, "-o", book, "--language", "zh")[0] == 0  # its own, unchanged
    assert book.read_bytes() == first
    code, _, err = esld("check", book, "--protocol", PROTOCOL)
    assert (code, err) == (
        2,
        "esld: sheet '筛选' must hold at least one patient, got nobody (w.xlsx). Fill it.\n",
    )
    book.write_bytes(first + b" ")  # somebody filled it
    assert esld("template", PROTOCOL, "-o", book)[0] == 3
    assert esld("template", PROTOCOL, "-o", tmp_path / "w.csv")[0] == 2


def test_an_import_writes_the_tables_and_says_what_it_made(esld, tmp_path):
    folder = tmp_path / "data" / "trial"
    command = ("import", PROJECT / "export.csv", "--mapping", PROJECT / "mapping.yaml", "-o", folder)
    code, out, _ = esld(*command, "--json")
    told = json.loads(out)
    assert code == 0 and told["domains"][0] == {"domain": "DM", "records": 27, "subjects": 27}
    made = map_source(PROJECT / "export.csv", PROJECT / "mapping.yaml").tables
    for name, table in read_tables(folder).items():
        assert table.to_numpy().tolist() == made[name].to_numpy().tolist()
    code, _, err = esld(*command)
    assert code in (2, 3) and str(folder) in err  # what stands there stays


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (("  DM:", "  DN:"), "key 'domains.DN' must be an SDTM domain that is read"),
        (
            ("RFICDTC: consent_date", "RFICDTC: consented"),
            "got consented (mapping.yaml, DM, part 1, RFICDTC)",
        ),
    ],
)
def test_a_faulty_mapping_is_told_and_nothing_is_written(esld, tmp_path, changed, expected):
    text = (PROJECT / "mapping.yaml").read_text(encoding="utf-8").replace(*changed, 1)
    text = text.replace("dictionary.csv", str(PROJECT / "dictionary.csv"))
    (tmp_path / "mapping.yaml").write_text(text, encoding="utf-8")
    code, _, err = esld(
        "import", PROJECT / "export.csv", "--mapping", tmp_path / "mapping.yaml", "-o", tmp_path / "out"
    )
    assert code == 2 and expected in err and "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_a_source_needs_a_mapping_or_is_a_workbook_of_the_trial(esld, tmp_path):
    source = PROJECT / "export.csv"
    for arguments in ((), ("--protocol", PROTOCOL)):
        code, _, err = esld("import", source, "-o", tmp_path / "out", *arguments)
        assert code == 2 and "--mapping" in err
    code, _, err = esld(
        "import", tmp_path / "absent.csv", "--mapping", PROJECT / "mapping.yaml", "-o", tmp_path / "out"
    )
    assert code == 2 and "must be an existing export of REDCap" in err


class TestWhatANewUserIsTold:
    """Each message names what is to be given, in words that hold with a cut file and without one."""

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (
                ("check", PROJECT / "export.csv", "--protocol", PROTOCOL),
                2,
                "an export of REDCap (export.csv)",
            ),
            (("check", PROJECT, "--protocol", PROTOCOL), 2, "and name the file of the export itself"),
            (
                ("check", PROJECT, "--protocol", PROTOCOL, "--mapping", PROJECT / "mapping.yaml"),
                2,
                "a CSV file, got a folder. Name the file in it.",
            ),
            (
                ("check", ROOT / "params/demo-final.yaml", "--mapping", "m.yaml"),
                2,
                "--mapping must not be given with a cut file",
            ),
            (("check", "no", "--protocol", PROTOCOL), 2, "Check the path ('data' in the cut file)."),
            (
                ("import", PROJECT / "export.csv", "-o", "new"),
                2,
                "--mapping or --protocol must be given, one of them",
            ),
            (
                ("check", PROJECT, "--protocol", PROTOCOL, "--decimal", "x", "--encoding", "no"),
                2,
                "--decimal must be '.' or ','",
            ),
            (
                ("check", PROJECT, "--protocol", PROTOCOL, "--dates", "DD/MM/YYYY", "--dates", "MM/DD/YYYY"),
                2,
                "--dates must not be both DD/MM/YYYY and MM/DD/YYYY, in which one date is two days.",
            ),
        ],
    )
    def test_a_mistake_has_its_remedy(self, esld, arguments, code, words):
        got, out, err = esld(*arguments)
        assert (got, out) == (code, "") and words in err and "Traceback" not in err

    def test_forms_are_checked_with_their_mapping(self, esld):
        code, out, err = esld(
            "check", PROJECT / "export.csv", "--protocol", PROTOCOL, "--mapping", PROJECT / "mapping.yaml"
        )
        assert (
            (code, err) == (0, "")
            and "0 faults, 7 open queries" in out
            and "nothing was not understood" in out
        )
