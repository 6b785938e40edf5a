"""The mixed model for repeated measures: R mmrm 0.3.18, closed forms, invariance, control flow, degenerate data.

References: ``mmrm(chg ~ base + arm * visit + us(visit | id), reml = TRUE)`` of f_mmrm22.json and the like of
f_mmrm_pbcseq.json, R 4.2.2, mmrm 0.3.18, emmeans 1.8.4-1, re-optimised; f_kr_expected_info.json by code written for
the reference after Kenward and Roger (1997), which agrees with R pbkrtest 0.5.2.
"""

from math import log, pi, sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from esld.longform import COLUMNS
from esld.longitudinal.mmrm import mmrm
from esld.reasons import Why, because, together
from tests.examples import few

REFERENCE = Path(__file__).parents[1] / "reference"
SMALL = {"formula": "chg ~ base + arm * visit", "subject": "id", "visit": "visit"}
LARGE = {**SMALL, "formula": "chg_logbili ~ base_logbili * visit + arm * visit"}
KEYS = {
    "satterthwaite": ("satterthwaite", "MMRM: Satterthwaite"),
    "kenward_roger_linear": ("kenward-roger", "MMRM: Kenward–Roger, linear"),
    "kenward_roger": ("kenward-roger-full", "MMRM: Kenward–Roger"),
}


def small():
    frame = pd.read_csv(REFERENCE / "data" / "mmrm22.csv")
    return frame.assign(arm=pd.Categorical(frame["arm"], categories=["CTL", "ACT"]))


def large():
    frame = pd.read_csv(REFERENCE / "data" / "pbcseq_visits.csv")
    return frame.assign(arm=pd.Categorical(frame["arm"], categories=["PBO", "DPCA"]))


def in_order(fit, terms):
    """Where the coefficients of the reference stand in ours."""
    parts = {
        frozenset(term.replace("[T.", "").replace("]", "").replace("Intercept", "(Intercept)").split(":")): i
        for i, term in enumerate(fit.terms)
    }
    return [parts[frozenset(term.split(":"))] for term in terms]


def numbers(contrasts, *names):
    return [[getattr(item, name) for item in contrasts] for name in names]


CASES = [
    ("f_mmrm22.json", f"f.mmrm22.{name}", small, SMALL, "arm:visit") for name in ("us", "cs", "csh", "ar1h")
] + [
    ("f_mmrm_pbcseq.json", f"f.pbcseq.logbili.{name}", large, LARGE, "visit:arm") for name in ("us", "toeph")
]


