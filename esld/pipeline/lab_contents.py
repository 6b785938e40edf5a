"""What JupyterLab lists, reads and saves: chapters as notebooks, complete enough that opening one changes nothing in it."""

from pathlib import Path, PurePosixPath
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from jupytext import TextFileContentsManager
from nbformat.v4 import new_markdown_cell

from esld.data.cutfile import read_cut
from esld.errors import InputError
from esld.pipeline.chapters import values_for
from esld.pipeline.lab import SHOWN, cut_folders, link_again, told
from esld.report.roles import RUN_FILE

_OF_CUT = "esld_cut"  # in the metadata of the cell that says which cut a notebook was opened for


class ChapterContents(TextFileContentsManager):  # type: ignore[misc]
    """Jupytext's manager, for chapters that are opened from the folders of the cuts.

    A notebook has the ``language_info`` of the kernel that it will get. A py:percent file holds none; JupyterLab adds the
    kernel's when one starts, takes that for a change, and then offers to write an older text over what another tab has
    saved, although nobody typed anything. Saving drops it again.

    Its first cell says which cut it is opened for. It is in no file: reading puts it there, and saving leaves it out.

    To list a folder brings the cuts and their chapters up to date. A chapter that is open while its cut ceases to name it is
    saved where it lies, in ``notebooks/``.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._told: set[str] = set()

    def get(
        self,
        path: str,
        content: bool = True,
        type: str | None = None,
        format: str | None = None,
        require_hash: bool = False,
    ) -> dict[str, Any]:
        """Read a file or folder; see ``jupyter_server.services.contents.manager.ContentsManager.get``."""
        file = Path(self.root_dir) / path.strip("/")
        if content and file.is_dir():
            self._bring_up_to_date(path.strip("/"))
        model: dict[str, Any] = super().get(
            path, content=content, type=type, format=format, require_hash=require_hash
        )
        if model["type"] == "notebook" and model["content"]:
            notebook = model["content"]
            notebook["metadata"].setdefault("language_info", dict(IPythonKernel.language_info))
            if said := self._said_of(path.strip("/")):
                fixed = {"editable": False, "deletable": False, _OF_CUT: True}
                notebook["cells"].insert(0, new_markdown_cell(said, metadata=fixed, id="esld-cut"))
        return model

    def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        """Write a file; see ``jupyter_server.services.contents.manager.ContentsManager.save``."""
        if model["type"] == "notebook" and model.get("content"):
            cells = [cell for cell in model["content"]["cells"] if not cell["metadata"].get(_OF_CUT)]
            model = {**model, "content": {**model["content"], "cells": cells}}
            link_again(Path(self.root_dir), PurePosixPath(path.strip("/")))
        saved: dict[str, Any] = super().save(model, path)
        return saved

    def _bring_up_to_date(self, path: str) -> None:
        """Show the cuts and chapters as they are where they are listed; a fault is told once, and again after it was mended."""
        shown = Path(self.root_dir) / SHOWN
        if PurePosixPath(SHOWN) in (PurePosixPath(path), PurePosixPath(path).parent) and shown.is_dir():
            faults = set(cut_folders(Path(self.root_dir), shown)[1])
            for fault in sorted(faults - self._told):
                self.log.warning("esld: %s", fault)
            self._told = faults

    def _said_of(self, path: str) -> str:
        """What the first cell of a notebook says; nothing of one that is in no cut's folder."""
        root, place = Path(self.root_dir), PurePosixPath(path)
        if place.parent.parent != PurePosixPath(SHOWN) or not (root / place.parent / RUN_FILE).is_file():
            return ""
        name, slug = place.parent.name, place.stem
        link = f"[params/{name}.yaml](../../../params/{name}.yaml)"
        try:
            file = read_cut(root / "params" / f"{name}.yaml")
        except InputError as error:
            return f"**{name}**: {link} has to be mended: {error}"
        said = [
            f"**{name}** · {file.cut.title} · data to {file.cut.cutoff} · {file.cut.view}",
            f"From {link}, when the cell of parameters is run: `{told(values_for(slug, file))}`.",
            "What is changed in that cell is changed for every cut. A value for this cut alone stands in its file, "
            f"under `parameters`, `{slug}`.",
        ]
        if slug not in file.cut.chapters:
            said.append(f"**No report has this chapter**: {link} does not name it under `chapters`.")
        if not (root / path).is_symlink():
            said.append(
                "**This file lies in a scratch folder**, which git ignores: a chapter lies in `notebooks/`."
            )
        return "\n\n".join([said[0], " ".join(said[1:])])
