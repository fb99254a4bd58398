"""State updates that are done for several time steps at once, as if each were done in its own."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    SpikeGeneratorGroup,
    StateMonitor,
    Synapses,
    defaultclock,
    ms,
    network_operation,
    second,
    set_device,
)

from brian2genn import explain
from tests import devices
from tests.semantics.harness import Cases, check, check_any_threads, observe

cases = Cases()

NOTE = "Several time steps at once"


def learning(n=40, every=0.7, equations="", on_pre="v_post += 0.1*w", **arguments):
    """Neurons, some told when to spike, and synapses whose variables change in every time step."""
    times = np.arange(0.1, 9, every)
    source = SpikeGeneratorGroup(n, (np.arange(len(times)) * 7) % n, times * ms, name="source")
    group = NeuronGroup(
        n, "dv/dt = (1.3 - v)/(2*ms) : 1", threshold="v > 1", reset="v = 0", method="euler",
        name="group",
    )  # fmt: skip
    group.v = "i/40.0"
    synapses = Synapses(
        source,
        group,
        f"""dc/dt = -c/(5*ms) : 1 (clock-driven)
            dw/dt = gain*c/(10*ms) : 1 (clock-driven)
            dx/dt = -x/(3*ms) : 1 (event-driven)
            gain : 1 (shared)
            {equations}""",
        on_pre={"pre": f"{on_pre}\nx += 0.1", "late": "c += 0.01*i + x"},
        on_post="c -= 0.02*w + x",
        method="euler",
        name="synapses",
        **arguments,
    )
    synapses.connect(condition="(i*j + 3*i) % 4 < 2")
    synapses.pre.delay, synapses.late.delay = 0.2 * ms, "0.1*((i + j) % 9)*ms"
    synapses.w, synapses.c, synapses.gain = "0.01*i - 0.003*j", "0.1*cos(i + j)", 1
    return source, group, synapses


@cases.over(steps=[1, 16, 17, 75], own=[0.1, 0.3])
def reached_by_events(steps, own):
    objects = learning(dt=own * ms)
    network = Network(*objects)
    seen = []
    for _ in range(2):
        network.run(steps * 0.1 * ms)
        seen.append(np.array(objects[2].c))
    return observe(group=objects[1], synapses=objects[2]) | {"seen": np.array(seen)}


@cases.over(dt=[0.1, 0.2, 0.5, 0.07], when=["start", "end"], code=["gain = 0.9*gain", "c *= 0.9"])
def changed_now_and_then(dt, when, code):
    *others, synapses = learning()
    synapses.run_regularly(code, dt=dt * ms, when=when)
    network = Network(*others, synapses)
    network.run(4.1 * ms)
    return observe(synapses=synapses)


@cases.over(record=[[3, 44], True], dt=[0.1, 0.4])
def recorded(record, dt):
    objects = learning()
    trace = StateMonitor(objects[2], ["c", "w"], record=record, dt=dt * ms, name="trace")
    Network(*objects, trace).run(5 * ms)
    return observe(synapses=objects[2], trace=trace)


@cases
def another_dt_and_back():
    objects = learning()
    network = Network(*objects)
    network.run(2.3 * ms)
    network.store("before")
    defaultclock.dt = 0.05 * ms
    network.run(1 * ms)
    first = np.array(objects[2].c)
    defaultclock.dt = 0.1 * ms
    network.restore("before")
    network.run(1.7 * ms)
    return observe(synapses=objects[2]) | {"first": first}


@cases
def parts_and_none():
    source, group, _ = learning()
    some = Synapses(
        group[3:17], group[11:], "dc/dt = -c/(5*ms) : 1 (clock-driven)", on_pre="c += 1",
        method="euler", name="some",
    )  # fmt: skip
    some.connect(condition="i != j")
    none = Synapses(source, group, "dc/dt = -c/ms : 1 (clock-driven)", on_pre="c += 1",
                    method="euler", name="none")  # fmt: skip
    none.connect(condition="False")
    Network(source, group, some, none).run(6 * ms)
    return observe(some=some, group=group)


@cases
def time_and_constants():
    objects = learning(
        equations="""tau : second
                     dy/dt = (cos(t/ms) - y)/tau : 1 (clock-driven)"""
    )
    objects[2].tau = "(1 + (i % 3))*ms"
    objects[2].run_regularly("tau *= 1.1", dt=1.1 * ms)
    Network(*objects).run(5 * ms)
    return observe(synapses=objects[2])


@cases
def objects_of_brians_look_and_write():
    *others, synapses = learning()
    seen = []

    @network_operation(dt=0.3 * ms)
    def look():
        seen.append(np.array(synapses.c))
        synapses.c[3] = 1

    Network(*others, synapses, look).run(3 * ms)
    return observe(synapses=synapses) | {"seen": np.array(seen)}


@cases
def groups_without_events():
    group = NeuronGroup(
        37, "dx/dt = y/ms : 1\ndy/dt = -x/ms - y/ms : 1", method="euler", name="group"
    )
    group.x = "i"
    trace = StateMonitor(group, "x", record=[2, 36], name="trace")
    Network(group, trace).run(5 * ms)
    return observe(group=group, trace=trace)


def put_off_from(monkeypatch: pytest.MonkeyPatch, least: int) -> None:
    devices.set_defaults(monkeypatch, processor=devices.processor(put_off_from=least))


@pytest.fixture(params=[1, 10**9], ids=["put off", "not"])
def least(request, monkeypatch):
    put_off_from(monkeypatch, request.param)
    return request.param


@pytest.mark.parametrize("case", cases, ids=str)
@pytest.mark.usefixtures("least")
def test_agrees_with_runtime(case):
    check(case)


@pytest.mark.skipif(devices.BACKEND != "cpu", reason="about the processor")
@pytest.mark.parametrize("case", cases, ids=str)
def test_always_put_off_and_with_threads(case, monkeypatch):
    check_any_threads(case, case.run("runtime"), monkeypatch)


@pytest.mark.skipif(devices.BACKEND != "cpu", reason="about the processor")
def test_says_so(monkeypatch):
    put_off_from(monkeypatch, 1)
    devices.reset()
    set_device("genn")
    source, group, synapses = learning(every=5)
    group.v = 0  # nobody spikes so soon, and few events reach synapses
    Network(source, group, synapses).run(2 * ms)
    assert NOTE in str(explain())


@pytest.mark.skipif(devices.BACKEND != "cpu", reason="about the processor")
def test_what_many_events_reach_is_not_put_off(monkeypatch):
    put_off_from(monkeypatch, 1)
    devices.reset()
    set_device("genn")
    Network(*learning(n=400, every=0.01)).run(9 * ms)
    assert NOTE not in str(explain())


@pytest.mark.skipif(devices.BACKEND != "cpu", reason="about the processor")
def test_what_something_uses_all_the_time_is_not_put_off(monkeypatch):
    put_off_from(monkeypatch, 1)
    devices.reset()
    set_device("genn")
    *others, synapses = learning()
    synapses.run_regularly("c *= 0.9")
    Network(*others, synapses).run(1 * ms)
    assert NOTE not in str(explain())


@pytest.mark.skipif(devices.BACKEND != "cpu", reason="about the processor")
def test_reports_see_the_present(monkeypatch):
    put_off_from(monkeypatch, 1)
    devices.reset()
    set_device("genn")
    group = NeuronGroup(9, "dx/dt = 1/second : 1", method="euler", name="group")
    errors = []

    def look(elapsed, completed, start, duration):
        steps = round(completed * float(duration / defaultclock.dt))
        errors.append(abs(group.x[0] - steps * float(defaultclock.dt / second)))

    Network(group).run(20 * second, report=look, report_period=0.001 * second)
    assert len(errors) > 2
    assert max(errors) < 1e-9
