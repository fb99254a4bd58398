"""A program and Brian's memory, from the beginning of a run to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

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
        self._backend = backend

    def connect(self, net: Any, prepared: Prepared, profile: bool) -> TimeLoop:
        """Give the program its memory."""
        translation, bindings = prepared.translation, prepared.translation.bindings
        recordings_of, streams = self._arrays.recordings, self._streams
        close_all(set(recordings_of.values()))  # what a run that failed has left
        turns = Turns()
        program = prepared.take_program()
        states = clock_states(bindings.clocks)
        if not streams.seeded:
            streams.step = 0  # the key is new
        self._backend().seeded = streams.seeded
        # as in Brian, what draws nothing leaves NumPy's generator as it is
        needs_key = streams.seeded or prepared.draws
        recorders = program.bind(
            Bound(
                arrays=self._arrays_of(prepared),
                params=bindings.params,
                clocks=states,
                queues=bindings.queues,
                columns=prepared.columns,
                key=streams.run_key() if needs_key else 0,
                step=streams.step,
                names=bindings.names,
            )
        )
        self._arrays.watch.moved = False  # the program has asked for all of them
        recordings = [
            Recording(plan, recorder, turns)
            for plan, recorder in zip(bindings.recorders, recorders, strict=True)
        ]
        for number, clock in prepared.ticking.items():
            recordings[number].expect(states[clock].remaining())
        program.prepare(profile)
        for recording in recordings:
            for variable in recording.variables():
                recordings_of[id(variable)] = recording
        return TimeLoop(net, translation, program, recordings, states, turns)

    def disconnect(self, loop: TimeLoop) -> None:
        """Hand over what was recorded; the program's memory is Brian's alone again."""
        self._arrays.watch.end()
        close_all(loop.recordings)
        for recording in loop.recordings:
            for variable in recording.variables():
                self._arrays.recordings.pop(id(variable), None)

    def _arrays_of(self, prepared: Prepared) -> Mapping[str, Any]:
        """The arrays of a network, once they are known to fit together; notes which may move."""
        arrays = prepared.check_bounds(self._arrays.raw)
        watch = self._arrays.watch
        # whoever asks for indices during the run may change them
        watch.bound, watch.indices = prepared.moving, prepared.indices
        return arrays

    def follow(self, prepared: Prepared) -> None:
        """Bind the arrays again if one has moved: by an object of Brian's, a report, a thread."""
        if self._arrays.watch.moved:
            prepared.program.move(self._arrays_of(prepared))
            self._arrays.watch.moved = False  # the program has asked for all of them

    @contextmanager
    def for_host(self, prepared: Prepared, obj: Any, ranked: RankedRun | None) -> Iterator[None]:
        """Let an object that Brian runs see, and change, what the program works with.

        It may move arrays, seed the random numbers, and run another network.
        """
        program, streams, watch = prepared.program, self._streams, self._arrays.watch
        self._before_host(obj)
        if ranked is not None:
            ranked.before_host()
        bound, self._arrays.processes.looked_at = watch.bound, ranked
        streams.step = program.random_step + 1  # this step's own number is in use
        random = streams.key, streams.step
        try:
            yield
        finally:
            self._arrays.processes.looked_at = None
            if random != (streams.key, streams.step):
                key = program.random_key if streams.key is None else streams.key
                program.seed(key, streams.step)
        for code in obj.code_objects:
            if isinstance(code, LoopCodeObject) and any(
                id(code.variables.get(name)) in watch.indices for name in code.recorded.writes
            ):
                watch.moved = True  # indices may be others now
        if watch.bound is not bound:  # there was another run, which had arrays of its own
            watch.bound, watch.moved = bound, True
        self.follow(prepared)

    def _before_host(self, obj: Any) -> None:
        """Make current what an object uses that Brian runs.

        Brian's code objects hold the arrays themselves; Python code asks for them, or has kept
        them from before.
        """
        self._backend().exchange_kept()
        for code in obj.code_objects:
            if not isinstance(code, LoopCodeObject):
                self._before_code(code, code)

    def before_loop_code(self, code: LoopCodeObject) -> None:
        """Make current what code of ours uses that Brian runs, in its place or by hand."""
        self._before_code(code, code.brian_version)

    def _before_code(self, code: Any, brian_version: Any) -> None:
        for variable in code.variables.values():
            if isinstance(variable, ArrayVariable):
                self._arrays.before_change(variable)
        renew_arrays(brian_version, self._arrays.arrays, self._arrays.get_array_name)
