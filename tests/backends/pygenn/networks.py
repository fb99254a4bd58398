"""Networks that GeNN can take, each with what is to be compared."""

import numpy as np
from brian2 import (
    Network,
    NeuronGroup,
    PopulationRateMonitor,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    ms,
    network_operation,
)

from tests.semantics.harness import observe

PAIRS = np.random.default_rng(4).integers(30, size=(2, 300))
LIF = """
dv/dt = (ge + I - v)/(10*ms) : 1 (unless refractory)
dge/dt = -ge/(5*ms) : 1
I : 1
"""


def neurons(**options) -> NeuronGroup:
    group = NeuronGroup(30, LIF, threshold="v > 1", reset="v = 0", refractory=3 * ms,
                        method="exact", **options)  # fmt: skip
    group.I = np.linspace(0.8, 1.7, 30)
    group.v = np.linspace(0, 0.9, 30)
    return group


def connected(source, target, *arguments, **options) -> Synapses:
    synapses = Synapses(source, target, *arguments, **options)
    synapses.connect(i=PAIRS[0], j=PAIRS[1])
    return synapses


def two_runs_with_spikes_in_flight():
    """A fixed delay; values written between the runs; monitors of every kind."""
    group = neurons()
    synapses = connected(group, group, "w : 1", on_pre="ge_post += w", delay=1.3 * ms)
    synapses.w = np.linspace(0, 0.3, 300)
    spikes = SpikeMonitor(group, variables="ge")
    begin = StateMonitor(group, ["v", "ge"], record=[3, 1, 3])
    end = StateMonitor(group, "v", record=True, when="end", dt=0.5 * ms)
    rate = PopulationRateMonitor(group[5:20])
    network = Network(group, synapses, spikes, begin, end, rate)
    network.run(20.3 * ms)
    group.v[:5] = 0.5
    synapses.w[:50] = 0.4
    network.run(20 * ms)
    return observe(group=group, synapses=synapses, spikes=spikes, begin=begin, end=end, rate=rate)


def plasticity_of_both_sides():
    """Brian delivers the postsynaptic spikes of a step before the presynaptic ones."""
    group = neurons()
    synapses = connected(
        group,
        group,
        """w : 1
        dx/dt = -x/(20*ms) : 1 (event-driven)
        dy/dt = -y/(20*ms) : 1 (event-driven)""",
        on_pre="ge_post += w; x += 0.1; w = clip(w - y, 0, 1)",
        on_post="y += 0.1; w = clip(w + x, 0, 1)",
        delay={"pre": 0.5 * ms},
    )
    synapses.w = 0.2
    spikes = SpikeMonitor(group)
    network = Network(group, synapses, spikes)
    network.run(30 * ms)
    network.run(30 * ms)
    return observe(group=group, synapses=synapses, spikes=spikes)


def delays_of_single_synapses():
    group = neurons()
    synapses = connected(group, group, "w : 1", on_pre="ge_post += w")
    synapses.w = np.linspace(0, 0.3, 300)
    synapses.delay = np.linspace(0, 3, 300) * ms
    spikes = SpikeMonitor(group)
    network = Network(group, synapses, spikes)
    network.run(15.2 * ms)
    synapses.w = 0.05
    network.run(15 * ms)
    return observe(group=group, synapses=synapses, spikes=spikes)


def input_from_everywhere():
    """Generators, also with a period, functions of time, clocks that are slower."""
    given = SpikeGeneratorGroup(30, np.arange(30), np.linspace(1, 9, 30) * ms, period=10 * ms)
    current = TimedArray(np.arange(20) / 10, dt=2 * ms)
    group = NeuronGroup(
        30, "dv/dt = (current(t) - v)/(10*ms) : 1\nn : integer", threshold="v > 1", reset="v = 0",
        method="euler", namespace={"current": current},
    )  # fmt: skip
    operation = group.run_regularly("v = v + 0.001*i", dt=1 * ms)
    synapses = connected(given, group, on_pre="v_post += 0.1")
    spikes, emitted = SpikeMonitor(group), SpikeMonitor(given)
    network = Network(given, group, synapses, spikes, emitted, operation)
    network.run(15.5 * ms)
    network.run(17 * ms)
    return observe(group=group, spikes=spikes, emitted=emitted)


def sums_and_equations_of_synapses():
    """What spikes change is in the sum of the same time step."""
    group = NeuronGroup(
        30, "dv/dt = (1.2 + total - v)/(10*ms) : 1\ntotal : 1", threshold="v > 1", reset="v = 0",
        method="euler",
    )  # fmt: skip
    group.v = np.linspace(0, 0.9, 30)
    synapses = connected(
        group,
        group,
        "dg/dt = -g/(5*ms) : 1 (clock-driven)\ntotal_post = 0.1*g : 1 (summed)",
        on_pre="g += 0.2",
        method="euler",
    )
    spikes = SpikeMonitor(group)
    network = Network(group, synapses, spikes)
    network.run(20 * ms)
    network.run(20 * ms)
    return observe(group=group, synapses=synapses, spikes=spikes)


