"""Events soon after an infusion and later, deaths of the liver, and one event on two forms, against the raw tables."""

from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.report.phrases import reader_of
from esld.report.results import rows_of
from esld.report.safety import adverse_events, after_administration, counted, laboratory, liver_deaths
from esld.report.serious import since_last
from esld.report.words.catalogue import read_by
from tests.report.builders import HIGH, LOW, plain
from tests.report.in_process import cut_at
from tests.report.recount import first_infusion, raw, since_infusion, treated
from tests.report.safety import any_trial

ARMS = (LOW, HIGH)


@pytest.fixture(scope="module")
def own():
    return cut_at("2026-03-31")


@pytest.fixture(scope="module")
def group(own):
    return counted.safety_set(own)


@pytest.fixture(scope="module")
def events(own, group):
    return adverse_events.adverse_events(own, group, conf_level=0.95)


def handed(frame):
    return rows_of("x", frame, analysis="SAFETY", chapter="06_safety")


def gaps(table, date):
    """Each event with the days since the last infusion before it."""
    frame, ex = since_infusion(raw(table), date), raw("ex")
    last = [
        ex.loc[ex["USUBJID"].eq(who) & (ex["EXSTDTC"].str[:10] <= day[:10]), "EXSTDTC"].max()[:10]
        for who, day in zip(frame["USUBJID"], frame[date], strict=True)
    ]
    return frame.assign(
        GAP=(pd.to_datetime(frame[date].str[:10]) - pd.to_datetime(pd.Series(last, frame.index))).dt.days
    )


def test_events_up_to_30_days_after_an_infusion_and_later(own, events):
    reported = handed(after_administration.period_rows(own, events))
    ae, ce = gaps("ae", "AESTDTC"), gaps("ce", "CESTDTC")
    kinds = {"serious": ae[ae["AESER"].eq("Y")]}
    names = {"TTGIB": "GASTROINTESTINAL BLEEDING", "TTASC": "ASCITES", "TTHE": "HEPATIC ENCEPHALOPATHY"}
    kinds |= {code: ce[ce["CEDECOD"].eq(name)] for code, name in names.items()}
    for kind, frame in kinds.items():
        for arm in ARMS:
            mine = frame[frame["ARM"].eq(arm)]
            for period, chosen in (("soon", mine[mine["GAP"] <= 30]), ("later", mine[mine["GAP"] > 30])):
                row = reported.row(f"{kind}.{period}", arm)
                assert (row.events, row.n) == (chosen["USUBJID"].nunique(), treated().eq(arm).sum())
                assert reported.row(f"{kind}.{period}.events", arm).value == len(chosen)
    soon = ce[ce["GAP"] <= 30]
    assert (len(soon), soon["USUBJID"].nunique()) == (6, 5)
    table = after_administration.period_table(own, events, reported)
    assert "No cause is proved" in " ".join(table.footnotes)


DAYS = st.lists(st.tuples(st.sampled_from("PQ"), st.integers(0, 120)), max_size=6)


def dated(days):
    first = pd.Timestamp("2025-01-01")
    rows = [(who, first + pd.Timedelta(days=day)) for who, day in days]
    return pd.DataFrame(rows, columns=["USUBJID", "ADT"]).astype({"ADT": "datetime64[ns]"})


@given(given_on=DAYS, events_on=DAYS)
def test_whatever_was_given_each_event_has_its_last(given_on, events_on):
    """Of deaths of the liver and the values before them too, which are counted in the same way."""
    last = since_last(dated(given_on), dated(events_on)).tolist()
    for (who, day), gap in zip(events_on, last, strict=True):
        before = [day - other for own, other in given_on if own == who and other <= day]
        assert gap == min(before) if before else pd.isna(gap)


@given(given_on=DAYS, events_on=DAYS, observed=st.tuples(st.integers(0, 500), st.integers(0, 500)))
def test_of_whom_a_period_tells_are_those_observed_in_it(given_on, events_on, observed):
    """However long each was followed: no share is of somebody who was not seen then, and no rate of less than a year."""
    days = dict(zip("PQ", observed, strict=True))
    first = pd.Timestamp("2025-01-01")
    group = SimpleNamespace(
        arms=("A",), group_of=pd.Series({"P": "A", "Q": "A"}), began=pd.Series({"P": first, "Q": first})
    )
    events = dated([(who, day) for who, day in events_on if day < days[who]]).assign(
        GROUP="A", kind="serious"
    )
    found = SimpleNamespace(group=group, given=dated([("P", 0), ("Q", 0), *given_on]), conf_level=0.95)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(after_administration, "days_observed", lambda _: days)
        patch.setattr(after_administration, "_events", lambda *_: events)
        patch.setattr(after_administration, "kinds", lambda *_: {"serious": "Serious"})
        rows = handed(after_administration.period_rows(None, found))
    gave = [(who, 0) for who in "PQ"] + given_on
    soon = {
        w: {d for d in range(days[w]) if any(w == o and 0 <= d - on <= 30 for o, on in gave)} for w in "PQ"
    }
    for period, there in (("soon", soon), ("later", {w: {*range(days[w])} - soon[w] for w in "PQ"})):
        row, time = rows.row(f"serious.{period}", "A"), sum(map(len, there.values()))
        assert row.n == sum(map(bool, there.values()))
        assert (row.value is None) == (row.n == 0) == (rows.find(f"serious.{period}.events", "A") is None)
        rate = rows.find(f"serious.{period}.rate", "A")
        assert (rate is None) == (time == 0)
        if rate:
            assert rate.value == (pytest.approx(rate.events / time * 365.25) if time > 365 else None)


