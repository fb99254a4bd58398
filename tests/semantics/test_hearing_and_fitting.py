"""How brian2hears and brian2modelfitting use Brian: many short runs with changed values.

An auditory model fills a buffer of sound between runs, and a `network_operation` that belongs to
the group feeds it to the filters step by step. A fit restores one network again and again with
other parameters, and reads an error that the network itself has summed up.
"""

import numpy as np
import pytest
from brian2 import (
    Hz,
    Network,
    NeuronGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    TimedArray,
    defaultclock,
    ms,
    mV,
    network_operation,
    set_device,
)

from tests import devices
from tests.devices import DEVICE
from tests.semantics.harness import Cases, check, observe

cases = Cases()


class FilterGroup(NeuronGroup):
    """Many filters that hear one sound, as brian2hears makes them.

    The group contains an operation of its own, which takes one sample a step from a buffer and
    fills the buffer anew when it is used up.
    """

    def __init__(self, sound: np.ndarray, channels: int, buffer_size: int, **options) -> None:
        super().__init__(
            channels,
            """dfast/dt = (heard - fast)*rate : 1
            dslow/dt = (abs(fast) - slow)/(5*ms) : 1
            dv/dt = (30*slow - v)/(10*ms) : 1 (unless refractory)
            heard : 1
            rate : Hz (constant)""",
            threshold="v > 1",
            reset="v = 0",
            refractory=1 * ms,
            method="exponential_euler",
            **options,
        )
        self.add_attribute("pointer")
        self.add_attribute("buffers")
        self.pointer = self.buffers = 0
        gains = 1 + 0.01 * np.arange(channels)

        @network_operation(clock=self.clock, when="start")
        def feed():
            position = self.pointer % buffer_size
            if position == 0:
                feed.buffer = np.outer(sound[self.pointer :][:buffer_size], gains)
                self.buffers += 1
            self.heard = feed.buffer[position]
            self.pointer += 1

        self.contained_objects.append(feed)


@cases.over(channels=[3, 300], buffer_size=[8, 32])
def filters_fed_by_an_operation_of_their_own(channels, buffer_size):
    defaultclock.dt = 0.05 * ms
    sound = np.sin(np.arange(4000) ** 1.5 / 40)
    filters = FilterGroup(sound, channels, buffer_size)
    filters.rate = np.geomspace(100, 4000, channels) * Hz
    nerve = NeuronGroup(
        channels, "dv/dt = -v/ms : 1", threshold="v > 0.5", reset="v = 0", method="exact"
    )
    fibres = Synapses(filters, nerve, on_pre="v_post += 0.6", delay=0.3 * ms)
    fibres.connect(j="i")
    envelope = StateMonitor(filters, "slow", record=[0, 2], dt=0.5 * ms)
    spikes, heard = SpikeMonitor(filters), SpikeMonitor(nerve)
    network = Network(filters, nerve, fibres, envelope, spikes, heard)
    for k in range(12):
        filters.rate = np.geomspace(100, 4000 + 50 * k, channels) * Hz
        network.run(1.25 * ms)
    assert heard.num_events > 0
    return observe(
        filters=filters,
        nerve=nerve,
        envelope=envelope,
        spikes=spikes,
        heard=heard,
        pointer=filters.pointer,
        buffers=filters.buffers,
    )


@cases
def buffers_read_and_written_between_runs_of_one_step():
    """A run for every sample: the network is never longer than a step on its own."""
    defaultclock.dt = 0.05 * ms
    filters = NeuronGroup(50, "dy/dt = (x - y)*(1 + i)*kHz/10 : 1\nx : 1", method="exact")
    network = Network(filters)
    outputs = []
    for sample in np.cos(np.arange(40) / 3):
        filters.x = sample
        network.run(defaultclock.dt)
        outputs.append(filters.y[:])
    return observe(filters=filters, outputs=np.array(outputs), t=network.t_)


