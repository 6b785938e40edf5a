"""Numbers of the chapter on safety, counted again from the raw tables of the demonstration trial by pandas alone.

The issue that asked for them counted on an earlier export of the demonstration trial; what is counted here holds.
"""

import pandas as pd
import pytest

from tests.report.builders import HIGH, LOW, plain
from tests.report.in_process import cut_at, rows_handed_over, run
from tests.report.recount import arms, first_infusion, raw, since_infusion, treated

ARMS = (LOW, HIGH)


@pytest.fixture(scope="module")
def report():
    return run(cut_at("2026-03-31"), ["06_safety"])


@pytest.fixture(scope="module")
def found(report):
    """Each result as ``(events, n)`` or its value, by name, statistic and arm."""
    rows = rows_handed_over(report.chapters["06_safety"])
    return {
        (row.result_id.split(".")[0], row.statistic, row.arm): (row.value if row.events is None else (row.events, row.n))
        for row in rows
    }  # fmt: skip


def tables(report):
    return {item.id: item for item in report.shown["06_safety"] if hasattr(item, "frame")}


def texts(report):
    return "\n".join(text for _, text in report.texts())


def bilirubin():
    """Baseline and peak of each infused patient with their own liver, and the limit at baseline: all records have one limit."""
    lb = raw("lb")[raw("lb")["LBTESTCD"].eq("BILI")].dropna(subset=["LBORRES"])
    lb = lb[lb["USUBJID"].isin(treated().index)]
    assert lb["LBORRESU"].nunique() == lb["LBORNRHI"].nunique() == 1
    lb = lb.assign(
        AVAL=lb["LBORRES"].astype(float), HIGH=lb["LBORNRHI"].astype(float), WHEN=pd.to_datetime(lb["LBDTC"])
    )
    pr = raw("pr")[raw("pr")["PRDECOD"].eq("LIVER TRANSPLANTATION")].set_index("USUBJID")["PRSTDTC"]
    graft = pd.to_datetime(lb["USUBJID"].map(pr))
    lb = lb[graft.isna() | (lb["WHEN"] < graft)]
    start = lb["USUBJID"].map(first_infusion())
    before = (
        lb[lb["WHEN"] <= start].sort_values("WHEN", kind="stable").drop_duplicates("USUBJID", keep="last")
    )
    before = before.set_index("USUBJID")
    peak = lb[lb["WHEN"] > start].groupby("USUBJID")["AVAL"].max()
    ratio = lb[lb["WHEN"] > start].assign(r=lambda f: f["AVAL"] / f["HIGH"]).groupby("USUBJID")["r"].max()
    return before["AVAL"], (before["AVAL"] / before["HIGH"]), peak, ratio


def grade(multiple):
    return sum(multiple > limit for limit in (1, 1.5, 3, 10))


def test_a1_bilirubin_is_graded_alike_before_and_after(found):
    _, before, _, after = bilirubin()
    pairs = pd.DataFrame({"before": before.map(grade), "after": after.map(grade), "ARM": treated()}).dropna()
    for arm in ARMS:
        own = pairs[pairs["ARM"].eq(arm)]
        for (one, other), n in own.groupby(["before", "after"]).size().items():
            assert found["laboratory_grades", f"BILI.{int(one)}_to_{int(other)}", arm] == n
        shares = ((own["after"] > own["before"]).sum(), len(own))
        assert found["laboratory_grades", "BILI.worse", arm] == shares
    # Ten patients have grade 3 at baseline, and none of them is shown as healed: one fell to grade 2.
    severe = pairs[pairs["before"].eq(3)]
    assert (len(severe), severe["after"].ge(2).sum(), severe["after"].eq(2).sum()) == (10, 10, 1)


def test_a1_multiples_of_an_abnormal_baseline(found):
    baseline, before, peak, _ = bilirubin()
    multiple = (peak / baseline)[before > 1].round(8)
    classes = pd.cut(multiple, [0, 1, 1.5, 3, float("inf")], labels=["no_worse", "to_1_5", "to_3", "above_3"])
    for arm in ARMS:
        own = classes[classes.index.map(treated()) == arm]
        for name in classes.cat.categories:
            assert found["laboratory_multiples", f"BILI.{name}", arm] == (own.eq(name).sum(), len(own))
    counted = [found["laboratory_multiples", "BILI.to_3", arm] for arm in ARMS]
    assert counted == [(1, 10), (0, 11)]


