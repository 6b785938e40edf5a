"""Views: nothing that tells an arm goes into a report that may not show it, and no two share a folder."""

import re
import shutil
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from esld.allocation import disclosed
from esld.data import store
from esld.data.cutfile import read_cut
from esld.data.fingerprint import sha256
from esld.data.study import load_study
from esld.errors import InputError, RefusedError
from esld.pipeline import provenance, run
from esld.pipeline.how import Published
from tests.pipeline.conftest import EXAMPLE, ROOT
from tests.report import in_process
from tests.reports import made_once

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
    listed = data / disclosed.FILE
    text = listed.read_text(encoding="utf-8").replace('"LOW"', '"?"').replace('"MEDHIGH"', '"LOW"')
    listed.write_text(text.replace('"?"', '"MEDHIGH"'), encoding="utf-8")


def packed(data: Path, *, bags: int, word: str, ran: str, why: str) -> None:
    """The same trial, each high dose given in so many bags that ran so long, with words in and beside the records.

    Corrections put right one word of an event and, of many bags, one of a lot.
    """
    ex = pd.read_csv(data / "ex.csv", dtype=str, keep_default_na=False)
    high = ex["EXDOSE"].eq("3")
    many = ex.loc[ex.index.repeat(high.map({True: bags, False: 1}))].reset_index(drop=True)
    many["EXDOSE"] = many["EXDOSE"].where(many["EXDOSE"].ne("3"), str(3 / bags))
    many["EXSEQ"] = (many.groupby("USUBJID").cumcount() + 1).astype(str)
    many["EXENDTC"] = many["EXSTDTC"] + ran
    many["EXLOT"] = many["EXADJ"] = many["EXTRT"] = many["EXVAMT"] = word
    many.to_csv(data / "ex.csv", index=False, lineterminator="\n")
    dm = pd.read_csv(data / "dm.csv", dtype=str, keep_default_na=False)
    last = dm["USUBJID"].map(many.groupby("USUBJID")["EXENDTC"].max()).fillna("")
    rewrite(data / "dm.csv", RFXENDTC=last, DMNOTE=word)
    role = {"STUDYID": "NCT06167473-SIM", "RDOMAIN": "EX", "IDVAR": "EXSEQ", "QNAM": "EXBAG", "QLABEL": "Bag"}
    beside = many[["USUBJID"]].assign(**role, IDVARVAL=many["EXSEQ"], QVAL=word)
    beside.to_csv(data / "suppex.csv", index=False)
    beside.assign(DOMAIN="CO", COVAL=word).to_csv(data / "co.csv", index=False)
    many[["USUBJID", "EXENDTC"]].rename(columns={"EXENDTC": "TRTEDTM"}).to_csv(data / "adsl.csv", index=False)
    ae = pd.read_csv(data / "ae.csv", dtype=str, keep_default_na=False)
    rewrite(data / "ae.csv", AETERM=ae["AETERM"].where(ae.index > 0, word))
    wrong = [("AE", ae.loc[0], "AETERM", ae.loc[0, "AETERM"]), ("EX", many.loc[0], "EXLOT", "x")]
    corrections = [
        f"- {{domain: {domain}, key: {{USUBJID: '{row['USUBJID']}', {domain}SEQ: '{row[f'{domain}SEQ']}'}}, "
        f"variable: {variable}, old: '{word}', new: '{right}', who: A. Li, when: 2025-01-01, why: {why}}}"
        for domain, row, variable, right in wrong[: 1 + (bags > 1)]
    ]
    (data / "overrides.yaml").write_text("\n".join(["overrides:", *corrections]) + "\n", encoding="utf-8")


def allocation() -> dict[str, str]:
    dm = pd.read_csv(EXAMPLE / "dm.csv", dtype=str, keep_default_na=False)
    return dm[dm["ARMCD"].ne("")].set_index("USUBJID")["ARMCD"].to_dict()


def exchanged() -> dict[str, str]:
    """Who was given one dose got the other."""
    other = {"LOW": "MEDHIGH", "MEDHIGH": "LOW"}
    return {who: other[arm] for who, arm in allocation().items()}


def turned(by: int) -> dict[str, str]:
    """The arms in their order, from another patient on; more than four get another."""
    arms = allocation()
    found = dict(zip(arms, [*list(arms.values())[by:], *list(arms.values())[:by]], strict=True))
    assert sum(arms[who] != found[who] for who in arms) > 4
    return found


