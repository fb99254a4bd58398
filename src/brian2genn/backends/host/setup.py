"""Compiled set-up code: executed once, outside of any run."""

from __future__ import annotations

import ctypes
import itertools
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from ctypes import POINTER, byref, c_double, c_int32, c_int64, c_uint64, c_void_p
from functools import partial

import numpy as np

from ...codegen.c.program import Source
from ...codegen.c.setup import print_setup
from ...model.names import Names
from ...model.network import Network
from ...model.setup import Connect
from ...transforms.pipeline import FOR_SETUP, lower
from ..progress import Line
from . import toolchain
from .structures import Context, bind_arrays, missed, support, thrown

#: Seconds in compiled code after which Ctrl-C is seen.
_LONGEST_STAY = 0.2

_NO_MEMORY, _TIME_USED, _MISSED, _THROWN = -1, -2, -8, -9


class _Choice(ctypes.Structure):
    """A ``b2g_choice``."""

    _fields_ = (
        ("bits", c_void_p),
        ("summary", c_void_p),
        ("words", c_int64),
        ("n", c_int64),
        ("word", c_int64),
        ("current", c_uint64),
        ("inverted", c_int32),
    )


class Pairs(ctypes.Structure):
    """A ``b2g_pairs``."""

    _fields_ = (
        ("pre", c_void_p),
        ("post", c_void_p),
        ("count", c_int64),
        ("capacity", c_int64),
        ("row", c_int64),
        ("wrong", c_int64),
        ("limit", c_int64),
        ("is_part", c_int32),
        ("of_pre", c_int32),
        ("lower", c_int32),
        ("upper", c_int32),
        ("numbers", c_void_p),
        ("all", c_int64),
        ("numbers_capacity", c_int64),
        ("choice", _Choice),
        ("end", c_int64),
    )


class SetupError(Exception):
    """A set-up program met something that is an error in Brian, too.

    Attributes
    ----------
    kind : int
        Which of the errors in ``brian2genn_setup.h``.
    wrong, limit : int
        The number that is wrong, and what it should not exceed.
    """

    def __init__(self, kind: int, wrong: int, limit: int) -> None:
        super().__init__(kind)
        self.kind, self.wrong, self.limit = kind, wrong, limit


#: Pairs of neurons from which on a pattern is made by several threads, and the parts for each.
_WORTH_SHARING, _PARTS = 200_000, 8

#: Synapses from which on several threads copy them.
_WORTH_COPYING = 500_000

OUT_OF_RANGE, NEGATIVE_SAMPLE, SAMPLE_TOO_LARGE, ZERO_STEP, TOO_MANY = -3, -4, -5, -6, -7


class Connections:
    """New synapses, of one row of a pattern after the other.

    Parameters
    ----------
    part : (bool, int, int), optional
        Which synapses are wanted: whether by the presynaptic neuron or the postsynaptic one, the
        first of these neurons, and the one behind the last. Then there are `numbers`, too.
    """

    def __init__(self, part: tuple[bool, int, int] | None = None) -> None:
        self._part = part
        #: lists of neurons, of ranges of rows
        self.parts = [self.list()]
        self._release = support().b2g_setup_release

    def list(self, **rows: int) -> Pairs:
        """A list for the synapses of some rows."""
        pairs = Pairs(**rows)
        if self._part is not None:
            pairs.is_part = True
            pairs.of_pre, pairs.lower, pairs.upper = self._part
        return pairs

    @property
    def all(self) -> int:
        """How many synapses the pattern makes, wanted or not."""
        return sum(int(pairs.all) for pairs in self.parts)

    @property
    def pairs(self) -> Pairs:
        """The only list."""
        (pairs,) = self.parts
        return pairs

    @property
    def count(self) -> int:
        """How many synapses there are."""
        return sum(int(pairs.count) for pairs in self.parts)

    def fill(self, pre: np.ndarray, post: np.ndarray, threads: int = 1) -> None:
        """Copy the neurons of all synapses.

        Parameters
        ----------
        pre, post : array of int32
            Take the numbers of the neurons.
        threads : int, optional
            How many copy.
        """
        copies = []
        place = 0
        for pairs in self.parts:
            n = int(pairs.count)
            for address, into in ((pairs.pre, pre), (pairs.post, post)):
                copies.append((into[place : place + n], _view(address, n)))
            place += n

        def copy(number: int) -> None:
            into, values = copies[number]
            into[:] = values

        side_by_side(copy, len(copies), threads if place >= _WORTH_COPYING else 1)

    @property
    def pre(self) -> np.ndarray:
        """The presynaptic neurons, a copy."""
        return np.concatenate([_view(pairs.pre, int(pairs.count)) for pairs in self.parts])

    @property
    def post(self) -> np.ndarray:
        """The postsynaptic neurons, a copy."""
        return np.concatenate([_view(pairs.post, int(pairs.count)) for pairs in self.parts])

    @property
    def numbers(self) -> np.ndarray:
        """Those of the synapses among all that the pattern makes."""
        firsts = itertools.accumulate((int(pairs.all) for pairs in self.parts), initial=0)
        return np.concatenate(
            [
                _view(pairs.numbers, int(pairs.count)) + np.int32(first)
                for pairs, first in zip(self.parts, firsts, strict=False)
            ]
        )

    def release(self) -> None:
        """Give the memory back."""
        for pairs in self.parts:
            for address in (
                pairs.pre,
                pairs.post,
                pairs.numbers,
                pairs.choice.bits,
                pairs.choice.summary,
            ):
                self._release(address)
        self.parts = [Pairs()]


