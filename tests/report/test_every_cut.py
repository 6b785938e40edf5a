"""Every cut of the demonstration trial gives every chapter, and no sentence of it speaks of what is not there.

The chapters run in this process, through their own cells. Of the days on which the trial changes a spread is tried in every
run, and all of them under `make soak`, the views in turn: of three days one after another, which hold nearly the same, each is in
another view.
"""

from dataclasses import replace
from itertools import cycle
from random import Random

import pandas as pd
import pytest

from esld.data.pseudonyms import KEY_FILE
from esld.data.reading import Tables
from esld.data.study import Study, load_study
from esld.errors import InputError, RefusedError
from tests.data.spoilt import DEMO
from tests.faults import fuzz, mutations
from tests.report import in_process
from tests.report.in_process import cut_at, days_of_change, demo, nonsense, run

VIEWS = ("unblinded", "masked", "blinded")
FINAL, EARLY = "2026-03-31", "2024-04-03"


def whole(report: in_process.Report) -> None:
    """No chapter failed, and none says nonsense."""
    assert not report.failed
    assert not nonsense(report)


def said(report: in_process.Report, chapter: str) -> str:
    return "\n".join(text for name, text in report.texts() if name == chapter)


# One patient; the first in the second arm; three months; one in an arm, then two, and no death; the first at week 48. The
# interim analysis runs in test_views.py too.
SPREAD = [
    *(("2024-01-16", "blinded"), ("2024-02-10", "masked"), (EARLY, "unblinded")),
    *(("2024-02-08", "unblinded"), pytest.param("2024-03-20", "unblinded", marks=pytest.mark.slow)),
    pytest.param("2024-12-21", "masked", marks=pytest.mark.slow),
]


@pytest.mark.always
@pytest.mark.parametrize(("day", "view"), SPREAD)
def test_the_chapters_run(day, view):
    whole(run(cut_at(day, view)))


@pytest.mark.slow
@pytest.mark.parametrize(("day", "view"), list(zip(days_of_change(), cycle(VIEWS), strict=False)))
def test_the_chapters_run_on_every_day(day, view):
    whole(run(cut_at(day, view), draw=True))


# --- any day, any view, any fault -----------------------------------------------------------------------------


def _some(table: pd.DataFrame, random: Random, share: float) -> pd.Series:
    return pd.Series([random.random() < share for _ in range(len(table))], table.index, dtype=bool)


def _gone(table: pd.DataFrame, random: Random) -> pd.DataFrame:
    return table[~_some(table, random, random.choice([0.1, 0.5, 0.95, 1]))].reset_index(drop=True)


def _twice(table: pd.DataFrame, random: Random) -> pd.DataFrame:
    return pd.concat([table, table[_some(table, random, 0.2)]], ignore_index=True)


def _emptied(table: pd.DataFrame, random: Random) -> pd.DataFrame:
    column = random.choice([c for c in table if c != "USUBJID"])
    return table.assign(**{column: table[column].mask(_some(table, random, random.choice([0.2, 1])), None)})


def _mixed_up(table: pd.DataFrame, random: Random) -> pd.DataFrame:
    column = random.choice(list(table))
    cells = table[column].tolist()
    random.shuffle(cells)
    return table.assign(**{column: pd.Series(cells, table.index, dtype=object)})


def _moved(table: pd.DataFrame, random: Random) -> pd.DataFrame:
    column = random.choice([c for c in table if c.endswith("DTC")] or ["USUBJID"])
    day = random.choice(["2024-02", "2023", "2024-06-30", "2025-02-30", "UNK", "2025-05-01T10:00"])
    return table.assign(**{column: table[column].mask(_some(table, random, 0.1), day)})


def _one_word(table: pd.DataFrame, random: Random) -> pd.DataFrame:
    column = random.choice([c for c in table if c != "USUBJID"])
    word = random.choice(table[column].dropna().tolist() or ["x"])
    return table.assign(**{column: table[column].mask(_some(table, random, 0.3), word)})


