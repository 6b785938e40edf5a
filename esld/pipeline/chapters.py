"""Chapters as they are written: py:percent notebooks, their parameters cell, and what a cut may set in it."""

import ast
import copy
import hashlib
import io
import math
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import le, lt
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from esld.data.cutfile import CutFile, prose_path
from esld.data.fingerprint import canonical
from esld.errors import InputError, InputErrors, did_you_mean
from esld.pipeline.places import cell_lines
from esld.pipeline.prose import translated
from esld.pipeline.theme import PAGE_IDS
from esld.report.roles import NAMESAKE, READERS
from esld.report.words.catalogue import entries

if TYPE_CHECKING:
    from nbformat import NotebookNode

TYPES: Mapping[str, type] = {"str": str, "int": int, "float": float, "bool": bool, "list": list, "dict": dict}
_INTERVAL = re.compile(r"\bin ([\[(]-?[\d.]+, (?:-?[\d.]+|inf)[\])])$")
LAY = "plain"  # name of the page in plain language
TAKEN = PAGE_IDS | {"index", "report", LAY}  # a slug is a file's name and, on the whole report, an anchor
CUT = "cut"  # the parameter that every chapter has: the id of the data cut


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell: ``name: type = default  # help``.

    Where the help ends with an interval, ``in (0, 1)`` or ``in [0, inf)``, each number of a value must lie in it.
    """

    name: str
    type: str
    default: Any
    help: str

    @property
    def interval(self) -> str:
        """``(0, 1)``; empty where any number fits."""
        found = _INTERVAL.search(self.help)
        return found[1] if found else ""

    def holds(self, value: Any) -> bool:
        """Whether every number of a value lies in the interval."""
        if not self.interval or value is None:
            return True
        low, high = map(float, self.interval[1:-1].split(","))
        above, below = (le if end in "[]" else lt for end in (self.interval[0], self.interval[-1]))
        each = value if isinstance(value, list) else [value]
        return all(above(low, number) and below(number, high) for number in each)


@dataclass(frozen=True)
class ChapterSource:
    """A chapter before it runs.

    Attributes
    ----------
    slug : str
        File name without suffix ("03_survival").
    path : Path
        The ``.py`` file.
    sha256 : str
        Of its text: bytes with line ends as ``esld.data.fingerprint.canonical`` has them.
    digest : str
        See :func:`source_digest`.
    notebook : NotebookNode
        As jupytext reads it, each cell with the id that it is published under; treat as read-only.
    title, question : str
        First heading, and the first paragraph under "Question", without markup.
    parameters : dict of str to Parameter
        Interface of the parameters cell.
    lines : dict of str to int
        Line of the file in which each cell begins, by its id; see :func:`esld.pipeline.places.cell_lines`.
    untranslated : sequence of str
        A line for each cell whose prose is not in the reader's language.
    """

    slug: str
    path: Path
    sha256: str
    digest: str
    notebook: "NotebookNode"
    title: str
    question: str
    parameters: Mapping[str, Parameter]
    lines: Mapping[str, int]
    untranslated: Sequence[str] = ()

    @property
    def cells(self) -> int:
        """Code cells that run, the injected parameters among them."""
        return len([cell for cell in self.notebook.cells if cell.cell_type == "code"]) + 1

    def fresh_notebook(self) -> "NotebookNode":
        """A copy to execute."""
        return copy.deepcopy(self.notebook)


Item = TypeVar("Item")


def waves(chapters: Sequence[Item], slug: Callable[[Item], str]) -> list[list[Item]]:
    """Chapters that can run at the same time, and after them those that read what these handed over."""
    first = [chapter for chapter in chapters if slug(chapter) not in READERS]
    last = [chapter for chapter in chapters if slug(chapter) in READERS]
    return [wave for wave in (first, last) if wave]


def needed_for(asked: Sequence[str], slugs: Sequence[str]) -> list[str]:
    """Chapters that were asked for, and those whose results they read, in their order."""
    found: set[str] = set()
    for wave in reversed(waves(slugs, str)):
        if found.intersection(READERS) or set(asked).intersection(wave):
            found |= set(wave) if found.intersection(READERS) else set(asked).intersection(wave)
    return [slug for slug in slugs if slug in found]


def read_chapters(file: CutFile) -> list[ChapterSource]:
    """Read the chapters of a cut, in the order of their numbers.

    Raises
    ------
    esld.errors.InputError
        A chapter is missing, named twice or has no usable parameters cell, it names a need that nobody knows, or the cut
        sets a parameter that the chapter does not have or gives it another type. All faults at once.
    """
    folder = file.root / "notebooks"
    if faults := name_faults(file):
        raise InputErrors(faults)
    chapters = [read_chapter(folder / f"{slug}.py", file.language) for slug in sorted(file.cut.chapters)]
    from esld.pipeline.sections import need_faults  # it imports what a study is made of

    for chapter in chapters:
        faults += [*parameter_faults(chapter.slug, chapter.parameters, file), *need_faults(chapter)]
    if faults:
        raise InputErrors(faults)
    return chapters


def name_faults(file: CutFile) -> list[InputError]:
    """What is wrong with the names of a cut's chapters."""
    folder = file.root / "notebooks"
    known = sorted(p.stem for p in folder.glob("*.py"))
    faults: list[InputError] = []
    for slug in sorted(set(file.cut.chapters) - set(known)):
        remedy = (
            did_you_mean(slug, known, cutoff=NAMESAKE) if known else "Run 'esld init' for a working copy."
        )
        faults.append(InputError("chapters", "must name files of notebooks/", slug, file.path.name, remedy))
    for slug in sorted(set(file.cut.chapters) & set(known)):
        if not re.fullmatch(r"\w+(-\w+)*", slug, re.ASCII) or slug.casefold() in TAKEN:
            rule = "must be named with letters, digits and '_', and not as a page or a part of one is"
            faults.append(InputError("chapters", rule, slug, file.path.name, "Rename the file."))
    if len(set(file.cut.chapters)) < len(file.cut.chapters):
        twice = sorted({slug for slug in file.cut.chapters if file.cut.chapters.count(slug) > 1})
        rule, remedy = "must be named once each", "Remove the repeated ones."
        faults.append(InputError("chapters", rule, ", ".join(twice), file.path.name, remedy))
    for slug in sorted(set(file.cut.parameters) - set(file.cut.chapters)):
        remedy = did_you_mean(slug, file.cut.chapters, cutoff=NAMESAKE)
        faults.append(
            InputError("parameters", "must be those of the cut's chapters", slug, file.path.name, remedy)
        )
    return faults


