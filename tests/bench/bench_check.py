"""What `esld check` costs: on the demonstration data, and on 60,000 laboratory records, most of tests that nothing uses."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

from esld.data.sdtm import read_tables
from esld.data.tables import write_tables
from tests.bench.measures import Measure, table

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "esld" / "data" / "examples" / "demo"
PROTOCOL = ROOT / "params" / "protocols" / "nct06167473.yaml"
RECORDS = 60_000
# What a hospital's system prints beside what a trial asks for, each with a unit that nobody here knows.
OTHERS = {"MCV": "fL", "MCH": "pg", "HCT": "%", "RDW": "%", "CRP": "mg/l?", "AFP": "odd", "AMMONIA": "?"}


def large(folder: Path) -> None:
    """The demonstration export with as many more laboratory records, of later days and other tests."""
    tables = read_tables(DEMO)
    lb = tables["LB"]
    more = [lb]
    while len(more) * len(lb) < RECORDS:
        number = len(more)
        code, unit = list(OTHERS.items())[number % len(OTHERS)]
        sequence = f"{number}" + lb["LBSEQ"].str.zfill(3)
        more.append(lb.assign(LBTESTCD=code, LBTEST=code, LBORRESU=unit, LBSEQ=sequence))
    whole = pd.concat(more, ignore_index=True).iloc[:RECORDS]
    whole.attrs = lb.attrs
    write_tables(tables | {"LB": whole}, folder)


def cost(data: Path) -> tuple[float, float]:
    """CPU seconds and MB of a check in a process of its own, its imports included."""
    command = [
        sys.executable,
        "-c",
        "from esld.cli import main; main()",
        "check",
        data,
        "--protocol",
        PROTOCOL,
    ]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"esld check ended with {process.returncode}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def measures(repeats: int = 3) -> list[Measure]:
    """CPU time and memory of a check, the least of some, of both exports."""
    with tempfile.TemporaryDirectory() as name:
        large(Path(name))
        found = {"demonstration": (DEMO, 1.0), f"{RECORDS:,} laboratory records": (Path(name), 5.0)}
        costs = {what: [cost(data) for _ in range(repeats)] for what, (data, _) in found.items()}
    return [
        measure
        for what, (_, goal) in found.items()
        for measure in (
            Measure(f"esld check, {what}, CPU", min(cpu for cpu, _ in costs[what]), goal=goal),
            Measure(f"esld check, {what}, memory", min(mb for _, mb in costs[what]), goal=400, unit="MB"),
        )
    ]


if __name__ == "__main__":
    print(table(measures()))
