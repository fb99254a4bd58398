"""What several ranks do together before, during and after a run."""

from __future__ import annotations

import hashlib
import signal
import struct
import threading
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from brian2.core.preferences import prefs
from brian2.synapses.synapses import Synapses

from ...backends.interface import RankedProgram
from ...backends.notes import Item
from ...backends.refusal import Refusal
from ...frontend.network import Translation
from ...model.network import (
    OnEvents,
    Push,
    RecordEvents,
    RecordRate,
    RecordState,
    Role,
    Threshold,
)
from ...transforms.ranks import Divided, Plan, Side, share_out
from ..run.recordings import Recording
from .monitors import Events, Rates, Record, States
from .synapses import SynapseShare, is_divided, share_behind, whole_group
from .world import RanksParted, RankWorld

#: How long ranks stay in compiled code before they meet: how soon Ctrl-C, stop() and reports work.
_STAY = 0.1

#: Most time steps between two meetings; where Brian runs objects, there are more of these.
_MOST_STEPS = 1 << 30

#: What ranks tell each other in a run: whether to stop, an interrupt, a report; steps until the
#: next meeting.
_FACT = struct.Struct("<BBBq")

_REMEDY = (
    "Seed NumPy's and other generators with the same number on all processes (seed(...) does so for"
    " Brian and NumPy), and let nothing that the script sets depend on the process. For runs that"
    " are different on purpose, write set_device('genn', mpi=False)."
)


class RefusedOnSeveralRanks(NotImplementedError):
    """A network that cannot run on several processes as it does on one.

    Parameters
    ----------
    refusals : sequence of Refusal
    """

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        self.refusals = list(refusals)
        listed = "\n".join(f"- {refusal}" for refusal in refusals)
        super().__init__(
            f"Several processes cannot run this network together as one does:\n{listed}\n"
            "Run the script in one process, without mpirun."
        )


def divided_in(objects: Sequence[Any], translation: Translation) -> Divided:
    """What of a network is divided, by labels."""
    labels = {name: label for label, name in translation.bindings.names.items()}
    groups: dict[str, None] = {}
    synapses: dict[str, Side] = {}
    for obj in objects:
        share = share_behind(obj) if isinstance(obj, Synapses) else None
        if share is not None and obj.name in labels:
            role = Role.TARGET if share.side == "post" else Role.SOURCE
            side = share.group.name
            synapses[labels[obj.name]] = Side(role, labels.get(side, side))
    known = {*objects, *(whole_group(getattr(obj, "source", obj)) for obj in objects)}
    for obj in known:
        if is_divided(obj) and obj.name in labels:
            groups[labels[obj.name]] = None
    return Divided(frozenset(groups), synapses)


class RankedNetwork:
    """What is known of a network that several ranks run.

    Parameters
    ----------
    plan : Plan
    translation : Translation
    synapses : mapping
        By their labels: those that are divided.
    """

    def __init__(
        self, plan: Plan, translation: Translation, synapses: Mapping[str, SynapseShare]
    ) -> None:
        self.plan = plan
        self.synapses = synapses
        self.translation = translation

    def fits(self, world: RankWorld) -> bool:
        """Whether synapses are divided, and spikes may wait, as planned; says how long."""
        if not all(share.is_current for share in self.synapses.values()):
            return False
        collect = self.plan.collect
        if collect is None:
            world.window = 1
            return True
        shortest = shortest_delays(world, self.translation)
        world.window = min(max(min(shortest[q] for q in collect.queues.values()), 1), 1 << 15)
        return all(shortest[queue] > 0 for queue in collect.queues.values())

    def described(self, world: RankWorld) -> list[str]:
        """What travels, in sentences for people."""
        names = self.translation.bindings.names
        network = self.translation.network
        lines = [
            f"Run by {world.size} processes together; this is process {world.rank}."
            f" Groups are cut at multiples of {world.grain} elements."
        ]
        if self.plan.collect is not None:
            owners = [names.of(network.arrays[a].owner) for a in self.plan.collect.lists.values()]
            lines.append(
                f"Once in {world.window} time steps, the shortest delay, spikes of"
                f" {', '.join(owners)} travel (4 bytes each)."
            )
        if not self.plan.exchanged:
            if self.plan.collect is None:
                lines.append("Nothing travels between them within a time step.")
            return lines
        lines.append("In each time step travel:")
        for exchange, users in zip(self.plan.exchanged, self.plan.needed_by, strict=True):
            for what, arrays in (("spikes", exchange.lists), ("values", exchange.values)):
                for name in arrays.values():
                    array = network.arrays[name]
                    told = f"{what} of {names.of(array.owner)}"
                    if what == "values":
                        told = f"{names.tell(array.origin)}"
                        variable = self.translation.bindings.arrays[name]
                        size = int(np.dtype(array.dtype).itemsize * variable.size)
                        told += f" ({size} bytes)"
                    else:
                        told += " (4 bytes each)"
                    needed = ", ".join(dict.fromkeys(names.tell(user) for user in users))
                    lines.append(Item(f"{told}, for: {needed}"))
        return lines


