"""A data cut as its file describes it: read and checked, with the place of everything that it is made from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from esld.data import days
from esld.data.declared import Reading
from esld.data.pseudonyms import KEY_FILE, read_key
from esld.errors import InputError, RefusedError, did_you_mean
from esld.yamlfile import Misfit, MisfitError, read_model

View = Literal["unblinded", "masked", "blinded", "public"]
ALL = "ALL"  # code of the group of all patients: beside the arms, or instead of them
Language = Literal["en", "zh", "en-XA"]  # as BCP 47 has them
LEDGER = "ledger.json"  # as the trial office exports it, beside the tables
OVERRIDES = "overrides.yaml"  # the recorded corrections of an export
ANSWERS = "queries.yaml"  # the recorded answers to its queries
EXAMPLE = "example:"
# Names that no cut can have: its report would stand where JupyterLab's folders are, or is a device on Windows.
RESERVED = {
    "lab",
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10)),
}


def hides(view: View) -> bool:
    """Whether a view does not tell which arm is which."""
    return view in ("masked", "blinded")


def _iso_day(value: object) -> object:
    if not days.is_day(str(value)):
        raise ValueError("must be a calendar day written YYYY-MM-DD")
    return value


IsoDay = Annotated[str, BeforeValidator(_iso_day)]


def _path(value: str) -> str:
    """No system holds longer ones, and each tells it in another way and at another time."""
    if len(value) > 1000 or any(len(part.encode()) > 255 for part in value.split("/")):
        raise ValueError("must be a path of at most 1000 characters, and no name in it longer than 255 bytes")
    return value


PathText = Annotated[str, AfterValidator(_path)]


class Disclosure(BaseModel):
    """What a public report may say of small numbers; see :mod:`esld.report.disclosure`.

    ``minimum`` is the smallest number of patients of whom anything but an outcome is told. ``round_to`` is the number to whose
    multiples such counts are rounded, ``ages`` the years to whose multiples ages are, and ``days`` the fewest days between two
    points of a curve.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    minimum: Annotated[int, Field(ge=3)] = 5
    round_to: Annotated[int, Field(ge=3)] = 5
    ages: Annotated[int, Field(ge=2)] = 5
    days: Annotated[int, Field(ge=28)] = 90


