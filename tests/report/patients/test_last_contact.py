"""Days since the last contact of who is still under observation, against the raw tables."""

import pandas as pd
import pytest

from esld.report.needs import UnmetNeedError
from esld.report.patients.courses import courses
from esld.report.patients.last_contact import last_contact_table
from tests.report.in_process import cut_at
from tests.report.recount import arms, raw

CUTOFF = "2025-06-30"


def table(cutoff: str, view: str = "unblinded"):
    study = cut_at(cutoff, view)
    return last_contact_table(study, courses(study, ()))


def test_of_each_patient_under_observation_the_silence_up_to_the_cut_off():
    ds = raw("ds")
    over = ds[ds["DSCAT"].eq("DISPOSITION EVENT") & (ds["DSSTDTC"] <= CUTOFF)]
    dead = raw("dm").set_index("USUBJID")["DTHDTC"]
    own = set(arms().index) - set(over["USUBJID"]) - set(dead[dead <= CUTOFF].index)
    frame = table(CUTOFF).frame
    assert sorted(frame["Patient"]) == sorted(who[-3:] for who in own)
    visits = pd.concat(
        raw(form)[["USUBJID", f"{form.upper()}DTC"]].set_axis(["who", "day"], axis=1)
        for form in ("lb", "rs", "vs")
    )
    last = visits[visits["day"] <= CUTOFF].groupby("who")["day"].max()
    for row in frame.to_dict("records"):
        assert row["Last contact"] >= last[f"NCT06167473-{row['Patient']}"]
        silent = (pd.Timestamp(CUTOFF) - pd.Timestamp(row["Last contact"])).days
        assert int(row["Days since then"]) == silent >= 0
    assert (
        frame["Days since then"].astype(int).max() == 151
    )  # 016, whose week 24 was the last that was seen of it


def test_the_next_visit_is_one_without_a_record_whose_days_are_not_over():
    """By the days after the first infusion that the file gives; after randomisation for 019, who was never infused."""
    frame, ex, lb, ds = table(CUTOFF).frame.set_index("Patient"), raw("ex"), raw("lb"), raw("ds")
    randomised = ds[ds["DSDECOD"].eq("RANDOMIZED")].set_index("USUBJID")["DSSTDTC"]
    first = ex.groupby("USUBJID")["EXSTDTC"].min().combine_first(randomised)
    seen = lb[lb["LBDTC"] <= CUTOFF].groupby("USUBJID")["VISIT"].agg(lambda names: set(names.str.upper()))
    told = frame["Next visit"][frame["Next visit"].ne("")]
    assert len(told) == 8
    for who, said in told.items():
        visit, _, days = said.partition(", ")
        assert visit == "Week 48" and visit.upper() not in seen[f"NCT06167473-{who}"]
        start = pd.Timestamp(first[f"NCT06167473-{who}"]) + pd.Timedelta(weeks=48)
        bounds = (f"{start + pd.Timedelta(days=by):%Y-%m-%d}" for by in (-14, 14))
        assert days == "{} to {} (assumed)".format(*bounds)


def test_a_blinded_view_tells_no_group_and_a_masked_one_nobody():
    assert "Group" not in table(CUTOFF, "blinded").frame
    with pytest.raises(UnmetNeedError, match="masked view"):
        table(CUTOFF, "masked")


def test_when_all_is_over_it_is_one_sentence():
    assert table("2026-03-31").html == "Nobody is under observation any more."
