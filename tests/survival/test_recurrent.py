"""Mean cumulative function: closed form, R survival 3.5-3, invariance, control flow."""

from math import exp, inf, isnan, nan, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.longform import COLUMNS
from esld.reasons import Why, because
from esld.survival import kaplan_meier
from esld.survival.counting_process import counting_process
from esld.survival.recurrent import mean_cumulative_function

Z = 1.959963984540054

# Each subject: days of events, end of follow-up, whether it is a death. Events after the end are dropped.
SUBJECTS = st.lists(
    st.tuples(st.lists(st.integers(1, 12), max_size=4), st.integers(0, 12), st.booleans()),
    min_size=1,
    max_size=12,
)


def rows_of(subjects):
    follow_up = pd.DataFrame(
        [(i, float(end), dead and end > 0) for i, (_, end, dead) in enumerate(subjects)],
        columns=["id", "end", "dead"],
    )
    happened = [(i, float(day)) for i, (days, end, _) in enumerate(subjects) for day in days if day <= end]
    events = pd.DataFrame(happened, columns=["id", "day"]).astype({"id": int, "day": float})
    return counting_process(events, follow_up, subject="id", time="day", end="end", death="dead")


def mcf(rows, **more):
    return mean_cumulative_function(rows, subject="id", start="start", stop="stop", event="event", **more)


class TestReference:
    """R: sum of events / at risk; ``survfit(Surv(start, stop, status) ~ 1, id = id)``; cgd by treatment."""

    @pytest.mark.parametrize("treat", ["placebo", "rIFN-g"])
    def test_cgd(self, oracle, data, agrees, treat):
        wanted, frame = oracle("g_mcf.json", "g.mcf.cgd.treat")[f"treat={treat}"], data("cgd")
        robust, poisson = (
            mean_cumulative_function(
                frame[frame["treat"] == treat],
                subject="id",
                start="tstart",
                stop="tstop",
                event="status",
                variance=variance,
            )
            for variance in ("robust", "poisson")
        )
        at = robust.at(wanted["time"])
        for ours, keys in (
            (at["mean"], ("mcf", "survfit_cumhaz")),
            (at["std_err"], ("survfit_std_chaz", "survfit_std_chaz_cluster")),
            (at["std_err"] ** 2, ("var_lawless_nadeau",)),
            (poisson.at(wanted["time"])["std_err"] ** 2, ("var_poisson",)),
            (at["n_risk"], ("n_risk",)),
            (robust.n, ("n_subjects",)),
            (robust.events, ("n_events",)),
            (robust.exposure, ("person_time",)),
        ):
            for key in keys:
                agrees(ours, wanted, key, method="Mean cumulative function")


