"""The ``genn`` device: what Brian calls."""

from __future__ import annotations

from typing import Any

import brian2
import numpy as np
from brian2.codegen.runtime.numpy_rt import NumpyCodeObject
from brian2.core.network import Network
from brian2.core.preferences import prefs
from brian2.devices.device import all_devices, get_device
from brian2.units import check_units, second
from brian2.units.fundamentalunits import Quantity

from .backends import choice
from .backends import progress as progress_lines
from .backends.cache import texts, tidying
from .backends.cache.templates import KeptTemplates
from .backends.host import interpreter
from .backends.host.structures import support
from .backends.host.threads import threads_for
from .backends.interface import Backend
from .codegen.templating import environment
from .frontend import brian_costs
from .frontend.compatibility import local_namespace
from .frontend.replacement import Context
from .preferences import cache_size, shows_progress
from .runtime.activation.ahead import Ahead
from .runtime.activation.chosen import ChosenBackend
from .runtime.activation.legacy import LegacyInterface
from .runtime.checks.pathways import never_early
from .runtime.code.compilers import Compilers
from .runtime.code.depth import as_deep_as_needed
from .runtime.code.making import CodeMaker, CodeRequest
from .runtime.code.setup import append_synapses, read_subexpression
from .runtime.messages.explain import Explanation
from .runtime.messages.log import NetworkLog
from .runtime.messages.restoring import naming_what_does_not_fit
from .runtime.messages.strangers import explain_strangers
from .runtime.network.connection import Connection
from .runtime.network.current import CurrentArrays
from .runtime.network.running import NetworkRunner, RunArguments
from .runtime.randomness import RandomStreams
from .runtime.reuse.prepared import PreparedNetworks
from .runtime.run.garbage import set_imports_aside
from .runtime.run.recordings import left_behind
from .runtime.run.states import make_room_for_delays, with_delays


