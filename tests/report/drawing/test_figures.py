"""Figures through their artists: what is drawn is what was estimated, nothing collides, the same bytes every time."""

import re
from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.text import Text

from esld.data.cutfile import read_cut
from esld.data.study import in_protocol_order
from esld.report.change.courses import Course, Stop, mean_changes, trajectories
from esld.report.data_cut import enrolment
from esld.report.drawing import figures
from esld.report.drawing.axes import TimeAxis, time_axis
from esld.report.drawing.figures import Picture
from esld.report.survival.curves import _apart, _without_collision, survival_curves
from esld.survival import kaplan_meier
from tests.loaded import loaded_once
from tests.report.builders import HIGH, LABELS, LOW

ROOT = Path(__file__).parents[3]

TIMES = {
    LOW: ([120, 241, 370, 380, 390, 395, 399, 402, 405, 410, 415], [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    HIGH: ([203, 212, 370, 375, 380, 390, 395, 398, 402, 405, 412], [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]),
}
TICKS = [0, 60, 120, 180, 240, 300, 365]


def curves(times=TIMES):
    return {label: kaplan_meier(days, dead, group=label) for label, (days, dead) in times.items()}


def survival(own=None, **how) -> Picture:
    own = own or curves()
    how = {"arms": list(own), "title": "Alive", "alt": "Two curves.", "free": "alive", **how}
    how["axis"] = TimeAxis("days", [float(tick) for tick in how.pop("ticks", TICKS)])
    how = {"end": max(365.0, *how["axis"].ticks), **how}
    return survival_curves(own, id="os_km", **how)


@cache
def standard() -> Picture:
    """The usual curves, drawn once for all who only look at them."""
    return survival(mark=365)


def boxes(picture: Picture, texts):
    picture.figure.draw_without_rendering()
    return [text.get_window_extent() for text in texts]


def overlapping(picture: Picture, texts) -> list[tuple[str, str]]:
    found = list(zip(texts, boxes(picture, texts), strict=True))
    return [
        (a.get_text(), b.get_text()) for (a, one), (b, two) in combinations(found, 2) if one.overlaps(two)
    ]


def every_text(picture: Picture) -> list[Text]:
    figure = picture.figure
    figure.draw_without_rendering()
    texts = [*figure.texts, *(t for legend in figure.legends for t in legend.get_texts())]
    for axes in (a for a in figure.axes if a.get_visible()):
        texts += [*axes.texts, axes.title, axes._left_title, axes._right_title]
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            texts += [axis.label, *(t.label1 for t in axis._update_ticks() if t.label1.get_visible())]
    return [
        t
        for t in (figure._suptitle, figure._supylabel, *texts)
        if t is not None and t.get_visible() and t.get_text().strip()
    ]


def outside(picture: Picture) -> list[str]:
    """Words that the edge of the figure cuts."""
    texts = every_text(picture)
    edge = picture.figure.bbox
    return [
        text.get_text()
        for text, box in zip(texts, boxes(picture, texts), strict=True)
        if min(box.x0, box.y0) < -0.5 or box.x1 > edge.x1 + 0.5 or box.y1 > edge.y1 + 0.5
    ]


def risk_texts(picture: Picture) -> dict[tuple[float, float], str]:
    """Counts by (tick, row)."""
    table = picture.figure.axes[1]
    return {t.get_position(): t.get_text() for t in table.texts if "(" in t.get_text()}


class TestSurvivalCurves:
    def test_drawn_steps_are_those_of_the_estimate(self):
        own = curves()
        axes = standard().figure.axes[0]
        for label, curve in own.items():
            (line,) = [drawn for drawn in axes.get_lines() if drawn.get_label() == label]
            np.testing.assert_array_equal(
                np.column_stack(line.get_data()), curve.step()[["time", "survival"]]
            )

    def test_band_is_that_of_the_limits(self):
        own = curves()
        bands = standard().figure.axes[0].collections
        assert len(bands) == 2
        for band, curve in zip(bands, own.values(), strict=True):
            step = curve.step().dropna()
            drawn = {tuple(v) for path in band.get_paths() for v in np.round(path.vertices, 9)}
            wanted = {
                tuple(v) for name in ("lower", "upper") for v in np.round(step[["time", name]].to_numpy(), 9)
            }
            assert drawn == wanted
            first = curve.times[curve.n_event > 0][0]
            assert min(x for x, _ in drawn) == first  # no interval before the first death

    def test_censored_patients_are_marked_on_the_curve(self):
        own = curves()
        marks = [line for line in standard().figure.axes[0].get_lines() if line.get_marker() == "|"]
        for line, curve in zip(marks, own.values(), strict=True):
            assert sum(curve.n_censor) == 11 - curve.events
            x, y = line.get_data()
            np.testing.assert_array_equal(x, curve.times[curve.n_censor > 0])
            np.testing.assert_array_equal(y, curve.at(x)["survival"])

    def test_numbers_at_risk_are_those_of_the_curve(self):
        own, found = curves(), risk_texts(standard())
        shown = sorted({tick for tick, _ in found})
        assert {0, 365} <= set(shown) <= set(TICKS)
        for row, curve in zip((1, 0), own.values(), strict=True):
            for tick, at in zip(shown, curve.counts(shown).itertuples(), strict=True):
                assert found[tick, row] == f"{at.n_risk} ({at.events}; {at.censored})"

    def test_the_axis_ends_where_it_is_told_and_names_stand_left_of_the_counts(self):
        axes, table = standard().figure.axes
        assert axes.get_xlim() == (0, 365)
        names = [t for t in table.texts if "(" not in t.get_text()]
        left = min(box.x0 for box in boxes(standard(), [t for t in table.texts if "(" in t.get_text()]))
        assert len(names) == 2
        assert all(box.x1 < left for box in boxes(standard(), names))

    def test_what_compares_the_groups_stands_inside(self):
        picture = survival(inside="Difference at one year: 9 points (95 % CI −24 to 42)")
        assert "−24 to 42" in picture.figure.axes[0].texts[-1].get_text()
        assert not outside(picture)

    def test_arms_differ_in_colour_and_in_dash(self):
        axes = standard().figure.axes[0]
        low, high = (
            next(line for line in axes.get_lines() if line.get_label() == label) for label in (LOW, HIGH)
        )
        assert (to_hex(low.get_color()).upper(), low.get_linestyle()) == ("#0072B2", "-")
        assert (to_hex(high.get_color()).upper(), high.get_linestyle()) == ("#D55E00", "--")
        assert to_hex(axes.collections[0].get_facecolor()[0]).upper() == "#0072B2"
        names = {t.get_text().replace("\n", " "): to_hex(t.get_color()).upper() for t in axes.texts}
        assert names == {LABELS[LOW]: "#0072B2", LABELS[HIGH]: "#D55E00"}

    def test_label_at_the_end_comes_with_a_piece_of_its_line(self):
        axes = standard().figure.axes[0]
        keys = [line for line in axes.get_lines() if not line.get_clip_on()]
        assert [(key.get_linestyle(), to_hex(key.get_color()).upper()) for key in keys] == [
            ("-", "#0072B2"),
            ("--", "#D55E00"),
        ]
        for key, text in zip(keys, axes.texts, strict=True):
            assert key.get_ydata()[0] == text.xy[1]

    def test_axis_runs_from_nothing_to_one_and_names_its_unit(self):
        axes = standard().figure.axes[0]
        assert axes.get_ylim()[0] == 0
        assert 1 <= axes.get_ylim()[1] < 1.05
        assert axes.get_xlim()[0] == 0
        assert axes.get_xlabel() == "Days since randomisation"
        assert [t.get_text() for t in axes.get_xticklabels()] == [f"{tick:g}" for tick in axes.get_xticks()]
        assert [line.get_xdata()[0] for line in axes.get_lines() if line.get_linestyle() == "--"][
            -1
        ] is not None

    def test_marked_day(self):
        axes = standard().figure.axes[0]
        assert any(list(line.get_xdata()) == [365, 365] for line in axes.get_lines())
        assert not any(list(line.get_xdata()) == [365, 365] for line in survival().figure.axes[0].get_lines())

    @pytest.mark.parametrize(
        "ends", [(0.5, 0.5), (1.0, 1.0), (0.0, 0.0), (0.5, 0.52), (1.0, 0.98), (1.0, 1.0, 1.0), (0.2, 0.9)]
    )
    def test_labels_at_line_ends_do_not_overlap(self, ends):
        own = {}
        for number, share in enumerate(ends):
            dead = [1] * round(50 * (1 - share))
            own[f"Arm number {number}"] = kaplan_meier(
                [*[10] * len(dead), *[400] * (50 - len(dead))], [*dead, *[0] * (50 - len(dead))]
            )
        picture = survival(own)
        assert not overlapping(picture, picture.figure.axes[0].texts)
        assert not outside(picture)

    @pytest.mark.parametrize(
        "ticks",
        [TICKS, [0, 90, 180, 270, 365], list(range(0, 400, 10)), [0, 360, 365], [0, 365, 400, 415], [0]],
    )
    def test_counts_never_collide_and_the_marked_day_keeps_its_own(self, ticks):
        picture = survival(ticks=ticks, mark=365)
        axes, table = picture.figure.axes
        assert not overlapping(picture, table.texts)
        shown = sorted({tick for tick, _ in risk_texts(picture)})
        assert shown == list(axes.get_xticks())
        assert not overlapping(picture, axes.get_xticklabels())
        assert shown[0] == 0
        assert (365 in shown) == (365 in ticks)

    def test_large_counts_are_thinned_not_shrunk(self):
        rng = np.random.default_rng(sum(map(ord, "large counts are thinned")))
        own = {
            label: kaplan_meier(rng.integers(1, 4500, 1580), rng.integers(0, 2, 1580))
            for label in (LOW, HIGH)
        }
        picture = survival(own, ticks=list(np.arange(0, 4400, 365.25)), mark=365.25)
        table = picture.figure.axes[1]
        assert not overlapping(picture, table.texts)
        assert 2 <= len({tick for tick, _ in risk_texts(picture)}) < 12
        assert min(t.get_fontsize() for t in table.texts) >= 8

    @pytest.mark.parametrize("label", [HIGH, "A treatment with quite a long name"])
    def test_no_word_is_cut_at_the_edge(self, label):
        title = (
            "At one year an estimated 82 % with the low dose and 91 % with the medium-high dose were alive"
        )
        own = dict(zip((LOW, label), curves().values(), strict=True))
        assert not outside(survival(own, title=title))

    def test_one_arm_without_deaths_has_no_band(self):
        picture = survival({LOW: kaplan_meier([400] * 5, [0] * 5), HIGH: kaplan_meier([10, 400], [1, 0])})
        vertices = [
            sum(len(p.vertices) for p in band.get_paths()) for band in picture.figure.axes[0].collections
        ]
        assert vertices[0] == 0
        assert vertices[1] > 0


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=6),
    st.floats(0.01, 0.15),
)
def test_heights_are_moved_apart_in_order_and_stay_below_the_top(heights, gap):
    placed = _apart(heights, gap=gap, top=1.0)
    order = sorted(range(len(heights)), key=lambda i: placed[i])
    assert all(placed[b] - placed[a] >= gap - 1e-9 for a, b in pairwise(order))
    assert max(placed) <= 1.0 + 1e-9
    for a, b in combinations(range(len(heights)), 2):
        if heights[a] != heights[b]:
            assert (placed[a] < placed[b]) == (heights[a] < heights[b])


