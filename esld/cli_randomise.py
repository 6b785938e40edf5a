"""``esld randomise``: seal a list, give out its slots, record what happens, audit.

Imports are inside the verbs, and `assign` reads no protocol: the office waits for it.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from esld.cli_shared import AsJson, Commands, command, say
from esld.errors import InputError, RefusedError

if TYPE_CHECKING:
    from esld.allocation.ledger import Ledger
    from esld.allocation.receipts import Receipt
    from esld.allocation.record import Record

randomise = typer.Typer(
    cls=Commands, no_args_is_help=True, rich_markup_mode=None, context_settings={"max_content_width": 100}
)

Subject = Annotated[str, typer.Argument(metavar="SUBJECT", help="Number of the patient, as in DM.SUBJID.")]
Folder = Annotated[
    Path,
    typer.Option(
        "--folder", envvar="ESLD_SEALED", metavar="DIR", help="The sealed folder.", show_envvar=True
    ),
]
Reason = Annotated[str, typer.Option("--reason", help="Why, in a few words; it is recorded.")]
Receipts = Annotated[
    list[Path] | None, typer.Option("--receipt", metavar="FILE", help="A receipt, or several in one file.")
]


@randomise.callback()
def _randomise() -> None:
    """Seal the allocation list, give out slots, audit: 14 commands."""


@command(
    randomise, "esld randomise seal params/protocols/nct06167473.yaml --design design.yaml --folder sealed"
)
def seal(
    protocol: Annotated[Path, typer.Argument(metavar="PROTOCOL", help="The trial, params/protocols/*.yaml.")],
    folder: Folder,
    design: Annotated[
        Path, typer.Option(metavar="FILE", help="The design, YAML; see docs/how-to/allocation.md.")
    ],
    as_json: AsJson = False,
) -> None:
    """Draw the list, seal it in a new folder with an empty ledger, and print what may be published."""
    import yaml

    from esld.allocation.design_file import read_design, trial_of
    from esld.allocation.folder import check_outside
    from esld.allocation.ledger import open_list
    from esld.allocation.sealed import seal as draw_and_seal
    from esld.protocol import read_protocol
    from esld.targets import empty_folder

    check_outside(folder, protocol)
    empty_folder(folder, command="esld randomise seal", inputs=[protocol, design], option="--folder")
    trial = trial_of(read_protocol(protocol))
    ask = partial(_ask, "Block sizes (not shown)")
    sealed = draw_and_seal(trial, read_design(design, trial, ask=ask))
    open_list(folder, sealed)
    text = yaml.safe_dump({"allocation": sealed.public()}, sort_keys=False, allow_unicode=True)
    stands = f"The list is sealed in {folder}; 'esld randomise export' writes its public part, too."
    say({"allocation": sealed.public()}, text.rstrip(), as_json, stands=stands)


def _ask(what: str) -> str:
    given: str = typer.prompt(what, hide_input=True, err=True)
    return given


@command(randomise, "esld randomise assign 014 --answers 014.yaml --folder sealed")
def assign(
    subject: Subject,
    folder: Folder,
    stratum: Annotated[str, typer.Option(help="FACTOR=LEVEL,…; left out in a trial without strata.")] = "",
    answers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Eligibility answers, a line each: IN01: yes.")
    ] = None,
    answer: Annotated[list[str] | None, typer.Option(metavar="ID=yes|no", help="One answer.")] = None,
    another: Annotated[
        bool, typer.Option("--another", help="Another patient, though the number looks like an earlier one.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give the next slot to an eligible patient and print the receipt."""
    from esld.allocation.eligibility import parse_answers, read_answers

    if (answers is None) == (not answer):
        raise InputError(
            "eligibility", "must be answered by --answers or by --answer", remedy="Give one of them."
        )
    given = parse_answers(answer or []) if answers is None else read_answers(answers)
    with _open(folder) as ledger:
        record = ledger.assign(subject, stratum=stratum, answers=given, another=another)
        _print_receipt(ledger, record, as_json)


