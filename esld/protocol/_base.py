"""What every part of a protocol shares: it is immutable, and says whether its source states it."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Text = Annotated[str, Field(min_length=1)]


def as_record(value: object) -> object:
    """A bare value is a stated one; a mapping carries its own ``assumed`` mark."""
    return value if isinstance(value, dict) else {"value": value}


class Frozen(BaseModel):
    """Every part of a protocol is immutable and refuses keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy that has worked out nothing yet: what the original remembers may not hold of it."""
        made = super().model_copy(update=update, deep=deep)
        for remembered in set(made.__dict__) - set(type(made).model_fields):
            del made.__dict__[remembered]
        return made


class Assumable(Frozen):
    """Anything that the source may leave open: ``assumed: true`` then needs a ``reason``."""

    assumed: bool = Field(
        default=False, description="`true`: the source does not say this, and whoever wrote the file chose it"
    )
    reason: str = Field(
        default="", description="why it was chosen; needed with `assumed: true`, refused without"
    )

    @model_validator(mode="after")
    def _an_assumption_has_a_reason(self) -> Self:
        if self.assumed and not self.reason:
            raise ValueError("an assumed value must state its reason")
        if self.reason and not self.assumed:
            raise ValueError("a reason belongs to an assumed value: set 'assumed: true'")
        return self


class StatedText(Assumable):
    """A text, with the mark of whether the source states it."""

    value: Text = Field(description="what holds, in words")


class StatedDays(Assumable):
    """Days of the study, with the mark of whether the source states them."""

    value: tuple[int, ...] = Field(min_length=1, description="study days, day 1 the first")


Stated = Annotated[StatedText, BeforeValidator(as_record)]
StatedDayList = Annotated[StatedDays, BeforeValidator(as_record)]
