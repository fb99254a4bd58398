"""Much is recorded, and events are of all sorts."""

from __future__ import annotations

from brian2 import (
    EventMonitor,
    NeuronGroup,
    PopulationRateMonitor,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    mV,
    ms,
)

from benchmarks.kinds.drawing import numbers, pairs
from benchmarks.kinds.registry import Namespace, kind


def _neurons(n: int, **events: str) -> NeuronGroup:
    random = numbers()
    group = NeuronGroup(
        n,
        """dv/dt = (-70*mV - v + g*(0*mV - v) - w + drive)/(20*ms) : volt (unless refractory)
           dg/dt = -g/(5*ms) : 1
           dw/dt = -w/(100*ms) : volt
           drive : volt (constant)""",
        threshold="v > -50*mV",
        reset="v = -60*mV; w += 0.5*mV",
        refractory=2 * ms,
        events=events or None,
        method="euler",
    )
    group.v = (-70 + 20 * random.random(n)) * mV
    group.drive = (18 + 12 * random.random(n)) * mV
    return group


@kind("StateMonitor of everything, 1,000 neurons", 1.0, {"n": 50}, 0.02)
def record_everything(n: int = 1000) -> Namespace:
    """Make a network of which three variables of all neurons are recorded in every step."""
    neurons = _neurons(n)
    synapses = Synapses(neurons, neurons, on_pre="g_post += 0.005", delay=1 * ms)
    synapses.connect(**pairs(numbers(), n, n, min(1.0, 50 / n)))
    trace = StateMonitor(neurons, ["v", "g", "w"], record=True)
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("recording weights of 10,000 plastic synapses each millisecond", 3.0, {"n": 20}, 0.03)
def record_weights(n: int = 300) -> Namespace:
    """Make STDP of which all weights are recorded, and half of the membrane potentials."""
    random = numbers()
    neurons = _neurons(n)
    synapses = Synapses(
        neurons,
        neurons,
        """s : 1
           dx/dt = -x/(20*ms) : 1 (event-driven)
           dy/dt = -y/(20*ms) : 1 (event-driven)""",
        on_pre="g_post += s; x += 1e-4; s = clip(s + y, 0, 0.02)",
        on_post="y -= 1.05e-4; s = clip(s + x, 0, 0.02)",
    )
    synapses.connect(**pairs(random, n, n, 0.11))
    synapses.s = 0.01 * random.random(len(synapses))
    weights = StateMonitor(synapses, "s", record=True, dt=1 * ms)
    trace = StateMonitor(neurons, "v", record=range(0, n, 2))
    spikes = SpikeMonitor(neurons)
    return locals()


@kind("rates of populations and variables at spikes, 20 populations", 1.0, {"n": 100}, 0.02)
def record_events(n: int = 10_000) -> Namespace:
    """Make a network whose populations are watched by monitors of rates, spikes and values."""
    neurons = _neurons(n, calm="v < -62*mV and w < 1*mV")
    synapses = Synapses(neurons, neurons, on_pre="g_post += 0.002", delay=1 * ms)
    synapses.connect(**pairs(numbers(), n, n, min(1.0, 50 / n)))
    parts = [neurons[k * n // 20 : (k + 1) * n // 20] for k in range(20)]
    rates = [PopulationRateMonitor(part) for part in parts]
    spikes = SpikeMonitor(neurons, variables=["w", "g"])
    some = [SpikeMonitor(part) for part in parts[::2]]
    calm = EventMonitor(neurons[: n // 100], "calm", variables=["v"])
    return locals()


@kind(
    "custom events: learning and resets by events of a group, 10,000 neurons", 0.4, {"n": 100}, 0.05
)
def custom_events(n: int = 10_000) -> Namespace:
    """Make neurons with events besides spikes, which act on them and on synapses."""
    random = numbers()
    neurons = _neurons(n, high="v > -54*mV and w < 2*mV", tired="w > 3*mV")
    neurons.run_on_event("high", "w += 0.01*mV")
    neurons.run_on_event("tired", "w = 1*mV; v -= 2*mV")
    synapses = Synapses(
        neurons,
        neurons,
        "w_s : 1",
        on_pre={"pre": "g_post += w_s", "facilitate": "w_s = clip(w_s + 1e-4, 0, 0.01)"},
        on_post="w_s = clip(w_s - 1e-4, 0, 0.01)",
        on_event={"facilitate": "high", "pre": "spike", "post": "tired"},
        delay={"pre": 1 * ms},
    )
    synapses.connect(**pairs(random, n, n, min(1.0, 20 / n)))
    synapses.w_s = 0.005
    spikes = SpikeMonitor(neurons)
    return locals()