def plan_for(world: RankWorld, objects: Sequence[Any], translation: Translation) -> RankedNetwork:
    """Share a network out among ranks, in place.

    Raises
    ------
    RefusedOnSeveralRanks
        With each object that stands in the way, the reason, and what to do.
    """
    divided = divided_in(objects, translation)
    plan = share_out(translation.network, divided, shortest_delays(world, translation))
    if plan.impossible:
        names = translation.bindings.names
        raise RefusedOnSeveralRanks(
            [
                Refusal(names.of(one.owner), names.tell(one.what), one.reason)
                for one in plan.impossible
            ]
        )
    shares = {obj.name: share_behind(obj) for obj in objects if isinstance(obj, Synapses)}
    names = translation.bindings.names
    known = {label: shares[names.of(label)] for label in divided.synapses}
    ranked = RankedNetwork(plan, translation, {k: v for k, v in known.items() if v is not None})
    ranked.fits(world)
    return ranked


def shortest_delays(world: RankWorld, translation: Translation) -> dict[int, int]:
    """The shortest delays of all queues, over all ranks, in time steps."""
    own = [queue.shortest_delay() for queue in translation.bindings.queues]
    gathered = world.gather("the shortest delays", np.array(own, dtype=np.int32))
    return dict(enumerate(np.min(gathered, axis=0).tolist()))


