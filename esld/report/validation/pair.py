"""A number of the report beside the same by another program, and the rows in which such numbers are found."""

from dataclasses import dataclass
from math import isnan, nan

from esld.data.study import Study
from esld.errors import RunError
from esld.reasons import Reason, Why, because
from esld.report import numbers
from esld.report.difference import result_name
from esld.report.results import Reported, Row

CLOSED_FORM = 1e-8  # relative; the report keeps 12 significant digits
SEARCHED = 1e-5  # relative: two searches of one maximum
OF_A_STANDARD_ERROR = 5e-3  # how far two searches may leave an LS mean apart, where the likelihood is flat


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One number of the report, and the same by another program.

    Attributes
    ----------
    name : str
        What it is, as a code: the entry ``double.number.<name>`` says it.
    row : Row
        The row of the report.
    part : {"value", "lower", "upper"}
        Which of its numbers.
    second : float
        The other program's; NaN where it has none.
    allowed : float
        The largest difference that is agreement, in the unit of the number.
    by : str
        The other program.
    unfit : Reason or None
        Why it has no number although there is one; None if it has, or there is none.
    of : str
        The protocol's label of what is measured, where there is more than one.
    """

    name: str
    row: Row
    part: str
    second: float
    allowed: float
    by: str
    unfit: Reason | None = None
    of: str = ""

    @property
    def first(self) -> float:
        """The report's number, NaN where it has none."""
        value = getattr(self.row, self.part)
        return nan if value is None else float(value)

    @property
    def gap(self) -> float:
        """The distance of the two; NaN where a number is missing."""
        return abs(self.first - self.second)

    @property
    def compared(self) -> bool:
        """Whether both programs were asked; that neither gives a number is agreement too."""
        return not self.unfit

    @property
    def agrees(self) -> bool:
        """Whether the two differ by no more than is allowed."""
        if not self.compared or (isnan(self.first) and isnan(self.second)):
            return True
        return self.gap <= self.allowed


class Rows:
    """Rows found by the name of the result, statistic, arm and time."""

    def __init__(self, reported: Reported, study: Study) -> None:
        self.rows = {(result_name(r), r.statistic, r.arm, r.time): r for r in reported.rows}
        self.names = {name for name, *_ in self.rows}
        # The other programs are asked for 95 %; a chapter that was given another level has other limits.
        self.other_level = {
            c for c, own in study.cut.parameters.items() if own.get("conf_level", 0.95) != 0.95
        }

    def pair(
        self,
        result: str,
        statistic: str,
        arm: str,
        time: float | None,
        second: float,
        *,
        by: str,
        name: str,
        part: str = "value",
        relative: float = CLOSED_FORM,
        unfit: Why | None = None,
        of: str = "",
    ) -> Pair | None:
        """The report's number and `second`.

        None if the report has no such row, nor the other program such a number; and of a limit where the chapter's level
        is not 95 %.
        """
        row = self.rows.get((result, statistic, arm, numbers.significant(time)))
        if row is None:
            if result not in self.names or isnan(second):
                return None
            raise RunError(
                f"double programming: {by} has {result}.{statistic} of {arm or 'all'}, the report has not."
            )
        if part != "value" and row.chapter in self.other_level:
            return None
        ours = getattr(row, part)
        return Pair(
            name=name if part == "value" else f"{name}.{part}", of=of, row=row, part=part, second=second, by=by,
            allowed=max(relative * abs(ours or 0.0), 1e-12),
            unfit=because(unfit) if unfit and isnan(second) and ours is not None else None,
        )  # fmt: skip
