"""The scheme of randomisation: what each leaves to chance of the sizes of the groups, and with it of size and power."""

from collections.abc import Mapping
from functools import cache

import numpy as np
import pandas as pd

from esld.randomisation import Design
from esld.randomisation.designs import LISTED, Floats, by_size
from esld.randomisation.inference import generator
from esld.report.cells import Label, number
from esld.report.design.exact import sizes_along
from esld.report.design.plan import TRIED
from esld.report.results import Reported
from esld.report.tables import Table
from esld.report.words.catalogue import message
from esld.survival import fisher_power

DRAWS = 10_000
_NEVER = 1e-5  # of sizes that change no digit that is shown


def scheme_rows(designs: Mapping[str, Design], *, seed: str) -> pd.DataFrame:
    """Of each scheme the exact size and power of Fisher's test over the sizes of the groups that it can give."""
    rows = []
    for name, design in designs.items():
        chances, drawn = _of_sizes(design, seed)
        own = [(k, float(chances[k])) for k in np.flatnonzero(chances > _NEVER).tolist()]
        n = design.n
        how = f", monte-carlo, draws:{DRAWS}" if drawn else ""
        about = {"group": name, "n": n, "method": f"fisher, two-sided-5, exact-power{how}"}
        tested = [(k, chance) for k, chance in own if 0 < k < n]  # with nobody in a group there is no test
        values = {
            "equal": sum(chance for k, chance in own if abs(n - 2 * k) <= n % 2),
            "size": float(np.sum([chance * _along(*_pair(n, k)) for k, chance in tested], axis=0).max()),
        }
        for place, (one, other) in enumerate(TRIED, 1):
            values[f"found_{place}"] = sum(
                chance * fisher_power(one, other, n1=n - k, n2=k) for k, chance in tested
            )
        rows += [about | {"statistic": key, "value": value} for key, value in values.items()]
    return pd.DataFrame(rows)


@cache
def _along(n1: int, n2: int) -> Floats:
    return sizes_along(n1, n2, "fisher")


def _pair(n: int, k: int) -> tuple[int, int]:
    """Sizes whose type I error is the same are computed once."""
    return max(k, n - k), min(k, n - k)


def _of_sizes(design: Design, seed: str) -> tuple[Floats, bool]:
    """Chance of k patients in the second group, k = 0 to n, and whether they were drawn because there are too many to list."""
    try:
        return by_size(design)[1], False
    except ValueError:
        assert design.count > LISTED, "a design that can be listed knows its sizes"
    ones = design.draw(generator(seed), DRAWS).sum(axis=1, dtype=np.int64)
    return np.bincount(ones, minlength=design.n + 1) / DRAWS, True


def scheme_table(designs: Mapping[str, Design], found: Reported, own: str) -> Table:
    """A line a scheme, that of the trial by its name."""
    keys = ("equal", "size", "found_1", "found_2")
    lines = [
        {"design": Label(message(f"designs.{name}"), name)}
        | {key: number(found.row(key, name), 1, style="percent") for key in keys}
        for name in designs
    ]
    heads = {key: message(f"could.scheme.{key}") for key in keys}
    notes = [message("could.scheme.note")]
    if own not in designs:
        notes.append(message("could.scheme.unknown"))
    return Table("schemes", message("could.scheme.title"), lines, heads=heads, footnotes=tuple(notes))
