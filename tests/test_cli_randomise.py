"""``esld randomise``: what the verbs say, their exit codes, and that nothing sealed leaves the sealed folder."""

import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from esld import cli
from esld.allocation.disclosed import FILE, read_disclosed
from esld.allocation.folder import LEDGER, SEALED
from esld.allocation.ledger import open_list
from esld.allocation.receipts import signature
from esld.allocation.sealed import SealedArm, read_sealed, seal
from tests.allocation.small_list import ARMS, ELIGIBLE, design, trial

ROOT = Path(__file__).parents[1]
PROTOCOL = ROOT / "params" / "protocols" / "nct06167473.yaml"
CRITERIA = [f"IN{i:02}" for i in range(1, 4)] + [f"EX{i:02}" for i in range(1, 12)]
SIZES = (1046, 1052)  # numbers that nothing else has


@pytest.fixture
def esld(monkeypatch, capsys, tmp_path):
    """Run ``esld randomise`` on the folder of the test; exit code, stdout, stderr. Everything said is kept."""
    monkeypatch.setenv("ESLD_SEALED", str(tmp_path / "sealed"))
    monkeypatch.delenv("SUDO_USER", raising=False)

    def call(*arguments: object):
        monkeypatch.setattr(sys, "argv", ["esld", "randomise", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        call.said.append(said.out + said.err)
        return ended.value.code or 0, said.out, said.err

    def into(place, *arguments):
        """The same with another place for what it says."""
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", place)
            code, _, err = call(*arguments)
        return code, err

    call.said, call.into = [], into
    return call


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "sealed"


@pytest.fixture
def answers(tmp_path):
    path = tmp_path / "answers.yaml"
    path.write_text("".join(f"{c}: {'yes' if c[0] == 'I' else 'no'}\n" for c in CRITERIA), encoding="utf-8")
    return path


@pytest.fixture
def protocols(tmp_path):
    """The trial as it is, and masked, in a working copy."""
    place = tmp_path / "copy" / "params" / "protocols"
    place.mkdir(parents=True)
    text = PROTOCOL.read_text(encoding="utf-8")
    assert "value: None (open label)" in text
    (place / "open.yaml").write_text(text, encoding="utf-8")
    masked = text.replace("value: None (open label)", "value: Double-blind").partition("\ntranslations:")[0]
    (place / "masked.yaml").write_text(masked, encoding="utf-8")
    return place


def design_file(path: Path, **changes) -> Path:
    content = {"design": "blocks", "ratio": [1, 1], "slots": 1200, "block_sizes": list(SIZES)} | changes
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not None}), encoding="utf-8")
    return path


@pytest.fixture
def sealed(esld, protocols, tmp_path, request):
    """A sealed trial; masked where the test asks for it."""
    name = getattr(request, "param", "open")
    code, out, err = esld(
        "seal", protocols / f"{name}.yaml", "--design", design_file(tmp_path / "design.yaml")
    )
    assert (code, err) == (0, "")
    return yaml.safe_load(out)["allocation"]


masked = pytest.mark.parametrize("sealed", ["masked"], indirect=True)


