"""One cut on its way to a report: check, execute or reuse, gather, render, record, publish."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import as_completed
from contextlib import contextmanager
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from time import perf_counter

from esld.data.cutfile import CutFile, read_cut
from esld.data.fingerprint import code_as_loaded, sha256
from esld.data.store import stored_study
from esld.data.study import Study, load_study
from esld.errors import InputError, InputErrors, RefusedError, RunError, what_failed
from esld.pipeline import paper, provenance, word_style
from esld.pipeline.agreement import keep_recorded
from esld.pipeline.assemble import Binder, assemble, masthead_of
from esld.pipeline.chapters import ChapterSource, needed_for, read_chapters, source_digest, values_for, waves
from esld.pipeline.desk import Desk
from esld.pipeline.difference import difference
from esld.pipeline.disclosed import require_nobody
from esld.pipeline.execution import Executed
from esld.pipeline.fitness import unfit
from esld.pipeline.handed_over import gather
from esld.pipeline.how import Published, outputs_folder
from esld.pipeline.publish import (
    RESULTS,
    SCRATCH,
    Place,
    forget_failed,
    keep_failed,
    keep_signature,
    locked,
    publish,
    staging_folder,
)
from esld.pipeline.remarks import warnings_of
from esld.pipeline.render import render_alone
from esld.pipeline.reuse import Kept, Shelf, chapter_key, cut_key, report_key
from esld.pipeline.sections import fitted
from esld.pipeline.unblinding import check_unblinding
from esld.pipeline.watch import Event
from esld.protocol import read_protocol
from esld.report import disclosure
from esld.report.by_hand import leave_mark
from esld.report.drawing.figures import check_fonts
from esld.report.phrases import in_language, reader_of
from esld.report.results import Reported
from esld.report.roles import PARTS, VALIDATION
from esld.report.run_folder import prepare_run_folder
from esld.report.words.catalogue import set_reader, untranslated_in


def in_each_language(
    editions: Sequence[CutFile], standing: Mapping[str, Published], desk: Desk
) -> list[Published | InputError | RefusedError | RunError]:
    """The reports of a cut in its languages, one after the other: the numbers of the first are those of all.

    Parameters
    ----------
    editions : sequence of CutFile
        The same cut for the readers of each language.
    standing : dict of str to Published
        Reports of which nothing has changed, by name: they are left.
    desk : Desk
    """
    outcomes: list[Published | InputError | RefusedError | RunError] = []
    for file in editions:
        first = next((done.index.parent for done in outcomes if isinstance(done, Published)), None)
        try:
            outcomes.append(standing.get(file.name) or Making(file, desk, first).report())
        except (InputError, RefusedError, RunError) as error:
            return [*outcomes, error]
    return outcomes


class Making:
    """One cut on its way to a report.

    Parameters
    ----------
    file : CutFile
        The cut, for the reader of one language.
    desk : Desk
    first : Path, optional
        The same report in another language, whose numbers it must have.
    """

    study: Study
    chapters: list[ChapterSource]
    binder: Binder
    key: str

    def __init__(self, file: CutFile, desk: Desk, first: Path | None = None) -> None:
        self.file, self.desk, self.first = file, desk, first
        self.shelf = Shelf.of(file)
        self.keys: dict[str, str] = {}
        self.executed: dict[str, Executed] = {}
        self.other_views: set[str] = set()

    def report(self) -> Published:
        """Check, execute, gather, render, record and publish.

        Raises
        ------
        esld.errors.RunError
            What is to be written cannot be, too.
        """
        with _said("nothing was published"):
            return self._report()

    def _report(self) -> Published:
        file, how = self.file, self.desk.how
        begun = datetime.now(UTC)
        if how.pdf:
            paper.require_pdf(file.language)
        if how.template is not None:
            word_style.require_template(how.template)
        place = self._check()
        inputs = provenance.input_hashes(file, self.chapters, how.template)
        environment = provenance.environment(file.root)
        with locked(place):
            staged = staging_folder(place)
            try:
                slugs = [chapter.slug for chapter in self.chapters]
                self.binder = Binder(staged, place.report, slugs, self.shelf, self.key, self.study)
                seconds = provenance.read_run(place.report).get("chapters", {})
                self._execute(staged / SCRATCH, seconds, self.binder.prepare)
                executed = [self.executed[chapter.slug] for chapter in self.chapters]
                _check_twice(staged / SCRATCH, self.study, self.chapters)
                kept = assemble(self.binder, inputs, environment, how)
                if self.first is not None:
                    _check_same_numbers(self.first, staged)
                require_nobody(staged, self.study)
                ended = datetime.now(UTC)
                reused = tuple(e.source.slug for e in executed if e.reused)
                read = {"cut_file": file.path, **({"template": how.template} if how.template else {})}
                facts = {
                    **{n: provenance.seen_from(place.report, file.root, p) for n, p in read.items()},
                    "kept_from_record": kept,
                    "reused": list(reused),
                    "started": begun.isoformat(timespec="seconds"),
                    "ended": ended.isoformat(timespec="seconds"),
                    "seconds": round((ended - begun).total_seconds(), 1),
                    "chapters": {e.source.slug: round(e.seconds, 2) for e in executed},
                }
                record = provenance.record_of(
                    file,
                    self.study.protocol.id,
                    inputs=inputs,
                    environment=environment,
                    outputs=provenance.output_hashes(staged),
                )
                provenance.write(facts, staged, name=provenance.RUN)
                provenance.write(record, staged)
                unsigned = keep_signature(place.report, staged)
                folder = publish(staged, place)
            except (RunError, OSError) as error:
                self._give_up_if_stopped(staged)
                said = what_failed(error, staged) if isinstance(error, OSError) else str(error).rstrip(".")
                reason = f"{said}. {_kept(staged, place, said)}; nothing was published."
                raise RunError(reason) from (None if isinstance(error, RunError) else error)
            except Exception as error:
                self._give_up_if_stopped(staged)
                _kept(staged, place, f"{type(error).__name__}: {error}")
                raise
            except BaseException:
                shutil.rmtree(staged, ignore_errors=True)
                raise
            warnings = tuple(warning for each in executed for warning in warnings_of(each, file))
            warnings += tuple(untranslated(folder))
            forget_failed(place.outputs, place.name)
            self.shelf.note(report_key(self.keys, how), folder, warnings)
        if unsigned:
            lost = (
                f"{folder}: the earlier report was signed, this one is not: read it, and sign it by esld sign"
            )
            warnings = (*warnings, lost)
        warnings = (*warnings, *self._renewed())
        return Published(file.name, folder / "index.html", (ended - begun).total_seconds(), warnings, reused)

    def alone(self, asked: Sequence[str], folder: Path) -> Published:
        """Check, execute some chapters and what they read, and write their pages, which are no report.

        Parameters
        ----------
        asked : sequence of str
            The chapters.
        folder : Path
            That of the cut in which an editor's chapters write too. The pages go into its folder ``pages``.

        Raises
        ------
        esld.errors.RunError
            What is to be written cannot be, too.
        """
        with _said("no page was made"):
            return self._alone(asked, folder)

    def _alone(self, asked: Sequence[str], folder: Path) -> Published:
        begun = perf_counter()
        self._check()
        needed = needed_for(asked, [chapter.slug for chapter in self.chapters])
        self.chapters = [chapter for chapter in self.chapters if chapter.slug in needed]
        pages = folder / "pages"
        shutil.rmtree(pages, ignore_errors=True)
        pages.mkdir(parents=True)
        self.binder = Binder(pages, pages, needed, self.shelf, self.key, self.study, scratch=folder)
        try:
            self._execute(folder, {}, lambda: None)
        finally:  # what is fit to be read lies among the pages, and the error names the line
            for slug in needed:
                (folder / f"{slug}.ipynb").unlink(missing_ok=True)
            shutil.rmtree(folder / "work", ignore_errors=True)
        if missing := [slug for slug in needed if slug not in self.binder.chapters]:
            raise RunError(f"chapter {missing[0]} handed over no result and no answer.")
        for slug in needed:
            leave_mark(self.file, slug, folder)
        shown = [self.binder.chapters[slug] for slug in needed]
        titles = {
            name: str(record["title"])
            for own in gather(folder, needed).exhibits.values()
            for name, record in own.items()
        }
        render_alone(masthead_of(self.study), shown, self.binder.bodies, pages, titles=titles)
        done = [self.executed[slug] for slug in needed]
        warnings = tuple(warning for each in done for warning in warnings_of(each, self.file))
        warnings = (*warnings, *self._renewed())
        reused = tuple(each.source.slug for each in done if each.reused)
        own = tuple(pages / f"{slug}.html" for slug in needed if slug in asked)
        return Published(self.file.name, own[0], perf_counter() - begun, warnings, reused, pages=own)

    def _check(self) -> Place:
        """Find what is wrong before any kernel starts; where the report has its place."""
        check_fonts()
        file = self.file
        self.key = cut_key(file)
        self.chapters = read_chapters(file)
        if faults := unfit(file, {chapter.slug: chapter.parameters for chapter in self.chapters}):
            raise InputErrors(faults)
        try:
            place = place_of(file, self.desk.how.outputs, self.desk.how.template)
        except InputError:
            load_study(file)  # what is wrong with the data is told before what is wrong with the previous cut
            raise
        self.study = in_language(stored_study(file))
        set_reader(reader_of(self.study))  # this thread makes the pages of this cut
        check_unblinding(self.study)
        self.chapters = [fitted(chapter, self.study) for chapter in self.chapters]
        return place

    def _give_up_if_stopped(self, staged: Path) -> None:
        """Keep nothing of a run that failed because its kernels were taken away, or no more could be asked for.

        Raises
        ------
        esld.errors.RunError
            The command was stopped.
        """
        if self.desk.stopped:
            shutil.rmtree(staged, ignore_errors=True)
            raise RunError(f"cut {self.file.name} was stopped.")

    def _execute(self, scratch: Path, seconds: Mapping[str, float], meanwhile: Callable[[], None]) -> None:
        """Every chapter, the longest first as far as an earlier run tells; what has not changed is taken from the shelf.

        `meanwhile` is called when those have ended that read no others, and these run.
        """
        prepare_run_folder(scratch, self.file)
        for part in PARTS:
            (scratch / part).mkdir(exist_ok=True)
        kernel = self.desk.kernels.of_run(scratch)
        try:
            for wave in waves(self.chapters, lambda chapter: chapter.slug):
                read = [(slug, _handed_digest(scratch, slug)) for slug in sorted(self.executed)]
                for chapter in wave:
                    self.keys[chapter.slug] = chapter_key(
                        chapter.slug,
                        chapter.digest,
                        values_for(chapter.slug, self.file),
                        self.key,
                        read,
                    )
                taken = [done for chapter in wave if (done := self._taken(chapter, scratch))]
                slugs = {done.source.slug for done in taken}
                to_run = [chapter for chapter in wave if chapter.slug not in slugs]
                to_run.sort(key=lambda chapter: seconds.get(chapter.slug, chapter.cells / 10), reverse=True)
                running = {
                    self.desk.submit(chapter, self.file, kernel=kernel, scratch=scratch): chapter.slug
                    for chapter in to_run
                }
                for done in taken:  # rendered while the others run
                    self._done(done)
                if read:
                    meanwhile()
                failures: dict[str, RunError] = {}
                for future in as_completed(running):
                    slug = running[future]
                    try:
                        self._done(future.result())
                    except RunError as error:
                        failures[slug] = error
                if failures:
                    told = (str(failures[slug]).rstrip(".") for slug in sorted(failures))
                    raise RunError("; ".join(told))
        finally:
            self._keep(scratch)

    def _taken(self, chapter: ChapterSource, scratch: Path) -> Executed | None:
        """What a chapter gave in an earlier run, if it is kept."""
        slug = chapter.slug
        found = None if self.desk.how.force else self.shelf.take(slug, self.keys[slug], scratch)
        if found is None:
            views = self.shelf.views(slug)
            self.other_views |= set() if self.file.cut.view in views else views
            return None
        self.desk.tell(Event(self.file.name, slug, "reused", found.seconds, chapter.cells, chapter.cells))
        return Executed(chapter, found.notebook, found.seconds, found.stderr, reused=True)

    def _renewed(self) -> list[str]:
        """In a line that what was kept of another view was of no use."""
        if not self.other_views or self.desk.how.force:
            return []
        kept = " and ".join(sorted(self.other_views))
        return [
            f"cut {self.file.id} is {self.file.cut.view} now: what was kept of its {kept} chapters was not used, they were "
            "executed again"
        ]

    def _done(self, executed: Executed) -> None:
        self.executed[executed.source.slug] = executed
        self.binder.add(executed)

    def _keep(self, scratch: Path) -> None:
        """Put what was executed on the shelf, of a run that failed too; nothing of inputs that have changed.

        Raises
        ------
        esld.errors.RunError
            What was read before the keys were made is not what the chapters read after it.
        """
        file = self.file
        try:
            same = read_cut(file.path).cut == file.cut and cut_key(file) == self.key
            same = same and all(
                source_digest(chapter.path, file.language) == chapter.digest for chapter in self.chapters
            )
        except (InputError, RefusedError, OSError):
            same = False
        if not same:
            raise RunError(f"the inputs of cut {file.id} changed while it ran; run it again.")
        for slug, done in self.executed.items():
            if not done.reused and code_as_loaded():
                kept = Kept(done.content, done.stderr, done.seconds)
                self.shelf.keep(slug, self.keys[slug], scratch, kept, view=file.cut.view)


@contextmanager
def _said(end: str) -> Iterator[None]:
    """What the system refuses in one line: of a check, or of the folder that is written in."""
    try:
        yield
    except OSError as error:
        raise RunError(f"{what_failed(error)}; {end}.") from error


def _check_same_numbers(first: Path, staged: Path) -> None:
    """The results of a report in another language must be the same file; numbers that differ by no more than the tolerance are.

    Raises
    ------
    esld.errors.RunError
        They are others: a language would have changed a number.
    """
    keep_recorded(first, staged, RESULTS)
    one, other = ((folder / RESULTS).read_bytes() for folder in (first, staged))
    if one != other:
        raise RunError(f"the results differ from those of {first.name}: {difference(RESULTS, one, other)}")


def untranslated(report: Path) -> list[str]:
    """How many texts of a report stand in another language than the rest, in one line; none where there is none."""
    pages = (unescape(page.read_text(encoding="utf-8")) for page in sorted(report.glob("*.html")))
    found = list(dict.fromkeys(text for page in pages for text in untranslated_in(page)))
    shown = "; ".join(f"{' '.join(text.split()):.60}" for text in found[:3])
    said = "1 text is" if len(found) == 1 else f"{len(found)} texts are"
    return [f"{said} not translated, and in English between ⟦ and ⟧: {shown}"] if found else []


def _kept(staged: Path, place: Place, reason: str) -> str:
    """Where a failed run is kept; on a full disk it may not be."""
    try:
        return f"The run is kept in {keep_failed(staged, place, reason)}"
    except OSError as error:
        shutil.rmtree(staged, ignore_errors=True)
        return f"The run could not be kept ({error.strerror})"


def _handed_digest(scratch: Path, slug: str) -> str:
    path = scratch / "chapters" / f"{slug}.json"
    return sha256(path) if path.is_file() else ""


def place_of(file: CutFile, outputs: Path | None = None, template: Path | None = None) -> Place:
    """Where the report of a cut is published; nothing is touched.

    Parameters
    ----------
    file : CutFile
        The cut.
    outputs : Path, optional
        Folder of published reports; ``outputs/`` of the cut's working copy by default.
    template : Path, optional
        Word template of the report, which must not lie where it is published.

    Returns
    -------
    Place

    Raises
    ------
    esld.errors.InputError
        The protocol or a previous cut is refused, or this user cannot write there.
    esld.errors.RefusedError
        Something stands there that no run of the same cut, trial and view made, or the cut is made from it.
    """
    edition = file.name.removeprefix(file.id).lstrip(".")
    trial = read_protocol(file.protocol_path).id
    place = Place(outputs_folder(file, outputs), file.id, trial, file.cut.view, edition)
    place.check([*file.inputs, *([template] if template else [])])
    return place


def _check_twice(scratch: Path, study: Study, chapters: Sequence[ChapterSource]) -> None:
    """The main results must be those of another program; the chapter that shows them has asked already, where it ran."""
    slugs = [chapter.slug for chapter in chapters]
    if VALIDATION not in slugs:
        from esld.report.validation import double_programming  # another implementation of the statistics

        handed = gather(scratch, slugs).rows
        rows = Reported(tuple(disclosure.unprotected(handed) if study.cut.published else handed))
        double_programming.require_agreement(double_programming.pairs(study, rows))
