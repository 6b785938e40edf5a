"""The proof that a published report is what its inputs give: it is made again, and every file is compared.

Hashes alone prove nothing against somebody who alters a report and hashes it anew. So the chapters of the working copy are
executed through nbval, pages, Word, tables and figures are made of what they give, and each published file must be, to the
byte, the one that was made. Notebooks and ``results.json`` may differ as a run over a record lets them, by pixels and numbers
within the tolerance of :mod:`esld.pipeline.agreement`, and that is told. ``run.json`` is of one run and is not compared.
Nothing that an earlier run kept is used.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import nbformat

from esld.data.cutfile import CutFile, Language, previous_cut, read_cut
from esld.data.store import is_as_made
from esld.data.study import Study, load_study
from esld.errors import InputError, RefusedError, RunError, did_you_mean
from esld.pipeline import paper, provenance
from esld.pipeline.agreement import files_agree, row_differences
from esld.pipeline.assemble import Binder, assemble
from esld.pipeline.chapters import ChapterSource, needed_for, read_chapters
from esld.pipeline.difference import difference
from esld.pipeline.execution import Executed, notebook_bytes
from esld.pipeline.handed_over import gather
from esld.pipeline.how import How
from esld.pipeline.provenance import PROVENANCE
from esld.pipeline.publish import RESULTS
from esld.pipeline.reexecution import reexecute
from esld.pipeline.reuse import Shelf
from esld.pipeline.sections import fitted
from esld.pipeline.signature import Signed, signature_of
from esld.pipeline.temporary import temporary_folder
from esld.report.phrases import in_language, reader_of
from esld.report.results import Row, read_rows, rows_text, write_rows
from esld.report.words.catalogue import set_reader

# What verification proves and what it does not, for whoever reads its output.
PROVES = (
    "Verified means that these inputs, chapters and versions give every file of the report again, whoever made it. It does not "
    "say who that was, nor that inputs and report were not replaced together: a signature does (esld sign)."
)
_MADE_BY_CHAPTERS = (".csv", ".svg", ".png")


@dataclass(frozen=True)
class Verdict:
    """What verification found.

    Attributes
    ----------
    faults : tuple of str
        A line each; none means that the report stands.
    chapters, results, files : int
        How many were executed, and compared.
    notes : tuple of str
        What else is to be known, a line each.
    signed : Signed
        What is known of the report's signature.
    """

    faults: tuple[str, ...]
    chapters: int = 0
    results: int = 0
    files: int = 0
    notes: tuple[str, ...] = ()
    signed: Signed = field(default_factory=Signed)


@dataclass(frozen=True)
class Remade:
    """A report made again.

    Attributes
    ----------
    folder : Path
        Its files, or those that chapters made where some were asked for alone.
    whole : bool
        Whether all were asked for.
    chapters : sequence of str
        Which those are.
    rows : sequence of Row
        What the chapters handed over.
    faults : tuple of str
        What differed while they were executed, a line each.
    why_not : str
        Why there is nothing to compare; empty where there is.
    """

    folder: Path
    whole: bool
    chapters: Sequence[str]
    rows: Sequence[Row] = ()
    faults: tuple[str, ...] = ()
    why_not: str = ""


def verify_report(
    folder: Path, how: How | None = None, chapters: Sequence[str] = (), *, key: Path | None = None
) -> Verdict:
    """Check a published report against its inputs.

    Parameters
    ----------
    folder : Path
        ``outputs/<cut>``.
    how : How, optional
        How many chapters at once, and for how long.
    chapters : sequence of str, optional
        Those to execute, with what they read; all by default. Of some, their notebooks, tables, figures and results are
        compared, and no page is made.
    key : Path, optional
        Public key by which the report must be signed.

    Returns
    -------
    Verdict
        Inputs and published files whose hash is not the recorded one, what the record says otherwise than it is, cells whose
        outputs differ when re-executed, results that differ beyond the tolerance, and files that are made otherwise.

    Raises
    ------
    esld.errors.InputError
        The folder holds no published report, or not of such a chapter, the cut's file is gone, or the key is none.
    """
    record, signed = provenance.read(folder), signature_of(folder, key)
    file = cut_of(folder, record)
    sources = read_chapters(file)
    slugs = [source.slug for source in sources]
    for slug in chapters:
        if slug not in slugs:
            remedy = did_you_mean(slug, slugs)
            raise InputError("--chapter", "must be a chapter of the report", slug, str(folder), remedy)
    template = provenance.template_of(folder, record["inputs"])
    how = replace(how or How(), pdf=paper.PDF in record["outputs"], template=template)
    if how.pdf:
        paper.require_pdf(file.language)
    inputs = provenance.input_hashes(file, sources, template)
    try:
        made = load_study(file)
    except (InputError, RefusedError) as error:
        changed = [*_hash_faults("input", record["inputs"], inputs)]
        if not changed:
            raise
        changed += _hash_faults("published file", record["outputs"], provenance.output_hashes(folder))
        return Verdict((*signed.faults, *changed, *str(error).splitlines()), signed=signed)
    study = in_language(made)
    set_reader(reader_of(study))
    sources = [fitted(source, study) for source in sources]
    if chapters:
        needed = needed_for(chapters, slugs)
        sources = [source for source in sources if source.slug in needed]
    with temporary_folder() as work:
        remade = remake(folder, study, inputs, sources, work, how, whole=not chapters)
        verdict = compare(folder, study, inputs, remade)
    faults = (*signed.faults, *_kept_faults(made), *verdict.faults)
    return replace(verdict, faults=faults, chapters=len(sources), signed=signed)


def remake(
    folder: Path,
    study: Study,
    inputs: Mapping[str, str],
    sources: Sequence[ChapterSource],
    work: Path,
    how: How,
    *,
    whole: bool,
) -> Remade:
    """Execute chapters through nbval, and make the report of what they give.

    Parameters
    ----------
    folder : Path
        The published report, with whose notebooks each cell is compared.
    study : Study
        What it is about.
    inputs : dict of str to str
        Hashes of what it is made from.
    sources : sequence of ChapterSource
        Chapters to execute, as the study can fill them.
    work : Path
        Empty folder to work in.
    how : How
        How many at once, for how long, whether a PDF is made, and by which Word template.
    whole : bool
        Whether these are all chapters, so that there are pages.
    """
    made, scratch = work / "made", work / "run"
    for each in (made, work / "nbval"):
        each.mkdir()
    again = reexecute(sources, folder / "notebooks", study.file, work / "nbval", scratch, how)
    slugs = [source.slug for source in sources]
    try:
        if broken := [slug for slug in slugs if slug not in again.notebooks]:
            raise RunError(f"chapter {broken[0]} did not come to its end.")
        handed = gather(scratch, slugs)
        if whole:
            binder = Binder(made, folder, slugs, Shelf(work / "kept"), "", study, scratch=scratch)
            for source in sources:
                binder.add(Executed(source, again.notebooks[source.slug], 0.0, ""))
            assemble(binder, inputs, provenance.environment(study.file.root), how)
        else:
            (made / "notebooks").mkdir()
            for path in (scratch / f"{name}{kind}" for name in handed.files for kind in _MADE_BY_CHAPTERS):
                if path.is_file():
                    (made / path.parent.name).mkdir(exist_ok=True)
                    shutil.copy(path, made / path.parent.name)
        for (
            slug,
            content,
        ) in again.notebooks.items():  # as executed here; pages are made of published ones that agree
            (made / "notebooks" / f"{slug}.ipynb").write_bytes(content)
        write_rows(handed.rows, made / RESULTS)
    except RunError as error:
        why = f"the files were not compared: {str(error).rstrip('.')}"
        return Remade(made, whole, slugs, faults=again.faults, why_not=why)
    return Remade(made, whole, slugs, handed.rows, again.faults)


def compare(folder: Path, study: Study, inputs: Mapping[str, str], remade: Remade) -> Verdict:
    """Compare a published report, file by file and with its own record, with the one that was made again.

    Parameters
    ----------
    folder : Path
        The published report.
    study : Study
        What it is about.
    inputs : dict of str to str
        Hashes of what it is made from, as they are now.
    remade : Remade
        The report that they give.
    """
    record, published = provenance.read(folder), provenance.output_hashes(folder)
    changed = _hash_faults("published file", record["outputs"], published)
    faults = [*_record_faults(folder, record, study, inputs, published)]
    faults += [*_hash_faults("input", record["inputs"], inputs), *changed, *remade.faults]
    if remade.why_not:
        return Verdict((*faults, remade.why_not))
    try:
        results = [
            row for row in read_rows(folder / RESULTS) if remade.whole or row.chapter in remade.chapters
        ]
        faults += [f"result {line}" for line in row_differences(results, remade.rows)]
    except InputError:
        results = []
        faults.append(f"{RESULTS} cannot be read")
    made = provenance.output_hashes(remade.folder)
    told = {
        name
        for name in {*record["outputs"], *published}
        if record["outputs"].get(name) != published.get(name)
    }
    names = {*made, *published} if remade.whole else {*made} - {RESULTS}
    notes = (
        [] if remade.whole else ["pages, Word and all else were not compared: leave out --chapter for these"]
    )
    for name in sorted(names - told):
        if name not in made:
            faults.append(f"{name} is no file of this report")
        elif name not in published:
            faults.append(f"{name} is missing, and is part of this report")
        elif made[name] != published[name]:
            if _agree(folder / name, remade.folder / name, name):
                notes.append(f"{name} differs, within the tolerance for numbers and pixels")
                continue
            what = difference(name, (folder / name).read_bytes(), (remade.folder / name).read_bytes())
            faults.append(f"{name} is not what its inputs give: {what}")
    return Verdict(tuple(faults), 0, len(results), len(names), tuple(notes))


def _agree(recorded: Path, found: Path, name: str) -> bool:
    """Whether a notebook, or the results, differ by no more than the tolerance, and are written as a run writes them."""
    if not (name == RESULTS or name.startswith("notebooks/")) or not files_agree(recorded, found):
        return False
    if name == RESULTS:
        return rows_text(read_rows(recorded)).encode() == recorded.read_bytes()
    return notebook_bytes(nbformat.read(recorded, as_version=4)) == recorded.read_bytes()


def _hash_faults(what: str, recorded: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    """A line a file that is missing, new or changed."""
    for name in sorted(set(recorded) | set(found)):
        if name not in found:
            yield f"{what} {name} is missing"
        elif name not in recorded:
            yield f"{what} {name} was not there when the report was made"
        elif recorded[name] != found[name]:
            yield f"{what} {name} has changed since the report was made"


def _record_faults(
    folder: Path,
    record: Mapping[str, Any],
    study: Study,
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
) -> Iterator[str]:
    """A line a thing that ``provenance.json`` says otherwise than it is, but for the hashes of files."""
    environment = provenance.environment(study.file.root)
    right = provenance.record_of(
        study.file, study.protocol.id, inputs=inputs, environment=environment, outputs=outputs
    )
    apart = {"inputs", "outputs", "environment"}
    for key in sorted({*record, *right} - apart):
        if record.get(key) != right.get(key):
            yield f"{PROVENANCE}: {key} recorded {record.get(key)!r:.120}, found {right.get(key)!r}"
    old, new = _versions(record.get("environment")), _versions(environment)
    told = [
        f"{name} {old.get(name, 'none'):.20}, here {new.get(name, 'none'):.20}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
    if told:
        remedy = "Verify with what it was made with, or make it again with esld run"
        yield f"{PROVENANCE}: made with {'; '.join(told)}: bytes may differ for that alone. {remedy}"
    elif record == right and (folder / PROVENANCE).read_bytes() != provenance.as_written(right):
        yield f"{PROVENANCE} is not written as a run writes it"


def _versions(environment: object) -> dict[str, str]:
    """What a report was made with, each as text."""
    whole = environment if isinstance(environment, dict) else {}
    packages = whole.get("packages")
    flat = {**whole, **(packages if isinstance(packages, dict) else {}), "packages": type(packages).__name__}
    return {str(name): str(value) for name, value in flat.items()}


def _kept_faults(study: Study) -> Iterator[str]:
    """Chapters read the study that a run has kept: it must be the one that was just made, and so the previous cut's."""
    studies = [study]
    with suppress(InputError, RefusedError):  # one that is refused is not read
        if (previous := previous_cut(study.file)) is not None:
            studies.append(load_study(previous))
    for each in studies:
        if not is_as_made(each):
            yield f"what outputs/.cache keeps of cut {each.file.id} is not what its inputs give; delete that folder"


def cut_of(folder: Path, record: Mapping[str, Any]) -> CutFile:
    """The cut's file in the working copy around a published folder, or else where it was when it ran."""
    around = (root / "params" / f"{record['cut']}.yaml" for root in folder.resolve().parents)
    found = next((path for path in around if path.is_file()), None)
    if found := found or provenance.told_by_run(folder, "cut_file"):
        file = read_cut(found)
        editions = file.editions(
            get_args(Language)
        )  # a language that no report has is told with the rest of the record
        return next((one for one in editions if one.language == record.get("language")), file)
    remedy = "Restore the working copy."
    raise InputError(
        f"cut {record['cut']}", "must still have its file in params/", str(folder / PROVENANCE), remedy=remedy
    )