def _view(address: int, n: int) -> np.ndarray:
    """A list of neurons where it lies."""
    if n == 0:
        return np.empty(0, dtype=np.int32)
    return np.ctypeslib.as_array((c_int32 * n).from_address(address))


def count(neurons: np.ndarray, counts: np.ndarray) -> None:
    """Add to `counts` how often each neuron is listed (both ``int32``)."""
    support().b2g_count(neurons.ctypes.data, len(neurons), counts.ctypes.data)


def number_synapses(pre: np.ndarray, post: np.ndarray, numbers: np.ndarray) -> None:
    """Set for every synapse how many before it connect the same two neurons.

    Raises
    ------
    MemoryError
    """
    if len(pre) and support().b2g_synapse_numbers(
        pre.ctypes.data, post.ctypes.data, len(pre), int(pre.max()) + 1, int(post.max()) + 1,
        numbers.ctypes.data,
    ):  # fmt: skip
        raise MemoryError("no memory to number the synapses")


class SetupProgram:
    """A set-up program compiled for this machine's processor.

    Parameters
    ----------
    network : Network
        With a single set-up step.
    threads : int, optional
        How many may make the rows of a pattern.

    Raises
    ------
    ToolchainError, CompileError
        Where there is no compiler, or it refuses the program.
    """

    def __init__(self, network: Network, threads: int = 1) -> None:
        (self._step,) = network.steps
        # users' functions stay on one thread
        self._threads = 1 if network.user_code else threads
        lower(network, FOR_SETUP)
        self.source: Source = print_setup(network)
        self._library = toolchain.compile_library(
            toolchain.find().for_setup().with_arguments(network.compiler),
            self.source.text,
            "setup",
            self.source.is_cpp,
        )
        self._run: Callable[..., int] = self._library.setup_run
        self._library.setup_run.argtypes = [POINTER(Context), POINTER(Pairs), c_double]
        self._library.setup_run.restype = c_int64

    def run(
        self,
        arrays: Mapping[str, np.ndarray],
        params: Mapping[str, float | int],
        key: int,
        connections: Connections | None = None,
        names: Names | None = None,
    ) -> int:
        """Execute the program.

        Parameters
        ----------
        arrays, params : mapping
            By name.
        key : int
            Key of the random streams, another one for every execution.
        connections : Connections, optional
            Takes new synapses.
        names : Names, optional
            What people call the objects.

        Returns
        -------
        int
            How many elements or synapses there are.

        Raises
        ------
        SetupError
            For what the script asks and cannot be done.
        MemoryError
        ValueError
            For an array whose elements are not next to each other.
        """
        chosen = [arrays[name] for name in self.source.arrays]
        context = Context()
        keep = bind_arrays(context, self.source.arrays, chosen)
        numbers = np.array([params[name] for name in self.source.numbers], dtype=np.float64)
        integers = np.array([params[name] for name in self.source.integers], dtype=np.int64)
        context.numbers = numbers.ctypes.data_as(POINTER(c_double))
        context.integers = integers.ctypes.data_as(POINTER(c_int64))
        context.seed = key
        context.random_step = 0

        def call(pairs: Pairs, seconds: float) -> int:
            result = self._run(byref(context), byref(pairs), seconds)
            if result == _MISSED:
                raise missed(self._library, self.source.views)
            if result == _THROWN:
                raise thrown(self._library)
            return result

        told = (names or Names()).tell(self.source.steps[0])
        step = self._step
        if isinstance(step, Connect) and connections is not None:
            rows, partners = int(params[step.rows]), int(params[step.partners])
            if self._threads > 1 and rows * partners >= _WORTH_SHARING:
                result = _by_rows(call, connections, told, rows, self._threads)
            else:
                result = execute(partial(call, connections.pairs), connections.pairs, told, rows)
        else:
            pairs = Pairs()
            result = execute(partial(call, pairs), pairs, told)
        del keep
        return result