def test_heights_far_apart_stay_where_they_are():
    assert _apart([0.9, 0.2], gap=0.075, top=1.0) == [0.9, 0.2]


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=25, unique=True),
    st.integers(1, 200),
    st.integers(0, 24),
)
def test_columns_shown_never_touch_and_the_kept_one_stays(ticks, width, kept):
    ticks = sorted(ticks)
    keep = ticks[kept % len(ticks)]
    shown = _without_collision([(t, t - width / 2, t + width / 2) for t in ticks], [keep])
    assert {keep} <= set(shown) <= set(ticks)
    assert all(b - a >= width for a, b in pairwise(shown))
    if all(b - a >= width for a, b in pairwise(ticks)):
        assert shown == ticks


def values(**more) -> pd.DataFrame:
    rows = [
        ("P1", LOW, -3, 10.0), ("P1", LOW, 8, 12.0), ("P1", LOW, 29, 15.0),
        ("P2", LOW, 1, 8.0), ("P2", LOW, 337, 9.0),
        ("P3", HIGH, 1, 20.0), ("P3", HIGH, 57, 30.0),
        ("P4", HIGH, 1, 7.0), ("P4", HIGH, 85, 6.0),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["USUBJID", "ARMCD", "ADY", "AVAL"])


ENDS = pd.DataFrame({"USUBJID": ["P1", "P3", "P4", "P9"], "kind": ["death", "transplant", "lost", "death"]})