class TestClosedForm:
    # A: events at 2 and 4, followed to 5. B: event at 2, followed to 3. C: none, followed to 5.
    # At 2: 2 / 3. At 4: 1 / 2, A and C at risk.
    ROWS = rows_of([([2, 4], 5, False), ([2], 3, False), ([], 5, False)])

    def test_mean_and_poisson_variance(self):
        found = mcf(self.ROWS, variance="poisson")
        assert found.times.tolist() == [2, 4]
        assert (found.n_risk.tolist(), found.n_event.tolist()) == ([3, 2], [2, 1])
        np.testing.assert_allclose(found.mean, [2 / 3, 7 / 6])
        np.testing.assert_allclose(found.std_err, [sqrt(2 / 9), sqrt(2 / 9 + 1 / 4)])
        assert (found.n, found.events, found.exposure, found.max_time) == (3, 3, 13, 5)

    def test_robust_variance(self):
        # At 2: A and B (1 - 2/3) / 3 = 1/9, C -2/9. At 4: A (1 - 1/2) / 2 = 1/4 more, C -1/4.
        found = mcf(self.ROWS)
        np.testing.assert_allclose(found.std_err[0], sqrt(1 / 81 + 1 / 81 + 4 / 81))
        np.testing.assert_allclose(
            found.std_err[1], sqrt((1 / 9 + 1 / 4) ** 2 + 1 / 81 + (2 / 9 + 1 / 4) ** 2)
        )

    @pytest.mark.parametrize("conf_type", ["log", "plain"])
    def test_limits(self, conf_type):
        found = mcf(self.ROWS, conf_type=conf_type).estimate(3)
        m, se = 2 / 3, sqrt(6 / 81)
        wanted = (
            (m * exp(-Z * se / m), m * exp(Z * se / m)) if conf_type == "log" else (m - Z * se, m + Z * se)
        )
        assert (found.lower, found.upper) == pytest.approx(wanted)

    @given(SUBJECTS)
    def test_followed_to_one_end_it_is_the_mean_of_the_counts(self, subjects):
        # All observed to 12: mean and variance (divisor n^2) of the numbers of events so far.
        subjects = [(days, 12, False) for days, _, _ in subjects]
        found = mcf(rows_of(subjects))
        for time, mean, std_err in zip(found.times, found.mean, found.std_err, strict=True):
            counts = [sum(day <= time for day in days) for days, _, _ in subjects]
            assert mean == pytest.approx(np.mean(counts))
            assert std_err == pytest.approx(np.std(counts) / sqrt(len(counts)), abs=1e-12)

    @given(SUBJECTS)
    def test_with_every_death_seen_too(self, subjects):
        # Nobody censored: the dead keep their number. Ghosh and Lin's is the mean count, exactly.
        subjects = [(days, max(end, 1), True) for days, end, _ in subjects]
        found = mcf(rows_of(subjects), death="dead")
        for time, mean, std_err in zip(found.times, found.mean, found.std_err, strict=True):
            counts = [sum(day <= min(time, end) for day in days) for days, end, _ in subjects]
            assert mean == pytest.approx(np.mean(counts))
            assert std_err == pytest.approx(np.std(counts) / sqrt(len(counts)), abs=1e-12)

    def test_death_weights_the_rate_by_the_share_alive(self):
        # A and B die at 1 and 3, C has events at 2 and 4 and is followed to 5; D, E are followed to 3 and 5.
        rows = rows_of([([], 1, True), ([], 3, True), ([2, 4], 5, False), ([], 3, False), ([], 5, False)])
        found = mcf(rows, death="dead")
        # Share alive 4/5 after 1, 4/5 * 3/4 after 3. Rates 1/4 at 2, 1/2 at 4.
        assert found.times.tolist() == [1, 2, 3, 4]
        np.testing.assert_allclose(found.mean, [0, 0.8 / 4, 0.8 / 4, 0.8 / 4 + 0.6 / 2])
        np.testing.assert_allclose(mcf(rows).mean, [1 / 4, 1 / 4 + 1 / 2])
        assert (found.deaths, found.n_death.tolist()) == (2, [1, 0, 1, 0])


def weighted_mean(subjects, weights, time):
    """Ghosh and Lin's mean at one time with a weight per subject, by loops."""
    alive, mean = 1.0, 0.0
    for u in range(1, time + 1):
        at_risk = sum(w for (_, end, _), w in zip(subjects, weights, strict=True) if end >= u)
        if at_risk:
            happened = sum(
                w * days.count(u) for (days, end, _), w in zip(subjects, weights, strict=True) if end >= u
            )
            died = sum(w for (_, end, dead), w in zip(subjects, weights, strict=True) if dead and end == u)
            mean += alive * happened / at_risk
            alive *= 1 - died / at_risk
    return mean


