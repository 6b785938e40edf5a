"""Scores in ADLB: of which records they are made, and when they are not made at all."""

import numpy as np
import pandas as pd
import pytest

from esld import scoring
from esld.data.adam import derive_adlb, derive_adsl
from esld.data.adam.scores import RECIPES, missing_components, on_dialysis
from esld.data.sdtm import Tables
from esld.errors import InputError
from esld.protocol import Parameter, Protocol, read_protocol
from esld.scoring.catalogue import SCORES
from tests.data.small_trial import PROTOCOL, ROOT, event, lb, patient, rs, trial, with_parameters
from tests.loaded import loaded_once

CUTOFF = pd.Timestamp("2026-12-31")
DAY_1 = pd.Timestamp("2025-01-11")
LABS = {"BILI": "60", "ALB": "30", "INR": "1.8", "CREAT": "150", "SODIUM": "130"}


def on(day: int) -> str:
    return f"{DAY_1 + pd.Timedelta(days=day - 1):%Y-%m-%d}"


def labs(day: int, id: str = "S", **others: str) -> list[dict]:
    return [lb(id, code, value, on(day)) for code, value in (LABS | others).items()]


def grades(day: int, ascites: str, encephalopathy: str = "0", controlled: str | None = None) -> list[dict]:
    rows = [rs("S", "ASCITES", ascites, on(day)), rs("S", "WHAVEN", encephalopathy, on(day))]
    return rows + ([] if controlled is None else [rs("S", "ASCDIUR", controlled, on(day))])


def scores(tables: Tables, protocol: Protocol = PROTOCOL) -> pd.DataFrame:
    adlb = derive_adlb(tables, derive_adsl(tables, protocol, CUTOFF), protocol)
    return adlb[adlb["PARCAT1"].eq("SCORE")]


def by_visit(paramcd: str, tables: Tables, protocol: Protocol = PROTOCOL) -> dict[str, float]:
    frame = scores(tables, protocol)
    own = frame[frame["PARAMCD"].eq(paramcd)]
    return dict(zip(own["AVISIT"], own["AVAL"], strict=True))


