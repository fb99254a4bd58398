"""The structures of ``brian2genn_runtime.h`` and the support library's functions."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import POINTER, c_double, c_int32, c_int64, c_ssize_t, c_uint32, c_uint64, c_void_p
from functools import cache
from pathlib import Path

import numpy as np

from . import toolchain


class Clock(ctypes.Structure):
    """A ``b2g_clock``."""

    _fields_ = (
        ("t", c_void_p),
        ("timestep", c_void_p),
        ("dt", c_double),
        ("times", c_void_p),
        ("end", c_int64),
        ("active", c_int32),
    )


#: B2G_TRIALS.
_TRIALS = 8

#: B2G_PAIRS.
_PAIRS = 5


class Effort(ctypes.Structure):
    """A ``b2g_effort``."""

    _fields_ = (
        ("parts", c_int32),
        ("left", c_int32),
        ("wait", c_int32),
        ("candidate", c_int32),
        ("absent", c_int32),
        ("trials", c_int32 * 2),
        ("tried", c_double * _TRIALS * 2),
        ("best", c_double),
        ("usual", c_double),
        ("shared", c_int64),
        ("times", c_int64),
    )


class Pace(ctypes.Structure):
    """A ``b2g_pace``."""

    _fields_ = (
        ("alone", c_int32),
        ("comparing", c_int32),
        ("several", c_int32),
        ("windows", c_int32),
        ("measured", c_int32),
        ("left", c_int64),
        ("wait", c_int64),
        ("steps", c_int64),
        ("cost", c_int64),
        ("began", c_double),
        ("tried", c_double * _PAIRS * 2),
        ("times", c_int64),
        ("times_alone", c_int64),
    )


class Resting(ctypes.Structure):
    """A ``b2g_resting``."""

    _fields_ = (
        ("list", c_void_p),
        ("n", c_int64),
        ("capacity", c_int64),
        ("known", c_int32),
        ("wait", c_int32),
    )


class PutOff(ctypes.Structure):
    """A ``b2g_put_off``."""

    _fields_ = (
        ("done", c_void_p),
        ("values", c_void_p),
        ("n", c_int64),
        ("reached", c_int64),
        ("noted", c_int32),
        ("wait", c_int32),
    )


class Sum(ctypes.Structure):
    """A ``b2g_sum``."""

    _fields_ = (
        ("tables", POINTER(c_void_p)),
        ("used", POINTER(c_void_p)),
        ("n_used", c_void_p),
        ("n_slices", c_int64),
        ("n_targets", c_int64),
        ("targets", c_void_p),
        ("lengths", c_void_p),
        ("starts", c_void_p),
        ("order", c_void_p),
        ("copies", POINTER(c_void_p)),
        ("n_rows", c_int64),
        ("row_starts", c_void_p),
        ("row_targets", c_void_p),
        ("all_once", c_int64),
        ("alike", c_int64),
        ("n_stretches", c_int64),
        ("stretch_starts", c_void_p),
    )


class Miss(ctypes.Structure):
    """A ``b2g_miss``."""

    _fields_ = (("view", c_int64), ("index", c_int64), ("size", c_int64))


class Context(ctypes.Structure):
    """A ``b2g_context``."""

    _fields_ = (
        ("arrays", POINTER(c_void_p)),
        ("numbers", POINTER(c_double)),
        ("integers", POINTER(c_int64)),
        ("lengths", POINTER(c_int64)),
        ("constants", c_void_p),
        ("literals", POINTER(c_double)),
        ("queues", POINTER(c_void_p)),
        ("recorders", POINTER(c_void_p)),
        ("shapes", POINTER(c_int64)),
        ("sums", POINTER(c_void_p)),
        ("step", c_int32),
        ("stream", c_uint32),
        ("seed", c_uint64),
        ("random_step", c_uint64),
        ("clocks", POINTER(Clock)),
        ("n_clocks", c_int32),
        ("efforts", POINTER(Effort)),
        ("resting", POINTER(Resting)),
        ("put_off", POINTER(PutOff)),
        ("pace", POINTER(Pace)),
        ("together", c_void_p),
        ("threads", c_int32),
        ("always", c_int32),
        ("only", c_int32),
        ("seconds", POINTER(c_double)),
        ("error", c_int32),
        ("error_step", c_int32),
        ("ranks", c_void_p),
        ("exchange", c_void_p),
        ("collect", c_void_p),
        ("receive", c_void_p),
        ("late", c_void_p),
        ("most", c_int64),
        ("last", c_int64),
        ("scopes", c_void_p),
        ("bringing", c_void_p),
        ("unused", c_int64),
    )


class World(ctypes.Structure):
    """A ``b2g_world``."""

    _fields_ = (
        ("rank", c_int32),
        ("ranks", c_int32),
        ("grain", c_int32),
        ("communicator", c_ssize_t),
        ("byte", c_ssize_t),
        ("iallgather", c_void_p),
        ("wait", c_void_p),
        ("allgatherv", c_void_p),
        ("request", c_ssize_t),
        ("own", c_void_p),
        ("blocks", c_void_p),
        ("told", c_void_p),
        ("counts", c_void_p),
        ("places", c_void_p),
        ("sequence", c_int64),
        ("sent", c_int64),
        ("exchanges", c_int64),
        ("seconds", c_double),
        ("failed", c_int32),
        ("is_long", c_int32),
        ("has_begun", c_int32),
        ("send", c_void_p),
        ("receive", c_void_p),
        ("send_capacity", c_int64),
        ("receive_capacity", c_int64),
    )


class Late(ctypes.Structure):
    """A ``b2g_late``."""

    _fields_ = (
        ("window", c_int32),
        ("steps", c_int32),
        ("events", c_void_p),
        ("used", c_int64),
        ("capacity", c_int64),
        ("pushes", c_void_p),
        ("n_lists", c_int32),
        ("n_pushes", c_int32),
        ("travelling", c_int32),
    )


#: Numbers in a block with which ranks meet, and where its message begins: as in brian2genn_ranks.h.
BLOCK, MESSAGE = 64, 4


def bind_arrays(
    context: Context,
    names: Sequence[str],
    arrays: Sequence[np.ndarray],
    again: Sequence[int] = (),
) -> object:
    """Tell a program where its arrays lie.

    Parameters
    ----------
    context : Context
    names : sequence of str
        Of the arrays, for people.
    arrays : sequence of array
    again : sequence of int
        Which of them follow once more.

    Returns
    -------
    object
        What has to be kept, beside the arrays, as long as the program may use them.

    Raises
    ------
    ValueError
        For an array whose elements are not next to each other.
    """
    lengths = np.array([array.shape[0] if array.ndim else 1 for array in arrays], dtype=np.int64)
    shapes = np.ones((len(arrays), 2), dtype=np.int64)
    for name, array, shape in zip(names, arrays, shapes, strict=True):
        if array.ndim == 2:
            # rows may have room for more columns behind them
            shape[:] = array.shape[1], array.strides[0] // array.itemsize
        neighbours = array.flags.c_contiguous or array.strides[-1] == array.itemsize
        if not (neighbours if array.ndim == 2 else array.flags.c_contiguous):
            raise ValueError(f"the array '{name}' is not contiguous")
    pointers = np.array([array.ctypes.data for array in arrays], dtype=np.uintp)
    if len(again):
        pointers, lengths, shapes = (
            np.concatenate([table, table[np.asarray(again)]])
            for table in (pointers, lengths, shapes)
        )
    context.arrays = pointers.ctypes.data_as(POINTER(c_void_p))
    context.lengths = lengths.ctypes.data_as(POINTER(c_int64))
    context.shapes = shapes.ctypes.data_as(POINTER(c_int64))
    return pointers, lengths, shapes


class Brought(ctypes.Structure):
    """A ``b2g_brought_values``."""

    _fields_ = (("values", c_void_p), ("bytes", c_int32), ("place", c_int32))


def missed(library: ctypes.CDLL, views: Sequence[str]) -> IndexError:
    """The error for what a user's function has looked for in vain."""
    library.program_missed.restype = Miss
    miss = library.program_missed()
    return IndexError(
        f"A C++ function looked for element {miss.index} of {views[miss.view]}, along a dimension"
        f" with {miss.size} elements."
    )


