"""A chapter at work: its study, and the one way in which it hands over results, tables, figures and words."""

import json
import os
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from esld.data.cutfile import read_cut
from esld.data.store import stored_study
from esld.data.study import Study
from esld.errors import InputError
from esld.protocol import Analysis, Kind
from esld.report import needs
from esld.report.drawing import figures
from esld.report.phrases import Sentence, reader_of
from esld.report.plain import plain_table
from esld.report.planned import planned_by, result_name
from esld.report.results import HasFrame, Reported, Row, rows_of
from esld.report.roles import PARTS, RUN_FILE, RUN_VARIABLE
from esld.report.tables import Table
from esld.report.words.catalogue import set_reader

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class RunFolder:
    """Where a chapter finds the cut files and where it may write."""

    params: Path
    scratch: Path


@dataclass(frozen=True)
class Others:
    """What the other chapters of the cut have handed over.

    Attributes
    ----------
    rows : Reported
        Their results.
    answers : dict of str to str
        Their one-line answers, HTML, by chapter; empty where a chapter has none.
    missing : tuple of str
        Chapters of the cut that have not run.
    """

    rows: Reported
    answers: dict[str, str]
    missing: tuple[str, ...]


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

    def __repr__(self) -> str:
        """What was handed over so far, by name, above the study."""
        shown = ", ".join(self._exhibits) or "nothing yet"
        lines = [
            f"Chapter {self.name}, writes into {self.scratch}",
            f"  results: {', '.join(self._rows) or 'nothing yet'}",
            f"  tables and figures: {shown}",
            f"  answer: {self._answer or 'none yet'}",
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
            Its rows, rounded to 12 significant digits.
        """
        reported = rows_of(id, result, analysis=analysis, chapter=self.name)
        self._rows[id] = ", ".join(_json(row.to_record()) for row in reported.rows)
        self._write()
        return reported

    def others(self) -> Others:
        """What the other chapters of the cut handed over. In a run of the pipeline only `SUMMARY` is missing for
        `VALIDATION`, and none for `SUMMARY`.
        """
        rows: list[Row] = []
        answers, missing = {}, []
        for slug in sorted(set(self.study.cut.chapters) - {self.name}):
            path = self.scratch / "chapters" / f"{slug}.json"
            if not path.exists():
                missing.append(slug)
                continue
            content = json.loads(path.read_text(encoding="utf-8"))
            answers[slug] = content["answer"]
            rows += [Row.from_record(record) for record in content["rows"]]
        return Others(Reported(tuple(rows)), answers, tuple(missing))

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
        self, table: Table | Sentence | pd.DataFrame | None, *, id: str = "", title: str = ""
    ) -> Table | Sentence | None:
        """Record a table as CSV and show it; a sentence in its place is shown, and nothing for none.

        Parameters
        ----------
        table : Table, Sentence, DataFrame or None
            Of a DataFrame the columns are shown as they are, and its index where it has a name.
        id, title : str
            Of a DataFrame, which has neither.
        """
        if isinstance(table, pd.DataFrame):
            table = plain_table(table, id, title)
        if table is None or isinstance(table, Sentence):
            return table
        if not isinstance(table, Table):
            raise InputError("chapter.table", "must be given a table or a DataFrame", type(table).__name__)
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
    ) -> figures.Picture | Sentence | None:
        """Record a figure as SVG and PNG and show it; a sentence in its place is shown, and nothing for none.

        Parameters
        ----------
        figure : Picture, Sentence, matplotlib Figure or Axes, or None
            What seaborn returns is fit, too.
        id, title, alt : str
            Of a figure of matplotlib: its name, what it shows, and the same for who does not see it.
        """
        if figure is None or isinstance(figure, Sentence):
            return figure
        if not isinstance(figure, figures.Picture):
            figure = figures.plain_picture(figure, id, title, alt)
        figure.save(self.scratch / "figures")
        self._files[f"figures/{figure.id}"] = figure.alt
        self._exhibits[f"figures/{figure.id}"] = _json({"title": figure.title, "alt": figure.alt})
        self._write()
        return figure

    def say(self, *html: str) -> Sentence | None:
        """Show sentences as a paragraph; an empty one is left out, and nothing is shown where all are."""
        said = " ".join(filter(None, html))
        return Sentence(said) if said else None

    def answer(self, *html: str) -> Sentence:
        """Show the chapter's answer, and record it for the front page."""
        self._answer = " ".join(filter(None, html))
        self._write()
        return Sentence(self._answer)

    def planned_by(self) -> Sentence:
        """Say whose plan the chapter follows: that of the trial, or that of whoever wrote the protocol file."""
        return Sentence(planned_by(self.study.protocol, self.name))

    def limits(self) -> Sentence | None:
        """Show the protocol's notes on this chapter. What no result can show stands once, below the answer of the overview."""
        return self.say(*self.study.protocol.chapter_notes.get(self.name, ()))

    def left_out(self, need: str) -> Sentence:
        """Show why a section is not here, for which the pipeline writes this call; an answer too where there is no other."""
        said = needs.why_not(self.study, need)
        self._answer = self._answer or said
        self._write()
        return Sentence(said)

    def _write(self) -> None:
        exhibits = ", ".join(f"{_json(name)}: {shown}" for name, shown in self._exhibits.items())
        rows = ", ".join(filter(None, self._rows.values()))
        said = f'"answer": {_json(self._answer)}, "files": {_json(self._files)}'
        path = self.scratch / "chapters" / f"{self.name}.json"
        path.write_text(f'{{{said}, "exhibits": {{{exhibits}}}, "rows": [{rows}]}}\n', encoding="utf-8")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def open_chapter(name: str, *, cut: str) -> Chapter:
    """Load a cut for a chapter.

    Where the cut files are and where the chapter may write comes from the environment variable ``ESLD_RUN``,
    a folder with a ``run.json``; without it, from the working copy around the current folder, with
    ``outputs/.scratch/<cut>`` to write in.

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
    folder = run_folder()
    scratch = folder.scratch if os.environ.get(RUN_VARIABLE) else folder.scratch / cut
    for part in PARTS:
        (scratch / part).mkdir(parents=True, exist_ok=True)
    figures.set_style()
    pd.set_option("display.max_columns", 20, "display.width", 120)  # a kernel and a console differ otherwise
    study = stored_study(read_cut(folder.params / f"{cut}.yaml"))
    set_reader(reader_of(study))
    return Chapter(name, study, scratch)


def run_folder() -> RunFolder:
    """The run's folder from ``ESLD_RUN``, or the working copy's scratch."""
    if given := os.environ.get(RUN_VARIABLE):
        scratch = Path(given)
        if not (scratch / RUN_FILE).is_file():
            raise InputError(RUN_VARIABLE, f"must name a folder with {RUN_FILE}", given, remedy="Unset it.")
        record = json.loads((scratch / RUN_FILE).read_text(encoding="utf-8"))
        return RunFolder(Path(record["params"]), scratch)
    here = Path.cwd()
    around = (p for p in (here, *here.parents) if (p / "params").is_dir() and (p / "notebooks").is_dir())
    root = next(around, None)
    if root is None:
        rule = "must lie in a working copy with params/ and notebooks/"
        remedy = "Start from a working copy (see 'esld init'), or run the chapter through 'esld run'."
        raise InputError("current folder", rule, str(here), remedy=remedy)
    return RunFolder(root / "params", root / "outputs" / ".scratch")


def prepare_run_folder(scratch: Path, params: Path) -> None:
    """Make a folder that ``ESLD_RUN`` can point to."""
    scratch.mkdir(parents=True, exist_ok=True)
    (scratch / RUN_FILE).write_text(json.dumps({"params": str(params)}) + "\n", encoding="utf-8")
