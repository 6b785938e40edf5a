"""``esld simulate``: what a design can show, before anybody is randomised or with the patients that a cut has."""

import os
from pathlib import Path
from typing import Annotated

import typer

from esld.cli_shared import AsJson, say
from esld.pipeline.how import processors


def simulate(
    design: Annotated[
        Path,
        typer.Argument(metavar="DESIGN", help="What is assumed and simulated, params/designs/<name>.yaml."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="A new or empty folder. Without it nothing is kept, and no chunk either.",
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(metavar="N", help="Instead of those that the file says, for a first look.", min=1),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            metavar="N", help="Processes [default: as many as processors].", min=0, show_default=False
        ),
    ] = 0,
    scheduler: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Of a dask cluster that runs it, tcp://host:8786.", show_default=False
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Simulate what a design can show: power, errors, intervals.

    Every method that the protocol plans, for every combination of assumptions, with the Monte Carlo error. The numbers hang on
    the file alone, not on workers or order. What was broken off goes on where it was when it is run again with the same -o.
    See docs/how-to/simulate.md.
    """
    for library in (
        "OMP",
        "OPENBLAS",
        "MKL",
    ):  # before numpy: small matrices, and a process for each processor
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    from esld.data.assumptions import read_design
    from esld.data.store import stored_study
    from esld.errors import InputError
    from esld.pipeline.simulation import facts, progress, report_text
    from esld.pipeline.simulation import simulate as simulated
    from esld.pipeline.unblinding import check_unblinding
    from esld.pipeline.workers import cluster, local

    if scheduler and workers:
        rule = "must not be given with --scheduler, whose workers are those of the cluster"
        raise InputError("--workers", rule, remedy="Leave it out.")
    file = read_design(design)
    study = stored_study(file.cut) if file.cut else None
    if study is not None:
        check_unblinding(study)
    work = file.work(study, trials=trials)
    count = workers or processors()
    run = cluster(scheduler) if scheduler else local(count)
    with progress(as_json) as listen:
        found = simulated(file, work, run, output=output, workers=count, listen=listen)
    text = report_text(file, work, found)
    say(
        facts(file, work, found),
        text if output is None else f"{text}\n\n{output}: operating.csv, operating.json",
        as_json,
    )
