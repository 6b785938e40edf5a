"""Subject numbers that are told apart only with care: 1 and 001, S-01 and s01, SO1 and S01."""

import re
import unicodedata

_SAME = str.maketrans("oil", "011")
# Behind a letter that may be a 1 (L01) zeros may be leading ones or not: both are tried.
_LEADING_ZEROS = [re.compile(rf"(?<![{before}])[0o]+(?=[0-9oil])") for before in ("0-9", "0-9oil")]
_MARKS = re.compile(r"[\W_]+")


class LookAlikes:
    """Subjects by every spelling that may be meant for theirs."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def add(self, subject: str) -> None:
        """Know one more subject; where two look alike the earlier one is named."""
        for spelling in _spellings(subject):
            self._known.setdefault(spelling, subject)

    def of(self, subject: str) -> str:
        """A known subject for which this one may have been written; empty for none.

        Letter case and width, O and 0, I, l and 1, leading zeros, and dashes, dots and blanks make no difference: their kind if
        they stand in the same places (S1-11 is not S11-1), or whether there are any.
        """
        return next((self._known[each] for each in _spellings(subject) if each in self._known), "")


def _spellings(subject: str) -> list[str]:
    plain = "".join(str(unicodedata.decimal(c, c)) for c in unicodedata.normalize("NFKC", subject).casefold())
    plain = _MARKS.sub("-", plain).strip("-")
    both = (plain, plain.replace("-", ""))
    return [zeros.sub("", each).translate(_SAME) for zeros in _LEADING_ZEROS for each in both]