FAULTS = (_gone, _twice, _emptied, _mixed_up, _moved, _one_word)


def faulty(seed: int) -> tuple[str, str, Tables]:
    """A day, a view, and the export with up to three faults."""
    random = Random(seed)
    tables = dict(demo()[1])
    for name in random.sample(list(tables), random.randint(1, 3)):
        attrs = tables[name].attrs
        tables[name] = random.choice(FAULTS)(tables[name], random).astype(object)
        tables[name] = tables[name].where(tables[name].notna(), None)
        tables[name].attrs = attrs
    return random.choice(days_of_change()), random.choice(VIEWS), tables


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(75))
def test_with_faults_mixed_in_a_cut_is_refused_or_whole(seed):
    """Refused as a user's mistake is, in a line that says so; or every chapter runs."""
    day, view, tables = faulty(seed)
    try:
        study = cut_at(day, view, tables=tables)
    except InputError:
        return
    whole(run(study))


def spoilt(seed: int) -> Study:
    """An export of the fuzzer, read from its files and cut on a day in a view; of these half are accepted (test_fuzz.py)."""
    random, file = Random(seed), fuzz.written(mutations.spoil(fuzz.whole_export(), seed)[0])
    changed = {"cutoff": random.choice(days_of_change()), "view": random.choice(VIEWS), "status": "draft"}
    keys = changed | {"pseudonyms": str(DEMO / KEY_FILE)}
    return load_study(replace(file, cut=file.cut.model_copy(update=keys)))


REACHES = 15  # two dates exchanged: accepted, so that every chapter runs
SEEDS = [n for n in range(150) if n != REACHES]


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(REACHES, marks=pytest.mark.always),
        *(pytest.param(n, marks=pytest.mark.slow) for n in SEEDS),
    ],
)
def test_a_cut_of_a_spoilt_export_is_refused_or_whole(seed):
    try:
        study = spoilt(seed)
    except (InputError, RefusedError):
        assert seed != REACHES
        return
    whole(run(study))


@pytest.fixture(scope="module")
def report():
    """One patient, and so one arm with anybody."""
    return run(cut_at("2024-01-16"), draw=True)


class TestOneArmWithAnybody:
    def test_it_is_whole(self, report):
        whole(report)

    def test_the_empty_arm_is_shown_with_its_zero(self, report):
        tables = {t.id: t.frame for shown in report.shown.values() for t in shown if hasattr(t, "frame")}
        assert tables["time_endings"]["Low dose"].tolist() == ["0"]
        assert tables["os_km"]["Low dose: at risk"].tolist() == ["0", ""]
        assert "Low dose (n = 0)" in tables["baseline"]

    @pytest.mark.parametrize("chapter", ["01_randomisation", "03_survival", "04_change", "05_events"])
    def test_what_compares_says_why_it_does_not(self, report, chapter):
        text = (
            "this compares the groups, and nobody had been randomised to the low-dose group by the data cut"
        )
        assert text in said(report, chapter)

    def test_the_arm_keeps_its_colour(self, report):
        [picture] = [p for p in report.shown["03_survival"] if hasattr(p, "figure") and p.id == "os_km"]
        line = picture.figure.axes[0].get_lines()[0]
        assert line.get_color() == in_process.figures.COLOURS[1]
        assert [t.get_text() for t in picture.figure.axes[1].texts][:2] == ["0 (0; 0)"] * 2

    def test_of_no_event_is_it_known_whether_it_is_serious(self, report):
        assert "It is not yet known of any adverse event whether it is serious." in said(report, "06_safety")

    def test_the_front_page_tells_the_longest_silence(self, report):
        """Of a chapter that is over when that page is made."""
        assert "nothing was heard of a patient under observation: 0 days" in said(report, "index")

    def test_each_chapter_says_that_an_interim_analysis_tests_nothing(self, report):
        planning = [name for name in report.chapters if name not in ("09_design", "90_validation")]
        silent = [name for name in planning if "It tests nothing formally" not in said(report, name)]
        assert not silent
        assert "No stopping rule was set" in said(report, "index")
        assert not report.shown["plain"]

    def test_the_plan_says_why_an_analysis_is_absent(self, report):
        assert "a group has nobody yet" in said(report, "08_summary")


