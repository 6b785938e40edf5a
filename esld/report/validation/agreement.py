"""How far the statistics agree with an independent implementation, as results and tables.

The numbers are measured by the tests and kept in ``esld/data/validation.csv``; nothing is compared here.
"""

from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import pandas as pd

from esld.methods import step
from esld.report import numbers
from esld.report.cells import Cell, Label, Number
from esld.report.phrases import span, whole
from esld.report.results import Reported, slug
from esld.report.tables import Table
from esld.report.words.catalogue import message


@dataclass(frozen=True)
class NotCompared:
    """Numbers of a reference that no test compares.

    Attributes
    ----------
    code : str
        Of the entries that say what they are, and why they are not compared.
    patterns : tuple of str
        "file/reference/keys" in ``tests/reference``, with ``*`` for anything.
    """

    code: str
    patterns: tuple[str, ...]

    @property
    def name(self) -> str:
        """What they are, for a reader."""
        return message(f"agreement.not_compared.{self.code}")

    @property
    def reason(self) -> str:
        """Why they are not compared."""
        return message(f"agreement.not_compared.{self.code}.why")


NOT_COMPARED = (
    NotCompared(
        "wald",
        ("b_cox.json/*/wald_chisq",),
    ),
    NotCompared(
        "df",
        ("b_cox.json/*/df",),
    ),
    NotCompared(
        "incidence_of_0",
        ("c_cuminc.json/*/etm_*_cloglog",),
    ),
    NotCompared(
        "weighted_fine_gray",
        ("c_finegray.json/*/finegray_coxph_breslow/*",),
    ),
    NotCompared(
        "other_scores",
        (
            "d_exact_logrank.json/*/coin/Hothorn_Lausen/*",
            "d_exact_logrank.json/*/coin/average_scores/*",
        ),
    ),
    NotCompared(
        "coin_asymptotic",
        (
            "d_exact_logrank.json/*/coin/mid_ranks/z",
            "d_exact_logrank.json/*/coin/mid_ranks/asymptotic_p",
            "d_exact_logrank.json/*/coin/mid_ranks/expectation",
            "d_exact_logrank.json/*/coin/mid_ranks/variance",
        ),
    ),
    NotCompared(
        "asymptotic_permutation",
        ("d_exact_logrank.json/*/observed/asymptotic_p_permutation_variance",),
    ),
    NotCompared(
        "perm_test",
        ("d_exact_logrank.json/*/exactRankTests_perm_test/*",),
    ),
    NotCompared(
        "no_variance",
        ("d_exact_logrank.json/*/studentised/count_V_zero",),
    ),
    NotCompared(
        "z_at_no_difference",
        ("e_twobytwo.json/*/miettinen_nurminen*/z_at_0",),
    ),
    NotCompared(
        "mee",
        ("e_twobytwo.json/*/mee_without_N_over_N_minus_1/*",),
    ),
    NotCompared(
        "fisher_test",
        (
            "e_twobytwo.json/*/fisher/cond_odds_ratio",
            "e_twobytwo.json/*/fisher/or_lower",
            "e_twobytwo.json/*/fisher/or_upper",
        ),
    ),
    NotCompared(
        "chi_square",
        ("e_twobytwo.json/*/chisq_uncorrected/chisq",),
    ),
    NotCompared(
        "nobody_against_nobody",
        ("e_twobytwo.json/e.0_11_v_0_11/chisq_uncorrected/p",),
    ),
    NotCompared(
        "boschloo_ordering",
        ("e_twobytwo.json/*/two_sided_fisher_two_sided_ordering/*",),
    ),
    NotCompared(
        "grid",
        ("e_twobytwo.json/*/unconditional/*/p_grid",),
    ),
    NotCompared(
        "argmax",
        ("e_twobytwo.json/*/unconditional/*/argmax",),
    ),
    NotCompared(
        "count_regression",
        ("g_mcf.json/g.nb.cgd/*",),
    ),
    NotCompared(
        "covariance_parameters",
        ("f_mmrm*.json/*/mmrm_theta", "f_mmrm*.json/*/max_abs_gradient"),
    ),
    NotCompared(
        "inside_the_reference",
        ("f_kr_expected_info.json/*/checks/*",),
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
            "statistic": f"largest_relative_difference_{slug(line['method'])}",
            "value": line["largest_relative_difference"],
            "method": step("reference", slug(line["method"])),
            "n": line["values"],
        }
        for line in agreed.to_dict("records")
    ]
    beyond = agreed["largest_relative_difference"] > agreed["tolerance"]
    total = {"method": "count", "n": int(agreed["values"].sum())}
    return pd.DataFrame(
        [
            *rows,
            {"statistic": "values_compared", "value": total["n"], "unit": "values", **total},
            {"statistic": "methods_beyond_tolerance", "value": int(beyond.sum()), "unit": "methods", **total},
            {
                "statistic": "largest_relative_difference",
                "value": agreed["largest_relative_difference"].max(),
                "method": "largest-of-methods",
                "n": total["n"],
            },
        ]
    )


def agreement_table(agreed: pd.DataFrame) -> Table:
    """The agreement for a reader."""
    lines: list[dict[str, Cell | str]] = [
        {
            "method": Label(message(f"agreement.method.{code}"), code),
            "compared_with": message(f"agreement.oracle.{code}"),
            "values": Number(line["values"]),
            "largest_relative_difference": Number(line["largest_relative_difference"], style="power"),
            "allowed": Number(line["tolerance"], style="power"),
        }
        for line in agreed.to_dict("records")
        for code in [slug(line["method"])]
    ]
    notes = tuple(message(f"agreement.note.{what}") for what in ("relative", "allowed", "zero"))
    return Table("validation", message("agreement.title"), lines, footnotes=notes)


def not_compared_table() -> Table:
    """What of the references is not compared, and why."""
    lines: list[dict[str, Cell | str]] = [
        {"not_compared": Label(n.name, n.code), "why": n.reason} for n in NOT_COMPARED
    ]
    return Table("validation_not_compared", message("agreement.not_compared.title"), lines)


def agreement_sentence(rows: Reported) -> str:
    """How many values were compared, whether they agree, and how far apart they were at most."""
    compared, largest = rows.row("values_compared"), rows.row("largest_relative_difference")
    beyond = rows.row("methods_beyond_tolerance")
    if compared.value is None or largest.value is None or beyond.value is None:
        raise ValueError("the validation record must hold numbers")
    words = {
        "compared": span(compared, f"{compared.value:,.0f}"),
        "largest": span(largest, numbers.power(largest.value)),
    }
    if beyond.value:
        return message("agreement.beyond", count=beyond.value, beyond=whole(beyond), **words)
    return message("agreement", agree=span(beyond, message("agreement.agree")), **words)
