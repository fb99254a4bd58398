"""A network as a Python script for ``pygenn`` that stands on its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...codegen.genn.code import GENN_TYPE
from ...codegen.templating import environment
from ...model.network import EmitSpikes, Network
from ...transforms.pipeline import FOR_GENN, lower
from .instance import Instance
from .layout import Layout
from .neurons import FULL, REPLAY, replayed_name
from .program import initial_values, past_events
from .queue import Delays
from .translate import translate

SCRIPT, DATA = "model.py", "data.npz"


def export(
    network: Network,
    memory: Mapping[str, Any],
    queues: list[Delays],
    directory: Path,
    *,
    name: str,
    seed: int,
) -> Path:
    """Write a network as a script, and its data.

    Parameters
    ----------
    network : Network
        Verified; it is changed.
    memory : mapping
        The arguments ``arrays``, ``params``, ``clocks`` and ``names`` of `Instance`.
    queues : list of Delays
    directory : Path
        Is made if need be.
    name : str
        The network's name, for people.
    seed : int
        For GeNN's random numbers.

    Returns
    -------
    Path
        The script.

    Raises
    ------
    RefusedNetwork
        With what GeNN cannot do; nothing has been written then.
    """
    lower(network, FOR_GENN)
    instance = Instance(network, queues=queues, **memory)
    layout, _ = translate(instance, seed)
    values = initial_values(layout, instance)
    _set_values(layout, instance)
    data = _data(layout, instance, values)
    directory.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(directory / DATA, **data)  # type: ignore[arg-type]
    text = environment.get_template("genn/script.py.j2").render(
        name=name,
        layout=layout,
        description=layout.description,
        data=sorted(data),
        start=int(instance.clocks[instance.base].timestep[0]),
        replays=[
            (flag.population, replayed_name(flag))
            for events, flag in layout.flags.items()
            if f"{flag.population}.{replayed_name(flag)}" in data
        ],
        generators=_generators(layout, instance),
        recorded=[
            (state.population, column, instance.ratio(state.step.clock), int(state.late))
            for state in layout.states
            for column in state.columns
        ],
        left_out=[forced.why for forced in layout.forced],
        REPLAY=REPLAY,
        FULL=FULL,
        code=_code,
        numpy_type={own: name for name, own in GENN_TYPE.items()},
    )
    script = directory / SCRIPT
    script.write_text(text, encoding="utf-8")
    return script


def _set_values(layout: Layout, instance: Instance) -> None:
    """Put the present values of parameters into the description."""
    for population in layout.description.all():
        for parameter in population.parameters:
            if parameter.param:
                parameter.value = float(instance.params[parameter.param])
            elif parameter.array:
                parameter.value = float(instance.arrays[parameter.array].flat[0])


def _data(
    layout: Layout, instance: Instance, values: Mapping[tuple[str, str], np.ndarray]
) -> dict[str, np.ndarray]:
    """What the script reads: variables, arrays for all, connections, spikes in flight."""
    data = {f"{owner}.{name}": array for (owner, name), array in values.items()}
    for name, connections in layout.connections.items():
        data[f"{name}.pre"], data[f"{name}.post"] = connections.pre, connections.post
    past = past_events(layout, instance)
    if past is None:
        raise ValueError(
            "The network cannot be exported now: synapses or delays have changed while spikes are"
            " on their way. Run it until they have arrived."
        )
    if any(spikes.size for events in past.values() for spikes in events):
        for events, spikes in past.items():
            if not spikes:  # without delays, nothing of it is on its way
                continue
            flag = layout.flags[events]
            emitted = np.zeros(
                (layout.replays, layout.description.population(flag.population).size), np.uint8
            )
            for ago, neurons in enumerate(reversed(spikes), start=1):
                emitted[layout.replays - ago, neurons] = 1
            data[f"{flag.population}.{replayed_name(flag)}"] = emitted.ravel()
    for step in instance.network.steps:
        if isinstance(step, EmitSpikes):
            owner = layout.flags[step.events].population
            data[f"{owner}.emitted_step"] = instance.arrays[step.timebins]
            data[f"{owner}.emitted_neuron"] = instance.arrays[step.neurons]
    return data


def _generators(layout: Layout, instance: Instance) -> list[tuple[str, int]]:
    """Populations that emit given spikes, with their period in time steps (0: none)."""
    return [
        (layout.flags[step.events].population, int(instance.arrays[step.period][0]))
        for step in instance.network.steps
        if isinstance(step, EmitSpikes)
    ]


def _code(text: str) -> str:
    """A code string as Python text."""
    return f'"""\n{text.rstrip()}\n"""'
