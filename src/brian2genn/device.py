"""The ``genn`` device: what Brian calls."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

import brian2
import numpy as np
from brian2.codegen.runtime.cython_rt import CythonCodeObject
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.core import names as brian_names
from brian2.core.network import Network
from brian2.core.preferences import prefs
from brian2.core.variables import ArrayVariable
from brian2.devices.device import RuntimeDevice, all_devices, get_device
from brian2.groups.group import Group
from brian2.units import check_units, second
from brian2.units.fundamentalunits import Quantity
from brian2.utils.logger import get_logger

from .backends import choice
from .backends import progress as progress_lines
from .backends.cache import texts, tidying
from .backends.cache.templates import KeptTemplates
from .backends.cuda.device.driver import CudaLost
from .backends.host import interpreter, toolchain
from .backends.host.structures import support
from .backends.interface import Backend, Bound, Program
from .backends.refusal import RefusedNetwork
from .codegen.templating import environment
from .frontend import brian_costs
from .frontend.compatibility import local_namespace, wants_garbage_collection
from .frontend.cython_target import cython_version
from .frontend.functions import GennTarget
from .frontend.network import Placement, Translation, left_to_brian, refuse, translate
from .frontend.recorded import LOOP_TEMPLATES, SETUP_TEMPLATES, RecordedCode, check_groups
from .model.mishap import Mishap
from .model.network import Network as Model
from .model.verify import verify
from .preferences import cache_size, shows_progress
from .runtime.activation.ahead import Ahead
from .runtime.activation.chosen import ChosenBackend, exchange_queues
from .runtime.activation.legacy import LegacyInterface
from .runtime.checks.bounds import changing_indices
from .runtime.checks.pathways import check_pathways, never_early
from .runtime.code.codeobject import LoopCodeObject
from .runtime.code.depth import as_deep_as_needed, is_deep
from .runtime.code.setup import SetupCodeObject, append_synapses, read_subexpression
from .runtime.memory.arrays import LastingArrays, renew_arrays
from .runtime.messages.explain import Explanation, Explanations, SetupLog, SetupPlacement
from .runtime.messages.mishaps import EVERYTHING, hand_over
from .runtime.messages.nearest import nearest_names
from .runtime.messages.strangers import explain_strangers
from .runtime.reuse.code import keeping_code
from .runtime.reuse.prepared import Prepared, PreparedNetworks
from .runtime.reuse.programs import KnownPrograms, Numbers, steps_of
from .runtime.reuse.unchanged import set_interval
from .runtime.run.garbage import GarbageCollection
from .runtime.run.loop import (
    Report,
    TimeLoop,
    check_for_invalid_states,
    clock_states,
    running,
    store_profile,
)
from .runtime.run.recordings import Recording, Turns, close_all, left_behind
from .runtime.run.states import make_room_for_delays, with_delays
from .runtime.run.times import Preparation, Times
from .transforms.pipeline import shown
from .transforms.settle import settle

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
        self._explain_strangers()
        self._random_key: int | None = None
        self._random_step = 0
        self._setup_draws = 0
        # by the identity of a variable
        self._recordings: WeakValueDictionary[int, Recording] = WeakValueDictionary()
        self._bound: set[int] = set()
        self._watched: set[int] = set()
        self._arrays_moved = False
        self._explanations = Explanations()
        self._setup_log = SetupLog()
        self._garbage = GarbageCollection()
        self._prepared = PreparedNetworks()
        self._ahead = Ahead()
        #: of the last run
        self._times = Times()
        #: what is wrong with the C compiler; empty if nothing is
        self._no_c_compiler: str | None = None
        self._chosen = ChosenBackend(self._choose, self._hand_over_all)
        tidying.set_limit(cache_size)
        progress_lines.set_wanted(shows_progress)
        brian_costs.install(
            brian_costs.Context(lambda: get_device() is self, texts.text, self._add_synapses)
        )
        environment.bytecode_cache = KeptTemplates("ours")
        NumpyCodeObject.templater.env.bytecode_cache = KeptTemplates(brian2.__version__)

    # -- where do networks run? ------------------------------------------------
    def _explain_strangers(self) -> None:
        """Here and in Brian's runtime, which scripts use beside this device."""
        explain_strangers(self, "genn")
        explain_strangers(all_devices["runtime"], "runtime")

    def _activated(self, at_once: bool) -> None:
        self._explain_strangers()
        self._chosen.forget()
        self._ahead.begin(support, interpreter.prepare)
        if at_once:
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
        limit = prefs["devices.genn.cpu_threads"] if asked is None else asked
        return None if limit is None else int(limit)

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
                passed_over = toolchain.find().passed_over
                if passed_over:
                    logger.warn(
                        f"The compiler that the environment asks for (CC) does not work:"
                        f" {passed_over}. Instead, {' '.join(toolchain.find().c)} is used.",
                        "passed_over",
                        once=True,
                    )
            except (toolchain.ToolchainError, toolchain.CompileError) as error:
                self._no_c_compiler = str(error)
        return not self._no_c_compiler

    # -- arrays: as in the runtime device, but recorded values are fetched ------
    def get_value(self, var: Any, access_data: bool = True) -> Any:
        recording = self._recordings.get(id(var))
        if recording is not None:
            try:
                with self._times.fetch():
                    recording.hand_over()
            except MemoryError as error:
                if Network._globally_running:
                    raise
                # after a run that failed: what can be had is better than nothing
                logger.warn(str(error), "no_memory")
        self._before_access(var)
        self._arrays_moved = self._arrays_moved or id(var) in self._watched
        return super().get_value(var, access_data)

    def _before_access(self, var: Any) -> None:
        self._chosen.before_access(var)

    def _before_change(self, var: Any) -> None:
        """Before somebody gives a variable other values, or another size."""
        recording = self._recordings.get(id(var))
        if recording is not None:
            recording.make_way()
        self._before_access(var)

    def set_value(self, var: Any, value: Any) -> None:
        self._before_change(var)
        self._arrays_moved = self._arrays_moved or id(var) in self._watched
        super().set_value(var, value)

    def init_with_zeros(self, var: Any, dtype: Any) -> None:
        self._before_access(var)
        super().init_with_zeros(var, dtype)

    def init_with_arange(self, var: Any, start: int, dtype: Any) -> None:
        self._before_access(var)
        super().init_with_arange(var, start, dtype)

    def resize(self, var: Any, new_size: Any) -> None:
        self._arrays_moved = self._arrays_moved or id(var) in self._bound
        self._before_change(var)
        super().resize(var, new_size)

    def resize_along_first(self, var: Any, new_size: Any) -> None:
        self._arrays_moved = self._arrays_moved or id(var) in self._bound
        self._before_change(var)
        super().resize_along_first(var, new_size)

    def spike_queue(self, source_start: int, source_end: int) -> Any:
        """A queue that compiled code and Brian's objects can both use."""
        if self.compiles:
            return self.backend.queue(source_start, source_end)
        queue = super().spike_queue(source_start, source_end)
        return never_early(queue.__class__)(source_start, source_end)

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

        def brian_version(codeobj_class: Any, compiler_kwds: Any = compiler_kwds) -> Any:
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

        def by_brian() -> Any:
            """What executes the code where this device does not."""
            if cython is None:
                return self._mirrors.attach(
                    brian_version(NumpyCodeObject if free else codeobj_class)
                )
            variables.update(cython.variables)
            return self._mirrors.attach(brian_version(CythonCodeObject, cython.compiler_kwds))

        check_groups(owner, variables, variable_indices)
        in_loop, in_setup = template_name in LOOP_TEMPLATES, template_name in SETUP_TEMPLATES
        free = codeobj_class in (None, NumpyCodeObject)
        # strings are evaluated by NumPy's target in Brian, too
        may_be_cython = free and (in_loop or template_name == "synapses_create_generator")
        cython = (
            cython_version(owner, template_name, variables, GennTarget) if may_be_cython else None
        )
        compilable = free and (self.has_c_compiler if in_setup else self.compiles)
        if not (in_loop and compilable) and not in_setup:
            return by_brian()
        recorded = RecordedCode(
            owner,
            # nobody is told the name of set-up code but by an error
            name.removesuffix("*") if in_setup else brian_names.find_name(name),
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
            return by_brian()
        recorded.analyse(GennTarget)
        if in_setup:
            return SetupCodeObject(
                recorded,
                by_brian,
                self._setup_key,
                self._setup_log.add,
                lambda: self.backend.setup(),
            )
        return LoopCodeObject(
            recorded, by_brian, lambda: self.backend.only_reading(), self._before_loop_code
        )

    def _add_synapses(self, synapses: Any, pre: np.ndarray, post: np.ndarray) -> bool:
        """Make synapses between neurons, by their numbers; says whether it has."""
        if not self.has_c_compiler or self.backend.setup() is not None:
            return False
        append_synapses(synapses, pre, post)
        self._setup_log.count(synapses, "synapses_create_array")
        return True

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
        if not 0 <= float(duration) < np.inf:  # Brian lets NaN and infinity pass, and time is lost
            raise ValueError(
                f"Function 'run' expected a non-negative duration but got '{duration}'"
            )
        preparation = Preparation()
        known = self._prepared.find(net)
        unchanged = known is not None and known.nothing_has_changed(net, namespace, self.backend)
        all_objects = known.objects if known and unchanged else net.sorted_objects
        with self.backend.only_reading():
            check_pathways(all_objects)
        if not self.compiles:
            all_objects = list(all_objects)  # Brian's magic network forgets them after the run
            Network.run.original_function(
                net, duration, report, report_period, namespace, profile, level
            )
            setup = self._setup_of(all_objects)
            self._remember(net, left_to_brian(all_objects, NO_COMPILER), setup)
            self._explanations.add(net, [str(self._no_c_compiler)])
            return
        self.explain_old_preferences()
        if wants_garbage_collection():
            self._garbage.collect_if_useful(net)
        if profile is None:
            profile = bool(self.build_options.get("profile", False))

        net._clocks = {obj.clock for obj in all_objects}
        t_start, t_end = net.t, net.t + duration
        for clock in net._clocks:
            set_interval(clock, net.t, t_end)
        exchange_queues(all_objects, self.backend)
        if known and known.routine and unchanged:
            known.routine.before_run(net, namespace)
        else:
            with keeping_code(all_objects), nearest_names(all_objects, namespace):
                net.before_run(namespace)
        if len(all_objects) == 0:
            return
        prepared, loop = self._make_ready(net, all_objects, profile, namespace, unchanged)
        program, prepared.busy = prepared.program, True

        progress = Report(report, float(report_period), t_start, duration)
        progress(0.0)
        times = preparation.end()
        began = time.time()
        completed = lost = False
        try:
            with running():
                loop.run(
                    progress,
                    self._time_limit(),
                    lambda obj: self._hosts(prepared, obj),
                    lambda: self._follow(prepared),
                )
            completed = not (net._stopped or Network._globally_stopped)
        except CudaLost as error:
            lost = True
            error.add_note(f"It was lost in a run of '{net.name}', which had come to {loop.t:g} s.")
            raise
        finally:
            # also after an error or Ctrl-C: nothing that was computed is lost
            progress.close()
            self._random_step = program.random_step
            prepared.busy = False
            if not completed:
                self._prepared.forget(net)
            try:
                if not lost:
                    program.finish()
            finally:
                net.t_ = float(t_end) if completed else loop.t
                self._disconnect(loop)
        ended = time.time()
        self._explanations.add(net, [*program.notes(), *loop.host_costs(ended - began)])
        times.loop = self._last_run_time = ended - began
        self._times = times
        self._explanations.tell_times(net, times)
        self._last_run_completed_fraction = (
            float((net.t - t_start) / duration) if duration > 0 else 1.0
        )
        with self.backend.only_reading():
            check_for_invalid_states(all_objects, self.backend.valid)
        if report is not None:
            progress(self._last_run_completed_fraction)
        routine = prepared.routine
        self._garbage.after_run(net, all_objects, routine.after_run if routine else None)
        store_profile(net, loop.profile() if profile else None)

    def _make_ready(
        self,
        net: Any,
        objects: Sequence[Any],
        profile: bool,
        namespace: Mapping[str, Any],
        unchanged: bool,
    ) -> tuple[Prepared, TimeLoop]:
        """What was prepared for the last run, with what has changed since; else a new network.

        Parameters
        ----------
        net : Network
        objects : sequence of BrianObject
            All of the network; they have prepared themselves.
        profile : bool
        namespace : mapping
            The names around the call of ``run``.
        unchanged : bool
            Whether Brian did not have to look at the objects.
        """
        known = self._prepared.find(net)
        if (
            known is None
            or not known.is_for(self.backend, profile)
            or not known.is_of(objects, net._clocks, unchanged)
            or not known.translation.bindings.refresh()
            or not self._fits_numbers(known, net, profile)
        ):
            self._prepared.forget(net)
            return self._compile(net, objects, profile)
        if not unchanged:
            known.look(net, namespace)
        self._remember(net, known.translation.placements, known.setup)
        try:
            return known, self._connect(net, known, profile)
        except BaseException:
            self._prepared.forget(net)
            raise

    def _fits_numbers(self, known: Prepared, net: Any, profile: bool) -> bool:
        """Whether the program that was made for other numbers is the one for these."""
        if known.has_same_numbers():
            return True
        self._program(known.translation, net, profile)
        return not known.is_careful()

    def _compile(
        self, net: Any, objects: Sequence[Any], profile: bool
    ) -> tuple[Prepared, TimeLoop]:
        """A network that is ready to run: what our passes fail for, Brian will run."""
        handed: dict[str, str] = {}
        active = [obj for obj in objects if obj.active]
        while True:
            translation = self._translate(net, active, handed)
            changing = changing_indices(translation)
            if changing.keys() - handed.keys():
                handed |= changing
                continue
            try:
                settle(translation.network, translation.slots, translation.ranks)
                program = self._program(translation, net, profile)
                prepared = Prepared(
                    net, objects, translation, program, self.backend, profile,
                    self._setup_of(objects),
                )  # fmt: skip
                loop = self._connect(net, prepared, profile)
                if not handed and not prefs["devices.genn.debug"] and prepared.may_be_kept(net):
                    self._prepared.keep(net, prepared)
                return prepared, loop
            except RefusedNetwork as refused:
                self._remember(net, refuse(translation.placements, refused.refusals))
                raise
            except Mishap as mishap:
                names = {obj.name for obj in active}
                owner = translation.bindings.names.of(mishap.owner)
                known = owner in names and owner not in handed
                owner = owner if known else EVERYTHING
                if names <= handed.keys():  # it is not the objects
                    raise mishap.error from None
                reason = hand_over(owner, mishap)
                handed |= dict.fromkeys([owner] if known else names - handed.keys(), reason)

    def _translate(self, net: Any, active: list[Any], handed: dict[str, str]) -> Translation:
        def failed(name: str, error: Exception) -> str:
            if isinstance(error, RecursionError) and not is_deep():
                raise error
            return hand_over(name, error)

        translation = as_deep_as_needed(
            lambda: translate(active, net._clocks, self.backend.refuse, failed, handed)
        )
        self._remember(net, translation.placements)
        return translation

    def _remember(
        self,
        net: Any,
        placements: list[Placement],
        setup: Sequence[Counter[SetupPlacement]] | None = None,
    ) -> None:
        """Keep where the objects of a network run, for `explain`."""
        if setup is None:
            setup = self._setup_of(net.sorted_objects)
        self._explanations.keep(net, placements, setup, [self._chosen.explanation()])

    def _setup_of(self, objects: Iterable[Any]) -> list[Counter[SetupPlacement]]:
        """What set-up code of groups was executed; kept up to date."""
        return [self._setup_log.of(obj) for obj in objects if isinstance(obj, Group)]

    def _program(self, translation: Translation, net: Any, profile: bool) -> Program:
        def make(network: Model) -> Program:
            verify(network)
            with shown(prefs["devices.genn.debug"], network):
                return self.backend.build(network, profile=profile)

        try:
            programs = self._chosen.programs[profile]
            if prefs["devices.genn.debug"]:  # each run is shown
                programs = KnownPrograms()
            numbers = Numbers(translation.bindings.params, steps_of(translation.bindings.arrays))
            return programs.find_or_make(translation.network, make, numbers)
        except toolchain.CompileError as error:
            raise error.used_by(translation.function_users()) from None

    def _time_limit(self) -> float | None:
        return None if self._maximum_run_time is None else float(self._maximum_run_time)

    def _connect(self, net: Any, prepared: Prepared, profile: bool) -> TimeLoop:
        """Give the program its memory."""
        translation, bindings = prepared.translation, prepared.translation.bindings
        close_all(set(self._recordings.values()))  # what a run that failed has left
        turns = Turns()
        program = prepared.take_program()
        states = clock_states(bindings.clocks)
        if self._random_key is None:
            self._random_step = 0  # the key is new
        self.backend.seeded = self._random_key is not None
        # as in Brian, what draws nothing leaves NumPy's generator as it is
        needs_key = self._random_key is not None or prepared.draws
        recorders = program.bind(
            Bound(
                arrays=self._arrays_of(prepared),
                params=bindings.params,
                clocks=states,
                queues=bindings.queues,
                columns=prepared.columns,
                key=self._key() if needs_key else 0,
                step=self._random_step,
                names=bindings.names,
            )
        )
        self._arrays_moved = False  # the program has asked for all of them
        recordings = [
            Recording(plan, recorder, turns)
            for plan, recorder in zip(bindings.recorders, recorders, strict=True)
        ]
        for number, clock in prepared.ticking.items():
            recordings[number].expect(states[clock].remaining())
        program.prepare(profile)
        for recording in recordings:
            for variable in recording.variables():
                self._recordings[id(variable)] = recording
        return TimeLoop(net, translation, program, recordings, states, turns)

    def _arrays_of(self, prepared: Prepared) -> Mapping[str, Any]:
        """The arrays of a network, once they are known to fit together; notes which may move."""
        arrays = prepared.check_bounds(super().get_value)
        self._bound = prepared.moving
        # whoever asks for indices during the run may change them
        self._watched = prepared.indices
        return arrays

    def _follow(self, prepared: Prepared) -> None:
        """Bind the arrays again if one has moved: by an object of Brian's, a report, a thread."""
        if self._arrays_moved:
            prepared.program.move(self._arrays_of(prepared))
            self._arrays_moved = False  # the program has asked for all of them

    @contextmanager
    def _hosts(self, prepared: Prepared, obj: Any) -> Iterator[None]:
        """Let an object that Brian runs see, and change, what the program works with.

        It may move arrays, seed the random numbers, and run another network.
        """
        program = prepared.program
        self._before_host(obj)
        bound = self._bound
        self._random_step = program.random_step + 1  # this step's own number is in use
        random = self._random_key, self._random_step
        try:
            yield
        finally:
            if random != (self._random_key, self._random_step):
                key = program.random_key if self._random_key is None else self._random_key
                program.seed(key, self._random_step)
        for code in obj.code_objects:
            if isinstance(code, LoopCodeObject) and any(
                id(code.variables.get(name)) in self._watched for name in code.recorded.writes
            ):
                self._arrays_moved = True  # indices may be others now
        if self._bound is not bound:  # there was another run, which had arrays of its own
            self._bound, self._arrays_moved = bound, True
        self._follow(prepared)

    def _before_host(self, obj: Any) -> None:
        """Make current what an object uses that Brian runs.

        Brian's code objects hold the arrays themselves; Python code asks for them, or has kept
        them from before.
        """
        self.backend.exchange_kept()
        for code in obj.code_objects:
            if not isinstance(code, LoopCodeObject):
                self._before_code(code, code)

    def _before_loop_code(self, code: LoopCodeObject) -> None:
        """Make current what code of ours uses that Brian runs, in its place or by hand."""
        self._before_code(code, code.brian_version)

    def _before_code(self, code: Any, brian_version: Any) -> None:
        for variable in code.variables.values():
            if isinstance(variable, ArrayVariable):
                self._before_change(variable)
        renew_arrays(brian_version, self.arrays, self.get_array_name)

    def _disconnect(self, loop: TimeLoop) -> None:
        self._bound, self._watched = set(), set()
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
        objects = net.sorted_objects
        with left_behind(self, objects), with_delays(objects):
            try:
                Network.restore.original_function(net, name, filename, restore_random_state)
            finally:
                make_room_for_delays(objects)

    def network_store(self, net: Any, name: str = "default", filename: str | None = None) -> None:
        """Store the state of a network: ``Network.store``, with delays on all versions of Brian."""
        with with_delays(net.sorted_objects):
            Network.store.original_function(net, name, filename)

    def seed_for_genn(self) -> int:
        """A seed for a model that is written for GeNN."""
        return self._key() % (2**31 - 1) + 1

    # -- explanations ----------------------------------------------------------
    def explain(self, network: Any = None) -> Explanation:
        """Where the objects of a network ran; see `brian2genn.explain`."""
        return self._explanations.of(network)