class RankedRun:
    """One run of a network on several ranks.

    Parameters
    ----------
    world : RankWorld
    ranked : RankedNetwork
    program : RankedProgram
    recordings : sequence of Recording
        Of the run, by number.
    arrays : mapping
        From Brian's variables to their arrays.
    """

    def __init__(
        self,
        world: RankWorld,
        ranked: RankedNetwork,
        program: RankedProgram,
        recordings: Sequence[Recording],
        arrays: Mapping[Any, Any],
    ) -> None:
        self.world = world
        self._program = program
        self._plan, self._arrays = ranked.plan, arrays
        self._synapses = ranked.synapses
        self._apart = False
        self._network = ranked.translation.network
        self._bindings = ranked.translation.bindings
        self._interrupted = False
        self._steps = world.steps = 1
        self._entered = 0.0
        self.records: dict[int, Record] = {}
        #: of groups that are switched off, too
        self._lists = {
            step.events
            for step in self._network.steps
            if isinstance(step, Threshold | OnEvents | Push | RecordEvents | RecordRate)
        }
        for step in self._network.steps:
            if isinstance(step, RecordEvents | RecordRate | RecordState):
                record = self._record(step, recordings[step.recorder])
                if record is not None:
                    for variable in record.recording.variables():
                        self.records[id(variable)] = record
        #: whether to compare what objects that Brian runs have done
        self._careful = bool(prefs["devices.genn.debug"])
        self._ranked = ranked
        self._sent, self._exchanges, self._waited = world.sent, world.exchanges, world.seconds

    def _record(self, step: Any, recording: Recording) -> Record | None:
        if isinstance(step, RecordState):
            share = share_behind(recording.plan.monitor.source)
            if share is not None:
                return States(self.world, recording, self._ranks_of_synapses(share, recording))
        if not step.own:
            return None
        if isinstance(step, RecordEvents):
            return Events(self.world, recording)
        if isinstance(step, RecordRate):
            return Rates(self.world, recording, int(self._bindings.params[step.size]))
        monitor = recording.plan.monitor
        neurons = np.asarray(monitor.record) + int(getattr(monitor.source, "start", 0))
        cuts = self.world.cuts(len(whole_group(monitor.source)))
        return States(self.world, recording, np.searchsorted(cuts, neurons, side="right") - 1)

    def _ranks_of_synapses(self, share: SynapseShare, recording: Recording) -> np.ndarray:
        """Whose the synapses are that a monitor records."""
        record = np.asarray(recording.plan.monitor.record)
        mine = np.isin(record, share.numbers).astype(np.uint8)
        return np.argmax(self.world.gather("recorded synapses", mine), axis=0)

    # -- before ----------------------------------------------------------------------
    def compare(self, numbers: Sequence[Any]) -> None:
        """Check that all ranks are about to run the same.

        Raises
        ------
        RanksParted
            With what differs.
        """
        world = self.world
        world.same("the program of the network", _digest(self._program.text.encode()), _REMEDY)
        world.same("the numbers of the run", _digest(repr(numbers).encode()), _REMEDY)
        state: Any = np.random.get_state()
        world.same("NumPy's random numbers", _digest(state[1].tobytes(), repr(state[2:])), _REMEDY)
        held = {getattr(s, "size", "") for s in self._network.steps if s.domain in self._synapses}
        params = {n: value for n, value in self._bindings.params.items() if n not in held}
        world.same("the parameters of the run", _digest(repr(params).encode()), _REMEDY)
        self._compare_values(_REMEDY)

    def _compare_values(self, remedy: str) -> None:
        values = {
            name: zlib.crc32(self._present(name).tobytes())
            for name, array in self._network.arrays.items()
            if array.owner not in self._synapses
        }
        try:
            self.world.same("values", _digest(repr(sorted(values.items())).encode()), remedy)
        except RuntimeError:
            for name, value in sorted(values.items()):
                told = self._bindings.names.tell(self._network.arrays[name].origin)
                self.world.same(told, struct.pack("<I", value), remedy)
            raise

    def _array(self, name: str) -> np.ndarray:
        thing = self._bindings.arrays[name]
        if isinstance(thing, np.ndarray):
            return thing
        array = self._arrays[thing]
        return array if isinstance(array, np.ndarray) else array.data

    def _present(self, name: str) -> np.ndarray:
        """The values of an array; of a list of events, those that it has at present."""
        array = self._array(name)
        return array[: array[-1]] if name in self._lists else array

    # -- while it runs -----------------------------------------------------------------
    def exchange_rest(self) -> None:
        """Let spikes that wait for an exchange go into their queues; all ranks do it."""
        self._program.exchange_rest()

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Within this, Ctrl-C waits until all ranks have met."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def note(*_: Any) -> None:
            self._interrupted = True

        before = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def entered(self) -> None:
        """The program is about to run time steps."""
        self._entered = time.perf_counter()

    def meet(self, stopped: bool, due: bool) -> tuple[bool, bool]:
        """Meet the other ranks between two time steps.

        Parameters
        ----------
        stopped : bool
            Whether this rank wants to stop.
        due : bool
            Whether it wants to report.

        Returns
        -------
        bool, bool
            Whether all stop, and whether all report.
        """
        taken = time.perf_counter() - self._entered
        wish = int(np.clip(_STAY / max(taken, 1e-9), 0.1, 10.0) * self._steps)
        wish = min(max(wish, 1), _MOST_STEPS)
        fact = _FACT.pack(stopped, self._interrupted, due and self.world.rank == 0, wish)
        told = [
            _FACT.unpack(one[: _FACT.size]) for one in self.world.meet("a meeting in a run", fact)
        ]
        self._steps = self.world.steps = min(one[3] for one in told)
        if any(one[1] for one in told):
            self._interrupted = False
            raise KeyboardInterrupt
        return any(one[0] for one in told), any(one[2] for one in told)

    def before_host(self) -> None:
        """Let an object that Brian runs see what monitors have counted."""
        counts = self._counts()
        if counts:
            self.world.complete("what monitors have counted", counts)

    def after_host(self, name: str) -> None:
        """An object that Brian runs has had its turn: see whether it did the same on all ranks.

        Parameters
        ----------
        name : str

        Raises
        ------
        RanksParted
            With what differs, where `prefs.devices.genn.debug` asks for it.
        """
        if self._careful:
            self._compare_values(
                f"It was set by '{name}', which every process runs: it must do the same on all."
            )

    def show(self, variable: Any) -> None:
        """Let somebody who looks at a variable of a monitor see the rows of all ranks."""
        record = self.records.get(id(variable))
        if record is not None:
            record.put_together()

    def failed(self, error: BaseException) -> None:
        """Something went wrong here; the others are told."""
        self._apart = isinstance(error, RanksParted)
        self.world.announce(error)

    # -- afterwards ----------------------------------------------------------------------
    def _counts(self) -> list[tuple[np.ndarray, np.ndarray]]:
        found = []
        for step in self._network.steps:
            if isinstance(step, RecordEvents) and step.own:
                start = int(self._bindings.params[step.start])
                stop = int(self._bindings.params[step.stop])
                cuts = self.world.cuts(len(self._array(step.events)) - 1)
                found.append((self._array(step.count), np.clip(cuts, start, stop) - start))
        return found

    def complete(self) -> None:
        """Let all ranks have what each has computed."""
        if self._apart:
            return
        parts = self._counts()
        counted = {id(array) for array, _ in parts}
        for name in sorted(self._plan.own):
            array = self._array(name)
            if name in self._lists or id(array) in counted:
                continue
            parts.append((array, self.world.cuts(len(array))))
        self.world.complete("the values of all neurons", parts)
        for name in sorted(self._lists & self._plan.own.keys()):
            space = self._array(name)
            own = self.world.own(len(space) - 1)
            events = space[: space[-1]]
            events = events[(events >= own.start) & (events < own.stop)].copy()
            together = np.concatenate(self.world.gather("the last spikes", events))
            space[: len(together)] = together
            space[-1] = len(together)
        for record in dict.fromkeys(self.records.values()):
            record.put_together()

    def described(self, seconds: float) -> list[str]:
        """What travels, and what the run has sent, in sentences for people."""
        return [*self._ranked.described(self.world), *self._account(seconds)]

    def _account(self, seconds: float) -> list[str]:
        world = self.world
        exchanges, sent = world.exchanges - self._exchanges, world.sent - self._sent
        if not exchanges:
            return []
        waited = world.seconds - self._waited
        return [
            f"In the last run, this process took part in {exchanges} exchanges, sent"
            f" {sent} bytes ({sent / exchanges:.0f} each), and spent {waited:.2g} of"
            f" {seconds:.2g} s in them."
        ]


def _digest(*things: bytes | str) -> bytes:
    whole = hashlib.sha256()
    for thing in things:
        whole.update(thing.encode() if isinstance(thing, str) else thing)
    return whole.digest()
