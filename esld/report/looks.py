"""Which planned look at the primary outcome is due at a cut: the one answer to whether anything is tested before the end."""

from dataclasses import dataclass

import pandas as pd

from esld.data import dates
from esld.data.study import Study
from esld.protocol import Monitoring
from esld.report.words.grammar import joined


@dataclass(frozen=True)
class Looks:
    """Planned looks, and how far the trial is.

    Attributes
    ----------
    plan : Monitoring
    numbers : tuple of int
        Patients planned at each look.
    reached : frozenset of str
        ``USUBJID`` of those whose time to the day of the primary outcome is over.
    """

    plan: Monitoring
    numbers: tuple[int, ...]
    reached: frozenset[str]

    @property
    def due(self) -> int:
        """The last look that is due, from 1; 0 where none is."""
        return sum(n <= len(self.reached) for n in self.numbers)

    @property
    def is_last(self) -> bool:
        """Whether that is the last one."""
        return self.due == len(self.numbers)

    @property
    def told(self) -> str:
        """Patients planned at each look, HTML: 12, 17 and 22."""
        return joined(f'<span class="given">{n}</span>' for n in self.numbers)


def looks_of(study: Study) -> Looks | None:
    """The planned looks of a trial; None where none are planned."""
    protocol = study.protocol
    if protocol.monitoring is None:
        return None
    own = study.randomised
    over = own["RANDDT"] + pd.Timedelta(days=protocol.horizon_days)
    reached = own.loc[over <= pd.Timestamp(dates.as_date(study.cut.cutoff)), "USUBJID"]
    return Looks(
        protocol.monitoring, protocol.monitoring.numbers(protocol.target_enrolment), frozenset(reached)
    )
