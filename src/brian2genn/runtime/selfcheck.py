"""Run a small network with the device and with Brian's NumPy runtime, and compare."""

from __future__ import annotations

from typing import Any

import numpy as np
from brian2.core.network import Network
from brian2.core.preferences import prefs
from brian2.devices.device import reset_device, set_device
from brian2.groups.neurongroup import NeuronGroup
from brian2.monitors.spikemonitor import SpikeMonitor
from brian2.monitors.statemonitor import StateMonitor
from brian2.synapses.synapses import Synapses
from brian2.units import ms

#: Relative; nothing in the network is random.
_TOLERANCE = 1e-9


def compare_with_brian(**options: Any) -> list[str]:
    """Differences between this package and Brian, in sentences; none if they agree.

    Parameters
    ----------
    **options
        Of ``set_device("genn", ...)``.
    """
    ours = _run("genn", **options)
    brians = _run("runtime")
    differences = []
    for name, expected in brians.items():
        found = ours[name]
        if found.shape != expected.shape:
            differences.append(f"{name}: {found.size} values, with Brian {expected.size}.")
        elif not np.allclose(found, expected, rtol=_TOLERANCE, atol=_TOLERANCE):
            largest = np.max(np.abs(found - expected))
            differences.append(f"{name}: differs by up to {largest:.3g} from Brian's.")
    return differences


def _run(device: str, **options: Any) -> dict[str, np.ndarray]:
    target = prefs.codegen.target
    set_device(device, **options)
    try:
        prefs.codegen.target = "numpy"
        return _network()
    finally:
        prefs.codegen.target = target
        reset_device()


def _network() -> dict[str, np.ndarray]:
    group = NeuronGroup(
        100,
        "dv/dt = (drive + g - v)/(10*ms) : 1 (unless refractory)\ndg/dt = -g/(5*ms) : 1\ndrive : 1",
        threshold="v > 1",
        reset="v = 0",
        refractory=2 * ms,
        method="euler",
    )
    group.drive = "1.05 + 0.002*i"
    synapses = Synapses(group, group, "w : 1", on_pre="g_post += w", on_post="w *= 0.999")
    synapses.connect(condition="abs(i - j) < 4 and i != j")
    synapses.w = "0.01 + 0.001*(i % 3)"
    synapses.pre.delay = "(1 + i % 4)*ms"
    spikes = SpikeMonitor(group)
    states = StateMonitor(group, ("v", "g"), record=[0, 50, 99])
    Network(group, synapses, spikes, states).run(50 * ms)
    # copies: from Brian 2.10 on, arrays of its own targets do not outlive their objects
    return {
        "numbers of spikes": np.array(spikes.count[:], dtype=float),
        "times of spikes": np.array(spikes.t_[:]),
        "recorded v": np.array(states.v),
        "recorded g": np.array(states.g),
        "weights": np.array(synapses.w[:]),
    }
