"""LS means of the mixed model once more: restricted likelihood by a general optimiser, then plain generalised least squares."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pattern:
    """Patients with values at the same visits: positions of the visits, designs (n, v, p) and changes (n, v)."""

    at: NDArray[np.int64]
    design: Floats
    change: Floats


def ls_means(
    adlb: pd.DataFrame, *, structure: str, arms: Sequence[str], visits: dict[float, float]
) -> pd.DataFrame:
    """LS means of the change by arm and visit at the average baseline value of the changes used.

    Parameters
    ----------
    adlb : DataFrame
        One row a patient and visit: ``USUBJID TRT01P AVISITN BASE CHG``, none missing.
    structure : str
        Covariance of the visits: a key of `STRUCTURES`.
    arms : sequence of str
        Groups, in order.
    visits : dict of float to float
        Time of each visit number; only ``sp_exp`` uses the times.

    Returns
    -------
    DataFrame
        ``group time value``: one row for each arm and visit with a change. ``value`` is NaN where the optimiser found no
        maximum, or several.
    """
    numbers = [v for v in visits if (adlb["AVISITN"] == v).any()]
    cells = [
        (arm, v) for arm in arms for v in numbers
        if (adlb["TRT01P"].eq(arm) & adlb["AVISITN"].eq(v)).any()
    ]  # fmt: skip
    scale = float(adlb["CHG"].std(ddof=1)) or 1.0
    base = adlb["BASE"] - adlb["BASE"].mean()  # an LS mean is then the coefficient of its cell
    patterns = _patterns(
        adlb.assign(BASE=base / (base.std(ddof=1) or 1.0), CHG=adlb["CHG"] / scale), cells, numbers
    )
    times = np.array([visits[v] for v in numbers], dtype=np.float64)
    sigma = _estimated(structure, times, patterns)
    means = (
        np.full(len(cells), nan)
        if sigma is None
        else _least_squares(sigma, patterns)[0][: len(cells)] * scale
    )
    return pd.DataFrame([(arm, v) for arm, v in cells], columns=["group", "time"]).assign(value=means)


def _patterns(rows: pd.DataFrame, cells: list[tuple[str, float]], numbers: list[float]) -> list[Pattern]:
    """A column for each cell that has a value, and one for baseline, by the visits that a patient has."""
    varies = bool(rows["BASE"].abs().max() > 0)
    groups: dict[tuple[int, ...], list[tuple[Floats, Floats]]] = {}
    for _, own in rows.sort_values("AVISITN").groupby("USUBJID", sort=True):
        at = tuple(numbers.index(v) for v in own["AVISITN"])
        design = np.zeros((len(at), len(cells) + varies))
        for i, (arm, v) in enumerate(zip(own["TRT01P"], own["AVISITN"], strict=True)):
            design[i, cells.index((arm, v))] = 1.0
        if varies:
            design[:, -1] = own["BASE"]
        groups.setdefault(at, []).append((design, own["CHG"].to_numpy(dtype=np.float64)))
    return [
        Pattern(np.array(at), np.stack([d for d, _ in own]), np.stack([y for _, y in own]))
        for at, own in groups.items()
    ]


def _least_squares(sigma: Floats, patterns: list[Pattern]) -> tuple[Floats, Floats]:
    """Coefficients of generalised least squares, and the matrix X' V^-1 X."""
    p = patterns[0].design.shape[2]
    normal, right = np.zeros((p, p)), np.zeros(p)
    for own in patterns:
        inverse = np.linalg.inv(sigma[np.ix_(own.at, own.at)])
        weighted = inverse @ own.design
        normal += np.einsum("nvp,nvq->pq", own.design, weighted)
        right += np.einsum("nvp,nv->p", weighted, own.change)
    coefficients = np.asarray(np.linalg.solve(normal, right), dtype=np.float64)
    return coefficients, normal


def _deviance(sigma: Floats, patterns: list[Pattern]) -> tuple[float, Floats]:
    """Minus twice the restricted log-likelihood but for a constant, and its derivative by each element of Sigma."""
    beta, normal = _least_squares(sigma, patterns)
    spread = np.linalg.inv(normal)
    total, slope = float(np.linalg.slogdet(normal)[1]), np.zeros_like(sigma)
    for own in patterns:
        v = sigma[np.ix_(own.at, own.at)]
        inverse = np.linalg.inv(v)
        residual = own.change - own.design @ beta
        pulled = residual @ inverse
        total += len(residual) * float(np.linalg.slogdet(v)[1]) + float(np.sum(pulled * residual))
        hat = np.einsum("nvp,pq,nwq->vw", own.design, spread, own.design)
        slope[np.ix_(own.at, own.at)] += len(residual) * inverse - pulled.T @ pulled - inverse @ hat @ inverse
    return total, slope


