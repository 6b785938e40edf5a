"""The CONSORT 2025 checklist: which item this report covers, where, and which belongs to the publication.

Topics in our own words, numbers and order after Hopewell et al. (2025), BMJ 388:e081123.
"""

from dataclasses import dataclass

from esld.data.study import Study
from esld.report.tables import Table

PUBLICATION = "Belongs to the publication"


@dataclass(frozen=True)
class Item:
    """One item: its number, section and topic, and the chapters that cover it; ``why`` if none does."""

    number: str
    section: str
    topic: str
    chapters: tuple[str, ...] = ()
    why: str = PUBLICATION


_TITLE, _OPEN, _INTRODUCTION = "Title and abstract", "Open science", "Introduction"
_METHODS, _RESULTS, _DISCUSSION = "Methods", "Results", "Discussion"
_OUTCOMES = ("03_survival", "04_liver_function", "05_decompensation")
ITEMS = (
    Item("1a", _TITLE, "Identified as a randomised trial in the title"),
    Item("1b", _TITLE, "Structured summary"),
    Item("2", _OPEN, "Registration: registry, number, date", ("00_data_cut",)),
    Item("3", _OPEN, "Where protocol and analysis plan can be had", ("00_data_cut",)),
    Item("4", _OPEN, "Sharing of data and code", (), "Code and hashes are in provenance.json; data are the sponsor's to share"),
    Item("5a", _OPEN, "Funding and role of funders"),
    Item("5b", _OPEN, "Conflicts of interest"),
    Item("6", _INTRODUCTION, "Background and rationale"),
    Item("7", _INTRODUCTION, "Objectives: benefits and harms", ("00_data_cut",)),
    Item("8", _METHODS, "Involvement of patients and the public"),
    Item("9", _METHODS, "Trial design, allocation ratio, framework", ("01_randomisation",)),
    Item("10", _METHODS, "Important changes after the trial began", ("08_summary",)),
    Item("11", _METHODS, "Setting and locations"),
    Item("12a", _METHODS, "Eligibility of participants", ("00_data_cut",)),
    Item("12b", _METHODS, "Eligibility of sites and of those who deliver the intervention"),
    Item("13", _METHODS, "Intervention and comparator, in detail", ("06_safety",)),
    Item("14", _METHODS, "Outcomes: measure, time, definition", ("00_data_cut", "03_survival", "04_liver_function")),
    Item("15", _METHODS, "How harms were defined and assessed", ("06_safety",)),
    Item("16a", _METHODS, "Sample size", ("03_survival",)),
    Item("16b", _METHODS, "Interim analyses and stopping", ("08_summary",)),
    Item("17a", _METHODS, "Who made the allocation sequence, and how", ("01_randomisation",)),
    Item("17b", _METHODS, "Type of randomisation and its restrictions", ("01_randomisation",)),
    Item("18", _METHODS, "Concealment of the sequence", ("01_randomisation",)),
    Item("19", _METHODS, "Who had access to the sequence", (), "Said by the trial office, see its account of the ledger"),
    Item("20a", _METHODS, "Who was blinded", ("00_data_cut",)),
    Item("20b", _METHODS, "How blinding was achieved"),
    Item("21a", _METHODS, "Statistical methods for the comparisons", _OUTCOMES),
    Item("21b", _METHODS, "Who is included in each analysis", ("00_data_cut",)),
    Item("21c", _METHODS, "How missing data are handled", ("03_survival", "04_liver_function")),
    Item("21d", _METHODS, "Further analyses, planned or not", ("08_summary",)),
    Item("22a", _RESULTS, "Participants by group: allocated, treated, analysed", ("00_data_cut",)),
    Item("22b", _RESULTS, "Losses and exclusions, with reasons", ("00_data_cut",)),
    Item("23a", _RESULTS, "Dates of recruitment and follow-up", ("00_data_cut", "01_randomisation")),
    Item("23b", _RESULTS, "Why the trial ended", (), "Said by the sponsor"),
    Item("24a", _RESULTS, "Interventions as given", ("06_safety", "08_summary")),
    Item("24b", _RESULTS, "Concomitant care", ("04_liver_function",)),
    Item("25", _RESULTS, "Baseline characteristics by group", ("02_baseline",)),
    Item("26", _RESULTS, "Numbers analysed, estimate and precision of outcomes", _OUTCOMES),
    Item("27", _RESULTS, "Harms by group", ("06_safety",)),
    Item("28", _RESULTS, "Other analyses, planned told from unplanned", ("08_summary",)),
    Item("29", _DISCUSSION, "Interpretation, balancing benefits and harms"),
    Item("30", _DISCUSSION, "Limitations", ("03_survival", "04_liver_function", "08_summary")),
)  # fmt: skip


def checklist_table(study: Study) -> Table:
    """Every item with the chapters of this cut that cover it; an item whose chapters are not in the cut says so."""
    present = set(study.cut.chapters)
    lines = []
    for item in ITEMS:
        here = [chapter for chapter in item.chapters if chapter in present]
        where = (
            ", ".join(here)
            if here
            else item.why
            if not item.chapters
            else "Not in this cut: " + ", ".join(item.chapters)
        )
        lines.append({"Section": item.section, "Item": item.number, "Topic": item.topic, "Where": where})
    return Table("consort", "CONSORT 2025 checklist", lines, group="Section")