@pytest.mark.parametrize(("file", "name", "data", "model", "term"), CASES, ids=[case[1] for case in CASES])
class TestReference:
    def fit(self, name, data, model, **options):
        return mmrm(data(), **model, covariance=name.split(".")[-1], **options)

    def test_fit(self, file, name, data, model, term, oracle, agrees):
        wanted, found = oracle(file, name), self.fit(name, data, model)
        assert (found.covariance, found.failures) == (name.split(".")[-1], ())
        assert list(found.visits) == wanted["visits"]
        facts = [found.n_obs, found.n_subjects, found.n_parameters]
        facts += [found.loglik, found.loglik, -2 * found.loglik, found.aic, found.bic]
        keys = ["n_obs", "n_subjects", "n_cov_params", "loglik", "loglik_explicit", "deviance", "aic", "bic"]
        estimates = [found.coef[in_order(found, wanted["terms"])], found.sigma]
        agrees([facts, *estimates], wanted, *keys, "coef", "sigma", method="MMRM: fit")
        assert found.gradient < 1e-8
        assert found.curvature > 0

    @pytest.mark.parametrize("key", KEYS)
    def test_coefficients(self, file, name, data, model, term, key, oracle, agrees):
        df, method = KEYS[key]
        wanted, found = oracle(file, name), self.fit(name, data, model, df=df)
        order = in_order(found, wanted["terms"])
        agrees(found.vcov[np.ix_(order, order)], wanted[key], "vcov", method=method)
        ours = np.array(numbers(found.coefficients(), "std_err", "df", "t", "p_value"))[:, order]
        agrees(ours, wanted[key], "se", "df", "t", "p", method=method)

    @pytest.mark.parametrize("key", KEYS)
    def test_ls_means(self, file, name, data, model, term, key, oracle, agrees):
        df, method = KEYS[key]
        wanted, found = oracle(file, name), self.fit(name, data, model, df=df)
        order = in_order(found, wanted["terms"])
        means, theirs = found.ls_means("arm"), wanted[key]["lsmeans"]
        assert [(m.group, m.time) for m in means] == list(zip(theirs["arm"], theirs["visit"], strict=True))
        agrees([m.weights[order] for m in means], theirs, "L", method="MMRM: weights of LS means")
        ours = numbers(means, "value", "std_err", "df", "lower", "upper")
        agrees(ours, theirs, "est", "se", "df", "lower95", "upper95", method=method)

    @pytest.mark.parametrize("key", KEYS)
    def test_differences(self, file, name, data, model, term, key, oracle, agrees):
        df, method = KEYS[key]
        wanted, found = oracle(file, name), self.fit(name, data, model, df=df)
        order = in_order(found, wanted["terms"])
        gaps, theirs = found.differences("arm"), wanted[key]["contrasts"]
        labels = list(zip(theirs["contrast"], theirs["visit"], strict=True))
        assert [(g.group, g.time) for g in gaps] == labels
        agrees([g.weights[order] for g in gaps], theirs, "L", method="MMRM: weights of LS means")
        ours = numbers(gaps, "value", "std_err", "df", "lower", "upper", "t", "p_value")
        agrees(ours, theirs, "est", "se", "df", "lower95", "upper95", "t", "p", method=method)

    @pytest.mark.parametrize("key", KEYS)
    def test_interaction(self, file, name, data, model, term, key, oracle, agrees):
        df, method = KEYS[key]
        wanted, f = oracle(file, name)[key], self.fit(name, data, model, df=df).test(term)
        ours = [f.numerator_df, f.denominator_df, f.f, f.p_value]
        agrees(ours, wanted["F_interaction"], "num_df", "denom_df", "F", "p", method=method)


JOINT = ("num_df", "denom_df", "F", "lambda", "p")


@pytest.mark.parametrize("name", ["us", "cs"])
class TestExpectedInformation:
    def test_kenward_roger_of_1997(self, name, oracle, agrees):
        method = "MMRM: Kenward–Roger of 1997"
        wanted = oracle("f_kr_expected_info.json", f"f.kre.mmrm22.{name}")
        found = mmrm(small(), **SMALL, covariance=name, information="expected")
        order, theirs = in_order(found, wanted["terms"]), wanted["expected_information"]
        agrees(found.vcov[np.ix_(order, order)], theirs, "vcov", method=method)
        ours = np.array(numbers(found.coefficients(), "std_err", "df"))[:, order]
        agrees(ours, theirs, "se", "df", method=method)
        ours = numbers(found.differences("arm"), "value", "std_err", "df", "p_value")
        agrees(ours, theirs["contrasts"], "est", "se", "df", "p", method=method)
        f = found.test("arm:visit")
        ours = [f.numerator_df, f.denominator_df, f.f, f.scale, f.p_value]
        agrees(ours, theirs["F_interaction"], *JOINT, method=method)
        assert f.method.endswith("kenward-roger, expected-information")

    def test_observed_information_beside_it(self, name, oracle, agrees):
        wanted = oracle("f_kr_expected_info.json", f"f.kre.mmrm22.{name}")
        f = mmrm(small(), **SMALL, covariance=name).test("arm:visit")
        ours = [f.numerator_df, f.denominator_df, f.f, f.scale, f.p_value]
        agrees(
            ours, wanted["observed_information_F_interaction"], *JOINT, method="MMRM: Kenward–Roger, linear"
        )


def balanced(arms=2, subjects=7, visits=4, words="balanced"):
    """Every subject at every visit, with an effect of the subject."""
    rng = np.random.default_rng(list(words.encode()))
    rows = pd.DataFrame([(i, v) for i in range(arms * subjects) for v in range(visits)], columns=["id", "v"])
    rows["arm"] = rows["id"].mod(arms).map("arm{}".format)
    rows["y"] = np.repeat(rng.normal(0, 2, arms * subjects), visits) + rng.normal(size=len(rows)) + rows["v"]
    return rows