def read_chapter(path: Path, language: str = "en") -> ChapterSource:
    """Read one py:percent chapter, with its prose in a language; see :mod:`esld.pipeline.prose`.

    Raises
    ------
    esld.errors.InputError
        The file is no UTF-8, has no single cell tagged ``parameters``, that cell holds anything but
        ``name: type = value`` lines, one of them ``cut: str``, or the chapter is opened by another's name.
    """
    import jupytext

    raw = canonical(path.read_bytes())
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        rule, remedy = "must be UTF-8 text", "Save it as UTF-8."
        raise InputError(f"chapter {path.stem}", rule, where=path.name, remedy=remedy) from None
    try:
        notebook = jupytext.reads(text, fmt="py:percent")
    except Exception as error:  # whatever a damaged header makes jupytext stumble over
        rule, remedy = "must be a py:percent notebook", "Mend its header."
        raise InputError(f"chapter {path.stem}", rule, str(error), path.name, remedy) from error
    tagged = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    if len(tagged) != 1:
        rule = "must have exactly one cell tagged 'parameters'"
        remedy = 'Write # %% tags=["parameters"].'
        raise InputError(f"chapter {path.stem}", rule, len(tagged), path.name, remedy)
    for name in _opened(notebook):
        if name != path.stem:
            rule = f"must be {path.stem!r}, the name of its file"
            remedy = f"Write open_chapter({path.stem!r}, cut=cut)."
            raise InputError("name of open_chapter", rule, name, path.name, remedy)
    injected = notebook.cells.index(tagged[0]) + 2  # papermill puts a cell behind the parameters
    for number, cell in enumerate(notebook.cells, 1):
        cell["id"] = cell_id(number + (number >= injected))
    lines = cell_lines(notebook.cells, text)
    notebook.cells, untranslated = translated(notebook.cells, path, language)
    prose = "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    asked = "|".join({"Question", str(entries(language)["pages.question"])})
    return ChapterSource(
        slug=path.stem,
        path=path,
        sha256=hashlib.sha256(raw).hexdigest(),
        digest=_digest(raw, path, language),
        notebook=notebook,
        title=_plain(_first(r"^# (.+)$", prose) or path.stem),
        question=_plain(_first(rf"^## (?:{asked})\s*\n+((?:.+\n?)+)", prose) or ""),
        parameters=interface(tagged[0].source, path),
        lines=lines,
        untranslated=untranslated,
    )


def _opened(notebook: "NotebookNode") -> Iterator[object]:
    """The names by which a chapter is opened, as far as they are written out."""
    for cell in notebook.cells:
        try:
            tree = ast.parse(cell.source if cell.cell_type == "code" else "")
        except SyntaxError:  # a magic, or what the chapter will fail with
            continue
        for node in ast.walk(tree):
            match node:
                case ast.Call(func=ast.Name(id="open_chapter"), args=[ast.Constant(value=name), *_]):
                    yield name


def numbered(cells: "Iterable[NotebookNode]") -> "Iterator[tuple[int, NotebookNode]]":
    """Cells with their numbers in the whole chapter, from 1, with those that are left out and the injected parameters."""
    number = 0
    for cell in cells:
        number = cell_number(cell, number)
        yield number, cell


def cell_number(cell: "NotebookNode", before: int) -> int:
    """The number in a cell's id; of one that was injected, the one after the cell before it."""
    own = re.fullmatch(r"cell-(\d+)", cell.get("id", ""))
    return int(own[1]) if own else before + 1


