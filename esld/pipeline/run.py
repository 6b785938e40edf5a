"""From cut files to published reports: what stands is left, the rest is made.

Nothing is imported here that a cut of which nothing has changed does not need.
"""

from collections.abc import Generator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack
from functools import partial
from itertools import groupby
from time import perf_counter

from esld.data.cutfile import CutFile
from esld.errors import InputError, RefusedError, RunError, did_you_mean
from esld.pipeline.chapters import source_digest, values_for, waves
from esld.pipeline.how import How, Published, outputs_folder
from esld.pipeline.kernels import kernels
from esld.pipeline.reuse import Shelf, chapter_key, cut_key, report_key
from esld.pipeline.watch import Listener, nobody

Outcome = Published | InputError | RefusedError | RunError


def run_cuts(
    files: Sequence[CutFile], how: How | None = None, *, listen: Listener = nobody
) -> Generator[Outcome, None, None]:
    """Make the reports of cuts, each all or nothing, and go on with the others where one cannot be made.

    A chapter whose source, parameters, data, package and lock are what they were is not executed again. A report of
    which that holds for every chapter, and whose files are what they were, is left as it stands.

    Parameters
    ----------
    files : sequence of CutFile
        The cuts, those of one in several languages side by side.
    how : How, optional
        Where and how.
    listen : callable
        Told of each chapter that starts, goes on or ends; see :class:`esld.pipeline.watch.Event`.

    Yields
    ------
    Published or exception
        Of each cut and language, in their order, but of a cut nothing after what could not be made; the exceptions are those
        that :func:`run_cut` raises.
    """
    how = how or How()
    with ExitStack() as stack:
        made: list[list[Published] | Future[list[Outcome]]] = []
        started = desk = None
        for _, same in groupby(files, lambda file: file.path):
            editions = [*same]
            asked = [] if how.force else editions
            stand = {one.cut: one for file in asked if (one := _standing(file, how)) is not None}
            if len(stand) == len(editions):
                made.append([*stand.values()])
                continue
            started = started or stack.enter_context(kernels())  # at work while the rest is imported
            from esld.pipeline.desk import open_desk
            from esld.pipeline.making import in_each_language

            desk = desk or stack.enter_context(open_desk(how, started, listen))
            made.append(desk.make(partial(in_each_language, editions, stand, desk)))
        for outcomes in made:
            yield from outcomes if isinstance(outcomes, list) else outcomes.result()


def run_cut(file: CutFile, how: How | None = None, *, listen: Listener = nobody) -> Published:
    """Make the report of one cut; see :func:`run_cuts`.

    Raises
    ------
    esld.errors.InputError
        The cut, its chapters or its data are faulty, or no PDF can be made: found before any kernel starts.
    esld.errors.RefusedError
        The cut is locked by another run, or something stands in its place that no run of it made.
    esld.errors.RunError
        A chapter failed; the published report is untouched and the failed run kept under ``.failed``.
    """
    (outcome,) = run_cuts([file], how, listen=listen)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def run_chapters(
    file: CutFile, asked: Sequence[str], how: How | None = None, *, listen: Listener = nobody
) -> Published:
    """Execute chapters of a cut, and those that they read, and write their pages into ``outputs/lab/<cut>/pages``.

    A published report is not touched: half of one would be none. What they hand over lies in the folder in which an editor's
    chapters write, so that one that reads others finds it there.

    Raises
    ------
    esld.errors.InputError
        The cut has no such chapter, or see :func:`run_cut`.
    esld.errors.RefusedError
        Somebody's report, or a link, is in the place of that folder.
    esld.errors.RunError
        A chapter failed.
    """
    for slug in asked:
        if slug not in file.cut.chapters:
            remedy = did_you_mean(slug, file.cut.chapters)
            raise InputError("--chapter", "must be a chapter of the cut", slug, file.path.name, remedy)
    from esld.pipeline.desk import open_desk
    from esld.pipeline.making import Making
    from esld.targets import report_record

    how, folder = how or How(), file.root / "outputs" / "lab" / file.name
    if folder.is_symlink() or report_record(folder):
        raise RefusedError(f"{folder} is somebody's link or report; move it away.")
    with kernels() as started, open_desk(how, started, listen) as desk:
        return desk.make(lambda: Making(file, desk).alone(asked, folder)).result()


def _standing(file: CutFile, how: How) -> Published | None:
    """The published report, if nothing that it is made from, and nothing that it consists of, has changed."""
    begun = perf_counter()
    folder, shelf = file.root / "notebooks", Shelf.of(file)
    keys: dict[str, str] = {}
    handed: dict[str, str] = {}
    try:
        study = cut_key(file)
        for wave in waves(sorted(file.cut.chapters), str):
            read = sorted(handed.items())
            for slug in wave:
                source = source_digest(folder / f"{slug}.py", file.language)
                keys[slug] = chapter_key(slug, source, values_for(slug, file), study, read)
            for slug in wave:
                if (found := shelf.handed_over(slug, keys[slug])) is None:
                    return None
                handed[slug] = found
    except (OSError, InputError, RefusedError):
        return None  # the run itself says what is wrong
    report = outputs_folder(file, how.outputs) / file.name
    if (warnings := shelf.stands(report_key(keys, how), report)) is None:
        return None
    if (report.parent / ".failed" / file.name).is_dir():
        from esld.pipeline.publish import forget_failed

        forget_failed(report.parent, file.name)
    return Published(
        file.name, report / "index.html", perf_counter() - begun, warnings, tuple(sorted(keys)), stands=True
    )
