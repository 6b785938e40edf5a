"""Where kernels start from: this interpreter, nobody's settings, and a parent that has imported the stack.

Nothing is imported here that takes time, so that the parent is at work while the rest of the program is imported.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from esld.pipeline.temporary import temporary_folder
from esld.report.roles import RUN_VARIABLE, SESSION_VARIABLE

KERNEL = "python3"  # of published notebooks
PROVISIONER = "esld"  # name of the entry point of `esld.pipeline.provisioner`
PARENT = "ESLD_KERNEL_PARENT"  # in the environment: number of the socket on which kernels are asked for
SOCKETS = "ESLD_KERNEL_SOCKETS"  # in the environment: folder of the sockets by which kernels are spoken to
PROGRAM = ("-m", "esld.pipeline.kernel_parent")  # of the parent, for Python
CAN_FORK = sys.platform == "linux"  # elsewhere libraries of the system break in a forked child


@dataclass(frozen=True)
class Kernels:
    """Where kernels are started from; made by :func:`kernels`.

    Attributes
    ----------
    folder : Path
        All that they leave in the file system lies below it.
    stop : callable
        Ends every kernel at once; none starts any more.
    descriptors : tuple of int
        What a process that starts kernels must inherit.
    """

    folder: Path
    stop: Callable[[], None]
    descriptors: tuple[int, ...]

    def of_run(self, scratch: Path) -> str:
        """The name by which kernels start that write into a run's folder."""
        folder = self.folder / "jupyter" / "kernels"
        folder.mkdir(parents=True, exist_ok=True)
        spec = Path(tempfile.mkdtemp(prefix="esld-", dir=folder))
        write_spec(spec, {RUN_VARIABLE: str(scratch)})
        return spec.name


def write_spec(folder: Path, environment: Mapping[str, str]) -> None:
    """Describe a kernel to Jupyter: this interpreter, started by :mod:`esld.pipeline.provisioner`.

    Parameters
    ----------
    folder : Path
        Of the description; its name is the kernel's.
    environment : dict of str to str
        What the kernel has besides the environment of whoever starts it.
    """
    arguments = ["-m", "ipykernel_launcher", "-f", "{connection_file}", "--HistoryManager.enabled=False"]
    content = {
        "argv": [sys.executable, *arguments],
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "env": dict(environment),
        "metadata": {
            "supported_encryption": ["curve"],
            "kernel_provisioner": {"provisioner_name": PROVISIONER},
        },
    }
    (folder / "kernel.json").write_text(json.dumps(content), encoding="utf-8", newline="\n")


@contextmanager
def kernels() -> Iterator[Kernels]:
    """What kernels inherit: this very interpreter, nobody's own settings, one BLAS thread, and a parent that has the stack.

    A kernelspec on ``JUPYTER_PATH`` comes before any that the user has installed. A user's start-up file or
    ``matplotlibrc`` would make the same inputs give other bytes. All that kernels leave in a file system lies in one
    folder that goes when the context ends.
    """
    with temporary_folder() as folder, ExitStack() as stack:
        (folder / "matplotlibrc").touch()
        settings = {
            "JUPYTER_PATH": str(folder / "jupyter"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            SOCKETS: str(folder),
            "IPYTHONDIR": str(folder / "ipython"),
            "PYTHONSTARTUP": "",
            SESSION_VARIABLE: "",  # of a notebook whose kernel started this command
            "MPLBACKEND": "agg",
            "MATPLOTLIBRC": str(folder / "matplotlibrc"),
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
        }
        parent = stack.enter_context(KernelParent(os.environ | settings, folder))
        settings |= parent.variables
        stack.callback(_restore, {name: os.environ.get(name) for name in settings})
        os.environ.update(settings)
        yield Kernels(folder, parent.stop, parent.descriptors)


def _restore(before: Mapping[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


class KernelParent:
    """The parent of the kernels of a command, for as long as the context lasts; whatever it forked ends with it.

    Where nothing can be forked there is none, and kernels are ordinary processes.

    Parameters
    ----------
    environment : dict of str to str
        Of the parent: what libraries read when they are imported must be as the kernels will have it, but for
        ``MPLBACKEND``, which each kernel may have for itself.
    folder : Path, optional
        Removed by the parent at its end: it outlives a client that was killed by a moment.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path | None = None) -> None:
        self._environment, self._folder = environment, folder
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "KernelParent":
        if CAN_FORK:
            self._line, others = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            command = [sys.executable, "-P", *PROGRAM, str(others.fileno())]
            with others:
                self._process = subprocess.Popen(
                    [*command, *([str(self._folder)] if self._folder else [])],
                    env={name: value for name, value in self._environment.items() if name != "MPLBACKEND"},
                    stdin=subprocess.DEVNULL,
                    pass_fds=(others.fileno(),),
                    start_new_session=True,  # an interrupt from the keyboard is not for it
                )
        return self

    @property
    def variables(self) -> dict[str, str]:
        """What to add to the environment of whoever starts kernels."""
        return {PARENT: str(self._line.fileno())} if self._line else {}

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What a process that starts kernels must inherit."""
        return (self._line.fileno(),) if self._line else ()

    def stop(self) -> None:
        """End every kernel at once."""
        if self._line and self._process:
            with suppress(OSError):  # it has ended
                self._line.send(b"stop")
            self._process.terminate()  # it minds only while it imports, when there is no kernel yet
        if provisioner := sys.modules.get("esld.pipeline.provisioner"):
            provisioner.end_ordinary()

    def __exit__(self, *_: object) -> None:
        if self._line and self._process:
            self._line.close()
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
