"""What JupyterLab reads and saves: chapters as notebooks, complete enough that opening one changes nothing in it."""

from typing import Any

from ipykernel.ipkernel import IPythonKernel
from jupytext import TextFileContentsManager


class ChapterContents(TextFileContentsManager):  # type: ignore[misc]
    """Jupytext's manager, which gives each notebook the ``language_info`` of the kernel that it will get.

    A py:percent file holds none. JupyterLab adds the kernel's when one starts, takes that for a change, and then offers
    to write an older text over what another tab has saved, although nobody typed anything. Saving drops it again.
    """

    def get(
        self,
        path: str,
        content: bool = True,
        type: str | None = None,
        format: str | None = None,
        require_hash: bool = False,
    ) -> dict[str, Any]:
        """Read a file or folder; see ``jupyter_server.services.contents.manager.ContentsManager.get``."""
        model: dict[str, Any] = super().get(
            path, content=content, type=type, format=format, require_hash=require_hash
        )
        if model["type"] == "notebook" and model["content"]:
            model["content"]["metadata"].setdefault("language_info", dict(IPythonKernel.language_info))
        return model
