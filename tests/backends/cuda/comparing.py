"""A network under the processor's backend and the GPU's: several runs, and all that they change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from brian2 import (
    BrianObject,
    Network,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    ms,
    seed,
    set_device,
)

from tests import devices
from tests.semantics.harness import compare, observe


def compare_with_processor(
    driver: object,
    make: Callable[[], Sequence[BrianObject]],
    *,
    least_spikes: int = 20,
    changed: bool = False,
) -> int:
    """Compare what a network does in three runs.

    Parameters
    ----------
    driver : Driver
        The GPU's.
    make : callable
        Makes the objects of a network.
    least_spikes : int, optional
        It has to have more.
    changed : bool, optional
        Whether values are changed between runs, and spikes of subgroups recorded, too.

    Returns
    -------
    int
        How many synapses objects there are.
    """
    backends = "cpu", "cuda"
    results = [_results(one, driver, make, least_spikes, changed) for one in backends]
    compare(*(seen for seen, _ in results))
    return results[-1][1]


def _results(
    backend: str,
    driver: object,
    make: Callable[[], Sequence[BrianObject]],
    least_spikes: int,
    changed: bool,
) -> tuple[dict[str, Any], int]:
    devices.reset()
    devices.use(driver)
    set_device("genn", backend=backend)
    seed(5)
    objects = make()
    groups = [one for one in objects if "spike" in getattr(one, "events", ())]
    others = [one for one in objects if isinstance(one, Synapses | StateMonitor)]
    spikes = [SpikeMonitor(one) for one in groups]
    if changed:
        spikes += [SpikeMonitor(one[11:77]) for one in groups]
    network = Network(*objects, *spikes)
    for duration in (3, 0.1, 2):
        network.run(duration * ms)
        if changed and hasattr(groups[-1], "v"):
            groups[-1].v[3:70] = 0.5
    assert sum(one.num_spikes for one in spikes) > least_spikes
    seen = observe(**{f"{k}": one for k, one in enumerate([*groups, *spikes, *others])})
    return seen, sum(isinstance(one, Synapses) for one in objects)
