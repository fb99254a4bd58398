"""Many short runs of one network: ``python -m benchmarks.short_runs --help``.

What a run of one millisecond takes besides the millisecond: preparing it. Each loop restores the
network, changes something, and runs.
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


TASKS = {
    "fit": Task(fit, "fitting: 50 neurons, a `TimedArray`, parameters set before each run"),
    "sweep": Task(
        sweep, "a sweep: CUBA with 400 neurons, another number of the script in each run"
    ),
}


if __name__ == "__main__":
    compare(
        "benchmarks.short_runs",
        "a run of 1 ms",
        TASKS,
        ("genn", "numpy", "cython"),
        50,
    )