class TestClosedForm:
    @pytest.mark.parametrize("df", ["satterthwaite", "kenward-roger"])
    def test_two_visits_are_a_paired_t_test(self, df):
        rows = balanced(arms=1, subjects=9, visits=2)
        wide = rows.pivot_table(index="id", columns="v", values="y")
        found = mmrm(rows, "y ~ C(v)", subject="id", visit="v", df=df)
        np.testing.assert_allclose(found.sigma, np.cov(wide.T), rtol=1e-9)
        np.testing.assert_allclose(found.coef, [wide[0].mean(), (wide[1] - wide[0]).mean()], rtol=1e-9)
        paired, gap = stats.ttest_rel(wide[1], wide[0]), found.coefficients()[1]
        assert (gap.t, gap.p_value) == (pytest.approx(paired.statistic), pytest.approx(paired.pvalue))
        assert gap.df == pytest.approx(8)
        low, high = paired.confidence_interval()
        assert (gap.lower, gap.upper) == (pytest.approx(low), pytest.approx(high))

    def test_complete_data_at_a_visit_are_a_two_sample_t_test(self):
        rows = balanced()
        found = mmrm(rows, "y ~ arm * C(v)", subject="id", visit="v", df="satterthwaite").differences("arm")
        for v, gap in enumerate(found):
            own = rows[rows["v"] == v]
            two = stats.ttest_ind(*(own.loc[own["arm"] == arm, "y"] for arm in ("arm1", "arm0")))
            assert (gap.time, gap.df) == (v, pytest.approx(12))
            assert gap.t == pytest.approx(two.statistic)

    def test_one_visit_is_least_squares(self):
        rows = balanced(visits=1).assign(x=lambda d: np.arange(len(d)) ** 1.5)
        found = mmrm(rows, "y ~ x + arm", subject="id", visit="v")
        x = np.column_stack((np.ones(14), rows["arm"] == "arm1", rows["x"]))
        coef, rss = np.linalg.lstsq(x, rows["y"])[:2]
        np.testing.assert_allclose(sorted(found.coef), sorted(coef), rtol=1e-9)
        assert found.sigma[0, 0] == pytest.approx(rss[0] / 11)
        assert [c.df for c in found.coefficients()] == [pytest.approx(11)] * 3

    def test_compound_symmetry_is_the_split_plot_anova(self):
        # arms by subjects, error 1 between subjects, error 2 within; all F and degrees of freedom are exact
        arms, subjects, visits = 2, 7, 4
        rows = balanced(arms, subjects, visits)
        y = rows.sort_values(["arm", "id", "v"])["y"].to_numpy().reshape(arms, subjects, visits)
        arm, person, visit, cell = y.mean((1, 2)), y.mean(2), y.mean((0, 1)), y.mean(1)
        between = visits * np.sum((person - arm[:, None]) ** 2) / (arms * (subjects - 1))
        rest = y - person[..., None] - cell[:, None] + arm[:, None, None]
        df = arms * (subjects - 1) * (visits - 1)
        within = np.sum(rest**2) / df
        twist = cell - arm[:, None] - visit + y.mean()
        f_arm = subjects * visits * np.sum((arm - y.mean()) ** 2) / (arms - 1) / between
        f_twist = subjects * np.sum(twist**2) / ((arms - 1) * (visits - 1)) / within
        found = mmrm(rows, "y ~ arm * C(v)", subject="id", visit="v", covariance="cs")
        assert found.sigma[0, 1] == pytest.approx((between - within) / visits)
        assert found.sigma[0, 0] == pytest.approx((between - within) / visits + within)
        (over,) = found.differences("arm", by_visit=False)
        assert (over.t**2, over.df) == (pytest.approx(f_arm), pytest.approx(arms * (subjects - 1)))
        f = found.test("arm:C(v)")
        assert (f.f, f.numerator_df, f.denominator_df) == (pytest.approx(f_twist), 3, pytest.approx(df))
        assert f.scale == pytest.approx(1)

    def test_maximum_likelihood_of_one_sample(self):
        rows = balanced(arms=1, subjects=9, visits=2)
        wide = rows.pivot_table(index="id", columns="v", values="y").to_numpy()
        found = mmrm(rows, "y ~ C(v)", subject="id", visit="v", method="ml", df="satterthwaite")
        sigma = np.cov(wide.T, ddof=0)
        np.testing.assert_allclose(found.sigma, sigma, rtol=1e-9)
        loglik = -0.5 * (18 * log(2 * pi) + 9 * np.linalg.slogdet(sigma)[1] + 18)
        assert found.loglik == pytest.approx(loglik)
        assert found.aic == pytest.approx(2 * 5 - 2 * loglik)
        assert found.bic == pytest.approx(log(9) * 5 - 2 * loglik)


