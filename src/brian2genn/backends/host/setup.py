"""Compiled set-up code: executed once, outside of any run."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from ctypes import POINTER, byref, c_double, c_int32, c_int64, c_uint64, c_void_p

import numpy as np

from ...codegen.c.program import Source
from ...codegen.c.setup import print_setup
from ...model.names import Names
from ...model.network import Network
from ...model.setup import Connect
from ..progress import Line
from . import toolchain
from .structures import Context, bind_arrays, missed, support

#: Seconds in compiled code after which Ctrl-C is seen.
_LONGEST_STAY = 0.2

_NO_MEMORY, _TIME_USED, _MISSED = -1, -2, -8


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
        ("choice", _Choice),
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


OUT_OF_RANGE, NEGATIVE_SAMPLE, SAMPLE_TOO_LARGE, ZERO_STEP, TOO_MANY = -3, -4, -5, -6, -7


class Connections:
    """New synapses: `pre` and `post` are views that live as long as this object."""

    def __init__(self) -> None:
        self.pairs = Pairs()
        self._release = support().b2g_setup_release

    def _view(self, address: int) -> np.ndarray:
        count = int(self.pairs.count)
        if count == 0:
            return np.empty(0, dtype=np.int32)
        return np.ctypeslib.as_array((c_int32 * count).from_address(address))

    @property
    def pre(self) -> np.ndarray:
        return self._view(self.pairs.pre)

    @property
    def post(self) -> np.ndarray:
        return self._view(self.pairs.post)

    def release(self) -> None:
        """Give the memory back; the views are invalid from now on."""
        for address in (
            self.pairs.pre, self.pairs.post,
            self.pairs.choice.bits, self.pairs.choice.summary,
        ):  # fmt: skip
            self._release(address)
        self.pairs = Pairs()


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

    Raises
    ------
    ToolchainError, CompileError
        Where there is no compiler, or it refuses the program.
    """

    def __init__(self, network: Network) -> None:
        (self._step,) = network.steps
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
        pairs = Pairs() if connections is None else connections.pairs

        def call(seconds: float) -> int:
            result = self._run(byref(context), byref(pairs), seconds)
            if result == _MISSED:
                raise missed(self._library, self.source.views)
            return result

        rows = params[self._step.rows] if isinstance(self._step, Connect) else None
        result = execute(call, pairs, (names or Names()).tell(self.source.steps[0]), rows)
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
    if result == _NO_MEMORY:
        raise MemoryError(f"There is no memory left for the {step}.")
    if result < 0:
        raise SetupError(result, pairs.wrong, pairs.limit)
    return result