def test_a6_serious_events_with_the_decompensation_events(report, found):
    ae = since_infusion(raw("ae"), "AESTDTC")
    ce = since_infusion(raw("ce"), "CESTDTC")
    serious = ae[ae["AESER"].eq("Y")]
    for arm, expected in zip(ARMS, ((4, 5, 4), (3, 6, 6)), strict=True):
        one, other = (set(frame.loc[frame["ARM"].eq(arm), "USUBJID"]) for frame in (serious, ce))
        assert (len(one), len(one | other), len(other)) == expected
        n = treated().eq(arm).sum()
        kinds = ("serious", "serious_or_clinical", "clinical")
        assert tuple(found["adverse_events", kind, arm] for kind in kinds) == tuple((x, n) for x in expected)
    front = [plain(item.html) for item in report.shown["index"]]
    card = "Serious adverse event, or decompensation that may have been serious, low dose\n5 of 10\n"
    assert any(text.startswith(card) for text in front)
    assert (
        "Serious, or decompensation that may have been"
        in tables(report)["adverse_events"].frame.iloc[:, 0].tolist()
    )


def reactions():
    """Events that began on the day of an infusion or the next: the records have dates and no times."""
    ae, ex = (
        since_infusion(raw("ae"), "AESTDTC"),
        raw("ex").assign(GIVEN=pd.to_datetime(raw("ex")["EXSTDTC"])),
    )
    pairs = ae.merge(ex[["USUBJID", "EXSEQ", "EXLOT", "GIVEN"]], on="USUBJID")
    days = (pairs["WHEN"] - pairs["GIVEN"]).dt.days
    return pairs[days.between(0, 1)]


def test_a7_a_day_is_not_an_hour(report, found):
    assert not raw("ae")["AESTDTC"].str.contains("T").any()
    soon = reactions()
    for arm in ARMS:
        own = soon[soon["ARM"].eq(arm)]
        given = raw("ex")["USUBJID"].map(treated()).eq(arm).sum()
        assert found["adverse_events", "soon", arm][0] == own["USUBJID"].nunique()
        followed = len(own.drop_duplicates(["USUBJID", "EXSEQ"]))
        assert found["adverse_events", "administrations", arm] == (followed, given)
    said = texts(report)
    assert "on the day of an infusion or the next" in said
    assert not [words for words in ("24 hours", "within a day", "within one day", "24 h") if words in said]


def test_a12_other_treatment(found):
    cm = since_infusion(raw("cm"), "CMSTDTC")
    albumin = cm[cm["CMDECOD"].eq("ALBUMIN HUMAN")]
    courses = [albumin["ARM"].eq(arm).sum() for arm in ARMS]
    assert courses == [8, 4]
    assert [found["concomitant", "CM.Albumin human.courses", arm] for arm in ARMS] == courses
    patients = [albumin.loc[albumin["ARM"].eq(arm), "USUBJID"].nunique() for arm in ARMS]
    assert [found["concomitant", "CM.Albumin human", arm][0] for arm in ARMS] == patients


# Analysis windows of the registered weeks: target day, first and last day.
WINDOWS = ((8, 2, 18), (29, 19, 43), (57, 44, 71), (85, 72, 127), (169, 128, 253), (337, 254, 393))
LABORATORY = ("ALT", "AST", "ALP", "BILI", "ALB", "PT", "INR", "CREAT", "SODIUM", "PLAT")


