"""A copy of the sealed folder that is whole at every moment, also while somebody assigns."""

from pathlib import Path

from esld.allocation.folder import LEDGER, SEALED, check_private, new_folder, read_private, write_private
from esld.allocation.ledger import Ledger
from esld.allocation.log import Log


def back_up(folder: Path, target: Path) -> None:
    """Copy list and ledger into a new folder, private like the first, and open the copy to see that it is whole.

    Raises
    ------
    esld.errors.InputError
        The target holds something, or others can look into either folder.
    esld.errors.RefusedError
        The ledger is altered, so that a copy would only hide it.
    """
    Ledger(folder).close()
    with new_folder(target) as own:
        with Log(folder) as log:
            log.copy_to(target / LEDGER)
        own.append(target / LEDGER)
        write_private(target / SEALED, read_private(folder / SEALED))
    check_private(target)
    Ledger(target).close()
