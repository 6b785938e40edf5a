"""``esld new-chapter``: a chapter of an analyst's own, begun from a template that runs."""

from pathlib import Path
from typing import Annotated

import typer

from esld.cli_shared import AsJson, expecting, say


def new_chapter(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Two digits, its place, and words: 11_mine.")],
    cut: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="The cut that it is added to, params/<cut>.yaml; may be given several times. Needed where there are several.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Begin a chapter of one's own from a template that runs.

    It is written into notebooks/ of the working copy, and its name into the list of chapters of each cut; all else in a cut
    file stays as it is. An existing chapter is left as it is, and only added to the cuts. See docs/how-to/your-own-chapter.md.
    """
    from esld.data.cutfile import read_cut
    from esld.pipeline.own_chapter import new_chapter as begin

    for path in cut or []:
        with expecting("cut file", path):
            read_cut(path)
    here = Path.cwd()
    written, edited, existed = begin(name, cut or [])
    chapter, *cuts = (
        path.relative_to(here) if path.is_relative_to(here) else path for path in (written, *edited)
    )
    names = ", ".join(path.stem for path in cuts)
    what = "it was there and is left as it is, now" if existed else "a chapter to write,"
    text = f"{chapter}: {what} in the report of {names}. Next: esld run {' '.join(map(str, cuts))}"
    say({"chapter": str(chapter), "cuts": [str(path) for path in cuts]}, text, as_json)
