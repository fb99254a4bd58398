"""The structures of ``brian2genn_runtime.h`` and the support library's functions."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_double, c_int32, c_int64, c_uint64, c_void_p
from functools import cache
from pathlib import Path

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


class Effort(ctypes.Structure):
    """A ``b2g_effort``."""

    _fields_ = (
        ("parts", c_int32),
        ("left", c_int32),
        ("candidate", c_int32),
        ("trials", c_int32),
        ("tried", c_double * _TRIALS),
        ("best", c_double),
        ("shared", c_int64),
        ("times", c_int64),
    )


class Context(ctypes.Structure):
    """A ``b2g_context``."""

    _fields_ = (
        ("arrays", POINTER(c_void_p)),
        ("numbers", POINTER(c_double)),
        ("integers", POINTER(c_int64)),
        ("lengths", POINTER(c_int64)),
        ("clocks", POINTER(Clock)),
        ("n_clocks", c_int32),
        ("queues", POINTER(c_void_p)),
        ("recorders", POINTER(c_void_p)),
        ("constants", c_void_p),
        ("efforts", POINTER(Effort)),
        ("together", c_void_p),
        ("threads", c_int32),
        ("always", c_int32),
        ("only", c_int32),
        ("seconds", POINTER(c_double)),
        ("seed", c_uint64),
        ("random_step", c_uint64),
        ("error", c_int32),
        ("error_step", c_int32),
    )


_FUNCTIONS: dict[str, tuple[object, list[object]]] = {
    "b2g_together": (None, [c_void_p, c_void_p, c_int32]),
    "b2g_setup_release": (None, [c_void_p]),
    "b2g_count": (None, [c_void_p, c_int64, c_void_p]),
    "b2g_synapse_numbers": (
        c_int32,
        [c_void_p, c_void_p, c_int64, c_int64, c_int64, c_void_p],
    ),
    "b2g_recorder_new": (c_void_p, [c_int32, c_void_p]),
    "b2g_recorder_rows": (c_int64, [c_void_p]),
    "b2g_recorder_data": (c_void_p, [c_void_p, c_int32]),
    "b2g_recorder_clear": (None, [c_void_p]),
    "b2g_recorder_free": (None, [c_void_p]),
    "b2g_queue_new": (c_void_p, [c_int32, c_int32]),
    "b2g_queue_free": (None, [c_void_p]),
    "b2g_queue_count": (c_int64, [c_void_p, c_int32]),
    "b2g_queue_synapses": (None, [c_void_p, c_int32, c_void_p]),
    "b2g_queue_slots": (c_int32, [c_void_p]),
    "b2g_queue_head": (c_int32, [c_void_p]),
    "b2g_queue_push": (c_int32, [c_void_p, c_void_p, c_int64]),
    "b2g_queue_advance": (None, [c_void_p]),
    "b2g_queue_forget": (None, [c_void_p]),
    "b2g_queue_set": (c_int32, [c_void_p, c_int32, c_int32, c_void_p, c_void_p]),
    "b2g_queue_prepare": (
        c_int32,
        [c_void_p, c_void_p, c_int64, c_double, c_void_p, c_int64],
    ),
}


@cache
def support() -> ctypes.CDLL:
    """The support library, compiled once per machine.

    Raises
    ------
    ToolchainError
        Where there is no compiler.
    """
    text = Path(__file__).with_name("support.c").read_text("utf-8")
    compiler = toolchain.find().with_threads()
    library = toolchain.compile_library(compiler, text, "support")
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library
