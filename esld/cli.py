"""The command line: parse, call, exit code."""

import errno
import json
import os
import sys
import threading
from collections.abc import Sequence
from contextlib import closing, nullcontext
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from esld import __version__
from esld.cli_chapter import new_chapter
from esld.cli_draft import new_trial
from esld.cli_explain import explain
from esld.cli_forms import import_, template
from esld.cli_randomise import randomise
from esld.cli_shared import (
    ANALYST,
    AUTOMATION,
    DATA_MANAGER,
    REPLACED,
    TRIAL_OFFICE,
    AsJson,
    Chapters,
    Commands,
    Dates,
    Decimal,
    Encoding,
    Interrupted,
    Jobs,
    Missing,
    Personal,
    Separator,
    Timeout,
    command,
    ended_in_order,
    expecting,
    report_of,
    say,
)
from esld.cli_simulate import simulate
from esld.cli_verify import sign, verify
from esld.errors import InputError, InputErrors, RefusedError, RunError, what_failed
from esld.pipeline.how import CELL_SECONDS, How, Published, processors
from esld.pipeline.start import skip_iri_grammar

if TYPE_CHECKING:
    from esld.data.cutfile import CutFile

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 100},
)
app.add_typer(randomise, name="randomise", rich_help_panel=TRIAL_OFFICE)
# The commands follow in the order of the help: data manager, analyst, automation.
Cuts = Annotated[list[Path], typer.Argument(metavar="CUT…", help="Cut files, params/<cut>.yaml.")]
Outputs = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR",
        help="Folder of published reports [default: outputs/ beside params/]. Only an earlier report of the same cut is "
        "replaced.",
    ),
]

_FULL = (errno.ENOSPC, errno.EDQUOT)  # nobody's mistake, and no fault of ours


class Form(StrEnum):
    """What :data:`esld.data.export.FORMATS` knows."""

    csv, parquet, xpt, dataset_json = "csv", "parquet", "xpt", "dataset-json"


class Language(StrEnum):
    """What :data:`esld.translation.LANGUAGES` has."""

    en, zh = "en", "zh"


class XptVersion(StrEnum):
    """Of SAS transport files."""

    v5, v8 = "5", "8"


def _told(version: bool) -> None:
    """Instead of a command."""
    if version:
        typer.echo(f"esld {__version__}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", help="Print the version.", callback=_told, is_eager=True)]


@app.callback(epilog="Exit codes: 0 done; 1 failed; 2 your mistake; 3 refused. Option: --version.")
def _esld(version: Version = False) -> None:
    """Analyse a small randomised trial, from data cut to rendered report."""
    from esld.translation import speak

    speak("")  # a command before this one in the same process may have spoken another language


