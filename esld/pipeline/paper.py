"""The whole report as a PDF, from its HTML page; needs the extra ``pdf``."""

from pathlib import Path

from esld.errors import InputError

PDF = "report.pdf"


def require_pdf() -> None:
    """Check that a PDF can be made.

    Raises
    ------
    esld.errors.InputError
        WeasyPrint, or a library of the system that it stands on, is missing.
    """
    try:
        import weasyprint  # noqa: F401
    except (ImportError, OSError) as error:
        why = " ".join(str(error).split())[:120]
        rule, remedy = "needs the extra 'pdf'", "Install it: pip install 'esld[pdf]'."
        raise InputError("option --pdf", rule, why, remedy=remedy) from None


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
