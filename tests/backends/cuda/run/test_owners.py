"""Blocks that execute the synapses of the elements that they own wait once less in a time step."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    PoissonGroup,
    SpikeGeneratorGroup,
    StateMonitor,
    Synapses,
    ms,
    seed,
    set_device,
)

from brian2genn.backends.cuda.device.driver import Meeting
from brian2genn.backends.cuda.run.autotuning import LaunchPlan
from emulation.ptx.driver import PtxDriver
from tests import devices
from tests.backends.cuda.comparing import compare_with_processor
from tests.semantics.harness import compare, observe

MEMORY = LaunchPlan(Meeting.MEMORY, owned=True)
CLUSTER = LaunchPlan(Meeting.CLUSTER, threads=64, owned=True)
WAYS = [MEMORY, CLUSTER, replace(CLUSTER, threads=32, widening=2), replace(MEMORY, widening=-2)]


def cells(n: int = 300, **kwds) -> NeuronGroup:
    group = NeuronGroup(
        n,
        """dv/dt = (1.15 - v + g + h)/(5*ms) : 1 (unless refractory)
        dg/dt = -g/(3*ms) : 1
        dh/dt = -h/(4*ms) : 1
        count : integer""",
        threshold="v > 1", reset="v = 0.2*rand(); count += 1", refractory=1 * ms, method="exact",
        name="cells", **kwds,
    )  # fmt: skip
    group.v = "rand()"
    return group


def connected(source, group, variable: str, condition: str, delay: object = None, **kwds):
    kwds.setdefault("on_pre", f"{variable}_post += 0.001*(1 + i % 7)")
    synapses = Synapses(source, group, **kwds)
    synapses.connect(condition=condition)
    if delay is not None:
        synapses.delay = delay
    return synapses


def two_pathways(delay: object = None, **kwds):
    group = cells(**kwds)
    exciting = connected(group[:200], group, "g", "(i + 3*j) % 11 == 0", delay, name="exciting")
    others = connected(group[200:], group, "h", "(2*i + j) % 13 == 0", delay, name="others")
    return group, exciting, others


def noise_from_elsewhere():
    """Several tasks in the first stage: blocks of this group are not the first."""
    noise = PoissonGroup(130, rates="800*Hz + i*Hz", name="anoise")
    group = cells()
    given = SpikeGeneratorGroup(7, np.arange(40) % 7, np.arange(40) * 0.15 * ms, name="given")
    one = connected(noise, group, "g", "(i + j) % 17 == 0", name="one")
    two = connected(given, group[40:], "h", "(i + j) % 3 == 0", "0.1*ms*(1 + j % 4)", name="two")
    three = connected(group, group, "g", "(i + j) % 19 == 0", 0.7 * ms, name="three")
    return noise, given, group, one, two, three


def waiting_reset():
    """Synapses change what the reset does: it is executed late, at its own element."""
    group = cells()
    return group, connected(group, group, "v", "(i + 3*j) % 29 == 0", name="into")


def looking():
    """Synapses read what neurons update, and change variables of their own."""
    group = cells()
    synapses = connected(
        group, group, "g", "(i + 5*j) % 23 == 0", "0.1*ms*(i % 3)", name="looking",
        model="w : 1\nlast : second", on_pre="g_post += w*(1.2 - v_post); w *= 0.99; last = t",
    )  # fmt: skip
    synapses.w = "0.001*(1 + j % 5)"
    return group, synapses


def untouched():
    """What nobody updates has no owner: any block may execute the synapses."""
    group, others = cells(), NeuronGroup(150, "x : 1", name="others")
    one = connected(group, group, "g", "(i + 3*j) % 29 == 0", name="one")
    return group, others, one, connected(group, others, "x", "(i + 3*j) % 7 == 0", name="two")


def two_clocks():
    fast, slow = cells(100), NeuronGroup(
        90, "dv/dt = 0.4/ms : 1", threshold="v > 1", reset="v = 0", dt=0.3 * ms, method="euler",
        name="slow",
    )  # fmt: skip
    slow.v = "rand()"
    return fast, slow, connected(slow, fast, "g", "(i + j) % 3 == 0", 0.6 * ms, name="down")


NETWORKS = {
    "two pathways": two_pathways,
    "two pathways, delay": lambda: two_pathways(0.4 * ms),
    "two pathways, delays": lambda: two_pathways("0.1*ms*((i + j) % 7)"),
    "two pathways, a table of runs": lambda: two_pathways("0.1*ms*((i*j) % 70)"),
    "noise from elsewhere": noise_from_elsewhere,
    "a reset that waits": waiting_reset,
    "synapses that look": looking,
    "none to own": untouched,
    "two clocks": two_clocks,
}


@pytest.mark.parametrize("plan", WAYS, ids=str)
@pytest.mark.parametrize("name", NETWORKS)
def test_results_are_those_of_the_processor(driver, only, made, name, plan):
    if isinstance(driver, PtxDriver) and plan not in (MEMORY, CLUSTER):
        pytest.skip("other numbers of threads have no other races")
    only(plan)
    n_synapses = compare_with_processor(driver, NETWORKS[name], least_spikes=50)
    assert made[-1].source.waits_once
    assert len(made[-1].source.owned) == n_synapses - (name == "none to own")


def source_variable():
    """A synapse reads what another block may have updated already."""
    group = cells(100)
    return group, connected(
        group, group, "g", "i != j", "0.1*ms*(i % 3)", name="pre", on_pre="g_post += 0.001*v_pre"
    )


def plastic():
    """The postsynaptic pathway goes through synapses beside the neurons."""
    group = cells(100)
    return group, connected(
        group, group, "g", "i != j", name="plastic", model="w : 1",
        on_pre="g_post += w; w -= 0.01", on_post="w += 0.01",
    )  # fmt: skip


def recorded():
    """The row of a state monitor is there when all elements are."""
    group = cells(100)
    states = StateMonitor(group, "v", record=[0, 70], name="states")
    return group, connected(group, group, "g", "i != j"), states


@pytest.mark.parametrize(
    ("script", "options"),
    [
        (source_variable, {}),
        (plastic, {}),
        (recorded, {}),
        (two_pathways, {"deterministic": True}),
    ],
)
def test_where_blocks_have_to_wait_they_do(shim, made, script, options):
    set_device("genn", backend="cuda", **options)
    Network(*script()).run(0.1 * ms)
    assert not made[-1].source.waits_once
    assert "_owned(" not in made[-1].source.text


def test_all_ways_are_tried(shim, made):
    """Blocks that own something are among the ways that a network has."""
    shim.most_blocks_together, shim.largest_cluster = 100, 16
    set_device("genn", backend="cuda")
    Network(*two_pathways()).run(20 * ms)
    (tuner,) = made[-1]._executable.tuners.values()
    assert {plan.owned for plan in tuner.costs} == {False, True}


def test_events_that_may_be_there_twice_are_executed_in_order(shim, monkeypatch):
    """Delays have changed while spikes were on their way: no way with owners."""
    owned = []

    def remember(possible: list[LaunchPlan]) -> list[LaunchPlan]:
        owned.append(any(plan.owned for plan in possible))
        return possible

    devices.set_execution(monkeypatch, candidates=remember)
    shim.most_blocks_together, shim.largest_cluster = 100, 16
    results = []
    for backend in ("cpu", "cuda"):
        set_device("genn", backend=backend)
        seed(5)
        group, exciting, others = two_pathways("0.1*ms*(2 + j % 9)")
        network = Network(group, exciting, others)
        network.run(4 * ms)
        exciting.delay = "0.1*ms*(1 + (i + j) % 7)"
        network.run(4 * ms)
        results.append(observe(group=group))
    compare(*results)
    assert owned == [True, False]
