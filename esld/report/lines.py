"""Where a text may go on in the next line: at blanks, and between Chinese letters, but not before a stop."""

import re
import textwrap
from collections.abc import Iterator
from unicodedata import east_asian_width

_HAN, _OPEN, _CLOSE = "\u3400-\u9fff", "（《〔", "、。，；：！？）》〕"
_UNIT = re.compile(
    f"( *)([{_OPEN}“‘]*[{_HAN}][{_CLOSE}”’]*|[{_OPEN}]*[^ {_HAN}{_OPEN}{_CLOSE}]+[{_CLOSE}]*|[{_OPEN}{_CLOSE}]+)"
)


def units(text: str) -> Iterator[tuple[str, str]]:
    """What stays on one line, each after the blanks before it."""
    yield from (found.groups() for found in _UNIT.finditer(text))  # type: ignore[misc]


def in_lines(text: str, width: int) -> str:
    """Text on lines of at most so many letters, a Chinese one as wide as two: such lines are of about one length."""
    if not re.search(f"[{_HAN}]", text):
        longest = max(map(len, re.split(r"[\s-]+", text)))
        return textwrap.fill(
            text, max(width, min(longest, 2 * width))
        )  # a word is broken where it is very long
    text = " ".join(text.split())
    fewest = len(_filled(text, width))
    narrow = next(
        own
        for own in range(min(width, width_of(text) // fewest), width + 1)
        if len(_filled(text, own)) <= fewest
    )
    return "\n".join(_filled(text, narrow))


def _filled(text: str, width: int) -> list[str]:
    lines = [""]
    for gap, unit in units(text):
        if lines[-1] and width_of(lines[-1] + gap + unit) > width:
            lines.append(unit)
        else:
            lines[-1] += gap + unit
    return lines


def width_of(text: str) -> int:
    """Of a text in Latin letters."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)
