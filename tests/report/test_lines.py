"""Lines of Chinese: nothing lost, none too long, none with a stop at its head or one letter alone."""

from hypothesis import given
from hypothesis import strategies as st

from esld.report.lines import in_lines, units, width_of

TEXTS = st.text("甲乙丙丁，。（）a1%", min_size=1, max_size=40).map(lambda own: "甲" + own)


@given(TEXTS, st.integers(6, 40))
def test_lines_hold_the_text_and_are_no_longer_than_asked(text, width):
    lines = in_lines(text, width).split("\n")
    assert "".join(lines) == text
    assert all(width_of(line) <= width or len([*units(line)]) == 1 for line in lines)


def test_the_last_line_is_no_letter_alone():
    assert in_lines("率差（百分点），中高剂量组减低剂量组", 34).split("\n") == [
        "率差（百分点），中",
        "高剂量组减低剂量组",
    ]