# --- domains and parameters that are not there ----------------------------------------------------------------


def header_only(*names: str) -> Tables:
    tables = dict(demo()[1])
    for name in names:
        attrs, tables[name] = tables[name].attrs, tables[name].iloc[:0].copy()
        tables[name].attrs = attrs
    return tables


def without_parameter(*codes: str) -> Tables:
    tables = dict(demo()[1])
    for name, column in (("LB", "LBTESTCD"), ("RS", "RSTESTCD")):
        attrs = tables[name].attrs
        tables[name] = tables[name][~tables[name][column].isin(codes)]
        tables[name].attrs = attrs
    return tables


MAY_BE_EMPTY = ("AE", "CE", "CM", "EX", "IE", "LB", "MH", "PR", "RS", "VS")
MEASURED = [
    p.paramcd
    for p in in_process.studies.read_protocol(demo()[0].protocol_path).parameters
    if p.kind != "score"
]


@pytest.mark.slow
def test_a_trial_before_its_first_event_reports():
    report = run(cut_at("2024-02-10", tables=header_only("AE", "CE")))
    whole(report)
    assert "The export holds no record of an adverse event." in said(report, "06_safety")
    assert "The export holds no record of a clinical event." in said(report, "05_events")


def test_no_record_in_time_is_told_from_no_record_at_all():
    report = run(cut_at("2024-01-16"), ["05_events"])
    assert "No record of a clinical event is dated on or before the cut-off." in said(report, "05_events")


@pytest.mark.slow
@pytest.mark.parametrize("day", [FINAL, EARLY])
@pytest.mark.parametrize("name", MAY_BE_EMPTY)
def test_a_domain_may_be_a_header_alone(name, day):
    whole(run(cut_at(day, tables=header_only(name))))


@pytest.mark.slow
def test_without_any_measurement_every_chapter_says_so():
    report = run(cut_at(EARLY, tables=header_only("LB", "RS", "VS", "EX")))
    whole(report)
    assert "No value is recorded up to the data cut of alanine aminotransferase" in said(report, "04_change")
    assert "by the data cut nobody had been treated" in said(report, "06_safety")


def test_a_domain_that_the_protocol_lists_must_be_there():
    """What may be absent is what the protocol does not list; it must list whatever an endpoint or a parameter reads."""
    for name in MAY_BE_EMPTY:
        tables = {own: table for own, table in demo()[1].items() if own != name}
        with pytest.raises(InputError, match=f"domain {name} must be present"):
            cut_at(FINAL, tables=tables)


@pytest.mark.slow
@pytest.mark.parametrize("names", [("IE", "EX", "VS", "MH")])
def test_a_domain_that_the_protocol_does_not_list_may_be_absent(names):
    trial = in_process.studies.read_protocol(demo()[0].protocol_path)
    trial = trial.model_copy(update={"domains": tuple(d for d in trial.domains if d not in names)})
    tables = {own: table for own, table in demo()[1].items() if own not in names}
    report = run(cut_at("2024-02-10", tables=tables, trial=trial))
    whole(report)
    assert "the data of this trial hold no record of what was given" in said(report, "06_safety")


@pytest.mark.slow
def test_parameters_of_which_nothing_is_recorded():
    report = run(cut_at("2024-02-10", tables=without_parameter("INR", "PLAT", "ALT")))
    whole(report)
    assert "International normalized ratio: not shown, because no value is recorded" in said(
        report, "04_change"
    )
    assert "Liver injury cannot be judged" in said(report, "06_safety")


@pytest.mark.slow
@pytest.mark.parametrize("day", [FINAL, EARLY])
@pytest.mark.parametrize("code", MEASURED)
def test_any_parameter_may_be_absent(code, day):
    whole(run(cut_at(day, tables=without_parameter(code))))


