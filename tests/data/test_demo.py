"""The demonstration trial: the same words give the committed bytes, and the tables hold what they promise."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from esld.data import sdtm
from esld.data.demo import simulate_demo
from esld.data.demo.__main__ import main
from esld.data.tables import write_tables
from esld.protocol import Protocol, read_protocol
from esld.scoring import units

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "esld" / "data" / "examples" / "demo"
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def protocol() -> Protocol:
    return read_protocol(ROOT / "params" / "protocols" / "nct06167473.yaml")


@pytest.fixture(scope="module")
def tables(protocol: Protocol) -> Tables:
    return simulate_demo(protocol)


@pytest.fixture(scope="module")
def randomised(tables: Tables) -> pd.DataFrame:
    """DM of the randomised, by subject, with day of randomisation and last day of participation."""
    ds = tables["DS"]
    day = ds[ds["DSDECOD"] == "RANDOMIZED"].set_index("USUBJID")["DSSTDTC"]
    dm = tables["DM"].set_index("USUBJID").loc[day.index]
    end = pd.to_datetime(dm["RFENDTC"])
    return dm.assign(RANDDT=pd.to_datetime(day), days=(end - pd.to_datetime(day)).dt.days)


def dates_in(tables: Tables) -> pd.DataFrame:
    """Every date of every table, by domain and subject."""
    found = [
        pd.DataFrame({"domain": name, "subject": table["USUBJID"], "column": column, "date": table[column]})
        for name, table in tables.items()
        for column in table.columns
        if column.endswith("DTC")
    ]
    return pd.concat(found).dropna()


# --- bytes --------------------------------------------------------------------------------------------------


def test_committed_tables_are_regenerated_byte_for_byte(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 0
    committed = {path.name: path.read_bytes() for path in EXAMPLE.glob("*.csv")}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == committed


def test_other_words_give_another_trial(protocol: Protocol, tables: Tables) -> None:
    other = simulate_demo(protocol, words="another trial")
    assert not other["LB"].equals(tables["LB"])
    assert other["DM"]["ARMCD"].value_counts().to_dict() == {"LOW": 11, "MEDHIGH": 11}


def test_files_are_plain_utf8(tmp_path: Path, tables: Tables) -> None:
    write_tables(tables, tmp_path / "new")
    raw = (tmp_path / "new" / "ae.csv").read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in raw
    assert "发热" in raw.decode("utf-8")


def test_command_needs_one_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_simulation_leaves_the_global_generator_alone(protocol: Protocol) -> None:
    np.random.seed(1)  # noqa: NPY002  the global state is what is tested
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    simulate_demo(protocol)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


# --- refusals -----------------------------------------------------------------------------------------------


def test_protocol_of_another_size_is_refused(protocol: Protocol) -> None:
    with pytest.raises(ValueError, match="must have 2 arms and 22 patients, got 2 arms, 24 patients"):
        simulate_demo(protocol.model_copy(update={"target_enrolment": 24}))


def test_domain_that_is_not_simulated_is_refused(protocol: Protocol) -> None:
    with pytest.raises(ValueError, match=r"got \['QS'\]"):
        simulate_demo(protocol.model_copy(update={"domains": (*protocol.domains, "QS")}))


# --- labels -------------------------------------------------------------------------------------------------


def test_every_row_says_that_it_is_simulated(tables: Tables) -> None:
    assert all(set(table["STUDYID"]) == {"NCT06167473-SIM"} for table in tables.values())
    assert "SIMULATED" in (EXAMPLE / "README.md").read_text(encoding="utf-8").splitlines()[0]


def test_readme_names_the_right_patients(tables: Tables, randomised: pd.DataFrame) -> None:
    readme = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\d{3}) \|.*?\| (.*) \|$", readme, flags=re.M)[:9])
    died = randomised[randomised["DTHFL"] == "Y"]
    for subject, days in died["days"].items():
        assert f"day {days}" in rows[subject[-3:]]
    (lost,) = tables["DS"].loc[tables["DS"]["DSDECOD"] == "LOST TO FOLLOW-UP", "USUBJID"]
    assert f"lost to follow-up on day {randomised['days'][lost]}" in rows[lost[-3:]]
    (never,) = randomised.index[randomised["ARMNRS"] == "ASSIGNED, NOT TREATED"]
    assert "never infused" in rows[never[-3:]]
    (grafted,) = tables["PR"].loc[tables["PR"]["PRDECOD"] == "LIVER TRANSPLANTATION", "USUBJID"]
    assert "liver transplantation" in rows[grafted[-3:]]
    (reduced,) = tables["EX"].loc[tables["EX"]["EXADJ"].notna(), "USUBJID"]
    assert "EXADJ" in rows[reduced[-3:]]


# --- structure ----------------------------------------------------------------------------------------------


def test_tables_pass_the_package_s_own_validation(protocol: Protocol) -> None:
    sdtm.validate(sdtm.read_tables(EXAMPLE), protocol)


def test_domains_and_numbering(protocol: Protocol, tables: Tables) -> None:
    assert tuple(tables) == protocol.domains
    for name, table in tables.items():
        assert set(table["DOMAIN"]) == {name}
        assert list(table.columns[:3]) == ["STUDYID", "DOMAIN", "USUBJID"]
        if name != "DM":
            own = table.groupby("USUBJID")[f"{name}SEQ"].agg(list)
            assert all(numbers == [str(n + 1) for n in range(len(numbers))] for numbers in own)
    assert tables["DM"]["USUBJID"].is_unique


def test_test_codes_and_units_are_the_protocol_s(protocol: Protocol, tables: Tables) -> None:
    for domain, kind in (("LB", "laboratory"), ("RS", "grade")):
        assert set(tables[domain][f"{domain}TESTCD"]) == {
            p.paramcd for p in protocol.parameters if p.kind == kind
        }
    measured = tables["LB"].dropna(subset=["LBORRES"])
    for code, unit in set(zip(measured["LBTESTCD"], measured["LBORRESU"], strict=True)):
        assert units.canonical_unit(unit) == protocol.parameter(code).unit
    assert "μmol/L" in set(measured["LBORRESU"])


def test_arms_doses_and_criteria_are_the_protocol_s(protocol: Protocol, tables: Tables) -> None:
    dm = tables["DM"].dropna(subset=["ARMCD"])
    arms = {arm.code: arm for arm in protocol.arms}
    assert all(arms[code].name == name for code, name in zip(dm["ARMCD"], dm["ARM"], strict=True))
    as_planned = tables["EX"][tables["EX"]["EXADJ"].isna()]
    for row in as_planned.merge(dm[["USUBJID", "ARMCD"]], on="USUBJID").itertuples():
        dose = arms[row.ARMCD].dose
        assert dose
        assert (float(row.EXDOSE), row.EXDOSU, row.EXTRT) == (dose.amount, dose.unit, dose.treatment)
    criteria = {c.id: c.text for c in (*protocol.eligibility.inclusion, *protocol.eligibility.exclusion)}
    assert all(
        criteria[i] == text for i, text in zip(tables["IE"]["IETESTCD"], tables["IE"]["IETEST"], strict=True)
    )


# --- who is in it -------------------------------------------------------------------------------------------


def test_counts(tables: Tables, randomised: pd.DataFrame) -> None:
    assert len(tables["DM"]) == 27
    assert randomised["ARMCD"].value_counts().to_dict() == {"LOW": 11, "MEDHIGH": 11}
    ended = tables["DS"][tables["DS"]["DSCAT"] == "DISPOSITION EVENT"]["DSDECOD"].value_counts().to_dict()
    assert ended == {"COMPLETED": 17, "SCREEN FAILURE": 5, "DEATH": 4, "LOST TO FOLLOW-UP": 1}
    failed = set(tables["DM"].loc[tables["DM"]["ARMNRS"] == "SCREEN FAILURE", "USUBJID"])
    assert len(failed) == 5
    assert set(tables["IE"]["USUBJID"]) < failed
    assert 40 <= len(tables["AE"]) <= 60


def test_infusions(tables: Tables, randomised: pd.DataFrame) -> None:
    given = tables["EX"].groupby("USUBJID").size().reindex(randomised.index, fill_value=0)
    assert given.value_counts().to_dict() == {3: 20, 2: 1, 0: 1}
    untreated = randomised[given == 0]
    assert untreated["ACTARM"].isna().all()
    assert (untreated["RFSTDTC"] == untreated["RANDDT"].dt.strftime("%Y-%m-%d")).all()
    first = tables["EX"].groupby("USUBJID")["EXSTDTC"].min()
    assert (randomised["RFSTDTC"].loc[first.index] == first).all()


def test_allocation_is_in_blocks(randomised: pd.DataFrame) -> None:
    # blocks of at most 6 keep the arms within 3 of each other at every moment
    order = randomised.sort_values(["RANDDT", "SUBJID"])["ARMCD"].map({"LOW": -1, "MEDHIGH": 1})
    assert order.cumsum().abs().max() <= 3


def test_one_year_outcome(tables: Tables, randomised: pd.DataFrame) -> None:
    died = randomised["DTHFL"] == "Y"
    within = died & (randomised["days"] <= 365)
    assert randomised[within]["ARMCD"].value_counts().to_dict() == {"LOW": 2, "MEDHIGH": 1}
    assert (died & ~within).sum() == 1
    unknown = randomised[~died & (randomised["days"] < 365)]
    lost = tables["DS"].loc[tables["DS"]["DSDECOD"] == "LOST TO FOLLOW-UP", "USUBJID"]
    assert list(unknown.index) == list(lost)


def test_transplanted_patient_lives_and_is_still_measured(tables: Tables, randomised: pd.DataFrame) -> None:
    (row,) = tables["PR"][tables["PR"]["PRDECOD"] == "LIVER TRANSPLANTATION"].to_dict("records")
    assert randomised.loc[row["USUBJID"], "DTHFL"] is None
    own = tables["LB"][(tables["LB"]["USUBJID"] == row["USUBJID"]) & (tables["LB"]["LBTESTCD"] == "BILI")]
    after = own["LBDTC"] > row["PRSTDTC"]
    assert after.sum() >= 2
    assert own.loc[after, "LBORRES"].astype(float).max() < own.loc[~after, "LBORRES"].astype(float).min() / 3


def test_patients_have_end_stage_disease(tables: Tables, randomised: pd.DataFrame) -> None:
    """MELD by hand: 9.57 ln Cr + 3.78 ln bilirubin + 11.2 ln INR + 6.43 (mg/dL, inputs at least 1)."""
    lb = tables["LB"]
    screening = lb[(lb["VISIT"] == "SCREENING") & lb["USUBJID"].isin(randomised.index)].dropna(
        subset=["LBORRES"]
    )
    numbers = screening.assign(LBORRES=screening["LBORRES"].astype(float))
    value = numbers.pivot_table(index="USUBJID", columns="LBTESTCD", values="LBORRES")
    creatinine, bilirubin = (value["CREAT"] / 88.4).clip(1, 4), (value["BILI"] / 17.1).clip(lower=1)
    meld = (
        9.57 * np.log(creatinine)
        + 3.78 * np.log(bilirubin)
        + 11.2 * np.log(value["INR"].clip(lower=1))
        + 6.43
    )
    assert meld.between(11.5, 28.5).all()
    assert meld.between(12, 28).mean() > 0.9
    assert randomised["AGE"].astype(int).between(18, 80).all()
    # a printed INR and PT belong together, and the failing liver shows in both
    assert np.corrcoef(value["INR"], value["PT"])[0, 1] > 0.9
    assert np.corrcoef(value["INR"], np.log(value["BILI"]))[0, 1] > 0.4


def test_sicker_before_death(tables: Tables, randomised: pd.DataFrame) -> None:
    lb = tables["LB"][tables["LB"]["LBTESTCD"] == "BILI"].sort_values("LBDTC")
    change = lb.groupby("USUBJID")["LBORRES"].agg(lambda s: np.log(float(s.iloc[-1]) / float(s.iloc[0])))
    died = randomised.index[randomised["DTHFL"] == "Y"]
    completed = randomised.index.difference(died).difference(tables["PR"]["USUBJID"])
    assert change[died].mean() > 0.1 > 0 > change[completed].mean()


# --- dates --------------------------------------------------------------------------------------------------


def test_dates_stay_within_the_trial(tables: Tables) -> None:
    found = dates_in(tables)
    assert found["date"].max() <= "2026-03-31"
    assert found[found["column"] == "RFENDTC"]["date"].max() <= "2026-02-28"
    assert tables["DM"]["RFICDTC"].between("2024-01-01", "2025-01-31").all()
    whole = found[found["domain"] != "MH"]["date"]
    assert whole.str.fullmatch(r"\d{4}-\d{2}-\d{2}").all()
    remembered = tables["MH"]["MHSTDTC"].dropna()
    assert set(remembered.str.len()) == {4, 7, 10}
    assert tables["MH"]["MHSTDTC"].isna().any()


def test_nothing_is_recorded_after_participation(tables: Tables) -> None:
    end = tables["DM"].set_index("USUBJID")["RFENDTC"]
    found = dates_in(tables)
    late = found[found["date"] > found["subject"].map(end)]
    # the one planted: DS dates a death a day later than DM and AE
    assert late[["domain", "column", "date"]].to_numpy().tolist() == [["DS", "DSSTDTC", "2025-06-27"]]


def test_baseline_blood_is_taken_within_its_window(
    protocol: Protocol, tables: Tables, randomised: pd.DataFrame
) -> None:
    lb = tables["LB"]
    taken = pd.to_datetime(lb[lb["VISIT"] == "SCREENING"].groupby("USUBJID")["LBDTC"].first()).loc[
        randomised.index
    ]
    before = (pd.to_datetime(randomised["RFSTDTC"]) - taken).dt.days
    first_allowed, _ = protocol.schedule.baseline_window
    assert before.between(0, -first_allowed).all()


def test_visits_stray_only_where_planted(
    protocol: Protocol, tables: Tables, randomised: pd.DataFrame
) -> None:
    lb = tables["LB"].drop_duplicates(["USUBJID", "VISIT"])
    lb = lb[lb["USUBJID"].isin(randomised.index)]
    day = (pd.to_datetime(lb["LBDTC"]) - pd.to_datetime(lb["USUBJID"].map(randomised["RFSTDTC"]))).dt.days + 1
    outside, astray = {}, {}
    for visit in protocol.schedule.visits:
        own = lb["VISIT"] == visit.label.upper()
        numbers = dict(zip(lb.loc[own, "USUBJID"].str[-3:], day[own], strict=True))
        outside |= {
            (s, visit.code): d for s, d in numbers.items() if not visit.allowed[0] <= d <= visit.allowed[1]
        }
        astray |= {
            (s, visit.code): d for s, d in numbers.items() if not visit.window[0] <= d <= visit.window[1]
        }
    assert astray == {("001", "W12"): 133}
    assert outside == astray | {("005", "W12"): 99, ("013", "W48"): 309, ("014", "W24"): 193}
    missed = lb.groupby("USUBJID")["VISIT"].agg(set)
    assert "WEEK 24" not in missed["NCT06167473-010"]


# --- records that agree, and the planted ones that do not ---------------------------------------------------


def test_forms_agree_on_death_but_for_the_planted_one(tables: Tables) -> None:
    dm, ds, ae = tables["DM"], tables["DS"], tables["AE"]
    in_dm = dm[dm["DTHFL"] == "Y"].set_index("USUBJID")["DTHDTC"]
    in_ds = ds[ds["DSDECOD"] == "DEATH"].set_index("USUBJID")["DSSTDTC"]
    fatal = ae[ae["AEOUT"] == "FATAL"].set_index("USUBJID")
    assert set(fatal["AESDTH"]) == {"Y"}
    assert set(fatal["AETOXGR"]) == {"5"}
    assert in_dm.to_dict() == fatal["AEENDTC"].to_dict()
    assert set(in_dm.index) == set(in_ds.index)
    late = pd.to_datetime(in_ds) - pd.to_datetime(in_dm)
    assert late.dt.days.sort_index().to_dict() == {
        "NCT06167473-006": 0,
        "NCT06167473-012": 0,
        "NCT06167473-021": 1,
        "NCT06167473-022": 0,
    }


def test_one_laboratory_record_stands_twice_and_one_sample_is_repeated(tables: Tables) -> None:
    lb = tables["LB"]
    twice = lb[lb.drop(columns="LBSEQ").duplicated()]
    assert twice[["USUBJID", "LBTESTCD", "VISIT"]].to_numpy().tolist() == [
        ["NCT06167473-005", "ALT", "WEEK 4"]
    ]
    same_day = lb[lb.duplicated(["USUBJID", "LBTESTCD", "LBDTC"])].drop(index=twice.index)
    assert set(same_day["USUBJID"]) == {"NCT06167473-025"}
    assert set(same_day["LBTESTCD"]) == {"PT", "INR"}


def test_grades_agree_with_decompensation_events(tables: Tables) -> None:
    """Overt encephalopathy, and ascites above the baseline grade, are seen only once an event has begun."""
    ce, rs = tables["CE"], tables["RS"]
    started = ce.groupby(["USUBJID", "CEDECOD"])["CESTDTC"].min()
    for code, decod in (("WHAVEN", "HEPATIC ENCEPHALOPATHY"), ("ASCITES", "ASCITES")):
        own = rs[rs["RSTESTCD"] == code]
        baseline = own[own["VISIT"] == "SCREENING"].set_index("USUBJID")["RSORRES"].astype(int)
        worse = own[own["RSORRES"].astype(int) > own["USUBJID"].map(baseline.clip(lower=1))]
        assert len(worse)
        first_event = worse["USUBJID"].map(started.xs(decod, level="CEDECOD"))
        assert (first_event <= worse["RSDTC"]).all()
    assert ce.groupby(["USUBJID", "CEDECOD"]).size().max() == 2  # recurrent events exist


def test_diuretic_control_is_asked_only_of_patients_with_ascites(tables: Tables) -> None:
    rs = tables["RS"].set_index(["USUBJID", "VISIT"])
    ascites = rs.loc[rs["RSTESTCD"] == "ASCITES", "RSORRES"].astype(int)
    asked = rs.index[rs["RSTESTCD"] == "ASCDIUR"]
    assert set(asked) == set(ascites.index[ascites > 0])


def test_tests_not_done_have_a_reason_and_no_result(tables: Tables) -> None:
    lb = tables["LB"]
    missing = lb[lb["LBSTAT"] == "NOT DONE"]
    assert 3 <= len(missing) <= 20
    assert missing["LBREASND"].notna().all()
    assert missing[["LBORRES", "LBORRESU"]].isna().all(axis=None)
    assert (
        lb.drop(index=missing.index)[["LBORRES", "LBORRESU", "LBORNRLO", "LBORNRHI"]].notna().all(axis=None)
    )


def test_fever_after_an_infusion_shows_in_the_temperature(tables: Tables) -> None:
    ae, vs = tables["AE"], tables["VS"]
    temperature = vs[vs["VSTESTCD"] == "TEMP"]
    fever = ae[ae["AEDECOD"] == "Pyrexia"].merge(temperature, on="USUBJID")
    delay = (pd.to_datetime(fever["AESTDTC"]) - pd.to_datetime(fever["VSDTC"])).dt.days
    hot = fever[delay.between(0, 1)]
    assert len(hot) == (ae["AEDECOD"] == "Pyrexia").sum()
    assert (hot["VSORRES"].astype(float) > 38.0).all()
    assert (temperature["VSORRES"].astype(float) > 38.0).sum() == len(hot)


def test_adverse_events_end_or_go_on(tables: Tables) -> None:
    ae = tables["AE"]
    ongoing = ae["AEENDTC"].isna()
    assert ongoing.any()
    assert set(ae.loc[ongoing, "AEOUT"]) == {"NOT RECOVERED/NOT RESOLVED"}
    assert (ae["AEENDTC"].dropna() >= ae["AESTDTC"][~ongoing]).all()
    assert ae.loc[ae["AESER"] == "Y", "AEREL"].notna().all()
    assert ae["AETERM"].str.contains("[\u4e00-\u9fff]").sum() >= 10
    assert not ae["AEDECOD"].str.contains("[\u4e00-\u9fff]").any()
