"""Aalen-Johansen: closed form, R (cmprsk, etm, survival), invariance, control flow."""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.longform import COLUMNS
from esld.reasons import Why, because
from esld.survival.competing import cumulative_incidence
from esld.survival.kaplan_meier import kaplan_meier

SAMPLES = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from([None, "death", "transplant", "withdrawal"])),
    min_size=1,
    max_size=40,
)
CAUSES = ("death", "transplant", "withdrawal")


def split(sample):
    time, state = zip(*sample, strict=True)
    return np.array(time, float), np.array(state, dtype=object)


def fit(sample, **options):
    return cumulative_incidence(*split(sample), causes=CAUSES, **options)


class TestReference:
    """R: ``cmprsk::cuminc(time, cause)``, ``survfit(Surv(time, cause) ~ 1)``, ``etm::etmCIF``.

    cmprsk 2.2-11, survival 3.5-3, etm 1.1.1. Where the incidence is 0, etm's limits are 0 and ours NaN,
    as those of `kaplan_meier` at a survival of 1.
    """

    CASES = (
        ("c.cif.transplant.overall", "overall"),
        ("c.cif.transplant.abo", "abo=A"),
        ("c.cif.transplant.abo", "abo=B"),
        ("c.cif.transplant.abo", "abo=AB"),
        ("c.cif.transplant.abo", "abo=O"),
        ("c.cif.pbc.trt", "trt=1"),
        ("c.cif.pbc.trt", "trt=2"),
        ("c.cif.pbc.stage34", "late=0"),
        ("c.cif.pbc.stage34", "late=1"),
    )

    @pytest.mark.parametrize(("name", "sample"), CASES)
    def test_all_numbers(self, oracle, data, agrees, name, sample):
        reference = oracle("c_cuminc.json", name)
        wanted, times = reference[sample], reference["times"]
        if "transplant" in name:
            causes, censored = ("death", "ltx", "withdraw"), "censored"
            frame = data("transplant").rename(columns={"futime": "time", "event": "state"})
        else:
            causes, censored = (2, 1), 0
            frame = data("pbc").assign(
                late=lambda d: d["stage"].eq(4).astype(int), state=lambda d: d["status"]
            )
        if sample != "overall":
            by, level = sample.split("=")
            frame = frame[frame[by].astype(str) == level]
        greenwood, aalen = (
            cumulative_incidence(
                frame["time"], frame["state"], causes=causes, censored=censored, variance=variance
            )
            for variance in ("greenwood", "aalen")
        )
        counts = [f"counts/{name}" for name in ("censor", *reference["causes"])]
        agrees(
            [
                greenwood.n,
                greenwood.counts(times)["n_risk"][: len(times)],
                greenwood.n_censor.sum(),
                greenwood.events,
            ],
            wanted,
            *("n", "n_risk", *counts),
            method="Cumulative incidence, Greenwood",
        )
        for own, cause in zip(greenwood.causes, reference["causes"], strict=True):
            theirs = wanted[cause]
            found, other = (f.at(times).set_index("cause").loc[own] for f in (greenwood, aalen))
            for variance, ours, keys in (
                ("Greenwood", [found["incidence"], found["std_err"] ** 2], ("etm_cif", "etm_var")),
                ("jackknife", [found["incidence"], found["std_err"]], ("survfit_cif", "survfit_ij_se")),
                ("Aalen", [other["incidence"], other["std_err"] ** 2], ("cif", "cuminc_var")),
            ):
                agrees(ours, theirs, *keys, method=f"Cumulative incidence, {variance}")
            defined = np.array(theirs["cif"]) > 0
            for limit in ("lower", "upper"):
                agrees(
                    found[limit],
                    theirs,
                    f"etm_{limit}_cloglog",
                    method="Cumulative incidence, Greenwood",
                    where=defined,
                )
                assert found[limit][~defined].isna().all()


