"""The chapter on events: who is counted, what competes, and words, tables and figures from the same rows."""

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from esld.data.adam.adce import not_at_risk, observed_days
from esld.multiplicity import fixed_sequence, holm
from esld.report.events import (
    episodes,
    first_event_figure,
    first_event_table,
    first_event_words,
    first_events,
)
from esld.report.events.answer import answers
from esld.report.events.any_event import any_incidence_rows
from esld.report.events.first_events import COMPETING, EVENT
from esld.report.events.planned import Found, competing_words, gathered, members, planned_words, plans_of
from esld.report.phrases import reader_of
from esld.report.results import rows_of
from esld.report.words.catalogue import read_by
from esld.survival import gray, rate, rate_ratio
from tests.report.arms import with_arms
from tests.report.builders import LABELS, plain
from tests.report.drawing.test_figures import outside
from tests.report.other_trials import changed, setting, without_analysis

LEVEL = "95 %"
CUTS = ("demo-final", "demo-interim", "mayo-pbc")


def of_kind(own, room, kind, **changes):
    """The first planned analysis of a kind, changed, with what it finds; None where none is planned."""
    for plan in plans_of(own, kind)[:1]:
        plan = plan.model_copy(update=changes)
        results = {}
        for code in plan.endpoints:
            result = room.estimate(own, plan, code, conf_level=0.95)
            results[code] = (result, rows_of(f"x_{code}", result, analysis=plan.id, chapter="05"))
        return Found(plan, results)
    return None


@pytest.fixture(scope="module")
def first(study):
    """``first("demo-final")``: first events of every endpoint, with their rows."""
    return cache(lambda cut: of_kind(study(cut), first_events, "cumulative_incidence"))


@pytest.fixture(scope="module")
def every(study):
    """All episodes of the recurrent endpoints of a cut; None where none are counted."""
    return cache(lambda cut: of_kind(study(cut), episodes, "episodes"))


def numbers_outside_spans(html):
    return re.findall(r"\d+", re.sub(r"<span.*?</span>", "", html))


def cited(html):
    return re.findall(r'data-result="([^"]+)"', html)


@pytest.mark.parametrize("cut", CUTS)
def test_everybody_is_at_risk_or_had_it_before(cut, study, first):
    sizes = study(cut).randomised["ARMCD"].value_counts()
    for result, _ in first(cut).results.values():
        for arm, had in result.excluded.items():
            assert had + result.curves[arm].n == sizes[arm]


@pytest.mark.parametrize("cut", CUTS)
def test_first_events_are_those_of_adtte(cut, study, first):
    own = study(cut)
    for code, (result, reported) in first(cut).results.items():
        times = own.adtte[own.adtte["PARAMCD"].eq(code)]
        before = not_at_risk(own.protocol.endpoint(code), own.adlb)
        times = times[~times["USUBJID"].isin(before) & times["AVAL"].le(result.at)]
        for arm in own.arms:
            mine = times[times["ARMCD"].eq(arm)]
            assert reported.row("incidence", arm).events == mine["EVTYPE"].eq("EVENT").sum()
            assert reported.row("competing_incidence", arm).events == mine["EVTYPE"].eq("COMPETING").sum()


def test_mayo_ascites_by_hand(study, first):
    """Nobody is lost before 180 days in either arm by construction here: the estimate is then a plain share."""
    own = study("mayo-pbc")
    result, _ = of_kind(own, first_events, "cumulative_incidence", horizon_days=40).results["TTASC"]
    times = own.adtte[own.adtte["PARAMCD"].eq("TTASC")]
    times = times[~times["USUBJID"].isin(not_at_risk(own.protocol.endpoint("TTASC"), own.adlb))]
    for arm, curve in result.curves.items():
        mine = times[times["ARMCD"].eq(arm)]
        lost = (mine["EVTYPE"].isna() & mine["AVAL"].lt(40)).any()
        assert bool(result.lost[arm]) == lost
        share = (mine["EVTYPE"].eq("EVENT") & mine["AVAL"].le(40)).mean()
        if not lost:
            assert curve.estimate(40, EVENT).value == pytest.approx(share, abs=1e-12)


def test_where_nobody_was_lost_the_interval_is_exact(first):
    methods = {
        (arm, not result.lost[arm], reported.row("incidence", arm).method)
        for result, reported in first("demo-final").results.values()
        for arm in result.curves
    }
    assert {complete for _, complete, _ in methods} == {True, False}
    for _, complete, method in methods:
        assert (method == "clopper-pearson") == complete