@command(app, "esld check params/demo-final.yaml -o queries.xlsx", user=DATA_MANAGER)
def check(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A cut file, or an export with --protocol.")],
    protocol: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The trial's file, for an export.")
    ] = None,
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
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help=f"The tables: .xlsx, .csv or .html. {REPLACED}"),
    ] = None,
    language: Annotated[
        Language | None,
        typer.Option(help="Of the messages [default: Chinese where LANG says so].", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List every fault of data and protocol, and every data query.

    Nothing is executed. Exit code 0 without faults, queries or not; 1 with faults of the data; 2 where nothing can be
    checked: a mistake in what is given, what tells who a patient is, or a protocol that would stop a chapter.
    """
    from esld.data.check import check_cut, check_data, report_text
    from esld.data.cutfile import read_cut
    from esld.data.declared import read_options
    from esld.data.mapping.model import files_of
    from esld.data.workbook import KINDS, write_sheets
    from esld.pipeline.fitness import unrunnable
    from esld.targets import file_target
    from esld.translation import Translator, speak, usual_language

    if language:
        speak(language)
    say_in = Translator(language or usual_language())
    is_cut = data.suffix.lower() in (".yaml", ".yml")
    if is_cut == (protocol is not None):
        remedy = (
            "Leave it out: the cut names it."
            if is_cut
            else "Add --protocol params/protocols/<trial>.yaml, or give a cut file, params/<cut>.yaml."
        )
        rule = f"must be given with an export{', and not with a cut file' if is_cut else ''}"
        raise InputError("--protocol", rule, where=str(data), remedy=remedy)
    how = {
        "encoding": encoding,
        "separator": separator,
        "decimal": decimal,
        "dates": dates,
        "missing": missing,
        "personal": personal,
    }
    unfit: Sequence[InputError] = ()
    if protocol is None:
        for option in [name for name, value in {"mapping": mapping, **how}.items() if value]:
            rule = "must not be given with a cut file"
            raise InputError(f"--{option}", rule, where=str(data), remedy=f"Set the key '{option}' in it.")
        with expecting("cut file", data):
            file = read_cut(data)
        unfit = unrunnable(file)
        inputs, work = file.inputs if output else (), partial(check_cut, file, unfit)
    else:
        inputs = (data, protocol, *(files_of(mapping) if mapping else ()))
        work = partial(check_data, data, protocol, mapping=mapping, how=read_options(**how))
    target = file_target(output, command="esld check", inputs=inputs, kinds=KINDS) if output else None
    with expecting("protocol", protocol) if protocol else nullcontext():
        checked = work()
    if target:
        write_sheets(checked.sheets(say_in), target, title=say_in(f"Check of {data.name}"))
    facts = {name: getattr(checked, name).to_dict("records") for name in ("faults", "queries", "counts")}
    say(facts | {"notes": list(checked.notes)}, report_text(checked, say_in), as_json)
    if len(checked.faults):
        raise typer.Exit(2 if unfit else 1)


@command(app, "esld init my-trial", user=DATA_MANAGER)
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    as_json: AsJson = False,
) -> None:
    """Lay out a working copy: params, notebooks, docs, examples."""
    from esld.pipeline.workcopy import lay_out

    lay_out(folder)
    text = f"{folder}: working copy laid out. Next: esld run {folder / 'params' / 'demo-final.yaml'}\n"
    text += "Your own data, in docs/how-to: exports.md (SDTM), workbook.md (none entered yet), redcap.md (REDCap)."
    say({"folder": str(folder)}, text, as_json)


command(
    app,
    "esld new-trial export -o params/protocols/my-trial.yaml",
    name="new-trial",
    user=DATA_MANAGER,
)(new_trial)
command(
    app,
    "esld template params/protocols/nct06167473.yaml -o workbook.xlsx",
    name="template",
    user=DATA_MANAGER,
)(template)
command(
    app, "esld import export.csv --mapping mapping.yaml -o data/redcap", name="import", user=DATA_MANAGER
)(import_)


@command(app, "esld run params/demo-final.yaml", user=ANALYST)
def run(
    cuts: Cuts,
    output: Outputs = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="The whole report as a PDF too.")] = False,
    chapter: Chapters = None,
    template: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A Word document whose styles, page, head and foot the report.docx has."
        ),
    ] = None,
    jobs: Jobs = 0,
    timeout: Timeout = CELL_SECONDS,
    language: Annotated[
        list[str] | None,
        typer.Option(help="Of the report, en or zh, instead of the cut's; may be given again."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Execute chapters of which nothing has changed, too.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="JSON lines instead of text: a chapter that starts or ends, a cut."),
    ] = False,
) -> None:
    """Make the report of each cut and publish it under outputs/<cut>.

    What has not changed is not executed again. In a language that is not the first of the cut it goes to
    outputs/<cut>.<language>. With --chapter nothing is published: the page goes to outputs/lab/<cut>/pages.
    """
    from esld.data.cutfile import languages_of, read_cut
    from esld.pipeline.run import run_chapters, run_cuts
    from esld.pipeline.watch import machine, person

    if template is not None:  # told before any file is read
        from esld.pipeline.word_style import require_template

        require_template(template)
    files = []
    for path in cuts:
        with expecting("cut file", path):
            files += read_cut(path).editions(languages_of(language or ()))
    how = How(output, pdf, jobs or processors(), timeout, force)
    if chapter:
        for option in [name for name, given in (("--output", output), ("--pdf", pdf)) if given]:
            rule, remedy = "must not be given with --chapter", "Leave it out: nothing is published."
            raise InputError(option, rule, remedy=remedy)
        with nullcontext(machine) if as_json else person() as listen:
            for file in files:
                _say_published(run_chapters(file, chapter, how, listen=listen), as_json)
        return
    places: dict[Path, CutFile] = {}
    for file in files:
        report = (output or file.root / "outputs") / file.name
        if places.setdefault(report, file).path != file.path:
            rule, remedy = "must be the place of one cut", "Rename a cut file, or run them one by one."
            raise InputError(str(report), rule, f"{places[report].path} and {file.path}", remedy=remedy)
    if len(files) > 1:  # a mistake in one, or a refusal, is told before any runs
        from esld.pipeline.chapters import read_chapters
        from esld.pipeline.fitness import unfit
        from esld.pipeline.making import place_of

        for file in files:
            if faults := unfit(file, {chapter.slug: chapter.parameters for chapter in read_chapters(file)}):
                raise InputErrors(faults)
            place_of(file, output, template)
    code = 0
    with (
        nullcontext(machine) if as_json else person() as listen,
        closing(run_cuts(files, how, listen=listen)) as outcomes,
    ):
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                _tell(outcome)
                code = code or outcome.exit_code
                continue
            _say_published(outcome, as_json)
    if code:
        raise SystemExit(code)


def _say_published(done: Published, as_json: bool) -> None:
    """What was made, where its page is, and what is to be said of it."""
    for warning in done.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if done.reused and not as_json:
        said = "nothing has changed, the report stands" if done.stands else "not executed again: "
        typer.echo(f"{done.cut}: {said}{'' if done.stands else ', '.join(done.reused)}", err=True)
    facts = {"cut": done.cut, "index": str(done.index), "seconds": round(done.seconds, 1)}
    facts |= {"reused": list(done.reused), "unchanged": done.stands, "warnings": list(done.warnings)}
    if done.pages:
        facts = {name: fact for name, fact in facts.items() if name not in ("index", "unchanged")}
        facts["pages"] = [str(page) for page in done.pages]
    say(facts, "\n".join(str(_shown(page)) for page in done.pages or (done.index,)), as_json)


command(app, "esld new-chapter 11_mine --cut params/demo-final.yaml", name="new-chapter", user=ANALYST)(
    new_chapter
)


@command(app, "esld diff outputs/demo-interim outputs/demo-final", user=ANALYST)
def diff(
    before: Annotated[Path, typer.Argument(metavar="REPORT_A", help="The earlier report, outputs/<cut>.")],
    after: Annotated[Path, typer.Argument(metavar="REPORT_B", help="The later report, outputs/<cut>.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help=f"Every change as a CSV file too. {REPLACED}"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what changed from one report to the next."""
    from esld.pipeline.diff import compare_reports, report_text, write_csv
    from esld.targets import file_target

    reports = before, after = report_of(before), report_of(after)
    target = file_target(output, command="esld diff", inputs=reports, kinds=[".csv"]) if output else None
    found = compare_reports(before, after)
    if target:
        write_csv(found, target)
    say(found.facts(), report_text(found), as_json)


command(app, "esld explain outputs/demo-final os_km.low.survival@365", user=ANALYST)(explain)


@command(app, "esld export params/demo-final.yaml -o adam --format xpt", user=ANALYST)
def export(
    cut: Annotated[Path, typer.Argument(metavar="CUT", help="A cut file, params/<cut>.yaml.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="A new or empty folder.")],
    form: Annotated[Form, typer.Option("--format", help="Of the files, one a dataset.")],
    xpt_version: Annotated[
        XptVersion | None,
        typer.Option(help="Of transport files [default: 5 where all names and text fit, else 8]."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the analysis data (ADaM) of a cut for other programs.

    ADSL, ADLB, ADTTE, ADCE and ADAE with labels, types and lengths, as the view of the cut shows them.
    """
    from esld.data.cutfile import read_cut
    from esld.data.export import export_files, version_note
    from esld.data.store import stored_study
    from esld.pipeline.unblinding import check_unblinding
    from esld.targets import empty_folder, write_folder

    if xpt_version and form is not Form.xpt:
        raise InputError("--xpt-version", "must come with --format xpt", form.value, remedy="Leave it out.")
    with expecting("cut file", cut):
        file = read_cut(cut)
    empty_folder(output, command="esld export", inputs=file.inputs, option="-o")
    study = stored_study(file)
    check_unblinding(study)
    files = export_files(study, form.value, xpt_version=int(xpt_version.value) if xpt_version else None)
    write_folder(output, files)
    if note := version_note(files):
        typer.echo(f"warning: {note}", err=True)
    facts = {"cut": file.id, "view": file.cut.view, "output": str(output), "files": sorted(files)}
    say(facts, f"{output}: {', '.join(files)} ({file.cut.view})", as_json)


@command(app, "esld score patients.csv -o scored.csv", user=ANALYST)
def score(
    table: Annotated[
        Path, typer.Argument(metavar="TABLE", help="CSV, Excel or Parquet; units in column names.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help=f"CSV, Excel or Parquet. {REPLACED}")
    ],
    components: Annotated[
        bool, typer.Option("--components", help="Points, organs and clamped inputs as columns too.")
    ] = False,
    encoding: Encoding = "",
    separator: Separator = "",
    decimal: Decimal = "",
    missing: Missing = None,
    as_json: AsJson = False,
) -> None:
    """Add every liver score that a table's columns allow.

    What is printed says which are missing and why.
    """
    from esld.data.declared import read_options
    from esld.data.score_file import report_text, score_file

    if table.is_dir():
        raise InputError(str(table), "must be one table", "a folder", remedy="Give a file in it.")
    how = read_options(encoding=encoding, separator=separator, decimal=decimal, missing=missing)
    scored = score_file(table, output, components=components, how=how)
    facts = {"output": str(output), "rows": len(scored.table)} | {
        name: getattr(scored, name).to_dict("records")
        for name in ("scores", "not_computed", "bad_values", "queries", "unknown")
    }
    facts["remarks"] = [
        dict(zip(("what", "subject", "detail"), each, strict=True)) for each in scored.source.remarks
    ]
    say(facts, report_text(scored, output), as_json)


command(app, "esld simulate params/designs/nct06167473.yaml --trials 20", user=ANALYST)(simulate)
command(app, "esld verify outputs/demo-final", user=AUTOMATION)(verify)
command(app, "esld sign outputs/demo-final --key ~/keys/trial.key", user=AUTOMATION)(sign)


def _shown(path: Path) -> Path:
    """Relative to the current folder where it lies below it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and an exit code, never a traceback."""
    skip_iri_grammar()
    try:
        with ended_in_order():
            app()
    except Interrupted as error:
        _tell(error)
        if threading.active_count() > 1:  # what does not heed an interrupt would be waited for
            sys.stdout.flush()
            os._exit(error.exit_code)
        raise SystemExit(error.exit_code) from None
    except (InputError, RefusedError, RunError) as error:
        _tell(error)
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        if error.errno not in _FULL:
            raise
        _tell(full := RunError(f"{what_failed(error)}. Make room, and run it again."))
        raise SystemExit(full.exit_code) from None


def _tell(error: InputError | RefusedError | RunError | Interrupted) -> None:
    if "--json" in sys.argv:
        typer.echo(json.dumps({"error": str(error), "exit_code": error.exit_code}, ensure_ascii=False))
    else:
        from esld.translation import told

        typer.echo(f"esld: {told(error)}", err=True)


if __name__ == "__main__":
    main()
