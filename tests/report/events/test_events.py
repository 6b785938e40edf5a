"""The decompensation chapter: who is counted, what competes, and words, tables and figures from the same rows."""

import re

import numpy as np
import pandas as pd
import pytest

from esld.data.adam.adce import observed_days, prevalent_subjects
from esld.report.events import episodes, first_events
from esld.report.events.first_events import COMPETING, EVENT
from esld.report.needs import UnmetNeedError
from esld.report.results import rows_of
from esld.survival import gray, rate, rate_ratio
from tests.report.builders import LABELS

LEVEL = "95 %"
CUTS = ("demo-final", "demo-interim", "mayo-pbc")


@pytest.fixture(scope="module")
def first(study):
    """``first("demo-final")``: first events of every endpoint, with their rows."""

    def get(cut):
        own = study(cut)
        planned = own.protocol.analysis("DECOMP")
        found = {}
        for code in planned.endpoints:
            result = first_events.estimate(own, code, at=planned.horizon_days, conf_level=0.95)
            found[code] = (result, rows_of(f"first_{code}", result, analysis="DECOMP", chapter="05"))
        return found

    return get


@pytest.fixture(scope="module")
def every(study):
    """All episodes of the recurrent endpoints of a cut."""

    def get(cut):
        own = study(cut)
        planned = own.protocol.analysis("DECOMP")
        found = {}
        for code in (code for code in planned.endpoints if own.protocol.endpoint(code).recurrent):
            result = episodes.estimate(own, code, at=planned.horizon_days, conf_level=0.95)
            found[code] = (result, rows_of(f"episodes_{code}", result, analysis="DECOMP-RATE", chapter="05"))
        return found

    return get


def numbers_outside_spans(html):
    return re.findall(r"\d+", re.sub(r"<span.*?</span>", "", html))


def cited(html):
    return re.findall(r'data-result="([^"]+)"', html)


@pytest.mark.parametrize("cut", CUTS)
def test_everybody_is_at_risk_or_had_it_before(cut, study, first):
    sizes = study(cut).randomised["ARMCD"].value_counts()
    for result, _ in first(cut).values():
        for arm, had in result.prevalent.items():
            assert had + result.curves[arm].n == sizes[arm]


@pytest.mark.parametrize("cut", CUTS)
def test_first_events_are_those_of_adtte(cut, study, first):
    own = study(cut)
    for code, (result, reported) in first(cut).items():
        times = own.adtte[own.adtte["PARAMCD"].eq(code)]
        before = prevalent_subjects(own.protocol.endpoint(code), own.adlb)
        times = times[~times["USUBJID"].isin(before) & times["AVAL"].le(result.at)]
        for arm in own.arms:
            mine = times[times["ARMCD"].eq(arm)]
            assert reported.row("incidence", arm).events == mine["EVTYPE"].eq("EVENT").sum()
            assert reported.row("competing_incidence", arm).events == mine["EVTYPE"].eq("COMPETING").sum()


def test_mayo_ascites_by_hand(study, first):
    """Nobody is lost before 180 days in either arm by construction here: the estimate is then a plain share."""
    own = study("mayo-pbc")
    result = first_events.estimate(own, "TTASC", at=40, conf_level=0.95)
    times = own.adtte[own.adtte["PARAMCD"].eq("TTASC")]
    times = times[~times["USUBJID"].isin(prevalent_subjects(own.protocol.endpoint("TTASC"), own.adlb))]
    for arm, curve in result.curves.items():
        mine = times[times["ARMCD"].eq(arm)]
        lost = (mine["EVTYPE"].isna() & mine["AVAL"].lt(40)).any()
        assert result.complete[arm] == (not lost)
        share = (mine["EVTYPE"].eq("EVENT") & mine["AVAL"].le(40)).mean()
        if not lost:
            assert curve.estimate(40, EVENT).value == pytest.approx(share, abs=1e-12)


