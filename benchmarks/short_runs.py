"""Many short runs of one network: ``python -m benchmarks.short_runs --help``.

What a run of one millisecond takes besides the millisecond: preparing it. A loop restores the
network, changes something, and runs; or a network of many objects goes on as it is.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.turns import Task, compare


def fit() -> Callable[[int], None]:
    """Fitting: parameters are variables of the neurons, the input is a table of time."""
    import numpy as np
    from brian2 import Network, NeuronGroup, SpikeMonitor, StateMonitor, TimedArray, ms

    current = TimedArray(np.sin(np.arange(100)), dt=0.1 * ms)
    neurons = NeuronGroup(
        50,
        """
        dv/dt = (current(t) + gain*w - v)/(10*ms) : 1
        dw/dt = (a*v - w)/tau : 1
        gain : 1 (constant)
        a : 1 (constant)
        tau : second (constant)
        """,
        threshold="v > 0.3",
        reset="v = 0; w += 0.1",
        method="exponential_euler",
    )
    spikes, trace = SpikeMonitor(neurons), StateMonitor(neurons, "v", record=True)
    network = Network(neurons, spikes, trace)
    network.store()

    def run(number: int) -> None:
        network.restore()
        neurons.gain = np.linspace(0, 1 + number, 50)
        neurons.a = 0.1
        neurons.tau = (20 + number % 10) * ms
        network.run(1 * ms, namespace={"current": current})

    return run


def sweep() -> Callable[[int], None]:
    """A sweep: numbers of the script are other ones in each run of a recurrent network."""
    from benchmarks.networks import cuba
    from brian2 import Network, mV, ms

    parts = cuba.build(n_neurons=400)
    network = Network(*(parts[name] for name in ("neurons", "excitatory", "inhibitory", "spikes")))
    network.store()

    def run(number: int) -> None:
        network.restore()
        network.run(1 * ms, namespace={**parts, "w_e": (1 + 0.01 * number) * mV})

    return run


def ring() -> Callable[[int], None]:
    """Nothing new: a network of many objects goes on."""
    from brian2 import Network, NeuronGroup, SpikeMonitor, Synapses, ms

    groups = [
        NeuronGroup(10, "dv/dt = (1.5 - v)/(10*ms) : 1", threshold="v > 1", reset="v = 0",
                    method="exact")
        for _ in range(22)
    ]  # fmt: skip
    network = Network(groups, [SpikeMonitor(group) for group in groups])
    for source, target in zip(groups, [*groups[1:], groups[0]], strict=True):
        source.v = "rand()"
        synapses = Synapses(source, target, "w : 1", on_pre="v += w")
        synapses.connect(p=0.5)
        synapses.w = 0.01
        synapses.delay = "rand()*2*ms"
        network.add(synapses)

    def run(number: int) -> None:
        network.run(1 * ms)

    return run


TASKS = {
    "fit": Task(fit, "fitting: 50 neurons, a `TimedArray`, parameters set before each run"),
    "sweep": Task(
        sweep, "a sweep: CUBA with 400 neurons, another number of the script in each run"
    ),
    "ring": Task(ring, "nothing new: 154 objects, 22 groups in a ring, which go on"),
}


if __name__ == "__main__":
    compare(
        "benchmarks.short_runs",
        "a run of 1 ms",
        TASKS,
        ("genn", "numpy", "cython"),
        50,
    )
