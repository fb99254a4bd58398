"""The networks, and the sizes they are run at.

Each module is a Brian 2 script inside a function: ``build(...)`` makes the objects and returns its
local variables, constants and objects alike, for the device that is set to run. The modules import
nothing but Brian and NumPy, so that every device runs the same text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Benchmark:
    """A network at the size it is published with, and at one that takes a moment.

    Parameters
    ----------
    module
        The module of `benchmarks.networks` with the ``build`` function.
    title
        What to call it in a table.
    size, quick
        Arguments of ``build`` for a measurement and for a test.
    quick_duration
        Biological seconds in which the small network spikes.
    needs_duration
        Whether ``build`` is told the duration, for a stimulus of that length.
    large
        Whether it is only measured where somebody asks for it.
    """

    module: str
    title: str
    size: dict[str, Any] = field(default_factory=dict)
    quick: dict[str, Any] = field(default_factory=dict)
    quick_duration: float = 0.03
    needs_duration: bool = False
    large: bool = False


NETWORKS: dict[str, Benchmark] = {
    "cobahh": Benchmark(
        "cobahh",
        "COBAHH, 4,000 neurons",
        size={"n_neurons": 4000},
        quick={"n_neurons": 200},
        quick_duration=0.01,
    ),
    "mushroom_body": Benchmark(
        "mushroom_body",
        "mushroom body, 2,500 Kenyon cells",
        size={"n_kenyon": 2500},
        quick={"n_kenyon": 100},
        quick_duration=0.01,
        needs_duration=True,
    ),
    "cuba": Benchmark(
        "cuba",
        "CUBA, 4,000 neurons",
        size={"n_neurons": 4000},
        quick={"n_neurons": 400},
    ),
    "brunel_hakim": Benchmark(
        "brunel_hakim",
        "Brunel-Hakim, 10⁷ synapses, delay 2 ms",
        size={"n_neurons": 10_000},
        quick={"n_neurons": 200, "n_inputs": 20},
    ),
    "brunel_hakim_delays": Benchmark(
        "brunel_hakim",
        "Brunel-Hakim, 10⁷ synapses, delays 0-4 ms",
        size={"n_neurons": 10_000, "delays": "uniform"},
        quick={"n_neurons": 200, "n_inputs": 20, "delays": "uniform"},
    ),
    "stdp": Benchmark(
        "stdp",
        "STDP, 10,000 inputs to 10 neurons, delay 2 ms",
        size={"n_neurons": 10},
        quick={"n_inputs": 1000, "n_neurons": 2, "p": 1.0},
    ),
    "stdp_delays": Benchmark(
        "stdp",
        "STDP, 10,000 inputs to 10 neurons, delays 0-4 ms",
        size={"n_neurons": 10, "delays": "uniform"},
        quick={"n_inputs": 1000, "n_neurons": 2, "p": 1.0, "delays": "uniform"},
    ),
    "microcircuit": Benchmark(
        "microcircuit",
        "cortical microcircuit, a tenth: 7,717 neurons, 3·10⁶ synapses",
        size={"scale": 0.1},
        quick={"scale": 0.01},
    ),
    "cobahh_large": Benchmark(
        "cobahh",
        "COBAHH, 100,000 neurons, 1,000 synapses each",
        size={"n_neurons": 100_000, "n_synapses": 1000},
        quick={"n_neurons": 200, "n_synapses": 100},
        quick_duration=0.01,
        large=True,
    ),
    "cobahh_million": Benchmark(
        "cobahh",
        "COBAHH, 1,000,000 neurons, 1,000 synapses each",
        size={"n_neurons": 1_000_000, "n_synapses": 1000},
        quick={"n_neurons": 200, "n_synapses": 100},
        quick_duration=0.01,
        large=True,
    ),
    "mushroom_body_large": Benchmark(
        "mushroom_body",
        "mushroom body, 160,000 Kenyon cells",
        size={"n_kenyon": 160_000},
        quick={"n_kenyon": 100},
        quick_duration=0.01,
        needs_duration=True,
        large=True,
    ),
    "brunel_hakim_large": Benchmark(
        "brunel_hakim",
        "Brunel-Hakim, 100,000 neurons, 10⁸ synapses, delay 2 ms",
        size={"n_neurons": 100_000},
        quick={"n_neurons": 200, "n_inputs": 20},
        large=True,
    ),
    "brunel_hakim_delays_large": Benchmark(
        "brunel_hakim",
        "Brunel-Hakim, 100,000 neurons, 10⁸ synapses, delays 0-4 ms",
        size={"n_neurons": 100_000, "delays": "uniform"},
        quick={"n_neurons": 200, "n_inputs": 20, "delays": "uniform"},
        large=True,
    ),
    "stdp_large": Benchmark(
        "stdp",
        "STDP, 100,000 inputs to 1,000 neurons, 10⁶ synapses, delay 2 ms",
        size={"n_inputs": 100_000, "n_neurons": 1000, "p": 0.01},
        quick={"n_inputs": 1000, "n_neurons": 2, "p": 1.0},
        large=True,
    ),
    "stdp_delays_large": Benchmark(
        "stdp",
        "STDP, 100,000 inputs to 1,000 neurons, 10⁶ synapses, delays 0-4 ms",
        size={"n_inputs": 100_000, "n_neurons": 1000, "p": 0.01, "delays": "uniform"},
        quick={"n_inputs": 1000, "n_neurons": 2, "p": 1.0, "delays": "uniform"},
        large=True,
    ),
    "microcircuit_full": Benchmark(
        "microcircuit",
        "cortical microcircuit, 77,169 neurons, 3·10⁸ synapses",
        size={"scale": 1.0},
        quick={"scale": 0.01},
        large=True,
    ),
}

#: Those that are measured where nobody asks for others.
USUAL = [name for name, benchmark in NETWORKS.items() if not benchmark.large]
