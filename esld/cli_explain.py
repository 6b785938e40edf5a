"""``esld explain``: the passport of a number of a published report."""

from pathlib import Path
from typing import Annotated

import typer

from esld.cli_shared import AsJson, report_of, say


def explain(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="A published folder, or its cut file.")],
    result: Annotated[
        str,
        typer.Argument(metavar="RESULT", help="Id of a result, as in results.json: os_km.low.survival@365."),
    ],
    as_json: AsJson = False,
) -> None:
    """Tell from which analysis rows and records a number was made.

    Its analysis and estimand, its method, the rows (ADaM) and records (SDTM) that went in, which of them are without influence by
    themselves, and the corrections and data queries on them; no more than the view of the report shows.
    """
    from esld.pipeline.explain import explained

    passport = explained(report_of(report), result)
    say(passport.to_record(), passport.text(), as_json)
