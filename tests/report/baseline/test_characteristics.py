"""The baseline table: counted or measured by kind, missing shown, no p-values, numbers as in the rows."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from esld.data.cutfile import ALL
from esld.protocol.measures import Source
from esld.report import baseline_history, baseline_variables, numbers
from esld.report.baseline import characteristics as baseline
from esld.report.randomisation import balance
from esld.report.results import Reported, rows_of
from esld.report.words.catalogue import arm_label
from tests.report.builders import HIGH, LOW, ROOT, patient, plain, study_of
from tests.report.survival.trials import one_arm
from tests.report.survival.trials import trial as one_arm_trial

PATIENTS = [
    patient(1, LOW, age=40, sex="F", weight=60.0),
    patient(2, LOW, age=50, sex="M", weight=61.0),
    patient(3, LOW, age=60, sex="M", weight=float("nan")),
    patient(4, HIGH, age=70, sex="F", weight=80.5),
    patient(5, None),
]
VALUES = [
    (1, "BILI", 0, 30.1), (2, "BILI", 0, 40.2), (3, "BILI", 0, 50.3), (4, "BILI", 0, 60.4), (1, "BILI", 2, 999.0),
    (1, "ASCITES", 0, 0), (2, "ASCITES", 0, 2), (4, "ASCITES", 0, 2),
    (1, "INR", 0, 1.5), (2, "INR", 0, 1.6),
]  # fmt: skip


@pytest.fixture(scope="module")
def by_hand():
    return study_of(PATIENTS, values=VALUES)


@pytest.fixture(scope="module")
def reported(by_hand):
    return rows_of(
        "baseline", baseline.summarise_baseline(by_hand), analysis="BASELINE", chapter="02_baseline"
    )


@pytest.fixture
def table(by_hand):
    return baseline.baseline_table(by_hand, baseline.summarise_baseline(by_hand))


def cell(table, variable, group):
    frame = table.frame
    found = frame[frame["Variable"].eq(variable)]
    (column,) = [c for c in frame.columns if c.startswith(f"{arm_label(group)} (n = ")]
    assert len(found) == 1
    return found[column].item()


class TestRows:
    def test_moments_by_hand(self, reported):
        """Ages 40, 50, 60: mean 50, SD 10, quartiles 45 and 55."""
        what = ("mean", "sd", "median", "q1", "q3", "min", "max", "missing")
        assert [reported.row(f"AGE {w}", LOW).value for w in what] == [50, 10, 50, 45, 55, 40, 60, 0]

    def test_all_is_the_randomised_and_nobody_else(self, reported):
        assert reported.row("AGE mean", ALL).value == 55
        assert reported.row("AGE mean", ALL).n == 4

    def test_only_the_baseline_value_counts(self, reported):
        assert reported.row("BILI max", LOW).value == 50.3

    def test_grades_are_counted_even_when_few_values_occur(self, reported):
        assert reported.row("ASCITES count 0", LOW).value == 1
        assert reported.row("ASCITES count 2", ALL).value == 2
        assert reported.row("ASCITES count 0", HIGH).value == 0
        assert "ASCITES mean" not in reported
        assert "AGE count 40" not in reported

    def test_missing_is_counted_and_does_not_enter_n(self, reported):
        assert reported.row("WEIGHTBL missing", LOW).value == 1
        assert reported.row("WEIGHTBL mean", LOW).n == 2
        assert reported.row("ASCITES missing", LOW).value == 1

    def test_single_value_has_no_spread(self, reported):
        assert reported.row("AGE sd", HIGH).value is None

    def test_variable_without_any_value(self, reported):
        assert reported.row("MELD missing", ALL).value == 4
        assert reported.row("MELD mean", ALL).value is None


class TestTable:
    def test_heads_give_the_numbers(self, table):
        assert list(table.frame.columns) == [
            "Variable",
            "Low dose (n = 3)",
            "Medium-high dose (n = 1)",
            "All (n = 4)",
        ]

    def test_of_one_arm_all_are_not_shown_again(self):
        trial = one_arm_trial(one_arm)
        own = study_of([patient(n, LOW, age=40 + n) for n in range(1, 4)], values=VALUES[:1], trial=trial)
        frame = baseline.baseline_table(own, baseline.summarise_baseline(own)).frame
        assert list(frame)[1:] == ["Low dose (n = 3)"]

    def test_precision_is_that_of_the_measurement(self, table):
        assert cell(table, "Age (years)", LOW) == "50 (45 to 55)"
        assert cell(table, "Total bilirubin (µmol/L)", LOW) == "40.2 (35.2 to 45.3)"
        assert cell(table, "International normalized ratio", LOW) == "1.55 (1.53 to 1.58)"

    def test_counts_are_of_those_with_a_value_and_missing_is_a_row(self, table):
        assert cell(table, "Sex: female", LOW) == "1/3 (33 %)"
        assert cell(table, "Ascites grade: 2", LOW) == "1/2 (50 %)"
        assert cell(table, "Ascites grade: missing", LOW) == "1"
        assert cell(table, "Ascites grade: missing", HIGH) == "0"

    def test_missing_row_only_where_something_is_missing(self, table):
        assert "Age (years): missing" not in set(table.frame["Variable"])
        assert "Weight (kg): missing" in set(table.frame["Variable"])

    def test_a_variable_that_nobody_has_is_its_missing_line_alone(self, table):
        own = table.frame["Variable"].str.startswith("MELD score")
        assert table.frame.loc[own, "Variable"].tolist() == ["MELD score: missing"]

    def test_no_p_values(self, table):
        assert not any("p =" in c or c.lower().startswith("p") for c in table.frame.columns)
        assert any(note.startswith("No p-values") for note in table.footnotes)

    def test_everything_in_the_table_is_in_the_rows(self, study):
        """Every median of the example, read back from the rows with their rounding."""
        own = study("demo-final")
        summary = baseline.summarise_baseline(own)
        reported = rows_of("baseline", summary, analysis="BASELINE", chapter="c")
        table = baseline.baseline_table(own, summary)
        for variable in baseline_variables.baseline_variables(own):
            for group in (*own.arms, ALL):
                if variable.categorical:
                    continue
                median, q1, q3 = (
                    reported.row(f"{variable.name} {what}", group).value for what in ("median", "q1", "q3")
                )
                d = variable.decimals
                text = f"{numbers.fixed(median, d)} ({numbers.fixed(q1, d)} to {numbers.fixed(q3, d)})"
                assert cell(table, variable.label, group) == text

    def test_standardised_differences_stand_once_a_variable_as_in_the_chapter_on_randomisation(self, study):
        own = study("demo-final")
        differences = rows_of("d", baseline_variables.balance_rows(own), analysis="A", chapter="c")
        table = baseline.baseline_table(own, baseline.summarise_baseline(own), differences)
        shown = table.frame[table.frame["Standardised difference"].ne("")]
        labels = [v.label for v in baseline_variables.baseline_variables(own)]
        assert [any(line.startswith(label) for label in labels) for line in shown["Variable"]] == [
            True
        ] * len(labels)
        assert table.frame["Variable"].is_unique
        beside = balance.balance_table(own, differences).frame
        assert list(shown["Standardised difference"]) == list(beside["Standardised difference"])
        assert any(
            "medium-high dose minus low dose in standard deviations" in note for note in table.footnotes
        )

    def test_where_no_groups_are_compared_there_is_no_difference(self, study):
        own = study("demo-interim-blinded")
        differences = rows_of("d", baseline.difference_rows(own), analysis="A", chapter="c")
        assert differences.rows == ()
        table = baseline.baseline_table(own, baseline.summarise_baseline(own), differences)
        assert "Standardised difference" not in table.frame

    def test_no_missing_baseline_is_invented(self, study):
        own = study("demo-final")
        values = baseline_variables.baseline_values(own)
        assert len(values) == len(own.randomised)
        table = baseline.baseline_table(own, baseline.summarise_baseline(own))
        missing = table.frame[table.frame["Variable"].str.endswith(": missing")]
        wanted = {
            f"{v.label}: missing": int(values[v.name].isna().sum())
            for v in baseline_variables.baseline_variables(own)
            if values[v.name].isna().any()
        }
        found = dict(zip(missing["Variable"], missing[missing.columns[-1]].astype(int), strict=True))
        assert found == wanted

    @pytest.mark.parametrize(
        ("cut", "day"), [("demo-final", "first infusion"), ("mayo-pbc", "randomisation")]
    )
    def test_day_of_baseline_is_the_trial_s(self, study, cut, day):
        table = baseline.baseline_table(study(cut), baseline.summarise_baseline(study(cut)))
        assert f"on or before the day of {'the ' if 'infusion' in day else ''}{day}" in table.footnotes[1]


@pytest.mark.parametrize(
    ("name", "label", "category", "wanted"),
    [
        ("SEX", "Sex", "F", "female"),
        ("SEX", "Sex", "M", "male"),
        ("SEX", "Sex", "U", "U"),
        ("ASCITES", "Ascites grade", "2", "2"),
        ("CPCLASS", "Child-Pugh class", "B", "B"),
    ],
)
def test_category_label(name, label, category, wanted):
    assert baseline.category_label(baseline_variables.Variable(name, label, True), category) == wanted


def test_of_yes_and_no_one_line_and_whatever_is_neither():
    variable = baseline_variables.Variable("ASCYN", "Ascites present", True, yes_no=True)
    column = pd.Series([0.0, 1.0, 1.0, 2.0])
    counts = baseline._counts(column, column, yes_no=True)
    assert counts == {"count 0": 1, "count 1": 2, "count 2": 1}
    found = {(f"ASCYN {name}", ALL): (value, 4) for name, value in {**counts, "missing": 0}.items()}
    shown = [line["variable"].text for line in baseline._lines(variable, found, [ALL])]
    assert shown == ["Ascites present", "Ascites present: 2"]


class TestConditions:
    """What the demonstration trial has on record before treatment, recounted from MH, CM, VS and RS with pandas."""

    @pytest.fixture
    def counts(self, study) -> dict[str, tuple[int, int]]:
        own = study("demo-final")
        values = baseline_variables.baseline_values(own)
        names = {v.label: v.name for v in baseline_variables.baseline_variables(own) if v.yes_no}
        by_arm = {label: values.groupby("ARMCD")[name].sum() for label, name in names.items()}
        return {label: (int(own[LOW]), int(own[HIGH])) for label, own in by_arm.items()}

    def test_as_recounted(self, counts):
        folder = ROOT / "esld" / "data" / "examples" / "demo"
        tables = {name: pd.read_csv(folder / f"{name}.csv", dtype=str) for name in ("dm", "mh", "cm", "ds")}
        dm = tables["dm"].set_index("USUBJID")
        start = tables["ds"].query("DSDECOD == 'RANDOMIZED'").set_index("USUBJID")["DSSTDTC"]
        day_one = dm["RFXSTDTC"].fillna(start)

        def of(table, terms, ongoing):
            records = tables[table]
            records = records[records[f"{table.upper()}DECOD"].isin(terms)]
            if ongoing:
                first = records["USUBJID"].map(day_one)
                end = records["CMENDTC"].fillna("9999")
                records = records[(records["CMSTDTC"] <= first) & (end >= first)]
            arms = dm.loc[records["USUBJID"].unique(), "ARMCD"].value_counts()
            return (int(arms.get(LOW, 0)), int(arms.get(HIGH, 0)))

        assert counts["Aetiology: chronic hepatitis B"] == of("mh", ["CHRONIC HEPATITIS B"], False) == (6, 5)
        assert counts["Aetiology: alcohol-related"] == of("mh", ["ALCOHOLIC LIVER DISEASE"], False) == (2, 1)
        assert counts["Oesophageal varices"] == of("mh", ["OESOPHAGEAL VARICES"], False) == (4, 7)
        assert counts["Diabetes"] == of("mh", ["TYPE 2 DIABETES MELLITUS"], False) == (4, 2)
        assert (
            counts["Antiviral treatment"] == of("cm", ["ENTECAVIR", "TENOFOVIR ALAFENAMIDE"], True) == (6, 5)
        )
        assert counts["Diuretics"] == of("cm", ["FUROSEMIDE", "SPIRONOLACTONE"], True) == (10, 8)
        assert counts["Lactulose"] == of("cm", ["LACTULOSE"], True) == (0, 0)

    def test_every_cause_has_a_line_and_nobody_is_without_one(self, study):
        own = study("demo-final")
        values = baseline_variables.baseline_values(own)
        causes = [
            v.name for v in baseline_variables.baseline_variables(own) if v.label.startswith("Aetiology")
        ]
        assert len(causes) == 6
        assert values[causes].sum(axis=1).eq(1).all()

    def test_body_mass_index_and_class(self, study):
        own = study("demo-final")
        values = baseline_variables.baseline_values(own)
        vs = pd.read_csv(ROOT / "esld/data/examples/demo/vs.csv", dtype=str)
        height = vs[vs["VSTESTCD"].eq("HEIGHT")].set_index("USUBJID")["VSORRES"].astype(float) / 100
        np.testing.assert_allclose(values["BMI"], values["WEIGHTBL"] / height[values.index] ** 2)
        assert values.groupby("ARMCD")["CPCLASS"].value_counts().to_dict() == {
            (LOW, "A"): 1, (LOW, "B"): 5, (LOW, "C"): 5, (HIGH, "B"): 6, (HIGH, "C"): 5,
        }  # fmt: skip

    def test_what_ended_before_or_began_later_does_not_count(self, study):
        own = study("demo-final")
        subject, day = own.randomised["USUBJID"].iloc[0], own.randomised["TRTSDT"].iloc[0]
        source = Source(domain="CM", date="CMSTDTC", where={"CMDECOD": "X"}, description="X")

        def counted(start, end):
            text = [None if d is None else f"{day + pd.Timedelta(days=d):%Y-%m-%d}" for d in (start, end)]
            row = {"USUBJID": subject, "CMDECOD": "X", "CMSTDTC": text[0], "CMENDTC": text[1]}
            changed = replace(own, tables={**own.tables, "CM": pd.DataFrame([row], dtype=object)})
            return bool(baseline_history.has(changed, (source,))[subject])

        spans = [(-9, None), (0, None), (-9, 0), (-9, -1), (1, None), (None, None)]
        assert [counted(*span) for span in spans] == [True, True, True, False, False, False]


def test_order_is_the_protocol_s(study):
    own = study("mayo-pbc")
    assert [v.name for v in baseline_variables.baseline_variables(own)] == list(
        own.protocol.baseline_variables
    )


def test_quartiles_interpolate_linearly(reported):
    """30.1, 40.2, 50.3: the quartiles lie half-way, as numpy's default does."""
    q1, q3 = np.quantile([30.1, 40.2, 50.3], [0.25, 0.75])
    assert math.isclose(reported.row("BILI q1", LOW).value, q1)
    assert math.isclose(reported.row("BILI q3", LOW).value, q3)


class TestSentences:
    @pytest.fixture
    def sizes(self, by_hand):
        return rows_of("groups", baseline.size_rows(by_hand), analysis="BASELINE", chapter="02_baseline")

    def test_groups_are_counted_without_those_who_were_not_randomised(self, by_hand, sizes):
        assert (
            plain(baseline.size_sentence(by_hand, sizes))
            == "Low dose: 3 patients; Medium-high dose: 1 patient."
        )

    def test_median_age_and_every_variable_with_a_gap(self, by_hand, reported, sizes):
        age, one, missing = map(plain, baseline.baseline_sentences(by_hand, reported, sizes))
        assert age == "Median age was 50 years in the low-dose group (n = 3)."
        assert one == "Age is known of one patient in the medium-high-dose group: 70 years."
        assert missing.startswith("Missing baseline values: Weight (kg) in 1, ")
        assert "ALBI score in 4" in missing
        assert "Age" not in missing

    def test_nothing_missing_says_so(self, by_hand, reported, sizes):
        complete = Reported(
            tuple(replace(r, value=0) if r.statistic.endswith(" missing") else r for r in reported.rows)
        )
        assert baseline.baseline_sentences(by_hand, complete, sizes)[-1] == "No baseline value is missing."
