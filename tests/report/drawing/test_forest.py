"""The forest plot through its artists: a mark and an interval a line, at the numbers, on the scale that suits."""

import pytest

from esld.report.drawing.forest import ForestLine, forest

LINES = [
    ForestLine(label="All patients", n=20, value=0.8, lower=0.4, upper=1.6, text="0.80 (0.40 to 1.60)"),
    ForestLine(label="Sex", heading=True),
    ForestLine(label="Female", n=10, value=0.5, lower=0.2, upper=1.25, text="0.50 (0.20 to 1.25)"),
    ForestLine(label="Male", n=10, text="NE"),
]


def axes_of(ratios: bool = True):
    picture = forest(LINES, id="f", title="In subgroups", alt="A plot.", axis="Hazard ratio", ratios=ratios)
    return picture.figure.axes[0]


def test_each_line_has_its_mark_and_interval_at_its_place():
    drawn = [line for line in axes_of().get_lines()[1:]]
    spans = [
        (list(line.get_xdata()), list(line.get_ydata())) for line in drawn if line.get_marker() == "None"
    ]
    marks = [(line.get_xdata()[0], line.get_ydata()[0]) for line in drawn if line.get_marker() == "s"]
    assert spans == [([0.4, 1.6], [0, 0]), ([0.2, 1.25], [2, 2])]
    assert marks == [(0.8, 0), (0.5, 2)]


def test_more_patients_have_a_larger_mark():
    first, second = (line for line in axes_of().get_lines() if line.get_marker() == "s")
    assert first.get_markersize() > second.get_markersize()


@pytest.mark.parametrize(("ratios", "scale", "none"), [(True, "log", 1), (False, "linear", 0)])
def test_the_line_without_an_effect_suits_the_scale(ratios, scale, none):
    axes = axes_of(ratios)
    assert axes.get_xscale() == scale
    assert list(axes.get_lines()[0].get_xdata()) == [none, none]


def test_from_top_to_bottom_with_the_headings_bold_and_the_numbers_beside():
    axes = axes_of()
    labels = axes.get_yticklabels()
    assert [text.get_text() for text in labels] == ["All patients", "Sex", "Female", "Male"]
    assert [text.get_fontweight() for text in labels] == ["normal", "bold", "normal", "normal"]
    low, high = axes.get_ylim()
    assert low > high
    assert [text.get_text() for text in axes.texts] == [line.text for line in LINES]
