"""How a protocol file is laid out: what fits on a line stands on one, and it reads back as it was."""

from hypothesis import given
from hypothesis import strategies as st

from esld.protocol.layout import WIDE, laid_out
from esld.yamlfile import parsed

TEXT = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), max_size=150)
VALUES = st.recursive(
    TEXT | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_is_read(value):
    assert parsed(laid_out("key", value)) == {"key": value}


def test_a_short_record_stands_on_one_line_and_a_key_on_its_own():
    assert laid_out("arms", [{"code": "A", "number": 1}]) == "arms: [{code: A, number: 1}]\n"
    long = laid_out("text", "word " * 60)
    assert long.startswith("text: ") and max(map(len, long.splitlines())) <= WIDE + 10
