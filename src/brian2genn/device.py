"""The ``genn`` device: what Brian calls."""

from __future__ import annotations

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
from brian2.core.variables import ArrayVariable, DynamicArrayVariable
from brian2.devices.device import RuntimeDevice, all_devices
from brian2.groups.group import Group
from brian2.units import check_units, second
from brian2.units.fundamentalunits import Quantity
from brian2.utils.logger import get_logger

from .backends import choice
from .backends.cpu import toolchain
from .backends.cpu.structures import support
from .backends.cuda.driver import CudaLost
from .backends.interface import Backend, Program
from .backends.refusal import RefusedNetwork
from .frontend.compatibility import local_namespace, wants_garbage_collection
from .frontend.functions import GennTarget
from .frontend.network import BY_BRIAN, Placement, Translation, refuse, translate
from .frontend.recorded import LOOP_TEMPLATES, SETUP_TEMPLATES, RecordedCode
from .model.network import Network as Model
from .model.network import describe, verify
from .preferences import check_threads
from .runtime.arrays import LastingArrays, renew_arrays
from .runtime.chosen import ChosenBackend, exchange_queues
from .runtime.codeobject import LoopCodeObject
from .runtime.explain import Explanation, SetupLog
from .runtime.garbage import GarbageCollection
from .runtime.legacy import LegacyInterface
from .runtime.loop import (
    Report,
    TimeLoop,
    check_for_invalid_states,
    clock_states,
    running,
    store_profile,
)
from .runtime.recordings import Recording, Turns, close_all, columns_of
from .runtime.reuse import keeping_code
from .runtime.setup import SetupCodeObject, read_subexpression

logger = get_logger("brian2.devices.genn")

#: Why Brian does all the work.
NO_COMPILER = "there is no C compiler"