def test_the_test_is_gray_s_of_those_at_risk(study, first):
    own = study("mayo-pbc")
    _, reported = first("mayo-pbc").results["TTASC"]
    times = own.adtte[own.adtte["PARAMCD"].eq("TTASC")]
    times = times[~times["USUBJID"].isin(not_at_risk(own.protocol.endpoint("TTASC"), own.adlb))]
    at = first("mayo-pbc").horizon
    state = (
        times["EVTYPE"].map({"EVENT": 1, "COMPETING": 2}).fillna(0).astype(int).where(times["AVAL"].le(at), 0)
    )
    expected = gray(times["AVAL"].clip(upper=at), state, times["ARMCD"], cause=1)
    assert reported.row("p_value").value == pytest.approx(expected.p_value, rel=1e-10)


def test_each_kind_and_any_of_them_have_a_difference_by_the_day_beside_their_test(study, first):
    """The estimand: the difference in cumulative incidence by a year. Bleeding 2 of 11 v 20 %, of whom one was lost before."""
    own = study("demo-final")
    plan = first("demo-final").plan
    together = rows_of("y", any_incidence_rows(own, plan, conf_level=0.95), analysis=plan.id, chapter="05")
    for _, reported in first("demo-final").results.values():
        low, high = (reported.row("incidence", arm) for arm in own.arms)
        gap = reported.row("incidence_difference", f"{own.arms[1]} v {own.arms[0]}")
        assert gap.value == pytest.approx(high.value - low.value)
        assert gap.upper == pytest.approx(
            gap.value + np.hypot(high.upper - high.value, low.value - low.lower)
        )
    table = first_event_table.table(first("demo-final"), together, id="x", level=LEVEL)
    gaps = table.frame[table.frame["Group"].eq("Difference (percentage points)")]
    assert gaps["Event"].tolist()[-1] == "Any of these"
    assert gaps["Incidence (95 % CI)"].tolist() == [
        "2 (\u221236 to 42)", "9 (\u221231 to 46)", "0 (\u221237 to 37)", "9 (\u221235 to 50)"
    ]  # fmt: skip
    assert gaps["p (Gray)"].tolist()[-1] == "" != gaps["p (Gray)"].tolist()[0]
    assert any("West Haven grade 2 or more" in note for note in table.footnotes)
    said = plain(first_event_words.difference_words(own, first("demo-final")))
    assert "gastrointestinal bleeding 2 (\u221236 to 42)" in said


@pytest.mark.parametrize("cut", CUTS[:2])
def test_rates_are_episodes_over_the_years_observed(cut, study, every):
    own = study(cut)
    ends = observed_days(own.adsl).clip(upper=365)
    arm_of = own.randomised.set_index("USUBJID")["ARMCD"]
    for code, (_, reported) in every(cut).results.items():
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


def test_the_mean_number_where_nobody_is_lost_is_episodes_by_patients_whoever_died(every):
    """Of the low-dose group nobody was lost by a year, and some died: the dead keep what they had."""
    checked = 0
    for result, reported in every("demo-final").results.values():
        for arm, (n, events, _) in result.counts.items():
            mean = result.means[arm]
            if mean.at([365])["n_risk"].iloc[0] + mean.deaths == n:
                checked += 1
                assert reported.row("mean_count", arm).value == pytest.approx(events / n)
    assert checked


@pytest.mark.parametrize("cut", CUTS)
def test_every_number_in_the_words_cites_a_row(cut, study, first, every):
    results, repeated = first(cut), every(cut)
    texts = [first_event_words.words(results), first_event_words.tested_words(study(cut), results)]
    texts += [episodes.words(repeated), episodes.ratio_words(repeated, level="")] if repeated else []
    found = [*results.results.values(), *(repeated.results.values() if repeated else ())]
    known = {row.result_id for _, reported in found for row in reported.rows}
    for text in texts:
        assert set(cited(text)) <= known
        assert numbers_outside_spans(text) == []
    assert len(cited(texts[0])) == 2 * sum(len(result.curves) for result, _ in results.results.values())


def test_words_of_the_demonstration(first):
    plain = re.sub(r"<[^>]+>", "", first_event_words.words(first("demo-final")))
    assert plain.startswith(
        "New events, or worse than at baseline, by one year after randomisation: gastrointestinal bleeding in 2 of 11 at risk"
    )
    assert "ascites in 2 of 11 at risk" in plain


