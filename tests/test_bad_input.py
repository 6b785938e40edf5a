"""A user's mistake ends with one line and exit code 2 before a kernel starts, and published reports stay.

Through the command line, on a working copy with a report already published. Each expected line is written out
in full: subject, rule, offender, where, remedy.
"""

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from esld import cli
from esld.pipeline.provenance import sha256
from esld.pipeline.workcopy import lay_out
from tests.examples import some

COPY = Path  # a working copy


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> COPY:
    """A working copy whose demo-final reads its own data, with a published report."""
    copy = tmp_path_factory.mktemp("template") / "copy"
    lay_out(copy)
    cut = copy / "params" / "demo-final.yaml"
    text = cut.read_text(encoding="utf-8")
    assert "data: example:demo" in text
    cut.write_text(text.replace("data: example:demo", "data: data/demo"), encoding="utf-8")
    published = copy / "outputs" / "demo-final"
    (published / "notebooks").mkdir(parents=True)
    (published / "index.html").write_text("<h1>the report of last month</h1>")
    (published / "results.json").write_text("[]")
    (published / "notebooks" / "03_survival.ipynb").write_text("{}")
    made = {
        "index.html": sha256(published / "index.html"),
        "results.json": "",
        "notebooks/03_survival.ipynb": "",
    }
    record = {"cut": "demo-final", "trial": "NCT06167473", "view": "unblinded", "inputs": {}, "outputs": made}
    (published / "provenance.json").write_text(json.dumps(record))
    return copy


@pytest.fixture
def copy(template, tmp_path) -> COPY:
    return Path(shutil.copytree(template, tmp_path / "copy"))


