"""Concordance: closed form, R survival 3.5-3, lifelines' count of pairs, invariance, control flow."""

from math import isnan, log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esld.reasons import Why, because
from esld.survival import cox
from esld.survival.concordance import concordance

SAMPLES = st.lists(st.tuples(st.integers(0, 8), st.booleans(), st.integers(0, 4)), min_size=1, max_size=25)


def split(sample):
    time, event, score = zip(*sample, strict=True)
    return np.array(time, float), np.array(event), np.array(score, float)


class TestReference:
    """R: ``coxph(Surv(time, ev) ~ ..., ties = )$concordance``; of Breslow's fit the scores are R's."""

    CASES = (
        ("b.cox.pbc.main", "pbc", ["age", "lb", "albumin", "protime", "edema", "trt"]),
        ("b.cox.pbc.trt", "pbc", ["trt"]),
        ("b.cox.small22_a", "small22_a", ["arm_b"]),
        ("b.cox.pbc.breslow", "pbc", ["age", "lb", "albumin", "protime", "edema", "trt"]),
        ("b.cox.small22_a.breslow", "small22_a", ["arm_b"]),
    )

    @pytest.mark.parametrize(("name", "dataset", "covariates"), CASES)
    def test_value_and_standard_error(self, oracle, data, agrees, name, dataset, covariates):
        wanted, frame = oracle("b_cox.json", name), data(dataset)
        if dataset == "small22_a":
            frame = frame.assign(arm_b=frame["arm"].eq("B"))
        if name.endswith("breslow"):
            coef = np.array(wanted["coef"])
        else:
            coef = cox(frame, duration="time", event="event", covariates=covariates).coef
        score = frame[covariates].to_numpy(float) @ coef
        found = concordance(frame["time"], frame["event"], score)
        agrees([found.value, found.std_err], wanted, "concordance", "concordance_se", method="Concordance")

    @given(SAMPLES)
    def test_equals_lifelines(self, sample):
        from lifelines.utils import concordance_index

        time, event, score = split(sample)
        found = concordance(time, event, score)
        if found.reason != because(Why.NO_COMPARABLE_PAIR):
            assert found.value == pytest.approx(concordance_index(time, -score, event))


class TestClosedForm:
    # Events at 1 (score 3) and 2 (score 1), censored at 3 (score 1). Pairs: 1-2 right, 1-3 right, 2-3 tied:
    # 2.5 of 3. Influence: (2 - 2 c, 1.5 - 2 c, 1.5 - 2 c) / 3 with c = 5/6.
    def test_three_patients(self):
        found = concordance([1, 2, 3], [1, 1, 0], [3, 1, 1])
        assert (found.concordant, found.discordant, found.tied_score) == (2, 0, 1)
        assert found.value == pytest.approx(5 / 6)
        assert found.std_err == pytest.approx(sqrt((1 / 3) ** 2 + 2 * (1 / 6) ** 2) / 3)
        plain = concordance([1, 2, 3], [1, 1, 0], [3, 1, 1], limits="plain")
        assert plain.upper - plain.value == pytest.approx(1.959963984540054 * plain.std_err)
        # logit(5/6) = log 5; its standard error is that of the value over 5/36
        margin = 1.959963984540054 * found.std_err * 36 / 5
        assert log(found.upper / (1 - found.upper)) == pytest.approx(log(5) + margin)
        assert found.upper < 1 < plain.upper

    def test_censoring_comes_after_an_event_of_its_time(self):
        assert concordance([5, 5], [1, 0], [2, 1]).value == 1

    def test_two_events_at_one_time_are_not_comparable(self):
        found = concordance([5, 5], [1, 1], [2, 1])
        assert isnan(found.value) and isnan(found.lower)
        assert found.reason == because(Why.NO_COMPARABLE_PAIR)


class TestInvariance:
    @given(SAMPLES)
    def test_turning_the_score_round(self, sample):
        time, event, score = split(sample)
        there, back = concordance(time, event, score), concordance(time, event, -score)
        assert back.value == pytest.approx(1 - there.value, nan_ok=True)
        assert back.std_err == pytest.approx(there.std_err, nan_ok=True)

    @given(SAMPLES)
    def test_only_the_order_of_score_and_time_matters(self, sample):
        time, event, score = split(sample)
        one, two = concordance(time, event, score), concordance(time**2, event, np.exp(score))
        assert (one.value, one.std_err) == pytest.approx((two.value, two.std_err), nan_ok=True)


class TestControlFlow:
    def test_all_censored_and_one_patient(self):
        assert isnan(concordance([1, 2], [0, 0], [1, 2]).value)
        assert isnan(concordance([1], [1], [1]).value)

    def test_the_same_score_for_all(self):
        found = concordance([1, 2, 3], [1, 1, 1], [7, 7, 7])
        assert (found.value, found.std_err) == (0.5, 0)
        assert isnan(found.lower)
        assert found.reason == because(Why.NO_SPREAD)

    @pytest.mark.parametrize("score", [[1], [1, np.nan], [1, np.inf], [[1], [2]]])
    def test_score_refused(self, score):
        with pytest.raises(ValueError, match="score must be finite and one per row of time"):
            concordance([1, 2], [1, 0], score)

    def test_limits_refused(self):
        with pytest.raises(ValueError, match="limits must be one of"):
            concordance([1, 2], [1, 0], [1, 2], limits="log")

    def test_inputs_are_not_changed(self):
        time, event, score = np.array([3.0, 1.0]), np.array([1, 0]), np.array([2.0, 1.0])
        concordance(time, event, score)
        assert (time.tolist(), event.tolist(), score.tolist()) == ([3, 1], [1, 0], [2, 1])

    def test_long_form(self):
        frame = concordance([0, 2, 3], [1, 1, 0], [3, 1, 1]).to_frame()
        assert frame["statistic"].tolist() == ["concordance", "concordance_std_err"]
        assert frame["value"][0] == pytest.approx(5 / 6)
