"""How numbers are written, in one place: rounding, intervals, counts, p-values, days, units."""

import math
import re

from esld.report.words.catalogue import has, message

MINUS = "\u2212"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_UNITS = {"umol/L": "µmol/L", "ratio": "", "percent": "%"}


def not_estimable() -> str:
    """What stands for a number that could not be computed: ``NE``."""
    return message("number.not_estimable")


def significant(value: float | None, digits: int = 12) -> float | None:
    """A number to so many significant digits, as results are stored; ``None`` for what is not finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{digits}g}")


def fixed(value: float | None, decimals: int) -> str:
    """A number with so many decimals; a true minus sign, no negative zero, ``NE`` for what is not estimable."""
    if value is None or not math.isfinite(value):
        return not_estimable()
    text = f"{_half_up(value, decimals):.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def positive(value: float | None, decimals: int) -> str:
    """An amount that is not told as none where there is some: ``< 0.1`` for what rounds to 0, and 0 itself without decimals."""
    text = fixed(value, decimals)
    if value is None or not value or text == not_estimable() or float(text):
        return text if value else fixed(value, 0)
    return f"< {10.0**-decimals:.{decimals}f}"


def _half_up(value: float, decimals: int) -> float:
    """Commercial rounding, as a reader checks it by hand, guarded against binary noise."""
    scale = 10.0**decimals
    if abs(value) * scale >= 2**53:  # no digits after the point are left to round
        return value
    return math.copysign(math.floor(round(abs(value) * scale, 8) + 0.5) / scale, value)


def signed(value: float | None, decimals: int) -> str:
    """A difference: with its sign, plus included."""
    text = fixed(value, decimals)
    return (
        f"+{text}"
        if value is not None and value > 0 and text != not_estimable() and float(text) > 0
        else text
    )


def percent(proportion: float | None, n: int | None = None) -> str:
    """A proportion in per cent: no decimals below N = 100, one from there on."""
    text = points(proportion, n)
    return text if text == not_estimable() else message("number.percent", number=text)


def points(proportion: float | None, n: int | None = None) -> str:
    """A difference of proportions in percentage points; decimals as for :func:`percent`, `n` being a group's size."""
    return fixed(None if proportion is None else 100 * proportion, of_share(n))


def of_share(n: int | None) -> int:
    """Decimals of a share of so many, in per cent."""
    return 1 if n is not None and n >= 100 else 0


def count(x: int, n: int) -> str:
    """``10/11 (91 %)``; only the counts when there is nobody to count."""
    return f"{x}/{n} ({percent(x / n, n)})" if n else f"{x}/{n}"


def of_mean(decimals: int) -> int:
    """Decimals of a mean of values measured to so many: one more than whole numbers, else the same."""
    return max(1, decimals)


def digits(value: float | None, digits: int) -> str:
    """A number with so many significant digits."""
    if value is None or math.isnan(value):
        return not_estimable()
    return f"{value:.{digits}g}".replace("-", MINUS)


def power(value: float | None) -> str:
    """A relative difference in powers of ten: ``5 × 10⁻¹⁵``; ``none`` for 0."""
    if value is None or math.isnan(value):
        return not_estimable()
    if value == 0:
        return message("number.zero")
    digit, exponent = f"{value:.0e}".split("e")
    raised = str(int(exponent)).translate(_RAISED)
    return f"10{raised}" if digit == "1" else f"{digit} × 10{raised}"


def p_value(p: float | None) -> str:
    """``0.034``, ``< 0.001``, ``> 0.99``."""
    if p is None or not math.isfinite(p):
        return not_estimable()
    if p < 0.001:
        return "< 0.001"
    if p > 0.99:
        return "> 0.99"
    return fixed(p, 3 if p < 0.1 else 2)


def probability(value: float | None) -> str:
    """A probability in per cent: ``67 %``, ``2.4 %`` near 0 and 1, and never certain: ``> 99.9 %``."""
    if value is None or not math.isfinite(value):
        return not_estimable()
    for sign, end in (("<", 0.001), (">", 0.999)):
        if (value < end) if sign == "<" else (value > end):
            return f"{sign} {message('number.percent', number=fixed(100 * end, 1))}"
    return message("number.percent", number=fixed(100 * value, 0 if 0.05 <= value <= 0.95 else 1))


def days(value: float | None) -> str:
    """A number of days; ``not reached`` where a survival curve does not come down far enough."""
    return message("number.not_reached") if value is None or math.isnan(value) else fixed(value, 0)


def unit(text: str) -> str:
    """A unit as a reader writes it: ``µmol/L``, ``10⁹/L``, nothing for a ratio; one that is a word in the reader's language."""
    entry = f"unit.{text.replace(' ', '_')}"
    if has(entry):
        return message(entry)
    return re.sub(r"\^(\d+)", lambda found: found[1].translate(_RAISED), _UNITS.get(text, text))


def with_unit(name: str, text: str) -> str:
    """``Total bilirubin (µmol/L)``; the name alone without a unit."""
    return message("label.unit", name=name, unit=unit(text)) if unit(text) else name


def thousands(value: int) -> str:
    """A large count with its thousands apart: ``155,712``."""
    return f"{value:,}"


def level(conf_level: float) -> str:
    """The level of an interval: ``95 %``."""
    return message("number.percent", number=f"{100 * conf_level:g}")
