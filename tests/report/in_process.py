"""The chapters of a study without kernels: their cells compiled once, run one after the other, nothing written."""

import ast
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any
from unittest import mock

import pandas as pd
from nbformat import NotebookNode

from esld.data import dates, sdtm
from esld.data import study as studies
from esld.data.cutfile import CutFile, read_cut
from esld.data.reading import Tables
from esld.data.study import Study, load_study
from esld.pipeline.chapters import ChapterSource, read_chapter
from esld.pipeline.sections import fitted
from esld.report import chapter as chapters
from esld.report import front
from esld.report.chapter import Chapter, Others
from esld.report.drawing import figures
from esld.report.drawing.figures import Picture
from esld.report.phrases import Sentence, reader_of
from esld.report.results import Reported, Row
from esld.report.roles import READERS, SUMMARY
from esld.report.sections import heading_level
from esld.report.tables import Table
from esld.report.words.catalogue import arm_label, read_by
from tests.report.builders import ROOT, plain

NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.py"))
OF_THE_CUT = [name for name in NOTEBOOKS if name != SUMMARY] + [SUMMARY]


def rows_handed_over(chapter: Chapter) -> list[Row]:
    """The results of a chapter, read back as the next chapter reads them."""
    return [Row.from_record(record) for text in chapter._rows.values() for record in json.loads(f"[{text}]")]


@cache
def source_of(name: str) -> ChapterSource:
    """A chapter as it is written."""
    return read_chapter(ROOT / "notebooks" / f"{name}.py")


