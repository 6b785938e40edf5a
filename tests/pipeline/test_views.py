"""Views: nothing that tells an arm goes into a report that may not show it, and no two share a folder."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from esld.allocation import disclosed
from esld.data.study import read_cut
from esld.errors import InputError, RefusedError
from esld.pipeline import provenance, run
from tests.pipeline import dying_run
from tests.pipeline.conftest import EXAMPLE, ROOT

DOSE = {"LOW": "1", "MEDHIGH": "3"}


def rewrite(path: Path, **columns: pd.Series) -> None:
    table = pd.read_csv(path, dtype=str, keep_default_na=False).assign(**columns)
    table.to_csv(path, index=False, lineterminator="\n")


def reallocate(data: Path, arms: dict[str, str]) -> None:
    """Give the patients of an export other arms, in every file that tells them."""
    dm = pd.read_csv(data / "dm.csv", dtype=str, keep_default_na=False)
    own = dm["USUBJID"].map(arms).fillna("")
    planned, actual = own.where(dm["ARMCD"].ne(""), ""), own.where(dm["ACTARMCD"].ne(""), "")
    rewrite(data / "dm.csv", ARMCD=planned, ARM=planned, ACTARMCD=actual, ACTARM=actual)
    ex = pd.read_csv(data / "ex.csv", dtype=str, keep_default_na=False)
    dose = ex["USUBJID"].map(arms).map(DOSE).where(ex["EXDOSE"].astype(float) > 0, "0")
    lots = "lot for " + dose
    rewrite(data / "ex.csv", EXDOSE=dose, EXLOT=lots, EXADJ=lots, EXTRT=lots)
    (data / disclosed.FILE).unlink()


def allocation() -> dict[str, str]:
    dm = pd.read_csv(EXAMPLE / "dm.csv", dtype=str, keep_default_na=False)
    return dm[dm["ARMCD"].ne("")].set_index("USUBJID")["ARMCD"].to_dict()


@pytest.fixture
def real_copy(tmp_path):
    """A working copy with the demonstration data as files, and every chapter that reads a trial."""

    def copied(name: str, view: str) -> Path:
        root = tmp_path / name
        for folder in ("notebooks", "params"):
            shutil.copytree(ROOT / folder, root / folder)
        shutil.copytree(EXAMPLE, root / "data" / "demo")
        cut = root / "params" / f"demo-interim-{view}.yaml"
        text = cut.read_text(encoding="utf-8").replace("data: example:demo", "data: data/demo")
        cut.write_text(text.replace(", 90_validation", ""), encoding="utf-8")
        return root

    return copied


def made(root: Path, view: str) -> dict[str, bytes]:
    """Every published byte but the clock's."""
    run.run_cut(read_cut(root / "params" / f"demo-interim-{view}.yaml"))
    folder = root / "outputs" / f"demo-interim-{view}"
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != provenance.RUN)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


class TestNothingLeaks:
    """Two trials that differ only in what a view must not tell give the same bytes, provenance included."""

    def test_another_allocation_gives_the_same_blinded_report(self, real_copy):
        one, two = (real_copy(name, "blinded") for name in ("one", "two"))
        arms = allocation()
        turned = dict(zip(arms, [*list(arms.values())[7:], *list(arms.values())[:7]], strict=True))
        assert sum(arms[who] != turned[who] for who in arms) > 4
        reallocate(two / "data" / "demo", turned)
        reports = [made(root, "blinded") for root in (one, two)]
        assert {"provenance.json", "report.html", "results.json", "04_liver_function.html"} <= set(reports[0])
        assert [name for name in reports[0] if reports[0][name] != reports[1].get(name)] == []
        assert set(reports[0]) == set(reports[1])
        for name, content in reports[0].items():
            assert b"EXLOT" not in content or name.startswith("00_"), name
            for secret in (b"MEDHIGH", b"SIM-24", b"lot for"):
                assert secret not in content, name

    def test_exchanged_doses_give_the_same_masked_report(self, real_copy):
        one, two = (real_copy(name, "masked") for name in ("one", "two"))
        other = {"LOW": "MEDHIGH", "MEDHIGH": "LOW"}
        reallocate(two / "data" / "demo", {who: other[arm] for who, arm in allocation().items()})
        reports = [made(root, "masked") for root in (one, two)]
        assert [name for name in reports[0] if reports[0][name] != reports[1].get(name)] == []
        assert set(reports[0]) == set(reports[1])
        assert b"MEDHIGH" not in b"".join(reports[0].values())
        assert b'"B - A"' in reports[0]["results.json"]


class TestInputs:
    def test_no_hash_of_a_file_that_holds_arms(self, working_copy):
        cut = working_copy / "params" / "tiny.yaml"
        cut.write_text(cut.read_text(encoding="utf-8").replace("unblinded", "blinded"), encoding="utf-8")
        hashes = provenance.input_hashes(read_cut(cut), [])
        raw = {provenance.sha256(path) for path in (working_copy / "data" / "tiny").iterdir()}
        assert not raw & set(hashes.values())
        assert {name for name in hashes if name.startswith("data/")} == {
            f"data/tiny/{path.stem}, blinded" for path in (working_copy / "data" / "tiny").glob("*.csv")
        }


