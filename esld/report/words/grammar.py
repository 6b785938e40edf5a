"""How a language puts words together: lists, plurals, small numbers, and the trial's labels inside a sentence."""

from collections.abc import Iterable
from datetime import date
from html import escape
from typing import Protocol

from esld.data.cutfile import ALL
from esld.report.words.catalogue import PSEUDO, arm_label, has, message, reader


class Grammar(Protocol):
    """What a language decides."""

    def plural(self, count: float) -> str:
        """The plural form of so many, as CLDR names them: ``one``, ``other``."""
        ...

    def arm(self, label: str) -> str:
        """What an arm is called, wherever it stands."""
        ...

    def in_prose(self, label: str) -> str:
        """A label inside a sentence."""
        ...

    def of_group(self, label: str) -> str:
        """An arm's label before the word group."""
        ...

    def treatment(self, label: str) -> str:
        """An arm's label as what was given."""
        ...

    def short(self, label: str) -> str:
        """A label where there is little room."""
        ...


class English:
    """``one day``, ``two days``; labels lose their capital, ``dose`` gets its hyphen or its article."""

    def plural(self, count: float) -> str:
        """``one`` for one."""
        return "one" if count == 1 else "other"

    def arm(self, label: str) -> str:
        """Its label."""
        return label

    def in_prose(self, label: str) -> str:
        """``Low dose`` becomes ``low dose``; ``D-penicillamine``, ``Child-Pugh score`` and ``HbA1c`` stay.

        The first word loses its capital unless more capitals, or digits, follow in it, or it begins a name of several words.
        """
        first, _, then = label.partition(" ")
        name = then[:1].isupper() and then[1:2].islower()  # West Haven
        plain = first[1:2].islower() and first[1:].islower() and not any(map(str.isdigit, first))
        article = first == "A" and then[:1].islower()
        return label[0].lower() + label[1:] if (plain or article) and not name else label

    def of_group(self, label: str) -> str:
        """``Medium-high dose`` becomes ``medium-high-dose``."""
        inside = self.in_prose(label)
        return inside.removesuffix(" dose") + "-dose" if inside.endswith(" dose") else inside

    def treatment(self, label: str) -> str:
        """``the low dose``, ``D-penicillamine``."""
        inside = self.in_prose(label)
        return f"the {inside}" if inside.endswith(" dose") else inside

    def short(self, label: str) -> str:
        """``Low`` of ``Low dose``, ``MELD`` of ``MELD score``."""
        return label.removesuffix(" dose").removesuffix(" score")


class Chinese:
    """One form for any number; a label stands as it is wherever it stands."""

    def plural(self, count: float) -> str:
        """``other``, as there are no plurals."""
        return "other"

    def arm(self, label: str) -> str:
        """``低剂量组``, and ``A组``: of eleven patients in A nobody shall read ``A11``."""
        return label if label.endswith("组") else f"{label}组"

    def in_prose(self, label: str) -> str:
        """``低剂量组``."""
        return label

    of_group = treatment = in_prose

    def short(self, label: str) -> str:
        """``MELD`` of ``MELD评分``, ``低剂量`` of ``低剂量组``."""
        return label.removesuffix("评分").removesuffix("组")


GRAMMARS: dict[str, Grammar] = {"en": English(), PSEUDO: English(), "zh": Chinese()}


def grammar() -> Grammar:
    """The grammar of the reader's language."""
    return GRAMMARS[reader().language]


def joined(parts: Iterable[str]) -> str:
    """Parts of a sentence: ``a, b and c``; nothing for none."""
    *most, last = [*parts] or [""]
    return message("list.end", most=message("list.comma").join(most), last=last) if most else last


def noun(key: str, count: float) -> str:
    """The noun of ``noun.<key>`` for so many: ``day``, ``days``."""
    return message(f"noun.{key}", count=count)


def counted(key: str, count: int) -> str:
    """``1 patient``, ``2 patients``."""
    return message("counted", count=count, noun=noun(key, count))


def in_words(number: int) -> str:
    """A small count as prose writes it: ``no``, ``one`` … ``twelve``, then figures."""
    key = f"small.{number}"
    return message(key) if has(key) else str(number)


def period(days: float) -> str:
    """A horizon in days as a reader says it: ``one year``, ``24 weeks``, ``six months``, ``120 days``."""
    years, weeks, months = days / 365.25, days / 7, days / 365.25 * 12
    off = min(abs(days - 365.25 * round(years)) - 0.5, abs(days - 365 * round(years)))
    if round(years) >= 1 and off <= 0.5:
        return message("counted", count=in_words(round(years)), noun=noun("year", round(years)))
    if weeks == round(weeks) and weeks >= 2:
        return message("counted", count=in_words(round(weeks)), noun=noun("week", weeks))
    if days % 1 and abs(months - round(months)) < 0.003:
        return message("counted", count=in_words(round(months)), noun=noun("month", round(months)))
    return message("counted", count=f"{days:g}", noun=noun("day", days))


def on_day(day: date) -> str:
    """A day as prose writes it: ``30 June 2026``."""
    return message("date", day=day.day, month=message(f"month.{day.month}"), year=day.year)


def capitalised(text: str) -> str:
    """The first letter large, the others as they are; a Chinese one has no size."""
    return text[:1].upper() + text[1:]


def as_prose(sentences: Iterable[str]) -> str:
    """Sentences one after the other; those that say nothing are left out."""
    return message("list.sentence").join(filter(None, sentences))


def in_prose(label: str) -> str:
    """A label of the trial, but of an arm, inside a sentence, as plain text."""
    return grammar().in_prose(label)


def short(label: str) -> str:
    """A label of the trial where there is little room, as plain text."""
    return grammar().short(label)


def arm_in_prose(arm: str) -> str:
    """An arm by its label inside a sentence, as plain text: ``low dose``."""
    return grammar().in_prose(arm_label(arm))


def of_group(arm: str) -> str:
    """An arm before the word group, as HTML: ``medium-high-dose``; all are the whole."""
    return message("arms.all") if arm == ALL else escape(grammar().of_group(arm_label(arm)))


def treatment(arm: str) -> str:
    """An arm as what was given, as HTML: ``the low dose``, ``D-penicillamine``."""
    return escape(treatment_in_title(arm))


def treatment_in_title(arm: str) -> str:
    """What :func:`treatment` says, as plain text."""
    return grammar().treatment(arm_label(arm))
