"""A chapter in plain Python: ``python notebooks/03_survival.py`` prints it as text, with the sections that the cut can fill.

A kernel shows what a cell ends with; plain Python shows nothing, and knows no tags. A chapter that opens itself without IPython
around it is run here, cell by cell: headings, prose, sentences, tables and the names of the figures' files go to stdout.
"""

import ast
import os
import re
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

from esld.errors import InputError, RefusedError
from esld.longform import Shown
from esld.report.drawing.figures import Picture
from esld.report.drawing.unnamed import NO_WORDS
from esld.report.dress.text import WIDTH
from esld.report.phrases import Sentence, view_name
from esld.report.sections import fitted_cells
from esld.report.tables import Table
from esld.report.words.catalogue import message

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from esld.report.chapter import Chapter

_MARKER = re.compile(r"^# %%", flags=re.MULTILINE)
_BLOCK = re.compile(r"</?(?:p|ul|ol|br|div|table|tr)\b[^>]*>")
_TAG = re.compile(r"</?[a-z][^>]*>")
_running = False  # whether a chapter is being told, which then opens itself like in a kernel


def script_of(name: str) -> Path | None:
    """The file of the chapter that plain Python was started with, if it is what opens `name`; None in a kernel or a program.

    Raises
    ------
    esld.errors.InputError
        It opens another chapter than itself.
    """
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    if _running or not file or _in_ipython():
        return None
    path = Path(file)
    if path.resolve().parent.name != "notebooks" or not _MARKER.search(path.read_text(encoding="utf-8-sig")):
        return None
    if path.stem != name:
        rule = "must be given the name of its own file"
        raise InputError(
            "open_chapter", rule, name, path.name, f'Write open_chapter("{path.stem}", cut=cut).'
        )
    return path


