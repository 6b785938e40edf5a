"""The command line: what it calls, what it says, and the exit codes 0, 1, 2, 3."""

import errno
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pytest
from typer.main import get_command

from esld import cli
from esld.errors import InputError, InputErrors, RefusedError, RunError
from esld.pipeline import provenance
from esld.pipeline.how import CELL_SECONDS, Published, processors
from esld.pipeline.verify import PROVES, Verdict
from esld.pipeline.watch import Event
from esld.report.results import rows_of, write_rows
from tests.data.test_study import laid_out, tables

ROOT = Path(__file__).parents[1]
FINAL = str(ROOT / "params" / "demo-final.yaml")
INTERIM = str(ROOT / "params" / "demo-interim.yaml")


@pytest.fixture
def esld(monkeypatch, capsys):
    """Run the command line here; exit code, stdout, stderr."""

    def call(*arguments: str):
        monkeypatch.setattr(sys, "argv", ["esld", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


@pytest.fixture
def ran(monkeypatch, tmp_path):
    """A run that does nothing but tell what it was asked."""
    asked = []

    def run_cuts(files, how, *, listen):
        for file in files:
            listen(Event(file.id, "03_survival", "runs", of=2))
            listen(Event(file.id, "03_survival", "runs", cells=1, of=2))
            listen(Event(file.id, "03_survival", "done", 0.5, 2, 2))
            asked.append((file.id, how.outputs, *(["pdf"] if how.pdf else [])))
            index = (how.outputs or tmp_path) / file.id / "index.html"
            yield Published(file.id, index, 1.26, ("03_survival: beware",), reused=("02_baseline",))

    monkeypatch.setattr("esld.pipeline.run.run_cuts", run_cuts)
    return asked


def test_the_version_is_told_instead_of_a_command(esld):
    assert esld("--version") == (0, f"esld {metadata.version('esld')}\n", "")


class TestRun:
    def test_it_ends_with_the_path_of_the_index(self, esld, ran, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        code, out, err = esld("run", FINAL, INTERIM)
        assert code == 0
        assert out.splitlines() == ["demo-final/index.html", "demo-interim/index.html"]
        assert err.splitlines() == [
            line
            for cut in ("demo-final", "demo-interim")
            for line in ("warning: 03_survival: beware", f"{cut}: not executed again: 02_baseline")
        ]
        assert ran == [("demo-final", None), ("demo-interim", None)]

    def test_a_path_elsewhere_is_given_whole(self, esld, ran, tmp_path):
        code, out, _ = esld("run", FINAL, "-o", str(tmp_path / "made"))
        assert (code, out.strip()) == (0, str(tmp_path / "made" / "demo-final" / "index.html"))
        assert ran == [("demo-final", tmp_path / "made")]

    def test_a_pdf_is_made_when_asked_for(self, esld, ran):
        assert esld("run", FINAL, "--pdf")[0] == 0
        assert ran == [("demo-final", None, "pdf")]

    def test_json_is_an_object_when_a_chapter_starts_or_ends_and_one_a_cut(self, esld, ran, tmp_path):
        code, out, _ = esld("run", "--json", FINAL, INTERIM)
        lines = [json.loads(line) for line in out.splitlines()]
        index = str(tmp_path / "demo-final" / "index.html")
        assert code == 0
        assert [(line["cut"], line.get("state")) for line in lines] == [
            (cut, state) for cut in ("demo-final", "demo-interim") for state in ("runs", "done", None)
        ]
        facts = {"cells": 2, "of": 2, "seconds": 0.5, "chapter": "03_survival", "event": "chapter"}
        assert lines[1] == facts | {"cut": "demo-final", "state": "done"}
        facts = {"seconds": 1.3, "reused": ["02_baseline"], "unchanged": False}
        facts["warnings"] = ["03_survival: beware"]
        assert lines[2] == facts | {"cut": "demo-final", "index": index}

    def test_a_line_a_chapter_for_a_terminal_and_not_for_a_machine(self, esld, ran, monkeypatch):
        assert "03_survival  done" not in esld("run", FINAL)[2]
        monkeypatch.setattr(type(sys.stderr), "isatty", lambda self: True)
        assert re.search(r"demo-final  03_survival .*done", esld("run", FINAL)[2])
        assert "done" not in esld("run", FINAL, "--json")[2]

    def test_the_others_are_made_where_one_fails(self, esld, monkeypatch, tmp_path):
        def run_cuts(files, how, *, listen):
            yield RunError("chapter 03_survival: notebooks/03_survival.py:87: `x`: KeyError: 'AVAL'.")
            yield Published(files[1].id, tmp_path / "index.html", 1.0)

        monkeypatch.setattr("esld.pipeline.run.run_cuts", run_cuts)
        code, out, err = esld("run", FINAL, INTERIM)
        assert (code, out.strip()) == (1, str(tmp_path / "index.html"))
        assert err == "esld: chapter 03_survival: notebooks/03_survival.py:87: `x`: KeyError: 'AVAL'.\n"

    def test_how_it_runs(self, esld, monkeypatch, tmp_path):
        asked = []

        def run_cuts(files, how, *, listen):
            asked.append(how)
            yield Published(files[0].id, tmp_path / "index.html", 1.0)

        monkeypatch.setattr("esld.pipeline.run.run_cuts", run_cuts)
        esld("run", FINAL)
        esld("run", FINAL, "--jobs", "3", "--timeout", "7", "--force")
        assert (asked[0].jobs, asked[0].timeout, asked[0].force) == (processors(), CELL_SECONDS, False)
        assert (asked[1].jobs, asked[1].timeout, asked[1].force) == (3, 7, True)

    def test_a_mistake_in_the_last_cut_is_told_before_the_first_one_runs(self, esld, ran, tmp_path):
        (tmp_path / "params").mkdir()
        (tmp_path / "notebooks").mkdir()
        (tmp_path / "notebooks" / "02_baseline.py").write_text("", encoding="utf-8")
        bad = tmp_path / "params" / "bad.yaml"
        text = Path(FINAL).read_text(encoding="utf-8")
        for spoilt in (text.replace("cutoff:", "cuttoff:"), text.replace("02_baseline", "02_basline")):
            bad.write_text(spoilt, encoding="utf-8")
            code, out, err = esld("run", FINAL, str(bad))
            assert (code, out) == (2, "")
            assert "Did you mean" in err
        assert ran == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RunError("chapter 03_survival: notebooks/03_survival.py:87: `x`: KeyError: 'AVAL'."), 1),
        (InputError("LB.LBORRESU", "must be known", "mg", "lb.csv, row 3", "Correct it."), 2),
        (RefusedError("cut demo-final is being run by another process."), 3),
    ],
)
class TestExitCodes:
    @pytest.fixture(autouse=True)
    def failing(self, error, monkeypatch):
        monkeypatch.setattr("esld.pipeline.run.run_cuts", lambda *_, **__: (each for each in [error]))

    def test_one_line_on_stderr_and_no_traceback(self, esld, error, code):
        assert esld("run", FINAL) == (code, "", f"esld: {error}\n")

    def test_json_for_a_machine(self, esld, error, code):
        found, out, err = esld("run", FINAL, "--json")
        assert (found, json.loads(out), err) == (code, {"error": str(error), "exit_code": code}, "")