def fit(rounds: int):
    """A group of candidate models under several stimuli, as brian2modelfitting makes it."""
    candidates, stimuli = 6, 2
    count = candidates * stimuli
    defaultclock.dt = 0.1 * ms
    steps = np.arange(200)
    currents = np.stack([0.3 + 0.2 * np.sin(steps / 15), 0.2 + 0.002 * steps], axis=1)
    target = np.cumsum(currents - 0.2, axis=0) / 40
    # the namespace of the group, as the package gives it
    namespace = {
        "input_var": TimedArray(currents, dt=0.1 * ms),
        "output_var": TimedArray(target, dt=0.1 * ms),
        "t_start": 2 * ms,
    }
    neurons = NeuronGroup(
        count,
        """dv/dt = (g*(E - v) + I)/(5*ms) : 1
        I = input_var(t, i % 2) : 1
        g : 1 (constant)
        E : 1 (constant)
        total_error : 1""",
        threshold="v > 0.3",
        reset="v = 0.1",
        method="exponential_euler",
        namespace=namespace,
        name="neurons",
    )
    neurons.run_regularly(
        "total_error += (v - output_var(t, i % 2))**2 * int(t >= t_start)", when="end"
    )
    spikes = SpikeMonitor(neurons, name="spikes")
    traces = StateMonitor(neurons, "v", record=True, name="traces")
    network = Network(neurons, spikes, traces)
    network.store("start")
    generator = np.random.default_rng(8)
    low, high = np.array([0.2, -0.2]), np.array([2.0, 0.5])
    found = []
    for _ in range(rounds):
        network.restore("start")
        parameters = generator.uniform(low, high, (candidates, 2))
        neurons.g = np.repeat(parameters[:, 0], stimuli)
        neurons.E = np.repeat(parameters[:, 1], stimuli)
        network.run(20 * ms)
        errors = neurons.total_error[:].reshape(candidates, stimuli).mean(axis=1)
        best = parameters[np.argmin(errors)]
        low, high = (low + best) / 2, (high + best) / 2
        trains = spikes.spike_trains()
        found.append([*errors, *best, *(len(trains[k]) for k in range(count))])
    return neurons, spikes, traces, np.array(found)


@cases
def fitted_by_restoring_with_other_parameters():
    neurons, spikes, traces, found = fit(rounds=8)
    assert spikes.num_events > 0
    return observe(neurons=neurons, spikes=spikes, traces=traces, found=found)


@cases
def constants_of_the_namespace_changed_between_runs():
    """Numbers that a script changes outside the equations, every round another duration."""
    cell = NeuronGroup(
        3, "dv/dt = (E - v)/tau : volt", threshold="v > V_t", reset="v = 0*mV", method="exact"
    )
    spikes = SpikeMonitor(cell)
    network = Network(cell, spikes)
    network.store()
    found = []
    for k in range(6):
        network.restore()
        cell.v = [0, 2, 4] * mV
        values = {"E": (12 + k) * mV, "tau": (4 + k) * ms, "V_t": 10 * mV}
        network.run((5 + k) * ms, namespace=values)
        found.append([spikes.num_events, *cell.v_[:], network.t_])
    return observe(found=np.array(found), spikes=spikes)


@cases
def synapses_fitted_with_delays():
    """Weights and delays are the parameters; what is in flight is forgotten by a restore."""
    source = NeuronGroup(2, "dx/dt = (1 + i)*kHz/4 : 1", threshold="x > 1", reset="x = 0")
    cells = NeuronGroup(3, "dv/dt = -v/(3*ms) : 1", threshold="v > 1", reset="v = 0")
    synapses = Synapses(source, cells, "w : 1", on_pre="v_post += w")
    synapses.connect()
    spikes = SpikeMonitor(cells)
    network = Network(source, cells, synapses, spikes)
    network.store()
    found = []
    for k in range(5):
        network.restore()
        synapses.w = 0.2 + 0.1 * k + 0.05 * np.arange(6)
        synapses.delay = (0.1 * (k + np.arange(6))) * ms
        network.run(15 * ms)
        found.append([*spikes.count[:], *cells.v[:]])
    return observe(found=np.array(found), spikes=spikes, synapses=synapses)


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)


@pytest.mark.skipif(
    DEVICE != "genn" or devices.BACKEND == "numpy", reason="asks the compiler of this package"
)
def test_a_fit_compiles_one_program(device, monkeypatch):
    from brian2genn.backends.cpu import program

    texts = set()
    compile_library = program.toolchain.compile_library

    def counted(toolchain, text, name, *arguments):
        if name == "network":  # not the support library, which the first test compiles
            texts.add(text)
        return compile_library(toolchain, text, name, *arguments)

    def counted_on_shim(text, **options):
        if "stage_0" in text:  # not what looks for invalid values, or set-up code
            texts.add(text)
        return type(devices.shim).build(devices.shim, text, **options)

    if devices.shim is None:
        monkeypatch.setattr(program.toolchain, "compile_library", counted)
    else:
        monkeypatch.setattr(devices.shim, "build", counted_on_shim)
    set_device(device)
    fit(rounds=4)
    assert len(texts) == 1
