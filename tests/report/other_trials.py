"""Protocols that differ from a shipped one in one thing; each is checked again as its file would be."""

from collections.abc import Callable
from typing import Any

from esld.protocol import Protocol

Content = dict[str, Any]


def changed(trial: Protocol, change: Callable[[Content], None]) -> Protocol:
    """A protocol after its content was changed, checked again as its file would be."""
    content = trial.model_dump(exclude_unset=True)
    arms = [arm["code"] for arm in content["arms"]]
    primary = next(own for own in content["analyses"] if own["role"] == "primary")["id"]
    change(content)
    fit = (
        own["id"] == primary and own["role"] == "primary" and own.get("milestones_days")
        for own in content["analyses"]
    )
    if not any(fit):
        content.pop("belief", None)  # which is of the outcome at a day that was primary
    if [arm["code"] for arm in content["arms"]] != arms:
        content.pop("lay", None)  # whose words are of the arms that were there
    return Protocol.model_validate(content)


def without_analysis(id: str) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        content["analyses"] = [own for own in content["analyses"] if own["id"] != id]

    return change


def setting(value: object, *way: str | int) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        node: Any = content
        for step in way[:-1]:
            node = node[step]
        node[way[-1]] = value

    return change