class Thrown(ctypes.Structure):
    """A ``b2g_exception``."""

    _fields_ = (
        ("is_there", c_int32),
        ("function", ctypes.c_char * 64),
        ("what", ctypes.c_char * 192),
    )


def thrown(library: ctypes.CDLL) -> RuntimeError:
    """The error for what a user's function has thrown."""
    library.program_thrown.restype = Thrown
    found = library.program_thrown()
    name, what = (text.decode(errors="replace") for text in (found.function, found.what))
    return RuntimeError(
        f"The C++ function '{name}' has thrown an exception"
        + (f": {what}." if what else " that is no std::exception.")
    )


_FUNCTIONS: dict[str, tuple[object, list[object]]] = {
    "b2g_meet": (c_int32, [POINTER(World)]),
    "b2g_flush": (c_int32, [POINTER(Context)]),
    "b2g_queue_shortest": (c_int32, [c_void_p]),
    "b2g_together": (c_int32, [c_void_p, c_void_p, c_int32]),
    "b2g_setup_release": (None, [c_void_p]),
    "b2g_count": (None, [c_void_p, c_int64, c_void_p]),
    "b2g_digest": (c_uint64, [c_void_p, c_int64]),
    "b2g_synapse_numbers": (
        c_int32,
        [c_void_p, c_void_p, c_int64, c_int64, c_int64, c_void_p],
    ),
    "b2g_recorder_new": (c_void_p, [c_int32, c_void_p]),
    "b2g_recorder_rows": (c_int64, [c_void_p]),
    "b2g_recorder_data": (c_void_p, [c_void_p, c_int32]),
    "b2g_recorder_clear": (None, [c_void_p]),
    "b2g_queue_all": (c_int32, [c_void_p, c_void_p, c_int64]),
    "b2g_queue_divide": (c_int32, [c_void_p, c_void_p, c_int64, c_int32]),
    "b2g_queue_find_neighbours": (c_int32, [c_void_p, c_void_p]),
    "b2g_recorder_lend": (None, [c_void_p, c_int32, c_void_p, c_int64]),
    "b2g_recorder_is_lent": (c_int32, [c_void_p, c_int32]),
    "b2g_recorder_free": (None, [c_void_p]),
    "b2g_queue_new": (c_void_p, [c_int32, c_int32]),
    "b2g_queue_free": (None, [c_void_p]),
    "b2g_queue_count": (c_int64, [c_void_p, c_int32]),
    "b2g_queue_synapses": (None, [c_void_p, c_int32, c_void_p]),
    "b2g_queue_slots": (c_int32, [c_void_p]),
    "b2g_queue_largest": (c_int32, [c_void_p]),
    "b2g_queue_head": (c_int32, [c_void_p]),
    "b2g_queue_push": (c_int32, [c_void_p, c_void_p, c_int64]),
    "b2g_queue_advance": (None, [c_void_p]),
    "b2g_queue_order": (c_void_p, [c_void_p]),
    "b2g_queue_divided_order": (c_void_p, [c_void_p]),
    "b2g_queue_renumber": (c_int32, [c_void_p, c_void_p, c_void_p, c_int32]),
    "b2g_queue_is_sorted": (c_int32, [c_void_p, c_void_p]),
    "b2g_queue_sort": (c_int32, [c_void_p, c_void_p, c_void_p]),
    "b2g_queue_restore_numbers": (c_int32, [c_void_p]),
    "b2g_queue_bring": (
        c_int32,
        [c_void_p, c_int32, c_void_p, c_int64],
    ),
    "b2g_queue_brings": (c_int32, [c_void_p]),
    "b2g_queue_runs": (c_int64, [c_void_p]),
    "b2g_queue_is_whole": (c_int32, [c_void_p]),
    "b2g_queue_has_one_delay": (c_int32, [c_void_p]),
    "b2g_queue_keys": (None, [c_void_p, c_void_p]),
    "b2g_queue_rearranged": (c_int32, [c_void_p]),
    "b2g_queue_loosen": (c_int32, [c_void_p]),
    "b2g_queue_runs_of": (c_int64, [c_void_p, c_void_p, c_void_p]),
    "b2g_earliest": (None, [c_void_p, c_void_p, c_void_p, c_int64, c_int64, c_void_p]),
    "b2g_queue_forget": (None, [c_void_p]),
    "b2g_queue_set": (c_int32, [c_void_p, c_int32, c_int32, c_void_p, c_void_p]),
    "b2g_queue_prepare": (
        c_int32,
        [c_void_p, c_void_p, c_int64, c_double, c_void_p, c_int64],
    ),
}


#: The files of the support library: each uses what stands in those before it.
_SUPPORT_FILES = (
    "library", "digest", "setup", "recorders", "payload", "queues", "arrangement", "parts", "runs",
)  # fmt: skip


def support_text() -> str:
    """The support library's C text: its files, one after the other."""
    folder = Path(__file__).with_name("support")
    return "\n".join((folder / f"{name}.c").read_text("utf-8") for name in _SUPPORT_FILES)


@cache
def support() -> ctypes.CDLL:
    """The support library, compiled once per machine.

    Raises
    ------
    ToolchainError
        Where there is no compiler.
    """
    compiler = toolchain.find().for_support()
    library = toolchain.compile_library(compiler, support_text(), "support")
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library
