"""A cut described by its file, and loaded."""

import dataclasses
from copy import copy
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import yaml

from esld.data import days, sdtm
from esld.data.cutfile import CutFile, DataCut, previous_cut, read_cut
from esld.data.export import datasets, export_files
from esld.data.pseudonyms import KEY_FILE
from esld.data.study import FRAMES, Study, in_protocol_order, load_study
from esld.data.tables import write_tables
from esld.errors import InputError, RefusedError
from tests.data.small_trial import PROTOCOL, ROOT, ds, event, lb, patient, rs, trial
from tests.loaded import loaded_once

CUT = {
    "protocol": str(ROOT / "params" / "protocols" / "nct06167473.yaml"),
    "data": "data/small",
    "cutoff": "2025-12-31",
    "snapshot": "2025-12-31",
    "title": "x",
    "status": "draft",
    "view": "unblinded",
    "chapters": "[a]",
}


def cut_file(folder: Path, **changes: str) -> Path:
    path = folder / "params" / "small.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{key}: {value}\n" for key, value in (CUT | changes).items()), encoding="utf-8")
    return path


def tables() -> sdtm.Tables:
    """Every domain with a record."""
    return trial(
        patient("S-1", arm="LOW"),
        patient("S-2", arm="MEDHIGH", randomised="2025-01-20", infused=("2025-01-21",), died="2025-06-01"),
        patient("S-3", consent="2025-02-01", randomised=None),
        DS=[ds("S-3", "SCREEN FAILURE", "2025-02-10"), ds("S-1", "COMPLETED", "2025-12-01")],
        IE=[
            {
                "USUBJID": "S-3",
                "IETESTCD": "EX01",
                "IECAT": "EXCLUSION",
                "IEORRES": "Y",
                "IEDTC": "2025-02-10",
            }
        ],
        LB=[lb("S-1", "ALT", "30", "2025-01-05"), lb("S-2", "ALT", "30", "2025-01-15")],
        RS=[rs("S-1", "ASCITES", "0", "2025-01-05")],
        VS=[event("VS", "S-1", "2025-01-05", VSTESTCD="WEIGHT", VSORRES="70", VSORRESU="kg")],
        AE=[event("AE", "S-1", "2025-01-20", AETERM="发热", AETOXGR="1", AESER="N")],
        CE=[event("CE", "S-2", "2025-05-01", CEDECOD="ASCITES")],
        PR=[event("PR", "S-1", "2025-03-01", PRDECOD="PARACENTESIS")],
        CM=[event("CM", "S-1", "2025-03-01", CMTRT="x")],
        MH=[event("MH", "S-1", "2020", MHTERM="x")],
    )


def laid_out(folder: Path, content: sdtm.Tables, **changes: str) -> CutFile:
    write_tables(content, folder / "data" / "small")
    if changes.get("view") == "masked":
        (folder / "data" / "small" / KEY_FILE).write_text("00" * 32, encoding="utf-8")
    return read_cut(cut_file(folder, **changes))


def refusal(folder: Path, content: sdtm.Tables, **changes: str) -> str:
    with pytest.raises(InputError) as caught:
        load_study(laid_out(folder, content, **changes))
    return str(caught.value)


@pytest.fixture(scope="module")
def demo() -> Study:
    return loaded_once(read_cut(ROOT / "params" / "demo-final.yaml"))


