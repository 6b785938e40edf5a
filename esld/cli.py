"""The command line: parse, call, exit code."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from esld.cli_randomise import randomise
from esld.errors import InputError, RefusedError, RunError

if TYPE_CHECKING:
    from esld.data.study import CutFile

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
)
app.add_typer(randomise, name="randomise")
# What -o may write over; decided in esld.targets.
_REPLACED = "An existing file is replaced only if this command wrote it and nobody changed it since."
Cuts = Annotated[list[Path], typer.Argument(metavar="CUT…", help="Cut files, params/<cut>.yaml.")]
Reports = Annotated[list[Path], typer.Argument(metavar="REPORT…", help="Published folders, outputs/<cut>.")]
Outputs = Annotated[
    Path | None,
    typer.Option(
        help="Folder of published reports [default: outputs/ beside params/]. Only an earlier report of the same cut is replaced."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a cut instead of text.")]


@app.callback()
def _esld() -> None:
    """Analyse a small randomised trial, from data cut to rendered report.

    Exit codes: 0 done; 1 a chapter or a check failed; 2 a mistake in what was given; 3 refused.
    """


@app.command()
def run(
    cuts: Cuts,
    outputs: Outputs = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="The whole report as a PDF too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the report of each cut and publish it under outputs/<cut>."""
    from esld.data.study import read_cut
    from esld.pipeline.chapters import read_chapters
    from esld.pipeline.run import place_of, run_cut

    files = [read_cut(path) for path in cuts]
    places: dict[Path, CutFile] = {}
    for file in files:
        read_chapters(file)  # a mistake in the last cut is told before the first one runs
        report = (outputs or file.root / "outputs") / file.id
        if places.setdefault(report, file).path != file.path:
            rule, remedy = "must be the place of one cut", "Rename a cut file, or run them one by one."
            raise InputError(str(report), rule, f"{places[report].path} and {file.path}", remedy=remedy)
    for file in files[1:]:
        place_of(file, outputs)  # so is a refusal; of the first one, its own run asks
    for file in files:
        with _progress(file.id, as_json) as advance:
            published = run_cut(file, outputs=outputs, pdf=pdf, on_progress=advance)
        for warning in published.warnings:
            typer.echo(f"warning: {warning}", err=True)
        facts = {"cut": published.cut, "index": str(published.index), "seconds": round(published.seconds, 1)}
        _say(facts, str(_shown(published.index)), as_json)


@app.command()
def verify(
    reports: Reports,
    as_json: AsJson = False,
) -> None:
    """Check that a published report is what its inputs give: hashes, re-execution, numbers."""
    from esld.pipeline.verify import verify_report

    failed = False
    for folder in reports:
        verdict = verify_report(folder)
        failed |= bool(verdict.faults)
        facts = {"report": str(folder), "verified": not verdict.faults, "faults": list(verdict.faults)}
        done = f"{verdict.chapters} chapters re-executed, {verdict.results} results compared"
        bad = "\n".join(f"{folder}: {fault}" for fault in verdict.faults)
        _say(facts, bad or f"{folder}: verified; {done}", as_json)
    if failed:
        raise typer.Exit(1)


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(metavar="CUT_A", help="The earlier report, outputs/<cut>.")],
    after: Annotated[Path, typer.Argument(metavar="CUT_B", help="The later report, outputs/<cut>.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="OUT", help=f"Every change as a CSV file too. {_REPLACED}"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what changed from one cut to the next: patients, records, estimates, methods."""
    from esld.pipeline.diff import compare_reports, report_text, write_csv
    from esld.targets import file_target

    reports = (before, after)
    target = file_target(output, command="esld diff", inputs=reports, kinds=[".csv"]) if output else None
    found = compare_reports(before, after)
    if target:
        write_csv(found, target)
    _say(found.facts(), report_text(found), as_json)


@app.command()
def check(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A cut file, or an export with --protocol.")],
    protocol: Annotated[Path | None, typer.Option(help="The trial's file, for an export.")] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="OUT", help=f"The tables: .xlsx, .csv or .html. {_REPLACED}"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List every fault of the data and every data query, without running anything; exit code 1 if there are faults."""
    from esld.data.check import check_cut, check_data, report_text
    from esld.data.study import read_cut
    from esld.data.workbook import KINDS, write_sheets
    from esld.targets import file_target

    is_cut = data.suffix.lower() in (".yaml", ".yml")
    if is_cut == (protocol is not None):
        remedy = (
            "Leave it out: the cut names it." if is_cut else "Add --protocol params/protocols/<trial>.yaml."
        )
        rule = "must be given with an export, and not with a cut file"
        raise InputError("--protocol", rule, where=str(data), remedy=remedy)
    if protocol is None:
        file = read_cut(data)
        inputs, work = file.inputs if output else (), partial(check_cut, file)
    else:
        inputs, work = (data, protocol), partial(check_data, data, protocol)
    target = file_target(output, command="esld check", inputs=inputs, kinds=KINDS) if output else None
    checked = work()
    if target:
        write_sheets(checked.sheets(), target, title=f"Check of {data.name}")
    facts = {name: getattr(checked, name).to_dict("records") for name in ("faults", "queries", "counts")}
    _say(facts | {"notes": list(checked.notes)}, report_text(checked), as_json)
    if len(checked.faults):
        raise typer.Exit(1)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    as_json: AsJson = False,
) -> None:
    """Lay out a working copy: params, notebooks, and an example of the data tables."""
    from esld.pipeline.workcopy import lay_out

    lay_out(folder)
    text = f"{folder}: working copy laid out. Next: esld run {folder / 'params' / 'demo-final.yaml'}"
    _say({"folder": str(folder)}, text, as_json)


@app.command()
def score(
    table: Annotated[
        Path, typer.Argument(metavar="TABLE", help="CSV, Excel or Parquet; units in column names.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help=f"CSV, Excel or Parquet. {_REPLACED}")
    ],
    components: Annotated[
        bool, typer.Option(help="Points, organs and clamped inputs as columns too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add every liver score that a table's columns allow, and say which are missing and why."""
    from esld.data.score_file import report_text, score_file

    scored = score_file(table, output, components=components)
    facts = {"output": str(output), "rows": len(scored.table)} | {
        name: getattr(scored, name).to_dict("records")
        for name in ("scores", "not_computed", "bad_values", "queries", "unknown")
    }
    _say(facts, report_text(scored, output), as_json)


@contextmanager
def _progress(cut: str, as_json: bool) -> Iterator[Callable[[int, int], None]]:
    """A progress bar over cells; silent when nobody watches or a machine reads."""
    from tqdm import tqdm

    with tqdm(desc=cut, unit="cell", disable=as_json or not sys.stderr.isatty(), leave=False) as bar:

        def advance(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield advance


def _say(facts: dict[str, Any], text: str, as_json: bool) -> None:
    typer.echo(json.dumps(facts, ensure_ascii=False) if as_json else text)


def _shown(path: Path) -> Path:
    """Relative to the current folder where it lies below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and an exit code, never a traceback."""
    try:
        app()
    except (InputError, RefusedError, RunError) as error:
        _fail(error, error.exit_code)


def _fail(error: Exception, code: int) -> None:
    if "--json" in sys.argv:
        typer.echo(json.dumps({"error": str(error), "exit_code": code}, ensure_ascii=False))
    else:
        typer.echo(f"esld: {error}", err=True)
    raise SystemExit(code)


if __name__ == "__main__":
    main()