class TestMistakes:
    def test_several_are_told_a_line_each(self, esld, monkeypatch):
        error = InputErrors([InputError("a", "must be b"), InputError("c", "must be d")])
        monkeypatch.setattr("esld.pipeline.run.run_cuts", lambda *_, **__: (each for each in [error]))
        assert esld("run", FINAL) == (2, "", "esld: a must be b.\nc must be d.\n")

    def test_a_missing_cut_file_names_the_nearest(self, esld):
        code, _, err = esld("run", FINAL.replace("final", "finale"))
        assert code == 2
        assert "Did you mean 'demo-final.yaml'?" in err

    @pytest.mark.parametrize("arguments", [("run",), ("nonsense",), ("run", FINAL, "--nonsense")])
    def test_so_is_a_command_that_does_not_exist(self, esld, arguments):
        code, out, err = esld(*arguments)
        assert (code, out) == (2, "")
        assert "Traceback" not in err


class TestVerify:
    @pytest.fixture
    def verdicts(self, monkeypatch):
        found = {
            "good": Verdict((), 4, 500, 60),
            "bad": Verdict(("03_survival cell 8: differs", "second"), 4, 500, 60),
        }
        monkeypatch.setattr(
            "esld.pipeline.verify.verify_report", lambda folder, how, chapters, *, key: found[folder.name]
        )

    def test_a_good_report(self, esld, verdicts):
        code, out, err = esld("verify", "outputs/good")
        assert (code, err) == (0, "")
        done = "4 chapters re-executed, 500 results and 60 files compared; not signed"
        assert out.splitlines() == [f"outputs/good: verified; {done}", PROVES]

    def test_one_bad_report_among_good_ones_fails_all(self, esld, verdicts):
        code, out, _ = esld("verify", "outputs/bad", "outputs/good")
        assert code == 1
        assert out.splitlines()[:2] == ["outputs/bad: 03_survival cell 8: differs", "outputs/bad: second"]
        assert "outputs/good: verified" in out

    def test_json(self, esld, verdicts):
        code, out, _ = esld("verify", "--json", "outputs/bad")
        faults = ["03_survival cell 8: differs", "second"]
        counts = {"chapters": 4, "results": 500, "files": 60, "notes": [], "signature": "not signed"}
        facts = {"report": "outputs/bad", "verified": False, "faults": faults} | counts
        assert (code, json.loads(out)) == (1, facts)

    def test_no_report_is_a_mistake(self, esld, tmp_path):
        code, _, err = esld("verify", str(tmp_path))
        assert code == 2
        assert "must be a report with provenance.json" in err


