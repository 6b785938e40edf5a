"""A masked view holds no study number: pseudonyms that last from cut to cut, made with a key that nobody is told."""

import re
from dataclasses import replace

import pandas as pd
import pytest
import yaml

from esld.data import store, views
from esld.data.check import check_cut, report_text
from esld.data.cutfile import read_cut
from esld.data.export import FORMATS, export_files
from esld.data.pseudonyms import KEY_FILE, pseudonyms, read_key
from esld.data.study import load_study, taken_in
from esld.errors import InputError
from tests.data.small_trial import KEY, PROTOCOL, ROOT, patient, trial
from tests.data.spoilt import DEMO, cut_of, demo_tables, put, spoilt
from tests.examples import some
from tests.loaded import loaded_once
from tests.report.in_process import cut_at

OTHER = bytes(32)
MASKED = ("demo-interim-masked", "freireich-6mp-masked", "tablets-three-arms-masked")


def numbers(file):
    """The study numbers of a cut's export."""
    return taken_in(replace(file, cut=file.cut.model_copy(update={"view": "unblinded"}))).tables["DM"][
        "USUBJID"
    ]


class TestKey:
    def test_with_it_a_pseudonym_lasts_and_with_another_there_is_nothing_in_common(self):
        ids = [f"T-{n:03d}" for n in range(300)]
        own = pseudonyms(ids, KEY)
        assert pseudonyms(reversed(ids), KEY) == own
        assert len(set(own.values())) == len(ids)
        assert not set(own.values()) & set(pseudonyms(ids, OTHER).values())
        assert all(re.fullmatch("P-[A-Z2-7]{8}", name) for name in own.values())

    @pytest.mark.parametrize(
        "text", [None, "", "ab" * 31, "AB" * 32, "ab" * 33, "é" * 64, f"{'ab' * 32}\nmore"]
    )
    def test_a_file_that_holds_none_is_one_line_that_does_not_tell_what_it_holds(self, tmp_path, text):
        path = tmp_path / KEY_FILE
        if text is not None:
            path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError) as caught:
            read_key(path)
        said = str(caught.value)
        assert "\n" not in said and "secrets.token_hex" in said
        assert "abab" not in said and "ABAB" not in said

    def test_the_remedy_makes_one(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(InputError) as caught:
            read_key(tmp_path / KEY_FILE)
        exec(re.search('-c "(.*)"', str(caught.value)).group(1))
        assert len(read_key(tmp_path / KEY_FILE)) == 32

    def test_a_masked_view_is_not_made_without(self, tmp_path):
        with pytest.raises(ValueError, match="needs the key"):
            views.seen(trial(patient("S")), PROTOCOL, "masked")
        file = cut_of(tmp_path, str(DEMO), view="masked", pseudonyms="nowhere.key")
        for read in (load_study, check_cut):
            with pytest.raises(InputError, match=r"pseudonyms must be a readable file"):
                read(file)

    def test_the_other_views_read_none(self, tmp_path):
        file = cut_of(tmp_path, str(DEMO), view="blinded", pseudonyms="nowhere.key")
        assert load_study(file).adsl["USUBJID"].str.startswith("NCT").all()

    def test_it_decides_the_study_and_is_written_over_by_nothing(self, tmp_path):
        (tmp_path / "own.key").write_text("ab" * 32, encoding="ascii")
        file = cut_of(tmp_path, str(DEMO), view="masked", pseudonyms="own.key")
        before = store.study_key(file)
        (tmp_path / "own.key").write_text("cd" * 32, encoding="ascii")
        assert store.study_key(file) != before
        assert tmp_path / "own.key" in file.inputs

    def test_a_previous_cut_has_the_same(self, tmp_path):
        for name in ("one", "two"):
            (tmp_path / f"{name}.key").write_text(name.encode().hex().ljust(64, "0"), encoding="ascii")
        file = cut_of(tmp_path, str(DEMO), view="masked", cutoff="2025-06-30", pseudonyms="one.key")
        file.path.rename(file.path.with_name("earlier.yaml"))
        for name, refused in (("one", False), ("two", True)):
            own = cut_of(tmp_path, str(DEMO), view="masked", pseudonyms=f"{name}.key", previous="earlier")
            if refused:
                with pytest.raises(InputError, match="pseudonyms must hold the key of the previous cut"):
                    load_study(own)
            else:
                assert not load_study(own).queries.empty

    def test_no_report_tells_whether_there_is_one(self):
        own = loaded_once(read_cut(ROOT / "params" / "demo-interim.yaml"))
        assert not own.account["name"].str.contains(KEY_FILE).any()


@pytest.mark.parametrize("cut", some(MASKED, 3))
def test_no_study_number_is_in_anything_that_is_made_of_a_masked_cut(cut):
    """The study with all its tables, the analysis data in each format, and what the check tells."""
    file = read_cut(ROOT / "params" / f"{cut}.yaml")
    study, checked = loaded_once(file), check_cut(file)
    made = {"study": store._content(study), "check": report_text(checked).encode()}
    made |= {name: frame.to_csv().encode() for name, frame in checked.sheets().items()}
    for form in FORMATS:
        made |= {f"{form} {name}": content for name, content in export_files(study, form).items()}
    own = numbers(file)
    assert len(own) > 20
    assert [(name, n) for name, content in made.items() for n in own if n.encode() in content] == []
    assert study.adsl["USUBJID"].str.fullmatch("P-[A-Z2-7]{8}").all()
    assert study.adsl["SUBJID"].isin(study.adsl["USUBJID"]).all()


def test_no_number_in_faults_records_set_aside_or_corrections(tmp_path):
    """What is told of faulty data, and what is put beside them, goes through the same door."""
    correction = {
        "domain": "DM", "key": {"USUBJID": "NCT06167473-001"}, "variable": "AGE", "old": "old", "new": "50",
        "who": "A", "when": "2026-01-01", "why": "NCT06167473-001 said so",
    }  # fmt: skip
    file = spoilt(
        tmp_path, {"DM": lambda dm: put(dm, slice(0, 3), AGE="old"), "CE": lambda ce: put(ce, slice(0, 2), CEOCCUR="N")},
        view="masked",
    )  # fmt: skip
    (tmp_path / "data" / "spoilt" / "overrides.yaml").write_text(
        yaml.safe_dump({"overrides": [correction]}), encoding="utf-8"
    )
    took = taken_in(file)
    assert len(took.aside) and took.aside["USUBJID"].str.startswith("P-").all()
    assert (took.overrides.shown, took.overrides.hidden) == ((), 1)
    with pytest.raises(InputError) as caught:
        load_study(file)
    checked = check_cut(file)
    assert not checked.faults.empty and checked.faults["subject"].str.startswith("P-").any()
    for text in (str(caught.value), report_text(checked), checked.faults.to_csv()):
        assert "NCT06167473-0" not in text


def test_a_patient_has_one_pseudonym_in_every_cut():
    early, late = (cut_at(day, "masked") for day in ("2024-12-21", "2026-03-31"))
    then, now = (own.adsl.set_index("USUBJID")[["AGE", "SEX", "RANDDT"]] for own in (early, late))
    own = then.dropna()
    assert 10 < len(own) < len(now)
    assert now.loc[own.index].equals(own)


class TestQueries:
    @pytest.fixture(scope="class")
    @classmethod
    def root(cls, tmp_path_factory):
        root = tmp_path_factory.mktemp("queries")
        twins = demo_tables()["LB"]
        one, two = twins["USUBJID"].unique()[[5, 3]]
        copied = twins[twins["USUBJID"].eq(one)].assign(USUBJID=two)
        spoilt(root, {"LB": lambda lb: pd.concat([lb[lb["USUBJID"].ne(two)], copied], ignore_index=True)})
        return root

    def test_an_answer_fits_in_either_view_by_either_id(self, root):
        """The id of a masked view leads to none of another one; what was answered there is answered here."""
        whole, masked = (cut_of(root, "data/spoilt", view=view) for view in ("unblinded", "masked"))
        asked, shown = (check_cut(file).queries for file in (whole, masked))
        assert len(asked) == len(shown) > 2 and not set(asked["id"]) & set(shown["id"])
        assert "duplicate" in " ".join(asked["rule"]) or asked["message"].str.contains("one patient").any()
        for ids in (asked["id"], shown["id"]):
            given = [{"id": id, "who": "A", "when": "2026-01-01", "why": "Seen."} for id in ids]
            path = root / "answers.yaml"
            path.write_text(yaml.safe_dump({"answers": given}), encoding="utf-8")
            own = cut_of(root, "data/spoilt", view="masked", answers="answers.yaml")
            assert set(check_cut(own).queries["status"]) == {"answered"}
            study = load_study(own)
            assert (
                {answer.id for answer in study.answers.given} == set(study.queries["id"]) == set(shown["id"])
            )
            assert study.answers.hidden == 0