class TestClosedForm:
    # a at 1, censored at 2, b at 3, a at 4.
    # t=1: 4 at risk: F_a 1/4, S 3/4.  t=3: 2 at risk: F_b 3/8, S 3/8.  t=4: F_a 1/4 + 3/8, S 0.
    TIME, STATE = (1, 2, 3, 4), ("a", None, "b", "a")

    def test_incidence(self):
        found = cumulative_incidence(self.TIME, self.STATE)
        assert found.causes == ("a", "b")
        np.testing.assert_allclose(found.incidence, [[1 / 4, 1 / 4, 1 / 4, 5 / 8], [0, 0, 3 / 8, 3 / 8]])
        np.testing.assert_allclose(found.survival, [3 / 4, 3 / 4, 3 / 8, 0])
        assert found.n_event.tolist() == [[1, 0, 0, 1], [0, 0, 1, 0]]
        assert (found.n_censor.tolist(), found.n_risk.tolist()) == ([0, 1, 0, 0], [4, 3, 2, 1])

    def test_greenwood_variance(self):
        # Of b at 3, an outcome scored 1 for b now, 0 for a, F_b(3) / S(1) = 1/2 for going on after 1:
        # S(t-)^2 / n times the multinomial variance of the score.
        # t=1: 1/4 (3/4 1/4 - (3/8)^2) = 3/256.  t=3: (9/16) / 2 times 1/2 1/2 = 18/256.
        found = cumulative_incidence(self.TIME, self.STATE)
        assert found.estimate(3, "b").std_err ** 2 == pytest.approx(21 / 256)

    def test_aalen_variance(self):
        # t=1: the a takes away 1/2 of b's chance, variance 1/16: 1/4 1/16.  t=3: S(t-)^2 1/4 = 9/64.
        found = cumulative_incidence(self.TIME, self.STATE, variance="aalen")
        assert found.estimate(3, "b").std_err ** 2 == pytest.approx(1 / 64 + 9 / 64)

    def test_without_censoring_it_is_a_share_with_its_binomial_variance(self):
        time, state = [1, 1, 2, 3, 3, 3, 4, 5], list("abacabab")
        found = cumulative_incidence(time, state, censored=None)
        for i, cause in enumerate(found.causes):
            share = np.array(
                [
                    sum(t <= u and s == cause for t, s in zip(time, state, strict=True)) / 8
                    for u in found.times
                ]
            )
            np.testing.assert_allclose(found.incidence[i], share)
            np.testing.assert_allclose(found.std_err[i] ** 2, share * (1 - share) / 8, atol=1e-15)

    def test_everything_at_one_time(self):
        found = cumulative_incidence([5] * 10, ["a"] * 3 + ["b"] * 2 + [None] * 5)
        np.testing.assert_allclose(found.incidence[:, 0], [0.3, 0.2])
        np.testing.assert_allclose(found.std_err[:, 0] ** 2, [0.021, 0.016])
        # Aalen: one cause at a time, (n - d) / (n - 1) d / n^2; a's count does not lean on b's.
        found = cumulative_incidence([5] * 10, ["a"] * 3 + ["b"] * 2 + [None] * 5, variance="aalen")
        np.testing.assert_allclose(found.std_err[:, 0] ** 2, [7 / 9 * 3 / 100, 8 / 9 * 2 / 100])

    def test_plain_limits_are_cut(self):
        found = cumulative_incidence([1, 2, 3], ["a", None, None], conf_type="plain")
        estimate = found.estimate(1, "a")
        assert estimate.lower == 0
        assert estimate.upper == pytest.approx(1 / 3 + 1.959963984540054 * (2 / 27) ** 0.5)


class TestInvariance:
    @given(SAMPLES)
    def test_everybody_is_somewhere(self, sample):
        found = fit(sample)
        np.testing.assert_allclose(found.incidence.sum(axis=0) + found.survival, 1, rtol=0, atol=1e-14)
        assert np.all(np.diff(found.incidence, axis=1) >= 0)
        assert found.n_event.sum() + found.n_censor.sum() == found.n

    @given(SAMPLES, st.sampled_from(["log-log", "plain"]))
    def test_with_one_cause_it_is_one_minus_kaplan_meier(self, sample, conf_type):
        time, state = split(sample)
        event = np.array([s is not None for s in state])
        found = cumulative_incidence(time, np.where(event, "any", None), causes=["any"], conf_type=conf_type)
        curve = kaplan_meier(time, event, conf_type=conf_type)
        np.testing.assert_allclose(found.incidence[0], 1 - curve.survival, atol=1e-14)
        np.testing.assert_allclose(found.std_err[0], curve.std_err, rtol=1e-9, atol=1e-14)
        np.testing.assert_allclose(found.lower[0], 1 - curve.upper, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.upper[0], 1 - curve.lower, rtol=1e-9, atol=1e-12)

    @given(SAMPLES)
    def test_limits_hold_the_estimate(self, sample):
        for conf_type in ("log-log", "plain"):
            found = fit(sample, conf_type=conf_type)
            known = ~np.isnan(found.lower)
            assert np.all(found.lower[known] <= found.incidence[known] + 1e-14)
            assert np.all(found.upper[known] >= found.incidence[known] - 1e-14)
            assert np.all((found.lower[known] >= 0) & (found.upper[known] <= 1))

    @given(SAMPLES, st.randoms(), st.sampled_from(["greenwood", "aalen"]))
    def test_row_order_does_not_matter(self, sample, random, variance):
        one = fit(sample, variance=variance)
        two = fit(random.sample(sample, len(sample)), variance=variance)
        np.testing.assert_array_equal(one.std_err, two.std_err)
        np.testing.assert_array_equal(one.incidence, two.incidence)

    @given(SAMPLES)
    def test_two_causes_together_have_the_sum_of_their_incidences(self, sample):
        time, state = split(sample)
        apart = fit(sample)
        together = np.where(state == "withdrawal", "death", state)
        joint = cumulative_incidence(time, together, causes=["death", "transplant"])
        np.testing.assert_allclose(joint.incidence[0], apart.incidence[[0, 2]].sum(axis=0), atol=1e-14)
        np.testing.assert_allclose(joint.std_err[1], apart.std_err[1], rtol=1e-12)

    @given(SAMPLES)
    def test_only_the_order_of_times_matters(self, sample):
        time, state = split(sample)
        one, two = (cumulative_incidence(t, state, causes=CAUSES) for t in (time, np.exp(time)))
        np.testing.assert_array_equal(one.std_err, two.std_err)

    @given(SAMPLES)
    def test_the_variance_is_the_infinitesimal_jackknife(self, sample):
        # The derivative of the last estimate by the weight of each subject, by central differences.
        time, state = split(sample)
        found = fit(sample)
        value = found.std_err[0, -1]
        if isnan(value):
            return
        happened = np.array([s is not None for s in state])

        def weighted(weight):
            survival, incidence = 1.0, 0.0
            for t in found.times:
                n = weight[time >= t].sum()
                incidence += survival * weight[(time == t) & (state == "death")].sum() / n
                survival *= 1 - weight[(time == t) & happened].sum() / n
            return incidence

        step = 1e-5 * np.eye(time.size)
        influence = [(weighted(1 + row) - weighted(1 - row)) / 2e-5 for row in step]
        assert np.sum(np.square(influence)) ** 0.5 == pytest.approx(value, rel=1e-6, abs=1e-9)