class DataCut(Reading):
    """One file ``params/<cut>.yaml``: which trial, which export, up to which day, shown to whom.

    ``protocol`` is relative to the cut file. ``data`` is a path relative to the working copy's root, or
    ``example:<name>`` for one that travels in the package. Where the data are forms, ``mapping``, a path of the same
    kind, says how they become tables. ``parameters`` gives a chapter other values than its own, by chapter and name.
    ``unblinding`` quotes the ledger's record of the unmasking in an unblinded cut of a masked trial. ``overrides`` names
    the recorded corrections, ``answers`` the recorded answers to queries, and ``pseudonyms`` the key of the pseudonyms of a
    masked view (:mod:`esld.data.pseudonyms`), if they do not lie beside the data.

    ``encoding``, ``separator``, ``decimal``, ``dates`` and ``missing`` say how to read the export; see :class:`Reading`.

    ``languages`` are those of the report: one report in each, whole by itself. That in the first has the cut's id for its name,
    and each other one its language after it. ``en-XA`` is English with a mark on each letter that comes from the catalogue: what
    a page shows without marks is the trial's own, or is missing there. ``translations`` has the texts of this file in another
    language, by the language and the text.

    ``disclosure`` says what a public report may say of small numbers.

    ``previous`` is the id of an earlier cut whose file lies beside this one; ``previous_results`` is what its report
    gave, a ``results.json`` that was kept, relative to the cut file. Neither is looked for among the published
    reports: a report must not depend on which others happen to be there.
    """

    protocol: PathText
    data: PathText
    cutoff: IsoDay
    snapshot: IsoDay
    title: Annotated[str, Field(min_length=1)]
    status: Literal["draft", "final"]
    view: View
    chapters: Annotated[tuple[str, ...], Field(min_length=1)]
    mapping: PathText = ""
    overrides: PathText = ""
    answers: PathText = ""
    pseudonyms: PathText = ""
    unblinding: str = ""
    notice: str = ""
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = ("en",)
    translations: Annotated[dict[Literal["zh"], dict[str, str]], Field(default_factory=dict)]
    simulated: bool = False
    parameters: Annotated[dict[str, dict[str, Any]], Field(default_factory=dict)]
    previous: PathText = ""
    previous_results: PathText = ""
    disclosure: Disclosure | None = None

    @model_validator(mode="after")
    def _the_snapshot_holds_the_cutoff(self) -> Self:
        if self.cutoff > self.snapshot:
            rule = f"must not be after the snapshot {self.snapshot}"
            raise MisfitError([Misfit(("cutoff",), rule, self.cutoff, "Correct either date.")])
        return self

    @model_validator(mode="after")
    def _the_snapshot_was_made(self) -> Self:
        """A day later it may be elsewhere already."""
        today = days.today()
        if date.fromisoformat(self.snapshot) > today + timedelta(days=1):
            rule = f"must not be in the future: today is {today}"
            remedy = "Give the day on which the export was made, or set this machine's clock."
            raise MisfitError([Misfit(("snapshot",), rule, self.snapshot, remedy)])
        return self

    @model_validator(mode="after")
    def _languages_hold(self) -> Self:
        stale = {text for known in self.translations.values() for text in known} - {self.title, self.notice}
        if stale:
            rule, remedy = "must translate the title or the notice", "Translate the text as it is now."
            raise MisfitError([Misfit(("translations",), rule, min(stale), remedy)])
        if len(set(self.languages)) < len(self.languages):
            rule = "must be named once each"
            raise MisfitError(
                [Misfit(("languages",), rule, ", ".join(self.languages), "Remove the repeated.")]
            )
        return self

    @model_validator(mode="after")
    def _the_public_reads_what_is_final(self) -> Self:
        if self.view == "public" and self.status != "final":
            rule, remedy = "must be final in a public cut", "Publish the final analysis alone."
            raise MisfitError([Misfit(("status",), rule, self.status, remedy)])
        if self.view != "public" and self.disclosure is not None:
            rule, remedy = "must come with 'view: public'", "Take it out, or change the view."
            raise MisfitError([Misfit(("disclosure",), rule, self.view, remedy)])
        return self

    @property
    def hides(self) -> bool:
        """Whether the view does not tell which arm is which."""
        return hides(self.view)

    @property
    def published(self) -> Disclosure | None:
        """The rules of a public report; None in any other view."""
        return (self.disclosure or Disclosure()) if self.view == "public" else None


def is_english(language: str) -> bool:
    """Whether chapters and protocols are written in it: English, or what is made of it."""
    return language.partition("-")[0] == "en"


def prose_path(chapter: Path, language: str) -> Path | None:
    """Where the prose of a chapter in a language is; None for the one in which it is written."""
    return None if is_english(language) else chapter.parent / language / f"{chapter.stem}.yaml"