class TestCutFile:
    @pytest.mark.parametrize(
        "name", ["demo-final", "demo-interim", "mayo-pbc", "freireich-6mp", "tablets-three-arms"]
    )
    def test_those_of_the_project(self, name):
        file = read_cut(ROOT / "params" / f"{name}.yaml")
        assert (file.id, file.root) == (name, ROOT)
        assert file.protocol_path.is_file()
        assert (file.data_path / "dm.csv").is_file()

    def test_paths_belong_to_the_working_copy(self, tmp_path):
        file = read_cut(cut_file(tmp_path, protocol="protocols/x.yaml"))
        assert file.root == tmp_path
        assert file.data_path == tmp_path / "data" / "small"
        assert file.protocol_path == tmp_path / "params" / "protocols" / "x.yaml"

    def test_the_root_is_the_folder_of_params_however_deep(self, tmp_path):
        deep = tmp_path / "params" / "2025" / "small.yaml"
        deep.parent.mkdir(parents=True)
        deep.write_bytes(cut_file(tmp_path).read_bytes())
        assert read_cut(deep).root == tmp_path

    def test_without_params_it_is_the_folder_of_the_file(self, tmp_path):
        loose = tmp_path / "small.yaml"
        loose.write_bytes(cut_file(tmp_path).read_bytes())
        assert read_cut(loose).root == tmp_path

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"cutoff": "2025-02-30"}, "key 'cutoff' must be a calendar day written YYYY-MM-DD, got 2025-02-30"),
            ({"cutoff": "2025-02"}, "key 'cutoff' must be a calendar day written YYYY-MM-DD, got 2025-02"),
            ({"cutoff": "2025"}, "key 'cutoff' must be a calendar day written YYYY-MM-DD, got 2025"),
            ({"snapshot": "31.12.2025"}, "key 'snapshot' must be a calendar day"),
            ({"cutoff": "2026-01-01"}, "key 'cutoff' must not be after the snapshot 2025-12-31, got 2026-01-01 (small.yaml"),
            ({"snapshot": "2026-01-03"}, "key 'snapshot' must not be in the future: today is 2026-01-01, got 2026-01-03"),
            ({"title": "''"}, "key 'title' must not be empty"),
            ({"status": "finl"}, "key 'status' must be 'draft' or 'final', got finl"),
            ({"view": "open"}, "key 'view' must be 'unblinded', 'masked', 'blinded' or 'public', got open"),
            ({"chapters": "[]"}, "key 'chapters' must not be empty"),
            ({"cutof": "2025-01-01"}, "key 'cutof' is not known (small.yaml, line 9). Did you mean 'cutoff'?"),
        ],
    )  # fmt: skip
    def test_each_mistake_in_one_line(self, tmp_path, monkeypatch, changes, words):
        monkeypatch.setattr(days, "today", lambda: date(2026, 1, 1))
        with pytest.raises(InputError) as caught:
            read_cut(cut_file(tmp_path, **changes))
        assert str(caught.value).startswith(words)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("today", ["2025-12-30", "2025-12-31"])
    def test_an_export_of_today_may_be_of_tomorrow_elsewhere(self, tmp_path, monkeypatch, today):
        monkeypatch.setattr(days, "today", lambda: date.fromisoformat(today))
        assert read_cut(cut_file(tmp_path)).cut.snapshot == "2025-12-31"

    def test_a_cut_cannot_be_changed(self, tmp_path):
        file = read_cut(cut_file(tmp_path))
        with pytest.raises(dataclasses.FrozenInstanceError):
            file.id = "other"
        with pytest.raises(ValueError, match="frozen"):
            file.cut.cutoff = "2025-01-01"


