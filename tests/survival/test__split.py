"""Every way to the exact log-rank against all allocations in fractions: late events, one arm alone, ties, no events."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from esld.randomisation import CompleteRandomisation, PermutedBlocks, randomisation_test
from esld.survival import exact_logrank, logrank_statistic
from tests.randomisation.explicit import coin

RATIONAL = (
    {}, {"rho": 1}, {"gamma": 1}, {"rho": 1, "gamma": 1}, {"rho": 2, "gamma": 3}, {"weights": "gehan"},
)  # fmt: skip
ANY = (*RATIONAL, {"rho": 0.5}, {"rho": 0.5, "gamma": 0.5}, {"weights": "tarone-ware"})


def any_times(largest):
    """Times, events and strata, with ties."""
    rows = st.tuples(st.integers(0, 4), st.booleans(), st.integers(0, 1))
    return st.lists(rows, min_size=2, max_size=largest)


def late_events(largest):
    """Only the last times are events, so that in many allocations one arm is alone at risk."""
    return st.tuples(st.integers(4, largest), st.integers(1, 4), st.randoms(use_true_random=False)).map(
        lambda drawn: [
            (t, t >= drawn[0] - drawn[1], t % 2) for t in drawn[2].sample(range(drawn[0]), drawn[0])
        ]
    )


def in_two_arms(rows):
    def with_codes(drawn):
        n = len(drawn)
        return st.tuples(st.integers(1, n - 1), st.randoms(use_true_random=False)).map(
            lambda how: (drawn, how[1].sample([1] * how[0] + [0] * (n - how[0]), n))
        )

    return rows.flatmap(with_codes)


def samples(largest):
    return in_two_arms(st.one_of(any_times(largest), late_events(largest)))


def columns(sample):
    rows, codes = sample
    time, event, stratum = (list(column) for column in zip(*rows, strict=True))
    return time, event, stratum, list(codes)


def in_fractions(time, event, stratum, codes, weights, *, allocation):
    """U and V of one allocation: by the definition, without the package."""
    u = v = Fraction(0)
    for s in set(stratum):
        own, left = [i for i in range(len(time)) if stratum[i] == s], Fraction(1)
        for t in sorted({time[i] for i in own if event[i]}):
            risk = [i for i in own if time[i] >= t]
            died = [i for i in risk if time[i] == t and event[i]]
            n, d = len(risk), len(died)
            k, own_d = (sum(allocation[i] for i in some) for some in (risk, died))
            w = Fraction(n) if "weights" in weights else Fraction(1)
            w *= left ** weights.get("rho", 0) * (1 - left) ** weights.get("gamma", 0)
            u += w * (own_d - Fraction(d * k, n))
            if n > 1:
                v += w**2 * Fraction(d * k * (n - k) * (n - d), n * n * (n - 1))
            left *= Fraction(n - d, n)
    return u, v


def brute_force(time, event, stratum, codes, weights, *, studentised):
    """Two-sided, lower, upper and tie probability over all allocations with these arm sizes.

    z is ordered by the sign of U times U^2 / V, and is 0 where V is 0.
    """

    def value(allocation):
        u, v = in_fractions(time, event, stratum, codes, weights, allocation=allocation)
        if not studentised:
            return u
        assert v or not u
        return u * abs(u) / v if v else Fraction(0)

    n = len(codes)
    chosen = combinations(range(n), sum(codes))
    every = [value([int(i in some) for i in range(n)]) for some in chosen]
    mine, size = value(codes), len(every)
    return tuple(
        count / size
        for count in (
            sum(abs(x) >= abs(mine) for x in every),
            sum(x <= mine for x in every),
            sum(x >= mine for x in every),
            sum(x == mine for x in every),
        )
    )


def found(test):
    return test.p_value, test.p_lower, test.p_upper, test.p_tie


class TestInFractions:
    @given(samples(7), st.sampled_from(RATIONAL), st.booleans(), st.booleans())
    @example(
        ([(1, 0, 0), (2, 0, 0), (3, 0, 0), (10, 1, 0), (11, 1, 0), (12, 1, 0)], [1, 1, 0, 1, 0, 0]),
        {}, True, False,
    )  # fmt: skip
    def test_every_way(self, sample, weights, studentised, stratified):
        time, event, stratum, codes = columns(sample)
        strata = stratum if stratified else None
        wanted = brute_force(time, event, strata or [0] * len(time), codes, weights, studentised=studentised)
        options = {"studentised": studentised, "strata": strata, **weights}
        short = exact_logrank(time, event, codes, **options)
        listed = (
            exact_logrank(
                time,
                event,
                codes,
                design=PermutedBlocks(
                    n=len(time),
                    sizes=(len(time),),
                ),
                **options,
            )
            if sum(codes) * 2 == len(codes)
            else short
        )
        assert found(short) == pytest.approx(wanted, abs=1e-12)
        assert found(listed) == pytest.approx(wanted, abs=1e-12)


class Listed:
    """A statistic without its short way."""

    def __init__(self, statistic):
        self.name, self.resolution, self.call = statistic.name, statistic.resolution, statistic

    def __call__(self, allocations):
        return self.call(allocations)


class TestShortWayIsListing:
    @given(samples(12), st.sampled_from(ANY))
    def test_of_a_log_rank(self, sample, weights):
        time, event, stratum, codes = columns(sample)
        design = CompleteRandomisation(sizes=(codes.count(0), codes.count(1)))
        for studentised, strata in ((True, None), (False, None), (False, stratum)):
            statistic = logrank_statistic(time, event, studentised=studentised, strata=strata, **weights)
            short, listed = (
                randomisation_test(s, codes, design=design) for s in (statistic, Listed(statistic))
            )
            assert short.observed == listed.observed
            assert found(short) == pytest.approx(found(listed), abs=1e-12)
            assert short.reason == listed.reason


class TestCases:
    """Right values by brute force over all allocations, in fractions."""

    def test_late_events(self):
        group = list("BBAABBB")
        test = exact_logrank([2, 1, 1, 1, 0, 0, 1], [0, 1, 1, 1, 0, 0, 1], group, studentised=True)
        assert found(test)[:3] == pytest.approx((12 / 21, 6 / 21, 1))

    def test_one_arm_alone_at_the_end(self):
        test = exact_logrank([7, 2, 7, 4, 2, 3], [1, 0, 0, 1, 0, 1], [1, 0, 1, 1, 0, 1], studentised=True)
        assert test.p_lower == pytest.approx(8 / 15)

    def test_eleven_to_an_arm_and_the_deaths_last(self):
        time, event = [*range(1, 20), 20, 22, 23], [0] * 19 + [1] * 3
        group = list("BAABBABABAABBBBAAABBAA")
        test = exact_logrank(time, event, group, studentised=True)
        # Only the last three are at risk at an event: z depends on their arms alone.
        listed = exact_logrank(time, event, group, studentised=True, design=PermutedBlocks(n=22, sizes=(22,)))
        assert found(test) == pytest.approx(found(listed), abs=1e-12)
        assert test.p_value == pytest.approx(self.three_at_the_end())

    @staticmethod
    def three_at_the_end():
        """The arms of the last three, hypergeometric, and z of each in fractions; observed: B, A, A."""
        chance, signed = {}, {}
        for arms in np.ndindex(2, 2, 2):
            u, v = in_fractions([0, 1, 2], [1, 1, 1], [0] * 3, None, {}, allocation=arms)
            signed[arms] = u * abs(u) / v if v else Fraction(0)
            of_b = sum(arms)
            left = 19
            weight = Fraction(1)
            for i in range(11 - of_b):  # 19 over 11 - of_b
                weight = weight * (left - i) / (i + 1)
            chance[arms] = weight
        total = sum(chance.values())
        return float(sum(c for a, c in chance.items() if abs(signed[a]) >= abs(signed[1, 0, 0])) / total)


class TestDesignsOfOtherSizes:
    @given(samples(6), st.sampled_from(RATIONAL))
    def test_an_arm_can_be_empty(self, sample, weights):
        """Simple randomisation: U and z in fractions for each of 2^n allocations; nobody in an arm: 0."""
        time, event, _, codes = columns(sample)
        test = exact_logrank(time, event, codes, studentised=True, design=coin(len(codes)), **weights)
        every = []
        for bits in np.ndindex(*[2] * len(codes)):
            u, v = in_fractions(time, event, [0] * len(codes), None, weights, allocation=bits)
            every.append(u * abs(u) / v if v else Fraction(0))
        u, v = in_fractions(time, event, [0] * len(codes), None, weights, allocation=codes)
        mine = u * abs(u) / v if v else Fraction(0)
        assert test.p_value == pytest.approx(sum(abs(x) >= abs(mine) for x in every) / len(every))