class TestValues:
    def test_each_score_gets_its_components_in_its_units(self):
        got = scores(trial(patient("S"), LB=labs(1), RS=grades(1, "1", "2"))).set_index("PARAMCD")["AVAL"]
        mg_dl = {"bilirubin_mg_dl": 60 / 17.1, "creatinine_mg_dl": 150 / 88.4, "inr": 1.8}
        meld_3 = scoring.meld_3(**mg_dl, sodium_mmol_l=130, albumin_g_dl=3.0, female=True)
        expected = {
            "MELD": scoring.meld(**mg_dl),
            "MELDNA": scoring.meld_na(**mg_dl, sodium_mmol_l=130),
            "MELD3": meld_3,
            # bilirubin 60 > 51: 3; albumin 30 in 28 to 35: 2; INR 1.8: 2; ascites 1: 2; encephalopathy 2: 2
            "CPSCORE": 11,
            # 0.66 log10(60) − 0.085 · 30
            "ALBI": 0.66 * np.log10(60) - 0.085 * 30,
            # 5.11 ln(60 / 17.1) + 11.76 ln(150 / 88.4) + 9.44
            "MELDXI": 5.11 * np.log(60 / 17.1) + 11.76 * np.log(150 / 88.4) + 9.44,
            # MELD + 0.3 · 50 − 0.7 · 130 + 100
            "IMELD": scoring.meld(**mg_dl) + 24,
            "UKELD": scoring.ukeld(inr=1.8, creatinine_umol_l=150, bilirubin_umol_l=60, sodium_mmol_l=130),
        }
        assert got.to_dict() == pytest.approx(expected)
        assert meld_3 != scoring.meld_3(**mg_dl, sodium_mmol_l=130, albumin_g_dl=3.0, female=False)

    def test_limits_come_from_the_record_and_the_baseline_of_the_patient(self):
        ranges = {"LBORNRLO": "10", "LBORNRHI": "40"}
        rows = [
            lb("S", code, value, on(1), **ranges)
            for code, value in {"ALT": "64", "ALP": "80", "AST": "100"}.items()
        ]
        rows += [lb("S", "PLAT", "125", on(1)), *labs(1)]
        got = scores(trial(patient("S"), LB=rows)).set_index("PARAMCD")["AVAL"]
        assert got["FIB4"] == pytest.approx(50 * 100 / (125 * 8))
        assert got["APRI"] == pytest.approx(100 * (100 / 40) / 125)
        assert got["RFACTOR"] == pytest.approx((64 / 40) / (80 / 40))
        without_range = [row for row in rows if row["LBTESTCD"] != "AST"] + [lb("S", "AST", "100", on(1))]
        assert "APRI" not in scores(trial(patient("S"), LB=without_range))["PARAMCD"].tolist()

    def test_child_pugh_reads_bilirubin_in_the_unit_of_the_protocol(self):
        # 3.0 mg/dL is 2 points; converted, 51.3 umol/L would be 3
        own = {"BILI": "mg/dL", "ALB": "g/dL"}
        parameters = [
            p.model_copy(update={"unit": own[p.paramcd]}) if p.paramcd in own else p
            for p in PROTOCOL.parameters
        ]
        protocol = PROTOCOL.model_copy(update={"parameters": tuple(parameters)})
        rows = [row for row in labs(1) if row["LBTESTCD"] != "BILI"]
        rows += [lb("S", "BILI", "3.0", on(1), LBORRESU="mg/dL")]
        tables = trial(patient("S"), LB=rows, RS=grades(1, "0"))
        # bilirubin 2, albumin 30: 2, INR 1.8: 2, no ascites, no encephalopathy
        assert by_visit("CPSCORE", tables, protocol) == {"Baseline": 8}

    def test_imeld_needs_what_meld_needs(self):
        rows = [row for row in labs(1) if row["LBTESTCD"] != "INR"]
        assert by_visit("IMELD", trial(patient("S"), LB=rows)) == {}

    def test_sex_that_is_not_known_gives_no_meld_3(self):
        got = scores(trial(patient("S", SEX="U"), LB=labs(1)))["PARAMCD"].tolist()
        assert "MELD" in got
        assert "MELD3" not in got

    def test_sex_is_the_patient_s(self):
        tables = trial(patient("S", SEX="M"), LB=labs(1))
        female = scores(trial(patient("S", SEX="F"), LB=labs(1))).set_index("PARAMCD")["AVAL"]
        male = scores(tables).set_index("PARAMCD")["AVAL"]
        assert female["MELD3"] > male["MELD3"]
        assert female["MELD"] == male["MELD"]

    def test_the_unit_on_the_record_does_not_matter(self):
        converted = [lb("S", "BILI", repr(60 / 17.1), on(1), LBORRESU="mg/dL")]
        others = [row for row in labs(1) if row["LBTESTCD"] != "BILI"]
        one, two = (
            scores(trial(patient("S"), LB=rows))["AVAL"].to_numpy() for rows in (labs(1), converted + others)
        )
        np.testing.assert_allclose(one, two, rtol=1e-12)

    def test_score_rows_describe_themselves(self):
        frame = scores(trial(patient("S"), LB=labs(1) + labs(8)), with_parameters("BILI", "ALB", "ALBI"))
        assert frame["AVISIT"].tolist() == ["Baseline", "Week 1"]
        assert frame["ABLFL"].fillna("").tolist() == ["Y", ""]
        assert set(frame["ANL01FL"]) == {"Y"}
        assert frame["CHG"].tolist()[1] == 0
        assert frame[["ANRIND", "SRCDOM", "SRCSEQ", "DTYPE"]].isna().all().all()


