"""Figures in one visual language, made from the same results as the tables and sentences."""

import calendar
import hashlib
import io
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from esld.errors import InputError
from esld.report.lines import in_lines, width_of
from esld.report.plain import named_for_a_reader
from esld.report.words.catalogue import PSEUDO, message, reader
from esld.report.words.grammar import as_prose

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from numpy.typing import ArrayLike


COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
# Of whatever is plotted without a colour; the arms first, so that a plot by TRT01P has those of the report.
CYCLE = (*COLOURS, "#56B4E9", "#E69F00", "#7A4E9E", "#888888")
DASHES = ("solid", (0, (5, 1.6)), (0, (1.5, 1.5)), (0, (5, 1.5, 1.5, 1.5)))
INK, FAINT = "#333333", "#E3E3E3"
DPI = 200

DEATH, TRANSPLANT, GIVEN, LOST = "x", "D", "^", "o"
# How a course ended: marker, colour, filled or not; the same in every figure.
ENDS = {
    "death": (DEATH, INK, True),
    "transplant": (TRANSPLANT, "#7A4E9E", True),
    "lost": (LOST, INK, False),
}
# Chinese characters (GB 2312), brought along because a machine need not have any.
_HAN = Path(__file__).parent / "fonts" / "esld-han.otf"
_HAN_SHA256 = "edb83f3d6b19273ddf07ae2a09e88d2c4ed6677b663d67e5c43b9f1f5fc65ec1"
_OF_MATPLOTLIB = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
_REPRODUCIBLE = {"svg.hashsalt": "esld"}
_WIDTH = 7.0  # inches

_STYLE: dict[str, Any] = {
    **_REPRODUCIBLE,
    "figure.dpi": 100,
    "savefig.dpi": DPI,
    "font.family": ["DejaVu Sans", "esld Han"],  # the second for what the first has not
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.titley": 1.0,  # no axis has its ticks on top, and looking for them costs a tenth of a draw
    "axes.labelsize": 9.5,
    "axes.edgecolor": "#888888",
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
}


def check_fonts() -> None:
    """Refuse to begin without the fonts of the figures; matplotlib, which takes long, is not imported for it.

    Raises
    ------
    esld.errors.InputError
        The package's own is not there or not the one that was installed, or matplotlib's is not there.
    """
    own = _HAN.read_bytes() if _HAN.is_file() else b""
    found = find_spec("matplotlib")
    ttf = Path(str(found and found.origin)).parent / "mpl-data" / "fonts" / "ttf"
    for path, sound in (
        (_HAN, hashlib.sha256(own).hexdigest() == _HAN_SHA256),
        *((ttf / name, (ttf / name).is_file()) for name in _OF_MATPLOTLIB),
    ):
        if not sound:
            rule = "must be there as it was installed"
            of = "esld" if path is _HAN else "matplotlib"
            raise InputError(
                f"the font {path.name}", rule, where=str(path.parent), remedy=f"Install {of} again."
            )


def set_style() -> None:
    """Apply the house style to matplotlib, and so to seaborn; called when a chapter opens."""
    import matplotlib as mpl
    from matplotlib.font_manager import fontManager
    from matplotlib.rcsetup import cycler

    if not any(font.fname == str(_HAN) for font in fontManager.ttflist):
        check_fonts()
        fontManager.addfont(_HAN)
        fontManager.ttflist.append(replace(fontManager.ttflist[-1], weight=700))  # for bold titles the same
    for name, value in _STYLE.items():
        mpl.rcParams[name] = value  # type: ignore[index]
    mpl.rcParams["axes.prop_cycle"] = cycler(color=list(CYCLE))


