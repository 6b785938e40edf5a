"""What whoever writes a protocol has yet to fill in: a text that begins with TODO, as `esld new-trial` leaves them."""

from collections.abc import Iterator
from typing import Any

from esld.yamlfile import Misfit, Place

TODO = "TODO"


def gaps(content: Any, place: Place = ()) -> Iterator[Misfit]:
    """Every gap in what a file says, with the rest of its text, which says what belongs there."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from gaps(value, (*place, str(key)))
    elif isinstance(content, list | tuple):
        for position, item in enumerate(content):
            yield from gaps(item, (*place, position))
    elif isinstance(content, str) and content.startswith(TODO):
        what = " ".join(content.removeprefix(TODO).lstrip(": ").split())
        yield Misfit(place, f"must be filled in{f': {what}' if what else ''}", remedy="Replace the text.")