def test_where_nobody_was_lost_the_interval_is_exact(first):
    methods = {
        (arm, result.complete[arm], reported.row("incidence", arm).method)
        for result, reported in first("demo-final").values()
        for arm in result.curves
    }
    assert {complete for _, complete, _ in methods} == {True, False}
    for _, complete, method in methods:
        assert (method == "clopper-pearson") == complete


def test_the_test_is_gray_s_of_those_at_risk(study, first):
    own = study("mayo-pbc")
    _, reported = first("mayo-pbc")["TTASC"]
    times = own.adtte[own.adtte["PARAMCD"].eq("TTASC")]
    times = times[~times["USUBJID"].isin(prevalent_subjects(own.protocol.endpoint("TTASC"), own.adlb))]
    state = times["EVTYPE"].map({"EVENT": 1, "COMPETING": 2}).fillna(0).astype(int)
    expected = gray(times["AVAL"], state, times["ARMCD"], cause=1)
    assert reported.row("p_value").value == pytest.approx(expected.p_value, rel=1e-10)


@pytest.mark.parametrize("cut", CUTS[:2])
def test_rates_are_episodes_over_the_years_observed(cut, study, every):
    own = study(cut)
    ends = observed_days(own.adsl).clip(upper=365)
    arm_of = own.randomised.set_index("USUBJID")["ARMCD"]
    for code, (_, reported) in every(cut).items():
        rows = own.adce[own.adce["PARAMCD"].eq(code) & own.adce["ANL01FL"].eq("Y") & own.adce["AVAL"].le(365)]
        counts = {}
        for arm in own.arms:
            years = ends[arm_of.eq(arm)].sum() / 365.25
            counts[arm] = (int(rows["ARMCD"].eq(arm).sum()), years)
            expected = rate(*counts[arm])
            row = reported.row("rate", arm)
            assert (row.events, row.value, row.upper) == (
                counts[arm][0],
                pytest.approx(expected.value, rel=1e-10),
                pytest.approx(expected.upper, rel=1e-10),
            )
        low, high = counts.values()
        assert reported.row("rate_ratio").value == pytest.approx(rate_ratio(*high, *low).value, rel=1e-10)


def test_the_mean_number_without_loss_is_episodes_a_patient(every):
    for result, reported in every("demo-final").values():
        for arm, (n, events, _) in result.counts.items():
            mean = result.means[arm]
            if mean.at([365])["n_risk"].iloc[0] == n:
                assert reported.row("mean_count", arm).value == pytest.approx(events / n)


def test_a_trial_without_episodes_has_none(study):
    own = study("mayo-pbc")
    with pytest.raises(UnmetNeedError, match="do not record single episodes"):
        episodes.recurrent(own, own.protocol.analysis("DECOMP").endpoints)


@pytest.mark.parametrize("cut", CUTS)
def test_every_number_in_the_words_cites_a_row(cut, study, first, every):
    results, repeated = first(cut), every(cut)
    texts = [first_events.words(results), first_events.tested_words(study(cut), results)]
    texts += [episodes.words(repeated)] if repeated else []
    known = {row.result_id for _, reported in (results | repeated).values() for row in reported.rows}
    known |= {row.result_id for _, reported in repeated.values() for row in reported.rows}
    known |= {row.result_id for _, reported in results.values() for row in reported.rows}
    for text in texts:
        assert set(cited(text)) <= known
        assert numbers_outside_spans(text) == []
    assert len(cited(texts[0])) == 2 * sum(len(result.curves) for result, _ in results.values())


def test_words_of_the_demonstration(first):
    plain = re.sub(r"<[^>]+>", "", first_events.words(first("demo-final")))
    assert plain.startswith(
        "First events by one year after randomisation: gastrointestinal bleeding in 2 of 11 at risk in the low-dose group"
    )
    assert "ascites in 1 of 5 at risk" in plain


