"""Networks written for GeNN."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..backends.interface import array_of
from ..backends.pygenn.export import export
from ..backends.pygenn.queue import Delays, Snapshot
from ..frontend.labels import own
from ..frontend.network import translate
from ..model.verify import verify
from .checks.generators import number_late_spikes
from .checks.pathways import check_pathways
from .messages.mishaps import hand_over
from .run.loop import clock_states


def export_network(net: Any, directory: Path, namespace: dict[str, Any], seed: int) -> Path:
    """Write a network as a script for GeNN; see `brian2genn.export_genn`."""
    objects = net.sorted_objects
    check_pathways(objects)
    net._clocks = {obj.clock for obj in objects}
    for clock in net._clocks:
        clock.set_interval(net.t, net.t)
    net.before_run(namespace)
    number_late_spikes(objects)
    active = [obj for obj in objects if obj.active]
    translation = translate(active, net._clocks, lambda *_: None, hand_over, {})
    verify(translation.network)
    bindings = translation.bindings
    queues: list[Delays] = []
    for queue in bindings.queues:
        pathway = next(obj for obj in objects if own(obj, "queue") is queue)
        snapshot = Snapshot(queue)
        delays, sources = pathway._delays.get_value(), pathway.synapse_sources.get_value()
        snapshot.set_delays(delays, float(pathway.source.clock.dt_), sources)
        queues.append(snapshot)
    memory = {
        "arrays": {name: array_of(thing) for name, thing in bindings.arrays.items()},
        "params": bindings.params,
        "clocks": clock_states(bindings.clocks),
        "names": bindings.names,
    }
    try:
        return export(translation.network, memory, queues, directory, name=str(net.name), seed=seed)
    finally:
        net.after_run()
