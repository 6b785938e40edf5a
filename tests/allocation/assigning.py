"""A process of the trial office: ``python assigning.py FOLDER NAME COUNT`` assigns NAME-0 … and acknowledges each.

An acknowledgement is a line on stdout, written in one piece after the assignment is on the disk. The process may be killed
at any moment and started again; what it finds assigned already it passes over.
"""

import os
import sys
from pathlib import Path

from esld.allocation.ledger import Ledger
from esld.errors import RefusedError
from tests.allocation.small_list import ELIGIBLE

STRATA = tuple(f"SITE={i},SEX={sex}" for i in (1, 2) for sex in ("F", "M"))


def main(folder: str, name: str, count: int) -> None:
    with Ledger(Path(folder), who=name) as ledger:
        done = ledger.register().assigned
        for i in range(count):
            subject = f"{name}-{i}"
            if subject in done:
                continue
            try:
                record = ledger.assign(subject, stratum=STRATA[i % 4], answers=ELIGIBLE)
            except RefusedError as error:
                if "assigned already" not in str(error):
                    raise
                continue
            os.write(1, f"{record.seq} {record.hash}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
