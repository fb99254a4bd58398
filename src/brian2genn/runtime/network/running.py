"""What ``Network.run`` does, with the time loop compiled."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from brian2.core.network import Network
from brian2.units.fundamentalunits import Quantity

from ...backends.interface import DeviceLost
from ...frontend.compatibility import wants_garbage_collection
from ...frontend.network import left_to_brian
from ..activation.chosen import AnotherBackend, ChosenBackend, exchange_queues
from ..activation.legacy import explain_old_preferences
from ..checks.generators import number_late_spikes
from ..checks.pathways import check_pathways
from ..code.compilers import NO_COMPILER, Compilers
from ..messages.log import NetworkLog
from ..messages.nearest import nearest_names
from ..messages.sizes import Sizes
from ..randomness import RandomStreams
from ..ranks.running import RankedRun
from ..ranks.synapses import as_they_are
from ..reuse.code import keeping_code
from ..reuse.prepared import Prepared, PreparedNetworks
from ..reuse.unchanged import set_interval
from ..run.garbage import GarbageCollection
from ..run.loop import Report, TimeLoop, check_for_invalid_states, running, store_profile
from ..run.times import Preparation
from .compilation import Compilation
from .connection import Connection
from .current import CurrentArrays


@dataclass
class RunArguments:
    """How a network is to be run; the names are those of Brian's ``Network.run``."""

    duration: Quantity
    report: Any
    report_period: Quantity
    namespace: Mapping[str, Any]
    profile: bool | None
    level: int


