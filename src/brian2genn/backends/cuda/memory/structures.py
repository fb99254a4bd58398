"""The structures of ``brian2genn_device.h`` as NumPy types."""

from __future__ import annotations

import numpy as np

STATE = np.dtype(
    [
        ("random_step", np.uint64),
        ("late_random_step", np.uint64),
        ("running", np.int32),
        ("outcome", np.int32),
        ("arrived", np.uint32),
        ("meetings", np.uint32),
        ("met", np.uint32),
        ("most_steps", np.uint32),
        ("next_running", np.int32),
        ("next_outcome", np.int32),
        ("full", np.int32, (4,)),
    ]
)

CLOCK = np.dtype(
    [
        ("t", np.uint64),
        ("timestep", np.uint64),
        ("dt", np.float64),
        ("times", np.uint64),
        ("end", np.int64),
        ("active", np.int32),
        ("padding", np.int32),
    ]
)

TIME = np.dtype(
    [
        ("t", np.float64),
        ("timestep", np.int64),
        ("active", np.int32),
        ("padding", np.int32),
    ]
)

PLACE = np.dtype([("step", np.int64), ("head", np.int32), ("padding", np.int32)])

POSITION = np.dtype([("now", PLACE), ("late", PLACE)])

QUEUE = np.dtype(
    [
        ("ring", np.uint64),
        ("count", np.uint64),
        ("stamp", np.uint64),
        ("first_run", np.uint64),
        ("which", np.uint64),
        ("delays", np.uint64),
        ("start", np.uint64),
        ("order", np.uint64),
        ("left_start", np.uint64),
        ("left", np.uint64),
        ("owned_start", np.uint64),
        ("owned_order", np.uint64),
        ("owned_target", np.uint64),
        ("n_left_steps", np.int64),
        ("n_slots", np.int32),
        ("n_sources", np.int32),
        ("source_start", np.int32),
        ("source_stop", np.int32),
        ("n_delays", np.int32),
        ("shortest", np.int32),
        ("width_bits", np.int32),
        ("clock", np.int32),
        ("left_in_order", np.int32),
        ("n_runs", np.int32),
        ("near_at", np.int32),
        ("in_a_row", np.int32),
    ]
)

RECORDER = np.dtype(
    [
        ("data", np.uint64),
        ("capacity", np.int64),
        ("room", np.int64),
    ]
)

RECORDED = np.dtype([("rows", np.int64), ("events", np.int32), ("padding", np.int32)])


def mutable_state(n_clocks: int, n_tasks: int, n_queues: int, n_recorders: int) -> np.dtype:
    """Everything that changes while a program runs, as one structure.

    It is copied as a whole, so that one copy tells the host all it needs.
    """
    return np.dtype(
        [
            ("state", STATE),
            ("t", np.float64, (max(n_clocks, 1),)),
            ("timestep", np.int64, (max(n_clocks, 1),)),
            ("clocks", CLOCK, (max(n_clocks, 1),)),
            ("next", TIME, (max(n_clocks, 1),)),
            ("late", TIME, (max(n_clocks, 1),)),
            ("positions", POSITION, (max(n_queues, 1),)),
            ("recorded", RECORDED, (max(n_recorders, 1),)),
            ("arrived", np.uint32, (n_tasks + n_tasks % 2 + 2,)),
        ]
    )


def program_memory(
    n_arrays: int, n_numbers: int, n_integers: int, n_queues: int, n_recorders: int, n_tasks: int
) -> np.dtype:
    """The ``program_memory`` of a program: what is constant during a run."""
    return np.dtype(
        [
            ("arrays", np.uint64, (max(n_arrays, 1),)),
            ("lengths", np.int64, (max(n_arrays, 1),)),
            ("numbers", np.float64, (max(n_numbers, 1),)),
            ("integers", np.int64, (max(n_integers, 1),)),
            ("queues", QUEUE, (max(n_queues, 1),)),
            ("recorders", RECORDER, (max(n_recorders, 1),)),
            ("blocks", np.uint32, (max(n_tasks, 1),)),
            ("in_cluster", np.uint32),
            ("owned", np.uint32),
            ("aside", np.uint32),
            ("padding", np.uint32),
            ("seed", np.uint64),
            ("state", np.uint64),
            ("clocks", np.uint64),
            ("t", np.uint64),
            ("timestep", np.uint64),
            ("next", np.uint64),
            ("late", np.uint64),
            ("arrived", np.uint64),
            ("positions", np.uint64),
            ("recorded", np.uint64),
            ("constants", np.uint64),
        ],
        align=True,
    )
