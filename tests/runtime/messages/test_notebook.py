"""A real Jupyter kernel: cells run again, interrupts, restarts."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator

import pytest

from tests import devices
from tests.faults.processes import environment

jupyter_client = pytest.importorskip("jupyter_client", reason="no Jupyter here")
pytest.importorskip("ipykernel", reason="no kernel for Jupyter here")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(devices.DEVICE != "genn", reason="tests this device"),
]

BEGIN = """
from brian2 import *
import brian2genn
set_device("genn", backend="cpu")
def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
"""

NETWORK = """
start_scope()
group = NeuronGroup(1000, "dv/dt = (1.1 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0",
                    method="exact")
synapses = Synapses(group, group, on_pre="v += 0.001")
synapses.connect(p=0.05)
spikes = SpikeMonitor(group)
run(30*ms)
print(spikes.num_spikes > 0)
"""


class Kernel:
    """A kernel, and what comes of cells."""

    def __init__(self) -> None:
        self.manager, self.client = jupyter_client.manager.start_new_kernel(
            kernel_name="python3", env=environment(**devices.ON_THE_PROCESSOR)
        )

    def send(self, code: str) -> str:
        return self.client.execute(code)

    def outcome(self, request: str, timeout: float = 120) -> tuple[str, str]:
        """Status and everything shown (as text, and HTML) of a cell."""
        shown = []
        while True:
            message = self.client.get_iopub_msg(timeout=timeout)
            if message["parent_header"].get("msg_id") != request:
                continue
            content = message["content"]
            if message["msg_type"] == "stream":
                shown.append(content["text"])
            elif "data" in content:
                shown += content["data"].values()
            elif message["msg_type"] == "error":
                shown.append(f"{content['ename']}: {content['evalue']}")
            elif message["msg_type"] == "status" and content["execution_state"] == "idle":
                break
        while True:
            reply = self.client.get_shell_msg(timeout=timeout)
            if reply["parent_header"].get("msg_id") == request:
                return reply["content"]["status"], "".join(shown)

    def run(self, code: str) -> str:
        status, shown = self.outcome(self.send(code))
        assert status == "ok", shown
        return shown

    def close(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    opened = Kernel()
    try:
        opened.run(BEGIN)
        yield opened
    finally:
        opened.close()


def test_a_cell_that_is_run_again_takes_no_more_memory(kernel):
    for _ in range(10):
        assert "True" in kernel.run(NETWORK)
    before = int(kernel.run("print(memory())"))
    for _ in range(50):
        kernel.run(NETWORK)
    grown = int(kernel.run("print(memory())")) - before
    assert grown < 16e6, f"{grown / 50:.0f} bytes each time"


def test_explain_is_a_table(kernel):
    kernel.run(NETWORK)
    shown = kernel.run("brian2genn.explain()")
    assert "<table>" in shown and "objects compiled" in shown


def test_an_interrupt_ends_a_run_and_keeps_what_was_computed(kernel):
    kernel.run(NETWORK)
    request = kernel.send("run(100000*second)")
    time.sleep(3)
    kernel.manager.interrupt_kernel()
    status, shown = kernel.outcome(request, timeout=30)
    assert (status, "KeyboardInterrupt" in shown) == ("error", True)
    assert "True" in kernel.run("n = spikes.num_spikes; run(40*ms); print(spikes.num_spikes > n)")


def test_a_kernel_that_is_started_again(kernel):
    first = kernel.run(NETWORK)
    kernel.manager.restart_kernel()
    kernel.client.wait_for_ready(timeout=60)
    kernel.run(BEGIN)
    assert kernel.run(NETWORK).splitlines()[-1] == first.splitlines()[-1]


def test_nothing_is_left_waiting(kernel):
    kernel.run("1")
    with pytest.raises(queue.Empty):
        kernel.client.get_iopub_msg(timeout=0.2)
