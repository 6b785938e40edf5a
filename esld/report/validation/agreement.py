"""How far the statistics agree with an independent implementation, as results and tables.

The numbers are measured by the tests and kept in ``esld/data/validation.csv``; nothing is compared here.
"""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pandas as pd

from esld.report import numbers
from esld.report.cells import Number
from esld.report.phrases import span
from esld.report.results import Reported
from esld.report.tables import Table


@dataclass(frozen=True)
class NotCompared:
    """Numbers of a reference that no test compares.

    Attributes
    ----------
    name : str
        What they are, for a reader.
    patterns : tuple of str
        "file/reference/keys" in ``tests/reference``, with ``*`` for anything.
    reason : str
        Why they are not compared.
    """

    name: str
    patterns: tuple[str, ...]
    reason: str


NOT_COMPARED = (
    NotCompared(
        "Wald test of a Cox model",
        ("b_cox.json/*/wald_chisq",),
        "R rounds it to two decimals, and esld does not report it.",
    ),
    NotCompared(
        "Degrees of freedom of Cox models and of the tests of proportional hazards",
        ("b_cox.json/*/df",),
        "The number of covariates, which was given.",
    ),
    NotCompared(
        "Limits of a cumulative incidence of 0",
        ("c_cuminc.json/*/etm_*_cloglog",),
        "etm gives 0 and 0 where the incidence is 0; esld gives none, as at a survival of 1.",
    ),
    NotCompared(
        "Fine–Gray by weighted Cox regression",
        ("c_finegray.json/*/finegray_coxph_breslow/*",),
        "Places the censoring weights of tied times differently: another fit, about 1e-5 away.",
    ),
    NotCompared(
        "Exact log-rank, coin's Hothorn–Lausen and average scores",
        (
            "d_exact_logrank.json/*/coin/Hothorn_Lausen/*",
            "d_exact_logrank.json/*/coin/average_scores/*",
        ),
        "Another treatment of ties, so another test.",
    ),
    NotCompared(
        "Exact log-rank, coin's z, asymptotic p-value, expectation and variance",
        (
            "d_exact_logrank.json/*/coin/mid_ranks/z",
            "d_exact_logrank.json/*/coin/mid_ranks/asymptotic_p",
            "d_exact_logrank.json/*/coin/mid_ranks/expectation",
            "d_exact_logrank.json/*/coin/mid_ranks/variance",
        ),
        "Belongs to the asymptotic test of coin, which esld does not have.",
    ),
    NotCompared(
        "Asymptotic log-rank with the permutation variance",
        ("d_exact_logrank.json/*/observed/asymptotic_p_permutation_variance",),
        "esld has the exact test of this variance, and the asymptotic one of the hypergeometric variance.",
    ),
    NotCompared(
        "exactRankTests perm.test",
        ("d_exact_logrank.json/*/exactRankTests_perm_test/*",),
        "Rounds the scores: with ties it is no log-rank test.",
    ),
    NotCompared(
        "Allocations without a variance",
        ("d_exact_logrank.json/*/studentised/count_V_zero",),
        "A count inside the enumerator.",
    ),
    NotCompared(
        "Miettinen–Nurminen: z at no difference",
        ("e_twobytwo.json/*/miettinen_nurminen*/z_at_0",),
        "Reported as its p-value, which is compared.",
    ),
    NotCompared(
        "Mee's interval",
        ("e_twobytwo.json/*/mee_without_N_over_N_minus_1/*",),
        "The same interval without the factor N / (N − 1): another method.",
    ),
    NotCompared(
        "Conditional odds ratio and its limits by fisher.test",
        (
            "e_twobytwo.json/*/fisher/cond_odds_ratio",
            "e_twobytwo.json/*/fisher/or_lower",
            "e_twobytwo.json/*/fisher/or_upper",
        ),
        "R solves it to 1e-5 to 3e-3 only; the same number in full precision is compared.",
    ),
    NotCompared(
        "Uncorrected chi-square statistic",
        ("e_twobytwo.json/*/chisq_uncorrected/chisq",),
        "esld reports no chi-square test of a two-by-two table; its p-value is compared with Koopman's.",
    ),
    NotCompared(
        "Uncorrected chi-square test of nobody against nobody",
        ("e_twobytwo.json/e.0_11_v_0_11/chisq_uncorrected/p",),
        "Not defined in R; esld gives 1, as its other tests of that table do.",
    ),
    NotCompared(
        "Boschloo ordered by Fisher's two-sided p-value",
        ("e_twobytwo.json/*/two_sided_fisher_two_sided_ordering/*",),
        "Another test; esld takes twice the smaller one-sided p-value.",
    ),
    NotCompared(
        "Unconditional tests on a grid",
        ("e_twobytwo.json/*/unconditional/*/p_grid",),
        "A step of the search; the refined p-value is compared.",
    ),
    NotCompared(
        "Where an unconditional p-value is largest",
        ("e_twobytwo.json/*/unconditional/*/argmax",),
        "A step of the search.",
    ),
    NotCompared(
        "Negative binomial and Poisson regression",
        ("g_mcf.json/g.nb.cgd/*",),
        "esld has no regression of counts.",
    ),
    NotCompared(
        "MMRM: parameters of the covariance, and the gradient",
        ("f_mmrm*.json/*/mmrm_theta", "f_mmrm*.json/*/max_abs_gradient"),
        "The covariance itself is compared; R describes it by other parameters.",
    ),
    NotCompared(
        "MMRM: one implementation of the reference against another",
        ("f_kr_expected_info.json/*/checks/*",),
        "A check inside the reference.",
    ),
)


