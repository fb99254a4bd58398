"""Where the values of a network lie in a GeNN model."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...model.network import RecordEvents, RecordRate, RecordState, Step
from .description import Connectivity, GennDescription


@dataclass
class Flag:
    """Events of a population: the variable that is true for the neurons that have one."""

    population: str
    variable: str
    #: an extra global parameter that holds the flags of many time steps; empty for GeNN's spikes
    recorded: str = ""


@dataclass
class StatePlan:
    """A state monitor that GeNN's neurons write the values of.

    `columns` are the extra global parameters, in the order of the recorder's columns; they have
    one row for each time step, with a value for each of `unique` neurons.
    """

    step: RecordState
    population: str
    columns: list[str]
    unique: np.ndarray
    inverse: np.ndarray
    late: bool


@dataclass
class EventPlan:
    """An event monitor; `columns` are 'i', 't', or an extra global parameter's name."""

    step: RecordEvents
    population: str
    columns: list[str]


@dataclass
class RatePlan:
    """A rate monitor."""

    step: RecordRate
    population: str
    late: bool


@dataclass
class Forced:
    """A step that GeNN cannot do; `why` says so of a time step: "Brian runs 'operation'"."""

    step: Step
    why: str


@dataclass
class Layout:
    """What a program knows of its GeNN model.

    Attributes
    ----------
    description : GennDescription
    connections : dict
    values : dict
        Initial values that are no arrays of the network, by population and variable.
    flags : dict
        From arrays of events.
    longest : dict
        From arrays of events to the longest delay of what they feed.
    generators : dict
        From arrays of events to the extra global parameter with what a generator emits.
    forced : list of Forced
        The steps that are done outside of GeNN.
    slots : int
        For how many time steps GeNN records before it is asked.
    replays : int
        How many time steps back there may be spikes that are still on their way.
    reseeds : bool
        Whether random numbers have to begin anew with the seed.
    """

    description: GennDescription
    connections: dict[str, Connectivity] = field(default_factory=dict)
    values: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)
    flags: dict[str, Flag] = field(default_factory=dict)
    longest: dict[str, int] = field(default_factory=dict)
    generators: dict[str, str] = field(default_factory=dict)
    states: list[StatePlan] = field(default_factory=list)
    events: list[EventPlan] = field(default_factory=list)
    rates: list[RatePlan] = field(default_factory=list)
    forced: list[Forced] = field(default_factory=list)
    slots: int = 1
    replays: int = 0
    reseeds: bool = False
