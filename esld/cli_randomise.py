"""``esld randomise``: seal a list, give out its slots, record what happens, audit.

Imports are inside the verbs, and `assign` reads no protocol: the office waits for it.
"""

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
    design: Annotated[Path, typer.Option(metavar="FILE", help="The design, YAML; see docs/allocation.md.")],
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
    sealed = draw_and_seal(trial, read_design(design, trial, ask=_ask_sizes))
    open_list(folder, sealed)
    text = yaml.safe_dump({"allocation": sealed.public()}, sort_keys=False, allow_unicode=True)
    say({"allocation": sealed.public()}, text.rstrip(), as_json)


def _ask_sizes() -> str:
    sizes: str = typer.prompt("Block sizes (not shown)", hide_input=True, err=True)
    return sizes


@command(randomise, "esld randomise assign 014 --answers 014.yaml --folder sealed")
def assign(
    subject: Subject,
    folder: Folder,
    stratum: Annotated[str, typer.Option(help="FACTOR=LEVEL,…; left out in a trial without strata.")] = "",
    answers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Eligibility answers, a line each: IN01: yes.")
    ] = None,
    answer: Annotated[list[str] | None, typer.Option(metavar="ID=yes|no", help="One answer.")] = None,
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
        _print_receipt(ledger, ledger.assign(subject, stratum=stratum, answers=given), as_json)


@command(randomise, "esld randomise receipt 014 --folder sealed")
def receipt(subject: Subject, folder: Folder, as_json: AsJson = False) -> None:
    """Print the receipt of an assigned patient again; of an unblinded one that of the code break, with the arm."""
    with _open(folder) as ledger:
        if broken := ledger.register().unblinded.get(subject):
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
    sound = f"{folder}: sound; {found.records} records, {found.assigned} assigned, {found.receipts} receipts compared"
    if not found.receipts:
        sound += " (without a receipt, records missing at the end cannot be found)"
    say(found.to_dict(), "\n".join(f"{folder}: {fault}" for fault in found.faults) or sound, as_json)
    if found.faults:
        raise typer.Exit(1)


@command(randomise, "esld randomise recover --receipt receipts.json --folder sealed")
def recover(folder: Folder, receipt: Receipts = None, as_json: AsJson = False) -> None:
    """Put back the records that a restored backup lacks, from receipts kept as JSON."""
    whole = [each.record for each in _receipts(receipt) if each.record]
    if not whole:
        raise InputError(
            "--receipt", "must hold receipts printed with --json", remedy="Text is not enough for this."
        )
    with _open(folder) as ledger:
        back = ledger.recover(whole)
    say({"recovered": back}, f"{folder}: {back} records put back. Next: esld randomise audit", as_json)


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
    from esld.allocation.export import DM, DM_FILE, DS, DS_FILE, csv_bytes, dm_rows, ds_rows, targets

    places = targets(output)  # an unmasking is recorded for good: not for an export that cannot be written
    with _open(folder) as ledger:
        sealed, register = ledger.sealed, ledger.register()
        unmasking = ledger.unmask(reason=unmask).id if unmask else ""
        names = {arm.code: (arm.code, arm.name) for arm in sealed.trial.arms}
        shown = register.assigned if unmask or not sealed.trial.masked else ()
        arms = {subject: names[ledger.arm(subject)] for subject in shown}
        records = ledger.records()
    contents = {
        DM_FILE: csv_bytes(DM, dm_rows(sealed.trial.id, records, arms)),
        DS_FILE: csv_bytes(DS, ds_rows(sealed.trial.id, records)),
        FILE: disclosed(sealed, records, open_slots=bool(unmask) or not sealed.trial.masked),
    }
    written = [places[name].write(content) for name, content in contents.items()]
    text = [*map(str, written), *([f"Unmasked by record {unmasking}."] if unmasking else [])]
    facts = {"written": [str(path) for path in written], "unmasking": unmasking or None}
    say(facts, "\n".join(text), as_json)


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
        arm = {each.code: each for each in trial.arms}[ledger.arm(subject)]
        if not arm.dose or not trial.infusions:
            raise InputError(
                "the protocol", "must state dose and infusions", remedy="There is no dose sheet."
            )
        sheet = dose_sheet(
            weight_kg=weight,
            dose_per_kg=arm.dose,
            unit=arm.unit,
            infusions=trial.infusions,
            tolerance_percent=tolerance,
            given=given or (),
        )
        if trial.masked:
            ledger.pharmacy(subject)
    say({"subject": subject} | sheet.to_dict(), f"{trial.id}  subject {subject}\n{sheet.text()}", as_json)


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
    say({"backup": str(output)}, f"{output}: copied; it can be read like the sealed folder itself", as_json)


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

    say(receipts.facts(ledger.sealed, record), receipts.text(ledger.sealed, record), as_json)


def _print_code_break(ledger: "Ledger", record: "Record", code: str, as_json: bool) -> None:
    from esld.allocation import receipts

    label = {arm.code: arm.label for arm in ledger.sealed.trial.arms}[code]
    facts = receipts.facts(ledger.sealed, record) | {"arm": code, "arm_label": label}
    text = receipts.text(ledger.sealed, record)
    say(facts, f"subject {record.subject}: {label} ({code})\n{text}", as_json)


def _receipts(paths: list[Path] | None) -> "list[Receipt]":
    from esld.allocation.receipts import read_receipts

    return [each for path in paths or () for each in read_receipts(path)]
