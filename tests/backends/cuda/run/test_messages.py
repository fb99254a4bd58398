"""Blocks of a cluster that tell each other of events, and need to know nothing else of others."""

from dataclasses import replace

import pytest
from brian2 import (
    Network,
    NeuronGroup,
    PoissonGroup,
    SpikeMonitor,
    ms,
    set_device,
)

from brian2genn.backends.cuda.device.driver import CudaError, Meeting
from brian2genn.backends.cuda.memory import recorder
from brian2genn.backends.cuda.run.autotuning import LaunchPlan
from emulation.ptx.driver import PtxDriver
from tests import devices
from tests.backends.cuda.comparing import compare_with_processor
from tests.backends.cuda.run.test_owners import cells, connected, two_pathways, waiting_reset
from tests.cuda_shim.driver import ShimDriver
from tests.semantics.harness import compare, observe

TOLD = LaunchPlan(Meeting.CLUSTER, threads=64, owned=True, told=True)
WAYS = [
    TOLD,
    LaunchPlan(Meeting.CLUSTER, threads=32, owned=True, told=True, widening=2),
    LaunchPlan(Meeting.CLUSTER, threads=256, owned=True, told=True, widening=-3),
]


def noise_from_elsewhere():
    """Several tasks in the first stage: blocks of this group are not the first."""
    noise = PoissonGroup(130, rates="800*Hz + i*Hz", name="anoise")
    silent = NeuronGroup(90, "dx/dt = -x/ms : 1", method="exact", name="bsilent")
    silent.x = 1
    group = cells()
    one = connected(noise[7:99], group, "g", "(i + j) % 17 == 0", name="one")
    two = connected(group[33:290], group[40:], "h", "(i + j) % 19 == 0", name="two")
    three = connected(group, silent, "x", "(i + j) % 29 == 0", name="three")
    return noise, silent, group, one, two, three


def all_at_once():
    """All neurons spike in the same time step, and none in most."""
    group = NeuronGroup(
        300, "dv/dt = 1/ms : 1\ndg/dt = -g/ms : 1", threshold="v > 0.95", reset="v = 0",
        method="euler", name="cells",
    )  # fmt: skip
    return group, connected(group, group, "g", "(i + 3*j) % 7 == 0", name="all")


def silence():
    """Nobody spikes."""
    group = NeuronGroup(300, "dv/dt = -v/ms : 1", threshold="v > 2", reset="v = 0", name="cells")
    return group, connected(group, group, "v", "(i + 3*j) % 7 == 0", name="all")


def chance():
    """Random numbers of synapses, and variables of their own."""
    group = cells()
    synapses = connected(
        group, group, "g", "(i + 5*j) % 23 == 0", name="chance", model="w : 1",
        on_pre="g_post += 0.01*w*rand(); w = clip(w + 0.01, 0, 1)",
    )  # fmt: skip
    return group, synapses


NETWORKS = {
    "two pathways": two_pathways,
    "noise from elsewhere": noise_from_elsewhere,
    "all at once": all_at_once,
    "silence": silence,
    "chance": chance,
    "a reset that waits": waiting_reset,
}


@pytest.mark.parametrize("plan", WAYS, ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_results_are_those_of_the_processor(driver, only, made, name, plan):
    if isinstance(driver, PtxDriver) and plan is not TOLD:
        pytest.skip("other numbers of threads have no other races")
    if name == "noise from elsewhere" and plan.threads == 32:
        pytest.skip("these are more blocks than a cluster has")
    only(plan)
    least = -1 if name == "silence" else 20
    compare_with_processor(driver, NETWORKS[name], least_spikes=least, changed=True)
    assert made[-1].source.tells
    assert made[-1]._stepper._can_tell()
    assert made[-1]._stepper.plan == plan


def test_recordings_that_are_full_are_emptied(shim, only, made, monkeypatch):
    """All blocks know that there is no room for another time step, and end a launch."""
    monkeypatch.setattr(recorder, "_BYTES", 1)
    shim.rules = replace(shim.rules, patience=60.0)
    shim.most_blocks_together, shim.largest_cluster = 100, 16
    only(TOLD)
    spikes = []
    for backend in ("cpu", "cuda"):
        devices.reset()
        devices.use(shim)
        set_device("genn", backend=backend)
        group, synapses = all_at_once()
        spikes.append(SpikeMonitor(group))
        Network(group, synapses, spikes[-1]).run(14 * ms)
    (capacity,) = made[-1].deployment.fixed["recorders"]["capacity"]
    assert spikes[0].num_spikes > 1.5 * capacity
    compare(*(observe(spikes=one) for one in spikes))


@pytest.mark.parametrize(
    "message",
    ["b2g_tell(&b2g_inbox_of_block, told, inside && ", "b2g_tell(&b2g_inbox_of_block, told, false"],
)
def test_a_message_that_never_comes_is_an_error(shim, only, monkeypatch, message):
    monkeypatch.setattr(ShimDriver, "build", _without(message))
    shim.most_blocks_together, shim.largest_cluster = 100, 16
    only(TOLD)
    set_device("genn", backend="cuda")
    with pytest.raises(CudaError, match="wait for each other without end"):
        Network(*noise_from_elsewhere()).run(0.3 * ms)


def _without(message: str):
    """Compile programs in which not all warps tell of events."""
    build = ShimDriver.build

    def changed(self, text, *, exact=False):
        silent = f"if (threadIdx.x < 32) {message}"
        return build(self, text.replace(message, silent), exact=exact)

    return changed


def looking_back():
    """What the monitor records is changed by the reset."""
    group = cells()
    return group, connected(group, group, "g", "i != j"), SpikeMonitor(group, variables="v")


def delayed():
    group = cells()
    return group, connected(group, group, "g", "i != j", 0.3 * ms, name="delayed")


def slow_clock():
    fast, slow = cells(100), NeuronGroup(90, "dx/dt = 0.4/ms : 1", dt=0.3 * ms, method="euler")
    return fast, slow, connected(fast, fast, "g", "i != j")


@pytest.mark.parametrize(
    ("script", "tells"),
    [(looking_back, False), (slow_clock, False), (delayed, True)],
)
def test_other_networks_do_without(shim, made, script, tells):
    """Not those whose monitors would see something else later; delays are seen in each run."""
    shim.most_blocks_together, shim.largest_cluster = 100, 16
    set_device("genn", backend="cuda")
    Network(*script()).run(0.3 * ms)
    assert made[-1].source.tells == tells
    assert not made[-1]._stepper._can_tell()