def test_a12_values_that_albumin_or_plasma_may_have_moved(report, found):
    """One value a patient, quantity and window, the nearest to its target, the later of two; within 7 days of the treatment."""
    lb = raw("lb").dropna(subset=["LBORRES"])
    lb = lb[lb["LBTESTCD"].isin(LABORATORY) & lb["USUBJID"].isin(arms().index)]
    ds = raw("ds")[raw("ds")["DSDECOD"].eq("RANDOMIZED")].set_index("USUBJID")["DSSTDTC"]
    start = first_infusion().reindex(arms().index).fillna(pd.to_datetime(ds))
    when = pd.to_datetime(lb["LBDTC"].str[:10])
    day = (when - lb["USUBJID"].map(start)).dt.days + 1
    pr = raw("pr")[raw("pr")["PRDECOD"].eq("LIVER TRANSPLANTATION")].set_index("USUBJID")["PRSTDTC"]
    graft = pd.to_datetime(lb["USUBJID"].map(pr))
    own = lb.assign(DAY=day, WHEN=when)[graft.isna() | (when < graft)]
    parts = [
        own[own["DAY"].between(first, last)].assign(
            WEEK=target, FAR=lambda f, target=target: (f["DAY"] - target).abs()
        )
        for target, first, last in WINDOWS
    ]
    chosen = pd.concat(parts).sort_values(["FAR", "DAY"], ascending=[True, False], kind="stable")
    chosen = chosen.drop_duplicates(["USUBJID", "LBTESTCD", "WEEK"])
    cm = raw("cm")[raw("cm")["CMDECOD"].isin(["ALBUMIN HUMAN", "FRESH FROZEN PLASMA"])]
    spans = chosen.reset_index().merge(cm[["USUBJID", "CMSTDTC", "CMENDTC"]], on="USUBJID")
    near = spans["WHEN"].between(
        pd.to_datetime(spans["CMSTDTC"]), pd.to_datetime(spans["CMENDTC"]) + pd.Timedelta(days=7)
    )
    flagged = chosen.index.isin(spans.loc[near, "index"])
    arm = chosen["USUBJID"].map(arms())
    counted = [((flagged & arm.eq(code)).sum(), arm.eq(code).sum()) for code in ARMS]
    assert [found["flagged_values", "flagged", code] for code in ARMS] == counted
    assert counted == [(70, 608), (20, 587)]
    assert "70 of 608 in the low-dose group and 20 of 587 in the medium-high-dose group" in texts(report)


def test_a12_temperature_at_every_infusion(found):
    vs = raw("vs")[raw("vs")["VSTESTCD"].eq("TEMP")]
    pairs = vs.merge(raw("ex"), left_on=["USUBJID", "VSDTC"], right_on=["USUBJID", "EXSTDTC"])
    assert len(pairs) == len(raw("ex")) == 62
    fever = pairs["VSORRES"].astype(float).ge(38.0)
    arm = pairs["USUBJID"].map(treated())
    counted = [((fever & arm.eq(code)).sum(), arm.eq(code).sum()) for code in ARMS]
    assert [found["temperature", "fever", code] for code in ARMS] == counted == [(4, 29), (7, 33)]


def test_a12_lots_relations_and_blood_pressure(report, found):
    ex = raw("ex")
    assert found["lots", "lots", ""] == ex["EXLOT"].nunique()
    for (lot, arm), n in ex.groupby(["EXLOT", ex["USUBJID"].map(treated())]).size().items():
        assert found["lots", f"{lot}.given", arm] == n
    followed = reactions().drop_duplicates(["USUBJID", "EXSEQ"]).groupby(["EXLOT", "ARM"]).size()
    assert {k: n for k, n in followed.items() if found["lots", f"{k[0]}.followed", k[1]] != n} == {}
    ae = since_infusion(raw("ae"), "AESTDTC")
    for (relation, arm), own in ae.groupby(["AEREL", "ARM"]):
        assert found["relation", relation.lower().replace(" ", "_"), arm][0] == own["USUBJID"].nunique()
    vs = raw("vs")[
        raw("vs")["USUBJID"].isin(treated().index) & raw("vs")["VSTESTCD"].isin(["SYSBP", "DIABP"])
    ]
    assert set(vs["VISIT"]) == {"SCREENING"}
    for (sign, arm), own in vs.groupby(["VSTESTCD", vs["USUBJID"].map(treated())]):
        assert found["vital_signs", f"{sign}.before.median", arm] == own["VSORRES"].astype(float).median()
    assert (
        "so that nothing is known of a change: systolic blood pressure and diastolic blood pressure"
        in texts(report)
    )


def test_severe_events_by_term_and_events_per_year(found):
    ae = since_infusion(raw("ae"), "AESTDTC")
    severe = ae[ae["AETOXGR"].astype(float).ge(3)]
    for (system, term, arm), own in severe.groupby(["AEBODSYS", "AEDECOD", "ARM"]):
        assert found["adverse_event_terms", f"{system} / {term}.severe", arm][0] == own["USUBJID"].nunique()
    for arm in ARMS:
        years = found["adverse_events", "patient_years", arm]
        assert found["adverse_events", "any.events", arm] == ae["ARM"].eq(arm).sum()
        assert found["adverse_events", "any.rate", arm][0] / years == pytest.approx(
            ae["ARM"].eq(arm).sum() / years
        )