def gap_junctions():
    """A sum of what is reset in between."""
    group = NeuronGroup(
        30, "dv/dt = (1.2 + gap - v)/(10*ms) : 1\ngap : 1", threshold="v > 1", reset="v = 0",
        method="euler",
    )  # fmt: skip
    group.v = np.linspace(0, 0.9, 30)
    synapses = connected(group, group, "gap_post = 0.02*(v_pre - v_post) : 1 (summed)")
    spikes = SpikeMonitor(group)
    network = Network(group, synapses, spikes)
    network.run(20 * ms)
    network.run(20 * ms)
    return observe(group=group, spikes=spikes)


def monitors_of_synapses():
    """Recorded by the synapses' own code, with plasticity, equations and a slower clock."""
    group = neurons()
    synapses = connected(
        group,
        group,
        """w : 1
        dx/dt = -x/(20*ms) : 1 (clock-driven)""",
        on_pre="ge_post += w; x += 0.1; w = clip(w - 0.1*x, 0, 1)",
        on_post="w = clip(w + x, 0, 1)",
        delay={"pre": 0.5 * ms},
        method="exact",
    )
    synapses.w = np.linspace(0, 0.3, 300)
    spikes = SpikeMonitor(group)
    every = StateMonitor(synapses, ["w", "x"], record=[7, 250, 7, 31])
    some = StateMonitor(synapses, "w", record=True, dt=1.5 * ms)
    network = Network(group, synapses, spikes, every, some)
    network.run(20.2 * ms)
    synapses.x = 0.05
    network.run(15 * ms)
    return observe(group=group, synapses=synapses, spikes=spikes, every=every, some=some)


def brian_in_between():
    """Python code now and then, and a monitor of synapses: values go back and forth."""
    group = neurons()
    synapses = connected(group, group, "w : 1", on_pre="ge_post += w; w *= 0.9", delay=0.4 * ms)
    synapses.w = 0.2
    spikes = SpikeMonitor(group)
    states = StateMonitor(synapses, "w", record=[0, 17, 3], dt=5 * ms, when="end")

    @network_operation(dt=3 * ms, when="resets")
    def push():
        group.v[:3] += 0.3

    network = Network(group, synapses, spikes, push, states)
    network.run(25 * ms)
    network.run(10.1 * ms)
    return observe(group=group, synapses=synapses, spikes=spikes, states=states)


def brian_at_both_ends():
    """GeNN only stops before and after a time step; an operation in the middle takes it over."""
    group = neurons()
    synapses = connected(group, group, "w : 1", on_pre="ge_post += w; w *= 0.95", delay=0.7 * ms)
    synapses.w = 0.2
    spikes = SpikeMonitor(group)
    seen = []

    @network_operation(dt=1 * ms)
    def at_the_start(t):
        seen.append((t / ms, *group.v[:3], *synapses.w[:3]))
        group.v[:3] += 0.01

    @network_operation(dt=1.5 * ms, when="end")
    def at_the_end(t):
        seen.append((t / ms, *group.v[:3], *synapses.w[:3]))
        synapses.w[:50] += 0.01

    @network_operation(dt=4 * ms, when="before_thresholds")
    def in_the_middle(t):
        seen.append((t / ms, *group.ge[:6]))
        group.ge[5] += 0.01

    network = Network(group, synapses, spikes, at_the_start, at_the_end, in_the_middle)
    network.run(20.3 * ms)
    network.run(10.2 * ms)
    seen = np.concatenate([np.ravel(row) for row in seen])
    return observe(group=group, synapses=synapses, spikes=spikes) | {"seen": seen}


def weights_changed_while_spikes_are_on_their_way():
    """GeNN has made its sum of what arrives later; the new weights are to be in it."""
    group = neurons()
    synapses = connected(group, group, "w : 1", on_pre="ge_post += w")
    synapses.w = 0.1
    synapses.delay = np.linspace(0, 4, 300) * ms
    spikes = SpikeMonitor(group)

    @network_operation(dt=1.3 * ms)
    def change():
        synapses.w[::2] = -synapses.w[::2]

    network = Network(group, synapses, spikes, change)
    network.run(40 * ms)
    return observe(group=group, synapses=synapses, spikes=spikes)


def stopped_from_within():
    """The time step in which somebody stops the network is finished, with all that is in it."""
    group = neurons()
    synapses = connected(group, group, on_pre="ge_post += 0.1", delay=0.4 * ms)
    spikes = SpikeMonitor(group)
    states = StateMonitor(group, "v", record=[3, 4], when="end")
    times = []

    @network_operation()
    def stop(t):
        if abs(t - 12.3 * ms) < 0.01 * ms:
            network.stop()

    @network_operation(when="end", dt=0.3 * ms)
    def look(t):
        times.append(t / ms)

    network = Network(group, synapses, spikes, states, stop, look)
    network.run(20 * ms)
    stopped = network.t / ms
    network.run(10 * ms)
    found = {"stopped": np.array(stopped), "times": np.array(times)}
    return observe(group=group, spikes=spikes, states=states) | found