def agreement() -> pd.DataFrame:
    """What the tests compared.

    Returns
    -------
    DataFrame
        One row a method: ``method``, ``oracle`` (who computed the reference, with version), ``values`` (how
        many numbers were compared, each once), ``largest_relative_difference`` (rounded up to one digit; 0 is
        equal to the last bit) and ``tolerance`` (the relative difference at which a test fails).
    """
    return pd.read_csv(Path(str(resources.files("esld.data"))) / "validation.csv")


def agreement_rows(agreed: pd.DataFrame) -> pd.DataFrame:
    """The agreement as results: the largest difference of each method, with ``n`` the values compared, and totals."""
    rows = [
        {
            "statistic": f"largest relative difference, {line['method']}",
            "value": line["largest_relative_difference"],
            "method": line["oracle"],
            "n": line["values"],
        }
        for line in agreed.to_dict("records")
    ]
    beyond = agreed["largest_relative_difference"] > agreed["tolerance"]
    total = {"method": "count", "n": int(agreed["values"].sum())}
    return pd.DataFrame(
        [
            *rows,
            {"statistic": "values compared", "value": total["n"], "unit": "values", **total},
            {"statistic": "methods beyond tolerance", "value": int(beyond.sum()), "unit": "methods", **total},
            {
                "statistic": "largest relative difference",
                "value": agreed["largest_relative_difference"].max(),
                "method": "largest of all methods",
                "n": total["n"],
            },
        ]
    )


def agreement_table(agreed: pd.DataFrame) -> Table:
    """The agreement for a reader."""
    lines = [
        {
            "Method": line["method"],
            "Compared with": line["oracle"],
            "Values": Number(line["values"]),
            "Largest relative difference": Number(line["largest_relative_difference"], style="power"),
            "Allowed": Number(line["tolerance"], style="power"),
        }
        for line in agreed.to_dict("records")
    ]
    notes = (
        "A relative difference of 10⁻⁸ means that about the first eight digits are the same. Differences are rounded up.",
        "Closed forms may differ by 10⁻⁸, fits that are found step by step by 10⁻⁶, exact counts by 10⁻¹¹.",
        "A value of 0 has no relative difference: it must be 0 to within 10⁻¹⁴. The p-values of Gray's test, which "
        "R takes from one minus a number, may be apart by the rounding of that, 2 × 10⁻¹⁶.",
    )
    return Table("validation", "Agreement with independent implementations", lines, footnotes=notes)


def not_compared_table() -> Table:
    """What of the references is not compared, and why."""
    lines = [{"Not compared": n.name, "Why": n.reason} for n in NOT_COMPARED]
    return Table("validation_not_compared", "Reference numbers that are not compared", lines)


def agreement_sentence(rows: Reported) -> str:
    """How many values were compared, whether they agree, and how far apart they were at most."""
    count, largest = rows.row("values compared"), rows.row("largest relative difference")
    beyond = rows.row("methods beyond tolerance")
    if count.value is None or largest.value is None or beyond.value is None:
        raise ValueError("the validation record must hold numbers")
    methods = numbers.noun(beyond.value, "method differs", "methods differ")
    verdict = f"{span(beyond, f'{beyond.value:.0f}')} {methods} by more than is allowed"
    return (
        f"{span(count, f'{count.value:,.0f}')} values were compared with another implementation: "
        f"{verdict if beyond.value else span(beyond, 'all agree') + ' as closely as is asked'}. "
        f"The largest relative difference is {span(largest, numbers.power(largest.value))}."
    )
