"""Subject numbers that are told apart only with care: 1 and 001, S-01 and s01, SO1 and S01."""

import re
import unicodedata
from collections.abc import Iterable

_SAME = str.maketrans("oil", "011")
# Behind a letter that may be a 1 (L01) zeros may be leading ones or not: both are tried.
_LEADING_ZEROS = [re.compile(rf"(?<![{before}])[0o]+(?=[0-9oil])") for before in ("0-9", "0-9oil")]
_MARKS = re.compile(r"[\W_]+")


class LookAlikes:
    """Subjects by every spelling that may be meant for theirs."""

    def __init__(self, subjects: Iterable[str] = ()) -> None:
        self._known: dict[str, str] = {}
        self._joined: dict[str, str] = {}  # without the marks that they have
        for subject in subjects:
            self.add(subject)

    def add(self, subject: str) -> None:
        """Know one more subject; where two look alike the earlier one is named."""
        for known, spellings in zip((self._known, self._joined), _spellings(subject), strict=True):
            for spelling in spellings:
                known.setdefault(spelling, subject)

    def of(self, subject: str) -> str:
        """A known subject for which this one may have been written; empty for none.

        Letter case and width, O and 0, I, l and 1, leading zeros, and dashes, dots and blanks make no difference: their kind if
        they stand in the same places (S1-11 is not S11-1), or whether there are any.
        """
        plain, joined = _spellings(subject)
        found = [self._known.get(each) for each in (*plain, *joined)]
        return next(filter(None, (*found, *(self._joined.get(each) for each in plain))), "")


def _spellings(subject: str) -> tuple[list[str], list[str]]:
    """With marks between its parts, if there are any, and then without; a spelling with marks is none without."""
    plain = "".join(str(unicodedata.decimal(c, c)) for c in unicodedata.normalize("NFKC", subject).casefold())
    plain = _MARKS.sub("-", plain).strip("-")
    joined = plain.replace("-", "")
    both = ([plain], [joined] if joined != plain else [])
    kept, without = (
        [zeros.sub("", each).translate(_SAME) for zeros in _LEADING_ZEROS for each in own] for own in both
    )
    return kept, without
