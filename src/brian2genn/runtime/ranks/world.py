"""The processes (ranks) that run one script together, and how they meet.

Ranks meet in the same places of the same script. Every meeting begins with a block of one size in
which each says what it is for. So a rank that fails, ends, or takes another way through the script
is noticed by all of them at their next meeting, and nobody waits for ever.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import sys
import traceback
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import byref, c_void_p
from itertools import pairwise
from types import TracebackType
from typing import Any

import numpy as np

from ...backends.host.structures import BLOCK, MESSAGE, World, support

#: What launchers of MPI tell each process: how many there are.
_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE", "MPI_LOCALNRANKS")

#: Elements of a group are cut at multiples of this, as for threads: so vectors, and with them
#: rounding, are those of one process.
GRAIN = 64

#: What a meeting is for, beside what a text says: an exchange within a program (in C) is 1.
_FAILED, _ENDED, _OTHERS = 2, 3, 16

#: Bytes in a block for a text, and for what is told beside it.
_TEXT, _FACT = 180, 60


class RanksParted(RuntimeError):
    """The processes of one network do not do the same."""


class OtherRankFailed(RuntimeError):
    """Another process of the network has failed, and this one cannot go on without it."""


def processes_seen() -> int:
    """How many processes the launcher of MPI has started; 1 if it was none."""
    for name in _SIZES:
        value = os.environ.get(name, "")
        if value.isascii() and value.isdigit() and int(value) > 0:
            return int(value)
    return 1


class RankWorld:
    """All ranks, seen from this one.

    Parameters
    ----------
    communicator : mpi4py.MPI.Comm
    """

    def __init__(self, communicator: Any) -> None:
        from mpi4py import MPI

        self.communicator = communicator
        self.rank, self.size = communicator.rank, communicator.size
        grain = self.grain = GRAIN
        self._own = np.zeros(BLOCK, dtype=np.int32)
        self._told = np.zeros(BLOCK, dtype=np.int32)
        self._blocks = np.zeros((self.size, BLOCK), dtype=np.int32)
        self._counts = np.zeros(2 * self.size, dtype=np.int32)
        library = ctypes.CDLL(MPI.__file__)
        world = self._world = World()
        world.rank, world.ranks, world.grain = self.rank, self.size, grain
        world.communicator = _handle(MPI, communicator)
        world.byte = _handle(MPI, MPI.BYTE)
        world.iallgather = ctypes.cast(library.MPI_Iallgather, c_void_p)
        world.wait = ctypes.cast(library.MPI_Wait, c_void_p)
        world.allgatherv = ctypes.cast(library.MPI_Allgatherv, c_void_p)
        world.own = self._own.ctypes.data
        world.told = self._told.ctypes.data
        world.blocks = self._blocks.ctypes.data
        world.counts = self._counts.ctypes.data
        world.places = self._counts[self.size :].ctypes.data
        #: after how many time steps all give control back
        self.steps = 1
        #: after how many time steps spikes are exchanged that no queue needs before
        self.window = 1
        self._ended = False
        #: why there are no meetings any more, if a rank has come to its end
        self._over = ""

    # -- for programs ------------------------------------------------------------
    @property
    def address(self) -> int:
        """Of what programs meet by."""
        return ctypes.addressof(self._world)

    def parted(self) -> BaseException:
        """What to raise where a program has met ranks that were up to something else."""
        if self._world.failed:
            self.abort(f"MPI has failed with the code {self._world.failed}.")
        return self._find_out("an exchange within a time step", None)

    @property
    def sent(self) -> int:
        """The bytes that this rank has sent in exchanges."""
        return int(self._world.sent)

    @property
    def exchanges(self) -> int:
        """How often programs have exchanged something."""
        return int(self._world.exchanges)

    @property
    def seconds(self) -> float:
        """How long programs have waited for that."""
        return float(self._world.seconds)

    def cuts(self, elements: int) -> np.ndarray:
        """Where the ranges of the ranks begin among so many elements; the last one is their end."""
        ranks = np.arange(self.size + 1, dtype=np.int64)
        places = (elements * ranks // self.size + self.grain // 2) // self.grain * self.grain
        places[-1] = elements
        return np.minimum(places, elements)

    def own(self, elements: int) -> slice:
        """The range of this rank among so many elements."""
        cuts = self.cuts(elements)
        return slice(int(cuts[self.rank]), int(cuts[self.rank + 1]))

    # -- meetings ------------------------------------------------------------------
    def meet(self, purpose: str, fact: bytes = b"") -> list[bytes]:
        """Meet the other ranks.

        Parameters
        ----------
        purpose : str
            The same for all.
        fact : bytes, optional
            A little that the others are told.

        Returns
        -------
        list of bytes
            The facts of all ranks, filled up with zeros.

        Raises
        ------
        RanksParted, OtherRankFailed
            Where others are up to something else.
        """
        number = _OTHERS + zlib.crc32(purpose.encode()) % (2**31 - _OTHERS)
        if self._meet(number, purpose, fact):
            raise self._find_out(purpose, None)
        return [bytes(self._message(rank)[_TEXT : _TEXT + _FACT]) for rank in range(self.size)]

    def _meet(self, number: int, text: str, fact: bytes = b"") -> bool:
        """Meet; whether others are up to something else."""
        if self._over:  # nobody is there who could answer
            raise RanksParted(self._over)
        self._own[:] = 0
        self._own[0] = number
        message = self._own.view(np.uint8)[4 * MESSAGE :]
        for place, told in ((0, text.encode()[:_TEXT]), (_TEXT, fact)):
            message[place : place + len(told)] = np.frombuffer(told, dtype=np.uint8)
        parted = bool(support().b2g_meet(byref(self._world)))
        if self._world.failed:
            self.abort(f"MPI has failed with the code {self._world.failed} ({text}).")
        return parted

    def _message(self, rank: int) -> np.ndarray:
        message: np.ndarray = self._blocks[rank].view(np.uint8)[4 * MESSAGE :]
        return message

    def _find_out(self, purpose: str, error: BaseException | None) -> BaseException:
        """What has happened at a meeting of ranks with different purposes; all of them ask."""
        kinds = self._blocks[:, 0].tolist()
        texts = [bytes(self._message(rank)[:_TEXT]).rstrip(b"\0") for rank in range(self.size)]
        if _FAILED in kinds:
            told = self.communicator.allgather(None if error is None else _describe(error))
            failed = next(rank for rank, text in enumerate(told) if text is not None)
            return OtherRankFailed(
                f"Process {failed} of the {self.size} that run this network together has failed:"
                f" {told[failed]}"
            )
        if _ENDED in kinds:
            ended = [rank for rank, kind in enumerate(kinds) if kind == _ENDED]
            self._over = (
                f"Process {ended[0]} of {self.size} has come to the end of the script, while others"
                f" have not ({purpose}). {_SAME_WAY}"
            )
            return RanksParted(self._over)
        ways = {
            rank: "an exchange within a time step"
            if kind == 1
            else texts[rank].decode("utf-8", "replace")
            for rank, kind in enumerate(kinds)
        }
        other = next((r for r in ways if ways[r] != ways[self.rank]), (self.rank + 1) % self.size)
        return RanksParted(
            f"Process {self.rank} of {self.size} has come to: {ways[self.rank]}. Process {other}"
            f" has come to: {ways[other]}. {_SAME_WAY}"
        )

    @contextmanager
    def all_or_none(self, purpose: str) -> Iterator[None]:
        """Within this something may fail on some ranks: then it has failed on all.

        Raises
        ------
        OtherRankFailed
            Where there was no error here.
        """
        try:
            yield
        except BaseException as error:
            self.announce(error)
            raise
        self.meet(purpose)

    def announce(self, error: BaseException) -> None:
        """Let the others know, at their next meeting, that this rank has failed."""
        if isinstance(error, OtherRankFailed | RanksParted):
            return  # they know
        self._meet(_FAILED, "a failure")
        self._find_out("", error)

    def same(self, what: str, digest: bytes, remedy: str) -> None:
        """Check that something is the same on all ranks.

        Raises
        ------
        RanksParted
            With what differs, and `remedy`.
        """
        facts = self.meet(f"the comparison of {what}", digest[:_FACT])
        for rank, fact in enumerate(facts):
            if fact != facts[0]:
                raise RanksParted(f"Processes 0 and {rank} differ in {what}. {remedy}")

    # -- values --------------------------------------------------------------------
    def gather(self, purpose: str, values: np.ndarray) -> list[np.ndarray]:
        """The values of all ranks, which may have different numbers of them.

        Parameters
        ----------
        purpose : str
            The same for all.
        values : array
            Without gaps.
        """
        facts = self.meet(purpose, np.int64(values.nbytes).tobytes())
        counts = [int(np.frombuffer(fact[:8], dtype=np.int64)[0]) for fact in facts]
        try:
            received = np.empty(sum(counts), dtype=np.uint8)
        except MemoryError:
            self.abort(f"it has no memory for {sum(counts)} bytes ({purpose}).")
            raise
        places = np.concatenate([[0], np.cumsum(counts)])
        self._gather(np.ascontiguousarray(values).reshape(-1).view(np.uint8), received, counts)
        return [
            received[begin:end].view(values.dtype).reshape(-1, *values.shape[1:])
            for begin, end in pairwise(places)
        ]

    def _gather(self, sent: np.ndarray, received: np.ndarray, counts: Sequence[int]) -> None:
        """In pieces that MPI can count."""
        places = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        piece = max((2**31 - 1) // self.size // 8 * 8, 8)
        for first in range(0, max(counts, default=0), piece):
            now = [min(max(count - first, 0), piece) for count in counts]
            starts = [
                int(place) + min(first, count) for place, count in zip(places, counts, strict=False)
            ]
            mine = sent[first : first + piece]
            if max(starts) < 2**31:
                self.communicator.Allgatherv(mine, [received, now, starts, _byte()])
                continue
            for rank in range(self.size):
                part = received[starts[rank] : starts[rank] + now[rank]]
                if rank == self.rank:
                    part[:] = mine
                self.communicator.Bcast([part, now[rank], _byte()], root=rank)

    def any(self, purpose: str, here: bool) -> bool:
        """Whether something is so on any rank.

        Parameters
        ----------
        purpose : str
            The same for all.
        here : bool
            Whether it is on this one.
        """
        return any(fact[0] for fact in self.meet(purpose, bytes([here])))

    def least(self, purpose: str, values: np.ndarray) -> None:
        """Let all ranks have the least values of any of them, in place.

        Parameters
        ----------
        purpose : str
            The same for all.
        values : array
            Of the same shape on all.
        """
        from mpi4py import MPI

        self.meet(purpose)
        self.communicator.Allreduce(MPI.IN_PLACE, values, op=MPI.MIN)

    def united(self, purpose: str, bits: np.ndarray) -> None:
        """Let all ranks have the bits that are set on any of them, in place.

        Parameters
        ----------
        purpose : str
            The same for all.
        bits : array of whole numbers
            Of the same shape on all.
        """
        from mpi4py import MPI

        self.meet(purpose)
        self.communicator.Allreduce(MPI.IN_PLACE, bits, op=MPI.BOR)

    def complete(
        self, purpose: str, parts: Sequence[tuple[np.ndarray, Sequence[int] | np.ndarray]]
    ) -> None:
        """Let arrays of elements have the values that each rank has for its own ones.

        Parameters
        ----------
        purpose : str
            The same for all.
        parts : sequence of (array, places)
            Where the elements of each rank begin; the last place is their end.
        """
        own = [
            array[places[self.rank] : places[self.rank + 1]].reshape(-1).view(np.uint8)
            for array, places in parts
        ]
        gathered = self.gather(purpose, np.concatenate([*own, np.empty(0, dtype=np.uint8)]))
        for rank, received in enumerate(gathered):
            begin = 0
            for array, places in parts:
                range_of = array[places[rank] : places[rank + 1]]
                end = begin + range_of.nbytes
                range_of[...] = received[begin:end].view(array.dtype).reshape(range_of.shape)
                begin = end

    # -- the end ---------------------------------------------------------------------
    def guard(self) -> None:
        """Let no rank leave the others waiting: what ends one of them ends all."""
        previous = sys.excepthook

        def tell_and_end(
            kind: type[BaseException], error: BaseException, trace: TracebackType | None
        ) -> None:
            previous(kind, error, trace)
            self.abort(f"it has failed: {_describe(error)}", code=1)

        sys.excepthook = tell_and_end
        atexit.register(self.end)

    def end(self) -> None:
        """Tell the others that this rank's script has ended, and wait for them."""
        if self._ended or self._over:
            return
        self._ended = True
        if self._meet(_ENDED, "the end of the script"):
            self._find_out("the end of the script", None)

    @property
    def is_over(self) -> bool:
        """Whether there are no meetings any more, as a rank has come to its end."""
        return bool(self._over)

    def abort(self, why: str, code: int = 1) -> None:
        """End all ranks now."""
        sys.stdout.flush()
        print(
            f"Process {self.rank} of {self.size} ends all of them: {why}",
            file=sys.stderr,
            flush=True,
        )
        self.communicator.Abort(code)


_SAME_WAY = (
    "All processes have to take the same way through the script: what depends on the process"
    " (its rank, the time, numbers that were drawn without a seed) must not decide what is run, set"
    " or read. If they are to do different things, write set_device('genn', mpi=False)."
)


def _describe(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip()


def _byte() -> Any:
    from mpi4py import MPI

    return MPI.BYTE


def _handle(mpi: Any, thing: Any) -> int:
    """What an object of MPI is called in C, as a number."""
    return int(mpi._handleof(thing))
