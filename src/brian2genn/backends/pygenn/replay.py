"""Descriptions played back into ``pygenn``: the only module that imports it."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import filelock
import numpy as np

from ..cache import tidying
from ..cache.files import folder_for
from ..cache.folder import GENN
from .description import ExtraGlobal, GennDescription, Population, SynapsePopulation
from .layout import Layout

#: From GeNN's types to NumPy's.
DTYPE: dict[str, np.dtype[Any]] = {
    "double": np.dtype(np.float64),
    "float": np.dtype(np.float32),
    "bool": np.dtype(np.bool_),
    **{f"{u}int{n}_t": np.dtype(f"{u}int{n}") for u in ("", "u") for n in (8, 16, 32, 64)},
}

#: GeNN turns on -ffast-math with its optimisation: NaN and infinity would lose their meaning.
EXACT_FLAGS = "-O3"


class GennUnavailable(RuntimeError):
    """There is no GeNN that can be used."""


def find_pygenn() -> Any:
    """The module ``pygenn``.

    Raises
    ------
    GennUnavailable
        With what to install.
    """
    try:
        pygenn = importlib.import_module("pygenn")
    except ImportError as error:
        raise GennUnavailable(
            f"The backend 'pygenn' hands networks to GeNN, and its Python package cannot be"
            f" imported ({error}). GeNN is in no package index: build pygenn 5.4 or newer from its"
            " source, as https://genn-team.github.io/ says; docs/genn.md has the commands. The"
            " backends 'cpu' and 'cuda' need none of it."
        ) from error
    version = tuple(int(part) for part in pygenn.__version__.split(".")[:2])
    if version < (5, 4):
        raise GennUnavailable(
            f"The backend 'pygenn' needs GeNN 5.4 or newer; this is {pygenn.__version__}. The"
            " backends 'cpu' and 'cuda' need none of it."
        )
    return pygenn


def check_backend(pygenn: Any, name: str | None) -> str:
    """The name of the GeNN backend to use.

    Raises
    ------
    GennUnavailable
        If this GeNN does not have it: GeNN itself leaves out without a word what it cannot load.
    """
    there = list(pygenn.genn_model.backend_modules)
    if name is None:
        return str(there[0])
    if name not in there:
        raise GennUnavailable(
            f"This GeNN has no backend {name!r}, only {', '.join(map(repr, there))}. It was built"
            " without it (for 'cuda', CUDA_PATH has to be set when it is built), or one of its"
            " libraries (for 'cuda', libcuda.so of the driver) cannot be loaded."
        )
    return name


class LiveModel:
    """A GeNN model, built and loaded.

    Parameters
    ----------
    layout : Layout
    values : mapping
        Initial values by population and variable, in the script's order. They are copied: GeNN
        keeps what it is given, and Brian's arrays are not to look as if a script had kept them.
    genn_backend : str or None
    preferences : mapping
        GeNN's own preferences.
    """

    def __init__(
        self,
        layout: Layout,
        values: Mapping[tuple[str, str], np.ndarray],
        genn_backend: str | None,
        preferences: Mapping[str, Any],
    ) -> None:
        self.pygenn = find_pygenn()
        self.layout = layout
        self.description: GennDescription = layout.description
        backend = check_backend(self.pygenn, genn_backend)
        folder = folder_for(GENN)
        preferences = dict(preferences)
        exact = backend == "single_threaded_cpu" and "optimize_code" not in preferences
        if exact:
            preferences["optimize_code"] = False
        self.model = self.pygenn.GeNNModel(
            "double", self.description.name, backend=backend, time_precision="double", **preferences
        )
        self.model.dt = self.description.dt
        self.model.seed = self.description.seed
        self.neurons: dict[str, Any] = {}
        self.synapses: dict[str, Any] = {}
        for population in self.description.populations:
            self.neurons[population.name] = self._add_neurons(population, values)
        for synapses in self.description.synapses:
            self.synapses[synapses.name] = self._add_synapses(synapses, values)
        self._lock = folder / f"{self.description.name}.lock"
        self._code = folder / f"{self.description.name}_CODE"
        with self._at_it(), _compiling(EXACT_FLAGS if exact else ""):
            self.model.build(str(folder))
            self._load()
        self._was_there = self._code.exists()
        tidying.after_making(folder.parent)

    @contextmanager
    def _at_it(self) -> Iterator[None]:
        """Have the model's files for this process, and note that they are used."""
        with filelock.FileLock(str(self._lock)):
            os.utime(self._lock)
            yield

    def _load(self) -> None:
        recording = any(p.records_spikes for p in self.description.populations)
        self.model.load(num_recording_timesteps=self.layout.slots if recording else None)

    def reload(self) -> bool:
        """Begin anew, with the first random numbers of the seed.

        Returns
        -------
        bool
            Whether that could be: the model's files may have been removed from the cache.
        """
        with self._at_it():
            if self._was_there and not self._code.exists():
                return False
            self.model.unload()
            self._load()
        return True

    def _add_neurons(
        self, population: Population, values: Mapping[tuple[str, str], np.ndarray]
    ) -> Any:
        access = self.pygenn.VarAccess
        model = self.pygenn.create_neuron_model(
            population.name,
            params=[(p.name, p.type) for p in population.parameters],
            vars=[
                (v.name, v.type, access.READ_ONLY if v.read_only else access.READ_WRITE)
                for v in population.variables
            ],
            additional_input_vars=[(name, "scalar", 0.0) for name in population.inputs],
            extra_global_params=[(e.name, f"{e.type}*") for e in population.extra_globals],
            sim_code=population.sim_code,
            threshold_condition_code=population.threshold or None,
            auto_refractory_required=False,
        )
        group = self.model.add_neuron_population(
            population.name,
            population.size,
            model,
            {p.name: p.value for p in population.parameters},
            {v.name: values[population.name, v.name].copy() for v in population.variables},
        )
        for parameter in population.parameters:
            if parameter.dynamic:
                group.set_param_dynamic(parameter.name, True)
        for extra in population.extra_globals:
            group.extra_global_params[extra.name].set_init_values(
                self._initial(population.name, extra, values)
            )
        group.spike_recording_enabled = population.records_spikes
        return group

    def _add_synapses(
        self, synapses: SynapsePopulation, values: Mapping[tuple[str, str], np.ndarray]
    ) -> Any:
        access, mode = self.pygenn.VarAccess, self.pygenn.VarAccessMode
        codes = {
            name: getattr(synapses, name) or None
            for name in (
                "pre_spike_syn_code", "post_spike_syn_code", "pre_event_syn_code",
                "pre_event_threshold_condition_code", "synapse_dynamics_code",
            )
        }  # fmt: skip
        model = self.pygenn.create_weight_update_model(
            synapses.name,
            params=[(p.name, p.type) for p in synapses.parameters],
            vars=[
                (v.name, v.type, access.READ_ONLY if v.read_only else access.READ_WRITE)
                for v in synapses.variables
            ],
            pre_neuron_var_refs=[(r.name, r.type, mode.READ_ONLY) for r in synapses.pre_references],
            post_neuron_var_refs=[
                (r.name, r.type, mode.READ_ONLY) for r in synapses.post_references
            ],
            extra_global_params=[(e.name, f"{e.type}*") for e in synapses.extra_globals],
            **codes,
        )
        source, target = self.neurons[synapses.source], self.neurons[synapses.target]
        reference = self.pygenn.create_var_ref
        weight = self.pygenn.init_weight_update(
            model,
            {p.name: p.value for p in synapses.parameters},
            {v.name: values[synapses.name, v.name].copy() for v in synapses.variables},
            pre_var_refs={r.name: reference(source, r.variable) for r in synapses.pre_references},
            post_var_refs={r.name: reference(target, r.variable) for r in synapses.post_references},
        )
        group = self.model.add_synapse_population(
            synapses.name, "SPARSE", source, target, weight,
            self.pygenn.init_postsynaptic("DeltaCurr"),
        )  # fmt: skip
        connections = self.layout.connections[synapses.name]
        group.set_sparse_connections(connections.pre, connections.post)
        if synapses.post_target:
            group.post_target_var = synapses.post_target
        if synapses.pre_target:
            group.pre_target_var = synapses.pre_target
        group.axonal_delay_steps = synapses.axonal_delay_steps
        group.back_prop_delay_steps = synapses.back_prop_delay_steps
        if synapses.max_dendritic_delay_timesteps:
            group.max_dendritic_delay_timesteps = synapses.max_dendritic_delay_timesteps
        for parameter in synapses.parameters:
            if parameter.dynamic:
                group.set_wu_param_dynamic(parameter.name, True)
        for extra in synapses.extra_globals:
            group.extra_global_params[extra.name].set_init_values(
                self._initial(synapses.name, extra, values)
            )
        return group

    @staticmethod
    def _initial(
        population: str, extra: ExtraGlobal, values: Mapping[tuple[str, str], np.ndarray]
    ) -> np.ndarray:
        known = values.get((population, extra.name))
        return np.zeros(extra.size, DTYPE[extra.type]) if known is None else known.copy()

    # -- values ------------------------------------------------------------------------
    def group(self, name: str) -> Any:
        """The GeNN group of a population."""
        return self.neurons.get(name) or self.synapses[name]

    def push(self, population: str, variable: str, values: np.ndarray) -> None:
        """Give GeNN the values of a variable; synapses in the script's order."""
        group = self.group(population)
        own = group.vars[variable]
        if population in self.synapses:
            own.values = values[group.synapse_order]
        else:
            own.view[:] = values  # all delayed copies too
        own.push_to_device()

    def pull(self, population: str, variable: str, into: np.ndarray) -> None:
        """Take the values of a variable from GeNN."""
        group = self.group(population)
        own = group.vars[variable]
        own.pull_from_device()
        if population in self.synapses:
            into[group.synapse_order] = own.values
        else:
            into[:] = own.current_view

    def set_extra(self, population: str, name: str, values: np.ndarray) -> None:
        """Give GeNN the values of an extra global parameter."""
        extra = self.group(population).extra_global_params[name]
        extra.view[: values.size] = values.ravel()
        extra.push_to_device()

    def get_extra(self, population: str, name: str) -> np.ndarray:
        """The values of an extra global parameter, one row for each time step recorded."""
        extra = self.group(population).extra_global_params[name]
        extra.pull_from_device()
        return np.asarray(extra.view).reshape(self.layout.slots, -1)

    def set_parameter(self, population: str, name: str, value: float | int) -> None:
        """Set a dynamic parameter."""
        self.group(population).set_dynamic_param_value(name, value)

    def spikes(self, population: str, first: int, stop: int) -> list[np.ndarray]:
        """The neurons that spiked in each of the time steps from `first` on."""
        slots = self.layout.slots
        now = self.model.timestep
        try:
            self.model.timestep = max(now, slots)  # GeNN only reads buffers that were filled once
            times, neurons = self.neurons[population].spike_recording_data[0]
            start = (self.model.timestep - slots) * self.description.dt
        finally:
            self.model.timestep = now
        rows = np.rint((np.asarray(times) - start) / self.description.dt).astype(np.int64)
        neurons = np.asarray(neurons)
        return [np.sort(neurons[rows == step % slots]) for step in range(first, stop)]


@contextmanager
def _compiling(flags: str) -> Iterator[None]:
    """Have GeNN's makefile be silent, and compile with these flags if there are any."""
    wanted = {"MAKEFLAGS": f"{os.environ.get('MAKEFLAGS', '')} --no-print-directory".strip()}
    if flags:
        wanted["CXX"] = f"{os.environ.get('CXX', 'g++')} {flags}"
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