@pytest.mark.parametrize("cut", CUTS)
def test_tables_say_what_the_rows_say(cut, first, every):
    results = first(cut)
    frame = first_events.table(results, level=LEVEL).frame
    for result, reported in results.values():
        block = frame[frame["Event"].eq(result.name)]
        assert block["Group"].tolist() == [*map(LABELS.get, result.prevalent), "Gray's test, p"]
        for arm, had in result.prevalent.items():
            line = block[block["Group"].eq(LABELS[arm])].iloc[0]
            row = reported.row("incidence", arm)
            assert line["Had it at baseline"] == str(had)
            assert (line["At risk"], line.iloc[4]) == (str(row.n), str(row.events))
    repeated = every(cut)
    if repeated:
        frame = episodes.table(repeated, level=LEVEL).frame
        for result, _ in repeated.values():
            block = frame[frame["Event"].eq(result.name)].set_index("Group")
            for arm, (n, events, _) in result.counts.items():
                assert (block.loc[LABELS[arm], "Patients"], block.loc[LABELS[arm], "Episodes"]) == (
                    str(n),
                    str(events),
                )


def test_a_group_in_which_everybody_had_it_before(study, first):
    result, _ = first("demo-final")["TTASC"]
    arm = next(iter(result.curves))
    alone = first_events.FirstEvents(
        result.name,
        result.prevalent,
        {a: c for a, c in result.curves.items() if a != arm},
        None,
        result.at,
        result.complete,
    )
    reported = rows_of("x", alone, analysis="DECOMP", chapter="05")
    frame = first_events.table({"TTASC": (alone, reported)}, level=LEVEL).frame
    line = frame[frame["Group"].eq(LABELS[arm])].iloc[0]
    assert (line["At risk"], line.iloc[4], line.iloc[5]) == ("0", "", "")
    assert frame.iloc[-1, 5] == "NE"
    said = first_events.tested_words(study("demo-final"), {"TTASC": (alone, reported)})
    assert said.startswith("No event happened while both")


@pytest.mark.parametrize("cut", CUTS)
def test_figures_draw_the_curves(cut, study, first, every):
    own, results = study(cut), first(cut)
    picture = first_events.figure(own, results, ticks=[0, 180, 365])
    panels = picture.figure.axes[: len(results)]
    for axes, (result, _) in zip(panels, results.values(), strict=True):
        assert axes.get_title(loc="left") == result.name
        for line, curve in zip(axes.get_lines(), result.curves.values(), strict=True):
            step = curve.step()
            own_step = step[step["cause"].eq(EVENT)]
            np.testing.assert_array_equal(line.get_xdata(orig=True), own_step["time"])
            np.testing.assert_array_equal(line.get_ydata(orig=True), own_step["incidence"])
    below = picture.figure.axes[len(results)]
    numbers = [int(text.get_text()) for text in below.texts]
    curve = next(iter(next(iter(results.values()))[0].curves.values()))
    assert numbers[:3] == curve.counts([0, 180, 365]).query("cause == @EVENT")["n_risk"].tolist()
    if every(cut):
        picture = episodes.figure(own, every(cut), ticks=[0, 180, 365])
        axes = picture.figure.axes[0]
        result = next(iter(every(cut).values()))[0]
        for line, mean in zip(axes.get_lines(), result.means.values(), strict=True):
            np.testing.assert_array_equal(line.get_ydata(orig=True), mean.step()["mean"])


def test_incidences_and_freedom_from_both_add_up(first):
    for result, _ in first("mayo-pbc").values():
        for curve in result.curves.values():
            at = curve.at([200, 900])
            total = at.groupby("time")["incidence"].sum().to_numpy()
            free = curve.survival[np.searchsorted(curve.times, [200, 900], side="right") - 1]
            np.testing.assert_allclose(total + free, 1)
            assert set(at["cause"]) == {EVENT, COMPETING}


def test_the_study_is_not_modified(study):
    own = study("demo-final")
    before = own.adtte.copy(), own.adce.copy(), own.adsl.copy()
    first_events.estimate(own, "TTASC", at=365, conf_level=0.95)
    episodes.estimate(own, "TTASC", at=365, conf_level=0.95)
    for now, then in zip((own.adtte, own.adce, own.adsl), before, strict=True):
        pd.testing.assert_frame_equal(now, then)