WEEKS = time_axis(336)


def courses(**how) -> Picture:
    words = {"title": "Bilirubin", "alt": "Each patient.", "time": WEEKS, "since": "treatment"}
    own = {"rows": values(), "name": "Bilirubin", "label": "mg/dL", "ends": ENDS}
    for key in set(how) & {"rows", "ends", "normal", "normal_label", "log"}:
        own[key] = how.pop(key)
    times = how.pop("times", 1)
    return trajectories([Course(**own)] * times, arms=[LOW, HIGH], id="course", **{**words, **how})


@cache
def usual_courses() -> Picture:
    return courses()


class TestTrajectories:
    def test_one_line_a_patient_in_days(self):
        lines = [
            line
            for line in usual_courses().figure.axes[0].get_lines()
            if line.get_marker() in ("None", "", None)
        ]
        drawn = [np.column_stack(line.get_data()).tolist() for line in lines]
        assert [[0, 10], [7, 12], [28, 15]] in drawn  # before day 1 is drawn at day 1
        assert [[0, 8], [336, 9]] in drawn
        assert len(drawn) == 2

    @pytest.mark.parametrize(
        ("panel", "marker", "point"),
        [(0, "x", (28.0, 15.0)), (1, "D", (56.0, 30.0)), (1, "o", (84.0, 6.0))],
    )
    def test_ends_are_marked_at_the_last_value(self, panel, marker, point):
        marks = [
            line for line in usual_courses().figure.axes[panel].get_lines() if line.get_marker() == marker
        ]
        assert [tuple(np.ravel(line.get_data())) for line in marks] == [point]

    def test_nobody_is_marked_who_has_not_ended(self):
        picture = courses(ends=ENDS.iloc[:0])
        assert not any(
            line.get_marker() in ("x", "D", "o") for axes in picture.figure.axes for line in axes.get_lines()
        )
        assert not picture.figure.legends

    def test_key_names_what_occurs_and_nothing_else(self):
        def key(picture: Picture) -> list[str]:
            return [t.get_text() for legend in picture.figure.legends for t in legend.get_texts()]

        assert key(usual_courses()) == ["death", "transplant", "end of follow-up"]
        assert key(courses(ends=ENDS.iloc[:1], normal=[20.5], normal_label="upper limit")) == [
            "death",
            "upper limit",
        ]

    def test_panels_share_axes_and_say_arm_and_number(self):
        first, second = usual_courses().figure.axes
        assert first.get_ylim() == second.get_ylim()
        assert first.get_xlim() == second.get_xlim()
        assert [axes.get_title("left") for axes in (first, second)] == [
            "Low dose (n = 2)",
            "Medium-high dose (n = 2)",
        ]
        assert first.get_ylabel() == "mg/dL"
        assert courses(since="randomisation").figure.axes[0].get_xlabel() == "Weeks since randomisation"
        assert [t.get_text() for t in first.get_xticklabels()] == ["0", "12", "24", "36", "48"]

    def test_colours_of_the_arms(self):
        for axes, colour in zip(courses(ends=ENDS.iloc[:0]).figure.axes, figures.COLOURS, strict=False):
            assert {to_hex(line.get_color()).upper() for line in axes.get_lines()} == {colour}

    def test_limits_of_normal(self):
        for axes in courses(normal=[17.0, 21.0]).figure.axes:
            heights = [line.get_ydata()[0] for line in axes.get_lines() if list(line.get_xdata()) == [0, 1]]
            assert heights == [17.0, 21.0]

    def test_logarithmic_axis_is_labelled_with_plain_numbers(self):
        axes = courses(log=True).figure.axes[0]
        assert axes.get_yscale() == "log"
        assert axes.yaxis.get_major_formatter()(0.1, 0) == "0.1"

    @pytest.mark.parametrize("times", [2, 5, 12])
    def test_small_multiples_are_one_page_with_a_panel_a_parameter_and_arm(self, times):
        picture = courses(times=times, normal=[20], normal_label="upper limit of normal")
        shown = [axes for axes in picture.figure.axes if axes.get_visible()]
        assert len(shown) == 2 * times
        assert picture.figure.get_figheight() < 9.6
        assert not outside(picture)
        assert [axes.get_title("left") for axes in shown[:2]] == ["Bilirubin", ""]
        assert not overlapping(picture, [t for axes in shown for t in (*axes.texts, axes._left_title)])

    def test_no_word_is_cut(self):
        title = "Alanine aminotransferase at week 48: lower than at baseline in 6 of 9 (low dose) and 2 of 7 (medium-high dose)"
        assert not outside(
            courses(title=title, normal=[20], normal_label="upper limit of normal (lowest and highest)")
        )

    def test_arm_without_patients_has_an_empty_panel(self):
        own = values().query("ARMCD == @LOW")
        picture = courses(rows=own)
        assert [axes.get_title("left") for axes in picture.figure.axes] == [
            "Low dose (n = 2)",
            "Medium-high dose (n = 0)",
        ]


