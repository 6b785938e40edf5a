"""A trial's life: patients enrol, are treated, come to visits, fall ill, are lost or die; cuts are made on any day in any view.

Whatever happened, in whatever order: a cut tells what was so on its day and nothing later, its counts add up, a correction
changes what it names, and a view does not depend on what it hides.
"""

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random

import pandas as pd
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from esld.data import store
from esld.data.changes import record_changes
from esld.data.cut import apply_cut
from esld.data.overrides import Override, apply_overrides
from esld.data.sdtm import Tables
from esld.data.study import Study
from tests.data.small_trial import PROTOCOL, ds, event, lb, patient, trial
from tests.examples import few, soaking
from tests.report.in_process import cut_at

FIRST = pd.Timestamp("2025-01-01")
AFTER = (8, 16, 24) if soaking() else (20,)  # so many events a cut is made, for which studies are loaded
OTHER = {"LOW": "MEDHIGH", "MEDHIGH": "LOW"}
BAGS = {"LOW": ("1",), "MEDHIGH": ("1", "0.5", "1.5")}
ENDS = ("COMPLETED", "LOST TO FOLLOW-UP", "WITHDRAWAL BY SUBJECT")


def iso(day: int | None) -> str | None:
    return None if day is None else f"{FIRST + pd.Timedelta(days=day):%Y-%m-%d}"


@dataclass
class Person:
    """What became of a patient, by days of the trial."""

    arm: str
    consent: int
    randomised: int | None = None
    end: tuple[str, int] | None = None
    died: int | None = None
    infused: list[int] = field(default_factory=list)
    labs: list[tuple[int, str]] = field(default_factory=list)
    events: list[list[int | None]] = field(default_factory=list)

    def seen(self, day: int) -> int:
        """The last day up to `day` on which somebody saw the patient alive."""
        starts = [self.consent, *self.infused, *(d for d, _ in self.labs), *(e[0] for e in self.events)]
        starts += [d for d in (self.randomised, self.end[1] if self.end else None) if d is not None]
        ends = [e[1] for e in self.events if e[1] is not None and e[1] != self.died]
        return max(d for d in (*starts, *ends) if d <= day)


def exported(people: dict[str, Person], arms: dict[str, str] | None = None) -> Tables:
    """What an export holds of them; a high dose is given in three bags. `arms` says who gets another arm instead."""
    parts, more = [], {name: [] for name in ("DS", "EX", "LB", "AE")}
    for who, own in people.items():
        arm = (arms or {}).get(own.arm, own.arm)
        given = arm if own.infused else None
        parts.append(
            patient(
                who, arm, consent=iso(own.consent), randomised=iso(own.randomised), infused=(), died=iso(own.died),
                ACTARMCD=given, ACTARM=given,
            )
        )  # fmt: skip
        if own.end:
            more["DS"].append(ds(who, own.end[0], iso(own.end[1])))
        for day in own.infused:
            bags = [{"EXSTDTC": f"{iso(day)}T{9 + n:02}:00", "EXDOSE": x} for n, x in enumerate(BAGS[arm])]
            same = {"USUBJID": who, "EXTRT": f"cells {arm}", "EXDOSU": "10^6 cells/kg", "EXLOT": arm}
            more["EX"] += [same | bag | {"EXENDTC": bag["EXSTDTC"][:11] + "18:00"} for bag in bags]
        more["LB"] += [lb(who, "ALT", value, iso(day)) for day, value in own.labs]
        for begin, over in own.events:
            out = "NOT RECOVERED/NOT RESOLVED" if over is None else "RECOVERED/RESOLVED"
            course = {"AETERM": "rash", "AEDECOD": "Rash", "AESER": "N", "AETOXGR": "1", "AEOUT": out}
            more["AE"].append(event("AE", who, iso(begin), AEENDTC=iso(over), **course))
    return trial(*parts, **more)


