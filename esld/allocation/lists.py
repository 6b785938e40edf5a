"""Designs whose list can be drawn ahead, and the list that a seed gives for each stratum.

The stream of a stratum has the label ``esld-list-1``, a zero byte, the stratum, a zero byte (:mod:`esld.allocation.stream`).
Arms are numbers in the order of the protocol.

complete : each arm as often as the ratio says among all slots, shuffled.
simple : each slot by itself; a number below the sum of the ratio, and the arm in whose part of the ratio it falls.
blocks : until all slots are filled, a block size (the sizes in ascending order, a number below their count, also when
    there is only one), then that many slots, each arm as often as the ratio says, in the order of the arms, shuffled. The
    last block is cut off where the slots end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from esld.allocation.stream import Stream
from esld.errors import InputError, did_you_mean

WHOLE = "all"  # the one stratum of a trial without strata
LABEL = "esld-list-1\0{}\0"
MOST_SLOTS = 100_000
Kind = Literal["complete", "simple", "blocks"]


@dataclass(frozen=True, kw_only=True, repr=False)
class ListDesign:
    """How the list is drawn. The block sizes are part of the secret and appear in no representation or message.

    Parameters
    ----------
    kind : {"complete", "simple", "blocks"}
    ratio : tuple of int
        Parts of each arm, 1 or more, in the order of the protocol's arms; two arms or more.
    slots : int
        Slots of each stratum, 1 to 100,000. Give more than patients are expected, except for "complete", whose balance is
        that of the whole list.
    block_sizes : tuple of int
        For "blocks": different multiples of the sum of the ratio, in any order; otherwise none.
    strata : mapping of str to tuple of str
        Levels by factor; every combination is a stratum with a list of its own. Empty for none.

    Raises
    ------
    esld.errors.InputError
        Anything else.
    """

    kind: Kind
    ratio: tuple[int, ...]
    slots: int
    block_sizes: tuple[int, ...] = ()
    strata: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        if self.kind not in ("complete", "simple", "blocks"):
            known = "complete, simple or blocks"
            remedy = "Minimisation has no list to seal." if str(self.kind).startswith("minimi") else ""
            raise InputError("design", f"must be {known}", str(self.kind), remedy=remedy or "Choose one.")
        if len(self.ratio) < 2 or not all(_whole(part, 1) for part in self.ratio):
            rule = "must be whole numbers, 1 or more, one for each arm"
            raise InputError("ratio", rule, list(self.ratio), remedy="Correct it.")
        if not (_whole(self.slots, 1) and self.slots <= MOST_SLOTS):
            raise InputError(
                "slots", f"must be a whole number from 1 to {MOST_SLOTS}", self.slots, remedy="Correct it."
            )
        self._check_sizes()
        self._check_strata()
        object.__setattr__(self, "block_sizes", tuple(sorted(self.block_sizes)))

    def _check_sizes(self) -> None:
        """Nothing here may say what was given."""
        total = sum(self.ratio)
        if self.kind == "complete" and self.slots % total:
            rule = f"must be a multiple of {total}, the sum of the ratio, in a complete randomisation"
            raise InputError("slots", rule, self.slots, remedy="Correct slots or ratio.")
        if self.kind != "blocks" and self.block_sizes:
            raise InputError(
                "block_sizes", "must be left out", where=f"design {self.kind}", remedy="Remove it."
            )
        good = all(_whole(size, 1) and size % total == 0 and size <= self.slots for size in self.block_sizes)
        once = len(set(self.block_sizes)) == len(self.block_sizes)
        if self.kind == "blocks" and not (self.block_sizes and good and once):
            rule = f"must be different multiples of {total}, the sum of the ratio, up to the number of slots"
            raise InputError("block_sizes", rule, remedy="Correct them; they are not shown.")

    def _check_strata(self) -> None:
        for factor, levels in self.strata.items():
            for word in (factor, *levels):
                if not word.strip() or word != word.strip() or set(word) & set("=,\0\n"):
                    rule = "must be a word without comma, equals sign or blanks around it"
                    raise InputError(
                        f"stratification factor {factor!r}", rule, repr(word), remedy="Rename it."
                    )
            if not levels or len(set(levels)) < len(levels):
                rule = "must have levels, each once"
                raise InputError(f"stratification factor {factor!r}", rule, remedy="Correct the levels.")

    def __repr__(self) -> str:
        return f"ListDesign(kind={self.kind!r}, ratio={self.ratio}, slots={self.slots}, sealed)"

    @property
    def stratum_names(self) -> tuple[str, ...]:
        """Every stratum, ``SITE=SY01,MELD=<20``, in the order of factors and levels; ``all`` without factors."""
        if not self.strata:
            return (WHOLE,)
        combinations = product(
            *([(factor, level) for level in self.strata[factor]] for factor in self.strata)
        )
        return tuple(",".join(f"{factor}={level}" for factor, level in each) for each in combinations)

    def stratum(self, given: str) -> str:
        """The stratum that a user names, factors in any order.

        Raises
        ------
        esld.errors.InputError
            There is none of that name.
        """
        parts = {part.strip() for part in given.split(",") if part.strip()}
        for name in self.stratum_names:
            if parts == set(name.split(",")) or (not parts and name == WHOLE):
                return name
        rule = "must be a stratum of the design"
        raise InputError("stratum", rule, repr(given), remedy=did_you_mean(given, self.stratum_names))

    def draw(self, seed: bytes, stratum: str) -> tuple[int, ...]:
        """The list of a stratum.

        Parameters
        ----------
        seed : bytes of length 32
        stratum : str
            One of `stratum_names`.

        Returns
        -------
        tuple of int, length `slots`
            Arms as numbers from 0.
        """
        stream = Stream(seed, LABEL.format(stratum))
        match self.kind:
            case "complete":
                return tuple(stream.shuffled(self._arms(self.slots)))
            case "simple":
                one_round = self._arms(sum(self.ratio))
                return tuple(one_round[stream.below(len(one_round))] for _ in range(self.slots))
        drawn: list[int] = []
        while len(drawn) < self.slots:
            size = self.block_sizes[stream.below(len(self.block_sizes))]
            drawn += stream.shuffled(self._arms(size))
        return tuple(drawn[: self.slots])

    def _arms(self, slots: int) -> Sequence[int]:
        """As many slots, each arm as often as the ratio says, in the order of the arms."""
        rounds = slots // sum(self.ratio)
        return [arm for arm, part in enumerate(self.ratio) for _ in range(part * rounds)]


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least