class TestComponents:
    @pytest.mark.parametrize("absent", ["BILI", "INR", "CREAT"])
    def test_all_must_be_there(self, absent):
        rows = [row for row in labs(1) if row["LBTESTCD"] != absent] + labs(8)
        assert list(by_visit("MELD", trial(patient("S"), LB=rows))) == ["Week 1"]

    def test_a_component_that_was_never_measured(self):
        rows = [row for row in labs(1) if row["LBTESTCD"] != "INR"]
        assert by_visit("MELD", trial(patient("S"), LB=rows)) == {}

    # week 4 is day 29; the window allows what 7 days do not
    @pytest.mark.parametrize(("gap", "made"), [(0, True), (7, True), (8, False)])
    def test_at_most_seven_days_apart(self, gap, made):
        rows = [row for row in labs(25) if row["LBTESTCD"] != "INR"] + [lb("S", "INR", "1.8", on(25 + gap))]
        got = scores(trial(patient("S"), LB=rows), with_parameters("BILI", "INR", "CREAT", "MELD"))
        assert (len(got) == 1) == made
        if made:
            assert got["ADY"].tolist() == [25 + gap]  # the day of the latest component

    def test_the_protocol_says_how_many(self):
        rows = [lb("S", "BILI", "60", on(25)), lb("S", "ALB", "30", on(28))]
        for days, made in ((2, 0), (3, 1)):
            protocol = with_parameters("BILI", "ALB", "ALBI", component_days=days)
            assert len(scores(trial(patient("S"), LB=rows), protocol)) == made

    def test_components_of_two_visits_do_not_meet(self):
        # days 18 and 19 are one day apart, in the windows of weeks 1 and 4
        rows = [lb("S", "BILI", "60", on(18)), lb("S", "ALB", "30", on(19))]
        assert by_visit("ALBI", trial(patient("S"), LB=rows)) == {}

    def test_the_analysed_value_of_each_component_is_used(self):
        # two bilirubins of one day: their mean, 60, is what is analysed
        rows = [lb("S", "ALB", "30", on(8)), lb("S", "BILI", "50", on(8)), lb("S", "BILI", "70", on(8))]
        got = by_visit("ALBI", trial(patient("S"), LB=rows))
        assert got == {"Week 1": pytest.approx(0.66 * np.log10(60) - 0.085 * 30)}

    def test_one_patient_s_values_never_serve_another(self):
        rows = [lb("A", "BILI", "60", on(1)), lb("B", "ALB", "30", on(1))]
        assert scores(trial(patient("A"), patient("B"), LB=rows)).empty


class TestWithoutAComponent:
    """Made where what is not there could not have changed the score, and the row says so."""

    DIALYSIS = staticmethod(
        lambda *days: [event("PR", "S", on(day), PRDECOD="HAEMODIALYSIS") for day in days]
    )

    def rows(self, *days, **others):
        values = LABS | others
        return [lb("S", code, value, on(days[0])) for code, value in values.items() if value]

    def test_creatinine_on_dialysis(self):
        tables = trial(patient("S"), LB=self.rows(29, CREAT=""), PR=self.DIALYSIS(27, 28))
        frame = scores(tables).set_index("PARAMCD")
        labs = {"bilirubin_mg_dl": 60 / 17.1, "creatinine_mg_dl": 4.0, "inr": 1.8}
        assert frame.loc["MELD", "AVAL"] == scoring.meld(**labs)
        assert frame.loc["MELDNA", "AVAL"] == scoring.meld_na(**labs, sodium_mmol_l=130)
        assert frame.loc["MELD3", "AVAL"] == scoring.meld_3(
            **labs | {"creatinine_mg_dl": 3.0}, sodium_mmol_l=130, albumin_g_dl=3.0, female=True
        )
        assert set(frame.loc[["MELD", "MELDNA", "MELD3"], "CRIT2"]) == {
            "Not there and not needed for the score: CREAT"
        }
        assert set(frame.loc[["MELD", "MELDNA", "MELD3"], "CRIT2FL"]) == {"Y"}
        assert frame.loc[["ALBI"], "CRIT2FL"].isna().all()
        assert "UKELD" not in frame.index  # it has no cap
        without = scores(trial(patient("S"), LB=self.rows(29, CREAT="")))["PARAMCD"].tolist()
        assert not {"MELD", "MELDNA", "MELD3"} & set(without)

    def test_dialysis_is_then_asked_for_the_day_of_the_latest_component(self):
        for sessions, made in (((27, 28), True), ((20, 21), False)):
            tables = trial(patient("S"), LB=self.rows(29, CREAT=""), PR=self.DIALYSIS(*sessions))
            assert bool(by_visit("MELD", tables)) == made

    def test_a_creatinine_too_far_away_is_as_one_that_is_not_there(self):
        # days 25 and 33 are in the window of week 4 and 8 days apart
        rows = [*self.rows(33, CREAT=""), lb("S", "CREAT", "70", on(25))]
        protocol = with_parameters("BILI", "INR", "CREAT", "MELD")
        assert scores(trial(patient("S"), LB=rows), protocol).empty
        got = scores(trial(patient("S"), LB=rows, PR=self.DIALYSIS(30, 31)), protocol)
        assert got["ADY"].tolist() == [33]
        assert got["CRIT2FL"].tolist() == ["Y"]

    def test_sodium_counts_above_a_meld_of_11_alone(self):
        low = {"BILI": "15", "INR": "1.0", "CREAT": "70", "SODIUM": ""}
        tables = trial(patient("S"), LB=self.rows(1, **low))
        assert by_visit("MELDNA", tables) == {"Baseline": 6}
        assert by_visit("MELDNA", trial(patient("S"), LB=self.rows(1, SODIUM=""))) == {}

    def test_a_score_with_all_components_says_nothing(self):
        frame = scores(trial(patient("S"), LB=labs(1), RS=grades(1, "1")))
        assert frame[["CRIT2", "CRIT2FL"]].isna().all().all()