VISITS = [Stop(2.0, 7, "1"), Stop(3.0, 28, "4"), Stop(7.0, 336, "48")]


@cache
def changes(parameters=("ALT", "AST", "ALP", "BILI")) -> tuple[pd.DataFrame, Picture]:
    points = [
        (LOW, 2, 1.5, -4.9, 7.9, 11),
        (LOW, 3, 4.0, -8.7, 16.7, 10),
        (HIGH, 2, -1.5, -7.9, 4.9, 11),
        (HIGH, 3, 0.5, -44, 45, 9),
    ]
    frame = pd.DataFrame(points, columns=["group", "time", "value", "lower", "upper", "n"])
    how = {
        "arms": [LOW, HIGH],
        "visits": VISITS,
        "axis": "Weeks",
        "id": "change",
        "title": "Change",
        "alt": "By visit.",
    }
    return frame, mean_changes(dict.fromkeys(parameters, frame), units={"ALT": "U/L"}, **how)


class TestChinese:
    """Verbatim terms are Chinese; the font for them comes with the package."""

    TERM = "恶心、肝性脑病"

    @staticmethod
    def drawn(text: str, weight: str = "normal") -> np.ndarray:
        figures.set_style()
        figure = figures.new_figure(0.6, 2.0)
        figure.set_layout_engine("none")
        figure.text(0.05, 0.4, text, fontsize=14, weight=weight)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()  # a missing glyph warns, and a warning is an error here
        return np.asarray(canvas.buffer_rgba())[..., 0]

    @pytest.mark.parametrize("weight", ["normal", "bold"])
    def test_every_character_has_its_own_shape(self, weight):
        pictures = [self.drawn(character, weight).tobytes() for character in self.TERM.replace("、", "")]
        assert len(set(pictures)) == len(pictures)

    def test_a_character_that_no_font_has_is_not_passed_over(self):
        with pytest.warns(UserWarning, match="missing from font"):
            self.drawn("\u1200")  # Ethiopic

    def test_no_font_of_the_machine_is_needed(self, monkeypatch):
        """With nothing but what matplotlib and the package bring."""
        from matplotlib import font_manager, get_data_path

        figures.set_style()
        own = [
            f
            for f in font_manager.fontManager.ttflist
            if f.fname.startswith((get_data_path(), str(figures._HAN)))
        ]
        assert any(f.name == "esld Han" for f in own)
        monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
        font_manager.fontManager._findfont_cached.cache_clear()
        assert (self.drawn(self.TERM) < 128).sum() > 200

    def test_latin_letters_stay_those_of_the_first_font(self):
        figures.set_style()
        both = self.drawn("Low dose (n = 11)")
        with mpl.rc_context({"font.family": ["DejaVu Sans"]}):
            figure = figures.new_figure(0.6, 2.0)
            figure.set_layout_engine("none")
            figure.text(0.05, 0.4, "Low dose (n = 11)", fontsize=14)
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
        assert (np.asarray(canvas.buffer_rgba())[..., 0] == both).all()