@pytest.mark.parametrize("cut", CUTS)
def test_tables_say_what_the_rows_say(cut, study, first, every):
    results = first(cut)
    frame = first_event_table.table(results, id="x", level=LEVEL).frame
    for result, reported in results.results.values():
        block = frame[frame["Event"].eq(result.name)]
        assert block["Group"].tolist() == [
            *map(LABELS.get, result.prevalent),
            "Difference (percentage points)",
        ]
        for arm, had in result.prevalent.items():
            line = block[block["Group"].eq(LABELS[arm])].iloc[0]
            row = reported.row("incidence", arm)
            assert line["Present at baseline"] == (str(had) if result.endpoint.prevalent else "not recorded")
            assert (line["At risk"], line.iloc[4]) == (str(row.n), str(row.events))
    repeated = every(cut)
    if repeated:
        frame = episodes.table(study(cut), repeated, id="x", level=LEVEL).frame
        for result, _ in repeated.results.values():
            block = frame[frame["Event"].eq(result.name)].set_index("Group")
            for arm, (n, events, _) in result.counts.items():
                assert (block.loc[LABELS[arm], "Patients"], block.loc[LABELS[arm], "Episodes"]) == (
                    str(n),
                    str(events),
                )


def test_a_group_in_which_everybody_had_it_before(study, first):
    result, _ = first("demo-final").results["TTASC"]
    arm = next(iter(result.curves))
    alone = first_events.FirstEvents(
        result.endpoint,
        result.prevalent,
        result.excluded | {arm: 11},
        {a: c for a, c in result.curves.items() if a != arm},
        None,
        result.at,
        result.lost,
    )
    reported = rows_of("x", alone, analysis="DECOMP", chapter="05")
    found = replace(first("demo-final"), results={"TTASC": (alone, reported)})
    frame = first_event_table.table(found, id="x", level=LEVEL).frame
    line = frame[frame["Group"].eq(LABELS[arm])].iloc[0]
    assert (line["At risk"], line.iloc[4], line["Incidence (95 % CI)"]) == ("0", "", "")
    assert (frame.iloc[-1]["Incidence (95 % CI)"], frame.iloc[-1]["p (Gray)"]) == ("NE", "NE")
    said = first_event_words.tested_words(study("demo-final"), found)
    assert said.startswith("No event happened while the groups")


def named(axes):
    """The lines of the arms, without those that bound their bands."""
    return [line for line in axes.get_lines() if not line.get_label().startswith("_")]


@pytest.mark.parametrize("cut", CUTS)
def test_figures_draw_the_curves(cut, study, first, every):
    own, results = study(cut), first(cut).results
    picture = first_event_figure.figure(own, first(cut), id="x", ticks=[0, 180, 365])
    panels = picture.figure.axes[: len(results)]
    for axes, (result, _) in zip(panels, results.values(), strict=True):
        assert axes.get_title(loc="left") == result.name
        for line, curve in zip(named(axes), result.curves.values(), strict=True):
            step = curve.step()
            own_step = step[step["cause"].eq(EVENT)]
            np.testing.assert_array_equal(line.get_xdata(orig=True), own_step["time"])
            np.testing.assert_array_equal(line.get_ydata(orig=True), own_step["incidence"])
    below = picture.figure.axes[len(results)]
    numbers = [int(text.get_text()) for text in below.texts]
    curve = next(iter(next(iter(results.values()))[0].curves.values()))
    assert numbers[:3] == curve.counts([0, 180, 365]).query("cause == @EVENT")["n_risk"].tolist()
    if every(cut):
        picture = episodes.figure(own, every(cut), id="x", ticks=[0, 180, 365])
        axes = picture.figure.axes[0]
        result = next(iter(every(cut).results.values()))[0]
        for line, mean in zip(named(axes), result.means.values(), strict=True):
            np.testing.assert_array_equal(line.get_ydata(orig=True), mean.step()["mean"])


def test_incidences_and_freedom_from_both_add_up(first):
    for result, _ in first("mayo-pbc").results.values():
        for curve in result.curves.values():
            at = curve.at([200, 900])
            total = at.groupby("time")["incidence"].sum().to_numpy()
            free = curve.survival[np.searchsorted(curve.times, [200, 900], side="right") - 1]
            np.testing.assert_allclose(total + free, 1)
            assert set(at["cause"]) == {EVENT, COMPETING}


def test_the_study_is_not_modified(study):
    own = study("demo-final")
    before = own.adtte.copy(), own.adce.copy(), own.adsl.copy()
    of_kind(own, first_events, "cumulative_incidence")
    of_kind(own, episodes, "episodes")
    for now, then in zip((own.adtte, own.adce, own.adsl), before, strict=True):
        pd.testing.assert_frame_equal(now, then)