class TestSeal:
    def test_it_prints_what_may_be_published(self, sealed, folder):
        root = read_sealed(folder).root
        assert sealed == {
            "format": "esld-allocation-1",
            "design": "blocks",
            "arms": ["LOW", "MEDHIGH"],
            "ratio": [1, 1],
            "masked": False,
            "strata": {},
            "slots_per_stratum": 1200,
            "commitment": root,
        }

    def test_block_sizes_can_be_typed_unseen(self, esld, protocols, tmp_path, folder, monkeypatch):
        monkeypatch.setattr("getpass.getpass", lambda *_, **__: "1052, 1046")
        monkeypatch.setattr("click.termui.hidden_prompt_func", lambda *_: "1052, 1046")
        file = design_file(tmp_path / "d.yaml", block_sizes=None)
        assert esld("seal", protocols / "open.yaml", "--design", file)[0] == 0
        assert read_sealed(folder).design.block_sizes == SIZES

    @pytest.mark.parametrize(
        ("changes", "mode", "said"),
        [
            ({"design": "minimisation", "block_sizes": None}, 0o600, "Minimisation has no list to seal"),
            ({}, 0o640, "must be open to its owner alone (mode 600), since it holds the block sizes"),
            (
                {"ratio": [1, 1, 1], "block_sizes": [12]},
                0o600,
                "must have a part for each of the protocol's 2 arms",
            ),
            ({"block_sizes": [1047]}, 0o600, "block_sizes must be different multiples of 2"),
            ({"block_sizes": "1046"}, 0o600, "block_sizes must be different multiples of 2"),
            ({"block_size": [1046]}, 0o600, "Did you mean 'block_sizes'?"),
            ({"slots": "many"}, 0o600, "key 'slots' must be"),
        ],
    )
    def test_a_bad_design_is_one_line(self, esld, protocols, tmp_path, folder, changes, mode, said):
        file = design_file(tmp_path / "d.yaml", **changes)
        file.chmod(mode)
        code, out, err = esld("seal", protocols / "open.yaml", "--design", file)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert said in err
        assert not re.search(r"104[67]", err)
        assert not folder.exists()

    def test_not_inside_a_working_copy_or_a_repository(self, esld, protocols, tmp_path, monkeypatch):
        file = design_file(tmp_path / "d.yaml")
        (tmp_path / "repository" / ".git").mkdir(parents=True)
        (tmp_path / "link").symlink_to(tmp_path / "repository")
        for place in (
            "copy/sealed",
            "copy/params/sealed",
            "copy/params/protocols/s",
            "repository/a/b",
            "link/s",
        ):
            code, _, err = esld(
                "seal", protocols / "open.yaml", "--design", file, "--folder", tmp_path / place
            )
            assert code == 2
            assert "must lie outside every repository and working copy" in err
            assert not (tmp_path / place).exists()

    def test_a_second_list_in_the_same_folder(self, esld, protocols, tmp_path, sealed, folder):
        before = (folder / SEALED).read_bytes()
        code, _, err = esld("seal", protocols / "open.yaml", "--design", tmp_path / "design.yaml")
        assert code == 2
        assert "must be a new or empty folder" in err
        assert (folder / SEALED).read_bytes() == before


