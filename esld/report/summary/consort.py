"""The CONSORT 2025 checklist: at which place this report meets an item, or why it does not report it.

Topics in our own words, numbers and order after Hopewell et al. (2025), BMJ 388:e081123.
"""

from dataclasses import dataclass

from esld.data.study import Study
from esld.protocol import Assumable, Protocol
from esld.report.cells import Cell, Label
from esld.report.needs import why_not
from esld.report.phrases import interim_look
from esld.report.tables import Table
from esld.report.words.catalogue import message


@dataclass(frozen=True)
class Item:
    """One item of the checklist.

    Attributes
    ----------
    number, section : str
        As in the checklist.
    chapter, place : str
        Where the report covers it: a chapter, and the code of a heading in it; `PRIMARY` is the chapter of the primary analysis.
    states : str
        What of the protocol that place states, a path: where the protocol does not say it, the item is not met.
    needs : tuple of str
        What the study must have, as the tags of that section name it.
    why : str
        Why it is not reported where no place covers it, a code.
    lacks : str
        What of the item that place does not say, a code: the item is met in part.
    """

    number: str
    section: str
    chapter: str = ""
    place: str = ""
    states: str = ""
    needs: tuple[str, ...] = ()
    why: str = "publication"
    lacks: str = ""


PRIMARY = "primary"
_TITLE, _OPEN, _INTRODUCTION = "title", "open", "introduction"
_METHODS, _RESULTS, _DISCUSSION = "methods", "results", "discussion"
_CUT, _CHANCE, _TABLE, _TIMES = "00_data_cut", "01_randomisation", "02_baseline", "03_survival"
_SAFETY, _LAST = "06_safety", "08_summary"
ITEMS = (
    Item("1a", _TITLE),
    Item("1b", _TITLE),
    Item("2", _OPEN, _CUT, "trial", lacks="date"),
    Item("3", _OPEN, why="plan"),
    Item("4", _OPEN, why="provenance"),
    Item("5a", _OPEN),
    Item("5b", _OPEN),
    Item("6", _INTRODUCTION),
    Item("7", _INTRODUCTION, _CUT, "trial", states="question"),
    Item("8", _METHODS),
    Item("9", _METHODS, _CHANCE, "plan", states="randomisation", lacks="framework"),
    Item("10", _METHODS, why="amendments"),
    Item("11", _METHODS, _CUT, "trial", states="locations", why="unknown"),
    Item("12a", _METHODS, _CUT, "eligibility", states="eligibility.inclusion", why="unknown"),
    Item("12b", _METHODS),
    Item("13", _METHODS, _SAFETY, "given", needs=("safety_set", "exposure"), why="lacking", lacks="product"),
    Item("14", _METHODS, _CUT, "outcomes", states="outcomes"),
    Item("15", _METHODS, _CUT, "trial", states="conduct.harms", why="unknown"),
    Item("16a", _METHODS, _CUT, "trial", states="conduct.sample_size", why="unknown"),
    Item("16b", _METHODS, _CUT, "trial", states="conduct.stopping", why="unknown", lacks="look"),
    Item("17a", _METHODS, why="office"),
    Item("17b", _METHODS, _CHANCE, "plan", states="randomisation"),
    Item("18", _METHODS, _CHANCE, "ledger", needs=("ledger",), why="office"),
    Item("19", _METHODS, why="office"),
    Item("20a", _METHODS, _CUT, "trial", states="masking"),
    Item("20b", _METHODS),
    Item("21a", _METHODS, _CUT, "analyses", states="analyses"),
    Item("21b", _METHODS, _CUT, "analyses", states="analyses"),
    Item("21c", _METHODS, _TIMES, "fixed_day", needs=("kind=milestone",), why="unknown"),
    Item("21d", _METHODS, _LAST, "planned"),
    Item("22a", _RESULTS, _CUT, "participants"),
    Item("22b", _RESULTS, _CUT, "participants"),
    Item("23a", _RESULTS, _CUT, "trial"),
    Item("23b", _RESULTS, why="sponsor"),
    Item("24a", _RESULTS, _SAFETY, "given", needs=("safety_set", "exposure"), why="lacking"),
    Item("24b", _RESULTS, _SAFETY, "other_treatment", needs=("safety_set",), why="lacking"),
    Item("25", _RESULTS, _TABLE, "result"),
    Item("26", _RESULTS, PRIMARY, "result", lacks="relative"),
    Item("27", _RESULTS, _SAFETY, "harms", needs=("safety_set", "adverse_events"), why="lacking"),
    Item("28", _RESULTS, _LAST, "planned"),
    Item("29", _DISCUSSION),
    Item("30", _DISCUSSION, _LAST, "limits", lacks="elsewhere"),
)  # fmt: skip


def place_of(item: Item, study: Study) -> tuple[str, str]:
    """Chapter and code of the heading at which a report meets an item; empty, and why it does not report it."""
    if not item.chapter:
        return "", item.why
    chapter = study.protocol.primary.chapter if item.chapter == PRIMARY else item.chapter
    if chapter not in study.cut.chapters:
        return "", "chapter"
    if item.states and not _stated(study.protocol, item.states):
        return "", item.why
    if any(why_not(study, need) for need in item.needs):
        return "", item.why
    return chapter, item.place


def _stated(protocol: Protocol, path: str) -> object:
    found: object = protocol
    for name in path.split("."):
        found = getattr(found, name)
    return found


def _is_assumed(protocol: Protocol, path: str) -> bool:
    """Whether whoever wrote the protocol file chose it, or all of several."""
    found = _stated(protocol, path) if path else None
    several = found if isinstance(found, tuple) else (found,)
    return all(isinstance(one, Assumable) and one.assumed for one in several)


def _lacks(item: Item, study: Study) -> str:
    """What of an item its place does not say, a code; empty where it says all."""
    said = {
        "date": study.protocol.record.registered is not None,
        "look": not interim_look(study) or not _is_assumed(study.protocol, "conduct.stopping"),
        "relative": study.protocol.primary.chapter != _TIMES or not study.protocol.of_kind("milestone"),
    }
    return "" if said.get(item.lacks) else item.lacks


def checklist_table(study: Study) -> Table:
    """Every item: met, or met in part, at a place of this report, which is linked and named by its heading, or why not.

    What stands there may be assumed by whoever wrote the protocol file: the item then says so.
    """
    lines: list[dict[str, Cell | str]] = []
    for item in ITEMS:
        chapter, place = place_of(item, study)
        if chapter:
            met = "assumed" if _is_assumed(study.protocol, item.states) else "met"
            status = Label(message(f"consort.{met}"), met)
            if lacks := _lacks(item, study):
                status = Label(message("consort.partly", lacks=message(f"consort.lacks.{lacks}")), "partly")
            where = Label(message(f"consort.place.{place}"), place)
        else:
            status, where = Label(message(f"consort.why.{place}", chapter=item.chapter), place), Label("")
        lines.append({
            "section": Label(message(f"consort.section.{item.section}"), item.section), "item": Label(item.number),
            "topic": Label(message(f"consort.item.{item.number}")), "status": status, "chapter": Label(chapter), "where": where,
        })  # fmt: skip
    return Table("consort", message("consort.title"), lines, group="section")
