"""What agrees with an independent implementation: measured by the reference tests, kept in esld/data/validation.csv.

``python -m tests.validation`` runs every test that uses the fixture `agrees`, writes the CSV and the tables of
tests/reference/README.md, and prints what it wrote. ``python -m tests.validation FILE`` writes the single
comparisons to FILE as JSON and nothing else; tests/test_validation.py calls that.
"""

import json
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, dataclass
from functools import reduce
from itertools import accumulate
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from esld.report.validation.agreement import NOT_COMPARED

ROOT = Path(__file__).parents[1]
REFERENCES = ROOT / "tests" / "reference"
PARTS = ("survival", "longitudinal", "operating")  # of the package, of tests/ and of tests/reference/
README = ROOT / "tests" / "reference" / "README.md"
RECORD = ROOT / "esld" / "data" / "validation.csv"
PROPERTY = "comparison"  # the user property of a test under which a comparison travels
ZERO = 1e-14  # a reference of 0 to within this is compared absolutely

SURVIVAL, CMPRSK, R, MMRM = "R survival 3.5-3", "R cmprsk 2.2-11", "R 4.2.2", "R mmrm 0.3.18"
EMMEANS, RPACT = "R emmeans 1.8.4-1", "R rpact 3.3.4"
CLOSED, ITERATIVE, RECURSIVE = 1e-8, 1e-6, 1e-5


@dataclass(frozen=True)
class Method:
    """Who computed the reference, the largest relative difference that a test lets pass, and the oracle's own rounding."""

    oracle: str
    tolerance: float = CLOSED
    rounding: float = 0.0


METHODS = {
    "Kaplan–Meier": Method(f"{SURVIVAL}, survfit"),
    "Nelson–Aalen": Method(f"{SURVIVAL}, survfit"),
    "Survival at a milestone": Method(f"{SURVIVAL}, survfit and its standard errors"),
    "Log-rank": Method(f"{SURVIVAL}, survdiff"),
    "Peto–Peto": Method(f"{SURVIVAL}, survdiff"),
    "Exact log-rank": Method(f"C++ written for the reference, and {SURVIVAL}, survdiff", 1e-11),
    "Exact log-rank, unstudentised": Method("R coin 1.4-2, logrank_test", 1e-11),
    "Restricted mean survival time": Method(f"{SURVIVAL}, survfit and its standard errors"),
    "Cox": Method(f"{SURVIVAL}, coxph", ITERATIVE),
    "Partial likelihood": Method(f"{SURVIVAL}, coxph"),
    "Concordance": Method(f"{SURVIVAL}, coxph"),
    "Proportional hazards": Method(f"{SURVIVAL}, cox.zph", ITERATIVE),
    "Firth's Cox": Method(f"{SURVIVAL}, coxph, with a maximiser written for the reference", ITERATIVE),
    "Cause-specific Cox": Method(f"{SURVIVAL}, coxph", ITERATIVE),
    "Cumulative incidence, Greenwood": Method("R etm 1.1.1, etmCIF"),
    "Cumulative incidence, jackknife": Method(f"{SURVIVAL}, survfit"),
    "Cumulative incidence, Aalen": Method(f"{CMPRSK}, cuminc"),
    "Gray's test": Method(f"{CMPRSK}, cuminc", rounding=2**-52),  # cmprsk takes p as 1 - pchisq()
    "Fine–Gray": Method(f"{CMPRSK}, crr"),
    "Clopper–Pearson": Method(f"{R}, binom.test"),
    "Wilson": Method(f"{R}, prop.test"),
    "Miettinen–Nurminen": Method(f"{R}, code written for the reference, twice"),
    "Newcombe": Method(f"{R}, code written for the reference"),
    "Koopman": Method(f"{R}, chi-square test without correction"),
    "Fisher": Method(f"{R}, fisher.test; code written for the reference for the odds ratio"),
    "Boschloo": Method(f"{R}, code written for the reference"),
    "Barnard": Method(f"{R}, code written for the reference"),
    "Rate": Method(f"{R}, poisson.test"),
    "Rate ratio": Method(f"{R}, poisson.test; code written for the reference for mid-p"),
    "Mean cumulative function": Method(f"{SURVIVAL}, survfit, and sums written for the reference"),
    "Andersen–Gill": Method(f"{SURVIVAL}, coxph", ITERATIVE),
    "MMRM: fit": Method(f"{MMRM}, optimised further", ITERATIVE),
    "MMRM: Satterthwaite": Method(f"{MMRM}, optimised further; {EMMEANS}", ITERATIVE),
    "MMRM: Kenward–Roger, linear": Method(f"{MMRM}, optimised further", ITERATIVE),
    "MMRM: Kenward–Roger": Method(f"{MMRM}, optimised further; {EMMEANS}", ITERATIVE),
    "MMRM: Kenward–Roger of 1997": Method("R pbkrtest 0.5.2, and code written for the reference", ITERATIVE),
    "MMRM: weights of LS means": Method(EMMEANS),
    "Group-sequential boundaries": Method(f"{RPACT}, getDesignGroupSequential", RECURSIVE),
    "Group-sequential power": Method(
        f"{RPACT}, getDesignCharacteristics and getPowerAndAverageSampleNumber", RECURSIVE
    ),
}