def _estimated(structure: str, times: Floats, patterns: list[Pattern]) -> Floats | None:
    """Sigma at the one maximum of the restricted likelihood that several starts come to; None if there is none or another."""
    from scipy.optimize import minimize

    make, m = STRUCTURES[structure], times.size
    counts = _size(structure, m)

    def objective(theta: Floats) -> tuple[float, Floats]:
        sigma = make(theta, times)
        try:
            np.linalg.cholesky(sigma)
            value, slope = _deviance(sigma, patterns)
        except np.linalg.LinAlgError:
            return 1e10, np.zeros(theta.size)
        step = 1e-6
        moves = (
            (make(theta + e, times) - make(theta - e, times)) / (2 * step) for e in step * np.eye(theta.size)
        )
        return value, np.array([float(np.sum(slope * move)) for move in moves])

    ends: list[tuple[float, Floats]] = []
    with np.errstate(all="ignore"):
        for start in (0.0, 0.5, -0.3):
            theta = np.concatenate((np.zeros(counts[0]), np.full(counts[1], start)))
            found = minimize(
                objective, theta, jac=True, method="BFGS", options={"gtol": 1e-6, "maxiter": 1000}
            )
            if float(np.max(np.abs(found.jac))) < 1e-3 and found.fun < 1e9:
                ends.append((float(found.fun), make(found.x, times)))
    best, sigma = min(ends, key=lambda end: end[0], default=(np.inf, None))
    return None if any(value > best + 1e-6 for value, _ in ends) else sigma


def _size(structure: str, m: int) -> tuple[int, int]:
    """How many log standard deviations and how many other parameters a structure of m visits has."""
    scales = 1 if structure in ("cs", "ar1", "toep", "sp_exp") else m
    others = {"us": m * (m - 1) // 2, "adh": m - 1, "toep": m - 1, "toeph": m - 1}
    return scales, others.get(structure, 1 if m > 1 else 0)


def _scaled(theta: Floats, m: int, scales: int, correlation: Floats) -> Floats:
    sd = np.exp(np.broadcast_to(theta[:scales], m) if scales == 1 else theta[:scales])
    scaled: Floats = correlation * np.outer(sd, sd)
    return scaled


def _us(theta: Floats, times: Floats) -> Floats:
    m = times.size
    low = np.eye(m)
    low[np.tril_indices(m, -1)] = theta[m:]
    return _scaled(theta, m, m, low @ low.T)


def _compound(theta: Floats, times: Floats) -> Floats:
    m = times.size
    scales = theta.size - (m > 1)
    floor = -1 / max(m - 1, 1)
    rho = floor + (1 - floor) / (1 + np.exp(-theta[-1])) if m > 1 else 0.0
    return _scaled(theta, m, scales, np.full((m, m), rho) + (1 - rho) * np.eye(m))


def _ante(theta: Floats, times: Floats) -> Floats:
    m = times.size
    correlation = np.eye(m)
    for i in range(m):
        for j in range(i + 1, m):
            correlation[i, j] = correlation[j, i] = np.prod(np.tanh(theta[m + i : m + j]))
    return _scaled(theta, m, m, correlation)


def _autoregressive(theta: Floats, times: Floats) -> Floats:
    m = times.size
    rho = np.tanh(theta[-1]) if m > 1 else 0.0
    lag = np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
    return _scaled(theta, m, theta.size - (m > 1), rho**lag)


def _toeplitz(theta: Floats, times: Floats) -> Floats:
    m = times.size
    scales = theta.size - (m - 1)
    by_lag = np.concatenate(([1.0], np.tanh(theta[scales:])))
    return _scaled(theta, m, scales, by_lag[np.abs(np.subtract.outer(np.arange(m), np.arange(m)))])


def _exponential(theta: Floats, times: Floats) -> Floats:
    m = times.size
    apart = np.abs(np.subtract.outer(times, times))
    reach = np.exp(theta[-1]) * (apart.max() or 1.0) if m > 1 else 1.0
    return _scaled(theta, m, 1, np.exp(-apart / reach))


STRUCTURES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "us": _us, "adh": _ante, "csh": _compound, "cs": _compound, "ar1": _autoregressive, "ar1h": _autoregressive,
    "toep": _toeplitz, "toeph": _toeplitz, "sp_exp": _exponential,
}  # fmt: skip
