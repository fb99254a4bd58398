"""Delays and sources of synapses, checked before a run changes anything.

Spike queues, whatever the backend, take for granted what is checked here: one delay for all
synapses or one for each, sources that exist, and delays that are numbers of time steps. Negative
delays are an exception: to queues they are 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from brian2.devices.device import RuntimeDevice
from brian2.synapses.synapses import SynapticPathway
from brian2.utils.logger import get_logger

from .bounds import reach

logger = get_logger("brian2.devices.genn")

#: Delays of fewer time steps than this below zero are rounding errors of zero.
_ROUNDING = 1e-6

#: What was said about the negative delays of a pathway.
_told: WeakKeyDictionary[Any, str] = WeakKeyDictionary()

#: Delays have to be shorter than so many time steps.
_TOO_LONG = 2.0**31 - 1

_RESTORED = (
    "Was a state restored that was stored with other synapses? What Brian before 2.10 has stored"
    " has no delays: set them again after restore()."
)


def check_pathways(objects: Iterable[Any]) -> None:
    """Check the delays and the synapses of all pathways among `objects`.

    Parameters
    ----------
    objects : iterable of BrianObject
        Of a network.

    Raises
    ------
    ValueError
        For delays that are not finite or too long, and for arrays that do not fit together.

    Notes
    -----
    Warns of negative delays, once of the same ones.
    """
    for obj in objects:
        if isinstance(obj, SynapticPathway) and obj.active:
            sources = obj.synapse_sources.get_value()
            delays = obj._delays.get_value()
            _check_structure(obj, sources, delays)
            if "dt" in obj.source.clock.variables:  # otherwise Brian says what is wrong
                present = delays if obj._delays.scalar else delays[: sources.size]
                _check_delays(obj, present, float(obj.source.clock.dt_))


@cache
def never_early(kind: Any) -> Any:
    """A queue class of Brian's to which negative delays are 0, as they are to ours."""

    class Queue(kind):
        def prepare(self, real_delays: Any, dt: float, synapse_sources: Any) -> Any:
            return super().prepare(np.maximum(real_delays, 0.0), dt, synapse_sources)

    return Queue


def _of(pathway: Any) -> str:
    """A pathway for people."""
    return f"the pathway '{pathway.objname}' ('{pathway.name}') of '{pathway.synapses.name}'"


def _length(variable: Any) -> int:
    """The length of an array as the host has it, which is right wherever its values are."""
    return int(RuntimeDevice.get_value(variable.device, variable).size)


def _check_structure(pathway: Any, sources: np.ndarray, delays: np.ndarray) -> None:
    synapses = pathway.synapses
    # those of synapses that are not there any more do no harm
    if delays.size < sources.size and not pathway._delays.scalar:
        raise ValueError(
            f"There are {delays.size} delays, but {sources.size} synapses, in {_of(pathway)}."
            f" {_RESTORED}"
        )
    for variable in (*synapses._registered_variables, synapses.variables["_synaptic_post"]):
        size = _length(variable) if variable.ndim == 1 else sources.size
        if size < sources.size and not variable.scalar:
            raise ValueError(
                f"There are {size} values of '{variable.name}', but {sources.size} synapses, in"
                f" '{synapses.name}'. {_RESTORED}"
            )
    start, stop = int(pathway.source.start), int(pathway.source.stop)
    lowest, highest = reach(sources)
    if start and sources.size:
        lowest = int(sources.min())
    if sources.size and (lowest < start or highest >= stop):
        wrong = lowest if lowest < start else highest
        raise ValueError(
            f"A synapse has the source {wrong}, but the neurons are {start} to {stop - 1}, in"
            f" {_of(pathway)}. {_RESTORED}"
        )
    in_flight = getattr(pathway.queue, "largest_in_flight", lambda: -1)()
    if in_flight >= sources.size:
        raise ValueError(
            f"A spike is on its way to synapse {in_flight}, but there are {sources.size} synapses,"
            f" in {_of(pathway)}. {_RESTORED}"
        )


def _check_delays(pathway: Any, delays: np.ndarray, dt: float) -> None:
    if delays.size == 0:
        return
    # comparisons with NaN are false
    if delays.min() >= -_ROUNDING * dt and delays.max() < _TOO_LONG * dt:
        return
    bad = np.flatnonzero(~(np.isfinite(delays) & (delays < _TOO_LONG * dt)))
    if bad.size:
        first = int(bad[0])
        if delays.size == 1:
            told = f"The delay of all synapses in {_of(pathway)} is {delays[0]:g} s."
        else:
            told = (
                f"{bad.size} of {delays.size} delays in {_of(pathway)} are not finite, or too long:"
                f" the first is that of synapse {first}, {delays[first]:g} s; the smallest of all"
                f" is {np.fmin.reduce(delays):g} s."
            )
        raise ValueError(
            f"{told} A delay has to be a number and shorter than 2**31 time steps"
            f" ({_TOO_LONG * dt:g} s with dt = {dt:g} s). Look at how it was set."
            + (f" {_RESTORED}" if np.isnan(delays).any() else "")
        )
    negative = np.flatnonzero(delays < -_ROUNDING * dt)
    smallest = int(negative[np.argmin(delays[negative])])
    if delays.size == 1:
        told = f"The delay of all synapses in {_of(pathway)} is negative, {delays[0]:g} s."
    else:
        told = (
            f"{negative.size} of {delays.size} delays in {_of(pathway)} are negative; the smallest"
            f" is that of synapse {smallest}, {delays[smallest]:g} s."
        )
    if _told.get(pathway) == told:
        return
    _told[pathway] = told
    logger.warn(
        f"{told} Spikes are delivered at once there, as with a delay of 0. Use clip(..., 0*ms, ...)"
        " where delays are set.",
        "negative_delays",
    )
