"""Who may be shown the arms of a masked trial: a cut that quotes the record by which its ledger was unmasked."""

from esld.allocation.disclosed import FILE as LEDGER_FILE
from esld.allocation.disclosed import read_disclosed
from esld.data.study import Study
from esld.errors import InputError


def check_unblinding(study: Study) -> None:
    """Let an unblinded cut of a masked trial pass only with the record by which its ledger was unmasked.

    Raises
    ------
    esld.errors.InputError
        The cut file quotes none, or one that is not in the ledger beside the data.
    """
    allocation, cut = study.protocol.allocation, study.cut
    if cut.hides or allocation is None or not allocation.masked:
        return
    rule, remedy = (
        "must quote the record of the unmasking",
        "Give the id that 'esld randomise export --unmask' printed.",
    )
    if not cut.unblinding:
        raise InputError("unblinding", rule, "none", study.file.path.name, remedy)
    path = study.file.ledger_path
    if not path.is_file():
        where = f"{LEDGER_FILE} is not beside the data"
        raise InputError(
            "unblinding", "must be found in the exported ledger", cut.unblinding, where, "Export it again."
        )
    if cut.unblinding not in {r.id for r in read_disclosed(path).records if r.kind == "unmasking"}:
        raise InputError("unblinding", rule, cut.unblinding, LEDGER_FILE, remedy)