@pytest.fixture
def esld(monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Run the command line here, without kernels: exit code, stdout, stderr."""

    def no_kernels(*_: object) -> None:
        raise AssertionError("a kernel would have started")

    monkeypatch.setattr("esld.pipeline.making.Making._execute", no_kernels)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["esld", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


def published(copy: COPY) -> dict[str, tuple[bytes, int]]:
    """Everything below outputs/, hidden files too: content and time of change."""
    files = sorted(p for p in (copy / "outputs").rglob("*") if p.is_file())
    return {str(p.relative_to(copy)): (p.read_bytes(), p.stat().st_mtime_ns) for p in files}


def rows_of(copy: COPY, name: str) -> tuple[Path, list[list[str]]]:
    path = copy / "data" / "demo" / f"{name.lower()}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return path, list(csv.reader(file))


def write(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


Damage = Callable[[COPY], None]


def cell(name: str, row: int, column: str, value: str) -> Damage:
    """Another value in a cell; ``row`` as a spreadsheet counts it."""

    def damage(copy: COPY) -> None:
        path, rows = rows_of(copy, name)
        rows[row - 1][rows[0].index(column)] = value
        write(path, rows)

    return damage


def without_column(name: str, column: str) -> Damage:
    def damage(copy: COPY) -> None:
        path, rows = rows_of(copy, name)
        place = rows[0].index(column)
        write(path, [row[:place] + row[place + 1 :] for row in rows])

    return damage


def replaced(name: str, content: Callable[[bytes], bytes]) -> Damage:
    def damage(copy: COPY) -> None:
        path = copy / "data" / "demo" / f"{name.lower()}.csv"
        path.write_bytes(content(path.read_bytes()))

    return damage


def cut(old: str, new: str, *, file: str = "demo-final.yaml") -> Damage:
    def damage(copy: COPY) -> None:
        path = copy / "params" / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return damage


def subject_of(copy: COPY, name: str, row: int) -> str:
    _, rows = rows_of(copy, name)
    return rows[row - 1][rows[0].index("USUBJID")]


def lab_row(copy: COPY, code: str) -> int:
    """Row of the first result of a test."""
    _, rows = rows_of(copy, "LB")
    test, result = rows[0].index("LBTESTCD"), rows[0].index("LBORRES")
    return next(n for n, row in enumerate(rows, start=1) if row[test] == code and row[result])


def of_test(code: str, column: str, value: str) -> Damage:
    def damage(copy: COPY) -> None:
        cell("LB", lab_row(copy, code), column, value)(copy)

    return damage


def duplicated(copy: COPY) -> None:
    path, rows = rows_of(copy, "DM")
    write(path, [*rows, rows[1]])


PRESENT = "AE, CE, CM, DM, DS, EX, IE, LB, MH, RS, VS"
FIRST = "NCT06167473-001"

# the mistake, and the line that it ends with; {row} is the row of the first bilirubin
MISTAKES: dict[str, tuple[Damage, str]] = {
    "missing domain": (
        lambda copy: (copy / "data" / "demo" / "pr.csv").unlink(),
        f"domain PR must be present, got only {PRESENT}. Export pr.csv; the protocol lists it under 'domains'.",
    ),
    "missing column": (
        without_column("LB", "LBORRESU"),
        "LB.LBORRESU must be a column (lb.csv). Export it again.",
    ),
    "unknown arm": (
        cell("DM", 2, "ARMCD", "HIGH"),
        "DM.ARMCD must be a code that the protocol or esld knows, got 'HIGH' (1 record) (dm.csv, row 2, subject {subject}). "
        'Correct the export, or say in the protocol what each stands for: codes: {{ARMCD: {{"HIGH": …}}}}; '
        "… is one of LOW, MEDHIGH; of an arm that the protocol lacks, add it to 'arms'.",
    ),
    "unparsable date": (
        of_test("BILI", "LBDTC", "11.01.2024"),
        "LB.LBDTC must be a calendar date, YYYY-MM-DD or partial, got '11.01.2024' "
        "(lb.csv, row {row}, subject {subject}). Correct the date.",
    ),
    "impossible date": (
        of_test("BILI", "LBDTC", "2024-02-30"),
        "LB.LBDTC must be a calendar date, YYYY-MM-DD or partial, got '2024-02-30' "
        "(lb.csv, row {row}, subject {subject}). Correct the date.",
    ),
    "negative laboratory value": (
        of_test("BILI", "LBORRES", "-4"),
        "LB.LBORRES must be a positive number, got '-4' (lb.csv, row {row}, subject {subject}). "
        "Correct the result.",
    ),
    "laboratory value that is no number": (
        of_test("BILI", "LBORRES", "溶血"),
        "LB.LBORRES must be a positive number, got '溶血' (lb.csv, row {row}, subject {subject}). "
        "Correct the result.",
    ),
    "unknown unit": (
        of_test("BILI", "LBORRESU", "mol"),
        "LB.LBORRESU must be a unit of BILI, one of ['umol/L', 'mg/dL', 'mg/L'], got 'mol' "
        "(lb.csv, row {row}, subject {subject}). Give the unit that the laboratory printed.",
    ),
    "missing unit": (
        of_test("BILI", "LBORRESU", ""),
        "LB.LBORRESU must be a unit of BILI, one of ['umol/L', 'mg/dL', 'mg/L'], got nothing "
        "(lb.csv, row {row}, subject {subject}). Give the unit that the laboratory printed.",
    ),
    "unit of something else": (
        of_test("BILI", "LBORRESU", "U/L"),
        "LB.LBORRESU must be a unit of BILI, one of ['umol/L', 'mg/dL', 'mg/L'], got 'U/L' "
        "(lb.csv, row {row}, subject {subject}). Give the unit that the laboratory printed.",
    ),
    "duplicate subject": (
        duplicated,
        "DM.USUBJID must be unique, got '{subject}' (dm.csv, row 29, subject {subject}). Keep one DM record a subject.",
    ),
    "unknown subject": (
        cell("VS", 2, "USUBJID", "NCT06167473-999"),
        "VS.USUBJID must be a subject of DM, got 'NCT06167473-999' (vs.csv, row 2, subject NCT06167473-999). "
        "Correct the id or add the DM record.",
    ),
    "cut-off before the first consent": (
        cut('cutoff: "2026-03-31"', 'cutoff: "2024-01-07"'),
        "cutoff must not be before the first consent on 2024-01-08, got 2024-01-07 (demo-final.yaml). "
        "Choose a later day.",
    ),
    "cut-off after the snapshot": (
        cut('cutoff: "2026-03-31"', 'cutoff: "2026-04-01"'),
        "key 'cutoff' must not be after the snapshot 2026-03-31, got 2026-04-01 (demo-final.yaml, line 4). Correct either date.",
    ),
    "record after the snapshot": (
        of_test("BILI", "LBDTC", "2042-01-11"),
        "LB.LBDTC must not be after the snapshot of 2026-03-31, got '2042-01-11' "
        "(lb.csv, row {row}, subject {subject}). Correct the date or the snapshot.",
    ),
    "nobody": (
        replaced("DM", lambda raw: raw.splitlines(keepends=True)[0]),
        "DM table must have rows, got none (dm.csv). Export it again.",
    ),
    "empty file": (
        replaced("AE", lambda raw: b""),
        "AE table must have a header row, got none (ae.csv). Export it again.",
    ),
    "UTF-16": (
        replaced("AE", lambda raw: raw.decode().encode("utf-16")),
        "ae.csv must be encoded as UTF-8 or GB18030. Save it as UTF-8 and run again.",
    ),
    "Latin-1": (
        replaced("DM", lambda raw: raw.decode().replace("ASIAN", "é").encode("latin-1", "replace")),
        "dm.csv must be encoded as UTF-8 or GB18030. Save it as UTF-8, or state its encoding: "
        "'encoding: cp1252' in the cut file (without one: the option --encoding); cp1252 is Western Windows, gb18030 Chinese.",
    ),
    "torn last row": (
        replaced("DM", lambda raw: raw.rstrip()[:-30]),
        "every row must fit its header of 22 columns, got {cells} cells (dm.csv, row 28). Export it again.",
    ),
    "mistyped key": (
        cut("cutoff:", "cutof:"),
        "key 'cutoff' must be given (demo-final.yaml, line 2). Add it.\n"
        "key 'cutof' is not known (demo-final.yaml, line 4). Did you mean 'cutoff'?",
    ),
    "mistyped value": (
        cut("status: final", "status: finl"),
        "key 'status' must be 'draft' or 'final', got finl (demo-final.yaml, line 7). Correct it.",
    ),
    "cut-off that is no day": (
        cut('cutoff: "2026-03-31"', "cutoff: 2026-02-30"),
        "key 'cutoff' must be a calendar day written YYYY-MM-DD, got 2026-02-30 (demo-final.yaml, line 4). Correct it.",
    ),
    "simulated data not called so": (
        cut("simulated: true", "simulated: false"),
        "simulated must be true for data whose STUDYID ends in -SIM, got false (demo-final.yaml). "
        "Set 'simulated: true'.",
    ),
    "unknown chapter": (
        cut("03_survival", "03_survivl"),
        "chapters must name files of notebooks/, got 03_survivl (demo-final.yaml). Did you mean '03_survival'?",
    ),
    "planned analysis of a chapter that is not there": (
        cut("kind: courses", "chapter: 05_decompensation", file="protocols/nct06167473.yaml"),
        "analyses[LISTING].chapter must name a file of notebooks/, got 05_decompensation (nct06167473.yaml). "
        "Give the analysis its 'kind' instead, or write the chapter.",
    ),
}  # fmt: skip


@pytest.mark.always
@pytest.mark.parametrize("mistake", some(MISTAKES, 2))
def test_one_line_exit_code_2_and_the_published_report_untouched(mistake, copy, esld):
    damage, expected = MISTAKES[mistake]
    row = lab_row(copy, "BILI")
    damage(copy)
    _, dm = rows_of(copy, "DM") if mistake == "torn last row" else ("", [[]])
    expected = expected.format(row=row, subject=FIRST, cells=len(dm[-1]))
    before = published(copy)
    code, out, err = esld("run", str(copy / "params" / "demo-final.yaml"))
    assert (code, out) == (2, "")
    assert err == f"esld: {expected}\n"
    assert published(copy) == before


@pytest.mark.always
def test_the_copy_itself_has_no_fault(copy, esld):
    with pytest.raises(AssertionError, match="a kernel would have started"):
        esld("run", str(copy / "params" / "demo-final.yaml"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("params/demo-finl.yaml", "must be an existing file. Did you mean 'demo-final.yaml'?"),
        ("params", "must be a cut file, params/<cut>.yaml, got a folder. Give one."),
    ],
)
def test_a_cut_file_that_is_none(copy, esld, path, expected):
    code, out, err = esld("run", str(copy / path))
    assert (code, out) == (2, "")
    assert err == f"esld: {copy / path} {expected}\n"


def test_data_that_are_not_there(copy, esld):
    shutil.rmtree(copy / "data")
    code, _, err = esld("run", str(copy / "params" / "demo-final.yaml"))
    assert code == 2
    words = f"data must be an existing folder or file, got {copy / 'data' / 'demo'}"
    assert err == f"esld: {words}. Check the path ('data' in the cut file).\n"


def test_several_mistakes_are_told_in_one_pass_a_line_each(copy, esld):
    row = lab_row(copy, "BILI")
    of_test("BILI", "LBORRES", "-4")(copy)
    of_test("BILI", "LBORRESU", "")(copy)
    cell("DM", 2, "ARMCD", "HIGH")(copy)
    cell("RS", 2, "RSDTC", "soon")(copy)
    (copy / "data" / "demo" / "pr.csv").unlink()
    before = published(copy)
    code, _, err = esld("run", str(copy / "params" / "demo-final.yaml"))
    lines = err.removeprefix("esld: ").splitlines()
    assert code == 2
    assert [line.split(" ")[0] for line in lines] == [
        *("DM.ARMCD", "domain", "LB.LBORRES", "LB.LBORRESU", "RS.RSDTC")
    ]
    assert sum(f"(lb.csv, row {row}, subject {FIRST})" in line for line in lines) == 2
    assert published(copy) == before


def test_a_machine_reads_an_object(copy, esld):
    cell("DM", 2, "ARMCD", "HIGH")(copy)
    code, out, err = esld("run", "--json", str(copy / "params" / "demo-final.yaml"))
    told = json.loads(out)
    assert (code, err, told["exit_code"]) == (2, "", 2)
    assert told["error"].startswith("DM.ARMCD must be a code that the protocol or esld knows, got 'HIGH'")


def test_a_mistake_in_the_second_cut_publishes_nothing_of_it(copy, esld):
    other = copy / "params" / "demo-interim.yaml"
    text = other.read_text(encoding="utf-8").replace("cutoff:", "cutof:")
    other.write_text(text, encoding="utf-8")
    before = published(copy)
    code, _, err = esld("run", str(copy / "params" / "demo-final.yaml"), str(other))
    assert code == 2  # and no kernel was started for the first
    assert "key 'cutof' is not known (demo-interim.yaml, line 4). Did you mean 'cutoff'?" in err
    assert published(copy) == before


def test_in_a_process_of_its_own_there_is_no_traceback(copy):
    of_test("BILI", "LBORRES", "-4")(copy)
    before = published(copy)
    command = [sys.executable, "-m", "esld.cli", "run", str(copy / "params" / "demo-final.yaml")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, cwd=copy)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("esld: LB.LBORRES must be a positive number, got '-4' (lb.csv, row ")
    assert len(ended.stderr.splitlines()) == 1
    assert published(copy) == before


class TestAnotherKindOfFile:
    """Each command says in one line what it wants instead, where it is given a folder, a cut file or a protocol."""

    @pytest.mark.parametrize(
        ("command", "line"),
        [
            ("run params", "params must be a cut file, params/<cut>.yaml, got a folder. Give one."),
            (
                "run {protocol}",
                "{protocol} must be a cut file, params/<cut>.yaml, got a protocol. Give one.",
            ),
            (
                "check {protocol}",
                "{protocol} must be a cut file, params/<cut>.yaml, got a protocol. Give one.",
            ),
            (
                "check params",
                "--protocol must be given with an export (params). Add --protocol params/protocols/<trial>.yaml, "
                "or give a cut file, params/<cut>.yaml.",
            ),
            (
                "check data/demo --protocol params/demo-final.yaml",
                "params/demo-final.yaml must be a protocol, params/protocols/<trial>.yaml, got a cut file. Give one.",
            ),
            (
                "export {protocol} -o adam --format csv",
                "{protocol} must be a cut file, params/<cut>.yaml, got a protocol. Give one.",
            ),
            (
                "template params/demo-final.yaml -o book.xlsx",
                "params/demo-final.yaml must be a protocol, params/protocols/<trial>.yaml, got a cut file. Give one.",
            ),
            ("score params -o scored.csv", "params must be one table, got a folder. Give a file in it."),
            (
                "verify {protocol}",
                "{protocol} must be a cut file, params/<cut>.yaml, got a protocol. Give one.",
            ),
            (
                "verify outputs/demo-final/index.html",
                "outputs/demo-final/index.html must be a published folder, outputs/<cut>, or a cut file, got another file. "
                "Give one of these.",
            ),
            (
                "diff {protocol} outputs/demo-final",
                "{protocol} must be a cut file, params/<cut>.yaml, got a protocol. Give one.",
            ),
        ],
    )
    def test_is_told(self, copy, esld, monkeypatch, command, line):
        monkeypatch.chdir(copy)
        protocol = "params/protocols/nct06167473.yaml"
        code, _, err = esld(*command.format(protocol=protocol).split())
        assert (code, err) == (2, f"esld: {line.format(protocol=protocol)}\n")

    def test_of_a_cut_file_the_report_is_verified(self, copy, esld, monkeypatch):
        monkeypatch.chdir(copy)
        asked = []
        monkeypatch.setattr(
            "esld.pipeline.verify.verify_report", lambda folder, *_, **__: asked.append(folder) or sys.exit(0)
        )
        esld("verify", "params/demo-final.yaml")
        assert asked == [copy / "outputs" / "demo-final"]


# --- what a protocol does not fit ------------------------------------------------------------------------------


def misfitting(copy: COPY, name: str = "params/demo-final.yaml") -> Path:
    """A protocol with an analysis of a chapter that is not there, and a heading of a chapter of before."""
    trial = copy / "params" / "protocols" / "nct06167473.yaml"
    text = trial.read_text(encoding="utf-8")
    assert "    kind: courses\n" in text and "04_change: Liver" in text
    changed = text.replace("    kind: courses\n", "    chapter: 05_decompensation\n")
    trial.write_text(changed.replace("04_change: Liver", "04_liver_function: Liver"), encoding="utf-8")
    return copy / name


MISFITS = (
    ("analyses[LISTING].chapter must name a file of notebooks/", "Give the analysis its 'kind' instead"),
    ("titles.04_liver_function must name a chapter", "Known: 00_data_cut, 01_randomisation, "),
)


def test_a_run_with_a_protocol_that_no_chapter_can_follow(copy, esld):
    code, out, err = esld("run", str(misfitting(copy)))
    assert (code, out) == (2, "")
    lines = err.removeprefix("esld: ").splitlines()
    assert len(lines) == len(MISFITS)
    for line, (rule, remedy) in zip(lines, MISFITS, strict=True):
        assert line.startswith(rule) and "(nct06167473.yaml). " + remedy in line


def test_a_check_tells_it_among_the_faults(copy, esld):
    code, out, _ = esld("check", str(misfitting(copy)))
    assert code == 2
    for line, (rule, remedy) in zip(out.splitlines(), MISFITS, strict=False):
        assert line.startswith(rule) and "(nct06167473.yaml). " + remedy in line
    assert "\n2 faults, " in out
    code, out, _ = esld("check", str(copy / "params" / "demo-final.yaml"), "--json")
    told = json.loads(out)["faults"]
    assert [(fault["variable"], fault["place"]) for fault in told] == [
        ("analyses[LISTING].chapter", "nct06167473.yaml"),
        ("titles.04_liver_function", "nct06167473.yaml"),
    ]


def test_a_check_without_a_cut_knows_no_chapters(copy, esld):
    misfitting(copy)
    trial = copy / "params" / "protocols" / "nct06167473.yaml"
    code, out, _ = esld("check", str(copy / "data" / "demo"), "--protocol", str(trial))
    assert code == 0
    assert "\n0 faults, " in out


def test_a_check_tells_what_is_wrong_with_the_chapters_too(copy, esld):
    cut = copy / "params" / "demo-final.yaml"
    text = cut.read_text(encoding="utf-8")
    cut.write_text(text.replace("headline: MELD", "headline: INR2"), encoding="utf-8")
    code, out, _ = esld("check", str(cut))
    assert code == 2
    assert (
        "headline must be a parameter of nct06167473.yaml, got INR2 (chapter 04_change). Did you mean 'INR'?"
        in out
    )
    cut.write_text(text.replace("03_survival", "03_survivals"), encoding="utf-8")
    code, out, _ = esld("check", str(cut))
    assert code == 2 and "chapters must name files of notebooks/" in out
