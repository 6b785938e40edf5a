"""``python -m esld.data.demo FOLDER``: write the demonstration trial of NCT06167473 into a new or empty folder."""

import sys

from esld.data.demo import simulate_demo
from esld.data.simulated import written


def main(arguments: list[str]) -> int:
    """Write the tables; exit code 0, or 2 when not exactly one folder is named."""
    return written(arguments, module="esld.data.demo", protocol="nct06167473.yaml", simulate=simulate_demo)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
