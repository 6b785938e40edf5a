"""Kernels forked from a parent: what they are, and that nothing is left of them, however they end."""

import asyncio
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from jupyter_client import KernelManager
from jupyter_client.provisioning import LocalProvisioner

from esld.data.cutfile import read_cut
from esld.pipeline import provisioner
from esld.pipeline.how import How
from esld.pipeline.kernels import CAN_FORK, PARENT, kernels
from esld.pipeline.run import run_cut
from tests.examples import some
from tests.kernels import OF_TINY, lean

ROOT = Path(__file__).parents[2]

forks = pytest.mark.skipif(not CAN_FORK, reason="kernels are ordinary processes here")

# Prints, a line each, what a new process has and a forked one might have inherited.
LOOK = """
import os, random, signal, sys, threading
import numpy
print(sys.argv[1:2], sys.path[0], os.getcwd(), os.getpgid(0) == os.getpid(), __name__)
print(signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGCHLD), signal.getsignal(signal.SIGINT).__name__)
print(sorted(name for name in os.environ if name.startswith("ESLD")), os.environ["MINE"])
"""


class Client:
    """One kernel, as papermill, nbval and JupyterLab start it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.manager = KernelManager(kernel_name=name, transport_encryption="required")
        self.manager.start_kernel(cwd=str(folder), env=os.environ | {"MINE": "yes"})
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def execute(self, code: str, timeout: float = 30) -> str:
        said = []
        self.client.execute_interactive(
            code,
            timeout=timeout,
            output_hook=lambda m: said.append(m["content"].get("text", m["content"].get("evalue", ""))),
        )
        return "".join(said)

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def desk():
    with kernels() as started:
        yield started


@pytest.fixture
def start(desk, tmp_path):
    clients = []

    def started() -> Client:
        clients.append(Client(desk.of_run(tmp_path), tmp_path))
        return clients[-1]

    yield started
    for client in clients:
        client.close()


def gone(pid: int) -> bool:
    """Whether a process has ended; waits for it, ten seconds at most."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ended, _, _ = select.select([process], [], [], 10)
    os.close(process)
    return bool(ended)


@forks
class TestAForkedKernel:
    @pytest.mark.always
    def test_it_is_forked(self, start):
        kernel = start()
        assert isinstance(kernel.manager.provisioner.process, provisioner.ForkedKernel)
        assert "True" in kernel.execute("import sys; print('seaborn' in sys.modules)")

    def test_it_has_what_an_ordinary_one_has(self, start, monkeypatch):
        forked = start().execute(LOOK)
        monkeypatch.delenv(PARENT)
        ordinary = start()
        assert not isinstance(ordinary.manager.provisioner.process, provisioner.ForkedKernel)
        assert forked.splitlines() == ordinary.execute(LOOK).splitlines()

    def test_two_share_no_random_numbers_and_no_state(self, start):
        code = "import random, numpy; print(random.random(), numpy.random.rand())"
        one, two = start(), start()
        assert one.execute(code) != two.execute(code)
        one.execute("import pandas; pandas.leaked = 1")
        assert "False" in two.execute("import pandas; print(hasattr(pandas, 'leaked'))")

    def test_it_is_spoken_to_by_sockets_that_nobody_else_can_take(self, start, desk):
        """Two commands at once chose the same free port now and then, and the second to bind it failed."""
        manager = start().manager
        assert manager.transport == "ipc"
        assert len(list(desk.folder.glob(f"{Path(manager.ip).name}-[1-5]"))) == 5

    def test_where_the_path_of_a_socket_would_be_too_long_it_has_ports(self, start, monkeypatch):
        monkeypatch.setattr("zmq.IPC_PATH_MAX_LEN", 10)
        kernel = start()
        assert kernel.manager.transport == "tcp"
        assert "2" in kernel.execute("print(1 + 1)")

    def test_an_interrupt_stops_a_cell_and_not_the_kernel(self, start):
        kernel = start()
        message = kernel.client.execute(
            "import threading\nprint('begun', flush=True)\nthreading.Event().wait(60)",
            stop_on_error=False,
        )
        while kernel.client.get_iopub_msg(timeout=30)["content"].get("text") != "begun\n":
            pass
        kernel.manager.interrupt_kernel()
        reply = kernel.client.get_shell_msg(timeout=30)
        assert (reply["parent_header"]["msg_id"], reply["content"]["ename"]) == (message, "KeyboardInterrupt")
        assert "2" in kernel.execute("print(1 + 1)")

    def test_its_end_is_known_with_its_status(self, start):
        kernel = start()
        process = kernel.manager.provisioner.process
        assert process.poll() is None
        kernel.client.execute("import os; os._exit(7)")
        assert process.wait(timeout=30) == 7
        assert gone(process.pid)

    def test_what_it_started_is_killed_with_it(self, start):
        kernel = start()
        child = int(kernel.execute("import subprocess; print(subprocess.Popen(['sleep', '600']).pid)"))
        kernel.manager.shutdown_kernel(now=True)
        assert gone(child)

    def test_files_that_were_changed_since_are_run_as_they_are(self, tmp_path, monkeypatch):
        """An analyst edits the package beside JupyterLab: a restarted kernel has what the file says now."""
        module = tmp_path / "pkg" / "esld_edited.py"
        module.parent.mkdir()
        module.write_text("value = 1\n")
        (tmp_path / "pkg" / "sitecustomize.py").write_text("import esld_edited\n")
        monkeypatch.setenv("PYTHONPATH", str(module.parent))
        with lean(), kernels() as started:
            for value in (1, 22):
                module.write_text(f"value = {value}\n")
                kernel = Client(started.of_run(tmp_path), tmp_path)
                try:
                    assert f"{value}\n" == kernel.execute("import esld_edited; print(esld_edited.value)")
                    forked = isinstance(kernel.manager.provisioner.process, provisioner.ForkedKernel)
                    assert forked is (value == 1)
                finally:
                    kernel.close()

    def test_a_parent_that_is_gone_is_told(self, tmp_path):
        with lean(), kernels() as started:
            started.stop()
            with pytest.raises((RuntimeError, OSError)):
                Client(started.of_run(tmp_path), tmp_path)