# What was asked, not what came out: "file/reference/path", with * for anything.
QUESTIONS = (
    "a_km.json/*/ci_*/at/time",
    "a_km.json/*/nelson_aalen_cumhaz/time",
    "b_logrank.json/*/groups",
    "b_cox.json/*/terms",
    "b_milestone.json/*/t",
    "b_*.json/*/difference/contrast",
    "b_rmst.json/*/tau",
    "c_cuminc.json/*/times",
    "c_cuminc.json/*/causes",
    "c_cuminc.json/*/gray/cause",
    "c_finegray.json/*/terms",
    "d_exact_logrank.json/*/n_B",
    *(f"e_twobytwo.json/*/{name}" for name in ("a", "n1", "b", "n2")),
    *(f"g_rates.json/*/{name}" for name in ("x1", "T1", "x2", "T2")),
    "g_mcf.json/g.mcf.*/time",
    "g_mcf.json/*/terms",
    "f_*.json/*/terms",
    "f_*.json/*/visits",
    "f_*.json/*/vcov_used",
    *(f"f_*.json/*/lsmeans/{name}" for name in ("arm", "visit")),
    *(f"f_*.json/*/contrasts/{name}" for name in ("contrast", "visit")),
)


@dataclass(frozen=True)
class Comparison:
    """One number, or one list of numbers, of a reference beside ours.

    Attributes
    ----------
    method : str
        Key of `METHODS`.
    path : str
        "file/reference/keys" of the number.
    differences : tuple of float or None
        Relative difference of each number; None for one that was left out.
    """

    method: str
    path: str
    differences: tuple[float | None, ...]


class Results(dict[str, Any]):
    """Results of one reference, which know where they stand: ``path`` is "file/reference/keys"."""

    def __init__(self, content: dict[str, Any], path: str) -> None:
        super().__init__(
            {k: Results(v, f"{path}/{k}") if isinstance(v, dict) else v for k, v in content.items()}
        )
        self.path = path

    def leaves(self) -> Iterator[tuple[str, int]]:
        """Path and size of every number and list of numbers."""
        for key, value in self.items():
            if isinstance(value, Results):
                yield from value.leaves()
            else:
                yield f"{self.path}/{key}", len(list(numbers(value)))


def reference_files() -> list[Path]:
    """Every file of numbers that R computed."""
    return [path for part in PARTS for path in sorted((REFERENCES / part).glob("*.json"))]


def read_references(file: str) -> dict[str, Results]:
    """The results of a file of `reference_files`, by id."""
    (path,) = (path for path in reference_files() if path.name == file)
    found = json.loads(path.read_text(encoding="utf-8"))["references"]
    return {r["id"]: Results(r["results"], f"{file}/{r['id']}") for r in found}


def numbers(value: Any) -> Iterator[float]:
    """The numbers of a scalar or of nested lists, row by row; R's null and words are NaN, "Inf" is infinite."""
    if isinstance(value, str):
        yield math.inf if value == "Inf" else math.nan
    elif value is None:
        yield math.nan
    elif hasattr(value, "__iter__"):
        for part in value:
            yield from numbers(part)
    else:
        yield float(value)


def difference(ours: float, theirs: float, *, rounding: float = 0.0) -> float:
    """Relative difference; none where both are NaN, equal, within `rounding`, or 0 to within `ZERO`."""
    if (math.isnan(ours) and math.isnan(theirs)) or ours == theirs:
        return 0.0
    if abs(ours - theirs) <= (max(ZERO, rounding) if abs(theirs) <= ZERO else rounding):
        return 0.0
    if not (math.isfinite(ours) and math.isfinite(theirs)) or theirs == 0:
        return math.inf
    return abs(ours - theirs) / abs(theirs)