class TestMeanChanges:
    def test_points_and_intervals_are_those_of_the_rows(self):
        frame, picture = changes()
        axes = picture.figure.axes[0]
        for position, arm in enumerate((LOW, HIGH)):
            own = frame[frame["group"].eq(arm)]
            (line,) = [drawn for drawn in axes.get_lines() if drawn.get_label() == LABELS[arm]]
            np.testing.assert_array_equal(line.get_ydata(), own["value"])
            np.testing.assert_allclose(line.get_xdata(), np.array([7, 28]) + (position - 0.5) * 336 / 60)
            segments = axes.collections[position].get_segments()
            np.testing.assert_allclose([s[:, 1] for s in segments], own[["lower", "upper"]].to_numpy())
            np.testing.assert_allclose([s[0, 0] for s in segments], line.get_xdata())

    def test_arms_differ_in_colour_and_in_dash_and_are_named_once(self):
        _, picture = changes()
        names = [LABELS[LOW], LABELS[HIGH]]
        lines = [line for line in picture.figure.axes[0].get_lines() if line.get_label() in names]
        assert [to_hex(line.get_color()).upper() for line in lines] == ["#0072B2", "#D55E00"]
        assert [line.get_linestyle() for line in lines] == ["-", "--"]
        assert [t.get_text() for legend in picture.figure.legends for t in legend.get_texts()] == names

    def test_zero_is_drawn_and_visits_are_named(self):
        axes = changes()[1].figure.axes[0]
        assert any(list(line.get_ydata()) == [0, 0] for line in axes.get_lines())
        bottom = changes()[1].figure.axes[3]
        assert [t.get_text() for t in bottom.get_xticklabels()] == [
            "4",
            "48",
        ]  # week 1 has no room beside week 4
        assert list(bottom.get_xticks()) == [28, 336]  # to scale
        assert axes.get_ylabel() == "U/L"

    def test_the_patients_of_each_arm_stand_under_the_axis(self):
        texts = changes()[1].figure.axes[0].texts
        assert [(t.get_text(), to_hex(t.get_color()).upper()) for t in texts] == [
            *(("10", "#0072B2"), ("0", "#0072B2")),
            *(("9", "#D55E00"), ("0", "#D55E00")),
        ]

    def test_a_panel_a_parameter_and_no_empty_one(self):
        visible = [axes for axes in changes()[1].figure.axes if axes.get_visible()]
        assert [axes.get_title("left") for axes in visible] == ["ALT", "AST", "ALP", "BILI"]

    def test_titles_of_panels_do_not_touch(self):
        long = (
            "Alanine aminotransferase",
            "Aspartate aminotransferase",
            "International normalized ratio",
            "MELD",
        )
        _, picture = changes(long)
        titles = [axes._left_title for axes in picture.figure.axes if axes.get_visible()]
        assert not overlapping(picture, titles)
        assert not outside(picture)

    def test_single_value_is_a_point_without_interval(self):
        frame = pd.DataFrame(
            {"group": [LOW], "time": [2], "value": [1.0], "lower": [np.nan], "upper": [np.nan], "n": [1]}
        )
        picture = mean_changes(
            {"ALT": frame}, arms=[LOW, HIGH], visits=VISITS, id="c", title="", alt="", axis=""
        )
        axes = picture.figure.axes[0]
        assert [list(line.get_ydata()) for line in axes.get_lines() if line.get_label() == LABELS[LOW]] == [
            [1.0]
        ]
        drawn = [path.vertices for c in axes.collections for path in c.get_paths() if len(path.vertices)]
        assert all(np.isnan(vertices[:, 1]).all() for vertices in drawn)