def new_figure(height: float = 3.6, width: float = _WIDTH, **grid: Any) -> "Figure":
    """A figure, 7 inches wide unless told, that pyplot does not know of, so that nothing is shown twice or left open."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained", **grid)


def arm_style(position: int) -> dict[str, Any]:
    """Colour and dash of the arm in that place of the protocol; never colour alone."""
    return {"color": COLOURS[position % len(COLOURS)], "linestyle": DASHES[position % len(DASHES)]}


@dataclass(frozen=True)
class Picture:
    """A figure with its words, none of which is drawn: the caption stands where the figure is shown.

    Attributes
    ----------
    id, alt : str
        Name of its files, and the words for those who do not see it.
    title : str
        What it shows, above it; empty where nobody has said so.
    legend : str
        What its marks, bands and numbers are, below it; plain text.
    """

    id: str
    figure: "Figure"
    alt: str
    title: str = ""
    legend: str = ""

    def __repr__(self) -> str:
        title = self.title and message("list.stop", text=self.title)
        said = as_prose((title, self.legend, self.alt))
        return f"Figure {self.id}: {said}\n{self.drawn()}"

    def drawn(self) -> str:
        """What each panel shows, in figures that a re-run must reproduce; pixels are not compared."""
        lines = []
        for number, axes in enumerate(self.figure.axes, 1):
            drawn = [("line", np.column_stack(_data(line))) for line in axes.get_lines()]
            for collection in axes.collections:
                if vertices := [path.vertices for path in collection.get_paths()]:
                    drawn.append(("area", np.concatenate(vertices)))
            for kind, points in drawn:
                if len(points):
                    x, y = (round(float(total), 6) for total in np.nansum(points.astype(float), axis=0))
                    said = f"panel {number}, {kind} of {len(points)} points"
                    lines.append(f"{said}: sum x {x:.6g}, sum y {y:.6g}")
        return "\n".join(lines)

    def save(self, folder: Path) -> None:
        """Write ``<id>.svg`` and ``<id>.png`` without dates or random ids."""
        (folder / f"{self.id}.svg").write_bytes(self.svg())
        (folder / f"{self.id}.png").write_bytes(self._png)

    def svg(self) -> bytes:
        """The figure as SVG."""
        import matplotlib as mpl

        buffer = io.BytesIO()
        text = "none" if reader().language == PSEUDO else "path"  # there texts are looked for plain letters
        with mpl.rc_context(_REPRODUCIBLE | {"svg.fonttype": text}):  # type: ignore[arg-type]
            self.figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        return buffer.getvalue()

    @cached_property
    def _png(self) -> bytes:
        buffer = io.BytesIO()
        self.figure.savefig(
            buffer, format="png", dpi=DPI, metadata={"Software": None}, pil_kwargs={"compress_level": 3}
        )
        return buffer.getvalue()

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        width, height = self.figure.get_size_inches() * 96
        words = {"alt": self.alt, "title": self.title, "legend": self.legend}
        shown = words | {"width": round(width), "height": round(height), "exhibit": self.id}
        metadata = {"image/png": shown}
        return {"image/png": self._png, "text/plain": repr(self)}, metadata


def _data(line: "Line2D") -> "tuple[ArrayLike, ArrayLike]":
    """What a line goes through, in numbers: days and words as matplotlib puts them on an axis."""
    given = line.get_data(orig=True)
    numbers = all(np.asarray(one).dtype.kind in "biuf" for one in given)
    return given if numbers else line.get_data(orig=False)


def settled(id: str, figure: "Figure", alt: str, *, title: str = "", legend: str = "") -> Picture:
    """The picture with its layout fixed: constrained layout moves a little at every draw, and so would the bytes.

    A label that is longer than its axis is wrapped, so that it reaches into nothing beside the axis.
    """
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if not axis.label.get_text():
            axis.set_label_coords(0, 0)  # else every draw looks for the place of a label that is none
    if (engine := figure.get_layout_engine()) is not None:
        engine.execute(figure)
        if _wrapped(figure):
            engine.execute(figure)
    figure.set_layout_engine(
        None
    )  # a placeholder, as "none" would set, has every figure drawn twice to be saved
    return Picture(id, figure, alt, title, legend)


def _wrapped(figure: "Figure") -> bool:
    """Wrap the labels in the middle of an axis to its length; whether one was."""
    long = []
    for axes in (axes for axes in figure.axes if axes.get_visible()):
        room = axes.get_window_extent()
        for label, length, side in (
            (axes.xaxis.label, room.width, "width"),
            (axes.yaxis.label, room.height, "height"),
        ):
            words = label.get_text()
            taken = getattr(label.get_window_extent(), side) if words and label.get_visible() else 0.0
            if taken > length > 0 and label.get_position()[side == "height"] == 0.5:
                longest = max(map(width_of, words.splitlines()))
                label.set_text(in_lines(words, max(8, int(longest * length / taken))))
                long.append(label)
    return bool(long)


def plain_picture(drawn: "Figure | Axes", id: str, title: str, alt: str, legend: str = "") -> Picture:
    """The picture of a figure that matplotlib or seaborn drew; pyplot forgets it, so that it is shown once.

    Raises
    ------
    esld.errors.InputError
        It is no figure, or has no id that fits a file, or no words for who does not see it.
    """
    from matplotlib.figure import Figure
    from matplotlib.pyplot import close

    figure = getattr(drawn, "figure", drawn)  # of axes, and of the grids of seaborn
    if not isinstance(figure, Figure):
        rule = "must be given a figure of matplotlib, its axes, or a picture of the house"
        raise InputError(
            "chapter.figure", rule, type(drawn).__name__, remedy="Give what the drawing call returned."
        )
    named_for_a_reader("figure", id, alt)
    close(figure)
    plainly_laid_out(figure)
    return settled(id, figure, alt, title=title, legend=legend)


def plainly_laid_out(figure: "Figure") -> None:
    """Make room for all labels where nobody has laid the figure out."""
    from matplotlib import rcParams

    place = "figure.subplot."
    given = {name.removeprefix(place): value for name, value in rcParams.items() if name.startswith(place)}
    untouched = all(getattr(figure.subplotpars, side) == value for side, value in given.items())
    if untouched and figure.get_layout_engine() is None:
        figure.set_layout_engine("constrained")


def date_axis(axes: "Axes") -> None:
    """Calendar days along the axis, of which at least four weeks are shown: of a single day there is no scale."""
    import matplotlib.dates as mdates

    class Named(mdates.ConciseDateFormatter):
        """Months by the names of the catalogue."""

        def format_ticks(self, values: Any) -> list[str]:
            return [_in_words(text) for text in super().format_ticks(values)]  # type: ignore[no-untyped-call]

        def get_offset(self) -> str:
            return _in_words(super().get_offset())  # type: ignore[no-untyped-call]

    first, last = axes.dataLim.intervalx
    short = max(0.0, 28.0 - (last - first))
    if short:
        axes.set_xlim(first - short / 2, last + short / 2)
    locator = mdates.AutoDateLocator(maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(Named(locator))  # type: ignore[no-untyped-call]


def _in_words(tick: str) -> str:
    """A date on an axis, in which a month has the short name of the locale."""
    for number, name in enumerate(calendar.month_abbr):
        if name and name in tick:
            return tick.replace(name, message(f"month.short.{number}"))
    return tick