def compare(
    ours: Any, wanted: Results, keys: Sequence[str], *, method: str, where: Iterable[bool] | None = None
) -> list[Comparison]:
    """Our numbers beside those of a reference: the one comparison of all reference tests.

    Parameters
    ----------
    ours : number or nested sequence of numbers
        Row by row; NaN where R has null.
    wanted : Results
        Of one reference, or a part of it.
    keys : sequence of str
        Which of its numbers, in the order of ours; "less/p" reaches deeper.
    method : str
        Key of `METHODS`, which says what difference passes.
    where : iterable of bool, optional
        Leaves out the numbers where it is false.

    Raises
    ------
    AssertionError
        Not as many numbers, or a difference above the tolerance.
    """
    rule, found, theirs, sizes = METHODS[method], list(numbers(ours)), [], []
    for key in keys:
        own = list(numbers(reduce(lambda node, step: node[step], key.split("/"), wanted)))
        theirs += own
        sizes.append(len(own))
    if len(found) != len(theirs) or not found:
        raise AssertionError(f"{len(found)} numbers beside {len(theirs)} of {wanted.path}: {keys}")
    used = [True] * len(found) if where is None else list(where)
    apart = [
        difference(a, b, rounding=rule.rounding) if u else None
        for a, b, u in zip(found, theirs, used, strict=True)
    ]
    if max((d for d in apart if d is not None), default=math.inf) > rule.tolerance:
        raise AssertionError(f"{wanted.path}: {keys} must agree to {rule.tolerance}: {found} beside {theirs}")
    ends = list(accumulate(sizes))
    return [
        Comparison(method, f"{wanted.path}/{key}", tuple(apart[end - size : end]))
        for key, size, end in zip(keys, sizes, ends, strict=True)
    ]


class Recorder:
    """A pytest plugin: keeps the tests that compare with a reference, and collects what they compared."""

    def __init__(self) -> None:
        self.comparisons: list[Comparison] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if "agrees" in getattr(item, "fixturenames", ())]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            found = (value for name, value in report.user_properties if name == PROPERTY)
            self.comparisons += [Comparison(**json.loads(str(value))) for value in found]


def property_of(comparison: Comparison) -> tuple[str, str]:
    """A comparison as a user property, which a test report carries between processes."""
    return PROPERTY, json.dumps(asdict(comparison))


def measure() -> list[Comparison]:
    """Run the reference tests in this process, and return what they compared; a failing test ends it."""
    recorder = Recorder()
    folders = [str(ROOT / "tests" / part) for part in PARTS]
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml")]
    code = pytest.main([*options, *folders], plugins=[recorder])
    if code != pytest.ExitCode.OK:
        raise SystemExit(f"the reference tests must pass, got exit code {int(code)}")
    return recorder.comparisons


def worst(comparisons: Iterable[Comparison]) -> dict[tuple[str, str, int], float]:
    """Largest difference of each number that was compared, by method, path and position: a number counts once."""
    found: dict[tuple[str, str, int], float] = {}
    for comparison in comparisons:
        method, path, differences = astuple(comparison)
        for position, value in enumerate(differences):
            if value is not None:
                key = (method, path, position)
                found[key] = max(found.get(key, 0.0), value)
    return found


def summary(comparisons: Iterable[Comparison]) -> pd.DataFrame:
    """Columns of validation.csv, a row a method in the order of `METHODS`; differences rounded up to one digit."""
    by = worst(comparisons)
    rows = []
    for name, method in METHODS.items():
        own = [value for (used, _, _), value in by.items() if used == name]
        largest = rounded_up(max(own, default=0.0))
        rows.append((name, method.oracle, len(own), largest, method.tolerance))
    columns = ["method", "oracle", "values", "largest_relative_difference", "tolerance"]
    return pd.DataFrame(rows, columns=columns)


def rounded_up(value: float) -> float:
    """To one significant digit, upwards: 4.1e-15 becomes 5e-15."""
    if value == 0:
        return 0.0
    digit, exponent = f"{value:.6e}".split("e")
    return float(f"{math.ceil(float(digit))}e{exponent}")


def markdown(table: pd.DataFrame) -> str:
    """The body of tests/reference/README.md: what is compared, and what is not."""
    lines = [
        "| method | oracle | values | largest relative difference | allowed |",
        "|---|---|---:|---:|---:|",
    ]
    for method, oracle, count, largest, tolerance in table.itertuples(index=False):
        apart = f"{largest:.0e}" if largest else "0"
        lines.append(f"| {method} | {oracle} | {count} | {apart} | {tolerance:.0e} |")
    lines += ["", f"{table['values'].sum()} values, {len(table)} rows.", "", "## Not compared, and why", ""]
    lines += [f"- **{item.name}** ({_code(item.patterns)}): {item.reason}" for item in NOT_COMPARED]
    return "\n".join(lines) + "\n"


def _code(patterns: Iterable[str]) -> str:
    return ", ".join(f"`{pattern}`" for pattern in patterns)


def with_table(text: str, table: pd.DataFrame) -> str:
    """A README with its tables made anew: everything below the heading "What is compared"."""
    head, heading, _ = text.partition("## What is compared\n")
    return f"{head}{heading}\n{markdown(table)}"


def main(arguments: list[str]) -> int:
    comparisons = measure()
    if arguments:
        content = [asdict(comparison) for comparison in comparisons]
        Path(arguments[0]).write_text(json.dumps(content), encoding="utf-8")
        return 0
    table = summary(comparisons)
    table.to_csv(RECORD, index=False, lineterminator="\n", float_format="%.0e")
    README.write_text(with_table(README.read_text(encoding="utf-8"), table), encoding="utf-8")
    print(table.to_string())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