@dataclass
class NetworkRunner:
    """Runs networks, one after the other, or one within another one.

    Attributes
    ----------
    device : CurrentArrays
        Also has what Brian's devices note of a run, under Brian's names.
    compilers : Compilers
    chosen : ChosenBackend
    streams : RandomStreams
    log : NetworkLog
    known : PreparedNetworks
    connection : Connection
    compilation : Compilation
    """

    device: CurrentArrays
    compilers: Compilers
    chosen: ChosenBackend
    streams: RandomStreams
    log: NetworkLog
    known: PreparedNetworks
    connection: Connection
    compilation: Compilation = field(init=False)
    _garbage: GarbageCollection = field(default_factory=GarbageCollection)

    def __post_init__(self) -> None:
        self.compilation = Compilation(
            self.chosen, self.known, self.log, self.connection, self.device.processes
        )

    def run(self, net: Any, arguments: RunArguments) -> None:
        """Run a network."""
        preparation = Preparation()
        with self.device.processes.all_or_none("the beginning of a run"):
            try:
                prepared, loop = self._begin(net, arguments)
            except AnotherBackend:
                prepared, loop = self._begin(net, arguments)
        if prepared is not None and loop is not None:
            self._go_on(net, arguments, prepared, loop, preparation)

    def _begin(
        self, net: Any, arguments: RunArguments
    ) -> tuple[Prepared, TimeLoop] | tuple[None, None]:
        """Make a network ready; None if there is nothing left to do."""
        namespace = arguments.namespace
        backend = self.chosen.get()
        known = self.known.find(net)
        unchanged = known is not None and known.nothing_has_changed(net, namespace, backend)
        all_objects = known.objects if known and unchanged else net.sorted_objects
        with backend.only_reading():
            check_pathways(all_objects)
        if not self.compilers.for_networks:
            self._leave_to_brian(net, list(all_objects), arguments)
            return None, None
        explain_old_preferences()
        if wants_garbage_collection():
            self._garbage.collect_if_useful(net)
        if arguments.profile is None:
            arguments.profile = bool(self.device.build_options.get("profile", False))

        net._clocks = {obj.clock for obj in all_objects}
        for clock in net._clocks:
            set_interval(clock, net.t, net.t + arguments.duration)
        exchange_queues(all_objects, self.chosen.get())
        if known and known.routine and unchanged:
            known.routine.before_run(net, namespace)
        else:
            with keeping_code(all_objects), nearest_names(all_objects, namespace):
                net.before_run(namespace)
        number_late_spikes(all_objects)
        if len(all_objects) == 0:
            return None, None
        return self.compilation.make_ready(
            net, all_objects, arguments.profile, namespace, unchanged
        )

    def _go_on(
        self,
        net: Any,
        arguments: RunArguments,
        prepared: Prepared,
        loop: TimeLoop,
        preparation: Preparation,
    ) -> None:
        """Run a network that is ready, and do what Brian does afterwards."""
        duration, report, processes = arguments.duration, arguments.report, self.device.processes
        t_start, t_end, all_objects = net.t, net.t + duration, prepared.objects
        ranked = processes.begin(
            prepared.ranked,
            prepared.program,
            loop.recordings,
            self.device.arrays,
            [float(t_end), *self.streams.state()],
        )
        if isinstance(report, str) and not processes.is_first:
            report = None
        progress = Report(report, float(arguments.report_period), t_start, duration)
        times = preparation.end()
        seconds = self._execute(net, prepared, loop, progress, t_end, ranked)
        notes = [*prepared.program.notes(), *loop.host_costs(seconds)]
        if ranked is not None:
            notes += ranked.described(seconds)
        self.log.explanations.add(net, notes)
        times.loop = self.device._last_run_time = seconds
        times.of_objects = loop.seconds_of_objects(bool(arguments.profile))
        self.device.times = times
        self.log.explanations.tell_times(net, times)
        self.device._last_run_completed_fraction = (
            float((net.t - t_start) / duration) if duration > 0 else 1.0
        )
        backend = self.chosen.get()
        with backend.only_reading(), as_they_are():
            check_for_invalid_states(all_objects, backend.valid)
        if report is not None:
            progress(self.device._last_run_completed_fraction)
        routine = prepared.routine
        self._garbage.after_run(net, all_objects, routine.after_run if routine else None)
        store_profile(net, loop.profile() if arguments.profile else None)

    def _execute(
        self,
        net: Any,
        prepared: Prepared,
        loop: TimeLoop,
        progress: Report,
        t_end: Quantity,
        ranked: RankedRun | None,
    ) -> float:
        """Execute the time steps; how many seconds that took."""
        program, prepared.busy = prepared.program, True
        progress(0.0)
        began = time.time()
        completed = lost = False
        try:
            with running(), nullcontext() if ranked is None else ranked.interruptible():
                loop.run(
                    progress,
                    self._time_limit(),
                    self.connection.at_hosts(prepared, ranked),
                    lambda: self.connection.follow(prepared),
                    ranked,
                )
            if ranked is not None:
                ranked.exchange_rest()
            completed = not (net._stopped or Network._globally_stopped)
        except DeviceLost as error:
            lost = True
            error.add_note(f"It was lost in a run of '{net.name}', which had come to {loop.t:g} s.")
            raise
        except BaseException as error:
            if ranked is not None:
                ranked.failed(error)
                if isinstance(error, KeyboardInterrupt):  # all of them, between two time steps
                    ranked.exchange_rest()
            raise
        finally:
            # also after an error or Ctrl-C: nothing that was computed is lost
            progress.close()
            self.streams.step = program.random_step
            prepared.busy = False
            if not completed:
                self.known.forget(net)
            try:
                if not lost:
                    program.finish()
            finally:
                net.t_ = float(t_end) if completed else loop.t
                self.connection.disconnect(loop)
                if ranked is not None:
                    ranked.complete()
        return time.time() - began

    def _leave_to_brian(self, net: Any, objects: Sequence[Any], arguments: RunArguments) -> None:
        """Let Brian run a network; its magic one forgets the objects after the run."""
        if self.device.processes.world is not None:
            raise NotImplementedError(
                "Several processes can only run together what is compiled."
                f" {self.compilers.problem}"
            )
        Network.run.original_function(
            net,
            arguments.duration,
            arguments.report,
            arguments.report_period,
            arguments.namespace,
            arguments.profile,
            arguments.level,
        )
        setup = self.log.setup_of(objects)
        self.log.remember(net, left_to_brian(objects, NO_COMPILER), setup, Sizes(objects))
        self.log.explanations.add(net, [self.compilers.problem])

    def _time_limit(self) -> float | None:
        limit = self.device._maximum_run_time
        return None if limit is None else float(limit)