class TestInit:
    def test_it_says_what_to_do_next(self, esld, tmp_path):
        code, out, _ = esld("init", str(tmp_path / "copy"))
        cut = tmp_path / "copy" / "params" / "demo-final.yaml"
        assert code == 0
        assert f"Next: esld run {cut}\n" in out
        assert cut.is_file()

    def test_a_folder_in_use_is_refused_as_a_mistake(self, esld, tmp_path):
        (tmp_path / "mine").write_text("", encoding="utf-8")
        code, _, err = esld("init", str(tmp_path))
        assert code == 2
        assert "must be a new or empty folder" in err


def test_a_full_disk_ends_any_command_with_one_line_and_the_file(esld, monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", "copy/README.md")

    monkeypatch.setattr("esld.pipeline.workcopy.lay_out", full)
    line = "esld: No space left on device: copy/README.md. Make room, and run it again.\n"
    assert esld("init", str(tmp_path / "copy")) == (1, "", line)


class TestSign:
    def test_a_pair_of_keys_then_a_report_and_who_signed_it(self, esld, tmp_path):
        key, report = tmp_path / "trial.key", tmp_path / "report"
        code, out, _ = esld("sign", "--new-key", str(key))
        public = key.with_name("trial.key.pub").read_text(encoding="utf-8").splitlines()[-1]
        assert (code, out.splitlines()[-1]) == (0, f"{key}.pub: publish it: {public}")
        report.mkdir()
        provenance.write({"cut": "tiny", "inputs": {}, "outputs": {}}, report)
        code, out, _ = esld("sign", str(report), "--key", str(key))
        assert (code, out.startswith(f"{report}: signed by key ")) == (0, True)

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ((), "esld sign must be given a report and --key. Or --new-key, to make a key."),
            (("outputs/x",), "esld sign must be given a report and --key"),
            (("outputs/x", "--new-key", "k"), "--new-key must be given alone"),
        ],
    )
    def test_what_is_asked_wrongly_is_a_mistake(self, esld, arguments, told):
        code, out, err = esld("sign", *arguments)
        assert (code, out) == (2, "")
        assert err.startswith(f"esld: {told}")


class TestProcess:
    """The installed command itself."""

    def run(self, *arguments):
        command = [Path(sys.executable).with_name("esld"), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
        )

    def test_help_is_one_screen_and_loads_nothing_that_it_does_not_need(self):
        heavy = "import sys, atexit; atexit.register(lambda: print(*{'numpy', 'pandas', 'yaml', 'pydantic'} & {*sys.modules}))"
        code = f"{heavy}; sys.argv = ['esld', '--help']; from esld import cli; cli.main()"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        lines = done.stdout.rstrip().splitlines()
        assert (done.returncode, done.stderr) == (0, "")
        assert len(lines) <= 24
        assert max(map(len, lines)) <= 80
        said = " ".join(done.stdout.split())
        assert "0 done; 1 failed; 2 your mistake; 3 refused." in said
        users = [line.rstrip(":") for line in lines if line.endswith(":") and not line.startswith(" ")]
        assert users == ["Data manager", "Analyst", "Trial office", "Automation"]

    def test_a_mistake_ends_with_two(self, tmp_path):
        done = self.run("run", tmp_path / "é.yaml")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("esld: ")
        assert len(done.stderr.splitlines()) == 1


def leaves(group=None, words=("esld",)):
    """Every command, by the words that call it."""
    for name, command in (group or get_command(cli.app)).commands.items():
        if hasattr(command, "commands"):
            yield from leaves(command, (*words, name))
        else:
            yield (*words, name), command


LEAVES = dict(leaves())


def example(command):
    return shlex.split(command.epilog.removeprefix("Example: "))