class TestAssign:
    def test_the_receipt_names_arm_slot_and_head(self, esld, sealed, answers, folder):
        code, out, err = esld("assign", "001", "--answers", answers)
        with sqlite3.connect(folder / LEDGER) as connection:
            ((digest,),) = connection.execute("SELECT hash FROM log WHERE seq = 2").fetchall()
        connection.close()
        arm = read_sealed(folder).slots["all"][0].arm
        label = {"LOW": "Low dose", "MEDHIGH": "Medium-high dose"}[arm]
        first, second, third, fourth = out.splitlines()
        assert (code, err) == (0, "")
        check = f"{digest[:4]}-{digest[4:8]}".upper()
        assert first == f"NCT06167473  subject 001  {label} ({arm})  check {check}"
        assert second.startswith("stratum all, slot 1; 20")
        assert third == f"record 2 of ledger {read_sealed(folder).ledger}: {digest}"
        assert fourth == f"signed {signature(read_sealed(folder), 2, digest)}"

    def test_answers_as_options(self, esld, sealed):
        options = [x for c in CRITERIA for x in ("--answer", f"{c}={'yes' if c[0] == 'I' else 'no'}")]
        code, out, _ = esld("assign", "001", *options, "--json")
        given = json.loads(out)
        assert (code, given["record"]["subject"], given["record"]["slot"]) == (0, "001", 1)
        assert given["record"]["details"]["EX11"] == "no"

    def test_the_receipt_again(self, esld, sealed, answers):
        printed = esld("assign", "001", "--answers", answers)[1]
        assert esld("receipt", "001") == (0, printed, "")
        assert esld("receipt", "002")[0] == 2

    def test_refusals(self, esld, sealed, answers, tmp_path, folder):
        assert esld("assign", "001", "--answers", answers)[0] == 0
        bad = tmp_path / "bad.yaml"
        bad.write_text(answers.read_text(encoding="utf-8").replace("EX01: no", "EX01: yes"), encoding="utf-8")
        for arguments, code, said in (
            (("001", "--answers", answers), 3, "was assigned already"),
            (("002", "--answers", bad), 3, "not eligible: EX01 answered yes"),
            (("002", "--answers", tmp_path / "none"), 2, "must be a readable file"),
            (("002",), 2, "must be answered by --answers or by --answer"),
            (("002", "--answers", answers, "--answer", "IN01=yes"), 2, "must be answered by --answers or by"),
            (("002", "--answers", answers, "--stratum", "SITE=1"), 2, "must be a stratum of the design"),
        ):
            found, out, err = esld("assign", *arguments)
            assert (found, out, err.count("\n")) == (code, "", 1)
            assert said in err
        assert json.loads(esld("status", "--json")[1])["records"] == 2

    def test_a_folder_others_can_read(self, esld, sealed, answers, folder):
        folder.chmod(0o755)
        code, _, err = esld("assign", "001", "--answers", answers)
        assert code == 2
        assert f"chmod 700 {folder}" in err

    def test_it_loads_neither_tables_nor_the_protocol(self, sealed, answers, folder):
        """Half a second of imports, at the bedside."""
        work = (
            "import sys; from esld import cli; sys.argv = sys.argv[1:]\n"
            "try: cli.main()\n"
            "except SystemExit as end: assert not end.code, end.code\n"
            "print(sorted({'pandas', 'numpy', 'scipy', 'esld.protocol', 'yaml'} & set(sys.modules)))"
        )
        command = [sys.executable, "-c", work, "esld", "randomise", "assign", "001"]
        command += ["--folder", str(folder), "--answers", str(answers)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        assert done.stdout.splitlines()[-1] == "[]"


@pytest.fixture
def nowhere():
    """Places for output that take none: a full disk, a pipe that nobody reads, one without a needed letter, none at all."""
    read, write = os.pipe()
    os.close(read)
    letters = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    with (
        suppress(OSError),
        Path("/dev/full").open("w", encoding="utf-8") as full,
        suppress(OSError),
        os.fdopen(write, "w", encoding="utf-8") as pipe,
    ):
        yield {"full": full, "pipe": pipe, "latin-1": letters, "none": None}


class TestNotTold:
    """A slot whose receipt cannot be printed is taken: the error says so, and where the receipt is shown again."""

    @pytest.mark.parametrize("as_json", [(), ("--json",)])
    @pytest.mark.parametrize("place", ["full", "pipe", "none"])
    def test_an_assignment(self, esld, sealed, answers, nowhere, place, as_json):
        code, err = esld.into(nowhere[place], "assign", "001", "--answers", answers, *as_json)
        assert (code, err.count("\n")) == (1, 1)
        assert "the result could not be printed (" in err
        assert (
            "Record 2 (assignment) is in the ledger for good; 'esld randomise receipt 001' shows it again."
            in err
        )
        assert "subject 001  " in esld("receipt", "001")[1]
        assert json.loads(esld("status", "--json")[1])["records"] == 2

    @masked
    def test_whatever_else_is_recorded(self, esld, sealed, answers, nowhere, tmp_path):
        esld("assign", "001", "--answers", answers)
        for n, (arguments, again) in enumerate(
            (
                (("note", "001", "--kind", "withdrawal", "--reason", "moved away"), "--record 3"),
                (("clock", "--reason", "battery"), "--record 4"),
                (("dose", "001", "--weight", "60", "--pharmacy"), "--record 5"),
                (("unblind", "001", "--reason", "anaphylaxis"), "001"),
                (("export", "-o", tmp_path, "--unmask", "database lock"), "--record 7"),
            ),
            start=3,
        ):
            code, err = esld.into(nowhere["full"], *arguments)
            assert (code, f"Record {n} (" in err, f"receipt {again}' shows" in err) == (1, True, True)
            assert esld("receipt", *again.split())[0] == 0
        assert esld("receipt")[0] == esld("receipt", "001", "--record", "3")[0] == 2
        assert "must be the number of a record, got 9" in esld("receipt", "--record", "9")[2]

    def test_a_letter_that_the_terminal_lacks(self, esld, sealed, answers, nowhere):
        esld("assign", "001", "--answers", answers)
        note = ("note", "001", "--kind", "ineligible", "--reason", "肝細胞癌", "--json")
        code, err = esld.into(nowhere["latin-1"], *note)
        assert (code, "can't encode" in err, "Record 3 (ineligible) is in the ledger" in err) == (
            1,
            True,
            True,
        )

    def test_as_a_process(self, sealed, answers, folder):
        """At its end Python would write once more, and say so in lines of its own."""
        command = [sys.executable, "-m", "esld.cli", "randomise", "assign", "001", "--folder", str(folder)]
        with Path("/dev/full").open("w", encoding="utf-8") as full:
            done = subprocess.run(
                [*command, "--answers", str(answers)],
                stdout=full, stderr=subprocess.PIPE, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert "(No space left on device). Record 2 (assignment) is in the ledger" in done.stderr


class TestAudit:
    def test_sound_with_receipts_in_text_and_json(self, esld, sealed, answers, tmp_path):
        kept = tmp_path / "receipts.txt"
        text = esld("assign", "001", "--answers", answers)[1]
        kept.write_text(text + esld("assign", "002", "--answers", answers, "--json")[1], encoding="utf-8")
        code, out, _ = esld("audit", "--receipt", kept, "--commitment", sealed["commitment"])
        assert (code, "sound; 3 records, 2 assigned, 2 receipts compared" in out) == (0, True)
        assert "without a receipt" in esld("audit")[1]

    def test_a_restored_old_copy_is_found_and_completed(self, esld, sealed, answers, tmp_path, folder):
        esld("assign", "001", "--answers", answers)
        assert esld("backup", "-o", tmp_path / "backup")[0] == 0
        kept = tmp_path / "receipt.json"
        kept.write_text(esld("assign", "002", "--answers", answers, "--json")[1], encoding="utf-8")
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "backup", folder)
        code, out, _ = esld("audit", "--receipt", kept)
        assert code == 1
        assert out.endswith("the ledger ends at record 2; it was cut off or is a restored old copy\n")
        assert json.loads(esld("recover", "--receipt", kept, "--json")[1]) == {"recovered": 1}
        assert esld("audit", "--receipt", kept)[0] == 0
        assert "slot 3" in esld("assign", "003", "--answers", answers)[1]

    def test_a_file_without_a_receipt(self, esld, sealed, answers):
        code, _, err = esld("audit", "--receipt", answers)
        assert (code, err) == (2, "esld: answers.yaml must hold a receipt. Give what `assign` printed.\n")
        assert esld("recover")[0] == 2

    def test_attempts_to_recover_are_counted_and_locked(
        self, esld, sealed, answers, tmp_path, folder, monkeypatch
    ):
        kept = tmp_path / "receipt.json"
        printed = json.loads(esld("assign", "001", "--answers", answers, "--json")[1])
        kept.write_text(json.dumps(printed | {"signed": "0" * 32}), encoding="utf-8")
        said = {esld("recover", "--receipt", kept)[::2] for _ in range(3)}
        assert len(said) == 1
        code, out, _ = esld("audit", "--receipt", kept)
        assert code == 1
        assert "is forged or was altered; it says nothing of the ledger" in out
        assert "sound; 2 records" in out
        assert out.endswith("3 attempts to recover, the last 3 refused\n")
        kept.write_text(json.dumps(printed), encoding="utf-8")
        code, _, err = esld("recover", "--receipt", kept)
        assert (code, "recover is locked" in err) == (3, True)
        shown = sha256((folder / SEALED).read_bytes()).hexdigest()
        monkeypatch.setattr("getpass.getpass", lambda *_, **__: shown)
        assert "0 records put back" in esld("recover", "--receipt", kept, "--release")[1]
        assert shown not in "".join(esld.said)

    def test_an_altered_ledger_fails(self, esld, sealed, answers, folder):
        esld("assign", "001", "--answers", answers)
        content = (folder / LEDGER).read_bytes()
        (folder / LEDGER).write_bytes(content.replace(b"assignment001", b"assignment009"))
        code, out, _ = esld("audit")
        assert code == 1
        assert "record 2 is not what was written (its hash differs)" in out
        assert json.loads(esld("audit", "--json")[1])["passed"] is False
        assert esld("assign", "002", "--answers", answers)[0] == 3

    def test_the_list_from_its_seed(self, esld, sealed):
        code, out, _ = esld("verify-list")
        assert (code, sealed["commitment"] in out) == (0, True)


class TestRecords:
    def test_corrections_notes_and_export(self, esld, sealed, answers, tmp_path):
        for subject in ("001", "002"):
            esld("assign", subject, "--answers", answers)
        assert esld("note", "002", "--kind", "withdrawal", "--reason", "moved away")[0] == 0
        assert esld("note", "001", "--kind", "ineligible", "--reason", "tumour found later")[0] == 0
        assert esld("note", "001", "--kind", "unblinding", "--reason", "sly")[0] == 2
        assert esld("correct", "001", "--stratum", "all", "--reason", "no other")[0] == 2
        assert esld("clock", "--reason", "battery")[0] == 0
        code, out, _ = esld("export", "-o", tmp_path)
        assert (code, out.split()) == (
            0,
            [str(tmp_path / "dm.csv"), str(tmp_path / "ds.csv"), str(tmp_path / "ledger.json")],
        )
        dm = (tmp_path / "dm.csv").read_text(encoding="utf-8").splitlines()
        assert dm[0] == "STUDYID,DOMAIN,USUBJID,SUBJID,ARMCD,ARM"
        assert dm[1].startswith("NCT06167473,DM,NCT06167473-001,001,")
        assert len(dm) == 3
        ds = (tmp_path / "ds.csv").read_text(encoding="utf-8")
        assert ",2,MOVED AWAY,WITHDRAWAL BY SUBJECT,DISPOSITION EVENT," in ds

    def test_the_dose_of_an_assigned_patient(self, esld, sealed, answers, folder):
        assert esld("dose", "001", "--weight", "61.5")[0] == 2
        esld("assign", "001", "--answers", answers)
        per_kg = {"LOW": 1, "MEDHIGH": 3}[read_sealed(folder).slots["all"][0].arm]
        code, out, _ = esld("dose", "001", "--weight", "61.5", "--given", str(per_kg * 60), "--json")
        sheet = json.loads(out)
        assert code == 0
        assert [each["planned"] for each in sheet["infusions"]] == [str(per_kg * 123 / 2)] * 3
        assert [each["within"] for each in sheet["infusions"]] == [True, None, None]
        assert json.loads(esld("status", "--json")[1])["records"] == 2

    @masked
    def test_a_masked_trial_shows_kits_and_records_who_looked(self, esld, sealed, answers, folder, tmp_path):
        out = esld("assign", "001", "--answers", answers)[1]
        slot = read_sealed(folder).slots["all"][0]
        assert f"  kit {slot.kit}  " in out
        assert "dose" not in out
        code, _, err = esld("dose", "001", "--weight", "60")
        assert (code, "--pharmacy only" in err) == (3, True)
        assert "3 infusions" not in err
        assert esld("dose", "001", "--weight", "60", "--pharmacy")[0] == 0
        esld("export", "-o", tmp_path)
        assert (tmp_path / "dm.csv").read_text(encoding="utf-8").splitlines()[1].endswith("-001,001,,")
        code, _, err = esld("export", "-o", tmp_path / "nowhere", "--unmask", "database lock")
        assert (code, "must lie in a folder that exists" in err) == (2, True)
        assert (
            json.loads(esld("status", "--json")[1])["records"] == 3
        )  # an unmasking that gave nobody anything is none
        out = esld("export", "-o", tmp_path, "--unmask", "database lock")[1]
        unmasked = next(r for r in read_disclosed(tmp_path / FILE).records if r.kind == "unmasking")
        assert out.splitlines()[-1] == f"Unmasked by record {unmasked.id}."
        assert f",{slot.arm}," in (tmp_path / "dm.csv").read_text(encoding="utf-8")
        code, out, _ = esld("unblind", "001", "--reason", "anaphylaxis")
        assert (code, out.splitlines()[0].endswith(f"({slot.arm})")) == (0, True)
        assert esld("receipt", "001") == (0, out, "")  # who lost it in the emergency gets it again
        code, _, err = esld("unblind", "001", "--reason", "again")
        assert (code, "was unblinded already" in err) == (3, True)
        assert "unblinded: 1" in esld("status")[1]
        kinds = [line for line in esld.said if "recorded" in line]
        assert len(kinds) == 2  # the code break, twice
        assert json.loads(esld("status", "--json")[1])["records"] == 5

    def test_an_arm_without_a_dose_is_told_after_the_record_only(self, esld, folder):
        """Two patients of a masked trial, one of each arm: both are recorded, whatever the answer."""
        without = SealedArm(code="NONE", label="No infusion", name="control group")
        arms = (ARMS[0], without)
        two = replace(trial(masked=True), arms=arms)
        open_list(folder, seal(two, design(slots=2)))
        given = [x for name, said in ELIGIBLE.items() for x in ("--answer", f"{name}={said}")]
        said = []
        for subject in ("001", "002"):
            assert esld("assign", subject, *given)[0] == 0
            assert "a number, not negative" in esld("dose", subject, "--weight", "x", "--pharmacy")[2]
            code, _, err = esld("dose", subject, "--weight", "60", "--pharmacy")
            said.append((code, "must state dose and infusions of the subject's arm" in err))
        assert sorted(said) == [(0, False), (2, True)]
        assert json.loads(esld("status", "--json")[1])["records"] == 5


class TestConcealment:
    """Planted secrets are looked for in everything said and in every file outside the sealed one."""

    def secrets(self, folder):
        """Seed and salts, to be found anywhere; and numbers, to be found as a word."""
        sealed = read_sealed(folder)
        later = sealed.slots["all"][1:]  # the first slot is given out
        words = [sealed.seed, sealed.salt, *(slot.salt for slot in sealed.slots["all"])]
        return words, {str(number) for number in (*SIZES, *(slot.kit for slot in later))}

    def found(self, text, secrets):
        words, numbers = secrets
        return [w for w in words if w in text] + sorted(numbers & set(re.findall("[0-9a-f]+", text)))

    def everything(self, esld, protocols, answers, tmp_path, folder):
        """Every verb, what is right and what is wrong with it."""
        own = folder / SEALED
        (tmp_path / "link.yaml").symlink_to(own)
        esld("assign", "001", "--answers", answers)
        for arguments in (
            ("status",), ("receipt", "001"), ("receipt", "009"), ("audit",), ("verify-list",),
            ("assign", "001", "--answers", answers), ("assign", "002", "--stratum", "SITE=9", "--answers", answers),
            ("assign", "002", "--answers", own), ("assign", "002", "--answers", tmp_path / "link.yaml"),
            ("assign", "002", "--answers", folder / LEDGER), ("audit", "--receipt", own),
            ("audit", "--receipt", folder / LEDGER), ("recover", "--receipt", own),
            ("seal", own, "--design", own, "--folder", tmp_path / "x"),
            ("seal", protocols / "open.yaml", "--design", own, "--folder", tmp_path / "x"),
            ("seal", protocols / "open.yaml", "--design", tmp_path / "design.yaml"),
            ("note", "001", "--kind", "withdrawal", "--reason", "left"), ("export", "-o", folder),
            ("export", "-o", tmp_path), ("audit", "--commitment", "00"), ("clock", "--reason", "clock"),
            ("dose", "001", "--weight", "60"), ("dose", "001", "--weight", "x", "--pharmacy"),
        ):  # fmt: skip
            esld(*arguments)
            if "--json" not in arguments:
                esld(*arguments, "--json")
        whole = own.read_bytes()
        for spoilt in (
            whole[:-20],
            b"{" + whole,
            whole.replace(b'"arm":"LOW"', b'"arm":"XXX"', 1),
            whole[:5000],
        ):
            own.write_bytes(spoilt)
            esld("assign", "003", "--answers", answers)
            esld("audit")
            esld("verify-list")
        own.write_bytes(whole)

    @masked
    def test_nothing_sealed_is_said_or_written(
        self, esld, protocols, sealed, answers, tmp_path, folder, monkeypatch
    ):
        scratch = tmp_path / "tmp"
        scratch.mkdir()
        for name in ("TMPDIR", "TEMP", "TMP", "SQLITE_TMPDIR", "HOME"):
            monkeypatch.setenv(name, str(scratch))
        secrets = self.secrets(folder)
        self.everything(esld, protocols, answers, tmp_path, folder)
        planted = self.found((folder / SEALED).read_text(encoding="utf-8"), secrets)
        assert len(planted) == 2 + 1200 + 2 + 1199  # the search does find
        (tmp_path / "design.yaml").unlink()  # what the trial office wrote itself
        said = "\n".join(esld.said)
        assert "subject 001" in said
        assert not self.found(said, secrets)
        assert not re.search(
            r"\bLOW\b|MEDHIGH|Low dose|1×10|3×10", "\n".join(esld.said[1:])
        )  # after the public part
        assert b"MEDHIGH" not in (folder / LEDGER).read_bytes()
        assert "Traceback" not in said
        assert [*scratch.rglob("*")] == []
        looked = 0
        for path in tmp_path.rglob("*"):
            if path.is_file() and path.resolve() != (folder / SEALED).resolve():
                assert not self.found(path.read_bytes().decode("latin-1"), secrets), path
                looked += 1
        assert looked > 5
