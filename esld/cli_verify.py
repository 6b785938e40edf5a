"""Whether a published report is what its inputs give, and who says so: ``esld verify`` and ``esld sign``."""

from pathlib import Path
from typing import Annotated

import typer

from esld.cli_shared import AsJson, Chapters, Jobs, Reports, Timeout, report_of, say
from esld.errors import InputError
from esld.pipeline.how import CELL_SECONDS, How, processors


def verify(
    reports: Reports,
    chapter: Chapters = None,
    key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Public key (.pub) by which it must be signed.")
    ] = None,
    jobs: Jobs = 0,
    timeout: Timeout = CELL_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Check that a published report is what its inputs give.

    The chapters are executed again, the report is made of what they give, and every file compared. See
    docs/how-to/verify-and-sign.md.
    """
    from esld.pipeline.verify import PROVES, verify_report

    good = bad = False
    for folder in map(_published, reports):
        how = How(jobs=jobs or processors(), timeout=timeout)
        verdict = verify_report(folder, how, chapter or (), key=key)
        faults, signed = verdict.faults, verdict.signed.told
        good, bad = good or not faults, bad or bool(faults)
        done = {name: getattr(verdict, name) for name in ("chapters", "results", "files")}
        facts = {"report": str(folder), "verified": not faults, "faults": list(faults), **done}
        lines = [f"{folder}: {fault}" for fault in faults]
        if not faults:
            counts = "{chapters} chapters re-executed, {results} results and {files} files compared".format(
                **done
            )
            lines.append(f"{folder}: verified; {counts}; {signed}")
        lines += [f"{folder}: note: {note}" for note in verdict.notes]
        say(facts | {"notes": list(verdict.notes), "signature": signed}, "\n".join(lines), as_json)
    if good and not (chapter or as_json):
        typer.echo(PROVES)
    if bad:
        raise typer.Exit(1)


def sign(
    reports: Annotated[
        list[Path] | None, typer.Argument(metavar="REPORT…", help="Published folders, or cut files.")
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Your secret key.")] = None,
    new_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Make a pair of keys: FILE for you alone, FILE.pub for all."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign a published report, so that its origin can be checked.

    The signature lies beside provenance.json and is one of minisign. See docs/how-to/verify-and-sign.md.
    """
    from esld.pipeline.signature import new_key as make_key
    from esld.pipeline.signature import sign as sign_report

    if new_key is not None:
        if reports or key:
            raise InputError("--new-key", "must be given alone", remedy="Sign with the key afterwards.")
        public = make_key(new_key)
        shown = public.read_text(encoding="utf-8").splitlines()[-1]
        text = f"{new_key}: keep it to yourself, and a copy in a safe place\n{public}: publish it: {shown}"
        say({"key": str(new_key), "public": str(public), "public_key": shown}, text, as_json)
        return
    if not reports or key is None:
        raise InputError(
            "esld sign", "must be given a report and --key", remedy="Or --new-key, to make a key."
        )
    for folder in map(_published, reports):
        by = sign_report(folder, key)
        say({"report": str(folder), "key": by}, f"{folder}: signed by key {by}", as_json)


def _published(path: Path) -> Path:
    folder = report_of(path)
    if folder.is_file():
        rule = "must be a published folder, outputs/<cut>, or a cut file"
        raise InputError(str(folder), rule, "another file", remedy="Give one of these.")
    return folder
