"""What the chapters need, as the end of the page on protocols: ``python -m esld.report.reference`` prints the page."""

import re
import sys
from collections.abc import Iterator

from esld.protocol import reference
from esld.report.needs import PLANNED, TAG
from esld.report.planned import REPORTED
from esld.report.requirements import REQUIREMENTS

BEGINNING = """\
The chapters were written for trials of survival in liver disease with two arms that are treated by infusion, and look for ids by
name. Each has three lists here:

- **requires**: what does not hold is told by `esld check` and by `esld run` before anything runs. Mend it, leave the chapter out
  of the cut's `chapters`, or copy it under a name of your own and change it.
- **leaves out**: where the protocol has none of that id, the section is left out, with a sentence.
- **reports**: the ids under which its results stand. An analysis of another id in that chapter is a fault: nobody would report
  it.

`esld check DATA --protocol FILE`, without a cut, tells as notes what would be a fault of a cut with that chapter."""
END = """\
- The parameter by which 04 answers must be one of `LFT` or `SCORES`; the cut file names it:
  `parameters: {04_change: {headline: BILI}}`.
- 06 shows an analysis of role `safety`, of the domains EX and AE and of patients treated; else it says what is lacking. Its
  panel on liver injury needs ALT and BILI.
- 07 marks the endpoints of `DECOMP` where that is planned, and draws those of its parameters that the protocol has.
- `OSCUT` is made of `OS`: the same time for patients who are followed to the cut-off."""


def chapters() -> str:
    """The chapters one by one: what each requires, leaves out and reports."""
    return "\n\n".join([BEGINNING, *(_chapter(slug) for slug in REPORTED), "Beside these:", END])


def _chapter(slug: str) -> str:
    lines = [f"**{slug}**", ""]
    lines += [f"- requires: {said}" for said in _required(slug)]
    if optional := _optional(slug):
        lines.append(f"- leaves out: {', '.join(optional)}")
    own = {"03_survival": ["the primary analysis"], "06_safety": ["the analysis of role `safety`"]}
    reported = [*own.get(slug, ()), *(f"`{id}`" for id in REPORTED[slug])]
    return "\n".join([*lines, f"- reports: {', '.join(reported)}"])


def _required(slug: str) -> Iterator[str]:
    for requirement in REQUIREMENTS:
        if slug in requirement.chapters and requirement.what:
            yield f"{requirement.what} {requirement.rule}"


def _optional(slug: str) -> list[str]:
    """What the tags of a chapter name, in its order."""
    text = (reference.ROOT / "notebooks" / f"{slug}.py").read_text(encoding="utf-8")
    found = re.findall(rf'"{TAG}({"|".join(PLANNED)})=([^"]+)"', text)
    return list(dict.fromkeys(f"{kind} `{name}`" for kind, name in found))


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # of a terminal or a file
    sys.stdout.write(reference.page(chapters()))