class TestInvariance:
    @given(SUBJECTS, st.booleans())
    def test_robust_variance_is_the_derivative_by_the_weights(self, subjects, deaths):
        subjects = [(days, end, dead and deaths) for days, end, dead in subjects]
        found = mcf(rows_of(subjects), death="dead" if deaths else None)
        n, h = len(subjects), 1e-5
        for time, mean, std_err in zip(found.times, found.mean, found.std_err, strict=True):
            slopes = []
            for i in range(n):
                up, down = np.ones(n), np.ones(n)
                up[i], down[i] = 1 + h, 1 - h
                gap = weighted_mean(subjects, up, int(time)) - weighted_mean(subjects, down, int(time))
                slopes.append(gap / (2 * h))
            assert mean == pytest.approx(weighted_mean(subjects, np.ones(n), int(time)))
            assert std_err == pytest.approx(sqrt(np.square(slopes).sum()), abs=1e-6)

    @given(SUBJECTS, st.integers(1, 4))
    def test_the_drawn_curve_ends_where_fewer_are_observed(self, subjects, n_risk):
        found = mcf(rows_of(subjects), death="dead")
        ends = sorted((end for _, end, _ in subjects), reverse=True)
        last = ends[n_risk - 1] if len(ends) >= n_risk else 0
        step = found.step(n_risk=n_risk)
        assert step["time"].max() == last if last else step.empty
        np.testing.assert_allclose(step["mean"].tail(1), found.at(last)["mean"] if last else [])

    @given(SUBJECTS, st.randoms(use_true_random=False))
    def test_order_of_rows_and_splitting_them_do_not_matter(self, subjects, random):
        rows = rows_of(subjects)
        middle = (rows["start"] + rows["stop"]) / 2
        split = pd.concat([rows.assign(stop=middle, event=0, dead=False), rows.assign(start=middle)])
        split = split.sample(frac=1, random_state=random.randrange(1000))
        for death in (None, "dead"):
            one, other = mcf(rows, death=death), mcf(split, death=death)
            for name in ("times", "n_risk", "n_event", "mean", "std_err"):
                np.testing.assert_allclose(getattr(other, name), getattr(one, name), atol=1e-12)
            assert (one.n, one.events, one.exposure) == (other.n, other.events, pytest.approx(other.exposure))

    @given(SUBJECTS)
    def test_without_deaths_ghosh_lin_is_nelson(self, subjects):
        rows = rows_of(subjects).assign(dead=0)
        nelson, ghosh_lin = mcf(rows), mcf(rows, death="dead")
        np.testing.assert_array_equal(ghosh_lin.mean, nelson.mean)
        np.testing.assert_array_equal(ghosh_lin.std_err, nelson.std_err)

    @given(SUBJECTS)
    def test_ghosh_lin_is_never_above_nelson(self, subjects):
        rows = rows_of(subjects)
        both = [mcf(rows, death=death).at(range(13), extend=True)["mean"] for death in ("dead", None)]
        assert np.all(both[0] <= both[1] + 1e-12)

    @given(SUBJECTS)
    def test_first_events_alone_are_nelson_aalen(self, subjects):
        # Followed to the first event: the sum of d / n over the table of the Kaplan-Meier estimate.
        first = [([min(days)], min(days), False) for days, _, _ in subjects if days]
        others = [([], end, False) for days, end, _ in subjects if not days]
        found = mcf(rows_of(first + others))
        km = kaplan_meier([end for _, end, _ in first + others], [1] * len(first) + [0] * len(others))
        hazard = np.cumsum(km.n_event / km.n_risk)[km.n_event > 0]
        np.testing.assert_allclose(found.mean, hazard)

    def test_inputs_are_not_changed(self):
        rows = rows_of([([2, 4], 5, True), ([], 3, False)])
        before = rows.copy()
        mcf(rows, death="dead").at([1.0])
        pd.testing.assert_frame_equal(rows, before)


