"""Cases of exports about what happened to patients: deaths, infusions, follow-up, times of day, severity.

The numbers are those of the rows of `tests/reference/cases/exports.md`.
"""

import pandas as pd
import pytest

from esld.data.study import load_study
from esld.data.tables import write_tables
from esld.report import flow, needs, phrases
from esld.report.results import rows_of
from esld.report.safety import adverse_events, overview, reactions
from esld.report.safety import counted as safety
from esld.report.words.catalogue import read_by
from tests.data.spoilt import demo_tables, put, spoilt
from tests.report.builders import plain

LEVEL = "95 %"
DIED = "NCT06167473-012"
LOST = "LOST TO FOLLOW-UP"


def study(tmp_path, changes, **more):
    return load_study(spoilt(tmp_path, changes, **more))


def chapter(own):
    """What chapter 06 says of adverse events, and its rows."""
    with read_by(phrases.reader_of(own)):
        return _chapter(own)


def _chapter(own):
    found = adverse_events.adverse_events(own, safety.safety_set(own), conf_level=0.95)
    reported = rows_of("r", found, analysis="SAFETY", chapter="06_safety")
    words = [
        words(found, reported, level=LEVEL)
        for words in (
            overview.answer_words,
            overview.overview_words,
            reactions.reactions_words,
        )
    ]
    terms = rows_of("t", found.terms_frame(), analysis="SAFETY", chapter="06_safety")
    tables = [
        overview.overview_table(found, reported),
        adverse_events.terms_table(found, terms),
        reactions.reactions_table(
            found,
            reported,
            rows_of("q", reactions.reaction_rows(found), analysis="SAFETY", chapter="06_safety"),
        ),
    ]
    shown = [t for t in tables if t is not None]
    text = " ".join(
        [plain(" ".join(words)), *(f"{t.title} {' '.join(t.footnotes)} {t.frame.to_string()}" for t in shown)]
    )
    return found, reported, text


def test_2_a_death_that_dm_does_not_know_yet(tmp_path):
    own = study(
        tmp_path,
        {
            "DM": lambda dm: put(dm, dm["USUBJID"].eq(DIED), DTHFL=None, DTHDTC=None),
            "AE": lambda ae: put(ae, ae["USUBJID"].eq(DIED) & ae["AETOXGR"].eq("5"), AEOUT="NOT RECOVERED/NOT RESOLVED"),
        },
    )  # fmt: skip
    survival = own.adtte[own.adtte["PARAMCD"].eq("OS") & own.adtte["CNSR"].eq(0)]
    assert len(survival) == 4
    row = survival.set_index("USUBJID").loc[DIED]
    assert (row["ADT"], row["SRCDOM"]) == (pd.Timestamp("2024-10-09"), "DS")
    group = safety.safety_set(own)
    _, reported, _ = chapter(own)
    arm = group.group_of[DIED]
    died = rows_of("d", safety.death_rows(group, conf_level=0.95), analysis="SAFETY", chapter="06_safety")
    assert (reported.row("fatal", arm).events, died.row("died", arm).events) == (2, 2)
    asked = own.queries[own.queries["USUBJID"].eq(DIED) & own.queries["rule"].eq("death missing in a form")]
    assert asked["record"].tolist() == ["DM"]


def test_14_and_times_of_day_a_value_after_the_infusion(tmp_path):
    def timed(ex):
        return put(ex, slice(None), EXSTDTC=ex["EXSTDTC"] + "T09:00", EXENDTC=None)

    def later(lb):
        first = lb[lb["LBTESTCD"].eq("ALT")].drop_duplicates("USUBJID")
        more = first.assign(LBORRES="400", LBSEQ="999", LBDTC=first["USUBJID"].map(day) + "T16:00")
        return pd.concat([lb, more.dropna(subset=["LBDTC"])], ignore_index=True)

    day = demo_tables()["EX"].drop_duplicates("USUBJID").set_index("USUBJID")["EXSTDTC"]
    clocked = {"AE": lambda ae: put(ae, slice(None), AESTDTC=ae["AESTDTC"] + "T10:00")}
    own = study(tmp_path, {"EX": timed, "LB": later} | clocked)
    alt = own.adlb[own.adlb["PARAMCD"].eq("ALT")]
    assert (alt["SRCSEQ"].eq("999")).sum() == 21
    assert not alt.loc[alt["SRCSEQ"].eq("999"), "ABLFL"].notna().any()
    assert alt.loc[alt["ABLFL"].eq("Y"), "AVAL"].mean() == pytest.approx(40.7, abs=0.05)
    assert "within 24 hours after an infusion" in chapter(own)[2]


