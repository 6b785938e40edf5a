"""``esld new-trial``: a protocol file drafted from an export."""

from pathlib import Path
from typing import Annotated

import typer

from esld.cli_shared import AsJson, Dates, Decimal, Encoding, Missing, Personal, Separator, say


def new_trial(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="An export: a folder of tables, a file of them, or with --mapping of REDCap."
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A new .yaml file, params/protocols/<trial>.yaml. No existing file is replaced.",
        ),
    ],
    mapping: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="How forms become tables, for an export of REDCap; see docs/how-to/redcap.md.",
        ),
    ] = None,
    encoding: Encoding = "",
    separator: Separator = "",
    decimal: Decimal = "",
    dates: Dates = None,
    missing: Missing = None,
    personal: Personal = None,
    as_json: AsJson = False,
) -> None:
    """Draft the protocol file of another trial from its export.

    Arms, doses, visits, parameters with units, endpoints and a usual plan are as the export has them. A guess says
    'assumed: true' with its reason; what no data can tell is a text that begins with TODO, and 'esld check' names each
    until it is filled in.
    """
    from esld.data.declared import read_options
    from esld.data.drafting import draft
    from esld.data.mapping.model import files_of
    from esld.protocol.gaps import gaps
    from esld.targets import PROTOCOLS, new_file
    from esld.yamlfile import parsed

    inputs = [data, *(files_of(mapping) if mapping else ())]
    target = new_file(output, command="esld new-trial", room=PROTOCOLS, inputs=inputs, kinds=[".yaml"])
    how = read_options(
        encoding=encoding,
        separator=separator,
        decimal=decimal,
        dates=dates,
        missing=missing,
        personal=personal,
    )
    text = draft(data, mapping=mapping, how=how)
    target.write(text.encode())
    content = parsed(text)
    open_, guesses = len(list(gaps(content))), text.count("assumed: true") - 1  # one is of the head
    told = f"{output}: {content['id']} drafted, with {open_} TODO to fill in and {guesses} assumptions to go through. "
    told += f"Next: fill them in, then esld check {data} --protocol {output}"
    say({"protocol": str(output), "todo": open_, "assumed": guesses}, told, as_json)