class TestAscites:
    """Points: bilirubin 3, albumin 2, INR 2 and encephalopathy 1 make 8; ascites adds 1 to 3."""

    @pytest.mark.parametrize(
        ("grade", "controlled", "total"),
        [
            *(("0", None, 9), ("1", None, 10), ("1", "0", 10), ("3", None, 11), ("3", "1", 11)),
            *(("2", "1", 10), ("2", "0", 11), ("2", None, None)),
        ],
    )
    def test_grade_2_needs_the_record_of_control(self, grade, controlled, total):
        tables = trial(patient("S"), LB=labs(1), RS=grades(1, grade, controlled=controlled))
        assert by_visit("CPSCORE", tables).get("Baseline") == total

    def test_control_is_read_on_the_day_of_the_grade(self):
        # screening: blood taken, grade 2, controlled. Day 1: grade 2 again, not controlled any more.
        tables = trial(
            patient("S"), LB=labs(-5), RS=grades(-5, "2", controlled="1") + grades(1, "2", controlled="0")
        )
        assert by_visit("CPSCORE", tables)["Baseline"] == 11

    def test_an_older_record_of_control_does_not_stand_in(self):
        tables = trial(patient("S"), LB=labs(1), RS=grades(-5, "2", controlled="1") + grades(1, "2"))
        assert "Baseline" not in by_visit("CPSCORE", tables)

    def test_nor_does_it_matter_that_another_record_of_control_is_nearer_to_the_target(self):
        # week 1 is day 8: the grade of day 6 is the only one, control was asked again on day 8
        control = [rs("S", "ASCDIUR", "0", on(8))]
        tables = trial(patient("S"), LB=labs(6), RS=grades(6, "2", controlled="1") + control)
        assert by_visit("CPSCORE", tables) == {"Week 1": 10}

    def test_a_distant_record_of_control_does_not_make_the_score_too_old(self):
        control = [rs("S", "ASCDIUR", "1", on(18))]
        tables = trial(patient("S"), LB=labs(8), RS=grades(8, "1") + control)
        frame = scores(tables)
        assert frame[frame["PARAMCD"].eq("CPSCORE")]["ADY"].tolist() == [8]

    def test_two_answers_of_one_day_count_as_not_controlled(self):
        twice = [rs("S", "ASCDIUR", answer, on(1)) for answer in ("1", "0")]
        tables = trial(patient("S"), LB=labs(1), RS=grades(1, "2") + twice)
        assert by_visit("CPSCORE", tables)["Baseline"] == 11

    def test_a_protocol_without_the_question(self):
        protocol = with_parameters("BILI", "ALB", "INR", "ASCITES", "WHAVEN", "CPSCORE")
        rows = grades(1, "2", controlled="1") + grades(8, "1")
        assert by_visit("CPSCORE", trial(patient("S"), LB=labs(1) + labs(8), RS=rows), protocol) == {
            "Week 1": 10
        }

    def test_everybody_of_the_demonstration_trial_has_a_baseline_score(self):
        from esld.data.cutfile import read_cut

        study = loaded_once(read_cut(ROOT / "params" / "demo-final.yaml"))
        baseline = study.adlb[study.adlb["PARAMCD"].eq("CPSCORE") & study.adlb["ABLFL"].eq("Y")]
        assert set(baseline["USUBJID"]) == set(study.randomised["USUBJID"])