@cache
def compiled(source: str, where: str) -> tuple[CodeType, CodeType | None]:
    """A code cell: the statements, and the expression that it ends with and shows."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    shown = None if last is None else compile(ast.Expression(last.value), where, "eval")
    return compile(tree, where, "exec"), shown


@dataclass
class Unwritten(Chapter):
    """A chapter that hands over and shows as ever, and writes no file."""

    earlier: Mapping[str, "Unwritten"] = field(default_factory=dict)

    def _write(self) -> None:
        pass

    def table(self, table):
        return table

    def figure(self, figure):
        return figure

    def others(self) -> Others:
        read = {name: own for name, own in self.earlier.items() if name not in READERS}
        rows = [row for own in read.values() for row in rows_handed_over(own)]
        answers = {name: own._answer for name, own in read.items()}
        return Others(Reported(tuple(rows)), answers)


@dataclass
class Report:
    """What the chapters of one study showed, by chapter, and what failed."""

    shown: dict[str, list[object]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    bare: list[str] = field(
        default_factory=list
    )  # chapter and words of prose with nothing of what it introduces
    chapters: dict[str, Unwritten] = field(default_factory=dict)

    def texts(self) -> Iterable[tuple[str, str]]:
        """Every text that a reader meets, with its chapter; a cell of a table by itself."""
        for name, shown in self.shown.items():
            for item in shown:
                if isinstance(item, Sentence):
                    yield name, plain(item.html)
                elif isinstance(item, Picture):
                    yield from ((name, text) for text in (item.title, item.legend, item.alt))
                elif isinstance(item, Table):
                    cells = item.frame.to_numpy().ravel().tolist()
                    yield from ((name, text) for text in (item.title, *item.footnotes, *dict.fromkeys(cells)))


def run(study: Study, names: Iterable[str] = OF_THE_CUT, *, draw: bool = False) -> Report:
    """The chapters of a study in their order. What fails is recorded; warnings are failures."""
    figures.set_style()
    with read_by(reader_of(study)), nullcontext() if draw else undrawn():
        return _run(study, names)


def handed_over(study: Study, name: str, wanted: set[str]) -> dict[str, Row]:
    """Results of a chapter by their ids: its cells are run until all that are wanted are there, and no others after that."""
    chapter, found = Unwritten(name, study, Path()), dict[str, Row]()
    figures.set_style()
    with read_by(reader_of(study)), undrawn():
        for where, error in ended(fitted(source_of(name), study), chapter, []):
            if error:
                raise RuntimeError(f"{name}, {where}") from error
            found = {row.result_id: row for row in rows_handed_over(chapter)}
            if wanted <= set(found):
                break
    return found


@contextmanager
def undrawn() -> Iterator[None]:
    """Figures are made, and not laid out, which takes a third of the time."""
    with (
        mock.patch("matplotlib.figure.Figure.draw_without_rendering", lambda figure: None),
        mock.patch("matplotlib.layout_engine.ConstrainedLayoutEngine.execute", lambda engine, figure: None),
    ):
        yield


def _run(study: Study, names: Iterable[str]) -> Report:
    report = Report()
    for name in names:
        chapter = report.chapters[name] = Unwritten(name, study, Path(), earlier=dict(report.chapters))
        _run_cells(name, chapter, report)
    before = {name: own for name, own in report.chapters.items() if name not in READERS}
    rows = tuple(row for own in before.values() for row in rows_handed_over(own))
    answers = {name: own._answer for name, own in before.items()}
    with mock.patch.object(front, "_diagram", lambda *how: None):  # chapter 00 draws the same
        page = front.front_page(rows, answers, study)
    cards = [Sentence(f"{card.label}\n{card.value}\n{card.detail}") for card in page.cards]
    report.shown["index"] = [Sentence(page.answer), *(Sentence(own.html) for own in page.points), *cards]
    report.shown["plain"] = [Sentence(own.html) for own in page.lay.sections] if page.lay else []
    return report


def _run_cells(name: str, chapter: Unwritten, report: Report) -> None:
    source, shows, shown = fitted(source_of(name), chapter.study), dict[str, bool](), list[object]()
    report.shown[name] = []
    for where, error in ended(source, chapter, shown):
        if error:
            report.failed.append(f"{name}, {where}: {type(error).__name__}: {error}")
            return  # what comes after would fail for want of its names
        shows[where] = any(item is not None for item in shown)
        report.shown[name] += shown
        shown.clear()
    report.bare += [f"{name}: {words}" for words in _bare(source.notebook.cells, shows)]


def _bare(cells: Sequence[NotebookNode], shows: Mapping[str, bool]) -> Iterator[str]:
    """Prose that stands over nothing: a heading whose section shows nothing, or a text before a cell that does not.

    The chapter's own parts, which are headings of the second level, say something by their prose: by that which comes first.
    """
    for place, cell in enumerate(cells):
        level, after = heading_level(cell), list(cells[place + 1 :])
        if cell.cell_type == "code" or 0 < (level or heading_level(cells[place - 1])) <= 2:
            continue
        ends = (c.cell_type != "code" if not level else 0 < heading_level(c) <= level for c in after)
        own = [
            c for c in after[: next((n for n, end in enumerate(ends) if end), None)] if c.cell_type == "code"
        ]
        if own and not any(shows[c.id] for c in (own if level else own[:1])):
            yield f"… {cell.source[:60]} … stands over nothing"


def ended(
    source: ChapterSource, chapter: Chapter, shown: list[object]
) -> Iterator[tuple[str, Exception | None]]:
    """Run the code cells of a chapter one by one: the id of each, and what it raised."""
    namespace: dict[str, Any] = {}
    with (
        mock.patch.object(chapters, "open_chapter", lambda name, cut: chapter),
        mock.patch("IPython.display.display", lambda *items: shown.extend(items)),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error")
        for cell in (cell for cell in source.notebook.cells if cell.cell_type == "code"):
            statements, expression = compiled(cell.source, f"{source.slug}, {cell.id}")
            try:
                exec(statements, namespace)
                item = None if expression is None else eval(expression, namespace)
            except Exception as error:
                yield cell.id, error
                continue
            if "parameters" in cell.metadata.get("tags", []):  # what the cut sets comes after the defaults
                namespace |= chapter.study.cut.parameters.get(source.slug, {})
            shown += [] if item is None else [item]
            yield cell.id, None


# --- cuts of the demonstration trial --------------------------------------------------------------------------


@cache
def demo() -> tuple[CutFile, Tables]:
    """The demonstration trial: its final cut, and the whole export."""
    file = read_cut(ROOT / "params" / "demo-final.yaml")
    return file, sdtm.read_tables(file.data_path)


@cache
def _files() -> pd.DataFrame:
    """The account of the files of the demonstration trial."""
    return sdtm.read_sound(demo()[0].data_path).files


def cut_at(
    cutoff: str, view: str = "unblinded", *, tables: Tables | None = None, trial: Any = None, **keys: Any
) -> Study:
    """The demonstration trial, or another export of it, cut at a day in a view, with other keys of the cut file."""
    file, whole = demo()
    changed = {"cutoff": cutoff, "view": view, "previous": "", "previous_results": "", "status": "draft"}
    cut = replace(file, cut=file.cut.model_copy(update=changed | keys))
    protocol = trial or studies.read_protocol(cut.protocol_path)
    export = whole if tables is None else tables, _files()
    with (
        mock.patch.object(studies, "_read", lambda file, protocol: (dict(export[0]), export[1])),
        mock.patch.object(studies, "read_protocol", lambda path: protocol),
    ):
        return load_study(cut)


@cache
def days_of_change() -> tuple[str, ...]:
    """Every day on which a dated record of the demonstration trial lies, from the first randomisation to the final cut."""
    file, tables = demo()
    ds = tables["DS"]
    first = dates.earliest(ds.loc[ds["DSDECOD"].eq("RANDOMIZED"), "DSSTDTC"]).min()
    found = [
        dates.earliest(table[column])
        for name, table in tables.items()
        for column in sdtm.date_columns(sdtm.DOMAINS[name])
        if column in table
    ]
    days = pd.concat(found).dropna().drop_duplicates().sort_values()
    days = days[days.between(first, dates.as_date(file.cut.cutoff))]
    return tuple(days.dt.strftime("%Y-%m-%d"))


# --- what no reader should meet --------------------------------------------------------------------------------

_NONSENSE = re.compile(
    r"\bnan\b|\bNaN\b|\bNone\b|\bNaT\b|\binf\b|<NA>|\bNE \(NE\)|\b0 of 0\b|NE years|\b0/0 \("
    r"|(?<![\d.,/–-])\b1 (?:patients|days|events|deaths|records|values|assignments|infusions|changes|queries|years)\b"
    r"|\b(?:[Mm]edian|[Mm]ean|[Aa]verage)\b[^.;]*\(n = 1\)|not collected: [^.]*\bby the data cut"
    r"|\bwas alive\w*|group are\b|\{\w+\}|  +|\(\)| ,| \.(?!\d)|^[,;. ]|in [,;.]"
)
_ALLOWED = re.compile(
    r"None \((?:open label|assumed)\)|None applies|None; the trial|was alive (?:at|after|never)"
)


def nonsense(report: Report) -> list[str]:
    """Texts with a number that is none, a count of nobody, a plural of one, or a hole where a word should be; prose over
    nothing; columns of tables in which no cell says anything; and numbers of what did not happen, or of one
    patient as of a group.
    """
    found = [*report.bare, *_hollow(report), *_of_nobody(report)]
    for name, text in report.texts():
        for match in _NONSENSE.finditer(text.strip()):
            around = text.strip()[max(0, match.start() - 60) : match.end() + 40]
            if text != "None" and not _ALLOWED.search(around):
                found.append(f"{name}: … {around} …")
    return list(dict.fromkeys(found))


_SPREAD = re.compile(r"^[−\d.]+ \((?:[−\d.]+ to [−\d.]+|NE)\)$")  # of values, and not of a rate or a share


def _of_nobody(report: Report) -> Iterator[str]:
    """A test or a median of an event that nobody had; a mean over time or a spread of one patient; a note without its end."""
    for name, chapter in report.chapters.items():
        for row in rows_handed_over(chapter):
            tests = name == "03_survival" and re.match(r"(?!.*est_p_value).*p_value", row.statistic)
            if tests and row.events == 0 and row.value is not None:
                yield f"{name}: {row.result_id} is a test without an event"
            if (
                _SUMMARY.search(row.statistic)
                and row.n in (0, 1)
                and row.value is not None
                and name != "02_baseline"
            ):
                yield f"{name}: {row.result_id} is a summary of one patient"
        rows = {row.result_id: row for row in rows_handed_over(chapter) if row.statistic == "median"}
        for item in report.shown[name]:
            if isinstance(item, Sentence) and "fewer than half" in item.html:
                own = re.search(r"In ([^.]*) fewer than half", plain(item.html))
                if rows and own and not any(row.events for row in rows.values()):
                    yield f"{name}: fewer than half, where nobody had the event"
            if isinstance(item, Picture):
                yield from _curves_of_one(name, item)
            if isinstance(item, Table):
                yield from (f"{name}: table {item.id}: {n}" for n in item.footnotes if n[-1] not in ".?!。）")
                yield from _spread_of_one(name, item)
                yield from _untrue_reasons(name, item)
                yield from _unlike_doses(name, item)


_SUMMARY = re.compile(r"(^|\.)rate$|mean_count$|^median(_follow_up)?$")
_FEW = re.compile(r"fewer than two patients")
_COUNTED = re.compile(r"(: n|\bObserved|^Randomised|^Patients|\bat risk)$")


def _curves_of_one(name: str, picture: Picture) -> Iterator[str]:
    """A curve of means that goes on past a tick before which at most one patient of its group was observed."""
    if "mean cumulative number" not in picture.legend:
        return
    panels = [axes for axes in picture.figure.axes if axes.get_visible()]
    curves, counts = [p for p in panels if p.get_lines()], [p for p in panels if p.texts]
    ends = {
        (axes.get_position().x0, line.get_color()): max(line.get_xdata(), default=0)
        for axes in curves
        for line in axes.get_lines()
    }
    for axes in counts:
        for text in axes.texts:
            own = ends.get((axes.get_position().x0, text.get_color()), 0)
            if text.get_text() in "01" and own > text.get_position()[0] > 0:
                yield f"{name}: figure {picture.id} draws a mean of {text.get_text()} patient"


def _untrue_reasons(name: str, table: Table) -> Iterator[str]:
    """A note of too few patients, or of nobody so long, where no count of the table says so."""
    counts = {cell for c in table.frame if _COUNTED.search(c) for cell in table.frame[c].astype(str)}
    for note in table.footnotes if counts else ():
        if _FEW.search(note) and not counts & {"0", "1"} and "then" not in note:
            yield f"{name}: table {table.id}: {note}, and its counts are {', '.join(sorted(counts))}"


def _unlike_doses(name: str, table: Table) -> Iterator[str]:
    """A planned dose beside that of patients who were given every one that fell due, in full, and yet less."""
    if not {"Given", "Reduced", "Planned dose", "Dose given"} <= set(table.frame):
        return
    for line in table.frame.itertuples():
        cells = dict(zip(table.frame, line[1:], strict=True))
        given = re.match(r"(\d+)/(\d+) ", cells["Given"])
        whole = given and given[1] == given[2] and cells["Reduced"] == "0" and cells["Planned dose"]
        if whole and float(cells["Planned dose"]) > float(cells["Dose given"].split()[0]) + 0.011:
            yield f"{name}: table {table.id}: planned {cells['Planned dose']}, given {cells['Dose given']}"


def _spread_of_one(name: str, table: Table) -> Iterator[str]:
    """Where the head or the column before says that it is of one patient."""
    before = None
    for column in table.frame:
        cells = table.frame[column].astype(str)
        for place, cell in enumerate(cells):
            counted = (
                before is not None and before.name.endswith((": n", "Given")) and before.iloc[place] == "1"
            )
            if (counted or column.endswith("(n = 1)")) and _SPREAD.match(cell):
                yield f"{name}: table {table.id}, {column}: {cell} is of one patient"
        before = cells


def _hollow(report: Report) -> Iterator[str]:
    """Tables with a column in which no cell says anything, but those of a group in which there is nobody."""
    study = next(iter(report.chapters.values())).study
    with read_by(reader_of(study)):
        vacant = tuple(arm_label(arm) for arm in study.arms if arm not in study.filled)
    tables = ((name, t) for name, shown in report.shown.items() for t in shown if isinstance(t, Table))
    for name, table in tables:
        hollow = [c for c in table.frame if not (c.startswith(vacant) or table.frame[c].astype(bool).any())]
        if hollow:
            yield f"{name}: table {table.id} says nothing under {', '.join(hollow)}"
