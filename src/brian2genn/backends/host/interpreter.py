"""Set-up code executed by an interpreter, which takes less time than to compile it."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from ctypes import POINTER, byref, c_double, c_int32, c_int64, c_void_p
from functools import cache
from pathlib import Path

import numpy as np

from ...codegen.instructions import BYTES, Instructions, NotInterpreted, instructions_of
from ...model.dtypes import BOOL, FLOAT64
from ...model.names import Names
from ...model.network import Network
from ...model.setup import Connect, ConnectPairs, ElementStep, Iteration, SetupStep
from . import toolchain
from .setup import Connections, Pairs, execute
from .structures import Context, bind_arrays

#: Instructions times elements from which on compiled code is done sooner, compiling included: of
#: all executions of a program together, as it is compiled once.
_MOST = 3 * 10**7

#: How many have been executed of each program.
_done: dict[str, float] = {}

#: How many of all pairs a sample is taken to have, for that, where nobody knows.
_SAMPLED = 0.1

_KINDS = {"assign": 0, "read": 1, "connect": 2}
_ITERATIONS = {
    Iteration.RANGE: 0,
    Iteration.SAMPLE_BY_PROBABILITY: 1,
    Iteration.SAMPLE_BY_SIZE: 2,
}


class _Part(ctypes.Structure):
    """A ``b2g_part``."""

    _fields_ = (("code", c_void_p), ("length", c_int64))


#: Registers of a pattern, in the order of the structure.
_GIVEN = ("row", "raw_row", "inner", "partner", "raw_partner")
_COMPUTED = ("low", "high", "step", "sample", "computed_partner", "count")


class _Program(ctypes.Structure):
    """A ``b2g_setup_program``."""

    _fields_ = (
        ("parts", POINTER(_Part)),
        ("n_registers", c_int64),
        ("n_elements", c_int64),
        ("indices", c_void_p),
        ("condition", c_int32),
        ("n_stores", c_int32),
        ("stores", c_void_p),
        ("buffered", c_int32),
        ("result", c_int32),
        ("result_bytes", c_int32),
        ("n_rows", c_int64),
        ("n_partners", c_int64),
        ("row_offset", c_int64),
        ("partner_offset", c_int64),
        ("iteration", c_int32),
        ("condition_on_row", c_int32),
        ("check_first", c_int32),
        ("skip_invalid", c_int32),
        ("outer_is_pre", c_int32),
        *((name, c_int32) for name in (*_GIVEN, *_COMPUTED)),
    )


#: The files of the interpreter: each uses what stands in those before it.
_FILES = ("machine", "setup")


@cache
def _library() -> ctypes.CDLL:
    """The interpreter, compiled once per machine."""
    folder = Path(__file__).with_name("interpret")
    text = "".join((folder / f"{name}.c").read_text("utf-8") for name in _FILES)
    library = toolchain.compile_library(toolchain.find().for_interpreter(), text, "interpreter")
    library.setup_interpret.argtypes = [
        POINTER(Context), POINTER(Pairs), c_double, c_int32, POINTER(_Program), c_int64, c_void_p,
        c_void_p,
    ]  # fmt: skip
    library.setup_interpret.restype = c_int64
    return library


def prepare() -> None:
    """Compile what interprets, if that was not done."""
    _library()


class InterpretedSetup:
    """A set-up program that is interpreted; used as a `SetupProgram`.

    Parameters
    ----------
    network : Network
        With a single set-up step.
    arrays : mapping of str to sequence
        What the step works on.
    params : mapping
        Its numbers.

    Raises
    ------
    NotInterpreted
        If it has to be compiled, or that would be quicker.
    ToolchainError, CompileError
        Where there is no compiler.
    """

    def __init__(
        self,
        network: Network,
        lengths: Mapping[str, int],
        params: Mapping[str, float | int],
    ) -> None:
        self._instructions = instructions_of(network)
        (step,) = network.steps
        assert isinstance(step, SetupStep)
        self._step: SetupStep = step
        text = self._instructions.text()
        work = (1 + self._instructions.length()) * _elements(step, lengths, params)
        if _done.get(text, 0.0) + work > _MOST:
            raise NotInterpreted
        _done[text] = _done.get(text, 0.0) + work

    def run(
        self,
        arrays: Mapping[str, np.ndarray],
        params: Mapping[str, float | int],
        key: int,
        connections: Connections | None = None,
        names: Names | None = None,
    ) -> int:
        """Execute the program; see `SetupProgram.run`."""
        instructions, step = self._instructions, self._step
        context = Context()
        keep = bind_arrays(
            context, instructions.arrays, [arrays[name] for name in instructions.arrays]
        )
        context.seed = key
        program = _Program(n_registers=instructions.registers, condition=instructions.condition)
        codes = [np.array(part, dtype=np.int32).reshape(-1, 6) for part in instructions.parts]
        program.parts = (_Part * max(len(codes), 1))(
            *(_Part(code.ctypes.data, len(code)) for code in codes)
        )
        stores = np.array(instructions.stores, dtype=np.int32).reshape(-1, 5)
        program.stores, program.n_stores = stores.ctypes.data, len(stores)
        program.buffered = instructions.buffered
        if isinstance(step, Connect):
            _fill_pattern(program, step, instructions, params)
        elif isinstance(step, ConnectPairs):
            program.n_elements = int(params[step.size])
        else:
            assert isinstance(step, ElementStep)
            if step.indices is None:
                program.n_elements = int(params[str(step.size)])
            else:
                indices = arrays[step.indices]
                program.indices, program.n_elements = indices.ctypes.data, len(indices)
            if instructions.kind == "read":
                program.result = instructions.arrays.index(step.result)  # type: ignore[attr-defined]
                program.result_bytes = stores[0, 4] if len(stores) else 4
        fixed, widths = _fixed(instructions, params)
        pairs = Pairs() if connections is None else connections.pairs

        def call(seconds: float) -> int:
            result: int = _library().setup_interpret(
                byref(context), byref(pairs), seconds, _KINDS[instructions.kind], byref(program),
                len(widths), fixed.ctypes.data, widths.ctypes.data,
            )  # fmt: skip
            return result

        rows = params[step.rows] if isinstance(step, Connect) else None
        result = execute(call, pairs, (names or Names()).tell(step.origin), rows)
        del keep
        return result


def _elements(
    step: SetupStep, lengths: Mapping[str, int], params: Mapping[str, float | int]
) -> float:
    """How many elements a step is about, nearly."""
    if isinstance(step, Connect):
        rows, partners = float(params[step.rows]), float(params[step.partners])
        if step.iteration is Iteration.RANGE:
            return rows * partners
        chosen = step.kernel.outputs[step.limits()[-1]]
        if chosen.op not in ("const", "param"):
            return _SAMPLED * rows * partners
        value = float(params[chosen.attr] if chosen.op == "param" else chosen.attr)
        by_size = step.iteration is Iteration.SAMPLE_BY_SIZE
        return rows * (1 + (value if by_size else value * partners))
    if isinstance(step, ConnectPairs):
        return float(params[step.size])
    assert isinstance(step, ElementStep)
    return float(params[str(step.size)] if step.indices is None else lengths[step.indices])


def _fixed(
    instructions: Instructions, params: Mapping[str, float | int]
) -> tuple[np.ndarray, np.ndarray]:
    """The values of the first registers, and how many bytes they have."""
    values = np.zeros(max(len(instructions.fixed), 1), dtype=np.uint64)
    for number, (dtype, value) in enumerate(instructions.fixed):
        found = params[value] if isinstance(value, str) else value
        if dtype == FLOAT64:
            values.view(np.float64)[number] = found
        elif dtype == BOOL:
            values[number] = bool(found)
        else:
            values.view(np.int64)[number] = int(found)
    widths = np.array([BYTES[dtype] for dtype, _ in instructions.fixed], dtype=np.int32)
    return values, widths


def _fill_pattern(
    program: _Program,
    step: Connect,
    instructions: Instructions,
    params: Mapping[str, float | int],
) -> None:
    program.n_rows, program.n_partners = int(params[step.rows]), int(params[step.partners])
    program.row_offset = int(params[step.row_offset])
    program.partner_offset = int(params[step.partner_offset])
    program.iteration = _ITERATIONS[step.iteration]
    program.condition_on_row = step.condition_on_row
    program.check_first = step.check_first
    program.skip_invalid = step.skip_invalid
    program.outer_is_pre = step.outer_is_pre
    for name in (*_GIVEN, *_COMPUTED):
        setattr(program, name, instructions.named[name])
