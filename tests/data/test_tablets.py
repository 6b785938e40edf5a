"""The simulated trial of a tablet: the committed bytes, what the script says, and estimates near the truth."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from esld.data import sdtm
from esld.data.cutfile import read_cut
from esld.data.tablets import WORDS, simulate_tablets
from esld.data.tablets.__main__ import main
from esld.data.tablets.course import simulate_patients
from esld.data.tablets.script import CHANGE, HYPOGLYCAEMIA, TARGET
from esld.longitudinal.ancova import ancova
from esld.protocol import Protocol, read_protocol
from esld.report.survival_times import cox_on_arm, endpoint_times
from esld.survival import rate
from tests.loaded import loaded_once

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "esld/data/examples/tablets"
DOSES = {"PBO": 0, "D50": 50, "D100": 100}
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return read_protocol(ROOT / "params/protocols/tablets-three-arms.yaml")


@pytest.fixture(scope="module")
def tables(protocol) -> Tables:
    return simulate_tablets(protocol)


@pytest.fixture(scope="module")
def study():
    return loaded_once(read_cut(ROOT / "params/tablets-three-arms.yaml"))


def days_of(tables: Tables, number: str, domain: str, column: str) -> list[int]:
    """Days from randomisation to the dates of a patient."""
    ds, own = tables["DS"], tables[domain]
    start = ds.loc[ds["USUBJID"].str.endswith(number) & ds["DSDECOD"].eq("RANDOMIZED"), "DSSTDTC"].item()
    dates = pd.to_datetime(own.loc[own["USUBJID"].str.endswith(number), column])
    return (dates - pd.Timestamp(start)).dt.days.tolist()


class TestBytes:
    def test_committed_tables_are_regenerated_byte_for_byte(self, tmp_path):
        assert main([str(tmp_path)]) == 0
        committed = {path.name: path.read_bytes() for path in EXAMPLE.glob("*.csv")}
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == committed

    def test_other_words_give_another_trial_of_the_same_sizes(self, protocol, tables):
        other = simulate_tablets(protocol, words="another tablet")
        assert not other["LB"].equals(tables["LB"])
        for found in (tables, other):
            dm = found["DM"].dropna(subset=["ARMCD"])
            by_site = dm.groupby("SITEID")["ARMCD"].value_counts().to_dict()
            assert by_site == {(site, arm): n for site, n in (("01", 12), ("02", 8)) for arm in DOSES}

    def test_command_needs_one_folder(self, capsys):
        assert main([]) == 2
        assert "usage: python -m esld.data.tablets FOLDER" in capsys.readouterr().err

    def test_another_protocol_is_refused(self, protocol):
        with pytest.raises(ValueError, match="and 60 patients, got doses"):
            simulate_tablets(protocol.model_copy(update={"target_enrolment": 61}))
        with pytest.raises(ValueError, match=r"got \['QS'\]"):
            simulate_tablets(protocol.model_copy(update={"domains": (*protocol.domains, "QS")}))


class TestTables:
    def test_they_pass_the_validation_and_say_that_they_are_simulated(self, protocol, tables):
        sdtm.validate(sdtm.read_tables(EXAMPLE), protocol)
        assert tuple(tables) == protocol.domains
        assert all(set(table["STUDYID"]) == {"TABLETS-T2D-SIM"} for table in tables.values())
        assert "SIMULATED" in (EXAMPLE / "README.md").read_text(encoding="utf-8").splitlines()[0]

    def test_blocks_of_each_site_are_whole(self, tables):
        """Of each site every third patient ends with equal groups, or the sixth does."""
        ds = tables["DS"]
        day = ds[ds["DSDECOD"].eq("RANDOMIZED")].set_index("USUBJID")["DSSTDTC"]
        dm = tables["DM"].set_index("USUBJID").join(day).dropna(subset=["ARMCD"])
        for _, own in dm.reset_index().sort_values(["DSSTDTC", "USUBJID"]).groupby("SITEID"):
            counts = pd.get_dummies(own["ARMCD"]).cumsum().to_numpy()[2::3]
            equal = np.ptp(counts, axis=1) == 0
            assert equal[-1]
            assert (equal[1:] | equal[:-1]).all()

    def test_the_readme_names_the_right_patients(self, tables, study):
        rows = re.findall(
            r"^\| ([0-9, ]{3,}) \| (.*?) \| (.*) \|$", (EXAMPLE / "README.md").read_text("utf-8"), re.M
        )
        told = {n: (arms, what) for numbers, arms, what in rows for n in numbers.split(", ")}
        ds = tables["DS"].assign(number=lambda d: d["USUBJID"].str[-3:])
        ended = {code: own["number"].tolist() for code, own in ds.groupby("DSDECOD")}
        assert ended["LOST TO FOLLOW-UP"] == ["024", "033", "054"]
        assert [days_of(tables, n, "DM", "RFENDTC")[0] for n in ended["LOST TO FOLLOW-UP"]] == [102, 60, 140]
        assert (ended["DEATH"], days_of(tables, "012", "DM", "DTHDTC")) == (["012"], [97])
        assert ended["WITHDRAWAL BY SUBJECT"] == ["046"]
        assert ended["SCREEN FAILURE"] == ["009", "021", "027", "040", "058"]
        assert ended["INFORMED CONSENT OBTAINED"].count("021") == 2
        adsl = study.adsl.set_index("SUBJID")
        assert adsl.index[adsl["ITTFL"].eq("Y") & adsl["SAFFL"].eq("N")].tolist() == ["006"]
        assert adsl.index[adsl["SAFFL"].eq("Y") & adsl["PPROTFL"].eq("N")].tolist() == ["031"]
        for number, (arms, _) in told.items():
            if pd.notna(adsl.loc[number, "TRT01P"]):
                assert adsl.loc[number, "TRT01P"].casefold() in arms.casefold()
        assert set(told) >= {n for numbers in ended.values() for n in numbers if n in ("046", "012", "021")}

    def test_tablets_are_stretches_of_days_that_do_not_overlap(self, tables):
        for _, own in tables["EX"].groupby("USUBJID"):
            first, last = pd.to_datetime(own["EXSTDTC"]), pd.to_datetime(own["EXENDTC"])
            assert (first <= last).all()
            assert (first.iloc[1:].to_numpy() > last.iloc[:-1].to_numpy()).all()
        assert days_of(tables, "019", "EX", "EXENDTC")[-1] == 40
        taken = zip(
            days_of(tables, "038", "EX", "EXSTDTC"), days_of(tables, "038", "EX", "EXENDTC"), strict=True
        )
        assert not any(first <= day <= last for first, last in taken for day in range(30, 39))
        reduced = tables["EX"][tables["EX"]["USUBJID"].str.endswith("026")]
        assert dict(zip(reduced["EXDOSE"], days_of(tables, "026", "EX", "EXSTDTC"), strict=True))["100"] < 57
        assert reduced.loc[reduced["EXADJ"].notna(), "EXDOSE"].unique().tolist() == ["50"]

    def test_what_falls_between_the_windows_belongs_to_no_visit(self, study):
        adlb = study.adlb[study.adlb["PARAMCD"].eq("HBA1C") & study.adlb["AVISIT"].isna()]
        found = {(own.USUBJID[-3:], own.ADY) for own in adlb.itertuples()}
        assert {("018", 45), ("041", 98)} <= found
        assert 8.5 in set(study.adlb["AVISITN"])

    def test_baseline_of_who_was_screened_twice_is_of_the_second_time(self, study):
        own = study.adlb[study.adlb["USUBJID"].str.endswith("021") & study.adlb["PARAMCD"].eq("HBA1C")]
        assert len(own[own["AVISITN"].eq(0)]) == 3
        assert own.loc[own["ABLFL"].eq("Y"), "ADY"].tolist() == [1]


class TestTruth:
    """Estimates by the functions of the report, from the loaded study, against what the script holds."""

    @pytest.mark.parametrize("arm", ["D50", "D100"])
    def test_change_in_hba1c_at_week_24(self, study, arm):
        adlb = study.adlb[study.adlb["PARAMCD"].eq("HBA1C") & study.adlb["ANL01FL"].eq("Y")]
        rows = adlb[adlb["AVISITN"].eq(9) & adlb["ARMCD"].isin(["PBO", arm])]
        fit = ancova(rows, outcome="CHG", group="ARMCD", covariates=["BASE"], groups=["PBO", arm])
        truth, found = CHANGE[DOSES[arm]] - CHANGE[0], fit.hc3.difference
        assert abs(found.value - truth) < 0.15
        assert found.lower < truth < found.upper

    @pytest.mark.parametrize("arm", ["D50", "D100"])
    def test_hazard_ratio_of_the_glucose_target(self, study, arm):
        times = endpoint_times(study, study.protocol.analysis("TARGET-COX"))
        fit = cox_on_arm(times[times["arm"].isin(["PBO", arm])], ("PBO", arm), conf_level=0.95)
        truth = TARGET[DOSES[arm]] / TARGET[0]
        assert fit.ratio_lower[0] < truth < fit.ratio_upper[0]

    @pytest.mark.parametrize("arm", list(DOSES))
    def test_rate_of_hypoglycaemia(self, study, arm):
        randomised = study.randomised[study.randomised["ARMCD"].eq(arm)]
        days = (randomised["EOSDT"] - randomised["RANDDT"]).dt.days
        found = rate(int(study.adce["ARMCD"].eq(arm).sum()), float(days.sum()))
        assert found.lower < HYPOGLYCAEMIA[DOSES[arm]] < found.upper

    def test_of_many_trials_the_mean_is_the_truth(self, protocol):
        """Twenty trials, 400 patients an arm: of those who took every tablet, without the error of measurement."""
        changes: dict[int, list[float]] = {dose: [] for dose in CHANGE}
        for place in range(20):
            for own in simulate_patients(protocol, words=f"{WORDS}, {place}"):
                if own.arm and own.arm.dose and own.tablets and own.days(own.tablets[-1][1]) > 160:
                    day = own.after(168)
                    adjusted = own.hba1c_on(day) - own.hba1c + 0.3 * (own.hba1c - 7.9)
                    changes[int(own.arm.dose.amount)].append(adjusted)
        for dose, found in changes.items():
            assert abs(np.mean(found) - CHANGE[dose]) < 4 * np.std(found) / np.sqrt(len(found))
