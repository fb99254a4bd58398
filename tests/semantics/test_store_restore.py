"""store and restore, in memory and in files, with everything in flight."""

import os

import numpy as np
import pytest
from brian2 import (
    Network,
    NeuronGroup,
    PoissonGroup,
    PopulationRateMonitor,
    SpikeGeneratorGroup,
    SpikeMonitor,
    StateMonitor,
    Synapses,
    defaultclock,
    ms,
    restore,
    run,
    seed,
    set_device,
    store,
)

from tests import together
from tests.semantics.harness import Cases, check, observe

cases = Cases()


def build() -> dict:
    """Inputs with a period, refractory neurons, delays of both kinds, and all monitors."""
    inputs = SpikeGeneratorGroup(
        3, [0, 1, 2, 0], [0.1, 0.25, 0.4, 0.7] * ms, period=0.9 * ms, name="inputs"
    )
    cells = NeuronGroup(
        4,
        "dv/dt = (0.7 + 0.2*i - 0.2*v)/ms : 1 (unless refractory)",
        threshold="v > 1",
        reset="v = 0",
        refractory=0.4 * ms,
        method="euler",
        name="cells",
    )
    drive = Synapses(
        inputs,
        cells,
        "w : 1\ndx/dt = -x/ms : 1 (event-driven)",
        on_pre="x += 1\nv_post += w*x",
        on_post="w *= 0.97",
        delay={"pre": 0.5 * ms},
        name="drive",
    )
    drive.connect()
    drive.w = "0.02*(1 + i + j)"
    links = Synapses(cells, cells, on_pre="v_post += 0.06", name="links")
    links.connect(condition="i != j")
    links.delay = "0.1*ms*(1 + i + 2*j)"
    return {
        "inputs": inputs,
        "cells": cells,
        "drive": drive,
        "links": links,
        "spikes": SpikeMonitor(cells, "v", name="spikes"),
        "states": StateMonitor(cells, "v", record=True, name="states"),
        "rate": PopulationRateMonitor(cells, name="rate"),
    }


def labelled(prefix: str, result: dict) -> dict:
    return {f"{prefix}/{name}": value for name, value in result.items()}


@cases
def restored_with_spikes_in_flight():
    """What follows a restore is what followed the store."""
    objects = build()
    network = Network(objects)
    network.run(2.3 * ms)
    network.store()
    network.run(2 * ms)
    first = observe(network=network, **objects)
    network.restore()
    back = observe(network=network, **objects)
    network.run(2 * ms)
    again = observe(network=network, **objects)
    return {**labelled("first", first), **labelled("back", back), **labelled("again", again)}


@cases
def restored_from_a_file_into_new_objects():
    """A file written by one network is read by another that has the same names."""
    with together.folder() as directory:
        path = os.path.join(directory, "state")

        def until_the_end():
            objects = build()
            network = Network(objects, name="net")
            network.store("new", filename=path)
            network.run(1.8 * ms)
            network.store("named", filename=path)
            network.run(1.5 * ms)
            return labelled("first", observe(network=network, **objects))

        first = until_the_end()
        objects = build()
        network = Network(objects, name="net")
        network.restore("named", filename=path)
        network.run(1.5 * ms)
        again = labelled("again", observe(network=network, **objects))
        network.restore("new", filename=path)
        network.run(1 * ms)
        return {**first, **again, **labelled("new", observe(network=network, **objects))}


@cases
def several_snapshots():
    """Named, overwritten, and restored in any order, with values changed in between."""
    objects = build()
    network = Network(objects)
    cells = objects["cells"]
    network.store("start")
    network.run(1 * ms)
    network.store("middle")
    cells.v = 0.9
    network.run(1 * ms)
    network.store("late")
    results = {}
    for k, name in enumerate(["start", "late", "middle", "start"]):
        network.restore(name)
        network.run(0.7 * ms)
        results.update(labelled(f"{k}-{name}", observe(network=network, **objects)))
    return results


@cases
def many_short_runs_from_one_snapshot():
    """The loop of a parameter scan or a fit."""
    objects = build()
    network = Network(objects)
    network.run(0.5 * ms)
    network.store()
    counts = []
    for k in range(6):
        network.restore()
        objects["drive"].w = 0.02 * k
        network.run(3 * ms)
        counts.append(np.array(objects["spikes"].count))
    return observe(network=network, counts=counts, **objects)


@cases
def by_the_functions_of_the_magic_network():
    group = NeuronGroup(
        2, "dv/dt = (1 + 0.2*i)/ms : 1", threshold="v > 1", reset="v = 0", method="euler"
    )
    spikes = SpikeMonitor(group)
    run(1.3 * ms)
    store("here")
    run(1 * ms)
    first = spikes.num_spikes
    restore("here")
    run(2 * ms)
    return observe(group=group, spikes=spikes, first=first)