class Life(RuleBasedStateMachine):
    """Each rule is something that happens today."""

    def __init__(self) -> None:
        super().__init__()
        self.today, self.happened, self.people = 0, 0, {}
        self.corrections: list[Override] = []
        self.exports: list[tuple[int, dict[str, Person], list[Override]]] = []

    @initialize(
        arms=st.lists(st.sampled_from(["LOW", "MEDHIGH"]), min_size=2, max_size=4), seed=st.integers(0, 999)
    )
    def begins(self, arms, seed):
        self.random = Random(seed)
        for arm in arms:
            self.enrols(arm, at_once=True)

    def of(self, which) -> list[str]:
        return [who for who, own in self.people.items() if which(own)]

    @property
    def screened(self) -> list[str]:
        return self.of(lambda p: p.randomised is None and not p.end)

    @property
    def followed(self) -> list[str]:
        return self.of(lambda p: p.randomised is not None and not p.end and p.died is None)

    @rule(days=st.integers(1, 120))
    def time_passes(self, days):
        self.is_exported()
        self.today += days

    def is_exported(self):
        self.exports.append((self.today, deepcopy(self.people), [*self.corrections]))

    @rule(arm=st.sampled_from(["LOW", "MEDHIGH"]), at_once=st.booleans())
    def enrols(self, arm, at_once):
        own = self.people[f"S-{len(self.people) + 1}"] = Person(arm, self.today)
        own.randomised = self.today if at_once else None

    @precondition(lambda self: self.screened)
    @rule(data=st.data(), fails=st.booleans())
    def screening_ends(self, data, fails):
        own = self.people[data.draw(st.sampled_from(self.screened))]
        if fails:
            own.end = ("SCREEN FAILURE", self.today)
        else:
            own.randomised = self.today

    @precondition(lambda self: self.followed)
    @rule(data=st.data(), value=st.integers(20, 90))
    def comes_to_a_visit(self, data, value):
        own = self.people[data.draw(st.sampled_from(self.followed))]
        if self.today not in own.infused:
            own.infused.append(self.today)
        own.labs.append((self.today, str(value)))

    @precondition(lambda self: self.followed)
    @rule(data=st.data())
    def falls_ill_or_recovers(self, data):
        own = self.people[data.draw(st.sampled_from(self.followed))]
        open_ones = [each for each in own.events if each[1] is None]
        if open_ones:
            open_ones[0][1] = self.today
        else:
            own.events.append([self.today, None])

    @precondition(lambda self: self.followed)
    @rule(data=st.data(), how=st.sampled_from(["dies", *ENDS]))
    def leaves(self, data, how):
        own = self.people[data.draw(st.sampled_from(self.followed))]
        if how == "dies":
            own.died = self.today
        else:
            own.end = (how, self.today)

    @precondition(lambda self: self.of(lambda p: p.labs))
    @rule(data=st.data())
    def a_value_is_corrected(self, data):
        who = data.draw(st.sampled_from(self.of(lambda p: p.labs)))
        number = data.draw(st.integers(1, len(self.people[who].labs)))
        before = self.tables()
        held = before["LB"].set_index(["USUBJID", "LBSEQ"])["LBORRES"][who, str(number)]
        right = {"variable": "LBORRES", "old": held, "new": str(int(held) + 100)}
        record = {"domain": "LB", "key": {"USUBJID": who, "LBSEQ": str(number)}}
        self.corrections.append(
            Override.model_validate(record | right | {"who": "A", "when": "2025-01-01", "why": "x"})
        )
        after = self.tables()
        for name, table in before.items():
            apart = table.fillna("").ne(after[name].fillna(""))
            assert int(apart.to_numpy().sum()) == (name == "LB")
        assert after["LB"].set_index(["USUBJID", "LBSEQ"])["LBORRES"][who, str(number)] == right["new"]

    def tables(self) -> Tables:
        return apply_overrides(exported(self.people), self.corrections)

    @invariant()
    def a_cut_is_whole(self):
        """Of an export of any day, at any day up to then; and once more of the export of today, and of one with other arms."""
        self.happened += 1
        if self.happened not in AFTER:
            return
        self.is_exported()
        for earlier in self.random.sample(self.exports, min(len(self.exports), 3)):
            assert diffed(earlier, self.exports[-1]) == happened(earlier, self.exports[-1])
        view = self.random.choice(["unblinded", "blinded", "masked"])
        made, people, corrections = self.random.choice(self.exports)
        day = self.random.randint(
            min(p.randomised for p in people.values() if p.randomised is not None), made
        )

        def load(who: dict[str, Person], snapshot: int, arms: dict[str, str] | None = None) -> Study:
            tables = apply_overrides(exported(who, arms), corrections)
            return cut_at(iso(day), view, tables=tables, trial=PROTOCOL, snapshot=iso(snapshot))

        study = load(people, made)
        adds_up(study, people, day, by_name=view != "masked")
        assert_same(load(self.people, self.today + 1), study, up_to_date=day == made)
        if view != "unblinded":
            assert store._content(load(people, made, OTHER)) == store._content(study)


Export = tuple[int, dict[str, Person], list[Override]]
Told = Counter[tuple[str, str, str, str]]


def diffed(earlier: Export, later: Export) -> Told:
    """What the comparison of two cuts tells: change, domain, patient and variable."""
    tables = []
    for day, people, corrections in (earlier, later):
        cutoff = pd.Timestamp(iso(day))
        tables.append(apply_cut(apply_overrides(exported(people), corrections), cutoff, cutoff)[0])
    found = record_changes(*tables, since=pd.Timestamp(iso(earlier[0])))
    return Counter(found[["change", "domain", "USUBJID", "variable"]].itertuples(index=False, name=None))


