"""How a number was made, as a code: steps in their order by name, each with its parameters: ``kaplan-meier, greenwood, log-log``.

The statistics name the steps; the report says each in the reader's language, by the entry ``method.<name>`` of its catalogue.
"""

import re
from collections.abc import Iterable

GIVEN = "given"
"""The step after which the conditions of a reference set follow: ``exact, allocations:20, given, arm-sizes:3:3``."""

# Names of lower-case words; parameters are whatever is left after escaping.
_STEP = r"[a-z0-9]+(?:-[a-z0-9]+)*(?::[^:,]*)*"
_CODE = re.compile(rf"{_STEP}(?:, {_STEP})*")
_ESCAPES = (("%", "%25"), (":", "%3A"), (",", "%2C"))


def step(name: str, *parameters: object) -> str:
    """One step as a code.

    Parameters
    ----------
    name : str
        Lower case, words joined by hyphens.
    *parameters
        Numbers, codes, or labels of the data; ``:`` and ``,`` in them are escaped.

    Examples
    --------
    >>> step("arm-sizes", 11, 11)
    'arm-sizes:11:11'
    """
    return ":".join([name, *(_escaped(str(each)) for each in parameters)])


def made_by(*steps: str) -> str:
    """Steps as one code; an empty one is none.

    Examples
    --------
    >>> made_by("cox", "", step("strata", 2))
    'cox, strata:2'
    """
    return ", ".join(filter(None, steps))


def stratified(strata: int) -> str:
    """The step of several strata; empty for one."""
    return step("strata", strata) if strata > 1 else ""


def steps_of(method: str) -> list[tuple[str, tuple[str, ...]]]:
    """Name and parameters of each step of a code.

    Examples
    --------
    >>> steps_of("exact, given, arm-sizes:3:3")
    [('exact', ()), ('given', ()), ('arm-sizes', ('3', '3'))]
    """
    return [(name, tuple(map(_plain, own))) for name, *own in _split(method)]


def structure_of(method: str) -> str:
    """The covariance of a mixed model: that of ``mmrm:us, reml, kenward-roger`` is ``us``; empty without one."""
    return next((own[0] for name, own in steps_of(method) if name == "mmrm" and own), "")


def is_code(method: str) -> bool:
    """Whether a text is a method as a code; an empty one is.

    Examples
    --------
    >>> is_code("kaplan-meier, greenwood"), is_code("Kaplan-Meier, Greenwood")
    (True, False)
    """
    return not method or _CODE.fullmatch(method) is not None


def _split(method: str) -> Iterable[list[str]]:
    return (part.split(":") for part in method.split(", ") if part)


def _escaped(text: str) -> str:
    for plain, code in _ESCAPES:
        text = text.replace(plain, code)
    return text


def _plain(text: str) -> str:
    for plain, code in reversed(_ESCAPES):
        text = text.replace(code, plain)
    return text


def reference(count: int, draws: int) -> str:
    """The steps that say over how many allocations a test went: all of them, or so many draws."""
    return (
        made_by("monte-carlo", step("draws", draws))
        if draws
        else made_by("exact", step("allocations", count))
    )