def the_same(one, other, *, gain=1.0):
    """Differences of two fits, the outcome of the second being `gain` times that of the first."""
    for name, factor in (("value", gain), ("std_err", gain), ("df", 1.0), ("p_value", 1.0)):
        a, b = (numbers(fit.differences("arm"), name)[0] for fit in (one, other))
        np.testing.assert_allclose(np.multiply(a, factor), b, rtol=1e-7)


class TestInvariance:
    @few(15)
    @given(
        gain=st.floats(1e-4, 1e4),
        move=st.floats(-1e3, 1e3),
        scale=st.floats(1e-3, 1e3),
        away=st.floats(-1e3, 1e3),
    )
    def test_affine_change_of_outcome_and_covariate(self, gain, move, scale, away):
        frame = small()
        changed = frame.assign(chg=gain * (frame["chg"] + move), base=scale * (frame["base"] + away))
        one, other = mmrm(frame, **SMALL), mmrm(changed, **SMALL)
        the_same(one, other, gain=gain)
        np.testing.assert_allclose(gain**2 * one.sigma, other.sigma, rtol=1e-7)
        assert other.loglik == pytest.approx(
            one.loglik - (116 - 13) * log(gain) - log(scale), rel=1e-9, abs=1e-6
        )

    @few(15)
    @given(st.randoms(use_true_random=False))
    def test_order_of_rows_and_names_of_subjects(self, random):
        frame = small()
        order, names = list(frame.index), list(range(1, 23))
        random.shuffle(order)
        random.shuffle(names)
        moved = frame.loc[order].assign(id=lambda d: d["id"].map(dict(enumerate(names, 1))))
        the_same(mmrm(frame, **SMALL), mmrm(moved, **SMALL))

    def test_names_of_visits(self):
        frame = small()
        named = frame.assign(visit=frame["visit"].map(lambda v: f"week {v[1:]}"))
        one, other = mmrm(frame, **SMALL), mmrm(named, **SMALL)
        the_same(one, other)
        assert [gap.time for gap in other.differences("arm")][:2] == ["week 01", "week 04"]

    def test_order_of_visits_under_us(self):
        frame = small()
        back = frame.assign(
            visit=pd.Categorical(frame["visit"], categories=sorted(set(frame["visit"]))[::-1])
        )
        one, other = (mmrm(f, **SMALL) for f in (frame, back))
        np.testing.assert_allclose(one.sigma[::-1, ::-1], other.sigma, rtol=1e-8)
        assert one.loglik == pytest.approx(other.loglik, rel=1e-12)

    def test_reference_level(self):
        frame = small()
        turned = frame.assign(arm=pd.Categorical(frame["arm"], categories=["ACT", "CTL"]))
        one, other = mmrm(frame, **SMALL), mmrm(turned, **SMALL)
        gaps = other.differences("arm", reference="CTL")
        assert [gap.group for gap in gaps] == ["ACT - CTL"] * 6
        for name in ("value", "std_err", "df", "p_value"):
            np.testing.assert_allclose(*(numbers(g, name) for g in (one.differences("arm"), gaps)), rtol=1e-7)
        means = {(m.group, m.time): m.value for m in one.ls_means("arm")}
        assert means == pytest.approx({(m.group, m.time): m.value for m in other.ls_means("arm")})

    def test_unit_of_time_under_sp_exp(self):
        weeks = {"W01": 1, "W04": 4, "W08": 8, "W12": 12, "W24": 24, "W48": 48}
        days = {visit: 7 * week for visit, week in weeks.items()}
        one, other = (mmrm(small(), **SMALL, covariance="sp_exp", times=times) for times in (weeks, days))
        the_same(one, other)
        assert one.covariance == other.covariance == "sp_exp"

    def test_equally_spaced_sp_exp_is_ar1(self):
        frame = small()
        one = mmrm(frame, **SMALL, covariance="ar1")
        other = mmrm(frame, **SMALL, covariance="sp_exp", times=range(6))
        the_same(one, other)
        assert one.loglik == pytest.approx(other.loglik, rel=1e-12)

    def test_the_frame_is_not_changed(self):
        frame = small()
        before = frame.copy(deep=True)
        mmrm(frame, **SMALL).ls_means("arm")
        pd.testing.assert_frame_equal(frame, before)