def copied(folder: Path, name: str, arms: dict[str, str] | None = None, chapters: str = "") -> Path:
    """A working copy with the demonstration data as files, and every chapter that reads a trial, or the named ones."""
    root = folder / name
    for own in ("notebooks", "params"):
        shutil.copytree(ROOT / own, root / own)
    shutil.copytree(EXAMPLE, root / "data" / "demo")
    for cut in (root / "params").glob("demo-interim*.yaml"):
        text = cut.read_text(encoding="utf-8").replace("data: example:demo", "data: data/demo")
        text = text.replace(", 90_validation", "")
        if chapters:
            text = re.sub(r"^chapters: .*$", f"chapters: [{chapters}]", text, flags=re.MULTILINE)
            text = re.sub(r"^parameters:\n(  .*\n)+", "", text, flags=re.MULTILINE)
        cut.write_text(text, encoding="utf-8")
    if arms:
        reallocate(root / "data" / "demo", arms)
    return root


@pytest.fixture
def real_copy(tmp_path):
    return partial(copied, tmp_path)


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every published byte but the clock's."""
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != provenance.RUN)
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def assert_same(one: dict[str, bytes], other: dict[str, bytes]) -> None:
    assert [name for name in one if one[name] != other.get(name)] == []
    assert set(one) == set(other)


