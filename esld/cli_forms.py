"""``esld template`` and ``esld import``: data entry without a system for it."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from esld.cli_shared import (
    REPLACED,
    AsJson,
    Dates,
    Decimal,
    Encoding,
    Missing,
    Personal,
    Separator,
    expecting,
    say,
)
from esld.errors import InputError, InputErrors


def template(
    protocol: Annotated[Path, typer.Argument(metavar="PROTOCOL", help="The trial, params/protocols/*.yaml.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help=f"An .xlsx file. {REPLACED}",
        ),
    ],
    language: Annotated[Literal["en", "zh"], typer.Option(help="Language of the workbook.")] = "en",
    practice: Annotated[
        bool, typer.Option("--practice", help="For training: what is entered is called simulated.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the data-entry workbook of a trial, by its protocol.

    It has a sheet for each form, with lists, units and checks.
    """
    from esld.data.template import template_bytes
    from esld.protocol import read_protocol
    from esld.targets import file_target

    target = file_target(output, command="esld template", inputs=[protocol], kinds=[".xlsx"])
    with expecting("protocol", protocol):
        trial = read_protocol(protocol)
    target.write(template_bytes(trial, language, practice=practice))
    facts = {"workbook": str(output), "protocol": trial.id, "language": language, "practice": practice}
    text = f"{output}: data-entry workbook of {trial.id}. Next: fill it, then esld check {output} --protocol {protocol}"
    say(facts, text, as_json)


def import_(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A REDCap export (CSV) or a workbook.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", help="A new or empty folder for dm.csv and the others."
        ),
    ],
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The mapping; see docs/how-to/redcap.md.")
    ] = None,
    protocol: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The trial, for a workbook of 'esld template'.")
    ] = None,
    encoding: Encoding = "",
    separator: Separator = "",
    decimal: Decimal = "",
    dates: Dates = None,
    missing: Missing = None,
    personal: Personal = None,
    as_json: AsJson = False,
) -> None:
    """Write the SDTM tables that a mapping makes of forms.

    It says what each domain got and what was not used.
    """
    from esld.data.declared import read_options
    from esld.data.entered import unused
    from esld.data.mapping import date_faults, map_source, summary
    from esld.data.mapping.model import files_of
    from esld.data.tables import table_files
    from esld.data.template import is_template, read_template
    from esld.protocol import read_protocol
    from esld.targets import empty_folder, write_folder

    if (mapping is None) == (protocol is None):
        remedy = "Give --protocol for a workbook of 'esld template', --mapping for any other source."
        raise InputError(
            "--mapping or --protocol", "must be given, one of them", where=str(source), remedy=remedy
        )
    how = read_options(
        encoding=encoding,
        separator=separator,
        decimal=decimal,
        dates=dates,
        missing=missing,
        personal=personal,
    )
    named = files_of(mapping) if mapping else [Path(str(protocol))]
    folder = empty_folder(output, command="esld import", inputs=[source, *named], option="-o")
    if mapping is not None:
        made = map_source(source, mapping, how)
    else:
        if not source.is_file():
            raise InputError(str(source), "must be an existing file", remedy="Check the path.")
        if not is_template(source):
            rule, remedy = "must be a workbook of 'esld template'", "Give --mapping for any other source."
            raise InputError(source.name, rule, remedy=remedy)
        with expecting("protocol", Path(str(protocol))):
            made = read_template(source, read_protocol(Path(str(protocol))), how)
    if faults := [*made.faults, *date_faults(made.tables)]:
        raise InputErrors(faults)
    write_folder(folder, table_files(made.tables))
    counts = summary(made)
    lines = [f"{row.domain}: {row.records} records of {row.subjects} subjects" for row in counts.itertuples()]
    facts: dict[str, Any] = {"folder": str(folder), "domains": counts.to_dict("records")}
    facts |= {"unused": made.unused.to_dict("records"), "notes": list(made.notes)}
    say(facts, "\n".join([*lines, *unused(made), f"{folder}: written"]), as_json)