class TestTypes:
    @pytest.mark.parametrize(
        "change",
        [
            {"chg": lambda d: d["chg"].astype("Float64"), "base": lambda d: d["base"].astype("Float64")},
            {"visit": lambda d: d["visit"].astype("string")},
            {"visit": lambda d: pd.Categorical(d["visit"], categories=["W00", *sorted(set(d["visit"]))])},
            {"id": lambda d: d["id"].map("patient {}".format)},
        ],
    )
    def test_same_fit(self, change):
        the_same(mmrm(small(), **SMALL), mmrm(small().assign(**change), **SMALL))

    @pytest.mark.parametrize("term", ["center(base)", "scale(base)", "poly(base, 1)"])
    def test_stateful_transforms(self, term):
        one, other = (
            mmrm(small(), **{**SMALL, "formula": f"chg ~ {x} + arm * visit"}) for x in ("base", term)
        )
        for a, b in zip(one.ls_means("arm"), other.ls_means("arm"), strict=True):
            assert (a.value, a.std_err) == (pytest.approx(b.value), pytest.approx(b.std_err))

    def test_outcome_made_by_the_formula(self):
        frame = small().assign(whole=lambda d: np.exp(d["chg"]))
        the_same(
            mmrm(frame, **SMALL), mmrm(frame, **{**SMALL, "formula": "np.log(whole) ~ base + arm * visit"})
        )


class TestRepeatedSubjects:
    def test_twice_the_subjects_have_the_same_ml_fit(self):
        frame = small()
        twice = pd.concat([frame, frame.assign(id=frame["id"] + 100)])
        one, two = (
            mmrm(f, **SMALL, method="ml", df="satterthwaite", covariance="csh") for f in (frame, twice)
        )
        np.testing.assert_allclose(one.sigma, two.sigma, rtol=1e-8)
        np.testing.assert_allclose(one.vcov, 2 * two.vcov, rtol=1e-7, atol=1e-10)
        assert two.loglik == pytest.approx(2 * one.loglik, rel=1e-10)


class TestFallback:
    def test_visits_never_seen_together(self):
        frame = small()
        apart = frame[~(frame["visit"].eq("W24") & frame["id"].le(11))]
        apart = apart[~(apart["visit"].eq("W48") & apart["id"].gt(11))]
        model = {**SMALL, "formula": "chg ~ base + visit"}
        found = mmrm(apart, **model)
        # adh: W12 with W48 and W12 with W24 ask for a correlation above 1 of W24 with W48
        assert (found.requested, found.covariance) == ("us", "csh")
        us, adh = found.failures
        assert us == because(Why.NO_SUBJECT_HAS_BOTH, first="W24", second="W48", structure="us")
        assert ("structure", "adh") in adh.about
        assert found.to_frame().query("statistic == 'aic'")["reason"].item() == together((us, adh))

    def test_one_patient_at_a_visit(self):
        # the mean of the visit fits its one value: its own variance is 0, only a common variance exists
        frame = small()
        lone = frame[~(frame["visit"].eq("W48") & frame["id"].ne(1))]
        found = mmrm(lone, **{**SMALL, "formula": "chg ~ base + visit"})
        assert found.covariance == "cs"
        assert found.failures == tuple(
            because(Why.HESSIAN_SINGULAR, structure=name) for name in ("us", "adh", "csh")
        )
        assert np.isfinite(found.vcov).all()

    def test_fewer_subjects_than_visits(self):
        few = small().query("id <= 4")
        found = mmrm(few, **{**SMALL, "formula": "chg ~ visit"})
        assert found.covariance != "us"
        assert ("structure", "us") in found.failures[0].about

    def test_more_parameters_than_residual_degrees_of_freedom(self):
        few = small().query("id <= 3 and visit < 'W24'")
        found = mmrm(few, **{**SMALL, "formula": "chg ~ visit"})
        assert found.failures[0] == because(Why.TOO_MANY_PARAMETERS, parameters=10, free=8, structure="us")

    def test_two_visits_with_the_same_values(self):
        frame = small()
        first = frame[frame["visit"].eq("W01")].set_index("id")["chg"]
        frame.loc[frame["visit"].eq("W04"), "chg"] = frame["id"].map(first)
        found = mmrm(frame, **{**SMALL, "formula": "chg ~ base + visit"})
        assert found.failures[0] == because(Why.SINGULAR_COVARIANCE, structure="us")
        assert found.covariance == "csh"

    def test_nothing_left_is_an_error_with_every_reason(self):
        few = small().query("id <= 3 and visit < 'W24'")
        with pytest.raises(ValueError, match="no covariance structure has a proven maximum, got us: 10 cov"):
            mmrm(few, **{**SMALL, "formula": "chg ~ visit"}, fallback=())

    def test_starts_after_the_structure_asked_for(self):
        frame = small()
        lone = frame[~(frame["visit"].eq("W48") & frame["id"].ne(1))]
        found = mmrm(lone, **{**SMALL, "formula": "chg ~ base + visit"}, covariance="csh")
        assert [dict(failure.about)["structure"] for failure in found.failures] == ["csh"]

    def test_no_failure_no_fallback(self):
        assert mmrm(small(), **SMALL).failures == ()


