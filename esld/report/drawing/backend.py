"""What pyplot draws with in a chapter: as on paper, and ``show`` shows there and then; see :mod:`esld.report.drawing.unnamed`."""

from typing import Any

from matplotlib.backend_bases import FigureManagerBase
from matplotlib.backends.backend_agg import FigureCanvasAgg

from esld.report.drawing import unnamed


class _Manager(FigureManagerBase):
    @classmethod
    def pyplot_show(cls, **_: Any) -> None:
        """Show every figure that is open, as ``plt.show()`` asks."""
        unnamed.show_open()

    def show(self) -> None:
        """Show this one, as ``figure.show()`` asks."""
        unnamed.show(self.canvas.figure)


class FigureCanvas(FigureCanvasAgg):
    """The canvas that pyplot looks for under this name."""

    manager_class = _Manager
