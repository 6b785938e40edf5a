"""What is asked of one patient's life, drawn at random: each contradiction that is in it once, and none that is not."""

from datetime import date, timedelta

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from tests.data.queries.asking import asked
from tests.data.small_trial import DOSE, PROTOCOL, ds, lb, patient, trial
from tests.examples import few

RANDOMISED = date(2025, 1, 10)
ARMS = {arm.code: arm.label for arm in PROTOCOL.arms}
OTHERWISE, BELOW = "treated otherwise than randomised", "dose below the arm's, and no reason"
NAMED, AFTER, NO_END = (
    *("arm named otherwise than by its code", "record after the end of participation"),
    "end of participation not recorded",
)
LATER = 30  # days


def on(day: int) -> str:
    return f"{RANDOMISED + timedelta(day)}"


@few(20)
@given(
    arm=st.sampled_from(list(ARMS)),
    actual=st.sampled_from([*ARMS, None]),
    named=st.sampled_from(list(ARMS)),
    doses=st.lists(st.tuples(st.sampled_from([0.5, 1, 2, 3, 4]), st.booleans()), max_size=3),
    end=st.none() | st.integers(100, 500),
    seen=st.lists(st.integers(1, 600), max_size=3, unique=True),
    cutoff=st.integers(300, 600),
)
def test_each_contradiction_of_a_life_is_asked_about_once(arm, actual, named, doses, end, seen, cutoff):
    life = patient("P", arm, ARM=ARMS[named], ACTARMCD=actual, ACTARM=actual and ARMS[actual])
    usual = life["EX"][0]
    life["EX"] = [
        usual
        | {"EXDOSE": f"{dose:g}", "EXSTDTC": on(1 + 28 * i), "EXENDTC": on(1 + 28 * i)}
        | {"EXADJ": "x" if why else None}
        for i, (dose, why) in enumerate(doses)
    ]
    ends = [ds("P", "COMPLETED", on(end))] if end else []
    tables = trial(life, patient("Q"), DS=ends, LB=[lb("P", "ALT", "30", on(day)) for day in seen])
    queries = asked(tables, cutoff=pd.Timestamp(on(cutoff)))
    own = queries[queries["USUBJID"].eq("P") & queries["rule"].isin([OTHERWISE, BELOW, NAMED, AFTER, NO_END])]

    planned = float(DOSE[arm])
    expected = [(OTHERWISE, f"EX {i}") for i, (dose, _) in enumerate(doses, 1) if dose > planned]
    expected += [(BELOW, "EX")] if any(dose < planned and not why for dose, why in doses) else []
    expected += [(OTHERWISE, "DM")] if (actual is None and doses) or actual not in (arm, None) else []
    expected += [(NAMED, "DM")] if named != arm else []
    late = [day for day in seen if end and day > end + LATER]
    expected += [(AFTER, f"LB {seen.index(min(late)) + 1}")] if late else []
    last = max([0, *seen, *(1 + 28 * i for i in range(len(doses)))])
    expected += [(NO_END, "DS")] if not end and last < 365 and cutoff >= 365 + LATER else []
    assert sorted(zip(own["rule"], own["record"], strict=True)) == sorted(expected)


@few(10)
@given(numbers=st.sets(st.integers(1, 12), min_size=1), others=st.sets(st.integers(1, 12), min_size=1))
def test_every_number_that_is_left_out_below_the_last_is_counted(numbers, others):
    """Of each patient by itself; where more are left out than are there, numbers count nothing."""
    held = {"P": sorted(numbers), "Q": sorted(others)}
    rows = [lb(who, "ALT", "30", on(n)) | {"LBSEQ": f"{n}"} for who, own in held.items() for n in own]
    tables = trial(patient("P"), patient("Q"), LB=rows)
    told = asked(tables)
    told = told[told["rule"].eq("sequence with a gap")]["message"].tolist()
    through = len({n for own in held.values() for n in own}) == len(rows)  # numbered through all patients
    groups = [sorted({n for own in held.values() for n in own})] if through else list(held.values())
    gone = sum(max(own) - len(own) for own in groups)
    counts = gone and not any(max(own) > 2 * len(own) for own in groups)
    assert [line.split(" (")[0].split(" of ")[0] for line in told] == (
        [f"LBSEQ leaves out {gone} number{'s' * (gone > 1)}"] if counts else []
    )
