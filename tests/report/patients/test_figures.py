"""Figures of single patients through their artists: bars, marks, panels and areas are those of the courses."""

from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from esld.report.drawing.axes import TimeAxis
from esld.report.drawing.figures import COLOURS, Picture
from esld.report.patients import courses as patients
from esld.report.patients import figures as patient_figures
from esld.report.patients.figures import marks_for
from esld.report.patients.states import state_figure
from esld.report.results import rows_of
from esld.report.words.catalogue import Reader, read_by
from tests.report.builders import HIGH, LABELS, LOW, TERMS
from tests.report.drawing.test_figures import every_text, outside, overlapping

BLEEDING, ASCITES, NAN = "TTGIB", "TTASC", float("nan")
EVENTS = {BLEEDING: "Gastrointestinal bleeding", ASCITES: "Ascites"}
PEOPLE = pd.DataFrame(
    [("P1", "001", LOW, 400.0, NAN), ("P2", "002", LOW, 120.0, NAN), ("P3", "003", HIGH, 380.0, 134.0),
     ("P4", "004", HIGH, 300.0, NAN)],
    columns=["USUBJID", "number", "ARMCD", "end", "transplant"],
)  # fmt: skip
HAPPENED = pd.DataFrame(
    [("P1", "administration", 1, 0.0), ("P1", "reduced", 29, 4.0), ("P1", BLEEDING, 200, 28.5), ("P1", ASCITES, 200, 28.5),
     ("P2", "administration", 2, 0.0), ("P2", "death", 120, 17.0), ("P3", "transplant", 134, 19.0), ("P3", "ongoing", 380, 54.0),
     ("P4", "lost", 300, 42.5)],
    columns=["USUBJID", "kind", "day", "week"],
)  # fmt: skip
VALUES = pd.DataFrame(
    [
        ("P1", 4.0, 15.0),
        ("P1", 0.0, 12.0),
        ("P1", 48.0, 40.0),
        ("P2", 0.0, 6.0),
        ("P3", 0.0, 20.0),
        ("P3", 8.0, 22.0),
    ],
    columns=["USUBJID", "week", "AVAL"],
)
WORDS = {"id": "p", "title": "Of 4 patients, 1 died", "alt": "One bar a patient."}


NEVER = pd.DataFrame(columns=["USUBJID", "start", "stop", "first_week", "last_week"])
AXIS = TimeAxis("days", [0.0, 180.0, 365.0])


def swimmer(people=PEOPLE, happened=HAPPENED, spans=NEVER, **how) -> Picture:
    how = {"arms": [LOW, HIGH], "events": EVENTS, "axis": AXIS, "mark": 365, **WORDS, **how}
    return patient_figures.swimmer(people, happened, spans, **how)


def profiles(values=VALUES, people=PEOPLE, happened=HAPPENED, spans=NEVER, **how) -> Picture:
    how = {"arms": [LOW, HIGH], "events": EVENTS, "label": "MELD score", "last": 48, **WORDS, **how}
    return patient_figures.profiles(values, people, happened, spans, **how)


usual, usual_profiles = cache(swimmer), cache(profiles)


def bars(axes) -> list[list[float]]:
    """Row, left, right, height of each bar."""
    found = []
    for collection in axes.collections:
        for path in collection.get_paths():
            (left, low), (right, high) = path.vertices.min(axis=0), path.vertices.max(axis=0)
            found.append([round((low + high) / 2), left, right, round(high - low, 2)])
    return found


def drawn_marks(axes) -> dict[str, np.ndarray]:
    """Points by kind."""
    lines = [line for line in axes.get_lines() if line.get_linestyle() == "None"]
    return {line.get_label(): np.column_stack(line.get_data()) for line in lines}


def key(picture: Picture) -> list[str]:
    return [text.get_text() for legend in picture.figure.legends for text in legend.get_texts()]


