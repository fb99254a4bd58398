"""A GeNN model as plain data: what the backend builds, and what `export_genn` prints."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Variable:
    """A value for each neuron or synapse.

    `array` is the network's array that it stands for; empty for what GeNN's code needs itself.
    """

    name: str
    type: str
    array: str = ""
    read_only: bool = False


@dataclass
class Parameter:
    """A number for all; a dynamic one may change between runs.

    It is the network's parameter `param`, the only element of its array `array`, or `value`.
    """

    name: str
    type: str
    value: float | int = 0
    dynamic: bool = False
    param: str = ""
    array: str = ""


@dataclass
class ExtraGlobal:
    """An array for all (GeNN's extra global parameter); `array` as for a variable."""

    name: str
    type: str
    size: int
    array: str = ""


@dataclass
class Reference:
    """How synapses call a variable of their source or target population."""

    name: str
    type: str
    variable: str


@dataclass
class Population:
    """Neurons, and the neuron model made for them.

    `inputs` are GeNN's additional input variables: one for each effect of synapses.
    """

    name: str
    size: int
    variables: list[Variable] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    extra_globals: list[ExtraGlobal] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    sim_code: str = ""
    threshold: str = ""
    records_spikes: bool = False


@dataclass
class SynapsePopulation:
    """Synapses, and the weight update model made for them."""

    name: str
    source: str
    target: str
    #: the group of the script that they are of
    synapses: str
    variables: list[Variable] = field(default_factory=list)
    parameters: list[Parameter] = field(default_factory=list)
    extra_globals: list[ExtraGlobal] = field(default_factory=list)
    pre_references: list[Reference] = field(default_factory=list)
    post_references: list[Reference] = field(default_factory=list)
    pre_spike_syn_code: str = ""
    post_spike_syn_code: str = ""
    pre_event_syn_code: str = ""
    pre_event_threshold_condition_code: str = ""
    synapse_dynamics_code: str = ""
    post_target: str = ""
    pre_target: str = ""
    axonal_delay_steps: int = 0
    back_prop_delay_steps: int = 0
    max_dendritic_delay_timesteps: int = 0


@dataclass
class GennDescription:
    """A whole model. `dt` is in seconds: GeNN has no units."""

    name: str
    dt: float
    seed: int
    populations: list[Population] = field(default_factory=list)
    synapses: list[SynapsePopulation] = field(default_factory=list)

    def all(self) -> list[Population | SynapsePopulation]:
        """Neurons, then synapses."""
        return [*self.populations, *self.synapses]

    def population(self, name: str) -> Population:
        """The population of this name."""
        return next(p for p in self.populations if p.name == name)


@dataclass
class Connectivity:
    """Source and target neuron of every synapse, in the script's order."""

    pre: np.ndarray
    post: np.ndarray
