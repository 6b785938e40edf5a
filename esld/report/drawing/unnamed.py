"""Figures that a cell leaves without handing them over: shown where an editor shows them, and recorded like any other.

They lack what nobody but the analyst knows: a name, a title and words for who does not see them. The pipeline says so; see
:mod:`esld.pipeline.remarks`.
"""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from esld.report.drawing.figures import Picture, plainly_laid_out, settled
from esld.report.words.catalogue import message

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURE = 'chapter.figure(figure_or_axes, id="…", title="…", alt="…")'
NO_WORDS = f"a figure without alt text and title, is published as it is; call {FIGURE}"
_BACKEND = "module://esld.report.drawing.backend"
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # another one in every run


class Unnamed(Picture):
    """A picture without an alt text: its bundle holds its id instead."""

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle, metadata = super()._repr_mimebundle_(include, exclude)
        del metadata["image/png"]["alt"]
        metadata["image/png"]["id"] = self.id
        return bundle, metadata


@dataclass
class _Desk:
    """A chapter's figures without a name, and the cell at work."""

    chapter: str
    record: Callable[[Picture], object]
    by_hand: bool
    numbers: dict[tuple[str, int], int] = field(
        default_factory=dict
    )  # by the cell's text, so that it can be run twice
    cell: str = ""
    shown: int = 0
    last: Unnamed | None = None

    def recorded(self, figure: "Figure") -> Unnamed:
        """The picture of a figure, which pyplot then forgets."""
        from matplotlib.pyplot import close

        close(figure)
        number = self.numbers.setdefault((self.cell, self.shown), len(self.numbers) + 1)
        self.shown += 1
        stem = re.sub(r"\W", "_", self.chapter)
        plainly_laid_out(figure)
        picture = settled(f"plain_{stem}_{number}", figure, message("pages.no_alt"))
        self.last = Unnamed(picture.id, picture.figure, picture.alt)
        self.record(self.last)
        return self.last

    def say(self) -> None:
        """In an editor, what the pipeline says of a whole run."""
        if self.by_hand and self.last:
            print(f"{self.last.id}, {NO_WORDS}", file=sys.stderr)


_desks: list[_Desk] = []  # that of the chapter that was opened last; none where nobody displays anything


def show_what_is_left(chapter: str, record: Callable[[Picture], object], *, by_hand: bool) -> None:
    """From now on show and record whatever figure pyplot still holds at the end of a cell, or that a cell displays.

    Does nothing outside IPython. What seaborn draws at random, such as the jitter of a strip plot, is the same in each run.

    Parameters
    ----------
    chapter : str
        Its name.
    record : callable
        What records a picture for the report.
    by_hand : bool
        Whether to say at once, on stderr, what such a figure lacks.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return
    import matplotlib as mpl
    import numpy as np

    known, _desks[:] = bool(_desks), [_Desk(chapter, record, by_hand)]
    mpl.use(_BACKEND)
    np.random.seed(int.from_bytes(chapter.encode()) % 2**32)  # noqa: NPY002 - it is what seaborn draws from
    if known:
        return
    shell.events.register("pre_run_cell", _begin)
    shell.events.register("post_run_cell", _end)
    display = shell.display_formatter
    display.mimebundle_formatter.for_type_by_name("matplotlib.figure", "Figure", _bundle)
    for module, name in (("matplotlib.axes._base", "_AxesBase"), ("seaborn.axisgrid", "_BaseGrid")):
        display.ipython_display_formatter.for_type_by_name(module, name, _is_shown_later)
    # `display` of nothing, such as what `chapter.table(None)` gives, shows nothing: IPython would write the word None.
    display.ipython_display_formatter.for_type(type(None), lambda nothing: True)
    for module, name in (("matplotlib.artist", "Artist"), ("seaborn.axisgrid", "_BaseGrid")):
        display.formatters["text/plain"].for_type_by_name(module, name, _without_address)


def show(figure: "Figure") -> None:
    """Show a figure and record it; of one without anything in it only that there is one."""
    from IPython.display import display

    if figure.axes or figure.lines or figure.texts or figure.images:
        display(_desks[-1].recorded(figure))  # type: ignore[no-untyped-call]
        _desks[-1].say()
    else:
        from matplotlib.pyplot import close

        close(figure)
        display({"text/plain": repr(figure)}, raw=True)  # type: ignore[no-untyped-call]


def show_open() -> None:
    """Show every figure that pyplot holds, in the order in which they were made."""
    if "matplotlib.pyplot" in sys.modules:
        from matplotlib._pylab_helpers import Gcf

        for manager in Gcf.get_all_fig_managers():
            show(manager.canvas.figure)


def _begin(info: Any) -> None:
    _desks[-1].cell, _desks[-1].shown = info.raw_cell, 0


def _end(result: Any) -> None:
    show_open()


def _bundle(
    figure: "Figure", include: Any = None, exclude: Any = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    if not figure.axes and not figure.lines:
        return {"text/plain": repr(figure)}, {}
    bundle = _desks[-1].recorded(figure)._repr_mimebundle_()
    _desks[-1].say()
    return bundle


def _is_shown_later(drawn: Any) -> bool:
    """Whether axes, or a grid of seaborn, need no words, as pyplot still holds their figure."""
    from matplotlib._pylab_helpers import Gcf

    return any(manager.canvas.figure is drawn.figure for manager in Gcf.get_all_fig_managers())


def _without_address(drawn: Any, printer: Any, cycle: bool) -> None:
    """What is drawn as text; of a figure that has just been shown what is in it, by which a re-run is compared."""
    last = _desks[-1].last
    printer.text(repr(last) if last and last.figure is drawn else _ADDRESS.sub("", repr(drawn)))