class TestSwimmer:
    def test_bars_run_from_randomisation_to_the_end_with_the_longest_above(self):
        low, high = usual().figure.axes
        assert bars(low) == [[0, 0, 400, 0.66], [1, 0, 120, 0.66]]
        assert [t.get_text() for t in low.get_yticklabels()] == ["001", "002"]
        assert [t.get_text() for t in high.get_yticklabels()] == ["003", "004"]
        assert low.get_ylim()[0] > low.get_ylim()[1]

    def test_a_bar_changes_after_the_transplant(self):
        high = usual().figure.axes[1]
        assert bars(high) == [[0, 0, 134, 0.66], [0, 134, 380, 0.36], [1, 0, 300, 0.66]]
        before, after, _ = high.collections
        assert (before.get_hatch(), after.get_hatch()) == (None, "/////")
        assert to_hex(after.get_facecolor()[0]) == "#ffffff"
        assert "after the transplant" in key(usual())
        assert "after the transplant" not in key(swimmer(PEOPLE.assign(transplant=NAN)))

    def test_arms_differ_in_colour_and_in_dash_and_are_named(self):
        for axes, colour, arm in zip(usual().figure.axes, COLOURS, (LOW, HIGH), strict=False):
            assert to_hex(axes.collections[0].get_edgecolor()[0]).upper() == colour
            assert axes.get_title(loc="left") == f"{LABELS[arm]} (n = 2)"
        dashes = [axes.collections[0].get_linestyle()[0][1] for axes in usual().figure.axes]
        assert dashes[0] is None
        assert dashes[1] is not None

    def test_marks_lie_on_their_day_and_row(self):
        low, high = (drawn_marks(axes) for axes in usual().figure.axes)
        assert low["administration"].tolist() == [[1, 0], [2, 1]]
        assert low["reduced"].tolist() == [[29, 0]]
        assert low["death"].tolist() == [[120, 1]]
        assert high["transplant"].tolist() == [[134, 0]]
        assert high["lost"].tolist() == [[300, 1]]
        assert 380 < high["ongoing"][0, 0] < 390

    def test_two_on_one_day_do_not_hide_each_other(self):
        low = drawn_marks(usual().figure.axes[0])
        assert low[BLEEDING][0, 0] == low[ASCITES][0, 0] == 200
        assert low[BLEEDING][0, 1] == -low[ASCITES][0, 1] != 0

    def test_three_close_together_are_moved_by_turns(self):
        close = pd.DataFrame({"USUBJID": "P1", "kind": ["a", "b", "c", "d"], "day": [10, 12, 14, 90]})
        placed = patient_figures._placed(close, "day", 5, room=3, step=0.2)
        np.testing.assert_allclose(placed["y"], [4.8, 5.2, 4.8, 5])

    def test_stopped_infusions_are_hollow(self):
        lines = {line.get_label(): line for line in usual().figure.axes[0].get_lines()}
        assert lines["administration"].get_marker() == lines["reduced"].get_marker() == "^"
        assert to_hex(lines["reduced"].get_markerfacecolor()) == "#ffffff"
        assert to_hex(lines["administration"].get_markerfacecolor()) != "#ffffff"

    def test_the_day_of_the_outcome_is_marked(self):
        for axes in usual().figure.axes:
            assert [365, 365] in [list(line.get_xdata()) for line in axes.get_lines()]
        for axes in swimmer(mark=None).figure.axes:
            assert [365, 365] not in [list(line.get_xdata()) for line in axes.get_lines()]

    def test_key_names_what_occurs_and_nothing_else(self):
        assert set(key(usual())) == {
            "infusion", "infusion stopped or reduced", "gastrointestinal bleeding", "ascites", "transplant", "death",
            "end of follow-up", "under observation", "after the transplant",
        }  # fmt: skip
        assert key(swimmer(PEOPLE.assign(transplant=NAN), HAPPENED.iloc[[5]])) == ["death"]

    def test_an_arm_without_patients_and_nothing_that_happened(self):
        people = PEOPLE[PEOPLE["ARMCD"].eq(LOW)]
        picture = swimmer(people, HAPPENED.iloc[:0])
        assert not picture.figure.legends
        assert picture.figure.axes[1].get_title(loc="left") == f"{LABELS[HIGH]} (n = 0)"
        assert not outside(picture)


def test_a_continuous_treatment_is_a_thin_bar_of_its_days():
    """P1 was treated on days 0 to 89 and 100 to 199, P4 throughout: the bars end with those days."""
    spans = pd.DataFrame(
        [("P1", 0.0, 90.0, 0.0, 12.9), ("P1", 100.0, 200.0, 14.3, 28.6), ("P4", 0.0, 300.0, 0.0, 42.9)],
        columns=NEVER.columns,
    )
    picture = swimmer(PEOPLE, HAPPENED[HAPPENED["kind"].ne("administration")], spans)
    thin = [[bar for bar in bars(axes) if bar[3] == 0.16] for axes in picture.figure.axes]
    assert [[bar[1:3] for bar in own] for own in thin] == [[[0, 90], [100, 200]], [[0, 300]]]
    assert "under treatment" in key(picture)
    assert not outside(picture)
    panels = [axes for axes in profiles(spans=spans).figure.axes if axes.get_visible()]
    drawn = [line for line in panels[0].get_lines() if line.get_label() == "treated"]
    assert [line.get_xdata().tolist() for line in drawn] == [[0, 12.9], [14.3, 28.6]]