class TestRefused:
    @pytest.mark.parametrize(
        ("change", "options", "message"),
        [
            ({}, {"covariance": "arma"}, "covariance must be one of"),
            ({}, {"fallback": ("un",)}, "covariance must be one of .*got 'un'"),
            ({}, {"method": "gee"}, r"method must be one of \['reml', 'ml'\], got 'gee'"),
            ({}, {"df": "kr"}, "df must be one of"),
            ({}, {"information": "both"}, "information must be one of"),
            ({}, {"conf_level": 95}, "conf_level must be between 0 and 1, got 95"),
            ({}, {"method": "ml"}, "df must be 'satterthwaite' with method 'ml', got 'kenward-roger'"),
            ({}, {"formula": "base + arm"}, "formula must be like"),
            ({}, {"formula": "chg ~ (arm"}, "formula must be like"),
            ({}, {"formula": "chg ~ dose"}, r"none called \['dose'\]"),
            ({}, {"subject": "patient"}, r"none called \['patient'\]"),
            ({}, {"formula": "chg ~ 0"}, "at least one fixed effect"),
            (
                {"id": lambda d: d["id"].where(d["id"] > 1)},
                {},
                "id must not be missing, got 6 missing of 132",
            ),
            ({"base": lambda d: d["base"].where(d["id"] > 1)}, {}, "'base' missing in 6 rows"),
            ({"chg": lambda d: d["chg"].where(d["id"] > 1, np.inf)}, {}, "must be finite"),
            ({"chg": lambda d: d["chg"] * np.nan}, {}, "rows with an outcome, got none"),
            ({"chg": "a lot"}, {}, r"outcome must be numeric, got \['chg'\]"),
            ({}, {"formula": "chg + base ~ arm"}, "one numeric outcome, got .*'base'"),
            ({"chg": 1.5}, {}, "must vary about the fixed effects"),
            ({"chg": lambda d: 3 + 2 * d["base"]}, {}, "must vary about the fixed effects"),
            ({"visit": "W01"}, {}, r"one row a visit, got 110 more, the first at \(1, 'W01'\)"),
            (
                {},
                {"formula": "chg ~ base + I(2 * base + 1) + arm"},
                r"no collinear terms, got \['Intercept', 'base', 'I\(2 \* base \+ 1\)'\]",
            ),
            ({}, {"covariance": "sp_exp"}, "times must be given for 'sp_exp'"),
            ({}, {"times": [1, 2, 3]}, "one time for each of"),
            ({}, {"times": {"W01": 1}}, "none for .*W04"),
            ({}, {"times": [1, 4, 3, 12, 24, 48]}, "times must rise"),
            ({}, {"covariance": "toep", "times": [1, 4, 8, 12, 24, 48]}, "equally spaced for 'toep'"),
        ],
    )
    def test_arguments(self, change, options, message):
        with pytest.raises(ValueError, match=message):
            mmrm(small().assign(**change), **{**SMALL, **options})

    def test_visit_of_one_arm_only_without_interaction(self):
        frame = small()
        gone = frame[~(frame["visit"].eq("W48") & frame["arm"].eq("ACT"))]
        found = mmrm(gone, **{**SMALL, "formula": "chg ~ base + arm + visit"})
        assert found.n_obs == 106

    def test_more_coefficients_than_rows(self):
        with pytest.raises(ValueError, match="more rows than coefficients are needed, got 6 rows and 6 coef"):
            mmrm(small().query("id == 1"), **{**SMALL, "formula": "chg ~ visit"})