# --- trials at their edges -------------------------------------------------------------------------------------


def edited(**changes) -> Tables:
    """The export with tables changed by functions of them."""
    tables = dict(demo()[1])
    for name, change in changes.items():
        attrs = tables[name].attrs
        tables[name] = change(tables[name].copy())
        tables[name].attrs = attrs
    return tables


def only(subjects: list[str]) -> Tables:
    return edited(**{name: lambda t: t[t["USUBJID"].isin(subjects)] for name in demo()[1]})


def randomised() -> pd.DataFrame:
    """Subject, arm and day of everybody randomised, in order."""
    tables = demo()[1]
    ds, arms = tables["DS"], tables["DM"].set_index("USUBJID")["ARMCD"]
    found = ds.loc[ds["DSDECOD"].eq("RANDOMIZED"), ["USUBJID", "DSSTDTC"]]
    return found.assign(ARMCD=found["USUBJID"].map(arms)).sort_values("DSSTDTC")


def test_nobody_randomised_yet_is_one_line():
    file, _ = demo()
    first = randomised()["DSSTDTC"].iloc[0]
    before = f"{pd.Timestamp(first) - pd.Timedelta(days=1):%Y-%m-%d}"
    with pytest.raises(InputError, match=f"cutoff must not be before the first randomisation on {first}"):
        cut_at(before)
    early = replace(
        file, cut=file.cut.model_copy(update={"cutoff": before, "previous": "", "previous_results": ""})
    )
    with pytest.raises(InputError):
        load_study(early)


@pytest.mark.slow
def test_the_day_of_the_first_randomisation():
    whole(run(cut_at(randomised()["DSSTDTC"].iloc[0])))


@pytest.mark.slow
def test_everybody_in_one_arm():
    own = randomised()
    whole(run(cut_at(EARLY, tables=only(own.loc[own["ARMCD"].eq("LOW"), "USUBJID"].tolist()))))


def died(table: pd.DataFrame, days: dict[str, str]) -> pd.DataFrame:
    dead = table["USUBJID"].isin(days)
    table.loc[dead, "DTHFL"] = "Y"
    table.loc[dead, "DTHDTC"] = table["USUBJID"].map(days)
    return table


def before_death(tables: Tables, days: dict[str, str]) -> Tables:
    """Only what is dated up to each subject's death."""
    kept = {}
    for name, table in tables.items():
        date = in_process.sdtm.DOMAINS[name].date
        if name in ("DM", "MH") or date is None:
            kept[name] = table
            continue
        last = table["USUBJID"].map(days).fillna("9999")
        kept[name] = table[
            table[date].str[:10].le(last) & ~table.get("DSDECOD", pd.Series("", table.index)).eq("DEATH")
        ]
        kept[name].attrs = table.attrs
    return kept


def test_everybody_dead():
    """Each on the tenth day after randomisation."""
    days = {
        str(row.USUBJID): f"{pd.Timestamp(str(row.DSSTDTC)) + pd.Timedelta(days=10):%Y-%m-%d}"
        for row in randomised().itertuples()
    }
    tables = before_death(edited(DM=lambda dm: died(dm, days)), days)
    report = run(cut_at("2024-06-28", tables=tables))
    whole(report)


@pytest.mark.slow
def test_one_patient_who_died_on_the_day_of_randomisation():
    subject, day = randomised()[["USUBJID", "DSSTDTC"]].iloc[0]
    tables = before_death(
        only([subject]) | {"DM": died(only([subject])["DM"].copy(), {subject: day})}, {subject: day}
    )
    whole(run(cut_at(EARLY, tables=tables)))


@pytest.mark.slow
def test_nobody_with_a_visit():
    whole(
        run(
            cut_at(
                EARLY,
                tables=edited(
                    **{name: lambda t: t[t["VISITNUM"].astype(float).le(1)] for name in ("LB", "RS", "VS")}
                ),
            )
        )
    )