class TestResultAndReason:
    @given(
        SAMPLES,
        st.sampled_from(["log-log", "plain"]),
        st.sampled_from(["greenwood", "aalen"]),
        st.integers(0, 12),
    )
    def test_a_number_is_missing_if_and_only_if_there_is_a_reason(self, sample, conf_type, variance, at):
        found = fit(sample, conf_type=conf_type, variance=variance)
        for cause in CAUSES:
            estimate = found.estimate(at, cause)
            numbers = estimate.value, estimate.std_err, estimate.lower, estimate.upper
            assert any(map(isnan, numbers)) == bool(estimate.reason)
            assert isnan(estimate.std_err) == isnan(estimate.lower) == isnan(estimate.upper)
            assert not estimate.std_err <= 0


class TestAtTimes:
    FOUND = cumulative_incidence([0, 2, 4, 6], ["a", "b", None, None], group="low", time_unit="weeks")

    def test_right_continuous_and_missing_beyond_follow_up(self):
        found = self.FOUND.at([3, 2, 1.9, 0, 6, 6.1])
        assert found["cause"].tolist() == ["a"] * 6 + ["b"] * 6
        assert found["n_risk"].tolist() == [2, 3, 3, 4, 1, 0] * 2
        np.testing.assert_allclose(found["incidence"], [0.25] * 5 + [nan] + [0.25, 0.25, 0, 0, 0.25, nan])

    def test_extend(self):
        assert self.FOUND.at([9], extend=True)["incidence"].tolist() == [0.25, 0.25]

    def test_beyond_follow_up_when_nobody_is_left(self):
        found = cumulative_incidence([1, 2], ["a", "b"], censored=None)
        assert found.at([9])["incidence"].tolist() == [0.5, 0.5]

    def test_before_the_first_time(self):
        for conf_type, limit in (("log-log", nan), ("plain", 0.0)):
            found = cumulative_incidence([3], ["a"], censored=None, conf_type=conf_type).at([1]).iloc[0]
            assert (found["incidence"], found["std_err"]) == (0, 0)
            np.testing.assert_equal([found["lower"], found["upper"]], [limit, limit])

    def test_estimate_and_its_reasons(self):
        assert self.FOUND.estimate(2, "a").reason is None
        assert self.FOUND.estimate(7, "a").reason == because(Why.FOLLOW_UP_ENDS, last=6, time=7)
        assert self.FOUND.estimate(1, "b").reason == because(
            Why.NO_LIMITS_AT, limits="log-log", of="incidence", value=0
        )
        certain = cumulative_incidence([1, 2], ["a", "a"], censored=None).estimate(2, "a")
        assert certain.value == 1 and isnan(certain.std_err)
        assert certain.reason == because(Why.NO_LIMITS_AT, limits="log-log", of="incidence", value=1)
        assert self.FOUND.estimate(2, "a").method == "aalen-johansen, greenwood-type, log-log"

    def test_counts(self):
        counts = self.FOUND.counts([0, 2, 5])
        assert list(counts) == ["cause", "time", "n_risk", "events", "censored"]
        assert counts["n_risk"].tolist() == [4, 3, 1] * 2
        assert counts["events"].tolist() == [1, 1, 1, 0, 1, 1]
        assert counts["censored"].tolist() == [0, 0, 1] * 2

    def test_step_draws_every_rise_at_both_ends(self):
        step = self.FOUND.step().query("cause == 'b'")
        assert step["time"].tolist() == [0, 2, 2, 6]
        assert step["incidence"].tolist() == [0, 0, 0.25, 0.25]
        assert self.FOUND.step().query("cause == 'a'")["time"].tolist() == [0, 0, 6]

    def test_long_form(self):
        frame = self.FOUND.to_frame()
        assert list(frame) == list(COLUMNS)
        assert frame.query("statistic == 'n_risk'")["value"].tolist() == [4, 3]
        assert frame.query("statistic == 'n_risk'")["events"].tolist() == [1, 2]
        own = frame.query("group == 'low: b' and statistic == 'cumulative_incidence'")
        assert own["value"].tolist() == [0, 0.25]
        assert own["events"].tolist() == [0, 1]
        assert cumulative_incidence([1], ["a"], censored=None).to_frame(times=[1])["group"].tolist() == [
            None,
            "a",
        ]


