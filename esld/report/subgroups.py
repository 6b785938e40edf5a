"""Subgroups of patients: their levels in words, and whether an effect differs between them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import exp, isfinite, log, nan, sqrt

import pandas as pd
from scipy.special import chdtrc, ndtri

from esld.data.factors import levels
from esld.data.study import Study
from esld.longform import About, Estimate, Row, long_frame, row
from esld.protocol import Factor
from esld.report import numbers
from esld.report.phrases import p_equals, span
from esld.report.results import Reported, slug
from esld.report.words.catalogue import has, message
from esld.report.words.grammar import arm_in_prose, as_prose, capitalised, treatment


@dataclass(frozen=True, kw_only=True)
class Level:
    """One level of a factor: its code and words, its place from 1, and the ids of its patients."""

    factor: Factor
    code: str
    place: int
    patients: frozenset[str]

    @property
    def said(self) -> str:
        """The level for a reader: ``below 65``, ``Female``."""
        return level_words(self.factor, self.code)

    @property
    def statistic(self) -> str:
        """Name of its row: ``subgroup_age_1``."""
        return slug(f"subgroup {self.factor.variable} {self.place}")


def levels_of(study: Study) -> list[list[Level]]:
    """The levels of each factor by which the protocol shows subgroups; those whose value is missing are in none."""
    found = []
    for factor in study.protocol.subgroups:
        level = levels(factor, study.randomised, study.adlb)
        ids = {code: frozenset(level.index[level.eq(code)]) for code in level.cat.categories}
        own = enumerate(ids.items(), 1)
        found.append(
            [Level(factor=factor, code=str(c), place=i, patients=patients) for i, (c, patients) in own]
        )
    return found


def level_words(factor: Factor, code: str) -> str:
    """A level in the words of the catalogue, by its code: ``<65``, ``[50,65)``, ``>=65``, or a value."""
    if code.startswith("["):
        low, _, high = code[1:-1].partition(",")
        return message("subgroups.level.between", low=low, high=high)
    for sign, key in ((">=", "from"), ("<", "below")):
        if code.startswith(sign):
            return message(f"subgroups.level.{key}", cut=code.removeprefix(sign))
    own = f"baseline.sex.{code}"
    return message(own) if factor.variable == "SEX" and has(own) else code


def heterogeneity(estimates: Sequence[Estimate], *, ratios: bool = False) -> pd.DataFrame:
    """Whether effects of subgroups differ by more than chance, in long form.

    Parameters
    ----------
    estimates : sequence of Estimate
        The effect in each level; those without limits are left out.
    ratios : bool
        Whether they are ratios, which are compared by their logarithms.

    Returns
    -------
    DataFrame
        ``interaction_p_value``, Cochran's Q with as many degrees of freedom as levels less one, a standard error being the
        width of an interval over twice its quantile; of two levels ``interaction`` too, the second minus the first, or over
        it. Without two levels that can be compared no rows.

    References
    ----------
    Cochran (1954), Biometrics 10:101-129. Altman and Bland (2003), BMJ 326:219.
    """
    scale = log if ratios else float
    parts = []
    for one in estimates:
        shown = (one.value, one.lower, one.upper)
        if all(map(isfinite, shown)) and one.upper > one.lower and (not ratios or one.lower > 0):
            z = float(ndtri((1 + one.conf_level) / 2))
            value, lower, upper = map(scale, shown)
            parts.append((value, (upper - lower) / (2 * z), z))
    if len(parts) < 2:
        return long_frame([])
    weights = [error**-2 for _, error, _ in parts]
    middle = sum(w * value for w, (value, _, _) in zip(weights, parts, strict=True)) / sum(weights)
    q = sum(w * (value - middle) ** 2 for w, (value, _, _) in zip(weights, parts, strict=True))
    about: About = {"n": 0, "events": 0, "method": "cochran-q"}
    rows: list[Row] = [row("interaction_p_value", float(chdtrc(len(parts) - 1, q)), **about)]
    if len(estimates) == len(parts) == 2:
        (first, error, z), (second, other, _) = parts
        gap, margin = second - first, z * sqrt(error**2 + other**2)
        value, lower, upper = (exp(x) if ratios else x for x in (gap, gap - margin, gap + margin))
        rows.append(row("interaction", value, lower=lower, upper=upper, **about))
    return long_frame(rows).assign(n=nan, events=nan)


def sentences(
    factors: Sequence[Sequence[Level]], reported: Reported, *, kind: str, level: str
) -> Iterator[str]:
    """Whether the effect differs between the levels of each factor, HTML.

    Parameters
    ----------
    factors : sequence of sequence of Level
    reported : Reported
        Rows of :func:`heterogeneity`, each statistic before ``_`` and the variable in lower case.
    kind : {"difference", "ratio", "mean"}
        Of what: of proportions, of hazards or the like, or of means.
    level : str
        Of the intervals: 95 %.
    """
    for own in factors:
        factor = own[0].factor
        test = reported.find(slug(f"interaction_p_value {factor.variable}"))
        about = {"factor": escape(factor.name), "level": level}
        if test is None:
            yield message("subgroups.none", **about)
            continue
        effect = reported.find(slug(f"interaction {factor.variable}"))
        if effect is None or len(own) != 2:  # of three levels, two may have an effect
            yield message("subgroups.more", p=p_equals(test), **about)
            continue
        shown = ("value", "lower", "upper")
        points = {name: getattr(effect, name) for name in shown}
        if kind == "difference":
            texts = {name: numbers.fixed(100 * (x or 0), 0) for name, x in points.items()}
        else:
            texts = {name: numbers.fixed(x, 2) for name, x in points.items()}
        spans = {name: span(effect, text) for name, text in texts.items()}
        first, second = (escape(each.said) for each in own)
        yield message(f"subgroups.two.{kind}", first=first, second=second, p=p_equals(test), **spans, **about)


def titled(title: str, pair: tuple[str, str]) -> str:
    """A title, with the pair of arms that is compared, the control first, as plain text."""
    first, second = map(arm_in_prose, pair)
    return message("subgroups.title.pair", title=title, first=first, second=second)


def named(said: Iterable[str], pair: tuple[str, str]) -> str:
    """Sentences after the pair of arms of which they speak, the control first."""
    first, second = map(treatment, pair)
    return message("survival.pair", first=first, second=capitalised(second), said=as_prose(said))
