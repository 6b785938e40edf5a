"""LS means of the mixed model once more: restricted likelihood by a general optimiser, then plain generalised least squares."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A derivative from five points, h = STEP: exact to some 1e-13 here.
STEP, WEIGHTS = 1e-3, np.array([8.0, -8.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Pattern:
    """Patients with values at the same visits: their elements of Sigma, designs (n, v, p) and changes (n, v)."""

    at: tuple[NDArray[np.int64], ...]
    design: Floats
    change: Floats


def ls_means(
    adlb: pd.DataFrame,
    *,
    structure: str,
    arms: Sequence[str],
    visits: dict[float, float],
    strata: "pd.Series[str] | None" = None,
    starts: int = 0,
) -> pd.DataFrame:
    """LS means of the change by arm and visit at the average baseline value of the changes used, and over all strata alike.

    Parameters
    ----------
    adlb : DataFrame
        One row a patient and visit: ``USUBJID ARMCD AVISITN BASE CHG``, none missing.
    structure : str
        Covariance of the visits: a key of `STRUCTURES`.
    arms : sequence of str
        Groups, in order.
    visits : dict of float to float
        Time of each visit number; only ``sp_exp`` uses the times.
    strata : Series of str, optional
        The stratum of each row, by the index of ``adlb``; further rows are not used.
    starts : int
        How many more starts, drawn and the same in every call, to search from for the highest maximum: of few patients the
        likelihood may have several, and the ordinary starts may both come to another one.

    Returns
    -------
    DataFrame
        ``group time value``: one row for each arm and visit with a change. ``value`` is NaN where the optimiser found no
        maximum, or from the two ordinary starts alone another one each.
    """
    numbers = [v for v in visits if (adlb["AVISITN"] == v).any()]
    cells = [
        (arm, v) for arm in arms for v in numbers
        if (adlb["ARMCD"].eq(arm) & adlb["AVISITN"].eq(v)).any()
    ]  # fmt: skip
    scale = float(adlb["CHG"].std(ddof=1)) or 1.0
    base = adlb["BASE"] - adlb["BASE"].mean()  # an LS mean is then the coefficient of its cell
    rows = adlb.assign(BASE=base / (base.std(ddof=1) or 1.0), CHG=adlb["CHG"] / scale)
    covariates = ["BASE"] if rows["BASE"].abs().max() > 0 else []
    levels = [] if strata is None else sorted(strata[adlb.index].unique())
    for place, level in enumerate(levels[1:]):
        rows[f"S{place}"] = strata[adlb.index].eq(level) - 1 / len(levels)  # type: ignore[index]
        covariates.append(f"S{place}")
    patterns = _patterns(rows, covariates, cells, numbers)
    times = np.array([visits[v] for v in numbers], dtype=np.float64)
    sigma = _estimated(structure, times, patterns, starts)
    means = (
        np.full(len(cells), nan)
        if sigma is None
        else _least_squares(sigma, patterns)[0][: len(cells)] * scale
    )
    return pd.DataFrame([(arm, v) for arm, v in cells], columns=["group", "time"]).assign(value=means)


def _patterns(
    rows: pd.DataFrame, covariates: list[str], cells: list[tuple[str, float]], numbers: list[float]
) -> list[Pattern]:
    """A column for each cell that has a value, and one for each covariate, by the visits that a patient has."""
    groups: dict[tuple[int, ...], list[tuple[Floats, Floats]]] = {}
    for _, own in rows.sort_values("AVISITN").groupby("USUBJID", sort=True):
        at = tuple(numbers.index(v) for v in own["AVISITN"])
        design = np.zeros((len(at), len(cells) + len(covariates)))
        for i, (arm, v) in enumerate(zip(own["ARMCD"], own["AVISITN"], strict=True)):
            design[i, cells.index((arm, v))] = 1.0
        design[:, len(cells) :] = own[covariates]
        groups.setdefault(at, []).append((design, own["CHG"].to_numpy(dtype=np.float64)))
    return [
        Pattern(np.ix_(at, at), np.stack([d for d, _ in own]), np.stack([y for _, y in own]))
        for at, own in groups.items()
    ]


def _least_squares(sigma: Floats, patterns: list[Pattern]) -> tuple[Floats, Floats, list[Floats]]:
    """Coefficients of generalised least squares, the matrix X' V^-1 X, and V^-1 of each pattern."""
    p = patterns[0].design.shape[2]
    normal, right = np.zeros((p, p)), np.zeros(p)
    inverses = [np.asarray(np.linalg.inv(sigma[own.at]), dtype=np.float64) for own in patterns]
    for own, inverse in zip(patterns, inverses, strict=True):
        weighted = inverse @ own.design
        rows = weighted.reshape(-1, p)
        normal += own.design.reshape(-1, p).T @ rows
        right += own.change.ravel() @ rows
    coefficients = np.asarray(np.linalg.solve(normal, right), dtype=np.float64)
    return coefficients, normal, inverses


def _deviance(sigma: Floats, patterns: list[Pattern]) -> tuple[float, Floats]:
    """Minus twice the restricted log-likelihood but for a constant, and its derivative by each element of Sigma."""
    beta, normal, inverses = _least_squares(sigma, patterns)
    spread = np.linalg.inv(normal)
    total, slope = float(np.linalg.slogdet(normal)[1]), np.zeros_like(sigma)
    for own, inverse in zip(patterns, inverses, strict=True):
        residual = own.change - own.design @ beta
        pulled = residual @ inverse
        total += len(residual) * float(np.linalg.slogdet(sigma[own.at])[1]) + float(np.sum(pulled * residual))
        hat = np.tensordot(own.design @ spread, own.design, ((0, 2), (0, 2)))
        slope[own.at] += len(residual) * inverse - pulled.T @ pulled - inverse @ hat @ inverse
    return total, slope


