"""The parent of kernels: a process that has imported the stack once, and forks a kernel for each chapter.

``python -m esld.pipeline.kernel_parent FD [FOLDER]``, started by :mod:`esld.pipeline.kernels`. ``FD`` is a socket on which
any number of clients ask, a datagram a request: command, folder and environment of a kernel as JSON, with one end of a
socket that belongs to that kernel alone. On it go its process id, and when it has ended its exit status; a number that
comes back is a signal to send. Nobody finds the parent by a name, so that nothing of it is left in a file system, and
whoever is gone, client or parent, takes the kernels along: a closed socket says so. A datagram without a socket ends the
kernels and lets none start any more. ``FOLDER``, which the clients share, goes with the last of them.
"""

import array
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import random
import selectors
import shutil
import signal
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from esld.data.fingerprint import code_as_loaded
from esld.pipeline.start import skip_iri_grammar

# What chapters and kernels import, so that none of them has to. Nothing here may start a thread or open a socket of
# zmq's: neither survives a fork.
_STACK = (
    "IPython.core.completer",
    "formulaic",
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "matplotlib.pyplot",
    "pandas",
    "scipy.optimize",
    "scipy.stats",
    "seaborn",
)
_INLINE = "module://matplotlib_inline.backend_inline"  # ipykernel's own choice; it wants a kernel when it is imported
_CHAPTERS = "esld.report"  # with every module in it, and so all that these import
LARGEST = 1 << 20  # bytes of a request; an environment may be large


@dataclass(frozen=True)
class Request:
    """A kernel to start."""

    argv: list[str]
    cwd: str | None
    env: dict[str, str]


@dataclass
class _Kernel:
    """A kernel that runs, and the socket of whoever asked for it."""

    pid: int
    line: socket.socket

    def signal(self, number: int) -> None:
        """To the kernel and all that it started; it is not waited for yet, so that the number is still its own."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def preload() -> None:
    """Import the stack. What cannot be imported is left to the chapter that needs it, which says so in its own cell."""
    skip_iri_grammar()
    for name in _STACK:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    with contextlib.suppress(Exception):
        package = importlib.import_module(_CHAPTERS)
        for module in pkgutil.walk_packages(package.__path__, f"{_CHAPTERS}."):
            with contextlib.suppress(Exception):
                importlib.import_module(module.name)


def loaded_files() -> dict[str, tuple[int, int]]:
    """Size and time of change of every file that was imported."""
    names = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return {name: (found.st_size, found.st_mtime_ns) for name, found in _stats(filter(None, names))}


def _stats(names: Iterable[str]) -> Iterable[tuple[str, os.stat_result]]:
    for name in names:
        with contextlib.suppress(OSError):
            yield name, os.stat(name)


def serve(requests: socket.socket) -> Request | None:
    """Fork kernels until nobody can ask any more; in a kernel's process, give what it is to be.

    Returns
    -------
    Request or None
        In a child its request; in the parent None, when the last client is gone and every kernel has ended.
    """
    signals, wakeup = socket.socketpair()
    wakeup.setblocking(False)
    signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGTERM):  # a closed socket says when it is over
        signal.signal(number, signal.SIG_IGN)
    kernels: dict[int, _Kernel] = {}
    stopped = False
    imported = loaded_files()
    with selectors.DefaultSelector() as selector:
        for source in (requests, signals):
            selector.register(source, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                line = key.fileobj
                if line is signals:
                    signals.recv(4096)
                    _reap(kernels, selector)
                elif line is requests:
                    content, own = _receive(requests)
                    if not content:  # nobody is left to ask
                        _end_all(kernels)
                        return None
                    if own is None:
                        stopped = True
                        for kernel in kernels.values():
                            kernel.signal(signal.SIGKILL)
                        continue
                    if stopped:
                        _say(own, error="the kernels were stopped")
                        own.close()
                        continue
                    if (
                        not code_as_loaded() or loaded_files() != imported
                    ):  # a kernel must not run what its files no longer say
                        _say(own, stale=True)
                        own.close()
                        continue
                    pid = _fork(own)
                    if pid == 0:
                        _forget(
                            selector, [requests, signals, wakeup, own, *(k.line for k in kernels.values())]
                        )
                        return Request(**json.loads(content))
                    if pid is not None:
                        kernels[pid] = _Kernel(pid, own)
                        selector.register(own, selectors.EVENT_READ, kernels[pid])
                elif (kernel := key.data).pid in kernels:
                    _obey(kernel, selector)


def _receive(requests: socket.socket) -> tuple[bytes, socket.socket | None]:
    content, ancillary, _, _ = requests.recvmsg(LARGEST, socket.CMSG_SPACE(array.array("i").itemsize))
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors = array.array("i")
            descriptors.frombytes(data[: descriptors.itemsize])
            return content, socket.socket(fileno=descriptors[0])
    return content, None


def _fork(line: socket.socket) -> int | None:
    """The child's id, 0 in the child, None where there can be none."""
    try:
        pid = os.fork()
    except OSError as error:
        _say(line, error=error.strerror)
        line.close()
        return None
    if pid:
        with contextlib.suppress(OSError):  # the child does the same: whoever comes first
            os.setpgid(pid, pid)
        _say(line, pid=pid)
    return pid