def happened(earlier: Export, later: Export) -> Told:
    """The same from the patients' lives; what is the same word for word on both sides is no change, whatever its number."""
    told: Told = Counter()
    (day, before, _), (_, after, _) = earlier, later
    for who, now in after.items():
        if who not in before:
            told["new patient", "DM", who, ""] += 1
            continue
        was = before[who]
        told.update(("value filled", "DM", who, v) for v in ("DTHFL", "DTHDTC") if now.died != was.died)
        first = bool(now.infused) > bool(was.infused)
        told.update(("value filled", "DM", who, v) for v in ("ACTARMCD", "ACTARM") if first)
        ends = [(own.randomised, own.end and own.end[1], own.died) for own in (was, now)]
        come = [("DS", new) for old, new in zip(*ends, strict=True) if old != new]
        come += [("EX", new) for new in now.infused[len(was.infused) :] for _ in BAGS[now.arm]]
        for domain, ways, own in (
            ("AE", (("value filled", "AEENDTC"), ("value changed", "AEOUT")), [p.events for p in (was, now)]),
            ("LB", (("value changed", "LBORRES"),), [values(each, who) for each in (earlier, later)]),
        ):
            old, new = (Counter(map(tuple, records)) for records in own)
            others = Counter(begin for begin, _ in (old - new).elements())
            told.update((kind, domain, who, v) for _ in others.elements() for kind, v in ways)
            come += [
                (domain, begin)
                for begin in (Counter(b for b, _ in (new - old).elements()) - others).elements()
            ]
        told.update(("late record" if new <= day else "new record", domain, who, "") for domain, new in come)
    return told


def values(export: Export, who: str) -> list[tuple[int, str]]:
    """Day and value of each measurement, the corrected ones as they are now."""
    _, people, corrections = export
    held = dict(enumerate(people[who].labs, 1))
    for each in corrections:
        if each.key["USUBJID"] == who:
            number = int(each.key["LBSEQ"])
            held[number] = (held[number][0], each.new)
    return list(held.values())


def adds_up(study: Study, people: dict[str, Person], day: int, *, by_name: bool) -> None:
    """Everybody who had consented is counted once, and by what was so on the day."""
    adsl = study.adsl.set_index("USUBJID")
    known = {who: own for who, own in people.items() if own.consent <= day}
    randomised = {w for w, own in known.items() if own.randomised is not None and own.randomised <= day}
    died = {w for w in randomised if known[w].died is not None and known[w].died <= day}
    ended = {w: own.end[0] for w, own in known.items() if own.end and own.end[1] <= day}
    failed = {w for w, how in ended.items() if how == "SCREEN FAILURE"}
    assert (
        len(adsl)
        == len(known)
        == len(randomised) + len(failed) + len(adsl[adsl["RANDFL"].eq("N") & adsl["EOSSTT"].eq("ONGOING")])
    )
    own = adsl[adsl["RANDFL"].eq("Y")]
    gone = own["DTHFL"].eq("Y")
    assert (len(own), int(gone.sum())) == (len(randomised), len(died))
    left = own["EOSSTT"].eq("DISCONTINUED") & ~gone
    alive = own["EOSSTT"].isin(["ONGOING", "COMPLETED"]) & ~gone
    assert int(left.sum()) == sum(how not in ("COMPLETED", "SCREEN FAILURE") for how in ended.values())
    assert len(own) == int(gone.sum()) + int(left.sum()) + int(alive.sum())
    survival = study.adtte[study.adtte["PARAMCD"].eq("OS")]
    assert (len(survival), int(survival["CNSR"].eq(0).sum())) == (len(own), len(died))
    assert sum(own["ARMCD"].eq(arm).sum() for arm in study.arms) == len(own)
    if by_name:
        assert {w: iso((seen - FIRST).days) for w, seen in adsl["LSTALVDT"].items()} == {
            w: iso(p.seen(day)) for w, p in known.items()
        }
        given = {w: sum(d <= day for d in known[w].infused) for w in known}
        assert adsl["NADMIN"].astype(int).to_dict() == given
    if study.cut.view == "unblinded":
        assert own["ARMCD"].to_dict() == {w: known[w].arm for w in own.index}


def assert_same(later: Study, earlier: Study, *, up_to_date: bool) -> None:
    """What a later export gives at the day of an earlier cut; an export of that very day knows more of what goes on."""
    for name in ("adsl", "adtte", "adlb", *(() if up_to_date else ("adae", "adce"))):
        pd.testing.assert_frame_equal(getattr(later, name), getattr(earlier, name), obj=name)
    for name, table in earlier.tables.items() if not up_to_date else ():
        pd.testing.assert_frame_equal(later.tables[name][list(table)], table, obj=name)


@pytest.mark.always
def test_a_trials_life():
    run_state_machine_as_test(Life, settings=settings(few(5), stateful_step_count=max(AFTER)))