class TestResult:
    def test_missing_outcomes_are_counted(self):
        found = mmrm(small(), **SMALL)
        assert (found.n_obs, found.n_dropped, found.n_patterns) == (116, 16, 5)

    def test_contrast_is_that_of_the_difference(self):
        found = mmrm(small(), **SMALL)
        gap = found.differences("arm")[5]
        own = found.contrast(gap.weights)
        assert (own.value, own.std_err) == (pytest.approx(gap.value), pytest.approx(gap.std_err))
        assert (own.df, own.p_value) == (pytest.approx(gap.df), pytest.approx(gap.p_value))
        assert own.value == pytest.approx(gap.weights @ found.coef)
        assert own.std_err == pytest.approx(sqrt(gap.weights @ found.vcov @ gap.weights))

    @pytest.mark.parametrize("df", ["satterthwaite", "kenward-roger"])
    def test_joint_test_of_one_is_t_squared(self, df):
        found = mmrm(small(), **SMALL, df=df)
        gap = found.differences("arm")[5]
        f = found.test([gap.weights])
        assert (f.f, f.p_value) == (pytest.approx(gap.t**2), pytest.approx(gap.p_value))
        assert (f.numerator_df, f.denominator_df, f.scale) == (1, pytest.approx(gap.df), 1)

    @pytest.mark.parametrize("df", ["satterthwaite", "kenward-roger"])
    def test_joint_test_does_not_depend_on_the_basis(self, df):
        found = mmrm(small(), **SMALL, df=df)
        rows = np.eye(13)[-5:]
        turned = np.triu(np.ones((5, 5))) @ rows
        one, other = found.test(rows), found.test(turned)
        assert one.f == pytest.approx(other.f)
        if df == "kenward-roger":  # Satterthwaite's depends on it through the covariance only
            assert one.denominator_df == pytest.approx(other.denominator_df)

    def test_wrong_weights(self):
        found = mmrm(small(), **SMALL)
        with pytest.raises(ValueError, match="weights must have 13 columns"):
            found.contrast([1, 0])
        with pytest.raises(ValueError, match=r"weights must have shape \(13,\)"):
            found.contrast(np.eye(13))
        with pytest.raises(ValueError, match="linearly independent"):
            found.test(np.ones((2, 13)))
        with pytest.raises(ValueError, match="finite"):
            found.contrast([np.nan] * 13)
        with pytest.raises(ValueError, match="term must be one of"):
            found.test("arm:dose")

    def test_weights_of_0_have_no_test(self):
        none = mmrm(small(), **SMALL).contrast(np.zeros(13))
        assert (none.value, none.reason) == (0, because(Why.NO_SPREAD))
        assert np.isnan([none.std_err, none.df, none.p_value, none.lower]).all()

    def test_level_of_the_limits(self):
        wide, narrow = (mmrm(small(), **SMALL, conf_level=c).differences("arm")[5] for c in (0.95, 0.5))
        assert wide.upper - wide.value == pytest.approx(stats.t.ppf(0.975, wide.df) * wide.std_err)
        assert narrow.upper - narrow.value == pytest.approx(stats.t.ppf(0.75, wide.df) * wide.std_err)

    def test_long_form(self):
        found = mmrm(small(), **SMALL, unit="points")
        frame = found.to_frame()
        assert list(frame.columns) == list(COLUMNS)
        assert set(frame["method"]) == {"mmrm:us, reml, kenward-roger"}
        own = frame.query("statistic == 'coefficient'")
        assert list(own["group"]) == list(found.terms)
        np.testing.assert_array_equal(own["value"], found.coef)
        sd = frame.query("statistic == 'sd'")
        np.testing.assert_allclose(sd["value"], np.sqrt(np.diag(found.sigma)))
        assert list(sd["time"]) == list(found.visits)
        assert set(sd["unit"]) == {"points"}