def cell_id(number: int) -> str:
    """Id of a published cell."""
    return f"cell-{number:03d}"


def values_for(slug: str, file: CutFile) -> dict[str, Any]:
    """What is injected into a chapter: the cut's id, and what the cut file sets for it."""
    return {CUT: file.id, **file.cut.parameters.get(slug, {})}


def source_digest(path: Path, language: str) -> str:
    """SHA-256 of a chapter's text in a language: of the bytes, with line ends as ``esld.data.fingerprint.canonical`` has them."""
    return _digest(canonical(path.read_bytes()), path, language)


def _digest(raw: bytes, path: Path, language: str) -> str:
    beside = prose_path(path, language)
    own = canonical(beside.read_bytes()) if beside and beside.is_file() else b""
    return hashlib.sha256(raw + b"\0" + own if own else raw).hexdigest()


def interface(source: str, path: Path) -> dict[str, Parameter]:
    """Parameters by name, each with a literal default that fits its annotation."""

    def fault(rule: str, offender: str) -> InputError:
        remedy = "Write lines such as 'name: type = value  # help', other code in the next cell."
        return InputError("parameters cell", rule, offender, path.name, remedy)

    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise fault("must be Python", f"line {error.lineno}") from None
    notes = _comments(source)
    parameters: dict[str, Parameter] = {}
    for statement in statements:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as value):
                pass
            case _:
                raise fault("must hold only parameters", ast.unparse(statement).splitlines()[0])
        try:
            default = ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError):
            raise fault("must hold literal values", ast.unparse(statement)) from None
        try:
            fits = _checker(annotation)
        except ValueError as error:
            raise fault(str(error), name) from None
        if not fits(default):
            raise fault("must hold defaults of their own type", ast.unparse(statement))
        note = notes.get(statement.end_lineno or statement.lineno, "")
        own = parameters[name] = Parameter(name, ast.unparse(annotation), default, note)
        if own.interval and not ({"int", "float"} & set(re.findall(r"\w+", own.type)) and own.holds(default)):
            raise fault(f"must hold numbers in {own.interval}, as the comment says", ast.unparse(statement))
    if CUT not in parameters or parameters[CUT].type != "str":
        raise fault(f"must name the data cut, '{CUT}: str'", ", ".join(parameters) or "nothing")
    return parameters


def _comments(source: str) -> dict[int, str]:
    """Comments by line; a ``#`` inside a text is none."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").rstrip() for t in tokens if t.type == tokenize.COMMENT}


def parameter_faults(slug: str, parameters: Mapping[str, Parameter], file: CutFile) -> list[InputError]:
    """What is wrong with the values that a cut sets for a chapter of these parameters."""
    faults = []
    for name, value in file.cut.parameters.get(slug, {}).items():
        key, where = f"key 'parameters.{slug}.{name}'", file.path.name
        if name == CUT:
            rule, remedy = "must not be set: the cut is this file", "Remove it."
            faults.append(InputError(key, rule, value, where, remedy))
        elif name not in parameters:
            remedy = did_you_mean(name, parameters)
            faults.append(InputError(key, "is not a parameter of the chapter", None, where, remedy))
        elif not _checker(ast.parse(parameters[name].type, mode="eval").body)(value):
            rule = f"must be {parameters[name].type}"
            faults.append(InputError(key, rule, repr(value), where, "Correct it."))
        elif not parameters[name].holds(value):
            rule, remedy = f"must lie in {parameters[name].interval}", f"It is: {parameters[name].help}."
            faults.append(InputError(key, rule, repr(value), where, remedy))
    return faults


def _checker(annotation: ast.expr) -> Callable[[object], bool]:
    """Whether a value fits ``str``, ``float``, ``list[float]``, ``int | None`` …; a whole number fits float.

    Raises
    ------
    ValueError
        The annotation is of another kind.
    """
    match annotation:
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            one, other = _checker(left), _checker(right)
            return lambda value: one(value) or other(value)
        case ast.Constant(value=None):
            return lambda value: value is None
        case ast.Subscript(value=ast.Name(id="list"), slice=inner):
            item = _checker(inner)
            return lambda value: isinstance(value, list) and all(map(item, value))
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[keys, values])):
            key, of = _checker(keys), _checker(values)
            return lambda value: isinstance(value, dict) and all(key(k) and of(v) for k, v in value.items())
        case ast.Name(id="float"):
            return lambda value: type(value) is int or (type(value) is float and math.isfinite(value))
        case ast.Name(id=name) if name in TYPES:
            return lambda value: type(value) is TYPES[name]  # a truth value is no whole number here
    raise ValueError(f"must annotate with types made of {', '.join(TYPES)}, not {ast.unparse(annotation)!r}")


def _first(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text, flags=re.MULTILINE)
    return found[1] if found else None


def _plain(markdown: str) -> str:
    without_tags = re.sub(r"<[^>]+>", "", markdown)
    return re.sub(r"[*_`]", "", " ".join(without_tags.split()))
