"""The ``genn`` device: what Brian calls."""

from __future__ import annotations

import gc
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.core.names import find_name
from brian2.core.network import Network
from brian2.core.preferences import prefs
from brian2.core.variables import DynamicArrayVariable
from brian2.devices.device import RuntimeDevice, all_devices
from brian2.units import check_units, second
from brian2.units.fundamentalunits import Quantity
from brian2.utils.logger import get_logger

from .backends.cpu import toolchain
from .backends.cpu.program import CpuProgram
from .backends.cpu.queue import SpikeQueue
from .backends.cpu.structures import support
from .frontend.compatibility import local_namespace, wants_garbage_collection
from .frontend.functions import GennTarget
from .frontend.network import BY_BRIAN, Placement, Translation, translate
from .frontend.recorded import LOOP_TEMPLATES, RecordedCode
from .model.network import describe, verify
from .runtime.codeobject import LoopCodeObject
from .runtime.explain import Explanation
from .runtime.legacy import LegacyInterface
from .runtime.loop import (
    Report,
    TimeLoop,
    check_for_invalid_states,
    clock_states,
    running,
    store_profile,
)
from .runtime.recordings import Recording, Turns, close_all
from .transforms.simplify import simplify
from .transforms.specialise import specialise

logger = get_logger("brian2.devices.genn")