def test_the_time_in_both_halves_is_all_the_time(own, group, events):
    """Rates are events over the time there: three infusions a month apart, and 31 days for the last one."""
    days_of = after_administration._days(group, events.given)
    for arm in ARMS:
        own = days_of.loc[days_of["GROUP"].eq(arm), ["soon", "later"]]
        assert own.sum().sum() / 365.25 == pytest.approx(events.years[arm])
    ex = raw("ex")
    last = pd.to_datetime(ex.groupby("USUBJID")["EXSTDTC"].max().str[:10])
    days = (last - first_infusion().reindex(last.index)).dt.days + 31
    of = treated().reindex(days.index)
    for arm in ARMS:
        assert days_of.loc[days_of["GROUP"].eq(arm), "soon"].sum() == pytest.approx(
            days[of.eq(arm)].sum(), abs=2
        )


def test_one_event_on_both_forms_counts_once(events):
    """021 bled on 2025-06-20: AE 3, serious, and CE 2."""
    low = [len(events.of_kind(kind, LOW)) for kind in ("serious", "clinical", "serious_or_clinical")]
    high = [len(events.of_kind(kind, HIGH)) for kind in ("serious", "clinical", "serious_or_clinical")]
    assert low[2] == low[0] + low[1] - 1
    assert high[2] == high[0] + high[1]


def test_deaths_of_the_liver_are_told_with_the_days_since_the_last_values(own, group):
    found = liver_deaths.liver_deaths(own, group)
    reported = handed(liver_deaths.liver_death_rows(found, group))
    lb, ae = raw("lb"), raw("ae")
    lb = lb[lb["LBTESTCD"].isin(["ALT", "AST", "BILI"])]
    for who, gap in (("006", 41), ("012", 18)):
        onset = ae.loc[ae["USUBJID"].str.endswith(who) & ae["AEDECOD"].eq("Hepatic failure"), "AESTDTC"].iloc[
            0
        ]
        last = lb.loc[lb["USUBJID"].str.endswith(who) & (lb["LBDTC"].str[:10] <= onset), "LBDTC"].max()[:10]
        assert (pd.Timestamp(onset) - pd.Timestamp(last)).days == gap
        assert reported.row("gap", f"NCT06167473-{who}").value == gap
    with read_by(reader_of(own)):
        said = plain(liver_deaths.liver_death_words(found, reported))
    assert "the bile ducts: 1 in the low-dose group and 1 in the medium-high-dose group" in said
    assert "NCT06167473-012 (Hepatic failure), 18 days before" in said


def test_a_masked_view_counts_them_and_names_nobody():
    own = cut_at("2026-03-31", "masked")
    group = counted.safety_set(own)
    found = liver_deaths.liver_deaths(own, group)
    reported = handed(liver_deaths.liver_death_rows(found, group))
    assert {row.statistic for row in reported.rows} == {"liver_deaths"}
    with read_by(reader_of(own)):
        assert "NCT06167473-" not in liver_deaths.liver_death_words(found, reported)


def test_a_shift_from_grade_3_to_4_is_worse_and_said(own, group):
    """Bilirubin of 021 and 003 rose from grade 3 to 4, of one other from 2 or lower to 3."""
    grades = laboratory.shifts(own, group)
    reported = handed(laboratory.shift_rows(grades, conf_level=0.95))
    counts = {
        what: [reported.row(f"BILI.{what}", arm).events for arm in ARMS]
        for what in ("newly_severe", "3_then_4", "newly_4")
    }
    assert counts == {"newly_severe": [0, 1], "3_then_4": [1, 1], "newly_4": [1, 1]}
    with read_by(reader_of(own)):
        said = plain(laboratory.shift_words(own, grades, reported))
    assert "From grade 3 at baseline to grade 4: total bilirubin in 1 of 10" in said


@pytest.mark.parametrize("serious", [0, 1, 2])
def test_a_trial_without_clinical_events_or_reactions_is_told_without_a_warning(serious):
    """Warnings are errors here; pandas has one for what holds nothing and is put under something."""
    protocol = any_trial.trial(regimen="administrations")
    events = [any_trial.ae(f"{arm}-1", 2, AESER="Y") for arm in ("P", "T1")[:serious]]
    own = any_trial.study(protocol, AE=events or [any_trial.ae("P-1", 2, AESER="N")])
    found = adverse_events.adverse_events(own, counted.safety_set(own), conf_level=0.95)
    rows = after_administration.period_rows(own, found)
    counts = rows[rows["statistic"].isin(["serious.soon.events", "serious.later.events"])]
    assert counts["value"].sum() == serious
    table = after_administration.period_table(own, found, handed(rows))
    assert len(table.rows) == len(found.group.arms)  # without any event too: a heading stands above it