def memory_that_the_script_has_kept():
    """An array that was asked for once is the group's memory in Brian."""
    group = neurons()
    synapses = connected(group, group, on_pre="ge_post += 0.1", delay=0.4 * ms)
    spikes = SpikeMonitor(group)
    v = group.variables["v"].get_value()
    seen = []

    @network_operation(dt=1.1 * ms)
    def look():
        seen.append(v.copy())
        v[:3] += 0.1

    network = Network(group, synapses, spikes, look)
    network.run(20 * ms)
    network.run(10 * ms)
    return observe(group=group, spikes=spikes) | {"seen": np.array(seen)}


def synapses_made_during_a_run():
    """They take part from the next run on."""
    group = neurons()
    synapses = connected(group, group, "w : 1", on_pre="ge_post += w", delay=0.4 * ms)
    synapses.w = 0.1
    spikes = SpikeMonitor(group)

    @network_operation(dt=7 * ms)
    def grow(t):
        if 10 * ms < t < 20 * ms:
            synapses.connect(i=[0, 1, 2], j=[3, 4, 5])
            synapses.w[300:] = 0.3

    network = Network(group, synapses, spikes, grow)
    network.run(20 * ms)
    network.run(20 * ms)
    return observe(group=group, synapses=synapses, spikes=spikes)


def a_network_within_a_network():
    """Another network of the same model runs between two time steps."""
    inner, outer = neurons(dt=0.1 * ms), neurons(dt=0.1 * ms)  # each has a clock of its own
    networks = []
    for group in (inner, outer):
        synapses = connected(
            group, group, "w : 1", on_pre="ge_post += w; w *= 0.9", delay=1 * ms, clock=group.clock
        )
        synapses.w = 0.2
        networks.append(Network(group, synapses, SpikeMonitor(group)))

    @network_operation(clock=outer.clock)
    def run_the_other(t):
        if round(t / (0.1 * ms)) % 50:
            return
        networks[0].run(2.5 * ms)
        inner.v += outer.v * 0.01

    networks[1].add(run_the_other)
    networks[1].run(21 * ms)
    spikes = [next(o for o in n.objects if isinstance(o, SpikeMonitor)) for n in networks]
    return observe(inner=inner, outer=outer, one=spikes[0], other=spikes[1])


def restored_within_a_run():
    """An operation puts the network back to where it was, with what was on its way then."""
    group = neurons()
    synapses = connected(group, group, "w : 1", on_pre="ge_post += w; w *= 0.9", delay=1.7 * ms)
    synapses.w = 0.2
    spikes = SpikeMonitor(group)
    left = [2]

    @network_operation(dt=10 * ms, when="end")
    def again(t):
        if t > 15 * ms and left[0]:
            left[0] -= 1
            network.restore()

    network = Network(group, synapses, spikes, again)
    network.run(8 * ms)
    network.store()
    network.run(20 * ms)
    return observe(group=group, synapses=synapses, spikes=spikes)


def events_of_other_kinds():
    group = NeuronGroup(
        30, LIF + "n : integer", threshold="v > 1", reset="v = 0", method="exact",
        events={"half": "v > 0.5 and v < 0.55"},
    )  # fmt: skip
    group.I = np.linspace(0.8, 1.7, 30)
    group.run_on_event("half", "n += 1")
    synapses = connected(group, group, "w : 1", on_pre="ge_post += 0.1", on_event="half",
                         delay=0.7 * ms)  # fmt: skip
    spikes = SpikeMonitor(group)
    network = Network(group, synapses, spikes)
    network.run(20 * ms)
    network.run(20 * ms)
    return observe(group=group, spikes=spikes)


def stored_and_restored():
    group = neurons()
    synapses = connected(group, group, "w : 1", on_pre="ge_post += 0.1", delay=2 * ms)
    spikes = SpikeMonitor(group)
    network = Network(group, synapses, spikes)
    network.run(10.7 * ms)
    network.store()
    network.run(10 * ms)
    network.restore()
    group.I += 0.1
    network.run(20 * ms)
    return observe(group=group, spikes=spikes)


ALL = [
    two_runs_with_spikes_in_flight, plasticity_of_both_sides, delays_of_single_synapses,
    input_from_everywhere, sums_and_equations_of_synapses, gap_junctions, monitors_of_synapses,
    brian_in_between, brian_at_both_ends, weights_changed_while_spikes_are_on_their_way,
    stopped_from_within, memory_that_the_script_has_kept, synapses_made_during_a_run,
    a_network_within_a_network, restored_within_a_run, events_of_other_kinds, stored_and_restored,
]  # fmt: skip
