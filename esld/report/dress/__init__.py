"""How a table is written for each reader."""

import re


def bound(head: str) -> str:
    """A heading in which "n = 11" and "95 % CI" are not parted by the end of a line."""
    return re.sub(
        r"(?<=\bn) (?==)|(?<=\bn =) (?=\d)|(?<=\d) (?=%)|(?<=%) (?=CI\b)", "\N{NO-BREAK SPACE}", head
    )
