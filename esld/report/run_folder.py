"""Where a chapter finds the cut files and may write, of which cut that is, and which chapter a kernel is for."""

import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from esld import jsonfile
from esld.data.cutfile import CutFile, Language, read_cut
from esld.errors import InputError, did_you_mean
from esld.report.roles import RUN_FILE, RUN_VARIABLE, SESSION_VARIABLE, WORK


@dataclass(frozen=True)
class RunFolder:
    """Where a chapter finds the cut files and where it may write.

    Attributes
    ----------
    params : Path
        Folder of the cut files.
    scratch : Path
        The run's own folder; outside a run the one that holds a folder a cut.
    cut : str or None
        The cut that the run is of, of which alone the data may come; none outside a run.
    language : str or None
        That of the report that the run makes; the cut's first outside a run.
    """

    params: Path
    scratch: Path
    cut: str | None = None
    language: Language | None = None

    def of_cut(self, cut: str) -> Path:
        """Where a chapter of a cut writes.

        Raises
        ------
        esld.errors.InputError
            The run is of another cut, or there is no such cut.
        """
        known = sorted(path.stem for path in self.params.glob("*.yaml"))
        if self.cut is None:
            if cut not in known:
                remedy = did_you_mean(str(cut), known)
                raise InputError("cut of open_chapter", "must be a cut of params/", cut, remedy=remedy)
            return self.scratch / cut
        if cut != self.cut:
            rule = f"must be {self.cut!r}, the cut that this folder holds results of"
            where = f"open it in outputs/lab/{cut}" if cut in known else "there is no such cut in params/"
            remedy = f"Declare 'cut: str = …' in the parameters cell and pass 'cut=cut'; of {cut!r}: {where}."
            raise InputError("cut of open_chapter", rule, cut, str(self.scratch), remedy)
        return self.scratch

    def cut_file(self, cut: str) -> CutFile:
        """The file of a cut, for the reader of the run."""
        file = read_cut(self.params / f"{cut}.yaml")
        return replace(file, language=self.language or file.language)


def run_folder() -> RunFolder:
    """The run's folder from ``ESLD_RUN``, or the folders of the working copy that JupyterLab shows.

    That is the one in which a chapter lies that Python was started with, else the one around the current folder.

    Raises
    ------
    esld.errors.InputError
        ``ESLD_RUN`` is no run's folder, or no working copy is around.
    """
    if given := os.environ.get(RUN_VARIABLE):
        scratch = Path(given)
        try:
            record = jsonfile.loads((scratch / RUN_FILE).read_text(encoding="utf-8"))
            return RunFolder(Path(record["params"]), scratch, str(record["cut"]), record["language"])
        except (OSError, ValueError, TypeError, KeyError):
            rule = f"must name a folder with {RUN_FILE}, which names its cut"
            raise InputError(RUN_VARIABLE, rule, given, remedy="Unset it.") from None
    here = program.parent.resolve() if (program := _program()) else Path.cwd()
    around = (p for p in (here, *here.parents) if (p / "params").is_dir() and (p / "notebooks").is_dir())
    root = next(around, None)
    if root is None:
        rule = "must lie in a working copy with params/ and notebooks/"
        remedy = "Start from a working copy (see 'esld init'), or run the chapter through 'esld run'."
        raise InputError("current folder", rule, str(here), remedy=remedy)
    return RunFolder(root / "params", root / "outputs" / "lab")


def prepare_run_folder(scratch: Path, file: CutFile) -> None:
    """Make a folder of a cut that ``ESLD_RUN`` can point to."""
    scratch.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"params": str(file.path.parent), "cut": file.id, "language": file.language}) + "\n"
    path = scratch / RUN_FILE
    if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text:
        path.write_text(text, encoding="utf-8", newline="\n")


def refuse_another_chapter(name: str, scratch: Path) -> None:
    """Refuse that a chapter is opened by another's name, whose results it would write over.

    Raises
    ------
    esld.errors.InputError
        The file that this process executes is known, and has another name.
    """
    own = own_file(scratch)
    if own is not None and own.stem != name:
        rule = f"must be {own.stem!r}, the name of the file that it is called in"
        remedy = f"Write open_chapter({own.stem!r}, cut=cut)."
        raise InputError("name of open_chapter", rule, name, own.name, remedy)


def own_file(scratch: Path) -> Path | None:
    """The chapter's file that this process executes; none where it cannot know.

    A kernel of the pipeline works in a folder that is called after its chapter. Jupyter's server tells a kernel the notebook
    that it was started for; after that was renamed, nobody tells it the new name. A program run by Python is its own file.
    """
    if is_of_pipeline(scratch):
        return Path(f"{Path.cwd().name}.py")
    session = Path(os.environ.get(SESSION_VARIABLE, ""))
    if session.suffix in (".py", ".ipynb") and session.is_file():
        return session
    return _program()


def is_of_pipeline(scratch: Path) -> bool:
    """Whether this process is a kernel of the pipeline, which tells of a whole run what is amiss."""
    return Path.cwd().parent == scratch.resolve() / WORK


def _program() -> Path | None:
    """The chapter that Python was started with; none in a kernel or another program."""
    program = Path(getattr(sys.modules["__main__"], "__file__", None) or "")
    return program if program.suffix == ".py" and program.resolve().parent.name == "notebooks" else None
