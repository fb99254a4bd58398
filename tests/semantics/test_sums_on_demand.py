"""Sums that something uses now and then only: they are as if they were made in every time step."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    StateMonitor,
    Synapses,
    defaultclock,
    ms,
    network_operation,
    run,
    second,
    set_device,
)

from brian2genn import explain
from tests import devices
from tests.semantics.harness import Cases, check, observe

cases = Cases()

NOTE = "Made when something uses it"


def summed(n=40, drive="v_pre", **arguments):
    """Neurons, and synapses whose weights change all the time and are summed."""
    group = NeuronGroup(
        n,
        """dv/dt = (cos(i/7.0) - v)/(3*ms) : 1
           scale : 1
           total : 1""",
        method="euler",
        name="group",
    )
    group.v, group.scale = "0.1 + sin(i)", 1
    synapses = Synapses(
        group,
        group,
        f"""dw/dt = ({drive} - 0.3*w)/(2*ms) : 1 (clock-driven)
           total_post = w : 1 (summed)""",
        method="euler",
        name="synapses",
        **arguments,
    )
    synapses.connect(condition="(i*j + 3*i) % 4 < 2")
    synapses.w = "0.01*i - 0.003*j"
    return group, synapses


@cases.over(dt=[0.1, 0.3, 0.25, 0.07], when=["start", "end"], steps=[4, 23])
def used_now_and_then(dt, when, steps):
    group, synapses = summed()
    group.run_regularly("scale = 0.9*scale + 0.1*total", dt=dt * ms, when=when)
    network = Network(group, synapses)
    seen = []
    for _ in range(2):
        network.run(steps * 0.1 * ms)
        seen.append(np.array(group.total))
    return observe(group=group, synapses=synapses) | {"seen": np.array(seen)}


@cases.over(monitored=[0.1, 0.4, 0.25])
def recorded_now_and_then(monitored):
    group, _synapses = summed()
    trace = StateMonitor(group, "total", record=True, dt=monitored * ms, name="trace")
    run(2.1 * ms)
    return observe(group=group, trace=trace)


@cases
def used_by_nothing():
    group, synapses = summed()
    run(1.3 * ms)
    return observe(group=group, synapses=synapses)


@cases
def used_by_several():
    group, synapses = summed()
    group.run_regularly("scale = 0.9*scale + 0.1*total", dt=0.5 * ms)
    group.run_regularly("v = 0.5*v + 0.01*total", dt=0.3 * ms, when="end")
    run(3.1 * ms)
    return observe(group=group, synapses=synapses)


@cases.over(own=[0.2, 0.3])
def of_slower_synapses(own):
    """What happens between two of their ticks is not known to them."""
    group, synapses = summed(dt=own * ms)
    group.run_regularly("scale = 0.9*scale + 0.1*total", dt=0.6 * ms)
    run(1.3 * ms)
    return observe(group=group, synapses=synapses)


@cases
def two_parts_of_a_group():
    group = NeuronGroup(20, "scale : 1\ntotal : 1", name="group")
    group.scale = 1
    other = NeuronGroup(5, "v : 1", name="other")
    other.v = "i"
    first = Synapses(other, group[:7], "total_post = v_pre : 1 (summed)")
    rest = Synapses(other, group[11:], "total_post = 2*v_pre : 1 (summed)")
    first.connect()
    rest.connect(condition="i != j")
    group.run_regularly("scale = 0.9*scale + 0.1*total", dt=0.5 * ms)
    network = Network(group, other, first, rest)
    network.run(1.1 * ms)
    return observe(group=group)


@cases
def an_object_of_brians_looks():
    group, _synapses = summed()
    seen = []

    @network_operation(dt=0.2 * ms)
    def look():
        seen.append(np.array(group.total))

    run(1.1 * ms)
    return {"seen": np.array(seen)}


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)


@pytest.mark.skipif(devices.BACKEND != "cpu", reason="about the processor")
def test_reports_see_the_present_sum():
    devices.reset()
    set_device("genn")
    group, synapses = summed(drive="0.5")
    errors = []

    def look(elapsed, completed, start, duration):
        # weights have been integrated after they were summed
        step = float(defaultclock.dt / (2 * ms))
        before = (np.array(synapses.w) - 0.5 * step) / (1 - 0.3 * step)
        due = np.bincount(synapses.j, before, len(group))
        errors.append(np.abs(np.array(group.total) - due).max() / np.abs(due).max())

    run(5 * second, report=look, report_period=0.02 * second)
    assert len(errors) > 2  # the first is from before the run
    assert max(errors[1:]) < 1e-9
    assert NOTE in str(explain())


@pytest.mark.skipif(devices.BACKEND != "cpu", reason="about the processor")
@pytest.mark.parametrize("when", ["start", "end"])
def test_what_is_used_all_the_time_is_made_all_the_time(when):
    devices.reset()
    set_device("genn")
    group, _synapses = summed()
    group.run_regularly("scale = 0.9*scale + 0.1*total", when=when)
    run(0.5 * ms)
    assert NOTE not in str(explain())