@dataclass(frozen=True)
class CutFile:
    """A cut with its place: ``id`` is the file's name, ``root`` the working copy it belongs to, ``language`` the reader's."""

    id: str
    path: Path
    root: Path
    cut: DataCut
    language: Language

    @property
    def name(self) -> str:
        """Of the report and its folder: the cut's id, and, but in its first language, the language."""
        return self.id if self.language == self.cut.languages[0] else f"{self.id}.{self.language}"

    def editions(self, languages: Sequence[Language] = ()) -> "list[CutFile]":
        """The cut for the readers of some languages, without any of all that it names."""
        return [replace(self, language=language) for language in languages or self.cut.languages]

    @property
    def protocol_path(self) -> Path:
        """The trial's file."""
        return self.path.parent / self.cut.protocol

    @property
    def protocol_files(self) -> tuple[Path, ...]:
        """The trial's file, and the one that it extends."""
        from esld.yamlfile import files_of

        try:
            return files_of(self.protocol_path)
        except InputError:  # whoever reads the protocol says so
            return (self.protocol_path,)

    @property
    def data_path(self) -> Path:
        """Folder or file of the export."""
        return self._place(self.cut.data)

    @property
    def data_folder(self) -> Path:
        """The folder of the export, or that in which its file lies."""
        return self.data_path if self.data_path.is_dir() else self.data_path.parent

    @property
    def ledger_path(self) -> Path:
        """The exported ledger of assignments, if there is one."""
        return ledger_beside(self.data_path)

    @property
    def mapping_path(self) -> Path | None:
        """The file that says how forms become tables; None where the data are tables, or forms that bring their own."""
        return self._place(self.cut.mapping) if self.cut.mapping else None

    @property
    def mapping_files(self) -> tuple[Path, ...]:
        """The mapping, and the dictionary that it names."""
        path = self.mapping_path
        if path is None:
            return ()
        from esld.data.mapping.model import files_of

        try:
            return files_of(path)
        except InputError:  # whoever reads the data says so
            return (path,)

    def _place(self, name: str) -> Path:
        if name.startswith(EXAMPLE):
            return Path(str(resources.files("esld.data"))) / "examples" / name.removeprefix(EXAMPLE)
        return self.root / name

    @property
    def reading(self) -> Reading:
        """How the export is to be read."""
        return Reading.model_validate(self.cut.model_dump(include=set(Reading.model_fields)))

    @property
    def alone(self) -> "CutFile":
        """The same without a previous cut."""
        return replace(self, cut=self.cut.model_copy(update={"previous": "", "previous_results": ""}))

    def is_of_same_export(self, other: "CutFile") -> bool:
        """Whether another cut is made from the same files in the same way, but for its dates."""
        made_from = ("protocol_path", "data_path", "overrides_path", "mapping_path", "reading")
        return all(getattr(self, name) == getattr(other, name) for name in made_from)

    @property
    def previous_results_path(self) -> Path | None:
        """The results kept of the previous cut; None where the cut file names none."""
        return self.path.parent / self.cut.previous_results if self.cut.previous_results else None

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Every file and folder that the cut is made from; nothing is written over or into them.

        Raises
        ------
        esld.errors.InputError, esld.errors.RefusedError
            See :func:`previous_cut`.
        """
        records = (self.overrides_path, self.answers_path, self.previous_results_path)
        own = (self.path, *self.protocol_files, self.data_path, *records, self.pseudonyms_path)
        before = previous_cut(self)
        named = (path for path in own if path is not None)
        return (*named, *self.mapping_files, *(before.inputs if before else ()))

    @property
    def overrides_path(self) -> Path | None:
        """File of the recorded corrections: the one that the cut names, else the one beside the data; none without."""
        if self.cut.overrides:
            return self.root / self.cut.overrides
        beside = overrides_beside(self.data_path)
        return beside if beside.is_file() else None

    @property
    def answers_path(self) -> Path | None:
        """File of the recorded answers to queries: the one that the cut names, else the one beside the data; none without."""
        if self.cut.answers:
            return self.root / self.cut.answers
        beside = answers_beside(self.data_path)
        return beside if beside.is_file() else None

    @property
    def pseudonyms_path(self) -> Path | None:
        """File of the key of a masked view: the one that the cut names, else the one beside the data; None in another view."""
        if self.cut.view != "masked":
            return None
        return self.root / self.cut.pseudonyms if self.cut.pseudonyms else self.data_folder / KEY_FILE


def languages_of(given: Sequence[str]) -> list[Language]:
    """Languages as they are asked for, one by one or with commas between them, each once.

    Raises
    ------
    esld.errors.InputError
        There are no reports in one.
    """
    known = {language.casefold(): language for language in get_args(Language)}
    asked = dict.fromkeys(one.strip().casefold() for text in given for one in text.split(","))
    for one in asked:
        if one not in known:
            remedy = did_you_mean(one, list(known.values()))
            raise InputError("--language", "must be a language of reports", one, remedy=remedy)
    return [known[one] for one in asked]


def read_cut(path: Path) -> CutFile:
    """Read and check a cut file; its root is the nearest folder above it that holds ``params/``.

    Raises
    ------
    esld.errors.InputError
        The file is missing or refused, its name can be no cut's id, or its dates contradict each other.
    """
    cut = read_model(DataCut, path)
    _check_name(path)
    folder = path.resolve().parent
    root = next((p.parent for p in (folder, *folder.parents) if p.name == "params"), folder)
    return CutFile(path.stem, path.resolve(), root, cut, cut.languages[0])


def _check_name(path: Path) -> None:
    """A cut's id names folders beside ``outputs/lab``, on any system, and hidden ones belong to the pipeline."""
    rule, remedy = "must be named <cut>.yaml", "Rename it."
    if path.suffix != ".yaml" or path.stem.startswith("."):
        raise InputError("cut file", rule, path.name, remedy=remedy)
    if path.stem.casefold() in RESERVED:
        rule = "must have a name of its own, not one of JupyterLab's folders or of a device"
        raise InputError("cut file", rule, path.name, remedy=remedy)
    if path.stem.casefold().endswith(tuple(f".{language}".casefold() for language in get_args(Language))):
        rule = "must be named otherwise than a report is in another language"
        raise InputError("cut file", rule, path.name, remedy=remedy)
    if not path.stem.isprintable() or set(path.stem) & set('<>:"/\\|?*') or path.stem[-1] in ". ":
        rule = f"{rule}, <cut> without any of <>:\"/\\|?* and no '.' or blank at its end"
        raise InputError("cut file", rule, repr(path.name), remedy=remedy)