def execute(
    call: Callable[[float], int], pairs: Pairs, step: str, rows: int | float | None = None
) -> int:
    """Execute a step until it is done; Ctrl-C is seen in between.

    Parameters
    ----------
    call : callable
        Executes some of it, for so many seconds at most.
    pairs : Pairs
    step : str
        What people call it.
    rows : int, optional
        How many rows a pattern has.

    Returns
    -------
    int
        How many elements or synapses there are.

    Raises
    ------
    SetupError
        For what the script asks and cannot be done.
    MemoryError
    """
    result, line = _TIME_USED, Line(step)
    try:
        while result == _TIME_USED:
            result = call(_LONGEST_STAY)
            line.show(pairs.row / rows if rows else None)
    finally:
        line.close()
    return _checked(result, pairs, step)


def _checked(result: int, pairs: Pairs, step: str) -> int:
    """What a program says, if it is no error."""
    if result == _NO_MEMORY:
        raise MemoryError(f"There is no memory left for the {step}.")
    if result < 0:
        raise SetupError(result, pairs.wrong, pairs.limit)
    return result


def _by_rows(
    call: Callable[[Pairs, float], int],
    connections: Connections,
    step: str,
    rows: int,
    threads: int,
) -> int:
    """Make the rows of a pattern in several threads.

    Rows know nothing of each other, not even by their random numbers, so the synapses, and an
    error, are those of one thread.
    """
    n_parts = min(rows, _PARTS * threads)
    bounds = [rows * part // n_parts for part in range(n_parts + 1)]
    parts = [connections.list(row=first, end=end) for first, end in itertools.pairwise(bounds)]
    connections.parts = parts
    results, stop, line = [0] * n_parts, threading.Event(), Line(step)

    def make(number: int) -> None:
        result = _TIME_USED
        while result == _TIME_USED and not stop.is_set():
            result = call(parts[number], _LONGEST_STAY)
            if threading.current_thread() is threading.main_thread():
                done = sum(part.row - first for part, first in zip(parts, bounds, strict=False))
                line.show(done / rows)
        results[number] = result
        if result == _NO_MEMORY:
            stop.set()

    try:
        side_by_side(make, n_parts, threads, stop)
    finally:
        line.close()
    for result, pairs in zip(results, parts, strict=True):
        _checked(_NO_MEMORY if result == _TIME_USED else result, pairs, step)
    if connections.all > np.iinfo(np.int32).max:
        raise SetupError(TOO_MANY, 0, 0)
    return connections.count


def side_by_side(
    do: Callable[[int], None], n: int, threads: int, stop: threading.Event | None = None
) -> None:
    """Do something for the numbers below n, in several threads; whoever is free takes the next one.

    Parameters
    ----------
    do : callable
        Told the number.
    n, threads : int
    stop : threading.Event, optional
        Ends it; it is set when one of the threads has failed, or was interrupted.
    """
    stop = threading.Event() if stop is None else stop
    numbers = iter(range(n))
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for number in numbers:
                if stop.is_set():
                    return
                do(number)
        except BaseException as error:
            failures.append(error)
            stop.set()

    others = [threading.Thread(target=work) for _ in range(min(threads, n) - 1)]
    try:
        for thread in others:
            with suppress(RuntimeError):  # no more threads can be had
                thread.start()
        work()
    finally:
        for thread in others:
            while thread.is_alive():
                try:
                    thread.join()
                except (
                    BaseException
                ) as error:  # Ctrl-C; what they write to must be there until then
                    failures.append(error)
                    stop.set()
    if failures:
        raise failures[0]
