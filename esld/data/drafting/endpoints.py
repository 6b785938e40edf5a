"""Endpoints of a draft: death as any form states it, clinical events by their terms, and a transplantation."""

import re
from collections.abc import Iterator

from esld.data import deaths
from esld.data.drafting.found import Found
from esld.data.drafting.marks import Part, guess

_TRANSPLANT = re.compile(r"\b(\w+) transplant", flags=re.IGNORECASE)
_MOST = 8  # kinds of event that a draft makes an endpoint of; the rarer ones are of no analysis
_DEATH: Part = {"event": "DEATH"}


def endpoints(found: Found) -> list[Part]:
    """Times to death, to a transplantation or death, and to each kind of clinical event, as far as they are recorded."""
    died = not deaths.statements(found.tables).empty
    grafts = _grafts(found)
    made: list[Part] = []
    if died:
        reason = "Deaths are recorded. The export does not say that death is an outcome of the trial."
        made.append(guess({"paramcd": "OS", "param": "Overall survival", "events": [_DEATH]}, reason))
    if grafts:
        reason = "Transplantations are recorded. The export does not say that they count as an outcome."
        events = [_DEATH, *grafts]
        made.append(guess({"paramcd": "TFS", "param": "Transplant-free survival", "events": events}, reason))
    competing = [_DEATH, *grafts]  # after a death nothing happens, recorded so far or not
    variable, terms = _terms(found)
    taken = {part["paramcd"] for part in made}
    for term in terms[:_MOST]:
        code = _code(term, taken)
        taken.add(code)
        own = found.records("CE", variable)
        counts = own[own[variable].eq(term)].groupby("USUBJID").size()
        words = term.capitalize() if term.isupper() else term
        source = {
            "domain": "CE",
            "date": "CESTDTC",
            "where": {variable: term},
            "description": words,
        }
        part: Part = {"paramcd": code, "param": words, "events": [source]}
        part |= {"competing": competing}
        part |= {"recurrent": True} if (counts > 1).any() else {}
        made.append(
            guess(part, "Such events are recorded. The export does not say whether they are an outcome.")
        )
    return made


def rare_events(found: Found) -> Part:
    """Codes for the kinds of clinical event of which the draft makes no endpoint."""
    variable, terms = _terms(found)
    rest = dict.fromkeys(terms[_MOST:], "OTHER")
    return {variable: rest} if rest and variable == "CEDECOD" else {}


def transplant(found: Found) -> Part | None:
    """The transplantation after which values are another organ's, where one is recorded."""
    grafts = _grafts(found)
    return {"organ": next(_organs(found)), "sources": grafts} if grafts else None


def _terms(found: Found) -> tuple[str, list[str]]:
    """The variable that says which event it was, and its terms, those of most patients first."""
    for variable in ("CEDECOD", "CETERM"):
        own = found.records("CE", variable, "CESTDTC").dropna(subset=[variable])
        if len(own):
            counts = own.groupby(variable)["USUBJID"].nunique().sort_index()
            order = counts.sort_values(ascending=False, kind="stable").index
            return variable, [str(term) for term in order]
    return "CEDECOD", []


def _code(term: str, taken: set[str]) -> str:
    """A PARAMCD of a term: TT and the first letters of its words, or of its only one."""
    words = re.findall(r"[A-Z0-9]+", term.upper()) or ["EVENT"]
    stem = words[0][:6] if len(words) == 1 else "".join(word[0] for word in words)[:6]
    code = f"TT{stem}"
    number = 2
    while code in taken:
        code, number = f"TT{stem[:5]}{number}", number + 1
    return code


def _grafts(found: Found) -> list[Part]:
    """A source for each name of a transplantation in PR."""
    return [
        {
            "domain": "PR",
            "date": "PRSTDTC",
            "where": {"PRDECOD": name},
            "description": name.capitalize() if name.isupper() else name,
        }
        for name in _names(found)
    ]


def _names(found: Found) -> list[str]:
    return [name for name in found.texts("PR", "PRDECOD") if _TRANSPLANT.search(name)]


def _organs(found: Found) -> Iterator[str]:
    for name in _names(found):
        if match := _TRANSPLANT.search(name):
            yield match[1].lower()
