"""The priors of a protocol as distributions: of the first arm's chance, and of another's for itself or given the first."""

from esld.operating import BetaMixture, Linked, beta_prior, historical_prior
from esld.operating.priors import Second
from esld.protocol import Chance, Prior


def distributions(prior: Prior) -> tuple[BetaMixture, Second]:
    """What a prior says of the chance in the first arm, and in any other."""
    first = distribution(prior.control)
    if near := prior.near_control:
        return first, Linked(size=near.patients, odds_ratio=near.odds_ratio)
    return first, distribution(prior.others) if prior.others else first


def distribution(chance: Chance) -> BetaMixture:
    """What is believed of one chance: a beta distribution, or of earlier trials their robust mixture."""
    if chance.trials:
        earlier = historical_prior(
            [own.good for own in chance.trials], [own.patients for own in chance.trials]
        )
        return earlier.mixture.robust(chance.vague_share)
    if chance.counts:
        a, b = chance.counts
        return BetaMixture(a=(a,), b=(b,))
    assert chance.mean is not None and chance.patients is not None
    return beta_prior(chance.mean, chance.patients)


def weight(of: Second) -> float:
    """How many patients a prior is worth."""
    return of.size if isinstance(of, Linked) else of.effective_sample_size()
