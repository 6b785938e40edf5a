"""A report from what its chapters left: notebooks, results, tables and figures, pages, Word, PDF."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import nbformat

from esld import jsonfile
from esld.data.cutfile import CutFile
from esld.data.fingerprint import digest, sha256
from esld.data.study import Study
from esld.pipeline import exhibits, paper, render, word
from esld.pipeline.agreement import keep_recorded
from esld.pipeline.chapters import LAY
from esld.pipeline.execution import Executed
from esld.pipeline.handed_over import HandedOver, gather
from esld.pipeline.how import How
from esld.pipeline.publish import SCRATCH
from esld.pipeline.reuse import Shelf, key_of
from esld.report.assumptions import assumptions
from esld.report.front import FrontPage, front_page
from esld.report.labels import LABELS, labels_of, write_labels
from esld.report.passport.leaves import Leaf, addresses, leaf
from esld.report.passport.passports import Passports
from esld.report.phrases import open_queries
from esld.report.results import write_rows
from esld.report.roles import READERS
from esld.report.tables import Table
from esld.report.told import shown_in, told
from esld.report.words.catalogue import message


class Binder:
    """The chapters of a report, each made ready as soon as it has been executed, while others still run.

    Parameters
    ----------
    staged : Path
        Where the report is made.
    published : Path
        Where the one that stands lies; a file that agrees with the one recorded there keeps its bytes.
    slugs : sequence of str
        All chapters, in order.
    shelf : Shelf
        What was rendered before of the same is taken from there.
    key : str
        See :func:`esld.pipeline.reuse.cut_key`.
    study : Study
        The cut's.
    scratch : Path, optional
        The run's folder; the one in `staged` by default.
    """

    def __init__(
        self,
        staged: Path,
        published: Path,
        slugs: Sequence[str],
        shelf: Shelf,
        key: str,
        study: Study,
        *,
        scratch: Path | None = None,
    ) -> None:
        self.scratch = scratch or staged / SCRATCH
        self.staged, self.published, self.slugs = staged, published, slugs
        self._shelf, self._key = shelf, key
        self.chapters: dict[str, render.Chapter] = {}
        self.bodies: dict[str, render.Body] = {}
        self.kept: list[str] = []
        self.study, self._passports = study, Passports(study)
        self._front: FrontPage | None = None
        self._leaves: dict[str, Leaf | None] = {}
        (staged / "notebooks").mkdir()

    def add(self, done: Executed) -> None:
        """Write a chapter's notebook and render its body; one that has handed nothing over is left to :func:`gather`."""
        slug, name = done.source.slug, f"notebooks/{done.source.slug}.ipynb"
        (self.staged / name).write_bytes(done.content)
        if keep_recorded(self.published, self.staged, name):
            self.kept.append(name)
        handed = self.scratch / "chapters" / f"{slug}.json"
        if handed.is_file():
            answer = jsonfile.loads(handed.read_text(encoding="utf-8"))["answer"]
            content = (self.staged / name).read_text(encoding="utf-8")
            chapter = render.Chapter(
                slug, done.source.title, done.source.question, answer, nbformat.v4.reads(content)
            )
            key = key_of(
                "body", self._key, content, chapter.title, chapter.question, answer, list(self.slugs)
            )
            made = self._shelf.remembered(
                key, lambda: json.dumps(asdict(render.body_of(chapter, self.slugs)))
            )
            self.chapters[slug], self.bodies[slug] = chapter, render.Body.from_record(jsonfile.loads(made))

    def front(self) -> FrontPage:
        """The front page, of what the chapters have handed over that read no others."""
        if self._front is None:
            scratch, slugs = self.scratch, [slug for slug in self.slugs if slug not in READERS]
            handed = gather(scratch, slugs)
            given = [sha256(scratch / "chapters" / f"{slug}.json") for slug in slugs]
            key = key_of("front", self._key, given)
            made = self._shelf.remembered(
                key, lambda: json.dumps(asdict(front_page(handed.rows, handed.answers, self.study)))
            )
            self._front = FrontPage.from_record(jsonfile.loads(made))
        return self._front

    def prepare(self) -> None:
        """Make what rests on those chapters alone that read no others, as soon as they have ended."""
        self.front()
        for slug in (slug for slug in self.slugs if slug not in READERS):
            self.leaf(slug)

    def leaf(self, slug: str) -> Leaf | None:
        """The page of the passports of a chapter's numbers, as soon as it has handed them over; None where there is none."""
        if slug not in self._leaves:

            def made() -> str:
                page = leaf(gather(self.scratch, [slug]).rows, self._passports)
                return json.dumps(page and vars(page))

            key = key_of("passports", self._key, sha256(self.scratch / "chapters" / f"{slug}.json"))
            record = jsonfile.loads(self._shelf.remembered(key, made))
            self._leaves[slug] = record and Leaf.from_record(record)
        return self._leaves[slug]