@cases
def before_the_first_run_and_twice():
    objects = build()
    network = Network(objects)
    objects["cells"].v = 0.3
    network.store()
    objects["cells"].v = 0.8
    network.run(0.6 * ms)
    network.restore()
    network.restore()
    return observe(network=network, **objects)


@cases
def dt_belongs_to_the_snapshot():
    """A restore puts back the time and the clock; dt set since then holds from there."""
    group = NeuronGroup(2, "dv/dt = -v/ms : 1", method="exact")
    group.v = [1, 2]
    states = StateMonitor(group, "v", record=True)
    network = Network(group, states)
    network.run(1 * ms)
    network.store()
    defaultclock.dt = 0.05 * ms
    network.run(0.5 * ms)
    middle = observe(network=network, group=group, states=states)
    network.restore()
    network.run(0.5 * ms)
    return {**labelled("middle", middle), **observe(network=network, group=group, states=states)}


@cases
def synapses_with_delays_changed_since():
    """Brian 2.9 keeps the new delays, later ones restore the old: the device does as Brian."""
    objects = build()
    network = Network(objects)
    network.run(1 * ms)
    network.store()
    objects["links"].delay = 0 * ms
    objects["drive"].pre.delay = 1 * ms
    network.run(1 * ms)
    middle = observe(network=network, **objects)
    network.restore()
    network.run(1 * ms)
    return {**labelled("middle", middle), **labelled("end", observe(**objects))}


def _one_delay_or_many(one: bool, condition: str) -> dict:
    neurons = NeuronGroup(6, "v : 1", threshold="int(t/dt + 0.5) % 6 == i", name="neurons")
    targets = NeuronGroup(6, "x : 1", name="targets")
    delay = 0.5 * ms if one else None
    synapses = Synapses(
        neurons, targets, "w : 1", "x_post += w + t/ms", name="synapses", delay=delay
    )
    synapses.connect(condition=condition)
    synapses.w = "i + 1"
    if not one:
        synapses.delay = "(i + j)*0.3*ms"
    return {"neurons": neurons, "targets": targets, "synapses": synapses}


@cases.over(one=[True, False])
def delays_restored_where_there_is_one_delay_or_one_for_each(one):
    """Brian's later versions store delays: that of all synapses is then that of each, and those of
    single synapses are used where the script has one for all. Before, the delays stay that were
    set."""
    results = {}
    with together.folder() as folder:
        filename = os.path.join(folder, "state")
        stored = Network(_one_delay_or_many(one, "i <= j").values())
        stored.run(2 * ms)
        stored.store(filename=filename)
        objects = _one_delay_or_many(not one, "i <= j")
        network = Network(objects.values())
        network.restore(filename=filename)
        network.run(2 * ms)
        results["x"] = objects["targets"].x[:]
        network.restore(filename=filename)
        network.run(1 * ms)
        results["again"] = objects["targets"].x[:]
        if not one:  # of all synapses; Brian shows the first one's where there are more
            results["delay"] = objects["synapses"].delay[:]
    return results


@pytest.mark.parametrize("condition", ["i < j", "i != j"])
def test_one_delay_restored_to_another_number_of_synapses(condition, tmp_path, device):
    """Brian before 2.10 cannot: what was stored under this device has the delay."""
    set_device(device)
    objects = _one_delay_or_many(True, "i <= j")
    network = Network(objects.values())
    network.store(filename=str(tmp_path / "state"))
    network.run(2 * ms)
    wanted = np.array(objects["targets"].x)
    others = _one_delay_or_many(False, condition)
    network = Network(others.values())
    network.restore(filename=str(tmp_path / "state"))
    network.run(2 * ms)
    np.testing.assert_array_equal(others["targets"].x, wanted)


@cases
def random_state_with_the_snapshot():
    """With restore_random_state the same random numbers come again; without, others. What they
    are differs between devices, so that only this is compared."""
    seed(4711)
    inputs = PoissonGroup(50, rates="1*kHz", name="inputs")
    noisy = NeuronGroup(20, "dv/dt = -v/ms + xi*ms**-0.5 : 1", method="euler", name="noisy")
    spikes = SpikeMonitor(inputs, name="spikes")
    network = Network(inputs, noisy, spikes)
    network.run(1 * ms)
    network.store()
    outcomes = []
    for restore_random_state in (True, True, False):
        network.restore(restore_random_state=restore_random_state)
        network.run(2 * ms)
        outcomes.append((list(spikes.i), list(noisy.v)))
    return {
        "same": outcomes[0] == outcomes[1],
        "others": outcomes[0] != outcomes[2],
        "t": network.t,
    }


@pytest.mark.parametrize("case", cases, ids=str)
def test_agrees_with_runtime(case):
    check(case)
