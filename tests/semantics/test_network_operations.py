"""Python code in the middle of a run: it sees and changes everything, at its moment."""

import numpy as np
import pytest
from brian2 import (
    Network,
    NetworkOperation,
    NeuronGroup,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    defaultclock,
    ms,
    network_operation,
    run,
)

from tests.semantics.harness import Cases, check, number, observe

cases = Cases()

SLOTS = ["before_start", "start", "groups", "before_thresholds", "synapses", "resets", "end"]


def neurons(n: int = 3) -> NeuronGroup:
    return NeuronGroup(
        n,
        "dv/dt = (0.93 + 0.21*i)/ms : 1\nn : integer",
        threshold="v > 1",
        reset="v = 0\nn += 1",
        method="euler",
    )


@cases.over(when=SLOTS, dt=[0.1, 1.0])
def reading_and_writing(when, dt):
    """Each step and each tenth: state, spikes of the step, monitors, and the time."""
    group = neurons()
    synapses = Synapses(group, group, "w : 1", on_pre="v_post += w")
    synapses.connect(condition="i != j")
    synapses.w = 0.03
    spikes = SpikeMonitor(group)
    states = StateMonitor(group, "v", record=True)
    seen = []

    @network_operation(dt=dt * ms, when=when, order=1)
    def operation(t):
        seen.append(
            [
                number(t),
                number(defaultclock.t),
                number(group.t),
                *group.v[:],
                *group.n[:],
                spikes.num_spikes,
                len(states.t),
                sum(spikes.i),
                float(states.v[-1][-1]) if len(states.t) else -1.0,
                float(np.sum(synapses.w[:])),
            ]
        )
        group.v[0] += 0.013
        synapses.w[1, :] = "w*1.01"

    run(3 * ms)
    return observe(group=group, synapses=synapses, spikes=spikes, states=states, seen=seen)


@cases
def spikes_of_the_step():
    """`group.spikes` inside an operation are those of this step."""
    group = neurons()
    seen = []

    @network_operation(when="after_thresholds")
    def operation(t):
        seen.append([number(t), len(group.spikes), float(np.sum(group.spikes))])

    @network_operation(when="start")
    def before():
        seen.append([-1.0, len(group.spikes), 0.0])

    run(2 * ms)
    return observe(group=group, seen=seen)


@cases
def array_kept_from_before():
    """An operation may use the array behind a variable without asking for it again."""
    group = neurons()
    array = group.variables["v"].get_value()
    seen = []

    @network_operation(dt=0.5 * ms)
    def operation():
        seen.append(np.array(array))
        array[1] = 0.6

    run(2 * ms)
    return observe(group=group, seen=np.array(seen), array=array)


@cases
def several_operations_in_an_order():
    group = NeuronGroup(1, "x : 1")
    trail = []

    def record(name, when, order, dt):
        def function():
            trail.append((name, number(defaultclock.t), group.x[0]))
            group.x = group.x * 2 + name

        return NetworkOperation(function, when=when, order=order, dt=dt)

    network = Network(
        group,
        record(1, "start", 1, 0.1 * ms),
        record(2, "start", 0, 0.2 * ms),
        record(3, "end", 0, 0.3 * ms),
        record(4, "synapses", -5, 0.1 * ms),
    )
    group.run_regularly("x = x/3", when="groups")
    network.run(0.9 * ms)
    return observe(network=network, group=group, trail=trail)


@cases
def operations_that_are_methods():
    class Experiment:
        def __init__(self):
            self.group = neurons()
            self.seen = []
            self.network = Network(
                self.group,
                NetworkOperation(self.with_time, dt=0.5 * ms),
                NetworkOperation(self.without_time, dt=0.3 * ms),
            )

        def with_time(self, t):
            self.seen.append(number(t))

        def without_time(self):
            self.seen.append(float(self.group.v[1]))
            self.group.v = 0.2

    experiment = Experiment()
    experiment.network.run(2 * ms)
    return observe(group=experiment.group, seen=experiment.seen)


@cases
def events_sent_by_hand():
    """An operation that decides which spikes a generator will fire next run, and one that sets
    a flag a threshold looks at."""
    group = NeuronGroup(4, "fire : boolean\nx : 1", threshold="fire", reset="fire = False\nx += 1")
    target = NeuronGroup(4, "y : 1")
    synapses = Synapses(group, target, on_pre="y_post += 1 + i", delay=0.2 * ms)
    synapses.connect(j="(i + 1) % N_post")

    @network_operation(dt=0.3 * ms)
    def operation(t):
        group.fire[int(t / (0.3 * ms) + 0.5) % 4] = True

    spikes = SpikeMonitor(group)
    run(2 * ms)
    return observe(group=group, target=target, spikes=spikes)


@cases
def delays_and_weights_of_the_run_unchanged_by_reading():
    """Reading much and writing nothing leaves the run as it is without the operation."""
    source = SpikeGeneratorGroup(2, [0, 1, 0], [0.1, 0.35, 0.8] * ms)
    target = neurons()
    synapses = Synapses(source, target, "w : 1", on_pre="v_post += w")
    synapses.connect()
    synapses.w = "0.1 + 0.05*i"
    synapses.delay = "0.2*ms*(i + j)"
    states = StateMonitor(target, "v", record=True)

    @network_operation
    def operation():
        synapses.get_states()
        target.get_states()
        states.get_states()

    run(2 * ms)
    return observe(target=target, states=states)


@cases
def operation_switched_off():
    group = neurons()
    calls = []

    @network_operation
    def operation(t):
        calls.append(number(t))

    network = Network(group, operation)
    network.run(0.3 * ms)
    operation.active = False
    network.run(0.3 * ms)
    operation.active = True
    network.run(0.3 * ms)
    return observe(network=network, calls=calls)


@cases
def operation_that_fails():
    """The error reaches the user, the network keeps the time of that step, and can go on."""
    group = neurons()
    states = StateMonitor(group, "v", record=True)
    fail = [True]

    @network_operation
    def operation(t):
        if t > 0.75 * ms and fail[0]:
            raise RuntimeError("enough")

    network = Network(group, states, operation)
    try:
        network.run(2 * ms)
        raised = "nothing"
    except Exception as error:
        raised = f"{type(error).__name__}: {error}"
    after_error = observe(network=network, group=group, states=states)
    fail[0] = False
    network.run(1 * ms)
    return {
        **{f"after_error.{name}": value for name, value in after_error.items()},
        **observe(network=network, group=group, states=states, raised=np.array(raised)),
    }


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
