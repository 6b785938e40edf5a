"""The CONSORT 2025 checklist: which item this report covers, where, and which belongs to the publication.

Topics in our own words, numbers and order after Hopewell et al. (2025), BMJ 388:e081123.
"""

from dataclasses import dataclass

from esld.data.study import Study
from esld.report.cells import Label
from esld.report.tables import Table
from esld.report.words.catalogue import message


@dataclass(frozen=True)
class Item:
    """One item: its number, its section, and the chapters that cover it; ``why`` if none does, as a code."""

    number: str
    section: str
    chapters: tuple[str, ...] = ()
    why: str = "publication"


_TITLE, _OPEN, _INTRODUCTION = "title", "open", "introduction"
_METHODS, _RESULTS, _DISCUSSION = "methods", "results", "discussion"
_OUTCOMES = ("03_survival", "04_change", "05_events")
ITEMS = (
    Item("1a", _TITLE),
    Item("1b", _TITLE),
    Item("2", _OPEN, ("00_data_cut",)),
    Item("3", _OPEN, ("00_data_cut",)),
    Item("4", _OPEN, (), "provenance"),
    Item("5a", _OPEN),
    Item("5b", _OPEN),
    Item("6", _INTRODUCTION),
    Item("7", _INTRODUCTION, ("00_data_cut",)),
    Item("8", _METHODS),
    Item("9", _METHODS, ("01_randomisation",)),
    Item("10", _METHODS, ("08_summary",)),
    Item("11", _METHODS),
    Item("12a", _METHODS, ("00_data_cut",)),
    Item("12b", _METHODS),
    Item("13", _METHODS, ("06_safety",)),
    Item("14", _METHODS, ("00_data_cut", "03_survival", "04_change")),
    Item("15", _METHODS, ("06_safety",)),
    Item("16a", _METHODS, ("03_survival",)),
    Item("16b", _METHODS, ("08_summary",)),
    Item("17a", _METHODS, ("01_randomisation",)),
    Item("17b", _METHODS, ("01_randomisation",)),
    Item("18", _METHODS, ("01_randomisation",)),
    Item("19", _METHODS, (), "ledger"),
    Item("20a", _METHODS, ("00_data_cut",)),
    Item("20b", _METHODS),
    Item("21a", _METHODS, _OUTCOMES),
    Item("21b", _METHODS, ("00_data_cut",)),
    Item("21c", _METHODS, ("03_survival", "04_change")),
    Item("21d", _METHODS, ("08_summary",)),
    Item("22a", _RESULTS, ("00_data_cut",)),
    Item("22b", _RESULTS, ("00_data_cut",)),
    Item("23a", _RESULTS, ("00_data_cut", "01_randomisation")),
    Item("23b", _RESULTS, (), "sponsor"),
    Item("24a", _RESULTS, ("06_safety", "08_summary")),
    Item("24b", _RESULTS, ("04_change",)),
    Item("25", _RESULTS, ("02_baseline",)),
    Item("26", _RESULTS, _OUTCOMES),
    Item("27", _RESULTS, ("06_safety",)),
    Item("28", _RESULTS, ("08_summary",)),
    Item("29", _DISCUSSION),
    Item("30", _DISCUSSION, ("03_survival", "04_change", "08_summary")),
)  # fmt: skip


def checklist_table(study: Study) -> Table:
    """Every item with the chapters of this cut that cover it; an item whose chapters are not in the cut says so."""
    present = set(study.cut.chapters)
    lines = []
    for item in ITEMS:
        here = [chapter for chapter in item.chapters if chapter in present]
        if here:
            where = Label(message("list.comma").join(here))
        elif item.chapters:
            absent = message("list.comma").join(item.chapters)
            where = Label(message("consort.absent", chapters=absent), "not_in_cut")
        else:
            where = Label(message(f"consort.why.{item.why}"), item.why)
        section = Label(message(f"consort.section.{item.section}"), item.section)
        topic = Label(message(f"consort.item.{item.number}"))
        lines.append({"section": section, "item": Label(item.number), "topic": topic, "where": where})
    return Table("consort", message("consort.title"), lines, group="section")
