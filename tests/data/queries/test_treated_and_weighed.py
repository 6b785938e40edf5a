"""Who was treated when, how participation ends, what patients weigh: drawn at random, against a count of the test's own."""

from datetime import date, timedelta

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tests.data.queries.asking import asked
from tests.data.small_trial import ds, event, patient, trial
from tests.examples import few

EXPOSURE, IMPOSSIBLE, WEIGHT = (
    *("exposure in DM and EX disagree", "participation cannot have ended so"),
    "weight and height disagree",
)
DAYS = ("2025-01-11", "2025-02-08", "2025-03-08")
NOT_TREATED, NOT_ASSIGNED = "ASSIGNED, NOT TREATED", "NOT ASSIGNED"


def about(queries: pd.DataFrame, rule: str) -> list[tuple[str, str]]:
    own = queries[queries["rule"].eq(rule)]
    return sorted(zip(own["USUBJID"], own["record"], strict=True))


a_day = st.none() | st.sampled_from(DAYS)


@few(12)
@given(st.lists(st.tuples(st.sets(st.sampled_from(DAYS)), a_day, a_day), min_size=3, max_size=3))
def test_days_of_exposure_that_differ_are_asked_about_and_no_others(lives):
    """Of each patient the days of EX, and the first and the last day of DM."""
    people = {
        who: patient(who, infused=tuple(sorted(given_on)), RFXSTDTC=first, RFXENDTC=last)
        for who, (given_on, first, last) in zip("PQR", lives, strict=True)
    }
    queries = asked(trial(*people.values()))
    lost, expected = [], []
    stated = sum(bool(given_on and first) for given_on, first, _ in lives)
    treated = sum(bool(given_on) for given_on, *_ in lives)
    for who, (given_on, first, last) in zip("PQR", lives, strict=True):
        if not given_on:
            lost += [who] if first or last else []
            continue
        expected += [(who, "DM")] if first is None and stated * 2 > treated else []
        expected += [
            (who, "DM") for said, own in ((first, min), (last, max)) if said not in (None, own(given_on))
        ]
    if len(lost) > 1 and not treated:
        [(_, record)] = about(queries, EXPOSURE)
        assert record == "DM"
        told = queries.loc[queries["rule"].eq(EXPOSURE), "message"].item()
        assert f"DM says when {len(lost)} patients were treated, and EX has no record of anybody" in told
    else:
        assert about(queries, EXPOSURE) == sorted([*expected, *((who, "DM") for who in lost)])


@few(12)
@given(
    st.lists(
        st.tuples(
            st.booleans(), st.booleans(), st.sampled_from(["COMPLETED", "SCREEN FAILURE"]),
            st.sampled_from([None, NOT_TREATED, NOT_ASSIGNED, "SCREEN FAILURE"]),
        ),
        min_size=3, max_size=3,
    )
)  # fmt: skip
def test_an_end_that_cannot_be_is_asked_about_and_no_other(lives):
    people, ends, expected = [], [], []
    for who, (randomised, treated, end, why) in zip("PQR", lives, strict=True):
        day = "2025-01-10" if randomised else None
        people.append(patient(who, randomised=day, infused=DAYS[:1] if treated else (), ARMNRS=why))
        ends.append(ds(who, end, "2025-06-01"))
        expected += [(who, "DS 3")] if randomised and end == "SCREEN FAILURE" else []
        never = why in (NOT_ASSIGNED, "SCREEN FAILURE") or (why == NOT_TREATED and treated)
        expected += [(who, "DM")] if randomised and never else []
    assert about(asked(trial(*people, patient("S"), DS=ends)), IMPOSSIBLE) == sorted(expected)


@few(12)
@given(
    st.lists(st.tuples(st.integers(150, 190), st.floats(21, 25)), min_size=7, max_size=9),
    st.sampled_from(["right", "in pounds", "as kilograms, though they were in pounds"]),
)
def test_the_weights_of_one_patient_in_another_unit_are_asked_about(bodies, how):
    factor = {"right": 1, "in pounds": 2.20462, "as kilograms, though they were in pounds": 0.453592}[how]
    signs = []
    for who, (height, index) in enumerate(bodies):
        size = factor if who == 0 else 1
        signs += [
            event("VS", f"P{who}", "2025-01-09", VSTESTCD="HEIGHT", VSORRES=f"{height}", VSORRESU="cm"),
            *(
                event(
                    "VS",
                    f"P{who}",
                    f"{date(2025, 1, 9) + timedelta(week * 7)}",
                    VSTESTCD="WEIGHT",
                    VSORRES=f"{kg:.1f}",
                    VSORRESU="kg",
                )
                for week in range(3)
                for kg in [index * (height / 100) ** 2 * size + week]
            ),
        ]
    queries = asked(trial(*(patient(f"P{n}") for n in range(len(bodies))), VS=signs))
    subjects = set(queries.loc[queries["rule"].eq(WEIGHT), "USUBJID"])
    assert subjects == (set() if how == "right" else {"P0"})