class TestEdges:
    def test_no_event_of_a_cause(self):
        found = cumulative_incidence([1, 2], ["a", None], causes=["b", "a"])
        assert found.events == (0, 1)
        assert found.incidence[0].tolist() == [0, 0]
        assert found.std_err[0].tolist() == [0, 0]
        assert np.all(np.isnan(found.lower[0]))

    def test_all_censored(self):
        found = cumulative_incidence([1, 2], [None, None], causes=["a", "b"])
        assert found.incidence.tolist() == [[0, 0], [0, 0]]
        assert found.survival.tolist() == [1, 1]
        assert found.to_frame().empty
        with pytest.raises(ValueError, match="causes must be given where nobody has an event, got none"):
            cumulative_incidence([1, 2], [None, None])

    @pytest.mark.parametrize("variance", ["greenwood", "aalen"])
    def test_one_subject(self, variance):
        found = cumulative_incidence([3], ["a"], causes=["a", "b"], variance=variance)
        assert found.incidence.tolist() == [[1], [0]]
        assert isnan(found.std_err[0, 0]) and found.std_err[1, 0] == 0

    def test_everybody_has_the_cause_in_steps_that_do_not_add_up_exactly(self):
        found = cumulative_incidence(range(10), ["a"] * 10, censored=None)
        assert found.incidence[0, -1] == 1
        assert isnan(found.std_err[0, -1])

    def test_only_competing_events(self):
        found = cumulative_incidence([1, 2], ["b", "b"], causes=["a", "b"])
        assert found.at([2])["incidence"].tolist() == [0, 1]

    def test_times_of_zero_are_kept(self):
        found = cumulative_incidence([0, 0, 5], ["a", None, "b"])
        assert found.times.tolist() == [0, 5]
        np.testing.assert_allclose(found.incidence, [[1 / 3, 1 / 3], [0, 2 / 3]])

    @pytest.mark.parametrize(
        ("time", "state", "options", "message"),
        [
            ([], [], {}, "time must have at least one row, got 0"),
            ([1, -1], ["a", None], {}, "time must be 0 or more, got 1 negative of 2, lowest -1"),
            ([1, nan], ["a", None], {}, "time must not be missing, got 1 missing of 2"),
            ([1], [1], {"conf_level": 1}, "conf_level must be between 0 and 1, got 1"),
            ([1], [1], {"conf_type": "log"}, "conf_type must be one of ['log-log', 'plain'], got 'log'"),
            ([1], [1], {"variance": "etm"}, "variance must be one of ['greenwood', 'aalen'], got 'etm'"),
        ],
    )
    def test_refused(self, time, state, options, message):
        with pytest.raises(ValueError) as error:
            cumulative_incidence(time, state, **options)
        assert str(error.value) == message

    def test_refused_by_the_result(self):
        found = cumulative_incidence([1], ["a"], censored=None)
        with pytest.raises(ValueError, match=r"cause must be one of \['a'\], got 'b'"):
            found.estimate(1, "b")
        with pytest.raises(ValueError, match="times must be 0 or more"):
            found.estimate(-1, "a")

    def test_inputs_are_not_changed_and_results_are_sealed(self):
        time, state = np.array([3.0, 1, 2]), np.array(["a", None, "b"], dtype=object)
        kept = time.copy(), state.copy()
        found = cumulative_incidence(time, state)
        np.testing.assert_array_equal(time, kept[0])
        assert state.tolist() == kept[1].tolist()
        with pytest.raises(ValueError, match="read-only"):
            found.incidence[0, 0] = 1
