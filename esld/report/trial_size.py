"""What a trial of this size can show, from its exact power."""

from collections.abc import Sequence

from esld.report import numbers
from esld.report.event import Event
from esld.report.phrases import span, whole
from esld.report.results import Reported
from esld.report.words.catalogue import message
from esld.report.words.grammar import as_prose, noun, treatment

RELIABLE = 0.8  # share of trials; the messages "size" and "hazards" say so


def what_this_size_shows(arms: Sequence[str], reported: Reported, event: Event) -> str:
    """What a trial of this size can and cannot show, by :func:`esld.report.survival.tables.power_rows`; nothing without."""
    if not reported.rows:
        return ""
    first, second = (treatment(arm) for arm in arms)
    fewest = reported.row("fewest_deaths_against_none")
    if fewest.value is None:
        text = message("size.never", first=first, second=second, **event.html)
    else:
        deaths, patients = whole(fewest), noun("patient", fewest.value)
        text = message(
            "size.fewest", first=first, second=second, deaths=deaths, patients=patients, **event.html
        )
    small, large = (reported.row(f"power_0_9_v_{other}").value or 0 for other in ("0_7", "0_3"))
    key = "much" if small >= RELIABLE else "some" if large >= RELIABLE else "little"
    key = "none" if fewest.value is None else key
    return as_prose([text, message(f"size.{key}", n=span(fewest, str(fewest.n)), **event.html)])


def what_could_be_seen(reported: Reported, event: Event) -> str:
    """What a trial of this size could have found, from :func:`esld.report.survival.tables.power_rows`."""
    names = {"small": "power_0_9_v_0_7", "middle": "power_0_9_v_0_5", "large": "power_0_9_v_0_3"}
    rows = {key: reported.row(name) for key, name in names.items()}
    parts = {key: span(row, numbers.percent(row.value)) for key, row in rows.items()}
    sizes = {
        key: reported.row("patients", name) for key, name in (("n1", "one_group"), ("n2", "other_group"))
    }
    patients = noun("patient", sizes["n2"].value or 0)
    words = {key: whole(row) for key, row in sizes.items()}
    return message("power", patients=patients, **words, **parts, **event.html)
