"""Win statistics: win ratio, win odds, net benefit and the Finkelstein-Schoenfeld test of a hierarchy."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from esld.longform import About, Estimate, Row, Shown, estimate_rows, long_frame, row
from esld.longitudinal._covariance import Ints
from esld.longitudinal._pairs import Pairs, check_level, exact_rows, exact_test, score_test, second_arm
from esld.longitudinal.hierarchy import Component, compared, component_names
from esld.randomisation.designs import Design
from esld.randomisation.inference import DRAWS, LIMIT, RandomisationTest

METHOD = "u-statistic"
FINKELSTEIN_SCHOENFELD = "finkelstein-schoenfeld, normal"
EXACT = "finkelstein-schoenfeld"


@dataclass(frozen=True, kw_only=True)
class ComponentPairs:
    """Pairs across the arms that came to one component, undecided by those before; the last three add up to them.

    Attributes
    ----------
    name : str
    wins, losses : int
        Decided by it, for the second arm and against it.
    ties : int
        Left undecided: the pairs of the next component.
    """

    name: str
    wins: int
    losses: int
    ties: int


@dataclass(frozen=True, eq=False, kw_only=True)
class WinStatistics(Shown):
    """The second arm against the first, over all n1 n2 pairs.

    Attributes
    ----------
    groups : tuple of 2 str
        The arms; a win is one of the second.
    n : tuple of 2 int
        Subjects.
    wins, losses, ties : int
        Pairs; together n1 n2.
    components : tuple of ComponentPairs
        In the order of the hierarchy.
    win_ratio, win_odds, net_benefit : Estimate
        NaN, or infinite, with the reason where there is no such number or no limits.
    finkelstein_schoenfeld : Estimate
        The score, wins minus losses, with its standard error over all allocations with these arm sizes, whatever the
        design, and the p-value of their normal approximation.
    exact : RandomisationTest
        The same score against every allocation of the design.
    scores : ndarray of int, shape (n,)
        U_i: subjects of either arm to whom subject i is better, minus those to whom it is worse; they sum to 0.
    conf_level : float
        Level of the limits.
    """

    groups: tuple[str, str]
    n: tuple[int, int]
    wins: int
    losses: int
    ties: int
    components: tuple[ComponentPairs, ...]
    win_ratio: Estimate
    win_odds: Estimate
    net_benefit: Estimate
    finkelstein_schoenfeld: Estimate
    exact: RandomisationTest
    scores: Ints
    conf_level: float

    def to_frame(self) -> pd.DataFrame:
        """Long form: pairs in all, then by component (its name as `method`); the three estimates; the two tests.

        `n` counts subjects, `events` the pairs that were decided.
        """
        first, second = self.groups
        about: About = {"group": f"{second} - {first}", "n": sum(self.n), "events": self.wins + self.losses}
        rows: list[Row] = [row(name, getattr(self, name), **about) for name in ("wins", "losses", "ties")]
        for part in self.components:
            own: About = {**about, "events": part.wins + part.losses, "method": part.name}
            for name in ("wins", "losses", "ties"):
                rows.append(row(f"component_{name}", getattr(part, name), **own))
        # The standard errors belong to the logarithms: the ratios' own are left out.
        rows += estimate_rows("win_ratio", replace(self.win_ratio, std_err=nan), **about)
        rows += estimate_rows("win_odds", replace(self.win_odds, std_err=nan), **about)
        rows += estimate_rows("net_benefit", self.net_benefit, **about)
        rows += estimate_rows("finkelstein_schoenfeld", self.finkelstein_schoenfeld, **about)
        return long_frame([*rows, *exact_rows(self.exact, about)])


def win_statistics(
    components: Sequence[Component],
    group: ArrayLike,
    *,
    groups: Sequence[Hashable] | None = None,
    conf_level: float = 0.95,
    design: Design | None = None,
    limit: int = LIMIT,
    draws: int = DRAWS,
    seed: str | int = "esld win statistics",
) -> WinStatistics:
    """Win ratio, win odds, net benefit and the Finkelstein-Schoenfeld test of a hierarchy of outcomes.

    Every pair is decided by the first component in which one of the two is better; what none decides is a tie.

    Parameters
    ----------
    components : sequence of Component
        In order of importance, at least one, each with a name of its own: `TimeComponent`, `EventsComponent`,
        `ValueComponent`, or any other that compares. Rows belong together by position.
    group : array_like of shape (n,)
        Label of each subject; two labels, none missing. Codes 0 (first arm) and 1 (second) are labels too.
    groups : sequence of 2, optional
        The labels, first the one to compare with; may name an arm without subjects. Default: the order of the
        categories, else sorted.
    conf_level : float, default 0.95
        Level of the limits, in (0, 1).
    design : Design, optional
        How the subjects came to their arms, for the exact p-value. Default: complete randomisation with the arm sizes
        at hand.
    limit, draws, seed
        As for `randomisation_test`.

    Returns
    -------
    WinStatistics
        Without losses the win ratio is infinite and without limits, which net benefit has; without either it is NaN;
        `reason` says so. Limits need two subjects in each arm, and subjects that fare differently.

    Raises
    ------
    ValueError
        No components, a name twice, lengths that differ, not two labels, `conf_level` not between 0 and 1; as for
        `randomisation_test`.

    Notes
    -----
    W and L are the pairs won and lost, D = (W - L) / (n1 n2) the net benefit. Let w_i and l_i be the share of its pairs
    with the other arm in which subject i saw the second arm win and lose. The variance of a function f of the two
    proportions is v1 / n1 + v2 / n2, v the sample variance (divisor n - 1) in an arm of

    - w - l for D,
    - w n1 n2 / W - l n1 n2 / L for log(W / L),
    - 2 (w - l) / (1 - D^2) for the logarithm of the win odds, (1 + D) / (1 - D).

    These are the projections of the U-statistics, of which Bebu and Lachin derive the limits; divisor n - 1 is Sen's.
    All limits are normal. Those of D are made on the scale of the log win odds, of which D is a function: they say what
    those of the win odds say and never pass 1, as plain ones do in a small trial. The variances of the three take the
    arms as samples; that of the Finkelstein-Schoenfeld score, n1 n2 / (N (N - 1)) times the sum of U_i^2, takes the
    data as fixed and the arms as drawn. At small n trust the exact p-value.

    Pairs within an arm cancel, so the sum of U_i over the second arm is W - L, a linear function of the allocation.
    Shared follow-up makes wins and losses depend on how long subjects are followed. A pair whose deaths tie goes on to
    the next component: a value of the dead counts there unless it is given as NaN.

    References
    ----------
    Finkelstein and Schoenfeld (1999), Stat Med 18:1341-1354. Buyse (2010), Stat Med 29:3245-3257. Pocock, Ariti,
    Collier and Wang (2012), Eur Heart J 33:176-182. Bebu and Lachin (2016), Biostatistics 17:178-187. Brunner,
    Vandemeulebroecke and Mütze (2021), Stat Med 40:3367-3384, for the win odds. Sen (1960), Calcutta Stat Assoc Bull
    10:1-18.

    Examples
    --------
    >>> from esld.data.datasets import demo_by_week
    >>> from esld.longitudinal import TimeComponent, ValueComponent, win_statistics
    >>> patients = demo_by_week("albumin_g_l")
    >>> death = TimeComponent(name="death", time=patients["days"], event=patients["died"], better="longer")
    >>> albumin = ValueComponent(name="albumin", value=patients["week_48"], better="higher", margin=2)
    >>> found = win_statistics([death, albumin], patients["arm"])
    >>> found.wins, found.losses, found.ties, round(found.win_ratio.value, 2)
    (52, 36, 33, 1.44)
    """
    check_level(conf_level)
    second, labels = second_arm(group, groups)
    names = component_names(components, second.size)
    n = second.size
    scores, wins, losses = (np.zeros(n, dtype=np.int64) for _ in range(3))
    parts = np.zeros((len(names), 3), dtype=np.int64)
    for rows, score, decided_by in compared(components, n):
        scores[rows] = score.sum(axis=1)
        across = second[rows, np.newaxis] != second
        # The row's own wins; they are the second arm's if the row is in it.
        better, worse = np.sum(across & (score > 0), axis=1), np.sum(across & (score < 0), axis=1)
        wins[rows] = np.where(second[rows], better, worse)
        losses[rows] = np.where(second[rows], worse, better)
        of_second = across & second[rows, np.newaxis]
        for place, part in enumerate(parts):
            here = score[of_second & (decided_by == place)]
            part[:2] += np.count_nonzero(here > 0), np.count_nonzero(here < 0)
    pairs = Pairs(wins=wins, losses=losses, second=second, groups=labels, conf_level=conf_level)
    parts[:, 2] = pairs.n[0] * pairs.n[1] - np.cumsum(parts[:, 0] + parts[:, 1])
    won, lost, tied = pairs.totals
    return WinStatistics(
        groups=labels, n=pairs.n, wins=won, losses=lost, ties=tied,
        components=tuple(
            ComponentPairs(name=name, wins=part[0], losses=part[1], ties=part[2])
            for name, part in zip(names, parts.tolist(), strict=True)
        ),
        win_ratio=pairs.win_ratio(f"{METHOD}, log"), win_odds=pairs.win_odds(f"{METHOD}, log"),
        net_benefit=pairs.net_benefit(f"{METHOD}, through-log-win-odds"),
        finkelstein_schoenfeld=score_test(scores, second, FINKELSTEIN_SCHOENFELD),
        exact=exact_test(EXACT, scores, second, groups=labels, design=design, limit=limit, draws=draws, seed=seed),
        scores=scores, conf_level=conf_level,
    )  # fmt: skip