@command(randomise, "esld randomise receipt 014 --folder sealed")
def receipt(
    folder: Folder,
    subject: Annotated[
        str,
        typer.Argument(metavar="SUBJECT", show_default=False, help="Number of the patient, as in DM.SUBJID."),
    ] = "",
    record: Annotated[
        int, typer.Option(metavar="N", help="Any record, instead of SUBJECT.", show_default=False)
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Print the receipt of an assigned patient again; of an unblinded one that of the code break, with the arm."""
    if bool(subject) == bool(record):
        raise InputError("a receipt", "must be named by SUBJECT or by --record", remedy="Give one of them.")
    with _open(folder) as ledger:
        if record:
            _print_receipt(ledger, ledger.record(record), as_json)
        elif broken := ledger.register().unblinded.get(subject):
            _print_code_break(ledger, broken, ledger.arm(subject), as_json)
        else:
            _print_receipt(ledger, ledger.assignment(subject), as_json)


@command(randomise, "esld randomise status --folder sealed")
def status(folder: Folder, as_json: AsJson = False) -> None:
    """Count the assigned patients of each stratum; no arms, and nothing of slots to come."""
    with _open(folder) as ledger:
        register, sealed = ledger.register(), ledger.sealed
        head = register.head
        facts = {
            "trial": sealed.trial.id,
            "ledger": sealed.ledger,
            "assigned": dict(register.used),
            "unblinded": len(register.unblinded),
            "records": head.seq if head else 0,
            "last": head.at if head else "",
        }
    lines = [
        f"{sealed.trial.id}: {sum(register.used.values())} assigned, {facts['records']} records, {facts['last']}"
    ]
    lines += [f"  {stratum:<32}{n:>5}" for stratum, n in register.used.items()]
    lines += [f"  unblinded: {len(register.unblinded)}"] if sealed.trial.masked else []
    say(facts, "\n".join(lines), as_json)


@command(randomise, 'esld randomise correct 014 --stratum SITE=SY01 --reason "wrong site" --folder sealed')
def correct(
    subject: Subject,
    folder: Folder,
    stratum: Annotated[str, typer.Option(help="The right stratum.")],
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Record that a patient was assigned in a wrong stratum; the assignment stays."""
    with _open(folder) as ledger:
        _print_receipt(ledger, ledger.correct(subject, stratum=stratum, reason=reason), as_json)


@command(randomise, 'esld randomise note 014 --kind withdrawal --reason "moved away" --folder sealed')
def note(
    subject: Subject,
    folder: Folder,
    kind: Annotated[str, typer.Option(help="ineligible (found later) or withdrawal.")],
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Record what became of an assigned patient; the assignment stays."""
    with _open(folder) as ledger:
        _print_receipt(ledger, ledger.note(kind, subject, reason=reason), as_json)  # type: ignore[arg-type]


@command(randomise, 'esld randomise unblind 014 --reason "anaphylaxis" --folder sealed')
def unblind(subject: Subject, folder: Folder, reason: Reason, as_json: AsJson = False) -> None:
    """Break the code of one patient in an emergency: recorded, and for good."""
    with _open(folder) as ledger:
        record, code = ledger.unblind(subject, reason=reason)
        _print_code_break(ledger, record, code, as_json)


@command(randomise, 'esld randomise clock --reason "battery was empty" --folder sealed')
def clock(folder: Folder, reason: Reason, as_json: AsJson = False) -> None:
    """Record that the clock was wrong, so that records dated before the last one are taken again."""
    with _open(folder) as ledger:
        _print_receipt(ledger, ledger.correct_clock(reason=reason), as_json)


@command(randomise, "esld randomise audit --receipt receipts.json --folder sealed")
def audit(
    folder: Folder,
    receipt: Receipts = None,
    commitment: Annotated[str, typer.Option(metavar="HEX", help="As it was published.")] = "",
    as_json: AsJson = False,
) -> None:
    """Check ledger and list against each other and against receipts; exit code 1 if anything is wrong."""
    from esld.allocation.audit import audit as audit_folder

    found = audit_folder(folder, _receipts(receipt), commitment=commitment)
    sound = f"sound; {found.records} records, {found.assigned} assigned, {found.receipts} receipts compared"
    if not found.receipts:
        sound += " (without a receipt, records missing at the end cannot be found)"
    lines = [*(found.faults or (sound,)), *found.forged]
    if found.attempts:
        lines.append(f"{found.attempts} attempts to recover, the last {found.refused} refused")
    say(found.to_dict(), "\n".join(f"{folder}: {line}" for line in lines), as_json)
    if not found.passed:
        raise typer.Exit(1)


@command(randomise, "esld randomise recover --receipt receipts.json --folder sealed")
def recover(
    folder: Folder,
    receipt: Receipts = None,
    release: Annotated[
        bool, typer.Option("--release", help="Unlock it: asks for the SHA-256 of the sealed file.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put back the records that a restored backup lacks, from receipts kept as JSON; each attempt is recorded."""
    receipts = _receipts(receipt)
    if not any(each.record for each in receipts):
        raise InputError(
            "--receipt", "must hold receipts printed with --json", remedy="Text is not enough for this."
        )
    known = _ask("SHA-256 of sealed.json (not shown)") if release else ""
    with _open(folder) as ledger:
        back = ledger.recover(receipts, release=known)
    told = f"{folder}: {back} records put back. Next: esld randomise audit"
    say({"recovered": back}, told, as_json, stands=told)


@command(randomise, "esld randomise export -o data/randomised --folder sealed")
def export(
    folder: Folder,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder for dm.csv, ds.csv and ledger.json. Only an earlier export is replaced.",
        ),
    ],
    unmask: Annotated[
        str, typer.Option(metavar="REASON", help="In a masked trial: with the arms; it is recorded.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Write DM, DS and the ledger of the assigned patients."""
    from esld.allocation.disclosed import FILE, disclosed
    from esld.allocation.export import DM, DM_FILE, DS, DS_FILE, as_csv, dm_rows, ds_rows, targets
    from esld.targets import write_files

    places = targets(output)  # an unmasking is recorded for good: not for an export that cannot be written
    with _open(folder) as ledger:
        sealed, register = ledger.sealed, ledger.register()
        unmasking = ledger.unmask(reason=unmask) if unmask else None
        names = {arm.code: (arm.code, arm.name) for arm in sealed.trial.arms}
        shown = register.assigned if unmask or not sealed.trial.masked else ()
        arms = {subject: names[ledger.arm(subject)] for subject in shown}
        records = ledger.records()
    contents = {
        DM_FILE: as_csv(DM, dm_rows(sealed.trial.id, records, arms)),
        DS_FILE: as_csv(DS, ds_rows(sealed.trial.id, records)),
        FILE: disclosed(sealed, records, open_slots=bool(unmask) or not sealed.trial.masked),
    }
    write_files({places[name]: content for name, content in contents.items()})
    written = [target.path for target in places.values()]
    text = [*map(str, written), *([f"Unmasked by record {unmasking.id}."] if unmasking else [])]
    facts = {"written": [str(path) for path in written], "unmasking": unmasking.id if unmasking else None}
    say(facts, "\n".join(text), as_json, stands=f"The files are written. {_stands(unmasking)}")


@command(randomise, "esld randomise dose 014 --weight 61.5 --folder sealed")
def dose(
    subject: Subject,
    folder: Folder,
    weight: Annotated[str, typer.Option(metavar="KG", help="Body weight, 61.5.")],
    given: Annotated[list[str] | None, typer.Option(help="Amount given, once for each infusion.")] = None,
    tolerance: Annotated[
        str, typer.Option(metavar="PERCENT", help="How far given may be from planned.")
    ] = "10",
    pharmacy: Annotated[
        bool, typer.Option("--pharmacy", help="In a masked trial, for those who may know; it is recorded.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Amount of each infusion of an assigned patient, and whether what was given keeps to it."""
    from esld.allocation.dose import dose_sheet

    with _open(folder) as ledger:
        trial = ledger.sealed.trial
        ledger.assignment(subject)
        if trial.masked and not pharmacy:
            raise RefusedError(
                f"the dose of subject {subject} tells the arm of a masked trial: --pharmacy only."
            )
        sheets = {  # of all arms: what is wrong must not depend on the one, as long as nobody is recorded as told
            arm.code: dose_sheet(
                weight_kg=weight,
                dose_per_kg=arm.dose,
                unit=arm.unit,
                infusions=trial.infusions,
                tolerance_percent=tolerance,
                given=given or (),
            )
            for arm in trial.arms
            if arm.dose and trial.infusions
        }
        told = ledger.pharmacy(subject) if trial.masked and sheets else None
        sheet = sheets.get(ledger.arm(subject))
    if sheet is None:
        rule = "must state dose and infusions of the subject's arm"
        raise InputError("the protocol", rule, remedy="There is no dose sheet.")
    text = f"{trial.id}  subject {subject}\n{sheet.text()}"
    say({"subject": subject} | sheet.to_dict(), text, as_json, stands=_stands(told))


@command(randomise, "esld randomise backup -o /mnt/backup/sealed --folder sealed")
def backup(
    folder: Folder,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="A new or empty folder, as private as the first."),
    ],
    as_json: AsJson = False,
) -> None:
    """Copy list and ledger, also while somebody assigns."""
    from esld.allocation.backup import back_up

    back_up(folder, output)
    told = f"{output}: copied; it can be read like the sealed folder itself"
    say({"backup": str(output)}, told, as_json, stands=told)


@command(randomise, "esld randomise verify-list --folder sealed", name="verify-list")
def verify_list(folder: Folder, as_json: AsJson = False) -> None:
    """Draw the list again from the seed and compare; nothing of it is shown."""
    from esld.allocation.folder import check_private
    from esld.allocation.sealed import read_sealed

    check_private(folder)
    sealed = read_sealed(folder)
    fault = sealed.list_fault()
    facts = {"commitment": sealed.root, "fault": fault}
    say(facts, f"{folder}: {fault or f'the seed gives the list; commitment {sealed.root}'}", as_json)
    if fault:
        raise typer.Exit(1)


def _open(folder: Path) -> "Ledger":
    from esld.allocation.ledger import Ledger

    return Ledger(folder)


def _print_receipt(ledger: "Ledger", record: "Record", as_json: bool) -> None:
    from esld.allocation import receipts

    facts, text = receipts.facts(ledger.sealed, record), receipts.text(ledger.sealed, record)
    say(facts, text, as_json, stands=_stands(record))


def _stands(record: "Record | None") -> str:
    """What a command that cannot say what it recorded says instead: above all that a slot is taken."""
    if record is None:
        return ""
    again = record.subject if record.kind in ("assignment", "unblinding") else f"--record {record.seq}"
    return (
        f"Record {record.seq} ({record.kind}) is in the ledger for good;"
        f" 'esld randomise receipt {again}' shows it again."
    )


def _print_code_break(ledger: "Ledger", record: "Record", code: str, as_json: bool) -> None:
    from esld.allocation import receipts

    label = {arm.code: arm.label for arm in ledger.sealed.trial.arms}[code]
    facts = receipts.facts(ledger.sealed, record) | {"arm": code, "arm_label": label}
    text = receipts.text(ledger.sealed, record)
    say(facts, f"subject {record.subject}: {label} ({code})\n{text}", as_json, stands=_stands(record))


def _receipts(paths: list[Path] | None) -> "list[Receipt]":
    from esld.allocation.receipts import read_receipts

    return [each for path in paths or () for each in read_receipts(path)]
