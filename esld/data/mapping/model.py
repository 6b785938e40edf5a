"""What a mapping file says: from which forms, and from which of their columns, each variable of an SDTM domain comes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

from esld.yamlfile import read_model


def _text(value: object) -> object:
    """YAML reads 1 as a number and no as false: a number can only have been meant as its text, false cannot."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("must be text in quotes")
    return str(value)


def _as_column(value: object) -> object:
    return {"column": value} if isinstance(value, str | int) else value


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


Text = Annotated[str, BeforeValidator(_text), Field(min_length=1)]
Codes = dict[Text, Text | None]
Row = dict[Text, Text]  # what takes the place of {name} in a part that is written once for several tests


Given = TypeVar("Given")
# What is written out, or the name of such a thing; decided first, so that a mistake is told once.
_Named = Annotated[
    Annotated[Given, Tag("written out")] | Annotated[Text, Tag("named")],
    Discriminator(lambda value: "written out" if isinstance(value, dict | list | tuple) else "named"),
]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Value(_Frozen):
    """Where the text of a variable comes from; a bare word is a column.

    Attributes
    ----------
    column : str
        Column of the part's form, or of another one (``form``) in which the patient has a record.
    constant : str
        The same for every record, instead of a column.
    form : str
        The other form. ``by: event`` looks for the patient's record of the same event, ``subject`` for any.
    take : {"only", "earliest", "latest"}
        Which of several records there, by the column ``order`` or the text itself; several that differ are a fault unless this
        says which.
    codes : dict or str
        Code of the source to code of SDTM (``null``: empty), or the name of such a list under ``codes`` of the file.
    others : {"fault", "keep", "empty"}
        What becomes of a text that is not among the codes.
    time : str
        Column that holds the time of day of a date.
    before : str
        Put before the text, as a trial's name before a patient's number.
    otherwise : Value
        Where there is nothing.
    """

    column: Text | None = None
    constant: Text | None = None
    form: Text | None = None
    by: Literal["subject", "event"] = "subject"
    take: Literal["only", "earliest", "latest"] = "only"
    order: Text | None = None
    codes: _Named[Codes] | None = None
    others: Literal["fault", "keep", "empty"] = "fault"
    time: Text | None = None
    before: Text | None = None
    otherwise: Annotated["Value", BeforeValidator(_as_column)] | None = None

    @model_validator(mode="after")
    def _is_of_one_kind(self) -> Self:
        if (self.column is None) == (self.constant is None):
            raise ValueError("must have a column or a constant")
        if self.form is None and (self.by, self.take, self.order) != ("subject", "only", None):
            raise ValueError("must have a form with 'by', 'take' and 'order'")
        return self


Rule = Annotated[Value, BeforeValidator(_as_column)]
Wanted = Annotated[tuple[Text, ...], BeforeValidator(_as_tuple)]


class Part(_Frozen):
    """Records of a domain: one for each row of a form that fits, with the variables under ``set``.

    ``events`` are the only events whose rows count, if given. ``when`` names columns and what they must hold: ``filled``,
    ``empty``, or one of several codes. ``for`` writes the part several times, each time with other texts for ``{name}``.
    """

    form: Text
    events: tuple[Text, ...] = ()
    when: dict[Text, Wanted] = Field(default_factory=dict)
    each: _Named[tuple[Row, ...]] = Field(default=(), alias="for")
    set: Annotated[dict[Text, Rule], Field(min_length=1)]


class MappingFile(_Frozen):
    """One mapping file.

    ``source: redcap`` needs the project's ``dictionary`` (relative to the file), for a longitudinal project the ``events``
    (unique name to label), and may say which texts stand for ``missing`` data and whether the ``export`` holds raw codes or
    labels. ``source: workbook`` reads a form from each sheet, its first row the names of the columns.
    """

    source: Literal["redcap", "workbook"]
    study: Text
    subject: Rule
    dictionary: Text | None = None
    events: dict[Text, Text] = Field(default_factory=dict)
    instruments: dict[Text, Text] = Field(default_factory=dict)
    missing: tuple[Text, ...] = ()
    export: Literal["raw", "labels"] | None = None
    codes: dict[Text, Codes] = Field(default_factory=dict)
    lists: dict[Text, tuple[Row, ...]] = Field(default_factory=dict)
    domains: Annotated[
        dict[Annotated[str, Field(pattern="^[A-Z]{2}$")], tuple[Part, ...]], Field(min_length=1)
    ]

    @model_validator(mode="after")
    def _fits_its_source(self) -> Self:
        if (self.source == "redcap") != (self.dictionary is not None):
            raise ValueError("must name the dictionary of a REDCap project, and of nothing else")
        return self

    def parts(self, domain: str) -> Iterator[tuple[int, int, Part]]:
        """The parts of a domain with ``for`` carried out: place in the file, place in its list, part."""
        for place, part in enumerate(self.domains[domain]):
            rows = self.lists.get(part.each, ()) if isinstance(part.each, str) else part.each
            if not part.each:
                yield place, 0, part
                continue
            plain = part.model_copy(update={"each": ()}).model_dump(exclude_unset=True)
            for number, row in enumerate(rows):
                yield place, number, Part.model_validate(written(plain | {"each": ()}, row))


def written(node: Any, row: Mapping[str, str]) -> Any:
    """Whatever a part of a mapping holds, with the texts of a row put in for ``{name}``."""
    if isinstance(node, str):
        for name, text in row.items():
            node = node.replace("{" + name + "}", text)
        return node
    if isinstance(node, dict):
        return {written(key, row): written(value, row) for key, value in node.items()}
    return tuple(written(item, row) for item in node) if isinstance(node, tuple | list) else node


def read_mapping(path: Path) -> MappingFile:
    """Read and check a mapping file.

    Raises
    ------
    esld.errors.InputError
        It is missing, no YAML, or holds a key or value that is refused.
    """
    return read_model(MappingFile, path)


def files_of(path: Path) -> tuple[Path, ...]:
    """A mapping file and the dictionary that it names.

    Raises
    ------
    esld.errors.InputError
        See :func:`read_mapping`.
    """
    dictionary = read_mapping(path).dictionary
    return (path, path.parent / dictionary) if dictionary else (path,)
