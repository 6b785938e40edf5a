"""JSON that somebody else may have written: whatever cannot be read is a ValueError, as nothing else of it is."""

import json
from typing import Any


def loads(text: str | bytes) -> Any:
    """What a JSON text holds.

    Raises
    ------
    ValueError
        It is no JSON, or nested so deeply that Python cannot follow it.

    Examples
    --------
    >>> loads('{"a": [1]}')
    {'a': [1]}
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
