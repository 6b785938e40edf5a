"""How an export is to be read where its files do not say, and which files are read at all."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from esld.data.orders import OPPOSITE, Order, order_of
from esld.errors import InputError, InputErrors

# Of files that hold tables; `esld.data.reading` knows how to read each.
TABLE_SUFFIXES = (".csv", ".xlsx", ".xpt", ".parquet", ".json", ".ndjson")


def _encoding(value: str) -> str:
    if value:
        from esld.data.reading.encoding import encoding_name

        encoding_name(value)
    return value


def _separator(value: str) -> str:
    value = {"tab": "\t", "\\t": "\t"}.get(value.lower(), value)
    if value and (len(value) != 1 or value.isalnum() or value in "\"'\r\n"):
        raise ValueError('must be one character, such as ";", or tab')
    return value


def _missing(value: object) -> object:
    words = list(value) if isinstance(value, list | tuple) else [value]
    if not all(isinstance(word, str) and word.strip() for word in words):
        raise ValueError(
            'must be a list of words, each in quotes where YAML reads it otherwise: [NA, ".", "NULL", "-999"]'
        )
    return words


def _dates(value: object) -> object:
    words = list(value) if isinstance(value, list | tuple) else [value]
    found = [order_of(str(word)) for word in words]
    if any(OPPOSITE.get(order) in found for order in found):
        raise ValueError("must not be both DD/MM/YYYY and MM/DD/YYYY, in which one date is two days")
    return found


class Reading(BaseModel):
    """How an export is to be read where its files do not say: keys of a cut file, and options of what reads without one.

    Attributes
    ----------
    encoding : str
        Of text; empty for UTF-8 or what is beyond doubt GB18030.
    separator : str
        Between the cells of a CSV; empty for a comma, in a file that says nothing else.
    decimal : {".", ","}
        What stands before the decimals of a number.
    dates : tuple of str
        How dates are written that are not ISO 8601; see :mod:`esld.data.orders`.
    missing : tuple of str
        Words that stand for a missing value in any column.
    personal : tuple of str
        Columns that are let in although they tell who a patient is, ``DM.BRTHDTC``; see :mod:`esld.data.reading.personal`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoding: Annotated[str, AfterValidator(_encoding)] = ""
    separator: Annotated[str, AfterValidator(_separator)] = ""
    decimal: Literal[".", ","] = "."
    dates: Annotated[tuple[Order, ...], BeforeValidator(_dates)] = ()
    missing: Annotated[tuple[str, ...], BeforeValidator(_missing)] = ()
    personal: tuple[str, ...] = ()


def read_options(**options: Any) -> Reading:
    """What the options of a command declare; None and () are not given.

    Raises
    ------
    esld.errors.InputErrors
        One that no cut file could hold either.
    """
    try:
        return Reading.model_validate({key: value for key, value in options.items() if value})
    except ValidationError as error:
        told = ((fault["loc"][0], fault["msg"].removeprefix("Value error, ")) for fault in error.errors())
        rules = ((key, rule.replace("Input should be", "must be")) for key, rule in told)
        raise InputErrors(InputError(f"--{key}", rule, remedy="Correct it.") for key, rule in rules) from None


def how_to_state(key: str, value: str) -> str:
    """The clause of a remedy that says where a key of :class:`Reading` is written."""
    return f"'{key}: {value}' in the cut file (without one: the option --{key})"
