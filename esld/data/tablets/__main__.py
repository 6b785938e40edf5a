"""``python -m esld.data.tablets FOLDER``: write the simulated trial of a tablet into a new or empty folder."""

import sys

from esld.data.simulated import written
from esld.data.tablets import simulate_tablets


def main(arguments: list[str]) -> int:
    """Write the tables; exit code 0, or 2 when not exactly one folder is named."""
    return written(
        arguments, module="esld.data.tablets", protocol="tablets-three-arms.yaml", simulate=simulate_tablets
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