class GennDevice(LegacyInterface, CurrentArrays):
    """Compiles the time loop of a network; everything else is Brian's runtime.

    Values can be read and written at any time, as in Brian's runtime mode. A GPU
    has copies of the NumPy arrays, which are brought up to date when one side
    needs what the other has changed.
    """

    def __init__(self) -> None:
        #: what is done where a script does not say
        self.defaults = choice.Defaults()
        super().__init__()
        # Brian's Cython code (GSL integrators) finds these by the runtime device
        runtime = all_devices["runtime"]
        for name in ("rand_buffer", "randn_buffer", "rand_buffer_index", "randn_buffer_index"):
            setattr(self, name, getattr(runtime, name))
        self._explain_strangers()
        self._ahead = Ahead()
        self._chosen = ChosenBackend(self._choose, self._hand_over_all)
        self._compilers = Compilers(self._chosen.get)
        self._streams = RandomStreams()
        self._prepared = PreparedNetworks()
        self.log = NetworkLog(self._chosen.explanation)
        self._connection = Connection(self, self._streams, self._chosen.get)
        self._runner = NetworkRunner(
            self, self._compilers, self._chosen, self._streams, self.log, self._prepared,
            self._connection,
        )  # fmt: skip
        self._code_maker = CodeMaker(
            self._compilers,
            super().code_object,
            self._mirrors.attach,
            self._chosen.get,
            self._streams.setup_key,
            self._connection.before_loop_code,
            lambda: threads_for(self._threads()),
            self.log.setup,
        )
        tidying.set_limit(cache_size)
        progress_lines.set_wanted(shows_progress)
        brian_costs.install(
            Context(
                lambda: get_device() is self,
                lambda: vars(self) if get_device() is self else None,
                texts.text,
                self._add_synapses,
                as_deep_as_needed,
            )
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
        self.processes.join(self)
        self._chosen.forget()
        set_imports_aside()
        self._ahead.begin(support, interpreter.prepare)
        if at_once:
            self._chosen.get()  # what is missing must be said here, not at the first run

    @property
    def backend(self) -> Backend:
        """What compiles and runs networks; chosen when first needed.

        Who asks for it waits until it is known that it can be used.

        Raises
        ------
        ValueError, CudaUnavailable
            If the script asks for a backend that cannot be had.
        """
        self._chosen.settle()
        return self._chosen.get()

    def _choose(self) -> choice.Choice:
        if self.processes.world is not None:
            return choice.for_several(self.processes.world, self._threads, self.defaults)
        return choice.choose(
            self.build_options.get("backend"),
            self.raw,
            deterministic=bool(self.build_options.get("deterministic", False)),
            genn_backend=self.build_options.get("genn_backend"),
            genn_preferences=self.build_options.get("genn_preferences"),
            threads=self._threads,
            defaults=self.defaults,
        )

    def _threads(self) -> int | None:
        """How many threads the script allows the processor; None for as many as it has cores."""
        asked = self.build_options.get("threads")
        limit = prefs["devices.genn.cpu_threads"] if asked is None else asked
        return None if limit is None else int(limit)

    # -- arrays: see `CurrentArrays` ---------------------------------------------
    def before_access(self, var: Any) -> None:
        self._chosen.before_access(var)

    def _hand_over_all(self) -> None:
        for recording in set(self.recordings.values()):
            recording.hand_over()

    def spike_queue(self, source_start: int, source_end: int) -> Any:
        """A queue that compiled code and Brian's objects can both use."""
        if self._compilers.for_networks:
            return self._chosen.get().queue(source_start, source_end)
        queue = super().spike_queue(source_start, source_end)
        return never_early(queue.__class__)(source_start, source_end)

    # -- random numbers ------------------------------------------------------
    def seed(self, seed: int | None = None) -> None:
        """Seed the streams of random numbers, and NumPy's generator for what Brian runs."""
        super().seed(seed)
        if seed is None:
            self.processes.seed_alike()
        self._streams.seed(seed)

    def get_random_state(self) -> dict[str, Any]:
        state: dict[str, Any] = super().get_random_state()
        state["genn_streams"] = self._streams.state()
        return state

    def set_random_state(self, state: dict[str, Any]) -> None:
        super().set_random_state(state)
        if "genn_streams" in state:  # not in what other devices stored
            self._streams.put_back(state["genn_streams"])

    def seed_for_genn(self) -> int:
        """A seed for a model that is written for GeNN."""
        return self._streams.run_key() % (2**31 - 1) + 1

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
        return self._code_maker.make(
            CodeRequest(
                owner,
                name,
                abstract_code,
                variables,
                template_name,
                variable_indices,
                codeobj_class,
                template_kwds,
                override_conditional_write,
                compiler_kwds,
            )
        )

    def _add_synapses(self, synapses: Any, pre: np.ndarray, post: np.ndarray) -> bool:
        """Make synapses between neurons, by their numbers; says whether it has."""
        if not self._compilers.for_setup or self._chosen.get().setup() is not None:
            return False
        append_synapses(synapses, pre, post)
        self.log.setup.count(synapses, "synapses_create_array")
        return True

    def variableview_get_subexpression_with_index_array(
        self, view: Any, item: Any, run_namespace: Any
    ) -> Any:
        """Read elements of a subexpression."""
        return read_subexpression(view, item, run_namespace)

    # -- networks --------------------------------------------------------------
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
        self._runner.run(
            net, RunArguments(duration, report, report_period, namespace, profile, level)
        )

    def network_restore(
        self,
        net: Any,
        name: str = "default",
        filename: str | None = None,
        restore_random_state: bool = False,
    ) -> None:
        """Restore a network: ``Network.restore``; rows that wait are of the state that is left."""
        objects = net.sorted_objects
        with (
            naming_what_does_not_fit(net, name, filename),
            left_behind(self, objects),
            with_delays(objects),
            self.processes.restoring(self.arrays, objects),
        ):
            try:
                Network.restore.original_function(net, name, filename, restore_random_state)
            finally:
                make_room_for_delays(objects)

    def network_store(self, net: Any, name: str = "default", filename: str | None = None) -> None:
        """Store the state of a network: ``Network.store``, with delays on all versions of Brian."""
        objects, processes = net.sorted_objects, self.processes
        with (
            with_delays(objects),
            processes.all_or_none("a state that is stored"),
            processes.storing(objects),
        ):
            if processes.is_first or filename is None:
                Network.store.original_function(net, name, filename)
            else:  # one process writes the file, with what all tell
                net._full_state()

    def explain(self, network: Any = None) -> Explanation:
        """Where the objects of a network ran; see `brian2genn.explain`."""
        return self.log.explanations.of(network)