def heeding_interrupts() -> None:
    """In a child: a shell has what it starts in the background ignore interrupts, and so would it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


# Starts a kernel, says its number, and waits.
CLIENT = """
import sys
from pathlib import Path
from esld.pipeline.kernels import kernels
from tests.kernels import lean
from tests.pipeline.test_provisioner import Client
with lean(), kernels() as started:
    kernel = Client(started.of_run(Path(sys.argv[1])), Path(sys.argv[1]))
    print(kernel.execute("import os; print(os.getpid(), os.getppid())").strip(), started.folder, flush=True)
    sys.stdin.read()
"""


@forks
@pytest.mark.parametrize("number", some([signal.SIGKILL, signal.SIGINT], 2))
def test_a_client_that_is_killed_takes_kernel_parent_and_files_along(tmp_path, number):
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=heeding_interrupts,
    )
    assert client.stdout and client.stdin
    kernel, parent, folder = client.stdout.readline().split()
    client.send_signal(number)
    client.wait(timeout=30)
    client.stdout.close()
    client.stdin.close()
    assert gone(int(kernel))
    assert gone(int(parent))
    assert not Path(folder).exists()


RUNS = 50 if os.environ.get("ESLD_SOAK") else 1  # after a first one


def test_runs_one_after_another_leave_no_process_socket_or_file(working_copy, tmp_path, monkeypatch):
    """Fifty under `make soak`."""
    import psutil

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("esld.pipeline.run.kernels", kernels)
    own = psutil.Process()
    file = read_cut(working_copy / "params" / "tiny.yaml")
    with lean(OF_TINY):
        run_cut(file, How(force=True))
    before, children = own.num_fds(), own.children(recursive=True)
    with lean(OF_TINY):
        for _ in range(RUNS):
            run_cut(file, How(force=True))
    assert own.children(recursive=True) == children
    assert own.num_fds() == before
    assert list((tmp_path / "temporary").iterdir()) == []
    assert [p for p in (working_copy / "outputs" / ".staging").rglob("*") if p.is_file()] == []


@pytest.mark.slow
def test_an_interrupt_ends_the_run_and_the_report_stands(own_published_copy, contents):
    """Ctrl-C while a cell works that would never end: at once, nothing kept, nothing left.

    In `make test` test_interrupt.py asks the same of two cuts at once.
    """
    folder = own_published_copy / "outputs" / "tiny"
    before = contents(folder)
    begun = own_published_copy / "begun"
    os.mkfifo(begun)
    notebook = own_published_copy / "notebooks" / "02_two.py"
    text = notebook.read_text(encoding="utf-8")
    notebook.write_text(
        f"{text}\n# %%\nopen({str(begun)!r}, 'w').close()\nwhile True:\n    pass\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "esld.cli", "run", str(own_published_copy / "params" / "tiny.yaml")]
    run = subprocess.Popen(
        command,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heeding_interrupts,
    )
    with begun.open():  # waits for the cell
        pass
    os.killpg(run.pid, signal.SIGINT)
    _, said = run.communicate(timeout=120)
    assert run.returncode != 0
    assert "Traceback" not in said
    assert contents(folder) == before
    assert not any((own_published_copy / "outputs" / ".staging" / "tiny").iterdir())
    assert not (own_published_copy / "outputs" / ".failed").exists()


def test_a_kernel_that_is_shut_down_is_not_interrupted_first(monkeypatch):
    """Caught between two messages it would tell of that; any other signal, and an interrupt at another time, arrive."""
    sent = []

    async def send(_, signum):
        sent.append(signum)

    monkeypatch.setattr(LocalProvisioner, "send_signal", send)
    manager = KernelManager()
    own = provisioner.ChapterProvisioner(parent=manager)
    for manager.shutting_down in (True, False):
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.run(own.send_signal(number))
    assert sent == [signal.SIGTERM, signal.SIGINT, signal.SIGTERM]