class TestLoad:
    def test_what_a_chapter_needs(self, demo):
        assert demo.arms == ["LOW", "MEDHIGH"]
        assert demo.cut.title == "Final analysis"
        assert len(demo.adsl) == len(demo.tables["DM"])
        assert set(demo.randomised["RANDFL"]) == {"Y"}
        assert set(demo.adtte["USUBJID"]) == set(demo.adlb["USUBJID"]) == set(demo.randomised["USUBJID"])
        assert list(demo.queries.columns) == ["id", "USUBJID", "record", "rule", "severity", "message"]

    def test_interim_and_mayo(self):
        interim = loaded_once(read_cut(ROOT / "params" / "demo-interim.yaml"))
        mayo = loaded_once(read_cut(ROOT / "params" / "mayo-pbc.yaml"))
        assert interim.adlb["ADT"].max() <= pd.Timestamp(interim.cut.cutoff)
        assert interim.adtte["ADT"].max() == pd.Timestamp(interim.cut.cutoff)  # of the sensitivity
        assert len(mayo.randomised) == 312

    def test_small_trial_from_files(self, tmp_path):
        study = load_study(laid_out(tmp_path, tables()))
        assert study.randomised["USUBJID"].tolist() == ["S-1", "S-2"]
        rules = {"not coded", "dose on a day without a visit", "death without a fatal adverse event"}
        assert set(study.queries["rule"]) == rules

    def test_the_same_cut_gives_the_same_study(self, tmp_path):
        one, two = (load_study(laid_out(tmp_path, tables())) for _ in range(2))
        for name in ("adsl", "adlb", "adtte", "queries"):
            pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))

    def test_the_order_of_the_records_does_not_matter(self, tmp_path, demo):
        export = sdtm.read_tables(demo.file.data_path)
        shuffled = {name: table.sample(frac=1, random_state=7) for name, table in export.items()}
        write_tables(shuffled, tmp_path)
        cut = demo.cut.model_copy(update={"data": str(tmp_path)})
        other = load_study(dataclasses.replace(demo.file, cut=cut))
        for name in ("adsl", "adlb", "adtte", "queries"):
            pd.testing.assert_frame_equal(getattr(other, name), getattr(demo, name), obj=name)

    @pytest.mark.parametrize("day", ["2025-01-10", "2025-01-11", "2025-01-20", "2025-02-05", "2025-06-01"])
    def test_a_trial_can_be_cut_as_soon_as_somebody_is_randomised(self, tmp_path, day):
        study = load_study(laid_out(tmp_path, tables(), cutoff=day))
        assert study.adtte["AVAL"].ge(0).all()
        assert study.adtte["ADT"].le(pd.Timestamp(day)).all()