# --- other trials ----------------------------------------------------------------------------------------------


def test_of_three_arms_each_is_compared_with_the_control(study):
    """Gray's test of a pair is that of its patients alone, the ratio of rates that of its counts; one more test is of all."""
    own = with_arms(study("demo-final"), 3)
    result, reported = of_kind(own, first_events, "cumulative_incidence").results["TTGIB"]
    times = own.adtte[own.adtte["PARAMCD"].eq("TTGIB")]
    state = (
        times["EVTYPE"]
        .map({"EVENT": 1, "COMPETING": 2})
        .fillna(0)
        .astype(int)
        .where(times["AVAL"].le(365), 0)
    )
    times = times.assign(AVAL=times["AVAL"].clip(upper=365))
    wanted = {"": ["PBO", "LO", "MID"], "LO v PBO": ["PBO", "LO"], "MID v PBO": ["PBO", "MID"]}
    found = {row.arm: row.value for row in reported.rows if row.statistic == "p_value"}
    assert list(found) == list(wanted)
    for group, arms in wanted.items():
        inside = times["ARMCD"].isin(arms)
        expected = gray(times["AVAL"][inside], state[inside], times["ARMCD"][inside], cause=1)
        assert found[group] == pytest.approx(expected.p_value, rel=1e-10)
    result, reported = of_kind(own, episodes, "episodes").results["TTASC"]
    assert [row.arm for row in reported.rows if row.statistic == "rate_ratio"] == ["LO / PBO", "MID / PBO"]
    for control, arm in own.pairs:
        (_, x1, t1), (_, x2, t2) = result.counts[control], result.counts[arm]
        row = reported.row("rate_ratio", f"{arm} / {control}")
        assert row.value == pytest.approx(rate_ratio(x2, t2, x1, t1).value, rel=1e-10)


@pytest.mark.parametrize(
    ("rule", "adjust"), [("none", None), ("holm", holm), ("fixed sequence", fixed_sequence)]
)
def test_comparisons_share_their_error_as_the_protocol_says(study, rule, adjust):
    own = with_arms(study("demo-final"), 3)
    own = replace(own, protocol=changed(own.protocol, setting(rule, "multiplicity")))
    found = of_kind(own, first_events, "cumulative_incidence")
    _, reported = found.results["TTGIB"]
    each = [reported.row("p_value", f"{arm} v PBO").value for arm in ("LO", "MID")]
    adjusted = [row.value for row in reported.rows if row.statistic == "p_value_adjusted"]
    assert adjusted == (pytest.approx(adjust(each)) if adjust else [])
    said = first_event_words.tested_words(own, found)
    assert ("(adjusted p " in plain(said)) == bool(adjust)
    assert ("stands for itself" in said) == (not adjust)
    assert not numbers_outside_spans(said.replace("error of 5 %", ""))


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_words_tables_and_figures_of_any_number_of_arms(study, number):
    own = with_arms(study("demo-final"), number)
    first, every = (
        of_kind(own, *how) for how in ((first_events, "cumulative_incidence"), (episodes, "episodes"))
    )
    with read_by(reader_of(own)):
        table = first_event_table.table(first, id="x", level=LEVEL).frame
        lines = {1: 0, 2: 1}.get(number, number)  # of tests: none, one, or one of all and one a pair
        assert len(table) == 3 * (number + lines)
        assert len(episodes.table(own, every, id="x", level=LEVEL).frame) == 3 * (2 * number - 1)
        if number > 1:
            said = plain(first_event_words.tested_words(own, first))
            assert said.count("against the placebo group") == (3 * (number - 1) if number > 2 else 0)
        for picture in (
            first_event_figure.figure(own, first, id="x", ticks=[]),
            episodes.figure(own, every, id="x", ticks=[]),
        ):
            (legend,) = picture.figure.legends
            assert len(legend.get_texts()) == number
            assert not outside(picture)


def test_what_competes_is_what_the_protocol_says(study):
    own = study("demo-final").protocol
    assert competing_words([own.endpoint("TTGIB")]) == "death or liver transplantation"
    alone = own.endpoint("TTGIB").model_copy(update={"competing": own.endpoint("TTGIB").competing[:1]})
    assert competing_words([alone]) == "death"
    assert competing_words([own.endpoint("OS")]) == ""