class TestEnrolment:
    def test_steps_up_by_one_on_each_day_of_randomisation(self):
        days = pd.Series(pd.to_datetime(["2024-03-01", "2024-01-15", "2024-03-01"]))
        axes = enrolment.enrolment(days, target=5, id="e", title="T", alt="A").figure.axes[0]
        steps = axes.get_lines()[0]
        wanted = mpl.dates.date2num(pd.to_datetime(["2024-01-15", "2024-01-15", "2024-03-01", "2024-03-01"]))
        np.testing.assert_array_equal(steps.get_xdata(), wanted)
        np.testing.assert_array_equal(steps.get_ydata(), [0, 1, 2, 3])
        assert steps.get_drawstyle() == "steps-post"
        assert list(axes.get_lines()[1].get_ydata()) == [5, 5]

    def test_one_patient(self):
        picture = enrolment.enrolment(
            pd.Series(pd.to_datetime(["2024-01-15"])), target=22, id="e", title="T", alt="A"
        )
        assert not outside(picture)


PICTURES = {
    "survival": lambda: survival(mark=365),
    "trajectories": courses,
    "changes": lambda: changes.__wrapped__()[1],
    "enrolment": lambda: enrolment.enrolment(
        pd.Series(pd.to_datetime(["2024-03-01", "2024-01-15"])), target=2, id="enrolment", title="T", alt="A"
    ),
}


