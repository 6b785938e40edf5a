"""One cut from file to published report: check, execute, gather, render, record, publish."""

import json
import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat

from esld.allocation.disclosed import FILE as LEDGER_FILE
from esld.allocation.disclosed import read_disclosed
from esld.data.study import CutFile, Study, load_study, read_cut, seen_tables
from esld.errors import InputError, RunError
from esld.pipeline import paper, provenance, render, word
from esld.pipeline.agreement import keep_recorded
from esld.pipeline.chapters import ChapterSource, read_chapters, values_for, waves
from esld.pipeline.kernels import Executed, execute, kernel_environment, write_notebook
from esld.pipeline.publish import SCRATCH, Place, keep_failed, locked, publish, staging_folder
from esld.protocol import read_protocol
from esld.report import double_programming
from esld.report.chapter import VALIDATION, prepare_run_folder
from esld.report.front import front_page
from esld.report.ledger import ledger_of
from esld.report.results import Reported, Row, write_rows
from esld.report.tables import Table

WORKERS = 2


@dataclass(frozen=True)
class Published:
    """A published report."""

    cut: str
    index: Path
    seconds: float
    warnings: tuple[str, ...]


def run_cut(
    file: CutFile,
    *,
    outputs: Path | None = None,
    pdf: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Published:
    """Run every chapter of a cut and publish the report.

    Parameters
    ----------
    file : CutFile
        The cut.
    outputs : Path, optional
        Folder of published reports; ``outputs/`` of the cut's working copy by default.
    pdf : bool
        Whether to make the whole report as a PDF as well.
    on_progress : callable
        Called with the number of code cells done and in all.

    Returns
    -------
    Published

    Raises
    ------
    esld.errors.InputError
        The cut, its chapters or its data are faulty, or no PDF can be made: found before any kernel starts.
    esld.errors.RefusedError
        The cut is locked by another run, or something stands in its place that no run of it made.
    esld.errors.RunError
        A chapter failed; the published report is untouched and the failed run kept under ``.failed``.
    """
    begun = datetime.now(UTC)
    if pdf:
        paper.require_pdf()
    chapters = read_chapters(file)
    study = load_study(file)
    ledger_of(study)  # an export that cannot be read is found before any kernel starts
    _check_unblinding(study)
    place = place_of(file, outputs)
    inputs = provenance.input_hashes(file, chapters)
    environment = provenance.environment(file.root)
    with locked(place):
        staged = staging_folder(place)
        try:
            executed = _execute_all(chapters, file, staged, on_progress)
            _check_unchanged(file, study, chapters, inputs)
            _check_twice(staged / SCRATCH, study, chapters)
            kept = _assemble(staged, place.report, executed, study, inputs, environment, pdf)
            ended = datetime.now(UTC)
            facts = {
                "cut_file": str(file.path),
                "kept_from_record": kept,
                "started": begun.isoformat(timespec="seconds"),
                "ended": ended.isoformat(timespec="seconds"),
                "seconds": round((ended - begun).total_seconds(), 1),
                "chapters": {e.source.slug: round(e.seconds, 2) for e in executed},
            }
            record = {
                "cut": file.id,
                "trial": study.protocol.id,
                "view": file.cut.view,
                "inputs": inputs,
                "environment": environment,
                "outputs": provenance.output_hashes(staged),
            }
            provenance.write(facts, staged, name=provenance.RUN)
            provenance.write(record, staged)
            folder = publish(staged, place)
        except (RunError, OSError) as error:
            failed = keep_failed(staged, place, str(error))
            reason = f"{str(error).rstrip('.')}. The run is kept in {failed}; nothing was published."
            raise RunError(reason) from (None if isinstance(error, RunError) else error)
        except Exception as error:
            keep_failed(staged, place, f"{type(error).__name__}: {error}")
            raise
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise
    warnings = tuple(f"{e.source.slug}: {' '.join(e.stderr.split())[:300]}" for e in executed if e.stderr)
    return Published(file.id, folder / "index.html", (ended - begun).total_seconds(), warnings)


def place_of(file: CutFile, outputs: Path | None = None) -> Place:
    """Where the report of a cut is published; nothing is touched.

    Parameters
    ----------
    file : CutFile
        The cut.
    outputs : Path, optional
        Folder of published reports; ``outputs/`` of the cut's working copy by default.

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
    folder = Path(os.path.realpath(outputs or file.root / "outputs"))
    place = Place(folder, file.id, read_protocol(file.protocol_path).id, file.cut.view)
    place.check(file.inputs)
    return place


def _check_unblinding(study: Study) -> None:
    """An unblinded cut of a masked trial quotes the record by which its ledger was unmasked."""
    allocation, cut = study.protocol.allocation, study.cut
    if cut.view != "unblinded" or allocation is None or not allocation.masked:
        return
    rule, remedy = (
        "must quote the record of the unmasking",
        "Give the id that 'esld randomise export --unmask' printed.",
    )
    if not cut.unblinding:
        raise InputError("unblinding", rule, "none", study.file.path.name, remedy)
    path = study.file.data_path / LEDGER_FILE
    if not path.is_file():
        where = f"{LEDGER_FILE} is not beside the data"
        raise InputError(
            "unblinding", "must be found in the exported ledger", cut.unblinding, where, "Export it again."
        )
    if cut.unblinding not in {r.id for r in read_disclosed(path).records if r.kind == "unmasking"}:
        raise InputError("unblinding", rule, cut.unblinding, LEDGER_FILE, remedy)


def _check_twice(scratch: Path, study: Study, chapters: Sequence[ChapterSource]) -> None:
    """The main results must be those of another program; the chapter that shows them has asked already, where it ran."""
    slugs = [chapter.slug for chapter in chapters]
    if VALIDATION not in slugs:
        rows = Reported(tuple(gather(scratch, slugs).rows))
        double_programming.require_agreement(double_programming.pairs(study, rows))


def _check_unchanged(
    file: CutFile, study: Study, chapters: list[ChapterSource], inputs: Mapping[str, str]
) -> None:
    """What was read before the hashes were taken must be what the chapters read after it."""
    try:
        same = read_cut(file.path) == file and seen_tables(file)[1] == study.protocol
        same = same and provenance.input_hashes(file, chapters) == inputs
    except (InputError, OSError):
        same = False
    if not same:
        raise RunError(f"the inputs of cut {file.id} changed while it ran; run it again.")


def _execute_all(
    chapters: Sequence[ChapterSource], file: CutFile, staged: Path, on_progress: Callable[[int, int], None]
) -> list[Executed]:
    """Every chapter through papermill, a few at a time, in the run's own scratch folder."""
    total = sum(c.cell_type == "code" for chapter in chapters for c in chapter.notebook.cells) + len(chapters)
    done = 0
    one_at_a_time = threading.Lock()

    def advance() -> None:
        nonlocal done
        with one_at_a_time:
            done += 1
            on_progress(min(done, total), total)

    scratch = staged / SCRATCH
    prepare_run_folder(scratch, file.path.parent)
    on_progress(0, total)

    def one(chapter: ChapterSource) -> Executed:
        out, work = scratch / f"{chapter.slug}.ipynb", scratch / "work" / chapter.slug
        return execute(chapter, values_for(chapter, file), out=out, work=work, on_cell=advance)

    with kernel_environment(scratch), ThreadPoolExecutor(max_workers=min(WORKERS, len(chapters))) as pool:
        done_by = dict[str, Executed]()
        for wave in waves(chapters, lambda chapter: chapter.slug):
            futures = [pool.submit(one, chapter) for chapter in wave]
            try:
                done_by |= {future.result().source.slug: future.result() for future in futures}
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    return [done_by[chapter.slug] for chapter in chapters]


@dataclass(frozen=True)
class HandedOver:
    """What chapters handed over: results, answers by chapter, what each recorded file shows, and by chapter the
    records of its tables and figures in the order it showed them.
    """

    rows: list[Row]
    answers: dict[str, str]
    files: dict[str, str]
    exhibits: dict[str, dict[str, Any]]


def gather(scratch: Path, chapters: Sequence[str]) -> HandedOver:
    """What chapters handed over, in their order.

    Raises
    ------
    esld.errors.RunError
        Two chapters handed over a result, a table or a figure of the same id, or a chapter nothing at all.
    """
    rows: list[Row] = []
    answers: dict[str, str] = {}
    owners: dict[str, str] = {}
    files: dict[str, str] = {}
    exhibits: dict[str, dict[str, Any]] = {}
    for slug in chapters:
        path = scratch / "chapters" / f"{slug}.json"
        if not path.exists():
            raise RunError(f"chapter {slug} handed over no result and no answer.")
        content: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        answers[slug] = content["answer"]
        for name in content["files"]:
            if name in owners:
                raise RunError(f"chapters {owners[name]} and {slug} both write {name}; give one another id.")
            owners[name] = slug
        files |= content["files"]
        exhibits[slug] = content["exhibits"]
        rows += [Row(**record) for record in content["rows"]]
    ids = [row.result_id for row in rows]
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        raise RunError(f"results must have one id each; twice: {', '.join(twice[:5])}.")
    return HandedOver(rows, answers, files, exhibits)


def _assemble(
    staged: Path,
    published: Path,
    executed: Sequence[Executed],
    study: Study,
    inputs: Mapping[str, str],
    environment: Mapping[str, Any],
    pdf: bool,
) -> list[str]:
    """Everything of a report in its staged folder; the files kept as recorded."""
    scratch = staged / SCRATCH
    handed = gather(scratch, [e.source.slug for e in executed])
    (staged / "notebooks").mkdir()
    for chapter in executed:
        write_notebook(chapter.notebook, staged / "notebooks" / f"{chapter.source.slug}.ipynb")
    write_rows(handed.rows, staged / "results.json")
    for name in ("tables", "figures"):
        shutil.move(scratch / name, staged / name)
    kept = keep_recorded(published, staged)
    report = _report(staged, executed, handed, study, inputs, environment, pdf)
    render.render(report, staged)
    exhibits = {slug: _exhibits(own, staged) for slug, own in handed.exhibits.items()}
    word.write_word(report, exhibits, staged / word.WORD)
    if pdf:
        paper.write_pdf(staged / "report.html", staged / paper.PDF)
    shutil.rmtree(scratch)
    return kept


def _exhibits(records: Mapping[str, Any], staged: Path) -> list[word.Exhibit]:
    """Tables and figures of a chapter as they were recorded."""
    made: list[word.Exhibit] = []
    for name, record in records.items():
        if name.startswith("tables/"):
            made.append(Table.from_record(record))
        else:
            made.append(
                word.Figure(name.partition("/")[2], record["title"], record["alt"], staged / f"{name}.png")
            )
    return made


def _report(
    staged: Path,
    executed: Sequence[Executed],
    handed: HandedOver,
    study: Study,
    inputs: Mapping[str, str],
    environment: Mapping[str, Any],
    pdf: bool,
) -> render.Report:
    cut, protocol = study.cut, study.protocol
    tables = {name: title for name, title in handed.files.items() if name.startswith("tables/")}
    front = front_page(handed.rows, handed.answers, study)
    return render.Report(
        masthead=render.Masthead(
            trial_id=protocol.id,
            trial_title=protocol.short_title,
            cut_id=study.file.id,
            cut_title=cut.title,
            cutoff=cut.cutoff,
            status=cut.status,
            view=cut.view,
            simulated=cut.simulated,
            notice=cut.notice,
        ),
        question=protocol.question,
        answer=front.answer,
        cards=tuple(render.Card(c.label, c.value, c.detail, c.result_id) for c in front.cards),
        chapters=tuple(
            render.Chapter(
                slug=e.source.slug,
                title=e.source.title,
                question=e.source.question,
                answer=handed.answers[e.source.slug],
                notebook=nbformat.read(staged / "notebooks" / f"{e.source.slug}.ipynb", as_version=4),
            )
            for e in executed
        ),
        downloads=(
            ("report.html", "the whole report on one page, to send by mail"),
            *([(paper.PDF, "the same on paper")] if pdf else []),
            (word.WORD, "answers, tables and figures for a word processor"),
            ("results.json", f"all {len(handed.rows)} results in long form"),
            *((f"{name}.csv", title) for name, title in tables.items()),
        ),
        made_with=(
            ("Data export of", cut.snapshot),
            ("Inputs", f"{len(inputs)} files, SHA-256 {provenance.digest(dict(inputs))[:16]}…"),
            ("esld", f"{environment['esld']}, SHA-256 {environment['esld_sha256'][:16]}…"),
            ("Python", environment["python"]),
            *(
                (name, environment["packages"][name])
                for name in ("pandas", "scipy", "lifelines", "papermill")
            ),
        ),
        assumptions=tuple(protocol.assumptions()),
        diagram=render.Diagram(**asdict(front.diagram)) if front.diagram else None,
    )
