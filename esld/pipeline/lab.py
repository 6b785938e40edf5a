"""JupyterLab on the chapters of every cut: a double click opens a chapter with that cut's parameters.

``python -m esld.pipeline.lab [JUPYTERLAB OPTIONS…]``, or ``make lab``. JupyterLab shows the working copy and opens
``outputs/lab/``, where each cut of ``params/`` has a folder; new cuts and chapters appear there while it runs. Chapters are
links to ``notebooks/``, so that there is one source to edit and saving changes only that; what a chapter hands over goes to
the same folder, which is scratch.
"""

import ast
import json
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from esld.data.cutfile import DataCut, read_cut
from esld.errors import InputError, InputErrors, RefusedError, told_in_one_line
from esld.pipeline.chapters import CUT, interface, parameter_faults, values_for
from esld.pipeline.kernels import KERNEL, KernelParent, write_spec
from esld.report.roles import RUN_FILE, RUN_VARIABLE
from esld.report.run_folder import own_file, prepare_run_folder, run_folder
from esld.targets import keeper_of, report_record, unwritable

# Settings of JupyterLab, by extension: what a double click on a text notebook opens.
OVERRIDES = {
    "@jupyterlab/docmanager-extension:plugin": {
        "defaultViewers": {"python": "Jupytext Notebook"},
        "autosave": False,  # of a second tab, it asks to overwrite what the first one saved
    },
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
_CONFIG = {
    "ServerApp": {"contents_manager_class": "esld.pipeline.lab_contents.ChapterContents"},
    "LabApp": {"news_url": None},
}
SHOWN = "outputs/lab"  # visible, as JupyterLab refuses to open what lies in a hidden folder
# Run by each kernel when it starts.
_STARTUP = "from esld.pipeline.lab import follow_cut\nfollow_cut({shown!r})\ndel follow_cut\n"


def lab_environment(scratch: Path, shown: Path) -> dict[str, str]:
    """Write JupyterLab's settings under a scratch folder and give the environment that makes it and its kernels use them.

    Parameters
    ----------
    scratch : Path
        Folder for the settings; not the one that JupyterLab shows.
    shown : Path
        Folder of the cuts' folders.

    Returns
    -------
    dict of str to str
        Variables to add to the environment.
    """
    config, startup = scratch / "jupyter-config", scratch / "startup.py"
    (config / "labconfig").mkdir(parents=True, exist_ok=True)
    (config / "labconfig" / "default_setting_overrides.json").write_text(
        json.dumps(OVERRIDES), encoding="utf-8", newline="\n"
    )
    (config / "jupyter_server_config.json").write_text(json.dumps(_CONFIG), encoding="utf-8", newline="\n")
    startup.write_text(_STARTUP.format(shown=str(shown.resolve())), encoding="utf-8", newline="\n")
    spec = scratch / "jupyter" / "kernels" / KERNEL
    spec.mkdir(parents=True, exist_ok=True)
    write_spec(spec, {})
    jupyter = [str(scratch / "jupyter"), *filter(None, [os.environ.get("JUPYTER_PATH")])]
    return {
        "JUPYTER_CONFIG_PATH": str(config),
        "JUPYTER_PATH": os.pathsep.join(jupyter),
        "PYTHONSTARTUP": str(startup),
    }


def cut_folders(root: Path, shown: Path) -> tuple[list[Path], list[str]]:
    """Bring the folders of the cuts up to date, each with a link to every chapter of its cut.

    What somebody made there stays, and so does what belongs to a cut file that cannot be read just now. A link to a chapter
    that its cut does not name any more goes, and so does the folder of a cut that is gone, unless something has been written
    to it.

    Parameters
    ----------
    root : Path
        Working copy with ``params/`` and ``notebooks/``.
    shown : Path
        Folder of the folders.

    Returns
    -------
    tuple of list of Path and list of str
        The cuts' folders, each one that ``ESLD_RUN`` can name; and what could not be shown, a line each: a
        faulty cut file, a chapter that is not in ``notebooks/``, a file in the place of a link, somebody's folder in
        the place of a cut's.
    """
    folders: list[Path] = []
    faults: list[str] = []
    for path in sorted((root / "params").glob("*.yaml"), key=lambda path: path.stem):
        try:
            file = read_cut(path)
        except InputError as error:
            faults.append(f"{path.name}: left out: " + " ".join(str(error).split()))
            continue
        folder = shown / file.id
        if _is_somebodys(folder):
            faults.append(f"{path.name}: left out: {folder} is somebody's link or report; move it away")
            continue
        prepare_run_folder(folder, file)
        _unlink_chapters(folder, file.cut.chapters)
        faults += [f"{path.name}: {fault}" for fault in _link_chapters(file.cut, root / "notebooks", folder)]
        folders.append(folder)
    for folder in shown.glob("*/"):
        if not (root / "params" / f"{folder.name}.yaml").exists() and not _is_somebodys(folder):
            _unlink_chapters(folder, ())
            if [path.name for path in folder.iterdir()] == [RUN_FILE]:
                (folder / RUN_FILE).unlink()
                folder.rmdir()
    return folders, faults


def _is_somebodys(folder: Path) -> bool:
    return bool(folder.is_symlink() or report_record(folder))


def _unlink_chapters(folder: Path, named: Sequence[str]) -> None:
    """Take away the links to chapters that are gone, or that the cut does not name."""
    for link in folder.glob("*.py"):
        if _is_chapter_link(link) and not (link.stem in named and link.exists()):
            link.unlink()


def _is_chapter_link(link: Path) -> bool:
    """Whether this module made a link, in whatever place the working copy was then."""
    if not link.is_symlink():
        return False
    target = Path(os.readlink(link))
    return target.name == link.name and target.parent.name == "notebooks"


def _link_chapters(cut: DataCut, notebooks: Path, folder: Path) -> list[str]:
    sources = {path.stem: path for path in notebooks.glob("*.py")}
    faults = []
    for slug in dict.fromkeys(cut.chapters):
        link = folder / f"{slug}.py"
        if slug not in sources:
            faults.append(f"no chapter notebooks/{slug}.py")
        elif _is_chapter_link(link) and link.exists() and link.samefile(sources[slug]):
            continue
        elif os.path.lexists(link):  # somebody's copy or link: not ours to remove
            faults.append(f"{link} is not a link to notebooks/; changes in it stay there")
        else:
            link.symlink_to(sources[slug])
    return faults


def link_again(root: Path, place: PurePosixPath) -> None:
    """Put the link to a chapter back that went while the chapter was open, so that it is saved in ``notebooks/``."""
    source, link = root / "notebooks" / place.name, root / place
    if place.parent.parent == PurePosixPath(SHOWN) and source.is_file() and link.parent.is_dir():
        with suppress(FileExistsError):
            link.symlink_to(source)


def follow_cut(shown: str) -> None:
    """In a kernel started in a cut's folder: write there, and set the cut's parameters after the parameters cell.

    Does nothing in any other folder.
    """
    from IPython import get_ipython

    folder, shell = Path.cwd(), get_ipython()
    if shell is None or folder.parent != Path(shown):
        return
    os.environ[RUN_VARIABLE] = str(folder)
    own = own_file(folder)

    def after(result: Any) -> None:
        if not assigns_cut(result.info.raw_cell):
            return
        try:
            values = cut_parameters(folder, own, result.info.raw_cell)
        except InputError as error:  # nothing is set: where the cell names another cut, no chapter opens
            print(error, file=sys.stderr)
            return
        shell.push(values)
        print(f"From {folder.name}.yaml: {told(values)}")
        if other := not_used(values, result.info.raw_cell, folder):
            print(other)

    shell.events.register("post_run_cell", after)


def cut_parameters(folder: Path, own: Path | None, source: str) -> dict[str, Any]:
    """What a cut sets in a chapter: its id and its ``parameters``, read anew so that a changed cut file counts.

    Parameters
    ----------
    folder : Path
        Of the cut.
    own : Path or None
        The chapter's file, as far as it is known.
    source : str
        Of the parameters cell.

    Raises
    ------
    esld.errors.InputError
        What ``esld run`` would refuse: of the cut file, of the cell, or of the values that the one sets in the other; or it is
        not known whose values they are.
    """
    if own is None:
        rule = "must be known to its kernel, which has been started for another name or for none"
        remedy = "Shut the kernel down and open the chapter anew."
        raise InputError("the chapter's file", rule, where=folder.name, remedy=remedy)
    file = read_cut(run_folder().params / f"{folder.name}.yaml")
    if faults := parameter_faults(own.stem, interface(source, own), file):
        raise InputErrors(faults)
    return values_for(own.stem, file)


def not_used(values: Mapping[str, Any], source: str, folder: Path) -> str:
    """What to say of values that the parameters cell sets and the cut sets otherwise; empty where there are none.

    Parameters
    ----------
    values : dict
        See :func:`cut_parameters`.
    source : str
        Of the cell.
    folder : Path
        Of the cut, beside those of the others.
    """
    written = {name: own.default for name, own in interface(source, folder).items()}
    other = {name: written[name] for name, value in values.items() if written[name] != value}
    if not other:
        return ""
    said = [f"Not used here: {told(other)} of the cell."]
    if CUT in other:
        cut = str(other[CUT])
        there = (folder.parent / cut).is_dir()
        said.append(
            f"Open the chapter in the folder {cut} for that cut." if there else f"No cut {cut} is in params/."
        )
    if set(other) - {CUT}:
        said.append(f"Change params/{folder.name}.yaml instead.")
    return " ".join(said)


def told(values: Mapping[str, Any]) -> str:
    """Parameters on a line, as the parameters cell would have them."""
    return ", ".join(f"{name} = {value!r}" for name, value in values.items())


def assigns_cut(source: str) -> bool:
    """Whether a cell sets ``cut``, as only the parameters cell may."""
    try:
        body = ast.parse(source).body
    except SyntaxError:  # magics
        return False
    targets = [
        target for line in body for target in getattr(line, "targets", [getattr(line, "target", None)])
    ]
    return any(isinstance(target, ast.Name) and target.id == CUT for target in targets)


def main(options: Sequence[str]) -> None:
    """Start JupyterLab on the working copy, at the cuts' folders; this process becomes the server."""
    root = run_folder().params.parent.resolve()
    settings = root / "outputs" / ".scratch"
    shown = root / SHOWN
    if (keeper := keeper_of(shown)) or unwritable(shown):
        why = f"lies in {keeper}" if keeper else "cannot be written to"
        raise RefusedError(f"{shown} {why}; JupyterLab's folders go there: move away what is in the place.")
    for fault in cut_folders(root, shown)[1]:
        print(f"esld: {fault}", file=sys.stderr)
    environment = os.environ | lab_environment(settings, shown)
    for own in (RUN_VARIABLE, "MPLBACKEND"):  # each kernel has its own
        environment.pop(own, None)
    # Kernels are forked from a process that has imported the stack by the time that somebody opens a chapter. It ends when
    # the server closes its socket, at its end.
    parent = KernelParent(environment).__enter__()
    for descriptor in parent.descriptors:
        os.set_inheritable(descriptor, True)
    environment |= parent.variables
    command = [sys.executable, "-m", "jupyter", "lab", f"--ServerApp.root_dir={root}"]
    os.execve(sys.executable, [*command, f"--LabApp.default_url=/lab/tree/{SHOWN}", *options], environment)


if __name__ == "__main__":
    with told_in_one_line():
        main(sys.argv[1:])