class TestRefusals:
    def test_a_cut_off_before_the_first_consent(self, tmp_path):
        words = (
            "cutoff must not be before the first consent on 2025-01-01, got 2024-12-31 (small.yaml). Choose"
        )
        assert refusal(tmp_path, tables(), cutoff="2024-12-31").startswith(words)

    def test_a_cut_off_before_the_first_randomisation(self, tmp_path):
        words = "cutoff must not be before the first randomisation on 2025-01-10, got 2025-01-09 (small.yaml)"
        assert refusal(tmp_path, tables(), cutoff="2025-01-09").startswith(words)

    def test_nobody_randomised(self, tmp_path):
        content = tables()
        content["DS"] = content["DS"][content["DS"]["DSDECOD"].ne("RANDOMIZED")]
        content["DM"][["ARMCD", "ARM"]] = None
        assert refusal(tmp_path, content).startswith(
            "DS must hold a RANDOMIZED record: nobody is randomised (ds.csv)"
        )

    def test_a_trial_of_one_arm_says_which_record_begins_it(self, tmp_path):
        """Its strata are in ADSL, as the store keeps it and every file writes it."""
        content = tables()
        content["DM"][["ARMCD", "ACTARMCD"]] = content["DM"][["ARMCD", "ACTARMCD"]].replace("MEDHIGH", "LOW")
        content["EX"]["EXDOSE"] = "1"
        content["DS"]["DSDECOD"] = content["DS"]["DSDECOD"].replace("RANDOMIZED", "ENROLLED")
        facts = yaml.safe_load(Path(CUT["protocol"]).read_text(encoding="utf-8"))
        facts |= {"arms": facts["arms"][:1], "allocation": None}
        facts["randomisation"].pop("design")
        facts.pop("lay")
        facts.pop("translations")
        facts["strata"] = [
            {"name": "Age", "variable": "AGE", "cuts": [65]},
            {"name": "Sex", "variable": "SEX"},
        ]
        path = tmp_path / "one.yaml"

        def load(**changes):
            path.write_text(yaml.safe_dump(facts | changes, allow_unicode=True), encoding="utf-8")
            return load_study(laid_out(tmp_path, content, protocol=str(path)))

        with pytest.raises(InputError, match=r"codes: \{DSDECOD: \{ENROLLED: RANDOMIZED\}\}"):
            load()
        study = load(codes={"DSDECOD": {"ENROLLED": "RANDOMIZED"}})
        assert (study.arms, study.compares, study.pairs) == (["LOW"], False, [])
        assert study.randomised["STRATAR"].tolist() == ["<65 / F", "<65 / F"]
        names = [variable.name for variable in datasets(study)[0].variables]
        assert names[-3:] == ["STRAT1R", "STRAT2R", "STRATAR"]
        assert export_files(study, "csv")["adsl.csv"].splitlines()[1].endswith(b",<65,F,<65 / F")
        assert export_files(study, "xpt").keys() == {
            f"{name}.xpt" for name in ("adsl", "adlb", "adtte", "adce", "adae")
        }

    def test_somebody_randomised_but_nobody_who_had_consented(self, tmp_path):
        content = tables()
        content["DM"].loc[content["DM"]["USUBJID"].eq("S-1"), "RFICDTC"] = "2025-12-01"
        message = refusal(tmp_path, content, cutoff="2025-01-15")
        assert message.startswith(
            "cutoff must leave somebody who had consented and was randomised, got 2025-01-15"
        )

    def test_records_after_the_snapshot_all_at_once(self, tmp_path):
        content = tables()
        content["LB"].loc[1, "LBDTC"] = "2026-01-01"
        content["AE"].loc[0, "AEENDTC"] = "2026-02"
        content["MH"].loc[0, "MHSTDTC"] = "2031"
        content["VS"].loc[0, "VSDTC"] = "2025-12"  # may be, and does not matter
        lines = refusal(tmp_path, content).splitlines()
        rule, remedy = "must not be after the snapshot of 2025-12-31", "Correct the date or the snapshot."
        assert sorted(lines) == [
            f"AE.AEENDTC {rule}, got '2026-02' (ae.csv, row 2, subject S-1). {remedy}",
            f"LB.LBDTC {rule}, got '2026-01-01' (lb.csv, row 3, subject S-2). {remedy}",
            f"MH.MHSTDTC {rule}, got '2031' (mh.csv, row 2, subject S-1). {remedy}",
        ]

    def test_simulated_data_must_be_called_so(self, tmp_path):
        content = tables()
        content["DM"]["STUDYID"] = "SMALL-SIM"
        words = "simulated must be true for data whose STUDYID ends in -SIM, got false (small.yaml)"
        assert refusal(tmp_path, content).startswith(words)
        assert load_study(laid_out(tmp_path, content, simulated="true")).cut.simulated

    def test_a_missing_protocol(self, tmp_path):
        assert "must be an existing file" in refusal(tmp_path, tables(), protocol="protocols/none.yaml")

    def test_missing_data(self, tmp_path):
        message = refusal(tmp_path, tables(), data="data/none")
        assert message.startswith("data must be an existing folder or file, got ")
        assert message.endswith("Check the path ('data' in the cut file).")

    def test_an_unknown_example(self, tmp_path):
        assert "data must be an existing folder or file" in refusal(tmp_path, tables(), data="example:none")


