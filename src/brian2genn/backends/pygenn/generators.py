"""Spike generators: what they emit, handed to GeNN in bulk."""

from __future__ import annotations

import numpy as np

from ...model.network import EmitSpikes
from .instance import Instance
from .layout import Layout
from .replay import LiveModel


class Generators:
    """The spike generators of a network.

    Parameters
    ----------
    instance : Instance
    layout : Layout
    live : LiveModel
    """

    def __init__(self, instance: Instance, layout: Layout, live: LiveModel) -> None:
        self._instance = instance
        self._layout = layout
        self._live = live
        #: by step and time step, how far a generator has come
        self._places: dict[tuple[str, int], int] = {}

    def emit(self, start: int, stop: int) -> None:
        """Tell GeNN what spike generators emit."""
        slots = self._layout.slots
        for step in self._instance.network.steps:
            if not isinstance(step, EmitSpikes):
                continue
            flag = self._layout.flags[step.events]
            size = self._layout.description.population(flag.population).size
            emitted = np.zeros((slots, size), dtype=np.uint8)
            for number, neurons in self._generated(step, start, stop):
                emitted[number % slots, neurons] = 1
            name = self._layout.generators[step.events]
            self._live.set_extra(flag.population, name, emitted)

    def _generated(self, step: EmitSpikes, start: int, stop: int) -> list[tuple[int, np.ndarray]]:
        """What a generator emits, as Brian's `spikegenerator` does, which keeps its place."""
        arrays = self._instance.arrays
        bins, neurons = arrays[step.timebins], arrays[step.neurons]
        period = int(arrays[step.period][0])
        last = int(arrays[step.lastindex][0])
        result = []
        for number in range(start, stop):
            now = number % period if period > 0 else number
            if period > 0 and last > 0 and bins[last - 1] >= now:
                last = 0
            end = last + int(np.searchsorted(bins[last:], now, side="right"))
            if end > last:
                own = neurons[last:end]
                room = len(arrays[step.events]) - 1
                if len(own) > room:
                    raise ValueError(
                        f"The {self._instance.names.tell(step.origin)} has more spikes for one time"
                        " step than it has neurons."
                        " Is there a second spike of a neuron in the step, or did it not run for a"
                        " while?"
                    )
                result.append((number, own))
            last = end
            self._places[step.name, number] = last
        return result

    def take_place(self, done: int) -> None:
        """Tell Brian how far generators have come before the time step `done`."""
        for step in self._instance.network.steps:
            if isinstance(step, EmitSpikes):
                place = self._places.get((step.name, done - 1))
                if place is not None:
                    self._instance.arrays[step.lastindex][0] = place
        self._places.clear()