def told(script: Path, open_chapter: "Callable[..., Chapter]", cut: str) -> int:
    """Run a chapter from its file and print it.

    Parameters
    ----------
    script : Path
        See :func:`script_of`.
    open_chapter : callable
        :func:`esld.report.chapter.open_chapter`.
    cut : str
        Id of the cut that the file names; one that is given on the command line is taken instead.

    Returns
    -------
    int
        Exit code: 0; 1 where a cell fails, with a traceback of the chapter's own lines; 2 for a mistake in what was given and 3
        for what is refused, in one line.
    """
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal that has no minus sign
    try:
        with _shown_here():
            chapter = open_chapter(script.stem, cut=_given(script) or cut)
            _print(_banner(chapter))
            _run(script, chapter)
            print(f"{os.path.relpath(chapter.scratch)}: tables, figures")
        return 0
    except (InputError, RefusedError) as error:
        print(f"esld: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        traceback.print_exception(error.with_traceback(_own(error, script)))
        return 1


def text_of(shown: object) -> str:
    """What a cell shows, as text; nothing for None."""
    match shown:
        case None:
            return ""
        case Sentence():
            return _prose(shown.html)
        case Table():
            return shown.to_text()
        case Picture():
            return "\n".join(
                [f"[figures/{shown.id}.png] {shown.title}".rstrip(), *textwrap.wrap(shown.alt, WIDTH)]
            )
        case Shown():
            return str(shown)
    return repr(shown)


def _given(script: Path) -> str:
    """The cut that the command line names, by its id or, as ``esld run`` takes it, its file; empty for none."""
    given = sys.argv[1:]
    if len(given) > 1 or any(word.startswith("-") for word in given):
        rule, remedy = "must be one cut at most, by its id", f"Write python {script} demo-final."
        raise InputError("arguments", rule, " ".join(given), remedy=remedy)
    path, params = Path("".join(given)), script.resolve().parent.parent / "params"
    return path.stem if path.suffix == ".yaml" and path.resolve().parent == params else "".join(given)


def _run(script: Path, chapter: "Chapter") -> None:
    """Print the prose of the chapter, and what its code shows, in the module that Python was started with."""
    cells, lines = _cells(script)
    main = sys.modules["__main__"].__dict__
    for cell in fitted_cells(cells, chapter.study, chapter.name):
        if cell.cell_type == "markdown":
            _print(_prose(cell.source))
        elif cell.cell_type == "code":
            statements, shown = _compiled(cell.source, script, lines.get(cell.id, 1))
            exec(statements, main)
            value = eval(shown, main) if shown else None
            _print("" if _say_figures(script, lines.get(cell.id, 1)) else text_of(value))
            if "parameters" in cell.metadata.get("tags", []):
                _set(main, chapter)


def _say_figures(script: Path, line: int) -> bool:
    """Say where a cell leaves a figure that it does not hand over, and forget it; whether it does."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None or not pyplot.get_fignums():
        return False
    pyplot.close("all")
    print(f"notebooks/{script.name}:{line}: {NO_WORDS}", file=sys.stderr)
    return True


def _set(main: dict[str, Any], chapter: "Chapter") -> None:
    """What the cut sets for the chapter holds, as in its report; a value that is not the file's own is told."""
    file = chapter.study.file
    for name, value in {"cut": file.id, **file.cut.parameters.get(chapter.name, {})}.items():
        if name not in main:
            key = f"key 'parameters.{chapter.name}.{name}'"
            raise InputError(key, "is not a parameter of the chapter", None, file.path.name, "Remove it.")
        if main[name] != value:
            _print(f"{name} = {value!r}  # params/{file.path.name}")
        main[name] = value


def _cells(script: Path) -> "tuple[list[NotebookNode], dict[str, int]]":
    """The cells of a chapter, and on which line of the file the code of each begins, by its id."""
    import jupytext

    text = script.read_text(encoding="utf-8-sig")
    form = {"extension": ".py", "format_name": "percent", "comment_magics": False}
    cells = list(jupytext.reads(text, fmt=form).cells)
    lines, place = {}, 0
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
        if cell.cell_type == "code" and (found := text.find(cell.source, place)) >= 0:
            lines[cell.id] = text.count("\n", 0, found) + 1
            place = found + len(cell.source)
    return cells, lines


def _compiled(source: str, script: Path, line: int) -> tuple[CodeType, CodeType | None]:
    """A cell's statements, and the expression that it ends with and shows, on the lines that they have in the file."""
    tree = ast.parse("\n" * (line - 1) + source, str(script))
    last = tree.body[-1] if tree.body else None
    if not isinstance(last, ast.Expr) or source.rstrip().endswith(";"):
        return compile(tree, str(script), "exec"), None
    tree.body.pop()
    return compile(tree, str(script), "exec"), compile(ast.Expression(last.value), str(script), "eval")


def _banner(chapter: "Chapter") -> str:
    """What the head of every page of the report says."""
    study, cut = chapter.study, chapter.study.cut
    facts = [study.protocol.id, cut.title, message("pages.data_to", cutoff=cut.cutoff)]
    facts += [message(f"status.{cut.status}"), view_name(study)]
    facts += [message("pages.simulated.loud")] if cut.simulated else []
    return "\n".join([" · ".join(facts), *textwrap.wrap(cut.notice, WIDTH)])


def _prose(marked: str) -> str:
    """Markdown and HTML as text: tags left out, headings underlined, paragraphs on lines of one width."""
    plain = unescape(_TAG.sub("", _BLOCK.sub("\n\n", re.sub(r"<li\b[^>]*>", "\n\n- ", marked))))
    return "\n\n".join(filter(None, map(_paragraph, re.split(r"\n\s*\n", plain))))


def _paragraph(text: str) -> str:
    if heading := re.fullmatch(r"(#+) (.+)", text.strip()):
        return f"{heading[2]}\n{('=' if len(heading[1]) == 1 else '-') * len(heading[2])}"
    if re.match(r"\s*([-*|]|\d+\.) ", text):  # a list or a table, line by line
        return text.strip("\n")
    return textwrap.fill(" ".join(text.split()), WIDTH)


def _print(text: str) -> None:
    if text:
        print(f"{text}\n", flush=True)


def _in_ipython() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and shell.get_ipython() is not None


@contextmanager
def _shown_here() -> Iterator[None]:
    """Let ``display`` print text, and chapters open as in a kernel."""
    global _running
    from IPython import display

    def show(*objects: object, **_: object) -> None:
        for each in objects:
            _print(text_of(each))

    before, _running = display.display, True
    display.display = show
    try:
        yield
    finally:
        display.display, _running = before, False


def _own(error: BaseException, script: Path) -> Any:
    """The traceback from the chapter's own line on."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != str(script):
        trace = trace.tb_next
    return trace or error.__traceback__