class GennDevice(LegacyInterface, RuntimeDevice):
    """Compiles the time loop of a network; everything else is Brian's runtime.

    Values live in NumPy arrays as in Brian's runtime mode and can be read and
    written at any time.
    """

    def __init__(self) -> None:
        super().__init__()
        # Brian's Cython code (GSL integrators) finds these by the runtime device
        runtime = all_devices["runtime"]
        for name in ("rand_buffer", "randn_buffer", "rand_buffer_index", "randn_buffer_index"):
            setattr(self, name, getattr(runtime, name))
        self._random_key: int | None = None
        self._random_step = 0
        # by the identity of a variable
        self._recordings: WeakValueDictionary[int, Recording] = WeakValueDictionary()
        self._bound: set[int] = set()
        self._arrays_moved = False
        self._explanations: dict[str, Explanation] = {}
        self._last_network = ""
        self._has_compiler: bool | None = None

    # -- can we compile? -----------------------------------------------------
    @property
    def has_compiler(self) -> bool:
        """Whether there is a C compiler; says so once if there is none."""
        if self._has_compiler is None:
            try:
                support()
                self._has_compiler = True
            except (toolchain.ToolchainError, toolchain.CompileError) as error:
                self._has_compiler = False
                logger.warn(
                    f"{error} Until then, Brian's NumPy runtime does all the work: correct,"
                    " but slow.",
                    "no_compiler",
                    once=True,
                )
        return self._has_compiler

    # -- arrays: as in the runtime device, but recorded values are fetched ------
    def get_value(self, var: Any, access_data: bool = True) -> Any:
        recording = self._recordings.get(id(var))
        if recording is not None:
            try:
                recording.hand_over()
            except MemoryError as error:
                if Network._globally_running:
                    raise
                # after a run that failed: what can be had is better than nothing
                logger.warn(str(error), "no_memory")
        return super().get_value(var, access_data)

    def resize(self, var: Any, new_size: Any) -> None:
        self._arrays_moved = self._arrays_moved or id(var) in self._bound
        super().resize(var, new_size)

    def resize_along_first(self, var: Any, new_size: Any) -> None:
        self._arrays_moved = self._arrays_moved or id(var) in self._bound
        super().resize_along_first(var, new_size)

    def spike_queue(self, source_start: int, source_end: int) -> Any:
        """A queue that compiled code and Brian's objects can both use."""
        if self.has_compiler:
            return SpikeQueue(source_start, source_end)
        return super().spike_queue(source_start, source_end)

    # -- random numbers ------------------------------------------------------
    def seed(self, seed: int | None = None) -> None:
        """Seed NumPy's generator (set-up) and the streams of the time loop."""
        super().seed(seed)
        self._random_step = 0
        self._random_key = None
        if seed is not None:
            digest = hashlib.sha256(str(int(seed)).encode()).digest()
            self._random_key = int.from_bytes(digest[:8], "little")

    def _key(self) -> int:
        """The key of a run: the seed's, or one from NumPy's generator.

        Without a seed, each run draws, so that NumPy's own seed has its effect, as it has in Brian
        (forked processes seed NumPy to be different, for example).
        """
        if self._random_key is not None:
            return self._random_key
        high, low = np.random.randint(0, 2**32, size=2, dtype=np.uint64)
        return int(high) << 32 | int(low)

    def get_random_state(self) -> dict[str, Any]:
        state: dict[str, Any] = super().get_random_state()
        state["genn_streams"] = (self._random_key, self._random_step)
        return state

    def set_random_state(self, state: dict[str, Any]) -> None:
        super().set_random_state(state)
        if "genn_streams" in state:  # not in what other devices stored
            self._random_key, self._random_step = state["genn_streams"]

    # -- code ----------------------------------------------------------------
    def code_object_class(
        self, codeobj_class: Any = None, fallback_pref: str = "codegen.target"
    ) -> Any:
        """Brian's NumPy target for what is not compiled: it needs no compiling itself."""
        if codeobj_class is None and fallback_pref == "codegen.target":
            return NumpyCodeObject
        return super().code_object_class(codeobj_class, fallback_pref)

    def code_object(
        self,
        owner: Any,
        name: str,
        abstract_code: Any,
        variables: dict[str, Any],
        template_name: str,
        variable_indices: Any,
        codeobj_class: Any = None,
        template_kwds: dict[str, Any] | None = None,
        override_conditional_write: Any = None,
        compiler_kwds: dict[str, Any] | None = None,
    ) -> Any:
        """Record code of the time loop; let Brian compile code that must act now."""

        def brian_version(codeobj_class: Any = codeobj_class) -> Any:
            return super(GennDevice, self).code_object(
                owner,
                name,
                abstract_code,
                variables,
                template_name,
                variable_indices,
                codeobj_class=codeobj_class,
                template_kwds=template_kwds,
                override_conditional_write=override_conditional_write,
                compiler_kwds=compiler_kwds,
            )

        compilable = codeobj_class in (None, NumpyCodeObject) and template_name in LOOP_TEMPLATES
        if not compilable or not self.has_compiler:
            return brian_version()
        recorded = RecordedCode(
            owner,
            find_name(name),
            abstract_code,
            variables,
            template_name,
            variable_indices,
            dict(template_kwds or {}),
            set(override_conditional_write or ()),
        )
        recorded.analyse(GennTarget)
        return LoopCodeObject(recorded, lambda: brian_version(NumpyCodeObject))

    # -- running ---------------------------------------------------------------
    @check_units(duration=second, report_period=second)
    def network_run(
        self,
        net: Any,
        duration: Quantity,
        report: Any = None,
        report_period: Quantity = 10 * second,
        namespace: Any = None,
        profile: bool | None = None,
        level: int = 0,
    ) -> None:
        """Run a network: ``Network.run``, with the time loop compiled."""
        if namespace is None:
            namespace = local_namespace(level + 3)
        if duration < 0:
            raise ValueError(
                f"Function 'run' expected a non-negative duration but got '{duration}'"
            )
        if not self.has_compiler:
            Network.run.original_function(
                net, duration, report, report_period, namespace, profile, level
            )
            reason = "there is no C compiler"
            self._remember(
                net,
                [
                    Placement(obj.name, type(obj).__name__, BY_BRIAN, reason)
                    for obj in net.sorted_objects
                ],
            )
            return
        self.explain_old_preferences()
        if wants_garbage_collection():
            gc.collect()
        if profile is None:
            profile = bool(self.build_options.get("profile", False))

        all_objects = net.sorted_objects
        net._clocks = {obj.clock for obj in all_objects}
        t_start, t_end = net.t, net.t + duration
        for clock in net._clocks:
            clock.set_interval(net.t, t_end)
        net.before_run(namespace)
        if len(all_objects) == 0:
            return
        active = [obj for obj in all_objects if obj.active]
        translation = self._translate(net, active)
        program = self._program(translation, net)

        began = time.time()
        progress = Report(report, float(report_period), t_start, duration)
        progress(0.0)
        loop = self._connect(net, translation, program, profile)
        completed = False
        try:
            with running():
                loop.run(progress, self._time_limit(), lambda: self._hosts(translation, program))
            completed = not (net._stopped or Network._globally_stopped)
        finally:
            # also after an error or Ctrl-C: nothing that was computed is lost
            self._random_step = program.random_step
            net.t_ = float(t_end) if completed else loop.t
            self._disconnect(loop)
        ended = time.time()
        self._last_run_time = ended - began
        self._last_run_completed_fraction = (
            float((net.t - t_start) / duration) if duration > 0 else 1.0
        )
        check_for_invalid_states(all_objects)
        if report is not None:
            progress(self._last_run_completed_fraction)
        net.after_run()
        store_profile(net, loop.profile() if profile else None)

    def _translate(self, net: Any, active: list[Any]) -> Translation:
        translation = translate(active, net._clocks)
        self._remember(net, translation.placements)
        return translation

    def _remember(self, net: Any, placements: list[Placement]) -> None:
        """Keep where the objects of a network run, for `explain`."""
        self._explanations[net.name] = Explanation(net.name, placements)
        self._last_network = net.name

    def _program(self, translation: Translation, net: Any) -> CpuProgram:
        verify(translation.network)
        specialise(translation.network)
        simplify(translation.network)
        if prefs["devices.genn.debug"]:
            print(describe(translation.network))
        try:
            return CpuProgram(translation.network)
        except toolchain.CompileError as error:
            raise toolchain.CompileError(
                "\n".join([str(error), *translation.function_users()])
            ) from error

    def _time_limit(self) -> float | None:
        return None if self._maximum_run_time is None else float(self._maximum_run_time)

    def _connect(
        self, net: Any, translation: Translation, program: CpuProgram, profile: bool
    ) -> TimeLoop:
        """Give the program its memory."""
        bindings = translation.bindings
        close_all(set(self._recordings.values()))  # what a run that failed has left
        turns = Turns()
        recordings = [Recording(plan, turns) for plan in bindings.recorders]
        self._bind_arrays(translation, program)
        program.bind_params(bindings.params)
        states = clock_states(bindings.clocks)
        program.bind_clocks(states)
        program.bind_handles(
            [queue.handle for queue in bindings.queues],
            [recording.recorder.handle for recording in recordings],
        )
        if self._random_key is None:
            self._random_step = 0  # the key is new
        program.bind_random(self._key(), self._random_step)
        program.prepare(profile)
        for recording in recordings:
            for variable in recording.variables():
                self._recordings[id(variable)] = recording
        return TimeLoop(net, translation, program, recordings, states, profile, turns)

    def _bind_arrays(self, translation: Translation, program: CpuProgram) -> None:
        variables = translation.bindings.arrays
        self._bound = {
            id(variable)
            for variable in variables.values()
            if isinstance(variable, DynamicArrayVariable)
        }
        self._arrays_moved = False
        program.bind_arrays(
            {
                name: variable if isinstance(variable, np.ndarray) else variable.get_value()
                for name, variable in variables.items()
            }
        )

    @contextmanager
    def _hosts(self, translation: Translation, program: CpuProgram) -> Iterator[None]:
        """Let an object that Brian runs see, and change, what the program works with.

        It may move arrays, seed the random numbers, and run another network.
        """
        bound = self._bound
        self._random_step = program.random_step + 1  # this step's own number is in use
        random = self._random_key, self._random_step
        try:
            yield
        finally:
            if random != (self._random_key, self._random_step):
                key = program.random_key if self._random_key is None else self._random_key
                program.bind_random(key, self._random_step)
        if self._bound is not bound:  # there was another run, which had arrays of its own
            self._bound, self._arrays_moved = bound, True
        if self._arrays_moved:
            self._bind_arrays(translation, program)

    def _disconnect(self, loop: TimeLoop) -> None:
        self._bound = set()
        close_all(loop.recordings)
        for recording in loop.recordings:
            for variable in recording.variables():
                self._recordings.pop(id(variable), None)

    def network_restore(
        self,
        net: Any,
        name: str = "default",
        filename: str | None = None,
        restore_random_state: bool = False,
    ) -> None:
        """Restore a network: ``Network.restore``; rows that wait are of the state that is left."""
        aside, self._recordings = self._recordings, WeakValueDictionary()
        try:
            Network.restore.original_function(net, name, filename, restore_random_state)
            restored = {id(obj) for obj in net.sorted_objects}
            for recording in set(aside.values()):
                if id(recording.plan.monitor) in restored:
                    recording.recorder.clear()
        finally:
            self._recordings = aside

    # -- explanations ----------------------------------------------------------
    def explain(self, network: Any = None) -> Explanation:
        """Where the objects of a network ran; see `brian2genn.explain`."""
        name = self._last_network if network is None else network.name
        if name not in self._explanations:
            raise ValueError(
                "Nothing to explain yet: run the network first (the device decides at the"
                " beginning of a run)."
            )
        return self._explanations[name]
