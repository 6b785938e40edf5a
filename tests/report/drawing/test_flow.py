"""The flow diagram through its artists: every count of the flow stands in its box, and nothing leaves it."""

from functools import cache
from itertools import combinations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.patches import Rectangle

from esld.report.drawing.figures import COLOURS
from esld.report.drawing.flow import NARROW, WIDE, _wrapped, flow_alt, flow_figure
from esld.report.flow import Flow, participant_flow
from esld.report.phrases import reader_of
from esld.report.words.catalogue import read_by
from tests.examples import few
from tests.report.arms import with_arms
from tests.report.builders import HIGH, LOW, patient, study_of

LAYOUTS = {"wide": WIDE, "narrow": NARROW}
NBSP = "\N{NO-BREAK SPACE}"


@cache
def small(**how) -> Flow:
    patients = [
        patient(1, LOW, days=400, completed=True),
        patient(2, LOW, days=100, reason="WITHDRAWAL BY SUBJECT", treated=False),
        patient(3, HIGH, days=400, transplant_day=100),
        patient(4, HIGH, days=100, dead=True),
        patient(5, HIGH, days=10, randomised="2026-03-01"),
        patient(6, None, reason="SCREEN FAILURE"),
        patient(7, None),
    ]
    failed = pd.DataFrame({"USUBJID": ["P-006"], "IETESTCD": ["EX10"]})
    tables = {"EX": pd.DataFrame(), "IE": failed}
    return participant_flow(study_of(patients, tables=tables), horizon_days=365)


def boxes(picture) -> list[list[str]]:
    """Lines of each box, in the order drawn, a broken line joined again only by the reader."""
    axes = picture.figure.axes[0]
    texts = [t for t in axes.texts if t.get_text()]
    found = []
    for frame in (p for p in axes.patches if isinstance(p, Rectangle)):
        left, bottom = frame.get_xy()
        inside = [
            t
            for t in texts
            if left <= t.get_position()[0] <= left + frame.get_width()
            and bottom <= t.get_position()[1] <= bottom + frame.get_height()
        ]
        found.append([t.get_text() for t in sorted(inside, key=lambda t: -t.get_position()[1])])
    return found


def text_of(box: list[str]) -> str:
    return " ".join(box).replace(NBSP, " ")


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_box_tells_its_counts(layout):
    found = [text_of(box) for box in boxes(flow_figure(small(), layout=layout))]
    assert found == [
        "Assessed for eligibility (n = 7)",
        "Excluded (n = 1) Did not meet the criteria (n = 1) Allergic asthma, allergic urticaria, eczema, or a history of "
        "multiple drug and food allergies (n = 1) Other reasons (n = 0) Not yet randomised at the cut-off (n = 1)",
        "Randomised (n = 5)",
        "Allocated to low dose (n = 2) Received at least one infusion (n = 1) Never infused (n = 1) "
        "participation ended: withdrawal by subject (n = 1)",
        "Allocated to medium-high dose (n = 3) Received at least one infusion (n = 3) Never infused (n = 0)",
        "Alive and followed to one year (n = 1) with a liver transplant (n = 0) Dead by one year (n = 0) "
        "Follow-up ended before one year (n = 1) Withdrawal by subject (n = 1) "
        "Under observation, one year not yet reached (n = 0)",
        "Alive and followed to one year (n = 1) with a liver transplant (n = 1) Dead by one year (n = 1) "
        "Follow-up ended before one year (n = 0) Under observation, one year not yet reached (n = 1)",
        "Analysed as randomised (n = 2)",
        "Analysed as randomised (n = 3)",
    ]


def test_without_screening_it_begins_with_randomisation(study):
    flow = participant_flow(study("mayo-pbc"), horizon_days=365.25)
    picture = flow_figure(flow)
    assert text_of(boxes(picture)[0]) == "Randomised (n = 312)"
    assert "Assessed" not in str(boxes(picture))
    assert "infusion" not in str(boxes(picture))
    assert picture.title == "312 patients randomised, 312 analysed"
    assert picture.alt.startswith("Flow diagram. Randomised 312. Placebo: Allocated 154; ")


def test_arms_keep_their_colour_and_dash():
    lines = flow_figure(small()).figure.axes[0].get_lines()
    assert [line.get_color() for line in lines] == [*COLOURS[:2]] * 3
    assert [line.get_linestyle() for line in lines] == ["-", "--"] * 3