class TestDialysis:
    def sessions(self, *days: int, decod: str = "HAEMODIALYSIS") -> list[dict]:
        return [event("PR", "S", on(day), PRDECOD=decod) for day in days]

    def asked(self, *rows: dict, day: int = 29) -> bool:
        tables = trial(patient("S"), PR=list(rows))
        return bool(on_dialysis(tables, pd.Series([pd.Timestamp(on(day))], ["S"]))[0])

    @pytest.mark.parametrize(
        ("days", "answer"),
        [
            *(((), False), ((28,), False), ((27, 28), True), ((22, 29), True), ((21, 28), False)),
            *(((30, 31), False), ((28, 28), False), ((15, 16, 28), False)),
        ],
    )
    def test_two_days_with_a_session_in_the_seven_before_the_creatinine(self, days, answer):
        assert self.asked(*self.sessions(*days)) == answer

    def test_continuous_dialysis_counts_alone(self):
        assert self.asked(*self.sessions(28, decod="CVVHD"))
        assert not self.asked(*self.sessions(21, decod="CVVHD"))

    def test_other_procedures_and_unclear_days_do_not_count(self):
        assert not self.asked(*self.sessions(27, 28, decod="PARACENTESIS"))
        unclear = event("PR", "S", "2025-02", PRDECOD="DIALYSIS")  # its first possible day is day 22
        assert not self.asked(unclear, *self.sessions(28))

    def test_each_patient_and_day_in_the_order_asked(self):
        tables = trial(patient("S"), patient("T"), PR=self.sessions(27, 28))
        days = [pd.Timestamp(on(day)) for day in (50, 29, 29)]
        assert on_dialysis(tables, pd.Series(days, ["S", "T", "S"])).tolist() == [False, False, True]
        del tables["PR"]
        assert on_dialysis(tables, pd.Series(days, ["S", "T", "S"])).tolist() == [False] * 3

    def test_it_overrides_the_creatinine_of_meld(self):
        tables = trial(patient("S"), LB=labs(29, CREAT="70"), PR=self.sessions(27, 28))
        expected = scoring.meld(bilirubin_mg_dl=60 / 17.1, creatinine_mg_dl=70 / 88.4, inr=1.8, dialysis=True)
        assert by_visit("MELD", tables) == {"Week 4": expected}

    def test_the_seven_days_end_with_the_creatinine_not_with_the_last_component(self):
        # creatinine on day 26, INR on day 32; sessions on days 27 and 28 came after the creatinine
        rows = [lb("S", "BILI", "60", on(26)), lb("S", "CREAT", "70", on(26)), lb("S", "INR", "1.8", on(32))]
        tables = trial(patient("S"), LB=rows, PR=self.sessions(27, 28))
        expected = scoring.meld(bilirubin_mg_dl=60 / 17.1, creatinine_mg_dl=70 / 88.4, inr=1.8)
        assert by_visit("MELD", tables) == {"Week 4": expected}


class TestProtocol:
    def test_what_a_protocol_does_not_collect(self):
        mayo = read_protocol(ROOT / "params" / "protocols" / "mayo-pbc.yaml")
        assert missing_components(PROTOCOL) == {}
        assert missing_components(mayo) == {
            "MELD": ["CREAT", "INR"],
            "MELDNA": ["CREAT", "INR", "SODIUM"],
            "MELD3": ["CREAT", "INR", "SODIUM"],
            "CPSCORE": ["INR", "ASCITES", "WHAVEN"],
        }

    def test_a_score_without_its_components_is_refused(self):
        with pytest.raises(InputError) as caught:
            scores(trial(patient("S"), LB=labs(1)), with_parameters("BILI", "INR", "MELD"))
        assert str(caught.value) == (
            "parameter MELD must have its components among the parameters; missing: CREAT (NCT06167473). "
            "Add them or leave the score out."
        )

    def test_an_unknown_score_is_refused_with_a_suggestion(self):
        odd = Parameter(paramcd="MELDN", param="x", kind="score")
        protocol = PROTOCOL.model_copy(update={"parameters": (*PROTOCOL.parameters, odd)})
        with pytest.raises(InputError, match=r"parameter MELDN must be a known score .*Did you mean 'MELD"):
            scores(trial(patient("S"), LB=labs(1)), protocol)

    def test_every_recipe_names_a_score_of_the_catalogue(self):
        catalogue = {score.name: score for score in SCORES}
        for recipe in RECIPES.values():
            score = catalogue[recipe.score]
            assert (recipe.column in score.columns) if recipe.column else not score.columns
            arguments = [name for choice in (*score.needs, *score.may_have) for name in choice]
            assert set(recipe.without) <= set(arguments)
