"""A chapter at work: its study, and the one way in which it hands over results, tables, figures and words."""

import json
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pandas as pd

from esld import jsonfile
from esld.data.store import stored_study
from esld.data.study import Study, in_protocol_order
from esld.errors import InputError, no_attribute
from esld.protocol import Analysis, Kind
from esld.report import as_text, by_hand, disclosure, needs
from esld.report.additional import marked, marked_figure
from esld.report.drawing import figures
from esld.report.drawing.unnamed import show_what_is_left
from esld.report.phrases import Sentence, in_language, reader_of, standing
from esld.report.plain import plain_table
from esld.report.planned import planned_by, result_name
from esld.report.results import HasFrame, Reported, Row, rows_of
from esld.report.roles import PARTS, READERS
from esld.report.run_folder import is_of_pipeline, refuse_another_chapter, run_folder
from esld.report.tables import Table
from esld.report.words.catalogue import set_reader
from esld.report.words.grammar import as_prose

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Others:
    """What the other chapters of the cut have handed over.

    Attributes
    ----------
    rows : Reported
        Their results.
    answers : dict of str to str
        Their one-line answers, HTML, by chapter; empty where a chapter has none.
    """

    rows: Reported
    answers: dict[str, str]


@dataclass(repr=False)
class Chapter:
    """One chapter of one cut. Made by :func:`open_chapter`."""

    name: str
    study: Study
    scratch: Path
    # Rows, and tables and figures as shown first: as JSON, since all is written anew with whatever comes next.
    _rows: dict[str, str] = field(default_factory=dict)
    _exhibits: dict[str, str] = field(default_factory=dict)
    _files: dict[str, str] = field(default_factory=dict)  # what each recorded file shows
    _answer: str = ""
    _made_from: str = ""  # see `by_hand.made_from`; nothing in a run of the pipeline, which knows

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            raise no_attribute(self, name)

    def __repr__(self) -> str:
        """What was handed over so far, by name, above the study."""
        shown = ", ".join(self._exhibits) or "nothing yet"
        lines = [
            f"Chapter {self.name}",
            f"  results: {', '.join(self._rows) or 'nothing yet'}",
            f"  tables and figures: {shown}",
            f"  answer: {as_text.text_of(self._answer and Sentence(self._answer)) or 'none yet'}",
        ]
        return "\n".join([*(textwrap.shorten(line, 300) for line in lines), repr(self.study)])

    def hand_over(self, id: str, result: HasFrame | pd.DataFrame, *, analysis: str) -> Reported:
        """Record a result; tables, figures and sentences are made from what is returned.

        Parameters
        ----------
        id : str
            Name of the result, unique in the report. Handing it over again replaces it, so that a cell can
            be run twice.
        result : object with ``to_frame`` or DataFrame
            A statistical result in long form.
        analysis : str
            Id of the planned analysis.

        Returns
        -------
        Reported
            Its rows, rounded to 12 significant digits; in a public report those of :mod:`esld.report.disclosure`.
        """
        reported = rows_of(id, result, analysis=analysis, chapter=self.name)
        for arm, label in self.study.protocol.arm_labels.items():
            if arm != label and any(row.arm == label for row in reported.rows):
                rule, remedy = "must name an arm by its code", f"Write {arm!r}, as in ARMCD."
                raise InputError(f"group of result '{id}'", rule, label, remedy=remedy)
        if rules := self.study.cut.published:
            protocol = self.study.protocol
            adjusted = any(
                a.id == analysis != protocol.primary.id and a.covariates for a in protocol.analyses
            )
            reported = disclosure.published(reported, rules, self.study.sizes, adjusted=adjusted)
        self._rows[id] = ", ".join(_json(row.to_record()) for row in reported.rows)
        self._write()
        return reported

    def others(self) -> Others:
        """What the chapters of the cut handed over that read no others.

        Raises
        ------
        esld.errors.InputError
            One has handed over nothing, or did before something was changed from which it is made.
        """
        read = sorted(set(self.study.cut.chapters) - {self.name, *READERS})
        if self._made_from:
            by_hand.require_fresh(self.name, self.study.file, self.scratch, read)
        rows: list[Row] = []
        answers: dict[str, str] = {}
        for path in (path for slug in read if (path := self.scratch / "chapters" / f"{slug}.json").exists()):
            content = jsonfile.loads(path.read_text(encoding="utf-8"))
            answers[path.stem] = content["answer"]
            rows += [Row.from_record(record) for record in content["rows"]]
        return Others(Reported(tuple(rows)), answers)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """What is compared: the control with each other arm; where nothing is, an error that says why."""
        return needs.pairs(self.study)

    def planned(self, kind: Kind) -> tuple[Analysis, ...]:
        """The planned analyses of a kind, without their variants; where there are none, an error that says so."""
        return needs.planned(self.study, kind)

    def name_of(
        self, stem: str, plan: Analysis, subject: str = "", pair: tuple[str, str] | None = None
    ) -> str:
        """Name for :meth:`hand_over`: the stem, with the analysis and the pair where that tells results apart."""
        several = len(self.study.pairs) > 1
        return result_name(self.study.protocol, stem, plan, subject, pair if several else None)

    def table(
        self, table: Table | Sentence | pd.DataFrame | pd.Series | None, *, id: str = "", title: str = ""
    ) -> Table | Sentence | None:
        """Record a table as CSV and show it; a sentence in its place is shown, and nothing for none.

        Parameters
        ----------
        table : Table, Sentence, DataFrame, Series or None
            Of a DataFrame the columns are shown as they are, and its index where it has a name; a Series is one of one column.
        id, title : str
            Of a DataFrame, which has neither.
        """
        if isinstance(table, pd.DataFrame | pd.Series):
            self._refuse_what_was_not_handed_over("table")
            table = plain_table(table, id, title)
        if table is None or isinstance(table, Sentence):
            return table
        if not isinstance(table, Table):
            raise InputError("chapter.table", "must be given a table or a DataFrame", type(table).__name__)
        table = marked(table)
        path = self.scratch / "tables" / f"{table.id}.csv"
        path.write_text(table.to_csv(), encoding="utf-8", newline="\n")
        self._files[f"tables/{table.id}"] = table.title
        self._exhibits[f"tables/{table.id}"] = _json(table.to_record())
        self._write()
        return table

    def figure(
        self,
        figure: "figures.Picture | Sentence | Figure | Axes | None",
        *,
        id: str = "",
        title: str = "",
        alt: str = "",
        legend: str = "",
    ) -> figures.Picture | Sentence | None:
        """Record a figure as SVG and PNG and show it; a sentence in its place is shown, and nothing for none.

        Parameters
        ----------
        figure : Picture, Sentence, matplotlib Figure or Axes, or None
            What seaborn returns is fit, too.
        id, title, alt, legend : str
            Of a figure of matplotlib: its name, what it shows, the same for who does not see it, and what its marks are. None of
            these words is drawn: title and legend are its caption, on the page, on paper and in Word.
        """
        if figure is None or isinstance(figure, Sentence):
            return figure
        if not isinstance(figure, figures.Picture):
            self._refuse_what_was_not_handed_over("figure")
            figure = figures.plain_picture(figure, id, title, alt, legend)
        figure = marked_figure(figure)
        figure.save(self.scratch / "figures")
        self._files[f"figures/{figure.id}"] = figure.alt
        self._exhibits[f"figures/{figure.id}"] = _json(
            {"title": figure.title, "alt": figure.alt, "legend": figure.legend}
        )
        self._write()
        return figure

    def say(self, *html: str) -> Sentence | None:
        """Show sentences as a paragraph; an empty one is left out, and nothing is shown where all are."""
        said = as_prose(html)
        return Sentence(said) if said else None

    def answer(self, *html: str) -> Sentence:
        """Show the chapter's answer, and record it for the front page."""
        self._answer = as_prose(html)
        self._write()
        return Sentence(self._answer)

    def planned_by(self) -> Sentence:
        """Say whose plan the chapter follows, that of the trial or of whoever wrote its file, and before the final analysis
        that it tests nothing.
        """
        said = planned_by(self.study.protocol, self.name), standing(self.study)
        return Sentence(as_prose(said))

    def limits(self) -> Sentence | None:
        """Show the protocol's notes on this chapter. What no result can show stands once, below the answer of the overview."""
        return self.say(*self.study.protocol.chapter_notes.get(self.name, ()))

    def left_out(self, need: str) -> Sentence:
        """Show why a section is not here, for which the pipeline writes this call; an answer too where there is no other."""
        said = needs.why_not(self.study, need)
        self._answer = self._answer or said
        self._write()
        return Sentence(said)

    def _refuse_what_was_not_handed_over(self, what: str) -> None:
        """A plain table or figure may hold anything, and a public report has what was handed over alone."""
        if self.study.cut.published:
            rule, remedy = (
                "must be made of results that were handed over",
                "Leave it out of the public report.",
            )
            raise InputError(f"chapter.{what}", rule, self.name, remedy=remedy)

    def _write(self) -> None:
        exhibits = ", ".join(f"{_json(name)}: {shown}" for name, shown in self._exhibits.items())
        rows = ", ".join(filter(None, self._rows.values()))
        said = f'"answer": {_json(self._answer)}, "files": {_json(self._files)}'
        path = self.scratch / "chapters" / f"{self.name}.json"
        path.write_text(
            f'{{{said}, "exhibits": {{{exhibits}}}, "rows": [{rows}]}}\n', encoding="utf-8", newline="\n"
        )
        if self._made_from:
            by_hand.leave_mark(self.study.file, self.name, self.scratch, self._made_from)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def open_chapter(name: str, *, cut: str) -> Chapter:
    """Load a cut for a chapter, its arms in the order of the protocol and matplotlib in the style of the house.

    So a plot by ``TRT01P`` has the arms where the report has them, and in its colours, whoever draws it::

        sns.stripplot(chapter.study.adsl, x="TRT01P", y="AGE", hue="TRT01P")

    Where the cut files are and where the chapter may write comes from the environment variable ``ESLD_RUN``,
    a folder with a ``run.json``; without it, from the working copy around the current folder, with
    ``outputs/lab/<cut>`` to write in, as in JupyterLab and by ``esld run --chapter``.

    Parameters
    ----------
    name : str
        The chapter's file name without suffix ("03_survival").
    cut : str
        Id of the data cut: ``params/<cut>.yaml``.

    Returns
    -------
    Chapter

    Raises
    ------
    esld.errors.InputError
        ``ESLD_RUN`` is no run's folder, no working copy is around, or the cut or its data is faulty.
    """
    if script := as_text.script_of(name):
        raise SystemExit(as_text.told(script, open_chapter, cut))
    folder = run_folder()
    scratch, file = folder.of_cut(cut), folder.cut_file(cut)
    refuse_another_chapter(name, folder.scratch)
    for part in PARTS:
        (scratch / part).mkdir(parents=True, exist_ok=True)
    figures.set_style()
    pd.set_option("display.max_columns", 20, "display.width", 120)  # a kernel and a console differ otherwise
    study = in_protocol_order(in_language(stored_study(file)))
    set_reader(reader_of(study))
    by_hand.say_other_values(name, study.file, vars(sys.modules["__main__"]))
    alone = not is_of_pipeline(folder.scratch)
    chapter = Chapter(name, study, scratch, _made_from=by_hand.made_from(study.file, name) if alone else "")
    show_what_is_left(name, chapter.figure, by_hand=alone)
    return chapter