def test_a_good_event_is_no_risk(study):
    own = study("demo-final")
    place = [e.paramcd for e in own.protocol.endpoints].index("TTGIB")
    trial = changed(own.protocol, setting("earlier", "endpoints", place, "better"))
    found = of_kind(replace(own, protocol=trial), first_events, "cumulative_incidence", endpoints=("TTGIB",))
    assert "risk" not in plain(first_event_words.words(found))
    table = first_event_table.table(found, id="x", level=LEVEL)
    assert "Without it so far" in table.frame
    assert (
        "Present at baseline" not in table.frame
    )  # the protocol says of nobody that he or she had it before
    picture = first_event_figure.figure(own, found, id="x", ticks=[])
    assert "At risk" not in [axes.get_title() for axes in picture.figure.axes]


def test_many_conditions_stand_in_rows_of_three(study):
    own = study("demo-final")
    found = of_kind(own, first_events, "cumulative_incidence")
    codes = dict(zip("ABCDE", [*found.results.values()] * 2, strict=False))
    renamed = {
        code: (replace(one, endpoint=one.endpoint.model_copy(update={"param": f"Condition {code}"})), rows)
        for code, (one, rows) in codes.items()
    }
    picture = first_event_figure.figure(own, replace(found, results=renamed), id="x", ticks=[])
    shown = [axes.get_title(loc="left") for axes in picture.figure.axes if axes.get_visible()]
    assert [title for title in shown if title.startswith("Condition")] == [f"Condition {c}" for c in "ABCDE"]
    assert not outside(picture)


def planned_twice(own):
    """A second analysis of first events, within half a year, and one beside the first in the safety set."""

    def change(content):
        plans = content["analyses"]
        one = next(plan for plan in plans if plan.get("kind") == "cumulative_incidence")
        half = dict(one) | {"id": "HALF", "title": "Within half a year", "horizon_days": 182.0}
        treated = dict(one) | {
            "id": "TREATED",
            "title": "Of the treated",
            "of": one["id"],
            "analysis_set": "SAFFL",
        }
        content["analyses"] = [*plans, half, treated | {"role": "sensitivity"}]

    return replace(own, protocol=changed(own.protocol, change))


def test_any_number_of_analyses_each_with_its_title_horizon_and_set(study):
    own = planned_twice(study("demo-final"))
    plans = plans_of(own, "cumulative_incidence")
    assert [plan.id for plan in plans] == ["DECOMP", "TREATED", "HALF"]
    assert len(members(own, plans[1])) == 21
    found = [gathered(own, plan, of_kind(own, first_events, "episodes").results) for plan in plans]
    assert [one.alone for one in found] == [False] * 3
    said = plain(first_event_words.words(found[2]))
    assert said.startswith("Within half a year: New events, or worse than at baseline, by 26 weeks")
    title = first_event_table.table(found[1], id="x", level=LEVEL).title
    assert title == "Of the treated: New or worse event by one year after randomisation"
    assert [text.split(":")[0] for text in planned_words(own)] == [
        "New or further decompensation within one year",
        "Of the treated",
        "Within half a year",
        "All episodes of hepatic decompensation",
    ]
    result = first_events.estimate(own, plans[1], "TTGIB", conf_level=0.95)
    assert sum(curve.n for curve in result.curves.values()) == 21


def test_the_primary_analysis_leads_the_answer(study):
    own = study("demo-final")

    def change(content):
        for plan in content["analyses"]:
            roles = {"OS-1Y": "secondary", "DECOMP-RATE": "primary"}
            plan["role"] = roles.get(plan["id"], plan["role"])

    led = replace(own, protocol=changed(own.protocol, change))
    first, every = (
        gathered(led, plan, of_kind(led, room, kind).results)
        for room, kind in ((first_events, "cumulative_incidence"), (episodes, "episodes"))
        for plan in plans_of(led, kind)
    )
    lead, then = map(plain, answers(led, [first], [every], level=LEVEL))
    assert lead.startswith("All episodes within one year")
    assert "The rate of ascites with the medium-high dose was 1.05 times that with the low dose" in lead
    assert then.startswith("New events, or worse than at baseline, by one year")
    (alone,) = answers(own, [gathered(own, first.plan, first.results)], [], level=LEVEL)
    assert plain(alone) == then


def test_a_trial_that_plans_no_such_analysis_is_told_so(study):
    own = study("mayo-pbc")
    bare = replace(own, protocol=changed(own.protocol, without_analysis("DECOMP")))
    (said,) = answers(bare, [], [], level=LEVEL)
    assert [said] == planned_words(bare)
    assert said == "The protocol file lists no analysis of first events, and none of episodes."
