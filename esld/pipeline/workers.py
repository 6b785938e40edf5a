"""Who runs the chunks of a simulation: this process, several of this machine, or those of a cluster."""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import cache
from itertools import islice
from time import perf_counter
from typing import Any, NamedTuple

from esld.errors import InputError, RunError
from esld.operating.characteristics import Sums, Task

AHEAD = 4  # chunks that are sent for each thread of a cluster: what waits for a worker is no time lost


class Done(NamedTuple):
    """A chunk that was run: what it gave, how long that took, and by which code."""

    task: Task
    sums: Sums
    seconds: float
    code: str


Run = Callable[[Callable[[Task], Sums], Iterable[Task]], Iterator[Done]]


def _done(function: Callable[[Task], Sums], task: Task) -> Done:
    begun = perf_counter()
    return Done(task, function(task), perf_counter() - begun, fingerprint())


@cache
def fingerprint() -> str:
    """Of what decides the numbers: this package, as it was when first asked, and what it computes with."""
    import numpy as np
    import pandas as pd
    import scipy

    from esld.data.fingerprint import package_digest

    others = f"Python {sys.version.split()[0]}, numpy {np.__version__}, scipy {scipy.__version__}"
    return f"esld {package_digest()[:16]}, {others}, pandas {pd.__version__}"


def local(workers: int) -> Run:
    """Run chunks here, in so many processes of joblib; one is this process.

    Raises
    ------
    esld.errors.RunError
        When a process was ended from outside; what came before is there.
    """

    def run(function: Callable[[Task], Sums], tasks: Iterable[Task]) -> Iterator[Done]:
        if workers == 1:
            yield from (_done(function, task) for task in tasks)
            return
        # Of locks that are left when this process is told to end at once; the system takes them back.
        os.environ.setdefault("PYTHONWARNINGS", "ignore:resource_tracker")
        from joblib import Parallel, delayed
        from joblib.externals.loky import get_reusable_executor
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        several = Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1, max_nbytes=None)
        try:
            with closing(several(delayed(_done)(function, task) for task in tasks)) as found:
                yield from found
        except TerminatedWorkerError:
            told = "a worker was ended from outside, as where memory runs out. Run it again: what was done is kept."
            raise RunError(told) from None
        finally:
            get_reusable_executor(reuse=True).shutdown(kill_workers=True)

    return run


def cluster(address: str, *, seconds: float = 30) -> Run:
    """Run chunks by the workers of a dask cluster; what a worker had when it was lost is run by another.

    Parameters
    ----------
    address : str
        Of the scheduler, ``tcp://host:8786``.
    seconds : float
        How long to wait for it, and for its first worker.

    Raises
    ------
    esld.errors.InputError
        Without the extra ``scale``, or where no scheduler or no worker answers; of what is returned, where a worker has
        other code.
    """
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError:
        rule, remedy = "needs the extra 'scale'", "Install it: pip install 'esld[scale]'."
        raise InputError("--scheduler", rule, remedy=remedy) from None
    try:
        client: Any = Client(address, timeout=seconds, set_as_default=False)
    except (OSError, ValueError, TypeError):
        rule, remedy = "must be the address of a scheduler that answers", "Start it: dask scheduler."
        raise InputError("--scheduler", rule, address, remedy=remedy) from None

    def run(function: Callable[[Task], Sums], tasks: Iterable[Task]) -> Iterator[Done]:
        waiting = iter(tasks)
        with client:
            try:
                client.wait_for_workers(1, timeout=seconds)
            except TimeoutError:
                rule, remedy = "must have a worker", f"Start one: dask worker {address}."
                raise InputError("--scheduler", rule, address, remedy=remedy) from None

            def sent(number: int) -> list[Any]:
                return [
                    client.submit(_done, function, task, key=f"esld-{task.key}", pure=False)
                    for task in islice(waiting, number)
                ]

            futures = as_completed(sent(AHEAD * max(2, sum(client.nthreads().values()))), loop=client.loop)
            for future in futures:
                try:
                    done: Done = future.result()
                except KilledWorker as error:
                    raise RunError(f"a chunk ended every worker that it was given to: {error}.") from None
                if done.code != fingerprint():
                    rule = f"must have workers with the code of this process ({fingerprint()})"
                    raise InputError("--scheduler", rule, done.code, address, "Install the same there.")
                yield done
                for new in sent(1):
                    futures.add(new)

    return run