@pytest.fixture
def no_kernels(monkeypatch):
    monkeypatch.setattr(run, "execute", dying_run.fake_execute)


def changed(copy: Path, old: str, new: str) -> Path:
    cut = copy / "params" / "tiny.yaml"
    text = cut.read_text(encoding="utf-8")
    assert old in text
    cut.write_text(text.replace(old, new), encoding="utf-8")
    return cut


@pytest.mark.usefixtures("no_kernels")
class TestFolders:
    @pytest.mark.parametrize(("first", "second"), [("unblinded", "blinded"), ("masked", "unblinded")])
    def test_a_view_never_takes_the_place_of_another(self, working_copy, first, second):
        changed(working_copy, "view: unblinded", f"view: {first}")
        run.run_cut(read_cut(working_copy / "params" / "tiny.yaml"))
        folder = working_copy / "outputs" / "tiny"
        before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        cut = changed(working_copy, f"view: {first}", f"view: {second}")
        with pytest.raises(
            RefusedError, match=f"is {second}, but .* holds its {first} report.*a name of its own"
        ):
            run.run_cut(read_cut(cut))
        assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before

    def test_the_same_view_does(self, working_copy):
        cut = changed(working_copy, "view: unblinded", "view: blinded")
        for _ in range(2):
            run.run_cut(read_cut(cut))


@pytest.mark.usefixtures("no_kernels")
class TestUnblinding:
    @pytest.fixture
    def masked_trial(self, working_copy):
        """The tiny trial as if its list had been sealed for a masked trial."""
        protocol = working_copy / "params" / "protocols" / "trial.yaml"
        text = protocol.read_text(encoding="utf-8")
        assert "\n  masked: false\n" in text
        protocol.write_text(text.replace("\n  masked: false\n", "\n  masked: true\n"), encoding="utf-8")
        return working_copy

    def ledger(self, copy: Path, kind: str) -> str:
        """The example's ledger with a record more; its id."""
        kept = disclosed.read_disclosed(EXAMPLE / disclosed.FILE)
        record = kept.records[-1]
        last = type(record)(
            seq=record.seq + 1, at=record.at, day=record.day, who="x", kind=kind, previous=record.hash
        ).sealed()
        text = (EXAMPLE / disclosed.FILE).read_text(encoding="utf-8")
        line = disclosed.canonical(last.to_dict()).decode("utf-8")
        head, sep, tail = text.partition('\n],\n"slots"')
        (copy / "data" / "tiny" / disclosed.FILE).write_text(f"{head},\n{line}{sep}{tail}", encoding="utf-8")
        return last.id

    def test_an_unblinded_cut_quotes_its_record(self, masked_trial):
        with pytest.raises(InputError, match="unblinding must quote the record of the unmasking, got none"):
            run.run_cut(read_cut(masked_trial / "params" / "tiny.yaml"))

    def test_the_ledger_must_be_there(self, masked_trial):
        cut = changed(masked_trial, "view: unblinded", "view: unblinded\nunblinding: 24-abc")
        with pytest.raises(
            InputError, match=r"must be found in the exported ledger.*ledger\.json is not beside"
        ):
            run.run_cut(read_cut(cut))

    def test_and_must_hold_it(self, masked_trial):
        other = self.ledger(masked_trial, "pharmacy")
        cut = changed(masked_trial, "view: unblinded", f"view: unblinded\nunblinding: {other}")
        with pytest.raises(InputError, match=f"must quote the record of the unmasking, got {other}"):
            run.run_cut(read_cut(cut))
        assert not (masked_trial / "outputs" / "tiny").exists()

    def test_then_it_runs(self, masked_trial):
        own = self.ledger(masked_trial, "unmasking")
        cut = changed(masked_trial, "view: unblinded", f"view: unblinded\nunblinding: {own}")
        assert run.run_cut(read_cut(cut)).index.is_file()

    @pytest.mark.parametrize("view", ["masked", "blinded"])
    def test_other_views_need_none(self, masked_trial, view):
        cut = changed(masked_trial, "view: unblinded", f"view: {view}")
        assert run.run_cut(read_cut(cut)).index.is_file()


@pytest.mark.parametrize("view", ["unblinded", "blinded"])
def test_a_ledger_that_cannot_be_read(working_copy, no_kernels, view):
    """Found before any kernel starts, and never looked at where the view does not read it."""
    (working_copy / "data" / "tiny" / disclosed.FILE).write_text("{", encoding="utf-8")
    file = read_cut(changed(working_copy, "view: unblinded", f"view: {view}"))
    if view == "blinded":
        assert run.run_cut(file).index.is_file()
        return
    with pytest.raises(InputError, match=r"ledger\.json must be an exported ledger"):
        run.run_cut(file)
    assert not (working_copy / "outputs" / "tiny").exists()