class TestControlFlow:
    ROWS = rows_of([([2, 2, 4], 5, True), ([], 3, False), ([], 0, False)])

    def test_at(self):
        found = mcf(self.ROWS).at([6, 0, 1, 2, 5])
        assert found["n_risk"].tolist() == [0, 3, 2, 2, 1]
        np.testing.assert_allclose(found["mean"], [nan, 0, 0, 1, 2])
        np.testing.assert_allclose(found["lower"].isna(), [1, 1, 1, 0, 0])
        assert mcf(self.ROWS).at(6, extend=True)["mean"].tolist() == [2]
        plain = mcf(self.ROWS, conf_type="plain").at(1)
        assert (plain["lower"][0], plain["upper"][0]) == (0, 0)

    def test_two_events_at_one_time_both_count(self):
        found = mcf(self.ROWS)
        assert (found.times.tolist(), found.n_event.tolist(), found.events) == ([2, 4], [2, 1], 3)

    def test_reasons(self):
        found = mcf(self.ROWS)
        assert found.estimate(6).reason == because(Why.FOLLOW_UP_ENDS, last=5, time=6)
        assert found.estimate(1).reason == because(Why.NO_LIMITS_AT, limits="log", of="the mean", value=0)
        assert found.estimate(2).reason is None

    @pytest.mark.parametrize("death", [None, "dead"])
    def test_no_events(self, death):
        found = mcf(rows_of([([], 5, False), ([], 0, False)]), death=death)
        assert (found.n, found.events, found.times.size) == (2, 0, 0)
        assert found.estimate(3).value == 0
        assert found.step()["mean"].tolist() == [0, 0]
        assert found.to_frame()["statistic"].tolist() == ["time_at_risk"]

    def test_nobody_observed(self):
        found = mcf(rows_of([([], 0, False)]))
        assert (found.exposure, found.max_time) == (0, 0)
        assert isnan(found.estimate(1).value)

    def test_one_patient(self):
        found = mcf(rows_of([([3, 7], 9, True)]), death="dead")
        assert found.mean.tolist() == [1, 2, 2]
        assert found.std_err.tolist() == [0, 0, 0]

    def test_everybody_dead_ends_the_curve(self):
        found = mcf(rows_of([([1], 3, True), ([], 3, True), ([3], 3, True)]), death="dead")
        np.testing.assert_allclose(found.mean, [1 / 3, 2 / 3])
        assert np.all(np.isfinite(found.std_err))

    def test_nobody_at_risk_for_a_while(self):
        rows = pd.DataFrame({"id": [1, 2], "start": [0, 5], "stop": [3, 8], "event": [1, 1]})
        assert mcf(rows).mean.tolist() == [1, 2]
        assert mcf(rows).at([4])["n_risk"].tolist() == [0]

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"variance": "greenwood"}, r"variance must be one of .*, got 'greenwood'"),
            ({"conf_type": "log-log"}, r"conf_type must be one of .*, got 'log-log'"),
            ({"conf_level": 95}, "conf_level must be between 0 and 1, got 95"),
            ({"variance": "poisson", "death": "dead"}, "variance must be 'robust' where death is given"),
            ({"death": "no such"}, r"rows must have the columns \['no such'\]"),
        ],
    )
    def test_refused(self, more, message):
        with pytest.raises(ValueError, match=message):
            mcf(self.ROWS, **more)

    @pytest.mark.parametrize("times", [-1, nan, [[1.0]]])
    def test_points(self, times):
        with pytest.raises(ValueError, match="times must be 0 or more and not missing"):
            mcf(self.ROWS).at(times)

    def test_endless_follow_up(self):
        with pytest.raises(ValueError, match="stop finite"):
            mcf(self.ROWS.assign(stop=inf))

    def test_step_draws_what_at_says(self):
        step, found = mcf(self.ROWS).step(), mcf(self.ROWS)
        assert step["time"].tolist() == [0, 2, 2, 4, 4, 5]
        np.testing.assert_allclose(step["mean"], [0, 0, 1, 1, 2, 2])
        np.testing.assert_allclose(step["upper"][2:4], found.at(3)["upper"][0])

    def test_methods_are_named(self):
        assert mcf(self.ROWS).method == "nelson, lawless-nadeau, log"
        assert mcf(self.ROWS, variance="poisson", conf_type="plain").method == "nelson, poisson, plain"
        assert mcf(self.ROWS, death="dead").method == "ghosh-lin, log"

    def test_long_form(self):
        frame = mcf(self.ROWS, group="LOW").to_frame([3, 4])
        assert tuple(frame.columns) == COLUMNS
        each = ["mean_events", "mean_events_std_err", "n_risk"]
        assert frame["statistic"].tolist() == each + each + ["time_at_risk"]
        assert frame["events"].tolist() == [2] * 3 + [3] * 3 + [3]
        assert frame["value"].tolist()[-2:] == [1, 8]
        assert set(frame["n"]) == {3} and set(frame["group"]) == {"LOW"}

    def test_results_cannot_be_changed(self):
        with pytest.raises(ValueError, match="read-only"):
            mcf(self.ROWS).mean[0] = 9
