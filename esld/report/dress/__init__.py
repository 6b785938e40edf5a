"""How a table is written for each reader, and what no line may part."""

import re

_PARTED = re.compile(
    r"(?<=\d) (?=%)|(?<=%) (?=CI\b)"
    r"|(?<=\b[np]) (?=[=<>])|(?<=\b[np] [=<>]) (?=\d|$)"
    r"|(?<=\d) (?=× 10)|(?<=\d ×) (?=10)"
    r"|(?<=[<>]) (?=\d)"
)


def bound(text: str) -> str:
    """Text in which the end of a line parts no number from its per cent sign, sign, "CI", "n =", "p =" or power of ten."""
    return _PARTED.sub("\N{NO-BREAK SPACE}", text)