def test_kinds_are_told_apart_by_form():
    marks = marks_for([BLEEDING, ASCITES, "TTHE", "TTINF", "TTREN"])
    looks = [(mark.marker, mark.filled) for mark in marks.values()]
    assert len(set(looks)) == len(looks) == 11
    assert (marks["death"].marker, marks["transplant"].marker, marks["lost"].marker) == ("x", "D", "o")
    assert (marks["administration"].marker, marks["lost"].filled) == ("^", False)


class TestProfiles:
    def visible(self, picture):
        return [axes for axes in picture.figure.axes if axes.get_visible()]

    def test_a_panel_a_patient_with_number_and_arm(self):
        panels = self.visible(usual_profiles())
        assert [axes.get_title(loc="left") for axes in panels] == [
            "001 · Low", "002 · Low", "003 · Medium-high", "004 · Medium-high",
        ]  # fmt: skip
        assert [to_hex(axes._left_title.get_color()).upper() for axes in panels] == [COLOURS[0]] * 2 + [
            COLOURS[1]
        ] * 2

    def test_lines_are_the_values_in_order_of_time(self):
        lines = [axes.get_lines()[0] for axes in self.visible(usual_profiles())]
        assert np.column_stack(lines[0].get_data()).tolist() == [[0, 12], [4, 15], [48, 40]]
        assert np.column_stack(lines[1].get_data()).tolist() == [[0, 6]]
        assert [line.get_linestyle() for line in lines] == ["-", "-", "--", "--"]

    def test_marks_lie_on_their_week(self):
        first, second, third, fourth = (drawn_marks(axes) for axes in self.visible(usual_profiles()))
        assert first["administration"][:, 0].tolist() == [0]
        assert first["reduced"][:, 0].tolist() == [4]
        assert first[BLEEDING][0, 0] == first[ASCITES][0, 0] == 28.5
        assert first[BLEEDING][0, 1] != first[ASCITES][0, 1]
        assert second["death"][0, 0] == 17
        assert third["transplant"][0, 0] == 19
        assert "ongoing" not in third
        assert fourth["lost"][0, 0] == 42.5

    @pytest.mark.parametrize("log", [False, True])
    def test_values_keep_clear_of_the_marks(self, log):
        picture = profiles(log=log)
        axes = self.visible(picture)[0]
        heights = axes.transAxes.inverted().transform(
            axes.transData.transform(VALUES[["week", "AVAL"]].to_numpy())
        )[:, 1]
        assert heights.min() > 0.12
        assert heights.max() < 0.8
        assert axes.get_yscale() == ("log" if log else "linear")

    def test_axes_are_shared(self):
        panels = self.visible(usual_profiles())
        assert len({(*axes.get_xlim(), *axes.get_ylim()) for axes in panels}) == 1
        assert [t.get_text() for t in panels[0].get_xticklabels()] == ["0", "24", "48"]

    def test_a_patient_without_values_is_said_to_have_none(self):
        panels = self.visible(usual_profiles())
        assert [[t.get_text() for t in axes.texts] for axes in panels] == [[], [], [], ["no values"]]

    def test_nobody_has_a_value(self):
        picture = profiles(VALUES.iloc[:0], happened=HAPPENED.iloc[:0])
        assert all(axes.texts[0].get_text() == "no values" for axes in self.visible(picture))
        assert not outside(picture)

    def test_one_value_alone(self):
        low, high = self.visible(profiles(VALUES.iloc[3:4]))[0].get_ylim()
        assert low < 6 < high

    def test_each_arm_begins_a_row(self):
        people = pd.DataFrame(
            {"USUBJID": list("abcdefg"), "number": list("abcdefg"), "ARMCD": [LOW] * 5 + [HIGH] * 2}
        )
        tops = {
            a.get_title(loc="left")[0]: round(a.get_position().y1, 3)
            for a in self.visible(profiles(people=people))
        }
        assert tops["a"] == tops["d"] > tops["e"] > tops["f"] == tops["g"]


COUNTS = {
    LOW: pd.DataFrame({"time": [0, 100, 101], "followed": [3, 2, 1], "ended": [0, 0, 1], "death": [0, 1, 1]}),
    HIGH: pd.DataFrame({"time": [0, 50, 200], "followed": [2, 2, 2], "ended": [0, 0, 0], "death": [0, 0, 0]}),
}
NAMES = {"followed": "Followed", "ended": "Follow-up ended", "death": "Died"}


def states(counts=COUNTS) -> Picture:
    axis = TimeAxis("days", [0.0, 100.0, 200.0])
    return patient_figures.states(counts, names=NAMES, axis=axis, mark=50, **WORDS)


