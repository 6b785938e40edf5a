"""The whole report as a PDF, from its HTML page; needs the extra ``pdf``."""

import shutil
import subprocess
from pathlib import Path

from esld.data.cutfile import is_english
from esld.errors import InputError

PDF = "report.pdf"


def require_pdf(language: str) -> None:
    """Check that a PDF can be made in a language: one whose letters no font of the machine has would be of empty boxes.

    Raises
    ------
    esld.errors.InputError
        WeasyPrint, or a library of the system that it stands on, is missing, or a font.
    """
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError) as error:
        why = " ".join(str(error).split())[:120]
        rule, remedy = "needs the extra 'pdf'", "Install it: pip install 'esld[pdf]'."
        raise InputError("option --pdf", rule, why, remedy=remedy) from None
    if (
        is_english(language) or (lister := shutil.which("fc-list")) is None
    ):  # where it is missing, a system brings its fonts
        return
    if not subprocess.run([lister, f":lang={language}"], capture_output=True, check=False).stdout.strip():
        rule, remedy = (
            f"needs a font that has the letters of {language}",
            "Install one, such as fonts-noto-cjk.",
        )
        raise InputError("option --pdf", rule, "none", remedy=remedy)


def write_pdf(page: Path, path: Path) -> None:
    """Set a page on A4, with the head and foot of its own print style.

    Parameters
    ----------
    page : Path
        ``report.html``; nothing but what it holds is read.
    path : Path
        The ``.pdf`` file; overwritten. No date is written: the same page gives the same bytes on one machine.
        The fonts are the machine's own.
    """
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    HTML(filename=page, url_fetcher=URLFetcher(allowed_protocols=("data",))).write_pdf(path)