class GennDevice(LegacyInterface, LastingArrays, RuntimeDevice):
    """Compiles the time loop of a network; everything else is Brian's runtime.

    Values can be read and written at any time, as in Brian's runtime mode. A GPU
    has copies of the NumPy arrays, which are brought up to date when one side
    needs what the other has changed.
    """

    def __init__(self) -> None:
        super().__init__()
        # Brian's Cython code (GSL integrators) finds these by the runtime device
        runtime = all_devices["runtime"]
        for name in ("rand_buffer", "randn_buffer", "rand_buffer_index", "randn_buffer_index"):
            setattr(self, name, getattr(runtime, name))
        self._random_key: int | None = None
        self._random_step = 0
        self._setup_draws = 0
        # by the identity of a variable
        self._recordings: WeakValueDictionary[int, Recording] = WeakValueDictionary()
        self._bound: set[int] = set()
        self._arrays_moved = False
        self._placed: dict[str, tuple[list[Placement], list[Any]]] = {}
        self._notes: dict[str, list[str]] = {}
        self._setup_log = SetupLog()
        self._last_network = ""
        self._garbage = GarbageCollection()
        #: what is wrong with the C compiler; empty if nothing is
        self._no_c_compiler: str | None = None
        self._chosen = ChosenBackend(self._choose, self._hand_over_all)

    # -- where do networks run? ------------------------------------------------
    def activate(self, build_on_run: bool = True, **kwargs: Any) -> None:
        """Called by ``set_device``; see the README for the arguments."""
        check_threads(kwargs.get("threads"))
        super().activate(build_on_run=build_on_run, **kwargs)
        self._chosen.forget()
        if "backend" in kwargs:
            self.backend  # noqa: B018  (an error must come here, not at the first run)

    @property
    def backend(self) -> Backend:
        """What compiles and runs networks; chosen when first needed.

        Raises
        ------
        ValueError, CudaUnavailable
            If the script asks for a backend that cannot be had.
        """
        return self._chosen.get()

    def _choose(self) -> choice.Choice:
        return choice.choose(
            self.build_options.get("backend"),
            super().get_value,
            deterministic=bool(self.build_options.get("deterministic", False)),
            genn_backend=self.build_options.get("genn_backend"),
            genn_preferences=self.build_options.get("genn_preferences"),
            threads=self._threads,
        )

    def _hand_over_all(self) -> None:
        for recording in set(self._recordings.values()):
            recording.hand_over()

    def _threads(self) -> int | None:
        """How many threads the script allows the processor; None for as many as it has cores."""
        asked = self.build_options.get("threads")
        return prefs["devices.genn.cpu_threads"] if asked is None else asked

    @property
    def compiles(self) -> bool:
        """Whether networks can be compiled; says so once if they cannot."""
        if self.backend.name == "cuda" or self.has_c_compiler:
            return True
        logger.warn(
            f"{self._no_c_compiler} Until then, Brian's NumPy runtime does all the work: correct,"
            " but slow.",
            "no_compiler",
            once=True,
        )
        return False

    @property
    def has_c_compiler(self) -> bool:
        """Whether there is a C compiler; set-up code needs one with every backend."""
        if self._no_c_compiler is None:
            try:
                support()
                self._no_c_compiler = ""
            except (toolchain.ToolchainError, toolchain.CompileError) as error:
                self._no_c_compiler = str(error)
        return not self._no_c_compiler

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
        self._before_access(var)
        return super().get_value(var, access_data)

    def _before_access(self, var: Any) -> None:
        self._chosen.before_access(var)

    def set_value(self, var: Any, value: Any) -> None:
        self._before_access(var)
        super().set_value(var, value)

    def init_with_zeros(self, var: Any, dtype: Any) -> None:
        self._before_access(var)
        super().init_with_zeros(var, dtype)

    def init_with_arange(self, var: Any, start: int, dtype: Any) -> None:
        self._before_access(var)
        super().init_with_arange(var, start, dtype)

    def resize(self, var: Any, new_size: Any) -> None:
        self._arrays_moved = self._arrays_moved or id(var) in self._bound
        self._before_access(var)
        super().resize(var, new_size)

    def resize_along_first(self, var: Any, new_size: Any) -> None:
        self._arrays_moved = self._arrays_moved or id(var) in self._bound
        self._before_access(var)
        super().resize_along_first(var, new_size)

    def spike_queue(self, source_start: int, source_end: int) -> Any:
        """A queue that compiled code and Brian's objects can both use."""
        if self.compiles:
            return self.backend.queue(source_start, source_end)
        return super().spike_queue(source_start, source_end)

    # -- random numbers ------------------------------------------------------
    def seed(self, seed: int | None = None) -> None:
        """Seed the streams of random numbers, and NumPy's generator for what Brian runs."""
        super().seed(seed)
        self._random_step = 0
        self._setup_draws = 0
        self._random_key = None
        if seed is not None:
            digest = hashlib.sha256(str(int(seed)).encode()).digest()
            self._random_key = int.from_bytes(digest[:8], "little")

    def _key(self) -> int:
        """The key of a run: the seed's, or one from NumPy's generator.

        Without a seed, each run that draws takes one, so that NumPy's own seed has its effect, as
        it has in Brian (forked processes seed NumPy to be different, for example).
        """
        if self._random_key is not None:
            return self._random_key
        high, low = np.random.randint(0, 2**32, size=2, dtype=np.uint64)
        return int(high) << 32 | int(low)

    def _setup_key(self) -> int:
        """A key for each piece of set-up code that draws random numbers."""
        self._setup_draws += 1
        words = f"{self._key()} set-up {self._setup_draws}"
        return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "little")

    def get_random_state(self) -> dict[str, Any]:
        state: dict[str, Any] = super().get_random_state()
        state["genn_streams"] = (self._random_key, self._random_step, self._setup_draws)
        return state

    def set_random_state(self, state: dict[str, Any]) -> None:
        super().set_random_state(state)
        if "genn_streams" in state:  # not in what other devices stored
            self._random_key, self._random_step, self._setup_draws = state["genn_streams"]

    # -- code ----------------------------------------------------------------
    def code_object_class(
        self, codeobj_class: Any = None, fallback_pref: str = "codegen.target"
    ) -> Any:
        """Brian's NumPy target for what is not compiled: it needs no compiling itself."""
        if codeobj_class is None:
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
        """Record code: it is compiled with the whole network, or when it is called."""

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

        in_loop, in_setup = template_name in LOOP_TEMPLATES, template_name in SETUP_TEMPLATES
        compilable = codeobj_class in (None, NumpyCodeObject) and (
            self.has_c_compiler if in_setup else self.compiles
        )
        if not (in_loop and compilable) and not in_setup:
            return self._mirrors.attach(brian_version())
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
        if in_setup and not compilable:
            foreign = f"uses Brian's own {getattr(codeobj_class, '__name__', codeobj_class)}"
            self._setup_log.add(recorded, foreign if self.has_c_compiler else NO_COMPILER)
            return self._mirrors.attach(brian_version())
        recorded.analyse(GennTarget)
        if in_setup:
            return SetupCodeObject(
                recorded,
                lambda: brian_version(NumpyCodeObject),
                self._setup_key,
                self._setup_log.add,
                lambda: self.backend.setup(),
            )
        return LoopCodeObject(
            recorded, lambda: brian_version(NumpyCodeObject), lambda: self.backend.only_reading()
        )

    def variableview_get_subexpression_with_index_array(
        self, view: Any, item: Any, run_namespace: Any
    ) -> Any:
        """Read elements of a subexpression."""
        return read_subexpression(view, item, run_namespace)

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
        if not self.compiles:
            Network.run.original_function(
                net, duration, report, report_period, namespace, profile, level
            )
            self._remember(
                net,
                [
                    Placement(obj.name, type(obj).__name__, BY_BRIAN, NO_COMPILER)
                    for obj in net.sorted_objects
                ],
            )
            return
        self.explain_old_preferences()
        if wants_garbage_collection():
            self._garbage.collect_if_useful(net)
        if profile is None:
            profile = bool(self.build_options.get("profile", False))

        all_objects = net.sorted_objects
        net._clocks = {obj.clock for obj in all_objects}
        t_start, t_end = net.t, net.t + duration
        for clock in net._clocks:
            clock.set_interval(net.t, t_end)
        exchange_queues(all_objects, self.backend)
        with keeping_code(all_objects):
            net.before_run(namespace)
        if len(all_objects) == 0:
            return
        active = [obj for obj in all_objects if obj.active]
        translation = self._translate(net, active)
        program = self._program(translation, net, profile)

        progress = Report(report, float(report_period), t_start, duration)
        try:
            loop = self._connect(net, translation, program, profile)
        except RefusedNetwork as refused:
            self._remember(net, refuse(translation.placements, refused.refusals))
            raise
        progress(0.0)
        began = time.time()
        completed = lost = False
        try:
            with running():
                loop.run(
                    progress,
                    self._time_limit(),
                    lambda obj: self._hosts(translation, program, obj),
                )
            completed = not (net._stopped or Network._globally_stopped)
        except CudaLost as error:
            lost = True
            error.add_note(f"It was lost in a run of '{net.name}', which had come to {loop.t:g} s.")
            raise
        finally:
            # also after an error or Ctrl-C: nothing that was computed is lost
            self._random_step = program.random_step
            try:
                if not lost:
                    program.finish()
            finally:
                net.t_ = float(t_end) if completed else loop.t
                self._disconnect(loop)
        ended = time.time()
        self._notes[net.name] += program.notes()
        self._last_run_time = ended - began
        self._last_run_completed_fraction = (
            float((net.t - t_start) / duration) if duration > 0 else 1.0
        )
        with self.backend.only_reading():
            check_for_invalid_states(all_objects, self.backend.valid)
        if report is not None:
            progress(self._last_run_completed_fraction)
        self._garbage.after_run(net, all_objects)
        store_profile(net, loop.profile() if profile else None)

    def _translate(self, net: Any, active: list[Any]) -> Translation:
        translation = translate(active, net._clocks, self.backend.refuse)
        self._remember(net, translation.placements)
        return translation

    def _remember(self, net: Any, placements: list[Placement]) -> None:
        """Keep where the objects of a network run, for `explain`."""
        setup = [self._setup_log.of(obj) for obj in net.sorted_objects if isinstance(obj, Group)]
        self._placed[net.name] = placements, setup
        self._notes[net.name] = [self._chosen.explanation()]
        self._last_network = net.name

    def _program(self, translation: Translation, net: Any, profile: bool) -> Program:
        def make(network: Model) -> Program:
            verify(network)
            try:
                return self.backend.build(network, profile=profile)
            finally:
                if prefs["devices.genn.debug"]:
                    print(describe(network))

        try:
            if prefs["devices.genn.debug"]:  # prints each run
                return make(translation.network)
            return self._chosen.programs[profile].find_or_make(translation.network, make)
        except toolchain.CompileError as error:
            raise toolchain.CompileError(
                "\n".join([str(error), *translation.function_users()])
            ) from error

    def _time_limit(self) -> float | None:
        return None if self._maximum_run_time is None else float(self._maximum_run_time)

    def _connect(
        self, net: Any, translation: Translation, program: Program, profile: bool
    ) -> TimeLoop:
        """Give the program its memory."""
        bindings = translation.bindings
        close_all(set(self._recordings.values()))  # what a run that failed has left
        turns = Turns()
        self._bind_arrays(translation, program)
        program.bind_params(bindings.params)
        states = clock_states(bindings.clocks)
        program.bind_clocks(states)
        program.bind_queues(bindings.queues)
        recorders = program.bind_recorders([columns_of(plan) for plan in bindings.recorders])
        recordings = [
            Recording(plan, recorder, turns)
            for plan, recorder in zip(bindings.recorders, recorders, strict=True)
        ]
        if self._random_key is None:
            self._random_step = 0  # the key is new
        self.backend.seeded = self._random_key is not None
        # as in Brian, what draws nothing leaves NumPy's generator as it is
        needs_key = self._random_key is not None or translation.network.draws()
        program.bind_random(self._key() if needs_key else 0, self._random_step)
        program.prepare(profile)
        for recording in recordings:
            for variable in recording.variables():
                self._recordings[id(variable)] = recording
        return TimeLoop(net, translation, program, recordings, states, profile, turns)

    def _bind_arrays(self, translation: Translation, program: Program) -> None:
        variables = translation.bindings.arrays
        self._bound = {
            id(variable)
            for variable in variables.values()
            if isinstance(variable, DynamicArrayVariable)
        }
        self._arrays_moved = False
        program.bind_arrays(variables)

    @contextmanager
    def _hosts(self, translation: Translation, program: Program, obj: Any) -> Iterator[None]:
        """Let an object that Brian runs see, and change, what the program works with.

        It may move arrays, seed the random numbers, and run another network.
        """
        self._before_host(obj)
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

    def _before_host(self, obj: Any) -> None:
        """Make current what an object uses that Brian runs.

        Brian's code objects hold the arrays themselves; Python code asks for them, or has kept
        them from before.
        """
        self.backend.exchange_kept()
        for code in obj.code_objects:
            if not isinstance(code, LoopCodeObject):
                renew_arrays(code, self.arrays, self.get_array_name)
            elif code.has_brian_version:
                renew_arrays(code.brian_version, self.arrays, self.get_array_name)
            for variable in code.variables.values():
                if isinstance(variable, ArrayVariable):
                    self._before_access(variable)

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

    def seed_for_genn(self) -> int:
        """A seed for a model that is written for GeNN."""
        return self._key() % (2**31 - 1) + 1

    # -- explanations ----------------------------------------------------------
    def explain(self, network: Any = None) -> Explanation:
        """Where the objects of a network ran; see `brian2genn.explain`."""
        name = self._last_network if network is None else network.name
        if name not in self._placed:
            raise ValueError(
                "Nothing to explain yet: run the network first (the device decides at the"
                " beginning of a run)."
            )
        return Explanation(name, *self._placed[name], self._notes[name])
