"""What is usual and stands in no protocol file: plausible vital signs with their units, names of visits. Data, read once."""

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from esld.yamlfile import read_model


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VitalSign(_Frozen):
    """One vital sign: its plausible range in `unit`, and how many of that each other unit is."""

    label: str
    unit: str
    low: float
    high: float
    units: dict[str, float | Literal["fahrenheit"]]

    def within(self, value: float, size: float | str) -> bool:
        """Whether a value is plausible in a unit of that size."""
        in_unit = (value - 32) / 1.8 if isinstance(size, str) else value * size
        return self.low <= in_unit <= self.high


class Expected(_Frozen):
    """What ``expected.yaml`` holds."""

    vital_signs: dict[str, VitalSign]
    same: tuple[tuple[str, str], ...]
    visits: tuple[str, ...]


@cache
def expected() -> Expected:
    """The package's own table."""
    return read_model(Expected, Path(str(resources.files("esld.data.queries"))) / "expected.yaml")