class TestPrevious:
    @pytest.fixture
    def later(self, tmp_path):
        """The small cut of December after an earlier one of June, both in params/."""
        (tmp_path / "params").mkdir()

        def make(**changes: str) -> CutFile:
            write_tables(tables(), tmp_path / "data" / "small")
            own = CUT | {"cutoff": "2025-06-30"} | changes.pop("earlier", {})
            text = "".join(f"{key}: {value}\n" for key, value in own.items())
            (tmp_path / "params" / "june.yaml").write_text(text, encoding="utf-8")
            return read_cut(cut_file(tmp_path, **({"previous": "june"} | changes)))

        return make

    def test_it_is_the_file_beside(self, later):
        file = later()
        found = previous_cut(file)
        assert (found.id, found.cut.cutoff, found.path.parent) == ("june", "2025-06-30", file.path.parent)
        assert load_study(file).file == file

    def test_none_is_none(self, later):
        assert previous_cut(later(previous="''")) is None

    def test_kept_results_lie_beside_the_cut_file(self, later):
        file = later(previous_results="kept/june.json")
        assert file.previous_results_path == file.path.parent / "kept" / "june.json"
        with pytest.raises(
            InputError, match=r"previous_results must be the results.json of the previous cut's"
        ):
            load_study(file)
        file.previous_results_path.parent.mkdir()
        file.previous_results_path.write_text("[]", encoding="utf-8")
        assert previous_cut(file).id == "june"

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"previous": "june2"}, r"must be an existing file\. Did you mean 'june\.yaml'\?"),
            ({"previous": "small"}, r"previous small must have a cut-off before 2025-12-31, got 2025-12-31"),
            ({"earlier": {"cutoff": "2025-12-31"}}, "previous june must have a cut-off before 2025-12-31"),
            (
                {"earlier": {"protocol": str(ROOT / "params" / "protocols" / "mayo-pbc.yaml")}},
                r"previous june must be a cut of NCT06167473, got .* \(small\.yaml\)",
            ),
            (
                {"previous": "''", "previous_results": "june.json"},
                "previous_results must come with 'previous'",
            ),
        ],
    )
    def test_what_is_no_previous_cut(self, later, changes, words):
        with pytest.raises(InputError, match=words):
            load_study(later(**changes))

    @pytest.mark.parametrize(("earlier", "own"), [("blinded", "unblinded"), ("unblinded", "masked")])
    def test_views_are_never_compared(self, later, earlier, own):
        with pytest.raises(RefusedError, match=f"cut small is {own} and the previous june {earlier}"):
            previous_cut(later(earlier={"view": earlier}, view=own))

    def test_a_circle_ends(self, later):
        """The earlier cut names the later one as its own previous: that is its own mistake."""
        assert previous_cut(later(earlier={"previous": "small"})).cut.previous == "small"


def test_a_description_by_hand_needs_every_key():
    with pytest.raises(ValueError, match="chapters"):
        DataCut.model_validate({key: value for key, value in CUT.items() if key != "chapters"})
    assert PROTOCOL.id == "NCT06167473"


@pytest.mark.parametrize("cut", ["tablets-three-arms", "demo-interim-masked", "demo-interim-blinded"])
def test_the_protocol_s_order_changes_nothing_but_the_order(cut):
    """Of each view and number of arms; what is stored is the study as it was loaded."""
    study = loaded_once(read_cut(ROOT / "params" / f"{cut}.yaml"))
    ordered = in_protocol_order(study)
    arms = [study.protocol.arm_labels[arm] for arm in study.arms]
    labels = {
        "TRT01P": arms,
        "TRT01A": arms,
        "AVISIT": ["Baseline", *(v.label for v in study.protocol.schedule.visits)],
    }
    for name in FRAMES:
        plain, frame = getattr(study, name), getattr(ordered, name)
        columns = [column for column in labels if column in plain]
        assert "TRT01P" in columns
        assert ("AVISIT" in columns) == (name == "adlb")
        for column in columns:
            assert list(frame[column].cat.categories) == labels[column]
            assert frame[column].cat.ordered
            assert plain[column].dtype == object
            pd.testing.assert_series_equal(
                frame[column].astype(object).where(frame[column].notna(), None),
                plain[column].where(plain[column].notna(), None),
            )
        pd.testing.assert_frame_equal(frame.drop(columns=columns), plain.drop(columns=columns))
        assert frame.attrs == plain.attrs
    visits = ordered.adlb.groupby("AVISIT", observed=True)["AVISITN"].agg(["min", "max"])
    assert visits["min"].equals(visits["max"])
    assert visits["min"].is_monotonic_increasing


def test_a_study_tells_what_there_is_in_a_dozen_lines_and_knows_no_other_name():
    study = loaded_once(read_cut(ROOT / "params" / "tablets-three-arms.yaml"))
    said = repr(study)
    assert len(said.splitlines()) <= 12
    for name in FRAMES:
        frame = getattr(study, name)
        assert f".{name} {len(frame)} rows: {', '.join(frame)}" in said
        assert all(code in said for code in frame.get("PARAMCD", ()))
    assert not any(patient in said for patient in study.adsl["USUBJID"])
    with pytest.raises(AttributeError, match=r"Study has no attribute 'adlbs'. Did you mean 'adlb'\?"):
        getattr(study, "adlbs")  # noqa: B009
    assert copy(study) is not study