@cache
def drawn(name: str) -> Picture:
    return PICTURES[name]()


@pytest.mark.parametrize("name", PICTURES)
class TestSaved:
    def test_bytes_are_the_same_a_second_time_and_from_a_second_figure(self, name, tmp_path):
        first, second = drawn(name), PICTURES[name]()
        contents = []
        for number, picture in enumerate((first, first, second)):
            folder = tmp_path / str(number)
            folder.mkdir()
            picture.save(folder)
            contents.append([path.read_bytes() for path in sorted(folder.iterdir())])
        assert [path.suffix for path in sorted((tmp_path / "0").iterdir())] == [".png", ".svg"]
        assert contents[0] == contents[1] == contents[2]
        png, svg = contents[0]
        assert not re.search(rb"20\d\d-\d\d-\d\dT|<dc:date>|Matplotlib v|<dc:creator>", svg)
        assert b"tIME" not in png
        assert b"tEXt" not in png

    def test_fonts_are_not_below_eight_points(self, name):
        assert min(text.get_fontsize() for text in every_text(drawn(name))) >= 8

    def test_title_and_every_word_lie_inside(self, name):
        assert not outside(drawn(name))

    def test_as_wide_as_the_text_or_a_phone_and_not_known_to_pyplot(self, name):
        from matplotlib import pyplot

        before = pyplot.get_fignums()
        assert PICTURES[name]().figure.get_figwidth() == (5.2 if name == "survival" else 7)
        assert pyplot.get_fignums() == before

    def test_words_for_those_who_do_not_see_it(self, name):
        picture = drawn(name)
        data, metadata = picture._repr_mimebundle_()
        assert metadata["image/png"]["alt"] == picture.alt != ""
        assert data["image/png"].startswith(b"\x89PNG")
        assert picture.alt in data["text/plain"]

    def test_what_was_drawn_is_told_in_figures(self, name):
        one, other = drawn(name).drawn(), PICTURES[name]().drawn()
        assert one == other
        assert re.search(r"panel 1, line of \d+ points: sum x -?[\d.e+]+, sum y -?[\d.e+]+", one)
        assert "nan" not in one