def _say(line: socket.socket, **message: Any) -> None:
    with contextlib.suppress(OSError):
        line.send(json.dumps(message).encode())


def _obey(kernel: _Kernel, selector: selectors.BaseSelector) -> None:
    """A signal that the client sends, or the end of a kernel that nobody waits for any more."""
    try:
        content = kernel.line.recv(64)
    except OSError:
        content = b""
    if content:
        kernel.signal(int(content))
    else:
        selector.unregister(kernel.line)
        kernel.line.close()
        kernel.signal(signal.SIGKILL)


def _reap(kernels: dict[int, _Kernel], selector: selectors.BaseSelector) -> None:
    while kernels:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        kernel = kernels.pop(pid)
        if kernel.line.fileno() >= 0:
            selector.unregister(kernel.line)
            _say(kernel.line, status=os.waitstatus_to_exitcode(status))
            kernel.line.close()


def _end_all(kernels: dict[int, _Kernel]) -> None:
    for kernel in kernels.values():
        kernel.signal(signal.SIGKILL)
    for pid in kernels:
        os.waitpid(pid, 0)


def _forget(selector: selectors.BaseSelector, sockets: Iterable[socket.socket]) -> None:
    """In the child: nothing of the parent's, and signals as a process has them that is new."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    selector.close()
    for line in sockets:
        line.close()


def become(request: Request) -> None:
    """In the child: the kernel that was asked for, as if it had been started by its command."""
    parent = os.getppid()
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    if request.cwd is not None:
        os.chdir(request.cwd)
    os.environ.clear()
    os.environ.update(request.env)
    if matplotlib := sys.modules.get("matplotlib"):  # read when it is imported, and none was set then
        matplotlib.rcParams["backend"] = request.env.get("MPLBACKEND", _INLINE)
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()
    from ipykernel.kernelapp import IPKernelApp

    # ipykernel took the parent whose end ends the kernel from the environment when it was imported
    options = request.argv[request.argv.index("ipykernel_launcher") + 1 :]
    sys.argv[1:] = options
    IPKernelApp.launch_instance([*options, f"--IPKernelApp.parent_handle={parent}"])


def main() -> None:
    """Serve on the socket that was inherited; in each child, be a kernel."""
    requests = socket.socket(fileno=int(sys.argv[1]))
    requests.set_inheritable(False)
    preload()
    gc.collect()
    gc.freeze()  # the children share these pages as long as no collection touches them
    if (request := serve(requests)) is not None:
        become(request)
    elif len(sys.argv) > 2:
        shutil.rmtree(sys.argv[2], ignore_errors=True)


if __name__ == "__main__":
    main()
