"""Values that contradict each other in pairs: found whatever the factor and the visit, and not asked about without a fault."""

import numpy as np
import pandas as pd
from hypothesis import assume, given
from hypothesis import strategies as st

from esld.data import queries
from esld.data.queries.ask import Evidence
from tests.data.small_trial import PROTOCOL
from tests.examples import few

SAME, EXCHANGED = "tests that tell the same disagree", "results of two patients exchanged"
NONE = pd.DataFrame({"USUBJID": [], "RANDFL": []})


def asked(rule: str, rows: list[tuple[str, str, int, float]]) -> list[queries.Query]:
    """The queries of one rule about results of patients: test, day and value."""
    made = pd.DataFrame(rows, columns=["USUBJID", "PARAMCD", "day", "AVAL"])
    made["ADT"] = pd.Timestamp("2025-01-01") + pd.to_timedelta(made.pop("day"), "D")
    empty = dict.fromkeys(("ADY", "AVISIT", "ANRLO", "ANRHI", "POSTTPFL", "DTYPE"))
    adlb = made.assign(**empty, AVALU="u", SRCDOM="LB", SRCSEQ=made.groupby("USUBJID").cumcount() + 1)
    return list(queries.RULES[rule][1](Evidence({}, NONE, adlb, PROTOCOL)))


def coagulation(seed: int, patients: int, mixed: bool) -> list[tuple[str, str, int, float]]:
    """PT and INR of patients, of one laboratory with some ISI from 0.9 to 1.4, or each of a laboratory of its own."""
    random = np.random.default_rng(seed)
    rows, one = [], (random.uniform(11, 14), random.uniform(0.9, 1.4))
    for n in range(patients):
        normal, isi = (random.uniform(11, 14), random.uniform(0.9, 1.4)) if mixed else one
        for day, ratio in enumerate(np.exp(random.uniform(0, np.log(3), 5))):
            inr = round(float(ratio**isi * np.exp(random.normal(0, 0.02))), 2)
            rows += [(f"P{n}", "PT", day, round(float(normal * ratio), 1)), (f"P{n}", "INR", day, inr)]
    return rows


class TestTwoTestsThatTellTheSame:
    @few(20)
    @given(seed=st.integers(0, 10**6), patients=st.integers(2, 20), mixed=st.booleans())
    def test_are_not_asked_about_whatever_the_laboratories(self, seed, patients, mixed):
        assert asked(SAME, coagulation(seed, patients, mixed)) == []

    @few(20)
    @given(
        seed=st.integers(0, 10**6),
        factor=st.floats(2.2, 5),
        up=st.booleans(),
        test=st.integers(0, 1),
        data=st.data(),
    )
    def test_one_that_is_wrong_by_a_factor_is_asked_about_with_both_records(
        self, seed, factor, up, test, data
    ):
        rows = coagulation(seed, 5, mixed=False)
        at = 2 * data.draw(st.integers(0, len(rows) // 2 - 1)) + test
        who, code, day, value = rows[at]
        rows[at] = (who, code, day, value * factor if up else value / factor)
        bounds = PROTOCOL.parameter(code).plausible
        assume(bounds[0] <= rows[at][3] <= bounds[1])  # what is outside has a query of its own
        (query,) = asked(SAME, rows)
        first = 2 * day + 1
        assert (query.subject, query.record) == (who, f"LB {first} / LB {first + 1}")


LEVELS = {"ALT": 60, "AST": 50, "ALB": 25, "ALP": 90, "BILI": 40, "CREAT": 80}


def courses(seed: int, apart: float) -> tuple[list[tuple[str, str, int, float]], np.random.Generator]:
    """Six tests of eight patients on six visits, a few days apart; two patients differ in each test by a factor or more."""
    random = np.random.default_rng(seed)
    level = {(n, code): apart ** ((n + k) % 2) for n in range(8) for k, code in enumerate(LEVELS)}
    return [
        (f"P{n}", code, 30 * v + n, usual * level[n, code] * float(np.exp(random.normal(0, 0.05))))
        for n in range(8)
        for v in range(6)
        for code, usual in LEVELS.items()
    ], random


class TestResultsOfTwoPatients:
    def test_of_nobody(self):
        assert asked(EXCHANGED, []) == asked(SAME, []) == []

    @few(10)
    @given(seed=st.integers(0, 10**6), apart=st.floats(1, 2))
    def test_each_in_its_place_are_not_asked_about(self, seed, apart):
        assert asked(EXCHANGED, courses(seed, apart)[0]) == []

    @few(10)
    @given(
        seed=st.integers(0, 10**6), visit=st.integers(0, 5), one=st.integers(0, 3), other=st.integers(0, 3)
    )
    def test_exchanged_at_any_visit_are_asked_about_with_both(self, seed, visit, one, other):
        rows, _ = courses(seed, 1.6)
        places = [(f"P{2 * one}", 30 * visit + 2 * one), (f"P{2 * other + 1}", 30 * visit + 2 * other + 1)]
        new = dict(zip(places, reversed(places), strict=True))
        moved = [(*new.get((who, day), (who, day)), code, value) for who, code, day, value in rows]
        found = asked(EXCHANGED, [(who, code, day, value) for who, day, code, value in moved])
        (query,) = found
        assert {query.subject, *(word.rstrip(".") for word in query.message.split())} >= {
            who for who, _ in places
        }