class TestHelp:
    @pytest.mark.parametrize("words", LEAVES, ids=" ".join)
    def test_each_command_has_an_example_that_is_understood(self, words):
        command = LEAVES[words]
        assert command.epilog.startswith(f"Example: {' '.join(words)}")
        context = command.make_context(words[-1], example(command)[len(words) :])
        assert context.args == []
        assert f"\n  {command.epilog}\n" in command.get_help(context) + "\n"  # on one line, to copy

    def test_one_word_for_one_thing(self):
        """Where a command writes is -o, and an option of one name is spelt in one way."""
        said = {}
        for words, command in LEAVES.items():
            for option in command.params:
                if option.param_type_name == "option":
                    said.setdefault(option.name, {}).setdefault(
                        (*option.opts, option.metavar or ""), []
                    ).append(words)
        assert {name: list(kinds) for name, kinds in said.items() if len(kinds) > 1} == {
            "output": [("--output", "-o", "FILE"), ("--output", "-o", "DIR")]
        }

    def test_cheap_examples_run_in_a_working_copy(self, esld, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        assert esld(*example(LEAVES["esld", "init"])[1:])[0] == 0
        monkeypatch.chdir(tmp_path / "my-trial")
        (tmp_path / "my-trial" / "patients.csv").write_text("inr\n1.5\n", encoding="utf-8")
        for name in ("check", "score"):
            code, out, _ = esld(*example(LEAVES["esld", name])[1:])
            assert (code, bool(out)) == (0, True), name


class TestExport:
    @pytest.fixture(autouse=True)
    def small(self, monkeypatch, tmp_path):
        """A cut of few patients, in a working copy of its own."""
        laid_out(tmp_path, tables())
        monkeypatch.chdir(tmp_path)

    def test_it_says_what_it_wrote_and_of_which_view(self, esld, tmp_path):
        code, out, err = esld("export", "params/small.yaml", "-o", "adam", "--format", "csv")
        assert (code, err) == (0, "")
        assert out == "adam: adsl.csv, adlb.csv, adtte.csv, adce.csv, adae.csv, variables.csv (unblinded)\n"
        assert sorted(p.name for p in (tmp_path / "adam").iterdir()) == sorted(
            out.split(" (")[0].split(": ")[1].split(", ")
        )
        again = esld("export", "params/small.yaml", "-o", "adam", "--format", "csv")
        assert (again[0], "must be a new or empty folder" in again[2]) == (2, True)

    def test_never_among_the_reports(self, esld, tmp_path):
        code, _, err = esld("export", "params/small.yaml", "-o", "outputs/adam", "--format", "csv")
        assert (code, "is for published reports" in err) == (3, True)
        assert not (tmp_path / "outputs" / "adam").exists()

    def test_a_version_belongs_to_transport_files(self, esld):
        code, _, err = esld("export", "params/small.yaml", "-o", "x", "--format", "csv", "--xpt-version", "5")
        assert (code, "must come with --format xpt, got csv" in err) == (2, True)

    def test_arms_of_a_masked_trial_only_with_the_record_of_their_unmasking(
        self, esld, monkeypatch, tmp_path
    ):
        def refuse(study):
            raise InputError("unblinding", "must quote the record of the unmasking")

        monkeypatch.setattr("esld.pipeline.unblinding.check_unblinding", refuse)
        code, _, err = esld("export", "params/small.yaml", "-o", "x", "--format", "csv")
        assert (code, "must quote the record" in err, (tmp_path / "x").exists()) == (2, True, False)


class TestScore:
    @pytest.fixture
    def table(self, tmp_path):
        path = tmp_path / "in.csv"
        path.write_text(
            "id,bilirubin_mg_dl,creatinine_mg_dl,inr\n01,2.0,1.2,1.5\n02,2.0,x,1.5\n", encoding="utf-8"
        )
        return path

    def test_scores_are_written_and_the_report_printed(self, esld, table, tmp_path):
        out = tmp_path / "out.csv"
        code, said, err = esld("score", str(table), "-o", str(out))
        assert (code, err) == (0, "")
        assert said.splitlines()[0].startswith(f"{out}: 2 rows, ")
        assert "'x' in data row 2" in said
        assert out.read_text(encoding="utf-8").splitlines()[1].startswith("01,2.0,1.2,1.5,15.0,")

    def test_json_and_components(self, esld, table, tmp_path):
        out = tmp_path / "out.csv"
        code, said, _ = esld("score", str(table), "-o", str(out), "--components", "--json")
        facts = json.loads(said)
        assert (code, facts["rows"]) == (0, 2)
        assert facts["scores"][0] | {"column": "meld", "rows": 1, "bad": 1} == facts["scores"][0]
        assert facts["bad_values"][0]["row"] == 1
        assert "meld_input_inr" in out.read_text(encoding="utf-8").splitlines()[0]

    def test_a_mistake_is_one_line_and_exit_2(self, esld, tmp_path):
        code, said, err = esld("score", str(tmp_path / "none.csv"), "-o", str(tmp_path / "out.csv"))
        assert (code, said) == (2, "")
        assert err.startswith("esld: ")
        assert err.count("\n") == 1


class TestDiff:
    @pytest.fixture
    def reports(self, tmp_path):
        """Two reports of one result, and one of another trial and one of another view."""
        for name, value, trial, view in (
            ("a", 1.0, "T", "unblinded"),
            ("b", 2.0, "T", "unblinded"),
            ("c", 1.0, "U", "unblinded"),
            ("d", 1.0, "T", "blinded"),
        ):
            (tmp_path / name).mkdir()
            rows = rows_of(
                "x", pd.DataFrame({"statistic": ["s"], "value": [value]}), analysis="X", chapter="01"
            )
            write_rows(rows.rows, tmp_path / name / "results.json")
            record = {"cut": name, "inputs": {}, "outputs": {}, "trial": trial, "view": view}
            (tmp_path / name / "provenance.json").write_text(json.dumps(record), encoding="utf-8")
        return lambda *names: [str(tmp_path / name) for name in names]

    def test_what_changed_is_told(self, esld, reports, tmp_path):
        code, out, err = esld("diff", *reports("a", "b"), "-o", str(tmp_path / "o.csv"))
        assert (code, err) == (0, "")
        assert out.splitlines()[0].startswith("a -> b: 1 results compared, 1 changed, 0 new, 0 gone")
        assert "  x.s  1 -> 2" in out.splitlines()
        assert len((tmp_path / "o.csv").read_text(encoding="utf-8-sig").splitlines()) == 2

    def test_json(self, esld, reports):
        code, out, _ = esld("diff", "--json", *reports("a", "b"))
        facts = json.loads(out)
        assert code == 0
        assert (facts["results"][0]["before"], facts["results"][0]["after"]) == (1.0, 2.0)

    def test_another_trial_is_a_mistake(self, esld, reports):
        code, out, err = esld("diff", *reports("a", "c"))
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "must be of one trial" in err

    def test_another_view_is_refused(self, esld, reports):
        code, out, err = esld("diff", *reports("d", "b"))
        assert (code, out, err.count("\n")) == (3, "", 1)
        assert "what differs between two views tells the arms" in err

    def test_a_file_of_another_kind_is_told_before_the_work(self, esld, reports, tmp_path):
        code, _, err = esld("diff", str(tmp_path / "none"), *reports("b"), "-o", str(tmp_path / "o.xlsx"))
        assert code == 2
        assert "must be a .csv file" in err


class TestExitCodesOfACheck:
    """The table of docs/how-to/cut.md, a case or more a line of those that a check has."""

    OUTCOMES: ClassVar = {
        "fine": (0, {}),
        "faults": (1, {"lb": lambda text: text.replace("2024-", "2024/13/", 1)}),
        "order": (2, {"ae": lambda text: re.sub(r"(\d{4})-(\d\d)-(\d\d)", r"\3/\2/\1", text)}),
        "private": (2, {"ae": lambda text: text.replace("AETERM", "PHONE", 1)}),
        "a table is missing": (1, {"dm": None}),
        "no data": (2, {}),
    }

    @pytest.mark.parametrize("outcome", OUTCOMES)
    def test_each_outcome_ends_as_the_page_says(self, esld, tmp_path, outcome):
        code, changes = self.OUTCOMES[outcome]
        data, protocol = tmp_path / "data", "params/protocols/nct06167473.yaml"
        shutil.copytree(ROOT / "esld/data/examples/demo", data)
        for name, change in changes.items():
            path = data / f"{name}.csv"
            text = path.read_text(encoding="utf-8")
            path.unlink()
            if change:
                assert change(text) != text
                path.write_text(change(text), encoding="utf-8")
        more = ["--dates", "MM/DD/YYYY"] if outcome == "order" else []
        data = data / "none" if outcome == "no data" else data
        found, _, err = esld("check", str(data), "--protocol", str(ROOT / protocol), *more)
        assert found == code
        assert (len(err.splitlines()) >= 1) == (code == 2)
        page = (ROOT / "docs/how-to/cut.md").read_text(encoding="utf-8").partition("## Exit codes")[2]
        assert {int(each) for each in re.findall(r"^\| (\d) \|", page, re.MULTILINE)} == {0, 1, 2, 3}
