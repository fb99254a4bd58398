"""A program and Brian's memory, from the beginning of a run to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from brian2.core.variables import ArrayVariable

from ...backends.interface import Backend, Bound
from ..code.codeobject import LoopCodeObject
from ..memory.arrays import renew_arrays
from ..randomness import RandomStreams
from ..ranks.running import RankedRun
from ..reuse.prepared import Prepared
from ..run.loop import TimeLoop, clock_states
from ..run.recordings import Recording, Turns, close_all
from .current import CurrentArrays


class Connection:
    """Binds programs to arrays, queues and monitors, and lets Brian's objects at these in between.

    Parameters
    ----------
    arrays : CurrentArrays
    streams : RandomStreams
    backend : callable
        Returns the backend in use.
    """

    def __init__(
        self, arrays: CurrentArrays, streams: RandomStreams, backend: Callable[[], Backend]
    ) -> None:
        self._arrays = arrays
        self._streams = streams
        self.backend = backend

    def connect(self, net: Any, prepared: Prepared, profile: bool) -> TimeLoop:
        """Give the program its memory."""
        translation, bindings = prepared.translation, prepared.translation.bindings
        recordings_of, streams = self._arrays.recordings, self._streams
        close_all(set(recordings_of.values()))  # what a run that failed has left
        self._arrays.watch.before = {}
        turns = Turns()
        program = prepared.take_program()
        states = clock_states(bindings.clocks)
        if not streams.seeded:
            streams.step = 0  # the key is new
        # as in Brian, what draws nothing leaves NumPy's generator as it is
        needs_key = streams.seeded or prepared.draws
        arrays = self._arrays_of(prepared)
        self._arrays.watch.moved = False  # whoever asks for one from now on may move it
        recorders = program.bind(
            Bound(
                arrays=arrays,
                params=bindings.params,
                clocks=states,
                queues=bindings.queues,
                columns=prepared.columns,
                key=streams.run_key() if needs_key else 0,
                step=streams.step,
                names=bindings.names,
                seeded=streams.seeded,
                parts={} if prepared.ranked is None else prepared.ranked.synapses,
                profile=profile,
            )
        )
        recordings = [
            Recording(plan, recorder, turns)
            for plan, recorder in zip(bindings.recorders, recorders, strict=True)
        ]
        for number, clock in prepared.ticking.items():
            recordings[number].expect(states[clock].remaining())
        for recording in recordings:
            for variable in recording.variables():
                recordings_of[id(variable)] = recording
        return TimeLoop(net, translation, program, recordings, states, turns, self._arrays.watch)

    def disconnect(self, loop: TimeLoop) -> None:
        """Hand over what was recorded; the program's memory is Brian's alone again."""
        self._arrays.watch.end()
        close_all(loop.recordings)
        for recording in loop.recordings:
            for variable in recording.variables():
                self._arrays.recordings.pop(id(variable), None)

    def _arrays_of(self, prepared: Prepared) -> Mapping[str, Any]:
        """The arrays of a network, once they are known to fit together; notes which may move."""
        watch = self._arrays.watch
        arrays = prepared.check_bounds(self._arrays.raw, watch.before)
        # whoever asks for indices during the run may change them
        watch.bound, watch.indices = prepared.moving, prepared.indices
        watch.lists = prepared.lists
        return arrays

    def follow(self, prepared: Prepared) -> None:
        """Bind the arrays again if one has moved: by an object of Brian's, a report, a thread."""
        if self._arrays.watch.moved:
            prepared.program.move(self._arrays_of(prepared))
            self._arrays.watch.moved = False  # the program has asked for all of them

    def before_host(self, obj: Any) -> None:
        """Make current what the code of an object uses that Brian runs: it holds the arrays."""
        for code in obj.code_objects:
            if not isinstance(code, LoopCodeObject):
                self._before_code(code, code)

    def before_loop_code(self, code: LoopCodeObject) -> None:
        """Make current what code of ours uses that Brian runs, in its place or by hand."""
        self._before_code(code, code.brian_version)

    def at_hosts(self, prepared: Prepared, ranked: RankedRun | None) -> HostAccess:
        """What there is to do around objects that Brian runs, in one run."""
        return HostAccess(self, self._arrays, self._streams, prepared, ranked)

    def _before_code(self, code: Any, brian_version: Any) -> None:
        for variable in code.variables.values():
            if isinstance(variable, ArrayVariable):
                self._arrays.before_change(variable)
        renew_arrays(brian_version, self._arrays.arrays, self._arrays.get_array_name)


class HostAccess:
    """Lets objects that Brian runs see, and change, what the program works with.

    They may move arrays, seed the random numbers, and run another network.

    Parameters
    ----------
    connection : Connection
    arrays : CurrentArrays
    streams : RandomStreams
    prepared : Prepared
        What is running.
    ranked : RankedRun or None
        The processes that run it together.
    """

    def __init__(
        self,
        connection: Connection,
        arrays: CurrentArrays,
        streams: RandomStreams,
        prepared: Prepared,
        ranked: RankedRun | None,
    ) -> None:
        self._connection = connection
        # Python code asks for arrays, or has kept them from before
        self._exchange_kept = connection.backend().exchange_kept
        self._arrays = arrays
        self._streams = streams
        self._prepared = prepared
        self._program = prepared.program
        self._ranked = ranked
        self._bound: set[int] = set()
        self._lists_before: dict[int, np.ndarray] = {}
        self._random: tuple[int | None, int] = (None, 0)

    def before(self, obj: Any) -> None:
        """The object is about to be run."""
        streams = self._streams
        self._exchange_kept()
        if obj.code_objects:
            self._connection.before_host(obj)
        if self._ranked is not None:
            self._ranked.before_host()
        watch = self._arrays.watch
        self._bound, self._lists_before = watch.bound, watch.before
        self._arrays.processes.looked_at = self._ranked
        # this step's own number is in use
        streams.step = self._program.random_step + 1
        self._random = streams.key, streams.step

    def after(self, obj: Any) -> None:
        """It has returned."""
        self._end()
        if self._ranked is not None:
            self._ranked.after_host(obj.name)
        watch = self._arrays.watch
        for code in obj.code_objects:
            if isinstance(code, LoopCodeObject) and any(
                id(code.variables.get(name)) in watch.indices for name in code.recorded.writes
            ):
                watch.moved = True  # indices may be others now
        if watch.bound is not self._bound:  # there was another run, which had arrays of its own
            watch.bound, watch.before, watch.moved = self._bound, self._lists_before, True
        if watch.moved:
            self._connection.follow(self._prepared)

    def failed(self) -> None:
        """It has failed, or was interrupted."""
        self._end()

    def _end(self) -> None:
        """Nobody looks any more; random numbers are others if the object has called ``seed``."""
        streams, program = self._streams, self._program
        self._arrays.processes.looked_at = None
        if self._random != (streams.key, streams.step):
            key = program.random_key if streams.key is None else streams.key
            program.seed(key, streams.step)
