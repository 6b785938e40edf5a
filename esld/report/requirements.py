"""What protocol and chapters must agree on, told before anything runs: names that one has of the other."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from esld.errors import InputError, did_you_mean
from esld.protocol import USES, Protocol
from esld.report.roles import BELIEF, DESIGN, NAMESAKE, SUMMARY, VALIDATION
from esld.yamlfile import MisfitError

OTHERS = (SUMMARY, DESIGN, BELIEF, VALIDATION)  # chapters that no kind of analysis has
# By chapter, its parameters that hold the code of a parameter of the protocol, or several.
OF_THE_PROTOCOL = {"04_change": ("headline",), "07_patients": ("profile", "listed")}


def faults(
    protocol: Protocol,
    chapters: Iterable[str],
    *,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    file: str = "protocol",
) -> list[InputError]:
    """What would stop one of the chapters, or make it say what is false: one error a place and rule.

    Parameters
    ----------
    protocol : Protocol
        As its file states it, not as a view shows it.
    chapters : iterable of str
        Those of the cut; of an analyst's own nothing is known.
    parameters : mapping, optional
        Values that each chapter runs with, by chapter and name.
    file : str
        Name of the protocol's file.
    """
    own, found = list(chapters), list[InputError]()
    for slug in own:
        found += _unknown(protocol, slug, (parameters or {}).get(slug, {}), file)
    found += _assumed(protocol, file) if DESIGN in own else ()
    known = dict.fromkeys(
        [*(use.chapter for use in USES.values()), *OTHERS, *(a.chapter for a in protocol.analyses), *own]
    )
    for key in ("titles", "chapter_notes"):
        for slug in getattr(protocol, key):
            if slug not in known:
                found.append(
                    InputError(
                        f"{key}.{slug}",
                        "must name a chapter",
                        None,
                        file,
                        did_you_mean(slug, known, cutoff=NAMESAKE),
                    )
                )
    return found


def _unknown(protocol: Protocol, chapter: str, values: Mapping[str, Any], file: str) -> Iterator[InputError]:
    known = [parameter.paramcd for parameter in protocol.parameters]
    for name in OF_THE_PROTOCOL.get(chapter, ()):
        value = values.get(name) or ()
        for code in [value] if isinstance(value, str) else value:
            if code not in known:
                rule = f"must be a parameter of {file}"
                yield InputError(name, rule, code, f"chapter {chapter}", did_you_mean(code, known))


def _assumed(protocol: Protocol, file: str) -> Iterator[InputError]:
    """What does not go together in what is assumed before the start."""
    if protocol.design_assumptions is None:
        return
    from esld.data.assumptions import declared

    try:
        declared(protocol)
    except MisfitError as error:
        for one in error.misfits:
            place = ".".join(map(str, ("design_assumptions", *one.place)))
            yield InputError(place, one.rule, one.offender, file, one.remedy)
