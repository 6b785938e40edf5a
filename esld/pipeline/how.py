"""How a command that runs chapters works, and what it gives."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from esld.data.cutfile import CutFile

CELL_SECONDS = 600  # that a cell may take, unless it is said otherwise


def processors() -> int:
    """As many as this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class How:
    """How reports are made.

    Attributes
    ----------
    outputs : Path, optional
        Folder of published reports; ``outputs/`` of the cut's working copy by default.
    pdf : bool
        Whether to make the whole report as a PDF as well.
    jobs : int
        Chapters at once; as many as there are processors by default.
    timeout : int
        Seconds that a cell may take.
    force : bool
        Whether to execute chapters whose inputs have not changed.
    template : Path, optional
        Word document whose styles, page, head and foot the report's has.
    """

    outputs: Path | None = None
    pdf: bool = False
    jobs: int = field(default_factory=processors)
    timeout: int = CELL_SECONDS
    force: bool = False
    template: Path | None = None


def outputs_folder(file: "CutFile", outputs: Path | None) -> Path:
    """Folder of published reports, without links: the one that was asked for, or ``outputs/`` of the cut's working copy."""
    return Path(os.path.realpath(outputs or file.root / "outputs"))


@dataclass(frozen=True)
class Published:
    """A published report.

    Attributes
    ----------
    cut : str
        Its id.
    index : Path
        Its first page.
    seconds : float
        That it took.
    warnings : tuple of str
        What chapters wrote to stderr, and what of their pages lacks a number, an alt text or a result, a line each.
    reused : tuple of str
        Chapters that were not executed again.
    stands : bool
        Whether nothing had changed since it was published, so that nothing was written.
    pages : tuple of Path
        Of chapters that were asked for alone, which are no report.
    """

    cut: str
    index: Path
    seconds: float
    warnings: tuple[str, ...] = ()
    reused: tuple[str, ...] = ()
    stands: bool = False
    pages: tuple[Path, ...] = ()