def test_17_two_bags_are_one_infusion(tmp_path):
    def split(ex):
        own = ex["USUBJID"].eq("NCT06167473-002")
        kept = ex[~(own & ex["EXSEQ"].eq("3"))]  # the third was never given
        first = own & ex["EXSEQ"].eq("1")
        bag = put(ex[first], slice(None), EXDOSE="0.5", EXSEQ="9")
        return pd.concat([put(kept, first.reindex(kept.index), EXDOSE="0.5"), bag])

    row = study(tmp_path, {"EX": split}).adsl.set_index("USUBJID").loc["NCT06167473-002"]
    assert (row["NADMIN"], row["PPROTFL"]) == (2, "N")


def test_25_placebo_has_no_dose(tmp_path):
    def without(trial):
        arms = [arm if arm["code"] != "LOW" else {**arm, "dose": None} for arm in trial["arms"]]
        return trial | {"arms": arms}

    def nothing(ex):
        return put(ex, ex["EXDOSE"].astype(float) <= 1, EXDOSE="0", EXDOSU=None)

    for view in ("blinded", "unblinded"):
        own = study(tmp_path / view, {"EX": nothing}, protocol=without, view=view)
        assert own.adsl["SAFFL"].eq("Y").sum() == 21
        assert needs.why_not(own, "safety_set") == ""
    group = safety.safety_set(own)
    assert {arm: group.size(arm) for arm in group.arms} == {"LOW": 10, "MEDHIGH": 11}


def test_26_and_27_the_end_of_the_last_infusion_and_the_last_sign_of_life(tmp_path):
    """A visit of somebody lost, after every other record, is in SV alone."""
    tables = demo_tables()
    lost = tables["DS"].loc[tables["DS"]["DSDECOD"].eq(LOST), ["USUBJID", "DSSTDTC"]].iloc[0]
    seen = f"{pd.Timestamp(lost['DSSTDTC']) + pd.Timedelta(days=20):%Y-%m-%d}"
    sv = pd.DataFrame([{"USUBJID": lost["USUBJID"], "VISITNUM": "99", "SVSTDTC": seen, "SVENDTC": None}])
    file = spoilt(tmp_path, {"EX": lambda ex: put(ex, ex["USUBJID"].eq(DIED), EXENDTC="2024-10-07")})
    write_tables({"SV": sv}, file.data_path)
    own = load_study(file)
    found = safety.deaths(own, safety.safety_set(own)).set_index("USUBJID")
    assert found.loc[DIED, "since"] == 2
    (end,) = own.adtte[own.adtte["PARAMCD"].eq("OS") & own.adtte["USUBJID"].eq(lost["USUBJID"])].to_dict(
        "records"
    )
    assert (end["ADT"], end["CNSR"]) == (pd.Timestamp(seen), 1)
    assert (end["SRCDOM"], end["SRCVAR"], end["SRCSEQ"]) == ("SV", "SVSTDTC", "99")


def test_28_every_disposition_ends_follow_up_with_its_reason(tmp_path):
    reasons = iter(["ADVERSE EVENT", "PROTOCOL VIOLATION", "OTHER"])

    def other(ds):
        rows = ds["DSDECOD"].eq(LOST)
        return put(ds, rows, DSDECOD=[next(reasons) for _ in range(rows.sum())])

    found = flow.participant_flow(study(tmp_path, {"DS": other}), horizon_days=365)
    early = demo_tables()["DS"]["DSDECOD"].eq(LOST).sum()
    assert found.count("lost") == early == len(found.reasons("lost")) > 0
    said = {reason.partition(" (")[0] for reason in found.reasons("lost").values()}
    assert said <= {"Adverse event", "Protocol violation", "Other"}
    assert found.count("overdue") == 0


@pytest.mark.parametrize(
    ("change", "there"),
    [
        (lambda ae: ae.drop(columns="AETOXGR"), "Severity was not collected"),
        (lambda ae: put(ae, slice(None), AETOXGR=None), "Severity was not collected"),
        (
            lambda ae: put(ae, slice(None), AETOXGR=None, AESEV=ae["AETOXGR"].map(lambda g: "SEVERE" if int(g) > 2 else "MILD")),
            "A severe event",
        ),
    ],
    ids=["30 absent", "29 neither", "29 AESEV"],
)  # fmt: skip
def test_29_and_30_severity_as_it_was_collected(tmp_path, change, there):
    own = study(tmp_path, {"AE": change})
    found, reported, text = chapter(own)
    assert there in text
    assert "rade 3" not in text
    assert "Worst grade" not in text
    if "severe" in found.kinds:
        severe = demo_tables()["AE"].query("AETOXGR in ['3', '4', '5']")
        by_arm = own.adsl.set_index("USUBJID")["ACTARMCD"].loc[severe["USUBJID"].unique()].value_counts()
        assert [reported.row("severe", arm).events for arm in own.arms] == by_arm[own.arms].tolist()
        assert "Severe" in text
    assert "24 hours" not in text  # nobody recorded an hour