def test_a_changed_death_changes_what_is_told():
    later = {LOW: TIMES[LOW], HIGH: ([204, *TIMES[HIGH][0][1:]], TIMES[HIGH][1])}
    assert survival(curves(later), mark=365).drawn() != standard().drawn()


def test_a_changed_limit_changes_what_is_told():
    wider = {label: kaplan_meier(*TIMES[label], conf_level=0.99) for label in TIMES}
    assert survival(wider, mark=365).drawn() != standard().drawn()


def test_svg_needs_no_style_to_be_reproducible(tmp_path):
    with mpl.rc_context():
        mpl.rcdefaults()
        pictures = [survival(), survival()]
        for number, picture in enumerate(pictures):
            (tmp_path / str(number)).mkdir()
            picture.save(tmp_path / str(number))
    assert (tmp_path / "0" / "os_km.svg").read_bytes() == (tmp_path / "1" / "os_km.svg").read_bytes()


def test_more_arms_than_colours_start_again():
    assert figures.arm_style(0) == figures.arm_style(len(figures.COLOURS))
    styles = [figures.arm_style(i) for i in range(4)]
    assert len({s["color"] for s in styles}) == len({str(s["linestyle"]) for s in styles}) == 4


@pytest.mark.parametrize("cut", ["demo-final", "tablets-three-arms"])
def test_seaborn_s_own_plot_has_the_report_s_colours_in_the_protocol_s_order(cut):
    """Whatever the order of the rows."""
    import seaborn

    study = in_protocol_order(loaded_once(read_cut(ROOT / "params" / f"{cut}.yaml")))
    own = study.randomised.iloc[::-1]
    with mpl.rc_context():
        figures.set_style()
        axes = seaborn.stripplot(data=own, x="TRT01P", y="AGE", hue="TRT01P")
        axes.figure.canvas.draw()
    assert [tick.get_text() for tick in axes.get_xticklabels()] == list(study.protocol.arm_labels.values())
    points = [points for points in axes.collections if len(points.get_offsets())]
    colours = [to_hex(points.get_facecolor()[0]).upper() for points in points]
    assert colours == [figures.arm_style(place)["color"] for place in range(len(study.arms))]
    assert [len(points.get_offsets()) for points in points] == list(own["TRT01P"].value_counts(sort=False))


def test_what_is_plotted_without_a_colour_has_one_of_the_house_s_and_eight_lines_differ():
    with mpl.rc_context():
        figures.set_style()
        axes = figures.new_figure().subplots()
        lines = [axes.plot([0, 1], [0, n])[0] for n in range(8)]
    assert [line.get_color() for line in lines[:4]] == list(figures.COLOURS)
    assert len({line.get_color() for line in lines}) == 8