def _estimated(structure: str, times: Floats, patterns: list[Pattern], more: int) -> Floats | None:
    """Sigma at the maximum of the restricted likelihood: of two starts the one of both, of more the highest; or None."""
    from scipy.optimize import minimize, root

    make, m = STRUCTURES[structure], times.size
    counts = _size(structure, m)
    apart = np.multiply.outer(STEP * np.array([1.0, -1.0, 2.0, -2.0]), np.eye(sum(counts)))

    def objective(theta: Floats) -> tuple[float, Floats]:
        sigma = make(theta, times)
        try:
            np.linalg.cholesky(sigma)
            value, slope = _deviance(sigma, patterns)
        except np.linalg.LinAlgError:
            return 1e10, np.zeros(theta.size)
        moved = make(theta + apart, times)  # all at once: (4, k, m, m)
        moves = np.tensordot(WEIGHTS, moved, 1) / (12 * STEP)
        return value, np.asarray(np.tensordot(moves, slope, 2), dtype=np.float64)

    def slope_at(theta: Floats) -> Floats:
        return objective(theta)[1]

    drawn = np.random.default_rng(list(b"esld second starts")).normal(0, 0.8, (more, sum(counts)))
    starts = [np.repeat([0.0, start], counts) for start in (0.0, 0.5)] + list(drawn)
    ends: list[tuple[float, Floats]] = []
    with np.errstate(all="ignore"):
        for start in starts:
            found = minimize(
                objective, start, jac=True, method="BFGS", options={"gtol": 1e-6, "maxiter": 1000}
            )
            if float(np.max(np.abs(found.jac))) < 1e-3 and found.fun < 1e9:
                ends.append((float(found.fun), found.x))
        if not ends:
            return None
        best, theta = min(ends, key=lambda end: end[0])
        if not more and any(value > best + 1e-6 for value, _ in ends):
            return None
        # The deviance is flat there: where it stops, differs by the processor in the eighth digit. Its slope's root does not.
        exact = root(slope_at, theta, tol=1e-13)
        settled = bool(np.abs(exact.x - theta).max() < 1e-2)
        return make(exact.x if settled else theta, times)


def _size(structure: str, m: int) -> tuple[int, int]:
    """How many log standard deviations and how many other parameters a structure of m visits has."""
    scales = 1 if structure in ("cs", "ar1", "toep", "sp_exp") else m
    others = {"us": m * (m - 1) // 2, "adh": m - 1, "toep": m - 1, "toeph": m - 1}
    return scales, others.get(structure, 1 if m > 1 else 0)


# Each takes parameters of shape (..., k), and gives covariances of shape (..., m, m).


def _scaled(theta: Floats, m: int, scales: int, correlation: Floats) -> Floats:
    sd = np.broadcast_to(np.exp(theta[..., :scales]), (*theta.shape[:-1], m))
    scaled: Floats = correlation * (sd[..., :, np.newaxis] * sd[..., np.newaxis, :])
    return scaled


def _us(theta: Floats, times: Floats) -> Floats:
    m = times.size
    low = np.broadcast_to(np.eye(m), (*theta.shape[:-1], m, m)).copy()
    low[..., *np.tril_indices(m, -1)] = theta[..., m:]
    return _scaled(theta, m, m, low @ np.swapaxes(low, -1, -2))


def _compound(theta: Floats, times: Floats) -> Floats:
    m = times.size
    if m == 1:
        return _scaled(theta, m, 1, np.ones((1, 1)))
    floor = -1 / (m - 1)
    rho = floor + (1 - floor) / (1 + np.exp(-theta[..., -1, np.newaxis, np.newaxis]))
    return _scaled(theta, m, theta.shape[-1] - 1, rho + (1 - rho) * np.eye(m))


def _ante(theta: Floats, times: Floats) -> Floats:
    m = times.size
    correlation = np.broadcast_to(np.eye(m), (*theta.shape[:-1], m, m)).copy()
    for i in range(m - 1):
        products = np.cumprod(np.tanh(theta[..., m + i :]), axis=-1)
        correlation[..., i, i + 1 :] = correlation[..., i + 1 :, i] = products
    return _scaled(theta, m, m, correlation)


def _autoregressive(theta: Floats, times: Floats) -> Floats:
    m = times.size
    if m == 1:
        return _scaled(theta, m, 1, np.ones((1, 1)))
    lag = np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
    rho = np.tanh(theta[..., -1, np.newaxis, np.newaxis])
    return _scaled(theta, m, theta.shape[-1] - 1, rho**lag)


def _toeplitz(theta: Floats, times: Floats) -> Floats:
    m = times.size
    scales = theta.shape[-1] - (m - 1)
    by_lag = np.concatenate((np.ones_like(theta[..., :1]), np.tanh(theta[..., scales:])), axis=-1)
    lag = np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
    return _scaled(theta, m, scales, by_lag[..., lag])


def _exponential(theta: Floats, times: Floats) -> Floats:
    m = times.size
    if m == 1:
        return _scaled(theta, m, 1, np.ones((1, 1)))
    apart = np.abs(np.subtract.outer(times, times))
    reach = np.exp(theta[..., -1, np.newaxis, np.newaxis]) * (apart.max() or 1.0)
    return _scaled(theta, m, 1, np.exp(-apart / reach))


STRUCTURES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "us": _us, "adh": _ante, "csh": _compound, "cs": _compound, "ar1": _autoregressive, "ar1h": _autoregressive,
    "toep": _toeplitz, "toeph": _toeplitz, "sp_exp": _exponential,
}  # fmt: skip