class TestStates:
    def test_areas_are_stacked_counts(self):
        axes = states().figure.axes[0]
        tops = [max(p.vertices[:, 1].max() for p in c.get_paths()) for c in axes.collections]
        assert tops == [3, 3, 3]
        own, ended, _ = (c.get_paths()[0].vertices for c in axes.collections)
        assert own[own[:, 0] == 101, 1].max() == 2  # the step down from 2 to 1
        assert ended[ended[:, 0] > 101, 1].tolist() == []

    def test_states_are_named_in_a_key_and_told_apart_without_colour(self):
        picture = states()
        assert key(picture) == list(NAMES.values())
        shades = [(c.get_hatch(), to_hex(c.get_facecolor()[0])) for c in picture.figure.axes[0].collections]
        assert len(set(shades)) == 3

    def test_the_day_of_the_outcome_is_marked(self):
        assert [list(a.get_lines()[0].get_xdata()) for a in states().figure.axes] == [[50, 50]] * 2

    def test_panels_name_arm_and_number(self):
        assert [a.get_title(loc="left") for a in states().figure.axes] == [
            f"{LABELS[LOW]} (n = 3)",
            f"{LABELS[HIGH]} (n = 2)",
        ]


@pytest.mark.parametrize("number", [1, 3, 4])
def test_states_of_other_numbers_of_arms(number):
    panels = dict.fromkeys(["ABCD"[place] for place in range(number)], COUNTS[LOW])
    picture = states(panels)
    assert len([axes for axes in picture.figure.axes if axes.get_visible()]) == number
    assert not outside(picture)
    assert not overlapping(picture, list(dict.fromkeys(every_text(picture))))


@pytest.fixture(scope="module")
def pictures(study):
    """Every picture of the chapter, for each cut that shows it."""
    with read_by(Reader("en", LABELS, TERMS)):
        return drawn_of(study)


def drawn_of(study) -> dict[tuple[str, str], Picture]:
    found = {}
    for cut in ("demo-final", "demo-interim", "mayo-pbc"):
        own = study(cut)
        courses = patients.courses(own, patients.conditions(own.protocol))
        rows = rows_of("courses", courses, analysis="FLOW", chapter="07")
        if cut == "mayo-pbc":
            axis = patients.course_axis(own, courses, [0, 730.5, 1461, 2191.5, 2922, 3652.5, 4383])
            found[cut, "states"] = state_figure(own, courses, rows, axis=axis)
            continue
        axis = patients.course_axis(own, courses, [])
        found[cut, "swimmer"] = patients.swimmer_figure(own, courses, rows, axis=axis)
    own = study("demo-final")
    courses = patients.courses(own, patients.conditions(own.protocol))
    found["demo-final", "BILI"] = patients.profile_figure(own, courses, own.protocol.parameter("BILI"))
    return found


def test_no_word_is_cut_or_lies_on_another(pictures):
    for name, picture in pictures.items():
        assert not outside(picture), name
        texts = list(dict.fromkeys(every_text(picture)))
        assert not overlapping(picture, texts), name
        assert min(text.get_fontsize() for text in texts) >= 8, name
        assert picture.figure.get_figwidth() == 7
        assert picture.alt


def test_marks_of_the_demonstration_do_not_hide_each_other(pictures):
    """No two marks of one bar lie nearer than half a mark, 2.75 points, to each other."""
    for cut in ("demo-final", "demo-interim"):
        picture = pictures[cut, "swimmer"]
        for axes in picture.figure.axes:
            points = axes.transData.transform(np.concatenate(list(drawn_marks(axes).values())))
            gaps = [np.hypot(*(a - b)) * 72 / picture.figure.dpi for a, b in combinations(points, 2)]
            assert min(gaps) > 2.75


@pytest.mark.parametrize("make", [swimmer, profiles, states])
def test_bytes_are_the_same_from_a_second_figure(make, tmp_path):
    for place in ("0", "1"):
        (tmp_path / place).mkdir()
        make().save(tmp_path / place)
    for suffix in ("svg", "png"):
        assert (tmp_path / "0" / f"p.{suffix}").read_bytes() == (tmp_path / "1" / f"p.{suffix}").read_bytes()
    assert make().drawn() == make().drawn()
    assert "nan" not in make().drawn()


def test_frames_are_not_modified():
    before = PEOPLE.copy(), HAPPENED.copy(), VALUES.copy()
    swimmer(), profiles()
    for now, then in zip((PEOPLE, HAPPENED, VALUES), before, strict=True):
        pd.testing.assert_frame_equal(now, then)