def previous_cut(file: CutFile) -> CutFile | None:
    """The cut that this one names as the previous; None where it names none.

    Raises
    ------
    esld.errors.InputError
        It has no file, is of another trial or not earlier, or its kept results are not there.
    esld.errors.RefusedError
        It is of another view: what differs between two views tells the arms.
    """
    name, results = file.cut.previous, file.previous_results_path
    if not name:
        if results:
            rule = "must come with 'previous', the cut that it is of"
            raise InputError("previous_results", rule, None, file.path.name, "Add 'previous'.")
        return None
    found = read_cut(file.path.parent / f"{name}.yaml")
    if found.cut.cutoff >= file.cut.cutoff:
        rule = f"must have a cut-off before {file.cut.cutoff}"
        raise InputError(f"previous {name}", rule, found.cut.cutoff, file.path.name, "Name an earlier cut.")
    if found.protocol_path.resolve() != file.protocol_path.resolve():  # an amended one, or another trial's
        from esld.protocol import read_protocol

        trial, own = (read_protocol(path).id for path in (found.protocol_path, file.protocol_path))
        if trial != own:
            rule, remedy = f"must be a cut of {own}", "Name a cut of the same trial."
            raise InputError(f"previous {name}", rule, trial, file.path.name, remedy)
    if found.cut.view != file.cut.view:
        raise RefusedError(
            f"cut {file.id} is {file.cut.view} and the previous {name} {found.cut.view}: what differs between two views "
            "tells the arms."
        )
    if found.cut.published != file.cut.published:
        rule = "must be as in the previous cut: two roundings of one number tell more of it than either"
        raise InputError("disclosure", rule, where=file.path.name, remedy="Write the same in both cut files.")
    if (
        (one := found.pseudonyms_path)
        and (other := file.pseudonyms_path)
        and read_key(one) != read_key(other)
    ):
        rule = "must hold the key of the previous cut: else every patient would be another one"
        remedy = "Name the same file in both cut files."
        raise InputError("pseudonyms", rule, where=file.path.name, remedy=remedy)
    if results and not results.is_file():
        rule = "must be the results.json of the previous cut's report"
        raise InputError("previous_results", rule, file.cut.previous_results, file.path.name, "Correct it.")
    return found


def overrides_beside(data: Path) -> Path:
    """Where the corrections of an export lie unless a cut says otherwise: in its folder, or next to its workbook."""
    return _folder(data) / OVERRIDES


def ledger_beside(data: Path) -> Path:
    """Where the exported ledger of an export lies."""
    return _folder(data) / LEDGER


def answers_beside(data: Path) -> Path:
    """Where the answers to an export's queries lie unless a cut says otherwise; see :func:`overrides_beside`."""
    return _folder(data) / ANSWERS


def _folder(data: Path) -> Path:
    return data if data.is_dir() else data.parent