def test_arrows_lead_from_box_to_box():
    """Assessed to randomised, aside to the excluded, and three to each arm."""
    axes = flow_figure(small()).figure.axes[0]
    arrows = [t for t in axes.texts if not t.get_text()]
    assert len(arrows) == 2 + 3 * 2
    frames = [p for p in axes.patches if isinstance(p, Rectangle)]
    edges = {round(y, 6) for f in frames for y in (f.get_y(), f.get_y() + f.get_height())}
    for arrow in arrows:
        (_, start), (_, end) = arrow.xyann, arrow.xy
        assert start == end or {round(start, 6), round(end, 6)} <= edges


def test_words_for_those_who_do_not_see_it():
    assert flow_alt(small()) == (
        "Flow diagram. Assessed 7; excluded 1; not yet randomised 1; randomised 5. "
        "Low dose: Allocated 2; Received at least one infusion 1; Never infused 1; "
        "participation ended: withdrawal by subject 1; Alive and followed to one year 1; with a liver transplant 0; "
        "Dead by one year 0; Follow-up ended before one year 1; Withdrawal by subject 1; "
        "Under observation, one year not yet reached 0; Analysed as randomised 2. "
        "Medium-high dose: Allocated 3; Received at least one infusion 3; Never infused 0; "
        "Alive and followed to one year 1; with a liver transplant 1; Dead by one year 1; "
        "Follow-up ended before one year 0; Under observation, one year not yet reached 1; Analysed as randomised 3."
    )


@pytest.mark.parametrize("cut", ["demo-interim", "mayo-pbc"])  # the longest and the shortest
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_every_word_lies_in_its_box_and_none_on_another(study, cut, layout):
    own = study(cut)
    picture = flow_figure(participant_flow(own, horizon_days=own.protocol.horizon_days), layout=layout)
    words_lie_in_their_boxes(picture)


def words_lie_in_their_boxes(picture):
    figure = picture.figure
    figure.draw_without_rendering()
    axes = figure.axes[0]
    texts = [t for t in axes.texts if t.get_text()]
    extents = [t.get_window_extent() for t in texts]
    for (a, one), (b, two) in combinations(zip(texts, extents, strict=True), 2):
        assert not one.shrunk(1, 0.8).overlaps(two.shrunk(1, 0.8)), (a.get_text(), b.get_text())
    frames = [p.get_window_extent() for p in axes.patches if isinstance(p, Rectangle)]
    for text, box in zip(texts, extents, strict=True):
        assert text.get_fontsize() >= 8
        middle = (box.y0 + box.y1) / 2
        around = [f for f in frames if f.x0 <= box.x0 <= f.x1 and f.y0 <= middle <= f.y1]
        stage = text.get_text() in ("Enrolment", "Allocation", "Follow-up", "Analysis")
        assert len(around) == (0 if stage else 1), text.get_text()
        for frame in around:
            assert box.x1 <= frame.x1 - 2, text.get_text()
    for frame in frames:
        assert 0 <= frame.x0 < frame.x1 <= figure.bbox.x1
        assert 0 <= frame.y0 < frame.y1 <= figure.bbox.y1


@pytest.mark.parametrize("number", [1, 2, 3, 4])
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_any_number_of_arms(study, number, layout):
    """Every arm with its three boxes, each in its colour: side by side, and on a phone three or more below one another."""
    own = with_arms(study("demo-interim"), number)
    with read_by(reader_of(own)):
        picture = flow_figure(participant_flow(own, horizon_days=365), layout=layout)
    assert len(boxes(picture)) == 3 + 3 * number
    drawn = [text_of(box) for box in boxes(picture)]
    assert len([text for text in drawn if text.startswith("Allocated to")]) == number
    lines = [line for line in picture.figure.axes[0].get_lines() if line.get_linewidth() > 2]
    assert sorted(line.get_color() for line in lines) == sorted([*COLOURS[:number]] * 3)
    lefts = {round(line.get_xdata()[0], 3) for line in lines}
    assert len(lefts) == (1 if layout is NARROW and number > 2 else number)
    words_lie_in_their_boxes(picture)


def test_the_same_bytes_a_second_time_and_inputs_as_they_were(tmp_path):
    flow = small()
    before = flow.counts.copy()
    for number in "12":
        (tmp_path / number).mkdir()
        flow_figure(flow).save(tmp_path / number)
    for name in ("participant_flow.svg", "participant_flow.png"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    pd.testing.assert_frame_equal(flow.counts, before)


@few(20)
@given(st.lists(st.text("abcdefgh", min_size=1, max_size=12), min_size=1, max_size=8), st.floats(0.2, 3))
def test_wrapping_loses_no_word_and_keeps_counts_whole(words, room):
    text = " ".join([*words, f"(n{NBSP}={NBSP}5)"])
    lines = _wrapped(text, room, 9, bold=False)
    assert " ".join(lines) == text
    assert f"(n{NBSP}={NBSP}5)" in lines[-1]
