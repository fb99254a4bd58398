"""Repeating what a script has run, from where it began, with other values.

Brian's standalone devices build a program once and run it any number of times, each time with
other values (``device.run(run_args=...)``). This device has run everything by then. With
``build_on_run=False`` it keeps the state of the first run's beginning, and notes each run and
what the script does in between through Brian: values set, synapses made, seeds, ``store`` and
``restore``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from copy import copy
from typing import Any, Protocol

import numpy as np
from brian2.core.network import Network, _get_all_objects
from brian2.core.variables import ArrayVariable, DynamicArrayVariable, VariableView
from brian2.input.spikegeneratorgroup import SpikeGeneratorGroup
from brian2.input.timedarray import TimedArray
from brian2.synapses.synapses import Synapses
from brian2.units import second
from brian2.units.fundamentalunits import Quantity
from brian2.utils.logger import get_logger

from ...frontend.compatibility import local_namespace
from ...frontend.labels import own
from ..run.recordings import RecordingDevice, left_behind
from .run_args import given_values

logger = get_logger("brian2.devices.genn")

#: Hooks of Brian for what a script does between runs, and the functions that do it.
_BETWEEN_RUNS: dict[str, Callable[..., Any]] = {
    "variableview_set_with_index_array": VariableView.set_with_index_array,
    "variableview_set_with_expression": VariableView.set_with_expression,
    "variableview_set_with_expression_conditional": VariableView.set_with_expression_conditional,
    "synapses_connect": Synapses.connect,
}

#: What belongs to the state of objects and is no variable of theirs.
_ATTRIBUTES = (
    "_neuron_index", "_spike_time", "_spikes_changed", "_previous_dt", "_old_dt", "_connect_called",
)  # fmt: skip

#: What a script may change of an object between runs.
_SETTINGS = ("_active", "_contained_objects", "namespace")


class RepeatingDevice(RecordingDevice, Protocol):
    """What is needed of the device."""

    network_run: Callable[..., None]
    network_restore: Callable[..., None]
    network_store: Callable[..., None]
    seed: Callable[..., None]

    arrays: MutableMapping[Any, Any]

    def get_value(self, var: Any, access_data: bool = True) -> Any: ...
    def get_random_state(self) -> dict[str, Any]: ...
    def set_random_state(self, state: dict[str, Any]) -> None: ...


def _strong(thing: Any) -> Any:
    """What a weak proxy stands for."""
    return thing.__repr__.__self__


def _copied(value: Any) -> Any:
    """A copy of what a script may change after it has handed it over."""
    return value.copy() if isinstance(value, np.ndarray | dict | list) else value


class _Composition:
    """What a network is made of, and the settings of its objects, to put them back.

    Parameters
    ----------
    net : Network
    objects : set of BrianObject
        All objects whose settings matter.
    """

    def __init__(self, net: Any, objects: set[Any]) -> None:
        self.net = net
        self._own = set(net.objects), net._id, net._schedule
        self._settings = [
            (obj, {name: _copied(vars(obj)[name]) for name in _SETTINGS if name in vars(obj)})
            for obj in objects
        ]

    def put_back(self) -> None:
        """Make the network what it was."""
        objects, self.net._id, self.net._schedule = self._own
        self.net.objects = set(objects)
        for obj, settings in self._settings:
            for name, setting in settings.items():
                vars(obj)[name] = _copied(setting)


class _Run:
    """One call of ``run``: the network as it was then, and the arguments."""

    def __init__(self, net: Any, arguments: dict[str, Any], known: dict[int, Any]) -> None:
        self.net = net
        self.objects = _get_all_objects(net.objects)
        self.clocks = {obj.clock for obj in self.objects}
        #: the network's time, if the script has set it
        self.time: float | None = None
        self._arguments = arguments
        self._composition = _Composition(net, self.objects)
        self._dts = [(clock, clock.dt_) for clock in self.clocks if "dt" in clock.variables]
        # Brian has no hook for new spikes of a generator
        self._spikes = [
            (obj, obj._neuron_index, obj._spike_time, obj.period[:])
            for obj in self.objects
            if isinstance(obj, SpikeGeneratorGroup)
            and known.setdefault(id(obj), obj._spike_time) is not obj._spike_time
        ]
        known.update((id(obj), times) for obj, _, times, _ in self._spikes)

    def again(self, run: Callable[..., None]) -> None:
        """Run again, with the network as it was."""
        self._composition.put_back()
        if self.time is not None:
            self.net.t_ = self.time
        for clock, dt in self._dts:
            if clock.dt_ != dt:
                clock.dt_ = dt
        for obj, indices, times, period in self._spikes:
            obj.set_spikes(indices, Quantity(times, dim=second.dim), period=period, sorted=True)
        run(self.net, **self._arguments)


class RecordedScript:
    """The runs of a script, what happened between them, and the state at the first.

    Parameters
    ----------
    device : RepeatingDevice
        Hooks are put into it while something is recorded.
    """

    def __init__(self, device: RepeatingDevice) -> None:
        self._device = device
        self._run, self._seed = device.network_run, device.seed
        self._between = {
            **{name: function.original_function for name, function in _BETWEEN_RUNS.items()},  # type: ignore[attr-defined]
            "network_store": device.network_store,
            "network_restore": device.network_restore,
        }
        self._busy = False
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._steps: list[Callable[[], None]] = []
        self._runs: list[_Run] = []
        self._started = False
        self._closed = False
        self._again = False
        #: by identity: objects, and their attributes and queue when they were first used
        self._objects: dict[int, tuple[Any, dict[str, Any], Any]] = {}
        #: by identity: variables, and their size and values then
        self._variables: dict[int, tuple[ArrayVariable, Any, np.ndarray]] = {}
        self._nets: dict[int, tuple[Any, float]] = {}
        self._times: dict[int, float] = {}
        self._spikes: dict[int, Any] = {}
        self._namespaces: list[Mapping[str, Any]] = []
        self._random: dict[str, Any] = {}
        self._hook("network_run", self._network_run)

    def _hook(self, name: str, function: Callable[..., Any]) -> None:
        # Brian asks the active device for a method of this name
        vars(self._device)[name] = function

    # -- recording -------------------------------------------------------------
    def start(self) -> None:
        """Record from here on: what follows is repeated, what has been is the state to go back to.

        Raises
        ------
        RuntimeError
            If recording has begun already.
        """
        if self._started:
            raise RuntimeError("The 'apply_run_args()' function can only be called once.")
        self._started = True
        self._random = self._device.get_random_state()
        _watch_forks()
        for name in self._between:
            self._hook(name, self._recorder_of(name))
        self._hook("seed", self._record_seed)

    def close(self) -> None:
        """Record no more; what has been recorded can be repeated."""
        if self._runs:
            self._closed = True
            for name in (*self._between, "seed"):
                vars(self._device).pop(name, None)

    def forget(self) -> None:
        """Let go of everything."""
        for name in (*self._between, "seed", "network_run"):
            vars(self._device).pop(name, None)

    def begin_anew_at_next_run(self) -> None:
        """Let a script that has been built be followed by another one."""
        self._again = self._closed

    def _network_run(
        self,
        net: Any,
        duration: Any,
        report: Any = None,
        report_period: Any = 10 * second,
        namespace: Any = None,
        profile: bool | None = None,
        level: int = 0,
    ) -> None:
        if namespace is None:
            namespace = local_namespace(level + 2)
        arguments = {
            "duration": duration,
            "report": report,
            "report_period": report_period,
            "namespace": dict(namespace),
            "profile": profile,
        }
        if self._again:
            self._begin_anew()
        if self._busy or self._closed:
            if not self._busy:
                logger.info(
                    "This run comes after device.build() or device.run(), so that device.run() does"
                    " not repeat it.",
                    "run_not_recorded",
                    once=True,
                )
            self._run(net, **arguments)
            return
        if not self._started:
            self.start()
        run = _Run(net, arguments, self._spikes)
        for obj in (*run.objects, *run.clocks):
            self._touch(obj)
        self._nets.setdefault(id(net), (net, net.t_))
        if self._times.get(id(net), net.t_) != net.t_:
            run.time = net.t_
        with self._at_work():
            self._run(net, **arguments)
        self._times[id(net)] = net.t_
        self._namespaces.append(arguments["namespace"])
        self._runs.append(run)
        self._steps.append(lambda: run.again(self._run))

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """While something runs, what its objects do is its own business."""
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before

    def _touch(self, obj: Any) -> None:
        """Keep the state of an object, and of all that it knows, before it is used first.

        Brian's own ``store`` would do, but that Brian 2.9 leaves out delays, and that what an
        object refers to may belong to one outside of the network.
        """
        if id(obj) in self._objects:
            return
        attributes = {name: vars(obj)[name] for name in _ATTRIBUTES if name in vars(obj)}
        queue = vars(obj).get("queue")
        self._objects[id(obj)] = obj, attributes, None if queue is None else queue._full_state()
        if "_spike_time" in attributes:
            self._spikes.setdefault(id(obj), attributes["_spike_time"])
        for variable in (own(obj, "variables") or {}).values():
            self._touch_variable(variable)
        for contained in own(obj, "contained_objects") or ():
            self._touch(contained)

    def _touch_variable(self, variable: Any) -> None:
        if isinstance(variable, ArrayVariable) and id(variable) not in self._variables:
            values = np.array(self._device.get_value(variable))
            self._variables[id(variable)] = variable, variable.size, values

    def _recorder_of(self, name: str) -> Callable[..., Any]:
        function = self._between[name]

        def record(hooked: Any, *args: Any, **kwargs: Any) -> Any:
            if self._busy:
                return function(hooked, *args, **kwargs)
            hooked = self._held(hooked)
            args = tuple(_copied(arg) for arg in args)
            kwargs = {key: _copied(value) for key, value in kwargs.items()}
            with self._at_work():
                result = function(hooked, *args, **kwargs)
            if isinstance(hooked, Network):
                objects = set(hooked.objects)
                self._steps.append(
                    lambda: self._network_step(hooked, objects, function, kwargs, args)
                )
            else:
                self._steps.append(lambda: function(hooked, *args, **kwargs))
            return result

        return record

    def _network_step(
        self,
        net: Any,
        objects: set[Any],
        function: Callable[..., Any],
        kwargs: dict[str, Any],
        args: tuple[Any, ...],
    ) -> None:
        net.objects = set(objects)  # the magic network has objects only while it is at work
        function(net, *args, **kwargs)

    def _held(self, hooked: Any) -> Any:
        """What a recorded call is for, kept alive, and its state from before."""
        if isinstance(hooked, VariableView):
            hooked = copy(hooked)
            self._touch_variable(hooked.variable)
            with suppress(ReferenceError):  # it is needed for texts only
                hooked.group = _strong(hooked.group)
                self._touch(hooked.group)
        elif isinstance(hooked, Network):
            for obj in _get_all_objects(hooked.objects):
                self._touch(obj)
                self._touch(obj.clock)
            self._nets.setdefault(id(hooked), (hooked, hooked.t_))
        else:
            self._touch(hooked)
        return hooked

    def _record_seed(self, seed: int | None = None) -> None:
        self._seed(seed)
        if not self._busy:
            self._steps.append(lambda: self._seed(seed))

    # -- repeating -------------------------------------------------------------
    def repeat(self, run_args: Any = None, directory: str | None = None) -> None:
        """Do everything again.

        Parameters
        ----------
        run_args : mapping or list of str, optional
            Values to begin with; see `given_values`.
        directory : str, optional
            Where files with values are looked for first.

        Raises
        ------
        RuntimeError
            If nothing has been run, or a network runs now.
        TypeError, ValueError, DimensionMismatchError
            If values do not fit; nothing has been changed then.
        """
        if self._busy or Network._globally_running:
            raise RuntimeError("device.run() cannot be called while a network runs.")
        if not self._runs:
            raise RuntimeError(
                "device.run() has nothing to repeat: call run(), or the run() of a network, first."
            )
        self.close()
        objects = [obj for obj, _, _ in self._objects.values() if own(obj, "variables")]
        values = given_values(run_args or {}, objects, self._timed_arrays(objects), directory)
        in_runs = {obj for run in self._runs for obj in run.objects}
        after = [_Composition(net, in_runs) for net, _ in self._nets.values()]
        with self._at_work():
            try:
                self._go_back()
                for value in values:
                    value.give()
                for step in self._steps:
                    step()
            finally:
                for value in values:
                    value.take_back()
                for composition in after:
                    composition.put_back()

    def _go_back(self) -> None:
        """Put everything back to what it was at the beginning."""
        for net, time in self._nets.values():
            net.t_ = time
        with left_behind(self._device, [obj for obj, _, _ in self._objects.values()]):
            for variable, size, values in self._variables.values():
                self._renew(variable)
                if isinstance(variable, DynamicArrayVariable):
                    variable.resize(size)
                variable.set_value(values)
        for obj, attributes, queue in self._objects.values():
            vars(obj).update(attributes)
            if queue is not None:
                obj.queue._restore_from_full_state(queue)
        if self._random["genn_streams"][0] is not None:  # the script has seeded them
            self._device.set_random_state(self._random)
        else:
            _part_from_parent()

    def _renew(self, variable: ArrayVariable) -> None:
        """Give a variable other memory: arrays that a script has of it keep their values.

        A loop over values collects results, such as ``group.v[:]``, and those of one repetition
        are not to become those of the next.
        """
        self._device.get_value(variable)  # nobody has values elsewhere
        array = self._device.arrays[variable]
        if isinstance(variable, DynamicArrayVariable):
            array.shrink(0 if variable.ndim == 1 else (0, *array.data.shape[1:]))
        else:
            self._device.arrays[variable] = np.empty_like(array)

    def _timed_arrays(self, objects: list[Any]) -> list[TimedArray]:
        """All that the runs may have used, as far as names lead to them."""
        namespaces = [*self._namespaces, *(own(obj, "namespace") for obj in objects)]
        found = {
            id(value): value
            for namespace in namespaces
            for value in (namespace or {}).values()
            if isinstance(value, TimedArray)
        }
        return list(found.values())


# -- random numbers in forked processes -----------------------------------------
#: NumPy's generator as this process has inherited it; None if it has not, or has parted from it.
_inherited: Any = None
_watching = False


def _watch_forks() -> None:
    global _watching
    if not _watching and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_remember_inherited)
    _watching = True


def _remember_inherited() -> None:
    global _inherited
    _inherited = np.random.get_state()


def _part_from_parent() -> None:
    """Have random numbers of one's own in a forked process, unless it has seen to that itself.

    Several workers would otherwise repeat a script with the same ones.
    """
    global _inherited
    if _inherited is None:
        return
    same = all(np.array_equal(a, b) for a, b in zip(_inherited, np.random.get_state(), strict=True))
    _inherited = None
    if same:
        np.random.seed()