class TestNothingLeaks:
    """Two trials that differ only in what a view must not tell give the same bytes, provenance included.

    A report is made from the study of its cut, from what its chapters look at beside that, and from the hashes of its inputs.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def read(cls):
        """What a cut's chapters are given, and the hashes that are published, as bytes; of trial "one" read once."""
        kept: dict[str, tuple[bytes, dict[str, str]]] = {}

        def found(root: Path, cut: str) -> tuple[bytes, dict[str, str]]:
            if root.name == "one" and cut in kept:
                return kept[cut]
            file = read_cut(root / "params" / f"{cut}.yaml")
            given = store._content(load_study(file)), provenance.input_hashes(file, [])
            if root.name == "one":
                kept[cut] = given
            return given

        return found

    @pytest.mark.always
    @pytest.mark.parametrize(
        ("view", "arms"),
        [
            ("masked", exchanged()),
            ("blinded", exchanged()),
            pytest.param("blinded", turned(1), marks=pytest.mark.slow),
            pytest.param("blinded", turned(7), marks=pytest.mark.slow),
        ],
    )
    def test_another_allocation_gives_the_same_study_and_the_same_hashes(self, real_copy, read, view, arms):
        (own, hashes), (other, others) = (
            read(real_copy(name, given), f"demo-interim-{view}")
            for name, given in (("one", None), ("two", arms))
        )
        assert own == other
        assert hashes == others
        for secret in (b"SIM-24", b"lot for"):
            assert secret not in own and secret not in other

    @pytest.mark.parametrize("view", ["masked", "blinded"])
    def test_other_bags_durations_lots_and_words_give_the_same(self, real_copy, read, view):
        """Three bags of a high dose are three records; the reason of a correction, and what it corrected, may name the arm."""
        few = {"bags": 1, "word": "lot 1", "ran": "", "why": "a slip"}
        many = {"bags": 3, "word": "MEDHIGH", "ran": "T23:50", "why": "this is MEDHIGH"}
        given = []
        for name, how in (("few", few), ("many", many)):
            root = real_copy(name)
            packed(root / "data" / "demo", **how)
            given.append(read(root, f"demo-interim-{view}"))
        assert given[0] == given[1]
        content, _ = given[1]
        assert not [secret for secret in (b"T23:50", b"is MEDHIGH", b"lot 1") if secret in content]
        assert (b"A. Li" in content) is (view == "blinded")  # that a word of an event was corrected is told

    def test_they_are_able_to_differ(self, real_copy, read):
        """A masked cut tells of an allocation that is not its mirror, an unblinded one of any."""
        roots = [
            real_copy(name, arms)
            for name, arms in (("one", None), ("two", exchanged()), ("three", turned(7)))
        ]
        for cut, different in (("demo-interim-masked", roots[2]), ("demo-interim", roots[1])):
            for own, other in zip(read(roots[0], cut), read(different, cut), strict=True):
                assert own != other

    @pytest.fixture(scope="class")
    @classmethod
    def masked(cls, tmp_path_factory):
        """A study in the masked view and its chapters, run when the files of its export were gone."""
        root = copied(tmp_path_factory.mktemp("masked"), "one")
        file = read_cut(root / "params" / "demo-interim-masked.yaml")
        study = load_study(file)
        shutil.rmtree(file.data_path)
        return study, in_process.run(study, file.cut.chapters)

    def test_chapters_read_nothing_of_the_export_but_the_study(self, masked):
        """They run though its files are gone, and show and hand over no arm by its name."""
        _, report = masked
        assert report.failed == []
        assert in_process.nonsense(report) == []
        shown = "\n".join(text for _, text in report.texts())
        handed = "\n".join(rows for own in report.chapters.values() for rows in own._rows.values())
        assert '"B - A"' in handed
        assert "MEDHIGH" not in shown + handed
        assert not re.search("NCT06167473-0", shown + handed)

    def test_a_masked_report_shows_nobody_line_by_line(self, masked):
        """Not by a pseudonym, nor by the day on which somebody was randomised."""
        study, report = masked
        text = "\n".join(text for _, text in report.texts()) + "\n".join(
            rows for own in report.chapters.values() for rows in own._rows.values()
        )
        assert not re.search("P-[A-Z2-7]{8}", text)
        days = study.randomised["RANDDT"].sort_values().dt.strftime("%Y-%m-%d")
        assert [day for day in days[:-1] if day in text] == []

    @pytest.mark.parametrize(
        "views",
        [pytest.param(views, marks=pytest.mark.slow) for views in (("blinded",), ("masked", "blinded"))],
    )
    def test_the_same_report_of_what_tells_most_of_its_data(self, real_copy, views):
        """Through kernels; under `make soak` both views in one command, and every chapter in the test below."""
        roots = [
            real_copy(name, arms, "00_data_cut, 01_randomisation")
            for name, arms in (("one", None), ("two", exchanged()))
        ]
        cuts = [f"demo-interim-{view}" for view in views]
        for root in roots:
            for outcome in run.run_cuts([read_cut(root / "params" / f"{cut}.yaml") for cut in cuts]):
                assert isinstance(outcome, Published), outcome
        for cut in cuts:
            one, two = (bytes_of(root / "outputs" / cut) for root in roots)
            assert {"provenance.json", "report.html", "results.json", "01_randomisation.html"} <= set(one)
            assert_same(one, two)

    @pytest.mark.slow
    @pytest.mark.parametrize("view", ["masked", "blinded"])
    def test_no_arm_is_in_a_whole_report(self, published, view):
        report = bytes_of(published(f"demo-interim-{view}"))
        assert {"provenance.json", "report.html", "results.json", "04_change.html"} <= set(report)
        secrets = (b"MEDHIGH", b"SIM-24") if view == "blinded" else (b"MEDHIGH", b"NCT06167473-0")
        for name, content in report.items():
            assert b"EXLOT" not in content or name.startswith("00_") or view == "masked", name
            assert [secret for secret in secrets if secret in content] == [], name
        assert (b'"B - A"' in report["results.json"]) is (view == "masked")

    @pytest.mark.slow
    @pytest.mark.parametrize(("view", "arms"), [("masked", exchanged()), ("blinded", turned(7))])
    def test_another_allocation_gives_the_same_whole_report(self, real_copy, report_cache, view, arms):
        roots = [real_copy(name, given) for name, given in (("one", None), ("two", arms))]
        one, two = (bytes_of(made_once(root, f"demo-interim-{view}", report_cache)) for root in roots)
        assert_same(one, two)
        for name, content in one.items():
            for secret in (b"MEDHIGH", b"lot for"):
                assert secret not in content, name


class TestInputs:
    def test_no_hash_of_a_file_that_holds_arms(self, working_copy):
        cut = working_copy / "params" / "tiny.yaml"
        cut.write_text(cut.read_text(encoding="utf-8").replace("unblinded", "blinded"), encoding="utf-8")
        hashes = provenance.input_hashes(read_cut(cut), [])
        raw = {sha256(path) for path in (working_copy / "data" / "tiny").iterdir()}
        assert not raw & set(hashes.values())
        assert {name for name in hashes if name.startswith("data/")} == {
            f"data/tiny/{path.stem}, blinded" for path in (working_copy / "data" / "tiny").glob("*.csv")
        }


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

    @pytest.mark.always
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