def assemble(
    binder: Binder, inputs: Mapping[str, str], environment: Mapping[str, Any], how: How
) -> list[str]:
    """Everything of a report in its staged folder; the files kept as recorded."""
    staged, scratch, study = binder.staged, binder.scratch, binder.study
    handed = gather(scratch, binder.slugs)
    write_rows(handed.rows, staged / "results.json")
    for name in ("tables", "figures"):
        shutil.move(scratch / name, staged / name)
    kept = sorted(binder.kept)
    if keep_recorded(binder.published, staged, "results.json"):
        kept.append("results.json")
    recorded = {slug: _recorded(own, staged) for slug, own in handed.exhibits.items()}
    tables = [shown for own in recorded.values() for shown in own.values() if isinstance(shown, Table)]
    report = replace(
        _report(binder, handed, inputs, environment, how.pdf),
        exhibits=exhibits.numbered(
            {slug: binder.bodies[slug].shown for slug in binder.slugs},
            {name: shown.title for own in recorded.values() for name, shown in own.items()},
            [slug for slug in binder.slugs if binder.chapters[slug].appended],
        ),
        results=shown_in(tables),
        told=told(handed.rows, study),
        leaves=(pages := {slug: own for slug in binder.slugs if (own := binder.leaf(slug))}),
        passports=addresses(handed.rows, pages),
    )
    render.render(report, staged, bodies=binder.bodies)
    titles = {slug: binder.chapters[slug].title for slug in binder.slugs}
    write_labels(labels_of(handed.rows, study, titles, tables), staged / LABELS)
    every = {name: shown for own in recorded.values() for name, shown in own.items()}
    limits = {slug: binder.bodies[slug].limits for slug in binder.slugs}
    word.write_word(report, every, staged / word.WORD, how.template, limits=limits)
    if how.pdf:
        paper.write_pdf(staged / "report.html", staged / paper.PDF)
    shutil.rmtree(scratch)
    return kept


def _recorded(records: Mapping[str, Any], staged: Path) -> dict[str, word.Recorded]:
    """Tables and figures of a chapter as they were recorded, by name."""
    made: dict[str, word.Recorded] = {}
    for name, record in records.items():
        if name.startswith("tables/"):
            made[name] = Table.from_record(record)
        else:
            title, alt = record["title"], record["alt"]
            file, id = staged / f"{name}.png", name.partition("/")[2]
            made[name] = word.Figure(id, title or alt, alt, file, record["legend"])
    return made


def masthead_of(study: Study) -> render.Masthead:
    """The banner of a cut's pages."""
    cut, protocol = study.cut, study.protocol
    return render.Masthead(
        trial_id=protocol.id,
        trial_title=protocol.short_title,
        cut_id=study.file.id,
        cut_title=cut.title,
        cutoff=cut.cutoff,
        status=cut.status,
        view=cut.view,
        simulated=cut.simulated,
        notice=cut.notice,
        open_queries=bool(len(open_queries(study))),
        editions=_editions(study.file),
    )


def _editions(file: CutFile) -> tuple[tuple[str, str], ...]:
    """The report in the other languages that the cut names, if it names this one: what is asked for by hand stands alone."""
    others = file.editions() if file.language in file.cut.languages else []
    return tuple((one.language, f"../{one.name}/index.html") for one in others if one.name != file.name)


def _report(
    binder: Binder,
    handed: HandedOver,
    inputs: Mapping[str, str],
    environment: Mapping[str, Any],
    pdf: bool,
) -> render.Report:
    study = binder.study
    cut, protocol = study.cut, study.protocol
    tables = {name: title for name, title in handed.files.items() if name.startswith("tables/")}
    front, code = binder.front(), environment["esld_sha256"]
    chapters = {row.result_id: row.chapter for row in handed.rows}
    return render.Report(
        masthead=masthead_of(study),
        question=protocol.question,
        answer=front.answer,
        cards=tuple(
            render.Card(c.label, c.value, c.detail, c.result_id, chapters.get(c.result_id, ""))
            for c in front.cards
        ),
        chapters=tuple(binder.chapters[slug] for slug in binder.slugs),
        downloads=(
            *([(f"{LAY}.html", message("files.lay"))] if front.lay else []),
            ("report.html", message("files.report")),
            *([(paper.PDF, message("files.pdf"))] if pdf else []),
            (word.WORD, message("files.word")),
            ("results.json", message("files.results", count=len(handed.rows))),
            (LABELS, message("files.labels")),
            *((f"{name}.csv", title) for name, title in tables.items()),
        ),
        made_with=(
            (message("made.export"), cut.snapshot),
            (
                message("made.inputs"),
                message("made.inputs.are", count=len(inputs), digest=digest(inputs)[:16]),
            ),
            ("esld", message("made.package", version=environment["esld"], digest=code[:16])),
            ("Python", environment["python"]),
            *(
                (name, environment["packages"][name])
                for name in ("pandas", "scipy", "lifelines", "papermill")
            ),
        ),
        assumptions=tuple(assumptions(protocol)),
        diagram=render.Diagram(**asdict(front.diagram)) if front.diagram else None,
        points=tuple((point.head, point.html) for point in front.points),
        answered=front.answered,
        lay=_plain(front),
    )


def _plain(front: FrontPage) -> render.Plain | None:
    """The page in plain language."""
    if front.lay is None:
        return None
    return render.Plain(front.lay.title, tuple((own.code, own.head, own.html) for own in front.lay.sections))
