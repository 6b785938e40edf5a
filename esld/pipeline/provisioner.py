"""How kernels start: forked from a parent that has imported the stack, or, where a system cannot fork, on their own.

jupyter_client finds :class:`ChapterProvisioner` by the entry point of its name, so that papermill, nbval and JupyterLab
all start kernels in the one way. The parent is started by whoever runs chapters, :mod:`esld.pipeline.kernels`, and found by its
socket, whose number stands in the environment; without one, kernels are ordinary processes.
"""

import array
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import weakref
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import Any

import zmq
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from esld.pipeline.kernels import PARENT, SOCKETS

_ORDINARY: "weakref.WeakSet[subprocess.Popen[bytes]]" = weakref.WeakSet()  # kernels that were not forked
_PATIENCE = 60.0  # seconds for the parent to have imported the stack


class ForkedKernel:
    """A kernel that another process forked, with what jupyter_client asks of a ``subprocess.Popen``."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, line: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._line = line

    @classmethod
    def start(
        cls, parent: int, argv: list[str], cwd: str | None, env: Mapping[str, str]
    ) -> "ForkedKernel | None":
        """Ask the parent for a kernel; None where it no longer is what its files say.

        Raises
        ------
        OSError
            The parent is gone or cannot fork.
        """
        content = json.dumps({"argv": argv, "cwd": cwd, "env": dict(env)}).encode()
        own, others = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ExitStack() as closing:
            closing.callback(own.close)
            with others, socket.socket(fileno=os.dup(parent)) as requests:
                rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [others.fileno()]))
                requests.sendmsg([content], [rights])
            own.settimeout(_PATIENCE)
            answer = json.loads(own.recv(4096) or b'{"error": "the parent of the kernels has ended"}')
            if "pid" in answer:
                closing.pop_all()
                return cls(answer["pid"], own)
            if answer.get("stale"):
                return None
            raise OSError(answer["error"])

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        if self.returncode is None and select.select([self._line], [], [], 0)[0]:
            self._end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, when it has ended."""
        if self.returncode is None:
            if not select.select([self._line], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("kernel", timeout or 0)
            self._end()
        return self.returncode or 0

    def _end(self) -> None:
        try:
            answer = self._line.recv(4096)
        except OSError:
            answer = b""
        # The parent is gone, and it takes its kernels along.
        self.returncode = json.loads(answer)["status"] if answer else -signal.SIGKILL
        self._line.close()

    def __del__(self) -> None:
        """Whoever drops a kernel ends it: its parent sees the line close."""
        self._line.close()

    def send_signal(self, number: int) -> None:
        """To the kernel and to what it started."""
        if self.returncode is None:
            with suppress(OSError):
                self._line.send(str(int(number)).encode())

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class ChapterProvisioner(LocalProvisioner):
    """Starts a kernel by a fork where the environment names a parent, else as a process of its own."""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """See ``jupyter_client.provisioning.LocalProvisioner.pre_launch``.

        A port that was free when it was chosen may be taken when the kernel binds it; a socket in a folder of one's own
        may not. The file that says so lies there too, and goes with the folder.
        """
        manager, folder = self.parent, os.environ.get(SOCKETS)
        if manager and folder and manager.transport == "tcp":
            path = os.path.join(folder, secrets.token_hex(4))
            manager.connection_file = manager.connection_file or f"{path}.json"
            if len(os.fsencode(f"{path}-5")) <= zmq.IPC_PATH_MAX_LEN:  # 0 where there are no such sockets
                manager.transport, manager.ip = "ipc", path
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """See ``jupyter_client.provisioning.LocalProvisioner.launch_kernel``.

        Raises
        ------
        RuntimeError
            The parent is gone or cannot fork.
        """
        kwargs["env"] = env = {**kwargs.get("env", os.environ)}
        env.pop(SOCKETS, None)
        if parent := env.pop(PARENT, None):  # the socket is ours, and not the kernel's
            try:
                kernel = ForkedKernel.start(int(parent), cmd, kwargs.get("cwd"), env)
            except OSError as error:
                raise RuntimeError(str(error)) from error
            if kernel is not None:
                self.process, self.pid = kernel, kernel.pid  # type: ignore[assignment]  # a Popen to its users
                return self.connection_info
        info: KernelConnectionInfo = await super().launch_kernel(cmd, **kwargs)
        if self.process:
            _ORDINARY.add(self.process)
        return info

    async def send_signal(self, signum: int) -> None:
        """See ``jupyter_client.provisioning.LocalProvisioner.send_signal``.

        A manager that shuts a kernel down interrupts it first. Ours are idle then and are killed next, and one that is
        caught between two messages would tell of the interrupt.
        """
        if not (signum == signal.SIGINT and self.parent and self.parent.shutting_down):
            await super().send_signal(signum)


def end_ordinary() -> None:
    """End every kernel that this process has not forked."""
    for process in list(_ORDINARY):
        process.kill()
