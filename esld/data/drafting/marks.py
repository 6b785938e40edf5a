"""How a draft says what it does not know: a guess with its reason, and a gap that has to be filled in."""

from typing import Any

from esld.protocol.gaps import TODO

Part = dict[str, Any]  # of a protocol, as its file has it


def gap(what: str) -> str:
    """A text that `esld check` refuses until it is replaced."""
    return f"{TODO} {what}"


def guess(part: Part, reason: str) -> Part:
    """A part that the export does not state, marked as such."""
    return {**part, "assumed": True, "reason": reason}
